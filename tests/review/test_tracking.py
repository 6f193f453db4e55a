"""Plans of the pages about escalations and updates: training by the first day now and before, by hand; editions."""

from __future__ import annotations

import pytest

from bpo_analysis.review.context import open_review
from bpo_analysis.review.plan import PARTNERS
from bpo_analysis.review.tracking import COVERED, coverage_change, home_parity, update_judgement

BEFORE = {"2025-11-10": 9, "2025-11-24": 10, "2025-12-08": 9, "2025-12-22": 10}
DURING = {"2026-01-05": 4, "2026-01-12": 5, "2026-01-19": 4, "2026-01-26": 5}


def test_shares_of_both_stretches_and_their_difference(write_dataset, updates_learned):
    review = open_review(write_dataset(**updates_learned(BEFORE | DURING)), "acme", "2026-01")
    found = coverage_change(review)
    assert found.now.estimate == pytest.approx(18 / 40)
    assert found.before.estimate == pytest.approx(38 / 40)
    assert found.difference.estimate == pytest.approx(-20 / 40)
    assert found.now.n == found.before.n == 4
    assert update_judgement(review).found(COVERED, found.label)


def test_alike_stretches_are_no_finding(write_dataset, updates_learned):
    alike = dict.fromkeys(DURING, 9)
    review = open_review(write_dataset(**updates_learned(BEFORE | alike)), "acme", "2026-01")
    assert not update_judgement(review).found(COVERED, coverage_change(review).label)


def test_two_updates_are_too_few_to_compare(write_dataset, updates_learned):
    few = dict(list(DURING.items())[:2])
    review = open_review(write_dataset(**updates_learned(BEFORE | few)), "acme", "2026-01")
    assert coverage_change(review) is None
    assert update_judgement(review).plan.table.empty


def test_nothing_without_the_tables(write_dataset):
    assert coverage_change(open_review(write_dataset(), "acme", "2026-01")) is None


def test_every_edition_makes_the_same_tests(review_of):
    client, partner = (update_judgement(review_of("northline", edition=name)) for name in ("client", "partner"))
    assert client.plan.table.equals(partner.plan.table)
    assert (PARTNERS, home_parity(review_of("northline")).label) in set(
        zip(client.table["family"], client.table["label"], strict=True)
    )
