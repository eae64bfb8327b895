"""Lists of tokens, by feature and by token, against a plain loop."""

import numpy as np
import polars as pl
import pytest

from saescope.index.examples import _stretches
from saescope.query.token_lists import TokenLists

N_TOKENS = 50


@pytest.fixture
def column():
    rng = np.random.default_rng(0)
    lists = [rng.integers(0, N_TOKENS, rng.integers(0, 6)).tolist() for _ in range(400)]
    return pl.Series([[], *lists, []], dtype=pl.List(pl.Int32))


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 1.0])
@pytest.mark.parametrize("n_wanted", [N_TOKENS - 20, N_TOKENS, N_TOKENS + 30])
def test_features_with_a_wanted_token_are_found_either_way(column, is_turned, share, n_wanted):
    wanted = np.random.default_rng(1).random(n_wanted) < share
    lists = TokenLists(column)
    if is_turned:
        lists.turn()
    plain = [any(t < n_wanted and wanted[t] for t in tokens) for tokens in column.to_list()]
    assert lists.any_of(wanted).tolist() == plain


@pytest.mark.parametrize("is_turned", [False, True])
def test_no_lists_at_all_hold_nothing(is_turned):
    lists = TokenLists(pl.Series([[], []], dtype=pl.List(pl.Int32)))
    if is_turned:
        lists.turn()
    assert lists.any_of(np.ones(3, dtype=bool)).tolist() == [False, False]


def test_stretches_cover_every_byte_from_a_page_on_and_none_twice():
    rng = np.random.default_rng(2)
    starts = rng.integers(0, 20_000, 60)
    sizes = rng.integers(1, 3000, 60)
    found = _stretches(starts, starts + sizes, 4096)
    pages = [page for low, end in found for page in range(low // 4096, -(-end // 4096))]
    wanted = {p for s, n in zip(starts, sizes, strict=True) for p in range(s // 4096, (s + n - 1) // 4096 + 1)}
    assert all(low % 4096 == 0 for low, _ in found)
    assert sorted(pages) == sorted(wanted)
    assert _stretches(starts[:0], starts[:0], 4096) == []
