"""What lies in one pair of hands: shares by slice, agreed exceptions, and what the own team could still do."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.concentration import (
    ACTIVE_DAYS,
    Excepted,
    excepted,
    in_house_capability,
    overall_share,
    pairs,
    trend_of_share,
)
from bpo_analysis.review.concentration import (
    concentration as shares_of,
)
from bpo_analysis.review.context import Review
from bpo_analysis.sections.parts import day_text, percent, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["concentration", "concentration_lead", "exceptions_block", "share_table", "why_no_shares"]

_ID, _TITLE = "concentration", "Concentration"
_ROWS = 12
_FEW_AGENTS = 3


@placed(audiences=["account"], client_only=True)
def concentration(review: Review) -> Section:
    """Share of every task, channel, product and shift, agreed exceptions, and in-house capability."""
    reason = why_no_shares(review)
    if reason:
        return missing(_ID, _TITLE, reason)
    body = concentration_lead(review) + share_table(review, rows=_ROWS, detailed=True)
    body += _pairs(review) + exceptions_block(review) + _capability(review)
    return Section(
        _ID,
        page.section(_ID, _TITLE, body, question="What depends on this partner alone, and was that agreed?"),
    )


def why_no_shares(review: Review) -> str:
    """Say why shares mean nothing here; an empty text if they do."""
    if review.partner["kind"] == "inhouse":
        return "concentration is judged for outside partners; this is the in-house team."
    if len(review.dataset.partners) == 1:
        return "with a single partner in the dataset every share is 100 %."
    if shares_of(review).empty:
        return "volume names no channel, product, shift or reason."
    return ""


def concentration_lead(review: Review) -> Markup:
    """Say what is too much in one hand, or that nothing is, and the share of everything."""
    table, overall = shares_of(review), overall_share(review)
    ceiling = percent(review.dataset.config.concentration_ceiling)
    flagged = table[table["flagged"]]
    share = _noted(review, "risk.share_of_all", overall["share"])
    text = f"{review.name} handled {share} of all contacts {review.period.when}"
    if not isnan(overall["outside"]) and overall["outside"] != overall["share"]:
        outside = _noted(review, "risk.share_outside_exceptions", overall["outside"])
        text += f", {outside} without what agreed exceptions cover"
    if flagged.empty:
        return Markup("<p>{}. No slice reaches {} without an agreed exception.</p>").format(text, ceiling)
    names = Markup("; ").join(
        Markup("<strong>{}</strong> ({}{})").format(
            f"{row['dimension']} {plain(str(row['value']))}",
            format_value(row["share"], "share"),
            ", its exception is past review" if row["stale"] else "",
        )
        for row in flagged.to_dict("records")
    )
    lead = Markup("In one hand without a valid exception: {}. ").format(names)
    return page.note(lead + Markup("{}.").format(text), "concern")


def _noted(review: Review, id: str, value: float, **where: str) -> str:
    return review.note_figure(id, value, format_value(value, "share"), unit="share", where=where)


def share_table(review: Review, *, rows: int, detailed: bool) -> Markup:
    """Table of shares, largest first; ``detailed`` with the other partners and the last twelve months beside each."""
    table = shares_of(review)
    shown = table.head(max(rows, int(table["flagged"].sum())))
    columns = [Column("Slice"), Column("Share", "right"), Column("Contacts", "right", "of all")]
    if detailed:
        columns += [
            Column("Partners", "right", "with contacts"),
            Column("Evenness", "right", "as among so many equal partners, 1/HHI"),
            Column("12 months"),
        ]
    columns.append(Column("Flag"))
    body = [_share_row(review, row, detailed=detailed) for row in shown.to_dict("records")]
    ceiling = percent(review.dataset.config.concentration_ceiling)
    caption = f"Share of contacts handled by this partner, largest first; flagged from {ceiling}, and where it is all"
    hidden = len(table) - len(shown)
    if hidden:
        caption += f" ({plural(hidden, 'smaller slice')} not shown)"
    return page.table(columns, body, caption=caption, classes="stack")


def _share_row(review: Review, row: dict[str, object], *, detailed: bool) -> list[str | Markup | Cell]:
    dimension, value, share = str(row["dimension"]), str(row["value"]), float(row["share"])  # type: ignore[arg-type]
    tone = "concern" if row["flagged"] else "target" if row["exception"] else "neutral"
    review.note_figure(
        "risk.slice_share", share, format_value(share, "share"), unit="share", numerator=float(row["partner"]),  # type: ignore[arg-type]
        denominator=float(row["total"]), where={dimension: value},  # type: ignore[arg-type]
    )  # fmt: skip
    cells: list[str | Markup | Cell] = [
        f"{dimension}: {plain(value)}",
        Cell(page.with_bar(format_value(share, "share"), share, tone=tone), sort=share),
        f"{format_value(row['partner'], 'count')} of {format_value(row['total'], 'count')}",  # type: ignore[arg-type]
    ]
    if detailed:
        cells += [format_value(row["partners"], "count"), f"{row['effective']:.1f}"]  # type: ignore[arg-type]
        months = trend_of_share(review, dimension, value)
        known = [v for v in months if v is not None]
        said = f"share of {dimension} {plain(value)} in {plural(len(known), 'month')}"
        ends = f": {percent(known[0])} to {percent(known[-1])}" if known else ""
        cells.append(page.spark(months, label=said + ends))
    flag = str(row["exception"]) or ("no agreed exception" if row["flagged"] else "")
    if row["whole"] and row["flagged"] and not row["exception"]:
        flag = "all of it, no agreed exception"
    cells.append(flag)
    return cells


def _pairs(review: Review) -> Markup:
    table = pairs(review)
    if table.empty:
        return Markup("")
    rows = []
    for row in table.head(_ROWS).to_dict("records"):
        where = {"pair": f"{row['first']}, {row['second']}"}
        share = review.note_figure(
            "risk.pair_share", row["share"], format_value(row["share"], "share"), unit="share",
            numerator=row["partner"], denominator=row["total"], where=where,
        )  # fmt: skip
        of = f"{format_value(row['partner'], 'count')} of {format_value(row['total'], 'count')}"
        rows.append([f"{plain(row['first'])}, {plain(row['second'])}", share, of])
    columns = [Column("Both together"), Column("Share", "right"), Column("Contacts", "right", "of all")]
    caption = f"Pairs near to all this partner's, though neither half is ({len(rows)} of {len(table)})"
    return page.table(columns, rows, caption=caption, classes="stack")


def exceptions_block(review: Review) -> Markup:
    """Agreed exceptions as they stand: why, until when, what is at stake and what is done if the partner fails."""
    found = excepted(review)
    if not found:
        return Markup("")
    columns = [
        Column("Agreed exception"),
        Column("Share inside", "right"),
        Column("At stake", "right", "contacts a week"),
        Column("Why"),
        Column("If the partner fails"),
        Column("Approved by"),
        Column("Review on"),
    ]
    rows = [_exception_row(review, exception) for exception in found]
    table = page.table(columns, rows, caption="Agreed exceptions to the concentration rule", classes="stack")
    stale = [exception.name for exception in found if exception.stale]
    if not stale:
        return table
    return (
        page.note(f"Past its review date: {', '.join(stale)}. It counts as flagged until it is renewed.", "warning")
        + table
    )


def _exception_row(review: Review, found: Excepted) -> list[str | Markup | Cell]:
    row, where = found.row, {str(found.row["dimension"]): str(found.row["value"])}
    inside, weekly = MISSING, MISSING
    if not isnan(found.inside):
        inside = _noted(review, "risk.exception_share", found.inside, **where)
        weekly = review.note_figure(
            "risk.exception_weekly", found.weekly, f"{found.weekly:,.0f}", unit="contacts a week", where=where
        )
    hours = f" ({row['hours']})" if isinstance(row["hours"], str) else ""
    fallback = (
        row["fallback"] if isinstance(row["fallback"], str) else Markup('<em class="muted">no fallback on record</em>')
    )
    return [
        f"{found.name}{hours}",
        inside,
        weekly,
        text_or_missing(row["why"]),
        fallback,
        text_or_missing(row["approved_by"]),
        day_text(row["review_on"]) + (" (past)" if found.stale else ""),
    ]


def _capability(review: Review) -> Markup:
    table = in_house_capability(review)
    if table is None:
        return page.note(f"In-house capability: not shown, {_why_no_capability(review)}.")
    floor = table[table["agents"] < _FEW_AGENTS]
    rows = [_capability_row(review, row) for row in table.sort_values("agents", kind="stable").to_dict("records")]
    columns = [
        Column("Slice"),
        Column("Partner's share", "right"),
        Column("In-house share", "right"),
        Column("In-house agents", "right", f"active in {ACTIVE_DAYS} days"),
        Column("Last handled in-house"),
    ]
    caption = f"What the in-house team did up to {review.period.end}, fewest agents first"
    shown = page.table(columns, rows, caption=caption, classes="stack")
    lead = _floor_text(floor, table)
    return Markup("<h3>What the own team could still do</h3><p>{}</p>{}").format(
        lead, page.details("In-house share, agents and last day by slice", shown)
    )


def _floor_text(floor: pd.DataFrame, table: pd.DataFrame) -> str:
    if floor.empty:
        return f"At least {_FEW_AGENTS} in-house agents were active lately in every slice this partner serves."
    none = [f"{r['dimension']} {plain(str(r['value']))}" for r in floor[floor["agents"] == 0].to_dict("records")]
    few = [f"{r['dimension']} {plain(str(r['value']))}" for r in floor[floor["agents"] > 0].to_dict("records")]
    parts = []
    if none:
        parts.append(f"No in-house agent was active in the last {ACTIVE_DAYS} days in: {_listed(none)}.")
    if few:
        parts.append(f"Fewer than {_FEW_AGENTS} were in: {_listed(few)}.")
    return " ".join([*parts, f"({plural(len(table), 'slice')} looked at.)"])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _capability_row(review: Review, row: dict[str, object]) -> list[str | Markup | Cell]:
    where = {str(row["dimension"]): str(row["value"])}
    agents = int(row["agents"])  # type: ignore[call-overload]
    own = float(row["in_house_share"])  # type: ignore[arg-type]
    share = MISSING if isnan(own) else _noted(review, "risk.in_house_share", own, **where)
    text = review.note_figure("risk.in_house_agents", agents, f"{agents}", unit="agents", where=where)
    last = day_text(row["last_day"])
    return [
        f"{row['dimension']}: {plain(str(row['value']))}",
        format_value(float(row["share"]), "share"),  # type: ignore[arg-type]
        share,
        text,
        "none on record" if last == MISSING else last,
    ]


def _why_no_capability(review: Review) -> str:
    if review.dataset.partners.query("kind == 'inhouse'").empty:
        return "table partners names no in-house team (kind = inhouse)"
    return review.dataset.why_no_extract("capability")
