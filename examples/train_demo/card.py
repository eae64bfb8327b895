"""The model card, filled with the measured numbers."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any

TEMPLATE = Path(__file__).with_name("MODEL_CARD.template.md")


def _flatten(metrics: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in metrics.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}_")
        else:
            flat[prefix + name] = f"{value:.3f}" if isinstance(value, float) else _plain(value)
    return flat


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def write_card(metrics: dict[str, Any], path: Path) -> None:
    """Write the card; every ``$name`` of the template is a path in the metrics.

    Raises
    ------
    KeyError
        The template names a number that was not measured.
    """
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(_flatten(metrics))
    path.write_text(text, encoding="utf-8")
