"""The pilots of a period: their pages by stage, and what follows by their rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bpo_analysis.reports.portal_records import Record, is_about_pilot, link_of, pilot_of
from bpo_analysis.reports.portal_rows import Row, said_of_partners

__all__ = ["STAGES", "Pilot", "pilots_of", "said_of_all"]

STAGES: Final = {"plan": "Plan", "monitor": "Monitor", "evaluation": "Evaluation"}
"""Pages about a pilot, in the order of its life."""


@dataclass(frozen=True, slots=True)
class Pilot:
    """One pilot: its pages by stage, and what follows by its rule."""

    title: str
    partner: str
    pages: dict[str, dict[str, str]]
    is_evaluated: bool
    decision: str


def pilots_of(records: Sequence[Record]) -> list[Pilot]:
    """Return one line for each pilot, by title."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if is_about_pilot(record):
            groups.setdefault((record["slug"], pilot_of(record)), []).append(record)
    found = [_pilot(name, group) for (_, name), group in groups.items()]
    return sorted(found, key=lambda pilot: (pilot.title.casefold(), pilot.partner.casefold()))


def _pilot(name: str, group: Sequence[Record]) -> Pilot:
    said = [one for record in group if isinstance(one := record["headline"].get("pilot"), Mapping)]
    pages = {}
    for record in group:
        one, link = record["headline"].get("pilot"), link_of(record)
        if isinstance(one, Mapping) and link is not None:
            pages[str(one.get("stage"))] = {"href": link["href"], "said": str(one.get("said") or "")}
    evaluations = [one for one in said if one.get("stage") == "evaluation"]
    partners = [record["headline"].get("partner") or record.get("partner") for record in group]
    return Pilot(
        title=next((str(one["title"]) for one in said if one.get("title")), name),
        partner=next((str(partner) for partner in partners if partner), str(group[0]["slug"])),
        pages=pages,
        is_evaluated=bool(evaluations),
        decision=next((str(one["decision"]) for one in evaluations if one.get("decision")), ""),
    )


def said_of_all(rows: Sequence[Row], pilots: Sequence[Pilot]) -> str:
    """Say what a period has, in a sentence or two: partners by their contracts, pilots by their decisions."""
    parts = [said_of_partners(rows)] if rows or not pilots else []
    return " ".join([*parts, _said_of_pilots(pilots)] if pilots else parts)


def _said_of_pilots(pilots: Sequence[Pilot]) -> str:
    """Count the pilots by their decisions."""
    decided = Counter(pilot.decision for pilot in pilots if pilot.decision)
    waiting = sum(pilot.is_evaluated and not pilot.decision for pilot in pilots)
    parts = [f"{len(pilots)} {'pilot' if len(pilots) == 1 else 'pilots'}"]
    if decided:
        counts = ", ".join(f"{decision} {count}" for decision, count in decided.most_common())
        parts.append(f"by its rule: {next(iter(decided))}" if len(pilots) == 1 else f"by their rules: {counts}")
    if waiting:
        parts.append("not due for a decision yet" if len(pilots) == 1 else f"{waiting} not due for a decision yet")
    return f"{'; '.join(parts)}."
