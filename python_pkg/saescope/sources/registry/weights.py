"""Which files of a repository an SAE is made of, and how large they and it are."""

from collections.abc import Sequence

from saescope.sources.registry.deriving import Derived
from saescope.sources.registry.reading import Listed

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "float64": 8}
IN_MEMORY = 4
"""Bytes a number: saescope loads SAEs in float32."""

N_VECTORS = {"standard": 1, "topk": 1, "transcoder": 1, "jumprelu": 2, "jumprelu_transcoder": 2, "gated": 3}
"""Vectors of ``width`` numbers beside the two matrices."""


def weight_files(loader: str, path: str) -> tuple[str, ...]:
    """The files with the weights, below the repository."""
    if loader == "mntss_clt_layer_transcoder":
        return f"W_enc_{path}.safetensors", f"W_dec_{path}.safetensors"
    inside = {
        "gemma_2": "params.npz",
        "gemma_2_transcoder": "params.npz",
        "gemma_3": "params.safetensors",
        "dictionary_learning_1": "ae.pt",
        "llama_scope": "checkpoints/final.safetensors",
        "llama_scope_r1_distill": "sae_weights.safetensors",
        "sae_lens": "sae_weights.safetensors",
        "temporal": "latest_ckpt.safetensors",
    }
    return (f"{path}/{inside[loader]}",) if loader in inside else (path,)


def config_files(loader: str, path: str) -> tuple[str, ...]:
    """The files that say how an SAE is made, where its loader reads any; some may not exist."""
    if loader == "mwhanna_transcoder":
        return "wandb-config.yaml", "config.yaml"
    if loader == "mntss_clt_layer_transcoder":
        return ("config.yaml",)
    if loader == "connor_rob_hook_z":
        return (path.partition(".pt")[0] + "_cfg.json",)
    inside = {
        "gemma_3": "config.json",
        "dictionary_learning_1": "config.json",
        "llama_scope": "hyperparams.json",
        "llama_scope_r1_distill": "config.json",
        "sae_lens": "cfg.json",
        "temporal": "conf.yaml",
    }
    return (f"{path}/{inside[loader]}",) if loader in inside else ()


def is_pickle(files: Sequence[str]) -> bool:
    """Whether weights are a PyTorch file, which is a pickle."""
    return any(f.endswith((".pt", ".pth")) for f in files)


def n_weights(known: Derived) -> int | None:
    """Numbers in an SAE, or ``None`` when its width is not known or its architecture has more parts."""
    if known.width is None or known.d_in is None or known.architecture == "temporal":
        return None
    d_out = known.d_in if known.d_out is None else known.d_out
    n = known.width * (known.d_in + d_out + N_VECTORS.get(known.architecture, 2)) + d_out
    return n + known.d_in * d_out if known.architecture == "jumprelu_skip_transcoder" else n


def disk_bytes(one: Listed, known: Derived) -> int | None:
    """Size of the weights as they are downloaded: an estimate, or ``None``."""
    n = n_weights(known)
    is_shared = one.loader in ("mntss_clt_layer_transcoder", "temporal")
    if n is None or is_shared:
        return None
    return n * BYTES[known.dtype or "float32"]


def memory_bytes(known: Derived) -> int | None:
    """Size of the loaded weights, or ``None``."""
    n = n_weights(known)
    return None if n is None else n * IN_MEMORY
