"""What is wrong with a dataset, and what became of every row."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

import pandas as pd

__all__ = ["CheckResult", "Problem", "RowCount"]

Severity = Literal["error", "warning"]
MAX_EXAMPLES = 3
"""Rows shown for each broken rule; the count says how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One rule broken in one row (or, without a row, by a table or the dataset).

    ``row`` counts the rows of the file from 1, the header not included; ``count`` is how many rows break the rule.
    """

    severity: Severity
    table: str
    column: str
    rule: str
    remedy: str
    row: int | None = None
    value: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount:
    """One line of the row accounting: how many rows a step read, dropped, changed or left."""

    table: str
    step: str
    rows: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """All problems of a dataset at once, and its row accounting."""

    found: tuple[Problem, ...]
    counts: tuple[RowCount, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether no problem is an error."""
        return not any(problem.severity == "error" for problem in self.found)

    @property
    def problems(self) -> pd.DataFrame:
        """One row per problem: severity, table, row, column, value, rule, count, remedy."""
        columns = ["severity", "table", "row", "column", "value", "rule", "count", "remedy"]
        frame = pd.DataFrame([asdict(problem) for problem in self.found], columns=columns)
        frame["row"] = frame["row"].astype("Int64")
        return frame

    @property
    def accounting(self) -> pd.DataFrame:
        """One row per table and step: table, step, rows, why."""
        return pd.DataFrame([asdict(count) for count in self.counts], columns=["table", "step", "rows", "why"])

    def rows_used(self, table: str) -> int:
        """Return the number of rows of ``table`` that enter the figures (0 if the table is absent)."""
        return sum(count.rows for count in self.counts if count.table == table and count.step == "used")
