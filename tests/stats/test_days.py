"""Variance of a mean of days that resemble their neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.fft import dct

from bpo_analysis.stats.autoregression import ar1_series
from bpo_analysis.stats.days import MIN_DAYS_FOR_AUTOCORRELATION, variance_of_mean


# Oracle: all cosine waves together are the plain sum of squares (the discrete cosine transform is orthogonal).
def test_the_waves_are_those_of_the_cosine_transform():
    values = np.random.default_rng(1).standard_normal((27, 2))
    found = variance_of_mean(values)
    waves = round(0.6 * 27 ** (2 / 3))
    spectrum = dct(values, axis=0, norm="ortho")[1 : waves + 1] ** 2
    np.testing.assert_allclose(found.variance, spectrum.mean(axis=0) / 27)
    assert found.degrees_of_freedom == waves


# By hand.
def test_few_days_have_the_plain_variance():
    found = variance_of_mean(np.array([[1.0, 5.0], [2.0, 5.0], [6.0, 8.0]]))
    np.testing.assert_allclose(found.variance, [7 / 3, 3 / 3])
    assert found.degrees_of_freedom == 2
    assert variance_of_mean(np.arange(9.0)[:, None]).degrees_of_freedom == 8


# Properties.
@pytest.mark.parametrize("n", [7, 30])
def test_shift_scale_and_time_reversed(n):
    values = ar1_series(3, n, 0.5, np.random.default_rng(2)).T
    plain = variance_of_mean(values)
    np.testing.assert_allclose(variance_of_mean(100 + values).variance, plain.variance)
    np.testing.assert_allclose(variance_of_mean(-6 * values).variance, 36 * plain.variance)
    np.testing.assert_allclose(variance_of_mean(values[::-1]).variance, plain.variance)
    for column in range(3):
        alone = variance_of_mean(values[:, [column]])
        assert alone.variance[0] == pytest.approx(plain.variance[column])


def test_a_short_stretch_learns_from_a_longer_one_but_is_never_narrowed():
    rng = np.random.default_rng(3)
    short = rng.standard_normal((6, 1))
    alone = variance_of_mean(short)
    drifting, alternating = np.cumsum(rng.standard_normal((60, 1)), axis=0), np.tile([1.0, -1.0], 30)[:, None]
    wider = variance_of_mean(short, like=drifting)
    assert wider.variance[0] > 2 * alone.variance[0]
    assert wider.degrees_of_freedom == 5
    assert variance_of_mean(short, like=alternating).variance[0] == pytest.approx(alone.variance[0])
    few = variance_of_mean(short, like=drifting[: MIN_DAYS_FOR_AUTOCORRELATION - 1])
    assert few.variance[0] == pytest.approx(alone.variance[0])
    long = rng.standard_normal((20, 1))
    assert variance_of_mean(long, like=drifting).variance[0] == variance_of_mean(long).variance[0]


# Edges.
def test_days_that_are_all_alike():
    for n in (5, 30):
        assert variance_of_mean(np.full((n, 2), 0.3)).variance == pytest.approx([0, 0], abs=1e-28)
    # A longer stretch without any spread tells nothing.
    found = variance_of_mean(np.array([[1.0], [2.0], [3.0]]), like=np.zeros((30, 1)))
    assert found.variance[0] == pytest.approx(1 / 3)


# Calibration: 4,000 series; a coverage of 95 % has a standard error of 0.35 points.
@pytest.mark.parametrize(
    ("n", "rho", "low"), [(7, 0.0, 0.94), (30, 0.0, 0.94), (30, 0.3, 0.93), (30, 0.5, 0.91), (90, 0.5, 0.93)]
)
def test_the_interval_of_a_mean_covers(n, rho, low):
    values = ar1_series(4000, n, rho, np.random.default_rng(n)).T
    found = variance_of_mean(values)
    half = stats.t.ppf(0.975, found.degrees_of_freedom) * np.sqrt(found.variance)
    covered = (np.abs(values.mean(axis=0)) < half).mean()
    assert low < covered < 0.965
