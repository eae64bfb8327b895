"""Exact ablation against what a user writes today: one full forward per feature with plain hooks.

CPU time of one thread for each feature, the measured things taking turns; the wall time of all
features of the last token is with all of torch's threads. sae-lens's run with hooks and the
error term goes through a TransformerBridge, on a copy of the model, where it supports it.
"""

import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.subject import Row, Subject
from saescope.effects.ablation import Measured, ValueChange
from saescope.effects.clean import CleanRun
from saescope.effects.prompt import run_prompt
from saescope.engine.encoder import Nonzeros
from saescope.sources.model import LoadedModel

N_TOKENS = 128
N_PLAIN = 3
AGAINST = "one full forward per feature with plain hooks"


def rows(subject: Subject, repeats: int) -> list[Row]:
    """The lines of the table."""
    model, sae, site = subject.scope.parts
    tokens = subject.tokens[:N_TOKENS]
    _, nonzeros, ablator = run_prompt(model.model, sae.sae, site, tokens)
    last, middle = len(tokens) - 1, len(tokens) // 2
    plain = [_plain(model.model, sae.sae, site, tokens, f) for f in nonzeros.features[:N_PLAIN].tolist()]
    lens = _sae_lens(subject, tokens, nonzeros)
    found: list[Row] = []
    what = Measured(torch.from_numpy(np.append(tokens[1:], 0)), is_last_only=True)
    places = {
        f"last of {len(tokens)} tokens": (last, what),
        f"middle of {len(tokens)} tokens": (middle, what),
        "middle, measured at all after": (middle, _all(what)),
    }
    for name, (pos, wanted) in places.items():
        edits = [ablator.edit(c) for c in _changes(nonzeros, pos)]
        ablator.output(pos)
        ours, theirs, peers = [], [], []
        for n in range(repeats):
            ours.append(_cpu(lambda e=edits, w=wanted: list(ablator.measure(e, w))) / len(edits))
            theirs.append(_cpu(plain[n % len(plain)]))
            peers += [_cpu(lens)] if lens is not None else []
        mine, base = float(np.median(ours)), float(np.median(theirs))
        found.append(Row(f"zero ablation at the {name}", f"{base / mine:.1f} x faster", AGAINST))
        if peers:
            ratio = float(np.median(peers)) / mine
            found.append(Row("  the same", f"{ratio:.1f} x faster", "sae-lens run with hooks, error term kept"))
    edits = [ablator.edit(c) for c in _changes(nonzeros, last)]
    wall = _with_threads(lambda: list(ablator.measure(edits, what)), repeats)
    found.append(Row(f"all {len(edits)} features of the last token", f"{wall * 1e3:.0f} ms", "wall, all threads"))
    clean = _with_threads(lambda: CleanRun(model.model, site, torch.from_numpy(tokens)), repeats)
    found.append(Row(f"clean run of {len(tokens)} tokens", f"{clean * 1e3:.0f} ms", "wall, all threads"))
    return found


def _all(what: Measured) -> Measured:
    return Measured(what.targets, is_last_only=False)


def _changes(nonzeros: Nonzeros, pos: int) -> list[ValueChange]:
    own = nonzeros.rows == pos
    at, zero = np.array([pos]), np.zeros(1, np.float32)
    pairs = zip(nonzeros.features[own].tolist(), nonzeros.values[own], strict=True)
    return [ValueChange(f, at, np.array([v], np.float32), zero) for f, v in pairs]


def _plain(model: Any, sae: Any, site: Any, tokens: NDArray[np.int64], feature: int) -> Callable[[], Any]:
    """A full forward pass in which a hook encodes, sets the feature to 0, decodes and keeps the error."""
    ids = torch.from_numpy(tokens)[None]
    path, kind = site.writes_to

    def changed(x: torch.Tensor) -> torch.Tensor:
        acts = sae.encode(x)
        error = x - sae.decode(acts)
        acts[:, -1, feature] = 0
        return sae.decode(acts) + error

    def on_output(_module: Any, _args: Any, output: Any) -> Any:
        return (changed(output[0]), *output[1:]) if isinstance(output, tuple) else changed(output)

    def run() -> None:
        module = model.get_submodule(path)
        handle = (
            module.register_forward_hook(on_output)
            if kind == "output"
            else module.register_forward_pre_hook(lambda _m, args: (changed(args[0]), *args[1:]))
        )
        try:
            with torch.no_grad():
                model(ids, use_cache=False)
        finally:
            handle.remove()

    return run


def _sae_lens(subject: Subject, tokens: NDArray[np.int64], nonzeros: Nonzeros) -> Callable[[], Any] | None:
    model, sae, _site = subject.scope.parts
    ids, feature = torch.from_numpy(tokens)[None], int(nonzeros.features[-1])
    bridge = lens_bridge(model)
    if bridge is None:
        return None
    name = bridge.get_sae_hook_name(sae.sae)

    def zero(acts: torch.Tensor, hook: Any = None) -> torch.Tensor:  # noqa: ARG001 - sae-lens gives it
        acts = acts.clone()
        acts[0, -1, feature] = 0
        return acts

    def run() -> None:
        with torch.no_grad(), bridge.saes(saes=[sae.sae], use_error_term=True):
            bridge.run_with_hooks(ids, fwd_hooks=[(name, zero)])

    run()
    return run


def lens_bridge(model: LoadedModel) -> Any:
    """sae-lens's way to run a copy of the model with an SAE, or ``None`` where it does not support the model."""
    from sae_lens.analysis.sae_transformer_bridge import SAETransformerBridge

    with tempfile.TemporaryDirectory() as folder:
        model.model.save_pretrained(folder)
        model.tokenizer.save_pretrained(folder)
        try:
            return SAETransformerBridge.boot_transformers(folder, device="cpu")
        except (ValueError, KeyError, NotImplementedError):
            return None


def _cpu(work: Callable[[], Any]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def _with_threads(work: Callable[[], Any], repeats: int) -> float:
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    try:
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
    return float(np.median(times))
