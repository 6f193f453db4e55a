"""Attrition both ways, tenure, staying by cohort: by hand, and the planted wave."""

from __future__ import annotations

import pandas as pd
import pytest

from bpo_analysis.review import people
from bpo_analysis.review.context import open_review

ROSTER = """\
agent_id,partner_id,hire_date,prod_date,exit_date
a1,acme,2025-01-01,2025-01-20,
a2,acme,2025-01-01,2025-01-20,2026-01-11
a3,acme,2026-01-02,2026-01-20,
a4,acme,2026-01-02,2026-01-20,2026-01-30
a5,acme,2026-01-02,2026-01-20,2026-02-15
a6,acme,2026-01-02,2026-01-20,
a7,acme,2026-01-02,2026-01-20,
"""
ACKS = """\
update_id,agent_id,partner_id,assigned_on,due_on,acknowledged_on,trained_on
u1,a1,acme,2026-01-01,2026-01-10,2026-01-03,2026-01-04
u1,a2,acme,2026-01-01,2026-01-10,2026-01-03,2026-01-11
u1,a3,acme,2026-01-01,2026-01-10,,
"""


@pytest.fixture
def review(write_dataset):
    return open_review(write_dataset(roster=ROSTER, training_acks=ACKS), "acme", "2026-01")


def test_both_annual_rates_come_from_the_same_month(review):
    found = people.attrition(review)
    monthly = found.monthly.value
    assert found.monthly.numerator == 2
    assert found.times_12.value == pytest.approx(12 * monthly)
    assert found.compounded == pytest.approx(1 - (1 - monthly) ** 12)
    low, high = found.compounded_limits
    assert low < found.compounded < high <= 1


def test_tenure_bands_end_where_they_say():
    days = pd.Series([0, 30, 31, 90, 91, 180, 181, 365, 366])
    first, second, third, fourth, last = people.BANDS
    assert list(people.tenure_band(days)) == [first, first, second, second, third, third, fourth, fourth, last]


def test_heads_by_tenure_at_the_end_of_the_period(review):
    row = people.tenure_mix(review).iloc[-1]
    # a1 is 395 days there, a3, a5, a6 and a7 29; the exit of a5 in February is not known yet.
    assert row[["0-30 d", "over 365 d", "heads", "hired", "left"]].tolist() == [4, 1, 5, 5, 2]


def test_staying_counts_only_hires_since_the_data_begin(review):
    found = people.staying(review)
    assert found.older == 2
    assert found.everyone.n == 5
    assert found.everyone.n_open == 4
    assert [c.label for c in found.cohorts] == ["2026-01"]


def test_a_cohort_without_others_has_no_test(review):
    cohort = people.staying(review).cohorts[0]
    assert cohort.comparison is None
    assert pd.isna(cohort.adjusted_pvalue)


def test_training_by_tenure_takes_agents_as_units(review):
    found = people.completion_by_tenure(review)
    assert found["over 365 d"].estimate == 0.5
    assert found["over 365 d"].n == 2
    assert found["0-30 d"].estimate == 0


def test_the_planted_wave_stands_out_and_no_other_partner_does(review_of):
    cohort = people.staying(review_of("baobab")).cohorts[0]
    assert cohort.label == "2026-05"
    assert cohort.result.share_within == 0.5
    assert cohort.reference == "the hires of all other partners"
    assert cohort.adjusted_pvalue < 0.05
    for partner in ("northline", "solheim", "kestrel", "meridia"):
        assert all(not c.adjusted_pvalue < 0.05 for c in people.staying(review_of(partner)).cohorts)


def test_the_partners_edition_compares_with_nobody_else(review_of):
    cohort = people.staying(review_of("baobab", edition="partner")).cohorts[0]
    assert cohort.comparison is None
    assert cohort.result.share_within == 0.5


def test_an_exit_after_the_period_is_not_known(review_of):
    early = people.spells(review_of("baobab", "2026-05"))
    assert early["until"].max() <= pd.Timestamp("2026-05-31")


def test_without_a_roster_there_is_nothing(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert people.attrition(review) is None
    assert people.tenure_mix(review) is None
    assert people.staying(review) is None
    assert people.completion_by_tenure(review) == {}
