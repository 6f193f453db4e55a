from datetime import date

import pytest

from bpo_analysis.periods import last_complete, parse_period, period_of


@pytest.mark.parametrize(
    ("text", "grain", "start", "end", "title"),
    [
        ("2026-03", "month", date(2026, 3, 1), date(2026, 3, 31), "March 2026"),
        ("2024-02", "month", date(2024, 2, 1), date(2024, 2, 29), "February 2024"),
        ("2026-Q1", "quarter", date(2026, 1, 1), date(2026, 3, 31), "Quarter 1 of 2026"),
        ("2026-W12", "week", date(2026, 3, 16), date(2026, 3, 22), "week 12 of 2026 (from 16 March)"),
        ("2026-W01", "week", date(2025, 12, 29), date(2026, 1, 4), "week 01 of 2026 (from 29 December)"),
        (" 2026-03-14 ", "day", date(2026, 3, 14), date(2026, 3, 14), "14 March 2026"),
    ],
)  # fmt: skip
def test_four_ways_to_write_a_period(text, grain, start, end, title):
    period = parse_period(text)
    assert (period.grain, period.start, period.end, period.title) == (grain, start, end, title)
    assert period.label == text.strip()
    assert period.days == (end - start).days + 1


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "2026-W54", "2026-Q5", "2026-02-30", "03/2026", "x"]
)
def test_anything_else_is_refused_with_examples(text):
    with pytest.raises(ValueError, match=r"is not a period\. Write a month \(2026-03\)"):
        parse_period(text)


@pytest.mark.parametrize("text", ["2026-03", "2026-Q1", "2026-W12", "2026-03-14", "2026-W53", "2026-01"])
def test_shifting_there_and_back_is_no_shift(text):
    period = parse_period(text)
    for steps in (1, 5, 13, 60):
        assert period.shifted(steps).shifted(-steps) == period
        assert period.shifted(steps).start > period.end
        assert period.shifted(1).start.toordinal() == period.end.toordinal() + 1


def test_a_year_with_53_weeks():
    assert parse_period("2026-W53").shifted(1).label == "2027-W01"
    with pytest.raises(ValueError, match="2025-W53"):
        parse_period("2025-W53")


@pytest.mark.parametrize(
    ("first", "last", "label"),
    [
        (date(2025, 11, 24), date(2026, 4, 5), "2026-03"),
        (date(2026, 1, 1), date(2026, 3, 31), "2026-03"),
        (date(2026, 3, 2), date(2026, 3, 31), "2026-03"),
        (date(2026, 2, 2), date(2026, 3, 10), "2026-03"),
        (date(2026, 3, 10), date(2026, 3, 10), "2026-03"),
    ],
)  # fmt: skip
def test_default_period_is_the_last_complete_month_or_the_last_there_is(first, last, label):
    assert last_complete(first, last).label == label


@pytest.mark.parametrize(
    ("first", "last", "grain", "label"),
    [
        (date(2026, 1, 1), date(2026, 4, 5), "day", "2026-04-05"),
        (date(2026, 1, 1), date(2026, 4, 5), "week", "2026-W14"),
        (date(2026, 1, 1), date(2026, 4, 4), "week", "2026-W13"),
        (date(2026, 1, 1), date(2026, 4, 5), "quarter", "2026-Q1"),
        (date(2026, 1, 5), date(2026, 1, 9), "week", "2026-W02"),
    ],
)
def test_the_last_complete_period_of_a_grain(first, last, grain, label):
    assert last_complete(first, last, grain).label == label


def test_a_week_begins_on_monday_whatever_day_it_is_asked_for():
    assert period_of(date(2026, 1, 1), "week").start == date(2025, 12, 29)
