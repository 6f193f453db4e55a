"""What a section prints and nobody noted, listed with the other numbers of its page: cells of tables, sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import wraps
from html import unescape
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from markupsafe import Markup, escape

from bpo_analysis import page
from bpo_analysis.page import Cell, TableMade
from bpo_analysis.review.printed import Printed, first_number, has_number, printed_numbers
from bpo_analysis.sections.section import Section

__all__ = ["listed"]


class _Page(Protocol):
    """A review, or what a page about several partners or a pilot is made from."""

    @property
    def printed(self) -> dict[Printed, None]: ...


P = ParamSpec("P")
S = TypeVar("S", bound=_Page)

_TAG = re.compile(r"<[^>]*>")
_GAP = re.compile(r" (?=[:;,.)])")
_BLOCK = re.compile(r"</?(?:p|li|h[1-6]|summary|figcaption|aside|d[dtl]|div|pre|section|details|br)\b[^>]*>")
_SENTENCE = re.compile(r"(?<=[.;!?]) (?=[A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")
_DIGIT = re.compile(r"\d")


def listed(function: Callable[Concatenate[S, P], Section]) -> Callable[Concatenate[S, P], Section]:
    """Decorate a section function: what it prints is listed with the numbers of the page.

    Tables that were made and left out, such as what an edition does not show, are not listed.
    """

    @wraps(function)
    def shown(about: S, /, *args: P.args, **kwargs: P.kwargs) -> Section:
        with page.tables_made() as made:
            section = function(about, *args, **kwargs)
        html = str(section.html)
        for table in made:
            before, found, after = html.partition(str(table.html))
            if found:
                about.printed.update(dict.fromkeys(_cells(section.id, table)))
                html = f"{before}<p>{escape(table.caption)}</p>{after}"
        about.printed.update(dict.fromkeys(_sentences(section.id, html)))
        return section

    return shown


def _cells(section: str, table: TableMade) -> Iterator[Printed]:
    caption = _text(table.caption)
    ids = [f"{section}.{_slug(name) or position}" for position, name in enumerate(table.columns, 1)]
    for row in table.rows:
        label = ", ".join(_text(_content(entry)) for entry in row[: table.naming])
        place = f"table={caption}; row={label}"
        texts = [(id, _printed(_content(entry))) for id, entry in zip(ids, row, strict=True)]
        # Numbers of a row's name stand in the place of its cells; where these have none, the name is listed itself.
        cells = texts[table.naming :] if any(text for _, text in texts[table.naming :]) else texts
        for id, text in cells:
            if not text:
                continue
            number = first_number(text)
            yield Printed(
                kind="cell",
                id=id,
                place=place,
                text=text,
                value=number.value if number else None,
                unit=number.unit if number else "",
            )


def _sentences(section: str, html: str) -> Iterator[Printed]:
    """Numbers of what is written between tables and charts."""
    for part in _BLOCK.split(_without_charts(html)):
        # Most parts are tags or words: they are passed over before anything is taken apart.
        for text in _SENTENCE.split(_text(Markup(part))) if _DIGIT.search(part) else ():
            for number in printed_numbers(text):
                yield Printed(
                    kind="sentence",
                    id=f"{section}.sentence",
                    place=f"sentence={text}",
                    text=number.text,
                    value=number.value,
                    unit=number.unit,
                )


def _without_charts(html: str) -> str:
    first, *rest = html.split("<svg")
    return "".join([first, *(part.partition("</svg>")[2] for part in rest)])


def _printed(content: str | Markup) -> str:
    """The text of a cell that has a number in it, or nothing."""
    text = _text(content) if _DIGIT.search(content) else ""
    return text if has_number(text) else ""


def _content(entry: str | Markup | Cell) -> str | Markup:
    return entry.text if isinstance(entry, Cell) else entry


def _text(content: str | Markup) -> str:
    if not isinstance(content, Markup):
        return " ".join(content.split())
    # A tag parts words, as between a value and its interval; before a full stop it leaves a gap that nobody sees.
    return _GAP.sub("", " ".join(unescape(_TAG.sub(" ", str(content))).split()))


def _slug(words: str) -> str:
    return _OTHER.sub("_", words.casefold()).strip("_")
