"""Stretches of weeks, and what charts signal in the newest of them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.review.context import open_review
from bpo_analysis.review.forum_signals import RESULTS_MEETING, WEEKLY_SUMMARY, forum_signals
from bpo_analysis.review.signals import chartable, kpi_chart
from bpo_analysis.review.windows import last_week, summed, weeks_of_history, weeks_up_to


def weekly(values, start=date(2026, 1, 5)):
    """Volume with 200 contacts a day, so many of them in time; one value a week."""
    lines = ["partner_id,interval_start,offered,answered,answered_in_threshold"]
    for week, value in enumerate(values):
        lines += [f"acme,{start + timedelta(weeks=week, days=day)},200,200,{value + day % 3}" for day in range(7)]
    return "\n".join(lines) + "\n"


def review(path, period):
    return open_review(open_dataset(path), "acme", period)


STABLE = [160, 163, 158, 161, 164, 157, 162, 159, 160, 163, 158, 161]


@pytest.mark.parametrize(
    ("period", "week"),
    [("2026-W43", "2026-W43"), ("2026-10", "2026-W43"), ("2026-10-25", "2026-W43"), ("2026-10-24", "2026-W42")],
)
def test_the_last_whole_week_never_goes_beyond_the_period(review_of, period, week):
    assert last_week(review_of("northline", period)).label == week


def test_two_weeks_and_the_six_before(review_of):
    window = weeks_up_to(review_of("northline", "2026-W43"), 2, 6)
    assert (window.start, window.end) == (date(2026, 10, 12), date(2026, 10, 25))
    assert (window.before_start, window.before_end) == (date(2026, 8, 31), date(2026, 10, 11))
    assert window.before_title == "the six weeks before"


def test_history_ends_with_the_period(write_dataset):
    path = write_dataset(volume=weekly(STABLE))
    assert weeks_of_history(review(path, "2026-W04")) == 3
    assert weeks_of_history(review(path, "2026-W13")) == 12


def test_a_week_far_off_signals_with_its_date(write_dataset):
    opened = review(write_dataset(volume=weekly([*STABLE, 90])), "2026-W14")
    (signal,) = kpi_chart(opened, "service_level", weeks=13, newest=1).signals
    assert signal.meaning == "concern"
    assert signal.rule.startswith("Week of 30 Mar: 45.4 %, below the limits")
    assert (signal.first, signal.last) == (date(2026, 3, 30), date(2026, 4, 5))


def test_a_stable_week_is_quiet(write_dataset):
    opened = review(write_dataset(volume=weekly([*STABLE, 160])), "2026-W14")
    assert kpi_chart(opened, "service_level", weeks=13, newest=1).signals == ()


def test_an_older_signal_is_not_news(write_dataset):
    values = [*STABLE[:6], 90, *STABLE[6:], 160]
    opened = review(write_dataset(volume=weekly(values)), "2026-W15")
    chart = kpi_chart(opened, "service_level", weeks=14, newest=1)
    assert chart.chart.outside
    assert chart.signals == ()


def test_too_few_weeks_are_a_baseline_that_forms(write_dataset):
    chart = kpi_chart(review(write_dataset(volume=weekly(STABLE[:5])), "2026-W06"), "service_level", weeks=13, newest=1)
    assert chart.chart is None
    assert chart.limits_text == "baseline forming: 4 weeks of 8"


def test_the_first_week_has_no_baseline_at_all(write_dataset):
    chart = kpi_chart(review(write_dataset(volume=weekly(STABLE[:1])), "2026-W02"), "offered", weeks=13, newest=1)
    assert chart.limits_text == "baseline forming: 0 weeks of 8"


def test_monthly_and_absent_kpis_are_not_charted(review_of):
    assert chartable(review_of("northline"), ("cost_per_contact", "service_level", "no_such_kpi")) == ["service_level"]


def test_the_planted_shift_of_the_service_level_is_a_signal_of_its_week(review_of):
    chart = kpi_chart(review_of("northline", "2026-W25"), "service_level", weeks=26, newest=2, false_alarm_rate=0.01)
    assert [s.rule.split(":")[0] for s in chart.signals if s.meaning == "concern"] == ["Week of 15 Jun"]


def test_all_charts_of_a_page_share_one_rate(review_of):
    made = forum_signals(review_of("northline", "2026-W40"), RESULTS_MEETING)
    rates = {chart.chart.false_alarm_rate for chart in made.charts if chart.chart}
    assert len(made.charts) == 21
    assert max(rates) == pytest.approx(0.05 / 21, rel=0.3)
    assert made.alpha == pytest.approx(0.05)
    assert "at most 5 % of such pages show any signal" in made.level


@pytest.mark.parametrize(("forum", "week"), [(WEEKLY_SUMMARY, "2026-W25"), (RESULTS_MEETING, "2026-W26")])
def test_the_planted_shift_stands_among_all_charts_of_a_page(review_of, forum, week):
    named = {(signal.kpi.name, signal.meaning) for signal in forum_signals(review_of("northline", week), forum).signals}
    assert ("service_level", "concern") in named


def test_a_share_that_never_failed_has_no_limits(write_dataset):
    lines = weekly([198] * 12 + [180]).splitlines()
    everyone = [line.rsplit(",", 1)[0] + ",200" if not line.endswith(("180", "181", "182")) else line for line in lines]
    opened = review(write_dataset(volume="\n".join([lines[0], *everyone[1:]]) + "\n"), "2026-W14")
    chart = kpi_chart(opened, "service_level", weeks=13, newest=1)
    # One case in ten fails for the first time: limits of 100 to 100 % would call any such week a signal.
    assert (chart.chart, chart.limits_text) == (None, "its weeks before do not vary")


def test_days_are_summed_by_week_and_month_and_what_is_missing_stays_missing():
    days = pd.DatetimeIndex(["2026-03-28", "2026-03-29", "2026-03-30", "2026-04-01", "2026-04-20"], name="date")
    daily = pd.DataFrame({"a": [1.0, 2.0, 4.0, 8.0, 16.0], "b": [np.nan, 1.0, np.nan, np.nan, 3.0]}, index=days)
    weeks = summed(daily, "week")
    assert [f"{day:%Y-%m-%d}" for day in weeks.index] == ["2026-03-23", "2026-03-30", "2026-04-20"]
    assert weeks["a"].tolist() == [3, 12, 16]
    assert weeks["b"].isna().tolist() == [False, True, False]
    months = summed(daily, "month")
    assert [f"{day:%Y-%m-%d}" for day in months.index] == ["2026-03-01", "2026-04-01"]
    assert months["a"].tolist() == [7, 24]
    assert summed(daily.iloc[:0], "week").empty
