"""What customers contact and comment about, in key categories: how much of each, and what moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from bpo_analysis.review.context import Review
from bpo_analysis.review.day_shares import share_over_days
from bpo_analysis.review.plan import Judgement
from bpo_analysis.stats import Family, MultiplicityPlan, RatioDifference, RatioInterval, difference_of_ratios

__all__ = [
    "KINDS",
    "SUBJECTS",
    "CategoryShare",
    "CategoryView",
    "Subject",
    "category_judgement",
    "category_view",
    "family_of",
]

Subject = Literal["reasons", "comments"]
SUBJECTS: tuple[Subject, ...] = ("reasons", "comments")
KINDS = ("request", "feedback", "other", "")
"""What a category is, as the map says; empty: not mapped."""
_OTHER = frozenset(("other", "others", "misc", "miscellaneous", "general", "unknown", "n/a", "none", "sonstiges"))
_FAMILIES = {"reasons": "shares of contact reasons", "comments": "shares of comment categories"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryShare:
    """One key category: its share of all, now and before.

    Attributes
    ----------
    kind : str
        request, feedback or other; empty where the map has no entry for it.
    raws : tuple of str
        Raw categories that it gathers, in the order of their number.
    n, n_before : int
    share, before : RatioInterval
        None where there is no case in that stretch at all.
    difference : RatioDifference or None
    """

    category: str
    kind: str
    raws: tuple[str, ...]
    n: int
    n_before: int
    share: RatioInterval
    before: RatioInterval | None
    difference: RatioDifference | None

    @property
    def change(self) -> float | None:
        """Change of the share, None without earlier cases."""
        return self.share.estimate - self.before.estimate if self.before else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryView:
    """Categories of one subject (contact reasons, or comments of surveys), largest first.

    Attributes
    ----------
    total : int
        Contacts with a reason, or answers with a category: what shares are shares of.
    without : int
        Cases without any category: contacts without a reason, answers without a comment.
    mapped : bool
        Whether the dataset has a category map.
    unmapped : dict of str to int
        Raw categories that the map has no entry for, with their number; they stand for themselves.
    """

    subject: Subject
    rows: tuple[CategoryShare, ...]
    total: int
    without: int
    mapped: bool
    unmapped: dict[str, int]

    @property
    def unmapped_share(self) -> float:
        """Share of cases whose raw category is not mapped."""
        return sum(self.unmapped.values()) / self.total

    @property
    def others(self) -> tuple[int, float]:
        """Number and share of cases in categories that say nothing: other, miscellaneous, unknown."""
        n = sum(row.n for row in self.rows if row.category.strip().casefold() in _OTHER)
        return n, n / self.total


def category_view(review: Review, subject: Subject) -> CategoryView | None:
    """Return the categories of a subject in the period; None where the data name none."""
    return review.once(f"categories {subject}", lambda r: _view(r, subject))


def _counts(review: Review, subject: Subject) -> pd.DataFrame | None:
    """Cases per day and raw category: columns date, raw (missing: none given), n."""
    if subject == "comments":
        return _extract(review, "comment_categories")
    rows = review.rows.get("handled")
    if rows is None or rows["category"].isna().all():
        return _extract(review, "contact_reasons")
    return rows.rename(columns={"category": "raw", "numerator": "n"})[["date", "raw", "n"]]


def _extract(review: Review, name: str) -> pd.DataFrame | None:
    table = review.extract(name)
    return None if table is None else table.assign(date=pd.to_datetime(table["date"]))[["date", "raw", "n"]]


def _view(review: Review, subject: Subject) -> CategoryView | None:
    counts = _counts(review, subject)
    if counts is None:
        return None
    start, end = pd.Timestamp(review.period.start), pd.Timestamp(review.period.end)
    inside = counts[counts["date"].between(start, end)]
    named = counts[counts["raw"].notna()]
    total = int(inside.loc[inside["raw"].notna(), "n"].sum())
    if not total:
        return None
    key, kind, mapped = _map(review, named)
    named = named.assign(key=named["raw"].map(key), kind=named["raw"].map(kind))
    now = named[named["date"].between(start, end)]
    # A category that has vanished is a change too.
    first, last = (pd.Timestamp(day) for day in review.before())
    seen = named[named["date"].between(first, last) | named["date"].between(start, end)]
    rows = [_share(review, named, str(name)) for name in seen["key"].unique()]
    in_map = {raw for raw, what in kind.items() if what}
    by_raw = now.groupby("raw")["n"].sum()
    return CategoryView(
        subject=subject,
        rows=tuple(sorted(rows, key=lambda row: (-row.n, row.category))),
        total=total,
        without=int(inside.loc[inside["raw"].isna(), "n"].sum()),
        mapped=mapped,
        unmapped={str(raw): int(n) for raw, n in by_raw.items() if n and raw not in in_map} if mapped else {},
    )


def _map(review: Review, named: pd.DataFrame) -> tuple[dict[str, str], dict[str, str], bool]:
    """Key category and kind of every raw category; what is not in the map stands for itself, without a kind."""
    raws = [str(raw) for raw in named["raw"].unique()]
    table = review.register("category_map")
    if table is None:
        return {raw: raw for raw in raws}, dict.fromkeys(raws, ""), False
    table = table.drop_duplicates("raw").set_index("raw")
    known = {raw: str(table.loc[raw, "category"]) for raw in raws if raw in table.index}
    kinds = {raw: str(table.loc[raw, "kind"]) if pd.notna(table.loc[raw, "kind"]) else "other" for raw in known}
    return {raw: known.get(raw, raw) for raw in raws}, {raw: kinds.get(raw, "") for raw in raws}, True


def _share(review: Review, named: pd.DataFrame, name: str) -> CategoryShare:
    mine = named[named["key"] == name]
    days = pd.DataFrame({"denominator": named.groupby("date")["n"].sum()}).sort_index()
    days["numerator"] = mine.groupby("date")["n"].sum().reindex(days.index, fill_value=0)
    start, end = review.before()
    level = review.confidence_level
    now = share_over_days(days, review.period.start, review.period.end, level)
    before = share_over_days(days, start, end, level)
    assert now is not None  # The caller has seen that there are cases.
    inside = mine[mine["date"].between(pd.Timestamp(review.period.start), pd.Timestamp(review.period.end))]
    earlier = mine[mine["date"].between(pd.Timestamp(start), pd.Timestamp(end))]
    raws = (inside if len(inside) else mine).groupby("raw")["n"].sum().sort_values(ascending=False, kind="stable")
    return CategoryShare(
        category=name,
        kind=str(mine["kind"].iloc[0]),
        raws=tuple(str(raw) for raw in raws.index),
        n=int(inside["n"].sum()),
        n_before=int(earlier["n"].sum()),
        share=now,
        before=before,
        difference=difference_of_ratios(now, before) if before is not None else None,
    )


def category_judgement(review: Review) -> Judgement:
    """Judge the changes of all shares together: a family for each subject, by Benjamini and Hochberg."""
    return review.once("category judgement", _judgement)


def _judgement(review: Review) -> Judgement:
    families = tuple(Family(name=name, method="benjamini-hochberg") for name in _FAMILIES.values())
    plan = MultiplicityPlan(alpha=1 - review.confidence_level, families=families)
    for subject in SUBJECTS:
        view = category_view(review, subject)
        for row in view.rows if view else ():
            plan = plan.add(_FAMILIES[subject], row.category, row.difference.pvalue if row.difference else float("nan"))
    return Judgement(plan=plan, headline=frozenset())


def family_of(subject: Subject) -> str:
    """Name of the family of tests that a subject's shares belong to."""
    return _FAMILIES[subject]
