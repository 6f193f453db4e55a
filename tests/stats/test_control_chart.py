"""XmR, p and u charts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats import control_chart
from bpo_analysis.stats.autoregression import ar1_series
from bpo_analysis.stats.control_limits import (
    Layout,
    autocorrelation_beside_step,
    calibrated_rules,
    longest_runs,
    moving_range_sigma,
    resemblance,
)

# NIST/SEMATECH e-Handbook 6.3.2.2, flow rates: mean 50.81, mean moving range 1.8778, limits 45.8159 and 55.8041.
FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
# Montgomery, Introduction to Statistical Quality Control, loan costs by week (in R qicharts2, ex_6.5_3, freeze = 20).
LOAN = [310, 288, 297, 298, 307, 303, 294, 297, 308, 306, 294, 299, 297, 299, 314, 295, 293, 306, 301, 304]
LATER_LOAN = [305, 282, 305, 296, 314, 295, 287, 301, 298, 311, 310, 292, 305, 299, 304, 310, 304, 305, 333, 328]
# The same book: orange juice cans that leak, of 50 (R qcc, data orangejuice, trial samples).
JUICE = np.array([12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13])
JUICE = np.r_[JUICE, 9, 6] / 50
# The same book: flaws of circuit boards without samples 6 and 20; errors in 50 shipments a week.
BOARDS = [21, 24, 16, 12, 15, 28, 20, 31, 25, 20, 24, 16, 19, 10, 17, 13, 22, 18, 30, 24, 16, 19, 17, 15]
SHIPMENTS = np.array([2, 3, 8, 1, 1, 4, 1, 4, 5, 1, 8, 2, 4, 3, 4, 1, 8, 3, 7, 4]) / 50
# R: set.seed(123); rnorm(20), as NHSRplotthedots tests with.
NORMAL = [
    -0.56047565, -0.23017749, 1.55870831, 0.07050839, 0.12928774, 1.71506499, 0.46091621, -1.26506123, -0.68685285,
    -0.44566197, 1.22408180, 0.35981383, 0.40077145, 0.11068272, -0.55584113, 1.78691314, 0.49785048, -1.96661716,
    0.70135590, -0.47279141,
]  # fmt: skip
SHIFT = [10, 11, 10, 11, 10, 11, 10, 11, 10, 13, 14, 13, 14, 13, 14, 13, 14, 13]


def textbook(values, **options):
    return control_chart(values, limits="three-sigma", **options)


def limits(chart):
    return chart.center, chart.lower, chart.upper


# Oracles.
def test_xmr_of_the_nist_example():
    chart = textbook(FLOW)
    assert limits(chart) == pytest.approx((50.81, 45.8159, 55.8041), abs=1e-4)
    assert not chart.has_signal


def test_xmr_of_nhs_plot_the_dots():
    # tests/testthat/_snaps/ptd_spc_standard.md; it multiplies by 2.66 where we divide by 1.128.
    assert limits(textbook(NORMAL)) == pytest.approx((0.1416238, -3.01138, 3.294627), abs=1e-3)
    spoilt = [*NORMAL[:14], 10.0, *NORMAL[15:]]
    chart = textbook(spoilt)
    assert (chart.lower, chart.upper) == pytest.approx((-4.596625, 5.935457), abs=1e-3)
    assert chart.outside == (14,)


def test_baseline_of_the_loan_costs():
    # qicharts2 tests/testthat/ex_6.5_3.rds.
    chart = textbook([*LOAN, *LATER_LOAN], baseline=20)
    assert limits(chart) == pytest.approx((300.5, 279.7833147, 321.2166853))
    assert chart.outside == (38, 39)
    assert control_chart([*LOAN, *LATER_LOAN], baseline=20).outside == (38, 39)


def test_p_chart_of_the_orange_juice():
    # qcc issue 29; without the two samples outside, qicharts2 ex_7.1_5.rds.
    chart = textbook(JUICE, sizes=np.full(30, 50), overdispersion=False)
    assert limits(chart) == pytest.approx((0.2313333, 0.05242755, 0.4102391), abs=1e-6)
    assert chart.outside == (14, 22)
    kept = np.delete(JUICE, [14, 22])
    chart = textbook(kept, sizes=np.full(28, 50), overdispersion=False)
    assert limits(chart) == pytest.approx((0.215, 0.04070283995, 0.38929716))


def test_u_charts():
    # qicharts2 ex_7.3_3.rds (a c chart is a u chart with equal exposures) and ex_7.4_1.rds.
    chart = textbook(BOARDS, sizes=np.ones(24), kind="u", overdispersion=False)
    assert limits(chart) == pytest.approx((19.66666667, 6.362531971, 32.97080136))
    chart = textbook(SHIPMENTS, sizes=np.full(20, 50), kind="u", overdispersion=False)
    assert limits(chart) == pytest.approx((0.074, 0.0, 0.1894123044))


# By hand.
def test_laney_is_the_moving_range_of_standardised_values():
    sizes = np.resize([40, 60, 50], 30)
    chart = textbook(JUICE, sizes=sizes)
    center = (JUICE * sizes).sum() / sizes.sum()
    chance = np.sqrt(center * (1 - center) / sizes)
    sigma_z = np.abs(np.diff((JUICE - center) / chance)).mean() / 1.128
    assert chart.center == pytest.approx(center)
    assert chart.sigma_z == pytest.approx(sigma_z)
    assert chart.table["upper"].to_numpy() == pytest.approx(center + 3 * sigma_z * chance)


def test_limits_are_never_narrower_than_chance():
    rates = np.resize([0.5, 0.501, 0.499], 24)
    for how in ("three-sigma", "calibrated"):
        chart = control_chart(rates, sizes=np.full(24, 100), limits=how)
        assert chart.sigma_z == pytest.approx(1.0, rel=1e-6)
        assert chart.false_alarm_rate < 0.05


def test_a_point_far_out_is_outside():
    for how in ("three-sigma", "calibrated"):
        chart = control_chart([*FLOW, *FLOW, 80.0], limits=how)
        assert chart.outside == (20,)
        assert chart.table["outside"].tolist().count(True) == 1


def test_a_shift_is_a_run():
    chart = textbook(SHIFT)
    assert (chart.longest_run, chart.run_limit) == (9, 7)
    assert chart.run == tuple(range(9, 18))
    rng = np.random.default_rng(1)
    chart = control_chart(np.r_[rng.normal(80, 1, 30), rng.normal(84, 1, 22)])
    assert chart.run == tuple(range(30, 52))
    assert chart.runs == (tuple(range(5, 22)), chart.run)
    assert np.flatnonzero(chart.table["in_run"]).tolist() == [*range(5, 22), *range(30, 52)]


def test_a_run_lies_on_one_side_of_the_middle_it_is_counted_around():
    # One far value pulls the mean over most of the run; the run is about the median.
    chart = textbook([1, 2, 1, 2, 1, 2, 1, 2, 1, 5, 6, 5, 6, 5, 6, 5, 6, 90])
    values = chart.table["value"].iloc[list(chart.run)]
    assert (values > chart.middle).all() or (values < chart.middle).all()
    assert chart.middle < chart.center


def test_signals_are_good_or_bad_afterwards():
    chart = textbook([*SHIFT, 30.0])
    assert chart.signals()["meaning"].tolist() == ["change"] * len(chart.signals())
    good, bad = chart.signals(better="higher"), chart.signals(better="lower")
    assert good.iloc[-1].tolist() == ["outside", 18, 18, "above", "improvement"]
    assert bad.iloc[-1]["meaning"] == "concern"
    assert good.iloc[0].tolist() == ["run", 0, 8, "below", "concern"]
    assert textbook(FLOW).signals().empty


def test_gaps_stay_in_place_and_do_not_make_ranges():
    chart = textbook([*FLOW[:5], np.nan, *FLOW[5:]])
    assert (chart.n, chart.n_missing, len(chart.table)) == (10, 1, 11)
    assert chart.sigma == pytest.approx(np.delete(np.abs(np.diff(FLOW)), 4).mean() / 1.128)
    assert chart.table["lower"].notna().all()


def test_limits_stay_inside_the_range_of_the_values():
    assert control_chart([0.99, 1.0, 0.97, 1.0, 0.99, 1.0, 0.98, 1.0], lower_bound=0, upper_bound=1).upper == 1
    assert control_chart([0.99, 1.0, 0.97, 1.0, 0.99, 1.0, 0.98, 1.0], sizes=[90] * 8).upper == 1
    assert control_chart(SHIPMENTS, sizes=[50] * 20, kind="u").lower == 0


def test_steps_of_the_engine():
    sides = np.array([[1, 1, 0, 1, -1, -1, -1], [1, -1, 1, -1, 1, -1, 1]])
    assert longest_runs(sides).tolist() == [3, 1]
    calm = np.resize([0.0, 1.0], (1, 40))
    wild = calm.copy()
    wild[0, 20] = 100.0
    assert moving_range_sigma(calm, clipped=True) == pytest.approx(1 / 1.128)
    assert moving_range_sigma(wild, clipped=False) > 4 * moving_range_sigma(wild, clipped=True)
    assert Layout(((52, 52), (410, 400))).rounded == Layout(((52, 52), (410, 400)))
    assert Layout(((407, 403),)).rounded == Layout(((404, 400),))


def test_a_step_does_not_pass_for_autocorrelation():
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((200, 52))
    stepped = noise + 3 * (np.arange(52) >= 30)
    plain, _ = autocorrelation_beside_step(noise, np.arange(52), [0])
    beside, _ = autocorrelation_beside_step(stepped, np.arange(52), [0])
    assert beside.mean() == pytest.approx(plain.mean(), abs=0.06)


# Phases.
def test_phases_have_limits_of_their_own():
    chart = textbook([*FLOW, *[v + 100 for v in FLOW]], phases=[10])
    assert chart.table["center"].iloc[[0, -1]].tolist() == pytest.approx([50.81, 150.81])
    assert chart.table["phase"].tolist() == [0] * 10 + [1] * 10
    assert not chart.has_signal
    assert "2 phases" in chart.method


def test_phases_by_date_are_those_by_position():
    index = pd.date_range("2026-01-05", periods=20, freq="W-MON")
    values = pd.Series([*FLOW, *[v + 100 for v in FLOW]], index=index)
    # A Wednesday: the first week that begins after it.
    chart = control_chart(values, phases=["2026-03-11"])
    assert chart.table["phase"].tolist() == [0] * 10 + [1] * 10
    assert chart.table["label"].tolist() == index.tolist()
    months = pd.Series(values.to_numpy(), index=pd.period_range("2024-01", periods=20, freq="M"))
    assert control_chart(months, phases=[pd.Timestamp("2024-11-01")]).upper == chart.upper
    named = pd.Series(values.to_numpy(), index=list("abcdefghijklmnopqrst"))
    assert control_chart(named, phases=["k"]).upper == chart.upper


def test_a_short_phase_keeps_the_limits_before_it():
    chart = control_chart([*FLOW, *FLOW, 70.0, 71.0, 70.0], phases=[10, 20])
    assert chart.center == pytest.approx(50.81)
    assert chart.outside == (20, 21, 22)
    assert "The phase from position 20 has 3 points and needs 8" in chart.note


# Properties.
def test_adding_scaling_and_reversing():
    rng = np.random.default_rng(3)
    for n in (12, 24, 40):
        values = rng.normal(size=n)
        chart, moved = control_chart(values), control_chart(7 + 3 * values)
        assert limits(moved) == pytest.approx([7 + 3 * limit for limit in limits(chart)])
        assert (moved.outside, moved.run) == (chart.outside, chart.run)
        assert moved.false_alarm_rate == pytest.approx(chart.false_alarm_rate)
        turned = control_chart(-values)
        assert (turned.lower, turned.upper) == pytest.approx((-chart.upper, -chart.lower))
        backward = textbook(values[::-1])
        assert limits(backward) == pytest.approx(limits(textbook(values)))


def test_equal_sizes_make_equal_limits_of_rates():
    chart = control_chart(JUICE, sizes=[50] * 30)
    assert np.ptp(chart.table["upper"]) == pytest.approx(0.0, abs=1e-12)
    uneven = control_chart(JUICE, sizes=np.resize([30, 70], 30))
    assert uneven.table["upper"].iloc[0] > uneven.table["upper"].iloc[1]


def test_more_autocorrelation_makes_longer_runs_and_textbook_limits_worse():
    rng = np.random.default_rng(4)
    calm, sticky = (ar1_series(1, 60, rho, rng)[0] for rho in (0.0, 0.7))
    assert control_chart(sticky).run_limit > control_chart(calm).run_limit
    assert textbook(sticky).false_alarm_rate > textbook(calm).false_alarm_rate + 0.3
    assert control_chart(sticky).false_alarm_rate == pytest.approx(0.05, abs=0.01)


def test_a_stricter_rate_makes_wider_limits():
    strict, loose = (control_chart(LOAN, false_alarm_rate=rate) for rate in (0.01, 0.2))
    assert strict.upper > loose.upper
    assert strict.false_alarm_rate < loose.false_alarm_rate


def test_input_is_left_alone():
    values = pd.Series(FLOW)
    control_chart(values)
    assert values.tolist() == FLOW


# Edges.
def test_constant_values_have_no_signal():
    for values in ([5.0] * 12, [0.1] * 12):
        chart = control_chart(values)
        assert not chart.has_signal
        assert np.isnan(chart.false_alarm_rate)
        assert chart.note == "The values do not vary, so there is no variation to judge them by."
        assert chart.summary().startswith("Cannot tell: the values do not vary, so there is no variation")
    for rate in (0.0, 0.9, 1.0):
        assert not control_chart([rate] * 12, sizes=[20] * 12).has_signal


def test_a_baseline_without_variation():
    chart = control_chart([5.0] * 10 + [6.0], baseline=10)
    assert chart.outside == (10,)
    assert chart.note.startswith("The baseline does not vary")


def test_few_points_have_no_runs_rule():
    assert "no runs rule" in textbook(FLOW).rules
    assert "a run of more than" in control_chart(LOAN).rules
    assert "only large changes" in control_chart(FLOW).note


def test_sizes_of_nought_are_gaps():
    chart = control_chart([*JUICE, 0.0], sizes=[50] * 30 + [0])
    assert (chart.n, chart.n_missing) == (30, 1)
    assert chart.note == "1 value without a size left out."
    assert np.isnan(chart.table["upper"].iloc[-1])
    assert np.isfinite(chart.upper)


def test_other_types():
    whole = control_chart(pd.Series(LOAN, dtype="Int64"))
    assert limits(whole) == pytest.approx(limits(control_chart(LOAN)))
    gap = pd.Series([*LOAN, pd.NA], dtype="Int64")
    assert control_chart(gap).n_missing == 1


def test_drift_is_named():
    walk = np.random.default_rng(20).standard_normal(80).cumsum()
    chart = control_chart(walk)
    assert chart.high_autocorrelation > 0.3
    assert chart.note.endswith("a stable process and a drift cannot be told apart.")


@pytest.mark.parametrize(
    "values", [[0] * 20 + [1] + [0] * 19, [3] * 40 + [4], [0] * 20 + [1] * 20, [1] * 40 + [0], [0] * 30 + [1] * 10]
)
def test_limits_do_not_collapse_where_many_values_are_equal(values):
    chart = control_chart(values)
    assert chart.outside == ()
    assert chart.lower < min(values)
    assert chart.upper > max(values)
    assert "Many neighbouring values are equal: limits are rough" in chart.note


def test_a_wild_count_is_outside():
    counts = np.random.default_rng(1).poisson(1, 40)
    counts[20] = 30
    assert control_chart(counts).outside == (20,)


def test_a_clear_shift_of_counts_is_a_run():
    rng = np.random.default_rng(2)
    assert control_chart(np.r_[rng.poisson(1, 30), rng.poisson(6, 22)]).has_signal


def test_nothing_can_be_outside_limits_at_the_ends():
    values = np.resize([0.1, 0.9, 0.5, 0.2, 0.7], 20)
    chart = control_chart(values, lower_bound=0, upper_bound=1)
    assert (chart.lower, chart.upper, chart.detectable_deviation) == (0, 1, np.inf)
    assert "No single point would have been seen in four of five: the limits lie at the ends" in chart.summary()


def test_periods_left_out_of_a_date_index_are_gaps():
    dates = pd.date_range("2025-01-06", periods=40, freq="7D")
    values = np.random.default_rng(3).normal(size=40)
    values[30] = 9.0
    kept = np.setdiff1d(np.arange(40), [3, 4, 11, 20])
    chart = control_chart(pd.Series(values, index=dates).iloc[kept], phases=["2025-06-30"])
    full = control_chart(pd.Series(values, index=dates).where(np.isin(np.arange(40), kept)), phases=["2025-06-30"])
    assert limits(chart) == pytest.approx(limits(full))
    assert (chart.n, chart.n_missing, len(chart.table)) == (36, 4, 36)
    assert chart.outside == (26,)
    assert chart.table["label"][26] == dates[30]
    assert chart.table["phase"].tolist() == full.table["phase"].iloc[kept].tolist()


@pytest.mark.parametrize(
    ("start", "match"),
    [
        ("foo", r"each of phases must be a position \(int\) or a date, got 'foo'"),
        (12.5, r"each of phases must be a position \(int\) or a date, got 12.5"),
        (pd.Timestamp("2025-03-01", tz="UTC"), "each of phases must be without a time zone"),
    ],
)
def test_phases_that_are_no_dates(start, match):
    series = pd.Series(np.resize([1.0, 3.0, 2.0, 5.0], 30), index=pd.date_range("2025-01-06", periods=30, freq="7D"))
    with pytest.raises(ValueError, match=match):
        control_chart(series, phases=[start])


def test_phases_of_dates_with_a_time_zone():
    dates = pd.date_range("2025-01-06", periods=30, freq="7D", tz="Europe/Berlin")
    chart = control_chart(pd.Series(np.resize([1.0, 3.0, 2.0, 5.0], 30), index=dates), phases=["2025-04-07"])
    assert chart.table["phase"].tolist() == [0] * 13 + [1] * 17


# Words.
def test_too_few_points():
    with pytest.raises(InsufficientDataError, match="control_chart needs at least 8 points; got 7"):
        control_chart([1.0] * 7 + [np.nan])
    with pytest.raises(InsufficientDataError, match="at least 4 pairs of neighbouring points; got 0"):
        control_chart([1.0, np.nan] * 8)
    with pytest.raises(InsufficientDataError, match="baseline needs at least 8 points; got 5"):
        control_chart(FLOW, baseline=5)
    with pytest.raises(InsufficientDataError, match="first phase needs at least 8 points; got 2"):
        control_chart(FLOW, phases=[2])


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"kind": "c"}, ValueError, "kind must be one of 'auto', 'xmr', 'p', 'u', got 'c'"),
        ({"kind": "p"}, ValueError, "A p chart needs sizes"),
        ({"sizes": [9] * 10, "kind": "xmr"}, ValueError, "takes no sizes; for shares use kind='p'"),
        ({"sizes": [9] * 10}, ValueError, "shares between 0 and 1, got 53.6. For counts give values / sizes"),
        ({"sizes": [9] * 3}, ValueError, r"as many as values \(10\), got shape \(3,\)"),
        ({"sizes": [-1] * 10, "kind": "u"}, ValueError, "finite and not negative"),
        ({"limits": "2 sigma"}, ValueError, "limits must be 'calibrated' or 'three-sigma', got '2 sigma'"),
        ({"false_alarm_rate": 5}, ValueError, "between 0.001 and 0.2, got 5. For 5% write 0.05"),
        ({"overdispersion": False}, ValueError, "overdispersion=False is for p and u charts"),
        ({"phases": [8], "baseline": 8}, ValueError, "phases or a baseline, not both"),
        ({"phases": [0]}, ValueError, "after the first of the 10 periods and within them, got 0"),
        ({"phases": ["March"]}, TypeError, "must be positions where values have no labels, got 'March'"),
        ({"baseline": 11}, ValueError, r"between 1 and the number of periods \(10\), got 11"),
        ({"lower_bound": 60, "upper_bound": 40}, ValueError, "lower_bound must be below upper_bound, got 60 and 40"),
        ({"lower_bound": 48}, ValueError, "got 47.6 at position 1 with lower_bound=48"),
        ({"upper_bound": 53}, ValueError, "got 53.6 at position 8 with upper_bound=53"),
        ({"baseline": True}, TypeError, "whole number of periods or None, got True"),
    ],
)
def test_wrong_arguments(options, error, match):
    with pytest.raises(error, match=match):
        control_chart(FLOW, **options)


def test_wrong_values():
    with pytest.raises(ValueError, match=r"must be 1-D, got shape \(2, 8\)"):
        control_chart(np.ones((2, 8)))
    with pytest.raises(TypeError, match="values must be numbers, got the text '7' at position 10"):
        control_chart([*FLOW, "7"])
    with pytest.raises(TypeError, match="sizes must be numbers, got the text 'x' at position 0"):
        control_chart(SHIPMENTS, sizes=["x"] * 20)
    with pytest.raises(ValueError, match="finite or NaN, got an infinite value"):
        control_chart([*FLOW, np.inf])
    dates = pd.to_datetime(["2026-01-02", "2026-01-01"] * 5)
    with pytest.raises(ValueError, match="in order of time"):
        control_chart(pd.Series(FLOW, index=dates))
    with pytest.raises(ValueError, match="must have the same index"):
        control_chart(pd.Series(JUICE), sizes=pd.Series([50] * 30, index=range(1, 31)))
    with pytest.raises(ValueError, match="better must be one of 'higher', 'lower', 'none', got 'up'"):
        control_chart(FLOW).signals(better="up")


def test_summary_of_no_signal_and_of_some():
    chart = textbook(LOAN)
    assert chart.summary() == (
        "No signal in 20 points (centre 300.5, limits 279.8 to 321.2; XmR chart, three-sigma limits, run by Anhoej). "
        f"In a stable process {100 * chart.false_alarm_rate:.0f} % of such charts show a signal (autocorrelation "
        f"{chart.autocorrelation:.2f}). A single point {chart.detectable_deviation:.3g} off would have been seen in "
        "four of five."
    )
    chart = control_chart([*LOAN, *LATER_LOAN], baseline=20)
    assert chart.summary().startswith(
        f"2 of 40 points outside the limits (centre 300.5, limits {chart.lower:.4g} to {chart.upper:.4g}; XmR chart, "
        "limits for this length and autocorrelation, learnt from the first 20 periods). In a stable process 5 % of "
        "such charts show a signal (autocorrelation"
    )
    assert "run of 9 points on one side of the middle (and 1 more) (at most 7 expected)" in textbook(SHIFT).summary()


# Calibration. The share of signals in 400 charts has a standard error of 1.1 points.
def alarms(series, **options):
    return np.mean([control_chart(row, **options).has_signal for row in series])


@pytest.mark.parametrize("mean", [0.5, 1.0, 2.0, 5.0])
def test_false_alarms_of_counts(mean):
    counts = np.random.default_rng(3).poisson(mean, (300, 40))
    assert alarms(counts) < 0.06
    assert alarms(counts, sizes=np.ones(40), kind="u") < 0.085


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.97])
def test_false_alarms_of_few_events(rate):
    shares = np.random.default_rng(4).binomial(100, rate, (300, 40)) / 100
    assert alarms(shares, sizes=[100] * 40) < 0.085


@pytest.mark.parametrize(("n", "rho"), [(24, 0.0), (24, 0.6), (52, 0.3)])
def test_false_alarms(n, rho):
    assert 0.02 < alarms(ar1_series(400, n, rho, np.random.default_rng(n))) < 0.085


def test_the_engine_states_its_rate():
    layout = Layout(((36, 36),))
    for estimate in (-0.1, 0.3, 0.6):
        rules = calibrated_rules(layout, resemblance(layout, estimate), 0.05)
        assert rules.false_alarm_rate == pytest.approx(0.05, abs=0.008)


@pytest.mark.parametrize(("rho", "stated"), [(0.0, 0.07), (0.3, 0.27)])
def test_false_alarms_of_the_textbook(rho, stated):
    series = ar1_series(400, 26, rho, np.random.default_rng(7))
    assert alarms(series, limits="three-sigma") == pytest.approx(stated, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.8])
@pytest.mark.parametrize(
    ("n", "options"), [(12, {}), (24, {}), (36, {}), (104, {}), (52, {"phases": [26]}), (52, {"baseline": 24})]
)
def test_false_alarms_at_other_lengths(n, options, rho):
    # With 12 points the autocorrelation is nearly a guess, and the limits are a little too wide.
    low = 0.02 if n == 12 else 0.03
    assert low < alarms(ar1_series(3000, n, rho, np.random.default_rng(n)), **options) < 0.065


@pytest.mark.slow
@pytest.mark.parametrize(("spread", "rho"), [(0.02, 0.0), (0.03, 0.3), (0.03, 0.6)])
def test_false_alarms_of_rates_that_truly_vary(spread, rho):
    rng = np.random.default_rng(9)
    sizes = rng.integers(400, 1201, (2000, 52))
    rates = rng.binomial(sizes, 0.7 + spread * ar1_series(2000, 52, rho, rng)) / sizes
    hits = [control_chart(row, sizes=size).has_signal for row, size in zip(rates, sizes, strict=True)]
    # Cautious, because limits are never narrower than the chance of the cases counted.
    assert 0.02 < np.mean(hits) < 0.07


def test_the_detectable_deviation_is_seen_in_about_four_of_five():
    rng = np.random.default_rng(5)
    seen = []
    for row in ar1_series(150, 36, 0.3, rng):
        place = rng.integers(36)
        size = control_chart(row).detectable_deviation
        seen.append(place in control_chart(row + size * (np.arange(36) == place)).outside)
    assert 0.7 < np.mean(seen) < 0.93
