"""How each side, and the partner's agents, judge the work together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.context import Review
from bpo_analysis.stats import RatioInterval, ratio_interval

__all__ = ["Opinion", "opinions"]

_DAYS = 182
"""Half a year of answers: such surveys are asked once a quarter or less."""
_SIDES = ("client", "partner", "agents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """Answers of one side to one question, on one scale.

    Attributes
    ----------
    side : str
        client, partner or agents.
    question : str
        Empty: overall.
    scale : tuple of float or None
        Lowest and highest answer, where they are on record.
    mean : float
    n : int
    interval : tuple of float or None
        Of the mean, kept inside the scale; None with fewer than three answers or without spread between them.
    before, n_before : float or None, int
        Mean of the half year before, and its answers.
    start, end : date
    """

    side: str
    question: str
    scale: tuple[float, float] | None
    mean: float
    n: int
    interval: tuple[float, float] | None
    before: float | None
    n_before: int
    start: date
    end: date


def opinions(review: Review) -> list[Opinion] | None:
    """Return the answers of the half year to the end of the period, overall questions first; None without the table."""
    rows = review.register("relationship_surveys")
    if rows is None:
        return None
    end = pd.Timestamp(review.period.end)
    rows = rows.assign(
        answered_on=pd.to_datetime(rows["answered_on"]), question=rows["question"].fillna(""),
        scale_min=rows["scale_min"].astype(float), scale_max=rows["scale_max"].astype(float),
    )  # fmt: skip
    middle, first = end - timedelta(days=_DAYS), end - timedelta(days=2 * _DAYS)
    now = rows[(rows["answered_on"] > middle) & (rows["answered_on"] <= end)]
    before = rows[(rows["answered_on"] > first) & (rows["answered_on"] <= middle)]
    keys = ["side", "question", "scale_min", "scale_max"]
    found = []
    for key, part in now.groupby(keys, sort=True, dropna=False):
        earlier = before[[_alike(row, key) for row in before[keys].itertuples(index=False)]]
        found.append(_opinion(review, key, part, earlier, middle.date() + timedelta(days=1)))
    return sorted(found, key=lambda o: (o.question != "", o.question, _SIDES.index(o.side)))


def _alike(row: tuple[object, ...], key: tuple[object, ...]) -> bool:
    return all(a == b or (pd.isna(a) and pd.isna(b)) for a, b in zip(row, key, strict=True))


def _opinion(
    review: Review, key: tuple[object, ...], part: pd.DataFrame, earlier: pd.DataFrame, start: date
) -> Opinion:
    side, question, low, high = key
    scale = None if pd.isna(low) or pd.isna(high) else (float(str(low)), float(str(high)))
    scores = part["score"].to_numpy(dtype=float)
    return Opinion(
        side=str(side), question=str(question), scale=scale, mean=float(scores.mean()), n=len(scores),
        interval=_limits(_mean_interval(review, part), scale),
        before=float(earlier["score"].mean()) if len(earlier) else None, n_before=len(earlier), start=start,
        end=review.period.end,
    )  # fmt: skip


def _mean_interval(review: Review, part: pd.DataFrame) -> RatioInterval | None:
    """Interval of the mean; one answer is one unit, for few people answer and each answers for himself."""
    scores = part["score"].to_numpy(dtype=float)
    if len(scores) < 3 or np.ptp(scores) == 0:
        return None
    try:
        return ratio_interval(
            scores, np.ones(len(scores)), confidence_level=review.confidence_level, autocorrelation=0.0
        )
    except InsufficientDataError:
        return None


def _limits(interval: RatioInterval | None, scale: tuple[float, float] | None) -> tuple[float, float] | None:
    if interval is None:
        return None
    low, high = scale or (-np.inf, np.inf)
    return max(interval.ci_low, low), min(interval.ci_high, high)
