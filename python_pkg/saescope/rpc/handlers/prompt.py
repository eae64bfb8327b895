"""All features that fire on a text, ranked by what they do for its next token."""

from collections.abc import Callable
from typing import Any

from saescope.rpc.calls import Call

HANDLERS: dict[str, Callable[[Call, Any], Any]] = {}
