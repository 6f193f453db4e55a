"""Turnaround with open cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.time_to_event import compare_time_to_event, time_to_event

nan = float("nan")

# R survival, data aml: medians 31 (maintained) and 23 (nonmaintained).
MAINTAINED = ([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0])
NONMAINTAINED = ([5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45], [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1])


def test_medians_of_aml():
    assert time_to_event(*MAINTAINED).median == 31
    assert time_to_event(*NONMAINTAINED).median == 23


# Oracle: R survival gives medians 31 (18, NA) and restricted means 52.645 (to 161) and 22.708.
def test_aml():
    one, other = time_to_event(*MAINTAINED), time_to_event(*NONMAINTAINED)
    assert one.median_ci_low == 18
    assert np.isnan(one.median_ci_high)
    assert other.median_ci_low == 8
    assert one.restricted_mean == pytest.approx(52.645, abs=1e-3)
    assert other.restricted_mean == pytest.approx(22.708, abs=1e-3)
    assert (one.horizon, one.n, one.n_open) == (161, 11, 4)


def both_aml(names=("maintained", "nonmaintained")):
    groups = [names[0]] * 11 + [names[1]] * 12
    return MAINTAINED[0] + NONMAINTAINED[0], MAINTAINED[1] + NONMAINTAINED[1], groups


# Oracle: R survdiff(Surv(time, status) ~ x, aml): chi-squared 3.4 on 1 degree of freedom, p = 0.07.
def test_log_rank_of_aml():
    result = compare_time_to_event(*both_aml())
    assert result.statistic**2 == pytest.approx(3.396389, abs=1e-6)
    assert result.pvalue == pytest.approx(0.065339, abs=1e-6)
    assert result.statistic < 0
    assert result.restricted_mean_difference == pytest.approx(
        time_to_event(*MAINTAINED, horizon=45).restricted_mean - time_to_event(*NONMAINTAINED).restricted_mean
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("seed", range(4))
def test_against_lifelines(seed):
    lifelines = pytest.importorskip("lifelines")
    from lifelines.statistics import logrank_test
    from lifelines.utils import restricted_mean_survival_time

    rng = np.random.default_rng(seed)
    times, groups = np.ceil(rng.weibull(1.3, 228) * 400), rng.integers(1, 3, 228)
    seen = np.ceil(rng.uniform(100, 1000, 228))
    done, times = times <= seen, np.minimum(times, seen)
    theirs = lifelines.KaplanMeierFitter().fit(times, done)
    result = time_to_event(times, done, limit=300, horizon=500)
    assert result.median == theirs.median_survival_time_
    assert result.share_within == pytest.approx(1 - theirs.predict(300))
    assert result.restricted_mean == pytest.approx(restricted_mean_survival_time(theirs, t=500))
    first = groups == groups[0]
    compared = compare_time_to_event(times, done, groups)
    test = logrank_test(times[first], times[~first], done[first], done[~first])
    assert compared.statistic**2 == pytest.approx(test.test_statistic)
    assert compared.pvalue == pytest.approx(test.p_value)


def test_swapping_the_groups_mirrors_the_answer():
    times, done, groups = both_aml()
    one = compare_time_to_event(times, done, groups, limit=30)
    other = compare_time_to_event(times[::-1], done[::-1], groups[::-1], limit=30)
    assert (one.first, one.second) == (other.second, other.first)
    assert other.pvalue == pytest.approx(one.pvalue)
    for name in ("restricted_mean", "share_within"):
        assert getattr(other, f"{name}_difference") == pytest.approx(-getattr(one, f"{name}_difference"))
        assert getattr(other, f"{name}_ci_low") == pytest.approx(-getattr(one, f"{name}_ci_high"))


@pytest.mark.parametrize("scale", [1e9, 1e-9])
def test_the_unit_of_time_changes_nothing_else(scale):
    times, done, groups = both_aml()
    one = compare_time_to_event(times, done, groups, limit=30)
    other = compare_time_to_event(np.array(times) * scale, done, groups, limit=30 * scale)
    for name in ("pvalue", "restricted_mean_pvalue", "share_within_difference"):
        assert getattr(other, name) == pytest.approx(getattr(one, name))
    assert other.restricted_mean_ci_low == pytest.approx(one.restricted_mean_ci_low * scale)


def test_a_case_of_which_it_is_not_known_whether_it_is_done_is_missing():
    times = [2.0, 4, 4, 7, 9, 12, 15]
    known = time_to_event(times[1:], [True, True, False, True, False, True])
    for unknown in ([nan, 1, 1, 0, 1, 0, 1], [None, True, True, False, True, False, True]):
        result = time_to_event(times, unknown)
        assert (result.n, result.n_open, result.n_missing) == (6, 2, 1)
        assert result.median == known.median
    nullable = pd.Series([None, True, True, False, True, False, True], dtype="boolean")
    assert time_to_event(pd.Series(times), nullable).n_missing == 1
    gaps = pd.Series([None, 4, 4, 7, 9, 12, 15], dtype="Int64")
    assert time_to_event(gaps, [True] * 7).n_missing == 1


def test_a_missing_case_needs_no_group():
    times, done, groups = both_aml()
    result = compare_time_to_event([nan, *times], [1, *done], [None, *groups])
    assert (result.n, result.n_missing) == (23, 1)
    assert result.pvalue == compare_time_to_event(times, done, groups).pvalue


def test_nothing_to_compare_by():
    result = compare_time_to_event([5.0] * 10, [True] * 10, ["a"] * 5 + ["b"] * 5)
    assert np.isnan(result.pvalue)
    assert result.summary() == (
        "a and b cannot be compared by their means up to 5, for all times are alike; no log-rank test can be made "
        "(n = 5 and 5; log-rank, restricted means)."
    )
    still_open = compare_time_to_event(range(1, 11), [False] * 10, ["a", "b"] * 5)
    assert "no log-rank test can be made" in still_open.summary()
    assert "nan" not in still_open.summary()


def test_words():
    assert time_to_event(*MAINTAINED, limit=24).summary() == (
        "Median 31, 95 % interval 18 to not reached; 38.6 % within 24 (13.6 to 69.8) (n = 11, of them 4 open; "
        "Kaplan-Meier, open cases censored)."
    )
    assert compare_time_to_event(*both_aml()).summary() == (
        "maintained less nonmaintained: means up to 45 differ by +8.03, 95 % interval -4.737 to +20.8, p = 0.21; "
        "log-rank p = 0.065 (n = 11 and 12; log-rank, restricted means). These cases cannot tell the means apart; a "
        "difference of 18 would have been found with 80 % power."
    )


@pytest.mark.parametrize(
    ("durations", "observed", "options", "match"),
    [
        ([-1.0] * 6, [True] * 6, {}, "durations must not be negative; 6 are"),
        ([1.0, np.inf] * 3, [True] * 6, {}, "durations must be finite"),
        (["a"] * 6, [True] * 6, {}, "durations must be numbers"),
        ([1.0] * 6, ["True"] * 6, {}, "observed must be True or False"),
        ([1.0] * 6, [2] * 6, {}, "observed must be True or False"),
        ([1.0] * 6, [True] * 5, {}, "equal length"),
        ([1.0] * 6, [True] * 6, {"limit": -1}, "limit must not be negative, got -1"),
        ([1.0] * 6, [True] * 6, {"horizon": 0}, "horizon must be a number above 0, got 0"),
        ([1.0] * 6, [True] * 6, {"confidence_level": 95}, r"For 95% write 0\.95"),
        ([1.0] * 6, [True] * 6, {"clusters": [None, *range(5)]}, "one entry, none missing"),
    ],
)
def test_wrong_arguments(durations, observed, options, match):
    with pytest.raises(ValueError, match=match):
        time_to_event(durations, observed, **options)


def test_wrong_groups():
    times, done, groups = both_aml()
    with pytest.raises(ValueError, match="must name two groups; got 'a'"):
        compare_time_to_event(times, done, ["a"] * 23)
    with pytest.raises(ValueError, match="groups is missing for 1 cases"):
        compare_time_to_event(times, done, [None, *groups[1:]])
    with pytest.raises(ValueError, match="one name for each of the 23 cases"):
        compare_time_to_event(times, done, groups[1:])
    with pytest.raises(TypeError, match="must be numbers, not time differences"):
        time_to_event(pd.to_timedelta(times, unit="h"), done)


def test_open_cases_lengthen_the_median():
    hours = [1.0, 2, 3, 4, 50, 60, 70, 80]
    closed_only = np.median(hours[:4])
    result = time_to_event(hours, [True] * 4 + [False] * 4)
    assert result.median > closed_only
    assert result.n_open == 4


def test_not_reached_is_nan():
    result = time_to_event([1, 9, 9, 9, 9, 9], [True, False, False, False, False, False], limit=5)
    assert np.isnan(result.median)
    assert result.share_within == pytest.approx(1 / 6)
    assert "not reached" in result.summary()


def test_all_open():
    result = time_to_event([1, 2, 3, 4, 5], [False] * 5, limit=3)
    assert np.isnan(result.p90)
    assert result.share_within == 0


def test_too_few():
    with pytest.raises(InsufficientDataError, match="at least 5 cases; got 2"):
        time_to_event([1, 2, np.nan], [True, True, True])


def test_rounding_is_no_spread_and_the_reason_is_said():
    rng = np.random.default_rng(3)
    times, agents = rng.exponential(10, 60), np.arange(60) % 12
    result = compare_time_to_event(times, [False] * 60, ["a", "b"] * 30, clusters=agents, limit=2)
    assert np.isnan([result.restricted_mean_ci_low, result.restricted_mean_pvalue]).all()
    assert ", for no case is done; no log-rank test can be made" in result.summary()
    crossed = compare_time_to_event(times, [False] * 60, ["a", "b"] * 30, clusters=np.arange(60) // 5, limit=2)
    assert np.isnan([crossed.restricted_mean_ci_low, crossed.restricted_mean_pvalue]).all()
    assert crossed.share_within_ci_low < 0 < crossed.share_within_ci_high
