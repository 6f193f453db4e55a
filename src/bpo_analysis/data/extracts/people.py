"""Extracts about people: spells of the roster, work by time since production, trainings, contacts after an update.

Agents are numbers here: nothing that reaches a page can name one.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.extracts.extract import Extract, Material, added
from bpo_analysis.data.extracts.risk import ALL, agent_days
from bpo_analysis.data.kpi_table import absent_columns, terms_of
from bpo_analysis.data.views import Sources, volume_of_contacts
from bpo_analysis.kpis import Kpi

__all__ = ["EXPOSURE_DAYS", "LEARNED", "PEOPLE", "work_of_agents"]

LEARNED = ("aht_s", "qa_score", "fcr")
"""KPIs whose learning curve is drawn: those of the work of one agent."""
EXPOSURE_DAYS = 91
"""How long after its effective date the contacts an update concerns are counted."""
_FAR = "2100-01-01"


def _agents(sources: Sources) -> ir.Table:
    """Number every agent of a partner; the same number in every extract."""
    parts = [
        sources.tables[name].select("partner_id", "agent_id").distinct()
        for name in ("roster", "training_acks")
        if name in sources.tables
    ]
    known = ibis.union(*parts, distinct=True) if len(parts) > 1 else parts[0]
    return known.mutate(agent=ibis.row_number().over(order_by=["partner_id", "agent_id"]))


def _spells_of(sources: Sources) -> ir.Table:
    """One row per agent and hire: an agent who changes site or team is the same agent, in the last of them."""
    roster = sources.tables["roster"]
    of_agent = ["partner_id", "agent_id", "hire_date"]
    since = ibis.coalesce(roster.valid_from, roster.hire_date)
    latest = roster.mutate(
        started=ibis.coalesce(roster.prod_date.min().over(group_by=of_agent), roster.hire_date),
        rank=ibis.row_number().over(group_by=of_agent, order_by=[since.desc()]),
    ).filter(ibis._["rank"] == 0)
    return latest.select(
        *of_agent,
        "site",
        "team",
        "exit_type",
        prod_date=latest.started,
        # A row that ends without an exit date is an agent who went out of sight, not one who left.
        until=ibis.coalesce(latest.exit_date, latest.valid_to),
        left=latest.exit_date.notnull(),
    )


def _roster_spells(material: Material) -> ir.Table:
    numbered = _spells_of(material.sources).inner_join(_agents(material.sources), ["partner_id", "agent_id"])
    return numbered.drop("agent_id")


_LOOKING_AHEAD = "contacts"
"""View whose rows know what the same customer did afterwards."""


def work_of_agents(material: Material, *, ahead: bool) -> ir.Table | None:
    """Add up the KPIs of learning curves that are made of contacts, by agent and day; None where there is none.

    Parameters
    ----------
    material : Material
    ahead : bool
        Those that look ahead, or the others.
    """
    parts = []
    for name in LEARNED:
        kpi = material.kpis[name]
        if kpi.source in ("volume", "interactions", _LOOKING_AHEAD) and (kpi.source == _LOOKING_AHEAD) == ahead:
            rows = _work_by_agent(material, kpi)
            if rows is not None:
                sums = {"numerator": rows.numerator.sum(), "denominator": rows.denominator.sum()}
                added = rows.group_by("partner_id", "agent_id", "day").aggregate(**sums)
                parts.append(added.mutate(kpi=ibis.literal(name)))
    return ibis.union(*parts) if len(parts) > 1 else next(iter(parts), None)


def _work(material: Material, kpi: Kpi) -> ir.Table | None:
    """Give the work of agents that a KPI is made of: of all parts of the contacts, or of the rows of its table."""
    partials = material.sources.partials
    if partials and kpi.source in ("volume", "interactions", _LOOKING_AHEAD):
        name = "work_of_agents_ahead" if kpi.source == _LOOKING_AHEAD else "work_of_agents"
        return partials[name].filter(partials[name].kpi == kpi.name).drop("kpi") if name in partials else None
    return _work_by_agent(material, kpi)


def _work_by_agent(material: Material, kpi: Kpi) -> ir.Table | None:
    """Give the rows a KPI is summed over with their agent; None where they do not know one."""
    view = material.views.get(kpi.source)
    if kpi.source == "volume":
        # The platform's counts know no agents; the contacts they count do.
        view = volume_of_contacts(material.sources) if material.sources.has("interactions", "agent_id") else None
    if view is None or "agent_id" not in view.columns or absent_columns(kpi, view):
        return None
    numerator, denominator = terms_of(view, kpi)
    rows = view.select(
        "partner_id", "agent_id", day=view[kpi.date].cast("date"), numerator=numerator, denominator=denominator
    )
    return rows.filter(rows.numerator.notnull() & rows.denominator.notnull() & rows.agent_id.notnull())


def _learning(material: Material) -> ir.Table:
    """Sums by agent, calendar week and week since the first live contact."""
    spells = _roster_spells(material).select("partner_id", "agent", "hire_date", "prod_date", "until")
    agents = _agents(material.sources)
    parts = []
    for name in LEARNED:
        rows = _work(material, material.kpis[name])
        if rows is None:
            continue
        numbered = rows.inner_join(agents, ["partner_id", "agent_id"]).drop("agent_id")
        own = numbered.inner_join(spells, ["partner_id", "agent"])
        own = own.filter((own.day >= own.hire_date) & (own.day <= ibis.coalesce(own.until, _day(_FAR))))
        week = (own.day.delta(own.prod_date, unit="day") / 7).floor().cast("int64")
        keyed = own.select(
            "partner_id", "agent", "numerator", "denominator", "prod_date",
            kpi=ibis.literal(name), week_of=own.day.truncate("week").cast("date"), week=week.clip(lower=0),
        )  # fmt: skip
        keys = ["kpi", "partner_id", "agent", "prod_date", "week_of", "week"]
        parts.append(keyed.group_by(keys).aggregate(n=keyed.numerator.sum(), d=keyed.denominator.sum()))
    if not parts:
        return _empty_learning()
    table = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return table.rename(numerator="n", denominator="d")


def _empty_learning() -> ir.Table:
    types = {
        "kpi": "string", "partner_id": "string", "agent": "int64", "prod_date": "date", "week_of": "date",
        "week": "int64", "numerator": "float64", "denominator": "float64",
    }  # fmt: skip
    nothing = ibis.memtable([dict.fromkeys(types)], schema=types)
    return nothing.filter(nothing.kpi.notnull())


def _day(text: str) -> Any:
    return ibis.literal(text).cast("date")


def _trainings(material: Material) -> ir.Table:
    """Every training asked for, of agents by number, with their hire date where a roster knows it."""
    sources = material.sources
    acks = sources.tables["training_acks"].inner_join(_agents(sources), ["partner_id", "agent_id"])
    acks = acks.select(
        "partner_id", "update_id", "site", "agent", "assigned_on", "due_on", "acknowledged_on", "trained_on"
    )
    if not sources.has("roster", "hire_date"):
        return acks.mutate(team=ibis.null("string"), hire_date=ibis.null("date"))
    spells = _roster_spells(material)
    # Of an agent hired twice, the hire before the training is the one that counts.
    spells = spells.select("partner_id", "agent", "team", "hire_date", home=spells.site)
    joined = acks.left_join(spells, ["partner_id", "agent", acks.due_on >= spells.hire_date], rname="spell_{name}")
    joined = joined.mutate(
        rank=ibis.row_number().over(
            group_by=["partner_id", "update_id", "agent"], order_by=[joined.hire_date.desc(nulls_first=False)]
        ),
        site=ibis.coalesce(joined.site, joined.home),
    )
    return joined.filter(joined["rank"] == 0).select(*acks.columns, "team", "hire_date")


def _exposure(material: Material) -> ir.Table:
    """Count contacts, and evaluations with a critical error, after an update by agents trained in it or not yet.

    Agents hired after the effective date who were never asked to learn the update are left out: they learn what is
    in force when they are trained for the job.
    """
    sources = material.sources
    parts = [_after_updates(sources, _handled(material), evaluated=False)]
    if "evaluations" in material.views and sources.has("qa_ratings", "criticality"):
        view = material.views["evaluations"]
        wrong = ibis.greatest(
            *(ibis.coalesce(view[f"{kind}_critical"], 0) for kind in ("customer", "business", "compliance"))
        )
        rows = view.select(
            "partner_id", "agent_id", day=view.date,
            reason=view.reason if "reason" in view.columns else ibis.null("string"), wrong=wrong,
            n=ibis.literal(1).cast("int64"),
        )  # fmt: skip
        parts.append(_after_updates(sources, rows, evaluated=True))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _handled(material: Material) -> ir.Table:
    """Count contacts by agent, reason and day."""
    has_reason = material.sources.has("interactions", "reason")
    days = material.summed(agent_days)
    days = days.filter(days.dimension == ("reason" if has_reason else ALL))
    return days.select(
        "partner_id", "agent_id", reason=days.value if has_reason else ibis.null("string"), day=days.date,
        n=days.handled, wrong=ibis.literal(0).cast("int64"),
    )  # fmt: skip


def _after_updates(sources: Sources, rows: ir.Table, *, evaluated: bool) -> ir.Table:
    updates = sources.tables["updates"]
    updates = updates.select(
        "update_id", effective=ibis.coalesce(updates.effective_on, updates.announced_on), concerned=updates.reason
    )
    last = (updates.effective + ibis.interval(days=EXPOSURE_DAYS - 1)).cast("date")
    updates = updates.mutate(last=last)
    rows = rows.filter(rows.agent_id.notnull())
    met = rows.join(updates, [rows.day >= updates.effective, rows.day <= updates.last])
    met = met.filter(met.concerned.isnull() | (met.concerned == met.reason))
    acks = sources.tables["training_acks"]
    acks = acks.select("update_id", "partner_id", "agent_id", "trained_on", asked=ibis.literal(value=True))
    met = met.left_join(acks, ["update_id", "partner_id", "agent_id"])
    met = met.select("update_id", "partner_id", "agent_id", "day", "effective", "n", "wrong", "trained_on", "asked")
    counts = met.asked.notnull()
    if sources.has("roster", "hire_date"):
        roster = sources.tables["roster"]
        hired = roster.group_by("partner_id", "agent_id").aggregate(hired=roster.hire_date.min())
        met = met.left_join(hired, ["partner_id", "agent_id"])
        counts = met.asked.notnull() | (met.hired <= met.effective)
    met = met.filter(counts)
    met = met.mutate(trained=ibis.coalesce(met.trained_on <= met.day, ibis.literal(value=False)))
    found = met.group_by("partner_id", "update_id", date=met.day, trained=met.trained).aggregate(
        n=added(met.n), errors=met.wrong.sum().cast("int64")
    )
    none = ibis.literal(0).cast("int64")
    contacts, evaluations = (none, found.n) if evaluated else (found.n, none)
    return found.select(
        "partner_id", "update_id", "date", "trained", contacts=contacts, evaluations=evaluations, errors=found.errors
    )


PEOPLE = (
    Extract(
        name="roster_spells",
        about="Every stay of an agent (by number): hired, in production, gone.",
        make=_roster_spells,
        needs={"roster": ("agent_id", "hire_date")},
        order=("partner_id", "agent", "hire_date"),
    ),
    Extract(
        name="learning",
        about="Handle time, quality and first-contact resolution by agent (by number) and weeks since production.",
        make=_learning,
        needs={"roster": ("agent_id", "hire_date"), "interactions": ("agent_id",)},
        order=("kpi", "partner_id", "agent", "prod_date", "week_of", "week"),
    ),
    Extract(
        name="trainings",
        about="Every training asked for, by update and agent (by number).",
        make=_trainings,
        needs={"training_acks": ("update_id", "agent_id")},
        order=("partner_id", "update_id", "agent"),
    ),
    Extract(
        name="update_exposure",
        about="Contacts and evaluations after an update took effect, by agents trained in it or not yet.",
        make=_exposure,
        needs={"updates": ("update_id",), "training_acks": ("update_id", "trained_on"), "interactions": ("agent_id",)},
        order=("partner_id", "update_id", "date", "trained", "contacts"),
    ),
)
"""Extracts of this module."""
