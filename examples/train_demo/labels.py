"""The labels that ship with the demo: a file that a person writes, checked and put into saescope's form of notes.

Each line is ``{"feature": 12, "label": "…", "remark": "…", "status": "checked"}``; remark and
status may be left out. Blank lines and lines that begin with ``#`` are skipped.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import saescope

KEYS = {"feature", "label", "remark", "status", "tags", "confidence"}


def read_labels(path: Path) -> dict[int, dict[str, Any]]:
    """Labels by feature.

    Raises
    ------
    ValueError
        A line is no label, or a feature is labelled twice.
    """
    found: dict[int, dict[str, Any]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        label = json.loads(line)
        unknown = set(label) - KEYS
        if unknown or not isinstance(label.get("feature"), int) or not str(label.get("label", "")).strip():
            message = f"{path}, line {number}: wanted feature and label (and {', '.join(sorted(KEYS))}), got {line:.80}"
            raise ValueError(message)
        feature = label.pop("feature")
        if feature in found:
            message = f"{path}, line {number}: feature {feature} has a label already"
            raise ValueError(message)
        found[feature] = label
    return found


def import_labels(path: Path, bundle: Path) -> int:
    """Write the labels into the bundle, in the form that ``scope.notes.import_from`` reads; returns how many.

    Raises
    ------
    ValueError
        The file is not as it should be, or a label is about a feature that never fires.
    """
    labels = read_labels(path)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SAESCOPE_NOTES_DIR"] = folder
        scope = saescope.open_index(bundle / "index")
        notes = scope.open_notes(Path(folder) / "labels.sqlite")
        fires = scope.features["n_fires"]
        for feature, fields in labels.items():
            if not fires[feature]:
                message = f"feature {feature} never fires in the index, and has the label {fields['label']!r}"
                raise ValueError(message)
            notes.set(feature, **{"status": "checked", **fields})
        notes.export(bundle / "labels.jsonl", overwrites=True)
    return len(labels)
