"""A second set of module objects over the same weights, to hang hooks on.

1. Each module is copied as an object; its parameter and buffer tables are shared.
2. Its tables of hooks are new and empty, its submodules are the copies.

The user's model never carries our hooks, and keeps working in other threads.
"""

from collections import OrderedDict
from typing import Any

HOOK_TABLES = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def structural_clone(module: Any) -> Any:
    """Copy the modules, share the weights; costs no memory worth naming.

    The copy is in evaluation mode, in whatever mode the original is and stays.
    """
    return _clone(module, {}).eval()


def _clone(module: Any, seen: dict[int, Any]) -> Any:
    if id(module) in seen:
        return seen[id(module)]
    copy = object.__new__(type(module))
    seen[id(module)] = copy
    state = dict(module.__dict__)
    state.update({name: OrderedDict() for name in HOOK_TABLES if name in state})
    state["_modules"] = {name: child and _clone(child, seen) for name, child in module._modules.items()}
    copy.__dict__ = state
    return copy


def is_dispatched(module: Any) -> bool:
    """Whether accelerate has replaced ``forward`` of some module, so that a copy would not work."""
    return any(hasattr(m, "_hf_hook") for m in module.modules())
