"""The cost of a build beside its floor: forward to the site and the bare encoder product."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.subject import Row, Subject
from saescope.engine.encoder import Encoder
from saescope.engine.reader import SiteReader
from saescope.progress import Silent

SMALL_TOKENS = 8192


def rows(subject: Subject, repeats: int, *, extras: bool = True) -> list[Row]:
    """Build, floor and the plain encoder, taking turns; ``extras`` with logit lens and loss recovered too."""
    model, sae, site = subject.scope.parts
    reader, encoder = SiteReader(model.model, site), Encoder(sae.sae)
    batches = torch.from_numpy(subject.tokens).reshape(-1, subject.context).split(max(1024 // subject.context, 1))
    few = batches[: max(SMALL_TOKENS // 1024, 1)]
    sites = [reader.read(b).reshape(-1, sae.d_in) for b in few]

    @torch.inference_mode()
    def floor() -> None:
        for batch in batches:
            torch.mm(reader.read(batch).reshape(-1, sae.d_in), sae.sae.W_enc)

    def build(*, is_whole: bool) -> None:
        with tempfile.TemporaryDirectory() as folder:
            subject.scope.build_index(
                subject.texts,
                Path(folder) / "i",
                max_tokens=len(subject.tokens),
                lens=is_whole,
                recovery=is_whole,
                progress=Silent(),
                attach=False,
            )

    @torch.inference_mode()
    def product() -> None:
        for x in sites:
            torch.mm(x, sae.sae.W_enc)

    def ours() -> None:
        for x in sites:
            encoder.encode(x)

    @torch.inference_mode()
    def plain() -> None:
        for x in sites:
            sae.sae.encode(x).nonzero()

    def full() -> None:
        with torch.inference_mode():
            for batch in few:
                model.model(batch, use_cache=False)

    def to_the_site() -> None:
        for batch in few:
            reader.read(batch)

    product_s, ours_s, plain_s, full_s, site_s = medians([product, ours, plain, full, to_the_site], repeats)
    builds = [lambda: build(is_whole=False), *([lambda: build(is_whole=True)] if extras else [])]
    floor_s, index_s, *whole_s = medians([floor, *builds], repeats, warms_up=False)
    n, n_few = len(subject.tokens), sum(len(x) for x in sites)
    against = f"floor: forward to the site + encoder product ({1e6 * floor_s / n:.0f} us/token)"
    return [
        *(Row("whole build", f"{s / floor_s:.3f} x", against) for s in whole_s),
        Row("whole build, without logit lens and loss recovered", f"{index_s / floor_s:.3f} x", against),
        Row("the floor's speed", f"{share_of_peak(subject, floor_s):.0%}", "of a square matrix product, float32"),
        Row(
            "forward to the site",
            f"{site_s / full_s:.3f} x",
            f"full forward pass ({1e6 * full_s / n_few:.0f} us/token)",
        ),
        Row("encode and take nonzeros", f"{ours_s / product_s:.2f} x", "bare encoder product"),
        Row("sae.encode and nonzero()", f"{plain_s / product_s:.2f} x", "bare encoder product"),
        Row("build, tokens a CPU second", f"{n / index_s:,.0f}", "one thread, without these two"),
    ]


def share_of_peak(subject: Subject, floor_s: float) -> float:
    """What the floor reaches of the speed of a plain matrix product; attention is not counted as work."""
    model, sae, site = subject.scope.parts
    side = 2048
    a, b = torch.randn(side, side), torch.randn(side, side)
    (product_s,) = medians([lambda: torch.mm(a, b)], 5)
    blocks = structure(model.model)[: site.layer + (site.kind == "output")]
    weights = sum(p.numel() for block in blocks for p in block.parameters() if p.dim() == 2)
    work = 2 * len(subject.tokens) * (weights + sae.sae.W_enc.numel())
    return (work / floor_s) / (2 * side**3 / product_s)


def structure(model: Any) -> Any:
    """The model's blocks, in order."""
    return max((m for m in model.modules() if isinstance(m, torch.nn.ModuleList)), key=len)


def medians(functions: list[Callable[[], None]], repeats: int, *, warms_up: bool = True) -> list[float]:
    """Median CPU seconds of each, the functions taking turns, after one warm-up unless told otherwise."""
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(repeats + warms_up):
        for function, found in zip(functions, times, strict=True):
            began = time.process_time()
            function()
            if turn >= warms_up:
                found.append(time.process_time() - began)
    return [statistics.median(t) for t in times]
