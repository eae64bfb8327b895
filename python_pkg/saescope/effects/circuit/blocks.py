"""The parts of a model's blocks by their names: norms, projections of attention, and what the MLP reads and writes.

Families name and pack them differently; those that are not known here raise, and callers then give
whole modules instead of heads.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saescope.effects.circuit.norms import Gain
from saescope.errors import ComputeError, SiteError
from saescope.sources.site import find_blocks, module_of

ATTENTION = ("self_attn", "attn", "attention", "self_attention")
OUT = ("o_proj", "c_proj", "dense", "out_proj")
BEFORE_ATTENTION = ("input_layernorm", "ln_1", "self_attn_layer_norm")
MLP_OUT = ("down_proj", "c_proj", "dense_4h_to_h", "fc2", "fc_out")
MLP_IN = ("gate_proj", "gate_up_proj", "c_fc", "dense_h_to_4h", "fc1", "fc_in")
BEFORE_MLP = ("pre_feedforward_layernorm", "post_attention_layernorm", "ln_2", "final_layer_norm", "input_layernorm")
AFTER_ATTENTION = ("post_self_attn_layernorm", "post_attention_layernorm")
AFTER_MLP = ("post_feedforward_layernorm", "post_mlp_layernorm")


def inner(module: Any, names: tuple[str, ...]) -> tuple[str, Any] | None:
    """The submodule that has one of some names, the first that there is, and its path in the module."""
    by_name = {path.rpartition(".")[2]: (path, child) for path, child in reversed(list(module.named_modules()))}
    return next((by_name[name] for name in names if name in by_name), None)


@torch.no_grad()
def matrix(module: Any) -> Tensor:
    """A linear module's weight as ``[n_in, n_out]`` float32, whatever way it is stored."""
    weight = module.weight
    if isinstance(module, torch.nn.Linear) and weight.dtype.is_floating_point and weight.ndim == 2:
        return weight.detach().T.float()
    if type(module).__name__ == "Conv1D":
        return weight.detach().float()
    n_in = getattr(module, "in_features", None)
    if n_in is None:
        raise ComputeError(f"the weights of a {type(module).__name__} cannot be read.")
    dtype = next((p.dtype for p in module.parameters() if p.dtype.is_floating_point), torch.float32)
    units = torch.eye(n_in, dtype=dtype, device=weight.device)
    return (module(units) - module(torch.zeros_like(units[:1]))).float()


def bias(module: Any) -> Tensor | None:
    """A linear module's bias ``[n_out]`` float32, if it has one."""
    found = getattr(module, "bias", None)
    return None if found is None else found.detach().float()


@dataclass(frozen=True)
class Heads:
    """An attention module's heads.

    Parameters
    ----------
    path, out_path, added_path
        Where the module, its last projection, and what the block adds to the stream stand in the model: the
        module itself, or a norm after it.
    """

    path: str
    out_path: str
    added_path: str
    n_heads: int
    d_head: int

    @property
    def has_norm(self) -> bool:
        """Whether a norm stands between attention and the stream."""
        return self.added_path != self.path


@dataclass(frozen=True)
class BlockPaths:
    """Where the parts of a block stand in the model; ``None`` for those that were not found."""

    path: str
    heads: Heads | None
    mlp: str | None


class Blocks:
    """The blocks of one model.

    Parameters
    ----------
    model
        A transformers causal language model or a structural clone of one.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.path, self.modules = find_blocks(model)
        self.config = model.config.get_text_config()
        self.width = int(model.get_input_embeddings().weight.shape[1])
        self.multiplier = float(getattr(self.config, "residual_multiplier", None) or 1.0)
        """What attention's and MLP's outputs are multiplied by (Granite)."""

    def __len__(self) -> int:
        return len(self.modules)

    def paths(self, number: int) -> BlockPaths:
        """Where a block's parts stand."""
        block, path = self.modules[number], f"{self.path}.{number}"
        return BlockPaths(path, self._heads(block, path), self._added(block, path, "hook_mlp_out"))

    def _added(self, block: Any, path: str, hook: str) -> str | None:
        try:
            return f"{path}.{module_of(self.model, block, hook)}"
        except SiteError:
            return None

    def _heads(self, block: Any, path: str) -> Heads | None:
        name = next((n for n in ATTENTION if n in dict(block.named_children())), None)
        added = self._added(block, path, "hook_attn_out")
        found = None if name is None else inner(getattr(block, name), OUT)
        if name is None or added is None or found is None:
            return None
        attention = getattr(block, name)
        n_heads = next(
            (int(n) for n in (getattr(attention, "num_heads", None), self.config.num_attention_heads) if n), 0
        )
        n_in = len(matrix(found[1])) if type(found[1]).__name__ == "Conv1D" else int(found[1].in_features)
        if not n_heads or n_in % n_heads:
            return None
        return Heads(f"{path}.{name}", f"{path}.{name}.{found[0]}", added, n_heads, n_in // n_heads)

    def require_heads(self, number: int) -> Heads:
        """A block's heads.

        Raises
        ------
        ComputeError
            They could not be found.
        """
        found = self.paths(number).heads
        if found is None:
            has = ", ".join(name for name, _ in self.modules[number].named_children())
            raise ComputeError(
                f"the heads of {type(self.model).__name__} could not be found (block {number} is made of {has})."
            )
        return found

    def out(self, heads: Heads) -> Tensor:
        """What each head writes, ``[n_heads, d_head, d_model]`` float32."""
        return matrix(self.model.get_submodule(heads.out_path)).reshape(heads.n_heads, heads.d_head, -1)

    def out_bias(self, heads: Heads) -> Tensor | None:
        """What attention adds whatever its heads do, before a norm after it."""
        return bias(self.model.get_submodule(heads.out_path))

    def reads(self, heads: Heads) -> dict[str, Tensor]:
        """Query, key and value maps by name, ``[d_model, n_heads, d_head]`` float32; shared ones are repeated.

        Raises
        ------
        ComputeError
            The family packs them in a way that is not known.
        """
        attention = self.model.get_submodule(heads.path)
        n, d = heads.n_heads, heads.d_head
        apart = {name: inner(attention, (f"{name}_proj",)) for name in "qkv"}
        if all(apart.values()):
            parts = [matrix(found[1]) for found in apart.values() if found]
        elif packed := inner(attention, ("c_attn", "qkv_proj")):
            whole = matrix(packed[1])
            rest = (whole.shape[1] - n * d) // 2
            parts = list(whole.split([n * d, rest, rest], dim=1))
        elif packed := inner(attention, ("query_key_value",)):
            whole = matrix(packed[1])
            if whole.shape[1] != 3 * n * d:
                raise self._unknown(attention)
            parts = list(whole.reshape(-1, n, 3, d).unbind(2))
        else:
            raise self._unknown(attention)
        if any(part[0].numel() % d or n % (part[0].numel() // d) for part in parts):
            raise self._unknown(attention)
        shaped = [part.reshape(len(part), -1, d) for part in parts]
        return {
            name: part.repeat_interleave(n // part.shape[1], dim=1)
            for name, part in zip(("query", "key", "value"), shaped, strict=True)
        }

    def _unknown(self, attention: Any) -> ComputeError:
        return ComputeError(
            f"the projections of {type(attention).__name__} are packed in a way that saescope does not know: "
            "what its heads read by their weights cannot be told."
        )

    def gain_before_attention(self, number: int) -> Gain | None:
        """The norm that a block's heads read through, if there is one."""
        return self._gain(number, BEFORE_ATTENTION)

    def gain_before_mlp(self, number: int) -> Gain | None:
        """The norm that a block's MLP reads through, if there is one."""
        has = dict(self.modules[number].named_children())
        names = ("pre_feedforward_layernorm",) if "post_feedforward_layernorm" in has else BEFORE_MLP
        return self._gain(number, names)

    def gain_after_attention(self, heads: Heads) -> Gain | None:
        """The norm between a block's attention and the stream, if there is one."""
        return Gain.of(self.model.get_submodule(heads.added_path), self.width) if heads.has_norm else None

    def gain_after_mlp(self, number: int) -> Gain | None:
        """The norm between a block's MLP and the stream, if there is one."""
        return self._gain(number, AFTER_MLP)

    def _gain(self, number: int, names: tuple[str, ...]) -> Gain | None:
        has = dict(self.modules[number].named_children())
        found = next((has[name] for name in names if name in has), None)
        return None if found is None else Gain.of(found, self.width)

    def mlp_matrices(self, number: int) -> tuple[Tensor, Tensor] | None:
        """What a block's MLP reads ``[d_model, n]`` and writes ``[n, d_model]``; ``None`` for experts and others."""
        block, mlp = self.modules[number], getattr(self.modules[number], "mlp", None)
        if mlp is None and not hasattr(block, "fc1"):
            return None
        read, write = inner(mlp or block, MLP_IN), inner(mlp or block, MLP_OUT)
        if read is None or write is None or not all(hasattr(m, "weight") for m in (read[1], write[1])):
            return None
        if getattr(read[1].weight, "ndim", 0) != 2:
            return None
        return matrix(read[1]), matrix(write[1])
