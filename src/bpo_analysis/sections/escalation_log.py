"""Escalations one by one: the log, and the steps of each."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.escalations import escalations_known, steps_of
from bpo_analysis.sections.escalations import NO_TABLE
from bpo_analysis.sections.parts import text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["escalation_log", "log_columns", "log_row"]

_LOGGED = 40
"""Escalations of the log that are shown; the rest are counted."""


@placed(audiences=("account", "delivery"))
def escalation_log(review: Review) -> Section:
    """Every escalation opened in the period or open at its end, with its steps folded."""
    id, title = "escalation-log", "Escalation log"
    table = escalations_known(review)
    if table is None:
        return missing(id, title, NO_TABLE.format(end=review.period.end))
    shown = table[(table["stretch"] == "period") | ~table["closed"]]
    if shown.empty:
        text = f"No escalation was opened {review.period.when}, and none is open on {review.period.end}."
        return Section(id, page.section(id, title, Markup("<p>{}</p>").format(text)))
    # Open ones first, oldest first: what has to be dealt with stands on top.
    shown = (
        shown.assign(_closed=shown["closed"])
        .sort_values(["_closed", "opened_at"], kind="stable")
        .drop(columns="_closed")
    )
    listed = shown.head(_LOGGED)
    steps = steps_of(review, [str(name) for name in listed["escalation_id"]])
    more = f", {len(shown) - _LOGGED} more not shown" if len(shown) > _LOGGED else ""
    caption = f"Opened {review.period.when} or open on {review.period.end}, open ones first{more}"
    rows = [log_row(row) for row in listed.to_dict("records")]
    body = page.table(log_columns(), rows, caption=caption, classes="stack")
    body += _timelines(review, listed, steps)
    question = "What happened to each, step by step?"
    return Section(id, page.section(id, title, body, question=question))


def log_columns() -> list[Column]:
    """Columns of a list of escalations."""
    return [
        Column("Escalation"),
        Column("Opened"),
        Column("Severity", note="and level"),
        Column("About", note="and cause"),
        Column("Owner"),
        Column("Took", "right", "or open for"),
        Column("Agreed", "right"),
        Column("State"),
    ]


def log_row(row: dict[str, object]) -> list[str | Markup | Cell]:
    """One escalation, as :func:`log_columns` has it."""
    hours = float(str(row["hours"]))
    due = row["due_hours"]
    agreed = MISSING if due is None or pd.isna(due) else f"{float(str(due)):g} h"
    late = agreed != MISSING and hours > float(str(due))
    state = "closed" if row["closed"] else "open"
    return [
        str(row["escalation_id"]),
        f"{pd.Timestamp(str(row['opened_at'])):%Y-%m-%d %H:%M}",
        f"{text_or_missing(row['severity'])}, level {text_or_missing(row['level'])}",
        f"{plain(text_or_missing(row['category']))}: {plain(text_or_missing(row['root_cause']))}",
        text_or_missing(row["owner_side"]),
        Cell(format_value(hours, "hours"), sort=hours),
        agreed,
        state + (", late" if late else ""),
    ]


def _timelines(review: Review, listed: pd.DataFrame, steps: dict[str, pd.DataFrame]) -> Markup:
    if review.register("escalation_steps") is None:
        return page.note("Steps: not shown, table escalation_steps is not in this dataset.")
    opened = listed.set_index("escalation_id")["opened_at"]
    items = []
    for name, rows in steps.items():
        lines = Markup("").join(
            Markup("<li>{:%Y-%m-%d %H:%M} ({} after opening), {}: {}</li>").format(
                row["at"],
                format_value((row["at"] - opened[name]).total_seconds() / 3600, "hours"),
                text_or_missing(row["by"]),
                text_or_missing(row["step"]),
            )
            for row in rows.to_dict("records")
        )
        items.append(page.details(f"{name}: {plural(len(rows), 'step')}", Markup("<ol>{}</ol>").format(lines)))
    without = len(listed) - len(steps)
    note = f"No step is on record for {without} of {len(listed)}." if without else ""
    return Markup("").join(items) + (Markup('<p class="muted">{}</p>').format(note) if note else Markup(""))
