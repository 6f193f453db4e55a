"""Updates: coverage on the first day, exposure, lead times, parity: by hand and on the sample."""

from __future__ import annotations

import pytest

from bpo_analysis.review import updates as upd
from bpo_analysis.review.context import open_review
from bpo_analysis.review.tracking import home_parity, update_judgement

ROSTER = """\
agent_id,partner_id,team,hire_date,prod_date,exit_date
a1,acme,red,2025-01-01,2025-01-20,
a2,acme,red,2025-01-01,2025-01-20,
a3,acme,blue,2025-01-01,2025-01-20,
a4,acme,blue,2026-01-02,2026-01-20,
a5,acme,blue,2025-01-01,2025-01-20,2026-01-03
"""
UPDATES = """\
update_id,source,title,announced_on,effective_on,agreed_lead_days,mandatory,reason
u1,client,Refunds,2026-01-01,2026-01-10,5,true,billing
u2,client,Late,2026-01-09,2026-01-10,5,true,billing
u3,website,Page,2026-01-12,,,false,
u4,client,Ahead,2026-01-20,2026-02-10,5,true,
"""
ACKS = """\
update_id,agent_id,partner_id,assigned_on,due_on,acknowledged_on,trained_on
u1,a1,acme,2026-01-01,2026-01-10,2026-01-03,2026-01-05
u1,a2,acme,2026-01-01,2026-01-10,2026-01-09,2026-01-12
u1,a3,acme,2026-01-01,2026-01-10,,
u2,a1,acme,2026-01-09,2026-01-10,2026-01-10,2026-01-10
"""


@pytest.fixture
def review(write_dataset):
    return open_review(write_dataset(roster=ROSTER, updates=UPDATES, training_acks=ACKS), "acme", "2026-01")


@pytest.fixture
def table(review):
    return upd.updates_known(review)


def test_updates_ahead_are_marked_and_without_a_day_take_effect_at_once(table):
    rows = table.set_index("update_id")
    assert rows["ahead"].to_dict() == {"u1": False, "u2": False, "u3": False, "u4": True}
    assert rows["lead_days"].to_dict() == {"u1": 9, "u2": 1, "u3": 0, "u4": 21}


def test_coverage_is_of_those_in_production_that_day(review, table):
    found = upd.coverage(review, table)
    # a4 is not in production yet, a5 has left; a3 never answered, a2 is trained two days late.
    assert found.of("u1") == (1, 2, 3)
    assert found.of("u2") == (1, 1, 3)
    assert found.of("u3") is None
    assert found.trained.estimate == pytest.approx(2 / 6)
    blue = found.table.set_index(["update_id", "team"]).loc[("u1", "blue")]
    assert blue[["roster", "acknowledged", "trained"]].tolist() == [1, 0, 0]


def test_without_a_roster_the_base_is_who_was_asked(write_dataset):
    review = open_review(write_dataset(updates=UPDATES, training_acks=ACKS), "acme", "2026-01")
    found = upd.coverage(review, upd.updates_known(review))
    assert not found.on_roster
    assert found.of("u2") == (1, 1, 1)


def test_lead_times_by_source(review, table):
    found = {lead.source: lead for lead in upd.lead_times(review, table)}
    client = found["client"]
    assert (client.n, client.median, client.agreed, client.kept) == (3, 9, 3, 2)
    assert found["website"].share is None


def test_coverage_of_the_sample_lies_between_its_swings(review_of):
    review = review_of("northline")
    found = upd.coverage(review, upd.updates_known(review))
    by_update = found.table.groupby("update_id")[["trained", "roster"]].sum()
    shares = by_update["trained"] / by_update["roster"]
    # Planted: weekly completion swings between about 50 and 99 %.
    assert shares.min() < 0.7
    assert shares.max() > 0.95


def test_exposure_counts_only_updates_somebody_was_asked_to_learn(review_of):
    found = upd.exposure(review_of("northline"))
    assert 0 < found.untrained < found.contacts
    assert found.share.estimate == pytest.approx(found.untrained / found.contacts)
    assert not set(found.unasked["update_id"]) & set(found.table["update_id"])
    assert set(found.unasked["update_id"].str[:3]) == {"web"}


def test_parity_compares_the_same_updates(review_of):
    found = home_parity(review_of("northline"))
    assert found.comparison.first == "Northline Support"
    assert found.home == "In-house team"
    assert found.comparison.n_clusters < found.comparison.n
    assert found.label in update_judgement(review_of("northline")).plan.table["label"].tolist()


def test_parity_says_why_there_is_none(review_of, review, table):
    assert home_parity(review_of("home")) == "this is the in-house team itself"
    assert upd.parity(review, table) == "no partner of kind inhouse is in this dataset"


def test_nothing_without_the_tables(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert upd.updates_known(review) is None
    assert upd.exposure(review) is None
    only = open_review(write_dataset(updates=UPDATES, folder="only"), "acme", "2026-01")
    assert upd.coverage(only, upd.updates_known(only)) is None
    assert upd.acknowledged(only, upd.updates_known(only)) == {}
