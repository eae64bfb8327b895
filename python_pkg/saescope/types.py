"""Small shared types, free of torch and of Jupyter."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

SiteKind = Literal["input", "output", "stream"]
"""What of a module: what it reads, what it makes, or the tensor that it reads and that goes on beside it too."""


@dataclass(frozen=True)
class Norm:
    """How a norm scales what it reads, before its weight.

    ``is_centring`` says whether it subtracts the mean, as LayerNorm does; ``eps`` is added to the mean square.
    """

    is_centring: bool
    eps: float

    def __call__(self, x: Any) -> Any:
        """A tensor ``[..., d]`` scaled to a mean square of 1, in float32 and back."""
        wide = x.float()
        wide = wide - wide.mean(-1, keepdim=True) if self.is_centring else wide
        return (wide / (wide.pow(2).mean(-1, keepdim=True) + self.eps).sqrt()).to(x.dtype)


@dataclass(frozen=True)
class Site:
    """Where in a model an SAE reads and writes.

    Parameters
    ----------
    name
        The field's name for it, as in ``blocks.10.hook_resid_post``.
    module
        Path of the transformers module in the model.
    kind
        Whether the module's input or its output is the site, or the stream that passes it.
    layer
        Number of the block, from 0; -1 before the first block.
    is_centered
        Whether the mean over ``d_model`` is subtracted at each position, which
        equals TransformerLens's ``center_writing_weights`` on LayerNorm models.
    written
        Path of the module to whose output the SAE writes, where that is not where it reads (transcoders).
    part
        First and last-but-one column that the SAE reads of the module's tensor, and the tensor's width:
        one head's. ``None`` for all.
    norm
        How the module's input is scaled before the SAE reads it.
    refusal
        Why a change cannot be made where the SAE reads; empty where it can.
    also
        Further sites that are read with this one, side by side (crosscoders).
    model
        Path of the model that it is in, where several run side by side; empty where there is one.
    """

    name: str
    module: str
    kind: SiteKind
    layer: int
    is_centered: bool = False
    written: str = ""
    part: tuple[int, int, int] | None = None
    norm: Norm | None = None
    refusal: str = ""
    also: "tuple[Site, ...]" = ()
    model: str = ""

    @property
    def writes_to(self) -> "tuple[str, SiteKind]":
        """Module and end at which what the SAE writes is added."""
        return (self.written, "output") if self.written else (self.module, self.kind)

    @property
    def is_written(self) -> bool:
        """Whether what the SAE writes can be added to the model's activations exactly."""
        return bool(self.written) or not self.refusal

    def seen(self, x: Any) -> Any:
        """What the SAE reads ``[..., d_in]`` of the module's tensor ``[..., d]``."""
        x = x if self.part is None else x[..., self.part[0] : self.part[1]]
        x = x if self.norm is None else self.norm(x)
        return x - x.mean(-1, keepdim=True) if self.is_centered else x

    def placed(self, change: Any) -> Any:
        """What the SAE writes ``[..., d_out]``, as a change of the module's whole tensor ``[..., d]``."""
        if self.part is None or self.written:
            return change
        start, end, width = self.part
        whole = change.new_zeros((*change.shape[:-1], width))
        whole[..., start:end] = change
        return whole


@dataclass(frozen=True)
class Recipe:
    """How another process can load the same model and SAE: what `saescope.load` was given.

    ``model`` and ``sae`` are names or paths, ``dtype`` the name of a torch dtype or ``None``; ``correct`` is what of
    the SAE is other than its configuration says.
    """

    model: str
    sae: str
    device: str
    dtype: str | None
    correct: dict[str, Any] = field(default_factory=dict)


class Progress(Protocol):
    """Told how a long task goes on; raising from ``advance`` stops the task."""

    def say(self, text: str) -> None:
        """Something to know before it begins."""
        ...

    def start(self, what: str, total: int, unit: str, done: int = 0) -> None:
        """A stage of ``total`` units begins, ``done`` of which were done before."""
        ...

    def advance(self, n: int) -> None:
        """``n`` more units are done."""
        ...

    def finish(self) -> None:
        """The stage is over."""
        ...
