import ibis
import pandas as pd
import pytest

from bpo_analysis.data.expressions import build, build_condition, columns_of, reads_of
from bpo_analysis.data.texts import TextReading
from bpo_analysis.errors import DatasetError

ROW = {
    "n": 7, "m": 2, "x": 2.5, "none": None, "name": " Acme ", "yes": True, "day": pd.Timestamp("2026-03-31"),
    "start": pd.Timestamp("2026-03-31 08:00:00"), "end": pd.Timestamp("2026-03-31 08:01:30"),
    "text_n": "7", "text_m": "40", "text_yes": "true", "text_day": "31/03/2026 08:00", "Calls Answered": 5,
}  # fmt: skip
TYPES = {"none": "float64", "day": "date"}


@pytest.fixture(scope="module")
def table():
    frame = pd.DataFrame({name: [value] for name, value in ROW.items()})
    schema = {**{name: ibis.memtable(frame)[name].type() for name in frame if name != "none"}, **TYPES}
    return ibis.memtable(frame).cast(schema)


def value_of(text, table, **reading):
    found = build(text, table, where="test", reading=TextReading(**reading))
    return table.select(found=found).to_pyarrow()["found"][0].as_py()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n + m * 2 - 1", 10), ("-(n - m)", -5), ("n / m", 3.5), ("n % m", 1), ('"Calls Answered" + 0', 5),
        ("n > 5 AND NOT m > 5", True), ("n = 7 OR none = 1", True), ("n <> 7", False), ("n BETWEEN 7 AND 8", True),
        ("n IN (1, 7)", True), ("n NOT IN (1, 7)", False), ("name LIKE ' Ac%'", True), ("none IS NULL", True),
        ("none IS NOT NULL", False), ("yes IS TRUE", True), ("none > 1", None),
        ("CASE WHEN n > 9 THEN 'a' WHEN n > 5 THEN 'b' ELSE 'c' END", "b"), ("CASE n WHEN 7 THEN 1 ELSE 0 END", 1),
        ("CASE WHEN n > 9 THEN 1 END", None), ("CASE TRIM(name) WHEN 'Acme' THEN 1 ELSE 0 END", 1),
        ("COALESCE(none, n)", 7), ("NULLIF(n, 7)", None), ("GREATEST(n, m)", 7), ("LEAST(n, m)", 2),
        ("ABS(m - n)", 5), ("ROUND(x + 0.2)", 3), ("FLOOR(x)", 2), ("CEIL(x)", 3), ("ROUND(n / 3, 2)", 2.33),
        ("LOWER(TRIM(name))", "acme"), ("UPPER(name)", " ACME "), ("LENGTH(name)", 6),
        ("TRIM(name) || '-' || n", "Acme-7"),
        ("YEAR(day)", 2026), ("MONTH(day)", 3), ("DAY(day)", 31), ("HOUR(end)", 8), ("SECONDS_BETWEEN(start, end)", 90),
        ("SECONDS_BETWEEN(start, SECONDS_AFTER(start, x * 60))", 150), ("SECONDS_AFTER(start, 90) = end", True),
        ("SECONDS_AFTER(start, none)", None),
        ("CAST(x + 0.2 AS int)", 3), ("CAST(n AS text)", "7"), ("day >= '2026-03-31'", True),
        ("start < '2026-03-31'", False),
        ("day = DATE '2026-03-31'", True), ("n::double / 2", 3.5), ("'it''s'", "it's"), ("TRUE", True), ("1.5", 1.5),
    ],
)  # fmt: skip
def test_by_hand(text, expected, table):
    found = value_of(text, table)
    assert found == pytest.approx(expected) if isinstance(expected, float) else found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text_n * text_m", 280), ("text_n < text_m", False), ("text_n < 40", True), ("text_n IN (7, 8)", True),
        ("text_n BETWEEN 6 AND 8", True), ("COALESCE(text_n, 0) + 1", 8), ("GREATEST(text_n, 30)", 30), ("-text_n", -7),
        ("CASE WHEN text_yes THEN text_n ELSE 0 END", 7), ("text_yes = TRUE", True), ("NOT text_yes", False),
        ("text_yes AND n = 7", True), ("SECONDS_BETWEEN(text_day, end)", 90), ("HOUR(text_day)", 8),
        ("SECONDS_AFTER(text_day, text_n) > start", True),
        ("CAST(text_n AS int)", 7), ("ROUND(text_n)", 7), ("ABS(text_n)", 7),
    ],
)  # fmt: skip
def test_text_is_read_as_what_the_expression_makes_of_it(text, expected, table):
    assert value_of(text, table, date_format="%d/%m/%Y %H:%M") == expected


def test_text_is_compared_with_text_as_text(table):
    assert value_of("text_n < text_m", table) is False
    assert value_of("CAST(text_n AS int) < CAST(text_m AS int)", table) is True


def test_least_and_greatest_are_missing_where_a_value_is_missing(table):
    """DuckDB would leave the missing value out: no staffing committed would count as all of it."""
    assert value_of("LEAST(none, n)", table) is None
    assert value_of("GREATEST(none, n)", table) is None


def test_what_text_columns_are_taken_for_is_known(table):
    reading = TextReading()
    assert reads_of("text_n * 2 + n", table, reading=reading) == (("text_n", "number"),)
    assert reads_of("SECONDS_BETWEEN(text_day, end)", table, reading=reading) == (("text_day", "time"),)
    assert reads_of("CASE WHEN text_yes THEN 1 ELSE 0 END", table, reading=reading) == (("text_yes", "truth value"),)
    assert reads_of("TRY_CAST(name AS int)", table, reading=reading) == ()
    assert reads_of("name || text_n", table, reading=reading) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("offerd - n", r"uses column 'offerd', which is not there.* Available: 'n', 'm'"),
        ("nam", r"Did you mean 'name'"),
        ("n +", "cannot be read"),
        ("'open", "cannot be read: a quote or bracket is not closed"),
        ("", "cannot be read"),
        ("SUM(n)", r"uses 'SUM\(n\)', which row expressions do not have"),
        ("REGEXP_MATCHES(name, 'a')", "row expressions do not have"),
        ("READ_CSV('x')", "row expressions do not have"),
        ("n IN (SELECT 1)", "row expressions do not have"),
        ("(SELECT 1)", "row expressions do not have"),
        ("DROP TABLE x", "row expressions do not have"),
        ("ROW_NUMBER() OVER ()", "row expressions do not have"),
        ("CAST(n AS blob)", "casts to 'blob'; use one of: int"),
        ("yes + name LIKE 3", "does not fit the types"),
        ("name BETWEEN day AND n", "does not fit the types|Write dates as"),
        ("day > 'yesterday'", r"compares a date with 'yesterday'\. Write dates as '2026-03-31'"),
        ("NOT n", r"uses a number as a condition\. Write it as n = 1"),
        ("LEAST(day, n)", r"does not fit the types of what it uses \('day' is a time, 'n' is a number\)"),
    ],
)  # fmt: skip
def test_what_is_refused_is_explained(text, words, table):
    with pytest.raises(DatasetError, match=words):
        build(text, table, where="[tables.volume] columns.offered")


def test_the_message_says_where_the_expression_stands(table):
    with pytest.raises(DatasetError, match=r"^\[tables\.volume\] columns\.offered: 'offerd' uses column"):
        build("offerd", table, where="[tables.volume] columns.offered")


def test_a_condition_must_be_one(table):
    with pytest.raises(DatasetError, match=r"'n \+ 1' is not a condition|uses a number as a condition"):
        build_condition("n + 1", table, where="rule")


def test_columns_are_listed_once_in_order():
    assert columns_of('b + a * b - "odd name"') == ("b", "a", "odd name")
    assert columns_of("a + COALESCE(b, 0)", needed=True) == ("a",)
