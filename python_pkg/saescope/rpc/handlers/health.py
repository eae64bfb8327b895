"""The SAE's and the index's own numbers."""

from collections.abc import Callable
from typing import Any

from saescope.rpc.calls import Call

HANDLERS: dict[str, Callable[[Call, Any], Any]] = {}
