"""The records of a period, as the index needs them: which reports there are, and which one speaks for a partner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bpo_analysis.periods import parse_period
from bpo_analysis.reports.plan import PORTFOLIO_SLUG
from bpo_analysis.reports.record import RECORD, read_record

if TYPE_CHECKING:
    from bpo_analysis.reports.execute import ReportRun

__all__ = [
    "Record",
    "by_partner",
    "href",
    "is_about_pilot",
    "kpis_of",
    "link_of",
    "name_of",
    "period_title",
    "pilot_of",
    "plain_records",
    "read_records",
    "speaker",
    "words",
]

Record = Mapping[str, Any]


def read_records(folder: Path, runs: Sequence[ReportRun] = ()) -> list[Record]:
    """Return every record of the period, with this run's failures on top of what is on disk."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted(folder.glob(f"*/*{RECORD}")):
        record = read_record(path)
        if record is not None:
            template = str(record.get("template") or path.name.removesuffix(RECORD))
            found[path.parent.name, template] = record | {"slug": path.parent.name, "template": template}
    for run in runs:
        if run.status == "failed" and run.folder.parent == folder.resolve():
            on_disk = found.get((run.slug, run.template), {})
            found[run.slug, run.template] = on_disk | {
                "status": "failed",
                "slug": run.slug,
                "template": run.template,
                "partner": run.partner_name,
                "error": run.error,
                "exception": run.exception,
                "cell": run.cell,
                "notebook": run.notebook.name if run.notebook else None,
                "headline": {},
            }
    for record in found.values():
        headline = record.get("headline")
        record["headline"] = headline if isinstance(headline, Mapping) else {}
    return list(found.values())


def by_partner(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the reports of every partner by its folder, without those about all partners or about pilots."""
    partners: dict[str, list[Record]] = {}
    for record in records:
        if record["slug"] != PORTFOLIO_SLUG and not is_about_pilot(record):
            partners.setdefault(record["slug"], []).append(record)
    return partners


def speaker(group: Sequence[Record]) -> Record:
    """Return the report of a partner that speaks for it: of those that are complete, the one with most KPIs."""
    return max(group, key=lambda record: (record["status"] == "ok", len(kpis_of(record))))


def name_of(record: Record) -> str:
    """Return the name of the partner a report is about."""
    return str(record["headline"].get("partner") or record.get("partner") or record["slug"])


def period_title(folder: str) -> str:
    """Return the period of a folder in words; one that is none (pilots as far as they go) keeps its name."""
    try:
        return parse_period(folder).title
    except ValueError:
        return folder


def kpis_of(record: Record) -> list[Record]:
    """Return the headline KPIs of a report."""
    return [kpi for kpi in plain_records(record["headline"].get("kpis")) if kpi.get("kpi")]


def plain_records(listed: Any) -> list[Record]:
    """Return the mappings of a list; what a template of somebody's own put there instead is no trouble."""
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def link_of(record: Record) -> dict[str, str] | None:
    """Return address and name of a report's page, if it is current, and the address of its PDF, if it has one."""
    if record["status"] != "ok":
        return None
    slug, template = record["slug"], record["template"]
    pdf = href(slug, f"{template}.pdf") if record.get("pdf") else ""
    return {"href": href(slug, f"{template}.html"), "text": words(template), "pdf": pdf}


def is_about_pilot(record: Record) -> bool:
    """Whether a report is about a pilot and not about a partner."""
    return bool(pilot_of(record))


def pilot_of(record: Record) -> str:
    """Return the id of the pilot a report is about; one that failed has no headline, but was asked for by name."""
    pilot = record["headline"].get("pilot")
    if isinstance(pilot, Mapping):
        return str(pilot.get("id") or "")
    parameters = record.get("parameters")
    return str(parameters.get("pilot") or "") if isinstance(parameters, Mapping) else ""


def href(slug: str, name: str) -> str:
    """Return the address of a partner's file, seen from the index."""
    return f"{quote(slug)}/{quote(name)}"


def words(template: str) -> str:
    """Return the name of a template in words."""
    return template.replace("_", " ").replace("-", " ").capitalize()
