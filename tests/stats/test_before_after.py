"""Change of level of one series at a known date."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.autoregression import ar1_series, coefficient_test
from bpo_analysis.stats.before_after import BeforeAfterResult, before_after

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "oracles"
TWO_SIDED = ["estimate", "ci_low", "ci_high", "detectable_effect"]


def oracle(name):
    path = ORACLES / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"needs the known answers in {ORACLES}")
    return pd.read_csv(path)


def weeks(seed=3, before=26, after=8, effect=4.0, rho=0.3, sd=2.0):
    """Weekly values around 80, with a step."""
    noise = sd * ar1_series(1, before + after, rho, np.random.default_rng(seed))[0]
    return 80 + noise + effect * (np.arange(before + after) >= before)


def dated(values, first="2024-01-01"):
    return pd.Series(values, index=pd.date_range(first, periods=len(values), freq="W-MON"))


def same(result, other):
    return repr(result) == repr(other)


def numbers(result):
    return [getattr(result, name) for name in [*TWO_SIDED, "pvalue"]]


# Oracle: R datasets::Nile with strucchange's break after 1898: means 1097.75 and 849.97.
def test_the_nile_before_and_after_1898():
    result = before_after(oracle("nile")["value"].to_numpy(), 28)
    assert result.before == pytest.approx(1097.75, abs=0.005)
    assert result.after == pytest.approx(849.97, abs=0.005)
    assert result.ci_low < 849.97 - 1097.75 < result.ci_high
    assert result.pvalue < 1e-4
    assert (result.n_before, result.n_after) == (28, 72)


# Oracle: R datasets::Seatbelts, drivers killed or seriously injured, law from February 1983: 1717.8 a month before and
# 1321.7 after. Trend and season are in it: the 23 % between the means are not the effect of the law.
def test_the_seat_belt_law_did_less_than_the_means_say():
    drivers = oracle("seatbelts")["drivers"]
    series = pd.Series(drivers.to_numpy(), index=pd.date_range("1969-01-01", periods=len(drivers), freq="MS"))
    naive = before_after(series, "1983-02", season_length=12)
    assert naive.before == pytest.approx(1717.8, abs=0.05)
    assert naive.after == pytest.approx(1321.7, abs=0.05)
    assert any("already moving" in warning for warning in naive.warnings)
    result = before_after(series, "1983-02", season_length=12, trend=True)
    assert (result.before, result.after) == (naive.before, naive.after)
    assert naive.after - naive.before < result.estimate < 0
    assert naive.after - naive.before < result.ci_low < result.ci_high < 0
    assert not any("already moving" in warning for warning in result.warnings)


def test_by_hand_without_noise_the_change_is_exact_and_nothing_is_claimed():
    result = before_after([80.0] * 10 + [84.0] * 4, 10)
    assert result.estimate == pytest.approx(4)
    assert (result.before, result.after) == (80, 84)
    assert np.isnan([result.pvalue, result.ci_low, result.ci_high, result.detectable_effect]).all()


def test_by_hand_the_control_takes_out_what_is_shared():
    shared = np.tile([1.0, 4.0, 2.0, 6.0, 3.0], 4)
    step = 5.0 * (np.arange(20) >= 12)
    result = before_after(70 + shared + step, 12, control=shared)
    assert result.estimate == pytest.approx(5)
    assert result.before == pytest.approx(70 + shared[:12].mean())
    assert result.control_before == pytest.approx(shared[:12].mean())
    assert result.control_after == pytest.approx(shared[12:].mean())


def test_by_hand_the_spell_before_the_start():
    values = np.r_[np.tile([9.0, 11.0], 6), [8.0, 7.0, 8.0, 7.0], np.tile([10.0, 12.0], 4)]
    result = before_after(values, 16)
    rho = max(result.autocorrelation, 0)
    # Variance of a mean of four: (4 + 2 (3 rho + 2 rho^2 + rho^3)) / 16 of one value's.
    share = (4 + 2 * (3 * rho + 2 * rho**2 + rho**3)) / 16
    assert result.spell == pytest.approx((7.5 - 10) / (np.tile([9.0, 11.0], 6).std(ddof=1) * np.sqrt(share)))


def test_is_the_regression_on_a_step():
    values = weeks()
    design = np.column_stack([np.ones(34), np.arange(34) >= 26])
    expected = coefficient_test(values[None, :], design.astype(float), 1)
    result = before_after(values, 26)
    assert numbers(result) == [
        float(getattr(expected, f)[0]) for f in ("estimate", "ci_low", "ci_high", "detectable", "pvalue")
    ]
    assert result.autocorrelation == expected.autocorrelation[0]


def test_shift_and_scale():
    for seed in range(6):
        values = weeks(seed)
        plain, other = before_after(values, 26), before_after(1000 - 60 * values, 26)
        assert other.pvalue == pytest.approx(plain.pvalue)
        assert other.estimate == pytest.approx(-60 * plain.estimate)
        assert (other.ci_low, other.ci_high) == pytest.approx((-60 * plain.ci_high, -60 * plain.ci_low))
        assert other.detectable_effect == pytest.approx(60 * plain.detectable_effect)
        assert other.spell == pytest.approx(-plain.spell)
        assert len(other.warnings) == len(plain.warnings)


def test_interval_leaves_out_nought_where_the_level_is_significant():
    found = set()
    for seed in range(30):
        values = weeks(seed, effect=1.5)
        for alternative in ("two-sided", "less", "greater"):
            for confidence_level in (0.9, 0.95, 0.99):
                result = before_after(values, 26, alternative=alternative, confidence_level=confidence_level)
                outside = not result.ci_low <= 0 <= result.ci_high
                assert outside == (result.pvalue < 1 - confidence_level)
                found.add(outside)
    assert found == {True, False}


def test_alternatives_share_the_evidence():
    values = weeks(8, effect=1.0)
    two, less, greater = (before_after(values, 26, alternative=a) for a in ("two-sided", "less", "greater"))
    assert less.pvalue + greater.pvalue == pytest.approx(1)
    assert two.pvalue == pytest.approx(2 * min(less.pvalue, greater.pvalue))
    assert less.ci_low == -np.inf
    assert greater.ci_high == np.inf


def test_what_values_and_control_share_changes_nothing():
    values, control = weeks(5), weeks(6, effect=0)
    shared = np.cumsum(np.random.default_rng(7).normal(size=34))
    alone = before_after(values, 26, control=control)
    assert numbers(before_after(values + shared, 26, control=control + shared)) == pytest.approx(numbers(alone))
    assert numbers(before_after(values, 26, control=np.zeros(34))) == pytest.approx(numbers(before_after(values, 26)))


def test_trend_and_season_are_taken_out():
    values = weeks(9, before=36, after=12)
    season, trend = np.tile([3.0, -8, 1, 5, 9, -2, 0, 4, 2, -6, 7, -1], 4), 0.7 * np.arange(48)
    plain = before_after(values, 36, season_length=12, trend=True)
    added = before_after(values + season + trend, 36, season_length=12, trend=True)
    assert numbers(added) == pytest.approx(numbers(plain))
    assert added.spell == pytest.approx(plain.spell)
    assert added.method.endswith("trend taken out, season of 12 taken out")


def test_periods_without_a_value_at_the_ends_change_nothing():
    values = weeks(10)
    padded = np.r_[[np.nan] * 3, values, [np.nan] * 2]
    result = before_after(padded, 29)
    assert numbers(result) == pytest.approx(numbers(before_after(values, 26)))
    assert (result.n_before, result.n_after, result.n_missing) == (26, 8, 5)


def test_gaps_stay_in_their_place():
    values = weeks(11, rho=0.7)
    values[[4, 5, 13, 30]] = np.nan
    result = before_after(values, 26)
    assert (result.n_before, result.n_after, result.n_missing) == (23, 7, 4)
    assert result.before == pytest.approx(np.nanmean(values[:26]))
    closed_up = before_after(values[~np.isnan(values)], 23)
    assert result.pvalue != closed_up.pvalue
    assert result.estimate == pytest.approx(closed_up.estimate, abs=0.5)


def test_start_as_position_text_date_and_timestamp():
    series = dated(weeks())
    expected = before_after(series.to_numpy(), 26)
    monday = series.index[26]
    for start in (
        26,
        np.int64(26),
        f"{monday:%Y-%m-%d}",
        monday.date(),
        monday,
        monday.to_pydatetime(),
        monday - pd.Timedelta("2D"),
    ):
        assert same(before_after(series, start), expected)
    assert same(before_after(series.tz_localize("Europe/Warsaw"), f"{monday:%Y-%m-%d}"), expected)
    assert same(before_after(series.set_axis([stamp.date() for stamp in series.index]), monday.date()), expected)
    assert same(before_after(series.set_axis([f"week {i}" for i in range(34)]), "week 26"), expected)


def test_start_among_months_and_numbers():
    series = pd.Series(weeks(), index=pd.period_range("2022-01", periods=34, freq="M"))
    expected = before_after(series.to_numpy(), 26)
    for start in ("2024-03", "2024-03-15", pd.Period("2024-03", "M"), dt.date(2024, 3, 9), 26):
        assert same(before_after(series, start), expected)
    # Labels that are numbers are not looked up: a number is always a position.
    assert same(before_after(series.set_axis(range(100, 134)), 26), expected)
    assert same(before_after(series.reset_index(drop=True), 26), expected)


def test_control_is_matched_by_its_index():
    series, control = dated(weeks()), dated(weeks(4, effect=0))
    expected = before_after(series, 26, control=control)
    assert same(before_after(series, 26, control=control.iloc[::-1]), expected)
    longer = pd.concat([dated([1.0, 2.0], "2023-12-18"), control])
    assert same(before_after(series, 26, control=longer), expected)
    assert same(before_after(series, 26, control=control.to_numpy()), expected)


def test_periods_without_control_are_missing():
    series, control = dated(weeks()), dated(weeks(4, effect=0))
    gappy = control.drop(control.index[[2, 28]])
    result = before_after(series, 26, control=gappy)
    assert (result.n_before, result.n_after, result.n_missing) == (25, 7, 2)
    assert result.after == pytest.approx(series.iloc[26:].drop(control.index[28]).mean())
    assert result.control_before == pytest.approx(gappy.iloc[:25].mean())


def test_a_bad_spell_before_the_start_is_warned_of():
    usual = weeks(12, effect=0)
    spell = usual.copy()
    spell[22:26] -= 5
    planted = before_after(spell + 4 * (np.arange(34) >= 26), 26)
    assert planted.spell < -1
    assert any("unusually low" in warning and "rise" in warning for warning in planted.warnings)
    mirrored = before_after(-spell - 4 * (np.arange(34) >= 26), 26)
    assert any("unusually high" in warning and "fall" in warning for warning in mirrored.warnings)


def test_a_bad_spell_that_is_no_excuse_is_not_warned_of():
    spell = weeks(12, effect=0)
    spell[22:26] -= 5
    fell = before_after(spell - 6 * (np.arange(34) >= 26), 26)
    assert fell.spell < -1
    assert fell.estimate < 0
    usual = before_after(weeks(14), 26)
    assert abs(usual.spell) < 1
    for result in (fell, usual):
        assert not any("regression to the mean" in warning for warning in result.warnings)


def test_a_season_is_no_spell():
    season = np.tile([0.0] * 8 + [-9.0] * 4, 4)
    values = weeks(15, before=36, after=12) + season
    assert before_after(values, 36).spell < -1.5
    assert abs(before_after(values, 36, season_length=12).spell) < 1


def test_a_trend_before_the_start_is_warned_of_unless_taken_out():
    rising = weeks(16, effect=0) + 0.4 * np.arange(34)
    warned, adjusted = before_after(rising, 26), before_after(rising, 26, trend=True)
    assert warned.estimate > 3 > abs(adjusted.estimate)
    assert any("already moving" in warning for warning in warned.warnings)
    assert not any("already moving" in warning for warning in adjusted.warnings)
    with_control = before_after(rising, 26, control=weeks(17, effect=0) + 0.4 * np.arange(34))
    assert not any("already moving" in warning for warning in with_control.warnings)


def test_a_drift_is_warned_of():
    drift = np.cumsum(np.random.default_rng(18).normal(size=60))
    result = before_after(drift, 52)
    assert result.high_autocorrelation > 0.3
    assert any("cannot be told apart" in warning for warning in result.warnings)
    assert not any("told apart" in warning for warning in before_after(weeks(3, before=52), 52).warnings)


def test_a_value_far_from_all_others_is_named():
    spoilt = weeks(3)
    spoilt[17] += 40
    named = [warning for warning in before_after(spoilt, 26).warnings if "position 17 lies far" in warning]
    assert len(named) == 1
    gappy = np.r_[np.nan, spoilt]
    assert any("position 18 lies far" in warning for warning in before_after(gappy, 27).warnings)
    for seed in range(20):
        assert not any("lies far" in warning for warning in before_after(weeks(seed), 26).warnings)


def test_a_step_that_season_and_trend_make_up_themselves_is_refused():
    values = weeks(before=12, after=12)
    with pytest.raises(InsufficientDataError, match="with a trend and a season of 12 needs at least 1 phase"):
        before_after(values, 12, season_length=12, trend=True)
    assert np.isfinite(before_after(values, 12, season_length=12).pvalue)
    # Half of the year is only known from after the start.
    gappy = weeks(before=30, after=6)
    gappy[[*range(6, 12), *range(18, 24)]] = np.nan
    gappy[30:] = weeks(8)[:6]
    with pytest.raises(InsufficientDataError, match="season of 12 needs at least 1 phase of the season"):
        before_after(gappy, 30, season_length=12)


def test_pandas_integers_and_lists_and_the_input_is_left_alone():
    values = np.round(weeks()).astype(int)
    expected = before_after(values.astype(float), 26)
    assert same(before_after(values.tolist(), 26), expected)
    series = pd.Series(values, dtype="Int64")
    series_before = series.copy()
    assert same(before_after(series, 26), expected)
    pd.testing.assert_series_equal(series, series_before)
    series[3] = pd.NA
    assert before_after(series, 26).n_missing == 1


def test_constant_series():
    result = before_after([5.0] * 20, 12)
    assert result.estimate == pytest.approx(0, abs=1e-12)
    assert np.isnan(result.pvalue)
    assert result.warnings == ()
    assert np.isnan(result.control_before)


def test_too_few_values():
    with pytest.raises(InsufficientDataError, match="at least 8 values before the start; got 7"):
        before_after(weeks(), 7)
    with pytest.raises(InsufficientDataError, match="at least 2 values from the start; got 1"):
        before_after(weeks(), 33)
    with pytest.raises(InsufficientDataError, match="at least 8 values before the start; got 0"):
        before_after([np.nan] * 20, 10)
    with pytest.raises(InsufficientDataError, match=r"at least 11 values; got 10"):
        before_after(weeks(before=8, after=2), 8, trend=True)
    with pytest.raises(InsufficientDataError, match=r"at least 24 periods \(two cycles\); got 20"):
        before_after(weeks(before=16, after=4), 16, season_length=12)
    assert before_after(weeks(before=8, after=2), 8).n_after == 2


def test_wrong_arguments():
    values, series = weeks(), dated(weeks())
    with pytest.raises(ValueError, match=r"values must be 1-D, got shape \(2, 17\)"):
        before_after(values.reshape(2, 17), 9)
    with pytest.raises(ValueError, match="finite or NaN, got an infinite value"):
        before_after(np.r_[values, np.inf], 26)
    with pytest.raises(ValueError, match=r"between 0 and 1, got 95\. For 95% write 0.95"):
        before_after(values, 26, confidence_level=95)
    with pytest.raises(ValueError, match="alternative must be one of 'two-sided', 'less', 'greater', got 'up'"):
        before_after(values, 26, alternative="up")
    with pytest.raises(TypeError, match=r"start must be a position .* no index of dates, got '2024-07-01'"):
        before_after(values, "2024-07-01")
    with pytest.raises(TypeError, match=r"start must be a position .* got True"):
        before_after(values, True)
    with pytest.raises(ValueError, match=r"inside the series of 34 periods, got 34 \(position 34\)"):
        before_after(values, 34)
    with pytest.raises(ValueError, match=r"inside the series of 34 periods, got '2023-07-01' \(position 0\)"):
        before_after(series, "2023-07-01")
    with pytest.raises(ValueError, match=r"a position \(int\) or a date, got 'after Easter'"):
        before_after(series, "after Easter")
    with pytest.raises(ValueError, match=r"a position \(int\) or a label of values, got 'week 90'"):
        before_after(series.set_axis([f"week {i}" for i in range(34)]), "week 90")
    for start in ("2024-07-01", 26):
        with pytest.raises(ValueError, match="in order of time: their index does not increase"):
            before_after(series.iloc[::-1], start)
    twice = series.set_axis([*series.index[:33], series.index[32]])
    with pytest.raises(ValueError, match="must be one per period, got several at 2024-08-12"):
        before_after(twice, 26)
    for nothing in (None, pd.NaT, float("nan"), 26.0, ""):
        with pytest.raises(ValueError, match=r"a position \(int\) or a date, got"):
            before_after(series, nothing)
    with pytest.raises(ValueError, match="without a time zone, as the dates of values are"):
        before_after(series, pd.Timestamp("2024-07-01", tz="UTC"))
    years = pd.Series(weeks(), index=range(1990, 2024))
    with pytest.raises(ValueError, match="Numbers are positions, not labels; this label is at position 26"):
        before_after(years, 2016)
    with pytest.raises(TypeError, match="season_length must be a whole number"):
        before_after(values, 26, season_length=6.5)
    with pytest.raises(ValueError, match="season_length must be at least 2 periods, got 1"):
        before_after(values, 26, season_length=1)


def test_wrong_controls():
    values, series = weeks(), dated(weeks())
    with pytest.raises(ValueError, match=r"control must have the shape of values, \(34,\), got \(33,\)"):
        before_after(values, 26, control=values[1:])
    with pytest.raises(ValueError, match="control has no value at any label of values"):
        before_after(series, 26, control=series.shift(freq="1D"))
    with pytest.raises(ValueError, match="control has no value at any label of values"):
        before_after(series, 26, control=series.reset_index(drop=True))
    with pytest.raises(ValueError, match="matched by their index, which has repeated labels"):
        before_after(series, 26, control=pd.concat([series, series]))


# Snapshots: the numbers were checked against the fields, the words are the point.
def test_summary_of_a_change():
    assert before_after(weeks(14), 26).summary() == (
        "The level rose: +3.57, 95 % interval 0.792 to 6.53, p = 0.016; mean 80.1 before and 83.6 after (n = 26 before "
        "and 8 after; step with AR(1) errors, averaged over the autocorrelation)."
    )


def test_summary_without_a_change_says_what_would_have_been_found():
    assert before_after(weeks(4, effect=0), 26, alternative="greater").summary() == (
        "No rise found: -1.08, 95 % interval -2.21 or more, p = 0.94; mean 79.8 before and 78.8 after (n = 26 before "
        "and 8 after; step with AR(1) errors, averaged over the autocorrelation). A rise of 1.73 would have been found "
        "in four of five such series."
    )


def test_summary_with_control_and_warnings():
    values = weeks(12, effect=5) * 100
    values[22:26] -= 500
    assert before_after(values, 26, control=100 * weeks(13, effect=0)).summary() == (
        "The level rose: +959 against the control, 95 % interval 266 to 1,896, p = 0.0054; mean 7,950 before and 8,387 "
        "after, of the control 8,105 and 8,003 (n = 26 before and 8 after; step with AR(1) errors, averaged over the "
        "autocorrelation, difference to a control). The last 4 values before the start were unusually low; if that was "
        "the reason to start, part of a rise would have come by itself (regression to the mean), and a comparison with "
        "these values alone would show too much."
    )


def test_summary_where_it_cannot_tell():
    assert before_after([80.0] * 10 + [84.0] * 4, 10).summary() == (
        "Cannot tell whether the level changed: there is no variation to judge it by (mean 80 before and 84 after; n = "
        "10 before and 4 after; step with AR(1) errors, averaged over the autocorrelation)."
    )


def test_summary_never_says_that_there_is_none():
    for seed in range(10):
        for alternative in ("two-sided", "less", "greater"):
            text = before_after(weeks(seed, effect=0), 26, alternative=alternative).summary()
            assert "no effect" not in text.lower()
            assert "no difference" not in text.lower()
            assert "inf" not in text
            assert "nan" not in text


def test_the_result_is_a_row():
    result = before_after(weeks(), 26)
    frame = result.to_frame()
    assert frame.loc[0, "estimate"] == result.estimate
    assert {field.name for field in fields(BeforeAfterResult)} - set(frame.columns) == {"warnings"}
    assert "The level rose" in result._repr_html_()


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.8])
def test_series_without_a_change_are_called_at_the_nominal_rate(rho):
    noise = ar1_series(2000, 34, rho, np.random.default_rng(20))
    design = np.column_stack([np.ones(34), np.arange(34) >= 26]).astype(float)
    rate = (coefficient_test(noise, design, 1).pvalue < 0.05).mean()
    # Three standard errors of 2,000 runs around the bar of 3 to 6.5 %.
    assert 0.03 - 0.011 < rate < 0.065 + 0.0165


def test_the_detectable_effect_is_found_in_four_of_five_series():
    noise = ar1_series(1500, 60, 0.3, np.random.default_rng(21))
    step = (np.arange(60) >= 52).astype(float)
    design = np.column_stack([np.ones(60), step])
    size = np.median(coefficient_test(noise, design, 1).detectable)
    assert 0.75 < (coefficient_test(noise + size * step, design, 1).pvalue < 0.05).mean() < 0.85


# Measured elsewhere: comparing with the last weeks alone turns such a start into 19 % of false alarms.
def test_a_start_after_a_bad_spell_raises_no_false_alarms():
    noise = ar1_series(12_000, 34, 0.3, np.random.default_rng(22))
    bad = noise[:, 22:26].mean(axis=1)
    started = noise[bad < -bad.std()]
    design = np.column_stack([np.ones(34), np.arange(34) >= 26]).astype(float)
    rate = (coefficient_test(started, design, 1).pvalue < 0.05).mean()
    assert len(started) > 1500
    assert 0.02 < rate < 0.065


def test_texts_are_no_values():
    with pytest.raises(TypeError, match="values must be numbers, got the text 'a' at position 0"):
        before_after(["a"] * 30, 20)
    with pytest.raises(TypeError, match="control must be numbers, got the text 'a' at position 0"):
        before_after(np.arange(30.0), 20, control=["a"] * 30)
