"""Text that the model writes with features changed, beside what it writes without."""

from collections.abc import Callable
from typing import Any

from saescope.rpc.calls import Call

HANDLERS: dict[str, Callable[[Call, Any], Any]] = {}
