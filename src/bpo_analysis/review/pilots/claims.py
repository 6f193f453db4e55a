"""What the design of a pilot can and cannot claim; causal words only where units were drawn at random."""

from __future__ import annotations

from datetime import date

from bpo_analysis.formats import plural
from bpo_analysis.review.pilots.context import Pilot
from bpo_analysis.review.pilots.results import Claims

__all__ = ["claims_of"]

_BETWEEN = ("inhouse", "partner")
_DAYS_OF_A_WEEK = 7


def claims_of(pilot: Pilot, *, judged: bool = True) -> Claims:
    """Make the sentences that the design allows.

    Parameters
    ----------
    pilot : Pilot
    judged : bool, default True
        Whether the pilot is over; one that is planned or runs has studied nothing for its whole length yet.
    """
    spec = pilot.spec
    partners = pilot.units["partner_id"].nunique() > 1
    causal = spec.assignment == "random" and spec.comparator not in ("history", *_BETWEEN) and not partners
    can, cannot = [], []
    unit = spec.unit
    if causal:
        can.append(
            f"{unit.capitalize()}s were assigned at random to arms that ran at the same time: differences beyond "
            "chance are "
            "effects of the pilot on the units and the time studied."
        )
    elif pilot.against_history:
        can.append(
            "The numbers say how far the level of the pilot's units changed at the start, beyond their usual movement."
        )
        cannot.append(
            "Nothing ran beside the pilot: anything else that came at the same date (season, product, staff, mix "
            "of work) is "
            "in the change. It is not shown that the pilot made it."
        )
    else:
        can.append(
            "The numbers say how far the arms differ, beyond chance among units, with earlier values taken into "
            "account."
        )
        how = {
            "random": "drawn, but among different partners",
            "chosen": "chosen, not drawn",
            "whole site": "whole sites",
        }
        cannot.append(
            f"Units were {how[spec.assignment]}: whatever else sets the arms apart may be behind a difference. It "
            "is not shown "
            "that the pilot made it."
        )
    if partners or spec.comparator in _BETWEEN:
        cannot.append(
            "The arms belong to different partners; people, tools, mix and management differ as well as the pilot."
        )
    if spec.assignment == "whole site" and not pilot.against_history:
        cannot.append(
            "What happened at a site in these weeks happened to all of its units; chance among units does not hold it."
        )
    if pilot.units["crossed"].any():
        cannot.append(
            "Units changed arms: the figures as assigned understate what the pilot does to those who work in it."
        )
    cannot.append(_beyond(pilot, judged=judged))
    return Claims(causal=causal, noun="effect" if causal else "difference", can=tuple(can), cannot=tuple(cannot))


def _beyond(pilot: Pilot, *, judged: bool) -> str:
    """What lies outside of the pilot: other units and work, and any longer time."""
    others = f"Other {pilot.spec.unit}s, other kinds of work"
    if judged:
        return f"{others}, and a longer time than the {_length(*pilot.window)} that count were not studied."
    planned = _length(pilot.spec.first_day, pilot.spec.end)
    return f"{others}, and a longer time than the {planned} that are planned will not be studied."


def _length(first: date, last: date) -> str:
    days = (last - first).days + 1
    return plural(round(days / 7), "week") if days >= _DAYS_OF_A_WEEK else plural(days, "day")
