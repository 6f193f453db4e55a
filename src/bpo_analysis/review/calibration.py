"""Calibration: how far both sides agreed over the last months, who gives more, and what that does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import sqrt

import numpy as np
import pandas as pd
from scipy import stats as distributions

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.review.calibration_ratings import (
    PASS_MARK,
    contact_scores,
    rated_pairs,
    ratings_for,
    scores_of,
    scores_of_others,
    share_within,
)
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.plan import Judgement
from bpo_analysis.review.quality import months_back
from bpo_analysis.review.raters import rater_bias as bias_of_last_months
from bpo_analysis.stats import (
    AgreementResult,
    Family,
    MultiplicityPlan,
    RaterBias,
    RatioInterval,
    agreement,
    rater_bias,
)

__all__ = ["ENOUGH", "GOOD_AGREEMENT", "Agreed", "ItemAgreement", "Limits", "RaterLine", "agreed"]

GOOD_AGREEMENT = 0.85
"""Share of contacts within the tolerance that is called good; a rule of thumb of the trade, not a standard."""
ENOUGH = 20
"""Contacts of an item from which on it can be said to need a rule."""
_SESSIONS = 12
_BIAS, _ITEMS, _RATERS = "bias of the partner's raters", "items that need a rule", "bias of single raters"
_FAMILIES = (
    Family(name=_BIAS, method="holm", weight=2),
    Family(name=_ITEMS, method="holm", weight=1),
    Family(name=_RATERS, method="holm", weight=1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAgreement:
    """Agreement of both sides on one item.

    ``share`` are contacts within the tolerance; ``result`` has chance-corrected coefficients, None with too few
    contacts; ``needs_rule`` says that the share is clearly below what is called good, all items judged together.
    """

    item_id: str
    criticality: str
    contacts: int
    share: RatioInterval
    result: AgreementResult | None
    mean_gap: float
    needs_rule: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Differences of two scores of the same contact, after Bland and Altman.

    ``low`` and ``high`` hold 95 of 100 differences if these are normal; ``reach`` is how far each of them may lie off.
    """

    table: pd.DataFrame
    mean: float
    low: float
    high: float
    reach: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterLine:
    """One rater (a code) against the agreed ratings, or against the other side where there are none."""

    rater: str
    side: str
    contacts: int
    bias: RaterBias
    clear: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """How far both sides agreed over the last months.

    Attributes
    ----------
    bias : Measure or None
        The KPI: mean of the partner's score less the client's.
    bias_clear : bool
        Whether the bias is a finding of these results.
    verdicts : AgreementResult or None
        Of pass and fail of whole contacts.
    pass_rate : RaterBias or None
        Share that passes by the partner's rating less that by the client's.
    pass_clear : bool
    judged : Judgement
        The plan of all tests of these results.
    against : str
        What single raters are compared with.
    sessions : DataFrame
        One row per session, oldest first: session_id, end, contacts, share, ci_low, ci_high, mean_gap.
    """

    start: date
    end: date
    contacts: int
    items: tuple[ItemAgreement, ...]
    overall: RatioInterval
    bias: Measure | None
    bias_clear: bool
    limits: Limits | None
    verdicts: AgreementResult | None
    pass_rate: RaterBias | None
    pass_clear: bool
    pass_mark: float
    raters: tuple[RaterLine, ...]
    against: str
    sessions: pd.DataFrame
    judged: Judgement


def agreed(review: Review, *, pass_mark: float = PASS_MARK) -> Agreed | None:
    """Return agreement, bias and its effect over the last months; None without such ratings."""
    if not 0 < pass_mark <= 1:
        raise ValueError(f"pass_mark must be above 0 and at most 1, got {pass_mark!r}. For 80 % write 0.8.")
    pairs = rated_pairs(review)
    if pairs is None:
        return None
    start = months_back(review)
    recent = pairs[pairs["date"] >= pd.Timestamp(start)]
    if recent.empty:
        return None
    level = review.confidence_level
    contacts = contact_scores(recent, pass_mark)
    known = bias_of_last_months(review)
    bias = known.measure if known else None
    verdicts, pass_rate = _verdicts(contacts, level)
    raters, against = _raters(review, start, level)
    shares = {item: share_within(part, level) for item, part in recent.groupby("item_id")}
    plan = MultiplicityPlan(alpha=1 - level, families=_FAMILIES)
    plan = plan.add(_BIAS, "score", bias.interval.pvalue(0.0) if bias and bias.interval else float("nan"))
    plan = plan.add(_BIAS, "pass rate", pass_rate.pvalue if pass_rate else float("nan"))
    for item, share in shares.items():
        enough = share.total >= ENOUGH and share.estimate < GOOD_AGREEMENT
        plan = plan.add(_ITEMS, str(item), share.pvalue(GOOD_AGREEMENT) if enough else float("nan"))
    for rater, (_, found) in raters.items():
        plan = plan.add(_RATERS, rater, found.pvalue)
    judged = Judgement(plan=plan, headline=frozenset())
    items = [
        _item(str(item), part, shares[item], level, needs_rule=judged.found(_ITEMS, str(item)))
        for item, part in recent.groupby("item_id")
    ]
    return Agreed(
        start=start,
        end=review.period.end,
        contacts=len(contacts),
        items=tuple(sorted(items, key=lambda item: (item.share.estimate, item.item_id))),
        overall=share_within(recent, level),
        bias=bias,
        bias_clear=judged.found(_BIAS, "score"),
        limits=_limits(contacts, level),
        verdicts=verdicts,
        pass_rate=pass_rate,
        pass_clear=judged.found(_BIAS, "pass rate"),
        pass_mark=pass_mark,
        raters=tuple(
            RaterLine(rater=rater, side=side, contacts=found.n, bias=found, clear=judged.found(_RATERS, rater))
            for rater, (side, found) in raters.items()
        ),
        against=against,
        sessions=_sessions(pairs, level),
        judged=judged,
    )


def _item(item_id: str, pairs: pd.DataFrame, share: RatioInterval, level: float, *, needs_rule: bool) -> ItemAgreement:
    scale = pairs[["client", "partner"]].div(pairs["rating_max"], axis=0)
    two_way = bool(scale.isin((0.0, 1.0)).all().all())
    criticality = str(pairs["criticality"].iloc[0])
    points = None if two_way else _points(pairs)
    try:
        # Ratings that are nought or all are pass and fail; others have an order, and gaps count by their size.
        result = agreement(
            scale if points is None else pairs[["client", "partner"]],
            level="nominal" if two_way else "ordinal" if points else "interval",
            categories=(0.0, 1.0) if two_way else points,
            confidence_level=level,
        )
    except InsufficientDataError:
        result = None
    return ItemAgreement(
        item_id=item_id,
        criticality=criticality,
        contacts=len(pairs),
        share=share,
        result=result,
        mean_gap=float(pairs["gap"].mean()),
        needs_rule=needs_rule,
    )


def _points(pairs: pd.DataFrame) -> list[float] | None:
    """All points that could be given, where the scale has whole points and is the same for all; None otherwise."""
    given = pairs[["client", "partner"]].to_numpy()
    most = pairs["rating_max"].unique()
    if len(most) > 1 or most[0] != int(most[0]) or (given != given.round()).any():
        return None
    return [float(point) for point in range(int(most[0]) + 1)]


def _limits(contacts: pd.DataFrame, level: float) -> Limits | None:
    """Mean difference and limits of agreement; None with fewer than five contacts."""
    gap = contacts["gap"].to_numpy()
    n = len(gap)
    if n < 5:
        return None
    mean, spread = float(gap.mean()), float(gap.std(ddof=1))
    quantile = float(distributions.t.isf((1 - level) / 2, n - 1))
    table = contacts.assign(mean=(contacts["client"] + contacts["partner"]) / 2)[["interaction_id", "mean", "gap"]]
    width = 1.96 * spread
    # The standard error of a limit is about sqrt(3 / n) standard deviations of a difference (Bland and Altman 1986).
    return Limits(table=table, mean=mean, low=mean - width, high=mean + width, reach=quantile * spread * sqrt(3 / n))


def _verdicts(contacts: pd.DataFrame, level: float) -> tuple[AgreementResult | None, RaterBias | None]:
    verdicts = contacts[["partner_pass", "client_pass"]].astype(int)
    try:
        found = agreement(verdicts, categories=(0, 1), confidence_level=level)
        return found, rater_bias(verdicts, ["partner", "client"], confidence_level=level)
    except InsufficientDataError:
        return None, None


def _raters(review: Review, start: date, level: float) -> tuple[dict[str, tuple[str, RaterBias]], str]:
    """Each rater's scores against the agreed ones; against the other side's where none were agreed."""
    blind_ratings, final = (ratings_for(review, name) for name in ("calibration", "calibration_final"))
    since = pd.Timestamp(start)
    scores = scores_of(blind_ratings[blind_ratings["date"] >= since], ["rater_org", "rater"])
    settled = scores_of(final[final["date"] >= since], []) if len(final) else pd.DataFrame()
    against = "the rating agreed in the meeting" if len(settled) else "the other side's rating"
    found: dict[str, tuple[str, RaterBias]] = {}
    for (org, rater), own in scores.groupby(["rater_org", "rater"]):
        reference = settled if len(settled) else scores_of_others(scores, other_than=str(org))
        both = own.merge(reference, on="interaction_id", suffixes=("", "_reference"))
        side = "client" if org == "client" else "partner"
        try:
            bias = rater_bias(both[["score", "score_reference"]], ["rater", "reference"], confidence_level=level)
        except InsufficientDataError:
            continue
        found[f"{side} rater {rater}"] = side, bias
    return found, against


def _sessions(pairs: pd.DataFrame, level: float) -> pd.DataFrame:
    """Agreement and mean gap of the last sessions."""
    rows = []
    for session, part in pairs.groupby("session_id"):
        share = share_within(part, level)
        # Where the contacts of a session all agree alike, their spread tells nothing: as sure as single ratings.
        known = np.isfinite(share.ci_low)
        rows.append(
            {
                "session_id": str(session), "end": part["date"].max().date(),
                "contacts": int(part["interaction_id"].nunique()), "share": share.estimate,
                "ci_low": share.ci_low if known else float("nan"), "ci_high": share.ci_high if known else float("nan"),
                "ratings": int(share.total), "mean_gap": float(contact_scores(part, PASS_MARK)["gap"].mean()),
            }
        )  # fmt: skip
    columns = ["session_id", "end", "contacts", "share", "ci_low", "ci_high", "ratings", "mean_gap"]
    found = pd.DataFrame(rows, columns=columns).sort_values(["end", "session_id"], kind="stable")
    return found.tail(_SESSIONS).reset_index(drop=True)
