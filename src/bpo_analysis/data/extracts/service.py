"""Contacts by hour and queue, and how long those answered had waited: what the KPI table's days cannot show."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.expressions import holds
from bpo_analysis.data.extracts.extract import Extract, Material
from bpo_analysis.data.kpi_table import absent_columns, terms_of
from bpo_analysis.data.views import volume_of_contacts

__all__ = ["SERVICE", "SERVICE_KPIS"]

SERVICE_KPIS = ("offered", "answered", "escalated", "abandonment_rate", "aht_s", "asa_s", "service_level")
"""KPIs that are summed by hour and queue, by the definitions this dataset chose."""
_KEYS = ("partner_id", "date", "hour", "channel", "queue")
_STEPS = ((60, 1), (300, 5), (1800, 30), (float("inf"), 300))
"""Waits up to the first number of seconds are counted in bins of the second: fine where service levels are agreed."""


def _by_hour(view: ir.Table, material: Material) -> ir.Table:
    """Sum numerators (``n_<kpi>``) and denominators (``d_<kpi>``) per hour and queue."""
    terms = {}
    for name in SERVICE_KPIS:
        kpi = material.kpis[name]
        if not absent_columns(kpi, view):
            terms[f"n_{name}"], terms[f"d_{name}"] = terms_of(view, kpi)
    keys = {name: view[name] for name in _KEYS if name != "hour"} | {"hour": view.interval_start.hour()}
    rows = view.select(**keys, **terms).filter(ibis._.date.notnull() & ibis._.partner_id.notnull())
    return rows.group_by(list(_KEYS)).aggregate(**{name: rows[name].sum() for name in terms})


def _of_volume(material: Material) -> ir.Table:
    return _by_hour(material.views["volume"], material)


def _of_contacts(material: Material) -> ir.Table:
    return _by_hour(volume_of_contacts(material.sources), material)


def _waits(material: Material) -> ir.Table:
    """Count contacts by the bin their wait falls into; ``upto_s`` is its upper end, which belongs to it."""
    contacts = material.sources.tables["interactions"]
    contacts = contacts.filter(contacts.wait_s.notnull())
    wait = contacts.wait_s
    upto = ibis.cases(*((wait <= end, (wait / step).ceil() * step) for end, step in _STEPS), else_=None)
    rows = contacts.select(
        "partner_id", "channel", "queue",
        date=contacts.created_at.date(), abandoned=holds(contacts.abandoned), upto_s=upto.cast("float64"),
    )  # fmt: skip
    return rows.group_by(["partner_id", "date", "channel", "queue", "abandoned", "upto_s"]).aggregate(n=rows.count())


SERVICE = (
    Extract(
        name="service_by_interval",
        about="Contacts and seconds per partner, day, hour, channel and queue, as table volume has them.",
        make=_of_volume, needs={"volume": ("interval_start", "offered")}, order=_KEYS,
    ),
    Extract(
        name="service_by_contact_hour",
        about="The same from single contacts, by the hour they began in.",
        make=_of_contacts, needs={"interactions": ("created_at",)}, order=_KEYS, adds_up=True,
        by_month="date",
    ),
    Extract(
        name="waits",
        about="Contacts per partner, day, channel and queue by the time waited, answered and abandoned apart.",
        make=_waits, needs={"interactions": ("wait_s",)},
        order=("partner_id", "date", "channel", "queue", "abandoned", "upto_s"), adds_up=True,
        by_month="date",
    ),
)  # fmt: skip
