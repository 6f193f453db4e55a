"""Notes that people write about figures: ``notes/*.toml`` of a dataset."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl

from bpo_analysis.data.authored.written import Block, WrittenFile
from bpo_analysis.errors import suggest
from bpo_analysis.periods import parse_period

__all__ = ["FOLDER", "Citation", "Note", "citations", "read_notes"]

FOLDER = "notes"
_CONFIDENCE = ("certain", "likely", "possible", "")
_KEYS = (
    "period", "partner", "section", "text", "author", "written_on", "confidence", "alternative", "for_partner",
)  # fmt: skip
_CITED = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A figure that a note cites: ``[81.2 %](service_level?channel=voice&period=2026-10)``."""

    shown: str
    figure: str
    where: tuple[tuple[str, str], ...]
    period: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What somebody wrote about a section of a report.

    Attributes
    ----------
    section : str
        Section beside which it stands.
    text : str
        With citations of figures.
    partner_id : str
        Empty: for every partner.
    confidence : str
        How sure the author is: certain, likely, possible, or not said.
    alternative : str
        What else could explain it.
    for_partner : bool
        Whether the partner's edition shows it too.
    place : str
        File and line, for messages.
    """

    section: str
    text: str
    period: str
    partner_id: str
    author: str
    written_on: date | None
    confidence: str
    alternative: str
    for_partner: bool
    place: str


def read_notes(folder: Path, partners: Collection[str]) -> list[Note]:
    """Read every note of a dataset folder.

    Parameters
    ----------
    folder : Path
        The dataset folder.
    partners : collection of str
        Known partner_ids.

    Raises
    ------
    AuthoredError
        If a file cannot be read, or a note lacks what it needs; the message has file and line.
    """
    notes: list[Note] = []
    for file in sorted((folder / FOLDER).glob("*.toml")):
        written = WrittenFile(file)
        written.only("note")
        notes.extend(_note(block, partners) for block in written.blocks("note"))
        written.finish()
    return notes


def _note(block: Block, partners: Collection[str]) -> Note:
    block.only(*_KEYS)
    partner, period = block.text("partner"), block.text("period", needed=True)
    if partner and partner not in partners:
        block.refuse(f"partner {partner!r} is not in table partners.{suggest(partner, partners)}")
    if period:
        try:
            parse_period(period)
        except ValueError as error:
            block.refuse(f"period: {error}")
    return Note(
        section=block.text("section", needed=True),
        text=block.text("text", needed=True),
        period=period,
        partner_id=partner,
        author=block.text("author", needed=True),
        written_on=block.day("written_on"),
        confidence=block.choice("confidence", _CONFIDENCE, ""),
        alternative=block.text("alternative"),
        for_partner=block.flag("for_partner"),
        place=f"{block.file.file.name}, {block.where}",
    )


def citations(text: str) -> list[Citation]:
    """Return the figures that a text cites, in order.

    Examples
    --------
    >>> [(c.shown, c.figure, c.where) for c in citations("Down to [81.2 %](service_level?channel=voice).")]
    [('81.2 %', 'service_level', (('channel', 'voice'),))]
    """
    found = []
    for match in _CITED.finditer(text):
        figure, _, query = match[2].partition("?")
        asked = dict(parse_qsl(query))
        period = asked.pop("period", "")
        found.append(
            Citation(
                shown=match[1],
                figure=figure,
                where=tuple(sorted(asked.items())),
                period=period,
                start=match.start(),
                end=match.end(),
            )
        )
    return found
