"""An SAE as it is used after training, and so that nothing of one text is left for the next.

1. SAEs of sae-lens's training classes (BatchTopK chooses among a whole batch) become what sae-lens saves of
   them for use.
2. Normalisations that remember what they took out of the activations do so by thread, and give
   it back as often as asked; sae-lens's forget it after one ``decode``.
3. Per-head activations come as transformers lays them, side by side, so that nothing is reshaped.

The weights are shared with what was given, which itself is not changed.
"""

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from saescope.errors import ComputeError, SaeSourceError


def for_use(sae: Any) -> Any:
    """The SAE in this form; itself where there is nothing to do.

    Raises
    ------
    SaeSourceError
        It was given in training, and sae-lens cannot tell what it would be in use.
    """
    sae = _trained(sae)
    kind, shape = sae.cfg.normalize_activations, getattr(sae.cfg, "reshape_activations", "none")
    if kind not in STATEFUL and shape == "none":
        return sae
    own = object.__new__(type(sae))
    own.__dict__ = dict(sae.__dict__)
    if shape == "hook_z":
        own.turn_off_forward_pass_hook_z_reshaping()
    if kind in STATEFUL:
        own.run_time_activation_norm_fn_in, own.run_time_activation_norm_fn_out = STATEFUL[kind](int(sae.cfg.d_in))
    return own


def _trained(sae: Any) -> Any:
    if not hasattr(sae, "process_state_dict_for_saving_inference"):
        return sae
    from sae_lens import SAE, SAEConfig

    try:
        config = sae.cfg.get_inference_sae_cfg_dict()
        weights = {name: tensor.detach().clone() for name, tensor in sae.state_dict().items()}
        sae.process_state_dict_for_saving_inference(weights)
        cfg = SAEConfig.from_dict(config)
        kind: Any = SAE.get_sae_class_for_architecture(cfg.architecture())
        made = kind(cfg)
        made.process_state_dict_for_loading(weights)
        made.load_state_dict(weights)
    except (KeyError, ValueError, RuntimeError, NotImplementedError) as err:
        raise SaeSourceError(
            f"the {type(sae).__name__} is one in training, and what it would be in use cannot be told: {err}.",
            hint="Save it with sae.save_inference_model(folder), and give the folder.",
        ) from err
    return made


Pair = tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]


class _Held(threading.local):
    """What the last rows lost, of this thread."""

    shift: Tensor | None = None
    scale: Tensor | None = None

    def undo(self, x: Tensor) -> Tensor:
        if self.scale is None:
            raise ComputeError(
                "this SAE decodes only what it has just encoded, for its scale is taken from the activation."
            )
        x = x * self.scale
        return x if self.shift is None else x + self.shift


def _constant_norm(d_in: int) -> Pair:
    held = _Held()

    def into(x: Tensor) -> Tensor:
        scale = x.norm(dim=-1, keepdim=True) / d_in**0.5
        held.scale = scale
        return x * (d_in**0.5 / x.norm(dim=-1, keepdim=True))

    return into, held.undo


def _layer_norm(_d_in: int, eps: float = 1e-5) -> Pair:
    held = _Held()

    def into(x: Tensor) -> Tensor:
        mean = x.mean(dim=-1, keepdim=True)
        x = x - mean
        std = torch.std(x, dim=-1, keepdim=True)
        held.shift, held.scale = mean, std
        return x / (std + eps)

    return into, held.undo


STATEFUL: dict[str, Callable[[int], Pair]] = {"constant_norm_rescale": _constant_norm, "layer_norm": _layer_norm}
