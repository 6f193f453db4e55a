"""What the partner does, task by task: how much of the work, how hard, and how much of the client's own."""

from __future__ import annotations

from math import isnan
from typing import Any

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_axis, format_value, plain
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import Bubble, plot_bubbles, to_svg
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.scope import COMPLEXITY, scope_register
from bpo_analysis.sections.parts import kpi_link, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["scope"]

_ID, _TITLE = "scope", "Scope and how hard it is"


@placed(audiences=["account"], client_only=True)
def scope(review: Review) -> Section:
    """Register of tasks with their share of the work and the signs of complexity side by side."""
    table = scope_register(review)
    if table is None:
        return missing(_ID, _TITLE, "volume names no contact reason.")
    signs = [name for name in COMPLEXITY if name in table.columns]
    columns = [
        Column("Task", note="contact reason"),
        Column("Contacts", "right", "of this partner"),
        Column("Handling time", "right", "of this partner"),
        Column("Its part", "right", "of the client's"),
        *(Column(review.kpis[name].label, "right") for name in signs),
        Column("Harder", "right", "signs clearly above"),
    ]
    rows = [_row(review, row, signs) for row in table.to_dict("records")]
    stretch = f"{review.before()[0]} to {review.period.end}"
    body = Markup("<p>{}</p>").format(_lead(table.to_dict("records"), signs))
    body += _chart(review, table.to_dict("records"), signs, stretch)
    body += page.table(columns, rows, caption=f"Tasks from {stretch}, most contacts first", classes="stack")
    links = Markup(", ").join(kpi_link(review.kpis[name]) for name in signs)
    if signs:
        body += Markup(
            '<p class="muted">Signs of a hard task are shown side by side and not added up: {}. A sign counts as '
            "harder where its {} interval lies above the partner's own total. So many are looked at that this is "
            "description, not a finding.</p>"
        ).format(links, percent(review.confidence_level))
    return Section(
        _ID, page.section(_ID, _TITLE, body, question="Are the tasks simple enough to hand over, and worth it?")
    )


def _is_hard(row: dict[str, Any]) -> bool:
    """Whether most of the known signs lie clearly above the partner's own total."""
    return bool(row["harder"] * 2 > row["known"] > 0)


def _chart(review: Review, rows: list[dict[str, Any]], signs: list[str], stretch: str) -> Markup:
    """Draw tasks by handling time and a second sign, as large as their part of the contacts."""
    found = _shown_signs(rows, signs)
    if found is None:
        return page.note("Chart of tasks: not shown, it needs two signs of how hard a task is for two tasks or more.")
    across, up, drawn = found
    start, end = review.before()[0], review.period.end
    whole = [review.measure(name, start=start, end=end) for name in (across, up)]
    bubbles = [
        Bubble(name=plain(str(r["reason"])), x=r[across].value, y=r[up].value, size=r["share"], marked=_is_hard(r))
        for r in drawn
    ]
    labels = [review.kpis[name].label for name in (across, up)]
    units = [review.kpis[name].unit for name in (across, up)]

    def draw(*, phone: bool) -> str:
        ax = plot_bubbles(
            bubbles, x_label=labels[0], y_label=labels[1], format_x=lambda v: format_axis(v, units[0]),
            format_y=lambda v: format_axis(v, units[1]), phone=phone,
            centre=(whole[0].value, whole[1].value) if whole[0] and whole[1] else None,
        )  # fmt: skip
        return to_svg(ax)

    hard = [r for r in drawn if _is_hard(r)]
    largest = max(drawn, key=lambda r: r["share"])
    share = percent(sum(float(r["share"]) for r in hard))
    finding = (
        f"Harder by most signs: {', '.join(plain(str(r['reason'])) for r in hard)}, together {share} of contacts"
        if hard
        else f"No task is harder by most signs; the largest, {plain(str(largest['reason']))}, is "
        f"{percent(largest['share'])} of contacts"
    )
    places = "; ".join(f"{b.name} {r[across].text} and {r[up].text}" for b, r in zip(bubbles, drawn, strict=True))
    alt = (
        f"{finding}. Bubbles by {labels[0].lower()} and {labels[1].lower()}, {stretch}: {places}. Area is the part of "
        "contacts; squares are harder by most signs; dashed lines are the partner's own total."
    )
    columns = [
        Column("Task"),
        Column("Contacts", "right", "of this partner"),
        *(Column(name, "right") for name in labels),
    ]
    cells = [
        [b.name, format_value(r["share"], "share"), r[across].text, r[up].text]
        for b, r in zip(bubbles, drawn, strict=True)
    ]
    key = f"Area: part of the contacts. Squares: harder by most signs. Dashed: the total of {review.name}."
    data = page.table(columns, cells, caption="Tasks as drawn")
    figure = page.figure(
        draw(phone=False), title=finding, alt=alt, data=data, id="fig-scope", narrow=draw(phone=True)
    )  # fmt: skip
    return figure + Markup('<p class="muted">{}</p>').format(key)


def _shown_signs(rows: list[dict[str, Any]], signs: list[str]) -> tuple[str, str, list[dict[str, Any]]] | None:
    """Return the two signs that most tasks have a value of, and the tasks that have both; None below two tasks."""
    if len(signs) < 2:
        return None
    across = signs[0]
    pairs = {up: [r for r in rows if r[across] is not None and r[up] is not None] for up in signs[1:]}
    up = max(pairs, key=lambda name: len(pairs[name]))
    return (across, up, pairs[up]) if len(pairs[up]) > 1 else None


def _lead(rows: list[dict[str, Any]], signs: list[str]) -> str:
    hard = [plain(str(r["reason"])) for r in rows if signs and _is_hard(r)]
    easy = [plain(str(r["reason"])) for r in rows if signs and not r["harder"] and r["known"]]
    if not signs:
        return "How hard a task is cannot be told: its handling time, transfers, escalations and reopening are unknown."
    parts = []
    if hard:
        parts.append(f"Harder than the rest by most signs: {', '.join(hard)}.")
    if easy:
        share = sum(float(r["share"]) for r in rows if plain(str(r["reason"])) in easy)
        parts.append(
            f"Simple by these signs, none of them clearly above the partner's own total: {', '.join(easy)} "
            f"({percent(share)} of contacts)."
        )
    return " ".join(parts) or "No task stands out by most signs."


def _row(review: Review, row: dict[str, object], signs: list[str]) -> list[str | Markup | Cell]:
    where = {"category": str(row["reason"])}
    cells: list[str | Markup | Cell] = [plain(str(row["reason"]))]
    for name in ("share", "work_share", "of_client"):
        value = float(row[name])  # type: ignore[arg-type]
        if isnan(value):
            cells.append(MISSING)
            continue
        text = format_value(value, "share")
        review.note_figure(f"scope.{name}", value, text, unit="share", where=where, start=review.before()[0])
        cells.append(Cell(text, sort=value))
    for name in signs:
        found = row[name]
        cells.append(_measure_cell(found) if isinstance(found, Measure) else MISSING)
    cells.append(f"{row['harder']} of {row['known']}" if row["known"] else MISSING)
    return cells


def _measure_cell(found: Measure) -> Cell:
    text = Markup('{} <span class="interval">{}</span>').format(found.text, found.interval_text)
    return Cell(text, sort=found.value)
