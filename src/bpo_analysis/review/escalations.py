"""Escalations: how many, how long, at which level, how often again, and what they were about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.context import Review
from bpo_analysis.stats import (
    RatioInterval,
    TimeToEvent,
    TimeToEventComparison,
    compare_time_to_event,
    share_interval,
    time_to_event,
)

__all__ = [
    "AGES",
    "TURNAROUND",
    "Levels",
    "Repeats",
    "Speed",
    "ageing",
    "causes",
    "escalation_speed",
    "escalations_known",
    "levels",
    "repeats",
    "speed",
    "steps_of",
    "turnaround_by_severity",
    "within_due",
]

TURNAROUND = "turnaround of escalations"
"""Family of the log-rank tests of the period against the stretches before it."""


AGES = ("up to 1 d", "1-3 d", "3-7 d", "7-14 d", "14-30 d", "over 30 d")
"""Ages of open escalations."""
_AGE_ENDS = (1, 3, 7, 14, 30)


def escalations_known(review: Review) -> pd.DataFrame | None:
    """Return escalations opened by the end of the period, with what was known of them then.

    Returns
    -------
    DataFrame or None
        Columns of the register and: closed (bool), hours (to closing, or open so far), stretch (period, before,
        earlier, or older). None without the table, or without a row of this partner.
    """
    table = review.once("escalations known", _escalations_known)
    return None if table is None else table.copy(deep=False)


def _escalations_known(review: Review) -> pd.DataFrame | None:
    table = review.register("escalations")
    if table is None or table.empty:
        return None
    end = pd.Timestamp(review.period.end) + pd.Timedelta(days=1)
    opened, closed = pd.to_datetime(table["opened_at"]), pd.to_datetime(table["closed_at"])
    closed = closed.where(closed < end)
    hours = (closed.fillna(end) - opened).dt.total_seconds() / 3600
    starts = [pd.Timestamp(day) for day in (review.period.start, review.before()[0], review.earlier()[0])]
    stretch = np.select([opened >= start for start in starts], ["period", "before", "earlier"], default="older")
    table = table.assign(
        opened_at=opened, closed_at=closed, closed=closed.notna(), hours=hours, stretch=pd.Series(stretch, table.index)
    )
    known = table[opened < end]
    return known.sort_values("opened_at", kind="stable").reset_index(drop=True) if len(known) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Turnaround of the escalations opened in the period, before it, and earlier, open ones counted.

    Attributes
    ----------
    results : dict of str to TimeToEvent
        By stretch (period, before, earlier); a stretch with fewer than five escalations is absent.
    comparisons : dict of str to TimeToEventComparison
        Of the period against before and against earlier, up to the shorter of both longest times.
    """

    results: dict[str, TimeToEvent]
    comparisons: dict[str, TimeToEventComparison]

    @property
    def pvalues(self) -> dict[str, float]:
        """Log-rank p-values by label, for the plan of a page."""
        return {self.label(stretch): found.pvalue for stretch, found in self.comparisons.items()}

    def label(self, stretch: str) -> str:
        """Name of the test of the period against a stretch."""
        return {"before": "against the stretch before", "earlier": "against the earlier stretch"}[stretch]

    def slower(self, stretch: str) -> bool:
        """Whether the period has fewer closed than expected, that is, takes longer."""
        return self.comparisons[stretch].statistic < 0


def speed(review: Review, table: pd.DataFrame) -> Speed:
    """Estimate turnaround by stretch and compare the period with the others."""
    level = review.confidence_level
    results, comparisons = {}, {}
    for stretch in ("period", "before", "earlier"):
        rows = table[table["stretch"] == stretch]
        try:
            results[stretch] = time_to_event(rows["hours"], rows["closed"], confidence_level=level)
        except InsufficientDataError:
            continue
    for stretch in ("before", "earlier"):
        if "period" in results and stretch in results:
            both = table[table["stretch"].isin(["period", stretch])]
            # The group that comes first in the data is compared with the other.
            both = both.sort_values("stretch", key=lambda s: s != "period", kind="stable")
            comparisons[stretch] = compare_time_to_event(
                both["hours"], both["closed"], both["stretch"], confidence_level=level
            )
    return Speed(results=results, comparisons=comparisons)


def turnaround_by_severity(review: Review, table: pd.DataFrame) -> dict[str, TimeToEvent | int]:
    """Turnaround by severity of escalations opened since the stretch before; a count where they are fewer than five."""
    recent = table[table["stretch"].isin(["period", "before"])]
    found: dict[str, TimeToEvent | int] = {}
    for severity, rows in recent.groupby(recent["severity"].fillna("not given"), sort=True):
        due = rows["due_hours"].dropna()
        limit = float(due.iloc[0]) if due.nunique() == 1 and len(due) == len(rows) else float("nan")
        try:
            found[str(severity)] = time_to_event(
                rows["hours"], rows["closed"], limit=limit, confidence_level=review.confidence_level
            )
        except InsufficientDataError:
            found[str(severity)] = len(rows)
    return found


def within_due(review: Review, table: pd.DataFrame, stretch: str = "period") -> TimeToEvent | None:
    """Share closed within the agreed turnaround (``share_within`` of ``hours / due_hours`` at 1).

    An open escalation that is not due yet counts for as long as it has been open: neither kept nor missed. None with
    fewer than five escalations that have a due time.
    """
    rows = table[(table["stretch"] == stretch) & (table["due_hours"] > 0)]
    try:
        return time_to_event(
            rows["hours"] / rows["due_hours"], rows["closed"], limit=1.0, confidence_level=review.confidence_level
        )
    except InsufficientDataError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Severity against the level that dealt with it.

    Attributes
    ----------
    matrix : DataFrame
        Escalations of the period by severity (rows) and level (columns).
    expected : dict of str to frozenset of str
        Levels that the list of contacts names for a severity; empty without such a list.
    right : RatioInterval or None
        Share at a level named for its severity, of those whose severity the list names.
    right_in_time : RatioInterval or None
        Share at the right level and closed within the agreed turnaround, of those that are closed or past it.
    """

    matrix: pd.DataFrame
    expected: dict[str, frozenset[str]]
    right: RatioInterval | None
    right_in_time: RatioInterval | None


def levels(review: Review, table: pd.DataFrame) -> Levels | None:
    """Cross severity with level for escalations opened in the period; None where either is not recorded."""
    rows = table[(table["stretch"] == "period") & table["severity"].notna() & table["level"].notna()]
    if rows.empty:
        return None
    rows = rows.assign(severity=rows["severity"].astype(str), level=rows["level"].astype(str))
    matrix = pd.crosstab(rows["severity"], rows["level"])
    expected = _expected_levels(review)
    rows = rows[rows["severity"].isin(list(expected))]
    right = pd.Series(
        [level in expected[severity] for severity, level in zip(rows["severity"], rows["level"], strict=True)],
        index=rows.index,
        dtype=bool,
    )
    in_time = rows["hours"] <= rows["due_hours"]
    decided = rows["due_hours"].notna() & (rows["closed"] | ~in_time)
    return Levels(
        matrix=matrix,
        expected=expected,
        right=_share(review, right),
        right_in_time=_share(review, (right & rows["closed"] & in_time)[decided]),
    )


def _share(review: Review, hits: pd.Series) -> RatioInterval | None:
    if hits.empty:
        return None
    return share_interval([float(hits.sum())], [float(len(hits))], confidence_level=review.confidence_level)


def _expected_levels(review: Review) -> dict[str, frozenset[str]]:
    """Levels of the escalation ladder by severity, as the list of contacts names them."""
    contacts = review.register("contacts")
    if contacts is None:
        return {}
    named = contacts[contacts["severity"].notna() & contacts["level"].notna()]
    return {
        str(severity): frozenset(map(str, rows["level"])) for severity, rows in named.groupby("severity", sort=True)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Escalations that came within 30 days of another of the same customer or contact.

    Attributes
    ----------
    share : RatioInterval
        Of escalations opened in the period whose customer or contact is known.
    same_category : int
        Of the repeats, those about the same matter.
    rows : DataFrame
        escalation_id, repeat_of, gap_days, same_category of each repeat.
    """

    share: RatioInterval
    same_category: int
    rows: pd.DataFrame


def repeats(review: Review) -> Repeats | None:
    """Return repeat escalations of the period; None where neither contact nor customer is recorded."""
    table = review.extract("escalation_repeats")
    if table is None:
        return None
    opened = pd.to_datetime(table["opened_at"])
    start, end = pd.Timestamp(review.period.start), pd.Timestamp(review.period.end) + pd.Timedelta(days=1)
    table = table[(opened >= start) & (opened < end) & table["known"]]
    if table.empty:
        return None
    again = table["repeat"].astype(bool)
    share = _share(review, again)
    assert share is not None
    return Repeats(
        share=share,
        same_category=int(table.loc[again, "same_category"].sum()),
        rows=table.loc[again, ["escalation_id", "repeat_of", "gap_days", "same_category"]].reset_index(drop=True),
    )


def ageing(review: Review, table: pd.DataFrame) -> pd.DataFrame:
    """Count escalations open at the end of the period by age: columns age, open, overdue."""
    still = table[~table["closed"]]
    band = pd.cut(still["hours"] / 24, [-np.inf, *_AGE_ENDS, np.inf], labels=AGES)
    late = still["hours"] > still["due_hours"]
    return pd.DataFrame(
        {
            "age": AGES,
            "open": [int((band == age).sum()) for age in AGES],
            "overdue": [int((late & (band == age)).sum()) for age in AGES],
        }
    )


def causes(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Count escalations of the period by a column, most first: value, count, share, cumulative, open, before_share."""
    rows = table[table["stretch"] == "period"]
    before = table.loc[table["stretch"] == "before", column].fillna("not given").value_counts(normalize=True)
    named = rows[column].fillna("not given")
    counts = named.value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    share = counts / max(counts.sum(), 1)
    still = (~rows["closed"]).groupby(named).sum()
    return pd.DataFrame(
        {
            "value": counts.index.astype(str),
            "count": counts.to_numpy(),
            "share": share.to_numpy(),
            "cumulative": share.cumsum().to_numpy(),
            "open": [int(still[name]) for name in counts.index],
            "before_share": [float(before.get(name, 0.0)) if len(before) else float("nan") for name in counts.index],
        }
    )


def steps_of(review: Review, ids: list[str]) -> dict[str, pd.DataFrame]:
    """Return the steps known at the end of the period by escalation: columns at, step, by, hours (since opened_at)."""
    steps = review.register("escalation_steps")
    if steps is None:
        return {}
    at = pd.to_datetime(steps["at"])
    known = steps.assign(at=at)[(at < pd.Timestamp(review.period.end) + pd.Timedelta(days=1))]
    known = known[known["escalation_id"].isin(ids)].sort_values(["escalation_id", "seq"], kind="stable")
    return {str(name): rows.reset_index(drop=True) for name, rows in known.groupby("escalation_id", sort=True)}


def escalation_speed(review: Review) -> Speed | None:
    """Turnaround of escalations by stretch; None where none is on record."""
    return review.once("escalation_speed", _speed)


def _speed(review: Review) -> Speed | None:
    table = escalations_known(review)
    return None if table is None else speed(review, table)
