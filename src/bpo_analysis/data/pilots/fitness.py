"""Whether a pilot can be judged by the rows there are: found before it is registered, not when its report is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import pandas as pd

from bpo_analysis.data.pilots.spec import PilotSpec
from bpo_analysis.errors import suggest
from bpo_analysis.formats import plural

__all__ = ["PilotFindings", "few_units", "remarks", "unfit", "unknown_in_words", "unknown_units"]

_A_WEEK = timedelta(days=6)
"""After the first day that counts: an arm without rows on a single day is nothing unusual."""
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotFindings:
    """What is wrong with a pilot whose file can be read.

    Attributes
    ----------
    faults : list of str
        What keeps every report of it from being made.
    unfit : list of str
        What keeps it from being judged, and so from being registered.
    remarks : list of str
        What should be looked into, and can be as it should or could not be known before the start.
    unknown : list of str
        Assigned units that no row and no roster knows.
    """

    faults: list[str] = field(default_factory=list)
    unfit: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def few_units(spec: PilotSpec, counts: pd.Series) -> Iterator[str]:
    """Say which arm has too few units.

    Parameters
    ----------
    spec : PilotSpec
    counts : Series
        Index arm: units that were assigned to it first.
    """
    least = 1 if spec.comparator == "history" else 2
    for arm in _arms(spec):
        got = int(counts.get(arm, 0))
        if got < least:
            yield (
                f"arm {arm!r} has {plural(got, spec.unit)}, at least {least} needed: "
                "one unit alone does not show how much units differ. Look at table pilot_units or [arms] in the pilot "
                "file; with one site or team, assign its agents, or compare with history."
            )


def unfit(spec: PilotSpec, table: pd.DataFrame, rows: pd.DataFrame) -> Iterator[str]:
    """Say what keeps a pilot from being judged, as far as the rows there are can tell.

    Parameters
    ----------
    spec : PilotSpec
    table : DataFrame
        Its assignments: unit, arm, valid_from, partner_id; sorted by unit and spell.
    rows : DataFrame
        Sums of its metrics in its scope: kpi, partner_id, unit, date.
    """
    units = _first_arms(spec, table)
    if len(units):
        yield from few_units(spec, units["arm"].value_counts())
    own = _of_units(units, rows)
    if rows.empty or (spec.unit == "week" and _last(rows) < spec.end):  # weeks to come have no rows yet
        return
    for metric in spec.primaries:
        if metric.kpi not in set(own["kpi"]):
            yield (
                f"[[metric]] {metric.kpi!r} has no row of any {spec.unit} of the pilot, and it is judged by it. The "
                "units must be named as in the tables; or choose another KPI."
            )
    reached = len(own) and _needs_baseline(spec) and _last(rows) >= spec.baseline_end
    if reached and not _inside(own, spec.baseline_start, spec.baseline_end).any():
        yield (
            f"has no rows of its units in the baseline window {spec.baseline_start} to {spec.baseline_end} (first "
            f"row: {own['date'].min():%Y-%m-%d}). Change the baseline window, or export earlier data."
        )


def remarks(spec: PilotSpec, table: pd.DataFrame, rows: pd.DataFrame) -> Iterator[str]:
    """Say what should be looked into: arms without rows before the pilot or since its start.

    Parameters
    ----------
    spec, table, rows
        As for :func:`unfit`.
    """
    own = _of_units(_first_arms(spec, table), rows)
    if len(own):
        yield from _arms_without_baseline(spec, own)
        yield from _arms_without_rows(spec, own, min(spec.end, _last(rows)))


def _arms_without_baseline(spec: PilotSpec, own: pd.DataFrame) -> Iterator[str]:
    before = own[_inside(own, spec.baseline_start, spec.baseline_end)]
    if before.empty or not _needs_baseline(spec):  # no arm has any: said by unfit
        return
    for arm in _arms(spec):
        if arm not in set(before["arm"]):
            yield (
                f"arm {arm!r} has no rows in the baseline window {spec.baseline_start} to {spec.baseline_end}: the "
                "arms cannot be compared as they were before. Change the window, or export earlier data."
            )


def _arms_without_rows(spec: PilotSpec, own: pd.DataFrame, last: date) -> Iterator[str]:
    """Say which arm has no rows of a metric since the start; of weeks only at the end, for they take turns."""
    if last < spec.first_day + _A_WEEK or (spec.unit == "week" and last < spec.end):
        return
    since = own[_inside(own, spec.first_day, last)]
    for metric in spec.metrics:
        having = set(since.loc[since["kpi"] == metric.kpi, "arm"])
        for arm in _arms(spec):
            if arm not in having:
                yield (
                    f"arm {arm!r} has no rows of {metric.kpi!r} from {spec.first_day} to {last}, and the data reach so "
                    f"far: {metric.kpi} cannot be judged. Check the names of its units and [scope], or export the rest."
                )


def _arms(spec: PilotSpec) -> tuple[str, ...]:
    return ("pilot",) if spec.comparator == "history" else ("pilot", "baseline")


def unknown_units(spec: PilotSpec, table: pd.DataFrame, known: pd.DataFrame) -> dict[str, str]:
    """Return assigned units that no row and no roster knows, with the nearest name that is known.

    Parameters
    ----------
    spec : PilotSpec
    table : DataFrame
        Its assignments.
    known : DataFrame
        partner_id, unit: of the metrics' tables, whatever the scope, and of the roster.
    """
    if spec.unit == "week":  # weeks to come are in no row yet
        return {}
    there = set(zip(known["partner_id"], known["unit"], strict=True))
    partners = table["partner_id"].fillna(spec.partner_id)
    absent = {
        unit: partner for unit, partner in zip(table["unit"], partners, strict=True) if (partner, unit) not in there
    }
    return {
        unit: suggest(unit, [name for of, name in there if of == partner and name is not None])
        for unit, partner in absent.items()
    }


def unknown_in_words(spec: PilotSpec, unknown: dict[str, str]) -> Iterator[str]:
    """Say which assigned units are not known, in one sentence."""
    if not unknown:
        return
    named = ", ".join(map(repr, list(unknown)[:_MOST_NAMED]))
    more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
    near = next(iter(unknown.values())) if len(unknown) == 1 else ""
    yield (
        f"has {plural(len(unknown), spec.unit)} in its arms that the data do not know: {named}{more}.{near} Nothing of "
        "them can be counted. Write the names as in the tables; leave them where they have not started work yet."
    )


def _needs_baseline(spec: PilotSpec) -> bool:
    """Weeks are units of their own: they have no time before."""
    return spec.comparator == "history" or spec.unit != "week"


def _first_arms(spec: PilotSpec, table: pd.DataFrame) -> pd.DataFrame:
    """Arm each unit was assigned to first; against history there is one."""
    first = table.drop_duplicates("unit")
    first = first[first["arm"] == "pilot"] if spec.comparator == "history" else first
    return first[["unit", "arm"]]


def _of_units(units: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.merge(units, on="unit")


def _last(rows: pd.DataFrame) -> date:
    last: date = rows["date"].max().date()
    return last


def _inside(rows: pd.DataFrame, first: date, last: date) -> pd.Series:
    return rows["date"].between(pd.Timestamp(first), pd.Timestamp(last))
