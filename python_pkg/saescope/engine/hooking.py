"""A hook at one site: on what a module reads, makes, or what passes it.

``input`` and ``output`` put another tensor in the place of the module's own. ``stream`` is a tensor that
the module reads and that goes on beside it too, as the residual stream does past a norm: it is
changed in place, so that both see the change. OPT lays contexts end to end inside its blocks; what
is handed over here always is ``[n_contexts, seq, d]``.
"""

import re
from collections.abc import Callable
from typing import Any

from torch import Tensor

from saescope.types import SiteKind

Act = Callable[[Tensor], Tensor | None]
IN_BLOCK = re.compile(r"^(.*\.\d+)\.")
LAYS_FLAT = ("opt",)
"""Model types whose blocks hold ``[n_contexts * seq, d]`` from the second norm on."""


def hook_at(model: Any, path: str, kind: SiteKind, act: Act) -> "Handle":
    """Hand the tensor at a module to ``act``, and put what it returns, if anything, in its place.

    Parameters
    ----------
    model
        The model, or the clone of one, that runs.
    path, kind
        The module, and what of it.
    act
        Takes ``[n_contexts, seq, d]`` and returns such a one, or ``None`` to leave it.
    """
    module = model.get_submodule(path)
    shape: list[tuple[int, int]] = []
    handles: list[Any] = []
    block = IN_BLOCK.match(path)
    if block is not None and model.config.get_text_config().model_type in LAYS_FLAT:
        parent = model.get_submodule(block[1])
        handles.append(parent.register_forward_pre_hook(_note_shape(shape), with_kwargs=True))

    def acted(x: Tensor) -> Tensor | None:
        if x.ndim != 2 or not shape:
            return act(x)
        new = act(x.unflatten(0, shape[0]))
        return None if new is None else new.flatten(0, 1)

    def on_input(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        old = first_input(args, kwargs)
        new = acted(old)
        if new is None:
            return None
        if kind == "stream":
            old.copy_(new)
            return None
        return ((new, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": new})

    def on_output(_module: Any, _args: Any, output: Any) -> Any:
        new = acted(output[0] if isinstance(output, tuple) else output)
        if new is None:
            return None
        return (new, *output[1:]) if isinstance(output, tuple) else new

    if kind == "output":
        handles.append(module.register_forward_hook(on_output))
    else:
        handles.append(module.register_forward_pre_hook(on_input, with_kwargs=True))
    return Handle(handles)


class Handle:
    """Takes a hook away again."""

    def __init__(self, handles: list[Any]) -> None:
        self._handles = handles

    def remove(self) -> None:
        """Take it away."""
        for handle in self._handles:
            handle.remove()


def first_input(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The activation among a module's arguments."""
    return args[0] if args else kwargs["hidden_states"]


def _note_shape(shape: list[tuple[int, int]]) -> Callable[..., None]:
    def note(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        n, seq, *_ = first_input(args, kwargs).shape
        shape[:] = [(n, seq)]

    return note
