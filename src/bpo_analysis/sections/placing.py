"""Who sees which section: depth by audience, what is the client's alone, and the notes that stand beside a section.

Every section of a report goes through :func:`placed`, so that templates only put sections in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import wraps
from typing import Concatenate, ParamSpec

from markupsafe import Markup

from bpo_analysis.errors import AuthoredError, suggest
from bpo_analysis.review.context import AUDIENCES, Audience, Review
from bpo_analysis.review.notes import CheckedNote, Note, checked, notes_of
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.section import Section

__all__ = ["SECTIONS", "placed"]

P = ParamSpec("P")
SectionFunction = Callable[Concatenate[Review, P], Section]

SECTIONS: dict[str, Callable[..., Section]] = {}
"""Every section by the name that templates, packages and notes use for it."""
_CLOSING = re.compile(r"</(?:section|div)>\s*\Z")
_HEADING = re.compile(r'<h2 id="[^"]*">(.*?)<a class="anchor"')
_OPENING = ("summary",)


def placed(
    *, audiences: Collection[Audience] = AUDIENCES, client_only: bool = False
) -> Callable[[SectionFunction[P]], SectionFunction[P]]:
    """Decorate a section function: it knows who may see it and shows the notes written about it.

    Parameters
    ----------
    audiences : collection of str
        Forums whose pages have the section; for others it is left out.
    client_only : bool, default False
        Whether the partner's edition is without it.
    """

    def decorate(function: SectionFunction[P]) -> SectionFunction[P]:
        name = function.__name__

        @listed
        @wraps(function)
        def shown(review: Review, /, *args: P.args, **kwargs: P.kwargs) -> Section:
            _check_notes(review)
            if review.audience not in audiences or (client_only and not review.shows_others):
                return Section(name, Markup(""))
            section = function(review, *args, **kwargs)
            notes = [note for note in notes_of(review) if note.section in (name, section.id)]
            heading = _HEADING.search(section.html)
            if heading:
                review.notes_beside[heading[1]] = len(notes)
            return replace(section, html=_with_notes(review, section.html, notes)) if notes else section

        SECTIONS[name] = shown
        return shown

    return decorate


def _check_notes(review: Review) -> None:
    """Refuse a note to a section that no report has: it would never be seen."""
    review.once("notes_checked", _checked_sections)


def _checked_sections(review: Review) -> bool:
    for note in notes_of(review):
        if note.section not in SECTIONS and note.section not in _OPENING:
            raise AuthoredError(
                note.place,
                [
                    f"is for section {note.section!r}, which no report has.{suggest(note.section, SECTIONS)} "
                    f"Sections are: {', '.join(sorted(SECTIONS))}."
                ],
            )
    return True


def _with_notes(review: Review, html: Markup, notes: Iterable[Note]) -> Markup:
    """Put the notes at the end of a section, inside it."""
    block = Markup("").join(_note(checked(review, note)) for note in notes)
    end = _CLOSING.search(html)
    if end is None:
        return html + block
    return Markup(html[: end.start()]) + block + Markup(html[end.start() :])


def _note(found: CheckedNote) -> Markup:
    note = found.note
    body = Markup("").join(
        Markup('<a href="#def-{}">{}</a>').format(kpi, part) if kpi else Markup("{}").format(part)
        for part, kpi in found.parts
    )
    sure = f", {note.confidence}" if note.confidence else ""
    when = f", {note.written_on}" if note.written_on else ""
    other = (
        Markup(' <span class="muted">What else could explain it: {}</span>').format(note.alternative)
        if note.alternative
        else Markup("")
    )
    return Markup(
        '<aside class="authored"><p>{}{}</p><p class="muted">Note by {}{}{}; its numbers are those of this page.</p>'
        "</aside>"
    ).format(body, other, note.author, when, sure)
