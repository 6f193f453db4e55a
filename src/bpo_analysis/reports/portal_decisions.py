"""Everything the reports of a period ask for, and the risks they flag, over all partners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bpo_analysis.reports.portal_records import Record, href, name_of, plain_records

__all__ = ["Decision", "Flag", "decisions_of", "flags_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Something a reader is asked to decide or do."""

    slug: str
    partner: str
    text: str
    owner: str
    due: str
    due_on: str
    is_late: bool
    kpis: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A risk that a report flags."""

    slug: str
    partner: str
    text: str
    href: str


def decisions_of(speakers: Sequence[Record]) -> list[Decision]:
    """Return all decisions asked for: those whose day is still to come, then those that are late, then the others."""
    found = [_decision(record, ask) for record in speakers for ask in plain_records(record["headline"].get("asks"))]
    return sorted(found, key=lambda one: (not one.due_on, one.is_late, one.due_on))


def _decision(record: Record, ask: Record) -> Decision:
    return Decision(
        slug=record["slug"],
        partner=name_of(record),
        text=str(ask.get("text") or ""),
        owner=str(ask.get("owner") or "no owner"),
        due=str(ask.get("due") or "no date"),
        due_on=str(ask.get("due_on") or ""),
        is_late=bool(ask.get("is_late")),
        kpis=" ".join(str(kpi) for kpi in _listed(ask.get("kpis"))),
        href=_page(record, str(ask.get("anchor") or "")),
    )


def flags_of(speakers: Sequence[Record]) -> list[Flag]:
    """Return all risk flags: warnings before what is only to be known, otherwise partner by partner."""
    found = [
        Flag(slug=record["slug"], partner=name_of(record), text=str(text), href=_page(record, "summary"))
        for record in speakers
        for text in _listed(record["headline"].get("flags"))
    ]
    warned = {
        (record["slug"], str(text)) for record in speakers for text in _listed(record["headline"].get("warnings"))
    }
    return sorted(found, key=lambda flag: (flag.slug, flag.text) not in warned)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _page(record: Record, anchor: str) -> str:
    page = href(record["slug"], f"{record['template']}.html")
    # An anchor is an id of ours; anything else would be text of somebody's template in an address.
    return f"{page}#{anchor}" if anchor.isidentifier() else page
