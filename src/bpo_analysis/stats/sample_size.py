"""How many agents or teams does a pilot need, and what can one of a given size find?"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite, nan, sqrt
from typing import get_args

from scipy import optimize, special

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import Alternative, check_alternative, check_confidence_level
from bpo_analysis.stats.arm_comparison import Better, Estimand
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.unit_contrast import noncentral_t
from bpo_analysis.stats.unit_spread import UnitSpread, unit_spread
from bpo_analysis.stats.variance_components import VarianceComponents

__all__ = ["DetectableEffect", "SampleSize", "detectable_effect", "sample_size"]

MIN_UNITS = 2
MIN_UNITS_OWN_BASELINE = 5
"""Units of both arms together that a comparison with own baseline needs."""
UNITS_WITH_A_PROMISE = 5
"""Units of the smaller arm below which the planned power is not one to count on."""
MOST_UNITS = 1_000_000
_ROUNDING = 1e-6
"""Power as `detectable_effect` finds it is the planned one up to this."""
_METHOD = "noncentral t on units, Satterthwaite degrees of freedom"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize(Result):
    """Size of a pilot.

    Attributes
    ----------
    n_pilot, n_baseline, n : int
        Units of assignment: in each arm, and together.
    contacts_pilot, contacts_baseline : float
        Contacts they have together; NaN where contacts per unit are not given.
    n_pilot_unlimited_contacts : int or None
        Units the pilot would need even with any number of contacts each: what more contacts cannot replace. None where
        the spread within units is not given, or units do not differ.
    effect : float
        True difference (pilot minus baseline) that it was planned for.
    margin : float
        Of non-inferiority; NaN for a test of difference.
    power : float
        At these numbers of units.
    confidence_level, alternative
    standard_error, planned_information : float
        Of the difference at the end of the pilot, and one over its square (for :func:`monitor`).
    sd_units_pilot, sd_units_baseline : float
        Standard deviation between units that this rests on; with own baseline, of what that leaves open.
    design_effect : float
        Variance of a mean of contacts over that of independent ones.
    assumptions : str
    method, note : str
    """

    n_pilot: int
    n_baseline: int
    n: int
    contacts_pilot: float
    contacts_baseline: float
    n_pilot_unlimited_contacts: int | None
    effect: float
    margin: float
    power: float
    confidence_level: float
    alternative: Alternative
    standard_error: float
    planned_information: float
    sd_units_pilot: float
    sd_units_baseline: float
    design_effect: float
    assumptions: str
    method: str
    note: str

    def summary(self) -> str:
        """Return the numbers of units and contacts, and what they rest on."""
        contacts = ""
        if isfinite(self.contacts_pilot):
            contacts = f" (about {self.contacts_pilot:,.0f} and {self.contacts_baseline:,.0f} contacts)"
        if isfinite(self.margin):
            aim = f"show that the pilot is not worse by {self.margin:.4g} if the true difference is {self.effect:+.4g}"
        else:
            aim = f"find a difference of {self.effect:+.4g}"
        text = (
            f"{self.n_pilot:,} pilot units and {self.n_baseline:,} baseline units{contacts} {aim} with "
            f"{100 * self.power:.0f} % power ({self.assumptions}; {self.method})."
        )
        if self.n_pilot_unlimited_contacts is not None and self.n_pilot_unlimited_contacts < self.n_pilot:
            text += (
                f" With any number of contacts a unit, still {self.n_pilot_unlimited_contacts:,} pilot units would be "
                "needed: more contacts cannot take the place of more units."
            )
        return text + (f" {self.note}" if self.note else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectableEffect(Result):
    """What a pilot of a given size can find.

    Attributes
    ----------
    increase, decrease : float
        True differences above and below 0 found with ``power``; NaN where a share has no such room, or where the
        alternative does not look on that side.
    n_pilot, n_baseline, n : int
    power, confidence_level, alternative
    standard_error : float
        Of the difference if there is none.
    assumptions, method : str
    """

    increase: float
    decrease: float
    n_pilot: int
    n_baseline: int
    n: int
    power: float
    confidence_level: float
    alternative: Alternative
    standard_error: float
    assumptions: str
    method: str

    def summary(self) -> str:
        """Return the differences in words."""
        sides = [f"{side:+.3g}" for side in (self.increase, self.decrease) if isfinite(side)]
        found = f"find a difference of {' or '.join(sides)}" if sides else "find no difference that is possible"
        return (
            f"{self.n_pilot:,} pilot units and {self.n_baseline:,} baseline units {found} with "
            f"{100 * self.power:.0f} % power ({self.assumptions}; {self.method})."
        )


def sample_size(
    *,
    effect: float = 0.0,
    value: float | None = None,
    sd: float | None = None,
    icc: float | None = None,
    contacts_per_unit: float | None = None,
    sd_units: float | None = None,
    volume_cv: float | None = None,
    pre_correlation: float | None = None,
    components: VarianceComponents | None = None,
    margin: float | None = None,
    better: Better = "higher",
    ratio: float = 1.0,
    power: float = 0.8,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    estimand: Estimand = "unit_mean",
) -> SampleSize:
    """Units a pilot needs, so that :func:`compare_arms` finds an effect.

    Parameters
    ----------
    effect : float
        True difference, pilot minus baseline, in the KPI's unit. With a margin it may be 0, the default.
    value : float, optional
        The KPI at the baseline, for a share between 0 and 1: its contacts then vary by ``value * (1 - value)``.
    sd : float, optional
        For a mean instead: standard deviation of single contacts, differences between units included.
    icc : float, optional
        Intraclass correlation: share of the variance of contacts that lies between units.
    contacts_per_unit : float, optional
        Contacts a unit will have in the pilot.
    sd_units : float, optional
        Instead of all of these: standard deviation of the units' own values over as long as the pilot lasts.
    volume_cv : float, optional
        Coefficient of variation of the units' numbers of contacts (log-normal); 0 by default.
    pre_correlation : float, optional
        Correlation of the units' values with their own values before, if those will be used.
    components : VarianceComponents, optional
        Takes all of these from past units; what is given beside it counts instead.
    margin : float, optional
        Plans to show that the pilot is not worse by this, with ``better`` as its direction and half of
        ``1 - confidence_level`` as level.
    better : {"higher", "lower"}
    ratio : float, default 1
        Baseline units per pilot unit.
    power, confidence_level : float
    alternative : {"two-sided", "less", "greater"}
        Without a margin.
    estimand : {"unit_mean", "ratio"}
        As in :func:`compare_arms`.

    Returns
    -------
    SampleSize

    Raises
    ------
    ValueError
        If the effect is 0 without a margin, not possible for a share, or on the other side of the alternative.

    Notes
    -----
    More contacts of the same agents help little once ``icc * contacts_per_unit`` is above 1; more agents do, and so do
    the agents' own earlier values. If whole teams are assigned, units are teams. An intraclass correlation from fewer
    than 30 units is hardly known: plan with its upper limit too. Simulated power of :func:`compare_arms` is within
    3 points of the plan from 8 units an arm and 8 points below at 5 v 15; with fewer, permutations have too few steps
    to promise anything.

    References
    ----------
    .. [1] Donner, A. & Klar, N. (2000). Design and Analysis of Cluster Randomization Trials in Health Research, ch. 5.
    .. [2] Eldridge, S. M., Ashby, D. & Kerry, S. (2006). Sample size for cluster randomized trials: effect of
       coefficient of variation of cluster size. International Journal of Epidemiology 35.

    Examples
    --------
    >>> plan = sample_size(effect=0.06, value=0.7, icc=0.1, contacts_per_unit=100, ratio=3)
    >>> plan.n_pilot, plan.n_baseline
    (62, 186)
    >>> sample_size(effect=0.06, value=0.7, icc=0.1, contacts_per_unit=100, ratio=3, pre_correlation=0.8).n_pilot
    23
    """
    _check_components(components, icc, sd_units)
    spread = unit_spread(value, sd, icc, contacts_per_unit, sd_units, volume_cv, pre_correlation, components, estimand)
    aim = _Aim(alternative, confidence_level, margin, better, power)
    if not (isfinite(ratio) and ratio > 0):
        raise ValueError(f"ratio must be a number above 0 (baseline units per pilot unit), got {ratio!r}.")
    if aim.shift(effect) <= 0:
        side = "away from 0" if margin is None else "on the good side of the margin"
        raise ValueError(f"effect must lie {side} for alternative={alternative!r}, got {effect!r}.")
    variances = spread.variance(spread.moved(effect)), spread.variance(spread.value)
    n_pilot = _smallest(effect, variances, spread, aim, ratio)
    n_baseline = _baseline(n_pilot, ratio)
    floor = None
    if spread.icc:
        endless = spread.variance(spread.moved(effect), endless=True), spread.variance(spread.value, endless=True)
        floor = _smallest(effect, endless, spread, aim, ratio)
    error, freedom = _error(n_pilot, n_baseline, variances, spread.adjusted)
    contacts = nan if spread.contacts is None else spread.contacts
    few = min(n_pilot, n_baseline) < UNITS_WITH_A_PROMISE
    return SampleSize(
        n_pilot=n_pilot,
        n_baseline=n_baseline,
        n=n_pilot + n_baseline,
        contacts_pilot=n_pilot * contacts,
        contacts_baseline=n_baseline * contacts,
        n_pilot_unlimited_contacts=floor,
        effect=effect,
        margin=nan if margin is None else margin,
        power=aim.reached(effect, error, freedom),
        confidence_level=confidence_level,
        alternative=alternative,
        standard_error=error,
        planned_information=1 / error**2,
        sd_units_pilot=sqrt(variances[0]),
        sd_units_baseline=sqrt(variances[1]),
        design_effect=spread.design_effect,
        assumptions=f"{spread.text()}, {aim.text()}",
        method=_METHOD,
        note="So few units carry no promise: the comparison has few possible p-values." if few else "",
    )


def detectable_effect(
    n_pilot: int,
    n_baseline: int,
    *,
    value: float | None = None,
    sd: float | None = None,
    icc: float | None = None,
    contacts_per_unit: float | None = None,
    sd_units: float | None = None,
    volume_cv: float | None = None,
    pre_correlation: float | None = None,
    components: VarianceComponents | None = None,
    power: float = 0.8,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    estimand: Estimand = "unit_mean",
) -> DetectableEffect:
    """Smallest effects that a pilot of this size finds.

    Parameters
    ----------
    n_pilot, n_baseline : int
        Units of assignment.
    value, sd, icc, contacts_per_unit, sd_units, volume_cv, pre_correlation, components
        As in :func:`sample_size`.
    power, alternative, confidence_level, estimand
        As in :func:`sample_size`.

    Returns
    -------
    DetectableEffect

    Raises
    ------
    InsufficientDataError
        With fewer than two units in an arm, or five in both with own baseline.

    Examples
    --------
    >>> found = detectable_effect(20, 60, value=0.7, icc=0.1, contacts_per_unit=100)
    >>> round(found.increase, 3), round(found.decrease, 3)
    (0.102, -0.12)
    """
    _check_components(components, icc, sd_units)
    spread = unit_spread(value, sd, icc, contacts_per_unit, sd_units, volume_cv, pre_correlation, components, estimand)
    aim = _Aim(alternative, confidence_level, None, "higher", power)
    for name, number in (("n_pilot", n_pilot), ("n_baseline", n_baseline)):
        if not float(number).is_integer():
            raise ValueError(f"{name} must be a whole number of units, got {number!r}.")
    if min(n_pilot, n_baseline) < MIN_UNITS:
        raise InsufficientDataError("detectable_effect", needed=MIN_UNITS, got=min(n_pilot, n_baseline), unit="units")
    if spread.adjusted and n_pilot + n_baseline < MIN_UNITS_OWN_BASELINE:
        got = n_pilot + n_baseline
        raise InsufficientDataError("an own baseline", needed=MIN_UNITS_OWN_BASELINE, got=got, unit="units")

    def found(side: float) -> float:
        if alternative == ("less" if side > 0 else "greater"):
            return nan
        room = spread.room(side)

        def lacking(size: float) -> float:
            variances = spread.variance(spread.moved(side * size)), spread.variance(spread.value)
            return power - aim.reached(side * size, *_error(n_pilot, n_baseline, variances, spread.adjusted))

        end = room
        if not isfinite(room):
            end = 10 * sqrt(spread.variance(spread.value))
            while lacking(end) > 0:
                end *= 2
        elif lacking(end * (1 - 1e-9)) > 0:
            return nan
        return side * float(optimize.brentq(lacking, 1e-9 * end, end * (1 - 1e-9), rtol=1e-8))

    level = spread.variance(spread.value)
    return DetectableEffect(
        increase=found(1.0),
        decrease=found(-1.0),
        n_pilot=n_pilot,
        n_baseline=n_baseline,
        n=n_pilot + n_baseline,
        power=power,
        confidence_level=confidence_level,
        alternative=alternative,
        standard_error=_error(n_pilot, n_baseline, (level, level), spread.adjusted)[0],
        assumptions=f"{spread.text()}, {aim.text()}",
        method=_METHOD,
    )


@dataclass(frozen=True, slots=True)
class _Aim:
    """What the comparison is to show, and how surely."""

    alternative: Alternative
    confidence_level: float
    margin: float | None
    better: Better
    power: float

    def __post_init__(self) -> None:
        check_alternative(self.alternative)
        check_confidence_level(self.confidence_level)
        if self.better not in get_args(Better):
            raise ValueError(f"better must be 'higher' or 'lower', got {self.better!r}.")
        if self.margin is not None and not (isfinite(self.margin) and self.margin > 0):
            raise ValueError(f"margin must be a number above 0 (better gives its direction), got {self.margin!r}.")
        if not 1 - self.confidence_level < self.power < 1:
            hint = f" For {self.power:g}% write {self.power / 100:g}." if 1 < self.power < 100 else ""
            raise ValueError(
                f"power must lie between 1 - confidence_level = {1 - self.confidence_level:.4g} and 1, "
                f"got {self.power!r}.{hint}"
            )

    @property
    def two_sided(self) -> bool:
        return self.margin is None and self.alternative == "two-sided"

    @property
    def level(self) -> float:
        """Of one side."""
        one_side = self.alternative != "two-sided" and self.margin is None
        return (1 - self.confidence_level) / (1 if one_side else 2)

    def text(self) -> str:
        sides = "two-sided" if self.two_sided else "one-sided"
        return f"{sides} at {100 * self.level * (2 if self.two_sided else 1):.3g} %"

    def shift(self, effect: float) -> float:
        """Distance from the hypothesis in the direction that is looked for."""
        if self.margin is not None:
            return (effect if self.better == "higher" else -effect) + self.margin
        return abs(effect) if self.alternative == "two-sided" else effect if self.alternative == "greater" else -effect

    def reached(self, effect: float, error: float, freedom: float) -> float:
        """Power with this standard error."""
        critical = -float(special.stdtrit(freedom, self.level))
        drift = self.shift(effect) / error
        found = 1 - float(noncentral_t(freedom, drift, critical))
        return found + float(noncentral_t(freedom, drift, -critical)) if self.two_sided else found


def _check_components(components: VarianceComponents | None, icc: float | None, sd_units: float | None) -> None:
    """Refuse past units that are all alike where their own spread is all there would be to plan with."""
    if components is None or icc is not None or sd_units is not None or isfinite(components.icc):
        return
    if components.sd_units == 0:
        raise ValueError(
            "components come from units whose values do not vary, so that they say nothing of how many are needed; "
            "take units that differ, or give sd_units, or icc with contacts_per_unit."
        )


def _baseline(n_pilot: int, ratio: float) -> int:
    return max(MIN_UNITS, ceil(n_pilot * ratio - 1e-9))


def _error(
    n_pilot: int,
    n_baseline: int,
    variances: tuple[float, float],
    adjusted: bool,  # noqa: FBT001
) -> tuple[float, float]:
    """Standard error of the difference and its degrees of freedom."""
    first, second = variances[0] / n_pilot, variances[1] / n_baseline
    freedom = (first + second) ** 2 / (first**2 / (n_pilot - 1) + second**2 / (n_baseline - 1))
    square = first + second
    if adjusted:
        # Chance differences of the arms in the earlier values cost a little; one slope is estimated.
        square *= 1 + 1 / max(n_pilot + n_baseline - 4, 1)
        freedom = max(1.0, freedom - 1)
    return sqrt(square), freedom


def _smallest(effect: float, variances: tuple[float, float], spread: UnitSpread, aim: _Aim, ratio: float) -> int:
    def enough(n: int) -> bool:
        n_baseline = _baseline(n, ratio)
        if spread.adjusted and n + n_baseline < MIN_UNITS_OWN_BASELINE:
            return False
        return aim.reached(effect, *_error(n, n_baseline, variances, spread.adjusted)) >= aim.power - _ROUNDING

    low, high = MIN_UNITS - 1, MIN_UNITS
    while not enough(high):
        low, high = high, 2 * high
        if high > MOST_UNITS:
            raise ValueError(f"more than {MOST_UNITS:,} pilot units would be needed; the effect is too small to find.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
