from typing import Literal

import pytest

from saescope.errors import InputError, UnknownNameError
from saescope.export.neuronpedia import write_neuronpedia
from saescope.scope.describing import Option, describe


def made(
    scope,
    target,
    features,
    progress,
    *,
    depth: int = 3,
    share: float | None = None,
    style: Literal["plain", "rich"] = "plain",
    title: str,
    bold: bool = False,
    cells: list[Literal["a", "b"]] = ("a",),
    hook=None,
    table: "dict[str, int] | None" = None,
):
    """Write a ``thing`` for others.

    More about it.

    Parameters
    ----------
    depth
        How deep it goes,
        in steps.
    style, title
        What it looks like.

    Raises
    ------
    InputError
        Never.
    """


def test_a_form_is_read_from_signature_and_docstring():
    said = describe("thing", made)
    assert (said.title, said.meaning, said.is_folder, said.suffix) == ("thing", "Write a thing for others.", False, "")
    assert said.options == (
        Option("depth", "How deep it goes, in steps.", "whole", 3),
        Option("share", "", "number", None),
        Option("style", "What it looks like.", "choice", "plain", ("plain", "rich")),
        Option("title", "What it looks like.", "text", None, is_needed=True),
        Option("bold", "", "switch", False),
        Option("cells", "", "parts", ("a",), ("a", "b")),
    )
    assert said.others == ("hook", "table")


def test_only_what_differs_from_the_default_is_passed_on():
    said = describe("thing", made)
    given = {"depth": 3, "title": "x", "share": 1, "cells": ["b", "a"], "style": "rich"}
    assert said.checked(given) == {"title": "x", "share": 1, "cells": ("b", "a"), "style": "rich"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"depth": 1.5}, "depth is a whole number, and 1.5 came"),
        ({"depth": True}, "depth is a whole number, and True came"),
        ({"bold": 1}, "bold is true or false, and 1 came"),
        ({"style": "<b>"}, "style is one of plain, rich, and '<b>' came"),
        ({"cells": ["c"]}, r"cells is some of a, b, and \['c'\] came"),
        ({"title": 5}, "title is a text, and 5 came"),
        ({"title": "x" * 200_000}, "title is a text of at most 100,000 characters"),
        ({"bold": True}, "thing needs title"),
        ({"title": ""}, "thing needs title"),
    ],
)
def test_options_of_another_kind_are_refused(given, told):
    with pytest.raises(InputError, match=told):
        describe("thing", made).checked(given)


def test_an_unknown_option_lists_those_there_are():
    with pytest.raises(UnknownNameError, match="thing has no option 'colour'") as caught:
        describe("thing", made).checked({"colour": 1})
    assert "depth, share, style" in caught.value.hint


def test_ours_need_what_they_need_and_every_option_says_what_it_means():
    said = describe("neuronpedia", write_neuronpedia)
    assert [o.name for o in said.options if o.is_needed] == ["creator_id"]
    assert all(o.meaning for o in said.options)
    assert said.others == ()
