"""Write docs/supported.md: which sites of which models were checked with which architectures.

The cells come from a run of tests/integration/test_sites_table.py, which also fails when the committed
page is not that of its run.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests" / "integration" / "test_sites_table.py"
WRITE = "SAESCOPE_WRITE_SUPPORTED"
RUN, LACKS, NO_SENSE = "run", "the model has no such site", "a transcoder reads what the MLP reads"
HOOKS = {
    "hook_embed": "embed", "hook_resid_pre": "resid_pre", "hook_resid_mid": "resid_mid",
    "hook_resid_post": "resid_post", "hook_attn_out": "attn_out", "attn.hook_z": "z", "hook_mlp_out": "mlp_out",
    "hook_mlp_in": "mlp_in", "ln2.hook_normalized": "ln2", "mlp.hook_in": "mlp.in", "mlp.hook_pre": "mlp.pre",
    "mlp.hook_pre_linear": "mlp.pre_linear", "mlp.hook_post": "mlp.post",
}  # fmt: skip
"""Hook names, and how the page's columns call them."""
MLP_INPUTS = ("hook_mlp_in", "ln2.hook_normalized", "mlp.hook_in")
ARCHITECTURES = {
    "standard": "standard (ReLU)", "gated": "gated", "jumprelu": "JumpReLU", "topk": "TopK",
    "topk, rescaled": "TopK, rescaled by decoder norms", "abstopk": "absolute TopK", "batchtopk": "BatchTopK",
    "matryoshka_batchtopk": "Matryoshka BatchTopK", "matching_pursuit": "matching pursuit", "temporal": "temporal",
    "standard, layer_norm": "standard on layer-normed activations",
    "topk, constant_norm_rescale": "TopK on activations of constant norm", "squarerelu": "one registered by the test",
    "transcoder": "transcoder", "skip_transcoder": "skip transcoder", "jumprelu_transcoder": "JumpReLU transcoder",
    "jumprelu_skip_transcoder": "JumpReLU skip transcoder",
}  # fmt: skip
Cells = Mapping[tuple[str, str, str], str]

TEXT = """# What is supported

Made by `tools/supported.py` from a run of `tests/integration/test_sites_table.py`; do not edit it.

{n} combinations of family, site and architecture were run: each a small random model of that family in transformers and
a random SAE of that architecture at that site. What saescope reads there equals TransformerLens's hook of that name, its
activations equal sae-lens's `encode`, and what features write, summed, equals sae-lens's `decode`, to 1e-5 in float32
(of the largest value, where that is above 1). TransformerLens is its bridge, which runs transformers' own modules;
`tests/integration/test_sites_lens.py` checks nine families against HookedTransformer's own forward pass too, and the
changes that effects make at each site.

## Sites

How many of the architectures that make sense there were run; `·` where the model has no such site.
A temporal SAE's `decode` leaves out what it predicts and is not compared.

{sites}

`embed` is `hook_embed`; the others stand in `blocks.N.`: `z` is `attn.hook_z`, with or without reshape, or one head of
it by `hook_head_index`; `ln2` is `ln2.hook_normalized`, the MLP's input before its norm's weight; `mlp_in` the residual
stream as the MLP's norm reads it; `mlp.in` the MLP's input, norm and weight done. Changes can be made at all of them
but `ln2`, where transcoders are, which write elsewhere.

## Architectures

In how many families each was run, by kind of site.

{architectures}

Cross-layer transcoders are read layer by layer, as the transcoders they are at each. Anything that is registered with
sae-lens is read by its own `encode`, row by row, or context by context where that gives something else.

Plain directions (`saescope.directions`) and crosscoders (`saescope.crosscoder`) over several sites of one model, or over one
site of several models, are read too, and are tested against plain products; crosscoders have no effects, since they write
at several places at once. Crosscoder files are read in two layouts that were taken from the projects' code and tried on
tensors made here: no published file could be fetched where this was tested.
"""


def page(cells: Cells) -> str:
    """The page of what was run."""
    families = [family for family in _shown() if any(family == one for one, _, _ in cells)]
    n_cells = f"{sum(mark == RUN for mark in cells.values()):,}"
    return TEXT.format(n=n_cells, sites=_sites(cells, families), architectures=_architectures(cells, families))


def _sites(cells: Cells, families: list[str]) -> str:
    rows = [["family", *HOOKS.values()], ["---"] * (len(HOOKS) + 1)]
    for family in families:
        found = [[cells.get((family, hook, a), "") for a in ARCHITECTURES] for hook in HOOKS]
        rows.append([_shown()[family], *(_cell(marks) for marks in found)])
    return _table(rows)


def _cell(marks: list[str]) -> str:
    if all(mark == LACKS for mark in marks):
        return "·"
    return str(marks.count(RUN)) if RUN in marks else "not run"


def _architectures(cells: Cells, families: list[str]) -> str:
    kinds = {
        "stream": [h for h in HOOKS if "resid" in h or "embed" in h],
        "attention and MLP outputs": ["hook_attn_out", "hook_mlp_out"],
        "heads": ["attn.hook_z"],
        "MLP inputs": list(MLP_INPUTS),
        "MLP hidden": ["mlp.hook_pre", "mlp.hook_pre_linear", "mlp.hook_post"],
    }
    rows = [["architecture", *kinds], ["---"] * (len(kinds) + 1)]
    for architecture, shown in ARCHITECTURES.items():
        counts = []
        for hooks in kinds.values():
            marks = [[cells.get((f, h, architecture), "") for h in hooks] for f in families]
            n_run = sum(RUN in found for found in marks)
            is_senseless = all(mark in (LACKS, NO_SENSE) for found in marks for mark in found)
            counts.append(str(n_run) if n_run else "·" if is_senseless else "not run")
        rows.append([shown, *counts])
    return _table(rows)


def _shown() -> dict[str, str]:
    sys.path.insert(0, str(ROOT / "tests"))
    from families import SHOWN

    return SHOWN


def _table(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    """Run the checks and write the page."""
    import pytest

    os.environ[WRITE] = "1"
    return int(pytest.main([str(TESTS), "-q"]))


if __name__ == "__main__":
    raise SystemExit(main())
