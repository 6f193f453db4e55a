"""A line carried on: known answers, honest width, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats import project
from bpo_analysis.stats.autoregression import ar1_series


def test_an_exact_line_is_carried_on_without_doubt():
    result = project(10 + 0.5 * np.arange(20), 4)
    # The last value is 19.5; four periods on it is 21.5.
    assert result.estimate == pytest.approx(21.5)
    assert (result.ci_low, result.ci_high) == pytest.approx((21.5, 21.5))
    assert result.slope_per_period == pytest.approx(0.5)


def test_gaps_stay_in_their_place():
    values = 10 + 0.5 * np.arange(20.0)
    values[[3, 7, 19]] = np.nan
    result = project(values, 4)
    assert result.estimate == pytest.approx(21.5)
    assert (result.n, result.n_missing) == (17, 3)


def test_dates_that_an_index_leaves_out_are_gaps():
    weeks = pd.date_range("2026-01-05", periods=20, freq="W-MON")
    series = pd.Series(10 + 0.5 * np.arange(20.0), index=weeks).drop(weeks[5])
    assert project(series, 4).estimate == pytest.approx(21.5)


def test_the_interval_of_values_is_wider_than_that_of_the_level_and_grows_with_the_distance():
    values = np.random.default_rng(1).normal(50, 2, 40)
    near, far = project(values, 2), project(values, 30)
    assert near.ci_low < near.level_low < near.level_high < near.ci_high
    assert far.ci_high - far.ci_low > near.ci_high - near.ci_low


def test_a_mean_of_several_values_is_surer_than_one():
    values = np.random.default_rng(1).normal(50, 2, 40)
    one, four = project(values, 4), project(values, 4, width=4)
    assert four.ci_high - four.ci_low < one.ci_high - one.ci_low
    assert (four.level_low, four.level_high) == (one.level_low, one.level_high)


def test_autocorrelation_widens():
    rng = np.random.default_rng(5)
    calm, alike = (np.mean([_width(row) for row in ar1_series(20, 40, rho, rng)]) for rho in (0.0, 0.7))
    assert alike > 1.3 * calm


def _width(values):
    result = project(values, 10)
    return result.ci_high - result.ci_low


def test_a_line_is_not_carried_on_for_longer_than_it_was_seen():
    with pytest.raises(InsufficientDataError, match="project needs at least 20 values; got 15"):
        project(np.arange(15.0), 20)
    with pytest.raises(InsufficientDataError, match="needs at least 12 values; got 8"):
        project(np.arange(8.0), 1)


@pytest.mark.parametrize(
    ("ahead", "width", "name"), [(0, 1, "ahead"), (1.5, 1, "ahead"), (4, 0, "width"), (4, True, "width")]
)
def test_periods_are_whole_numbers(ahead, width, name):
    with pytest.raises(ValueError, match=rf"{name} must be a whole number of periods, at least 1"):
        project(np.arange(20.0), ahead, width=width)


def test_infinite_values_are_refused():
    with pytest.raises(ValueError, match="finite or NaN"):
        project(np.r_[np.arange(19.0), np.inf], 2)


def test_words():
    text = project(10 + 0.5 * np.arange(20), 4, width=2).summary()
    assert text.startswith(
        "If the course goes on, the mean of 2 values 4 periods ahead is 21.5, 95 % prediction interval"
    )


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
@pytest.mark.parametrize(("n", "ahead", "width"), [(26, 20, 4), (78, 22, 4), (26, 4, 1)])
def test_coverage_of_what_comes(rho, n, ahead, width):
    """2,000 lines with AR(1) noise: the interval holds the mean that really comes in 93 to 98.5 %."""
    rng = np.random.default_rng(11)
    series = ar1_series(2000, n + ahead, rho, rng) + 0.1 * np.arange(n + ahead)
    hits = 0
    for row in series:
        result = project(row[:n], ahead, width=width)
        hits += result.ci_low <= row[n + ahead - width :].mean() <= result.ci_high
    assert 0.93 <= hits / len(series) <= 0.985
