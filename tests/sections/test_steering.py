"""The page of a steering committee: short, every decision, money and risks in sentences; the rest one level down."""

from __future__ import annotations

import re
from html import unescape

import nbformat
import pytest

from bpo_analysis import sections
from bpo_analysis.reports.render import ReportExporter

DETAIL = [
    sections.contract_scorecard, sections.twelve_months, sections.relationship, sections.customer, sections.watermelon,
    sections.incentives, sections.cost, sections.why_it_moved, sections.corrective_actions, sections.concentration,
    sections.exit_exposure, sections.contract_terms, sections.growth_gate, sections.governance, sections.six_sigma,
]  # fmt: skip


def words(section):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", str(section.html)))).strip()


@pytest.fixture
def steering(portfolio):
    return sections.open_review(portfolio, "northline", "2026-Q3", audience="steering")


@pytest.mark.parametrize("make", DETAIL, ids=lambda f: f.__name__)
def test_detail_is_one_level_down(make, steering, portfolio):
    assert not make(steering).html
    assert make(sections.open_review(portfolio, "northline", "2026-Q3")).html


def test_money_and_risks_are_sentences_for_the_committee_alone(steering, portfolio):
    html = sections.money_and_risks(steering).html
    said = words(sections.money_and_risks(steering))
    for wanted in (
        "The bill of September 2026 is 10,171.20 EUR", "net −203.42 EUR", "handled 22.0 % of all contacts",
        "may leave with 120 days' notice", "The gate is", "last day for the client's notice 2026-11-02",
    ):  # fmt: skip
        assert wanted in said
    assert html.count("<table") == 1
    assert not sections.money_and_risks(sections.open_review(portfolio, "northline", "2026-Q3")).html


def test_the_partner_sees_no_risks_of_the_client(portfolio):
    review = sections.open_review(portfolio, "northline", "2026-Q3", audience="steering", edition="partner")
    said = words(sections.money_and_risks(review))
    assert "net −203.42 EUR" in said
    assert "Risks" not in said.replace("Money and risks", "")
    assert "days' notice" not in said


def test_the_committee_sees_every_decision(steering, portfolio):
    shown, usual = (
        words(sections.first_screen(review))
        for review in (steering, sections.open_review(portfolio, "northline", "2026-Q3"))
    )
    assert " more under root causes and actions" in usual
    assert " more under root causes and actions" not in shown
    asked = sections.first_screen(steering).record["headline"]["asks"]
    assert len(asked) > 3
    assert all(ask["text"] in shown for ask in asked)


def test_nothing_to_say_is_said(write_dataset):
    review = sections.open_review(write_dataset(), "acme", "2026-01", audience="steering", edition="partner")
    assert "Not shown: tables invoices, contracts" in words(sections.money_and_risks(review))


def test_links_to_what_a_page_lacks_are_words_and_pointers_are_gone():
    html = (
        '<p id="here"><a href="#here">stays</a>, <a href="#away">plain words</a>, '
        '<a class="where" href="#away">gone</a>, <a class="where" href="#here">kept</a></p>'
    )
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", {"text/html": html})])
    page, _ = ReportExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert '<a href="#here">stays</a>, plain words, , <a class="where" href="#here">kept</a>' in page
