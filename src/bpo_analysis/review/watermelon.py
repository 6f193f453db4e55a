"""Green outside, red inside: every service target is met, and what customers make of it clearly worsens."""

from __future__ import annotations

from dataclasses import dataclass

from bpo_analysis.formats import format_change, format_interval, plural
from bpo_analysis.review.changes import STRETCHES, Stretch, change_of
from bpo_analysis.review.context import Review
from bpo_analysis.review.patterns import pattern_names, pattern_of, per_quarter
from bpo_analysis.review.plan import change_family, judgement
from bpo_analysis.review.scorecard import Clause, clauses
from bpo_analysis.review.steps import has_trend, steps_of

__all__ = ["OUTCOMES", "SERVICE_GROUP", "Watermelon", "Worsening", "watermelon"]

OUTCOMES = ("csat", "nps", "ces", "fcr", "repeat_contact_rate", "reopen_rate")
"""What customers make of the service."""
SERVICE_GROUP = "turnaround"
"""Group of the KPIs that say how quickly contacts are taken: what a contract is most easily met on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worsening:
    """An outcome that clearly worsens, as a finding of the page's plan says it."""

    kpi: str
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermelon:
    """Service targets beside the outcomes of customers.

    Attributes
    ----------
    service : tuple of Clause
        Agreed service targets that could be judged.
    missed : tuple of Clause
        Those of them that are missed: the contract is not green, and there is nothing to be deceived by.
    looked_at : tuple of str
        Labels of the outcomes that could be tested.
    worsening : tuple of Worsening
        Those that clearly worsen, by tests of the page's plan alone.
    """

    service: tuple[Clause, ...]
    missed: tuple[Clause, ...]
    looked_at: tuple[str, ...]
    worsening: tuple[Worsening, ...]

    @property
    def green(self) -> bool:
        """Whether every service target that can be judged is met."""
        return bool(self.service) and not self.missed

    @property
    def found(self) -> bool:
        """Whether the contract is green while an outcome clearly worsens."""
        return self.green and bool(self.worsening)

    @property
    def text(self) -> str:
        """The finding in a sentence, for the first screen; empty where there is none."""
        if not self.found:
            return ""
        names = " and ".join(dict.fromkeys(one.label for one in self.worsening))
        verb = "worsens" if len({one.label for one in self.worsening}) == 1 else "worsen"
        return f"Green outside, red inside: {_all(len(self.service))} met, while {names} clearly {verb}"


def _all(count: int) -> str:
    return "the one service target is" if count == 1 else f"all {plural(count, 'service target')} are"


def watermelon(review: Review) -> Watermelon:
    """Hold the service targets of the contract against what customers make of the service."""
    return review.once("watermelon", _watermelon)


def _watermelon(review: Review) -> Watermelon:
    service = tuple(
        c for c in clauses(review) if c.row.kpi.group == SERVICE_GROUP and c.row.contract in ("met", "missed")
    )
    known = [name for name in OUTCOMES if any(_tested(review, name, stretch) for stretch in STRETCHES)]
    worsening = [found for name in known if (found := _worsening(review, name)) is not None]
    return Watermelon(
        service=service,
        missed=tuple(c for c in service if c.row.contract == "missed"),
        looked_at=tuple(review.kpis[name].label for name in known),
        worsening=tuple(worsening),
    )


def _tested(review: Review, name: str, stretch: Stretch) -> bool:
    return name in review.rows and name in review.kpis and change_of(review, name, stretch).difference is not None


def _worsening(review: Review, name: str) -> Worsening | None:
    """The clearest sign that an outcome worsens: a change against one of the earlier stretches, a step, a trend."""
    kpi = review.kpis[name]
    for stretch, since in (("before", review.before_title), ("earlier", review.earlier_title)):
        text = _change(review, name, stretch, since)  # type: ignore[arg-type]
        if text:
            return Worsening(kpi=name, label=kpi.label, text=text)
    text = _pattern(review, name)
    return Worsening(kpi=name, label=kpi.label, text=text) if text else None


def _is_worse(review: Review, name: str, change: float) -> bool:
    better = review.kpis[name].better
    return better != "none" and (change < 0) == (better == "higher")


def _change(review: Review, name: str, stretch: Stretch, since: str) -> str:
    change = change_of(review, name, stretch)
    judged = judgement(review)
    if change.value is None or not judged.found(change_family(review, name), change.label):
        return ""
    if not _is_worse(review, name, change.value):
        return ""
    kpi, level = review.kpis[name], judged.change_level(name)
    limits = change.limits_at(level)
    between = format_interval(*limits, kpi.unit).replace(" %", " pp") if limits else ""
    return f"{format_change(change.value, kpi.unit)} ({between}) against {since}"


def _pattern(review: Review, name: str) -> str:
    if name not in pattern_names(review):
        return ""
    pattern = pattern_of(review, name)
    steps = [step for step in steps_of(review, pattern) if step.last >= review.earlier()[0]]
    unit = review.kpis[name].unit
    if steps and _is_worse(review, name, steps[-1].shift):
        return f"{format_change(steps[-1].shift, unit)} about {steps[-1].start}, to a new level"
    if has_trend(review, pattern) and pattern.trend is not None:
        slope = per_quarter(pattern, pattern.trend.slope_per_period)
        if _is_worse(review, name, slope):
            return f"{format_change(slope, unit)} a quarter over {plural(pattern.trend.n, pattern.unit)}"
    return ""
