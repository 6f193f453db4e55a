"""All partners in one period: their standing, who is ahead on the same work, and what needs a decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bpo_analysis.data import Dataset, open_dataset
from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.kpis import Kpi
from bpo_analysis.periods import ReportPeriod
from bpo_analysis.review.comparison import COMPARED
from bpo_analysis.review.context import Review
from bpo_analysis.review.findings import Ask, asks, verdict
from bpo_analysis.review.narrative import Insight, insights
from bpo_analysis.review.printed import Printed
from bpo_analysis.review.scorecard import Clause, clauses
from bpo_analysis.stats import StandardisedComparison, adjust_pvalues, standardise
from bpo_analysis.stats.standardisation import MIN_UNITS

__all__ = ["FairComparison", "Portfolio", "Standing", "fair_comparisons", "open_portfolio", "standings"]


HALF = 0.5
"""Part of the page's error rate for what moved at the partners; the other half is for the comparison of partners."""


@dataclass(kw_only=True)
class Portfolio:
    """Every partner of a dataset in one period. Made by :func:`open_portfolio`."""

    dataset: Dataset
    period: ReportPeriod
    confidence_level: float
    reviews: dict[str, Review] = field(repr=False)
    printed: dict[Printed, None] = field(default_factory=dict, repr=False)
    """Cells and sentences with numbers of the sections shown so far: they are about all partners."""

    @property
    def any_review(self) -> Review:
        """Some partner's review, for what is the same for all of them."""
        return next(iter(self.reviews.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One partner: what it agreed and did, what moved there, what is asked.

    ``moved`` holds what stands when the findings of all partners are judged together, with half of the page's error
    rate: the plan of each partner's own page holds the rate for that page alone.
    """

    review: Review
    verdict: str
    clauses: list[Clause]
    moved: list[Insight]
    asks: list[Ask]

    def count(self, state: str) -> int:
        """Agreed targets in a state."""
        return sum(clause.row.contract == state for clause in self.clauses)

    @property
    def clearly_missed(self) -> int:
        """Targets missed beyond doubt."""
        return sum(clause.row.clearly_missed for clause in self.clauses)


@dataclass(frozen=True, slots=True, kw_only=True)
class FairComparison:
    """One KPI of all partners on the contact reasons they share.

    Attributes
    ----------
    result : StandardisedComparison
        Groups are partner_ids.
    adjusted : dict of str to float
        P-value of each partner against the rest on the common mix, adjusted over all partners and KPIs of the page.
    """

    kpi: Kpi
    result: StandardisedComparison
    adjusted: dict[str, float]

    def differs(self, partner_id: str) -> bool:
        """Whether a partner differs from the rest on the common mix, with half of the page's error rate."""
        return self.adjusted.get(partner_id, 1.0) <= HALF * (1 - self.result.confidence_level)


def open_portfolio(data: str | Path | Dataset, period: str = "", *, confidence_level: float = 0.95) -> Portfolio:
    """Open the review of all partners in one period.

    Parameters
    ----------
    data : str, Path or Dataset
        Folder of the dataset.
    period : str, optional
        2026-03, 2026-W12, 2026-Q1 or 2026-03-14; by default the last complete month of the data.
    confidence_level : float, default 0.95

    Raises
    ------
    DataError
        If the data cannot be used, or the period has no rows.
    """
    dataset = (data if isinstance(data, Dataset) else open_dataset(data)).prepare()
    when = dataset.period(period)
    dataset = dataset.as_of(when.end)
    reviews = {
        str(name): Review(
            dataset=dataset, partner_id=str(name), period=when, confidence_level=confidence_level
        )
        for name in dataset.partners["partner_id"]
    }  # fmt: skip
    return Portfolio(dataset=dataset, period=when, confidence_level=confidence_level, reviews=reviews)


def standings(portfolio: Portfolio) -> list[Standing]:
    """Return every partner that has rows in the period: those that miss most targets beyond doubt first."""
    known = [review for review in portfolio.reviews.values() if review.has("offered") or review.has("handled")]
    found = [_standing(review, len(known)) for review in known]
    return sorted(found, key=lambda one: (-one.clearly_missed, -one.count("missed"), one.review.name.casefold()))


def _standing(review: Review, partners: int) -> Standing:
    agreed = clauses(review)
    return Standing(
        review=review,
        verdict=verdict(review, agreed)[0],
        clauses=agreed,
        moved=[one for one in insights(review) if one.pvalue * partners <= HALF * (1 - review.confidence_level)],
        asks=asks(review, agreed),
    )


def fair_comparisons(portfolio: Portfolio) -> list[FairComparison]:
    """Compare all partners on the mix of contact reasons they share, over the period and the stretch before."""
    review = portfolio.any_review
    results = {
        name: result
        for name in COMPARED
        if name in review.kpis
        and name not in portfolio.dataset.unavailable
        and (result := _standardised(portfolio, name)) is not None
    }
    tests = [
        (name, str(partner), float(row["pvalue"]))
        for name, result in results.items()
        for partner, row in result.table.iterrows()
        if row["pvalue"] == row["pvalue"]
    ]
    adjusted = adjust_pvalues([p for *_, p in tests], method="holm") if tests else []
    by_test = {(name, partner): float(p) for (name, partner, _), p in zip(tests, adjusted, strict=True)}
    return [
        FairComparison(
            kpi=review.kpis[name],
            result=result,
            adjusted={partner: p for (kpi, partner), p in by_test.items() if kpi == name},
        )
        for name, result in results.items()
    ]


def _standardised(portfolio: Portfolio, name: str) -> StandardisedComparison | None:
    review = portfolio.any_review
    columns = ("partner_id", "date", "category")
    rows = portfolio.dataset.kpi_sums(name, columns, review.before()[0], portfolio.period.end)
    rows = rows[rows["category"].notna() & (rows["denominator"] > 0)]
    if rows["partner_id"].nunique() < 2:
        return None
    days = rows["date"].nunique()
    try:
        return standardise(
            rows,
            group="partner_id",
            slice="category",
            unit="date" if days >= MIN_UNITS else None,
            confidence_level=portfolio.confidence_level,
        )
    except InsufficientDataError:
        return None  # no contact reason that all of them have
