"""What a page hands to the index: who, when, the sentence of its first screen, and its KPIs."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import Any

from bpo_analysis.review.context import Review
from bpo_analysis.review.findings import confidence, coverage
from bpo_analysis.review.scorecard import ScoreRow
from bpo_analysis.sections.parts import SPARK_PERIODS, spark_grain

__all__ = ["headline_record"]


def headline_record(review: Review, rows: Iterable[ScoreRow], sentence: str) -> dict[str, Any]:
    """What a page hands to the index: who, when, the sentence of its first screen, and its KPIs."""
    return {
        "partner_id": review.partner_id,
        "partner": review.name,
        "kind": "in-house" if review.partner["kind"] == "inhouse" else "",
        "period": review.period.label,
        "period_label": review.period.title,
        "verdict": sentence,
        "data_confidence": confidence(review),
        "coverage": f"Data: {coverage(review)}.",
        "kpis": [_headline_kpi(review, row) for row in rows],
    }


def _headline_kpi(review: Review, row: ScoreRow) -> dict[str, Any]:
    """One KPI of a first screen, for the record of the run and the index."""
    series = review.series(row.kpi.name, spark_grain(review), SPARK_PERIODS)
    measure = row.measure
    return {
        "kpi": row.kpi.name,
        "label": row.kpi.label,
        "group": row.group,
        "unit": row.kpi.unit,
        "better": row.kpi.better,
        "actual": measure.value if measure else None,
        "actual_text": measure.text if measure else "",
        "interval_text": measure.interval_text if measure else "",
        "target_text": row.target_text,
        "target": row.target.value if row.target else None,
        "contract": row.contract,
        "evidence": row.evidence,
        "good": row.good,
        "change_text": row.change_text,
        "change_good": row.change_good,
        "change_word": row.change_word,
        "spark": [None if isnan(v) else float(v) for v in series["value"]],
        "n_text": measure.base_text if measure else "",
    }
