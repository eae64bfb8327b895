import os

import pytest
from benchmarks.note_kills import Notes, is_whole, open_notes, run_kills, run_updates

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")


def test_no_acknowledged_write_is_lost_when_writers_are_killed(tmp_path):
    found = run_kills(tmp_path / "notes.sqlite", n_kills=16, n_writers=4, seed=0)
    assert found.kills == 16
    assert found.acknowledged > 100
    assert (found.lost, found.damaged) == (0, 0)


def test_no_update_is_lost_when_four_write_the_same_notes(tmp_path):
    found = run_updates(tmp_path / "notes.sqlite", n_writers=4, n_updates=150)
    assert found.acknowledged == 600
    assert found.conflicts > 0
    assert found.lost == 0


def test_the_count_sees_a_loss(tmp_path, monkeypatch):
    def careless(self, feature, *, remark, version):
        del version
        return Notes.set(self, feature, remark=remark)

    monkeypatch.setattr("benchmarks.note_kills.open_notes", lambda path: _Careless(open_notes(path), careless))
    assert run_updates(tmp_path / "notes.sqlite", n_writers=4, n_updates=150).lost > 0


class _Careless:
    """Notes that write on whatever is there."""

    def __init__(self, notes, set_):
        self._notes, self._set = notes, set_

    def get(self, feature):
        return self._notes.get(feature)

    def set(self, feature, **given):
        return self._set(self._notes, feature, **given)


def test_a_file_that_was_left_half_way_is_whole_again(tmp_path):
    path = tmp_path / "notes.sqlite"
    run_kills(path, n_kills=4, n_writers=4, seed=1)
    notes = open_notes(path)
    before = notes.get(1).version
    notes.set(1, label="after")
    assert (notes.get(1).label, notes.get(1).version) == ("after", before + 1)
    assert is_whole(path)
