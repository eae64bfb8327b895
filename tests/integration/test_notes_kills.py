import os

import pytest
from benchmarks.note_kills import Logs, Notes, Sqlite, run_kills, run_updates

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")


@pytest.fixture(params=["one file", "logs of one machine", "logs of four machines"])
def store(request, tmp_path):
    if request.param == "one file":
        return Sqlite(tmp_path / "notes.sqlite")
    return Logs(tmp_path / "notes-log", 4 if "four" in request.param else 1)


def test_no_acknowledged_write_is_lost_when_writers_are_killed(store):
    found = run_kills(store, n_kills=16, n_writers=4, seed=0)
    assert found.kills == 16
    assert found.acknowledged > (100 if isinstance(store, Sqlite) else 10)
    assert (found.lost, found.damaged) == (0, 0)


def test_no_update_is_lost_when_four_write_the_same_notes(store):
    n = 150 if isinstance(store, Sqlite) else 40
    found = run_updates(store, n_writers=4, n_updates=n)
    assert found.acknowledged == 4 * n
    assert found.conflicts > 0
    assert found.lost == 0


@pytest.mark.parametrize("kind", [Sqlite, lambda path: Logs(path, 4)])
def test_the_count_sees_a_loss(tmp_path, kind):
    def careless(self, feature, *, remark, version):
        del version
        return Notes.set(self, feature, remark=remark)

    store = kind(tmp_path / "notes")
    open_ = store.open
    store.open = lambda writer=0: _Careless(open_(writer), careless)
    assert any(run_updates(store, n_writers=4, n_updates=100).lost > 0 for _ in range(20)), "no two writers ever met"


class _Careless:
    """Notes that write on whatever is there."""

    def __init__(self, notes, set_):
        self._notes, self._set = notes, set_

    def get(self, feature):
        return self._notes.get(feature)

    def set(self, feature, **given):
        return self._set(self._notes, feature, **given)


def test_a_file_that_was_left_half_way_is_whole_again(tmp_path):
    store = Sqlite(tmp_path / "notes.sqlite")
    run_kills(store, n_kills=4, n_writers=4, seed=1)
    notes = store.open()
    before = notes.get(1).version
    notes.set(1, label="after")
    assert (notes.get(1).label, notes.get(1).version) == ("after", before + 1)
    assert store.is_whole()
