"""Do the partner's raters and the client's judge the same contacts alike?"""

from __future__ import annotations

from dataclasses import dataclass

from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.quality import months_back

__all__ = ["RaterBias", "rater_bias"]

_KPI = "calibration_bias"


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterBias:
    """Mean of the partner's score less the client's on contacts both have rated, over the last months.

    A month alone has a handful of such contacts. Every page prints this stretch, so that all print the same figure.
    ``pvalue`` is that of no bias; NaN where there are too few contacts for an interval.
    """

    measure: Measure
    pvalue: float
    label: str


def rater_bias(review: Review) -> RaterBias | None:
    """Return the bias since :func:`~bpo_analysis.review.quality.months_back`; None where both sides rated nothing."""
    if _KPI not in review.kpis or _KPI in review.dataset.unavailable:
        return None
    found = review.measure(_KPI, start=months_back(review))
    if found is None:
        return None
    pvalue = found.interval.pvalue(0.0) if found.interval else float("nan")
    return RaterBias(measure=found, pvalue=pvalue, label="The partner's raters against the client's")
