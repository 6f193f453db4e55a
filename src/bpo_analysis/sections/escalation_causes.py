"""Escalations: the level that dealt with them, those that came again, and what they were about."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import format_value, of_them, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.escalations import Levels, causes, escalations_known, levels, repeats
from bpo_analysis.sections.amounts import noted_count, noted_share
from bpo_analysis.sections.escalations import NO_TABLE
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["escalation_causes"]


@placed(audiences=("account", "delivery"))
def escalation_causes(review: Review) -> Section:
    """Severity by level with the share at the right one, repeats, root causes, owner side."""
    id, title = "escalation-causes", "Levels, repeats and causes"
    table = escalations_known(review)
    if table is None:
        return missing(id, title, NO_TABLE.format(end=review.period.end))
    body = _levels(review, levels(review, table)) + _repeats(review) + _causes(review, table)
    question = "Did the right level deal with it, did it come back, and what was it about?"
    return Section(id, page.section(id, title, body, question=question))


def _levels(review: Review, found: Levels | None) -> Markup:
    if found is None:
        return page.note("Levels: not shown, no escalation of the period has both severity and level.")
    if not found.expected:
        lead = page.note(
            "Right level: not shown, table contacts names no level for a severity. With it the share at the agreed "
            "level is counted."
        )
    elif found.right is None:
        lead = page.note("Right level: not shown, table contacts names no level for the severities of this period.")
    else:
        text, between = noted_share(
            review, "escalations.right_level", found.right, numerator=found.right.estimate * found.right.total
        )
        in_time = ""
        if found.right_in_time is not None:
            share, limits = noted_share(
                review, "escalations.right_level_in_time", found.right_in_time,
                numerator=found.right_in_time.estimate * found.right_in_time.total,
            )  # fmt: skip
            in_time = f" At the right level and within the agreed time: {share} ({limits}) of those decided by now."
        lead = Markup("<p>At the level agreed for their severity: {} ({}) of {}.{}</p>").format(
            text, between, plural(int(found.right.total), "escalation"), in_time
        )
    names = [str(level) for level in found.matrix.columns]
    columns = [Column("Severity"), *(Column(f"Level {name}", "right") for name in names)]
    rows: list[list[str | Markup | Cell]] = []
    for severity, counts in found.matrix.iterrows():
        agreed = found.expected.get(str(severity), frozenset())
        cells = [
            Markup("<strong>{}</strong>").format(int(counts[name])) if name in agreed else str(int(counts[name]))
            for name in found.matrix.columns
        ]
        rows.append([str(severity), *cells])
    bold = "; agreed levels in bold" if found.right is not None else ""
    return lead + page.table(columns, rows, caption=f"Severity by level, opened {review.period.when}{bold}")


def _repeats(review: Review) -> Markup:
    found = repeats(review)
    if found is None:
        reason = (
            review.dataset.why_no_extract("escalation_repeats")
            if review.extract("escalation_repeats") is None
            else f"no escalation opened {review.period.when} names its contact"
        )
        return page.note(f"Repeat escalations: not shown, {reason}.")
    count = len(found.rows)
    text, between = noted_share(review, "escalations.repeat", found.share, numerator=float(count))
    same = f", {of_them(found.same_category, count, 'about the same matter')}" if count else ""
    lead = Markup("<p>{} of {} came within 30 days of another of the same customer or contact ({}, {}){}.</p>")
    body = lead.format(count or "None", int(found.share.total), text, between, same)
    if count:
        columns = [Column("Escalation"), Column("Repeats"), Column("Days after", "right"), Column("Same matter")]
        rows = [
            [
                str(r["escalation_id"]),
                str(r["repeat_of"]),
                f"{r['gap_days']:.1f}",
                "yes" if r["same_category"] else "no",
            ]
            for r in found.rows.to_dict("records")
        ]
        body += page.details("Repeat escalations", page.table(columns, rows, caption="Repeats of the period"))
    return body


def _causes(review: Review, table: pd.DataFrame) -> Markup:
    parts = [("root_cause", "Root cause"), ("owner_side", "Owner side"), ("category", "Category")]
    body = Markup("")
    for column, word in parts:
        if table[column].isna().all():
            continue
        found = causes(table, column)
        if found.empty:
            continue
        shown = _cause_table(review, found, word)
        body += page.details(f"Escalations by {word.lower()}", shown) if column == "category" else shown
    return body


def _cause_table(review: Review, found: pd.DataFrame, word: str) -> Markup:
    columns = [
        Column(word),
        Column("Opened", "right"),
        Column("Share", "right"),
        Column("Running total", "right"),
        Column("Earlier share", "right", f"in {review.before_title}"),
        Column("Open", "right"),
    ]
    rows = []
    for row in found.to_dict("records"):
        count = noted_count(review, "escalations.by_" + word.lower().replace(" ", "_"), row["count"], "escalations",
                            {"value": row["value"]})  # fmt: skip
        rows.append(
            [
                plain(row["value"]),
                count,
                page.with_bar(format_value(row["share"], "share"), row["share"]),
                format_value(row["cumulative"], "share"),
                format_value(row["before_share"], "share"),
                str(row["open"]),
            ]
        )
    return page.table(
        columns, rows, caption=f"{word} of escalations opened {review.period.when}, most first", classes="stack"
    )
