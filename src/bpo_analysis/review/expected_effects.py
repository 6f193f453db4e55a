"""What an action was expected to do, read as a number: +2 points, -20 s, below 10 %, -4 %."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bpo_analysis.kpis import Kpi

__all__ = ["ExpectedEffect", "read_expected"]

_AMOUNT = r"(?P<number>\d+(?:\.\d+)?)\s*(?:(?P<unit>%|pp|points?)(?![a-z]))?"
_CHANGE = re.compile(rf"(?P<sign>[+-])\s*{_AMOUNT}")
_LEVEL = re.compile(rf"\b(?P<way>below|under|at most|above|over|at least)\s+{_AMOUNT}", re.IGNORECASE)
_POINTS = ("pp", "point", "points")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedEffect:
    """An expected effect as a number.

    Attributes
    ----------
    kind : str
        change: added to what was there; relative: a part of what was there; level: to be reached.
    value : float
        In the KPI's unit; a fraction where relative.
    """

    kind: Literal["change", "relative", "level"]
    value: float

    def change_from(self, before: float) -> float:
        """Change that is expected of a KPI that stood at ``before``."""
        if self.kind == "level":
            return self.value - before
        return self.value * before if self.kind == "relative" else self.value


def read_expected(text: str, kpi: Kpi) -> ExpectedEffect | None:
    """Read an expected effect; None where it is not a number.

    A signed number is a change: of shares in points, of others in the KPI's unit; with a per cent sign it is relative,
    since what it would be in points must be written so. A number after below, above, at most or at least is a level.

    Examples
    --------
    >>> from bpo_analysis.kpis import KPIS
    >>> read_expected("FCR +5 points", KPIS["fcr"]), read_expected("cost -4 %", KPIS["cost_per_contact"])
    (ExpectedEffect(kind='change', value=0.05), ExpectedEffect(kind='relative', value=-0.04))
    >>> read_expected("transfer rate below 10 %", KPIS["transfer_rate"]), read_expected("causes named", KPIS["csat"])
    (ExpectedEffect(kind='level', value=0.1), None)
    """
    text = text.replace("\N{MINUS SIGN}", "-")
    level, change = _LEVEL.search(text), _CHANGE.search(text)
    if level:
        percent = kpi.unit == "share" and (level["unit"] == "%" or float(level["number"]) > 1)
        return ExpectedEffect(kind="level", value=float(level["number"]) / (100 if percent else 1))
    if not change:
        return None
    number = float(f"{change['sign']}{change['number']}")
    if change["unit"] == "%":
        return ExpectedEffect(kind="relative", value=number / 100)
    points = kpi.unit == "share" and (change["unit"] in _POINTS or abs(number) >= 1)
    return ExpectedEffect(kind="change", value=number / (100 if points else 1))
