"""Sums per unit and day for a pilot, made where the tables are: rows never leave the engine before they are added up.

Written when a dataset is prepared, one file of sums for each pilot and one of the units that the tables know; where
arms are given by a condition, one with the days on which a unit worked in which arm; and for agents of a roster one
with their hire dates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.kpi_table import KPI_COLUMNS, ORIGIN, absent_columns, terms_of
from bpo_analysis.data.pilots.spec import PilotSpec
from bpo_analysis.data.sources import fetched
from bpo_analysis.data.views import DIMENSIONS, Sources, volume_of_contacts
from bpo_analysis.errors import suggest
from bpo_analysis.kpis import Kpi

__all__ = ["ARM_DAYS", "HIRED", "KNOWN", "ROWS", "conditions_of", "write_pilot"]

ROWS, ARM_DAYS, HIRED, KNOWN = "rows", "arms", "hired", "known"
"""Names of the files: ``<pilot>.rows.parquet`` and so on."""

_UNIT_COLUMN = {"agent": "agent_id", "team": "team", "queue": "queue", "site": "site"}
_OF_CONTACT = ("surveys", "qa_ratings", "evaluations")
"""Views that take partner and slices from the contact where their own rows lack them."""
_FAR = "2100-01-01"
_KEYS = ("kpi", "partner_id", "unit", *KPI_COLUMNS[2:-2])


def write_pilot(
    spec: PilotSpec,
    assigned_arms: set[str],
    sources: Sources,
    views: Mapping[str, ir.Table],
    kpis: Mapping[str, Kpi],
    unavailable: Mapping[str, str],
    folder: Path,
) -> list[str]:
    """Write the sums of one pilot, and return what keeps it from being judged by these tables.

    Parameters
    ----------
    spec : PilotSpec
    assigned_arms : set of str
        Arms whose units are in table ``pilot_units``.
    sources, views : Sources, mapping of str to ibis Table
        Checked tables and the views made of them.
    kpis : mapping of str to Kpi
    unavailable : mapping of str to str
        KPIs without a row in this dataset, with the reason.
    folder : Path
        Where the files are written.
    """
    return _PilotRows(spec, assigned_arms, sources, views, kpis, unavailable, folder).write()


def conditions_of(spec: PilotSpec, assigned_arms: set[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the conditions of the arms that are not in table ``pilot_units``, with the partner they are of."""
    given = {arm: dict(keys) for arm, keys in spec.arms.items() if arm not in assigned_arms}
    if spec.comparator == "history" and "pilot" not in assigned_arms:
        given.setdefault("pilot", {})
    return {arm: {"partner": (spec.partner_id,), **keys} for arm, keys in given.items()}


@dataclass(frozen=True, slots=True)
class _Source:
    """The rows one metric is summed over, with unit and day, and which slices they have."""

    kpi: Kpi
    rows: ir.Table
    has: frozenset[str]


class _PilotRows:
    def __init__(
        self,
        spec: PilotSpec,
        assigned_arms: set[str],
        sources: Sources,
        views: Mapping[str, ir.Table],
        kpis: Mapping[str, Kpi],
        unavailable: Mapping[str, str],
        folder: Path,
    ) -> None:
        self.spec, self.sources, self.views, self.folder = spec, sources, views, folder
        self.kpis, self.unavailable = kpis, unavailable
        self.conditions = conditions_of(spec, assigned_arms)
        others = [name for arm in self.conditions.values() for name in arm["partner"]]
        named = [name for arm in spec.arms.values() for name in arm.get("partner", ())]
        self.partners = list(dict.fromkeys([spec.partner_id, *others, *named, *self._partners_assigned()]))
        self.problems: list[str] = []

    def _partners_assigned(self) -> list[str]:
        if "pilot_units" not in self.sources.tables:
            return []
        units = self.sources.tables["pilot_units"]
        found = units.filter(units.pilot_id == self.spec.id).select("partner_id").distinct()
        return sorted(row["partner_id"] for row in found.to_pyarrow().to_pylist() if row["partner_id"])

    def write(self) -> list[str]:
        found = [self._source(self.kpis[metric.kpi]) for metric in self.spec.metrics]
        metrics = [source for source in found if source]
        everywhere = list(metrics)
        self._check_values(metrics)
        if metrics and not self.problems:
            path = self.folder / f"{self.spec.id}.{ROWS}.parquet"
            rows = ibis.union(*(_sums(source) for source in metrics)) if len(metrics) > 1 else _sums(metrics[0])
            fetched(rows).order_by(list(_KEYS)).to_parquet(str(path), compression="zstd")
            if self.conditions:
                self._write_arm_days(metrics)
            self._write_known(everywhere)
            if self.spec.unit == "agent" and self.sources.has("roster", "hire_date"):
                self._write_hire_dates()
        return self.problems

    def _write_known(self, metrics: list[_Source]) -> None:
        """Write the units that any row of the metrics' tables knows, in the scope or not, and those of the roster."""
        parts = [source.rows.select("partner_id", unit="_unit") for source in metrics]
        column = {"agent": "agent_id", "team": "team"}.get(self.spec.unit, "")
        if column and self.sources.has("roster", column):
            roster = self.sources.tables["roster"]
            parts.append(roster.select("partner_id", unit=roster[column]))
        rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
        known = fetched(rows.filter(rows.unit.notnull()).distinct()).order_by("partner_id", "unit")
        known.to_parquet(str(self.folder / f"{self.spec.id}.{KNOWN}.parquet"), compression="zstd")

    def _write_hire_dates(self) -> None:
        roster = self.sources.tables["roster"]
        roster = roster.filter(roster.partner_id.isin(self.partners) & roster.hire_date.notnull())
        hired = roster.group_by(unit=roster.agent_id).aggregate(hired=roster.hire_date.min())
        fetched(hired).order_by("unit").to_parquet(str(self.folder / f"{self.spec.id}.{HIRED}.parquet"))

    # Rows of one metric

    def _source(self, kpi: Kpi) -> _Source | None:
        where = f"[[metric]] {kpi.name!r}"
        if kpi.name in self.unavailable:
            self.problems.append(
                f"{where} cannot be computed from these tables: {self.unavailable[kpi.name]}. Add it to the export and "
                "map it in dataset.toml, or choose another KPI."
            )
            return None
        view, has = self.views[kpi.source], self._slices_of(kpi.source, self.views[kpi.source])
        made_of = ORIGIN.get(kpi.source, kpi.source)
        if kpi.source == "volume" and not self._carries_unit(has) and "interactions" in self.views:
            # The platform's counts know no agents; the contacts they count do.
            counted = volume_of_contacts(self.sources)
            of_contacts = self._slices_of("interactions", counted)
            if self._carries_unit(of_contacts) and not absent_columns(kpi, counted):
                view, has, made_of = counted, of_contacts, "interactions"
        view = view.filter(view.partner_id.isin(self.partners))
        view = view.mutate(_date=view[kpi.date].cast("date"))
        unit, view = self._unit(view, has)
        if unit is None:
            self.problems.append(f"{where} {self._no_unit(made_of)}")
            return None
        for key in self.spec.scope:
            if key not in has:
                self.problems.append(
                    f"{where} cannot be limited to [scope] {key}: table {made_of} has no column {key!r}. Add it to the "
                    f"export and map it in dataset.toml, or take {key} out of [scope]."
                )
                return None
        return _Source(kpi, view.mutate(_unit=unit), has)

    def _no_unit(self, table: str) -> str:
        unit = self.spec.unit
        other = "choose a KPI that is counted from contacts, answers or evaluations."
        if self.sources.has(table, _UNIT_COLUMN[unit]):
            return f"is counted for a partner as a whole, not for each {unit}: {other}"
        return (
            f"is not known for each {unit}: table {table} has no column {_UNIT_COLUMN[unit]!r}, which unit = "
            f'"{unit}" needs. Add it to the export and map it in dataset.toml, or {other}'
        )

    def _slices_of(self, name: str, view: ir.Table) -> frozenset[str]:
        """Return the columns of a view that can have values: its table's own, or those of the contact."""
        origin = ORIGIN.get(name, name)
        wanted = ("agent_id", "team", "queue", "site", "channel", "product", "shift", "reason", "unit")
        by_contact = name in _OF_CONTACT and self.sources.has(origin, "interaction_id")
        if origin not in self.sources.tables:  # volume, counted from the contacts
            origin = "interactions"
        return frozenset(
            column
            for column in wanted
            if column in view.columns
            and (self.sources.has(origin, column) or (by_contact and self.sources.has("interactions", column)))
        )

    def _carries_unit(self, has: frozenset[str]) -> bool:
        unit = self.spec.unit
        return unit == "week" or "unit" in has or _UNIT_COLUMN[unit] in has or (unit == "team" and "agent_id" in has)

    def _unit(self, view: ir.Table, has: frozenset[str]) -> tuple[Any, ir.Table]:
        """Return the unit of each row, and the view it belongs to; None where the rows do not know it."""
        unit = self.spec.unit
        if unit == "week":
            return _iso_week(view._date), view
        column = _UNIT_COLUMN[unit]
        if unit == "team" and "agent_id" in has and self.sources.has("roster", "team"):
            view = self._with_team(view)
            own = [view.team] if "team" in has else []
            return ibis.coalesce(*own, view._spell_team), view
        if column in has:
            return view[column], view
        return (view.unit, view) if "unit" in has else (None, view)

    def _with_team(self, view: ir.Table) -> ir.Table:
        """Give each row the team its agent was in on that day; of two spells that overlap, the later one counts."""
        roster = self.sources.tables["roster"]
        spells = roster.filter(roster.team.notnull()).select(
            _spell_partner="partner_id", _spell_agent="agent_id", _spell_team="team",
            _spell_since=ibis.coalesce(roster.valid_from, roster.hire_date),
            _spell_until=ibis.coalesce(roster.valid_to, roster.exit_date, ibis.literal(_FAR).cast("date")),
        )  # fmt: skip
        following = spells._spell_since.lead().over(
            group_by=["_spell_partner", "_spell_agent"], order_by="_spell_since"
        )
        before = (following - ibis.interval(days=1)).cast("date")
        cut = before.notnull() & (before < spells._spell_until)
        spells = spells.mutate(_spell_until=cut.ifelse(before, spells._spell_until))
        return view.left_join(
            spells,
            [
                view.partner_id == spells._spell_partner,
                view.agent_id == spells._spell_agent,
                spells._spell_since <= view._date,
                spells._spell_until >= view._date,
            ],
        )

    # Values that scope and arms name

    def _check_values(self, metrics: list[_Source]) -> None:
        """Report values of scope and arms that no row has, and narrow the metrics to the scope."""
        for where, key, values in self._named():
            having = [source for source in metrics if key in source.has]
            if not having:
                if metrics and where != "[scope]" and key != "unit":
                    tables = ", ".join(dict.fromkeys(ORIGIN.get(s.kpi.source, s.kpi.source) for s in metrics))
                    self.problems.append(
                        f"{where} {key}: no table of the metrics ({tables}) has a column {key!r}. Add it to the "
                        "export, or list the units in table pilot_units."
                    )
                continue
            known = sorted({value for source in having for value in _distinct(source.rows, key)})
            self.problems.extend(
                f"{where} {key} {value!r} is in no row of the metrics' tables for these partners."
                f"{suggest(value, known)} There {'are' if len(known) > 1 else 'is'}: {_listed(known)}."
                for value in values
                if value not in known
            )
        for number, source in enumerate(metrics):
            rows = source.rows
            for key, values in self.spec.scope.items():
                rows = rows.filter(rows[key].isin(values))
            metrics[number] = _Source(source.kpi, rows, source.has)
        if not self.problems:
            self.problems.extend(
                f"[[metric]] {source.kpi.name!r} has no row in the scope of this pilot. Widen [scope], or choose "
                "another KPI."
                for source in metrics
                if not _counting(source).limit(1).count().to_pyarrow().as_py()
            )

    def _named(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for key, values in self.spec.scope.items():
            yield "[scope]", key, values
        for arm, keys in self.conditions.items():
            for key, values in keys.items():
                if key not in ("partner", "unit"):
                    yield f"[arms.{arm}]", key, values

    # Arms that are given by a condition

    def _write_arm_days(self, metrics: list[_Source]) -> None:
        """Count for each unit and day the rows that meet the condition of each arm."""
        parts = []
        for source in metrics:
            for arm, keys in self.conditions.items():
                rows = _counting(source)
                columns = {key: {"partner": "partner_id", "unit": "_unit"}.get(key, key) for key in keys}
                if all(key in ("partner", "unit") or key in source.has for key in keys):
                    for key, values in keys.items():
                        rows = rows.filter(rows[columns[key]].isin(values))
                    parts.append(rows.select("partner_id", unit="_unit", date="_date", arm=ibis.literal(arm)))
        if not parts:
            self.problems.append(
                "cannot tell its units by [arms.*]: no metric's table has all the columns they name. List the units in "
                "table pilot_units."
            )
            return
        rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
        days = (
            rows.filter(rows.unit.notnull()).group_by("partner_id", "unit", "date", "arm").aggregate(n=ibis._.count())
        )
        path = self.folder / f"{self.spec.id}.{ARM_DAYS}.parquet"
        fetched(days).order_by("partner_id", "unit", "date", "arm").to_parquet(str(path), compression="zstd")


def _iso_week(day: ir.DateValue) -> ir.StringValue:
    """Name the ISO week of a day, 2026-W13; engines have no common pattern for it."""
    thursday = day.truncate("W") + ibis.interval(days=3)
    return thursday.year().cast("string") + "-W" + day.week_of_year().cast("string").lpad(2, "0")


def _distinct(rows: ir.Table, column: str) -> list[str]:
    found = rows.select(value=rows[column]).distinct().to_pyarrow().to_pylist()
    return [row["value"] for row in found if row["value"] is not None]


def _listed(known: list[str], most: int = 8) -> str:
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(map(repr, known[:most])) + more


def _counting(source: _Source) -> ir.Table:
    """Return the rows that count for a metric, with numerator ``_n`` and denominator ``_d``."""
    numerator, denominator = terms_of(source.rows, source.kpi)
    rows = source.rows.mutate(_n=numerator, _d=denominator)
    return rows.filter(rows._date.notnull() & rows._n.notnull() & rows._d.notnull())


def _sums(source: _Source) -> ir.Table:
    """Add up one metric per unit, day and slice."""
    kpi, rows = source.kpi, _counting(source)
    keys: dict[str, Any] = {"partner_id": rows.partner_id, "unit": rows._unit, "date": rows._date}
    for name, column in [*((d, d) for d in DIMENSIONS), ("category", kpi.category or "reason")]:
        keys[name] = rows[column] if column in rows.columns else ibis.null("string")
    # A square is known where a row is one case (or one week of a panel): its denominator is then 0 or 1.
    summed = ~rows._d.isin([0.0, 1.0]) | ((rows._d == 0) & (rows._n != 0))
    single = (rows._d == 0).ifelse(0.0, rows._n * rows._n)
    rows = rows.select(**keys, n=rows._n, d=rows._d, square=single, summed=summed.cast("int64"))
    sums = rows.group_by(list(keys)).aggregate(
        numerator=rows.n.sum(), denominator=rows.d.sum(), squares=rows.square.sum(), summed=rows.summed.sum()
    )
    sums = sums.mutate(squares=(sums.summed.sum().over() > 0).ifelse(ibis.null("float64"), sums.squares))
    sums = sums.filter((sums.denominator != 0) | (sums.numerator != 0))
    return sums.select(
        kpi=ibis.literal(kpi.name), **{name: sums[name] for name in keys}, numerator=sums.numerator,
        denominator=sums.denominator, squares=sums.squares,
    )  # fmt: skip
