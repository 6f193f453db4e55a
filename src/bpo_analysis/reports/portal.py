"""The index page of a period: all partners, all headline KPIs, all pilots, and every report that failed."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import jinja2
from markupsafe import Markup

import bpo_analysis
from bpo_analysis.errors import ReportError
from bpo_analysis.page import document
from bpo_analysis.page.figures import spark
from bpo_analysis.page.marks import CONTRACT_STATES, EVIDENCE_STATES, contract_mark, evidence_mark
from bpo_analysis.reports.plan import PORTFOLIO_SLUG
from bpo_analysis.reports.record import read_record
from bpo_analysis.reports.staging import exclusive, write_atomically

if TYPE_CHECKING:
    from bpo_analysis.reports.execute import ReportRun

__all__ = ["write_index", "write_shelf"]

# What the reader can filter by: token -> words.
_STATES: Final = {
    "failed": "report failed",
    "missed": "a target missed",
    "worse": "a target missed beyond doubt",
    "met": "every judged target met",
    "unmeasured": "a target not measurable",
}
_STAGES: Final = {"plan": "Plan", "monitor": "Monitor", "evaluation": "Evaluation"}
"""Pages about a pilot, in the order of its life."""
_CLAUSES: Final = ("met", "missed", "not measurable", "clearly_missed")


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the index."""

    partner: str
    kind: str
    states: str
    links: list[dict[str, str]]
    verdict: str
    coverage: str
    cells: list[dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class _Pilot:
    """One pilot: its pages by stage, and what follows by its rule."""

    title: str
    partner: str
    pages: dict[str, dict[str, str]]
    is_evaluated: bool
    decision: str


def write_index(folder: Path, runs: Sequence[ReportRun] = (), *, title: str, data: str = "") -> Path:
    """Write the index of one period.

    Parameters
    ----------
    folder : Path
        ``OUT/PERIOD``; every ``.run.json`` in its partner folders is listed, so that a run for one partner keeps the
        others.
    runs : sequence of ReportRun
        What ran now. It settles what a record cannot say, such as a failure on a full disk.
    title : str
        The client, as in the dataset.
    data : str, default ""
        One line about the data, such as its name and fingerprint.

    Returns
    -------
    Path
        The page, ``folder/index.html``.
    """
    # Of two runs that end together, the one that comes second sees the reports of both.
    with exclusive(folder):
        return _write_index(folder, runs, title=title, data=data)


def _write_index(folder: Path, runs: Sequence[ReportRun], *, title: str, data: str) -> Path:
    records = _records(folder, runs)
    reviews = [record for record in records if not _is_pilot(record)]
    columns = _columns(reviews)
    rows = [_row(folder, group, columns) for group in _by_partner(reviews).values()]
    pilots = _pilots(folder, records)
    about_all = [link for record in records if record["slug"] == PORTFOLIO_SLUG and (link := _link(record))]
    failures = [_failure(folder, record) for record in records if record["status"] != "ok"]
    labels = [str(record["headline"]["period_label"]) for record in records if record["headline"].get("period_label")]
    period = labels[0] if labels else folder.name
    page = _template("portal.html.j2").render(
        head=document.head(f"{title} · {period}"),
        foot=document.foot(),
        title=title,
        period=period,
        data=data,
        about=_about(reviews, pilots),
        summary=_summary(rows, pilots, failures),
        failures=failures,
        about_all=about_all,
        pilots=pilots,
        stages=_STAGES,
        states=_state_options(rows),
        columns=columns,
        rows=sorted(rows, key=lambda row: row.partner.casefold()),
        has_clauses=any(isinstance(record["headline"].get("clauses"), Mapping) for record in records),
        version=bpo_analysis.__version__,
    )
    write_atomically(folder / "index.html", page)
    return folder / "index.html"


def write_shelf(out: Path) -> Path:
    """Write the page above several index pages: one line for each dataset and period found below a folder.

    Parameters
    ----------
    out : Path
        Folder that holds ``PERIOD/`` or ``DATASET/PERIOD/`` folders.

    Returns
    -------
    Path
        The page, ``out/index.html``.

    Raises
    ------
    ReportError
        If there is no report below the folder.
    """
    indexes = [page for depth in ("*", "*/*") for page in sorted(out.glob(f"{depth}/index.html"))]
    shelves = [_shelf(out, page) for page in indexes if any(page.parent.glob("*/*.run.json"))]
    if not shelves:
        raise ReportError(f"There are no reports below {out}. Make some first: bpo report --data DATA --out {out}.")
    shelves.sort(key=lambda shelf: shelf["period"], reverse=True)
    shelves.sort(key=lambda shelf: shelf["title"])
    page = _template("shelf.html.j2").render(
        head=document.head("Reports"), foot=document.foot(), shelves=shelves, version=bpo_analysis.__version__
    )
    write_atomically(out / "index.html", page)
    return out / "index.html"


def _shelf(out: Path, index: Path) -> dict[str, str]:
    records = _records(index.parent, ())
    reviews = [record for record in records if not _is_pilot(record)]
    rows = [_row(index.parent, group, ()) for group in _by_partner(reviews).values()]
    failures = [record for record in records if record["status"] != "ok"]
    labels = [str(record["headline"]["period_label"]) for record in records if record["headline"].get("period_label")]
    titles = [str(record["data"]["title"]) for record in records if (record.get("data") or {}).get("title")]
    return {
        "title": titles[0] if titles else index.parent.parent.name,
        "period": index.parent.name,
        "label": labels[0] if labels else index.parent.name,
        "href": quote(index.relative_to(out).as_posix()),
        "summary": _summary(rows, _pilots(index.parent, records), failures),
    }


@functools.cache
def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    return jinja2.Environment(loader=loader, autoescape=True).get_template(name)


def _records(folder: Path, runs: Sequence[ReportRun]) -> list[dict[str, Any]]:
    """Every record of the period, with this run's failures on top of what is on disk."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted(folder.glob("*/*.run.json")):
        record = read_record(path)
        if record is not None:
            template = str(record.get("template") or path.name.removesuffix(".run.json"))
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


def _by_partner(records: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    partners: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if record["slug"] != PORTFOLIO_SLUG:
            partners.setdefault(record["slug"], []).append(record)
    return partners


def _kpis(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = record["headline"].get("kpis") or []
    return [kpi for kpi in listed if isinstance(kpi, Mapping) and kpi.get("kpi")]


def _columns(records: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The union of all headline KPIs; partners may have different ones, the fullest set gives the order."""
    columns: dict[str, dict[str, str]] = {}
    for record in sorted(records, key=lambda record: -len(_kpis(record))):
        for kpi in _kpis(record):
            name = str(kpi["kpi"])
            columns.setdefault(name, {"kpi": name, "label": str(kpi.get("label") or name)})
    return list(columns.values())


def _row(folder: Path, group: Sequence[Mapping[str, Any]], columns: Sequence[Mapping[str, str]]) -> _Row:
    """One partner; with several reports, the one that has KPIs speaks for it."""
    main = max(group, key=lambda record: (record["status"] == "ok", len(_kpis(record))))
    headline, kpis = main["headline"], {str(kpi["kpi"]): kpi for kpi in _kpis(main)}
    failed = [record for record in group if record["status"] != "ok"]
    verdict = str(headline.get("verdict") or "")
    if failed:
        broken = ", ".join(_words(record["template"]) for record in failed)
        verdict = f"Report failed: {broken}. {verdict}".strip()
    return _Row(
        partner=str(headline.get("partner") or main.get("partner") or main["slug"]),
        kind=str(headline.get("kind") or ""),
        states=" ".join(sorted(_states(_clauses(main), failed=bool(failed)))),
        links=[link for record in group if (link := _link(record))],
        verdict=verdict,
        coverage=str(headline.get("coverage") or ""),
        cells=[_cell(kpis[column["kpi"]]) if column["kpi"] in kpis else None for column in columns],
    )


def _clauses(record: Mapping[str, Any]) -> dict[str, int]:
    """Count the agreed clauses of a contract; without such counts, those among the headline KPIs."""
    given = record["headline"].get("clauses")
    if isinstance(given, Mapping):
        return {name: _count(given.get(name)) for name in _CLAUSES}
    kpis = _kpis(record)
    counts = {name: sum(kpi.get("contract") == name for kpi in kpis) for name in _CLAUSES}
    return counts | {"clearly_missed": sum(_is_clearly_missed(kpi) for kpi in kpis)}


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _is_clearly_missed(kpi: Mapping[str, Any]) -> bool:
    is_clear = str(kpi.get("evidence")).startswith("clearly")
    return kpi.get("contract") == "missed" and kpi.get("good") is False and is_clear


def _states(clauses: Mapping[str, int], *, failed: bool) -> set[str]:
    found = {
        "failed": failed,
        "missed": clauses["missed"] > 0,
        "met": clauses["met"] > 0 and not clauses["missed"],
        "unmeasured": clauses["not measurable"] > 0,
        "worse": clauses["clearly_missed"] > 0,
    }
    return {state for state, is_so in found.items() if is_so}


def _cell(kpi: Mapping[str, Any]) -> dict[str, Any]:
    actual = kpi.get("actual")
    number = actual if isinstance(actual, int | float) and math.isfinite(actual) else None
    good = kpi.get("change_good")
    contract = kpi.get("contract")
    no_target = contract == "no target"  # said once, by the contract's mark
    text = str(kpi.get("actual_text") or ("–" if number is None else f"{number:g}"))
    return {
        "sort": "" if number is None else number,
        "actual": text,
        "interval": kpi.get("interval_text") or "",
        "target": "" if no_target else kpi.get("target_text") or "",
        "target_word": "proposed" if contract == "not agreed" else "target",
        "contract": _mark(contract),
        "evidence": "" if no_target else _mark(kpi.get("evidence"), good=kpi.get("good"), evidence=True),
        "change": kpi.get("change_text") or "",
        "change_word": kpi.get("change_word") or "",
        "tone": "none" if good is None else "good" if good else "bad",
        "spark": _spark(kpi, text),
    }


def _mark(state: Any, *, good: bool | None = None, evidence: bool = False) -> Markup:
    """A mark, or the plain word where a template invented a state of its own."""
    if not state:
        return Markup("")
    if evidence and state in EVIDENCE_STATES:
        return evidence_mark(state, good=good)
    if not evidence and state in CONTRACT_STATES:
        return contract_mark(state)
    return Markup('<span class="mark none">{}</span>').format(str(state))


def _spark(kpi: Mapping[str, Any], actual: str) -> Markup:
    history = kpi.get("spark")
    if not isinstance(history, list) or not any(value is not None for value in history):
        return Markup("")
    known = sum(value is not None for value in history)
    months = f"{known} of {len(history)} months known" if known < len(history) else f"{known} months"
    return spark(history, label=f"{months}, now {actual}", target=kpi.get("target"))


def _link(record: Mapping[str, Any]) -> dict[str, str] | None:
    if record["status"] != "ok":
        return None
    return {"href": _href(record["slug"], f"{record['template']}.html"), "text": _words(record["template"])}


def _failure(folder: Path, record: Mapping[str, Any]) -> dict[str, str]:
    where = f"cell In [{record['cell']}], " if record.get("cell") else ""
    older = folder / record["slug"] / f"{record['template']}.html"
    before = record.get("previous")
    return {
        "partner": str(record.get("partner") or record["slug"]),
        "template": _words(record["template"]),
        "where": f"{where}{record.get('exception') or 'unknown'}",
        "error": str(record.get("error") or "No reason was recorded."),
        "notebook": _href(record["slug"], str(record["notebook"])) if record.get("notebook") else "",
        "older": _href(record["slug"], older.name) if older.is_file() else "",
        "older_from": str(before.get("started", ""))[:10] if isinstance(before, Mapping) else "",
    }


def _is_pilot(record: Mapping[str, Any]) -> bool:
    return bool(_pilot_id(record))


def _pilot_id(record: Mapping[str, Any]) -> str:
    """Id of the pilot a report is about; one that failed has no headline, but was asked for by its parameter."""
    pilot = record["headline"].get("pilot")
    if isinstance(pilot, Mapping):
        return str(pilot.get("id") or "")
    parameters = record.get("parameters")
    return str(parameters.get("pilot") or "") if isinstance(parameters, Mapping) else ""


def _pilots(folder: Path, records: Sequence[dict[str, Any]]) -> list[_Pilot]:
    """One line for each pilot, by title."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records:
        if _is_pilot(record):
            groups.setdefault((record["slug"], _pilot_id(record)), []).append(record)
    found = [_pilot(folder, name, group) for (_, name), group in groups.items()]
    return sorted(found, key=lambda pilot: (pilot.title.casefold(), pilot.partner.casefold()))


def _pilot(folder: Path, name: str, group: Sequence[Mapping[str, Any]]) -> _Pilot:
    said = [one for record in group if isinstance(one := record["headline"].get("pilot"), Mapping)]
    pages = {}
    for record in group:
        one, link = record["headline"].get("pilot"), _link(record)
        if isinstance(one, Mapping) and link is not None:
            pages[str(one.get("stage"))] = {"href": link["href"], "said": str(one.get("said") or "")}
    evaluations = [one for one in said if one.get("stage") == "evaluation"]
    partners = [record["headline"].get("partner") or record.get("partner") for record in group]
    return _Pilot(
        title=next((str(one["title"]) for one in said if one.get("title")), name),
        partner=next((str(partner) for partner in partners if partner), str(group[0]["slug"])),
        pages=pages,
        is_evaluated=bool(evaluations),
        decision=next((str(one["decision"]) for one in evaluations if one.get("decision")), ""),
    )


def _about(reviews: Sequence[Any], pilots: Sequence[Any]) -> str:
    if not pilots:
        return "Partner reviews for"
    return "Partner reviews and pilots for" if reviews else "Pilots, with the data of"


def _summary(rows: Sequence[_Row], pilots: Sequence[_Pilot], failures: Sequence[Any]) -> str:
    """What there is, in a sentence or two: partners by their contracts, pilots by their decisions."""
    parts = [_said_of_partners(rows)] if rows or not pilots else []
    parts += [_said_of_pilots(pilots)] if pilots else []
    if failures:
        parts.append(f"{len(failures)} {_form(len(failures), 'report', 'reports')} failed.")
    return " ".join(parts)


def _said_of_pilots(pilots: Sequence[_Pilot]) -> str:
    decided = Counter(pilot.decision for pilot in pilots if pilot.decision)
    waiting = sum(pilot.is_evaluated and not pilot.decision for pilot in pilots)
    parts = [f"{len(pilots)} {_form(len(pilots), 'pilot', 'pilots')}"]
    if decided:
        counts = ", ".join(f"{decision} {count}" for decision, count in decided.most_common())
        parts.append(f"by its rule: {next(iter(decided))}" if len(pilots) == 1 else f"by their rules: {counts}")
    if waiting:
        parts.append("not due for a decision yet" if len(pilots) == 1 else f"{waiting} not due for a decision yet")
    return f"{'; '.join(parts)}."


def _said_of_partners(rows: Sequence[_Row]) -> str:
    """Count the partners by the worst that can be said of their contract."""
    if not rows:
        return "No report about a single partner."
    held = [set(row.states.split()) for row in rows]
    counts = {state: sum(state in states for states in held) for state in _STATES}
    unjudged = sum(not states & {"met", "missed", "failed"} for states in held)
    judged = [f"{counts['met']} met every target that could be judged", f"{counts['missed']} missed at least one"]
    if unjudged:
        judged.append(f"{unjudged} {_form(unjudged, 'has', 'have')} none that could be judged")
    caveats = []
    if counts["worse"]:
        caveats.append(f"{counts['worse']} {_form(counts['worse'], 'misses', 'miss')} a target beyond doubt")
    if counts["unmeasured"]:
        have = _form(counts["unmeasured"], "has", "have")
        caveats.append(f"{counts['unmeasured']} {have} targets that are not measurable")
    text = "; ".join(filter(None, [", ".join(judged), ", ".join(caveats)]))
    return f"{len(rows)} {_form(len(rows), 'partner', 'partners')}: {text}."


def _form(count: int, one: str, more: str) -> str:
    return one if count == 1 else more


def _state_options(rows: Sequence[_Row]) -> list[dict[str, Any]]:
    counted = ((token, label, sum(token in row.states.split() for row in rows)) for token, label in _STATES.items())
    return [{"token": token, "label": label, "count": count} for token, label, count in counted if count]


def _href(slug: str, name: str) -> str:
    return f"{quote(slug)}/{quote(name)}"


def _words(template: str) -> str:
    return template.replace("_", " ").replace("-", " ").capitalize()
