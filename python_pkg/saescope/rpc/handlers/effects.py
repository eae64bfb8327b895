"""What changing a feature does to the model's output on a text."""

from collections.abc import Callable
from typing import Any

from saescope.rpc.calls import Call

HANDLERS: dict[str, Callable[[Call, Any], Any]] = {}
