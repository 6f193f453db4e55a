"""The year at a glance, and what comes next."""

from datetime import date

import pytest

from bpo_analysis.periods import parse_period
from bpo_analysis.review.context import open_review
from bpo_analysis.review.scorecard import clauses
from bpo_analysis.review.year import coming_targets, year_ago, years_on_year
from bpo_analysis.sections import beside_the_others, contract_scorecard
from bpo_analysis.sections.year import coming, twelve_months


@pytest.mark.parametrize(
    ("period", "before"),
    [("2026-10", "2025-10"), ("2026-Q3", "2025-Q3"), ("2026-W44", "2025-W44"), ("2026-10-30", "2025-10-31")],
)
def test_a_year_before_is_the_same_season(period, before):
    found = year_ago(parse_period(period))
    assert found.label == before
    assert found.start.weekday() == parse_period(period).start.weekday() or found.grain in ("month", "quarter")


def test_the_year_has_a_line_for_every_kpi_of_the_contract(portfolio):
    review = open_review(portfolio, "northline", "2026-10")
    names = {one.kpi.name for one in years_on_year(review)}
    assert {c.row.kpi.name for c in clauses(review) if not c.scope and c.row.measure} <= names
    one = next(line for line in years_on_year(review) if line.kpi.name == "service_level")
    assert one.before.start == date(2025, 10, 1)
    assert one.change == pytest.approx(one.now.value - one.before.value)
    assert one.is_clear
    assert "worse" in twelve_months(review).html


def test_the_level_holds_for_all_lines_together(portfolio):
    review = open_review(portfolio, "northline", "2026-10")
    one = next(line for line in years_on_year(review) if line.kpi.name == "csat")
    alone = [abs(a - b) for a, b in ((one.now.limits[0], one.now.value), (one.before.limits[0], one.before.value))]
    assert (one.limits[1] - one.limits[0]) / 2 > max(alone)


def test_without_a_year_of_data_the_change_is_missing(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert {one.change for one in years_on_year(review)} == {None}
    assert "no data of that time" in twelve_months(review).html


def test_targets_to_come_are_proposed_or_begin_later_or_fall_due_later(write_dataset):
    targets = """\
        kpi,op,value,kind,status,valid_from,valid_to,due_date
        service_level,>=,80 %,absolute,agreed,2025-01-01,,
        abandonment_rate,<=,5 %,absolute,proposed,,,
        asa_s,<=,30,absolute,agreed,2026-04-01,,
        offered,>=,1,absolute,agreed,2025-01-01,2025-12-31,2026-06-30
        handled,>=,1,absolute,agreed,2025-01-01,,2026-06-30
    """
    review = open_review(write_dataset(targets=targets), "acme", "2026-01")
    assert [t.kpi for t in coming_targets(review)] == ["asa_s", "handled", "abandonment_rate"]
    assert "Targets that come next" in coming(review).html


def test_nothing_to_come_is_said(write_dataset):
    assert "no target is proposed" in coming(open_review(write_dataset(), "acme", "2026-01")).html


def test_reported_values_and_comparisons_are_listed_with_the_numbers(portfolio):
    review = open_review(portfolio, "northline", "2026-10")
    contract_scorecard(review)
    beside_the_others(review)
    ids = {(figure.id, tuple(figure.where.values())) for figure in review.figures.values()}
    assert ("reported.service_level", ("2026-10",)) in ids or ("reported.service_level", ("2026-09",)) in ids
    assert ("comparison.fcr_theirs", ("Kestrel CX",)) in ids
