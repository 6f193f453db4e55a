"""Where a pilot stands after its looks so far, as numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import pandas as pd

from bpo_analysis.stats.arguments import Alternative
from bpo_analysis.stats.result import Result
from bpo_analysis.stats.wording import pvalue_text

__all__ = ["PilotMonitoring"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotMonitoring(Result):
    """Where a pilot stands after its looks so far.

    Attributes
    ----------
    stop : int or None
        First look, counted from 1, at which the boundary was crossed.
    look : int
        The look the figures below are about: the stop, or else the latest that counts.
    is_final : bool
        Whether the pilot has ended: stopped, at its last planned look, or with all planned information.
    estimate, ci_low, ci_high, pvalue : float
        What may be quoted. While the pilot runs: the estimate, the repeated interval and the repeated p-value. At its
        end: median-unbiased estimate, interval and p-value by the stagewise ordering. The limits leave out 0 if and
        only if ``pvalue < 1 - confidence_level``.
    estimate_raw, pvalue_raw : float
        As a single look would have it, biased by the chance to stop.
    repeated_ci_low, repeated_ci_high : float
        Limits that hold at all looks together, whatever made the pilot end.
    confidence_level, alternative, method
    statistic, boundary : float
        At ``look``, in standard errors (of a normal distribution).
    boundary_estimate : float
        The estimate at which the boundary would be met at ``look``.
    information, planned_information : float
        One over the squared standard error, in the KPI's unit.
    information_fraction : float
        Share of the planned information that spending goes by: expected at this look, or else found there.
    level_spent : float
        Of ``1 - confidence_level``, until ``look``.
    next_information_fraction, next_boundary : float
        Where the next look is expected, and its boundary; NaN at the end.
    conditional_power : float
        Chance that the last look at the planned information crosses its boundary if the estimate is the truth, with
        no look in between; NaN at the end. A low one is a reason to give up, not a proof of no effect.
    conditional_power_planned : float
        The same if the planned effect is the truth.
    n, n_missing : int
        Looks with an estimate, and without.
    table : DataFrame
        One row per look: look, estimate, se, information, fraction, statistic, boundary, level_spent, nominal_level
        (p-value at the boundary), pvalue_raw, repeated_ci_low, repeated_ci_high, state.
    note : str
    """

    stop: int | None
    look: int
    is_final: bool
    estimate: float
    ci_low: float
    ci_high: float
    confidence_level: float
    statistic: float
    pvalue: float
    alternative: Alternative
    method: str
    estimate_raw: float
    pvalue_raw: float
    repeated_ci_low: float
    repeated_ci_high: float
    boundary: float
    boundary_estimate: float
    information: float
    planned_information: float
    information_fraction: float
    level_spent: float
    next_information_fraction: float
    next_boundary: float
    conditional_power: float
    conditional_power_planned: float
    n: int
    n_missing: int
    table: pd.DataFrame
    note: str

    def summary(self) -> str:
        """Return whether to stop, the difference as it may be quoted, and what lies ahead."""
        level = f"{100 * self.confidence_level:g} %"
        ends = [f"{end:.4g}" if isfinite(end) else "no limit" for end in (self.ci_low, self.ci_high)]
        found = (
            f"difference {self.estimate:+.4g}, {level} interval {ends[0]} to {ends[1]}, p {pvalue_text(self.pvalue)} "
            f"({self.method})"
        )
        share = f"{100 * self.information_fraction:.0f} % of the planned information"
        if self.stop is not None:
            text = (
                f"Look {self.look} ({share}) crossed its boundary: the pilot can stop. {found[0].upper()}{found[1:]}."
            )
        elif self.is_final:
            text = f"The pilot has ended at look {self.look} ({share}) without crossing a boundary: {found}. "
            sides = {"greater": "higher", "less": "lower"}
            text += (
                f"These data do not show that the pilot's value is {sides[self.alternative]}"
                if self.alternative in sides
                else "These data cannot tell the arms apart"
            )
            if isfinite(self.boundary_estimate):
                text += f"; a difference of {self.boundary_estimate:+.3g} would have crossed"
            text += "."
        else:
            text = f"Look {self.look} ({share}) did not cross its boundary: the pilot goes on. So far: {found}."
            if isfinite(self.boundary_estimate):
                text += f" A difference of {self.boundary_estimate:+.3g} would have crossed."
            if isfinite(self.conditional_power):
                text += " If the estimate is the truth, the planned end crosses with a chance of "
                text += f"{100 * self.conditional_power:.0f} %."
        return text + (f" {self.note}" if self.note else "")
