"""Pages about targets, actions and governance: what a reader meets first, and that each number is listed."""

from __future__ import annotations

import re

import pytest

from bpo_analysis import sections
from bpo_analysis.review.context import open_review

OWN = (
    sections.targets_in_detail, sections.consistency, sections.watermelon, sections.corrective_actions,
    sections.improvement, sections.client_commitments, sections.governance, sections.activities, sections.relationship,
)  # fmt: skip


def words(section):
    text = re.sub(r"<svg.*?</svg>", " ", str(section.html), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


@pytest.fixture(scope="module")
def northline(portfolio):
    return open_review(portfolio, "northline", "2026-10")


def test_targets_say_first_what_is_wrong_with_them(northline):
    text = words(sections.targets_in_detail(northline))
    assert "14 target rows: none lacks any of the five. 1 is only proposed." in text
    assert "Repeat contacts: from 16.5 % (agreed) to ≤ 13.5 % by 2027-03-31." in text
    assert "prediction" not in text  # no word of statistics where a plain one does
    assert "not comparable" in text


def test_consistency_names_the_longest_run_of_misses(northline):
    text = words(sections.consistency(northline))
    assert "Longest run of misses: Service level, 25 days." in text
    assert "Service level: 1 of 31 days met" in text


def test_a_missing_link_is_unexplained_by_its_name(northline):
    text = words(sections.corrective_actions(northline))
    assert "no root cause" in text
    assert "Service level 68.7 % (≥ 80.0 %): due date passed 61 days ago ." in text


def test_the_effective_action_stands_with_interval_and_no_word_of_cause(northline):
    text = words(sections.corrective_actions(northline))
    assert re.search(r"−7\.\d pp −\d\.\d to −\d\.\d pp mean 15\.\d % before, 8\.\d % after moved as expected", text)
    assert "does not show that the action moved it" in text
    assert not re.search(r"\b(because|caused|led to|thanks to|due to)\b", text)


def test_the_useless_action_is_said_first(portfolio):
    text = words(sections.corrective_actions(open_review(portfolio, "meridia", "2026-10")))
    first = text.index("Closed, but the KPI did not follow: Forty new knowledge articles")
    assert first < text.index("From each missed target")


def test_the_watermelon_is_said_in_words(portfolio, northline):
    text = words(sections.watermelon(open_review(portfolio, "baobab", "2026-10")))
    assert (
        "Green outside, red inside: all 3 service targets are met, while CSAT (top two boxes) clearly worsens" in text
    )
    assert "so nothing is hidden behind it" in words(sections.watermelon(northline))


def test_both_sides_and_joint_actions(portfolio):
    text = words(sections.client_commitments(open_review(portfolio, "solheim", "2026-10")))
    assert "Sólheim Contact" in text
    assert "both sides Rehearse the night with calls routed to a second site R. Einarsdóttir and planning" in text


def test_what_went_wrong_names_whom_to_turn_to(northline):
    text = words(sections.governance(northline))
    assert re.search(r"Service level clearly missed Duty manager .*? Routing team", text)
    assert "36 of 38 planned meetings took place" in text


def test_printed_numbers_are_listed(portfolio):
    review = open_review(portfolio, "solheim", "2026-10")
    for make in OWN:
        make(review)
    listed = {id for id, *_ in review.figures}
    assert {
        "targets.met_before", "targets.projected", "consistency.days_met", "actions.effect", "commitments.kept",
        "governance.meetings_held", "relationship.mean", "improvement.per_quarter",
    } <= listed  # fmt: skip
    day = [key for key in review.ledger if key[0] == "service_level" and key[-2] == key[-1]]
    assert len(day) == 31  # each day of the calendar


def test_the_partners_edition_compares_with_nobody(portfolio):
    html = words(sections.improvement(open_review(portfolio, "kestrel", "2026-10", edition="partner")))
    assert "other partners" not in html


@pytest.mark.parametrize("period", ["2026-W10", "2026-03-10", "2026-Q1"])
def test_other_periods_and_few_tables(nhs111, period):
    review = open_review(nhs111, "Thames Valley", period)
    found = {make.__name__: words(make(review)) for make in OWN}
    assert "target row" in found["targets_in_detail"]
    assert "Not shown: table relationship_surveys is not in this dataset." in found["relationship"]
    assert "Actions: not shown, table actions is not in this dataset." in found["corrective_actions"]
    assert not any(re.search(r"\bnan\b", text, re.IGNORECASE) for text in found.values())
