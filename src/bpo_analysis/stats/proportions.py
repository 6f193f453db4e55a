"""How far apart are two shares of independent cases? Score and Newcombe intervals, with tests that agree with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import acos, cos, hypot, inf, isfinite, nan, pi, sqrt
from typing import Literal, get_args

import numpy as np
from scipy import optimize, special

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import Alternative, check_alternative, check_confidence_level
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.wording import difference_text, pvalue_text

__all__ = ["ProportionDifference", "difference_of_proportions"]

ProportionMethod = Literal["miettinen-nurminen", "mee", "newcombe"]
Better = Literal["higher", "lower"]
_TEXTS: dict[str, str] = {
    "miettinen-nurminen": "Miettinen-Nurminen score",
    "mee": "Mee score (without the N/(N-1) factor)",
    "newcombe": "Newcombe, from Wilson limits",
}
_FURTHEST = 40.0
_ONE_PLACE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionDifference(Result):
    """Difference of two shares, first minus second.

    Attributes
    ----------
    estimate, ci_low, ci_high, confidence_level
        The limits leave out ``null_difference`` if and only if ``pvalue < 1 - confidence_level``.
    statistic : float
        In standard errors under ``null_difference``, normally distributed.
    pvalue : float
    alternative, method : str
    null_difference : float
        Difference that ``pvalue`` tests.
    share_first, share_second : float
    n_first, n_second, n : float
        Cases as given, before the design effect.
    design_effect_first, design_effect_second : float
    margin : float
        NaN without one.
    better : str
    pvalue_noninferiority : float
        Of the hypothesis that the first share is worse by ``margin`` or more (one-sided).
    pvalue_equivalence : float
        Of the hypothesis that the shares differ by ``margin`` or more either way.
    detectable_effect : float
        Distance from ``null_difference`` that these numbers of cases would have found with 80 % power at the second
        share, towards the side ``alternative`` looks at, or else that with more room; NaN where there is none.
    """

    estimate: float
    ci_low: float
    ci_high: float
    confidence_level: float
    statistic: float
    pvalue: float
    alternative: Alternative
    method: str
    null_difference: float
    share_first: float
    share_second: float
    n_first: float
    n_second: float
    n: float
    design_effect_first: float
    design_effect_second: float
    margin: float
    better: Better
    pvalue_noninferiority: float
    pvalue_equivalence: float
    detectable_effect: float

    def summary(self) -> str:
        """Return the difference, its interval and what it cannot tell."""
        level = f"{100 * self.confidence_level:g} % interval"
        effects = max(self.design_effect_first, self.design_effect_second)
        of = f"n = {self.n_first:,.6g} and {self.n_second:,.6g}" + (
            f", design effect {effects:.3g}" if effects > 1 else ""
        )
        text = (
            f"{self.share_first:.4g} against {self.share_second:.4g}: difference {difference_text(self.estimate, 1)}, "
            f"{level} {self.ci_low:.4g} to {self.ci_high:.4g}, p {pvalue_text(self.pvalue)} ({of}; {self.method})."
        )
        if self.pvalue >= 1 - self.confidence_level:
            text += f" These cases {self._doubt()}."
        if isfinite(self.margin):
            limit = (1 - self.confidence_level) / 2
            shown = ["" if p < limit else "not " for p in (self.pvalue_noninferiority, self.pvalue_equivalence)]
            text += (
                f" That the first is not worse by {self.margin:.4g} is {shown[0]}shown "
                f"(p {pvalue_text(self.pvalue_noninferiority)}); that both are within {self.margin:.4g} of each other "
                f"is {shown[1]}shown (p {pvalue_text(self.pvalue_equivalence)})."
            )
        return text

    def _doubt(self) -> str:
        """What is not shown, and what would have been."""
        found, sides = "", {"greater": ("higher", "above"), "less": ("lower", "below")}
        if self.null_difference == 0:
            if isfinite(self.detectable_effect):
                found = f"; a difference of {self.detectable_effect:.3g} would have been found with 80 % power"
            if self.alternative in sides:
                return f"do not show that the first share is {sides[self.alternative][0]}{found}"
            return f"cannot tell the shares apart{found}"
        if isfinite(self.detectable_effect):
            found = f"; {self.detectable_effect:.3g} away from it would have been found with 80 % power"
        if self.alternative in sides:
            return f"do not show that the difference is {sides[self.alternative][1]} {self.null_difference:g}{found}"
        return f"cannot tell the difference from {self.null_difference:g}{found}"


def difference_of_proportions(
    x1: float,
    n1: float,
    x2: float,
    n2: float,
    *,
    margin: float | None = None,
    better: Better = "higher",
    null_difference: float = 0.0,
    method: ProportionMethod = "miettinen-nurminen",
    design_effect: float | tuple[float, float] = 1.0,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> ProportionDifference:
    """Compare two shares of cases, ``x1 / n1 - x2 / n2``.

    Parameters
    ----------
    x1, n1, x2, n2 : float
        Cases that count, and all cases, of the first and the second share.
    margin : float, optional
        Largest difference that would not matter, above 0: for non-inferiority and equivalence.
    better : {"higher", "lower"}
        Which way is good; the direction of non-inferiority, nothing else.
    null_difference : float, default 0
        Difference that ``pvalue`` tests, between -1 and 1.
    method : {"miettinen-nurminen", "mee", "newcombe"}
        Score test and interval with the factor N/(N-1) in the variance [1]_ or without [2]_, or Newcombe's interval
        from both shares' Wilson limits [3]_ with the test that belongs to it.
    design_effect : float or pair of float, default 1
        How many times the variance exceeds that of independent cases (``ArmComparison.design_effect``), for both or
        each: numbers of cases are divided by it.
    alternative : {"two-sided", "less", "greater"}
        "greater": the first share is higher. One-sided intervals end at -1 or 1.
    confidence_level : float, default 0.95

    Returns
    -------
    ProportionDifference

    Raises
    ------
    InsufficientDataError
        Without a case in one of them.

    Notes
    -----
    For independent cases: interviews, sampled quality checks, one contact a customer. Contacts of the same agents are
    not independent; compare agents with :func:`compare_arms`, or give a design effect. A design effect that was itself
    estimated from few agents is not known well enough for this: the interval then covers too rarely.

    The shares that fit best under a given difference have a closed form, the root of a cubic [1]_. statsmodels 0.15
    has a wrong coefficient in it (its issue 10269) and its score interval fails on many small tables. Every table has
    an answer here: with no case counting, or all of them, too. Over small tables the actual error rate swings around
    the nominal one, for shares near 0 or 1 up to about 1.5 times it.

    Checked against R ratesci (``rdci``), R PropCIs (``diffscoreci``, which is Miettinen-Nurminen) and Newcombe's paper.

    References
    ----------
    .. [1] Miettinen, O. & Nurminen, M. (1985). Comparative analysis of two rates. Statistics in Medicine 4.
    .. [2] Mee, R. W. (1984). Confidence bounds for the difference between two probabilities. Biometrics 40.
    .. [3] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of
       eleven methods. Statistics in Medicine 17.

    Examples
    --------
    >>> result = difference_of_proportions(56, 70, 48, 80)
    >>> round(result.ci_low, 4), round(result.ci_high, 4)
    (0.0528, 0.3382)
    """
    check_alternative(alternative)
    check_confidence_level(confidence_level)
    effects = _checked(x1, n1, x2, n2, margin, better, null_difference, method, design_effect)
    table = _Table(x1 / n1, n1 / effects[0], x2 / n2, n2 / effects[1])
    score = _newcombe(table) if method == "newcombe" else _score(table, corrected=method == "miettinen-nurminen")
    level = 1 - confidence_level
    critical = -float(special.ndtri(level / 2 if alternative == "two-sided" else level))
    statistic = score(null_difference)
    not_worse = alike = nan
    if margin is not None:
        above, below = float(special.ndtr(-score(-margin))), float(special.ndtr(score(margin)))
        not_worse, alike = above if better == "higher" else below, max(above, below)
    return ProportionDifference(
        estimate=table.difference,
        ci_low=-1.0 if alternative == "less" else _limit(score, critical, -1.0, table.difference, null_difference),
        ci_high=1.0 if alternative == "greater" else _limit(score, -critical, 1.0, table.difference, null_difference),
        confidence_level=confidence_level,
        statistic=statistic,
        pvalue=_pvalue(statistic, alternative),
        alternative=alternative,
        method=_TEXTS[method],
        null_difference=null_difference,
        share_first=x1 / n1,
        share_second=x2 / n2,
        n_first=n1,
        n_second=n2,
        n=n1 + n2,
        design_effect_first=effects[0],
        design_effect_second=effects[1],
        margin=nan if margin is None else margin,
        better=better,
        pvalue_noninferiority=not_worse,
        pvalue_equivalence=alike,
        detectable_effect=_detectable(table, critical, null_difference, alternative),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """Two shares and the effective numbers of cases behind them."""

    first: float
    n_first: float
    second: float
    n_second: float

    @property
    def difference(self) -> float:
        return self.first - self.second


def _checked(
    x1: float,
    n1: float,
    x2: float,
    n2: float,
    margin: float | None,
    better: str,
    null_difference: float,
    method: str,
    design_effect: float | tuple[float, float],
) -> tuple[float, float]:
    for which, x, n in ((1, x1, n1), (2, x2, n2)):
        if not (isfinite(x) and isfinite(n)):
            raise ValueError(f"x{which} and n{which} must be numbers, got {x!r} and {n!r}.")
        if n <= 0:
            raise InsufficientDataError("difference_of_proportions", needed=1, got=0, unit=f"cases in n{which}")
        if not 0 <= x <= n:
            raise ValueError(f"x{which} must lie between 0 and n{which} = {n!r}, got {x!r}.")
    if margin is not None and not 0 < margin < 1:
        hint = f" For {margin:g} points write {margin / 100:g}." if 1 <= margin < 100 else ""
        raise ValueError(f"margin must lie between 0 and 1 (better gives its direction), got {margin!r}.{hint}")
    for name, value, known in (("better", better, get_args(Better)), ("method", method, get_args(ProportionMethod))):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}.")
    if not -1 < null_difference < 1:
        raise ValueError(f"null_difference must lie between -1 and 1, got {null_difference!r}.")
    pair = design_effect if isinstance(design_effect, tuple) else (design_effect, design_effect)
    if len(pair) != 2 or not all(isfinite(effect) and effect > 0 for effect in pair):
        raise ValueError(f"design_effect must be a number above 0 or two of them, got {design_effect!r}.")
    return float(pair[0]), float(pair[1])


def _score(table: _Table, *, corrected: bool) -> Callable[[float], float]:
    """Score statistic as a falling function of the difference that is tested."""
    total = table.n_first + table.n_second
    # With fewer than two effective cases the factor has no meaning.
    factor = total / (total - 1) if corrected and total >= 2 else 1.0

    def statistic(difference: float) -> float:
        distance = table.difference - difference
        if distance == 0:
            return 0.0
        second = restricted_share(table.first, table.n_first, table.second, table.n_second, difference)
        first = min(1.0, max(0.0, second + difference))
        variance = first * (1 - first) / table.n_first + second * (1 - second) / table.n_second
        return distance / sqrt(variance * factor) if variance > 0 else float(np.copysign(inf, distance))

    return statistic


def restricted_share(first: float, n_first: float, second: float, n_second: float, difference: float) -> float:
    """Second share that fits best if the first exceeds it by ``difference`` (Miettinen & Nurminen, appendix)."""
    total = n_first + n_second
    x1, x2 = first * n_first, second * n_second
    a = (n_first + 2 * n_second) * difference - total - x1 - x2
    b = (n_second * difference - total - 2 * x2) * difference + x1 + x2
    c = x2 * difference * (1 - difference)
    a, b, c = a / total, b / total, c / total
    q = (a / 3) ** 3 - a * b / 6 + c / 2
    p = sqrt(max(0.0, (a / 3) ** 2 - b / 3))
    p = p if q >= 0 else -p
    angle = (pi + acos(min(1.0, max(-1.0, q / p**3)))) / 3 if p != 0 else pi / 3
    root = 2 * p * cos(angle) - a / 3
    # Rounding must not leave the range that both shares have room in.
    return min(max(root, 0.0, -difference), 1.0, 1.0 - difference)


def _newcombe(table: _Table) -> Callable[[float], float]:
    """Normal quantile whose Newcombe interval ends at the difference; falling like the score."""

    def limit(quantile: float) -> float:
        """Lower limit for positive quantiles, upper limit for negative ones."""
        low = [
            _wilson(share, n, quantile) for share, n in ((table.first, table.n_first), (table.second, table.n_second))
        ]
        first, second = (low[0][0], low[1][1]) if quantile > 0 else (low[0][1], low[1][0])
        return table.difference - float(np.sign(quantile)) * hypot(table.first - first, table.second - second)

    def statistic(difference: float) -> float:
        if difference == table.difference:
            return 0.0
        end = _FURTHEST if difference < table.difference else -_FURTHEST
        if (limit(end) - difference) * end > 0:
            return end
        return float(optimize.brentq(lambda z: limit(z) - difference, 0.0, end, xtol=1e-12))

    return statistic


def _wilson(share: float, cases: float, quantile: float) -> tuple[float, float]:
    square = quantile**2
    centre = (share + square / (2 * cases)) / (1 + square / cases)
    half = abs(quantile) / (1 + square / cases) * sqrt(share * (1 - share) / cases + square / (4 * cases**2))
    return 0.0 if share == 0 else centre - half, 1.0 if share == 1 else centre + half


def _limit(score: Callable[[float], float], critical: float, end: float, estimate: float, null: float) -> float:
    """Difference whose statistic is the critical value, between the estimate and the end of the range."""
    inner = float(np.nextafter(end, 0.0))
    if estimate == end or (score(inner) - critical) * end > 0:
        return end
    found = float(optimize.brentq(lambda d: score(d) - critical, estimate, inner, xtol=1e-13, rtol=1e-14))
    # Where a limit falls on the tested difference, the test decides on which side it lies, not the last digit.
    if abs(found - null) > _ONE_PLACE:
        return found
    rejected = (score(null) - critical) * end < 0
    return float(np.nextafter(null, -2 * end)) if rejected else null


def _pvalue(statistic: float, alternative: Alternative) -> float:
    if alternative == "two-sided":
        return float(2 * special.ndtr(-abs(statistic)))
    return float(special.ndtr(-statistic if alternative == "greater" else statistic))


def _detectable(table: _Table, critical: float, null: float, alternative: Alternative, power: float = 0.8) -> float:
    """Distance from the null difference that these numbers of cases find with 80 % power (normal approximation)."""
    second, start = table.second, table.second + null
    if not 0 <= start <= 1:
        # The second share as it was seen leaves the first no such difference.
        return nan
    up = alternative == "greater" or (alternative == "two-sided" and start <= 0.5)
    side, beyond = 1.0 if up else -1.0, float(special.ndtri(power))

    def error(first: float, second: float) -> float:
        spread = max(0.0, first * (1 - first)) / table.n_first + max(0.0, second * (1 - second)) / table.n_second
        return sqrt(spread)

    def short(distance: float) -> float:
        first = start + side * distance
        fitting = restricted_share(first, table.n_first, second, table.n_second, null)
        return distance - critical * error(fitting + null, fitting) - beyond * error(first, second)

    room = 1 - start if up else start
    return float(optimize.brentq(short, _ONE_PLACE, room)) if room > _ONE_PLACE and short(room) > 0 else nan
