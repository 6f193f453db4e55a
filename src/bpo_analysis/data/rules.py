"""Named repairs: what ``[[tables.x.rules]]`` of a dataset does to its rows, with a count for every rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from bpo_analysis.data.canonical import RAW_PREFIX, CanonicalTable, not_read
from bpo_analysis.data.config import Action, RuleSpec, TableSpec
from bpo_analysis.data.expressions import build, build_condition, holds, reads_of
from bpo_analysis.data.files import ROW
from bpo_analysis.data.problems import Problem, RowCount
from bpo_analysis.errors import DatasetError, suggest

__all__ = ["Repaired", "apply_rules"]


_VERBS: dict[Action, tuple[str, int]] = {
    "drop": ("dropped", -1), "keep_last": ("dropped all but the last", -1),
    "set": ("changed", 1), "set_missing": ("changed", 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Repaired:
    """A table after its rules: what is left, which columns have values, what each rule did, which rules failed."""

    table: ir.Table
    mapped: frozenset[str]
    counts: tuple[RowCount, ...]
    problems: tuple[Problem, ...]


def apply_rules(canonical: CanonicalTable, spec: TableSpec) -> Repaired:
    """Apply the rules of one table in the order they are written.

    Counts are negative for rows dropped and positive for rows changed. A rule that cannot be applied becomes a problem.
    """
    table, mapped = canonical.table, set(canonical.mapped)
    counts, problems = [], []
    if spec.distinct:
        table, repeated = _first_of_each(table, sorted(canonical.mapped))
        counts.append(RowCount(table=spec.name, step="dropped: the same row again (distinct)", rows=-repeated))
    for rule in spec.rules:
        step = {"drop": _drop, "set": _set, "set_missing": _set_missing, "keep_last": _keep_last}[rule.action]
        try:
            table, changed = step(table, rule, spec)
        except DatasetError as error:
            problems.append(_failed(spec, rule, str(error)))
            continue
        mapped.update([rule.column] if rule.action == "set" else [])
        verb, sign = _VERBS[rule.action]
        counts.append(RowCount(table=spec.name, step=f"{verb}: {rule.name}", rows=sign * changed, why=rule.why))
    return Repaired(table, frozenset(mapped), tuple(counts), tuple(problems))


def _failed(spec: TableSpec, rule: RuleSpec, why: str) -> Problem:
    return Problem(
        severity="error", table=spec.name, column="", value=rule.name, rule=why.rstrip("."),
        remedy=f"correct the rule; it sees the columns of table {spec.name} and those of [tables.{spec.name}.columns]",
    )  # fmt: skip


def _first_of_each(table: ir.Table, columns: list[str]) -> tuple[ir.Table, int]:
    """Keep one row of each combination: a table of partners is often part of a table of facts."""
    ranked = table.mutate(_rank=ibis.row_number().over(group_by=columns, order_by=ROW))
    return ranked.filter(ranked._rank == 0).drop("_rank"), _count(ranked.filter(ranked._rank > 0))


def _count(table: ir.Table) -> int:
    return int(table.count().to_pyarrow().as_py())


def _drop(table: ir.Table, rule: RuleSpec, spec: TableSpec) -> tuple[ir.Table, int]:
    condition = _condition(table, rule, spec)
    return table.filter(~condition), _count(table.filter(condition))


def _set(table: ir.Table, rule: RuleSpec, spec: TableSpec) -> tuple[ir.Table, int]:
    _require(table, (rule.column,), rule, spec)
    condition = _condition(table, rule, spec)
    old, value = table[rule.column], _expression(table, rule.value, "value", rule, spec)
    if not _fits(value.type(), old.type()):
        raise DatasetError(f"{_where(rule, spec)}: value = {rule.value!r} does not fit column {rule.column!r}.")
    new = condition.ifelse(value.try_cast(old.type()), old)
    changed = _count(table.filter(~new.identical_to(old)))
    return table.mutate(**{rule.column: new}, **_cleared(table, (rule.column,), condition)), changed


def _where(rule: RuleSpec, spec: TableSpec) -> str:
    return f"[tables.{spec.name}] rule {rule.name!r}"


def _condition(table: ir.Table, rule: RuleSpec, spec: TableSpec) -> ir.BooleanValue:
    where = f"{_where(rule, spec)} where"
    condition = build_condition(rule.where, table, where=where, reading=spec.reading)
    _require_readable(table, rule.where, where, spec, truth=True)
    return holds(condition)


def _expression(table: ir.Table, text: str, key: str, rule: RuleSpec, spec: TableSpec) -> ir.Value:
    where = f"{_where(rule, spec)} {key}"
    value = build(text, table, where=where, reading=spec.reading)
    _require_readable(table, text, where, spec)
    return value


def _require_readable(table: ir.Table, text: str, where: str, spec: TableSpec, *, truth: bool = False) -> None:
    """Refuse an expression that takes text for something else where not every row holds that."""
    for name, reads in reads_of(text, table, reading=spec.reading, truth=truth):
        lost = not_read(table, name, reads, spec.reading)
        count = _count(lost)
        if count:
            example = lost.order_by(ROW).limit(1).to_pyarrow()[name][0].as_py()
            raise DatasetError(
                f"{where}: {text!r} takes {name!r} for a {reads}; {count:,} rows hold none ({example!r})."
            )


def _fits(value: Any, column: Any) -> bool:
    if value.is_null() or column.is_string():
        return True
    return bool(
        (value.is_numeric() and column.is_numeric())
        or (value.is_temporal() and column.is_temporal())
        or (value.is_boolean() and column.is_boolean())
    )


def _set_missing(table: ir.Table, rule: RuleSpec, spec: TableSpec) -> tuple[ir.Table, int]:
    _require(table, rule.columns, rule, spec)
    condition = _condition(table, rule, spec)
    new = {name: condition.ifelse(ibis.null(table[name].type()), table[name]) for name in rule.columns}
    cleared = _cleared(table, rule.columns, condition)
    there = ibis.or_(*(table[name].notnull() for name in (*rule.columns, *cleared)))
    return table.mutate(**new, **cleared), _count(table.filter(condition & there))


def _cleared(table: ir.Table, columns: tuple[str, ...], condition: ir.BooleanValue) -> dict[str, Any]:
    """Forget the unreadable text of values that a rule replaced: they are repaired."""
    kept = [RAW_PREFIX + name for name in columns if RAW_PREFIX + name in table.columns]
    return {name: condition.ifelse(ibis.null("string"), table[name]) for name in kept}


def _keep_last(table: ir.Table, rule: RuleSpec, spec: TableSpec) -> tuple[ir.Table, int]:
    _require(table, rule.by, rule, spec)
    order = _expression(table, rule.order, "order", rule, spec)
    if order.type().is_string():
        raise DatasetError(
            f"{_where(rule, spec)}: order = {rule.order!r} is text, where '10' comes before '9'. "
            f"Write CAST({rule.order} AS int), or order by a number or a time."
        )
    # Rows of equal order are told apart by their place in the file, so that the result does not depend on the engine;
    # rows of a database have no place, there all of their values decide.
    others = [ibis.desc(name) for name in sorted(table.columns) if spec.relation and not name.startswith("_")]
    window = ibis.window(group_by=list(rule.by), order_by=[order.desc(), ibis.desc(ROW), *others])
    ranked = table.mutate(_rank=ibis.row_number().over(window))
    return ranked.filter(ranked._rank == 0).drop("_rank"), _count(ranked.filter(ranked._rank > 0))


def _require(table: ir.Table, names: tuple[str, ...], rule: RuleSpec, spec: TableSpec) -> None:
    visible = [name for name in table.columns if not name.startswith("_")]
    for name in names:
        if name not in visible:
            raise DatasetError(
                f"{_where(rule, spec)} names column {name!r}, which is not there.{suggest(name, visible)}"
            )
