"""Contacts in many files: each file is read once, checked and added up, and what is left of it is kept.

A part is one Parquet file of table interactions. Reading it gives its problems, its sums for the KPI table and the
extracts, and those of its columns that other tables ask for, in a folder of the cache that is named by the file and by
everything that decides what becomes of it. Preparing the dataset again reads the files that are new or changed. Memory
holds a few hundred thousand rows at a time, whatever the size of a file.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bpo_analysis.data.cache import part_once
from bpo_analysis.data.canonical import CanonicalTable, to_canonical, values_not_read
from bpo_analysis.data.config import DatasetConfig, TableSpec
from bpo_analysis.data.consistency import partners_of
from bpo_analysis.data.extracts import Material
from bpo_analysis.data.extracts.flow import WINDOWS
from bpo_analysis.data.files import ROW, RawTable
from bpo_analysis.data.fingerprint import code_fingerprint, footer_digest
from bpo_analysis.data.kpi_table import FOLDER as KPI_FOLDER
from bpo_analysis.data.kpi_table import Sums, sums_of, write_sums
from bpo_analysis.data.part_files import batches, columns_read
from bpo_analysis.data.partials import AHEAD, BY_ROW, Partial
from bpo_analysis.data.places import DONE
from bpo_analysis.data.problems import MAX_EXAMPLES, Problem, RowCount
from bpo_analysis.data.rules import apply_rules
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.validate import repeated_keys, row_checks
from bpo_analysis.data.views import DIMENSIONS, UNIT_COLUMNS, Sources, build_views, contacts_with_next
from bpo_analysis.kpis import Kpi, settings_of

__all__ = [
    "TABLE",
    "Part",
    "PartReader",
    "PartSums",
    "added_counts",
    "added_partners",
    "merged_problems",
    "placed",
    "why_whole",
]

TABLE = "interactions"
_RAW, _ROWS, _NEXT = "raw_part", "rows", "contacts_of_part"
_KEY = "interaction_id"
_BUCKETS = 64
_NO_DAYS = (date(2000, 1, 1), date(2000, 1, 1))
_FAR = date(2100, 1, 1)
_SUMS, _IDS = "sums", "ids.npy"
_WHOLE_RULES = ("keep_last",)
_ASKING = frozenset({"volume", "roster", "invoices", "forecasts"})
"""Other tables that decide which sums are made."""


def why_whole(spec: TableSpec) -> str:
    """Say why a table is read as a whole; empty where it can be read in parts."""
    if spec.name != TABLE or len(spec.files) < 2 or any(file.suffix.lower() != ".parquet" for file in spec.files):
        return "it is not table interactions in several Parquet files"
    rules = [rule.name for rule in spec.rules if rule.action in _WHOLE_RULES]
    if rules:
        return f"its rule {rules[0]!r} compares rows of different files"
    return "distinct compares rows of different files" if spec.distinct else ""


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
    headers: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is asked of every batch of one form, written as SQL once."""

    raw: RawTable
    canonical: CanonicalTable
    checks: Any
    counts: str
    days: str
    partners: str
    ids: str
    rows: str
    passes: tuple[tuple[Sums, str], ...]
    sums: Mapping[str, str]
    mapped: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ahead:
    """What is asked of contacts that know their next one, as SQL."""

    contacts: str
    passes: tuple[tuple[Sums, str], ...]
    sums: Mapping[str, str]


class PartReader:
    """Reads files of table interactions.

    Parameters
    ----------
    connection : ibis DuckDB backend
    config : DatasetConfig
    kpis, alternatives : mapping of str to Kpi
    others : frozenset of str
        The other tables that have rows.
    has_pilots : bool
    """

    def __init__(
        self, connection: Any, config: DatasetConfig, kpis: Mapping[str, Kpi], alternatives: Mapping[str, Kpi], *,
        others: frozenset[str], has_pilots: bool,
    ) -> None:  # fmt: skip
        self.connection, self.config, self.kpis = connection, config, kpis
        self.all_kpis = [*kpis.values(), *alternatives.values()]
        self.spec, self.schema = config.tables[TABLE], TABLES[TABLE]
        self.settings = settings_of(config.families)
        self.others = others & _ASKING
        self.kept = self._kept(others, has_pilots=has_pilots)
        self._plans: dict[pa.Schema, _Plan] = {}
        self._ahead_sql: dict[date, _Ahead] = {}
        self._same = self._what_decides()

    def _kept(self, others: frozenset[str], *, has_pilots: bool) -> tuple[str, ...]:
        """Return the columns that are asked for later, by other tables or by the contacts before."""
        every = tuple(self.schema.by_name)
        if has_pilots or any(kpi.source in ("contacts", TABLE, "volume") for kpi in self.config.own_kpis):
            return every
        common = ("partner_id", *DIMENSIONS, "reason")
        kept = {"customer_key", "created_at", "abandoned", *common, *(["agent_id"] if "roster" in others else [])}
        if others & {"surveys", "qa_ratings"}:
            kept |= {_KEY, *common, *UNIT_COLUMNS, "handoffs"}
        if "escalations" in others:
            kept |= {_KEY, "customer_key"}
        return tuple(name for name in every if name in kept)

    def _what_decides(self) -> str:
        """Return everything apart from the file that decides what becomes of it."""
        chosen = [
            replace(self.spec, files=()), self.config.families, self.config.own_kpis, self.config.timezone, self.kept,
            sorted(self.others), self.all_kpis, duckdb.__version__, code_fingerprint(),
        ]  # fmt: skip
        return repr(chosen)

    def read(self, file: Path) -> Part:
        """Return a file as it was read, now or earlier.

        Raises
        ------
        DatasetError
            If the file cannot be read.
        """
        digest = hashlib.blake2b(self._same.encode(), digest_size=16)
        digest.update(str(file).encode() + footer_digest(file))
        key, made = digest.hexdigest(), []

        def make(folder: Path) -> None:
            made.append(folder)
            self._make(folder, file)

        folder = part_once(key, make)
        stored = json.loads((folder / DONE).read_text(encoding="utf-8"))
        return Part(
            file=file, folder=folder, key=key, is_new=bool(made), rows=stored["rows"], used=stored["used"],
            counts=tuple(RowCount(**c) for c in stored["counts"]),
            problems=tuple(Problem(**p) for p in stored["problems"]), mapped=frozenset(stored["mapped"]),
            partners=tuple(stored["partners"]), is_monthly=stored["is_monthly"],
            days=_span(stored["days"]), headers=frozenset(stored["headers"]),
        )  # fmt: skip

    # Reading one file

    def _make(self, folder: Path, file: Path) -> None:
        found = _Found()
        ids = []
        for number, (plan, _) in enumerate(self._batches(file, found)):
            counts = {name: int(n or 0) for name, n in self._fetch(plan.counts)[0].items()}
            found.used += counts["rows"]
            is_broken = any(n for name, n in counts.items() if name != "rows")
            broken = plan.checks.broken(counts) if is_broken else []
            found.problems.append([*plan.checks.problems, *values_not_read(plan.raw, self.spec), *broken])
            found.partners.extend(self._fetch(plan.partners))
            found.days.extend(day for day in self._fetch(plan.days) if day["first"] is not None)
            found.mapped = plan.mapped
            if plan.ids:
                ids.append(self.connection.con.execute(plan.ids).fetchnumpy()["h"])
            self._write(folder, f"{number}", plan.passes, plan.sums)
            self._keep(plan.rows, folder / _ROWS / f"{number}.parquet")
        if ids:
            np.save(folder / _IDS, np.sort(np.concatenate(ids)))
        text = json.dumps(found.stored(), ensure_ascii=False, default=date.isoformat)
        (folder / DONE).write_text(text, encoding="utf-8")

    def _batches(self, file: Path, found: _Found) -> Iterator[tuple[_Plan, ir.Table]]:
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
            yield plan, repaired.table
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
        has_key, has_partner = _KEY in mapped, "partner_id" in mapped
        keys = f"SELECT hash({_KEY}) AS h FROM ({sql(used.select(_KEY))}) WHERE {_KEY} IS NOT NULL"
        kept = [ROW, *(name for name in self.kept if name in mapped)]
        by_row = {name: view for name, view in material.views.items() if name in ("volume", TABLE)}
        passes = sums_of(by_row, self.all_kpis)
        return _Plan(
            raw=raw, canonical=canonical, checks=checks, counts=sql(checks.counts()),
            days=sql(days) if "created_at" in mapped else "SELECT NULL AS first", ids=keys if has_key else "",
            partners=sql(partners_of(used)) if has_partner else "SELECT 1 WHERE false", rows=sql(used.select(kept)),
            passes=tuple((found, sql(_ordered(found))) for found in passes),
            sums=self._made(BY_ROW, material), mapped=mapped,
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
        asked = [p for p in partials if not p.only_with or self.others.intersection(p.only_with)]
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
            self._copy(sql, folder / _SUMS / of / f"{name}.parquet")

    def _keep(self, sql: str, path: Path) -> None:
        """Write rows: Arrow is quicker at it where next to nothing can be compressed."""
        path.parent.mkdir(exist_ok=True)
        rows = self.connection.con.sql(sql).to_arrow_table()
        few = [name for name in rows.column_names if name not in (_KEY, "customer_key")]
        pq.write_table(rows, path, compression="zstd", use_dictionary=few)

    def _copy(self, sql: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection.raw_sql(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")

    # Keys that are there again, in one file or in two

    def repeated(self, parts: Sequence[Part]) -> list[Problem]:
        """Report keys that are there more than once; files are read again only if there are such keys."""
        files = [np.load(p.folder / _IDS, mmap_mode="r") for p in parts if (p.folder / _IDS).is_file()]
        wanted = np.concatenate([np.empty(0, dtype=np.uint64), *_repeated(files)])
        if not len(wanted):
            return []
        self.connection.con.register("wanted_keys", pa.table({"h": wanted}))
        rows: defaultdict[str, list[int]] = defaultdict(list)
        before = 0
        for part, ids in zip(parts, files, strict=True):
            if np.isin(wanted, ids).any():
                for _, used in self._batches(part.file, _Found()):
                    query = self.connection.compile(used.select(_KEY, ROW))
                    found = self._fetch(f"SELECT * FROM ({query}) WHERE hash({_KEY}) IN (SELECT h FROM wanted_keys)")
                    for row in found:
                        rows[row[_KEY]].append(row[ROW] + before)
            before += part.rows
        again = sorted((min(r), max(r), key) for key, r in rows.items() if len(r) > 1)
        extra = sum(len(r) - 1 for r in rows.values())
        return repeated_keys(
            self.schema, (_KEY,),
            [{_KEY: key, "first": one, "again": two, "extra": extra} for one, two, key in again[:MAX_EXAMPLES]],
        )  # fmt: skip

    # All parts together

    def rows(self, parts: Sequence[Part]) -> ir.Table:
        """Return the columns of all contacts that were kept; any other raises an error where it is used."""
        return self._view("rows_of_parts", list(_offsets(parts)))

    def sums(self, parts: Sequence[Part], days: tuple[date, date]) -> PartSums:
        """Return the sums of all parts; those that look ahead are made where they are not there yet.

        Parameters
        ----------
        parts : sequence of Part
        days : tuple of date
            First and last day of all of them.
        """
        folders = [part.folder for part in parts]
        if "customer_key" in parts[0].mapped:
            folders += self._ahead(parts, days)
        files: defaultdict[str, list[str]] = defaultdict(list)
        for folder in folders:
            for file in sorted((folder / _SUMS).glob("*/*.parquet")):
                files[file.parent.name].append(str(file))
        return PartSums(
            folders=tuple(folders), partials={name: self.connection.read_parquet(of) for name, of in files.items()}
        )

    def _ahead(self, parts: Sequence[Part], days: tuple[date, date]) -> list[Path]:
        """Make the sums of each part that depend on the parts after it."""
        horizon = timedelta(days=max(*WINDOWS, int(float(self.settings["window_days"]))) + 1)  # type: ignore[arg-type]
        offsets = {part.key: offset for part, offset in _offsets(parts)}
        folders = []
        for part in parts:
            if part.days is None:
                continue
            first, last = part.days[0], part.days[1] + horizon
            after = [p for p in parts if p is not part and p.days and p.days[0] < last and p.days[1] >= first]
            # Contacts older than the horizon are old enough, whenever the export ends.
            end = days[1] if days[1] < last else _FAR
            order = [(p.key, offsets[p.key] > offsets[part.key]) for p in after]
            key = hashlib.blake2b(repr([part.key, order, end]).encode(), digest_size=16).hexdigest()
            where = f"created_at >= DATE '{first}' AND created_at < DATE '{last}'" if after else "false"
            others = [(p, offsets[p.key]) for p in after or [part]]
            make = partial(self._make_ahead, own=(part, offsets[part.key]), others=others, where=where, end=end)
            folders.append(part_once(key, make))
        return folders

    def _make_ahead(
        self, folder: Path, own: tuple[Part, int], others: list[tuple[Part, int]], where: str, end: date
    ) -> None:
        rows, following = self._view("rows_of_part", [own]), self._view("rows_following", others, where=where)
        known = self._ahead_sql.get(end) or self._plan_ahead(rows, following, own[0].mapped, end)
        self._ahead_sql[end] = known
        self.connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE {_NEXT} AS {known.contacts}")
        self._write(folder, "ahead", known.passes, known.sums)
        (folder / DONE).write_text("{}", encoding="utf-8")

    def _plan_ahead(self, rows: ir.Table, following: ir.Table, mapped: frozenset[str], end: date) -> _Ahead:
        """Write the queries of sums that look ahead; the next contact of each is found once for all of them."""
        days = (_NO_DAYS[0], end)
        contacts = contacts_with_next(self._material(rows, mapped, days, following=following).sources)
        asked = [name for name in contacts.columns if name in (ROW, *self.kept, "gap_s", "age_s")]
        found = self.connection.compile(contacts.select(asked))
        self.connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE {_NEXT} AS SELECT * FROM ({found}) LIMIT 0")
        material = self._material(
            rows, mapped, days, partials={"contacts_with_next": self.connection.table(_NEXT, database="temp.main")}
        )
        passes = sums_of({"contacts": material.views["contacts"]}, self.all_kpis)
        return _Ahead(
            contacts=found, passes=tuple((one, self.connection.compile(_ordered(one))) for one in passes),
            sums=self._made(AHEAD, material),
        )  # fmt: skip

    def _view(self, name: str, parts: Sequence[tuple[Part, int]], *, where: str = "true") -> ir.Table:
        """Make a view of the kept rows of parts, numbered through all files."""
        selects = " UNION ALL ".join(
            f"SELECT * REPLACE ({ROW} + {offset} AS {ROW}) FROM read_parquet({_listed(part.folder / _ROWS)}) "
            f"WHERE {where}"
            for part, offset in parts
        )
        there = {column for column, *_ in self.connection.con.execute(f"DESCRIBE {selects}").fetchall()}
        mapped = parts[0][0].mapped
        # A column that was not kept must never be taken for one without values.
        not_kept = "error('column {} of the contacts was not kept')"
        others = "".join(
            f", CAST({not_kept.format(column) if column in mapped else 'NULL'} AS {_SQL_TYPES[of.type]}) AS {column}"
            for column, of in self.schema.by_name.items()
            if column not in there
        )
        self.connection.raw_sql(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT *{others} FROM ({selects})")
        return self.connection.table(name, database="temp.main")


_SQL_TYPES = {
    "text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
    "timestamp": "TIMESTAMP",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSums:
    """The sums of all parts.

    Attributes
    ----------
    folders : tuple of Path
        Each with a piece of the KPI table, or none.
    partials : mapping of str to ibis Table
        Those of ``data/partials.py``, not yet added up over the parts.
    """

    folders: tuple[Path, ...]
    partials: Mapping[str, ir.Table]


class _Found:
    """What is found in a file, batch by batch."""

    def __init__(self) -> None:
        self.rows = self.used = 0
        self.counts: list[RowCount] = []
        self.problems: list[list[Problem]] = []
        self.headers: tuple[str, ...] = ()
        self.partners: list[dict[str, Any]] = []
        self.days: list[dict[str, Any]] = []
        self.mapped: frozenset[str] = frozenset()

    def stored(self) -> dict[str, Any]:
        days = [min(d["first"] for d in self.days), max(d["last"] for d in self.days)] if self.days else []
        return {
            "rows": self.rows, "used": self.used, "counts": [asdict(c) for c in added_counts(self.counts)],
            "problems": [asdict(p) for p in merged_problems(self.problems)],
            "partners": added_partners(self.partners), "days": days,
            "is_monthly": not any(d["later"] for d in self.days), "mapped": sorted(self.mapped),
            "headers": self.headers,
        }  # fmt: skip


def _span(days: Sequence[str]) -> tuple[date, date] | None:
    return (date.fromisoformat(days[0]), date.fromisoformat(days[1])) if days else None


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


def placed(problems: Iterable[Problem], offset: int) -> list[Problem]:
    """Count the rows of problems through all files."""
    return [p if p.row is None else replace(p, row=p.row + offset) for p in problems]


def _ordered(found: Sums) -> ir.Table:
    """Rows of a partner together, so that its slice is read without the rest."""
    return found.table.order_by("partner_id", "date")


def _offsets(parts: Iterable[Part]) -> Iterator[tuple[Part, int]]:
    before = 0
    for part in parts:
        yield part, before
        before += part.rows


def _listed(folder: Path) -> list[str]:
    return [str(file) for file in sorted(folder.glob("*.parquet"))]


def _repeated(files: Sequence[Any]) -> Iterator[Any]:
    """Yield what is there more than once in sorted arrays of numbers, from the smallest numbers on."""
    step = 2**64 // _BUCKETS
    for bucket in range(_BUCKETS):
        edges = np.array([bucket * step, min((bucket + 1) * step, 2**64 - 1)], dtype=np.uint64)
        last = bucket == _BUCKETS - 1
        pieces = []
        for ids in files:
            start, end = np.searchsorted(ids, edges[0]), len(ids) if last else np.searchsorted(ids, edges[1])
            pieces.append(np.array(ids[start:end]))
        together = np.sort(np.concatenate(pieces)) if pieces else np.empty(0, dtype=np.uint64)
        yield np.unique(together[1:][together[1:] == together[:-1]])
