"""The engine of trend, before_after and find_changes: a coefficient where neighbouring values resemble each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.autoregression import (
    GRID,
    HIGH_AUTOCORRELATION,
    KNOTS,
    LEVELS,
    Whitening,
    ar1_series,
    calibrate,
    check_season,
    coefficient_test,
    season_columns,
)

GAPPY = np.array([0, 1, 2, 4, 5, 9, 10, 11, 12, 15, 16, 17, 18, 19, 23, 24, 25, 26, 28, 29])


def line(positions):
    return np.column_stack([np.ones(len(positions)), positions - positions.mean()])


def covariance(positions, rho):
    return rho ** np.abs(positions[:, None] - positions[None, :]).astype(float)


# Oracle: statsmodels' generalised least squares with the covariance of an AR(1) series, gaps included.
@pytest.mark.parametrize("index", [0, 8, 14, 20, 25])
def test_whitened_regression_is_statsmodels_gls(index):
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(index)
    design = line(GAPPY)
    series = rng.normal(size=len(GAPPY)) + 0.1 * GAPPY
    expected = sm.GLS(series, design, sigma=covariance(GAPPY, GRID[index])).fit()
    whitening = Whitening.of(GAPPY)
    white = whitening.columns(np.column_stack([design, series]))[index]
    found = sm.OLS(white[:, 2], white[:, :2]).fit()
    np.testing.assert_allclose(found.params, expected.params, rtol=1e-9)
    np.testing.assert_allclose(found.bse, expected.bse, rtol=1e-9)


def test_whitening_products_and_squares_are_those_of_the_whitened_series():
    rng = np.random.default_rng(1)
    series, columns = rng.normal(size=(3, len(GAPPY))), rng.normal(size=(len(GAPPY), 2))
    whitening = Whitening.of(GAPPY)
    white, white_columns = whitening.columns(series.T), whitening.columns(columns)
    np.testing.assert_allclose(whitening.squares(series), (white**2).sum(axis=1).T)
    expected = np.einsum("rnm,rnk->mrk", white, white_columns)
    np.testing.assert_allclose(whitening.products(series, white_columns), expected, atol=1e-12)


# Oracle: the same written out with covariance matrices; with more than 150 degrees of freedom nothing is calibrated.
@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_long_series_are_averaged_over_the_restricted_likelihood(rho):
    rng = np.random.default_rng(2)
    positions = np.delete(np.arange(170), [20, 21, 22, 90])
    design = line(positions)
    series = ar1_series(1, 170, rho, rng)[0, positions] + 0.004 * positions
    n, k = design.shape
    location, scale, log_likelihood = np.empty((3, len(GRID)))
    for i, value in enumerate(GRID):
        inverse = np.linalg.inv(covariance(positions, value))
        information = design.T @ inverse @ design
        coefficients = np.linalg.solve(information, design.T @ inverse @ series)
        rest = series - design @ coefficients
        square = rest @ inverse @ rest
        location[i] = coefficients[1]
        scale[i] = np.sqrt(square / (n - k) * np.linalg.inv(information)[1, 1])
        log_likelihood[i] = 0.5 * (
            np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(information)[1] - (n - k) * np.log(square)
        )
    weights = np.exp(log_likelihood - log_likelihood.max())
    weights /= weights.sum()

    found = coefficient_test(series[None, :], design, 1, positions=positions)
    below = weights @ stats.t.cdf(-location / scale, n - k)
    assert found.estimate[0] == pytest.approx(weights @ location)
    assert found.pvalue[0] == pytest.approx(2 * min(below, 1 - below), rel=1e-6)
    for limit, share in ((found.ci_low[0], 0.025), (found.ci_high[0], 0.975)):
        assert weights @ stats.t.cdf((limit - location) / scale, n - k) == pytest.approx(share, abs=1e-6)
    assert found.autocorrelation[0] == pytest.approx(weights @ GRID)
    assert found.high_autocorrelation[0] == pytest.approx(weights[GRID > HIGH_AUTOCORRELATION].sum())


# By hand: a season of three without its first phase, and where a phase never occurs.
def test_season_columns():
    np.testing.assert_array_equal(season_columns(np.arange(4), 3), [[0, 0], [1, 0], [0, 1], [0, 0]])
    np.testing.assert_array_equal(season_columns(np.array([1, 2, 4, 5]), 3), [[0], [1], [0], [1]])
    assert season_columns(np.array([2, 5, 8]), 3).shape == (3, 0)


# Properties.
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_interval_excludes_nought_where_the_pvalue_says_so(level, alternative):
    rng = np.random.default_rng(3)
    series = np.vstack([ar1_series(150, 20, rho, rng) for rho in (0.0, 0.5, 0.9)])
    series += 0.2 * np.array([1, -1, 0] * 150)[:, None] * np.arange(20)
    found = coefficient_test(series, line(np.arange(20)), 1, alternative=alternative, confidence_level=level)
    excluded = (found.ci_low > 0) | (found.ci_high < 0)
    assert 20 < excluded.sum() < 430
    np.testing.assert_array_equal(excluded, found.pvalue < 1 - level)


def test_one_sided_pvalues_are_the_two_tails():
    series = ar1_series(50, 24, 0.4, np.random.default_rng(4))
    less, greater, both = (
        coefficient_test(series, line(np.arange(24)), 1, alternative=a) for a in ("less", "greater", "two-sided")
    )
    np.testing.assert_allclose(less.pvalue + greater.pvalue, 1)
    np.testing.assert_allclose(both.pvalue, 2 * np.minimum(less.pvalue, greater.pvalue))
    assert np.isinf(less.ci_low).all()
    assert np.isinf(greater.ci_high).all()


def test_what_the_design_explains_moves_the_estimate_and_nothing_else():
    series = ar1_series(20, 30, 0.5, np.random.default_rng(5))
    design = np.column_stack([line(np.arange(30)), season_columns(np.arange(30), 4)])
    plain = coefficient_test(series, design, 1)
    moved = coefficient_test(1000 + 7 * (series + design @ [3.0, -0.2, 1.0, 2.0, -5.0]), design, 1)
    np.testing.assert_allclose(moved.estimate, 7 * (plain.estimate - 0.2))
    np.testing.assert_allclose(moved.ci_low, 7 * (plain.ci_low - 0.2), atol=1e-5)
    np.testing.assert_allclose(moved.autocorrelation, plain.autocorrelation)
    np.testing.assert_allclose(moved.detectable, 7 * plain.detectable, rtol=1e-5)


def test_a_batch_gives_what_single_series_give():
    series = ar1_series(7, 18, 0.3, np.random.default_rng(6)) + 0.1 * np.arange(18)
    design = line(np.arange(18))
    together = coefficient_test(series, design, 1)
    for i, row in enumerate(series):
        alone = coefficient_test(row[None, :], design, 1)
        assert alone.pvalue[0] == pytest.approx(together.pvalue[i], rel=1e-9)
        assert alone.ci_low[0] == pytest.approx(together.ci_low[i], rel=1e-5)


def test_the_calibration_finds_what_is_wrong_with_a_score():
    # A score that is twice as large as it says must be halved, whatever the autocorrelation.
    rng = np.random.default_rng(7)

    def simulate(series):
        return np.abs(2 * rng.standard_normal(len(series))), rng.uniform(-0.2, 0.9, len(series))

    factors = calibrate(simulate, 5, 4000, stats.norm.isf(LEVELS / 2))
    assert factors.shape == KNOTS.shape
    np.testing.assert_allclose(factors, 0.5, atol=0.04)


def test_simulated_series_have_the_autocorrelation_they_are_asked_for():
    series = ar1_series(20_000, 6, 0.6, np.random.default_rng(8))
    np.testing.assert_allclose(series.var(axis=0), 1, atol=0.05)
    assert np.corrcoef(series[:, 2], series[:, 4])[0, 1] == pytest.approx(0.36, abs=0.03)


# Edges.
def test_an_exact_fit_has_no_answer():
    positions = np.arange(16)
    series = np.vstack([0.1 + 0.3 * positions, np.full(16, 1e9), np.zeros(16), np.sin(positions)])
    found = coefficient_test(series, line(positions), 1)
    np.testing.assert_array_equal(np.isnan(found.pvalue), [True, True, True, False])
    np.testing.assert_array_equal(np.isnan(found.ci_low), np.isnan(found.pvalue))


def test_no_series_at_all():
    assert coefficient_test(np.empty((0, 16)), line(np.arange(16)), 1).pvalue.shape == (0,)


# Words.
def test_a_season_must_be_seen_twice():
    check_season(12, np.arange(24), "it")
    with pytest.raises(InsufficientDataError, match=r"it with a season of 12 needs at least 24 periods .*got 23"):
        check_season(12, np.arange(23), "it")
    with pytest.raises(ValueError, match="at least 2 periods, got 1; for no season use None"):
        check_season(1, np.arange(24), "it")
    with pytest.raises(TypeError, match=r"whole number of periods or None, got 2\.5"):
        check_season(2.5, np.arange(24), "it")
