"""Results kept with the notes: run, stored, run again; from Python and over the line."""

import numpy as np
import polars as pl
import pytest
import torch

import saescope
import tiny
from saescope.errors import (
    CancelledError,
    InputError,
    NeedsModelError,
    NoIndexError,
    UnknownFeatureError,
    UnknownNameError,
)
from saescope.notes.kept_calls import METHODS
from saescope.rpc import codec
from saescope.rpc.calls import Answer, Call
from saescope.rpc.messages.frames import RequestFrame
from saescope.rpc.methods import find_method

TEXT = tiny.texts(3)[1][:60]
FEATURE = 101
CALLS = {
    "ablate": {"text": TEXT, "kind": "scale", "factor": -0.5, "target": (40, 50), "pos": -1},
    "ablate_examples": {"k": 2, "controls": 0},
    "activations": {"text": TEXT},
    "attribute": {"text": TEXT, "k": 4},
    "circuit": {"text": TEXT, "direction": "downstream"},
    "compare": {"features": [FEATURE, 7]},
    "contrast": {"without": [1], "k": 3},
    "effect_summary": {"k": 3, "controls": 1},
    "examples": {"k": 3, "rule": saescope.Rule(n_skipped=0)},
    "features_on": {"text": "the"},
    "lens": {},
    "neighbors": {"k": np.int64(3)},
    "prompt": {"text": [TEXT, TEXT[:30]], "target": [40, (40, 50)], "exact": 1, "k": 3},
    "steer": {"prompt": TEXT, "features": {FEATURE: 2.5}, "max_new_tokens": 3, "unit": "activation"},
    "sweep": {"text": TEXT, "strengths": [-1, 0, 0.25]},
    "top_features": {"text": TEXT},
}


@pytest.fixture
def scope(tiny_scope, tmp_path):
    tiny_scope.open_notes(tmp_path / "notes.sqlite")
    return tiny_scope


def ask(scope, method, /, *, stops_at=None, **params):
    events = []

    def send(frame, _buffers):
        events.append(frame)
        if stops_at is not None and len(events) >= stops_at:
            call._stopped.set()

    call = Call(RequestFrame(rid="1", method=method), send)
    found = find_method(method).handler(call, codec.decode(find_method(method).params, {"scope": scope.id, **params}))
    return found.message if isinstance(found, Answer) else found


def test_every_method_that_can_be_kept_is_tried_here():
    assert set(CALLS) == set(METHODS)


@pytest.mark.parametrize("method", CALLS)
def test_a_result_is_kept_as_the_method_gives_it_and_its_text_runs(scope, method):
    kept = scope.keep(FEATURE, method, **CALLS[method])
    own = {"lens": "features", "ablate": "features", "effect_summary": "examples"}
    needs = own.get(method, "feature")
    with_feature = (
        {}
        if method in ("activations", "attribute", "compare", "features_on", "prompt", "steer", "top_features")
        else {needs: FEATURE}
    )
    wanted = getattr(scope, method)(**with_feature, **CALLS[method])
    assert kept.frame.equals(wanted)
    assert kept.frame.schema == wanted.schema
    again = eval(kept.code, {"scope": scope, "saescope": saescope})
    assert again.equals(wanted)
    (stored,) = scope.kept(FEATURE)
    assert stored == kept
    assert stored.frame.equals(wanted)
    found = scope.rerun(kept.id)
    assert (found.is_same, found.differences, found.changed, found.failure) == (True, (), (), "")
    assert kept.headline
    assert set(kept.fingerprints) == {"sae", "model", "index", "corpus"}
    assert kept.versions["torch"] == torch.__version__
    assert scope.kept_table()["code"].to_list() == [kept.code]


def test_steering_by_a_contrast_is_one_call(scope):
    vector = {"scope.steering_vector": {"positive": ["the sea"], "negative": ["the land"], "at": "mean"}}
    kept = scope.keep_call(None, "steer", {"prompt": TEXT, "vector": vector, "max_new_tokens": 3})
    assert 'vector=scope.steering_vector(["the sea"], ["the land"]' in kept.code
    own = scope.steer(TEXT, vector=scope.steering_vector(["the sea"], ["the land"], at="mean"), max_new_tokens=3)
    assert kept.frame.equals(own)
    assert eval(kept.code, {"scope": scope}).equals(own)
    assert scope.kept(FEATURE) == ()
    given = scope.keep(
        None, "steer", prompt=TEXT, vector=scope.steering_vector(["the sea"], ["the land"], at="mean"), max_new_tokens=3
    )
    assert scope.rerun(given).is_same


def test_what_a_prompt_gave_belongs_to_no_feature(scope):
    kept = scope.keep(None, "prompt", "why", text=TEXT, exact=0, k=2)
    assert (kept.feature, kept.title, scope.kept(FEATURE), scope.kept()) == (None, "why", (), (kept,))
    assert scope.kept_table()["feature"].to_list() == [None]


def test_nothing_is_kept_when_the_call_cannot_run(scope):
    for method, given, error in [
        ("neighbors", {"metric": "joke"}, UnknownNameError),
        ("neighbors", {"joke": 1}, InputError),
        ("ablate", {}, InputError),
        ("ablate", {"text": TEXT, "features": 10_000}, UnknownFeatureError),
        ("ablate", {"text": TEXT, "target": {}}, InputError),
        ("ablate", {"text": "the sea " * 10_000}, InputError),
        ("export", {"kind": "csv"}, UnknownNameError),
        ("__class__", {}, UnknownNameError),
        ("circuit", {"upstream": object()}, InputError),
    ]:
        with pytest.raises(error):
            scope.keep(FEATURE, method, **given)
    with pytest.raises(UnknownFeatureError):
        scope.keep(10_000, "neighbors")
    with pytest.raises(InputError, match="a title has at most"):
        scope.keep(FEATURE, "neighbors", "x" * 400)
    assert scope.kept() == ()


def test_rerunning_says_what_differs_and_what_has_changed(scope, monkeypatch):
    kept = scope.keep(FEATURE, "ablate", text=TEXT)
    with torch.no_grad():
        weight = scope.model.get_output_embeddings().weight
        before = weight.clone()
        weight.mul_(1.5)
    try:
        scope._prompts.clear()
        monkeypatch.setitem(scope.__dict__, "_model_fingerprint", "f" * 32)
        found = scope.rerun(kept)
    finally:
        with torch.no_grad():
            weight.copy_(before)
        scope._prompts.clear()
    assert not found.is_same
    assert found.frame.height == kept.n_rows
    assert any(line.startswith("logprob:") and "was kept" in line for line in found.differences)
    assert found.changed == (f"another model: ffffffff, and {kept.fingerprints['model'][:8]} then",)
    assert scope.rerun(kept, atol=1e9).is_same


def test_a_call_that_fails_now_says_why(scope, opened, tmp_path):
    kept = scope.keep(FEATURE, "ablate", text=TEXT)
    path = scope.notes.path
    opened.open_notes(path)
    found = opened.rerun(kept)
    assert (found.is_same, found.frame) == (False, None)
    assert "needs the model" in found.failure
    near = scope.keep(FEATURE, "neighbors", k=2)
    assert opened.rerun(near).is_same
    assert opened.kept() == (kept, near)
    with pytest.raises(NeedsModelError):
        opened.keep(FEATURE, "ablate", text=TEXT)


def test_without_an_index_results_of_the_model_are_kept(tmp_path):
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    scope.open_notes(tmp_path / "notes.sqlite")
    kept = scope.keep(FEATURE, "ablate", text=TEXT, controls=0)
    assert set(kept.fingerprints) == {"sae", "model"}
    with pytest.raises(NoIndexError):
        scope.keep(FEATURE, "examples")
    assert scope.kept() == (kept,)


def test_over_the_line_a_result_is_kept_listed_titled_taken_away_and_run_again(scope):
    panel = {"name": "effects", "state": {"kind": "zero"}}
    args = {"text": TEXT, "features": FEATURE, "target": {"()": [40, 50]}}
    made = ask(scope, "kept.keep", method="ablate", args=args, feature=FEATURE, panel=panel)
    (kept,) = scope.kept(FEATURE)
    assert (made.line.id, made.code, made.panel, made.cut) == (kept.id, kept.code, panel, "")
    assert kept.frame.equals(scope.ablate(TEXT, FEATURE, target=(40, 50)))
    prompt = ask(scope, "kept.keep", method="prompt", args={"text": TEXT, "k": 2, "exact": 0})
    assert [line.id for line in ask(scope, "kept.list", feature=FEATURE).lines] == [kept.id]
    assert [line.id for line in ask(scope, "kept.list").lines] == [prompt.line.id]
    assert [line.id for line in ask(scope, "kept.list", is_all=True).lines] == [kept.id, prompt.line.id]
    assert ask(scope, "kept.title", id=kept.id, title="<b>").line.title == "<b>"
    again = ask(scope, "kept.rerun", id=kept.id)
    assert (again.is_same, again.differences, again.changed, again.failure) == (True, [], [], "")
    ask(scope, "kept.remove", id=kept.id)
    assert scope.kept(FEATURE) == ()
    ask(scope, "kept.undo", id=kept.id)
    assert ask(scope, "kept.get", id=kept.id).line.title == "<b>"
    with pytest.raises(UnknownNameError):
        ask(scope, "kept.get", id="0" * 12)


def test_keeping_says_how_far_it_is_and_stops_between_examples(scope, monkeypatch):
    monkeypatch.setattr("saescope.rpc.handlers.kept.TELL_S", 0)
    ran = []
    own = scope.tokens_of
    monkeypatch.setattr(scope, "tokens_of", lambda *a, **k: ran.append(1) or own(*a, **k))
    args = {"examples": FEATURE, "k": 8, "controls": 0}
    with pytest.raises(CancelledError):
        ask(scope, "kept.keep", stops_at=2, method="effect_summary", args=args, feature=FEATURE)
    assert 2 <= len(ran) <= 3
    assert scope.kept() == ()
    assert not scope.lock.locked()


def test_a_table_with_nothing_in_it_is_kept(scope):
    kept = scope.keep(FEATURE, "features_on", text="zzzzqqq")
    assert (kept.frame.height, kept.headline, scope.rerun(kept).is_same) == (0, "no rows", True)


def test_results_go_along_in_the_text_form(scope, tmp_path):
    kept = scope.keep(FEATURE, "ablate", "<script>\u202e", text=TEXT)
    path = scope.notes.export(tmp_path / "a.jsonl")
    other = scope.open_notes(tmp_path / "other.sqlite")
    assert other.import_from(path) == 1
    assert scope.kept() == (kept,)
    assert isinstance(scope.kept()[0].frame, pl.DataFrame)
    assert scope.rerun(kept.id).is_same
