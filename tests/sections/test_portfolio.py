"""The page about all partners."""

import re

import pytest

from bpo_analysis import sections
from bpo_analysis.review.portfolio import HALF, fair_comparisons, open_portfolio, standings


@pytest.fixture(scope="module")
def october(portfolio):
    return open_portfolio(portfolio, "2026-10")


def test_every_partner_has_a_line_worst_first(october):
    found = standings(october)
    assert {one.review.partner_id for one in found} == set(october.dataset.partners["partner_id"])
    assert found[0].review.partner_id == "northline"
    assert [one.clearly_missed for one in found] == sorted((one.clearly_missed for one in found), reverse=True)


def test_movements_of_all_partners_are_judged_together(october):
    for one in standings(october):
        for insight in one.moved:
            assert insight.pvalue * len(october.reviews) <= HALF * (1 - october.confidence_level)


def test_the_planted_reversal_is_told(october, portfolio):
    csat_like = {one.kpi.name: one for one in fair_comparisons(october)}
    assert csat_like["fcr"].result.reversals
    html = sections.portfolio_comparison(october).html
    assert "The order as counted turns round on the same mix for: " in html


def test_one_ask_of_several_partners_is_one_decision(october):
    html = sections.portfolio_decisions(october).html
    asks = {(a.text, a.owner, a.due) for one in standings(october) for a in one.asks[:3]}
    assert html.count("<tr") == len(asks) + 1


def test_every_number_of_the_comparison_is_in_the_record(october):
    sections.portfolio_comparison(october)
    rows = sections.portfolio_appendix(october).record["kpis"]
    found = {(row["partner_id"], row["kpi"]) for row in rows}
    assert ("northline", "comparison.fcr_standardised") in found
    assert ("northline", "service_level") in found
    # Tables of this page are about all partners.
    assert ("", "comparison.same_mix") in found


def test_partners_without_a_common_reason_are_not_compared(write_dataset):
    small = open_portfolio(write_dataset(), "2026-01")
    assert "Not shown: no KPI of cases" in sections.portfolio_comparison(small).html
    assert (
        "2 partners" in sections.portfolio_standing(small).html
        or "No partner" in sections.portfolio_standing(small).html
    )


def test_what_falls_due_first_stands_first(october):
    html = sections.portfolio_decisions(october).html
    days = re.findall(r"by (20\d\d-\d\d-\d\d)</td>", html)
    assert days == sorted(days)
    assert html.index(f"by {days[-1]}") < html.index("next review")
