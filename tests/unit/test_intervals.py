"""Bootstrap intervals against plain numpy."""

import numpy as np

from saescope.effects.intervals import bootstrap_means


def test_an_interval_is_the_percentile_bootstrap():
    values = np.random.default_rng(1).normal(3, 2, size=(25, 1))
    (found,) = bootstrap_means(values, n_resamples=4000, seed=5)
    draw = np.random.default_rng(5)
    means = np.array([values[draw.integers(25, size=25), 0].mean() for _ in range(4000)])
    assert found.n == 25
    assert found.mean == np.mean(values)
    np.testing.assert_allclose([found.low, found.high], np.percentile(means, [2.5, 97.5]), rtol=1e-9)


def test_it_holds_the_mean_about_as_often_as_it_says():
    draw = np.random.default_rng(0)
    n_held = 0
    for n in range(200):
        (one,) = bootstrap_means(draw.normal(1, 1, size=(40, 1)), n_resamples=1000, seed=n)
        n_held += one.low <= 1 <= one.high
    assert 0.88 < n_held / 200 < 0.99


def test_columns_of_a_row_are_drawn_together_and_rows_that_lack_one_left_out():
    own = np.random.default_rng(2).normal(size=30)
    values = np.stack([own + 5, own, (own + 5) - own], axis=1)
    values[3, 1] = np.nan
    feature, control, difference = bootstrap_means(values)
    assert (feature.n, control.n) == (29, 29)
    assert difference.low == difference.high == difference.mean == 5 or np.isclose(difference.low, difference.high)
    assert feature.high - feature.low > 0.3


def test_one_number_has_no_interval_and_none_no_mean():
    (one,) = bootstrap_means(np.array([[2.0]]))
    assert (one.n, one.mean) == (1, 2.0)
    assert np.isnan(one.low)
    assert bootstrap_means(np.zeros((0, 2)))[1].n == 0
