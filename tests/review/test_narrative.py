"""Findings with what is known about them, in order; strengths and gaps; at most three first."""

from dataclasses import replace
from datetime import date

from bpo_analysis.review.context import open_review
from bpo_analysis.review.findings import MAX_ON_FIRST_SCREEN
from bpo_analysis.review.narrative import _redefined, first_findings, insights, strengths_and_gaps
from bpo_analysis.review.plan import judgement


def test_the_planted_shift_is_told_with_date_slice_event_target_and_action(review_of):
    found = next(one for one in insights(review_of("northline", "2026-08")) if one.kpi.name == "service_level")
    assert found.finding.tone == "bad"
    assert found.since.startswith("about 2026-06-")
    assert "routing plan (2026-06-15)" in found.near
    assert found.meaning.startswith("Target ≥ 80.0 %: missed")
    assert found.proposal.startswith(("Under way: ", "Ask for root cause"))
    assert found.owner
    assert found.due


def test_how_sure_names_the_tests_it_was_judged_with(review_of):
    review = review_of("northline", "2026-08")
    made = int(judgement(review).table["pvalue"].notna().sum())
    for one in insights(review):
        assert one.pvalue <= 1 - review.confidence_level
        assert one.sure.endswith(f"among {made} tests of this page")


def test_ranked_by_consequence_times_certainty(review_of):
    found = insights(review_of("northline"))
    assert [one.rank for one in found] == sorted((one.rank for one in found), reverse=True)
    assert len(first_findings(review_of("northline"))) <= MAX_ON_FIRST_SCREEN


def test_an_improvement_is_among_the_three(review_of):
    review = review_of("northline")
    one = insights(review)[0]
    bad = replace(one, finding=replace(one.finding, tone="bad"))
    good = replace(one, finding=replace(one.finding, tone="good", text="Better."))
    review._made["insights"] = [bad, bad, bad, bad, good]
    assert [finding.tone for finding in first_findings(review)] == ["bad", "bad", "good"]


def test_strengths_and_gaps_are_those_beyond_doubt(review_of):
    strengths, gaps = strengths_and_gaps(review_of("northline"))
    assert "service_level" in {one.clause.row.kpi.name for one in gaps}
    assert all(one.clause.row.clearly_missed for one in gaps if one.clause.row.contract == "missed")
    assert all(one.distance > 1 for one in strengths)
    assert all(one.distance < -1 for one in gaps)


def test_a_quiet_partner_has_no_bad_news(review_of):
    review = review_of("fernway", "2026-08")
    assert not [one for one in insights(review) if one.finding.tone == "bad"]


def test_without_a_target_nothing_is_said_about_one(write_dataset):
    targets = "kpi,op,value,kind\nabandonment_rate,<=,50 %,absolute\n"
    review = open_review(write_dataset(targets=targets), "acme", "2026-01")
    meanings = {one.kpi.name: one.meaning for one in insights(review)}
    assert not any(text for name, text in meanings.items() if name != "abandonment_rate")


def test_a_changed_definition_is_no_improvement(review_of):
    found = next(one for one in insights(review_of("kestrel")) if one.kpi.name == "fcr")
    assert found.finding.tone == "none"
    assert "First-contact flag now set by the agent" in found.near
    assert found.proposal.startswith("Compare under one definition")


def test_only_a_definition_of_this_kpi_in_this_stretch_counts(review_of):
    review = review_of("kestrel")
    around, before = (date(2025, 12, 15), date(2026, 1, 31)), (date(2025, 6, 1), date(2025, 11, 30))
    assert "(2026-01-01)" in _redefined(review, "fcr", *around)
    assert _redefined(review, "fcr", *before) == ""
    assert _redefined(review, "service_level", *around) == ""
