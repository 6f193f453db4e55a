"""How far a KPI lies from where it was: against the three months before, and against the six before those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from bpo_analysis.review.context import Review
from bpo_analysis.stats import RatioDifference, difference_of_ratios

__all__ = ["STRETCHES", "Change", "Stretch", "change_of", "testable"]

Stretch = Literal["before", "earlier"]
STRETCHES: tuple[Stretch, ...] = get_args(Stretch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A KPI of the period less its pooled value of an earlier stretch.

    ``value`` is in the KPI's unit, None without earlier data; ``difference`` is that of the plain ratios, None where
    there is no interval (totals, billed amounts).
    """

    label: str
    value: float | None
    difference: RatioDifference | None
    scale: float

    @property
    def pvalue(self) -> float:
        """P-value of no change; NaN where there is no interval."""
        return self.difference.pvalue if self.difference else float("nan")

    def limits_at(self, confidence_level: float) -> tuple[float, float] | None:
        """Confidence limits in the KPI's unit."""
        if self.difference is None:
            return None
        found = self.difference.at(confidence_level)
        return found.ci_low * self.scale, found.ci_high * self.scale


def change_of(review: Review, name: str, stretch: Stretch, where: Mapping[str, str] | None = None) -> Change:
    """Compare a KPI of the period with an earlier stretch."""
    slices = tuple(sorted((where or {}).items()))
    return review.once(f"change {name} {stretch} {slices}", lambda r: _change(r, name, stretch, where))


def testable(review: Review) -> list[str]:
    """KPIs whose changes can be tested: estimated, not counted, with a value in the period."""
    return review.once("testable", _testable)


def _testable(review: Review) -> list[str]:
    return [
        name
        for name in sorted(review.rows)
        if name in review.kpis
        and name not in review.dataset.unavailable
        and review.kpis[name].pooling == "ratio"
        and review.kpis[name].sampling != "none"
        and review.has(name)
    ]


def _change(review: Review, name: str, stretch: Stretch, where: Mapping[str, str] | None) -> Change:
    kpi = review.kpis[name]
    start, end = review.before() if stretch == "before" else review.earlier()
    title = review.before_title if stretch == "before" else review.earlier_title
    label = f"{kpi.label} against {title}"
    now = review.measure(name, where=where, record=False)
    before = review.measure(name, start=start, end=end, where=where)
    if now is None or before is None:
        return Change(label=label, value=None, difference=None, scale=kpi.scale)
    if kpi.pooling == "total":
        # Totals of stretches of different length are compared per day of data.
        value = now.value - before.value / before.days * now.days
        return Change(label=label, value=value, difference=None, scale=kpi.scale)
    difference = (
        difference_of_ratios(now.interval, before.interval)
        if now.interval is not None and before.interval is not None
        else None
    )
    return Change(label=label, value=now.value - before.value, difference=difference, scale=kpi.scale)
