"""One run over all tables of a dataset: read, map, repair by rule, check, aggregate, write.

What goes wrong on the way ends in a list of problems, so that one run shows all of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
import pandas as pd

from bpo_analysis.data.cache import Prepared, store
from bpo_analysis.data.canonical import RAW_PREFIX, CanonicalTable, not_read, to_canonical, values_not_read
from bpo_analysis.data.config import FILE_NAME, DatasetConfig, TableSpec, table_files
from bpo_analysis.data.consistency import (
    check_currency,
    check_limits,
    check_partners,
    check_written,
    unknown_partners,
)  # fmt: skip
from bpo_analysis.data.contracts import check_contracts, check_incentives
from bpo_analysis.data.engine import engine
from bpo_analysis.data.expressions import columns_of, reads_of
from bpo_analysis.data.extracts import FOLDER as EXTRACTS
from bpo_analysis.data.extracts import write_extracts
from bpo_analysis.data.files import ROW, read_raw, require_same_columns, unreadable
from bpo_analysis.data.follow_up import check_actions, check_exceptions
from bpo_analysis.data.growth_gate import NO_KPI
from bpo_analysis.data.kpi_table import FOLDER as KPI_FOLDER
from bpo_analysis.data.kpi_table import (
    VIEWS,
    absent_columns,
    daily_sums,
    kpi_days,
    link_parts,
    passes_of,
    sums_of,
    unavailable_kpis,
    write_kpi_table,
    write_partners,
)  # fmt: skip
from bpo_analysis.data.part_worker import TABLE, Part, added_counts, added_partners, merged_problems
from bpo_analysis.data.parts import PartReader, PartSums, placed, why_whole
from bpo_analysis.data.pieces import Piece, extract_pieces, link_pieces, rollup_pieces
from bpo_analysis.data.pilots.file import FOLDER as PILOTS
from bpo_analysis.data.pilots.file import pilot_files, read_pilot
from bpo_analysis.data.pilots.findings import findings_of, pilot_problems
from bpo_analysis.data.pilots.fitness import PilotFindings
from bpo_analysis.data.pilots.rows import write_pilot
from bpo_analysis.data.pilots.spec import PilotSpec
from bpo_analysis.data.pilots.units import no_units
from bpo_analysis.data.problems import CheckResult, Problem, RowCount
from bpo_analysis.data.rollups import BY_TIME, write_rollups
from bpo_analysis.data.rollups import FOLDER as ROLLUPS
from bpo_analysis.data.rules import Repaired, apply_rules
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.slices import write_slices
from bpo_analysis.data.sources import Source, fetched, opened
from bpo_analysis.data.targets import read_targets
from bpo_analysis.data.texts import TextReading
from bpo_analysis.data.validate import check_table, no_rows
from bpo_analysis.data.views import Sources, build_views
from bpo_analysis.errors import DatasetError, PilotError, UnknownNameError, suggest
from bpo_analysis.kpis import Kpi, settings_of
from bpo_analysis.periods import DataGrain, parse_period

__all__ = ["prepare_into"]

_REQUIRED = {"partners": "who answers the contacts", "targets": "what was agreed"}
_COVERING = ("volume", "interactions", "panel", "qa_ratings", "surveys", "agent_time")
"""Tables that say which days an export covers; the first that is there."""
_WEEKS_TO_TELL = {"panel": 2, "volume": 4}
"""Days of one weekday, without any of another, from which the rows of a table are taken for weeks."""
_MANY = 10**9
_ALONE = ("qa_ratings", "surveys", "agent_time")
"""Tables that can be reviewed by themselves, without the contacts they are about."""
_NO_DAY = date(1990, 1, 1)
_ORDER = {"error": 0, "warning": 1}


def prepare_into(
    folder: Path, config: DatasetConfig, kpis: Mapping[str, Kpi], alternatives: Mapping[str, Kpi], *,
    for_pages: bool = True,
) -> None:  # fmt: skip
    """Prepare a dataset into an empty folder: KPI table, registers, partners, problems and row accounting.

    With ``for_pages`` what only pages ask for too: extracts and rollups.
    """
    scratch = folder / "scratch"
    scratch.mkdir()
    # Tables larger than memory are spilled beside what is being built, not into the working directory.
    connection = engine(scratch)
    preparation: _Preparation | None = None
    try:
        with opened(config) as source:
            preparation = _Preparation(
                connection, source, folder, scratch, config, kpis, alternatives, for_pages=for_pages
            )
            preparation.run()
    except (RuntimeError, duckdb.InterruptException) as error:
        # Ctrl-C during a query reaches us as an error of DuckDB's own.
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from None
        raise
    finally:
        if preparation and preparation.reader:
            preparation.reader.close()
        connection.disconnect()
        shutil.rmtree(scratch, ignore_errors=True)


class _Preparation:
    def __init__(
        self, connection: Any, source: Source | None, folder: Path, scratch: Path, config: DatasetConfig,
        kpis: Mapping[str, Kpi], alternatives: Mapping[str, Kpi], *, for_pages: bool,
    ) -> None:  # fmt: skip
        self.for_pages = for_pages
        self.connection, self.folder, self.scratch, self.config = connection, folder, scratch, config
        self.source = source
        self.kpis, self.alternatives = kpis, alternatives
        self.problems: list[Problem] = []
        self.counts: list[RowCount] = []
        self.notes: list[str] = []
        self.used: dict[str, ir.Table] = {}
        self.registers: dict[str, pd.DataFrame] = {}
        self.mapped: dict[str, frozenset[str]] = {}
        self.days: dict[str, tuple[date, date]] = {}
        self.grain: DataGrain = "day"
        self.empty: set[str] = set()
        self.pilots: dict[str, PilotFindings] = {}
        self.reader: PartReader | None = None
        self.parts: list[Part] = []
        self.partners_of_parts: list[dict[str, Any]] = []

    def run(self) -> None:
        in_parts = [name for name, spec in self.config.tables.items() if not why_whole(spec) and self.source is None]
        for name in [*(name for name in self.config.tables if name not in in_parts), *in_parts]:
            try:
                if name in in_parts:
                    self._read_parts(name)
                else:
                    self._read(name)
            except DatasetError as error:
                self._problem(name, str(error).rstrip("."), f"correct the file or {FILE_NAME}")
        self._check_tables_there()
        partners = self._partners()
        self._check_names(partners)
        unavailable: dict[str, str] = {}
        if not self._has_errors():
            unavailable = self._write_kpis(partners)
        self._write_registers()
        self._write_slices(partners, unavailable)
        first, last = self._span()
        # Tables read in parts come last, but stand in the accounting where dataset.toml has them.
        place = {name: number for number, name in enumerate(self.config.tables)}
        self.counts.sort(key=lambda count: place[count.table])
        store(
            self.folder,
            Prepared(
                check=CheckResult(
                    found=tuple(sorted(self.problems, key=lambda p: _ORDER[p.severity])),
                    counts=tuple(self.counts),
                    notes=tuple(self.notes),
                ),
                first_day=first, last_day=last, grain=self.grain, unavailable=unavailable, partners=partners,
                pilots=self.pilots, mapped=self.mapped,
                parts_read=tuple(str(part.file) for part in self.parts if part.is_new) if self.parts else None,
            ),
        )  # fmt: skip

    def _problem(self, table: str, rule: str, remedy: str, **rest: Any) -> None:
        self.problems.append(
            Problem(**{"severity": "error", "column": "", **rest}, table=table, rule=rule, remedy=remedy)
        )

    def _has_errors(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    def _read(self, name: str) -> None:
        spec = self.config.tables[name]
        if self.source and spec.relation:
            raw = self.source.raw(name, spec.relation)
        else:
            raw = read_raw(self.connection, spec, self.scratch)
        schema = TABLES[name].opened([*spec.columns, *self._used_by_own_kpis(name, raw.columns)])
        self.notes.extend(raw.notes)
        if name == TABLE and len(spec.files) > 1:
            self.notes.append(
                f"table {name}: {len(spec.files)} files are read as a whole whenever one changes, for {why_whole(spec)}"
            )
        mapping = to_canonical(raw, schema, spec)
        try:
            # Read once, here; everything after works on the typed copy.
            table = self._kept(f"typed_{name}", mapping.table, spec)
            self.problems.extend(values_not_read(raw, spec))
            canonical = CanonicalTable(schema, table, mapping.mapped, mapping.problems)
            repaired = self._repaired(name, canonical)
            checked = check_table(canonical, repaired, raw, spec, needed=self._needs(name))
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise unreadable(spec, error) from None
        read = checked.rows if repaired.table is table else int(table.count().to_pyarrow().as_py())
        self.problems.extend(checked.problems)
        self.counts.append(RowCount(table=name, step="read", rows=read))
        self.counts.extend(repaired.counts)
        self.counts.append(RowCount(table=name, step="used", rows=checked.rows))
        if not checked.rows and not self._needs(name):
            self.empty.add(name)
            return  # a table with a header only is a table that is not there yet
        self.used[name], self.mapped[name] = self._beside_others(name, repaired.table, spec), repaired.mapped
        if name in _COVERING:
            self._find_days(name, table)

    def _read_parts(self, name: str) -> None:
        """Read the files of a table one by one, those that are new; the others are known."""
        spec = self.config.tables[name]
        self.reader = PartReader(
            self.connection, self.scratch, self.config, self.kpis, self.alternatives,
            others=frozenset(self.used), has_pilots=bool(pilot_files(self.config.path)),
            for_pages=self.for_pages,
        )  # fmt: skip
        try:
            parts = self.reader.read()
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise unreadable(spec, error) from None
        require_same_columns(spec, [part.headers for part in parts])
        self.parts, offsets = parts, [0, *accumulate(part.rows for part in parts)]
        self.problems.extend(
            merged_problems([placed(part.problems, offset) for part, offset in zip(parts, offsets, strict=False)])
        )
        self.problems.extend(self.reader.repeated(parts))
        used, counts = sum(part.used for part in parts), added_counts(c for part in parts for c in part.counts)
        self.counts.append(RowCount(table=name, step="read", rows=offsets[-1]))
        self.counts.extend(counts)
        self.counts.append(RowCount(table=name, step="used", rows=used))
        self._note_parts(name)
        if not used:
            self.problems.append(no_rows(TABLES[name], counts, needed=self._needs(name)))
            if not self._needs(name):
                self.empty.add(name)
                return
        self.mapped[name], self.used[name] = parts[0].mapped, self.reader.rows(parts)
        self.partners_of_parts = added_partners(
            {**one, "row": one["row"] + offset}
            for part, offset in zip(parts, offsets, strict=False)
            for one in part.partners
        )
        days = [day for part in parts if part.days for day in part.days]
        if days:
            monthly = all(part.is_monthly for part in parts if part.days) and len(set(days)) > 1
            self._note_days(name, min(days), max(days), monthly=monthly, weekly=False)

    def _note_parts(self, name: str) -> None:
        read = [part.file for part in self.parts if part.is_new]
        which = f", of them {len(read)} read now" if read else ", all known from before"
        shown = f" (first {read[0].relative_to(self.config.path)})" if read and len(read) < len(self.parts) else ""
        self.notes.append(f"table {name}: {len(self.parts)} files{which}{shown}; rows are counted through all of them")

    def _needs(self, name: str) -> bool:
        """Whether a dataset cannot do without rows of this table."""
        other = {"volume": "interactions", "interactions": "volume"}.get(name)
        return name == "partners" or (other is not None and other not in self.config.tables)

    def _used_by_own_kpis(self, name: str, headers: Sequence[str]) -> list[str]:
        """Return headers of an open table that the dataset's own KPIs are made of: they need no mapping."""
        kpis = [kpi for kpi in self.config.own_kpis if kpi.source == name] if TABLES[name].open else []
        folded = {header.strip().casefold() for header in headers}
        used: list[str] = []
        for text in (text for kpi in kpis for text in (kpi.numerator, kpi.denominator, kpi.where) if text):
            with suppress(DatasetError):  # reported with the KPI
                used.extend(column for column in columns_of(text) if column.casefold() in folded)
        return used

    def _repaired(self, name: str, canonical: CanonicalTable) -> Repaired:
        repaired = apply_rules(canonical, self.config.tables[name])
        if repaired.table is canonical.table:
            return repaired
        table = self._kept(f"used_{name}", repaired.table, self.config.tables[name])
        return Repaired(table, repaired.mapped, repaired.counts, repaired.problems)

    def _kept(self, name: str, table: ir.Table, spec: TableSpec) -> ir.Table:
        """Keep a copy of a table; one of a source stays there, and is not copied."""
        if self.source and spec.relation:
            return self.source.computed_once(table)
        return self.connection.create_table(name, table, temp=True)

    def _beside_others(self, name: str, table: ir.Table, spec: TableSpec) -> ir.Table:
        """Return the table where the others are: a file beside a source is put there, for views join both."""
        if self.source is None or spec.relation:
            return table
        return self.source.uploaded(name, table.to_pyarrow())

    def _find_days(self, name: str, table: ir.Table) -> None:
        """Note the days of a table before any row is dropped: a day that a rule took out was exported all the same."""
        day = table[TABLES[name].date].cast("date")
        wanted = {
            "first": day.min(), "last": day.max(), "later": (day.day() != 1).sum(), "days": day.nunique(),
            "weekdays": day.day_of_week.index().nunique(),
        }  # fmt: skip
        found = table.aggregate(**wanted).to_pyarrow().to_pylist()[0]
        if found["first"] is None:
            return
        monthly = not found["later"] and (found["days"] > 1 or self._format_has_no_day(name))
        weekly = not monthly and found["weekdays"] == 1 and found["days"] >= _WEEKS_TO_TELL.get(name, _MANY)
        self._note_days(name, found["first"], found["last"], monthly=monthly, weekly=weekly)

    def _note_days(self, name: str, first: date, last: date, *, monthly: bool, weekly: bool) -> None:
        if monthly:
            last = parse_period(f"{last:%Y-%m}").end
        if weekly:
            last += timedelta(days=6)  # a row by weeks stands for the seven days from its date
        there = (origin for origin in _COVERING if origin in self.config.tables and origin not in self.empty)
        if name == next(there, ""):
            self.grain = "month" if monthly else "week" if weekly and name == "volume" else "day"
            if self.grain == "week":
                self.notes.append(
                    "The rows of table volume are weekly: a week counts in the month its first day lies in, and there "
                    "are no pages of single days."
                )
        self.days[name] = first, last

    def _format_has_no_day(self, name: str) -> bool:
        form = self.config.tables[name].reading.date_format
        return bool(form) and not any(mark in form for mark in ("%d", "%-d", "%j", "%x"))

    def _span(self) -> tuple[date, date]:
        return next((self.days[name] for name in _COVERING if name in self.days), (_NO_DAY, _NO_DAY))

    def _check_tables_there(self) -> None:
        counted = {"volume", "interactions"} & set(self.config.tables)
        # What was agreed with a partner is nothing to a pilot; a panel made for one has no contacts to count either.
        has_pilots = bool(pilot_files(self.config.path))
        only_pilots = not counted and "panel" in self.config.tables and has_pilots
        for name, purpose in _REQUIRED.items():
            if name not in self.config.tables and not (has_pilots and name == "targets"):
                remedy = f"add {name}.csv, a [tables.{name}] section with file, or [[tables.{name}.rows]]"
                self._problem(name, f"required table is missing: {purpose}.{self._near_file(name)}".rstrip("."), remedy)
        if has_pilots and counted and "targets" not in self.config.tables:
            self.notes.append("There is no table targets: pilots need none, and reviews of partners show no target.")
        alone = [name for name in _ALONE if name in self.used]
        if not counted and not only_pilots and alone:
            self.notes.append(
                "There is no table volume and no table interactions: contacts, waits and handling times are not known, "
                f"and the days of the dataset are those of table {alone[0]}."
            )
        elif not counted and not only_pilots:
            rule = f"required table is missing: volume, or interactions in its place.{self._near_file('volume')}"
            self._problem("volume", rule.rstrip("."), "add volume.csv or a [tables.volume] section")
        for name, file in self._files_not_used():
            if name not in (*_REQUIRED, "volume"):
                rule = f"file {file} is not used. Did you mean {name}?"
                self._problem(name, rule, f"rename it, or name it in [tables.{name}]", severity="warning", value=file)

    def _near_file(self, name: str) -> str:
        return next((f" Did you mean file {file!r}?" for near, file in self._files_not_used() if near == name), "")

    def _files_not_used(self) -> list[tuple[str, str]]:
        """Pair tables that are not there with files that are named nearly like them."""
        used = {file for spec in self.config.tables.values() for file in spec.files}
        missing = [name for name in TABLES if name not in self.config.tables]
        unused = [file.name for file in table_files(self.config.path) if file not in used]
        return [(name, file) for name in missing for file in unused if suggest(file.split(".")[0], [name], cutoff=0.8)]

    def _partners(self) -> pd.DataFrame:
        if "partners" not in self.used:
            return pd.DataFrame()
        frame = self._register("partners")
        return frame.assign(name=frame["name"].fillna(frame["partner_id"]), kind=frame["kind"].fillna("bpo"))

    def _check_names(self, partners: pd.DataFrame) -> None:
        """Check what the tables say about each other and about the catalogue."""
        if not partners.empty:
            known = partners["partner_id"].dropna().tolist()
            for name, table in self.used.items():
                if name == TABLE and self.parts:
                    strange = [one for one in self.partners_of_parts if one["partner_id"] not in set(known)]
                    self.problems.extend(unknown_partners(strange, name, known))
                elif name != "partners" and "partner_id" in self.mapped[name]:
                    self.problems.extend(check_partners(table, name, known))
        if "targets" in self.used and {"kpi", "op", "value"} <= self.mapped["targets"]:
            complete = self._register("targets").dropna(subset=["kpi", "op", "value"])
            spec = self.config.tables["targets"]
            origin = ", ".join(file.name for file in spec.files) or str(spec.relation or FILE_NAME)
            self.problems.extend(read_targets(complete, self.kpis, origin=origin)[1])
        if "actions" in self.used and {"action_id", "action"} <= self.mapped["actions"]:
            self.problems.extend(check_actions(self._register("actions"), dict(self.kpis) | dict(self.alternatives)))
        if "exceptions" in self.used and "review_on" in self.mapped["exceptions"]:
            self.problems.extend(check_exceptions(self._register("exceptions"), self._span()[1]))
        for group, names in self.config.headline.items():
            for name in names:
                if name not in self.kpis:
                    remedy = f"correct [report.headline] {group} in {FILE_NAME}"
                    self._problem("", str(UnknownNameError("KPI", name, self.kpis)), remedy, value=name)
        self._check_terms()
        if "volume" in self.used:
            chosen = [*self.kpis.values(), *self.alternatives.values()]
            settings = settings_of(self.config.families)
            self.problems.extend(check_limits(self.used["volume"], self.mapped["volume"], chosen, settings))
        if "invoices" in self.used and "currency" in self.mapped["invoices"]:
            self.problems.extend(check_currency(self.used["invoices"], self.config.currency))

    def _check_terms(self) -> None:
        """Check contracts, credits and the growth gate, where their required columns are there."""
        gate = self.config.growth_gate
        for name in [condition.name for condition in gate.conditions] if gate else []:
            if name not in NO_KPI and name not in self.kpis:
                remedy = f"correct [report.growth_gate] in {FILE_NAME}"
                problem = UnknownNameError("KPI or condition", name, [*self.kpis, *NO_KPI])
                self._problem("", str(problem), remedy, value=name)
        read = {
            name: self._register(name)
            for name in ("contracts", "contract_incentives")
            if name in self.used and self.mapped[name].issuperset(TABLES[name].required_columns)
        }
        if "contracts" in read:
            self.problems.extend(check_contracts(read["contracts"]))
        if "contract_incentives" in read:
            rows = read["contract_incentives"].dropna(subset=["rule_id", "contract_id", "kpi"])
            self.problems.extend(check_incentives(rows, read.get("contracts"), self.kpis))

    def _write_kpis(self, partners: pd.DataFrame) -> dict[str, str]:
        first, last = self._span()
        contact_days = self.days.get("interactions", (first, last))
        folder = self.folder / KPI_FOLDER
        sums = self.reader.sums(self.parts, contact_days) if self.reader and self.parts else None
        sources = Sources(
            tables=self.used, mapped=self.mapped, first_day=first, last_day=last, contact_days=contact_days,
            settings=settings_of(self.config.families), partials=sums.partials if sums else {},
        )  # fmt: skip
        views = build_views(sources)
        by_month: dict[str, list[tuple[Piece, Path]]] = {}
        if self.reader and sums:
            if self.for_pages:
                by_month = self._by_month(self.reader, sums, sources, views)
            self.reader.close()  # what follows is for one engine, which takes the memory alone
            link_parts(sums.folders, folder)
        in_months = {name for name, _, _ in passes_of(folder)} if self.for_pages else set()
        kpis = [*self.kpis.values(), *self.alternatives.values()]
        try:
            self._check_own_kpis(views)
            in_parts = {TABLE, "contacts", *({"volume"} - set(self.used))} if self.parts else set()
            rest = [kpi for kpi in kpis if kpi.source not in in_parts]
            write_kpi_table(self.connection, sums_of(views, rest), folder)
        except DatasetError as error:
            self._problem("", str(error).rstrip("."), "add the columns a KPI needs, or correct the KPI (bpo kpis)")
            return {}
        except duckdb.Error as error:
            if isinstance(error, duckdb.IOException | duckdb.InterruptException):
                raise  # a full disk or Ctrl-C is nothing that a dataset could correct
            self._problem("", f"KPIs cannot be computed: {str(error).splitlines()[0]}", "correct the data or the KPIs")
            return {}
        known = partners["partner_id"].dropna().tolist()
        origin = "volume" if "volume" in self.used else "interactions"
        write_partners(self.connection, folder)
        written = check_written(daily_sums(self.connection, folder), kpis, known, self.grain, origin)
        self.problems.extend(written.problems)
        unavailable = unavailable_kpis(kpis, views, self.mapped, written.kpis)
        self._write_pilots(sources, views, unavailable, partners)
        if self.for_pages:
            extracts, rollups = self.folder / EXTRACTS, self.folder / ROLLUPS
            for name, pieces in by_month.items():
                if name != ROLLUPS:
                    link_pieces(pieces, extracts / name)
            write_extracts(sources, views, self.kpis, extracts, made=by_month)
            others = [(files, columns) for name, files, columns in passes_of(folder) if name not in in_months]
            write_rollups(self.connection, others, rollups)
            for name in BY_TIME:
                link_pieces(by_month.get(ROLLUPS, []), rollups / name, of=name)
        return unavailable

    def _by_month(
        self, reader: PartReader, sums: PartSums, sources: Sources, views: Mapping[str, ir.Table]
    ) -> dict[str, list[tuple[Piece, Path]]]:
        """Make what only pages ask for month by month, as far as it can be: extracts by name, and the rollups."""
        pieces = extract_pieces(self.connection, sources, views, self.kpis, sums.files)
        pieces[ROLLUPS] = rollup_pieces(sums.folders)
        folders = iter(reader.written(piece.statements for of in pieces.values() for piece in of))
        return {name: [(piece, next(folders)) for piece in of] for name, of in pieces.items()}

    def _write_pilots(
        self, sources: Sources, views: Mapping[str, ir.Table], unavailable: Mapping[str, str], partners: pd.DataFrame
    ) -> None:
        """Write the sums of every pilot; a pilot that cannot be judged is reported and stops no other report."""
        folder = self.folder / PILOTS
        assigned = self._register("pilot_units") if "pilot_units" in self.used else no_units()
        known = dict(self.kpis) | dict(self.alternatives)
        read: dict[str, tuple[PilotSpec, list[str]]] = {}
        unreadable: dict[str, PilotFindings] = {}
        for file in pilot_files(self.config.path):
            folder.mkdir(exist_ok=True)
            try:
                spec = read_pilot(file, known, partners, assigned, with_log=False)
            except PilotError as error:
                unreadable[file.stem] = PilotFindings(faults=list(error.problems))
            else:
                arms = set(assigned.loc[assigned["pilot_id"] == spec.id, "arm"])
                read[spec.id] = spec, write_pilot(spec, arms, sources, views, known, unavailable, folder)
        self.pilots = findings_of(read, assigned, folder)
        for file in pilot_files(self.config.path):
            place = file.relative_to(self.config.path).as_posix()
            self.problems.extend(pilot_problems(file.stem, place, (self.pilots | unreadable)[file.stem]))

    def _check_own_kpis(self, views: Mapping[str, ir.Table]) -> None:
        for kpi in self.config.own_kpis:
            if kpi.source not in VIEWS:
                rule = f"KPI {kpi.name}: there is no table {kpi.source!r}.{suggest(kpi.source, VIEWS)}"
                self._problem("", rule, f"correct source in [[kpi]] of {FILE_NAME}", value=kpi.source)
            elif kpi.source in views:
                known = [name for name in views[kpi.source].columns if not name.startswith("_")]
                for name in absent_columns(kpi, views[kpi.source]):
                    rule = f"KPI {kpi.name}: table {kpi.source} has no column {name!r}.{suggest(name, known)}"
                    self._problem(kpi.source, rule, f"correct the expression in [[kpi]] of {FILE_NAME}", value=name)
                if not absent_columns(kpi, views[kpi.source]):
                    self._check_own_values(kpi, views[kpi.source])

    def _check_own_values(self, kpi: Kpi, view: ir.Table) -> None:
        """Report text of own columns that an own KPI takes for a number, time or truth value, and that is none."""
        texts = [(text, False) for text in (kpi.numerator, kpi.denominator)] + [(kpi.where, True)] * bool(kpi.where)
        for text, truth in texts:
            for name, reads in reads_of(text, view, reading=TextReading(), truth=truth, where=f"KPI {kpi.name}"):
                count = int(not_read(view, name, reads, TextReading()).count().to_pyarrow().as_py())
                if count:
                    rule = f"KPI {kpi.name}: {text!r} takes {name!r} for a {reads}, which it is not in every row"
                    remedy = f"correct the expression in [[kpi]] of {FILE_NAME}, or the values"
                    self._problem(kpi.source, rule, remedy, column=name, count=count)

    def _register(self, name: str) -> pd.DataFrame:
        """Return the rows of a table as they reach a page; only for registers, which are small."""
        if name not in self.registers:
            table = self.used[name]
            kept = [column for column in table.columns if not column.startswith(RAW_PREFIX)]
            key = [column for column in TABLES[name].key if column in table.columns]
            frame = fetched(table.select(*kept)).order_by(ROW, *key).to_pandas()
            if self.config.tables[name].relation:  # rows of a database have no number: here they get one, by their key
                frame[ROW] = range(1, len(frame) + 1)
            self.registers[name] = frame
        return self.registers[name]

    def _write_registers(self) -> None:
        for name in self.used:
            if name != "partners" and TABLES[name].kind == "register":
                self._register(name).to_parquet(self.folder / f"{name}.parquet")

    def _write_slices(self, partners: pd.DataFrame, unavailable: Mapping[str, str]) -> None:
        """Write the digests of everything written so far, and of the partners."""
        known = partners.dropna(subset=["partner_id"]) if len(partners) else partners
        names = [(str(row["partner_id"]), str(row["name"])) for row in known.to_dict("records")]
        counted = "" if "offered" in unavailable else "offered"
        write_slices(self.connection, self.folder, kpi_days(self.folder / KPI_FOLDER, counted), names)
