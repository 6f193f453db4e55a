"""Concentration and exit exposure of every partner, side by side, for a page about all of them."""

from __future__ import annotations

import pandas as pd

from bpo_analysis.review.concentration import concentration, in_house_capability, overall_share
from bpo_analysis.review.context import Review
from bpo_analysis.review.contract_dates import deadlines, exit_costs
from bpo_analysis.review.exit_exposure import exit_exposure, why_no_exit_exposure
from bpo_analysis.review.portfolio import Portfolio

__all__ = ["portfolio_risk"]


def portfolio_risk(portfolio: Portfolio) -> pd.DataFrame:
    """Return one row per outside partner with its risks.

    Returns
    -------
    DataFrame
        Columns partner_id, name; share (of all contacts), outside (without agreed exceptions); flagged (number of
        slices too much in its hands), flagged_slices (names), no_home (those of them in which no in-house agent was
        active lately; None where not known); notice_days, heads, uncovered_weeks, uncovered_hours,
        uncovered_low, uncovered_high (hours; NaN where not known), why_not (what is missing for them); exit_cost (now,
        on top), deadline, deadline_day, deadline_days (the next one ahead). Sorted by flagged slices, uncovered weeks,
        share.
    """
    outside = [review for review in portfolio.reviews.values() if review.partner["kind"] != "inhouse"]
    table = pd.DataFrame([_row(review) for review in outside])
    if table.empty:
        return table
    order = ["flagged", "uncovered_weeks", "share"]
    return table.sort_values(order, ascending=False, kind="stable").reset_index(drop=True)


def _row(review: Review) -> dict[str, object]:
    shares = concentration(review)
    flagged = shares[shares["flagged"]]
    names = [f"{row['dimension']}: {row['value']}" for row in flagged.to_dict("records")]
    home = in_house_capability(review)
    without = (
        []
        if home is None
        else [f"{r['dimension']}: {r['value']}" for r in home[home["agents"] == 0].to_dict("records")]
    )
    overall = overall_share(review)
    row: dict[str, object] = {
        "partner_id": review.partner_id,
        "name": review.name,
        "share": overall["share"],
        "outside": overall["outside"],
        "flagged": len(flagged),
        "flagged_slices": ", ".join(names),
        "no_home": None if home is None else sum(name in without for name in names),
    }
    return row | _exit(review) | _next_deadline(review)


def _exit(review: Review) -> dict[str, object]:
    missing = float("nan")
    costs = [cost.now for cost in exit_costs(review) if cost.now is not None]
    found = exit_exposure(review)
    row: dict[str, object] = {
        "notice_days": missing, "heads": missing, "uncovered_weeks": missing, "uncovered_hours": missing,
        "uncovered_low": missing, "uncovered_high": missing, "why_not": why_no_exit_exposure(review),
        "exit_cost": sum(costs) if costs else missing,
    }  # fmt: skip
    if found is None:
        return row
    hours = {name: found.hours(name) for name in ("low", "base", "high")}
    return row | {
        "notice_days": float(found.notice_days),
        "heads": found.heads.value,
        "uncovered_weeks": found.base.uncovered_weeks,
        "uncovered_hours": missing if hours["base"] is None else hours["base"],
        "uncovered_low": missing if hours["low"] is None else hours["low"],
        "uncovered_high": missing if hours["high"] is None else hours["high"],
    }


def _next_deadline(review: Review) -> dict[str, object]:
    dates = deadlines(review)
    ahead = None if dates is None else dates[(dates["days_left"] >= 0) & ~dates["what"].str.startswith("earliest")]
    if ahead is None or ahead.empty:
        return {"deadline": "", "deadline_day": pd.NaT, "deadline_days": float("nan")}
    first = ahead.iloc[0]
    return {"deadline": first["what"], "deadline_day": first["day"], "deadline_days": float(first["days_left"])}
