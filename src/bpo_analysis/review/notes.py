"""What authors wrote about this partner and period, every figure they cite compared with the computed one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bpo_analysis.data.authored import Note, read_notes
from bpo_analysis.data.authored.notes import Citation, citations
from bpo_analysis.data.reads import Read, note_read, unseen
from bpo_analysis.errors import AuthoredError, suggest
from bpo_analysis.formats import format_value
from bpo_analysis.periods import ReportPeriod, parse_period
from bpo_analysis.review.context import Measure, Review

__all__ = ["CheckedNote", "Note", "checked", "notes_of"]

_DIMENSIONS = ("site", "channel", "product", "shift", "category")
_DECIMALS = re.compile(r"\d(?:[\d,]*)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedNote:
    """A note whose figures agree with the computed ones.

    Attributes
    ----------
    parts : tuple of (str, str)
        Text in order; the second is the KPI a part cites, or empty.
    """

    note: Note
    parts: tuple[tuple[str, str], ...]


def notes_of(review: Review) -> list[Note]:
    """Return the notes about this partner and period that this edition may show."""
    return review.once("notes", _notes)


def _notes(review: Review) -> list[Note]:
    partners = [str(name) for name in review.dataset.partners["partner_id"]]
    note_read(review.dataset.path, Read("notes", review.partner_id, review.period.label))
    with unseen():
        written = read_notes(review.dataset.path, partners)
    return [
        note
        for note in written
        if note.period == review.period.label
        and note.partner_id in ("", review.partner_id)
        and (note.for_partner or review.shows_others)
    ]


def checked(review: Review, note: Note) -> CheckedNote:
    """Compare every figure of a note with the computed one.

    Raises
    ------
    AuthoredError
        If it cites a figure that is not there, or a number that differs from the computed one as printed.
    """
    parts: list[tuple[str, str]] = []
    problems: list[str] = []
    at = 0
    for citation in citations(note.text):
        parts.append((note.text[at : citation.start], ""))
        parts.append((citation.shown, citation.figure if citation.figure in review.kpis else ""))
        at = citation.end
        problem = _problem(review, citation)
        if problem:
            problems.append(problem)
    if problems:
        raise AuthoredError(note.place, problems)
    return CheckedNote(note=note, parts=(*parts, (note.text[at:], "")))


def _problem(review: Review, citation: Citation) -> str:
    """Say what is wrong with a citation; empty if nothing is."""
    period, refused = _period(review, citation)
    if period is None:
        return refused
    if citation.figure not in review.kpis:
        return _figure_problem(review, citation)
    unknown = [key for key, _ in citation.where if key not in _DIMENSIONS]
    if unknown:
        return (
            f"cites {citation.figure} by {unknown[0]!r}.{suggest(unknown[0], _DIMENSIONS)} "
            f"Slices are: {', '.join(_DIMENSIONS)}."
        )
    if citation.figure in review.dataset.unavailable:
        return f"cites {citation.figure}, which cannot be computed: {review.dataset.unavailable[citation.figure]}."
    found = review.measure(citation.figure, period=period, where=dict(citation.where))
    if found is None:
        return f"cites {citation.figure}, of which there is no row {_slice(citation)}in {period.title}."
    computed = _as_cited(found, citation.shown)
    if _plain(citation.shown) == _plain(computed):
        return ""
    base = f" ({found.base_text})" if found.base_text else ""
    return (
        f"cites {citation.shown} for {citation.figure}, but the page computes {computed}{base}. "
        "Correct the note, or find out what changed in the data since it was written."
    )


def _figure_problem(review: Review, citation: Citation) -> str:
    figures = [f for f in review.figures.values() if f.id == citation.figure]
    if not figures:
        known = [*review.kpis, *dict.fromkeys(figure.id for figure in review.figures.values())]
        return (
            f"cites {citation.figure!r}, which is neither a KPI nor a figure printed before this note."
            f"{suggest(citation.figure, known)} The .kpis.csv of the report lists them."
        )
    shown = {figure.text for figure in figures if set(citation.where) <= set(figure.where.items())}
    if any(_plain(text) == _plain(citation.shown) for text in shown):
        return ""
    return f"cites {citation.shown} for {citation.figure}, but the page prints {' or '.join(sorted(shown)) or 'none'}."


def _period(review: Review, citation: Citation) -> tuple[ReportPeriod | None, str]:
    if not citation.period:
        return review.period, ""
    try:
        return parse_period(citation.period), ""
    except ValueError as error:
        return None, f"cites {citation.figure} of a period that cannot be read: {error}"


def _slice(citation: Citation) -> str:
    return "".join(f"for {key} {value} " for key, value in citation.where)


def _as_cited(found: Measure, shown: str) -> str:
    """Print the computed value with as many decimals as the author gave."""
    number = _DECIMALS.search(shown)
    decimals = len(number[1] or "") if number else None
    return format_value(found.value, found.kpi.unit, currency=found.currency, decimals=decimals)


def _plain(text: str) -> str:
    """Text without the spaces and signs that only look different."""
    return re.sub(r"\s", "", text).replace("\N{MINUS SIGN}", "-").casefold()
