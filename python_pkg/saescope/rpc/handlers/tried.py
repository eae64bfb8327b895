"""What fires on a text that a person types."""

from collections.abc import Callable
from typing import Any

from saescope.rpc.calls import Call

HANDLERS: dict[str, Callable[[Call, Any], Any]] = {}
