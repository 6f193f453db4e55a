"""The growth gate of a dataset: conditions, set beforehand, under which a partner may take on more work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bpo_analysis.errors import DatasetError

__all__ = ["NEW_HIRES", "NO_KPI", "SUPPORT", "Condition", "GrowthGate", "read_growth_gate"]

NEW_HIRES = "new_hire_share"
"""Condition on the share of agents employed for less than 90 days, which is no KPI of its own."""
SUPPORT = {
    "agents_per_team_leader": "team_leader",
    "agents_per_quality_analyst": "quality_analyst",
    "agents_per_trainer": "trainer",
}
"""Conditions on the support ratio, and the role of table ``support_staff`` that each counts."""
NO_KPI = (NEW_HIRES, *SUPPORT)
"""Conditions that are no KPI of the catalogue."""
_GROWTH = "growth"
_CONDITION = re.compile(r"(>=|<=)\s*(-?\d+(?:\.\d+)?)\s*(%?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition: a KPI (or a name of ``NO_KPI``), a comparison and a number in its unit."""

    name: str
    op: Literal[">=", "<="]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthGate:
    """The rule: from which growth it matters, and what must hold.

    ``growth`` is the relative growth of heads or contacts from which a closed gate is a matter for decision.
    """

    growth: float
    conditions: tuple[Condition, ...]


def read_growth_gate(given: Mapping[str, Any], where: str) -> GrowthGate | None:
    """Read ``[report.growth_gate]``: a number for growth, and ``name = ">= 0.93"`` for every condition.

    Raises
    ------
    DatasetError
        If growth is no share, a condition is not written as a comparison, or there is none.
    """
    if not given:
        return None
    growth = given.get(_GROWTH, 0.0)
    if isinstance(growth, bool) or not isinstance(growth, int | float) or not 0 <= growth < 10:
        raise DatasetError(f"{where} growth must be a share such as 0.10 (for 10 %), got {growth!r}.")
    conditions = tuple(_condition(name, value, where) for name, value in given.items() if name != _GROWTH)
    if not conditions:
        raise DatasetError(f'{where} needs at least one condition, such as critical_error_accuracy = ">= 0.93".')
    return GrowthGate(growth=float(growth), conditions=conditions)


def _condition(name: str, value: Any, where: str) -> Condition:
    found = _CONDITION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise DatasetError(f'{where} {name} must be a comparison such as ">= 0.93" or "<= 30 %", got {value!r}.')
    number = float(found[2]) / 100 if found[3] else float(found[2])
    return Condition(name=name, op=">=" if found[1] == ">=" else "<=", value=number)
