"""What an SAE's ``model_from_pretrained_kwargs`` mean for a model that transformers runs.

TransformerLens rewrites weights while it loads them. Of its rewritings one changes what SAEs read and
is done here without it: writing weights that are centred make the residual stream, and what is added to
it, what transformers gives less its mean over ``d_model`` (LayerNorm models only). Folded norms change
the MLP's and attention's inputs after the norm, folded value biases the heads' outputs.
"""

from collections.abc import Mapping
from typing import Any

from saescope.errors import SaeSourceError

HARMLESS = {
    "fold_ln", "center_unembed", "fold_value_biases", "center_writing_weights", "device", "dtype", "torch_dtype",
    "device_map", "n_devices", "trust_remote_code", "token", "use_auth_token", "cache_dir", "local_files_only",
    "low_cpu_mem_usage", "attn_implementation", "default_padding_side", "default_prepend_bos", "move_to_device",
    "refactor_factored_attn_matrices", "tokenizer", "use_safetensors", "first_n_layers", "n_ctx",
}  # fmt: skip
"""Known, and done here or without effect on what an SAE reads."""
OTHER_WEIGHTS = ("checkpoint_index", "checkpoint_value", "revision")
"""They choose which weights are loaded, which is for whoever loads the model to do."""


def remarks_on(kwargs: Mapping[str, Any], name: str) -> list[str]:
    """Sentences on keywords that are not honoured, or that a person should know of."""
    found = []
    chosen = [f"{key}={kwargs[key]!r}" for key in OTHER_WEIGHTS if kwargs.get(key) is not None]
    if chosen:
        found.append(f"The SAE {name} was trained on the model at {', '.join(chosen)}: load that checkpoint.")
    unknown = sorted(key for key in kwargs if key not in HARMLESS and key not in OTHER_WEIGHTS)
    if unknown:
        found.append(
            f"The SAE {name} was trained on a model loaded with {', '.join(unknown)}, which saescope does not know and "
            "leaves out: what it reads may differ."
        )
    return found


def check_folded(kwargs: Mapping[str, Any], hook_name: str, name: str) -> None:
    """Refuse an SAE that reads weights folded together by TransformerLens, where they are not the model's own.

    Raises
    ------
    SaeSourceError
        The site is one that folding changes, and the SAE was trained with folding.
    """
    if kwargs.get("fold_ln") and hook_name.endswith("mlp.hook_in"):
        raise SaeSourceError(
            f"the SAE {name} reads {hook_name} of a model whose norms were folded into the next weights.",
            hint="That is ln2.hook_normalized of the model as it is: set cfg.metadata.hook_name to it.",
        )
    if kwargs.get("fold_value_biases") and hook_name.endswith("attn.hook_z"):
        raise SaeSourceError(
            f"the SAE {name} reads {hook_name} of a model whose value biases were folded away.",
            hint="saescope reads the heads' outputs with their biases. For a model without them, remove "
            "fold_value_biases from cfg.metadata.model_from_pretrained_kwargs.",
        )
