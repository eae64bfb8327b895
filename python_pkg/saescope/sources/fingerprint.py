"""A short hash of a module's weights, on whatever device they are."""

import hashlib
from typing import Any

import torch

SAMPLES = 4096


def fingerprint(module: Any, head: str) -> str:
    """Hash the names, shapes and an even sample of the values of all parameters.

    Parameters
    ----------
    module
        A torch module.
    head
        Text that is hashed first.

    Returns
    -------
    str
        32 hex digits. Up to 4,096 values of each parameter are read, rounded to
        bfloat16, so that a bfloat16 or float64 copy has the same fingerprint; a float16
        copy, rounded twice, may have another.
    """
    digest = hashlib.blake2b(head.encode(), digest_size=16)
    for name, tensor in sorted(module.state_dict().items()):
        flat = tensor.detach().reshape(-1)
        stride = max(1, flat.numel() // SAMPLES)
        sample = flat[::stride][:SAMPLES].to(device="cpu", dtype=torch.float32).to(torch.bfloat16)
        digest.update(f"{name} {list(tensor.shape)}".encode())
        digest.update(sample.view(torch.int16).numpy().tobytes())
    return digest.hexdigest()
