"""Spread between units and within them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.stats.variance_components import intraclass_correlation, variance_components


def frame(numerator, denominator, **columns):
    return pd.DataFrame(
        {"unit": np.arange(len(numerator)), "numerator": numerator, "denominator": denominator, **columns}
    )


# By hand: four units of 10 contacts, 9, 7, 8 and 4 good. Mean squares 14 / 30 = 0.4667 and 7 / 36 = 0.1944 (from
# 0.9 + 2.1 + 1.6 + 2.4 = 7), so (0.4667 - 0.1944) / (0.4667 + 9 * 0.1944).
def test_analysis_of_variance_by_hand():
    result = variance_components(frame([9, 7, 8, 4], 10))
    assert result.icc == pytest.approx((14 / 30 - 7 / 36) / (14 / 30 + 9 * 7 / 36))
    assert result.sd_within == pytest.approx(np.sqrt(7 / 36))
    assert result.sd_between == pytest.approx(np.sqrt((14 / 30 - 7 / 36) / 10))
    assert (result.value, result.unit_mean) == (pytest.approx(0.7), pytest.approx(0.7))
    assert (result.n, result.total) == (4, 40)


def test_sums_of_squares_of_a_share_say_the_same():
    numerator = np.array([9, 7, 8, 4])
    plain = variance_components(frame(numerator, [10, 12, 9, 11]))
    given = variance_components(frame(numerator, [10, 12, 9, 11], sum_squares=numerator))
    assert given.icc == pytest.approx(plain.icc)


@pytest.mark.parametrize(("icc", "sdlog"), [(0.05, 0.0), (0.1, 0.8), (0.3, 0.5)])
def test_known_correlation_is_found(icc, sdlog):
    rng = np.random.default_rng(8)
    size = (1 - icc) / icc
    found, covered = [], 0
    for _ in range(200):
        contacts = np.maximum(2, rng.poisson(80 * np.exp(sdlog * rng.standard_normal(60))))
        good = rng.binomial(contacts, rng.beta(0.7 * size, 0.3 * size, 60))
        result = variance_components(frame(good, contacts))
        found.append(result.icc)
        covered += result.icc_ci_low <= icc <= result.icc_ci_high
    assert np.mean(found) == pytest.approx(icc, rel=0.12)
    # Searle's interval is exact for normal values of equal numbers; here it is only near.
    assert covered / 200 > 0.85


def test_means_with_squares():
    rng = np.random.default_rng(9)
    contacts = rng.poisson(90, 400) + 2
    level = 300 + 40 * rng.standard_normal(400)
    noise = [rng.standard_normal(n) * 200 for n in contacts]
    seconds = [mean + part for mean, part in zip(level, noise, strict=True)]
    sums = [part.sum() for part in seconds]
    squares = [(part**2).sum() for part in seconds]
    result = variance_components(frame(sums, contacts, sum_squares=squares))
    assert result.sd_between == pytest.approx(40, rel=0.1)
    assert result.sd_within == pytest.approx(200, rel=0.03)
    assert np.isnan(variance_components(frame(sums, contacts)).icc)
    assert "sum_squares" in variance_components(frame(sums, contacts)).note


def test_earlier_values_correlate():
    before = np.array([6, 8, 7, 9, 5])
    result = variance_components(frame(before + 0, 10, pre_numerator=before, pre_denominator=10))
    assert result.pre_correlation == pytest.approx(1.0)
    gaps = frame(before + 0, 10, pre_numerator=[6, 8, np.nan, 9, 5], pre_denominator=[10, 10, 10, 10, 0])
    assert variance_components(gaps).pre_correlation == pytest.approx(1.0)
    assert np.isnan(variance_components(frame([6, 8, 7], 10)).pre_correlation)


def test_no_more_than_chance_is_zero_and_groups_are_kept_apart():
    assert variance_components(frame([7, 7, 7, 7], 10)).icc == 0
    numerator = np.array([9.0, 9.0, 9.0, 3.0, 3.0, 3.0])
    apart = intraclass_correlation(numerator, np.full(6, 10.0), np.array([0, 0, 0, 1, 1, 1]))
    assert apart == 0
    assert intraclass_correlation(numerator, np.full(6, 10.0), np.zeros(6, dtype=int)) > 0.3


def test_missing_units_are_counted():
    result = variance_components(frame([9, 7, 8, 4, np.nan, 3], [10, 10, 10, 10, 10, 0]))
    assert (result.n, result.n_missing) == (4, 2)


def test_errors():
    with pytest.raises(InsufficientDataError, match="at least 3 units with data; got 2"):
        variance_components(frame([1, 2], 10))
    with pytest.raises(DataError, match=r"lacks 'denominator'\. Did you mean 'denominators'\?"):
        variance_components(frame([1, 2, 3], 10).rename(columns={"denominator": "denominators"}))
    with pytest.raises(DataError, match="smaller than the numerators allow"):
        variance_components(frame([10.0, 20.0, 30.0], 2, sum_squares=[1.0, 1.0, 1.0]))


def test_summary():
    assert variance_components(frame([9, 7, 8, 4], 10)).summary() == (
        "4 units with 10 contacts each on average: value 0.7, standard deviation of the units' values 0.216, "
        "intraclass correlation 0.123 (95 % interval 0.000 to 0.766) (one-way analysis of variance between units)."
    )
