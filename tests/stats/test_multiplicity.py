"""One plan for all tests of a report."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.errors import UnknownNameError
from bpo_analysis.stats.multiplicity import Family, MultiplicityPlan, adjust_pvalues

# Benjamini & Hochberg (1995), the 15 p-values of their example.
BH_1995 = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
]
METHODS = ["bonferroni", "holm", "hochberg", "benjamini-hochberg", "benjamini-yekutieli"]
THEIR_NAMES = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "benjamini-hochberg": "fdr_bh",
    "benjamini-yekutieli": "fdr_by",
}


# Oracle: Benjamini-Hochberg rejects 4 of them, Bonferroni 3 (both in the paper), Holm 3, Benjamini-Yekutieli 3.
@pytest.mark.parametrize(
    ("method", "rejected"), [("benjamini-hochberg", 4), ("bonferroni", 3), ("holm", 3), ("benjamini-yekutieli", 3)]
)
def test_the_example_of_benjamini_and_hochberg(method, rejected):
    assert (adjust_pvalues(BH_1995, method=method) <= 0.05).sum() == rejected


# Oracle: statsmodels, on values with ties.
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(4))
def test_against_statsmodels(method, seed):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    values = np.random.default_rng(seed).random(12 + seed).round(2) ** 2
    theirs = multitest.multipletests(values, method=THEIR_NAMES[method])[1]
    assert adjust_pvalues(values, method=method) == pytest.approx(theirs)


def test_holm_by_hand():
    assert adjust_pvalues([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_weighted_holm_by_hand():
    # Weights 1.5 and 0.5: 0.04 / 1.5 * 2 = 0.0533 comes first, then 0.02 / 0.5 * 0.5 = 0.02, raised to it.
    assert adjust_pvalues([0.04, 0.02], weights=[3, 1]) == pytest.approx([0.16 / 3, 0.16 / 3])
    assert adjust_pvalues([0.04, 0.02], weights=[1, 3]) == pytest.approx([0.04, 0.08 / 3])


@pytest.mark.parametrize("method", METHODS)
def test_equal_weights_change_nothing(method):
    if method == "hochberg":
        with pytest.raises(ValueError, match="use 'holm'"):
            adjust_pvalues(BH_1995, method=method, weights=np.ones(15))
    else:
        weighted = adjust_pvalues(BH_1995, method=method, weights=np.full(15, 7.0))
        assert weighted == pytest.approx(adjust_pvalues(BH_1995, method=method))


@pytest.mark.parametrize("method", METHODS)
def test_properties(method):
    rng = np.random.default_rng(2)
    for _ in range(20):
        values = rng.random(9)
        adjusted = adjust_pvalues(values, method=method)
        order = rng.permutation(9)
        assert (adjusted >= values).all()
        assert (np.diff(adjusted[np.argsort(values)]) >= -1e-12).all()
        assert adjust_pvalues(values[order], method=method) == pytest.approx(adjusted[order])


def test_missing_values_stay_and_do_not_count():
    with_gap = adjust_pvalues([0.01, np.nan, 0.04])
    assert np.isnan(with_gap[1])
    assert with_gap[[0, 2]] == pytest.approx(adjust_pvalues([0.01, 0.04]))
    assert np.isnan(adjust_pvalues([np.nan, np.nan])).all()
    assert adjust_pvalues([]).size == 0


def test_a_series_keeps_its_index():
    adjusted = adjust_pvalues(pd.Series([0.2, 0.01], index=["aht", "csat"], name="p"))
    assert list(adjusted.index) == ["aht", "csat"]
    assert adjusted["csat"] == pytest.approx(0.02)


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"between 0 and 1 or NaN, got 1\.2"):
        adjust_pvalues([0.1, 1.2])
    with pytest.raises(ValueError, match="must be one of 'bonferroni', 'holm'"):
        adjust_pvalues([0.1], method="fdr")
    with pytest.raises(ValueError, match="positive and finite, one for each of the 2"):
        adjust_pvalues([0.1, 0.2], weights=[1, 0])
    with pytest.raises(ValueError, match="1-D"):
        adjust_pvalues([[0.1]])


def example():
    plan = MultiplicityPlan().add("decision", "AHT", 0.004).add("decision", "CSAT", 0.2)
    return plan.add_all("screening", {"a": 0.001, "b": 0.4, "c": float("nan")})


def test_families_share_the_level_and_the_table_shows_what_was_done():
    table = example().table.set_index("label")
    assert example().levels == {"decision": 0.025, "screening": 0.025}
    # Holm: 0.004 * 2, over half of the level; Benjamini-Hochberg: 0.001 * 2, over half of the level.
    assert table["adjusted_pvalue"].to_list() == pytest.approx([0.016, 0.4, 0.004, 0.8, np.nan], nan_ok=True)
    assert table["found"].to_list() == [True, False, True, False, False]
    assert table["threshold"].to_list() == pytest.approx([0.0125, 0.025, 0.0125, 0.025, np.nan], nan_ok=True)


def test_a_family_without_tests_leaves_its_part_to_the_others():
    plan = MultiplicityPlan().add("decision", "AHT", 0.03).add("screening", "a", float("nan"))
    assert plan.levels == {"decision": 0.05, "screening": 0.0}
    assert plan.table["found"].to_list() == [True, False]
    assert np.isnan(plan.interval_level("screening"))


@pytest.mark.parametrize("method", METHODS)
def test_found_is_below_its_threshold_where_the_method_steps(method):
    families = (Family(name="all", method=method),)
    rng = np.random.default_rng(8)
    for _ in range(30):
        plan = MultiplicityPlan(families=families).add_all("all", pd.Series(rng.random(8) ** 3))
        table = plan.table
        assert (table.loc[table["found"], "adjusted_pvalue"] <= plan.alpha).all()
        if method == "bonferroni":
            assert (table["found"] == (table["pvalue"] <= table["threshold"])).all()


@pytest.mark.parametrize("method", ["bonferroni", "benjamini-hochberg", "benjamini-yekutieli"])
def test_intervals_at_their_level_tell_the_story_of_the_findings(method):
    rng = np.random.default_rng(9)
    for _ in range(40):
        plan = MultiplicityPlan(families=(Family(name="all", method=method),))
        plan = plan.add_all("all", pd.Series(rng.random(10) ** 4))
        excluded = plan.table["pvalue"] <= 1 - plan.interval_level("all")
        assert (excluded == plan.table["found"]).all()


def test_adding_leaves_the_plan_as_it_was():
    plan = MultiplicityPlan()
    assert len(plan.add("decision", "AHT", 0.1).members) == 1
    assert plan.members == ()


def test_a_plan_survives_pickling():
    plan, again = example(), pickle.loads(pickle.dumps(example()))
    assert (again.alpha, again.families) == (plan.alpha, plan.families)
    # The p-value of a test that could not be made is NaN, which equals nothing: tables compare it as what it is.
    pd.testing.assert_frame_equal(again.table, plan.table)
    made = plan.members[:-1]
    assert again.members[:-1] == made
    assert MultiplicityPlan(members=made) == pickle.loads(pickle.dumps(MultiplicityPlan(members=made)))


@pytest.mark.parametrize("nothing", [None, pd.NA, float("nan"), np.float64("nan")])
def test_every_kind_of_missing_is_a_test_that_could_not_be_made(nothing):
    plan = MultiplicityPlan().add("decision", "AHT", 0.01).add("decision", "CSAT", nothing)
    assert plan.summary() == (
        "1 test at 5 % for the whole report; decision: 1 of 1 found (Holm at 5 %). 1 without a p-value not counted."
    )
    series = pd.Series([0.01, nothing], dtype="Float64", index=["AHT", "CSAT"])
    assert np.isnan(MultiplicityPlan().add_all("decision", series).table["pvalue"][1])
    assert adjust_pvalues(series).isna().to_list() == [False, True]


def test_labels_are_words():
    assert (
        MultiplicityPlan()
        .add("decision", 5, 0.01)
        .statement()
        .startswith("Family decision (Holm, level 5 %, 1 test): 5.")
    )


def test_wrong_plans():
    with pytest.raises(UnknownNameError, match=r"Unknown family 'decisions'\. Did you mean 'decision'"):
        MultiplicityPlan().add("decisions", "AHT", 0.1)
    with pytest.raises(ValueError, match="'AHT' is twice in family 'decision'"):
        example().add("decision", "AHT", 0.1)
    with pytest.raises(ValueError, match=r"pvalue of 'x' must be between 0 and 1 or NaN, got -0\.1"):
        example().add("decision", "x", -0.1)
    with pytest.raises(ValueError, match="alpha must be between 0 and 1, got 5"):
        MultiplicityPlan(alpha=5)
    with pytest.raises(ValueError, match="weight of family 'a' must be positive and finite, got 0"):
        Family(name="a", method="holm", weight=0)
    with pytest.raises(ValueError, match="weight of family 'a' must be positive and finite, got inf"):
        Family(name="a", method="holm", weight=float("inf"))
    with pytest.raises(ValueError, match="method of family 'a' must be one of"):
        Family(name="a", method="none")
    with pytest.raises(ValueError, match="names of their own"):
        MultiplicityPlan(families=())
    with pytest.raises(UnknownNameError, match="Unknown family 'x'"):
        example().interval_level("x")


def test_words():
    assert example().summary() == (
        "4 tests at 5 % for the whole report; decision: 1 of 2 found (Holm at 2.5 %); screening: 1 of 2 found "
        "(Benjamini-Hochberg at 2.5 %). 1 without a p-value not counted."
    )
    assert example().statement() == (
        "Family decision (Holm, level 2.5 %, 2 tests): AHT, CSAT. Family screening (Benjamini-Hochberg, level 2.5 %, "
        "2 tests): a, b. If nothing were different anywhere, at most 5 % of such reports would show any finding."
    )
    assert MultiplicityPlan().summary() == "No test was made."
    assert MultiplicityPlan().statement() == "No test was made."
    assert MultiplicityPlan().table.empty


@pytest.mark.slow
def test_false_alarms_of_a_report():
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(1500):
        values = rng.random(24)
        plan = MultiplicityPlan().add_all("decision", pd.Series(values[:8])).add_all("screening", pd.Series(values[8:]))
        alarms += plan.table["found"].any()
    assert 0.035 < alarms / 1500 < 0.065
