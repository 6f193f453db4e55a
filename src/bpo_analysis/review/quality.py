"""Quality evaluations by item, by rating side, by agent, and weighted by how likely each contact was to be rated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite
from typing import Literal

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.context import Review
from bpo_analysis.review.sampling import agent_code
from bpo_analysis.stats import Funnel, RatioInterval, funnel, ratio_interval, share_interval

__all__ = [
    "AgentFunnel",
    "FailedItem",
    "SideScores",
    "Weighted",
    "agent_funnel",
    "failed_items",
    "months_back",
    "side_scores",
    "weighted_score",
]

ERRORS = ("customer", "business", "compliance")
_LEAST_ITEMS = 20
"""Rated items from which on an agent is placed in the funnel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedItem:
    """How often a rated item was failed in the period; the interval counts what one agent did together.

    ``part`` is its part of all failed items, ``cumulative`` that of it and of all failed more often.
    """

    item_id: str
    criticality: str
    rated: int
    failed: int
    share: RatioInterval
    agents: int
    part: float
    cumulative: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SideScores:
    """Evaluations of one rating side in the period.

    ``score`` is None with too few days, an entry of ``errors`` (evaluations with such a critical error) likewise.
    """

    side: Literal["client", "partner"]
    evaluations: int
    mean: float
    score: RatioInterval | None
    errors: dict[str, tuple[int, RatioInterval | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """The mean score with every evaluation counted for the contacts it stands for.

    ``plain`` is the mean of the same evaluations without weights; ``left_out`` were not drawn at random, or their
    chance is not known.
    """

    value: float
    interval: RatioInterval | None
    plain: float
    evaluations: int
    left_out: int
    smallest: float
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFunnel:
    """Share of failed items by agent, against limits that know how many items each had rated.

    ``agents`` names the rows of ``result.table``; ``too_few`` are agents with fewer than twenty rated items, left out.
    """

    agents: tuple[str, ...]
    result: Funnel
    too_few: int
    start: date
    end: date


def months_back(review: Review) -> date:
    """First day of the stretch before; for a day or a week four months back, for few contacts are rated a week."""
    return min(review.before()[0], review.period.end - timedelta(weeks=17))


def failed_items(review: Review) -> list[FailedItem]:
    """Return rated items of the period, most often failed first; empty without rated items."""
    rows = _rows(review, "rated_items", review.period.start)
    if rows is None or rows.empty:
        return []
    total, keys = rows["failed"].sum(), ["item_id", "criticality"]
    counts = rows.groupby(keys)[["rated", "failed"]].sum().reset_index()
    counts = counts.sort_values(["failed", "item_id"], ascending=[False, True], kind="stable")
    by_unit = {key: own.groupby(_units(own))[["failed", "rated"]].sum() for key, own in rows.groupby(keys)}
    found, cumulative = [], 0.0
    for row in counts.to_dict("records"):
        sums = by_unit[row["item_id"], row["criticality"]]
        part = float(row["failed"] / total) if total else float("nan")
        cumulative += part
        found.append(
            FailedItem(
                item_id=str(row["item_id"]),
                criticality=str(row["criticality"]),
                rated=int(row["rated"]),
                failed=int(row["failed"]),
                share=share_interval(
                    sums["failed"], sums["rated"], confidence_level=review.confidence_level, autocorrelation=0.0
                ),
                agents=len(sums),
                part=part,
                cumulative=cumulative,
            )
        )
    return found


def side_scores(review: Review) -> list[SideScores]:
    """Return evaluations of the period by the side that rated, client first; only sides that rated."""
    rows = _rows(review, "evaluations_by_agent", review.period.start)
    if rows is None:
        return []
    found: list[SideScores] = []
    sides: tuple[tuple[str, Literal["client", "partner"]], ...] = (("client", "client"), ("bpo", "partner"))
    for org, side in sides:
        own = rows[rows["rater_org"] == org]
        if own.empty:
            continue
        days = own.groupby("date")[["score", "evaluations", *ERRORS]].sum()
        count = int(days["evaluations"].sum())
        found.append(
            SideScores(
                side=side,
                evaluations=count,
                mean=float(days["score"].sum() / count),
                score=_mean(days["score"], days["evaluations"], review.confidence_level),
                errors={
                    kind: (int(days[kind].sum()), _share(days[kind], days["evaluations"], review.confidence_level))
                    for kind in ERRORS
                },
            )
        )
    return found


def weighted_score(review: Review) -> Weighted | None:
    """Return the score weighted by one over the inclusion probability; None where no chances are known.

    Notes
    -----
    The estimate is Hajek's: sum of score over chance, divided by the sum of one over chance. Evaluations of contacts
    that were picked (sampling = targeted) stand for nothing but themselves and are left out.
    """
    rows = _rows(review, "evaluations_by_agent", review.period.start)
    if rows is None or rows.empty:
        return None
    known = (rows["inclusion_probability"] > 0) & (rows["sampling"] != "targeted")
    used = rows[known]
    if used.empty:
        return None
    chance = used["inclusion_probability"]
    days = pd.DataFrame(
        {"date": used["date"], "score": used["score"] / chance, "weight": used["evaluations"] / chance}
    ).groupby("date")
    sums = days.sum()
    return Weighted(
        value=float(sums["score"].sum() / sums["weight"].sum()),
        interval=_mean(sums["score"], sums["weight"], review.confidence_level),
        plain=float(used["score"].sum() / used["evaluations"].sum()),
        evaluations=int(used["evaluations"].sum()),
        left_out=int(rows.loc[~known, "evaluations"].sum()),
        smallest=float(chance.min()),
        largest=float(chance.max()),
    )


def agent_funnel(review: Review, *, named: bool) -> AgentFunnel | None:
    """Place agents by the share of items they failed since the start of the stretch before.

    Parameters
    ----------
    named : bool
        Whether agents are named by their ids; otherwise by codes that stay the same.

    Returns
    -------
    AgentFunnel or None
        None with fewer than eight agents that had enough items rated.

    Notes
    -----
    What lies outside is far from what is usual here, not proof of good or bad work: agents do not draw their contacts
    by lot. The rating sides are taken together.
    """
    start = months_back(review)
    rows = _rows(review, "rated_items", start)
    if rows is None:
        return None
    rows = rows[rows["agent_id"].notna()]
    sums = rows.groupby("agent_id")[["failed", "rated"]].sum()
    enough = sums["rated"] >= _LEAST_ITEMS
    used = sums[enough]
    try:
        result = funnel(used["failed"], used["rated"], confidence_level=review.confidence_level)
    except InsufficientDataError:
        return None
    return AgentFunnel(
        agents=tuple(str(name) if named else agent_code(name) for name in used.index),
        result=result,
        too_few=int((~enough).sum()),
        start=start,
        end=review.period.end,
    )


def _rows(review: Review, extract: str, start: date) -> pd.DataFrame | None:
    found = review.extract(extract)
    if found is None:
        return None
    found = found.assign(date=pd.to_datetime(found["date"]))
    return found[found["date"].between(pd.Timestamp(start), pd.Timestamp(review.period.end))]


def _units(rows: pd.DataFrame) -> pd.Series:
    """Agents, or days where no agent is known."""
    if rows["agent_id"].notna().any():
        return rows["agent_id"].fillna("")
    return rows["date"].astype(str)


def _share(numerator: pd.Series, denominator: pd.Series, level: float) -> RatioInterval | None:
    try:
        found = share_interval(numerator, denominator, confidence_level=level)
    except InsufficientDataError:
        return None
    return found if isfinite(found.ci_low) else None


def _mean(numerator: pd.Series, denominator: pd.Series, level: float) -> RatioInterval | None:
    try:
        found = ratio_interval(numerator, denominator, confidence_level=level)
    except InsufficientDataError:
        return None
    return found if np.isfinite(found.ci_low) else None
