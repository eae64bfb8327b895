"""What a model and an SAE need in memory, told before they are loaded."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
KIB = 1024


@dataclass(frozen=True)
class Need:
    """Bytes of weights alone: running them takes some more. ``None`` where it is not known.

    Parameters
    ----------
    model_bytes, sae_bytes
        Of the weights, the model's in ``dtype`` and the SAE's in float32.
    dtype
        What the model is loaded in: float32 on a CPU, bfloat16 on a GPU, unless another is asked for.
    free_bytes
        Memory free now, where the model would go.
    place
        ``"memory"`` or ``"GPU memory"``.
    """

    model_bytes: int | None
    sae_bytes: int | None
    dtype: str
    free_bytes: int | None
    place: str

    @property
    def total_bytes(self) -> int | None:
        """Both together, if both are known."""
        if self.model_bytes is None or self.sae_bytes is None:
            return None
        return self.model_bytes + self.sae_bytes

    @property
    def fits(self) -> bool | None:
        """Whether both go into what is free, or ``None`` when that cannot be told."""
        known = [n for n in (self.model_bytes, self.sae_bytes) if n is not None]
        if self.free_bytes is None or not known:
            return None
        if sum(known) > self.free_bytes:
            return False
        return True if self.total_bytes is not None else None


def estimate(row: Mapping[str, Any], dtype: str | None = None) -> Need:
    """What the SAE of a row of `registry`, and its model, need.

    Parameters
    ----------
    row
        With ``memory_bytes`` and ``n_model_params``.
    dtype
        Of the model; by default float32 on a CPU and bfloat16 on a GPU that torch, if it is loaded, has found.
    """
    gpu = gpu_free_bytes()
    kind = dtype or ("float32" if gpu is None else "bfloat16")
    n = row["n_model_params"]
    return Need(
        model_bytes=None if n is None else n * BYTES[kind],
        sae_bytes=row["memory_bytes"],
        dtype=kind,
        free_bytes=free_bytes() if gpu is None else gpu,
        place="memory" if gpu is None else "GPU memory",
    )


def free_bytes() -> int | None:
    """Memory that can be had now, or ``None`` where the system does not tell; within a container's limit."""
    known = [n for n in (_machine_bytes(), _container_bytes()) if n is not None]
    return min(known, default=None)


def _machine_bytes() -> int | None:
    try:
        for line in MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * KIB
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def _container_bytes() -> int | None:
    """What a control group (version 2) still allows; file pages that may be dropped count as free."""
    try:
        limit = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        return max(0, limit - used + int(stat["inactive_file"]))
    except (OSError, ValueError, KeyError):
        return None


def gpu_free_bytes() -> int | None:
    """Free memory of the GPU that would be taken, if torch is loaded and has one."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return int(torch.cuda.mem_get_info()[0])
