"""Where a site lies in the order of the model's computation."""

from dataclasses import dataclass
from typing import Any, Literal

from saescope.errors import ComputeError, SiteError
from saescope.sources.site import find_blocks, module_of
from saescope.types import SiteKind

Stage = Literal["embedding", "stream", "attention", "mlp_input", "mlp"]
ORDER: tuple[Stage, ...] = ("embedding", "stream", "attention", "mlp_input", "mlp")


@dataclass(frozen=True)
class Place:
    """A place in the model.

    Parameters
    ----------
    block
        The block that it is in; the residual stream is counted to the block that it enters, the embedding to -1.
    stage
        The embedding alone, the residual stream, what attention adds, what the MLP reads or adds.
    """

    block: int
    stage: Stage

    @property
    def order(self) -> tuple[int, int]:
        """Smaller for what is computed earlier."""
        return self.block, ORDER.index(self.stage)

    @property
    def first_attention(self) -> int:
        """The first block whose attention can read what is written here."""
        return self.block if self.stage in ("embedding", "stream") else self.block + 1

    @property
    def first_mlp(self) -> int:
        """The first block whose MLP can read what is written here."""
        return self.block + 1 if self.stage in ("mlp", "mlp_input") else self.block


def place_of(model: Any, module: str, kind: SiteKind) -> Place:
    """The place of a module's input or output.

    Raises
    ------
    ComputeError
        It is none of those that are known.
    """
    path, blocks = find_blocks(model)
    if model.get_submodule(module) is model.get_input_embeddings():
        return Place(-1, "embedding")
    rest = module.removeprefix(path + ".")
    number, _, inner = rest.partition(".")
    if rest != module and number.isdigit():
        if not inner:
            return Place(int(number) + (kind == "output"), "stream")
        stage = _stage(model, blocks[int(number)], inner, kind)
        if stage is not None:
            return Place(int(number), stage)
    raise ComputeError(
        f"circuits at the {kind} of {module} cannot be told: it is neither the residual stream nor what attention "
        "or an MLP adds to it.",
    )


def _stage(model: Any, block: Any, inner: str, kind: SiteKind) -> Stage | None:
    names: dict[Stage, set[str]] = {
        "attention": {"self_attn", "attn", "attention", "self_attention"},
        "mlp": {"mlp", "block_sparse_moe", "fc2"},
    }
    hooks: dict[Stage, str] = {"attention": "hook_attn_out", "mlp": "hook_mlp_out"}
    for stage, hook in hooks.items():
        try:
            names[stage].add(module_of(model, block, hook))
        except SiteError:
            continue
    if kind == "stream":
        return None
    if kind == "input":
        return "mlp_input" if inner in ("mlp", "block_sparse_moe", "fc1") else None
    return next((stage for stage, known in names.items() if inner in known), None)
