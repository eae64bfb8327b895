"""See what a language model knows: browse, read and probe the features of its sparse autoencoders.

``scope = saescope.load(model, sae=…)``, then ``scope.build_index(corpus, out=…)`` and
``scope.browse()``. ``saescope.open_index(path)`` opens an index without the model.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saescope.bundled import demo
    from saescope.errors import SaescopeError
    from saescope.imports import import_index
    from saescope.index import Index
    from saescope.index.rule import Rule
    from saescope.indexing.merge import merge
    from saescope.panels.core import Panel
    from saescope.panels.picker import pick
    from saescope.scope import Scope, load, open_index
    from saescope.scope.picking import picked
    from saescope.sources.crosscoder import crosscoder
    from saescope.sources.directions import directions
    from saescope.sources.registry import registry

__all__ = [
    "Index",
    "Panel",
    "Rule",
    "SaescopeError",
    "Scope",
    "__version__",
    "crosscoder",
    "demo",
    "directions",
    "import_index",
    "load",
    "merge",
    "open_index",
    "pick",
    "picked",
    "registry",
    "weights_probe",
]

_HOMES = {
    "Index": "saescope.index",
    "Panel": "saescope.panels.core",
    "Rule": "saescope.index.rule",
    "SaescopeError": "saescope.errors",
    "Scope": "saescope.scope",
    "crosscoder": "saescope.sources.crosscoder",
    "demo": "saescope.bundled",
    "directions": "saescope.sources.directions",
    "import_index": "saescope.imports",
    "load": "saescope.scope",
    "merge": "saescope.indexing.merge",
    "open_index": "saescope.scope",
    "pick": "saescope.panels.picker",
    "picked": "saescope.scope.picking",
    "registry": "saescope.sources.registry",
    "weights_probe": "saescope.sources.base_weights",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from saescope._version import version

        return version()
    if name not in _HOMES:
        raise AttributeError(f"module 'saescope' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "@saescope/labextension"}]


if "ipykernel" in sys.modules:
    from saescope.rpc.transports.comm import announce

    announce()

if "IPython" in sys.modules:
    from saescope.rpc.transports.completing import offer

    offer()
