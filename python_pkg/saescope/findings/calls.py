"""Calls of a scope that a document makes and prints: the text is what is run."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from saescope.notes.kept_calls import literal
from saescope.scope import Scope

WIDEST = 88


@dataclass(frozen=True)
class Call:
    """A method of a scope with its arguments."""

    method: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """As Python."""
        told = [literal(value) for value in self.args]
        told += [f"{name}={literal(value)}" for name, value in self.options.items()]
        return f"scope.{self.method}({', '.join(told)})"

    def run(self, scope: Scope) -> pl.DataFrame:
        """The table it gives."""
        return getattr(scope, self.method)(*self.args, **self.options)


def code_of(verb: str, name: str, inner: str, **options: Any) -> str:
    """A call of `Findings` about the table that some Python gives; on several lines where one is too long."""
    parts = [literal(name), inner, *(f"{key}={literal(value)}" for key, value in options.items())]
    line = f"findings.{verb}({', '.join(parts)})"
    if len(line) <= WIDEST:
        return line
    body = "".join(f"    {part},\n" for part in parts)
    return f"findings.{verb}(\n{body})"
