"""From a file to a table of raw columns: encoding, delimiter, header. Nothing is cleaned or filled here."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import shutil
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd

from bpo_analysis.data.config import TableSpec
from bpo_analysis.errors import DatasetError

__all__ = [
    "DELIMITERS",
    "ROW",
    "RawTable",
    "encoding_of",
    "open_bytes",
    "read_raw",
    "require_same_columns",
    "unreadable",
]

ROW = "_row"
"""Column with the number of the row in its file, counted from 1."""

_TAB = "\t"
DELIMITERS = (",", ";", _TAB, "|")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# DuckDB says: the line, the text of the line, what is wrong, and then what could be set.
_CSV_ERROR = re.compile(r"CSV Error on Line: (?P<line>\d+)\s+Original Line:(?P<text>.*?)\nPossible", re.DOTALL)
_CHUNK = 1 << 20
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class RawTable:
    """The columns of a file as they are, with a row number, and what was assumed to read them.

    The table is not read yet: the engine reads it where it is used.
    """

    table: ir.Table
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    is_clean: bool = False
    """Texts have no blanks around them and none is empty; numbers are finite."""


def read_raw(connection: Any, spec: TableSpec, scratch: Path) -> RawTable:
    """Read the files (or inline rows) of one table.

    Parameters
    ----------
    connection : ibis DuckDB backend
        Where the table is created.
    spec : TableSpec
        Files and how they are written.
    scratch : Path
        Folder for files that have to be re-encoded first.

    Raises
    ------
    DatasetError
        If a file is empty, cannot be decoded, or its rows do not fit its header.
    """
    if spec.rows:
        table = ibis.memtable(pd.DataFrame([_as_text(row) for row in spec.rows]).astype("string"))
        return _numbered(table, ())
    notes: list[str] = []
    parts = [_read_file(connection, spec, file, scratch, notes) for file in spec.files]
    require_same_columns(spec, [part.columns for part in parts])
    if len(parts) == 1:
        return _numbered(parts[0], tuple(notes))
    notes.append(f"table {spec.name}: rows are counted through {len(parts)} files, from {spec.files[0].name} on")
    return _numbered(ibis.union(*[part.select(*parts[0].columns) for part in parts]), tuple(notes))


def unreadable(spec: TableSpec, error: duckdb.Error) -> DatasetError:
    """Say in one sentence what the engine said about the files of a table."""
    names = ", ".join(file.name for file in spec.files) or "its rows"
    found = _CSV_ERROR.search(str(error))
    if found:
        *text, why = [line.strip() for line in found["text"].splitlines() if line.strip()]
        why = why.replace("Expected Number of Columns:", "the header has columns:").replace("Found", "found")
        return DatasetError(f"{names} cannot be read: line {found['line']} ({' '.join(text)!r}): {why.rstrip('.')}.")
    return DatasetError(f"{names} cannot be read: {str(error).strip().splitlines()[0].rstrip('.')}.")


def _as_text(row: Any) -> dict[str, str]:
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in row.items()}


def _numbered(table: ir.Table, notes: tuple[str, ...]) -> RawTable:
    return RawTable(table.mutate(**{ROW: ibis.row_number() + 1}), tuple(table.columns), notes)


def require_same_columns(spec: TableSpec, headers: Sequence[Iterable[str]]) -> None:
    """Refuse files of one table that differ in their columns.

    Raises
    ------
    DatasetError
        Naming the first that does.
    """
    first = set(headers[0])
    for file, columns in zip(spec.files, headers, strict=True):
        if set(columns) != first:
            differing = ", ".join(repr(c) for c in sorted(first ^ set(columns)))
            raise DatasetError(
                f"{file.name} and {spec.files[0].name} of table {spec.name} differ in columns: {differing}."
            )


def _read_file(connection: Any, spec: TableSpec, file: Path, scratch: Path, notes: list[str]) -> ir.Table:
    try:
        if file.stat().st_size == 0:
            raise DatasetError(f"{file} is empty. Export it again, or take table {spec.name} out of the dataset.")
        if file.suffix.lower() == ".parquet":
            return connection.read_parquet(str(file))
        return _read_csv(connection, spec, file, scratch, notes)
    except duckdb.Error as error:
        raise unreadable(spec, error) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{file} cannot be read: {error}.") from None


def _read_csv(connection: Any, spec: TableSpec, file: Path, scratch: Path, notes: list[str]) -> ir.Table:
    encoding = spec.encoding or encoding_of(file)
    readable = file if encoding in ("utf-8", "utf-8-sig") else _as_utf8(file, encoding, scratch, spec)
    names, delimiter = _header(readable, spec)
    if not spec.encoding and encoding not in ("utf-8", "utf-8-sig"):
        notes.append(f"{file.name}: read as {encoding}; if that is wrong, name its encoding in [tables.{spec.name}]")
    if not spec.delimiter and delimiter != ",":
        notes.append(f"{file.name}: columns are separated by {'a tab' if delimiter == _TAB else repr(delimiter)}")
    return connection.read_csv(
        str(readable), header=True, all_varchar=True, delim=delimiter, quote='"', escape='"', nullstr=list(spec.null),
        auto_detect=False, columns=dict.fromkeys(names, "string"),
    )  # fmt: skip


def open_bytes(file: Path) -> Any:
    """Open a file for reading bytes, unpacked if it is packed."""
    return gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb")


def _text(file: Path, encoding: str) -> IO[str]:
    return io.TextIOWrapper(open_bytes(file), encoding=encoding, newline="")


def encoding_of(file: Path) -> str:
    """Return the encoding of a text file: what its first bytes name, UTF-8 if it is that, else cp1252."""
    with open_bytes(file) as handle:
        head = handle.read(_HEAD)
        for bom, name in _BOMS:
            if head.startswith(bom):
                return name
        for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            if head[start::2].count(0) > len(head) // 4:
                return name
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(head)
            while chunk := handle.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _as_utf8(file: Path, encoding: str, scratch: Path, spec: TableSpec) -> Path:
    copy = scratch / f"{spec.name}-{spec.files.index(file)}.utf8.csv"
    try:
        codecs.lookup(encoding)
        with _text(file, encoding) as source, copy.open("w", encoding="utf-8", newline="") as target:
            shutil.copyfileobj(source, target, _CHUNK)
    except LookupError:
        raise DatasetError(
            f"[tables.{spec.name}] encoding {encoding!r} is not known. Try utf-8, utf-16 or cp1252."
        ) from None
    except UnicodeError as error:
        raise DatasetError(
            f"{file.name} is not {encoding}: {error}. Name its encoding in [tables.{spec.name}]."
        ) from None
    return copy


def _header(file: Path, spec: TableSpec) -> tuple[list[str], str]:
    """Return the column names and the delimiter of a text file, whose first record holds the names."""
    with _text(file, "utf-8-sig") as lines:
        first = lines.readline()
        if not first.strip():
            raise DatasetError(f"{file.name} has no header line. The first line must hold the column names.")
        delimiter = spec.delimiter or max(
            DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), []))
        )
        # A name in quotes may run over several lines.
        names = next(csv.reader(chain([first], lines), delimiter=delimiter))
    names = [name.strip() or f"column{i}" for i, name in enumerate(names, 1)]
    folded = [name.casefold() for name in names]
    repeated = sorted({name for name in names if folded.count(name.casefold()) > 1})
    if repeated:
        raise DatasetError(
            f"{file.name} has the header {', '.join(map(repr, repeated))} more than once. Rename one of them."
        )
    return names, delimiter
