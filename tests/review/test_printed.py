"""Numbers read back from what is printed: units, signs, thousands, and what is no result."""

import pytest

from bpo_analysis.formats import format_change, format_value
from bpo_analysis.review.printed import first_number, has_number, printed_numbers


@pytest.mark.parametrize(
    ("value", "unit", "printed"),
    [
        (0.687, "share", 0.687), (12.3, "seconds", 12.3), (4.5, "minutes", 4.5), (121.7, "hours", 121.7),
        (3.0, "days", 3.0), (1512.0, "count", 1512.0), (8.1, "per_1000", 8.1), (459459.0, "ppm", 459459.0),
        (-1250.0, "money", -1250.0), (0.0, "share", 0.0),
    ],
)  # fmt: skip
def test_what_is_printed_is_read_back(value, unit, printed):
    (found,) = printed_numbers(format_value(value, unit, currency="EUR"))
    assert found.value == pytest.approx(printed, abs=1e-12)
    assert found.unit == ("" if unit == "count" else unit)


def test_a_change_in_percentage_points_is_a_fraction_with_its_sign():
    (found,) = printed_numbers(format_change(-0.032, "share"))
    assert (found.text, found.value, found.unit) == ("−3.2 pp", -0.032, "share")


def test_the_unit_of_an_interval_holds_for_both_ends():
    found = printed_numbers("66.1 to 71.3 % of 2,000 calls, −1.1 to 1.3 pp, 19 to 170 s")
    assert [(n.value, n.unit) for n in found] == [
        (0.661, "share"), (0.713, "share"), (2000.0, ""), (-0.011, "share"), (0.013, "share"), (19.0, "seconds"),
        (170.0, "seconds"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-31", "31 October 2026", "October 2026", "Q3 2026", "2026-W43", "2026-Q3", "week 43 of 2026",
        "09:30", "2026-10-01 17:20", "case nor-e0515", "S4.2", "A-17", "ibis-framework 12.0.1", "2. Quality assurance",
        "18–24", "fingerprint 3f2a", "no digit",
    ],
)  # fmt: skip
def test_days_times_periods_and_ids_are_no_results(text):
    assert printed_numbers(text) == []


def test_spaces_that_do_not_break_are_spaces():
    (found,) = printed_numbers("1,512\N{NO-BREAK SPACE}h")
    assert (found.value, found.unit) == (1512.0, "hours")


def test_a_number_counts_as_the_first_only_where_the_text_begins_with_it():
    assert first_number("≥ 80.0 %").value == 0.8
    assert first_number("< 0.001").value == 0.001
    assert first_number("68.7 % 66.1 to 71.3 %").text == "68.7 %"
    assert first_number("clear; 3 of 12") is None
    assert first_number("31 October 2026: 5") is None


def test_has_number_is_whether_there_are_numbers():
    texts = [
        "",
        "clear",
        "3 of 12",
        "from 2026-10-01",
        "October 2026",
        "week 41",
        "A-17",
        "≥ 80.0 %",
        "per 1,000",
        "1. First",
    ]
    assert [has_number(text) for text in texts] == [bool(printed_numbers(text)) for text in texts]
    assert any(map(has_number, texts))
    assert not all(map(has_number, texts))
