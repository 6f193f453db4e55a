"""Measures: pooled, traced, and missing where they are missing."""

from __future__ import annotations

import pandas as pd
import pytest

from bpo_analysis.errors import DatasetError, UnknownNameError
from bpo_analysis.periods import parse_period
from bpo_analysis.review.context import open_review


def test_a_value_is_a_sum_over_a_sum(review_of, portfolio):
    review = review_of("northline")
    rows = portfolio.kpi_rows(partner_id="northline", kpi="csat")
    inside = rows[rows["date"].between("2026-10-01", "2026-10-31")]
    found = review.measure("csat")
    assert found.numerator == inside["numerator"].sum()
    assert found.value == inside["numerator"].sum() / inside["denominator"].sum()


def test_a_mean_of_days_would_be_another_number(review_of):
    daily = review_of("northline").daily("csat").loc["2026-10-01":"2026-10-31"]
    mean_of_days = (daily["numerator"] / daily["denominator"]).mean()
    assert abs(review_of("northline").measure("csat").value - mean_of_days) > 0.001


def test_months_make_the_quarter(review_of):
    review = review_of("solheim")
    months = [review.measure("aht_s", period=parse_period(f"2026-{m:02d}")) for m in (7, 8, 9)]
    quarter = review.measure("aht_s", period=parse_period("2026-Q3"))
    assert quarter.numerator == pytest.approx(sum(m.numerator for m in months))
    assert quarter.denominator == pytest.approx(sum(m.denominator for m in months))


def test_slices_make_the_whole(review_of):
    review = review_of("kestrel")
    parts = [review.measure("fcr", where={"category": c}) for c in review.slices("fcr", "category")]
    assert sum(p.denominator for p in parts) == review.measure("fcr").denominator


def test_missing_is_missing(nhs111):
    review = open_review(nhs111, "111AI5", "2026-03")
    assert (
        review.measure("service_level", start=pd.Timestamp("2025-12-22").date(), end=pd.Timestamp("2025-12-28").date())
        is None
    )
    assert review.measure("csat") is None
    assert "surveys" in nhs111.unavailable["csat"]


def test_the_ledger_lists_what_was_given_out(review_of):
    review = review_of("fernway")
    assert not review.ledger
    review.measure("csat", record=False)
    assert not review.ledger
    found = review.measure("csat")
    assert list(review.ledger.values()) == [found]


def test_one_day(review_of):
    review = review_of("northline", "2026-10-14")
    found = review.measure("service_level")
    assert found.days == 1
    assert "from the units before" in found.interval.method


def test_weeks_and_quarters(review_of):
    assert review_of("northline", "2026-W40").before()[1].isoformat() == "2026-09-27"
    assert review_of("northline", "2026-Q3").before()[0].isoformat() == "2026-04-01"


def test_counts_have_no_interval_and_rare_events_have_one(review_of):
    review = review_of("northline")
    assert review.measure("cost_per_contact").interval is None
    assert review.measure("headcount").interval is None
    attrition = review.measure("attrition_monthly")
    assert attrition.interval.method == "exact Poisson"
    assert attrition.limits[1] > 0


def test_partner_by_name_or_id(portfolio):
    assert open_review(portfolio, "Sólheim Contact").partner_id == "solheim"
    assert open_review(portfolio, " NORTHLINE ").name == "Northline Support"
    with pytest.raises(UnknownNameError, match="Did you mean 'northline'"):
        open_review(portfolio, "nothline")


def test_a_period_outside_the_data(portfolio):
    with pytest.raises(DatasetError, match=r"2031-01 has no rows: the data .* run from 2025-05-01 to 2026-10-31"):
        open_review(portfolio, "northline", "2031-01")


def test_the_default_period_is_the_last_complete_month(portfolio, nhs111):
    assert open_review(portfolio, "northline").period.label == "2026-10"
    assert nhs111.period().label == "2026-03"
