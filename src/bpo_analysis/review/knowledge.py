"""Does the knowledge base serve what customers ask: articles for the top reasons, their age, searches missed."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.context import Review
from bpo_analysis.stats import RatioInterval, share_interval

__all__ = ["STALE_DAYS", "Knowledge", "Searches", "Sessions", "knowledge_coverage", "searches", "sessions"]

STALE_DAYS = 365
"""Days since the last review after which an article without an end date no longer counts as current."""
_FORUM_WORDS = ("knowledge", "training")


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Contact reasons with and without a current article.

    Attributes
    ----------
    table : DataFrame
        One row per reason, most contacts first: reason, contacts, share, cumulative, articles (all), current,
        age_days (of the newest current article since publication or its last review; NaN without), views (of the
        reason's articles in the period; NaN where use is not recorded).
    covered : float
        Share of contacts whose reason has a current article.
    contacts : int
    articles, current : int
        Of the whole knowledge base at the end of the period.
    median_age_days : float
        Since publication or the last review, of the current ones.
    """

    table: pd.DataFrame
    covered: float
    contacts: int
    articles: int
    current: int
    median_age_days: float


def knowledge_coverage(review: Review) -> Knowledge | str:
    """Match contact reasons with articles current at the end of the period; a text says why there is nothing to match.

    An article is current from its publication to ``valid_until``; without that date for a year after it was published
    or last reviewed.
    """
    articles = review.register("kb_articles")
    if articles is None or articles.empty:
        return "table kb_articles is not in this dataset"
    reasons = review.slices("handled", "category") if "handled" not in review.dataset.unavailable else []
    if not reasons:
        return "the rows that count contacts handled name no contact reason (volume.reason)"
    end = pd.Timestamp(review.period.end)
    articles = _at(articles, end)
    counts = {r: review.measure("handled", where={"category": r}, interval=False) for r in reasons}
    contacts = {reason: measure.value for reason, measure in counts.items() if measure is not None}
    total = sum(contacts.values())
    if total == 0:
        return f"no contact was handled {review.period.when}"
    views = _views(review)
    rows = []
    for reason, count in contacts.items():
        own = articles[articles["reason"] == reason]
        current = own[own["current"]]
        rows.append(
            {
                "reason": reason,
                "contacts": int(count),
                "share": count / total,
                "articles": len(own),
                "current": len(current),
                "age_days": float(current["age_days"].min()) if len(current) else float("nan"),
                "views": float("nan") if views is None else float(views.reindex(own["article_id"]).fillna(0).sum()),
            }
        )
    table = pd.DataFrame(rows).sort_values(["contacts", "reason"], ascending=[False, True], kind="stable")
    table = table.assign(cumulative=table["share"].cumsum()).reset_index(drop=True)
    current = articles[articles["current"]]
    return Knowledge(
        table=table,
        covered=float(table.loc[table["current"] > 0, "share"].sum()),
        contacts=int(total),
        articles=len(articles),
        current=len(current),
        median_age_days=float(current["age_days"].median()),
    )


def _at(articles: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    """Articles published by a day, whether they are current then, and days since they were last looked at."""
    published, reviewed, until = (
        pd.to_datetime(articles[name]) for name in ("published_on", "reviewed_on", "valid_until")
    )
    # A review after the period is not known yet.
    seen = pd.concat([published, reviewed.where(reviewed <= end)], axis=1).max(axis=1)
    age = (end - seen).dt.days
    current = (until >= end) | (until.isna() & (age <= STALE_DAYS))
    # An article without a date of publication was there before anybody wrote dates down.
    return articles.assign(age_days=age, current=current)[published.isna() | (published <= end)]


def _use(review: Review) -> pd.DataFrame | None:
    use = review.extract("knowledge_use")
    if use is None:
        return None
    day = pd.to_datetime(use["date"])
    inside = use[day.between(pd.Timestamp(review.period.start), pd.Timestamp(review.period.end))]
    return inside if len(inside) else None


def _views(review: Review) -> pd.Series | None:
    use = _use(review)
    if use is None or use["views"].isna().all():
        return None
    views: pd.Series = use.groupby("article_id")["views"].sum()
    return views


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """Searches of the period, and those after which no result was opened.

    ``missed`` has days as units; ``views_per_contact`` is None without contacts handled or views.
    """

    searches: int
    missed: RatioInterval
    views: int | None
    views_per_contact: float | None


def searches(review: Review) -> Searches | None:
    """Return the searches of the period; None where use is not recorded."""
    use = _use(review)
    if use is None or use["searches"].isna().all() or use["searches_missed"].isna().all():
        return None
    by_day = use.groupby("date")[["searches_missed", "searches"]].sum()
    try:
        missed = share_interval(by_day["searches_missed"], by_day["searches"], confidence_level=review.confidence_level)
    except InsufficientDataError:
        return None
    views = None if use["views"].isna().all() else int(use["views"].sum())
    handled = None if "handled" in review.dataset.unavailable else review.measure("handled", interval=False)
    return Searches(
        searches=int(by_day["searches"].sum()),
        missed=missed,
        views=views,
        views_per_contact=views / handled.value if views is not None and handled and handled.value else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Knowledge-sharing and training sessions of the period and the stretch before.

    Attributes
    ----------
    table : DataFrame
        planned_on, held_on, forum, attendees (how many are named; 0 where none is), state (held, late, not held,
        ahead); newest first.
    due, held : int
        Planned in the period by its last day, and held by then.
    """

    table: pd.DataFrame
    due: int
    held: int


def sessions(review: Review) -> Sessions | None:
    """Return meetings whose forum names knowledge or training; None without the table or such a meeting."""
    meetings = review.register("meetings")
    if meetings is None or meetings.empty:
        return None
    forum = meetings["forum"].fillna("").str.lower()
    mine = meetings[forum.apply(lambda name: any(word in name for word in _FORUM_WORDS))]
    planned, held = pd.to_datetime(mine["planned_on"]), pd.to_datetime(mine["held_on"])
    end, first = pd.Timestamp(review.period.end), pd.Timestamp(review.before()[0])
    held = held.where(held <= end)
    shown = planned.between(first, end)
    if not shown.any():
        return None
    named = mine["attendees"].fillna("").str.split(";").apply(lambda names: sum(bool(name.strip()) for name in names))
    state = held.isna().map({True: "not held", False: "held"}).where(~(held > planned), "held later")
    table = mine.assign(planned_on=planned, held_on=held, present=named, state=state)[shown]
    due = table["planned_on"] >= pd.Timestamp(review.period.start)
    return Sessions(
        table=table.sort_values("planned_on", ascending=False, kind="stable").reset_index(drop=True),
        due=int(due.sum()),
        held=int((due & table["held_on"].notna()).sum()),
    )
