from datetime import datetime

import ibis
import pytest

from bpo_analysis.data.texts import TextReading, ends_with_zone


def read(kind, text, **how):
    return ibis.duckdb.connect().to_pyarrow(getattr(TextReading(**how), kind)(ibis.literal(text))).as_py()


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("12.5", "", 12.5), (" 12 ", "", 12), ("-3", "", -3), ("1e3", "", 1000), ("1,234", "", None),
        ("12,5", "", None),
        ("1,234", ".", 1234), ("1,234,567.5", ".", 1234567.5), ("12,34", ".", None), ("12.5", ".", 12.5),
        ("12,5", ",", 12.5), ("1.234,5", ",", 1234.5), ("1.234", ",", 1234), ("-7", ",", -7),
        ("12.5", ",", None), ("12,5,5", ",", None), ("12 %", "", None), ("abc", "", None), ("", "", None),
    ],
)  # fmt: skip
def test_numbers(text, decimal, number):
    assert read("number", text, decimal=decimal) == number


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("YES", True), ("1", True), (" f ", False), ("No", False), ("0", False), ("maybe", None)],
)  # fmt: skip
def test_truth_values(text, value):
    assert read("truth", text) is value


@pytest.mark.parametrize(
    ("text", "how", "moment"),
    [
        ("2026-03-31", {}, datetime(2026, 3, 31)),
        ("2026-03-31 08:05", {}, datetime(2026, 3, 31, 8, 5)),
        ("2026-03-31T08:05:07.5", {}, datetime(2026, 3, 31, 8, 5, 7, 500000)),
        ("31/03/2026", {}, None),
        ("2026-02-30", {}, None),
        ("31/03/2026", {"date_format": "%d/%m/%Y"}, datetime(2026, 3, 31)),
        ("1/3/2026 9:05", {"date_format": "%d/%m/%Y %H:%M"}, datetime(2026, 3, 1, 9, 5)),
        ("13/14/2026", {"date_format": "%d/%m/%Y"}, None),
        ("2026-03-31", {"date_format": "%d/%m/%Y"}, datetime(2026, 3, 31)),
        ("202603", {"date_format": "%Y%m"}, datetime(2026, 3, 1)),
        ("2026-07-01T08:00:00Z", {}, None),
        ("2026-07-01T08:00:00Z", {"times": "local"}, datetime(2026, 7, 1, 8)),
        ("31-03-2026", {"times": "local", "date_format": "%d-%m-%Y"}, datetime(2026, 3, 31)),
        ("2026-07-01T08:00:00Z", {"times": "utc", "timezone": "Europe/London"}, datetime(2026, 7, 1, 9)),
        ("2026-07-01T08:00:00+02:00", {"times": "utc", "timezone": "Europe/London"}, datetime(2026, 7, 1, 7)),
        ("2026-07-01 08:00:00+02", {"times": "utc", "timezone": "Europe/London"}, datetime(2026, 7, 1, 7)),
        ("2026-07-01 08:00:00", {"times": "utc", "timezone": "America/New_York"}, datetime(2026, 7, 1, 4)),
        ("2026-07-01", {"times": "utc", "timezone": "America/New_York"}, datetime(2026, 7, 1)),
    ],
)  # fmt: skip
def test_moments(text, how, moment):
    assert read("moment", text, **how) == moment


def test_a_zone_is_seen_only_after_a_time_of_day():
    assert ends_with_zone("2026-03-31T08:00:00Z")
    assert ends_with_zone("2026-03-31 08:00+01:00")
    assert not ends_with_zone("31-03-2026")
    assert not ends_with_zone("2026-03-31")


@pytest.mark.parametrize(
    ("values", "formats", "others"),
    [
        (["31/03/2026", "1/4/2026"], ["%d/%m/%Y"], 0),
        (["03/31/2026", "04/01/2026"], ["%m/%d/%Y"], 0),
        (["03/04/2026", "05/06/2026"], ["%d/%m/%Y", "%m/%d/%Y"], 0),
        (["1/3/2026 09:52", "29/2/2024 11:29", "?"], ["%d/%m/%Y %H:%M"], 1),
        (["soon", "later"], [], 2),
    ],
)  # fmt: skip
def test_formats_are_found_from_the_values(values, formats, others):
    texts = ibis.memtable({"v": values}).v
    assert TextReading().fitting_formats(texts, values[0]) == (formats, others)
