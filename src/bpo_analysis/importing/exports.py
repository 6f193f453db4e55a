"""From the file of an export to its rows as text: encoding, delimiter, header, lines around the table.

Nothing is converted here. What was assumed is kept beside the rows, so that the accounting can say it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
from python_calamine import CalamineError, CalamineWorkbook

from bpo_analysis.data.files import DELIMITERS, encoding_of, open_bytes
from bpo_analysis.errors import DatasetError

__all__ = ["Export", "read_export"]

_EXCEL = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_JSON = (".json", ".jsonl", ".ndjson")
_TOP = 30
"""Records among which the header is looked for: some systems print a title above it."""
_MAX_MISFITS = 0.01
"""Share of rows that may have another number of fields than the header; beyond it the delimiter must be wrong."""

_FOOTER = 0.25
"""Part of the header's fields that a line below the table has at most (or two: a sentence with a comma).

A row with more is a damaged one.
"""

Score = Callable[[Sequence[str]], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The rows of one file as text, and how it was read.

    Attributes
    ----------
    rows : DataFrame
        Text columns under their headers (a repeated header has its place behind it); empty cells are missing.
        The index counts the rows of the file from 1.
    headers : tuple of str
        Headers as they are, one for each column of ``rows``.
    form : str
        Encoding and delimiter, or the kind of file and sheet.
    above, below, misfits : int
        Lines above the header, lines below the table, and rows with another number of fields than the header.
    """

    file: Path
    rows: pd.DataFrame
    headers: tuple[str, ...]
    form: str
    above: int = 0
    below: int = 0
    misfits: int = 0
    notes: tuple[str, ...] = field(default=())


def read_export(file: Path, score: Score) -> Export:
    """Read a CSV, Excel or JSON file as text.

    Parameters
    ----------
    file : Path
    score : callable
        How many of these headers are known; says which record is the header.

    Raises
    ------
    DatasetError
        If the file cannot be read, is empty, or its rows do not fit its header.
    """
    try:
        if not file.is_file():
            raise DatasetError(f"There is no file {file}.")
        if file.stat().st_size == 0:
            raise DatasetError(f"{file} is empty. Export it again.")
        kind = "".join(file.suffixes[-2:]).lower().removesuffix(".gz")
        if kind.endswith(_EXCEL):
            return _read_excel(file, score)
        encoding = encoding_of(file)
        with open_bytes(file) as handle:
            text = handle.read().decode(encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        raise DatasetError(f"{file} is not text that can be decoded: {error}.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{file} cannot be read: {error}.") from None
    if kind.endswith(_JSON) or text.lstrip()[:2] in ("[{", "{\n", "{ ") or text.lstrip().startswith('{"'):
        return _read_json(file, text)
    return _read_text(file, text, encoding, score)


def _read_text(file: Path, text: str, encoding: str, score: Score) -> Export:
    header, delimiter = _find_header(text, score)
    if not header.names:
        raise DatasetError(f"{file} has no header line. Export it again with column names.")
    misfits: list[Any] = []

    def put_aside(row: Any) -> str:
        misfits.append(row)
        return "skip"

    names = _unique(header.names)
    body = text.split("\n", header.lines)[-1].encode() if text.count("\n") >= header.lines else b""
    rows = _parse(file, body, names, delimiter, put_aside)
    below = _trailing(
        [row.number for row in misfits if row.actual_columns <= max(2, _FOOTER * row.expected_columns)],
        len(rows) + len(misfits),
    )
    inside = misfits[: len(misfits) - below]
    if len(inside) > max(1, _MAX_MISFITS * len(rows)):
        first = inside[0]
        raise DatasetError(
            f"{file} cannot be read: {len(inside)} rows have another number of fields than the header "
            f"({first.expected_columns}); the first is row {first.number} with {first.actual_columns}: "
            f"{first.text.strip()[:80]!r}. Export it again, with texts in quotes."
        )
    _require_closed_quotes(file, body, rows)
    rows, more = _without_footer(rows)
    notes = [f"row {row.number} has {row.actual_columns} fields, the header {row.expected_columns}" for row in inside]
    shown = "tab" if delimiter == "\t" else repr(delimiter)
    return Export(
        file=file, rows=rows, headers=tuple(header.names), form=f"{encoding}, delimiter {shown}", above=header.above,
        below=below + more, misfits=len(inside), notes=tuple(notes),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Header:
    names: list[str]
    above: int
    lines: int


def _find_header(text: str, score: Score) -> tuple[_Header, str]:
    """Find the record and the delimiter with which most headers are known; among equals, most columns, then the first.

    Lines end with a line feed for the search, so that their number is the one ``str.split`` counts.
    """
    best, best_delimiter, best_rank = _Header([], 0, 0), ",", (0, 0, 0)
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter)
        above = 0
        for record in _records(reader):
            if any(cell.strip() for cell in record):
                rank = (score(record), len(record), -above)
                if rank > best_rank:
                    best = _Header([cell.strip() for cell in record], above, reader.line_num)
                    best_delimiter, best_rank = delimiter, rank
                above += 1
    return best, best_delimiter


def _records(reader: Any) -> Iterable[list[str]]:
    try:
        yield from islice(reader, _TOP)
    except csv.Error:  # with the wrong delimiter a field may be of any length
        return


def _parse(file: Path, body: bytes, names: Sequence[str], delimiter: str, misfit: Callable[[Any], str]) -> pd.DataFrame:
    if not body.strip():
        return pd.DataFrame({name: pd.Series(dtype="str") for name in names})
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(body),
            # One block: a quoted text may be of any length, and misfits are numbered.
            read_options=arrow_csv.ReadOptions(
                column_names=list(names), use_threads=False, block_size=min(len(body) + 1, 2**31 - 1)
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=misfit
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        raise DatasetError(f"{file} cannot be read: {str(error).splitlines()[0]}.") from None
    return _as_rows(table.to_pandas(types_mapper={pa.string(): pd.StringDtype(na_value=float("nan"))}.get))


def _require_closed_quotes(file: Path, body: bytes, rows: pd.DataFrame) -> None:
    """Refuse a file whose last text in quotes never ends: it has swallowed the rows after it."""
    if body.count(b'"') % 2 and len(rows) and rows.iloc[-1].str.contains("\n", regex=False).any():
        raise DatasetError(
            f"{file} has a quotation mark in row {len(rows)} that is not closed, so that the rows after it are lost. "
            "Export it again."
        )


def _as_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Trim every cell; an empty one is missing. Rows are counted from 1."""
    rows = frame.apply(lambda column: column.astype("str").str.strip().replace("", pd.NA)).astype("str")
    return rows.set_axis(range(1, len(rows) + 1), axis=0)


def _trailing(numbers: Sequence[int], last: int) -> int:
    """Count how many of these rows stand at the end, one after the other."""
    count = 0
    while count < len(numbers) and numbers[-1 - count] == last - count:
        count += 1
    return count


def _without_footer(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Take off the last rows that fill a single cell: notes below the table that were padded to its width."""
    if len(rows.columns) < 3 or rows.empty:
        return rows, 0
    lonely = rows.notna().sum(axis=1) <= 1
    kept = len(rows) if lonely.all() else int((~lonely).to_numpy().nonzero()[0][-1]) + 1
    return rows.iloc[:kept], len(rows) - kept


def _unique(names: Sequence[str]) -> list[str]:
    """Make headers unique by their place; an empty one is called by it."""
    given = [name or f"column {place}" for place, name in enumerate(names, 1)]
    return [f"{name} (column {place})" if name in given[: place - 1] else name for place, name in enumerate(given, 1)]


def _read_excel(file: Path, score: Score) -> Export:
    try:
        book = CalamineWorkbook.from_path(str(file))
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    except (CalamineError, OSError, ValueError) as error:
        raise DatasetError(f"{file} cannot be read as a workbook: {error}. Save it again, or as CSV.") from None
    found = [
        (score(texts), len(texts), -place, sheet, texts)
        for sheet, cells in sheets.items()
        for place, texts in enumerate([_as_text(cell) for cell in row] for row in cells[:_TOP])
        if any(texts)
    ]
    if not found:
        raise DatasetError(f"{file} has no rows.")
    *_, place, sheet, names = max(found, key=lambda entry: entry[:3])
    cells = [[_as_text(cell) for cell in row] for row in sheets[sheet][1 - place :]]
    rows, below = _without_footer(_as_rows(pd.DataFrame(cells, columns=_unique(names), dtype="str")))
    others = [name for name in sheets if name != sheet]
    notes = (f"other sheets are not read: {', '.join(others)}",) if others else ()
    return Export(
        file=file, rows=rows, headers=tuple(names), form=f"workbook, sheet {sheet!r}", above=-place, below=below,
        notes=notes,
    )  # fmt: skip


def _as_text(cell: Any) -> str:
    """Write a cell of a workbook as an export would."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, dt.timedelta):
        seconds = round(cell.total_seconds())
        sign = "-" if seconds < 0 else ""
        return f"{sign}{abs(seconds) // 3600}:{abs(seconds) // 60 % 60:02d}:{abs(seconds) % 60:02d}"
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    return str(cell).strip()


def _read_json(file: Path, text: str) -> Export:
    """Read records one after the other, in a list, on lines of their own, or with nothing between them."""
    decoder, place, found = json.JSONDecoder(), 0, []
    while place < len(text):
        if text[place].isspace() or text[place] == ",":
            place += 1
            continue
        try:
            value, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            raise DatasetError(f"{file} is not JSON: {error.msg} in line {error.lineno}.") from None
        found.extend(value if isinstance(value, list) else [value])
    if not all(isinstance(record, dict) for record in found):
        raise DatasetError(f"{file} does not hold records: every entry must be an object {{...}}.")
    flat = [dict(_flatten(record)) for record in found]
    names = list(dict.fromkeys(name for record in flat for name in record))
    rows = _as_rows(pd.DataFrame([[record.get(name, "") for name in names] for record in flat], columns=names))
    return Export(file=file, rows=rows, headers=tuple(names), form="JSON")


def _flatten(record: dict[str, Any], above: str = "") -> Iterable[tuple[str, str]]:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{above}{key}.")
        elif value is not None and not isinstance(value, list):
            yield f"{above}{key}", str(value).lower() if isinstance(value, bool) else str(value)
