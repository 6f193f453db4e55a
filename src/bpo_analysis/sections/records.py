"""Sections that show registers: escalations and updates, actions, improvement, the client's side, risk and contract."""

from __future__ import annotations

from math import isfinite

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.concentration import CEILING, concentration
from bpo_analysis.review.context import Review
from bpo_analysis.review.findings import unexplained
from bpo_analysis.review.registers import (
    EscalationView,
    actions_at,
    contract_terms,
    escalations_at,
    exceptions_at,
    updates_in,
)
from bpo_analysis.review.scorecard import clauses
from bpo_analysis.sections.parts import available, day_text, kpi_table, text_or_missing
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.stats import TimeToEvent

__all__ = ["client_commitments", "corrective_actions", "escalations_and_updates", "improvement", "risk_and_contract"]

_ROWS = 12
"""Rows of a register shown on the page; the rest are counted."""


def escalations_and_updates(review: Review) -> Section:
    """Escalations with open ones counted, and updates with lead time and training."""
    view, updates = escalations_at(review), updates_in(review)
    id, title = "escalations", "Escalations and updates"
    if view is None and updates is None:
        return missing(id, title, "tables escalations and updates are not in this dataset.")
    body = (
        _escalations(review, view)
        if view
        else page.note("Escalations: not shown, the table is absent or has no rows of this partner.")
    )
    body += (
        _updates(review, updates)
        if updates is not None
        else page.note("Updates: not shown, table updates is not in this dataset.")
    )
    return Section(
        id,
        page.section(
            id, title, body, question="What had to be escalated, how long did it take, and does news reach the agents?"
        ),
    )


def _escalations(review: Review, view: EscalationView) -> Markup:
    rate = available(review, ("escalation_rate",))
    body = kpi_table(review, rate, caption="Escalations per 1,000 contacts handled") if rate else Markup("")
    body += Markup("<p>{}, {} closed; {} open on {}.</p>").format(
        plural(view.opened, "escalation opened", "escalations opened"), view.closed, view.open_now, review.period.end
    )
    columns = [
        Column("Opened in"),
        Column("Median", "right"),
        Column("90 % within", "right"),
        Column("Cases", "right"),
        Column("Open", "right"),
    ]
    rows = [_turnaround_row(review.period.title, view.now), _turnaround_row(review.before_title, view.before)]
    body += page.table(
        columns, rows, caption="Turnaround, open cases counted for as long as they have been open (Kaplan-Meier)"
    )
    if not view.oldest.empty:
        oldest = view.oldest.head(_ROWS).to_dict("records")
        table_rows = [
            [
                str(r["escalation_id"]),
                f"{r['age_days']:.1f}",
                text_or_missing(r["severity"]),
                text_or_missing(r["category"]),
                text_or_missing(r["owner_side"]),
            ]
            for r in oldest
        ]
        names = [
            Column("Escalation"),
            Column("Days open", "right"),
            Column("Severity"),
            Column("Category"),
            Column("Owner"),
        ]
        body += page.table(names, table_rows, caption=f"Open longest ({len(oldest)} of {view.open_now})")
    return body


def _turnaround_row(label: str, found: TimeToEvent | None) -> list[str]:
    if found is None:
        return [label, MISSING, MISSING, "fewer than 5", MISSING]
    median = format_value(found.median, "hours") if isfinite(found.median) else "not reached"
    p90 = format_value(found.p90, "hours") if isfinite(found.p90) else "not reached"
    return [label, median, p90, str(found.n), str(found.n_open)]


def _updates(review: Review, updates: pd.DataFrame) -> Markup:
    if updates.empty:
        return Markup("<p>No update took effect in {}.</p>").format(review.period.title)
    columns = [
        Column("Update"),
        Column("Source"),
        Column("Announced"),
        Column("In force"),
        Column("Lead", "right", "days"),
        Column("Trained on time", "right"),
    ]
    rows = []
    for row in updates.head(_ROWS).to_dict("records"):
        trained = (
            review.measure(
                "training_completion",
                start=row["effective_on"].date() - pd.Timedelta(days=60),
                end=review.period.end,
                where={"category": str(row["update_id"])},
            )
            if "training_completion" not in review.dataset.unavailable
            else None
        )
        rows.append(
            [
                text_or_missing(row["title"]),
                text_or_missing(row["source"]),
                day_text(row["announced_on"]),
                day_text(row["effective_on"]),
                f"{row['lead_days']}",
                trained.text if trained else MISSING,
            ]
        )
    more = f", {len(updates) - _ROWS} more not shown" if len(updates) > _ROWS else ""
    return page.table(columns, rows, caption=f"Updates in force since {review.period.title}{more}")


def corrective_actions(review: Review) -> Section:
    """Missed targets and their chain, and every corrective action with its age."""
    id, title = "actions", "Root causes and corrective actions"
    open_misses = unexplained(review, clauses(review))
    lines = Markup("").join(
        Markup(
            "<li>{} {} ({}): <strong>unexplained</strong>, no action in time with cause, owner and date.</li>"
        ).format(row.kpi.label, row.measure.text if row.measure else MISSING, row.target_text)
        for row in open_misses
    )
    body = (
        Markup("<ul>{}</ul>").format(lines)
        if open_misses
        else Markup("<p>No target is missed without an action in time on record.</p>")
    )
    actions = actions_at(review)
    if actions is None:
        body += page.note("Actions: not shown, table actions is not in this dataset.")
    else:
        body += _action_table(
            review,
            actions[actions["type"] != "improvement"],
            f"Actions open on {review.period.end} or closed in the period",
        )
    return Section(id, page.section(id, title, body, question="What is done about it, by whom, until when?"))


def _action_table(review: Review, actions: pd.DataFrame, caption: str) -> Markup:
    if actions.empty:
        return Markup("<p>No such action is on record.</p>")
    columns = [
        Column("State"),
        Column("Action"),
        Column("KPI"),
        Column("Root cause"),
        Column("Owner"),
        Column("Due"),
        Column("Age", "right", "days"),
        Column("Measured effect"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for row in actions.to_dict("records"):
        late = f" by {plural(int(row['overdue_days']), 'day')}" if row["state"] == "overdue" else ""
        side = f" ({row['owner_side']})" if isinstance(row["owner_side"], str) else ""
        rows.append(
            [
                f"{row['state']}{late}",
                str(row["action"]),
                _kpi_label(review, row["kpi"]),
                text_or_missing(row["root_cause"]),
                text_or_missing(row["owner"]) + side,
                day_text(row["due_on"]),
                f"{row['age_days']}",
                text_or_missing(row["measured_effect"]),
            ]
        )
    return page.table(columns, rows, caption=caption, classes="stack")


def _kpi_label(review: Review, name: object) -> str:
    kpi = review.kpis.get(str(name))
    return kpi.label if kpi else text_or_missing(name)


def improvement(review: Review) -> Section:
    """Improvements on record: who proposed them, state, effect on quality and cost."""
    id, title = "improvement", "Continuous improvement"
    actions = actions_at(review)
    if actions is None:
        return missing(id, title, "table actions is not in this dataset.")
    found = actions[actions["type"] == "improvement"]
    if found.empty:
        return missing(id, title, f"no improvement is open or was closed in {review.period.title}.")
    by_partner = int((found["proposed_by"] == "partner").sum())
    columns = [
        Column("State"),
        Column("Improvement"),
        Column("Proposed by"),
        Column("Approved"),
        Column("On quality"),
        Column("On cost"),
    ]
    rows = [
        [
            str(r["state"]),
            str(r["action"]),
            text_or_missing(r["proposed_by"]),
            day_text(r["approved_on"]),
            text_or_missing(r["effect_quality"]),
            text_or_missing(r["effect_cost"]),
        ]
        for r in found.to_dict("records")
    ]
    body = Markup("<p>{} on record, {} proposed by the partner.</p>").format(
        plural(len(found), "improvement"), by_partner
    )
    body += page.table(columns, rows, caption="Improvements", classes="stack")
    return Section(id, page.section(id, title, body, question="Does the partner improve by itself?"))


def client_commitments(review: Review) -> Section:
    """The client's own side: forecast, notice of updates, commitments."""
    id, title = "client", "Client-side commitments"
    shown = available(review, ("forecast_wape", "forecast_bias"))
    updates, actions = updates_in(review), actions_at(review)
    if not shown and updates is None and actions is None:
        return missing(id, title, "tables forecasts, updates and actions are not in this dataset.")
    body = kpi_table(review, shown, caption="The client's forecast") if shown else Markup("")
    if updates is not None and not updates.empty:
        agreed = updates["agreed_lead_days"].notna()
        kept = int((updates["lead_days"] >= updates["agreed_lead_days"])[agreed].sum())
        promise = f"; agreed lead time kept in {kept} of {int(agreed.sum())}" if agreed.any() else ""
        body += Markup("<p>Updates were announced {} before they took effect (median of {}{}).</p>").format(
            plural(int(updates["lead_days"].median()), "day"), len(updates), promise
        )
    if actions is not None:
        body += _action_table(
            review,
            actions[(actions["owner_side"] == "client") & (actions["type"] != "improvement")],
            "What the client owes",
        )
    return Section(id, page.section(id, title, body, question="Did the client keep its own side?"))


def risk_and_contract(review: Review) -> Section:
    """Concentration with its agreed exceptions, and the dates and terms of the contract."""
    body = _concentration(review) + _exceptions(review) + _terms(review)
    return Section(
        "risk",
        page.section(
            "risk",
            "Risk and contract",
            body,
            question="What depends on this partner, and how easily could either side leave?",
        ),
    )


def _concentration(review: Review) -> Markup:
    shares = concentration(review)
    if review.partner["kind"] == "inhouse":
        return page.note("Concentration is judged for outside partners; this is the in-house team.")
    if shares.empty:
        return page.note("Concentration: not shown, volume names no channel, product, shift or reason.")
    if len(review.dataset.partners) == 1:
        return page.note("Concentration: with a single partner in the dataset every share is 100 %.")
    columns = [
        Column("Slice"),
        Column("Share", "right"),
        Column("Contacts", "right"),
        Column("Of all", "right"),
        Column("Flag"),
    ]
    rows = []
    for row in shares.head(_ROWS).to_dict("records"):
        flag = row["exception"] or ("no agreed exception" if row["flagged"] else "")
        rows.append(
            [
                f"{row['dimension']}: {row['value']}",
                format_value(row["share"], "share"),
                format_value(row["partner"], "count"),
                format_value(row["total"], "count"),
                flag,
            ]
        )
    ceiling = format_value(CEILING, "share", decimals=0)
    return page.table(
        columns, rows, caption=f"Share of contacts handled by this partner, largest first; flagged from {ceiling}"
    )


def _exceptions(review: Review) -> Markup:
    found = exceptions_at(review)
    if found is None or found.empty:
        return Markup("")
    columns = [Column("Exception"), Column("Why"), Column("Approved by"), Column("Since"), Column("Review on")]
    rows = [
        [
            f"{r['dimension']}: {r['value']}",
            text_or_missing(r["why"]),
            text_or_missing(r["approved_by"]),
            day_text(r["valid_from"]),
            day_text(r["review_on"]) + (" (past)" if r["past_review"] else ""),
        ]
        for r in found.to_dict("records")
    ]
    return page.table(columns, rows, caption="Agreed exceptions to the concentration rule")


def _terms(review: Review) -> Markup:
    found = contract_terms(review)
    if found is None:
        return page.note("Contract terms: not shown, table contracts is not in this dataset.")
    if found.empty:
        return page.note("No contract is in force on the last day of the period.")
    columns = [
        Column("Contract"),
        Column("Ends"),
        Column("Renews"),
        Column("Client gives notice by"),
        Column("Partner's notice", "right", "days"),
        Column("For convenience"),
        Column("Least heads", "right"),
        Column("Review on"),
    ]
    yes_no = {True: "yes", False: "no"}
    rows = [
        [
            str(r["contract_id"]),
            day_text(r["end"]),
            yes_no.get(r["auto_renew"], MISSING),
            day_text(r["notice_by"]),
            format_value(r["notice_days_partner"], "count"),
            yes_no.get(r["termination_for_convenience"], MISSING),
            format_value(r["min_heads"], "count"),
            day_text(r["review_on"]),
        ]
        for r in found.to_dict("records")
    ]
    return page.table(columns, rows, caption="Terms in force", classes="stack")
