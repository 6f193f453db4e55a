"""Row expressions: the small part of SQL that datasets and KPIs are written in.

Analysts know SQL, engines disagree about it. An expression is parsed once by sqlglot and built as an Ibis expression,
so the same text runs on DuckDB, PostgreSQL or Spark, cannot read files or run statements, and a misspelt column is
found before anything runs.

Text files give text. What an expression does with a column says what the column holds: arithmetic reads numbers, AND
and OR truth values, SECONDS_BETWEEN and SECONDS_AFTER times, a comparison whatever stands on the other side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache, reduce
from operator import or_
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import sqlglot
from ibis.common.annotations import ValidationError
from ibis.common.exceptions import IbisError
from sqlglot import expressions as sg

from bpo_analysis.data.texts import TextReading
from bpo_analysis.errors import DatasetError, suggest

__all__ = ["Reads", "build", "build_condition", "columns_of", "holds", "reads_of"]

Reads = Literal["number", "time", "truth value"]
"""What an expression takes a text column for."""

_CASTS = {
    "int": "int64", "bigint": "int64", "double": "float64", "float": "float64", "decimal": "float64",
    "text": "string", "varchar": "string", "date": "date", "timestamp": "timestamp", "boolean": "boolean",
}  # fmt: skip

_Node = sg.Expr
_Operator = dict[type[_Node], Callable[[Any, Any], Any]]

_ARITHMETIC: _Operator = {
    sg.Add: lambda a, b: a + b,
    sg.Sub: lambda a, b: a - b,
    sg.Mul: lambda a, b: a * b,
    # What is divided by nothing is missing: some engines fail at it, others call it infinite.
    sg.Div: lambda a, b: a.cast("float64") / b.nullif(0),
    sg.Mod: lambda a, b: a % b.nullif(0),
}
_COMPARISON: _Operator = {
    sg.EQ: lambda a, b: a == b,
    sg.NEQ: lambda a, b: a != b,
    sg.GT: lambda a, b: a > b,
    sg.GTE: lambda a, b: a >= b,
    sg.LT: lambda a, b: a < b,
    sg.LTE: lambda a, b: a <= b,
    sg.Nullif: lambda a, b: a.nullif(b),
}
_LOGICAL: _Operator = {
    sg.And: lambda a, b: a & b,
    sg.Or: lambda a, b: a | b,
}
_ON_NUMBERS: dict[type[_Node], Callable[[Any], Any]] = {
    sg.Abs: lambda a: a.abs(),
    sg.Floor: lambda a: a.floor(),
    sg.Ceil: lambda a: a.ceil(),
    sg.Neg: lambda a: -a,
}
_ON_TEXT: dict[type[_Node], Callable[[Any], Any]] = {
    sg.Lower: lambda a: a.lower(),
    sg.Upper: lambda a: a.upper(),
    sg.Trim: lambda a: a.strip(),
    sg.Length: lambda a: a.length(),
}
_ON_TIMES: dict[type[_Node], Callable[[Any], Any]] = {
    sg.Year: lambda a: a.year(),
    sg.Month: lambda a: a.month(),
    sg.Day: lambda a: a.day(),
    sg.Hour: lambda a: a.hour(),
}


@lru_cache(maxsize=4096)
def _parse(text: str) -> _Node:
    try:
        return sqlglot.parse_one(text, read="duckdb")
    except sqlglot.errors.ParseError as error:
        reason = error.errors[0]["description"] if error.errors else str(error)
    except sqlglot.errors.SqlglotError:
        reason = "a quote or bracket is not closed"
    raise DatasetError(
        f"The expression {text!r} cannot be read: {reason.rstrip('.')}. "
        'Names of columns with spaces go in double quotes ("Wait Time" * 60), texts in single quotes.'
    )


def columns_of(text: str, *, needed: bool = False) -> tuple[str, ...]:
    """Return the names of the columns an expression uses, in order of appearance.

    Parameters
    ----------
    text : str
    needed : bool, default False
        Leave out columns that COALESCE can do without.

    Examples
    --------
    >>> columns_of('offered - "calls answered"')
    ('offered', 'calls answered')
    >>> columns_of("talk_s + COALESCE(hold_s, 0)", needed=True)
    ('talk_s',)
    """
    columns = _parse(text).find_all(sg.Column, bfs=False)
    return tuple(dict.fromkeys(c.name for c in columns if not (needed and c.find_ancestor(sg.Coalesce))))


def holds(condition: ir.Value) -> ir.BooleanValue:
    """Return whether a condition holds; where it cannot be told because a value is missing, it does not."""
    return condition.fill_null(False)  # noqa: FBT003


def build(text: str, table: ir.Table, *, where: str, reading: TextReading | None = None) -> ir.Value:
    """Build the Ibis expression for ``text`` over the columns of ``table``.

    Parameters
    ----------
    text : str
        A scalar SQL expression over columns of one row.
    table : ibis Table
        Supplies the columns.
    where : str
        Where the text stands, for error messages.
    reading : TextReading, optional
        How text columns are read where the expression calculates with them; ISO dates and decimal points by default.

    Raises
    ------
    DatasetError
        If the text is not an expression, uses a column that is not there, a function outside the row language, or a
        column of a type that does not fit.
    """
    return _Builder(table, text, where, reading).build()


def build_condition(text: str, table: ir.Table, *, where: str, reading: TextReading | None = None) -> ir.BooleanValue:
    """Build an expression that must be true or false; see :func:`build`."""
    builder = _Builder(table, text, where, reading)
    condition = builder.build(truth=True)
    if not condition.type().is_boolean():
        raise DatasetError(f"{where}: {text!r} is not a condition. Write one, such as offered = 0 AND answered = 0.")
    return condition


def reads_of(
    text: str, table: ir.Table, *, reading: TextReading, truth: bool = False, where: str = ""
) -> tuple[tuple[str, Reads], ...]:
    """Return the text columns an expression takes for something else, so that values that are not can be reported."""
    builder = _Builder(table, text, where, reading)
    builder.build(truth=truth)
    return tuple(dict.fromkeys(builder.reads))


class _Builder:
    """Walks the parsed expression; one ``_on_<node>`` method for each node that is not in a table above."""

    def __init__(self, table: ir.Table, text: str, where: str, reading: TextReading | None) -> None:
        self.table, self.text, self.where = table, text, where
        self.reading = reading or TextReading()
        self.reads: list[tuple[str, Reads]] = []

    def build(self, *, truth: bool = False) -> Any:
        node = _parse(self.text)
        self._require_columns(column.name for column in node.find_all(sg.Column))
        try:
            return self._truth(node) if truth else self._value(node)
        except (IbisError, ValidationError, TypeError, AttributeError):
            kinds = ", ".join(f"{c!r} is {_kind(self.table[c].type())}" for c in columns_of(self.text))
            raise DatasetError(
                f"{self.where}: {self.text!r} does not fit the types of what it uses{f' ({kinds})' if kinds else ''}."
            ) from None

    def _require_columns(self, used: Iterable[str]) -> None:
        available = tuple(name for name in self.table.columns if not name.startswith("_"))
        for name in used:
            if name not in available:
                raise DatasetError(
                    f"{self.where}: {self.text!r} uses column {name!r}, which is not there.{suggest(name, available)} "
                    f"Available: {', '.join(map(repr, available))}."
                )

    def _value(self, node: _Node) -> Any:
        kind = type(node)
        if kind in _ARITHMETIC:
            return _ARITHMETIC[kind](self._number(node.this), self._number(node.expression))
        if kind in _COMPARISON:
            return _COMPARISON[kind](*self._alike(node.this, node.expression))
        if kind in _LOGICAL:
            return _LOGICAL[kind](self._truth(node.this), self._truth(node.expression))
        if kind in _ON_NUMBERS:
            return _ON_NUMBERS[kind](self._number(node.this))
        if kind in _ON_TEXT:
            return _ON_TEXT[kind](self._value(node.this).cast("string"))
        if kind in _ON_TIMES:
            return _ON_TIMES[kind](self._time(node.this))
        method = getattr(self, f"_on_{kind.__name__.lower()}", None)
        return self._refuse(node) if method is None else method(node)

    def _refuse(self, node: _Node) -> Any:
        raise DatasetError(
            f"{self.where}: {self.text!r} uses {node.sql(dialect='duckdb')!r}, which row expressions do not have. "
            "They have columns, numbers, 'text', + - * / %, comparisons, AND OR NOT, IN, BETWEEN, LIKE, IS NULL, "
            "CASE, CAST, COALESCE, NULLIF, GREATEST, LEAST, ABS, ROUND, FLOOR, CEIL, LOWER, UPPER, TRIM, LENGTH, ||, "
            "YEAR, MONTH, DAY, HOUR, SECONDS_BETWEEN(a, b), SECONDS_AFTER(time, seconds)."
        )

    def _taken_for(self, node: _Node, reads: Reads) -> None:
        self.reads.extend((column.name, reads) for column in node.find_all(sg.Column))

    def _number(self, node: _Node) -> Any:
        value = self._value(node)
        if not value.type().is_string():
            return value
        self._taken_for(node, "number")
        return self.reading.number(value)

    def _time(self, node: _Node) -> Any:
        if isinstance(node, sg.Literal) and node.is_string:
            return self._time_literal(node.this)
        value = self._value(node)
        if not value.type().is_string():
            return value
        self._taken_for(node, "time")
        return self.reading.moment(value)

    def _time_literal(self, text: str) -> Any:
        try:
            return ibis.literal(datetime.fromisoformat(text))
        except ValueError:
            raise DatasetError(
                f"{self.where}: {self.text!r} compares a date with {text!r}. Write dates as '2026-03-31'."
            ) from None

    def _truth(self, node: _Node) -> Any:
        value = self._value(node)
        if value.type().is_numeric():  # NOT 2 is -3 to an engine
            raise DatasetError(
                f"{self.where}: {self.text!r} uses a number as a condition. Write it as {node.sql()} = 1."
            )
        if not value.type().is_string():
            return value
        self._taken_for(node, "truth value")
        return self.reading.truth(value)

    def _alike(self, *nodes: _Node) -> list[Any]:
        """Build values that stand beside each other: where one is a number, text beside it is read as a number."""
        values = [self._value(node) for node in nodes]
        kinds = [value.type() for value in values]
        for is_kind, read in (
            ("is_numeric", self._number), ("is_temporal", self._time), ("is_boolean", self._truth),
        ):  # fmt: skip
            if any(getattr(kind, is_kind)() for kind in kinds):
                return [
                    read(node) if kind.is_string() else value
                    for node, value, kind in zip(nodes, values, kinds, strict=True)
                ]
        return values

    def _on_column(self, node: sg.Column) -> Any:
        return self.table[node.name]

    def _on_paren(self, node: sg.Paren) -> Any:
        return self._value(node.this)

    def _on_not(self, node: sg.Not) -> Any:
        return ~self._truth(node.this)

    def _on_like(self, node: sg.Like) -> Any:
        return self._value(node.this).like(self._value(node.expression))

    def _on_literal(self, node: sg.Literal) -> Any:
        if node.is_string:
            return ibis.literal(node.this)
        return ibis.literal(int(node.this) if node.this.isdigit() else float(node.this))

    def _on_boolean(self, node: sg.Boolean) -> Any:
        return ibis.literal(bool(node.this))

    def _on_null(self, _: sg.Null) -> Any:
        return ibis.null()

    def _on_is(self, node: sg.Is) -> Any:
        if isinstance(node.expression, sg.Null):
            return self._value(node.this).isnull()
        return self._truth(node.this).identical_to(self._value(node.expression))

    def _on_in(self, node: sg.In) -> Any:
        if not node.expressions:
            return self._refuse(node)
        value, *others = self._alike(node.this, *node.expressions)
        return value.isin(others)

    def _on_between(self, node: sg.Between) -> Any:
        value, low, high = self._alike(node.this, node.args["low"], node.args["high"])
        return value.between(low, high)

    def _on_case(self, node: sg.Case) -> Any:
        branches, default = node.args["ifs"], node.args.get("default")
        if node.this is None:
            conditions = [self._truth(branch.this) for branch in branches]
        else:  # CASE channel WHEN 'voice' THEN ...
            conditions = [a == b for a, b in (self._alike(node.this, branch.this) for branch in branches)]
        values = self._alike(*(branch.args["true"] for branch in branches), *([] if default is None else [default]))
        return ibis.cases(
            *zip(conditions, values[: len(branches)], strict=True), else_=None if default is None else values[-1]
        )

    def _on_cast(self, node: sg.Cast) -> Any:
        name = node.to.sql(dialect="duckdb").lower().split("(")[0]
        if name not in _CASTS:
            raise DatasetError(f"{self.where}: {self.text!r} casts to {name!r}; use one of: {', '.join(_CASTS)}.")
        target = _CASTS[name]
        if target == "string":
            return self._value(node.this).cast("string")
        read = {"boolean": self._truth, "date": self._time, "timestamp": self._time}.get(target, self._number)
        return read(node.this).try_cast(target)

    def _on_coalesce(self, node: sg.Coalesce) -> Any:
        return ibis.coalesce(*self._alike(node.this, *node.expressions))

    def _on_trycast(self, node: sg.TryCast) -> Any:
        known = len(self.reads)
        value = self._on_cast(node)
        del self.reads[known:]  # TRY_CAST says that what does not fit is to be missing
        return value

    def _on_greatest(self, node: sg.Greatest) -> Any:
        return self._extreme(ibis.greatest, node)

    def _on_least(self, node: sg.Least) -> Any:
        return self._extreme(ibis.least, node)

    def _extreme(self, function: Callable[..., Any], node: sg.Greatest | sg.Least) -> Any:
        """Take the greatest or least; engines disagree about missing values, here the result is then missing."""
        values = self._alike(node.this, *node.expressions)
        missing = reduce(or_, (value.isnull() for value in values))
        extreme = function(*values)
        return missing.ifelse(ibis.null(extreme.type()), extreme)

    def _on_round(self, node: sg.Round) -> Any:
        digits = node.args.get("decimals")
        return self._number(node.this).round(0 if digits is None else int(digits.this))

    def _on_dpipe(self, node: sg.DPipe) -> Any:
        return self._value(node.this).cast("string") + self._value(node.expression).cast("string")

    def _on_anonymous(self, node: sg.Anonymous) -> Any:
        if node.name.lower() == "seconds_between" and len(node.expressions) == 2:
            start, end = (self._time(argument) for argument in node.expressions)
            return end.epoch_seconds() - start.epoch_seconds()
        if node.name.lower() == "seconds_after" and len(node.expressions) == 2:
            start, seconds = self._time(node.expressions[0]), self._number(node.expressions[1])
            return start + seconds.round().cast("int64").as_interval("s")
        return self._refuse(node)


def _kind(type_: Any) -> str:
    if type_.is_string():
        return "text"
    if type_.is_boolean():
        return "true or false"
    if type_.is_temporal():
        return "a time"
    return "a number" if type_.is_numeric() else str(type_)
