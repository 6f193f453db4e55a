"""What a page hands to the index: sums that can be added up, targets with their states, the period before."""

import pytest

from bpo_analysis import sections
from bpo_analysis.review.context import open_review

VOLUME = """\
    partner_id,interval_start,offered,answered,answered_in_threshold,abandoned
    acme,2026-01-10,100,90,80,10
    acme,2026-02-10,200,190,180,10
"""
TARGETS = """\
    partner_id,kpi,op,value
    acme,service_level,>=,0.95
"""


@pytest.fixture
def headline(write_dataset):
    review = open_review(write_dataset(volume=VOLUME, targets=TARGETS), "acme", "2026-02")
    return sections.first_screen(review).record["headline"]


def test_every_kpi_comes_with_its_sums_and_those_of_the_period_before(headline):
    (level,) = [kpi for kpi in headline["kpis"] if kpi["kpi"] == "service_level"]
    assert (level["sums"], level["last_sums"]) == ([180.0, 200.0], [80.0, 100.0])
    assert (level["actual_text"], level["last_text"], level["since_text"]) == ("90.0 %", "80.0 %", "+10.0 pp")
    assert (level["pooling"], level["scale"], headline["last_period"]) == ("ratio", 1.0, "2026-01")


def test_agreed_targets_come_with_their_state(headline):
    (target,) = headline["agreed"]
    assert (target["kpi"], target["scope"], target["contract"]) == ("service_level", "", "missed")
    assert target["clearly_missed"] in (True, False)


def test_contacts_and_gaps_are_said(headline):
    assert headline["contacts"] == {"offered": 200.0, "handled": 190.0}
    assert headline["is_covered"] is False  # one day of 28


def test_what_is_asked_names_its_kpis(headline):
    (ask,) = headline["asks"]
    assert (ask["kpis"], ask["anchor"], ask["due_on"]) == (["service_level"], "actions", "")


def test_a_period_before_without_rows_is_missing_and_no_nought(write_dataset):
    review = open_review(write_dataset(volume=VOLUME, targets=TARGETS), "acme", "2026-01")
    level = sections.first_screen(review).record["headline"]["agreed"][0]
    assert (level["last_sums"], level["last_text"], level["since_text"]) == (None, "", "")
