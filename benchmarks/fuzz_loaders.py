"""What becomes of files that strangers could have made: every loader, many inputs, nothing but loads and own errors.

``python benchmarks/fuzz_loaders.py [N] [--only WORDS] [--seed S]`` changes well-made files in one to three places
(`tests/hostile.py`), gives them to the loader they are for, and counts the outcomes. N is inputs in all, 100,000 by
default, in equal shares, of which imports take half a one. Faults, which are anything but a load or an error of
saescope, an input that takes over 30 s of processor time, and memory that grows by over 256 MB on one, are printed with
the edits that make them; the exit status is then 1.

Method: hypothesis draws the edits, from a seed; memory is the peak resident size of the process, read after each input.
"""

import argparse
import collections
import json
import logging
import math
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

LIMIT_S = 30
LIMIT_MB = 256
SETTLED = 50
"""Inputs after which libraries are imported, and memory is held against what it was."""


class _SlowError(BaseException):
    """An input took too long."""


class Tally:
    """Outcomes of one loader's inputs."""

    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.faults: dict[str, Any] = {}
        self.slowest_s = 0.0
        self.most_mb = 0.0
        self._peak = _peak_mb()

    def take(self, outcome: str, seconds: float, edits: Any, told: str = "") -> None:
        """Count an input."""
        self.counts[outcome] += 1
        self.slowest_s = max(self.slowest_s, seconds)
        peak = _peak_mb()
        grown, self._peak = peak - self._peak, peak
        if self.counts.total() > SETTLED:
            self.most_mb = max(self.most_mb, grown)
            if grown > LIMIT_MB:
                self.faults.setdefault(f"memory +{grown:.0f} MB", edits)
        if told:
            self.faults.setdefault(told, edits)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _told(err: BaseException) -> str:
    frames = traceback.extract_tb(err.__traceback__)[-2:]
    return (
        f"{type(err).__name__}: {str(err)[:100]} ({', '.join(f'{Path(f.filename).name}:{f.lineno}' for f in frames)})"
    )


def fuzz(subject: Any, n: int, seed: int, folder: Path) -> Tally:
    """Give a loader ``n`` edited inputs."""
    import hypothesis

    import hostile

    hostile.run(subject, [], folder)
    tally = Tally()

    def stop(_signal: int, _frame: Any) -> None:
        raise _SlowError(f"over {LIMIT_S} s")

    signal.signal(signal.SIGPROF, stop)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=n,
        database=None,
        deadline=None,
        suppress_health_check=[*hypothesis.HealthCheck.__members__.values()],
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(hostile.EDITS)
    def each(edits: Any) -> None:
        begun = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
        try:
            outcome, told = hostile.run(subject, edits, folder), ""
        except KeyboardInterrupt:
            raise
        except BaseException as err:  # noqa: BLE001 - whatever comes is what is counted
            outcome, told = "FAULT", _told(err)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        tally.take(outcome, time.process_time() - begun, edits, told)

    each()
    return tally


def main() -> int:
    """Run, and print a table and its figures as JSON."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("n", nargs="?", type=int, default=100_000)
    made.add_argument("--only", default="", help="loaders whose names hold these words")
    made.add_argument("--seed", type=int, default=0)
    options = made.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    import hostile

    chosen = [s for s in hostile.SUBJECTS if options.only in s.name]
    shares = [0.5 if s.name.startswith("import") else 1.0 for s in chosen]
    n_faults, totals, begun = 0, collections.Counter(), time.perf_counter()
    memory = Path("/dev/shm")  # noqa: S108 - its names are drawn at random
    for subject, share in zip(chosen, shares, strict=True):
        n, start = math.ceil(options.n * share / sum(shares)), time.perf_counter()
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
            tally = fuzz(subject, n, options.seed, Path(folder) / "input")
        totals += tally.counts
        n_faults += len(tally.faults)
        outcomes = ", ".join(f"{what} {count:,}" for what, count in sorted(tally.counts.items()))
        line = f"{subject.name:<32} {tally.counts.total():>7,} in {time.perf_counter() - start:>5.0f} s; "
        print(f"{line}slowest {tally.slowest_s:.2f} s; most memory +{tally.most_mb:.0f} MB; {outcomes}", flush=True)
        for told, edits in tally.faults.items():
            print(f"    {told}\n        {edits}", flush=True)
    print(
        json.dumps({"n": totals.total(), "seconds": round(time.perf_counter() - begun), **totals, "faults": n_faults})
    )
    return 1 if n_faults else 0


if __name__ == "__main__":
    sys.exit(main())
