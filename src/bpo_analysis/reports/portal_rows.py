"""The table of the index: a row for each partner, a column for each headline KPI, and the partners counted in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from bpo_analysis.page.figures import spark
from bpo_analysis.page.marks import CONTRACT_STATES, EVIDENCE_STATES, contract_mark, evidence_mark
from bpo_analysis.reports.portal_records import Record, kpis_of, link_of, name_of, speaker, words

__all__ = ["STATES", "Row", "columns_of", "mark", "row_of", "said_of_partners", "state_options", "states_of_kpi"]

STATES: Final = {
    "failed": "report failed",
    "missed": "a target missed",
    "worse": "a target missed beyond doubt",
    "met": "every judged target met",
    "unmeasured": "a target not measurable",
}
"""What the reader can filter by: token -> words."""
_CLAUSES: Final = ("met", "missed", "not measurable", "clearly_missed")
_SPARK_SIZE: Final = {"width": 64, "height": 22}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the index."""

    slug: str
    partner: str
    kind: str
    states: str
    standing: Markup
    links: list[dict[str, str]]
    failed: str
    verdict: str
    coverage: str
    is_covered: bool
    cells: list[dict[str, Any] | None]
    rank: tuple[int, int, str]


def columns_of(records: Sequence[Record]) -> list[dict[str, str]]:
    """Return the union of all headline KPIs; partners may have different ones, the fullest set gives the order."""
    columns: dict[str, dict[str, str]] = {}
    for record in sorted(records, key=lambda record: -len(kpis_of(record))):
        for kpi in kpis_of(record):
            name = str(kpi["kpi"])
            columns.setdefault(name, {"kpi": name, "label": str(kpi.get("label") or name)})
    return list(columns.values())


def row_of(slug: str, group: Sequence[Record], columns: Sequence[Mapping[str, str]]) -> Row:
    """Return the line of one partner."""
    main = speaker(group)
    headline, kpis = main["headline"], {str(kpi["kpi"]): kpi for kpi in kpis_of(main)}
    failed = [record for record in group if record["status"] != "ok"]
    counts = _clauses(main)
    partner = name_of(main)
    return Row(
        slug=slug,
        partner=partner,
        kind=str(headline.get("kind") or ""),
        states=" ".join(sorted(_states(counts, failed=bool(failed)))),
        standing=_standing(counts),
        links=[link for record in group if (link := link_of(record))],
        failed=", ".join(words(record["template"]) for record in failed),
        verdict=str(headline.get("verdict") or ""),
        coverage=str(headline.get("coverage") or ""),
        is_covered=headline.get("is_covered") is True,
        cells=[_cell(kpis[column["kpi"]]) if column["kpi"] in kpis else None for column in columns],
        rank=(-counts["clearly_missed"], -counts["missed"], partner.casefold()),
    )


def _clauses(record: Record) -> dict[str, int]:
    """Count the agreed clauses of a contract; without such counts, those among the headline KPIs."""
    given = record["headline"].get("clauses")
    if isinstance(given, Mapping):
        return {name: _count(given.get(name)) for name in _CLAUSES}
    kpis = kpis_of(record)
    counts = {name: sum(kpi.get("contract") == name for kpi in kpis) for name in _CLAUSES}
    return counts | {"clearly_missed": sum("worse" in states_of_kpi(kpi) for kpi in kpis)}


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def states_of_kpi(kpi: Record) -> list[str]:
    """Return what a reader can filter one KPI of one partner by."""
    state = {"met": ["met"], "missed": ["missed"], "not measurable": ["unmeasured"]}.get(str(kpi.get("contract")), [])
    is_clear = kpi.get("good") is False and str(kpi.get("evidence")).startswith("clearly")
    return [*state, "worse"] if state == ["missed"] and (is_clear or kpi.get("evidence") == "exact") else state


def _states(counts: Mapping[str, int], *, failed: bool) -> set[str]:
    found = {
        "failed": failed,
        "missed": counts["missed"] > 0,
        "met": counts["met"] > 0 and not counts["missed"],
        "unmeasured": counts["not measurable"] > 0,
        "worse": counts["clearly_missed"] > 0,
    }
    return {state for state, is_so in found.items() if is_so}


def _standing(counts: Mapping[str, int]) -> Markup:
    """How the agreed targets came out, in one mark and a few words."""
    judged = counts["met"] + counts["missed"]
    rest = []
    if counts["clearly_missed"]:
        rest.append(f"{counts['clearly_missed']} beyond doubt")
    if counts["not measurable"]:
        rest.append(f"{counts['not measurable']} not measurable")
    if not judged:
        said = contract_mark("no target", words="no target judged")
    elif counts["missed"]:
        said = contract_mark("missed", words=f"{counts['missed']} of {judged} missed")
    else:
        said = contract_mark("met", words=f"all {judged} met" if judged > 1 else "1 of 1 met")
    return said + Markup(" <small>{}</small>").format(", ".join(rest)) if rest else said


def _cell(kpi: Record) -> dict[str, Any]:
    actual = kpi.get("actual")
    number = actual if isinstance(actual, int | float) and math.isfinite(actual) else None
    good = kpi.get("change_good")
    contract = kpi.get("contract")
    no_target = contract == "no target"  # said once, by the contract's mark
    text = str(kpi.get("actual_text") or ("–" if number is None else f"{number:g}"))
    return {
        "sort": "" if number is None else f"{number:.9f}".rstrip("0"),
        "states": " ".join(states_of_kpi(kpi)),
        "actual": text,
        "interval": kpi.get("interval_text") or "",
        "target": "" if no_target else kpi.get("target_text") or "",
        "target_word": "proposed" if contract == "not agreed" else "target",
        "contract": mark(contract),
        "evidence": "" if no_target else mark(kpi.get("evidence"), good=kpi.get("good"), evidence=True),
        "change": kpi.get("change_text") or "",
        "change_word": kpi.get("change_word") or "",
        "tone": "none" if good is None else "good" if good else "bad",
        "spark": _spark(kpi, text),
    }


def mark(state: Any, *, good: bool | None = None, evidence: bool = False) -> Markup:
    """Return a mark, or the plain word where a template invented a state of its own."""
    if not state:
        return Markup("")
    if evidence and state in EVIDENCE_STATES:
        return evidence_mark(state, good=good)
    if not evidence and state in CONTRACT_STATES:
        return contract_mark(state)
    return Markup('<span class="mark none">{}</span>').format(str(state))


def _spark(kpi: Record, actual: str) -> Markup:
    history = kpi.get("spark")
    if not isinstance(history, list) or not any(value is not None for value in history):
        return Markup("")
    known = sum(value is not None for value in history)
    months = f"{known} of {len(history)} months known" if known < len(history) else f"{known} months"
    return spark(history, label=f"{months}, now {actual}", target=kpi.get("target"), **_SPARK_SIZE)


def said_of_partners(rows: Sequence[Row]) -> str:
    """Count the partners by the worst that can be said of their contract."""
    if not rows:
        return "No report about a single partner."
    held = [set(row.states.split()) for row in rows]
    counts = {state: sum(state in states for states in held) for state in STATES}
    unjudged = sum(not states & {"met", "missed", "failed"} for states in held)
    judged = [f"{counts['met']} met every target that could be judged", f"{counts['missed']} missed at least one"]
    if unjudged:
        judged.append(f"{unjudged} {'has' if unjudged == 1 else 'have'} none that could be judged")
    caveats = []
    if counts["worse"]:
        caveats.append(f"{counts['worse']} {'misses' if counts['worse'] == 1 else 'miss'} a target beyond doubt")
    if counts["unmeasured"]:
        have = "has" if counts["unmeasured"] == 1 else "have"
        caveats.append(f"{counts['unmeasured']} {have} targets that are not measurable")
    text = "; ".join(filter(None, [", ".join(judged), ", ".join(caveats)]))
    return f"{len(rows)} {'partner' if len(rows) == 1 else 'partners'}: {text}."


def state_options(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the states that some partner is in, with their number."""
    counted = ((token, label, sum(token in row.states.split() for row in rows)) for token, label in STATES.items())
    return [{"token": token, "label": label, "count": count} for token, label, count in counted if count]
