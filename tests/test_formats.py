import math
from typing import get_args

import pytest

from bpo_analysis.formats import MISSING, decimals_of, format_change, format_interval, format_value, plural
from bpo_analysis.kpis import Unit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.87125, "share", "87.1 %"), (0.0, "share", "0.0 %"), (1.0, "share", "100.0 %"),
        (-0.0001, "share", "0.0 %"),
        (12345.4, "count", "12,345"), (231.04, "seconds", "231.0 s"), (2.5, "minutes", "2.5 min"),
        (2.5, "hours", "2.5 h"),
        (-12.3, "points", "−12.3"), (4.256, "score", "4.26"), (3.14, "per_1000", "3.1 per 1,000"),
        (441.0, "ppm", "441 ppm"),
        (1234.5, "money", "1,234.50"), (None, "share", MISSING), (math.nan, "count", MISSING),
    ],
)  # fmt: skip
def test_a_value_is_printed_with_its_unit(value, unit, text):
    assert format_value(value, unit) == text


def test_money_is_printed_in_the_currency_of_the_dataset():
    assert format_value(6.2281, "money", currency="EUR") == "6.23 EUR"


def test_a_contract_may_round_otherwise():
    assert format_value(0.87125, "share", decimals=2) == "87.12 %"


@pytest.mark.parametrize("unit", get_args(Unit))
def test_every_unit_has_a_precision_and_prints(unit):
    assert decimals_of(unit) >= 0
    assert format_value(0.5, unit)
    assert format_change(0.5, unit)[0] in "+±"


def test_intervals_name_the_unit_once():
    assert format_interval(0.85, 0.891, "share") == "85.0 to 89.1 %"
    assert format_interval(-5.0, 12.0, "points") == "−5.0 to 12.0"
    assert format_interval(None, 0.9, "share") == MISSING
    assert format_interval(0.1, math.nan, "share") == MISSING


@pytest.mark.parametrize(
    ("change", "unit", "text"),
    [
        (-0.032, "share", "−3.2 pp"), (0.0321, "share", "+3.2 pp"), (1e-5, "share", "±0.0 pp"),
        (-1e-5, "share", "±0.0 pp"),
        (12.0, "seconds", "+12.0 s"), (None, "share", MISSING), (math.nan, "share", MISSING),
    ],
)  # fmt: skip
def test_changes_have_a_sign_and_shares_change_in_points(change, unit, text):
    assert format_change(change, unit) == text


def test_counts_agree_with_their_noun():
    assert (plural(1, "day"), plural(0, "day"), plural(1234, "query", "queries")) == (
        "1 day",
        "0 days",
        "1,234 queries",
    )


def test_counts_that_are_not_whole_keep_three_figures():
    assert format_value(0.3294, "count") == "0.329"
    assert format_value(12.0, "count") == "12"
    assert format_value(1234.6, "count") == "1,235"
    assert format_change(-0.0304, "count") == "−0.0304"
    assert format_interval(0.298, 12.0, "count") == "0.298 to 12.000"
