"""The effects panel from Python."""

import pytest

import tiny
from saescope.panels import core
from saescope.panels.effects import Effects

TEXT = tiny.texts(3)[1][:60]
FEATURE = 101


@pytest.fixture
def scope(tiny_scope, monkeypatch, tmp_path):
    (tmp_path / "core.js").write_text("export default {}")
    monkeypatch.setattr(core, "STATIC", tmp_path)
    tiny_scope.select(text="")
    yield tiny_scope
    tiny_scope.select(text="")


def shown(scope, **state):
    return Effects(scope, FEATURE, state=state)


def test_its_frame_is_what_it_shows(scope):
    assert shown(scope, text=TEXT).frame().equals(scope.ablate(TEXT, FEATURE, last_only=False))
    state = {"text": TEXT, "kind": "clamp", "options": {"clamp": {"value": 2}}, "where": "one", "pos": 3}
    aim = {"target": {"token": 40, "text": "x"}, "contrast": {"token": 50, "text": "y"}}
    wanted = scope.ablate(TEXT, FEATURE, kind="clamp", value=2, pos=3, target=(40, 50), last_only=False)
    assert shown(scope, **state, aim=aim).frame().equals(wanted)
    assert shown(scope, text=TEXT, mode="sweep").frame().equals(scope.sweep(TEXT, FEATURE))
    found = shown(scope, mode="examples", k=3, where="one").frame()
    assert found.equals(scope.effect_summary(FEATURE, k=3, pos="peak"))


def test_without_a_text_it_is_the_strongest_example(scope):
    passage = scope.passages(FEATURE, 1, n_after=8, n_before=32)[0]
    assert shown(scope).measured_text == passage.tokens
    assert shown(scope, source="example", text=TEXT, tokens=[0, 70, 71]).measured_text == [0, 70, 71]
    assert Effects(scope, FEATURE, text=TEXT, kind="scale").measured_text == TEXT


def test_a_notebook_keeps_its_figures(scope):
    kept = dict(shown(scope, text=TEXT).recorded())
    assert kept["effects.ablate"]["features"] == [FEATURE]
    bundle = shown(scope, text=TEXT)._repr_mimebundle_()[0]
    methods = [a["method"] for a in bundle["application/vnd.saescope.v1+json"]["answers"]]
    assert methods == ["effects.kinds", "effects.passages", "effects.ablate", "effects.control"]
    assert "delta_logprob" in bundle["text/html"]
    assert shown(scope, text=TEXT * 5).recorded() == [("effects.kinds", {})]


def test_it_opens_without_a_model(opened, monkeypatch, tmp_path):
    (tmp_path / "core.js").write_text("export default {}")
    monkeypatch.setattr(core, "STATIC", tmp_path)
    panel = opened.show("effects", FEATURE)
    assert str(FEATURE) in panel._repr_mimebundle_()[0]["text/html"]
