"""An SAE as it was meant, where its configuration or its files say otherwise.

The SAE that is given is never changed: its configuration is copied, and its weights where they differ.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from saescope.errors import InputError

METADATA = {"hook_name": str, "hook_name_out": str, "prepend_bos": bool}
CONFIG = {"normalize_activations": str, "apply_b_dec_to_input": bool}
NORMALIZATIONS = ("none", "layer_norm", "constant_norm_rescale")
ARRANGEMENTS = ("exchanged", "encoder", "decoder", "both", "unit")
KNOWN = {**METADATA, **CONFIG, "center": bool, "scale": float, "weights": str}


def check_correct(correct: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be corrected, each of its own type.

    Raises
    ------
    InputError
        A name or a value is none of those known.
    """
    made: dict[str, Any] = {}
    for name, value in correct.items():
        if name not in KNOWN:
            raise InputError(f"nothing is called {name!r} that could be corrected.", hint=f"Known: {', '.join(KNOWN)}.")
        wanted = KNOWN[name]
        is_number = wanted is float and isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number and type(value) is not wanted:
            raise InputError(f"{name} is a {wanted.__name__}, and {value!r} came.")
        made[name] = float(value) if wanted is float else value
    if not 0 < made.get("scale", 1.0) < float("inf"):
        raise InputError(f"scale is a factor above 0, and {made['scale']!r} came.")
    for name, values in (("normalize_activations", NORMALIZATIONS), ("weights", ARRANGEMENTS)):
        if made.get(name, values[0]) not in values:
            raise InputError(f"{name} is one of {', '.join(values)}, and {made[name]!r} came.")
    return made


def corrected(sae: Any, correct: Mapping[str, Any]) -> Any:
    """The SAE with some things other than its configuration and files say.

    Parameters
    ----------
    correct
        ``hook_name``, ``hook_name_out``, ``prepend_bos``, ``normalize_activations`` and ``apply_b_dec_to_input`` as
        sae-lens has them; ``center``: the model's writing weights are to be centred; ``scale``: activations
        are to be multiplied by it; ``weights``: ``"exchanged"`` (encoder and decoder), ``"encoder"``, ``"decoder"``
        or ``"both"`` (laid out the other way), ``"unit"`` (decoder rows of length 1).

    Raises
    ------
    InputError
        A name or a value is none of those known.
    """
    wanted = check_correct(correct)
    own = copied(sae)
    own.cfg = copy.deepcopy(sae.cfg)
    for name in METADATA:
        if name in wanted:
            own.cfg.metadata[name] = wanted[name]
    if "hook_name" in wanted:
        own.cfg.metadata["hf_hook_name"] = own.cfg.metadata["hf_hook_name_out"] = None
    for name in CONFIG:
        if name in wanted:
            setattr(own.cfg, name, wanted[name])
    if "normalize_activations" in wanted or ("scale" in wanted and own.cfg.normalize_activations != "none"):
        own.cfg.normalize_activations = wanted.get("normalize_activations", "none")
        own.run_time_activation_norm_fn_in = own.run_time_activation_norm_fn_out = _same
    if "center" in wanted:
        kwargs = own.cfg.metadata.get("model_from_pretrained_kwargs") or {}
        own.cfg.metadata["model_from_pretrained_kwargs"] = kwargs | {"center_writing_weights": wanted["center"]}
    if "weights" in wanted:
        own = with_weights(own, **arranged(own, wanted["weights"]))
    if "scale" in wanted:
        factor = wanted["scale"]
        own = with_weights(
            own, W_enc=own.W_enc.detach() * factor, W_dec=own.W_dec.detach() / factor, b_dec=own.b_dec.detach() / factor
        )
    return own


def _same(x: Tensor) -> Tensor:
    return x


def arranged(sae: Any, how: str) -> dict[str, Tensor]:
    """Encoder and decoder otherwise arranged; see ``weights`` of `corrected`."""
    enc, dec = sae.W_enc.detach(), sae.W_dec.detach()
    if enc.shape != dec.shape[::-1]:
        raise InputError(f"the weights of shapes {list(enc.shape)} and {list(dec.shape)} cannot be arranged otherwise.")
    if how == "exchanged":
        return {"W_enc": dec.T, "W_dec": enc.T}
    if how == "unit":
        return {"W_dec": dec / dec.norm(dim=-1, keepdim=True)}
    turned = {"W_enc": enc.reshape(dec.shape).T, "W_dec": dec.reshape(enc.shape).T}
    return {name: w for name, w in turned.items() if how == "both" or name == {"encoder": "W_enc"}.get(how, "W_dec")}


def with_weights(sae: Any, **weights: Tensor) -> Any:
    """The same SAE with some weights in the place of its own; all else is shared."""
    own = copied(sae)
    new = {name: torch.nn.Parameter(w.contiguous(), requires_grad=False) for name, w in weights.items()}
    own.__dict__["_parameters"] = dict(sae.named_parameters(recurse=False)) | new
    return own


def copied(sae: Any) -> Any:
    """The same object again, with the same parts."""
    own = object.__new__(type(sae))
    own.__dict__ = dict(sae.__dict__)
    return own
