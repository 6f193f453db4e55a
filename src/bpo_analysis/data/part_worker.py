"""What is asked of one file of contacts: a batch at a time, and once more with the contacts that follow.

A worker has an engine of its own with one thread, so that several files are read side by side.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bpo_analysis.data.canonical import CanonicalTable, to_canonical, values_not_read
from bpo_analysis.data.config import DatasetConfig
from bpo_analysis.data.consistency import partners_of
from bpo_analysis.data.extracts import Material
from bpo_analysis.data.files import ROW, RawTable
from bpo_analysis.data.kpi_table import FOLDER as KPI_FOLDER
from bpo_analysis.data.kpi_table import Sums, sums_of, write_sums
from bpo_analysis.data.part_files import batches, columns_read
from bpo_analysis.data.partials import AHEAD, BY_ROW, Partial
from bpo_analysis.data.places import DONE
from bpo_analysis.data.problems import MAX_EXAMPLES, Problem, RowCount
from bpo_analysis.data.rooted import rooted
from bpo_analysis.data.rules import apply_rules
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.validate import RowChecks, row_checks
from bpo_analysis.data.views import Sources, build_views, contacts_with_next
from bpo_analysis.kpis import Kpi, settings_of

__all__ = [
    "HERE",
    "IDS",
    "KEY",
    "SUMS",
    "TABLE",
    "Part",
    "PartWorker",
    "added_counts",
    "added_partners",
    "merged_problems",
    "view_of_rows",
]

TABLE, KEY = "interactions", "interaction_id"
SUMS, IDS = "sums", "ids.npy"
HERE = "{folder}"
"""In a statement: the folder that is written."""
_RAW, _ROWS, _NEXT = "raw_part", "rows", "contacts_of_part"
_NO_DAYS = (date(2000, 1, 1), date(2000, 1, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file as it was read.

    Attributes
    ----------
    file, folder : Path
        The file, and what is kept of it.
    key : str
        Names the folder.
    is_new : bool
        Read just now.
    rows, used : int
        Rows read, and left after the rules.
    counts : tuple of RowCount
        What each rule did.
    problems : tuple of Problem
        Rows are counted through this file.
    mapped : frozenset of str
    partners : tuple of mapping
        ``partner_id``, ``n`` rows of it, and the first ``row``.
    days : tuple of date, optional
        First and last day; None without a row.
    is_monthly : bool
        Whether every day is the first of its month.
    months : tuple of date or None
        First days of the months that contacts left after the rules came in; None for those without a day.
    headers : frozenset of str
        Columns of the file.
    """

    file: Path
    folder: Path
    key: str
    is_new: bool
    rows: int
    used: int
    counts: tuple[RowCount, ...]
    problems: tuple[Problem, ...]
    mapped: frozenset[str]
    partners: tuple[Mapping[str, Any], ...]
    days: tuple[date, date] | None
    is_monthly: bool
    months: tuple[date | None, ...]
    headers: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is asked of every batch of one form, written as SQL once."""

    raw: RawTable
    canonical: CanonicalTable
    checks: RowChecks
    counts: str
    days: str
    months: str
    partners: str
    ids: str
    rows: str
    as_they_are: Mapping[str, str]
    """Where all columns that are kept are columns of the file: their names there."""
    passes: tuple[tuple[Sums, str], ...]
    sums: Mapping[str, str]
    mapped: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ahead:
    """What is asked of contacts that know their next one, as SQL."""

    kind: str
    """What stands for these contacts: a view where they are asked for once, a table where more often."""
    passes: tuple[tuple[Sums, str], ...]
    sums: Mapping[str, str]


class PartWorker:
    """Reads one file after the other.

    Parameters
    ----------
    connection : ibis DuckDB backend
        Its own.
    config : DatasetConfig
    kpis, alternatives : mapping of str to Kpi
    others : frozenset of str
        Other tables that decide which sums are made.
    kept : tuple of str
        Columns of contacts that are kept.
    for_pages : bool
        Make the sums that only pages ask for as well.
    """

    def __init__(
        self, connection: Any, config: DatasetConfig, kpis: Mapping[str, Kpi], alternatives: Mapping[str, Kpi], *,
        others: frozenset[str], kept: tuple[str, ...], for_pages: bool,
    ) -> None:  # fmt: skip
        self.connection, self.config, self.kpis = connection, config, kpis
        self.all_kpis = [*kpis.values(), *alternatives.values()]
        self.spec, self.schema = config.tables[TABLE], TABLES[TABLE]
        self.settings = settings_of(config.families)
        self.others, self.kept, self.for_pages = others, kept, for_pages
        self._plans: dict[pa.Schema, _Plan] = {}
        self._ahead: _Ahead | None = None
        self._with_next: dict[date, str] = {}

    def make(self, folder: Path, file: Path) -> None:
        """Read a file, and leave in a folder what is kept of it."""
        found = _Found()
        ids = []
        for number, (plan, _, batch) in enumerate(self._batches(file, found)):
            counts = {name: int(n or 0) for name, n in self._fetch(plan.counts)[0].items()}
            found.used += counts["rows"]
            is_broken = any(n for name, n in counts.items() if name != "rows")
            broken = plan.checks.broken(counts) if is_broken else []
            found.problems.append([*plan.checks.problems, *values_not_read(plan.raw, self.spec), *broken])
            found.partners.extend(self._fetch(plan.partners))
            found.months.update(row["month"] for row in self._fetch(plan.months))
            found.days.extend(day for day in self._fetch(plan.days) if day["first"] is not None)
            found.mapped = plan.mapped
            if plan.ids:
                ids.append(self.connection.con.execute(plan.ids).fetchnumpy()["h"])
            self._write(folder, f"{number}", plan.passes, plan.sums)
            self._keep(plan, batch, folder / _ROWS / f"{number}.parquet")
        if ids:
            np.save(folder / IDS, np.sort(np.concatenate(ids)))
        text = json.dumps(found.stored(), ensure_ascii=False, default=date.isoformat)
        (folder / DONE).write_text(text, encoding="utf-8")

    def _batches(self, file: Path, found: _Found) -> Iterator[tuple[_Plan, ir.Table, pa.Table]]:
        """Yield what is asked of each batch of a file, whose rows are then those of the engine's table."""
        for table, headers in batches(
            file, self.config.path, partial(columns_read, spec=self.spec, schema=self.schema)
        ):
            numbered = table.append_column(ROW, pa.array(np.arange(found.rows + 1, found.rows + len(table) + 1)))
            self.connection.con.register(_RAW, numbered)
            if numbered.schema not in self._plans:
                self._plans[numbered.schema] = self._plan(headers)
            plan = self._plans[numbered.schema]
            found.rows += len(table)
            found.headers = headers
            repaired = apply_rules(plan.canonical, self.spec)
            found.counts.extend(repaired.counts)
            yield plan, repaired.table, numbered
            self.connection.con.unregister(_RAW)

    def _plan(self, headers: tuple[str, ...]) -> _Plan:
        raw = RawTable(self.connection.table(_RAW), headers, (), is_clean=True)
        canonical = to_canonical(raw, self.schema, self.spec)
        repaired = apply_rules(canonical, self.spec)
        used, mapped = repaired.table, repaired.mapped
        checks = row_checks(canonical, repaired, raw, self.spec)
        material = self._material(used, mapped, _NO_DAYS)
        sql = self.connection.compile
        day = canonical.table.created_at.date()
        days = canonical.table.aggregate(first=day.min(), last=day.max(), later=(day.day() != 1).sum())
        has_key, has_partner = KEY in mapped, "partner_id" in mapped
        months = f"SELECT DISTINCT CAST(date_trunc('month', created_at) AS DATE) AS month FROM ({sql(used)})"
        keys = f"SELECT hash({KEY}) AS h FROM ({sql(used.select(KEY))}) WHERE {KEY} IS NOT NULL"
        kept = [ROW, *(name for name in self.kept if name in mapped)]
        by_row = {name: view for name, view in material.views.items() if name in ("volume", TABLE)}
        passes = sums_of(by_row, self.all_kpis)
        return _Plan(
            raw=raw, canonical=canonical, checks=checks, counts=sql(checks.counts()),
            days=sql(days) if "created_at" in mapped else "SELECT NULL AS first", months=months,
            ids=keys if has_key else "",
            partners=sql(partners_of(used)) if has_partner else "SELECT 1 WHERE false", rows=sql(used.select(kept)),
            passes=tuple((found, sql(_ordered(found))) for found in passes),
            sums=self._made(BY_ROW, material), mapped=mapped,
            as_they_are={} if used is not canonical.table else _as_they_are(used, kept),
        )  # fmt: skip

    def _material(self, rows: ir.Table, mapped: frozenset[str], days: tuple[date, date], **rest: Any) -> Material:
        """Return what sums are made of, where these are all contacts there are."""
        sources = Sources(
            tables={TABLE: rows}, mapped={TABLE: mapped}, first_day=days[0], last_day=days[1], contact_days=days,
            settings=self.settings, **rest,
        )  # fmt: skip
        views = build_views(sources)
        if "volume" in self.others:
            del views["volume"]
        return Material(sources=sources, views=views, kpis=self.kpis)

    def _made(self, partials: Iterable[Partial], material: Material) -> dict[str, str]:
        asked = [p for p in partials if p.is_asked_for(self.others, for_pages=self.for_pages)]
        made = {p.name: p.make(material) for p in asked if material.sources.has(TABLE, *p.needs)}
        return {name: self._whole_numbers(table) for name, table in made.items() if table is not None}

    def _whole_numbers(self, table: ir.Table) -> str:
        """Write a query whose sums of whole numbers are whole numbers: the engine's are too wide for Parquet."""
        columns = ", ".join(
            f'CAST("{name}" AS BIGINT) AS "{name}"' if kind.is_integer() else f'"{name}"'
            for name, kind in table.schema().items()
        )
        return f"SELECT {columns} FROM ({self.connection.compile(table)})"

    def _fetch(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.connection.con.sql(sql).to_arrow_table().to_pylist()
        return rows

    def _write(self, folder: Path, name: str, passes: Iterable[tuple[Sums, str]], sums: Mapping[str, str]) -> None:
        for found, sql in passes:
            write_sums(self.connection, found, sql, folder / KPI_FOLDER, name, is_part=True)
        for of, sql in sums.items():
            self._copy(sql, folder / SUMS / of / f"{name}.parquet")

    def _keep(self, plan: _Plan, batch: pa.Table, path: Path) -> None:
        """Write rows, by Arrow: it is quicker where next to nothing can be compressed, and has dictionaries already."""
        path.parent.mkdir(exist_ok=True)
        if plan.as_they_are:
            rows = batch.select(list(plan.as_they_are.values())).rename_columns(list(plan.as_they_are))
        else:
            rows = self.connection.con.sql(plan.rows).to_arrow_table()
        few = [
            field.name
            for field in rows.schema
            if field.name not in (KEY, "customer_key")
            and (pa.types.is_dictionary(field.type) or pa.types.is_string(field.type))
        ]
        pq.write_table(rows, path, compression="zstd", use_dictionary=few)

    def _copy(self, sql: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection.raw_sql(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")

    def write(self, folder: Path, statements: Sequence[str]) -> None:
        """Have the engine write what statements say into a folder, which they call ``HERE``."""
        for statement in statements:
            self.connection.raw_sql(statement.replace(HERE, str(folder)))
        (folder / DONE).write_text("{}", encoding="utf-8")

    def close(self) -> None:
        """Close the engine."""
        self.connection.disconnect()

    def keys(self, file: Path, wanted: Any) -> Iterator[tuple[str, int]]:
        """Read a file again for those of its keys whose hashes are wanted, with their rows."""
        self.connection.con.register("wanted_keys", pa.table({"h": wanted}))
        for _, used, _ in self._batches(file, _Found()):
            query = self.connection.compile(used.select(KEY, ROW))
            for row in self._fetch(f"SELECT * FROM ({query}) WHERE hash({KEY}) IN (SELECT h FROM wanted_keys)"):
                yield row[KEY], row[ROW]

    def make_ahead(
        self, folder: Path, own: tuple[Part, int], others: Sequence[tuple[Part, int]], where: str, end: date
    ) -> None:
        """Make the sums of a part that depend on the parts after it.

        Parameters
        ----------
        folder : Path
            Where they are left.
        own : (Part, int)
            The part, and the number of rows in the files before it.
        others : sequence of (Part, int)
            Parts that have contacts of the same days or of those after.
        where : str
            Condition for their rows.
        end : date
            Last day of all contacts.
        """
        rows = view_of_rows(self.connection, "rows_of_part", [own])
        following = view_of_rows(self.connection, "rows_following", others, where=where)
        mapped = own[0].mapped
        if end not in self._with_next:
            sources = self._material(rows, mapped, (_NO_DAYS[0], end), following=following).sources
            contacts = contacts_with_next(sources)
            asked = [name for name in contacts.columns if name in (ROW, *self.kept, "gap_s", "age_s")]
            self._with_next[end] = self.connection.compile(contacts.select(asked))
        if self._ahead is None:
            self._ahead = self._plan_ahead(rows, mapped, self._with_next[end])
        self.connection.raw_sql(f"CREATE OR REPLACE TEMP {self._ahead.kind} {_NEXT} AS {self._with_next[end]}")
        self._write(folder, "ahead", self._ahead.passes, self._ahead.sums)
        (folder / DONE).write_text("{}", encoding="utf-8")

    def _plan_ahead(self, rows: ir.Table, mapped: frozenset[str], contacts: str) -> _Ahead:
        """Write the queries of sums that look ahead; the next contact of each is found once for all of them."""
        self.connection.raw_sql(f"CREATE OR REPLACE TEMP VIEW {_NEXT} AS {contacts}")
        material = self._material(
            rows, mapped, _NO_DAYS, partials={"contacts_with_next": self.connection.table(_NEXT, database="temp.main")}
        )
        passes = sums_of({"contacts": material.views["contacts"]}, self.all_kpis)
        sums = self._made(AHEAD, material)
        self.connection.raw_sql(f"DROP VIEW {_NEXT}")
        return _Ahead(
            kind="VIEW" if len(passes) + len(sums) == 1 else "TABLE",
            passes=tuple((one, self.connection.compile(_ordered(one))) for one in passes), sums=sums,
        )  # fmt: skip


def view_of_rows(connection: Any, name: str, parts: Sequence[tuple[Part, int]], *, where: str = "true") -> ir.Table:
    """Make a view of the kept rows of parts, numbered through all files.

    A column of the contacts that was not kept raises an error where it is used.

    Parameters
    ----------
    connection : ibis DuckDB backend
    name : str
        Name of the view.
    parts : sequence of (Part, int)
        With the number of rows in the files before each.
    where : str
        Condition for rows.
    """
    selects = " UNION ALL ".join(
        f"SELECT * REPLACE ({ROW} + {offset} AS {ROW}) FROM read_parquet({_listed(part.folder / _ROWS)}) WHERE {where}"
        for part, offset in parts
    )
    there = {column for column, *_ in connection.con.execute(f"DESCRIBE {selects}").fetchall()}
    mapped = parts[0][0].mapped
    # A column that was not kept must never be taken for one without values.
    not_kept = "error('column {} of the contacts was not kept')"
    others = "".join(
        f", CAST({not_kept.format(column) if column in mapped else 'NULL'} AS {_SQL_TYPES[of.type]}) AS {column}"
        for column, of in TABLES[TABLE].by_name.items()
        if column not in there
    )
    connection.raw_sql(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT *{others} FROM ({selects})")
    return connection.table(name, database="temp.main")


_SQL_TYPES = {
    "text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
    "timestamp": "TIMESTAMP",
}  # fmt: skip


def _listed(folder: Path) -> list[str]:
    return [str(file) for file in sorted(folder.glob("*.parquet"))]


def _as_they_are(table: ir.Table, kept: Sequence[str]) -> dict[str, str]:
    """Return the names that columns have in the file, if none of them was computed; else nothing."""
    found = {}
    for name in kept:
        value = rooted(table[name].op())
        while isinstance(value, ops.Cast) and value.arg.dtype.is_timestamp() and value.dtype.is_timestamp():
            value = value.arg
        if not isinstance(value, ops.Field) or (value.dtype.is_timestamp() and value.dtype.timezone):
            return {}
        found[name] = value.name
    return found


def _ordered(found: Sums) -> ir.Table:
    """Rows of a partner together, so that its slice is read without the rest."""
    return found.table.order_by("partner_id", "date")


class _Found:
    """What is found in a file, batch by batch."""

    def __init__(self) -> None:
        self.rows = self.used = 0
        self.counts: list[RowCount] = []
        self.problems: list[list[Problem]] = []
        self.headers: tuple[str, ...] = ()
        self.partners: list[dict[str, Any]] = []
        self.days: list[dict[str, Any]] = []
        self.months: set[date | None] = set()
        self.mapped: frozenset[str] = frozenset()

    def stored(self) -> dict[str, Any]:
        days = [min(d["first"] for d in self.days), max(d["last"] for d in self.days)] if self.days else []
        return {
            "rows": self.rows, "used": self.used, "counts": [asdict(c) for c in added_counts(self.counts)],
            "problems": [asdict(p) for p in merged_problems(self.problems)],
            "partners": added_partners(self.partners), "days": days,
            "is_monthly": not any(d["later"] for d in self.days), "mapped": sorted(self.mapped),
            "months": sorted(self.months, key=str), "headers": self.headers,
        }  # fmt: skip


def added_counts(counts: Iterable[RowCount]) -> list[RowCount]:
    """Add up the row accounting of batches or parts, in the order of its steps."""
    added: dict[tuple[str, str, str], int] = {}
    for count in counts:
        step = count.table, count.step, count.why
        added[step] = added.get(step, 0) + count.rows
    return [RowCount(table=table, step=step, rows=rows, why=why) for (table, step, why), rows in added.items()]


def added_partners(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add up the rows of each partner over batches or parts."""
    added: dict[str, dict[str, Any]] = {}
    for one in found:
        known = added.setdefault(one["partner_id"], {"partner_id": one["partner_id"], "n": 0, "row": one["row"]})
        known["n"] += one["n"]
        known["row"] = min(known["row"], one["row"])
    return sorted(added.values(), key=lambda one: (one["row"], one["partner_id"]))


def merged_problems(found: Iterable[Sequence[Problem]]) -> list[Problem]:
    """Put the problems of batches or parts together: the first rows of each rule, and how many break it in all."""
    rows: defaultdict[tuple[str, ...], list[Problem]] = defaultdict(list)
    counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
    plain: dict[Problem, None] = {}
    for problems in found:
        there = {}
        for problem in problems:
            if problem.row is None:
                plain[problem] = None
                continue
            rule = problem.severity, problem.table, problem.column, problem.rule
            rows[rule].append(problem)
            there[rule] = problem.count
        for rule, count in there.items():
            counts[rule] += count
    return [
        *plain,
        *(
            replace(p, count=counts[rule], remedy=of_rule[0].remedy)
            for rule, of_rule in rows.items()
            for p in of_rule[:MAX_EXAMPLES]
        ),
    ]
