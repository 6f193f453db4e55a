"""Whose work a rating is about, and whether the customers who answer are still the same."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.changes import STRETCHES, Stretch, change_of
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.plan import change_family, judgement
from bpo_analysis.stats import RatioInterval, share_interval

__all__ = ["HandedOn", "ResponseShift", "handed_on", "response_shift"]

ENOUGH = 20
"""Answers from which on a share of satisfied customers is printed."""
_RATE = "survey_response_rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOn:
    """Answered CSAT surveys of the partner's contacts in the period, by whether the contact changed hands.

    ``share`` is that of ratings whose contact did; ``other_partner`` counts ratings that the survey table gives to
    another partner than the one that had the contact. ``satisfied_kept`` and ``satisfied_changed`` are NaN with fewer
    than twenty answers.
    """

    answers: int
    changed: int
    share: RatioInterval | None
    satisfied_kept: float
    satisfied_changed: float
    other_partner: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseShift:
    """A clear change of the response rate: from whom the ratings of the period come may have changed with it."""

    now: Measure
    before: Measure
    stretch: Stretch


def handed_on(review: Review) -> HandedOn | None:
    """Return the ratings of the period by hand-offs of their contact; None where the tables do not say."""
    rows = review.extract("ratings_handed_on")
    if rows is None:
        return None
    rows = rows.assign(date=pd.to_datetime(rows["date"]))
    rows = rows[rows["date"].between(pd.Timestamp(review.period.start), pd.Timestamp(review.period.end))]
    answers = int(rows["answers"].sum())
    if not answers:
        return None
    changed = rows["handed_on"].astype(bool)
    days = rows.assign(changed=rows["answers"].where(changed, 0)).groupby("date")[["changed", "answers"]].sum()
    try:
        share = share_interval(days["changed"], days["answers"], confidence_level=review.confidence_level)
    except InsufficientDataError:
        share = None
    return HandedOn(
        answers=answers,
        changed=int(rows.loc[changed, "answers"].sum()),
        share=share,
        satisfied_kept=_satisfied(rows[~changed]),
        satisfied_changed=_satisfied(rows[changed]),
        other_partner=int(rows.loc[rows["other_partner"].astype(bool), "answers"].sum()),
    )


def response_shift(review: Review) -> ResponseShift | None:
    """Return a change of the response rate that is a finding of the report; None where there is none."""
    if _RATE not in review.rows or _RATE in review.dataset.unavailable:
        return None
    now = review.measure(_RATE)
    if now is None:
        return None
    for stretch in STRETCHES:
        start, end = review.before() if stretch == "before" else review.earlier()
        found = judgement(review).found(change_family(review, _RATE), change_of(review, _RATE, stretch).label)
        before = review.measure(_RATE, start=start, end=end)
        if found and before is not None:
            return ResponseShift(now=now, before=before, stretch=stretch)
    return None


def _satisfied(rows: pd.DataFrame) -> float:
    answers = rows["answers"].sum()
    return float(rows["satisfied"].sum() / answers) if answers >= ENOUGH else float("nan")
