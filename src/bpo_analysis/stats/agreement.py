"""Do raters agree, beyond what chance would give, and does one side rate higher?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import check_confidence_level
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.wording import pvalue_text

__all__ = ["MIN_CLUSTERS", "MIN_ITEMS", "AgreementResult", "RaterBias", "RatingLevel", "agreement", "rater_bias"]

RatingLevel = Literal["nominal", "ordinal", "interval", "ratio"]

MIN_ITEMS = 5
MIN_CLUSTERS = 5
DRAWS = 4000
_POWER = 0.8
_ROUNDING = 1e-12
_BLOCK = 2_000_000
_AGREEING_MASS = 1.0
"""Weight of the made-up items on which raters agree, and (over the number of raters) twice that of the others."""

_Floats = NDArray[np.float64]
_COEFFICIENTS = ("percent_agreement", "kappa", "alpha", "gwet_ac")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementResult(Result):
    """How far raters agree.

    Attributes
    ----------
    percent_agreement : float
        Share of pairs of ratings of the same item that agree, averaged over items.
    kappa : float
        Cohen's for two raters, Fleiss' for more; weighted unless the level is nominal. NaN where all ratings are the
        same: then chance alone would agree as well, and there is nothing to correct.
    alpha : float
        Krippendorff's. NaN where kappa is.
    gwet_ac : float
        Gwet's AC1 (nominal) or AC2 (weighted); it stays defined and stable where nearly all items pass. NaN for the
        levels interval and ratio without ``categories``: it depends on the ends of the scale.
    percent_agreement_ci_low, ..., gwet_ac_ci_high : float
        Confidence limits of each.
    kappa_kind, gwet_kind : str
    undefined : str
        Why kappa and alpha are NaN; otherwise empty.
    confidence_level : float
    level : str
    n : int
        Items with at least two ratings.
    n_missing : int
        Items with fewer.
    n_raters, n_clusters : int
        ``n_clusters`` is ``n`` without clusters.
    table : DataFrame
        One row per rater: n, percent_agreement with the others on the same items.
    method : str
    """

    percent_agreement: float
    percent_agreement_ci_low: float
    percent_agreement_ci_high: float
    kappa: float
    kappa_ci_low: float
    kappa_ci_high: float
    kappa_kind: str
    alpha: float
    alpha_ci_low: float
    alpha_ci_high: float
    gwet_ac: float
    gwet_ac_ci_low: float
    gwet_ac_ci_high: float
    gwet_kind: str
    undefined: str
    confidence_level: float
    level: RatingLevel
    n: int
    n_missing: int
    n_raters: int
    n_clusters: int
    table: pd.DataFrame
    method: str

    def summary(self) -> str:
        """Return agreement, kappa, alpha and Gwet's coefficient with their intervals."""
        parts = [
            f"{100 * self.percent_agreement:.1f} % agreement "
            f"({100 * self.percent_agreement_ci_low:.1f} to {100 * self.percent_agreement_ci_high:.1f})"
        ]
        if np.isfinite(self.gwet_ac):
            parts.append(
                f"Gwet's {self.gwet_kind} {self.gwet_ac:.2f} ({self.gwet_ac_ci_low:.2f} to {self.gwet_ac_ci_high:.2f})"
            )
        if self.undefined:
            parts.append(f"kappa and alpha undefined ({self.undefined})")
        else:
            parts += [
                f"{self.kappa_kind} kappa {self.kappa:.2f} ({self.kappa_ci_low:.2f} to {self.kappa_ci_high:.2f})",
                f"Krippendorff's alpha {self.alpha:.2f} ({self.alpha_ci_low:.2f} to {self.alpha_ci_high:.2f})",
            ]
        return (
            f"{'; '.join(parts)}; {100 * self.confidence_level:g} % intervals "
            f"({self.n} items, {self.n_raters} raters; {self.method})."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterBias(Result):
    """Whether one group of raters rates the same items higher than another.

    Attributes
    ----------
    estimate : float
        Mean over items of the first group's mean rating less the second's.
    ci_low, ci_high, confidence_level, statistic, pvalue : float
        The interval excludes 0 exactly where ``pvalue`` is below one less the confidence level.
    detectable : float
        Bias that would have been found in four of five such samples.
    first, second : str
        Names of the groups.
    mean_first, mean_second : float
        On the items that both rated.
    n, n_missing : int
        Items that both rated, and items that only one did.
    n_clusters : int
    method : str
    """

    estimate: float
    ci_low: float
    ci_high: float
    confidence_level: float
    statistic: float
    pvalue: float
    detectable: float
    first: str
    second: str
    mean_first: float
    mean_second: float
    n: int
    n_missing: int
    n_clusters: int
    method: str

    def summary(self) -> str:
        """Return who rates higher, by how much, and how sure that is."""
        means = f"{self.first} {self.mean_first:.4g}, {self.second} {self.mean_second:.4g}"
        if np.isnan(self.pvalue):
            return f"{means}: difference {self.estimate:+.4g} on every one of {self.n} items ({self.method})."
        if self.pvalue < 1 - self.confidence_level:
            higher, lower = (self.first, self.second) if self.estimate > 0 else (self.second, self.first)
            verdict = f"{higher} rates higher than {lower}."
        else:
            verdict = (
                f"These items cannot tell whether either rates higher; a difference of {self.detectable:.3g} would "
                f"have been found with {100 * _POWER:.0f} % power."
            )
        return (
            f"{means}: difference {self.estimate:+.4g}, {100 * self.confidence_level:g} % interval "
            f"{self.ci_low:+.4g} to {self.ci_high:+.4g} (p {pvalue_text(self.pvalue)}, n = {self.n} items; "
            f"{self.method}). {verdict}"
        )


def agreement(
    ratings: ArrayLike | pd.DataFrame,
    *,
    level: RatingLevel = "nominal",
    categories: Sequence[Any] | None = None,
    tolerance: float = 0.0,
    clusters: ArrayLike | None = None,
    confidence_level: float = 0.95,
    rng: int | np.random.Generator | None = 0,
) -> AgreementResult:
    """Measure the agreement of two or more raters, by four coefficients with intervals.

    Parameters
    ----------
    ratings : array_like or DataFrame, shape (n_items, n_raters)
        One row per item, one column per rater; missing where a rater did not rate an item. Nominal ratings may be
        words.
    level : {"nominal", "ordinal", "interval", "ratio"}, default "nominal"
        What the distance between two ratings means. Pass and fail are nominal.
    categories : sequence, optional
        All ratings that could have been given, in order: those that nobody gave count for Gwet's coefficient. By
        default those that occur.
    tolerance : float, default 0
        Two numbers that differ by no more count as agreeing in ``percent_agreement`` (only there). Not for words.
    clusters : array_like, shape (n_items,), optional
        What items belong to (the agent, say) where several of one are rated; the interval is then between clusters.
    confidence_level : float, default 0.95
    rng : int, Generator or None, default 0
        For the intervals, so that the same ratings give the same interval.

    Returns
    -------
    AgreementResult

    Raises
    ------
    InsufficientDataError
        With fewer than five items that have two ratings, or fewer than five clusters.

    Notes
    -----
    The intervals are Bayesian-bootstrap quantiles [1]_, taken a little further out as Student's t is, after adding
    made-up items worth one item of agreement and ``2 / raters`` items of disagreement (for ordered ratings, between
    neighbouring values). For two raters and pass or fail this is the posterior under a Dirichlet(1/2) prior. Nearly all
    items of a call centre pass, and there the usual intervals fail: at 30 double-scored items and a pass rate of 95 %
    that of statsmodels for kappa covers 47 % and the jackknife for alpha 43 %; these cover 93 to 99 %, more where kappa
    is hardly there to be seen (``validation/agreement.py``).

    Alpha [2]_ is computed from item counts, so that all draws are one matrix product; checked against the package
    ``krippendorff``. For the ordinal level its distances stay those of the data in all draws. Gwet's AC [3]_ and the
    weights of ordered levels (ordinal, quadratic, ratio) are those of irrCAC. No coefficient says who is right.

    References
    ----------
    .. [1] Rubin, D. B. (1981). The Bayesian bootstrap. Ann. Stat. 9.
    .. [2] Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability.
    .. [3] Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of high agreement.
       British Journal of Mathematical and Statistical Psychology 61.

    Examples
    --------
    >>> client = ["pass"] * 25 + ["fail"] * 25
    >>> partner = ["pass"] * 20 + ["fail"] * 5 + ["pass"] * 10 + ["fail"] * 15
    >>> result = agreement(list(zip(client, partner)))
    >>> round(result.percent_agreement, 3), round(result.kappa, 3)
    (0.7, 0.4)
    """
    check_confidence_level(confidence_level)
    if level not in get_args(RatingLevel):
        raise ValueError(f"level must be one of {', '.join(map(repr, get_args(RatingLevel)))}, got {level!r}.")
    if not 0 <= tolerance < float("inf"):
        raise ValueError(f"tolerance must be a number of 0 or more, got {tolerance!r}.")
    names, codes, values = _coded(ratings, level, categories, numbers=level in {"interval", "ratio"} or tolerance > 0)
    rated = (codes >= 0).sum(axis=1)
    n = int((rated >= 2).sum())
    if n < MIN_ITEMS:
        raise InsufficientDataError("agreement", needed=MIN_ITEMS, got=n, unit="items with two ratings")
    groups = _cluster_codes(clusters, rated >= 2)
    n_clusters = n if groups is None else len(np.unique(groups[rated >= 2]))
    if n_clusters < MIN_CLUSTERS:
        raise InsufficientDataError("agreement", needed=MIN_CLUSTERS, got=n_clusters, unit="clusters")

    measure = _Measure(codes, values, level, tolerance)
    estimates = measure.coefficients(measure.weights_of_items())
    undefined = "" if measure.varies else "all ratings are the same"
    limits = _limits(measure, groups, n_clusters, confidence_level, np.random.default_rng(rng))
    unknown = {"kappa", "alpha"} if undefined else set()
    if level in {"interval", "ratio"} and categories is None:
        unknown.add("gwet_ac")
    found: dict[str, float] = {}
    for name in _COEFFICIENTS:
        known = name not in unknown
        found[name] = float(estimates[name][0]) if known else float("nan")
        low, high = limits[name] if known else (float("nan"), float("nan"))
        # Where all items agree, or none does, the estimate lies at the end that the draws only come near.
        found[f"{name}_ci_low"], found[f"{name}_ci_high"] = min(low, found[name]), max(high, found[name])
    return AgreementResult(
        **found,
        kappa_kind=("" if level == "nominal" else "weighted ") + ("Cohen's" if codes.shape[1] == 2 else "Fleiss'"),
        gwet_kind="AC1" if level == "nominal" else "AC2",
        undefined=undefined,
        confidence_level=confidence_level,
        level=level,
        n=n,
        n_missing=int((rated < 2).sum()),
        n_raters=codes.shape[1],
        n_clusters=n_clusters,
        table=_by_rater(names, codes, values, tolerance),
        method="Bayesian bootstrap of " + ("items" if groups is None else "clusters"),
    )


def rater_bias(
    ratings: ArrayLike | pd.DataFrame,
    groups: Sequence[str] | None = None,
    *,
    clusters: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> RaterBias:
    """Compare the ratings that two raters, or two groups of raters, give to the same items.

    Parameters
    ----------
    ratings : array_like or DataFrame, shape (n_items, n_raters)
        Numbers (pass and fail as 1 and 0); missing where a rater did not rate an item.
    groups : sequence of str, shape (n_raters,), optional
        Group of each rater, two in all ("client", "partner"); the first named is compared with the other. May be left
        out for two raters.
    clusters : array_like, shape (n_items,), optional
        What items belong to (the agent, say) where several of one are rated.
    confidence_level : float, default 0.95

    Returns
    -------
    RaterBias

    Raises
    ------
    InsufficientDataError
        With fewer than five items that both groups rated, or fewer than five clusters.

    Notes
    -----
    Pass or fail by two raters: Tango's score interval for paired shares [1]_ and the McNemar test that belongs to it,
    so that no disagreement in 20 items is not taken for certainty. Everything else: the paired t interval. With
    clusters, the variance between them decides where it is larger (as a design effect on the counts), with t on
    ``clusters - 1`` degrees of freedom. NaN limits where all differences are alike and no score interval is possible.

    References
    ----------
    .. [1] Tango, T. (1998). Equivalence test and confidence interval for the difference in proportions for the
       paired-sample design. Statistics in Medicine 17.

    Examples
    --------
    >>> result = rater_bias([[1, 1]] * 40 + [[0, 1]] * 9 + [[1, 0]], groups=["client", "partner"])
    >>> result.estimate, round(result.pvalue, 4)
    (-0.16, 0.0114)
    """
    check_confidence_level(confidence_level)
    names, values = _numbers(ratings)
    labels = list(names if groups is None else map(str, groups))
    if len(labels) != values.shape[1] or len(dict.fromkeys(labels)) != 2:
        raise ValueError(
            f"groups must name two groups, one name for each of the {values.shape[1]} raters; got {labels}."
        )
    first, second = dict.fromkeys(labels)
    one, two = (values[:, [label == side for label in labels]] for side in (first, second))
    both = np.asarray(np.isfinite(one).any(axis=1) & np.isfinite(two).any(axis=1), dtype=np.bool_)
    n = int(both.sum())
    if n < MIN_ITEMS:
        raise InsufficientDataError("rater_bias", needed=MIN_ITEMS, got=n, unit="items rated by both")
    mean_one, mean_two = np.nanmean(one[both], axis=1), np.nanmean(two[both], axis=1)
    difference = mean_one - mean_two
    cluster = _cluster_codes(clusters, both)
    scale = float(np.nanmax(np.abs(values[both])))
    variance, effect, n_clusters = _clustered(difference, None if cluster is None else cluster[both], scale)
    if n_clusters < MIN_CLUSTERS:
        raise InsufficientDataError("rater_bias", needed=MIN_CLUSTERS, got=n_clusters, unit="clusters")
    binary = values.shape[1] == 2 and np.isin(values[both], (0, 1)).all()
    freedom = float("inf") if binary and cluster is None else n_clusters - 1.0
    quantile = float(stats.t.ppf(0.5 + confidence_level / 2, freedom))
    if binary:
        counts = [float((difference == sign).sum()) / effect for sign in (1, -1)]
        low, high, statistic = _tango(counts[0], counts[1], n / effect, quantile)
    else:
        half = quantile * sqrt(variance) if variance > 0 else float("nan")
        low, high = difference.mean() - half, difference.mean() + half
        statistic = difference.mean() / sqrt(variance) if variance > 0 else float("nan")
    return RaterBias(
        estimate=float(difference.mean()),
        ci_low=float(low),
        ci_high=float(high),
        confidence_level=confidence_level,
        statistic=float(statistic),
        pvalue=float(2 * stats.t.sf(abs(statistic), freedom)),
        detectable=float((high - low) / 2 * (1 + stats.t.ppf(_POWER, freedom) / quantile)),
        first=str(first),
        second=str(second),
        mean_first=float(mean_one.mean()),
        mean_second=float(mean_two.mean()),
        n=n,
        n_missing=len(values) - n,
        n_clusters=n_clusters,
        method=("McNemar, Tango's score interval" if binary else "paired t")
        + (", design effect of clusters" if cluster is not None else ""),
    )


class _Measure:
    """Items collapsed to patterns of ratings, with made-up items below them; coefficients for any weights of both."""

    def __init__(self, codes: NDArray[np.intp], values: _Floats, level: RatingLevel, tolerance: float) -> None:
        patterns, self.pattern_of_item = np.unique(codes, axis=0, return_inverse=True)
        self.pattern_of_item = self.pattern_of_item.ravel()
        self.n_items, self.n_patterns, q = len(codes), len(patterns), len(values)
        counts = np.stack([(patterns == k).sum(axis=1) for k in range(q)], axis=1).astype(float)
        tally = np.bincount(self.pattern_of_item, minlength=self.n_patterns)
        pairs = counts.sum(axis=1) >= 2
        totals = tally[pairs] @ counts[pairs]
        self.varies = bool((totals > 0).sum() > 1)
        self.mean_ratings = float(totals.sum() / tally[pairs].sum())
        added, self.added_mass = _made_up(q, level, self.mean_ratings)
        self.counts = np.vstack([counts, added.sum(axis=1) * self.mean_ratings / 2])
        self.rated = self.counts.sum(axis=1)
        self.shares = self.counts / np.maximum(self.rated, 1)[:, None]
        distance = _distances(values, level, totals)
        self.distance = distance
        alike = 1 - _gwet_distances(values, level)
        near = _near(values[:, None], values[None, :], tolerance).astype(float)
        self.disagreement = self._within(distance, counts, added)
        self.likeness = self._within(alike, counts, added)
        self.nearness = self._within(near, counts, added)
        self.alike, self.alike_total = alike, float(alike.sum())
        self.sides = None
        if codes.shape[1] == 2:
            complete = np.asarray((patterns >= 0).all(axis=1), dtype=np.bool_)
            real = np.eye(q)[np.where(complete[:, None], patterns, 0)] * complete[:, None, None]
            self.sides = np.concatenate([real, added])

    def _within(self, matrix: _Floats, counts: _Floats, added: _Floats) -> _Floats:
        """Mean of a matrix over the pairs of ratings of each item; NaN for fewer than two ratings."""
        rated = counts.sum(axis=1)
        own = counts @ np.diag(matrix)
        with np.errstate(invalid="ignore", divide="ignore"):
            real = (((counts @ matrix) * counts).sum(axis=1) - own) / (rated * (rated - 1))
        return np.concatenate([real, np.einsum("ak,kl,al->a", added[:, 0], matrix, added[:, 1])])

    def weights_of_items(self) -> _Floats:
        """One row: every item counts once, made-up ones do not."""
        tally = np.bincount(self.pattern_of_item, minlength=self.n_patterns).astype(float)
        return np.concatenate([tally, np.zeros(len(self.added_mass))])[None, :]

    def coefficients(self, weights: _Floats) -> dict[str, _Floats]:
        """All four for each row of weights."""
        pairs, rated = self.rated >= 2 - 1e-9, self.rated > 0
        paired, some = weights[:, pairs], weights[:, rated]
        likeness = paired @ self.likeness[pairs] / paired.sum(axis=1)
        shares = some @ self.shares[rated] / some.sum(axis=1, keepdims=True)
        total = paired @ self.rated[pairs]
        margins = paired @ self.counts[pairs]
        observed = paired @ (self.rated[pairs] * self.disagreement[pairs]) / total
        q = len(self.alike)
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = ((margins @ self.distance) * margins).sum(axis=1) / (total * (total - 1))
            by_chance = self.alike_total / (q * (q - 1)) * (shares * (1 - shares)).sum(axis=1) if q > 1 else 0.0
            return {
                "percent_agreement": paired @ self.nearness[pairs] / paired.sum(axis=1),
                "kappa": self._kappa(weights, likeness, shares),
                "alpha": 1 - observed / expected,
                "gwet_ac": (likeness - by_chance) / (1 - by_chance),
            }

    def _kappa(self, weights: _Floats, likeness: _Floats, shares: _Floats) -> _Floats:
        if self.sides is None:
            left = right = shares
        else:
            both = self.sides.sum(axis=(1, 2)) > 0
            whole = weights[:, both].sum(axis=1, keepdims=True)
            left, right = (weights[:, both] @ self.sides[both, side] / whole for side in (0, 1))
        by_chance = ((left @ self.alike) * right).sum(axis=1)
        return np.asarray((likeness - by_chance) / (1 - by_chance))


def _limits(
    measure: _Measure,
    groups: NDArray[np.intp] | None,
    n_clusters: int,
    confidence_level: float,
    rng: np.random.Generator,
) -> dict[str, tuple[float, float]]:
    """Quantiles over random weights, as far out as Student's t would go for this many items or clusters."""
    block = max(1, _BLOCK // (measure.n_patterns + measure.n_items))
    drawn = [
        measure.coefficients(_random_weights(measure, groups, min(block, DRAWS - at), rng))
        for at in range(0, DRAWS, block)
    ]
    tail = stats.norm.cdf(sqrt(n_clusters / (n_clusters - 1)) * stats.t.ppf((1 - confidence_level) / 2, n_clusters - 1))
    limits = {}
    for name in _COEFFICIENTS:
        values = np.concatenate([part[name] for part in drawn])
        low, high = np.nanquantile(values, [tail, 1 - tail]) if np.isfinite(values).any() else (np.nan, np.nan)
        limits[name] = float(low), float(high)
    return limits


def _random_weights(measure: _Measure, groups: NDArray[np.intp] | None, size: int, rng: np.random.Generator) -> _Floats:
    if groups is None:
        tally = np.bincount(measure.pattern_of_item, minlength=measure.n_patterns)
        real = rng.gamma(tally.astype(float), size=(size, measure.n_patterns))
    else:
        content = np.zeros((int(groups.max()) + 1, measure.n_patterns))
        np.add.at(content, (groups, measure.pattern_of_item), 1.0)
        real = rng.exponential(size=(size, len(content))) @ content
    weights = np.hstack([real, rng.gamma(measure.added_mass, size=(size, len(measure.added_mass)))])
    # Alpha pays for small numbers of ratings, so the weights of a draw add up to the items there are.
    return np.asarray(weights * (measure.n_items / weights.sum(axis=1, keepdims=True)))


def _made_up(q: int, level: RatingLevel, raters: float) -> tuple[_Floats, _Floats]:
    """Pairs of ratings (two one-hot rows each) and their weights."""
    first, second = (grid.ravel() for grid in np.indices((q, q)))
    apart = first != second
    if level != "nominal":
        apart &= np.abs(first - second) == 1
    keep = apart | (first == second)
    same, apart = (first == second)[keep], apart[keep]
    disagreeing = 2 * _AGREEING_MASS / raters / max(1, int(apart.sum()))
    mass = np.where(same, _AGREEING_MASS / q, disagreeing)
    one_hot = np.eye(q)
    return np.stack([one_hot[first[keep]], one_hot[second[keep]]], axis=1), mass


def _distances(values: _Floats, level: RatingLevel, totals: _Floats) -> _Floats:
    """Krippendorff's squared differences; those of ranks need how often each value was given."""
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "ordinal":
        ranks = totals.cumsum() - totals / 2
        return np.asarray((ranks[:, None] - ranks[None, :]) ** 2)
    apart = values[:, None] - values[None, :]
    if level == "interval":
        return np.asarray(apart**2)
    both = values[:, None] + values[None, :]
    return np.asarray(np.divide(apart, both, out=np.zeros_like(apart), where=both != 0) ** 2)


def _near(one: _Floats, other: _Floats, tolerance: float) -> NDArray[np.bool_]:
    """Which numbers differ by no more than the tolerance: 80.3 and 78.1 do by 2.2, whatever their last bit says."""
    return np.asarray(np.abs(one - other) <= tolerance * (1 + _ROUNDING), dtype=np.bool_)


def _gwet_distances(values: _Floats, level: RatingLevel) -> _Floats:
    """One less the weights of Gwet: 0 on the diagonal, 1 for the two ends of the scale."""
    if level == "ordinal":
        steps = np.abs(np.subtract.outer(np.arange(len(values)), np.arange(len(values)))) + 1
        distance = steps * (steps - 1) / 2.0
    else:
        distance = _distances(values, level, np.ones(len(values)))
    return np.asarray(distance / distance.max() if distance.max() > 0 else distance)


def _coded(
    ratings: ArrayLike | pd.DataFrame, level: RatingLevel, categories: Sequence[Any] | None, *, numbers: bool
) -> tuple[list[str], NDArray[np.intp], _Floats]:
    """Names of the raters, positions of the ratings in the sorted categories (-1: missing), and numbers for these."""
    frame = ratings if isinstance(ratings, pd.DataFrame) else pd.DataFrame(np.asarray(ratings, dtype=object))
    if frame.shape[1] < 2:
        raise ValueError(f"ratings must have one column per rater, at least two; got shape {frame.shape}.")
    flat = pd.Series(frame.to_numpy(dtype=object).ravel(), dtype=object)
    given = [value for value in flat.dropna().unique() if value != ""]
    known = (
        list(categories) if categories is not None else sorted(given, key=lambda value: (isinstance(value, str), value))
    )
    if len(set(known)) < len(known):
        raise ValueError(f"categories must be different from each other, got {known!r}.")
    unknown = [value for value in given if value not in known]
    if unknown:
        raise ValueError(f"categories {known!r} do not hold the rating {unknown[0]!r}.")
    try:
        values = np.array([float(value) for value in known])
        if not np.isfinite(values).all():
            raise ValueError(f"not all of {known!r} are finite.")
    except (TypeError, ValueError):
        if numbers:
            wanted = f"for level {level!r}" if level in {"interval", "ratio"} else "to be within a tolerance"
            raise ValueError(f"ratings must be numbers {wanted}, and finite; got {known!r}.") from None
        if level == "ordinal" and categories is None:
            raise ValueError("ordinal ratings in words need their order: give categories.") from None
        values = np.arange(len(known), dtype=float)
    if level == "ratio" and (values < 0).any():
        raise ValueError(f"ratings must not be negative for level 'ratio'; got {values.min():g}.")
    if level in {"interval", "ratio"}:
        order = np.argsort(values, kind="stable")
        known, values = [known[i] for i in order], values[order]
    if len(known) == 1:
        # Whoever gave only one rating could have given another.
        values = np.r_[values, values + 1]
    position = {value: place for place, value in enumerate(known)}
    codes = flat.map(lambda value: position.get(value, -1) if value is not None else -1).to_numpy(dtype=np.intp)
    return [str(name) for name in frame.columns], codes.reshape(frame.shape), values


def _numbers(ratings: ArrayLike | pd.DataFrame) -> tuple[list[str], _Floats]:
    frame = ratings if isinstance(ratings, pd.DataFrame) else pd.DataFrame(np.asarray(ratings, dtype=object))
    if frame.shape[1] < 2:
        raise ValueError(f"ratings must have one column per rater, at least two; got shape {frame.shape}.")
    try:
        values = frame.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise ValueError("ratings must be numbers; write pass and fail as 1 and 0.") from None
    if np.isinf(values).any():
        raise ValueError("ratings must be finite or missing, got an infinite value.")
    named = isinstance(ratings, pd.DataFrame)
    names = [str(name) for name in frame.columns] if named else [f"rater {i + 1}" for i in range(frame.shape[1])]
    return names, values


def _cluster_codes(clusters: ArrayLike | None, used: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    if clusters is None:
        return None
    codes, _ = pd.factorize(np.asarray(clusters, dtype=object))
    if len(codes) != len(used):
        raise ValueError(f"clusters must have one entry for each of the {len(used)} items; got {len(codes)}.")
    if (codes[used] < 0).any():
        raise ValueError(f"clusters is missing for {int((codes[used] < 0).sum())} rated items.")
    return np.where(codes < 0, 0, codes).astype(np.intp)


def _by_rater(names: list[str], codes: NDArray[np.intp], values: _Floats, tolerance: float) -> pd.DataFrame:
    rows = []
    for rater in range(codes.shape[1]):
        own = codes[:, [rater]]
        pairs = (own >= 0) & (codes >= 0)
        pairs[:, rater] = False
        near = _near(values[own], values[codes], tolerance)
        agreed = float(near[pairs].mean()) if pairs.any() else float("nan")
        rows.append({"rater": names[rater], "n": int((own >= 0).sum()), "percent_agreement": agreed})
    return pd.DataFrame(rows).set_index("rater")


def _clustered(difference: _Floats, clusters: NDArray[np.intp] | None, scale: float) -> tuple[float, float, int]:
    """Variance of the mean, design effect of the clusters (at least 1), number of clusters.

    Differences that are all alike but for the rounding of ratings of this scale have no variance.
    """
    n = len(difference)
    rest = difference - difference.mean()
    if np.ptp(difference) <= _ROUNDING * scale:
        rest = np.zeros(n)
    alone = float((rest**2).sum()) / (n * (n - 1))
    if clusters is None:
        return alone, 1.0, n
    used, place = np.unique(clusters, return_inverse=True)
    sizes, sums = np.bincount(place), np.bincount(place, weights=rest)
    if len(used) < MIN_CLUSTERS:
        return alone, 1.0, len(used)
    # Each cluster left out in turn (CR3): the plain sum of squares is too small where clusters are few or uneven.
    without = -sums / (n - sizes)
    together = float(((without - without.mean()) ** 2).sum()) * (len(used) - 1) / len(used)
    effect = max(1.0, together / alone) if alone > 0 else 1.0
    return alone * effect, effect, len(used)


def _tango(up: float, down: float, n: float, quantile: float) -> tuple[float, float, float]:
    """Limits of the difference of paired shares by the score test, and the score statistic at no difference."""

    def score(shift: float) -> float:
        b = -up - down + (2 * n - up + down) * shift
        c = -down * shift * (1 - shift)
        share = (sqrt(max(0.0, b**2 - 8 * n * c)) - b) / (4 * n)
        variance = n * (2 * share + shift * (1 - shift))
        return (up - down - n * shift) / sqrt(variance) if variance > 0 else 0.0

    estimate = (up - down) / n
    edge = 1e-10
    ends = []
    for end, sign in ((-1.0, 1.0), (1.0, -1.0)):
        far = end * (1 - edge)
        reached = abs(estimate - end) > edge and sign * score(far) > quantile
        inside = estimate + (far - estimate) * 1e-9
        ends.append(optimize.brentq(lambda s, q=sign * quantile: score(s) - q, far, inside) if reached else end)
    return ends[0], ends[1], score(0.0)
