"""Every site of every family with every architecture, against TransformerLens's hooks and sae-lens's SAEs."""

import os
import tempfile
from functools import cache
from pathlib import Path

import pytest
import torch
from sae_lens import SAE
from sae_lens.saes.sae import SAEMetadata
from tools import supported

import dictionaries
import families
from saescope.effects.writing import Writer
from saescope.engine.architectures import BY_CONTEXT
from saescope.engine.encoder import Encoder, reconstructed
from saescope.engine.reader import SiteReader
from saescope.errors import SiteError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import load_sae
from saescope.sources.site import find_blocks, find_site, hooks_of

TOLERANCE = 1e-5
PAGE = Path(__file__).parents[2] / "docs" / "supported.md"
CELLS: dict[tuple[str, str, str], str] = {}
"""What this run has found: by family, site and architecture."""


@cache
def model_of(family):
    return families.model(family)


@cache
def hooks(family):
    model = model_of(family)
    return ["hook_embed", *hooks_of(model, find_blocks(model)[1][1])]


def name_of(hook):
    return hook if hook == "hook_embed" else f"blocks.1.{hook}"


def reference(family, hook):
    """TransformerLens's tensor at a hook; ``hook_mlp_in``, which its bridge lacks, is the stream it copies."""
    caught = families.caught(family)
    copied = "hook_resid_mid" if "hook_resid_mid" in hooks(family) else "hook_resid_pre"
    alias = {"hook_mlp_in": f"blocks.1.{copied}", "mlp.hook_in": "blocks.1.mlp.in.hook_in"}
    name = name_of(hook)
    found = caught[name] if name in caught else caught[alias[hook]]
    return found.unflatten(0, families.IDS.shape) if found.ndim == 2 else found


def metadata_of(hook, architecture):
    across = {"hook_name_out": "blocks.1.hook_mlp_out"} if architecture in dictionaries.ACROSS else {}
    return {"hook_name": name_of(hook), **across}


@cache
def read(family, hook):
    """What saescope reads there."""
    model, width = model_of(family), reference(family, hook).flatten(2).shape[-1]
    sae = load_sae(dictionaries.make("standard", width, {"hook_name": name_of(hook)}))
    site = find_site(LoadedModel(model, None, family), sae)
    return SiteReader(model, site).read(families.IDS)


@pytest.mark.parametrize("family", families.CONFIGS)
def test_every_site_is_transformer_lens_s_hook_of_that_name(family):
    for hook in hooks(family):
        wanted = reference(family, hook).flatten(2)
        torch.testing.assert_close(read(family, hook), wanted, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("family", families.CONFIGS)
def test_a_site_that_a_family_lacks_is_an_error_that_names_those_it_has(family):
    missing = [hook for hook in supported.HOOKS if hook not in hooks(family)]
    for hook in missing:
        sae = load_sae(dictionaries.make("standard", 32, {"hook_name": name_of(hook)}))
        with pytest.raises(SiteError) as caught:
            find_site(LoadedModel(model_of(family), None, family), sae)
        assert "hook_resid_post" in caught.value.hint
        for architecture in supported.ARCHITECTURES:
            CELLS[family, hook, architecture] = supported.LACKS


def suits(architecture, hook):
    return architecture not in dictionaries.ACROSS or hook in supported.MLP_INPUTS


@pytest.mark.parametrize("architecture", dictionaries.MADE)
@pytest.mark.parametrize("family", families.CONFIGS)
def test_activations_and_reconstructions_are_sae_lens_s(family, architecture):
    for hook in hooks(family):
        if not suits(architecture, hook):
            CELLS[family, hook, architecture] = supported.NO_SENSE
            continue
        x = reference(family, hook)
        is_heads = hook == "attn.hook_z" and not architecture.startswith("temporal")
        shape = "hook_z" if is_heads and architecture != "squarerelu" else "none"
        made, theirs = pair(architecture, x.flatten(2).shape[-1], shape)
        made.cfg.metadata = SAEMetadata(prepend_bos=True, **metadata_of(hook, architecture))
        ours = load_sae(made)
        find_site(LoadedModel(model_of(family), None, family), ours)
        check(theirs, ours, x if shape == "hook_z" else x.flatten(2), read(family, hook))
        CELLS[family, hook, architecture] = supported.RUN


@cache
def pair(architecture, width, shape):
    """An SAE, and what sae-lens saves of it for use where it is one in training."""
    made = dictionaries.make(architecture, width, {"hook_name": "blocks.1.attn.hook_z"}, reshape=shape)
    if not hasattr(made, "save_inference_model"):
        return made, made
    with tempfile.TemporaryDirectory() as folder:
        made.save_inference_model(folder)
        return made, SAE.load_from_disk(folder)


def close(found, wanted):
    """Equal to 1e-5, or to 1e-5 of the largest where that is above 1."""
    torch.testing.assert_close(found, wanted, rtol=TOLERANCE, atol=TOLERANCE * max(float(wanted.abs().max()), 1.0))


def check(theirs, ours, x, seen):
    with torch.no_grad():
        acts = theirs.encode(x)
        acts = acts.to_dense() if acts.is_sparse else acts
        decoded = theirs.decode(acts).flatten(2)
    found = torch.zeros(seen.shape[0] * seen.shape[1], dictionaries.D_SAE)
    nonzeros = Encoder(ours.sae).submit(seen.flatten(0, 1), [seen.shape[1]] * len(seen))()
    found[nonzeros.rows, nonzeros.features.astype("int64")] = torch.from_numpy(nonzeros.values)
    assert 0 < len(nonzeros.rows) < found.numel()
    same = are_same(found, acts.flatten(0, 1))
    if ours.architecture in BY_CONTEXT:
        return
    with torch.no_grad():
        rows, wanted = seen.flatten(0, 1)[same], decoded.flatten(0, 1)[same]
        close(reconstructed(ours.sae, rows), wanted)
        writer = Writer(ours.sae)
        bare = theirs.decode(theirs.encode(x) * 0).flatten(2).flatten(0, 1)[same]
        by_direction = found[same] @ writer.directions(range(dictionaries.D_SAE)) * writer.scales(rows)[:, None]
        close(bare + by_direction, wanted)


def are_same(found, wanted):
    """Rows that are close; at most one may have, of two features that tie for the k-th place, the other one."""
    limit = TOLERANCE * max(float(wanted.abs().max()), 1.0)
    same = torch.isclose(found, wanted, rtol=TOLERANCE, atol=limit).all(1)
    assert (~same).sum() <= 1
    ranked = (x[~same].sort(1).values for x in (found, wanted))
    torch.testing.assert_close(*ranked, rtol=TOLERANCE, atol=limit)
    return same


def test_the_committed_table_is_that_of_this_run():
    wanted = {(f, h, a) for f in families.CONFIGS for h in supported.HOOKS for a in supported.ARCHITECTURES}
    if set(CELLS) < wanted:
        pytest.skip("only some cells were run")
    if os.environ.get(supported.WRITE):
        PAGE.write_text(supported.page(CELLS))
    assert PAGE.read_text() == supported.page(CELLS), "run tools/supported.py and commit docs/supported.md"
