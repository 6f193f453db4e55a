"""A margin in the unit of its KPI: 0.03 or "3 pp" of a share, 15 or "15 s" of a handle time."""

from __future__ import annotations

import re
from typing import Any

from bpo_analysis.kpis import Kpi

__all__ = ["MarginRefused", "margin_example", "read_margin"]


class MarginRefused(Exception):
    """Why a margin cannot be read; begins where the sentence has named it."""


_MARGIN = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([A-Za-z%]*)")
_MARKS: dict[str, dict[str, float]] = {
    "share": {"pp": 0.01, "points": 0.01, "%": 0.01},
    "seconds": {"s": 1, "seconds": 1, "min": 60},
    "minutes": {"min": 1, "minutes": 1, "s": 1 / 60},
    "hours": {"h": 1, "hours": 1, "min": 1 / 60},
    "days": {"d": 1, "days": 1},
    "points": {"points": 1, "pp": 1},
}


def read_margin(value: Any, kpi: Kpi) -> float:
    """Read a margin into the KPI's unit.

    Raises
    ------
    MarginRefused
        If it is not a number above 0 in a unit that the KPI has.
    """
    example = margin_example(kpi)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MarginRefused(f"must be a number or a text, such as {example}")
    mark = ""
    number = float(value) if not isinstance(value, str) else 0.0
    if isinstance(value, str):
        found = _MARGIN.fullmatch(value.strip().replace("\N{MINUS SIGN}", "-"))
        if not found:
            raise MarginRefused(f"is not a number with a unit: write {example}")
        number, mark = float(found[1]), found[2]
    factor = _MARKS.get(kpi.unit, {}).get(mark) if mark else 1.0
    if factor is None:
        raise MarginRefused(f"has {mark!r}, but {kpi.name} is held in {_unit_in_words(kpi)}: write {example}")
    if number <= 0:
        raise MarginRefused(
            f"must be above 0: it is the size of a loss or gain, and which way is better follows from {kpi.name} "
            f"({kpi.better} is better). Write {example}"
        )
    if kpi.unit == "share" and number * factor >= 1:
        better = f"{number / 100:g} or '{number:g} pp'" if not mark and number < 100 else example
        raise MarginRefused(f"is the whole of a share, which lies between 0 and 1: write {better}")
    margin = round(number * factor, 12)
    if kpi.lower is not None and kpi.upper is not None and margin >= kpi.upper - kpi.lower:
        raise MarginRefused(f"is as wide as the range of {kpi.name}, {kpi.lower:g} to {kpi.upper:g}: write {example}")
    return margin


def _unit_in_words(kpi: Kpi) -> str:
    names = {"share": "shares", "per_1000": "cases per 1,000", "ppm": "cases per million", "score": "scores"}
    return names.get(kpi.unit, kpi.unit)


def margin_example(kpi: Kpi | None) -> str:
    """Return how a margin of this KPI is written, for messages."""
    if kpi is None or kpi.unit == "share":
        return "0.03 or '3 pp'"
    marks = {"seconds": "15 or '15 s'", "minutes": "5 or '5 min'", "hours": "2 or '2 h'", "days": "1 or '1 days'"}
    return marks.get(kpi.unit, f"a number of {_unit_in_words(kpi)} without a mark, such as 2")
