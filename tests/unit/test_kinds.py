"""Kinds of ablation against plain numpy on the index's postings."""

import numpy as np
import pytest

from saescope.effects.kinds import REGISTRY, choose
from saescope.effects.kinds.kind import Subject
from saescope.effects.kinds.resample import drawn
from saescope.errors import InputError, NoIndexError, UnknownNameError


def subject(index=None, feature=101, n=6, **options):
    at = np.arange(2, 2 + n)
    acts = np.linspace(0, 2, n).astype(np.float32)
    return Subject(feature, at, acts, 20, index, **options)


@pytest.fixture(scope="module")
def firing(opened):
    """The counted activations of feature 101, and how many tokens count."""
    index = opened.index
    found = index.postings.postings(101, 102)
    return found.values[index.layout.is_counted(found.rows)], index.n_counted


def test_zero_scale_and_clamp():
    one = subject()
    assert (choose("zero").values(one) == 0).all()
    np.testing.assert_allclose(choose("scale", {"factor": -1.5}).values(one), -1.5 * one.activations)
    np.testing.assert_allclose(choose("clamp", {"value": 3, "relative": False}).values(one), 3)


def test_clamp_is_in_units_of_the_largest_in_the_index(opened, firing):
    values, _ = firing
    np.testing.assert_allclose(
        choose("clamp", {"value": 0.5}).values(subject(opened.index)), values.max() / 2, rtol=1e-3
    )


def test_mean_is_over_all_tokens_that_count(opened, firing):
    values, n_counted = firing
    np.testing.assert_allclose(choose("mean").values(subject(opened.index)), values.sum() / n_counted, rtol=1e-4)
    np.testing.assert_allclose(choose("mean", {"firing": True}).values(subject(opened.index)), values.mean(), rtol=1e-4)
    assert (choose("mean").values(subject(opened.index, feature=16)) == 0).all(), "a dead feature"


@pytest.mark.parametrize("has_postings", [True, False])
def test_resample_draws_as_the_corpus_has_it(opened, firing, monkeypatch, has_postings):
    values, n_counted = firing
    monkeypatch.setattr(type(opened.index), "has_postings", property(lambda _: has_postings))
    found = drawn(opened.index, 101, 40_000, np.random.default_rng(0))
    density = len(values) / n_counted
    assert abs((found > 0).mean() - density) < 5 * np.sqrt(density / 40_000)
    if has_postings:
        assert np.isin(found[found > 0], values).all()
    for q in (0.1, 0.5, 0.9):
        assert np.quantile(found[found > 0], q) == pytest.approx(np.quantile(values, q), rel=0.06)
    assert (drawn(opened.index, 16, 100, np.random.default_rng(0)) == 0).all(), "a dead feature"


def test_resample_is_the_same_for_a_seed_and_another_for_another(opened):
    first = choose("resample").values(subject(opened.index, n=15, seed=1))
    assert (choose("resample").values(subject(opened.index, n=15, seed=1)) == first).all()
    others = [choose("resample").values(subject(opened.index, n=15, seed=s)) for s in range(2, 12)]
    assert any((o != first).any() for o in others)


def test_resample_from_another_text_is_aligned_at_the_ends():
    other = np.arange(1, 18, dtype=np.float32)
    one = Subject(3, np.array([0, 2, 3, 19]), np.array([9, 8, 7, 6], np.float32), 20, other=other)
    assert choose("resample").values(one).tolist() == [9, 8, 1, 17]


@pytest.mark.parametrize(("kind", "options"), [("mean", {}), ("resample", {}), ("clamp", {"value": 1})])
def test_a_kind_that_needs_an_index_says_so(kind, options):
    with pytest.raises(NoIndexError, match="needs an index"):
        choose(kind, options).values(subject())


def test_options_are_checked():
    with pytest.raises(UnknownNameError, match="no option 'strength'"):
        choose("scale", {"strength": 2})
    with pytest.raises(InputError, match="factor"):
        choose("scale", {"factor": float("nan")})
    with pytest.raises(InputError, match="true or false"):
        choose("mean", {"firing": 0.5})
    with pytest.raises(UnknownNameError, match="zero"):
        choose("knockout")


def test_every_kind_says_what_it_does():
    for name in REGISTRY.names():
        about = choose(name).about
        assert about.title
        assert about.meaning.endswith(".")
        assert all(option.meaning for option in about.options)
