"""What a person holds: `Scope`, and how it is made."""

from saescope.scope.load import load, open_index
from saescope.scope.scope import Scope

__all__ = ["Scope", "load", "open_index"]
