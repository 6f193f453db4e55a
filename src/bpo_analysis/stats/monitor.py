"""May the pilot stop now? Repeated looks at the same growing data, with the error rate of a single look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import inf, isfinite, nan, sqrt
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from bpo_analysis.errors import DataError, InsufficientDataError, suggest
from bpo_analysis.stats.arguments import Alternative, check_alternative, check_confidence_level
from bpo_analysis.stats.pilot_monitoring import PilotMonitoring
from bpo_analysis.stats.sequential import SPENDING, Walk, boundary_for

__all__ = ["PilotMonitoring", "monitor"]

Spending = Literal["obrien-fleming", "pocock"] | Callable[[float, float], float]
_Floats = NDArray[np.float64]
_Spent = Callable[[float, float], float]

LEAST_GROWTH = 1e-3
"""Share by which the information must grow for a look to count; less is the same data again."""
ASSUMED_GROWTH = 0.01
"""What the last planned look is taken to add where the estimated information did not grow."""
_MOST = 40.0
_LEAST_CORRELATION = 0.05
"""Of two looks at growing data; what looks like less is chance, and as good as none."""
_REACHES = (4.0, 6.0, 8.0, 10.0, 12.0)
"""Standard errors from the estimate between which a limit is looked for."""
_METHOD = "alpha spending ({}) on information, {}"
_SPENDING_TEXTS = {"obrien-fleming": "O'Brien-Fleming", "pocock": "Pocock"}
_CROSSED, _CONTINUE = "boundary crossed", "continue"
_NO_GROWTH, _NO_ESTIMATE, _SPENT, _AFTER = (
    "no new information",
    "no estimate",
    "error rate used up",
    "after the stop",
)


def monitor(
    looks: pd.DataFrame,
    *,
    planned_information: float,
    planned_looks: int | None = None,
    spending: Spending = "obrien-fleming",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    planned_effect: float | None = None,
    next_information: float | None = None,
) -> PilotMonitoring:
    """Judge the latest of several looks at a pilot by alpha spending on the information it really has.

    Parameters
    ----------
    looks : DataFrame
        One row per look so far, in order, each an analysis of all data until then: columns estimate and se (or
        standard_error), optionally degrees_of_freedom. Rows of :meth:`ArmComparison.to_frame` fit. Optionally
        expected_information, what a look was planned to have, which spending then goes by; and correlation with the
        estimate of the look before if there is no effect (:func:`look_correlation`). Without it, what a look adds is
        taken to be independent of what was there.
    planned_information : float
        One over the squared standard error that the end of the pilot was planned with: for an effect with 80 % power
        at 5 % about ``7.85 / effect**2``.
    planned_looks : int, optional
        The look of this number is the last, and spends what is left. Without it, only all planned information is the
        end. If a pilot must end early for reasons other than its results, give the number of looks it had.
    spending : {"obrien-fleming", "pocock"} or callable, default "obrien-fleming"
        How much of the error rate may be used by when. O'Brien-Fleming saves nearly all for the end and stops early
        only for large differences. A callable takes the one-sided level and the fraction of the information and returns
        the level spent.
    alternative : {"two-sided", "less", "greater"}
    confidence_level : float, default 0.95
    planned_effect : float, optional
        For ``conditional_power_planned``.
    next_information : float, optional
        Expected at the next look; by default evenly on to the plan (with ``planned_looks``) or all of it.

    Returns
    -------
    PilotMonitoring

    Raises
    ------
    InsufficientDataError
        Without a look that has an estimate.
    DataError
        If columns are missing or a standard error is not above 0.

    Notes
    -----
    Looking every week at a test for one look finds an effect that is not there in 11 to 19 % of pilots with eight
    looks at agents, and in 51 to 86 % at contacts. Spending [1]_ keeps the total at 5 %, at looks that need not be
    equally spaced or planned, as long as their times do not depend on the results.

    Information is ``1 / se**2``, not time or contacts: with the same agents every week most of it is there after the
    first. A look whose information did not grow by 0.1 % (or that correlates so much with the one before) spends
    nothing and cannot stop the pilot. Information beyond the plan counts as all of it. Student's t statistics (with
    degrees_of_freedom) are taken to the normal scale by their p-value.

    Two things make the error rate larger than planned, and have a column against them. An estimated standard error is
    small at looks where units happen to differ little; spending by it picks these looks, whose statistics are the large
    ones, so give expected_information with few units. And units whose levels move from week to week make neighbouring
    looks agree less than their standard errors suggest; so give correlation where the same units are looked at again.
    With both, 4.8 % of pilots with two metrics and twelve weekly looks were called without an effect; with neither
    6.4 % (10 v 11 and 20 v 60 agents).

    At the end, estimate, interval and p-value follow the stagewise ordering [2]_: an earlier stop is the stronger
    evidence. Boundaries, p-values and estimates are checked against R rpact 3.3.4.

    References
    ----------
    .. [1] Lan, K. K. G. & DeMets, D. L. (1983). Discrete sequential boundaries for clinical trials. Biometrika 70.
    .. [2] Jennison, C. & Turnbull, B. W. (1999). Group Sequential Methods with Applications to Clinical Trials, ch. 8.

    Examples
    --------
    >>> looks = pd.DataFrame({"estimate": [0.05, 0.06, 0.055], "se": [0.03, 0.022, 0.018]})
    >>> result = monitor(looks, planned_information=1 / 0.016**2, planned_looks=4)
    >>> result.stop, round(result.boundary, 3), round(result.pvalue, 3)
    (3, 2.289, 0.005)
    """
    check_alternative(alternative)
    check_confidence_level(confidence_level)
    if not (isfinite(planned_information) and planned_information > 0):
        raise ValueError(f"planned_information must be a number above 0, got {planned_information!r}.")
    if isinstance(spending, str) and spending not in SPENDING:
        raise ValueError(f"spending must be one of {', '.join(map(repr, SPENDING))} or a function, got {spending!r}.")
    data = _read(looks, planned_looks, planned_information)
    plan = _Plan(
        spent=SPENDING[spending] if isinstance(spending, str) else spending,
        two_sided=alternative == "two-sided",
        sign=-1.0 if alternative == "less" else 1.0,
        level=(1 - confidence_level) / (2 if alternative == "two-sided" else 1),
        information=float(planned_information),
        looks=planned_looks,
    )
    stages = _walk(data, plan)
    counted = [stage for stage in stages if stage.counts]
    if not counted:
        raise InsufficientDataError("monitor", needed=1, got=0, unit="looks with an estimate")
    stopped = next((stage for stage in counted if stage.state == _CROSSED), None)
    now = stopped or counted[-1]
    is_final = stopped is not None or now.used_up or now.number == planned_looks
    ahead = _Ahead.nothing() if is_final else _ahead(now, plan, planned_effect, next_information)
    until_now = counted[: counted.index(now) + 1]
    quoted = _stagewise(until_now, plan) if is_final else _repeated(until_now, plan)
    low, high = _turned(plan, *now.repeated(plan))
    return PilotMonitoring(
        stop=None if stopped is None else stopped.number,
        look=now.number,
        is_final=is_final,
        estimate=plan.sign * quoted[0],
        ci_low=_turned(plan, *quoted[2:])[0],
        ci_high=_turned(plan, *quoted[2:])[1],
        confidence_level=confidence_level,
        statistic=plan.sign * now.z,
        pvalue=quoted[1],
        alternative=alternative,
        method=_METHOD.format(
            _SPENDING_TEXTS.get(spending, "own") if isinstance(spending, str) else "own",
            "stagewise ordering" if is_final else "repeated interval",
        ),
        estimate_raw=plan.sign * now.estimate,
        pvalue_raw=now.raw_pvalue(plan),
        repeated_ci_low=low,
        repeated_ci_high=high,
        boundary=plan.sign * now.boundary,
        boundary_estimate=plan.sign * now.se * now.quantile(now.boundary),
        information=1 / now.se**2,
        planned_information=plan.information,
        information_fraction=now.fraction,
        level_spent=now.spent * (2 if plan.two_sided else 1),
        next_information_fraction=ahead.fraction,
        next_boundary=plan.sign * ahead.boundary,
        conditional_power=ahead.power,
        conditional_power_planned=ahead.power_planned,
        n=int(data.present.sum()),
        n_missing=int((~data.present).sum()),
        table=_table(stages, plan),
        note=_note(stages, now),
    )


@dataclass(frozen=True, slots=True)
class _Looks:
    estimate: _Floats
    se: _Floats
    freedom: _Floats
    fraction: _Floats
    correlation: _Floats
    present: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Plan:
    spent: _Spent
    two_sided: bool
    sign: float
    level: float
    information: float
    looks: int | None

    def lower(self, boundary: float) -> float:
        return -boundary if self.two_sided else -inf

    def kept(self, boundary: float) -> float:
        return max(0.0, boundary) if self.two_sided else boundary


@dataclass(frozen=True, slots=True)
class _Stage:
    """A look and what it may do: ``fraction`` is the time that spending goes by, ``walk`` the walk before it.

    ``information`` is what the walk has reached, so that looks correlate as they do.
    """

    number: int
    estimate: float
    se: float
    freedom: float
    z: float
    fraction: float
    information: float
    walk: Walk
    boundary: float
    spent: float
    used_up: bool
    state: str

    @property
    def counts(self) -> bool:
        return self.state in (_CROSSED, _CONTINUE)

    def quantile(self, z: float) -> float:
        """Standard errors of the look's own distribution that are as far out as z of the normal one."""
        return float(np.sign(z)) * _same_tail(abs(z), self.freedom, to_normal=False) if isfinite(z) else z

    def repeated(self, plan: _Plan) -> tuple[float, float]:
        """Limits that hold at all looks together."""
        if not isfinite(self.boundary):
            return -inf, inf
        half = self.se * self.quantile(self.boundary)
        return self.estimate - half, self.estimate + half if plan.two_sided else inf

    def raw_pvalue(self, plan: _Plan) -> float:
        return float(2 * special.ndtr(-abs(self.z)) if plan.two_sided else special.ndtr(-self.z))


def _read(looks: pd.DataFrame, planned_looks: int | None, planned_information: float) -> _Looks:
    if not isinstance(looks, pd.DataFrame):
        raise TypeError(f"looks must be a DataFrame with one row per look, got {type(looks).__name__}.")
    columns = [str(column) for column in looks.columns]
    error = "se" if "se" in columns else "standard_error"
    missing = [name for name in ("estimate", error) if name not in columns]
    if missing:
        wanted = ["se" if name == "standard_error" else name for name in missing]
        hints = "".join(suggest(name, columns) for name in wanted)
        raise DataError(f"looks lacks {', '.join(map(repr, wanted))}.{hints} It has: {', '.join(map(repr, columns))}.")
    if planned_looks is not None and planned_looks != int(planned_looks):
        raise TypeError(f"planned_looks must be a whole number, got {planned_looks!r}.")
    if planned_looks is not None and not 1 <= len(looks) <= planned_looks:
        raise ValueError(
            f"planned_looks is {planned_looks!r}, but looks has {len(looks)} rows; it needs 1 to that many."
        )
    estimate, se = _numbers(looks, "estimate"), _numbers(looks, error)
    freedom = _optional(looks, "degrees_of_freedom", np.full(len(looks), inf))
    present = np.isfinite(estimate) & np.isfinite(se)
    if (se[present] <= 0).any() or (freedom <= 0).any():
        raise DataError("looks: standard errors and degrees of freedom must be above 0.")
    with np.errstate(divide="ignore"):
        information = _optional(looks, "expected_information", 1 / se**2)
    if (information[present] <= 0).any():
        raise DataError("looks: expected_information must be above 0.")
    correlation = _optional(looks, "correlation", np.full(len(looks), nan))
    if (np.abs(correlation) > 1).any():
        raise DataError("looks: a correlation lies between -1 and 1.")
    return _Looks(estimate, se, freedom, information / planned_information, correlation, present)


def _optional(looks: pd.DataFrame, name: str, instead: _Floats) -> _Floats:
    """A column, with something else where it has gaps or is not there."""
    if name not in looks.columns:
        return instead
    given = _numbers(looks, name)
    return np.where(np.isnan(given), instead, given)


def _numbers(looks: pd.DataFrame, name: str) -> _Floats:
    if (looks.columns == name).sum() > 1:
        raise DataError(f"looks must have one column {name!r}, it has {int((looks.columns == name).sum())}.")
    try:
        return np.asarray(looks[name].to_numpy(dtype=float, na_value=np.nan), dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"looks: column {name!r} must hold numbers.") from None


def _walk(data: _Looks, plan: _Plan) -> list[_Stage]:
    """Boundaries of all looks, each from what was spent and where the walk could be before."""
    walk, spent, used_up, stopped, stages = Walk.start(), 0.0, False, False, []
    reached = _reached(data)
    for i, present in enumerate(data.present):
        se, estimate, fraction = float(data.se[i]), plan.sign * float(data.estimate[i]), float(data.fraction[i])
        last = plan.looks is not None and i + 1 == plan.looks
        information = reached[i]
        grown = present and information >= walk.information * (1 + LEAST_GROWTH)
        state = _NO_ESTIMATE if not present else _AFTER if stopped else _SPENT if used_up else _NO_GROWTH
        z, boundary, before = _to_z(estimate / se, data.freedom[i]) if present else nan, nan, walk
        if present and not stopped and not used_up and (grown or last):
            if not grown:
                information = walk.information * (1 + ASSUMED_GROWTH)
            used_up = last or fraction >= 1
            target = plan.level if used_up else min(plan.level, plan.spent(plan.level, fraction))
            boundary = plan.kept(boundary_for(walk, information, max(0.0, target - spent)))
            spent = max(spent, target)
            stopped = (abs(z) if plan.two_sided else z) >= boundary
            state = _CROSSED if stopped else _CONTINUE
            walk = walk.on(information, plan.lower(boundary), boundary)
        stages.append(
            _Stage(
                number=i + 1,
                estimate=estimate,
                se=se,
                freedom=float(data.freedom[i]),
                z=z,
                fraction=fraction,
                information=information,
                walk=before,
                boundary=boundary,
                spent=spent,
                used_up=used_up,
                state=state,
            )
        )
    return stages


def _reached(data: _Looks) -> list[float]:
    """Information that the walk has at each look: with a correlation, what gives it that with the look before."""
    reached: list[float] = []
    latest, previous = nan, nan
    for present, fraction, correlation in zip(data.present, data.fraction, data.correlation, strict=True):
        if present:
            kept = float(np.clip(correlation, _LEAST_CORRELATION, 1.0)) ** 2
            grown = 1 / kept if isfinite(kept) else float(fraction) / previous
            latest, previous = latest * grown if isfinite(latest) else float(fraction), float(fraction)
        reached.append(latest if present else nan)
    return reached


def _to_z(statistic: float, freedom: float) -> float:
    return float(np.sign(statistic)) * _same_tail(abs(statistic), freedom, to_normal=True)


def _same_tail(size: float, freedom: float, *, to_normal: bool) -> float:
    """Quantile of the normal distribution with the same tail as this one of Student's t, or the other way round."""
    if not isfinite(freedom):
        return size
    if to_normal:
        return float(-special.ndtri(max(float(special.stdtr(freedom, -size)), 1e-300)))
    return float(-special.stdtrit(freedom, float(special.ndtr(-size))))


def _stagewise(stages: list[_Stage], plan: _Plan) -> tuple[float, float, float, float]:
    """Median-unbiased estimate, p-value and limits: an earlier stop counts as more extreme."""
    now = stages[-1]

    @cache
    def beyond(shift: float) -> float:
        """Probability of ending like this or further up, if the statistic of this look has the mean ``shift``."""
        walk, chance = Walk.start(), 0.0
        for stage in stages[:-1]:
            mean = shift * now.se / stage.se
            chance += walk.above(stage.boundary - mean, stage.information)
            walk = walk.on(stage.information, plan.lower(stage.boundary) - mean, stage.boundary - mean)
        return chance + walk.above(now.z - shift, now.information)

    def difference_with(chance: float) -> float:
        # As near as will do: each step out takes as long as the whole of a nearer search.
        for reach in _REACHES:
            low, high = now.z - reach, now.z + reach
            if beyond(low) < chance < beyond(high):
                break
        shift = float(optimize.brentq(lambda mean: beyond(mean) - chance, low, high, xtol=1e-9))
        # The distance from the estimate is taken back from the normal scale to that of the statistic.
        return now.estimate - now.se * now.quantile(now.z - shift)

    upper = beyond(0.0)
    pvalue = 2 * min(upper, 1 - upper) if plan.two_sided else upper
    limits = difference_with(plan.level), difference_with(1 - plan.level) if plan.two_sided else inf
    return difference_with(0.5), pvalue, limits[0], limits[1]


def _repeated(stages: list[_Stage], plan: _Plan) -> tuple[float, float, float, float]:
    """Estimate, p-value and limits that hold at all looks together; p is the level whose boundary is just met."""
    now = stages[-1]
    size = abs(now.z) if plan.two_sided else now.z

    def excess(log_level: float) -> float:
        return max(-_MOST, min(_boundary_with(stages, plan, float(np.exp(log_level))), _MOST)) - size

    least, most = np.log(1e-12), np.log(0.4999 if plan.two_sided else 0.9999)
    if excess(most) >= 0:
        pvalue = 1.0
    elif excess(least) <= 0:
        pvalue = 0.0
    else:
        pvalue = float(np.exp(optimize.brentq(excess, least, most, xtol=1e-7))) * (2 if plan.two_sided else 1)
    return now.estimate, pvalue, *now.repeated(plan)


def _boundary_with(stages: list[_Stage], plan: _Plan, level: float) -> float:
    """Boundary of the last of these looks if the pilot had been planned with another level."""
    walk, spent, boundary = Walk.start(), 0.0, inf
    for stage in stages:
        target = level if stage.used_up else min(level, plan.spent(level, stage.fraction))
        boundary = plan.kept(boundary_for(walk, stage.information, max(0.0, target - spent)))
        if boundary <= plan.lower(boundary):
            return boundary
        walk, spent = walk.on(stage.information, plan.lower(boundary), boundary), max(spent, target)
    return boundary


@dataclass(frozen=True, slots=True)
class _Ahead:
    fraction: float
    boundary: float
    power: float
    power_planned: float

    @classmethod
    def nothing(cls) -> _Ahead:
        return cls(nan, nan, nan, nan)


def _ahead(now: _Stage, plan: _Plan, planned_effect: float | None, next_information: float | None) -> _Ahead:
    walk, have = now.walk.on(now.information, plan.lower(now.boundary), now.boundary), now.fraction
    if next_information is not None:
        following = next_information / plan.information
        if not following > have * (1 + LEAST_GROWTH):
            raise ValueError(
                f"next_information must exceed the present {have * plan.information:.6g}, got {next_information!r}."
            )
    elif plan.looks is not None:
        following = have + (1 - have) / (plan.looks - now.number)
    else:
        following = 1.0
    full = following >= 1 or plan.looks == now.number + 1
    target = plan.level if full else plan.spent(plan.level, following)
    # How looks to come will correlate with this one is not known yet: by what is expected to be added.
    scale = now.information / have
    boundary = boundary_for(walk, following * scale, max(0.0, target - now.spent))
    last = boundary_for(walk, scale, plan.level - now.spent)

    def power(drift: float) -> float:
        place, step = now.z * sqrt(have) + drift * (1 - have), sqrt(1 - have)
        found = special.ndtr((place - last) / step)
        return float(found + special.ndtr((-place - last) / step)) if plan.two_sided else float(found)

    # Of a difference of 1 at the end, in standard errors there, if they shrink from the present one as expected.
    unit = 1 / (now.se * sqrt(have))
    planned = nan if planned_effect is None else power(plan.sign * planned_effect * unit)
    return _Ahead(following, boundary, power(now.estimate * unit), planned)


def _turned(plan: _Plan, low: float, high: float) -> tuple[float, float]:
    return (low, high) if plan.sign > 0 else (-high, -low)


def _table(stages: list[_Stage], plan: _Plan) -> pd.DataFrame:
    rows = []
    sides = 2 if plan.two_sided else 1
    for stage in stages:
        low, high = _turned(plan, *stage.repeated(plan)) if stage.counts else (nan, nan)
        rows.append(
            {
                "look": stage.number,
                "estimate": plan.sign * stage.estimate,
                "se": stage.se,
                "information": 1 / stage.se**2,
                "fraction": stage.fraction,
                "statistic": plan.sign * stage.z,
                "boundary": plan.sign * stage.boundary,
                "level_spent": sides * stage.spent,
                "nominal_level": sides * float(special.ndtr(-stage.boundary)) if stage.counts else nan,
                "pvalue_raw": stage.raw_pvalue(plan),
                "repeated_ci_low": low,
                "repeated_ci_high": high,
                "state": stage.state,
            }
        )
    return pd.DataFrame(rows)


def _note(stages: list[_Stage], now: _Stage) -> str:
    notes = []
    still = [stage.number for stage in stages if stage.state == _NO_GROWTH]
    if still:
        listed = ", ".join(map(str, still))
        notes.append(f"Without new information, and so without a test: look {listed}.")
    after = sum(stage.state in (_AFTER, _SPENT) for stage in stages)
    if after:
        notes.append(f"{after} later look{'s do' if after > 1 else ' does'} not count.")
    if now.used_up and now.boundary == inf:
        notes.append("Nothing of the error rate was left for the last look.")
    return " ".join(notes)
