import numpy as np
import pytest
import streams
from hypothesis import given
from hypothesis import strategies as st

from saescope.errors import InputError
from saescope.index.layout import N_HASHED, Layout
from saescope.index.rule import EVERYTHING, Rule


@given(streams.layouts(), st.integers(1, 130))
@streams.SOME
def test_windows_equal_walking_token_by_token(layout, side):
    rows = np.arange(layout.n_rows)
    starts, ends = layout.windows(rows, side)
    wanted = [streams.window(int(r), layout, side) for r in rows]
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == wanted


@given(streams.layouts(), st.integers(1, 130))
@streams.SOME
def test_windows_hold_their_row_and_leave_neither_context_nor_document(layout, side):
    rows = np.arange(layout.n_rows)
    starts, ends = layout.windows(rows, side)
    assert ((starts <= rows) & (rows < ends)).all()
    assert (ends - starts <= 2 * side).all()
    assert (layout.context_of(starts) == layout.context_of(ends - 1)).all()
    docs = [np.searchsorted(layout.doc_starts, x, side="right") for x in (starts, ends - 1)]
    assert (docs[0] == docs[1]).all()


@given(streams.layouts())
@streams.SOME
def test_contexts_and_places_in_them_equal_walking(layout):
    rows = np.arange(layout.n_rows)
    wanted = [streams.context_of(int(r), layout) for r in rows]
    starts, ends = layout.context_bounds(rows)
    assert list(zip(layout.context_of(rows).tolist(), starts.tolist(), ends.tolist(), strict=True)) == wanted
    assert layout.position_of(rows).tolist() == [r - low for r, (_, low, _) in enumerate(wanted)]


def test_contexts_of_unlike_length_begin_where_they_are_said_to():
    tokens, starts = np.arange(10, dtype=np.uint16), np.array([0, 4, 5, 9])
    layout = Layout(tokens, 4, np.array([0, 4, 5]), np.zeros(10, dtype=bool), context_starts=starts)
    assert layout.position_of(np.arange(10)).tolist() == [0, 1, 2, 3, 0, 0, 1, 2, 3, 0]
    assert np.flatnonzero(layout.counted_mask).tolist() == [1, 2, 3, 6, 7, 8]
    found = layout.windows(np.array([2, 4, 8, 9]), 3)
    assert [x.tolist() for x in found] == [[0, 4, 5, 9], [4, 5, 9, 10]]


@given(streams.layouts(), st.integers(1, 50))
@streams.SOME
def test_rows_count_by_the_rule_however_they_are_taken(layout, step):
    rows = np.arange(layout.n_rows)
    wanted = [streams.is_counted(int(r), layout) for r in rows]
    assert layout.is_counted(rows).tolist() == wanted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("saescope.index.layout.STEP", step)
        assert layout.counted_mask.tolist() == wanted
    assert layout.n_counted() == sum(wanted)


@given(streams.layouts(), streams.rules())
@streams.SOME
def test_another_rule_counts_anew_and_keeps_the_norms(layout, rule):
    layout.n_counted()
    other = layout.with_rule(rule)
    assert other.counted_mask.tolist() == [streams.is_counted(r, other) for r in range(layout.n_rows)]
    assert (other.rule, other.norms is layout.norms) == (rule, True)
    assert layout.with_rule(EVERYTHING).n_counted() == layout.n_rows


def test_rows_longer_than_so_many_medians_do_not_count():
    norms = np.array([1, 10, 10.5, 2], dtype=np.float32)
    rule = Rule(0, skips_special=False, max_norm_ratio=10)
    layout = Layout(np.zeros(4, dtype=np.uint16), 4, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=bool), rule)
    assert layout.n_counted() == 4
    assert layout.with_norms(norms, 1.0).counted_mask.tolist() == [True, True, False, True]


@given(streams.layouts(vocab=2), st.integers(1, 50))
@streams.SOME
def test_hashes_are_equal_where_the_last_tokens_of_the_context_are_and_nowhere_else(layout, step):
    rows = np.arange(layout.n_rows)
    hashes = layout.hashes_of(rows).tolist()
    tails = [streams.tail(int(r), layout) for r in rows]
    assert len(set(zip(hashes, tails, strict=True))) == len(set(hashes)) == len(set(tails))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("saescope.index.layout.STEP", step)
        assert layout.hashes.tolist() == hashes
    assert layout.hashes_of(rows[::-1]).tolist() == hashes[::-1]


def test_hashes_at_the_head_of_a_context_do_not_see_the_context_before():
    tokens = np.tile(np.arange(12, dtype=np.uint16), 3)
    tokens[12 + 9] = 99
    layout = Layout(tokens, 12, np.zeros(1, dtype=np.int64), np.zeros(100, dtype=bool))
    first, second, third = layout.hashes.reshape(3, 12)
    assert (first == third).all()
    assert (second == third).tolist() == [True] * 9 + [False] * 3
    assert N_HASHED == 8
    assert len(set(first.tolist())) == 12


@pytest.mark.parametrize("n_skipped", [-1, 1.5, True, "2", None])
def test_skipped_positions_are_a_number_from_0_on(n_skipped):
    with pytest.raises(InputError, match="n_skipped"):
        Rule(n_skipped)


@pytest.mark.parametrize("ratio", [0, -1.0, float("nan")])
def test_a_norm_ratio_is_positive(ratio):
    with pytest.raises(InputError, match="max_norm_ratio"):
        Rule(max_norm_ratio=ratio)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (Rule(), "the first token of a context, special tokens"),
        (
            Rule(5, skips_special=False, max_norm_ratio=10),
            "the first 5 tokens of a context, tokens longer than 10 times",
        ),
        (EVERYTHING, "nothing"),
    ],
)
def test_a_rule_survives_the_manifest_and_is_told(rule, told):
    assert Rule.of(rule.as_dict() | {"of a later version": 1}) == rule
    assert told in rule.told()
