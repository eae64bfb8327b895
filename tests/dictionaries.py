"""Random SAEs of every architecture that sae-lens has, for any site."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

D_SAE = 64
D_MODEL = 32
ACROSS = ("transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder")
"""These read what the MLP reads, and write what it adds."""
MADE = {
    "standard": {}, "gated": {}, "jumprelu": {}, "topk": {"k": 6}, "topk, rescaled": {"k": 6},
    "abstopk": {"k": 6}, "batchtopk": {"k": 6.0}, "matryoshka_batchtopk": {"k": 6.0, "matryoshka_widths": [16, D_SAE]},
    "matching_pursuit": {"max_iterations": 6}, "temporal": {"n_heads": 2, "bottleneck_factor": 8, "kval_topk": 6},
    "standard, layer_norm": {}, "topk, constant_norm_rescale": {"k": 6}, "squarerelu": {},
    **{kind: {"d_out": D_MODEL} for kind in ACROSS},
}  # fmt: skip
"""Architectures, some with a normalisation of activations; ``squarerelu`` is one that sae-lens does not know."""
NORMALIZED = ("layer_norm", "constant_norm_rescale")


@cache
def register_squarerelu() -> None:
    """An architecture made up here: the square of what a ReLU lets through."""
    from sae_lens import StandardSAE, StandardSAEConfig, register_sae_class

    @dataclass
    class SquareConfig(StandardSAEConfig):
        @classmethod
        def architecture(cls) -> str:
            return "squarerelu"

    class Square(StandardSAE):
        def encode(self, x: torch.Tensor) -> torch.Tensor:
            return super().encode(x) ** 2

    register_sae_class("squarerelu", Square, SquareConfig)


def make(architecture: str, d_in: int, metadata: dict[str, Any], *, seed: int = 1, reshape: str = "none") -> Any:
    """A random SAE; ``architecture`` may end in a normalisation, or ``rescaled``."""
    from sae_lens import SAE, TrainingSAE
    from sae_lens.registry import SAE_CLASS_REGISTRY

    kind, _, option = architecture.partition(", ")
    if kind == "squarerelu":
        register_squarerelu()
    torch.manual_seed(seed)
    config = {
        "architecture": kind, "d_in": d_in, "d_sae": D_SAE, "dtype": "float32", "device": "cpu",
        "apply_b_dec_to_input": kind not in ACROSS, "reshape_activations": reshape,
        "normalize_activations": option if option in NORMALIZED else "none",
        "metadata": {"prepend_bos": True, "context_size": 16, "model_name": "small", **metadata},
        **({"rescale_acts_by_decoder_norm": True} if option == "rescaled" else {}), **MADE[architecture],
    }  # fmt: skip
    if kind == "temporal":
        config["metadata"]["prepend_bos"] = True
    loader: Any = SAE if kind in SAE_CLASS_REGISTRY else TrainingSAE
    made = loader.from_dict(config)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if name.startswith("W_enc"):
                weight.copy_(torch.randn_like(weight) / math.sqrt(weight.shape[0]))
            elif name in ("W_dec", "W_skip"):
                weight.copy_(torch.randn_like(weight) * torch.rand(len(weight), 1).add(0.5) / 4)
            elif name in ("b_enc", "b_mag", "b_gate"):
                weight.copy_(torch.randn_like(weight) * 0.2 - 0.3)
            elif name in ("b_dec", "r_mag"):
                weight.copy_(torch.randn_like(weight) * 0.1)
            elif name == "threshold":
                weight.copy_(torch.rand_like(weight) * 0.5)
        if kind.endswith("batchtopk"):
            made.topk_threshold.fill_(0.4)
    return made.eval()
