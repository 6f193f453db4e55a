"""The frame of every page: one self-contained document that asks the network for nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Sequence
from importlib import resources
from typing import Final, Literal

from markupsafe import Markup

from bpo_analysis.page.paper import RunningHead

__all__ = ["PERIODS_SLOT", "PageKind", "foot", "head", "navigation", "script", "style", "without_turns"]

PERIODS_SLOT: Final = Markup("<!--periods--><!--/periods-->")
"""Where the links of a page to the periods before and after stand, once they are known (reports/neighbours.py)."""
PageKind = Literal["report", "index"]
"""A report, or a page about many reports: the index of a period and the shelf of all indexes."""
# Characters that turn the direction of what follows, until others end it that a text of the data may not have.
_TURNS: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_STYLES: Final[dict[PageKind, tuple[str, ...]]] = {
    "report": ("style.css", "print.css"),
    "index": ("style.css", "index.css", "print.css"),
}
_SCRIPTS: Final[dict[PageKind, tuple[str, ...]]] = {
    "report": ("script.js", "figures.js"),
    "index": ("script.js", "index.js"),
}
# Strings and regular expressions of a script as they are, and the signs around which it needs no space.
_SPACED: Final = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|(?:(?<=[(\[,=:!&|?>])|(?<=[(\[,=:!&|?>] ))/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/'
    r"|\s*([=<>!&|?:;,(){}\[\]*]+)\s*"
)
# Below this number of sections a table of contents is longer than what it saves.
_MIN_CONTENTS = 3
_OPENING: Final = 'class="first-screen" id="summary"'
_SECTION = re.compile(r'<section id="([^"]+)"[^>]*><h2[^>]*>(.*?)<a class="anchor"', re.DOTALL)


@functools.cache
def style(kind: PageKind = "report") -> Markup:
    """Return the style sheet of a page, without its comments.

    Parameters
    ----------
    kind : {"report", "index"}
        What page it is for.

    Returns
    -------
    Markup
        CSS, ready for a ``<style>`` element.
    """
    text = "".join(_file(name) for name in _STYLES[kind])
    text = re.sub(r"/\*.*?\*/\s*", "", text, flags=re.DOTALL)
    return Markup(re.sub(r"(?<=[{};,])\s*\n\s*", "", text).strip())


@functools.cache
def script(kind: PageKind = "report") -> Markup:
    """Return the script of a page, without its comments.

    Parameters
    ----------
    kind : {"report", "index"}
        What page it is for.

    Returns
    -------
    Markup
        JavaScript, ready for a ``<script>`` element.
    """
    text = "".join(_file(name) for name in _SCRIPTS[kind])
    lines = (re.sub(r"(^|\s)// .*$", "", line).strip() for line in text.splitlines())
    return Markup(
        _SPACED.sub(lambda hit: hit[0].strip() if hit[1] else hit[0], "\n".join(line for line in lines if line))
    )


def _file(name: str) -> str:
    return resources.files("bpo_analysis.page").joinpath(name).read_text(encoding="utf-8")


def head(title: str, *, kind: PageKind = "report", running: RunningHead | None = None) -> Markup:
    """Return the inside of a page's ``<head>``: title, policy and style.

    Parameters
    ----------
    title : str
        Title of the window and of the print.
    kind : {"report", "index"}
        What page it is for.
    running : RunningHead, optional
        What stands in the margins of every printed sheet; by default the title.

    Returns
    -------
    Markup
        Elements for ``<head>``.

    Notes
    -----
    The policy forbids every request, and every script but the one whose hash it names, so that markup which slipped
    through in the data could do nothing.
    """
    digest = base64.b64encode(hashlib.sha256(script(kind).encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return Markup(
        '<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="generator" content="bpo_analysis"><title>{}</title>'
        '<link rel="icon" href="data:,"><style>{}{}</style>'
    ).format(policy, title, style(kind), (running or RunningHead(who=title)).style())


def without_turns(page: str) -> str:
    """Return a page without the characters by which a name in the data could turn the sentences around it.

    Parameters
    ----------
    page : str
        The whole page.

    Returns
    -------
    str
        The same; Arabic and Hebrew keep their direction, which is a property of their letters.

    Examples
    --------
    >>> without_turns("<p>Partner \N{RIGHT-TO-LEFT OVERRIDE}dcA missed 2 of 11 targets</p>")
    '<p>Partner dcA missed 2 of 11 targets</p>'
    """
    return page.translate(_TURNS)


def foot(*, kind: PageKind = "report") -> Markup:
    """Return what ends a page's ``<body>``: the script.

    Parameters
    ----------
    kind : {"report", "index"}
        What page it is for.

    Returns
    -------
    Markup
        One ``<script>`` element.
    """
    return Markup("<script>{}</script>").format(script(kind))


def navigation(body: Markup, *, index: str = "") -> Markup:
    """Return the line above a page: the way back to the index, to other periods, and links to the sections.

    Parameters
    ----------
    body : Markup
        The page; its sections are those made by ``blocks.section``.
    index : str, default ""
        Address of the index page; empty leaves the link out.

    Returns
    -------
    Markup
        A ``<nav>`` element; where there is neither an index nor enough sections, only the place for other periods.
    """
    found = _SECTION.findall(body)
    parts = [Markup('<a href="{}">All partners</a>').format(index)] if index else []
    follows = len(found) >= _MIN_CONTENTS
    if follows:
        first = [("summary", "Summary")] if _OPENING in body else []
        parts.append(_contents([*first, *found]))
    if not parts:
        return PERIODS_SLOT
    parts.insert(1 if index else 0, PERIODS_SLOT)
    classes = "toc follows" if follows else "toc"
    return Markup('<nav class="{}" aria-label="Page">{}</nav>').format(classes, Markup("").join(parts))


def _contents(sections: Sequence[tuple[str, str]]) -> Markup:
    """Links to the sections, folded where there is no room for them."""
    entries = Markup("").join(
        Markup('<li><a href="#{}">{}</a></li>').format(id, Markup(title)) for id, title in sections
    )
    return Markup("<details><summary>Contents</summary><ol>{}</ol></details>").format(entries)
