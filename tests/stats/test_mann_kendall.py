"""The test of Mann and Kendall where neighbouring values resemble each other."""

from __future__ import annotations

import json
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.autoregression import ar1_series
from bpo_analysis.stats.mann_kendall import mann_kendall
from bpo_analysis.stats.trend import detect_trends

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "oracles"


@pytest.fixture
def oracles():
    if not ORACLES.is_dir():
        pytest.skip(f"needs the known answers in {ORACLES}")
    return ORACLES


# Series of R's datasets package, as in the Rdatasets collection.
# Level of Lake Huron in feet, 1875 to 1972.
LAKE_HURON = """
580.38 581.86 580.97 580.8 579.79 580.39 580.42 580.82 581.4 581.32 581.44 581.68 581.17 580.53 580.01 579.91 579.14
579.16 579.55 579.67 578.44 578.24 579.1 579.09 579.35 578.82 579.32 579.01 579 579.8 579.83 579.72 579.89 580.01 579.37
578.69 578.19 578.67 579.55 578.92 578.09 579.37 580.13 580.14 579.51 579.24 578.66 578.86 578.05 577.79 576.75 576.75
577.82 578.64 580.58 579.48 577.38 576.9 576.94 576.24 576.84 576.85 576.9 577.79 578.18 577.51 577.23 578.42 579.61
579.05 579.26 579.22 579.38 579.1 577.95 578.12 579.75 580.85 580.41 579.96 579.61 578.76 578.18 577.21 577.13 579.1
578.25 577.91 576.89 575.96 576.8 577.68 578.38 578.52 579.74 579.31 579.89 579.96
"""
# Revenue passenger miles of US airlines in millions, 1937 to 1960.
AIRMILES = """
412 480 683 1052 1385 1418 1634 2178 3362 5948 6109 5981 6753 8003 10566 12528 14760 16769 19819 22362 25340 25343 29269
30514
"""
# UK gas consumption in million therms, by quarter, 1960 to 1986.
UK_GAS = """
160.1 129.7 84.8 120.1 160.1 124.9 84.8 116.9 169.7 140.9 89.7 123.3 187.3 144.1 92.9 120.1 176.1 147.3 89.7 123.3
185.7 155.3 99.3 131.3 200.1 161.7 102.5 136.1 204.9 176.1 112.1 140.9 227.3 195.3 115.3 142.5 244.9 214.5 118.5 153.7
244.9 216.1 188.9 142.5 301 196.9 136.1 267.3 317 230.5 152.1 336.2 371.4 240.1 158.5 355.4 449.9 286.6 179.3 403.4
491.5 321.8 177.7 409.8 593.9 329.8 176.1 483.5 584.3 395.4 187.3 485.1 669.2 421 216.1 509.1 827.7 467.5 209.7 542.7
840.5 414.6 217.7 670.8 848.5 437 209.7 701.2 925.3 443.4 214.5 683.6 917.3 515.5 224.1 694.8 989.4 477.1 233.7 730
1087 534.7 281.8 787.6 1163.9 613.1 347.4 782.8
"""
# International airline passengers in thousands, by month, 1949 to 1960 (Box and Jenkins, series G).
AIR_PASSENGERS = """
112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158 133 114 140 145 150 178 163 172 178
199 199 184 162 146 166 171 180 193 181 183 218 230 242 209 191 172 194 196 196 236 235 229 243 264 272 237 211 180 201
204 188 235 227 234 264 302 293 259 229 203 229 242 233 267 269 270 315 364 347 312 274 237 278 284 277 317 313 318 374
413 405 355 306 271 306 315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505 404 359 310 337
360 342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432
"""
# Air temperature at Nottingham Castle in degrees Fahrenheit, by month, 1920 to 1939.
NOTTEM = """
40.6 40.8 44.4 46.7 54.1 58.5 57.7 56.4 54.3 50.5 42.9 39.8 44.2 39.8 45.1 47 54.1 58.7 66.3 59.9 57 54.2 39.7 42.8
37.5 38.7 39.5 42.1 55.7 57.8 56.8 54.3 54.3 47.1 41.8 41.7 41.8 40.1 42.9 45.8 49.2 52.7 64.2 59.6 54.4 49.2 36.3
37.6 39.3 37.5 38.3 45.5 53.2 57.7 60.8 58.2 56.4 49.8 44.4 43.6 40 40.5 40.8 45.1 53.8 59.4 63.5 61 53 50 38.1 36.3
39.2 43.4 43.4 48.9 50.6 56.8 62.5 62 57.5 46.7 41.6 39.8 39.4 38.5 45.3 47.1 51.7 55 60.4 60.5 54.7 50.3 42.3 35.2
40.8 41.1 42.8 47.3 50.9 56.4 62.2 60.5 55.4 50.2 43 37.3 34.8 31.3 41 43.9 53.1 56.9 62.5 60.3 59.8 49.2 42.9 41.9
41.6 37.1 41.2 46.9 51.2 60.4 60.1 61.6 57 50.9 43 38.8 37.1 38.4 38.4 46.5 53.5 58.4 60.6 58.2 53.8 46.6 45.5 40.6
42.4 38.4 40.3 44.6 50.9 57 62.1 63.5 56.3 47.3 43.6 41.8 36.2 39.3 44.5 48.7 54.2 60.8 65.5 64.9 60.1 50.2 42.1 35.8
39.4 38.2 40.4 46.9 53.4 59.6 66.5 60.4 59.2 51.2 42.8 45.8 40 42.6 43.5 47.1 50 60.5 64.6 64 56.8 48.6 44.2 36.4 37.3
35 44 43.9 52.7 58.6 60 61.1 58.1 49.6 41.6 41.3 40.8 41 38.4 47.4 54.1 58.6 61.4 61.8 56.3 50.9 41.4 37.1 42.1 41.2
47.3 46.6 52.4 59 59.6 60.4 57 50.7 47.8 39.2 39.4 40.9 42.4 47.8 52.4 58 60.7 61.8 58.2 46.7 46.6 37.8
"""
# pyMannKendall issue 29: its Hamed-Rao test gives a negative variance and p = NaN, and calls it no trend.
ISSUE_29 = [
    *(0.35257984, 0.38692909, 0.39669828, 0.36296244, 0.42035612, 0.39374964),
    *(0.41100085, 0.43182076, 0.40815853, 0.45394297, 0.41584767, 0.47399517),
]


def numbers(text):
    return np.array(text.split(), dtype=float)


# Oracle: R trend 1.1.6, mk.test and sens.slope.
def test_lake_huron_as_in_r():
    result = mann_kendall(numbers(LAKE_HURON), autocorrelation=0)
    assert result.statistic == -1682
    assert result.z == pytest.approx(-5.15982522603, rel=1e-10)
    assert result.sen_slope == pytest.approx(-0.025125)
    assert (result.ci_low, result.ci_high) == pytest.approx((-0.0349295775, -0.0165753425), rel=1e-8)


def test_airmiles_as_in_r():
    result = mann_kendall(numbers(AIRMILES), autocorrelation=0)
    assert result.statistic == 274
    assert result.var_s == pytest.approx(1625.3333, abs=1e-3)
    assert result.z == pytest.approx(6.7716020209, rel=1e-9)


def test_nile_as_in_r(oracles):
    result = mann_kendall(pd.read_csv(oracles / "nile.csv")["value"], autocorrelation=0)
    assert result.statistic == -1387
    assert result.var_s == pytest.approx(112728.3333, abs=1e-3)
    assert result.z == pytest.approx(-4.12806652284, rel=1e-10)
    assert result.pvalue == pytest.approx(3.65826292e-05, rel=1e-7)
    assert result.sen_slope == -2.6
    assert (result.ci_low, result.ci_high) == pytest.approx((-3.62790697674419, -1.42857142857143), rel=1e-12)


# Oracle: R trend 1.1.6, smk.test; the seasonal Sen slope of nottem is 0.05 a year.
@pytest.mark.parametrize(
    ("text", "season", "s", "variance", "z"),
    [
        (NOTTEM, 12, 224, 11364, 2.09189195887767),
        (AIR_PASSENGERS, 12, 784, 2550, 15.5057105230),
        (UK_GAS, 4, 1328, 9196, 13.8379399476),
    ],
)
def test_seasonal_as_in_r(text, season, s, variance, z):
    result = mann_kendall(numbers(text), season_length=season, autocorrelation=0)
    assert (result.statistic, result.var_s) == (s, pytest.approx(variance))
    assert result.z == pytest.approx(z, rel=1e-11)
    assert result.pvalue == pytest.approx(2 * stats.norm.sf(z), rel=1e-6)
    if text is NOTTEM:
        assert 12 * result.sen_slope == pytest.approx(0.05)


# Oracle: the tests of pyMannKendall, whose author checked them with four R packages; 7 of 360 months are missing.
def test_gaps_as_in_pymannkendall(oracles):
    values = pd.read_csv(oracles / "arbitrary_1d_data.csv")["value"]
    expected = {
        name: case["expected"] for name, case in json.loads((oracles / "expected_results.json").read_text()).items()
    }
    for name, season in (("test_original_test", None), ("test_seasonal_test", 12)):
        result = mann_kendall(values, season_length=season, autocorrelation=0)
        known = expected[name]
        assert (result.statistic, result.n, result.n_missing) == (known["s"], 353, 7)
        assert result.var_s == pytest.approx(known["var_s"], rel=1e-12)
        assert result.z == pytest.approx(known["z"], rel=1e-12)
        assert result.pvalue == pytest.approx(known["p"], rel=1e-12)
        assert result.tau == pytest.approx(known["Tau"], rel=1e-12)
    assert mann_kendall(values).sen_slope == pytest.approx(expected["test_sens_slope"]["slope"], rel=1e-12)
    # There a cycle is the unit of time, here a period.
    seasonal = 12 * mann_kendall(values, season_length=12).sen_slope
    assert seasonal == pytest.approx(expected["test_seasonal_sens_slope"]["slope"], rel=1e-12)


# Oracle: exact variances of S, each checked there against 40,000 simulated series; 1,625.33 is also the classical one.
@pytest.mark.parametrize(
    ("n", "season", "rho", "variance"),
    [
        (12, None, 0.0, 212.667),
        (12, None, 0.3, 326.527),
        (12, None, 0.6, 533.675),
        (24, None, 0.0, 1625.333),
        (24, None, 0.3, 2704.176),
        (24, None, 0.6, 5017.784),
        (52, None, 0.0, 16059.333),
        (52, None, 0.3, 28011.418),
        (52, None, 0.6, 55999.907),
        (60, 12, 0.0, 200),
        (60, 12, 0.3, 322.485),
        (60, 12, 0.6, 610.933),
    ],
)
def test_variance_of_autocorrelated_series(n, season, rho, variance):
    series = np.random.default_rng(n).standard_normal(n)
    result = mann_kendall(series, season_length=season, autocorrelation=rho)
    assert result.var_s == pytest.approx(variance, abs=6e-4)
    assert result.autocorrelation == rho


# Oracle: the sum over all pairs of pairs written out, with gaps, and long enough for the leading part with its ratio.
@pytest.mark.parametrize(("n", "season", "tolerance"), [(30, None, 1e-6), (40, 5, 1e-6), (230, 2, 0.004)])
@pytest.mark.parametrize("rho", [-0.4, 0.5, 0.8])
def test_variance_with_gaps(n, season, tolerance, rho):
    rng = np.random.default_rng(n)
    series = rng.standard_normal(n)
    series[rng.choice(np.arange(1, n - 1), n // 5, replace=False)] = np.nan
    places = np.flatnonzero(np.isfinite(series))
    i, j = np.triu_indices(len(places), 1)
    same = (places[j] - places[i]) % (season or 1) == 0
    i, j = places[i[same]], places[j[same]]
    power = rho ** np.arange(n, dtype=float)
    expected = 0.0
    for a, b in zip(i, j, strict=True):
        likeness = power[abs(b - j)] - power[abs(b - i)] - power[abs(a - j)] + power[abs(a - i)]
        likeness /= 2 * np.sqrt((1 - power[b - a]) * (1 - power[j - i]))
        expected += 2 / np.pi * np.arcsin(np.clip(likeness, -1, 1)).sum()
    found = mann_kendall(series, season_length=season, autocorrelation=rho).var_s
    assert found == pytest.approx(expected, rel=tolerance)


# Oracle: scipy. Its asymptotic p-value has no continuity correction, and leaves nothing of a gap.
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_kendalltau_of_scipy(alternative):
    rng = np.random.default_rng(1)
    for _ in range(20):
        values = rng.integers(0, 8, 30).astype(float)
        values[rng.choice(30, 3, replace=False)] = np.nan
        known = np.isfinite(values)
        expected = stats.kendalltau(
            np.flatnonzero(known), values[known], method="asymptotic", alternative=alternative
        ).pvalue
        found = mann_kendall(values, autocorrelation=0, continuity=False, alternative=alternative)
        assert found.pvalue == pytest.approx(expected, rel=1e-9)
        corrected = mann_kendall(values, autocorrelation=0)
        assert found.sen_slope == stats.theilslopes(values[known], np.flatnonzero(known)).slope
        assert abs(corrected.z) <= abs(found.z)


@pytest.mark.parametrize("n", [4, 7, 10])
@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_few_values_have_exact_pvalues(n, alternative):
    rng = np.random.default_rng(n)
    for _ in range(20):
        values = rng.standard_normal(n)
        expected = stats.kendalltau(np.arange(n), values, method="exact", alternative=alternative).pvalue
        found = mann_kendall(values, autocorrelation=0, alternative=alternative)
        assert found.pvalue == pytest.approx(expected)
        assert found.method == "Mann-Kendall for independent values, exact p-value"


# By hand.
def test_five_rising_values():
    # One of 120 orders rises throughout and one falls: p = 2/120. The normal approximation would say 0.0275.
    result = mann_kendall([1, 2, 4, 5, 9], autocorrelation=0)
    assert result.pvalue == pytest.approx(2 / 120)
    assert (result.statistic, result.tau) == (10, 1)
    # Slopes: 1, 2, 1, 4, 3/2, 3/2, 5/2, 4/3, 7/3, 2; their median is (3/2 + 2) / 2.
    assert result.sen_slope == 1.75
    # With S of at most 8, not less than 2/120 + 2 * 4/120, the slopes 1 and 4 are the limits.
    assert (result.ci_low, result.ci_high) == (1, 4)
    assert mann_kendall([1, 2, 3, 4], autocorrelation=0).pvalue == pytest.approx(2 / 24)


def test_the_exact_distribution_is_that_of_all_orders():
    values = np.array([3.0, 1.0, 4.0, 2.0, 6.0])
    s = mann_kendall(values, autocorrelation=0).statistic
    every = [
        sum(np.sign(b - a) for i, a in enumerate(order) for b in order[i + 1 :]) for order in permutations(range(5))
    ]
    expected = np.mean(np.abs(every) >= abs(s))
    assert mann_kendall(values, autocorrelation=0).pvalue == pytest.approx(expected)


def test_ties_by_hand():
    # Pairs of 1 1 2 2: four rise, two are tied; variance (4*3*13 - 2 * 2*1*9) / 18.
    result = mann_kendall([1, 1, 2, 2], autocorrelation=0)
    assert (result.statistic, result.tau) == (4, pytest.approx(4 / 6))
    assert result.var_s == pytest.approx((156 - 36) / 18)
    assert result.pvalue == pytest.approx(2 * stats.norm.sf(3 / np.sqrt(120 / 18)))


def test_differences_that_are_rounding_are_ties():
    noisy = [0.1 + 0.2, 0.3, 0.4 - 0.1, 0.3, 0.5, 0.1 * 5, 0.7 - 0.2, 0.5]
    clean = [0.3, 0.3, 0.3, 0.3, 0.5, 0.5, 0.5, 0.5]
    first, second = (mann_kendall(values, autocorrelation=0) for values in (noisy, clean))
    assert (first.statistic, first.var_s, first.pvalue) == (second.statistic, second.var_s, second.pvalue)


# Properties.
@pytest.mark.parametrize("season", [None, 6])
def test_shift_and_scale(season):
    rng = np.random.default_rng(2)
    for _ in range(10):
        values = ar1_series(1, 36, 0.4, rng)[0] + 0.05 * np.arange(36)
        plain = mann_kendall(values, season_length=season)
        moved = mann_kendall(100 - 3 * values, season_length=season)
        assert moved.statistic == -plain.statistic
        assert moved.pvalue == pytest.approx(plain.pvalue)
        assert (moved.ci_low, moved.ci_high) == pytest.approx((-3 * plain.ci_high, -3 * plain.ci_low))


@pytest.mark.parametrize("autocorrelation", ["estimate", 0, 0.5])
@pytest.mark.parametrize("season", [None, 5])
def test_reversing_time_flips_the_sign(season, autocorrelation):
    rng = np.random.default_rng(3)
    for _ in range(10):
        values = ar1_series(1, 40, 0.4, rng)[0]
        values[rng.choice(40, 5, replace=False)] = np.nan
        forward, backward = (
            mann_kendall(v, season_length=season, autocorrelation=autocorrelation) for v in (values, values[::-1])
        )
        assert backward.statistic == -forward.statistic
        assert backward.sen_slope == pytest.approx(-forward.sen_slope)
        assert backward.pvalue == pytest.approx(forward.pvalue)
        assert (backward.ci_low, backward.ci_high) == pytest.approx((-forward.ci_high, -forward.ci_low))


@pytest.mark.parametrize("autocorrelation", [0, 0.6])
def test_only_the_order_counts_where_the_autocorrelation_is_known(autocorrelation):
    values = np.random.default_rng(4).standard_normal(30)
    plain = mann_kendall(values, autocorrelation=autocorrelation)
    bent = mann_kendall(np.exp(3 * values), autocorrelation=autocorrelation)
    assert (bent.statistic, bent.z, bent.pvalue) == (plain.statistic, plain.z, plain.pvalue)


@pytest.mark.parametrize("autocorrelation", ["estimate", 0, 0.4])
@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("continuity", [True, False])
def test_interval_excludes_nought_where_the_pvalue_says_so(autocorrelation, level, continuity):
    rng = np.random.default_rng(5)
    options = {"autocorrelation": autocorrelation, "confidence_level": level, "continuity": continuity}
    excluded, called = [], []
    for slope in (0.0, 0.1, -0.1, 0.2) * 15:
        values = ar1_series(1, 21 if slope else 9 + 3 * (autocorrelation == "estimate"), 0.3, rng)[0]
        result = mann_kendall(values + slope * np.arange(len(values)), **options)
        excluded.append(result.ci_low > 0 or result.ci_high < 0)
        called.append(result.pvalue < 1 - level)
    assert 5 < sum(called) < 55
    assert excluded == called


@pytest.mark.parametrize("alternative", ["less", "greater"])
def test_one_sided_intervals(alternative):
    rng = np.random.default_rng(6)
    found = 0
    for _ in range(40):
        values = ar1_series(1, 24, 0.2, rng)[0] + (0.1 if alternative == "greater" else -0.1) * np.arange(24)
        result = mann_kendall(values, alternative=alternative)
        assert (result.ci_low > 0 or result.ci_high < 0) == (result.pvalue < 0.05)
        assert np.isinf(result.ci_high if alternative == "greater" else result.ci_low)
        found += result.pvalue < 0.05
    assert 5 < found < 40


def test_the_interval_is_what_the_test_does_not_reject():
    values = ar1_series(1, 30, 0.5, np.random.default_rng(7))[0]
    result = mann_kendall(values)
    time, width = np.arange(30), result.ci_high - result.ci_low
    for slope, inside in (
        (result.ci_low + 1e-9 * width, True),
        (result.ci_high - 1e-9 * width, True),
        (result.ci_low - 1e-9 * width, False),
        (result.ci_high + 1e-9 * width, False),
    ):
        assert (mann_kendall(values - slope * time).pvalue >= 0.05) == inside


def test_more_autocorrelation_is_less_evidence():
    values = ar1_series(1, 30, 0.3, np.random.default_rng(8))[0] + 0.06 * np.arange(30)
    results = [mann_kendall(values, autocorrelation=rho) for rho in (0, 0.2, 0.4, 0.6, 0.8)]
    for less, more in pairwise(results):
        assert more.var_s > less.var_s
        assert more.pvalue > less.pvalue
        assert more.ci_low <= less.ci_low
    assert len({result.sen_slope for result in results}) == 1


def test_gaps_stay_on_the_time_axis():
    values = ar1_series(1, 40, 0.5, np.random.default_rng(9))[0] + 0.1 * np.arange(40)
    values[10:22] = np.nan
    open_, closed = mann_kendall(values), mann_kendall(values[np.isfinite(values)])
    assert (open_.n, open_.n_missing, closed.n_missing) == (28, 12, 0)
    assert open_.statistic == closed.statistic
    assert open_.sen_slope < 0.85 * closed.sen_slope
    assert open_.var_s != closed.var_s


def test_a_missing_month_costs_one_value_and_not_a_year():
    # pymannkendall's correlated seasonal test drops every year with a gap; its seasonal test closes none either.
    rng = np.random.default_rng(10)
    values = ar1_series(1, 60, 0.2, rng)[0] + np.tile(rng.normal(0, 3, 12), 5) + 0.04 * np.arange(60)
    whole = mann_kendall(values, season_length=12)
    values[[5, 22, 40]] = np.nan
    gappy = mann_kendall(values, season_length=12)
    assert gappy.n == 57
    assert gappy.sen_slope == pytest.approx(whole.sen_slope, rel=0.1)
    assert gappy.pvalue < 5 * whole.pvalue


def test_a_season_alone_changes_nothing():
    rng = np.random.default_rng(11)
    values = ar1_series(1, 48, 0.3, rng)[0] + 0.05 * np.arange(48)
    months = np.tile(rng.normal(0, 10, 12), 4)
    plain, seasonal = (mann_kendall(v, season_length=12) for v in (values, values + months))
    assert seasonal.statistic == plain.statistic
    assert seasonal.pvalue == pytest.approx(plain.pvalue)
    assert seasonal.autocorrelation == pytest.approx(plain.autocorrelation)


def test_a_wild_value_hides_nothing():
    rng = np.random.default_rng(12)
    values = ar1_series(1, 52, 0.6, rng)[0]
    tame = mann_kendall(values)
    values[30] += 1000
    wild = mann_kendall(values)
    assert wild.autocorrelation > 0.5 * tame.autocorrelation
    assert abs(wild.sen_slope - tame.sen_slope) < 0.1 * (tame.ci_high - tame.ci_low)


def test_same_values_same_answer():
    values = ar1_series(1, 26, 0.4, np.random.default_rng(13))[0]
    assert mann_kendall(values) == mann_kendall(values.copy())


# Edges.
def test_the_series_of_issue_29_has_an_answer():
    result = mann_kendall(ISSUE_29)
    assert (result.statistic, result.tau) == (44, pytest.approx(2 / 3))
    assert result.var_s > 0
    assert 0 < result.pvalue < 0.01
    # The value pymannkendall gives for the slope.
    assert result.sen_slope == pytest.approx(0.008305347500000004)


@pytest.mark.parametrize(
    ("values", "options", "note"),
    [
        (np.full(20, 3.3), {}, "all values that are compared are equal"),
        (np.zeros(20), {"autocorrelation": 0}, "all values that are compared are equal"),
        (np.tile([1.0, 2.0, 5.0], 8), {"season_length": 3}, "all values that are compared are equal"),
        (5 + 0.1 * np.arange(20), {}, "the values follow a line exactly"),
        (np.tile([1.0, 2.0, 5.0], 8) - 0.3 * np.arange(24), {"season_length": 3}, "the values follow a line exactly"),
    ],
)
def test_without_variation_there_is_no_answer(values, options, note):
    result = mann_kendall(values, **options)
    assert np.isnan([result.pvalue, result.z, result.ci_low, result.ci_high, result.detectable_slope]).all()
    assert result.note == f"{note}, so there is no variation to judge it by"
    assert result.summary() == f"Cannot tell whether there is a trend: {result.note} (n = {len(values)})."


def test_a_line_is_a_clear_order_where_the_values_are_independent():
    result = mann_kendall(5 + 0.1 * np.arange(20), autocorrelation=0)
    assert (result.tau, result.sen_slope) == (1, pytest.approx(0.1))
    assert result.pvalue < 1e-8


def test_as_many_up_as_down():
    result = mann_kendall([1, 2, 3, 4, 4, 3, 2, 1], autocorrelation=0)
    assert (result.statistic, result.z, result.pvalue) == (0, 0, 1)


def test_heavy_ties():
    values = np.array([0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1])
    result = mann_kendall(values, alternative="greater", confidence_level=0.8)
    assert (result.sen_slope, result.statistic) == (
        0,
        np.sign(np.subtract.outer(values, values))[np.tril_indices(20)].sum(),
    )
    assert result.pvalue < 0.2
    assert result.summary().startswith("Rising: median slope +0 per period, 80 % interval 0 or more, one-sided p = ")


def test_types_of_numbers():
    whole = np.array([3, 5, 2, 6, 4, 7, 5, 9, 6, 8, 7, 11, 9, 10])
    expected = mann_kendall(whole.astype(float))
    dates = pd.Series(whole, index=pd.date_range("2026-01-04", periods=14, freq="W"))
    for values in (whole, whole.tolist(), dates, pd.Series(whole, dtype="Int64"), pd.Series(whole, dtype="Float64")):
        assert mann_kendall(values) == expected
    gappy = pd.Series([*whole, None], dtype="Float64")
    assert mann_kendall(gappy).n_missing == 1


def test_few_values_leave_the_slope_without_limits():
    result = mann_kendall([2.0, 1.0, 4.0, 3.0], autocorrelation=0)
    assert (result.ci_low, result.ci_high, result.detectable_slope) == (-np.inf, np.inf, np.inf)
    assert "95 % interval without limits" in result.summary()
    assert "So few values cannot show a slope of any size reliably." in result.summary()


def test_nan_policy():
    gappy = np.r_[np.sin(np.arange(30)), np.nan]
    with pytest.raises(ValueError, match="values have 1 NaN, and nan_policy is 'raise'"):
        mann_kendall(gappy, nan_policy="raise")
    result = mann_kendall(gappy, nan_policy="propagate")
    assert np.isnan([result.pvalue, result.statistic, result.sen_slope]).all()
    assert "the series has gaps, and nan_policy is 'propagate' (n = 30)" in result.summary()


# Words.
@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        (range(11), {}, "mann_kendall needs at least 12 values; got 11"),
        ([np.nan] * 20, {}, "needs at least 12 values; got 0"),
        (range(3), {"autocorrelation": 0}, "needs at least 4 values; got 3"),
        (range(20), {"season_length": 12}, r"a season of 12 needs at least 24 periods \(two cycles\); got 20"),
        (np.r_[np.arange(12.0), [np.nan] * 8, np.arange(4.0)], {"season_length": 12}, "at least 21 values; got 16"),
    ],
)
def test_too_little_data(values, options, match):
    with pytest.raises(InsufficientDataError, match=match):
        mann_kendall(values, **options)


@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        (np.ones((20, 2)), {}, r"must be 1-D, got shape \(20, 2\)"),
        ([*range(20), np.inf], {}, "finite or NaN, got an infinite value"),
        (range(20), {"autocorrelation": 1}, "between -1 and 1, got 1; 0 is the classical test"),
        (range(20), {"autocorrelation": np.nan}, "between -1 and 1, got nan"),
        (range(20), {"autocorrelation": "hamed-rao"}, "must be 'estimate' or a number, got 'hamed-rao'"),
        (range(20), {"confidence_level": 95}, r"got 95\. For 95% write 0\.95"),
        (range(20), {"alternative": "up"}, "got 'up'"),
        (range(20), {"nan_policy": "drop"}, "got 'drop'"),
        (range(20), {"season_length": 1}, "at least 2 periods, got 1"),
    ],
)
def test_wrong_arguments(values, options, match):
    with pytest.raises(ValueError, match=match):
        mann_kendall(values, **options)


def test_summary_of_a_trend_and_of_none():
    assert mann_kendall(numbers(LAKE_HURON), autocorrelation=0).summary() == (
        "Falling: median slope -0.0251 per period, 95 % interval -0.0349 to -0.0166, p < 0.0001, n = 98; "
        "Mann-Kendall for independent values. The values were taken for independent; where neighbouring ones resemble "
        "each other, trends are seen that are not there."
    )
    none = mann_kendall(np.random.default_rng(14).standard_normal(40))
    assert none.summary() == (
        f"No trend found: median slope {none.sen_slope:+.3g} per period, 95 % interval {none.ci_low:.3g} to "
        f"{none.ci_high:.3g}, p = {none.pvalue:.2g}, n = 40; Mann-Kendall with the variance of an AR(1) series, "
        "averaged over the autocorrelation. A slope of "
        f"{none.detectable_slope:.2g} per period would have been found in four of five such series."
    )


def test_drift_is_named():
    # The level of Lake Huron falls and returns; the classical test above is certain that it falls.
    huron = mann_kendall(numbers(LAKE_HURON))
    assert huron.high_autocorrelation > 0.3
    assert huron.summary().endswith("a trend and a drift that may turn cannot be told apart.")
    assert huron.pvalue > 0.01
    assert mann_kendall(np.random.default_rng(15).standard_normal(60)).note == ""


# Calibration.
def test_variance_of_s_in_simulated_series():
    rng = np.random.default_rng(16)
    places = np.array([0, 1, 2, 3, 5, 6, 9, 10, 11, 12, 14, 15])
    series = ar1_series(40_000, 16, 0.6, rng)[:, places]
    s = sum(np.sign(series[:, j] - series[:, i]) for i in range(12) for j in range(i + 1, 12))
    gappy = np.full(16, np.nan)
    gappy[places] = np.arange(12)
    expected = (s**2).mean()
    error = (s**2).std() / np.sqrt(len(s))
    assert abs(mann_kendall(gappy, autocorrelation=0.6).var_s - expected) < 3.5 * error


@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("n", [24, 52])
def test_false_alarms(n, rho):
    # 600 series: standard error 0.9 points. The classical test calls 28 to 31 % at an autocorrelation of 0.6.
    series = ar1_series(600, n, rho, np.random.default_rng(n))
    called = np.mean([mann_kendall(row).pvalue < 0.05 for row in series])
    assert 0.02 < called < 0.085


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.4, 0.8])
@pytest.mark.parametrize(
    ("n", "season"), [(12, None), (36, None), (104, None), (200, None), (24, 12), (60, 12), (90, 7)]
)
def test_coverage_at_other_lengths(n, season, rho):
    # A slope that is not covered is one that would be called, had it been nought: both error rates in one.
    series = ar1_series(1500, n, rho, np.random.default_rng([n, int(10 * rho)])) + 0.03 * np.arange(n)
    results = [mann_kendall(row, season_length=season) for row in series]
    covered = np.mean([r.ci_low <= 0.03 <= r.ci_high for r in results])
    # Standard error 0.6 points.
    assert 0.92 < covered < 0.98


@pytest.mark.parametrize(("n", "rho"), [(24, 0.0), (52, 0.3)])
def test_the_detectable_slope_is_found_in_about_four_of_five(n, rho):
    rng = np.random.default_rng(17)
    slope = np.mean([mann_kendall(row).detectable_slope for row in ar1_series(300, n, rho, rng)])
    found = [mann_kendall(row).pvalue < 0.05 for row in ar1_series(300, n, rho, rng) + slope * np.arange(n)]
    assert 0.7 < np.mean(found) < 0.9


def test_heavy_tails_are_where_ranks_find_more():
    # Shocks of Student's t with two degrees of freedom: the regression of detect_trend drowns in the wild ones.
    rng = np.random.default_rng(18)
    series = rng.standard_t(2, (300, 40)) + 0.06 * np.arange(40)
    ranks = np.mean([mann_kendall(row).pvalue < 0.05 for row in series])
    line = (detect_trends(series.T)["pvalue"] < 0.05).mean()
    assert ranks > 1.3 * line


def test_periods_left_out_of_a_date_index_are_gaps():
    dates = pd.date_range("2024-01-31", periods=30, freq="ME")
    full = pd.Series(0.3 * np.arange(30) + np.random.default_rng(2).normal(size=30), index=dates)
    gaps = full.where(~np.isin(np.arange(30), [4, 5, 17]))
    assert mann_kendall(gaps.dropna()) == mann_kendall(gaps)
    with pytest.raises(ValueError, match="in order of time"):
        mann_kendall(full.iloc[::-1])


def test_so_many_ties_that_no_size_can_be_told():
    values = np.zeros(40)
    values[[5, 17, 18, 30]] = 1
    result = mann_kendall(values)
    assert (result.sen_slope, result.ci_low, result.ci_high) == (0, 0, 0)
    assert np.isnan(result.detectable_slope)
    assert "the size of a trend cannot be told" in result.note
    assert "would have been found" not in result.summary()
