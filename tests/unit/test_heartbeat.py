import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from saescope.errors import CancelledError
from saescope.indexing import heartbeat
from saescope.indexing.heartbeat import HEARTBEAT, STOP, Beat, Heartbeat, ask_to_stop, read_beat


class Heard:
    """Progress that notes what it is told."""

    def __init__(self):
        self.words = []

    def say(self, text):
        self.words.append(("say", text))

    def start(self, what, total, unit, done=0):
        self.words.append(("start", what, total, unit, done))

    def advance(self, n):
        self.words.append(("advance", n))

    def finish(self):
        self.words.append(("finish",))


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    made = SimpleNamespace(now=1000.0)
    made.monotonic = lambda: made.now
    monkeypatch.setattr(heartbeat, "time", made)
    return made


def beats(path, clock, total=1000, before=0, steps=((1.0, 100),), unit="token"):
    """What the file says after each step of some seconds and units."""
    made = Heartbeat(Heard(), path)
    made.start("Reading", total, unit, before)
    found = [read_beat(path)]
    for seconds, n in steps:
        clock.now += seconds
        made.advance(n)
        found.append(read_beat(path))
    return found


def test_a_stage_is_told_as_soon_as_it_begins(tmp_path, clock):
    assert beats(tmp_path, clock, before=300, steps=()) == [Beat("Reading", "tokens", 300, 1000, 0.0, None)]


def test_the_rate_leaves_out_what_was_done_before(tmp_path, clock):
    *_, last = beats(tmp_path, clock, before=600, steps=[(2.0, 50), (2.0, 50)])
    assert (last.done, last.rate) == (700, 25.0)
    assert last.seconds_left == 300 / 25


def test_the_time_left_is_told_after_a_warm_up(tmp_path, clock):
    _, first, second, last = beats(tmp_path, clock, steps=[(1.0, 100), (1.0, 100), (1.0, 800)])
    assert (first.rate, first.seconds_left) == (100.0, None)
    assert (second.rate, second.seconds_left) == (100.0, 8.0)
    assert last.seconds_left == 0


def test_without_a_total_or_before_anything_is_done_no_time_left_is_told(tmp_path, clock):
    assert beats(tmp_path, clock, total=0, steps=[(5.0, 100)])[-1].seconds_left is None
    nothing = beats(tmp_path, clock, steps=[(5.0, 0)])[-1]
    assert (nothing.rate, nothing.seconds_left) == (0.0, None)


def test_a_new_stage_begins_its_rate_anew(tmp_path, clock):
    made = Heartbeat(Heard(), tmp_path)
    made.start("One", 100, "token")
    clock.now += 10
    made.advance(100)
    made.finish()
    made.start("Two", 50, "feature")
    assert read_beat(tmp_path) == Beat("Two", "features", 0, 50, 0.0, None)
    clock.now += 4
    made.advance(20)
    assert read_beat(tmp_path) == Beat("Two", "features", 20, 50, 5.0, 6.0)


def test_the_file_is_written_once_a_second(tmp_path, clock):
    found = beats(tmp_path, clock, steps=[(0.4, 10), (0.4, 10), (0.4, 10), (0.4, 10)])
    assert [b.done for b in found] == [0, 0, 0, 30, 30]


def test_the_file_is_whole_at_every_moment(tmp_path, clock, monkeypatch):
    """It is written elsewhere and renamed: whoever reads meanwhile sees the beat before."""
    seen, write = [], Path.write_text

    def halves(self, text, **options):
        assert self.name != HEARTBEAT
        write(self, text[: len(text) // 2], **options)
        seen.append(read_beat(tmp_path))
        return write(self, text, **options)

    monkeypatch.setattr(Path, "write_text", halves)
    found = beats(tmp_path, clock, steps=[(1.0, 10), (1.0, 10)])
    assert seen == [None, *found[:-1]]
    assert [f.name for f in tmp_path.iterdir()] == [HEARTBEAT]
    assert json.loads((tmp_path / HEARTBEAT).read_text())["unit"] == "tokens"


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"stage": "x"}', '{"other": 1}'])
def test_what_is_no_beat_is_none(tmp_path, text):
    (tmp_path / HEARTBEAT).write_text(text)
    assert read_beat(tmp_path) is None
    assert read_beat(tmp_path / "gone") is None


def test_a_folder_that_cannot_be_written_stops_no_build(tmp_path, clock):
    heard = Heard()
    made = Heartbeat(heard, tmp_path / "gone")
    made.start("Reading", 10, "token")
    clock.now += 5
    made.advance(10)
    made.finish()
    assert [w[0] for w in heard.words] == ["start", "advance", "finish"]


def test_everything_is_passed_on(tmp_path):
    heard = Heard()
    made = Heartbeat(heard, tmp_path)
    made.say("contexts of 32")
    made.start("Reading", 10, "token", 3)
    made.advance(7)
    made.finish()
    assert heard.words == [
        ("say", "contexts of 32"),
        ("start", "Reading", 10, "token", 3),
        ("advance", 7),
        ("finish",),
    ]


def test_a_request_to_stop_is_heard_within_a_second(tmp_path, clock):
    made = Heartbeat(Heard(), tmp_path)
    made.start("Reading", 1000, "token")
    ask_to_stop(tmp_path)
    clock.now += 0.5
    made.advance(10)
    clock.now += 0.5
    with pytest.raises(CancelledError, match="was stopped") as caught:
        made.advance(10)
    assert "same `out`" in caught.value.hint
    assert (tmp_path / STOP).exists()


def test_stages_that_follow_each_other_quickly_hear_a_request_to_stop_too(tmp_path, clock):
    made = Heartbeat(Heard(), tmp_path)
    ask_to_stop(tmp_path)

    def stages():
        for n in range(10):
            made.start(f"Stage {n}", 10, "token")
            clock.now += 0.6
            made.advance(10)
            made.finish()

    with pytest.raises(CancelledError):
        stages()
