"""What the design of a pilot can and cannot claim; causal words only where units were drawn at random."""

from __future__ import annotations

from bpo_analysis.review.pilots.context import Pilot
from bpo_analysis.review.pilots.results import Claims

__all__ = ["claims_of"]

_BETWEEN = ("inhouse", "partner")


def claims_of(pilot: Pilot) -> Claims:
    """Make the sentences that the design allows."""
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
    cannot.append(f"Other {unit}s, other kinds of work, and longer than {_length(pilot)} were not studied.")
    return Claims(causal=causal, noun="effect" if causal else "difference", can=tuple(can), cannot=tuple(cannot))


def _length(pilot: Pilot) -> str:
    first, last = pilot.window
    if last < first:  # Not begun: what will be studied.
        last = pilot.spec.end
    return f"{((last - first).days + 1) / 7:.0f} weeks"
