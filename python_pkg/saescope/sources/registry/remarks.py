"""What a person should know of an SAE before loading it, in sentences."""

import re

from saescope.sources.registry.deriving import PER_CFG, Derived
from saescope.sources.registry.models import hub_id, is_gated
from saescope.sources.registry.reading import Listed
from saescope.sources.registry.weights import is_pickle, weight_files

NORMALIZED = {
    "expected_average_only_in": "Activations are scaled by one factor, which is folded into the weights on load.",
    "constant_norm_rescale": "Each activation is rescaled to the same norm before encoding.",
    "layer_norm": "Each activation is centred and scaled to unit variance before encoding.",
    "constant_scalar_rescale": "Activations are scaled by one factor before encoding.",
}


def remarks(one: Listed, known: Derived) -> list[str]:
    """Sentences on a listed SAE, the weightiest first."""
    found = [_on_model(one, known), _on_scale(one, known), _on_site(one, known), *_on_files(one, known)]
    return [sentence for sentence in found if sentence]


def _on_model(one: Listed, known: Derived) -> str:
    if hub_id(one.model) != known.model:
        return f"The registry names {hub_id(one.model)}; it was trained on {known.model}, as sae-lens's loader knows."
    if one.loader == "llama_scope_r1_distill":
        return f"sae-lens's loader names meta-llama/Llama-3.1-8B; the registry and Neuronpedia name {known.model}."
    return ""


def _on_scale(one: Listed, known: Derived) -> str:
    centred = "Made for a model with centred writing weights: saescope subtracts the mean." if known.is_centered else ""
    if known.normalization in NORMALIZED:
        return f"{NORMALIZED[known.normalization]} {centred}".strip()
    if one.norm_scaling_factor is not None:
        factor = f"The registry holds a scale for its activations ({one.norm_scaling_factor:.3g}), folded in on load."
        return f"{factor} {centred}".strip()
    return centred


def _on_site(one: Listed, known: Derived) -> str:
    if one.loader == "mntss_clt_layer_transcoder":
        return (
            "One layer of a cross-layer transcoder with its decoders summed: for activations, not for reconstruction."
        )
    if known.site == "transcoder":
        return f"A transcoder: reads {known.hook_name} and writes {known.hook_name_out}."
    if known.site == "z":
        return "Reads the heads' outputs side by side, before the output projection."
    if known.site == "mlp_out" and known.model.startswith(("google/gemma-2-", "google/gemma-3-")):
        return "Reads the MLP's output after the norm that follows it."
    return "Reads the token embedding." if known.site == "embed" else ""


def _on_files(one: Listed, known: Derived) -> list[str]:
    step = re.search(r"_step_(\d+)$", one.sae_id)
    return [
        f"A checkpoint of training, at step {int(step.group(1)):,}." if step else "",
        "Architecture, width and more are in its own configuration, which is fetched with it."
        if known.architecture == PER_CFG
        else "",
        "Its weights are a PyTorch file, which sae-lens reads as weights only."
        if is_pickle(weight_files(one.loader, one.path))
        else "",
        f"{known.model} wants its licence accepted on the hub, and a login." if is_gated(known.model) else "",
    ]
