"""Times with open cases counted, printed with their interval and noted for the list of all numbers of a page."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Literal

from bpo_analysis.formats import MISSING, format_value
from bpo_analysis.review.context import Review
from bpo_analysis.stats import TimeToEvent

__all__ = ["NOT_REACHED", "noted_share_within", "noted_time"]

NOT_REACHED = "not reached"
"""In place of a quantile that the curve does not come down to: too many cases are still open."""
Quantile = Literal["median", "p90"]


def noted_time(
    review: Review,
    id: str,
    found: TimeToEvent | None,
    which: Quantile = "median",
    *,
    unit: Literal["hours", "days"] = "hours",
    where: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """Print and note the median or the 90th percentile; return it and its interval.

    A quantile that is not reached is no number: it is printed as such and not noted.
    """
    if found is None:
        return MISSING, MISSING
    value, low, high = (getattr(found, f"{which}{end}") for end in ("", "_ci_low", "_ci_high"))
    if not isfinite(value):
        return NOT_REACHED, f"over {format_value(low, unit)}" if isfinite(low) else MISSING
    text = review.note_figure(
        id, value, format_value(value, unit), unit=unit, ci_low=low if isfinite(low) else None,
        ci_high=high if isfinite(high) else None, where={"quantile": which, **(where or {})},
    )  # fmt: skip
    if not isfinite(low):
        return text, MISSING
    upper = format_value(high, unit) if isfinite(high) else NOT_REACHED
    return text, f"{format_value(low, unit).rsplit(' ', 1)[0]} to {upper}"


def noted_share_within(
    review: Review, id: str, found: TimeToEvent | None, *, where: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Print and note the share done within the limit; return it and its interval."""
    if found is None or not isfinite(found.share_within):
        return MISSING, MISSING
    low, high = found.share_within_ci_low, found.share_within_ci_high
    text = review.note_figure(
        id, found.share_within, format_value(found.share_within, "share"), unit="share", ci_low=low, ci_high=high,
        denominator=float(found.n), where=where,
    )  # fmt: skip
    return text, f"{format_value(low, 'share').removesuffix(' %')} to {format_value(high, 'share')}"
