"""Exact effects on a real model against one full forward per feature with plain hooks, and against sae-lens.

``python -m benchmarks.check_effects MODEL SAE CORPUS`` takes 96 tokens and prints, for zero, mean and
resample, at one position and at all where a feature fires, the largest difference of any logit. The sites
of attention and MLP of the same block are taken with a random SAE.
"""

import argparse
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import torch

from benchmarks.effects import lens_bridge
from benchmarks.wide import aligned_sae
from saescope.corpus import read_documents
from saescope.effects.ablation import Ablator, ValueChange
from saescope.effects.batches import Batcher
from saescope.effects.clean import CleanRun
from saescope.effects.writing import Writer
from saescope.sources.model import LoadedModel, load_model
from saescope.sources.sae import LoadedSae, load_sae
from saescope.sources.site import find_site
from saescope.types import Site

N_TOKENS = 96
N_FEATURES = 6
TOLERANCE = 1e-4


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("given", nargs=3, metavar=("MODEL", "SAE", "CORPUS"))
    model_path, sae_path, corpus = parser.parse_args().given
    model = load_model(model_path, device="cpu")
    text = " ".join(d.text for d in islice(read_documents(corpus), 3))
    tokens = torch.tensor(model.tokenizer(text, add_special_tokens=False)["input_ids"][:N_TOKENS])
    sae = load_sae(sae_path)
    worst = compare(model, sae, tokens, with_lens=True)
    layer = find_site(model, sae).layer
    for name in (f"blocks.{layer}.hook_mlp_out", f"blocks.{layer}.hook_attn_out"):
        width = model.model.config.hidden_size
        narrow = load_sae(aligned_sae(torch.randn(64, width), 64, name))
        seen = CleanRun(model.model, find_site(model, narrow), tokens).seen
        worst = max(worst, compare(model, load_sae(aligned_sae(seen, 1024, name)), tokens))
    print(f"largest difference {worst:.1e}: {'equal' if worst <= TOLERANCE else 'NOT equal'} to {TOLERANCE:.0e}")
    raise SystemExit(worst > TOLERANCE)


def compare(model: LoadedModel, sae: LoadedSae, tokens: torch.Tensor, *, with_lens: bool = False) -> float:
    """The largest difference of a logit over kinds, places and features."""
    site = find_site(model, sae)
    run = CleanRun(model.model, site, tokens)
    with torch.no_grad():
        acts = sae.sae.encode(run.seen)
    fires = (acts[1:] != 0).sum(0)
    features = [int(f) for f in fires.argsort(descending=True)[20 : 20 + 8 * N_FEATURES : 8]]
    lens = lens_bridge(model) if with_lens else None
    ablator, worst = Ablator(run, Writer(sae.sae)), 0.0
    for kind in ("zero", "mean", "resample"):
        for place in ("one position", "all positions"):
            changes = [_change(acts, f, kind, is_one=place == "one position") for f in features]
            by_hooks = by_lens = 0.0
            for batch, logits in Batcher(run).logits([ablator.edit(c) for c in changes], is_last_only=False):
                for row, found in zip(batch.rows, logits, strict=True):
                    wanted = _plain(model.model, site, tokens, _replaced(sae.sae, acts, changes[row]))
                    by_hooks = max(by_hooks, float((found - wanted[batch.start :]).abs().max()))
                    if lens is not None:
                        theirs = _by_lens(lens, sae.sae, tokens, changes[row])
                        by_lens = max(by_lens, float((found - theirs[batch.start :]).abs().max()))
            told = f", sae-lens {by_lens:.1e}" if lens is not None else ""
            print(f"{site.name:<28}{kind:<10}{place:<16}plain hooks {by_hooks:.1e}{told}", flush=True)
            worst = max(worst, by_hooks, by_lens)
    return worst


def _change(acts: torch.Tensor, feature: int, kind: str, *, is_one: bool) -> ValueChange:
    at = np.flatnonzero(acts[:, feature].numpy())
    at = at[len(at) // 2 : len(at) // 2 + 1] if is_one else at
    old = acts[at, feature].numpy()
    draw = np.random.default_rng(feature)
    mean = float(acts[:, feature].mean())
    new = {"zero": np.zeros_like(old), "mean": np.full_like(old, mean), "resample": draw.permutation(old) * 1.5}[kind]
    return ValueChange(feature, at, old, new.astype(np.float32))


def _replaced(sae: Any, acts: torch.Tensor, change: ValueChange) -> Callable[[torch.Tensor], torch.Tensor]:
    new = acts.clone()
    new[change.positions, change.feature] = torch.from_numpy(change.new)
    return lambda x: x - sae.decode(acts) + sae.decode(new)


@torch.no_grad()
def _plain(model: Any, site: Site, tokens: torch.Tensor, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    def on_output(_module: Any, _args: Any, output: Any) -> Any:
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    handle = model.get_submodule(site.writes_to[0]).register_forward_hook(on_output)
    try:
        return model(tokens[None], use_cache=False).logits[0]
    finally:
        handle.remove()


@torch.no_grad()
def _by_lens(bridge: Any, sae: Any, tokens: torch.Tensor, change: ValueChange) -> Any:
    def set_values(acts: torch.Tensor, hook: Any = None) -> torch.Tensor:  # noqa: ARG001 - sae-lens gives it
        acts = acts.clone()
        acts[0, change.positions, change.feature] = torch.from_numpy(change.new)
        return acts

    with bridge.saes(saes=[sae], use_error_term=True):
        return bridge.run_with_hooks(tokens[None], fwd_hooks=[(bridge.get_sae_hook_name(sae), set_values)])[0]


if __name__ == "__main__":
    main()
