"""Published levels beside a target: compared only where they mean the same, and marked where they are old."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import pandas as pd

from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Review

__all__ = ["Benchmark", "benchmarks_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One published level.

    Attributes
    ----------
    low, high : float or None
        Ends of the range, in the KPI's unit; both are the value where only one is published.
    matches : bool
        Whether the definition, up to its first semicolon, is that of the KPI: its sentence, or
        ``numerator / denominator`` as ``bpo kpis`` prints them. Only then may the numbers be compared.
    stale : bool
        Whether its next review was due before the end of the period.
    """

    kpi: Kpi
    source: str
    year: int
    low: float | None
    high: float | None
    population: str
    definition: str
    url: str
    as_of: date | None
    next_review: date | None
    matches: bool
    stale: bool

    def place_of(self, value: float) -> str:
        """Say where a value lies: below, inside or above the published range."""
        if self.low is None or self.high is None:
            return ""
        return "below" if value < self.low else "above" if value > self.high else "inside"


def benchmarks_for(review: Review, kpi: str) -> list[Benchmark]:
    """Return the published levels of a KPI, the newest first; none without the table."""
    rows = review.register("benchmarks")
    if rows is None:
        return []
    own = rows[rows["kpi"] == kpi].sort_values(["year", "source"], ascending=[False, True], kind="stable")
    return [_benchmark(review, row) for row in own.to_dict("records")]


def _benchmark(review: Review, row: dict[str, object]) -> Benchmark:
    kpi = review.kpis[str(row["kpi"])]
    value, low, high = (_number(row[name]) for name in ("value", "low", "high"))
    due = _day(row["next_review"])
    return Benchmark(
        kpi=kpi,
        source=str(row["source"]),
        year=int(str(row["year"])),
        low=value if low is None else low,
        high=value if high is None else high,
        population=_text(row["population"]),
        definition=_text(row["definition"]),
        url=_text(row["url"]),
        as_of=_day(row["as_of"]),
        next_review=due,
        matches=_plain(_text(row["definition"]).split(";")[0]) in _definitions(kpi),
        stale=due is not None and due < review.period.end,
    )


def _definitions(kpi: Kpi) -> set[str]:
    return {_plain(kpi.definition), _plain(f"{kpi.numerator} / {kpi.denominator}")}


def _plain(text: str) -> str:
    """Letters and numbers only: spelling of a definition is no difference."""
    return re.sub(r"[^a-z0-9/]+", " ", text.casefold()).strip().rstrip(".")


def _number(value: object) -> float | None:
    return None if value is None or pd.isna(value) else float(str(value))


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value).strip()


def _day(value: object) -> date | None:
    return None if value is None or pd.isna(value) else pd.Timestamp(str(value)).date()
