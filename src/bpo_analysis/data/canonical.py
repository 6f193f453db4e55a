"""From raw columns to the columns of the schema: mapping and types.

A value that does not fit its column's type becomes missing here and keeps its text in ``_raw_<column>``, so that
validation can report it with its row; nothing is repaired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.expr.operations import Field

from bpo_analysis.data.config import TableSpec
from bpo_analysis.data.expressions import Reads, build, columns_of, reads_of
from bpo_analysis.data.files import ROW, RawTable
from bpo_analysis.data.problems import MAX_EXAMPLES, Problem
from bpo_analysis.data.schema import Column, Table
from bpo_analysis.data.texts import TextReading, wall_clock
from bpo_analysis.errors import DatasetError, suggest

__all__ = ["RAW_PREFIX", "CanonicalTable", "not_read", "to_canonical", "values_not_read"]

RAW_PREFIX = "_raw_"
_IBIS_TYPES = {
    "text": "string",
    "integer": "int64",
    "number": "float64",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}


_LIKE_A_COLUMN = 0.8


@dataclass(frozen=True, slots=True)
class CanonicalTable:
    """A table with every column of its schema (missing where not mapped) and what was found on the way."""

    schema: Table
    table: ir.Table
    mapped: frozenset[str]
    problems: tuple[Problem, ...]


def to_canonical(raw: RawTable, schema: Table, spec: TableSpec) -> CanonicalTable:
    """Map and type the columns of one table; a mapping that cannot be built becomes a problem, not an exception."""
    sources, problems = _sources(raw, schema, spec)
    problems.extend(_headers_not_used(raw, schema, spec, sources))
    selected: dict[str, Any] = {ROW: raw.table[ROW]}
    for column in schema.columns:
        if column.name not in sources:
            selected[column.name] = ibis.null(_IBIS_TYPES[column.type])
            continue
        source = sources[column.name]
        typed = source if raw.is_clean and _is_ready(source, column) else _typed(source, column, spec.reading)
        selected[column.name] = typed
        if _can_lose(source, column):
            lost = source.notnull() & typed.isnull()
            if source.type().is_string():
                lost = lost & (source.strip() != "")
            selected[RAW_PREFIX + column.name] = lost.ifelse(source.cast("string"), ibis.null("string"))
    selected.update({name: source for name, source in sources.items() if name not in schema.by_name})
    return CanonicalTable(schema, raw.table.select(**selected), frozenset(sources), tuple(problems))


def _is_ready(source: Any, column: Column) -> bool:
    """Whether a clean column of a file is as the schema has it."""
    kind = source.type()
    fits = (column.type == "text" and kind.is_string()) or (column.type == "number" and kind.is_float64())
    return fits and isinstance(source.op(), Field)


def _sources(raw: RawTable, schema: Table, spec: TableSpec) -> tuple[dict[str, ir.Value], list[Problem]]:
    by_folded = {name.strip().casefold(): name for name in raw.columns}
    sources: dict[str, ir.Value] = {}
    problems = []
    for name, text in spec.columns.items():
        plain = by_folded.get(text.strip().casefold())
        try:
            sources[name] = raw.table[plain] if plain else _expression(text, name, raw, spec)
        except DatasetError as error:
            problems.append(_mapping_problem(spec, name, text, str(error)))
        near = (
            ""
            if name in schema.by_name
            else suggest(name, [c for c in schema.by_name if c not in spec.columns], cutoff=_LIKE_A_COLUMN)
        )
        if near:
            problems.append(_nearly_a_column(spec, name, near))
    for name in schema.by_name:
        if name not in spec.columns and name.casefold() in by_folded:
            sources[name] = raw.table[by_folded[name.casefold()]]
    return sources, problems


def _expression(text: str, name: str, raw: RawTable, spec: TableSpec) -> ir.Value:
    try:
        return build(text, raw.table, where=f"[tables.{spec.name}] columns.{name}", reading=spec.reading)
    except DatasetError as error:
        if columns_of(text) == (text.strip(),):
            raise DatasetError(f"{error} For a constant text write \"'{text}'\".") from None
        raise


def _mapping_problem(spec: TableSpec, name: str, text: str, rule: str) -> Problem:
    return Problem(
        severity="error", table=spec.name, column=name, value=text, rule=rule.rstrip("."),
        remedy=f"correct [tables.{spec.name}.columns] {name}",
    )  # fmt: skip


def _nearly_a_column(spec: TableSpec, name: str, near: str) -> Problem:
    return Problem(
        severity="warning", table=spec.name, column=name, value=name,
        rule=f"is not a column of table {spec.name}, and is kept as the dataset's own.{near}".rstrip("?") + "?",
        remedy=f"correct the name in [tables.{spec.name}.columns], or leave it for the dataset's own KPIs and rules",
    )  # fmt: skip


def _headers_not_used(raw: RawTable, schema: Table, spec: TableSpec, sources: Mapping[str, Any]) -> Iterator[Problem]:
    """Point at headers that look like a column of the schema but are not used: most often a misspelling."""
    used = {name for text in spec.columns.values() for name in _headers_in(text)} | {
        name.casefold() for name in sources
    }
    missing = [name for name in schema.by_name if name not in sources and name not in spec.columns]
    for header in raw.columns:
        near = "" if header.strip().casefold() in used else suggest(header.strip(), missing, cutoff=_LIKE_A_COLUMN)
        if near:
            yield Problem(
                severity="warning", table=spec.name, column=header, value=header, rule=f"header is not used.{near}",
                remedy=f"rename the header, or map it in [tables.{spec.name}.columns]",
            )  # fmt: skip


def _headers_in(text: str) -> set[str]:
    try:
        return {text.strip().casefold(), *map(str.casefold, columns_of(text))}
    except DatasetError:  # reported where the mapping is built
        return {text.strip().casefold()}


def values_not_read(raw: RawTable, spec: TableSpec) -> list[Problem]:
    """Report text that an expression of the mapping takes for a number, time or truth value, and that is none.

    ``to_canonical`` cannot see it: the expression gives a missing value and its column keeps no text.
    """
    problems: list[Problem] = []
    for name, reads in _taken(raw, spec):
        lost = not_read(raw.table, name, reads, spec.reading)
        count = int(lost.count().to_pyarrow().as_py())
        examples = lost.order_by(ROW).select(ROW, name).limit(MAX_EXAMPLES if count else 0).to_pyarrow().to_pylist()
        problems.extend(
            Problem(
                severity="error", table=spec.name, row=found[ROW], column=name, value=found[name], count=count,
                rule=f"is not a {reads}, and an expression takes it for one",
                remedy=f'correct the value, or name its mark of missing: [tables.{spec.name}] null = ["..."]',
            )
            for found in examples
        )  # fmt: skip
    return problems


def not_read(table: ir.Table, name: str, reads: Reads, reading: TextReading) -> ir.Table:
    """Return the rows whose text in one column is not what it is taken for."""
    read = {"number": reading.number, "time": reading.moment, "truth value": reading.truth}[reads]
    text = table[name]
    return table.filter(text.notnull() & (text.strip() != "") & read(text).isnull())


def _taken(raw: RawTable, spec: TableSpec) -> dict[tuple[str, Reads], None]:
    """List the text columns that expressions of the mapping take for something else, each once."""
    headers = {name.strip().casefold() for name in raw.columns}
    taken: dict[tuple[str, Reads], None] = {}
    for text in spec.columns.values():
        if text.strip().casefold() in headers:
            continue
        with suppress(DatasetError):  # reported where the mapping is built
            taken.update(dict.fromkeys(reads_of(text, raw.table, reading=spec.reading)))
    return taken


def _can_lose(source: Any, column: Column) -> bool:
    """Whether typing can make a value missing, so that its text must be kept for the report."""
    kind = source.type()
    if column.type == "text" or kind.is_null():
        return False
    if column.type == "boolean":
        return not kind.is_boolean()
    if column.type in ("date", "timestamp"):
        return not kind.is_temporal()
    return not (kind.is_integer() or (column.type == "number" and kind.is_numeric()))


def _typed(source: Any, column: Column, reading: TextReading) -> Any:
    kind = source.type()
    if kind.is_null():
        return ibis.null(_IBIS_TYPES[column.type])
    if column.type == "text":
        return source.cast("string").strip().nullif("")
    if column.type in ("integer", "number"):
        return _numeric(source, column, reading)
    if column.type == "boolean":
        return source if kind.is_boolean() else reading.truth(source.cast("string"))
    moment = _moment(source, reading)
    return moment.date() if column.type == "date" else moment


def _numeric(source: Any, column: Column, reading: TextReading) -> Any:
    kind = source.type()
    if kind.is_integer() and column.type == "integer":
        return source.try_cast("int64")
    number = reading.number(source) if kind.is_string() else source.cast("float64")
    number = (number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number)
    if column.type == "number":
        return number
    return (number == number.round()).ifelse(number.try_cast("int64"), ibis.null("int64"))


def _moment(source: Any, reading: TextReading) -> Any:
    kind = source.type()
    if kind.is_string():
        return reading.moment(source)
    if kind.is_timestamp() and kind.timezone:
        return wall_clock(source, reading.timezone)
    if kind.is_timestamp() or kind.is_date():
        return source.cast("timestamp")
    return reading.whole(source) if kind.is_integer() else ibis.null("timestamp")
