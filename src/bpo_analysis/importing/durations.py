"""Durations, numbers and flags of an export. What cannot be read is missing, and counted; nothing is clipped."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from bpo_analysis.importing.profile import Unit

__all__ = ["decimal_of", "read_durations", "read_flags", "read_numbers"]

_SECONDS_PER: dict[Unit, float] = {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0}
_CLOCK = r"^(?P<sign>-?)(?P<h>\d+):(?P<m>[0-5]?\d):(?P<s>[0-5]?\d(?:[.,]\d+)?)$"
_TWO_PARTS = r"^(?P<sign>-?)(?P<first>\d+):(?P<second>[0-5]\d)$"
_COMMA = r"^-?(?:\d+,\d{1,2}|\d+,\d{4,}|\d{1,3}(?:\.\d{3})+,\d+)$"
_POINT = r"^-?(?:\d+\.\d{1,2}|\d+\.\d{4,}|\d{1,3}(?:,\d{3})+\.\d+)$"
"""Numbers of which one mark can only be the decimal one: 1,234 can be either."""
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def decimal_of(columns: Iterable[pd.Series], *, known: str = "") -> tuple[str, str]:
    """Return the decimal mark of a file and, where its numbers prove it to be the comma, the first that does.

    Parameters
    ----------
    columns : iterable of Series of str
        Columns of numbers and durations.
    known : {"", ".", ","}
        What the profile says; it is not asked again.

    Returns
    -------
    str
        "," or "." where some number can only be read so and none otherwise; else "", and commas mean nothing.
    str

    Examples
    --------
    >>> decimal_of([pd.Series(["1.234", "12,5"])])
    (',', '12,5')
    >>> decimal_of([pd.Series(["1,234"])]), decimal_of([pd.Series(["1,5", "1.5"])])
    (('', ''), ('', ''))
    """
    if known:
        return known, ""
    comma, point = "", ""
    for texts in columns:
        there = texts.dropna()
        comma = comma or next(iter(there[there.str.match(_COMMA)]), "")
        point = point or next(iter(there[there.str.match(_POINT)]), "")
    if bool(comma) == bool(point):
        return "", ""
    return (",", comma) if comma else (".", "")


def read_durations(texts: pd.Series, unit: Unit, *, decimal: str = "") -> pd.Series:
    """Return durations in seconds.

    Parameters
    ----------
    texts : Series of str
    unit : str
        What a plain number counts: "s", "ms", "min" or "h". With "hms" there are none; "hh:mm" and "mm:ss" say how two
        parts are read, which are missing otherwise, for 05:30 has two readings.
    decimal : {"", ".", ","}

    Examples
    --------
    >>> read_durations(pd.Series(["90", "26:10:05", "05:30"]), "s").tolist()
    [90.0, 94205.0, nan]
    >>> read_durations(pd.Series(["1.5", "05:30"]), "mm:ss").tolist()
    [nan, 330.0]
    """
    parts = texts.str.extract(_CLOCK)
    seconds = (
        pd.to_numeric(parts["h"]) * 3600 + pd.to_numeric(parts["m"]) * 60
        + pd.to_numeric(parts["s"].str.replace(",", ".", regex=False))
    )  # fmt: skip
    found = seconds.where(parts["sign"] != "-", -seconds)
    if unit in _SECONDS_PER:
        found = found.fillna(read_numbers(texts, decimal=decimal) * _SECONDS_PER[unit])
    elif unit in ("hh:mm", "mm:ss"):
        pair = texts.str.extract(_TWO_PARTS)
        seconds = (pd.to_numeric(pair["first"]) * 60 + pd.to_numeric(pair["second"])) * (60 if unit == "hh:mm" else 1)
        found = found.fillna(seconds.where(pair["sign"] != "-", -seconds))
    return found.astype("float64").round(6)


def read_numbers(texts: pd.Series, *, decimal: str = "") -> pd.Series:
    """Return numbers; a comma has a meaning only where the profile or the file says which.

    Examples
    --------
    >>> read_numbers(pd.Series(["1,5", "1.234,5"]), decimal=",").tolist()
    [1.5, 1234.5]
    >>> read_numbers(pd.Series(["1,234", "7"])).tolist()
    [nan, 7.0]
    """
    if decimal:
        grouping = "." if decimal == "," else ","
        texts = texts.str.replace(grouping, "", regex=False).str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(texts, errors="coerce").astype("float64")
    return numbers.where(numbers.abs() < float("inf"))


def read_flags(texts: pd.Series) -> pd.Series:
    """Return yes or no as true or false; other words are missing.

    Examples
    --------
    >>> read_flags(pd.Series(["Yes", "0", "maybe"])).tolist()
    [True, False, <NA>]
    """
    folded = texts.str.casefold()
    flags = pd.Series(pd.NA, index=texts.index, dtype="boolean")
    flags[folded.isin(_TRUE)] = True
    flags[folded.isin(_FALSE)] = False
    return flags
