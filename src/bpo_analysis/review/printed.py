"""Numbers as they are printed: found in a text, read back with their unit, and kept with the place they stand in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Printed", "PrintedNumber", "first_number", "has_number", "printed_numbers"]

_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December|"
    "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec"
)
# Names of periods hold digits that are no result; days, times and ids are known by what stands beside their digits.
_PERIOD = re.compile(
    rf"\b(?:\d{{1,2}} )?(?:{_MONTHS})\b(?: \d{{4}}\b)?|\b[Ww]eek \d+(?: of \d{{4}})?|\bQ[1-4] \d{{4}}|^\d+\. "
)
_NUMBER = re.compile(
    r"(?<![\w.,:/#_–-])(?!(?<=per )1,000\b)([+−±-]?)((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?![\w_]|[-:/–]\w|[.,]\d)"
)
_UNIT = re.compile(r" ?(%|(?:pp|s|min|h|d|ppm|seconds?|minutes?|hours?|days?|[A-Z]{3})\b|per 1,000)")
_UNITS = {
    "%": "share", "pp": "share", "s": "seconds", "min": "minutes", "h": "hours", "d": "days", "ppm": "ppm",
    "per 1,000": "per_1000",
}  # fmt: skip
_TO = re.compile(r"(?: to | and )[+−±-]?[\d,.]*\d")
_BOUNDS = "<>≤≥≈ "


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedNumber:
    """A number of a text.

    Attributes
    ----------
    text : str
        As printed, with its unit.
    value : float
        Shares and percentage points as fractions.
    unit : str
        Empty where none is printed.
    """

    text: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """Something a page prints that is neither a KPI nor a figure that was noted.

    Attributes
    ----------
    kind : {"cell", "sentence"}
    id : str
        Section and column, such as ``cost.change``; of a sentence, section and ``sentence``.
    place : str
        Table and row, or the sentence.
    text : str
        The whole cell, or the number in the sentence.
    value : float or None
        Of the number, or of the one a cell begins with; None where the cell begins with a word.
    unit : str
        Unit of that number; empty where none is printed.
    """

    kind: Literal["cell", "sentence"]
    id: str
    place: str
    text: str
    value: float | None
    unit: str


def printed_numbers(text: str) -> list[PrintedNumber]:
    """Return the numbers in a text; days, times, names of periods and ids are none.

    Examples
    --------
    >>> text = "From 2026-10-01 to 31 October 2026 1,512 calls (75.6 %, 66.1 to 81.3 %) of case A-17: −3.2 pp"
    >>> [(number.text, number.value, number.unit) for number in printed_numbers(text)]
    [('1,512', 1512.0, ''), ('75.6 %', 0.756, 'share'), ('66.1 %', 0.661, 'share'), ('81.3 %', 0.813, 'share'),
    ('−3.2 pp', -0.032, 'share')]
    """
    text = _plain(text)
    return [_number(text, found) for found in _NUMBER.finditer(text)]


def has_number(text: str) -> bool:
    """Whether there is a number in a text that :func:`printed_numbers` would return."""
    return _NUMBER.search(_plain(text)) is not None


def first_number(text: str) -> PrintedNumber | None:
    """Return the number a text begins with, or None where it begins with a word or a day.

    Examples
    --------
    >>> first_number("≥ 80.0 %").value, first_number("−1,250.00 EUR").unit, first_number("clear, 3 of 12")
    (0.8, 'money', None)
    """
    text = text.replace("\N{NO-BREAK SPACE}", " ").lstrip(_BOUNDS)
    found = None if _PERIOD.match(text) else _NUMBER.match(text)
    return _number(text, found) if found else None


def _plain(text: str) -> str:
    """Return the text without the names of periods."""
    return _PERIOD.sub(" ", text.replace("\N{NO-BREAK SPACE}", " "))


def _number(text: str, found: re.Match[str]) -> PrintedNumber:
    # In "66.1 to 71.3 %" the unit is printed once.
    other = _TO.match(text, found.end())
    unit = _UNIT.match(text, found.end()) or (_UNIT.match(text, other.end()) if other else None)
    value, name = float(found[2].replace(",", "")), _unit_name(unit[1]) if unit else ""
    if name == "share":
        # As the other rows have it: a fraction, exact to what was printed.
        value = round(value / 100, len(found[2].partition(".")[2]) + 2)
    return PrintedNumber(
        text=f"{found[0]} {unit[1]}" if unit else found[0],
        value=-value if found[1] in ("−", "-") else value,
        unit=name,
    )


def _unit_name(printed: str) -> str:
    if printed[0].isupper():
        return "money"
    return _UNITS.get(printed) or f"{printed.removesuffix('s')}s"
