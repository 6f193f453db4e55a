"""A page made to order: the sections a package names, each under the question it answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.errors import AuthoredError, suggest
from bpo_analysis.review.context import Review
from bpo_analysis.review.packages import KPIS, Package, PackageSection
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.parts import available, kpi_table, slice_table, trend_figure, why_absent
from bpo_analysis.sections.placing import SECTIONS
from bpo_analysis.sections.section import Section, missing

__all__ = ["ordered_sections"]

_FRAME = ("masthead", "appendix", "ordered_sections")
"""Every page has them; a package does not name them."""
_QUESTION = re.compile(r'<p class="question">.*?</p>', re.DOTALL)
_HEADING = re.compile(r"</h2>")


def ordered_sections(review: Review) -> Section:
    """Return the sections of the review's package, in its order.

    Raises
    ------
    AuthoredError
        If the package names a section that does not exist; the message has file and line.
    """
    package = review.package
    if package is None:
        raise ValueError("This review has no package; open it with open_package.")
    problems = [problem for asked in package.sections for problem in _problems(asked)]
    if problems:
        raise AuthoredError(str(package.file), problems)
    made = [_made(review, package, number, asked) for number, asked in enumerate(package.sections, 1)]
    record: dict[str, Any] = {}
    for section in made:
        record |= section.record
    return Section("package", Markup("").join(section.html for section in made), record)


def _problems(asked: PackageSection) -> Iterable[str]:
    known = [name for name in SECTIONS if name not in _FRAME]
    if asked.name != KPIS and asked.name not in known:
        yield (
            f"{asked.line} names section {asked.name!r}, which does not exist.{suggest(asked.name, known)} "
            f"Sections are: {KPIS}, {', '.join(sorted(known))}."
        )


def _made(review: Review, package: Package, number: int, asked: PackageSection) -> Section:
    if asked.name == KPIS:
        return _of_kpis(review, package, number, asked)
    section = SECTIONS[asked.name](review)
    question = str(_question(package, asked))
    html, replaced = _QUESTION.subn(lambda _: question, str(section.html), count=1)
    if not replaced:
        html = _HEADING.sub(lambda _: f"</h2>{question}", html, count=1)
    return Section(section.id, Markup(html), section.record)


def _question(package: Package, asked: PackageSection) -> Markup:
    text = Markup('<p class="question">{} <span class="muted">Asked by {}.</span></p>')
    return text.format(asked.question, package.requested_by)


@listed
def _of_kpis(review: Review, package: Package, number: int, asked: PackageSection) -> Section:
    id, title = f"asked-{number}", asked.title or _listed(review, asked.kpis)
    shown = available(review, asked.kpis)
    if not shown:
        return missing(id, title, why_absent(review, asked.kpis))
    absent = [name for name in asked.kpis if name not in shown]
    body = kpi_table(review, shown, caption=title)
    if absent:
        body += page.note(f"Not shown: {_listed(review, absent)}. {why_absent(review, absent)}")
    body += Markup('<div class="charts">{}</div>').format(Markup("").join(trend_figure(review, name) for name in shown))
    for name in shown:
        for dimension in asked.slices:
            if len(review.slices(name, dimension)) > 1:  # type: ignore[arg-type]
                caption = f"{review.kpis[name].label} by {dimension}"
                body += slice_table(review, name, dimension, caption=caption)  # type: ignore[arg-type]
    html = page.section(id, title, body, question=asked.question)
    return Section(id, Markup(_QUESTION.sub(lambda _: str(_question(package, asked)), str(html), count=1)))


def _listed(review: Review, names: Sequence[str]) -> str:
    return ", ".join(review.kpis[name].label for name in names)
