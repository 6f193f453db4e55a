"""A calibration meeting: the blind scores it starts from, and the actions that came of such meetings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.calibration_ratings import PASS_MARK, TOLERANCE, contact_scores, rated_pairs, ratings_for
from bpo_analysis.review.context import Review
from bpo_analysis.stats import TimeToEvent, time_to_event

__all__ = ["Blind", "blind", "calibration_actions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """Scores of both sides on the same contacts of one session, given without knowing the other's.

    Attributes
    ----------
    session : str
    start, end : date
        Days of the ratings.
    contacts : DataFrame
        One row per contact, largest gap first: interaction_id, client, partner (scores), gap (partner less client),
        client_pass, partner_pass.
    items : DataFrame
        One row per item, largest mean gap first: item_id, criticality, contacts, apart (share beyond the tolerance),
        mean_gap, mean_absolute_gap (in shares of the scale).
    ratings : DataFrame
        One row per contact and item beyond the tolerance, largest first: interaction_id, item_id, criticality, client,
        partner (points), rating_max, gap.
    settled : int
        Contacts that have an agreed rating already.
    """

    session: str
    start: date
    end: date
    contacts: pd.DataFrame
    items: pd.DataFrame
    ratings: pd.DataFrame
    settled: int


def blind(review: Review, *, pass_mark: float = PASS_MARK) -> Blind | None:
    """Return the newest session up to the end of the period; None without ratings of both sides."""
    pairs = rated_pairs(review)
    if pairs is None or pairs.empty:
        return None
    newest = pairs.groupby("session_id")["date"].max().sort_values(kind="stable").index[-1]
    pairs = pairs[pairs["session_id"] == newest]
    contacts = contact_scores(pairs, pass_mark)
    apart = pairs["gap"].abs() > TOLERANCE + 1e-9
    items = (
        pairs.assign(apart=apart, absolute=pairs["gap"].abs())
        .groupby(["item_id", "criticality"], as_index=False)
        .agg(
            contacts=("gap", "size"), apart=("apart", "mean"), mean_gap=("gap", "mean"),
            mean_absolute_gap=("absolute", "mean"),
        )
        .sort_values(["mean_absolute_gap", "item_id"], ascending=[False, True], kind="stable")
    )  # fmt: skip
    columns = ["interaction_id", "item_id", "criticality", "client", "partner", "rating_max", "gap"]
    weight = (pairs["criticality"] != "none").astype(int)
    ratings = (
        pairs.assign(_critical=weight, _size=pairs["gap"].abs())[apart]
        .sort_values(["_critical", "_size", "interaction_id", "item_id"], ascending=[False, False, True, True])
    )  # fmt: skip
    final = ratings_for(review, "calibration_final")
    settled = final["interaction_id"][final["session_id"] == newest].isin(contacts["interaction_id"])
    return Blind(
        session=str(newest),
        start=pairs["date"].min().date(),
        end=pairs["date"].max().date(),
        contacts=contacts.assign(_size=contacts["gap"].abs())
        .sort_values(["_size", "interaction_id"], ascending=[False, True], kind="stable")
        .drop(columns="_size"),
        items=items,
        ratings=ratings[columns],
        settled=int(final["interaction_id"][final["session_id"] == newest][settled].nunique()),
    )


def calibration_actions(review: Review) -> tuple[pd.DataFrame, TimeToEvent | None] | None:
    """Return actions whose source is calibration, raised by the end of the period, and how long they take to close.

    Returns
    -------
    (DataFrame, TimeToEvent or None) or None
        Columns of the register with raised_on, closed_on as known at the end of the period, and days; the times are
        None with too few actions. None without the table, or without its column source.
    """
    actions = review.register("actions")
    if actions is None or "source" not in actions or actions["source"].isna().all():
        return None
    end = pd.Timestamp(review.period.end)
    raised, closed = (pd.to_datetime(actions[name]) for name in ("raised_on", "closed_on"))
    closed = closed.where(closed <= end)
    chosen = (actions["source"].str.strip().str.casefold() == "calibration") & (raised <= end)
    table = actions.assign(raised_on=raised, closed_on=closed, days=(closed.fillna(end) - raised).dt.days)[chosen]
    table = table.sort_values(["raised_on", "action_id"], kind="stable")
    try:
        times = time_to_event(table["days"], table["closed_on"].notna(), confidence_level=review.confidence_level)
    except InsufficientDataError:
        times = None
    return table, times
