"""Sections, notes and folded parts: the blocks a page is put together from."""

from __future__ import annotations

import re
from typing import Literal

from markupsafe import Markup

__all__ = ["Tone", "check_id", "details", "note", "section", "unavailable"]

Tone = Literal["info", "good", "warning", "concern"]
_ID = re.compile(r"[A-Za-z][\w.-]*\Z")
_TONES = ("info", "good", "warning", "concern")


def section(id: str, title: str | Markup, body: str | Markup, *, question: str | Markup = "") -> Markup:
    """Return a section of the page with its heading, which can be linked to.

    Parameters
    ----------
    id : str
        Identifier for links, unique on the page.
    title : str or Markup
        Heading; also the entry in the table of contents.
    body : str or Markup
        Content; plain text is escaped.
    question : str or Markup, default ""
        The question this section answers, printed under the heading.

    Returns
    -------
    Markup
        A ``<section>`` element.

    Examples
    --------
    >>> print(section("drivers", "What moved", Markup("<p>Mix.</p>")))
    <section id="drivers" aria-labelledby="drivers-h"><h2 id="drivers-h">What moved<a class="anchor" href="#drivers"
    aria-label="Link to this section">#</a></h2><p>Mix.</p></section>
    """
    asked = Markup('<p class="question">{}</p>').format(question) if question else Markup("")
    return Markup(
        '<section id="{id}" aria-labelledby="{id}-h"><h2 id="{id}-h">{title}<a class="anchor" href="#{id}" '
        'aria-label="Link to this section">#</a></h2>{asked}{body}</section>'
    ).format(id=check_id(id), title=title, asked=asked, body=body)


def unavailable(title: str | Markup, id: str, reason: str | Markup) -> Markup:
    """Return the one line that stands where a section would be if its data existed.

    Parameters
    ----------
    title : str or Markup
        Heading of the missing section.
    id : str
        Identifier for links, unique on the page.
    reason : str or Markup
        Why it is missing and what would bring it, in one sentence.

    Returns
    -------
    Markup
        A ``<section class="unavailable">`` element.
    """
    return Markup(
        '<section class="unavailable" id="{id}" aria-labelledby="{id}-h"><h2 id="{id}-h">{title}</h2> '
        "<p>Not shown: {reason}</p></section>"
    ).format(id=check_id(id), title=title, reason=reason)


def note(text: str | Markup, tone: Tone = "info") -> Markup:
    """Return a paragraph set off from the text.

    Parameters
    ----------
    text : str or Markup
        What to say; inline markup is allowed.
    tone : {"info", "good", "warning", "concern"}
        Sets the colour of its edge and a word before the text where the tone is not neutral.

    Returns
    -------
    Markup
        A ``<p class="note">`` element.

    Raises
    ------
    ValueError
        If the tone is not one of the four.
    """
    if tone not in _TONES:
        raise ValueError(f"tone must be one of {_TONES}, got {tone!r}.")
    word = {"warning": "Caution:", "concern": "Concern:"}.get(tone, "")
    lead = Markup("<strong>{}</strong> ").format(word) if word else Markup("")
    return Markup('<p class="note {}" role="note">{}{}</p>').format(tone, lead, text)


def details(summary: str | Markup, body: str | Markup, *, open: bool = False) -> Markup:
    """Return a part that is folded until the reader asks for it, and always open on paper.

    Parameters
    ----------
    summary : str or Markup
        The line that stays visible.
    body : str or Markup
        The folded content.
    open : bool, default False
        Whether it starts unfolded.

    Returns
    -------
    Markup
        A ``<details>`` element.
    """
    return Markup("<details{}><summary>{}</summary>{}</details>").format(Markup(" open" if open else ""), summary, body)


def check_id(id: str) -> str:
    """Return the identifier, or raise if it cannot be linked to.

    Parameters
    ----------
    id : str
        Proposed identifier of an element.

    Returns
    -------
    str
        The same text.

    Raises
    ------
    ValueError
        If it is not a letter followed by letters, digits, ``-``, ``_`` or ``.``.
    """
    if not _ID.match(id):
        raise ValueError(f"An id is a letter followed by letters, digits, '-', '_' or '.', got {id!r}.")
    return id
