"""Linear trend where neighbouring values resemble each other."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.autoregression import ar1_series
from bpo_analysis.stats.trend import TrendResult, detect_trend, detect_trends

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "oracles"
NUMBERS = ["slope_per_period", "ci_low", "ci_high", "pvalue", "detectable_slope", "autocorrelation"]

# pyMannKendall issue 29: its Hamed-Rao test gives the second a negative variance and p = NaN, and calls it no trend.
ISSUE_29 = (
    [
        *(0.41625778, 0.40488883, 0.43044564, 0.44369687, 0.46613348, 0.44420775),
        *(0.45091315, 0.48484614, 0.40252088, 0.43944978, 0.51613973, 0.49302274),
    ],
    [
        *(0.35257984, 0.38692909, 0.39669828, 0.36296244, 0.42035612, 0.39374964),
        *(0.41100085, 0.43182076, 0.40815853, 0.45394297, 0.41584767, 0.47399517),
    ],
)


@pytest.fixture
def nile():
    path = ORACLES / "nile.csv"
    if not path.is_file():
        pytest.skip(f"needs the known answers in {ORACLES}")
    return pd.read_csv(path)["value"]


def numbers(result):
    return [getattr(result, name) for name in NUMBERS]


# Oracle: the Nile falls; R trend::sens.slope has -2.6 a year (-3.63 to -1.43) for independent values. With the
# autocorrelation seen, the interval is wider and the slope the same within it.
def test_the_nile(nile):
    result = detect_trend(nile)
    assert -3.63 < result.slope_per_period < -1.43
    assert result.pvalue < 0.02
    assert result.ci_high - result.ci_low > 3.63 - 1.43
    assert 0.2 < result.autocorrelation < 0.6
    assert result.n == 100


# Oracle: at a fixed autocorrelation each part of the mixture is statsmodels' GLS (test_autoregression); its restricted
# maximum likelihood is that of a mixed model with an AR(1) error, here found by search over statsmodels' own fits.
def test_the_mixture_lies_around_the_restricted_maximum_of_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(31)
    n = 120
    series = ar1_series(1, n, 0.5, rng)[0] + 0.02 * np.arange(n)
    design = sm.add_constant(np.arange(n) - (n - 1) / 2)

    def fit(rho):
        return sm.GLS(series, design, sigma=rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))))

    def restricted(rho):
        model = fit(rho)
        rest = model.fit().wresid
        white = model.wexog
        log_det = np.linalg.slogdet(model.cholsigmainv)[1] - 0.5 * np.linalg.slogdet(white.T @ white)[1]
        return log_det - 0.5 * (n - 2) * np.log(rest @ rest)

    grid = np.linspace(0.2, 0.8, 31)
    best = grid[np.argmax([restricted(rho) for rho in grid])]
    fitted = fit(best).fit()
    found = detect_trend(series)
    assert found.autocorrelation == pytest.approx(best, abs=0.05)
    assert found.slope_per_period == pytest.approx(fitted.params[1], abs=0.1 * fitted.bse[1])
    # Not to know the autocorrelation costs something, but not much with 120 values.
    assert 1.0 < (found.ci_high - found.ci_low) / np.ptp(fitted.conf_int()[1]) < 1.25


@pytest.mark.parametrize("series", ISSUE_29)
def test_the_series_of_issue_29_have_an_answer(series):
    result = detect_trend(series)
    assert np.isfinite(numbers(result)).all()
    assert result.slope_per_period > 0


# By hand: values that alternate by one around a line of slope two are pulled to neither side.
def test_a_line_with_balanced_noise():
    noise = np.array([1, -1, -1, 1] * 6)
    result = detect_trend(2.0 * np.arange(24) + noise)
    assert result.slope_per_period == pytest.approx(2, abs=0.01)
    assert result.pvalue < 1e-6
    assert (result.n, result.n_missing) == (24, 0)


# Properties.
@pytest.mark.parametrize("season", [None, 4])
def test_shift_and_scale(season):
    rng = np.random.default_rng(10)
    for _ in range(10):
        series = ar1_series(1, 26, 0.4, rng)[0] + 0.05 * np.arange(26)
        plain = detect_trend(series, season_length=season)
        moved = detect_trend(500 + 3 * series, season_length=season)
        np.testing.assert_allclose(moved.pvalue, plain.pvalue, rtol=1e-6)
        np.testing.assert_allclose([moved.ci_low, moved.ci_high], [3 * plain.ci_low, 3 * plain.ci_high], rtol=1e-5)
        assert moved.detectable_slope == pytest.approx(3 * plain.detectable_slope, rel=1e-5)


@pytest.mark.parametrize("season", [None, 7])
def test_reversing_time_turns_the_slope_round(season):
    rng = np.random.default_rng(11)
    for _ in range(10):
        series = ar1_series(1, 35, 0.4, rng)[0] + 0.05 * np.arange(35)
        series[rng.choice(35, 4, replace=False)] = np.nan
        forward = detect_trend(series, season_length=season)
        backward = detect_trend(series[::-1], season_length=season)
        assert backward.slope_per_period == pytest.approx(-forward.slope_per_period, rel=1e-6)
        assert backward.ci_low == pytest.approx(-forward.ci_high, rel=1e-4)
        assert backward.pvalue == pytest.approx(forward.pvalue, rel=1e-6)


def test_a_season_alone_changes_nothing():
    rng = np.random.default_rng(12)
    series = ar1_series(1, 36, 0.3, rng)[0] + 0.2 * np.arange(36)
    months = np.tile(rng.normal(0, 10, 12), 3)
    plain, seasonal = detect_trend(series, season_length=12), detect_trend(series + months, season_length=12)
    np.testing.assert_allclose(numbers(plain), numbers(seasonal), rtol=1e-5)
    assert detect_trend(series + months).pvalue > 10 * plain.pvalue


def test_many_series_at_once_are_as_one_by_one():
    rng = np.random.default_rng(13)
    frame = pd.DataFrame(ar1_series(6, 30, 0.5, rng).T + 0.1 * np.arange(30)[:, None], columns=list("abcdef"))
    frame.loc[[3, 4], ["b", "e"]] = np.nan
    frame.loc[20:, "f"] = np.nan
    frame["constant"], frame["short"] = 4.0, np.r_[np.arange(5.0), np.full(25, np.nan)]
    table = detect_trends(frame)
    assert table.index.tolist() == [*"abcdef", "constant", "short"]
    assert table.columns.tolist() == [field.name for field in fields(TrendResult)]
    for name in frame.columns.drop("short"):
        alone = detect_trend(frame[name])
        np.testing.assert_allclose(table.loc[name, NUMBERS].astype(float), numbers(alone), rtol=1e-5)
        assert (table.loc[name, "n"], table.loc[name, "n_missing"]) == (alone.n, alone.n_missing)
        assert table.loc[name, "note"] == alone.note
        assert table.loc[name, "method"] == alone.method


def test_gaps_stay_on_the_time_axis():
    rng = np.random.default_rng(14)
    series = ar1_series(1, 40, 0.6, rng)[0] + 0.1 * np.arange(40)
    gappy = series.copy()
    gappy[10:20] = np.nan
    open_, closed = detect_trend(gappy), detect_trend(gappy[np.isfinite(gappy)])
    assert (open_.n, open_.n_missing) == (30, 10)
    assert open_.slope_per_period < 0.85 * closed.slope_per_period
    assert abs(open_.slope_per_period - 0.1) < abs(closed.slope_per_period - 0.1)


def test_gaps_at_the_ends_only_count():
    series = ar1_series(1, 20, 0.3, np.random.default_rng(15))[0]
    padded = detect_trend(np.r_[np.nan, np.nan, series, np.nan])
    plain = detect_trend(series)
    np.testing.assert_allclose(numbers(padded), numbers(plain), rtol=1e-9)
    assert (padded.n, padded.n_missing) == (20, 3)


def test_a_phase_that_never_occurs_is_paid_for_by_nobody():
    rng = np.random.default_rng(16)
    series = ar1_series(1, 42, 0.2, rng)[0] + 0.05 * np.arange(42) + np.tile([0, 5, -3, 2, 8, 1, -9], 6)
    series[np.arange(42) % 7 >= 5] = np.nan  # closed at weekends
    result = detect_trend(series, season_length=7)
    assert result.n == 30
    assert result.ci_low < 0.05 < result.ci_high
    assert result.pvalue < 0.05


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_interval_excludes_nought_where_the_pvalue_says_so(level):
    series = ar1_series(200, 20, 0.5, np.random.default_rng(17)) + 0.08 * np.arange(20)
    table = detect_trends(series.T, confidence_level=level)
    excluded = (table["ci_low"] > 0) | (table["ci_high"] < 0)
    assert 10 < excluded.sum() < 190
    assert (excluded == (table["pvalue"] < 1 - level)).all()


def test_one_sided():
    series = ar1_series(1, 24, 0.3, np.random.default_rng(18))[0] + 0.1 * np.arange(24)
    both, rising, falling = (detect_trend(series, alternative=a) for a in ("two-sided", "greater", "less"))
    assert rising.pvalue == pytest.approx(both.pvalue / 2)
    assert falling.pvalue == pytest.approx(1 - rising.pvalue)
    assert rising.ci_low > both.ci_low
    assert (rising.ci_high, falling.ci_low) == (np.inf, -np.inf)


# Edges.
@pytest.mark.parametrize(
    ("series", "slope", "note"),
    [
        (np.full(24, 0.1), 0, "all equal"),
        (np.zeros(24), 0, "all equal"),
        (0.1 + 0.3 * np.arange(24), 0.3, "a line exactly"),
        (-2 * np.arange(24), -2, "a line exactly"),
    ],
)
def test_without_variation_there_is_no_answer(series, slope, note):
    result = detect_trend(series)
    assert np.isnan([result.pvalue, result.ci_low, result.ci_high, result.detectable_slope]).all()
    assert result.slope_per_period == pytest.approx(slope, abs=1e-15)
    assert note in result.note
    assert result.summary().startswith("Cannot tell whether there is a trend: ")


def test_a_season_without_variation():
    result = detect_trend(np.tile([1.0, 5.0, 2.0, 7.0], 8) + 0.5 * np.arange(32), season_length=4)
    assert np.isnan(result.pvalue)
    assert "a line and a season exactly" in result.note
    assert result.slope_per_period == pytest.approx(0.5)


def test_types_of_numbers():
    whole = np.array([3, 5, 2, 6, 4, 7, 5, 9, 6, 8, 7, 11, 9, 10])
    expected = numbers(detect_trend(whole.astype(float)))
    dates = pd.Series(whole, index=pd.date_range("2026-01-04", periods=14, freq="W"))
    for values in (whole, whole.tolist(), dates, pd.Series(whole, dtype="Int64"), pd.Series(whole, dtype="Float64")):
        np.testing.assert_allclose(numbers(detect_trend(values)), expected)


def test_missing_values_of_pandas_are_gaps():
    values = [3, 5, None, 6, 4, 7, 5, 9, 6, 8, 7, 11, 9, 10]
    expected = detect_trend([np.nan if v is None else v for v in values])
    for dtype in ("Float64", "Int64", object):
        assert detect_trend(pd.Series(values, dtype=dtype)) == expected
    frame = pd.DataFrame({"kpi": pd.Series(values, dtype="Float64"), "n": range(14), "r": np.arange(14.0) ** 2})
    table = detect_trends(frame)
    assert table.loc["kpi", "n_missing"] == 1
    assert table.loc["kpi", "pvalue"] == pytest.approx(expected.pvalue)


def test_the_input_is_not_changed():
    values = np.r_[np.arange(20.0), np.nan]
    kept = values.copy()
    detect_trend(values)
    np.testing.assert_array_equal(values, kept)


def test_no_series_and_nothing_in_a_series():
    empty = detect_trends(np.empty((30, 0)))
    assert empty.shape == (0, len(fields(TrendResult)))
    table = detect_trends(pd.DataFrame({"nothing": np.full(30, np.nan), "some": np.sin(np.arange(30))}))
    assert table.loc["nothing", "note"] == "detect_trend needs at least 12 values; got 0."
    assert table.loc["nothing", NUMBERS].isna().all()
    assert np.isfinite(table.loc["some", "pvalue"])
    assert (detect_trends(np.empty((0, 2)))["n"] == 0).all()


def test_nan_policy():
    gappy = np.r_[np.sin(np.arange(30)), np.nan]
    with pytest.raises(ValueError, match="values have 1 NaN, and nan_policy is 'raise'"):
        detect_trend(gappy, nan_policy="raise")
    result = detect_trend(gappy, nan_policy="propagate")
    assert np.isnan(numbers(result)).all()
    assert result.summary() == (
        "Cannot tell whether there is a trend: the series has gaps, and nan_policy is 'propagate' (n = 30)."
    )
    table = detect_trends(np.column_stack([gappy, np.cos(np.arange(31))]), nan_policy="propagate")
    assert table["pvalue"].isna().tolist() == [True, False]


# Words.
@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        (np.arange(11), {}, "detect_trend needs at least 12 values; got 11"),
        ([np.nan] * 30, {}, "needs at least 12 values; got 0"),
        (np.arange(20), {"season_length": 12}, r"a season of 12 needs at least 24 periods \(two cycles\); got 20"),
        (
            np.r_[np.arange(12.0), np.full(8, np.nan), np.arange(4.0)],
            {"season_length": 12},
            "at least 21 values; got 16",
        ),
    ],
)
def test_too_little_data(values, options, match):
    with pytest.raises(InsufficientDataError, match=match):
        detect_trend(values, **options)


@pytest.mark.parametrize(
    ("values", "options", "error", "match"),
    [
        (np.ones((20, 2)), {}, ValueError, r"must be 1-D, got shape \(20, 2\); for several series use detect_trends"),
        ([*range(20), np.inf], {}, ValueError, "finite or NaN, got an infinite value"),
        (range(20), {"confidence_level": 95}, ValueError, r"got 95\. For 95% write 0\.95"),
        (range(20), {"alternative": "up"}, ValueError, "'two-sided', 'less', 'greater', got 'up'"),
        (range(20), {"nan_policy": "drop"}, ValueError, "got 'drop'"),
        (range(20), {"season_length": 1}, ValueError, "at least 2 periods, got 1; for no season use None"),
        (range(20), {"season_length": 3.5}, TypeError, r"whole number of periods or None, got 3\.5"),
        (range(20), {"season_length": "12"}, TypeError, "whole number of periods or None, got '12'"),
        (range(20), {"season_length": True}, TypeError, "got True"),
    ],
)
def test_wrong_arguments(values, options, error, match):
    with pytest.raises(error, match=match):
        detect_trend(values, **options)


def test_many_series_must_be_a_table():
    with pytest.raises(ValueError, match=r"must be 2-D \(one series a column\), got shape \(20,\)"):
        detect_trends(np.arange(20))


def test_summary_of_a_trend_and_of_none():
    rng = np.random.default_rng(1)
    rising = detect_trend(0.5 * np.arange(36) + rng.normal(0, 2, 36))
    method = "regression on time with AR(1) errors, averaged over the autocorrelation"
    assert rising.summary() == (
        f"Rising: slope +{rising.slope_per_period:.3g} per period, 95 % interval {rising.ci_low:.3g} to "
        f"{rising.ci_high:.3g}, p < 0.0001, n = 36; {method}."
    )
    none = detect_trend(rng.normal(0, 2, 36), alternative="less", season_length=6)
    text = none.summary()
    assert text.startswith(f"No fall found: slope {none.slope_per_period:+.3g} per period, 95 % interval ")
    assert f" {none.ci_high:.3g} or less, one-sided p = {none.pvalue:.2g}, n = 36; {method}, season of 6" in text
    assert text.endswith(
        f"A fall of {none.detectable_slope:.2g} per period would have been found in four of five such series."
    )


def test_drift_is_named():
    walk = np.random.default_rng(20).standard_normal(80).cumsum()
    result = detect_trend(walk)
    assert result.high_autocorrelation > 0.5
    assert result.summary().endswith("that a trend and a drift that may turn cannot be told apart.")
    noise = detect_trend(np.random.default_rng(21).standard_normal(60))
    assert noise.high_autocorrelation < 0.01
    assert noise.note == ""


# Calibration. The share of p < 0.05 in 4,000 series has a standard error of 0.35 points.
@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize(("n", "season"), [(24, None), (52, None), (36, 12)])
def test_false_alarms(n, season, rho):
    rng = np.random.default_rng(n)
    months = 0 if season is None else np.tile(rng.standard_normal((4000, season)), n // season)
    table = detect_trends((ar1_series(4000, n, rho, rng) + months).T, season_length=season)
    assert 0.025 < (table["pvalue"] < 0.05).mean() < 0.07


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.8])
@pytest.mark.parametrize(
    ("n", "season"), [(12, None), (18, None), (80, None), (104, None), (24, 12), (60, 12), (104, 7)]
)
def test_false_alarms_at_other_lengths(n, season, rho):
    table = detect_trends(ar1_series(10_000, n, rho, np.random.default_rng(n)).T, season_length=season)
    assert 0.025 < (table["pvalue"] < 0.05).mean() < 0.07


@pytest.mark.parametrize(("n", "rho"), [(24, 0.0), (24, 0.6), (52, 0.3), (104, 0.6)])
def test_the_detectable_slope_is_found_in_about_four_of_five(n, rho):
    rng = np.random.default_rng(22)
    slope = detect_trends(ar1_series(2000, n, rho, rng).T)["detectable_slope"].mean()
    table = detect_trends((ar1_series(2000, n, rho, rng) + slope * np.arange(n)).T)
    assert 0.7 < (table["pvalue"] < 0.05).mean() < 0.9


def test_the_interval_covers():
    rng = np.random.default_rng(23)
    table = detect_trends((ar1_series(4000, 40, 0.4, rng) - 0.03 * np.arange(40)).T, confidence_level=0.9)
    covered = (table["ci_low"] < -0.03) & (table["ci_high"] > -0.03)
    assert covered.mean() == pytest.approx(0.9, abs=0.02)


def test_periods_left_out_of_a_date_index_are_gaps():
    dates = pd.date_range("2025-01-06", periods=52, freq="7D")
    full = pd.Series(0.3 * np.arange(52) + np.random.default_rng(2).normal(size=52), index=dates)
    gone = np.random.default_rng(5).choice(np.arange(1, 51), 15, replace=False)
    gaps = full.copy()
    gaps.iloc[gone] = np.nan
    rows = full.drop(dates[gone])
    assert detect_trend(rows) == detect_trend(gaps)
    assert detect_trend(rows).n_missing == 15
    pd.testing.assert_frame_equal(detect_trends(rows.to_frame("a")), detect_trends(gaps.to_frame("a")))
    assert detect_trend(rows.set_axis(rows.index.to_period("W"))) == detect_trend(gaps)
    with pytest.raises(ValueError, match="in order of time"):
        detect_trend(full.iloc[::-1])


def test_texts_are_no_values():
    with pytest.raises(TypeError, match="values must be numbers, got the text 'a' at position 1"):
        detect_trend([1.0, "a", *range(20)])


@pytest.mark.parametrize("factor", [1e200, 1e-200])
def test_very_large_and_small_values(factor):
    values = 0.3 * np.arange(30) + np.random.default_rng(2).normal(size=30)
    plain, scaled = detect_trend(values), detect_trend(factor * values)
    assert scaled.pvalue == pytest.approx(plain.pvalue)
    assert scaled.slope_per_period / factor == pytest.approx(plain.slope_per_period)
    assert scaled.detectable_slope / factor == pytest.approx(plain.detectable_slope)
