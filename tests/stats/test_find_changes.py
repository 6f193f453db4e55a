"""Dated changes of level where neighbouring values resemble each other."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.autoregression import ar1_series
from bpo_analysis.stats.change_search import first_pvalues
from bpo_analysis.stats.find_changes import ChangesResult, find_changes

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "oracles"
METHOD = "clearest change over all dates, AR(1) errors averaged over the autocorrelation"


def oracle(name):
    path = ORACLES / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"needs the known answers in {ORACLES}")
    return pd.read_csv(path)


def stepped(seed=5, n=52, start=30, size=3.0, rho=0.3):
    return ar1_series(1, n, rho, np.random.default_rng(seed))[0] + size * (np.arange(n) >= start)


def weekly(values):
    return pd.Series(values, index=pd.date_range("2024-01-01", periods=len(values), freq="W-MON"))


# Oracle: R strucchange on datasets::Nile: one break, 1898 the last year of the old level (95 % interval 1895 to 1902),
# means 1097.75 and 849.97.
def test_the_nile_has_one_break():
    nile = oracle("nile")
    result = find_changes(pd.Series(nile["value"].to_numpy(), index=pd.PeriodIndex(nile["time"].astype(str), freq="Y")))
    assert result.positions == (28,)
    assert result.n == 100
    row = result.table.iloc[0]
    assert str(row["label"]) == "1899"
    assert abs(row["label_low"].year - 1 - 1895) <= 2
    assert abs(row["label_high"].year - 1 - 1902) <= 3
    assert row["before"] == pytest.approx(1097.75, abs=0.005)
    assert row["after"] == pytest.approx(849.97, abs=0.005)
    assert row["ci_low"] < 849.97 - 1097.75 < row["ci_high"]
    assert result.pvalue < 1e-4


# Oracle: R datasets::Seatbelts, law from February 1983. Beside the season the change in that month is found and dated.
def test_the_seat_belt_law_is_found_and_dated():
    drivers = oracle("seatbelts")["drivers"]
    series = pd.Series(drivers.to_numpy(), index=pd.date_range("1969-01-01", periods=len(drivers), freq="MS"))
    table = find_changes(series, season_length=12).table.set_index("label")
    law = table.loc[pd.Timestamp("1983-02-01")]
    assert law["shift"] < 0
    assert pd.Timestamp("1982-11-01") <= law["label_low"] <= law["label_high"] <= pd.Timestamp("1983-03-01")


# By hand.
def test_a_step_without_noise_is_exact_and_its_size_has_no_interval():
    result = find_changes([5.0] * 15 + [6.5] * 15)
    assert result.positions == (15,)
    row = result.table.iloc[0]
    assert (row["position_low"], row["position_high"]) == (15, 15)
    assert row[["before", "after", "shift"]].tolist() == pytest.approx([5, 6.5, 1.5])
    assert np.isnan([row["ci_low"], row["ci_high"]]).all()
    assert result.pvalue < 1e-6


def test_a_level_that_is_left_again_is_two_changes():
    result = find_changes([5.0] * 10 + [6.0] * 10 + [5.0] * 10)
    assert result.positions == (10, 20)
    assert result.table["shift"].tolist() == pytest.approx([1, -1])
    assert result.table["before"].tolist() == pytest.approx([5, 6])
    assert result.table["after"].tolist() == pytest.approx([6, 5])


def test_the_levels_are_plain_means():
    values = stepped()
    row = find_changes(values).table.iloc[0]
    place = int(row["position"])
    assert row["before"] == pytest.approx(values[:place].mean())
    assert row["after"] == pytest.approx(values[place:].mean())


# Properties.
def test_shift_and_scale():
    for seed in range(4):
        plain, other = find_changes(stepped(seed)), find_changes(1000 - 60 * stepped(seed))
        assert other.positions == plain.positions
        assert other.pvalue == pytest.approx(plain.pvalue, rel=1e-6)
        assert other.detectable_shift == pytest.approx(60 * plain.detectable_shift)
        places = ["position", "position_low", "position_high", "pvalue"]
        np.testing.assert_allclose(other.table[places], plain.table[places], rtol=1e-6)
        np.testing.assert_allclose(other.table["shift"], -60 * plain.table["shift"], rtol=1e-6)
        np.testing.assert_allclose(other.table["ci_low"], -60 * plain.table["ci_high"], rtol=1e-5)


def test_reversing_time_turns_the_change_round():
    for seed in range(4):
        values = stepped(seed)
        forward, backward = find_changes(values), find_changes(values[::-1])
        assert backward.positions == tuple(len(values) - place for place in reversed(forward.positions))
        # Shocks are clipped in the order in which they came, so that the evidence is not quite the same.
        assert (backward.pvalue < 0.05) == (forward.pvalue < 0.05)
        assert backward.table["shift"].tolist() == pytest.approx((-forward.table["shift"]).tolist()[::-1], rel=1e-6)


def test_dates_and_sizes_are_near_the_truth():
    hits = 0
    for seed in range(10):
        result = find_changes(stepped(seed, n=52, start=36, size=4.0))
        assert len(result.positions) >= 1
        row = result.table.loc[(result.table["position"] - 36).abs().idxmin()]
        assert row["position_low"] <= row["position"] <= row["position_high"]
        hits += abs(row["position"] - 36) <= 1 and row["ci_low"] < 4 < row["ci_high"]
    assert hits >= 8


def test_steps_are_listed_in_order_of_time():
    rng = np.random.default_rng(3)
    values = ar1_series(1, 90, 0.2, rng)[0] + 4.0 * (np.arange(90) >= 30) + 9.0 * (np.arange(90) >= 60)
    result = find_changes(values)
    assert result.positions == (30, 60)
    assert result.pvalue == pytest.approx(result.table["pvalue"].min())
    assert (result.table["shift"] > 0).all()
    # A later change is never clearer than the one it was found beside.
    assert result.table["pvalue"].tolist() == sorted(result.table["pvalue"], reverse=True)
    assert find_changes(values, max_changes=1).positions in {(30,), (60,)}


def test_trend_and_season_are_taken_out():
    values = stepped(n=60, start=36, size=4.0)
    months, trend = np.tile([3.0, -8, 1, 5, 9, -2, 0, 4, 2, -6, 7, -1], 5), 0.7 * np.arange(60)
    plain = find_changes(values, trend=True, season_length=12)
    added = find_changes(values + months + trend, trend=True, season_length=12)
    assert plain.positions == added.positions == (36,)
    assert added.pvalue == pytest.approx(plain.pvalue, rel=1e-6)
    np.testing.assert_allclose(added.table["shift"], plain.table["shift"], rtol=1e-6)
    assert added.method == f"{METHOD}, trend taken out, season of 12 taken out"


def test_a_trend_alone_is_no_change_where_it_is_taken_out():
    rising = ar1_series(1, 52, 0.3, np.random.default_rng(6))[0] + np.linspace(0, 4, 52)
    assert find_changes(rising).pvalue < 0.05
    assert find_changes(rising, trend=True).positions == ()


def test_gaps_stay_in_their_place():
    values = stepped()
    gappy = values.copy()
    gappy[[3, 4, 28, 29, 30, 41]] = np.nan
    result = find_changes(gappy)
    assert (result.n, result.n_missing) == (46, 6)
    row = result.table.iloc[0]
    # The first value of the new level is after the gap, and every date given is one with a value.
    assert result.positions == (31,)
    assert not np.isnan(gappy[[int(row[name]) for name in ("position", "position_low", "position_high")]]).any()
    assert row["before"] == pytest.approx(np.nanmean(gappy[:30]))
    closed = find_changes(gappy[np.isfinite(gappy)])
    assert closed.positions == (26,)
    assert closed.pvalue != result.pvalue


def test_gaps_at_the_ends_only_move_the_positions():
    values = stepped()
    padded, plain = find_changes(np.r_[np.nan, np.nan, values, np.nan]), find_changes(values)
    assert padded.positions == tuple(place + 2 for place in plain.positions)
    assert padded.pvalue == pytest.approx(plain.pvalue)
    assert (padded.n, padded.n_missing) == (52, 3)


def test_dates_are_labels():
    values = stepped()
    plain, dated = find_changes(values), find_changes(weekly(values))
    assert dated.positions == plain.positions
    row = dated.table.iloc[0]
    for name in ("", "_low", "_high"):
        assert row[f"label{name}"] == weekly(values).index[row[f"position{name}"]]
    assert "label" not in plain.table
    months = find_changes(pd.Series(values, index=pd.period_range("2020-01", periods=52, freq="M")))
    assert str(months.table["label"].iloc[0]) == "2022-07"
    assert "at 2022-07 (" in months.summary()
    assert "label" not in find_changes(pd.Series(values)).table


def test_the_interval_of_dates_widens_with_the_level():
    values = stepped(2, size=2.5)
    lengths = []
    for level in (0.8, 0.95, 0.99):
        row = find_changes(values, confidence_level=level, max_changes=1).table.iloc[0]
        assert row["position_low"] <= row["position"] <= row["position_high"]
        lengths.append(row["position_high"] - row["position_low"])
    assert lengths == sorted(lengths)


def test_the_level_decides_what_is_a_change():
    found = set()
    for seed in range(10):
        for level in (0.9, 0.99):
            result = find_changes(stepped(seed, size=1.5), confidence_level=level)
            assert bool(result.positions) == (result.pvalue < 1 - level)
            assert (result.table["pvalue"] < 1 - level).all()
            found.add(bool(result.positions))
    assert found == {True, False}


# Edges.
def test_without_variation_there_is_no_answer():
    seasonal = np.tile([1.0, 5.0, 2.0, 7.0], 8)
    for values, options in (
        ([5.0] * 30, {}),
        (seasonal, {"season_length": 4}),
        (np.arange(30.0), {"trend": True}),
    ):
        result = find_changes(values, **options)
        assert result.positions == ()
        assert np.isnan([result.pvalue, result.detectable_shift, result.autocorrelation]).all()
        assert result.summary() == (
            f"Cannot tell whether the level changed: there is no variation to judge it by (n = {len(values)})."
        )


def test_no_change_has_the_same_table():
    quiet = weekly(ar1_series(1, 52, 0.3, np.random.default_rng(1))[0])
    none, some = find_changes(quiet), find_changes(weekly(stepped()))
    assert none.positions == ()
    assert len(none.table) == 0
    assert none.table.dtypes.astype(str).tolist() == some.table.dtypes.astype(str).tolist()
    assert none.table.columns.tolist() == some.table.columns.tolist()


def test_four_values_are_the_shortest_level():
    values = np.r_[np.zeros(30), np.full(4, 9.0)] + 0.01 * np.random.default_rng(2).standard_normal(34)
    assert find_changes(values).positions == (30,)
    late = np.r_[np.zeros(31), np.full(3, 9.0)] + 0.01 * np.random.default_rng(2).standard_normal(34)
    assert 31 not in find_changes(late).positions


def test_a_date_that_trend_and_season_make_up_themselves_is_left_out():
    """In two cycles a step from the second on is the trend less the season: no data can tell it."""
    rng = np.random.default_rng(0)
    for _ in range(3):
        result = find_changes(ar1_series(1, 24, 0.3, rng)[0], season_length=12, trend=True)
        assert 12 not in result.positions
        assert 3 < result.detectable_shift < 60
        assert 0 < result.autocorrelation < 0.9


def test_types_of_numbers_and_the_input_is_left_alone():
    whole = np.round(10 * stepped()).astype(int)
    expected = find_changes(whole.astype(float))
    series = pd.Series(whole, dtype="Int64")
    kept = series.copy()
    for values in (whole, whole.tolist(), series, pd.Series(whole, dtype="Float64")):
        assert find_changes(values).pvalue == expected.pvalue
    pd.testing.assert_series_equal(series, kept)
    series[3] = pd.NA
    assert find_changes(series).n_missing == 1


def test_a_drift_is_named():
    drift = np.random.default_rng(20).standard_normal(80).cumsum()
    result = find_changes(drift)
    assert result.high_autocorrelation > 0.3
    assert result.summary().endswith("that a change of level and a drift cannot be told apart.")
    assert find_changes(stepped()).note == ""


# Words.
@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        (np.arange(15), {}, "find_changes needs at least 16 values; got 15"),
        ([np.nan] * 30, {}, "at least 16 values; got 0"),
        (np.arange(20), {"season_length": 12}, r"a season of 12 needs at least 24 periods \(two cycles\); got 20"),
        (np.r_[np.arange(20.0), np.full(4, np.nan), 1.0], {"season_length": 12}, "at least 23 values; got 21"),
    ],
)
def test_too_little_data(values, options, match):
    with pytest.raises(InsufficientDataError, match=match):
        find_changes(values, **options)


@pytest.mark.parametrize(
    ("values", "options", "error", "match"),
    [
        (np.ones((20, 2)), {}, ValueError, r"values must be 1-D, got shape \(20, 2\)"),
        ([*range(20), np.inf], {}, ValueError, "finite or NaN, got an infinite value"),
        (range(20), {"confidence_level": 95}, ValueError, r"got 95\. For 95% write 0\.95"),
        (range(20), {"max_changes": 0}, ValueError, "max_changes must be at least 1, got 0"),
        (range(20), {"max_changes": 1.5}, TypeError, r"max_changes must be a whole number, got 1\.5"),
        (range(20), {"max_changes": True}, TypeError, "got True"),
        (range(20), {"season_length": 1}, ValueError, "at least 2 periods, got 1; for no season use None"),
        (range(20), {"season_length": 3.5}, TypeError, "whole number of periods or None"),
        (weekly(np.arange(20.0)).iloc[::-1], {}, ValueError, "in order of time: their index does not increase"),
        (
            pd.Series(np.arange(20.0), index=pd.DatetimeIndex(["2024-01-01"] * 20)),
            {},
            ValueError,
            "one per period, got several at 2024-01-01",
        ),
    ],
)
def test_wrong_arguments(values, options, error, match):
    with pytest.raises(error, match=match):
        find_changes(values, **options)


def test_summary_of_a_change_and_of_none():
    found = find_changes(stepped())
    assert found.summary() == (
        "The level rose by 2.66 (95 % interval 2.06 to 3.25) at position 30 (95 % interval 30 to 31), p < 0.001: mean "
        f"-0.29 before, 2.39 after. (n = 52; {METHOD}.)"
    )
    dated = find_changes(weekly(100 - stepped()), confidence_level=0.9)
    assert "The level fell by 2.66 (90 % interval 2.17 to 3.15) at 2024-07-29 (90 % interval " in dated.summary()
    quiet = find_changes(ar1_series(1, 52, 0.3, np.random.default_rng(1))[0])
    assert quiet.summary() == (
        f"No change of level found (p = {quiet.pvalue:.2g}, n = 52; {METHOD}). A single change of "
        f"{quiet.detectable_shift:.3g} halfway would have been found in four of five such series."
    )


def test_the_result_is_a_row():
    result = find_changes(stepped())
    left_out = {"positions", "table"}
    assert set(result.to_frame().columns) == {field.name for field in fields(ChangesResult)} - left_out
    assert "The level rose" in result._repr_html_()


# Calibration. The share of p < 0.05 in 2,000 series has a standard error of 0.5 points.
@pytest.mark.parametrize(("n", "rho"), [(24, 0.6), (52, 0.0), (52, 0.6)])
def test_false_alarms(n, rho):
    rate = (first_pvalues(ar1_series(2000, n, rho, np.random.default_rng(n))) < 0.05).mean()
    assert 0.02 < rate < 0.075


def test_many_series_at_once_are_as_the_whole_function():
    series = ar1_series(5, 40, 0.4, np.random.default_rng(9))
    assert first_pvalues(series) == pytest.approx([find_changes(row).pvalue for row in series])


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.8])
@pytest.mark.parametrize("n", [16, 24, 52, 104, 156])
def test_false_alarms_at_other_lengths(n, rho):
    rate = (first_pvalues(ar1_series(4000, n, rho, np.random.default_rng(n + 1))) < 0.05).mean()
    assert 0.03 - 0.008 < rate < 0.065 + 0.01


@pytest.mark.slow
def test_the_interval_holds_the_date():
    hits = []
    for seed in range(300):
        table = find_changes(stepped(seed, start=26, size=2.5), max_changes=1).table
        hits += [(table["position_low"] <= 26).any() and (table["position_high"] >= 26).any()] if len(table) else []
    assert len(hits) > 200
    assert np.mean(hits) > 0.93 - 0.035


def test_a_value_far_from_all_others_is_named():
    series = np.random.default_rng(3).normal(80, 1, 40)
    series[17] += 12
    result = find_changes(series)
    assert result.note.startswith("The value at position 17 lies far from all others")
    assert result.positions == ()
    assert "would have been found in four of five" in result.summary()


def test_periods_left_out_of_a_date_index_are_gaps():
    dates = pd.date_range("2025-01-06", periods=52, freq="7D")
    rng = np.random.default_rng(4)
    full = pd.Series(np.r_[rng.normal(80, 1, 30), rng.normal(84, 1, 22)], index=dates)
    gone = [3, 4, 11, 20, 40]
    gaps = full.where(~np.isin(np.arange(52), gone))
    result, expected = find_changes(gaps.dropna()), find_changes(gaps)
    assert result.pvalue == expected.pvalue
    assert result.table["label"].tolist() == expected.table["label"].tolist()
    assert result.positions == tuple(place - 4 for place in expected.positions)
    assert result.n_missing == 5


def test_a_large_change_that_is_taken_back_is_not_denied():
    values = np.random.default_rng(1).normal(size=48)
    values[16:32] += 10
    result = find_changes(values)
    assert result.positions == ()
    assert result.summary().startswith("Cannot tell whether the level changed (p = ")
    assert result.summary().endswith("a change of level and a drift cannot be told apart.")
