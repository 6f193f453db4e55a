"""Check what the tables say about each other, and the KPI table they end in. Nothing is repaired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import ibis.expr.types as ir

from bpo_analysis.data.expressions import columns_of
from bpo_analysis.data.files import ROW
from bpo_analysis.data.problems import MAX_EXAMPLES, Problem, Severity
from bpo_analysis.data.schema import TABLES
from bpo_analysis.errors import suggest
from bpo_analysis.kpis import Kpi, Setting

__all__ = [
    "Written",
    "check_currency",
    "check_limits",
    "check_partners",
    "check_written",
    "partners_of",
    "unknown_partners",
]

MAX_UNKNOWN_PARTNERS = 10
MAX_PARTNERS_NAMED = 3


def check_partners(table: ir.Table, name: str, known: list[str]) -> list[Problem]:
    """Report rows whose partner is not in the table of partners."""
    column = table["partner_id"]
    counts = partners_of(table.filter(~column.isin(known)))
    found = counts.order_by("row", "partner_id").limit(MAX_UNKNOWN_PARTNERS + 1).to_pyarrow().to_pylist()
    return unknown_partners(found, name, known)


def partners_of(table: ir.Table) -> ir.Table:
    """Count the rows (``n``) of every partner, with the first (``row``)."""
    named = table.filter(table["partner_id"].notnull())
    return named.group_by("partner_id").aggregate(n=named.count(), row=named[ROW].min())


def unknown_partners(found: Sequence[Mapping[str, Any]], name: str, known: list[str]) -> list[Problem]:
    """Return the problems of partners that table partners does not have, the first few by name."""
    remedy = "add it to partners, or correct the spelling; rows of unknown partners are never counted as in-house"
    problems = [
        Problem(
            severity="error", table=name, row=partner["row"], column="partner_id", value=partner["partner_id"],
            rule=f"partner is not in table partners.{suggest(partner['partner_id'], known)}", remedy=remedy,
            count=partner["n"],
        )
        for partner in found[:MAX_UNKNOWN_PARTNERS]
    ]  # fmt: skip
    if len(found) > MAX_UNKNOWN_PARTNERS:
        problems.append(
            Problem(
                severity="error", table=name, column="partner_id", rule="more partners are not in table partners",
                remedy="map the same column in both tables",
            )
        )  # fmt: skip
    return problems


def check_limits(
    volume: ir.Table, mapped: frozenset[str], kpis: Iterable[Kpi], settings: Mapping[str, Setting]
) -> list[Problem]:
    """Report where the platform counted with other limits than those the definitions print."""
    texts = [text for kpi in kpis if kpi.source == "volume" for text in (kpi.numerator, kpi.denominator)]
    used = {name for text in texts for name in columns_of(text)}
    problems: list[Problem] = []
    for limit, counts, family in (
        ("threshold_s", "answered_in_threshold", "service_level"), ("short_s", "abandoned_short", "abandonment_rate"),
    ):  # fmt: skip
        if limit in mapped and counts in mapped and counts in used:
            problems.extend(_limit_problems(volume, limit, family, settings[limit]))
    return problems


def _limit_problems(volume: ir.Table, limit: str, family: str, setting: Setting) -> Iterator[Problem]:
    known = volume.filter(volume[limit].notnull())
    groups = known.group_by("channel", limit).aggregate(n=known.count(), row=known[ROW].min())
    found = groups.order_by("row", "channel").to_pyarrow().to_pylist()
    wrong = [f for f in found if f[limit] != (setting.get(f["channel"]) if isinstance(setting, Mapping) else setting)]
    if not wrong:
        return
    limits = {f["channel"] or "": f[limit] for f in found}
    by_channel = ", ".join(f"{channel} = {value:g}" for channel, value in limits.items())
    counted = f"{found[0][limit]:g}" if len(set(limits.values())) == 1 else f"{{ {by_channel} }}"
    yield Problem(
        # Where no row agrees, the printed definition is wrong everywhere.
        severity="error" if len(wrong) == len(found) else "warning", table="volume", column=limit, row=wrong[0]["row"],
        value=f"{wrong[0][limit]:g}", count=sum(f["n"] for f in wrong),
        rule=f"differs from the limit that {family} is printed with",
        remedy=f"write [kpis.{family}] {limit} = {counted}",
    )  # fmt: skip


def check_currency(invoices: ir.Table, printed: str) -> list[Problem]:
    """Report amounts in a currency other than the one that pages print."""
    groups = invoices.group_by("currency").aggregate(n=invoices.count(), row=invoices[ROW].min())
    found = groups.filter(groups.currency.notnull()).order_by("row", "currency").to_pyarrow().to_pylist()
    if len(found) > 1:
        names = ", ".join(f["currency"] for f in found)
        rule, remedy = (
            f"amounts in several currencies cannot be added ({names})",
            "convert them to one before the export",
        )
    elif found and found[0]["currency"] != printed:
        rule = f"amounts are in {found[0]['currency']}, pages print {printed or 'no currency'}"
        remedy = f'write [dataset] currency = "{found[0]["currency"]}"'
    else:
        return []
    return [
        Problem(
            severity="error" if len(found) > 1 else "warning", table="invoices", column="currency",
            row=found[-1]["row"], value=found[-1]["currency"], count=sum(f["n"] for f in found), rule=rule,
            remedy=remedy,
        )
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """Which KPIs the KPI table has, and what is wrong in it."""

    kpis: set[str]
    problems: tuple[Problem, ...]


def check_written(
    daily: ir.Table,
    kpis: Iterable[Kpi],
    partners: Iterable[str],
    grain: Literal["day", "week", "month"],
    origin: str,
) -> Written:
    """Check the sums of the KPI table by day: no part exceeds its whole, no day and no partner is missing unnoticed."""
    spans = daily.group_by("kpi", "partner_id").aggregate(
        first=daily.date.min(), last=daily.date.max(), days=daily.date.nunique()
    )
    found = spans.order_by("kpi", "partner_id").to_pyarrow().to_pylist()
    problems = list(_parts_over_whole(daily, {kpi.name: kpi for kpi in kpis if kpi.is_part}))
    offered = {row["partner_id"]: row for row in found if row["kpi"] == "offered"}
    problems.extend(_gaps(offered, list(partners), grain, origin))
    return Written({row["kpi"] for row in found}, tuple(problems))


def _parts_over_whole(daily: ir.Table, parts: Mapping[str, Kpi]) -> Iterator[Problem]:
    """Report shares above one: an error over a month; over a day it can be contacts that ended after midnight."""
    shares = daily.filter(daily.kpi.isin(list(parts)))
    over_a_day = _over(shares, shares.date)
    over_a_month = _over(shares, shares.date.truncate("month")) if over_a_day else []
    for severity, found in (("error", over_a_month), ("warning", [] if over_a_month else over_a_day)):
        for name in dict.fromkeys(row["kpi"] for row in found):
            of_kpi = [row for row in found if row["kpi"] == name]
            for row in of_kpi[:MAX_EXAMPLES]:
                when = f"{row['start']:%Y-%m}" if severity == "error" else f"{row['start']:%Y-%m-%d}"
                yield Problem(
                    severity=cast("Severity", severity), table=parts[name].source, column=name, count=len(of_kpi),
                    value=f"{row['partner_id']}, {when}: {row['n']:g} of {row['d']:g}",
                    rule=f"numerator exceeds denominator ({parts[name].numerator} of {parts[name].denominator})",
                    remedy="check the mapping of both columns",
                )  # fmt: skip


def _over(shares: ir.Table, start: ir.DateValue) -> list[dict[str, Any]]:
    sums = shares.group_by("kpi", "partner_id", start=start).aggregate(n=shares.n.sum(), d=shares.d.sum())
    over = sums.filter(sums.n > sums.d * (1 + 1e-9)).order_by("kpi", "partner_id", "start")
    return list(over.to_pyarrow().to_pylist())


def _gaps(
    offered: Mapping[str, Mapping[str, Any]], partners: list[str], grain: Literal["day", "week", "month"], origin: str
) -> Iterator[Problem]:
    """Report partners without a row, and days without rows inside a partner's own days."""
    absent = dict.fromkeys(sorted(set(partners) - set(offered)), 1) if offered else {}
    for name, count in _few(absent).items():
        yield Problem(
            severity="warning", table=origin, column="partner_id", value=name, count=count, rule="partner has no rows",
            remedy="nothing, if it has not started; else check its export",
        )  # fmt: skip
    missing = {name: (row["last"] - row["first"]).days + 1 - row["days"] for name, row in offered.items()}
    gaps = {name: count for name, count in missing.items() if count} if grain == "day" else {}
    for name, count in _few(gaps).items():
        yield Problem(
            severity="warning", table=origin, column=str(TABLES[origin].date), value=name, count=count,
            rule="days without rows between a partner's first and last day",
            remedy="nothing, if the partner was closed; such days are missing, never zero",
        )  # fmt: skip


def _few(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Return counts by partner, or in one line where there are many."""
    if len(counts) <= MAX_PARTNERS_NAMED:
        return counts
    return {f"{len(counts)} partners, first {max(counts, key=lambda name: counts[name])}": sum(counts.values())}
