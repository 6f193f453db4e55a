"""Derived tables that KPIs sum over: evaluations from rated items, repeat contacts, daily heads, billing months.

A view exists only if the tables and columns it needs are there; a KPI over an absent view is reported as not
computable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.expressions import holds
from bpo_analysis.data.files import ROW
from bpo_analysis.data.schema import TABLES
from bpo_analysis.kpis import Setting

__all__ = [
    "DIMENSIONS",
    "UNIT_COLUMNS",
    "Sources",
    "build_views",
    "case_moves",
    "contact_days",
    "contacts_with_next",
    "resolved_days",
    "volume_of_contacts",
]

DIMENSIONS = ("site", "channel", "product", "shift")
"""Slices of every KPI besides its category; missing where a table does not have them."""
UNIT_COLUMNS = ("agent_id", "team", "queue")
"""Who and what handled a contact: the units that a pilot can assign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The checked tables of a dataset and what views must know about them.

    Attributes
    ----------
    tables : mapping of str to ibis Table
    mapped : mapping of str to frozenset of str
        Which columns of each table have values.
    first_day, last_day : date
        Days the export covers.
    contact_days : tuple of date
        First and last day of table interactions, which may be exported on another day than the volume.
    settings : mapping of str to Setting
        Limits of the KPI families.
    partials : mapping of str to ibis Table
        Where contacts are read in parts, the sums of all parts (``data/partials.py``).
    following : ibis Table, optional
        Where these are the contacts of one part, those of other parts that may follow them.
    """

    tables: Mapping[str, ir.Table]
    mapped: Mapping[str, frozenset[str]]
    first_day: date
    last_day: date
    contact_days: tuple[date, date]
    settings: Mapping[str, Setting]
    partials: Mapping[str, ir.Table] = field(default_factory=dict)
    following: ir.Table | None = None

    def summed(self, make: Callable[[Sources], ir.Table]) -> ir.Table:
        """Return the sums that a function of this module makes: those of the parts, or of all contacts at once."""
        name = make.__name__
        return self.partials[name] if name in self.partials else make(self)

    def has(self, table: str, *columns: str) -> bool:
        """Whether a table is there with all of these columns."""
        return table in self.tables and self.mapped[table].issuperset(columns)


def build_views(sources: Sources) -> dict[str, ir.Table]:
    """Return every table and view that this dataset's tables allow, by name."""
    views: dict[str, ir.Table] = {}
    for name, (make, needs) in _VIEWS.items():
        if all(sources.has(table, *columns) for table, columns in needs.items()):
            views[name] = make(sources)
    if "volume" not in views and "interactions" in views:
        views["volume"] = volume_of_contacts(sources)
    daily = sources.partials.get("contact_days", views.get("volume"))
    if sources.has("invoices", "amount") and daily is not None:
        views["billing"] = _billing(sources, daily)
    if sources.has("forecasts", "forecast_offered") and daily is not None:
        views["forecast_errors"] = _forecast_errors(sources, daily)
    for name, table in sources.tables.items():  # for KPIs of the dataset's own
        day = TABLES[name].date
        if name not in views and day and sources.has(name, day, "partner_id"):
            views[name] = _dated(table, date=day)
    return views


def _dated(table: ir.Table, **columns: str) -> ir.Table:
    return table.mutate(
        **{new: table[old].date() if table[old].type().is_timestamp() else table[old] for new, old in columns.items()}
    )


def _volume(sources: Sources) -> ir.Table:
    return _dated(sources.tables["volume"], date="interval_start")


def volume_of_contacts(sources: Sources) -> ir.Table:
    """Give every contact as a row of ``volume`` with counts of one."""
    contacts = sources.tables["interactions"]
    abandoned = holds(contacts.abandoned)
    answered = (~abandoned).cast("int64")
    columns: dict[str, Any] = {
        "date": contacts.created_at.date(),
        "interval_start": contacts.created_at,
        "offered": ibis.literal(1),
        "answered": answered,
        "handled": answered,
        "wait_answered_s": (~abandoned).ifelse(contacts.wait_s, 0.0),
        **_counts_by_wait(sources, abandoned),
        **{flag: contacts[flag].cast("int64") for flag in ("transferred", "escalated")},
        "reopened": (contacts.reopens > 0).cast("int64"),
    }
    slices = ("partner_id", "site", "queue", "channel", "product", "reason", "language", "shift", "agent_id", "team")
    same = (*slices, "talk_s", "hold_s", "acw_s")
    empty = {
        column.name: ibis.null("int64" if column.type == "integer" else "float64")
        for column in TABLES["volume"].columns
        if column.type in ("integer", "number") and column.name not in (*columns, *same)
    }
    return contacts.select(*same, **columns, **empty)


def contact_days(sources: Sources) -> ir.Table:
    """Add up contacts offered and handled by partner, channel and day."""
    volume = volume_of_contacts(sources)
    handled = ibis.coalesce(volume.handled, volume.answered)
    return volume.group_by("partner_id", "channel", "date").aggregate(
        offered=volume.offered.sum(), handled=handled.sum(), answered=handled.sum()
    )


def resolved_days(sources: Sources) -> ir.Table:
    """Add up contacts resolved at once by partner and day."""
    contacts = sources.tables["interactions"]
    return contacts.group_by("partner_id", date=contacts.created_at.date()).aggregate(
        resolved=contacts.resolved_first_contact.cast("int64").sum()
    )


def _counts_by_wait(sources: Sources, abandoned: ir.BooleanValue) -> dict[str, Any]:
    """Count contacts answered and abandoned within the limits; where the wait is not known, neither is the count."""
    contacts = sources.tables["interactions"]
    in_time, short = (
        (contacts.wait_s <= _limit(sources.settings[name], contacts.channel)).cast("int64")
        for name in ("threshold_s", "short_s")
    )
    found = {"answered_in_threshold": abandoned.ifelse(0, in_time)}
    if sources.has("interactions", "abandoned"):
        found |= {
            "abandoned": abandoned.cast("int64"),
            "abandoned_in_threshold": abandoned.ifelse(in_time, 0),
            "abandoned_short": abandoned.ifelse(short, 0),
            "wait_abandoned_s": abandoned.ifelse(contacts.wait_s, 0.0),
        }
    return found


def _limit(setting: Setting, channel: ir.StringValue) -> Any:
    """Return the limit of each row: the same for all, or by channel and missing for channels without one."""
    if isinstance(setting, Mapping):
        return ibis.cases(*((channel == name, value) for name, value in setting.items()), else_=None)
    return ibis.literal(setting)


def _interactions(sources: Sources) -> ir.Table:
    table = _dated(sources.tables["interactions"], date="created_at", solved_date="solved_at")
    return table.mutate(
        solve_s=table.solved_at.epoch_seconds() - table.created_at.epoch_seconds(),
        reply_s=table.first_reply_at.epoch_seconds() - table.created_at.epoch_seconds(),
    )


def contacts_with_next(sources: Sources) -> ir.Table:
    """Give every handled contact of a known customer its age (``age_s``) and the gap to the next one (``gap_s``).

    The next contact is the same customer's, for the same reason where reasons are known; the age is that at the end of
    the last day of the contacts.
    """
    if "contacts_with_next" in sources.partials:
        return sources.partials["contacts_with_next"]
    table = sources.tables["interactions"]
    by = ["customer_key", "reason"] if sources.has("interactions", "reason") else ["customer_key"]
    # Contacts of the same second are told apart by their place in the file; those of a database have none.
    order = ["created_at", ROW]
    if sources.following is None:
        table = table.mutate(_own=True)
        order.append("interaction_id")
    else:
        table = ibis.union(table.mutate(_own=True), sources.following.mutate(_own=False))
    table = table.filter(table.customer_key.notnull() & ~holds(table.abandoned))
    following = table.created_at.lead().over(group_by=by, order_by=order)
    end = ibis.literal(sources.contact_days[1]).cast("timestamp").epoch_seconds() + 86_400
    start = table.created_at.epoch_seconds()
    table = table.mutate(gap_s=following.epoch_seconds() - start, age_s=end - start)
    return table.filter(table._own).drop("_own")


def _contacts(sources: Sources) -> ir.Table:
    """Mark contacts that the same customer followed with another, for the same reason where reasons are known."""
    table = contacts_with_next(sources)
    window_s = float(sources.settings["window_days"]) * 86_400  # type: ignore[arg-type]
    repeated = holds(table.gap_s <= window_s)
    # The last days have not had the time to show a repeat; counting them as none would flatter the newest month.
    counted = (table.age_s >= window_s).ifelse(repeated, ibis.null("boolean"))
    return _dated(table, date="created_at").mutate(repeated=counted).drop("gap_s", "age_s")


def _with_contact(sources: Sources, name: str) -> ir.Table:
    """Fill the partner and slices of a table from the contact its rows belong to, where they are missing."""
    table = sources.tables[name]
    if not sources.has(name, "interaction_id") or "interactions" not in sources.tables:
        return table
    wanted = [c for c in ("partner_id", *DIMENSIONS, "reason", *UNIT_COLUMNS) if sources.has("interactions", c)]
    contacts = sources.tables["interactions"].select("interaction_id", **{f"_{c}": c for c in wanted})
    joined = table.left_join(contacts, "interaction_id")
    own = set(table.columns)
    return joined.mutate(
        **{c: ibis.coalesce(joined[c], joined[f"_{c}"]) if c in own else joined[f"_{c}"] for c in wanted}
    )


def _surveys(sources: Sources) -> ir.Table:
    table = _with_contact(sources, "surveys")
    # An answer belongs to the day it was given; without that column, to the day the survey was sent.
    answered = ibis.coalesce(table.answered_at, table.score.notnull().ifelse(table.sent_at, None))
    # Exports of answers alone do not say when a survey was sent.
    known = ibis.coalesce(table.sent_at, answered)
    return table.mutate(
        date=known.date(), sent_date=table.sent_at.date(), answered_date=answered.date(), answered_at=answered
    )


def _qa_ratings(sources: Sources) -> ir.Table:
    return _dated(_with_contact(sources, "qa_ratings"), date="evaluated_at", evaluated_date="evaluated_at")


def _evaluations(sources: Sources) -> ir.Table:
    items = _qa_ratings(sources)
    return _scores(items.filter(items.purpose.fill_null("grading") == "grading"))


def _calibration(sources: Sources) -> ir.Table:
    """Pair the partner's and the client's score of the same contact in the same session."""
    items = _qa_ratings(sources)
    scores = _scores(items.filter((items.purpose == "calibration") & items.interaction_id.notnull()))
    mean = {"score": scores.score.mean(), "date": scores.date.max()}
    by = ["partner_id", "interaction_id"]
    client = scores.filter(scores.rater_org == "client").group_by(by).aggregate(**mean)
    partner = scores.filter(scores.rater_org == "bpo").group_by(by).aggregate(**mean)
    pairs = partner.inner_join(client, by, rname="client_{name}")
    return pairs.mutate(gap=pairs.score - pairs.client_score)


def _scores(items: ir.Table) -> ir.Table:
    """One row per evaluation: points given over points possible, and whether a critical item failed."""
    items = items.filter(~holds(items.not_applicable))
    weight = items.item_weight.fill_null(1.0)
    failed = items.rating < items.rating_max

    def critical(kind: str) -> Any:
        return (failed & (items.criticality == kind)).cast("int64").max()

    return items.group_by("evaluation_id").aggregate(
        interaction_id=items.interaction_id.max(), rater_org=items.rater_org.max(),
        **{
            name: items[name].max()
            for name in ("partner_id", *DIMENSIONS, "reason", *UNIT_COLUMNS)
            if name in items.columns
        },
        date=items.date.max(), score=(weight * items.rating).sum() / (weight * items.rating_max).sum().nullif(0),
        **{f"{kind}_critical": critical(kind) for kind in ("customer", "business", "compliance")},
    )  # fmt: skip


def _calendar(first: date, last: date) -> ir.Table:
    days = ibis.range(0, (last - first).days + 1).unnest().name("days").as_table()
    return days.select(date=(ibis.literal(first) + days.days.as_interval("D")).cast("date"))


def _heads(sources: Sources) -> ir.Table:
    roster = sources.tables["roster"]
    calendar = _calendar(sources.first_day, sources.last_day)
    employed = roster.join(
        calendar,
        [
            roster.hire_date <= calendar.date,
            ibis.coalesce(roster.exit_date, ibis.literal("2100-01-01").cast("date")) >= calendar.date,
            ibis.coalesce(roster.valid_from, roster.hire_date) <= calendar.date,
            ibis.coalesce(roster.valid_to, ibis.literal("2100-01-01").cast("date")) >= calendar.date,
        ],
    )
    tenure = employed.date.delta(employed.hire_date, unit="day")
    agent, left = employed.agent_id, employed.exit_date == employed.date
    return employed.group_by("partner_id", "date").aggregate(
        heads=agent.nunique(), leavers=agent.nunique(where=left), new_heads=agent.nunique(where=tenure < 90),
        early_leavers=agent.nunique(where=left & (tenure < 90)),
    )  # fmt: skip


def case_moves(sources: Sources) -> ir.Table:
    """Add up cases opened less cases solved by partner and day."""
    cases = sources.tables["interactions"]
    cases = cases.filter(~holds(cases.abandoned))
    opened = cases.select("partner_id", date=cases.created_at.date(), net=ibis.literal(1))
    solved = cases.filter(cases.solved_at.notnull())
    closed = solved.select("partner_id", date=solved.solved_at.date(), net=ibis.literal(-1))
    moves = ibis.union(opened, closed)
    return moves.group_by("partner_id", "date").aggregate(net=moves.net.sum())


def _backlog(sources: Sources) -> ir.Table:
    """Count open cases at the end of each day that table interactions covers."""
    moves = sources.summed(case_moves)
    partners = moves.select("partner_id").distinct()
    first, last = sources.contact_days
    days = _calendar(first, last).cross_join(partners).mutate(net=ibis.literal(0).cast("int64"))
    moves = ibis.union(moves.select("partner_id", "date", "net"), days.select("partner_id", "date", "net"))
    daily = moves.group_by("partner_id", "date").aggregate(net=moves.net.sum())
    running = daily.net.sum().over(group_by="partner_id", order_by="date", rows=(None, 0))
    return daily.mutate(open_cases=running).filter(ibis._.date <= ibis.literal(last))


def _billing(sources: Sources, volume: ir.Table) -> ir.Table:
    """Join billed months to their volume; a month without an invoice is missing, not free.

    A month that the export covers in part is missing too: a whole month's bill over a week's contacts is no cost.
    """
    invoices = sources.tables["invoices"]
    billed = invoices.group_by("partner_id", date=invoices.period.truncate("month")).aggregate(
        amount=invoices.amount.sum()
    )
    first, last = _whole_months(sources.first_day, sources.last_day)
    billed = billed.filter(billed.date.between(ibis.literal(first), ibis.literal(last)))
    handled = ibis.coalesce(volume.handled, volume.answered)
    monthly = volume.group_by("partner_id", date=volume.date.truncate("month")).aggregate(handled=handled.sum())
    table = billed.inner_join(monthly, ["partner_id", "date"])
    if not sources.has("interactions", "resolved_first_contact"):
        return table.mutate(resolved=ibis.null("int64"))
    daily = sources.summed(resolved_days)
    solved = daily.group_by("partner_id", date=daily.date.truncate("month")).aggregate(resolved=daily.resolved.sum())
    return table.left_join(solved, ["partner_id", "date"]).drop("partner_id_right", "date_right")


def _whole_months(first: date, last: date) -> tuple[date, date]:
    """Return the first days of the first and the last month that lie wholly inside two days."""
    start = first if first.day == 1 else (first.replace(day=1) + timedelta(days=31)).replace(day=1)
    end = (last + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    return start, end.replace(day=1)


def _forecast_errors(sources: Sources, volume: ir.Table) -> ir.Table:
    """Compare the last locked forecast of a day with what came."""
    forecasts = sources.tables["forecasts"]
    if sources.has("forecasts", "locked"):
        forecasts = forecasts.filter(holds(forecasts.locked))
    key = ["partner_id", "channel", "date"]
    rank = ibis.row_number().over(group_by=key, order_by=[ibis.desc("issued_on"), ibis.desc(ROW)])
    latest = forecasts.mutate(_rank=rank).filter(ibis._._rank == 0)
    origin = "volume" if "volume" in sources.tables else "interactions"
    # A forecast by channel is compared by channel where the volume knows channels, and in sum where it does not.
    by_channel = sources.has("forecasts", "channel") and sources.has(origin, "channel")
    by = ["partner_id", "channel", "date"] if by_channel else ["partner_id", "date"]
    latest, came = (t.mutate(channel=t.channel.fill_null("")) for t in (latest, volume))
    expected = latest.group_by(by).aggregate(forecast_offered=latest.forecast_offered.sum())
    found = expected.inner_join(came.group_by(by).aggregate(offered=came.offered.sum()), by)
    return found.mutate(channel=found.channel.nullif("")) if by_channel else found


def _plain(name: str) -> Callable[[Sources], ir.Table]:
    return lambda sources: sources.tables[name]


_VIEWS: dict[str, tuple[Callable[[Sources], ir.Table], dict[str, tuple[str, ...]]]] = {
    "volume": (_volume, {"volume": ("offered",)}),
    "interactions": (_interactions, {"interactions": ()}),
    "contacts": (_contacts, {"interactions": ("customer_key",)}),
    "backlog": (_backlog, {"interactions": ("solved_at",)}),
    "surveys": (_surveys, {"surveys": ()}),
    "qa_ratings": (_qa_ratings, {"qa_ratings": ("rating", "rating_max")}),
    "evaluations": (_evaluations, {"qa_ratings": ("rating", "rating_max")}),
    "calibration": (_calibration, {"qa_ratings": ("rating", "rating_max", "purpose", "rater_org", "interaction_id")}),
    "heads": (_heads, {"roster": ()}),
    "agent_time": (_plain("agent_time"), {"agent_time": ()}),
    "forecasts": (_plain("forecasts"), {"forecasts": ()}),
    "training_acks": (_plain("training_acks"), {"training_acks": ()}),
}
