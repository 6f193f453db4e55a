"""If the partner gave notice today: how much work nobody would do until replacements are up to speed, week by week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from bpo_analysis.data.extracts.risk import LAST_WEEK
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.registers import contract_terms

__all__ = [
    "PLANNED_OCCUPANCY",
    "RANGE",
    "Assumption",
    "ExitExposure",
    "Scenario",
    "exit_exposure",
    "heads_at_end",
    "spare_capacity",
    "why_no_exit_exposure",
]

PLANNED_OCCUPANCY = 0.85
"""Handling time of handling and available time up to which others could be planned; printed wherever it is used."""
RANGE = 0.25
"""Scenarios: a quarter quicker (low) and a quarter slower (high) than the base."""
_BLOCK = 4
_MOST_WEEKS = 104
_FULL = 0.999
_AS_EXPERIENCED = 0.95
"""Output from which a newcomer counts as fully productive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One input of the scenarios: its values for low, base and high, and where it comes from.

    ``known`` is False where neither the contract nor the history gives it: it is then left at what costs nothing, so
    that the gap is at least what is printed.
    """

    name: str
    unit: str
    low: float
    base: float
    high: float
    source: str
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way it could go.

    ``weeks`` has one row per week from the day of notice: week (from 1), partner, replacements, uncovered (shares of
    the weekly work; they add up to 1). ``uncovered_weeks`` is the sum of uncovered, in weeks of the present work.
    """

    name: str
    weeks: pd.DataFrame

    @property
    def uncovered_weeks(self) -> float:
        """Work that nobody does, in weeks of the present work."""
        return float(self.weeks["uncovered"].sum())

    @property
    def first_week(self) -> int | None:
        """First week with a gap, or None without one."""
        gap = self.weeks.loc[self.weeks["uncovered"] > 1 - _FULL, "week"]
        return int(gap.iloc[0]) if len(gap) else None

    @property
    def last_week(self) -> int | None:
        """Last week with a gap, or None without one."""
        gap = self.weeks.loc[self.weeks["uncovered"] > 1 - _FULL, "week"]
        return int(gap.iloc[-1]) if len(gap) else None

    @property
    def worst(self) -> float:
        """Largest share of a week's work that nobody does."""
        return float(self.weeks["uncovered"].max())


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitExposure:
    """What notice of the partner, given on the last day of the period, would leave uncovered.

    ``heads`` is the headcount of the last day. ``weekly_hours`` is None where handling times are not known; ``curve``
    is the output of a newcomer against an experienced agent by week of live contacts, None where it is not known.
    """

    contract_id: str
    notice_days: int
    heads: Measure
    weekly_contacts: float
    weekly_hours: float | None
    start: date
    end: date
    scenarios: Mapping[str, Scenario]
    assumptions: tuple[Assumption, ...]
    curve: tuple[float, ...] | None

    @property
    def base(self) -> Scenario:
        """The scenario with the values as they are."""
        return self.scenarios["base"]

    def hours(self, scenario: str) -> float | None:
        """Hours of handling nobody would do."""
        if self.weekly_hours is None:
            return None
        return self.scenarios[scenario].uncovered_weeks * self.weekly_hours

    def contacts(self, scenario: str) -> float:
        """Contacts nobody would handle."""
        return self.scenarios[scenario].uncovered_weeks * self.weekly_contacts

    @property
    def at_least(self) -> bool:
        """Whether something is not known, so that the gap is at least what is printed."""
        return any(not assumption.known for assumption in self.assumptions)


def why_no_exit_exposure(review: Review) -> str:
    """Say what is missing for the scenarios; an empty text if nothing is."""
    terms = contract_terms(review)
    if terms is None:
        return "table contracts is not in this dataset"
    if terms.empty:
        return f"no contract of {review.name} is in force on {review.period.end}"
    if terms["notice_days_partner"].isna().all():
        return "table contracts does not say how many days' notice the partner owes (notice_days_partner)"
    if not review.has("headcount"):
        return "the number of agents is not known: " + review.dataset.unavailable.get("headcount", "no rows of them")
    return ""


def heads_at_end(review: Review) -> Measure | None:
    """Return the headcount of the period's last day on record: who would have to be replaced after a notice given then.

    Not the average of the period, which the people section shows and in which those who have left still count.
    """
    if "headcount" in review.dataset.unavailable:
        return None
    days = review.daily("headcount").loc[str(review.period.start) : str(review.period.end)].index
    return review.measure("headcount", start=days[-1].date(), end=days[-1].date()) if len(days) else None


def exit_exposure(review: Review) -> ExitExposure | None:
    """Lay the partner's notice against hiring, training and learning of replacements; None where something is missing.

    The contract with the shortest notice counts where there are several.
    """
    return review.once("exit exposure", _exit_exposure)


def _exit_exposure(review: Review) -> ExitExposure | None:
    if why_no_exit_exposure(review):
        return None
    terms = contract_terms(review)
    heads = heads_at_end(review)
    start, end = _recent(review)
    handled = review.measure("handled", start=start, end=end, record=False)
    if terms is None or heads is None or handled is None or handled.value == 0 or heads.value == 0:
        return None
    contract = terms.sort_values("notice_days_partner", kind="stable").iloc[0]
    notice = int(contract["notice_days_partner"])
    weeks = ((end - start).days + 1) / 7
    work = review.measure("aht_s", start=start, end=end, record=False) if "aht_s" in review.rows else None
    curve = _learning(review)
    assumptions = _assumptions(review, contract, curve)
    given = {assumption.name: assumption for assumption in assumptions}
    scenarios = {
        name: Scenario(name=name, weeks=_simulate(notice, heads.value, given, name, curve))
        for name in ("low", "base", "high")
    }
    return ExitExposure(
        contract_id=str(contract["contract_id"]),
        notice_days=notice,
        heads=heads,
        weekly_contacts=handled.value / weeks,
        weekly_hours=work.numerator / 3600 / weeks if work else None,
        start=start,
        end=end,
        scenarios=scenarios,
        assumptions=assumptions,
        curve=curve,
    )


def _recent(review: Review) -> tuple[date, date]:
    """The period and the stretch before it, as far as there are data: the work to be replaced is an ordinary one."""
    return max(review.before()[0], review.dataset.span[0]), review.period.end


_LEAD, _RATE, _TRAINING, _RAMP = "until the first start", "starts a week", "training", "until full output"


def _assumptions(
    review: Review, contract: Mapping[str, Any], curve: tuple[float, ...] | None
) -> tuple[Assumption, ...]:
    hiring = _hiring(review)
    term = "contract terms"
    lead, rate = contract["hire_lead_days"], contract["hires_per_week"]
    training, ramp = contract["training_days"], contract["ramp_weeks"]
    found = [
        _scaled(_LEAD, "days", lead, term)
        if pd.notna(lead)
        else _unknown(_LEAD, "days", 0.0, "hire_lead_days is not in table contracts")
    ]
    if pd.notna(rate) and float(rate) > 0:
        found.append(_scaled(_RATE, "heads", float(rate), term, more_is_quicker=True))
    elif hiring is not None and hiring["hires"].max() > 0:
        most = float(hiring["hires"].max())
        source = f"most hires of one month on record ({most:.0f}), a week's part of them"
        found.append(_scaled(_RATE, "heads", most * 7 / 30.4375, source, more_is_quicker=True))
    else:
        found.append(
            _unknown(_RATE, "heads", float("inf"), "neither hires_per_week nor hires are on record: all at once")
        )
    if pd.notna(training):
        found.append(_scaled(_TRAINING, "days", float(training), term))
    elif hiring is not None and hiring["trained"].sum() > 0:
        days = _median(hiring)
        source = f"hire to first live contact, median of {int(hiring['trained'].sum())} hires"
        found.append(_scaled(_TRAINING, "days", days, source))
    else:
        found.append(_unknown(_TRAINING, "days", 0.0, "neither training_days nor first days are on record"))
    if pd.notna(ramp):
        found.append(_scaled(_RAMP, "weeks", float(ramp), f"{term}: output grows in a line"))
    elif curve is not None:
        source = "handling times of newcomers against experienced agents"
        found.append(_scaled(_RAMP, "weeks", float(len(curve)), source))
    else:
        found.append(_unknown(_RAMP, "weeks", 0.0, "neither ramp_weeks nor handling times by tenure are on record"))
    return tuple(found)


def _scaled(name: str, unit: str, value: float, source: str, *, more_is_quicker: bool = False) -> Assumption:
    quick, slow = (1 + RANGE, 1 - RANGE) if more_is_quicker else (1 - RANGE, 1 + RANGE)
    value = float(value)
    return Assumption(name=name, unit=unit, low=value * quick, base=value, high=value * slow, source=source)


def _unknown(name: str, unit: str, value: float, source: str) -> Assumption:
    return Assumption(name=name, unit=unit, low=value, base=value, high=value, source=source, known=False)


def _hiring(review: Review) -> pd.DataFrame | None:
    """Hires up to the period: the partner's own; those of all where it has none."""
    frame = review.dataset.extract("hiring")
    if frame is None:
        return None
    frame = frame[pd.to_datetime(frame["month"]) <= pd.Timestamp(review.period.end)]
    own = frame[frame["partner_id"] == review.partner_id]
    found = own if len(own) else frame
    # What was there on the first day of service is not a class that was hired.
    later = found[pd.to_datetime(found["month"]) > pd.Timestamp(review.dataset.span[0])]
    return later if len(later) else found


def _median(hiring: pd.DataFrame) -> float:
    days = hiring.dropna(subset=["training_days"])
    return float(np.median(np.repeat(days["training_days"], days["trained"])))


def _learning(review: Review) -> tuple[float, ...] | None:
    """Output of newcomers against experienced agents by week, in blocks of four weeks, never falling, up to the whole.

    The partner's own newcomers, for they have the same work; None with fewer than thirty contacts in a block.
    """
    frame = review.extract("tenure_handling")
    if frame is None:
        return None
    frame = frame[pd.to_datetime(frame["month"]) <= pd.Timestamp(review.period.end)]
    sums = frame.groupby("week")[["contacts", "seconds"]].sum()
    if LAST_WEEK not in sums.index or sums.loc[LAST_WEEK, "contacts"] < 30:
        return None
    experienced = sums.loc[LAST_WEEK, "seconds"] / sums.loc[LAST_WEEK, "contacts"]
    output: list[float] = []
    for first in range(0, LAST_WEEK, _BLOCK):
        block = sums[(sums.index >= first) & (sums.index < min(first + _BLOCK, LAST_WEEK))].sum()
        if block["contacts"] < 30:
            return None
        share = min(1.0, float(experienced / (block["seconds"] / block["contacts"])))
        output += [max([share, *output[-1:]])] * min(_BLOCK, LAST_WEEK - first)
    full = next((week for week, share in enumerate(output) if share >= _AS_EXPERIENCED), len(output))
    return tuple(output[:full]) or None


def _simulate(
    notice_days: int, heads: float, given: Mapping[str, Assumption], scenario: str, curve: tuple[float, ...] | None
) -> pd.DataFrame:
    lead, rate, training, ramp = (float(getattr(given[name], scenario)) for name in (_LEAD, _RATE, _TRAINING, _RAMP))
    days = np.arange(7 * _MOST_WEEKS)
    productive = np.zeros(len(days))
    left, live = heads, lead + training
    while left > 1e-9 and live < len(days):
        joining = min(rate, left)
        since = (days + 0.5 - live) / 7
        productive += np.where(since > 0, joining * _output(since, ramp, curve), 0.0)
        left, live = left - joining, live + 7
    replaced = np.minimum(productive / heads, 1.0)
    partner = (days < notice_days).astype(float)
    covered = np.minimum(replaced, 1 - partner)
    table = pd.DataFrame({"week": days // 7 + 1, "partner": partner, "replacements": covered})
    table["uncovered"] = 1 - table["partner"] - table["replacements"]
    weeks = table.groupby("week", as_index=False).mean()
    done = weeks.index[(weeks["uncovered"] <= 1 - _FULL) & (weeks["partner"] == 0)]
    # Two weeks after the last gap show that it has closed.
    return weeks.iloc[: (int(done[0]) + 2) if len(done) else len(weeks)].reset_index(drop=True)


def _output(weeks: np.ndarray, ramp: float, curve: tuple[float, ...] | None) -> np.ndarray:
    """Output by weeks of live contacts: along the measured curve stretched to ``ramp`` weeks, or a line without one."""
    if ramp <= 0:
        return np.ones(len(weeks))
    if curve is None:
        return np.clip(weeks / ramp, 0, 1)
    place = np.clip(weeks / ramp * len(curve), 0, None).astype(int)
    output: np.ndarray = np.append(np.asarray(curve), 1.0)[np.minimum(place, len(curve))]
    return output


def spare_capacity(review: Review) -> pd.DataFrame | None:
    """Return what the other partners and the in-house team could take on without more agents.

    Returns
    -------
    DataFrame or None
        Columns partner_id, name, kind, occupancy, spare_hours (of handling a week, up to the planned occupancy); most
        first. None where no other partner's agent time is known. Skills are not looked at.
    """
    start, end = _recent(review)
    rows = review.dataset.kpi_sums("occupancy", ("partner_id",), start, end)
    rows = rows[rows["partner_id"] != review.partner_id]
    if rows.empty:
        return None
    sums = rows.groupby("partner_id")[["numerator", "denominator"]].sum()
    weeks = ((end - start) + timedelta(days=1)).days / 7
    spare = (PLANNED_OCCUPANCY * sums["denominator"] - sums["numerator"]).clip(lower=0) / 3600 / weeks
    partners = review.dataset.partners.set_index("partner_id")
    table = pd.DataFrame(
        {
            "partner_id": sums.index,
            "name": partners["name"].reindex(sums.index).to_numpy(),
            "kind": partners["kind"].reindex(sums.index).to_numpy(),
            "occupancy": (sums["numerator"] / sums["denominator"]).to_numpy(),
            "spare_hours": spare.to_numpy(),
        }
    )
    return table.sort_values("spare_hours", ascending=False, kind="stable").reset_index(drop=True)
