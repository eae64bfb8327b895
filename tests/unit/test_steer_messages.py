"""Steering over the line: what streams is what is answered, and a stop ends it."""

import time

import pytest

from saescope import live
from saescope.panels.steer import Steer
from saescope.rpc.transports.memory import MemoryPage

PARAMS = {"text": "the ship", "changes": [{"feature": 3, "kind": "amplify", "strength": 2.0}], "max_new_tokens": 12}


@pytest.fixture
def page():
    made = MemoryPage()
    yield made
    made.connection.close()


def test_the_pieces_that_stream_add_up_to_the_answer(page, tiny_scope):
    reply = page.call("steer.run", {**PARAMS, "scope": tiny_scope.id, "strengths": [1.0, -1.0]})
    answer = reply.last["data"]
    stages = list(dict.fromkeys(event["stage"] for event in reply.events))
    assert stages == ["reading", "writing", "measuring"]
    assert [row["name"] for row in answer["rows"]] == ["unsteered", "3 +2", "3 −2"]
    for n, row in enumerate(answer["rows"]):
        more = [m for event in reply.events for m in event["rows"] if m["row"] == n]
        assert [t for m in more for t in m["tokens"]] == row["tokens"]
        assert [t for m in more for t in m["texts"]] == row["texts"]
        assert more[-1]["ended"] == row["ended"] == "length"
    last = [event for event in reply.events if event["stage"] == "writing"][-1]
    assert (last["done"], last["total"]) == (12, 12)
    assert last["rate"] > 0
    twin = tiny_scope.steer("the ship", {3: 2.0}, strengths=[1, -1], max_new_tokens=12)
    assert twin["text"].to_list() == ["".join(row["texts"]) for row in answer["rows"]]
    assert twin["kl"].to_list() == pytest.approx([row["kl"] for row in answer["rows"]], rel=1e-5)


def test_events_come_no_more_than_some_twenty_a_second(page, tiny_scope):
    begin = time.monotonic()
    reply = page.call("steer.run", {**PARAMS, "scope": tiny_scope.id, "max_new_tokens": 60})
    writing = [event for event in reply.events if event["stage"] == "writing"]
    assert len(writing) <= 20 * (time.monotonic() - begin) + 3


def test_a_cancel_ends_the_writing_and_frees_the_model(page, tiny_scope):
    rid = page.ask("steer.run", {**PARAMS, "scope": tiny_scope.id, "max_new_tokens": 100})
    while True:
        frame, _ = page.frames.get(timeout=30)
        if frame["t"] == "event" and frame["data"]["stage"] == "writing":
            break
    page.send({"t": "cancel", "rid": rid})
    while frame["t"] == "event":
        frame, _ = page.frames.get(timeout=30)
    assert frame["error"]["code"] == "cancelled"
    assert tiny_scope.lock.acquire(timeout=5)
    tiny_scope.lock.release()


def test_a_conversation_without_a_template_says_so(page, tiny_scope):
    params = {**PARAMS, "scope": tiny_scope.id, "messages": [{"role": "user", "content": "hello"}]}
    error = page.call("steer.run", params).last["error"]
    assert error["code"] == "input"
    assert "no chat template" in error["message"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"strengths": []}, "1 to 8 strengths"),
        ({"strengths": [1.0] * 9}, "1 to 8 strengths"),
        ({"changes": [{"feature": 999, "kind": "zero"}]}, "no feature 999"),
        ({"contrast": {"positive": ["a"] * 201, "negative": ["b"]}}, "at most 200 prompts"),
        ({"changes": []}, "nothing is steered"),
    ],
)
def test_what_cannot_be_asked_is_refused(page, tiny_scope, wrong, said):
    error = page.call("steer.run", {**PARAMS, "scope": tiny_scope.id, **wrong}).last["error"]
    assert said in error["message"]


def test_a_direction_comes_in_terms_of_features_with_their_names(page, tiny_scope):
    contrast = {"positive": ["the green ship", "the navy"], "negative": ["a star", "the sky"]}
    reply = page.call("steer.direction", {"scope": tiny_scope.id, "contrast": contrast, "k": 5})
    found = reply.last["data"]
    twin = tiny_scope.steering_vector(contrast["positive"], contrast["negative"])
    assert [row["feature"] for row in found["rows"]] == twin.features.head(5)["feature"].to_list()
    assert [brief["feature"] for brief in found["briefs"]] == [row["feature"] for row in found["rows"]]
    assert found["norm"] == pytest.approx(twin.norm, rel=1e-5)
    params = {"scope": tiny_scope.id, "text": "the ship", "contrast": contrast, "coefficient": 3.0, "max_new_tokens": 6}
    rows = page.call("steer.run", params).last["data"]["rows"]
    steered = tiny_scope.steer("the ship", vector=twin, coefficient=3.0, max_new_tokens=6)
    assert ["".join(row["texts"]) for row in rows] == steered["text"].to_list()


def test_what_is_known_of_features_needs_no_model(page, opened, tiny_scope):
    known = page.call("steer.known", {"scope": opened.id, "features": [3, 0]}).last["data"]
    assert [f["feature"] for f in known["features"]] == [3, 0]
    assert known["features"][0]["max"] > known["features"][0]["median"] > 0
    assert known["features"][1] == {"feature": 0, "mean": 0.0, "median": 0.0, "max": 0.0}
    assert (known["has_chat"], known["n_context"]) == (False, None)
    assert page.call("steer.known", {"scope": tiny_scope.id}).last["data"]["n_context"] == 128


def test_the_panel_s_table_is_the_run_that_it_shows(tiny_scope):
    text = {"name": "3 +2", "strength": 1, "text": " sea", "n_same": 0, "n_tokens": 1, "ended": "length",
            "logprob": -1.5, "kl": None}  # fmt: skip
    panel = Steer(tiny_scope, 3, state={"runs": [{"plan": {}, "texts": []}, {"plan": {}, "texts": [text]}], "shown": 1})
    frame = panel.frame()
    assert frame.row(0, named=True)["text"] == " sea"
    assert frame.columns[0] == "condition"
    assert "sea" in panel.html()
    assert Steer(tiny_scope).frame().height == 0
    assert live.get(tiny_scope.id) is tiny_scope
    panel.close()
