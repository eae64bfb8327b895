"""In a Jupyter kernel: have ready, before its cell runs, what a first panel needs."""

import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING

from saescope.errors import SaescopeError

if TYPE_CHECKING:
    from saescope.scope.scope import Scope


def warmed(scope: "Scope") -> "Scope":
    """The same scope; in a kernel, what a panel of it imports and reads first is fetched in the background."""
    if is_in_kernel():
        threading.Thread(target=_warm, args=(scope,), name="saescope-warm", daemon=True).start()
    return scope


def is_in_kernel() -> bool:
    """Whether this Python is a Jupyter kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def _warm(scope: "Scope") -> None:
    try:
        import_module("saescope.panels.browser")
        if scope.index is not None and scope.index.is_complete:
            scope.table.window(scope.table.rows("max"), 0, 1)
    except (ImportError, OSError, SaescopeError):
        return  # whoever shows a panel is told
