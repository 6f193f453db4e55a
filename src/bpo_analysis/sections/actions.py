"""Root causes and corrective actions: the chain of every missed target, and what closed actions really did."""

from __future__ import annotations

from math import isfinite
from typing import Any

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, format_interval, format_value, of_them, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.action_effects import ActionEffect, action_effects
from bpo_analysis.review.actions import ActionAges, Chain, action_ages, carried_over, chains
from bpo_analysis.review.context import Review
from bpo_analysis.review.governance import contact_for
from bpo_analysis.review.registers import actions_at
from bpo_analysis.sections.parts import actual_cell, day_text, kpi_link, percent, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section

__all__ = ["action_table", "corrective_actions", "effect_rows", "effect_table"]

_ID, _TITLE = "actions", "Root causes and corrective actions"


@placed(audiences=("account", "delivery"))
def corrective_actions(review: Review) -> Section:
    """Missed targets with their chain, closed actions held against their KPI, and open actions with their age."""
    found = chains(review)
    effects = [e for e in action_effects(review) if e.action["type"] != "improvement"]
    body = _lead(review, found, effects) + _chain_table(review, found)
    actions = actions_at(review)
    if actions is None:
        body += page.note("Actions: not shown, table actions is not in this dataset.")
    else:
        if effects:
            body += effect_table(review, effects, "Closed actions held against their KPI")
        ages = action_ages(review)
        body += _ages(review, ages) if ages else Markup("")
        caption = f"Actions open on {review.period.end} or closed in the period"
        body += action_table(review, actions[actions["type"] != "improvement"], caption)
    question = "What is done about it, by whom, until when, and did it help?"
    return Section(_ID, page.section(_ID, _TITLE, body, question=question))


def _lead(review: Review, found: list[Chain], effects: list[ActionEffect]) -> Markup:
    """Say how many misses have a complete chain, then which closed actions did not move their KPI."""
    explained = sum(chain.explained for chain in found)
    if not found:
        first = "No target is missed."
    else:
        complete = "backed by cause, action, owner and dates on record, and in time"
        first = f"{plural(len(found), 'target')} missed, {of_them(explained, len(found), complete)}."
    lines = [Markup("<p>{}</p>").format(first)]
    open_misses = [chain for chain in found if not chain.explained]
    if open_misses:
        items = Markup("").join(_unexplained(chain) for chain in open_misses)
        lines.append(Markup("<ul>{}</ul>").format(items))
    still = [e for e in effects if e.word in ("did not move as expected", "moved the other way")]
    if still:
        names = "; ".join(f"{e.action['action']} ({e.kpi.label if e.kpi else ''}: {e.word})" for e in still)
        lines.append(page.note(f"Closed, but the KPI did not follow: {names}.", "concern"))
    return Markup("").join(lines)


def _unexplained(chain: Chain) -> Markup:
    row = chain.clause.row
    what = "no action on record" if chain.action is None else ", ".join(chain.faults)
    return Markup("<li>{} {} ({}): <strong>{}</strong>.</li>").format(
        row.kpi.label, row.measure.text if row.measure else MISSING, row.target_text, what
    )


def _chain_table(review: Review, found: list[Chain]) -> Markup:
    if not found:
        return Markup("")
    columns = [
        Column("Missed target"),
        Column("Actual", "right"),
        Column("Root cause"),
        Column("Action"),
        Column("Owner"),
        Column("Due"),
        Column("Expected effect"),
        Column("Check on"),
        Column("Turn to"),
    ]
    rows = [_chain_row(review, chain) for chain in found]
    caption = "From each missed target to its root cause, action, owner, dates and expected effect"
    return page.table(columns, rows, caption=caption, classes="stack")


def _chain_row(review: Review, chain: Chain) -> list[str | Markup | Cell]:
    row = chain.clause.row
    scope = f" ({chain.clause.scope})" if chain.clause.scope else ""
    name = Markup('{}{} <span class="interval">{}</span>').format(kpi_link(row.kpi), scope, row.target_text)
    cells: list[str | Markup | Cell] = []
    for link in chain.links:
        text = day_text(link.value) if link.name in ("due date", "check date") else text_or_missing(link.value)
        if link.fault == "missing":
            cells.append(Markup("<strong>no {}</strong>").format(link.name))
        elif link.fault:
            cells.append(Markup("<span>{}: <strong>{}</strong></span>").format(text, link.fault))
        else:
            cells.append(text)
    contact = contact_for(review, row.kpi)
    turn_to = Markup('{} <span class="detail">{}</span>').format(contact.name, contact.role) if contact else MISSING
    return [name, actual_cell(row), *cells, turn_to]


def effect_table(review: Review, effects: list[ActionEffect], caption: str) -> Markup:
    """Table of closed actions: expected and measured change with its interval, verdict, what would have been found."""
    level = format_value(_level(review, effects), "share", decimals=1)
    columns = [
        Column("Action"),
        Column("KPI"),
        Column("Closed"),
        Column("Expected", "right"),
        Column("Measured", "right", f"{level} interval"),
        Column("Verdict"),
        Column("Would have been found", "right", "in four of five such series"),
    ]
    table = page.table(columns, effect_rows(review, effects), caption=caption, classes="stack")
    note = (
        "Level of the KPI from the closing on less the level before, over up to half a year on each side"
        "; beside the middle one of the other partners where three or more have the KPI. "
        "What was under way before the closing, and an unusual month just before it, is taken out. All closed actions "
        "together hold one error rate; of handle time, quality score and first-contact resolution it is also asked "
        "whether the agents who served before and after moved alike. That the KPI moved at that time does not show "
        "that the action moved it. These are descriptions of what is on record, outside the plan of tests of this page."
    )
    return table + page.note(note)


def _level(review: Review, effects: list[ActionEffect]) -> float:
    found = [e.result.confidence_level for e in effects if e.result is not None]
    return found[0] if found else review.confidence_level


def effect_rows(review: Review, effects: list[ActionEffect]) -> list[list[str | Markup | Cell]]:
    """Rows of :func:`effect_table`."""
    return [_effect_row(review, effect) for effect in effects]


def _effect_row(review: Review, effect: ActionEffect) -> list[str | Markup | Cell]:
    action, kpi, result = effect.action, effect.kpi, effect.result
    written = text_or_missing(action["expected_effect"])
    first = [
        str(action["action"]),
        kpi_link(kpi) if kpi else text_or_missing(action["kpi"]),
        day_text(action["closed_on"]),
    ]
    if kpi is None or result is None:
        return [
            *first,
            written,
            MISSING,
            Markup('{} <span class="detail">{}</span>').format(
                page.evidence_mark("cannot tell", good=None), effect.why
            ),
            MISSING,
        ]
    wanted = effect.expected_change
    expected: str | Markup = written
    if wanted is not None:
        change = format_change(wanted, kpi.unit, currency=review.currency)
        expected = Markup('{} <span class="detail">{}</span>').format(change, written)
    size = review.note_figure(
        "actions.effect", result.estimate, format_change(result.estimate, kpi.unit, currency=review.currency),
        unit=kpi.unit, ci_low=result.ci_low, ci_high=result.ci_high, start=pd.Timestamp(action["closed_on"]).date(),
        where={"action": str(action["action_id"]), "kpi": kpi.name},
    )  # fmt: skip
    limits = _limits(review, effect)
    measured = Markup('{} <span class="interval">{}</span> <span class="detail">{}</span>').format(
        size, limits, _levels(review, effect)
    )
    verdict = Markup('<strong>{}</strong> <span class="detail">{}</span>').format(effect.word, _reason(effect))
    seen = MISSING
    if isfinite(result.detectable_effect):
        text = format_change(result.detectable_effect, kpi.unit, currency=review.currency).lstrip("+")
        seen = review.note_figure(
            "actions.detectable", result.detectable_effect, text, unit=kpi.unit,
            where={"action": str(action["action_id"]), "kpi": kpi.name},
        )  # fmt: skip
    return [*first, expected, measured, verdict, seen]


def _limits(review: Review, effect: ActionEffect) -> str:
    kpi, result = effect.kpi, effect.result
    if kpi is None or result is None or not isfinite(result.ci_low):
        return "no interval"
    text = format_interval(result.ci_low, result.ci_high, kpi.unit, currency=review.currency)
    return text.replace(" %", " pp") if kpi.unit == "share" else text


def _levels(review: Review, effect: ActionEffect) -> str:
    """Means before and after, which the change is not where a course or a control is taken out."""
    kpi, result = effect.kpi, effect.result
    if kpi is None or result is None:
        return ""
    before, after = (
        review.note_figure(
            f"actions.{name}", value, format_value(value, kpi.unit, currency=review.currency), unit=kpi.unit,
            where={"action": str(effect.action["action_id"]), "kpi": kpi.name},
        )
        for name, value in (("before", result.before), ("after", result.after))
    )  # fmt: skip
    return f"mean {before} before, {after} after"


def _reason(effect: ActionEffect) -> str:
    parts = [effect.why]
    if effect.word == "moved as expected" and effect.less_than_expected:
        parts.append("by less than expected")
    if effect.result is not None:
        parts.append(f"n = {effect.result.n_before} + {effect.result.n_after} {effect.unit}s")
    return "; ".join(filter(None, parts))


def _ages(review: Review, ages: ActionAges) -> Markup:
    if not ages.open_now:
        return Markup("<p>No action is open on {}.</p>").format(review.period.end)
    late = review.note_figure(
        "actions.overdue_share", ages.overdue / ages.open_now,
        f"{ages.overdue} of {plural(ages.open_now, 'open action')}", unit="share", numerator=ages.overdue,
        denominator=ages.open_now,
    )  # fmt: skip
    carried = review.note_figure("actions.carried", ages.carried, str(ages.carried), unit="actions")
    text = f"{late} past the due date, improvements included; {carried} carried over from earlier periods."
    return Markup("<p>{} {}</p>").format(text, _closing(review, ages))


def _closing(review: Review, ages: ActionAges) -> str:
    """Median time to closing; a median over closed actions alone would look better the more stay open."""
    found = ages.closing
    if found is None:
        return "Too few actions are on record to say how long they take."
    level = percent(review.confidence_level)
    if not isfinite(found.median):
        least = f", at least {plural(int(found.median_ci_low), 'day')}" if isfinite(found.median_ci_low) else ""
        many = f"So many are still open ({found.n_open} of {found.n})"
        return f"{many} that the median time to closing is not reached{least}."
    high = f"{found.median_ci_high:.0f}" if isfinite(found.median_ci_high) else "not known"
    median = review.note_figure("actions.median_days", found.median, f"{found.median:.0f} days", unit="days")
    return (
        f"Median time from raising to closing {median} ({level} interval {found.median_ci_low:.0f} to {high}), open "
        f"ones counted for as long as they have been open ({found.n_open} of {found.n})."
    )


def _noted(review: Review, id: str, number: int, unit: str, row: dict[Any, Any]) -> str:
    return review.note_figure(id, number, str(number), unit=unit, where={"action": str(row["action_id"])})


def action_table(review: Review, actions: pd.DataFrame, caption: str) -> Markup:
    """Table of actions with state, owner, dates, age and how often they were carried over."""
    if actions.empty:
        return Markup("<p>No such action is on record.</p>")
    columns = [
        Column("State"),
        Column("Action"),
        Column("KPI"),
        Column("Root cause"),
        Column("Owner"),
        Column("Forum"),
        Column("Due"),
        Column("Age", "right", "days"),
        Column("Carried over", "right", f"{review.period.grain}s"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for row in actions.to_dict("records"):
        late = ""
        if row["state"] == "overdue":
            _noted(review, "actions.overdue_days", int(row["overdue_days"]), "days", row)
            late = f" by {plural(int(row['overdue_days']), 'day')}"
        side = f" ({row['owner_side']})" if isinstance(row["owner_side"], str) else ""
        kpi = review.kpis.get(str(row["kpi"]))
        rows.append(
            [
                f"{row['state']}{late}",
                str(row["action"]),
                kpi.label if kpi else text_or_missing(row["kpi"]),
                text_or_missing(row["root_cause"]),
                text_or_missing(row["owner"]) + side,
                text_or_missing(row["forum"]),
                day_text(row["due_on"]),
                _noted(review, "actions.age_days", int(row["age_days"]), "days", row),
                _noted(review, "actions.carried_over", carried_over(review, row["raised_on"]), "periods", row),
            ]
        )
    return page.table(columns, rows, caption=caption, classes="stack")
