import json

import pytest

import saescope
import tiny
from saescope.errors import InputError, NeedsModelError, UnknownFeatureError, UnknownNameError
from saescope.panels import REGISTRY
from saescope.panels.browser import Browser
from saescope.panels.snapshot import MIME, first_feature
from saescope.rpc.transports.memory import MemoryPage


@pytest.fixture
def scope(opened):
    return saescope.open_index(opened.index.path)


@pytest.fixture
def pages():
    made = [MemoryPage(), MemoryPage()]
    yield made
    for page in made:
        page.connection.close()


def news(page, topic="selection"):
    found = []
    while not page.frames.empty():
        frame, _ = page.frames.get()
        if frame["t"] == "notify" and frame["topic"] == topic:
            found.append(frame["data"])
    return found


def test_python_selects_and_every_page_hears(scope, pages):
    scope.select(7, picked=[3, 5, 3], text="a b")
    wanted = {"scope": scope.id, "feature": 7, "picked": [3, 5], "text": "a b"}
    assert [news(p) for p in pages] == [[wanted], [wanted]]
    assert (scope.selected, scope.picked, scope.text) == (7, [3, 5], "a b")


def test_what_is_not_given_stays(scope):
    scope.select(7, picked=[3], text="a")
    scope.select(picked=[])
    scope.select(text="")
    assert (scope.selected, scope.picked, scope.text) == (7, [], "")


def test_a_page_selects_and_python_reads_it(scope, pages):
    one, other = pages
    assert one.call("scope.select", {"scope": scope.id, "picked": [9, 4]}).last["t"] == "result"
    assert scope.picked == [9, 4]
    assert (news(one), [n["picked"] for n in news(other)]) == ([], [[9, 4]])
    told = other.call("scope.selection", {"scope": scope.id}).last["data"]
    assert told == {"scope": scope.id, "feature": None, "picked": [9, 4], "text": ""}


def test_what_is_no_feature_is_refused_and_changes_nothing(scope):
    scope.select(7, picked=[1])
    for wrong in ({"feature": 256}, {"picked": [2, 256]}, {"feature": True}):
        with pytest.raises(UnknownFeatureError):
            scope.select(**wrong)
    with pytest.raises(InputError, match="100,000 features"):
        scope.select(picked=[0] * 100_001)
    with pytest.raises(InputError, match="characters"):
        scope.select(text="x" * 100_001)
    assert (scope.selected, scope.picked, scope.text) == (7, [1], "")


def test_a_panel_s_state_is_remembered_by_its_scope(scope, pages):
    panel = Browser(scope, 3, state={"tab": "map"})
    assert panel.state == {"tab": "map"}
    saved = {"scope": scope.id, "panel": panel.id, "state": {"tab": "compare", "feature": 9}}
    assert pages[0].call("panel.save", saved).last["t"] == "result"
    assert panel.state == {"tab": "compare", "feature": 9}
    loaded = pages[1].call("panel.load", {"scope": scope.id, "panel": panel.id}).last["data"]
    assert loaded == {"state": panel.state}
    assert Browser(scope, state=panel.state).state == panel.state
    assert panel._repr_mimebundle_()[0][MIME]["spec"]["state"] == panel.state


def test_a_state_that_is_too_large_is_refused(scope, pages):
    wrong = {"scope": scope.id, "panel": "p", "state": {"x": "y" * (1 << 20)}}
    assert pages[0].call("panel.save", wrong).last["error"]["code"] == "input"
    assert scope.panel_states == {}


def test_a_panel_shows_the_locked_feature_or_the_last_or_its_own_or_the_selected_or_the_first(scope):
    panel = Browser(scope)
    assert panel.feature == first_feature(scope)
    scope.select(5)
    assert (panel.feature, Browser(scope, 12).feature) == (5, 12)
    scope.panel_states[panel.id] = {"feature": 0}
    assert panel.feature == 0
    scope.panel_states[panel.id] = {"feature": 0, "locked": 8}
    assert panel.feature == 8


def test_the_key_of_a_scope_is_that_of_its_parts(scope, opened):
    again = saescope.open_index(opened.index.path)
    assert again.key == scope.key
    assert again.id != scope.id
    bare = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    assert bare.key != scope.key


def test_a_panel_that_there_is_not_is_refused(scope):
    with pytest.raises(UnknownNameError, match="browser"):
        scope.show("graph")
    with pytest.raises(UnknownFeatureError):
        scope.show("browser", 999)


@pytest.fixture
def busy(opened):
    """A scope in which something is marked and tried."""
    top = opened.features.sort("n_fires", descending=True)["feature"].to_list()
    opened.select(picked=top[:2], text="the sea")
    yield opened
    opened.select(picked=[], text="")


@pytest.mark.parametrize("name", sorted({*REGISTRY.names()} - {"picker"}))  # it shows no scope: see test_picker
def test_every_panel_leaves_something_to_read_without_a_kernel(name, busy):
    panel = busy.show(name, busy.picked[0])
    bundle = panel._repr_mimebundle_()[0]
    assert bundle[MIME]["panel"] == panel.view
    assert len(json.dumps(bundle[MIME])) < 150_000
    assert len(bundle["text/html"]) > 140
    assert "<script" not in bundle["text/html"]
    assert "Scope(" in bundle["text/plain"]
    if name in ("try_it", "effects", "prompt", "circuit"):  # the index is open alone
        with pytest.raises(NeedsModelError):
            panel.frame()
        return
    frame = panel.frame()
    assert len(frame) > 0 or name == "steer"  # nothing was written yet
    assert len(frame.columns) > 1


def test_only_bundles_there_are_can_be_had(pages):
    assert pages[0].call("bundle.get", {"name": "../errors"}).last["error"]["code"] == "bundle_missing"
