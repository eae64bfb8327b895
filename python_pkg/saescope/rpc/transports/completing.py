"""Tab completion of names in ``saescope.load("…", sae="…")``, in IPython and in Jupyter kernels.

1. ``sae=`` is completed from the list that `saescope.registry` shows: releases first, then, after the slash,
   the SAEs of one; and the SAEs in folders that are looked through. Where the call names its model already,
   those of that model only.
2. The model, which comes first, is completed from the models that the registry's SAEs were trained on.

What begins as typed comes first, then what has it inside. Without IPython nothing happens.
"""

import re
import sys
from types import SimpleNamespace
from typing import Any

from saescope.errors import SaescopeError

MOST = 500
MAX_AGE_S = 60.0
CALL = re.compile(r"(?:(\w+)\.)?load\(")
OPEN = re.compile(r"""(?:\b(sae|model)\s*=\s*|\A\s*)(["'])((?:(?!\2).)*)\Z""", re.DOTALL)
MODEL = re.compile(r"""(?:\A\s*|\bmodel\s*=\s*)(["'])((?:(?!\1).)+)\1""", re.DOTALL)


class _Matcher:
    """IPython's matcher, version 2 of its interface."""

    matcher_api_version = 2
    matcher_identifier = "saescope"
    matcher_priority = 100

    def __init__(self) -> None:
        self.__qualname__ = "saescope"  # IPython asks each matcher for it

    def __call__(self, context: Any) -> dict[str, Any]:
        """Names for what stands before the cursor."""
        lines = context.full_text.split("\n")
        text = "\n".join([*lines[: context.cursor_line], lines[context.cursor_line][: context.cursor_position]])
        try:
            found = _names(text)
        except SaescopeError:  # there is no registry to read
            found = None
        if found is None:
            return {"completions": []}
        typed, names = found
        return {
            "completions": [SimpleNamespace(text=name, type="sae") for name in names],
            "matched_fragment": typed,
            "suppress": bool(names),
            "ordered": True,
        }


_matcher = _Matcher()


def offer() -> None:
    """Complete names in the shell that runs, if there is one; once."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    matchers = getattr(getattr(shell, "Completer", None), "custom_matchers", None)
    if isinstance(matchers, list) and _matcher not in matchers:
        matchers.append(_matcher)


def _names(text: str) -> tuple[str, list[str]] | None:
    """What was typed of a name, and the names that it may be; ``None`` outside of a call of `load`."""
    call = max(CALL.finditer(text), key=re.Match.start, default=None)
    opened = OPEN.search(text[call.end() :]) if call is not None and _is_ours(call[1]) else None
    if call is None or opened is None:
        return None
    typed = opened[3]
    if opened[1] != "sae":
        return typed, _ranked(_listed()["model"].drop_nulls().unique().sort().to_list(), typed)
    model = MODEL.search(text[call.end() : call.end() + opened.start()])
    return typed, saes(typed, model[2] if model else "")


def _is_ours(owner: str | None) -> bool:
    names = sys.modules["IPython"].get_ipython().user_ns
    ours = sys.modules["saescope"]
    return names.get(owner) is ours if owner else getattr(names.get("load"), "__module__", "").startswith("saescope.")


def saes(typed: str, model: str = "") -> list[str]:
    """What may follow ``sae="`` and what was typed of it, for a model if it is named."""
    table = _listed()
    if model:
        of_model = table.filter(table["model"].str.to_lowercase().str.ends_with(model.rpartition("/")[2].lower()))
        table = of_model if of_model.height else table
    listed, folders = table.filter(table["source"] != "folder"), table.filter(table["source"] == "folder")
    release, slash, _ = typed.partition("/")
    if slash and release in listed["release"]:
        return _ranked([f"{release}/{one}" for one in listed.filter(listed["release"] == release)["sae_id"]], typed)
    releases = listed["release"].unique(maintain_order=True)
    return _ranked([*folders["path"], *(f"{name}/" for name in releases)], typed)


def _listed() -> Any:
    from saescope.sources.registry.listing import everything

    return everything(max_age_s=MAX_AGE_S)


def _ranked(names: list[str], typed: str) -> list[str]:
    small = typed.lower()
    begins = [name for name in names if name.lower().startswith(small)]
    return [*begins, *(name for name in names if small in name.lower() and not name.lower().startswith(small))][:MOST]
