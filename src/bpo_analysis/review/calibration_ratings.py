"""Ratings of calibration as they were given: both sides' points on the same contacts, and the scores from them."""

from __future__ import annotations

import pandas as pd

from bpo_analysis.review.context import Review
from bpo_analysis.stats import RatioInterval, share_interval

__all__ = [
    "PASS_MARK",
    "TOLERANCE",
    "contact_scores",
    "rated_pairs",
    "ratings_for",
    "scores_of",
    "scores_of_others",
    "share_within",
]

TOLERANCE = 0.1
"""Two ratings agree if they differ by no more than this part of the scale (one point of ten)."""
PASS_MARK = 0.8
"""Score from which a contact passes, if it holds no critical error."""


def ratings_for(review: Review, purpose: str) -> pd.DataFrame:
    """Ratings of one purpose up to the end of the period; an empty frame without such ratings."""
    found = review.extract("calibration_ratings")
    if found is None:
        return pd.DataFrame()
    found = found.assign(date=pd.to_datetime(found["date"]))
    return found[(found["purpose"] == purpose) & (found["date"] <= pd.Timestamp(review.period.end))]


def rated_pairs(review: Review) -> pd.DataFrame | None:
    """One row per session, contact and item that both sides rated: client, partner (points), gap (of the scale)."""
    if review.extract("calibration_ratings") is None:
        return None
    return review.once("calibration pairs", _make_pairs)


def _make_pairs(review: Review) -> pd.DataFrame:
    ratings = ratings_for(review, "calibration")
    by = ["session_id", "interaction_id", "item_id"]
    sides = {
        side: ratings[ratings["rater_org"] == org].groupby(by).agg(
            **{side: ("rating", "mean")}, rating_max=("rating_max", "max"), item_weight=("item_weight", "max"),
            criticality=("criticality", "max"), date=("date", "max"),
        )
        for side, org in (("client", "client"), ("partner", "bpo"))
    }  # fmt: skip
    theirs = sides["partner"][["partner", "date"]].rename(columns={"date": "date_partner"})
    pairs = sides["client"].join(theirs, how="inner").reset_index()
    pairs["date"] = pairs[["date", "date_partner"]].max(axis=1)
    pairs["gap"] = (pairs["partner"] - pairs["client"]) / pairs["rating_max"]
    return pairs.drop(columns="date_partner")


def contact_scores(pairs: pd.DataFrame, pass_mark: float) -> pd.DataFrame:
    """Scores of both sides per contact, from the items both rated, and whether it passes."""
    possible = pairs["item_weight"] * pairs["rating_max"]
    critical = pairs["criticality"] != "none"
    rows = pairs.assign(_possible=possible)
    for side in ("client", "partner"):
        rows[f"_{side}"] = pairs["item_weight"] * pairs[side]
        rows[f"_{side}_failed"] = critical & (pairs[side] < pairs["rating_max"])
    sums = rows.groupby(["session_id", "interaction_id"]).agg(
        possible=("_possible", "sum"), client=("_client", "sum"), partner=("_partner", "sum"),
        client_failed=("_client_failed", "any"), partner_failed=("_partner_failed", "any"),
    )  # fmt: skip
    sums = sums[sums["possible"] > 0].reset_index()
    found = sums[["session_id", "interaction_id"]].copy()
    for side in ("client", "partner"):
        found[side] = sums[side] / sums["possible"]
        found[f"{side}_pass"] = (found[side] >= pass_mark - 1e-9) & ~sums[f"{side}_failed"]
    return found.assign(gap=found["partner"] - found["client"])


def share_within(pairs: pd.DataFrame, level: float) -> RatioInterval:
    """Share of ratings within the tolerance; contacts are the units, so that items of one contact count together."""
    near = (pairs["gap"].abs() <= TOLERANCE + 1e-9).groupby([pairs["session_id"], pairs["interaction_id"]])
    return share_interval(near.sum(), near.size(), confidence_level=level, autocorrelation=0.0)


def scores_of(ratings: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Score of each contact (and value of ``by``): weighted points given, over those possible."""
    rows = ratings.assign(
        _given=ratings["item_weight"] * ratings["rating"], _possible=ratings["item_weight"] * ratings["rating_max"]
    )
    sums = rows.groupby(["interaction_id", *by])[["_given", "_possible"]].sum().reset_index()
    return sums.assign(score=sums["_given"] / sums["_possible"])[["interaction_id", *by, "score"]]


def scores_of_others(scores: pd.DataFrame, *, other_than: str) -> pd.DataFrame:
    """Mean score of each contact by the raters of the other side."""
    rest = scores[scores["rater_org"] != other_than]
    return rest.groupby("interaction_id", as_index=False)["score"].mean()
