"""Sections about people, staffing, escalations, updates, the client's side and knowledge: words, editions, gaps."""

from __future__ import annotations

import re
from html import unescape

import pytest

from bpo_analysis import sections
from bpo_analysis.review.context import open_review
from bpo_analysis.review.escalations import TURNAROUND, escalation_speed
from bpo_analysis.review.plan import judgement

DETAILED = [
    sections.learning_curves,
    sections.staffing,
    sections.escalation_summary,
    sections.escalations,
    sections.escalation_causes,
    sections.escalation_log,
    sections.update_summary,
    sections.updates,
    sections.client_side,
    sections.knowledge,
    sections.escalation_appendix,
    sections.update_appendix,
]


def words(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", str(html))))


@pytest.mark.parametrize("period", ["2026-10", "2026-W40", "2026-Q3", "2026-10-14", "2025-05"])
@pytest.mark.parametrize("make", DETAILED, ids=lambda f: f.__name__)
def test_any_period(make, period, portfolio):
    html = make(open_review(portfolio, "baobab", period)).html
    assert html.startswith(("<section", "<header", '<div class="first-screen"'))
    assert not re.search(r"\bnan\b|\binf\b|NaT", words(html))


@pytest.mark.parametrize("make", DETAILED, ids=lambda f: f.__name__)
def test_a_dataset_with_volume_alone_says_what_is_missing(make, write_dataset):
    html = make(open_review(write_dataset(), "acme", "2026-01")).html
    if make not in (sections.escalation_appendix, sections.update_appendix):
        assert "Not shown: " in html
        assert "<table" not in html


def test_the_wave_of_leavers_is_said_in_words(portfolio):
    text = words(sections.people(open_review(portfolio, "baobab", "2026-10")).html)
    assert "Of 18 agents hired in 2026-05, 50.0 % (27.8 to 72.2 %) left within 90 days" in text
    assert "times twelve" in text
    assert "compounded" in text


def test_the_learning_ramp_is_said_in_words(portfolio):
    text = words(sections.learning_curves(open_review(portfolio, "baobab", "2026-10")).html)
    assert re.search(
        r"Average handle time: newcomers start \d\d % \([\d.]+ to [\d.]+ %\) above the tenured level", text
    )
    assert "Later weeks show only those who stayed: 18 agents started" in text


def test_the_late_escalations_are_said_in_words(portfolio):
    review = open_review(portfolio, "northline", "2026-10")
    text = words(sections.escalations(review).html)
    assert "clearly slower than" in text
    assert "in January to June 2026 (18.2 h, 16.3 to 21.2 h)" in text
    assert "7 are open on 2026-10-31, 5 of them past the agreed time" in text


def test_the_monthly_page_claims_what_its_plan_finds(portfolio):
    review = open_review(portfolio, "northline", "2026-10")
    speed = escalation_speed(review)
    found = [stretch for stretch in ("before", "earlier") if judgement(review).found(TURNAROUND, speed.label(stretch))]
    text = words(sections.escalations_and_updates(review).html)
    assert found
    assert "Half of the escalations opened in October 2026 were closed within 132.4 h (84.0 to 165.4 h)" in text
    assert "clearly" in text.split("Log of updates")[0]


def test_every_number_of_the_lead_is_in_the_list(portfolio):
    review = open_review(portfolio, "northline", "2026-10")
    sections.escalations(review)
    noted = {figure.id for figure in review.figures.values()}
    assert {"escalations.turnaround", "escalations.in_time", "escalations.open"} <= noted
    assert any(measure.kpi.name == "escalation_rate" for measure in review.ledger.values())


def test_steps_of_an_escalation_are_folded(portfolio):
    html = sections.escalation_log(open_review(portfolio, "baobab", "2026-10")).html
    assert re.search(r"<summary>bao-e\d+: 4 steps</summary><ol><li>2026-10-\d\d", html)


def test_the_partners_edition_shows_no_others(portfolio):
    partner = open_review(portfolio, "northline", "2026-10", edition="partner")
    client = open_review(portfolio, "northline", "2026-10")
    assert "In-house team" in sections.updates(client).html
    assert "In-house team" not in sections.updates(partner).html
    for make in (sections.learning_curves, sections.updates, sections.escalations, sections.update_appendix):
        text = words(make(partner).html)
        assert not re.search(r"Baobab|Kestrel|Meridia|Sólheim|Fernway", text)


def test_updates_say_coverage_and_exposure_with_intervals(portfolio):
    text = words(sections.updates(open_review(portfolio, "northline", "2026-10")).html)
    share = r"[\d.]+ % \([\d.]+ to [\d.]+ %\)"
    assert re.search(rf"On the first day of an update {share} of the agents in production that day were trained", text)
    assert re.search(r"Of [\d,]+ contacts in October 2026 that an update concerned, \d+ \(", text)
    assert "Description only" in text


def test_no_page_blames(portfolio):
    review = open_review(portfolio, "northline", "2026-10")
    text = " ".join(words(make(review).html) for make in DETAILED)
    assert not re.search(r"\b(because of|caused by|leads? to|due to|thanks to)\b", text)


def test_required_agents_name_their_method(portfolio):
    text = words(sections.staffing(open_review(portfolio, "northline", "2026-10")).html)
    assert "80 % in 20 s" in text
    assert "Erlang C (package pyworkforce)" in text
    assert "can wait: no threshold" in text


def test_windows_and_methods_of_fcr(portfolio):
    text = words(sections.first_contact_resolution(open_review(portfolio, "northline", "2026-10")).html)
    assert "Methods differ, and are never mixed." in text
    assert "Contacts without a repeat: " in text
    assert "2026-10-24" in text


def test_handle_time_is_split_into_rates_and_mix(portfolio):
    text = words(sections.handle_time(open_review(portfolio, "kestrel", "2026-10")).html)
    assert "A split, not a test; it says where, not why." in text
    assert "Handle time by part: talk" in text


def test_the_right_level_is_counted_against_the_list_of_contacts(portfolio):
    text = words(sections.escalation_causes(open_review(portfolio, "northline", "2026-10")).html)
    assert "At the level agreed for their severity: 100.0 %" in text
    assert "At the right level and within the agreed time: " in text
    assert "agreed levels in bold" in text
