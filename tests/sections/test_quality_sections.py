"""Calibration, Six Sigma, changes and coverage on a page: what a reader sees, noted numbers, reasons."""

from __future__ import annotations

import pytest

from bpo_analysis import sections
from bpo_analysis.review.context import open_review
from bpo_analysis.sections.quality import quality_details


@pytest.fixture
def kestrel(portfolio):
    return open_review(portfolio, "kestrel", "2026-10")


def test_the_draw_is_printed_recorded_and_listed(kestrel):
    found = sections.calibration_draw(kestrel, cases=12, seed=5)
    assert "12 of 237 contacts of 2026-10-19 to 2026-10-25, drawn at random by reason" in found.html.striptags()
    sheet = found.record["sample"]
    assert (sheet["seed"], len(sheet["cases"])) == (5, 12)
    listed = [f for f in kestrel.figures.values() if f.id == "calibration.inclusion_probability"]
    assert {f.where["contact"] for f in listed} == {case["interaction_id"] for case in sheet["cases"]}
    assert "kes-0" not in "".join(case["agent"] for case in sheet["cases"])


def test_blind_ratings_name_contacts_by_id_only(kestrel):
    text = sections.calibration_before(kestrel).html.striptags()
    assert "Session kes-cal-2026-10: 6 contacts, 1 with a verdict that differs" in text
    assert "client fail, partner pass" in text


def test_the_lenient_side_is_said_first_with_its_interval_and_effect(kestrel):
    text = sections.calibration_agreement(kestrel).html.striptags()
    assert "The partner's raters give 6.9 pp more than the client's (4.9 to 9.0 pp; 25 contacts" in text
    assert "72.0 % of these contacts pass by the partner's ratings, 52.0 % by the client's" in text
    assert "Actions from calibration: 6 raised, 1 open on 2026-10-31" in text
    assert any(f.id == "calibration.days_to_close" for f in kestrel.figures.values())


def test_a_fair_partner_is_told_what_would_have_been_found(portfolio):
    text = sections.calibration_agreement(open_review(portfolio, "northline", "2026-10")).html.striptags()
    assert "No difference between both sides' scores was found" in text
    assert "Concern" not in text


def test_the_calibration_appendix_holds_its_own_plan(kestrel):
    text = sections.calibration_appendix(kestrel).html.striptags()
    assert "Bias of the partner's raters" in text
    assert "Changes of headline kpis" not in text


def test_sigma_level_names_its_convention(kestrel):
    found = sections.six_sigma(kestrel)
    text = found.html.striptags()
    assert "with the customary shift of 1.5" in text
    assert "a convention, not a measurement" in text
    assert {"fig-p-chart", "fig-u-chart"} <= {part.split('"')[0] for part in found.html.split('id="')}
    assert any(f.id == "quality.sigma_level" for f in kestrel.figures.values())


def test_a_change_shows_quality_and_cost_beside_each_other(portfolio):
    text = sections.changes_before_after(open_review(portfolio, "northline", "2026-10")).html.striptags()
    assert "2026-06-15: Queues moved to a new routing plan, client's change" in text
    assert "Clearly different after it: Service level lower by 14" in text
    assert "Cost per contact" in text
    assert "none of 4 dates without a change differ as much" in text
    assert "caused" not in text


def test_coverage_names_gaps_and_reasons(nhs111):
    text = sections.data_coverage(open_review(nhs111, "Thames Valley", "2026-03")).html.striptags()
    assert "cannot be computed from these data" in text
    assert "table surveys is not in this dataset" in text


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (sections.calibration_draw, "table interactions not in this dataset"),
        (sections.calibration_before, "table qa_ratings not in this dataset"),
        (sections.calibration_agreement, "table qa_ratings not in this dataset"),
        (sections.six_sigma, "table qa_ratings not in this dataset"),
        (sections.changes_before_after, "table events is not in this dataset"),
    ],
)
def test_without_its_table_a_section_is_one_line(write_dataset, make, reason):
    html = make(open_review(write_dataset(), "acme", "2026-01")).html
    assert f"Not shown: {reason}" in html
    assert "<table" not in html


def test_a_response_collapse_is_warned_of_and_agents_are_masked_for_the_partner(portfolio):
    review = open_review(portfolio, "meridia", "2026-10", edition="partner")
    text = sections.customer(review).html.striptags()
    assert "Who answers has changed: the survey response rate fell from 28.1 %" in text
    assert "of contacts that changed hands" in text
    details = quality_details(review)
    assert "mer-0" not in details
    assert "agent " in details
    assert "Rated by" in details.striptags()
    assert "Weighted by one over the chance" in details.striptags()
