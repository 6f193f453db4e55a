"""Day or month first, whose clock, and the hours that come twice or never."""

import pandas as pd
import pytest

from bpo_analysis.errors import DatasetError
from bpo_analysis.importing.moments import Clock, date_order, read_moments


def texts(*values):
    return pd.Series(list(values), dtype="str")


def order(*values, given="", known=""):
    return date_order([texts(*values)], given=given, known=known, where="a.csv")


def utc(values, zone="UTC", **rest):
    found = read_moments(
        texts(*values), Clock(zone=zone, days=rest.pop("days", zone or "UTC"), **rest), where="Column 'x'"
    )
    return [None if pd.isna(value) else f"{value:%Y-%m-%d %H:%M:%S}" for value in found.values], found


def test_a_day_beyond_twelve_decides_for_the_whole_file():
    assert order("01/02/2026", "13/02/2026 08:00") == ("day-first", "day-first, as '13/02/2026 08:00' shows")
    assert order("1/2/2026 9:12 PM", "1/31/26") == ("month-first", "month-first, as '1/31/26' shows")
    assert order("2026-03-01", "Thu, 27 Oct 2016 14:51:34")[0] == ""


def test_dates_that_can_be_either_are_refused():
    with pytest.raises(DatasetError, match=r"'01/02/2026' can be either.*Say --day-first or --month-first"):
        order("01/02/2026", "03/04/2026")
    assert order("01/02/2026", given="month-first") == ("month-first", "month-first, as you said")
    assert order("01/02/2026", known="day-first")[1] == "day-first, as this system always writes them"


def test_what_was_said_is_held_against_the_dates():
    with pytest.raises(DatasetError, match=r"'31/03/2026', which cannot be month-first\. Say --day-first"):
        order("31/03/2026", given="month-first")
    with pytest.raises(DatasetError, match="mixes dates"):
        order("31/03/2026", "03/31/2026", given="day-first")


@pytest.mark.parametrize(
    ("text", "rest", "expected"),
    [
        ("2026-03-01", {}, "2026-03-01 00:00:00"),
        ("2026-03-01 09:15", {}, "2026-03-01 09:15:00"),
        ("2026-03-01T09:15:30.250", {}, "2026-03-01 09:15:30"),
        ("2026-03-01T09:15:30Z", {}, "2026-03-01 09:15:30"),
        ("2026-03-01 09:15:30 UTC", {}, "2026-03-01 09:15:30"),
        ("2026-03-01T09:15:30+02:00", {}, "2026-03-01 07:15:30"),
        ("2026-03-01T09:15:30-0500", {}, "2026-03-01 14:15:30"),
        ("03.04.2026 09:15", {"order": "day-first"}, "2026-04-03 09:15:00"),
        ("3/4/26 9:15 PM", {"order": "month-first"}, "2026-03-04 21:15:00"),
        ("3/4/2026, 12:05:09 am", {"order": "month-first"}, "2026-03-04 00:05:09"),
        ("12/4/2026 12:05 PM", {"order": "month-first"}, "2026-12-04 12:05:00"),
        ("Thu, 27 Oct 2016 14:51:34", {"formats": ("%a, %d %b %Y %H:%M:%S",)}, "2016-10-27 14:51:34"),
        ("27 Oct 2016", {}, "2016-10-27 00:00:00"),
        ("Oct 27, 2016 2:51 PM", {}, "2016-10-27 14:51:00"),
        ("31/02/2026", {"order": "day-first"}, None),
        ("yesterday", {}, None),
    ],
)
def test_forms_of_times(text, rest, expected):
    assert utc([text], **rest)[0] == [expected]


def test_a_time_without_a_zone_needs_one_and_a_date_does_not():
    with pytest.raises(DatasetError, match=r"times without a zone \('2026-03-01 09:00'\).*--timezone Europe/Berlin"):
        utc(["2026-03-01 09:00"], zone="")
    assert utc(["2026-03-01"], zone="", days="Europe/Berlin")[0] == ["2026-02-28 23:00:00"]
    assert utc(["2026-03-01T09:00Z"], zone="")[0] == ["2026-03-01 09:00:00"]


def test_a_date_is_a_day_of_the_dataset_and_a_time_of_the_export():
    found, _ = utc(["2026-07-01", "2026-07-01 00:00"], zone="America/New_York", days="Europe/Berlin")
    assert found == ["2026-06-30 22:00:00", "2026-07-01 04:00:00"]


def test_the_hour_that_comes_twice_is_the_first_and_counted():
    values, found = utc(["2026-10-25 02:30", "2026-10-25 03:30", "2026-10-25 01:30"], zone="Europe/Berlin")
    assert values == ["2026-10-25 00:30:00", "2026-10-25 02:30:00", "2026-10-24 23:30:00"]
    assert (found.twice, found.skipped, found.naive, found.zoned) == (1, 0, 3, 0)


def test_the_hour_that_never_comes_is_moved_to_its_end_and_counted():
    values, found = utc(["2026-03-29 02:30"], zone="Europe/Berlin")
    assert values == ["2026-03-29 01:00:00"]
    assert (found.twice, found.skipped) == (0, 1)


def test_a_form_of_ones_own_comes_first_and_decides_day_and_month():
    assert utc(["03022026"], formats=("%m%d%Y",))[0] == ["2026-03-02 00:00:00"]
    assert utc(["03.02.2026 08:00"], formats=("%d.%m.%Y %H:%M",))[0] == ["2026-02-03 08:00:00"]
    either = texts("03.02.2026 08:00")
    assert date_order([either], given="", known="", where="a.csv", formats=("%d.%m.%Y %H:%M",))[0] == ""
