"""Do changes reach the agents in time: notice, coverage on the day, time to acknowledge, contacts before training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.context import Review
from bpo_analysis.review.people import spells
from bpo_analysis.stats import (
    ProportionDifference,
    RatioInterval,
    TimeToEvent,
    TimeToEventComparison,
    compare_time_to_event,
    difference_of_proportions,
    share_interval,
    time_to_event,
)

__all__ = [
    "Coverage",
    "Exposure",
    "LeadTimes",
    "Parity",
    "acknowledged",
    "coverage",
    "exposure",
    "lead_times",
    "parity",
    "updates_known",
]

_SPAN_DAYS = 91
"""How long before the end of the period an update may have taken effect and still count as a recent one."""


def updates_known(review: Review) -> pd.DataFrame | None:
    """Return updates announced by the end of the period that took effect in it, or did so in the 13 weeks to its end.

    Returns
    -------
    DataFrame or None
        Columns of the register and: lead_days, in_period (took effect in the period), ahead (takes effect after it).
        None without the table.
    """
    table = review.once("updates known", _updates_known)
    return None if table is None else table.copy(deep=False)


def _updates_known(review: Review) -> pd.DataFrame | None:
    updates = review.register("updates")
    if updates is None:
        return None
    announced = pd.to_datetime(updates["announced_on"])
    effective = pd.to_datetime(updates["effective_on"]).fillna(announced)
    start, end = pd.Timestamp(review.period.start), pd.Timestamp(review.period.end)
    first = min(start, end - timedelta(days=_SPAN_DAYS - 1))
    known = (announced <= end) & (effective >= first)
    table = updates.assign(
        announced_on=announced,
        effective_on=effective,
        lead_days=(effective - announced).dt.days,
        in_period=effective.between(start, end),
        ahead=effective > end,
    )
    return table[known].sort_values(["effective_on", "update_id"], kind="stable").reset_index(drop=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Who knew an update on the day it took effect.

    Attributes
    ----------
    table : DataFrame
        One row per update and team: update_id, team, roster (agents in production that day), acknowledged, trained.
        Without a roster the base is the agents asked to learn it.
    trained, acknowledged : RatioInterval or None
        Over all updates of the table; updates are the units.
    on_roster : bool
        Whether the base is the roster.
    group : str
        team or site: what the rows are split by.
    """

    table: pd.DataFrame
    trained: RatioInterval | None
    acknowledged: RatioInterval | None
    on_roster: bool
    group: str

    def of(self, update_id: str) -> tuple[int, int, int] | None:
        """Trained, acknowledged and base of one update; None where nobody was asked."""
        rows = self.table[self.table["update_id"] == update_id]
        if not rows["roster"].sum():
            return None
        return int(rows["trained"].sum()), int(rows["acknowledged"].sum()), int(rows["roster"].sum())


def _trainings(review: Review, *, everyone: bool = False) -> pd.DataFrame | None:
    """Trainings with their dates, those after the end of the period not yet known."""
    table = review.dataset.extract("trainings") if everyone else review.extract("trainings")
    if table is None or table.empty:
        return None
    end = pd.Timestamp(review.period.end)
    days = {name: pd.to_datetime(table[name]) for name in ("assigned_on", "due_on", "acknowledged_on", "trained_on")}
    for name in ("acknowledged_on", "trained_on"):
        days[name] = days[name].where(days[name] <= end)
    return table.assign(**days)


def coverage(review: Review, updates: pd.DataFrame) -> Coverage | None:
    """Count who was trained on the effective day, by update and team; None without trainings."""
    trainings = _trainings(review)
    due = updates[~updates["ahead"]]
    if trainings is None or due.empty:
        return None
    roster = spells(review)
    found = _covered(due, trainings, roster)
    if found.empty:
        return None
    group = "team" if found["team"].notna().any() else "site"
    found = found.assign(team=found[group].fillna("not given"))
    flags = ["acknowledged", "trained"]
    table = (
        found.groupby(["update_id", "team"], sort=True)[flags]
        .sum()
        .join(found.groupby(["update_id", "team"]).size().rename("roster"))
    )
    by_update = table.groupby("update_id")[["roster", *flags]].sum()
    shares = [
        share_interval(
            by_update[name], by_update["roster"], confidence_level=review.confidence_level, autocorrelation=0.0
        )
        for name in ("trained", "acknowledged")
    ]
    return Coverage(
        table=table.reset_index(),
        trained=shares[0],
        acknowledged=shares[1],
        on_roster=roster is not None,
        group=group,
    )


def _covered(updates: pd.DataFrame, trainings: pd.DataFrame, roster: pd.DataFrame | None) -> pd.DataFrame:
    """Agents who had to know each update on its first day, and whether they did; none of one that nobody had to learn.

    Rows stand by update, in their order, and then as those of the roster do.
    """
    names = ["update_id", "agent", "team", "site"]
    asked = trainings.merge(updates[["update_id", "effective_on"]], on="update_id", suffixes=("_asked", ""))
    dates = ["acknowledged_on", "trained_on"]
    if roster is None:
        base = updates[["update_id"]].merge(asked, on="update_id")[[*names, "effective_on", *dates]]
    else:
        wanted = updates.loc[updates["update_id"].isin(asked["update_id"]), ["update_id", "effective_on"]]
        base = wanted.merge(roster[["agent", "team", "site", "prod_date", "until"]], how="cross")
        day = base["effective_on"]
        base = base[(base["prod_date"] <= day) & (base["until"].isna() | (base["until"] >= day))]
        base = base.drop_duplicates(["update_id", "agent"])
        base = base.merge(asked[["update_id", "agent", *dates]], how="left", on=["update_id", "agent"])
    known = {name: base[f"{name}_on"] <= base["effective_on"] for name in ("acknowledged", "trained")}
    # Whoever is trained knows of it, whether or not the message was ticked off.
    known["acknowledged"] |= known["trained"]
    return base[names].assign(**known)


def acknowledged(review: Review, updates: pd.DataFrame) -> dict[str, TimeToEvent]:
    """Days from announcement to acknowledgement and to training, over these updates; agents are the clusters."""
    trainings = _trainings(review)
    if trainings is None:
        return {}
    rows = _since_announced(trainings, updates, pd.Timestamp(review.period.end))
    found = {}
    for name in ("acknowledged", "trained"):
        try:
            found[name] = time_to_event(
                rows[f"{name}_days"],
                rows[f"{name}_on"].notna(),
                clusters=rows["agent"],
                confidence_level=review.confidence_level,
            )
        except InsufficientDataError:
            continue
    return found


def _since_announced(trainings: pd.DataFrame, updates: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    """Trainings of these updates with days since the announcement, open ones counted up to the end of the period."""
    rows = trainings.merge(updates[["update_id", "announced_on"]], on="update_id")
    for name in ("acknowledged", "trained"):
        days = (rows[f"{name}_on"].fillna(end) - rows["announced_on"]).dt.days
        rows[f"{name}_days"] = days.clip(lower=0)
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Contacts that an update concerned, handled in the period by agents trained in it or not yet.

    Attributes
    ----------
    table : DataFrame
        One row per update that somebody was asked to learn: update_id, contacts, untrained, share; most untrained
        contacts first.
    contacts, untrained : int
        Over these updates; a contact that two updates concern counts for each.
    unasked : DataFrame
        The same columns for updates that no agent of the partner was asked to learn.
    share : RatioInterval or None
        Untrained of all, days as units.
    errors : ProportionDifference or None
        Share of evaluations with a critical error, by agents not yet trained (first) less those trained (second).
    evaluations : dict of str to tuple of int
        Errors and evaluations by ``untrained`` and ``trained``.
    """

    table: pd.DataFrame
    contacts: int
    untrained: int
    unasked: pd.DataFrame
    share: RatioInterval | None
    errors: ProportionDifference | None
    evaluations: dict[str, tuple[int, int]]


def exposure(review: Review) -> Exposure | None:
    """Count contacts of the period handled by agents not yet trained in what concerned them; None where unknown."""
    table, trainings = review.extract("update_exposure"), review.extract("trainings")
    if table is None or trainings is None:
        return None
    day = pd.to_datetime(table["date"])
    inside = table[day.between(pd.Timestamp(review.period.start), pd.Timestamp(review.period.end))]
    contacts = inside[inside["contacts"] > 0]
    if contacts.empty:
        return None
    contacts = contacts.assign(untrained=contacts["contacts"].where(~contacts["trained"], 0))
    by_update = contacts.groupby("update_id")[["contacts", "untrained"]].sum().astype(int)
    by_update = by_update.assign(share=by_update["untrained"] / by_update["contacts"]).reset_index()
    by_update = by_update.sort_values(["untrained", "update_id"], ascending=[False, True], kind="stable")
    asked = set(trainings["update_id"])
    # Where nobody was asked to learn an update, all are untrained by definition: that is a gap of another kind.
    meant = by_update["update_id"].isin(asked)
    table, unasked = by_update[meant].reset_index(drop=True), by_update[~meant].reset_index(drop=True)
    if table.empty:
        return None
    by_day = contacts[contacts["update_id"].isin(asked)].groupby("date")[["untrained", "contacts"]].sum()
    inside = inside[inside["update_id"].isin(asked)]
    judged = inside[inside["evaluations"] > 0].groupby("trained")[["errors", "evaluations"]].sum()
    evaluations = {
        name: (int(judged.loc[flag, "errors"]), int(judged.loc[flag, "evaluations"]))
        if flag in judged.index
        else (0, 0)
        for name, flag in (("untrained", False), ("trained", True))
    }
    (x1, n1), (x2, n2) = evaluations["untrained"], evaluations["trained"]
    return Exposure(
        table=table,
        contacts=int(table["contacts"].sum()),
        untrained=int(table["untrained"].sum()),
        unasked=unasked,
        share=share_interval(by_day["untrained"], by_day["contacts"], confidence_level=review.confidence_level),
        errors=difference_of_proportions(x1, n1, x2, n2, confidence_level=review.confidence_level)
        if n1 and n2
        else None,
        evaluations=evaluations,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Time to acknowledge here and in the in-house team, over the same updates.

    Attributes
    ----------
    home : str
        Name of the in-house team.
    comparison : TimeToEventComparison
        Days from announcement; the partner first.
    updates : int
        Updates both were asked to learn.
    asked_only_there : int
        Updates that the in-house team was asked to learn and the partner was not.
    """

    home: str
    comparison: TimeToEventComparison
    updates: int
    asked_only_there: int

    @property
    def label(self) -> str:
        """Name of the log-rank test in the plan of a page."""
        return f"days to acknowledge against {self.home}"


def parity(review: Review, updates: pd.DataFrame) -> Parity | str:
    """Compare the partner with the in-house team; a text says why there is nothing to compare."""
    partners = review.dataset.partners
    if review.partner["kind"] == "inhouse":
        return "this is the in-house team itself"
    homes = partners[partners["kind"] == "inhouse"]
    if homes.empty:
        return "no partner of kind inhouse is in this dataset"
    everyone = _trainings(review, everyone=True)
    if everyone is None:
        return "table training_acks is not in this dataset"
    home = homes.iloc[0]
    sides = everyone[everyone["partner_id"].isin([review.partner_id, home["partner_id"]])]
    sides = sides[sides["update_id"].isin(updates["update_id"])]
    asked = {
        side: set(sides.loc[sides["partner_id"] == side, "update_id"])
        for side in (review.partner_id, home["partner_id"])
    }
    both = asked[review.partner_id] & asked[home["partner_id"]]
    rows = _since_announced(sides[sides["update_id"].isin(both)], updates, pd.Timestamp(review.period.end))
    own = rows["partner_id"] == review.partner_id
    rows = rows.assign(side=np.where(own, review.name, str(home["name"])))
    rows = rows.sort_values("side", key=lambda s: s != review.name, kind="stable")
    if not both:
        return "no update of these weeks was sent to both"
    try:
        comparison = compare_time_to_event(
            rows["acknowledged_days"],
            rows["acknowledged_on"].notna(),
            rows["side"],
            clusters=rows["agent"],
            confidence_level=review.confidence_level,
        )
    except InsufficientDataError as error:
        return f"a comparison needs {error.needed} {error.unit} on either side, there are {error.got}"
    return Parity(
        home=str(home["name"]),
        comparison=comparison,
        updates=len(both),
        asked_only_there=len(asked[home["partner_id"]] - asked[review.partner_id]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTimes:
    """Notice that one source gave of its updates, in days.

    Attributes
    ----------
    source : str
    n : int
    median, least : float
    agreed, kept : int
        Updates with an agreed lead time, and those of them that kept it.
    share : RatioInterval or None
        Kept of agreed.
    """

    source: str
    n: int
    median: float
    least: float
    agreed: int
    kept: int
    share: RatioInterval | None


def lead_times(review: Review, updates: pd.DataFrame) -> list[LeadTimes]:
    """Return the lead time of updates by source; one that took effect before it was announced has a negative one."""
    found = []
    for source, rows in updates.groupby(updates["source"].fillna("not given"), sort=True):
        agreed = rows[rows["agreed_lead_days"].notna()]
        kept = int((agreed["lead_days"] >= agreed["agreed_lead_days"]).sum())
        found.append(
            LeadTimes(
                source=str(source),
                n=len(rows),
                median=float(rows["lead_days"].median()),
                least=float(rows["lead_days"].min()),
                agreed=len(agreed),
                kept=kept,
                share=share_interval([kept], [len(agreed)], confidence_level=review.confidence_level)
                if len(agreed)
                else None,
            )
        )
    return found
