"""Requests that come together, and are answered together."""

import queue
import threading
from dataclasses import replace

import pytest

from saescope.rpc import connection
from saescope.rpc.messages.scopes import Nothing
from saescope.rpc.methods import find_method
from saescope.rpc.transports.memory import MemoryPage


@pytest.fixture
def page():
    made = MemoryPage()
    yield made
    made.connection.close()


def request(rid, method, slot=None, **params):
    return {"t": "request", "rid": rid, "method": method, "params": params, "slot": slot}


def send(page, *frames):
    page.send({"t": "batch", "frames": list(frames)})


def test_quick_requests_of_a_batch_are_answered_in_one_frame_in_their_order(page, opened):
    feature = int(opened.features.sort("n_fires")["feature"][-1])
    send(
        page,
        request("a", "feature.get", scope=opened.id, feature=feature),
        request("b", "examples.list", scope=opened.id, feature=feature, k=3),
        request("c", "feature.get", scope=opened.id, feature=-1),
    )
    frame, buffers = page.frames.get(timeout=10)
    assert (frame["t"], len(buffers)) == ("batch", 0)
    told = [(f["rid"], f["t"]) for f in frame["frames"]]
    assert told == [("a", "result"), ("b", "event"), ("b", "result"), ("c", "error")]
    alone = page.call("feature.get", {"scope": opened.id, "feature": feature}).last
    assert frame["frames"][0]["data"] == alone["data"]
    assert frame["n_buffers"] == [0, 0, 0, 0]


def test_what_is_not_quick_goes_its_own_way(page, opened):
    send(
        page,
        request("rows", "features.window", scope=opened.id, offset=0, count=2),
        request("page", "feature.get", scope=opened.id, feature=1),
    )
    found = {}
    while len(found) < 2:
        frame, buffers = page.frames.get(timeout=10)
        found[frame.get("rid")] = (frame["t"], len(buffers))
    assert found["page"] == ("result", 0)
    assert found["rows"][0] == "result"
    assert found["rows"][1] > 0


def test_a_refused_frame_of_a_batch_fails_alone(page, opened):
    send(
        page,
        request("x", "feature.get", scope=opened.id, wrong=1),
        request("y", "no.such"),
        {"t": "request", "rid": "z", "method": 3},
        request("ok", "feature.get", scope=opened.id, feature=0),
    )
    found = {}
    while len(found) < 4:
        frame, _ = page.frames.get(timeout=10)
        found[frame["rid"]] = frame["t"]
    assert found == {"x": "error", "y": "error", "z": "error", "ok": "result"}


def test_a_newer_request_stops_one_that_waits_in_a_batch(page, opened, monkeypatch):
    gate, entered = threading.Event(), threading.Event()

    def wait(_call, _params):
        entered.set()
        assert gate.wait(20)
        return Nothing()

    slow = replace(find_method("note.get"), handler=wait)
    monkeypatch.setattr(connection, "find_method", lambda name: slow if name == "note.get" else find_method(name))
    send(
        page,
        request("first", "note.get", scope=opened.id, feature=0),
        request("old", "feature.get", slot="page", scope=opened.id, feature=1),
    )
    assert entered.wait(10)
    page.send(request("new", "feature.get", slot="page", scope=opened.id, feature=2))
    gate.set()
    settled = {}
    while len(settled) < 3:
        frame, _ = page.frames.get(timeout=10)
        for one in frame.get("frames", [frame]):
            settled[one["rid"]] = one.get("error", {}).get("code", "ok")
    assert settled == {"first": "ok", "old": "superseded", "new": "ok"}
    with pytest.raises(queue.Empty):
        page.frames.get(timeout=0.1)
