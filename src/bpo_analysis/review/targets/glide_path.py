"""Is a target that is due later on its way? From its baseline to its due date, with a projection that may be wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import pandas as pd

from bpo_analysis.data import Target
from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.scorecard import targets_in_force
from bpo_analysis.review.targets.history import History, history_of, where_of
from bpo_analysis.stats import ProjectionResult, project

__all__ = ["GlidePath", "PathState", "glide_path_of", "glide_paths"]

PathState = Literal["ahead of the path", "behind the path", "cannot tell"]
ReachState = Literal["will be met", "will be missed", "cannot tell"]
_BASELINE_WEEKS = 13
_LEAST, _MOST = {"week": 26, "month": 12}, {"week": 78, "month": 36}
_WIDTH = {"week": 4, "month": 1}
"""Periods whose mean is projected: about a month, as such targets are judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlidePath:
    """The straight way of a target from its baseline to its due date.

    Attributes
    ----------
    start, due : date
    baseline : float
    baseline_from : str
        agreed (with the target) or measured (over the 13 weeks before its start).
    planned : float
        Level of the path in the middle of the period.
    measure : Measure
        The period's value.
    state : str
        Where the interval of the value lies beside the path.
    projection : ProjectionResult or None
        The level carried on to the due date; None where the history is too short for it, with ``shortage``.
    reach : str
        On which side of the target the whole projection interval lies.
    history : History
    """

    target: Target
    kpi: Kpi
    start: date
    due: date
    baseline: float
    baseline_from: Literal["agreed", "measured"]
    planned: float
    measure: Measure
    state: PathState
    projection: ProjectionResult | None
    shortage: str
    reach: ReachState
    history: History

    def at(self, day: date) -> float:
        """Level of the path on a day: the baseline before its start, the target from its due date."""
        share = (day - self.start).days / max((self.due - self.start).days, 1)
        return self.baseline + min(max(share, 0.0), 1.0) * (self.target.value - self.baseline)


def glide_paths(review: Review) -> list[GlidePath]:
    """Glide paths of the targets in force that are due after the period or written as a change."""
    found = [glide_path_of(review, t) for t in targets_in_force(review) if _has_path(review, t)]
    return [path for path in found if path is not None]


def _has_path(review: Review, target: Target) -> bool:
    ahead = target.due_date is not None and target.due_date > review.period.end
    return ahead and target.op != "between" and target.kpi not in review.dataset.unavailable


def glide_path_of(review: Review, target: Target) -> GlidePath | None:
    """Return the way of one target; None without a value in the period or a level to start from."""
    where = where_of(target)
    measure = review.measure(target.kpi, where=where)
    start = target.valid_from or target.agreed_on
    if measure is None or target.due_date is None or start is None:
        return None
    given = target.baseline
    before = None
    if given is None:
        first = start - timedelta(weeks=_BASELINE_WEEKS)
        before = review.measure(target.kpi, start=first, end=start - timedelta(days=1), where=where)
    if given is None and before is None:
        return None
    baseline = given if given is not None else before.value if before else float("nan")
    history = _since(review, target, start)
    projection, shortage = _projection(review, target, history)
    middle = review.period.start + (review.period.end - review.period.start) / 2
    path = GlidePath(
        target=target, kpi=review.kpis[target.kpi], start=start, due=target.due_date, baseline=baseline,
        baseline_from="agreed" if given is not None else "measured", planned=baseline, measure=measure,
        state="cannot tell", projection=projection, shortage=shortage, reach=_reach(target, projection),
        history=history,
    )  # fmt: skip
    planned = path.at(middle)
    return replace(path, planned=planned, state=_side(measure, planned, target))


def _since(review: Review, target: Target, start: date) -> History:
    """Periods since the target began, at least half a year and at most a year and a half of them."""
    unit = history_of(review, target, 1).unit
    days = (review.period.end - start).days
    since = days // 7 if unit == "week" else days // 30
    return history_of(review, target, min(max(since, _LEAST[unit]), _MOST[unit]))


def _projection(review: Review, target: Target, history: History) -> tuple[ProjectionResult | None, str]:
    if history.known.empty or target.due_date is None:
        return None, "there are no values to carry on"
    last = history.series["end"].iloc[-1]
    days = (pd.Timestamp(target.due_date) - pd.Timestamp(last)).days
    ahead = max(round(days / (7 if history.unit == "week" else 365.25 / 12)), 1)
    try:
        found = project(
            history.series["value"], ahead, width=_WIDTH[history.unit], confidence_level=review.confidence_level
        )
    except InsufficientDataError as error:
        return None, f"{error.needed} {history.unit}s with data are needed, there are {error.got}"
    return found, ""


def _side(measure: Measure, planned: float, target: Target) -> PathState:
    low, high = measure.limits or (measure.value, measure.value)
    if low <= planned <= high:
        return "cannot tell"
    return "ahead of the path" if (low > planned) == (target.op == ">=") else "behind the path"


def _reach(target: Target, projection: ProjectionResult | None) -> ReachState:
    if projection is None or projection.note or projection.ci_low <= target.value <= projection.ci_high:
        return "cannot tell"
    return "will be met" if (projection.ci_low > target.value) == (target.op == ">=") else "will be missed"
