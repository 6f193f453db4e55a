"""What changed since the report of the period before: values against what was printed then, restatements marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from bpo_analysis.formats import MISSING, unbroken
from bpo_analysis.page.marks import CONTRACT_STATES, contract_mark
from bpo_analysis.reports.portal_records import Record, href, kpis_of, name_of, plain_records
from bpo_analysis.reports.portal_rows import mark, states_of_kpi

__all__ = ["Change", "changes_between", "said_of_changes"]

# In the order of the table: what to look at first.
_KINDS: Final = {
    "clear": "now missed beyond doubt",
    "missed": "newly missed",
    "lost": "not measurable any more",
    "worse": "clearly worse",
    "met": "met again",
    "better": "clearly better",
    "moved": "clearly moved",
    "target": "target changed",
    "restated": "restated",
    "other": "otherwise judged",
}
_TONES: Final = {"clear": "bad", "missed": "bad", "worse": "bad", "met": "good", "better": "good"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One target or KPI of one partner that is not what it was in the report before.

    Attributes
    ----------
    kind : str
        What happened, for counting and sorting.
    then, now : str
        As printed in the two reports.
    restated : str
        What today's data say about the period before, where that is not what was printed.
    """

    slug: str
    partner: str
    kpi: str
    label: str
    kind: str
    then: str
    now: str
    since: str
    target: str
    restated: str
    mark: Markup
    evidence: Markup
    href: str

    @property
    def is_worse(self) -> bool:
        """Whether it is one of the kinds that a reader must know of."""
        return _TONES.get(self.kind) == "bad"

    @property
    def order(self) -> int:
        """Place of its kind."""
        return list(_KINDS).index(self.kind)


def changes_between(speakers: Sequence[Record], before: Sequence[Record], last: str) -> list[Change]:
    """Compare the reports that speak for the partners with the same reports of the period before.

    Parameters
    ----------
    speakers, before : sequence of records
        Of this period and of the one whose index comes before.
    last : str
        Label of that period. What today's data say about it is known only where it is the one right before.
    """
    earlier = {(record["slug"], record["template"]): record for record in before if record["status"] == "ok"}
    found = [
        change
        for record in speakers
        if (old := earlier.get((record["slug"], record["template"]))) is not None
        for change in _changes(record, old, is_adjacent=record["headline"].get("last_period") == last)
    ]
    return sorted(found, key=lambda change: change.order)


def _changes(record: Record, old: Record, *, is_adjacent: bool) -> Iterator[Change]:
    seen = set()
    then = {_key(one): one for one in _targets(old)}
    for one in _targets(record):
        was = then.get(_key(one))
        if was is not None and (change := _change(record, one, was, is_adjacent=is_adjacent)) is not None:
            seen.add(one["kpi"])
            yield change
    printed = {str(kpi["kpi"]): kpi for kpi in kpis_of(old)}
    for kpi in kpis_of(record):
        was = printed.get(str(kpi["kpi"]))
        if kpi["kpi"] not in seen and was is not None:
            change = _moved(record, kpi, was, is_adjacent=is_adjacent)
            if change is not None:
                yield change


def _targets(record: Record) -> list[Record]:
    """The agreed targets; without a list of them, the headline KPIs."""
    agreed = [one for one in plain_records(record["headline"].get("agreed")) if one.get("kpi")]
    return agreed or kpis_of(record)


def _key(one: Record) -> tuple[str, str]:
    return str(one["kpi"]), str(one.get("scope") or "")


def _change(record: Record, now: Record, was: Record, *, is_adjacent: bool) -> Change | None:
    restated = _restated(now, was) if is_adjacent else ""
    kind = _kind(now, was) or ("restated" if restated else "")
    if not kind:
        return None
    words = {"clear": "missed", "missed": "newly missed", "met": _met_word(was)}.get(kind, "")
    state = now.get("contract")
    said = contract_mark(str(state), words=words) if words and state in CONTRACT_STATES else mark(state)
    return _made(record, now, was, kind, said, restated)


def _kind(now: Record, was: Record) -> str:
    state, before = now.get("contract"), was.get("contract")
    if state == "missed" and _is_clear(now) and not (before == "missed" and _is_clear(was)):
        return "clear"
    if state != before:
        return {"missed": "missed", "met": "met", "not measurable": "lost"}.get(str(state), "other")
    return "target" if now.get("target_text") != was.get("target_text") else ""


def _is_clear(one: Record) -> bool:
    if "clearly_missed" in one:
        return one["clearly_missed"] is True
    return "worse" in states_of_kpi(one)


def _met_word(was: Record) -> str:
    return "met again" if was.get("contract") == "missed" else "now met"


def _moved(record: Record, now: Record, was: Record, *, is_adjacent: bool) -> Change | None:
    """A headline KPI whose report says it moved, or whose past was restated."""
    restated = _restated(now, was) if is_adjacent else ""
    word = str(now.get("change_word") or "")
    kind = word if word in ("better", "worse", "moved") else "restated" if restated else ""
    if not kind:
        return None
    tone = {"better": "good", "worse": "bad"}.get(kind, "none")
    said = (
        Markup('<span class="delta {}">{}</span>').format(tone, kind)
        if kind != "restated"
        else mark(now.get("contract"))
    )
    return _made(record, now, was, kind, said, restated)


def _restated(now: Record, was: Record) -> str:
    """The value of the period before from today's data, where it is printed otherwise now."""
    then, today = str(was.get("actual_text") or ""), str(now.get("last_text") or "")
    return today if then and today and then != today else ""


def _made(record: Record, now: Record, was: Record, kind: str, said: Markup, restated: str) -> Change:
    scope = str(now.get("scope") or "")
    label = str(now.get("label") or now["kpi"])
    return Change(
        slug=record["slug"],
        partner=name_of(record),
        kpi=str(now["kpi"]),
        label=f"{label}, {scope}" if scope and scope != "whole" else label,
        kind=kind,
        then=unbroken(str(was.get("actual_text") or MISSING)),
        now=unbroken(str(now.get("actual_text") or MISSING)),
        since=str(now.get("since_text") or "") if restated or was.get("actual_text") == now.get("last_text") else "",
        target=_target(now, was),
        restated=restated,
        mark=said,
        evidence=mark(now.get("evidence"), good=now.get("good"), evidence=True),
        href=href(record["slug"], f"{record['template']}.html"),
    )


def _target(now: Record, was: Record) -> str:
    text, before = str(now.get("target_text") or ""), str(was.get("target_text") or "")
    return unbroken(text) if text == before or not before else f"{unbroken(text)}, was {unbroken(before)}"


def said_of_changes(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return how many of each kind there are, in words, with the tone of the kind."""
    counts: Mapping[str, int] = Counter(change.kind for change in changes)
    said = [
        {"kind": kind, "text": f"{counts[kind]} {words}", "tone": _TONES.get(kind, "none")}
        for kind, words in _KINDS.items()
        if counts.get(kind) and kind != "restated"
    ]
    restated = sum(bool(change.restated) for change in changes)
    if restated:
        said.append({"kind": "restated", "text": f"{restated} {_KINDS['restated']}", "tone": "none"})
    return said
