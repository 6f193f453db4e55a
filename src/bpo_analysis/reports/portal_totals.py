"""What all partners of the client add up to: headline KPIs pooled from their sums, never averaged over partners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard, get_args

from bpo_analysis.formats import format_change, format_value, plural
from bpo_analysis.kpis import Unit
from bpo_analysis.reports.portal_records import Record, kpis_of

__all__ = ["Total", "kpi_totals", "said_of_contacts"]

_UNITS: Final = get_args(Unit)
_LEAST: Final = 2
"""Partners that make a total."""
_CONTACTS: Final = ("offered", "handled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One number of the client.

    ``since`` is its change from the period before; ``lines`` stand under it: its parts, and what it is from.
    """

    text: str
    since: str
    lines: list[str]


def said_of_contacts(speakers: Sequence[Record]) -> str:
    """Say how many contacts the partners had together, and of how many partners that is known."""
    said, known = [], 0
    for name in _CONTACTS:
        values = [value for record in speakers if _is_number(value := _contacts(record).get(name))]
        if values:
            said.append(f"{format_value(sum(values), 'count', decimals=0)} {name}")
            known = max(known, len(values))
    if not said:
        return ""
    some = f" ({known} of {plural(len(speakers), 'partner')})" if known < len(speakers) else ""
    return f"Contacts: {', '.join(said)}{some}"


def _contacts(record: Record) -> Mapping[str, Any]:
    found = record["headline"].get("contacts")
    return found if isinstance(found, Mapping) else {}


def kpi_totals(speakers: Sequence[Record], columns: Sequence[Mapping[str, str]]) -> list[Total | None]:
    """Return every headline KPI of all partners together, where adding up makes sense.

    Parameters
    ----------
    speakers : sequence of records
        The report that speaks for each partner.
    columns : sequence of mappings
        The headline KPIs.

    Notes
    -----
    A ratio is the sum of numerators over the sum of denominators, so a partner counts by its cases. A level, such as
    open cases at day's end, is left out: over partners its average is no level of the client.
    """
    return [_total(column["kpi"], speakers) for column in columns]


def _is_level(kpi: Record) -> bool:
    return kpi.get("unit") == "count" and kpi.get("pooling") != "total"


def _total(name: str, speakers: Sequence[Record]) -> Total | None:
    pairs = [
        (record, kpi)
        for record in speakers
        for kpi in kpis_of(record)
        if kpi["kpi"] == name and _sums(kpi, "sums") is not None
    ]
    if len(pairs) < _LEAST or _is_level(pairs[0][1]):
        return None
    kpis = [kpi for _, kpi in pairs]
    lines = [_parts(pairs), _based_on(kpis, len(speakers))]
    return Total(text=_text(_pooled(kpis, "sums"), kpis[0]), since=_since(kpis), lines=[line for line in lines if line])


def _since(kpis: Sequence[Record]) -> str:
    """The change from the period before, of those that were there in both."""
    both = [kpi for kpi in kpis if _sums(kpi, "last_sums") is not None]
    now, before = _pooled(both, "sums"), _pooled(both, "last_sums")
    if now is None or before is None:
        return ""
    change = format_change(now - before, kpis[0]["unit"], currency=str(kpis[0].get("currency") or ""))
    return change if len(both) == len(kpis) else f"{change} ({len(both)} partners)"


def _parts(pairs: Sequence[tuple[Record, Record]]) -> str:
    """Outside partners and the own team, where there are both."""
    own = [kpi for record, kpi in pairs if record["headline"].get("kind")]
    outside = [kpi for record, kpi in pairs if not record["headline"].get("kind")]
    if not own or not outside:
        return ""
    return f"outside {_text(_pooled(outside, 'sums'), outside[0])}, own {_text(_pooled(own, 'sums'), own[0])}"


def _based_on(kpis: Sequence[Record], partners: int) -> str:
    base = str(kpis[0].get("base") or "")
    some = f"{len(kpis)} of {partners} partners" if len(kpis) < partners else ""
    if not base or kpis[0].get("pooling") == "total":
        return some
    cases = sum(sums[1] for kpi in kpis if (sums := _sums(kpi, "sums")) is not None)
    cases = cases / 3600 if base.startswith("hours") else cases
    return ", ".join(filter(None, [f"{format_value(cases, 'count', decimals=0)} {base}", some]))


def _pooled(kpis: Iterable[Record], name: str) -> float | None:
    kpis = list(kpis)
    sums = [found for kpi in kpis if (found := _sums(kpi, name)) is not None]
    if not sums:
        return None
    numerator = sum(one for one, _ in sums)
    if kpis[0].get("pooling") == "total":
        return numerator
    denominator, scale = sum(two for _, two in sums), kpis[0].get("scale")
    return (scale if _is_number(scale) else 1.0) * numerator / denominator if denominator else None


def _sums(kpi: Record, name: str) -> tuple[float, float] | None:
    """Numerator and denominator (nought for totals), or None where a record does not hold them."""
    found = kpi.get(name)
    if not isinstance(found, list) or len(found) != 2 or not _is_number(found[0]) or kpi.get("unit") not in _UNITS:
        return None
    if kpi.get("pooling") == "total":
        return found[0], 0.0
    return (found[0], found[1]) if _is_number(found[1]) else None


def _text(value: float | None, kpi: Record) -> str:
    return format_value(value, kpi["unit"], currency=str(kpi.get("currency") or ""))


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
