"""Daily, weekly, bi-weekly, monthly and category pages: what they say, and what they say when data are missing."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import numpy as np
import pytest

from bpo_analysis import sections
from bpo_analysis.data import open_dataset
from bpo_analysis.review.context import open_review

SUMMARY = (
    sections.service_summary,
    sections.service_by_channel,
    sections.service_by_day,
    sections.service_by_hour,
    sections.wait_distribution,
)
WEEKLY = (
    sections.performance_results,
    sections.quality_assurance,
    sections.weekly_escalations,
    sections.training_updates,
    sections.business_insights,
)
MEETING = (sections.results_signals, sections.results_worksheet, sections.open_actions)
CATEGORIES = (
    sections.category_summary,
    sections.contact_reasons,
    sections.comment_categories,
    sections.kpis_by_reason,
    sections.reasons_by_partner,
    sections.category_map,
)
ALL = (*SUMMARY, *WEEKLY, *MEETING, *CATEGORIES)


def text(section):
    """The words of a section, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", str(section.html)))


def first_days(days, start=date(2026, 1, 5)):
    lines = ["partner_id,interval_start,channel,offered,answered,answered_in_threshold,talk_s"]
    lines += [
        f"acme,{start + timedelta(days=n)},voice,{50 + n},{48 + n},{40 + 2 * n},{9000 + 400 * n}" for n in range(days)
    ]
    return "\n".join(lines) + "\n"


def steady_days(days, start=date(2026, 1, 5)):
    """Twelve weeks of much the same: every value wanders a little, in no order."""
    noise = np.random.default_rng(3).integers(-6, 7, size=(days, 2))
    lines = ["partner_id,interval_start,offered,answered,answered_in_threshold"]
    lines += [
        f"acme,{start + timedelta(days=n)},{100 + a},{94 + a},{76 + b}" for n, (a, b) in enumerate(noise.tolist())
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def first_week(write_dataset):
    """Five days of production: partners, volume and targets, nothing else."""
    return open_dataset(write_dataset(volume=first_days(5)))


@pytest.fixture
def october(portfolio):
    return open_review(portfolio, "northline", "2026-10")


@pytest.mark.parametrize("make", ALL, ids=lambda f: f.__name__)
@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter"])
def test_the_first_production_week_makes_every_section(first_week, make, grain):
    section = make(open_review(first_week, "acme", grain=grain))
    assert section.html
    assert "nan" not in text(section)
    json.dumps(section.record, allow_nan=False)


def test_the_first_week_says_that_its_baseline_is_forming(first_week):
    review = open_review(first_week, "acme", grain="week")
    assert review.period.label == "2026-W02"
    for make in (sections.service_summary, sections.performance_results, sections.results_signals):
        assert "Baseline forming: 5 days with data so far, in 1 week." in text(make(review))
    performance = text(sections.performance_results(review))
    assert "No control limits yet" in performance
    assert "baseline forming: 0 weeks of 8" in performance


def test_a_partner_with_a_history_has_no_such_note(october):
    assert "Baseline forming" not in text(sections.service_summary(october))


@pytest.mark.parametrize("period", ["2026-10-14", "2026-W42", "2026-09", "2026-Q3"])
@pytest.mark.parametrize("make", [*SUMMARY, *MEETING, *CATEGORIES], ids=lambda f: f.__name__)
def test_sections_at_every_grain(portfolio, make, period):
    section = make(open_review(portfolio, "meridia", period))
    assert "nan" not in text(section)
    json.dumps(section.record, allow_nan=False)


@pytest.mark.parametrize("make", ALL, ids=lambda f: f.__name__)
def test_every_number_with_a_decimal_on_the_page_is_in_the_ledger_or_is_a_target(october, make):
    """Spot check by the numbers that carry an interval: each value printed before one was measured or noted."""
    printed = re.findall(
        r"(?:value\">|<td[^>]*>)([\d.,]+(?: %| s)) ?(?:</span>)? ?<span class=\"interval\">\d", str(make(october).html)
    )
    known = {m.text for m in october.ledger.values()} | {f.text for f in october.figures.values()}
    assert set(printed) <= known


def test_the_summary_counts_what_the_rows_hold(first_week):
    said = text(sections.service_summary(open_review(first_week, "acme", "2026-01")))
    assert "Acme Support received 260 contacts and answered 250 in January 2026." in said
    assert "Service level 84.6 %, target ≥ 80.0 %: met" in said


def test_the_summary_makes_no_tests_and_its_appendix_says_so(october):
    sections.service_summary(october)
    appendix = sections.appendix(october, tests=False)
    assert "makes no test" in text(appendix)
    assert appendix.record["tests"] == []
    assert "judgement" not in october._made


def test_at_most_eight_kpis_stand_first(october):
    for make in (
        sections.service_summary,
        sections.performance_results,
        sections.results_signals,
        sections.category_summary,
    ):
        assert 0 < len(make(october).record["headline"]["kpis"]) <= 8


def test_hours_add_up_to_the_day(portfolio):
    review = open_review(portfolio, "northline", "2026-10-31")
    html = str(sections.service_by_hour(review).html)
    hours = [f for f in review.figures.values() if f.id == "service.offered" and set(f.where) == {"hour"}]
    assert sum(f.value for f in hours) == review.measure("offered").value
    assert "by weekday" not in html


def test_hours_that_do_not_add_up_are_said(write_dataset):
    contacts = "interaction_id,partner_id,created_at\n1,acme,2026-01-05 09:00\n2,acme,2026-01-05 10:00\n"
    review = open_review(open_dataset(write_dataset(interactions=contacts)), "acme", "2026-01")
    assert "The hours hold 2 contacts, from single contacts" in text(sections.service_by_hour(review))


def test_rates_of_few_contacts_are_not_printed(write_dataset):
    head = "partner_id,interval_start,offered,answered,answered_in_threshold\n"
    volume = f"{head}acme,2026-01-05 09:00,4,4,1\nacme,2026-01-05 10:00,5,5,4\n"
    html = str(
        sections.service_by_hour(open_review(open_dataset(write_dataset(volume=volume)), "acme", "2026-01-05")).html
    )
    assert "25 %" not in html
    assert re.search(r'<th scope="row">09</th>.*?few.*?<th scope="row">10</th>.*?80 %', html)


def test_queues_are_shown_where_they_are_named(write_dataset):
    volume = (
        "partner_id,interval_start,queue,offered,answered\nacme,2026-01-05,sales_eu,8,6\nacme,2026-01-05,care,3,3\n"
    )
    named = text(
        sections.service_by_channel(open_review(open_dataset(write_dataset(volume=volume)), "acme", "2026-01"))
    )
    assert "By queue, January 2026, from table volume" in named
    assert "sales eu 8 6" in named


def test_the_calendar_marks_the_days(first_week):
    section = sections.service_by_day(open_review(first_week, "acme", "2026-01"))
    assert "met in 5 of 5 days" in text(section)
    assert re.findall(r">([✓✕] \d+ %)<", str(section.html)) == ["✓ 80 %", "✓ 82 %", "✓ 85 %", "✓ 87 %", "✓ 89 %"]


def test_one_day_has_no_calendar(first_week):
    assert "the period is one day" in text(sections.service_by_day(open_review(first_week, "acme", grain="day")))


def test_without_a_target_there_is_no_calendar_but_a_reason(write_dataset):
    targets = "kpi,op,value,kind\ncsat,>=,80 %,absolute\n"
    review = open_review(open_dataset(write_dataset(targets=targets)), "acme", "2026-01")
    assert "no target of Service level is in force" in text(sections.service_by_day(review))


def test_the_five_blocks_have_their_order(october):
    titles = [re.search(r"<h2[^>]*>(\d)\. ", str(make(october).html)).group(1) for make in WEEKLY]
    assert titles == ["1", "2", "3", "4", "5"]


def test_a_training_update_ahead_is_named_before_it_is_in_force(portfolio):
    said = text(sections.training_updates(open_review(portfolio, "northline", "2026-W43")))
    assert "Refund rule: order status client 2026-10-30 in 5 days" in said


def test_an_escalation_closed_later_is_open_at_the_end_of_the_week(portfolio):
    review = open_review(portfolio, "northline", "2026-W43")
    table = review.register("escalations")
    end = "2026-10-26"
    still = (table["opened_at"] < end) & ~(table["closed_at"] < end)
    assert f"{int(still.sum())} open on 2026-10-25" in text(sections.weekly_escalations(review))


def test_the_results_meeting_finds_the_shift_and_leaves_blanks(portfolio):
    review = open_review(portfolio, "northline", "2026-W25")
    assert "Week of 15 Jun: 62.4 %, below the limits" in text(sections.results_signals(review))
    sheet = str(sections.results_worksheet(review).html)
    row = sheet[sheet.index("Service level:") :]
    assert row[: row.index("</tr>")].count('class="blank"') == 3
    assert "Look first at" in sheet


def test_a_meeting_without_a_signal_keeps_its_worksheet(write_dataset):
    review = open_review(open_dataset(write_dataset(volume=steady_days(84))), "acme", "2026-W13")
    assert "no signal in" in text(sections.results_signals(review))
    sheet = sections.results_worksheet(review)
    assert "No signal calls for an action" in text(sheet)
    assert len(re.findall(r'class="blank"', str(sheet.html))) == 3 * 6


def test_monthly_data_have_no_weekly_pages(write_dataset):
    volume = "partner_id,interval_start,offered,answered\nacme,2026-01-01,500,450\nacme,2026-02-01,400,390\n"
    review = open_review(open_dataset(write_dataset(volume=volume)), "acme", "2026-02")
    for make in (
        sections.performance_results,
        sections.quality_assurance,
        sections.results_signals,
        sections.service_by_day,
    ):
        assert "the data are monthly" in text(make(review))


def test_the_category_page_keeps_requests_and_feedback_apart(october):
    assert "Requests: what customers want done" in text(sections.contact_reasons(october))
    said = text(sections.comment_categories(october))
    assert "Feedback: what customers say" in said
    assert "Requests" not in said


def test_the_category_page_judges_its_own_tests(october):
    record = sections.category_appendix(october).record
    assert {row["family"] for row in record["tests"]} == {"shares of contact reasons", "shares of comment categories"}


def test_other_partners_are_named_to_the_client_alone(portfolio):
    client = sections.reasons_by_partner(open_review(portfolio, "northline", "2026-10"))
    assert "Meridia" in client.html
    partner = sections.reasons_by_partner(open_review(portfolio, "northline", "2026-10", edition="partner"))
    assert not partner.html


def test_what_the_map_lacks_is_listed(write_dataset):
    volume = (
        "partner_id,interval_start,reason,offered,answered\nacme,2026-01-05,billing,8,6\nacme,2026-01-05,new_tag,3,3\n"
    )
    dataset = open_dataset(write_dataset(volume=volume, category_map="raw,category,kind\nbilling,Money,request\n"))
    review = open_review(dataset, "acme", "2026-01")
    assert "new tag 3 contact reason" in text(sections.category_map(review))
    assert "33.3 % (3)" in text(sections.category_summary(review))
