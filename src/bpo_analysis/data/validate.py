"""Check the rows of every table against the schema and report everything at once. Nothing is repaired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial, reduce
from operator import add
from typing import Any

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.canonical import RAW_PREFIX, CanonicalTable
from bpo_analysis.data.config import TableSpec
from bpo_analysis.data.expressions import build, columns_of, holds
from bpo_analysis.data.files import ROW, RawTable
from bpo_analysis.data.problems import MAX_EXAMPLES, Problem, RowCount, Severity
from bpo_analysis.data.rules import Repaired
from bpo_analysis.data.schema import Column, Table
from bpo_analysis.data.texts import ends_with_zone
from bpo_analysis.errors import suggest

__all__ = ["Checked", "RowChecks", "check_table", "no_rows", "repeated_keys", "row_checks"]

FIRST_DATE, LAST_DATE = date(1990, 1, 1), date(2100, 1, 1)
MAX_HEADERS = 20
_EXPECTED = {
    "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "date": "a date", "timestamp": "a time",
}  # fmt: skip
_REPEATED_KEY = (
    "key is there more than once (first in row {first})",
    'remove the repeated rows, or keep the latest by a rule with action = "keep_last"',
)
_REPEATED = {
    "pilot_units": (
        "unit {unit!r} is listed {n} times in arm {arm!r} of pilot {pilot_id!r}, in rows {first} and {again} (lines "
        "{lines} of a CSV file)",
        "keep one of the rows; where the unit left and came back, give each spell a valid_from and valid_to of its own",
    )
}
"""The same in the words of a table, where people write it by hand."""


@dataclass(frozen=True, slots=True)
class _Check:
    column: str
    rule: str
    remedy: str | Callable[[str], str]
    broken: Any
    value: Any
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class RowChecks:
    """What is wrong with a table before its rows are looked at, and what is to be asked of each of them."""

    problems: tuple[Problem, ...]
    table: ir.Table
    name: str
    checks: tuple[_Check, ...]
    key: tuple[str, ...]

    def counts(self) -> ir.Table:
        """One row: ``rows``, and how many of them break each check."""
        broken = {f"c{i}": holds(check.broken).cast("int64").sum() for i, check in enumerate(self.checks)}
        return self.table.aggregate(rows=self.table.count(), **broken)

    def broken(self, counts: Mapping[str, Any]) -> list[Problem]:
        """Look up rows for those rules that are broken."""
        return _broken(self, counts)


@dataclass(frozen=True, slots=True)
class Checked:
    """How many rows a table has and which rules they break."""

    rows: int
    problems: tuple[Problem, ...]


def check_table(
    canonical: CanonicalTable, repaired: Repaired, raw: RawTable, spec: TableSpec, *, needed: bool = True
) -> Checked:
    """Check one table after its rules have been applied; without rows it is an error only where it is ``needed``.

    For each broken rule up to three rows are named, each with the number of rows that break it.
    """
    asked = row_checks(canonical, repaired, raw, spec)
    counts = asked.counts().to_pyarrow().to_pylist()[0]
    problems = [*asked.problems, *asked.broken(counts), *_duplicate_keys(canonical.schema, repaired)]
    if not counts["rows"]:
        problems.append(no_rows(canonical.schema, repaired.counts, needed=needed))
    return Checked(counts["rows"], tuple(problems))


def row_checks(canonical: CanonicalTable, repaired: Repaired, raw: RawTable, spec: TableSpec) -> RowChecks:
    """Return what is to be asked of every row, apart from whether its key is there again."""
    schema, table = canonical.schema, repaired.table
    problems = [*canonical.problems, *repaired.problems]
    named = {problem.column for problem in problems}
    known = repaired.mapped | named
    problems.extend(_missing_column(name, raw, spec) for name in schema.required_columns if name not in known)
    checks = [
        check
        for column in schema.columns
        if column.name in repaired.mapped
        for check in _column_checks(column, table, spec)
    ]
    checks.extend(_row_rules(schema, repaired))
    # Rows of a database have no number; their key names them.
    key = [name for name in schema.key if spec.relation and name in repaired.mapped]
    return RowChecks(tuple(problems), table, spec.name, tuple(checks), tuple(key))


def no_rows(schema: Table, counts: Iterable[RowCount], *, needed: bool) -> Problem:
    """Return the problem of a table without rows."""
    dropped = any(count.rows < 0 for count in counts)
    return Problem(
        severity="error" if needed else "warning", table=schema.name, column="",
        rule="table has no rows" + (" left after its rules" if dropped else ""),
        remedy="correct the rules in dataset.toml" if dropped else "export it again; until then it counts as absent",
    )  # fmt: skip


def _missing_column(name: str, raw: RawTable, spec: TableSpec) -> Problem:
    listed = ", ".join(map(repr, raw.columns[:MAX_HEADERS])) + (", ..." if len(raw.columns) > MAX_HEADERS else "")
    how = f'add the column, or map it: [tables.{spec.name}.columns] {name} = "your header"'
    return Problem(
        severity="error", table=spec.name, column=name, remedy=f"{how}. The headers are {listed}",
        rule=f"required column is missing.{suggest(name, raw.columns)}",
    )  # fmt: skip


def _column_checks(column: Column, table: ir.Table, spec: TableSpec) -> Iterator[_Check]:
    value, missing = table[column.name], table[column.name].isnull()
    if RAW_PREFIX + column.name in table.columns:
        raw = table[RAW_PREFIX + column.name]
        missing = missing & raw.isnull()
        remedy = partial(_type_remedy, column, table.filter(raw.notnull())[raw.get_name()], spec)
        yield _Check(column.name, f"is not {_EXPECTED[column.type]}", remedy, raw.notnull(), raw)
    if column.required:
        how = "fill it in, or drop such rows by a named rule"
        yield _Check(column.name, "required value is missing", how, missing, value)
    if column.lower is not None:
        rule = "is negative" if column.lower == 0 else f"is below {column.lower:g}"
        yield _Check(column.name, rule, "correct the export, or repair it by a named rule", value < column.lower, value)
    if column.upper is not None:
        how = "correct the export; shares are written as 0.95"
        yield _Check(column.name, f"is above {column.upper:g}", how, value > column.upper, value)
    if column.choices:
        allowed = ", ".join(repr(choice) for choice in column.choices)
        unknown = value.notnull() & ~value.isin(column.choices)
        yield _Check(column.name, f"is none of {allowed}", "map your values with a CASE expression", unknown, value)
    if column.type in ("date", "timestamp"):
        first, last = (ibis.literal(day).cast(value.type()) for day in (FIRST_DATE, LAST_DATE))
        rule = f"date is outside {FIRST_DATE:%Y-%m-%d} to {LAST_DATE:%Y-%m-%d}"
        outside = (value < first) | (value >= last)
        yield _Check(column.name, rule, "check the year and the date format", outside, value)


def _type_remedy(column: Column, unread: ir.StringColumn, spec: TableSpec, example: str) -> str:
    """Say what to write for values that do not fit a type, from the values themselves."""
    section = f"[tables.{spec.name}]"
    missing = f'correct it, or name a mark of missing: {section} null = ["..."]'
    if spec.relation:
        return f"correct it there, or make it {_EXPECTED[column.type]} in a view; days in text are read as 2026-03-31"
    if column.type == "boolean":
        return (
            "write true or false, yes or no, 1 or 0, or compare with your word: "
            f"[tables.{spec.name}.columns] {column.name} = \"header = 'ja'\""
        )
    if column.type in ("integer", "number"):
        if "," not in example:
            return missing
        return (
            f'write {section} decimal = "," where 1,5 is one and a half, decimal = "." where 1,500 is fifteen hundred'
        )
    if ends_with_zone(example):
        return f'write {section} times = "local" if the clock shows local time, times = "utc" to convert it'
    fitting, others = spec.reading.fitting_formats(unread, example)
    if not fitting:
        given = spec.reading.date_format
        return f"it does not fit date_format = {given!r} of {section}" if given else missing
    forms = " or ".join(f"date_format = {form!r}" for form in fitting)
    day_first = " (is the day first or the month? Nothing in the values decides it)" if len(fitting) > 1 else ""
    rest = f"; {others:,} of the values do not fit that either" if others else ""
    return f"write {section} {forms}{day_first}{rest}"


def _row_rules(schema: Table, repaired: Repaired) -> Iterator[_Check]:
    table = repaired.table
    for rule in schema.rules:
        columns = columns_of(rule.broken_when)
        if not rule.always and not repaired.mapped.issuperset(columns):
            continue
        shown = reduce(
            add,
            (f"{', ' if i else ''}{name} = " + _shown(table[name]) for i, name in enumerate(columns)),
            ibis.literal(""),
        )
        broken = build(rule.broken_when, table, where=f"schema {schema.name}")
        yield _Check(columns[0], rule.name, rule.remedy, broken, shown, rule.severity)


def _shown(value: Any) -> Any:
    return value.cast("string").fill_null("missing")


def _broken(asked: RowChecks, counts: Mapping[str, Any]) -> list[Problem]:
    table, key = asked.table, asked.key
    problems: list[Problem] = []
    for i, check in enumerate(asked.checks):
        if not counts[f"c{i}"]:
            continue
        rows = table.filter(holds(check.broken)).order_by(ROW, *key)
        named = {f"key_{column}": table[column].cast("string") for column in key if column != check.column}
        rows = rows.select(row=ROW, value=check.value.cast("string"), **named)
        examples = rows.limit(MAX_EXAMPLES).to_pyarrow().to_pylist()
        remedy = check.remedy if isinstance(check.remedy, str) else check.remedy(examples[0]["value"])
        problems.extend(
            Problem(
                severity=check.severity, table=asked.name, row=found["row"], column=check.column,
                value=_with_key(found), rule=check.rule, count=counts[f"c{i}"], remedy=remedy,
            )
            for found in examples
        )  # fmt: skip
    return problems


def _with_key(found: Mapping[str, Any]) -> str:
    key = {column[4:]: value for column, value in found.items() if column.startswith("key_")}
    named = ", ".join(f"{column} = {'missing' if value is None else value}" for column, value in key.items())
    return f"{found['value'] or ''} ({named})".lstrip() if named else found["value"] or ""


def _repeated(schema: Table, found: Mapping[str, Any]) -> tuple[str, str]:
    """Say that a key is there more than once, and what to do."""
    rule, remedy = _REPEATED_KEY
    if found["first"] is None:  # rows without numbers
        return rule.split(" (")[0], remedy
    if schema.name in _REPEATED and all(name in found for name in schema.required_columns):
        rule, remedy = _REPEATED[schema.name]
    # Row 1 is line 2 of a CSV file.
    lines = f"{found['first'] + 1} and {found['again'] + 1}"
    return rule.format(**{**found, "lines": lines}), remedy


def _duplicate_keys(schema: Table, repaired: Repaired) -> list[Problem]:
    key = [name for name in schema.key if name in repaired.mapped]
    if not key:
        return []
    # A key that could not be read is reported as such, not as a duplicate of all others that could not.
    whole = repaired.table.drop_null([name for name in key if schema.by_name[name].required])
    groups = whole.group_by(key).aggregate(n=ibis._.count(), first=ibis._[ROW].min(), again=ibis._[ROW].max())
    repeated = groups.filter(groups.n > 1).mutate(extra=(ibis._.n - 1).sum().over())
    return repeated_keys(schema, key, repeated.order_by("first", *key).limit(MAX_EXAMPLES).to_pyarrow().to_pylist())


def repeated_keys(schema: Table, key: Sequence[str], found: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """Return the problems of keys that are there more than once.

    Parameters
    ----------
    schema : Table
    key : sequence of str
        Columns of the key.
    found : iterable of mapping
        The key, ``first`` and ``again``, two rows that have it, and ``extra``, how many rows are too many in all.
    """
    return [
        Problem(
            severity="error", table=schema.name, row=one["again"], column=", ".join(key), count=int(one["extra"]),
            value=", ".join(f"{name} = {one[name]}" for name in key), rule=rule, remedy=remedy,
        )
        for one in found
        for rule, remedy in [_repeated(schema, one)]
    ]  # fmt: skip
