"""Whether a model is the one that an SAE was trained on, as far as names tell."""

import re
from pathlib import Path

from saescope.sources.model import LoadedModel
from saescope.sources.registry.models import hub_id

TUNED = re.compile(r"[-_](?:it|instruct|chat|sft|dpo|rlhf|base|pt|hf|v\d+(?:\.\d+)?)(?=$|[-_])", re.IGNORECASE)
CACHED = re.compile(r"models--(?P<owner>[\w.-]+?)--(?P<name>[\w.-]+)$")


def id_of(model: LoadedModel) -> str:
    """A model's hub id; empty where it has none that is known, as one from a folder of a person's own."""
    named = str(getattr(model.model, "name_or_path", "") or getattr(model.model.config, "_name_or_path", "") or "")
    for part in Path(named).parts:
        found = CACHED.match(part)
        if found is not None:
            return f"{found['owner']}/{found['name']}"
    is_path = named.startswith((".", "/", "~")) or named.count("/") > 1 or Path(named).exists()
    return "" if not named or is_path else hub_id(named)


def remark_on_base(wanted: str, came: str, name: str) -> str:
    """A sentence where the model given is another than that the SAE names; empty where it is not, or nobody knows.

    Parameters
    ----------
    wanted, came
        Ids or names of models: the one the SAE was trained on, and the one that is loaded.
    name
        The SAE's.
    """
    if not wanted or not came:
        return ""
    trained, given = _plain(wanted), _plain(came)
    if trained == given:
        return ""
    is_kin = _stem(trained) == _stem(given)
    kin = " One of them is fine-tuned from the other's base: the site fits, and figures may be worse." if is_kin else ""
    advice = "Give the model it was trained on, or measure how well it fits: scope.measure_health()."
    return f"The SAE {name} was trained on {wanted}, and {came} came.{kin} {advice}"


def _plain(name: str) -> str:
    """Without the owner and case: mirrors have other owners."""
    return hub_id(name).rpartition("/")[2].lower()


def _stem(name: str) -> str:
    return TUNED.sub("", name)
