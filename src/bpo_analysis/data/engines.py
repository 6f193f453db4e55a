"""One meaning of a row expression on every engine.

Ibis writes each operation in the words of an engine, and engines mean different things by the same words: PostgreSQL
divides whole numbers into whole numbers and fails on a zero, Spark cuts fractions off where others round, neither
knows what to do with text that is no number. Here such operations are written so that PostgreSQL and Spark answer as
DuckDB does; what differs by nature (the order of texts under a collation, the last digit of a sum) is left.
"""

from __future__ import annotations

from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.postgres import PostgresCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler

__all__ = ["POSTGRES", "SPARK", "once"]

_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?\s*$"
_LONGEST = 100
"""Characters of a number; an engine fails at one that is larger than a double."""
# Only days that the calendar has: an engine without TRY_CAST fails on the others.
_LEAP = r"(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
_SHORT = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])"
_LONG = r"\d{4}-((0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
_CLOCK = r"([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?)?"
_TIME = rf"^\s*({_SHORT}|{_LONG}|{_LEAP}){_CLOCK}\s*$"
_LARGEST = 9e18
"""Numbers beyond are no 64-bit integers."""


def _readable(text: Any, to: dt.DataType) -> Any:
    """Return the text where it can be cast, and nothing elsewhere; None for a type that any text can become."""
    if not (to.is_numeric() or to.is_temporal()):
        return None
    reads = sge.RegexpLike(this=text, expression=sge.convert(_NUMBER if to.is_numeric() else _TIME))
    short = sge.LTE(this=sge.Length(this=text), expression=sge.convert(_LONGEST))
    return sge.If(this=sge.And(this=short, expression=reads), true=text, false=sge.null())


def _case(condition: Any) -> Any:
    return sge.Case(ifs=[condition])


def once(table: ir.Table) -> ir.Table:
    """Have the columns of a table computed once for each row, however often they are used above.

    PostgreSQL puts the expression of a column into every place that uses it. Where a column is read from text, repaired
    and used by others, the same text is matched thousands of times. It leaves a query with OFFSET as it is.
    """
    return table.limit(None, offset=0)


class _Postgres(PostgresCompiler):  # type: ignore[misc]
    def visit_Cast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:
        if op.arg.dtype.is_boolean() and to.is_numeric():  # only int4 takes a truth value
            arg = self.cast(arg, dt.int32)
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_TryCast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:
        kind = op.arg.dtype
        if kind.is_string() and (readable := _readable(arg, to)) is not None:
            return self.cast(_case(readable), to)
        if to.is_integer() and (kind.is_floating() or kind.is_decimal()):
            fits = self.f.abs(arg) < sge.convert(_LARGEST)
            arg = _case(sge.If(this=fits, true=arg, false=sge.null()))
        return self.visit_Cast(op, arg=arg, to=to)

    def visit_Divide(self, op: Any, *, left: Any, right: Any) -> Any:
        return self.binop(sge.Div, self.cast(left, dt.float64), self.f.nullif(right, 0))

    def visit_Modulus(self, op: Any, *, left: Any, right: Any) -> Any:
        return super().visit_Modulus(op, left=left, right=self.f.nullif(right, 0))

    def visit_Round(self, op: Any, *, arg: Any, digits: Any) -> Any:
        if not op.dtype.is_integer() or not op.arg.dtype.is_floating():
            return super().visit_Round(op, arg=arg, digits=digits)
        # Halves go away from zero; for floats PostgreSQL takes the even neighbour.
        away = self.f.sign(arg) * self.f.floor(sge.paren(self.f.abs(arg) + sge.convert(0.5)))
        return self.cast(sge.paren(away), op.dtype)

    def visit_Limit(self, op: Any, *, parent: Any, n: Any, offset: Any) -> Any:
        if n is None and offset == 0:  # a fence: see once()
            return sge.select("*").from_(parent).offset(0)
        return super().visit_Limit(op, parent=parent, n=n, offset=offset)

    def visit_HexDigest(self, op: Any, *, arg: Any, how: str) -> Any:
        return self.f.md5(arg) if how == "md5" else self.visit_Undefined(op, arg=arg, how=how)


class _Spark(PySparkCompiler):  # type: ignore[misc]
    def visit_Cast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:
        return super().visit_Cast(op, arg=self._rounded(op, arg, to), to=to)

    def visit_TryCast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:
        if op.arg.dtype.is_string() and (readable := _readable(arg, to)) is not None:
            return super().visit_TryCast(op, arg=_case(readable), to=to)
        return super().visit_TryCast(op, arg=self._rounded(op, arg, to), to=to)

    def _rounded(self, op: Any, arg: Any, to: dt.DataType) -> Any:
        kind = op.arg.dtype
        return self.f.rint(arg) if to.is_integer() and (kind.is_floating() or kind.is_decimal()) else arg

    def visit_Divide(self, op: Any, *, left: Any, right: Any) -> Any:
        return self.binop(sge.Div, self.cast(left, dt.float64), self.f.nullif(right, 0))

    def visit_Modulus(self, op: Any, *, left: Any, right: Any) -> Any:
        return self.binop(sge.Mod, left, self.f.nullif(right, 0))

    def visit_ExtractEpochSeconds(self, op: Any, *, arg: Any) -> Any:
        # unix_timestamp leaves the fraction out.
        return sge.paren(self.f.unix_micros(self.cast(arg, dt.timestamp)) / sge.convert(1e6))


POSTGRES = _Postgres()
SPARK = _Spark()
