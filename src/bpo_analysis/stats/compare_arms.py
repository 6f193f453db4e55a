"""Did the pilot do better than the baseline? Two arms of agents or teams, compared at the unit of assignment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, comb, isfinite, nan
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.stats.arguments import Alternative, check_alternative, check_confidence_level
from bpo_analysis.stats.arm_comparison import ArmComparison, Better, Estimand
from bpo_analysis.stats.arms import Arms, join_arms
from bpo_analysis.stats.resampled_contrast import Draws, Resampled, permute_arms, permute_residuals, wild_bootstrap
from bpo_analysis.stats.unit_contrast import StudentT, UnitContrast, detectable_contrast, fit_contrast
from bpo_analysis.stats.variance_components import intraclass_correlation

__all__ = ["ArmComparison", "compare_arms", "compare_arms_many", "own_baseline"]

Adjustment = Literal["auto", "own-baseline", "none"]
Method = Literal["auto", "permutation", "wild-bootstrap", "t"]
_Kind = Literal["assignments", "permutation", "residuals", "wild-bootstrap", "t"]
_Floats = NDArray[np.float64]

MIN_UNITS = 2
"""Units an arm needs: one unit alone does not show how much units differ."""
MIN_UNITS_FOR_ADJUSTMENT = 8
"""Units of both arms together from which the own baseline is used by itself."""
MIN_UNITS_FOR_T = 50
"""Units of the smaller arm from which Student's t takes the place of the permutation. Below, it rejects too often where
values are skewed and arms of unequal size: 7 % at 20 v 60 agents with a share of 97 %, 11 % at 10 v 60."""
MIN_RESAMPLES = 99
_COARSE = 0.6
_MIN_FREEDOM_INSTEAD = 4.0
_TEXTS: dict[_Kind, str] = {
    "assignments": "studentised permutation of units, all {:,} assignments",
    "permutation": "studentised permutation of units, {:,} resamples",
    "residuals": "studentised permutation of units' residuals (Freedman-Lane), {:,} resamples",
    "wild-bootstrap": "restricted wild bootstrap of units (Webb), {:,} resamples",
    "t": "t-test on units, HC2 errors, Satterthwaite degrees of freedom",
}


def compare_arms(
    pilot: pd.DataFrame,
    baseline: pd.DataFrame,
    *,
    margin: float | None = None,
    better: Better = "higher",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    estimand: Estimand = "unit_mean",
    adjust: Adjustment = "auto",
    method: Method = "auto",
    n_resamples: int = 4_999,
    rng: np.random.Generator | int | None = 0,
) -> ArmComparison:
    """Compare a KPI between the units of a pilot and of a baseline.

    Parameters
    ----------
    pilot, baseline : DataFrame
        One row per unit of assignment: the agent if agents were assigned, the team if whole teams were. Columns unit,
        numerator, denominator (cases within cases, or a sum such as seconds over contacts); optionally pre_numerator
        and pre_denominator, the same unit's sums before the pilot. Rows with missing values or a denominator of 0
        count as missing.
    margin : float, optional
        Largest difference that would not matter, in the KPI's unit and above 0: for non-inferiority and equivalence.
    better : {"higher", "lower"}
        Which way is good; colours words and the direction of non-inferiority, never the test of a difference.
    alternative : {"two-sided", "less", "greater"}
        "greater": the pilot's value is higher.
    confidence_level : float, default 0.95
    estimand : {"unit_mean", "ratio"}
        The difference of the means of the units' own values, or of the ratios of sums. The mean of units is the
        default: units were assigned, so each counts once; it holds its error rate with few and uneven units, and has
        more power than the ratio when volumes differ. The ratio is what the KPI's own value does; both are reported.
    adjust : {"auto", "own-baseline", "none"}
        Whether each unit's own value before is taken into account; "auto" does with eight units or more that have one
        in both arms. A unit without takes the mean of the others: it stays in the comparison.
    method : {"auto", "permutation", "wild-bootstrap", "t"}
        "auto": studentised permutation while the smaller arm has fewer than 50 units; Student's t with HC2 errors and
        Satterthwaite's degrees of freedom above, and where there are too few arrangements for the level.
    n_resamples : int, default 4999
        Draws where not all arrangements can be gone through.
    rng : None, int or Generator, default 0
        The fixed default gives the same answer for the same data.

    Returns
    -------
    ArmComparison

    Raises
    ------
    InsufficientDataError
        With fewer than two units with data in an arm.
    DataError
        If columns are missing, a unit has several rows, or a unit is in both arms.

    Notes
    -----
    Contacts of one agent resemble each other, so a test on contacts rejects in 42 to 62 % of pilots without any effect
    (20 v 60 agents, intraclass correlation 0.05 to 0.15). Here chance enters between units only. If whole teams were
    assigned and rows are agents, every method rejects too often: give one row per team.

    Without own baseline the permutation goes through other assignments of the whole units; it is exact if units were
    assigned at random. With it, what the units' earlier values leave open is exchanged [1]_. The statistic is
    studentised, so that arms of unequal spread do not mislead it from about four units each [2]_; with two or three
    units in an arm that spread more than the other arm, it rejects in up to 10 %. Limits are the differences that the
    same test does not reject. With few arrangements it is conservative: 2 v 6 teams have 28, p is 1/28 at least and
    below 5 % only there, and the rate of false alarms is 3.6 %. Two-sided p-values take both tails together, so a
    one-sided or non-inferiority p-value can differ a little from what the two-sided interval suggests.

    ``pvalue_noninferiority`` and ``pvalue_equivalence`` are one-sided; the words of :meth:`ArmComparison.summary` hold
    them against half of ``1 - confidence_level``, as an interval on both sides would. A difference is an effect of the
    pilot only if the assignment was random or as good as that.

    References
    ----------
    .. [1] Freedman, D. & Lane, D. (1983). A nonstochastic interpretation of reported significance levels. Journal of
       Business & Economic Statistics 1.
    .. [2] Janssen, A. (1997). Studentized permutation tests for non-i.i.d. hypotheses and the generalized
       Behrens-Fisher problem. Statistics & Probability Letters 36.

    Examples
    --------
    >>> pilot = pd.DataFrame({"unit": ["a", "b", "c", "d", "e"], "numerator": [88, 91, 84, 90, 86], "denominator": 100})
    >>> baseline = pd.DataFrame({"unit": list("fghijk"), "numerator": [80, 76, 85, 79, 82, 74], "denominator": 100})
    >>> result = compare_arms(pilot, baseline, margin=0.02)
    >>> round(result.estimate, 3), round(result.pvalue, 4), result.pvalue_noninferiority < 0.025
    (0.085, 0.0065, True)
    """
    settings = _Settings(margin, better, alternative, confidence_level, estimand, adjust, method, n_resamples)
    return _compare(join_arms(pilot, baseline), settings, Draws(n_resamples, rng))


def compare_arms_many(
    kpis: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]],
    *,
    margin: float | Mapping[str, float] | None = None,
    better: Better | Mapping[str, Better] = "higher",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    estimand: Estimand = "unit_mean",
    adjust: Adjustment = "auto",
    method: Method = "auto",
    n_resamples: int = 4_999,
    rng: np.random.Generator | int | None = 0,
) -> dict[str, ArmComparison]:
    """Compare several KPIs between the same arms, with the same resamples.

    Parameters
    ----------
    kpis : mapping of str to (pilot, baseline)
        Tables as :func:`compare_arms` takes them, by the name of the KPI.
    margin, better
        As in :func:`compare_arms`: one for all, or by the name of the KPI (names left out have none, or "higher").
    alternative, confidence_level, estimand, adjust, method, n_resamples, rng
        As in :func:`compare_arms`.

    Returns
    -------
    dict of str to ArmComparison
        In the order given. Not adjusted for multiplicity.

    Examples
    --------
    >>> pilot = pd.DataFrame({"unit": ["a", "b", "c", "d", "e"], "numerator": [88, 91, 84, 90, 86], "denominator": 100})
    >>> baseline = pd.DataFrame({"unit": list("fghijk"), "numerator": [80, 76, 85, 79, 82, 74], "denominator": 100})
    >>> results = compare_arms_many({"csat": (pilot, baseline)}, better={"csat": "higher"})
    >>> round(results["csat"].pvalue, 4)
    0.0065
    """
    draws, results = Draws(n_resamples, rng), {}
    for name, (pilot, baseline) in kpis.items():
        own_margin = margin.get(name) if isinstance(margin, Mapping) else margin
        own_better: Better = better.get(name, "higher") if isinstance(better, Mapping) else better
        settings = _Settings(
            own_margin, own_better, alternative, confidence_level, estimand, adjust, method, n_resamples
        )
        results[name] = _compare(join_arms(pilot, baseline), settings, draws)
    return results


@dataclass(frozen=True, slots=True)
class _Settings:
    margin: float | None
    better: Better
    alternative: Alternative
    confidence_level: float
    estimand: Estimand
    adjust: Adjustment
    method: Method
    n_resamples: int

    def __post_init__(self) -> None:
        check_alternative(self.alternative)
        check_confidence_level(self.confidence_level)
        for name, value, known in (
            ("better", self.better, get_args(Better)),
            ("estimand", self.estimand, get_args(Estimand)),
            ("adjust", self.adjust, get_args(Adjustment)),
            ("method", self.method, get_args(Method)),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}.")
        if self.margin is not None and not (isfinite(self.margin) and self.margin > 0):
            raise ValueError(f"margin must be a number above 0 (better gives its direction), got {self.margin!r}.")
        if not isinstance(self.n_resamples, int | np.integer) or self.n_resamples < MIN_RESAMPLES:
            raise ValueError(f"n_resamples must be a whole number, {MIN_RESAMPLES} or more, got {self.n_resamples!r}.")

    @property
    def level(self) -> float:
        return 1 - self.confidence_level


@dataclass(frozen=True, slots=True)
class _Plan:
    """The test that will be made, and how small its p-value can get."""

    kind: _Kind
    n_pilot: int
    n_baseline: int
    smallest_pvalue: float

    @property
    def arrangements(self) -> int:
        return comb(self.n_pilot + self.n_baseline, self.n_pilot)


def _compare(arms: Arms, settings: _Settings, draws: Draws) -> ArmComparison:
    margin = settings.margin
    if margin is not None and margin >= 1 and arms.are_shares:
        hint = f" For {margin:g} points write {margin / 100:g}." if margin < 100 else ""
        raise ValueError(
            f"margin must lie between 0 and 1 for a share (better gives its direction), got {margin!r}.{hint}"
        )
    n, n_pilot = len(arms.numerator), arms.n_pilot
    for name, got in (("The pilot", n_pilot), ("The baseline", n - n_pilot)):
        if got < MIN_UNITS:
            raise InsufficientDataError(name, needed=MIN_UNITS, got=got, unit="units with data")
    covariate, notes = own_baseline(arms, settings.adjust)
    plan = _planned(settings, n_pilot, n - n_pilot, "none" if covariate is None else "own-baseline")
    weights = {"unit_mean": np.ones(n), "ratio": arms.denominator / arms.denominator.mean()}
    fits = {name: fit_contrast(arms.value, arms.arm, weight, covariate) for name, weight in weights.items()}
    tests = {name: _tested(fit, plan, draws) for name, fit in fits.items()}
    answers = {name: _answer(test, settings) for name, test in tests.items()}
    fit, test = fits[settings.estimand], tests[settings.estimand]
    smallest = plan.smallest_pvalue if isinstance(test, Resampled) else nan
    pvalue, low, high = answers[settings.estimand]
    not_worse, alike = _margin_pvalues(test, settings)
    pilot_value, baseline_value = _values(arms, settings.estimand)
    return ArmComparison(
        estimate=fit.estimate,
        ci_low=low,
        ci_high=high,
        confidence_level=settings.confidence_level,
        statistic=fit.estimate / fit.standard_error,
        pvalue=pvalue,
        alternative=settings.alternative,
        method=_TEXTS[plan.kind].format(plan.arrangements if plan.kind == "assignments" else settings.n_resamples),
        estimand=settings.estimand,
        adjustment="none" if covariate is None else "own-baseline",
        pilot_value=pilot_value,
        baseline_value=baseline_value,
        n=n,
        n_pilot=n_pilot,
        n_baseline=n - n_pilot,
        n_missing=arms.n_missing,
        n_missing_pre=0 if arms.pre is None else int(np.isnan(arms.pre).sum()),
        standard_error=fit.standard_error,
        degrees_of_freedom=fit.degrees_of_freedom,
        margin=nan if settings.margin is None else settings.margin,
        better=settings.better,
        pvalue_noninferiority=not_worse,
        pvalue_equivalence=alike,
        estimate_unit_mean=fits["unit_mean"].estimate,
        unit_mean_pvalue=answers["unit_mean"][0],
        unit_mean_ci_low=answers["unit_mean"][1],
        unit_mean_ci_high=answers["unit_mean"][2],
        estimate_ratio=fits["ratio"].estimate,
        ratio_pvalue=answers["ratio"][0],
        ratio_ci_low=answers["ratio"][1],
        ratio_ci_high=answers["ratio"][2],
        icc=intraclass_correlation(arms.numerator, arms.denominator, (1 - arms.arm).astype(np.intp)),
        design_effect=_design_effect(arms),
        detectable_effect=detectable_contrast(
            nan if smallest >= settings.level else fit.standard_error,
            fit.degrees_of_freedom,
            level=settings.level,
            two_sided=settings.alternative == "two-sided",
        ),
        smallest_pvalue=smallest,
        n_resamples=len(test.slope) if isinstance(test, Resampled) else 0,
        note=" ".join(notes + _notes(fit, plan, settings)),
    )


def own_baseline(arms: Arms, adjust: Adjustment) -> tuple[_Floats | None, list[str]]:
    """Each unit's value before, gaps filled with the mean of the others; or None, with the reason if there is one."""
    if adjust == "none" or (arms.pre is None and adjust == "auto"):
        return None, []
    if arms.pre is None:
        raise DataError(
            "adjust='own-baseline' needs the columns 'pre_numerator' and 'pre_denominator' in both arms; "
            "without them write adjust='none'."
        )
    n, known = len(arms.pre), np.isfinite(arms.pre)
    if adjust == "own-baseline" and n < 2 * MIN_UNITS + 1:
        raise InsufficientDataError("adjust='own-baseline'", needed=2 * MIN_UNITS + 1, got=n, unit="units")
    in_arms = min(int(known[: arms.n_pilot].sum()), int(known[arms.n_pilot :].sum()))
    reason = ""
    if in_arms < MIN_UNITS or known.sum() * 2 < n:
        reason = "too few units have one"
    elif np.ptp(arms.pre[known]) <= 1e-12 * np.abs(arms.pre[known]).max():
        reason = "all units had the same"
    elif adjust == "auto" and n < MIN_UNITS_FOR_ADJUSTMENT:
        reason = f"there are fewer than {MIN_UNITS_FOR_ADJUSTMENT} units"
    if reason:
        return None, [f"The units' own baseline was not used: {reason}."]
    gaps = int((~known).sum())
    notes = [f"{gaps} units without earlier values were given the mean of the others."] if gaps else []
    return np.where(known, arms.pre, arms.pre[known].mean()), notes


def _planned(settings: _Settings, n_pilot: int, n_baseline: int, adjustment: Adjustment) -> _Plan:
    total, smallest = comb(n_pilot + n_baseline, n_pilot), 1 / (settings.n_resamples + 1)
    # With equal arms every assignment has a mirror image whose difference is of the same size.
    mirrored = settings.alternative == "two-sided" and n_pilot == n_baseline
    step = (2 if mirrored else 1) / total
    method = settings.method
    if method == "auto" and (
        min(n_pilot, n_baseline) >= MIN_UNITS_FOR_T
        or (adjustment == "none" and _too_coarse(step, settings.level, n_pilot, n_baseline))
    ):
        method = "t"
    if method in ("t", "wild-bootstrap"):
        return _Plan(method, n_pilot, n_baseline, nan if method == "t" else smallest)
    if adjustment == "own-baseline":
        return _Plan("residuals", n_pilot, n_baseline, smallest)
    if total <= settings.n_resamples + 1:
        return _Plan("assignments", n_pilot, n_baseline, step)
    return _Plan("permutation", n_pilot, n_baseline, smallest)


def _too_coarse(step: float, level: float, n_pilot: int, n_baseline: int) -> bool:
    """Whether all p-values below the level lie so far below it that Student's t is the better answer."""
    reachable = (ceil(level / step - 1e-9) - 1) * step
    if reachable <= 0:
        return True
    parts = 1 / (n_pilot**2 * (n_pilot - 1)) + 1 / (n_baseline**2 * (n_baseline - 1))
    freedom = (1 / n_pilot + 1 / n_baseline) ** 2 / parts
    return reachable < _COARSE * level and freedom > _MIN_FREEDOM_INSTEAD


def _tested(fit: UnitContrast, plan: _Plan, draws: Draws) -> Resampled | StudentT:
    n = plan.n_pilot + plan.n_baseline
    if plan.kind == "t" or not isfinite(fit.variance):
        return StudentT(fit.estimate, fit.standard_error, fit.degrees_of_freedom)
    if plan.kind == "wild-bootstrap":
        return wild_bootstrap(fit, draws.multipliers(n))
    if plan.kind == "residuals":
        return permute_residuals(fit, draws.orders(n))
    return permute_arms(fit, draws.arms(plan.n_pilot, n))


def _answer(test: Resampled | StudentT, settings: _Settings) -> tuple[float, float, float]:
    if not isfinite(test.standard_error):
        return nan, nan, nan
    return test.test(0.0, level=settings.level, alternative=settings.alternative)


def _margin_pvalues(test: Resampled | StudentT, settings: _Settings) -> tuple[float, float]:
    """P-values of being worse by the margin, and of being further apart than the margin."""
    margin = settings.margin
    if margin is None or not isfinite(test.standard_error):
        return nan, nan
    above, below = test.pvalue_greater(-margin), test.pvalue_less(margin)
    return above if settings.better == "higher" else below, max(above, below)


def _notes(fit: UnitContrast, plan: _Plan, settings: _Settings) -> list[str]:
    units = f"{plan.n_pilot} and {plan.n_baseline} units"
    if not isfinite(fit.variance):
        return ["The units of an arm do not differ at all, so chance between units cannot be told."]
    if plan.kind == "assignments" and plan.smallest_pvalue > settings.level / 5:
        shown = (
            "the test is cautious" if plan.smallest_pvalue < settings.level else "nothing can be shown at this level"
        )
        return [
            f"There are only {plan.arrangements} ways to assign {units}: p cannot be below "
            f"{plan.smallest_pvalue:.3g}, and {shown}."
        ]
    if plan.kind == "t" and settings.method == "auto" and min(plan.n_pilot, plan.n_baseline) < MIN_UNITS_FOR_T:
        return [
            f"There are only {plan.arrangements} ways to assign {units}, too few for a permutation test; this one "
            "leans on units that vary like a bell curve and equally in both arms."
        ]
    return []


def _values(arms: Arms, estimand: Estimand) -> tuple[float, float]:
    pilot, baseline = slice(None, arms.n_pilot), slice(arms.n_pilot, None)
    if estimand == "unit_mean":
        return float(arms.value[pilot].mean()), float(arms.value[baseline].mean())
    first, second = (arms.numerator[side].sum() / arms.denominator[side].sum() for side in (pilot, baseline))
    return float(first), float(second)


def _design_effect(arms: Arms) -> float:
    """How many times chance between units exceeds chance among independent contacts, for the ratio."""
    if not arms.are_shares:
        return nan
    chance = 0.0
    for side in (slice(None, arms.n_pilot), slice(arms.n_pilot, None)):
        cases = arms.denominator[side].sum()
        share = arms.numerator[side].sum() / cases
        chance += share * (1 - share) / cases
    variance = fit_contrast(arms.value, arms.arm, arms.denominator / arms.denominator.mean()).variance
    return float(variance / chance) if chance > 0 else nan
