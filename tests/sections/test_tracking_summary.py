"""First screens of the pages about escalations, updates, a week and calibration: state, change, what is asked."""

from __future__ import annotations

import re
from html import unescape

import pytest

from bpo_analysis import sections
from bpo_analysis.formats import of_them
from bpo_analysis.review.context import open_review

ESCALATIONS = """\
escalation_id,partner_id,opened_at,closed_at,severity,level,category,root_cause,owner_side,due_hours
e1,acme,2026-01-02T00:00:00,{},major,1,billing,policy,client,24
e2,acme,2026-01-30T12:00:00,{},minor,1,billing,policy,partner,72
"""

BEFORE = {"2025-11-10": 9, "2025-11-24": 10, "2025-12-08": 9, "2025-12-22": 10}
DURING = {"2026-01-05": 4, "2026-01-12": 5, "2026-01-19": 4, "2026-01-26": 5}


def words(section):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", str(section.html)))).strip()


def escalated(write_dataset, first, second, **other):
    folder = write_dataset(escalations=ESCALATIONS.format(first, second), **other)
    return open_review(folder, "acme", "2026-01")


def test_one_late_escalation_is_one_and_not_one_of_them(write_dataset):
    section = sections.escalation_summary(escalated(write_dataset, "", "2026-01-31T00:00:00"))
    said = words(section)
    assert said.startswith("1 escalation of Acme Support is open on 2026-01-31, past the agreed time.")
    assert (
        "Close the late escalation, or set a new day for it: e1 (major, open for 720.0 h with 24 h agreed, with the "
        "client)." in said
    )
    assert "1 of them" not in said
    assert 'class="verdict bad"' in section.html
    assert section.record["headline"]["verdict"] in said


def test_two_open_of_which_the_latest_is_named_first(write_dataset):
    said = words(sections.escalation_summary(escalated(write_dataset, "", "")))
    assert said.startswith("2 escalations of Acme Support are open on 2026-01-31, 1 of them past the agreed time.")


def test_nothing_open_asks_nothing(write_dataset):
    section = sections.escalation_summary(escalated(write_dataset, "2026-01-02T09:00:00", "2026-01-31T00:00:00"))
    said = words(section)
    assert said.startswith("No escalation of Acme Support is open on 2026-01-31.")
    assert "2 escalations were opened in January 2026: too few to say how long they take." in said
    assert "Nothing is asked of you." in said
    assert 'class="verdict none"' in section.html


def test_the_planted_delay_is_the_verdict(portfolio):
    said = words(sections.escalation_summary(open_review(portfolio, "northline", "2026-10")))
    assert said.startswith("7 escalations of Northline Support are open on 2026-10-31, 5 of them past the agreed time.")
    assert "clearly slower than in the three months before" in said
    assert "Northline Support: say what holds escalations up, and what will be done." in said


def test_fewer_trained_on_the_first_day_is_the_verdict(write_dataset, updates_learned):
    review = open_review(write_dataset(**updates_learned(BEFORE | DURING)), "acme", "2026-01")
    section = sections.update_summary(review)
    said = words(section)
    assert said.startswith("By its first day 45.0 % (")
    assert "of the agents of Acme Support were trained in an update of January 2026; 95.0 % (" in said
    assert "That is clearly fewer." in said
    assert 'class="verdict bad"' in section.html
    assert "Acme Support: finish the 24 trainings that are still open of 80." in said
    assert "started with 4 of 10 agents trained, the largest gap." in said
    assert review.figures


def test_without_trainings_the_verdict_says_that_it_cannot_be_told(write_dataset, updates_learned):
    tables = updates_learned(DURING)
    review = open_review(write_dataset(updates=tables["updates"]), "acme", "2026-01")
    said = words(sections.update_summary(review))
    assert said.startswith("How many agents of Acme Support knew an update on its first day cannot be told.")
    assert "Nothing is asked of you." in said


def test_the_week_says_targets_range_and_what_is_asked(portfolio):
    section = sections.week_summary(open_review(portfolio, "northline", "2026-W43"))
    said = words(section)
    assert "missed 6 of 10 targets in week 43 of 2026" in said
    assert re.search(r"(\d+|None) of \d+ KPIs? clearly left the usual range of the 12 weeks before", said)
    assert "Asked first: " in said


def test_lenient_raters_are_the_verdict_of_the_calibration_pack(portfolio):
    section = sections.calibration_summary(open_review(portfolio, "kestrel", "2026-W43"))
    assert words(section).startswith("The partner's raters give 7.4 pp more than the client's")
    assert 'class="verdict bad"' in section.html
    quiet = sections.calibration_summary(open_review(portfolio, "fernway", "2026-W43"))
    assert words(quiet).startswith("No difference between both sides' scores was found")


@pytest.mark.parametrize("make", [sections.escalation_summary, sections.update_summary, sections.calibration_summary])
def test_missing_tables_are_said(make, write_dataset):
    assert "Not shown: " in words(make(open_review(write_dataset(), "acme", "2026-01")))


def test_counts_in_a_clause():
    assert of_them(0, 1, "late") == "not late"
    assert of_them(2, 2, "late") == "all of them late"
