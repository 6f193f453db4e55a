"""What a mail about one period says: every partner's verdict, its headline KPIs, what is asked, what failed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from bpo_analysis.errors import ReportError, UnknownNameError
from bpo_analysis.reports.digest_pictures import spark_png
from bpo_analysis.reports.neighbours import earlier_folder
from bpo_analysis.reports.portal_changes import changes_between, said_of_changes
from bpo_analysis.reports.portal_decisions import Decision, decisions_of
from bpo_analysis.reports.portal_pilots import pilots_of, said_of_all
from bpo_analysis.reports.portal_records import (
    Record,
    by_partner,
    href,
    kpis_of,
    name_of,
    period_title,
    read_records,
    speaker,
    words,
)
from bpo_analysis.reports.portal_rows import Row, mark, row_of
from bpo_analysis.reports.record import RECORD

__all__ = ["Digest", "DigestDecision", "DigestKpi", "DigestPartner", "Failure", "Page", "period_digest", "plain"]

DECISIONS: Final = 15
"""Decisions that are named; one that is asked of several partners in the same words counts once."""
_REASON: Final = 300
_JOINERS: Final = "\u200c\u200d"
_TURNS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a page is: its file below the output folder, and its address where readers have one."""

    path: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestKpi:
    """One headline KPI of a partner, in words; ``spark`` is a PNG or nothing."""

    label: str
    actual: str
    interval: str
    target: str
    contract: str
    contract_tone: str
    evidence: str
    change: str
    spark: bytes
    spark_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestPartner:
    """One partner: how its targets came out, the sentence of its report, and its KPIs."""

    name: str
    standing: str
    tone: str
    verdict: str
    failed: str
    page: Page | None
    kpis: tuple[DigestKpi, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestDecision:
    """Something that is asked, of one partner or in the same words of several; ``page`` is that of the first."""

    partners: str
    text: str
    owner: str
    due: str
    page: Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A report that failed."""

    partner: str
    template: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Everything the mail says.

    Parameters
    ----------
    title, period : str
        The client, and the period in words.
    summary : str
        All partners in a sentence.
    brief : str
        The same in a few words, for a subject.
    last, changes : str and tuple of str
        The period before, and how much changed since, by kind.
    decisions : tuple of DigestDecision
        What is asked, the earliest date first; ``more_decisions`` counts those left out.
    partners : tuple of DigestPartner
        Those with most targets missed first.
    failures : tuple of Failure
    index : Page
        The page above all.
    """

    title: str
    period: str
    summary: str
    brief: str
    last: str
    changes: tuple[str, ...]
    decisions: tuple[DigestDecision, ...]
    more_decisions: int
    partners: tuple[DigestPartner, ...]
    failures: tuple[Failure, ...]
    index: Page


def period_digest(out: Path, period: str, *, link_base: str = "") -> Digest:
    """Collect what the reports of a period say, from their records.

    Parameters
    ----------
    out : Path
        Folder that holds ``PERIOD/``.
    period : str
        Name of the period's folder.
    link_base : str, default ""
        Address under which readers reach ``out``; without it the mail names files.

    Returns
    -------
    Digest

    Raises
    ------
    UnknownNameError
        If there is no folder of that period.
    ReportError
        If it holds no report.
    """
    known = sorted(place.name for place in out.iterdir() if any(place.glob(f"*/*{RECORD}"))) if out.is_dir() else []
    if not known:
        raise ReportError(f"There are no reports below {out}. Make some first: bpo report --data DATA --out {out}.")
    if period not in known:
        raise UnknownNameError("period", period, known)
    folder = out / period
    records = read_records(folder)
    groups = by_partner(records)
    speakers = {slug: speaker(group) for slug, group in groups.items()}
    complete = [record for record in speakers.values() if record["status"] == "ok"]
    rows = sorted((row_of(slug, group, ()) for slug, group in groups.items()), key=lambda row: row.rank)
    pages = _Pages(period, link_base)
    decisions = _decisions(complete, pages)
    last, changes = _since(folder, complete)
    return Digest(
        title=_client(records, out),
        period=period_title(folder.name),
        summary=said_of_all(rows, pilots_of(records)),
        brief=_brief(rows, decisions),
        last=last,
        changes=changes,
        decisions=tuple(decisions[:DECISIONS]),
        more_decisions=max(0, len(decisions) - DECISIONS),
        partners=tuple(_partner(row, speakers[row.slug], pages) for row in rows),
        failures=tuple(_failure(record) for record in records if record["status"] != "ok"),
        index=pages.at("index.html"),
    )


@dataclass(frozen=True, slots=True)
class _Pages:
    period: str
    base: str

    def at(self, place: str) -> Page:
        """A page by its address seen from the index."""
        path = f"{self.period}/{place}"
        return Page(path=path.partition("#")[0], address=f"{self.base.rstrip('/')}/{path}" if self.base else "")


def _brief(rows: Sequence[Row], decisions: Sequence[DigestDecision]) -> str:
    missed = sum("missed" in row.states.split() for row in rows)
    parts = [f"{missed} of {len(rows)} {'partner' if len(rows) == 1 else 'partners'} missed a target"] if rows else []
    if decisions:
        parts.append(f"{len(decisions)} {'decision' if len(decisions) == 1 else 'decisions'} asked for")
    return ", ".join(parts)


def _decisions(speakers: Sequence[Record], pages: _Pages) -> list[DigestDecision]:
    alike: dict[tuple[str, str, str], list[Decision]] = {}
    for one in decisions_of(speakers):
        alike.setdefault((plain(one.text), plain(one.owner), plain(one.due)), []).append(one)
    return [
        DigestDecision(
            partners=_named([plain(one.partner) for one in group], len(speakers)),
            text=text,
            owner=owner,
            due=due,
            page=pages.at(group[0].href),
        )
        for (text, owner, due), group in alike.items()
    ]


def _named(partners: Sequence[str], of: int) -> str:
    return f"All {of} partners" if len(partners) == of > 1 else ", ".join(partners)


def _since(folder: Path, speakers: Sequence[Record]) -> tuple[str, tuple[str, ...]]:
    earlier = earlier_folder(folder)
    if earlier is None:
        return "", ()
    changes = changes_between(speakers, read_records(earlier), earlier.name)
    return period_title(earlier.name), tuple(one["text"] for one in said_of_changes(changes))


def _client(records: Sequence[Record], out: Path) -> str:
    found = (about.get("title") for record in records if isinstance(about := record.get("data"), Mapping))
    return next((plain(title) for title in found if title), out.name)


def _partner(row: Row, record: Record, pages: _Pages) -> DigestPartner:
    is_there = record["status"] == "ok"
    return DigestPartner(
        name=plain(row.partner),
        standing=", ".join(Markup(part).striptags() for part in row.standing.split(" <small>")),
        verdict=plain(row.verdict),
        tone="bad" if "missed" in row.states.split() else "good" if "met" in row.states.split() else "none",
        failed=row.failed,
        page=pages.at(href(record["slug"], f"{record['template']}.html")) if is_there else None,
        kpis=tuple(map(_kpi, kpis_of(record))),
    )


def _kpi(kpi: Record) -> DigestKpi:
    contract = str(kpi.get("contract") or "")
    has_target = contract != "no target"  # said once, by the contract's mark
    given = kpi.get("spark")
    history: list[Any] = given if isinstance(given, list) else []
    known = sum(value is not None for value in history)
    actual = _text(kpi, "actual_text") or "–"
    return DigestKpi(
        label=_text(kpi, "label") or _text(kpi, "kpi"),
        actual=actual,
        interval=_text(kpi, "interval_text"),
        target=_text(kpi, "target_text") if has_target else "",
        contract=mark(contract).striptags(),
        contract_tone={"met": "good", "missed": "bad"}.get(contract, "none"),
        evidence=mark(kpi.get("evidence"), good=kpi.get("good"), evidence=True).striptags() if has_target else "",
        change=" ".join(filter(None, [_text(kpi, "change_text"), _text(kpi, "change_word")])),
        spark=spark_png(history, target=kpi.get("target")),
        spark_words=f"{known} of {len(history)} values known, now {actual}",
    )


def _text(kpi: Record, name: str) -> str:
    return plain(kpi.get(name) or "")


def _failure(record: Record) -> Failure:
    reason = plain(record.get("error") or "No reason was recorded.")
    return Failure(
        partner=plain(name_of(record)),
        template=words(record["template"]),
        reason=reason if len(reason) <= _REASON else f"{reason[:_REASON]} …",
    )


def plain(text: Any) -> str:
    """Return a text on one line, without control characters and without marks that turn the direction of others."""
    kept = "".join(char if char.isprintable() or char in _JOINERS else " " for char in _TURNS.sub("", str(text)))
    return " ".join(kept.split())
