"""What a pilot is: what is tried, on which units, against what, and how it will be judged.

``pilot_file`` reads it from ``pilots/<id>.toml``; what is registered is its content, by digest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "Assignment",
    "Comparator",
    "Decision",
    "LogEntry",
    "MetricRole",
    "MetricTest",
    "Outcome",
    "PilotMetric",
    "PilotSpec",
    "PilotUnit",
    "Spending",
    "digest_of",
]

PilotUnit = Literal["agent", "team", "queue", "site", "week"]
Assignment = Literal["random", "chosen", "whole site"]
Comparator = Literal["concurrent", "inhouse", "partner", "history"]
MetricRole = Literal["primary", "guardrail"]
MetricTest = Literal["superiority", "noninferiority"]
Spending = Literal["obrien-fleming", "pocock"]
Decision = Literal["expand", "extend", "change", "stop"]
Outcome = Literal["met", "worse", "guardrail", "cannot_tell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotMetric:
    """One KPI the pilot is judged by; the margin is in the KPI's unit and above 0."""

    kpi: str
    role: MetricRole
    test: MetricTest
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One decision taken about a pilot."""

    date: dt.date
    decision: Decision
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotSpec:
    """Everything a pilot file says, checked."""

    id: str
    title: str
    hypothesis: str = ""
    partner_id: str
    owner: str = ""
    unit: PilotUnit
    assignment: Assignment
    assigned_how: str = ""
    comparator: Comparator = "concurrent"
    scope: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    arms: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    baseline_start: dt.date
    baseline_end: dt.date
    start: dt.date
    end: dt.date
    ramp_weeks: int = 0
    looks: tuple[dt.date, ...] = ()
    spending: Spending = "obrien-fleming"
    confidence_level: float = 0.95
    metrics: tuple[PilotMetric, ...]
    rule: Mapping[Outcome, Decision]
    log: tuple[LogEntry, ...] = ()
    file: Path

    @property
    def first_day(self) -> dt.date:
        """The first day that counts: the start plus the ramp weeks."""
        return self.start + dt.timedelta(weeks=self.ramp_weeks)

    @property
    def primaries(self) -> tuple[PilotMetric, ...]:
        """The metrics that decide."""
        return tuple(metric for metric in self.metrics if metric.role == "primary")

    @property
    def guardrails(self) -> tuple[PilotMetric, ...]:
        """The metrics that must not get worse."""
        return tuple(metric for metric in self.metrics if metric.role == "guardrail")

    @property
    def content(self) -> dict[str, Any]:
        """Everything that is registered, as plain values of JSON: all but the log and the file."""
        return {
            "id": self.id,
            "title": self.title,
            "hypothesis": self.hypothesis,
            "partner": self.partner_id,
            "owner": self.owner,
            "unit": self.unit,
            "assignment": self.assignment,
            "assigned_how": self.assigned_how,
            "comparator": self.comparator,
            "scope": {key: list(values) for key, values in self.scope.items()},
            "arms": {arm: {key: list(values) for key, values in keys.items()} for arm, keys in self.arms.items()},
            "baseline": [self.baseline_start.isoformat(), self.baseline_end.isoformat()],
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "ramp_weeks": self.ramp_weeks,
            "looks": [day.isoformat() for day in self.looks],
            "spending": self.spending,
            "confidence_level": self.confidence_level,
            "metrics": [
                {"kpi": metric.kpi, "role": metric.role, "test": metric.test, "margin": metric.margin}
                for metric in self.metrics
            ],
            "decision": dict(self.rule),
        }

    @property
    def digest(self) -> str:
        """The SHA-256 of the registered content, in hexadecimal."""
        return digest_of(self.content)


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of registered content: of its JSON with sorted keys and no spaces."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
