"""Expressions over a view as expressions over the table it is made of.

Two views that only compute columns (``volume`` counted from contacts, ``interactions`` with its dates) are one table
seen twice: written over that table, their sums are added up in one pass, equal ones once, and a column that can never
be missing is known to be so.
"""

from __future__ import annotations

from typing import Any

import ibis.expr.operations as ops

__all__ = ["never_missing", "root_of", "rooted"]


def root_of(relation: Any) -> Any:
    """Return the operation of the table that a view computes its columns from, row by row."""
    while isinstance(relation, ops.Project) and not any(_looks_around(value) for value in relation.values.values()):
        relation = relation.parent
    return relation


def rooted(value: Any) -> Any:
    """Return the operation of a column written over the root of its table."""
    while found := {field: field.rel.values[field.name] for field in _fields(value) if _is_computed(field)}:
        value = value.replace(found)
    return value


def never_missing(value: Any) -> bool:
    """Whether a column has a value in every row, as far as its operation (:func:`rooted`) tells."""
    match value:
        case ops.Literal():
            return value.value is not None
        case ops.Cast():
            return not value.arg.dtype.is_string() and never_missing(value.arg)
        case ops.Not():
            return never_missing(value.arg)
        case ops.Coalesce():
            return any(map(never_missing, value.arg))
        case ops.IfElse():
            return never_missing(value.true_expr) and never_missing(value.false_null_expr)
    return False


def _fields(value: Any) -> list[Any]:
    return [value] if isinstance(value, ops.Field) else list(value.find(ops.Field, filter=ops.Value))


def _is_computed(field: Any) -> bool:
    return root_of(field.rel) is not field.rel


def _looks_around(value: Any) -> bool:
    return bool(value.find((ops.WindowFunction, ops.Analytic), filter=ops.Value))
