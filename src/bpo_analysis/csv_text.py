"""Rows as CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["csv_text"]

# A spreadsheet runs a cell that starts with one of these as a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV text.

    Parameters
    ----------
    rows : sequence of mappings
        One flat mapping each; the columns are those of the first, then whatever later ones add.

    Returns
    -------
    str
        CSV text. Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay numbers.

    Examples
    --------
    >>> print(csv_text([{"partner": "=1+1", "value": -2.5}]), end="")
    partner,value
    '=1+1,-2.5
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [list(map(_cell, [row.get(name) for row in rows])) for name in names]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, names))
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return value
