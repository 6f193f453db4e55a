"""What a comparison of two arms found, as numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan
from typing import Literal

from bpo_analysis.stats.arguments import Alternative
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.wording import difference_text, pvalue_text

__all__ = ["ArmComparison", "Better", "Estimand"]

Estimand = Literal["unit_mean", "ratio"]
Better = Literal["higher", "lower"]
_TEXTS: dict[str, str] = {"unit_mean": "mean of the units", "ratio": "ratio of sums"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmComparison(Result):
    """Difference between two arms, pilot minus baseline, in the unit of the KPI.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
        Difference and its limits for the chosen ``estimand``; infinite limits where so few units allow none.
    confidence_level, statistic, pvalue, alternative, method
        The statistic is the estimate in standard errors. The limits leave out 0 if and only if
        ``pvalue < 1 - confidence_level``.
    estimand : str
        "unit_mean" (every unit counts once) or "ratio" (every contact counts once).
    adjustment : str
        "own-baseline" or "none".
    pilot_value, baseline_value : float
        The KPI of each arm under the estimand, not adjusted.
    n, n_pilot, n_baseline, n_missing, n_missing_pre : int
        Units with data; units without; units with data that have no earlier value.
    standard_error, degrees_of_freedom : float
        HC2, and Satterthwaite's.
    margin : float
        NaN without one.
    better : str
    pvalue_noninferiority : float
        Of the hypothesis that the pilot is worse by ``margin`` or more (one-sided).
    pvalue_equivalence : float
        Of the hypothesis that the arms differ by ``margin`` or more either way (two one-sided tests).
    estimate_unit_mean, unit_mean_ci_low, unit_mean_ci_high, unit_mean_pvalue : float
    estimate_ratio, ratio_ci_low, ratio_ci_high, ratio_pvalue : float
        Both estimands, by the same method.
    icc : float
        Intraclass correlation of contacts within units (shares only).
    design_effect : float
        Variance of the difference of ratios over the variance independent contacts would give it (shares only).
    detectable_effect : float
        Difference this comparison would have found with 80 % power, at the spread seen.
    smallest_pvalue : float
        No p-value can be smaller with these units and this method; NaN where there is no such bound.
    n_resamples : int
        Assignments, permutations or bootstrap draws; 0 for the t-test.
    note : str
        What the reader must know about this comparison; empty otherwise.
    """

    estimate: float
    ci_low: float
    ci_high: float
    confidence_level: float
    statistic: float
    pvalue: float
    alternative: Alternative
    method: str
    estimand: Estimand
    adjustment: str
    pilot_value: float
    baseline_value: float
    n: int
    n_pilot: int
    n_baseline: int
    n_missing: int
    n_missing_pre: int
    standard_error: float
    degrees_of_freedom: float
    margin: float
    better: Better
    pvalue_noninferiority: float
    pvalue_equivalence: float
    estimate_unit_mean: float
    unit_mean_ci_low: float
    unit_mean_ci_high: float
    unit_mean_pvalue: float
    estimate_ratio: float
    ratio_ci_low: float
    ratio_ci_high: float
    ratio_pvalue: float
    icc: float
    design_effect: float
    detectable_effect: float
    smallest_pvalue: float
    n_resamples: int
    note: str

    def summary(self) -> str:
        """Return the difference, what it says about the pilot, and what it cannot tell."""
        return " ".join([self._difference(), *self._verdicts(), *([self.note] if self.note else [])])

    def _difference(self) -> str:
        level = f"{100 * self.confidence_level:g} % interval"
        if isfinite(self.ci_low) or isfinite(self.ci_high):
            ends = [("no limit" if not isfinite(end) else f"{end:.4g}") for end in (self.ci_low, self.ci_high)]
            interval = f"{level} {ends[0]} to {ends[1]}, p {pvalue_text(self.pvalue)}"
        else:
            interval = f"no {level} can be given" + ("" if isnan(self.pvalue) else f", p {pvalue_text(self.pvalue)}")
        scale = max(abs(self.pilot_value), abs(self.baseline_value))
        own = ", each unit's own baseline taken into account" if self.adjustment == "own-baseline" else ""
        return (
            f"Pilot {self.pilot_value:.4g} ({self.n_pilot} units), baseline {self.baseline_value:.4g} "
            f"({self.n_baseline} units): difference {difference_text(self.estimate, scale)}, {interval} "
            f"({_TEXTS[self.estimand]}{own}; {self.method})."
        )

    def _verdicts(self) -> list[str]:
        level, said = 1 - self.confidence_level, []
        if self.pvalue < level:
            pilot_ahead = (self.estimate > 0) == (self.better == "higher")
            said.append(f"The difference is in favour of the {'pilot' if pilot_ahead else 'baseline'}.")
        elif isfinite(self.pvalue):
            found = ""
            if isfinite(self.detectable_effect):
                found = f"; a difference of {self.detectable_effect:.3g} would have been found with 80 % power"
            sides = {"greater": "higher", "less": "lower"}
            if self.alternative in sides:
                said.append(f"These data do not show that the pilot's value is {sides[self.alternative]}{found}.")
            else:
                said.append(f"These data cannot tell the arms apart{found}.")
        if isfinite(self.pvalue_noninferiority):
            not_worse, alike = (p < level / 2 for p in (self.pvalue_noninferiority, self.pvalue_equivalence))
            said.append(
                f"That the pilot is not worse by {self.margin:.4g} is {'' if not_worse else 'not '}shown "
                f"(p {pvalue_text(self.pvalue_noninferiority)}); that the arms are within {self.margin:.4g} of each "
                f"other is {'' if alike else 'not '}shown (p {pvalue_text(self.pvalue_equivalence)})."
            )
        return said
