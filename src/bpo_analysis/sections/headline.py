"""What a page hands to the index: who, when, the sentence of its first screen, its KPIs and agreed targets.

The index adds up partners and compares with the report of the period before, so every KPI comes with its sums, and with
the value that the period before has in today's data: where that is not what was printed then, it was restated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite, isnan
from typing import Any, Final

from bpo_analysis.formats import decimals_of, format_change
from bpo_analysis.periods import ReportPeriod
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.findings import confidence, coverage
from bpo_analysis.review.scorecard import Clause, ScoreRow
from bpo_analysis.sections.parts import SPARK_PERIODS, spark_grain

__all__ = ["clause_record", "headline_record"]

_CONTACTS: Final = ("offered", "handled")


def headline_record(review: Review, rows: Iterable[ScoreRow], sentence: str) -> dict[str, Any]:
    """What a page hands to the index: who, when, the sentence of its first screen, and its KPIs."""
    return {
        "partner_id": review.partner_id,
        "partner": review.name,
        "kind": "in-house" if review.partner["kind"] == "inhouse" else "",
        "period": review.period.label,
        "period_label": review.period.title,
        "last_period": review.period.shifted(-1).label,
        "verdict": sentence,
        "data_confidence": confidence(review),
        "coverage": f"Data: {coverage(review)}.",
        "is_covered": _is_covered(review),
        "contacts": _contacts(review),
        "kpis": [_headline_kpi(review, row) for row in rows],
    }


def clause_record(review: Review, clause: Clause) -> dict[str, Any]:
    """One agreed target for the index: its state, and what the KPI was in the period before."""
    return _judged(review, clause.row) | {"scope": clause.scope, "clearly_missed": clause.row.clearly_missed}


def _headline_kpi(review: Review, row: ScoreRow) -> dict[str, Any]:
    """One KPI of a first screen, for the record of the run and the index."""
    series = review.series(row.kpi.name, spark_grain(review), SPARK_PERIODS)
    measure = row.measure
    return _judged(review, row) | {
        "group": row.group,
        "better": row.kpi.better,
        "pooling": row.kpi.pooling,
        "scale": row.kpi.scale,
        "base": row.kpi.base,
        "currency": row.currency,
        "interval_text": measure.interval_text if measure else "",
        "target": row.target.value if row.target else None,
        "change_text": row.change_text,
        "change_good": row.change_good,
        "change_word": row.change_word,
        "spark": [None if isnan(v) else float(v) for v in series["value"]],
        "n_text": measure.base_text if measure else "",
    }


def _judged(review: Review, row: ScoreRow) -> dict[str, Any]:
    """A KPI with its two marks, its sums, and the same of the period before from today's data."""
    measure, last = row.measure, _last(review, row)
    since = measure.value - last.value if measure and last else None
    decimals = decimals_of(row.kpi.unit, measure.value) if measure else None
    return {
        "kpi": row.kpi.name,
        "label": row.kpi.label,
        "unit": row.kpi.unit,
        "actual": measure.value if measure else None,
        "actual_text": measure.text if measure else "",
        "sums": _sums(measure),
        "target_text": row.target_text,
        "contract": row.contract,
        "evidence": row.evidence,
        "good": row.good,
        "last_text": last.text if last else "",
        "last_sums": _sums(last),
        "since_text": format_change(since, row.kpi.unit, currency=row.currency, decimals=decimals) if last else "",
    }


def _last(review: Review, row: ScoreRow) -> Measure | None:
    where = row.measure.where if row.measure else None
    return _unprinted(review, row.kpi.name, review.period.shifted(-1), where)


def _unprinted(
    review: Review, kpi: str, period: ReportPeriod | None = None, where: Mapping[str, str] | None = None
) -> Measure | None:
    """A value that the page itself does not print, and so its ledger does not list."""
    return review.measure(kpi, period=period, where=where, record=False, interval=False)


def _sums(measure: Measure | None) -> list[float | None] | None:
    """Numerator and denominator; a total has none of the latter."""
    if measure is None:
        return None
    return [measure.numerator, measure.denominator if isfinite(measure.denominator) else None]


def _contacts(review: Review) -> dict[str, float]:
    """Contacts offered and handled in the period, as far as the data say."""
    found = {name: _unprinted(review, name) for name in _CONTACTS}
    return {name: measure.value for name, measure in found.items() if measure is not None}


def _is_covered(review: Review) -> bool:
    """Whether every day of the period has data, or the rows are not of days."""
    volume = _unprinted(review, "offered") or _unprinted(review, "handled")
    return volume is not None and (review.dataset.grain != "day" or volume.days == review.period.days)
