"""Builds killed at random moments and begun again, compared with one built in peace.

    python -m benchmarks.kills [--kills 30] [--tokens 200000] [--seed 0]

Loads the demo's model and SAE once, forks a child for each build, and sends it SIGKILL at a
moment drawn evenly from the time that a whole build takes. A build that has its manifest before
its kill is replaced by a new one, until so many kills were delivered. Every part of every finished
index is compared, byte for byte, with those of an index built without interruption.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch

import saescope
from saescope.bundled import DATA, bundled_index
from saescope.index import Index
from saescope.index.manifest import manifest_numbers
from saescope.progress import Silent
from saescope.scope import Scope

SHARD_ROWS = 8192


def words(n: int, seed: int) -> list[str]:
    """Documents of made-up sentences, ``n`` words in all."""
    draw = random.Random(seed)
    stock = ["the", "of", "and", "sea", "king", "said", "a", "year", "in", "1920", "film", "was", "he", "not", "to"]
    return [" ".join(draw.choices(stock, k=200)) + "." for _ in range(n // 200)]


def digests(path: Path) -> dict[str, str]:
    """Checksums of all parts of an index."""
    index = Index(path)
    files = [index.folder / p.name for p in index.manifest.parts]
    return {f.name: hashlib.blake2b(f.read_bytes(), digest_size=16).hexdigest() for f in files}


def fork_build(scope: Scope, texts: list[str], out: Path) -> int:
    """Begin a build in a child; returns its process number."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            scope.build_index(texts, out, progress=Silent(), attach=False)
            status = 0
        finally:
            os._exit(status)
    return child


def run(scope: Scope, texts: list[str], n_kills: int, seed: int) -> tuple[int, int, int]:
    """Kill and resume.

    Returns
    -------
    tuple
        Kills delivered, indexes finished, and how many of these are identical to the undisturbed one.
    """
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        quiet = Path(folder) / "quiet"
        began = time.monotonic()
        _, status = os.waitpid(fork_build(scope, texts, quiet), 0)
        whole_s = time.monotonic() - began
        if status:
            raise SystemExit("the undisturbed build failed")
        wanted = digests(quiet)
        kills = finished = identical = 0
        out = Path(folder) / "killed"
        while kills < n_kills or out.exists():
            child = fork_build(scope, texts, out)
            deadline = time.monotonic() + (draw.uniform(0, whole_s) if kills < n_kills else 1e9)
            ended, status = 0, 0
            while not ended and time.monotonic() < deadline:
                ended, status = os.waitpid(child, os.WNOHANG)
                time.sleep(0.002)
            if not ended:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                kills += 1
            elif status:
                raise SystemExit(f"a resumed build failed after {kills} kills")
            if manifest_numbers(out):
                finished += 1
                identical += digests(out) == wanted
                shutil.rmtree(out)
    return kills, finished, identical


def main() -> int:
    """Run, and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--tokens", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    from saescope.indexing import text

    text.SHARD_ROWS = SHARD_ROWS
    scope = saescope.load(DATA / "saescope-demo", sae=DATA / bundled_index().manifest.sae["name"], device="cpu")
    kills, finished, identical = run(scope, words(options.tokens, options.seed), options.kills, options.seed)
    sys.stdout.write(f"{kills} kills, {finished} indexes finished, {identical} identical to the undisturbed one\n")
    return 0 if identical == finished else 1


if __name__ == "__main__":
    sys.exit(main())
