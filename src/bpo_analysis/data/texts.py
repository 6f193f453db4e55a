"""How the text of a file is read as numbers, times and truth values. What cannot be read is missing, never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

__all__ = ["TextReading", "Times", "ends_with_zone", "wall_clock"]

Times = Literal["", "local", "utc"]

_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?$"
# Only after a time of day: in 31-03-2026 the last part is a year.
_OFFSET = r"(:\d{2}(\.\d+)?)\s*(Z|[+-]\d{2}(:?\d{2})?)$"
# Marks of thousands only in groups of three: with decimal = ",", "12.5" is an error and not 125.
_GROUPED = {".": r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$", ",": r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d*)?$"}


_USUAL_DAYS = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y%m", "%Y-%m",
    "%m/%Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y",
    "%B %d, %Y",
)  # fmt: skip
_USUAL_CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


# Text files are always read by DuckDB, so its own functions may be named here; typed sources never reach them.
@ibis.udf.scalar.builtin(name="try_strptime", signature=(("string", "string"), "timestamp"))
def _try_strptime(text, pattern): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", dt.Timestamp(timezone="UTC")), "timestamp"))
def _at_timezone(zone, instant): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202


def ends_with_zone(text: str) -> bool:
    """Whether a time is followed by Z or an offset."""
    return re.search(_OFFSET, text.strip()) is not None


def wall_clock(instant: Any, timezone: str) -> Any:
    """Return the local time of an instant, without its zone."""
    return _at_timezone(timezone, instant)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReading:
    """How one table writes its values.

    Attributes
    ----------
    decimal : {"", ".", ","}
        Decimal mark. Unless it is named, a comma in a number is an error: 1,234 has two readings.
    date_format : str
        As for ``strptime``; dates in ISO form are read in any case.
    times : {"", "local", "utc"}
        What a zone at the end of a time means: nothing is expected, ignore it, or convert from it.
    timezone : str
        Zone that ``utc`` times are converted to.
    """

    decimal: str = ""
    date_format: str = ""
    times: Times = ""
    timezone: str = "UTC"

    def number(self, text: Any) -> Any:
        """Read text as a number."""
        text = text.strip()
        plain = text.try_cast("float64")
        if not self.decimal:
            return plain
        other = "," if self.decimal == "." else "."
        bare = text.replace(other, "").replace(",", ".")
        grouped = text.re_search(_GROUPED[self.decimal]).ifelse(bare.try_cast("float64"), ibis.null("float64"))
        return ibis.coalesce(plain, grouped) if self.decimal == "." else grouped

    def truth(self, text: Any) -> Any:
        """Read text as true or false."""
        text = text.strip().lower()
        return ibis.cases((text.isin(_TRUE), True), (text.isin(_FALSE), False), else_=ibis.null("boolean"))

    def moment(self, text: Any) -> Any:
        """Read text as a time; a date is its midnight."""
        text = text.strip()
        if self.times == "local":
            text = text.re_replace(_OFFSET, r"\1")
        given = _iso(text)
        if self.date_format:
            given = ibis.coalesce(_try_strptime(text, self.date_format), given)
        if self.times != "utc":
            return given
        utc = dt.Timestamp(timezone="UTC")
        instant = text.re_search(_OFFSET).ifelse(text.try_cast(utc), given.cast(utc))
        # A date without a time of day is a day of the calendar, the same in every zone.
        return text.contains(":").ifelse(wall_clock(instant, self.timezone), given)

    def fitting_formats(self, texts: ir.StringColumn, example: str) -> tuple[list[str], int]:
        """Return the usual date formats that most of these texts fit, and how many texts do not.

        Parameters
        ----------
        texts : ibis string column
        example : str
            One of the texts; a format that it does not fit is not tried.
        """
        usual = [f"{day}{clock}" for day in _USUAL_DAYS for clock in _USUAL_CLOCKS]
        candidates = [form for form in usual if _fits(example, form)]
        rows = texts.strip().name("text").as_table()
        counts = {form: _try_strptime(rows.text, form).count() for form in candidates}
        found = rows.aggregate(**counts, all=rows.text.count()).to_pyarrow().to_pylist()[0]
        most = max((found[form] for form in candidates), default=0)
        if most <= found["all"] / 2:
            return [], found["all"]
        return [form for form in candidates if found[form] == most], found["all"] - most

    def whole(self, number: Any) -> Any:
        """Read a whole number (a code such as 202603) as a time."""
        return self.moment(number.cast("string")) if self.date_format else ibis.null("timestamp")


def _fits(text: str, form: str) -> bool:
    try:
        datetime.strptime(text.strip(), form)
    except ValueError:
        return False
    return True


def _iso(text: Any) -> Any:
    return text.re_search(_ISO_DATE).ifelse(text.try_cast("timestamp"), ibis.null("timestamp"))
