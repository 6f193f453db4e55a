"""Numbers that are no KPI, printed with their interval and noted for the list of all numbers of a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from bpo_analysis.formats import MISSING, format_change, format_interval, format_value
from bpo_analysis.review.context import Review
from bpo_analysis.stats import RatioInterval

__all__ = ["noted_count", "noted_points", "noted_share", "points", "points_interval"]


def points(change: float) -> str:
    """Print the size of a difference of shares in percentage points, without its sign.

    Examples
    --------
    >>> points(-0.069)
    '6.9 pp'
    """
    return format_change(abs(change), "share").lstrip("+±")


def points_interval(low: float, high: float) -> str:
    """Print an interval of a difference of shares.

    Examples
    --------
    >>> points_interval(0.049, 0.09)
    '4.9 to 9.0 pp'
    """
    return format_interval(low, high, "share").replace(" %", " pp")


def noted_count(review: Review, id: str, value: float, unit: str, where: Mapping[str, str] | None = None) -> str:
    """Print and note a count of the period."""
    return review.note_figure(id, value, format_value(value, "count"), unit=unit, where=where)


def noted_share(
    review: Review,
    id: str,
    found: RatioInterval,
    *,
    numerator: float,
    start: date | None = None,
    where: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """Print and note a share; return its value and its interval."""
    text = review.note_figure(
        id, found.estimate, format_value(found.estimate, "share"), unit="share", numerator=numerator,
        denominator=found.total, ci_low=found.ci_low, ci_high=found.ci_high, start=start, where=where,
    )  # fmt: skip
    return text, format_interval(found.ci_low, found.ci_high, "share")


def noted_points(
    review: Review,
    id: str,
    value: float,
    low: float | None = None,
    high: float | None = None,
    *,
    start: date | None = None,
    where: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """Print and note a difference of shares; return its value and its interval."""
    text = review.note_figure(
        id, value, format_change(value, "share"), unit="share", ci_low=low, ci_high=high, start=start, where=where
    )
    return text, MISSING if low is None or high is None else points_interval(low, high)
