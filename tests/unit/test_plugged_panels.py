"""Panels that other packages bring, as a page sees them."""

import pytest

import saescope
from saescope.errors import PluginError
from saescope.panels.snapshot import MIME
from saescope.rpc.handlers.plugins import packages
from saescope.rpc.transports.memory import MemoryPage

MODULE = """
import saescope

def double(scope, n):
    return {"twice": 2 * n, "features": scope.n_features}

def fail(scope):
    raise ValueError("no luck")

class Good(saescope.Panel):
    view = "good"
    title = "Good one"
    about = "A panel."
    key = "v"
    esm = "export default { render({ el }) { el.textContent = 'ü'; } }"
    answers = {"double": double, "fail": fail, "nan": lambda scope: {"x": float("nan")}, "odd": lambda scope: 3}

    def frame(self):
        return self.scope.features.head(2)

class Blank(saescope.Panel):
    view = "blank"

class Other(saescope.Panel):
    view = "something_else"
    esm = "export default {}"

NotOne = dict
"""
ENTRIES = """[saescope.panels]
good = theirs_panels:Good
blank = theirs_panels:Blank
misnamed = theirs_panels:Other
notone = theirs_panels:NotOne
broken = theirs_missing:Panel
map = theirs_panels:Good
"""


@pytest.fixture
def theirs(tmp_path, monkeypatch, opened):
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    (tmp_path / "theirs_panels.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    packages.cache_clear()
    page = MemoryPage()
    yield saescope.open_index(opened.index.path), page
    page.connection.close()
    packages.cache_clear()


def test_each_is_told_with_its_package_and_one_that_fails_with_the_reason(theirs):
    _, page = theirs
    told = {panel["name"]: panel for panel in page.call("plugin.list", {}).last["data"]["panels"]}
    assert set(told) == {"good", "blank", "misnamed", "notone", "broken"}
    assert {panel["package"] for panel in told.values()} == {"theirs"}
    assert (told["good"]["title"], told["good"]["key"], told["good"]["error"]) == ("Good one", "v", "")
    for name, reason in {
        "blank": "esm holds no view", "misnamed": "something_else", "notone": "no subclass", "broken": "theirs_missing",
    }.items():  # fmt: skip
        assert reason in told[name]["error"], name


def test_its_view_is_sent_and_ours_is_never_replaced(theirs):
    _, page = theirs
    answer = page.call("bundle.get", {"name": "good"})
    assert b"".join(answer.buffers).decode().endswith("'ü'; } }")
    refused = page.call("bundle.get", {"name": "broken"}).last["error"]
    assert (refused["code"], "theirs_missing" in refused["message"]) == ("plugin", True)


def test_its_class_answers_its_view(theirs):
    scope, page = theirs

    def ask(question, panel="good", **params):
        asked = {"scope": scope.id, "panel": panel, "question": question, "params": params}
        return page.call("plugin.ask", asked).last

    assert ask("double", n=4)["data"]["data"] == {"twice": 8, "features": 256}
    for question in ("fail", "nan", "odd"):
        assert (ask(question)["error"]["code"], "theirs failed" in ask(question)["error"]["message"]) == (
            "plugin",
            True,
        )
    assert "no luck" in ask("fail")["error"]["message"]
    assert "It answers: double" in ask("other")["error"]["hint"]
    assert ask("double", panel="map", n=1)["error"]["code"] == "plugin"


def test_it_is_shown_alone_with_what_the_page_must_know(theirs):
    scope, _ = theirs
    shown = scope.show("good", 3)
    data, _metadata = shown._repr_mimebundle_()
    assert data[MIME]["spec"]["plugin"]["title"] == "Good one"
    assert data[MIME]["spec"]["feature"] == 3
    with pytest.raises(PluginError, match="theirs_missing"):
        scope.show("broken")
