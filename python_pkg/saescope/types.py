"""Small shared types, free of torch and of Jupyter."""

from dataclasses import dataclass
from typing import Literal, Protocol

SiteKind = Literal["input", "output"]


@dataclass(frozen=True)
class Site:
    """Where in a model an SAE reads.

    Parameters
    ----------
    name
        The field's name for it, as in ``blocks.10.hook_resid_post``.
    module
        Path of the transformers module in the model.
    kind
        Whether the module's input or its output is the site.
    layer
        Number of the block, from 0; -1 before the first block.
    is_centered
        Whether the mean over ``d_model`` is subtracted at each position, which
        equals TransformerLens's ``center_writing_weights`` on LayerNorm models.
    written
        Path of the module to whose output the SAE writes, where that is not where it reads (transcoders).
    """

    name: str
    module: str
    kind: SiteKind
    layer: int
    is_centered: bool = False
    written: str = ""

    @property
    def writes_to(self) -> "tuple[str, SiteKind]":
        """Module and end at which what the SAE writes is added."""
        return (self.written, "output") if self.written else (self.module, self.kind)


@dataclass(frozen=True)
class Recipe:
    """How another process can load the same model and SAE: what `saescope.load` was given.

    ``model`` and ``sae`` are names or paths, ``dtype`` the name of a torch dtype or ``None``.
    """

    model: str
    sae: str
    device: str
    dtype: str | None


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
