"""How much will the values of a pilot's units vary? From a share or a mean, or from past units."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan, sqrt
from typing import get_args

from bpo_analysis.stats.arm_comparison import Estimand
from bpo_analysis.stats.variance_components import VarianceComponents

__all__ = ["UnitSpread", "unit_spread"]


@dataclass(frozen=True, slots=True)
class UnitSpread:
    """How much units' values will vary: either ``sd_units``, or contacts with their intraclass correlation."""

    value: float | None
    sd: float | None
    icc: float | None
    contacts: float | None
    sd_units: float | None
    volume_cv: float
    pre_correlation: float | None
    estimand: Estimand

    @property
    def adjusted(self) -> bool:
        """Whether the units' own earlier values will be used."""
        return self.pre_correlation is not None

    @property
    def design_effect(self) -> float:
        """Variance of a mean of contacts over that of independent ones; NaN without contacts."""
        if self.icc is None or self.contacts is None:
            return nan
        return 1 + ((1 + self.volume_cv**2) * self.contacts - 1) * self.icc

    def moved(self, effect: float) -> float | None:
        """Value of the pilot; shares must stay possible."""
        if self.value is None or self.sd is not None or self.sd_units is not None:
            return None
        if not 0 <= self.value + effect <= 1:
            raise ValueError(f"effect {effect!r} takes a share of {self.value!r} to {self.value + effect:.4g}.")
        return self.value + effect

    def room(self, side: float) -> float:
        """How far a share can move up (1) or down (-1); infinite for means."""
        if self.value is None or self.sd is not None or self.sd_units is not None:
            return float("inf")
        return 1 - self.value if side > 0 else self.value

    def variance(self, value: float | None, *, endless: bool = False) -> float:
        """Of a unit's value around its arm's, with any number of contacts if ``endless``."""
        open_share = 1.0 if self.pre_correlation is None else 1 - self.pre_correlation**2
        if self.sd_units is not None:
            return open_share * self.sd_units**2
        if self.icc is None or self.contacts is None:
            raise ValueError("icc and contacts_per_unit must be given with value or sd.")
        total = self.sd**2 if self.sd is not None else nan if value is None else value * (1 - value)
        uneven = 1 + self.volume_cv**2
        between, within = (1.0, uneven) if self.estimand == "unit_mean" else (uneven, 1.0)
        chance = 0.0 if endless else within * (1 - self.icc) / self.contacts
        return open_share * total * (between * self.icc + chance)

    def text(self) -> str:
        """Say what this assumes."""
        parts = []
        if self.sd_units is not None:
            parts.append(f"standard deviation between units {self.sd_units:.4g}")
        else:
            parts.append(f"share {self.value:.4g}" if self.sd is None else f"standard deviation {self.sd:.4g}")
            parts.append(f"intraclass correlation {self.icc:.3g}")
            parts.append(f"{self.contacts:,.6g} contacts a unit")
        if self.volume_cv:
            parts.append(f"volumes varying by {100 * self.volume_cv:.0f} %")
        if self.pre_correlation is not None:
            parts.append(f"own baseline with correlation {self.pre_correlation:.2f}")
        return ", ".join(parts)


def unit_spread(
    value: float | None,
    sd: float | None,
    icc: float | None,
    contacts: float | None,
    sd_units: float | None,
    volume_cv: float | None,
    pre_correlation: float | None,
    components: VarianceComponents | None,
    estimand: Estimand,
) -> UnitSpread:
    """Check what is given, and take the rest from the components of past units."""
    if estimand not in get_args(Estimand):
        raise ValueError(f"estimand must be 'unit_mean' or 'ratio', got {estimand!r}.")
    if components is not None:
        own = _known(components)
        pre_correlation = own["pre_correlation"] if pre_correlation is None else pre_correlation
        volume_cv = own["volume_cv"] if volume_cv is None else volume_cv
        contacts = own["contacts_per_unit"] if contacts is None else contacts
        if sd_units is None:
            icc = own["icc"] if icc is None else icc
            value = own["value"] if value is None and sd is None else value
            if icc is None:
                sd_units = own["sd_units"]
            elif sd is None and not _is_share(components):
                sd = sqrt(components.sd_between**2 + components.sd_within**2)
    given = [name for name, part in (("value", value), ("sd", sd), ("sd_units", sd_units)) if part is not None]
    if not given:
        raise ValueError("one of value (a share), sd (of single contacts) or sd_units (of units) must be given.")
    if sd_units is None and (icc is None or contacts is None):
        raise ValueError(f"with {given[0]}, icc and contacts_per_unit must be given too; or give sd_units alone.")
    _check_range("value", value if sd is None and sd_units is None else None, 0, 1)
    _check_range("icc", icc, 0, 1, ends=True)
    _check_range("contacts_per_unit", contacts, 0, float("inf"))
    _check_range("sd", sd, 0, float("inf"))
    _check_range("sd_units", sd_units, 0, float("inf"))
    _check_range("pre_correlation", pre_correlation, -1, 1)
    _check_range("volume_cv", volume_cv, 0, float("inf"), ends=True)
    if sd_units is not None:
        # The units' own spread has everything in it: volumes and the estimand change nothing about it.
        return UnitSpread(None, None, None, contacts, sd_units, 0.0, pre_correlation, estimand)
    return UnitSpread(value, sd, icc, contacts, None, volume_cv or 0.0, pre_correlation, estimand)


def _known(components: VarianceComponents) -> dict[str, float | None]:
    names = ("value", "icc", "contacts_per_unit", "sd_units", "volume_cv", "pre_correlation")
    return {name: part if isfinite(part := getattr(components, name)) else None for name in names}


def _is_share(components: VarianceComponents) -> bool:
    """Whether the contacts vary as counts within cases do."""
    if not 0 < components.value < 1:
        return False
    total = components.sd_between**2 + components.sd_within**2
    return abs(total / (components.value * (1 - components.value)) - 1) < 0.2


def _check_range(name: str, given: float | None, low: float, high: float, *, ends: bool = False) -> None:
    if given is None:
        return
    inside = low <= given <= high if ends else low < given < high
    if not inside:
        hint = f" For {given:g}% write {given / 100:g}." if high == 1 and 1 < given <= 100 else ""
        limits = f"above {low}" if high == float("inf") else f"between {low} and {high}"
        raise ValueError(f"{name} must lie {limits}, got {given!r}.{hint}")
