"""How cost and memory grow with the width of the SAE and with the number of tokens.

    python -m benchmarks.growth [--out docs/pictures] [--results FILE] [--quick]

1. Width: random JumpReLU SAEs whose features fire by a law of Zipf, forty on a token, read random
   activations; then shards of nonzeros drawn by the same law are written and finished.
2. Tokens: shards of such nonzeros at one width, written and finished.

Each point is measured in a process of its own, on one torch thread: CPU time, and the peak of
private memory (``RssAnon``, looked at every few milliseconds, Linux) above what the process held when the
step began. Mapped files are given apart: the system takes their pages back when it needs them.
"""

import argparse
import ctypes
import json
import math
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.plots import draw

L0, D_IN, CONTEXT, VOCAB, HEAD = 40, 576, 128, 49_152, 10
ONE_IN = 64
BATCH, TILE, LENS_VOCAB = 1024, 65_536, 256
WIDTHS = {4096: 16_384, 16_384: 16_384, 65_536: 8192, 262_144: 4096, 1_048_576: 2048}
WIDTH_ROWS, TOKENS_WIDTH = 262_144, 16_384
N_TOKENS = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)

SHARD = 65_536
COST, MEMORY = "CPU microseconds a token", "peak memory in MB, the weights apart"
ENCODER_STEPS = {"encoding": "encode", "explained variance": "explained variance"}
ENCODER_STEPS |= {"directions": "directions", "logit lens": "lens"}
INDEX_STEPS = {"shard": "shard", "finishing": "finish"}

Point = dict[str, Any]
Facts = dict[str, float]


class Steps:
    """CPU seconds and peak memory of the steps of a point, summed and at most, by name."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = defaultdict(float)
        self.peak_mb: dict[str, float] = defaultdict(float)
        self.mapped_mb: dict[str, float] = defaultdict(float)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what runs inside."""
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
        before, is_over = held_mb(), threading.Event()

        def look() -> None:
            while not is_over.wait(0.004):
                now = held_mb()
                self.peak_mb[name] = max(self.peak_mb[name], now[0] - before[0])
                self.mapped_mb[name] = max(self.mapped_mb[name], now[1] - before[1])

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        began = time.process_time()
        yield
        self.cpu_s[name] += time.process_time() - began
        is_over.set()
        looking.join()

    def facts(self) -> Facts:
        """All of them, flat."""
        kinds = {"cpu_s": self.cpu_s, "peak_mb": self.peak_mb, "mapped_mb": self.mapped_mb}
        return {f"{name}.{kind}": value for kind, found in kinds.items() for name, value in found.items()}


def held_mb() -> tuple[float, float]:
    """Private memory and mapped files of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    found = {name: float(rest.split()[0]) for name, _, rest in (s.partition(":") for s in lines) if name[:3] == "Rss"}
    return found["RssAnon"] * 1.024e-3, found["RssFile"] * 1.024e-3


def densities(d_sae: int) -> NDArray[np.float64]:
    """On what share of the tokens each feature fires: by a law of Zipf, in random order, ``L0`` in sum."""
    law = 1 / (np.arange(d_sae) + HEAD)
    return np.random.default_rng(0).permutation(law * L0 / law.sum())


def random_sae(d_sae: int) -> Any:
    """A JumpReLU SAE that fires with these densities on independent normal activations."""
    import torch
    from sae_lens import SAE

    facts = {"architecture": "jumprelu", "d_in": D_IN, "d_sae": d_sae, "dtype": "float32", "device": "cpu"}
    facts |= {"apply_b_dec_to_input": True, "normalize_activations": "none", "reshape_activations": "none"}
    made = SAE.from_dict(facts | {"metadata": {"hook_name": "made-up"}})
    with torch.no_grad():
        for low in range(0, d_sae, TILE):
            rows = torch.nn.functional.normalize(torch.randn(min(TILE, d_sae - low), D_IN))
            made.W_dec[low : low + TILE] = rows
            made.W_enc[:, low : low + TILE] = rows.T
        made.b_enc.zero_()
        made.b_dec.zero_()
        made.threshold.copy_(torch.special.ndtri(1 - torch.from_numpy(densities(d_sae))))
    return made


def measure_encoder(d_sae: int, n_tokens: int, steps: Steps) -> Facts:
    """The bare product beside `Encoder.encode`, taking turns; then what else goes through the weights."""
    import torch
    from safetensors.numpy import save_file

    from saescope.engine.directions import unit_rows
    from saescope.engine.encoder import Encoder
    from saescope.engine.lens import read_lens
    from saescope.index.choice import position_hash
    from saescope.index.layout import Layout
    from saescope.index.rule import EVERYTHING
    from saescope.indexing.worker import SAMPLED, Batch, Sample
    from saescope.sources.sae import load_sae

    sae = random_sae(d_sae)
    with torch.inference_mode():
        x = torch.randn(n_tokens, D_IN)
        out = torch.zeros(BATCH * min(TILE, d_sae))
        n, product_s = 0, 0.0
        with steps.step("product and encode"):
            encoder = Encoder(sae)
            encoder.encode(x[:8])
            for part in x.split(BATCH):
                began = time.process_time()
                for low in range(0, d_sae, TILE):
                    weights = sae.W_enc[:, low : low + TILE]
                    torch.mm(part, weights, out=out[: len(part) * weights.shape[1]].view(len(part), -1))
                product_s += time.process_time() - began
                began = time.process_time()
                n += len(encoder.encode(part).rows)
                steps.cpu_s["encode"] += time.process_time() - began
        steps.cpu_s["product"] = product_s
        steps.peak_mb["encode"] = steps.peak_mb["product and encode"]
        del encoder, out
        starts = np.arange(0, 1 << 20, CONTEXT)
        start = int(starts[position_hash(np.zeros_like(starts), starts) % np.uint64(SAMPLED) == 0][0])
        ids = np.zeros(start + CONTEXT, dtype=np.int64)
        sample = Sample(load_sae(sae), Layout(ids, CONTEXT, starts[:1], np.zeros(1, np.bool_), EVERYTHING), start)
        batch = Batch(ids[None, start:], np.ones((1, CONTEXT), dtype=np.bool_), np.arange(CONTEXT))
        with steps.step("explained variance"):
            sample.take(batch, x[:CONTEXT])
        with tempfile.TemporaryDirectory() as folder, steps.step("directions"):
            save_file(unit_rows(sae), Path(folder) / "directions")
        head = SimpleNamespace(weight=torch.randn(LENS_VOCAB, D_IN))
        with steps.step("lens"):
            read_lens(SimpleNamespace(get_output_embeddings=lambda: head), sae.W_dec, LENS_VOCAB, convention="raw")
    return {"l0": n / n_tokens, "weights_mb": 8e-6 * d_sae * D_IN}


def nonzeros(rates: NDArray[np.float64], n_rows: int, draw: np.random.Generator) -> Any:
    """Nonzeros of some rows; each feature fires by its rate, on rows apart."""
    from saescope.engine.encoder import Nonzeros

    features = np.repeat(np.arange(len(rates)), draw.poisson(rates * n_rows)).astype(np.uint64)
    keys = np.unique((draw.integers(0, n_rows, len(features)).astype(np.uint64) << np.uint64(32)) | features)
    values = draw.exponential(3.0, len(keys)).astype(np.float32) + np.float32(1e-3)
    return Nonzeros((keys >> np.uint64(32)).astype(np.int64), keys.astype(np.uint32), values)


def plan(workspace: Any, d_sae: int, n_rows: int, draw: np.random.Generator) -> Any:
    """A manifest of a made-up text, whose parts are written."""
    import polars as pl

    from saescope.index.choice import GROUPS
    from saescope.index.manifest import Manifest
    from saescope.index.postings import SHARD_ROWS
    from saescope.index.rule import Rule
    from saescope.index.store import DOCS, TOKENS, VOCABULARY, token_dtype
    from saescope.index.vocabulary import Vocabulary
    from saescope.indexing.finish import EXTRAS

    pieces = [f"t{i}" for i in range(VOCAB)]
    starts = np.unique(np.r_[0, draw.integers(1, n_rows, n_rows // 600)])
    with workspace.part(VOCABULARY) as path:
        Vocabulary(pieces, [p.encode() for p in pieces], np.zeros(VOCAB, dtype=np.bool_)).write(path)
    with workspace.part(DOCS) as path:
        docs = {"doc": np.arange(len(starts), dtype=np.uint32), "start": starts.astype(np.uint64)}
        pl.DataFrame(docs).with_columns(source=pl.lit("made up")).write_parquet(path)
    with workspace.part(TOKENS) as path:
        np.exp(draw.random(n_rows) * math.log(VOCAB)).astype(token_dtype(VOCAB)).tofile(path)
    workspace.write_extras(EXTRAS, {})
    made = Manifest(
        n_rows=n_rows,
        context_size=CONTEXT,
        is_packed=True,
        d_sae=d_sae,
        d_in=D_IN,
        vocab_size=VOCAB,
        shard_starts=list(range(0, n_rows, SHARD_ROWS)),
        rule=Rule().as_dict(),
        groups=list(GROUPS),
        model={"name": "made up", "fingerprint": "", "dtype": "float32"},
        sae={"name": "made up", "fingerprint": "", "hook_name": ""},
        corpus={"name": "made up", "fingerprint": ""},
        settings={},
        made_by="benchmarks.growth",
        folder=workspace.folder.name,
    )
    workspace.begin(made)
    return made


def measure_index(d_sae: int, n_rows: int, steps: Steps) -> Facts:
    """Shards sorted and written, one after the other, then finished; sizes on disk."""
    from saescope.engine.encoder import Nonzeros, joined
    from saescope.indexing.finish import finish, read_layout
    from saescope.indexing.shards import Shard, by_feature, by_row, save_shard
    from saescope.indexing.workspace import Workspace
    from saescope.progress import Silent

    class Sizes(Silent):
        """Looks at the folder when the tables are written and nothing is taken away yet."""

        n_bytes = 0

        def finish(self) -> None:
            self.n_bytes = size_of(workspace.folder)

    draw = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        workspace, sizes = Workspace(Path(folder) / "index"), Sizes()
        manifest = plan(workspace, d_sae, n_rows, draw)
        rates, n_found = -np.log1p(-densities(d_sae)), 0
        for number in range(manifest.n_shards):
            n = manifest.shard_rows(number)
            found = nonzeros(rates, n, draw)
            cuts = np.searchsorted(found.rows, np.arange(BATCH, n, BATCH))
            columns = (np.split(c, cuts) for c in (found.rows, found.features, found.values))
            parts = [Nonzeros(*(c.copy() for c in lot)) for lot in zip(*columns, strict=True)]
            n_found += len(found.rows)
            del found
            with steps.step("shard"):
                whole = joined(parts)
                rows = by_row(whole, n, d_sae, np.ones(n, dtype=np.float32), np.ones(3 + D_IN))
                save_shard(workspace.folder, number, Shard(by_feature(whole, d_sae), rows))
                del rows, whole
            held = sum(c.nbytes for p in parts for c in (p.rows, p.features, p.values))
            del parts
        steps.peak_mb["shard"] += 1e-6 * held
        built = size_of(workspace.folder)
        with steps.step("finish"):
            finish(workspace, manifest, read_layout(workspace.folder, manifest), sizes)
        finished = size_of(Path(folder))
    return {"l0": n_found / n_rows, "built": built, "most": sizes.n_bytes, "finished": finished}


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def measure(point: Point) -> Facts:
    """One point, in this process."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = Steps()
    task = measure_encoder if point["what"] == "encoder" else measure_index
    facts = task(point["d_sae"], point["n_rows"], steps)
    return facts | steps.facts() | {"max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1.024e-3}


def measured(point: Point, results: "Path | None") -> Facts:
    """One point in a process of its own, or what the file of results has of it."""
    key = f"{point['what']} {point['d_sae']} {point['n_rows']}"
    known = json.loads(results.read_text(encoding="utf-8")) if results is not None and results.exists() else {}
    if key not in known:
        command = [sys.executable, "-m", "benchmarks.growth", "--point", json.dumps(point)]
        began = time.monotonic()
        found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        known[key] = json.loads(found.splitlines()[-1])
        print(f"{key}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        if results is not None:
            results.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return known[key]


def points(*, is_quick: bool) -> tuple[list[Point], list[Point], list[Point]]:
    """What is measured: encoders by width, indexes by width, indexes by tokens."""
    widths = dict(list(WIDTHS.items())[:2]) if is_quick else WIDTHS
    encoders = [{"what": "encoder", "d_sae": d, "n_rows": 2048 if is_quick else n} for d, n in widths.items()]
    indexes = [{"what": "index", "d_sae": d, "n_rows": SHARD if is_quick else WIDTH_ROWS} for d in widths]
    by_tokens = N_TOKENS[:2] if is_quick else N_TOKENS
    return encoders, indexes, [{"what": "index", "d_sae": TOKENS_WIDTH, "n_rows": n} for n in by_tokens]


def table(columns: dict[str, list[str]]) -> str:
    """A table in Markdown."""
    lines = [list(columns), ["--:"] * len(columns), *map(list, zip(*columns.values(), strict=True))]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def per(lot: list[Point], found: list[Facts], name: str, unit: float = 1e6) -> list[float]:
    """A fact of each point for each of its tokens."""
    return [unit * f[name] / p["n_rows"] for p, f in zip(lot, found, strict=True)]


def written(values: Iterable[float]) -> list[str]:
    """Figures to three places."""
    return [f"{v:,.0f}" if v >= 100 else f"{v:.3g}" for v in values]


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="a folder to draw into")
    parser.add_argument("--results", type=Path, help="a file that keeps what was measured; only the rest is measured")
    parser.add_argument("--quick", action="store_true", help="only the smallest points")
    parser.add_argument("--point", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point is not None:
        print(json.dumps(measure(options.point)))
        return
    lots = points(is_quick=options.quick)
    encoders, indexes, streams = lots
    at, by_width, by_tokens = ([measured(p, options.results) for p in lot] for lot in lots)
    widths, tokens = [p["d_sae"] for p in encoders], [p["n_rows"] for p in streams]
    cost = {
        "bare product": per(encoders, at, "product.cpu_s"),
        "Encoder.encode": per(encoders, at, "encode.cpu_s"),
        "explained variance": [1e6 * f["explained variance.cpu_s"] / (CONTEXT * ONE_IN) for f in at],
        "shard": per(indexes, by_width, "shard.cpu_s"),
        "finishing": per(indexes, by_width, "finish.cpu_s"),
    }
    print("CPU microseconds a token, by width\n")
    whole = {"finishing, s": written(f["finish.cpu_s"] for f in by_width)}
    print(table({"d_sae": [f"{w:,}" for w in widths]} | {k: written(v) for k, v in cost.items()} | whole))
    memory = {name: [f[f"{key}.peak_mb"] for f in at] for name, key in ENCODER_STEPS.items()}
    memory |= {name: [f[f"{key}.peak_mb"] for f in by_width] for name, key in INDEX_STEPS.items()}
    print("Peak memory in MB, the weights apart, by width\n")
    weights = {"d_sae": [f"{w:,}" for w in widths], "weights": written(f["weights_mb"] for f in at)}
    print(table(weights | {k: written(v) for k, v in memory.items()}))
    cost_n = {"shards": per(streams, by_tokens, "shard.cpu_s"), "finishing": per(streams, by_tokens, "finish.cpu_s")}
    disk = {"shards": "built", "both": "most", "finished": "finished"}
    held = {"shards": "shard.peak_mb", "finishing": "finish.peak_mb", "mapped files": "finish.mapped_mb"}
    memory_n = {name: [f[key] for f in by_tokens] for name, key in held.items()}
    print(f"By tokens, {TOKENS_WIDTH:,} features: CPU microseconds a token, bytes a token on disk, peak MB\n")
    columns = {"tokens": [f"{n:,}" for n in tokens]}
    columns |= {f"{k}, us": written(v) for k, v in cost_n.items()}
    columns |= {f"{k}, bytes": written(per(streams, by_tokens, key, 1)) for k, key in disk.items()}
    print(table(columns | {f"{k}, MB": written(v) for k, v in memory_n.items()}))
    if options.out is not None:
        draw(options.out / "growth-width.svg", "d_sae", widths, {COST: cost, MEMORY: memory})
        draw(options.out / "growth-tokens.svg", "tokens", tokens, {COST: cost_n, MEMORY: memory_n})


if __name__ == "__main__":
    main()
