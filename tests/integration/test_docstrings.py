"""The examples in docstrings, run on the bundled demo; `make docs` shows them in the reference."""

import doctest
import importlib
import pkgutil

import polars as pl
import pytest

import saescope


def modules_with_examples():
    found = []
    for module in pkgutil.walk_packages(saescope.__path__, "saescope."):
        if module.name.endswith("__main__"):
            continue
        spec = importlib.util.find_spec(module.name)
        if ">>> " in (spec.loader.get_source(module.name) or ""):
            found.append(module.name)
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    scope = saescope.demo()
    scope.open_notes(tmp_path_factory.mktemp("notes") / "notes.sqlite")
    return scope


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_in_docstrings_do_what_they_say(name, demo, tmp_path):
    given = {"saescope": saescope, "scope": demo, "pl": pl, "folder": tmp_path}
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.testmod(importlib.import_module(name), extraglobs=given, optionflags=flags)
    assert (failed, tried > 0) == (0, True)


def test_what_a_person_calls_has_an_example():
    methods = [
        *("ablate", "ablate_examples", "activations", "attribute", "circuit", "compare", "examples", "export"),
        *("export_report", "feature", "find_features", "keep", "map", "neighbors", "next_tokens", "prompt", "steer"),
        *("sweep", "top_features"),
    ]
    assert [name for name in methods if ">>>" not in getattr(saescope.Scope, name).__doc__] == []
