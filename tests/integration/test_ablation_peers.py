"""Ablation against sae-lens's own: an SAE spliced into a TransformerBridge with its error term."""

import numpy as np
import pytest
import torch
from sae_lens.analysis.sae_transformer_bridge import SAETransformerBridge
from test_ablation import IDS, TOLERANCE, make, values_of
from transformers import AutoModelForCausalLM

import tiny
from saescope.effects.ablation import Ablator
from saescope.effects.batches import Batcher
from saescope.effects.clean import CleanRun
from saescope.effects.writing import Writer
from saescope.sources.model import LoadedModel
from saescope.sources.sae import load_sae
from saescope.sources.site import find_site


def by_sae_lens(bridge, sae, changes):
    """Logits ``[n_changes, seq, n_vocab]`` of sae-lens's run with hooks, the error term kept."""

    def hook(change):
        def replace(acts, hook=None):
            acts = acts.clone()
            acts[0, change.positions, change.feature] = torch.from_numpy(change.new)
            return acts

        return replace

    name = bridge.get_sae_hook_name(sae)
    with torch.no_grad(), bridge.saes(saes=[sae], use_error_term=True):
        return [bridge.run_with_hooks(IDS[None], fwd_hooks=[(name, hook(c))])[0] for c in changes]


@pytest.mark.parametrize("kind", ["zero", "mean", "resample"])
@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("gpt2", "blocks.1.hook_resid_post"),
        ("gpt2", "blocks.2.hook_mlp_out"),
        ("llama", "blocks.1.hook_resid_post"),
        ("llama", "blocks.1.hook_attn_out"),
        ("gemma2", "blocks.2.hook_resid_post"),
        ("gemma2", "blocks.2.hook_mlp_out"),
    ],
)
def test_logits_equal_those_of_sae_lens_with_the_error_term(tmp_path, family, name, kind):
    make(family).save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    loaded = load_sae(tiny.sae(hook_name=name))
    model = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    run = CleanRun(model, find_site(LoadedModel(model, None, "tiny"), loaded), IDS)
    with torch.no_grad():
        loaded.sae.W_enc.mul_(3 / run.seen.std())
        acts = loaded.sae.encode(run.seen)
    features = acts.any(0).nonzero().flatten().tolist()[:4]
    changes = [values_of(kind, acts, f, np.flatnonzero(acts[:, f].numpy())) for f in features]
    ablator = Ablator(run, Writer(loaded.sae))
    found = {}
    for batch, logits in Batcher(run).logits([ablator.edit(c) for c in changes], is_last_only=False):
        found |= {row: (batch.start, one) for row, one in zip(batch.rows, logits, strict=True)}
    bridge = SAETransformerBridge.boot_transformers(str(tmp_path), device="cpu")
    for row, wanted in enumerate(by_sae_lens(bridge, loaded.sae, changes)):
        start, logits = found[row]
        torch.testing.assert_close(logits, wanted[start:], rtol=TOLERANCE, atol=TOLERANCE)
