"""Turns in a lane, and answers for a page whose line broke."""

import queue
import threading

import pytest

from saescope.rpc import connection
from saescope.rpc.answered import MAX_ANSWERS, Answered
from saescope.rpc.messages.scopes import Nothing
from saescope.rpc.methods import Method, find_method
from saescope.rpc.transports.memory import MemoryPage


@pytest.fixture
def page():
    made = MemoryPage()
    yield made
    made.connection.close()


@pytest.fixture
def gate(monkeypatch):
    """A method ``test.wait`` of the compute lane, which runs until it is let go."""
    opened = threading.Event()

    def wait(call, _params):
        while not opened.wait(0.01):
            call.check()
        return Nothing()

    made = Method(Nothing, wait, "compute", is_quick=False)
    monkeypatch.setattr(connection, "find_method", lambda name: made if name == "test.wait" else find_method(name))
    yield opened
    opened.set()


def frames_until(page, is_last, timeout_s=20):
    heard = []
    while not heard or not is_last(heard[-1]):
        heard.append(page.frames.get(timeout=timeout_s)[0])
    return heard


def test_who_waits_is_told_its_place_and_hears_when_it_moves(page, gate):
    rids = [page.ask("test.wait", {}) for _ in range(3)]
    told = frames_until(page, lambda f: f["t"] == "queued" and f["rid"] == rids[2])
    assert [(f["rid"], f["n_before"]) for f in told] == [(rids[1], 1), (rids[2], 2)]
    page.send({"t": "cancel", "rid": rids[0]})
    moved = frames_until(page, lambda f: f.get("rid") == rids[2])
    assert [(f["rid"], f["n_before"]) for f in moved if f["t"] == "queued"] == [(rids[1], 0), (rids[2], 1)]
    gate.set()
    ended = frames_until(page, lambda f: f["t"] == "result" and f["rid"] == rids[2])
    assert {f["rid"] for f in ended if f["t"] == "result"} == {rids[1], rids[2]}


def test_a_short_turn_is_told_to_nobody(page, gate):
    rids = [page.ask("test.wait", {}) for _ in range(2)]
    gate.set()
    heard = frames_until(page, lambda f: f["rid"] == rids[1])
    assert [f["t"] for f in heard] == ["result", "result"]
    with pytest.raises(queue.Empty):
        page.frames.get(timeout=0.6)


def test_those_that_wait_in_vain_are_not_counted(page, gate):
    rids = [page.ask("test.wait", {}) for _ in range(3)]
    page.send({"t": "cancel", "rid": rids[1]})
    told = frames_until(page, lambda f: f["t"] == "queued")
    assert (told[-1]["rid"], told[-1]["n_before"]) == (rids[2], 1)


def test_a_roll_sends_again_what_was_answered_and_names_what_never_came(page, gate, opened):
    working = page.ask("test.wait", {})
    asked = {"scope": opened.id}
    first = page.call("scope.info", asked)
    rid = first.last["rid"]
    page.send({"t": "roll", "rids": [rid, working, "never"]})
    again = frames_until(page, lambda f: f["t"] == "roll")
    assert [f for f in again if f["t"] == "result"] == [first.last]
    assert (again[-1]["unknown"], again[-1]["lost"]) == (["never"], [])


def test_a_roll_sends_the_parts_of_an_answer_before_its_end(page, opened):
    first = page.call("examples.list", {"scope": opened.id, "feature": 5, "k": 40})
    assert len(first.events) == 2
    page.send({"t": "roll", "rids": [first.last["rid"]]})
    again = frames_until(page, lambda f: f["t"] == "roll")
    assert [(f["t"], f.get("n")) for f in again] == [("event", 0), ("event", 1), ("result", None), ("roll", None)]
    assert [f["data"] for f in again[:2]] == first.events


def test_parts_count_for_the_size_of_what_is_kept():
    answered = Answered()
    for n in range(5):
        answered.keep({"rid": str(n)}, [], [{"rid": str(n), "data": "x" * 1_000_000}])
    roll = answered.call_roll("01234", [])
    assert roll.lost == ["0", "1"]
    assert [f["rid"] for f, _ in roll.again] == ["2", "2", "3", "3", "4", "4"]


def test_answers_are_kept_by_number_and_size_and_told_lost_after():
    answered = Answered()
    for n in range(MAX_ANSWERS + 1):
        answered.keep({"rid": str(n)}, [b"x"])
    answered.keep({"rid": "large"}, [bytes(5_000_000)])
    roll = answered.call_roll(["0", "1", "large", "new", "open"], ["open"])
    assert [f["rid"] for f, _ in roll.again] == ["1"]
    assert roll.lost == ["0", "large"]
    assert roll.unknown == ["new"]
    for n in range(3):
        answered.keep({"rid": f"big{n}"}, [bytes(1_900_000)])
    assert [f["rid"] for f, _ in answered.call_roll(["big0", "big1", "big2"], []).again] == ["big1", "big2"]
