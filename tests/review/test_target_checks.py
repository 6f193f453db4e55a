"""Targets row by row: well put, within reach, on their way, met all the time, and in balance."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bpo_analysis.review.context import open_review
from bpo_analysis.review.targets import (
    balance_of,
    benchmarks_for,
    check_smart,
    consistency_of,
    feasibility_of,
    glide_paths,
    goals,
    replaced_targets,
)
from bpo_analysis.review.targets.smart import own_targets

FIRST, LAST = date(2025, 6, 2), date(2026, 1, 25)  # a Monday and a Sunday: 34 whole weeks
TARGETS = """
    kpi,partner_id,tier,op,value,kind,valid_from,due_date,goal,status,agreed_by,agreed_on
    service_level,,expected,>=,80 %,absolute,2025-06-01,,be reached,agreed,board,2025-05-01
    abandonment_rate,,expected,<=,1 %,absolute,,,,proposed,,
    csat,,expected,>=,80 %,absolute,2025-06-01,,be reached,agreed,board,2025-05-01
"""


def days():
    return [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


def volume(in_time, offered=100):
    """Daily rows of one partner; ``in_time`` gives the answered in time of each day."""
    lines = ["partner_id,interval_start,offered,answered,answered_in_threshold,abandoned"]
    lines += [f"acme,{day},{offered},{offered - 5},{in_time(day)},5" for day in days()]
    return "\n".join(lines) + "\n"


def week_of(day):
    return (day - FIRST).days // 7


@pytest.fixture
def review_with(write_dataset):
    def make(in_time=lambda day: 90, targets=TARGETS, period="2026-W04", offered=100, **tables):
        folder = write_dataset(
            partners="partner_id\nacme\n", targets=targets, volume=volume(in_time, offered), **tables
        )
        return open_review(folder, "acme", period)

    return make


def test_each_letter_has_its_reason(review_with):
    found = {check.kpi.name: check for check in check_smart(review_with())}
    good = found["service_level"]
    assert [letter.ok for letter in good.letters] == [True] * 5
    assert good.achievable.why == "met in 26 of 26 weeks"
    assert good.time_bound.why == "holds from 2025-06-01"
    bare = found["abandonment_rate"]
    assert (bare.relevant.ok, bare.relevant.why) == (False, "no goal named")
    assert (bare.time_bound.ok, bare.time_bound.why) == (False, "neither a first day nor a due date")
    # 5 of 100 abandon every day: 1 % was never reached.
    assert (bare.achievable.ok, bare.achievable.why) == (False, "met in 0 of 26 weeks")


def test_what_cannot_be_measured_names_what_is_missing(review_with):
    csat = next(check for check in check_smart(review_with()) if check.kpi.name == "csat")
    assert csat.measurable.ok is False
    assert "surveys" in csat.measurable.why
    assert csat.achievable.ok is None


def test_a_target_that_ended_is_not_checked(review_with):
    ended = "kpi,op,value,kind,valid_from,valid_to\nservice_level,>=,80 %,absolute,2025-06-01,2025-12-31\n"
    assert check_smart(review_with(targets=ended)) == []


def test_only_what_holds_is_checked_and_what_it_replaced_is_listed(review_with):
    rows = (
        "kpi,partner_id,op,value,kind,valid_from,valid_to,source_clause\n"
        "service_level,,>=,70 %,absolute,2025-06-01,2025-12-31,old\n"
        "service_level,,>=,80 %,absolute,2026-01-01,,new\n"
        "abandonment_rate,,<=,5 %,absolute,2025-06-01,,general\n"
        "abandonment_rate,acme,<=,6 %,absolute,2025-06-01,,own\n"
        "service_level,,>=,90 %,absolute,2026-06-01,,coming\n"
    ).replace("2026-01-01,,new", "2026-01-01,2026-05-31,new")
    review = review_with(targets=rows)
    assert [target.clause for target in own_targets(review)] == ["coming", "new", "own"]
    found = {one.target.clause: one for one in replaced_targets(review)}
    assert set(found) == {"old", "general"}
    assert (found["old"].until, found["old"].by.clause) == (date(2025, 12, 31), "new")
    assert (found["general"].until, found["general"].by.clause) == (None, "own")


def test_place_in_the_own_past(review_with):
    # The last 13 of 26 weeks lie at 70 %, those before at 90 %.
    review = review_with(lambda day: 70 if week_of(day) >= 21 else 90)
    found = feasibility_of(review, check_smart(review)[-1].target)
    assert found.kpi.name == "service_level"
    assert (found.n, found.met, found.easier, found.best) == (26, 13, 13, pytest.approx(0.9))
    assert found.met_interval.ci_low < 0.5 < found.met_interval.ci_high
    assert found.state == "within reach"


def test_too_short_a_past_cannot_tell(review_with):
    review = review_with(period="2025-W26")
    found = feasibility_of(review, next(c.target for c in check_smart(review) if c.kpi.name == "service_level"))
    assert (found.n, found.state, found.met_interval) == (4, "cannot tell", None)


RISE = """
    kpi,op,value,kind,baseline_value,valid_from,due_date
    service_level,>=,+20 pp,points,0.60,2025-06-02,2026-05-31
"""


def test_the_climb_asked_for_is_held_against_the_steepest_there_was(review_with):
    # One point a week: 60 % in the first, 93 % in the last of 34 weeks; 80 % is reached.
    review = review_with(lambda day: 60 + week_of(day), RISE)
    found = feasibility_of(review, review.targets[0])
    assert found.required == 0
    assert found.steepest == pytest.approx(0.13, rel=0.01)
    # Standing at 70 %, 10 points in 18 weeks are 7.2 points a quarter; it never moved.
    flat = review_with(lambda day: 70, RISE)
    found = feasibility_of(flat, flat.targets[0])
    assert found.required == pytest.approx(0.10 / 18 * 13, rel=0.01)
    assert found.steepest == pytest.approx(0, abs=1e-9)
    assert found.state == "beyond the past"


def test_a_glide_path_runs_from_the_baseline_to_the_due_date(review_with):
    review = review_with(lambda day: 85 + day.day % 3, RISE)
    (path,) = glide_paths(review)
    assert (path.baseline, path.baseline_from, path.due) == (0.60, "agreed", date(2026, 5, 31))
    # 2026-01-22 is day 234 of 363: 60 + 20 * 234 / 363.
    assert path.planned == pytest.approx(0.60 + 0.20 * 234 / 363)
    assert path.at(date(2025, 1, 1)) == 0.60
    assert path.at(date(2027, 1, 1)) == pytest.approx(0.80)
    assert path.state == "ahead of the path"
    assert path.projection is not None
    assert path.projection.estimate == pytest.approx(0.86, abs=0.01)
    assert path.reach == "will be met"


def test_behind_the_path_and_projected_to_miss(review_with):
    review = review_with(lambda day: 60 + day.day % 3, RISE)
    (path,) = glide_paths(review)
    assert (path.state, path.reach) == ("behind the path", "will be missed")


def test_without_a_baseline_the_weeks_before_the_start_are_one(review_with):
    later = "kpi,op,value,kind,valid_from,due_date\nservice_level,>=,95 %,absolute,2025-09-01,2026-05-31\n"
    (path,) = glide_paths(review_with(lambda day: 80 if day < date(2025, 9, 1) else 85, later))
    assert (path.baseline, path.baseline_from) == (pytest.approx(0.80), "measured")


def test_a_target_that_is_due_has_no_path(review_with):
    assert glide_paths(review_with()) == []


BENCHMARKS = """
    kpi,source,year,low,high,definition,next_review
    abandonment_rate,Wiki,2024,0.03,0.05,abandoned / offered; called acceptable,2025-12-31
    abandonment_rate,Panel,2025,0.02,0.04,short abandons left out,2027-01-01
"""


def test_published_levels_are_compared_only_with_the_same_definition(review_with):
    review = review_with(benchmarks=BENCHMARKS)
    panel, wiki = benchmarks_for(review, "abandonment_rate")
    assert (wiki.matches, wiki.stale, wiki.place_of(0.01), wiki.place_of(0.04)) == (True, True, "below", "inside")
    assert (panel.matches, panel.stale) == (False, False)
    assert benchmarks_for(review, "service_level") == []


def test_the_share_of_days_and_weeks_that_met_the_target(review_with):
    # In the last week Monday to Wednesday miss; the twelve weeks before are met but for the second to last.
    def in_time(day):
        if week_of(day) == 33:
            return 70 if day.weekday() < 3 else 90
        return 75 if week_of(day) == 32 else 85

    (found,) = [one for one in consistency_of(review_with(in_time)) if one.kpi.name == "service_level"]
    assert (found.days.met, found.days.n, found.days.longest_miss, found.days.worst) == (4, 7, 3, date(2026, 1, 19))
    # (3 * 70 + 4 * 90) / 7 = 81.4 % meets 80 %.
    assert (found.weeks.met, found.weeks.n, found.weeks.longest_miss) == (12, 13, 1)
    assert found.weeks.worst == date(2026, 1, 12)
    assert found.days.of_cases == pytest.approx(4 / 7)
    assert found.weeks.interval.ci_low < 12 / 13 < found.weeks.interval.ci_high


def test_days_with_few_cases_are_not_judged_singly(review_with):
    (found,) = [o for o in consistency_of(review_with(lambda day: 12, offered=20)) if o.kpi.name == "service_level"]
    assert found.days is None
    assert found.weeks.n == 13


def test_a_target_counts_from_its_first_day(review_with):
    young = "kpi,op,value,kind,valid_from\nservice_level,>=,80 %,absolute,2026-01-05\n"
    (found,) = consistency_of(review_with(targets=young))
    assert found.weeks.n == 3


def test_balance_warns_of_what_no_target_is_about(review_with):
    found = balance_of(review_with())
    assert found.total == 3
    assert found.counts["turnaround", "lagging"] == 2
    assert found.absent == ("no leading KPI", "nothing about quality", "nothing about cost")


def test_targets_by_goal(review_with):
    named, nameless = goals(review_with())
    assert (named.name, [c.row.kpi.name for c in named.clauses]) == ("be reached", ["csat", "service_level"])
    assert (nameless.name, [c.row.kpi.name for c in nameless.clauses]) == ("", ["abandonment_rate"])


def test_monthly_data_are_held_against_months(write_dataset):
    lines = "".join(f"acme,{y}-{m:02d}-01,100,95,{80 + m % 3},5\n" for y in (2024, 2025) for m in range(1, 13))
    text = "partner_id,interval_start,offered,answered,answered_in_threshold,abandoned\n" + lines
    target = "kpi,op,value,kind\nservice_level,>=,81 %,absolute\n"
    review = open_review(write_dataset(partners="partner_id\nacme\n", volume=text, targets=target), "acme", "2025-12")
    found = feasibility_of(review, review.targets[0])
    assert (found.history.unit, found.n, found.met) == ("month", 24, 16)
    assert consistency_of(review) == []
