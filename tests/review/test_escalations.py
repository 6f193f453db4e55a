"""Escalations: what was known at the end of the period, levels, repeats, ageing, and the planted delay."""

from __future__ import annotations

import pytest

from bpo_analysis.review import escalations as esc
from bpo_analysis.review.context import open_review
from bpo_analysis.review.escalations import TURNAROUND, escalation_speed
from bpo_analysis.review.tracking import escalation_judgement

TABLE = """\
escalation_id,partner_id,opened_at,closed_at,severity,level,category,root_cause,owner_side,due_hours
e1,acme,2026-01-02T00:00:00,2026-01-02T12:00:00,major,1,billing,policy,client,24
e2,acme,2026-01-03T00:00:00,2026-01-05T00:00:00,major,2,billing,policy,partner,24
e3,acme,2026-01-20T00:00:00,2026-02-03T00:00:00,minor,1,order,system,partner,48
e4,acme,2026-01-31T00:00:00,,minor,1,order,,partner,48
e5,acme,2026-01-10T00:00:00,2026-01-10T06:00:00,minor,1,order,policy,partner,48
e6,acme,2026-02-02T00:00:00,,minor,1,order,policy,partner,48
"""
CONTACTS = """\
partner_id,side,name,topic,severity,level
,client,Desk,,minor,1
,client,Lead,,major,2
"""
STEPS = """\
escalation_id,seq,at,step,by
e1,1,2026-01-02T01:00:00,received,partner
e3,1,2026-01-21T00:00:00,received,partner
e3,2,2026-02-03T00:00:00,solved,partner
"""


@pytest.fixture
def review(write_dataset):
    folder = write_dataset(escalations=TABLE, contacts=CONTACTS, escalation_steps=STEPS)
    return open_review(folder, "acme", "2026-01")


def test_a_closing_after_the_period_is_not_known_yet(review):
    table = esc.escalations_known(review).set_index("escalation_id")
    assert "e6" not in table.index
    assert not table.loc["e3", "closed"]
    assert table.loc["e3", "hours"] == 12 * 24
    assert table.loc["e1", "hours"] == 12


def test_not_due_yet_is_neither_kept_nor_missed(review):
    found = esc.within_due(review, esc.escalations_known(review))
    # Of five, e1 and e5 are in time, e2 and e3 late; e4 has been open for half its time: 2/5 by Kaplan-Meier on the
    # four that can be told at 1, for e4 leaves the risk set before it.
    assert found.n == 5
    assert found.share_within == pytest.approx(1 - 3 / 5)


def test_right_level_by_the_list_of_contacts(review):
    found = esc.levels(review, esc.escalations_known(review))
    assert found.matrix.loc["major"].tolist() == [1, 1]
    assert found.right.estimate == pytest.approx(4 / 5)
    # Decided: e1 (wrong level), e2 (late), e3 (late), e5 (right and in time).
    assert found.right_in_time.estimate == pytest.approx(1 / 4)


def test_without_that_list_there_is_only_the_matrix(write_dataset):
    review = open_review(write_dataset(escalations=TABLE), "acme", "2026-01")
    found = esc.levels(review, esc.escalations_known(review))
    assert found.right is None
    assert found.expected == {}


def test_ageing_counts_open_ones_at_the_end(review):
    ages = esc.ageing(review, esc.escalations_known(review)).set_index("age")
    assert ages.loc["up to 1 d"].tolist() == [1, 0]
    assert ages.loc["7-14 d"].tolist() == [1, 1]
    assert ages["open"].sum() == 2


def test_causes_add_up_and_name_what_is_missing(review):
    found = esc.causes(esc.escalations_known(review), "root_cause")
    assert found["value"].tolist() == ["policy", "not given", "system"]
    assert found["count"].tolist() == [3, 1, 1]
    assert found["cumulative"].iloc[-1] == pytest.approx(1)


def test_steps_after_the_period_are_not_shown(review):
    found = esc.steps_of(review, ["e1", "e3"])
    assert len(found["e3"]) == 1


def test_the_planted_delay_is_found_and_quiet_partners_stay_quiet(review_of):
    found = escalation_speed(review_of("northline"))
    judged = escalation_judgement(review_of("northline"))
    assert judged.found(TURNAROUND, found.label("earlier"))
    assert found.slower("earlier")
    assert found.results["period"].median > 4 * found.results["earlier"].median
    others = ("solheim", "kestrel", "baobab", "meridia", "fernway", "home")
    # Nothing is planted there; at 5 % a page, one of six may still speak by chance.
    assert sum(bool(escalation_judgement(review_of(partner)).findings) for partner in others) <= 1


def test_repeats_of_the_sample_name_no_customer(review_of):
    found = esc.repeats(review_of("northline", "2026-Q3"))
    assert found.share.total == 93
    assert set(found.rows.columns) == {"escalation_id", "repeat_of", "gap_days", "same_category"}


def test_nothing_without_the_table(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert esc.escalations_known(review) is None
    assert esc.repeats(review) is None
    assert escalation_speed(review) is None
    assert not escalation_judgement(review).findings
