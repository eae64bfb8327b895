import numpy as np
import pytest
import streams
from hypothesis import given
from hypothesis import strategies as st

from saescope.indexing.recovery import BATCH_TOKENS, FEWEST, MOST, lots, recovery_of, sample_size, sampled_contexts


@given(streams.layouts(), st.integers(1, 300))
@streams.SOME
def test_sampled_contexts_are_whole_differ_and_are_enough(layout, n_tokens):
    spans = sampled_contexts(layout, n_tokens)
    long = [(low, high) for low, high in streams.contexts(layout) if high - low > 1]
    assert set(spans) <= set(long)
    assert len(set(spans)) == len(spans)
    total = sum(high - low for low, high in spans)
    assert total >= min(n_tokens, sum(high - low for low, high in long))
    assert len(spans) < 2 or total - max(high - low for low, high in spans) <= n_tokens


@given(st.lists(st.integers(2, 700), max_size=40))
def test_lots_are_contexts_of_one_length_and_few_tokens(lengths):
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    spans = [(end - n, end) for end, n in zip(ends, lengths, strict=True)]
    found = list(lots(spans))
    assert sorted(span for lot in found for span in lot) == spans
    for lot in found:
        (length,) = {high - low for low, high in lot}
        assert length * len(lot) <= BATCH_TOKENS or len(lot) == 1


def test_the_sample_is_a_thousandth_within_bounds():
    assert [sample_size(n) for n in (10, 1 << 20, 1 << 40)] == [FEWEST, 1024, MOST]


def test_the_share_recovered_and_its_error_equal_plain_sums():
    noise = np.random.default_rng(0)
    clean = noise.normal(30, 2, 40)
    sums = np.stack([clean, clean + noise.normal(2, 1, 40), clean + noise.normal(20, 3, 40), np.full(40, 10.0)], axis=1)

    def share(rows):
        a, b, c = sums[rows, :3].sum(0)
        return (c - b) / (c - a)

    found = recovery_of(sums)
    assert found["recovered"] == pytest.approx(share(range(40)))
    parts = [share([r for r in range(40) if r != left]) for left in range(40)]
    assert found["standard_error"] == pytest.approx(np.sqrt(39 * np.var(parts)))
    drawn = [share(noise.integers(0, 40, 40)) for _ in range(4000)]
    assert found["standard_error"] == pytest.approx(np.std(drawn), rel=0.15)
    assert [found[n] for n in ("clean", "spliced", "zero")] == pytest.approx((sums[:, :3].sum(0) / 400).tolist())
    assert found["n_tokens"] == 400


def test_where_taking_the_site_away_costs_nothing_no_share_is_told():
    assert recovery_of(np.array([[5.0, 6, 4, 10], [5, 6, 4, 10]]))["recovered"] is None
    one = recovery_of(np.array([[5.0, 6, 9, 10]]))
    assert (one["recovered"], one["standard_error"]) == (0.75, None)
