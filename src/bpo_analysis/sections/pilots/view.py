"""A page about one pilot: which pilot, until when, and the numbers, computed once for all of its sections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from bpo_analysis.errors import ParameterError
from bpo_analysis.formats import plural
from bpo_analysis.review.context import Review, open_review
from bpo_analysis.review.pilots import Pilot, evaluate_pilot, monitor_pilot, open_pilot, plan_pilot
from bpo_analysis.review.pilots.assignment import PilotRunning
from bpo_analysis.review.pilots.claims import claims_of
from bpo_analysis.review.pilots.metric_tests import looks_until
from bpo_analysis.review.pilots.results import Claims, PilotEvaluation, PilotLook, PilotPlan
from bpo_analysis.review.printed import Printed

__all__ = ["PilotPage", "Stage", "day_title", "open_pilot_page", "span_title"]

Stage = Literal["plan", "monitor", "evaluation"]
STAGES: dict[Stage, str] = {"plan": "pilot plan", "monitor": "pilot monitor", "evaluation": "pilot evaluation"}


@dataclass(frozen=True, kw_only=True)
class PilotPage:
    """A pilot at one stage. Made by :func:`open_pilot_page`.

    Attributes
    ----------
    stage : {"plan", "monitor", "evaluation"}
    pilot : Pilot
    review : Review
        The partner that runs it, and the dataset.
    """

    stage: Stage
    pilot: Pilot
    review: Review

    @cached_property
    def plan(self) -> PilotPlan:
        """What the pilot can show."""
        return plan_pilot(self.pilot)

    @cached_property
    def look(self) -> PilotLook:
        """Where the pilot stands."""
        return monitor_pilot(self.pilot)

    @cached_property
    def evaluation(self) -> PilotEvaluation:
        """What came of the pilot."""
        return evaluate_pilot(self.pilot)

    @cached_property
    def not_due(self) -> str:
        """Why there is no evaluation yet; empty where there is one, or another stage was asked for."""
        if self.stage != "evaluation" or self.pilot.ended:
            return ""
        if looks_until(self.pilot):
            try:
                _ = self.evaluation
            except PilotRunning:
                pass
            else:
                return ""
        end, last = day_title(self.pilot.spec.end), day_title(self.pilot.as_of)
        return f"Not due: the pilot runs until {end}, and the data used end on {last}."

    @property
    def claims(self) -> Claims:
        """What the design allows, whether or not it has ended."""
        return claims_of(self.pilot, judged=self.stage == "evaluation" and not self.not_due)

    @property
    def noun(self) -> str:
        """What the numbers may be called: an effect only where the design allows it."""
        return self.claims.noun if self.stage == "evaluation" else "difference"

    @property
    def printed(self) -> dict[Printed, None]:
        """Cells and sentences with numbers of the sections shown so far."""
        return self.review.printed

    @property
    def currency(self) -> str:
        """Currency of the dataset."""
        return self.review.currency

    def units(self, count: int) -> str:
        """A number of units of assignment in words; against history, of weeks."""
        if self.pilot.against_history:
            return plural(count, "month" if self.pilot.monthly else "week")
        return plural(count, self.pilot.spec.unit)


def open_pilot_page(
    data: str | Path, pilot: str = "", *, stage: Stage, partner: str = "", period: str = ""
) -> PilotPage:
    """Open a page about a pilot.

    Parameters
    ----------
    data : str or Path
        Folder of the dataset.
    pilot : str, optional
        Id or title; may be left out where the dataset has one pilot.
    stage : {"plan", "monitor", "evaluation"}
    partner : str, optional
        Id or name of the partner that runs it; anything else is refused.
    period : str, optional
        Nothing after the end of this period is read. By default: of a plan, the eve of the start; of a monitor, the
        last day of the data or, once the pilot has ended, its last look before the end; of an evaluation, the end.

    Returns
    -------
    PilotPage

    Raises
    ------
    ParameterError
        If another partner runs the pilot.
    DataError
        If the data, the pilot file or the period cannot be used.
    UnknownNameError
        If there is no such pilot or partner.
    """
    if partner:
        review = open_review(data, partner, period)
        spec = review.dataset.find_pilot(pilot)
        if spec.partner_id != review.partner_id:
            raise ParameterError(
                f"Pilot {spec.id!r} is run by partner {spec.partner_id!r}, not by {partner!r}. "
                f"Give partner={spec.partner_id!r}, or leave it empty."
            )
    else:
        spec = open_pilot(data, pilot).spec
        review = open_review(data, spec.partner_id, period)
    opened = open_pilot(review.dataset, spec.id, as_of=_last_day(review, spec, stage, period))
    if stage == "monitor" and not period and opened.ended and spec.looks:
        opened = open_pilot(review.dataset, spec.id, as_of=spec.looks[-1])
    return PilotPage(stage=stage, pilot=opened, review=review)


def _last_day(review: Review, spec: Any, stage: Stage, period: str) -> date | None:
    """None: as far as the data and the pilot go."""
    asked = review.period.end if period else None
    if stage == "plan":
        eve: date = spec.start - timedelta(days=1)
        return min(asked or eve, eve)
    if asked is None or asked >= min(spec.end, review.dataset.exported_until):
        return None
    return asked


def day_title(day: date) -> str:
    """A day in words."""
    return f"{day.day} {day:%B %Y}"


def span_title(first: date, last: date) -> str:
    """Two days in words, the year once where it is the same."""
    start = f"{first.day} {first:%B}" if first.year == last.year else day_title(first)
    return f"{start} to {day_title(last)}"
