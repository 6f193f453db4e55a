"""Category report: what customers ask for and say, what moved, how each kind of contact is served, who has which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, format_interval, format_value, plain, plural
from bpo_analysis.page import Cell, Column, HeatCell
from bpo_analysis.review.categories import (
    KINDS,
    SUBJECTS,
    CategoryShare,
    CategoryView,
    Subject,
    category_judgement,
    category_view,
    family_of,
)
from bpo_analysis.review.category_mix import category_mix
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.findings import confidence
from bpo_analysis.review.scorecard import score
from bpo_analysis.sections.closing import appendix_of
from bpo_analysis.sections.headline import headline_record
from bpo_analysis.sections.parts import available, percent, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.sections.service_summary import baseline_note

__all__ = [
    "category_appendix",
    "category_map",
    "category_summary",
    "comment_categories",
    "contact_reasons",
    "kpis_by_reason",
    "reasons_by_partner",
]

_BY_REASON = ("handled", "csat", "fcr", "aht_s", "escalation_rate")
_FIRST = ("handled", "csat", "fcr", "aht_s", "escalation_rate", "survey_response_rate")
_KIND_TITLES = {
    "request": "Requests: what customers want done",
    "feedback": "Feedback: what customers say",
    "other": "Other",
    "": "Not in the category map",
}
_NOUNS: dict[Subject, tuple[str, str]] = {
    "reasons": ("contact reason", "contacts"),
    "comments": ("comment category", "comments"),
}
_DEEP_RESIDUAL = 10.0
"""Residual at which the tint is deepest."""


@placed()
def category_summary(review: Review) -> Section:
    """First screen: the largest category and what clearly moved, of reasons and of comments, with what is not known."""
    id, title = "summary", "Summary"
    found = [view for subject in SUBJECTS if (view := category_view(review, subject)) is not None]
    if not found:
        return missing(id, title, "neither contacts nor surveys of this partner name categories in the period.")
    sentence = _sentence(review, found)
    rows = [score(review, name, judged=False) for name in available(review, _FIRST)]
    html = Markup(
        '<div class="first-screen" id="summary"><p class="verdict none">{}</p>{}{}<p class="confidence">{}</p></div>'
    ).format(sentence, baseline_note(review), _known(review, found), confidence(review))
    return Section(id, html, {"headline": headline_record(review, rows, sentence)})


def _sentence(review: Review, found: Sequence[CategoryView]) -> str:
    parts = []
    for view in found:
        largest = view.rows[0]
        one, many = _NOUNS[view.subject]
        share = format_value(largest.share.estimate, "share", decimals=0)
        parts.append(f"{plain(largest.category)} is the largest {one} ({share} of {view.total:,} {many})")
    moved = [_moved(row) for view in found for row in view.rows if _is_found(review, view, row)]
    what = f"Clearly moved: {', '.join(moved)}." if moved else f"No share clearly moved against {review.before_title}."
    return f"{review.name}, {review.period.title}: {'; '.join(parts)}. {what}"


def _moved(row: CategoryShare) -> str:
    return f"{plain(row.category)} {format_change(row.change, 'share')}"


def _is_found(review: Review, view: CategoryView, row: CategoryShare) -> bool:
    return category_judgement(review).found(family_of(view.subject), row.category)


def _known(review: Review, found: Sequence[CategoryView]) -> Markup:
    """How much has a category, how much of that is in the map, how much is 'other': a report can be no better."""
    rows: list[list[str | Markup | Cell]] = []
    for view in found:
        where = {"subject": view.subject}
        n_other, other = view.others
        without = view.without / (view.total + view.without)
        shares = {"without": without, "unmapped": view.unmapped_share, "other": other}
        shown = {
            name: review.note_figure(f"category.{name}", value, format_value(value, "share"), unit="share", where=where)
            for name, value in shares.items()
        }
        total = review.note_figure("category.total", view.total, f"{view.total:,}", unit="cases", where=where)
        rows.append(
            [
                _NOUNS[view.subject][0].capitalize(),
                total,
                f"{shown['without']} ({view.without:,})",
                f"{shown['unmapped']} ({sum(view.unmapped.values()):,})" if view.mapped else "no map",
                f"{shown['other']} ({n_other:,})",
            ]
        )
    columns = [
        Column("Subject"),
        Column("With a category", "right"),
        Column("Without", "right", "of all"),
        Column("Not in the map", "right"),
        Column("'Other'", "right"),
    ]
    return page.table(columns, rows, caption="How much of it is known", classes="stack")


@placed()
def contact_reasons(review: Review) -> Section:
    """Contact reasons as a Pareto with intervals and changes; kinds of the map kept apart."""
    return _pareto(
        review, "reasons", "contact-reasons", "Contact reasons", "What do customers contact us for, and what moved?",
        "neither table volume nor table interactions names contact reasons of this partner in the period.",
    )  # fmt: skip


@placed()
def comment_categories(review: Review) -> Section:
    """Categories of survey comments, in the same form."""
    return _pareto(
        review, "comments", "comment-categories", "Comments of surveys", "What do customers say, and what moved?",
        "table surveys has no comment categories of this partner in the period.",
    )  # fmt: skip


def _pareto(review: Review, subject: Subject, id: str, title: str, question: str, reason: str) -> Section:
    view = category_view(review, subject)
    if view is None:
        return missing(id, title, reason)
    kinds = [kind for kind in KINDS if any(row.kind == kind for row in view.rows)]
    body = Markup("")
    for kind in kinds:
        rows = [row for row in view.rows if row.kind == kind]
        if len(kinds) > 1 or kind in ("request", "feedback"):
            body += Markup("<h3>{}</h3>").format(_KIND_TITLES[kind])
        body += _share_table(review, view, rows)
    body += page.note(_reading(review, view))
    if subject == "comments":
        body += page.note(
            "Only those who answered and commented are heard; a change of who answers looks like a change."
        )
    return Section(id, page.section(id, title, body, question=question))


def _reading(review: Review, view: CategoryView) -> str:
    level = category_judgement(review).level(family_of(view.subject))
    tests = sum(row.difference is not None for row in view.rows)
    if not tests:
        return f"No earlier {_NOUNS[view.subject][1]}: changes cannot be told yet."
    return (
        f"Changes are judged together ({plural(tests, 'test')} with the false discovery rate held), so their intervals "
        f"are wider ({format_value(level, 'share')}). Shares add up to 100 %: where one grows, others must shrink."
    )


def _share_table(review: Review, view: CategoryView, rows: Sequence[CategoryShare]) -> Markup:
    body: list[list[str | Markup | Cell]] = []
    running = 0
    for row in rows:
        running += row.n
        body.append(_share_row(review, view, row, running / view.total))
    one, many = _NOUNS[view.subject]
    columns = [
        Column(one.capitalize()),
        Column(many.capitalize(), "right"),
        Column("Share", "right", f"{percent(review.confidence_level)} interval"),
        Column("Running total", "right"),
        Column("Earlier share", "right", f"in {review.before_title}"),
        Column("Change", "right"),
        Column("Reading"),
    ]
    caption = f"Largest first, {review.period.title}; shares of {view.total:,} {many}"
    return page.table(columns, body, caption=caption, classes="stack")


def _share_row(review: Review, view: CategoryView, row: CategoryShare, running: float) -> list[str | Markup | Cell]:
    where = {str(view.subject): row.category}
    share = review.note_figure(
        "category.share", row.share.estimate, format_value(row.share.estimate, "share"), unit="share", numerator=row.n,
        denominator=view.total, ci_low=row.share.ci_low, ci_high=row.share.ci_high, where=where,
    )  # fmt: skip
    between = format_interval(row.share.ci_low, row.share.ci_high, "share")
    before = MISSING
    if row.before is not None:
        start, end = review.before()
        before = review.note_figure(
            "category.share", row.before.estimate, format_value(row.before.estimate, "share"), unit="share",
            numerator=row.n_before, denominator=row.before.total, ci_low=row.before.ci_low, ci_high=row.before.ci_high,
            start=start, end=end, where=where,
        )  # fmt: skip
    return [
        plain(row.category),
        f"{row.n:,}",
        Cell(
            Markup('{} <span class="interval">{}</span>').format(page.with_bar(share, row.share.estimate), between),
            sort=row.share.estimate,
        ),
        format_value(running, "share"),
        before,
        _change(review, view, row),
        _word(review, view, row),
    ]


def _change(review: Review, view: CategoryView, row: CategoryShare) -> Markup | str:
    if row.difference is None:
        return MISSING
    found = row.difference.at(category_judgement(review).level(family_of(view.subject)))
    between = format_interval(found.ci_low, found.ci_high, "share").replace(" %", " pp")
    return Markup('{} <span class="interval">{}</span>').format(format_change(row.change, "share"), between)


def _word(review: Review, view: CategoryView, row: CategoryShare) -> str:
    if row.difference is None:
        return "no earlier cases"
    if not _is_found(review, view, row):
        return "not clear"
    return "grew" if (row.change or 0.0) > 0 else "shrank"


@placed()
def kpis_by_reason(review: Review) -> Section:
    """How each kind of contact is served: satisfaction, resolution, handle time and escalations by reason."""
    id, title = "by-reason", "How each kind of contact is served"
    names = [name for name in available(review, _BY_REASON) if review.slices(name, "category")]
    reasons = list(dict.fromkeys(reason for name in names for reason in review.slices(name, "category")))
    if not reasons or names == ["handled"]:
        return missing(id, title, "no KPI of this partner can be broken down by contact reason.")
    view = category_view(review, "reasons")
    key = {raw: row.category for row in (view.rows if view and view.mapped else ()) for raw in row.raws}
    lines: list[tuple[str | Markup, dict[str, str]]] = [
        (_named(reason, key.get(reason, "")), {"category": reason}) for reason in reasons
    ]
    rows: list[list[str | Markup | Cell]] = [
        [label, *(_cell(review.measure(name, where=where)) for name in names)]
        for label, where in [*lines, ("all reasons", {})]
    ]
    columns = [Column("Reason"), *(Column(review.kpis[name].label, "right") for name in names)]
    caption = (
        f"KPIs by contact reason, {review.period.title}; below a value its {percent(review.confidence_level)} interval"
    )
    body = page.table(columns, rows, caption=caption, classes="stack")
    body += page.note("Many values side by side: the best and the worst of them are partly so by chance.")
    question = "Are specific interactions slower, less resolved or less liked than the rest?"
    return Section(id, page.section(id, title, body, question=question))


def _named(reason: str, key: str) -> str | Markup:
    """A raw reason under its key category."""
    return Markup('<span class="group">{}</span> {}').format(key, plain(reason)) if key else plain(reason)


def _cell(measure: Measure | None) -> Markup | str:
    if measure is None:
        return MISSING
    if not measure.interval_text:
        return measure.text
    return Markup('{} <span class="interval">{}</span>').format(measure.text, measure.interval_text)


@placed(client_only=True)
def reasons_by_partner(review: Review) -> Section:
    """Which partner has more of which reason than the others: standardised residuals as a heat map."""
    id, title = "reasons-by-partner", "Who has which kind of contact"
    mix = category_mix(review)
    if mix is None:
        return missing(id, title, "it takes contact reasons of at least two partners.")
    rows = []
    for reason in mix.counts.index:
        cells = []
        for name in mix.counts.columns:
            value = float(mix.residuals.loc[reason, name])
            if np.isnan(value):
                cells.append(HeatCell(MISSING))
                continue
            text = review.note_figure(
                "category.residual", value, _signed(value), unit="standard deviations",
                numerator=float(mix.counts.loc[reason, name]), where={"reasons": str(reason), "partner": str(name)},
            )  # fmt: skip
            cells.append(HeatCell(text, abs(value) / _DEEP_RESIDUAL, "concern" if value > 0 else "improvement"))
        rows.append((plain(str(reason)), cells))
    caption = (
        "How far a partner's contacts of a reason lie above (+, orange) or below (−, blue) its share of all contacts, "
        "in standard deviations"
    )
    body = page.heat_table("Reason", [str(name) for name in mix.counts.columns], rows, caption=caption)
    body += page.note(
        "Description, not a test: days differ, so real counts scatter wider than this scale assumes. More of a reason "
        "is neither good nor bad. Partners that differ here can be compared only on the same mix of reasons."
    )
    return Section(id, page.section(id, title, body, question="Whose contacts are different, and in what?"))


def _signed(value: float) -> str:
    shown = round(value, 1)
    return "0.0" if shown == 0 else f"{shown:+.1f}".replace("-", "−")


@placed()
def category_map(review: Review) -> Section:
    """Raw category to key category, with the number of cases; what the map lacks comes first."""
    id, title = "category-map", "Category map"
    table = review.register("category_map")
    found = [view for subject in SUBJECTS if (view := category_view(review, subject)) is not None]
    if table is None:
        return missing(id, title, "table category_map is not in this dataset; raw categories stand for themselves.")
    lacking = [
        [plain(raw), f"{n:,}", _NOUNS[view.subject][0]]
        for view in found
        for raw, n in sorted(view.unmapped.items(), key=lambda item: -item[1])
    ]
    body = (
        page.table(
            [Column("Raw category"), Column("Cases", "right"), Column("Subject")], lacking,
            caption="Not in the map: add a row to table category_map for each",
        )
        if lacking
        else Markup("<p>Every category that occurs in the period is in the map.</p>")
    )  # fmt: skip
    rows = [
        [plain(str(row["raw"])), str(row["category"]), text_or_missing(row["kind"])] for row in table.to_dict("records")
    ]
    columns = [Column("Raw category"), Column("Key category"), Column("Kind")]
    body += page.details(
        f"The map, {plural(len(rows), 'row')}", page.table(columns, rows, caption="Raw to key category")
    )
    return Section(id, page.section(id, title, body, question="How are raw tags gathered into key categories?"))


@placed()
def category_appendix(review: Review) -> Section:
    """Appendix with the plan of this page's own tests: the changes of the shares."""
    return appendix_of(review, category_judgement(review))
