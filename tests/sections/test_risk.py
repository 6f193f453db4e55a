"""Risk, contract and money on the page: the planted facts in words, what is missing with its reason, nothing hidden."""

from __future__ import annotations

import pytest

from bpo_analysis import sections
from bpo_analysis.review.context import open_review

OURS = ("concentration", "exit_exposure", "contract_terms", "growth_gate", "incentives", "cost", "scope")


def text(section):
    return " ".join(section.html.striptags().split())


@pytest.fixture(scope="module")
def review_of(portfolio):
    found = {}

    def make(partner, **options):
        key = (partner, *sorted(options.items()))
        if key not in found:
            found[key] = open_review(portfolio, partner, "2026-10", **options)
        return found[key]

    return make


def test_the_short_notice_is_said_with_its_range(review_of):
    for make in (sections.exit_exposure, sections.risk_and_contract):
        said = text(make(review_of("baobab")))
        assert "Baobab Care may leave with 30 days' notice; 29 agents would have to be replaced." in said
        assert "if replacements come a quarter quicker" in said


def test_the_product_in_one_hand_and_the_agreed_night(review_of):
    meridia = text(sections.risk_and_contract(review_of("meridia")))
    assert "In one hand without a valid exception: product smarthome (100.0 %)" in meridia
    solheim = text(sections.risk_and_contract(review_of("solheim")))
    assert "No slice reaches 90 % without an agreed exception." in solheim
    assert "shift: overnight (22:00 to 08:00 UTC)" in solheim
    assert "Close the night for up to four weeks" in solheim


def test_other_partners_are_hidden_from_the_partner(review_of):
    others = ("Northline", "Kestrel", "Meridia", "Fernway", "Sólheim", "In-house team")
    for name in OURS:
        said = text(getattr(sections, name)(review_of("baobab", edition="partner")))
        assert not [other for other in others if other in said], name
    assert "What the own team could still do" not in text(sections.concentration(review_of("meridia"), others=False))


def test_the_ledger_of_a_year_has_every_month_and_both_sides(review_of):
    said = text(sections.incentives(review_of("northline"), months=12))
    assert all(month in said for month in ("2025-11", "2026-03", "2026-10"))
    assert "Two-sided ledger" in said
    assert "chance alone could have moved it" in said
    assert "cases, the terms ask for 30" in text(sections.incentives(review_of("meridia")))


def test_every_printed_amount_is_noted(review_of):
    review = open_review(review_of("baobab").dataset, "baobab", "2026-10")
    for name in OURS:
        getattr(sections, name)(review)
    noted = {figure.id for figure in review.figures.values()}
    assert {
        "risk.slice_share", "risk.exit_gap_hours", "risk.days_left", "risk.heads_needed", "risk.growth",
        "risk.errors_a_week", "incentives.net", "cost.step", "cost.in_house_same_mix", "scope.share",
    } <= noted  # fmt: skip


def test_what_is_missing_is_named(nhs111):
    review = open_review(nhs111, "Thames Valley", "2026-03")
    for name, reason in (
        ("exit_exposure", "table contracts is not in this dataset"),
        ("contract_terms", "table contracts is not in this dataset"),
        ("incentives", "contract_incentives are not both in this dataset"),
        ("cost", "table invoices is not in this dataset"),
        ("scope", "volume names no contact reason"),
    ):
        said = text(getattr(sections, name)(review))
        assert "Not shown" in said, name
        assert reason in said


@pytest.mark.parametrize("period", ["2026-W40", "2026-Q3", "2026-10-14"])
@pytest.mark.parametrize("name", [*OURS, "risk_and_contract"])
def test_every_period_has_its_sections(portfolio, name, period):
    html = getattr(sections, name)(open_review(portfolio, "baobab", period)).html
    assert "<section" in html
    assert "nan" not in html.lower().replace("financ", "")


@pytest.mark.parametrize("name", [*OURS, "risk_and_contract"])
def test_a_dataset_of_three_tables_is_enough(write_dataset, name):
    html = getattr(sections, name)(open_review(write_dataset(), "acme", "2026-01")).html
    assert "<section" in html


def test_all_partners_on_one_page(portfolio):
    said = text(sections.portfolio_risk(sections.open_portfolio(portfolio, "2026-10")))
    assert "product: smarthome (Meridia Servicios)" in said
    assert "Notice of Baobab Care (30 days) would leave most undone: 13" in said
    assert "100 % ✕" in said.replace("\N{NO-BREAK SPACE}", " ")
    assert "100 % ○" in said.replace("\N{NO-BREAK SPACE}", " ")
