"""Risk, contract and money on the page: the planted facts in words, what is missing with its reason, nothing hidden."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

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
        assert "notice; 29 agents, the headcount of 2026-10-31, would have to be replaced." in said
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


def test_the_support_ratio_is_printed_and_noted(review_of):
    review = open_review(review_of("baobab").dataset, "baobab", "2026-10")
    cells = [" ".join(cell.split()) for cell in re.split(r"</t[dh]>", str(sections.growth_gate(review).html))]
    row = next(place for place, cell in enumerate(cells) if cell.endswith("Agents per team leader"))
    assert [Markup(cell).striptags() for cell in cells[row + 1 : row + 5]] == ["≤ 15", "7.25", "yes", "counted"]
    ratio = next(f for f in review.figures.values() if f.id == "risk.support_ratio" and f.where["role"] == "trainer")
    assert (ratio.numerator, ratio.denominator, ratio.text) == (29, 2, "14.5")
    own = text(sections.growth_gate(review_of("home")))
    assert "The gate cannot be judged: no value of" in own
    assert "Agents per team leader" in own
    assert "Support ratio: not shown, table support_staff names nobody who leads, checks or trains here." in own


def test_the_chart_of_tasks_says_its_finding(review_of):
    html = sections.scope(review_of("northline")).html
    said = text(sections.scope(review_of("northline")))
    assert "Harder by most signs: technical fault, together 22 % of contacts" in said
    assert "Area: part of the contacts. Squares: harder by most signs. Dashed: the total of Northline Support." in said
    assert "technical fault 583.2 s and 11.4 %" in html  # in the words for those who cannot see it
    assert "No task is harder by most signs; the largest, billing, is 22 % of contacts" in text(
        sections.scope(review_of("baobab"))
    )


def test_tasks_with_one_sign_have_no_chart(write_dataset):
    volume = "partner_id,interval_start,reason,offered,handled,transferred\n" + "".join(
        f"acme,2026-01-{day:02d},{reason},10,10,{day % 3}\n" for day in range(1, 29) for reason in ("a", "b")
    )
    said = text(sections.scope(open_review(write_dataset(volume=volume), "acme", "2026-01")))
    assert "Chart of tasks: not shown, it needs two signs of how hard a task is for two tasks or more." in said


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
