"""Digests of the parts of a prepared dataset, written when it is prepared and looked up without opening a table.

A report is made again only if a part that it read has changed. The parts are those that :class:`Dataset` serves: the
KPI table by partner or by KPI up to a day, registers and extracts by partner, pilots. One small SQLite file holds a
digest for each; those of tables with days are cumulative, so that "everything up to the end of October" is one number.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import json
import sqlite3
import tomllib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from bpo_analysis.data.places import DONE
from bpo_analysis.data.reads import EVERYONE, Read

__all__ = ["DAYS", "FILE", "KpiDays", "Slices", "columns_of_query", "hashed", "hashes_by_day", "write_slices"]

FILE: Final = "slices.sqlite"
DAYS: Final = ".days"
"""Ending of a file with hashes by day."""
_EXTRACTS: Final = "extracts"
_PILOTS: Final = "pilots"
_NOTES: Final = "notes"
_ROW: Final = "_row"
"""Number of the row in its file: a row that comes in above changes it, and no page shows it."""
_EPOCH: Final = date(1970, 1, 1).toordinal()
_ALWAYS: Final = 2**31 - 1
_HALF: Final = 2**32
_DIGITS: Final = 9
"""Sums of fractions differ in their last digits with the order in which threads add them up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiDays:
    """Hashes of the KPI table by partner and day.

    Attributes
    ----------
    passes : sequence of (names, files)
        KPIs that stand in the same rows, and Parquet files with ``partner_id``, ``day`` and, under the name of each
        KPI, the sum of the hashes of its rows, missing where it has none.
    dates : str
        Query for the days with data.
    """

    passes: Sequence[tuple[Sequence[str], Sequence[Path]]]
    dates: str


def write_slices(connection: Any, folder: Path, kpis: KpiDays | None, partners: Iterable[tuple[str, str]]) -> None:
    """Write the digests of everything that was prepared into a folder.

    Parameters
    ----------
    connection : ibis DuckDB backend
    folder : Path
        Holds registers, extracts and pilots as Parquet.
    kpis : KpiDays, optional
        None where there is no KPI table.
    partners : iterable of (partner_id, name)
    """
    with contextlib.closing(sqlite3.connect(folder / FILE)) as store, store:
        store.execute("CREATE TABLE slices (source, name, days, digests, PRIMARY KEY (source, name))")
        store.execute("CREATE TABLE partners (partner_id, name)")
        store.execute("CREATE TABLE days (day PRIMARY KEY) WITHOUT ROWID")
        store.executemany("INSERT INTO partners VALUES (?, ?)", partners)
        if kpis:
            store.executemany("INSERT INTO days VALUES (?)", connection.raw_sql(kpis.dates).fetchall())
            _write(store, "kpis/partner", connection.raw_sql(_by_partner(kpis)).fetchall())
            for names, files in kpis.passes:
                for name in names:
                    _write(store, "kpis/kpi", connection.raw_sql(_cumulated(_of_kpi(name, files))).fetchall())
        for source, name, day, table in _sources(connection, folder):
            _write(store, source, connection.raw_sql(_digests(connection, table, name=name, day=day)).fetchall())
        for place in sorted(file for file in (folder / _EXTRACTS).glob("*") if file.is_dir()):
            hashes = _files(sorted(place.glob(f"*{DAYS}")))
            added = f"SELECT who, day, CAST(high AS HUGEINT) * {_HALF} + low AS h, n FROM {hashes}"
            _write(store, f"extract/{place.name}", connection.raw_sql(_cumulated(added)).fetchall())


def _write(store: sqlite3.Connection, source: str, rows: Iterable[tuple[Any, ...]]) -> None:
    store.executemany(
        "INSERT INTO slices VALUES (?, ?, ?, ?)",
        ([source, who, array("i", days), array("Q", digests)] for who, days, digests in rows),
    )


def _files(files: Sequence[Path]) -> str:
    return f"read_parquet({[str(file) for file in files]})"


def _by_partner(kpis: KpiDays) -> str:
    parts = []
    for names, files in kpis.passes:
        added = " + ".join(f'coalesce(CAST("{name}" AS HUGEINT), 0)' for name in names)
        parts.append(f"SELECT partner_id AS who, day, {added} AS h, 1 AS n FROM {_files(files)}")
    return _cumulated(" UNION ALL ".join(parts))


def _of_kpi(name: str, files: Sequence[Path]) -> str:
    return f'SELECT \'{name}\' AS who, day, "{name}" AS h, 1 AS n FROM {_files(files)} WHERE "{name}" IS NOT NULL'


def _cumulated(rows: str) -> str:
    """Query for name, days and, for each day, the digest of all rows up to it, of hashes ``h`` of ``n`` rows."""
    by_day = f"SELECT who, day, sum(CAST(h AS HUGEINT)) AS h, sum(n) AS n FROM ({rows}) GROUP BY who, day"
    so_far = (
        f"SELECT who, day, hash(sum(h) OVER w, sum(n) OVER w) AS digest FROM ({by_day}) "
        "WINDOW w AS (PARTITION BY who ORDER BY day)"
    )
    return f"SELECT who, list(day ORDER BY day), list(digest ORDER BY day) FROM ({so_far}) GROUP BY who ORDER BY who"


def _sources(connection: Any, folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Name of the source, column of its names and of its days, and what gives its rows in the order of the file."""
    for source, place in (("register", folder), ("extract", folder / _EXTRACTS), ("pilot", folder / _PILOTS)):
        for file in sorted(place.glob("*.parquet")):
            table = f"read_parquet('{file}', file_row_number = true)"
            if source == "pilot":
                yield f"pilot/{file.stem}", "", "", table
                continue
            columns = [name for name, *_ in columns_of_query(connection, f"SELECT * FROM {table}")]
            name = "partner_id" if "partner_id" in columns else ""
            yield f"{source}/{file.stem}", name, "date" if source == "extract" and "date" in columns else "", table


def columns_of_query(connection: Any, query: str) -> list[tuple[str, str]]:
    """Return the columns that a query gives, with the names of their types."""
    return [(name, kind) for name, kind, *_ in connection.raw_sql(f"DESCRIBE {query}").fetchall()]


def _digests(connection: Any, table: str, *, name: str, day: str) -> str:
    """Query for name, days and, for each day, the digest of all rows up to it."""
    return _cumulated(_hashes(table, columns_of_query(connection, f"SELECT * FROM {table}"), name=name, day=day))


def hashes_by_day(table: str, columns: Sequence[tuple[str, str]]) -> str:
    """Write a query for the hashes of the rows of an extract added up by partner and day, in two halves.

    Parameters
    ----------
    table : str
        Has columns ``partner_id`` and ``date``, or only some of its rows do.
    columns : sequence of (name, type)
    """
    names = {name for name, _ in columns}
    rows = _hashes(
        table, columns, name="partner_id" if "partner_id" in names else "", day="date" if "date" in names else ""
    )
    return (
        f"SELECT who, day, CAST(sum(h // {_HALF}) AS BIGINT) AS high, CAST(sum(h % {_HALF}) AS BIGINT) AS low, "
        f"CAST(sum(n) AS BIGINT) AS n FROM ({rows}) GROUP BY who, day ORDER BY who, day"
    )


def _hashes(table: str, described: Sequence[tuple[str, str]], *, name: str, day: str) -> str:
    """Write a query for the hash of every row, with its name and day."""
    ignored = (_ROW, "file_row_number")
    columns = [(column, kind) for column, kind in described if column not in ignored]
    parts = [part for column, kind in columns for part in hashed(column, kind)]
    who = f"coalesce(CAST(\"{name}\" AS VARCHAR), '')" if name else "''"
    if day:
        when = f"date_diff('day', DATE '1970-01-01', CAST(\"{day}\" AS DATE))"
    else:
        # A page shows rows without days in the order of their file.
        when = "0"
        parts.append(f"row_number() OVER (PARTITION BY {who} ORDER BY file_row_number)")
    row = f"hash({', '.join(parts)})"
    return f"SELECT {who} AS who, coalesce({when}, 0) AS day, {row} AS h, 1 AS n FROM {table}"


def hashed(column: str, kind: str) -> list[str]:
    """Return what of a column is hashed: of a number with a fraction, its first digits and their power of ten."""
    if kind not in ("DOUBLE", "FLOAT"):
        return [f'"{column}"']
    plain = f'"{column}"'
    power = f"floor(log10(abs({plain})))"
    is_usual = f"isfinite({plain}) AND {plain} <> 0"
    return [
        f"CASE WHEN {is_usual} THEN round({plain} / power(10, {power}), {_DIGITS}) ELSE {plain} END",
        f"CASE WHEN {is_usual} THEN {power} END",
    ]


@dataclass(kw_only=True)
class Slices:
    """Digests of the parts of one dataset, as it is now.

    Parameters
    ----------
    path : Path
        The dataset folder, for what people write beside the tables.
    prepared : Path
        Its prepared folder.
    fingerprint : str
    """

    path: Path
    prepared: Path
    fingerprint: str
    _found: dict[Read, str] = field(default_factory=dict, init=False, repr=False)

    def digest(self, read: Read) -> str:
        """Return the digest of a part; the same text as before means that nothing in it changed."""
        if read not in self._found:
            self._found[read] = self._digest(read)
        return self._found[read]

    @cached_property
    def frame(self) -> str:
        """Digest of what every page may say of the dataset as a whole: see ARCHITECTURE.md, "Incremental"."""
        stored = self._check
        said = {
            "config": _file(self.path / "dataset.toml"),
            "partners": self._rows("register/partners", EVERYONE, ""),
            "grain": stored["grain"],
            "first_day": stored["first_day"],
            "unavailable": stored["unavailable"],
            "mapped": stored["mapped"],
            # Which problems there are and which rules took rows out, not how many rows: other partners' rows count too.
            "problems": sorted({f"{p['severity']} {p['table']} {p['column']} {p['rule']}" for p in stored["problems"]}),
            "rules": sorted({f"{c['table']} {c['step']}" for c in stored["counts"] if c["rows"]}),
        }
        return _text(json.dumps(said, sort_keys=True))

    def _digest(self, read: Read) -> str:
        kind, _, _ = read.source.partition("/")
        if kind == "whole":
            return self.fingerprint
        if kind == "span":
            last = date.fromisoformat(self._check["last_day"])
            return str(min(last, date.fromisoformat(read.until)) if read.until else last)
        if kind == "notes":
            return self._notes(read.name, read.until)
        if kind == "files":
            return _text("\n".join(f"{f.name} {_file(f)}" for f in sorted(self.path.glob(read.name))))
        if kind == "pilot":
            sources = [s for s in self._sources if s.startswith(f"pilot/{read.name}.")]
            rows = " ".join(f"{source} {self._rows(source, EVERYONE, '')}" for source in sources)
            return _text(f"{rows} {json.dumps(self._check['pilots'].get(read.name), sort_keys=True)}")
        return self._rows(read.source, read.name, read.until)

    def _rows(self, source: str, name: str, until: str) -> str:
        query, values = "SELECT name, days, digests FROM slices WHERE source = ?", [source]
        if name != EVERYONE:
            # Rows of a register that name no partner concern all of them.
            query += " AND name IN (?, '')"
            values.append(name)
        last = date.fromisoformat(until).toordinal() - _EPOCH if until else _ALWAYS
        found = []
        for who, days, digests in self._store.execute(f"{query} ORDER BY name", values):
            place = bisect.bisect_right(array("i", days), last)
            if place:
                found.append(f"{who}={array('Q', digests)[place - 1]:x}")
        return _text(" ".join(found)) if found else ""

    def _notes(self, partner: str, period: str) -> str:
        """Digest of the notes about a partner in a period; of a file that is not TOML, of all of it."""
        said: list[Any] = []
        for file in sorted((self.path / _NOTES).glob("*.toml")):
            try:
                blocks = tomllib.loads(file.read_text(encoding="utf-8-sig")).get("note", [])
                said += [
                    block
                    for block in blocks
                    if block.get("period") == period and block.get("partner", "") in ("", partner)
                ]
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError):
                said.append(_file(file))
        return _text(json.dumps(said, sort_keys=True, default=str))

    @cached_property
    def _store(self) -> sqlite3.Connection:
        # Nobody writes to a prepared folder, so nothing is locked; it may lie on a disk that cannot be written.
        return sqlite3.connect(f"{(self.prepared / FILE).as_uri()}?mode=ro&immutable=1", uri=True)

    @cached_property
    def _sources(self) -> list[str]:
        return [name for (name,) in self._store.execute("SELECT DISTINCT source FROM slices ORDER BY source")]

    @cached_property
    def _check(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.prepared / DONE).read_text(encoding="utf-8"))
        return found


def _file(file: Path) -> str:
    try:
        return hashlib.blake2b(file.read_bytes(), digest_size=12).hexdigest()
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _text(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
