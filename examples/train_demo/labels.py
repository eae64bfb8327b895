"""The labels that ship with the demo: a file that a person writes, checked and put into the package.

Each line is ``{"feature": 12, "label": "…"}``. Blank lines and lines that begin with ``#`` are skipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import saescope

KEYS = {"feature", "label"}


def read_labels(path: Path) -> dict[int, str]:
    """Labels by feature.

    Raises
    ------
    ValueError
        A line is no label, or a feature is labelled twice.
    """
    found: dict[int, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        given: dict[str, Any] = json.loads(line)
        feature, label = given.get("feature"), str(given.get("label", "")).strip()
        if set(given) != KEYS or not isinstance(feature, int) or not label:
            message = f"{path}, line {number}: wanted feature and label, got {line:.80}"
            raise ValueError(message)
        if feature in found:
            message = f"{path}, line {number}: feature {feature} has a label already"
            raise ValueError(message)
        found[feature] = label
    return found


def import_labels(path: Path, bundle: Path) -> int:
    """Write the labels into the bundle, by feature, as ``scope.notes.add_layer`` reads them; returns how many.

    Raises
    ------
    ValueError
        The file is not as it should be, or a label is about a feature that never fires.
    """
    labels = read_labels(path)
    fires = saescope.open_index(bundle / "index").features["n_fires"]
    lines = []
    for feature, label in sorted(labels.items()):
        if not fires[feature]:
            message = f"feature {feature} never fires in the index, and has the label {label!r}"
            raise ValueError(message)
        lines.append(json.dumps({"feature": feature, "label": label}, ensure_ascii=False) + "\n")
    (bundle / "labels.jsonl").write_text("".join(lines), encoding="utf-8")
    return len(labels)
