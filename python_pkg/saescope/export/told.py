"""What an export says of where it comes from, for people and for `saescope.import_index`."""

import json
from typing import Any

from saescope.export.records import Records, Units
from saescope.index.verdict import told as pairing_told
from saescope.index.verdict import verdict
from saescope.scope import Scope

LENS = {
    "raw": "Logits: decoder row through the unembedding, without the final norm's gain.",
    "norm_gain": "Logits: decoder row times the final norm's gain, through the unembedding.",
    "none": "Logits: not computed.",
}
UNITS = {
    "sae": "Activations as the SAE gives them.",
    "folded": "Activations times the length of the feature's decoder row (folded), logits divided by it.",
}


def facts(scope: Scope, records: Records, units: Units) -> dict[str, Any]:
    """What an import needs to know, and no other tool keeps."""
    index = scope.require_index()
    m = index.manifest
    return {
        "version": 1,
        "model": scope.model_name,
        "sae": scope.sae_name,
        "sae_fingerprint": m.sae["fingerprint"],
        "site": scope.hook_name,
        "d_sae": m.d_sae,
        "n_counted": index.n_counted,
        "rule": m.rule,
        "lens": records.lens,
        "units": units,
        "corpus": m.corpus.get("name", ""),
        **({} if scope.pairing is None else {"pairing": verdict(scope.pairing)}),
    }


def notes(scope: Scope, records: Records, units: Units) -> str:
    """The same, to be read; the last line is JSON."""
    index = scope.require_index()
    said = [
        f"Made by {_version()} from {index.manifest.corpus.get('name', 'unknown text')}: {index.n_counted:,} tokens.",
        f"Not counted: {index.layout.rule.told()}.",
        UNITS[units],
        LENS.get(records.lens, LENS["none"]),
        *([] if scope.pairing is None else [pairing_told(scope.pairing)]),
        "binContains is the share of those tokens; the lowest bin holds those on which the feature does not fire.",
    ]
    return " ".join(said) + f"\nsaescope: {json.dumps(facts(scope, records, units), ensure_ascii=True)}"


def _version() -> str:
    from saescope._version import version

    return f"saescope {version()}"
