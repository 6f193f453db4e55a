"""What a page needs on paper alone: texts for the margins of every sheet, and links that say where they lead."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

__all__ = ["RunningHead", "css_string", "with_section_numbers"]

_LONGEST: Final = 90
"""Characters of a text in the margin; a longer one would run into its neighbour."""
_RIGHT_TO_LEFT: Final = ("R", "AL")
_HEADING: Final = re.compile(r'<section id="([^"]+)"[^>]*><h2')
_ID: Final = re.compile(r'\bid="([^"]+)"')
_POINTER: Final = re.compile(r'<a (class="where" )?href="#([^"]+)">')


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningHead:
    """The texts in the margins of every printed sheet; the number of the sheet comes from the browser.

    Parameters
    ----------
    who : str
        Above, on the left: partner and period.
    edition : str
        Above, on the right: for whom the page is.
    what : str
        Below, on the left: the report.
    """

    who: str
    edition: str = ""
    what: str = ""

    def style(self) -> Markup:
        """Return the texts as custom properties, which the rules of ``print.css`` put into the margins.

        Returns
        -------
        Markup
            CSS, ready for a ``<style>`` element whatever the texts hold.
        """
        texts = {"who": self.who, "edition": self.edition, "what": self.what}
        return Markup(":root{{{}}}").format(
            Markup("").join(Markup(f"--running-{name}:{css_string(text)};") for name, text in texts.items())
        )


def css_string(text: str) -> str:
    r"""Return a text as a CSS string that can stand inside a ``<style>`` element.

    Parameters
    ----------
    text : str
        Any text. Control characters become spaces, and a text too long for a margin ends in an ellipsis.

    Returns
    -------
    str
        With its quotation marks. Everything but letters, digits and spaces is written as its code. A text with
        letters that run from right to left is kept apart in direction, so that it does not turn its neighbours around.

    Examples
    --------
    >>> print(css_string('A"</style>'))
    "A\22 \3c \2f style\3e "
    """
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if len(plain) > _LONGEST:
        plain = f"{plain[: _LONGEST - 1].rstrip()}…"
    if not plain:
        return '""'
    escaped = "".join(char if char.isalnum() or char == " " else f"\\{ord(char):x} " for char in plain)
    turns = any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in plain)
    return f'"\\2068 {escaped}\\2069 "' if turns else f'"{escaped}"'


def with_section_numbers(body: Markup) -> Markup:
    """Number the sections, and let links to them say the number: on paper nobody can follow a link.

    Parameters
    ----------
    body : Markup
        The page; its sections are those made by ``blocks.section``.

    Returns
    -------
    Markup
        The same, with ``data-n`` at headings and ``data-at`` at links (not at the names of KPIs, whose definitions are
        found by their letter). The style sheet shows both on paper only.
    """
    starts = [found.start() for found in _HEADING.finditer(body)]
    places = {found[1]: bisect(starts, found.start()) for found in _ID.finditer(body)}

    def pointed(link: re.Match[str]) -> str:
        place = places.get(link[2])
        return f'{link[0][:-1]} data-at="{place}">' if place else link[0]

    numbers = iter(range(1, len(starts) + 1))
    numbered = _HEADING.sub(lambda found: f'{found[0]} data-n="{next(numbers)}"', body)
    return Markup(_POINTER.sub(pointed, numbered))
