"""What both sides owe: kept in time by each side, the client's forecast and notice, open and joint actions."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_interval, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.commitments import SIDES, Kept, OwedAction, kept_by_side, owed
from bpo_analysis.review.context import Review
from bpo_analysis.review.updates import updates_known
from bpo_analysis.sections.parts import available, day_text, kpi_table, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["client_commitments"]

_ID, _TITLE = "client", "Commitments on both sides"
_FORECAST = ("forecast_wape", "forecast_bias")


@placed(audiences=("account", "delivery"))
def client_commitments(review: Review) -> Section:
    """Promises kept in time by each side, the client's forecast and notice, and what is open on either side."""
    kept, open_now = kept_by_side(review), owed(review)
    shown, updates = available(review, _FORECAST), updates_known(review)
    if not kept and open_now is None and not shown and updates is None:
        names = "actions, deliverables, partner_requests, updates and forecasts"
        return missing(_ID, _TITLE, f"tables {names} are not in this dataset.")
    body = (
        _panel(review, kept) if kept else page.note("Nothing fell due in the twelve months to the end of the period.")
    )
    body += kpi_table(review, shown, caption="The client's forecast") if shown else Markup("")
    if updates is not None and updates["in_period"].any():
        body += Markup("<p>{}</p>").format(_notice(review, updates[updates["in_period"]]))
    body += _open(review, open_now)
    question = "Did each side keep what it promised?"
    return Section(_ID, page.section(_ID, _TITLE, body, question=question))


def _panel(review: Review, kept: list[Kept]) -> Markup:
    """One row per kind of promise, both sides beside each other."""
    by = {(one.what, one.side): one for one in kept}
    whats = list(dict.fromkeys(one.what for one in kept))
    level = f"{percent(review.confidence_level)} interval"
    columns = [Column("In time"), Column(review.name, "right", level), Column("Client", "right", level)]
    rows = [[what.capitalize(), *(_cell(review, by.get((what, side))) for side in SIDES)] for what in whats]
    caption = "Promises kept in time in the twelve months to the end of the period"
    table = page.table(columns, rows, caption=caption, classes="stack")
    note = page.note(
        "In time: done by the agreed day. What is still open past its day was not kept; what was dropped by agreement "
        "is not counted. Intervals take promises for independent of each other."
    )
    return _lead(kept) + table + note


def _lead(kept: list[Kept]) -> Markup:
    parts = []
    for side, name in zip(SIDES, ("The partner", "the client"), strict=True):
        own = [one for one in kept if one.side == side]
        if own:
            parts.append(
                f"{name} kept {sum(o.on_time for o in own)} of {plural(sum(o.due for o in own), 'promise')} in time"
            )
    text = ", ".join(parts)
    return Markup("<p>{}.</p>").format(text[0].upper() + text[1:])


def _cell(review: Review, one: Kept | None) -> Markup | str:
    if one is None:
        return MISSING
    text = review.note_figure(
        "commitments.kept", one.on_time / one.due, f"{one.on_time} of {one.due}", unit="share", numerator=one.on_time,
        denominator=one.due, ci_low=one.interval.ci_low, ci_high=one.interval.ci_high,
        where={"side": one.side, "what": one.what},
    )  # fmt: skip
    limits = format_interval(one.interval.ci_low, one.interval.ci_high, "share")
    share = page.bar(one.on_time / one.due)
    return Markup('{} {} <span class="interval">{}</span>').format(share, text, limits)


def _notice(review: Review, updates: pd.DataFrame) -> str:
    days = int(updates["lead_days"].median())
    lead = review.note_figure("commitments.notice_days", days, plural(days, "day"), unit="days")
    agreed = updates["agreed_lead_days"].notna()
    kept = int((updates["lead_days"] >= updates["agreed_lead_days"])[agreed].sum())
    promise = f"; agreed notice kept in {kept} of {int(agreed.sum())}" if agreed.any() else ""
    return f"Updates of the period were announced {lead} before they took effect (median of {len(updates)}{promise})."


def _late(review: Review, one: OwedAction) -> str:
    if not one.overdue_days:
        return MISSING
    text = plural(one.overdue_days, "day")
    return review.note_figure(
        "commitments.overdue_days", one.overdue_days, text, unit="days", where={"action": one.action}
    )


def _open(review: Review, found: list[OwedAction] | None) -> Markup:
    if found is None:
        return page.note("Open commitments: not shown, table actions is not in this dataset.")
    if not found:
        return Markup("<p>Neither side has an open action on {}.</p>").format(review.period.end)
    columns = [Column("Owed by"), Column("Action"), Column("Owner"), Column("Due"), Column("Late", "right")]
    rows: list[list[str | Markup | Cell]] = [
        [
            "both sides" if one.joint else one.side or "not named",
            one.action,
            " and ".join(one.owners) or MISSING,
            day_text(one.due),
            _late(review, one),
        ]
        for one in found
    ]
    joint = sum(one.joint for one in found)
    both = f", {joint} owned by both sides" if joint else ""
    caption = f"{plural(len(found), 'open action')} on {review.period.end}{both}"
    return page.table(columns, rows, caption=caption, classes="stack")
