"""Why it moved, and the appendix: definitions, targets, data accounting, provenance."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from math import isnan
from typing import Any

import pandas as pd
from markupsafe import Markup

import bpo_analysis
from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_pvalue, format_value, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.page import Column
from bpo_analysis.review.context import Figure, Measure, Review
from bpo_analysis.review.drivers import drivers, events_between
from bpo_analysis.review.plan import PARTNERS, Judgement, judgement
from bpo_analysis.review.printed import Printed
from bpo_analysis.review.scorecard import scorecard, target_text
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.parts import contribution_figure, day_text, percent, slice_table, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = [
    "appendix",
    "appendix_of",
    "data_record",
    "data_warnings",
    "definitions",
    "ledger_rows",
    "printed_rows",
    "provenance",
    "row_accounting",
    "why_it_moved",
]

_MAX_DRIVERS = 3
_SURENESS = (
    "The interval of a value is {level}, for that one value. Everything else this page says to have happened is judged "
    "together: {count} at {error} for the whole page. In a month in which nothing happened at all, at most one "
    "such page in {pages} would say anything untrue. What is not named as found is not proof that nothing changed: "
    "beside each stands what would have been found."
)
_LISTING = (
    "The interval of a value is {level}, for that one value. This page lists values and makes no test: a difference to "
    "an earlier time is its size, not a finding, and among many hours and days some stand out by chance alone."
)
_READING = (
    "A rate effect is a slice doing better or worse; a mix effect is more or fewer contacts of that slice. "
    "Neither proves a cause."
)
_ALL_ROWS = "<p>What became of every row, over all partners, is in the client's edition.</p>"
_PACKAGES = ("pandas", "numpy", "scipy", "ibis-framework", "duckdb", "matplotlib")


@placed(audiences=("account", "delivery"))
def why_it_moved(review: Review) -> Section:
    """Rate and mix of the KPIs that moved, where the missed ones fall short, and the dated events of the time."""
    id, title = "drivers", "Why it moved"
    rows = scorecard(review)
    moved = [d for r in rows if r.change_is_clear and (d := drivers(review, r.kpi.name)) is not None][:_MAX_DRIVERS]
    missed = [r for r in rows if r.contract == "missed"]
    short = [r for r in missed if len(review.slices(r.kpi.name, "category")) > 1][:_MAX_DRIVERS]
    start, _ = review.before()
    events = events_between(review, start, review.period.end)
    if not moved and not missed and events.empty:
        return missing(id, title, "no headline KPI clearly moved or missed its target, and no event is on record.")
    if moved:
        figures = Markup("").join(contribution_figure(review, driver) for driver in moved)
        body = Markup('<div class="charts">{}</div>').format(figures) + page.note(_READING)
    else:
        body = Markup("<p>No clear change of a headline KPI against {}.</p>").format(review.before_title)
    for row in short:
        caption = f"{row.kpi.label} by reason, worst first: target {row.target_text}"
        body += slice_table(review, row.kpi.name, "category", caption=caption, worst_first=True)
    if missed and not short:
        names = ", ".join(row.kpi.label for row in missed)
        body += Markup("<p>Missed: {}. These data name no contact reasons to break it down by.</p>").format(names)
    body += _events(events, start)
    question = "Which slices carried the change, and what happened around it?"
    return Section(id, page.section(id, title, body, question=question))


def _events(events: pd.DataFrame, start: date) -> Markup:
    if events.empty:
        return Markup("<p>No dated event is on record since {}.</p>").format(start)
    columns = [Column("From"), Column("To"), Column("Event"), Column("Kind"), Column("Side")]
    rows = [
        [
            day_text(r["start"]),
            day_text(r["end"]),
            str(r["title"]),
            text_or_missing(r["kind"]),
            text_or_missing(r["owner_side"]),
        ]
        for r in events.to_dict("records")
    ]
    caption = f"Dated events since {start}; near in time is not the same as cause"
    return page.table(columns, rows, caption=caption, classes="stack")


def appendix(review: Review, *, tests: bool = True) -> Section:
    """Definitions, targets, what became of every row, warnings, and what the page was made from.

    Without ``tests`` the page lists values and claims no change: the tests of a whole review are then not made.
    """
    return appendix_of(review, judgement(review) if tests else None)


def appendix_of(review: Review, judged: Judgement | None) -> Section:
    """Return the appendix of a page with a plan of its own, or without tests."""
    section = _appendix(review, judged)
    # What it prints itself is listed by now.
    return replace(section, record=_record(review, judged))


@listed
def _appendix(review: Review, judged: Judgement | None) -> Section:
    body = (
        definitions(_used(review))
        + (_no_tests(review) if judged is None else _sureness(review, judged))
        + _target_history(review)
        # Both name rows and values of every partner.
        + (row_accounting(review) + data_warnings(review) if review.shows_others else Markup(_ALL_ROWS))
        + provenance(review)
    )
    html = page.section("appendix", "Appendix", body, question="What do the numbers mean, and where do they come from?")
    return Section("appendix", html)


def _no_tests(review: Review) -> Markup:
    text = _LISTING.format(level=percent(review.confidence_level))
    return Markup("<h3>How sure this page is</h3><p>{}</p>").format(text)


def _sureness(review: Review, judged: Judgement) -> Markup:
    """How sure the page is as a whole: who is in which family of tests, what was adjusted, what was found."""
    made = _shown(review, judged)["pvalue"].notna()
    error = 1 - review.confidence_level
    text = _SURENESS.format(
        level=percent(review.confidence_level),
        count=plural(int(made.sum()), "test"),
        error=percent(error),
        pages=round(1 / error),
    )
    columns = [
        Column("Family of tests"),
        Column("Tests", "right"),
        Column("Adjusted by"),
        Column("Level", "right"),
        Column("Found"),
    ]
    rows = []
    for family in judged.plan.families:
        if family.name == PARTNERS and not review.shows_others:
            continue
        of = judged.table[judged.table["family"] == family.name]
        found = "; ".join(of.loc[of["found"], "label"]) or "none"
        count = int(of["pvalue"].notna().sum())
        level = format_value(judged.plan.levels[family.name], "share", decimals=2) if count else MISSING
        rows.append(
            [
                family.name.capitalize(),
                str(count),
                "-".join(word.capitalize() for word in family.method.split("-")),
                level,
                found,
            ]
        )
    table = page.table(columns, rows, caption="The plan for all tests of this page", classes="stack")
    return Markup("<h3>How sure this page is</h3><p>{}</p>{}{}").format(text, table, _tests(_shown(review, judged)))


def _shown(review: Review, judged: Judgement) -> pd.DataFrame:
    """The tests that this edition may name: all were made, and count for the level, in every edition."""
    table = judged.table
    return table if review.shows_others else table[table["family"] != PARTNERS]


def _tests(table: pd.DataFrame) -> Markup:
    """Every test with its p-value, folded away."""
    columns = [Column("Test"), Column("Family"), Column("p", "right"), Column("Adjusted p", "right"), Column("Found")]
    rows = [
        [
            row["label"],
            row["family"],
            format_pvalue(row["pvalue"]),
            format_pvalue(row["adjusted_pvalue"]),
            "found" if row["found"] else "not made" if isnan(row["pvalue"]) else "not found",
        ]
        for row in table.to_dict("records")
    ]
    made = int(table["pvalue"].notna().sum())
    lacking = f", and {len(rows) - made} that could not be made" if made < len(rows) else ""
    title = f"All {plural(made, 'test')}{lacking}"
    return page.details(title, page.table(columns, rows, caption="Tests of this page", classes="stack"))


def _used(review: Review) -> list[Kpi]:
    return [review.kpis[name] for name in dict.fromkeys(measure.kpi.name for measure in review.ledger.values())]


def definitions(kpis: Iterable[Kpi]) -> Markup:
    """Table of the KPIs of a page, for the links of their names."""
    columns = [Column("KPI"), Column("Definition"), Column("Role"), Column("Better")]
    rows = []
    for kpi in sorted(kpis, key=lambda k: k.label.casefold()):
        label = Markup('<span id="def-{}">{}</span>').format(kpi.name, kpi.label)
        rows.append([label, _sentence(kpi.definition), kpi.timing, {"none": "neither"}.get(kpi.better, kpi.better)])
    return page.table(columns, rows, caption="Definitions of the KPIs on this page", classes="stack")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _target_history(review: Review) -> Markup:
    mine = [t for t in review.targets if t.partner_id in (None, review.partner_id)]
    if not mine:
        return Markup("")
    columns = [
        Column("KPI"),
        Column("Target", "right"),
        Column("Scope"),
        Column("Tier"),
        Column("From"),
        Column("To"),
        Column("Kind"),
        Column("Status"),
    ]
    rows = []
    for target in sorted(mine, key=lambda t: (t.kpi, str(t.valid_from))):
        kpi = review.kpis[target.kpi]
        scope = ", ".join(filter(None, [review.name if target.partner_id else "all partners", target.channel]))
        kind = (
            target.kind
            if target.baseline is None
            else f"{target.kind}, from {format_value(target.baseline, kpi.unit, currency=review.currency)}"
        )
        rows.append(
            [
                kpi.label,
                target_text(target, kpi, review.currency),
                scope,
                target.tier,
                day_text(target.valid_from),
                day_text(target.valid_to),
                kind,
                target.status,
            ]
        )
    return page.details(
        f"All {plural(len(mine), 'target')} that ever held",
        page.table(columns, rows, caption="Targets, as dated rows", classes="stack"),
    )


def row_accounting(review: Review) -> Markup:
    """What became of every row, folded."""
    check = review.dataset.check()
    columns = [Column("Table"), Column("Step"), Column("Rows", "right"), Column("Why")]
    rows = [[c.table, c.step, f"{c.rows:,}".replace("-", "−"), c.why or ""] for c in check.counts]
    table = page.table(columns, rows, caption="What became of every row of the dataset", row_headers=False)
    changed = [c for c in check.counts if c.step.startswith(("dropped", "changed"))]
    summary = (
        f"Row accounting: {plural(len(changed), 'named rule')} took out or changed rows"
        if changed
        else "Row accounting: no row taken out or changed"
    )
    return page.details(summary, table)


def data_warnings(review: Review) -> Markup:
    """What the check of the data found, folded."""
    check = review.dataset.check()
    found = [p for p in check.found if p.severity == "warning"]
    items = Markup("").join(
        Markup("<li>{} {}: {} ({}; {})</li>").format(
            p.table, p.column, p.rule, p.value or MISSING, plural(p.count, "row")
        )
        for p in found
    )
    items += Markup("").join(Markup("<li>{}</li>").format(note) for note in check.notes)
    if not items:
        return Markup("<p>The data passed every check without a warning.</p>")
    return page.details(
        f"{plural(len(found), 'warning')} and {plural(len(check.notes), 'note')} of the data check",
        Markup("<ul>{}</ul>").format(items),
    )


def provenance(review: Review) -> Markup:
    """Source, fingerprint and versions."""
    dataset = review.dataset
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    attribution = Markup("<p>{}</p>").format(dataset.config.attribution) if dataset.config.attribution else Markup("")
    return attribution + Markup(
        "<p class='muted'>Every number of this page, cells of tables included, is in the .kpis.csv made with it. "
        "Dataset {}, fingerprint {}. bpo_analysis {}, Python {}, {}.</p>"
    ).format(dataset.name, dataset.fingerprint, bpo_analysis.__version__, platform.python_version(), versions)


def data_record(review: Review) -> dict[str, Any]:
    """Dataset and row accounting, for the record of the run."""
    return {
        "data": {
            "name": review.dataset.name,
            "title": review.dataset.title,
            "path": str(review.dataset.path),
            "fingerprint": review.dataset.fingerprint,
            "first_day": str(review.dataset.span[0]),
            "last_day": str(review.dataset.span[1]),
        },
        "rows": [{"table": c.table, "step": c.step, "rows": c.rows} for c in review.dataset.check().counts],
    }


def _record(review: Review, judged: Judgement | None) -> dict[str, Any]:
    return {
        **data_record(review),
        "kpis": ledger_rows(review),
        "tests": [] if judged is None else [_test_row(row) for row in _shown(review, judged).to_dict("records")],
    }


def ledger_rows(review: Review, *, start: date | None = None, end: date | None = None) -> list[dict[str, Any]]:
    """Every number a page printed, for the record of the run; cells and sentences are about the period by default."""
    start, end = start or review.period.start, end or review.period.end
    return [
        *(_ledger_row(review, measure) for measure in review.ledger.values()),
        *(_figure_row(review, figure) for figure in review.figures.values()),
        *printed_rows(review.printed, start, end, partner_id=review.partner_id),
    ]


def printed_rows(printed: Iterable[Printed], start: date, end: date, *, partner_id: str) -> list[dict[str, Any]]:
    """Cells of tables and numbers in sentences, for the record of the run."""
    return [
        {
            "partner_id": partner_id,
            "kind": one.kind,
            "kpi": one.id,
            "from": str(start),
            "to": str(end),
            "slice": one.place,
            "numerator": None,
            "denominator": None,
            "value": one.value,
            "unit": one.unit,
            "ci_low": None,
            "ci_high": None,
            "shown": one.text,
            "days": None,
        }
        for one in printed
    ]


def _test_row(row: dict[Any, Any]) -> dict[str, Any]:
    """One test for the record of the run; what could not be made is null, not a number."""
    numbers = {name: None if isnan(row[name]) else float(row[name]) for name in ("pvalue", "adjusted_pvalue")}
    return {"family": row["family"], "label": row["label"], **numbers, "found": bool(row["found"])}


def _ledger_row(review: Review, measure: Measure) -> dict[str, Any]:
    limits = measure.limits
    return {
        "partner_id": review.partner_id,
        "kind": "kpi",
        "kpi": measure.kpi.name,
        "from": str(measure.start),
        "to": str(measure.end),
        "slice": "; ".join(f"{k}={v}" for k, v in measure.where.items()),
        "numerator": measure.numerator,
        "denominator": measure.denominator if measure.kpi.pooling == "ratio" else None,
        "value": measure.value,
        "unit": measure.kpi.unit,
        "ci_low": limits[0] if limits else None,
        "ci_high": limits[1] if limits else None,
        "shown": measure.text,
        "days": measure.days,
    }


def _figure_row(review: Review, figure: Figure) -> dict[str, Any]:
    limits = figure.limits
    return {
        "partner_id": review.partner_id,
        "kind": "figure",
        "kpi": figure.id,
        "from": str(figure.start),
        "to": str(figure.end),
        "slice": "; ".join(f"{k}={v}" for k, v in figure.where.items()),
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "value": figure.value,
        "unit": figure.unit,
        "ci_low": limits[0] if limits else None,
        "ci_high": limits[1] if limits else None,
        "shown": figure.text,
        "days": None,
    }
