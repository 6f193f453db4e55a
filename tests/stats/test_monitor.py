"""Looks at a pilot while it runs."""

from __future__ import annotations

from math import inf

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.stats.compare_arms import compare_arms
from bpo_analysis.stats.monitor import monitor

RPACT = {"planned_information": 200, "planned_looks": 3, "alternative": "greater", "confidence_level": 0.975}


def looks(estimates, information, **columns):
    return pd.DataFrame({"estimate": estimates, "se": 1 / np.sqrt(np.asarray(information, float)), **columns})


# R rpact 3.3.4: getDesignGroupSequential(alpha = .025, typeOfDesign = "asOF", informationRates = c(.25, .6, 1)) and
# getAnalysisResults of getDataset(n = c(50, 70, 80), means = c(.05, .1, .28), stDevs = c(1, 1, 1)), normal.
def test_end_of_a_pilot_as_in_rpact():
    result = monitor(looks([0.05, 0.0791666667, 0.1595], [50, 120, 200]), **RPACT)
    assert result.table["boundary"].tolist() == pytest.approx([4.3326336, 2.6688688, 1.9809763], abs=1e-6)
    assert result.stop == 3
    assert result.pvalue == pytest.approx(0.0138512858, abs=2e-6)
    assert result.estimate == pytest.approx(0.157770469, abs=2e-6)
    assert result.ci_low == pytest.approx(0.0174751951, abs=5e-6)
    assert result.repeated_ci_low == pytest.approx(0.0194206683, abs=5e-6)


# The same with means .3, .35: stopped at the second look, z = 3.61996863 there.
def test_early_stop_as_in_rpact():
    result = monitor(looks([2.12132034 / np.sqrt(50), 3.61996863 / np.sqrt(120)], [50, 120]), **RPACT)
    assert result.stop == 2
    assert result.is_final
    assert result.pvalue == pytest.approx(0.000153305042, rel=1e-5)


# The same with means .05, .1: z = 0.870625368 at the second look, goes on; repeated p-value .327544557.
def test_repeated_pvalue_as_in_rpact():
    result = monitor(looks([0.05, 0.870625368 / np.sqrt(120)], [50, 120]), **RPACT)
    assert result.stop is None
    assert not result.is_final
    assert result.pvalue == pytest.approx(0.327544557, abs=1e-4)
    assert result.next_boundary == pytest.approx(1.9809763, abs=1e-6)


def test_one_planned_look_is_the_usual_test():
    result = monitor(looks([0.5], [16]), planned_information=16, planned_looks=1)
    half = stats.norm.isf(0.025) * 0.25
    assert result.pvalue == pytest.approx(2 * stats.norm.sf(2.0))
    assert (result.estimate, result.ci_low, result.ci_high) == pytest.approx((0.5, 0.5 - half, 0.5 + half))
    few = monitor(looks([0.5], [16], degrees_of_freedom=7), planned_information=16, planned_looks=1)
    half = stats.t.isf(0.025, 7) * 0.25
    assert few.pvalue == pytest.approx(2 * stats.t.sf(2.0, 7))
    assert (few.estimate, few.ci_low, few.ci_high) == pytest.approx((0.5, 0.5 - half, 0.5 + half))


def test_conditional_power_by_hand():
    # Half of the information, the whole error rate left for the end (its boundary is then about 1.96).
    result = monitor(looks([0.2], [50]), planned_information=100, planned_looks=2, planned_effect=0.3)
    walked, step = 0.2 * 50, np.sqrt(50)
    for drift, found in ((0.2, result.conditional_power), (0.3, result.conditional_power_planned)):
        place = walked + drift * 50
        expected = stats.norm.sf((result.next_boundary * 10 - place) / step)
        assert found == pytest.approx(expected, abs=1e-4)


SEQUENCES = [
    ([0.05, 0.06, 0.055, 0.052], [40, 90, 130, 210]),
    ([0.20, 0.26, 0.25, 0.24], [40, 90, 130, 210]),
    ([-0.20, -0.30, -0.25, -0.2], [40, 90, 130, 210]),
    ([0.5, 0.4, 0.3, 0.2], [20, 60, 100, 150]),
]


@pytest.mark.parametrize("sequence", range(len(SEQUENCES)))
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_interval_pvalue_and_stop_agree(sequence, alternative, spending):
    estimates, information = SEQUENCES[sequence]
    for n in range(1, 5):
        for level in (0.95, 0.8):
            data = looks(estimates[:n], information[:n])
            result = monitor(
                data,
                planned_information=200,
                planned_looks=4,
                spending=spending,
                alternative=alternative,
                confidence_level=level,
            )
            outside = not result.ci_low <= 0 <= result.ci_high
            assert outside == (result.pvalue < 1 - level)
            assert outside == (result.stop is not None)
            assert (result.repeated_ci_low <= 0 <= result.repeated_ci_high) != (result.stop is not None)


def test_sign_turns_everything():
    for estimates, information in SEQUENCES:
        one = monitor(looks(estimates, information), planned_information=200, alternative="greater")
        other = monitor(looks(-np.array(estimates), information), planned_information=200, alternative="less")
        assert other.stop == one.stop
        assert other.estimate == pytest.approx(-one.estimate)
        assert (other.ci_high, other.ci_low) == (pytest.approx(-one.ci_low), -one.ci_high)
        assert other.pvalue == pytest.approx(one.pvalue)
        assert other.boundary == pytest.approx(-one.boundary)
        assert other.boundary_estimate == pytest.approx(-one.boundary_estimate)


def test_unit_of_the_kpi_does_not_matter():
    estimates, information = SEQUENCES[1]
    seconds = monitor(looks(np.array(estimates) * 60, np.array(information) / 3600), planned_information=200 / 3600)
    minutes = monitor(looks(estimates, information), planned_information=200)
    assert seconds.pvalue == pytest.approx(minutes.pvalue)
    assert seconds.estimate == pytest.approx(60 * minutes.estimate)
    assert seconds.table["boundary"].dropna().tolist() == pytest.approx(minutes.table["boundary"].dropna().tolist())


def test_information_beyond_the_plan_is_all_of_it():
    result = monitor(looks([0.1, 0.11, 0.12], [80, 150, 180]), planned_information=100)
    assert result.is_final
    assert result.look == 2
    assert result.level_spent == pytest.approx(0.05)
    assert result.table["state"].tolist() == ["continue", "continue", "error rate used up"]
    assert result.information_fraction == pytest.approx(1.5)
    assert "1 later look does not count" in result.note


def test_information_that_does_not_grow_spends_nothing():
    data = looks([0.1, 0.9, 0.12], [80, 80, 120])
    result = monitor(data, planned_information=200)
    assert result.stop is None
    assert result.table["state"].tolist() == ["continue", "no new information", "continue"]
    assert np.isnan(result.table["boundary"].iloc[1])
    assert result.table["level_spent"].iloc[1] == result.table["level_spent"].iloc[0]
    skipped = monitor(looks([0.1, 0.12], [80, 120]), planned_information=200)
    assert result.boundary == pytest.approx(skipped.boundary)
    assert "Without new information, and so without a test: look 2." in result.note


def test_the_last_planned_look_spends_what_is_left():
    early = monitor(looks([0.1, 0.12], [60, 90]), planned_information=200, planned_looks=2)
    assert early.is_final
    assert early.level_spent == pytest.approx(0.05)
    smaller = monitor(looks([0.1, 0.12], [60, 59]), planned_information=200, planned_looks=2)
    assert smaller.is_final
    assert np.isfinite(smaller.boundary)
    assert smaller.level_spent == pytest.approx(0.05)


def test_missing_looks_are_counted():
    result = monitor(looks([0.1, np.nan, 0.12], [60, 80, 90]), planned_information=200)
    assert (result.n, result.n_missing) == (2, 1)
    assert result.table["state"].tolist() == ["continue", "no estimate", "continue"]


def test_nothing_counts_after_the_stop():
    result = monitor(looks([0.6, 0.0, 0.0], [60, 90, 120]), planned_information=200)
    assert (result.stop, result.look) == (1, 1)
    assert result.table["state"].tolist() == ["boundary crossed", "after the stop", "after the stop"]
    alone = monitor(looks([0.6], [60]), planned_information=200)
    assert (result.pvalue, result.estimate) == (alone.pvalue, alone.estimate)


def test_own_spending_and_next_information():
    def late(level, fraction):
        return level * fraction**3

    result = monitor(looks([0.1], [50]), planned_information=200, spending=late, next_information=100)
    assert result.table["level_spent"].iloc[0] == pytest.approx(0.05 / 64)
    assert result.next_information_fraction == 0.5
    # R rpact 3.3.4, "asKD", gammaA = 3, four looks: 3.359354, 2.760397.
    assert (result.boundary, result.next_boundary) == (pytest.approx(3.359354), pytest.approx(2.760397))
    assert monitor(looks([0.1], [50]), planned_information=200, planned_looks=4).next_information_fraction == 0.5
    assert "alpha spending (own)" in result.method


def test_spending_goes_by_what_was_expected():
    # Units that happen to differ little give neither an early look more of the level nor one that did not grow less.
    expected = [60, 100, 150]
    lucky = monitor(looks([0.1, 0.1, 0.1], [190, 80, 140], expected_information=expected), planned_information=150)
    usual = monitor(looks([0.1, 0.1, 0.1], [60, 100, 150], expected_information=expected), planned_information=150)
    assert lucky.table["level_spent"].tolist() == usual.table["level_spent"].tolist()
    assert lucky.table["fraction"].tolist() == pytest.approx([0.4, 2 / 3, 1.0])
    by_itself = monitor(looks([0.1, 0.1, 0.1], [190, 80, 140]), planned_information=150)
    assert by_itself.table["level_spent"].iloc[0] == pytest.approx(0.05)


def test_a_correlation_as_of_independent_steps_changes_nothing():
    information = np.array([50, 120, 200])
    given = np.r_[np.nan, np.sqrt(information[:-1] / information[1:])]
    plain = monitor(looks([0.05, 0.08, 0.16], information), planned_information=200, planned_looks=3)
    said = monitor(looks([0.05, 0.08, 0.16], information, correlation=given), planned_information=200, planned_looks=3)
    assert said.table["boundary"].tolist() == pytest.approx(plain.table["boundary"].tolist())
    assert (said.pvalue, said.ci_low, said.ci_high) == pytest.approx((plain.pvalue, plain.ci_low, plain.ci_high))


def test_looks_that_agree_less_have_further_boundaries():
    data = looks([0.1, 0.1], [100, 101])
    agreeing = monitor(data.assign(correlation=[np.nan, 0.99]), planned_information=200, planned_looks=2)
    apart = monitor(data.assign(correlation=[np.nan, 0.5]), planned_information=200, planned_looks=2)
    assert apart.boundary > agreeing.boundary
    # The same information is no news only where the looks say the same.
    still = looks([0.1, 0.1, 0.1], [100, 100, 150]).assign(correlation=[np.nan, 0.8, 0.9])
    assert monitor(still, planned_information=200).table["state"].tolist() == ["continue"] * 3
    same = still.assign(correlation=[np.nan, 1.0, 0.9])
    assert monitor(same, planned_information=200).table["state"].tolist()[1] == "no new information"


def test_simulated_looks_at_units_whose_levels_move_cross_as_often_as_planned():
    """Statistics with the correlations of pilots whose agents drift (0.98 a week): each look new, information not."""
    correlation = np.array([0.77, 0.88, 0.92, 0.947, 0.963, 0.972, 0.978, 0.982, 0.985, 0.988, 0.989])
    information = np.array([0.34, 0.56, 0.72, 0.81, 0.87, 0.91, 0.95, 0.97, 0.98, 0.99, 0.995, 1.0])
    rng = np.random.default_rng(6)
    z = rng.standard_normal((20_000, 12))
    for look in range(1, 12):
        kept = correlation[look - 1]
        z[:, look] = kept * z[:, look - 1] + np.sqrt(1 - kept**2) * z[:, look]
    # Boundaries do not depend on the estimates.
    data = looks(np.zeros(12), information)
    aware = monitor(
        data.assign(correlation=np.r_[np.nan, correlation]), planned_information=1.0, planned_looks=12
    ).table["boundary"]
    naive = monitor(data, planned_information=1.0, planned_looks=12).table["boundary"]
    crossed = [(np.abs(z) >= bounds.to_numpy()).any(axis=1).mean() for bounds in (aware, naive)]
    assert crossed[0] == pytest.approx(0.05, abs=0.004)
    assert crossed[1] > 0.055


@pytest.mark.parametrize("sequence", range(len(SEQUENCES)))
def test_interval_and_pvalue_agree_with_planned_looks_and_correlations(sequence):
    estimates, information = SEQUENCES[sequence]
    data = looks(estimates, information).assign(correlation=0.8, degrees_of_freedom=9)
    data["expected_information"] = np.linspace(50, 200, len(data))
    result = monitor(data, planned_information=200, planned_looks=len(data))
    outside = not result.ci_low <= 0 <= result.ci_high
    assert outside == (result.pvalue < 0.05) == (result.stop is not None)
    assert result.ci_low < result.estimate < result.ci_high


def test_rows_of_comparisons_fit():
    rng = np.random.default_rng(2)
    level = rng.beta(7, 3, 24)
    rows, numerator = [], np.zeros(24)
    for week in range(1, 4):
        numerator += rng.binomial(30, level)
        both = pd.DataFrame({"unit": range(24), "numerator": numerator, "denominator": 30 * week})
        rows.append(compare_arms(both[:8], both[8:]).to_frame())
    result = monitor(pd.concat(rows, ignore_index=True), planned_information=400, planned_looks=3)
    assert result.n == 3
    assert result.estimate_raw == rows[-1]["estimate"].iloc[0]


def test_errors():
    with pytest.raises(DataError, match=r"looks lacks 'se'\. It has: 'estimate', 'sd'"):
        monitor(pd.DataFrame({"estimate": [1.0], "sd": [1.0]}), planned_information=1)
    with pytest.raises(DataError, match="must be above 0"):
        monitor(pd.DataFrame({"estimate": [1.0], "se": [0.0]}), planned_information=1)
    with pytest.raises(DataError, match="expected_information must be above 0"):
        monitor(looks([0.1], [1], expected_information=[0.0]), planned_information=1)
    with pytest.raises(DataError, match="correlation lies between -1 and 1"):
        monitor(looks([0.1], [1], correlation=[1.2]), planned_information=1)
    with pytest.raises(InsufficientDataError, match="at least 1 looks with an estimate; got 0"):
        monitor(looks([np.nan], [1]), planned_information=1)
    with pytest.raises(ValueError, match="planned_looks is 1, but looks has 2 rows"):
        monitor(looks([0.1, 0.1], [1, 2]), planned_information=4, planned_looks=1)
    with pytest.raises(ValueError, match="planned_information must be a number above 0, got 0"):
        monitor(looks([0.1], [1]), planned_information=0)
    with pytest.raises(ValueError, match="spending must be one of 'obrien-fleming', 'pocock' or a function"):
        monitor(looks([0.1], [1]), planned_information=1, spending="obf")
    with pytest.raises(ValueError, match="next_information must exceed the present 50, got 40"):
        monitor(looks([0.1], [50]), planned_information=200, next_information=40)
    with pytest.raises(ValueError, match=r"For 95% write 0\.95"):
        monitor(looks([0.1], [50]), planned_information=200, confidence_level=95)


def test_summary():
    running = monitor(looks([0.1, 0.12], [50, 120]), planned_information=200, planned_looks=3)
    assert running.summary() == (
        "Look 2 (60 % of the planned information) did not cross its boundary: the pilot goes on. So far: difference "
        "+0.12, 95 % interval -0.1236 to 0.3636, p = 0.40 (alpha spending (O'Brien-Fleming) on information, repeated "
        "interval). A difference of +0.244 would have crossed. If the estimate is the truth, the planned end crosses "
        "with a chance of 33 %."
    )
    stopped = monitor(looks([0.1, 0.3], [50, 120]), planned_information=200, planned_looks=3)
    assert stopped.summary().startswith("Look 2 (60 % of the planned information) crossed its boundary: the pilot can")
    ended = monitor(looks([0.1, 0.1, 0.1], [50, 120, 200]), planned_information=200, planned_looks=3)
    assert "ended at look 3 (100 % of the planned information) without crossing a boundary" in ended.summary()
    assert "cannot tell the arms apart" in ended.summary()


# Calibration on independent steps: the total error rate, and median-unbiased estimates despite the stops.
@pytest.mark.parametrize(("effect", "spending"), [(0.0, "obrien-fleming"), (0.0, "pocock"), (0.25, "pocock")])
def test_false_alarms_and_median(effect, spending):
    rng = np.random.default_rng(11)
    information = np.array([25, 60, 80, 120])
    steps = np.diff(np.r_[0, information])
    runs, stops, above, covered = 300, 0, 0, 0
    for _ in range(runs):
        walk = np.cumsum(effect * steps + np.sqrt(steps) * rng.standard_normal(4))
        result = monitor(looks(walk / information, information), planned_information=120, spending=spending)
        stops += result.stop is not None
        above += result.estimate > effect
        covered += result.ci_low <= effect <= result.ci_high
    if effect == 0:
        assert stops / runs < 0.08
    assert above / runs == pytest.approx(0.5, abs=0.075)
    assert covered / runs > 0.92


def test_why_looking_needs_boundaries():
    rng = np.random.default_rng(12)
    steps = rng.standard_normal((4000, 8)).cumsum(axis=1) / np.sqrt(np.arange(1, 9))
    assert (np.abs(steps) > 1.96).any(axis=1).mean() > 0.15


def test_infinite_limits_of_one_sided_alternatives():
    result = monitor(looks([0.1], [50]), planned_information=200, alternative="greater")
    assert result.ci_high == inf


def test_looks_that_are_no_looks():
    looks = pd.DataFrame({"estimate": [0.05, 0.06], "se": [0.03, 0.022]})
    plan = {"planned_information": 4000}
    with pytest.raises(TypeError, match="must be a DataFrame with one row per look, got list"):
        monitor([[0.1, 0.2]], **plan)
    with pytest.raises(DataError, match="one column 'estimate', it has 2"):
        monitor(pd.concat([looks, looks], axis=1), **plan)
    with pytest.raises(DataError, match="column 'se' must hold numbers"):
        monitor(looks.assign(se="a"), **plan)
    with pytest.raises(TypeError, match=r"planned_looks must be a whole number, got 4\.5"):
        monitor(looks, planned_looks=4.5, **plan)


def test_the_end_names_what_would_have_crossed():
    looks = pd.DataFrame({"estimate": [0.005, 0.006], "se": [0.03, 0.022]})
    result = monitor(looks, planned_information=1 / 0.022**2, planned_looks=2)
    assert result.is_final
    crossing = f"cannot tell the arms apart; a difference of {result.boundary_estimate:+.3g} would have crossed."
    assert crossing in result.summary()


@pytest.mark.parametrize(("alternative", "word"), [("greater", "higher"), ("less", "lower")])
def test_the_end_of_a_one_sided_plan_speaks_of_its_side(alternative, word):
    looks = pd.DataFrame({"estimate": [0.005, 0.006], "se": [0.03, 0.022]})
    result = monitor(looks, planned_information=1 / 0.022**2, planned_looks=2, alternative=alternative)
    assert f"do not show that the pilot's value is {word}; a difference of" in result.summary()
