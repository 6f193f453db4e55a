"""Numbers in words: one precision per unit, the same in text, table and figure."""

from __future__ import annotations

import math

from bpo_analysis.kpis import Unit

__all__ = [
    "MISSING",
    "decimals_of",
    "format_axis",
    "format_change",
    "format_interval",
    "format_pvalue",
    "format_value",
    "of_them",
    "plain",
    "plural",
    "shown_number",
    "unbroken",
]

MISSING = "–"
"""What stands in place of a number that is not there; a page says why beside it."""

_DECIMALS: dict[Unit, int] = {
    "share": 1, "seconds": 1, "minutes": 1, "hours": 1, "days": 1, "count": 0, "per_1000": 1, "points": 1, "score": 2,
    "money": 2, "ppm": 0,
}  # fmt: skip
_SUFFIX: dict[Unit, str] = {
    "share": " %", "seconds": " s", "minutes": " min", "hours": " h", "days": " d", "count": "",
    "per_1000": " per 1,000", "points": "", "score": "", "money": "", "ppm": " ppm",
}  # fmt: skip


_WHOLE_FROM, _MOST_DECIMALS = 100, 4


def decimals_of(unit: Unit, *values: float) -> int:
    """Return the number of decimals a unit is printed with (percent, for shares).

    A count below 100 that is not whole, such as calls per minute, gets three figures; of several values printed
    together, the one that needs most decimals decides.

    Examples
    --------
    >>> decimals_of("share"), decimals_of("count", 12.0), decimals_of("count", 0.329), decimals_of("count", 0.329, 46.2)
    (1, 0, 3, 3)
    """
    if unit != "count":
        return _DECIMALS[unit]
    return max((_decimals_of_count(value) for value in values), default=0)


def _decimals_of_count(value: float) -> int:
    size = abs(value)
    if not math.isfinite(size) or size >= _WHOLE_FROM or math.isclose(size, round(size), abs_tol=1e-9):
        return 0
    return min(_MOST_DECIMALS, 2 - math.floor(math.log10(size)))


def shown_number(value: float, unit: Unit) -> float:
    """Return the value in the unit it is printed in: shares in percent, all others as they are."""
    return value * 100 if unit == "share" else value


def format_value(value: float | None, unit: Unit, *, currency: str = "", decimals: int | None = None) -> str:
    """Print a value with its unit.

    Examples
    --------
    >>> format_value(0.8713, "share"), format_value(12345.0, "count"), format_value(None, "seconds")
    ('87.1 %', '12,345', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    digits = decimals_of(unit, value) if decimals is None else decimals
    return f"{_number(shown_number(value, unit), digits)}{_suffix(unit, currency)}"


def format_axis(value: float, unit: Unit) -> str:
    """Print a tick of an axis, short enough for the margin.

    Examples
    --------
    >>> [format_axis(value, unit) for value, unit in ((0.85, "share"), (1_600_000, "count"), (12, "seconds"))]
    ['85 %', '1.6 M', '12 s']
    """
    shown = shown_number(value, unit)
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(shown) >= 10 * size or (abs(shown) >= size and letter == "M"):
            return f"{shown / size:.3g} {letter}{_SUFFIX[unit]}".replace("-", "−")
    # A tick between whole numbers keeps its decimals: 97.5 % must not be printed as 98 %.
    return format_value(value, unit, decimals=0 if abs(shown - round(shown)) < 1e-9 else None)


def format_interval(low: float | None, high: float | None, unit: Unit, *, currency: str = "") -> str:
    """Print an interval with its unit once.

    Examples
    --------
    >>> format_interval(0.85, 0.891, "share")
    '85.0 to 89.1 %'
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return MISSING
    digits = decimals_of(unit, low, high)
    low, high = shown_number(low, unit), shown_number(high, unit)
    return f"{_number(low, digits)} to {_number(high, digits)}{_suffix(unit, currency)}"


def format_change(change: float | None, unit: Unit, *, currency: str = "", decimals: int | None = None) -> str:
    """Print a difference with its sign; shares differ in percentage points.

    Examples
    --------
    >>> format_change(-0.032, "share"), format_change(0.00001, "share"), format_change(0.0435, "count", decimals=0)
    ('−3.2 pp', '±0.0 pp', '±0')
    """
    if change is None or math.isnan(change):
        return MISSING
    digits = decimals_of(unit, change) if decimals is None else decimals
    rounded = round(shown_number(change, unit), digits)
    sign = "±" if rounded == 0 else "+" if rounded > 0 else "−"
    suffix = " pp" if unit == "share" else _suffix(unit, currency)
    return f"{sign}{abs(rounded):,.{digits}f}{suffix}"


def format_pvalue(pvalue: float) -> str:
    """Print a p-value; below a thousandth the size says nothing more.

    Examples
    --------
    >>> format_pvalue(0.04321), format_pvalue(2e-7), format_pvalue(float("nan"))
    ('0.043', '< 0.001', '–')
    """
    if math.isnan(pvalue):
        return MISSING
    return "< 0.001" if pvalue < 0.001 else f"{pvalue:.3f}"


def unbroken(text: str) -> str:
    """Keep a number and its unit on one line of a sentence."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def plain(name: str) -> str:
    """Print a name from the data in words: an identifier's underscores become spaces.

    Examples
    --------
    >>> plain("technical_fault")
    'technical fault'
    """
    return name.replace("_", " ")


def plural(count: int, one: str, many: str = "") -> str:
    """Print a count with its noun.

    Examples
    --------
    >>> plural(1, "day"), plural(3, "day"), plural(2, "query", "queries")
    ('1 day', '3 days', '2 queries')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def of_them(part: int, whole: int, what: str) -> str:
    """Say how many of a counted group something is true of, in a clause that follows the group.

    Examples
    --------
    >>> [of_them(part, whole, "late") for part, whole in ((0, 1), (1, 1), (0, 4), (3, 4), (4, 4))]
    ['not late', 'late', 'none of them late', '3 of them late', 'all of them late']
    """
    if whole == 1:
        return what if part else f"not {what}"
    return f"{'none' if part == 0 else 'all' if part == whole else format(part, ',')} of them {what}"


def _number(value: float, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and float(text.replace(",", "")) != 0
    return f"−{text}" if negative else text


def _suffix(unit: Unit, currency: str) -> str:
    return f" {currency}" if unit == "money" and currency else _SUFFIX[unit]
