"""Learning curves of the sample, and partners on the same tenure."""

from __future__ import annotations

import pytest

from bpo_analysis.review.context import open_review
from bpo_analysis.review.learning import learning, same_tenure, survivors


def test_the_planted_ramp_is_found_with_its_length(review_of):
    found = {item.kpi.name: item for item in learning(review_of("baobab"))}
    aht = found["aht_s"]
    # Planted: about 1.6 times at first, some five months to settle.
    assert aht.clear
    assert 0.4 < aht.curve.gap_ci_low < aht.curve.gap
    assert 13 < aht.curve.weeks <= 26
    assert not found["qa_score"].clear


def test_the_others_start_near_the_tenured_level(review_of):
    aht = next(item for item in learning(review_of("northline")) if item.kpi.name == "aht_s")
    assert not aht.clear
    assert aht.curve.gap < 0.3


def test_points_have_intervals_of_agents(review_of):
    points = learning(review_of("baobab"))[0].points
    assert (points["ci_low"] < points["value"]).all()
    assert points["agents"].min() >= 3
    assert points["week"].is_monotonic_increasing


def test_nothing_after_the_period_is_used(review_of):
    now, then = (learning(review_of("baobab", period))[0] for period in ("2026-10", "2026-06"))
    assert then.points["denominator"].sum() < now.points["denominator"].sum()
    assert then.curve is not None
    assert then.points["week"].max() <= 4


def test_survivors_are_counted_of_those_who_could_be_there(review_of):
    found = survivors(review_of("baobab"))
    assert found.started == 18
    assert found.there_after[13] == (9, 18)


def test_partners_on_the_same_tenure(review_of):
    tables = {item.kpi.name: item.table for item in same_tenure(review_of("baobab"))}
    rows = tables["aht_s"].set_index("name")
    assert "Baobab Care" not in rows.index
    assert (rows["ci_low"] <= rows["difference"]).all()
    assert (rows["adjusted_pvalue"] >= rows["pvalue"]).all()


def test_the_partners_edition_has_no_other_partner(review_of):
    assert same_tenure(review_of("baobab", edition="partner")) == []


def test_without_agents_there_is_no_curve(write_dataset):
    assert learning(open_review(write_dataset(), "acme", "2026-01")) is None


@pytest.mark.parametrize("period", ["2026-W40", "2026-Q3", "2026-10-14"])
def test_any_period(review_of, period):
    assert len(learning(review_of("baobab", period))) == 3
