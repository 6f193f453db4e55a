"""Pages on paper: as many sheets as their readers will bear, on both sizes of paper."""

from __future__ import annotations

import re

import pytest

SHEETS = {
    "monthly_partner_review": (20, 40),
    "quarterly_business_review": (40, 70),
    "quarterly_business_review-partner-edition-steering": (6, 14),
    "portfolio_review": (6, 14),
    "weekly_account_summary": (8, 18),
    "custom_package": (8, 18),
    "category_report": (4, 10),
    "escalation_tracking": (4, 10),
    "update_tracking": (4, 10),
    "monthly_summary": (4, 10),
    "calibration_pack": (4, 10),
    "results_meeting": (3, 8),
    "daily_summary": (3, 8),
    "index": (1, 3),
    "pilot_evaluation-suggested-replies": (8, 18),
    "pilot_monitor-suggested-replies": (4, 10),
    "pilot_plan-suggested-replies": (4, 10),
}
"""Fewest and most sheets of each template over the synthetic dataset, in which every section has something to show."""


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_every_template_takes_as_many_sheets_as_expected(turn_pages, pages, paper):
    made = {}
    for path, page in turn_pages(path for path in pages if "nhs111" not in path.parts):
        made[path.stem] = len(re.findall(rb"/Type /Page\b", page.pdf(format=paper)))
    assert made.keys() == SHEETS.keys()
    assert not {name: count for name, count in made.items() if not SHEETS[name][0] <= count <= SHEETS[name][1]}


def test_without_most_tables_a_review_is_a_few_sheets(turn_pages, pages):
    """The real dataset has one table: no sheet is spent on what is not there."""
    for path, page in turn_pages(path for path in pages if "nhs111" in path.parts):
        assert len(re.findall(rb"/Type /Page\b", page.pdf(format="A4"))) <= 10, path
