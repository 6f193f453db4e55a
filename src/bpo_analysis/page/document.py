"""The frame of every page: one self-contained document that asks the network for nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib import resources

from markupsafe import Markup

__all__ = ["foot", "head", "navigation", "script", "style"]

# Below this number of sections a table of contents is longer than what it saves.
_MIN_CONTENTS = 3
_SECTION = re.compile(r'<section id="([^"]+)"[^>]*><h2[^>]*>(.*?)<a class="anchor"', re.DOTALL)


@functools.cache
def style() -> Markup:
    """Return the style sheet of all pages, without its comments.

    Returns
    -------
    Markup
        CSS, ready for a ``<style>`` element.
    """
    text = resources.files("bpo_analysis.page").joinpath("style.css").read_text(encoding="utf-8")
    return Markup(re.sub(r"/\*.*?\*/\s*", "", text, flags=re.DOTALL).strip())


@functools.cache
def script() -> Markup:
    """Return the script of all pages, without its comments.

    Returns
    -------
    Markup
        JavaScript, ready for a ``<script>`` element.
    """
    text = resources.files("bpo_analysis.page").joinpath("script.js").read_text(encoding="utf-8")
    lines = (re.sub(r"(^|\s)// .*$", "", line).strip() for line in text.splitlines())
    return Markup("\n".join(line for line in lines if line))


def head(title: str) -> Markup:
    """Return the inside of a page's ``<head>``: title, policy and style.

    Parameters
    ----------
    title : str
        Title of the window and of the print.

    Returns
    -------
    Markup
        Elements for ``<head>``.

    Notes
    -----
    The policy forbids every request, and every script but the one whose hash it names, so that markup which slipped
    through in the data could do nothing.
    """
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return Markup(
        '<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="generator" content="bpo_analysis"><title>{}</title>'
        '<link rel="icon" href="data:,"><style>{}</style>'
    ).format(policy, title, style())


def foot() -> Markup:
    """Return what ends a page's ``<body>``: the script.

    Returns
    -------
    Markup
        One ``<script>`` element.
    """
    return Markup("<script>{}</script>").format(script())


def navigation(body: Markup, *, index: str = "") -> Markup:
    """Return the line above a page: the way back to the index, and links to the sections.

    Parameters
    ----------
    body : Markup
        The page; its sections are those made by ``blocks.section``.
    index : str, default ""
        Address of the index page; empty leaves the link out.

    Returns
    -------
    Markup
        A ``<nav>`` element, or nothing where there is neither an index nor enough sections.
    """
    found = _SECTION.findall(body)
    entries = Markup("").join(Markup('<li><a href="#{}">{}</a></li>').format(id, Markup(title)) for id, title in found)
    parts = [Markup('<a href="{}">All partners</a>').format(index)] if index else []
    if len(found) >= _MIN_CONTENTS:
        parts.append(Markup("<details><summary>Contents</summary><ol>{}</ol></details>").format(entries))
    return Markup('<nav class="toc" aria-label="Page">{}</nav>').format(Markup("").join(parts)) if parts else Markup("")
