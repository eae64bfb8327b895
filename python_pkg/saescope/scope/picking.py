"""A scope of an SAE that a person picked: fetched, loaded, and held for the panel it was picked in."""

import json
from pathlib import Path
from typing import Any

from saescope.errors import InputError, SaeSourceError
from saescope.scope.load import base_of, load
from saescope.scope.scope import Scope
from saescope.sources.registry.fetching import Check, Fetched, Tell, fetch_model, fetch_sae, has_model
from saescope.sources.registry.naming import find_row

held: dict[str, Scope] = {}
"""The scope last loaded in each panel, by the panel's id; the newest last."""


def hold(panel: str, scope: Scope) -> None:
    """Keep a scope for the panel it was loaded in, in place of the one before."""
    held.pop(panel, None)
    held[panel] = scope


def picked() -> Scope:
    """The scope that was last loaded in a picker: see `saescope.pick`.

    Raises
    ------
    InputError
        None was loaded yet.
    """
    if not held:
        raise InputError(
            "no SAE was loaded in a picker yet.", hint="saescope.pick() opens one: choose an SAE, press Load."
        )
    return next(reversed(held.values()))


def call_of(spec: str, model: str) -> str:
    """The Python call that loads an SAE."""
    first = f"{json.dumps(model)}, " if model else ""
    return f"saescope.load({first}sae={json.dumps(spec)})"


def load_picked(spec: str, model: str = "", *, tell: Tell, check: Check, **options: Any) -> Scope:
    """Fetch what lacks of an SAE and its model, and load both.

    Parameters
    ----------
    spec
        ``"release/sae_id"``, or the path of a folder.
    model
        A hub id or a folder; by default the model the SAE was trained on.
    tell
        Hears how far it is.
    check
        Raises when it is to stop; called with every piece that is fetched.
    **options
        As of `saescope.load`.

    Raises
    ------
    InputError, SaeSourceError, ModelSourceError, SiteError, MismatchError
        It is not known, cannot be fetched or loaded, or does not fit the model.
    """
    row = find_row(spec)
    if row is None:
        raise SaeSourceError(f"{spec} is not in the registry, nor below the folders that are looked through.")
    if not model and not row["model"]:
        raise InputError("the SAE does not say which model it was trained on.", hint="Type the model's id or folder.")
    base = model or row["model"] or base_of(spec)
    if row["source"] == "registry":
        fetch_sae(row, tell, check)
    if not Path(base).expanduser().exists() and not has_model(base):
        fetch_model(base, tell, check)
    check()
    tell(Fetched("Loading model and SAE", 0, 0, 0.0, None))
    scope = load(base, sae=spec, **options)
    check()
    return scope
