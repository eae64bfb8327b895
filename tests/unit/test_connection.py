import gc
import queue
import threading
import time

import pytest

import saescope
from saescope import live
from saescope.errors import InputError
from saescope.rpc import connection
from saescope.rpc.connection import Connection
from saescope.rpc.messages.frames import PROTOCOL
from saescope.rpc.messages.scopes import Nothing, ScopeParams
from saescope.rpc.methods import Method, find_method
from saescope.rpc.transports.memory import MemoryPage


class Gate:
    """A handler that waits until it is let go, and counts."""

    def __init__(self):
        self.open, self.entered = threading.Event(), threading.Semaphore(0)
        self.n_entered = 0
        self.seen = []

    def __call__(self, call, _params):
        self.n_entered += 1
        self.entered.release()
        assert self.open.wait(20)
        try:
            call.check()
        except Exception as err:
            self.seen.append(type(err).__name__)
            raise
        return Nothing()


@pytest.fixture
def handle(monkeypatch):
    made = {}
    monkeypatch.setattr(connection, "find_method", lambda name: made.get(name) or find_method(name))

    def handle(name, handler, params=Nothing):
        made[name] = Method(params, handler, "store", is_quick=False)

    return handle


@pytest.fixture
def gate(handle):
    made = Gate()
    handle("test.wait", made)
    yield made
    made.open.set()


@pytest.fixture
def page():
    made = MemoryPage()
    yield made
    made.connection.close()


def wait_until(condition):
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    raise TimeoutError


def settlements(page, seconds=0.15):
    """Every frame that settles a request, until none has come for a while."""
    found = []
    while True:
        try:
            frame, _ = page.frames.get(timeout=seconds)
        except queue.Empty:
            return found
        if frame["t"] in ("result", "error"):
            found.append((frame["rid"], frame.get("error", {}).get("code", "ok")))


def next_frame(page, kind):
    while True:
        frame, _ = page.frames.get(timeout=10)
        if frame["t"] == kind:
            return frame


def test_hello_is_answered_with_version_and_scopes(page, opened):
    page.send({"t": "hello", "protocol": PROTOCOL})
    frame = next_frame(page, "hello")
    assert frame["protocol"] == PROTOCOL
    assert frame["version"] == saescope.__version__
    assert opened.id in [s["id"] for s in frame["scopes"]]


def test_a_page_of_another_protocol_hears_which_one_the_kernel_speaks(page):
    page.send({"t": "hello", "protocol": 99})
    assert next_frame(page, "hello")["protocol"] == PROTOCOL


def test_the_scope_tells_what_it_is(page, opened):
    told = page.call("scope.info", {"scope": opened.id}).last["data"]
    m = opened.index.manifest
    assert (told["n_features"], told["n_tokens"], told["n_counted"]) == (m.d_sae, m.n_rows, m.n_counted)
    assert (told["has_index"], told["has_model"], told["index"]) == (True, False, "index")


def test_examples_stream_in_rank_order_and_equal_the_table(page, opened):
    feature = int(opened.features.sort("n_fires")["feature"][-1])
    reply = page.call("examples.list", {"scope": opened.id, "feature": feature, "k": 30, "context": 0})
    streamed = [e for event in reply.events for e in event["examples"]]
    table = opened.examples(feature, k=30).to_dicts()
    assert [len(e["examples"]) for e in reply.events] == [20, len(table) - 20]
    assert reply.last["data"]["n_examples"] == len(table)
    assert "random" in [group["name"] for group in reply.last["data"]["groups"]]
    for sent, row in zip(streamed, table, strict=True):
        assert (sent["rank"], sent["texts"], sent["tokens"]) == (row["rank"], row["tokens"], row["token_ids"])
        assert (sent["peak"], sent["doc"], sent["source"]) == (row["peak"], row["doc"], row["source"])
        assert sent["activations"] == pytest.approx(row["activations"], rel=1e-5)
        assert (
            sent["activations"][sent["peak"]] == max(sent["activations"]) == pytest.approx(row["activation"], rel=1e-5)
        )


def test_a_context_trims_the_windows_round_their_peaks(page, opened):
    feature = int(opened.features.sort("n_fires")["feature"][-1])
    whole = page.call("examples.list", {"scope": opened.id, "feature": feature, "k": 5, "context": 0}).events[0]
    short = page.call("examples.list", {"scope": opened.id, "feature": feature, "k": 5, "context": 3}).events[0]
    for a, b in zip(whole["examples"], short["examples"], strict=True):
        low = max(a["peak"] - 3, 0)
        assert b["tokens"] == a["tokens"][low : a["peak"] + 4]
        assert (b["peak"], b["start"]) == (a["peak"] - low, a["start"] + low)


def test_a_feature_page_equals_the_table(page, opened):
    row = opened.features.row(7, named=True)
    told = page.call("feature.get", {"scope": opened.id, "feature": 7}).last["data"]
    assert (told["n_fires"], told["histogram"]["counts"]) == (row["n_fires"], row["histogram"])
    assert told["max"] == told["histogram"]["high"] == pytest.approx(row["max"], rel=1e-5)
    assert [t["text"] for t in told["promoted"]] == row["promoted"]
    assert [t["weight"] for t in told["promoted"]] == pytest.approx(row["promoted_weights"], rel=1e-5)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("no.such", {}, "unknown_name"),
        ("scope.info", {"scope": "gone"}, "unknown_name"),
        ("scope.info", {}, "protocol"),
        ("scope.info", {"scope": 5}, "protocol"),
        ("scope.info", {"scope": "x", "extra": 1}, "protocol"),
        ("feature.get", {"scope": "$", "feature": 256}, "unknown_feature"),
        ("feature.get", {"scope": "$", "feature": -1}, "unknown_feature"),
        ("feature.get", {"scope": "$", "feature": 1.5}, "protocol"),
        ("examples.list", {"scope": "$", "feature": 1, "k": 0}, "input"),
        ("examples.list", {"scope": "$", "feature": 1, "k": 10**9}, "input"),
        ("examples.list", {"scope": "$", "feature": 1, "group": "best"}, "unknown_name"),
        ("features.window", {"scope": "$", "offset": 0, "count": 5, "sort": "colour"}, "unknown_name"),
        ("features.locate", {"scope": "$", "feature": 999}, "unknown_feature"),
        ("scope.select", {"scope": "$", "feature": 999}, "unknown_feature"),
    ],
)
def test_a_bad_request_settles_once_with_an_error_that_says_why(page, opened, method, params, code):
    params = {k: opened.id if v == "$" else v for k, v in params.items()}
    rid = page.ask(method, params)
    frame = next_frame(page, "error")
    assert (frame["rid"], frame["error"]["code"]) == (rid, code)
    assert frame["error"]["message"]
    assert settlements(page) == []


@pytest.mark.parametrize(
    "frame", [None, [], "hello", {}, {"t": "x"}, {"t": "request"}, {"t": "request", "rid": 5}, {"t": "cancel"}]
)
def test_a_malformed_frame_breaks_nothing(page, opened, frame):
    page.send(frame)
    assert page.call("scope.info", {"scope": opened.id}).last["t"] == "result"


def test_a_malformed_request_with_an_id_is_answered(page):
    page.send({"t": "request", "rid": "r", "method": 5})
    assert next_frame(page, "error")["rid"] == "r"


def test_receiving_does_not_wait_for_the_answer(page, gate):
    start = time.perf_counter()
    page.ask("test.wait", {})
    assert time.perf_counter() - start < 1
    gate.open.set()
    assert next_frame(page, "result")


def test_a_newer_request_in_the_slot_supersedes_the_older(page, gate):
    older = page.ask("test.wait", {}, slot="a")
    assert gate.entered.acquire(timeout=10)
    other = page.ask("test.wait", {}, slot="b")
    newer = page.ask("test.wait", {}, slot="a")
    frame = next_frame(page, "error")
    assert (frame["rid"], frame["error"]["code"]) == (older, "superseded")
    gate.open.set()
    assert sorted(settlements(page)) == sorted([(other, "ok"), (newer, "ok")])
    assert gate.seen == ["CancelledError"]


def test_a_superseded_request_that_still_waits_is_never_run(page, gate):
    for slot in ("x", "y"):
        page.ask("test.wait", {}, slot=slot)
        assert gate.entered.acquire(timeout=10)
    for _ in range(5):
        page.ask("test.wait", {}, slot="a")
    gate.open.set()
    codes = [code for _, code in settlements(page)]
    assert sorted(codes) == ["ok"] * 3 + ["superseded"] * 4
    assert gate.n_entered == 3


def test_a_slot_is_free_again_once_its_request_has_settled(page, opened):
    for _ in range(3):
        rid = page.ask("scope.info", {"scope": opened.id}, slot="a")
        assert settlements(page) == [(rid, "ok")]


def test_a_cancelled_request_settles_at_once_and_only_once(page, gate):
    rid = page.ask("test.wait", {})
    assert gate.entered.acquire(timeout=10)
    for _ in range(3):
        page.send({"t": "cancel", "rid": rid})
    assert next_frame(page, "error")["error"]["code"] == "cancelled"
    gate.open.set()
    assert settlements(page) == []
    wait_until(lambda: gate.seen == ["CancelledError"])


def test_cancelling_what_is_not_open_does_nothing(page):
    page.send({"t": "cancel", "rid": "nothing"})
    assert settlements(page) == []


def test_nothing_streams_after_a_cancel(page, handle):
    started, go, results = threading.Event(), threading.Event(), []

    def stream(call, _params):
        call.emit(Nothing())
        started.set()
        go.wait(10)
        try:
            call.emit(Nothing())
        except Exception as err:
            results.append(type(err).__name__)
            raise

    handle("test.stream", stream)
    rid = page.ask("test.stream", {})
    assert started.wait(10)
    page.send({"t": "cancel", "rid": rid})
    go.set()
    wait_until(lambda: results)
    kinds = []
    while not page.frames.empty():
        kinds.append(page.frames.get()[0]["t"])
    assert [kind for kind in kinds if kind != "queued"] == ["event", "error"]
    assert results == ["CancelledError"]


def test_closing_settles_all_and_nothing_is_sent_afterwards(page, gate, opened):
    rids = [page.ask("test.wait", {}) for _ in range(4)]
    assert gate.entered.acquire(timeout=10)
    page.connection.close()
    assert sorted(settlements(page)) == sorted((rid, "closed") for rid in rids)
    gate.open.set()
    live.changed()
    page.send({"t": "hello", "protocol": PROTOCOL})
    page.ask("scope.info", {"scope": opened.id})
    page.ask("no.such", {})
    time.sleep(0.15)
    assert page.frames.empty()


def test_a_fault_in_a_handler_is_told_as_internal(page, handle):
    def broken(_call, _params):
        raise ZeroDivisionError("seven")

    handle("test.broken", broken)
    error = page.call("test.broken", {}).last["error"]
    assert error["code"] == "internal"
    assert "ZeroDivisionError: seven" in error["message"]
    assert error["hint"]


def test_an_answer_that_cannot_be_sent_as_json_is_told_as_internal(page, handle):
    handle("test.odd", lambda _call, _params: object())
    assert page.call("test.odd", {}).last["error"]["code"] == "internal"


def test_an_error_travels_with_code_message_hint_and_data(page, handle):
    def refuse(_call, _params):
        raise InputError("wanted a, got b.", hint="Give a.", wanted="a")

    handle("test.refuse", refuse)
    found = page.call("test.refuse", {}).last["error"]
    assert found == {"code": "input", "message": "wanted a, got b.", "hint": "Give a.", "data": {"wanted": "a"}}


def test_a_selection_is_told_to_others_and_not_to_oneself(page, opened):
    other = MemoryPage()
    assert page.call("scope.select", {"scope": opened.id, "feature": 3}).last["t"] == "result"
    frame = next_frame(other, "notify")
    assert (frame["topic"], frame["data"]) == (
        "selection",
        {"scope": opened.id, "feature": 3, "picked": None, "text": None},
    )
    time.sleep(0.05)
    assert page.frames.empty()
    other.connection.close()


def test_scopes_that_come_and_go_are_told(page, tiny_folder):
    made = saescope.open_index(tiny_folder / "index")
    scope_id = made.id
    frame = next_frame(page, "notify")
    assert frame["topic"] == "scopes"
    assert frame["data"]["scopes"][0]["id"] == scope_id
    del made
    gc.collect()
    frame = next_frame(page, "notify")
    assert scope_id not in [s["id"] for s in frame["data"]["scopes"]]
    assert page.call("scope.info", {"scope": scope_id}).last["error"]["code"] == "unknown_name"


def test_many_requests_at_once_each_settle_once(page, opened):
    rids = [page.ask("feature.get", {"scope": opened.id, "feature": n % 256}) for n in range(300)]
    assert sorted(settlements(page, seconds=1.0)) == sorted((rid, "ok") for rid in rids)


def test_a_page_whose_line_is_broken_does_not_hinder_the_others(page, opened, handle):
    handle("test.ok", lambda _call, _params: Nothing(), ScopeParams)

    def broken(_frame, _buffers):
        raise RuntimeError("the line is cut")

    deaf = Connection(broken)
    assert page.call("scope.select", {"scope": opened.id, "feature": 3}).last["t"] == "result"
    saescope.open_index(opened.index.path)
    page.send({"t": "hello", "protocol": PROTOCOL})
    assert next_frame(page, "hello")
    deaf.close()
