"""The plan of a report: every test in a family, and the planted facts among what is found."""

from __future__ import annotations

from datetime import date

import pytest
from markupsafe import escape

from bpo_analysis import sections
from bpo_analysis.review.changes import change_of
from bpo_analysis.review.comparison import comparisons
from bpo_analysis.review.leads import PAIRS, leads
from bpo_analysis.review.narrative import first_findings
from bpo_analysis.review.patterns import pattern_names, pattern_of, usual_series
from bpo_analysis.review.plan import FAMILIES, HEADLINE, LEADS, OTHER, PARTNERS, PATTERNS, REPORTS, judgement
from bpo_analysis.review.raters import rater_bias
from bpo_analysis.review.scorecard import score, scorecard
from bpo_analysis.review.steps import has_trend, steps_of


@pytest.fixture(scope="module")
def reviews(portfolio):
    from bpo_analysis.review.context import open_review

    made = {}

    def review(partner, period="2026-10"):
        key = partner, period
        if key not in made:
            made[key] = open_review(portfolio, partner, period)
        return made[key]

    return review


def test_every_test_has_a_family_and_the_levels_add_up_to_that_of_the_report(reviews):
    judged = judgement(reviews("northline"))
    assert set(judged.table["family"]) == {family.name for family in FAMILIES}
    assert sum(judged.plan.levels.values()) == pytest.approx(0.05)
    assert judged.table["pvalue"].notna().sum() > 100


def test_a_change_is_clear_exactly_where_the_plan_finds_it(reviews):
    review = reviews("northline")
    judged = judgement(review)
    for row in scorecard(review):
        for stretch, clear in (("before", row.change_is_clear), ("earlier", row.drift_is_clear)):
            change = change_of(review, row.kpi.name, stretch)
            family = HEADLINE if row.kpi.name in judged.headline else OTHER
            assert clear == (judged.found(family, change.label) if change.difference else False)


def test_limits_of_a_headline_change_leave_out_nought_only_where_it_is_clear(reviews):
    for row in scorecard(reviews("baobab")):
        for limits, clear in ((row.change_limits, row.change_is_clear), (row.drift_limits, row.drift_is_clear)):
            # Holm may find what the wider simultaneous interval does not yet leave out, never the other way round.
            if limits and (limits[0] > 0 or limits[1] < 0):
                assert clear


def test_the_change_of_a_slice_is_shown_without_a_verdict(reviews):
    review = reviews("northline")
    target = next(t for t in review.targets if t.channel)
    assert score(review, target.kpi, target=target).change_is_clear is False


def test_the_planted_trend_is_found(reviews):
    # Kestrel's handle time rises by 22 % over eighteen months.
    review = reviews("kestrel")
    pattern = pattern_of(review, "aht_s")
    assert has_trend(review, pattern)
    assert pattern.trend.slope_per_period > 0
    assert any(f.text.startswith("Average handle time rises by ") for f in first_findings(review))
    assert "Rising." in sections.trends(review).html


def test_the_planted_shift_is_dated_beside_its_event(reviews):
    # Northline answers about 16 points fewer contacts in time from Monday 2026-06-15.
    review = reviews("northline")
    (step,) = steps_of(review, pattern_of(review, "service_level"))
    assert step.first <= date(2026, 6, 15) <= step.last
    assert step.shift == pytest.approx(-0.16, abs=0.03)
    assert step.near == "Queues moved to a new routing plan (2026-06-15)"
    assert "A change between two levels describes it better than a steady trend." in sections.trends(review).html


def test_the_planted_lead_is_found_with_its_lag(reviews):
    # Training completion leads CSAT by three weeks at Northline.
    review = reviews("northline")
    found = leads(review)
    row = found.table.set_index(["leading", "lagging"]).loc[("training_completion", "csat")]
    assert row["best_lag"] == 3
    assert judgement(review).found(LEADS, "Training completed on time before CSAT (top two boxes)")
    assert "the second tends to be higher 3 weeks later" in sections.moved_before(review).html
    assert "because" not in sections.moved_before(review).html


def test_pairs_name_kpis_of_the_catalogue(reviews):
    known = reviews("northline").kpis
    assert all(name in known for pair in PAIRS for name in pair)


def test_the_planted_reversal_is_found_from_both_sides(reviews):
    # Meridia solves more at first contact than Sólheim in each of the six reasons, yet less overall.
    for partner, other in (("meridia", "Sólheim Contact"), ("solheim", "Meridia Servicios")):
        review = reviews(partner)
        fcr = next(c for c in comparisons(review) if c.kpi.name == "fcr")
        assert judgement(review).found(PARTNERS, fcr.reversal_label(other))
        text = sections.beside_the_others(review).html
        assert "Meridia Servicios is ahead in each of the 6 reasons, Sólheim Contact in the total" in text


def test_the_planted_lenient_rater_is_found(reviews):
    # Kestrel's raters score the same cases about 8 points above the client's.
    lenient, strict = reviews("kestrel"), reviews("fernway")
    assert judgement(lenient).found(REPORTS, rater_bias(lenient).label)
    assert not judgement(strict).found(REPORTS, rater_bias(strict).label)
    assert "own scores lie " in sections.quality(lenient).html
    assert "no difference between the partner&#39;s and the client&#39;s scores found" in sections.quality(strict).html


def test_a_quiet_partner_has_no_finding_but_differences_to_others(reviews):
    findings = judgement(reviews("fernway")).findings
    assert [label for family, label in findings if family != PARTNERS] == []


def test_weeks_with_few_cases_are_left_out_and_counted(reviews):
    review = reviews("northline")
    series, unit, left_out = usual_series(review, "csat")
    few = series["denominator"] < 0.25 * series["denominator"].median()
    assert unit == "week"
    assert left_out == few.sum()
    assert series.loc[few, "value"].isna().all()


def test_a_period_with_little_history_says_what_is_needed(nhs111):
    from bpo_analysis.review.context import open_review

    review = open_review(nhs111, "Thames Valley", "2025-12")
    assert pattern_names(review)
    assert "12 weeks with data are needed" in sections.trends(review).html
    assert all(pattern_of(review, name).trend is None for name in pattern_names(review))


def test_the_appendix_prints_the_plan_and_every_test(reviews):
    review = reviews("northline")
    section = sections.appendix(review)
    assert "tests at 5 % for the whole page" in section.html
    for family in FAMILIES:
        assert escape(family.name.capitalize()) in section.html
    assert len(section.record["tests"]) == len(judgement(review).table)
    assert sum(test["found"] for test in section.record["tests"]) == len(judgement(review).findings)


def test_a_trend_found_is_not_claimed_where_drift_cannot_be_ruled_out(reviews):
    review = reviews("kestrel")
    for name in pattern_names(review):
        pattern = pattern_of(review, name)
        if pattern.drifts:
            assert not judgement(review).found(PATTERNS, pattern.trend_label)
