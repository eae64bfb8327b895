"""The cost of a build beside its floor: forward to the site and the bare encoder product."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.subject import Row, Subject
from saescope.engine.encoder import Encoder
from saescope.engine.reader import SiteReader
from saescope.progress import Silent


def rows(subject: Subject, repeats: int) -> list[Row]:
    """Build, floor and the plain encoder, taking turns."""
    model, sae, site = subject.scope.parts
    reader, encoder = SiteReader(model.model, site), Encoder(sae.sae)
    batches = torch.from_numpy(subject.tokens).reshape(-1, subject.context).split(max(1024 // subject.context, 1))
    sites = [reader.read(b).reshape(-1, sae.d_in) for b in batches]

    @torch.inference_mode()
    def floor() -> None:
        for batch in batches:
            torch.mm(reader.read(batch).reshape(-1, sae.d_in), sae.sae.W_enc)

    def build() -> None:
        with tempfile.TemporaryDirectory() as folder:
            subject.scope.build_index(
                subject.texts, Path(folder) / "i", max_tokens=len(subject.tokens), progress=Silent(), attach=False
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
            for batch in batches:
                model.model(batch, use_cache=False)

    floor_s, build_s, product_s, ours_s, plain_s, full_s = medians([floor, build, product, ours, plain, full], repeats)
    n = len(subject.tokens)
    to_the_site = floor_s - product_s
    return [
        Row(
            "whole build",
            f"{build_s / floor_s:.3f} x",
            f"floor: forward to the site + encoder product ({1e6 * floor_s / n:.0f} us/token)",
        ),
        Row(
            "forward to the site",
            f"{to_the_site / full_s:.3f} x",
            f"full forward pass ({1e6 * full_s / n:.0f} us/token)",
        ),
        Row("encode and take nonzeros", f"{ours_s / product_s:.2f} x", "bare encoder product"),
        Row("sae.encode and nonzero()", f"{plain_s / product_s:.2f} x", "bare encoder product"),
        Row("whole build, tokens a CPU second", f"{n / build_s:,.0f}", "one thread"),
    ]


def medians(functions: list[Callable[[], None]], repeats: int) -> list[float]:
    """Median CPU seconds of each, the functions taking turns after one warm-up."""
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(repeats + 1):
        for function, found in zip(functions, times, strict=True):
            began = time.process_time()
            function()
            if turn:
                found.append(time.process_time() - began)
    return [statistics.median(t) for t in times]
