"""What became of every row of a file, and how the file was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from bpo_analysis.formats import plural

__all__ = ["FileAccount", "TableAccount", "log_row"]

_UNMATCHED_SHOWN = 5


@dataclass(slots=True, kw_only=True)
class TableAccount:
    """Rows of one file on their way into one table."""

    rows: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    unmatched: int = 0
    used: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    older: int = 0

    @property
    def unmatched_share(self) -> float:
        """Rows without a partner, of those that would have been used."""
        there = self.used + self.unmatched
        return self.unmatched / there if there else 0.0


@dataclass(slots=True, kw_only=True)
class FileAccount:
    """One imported file: what was assumed, found and dropped.

    Attributes
    ----------
    unmatched_values : mapping of str to mapping of str to int
        For each column that tells partners apart, the values of rows without a partner.
    """

    file: str
    profile: str
    form: str = ""
    read: int = 0
    above: int = 0
    below: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    found: dict[str, str] = field(default_factory=dict)
    not_found: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    free_text: tuple[str, ...] = ()
    dates: str = ""
    clock: str = ""
    exported: str = ""
    first: str = ""
    last: str = ""
    notes: list[str] = field(default_factory=list)
    tables: dict[str, TableAccount] = field(default_factory=dict)
    unmatched_values: dict[str, Mapping[str, int]] = field(default_factory=dict)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Give the account as pairs of what and how many (or how)."""
        yield "file", f"{self.file} ({self.form})"
        yield "rows read", f"{self.read:,}"
        for name, count in (("lines above the header", self.above), ("lines below the table", self.below)):
            if count:
                yield name, f"{count:,}"
        yield from _rules("dropped", self.dropped)
        if self.duplicates:
            yield "dropped: an earlier state of the same row", f"{self.duplicates:,}"
        yield "dates", self.dates
        yield "clock", self.clock
        yield "exported on", self.exported
        yield "time range", f"{self.first} to {self.last}" if self.first else "no times"
        yield "columns read", ", ".join(f"{name} = {header!r}" for name, header in self.found.items())
        for name, headers in (
            ("not in the export", self.not_found), ("headers ignored", self.ignored),
            ("never carried over", self.free_text),
        ):  # fmt: skip
            if headers:
                yield name, ", ".join(headers)
        for note in self.notes:
            yield "note", note
        for table, account in self.tables.items():
            yield from _table_lines(table, account)
        for column, values in self.unmatched_values.items():
            shown = [f"{value!r} ({count:,})" for value, count in list(values.items())[:_UNMATCHED_SHOWN]]
            more = len(values) - len(shown)
            yield f"without a partner, by {column}", ", ".join([*shown, *([f"and {more} more"] if more else [])])


def _rules(what: str, counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    yield from ((f"{what}: {rule}", f"{count:,}") for rule, count in counts.items() if count)


def _table_lines(table: str, account: TableAccount) -> Iterator[tuple[str, str]]:
    yield f"{table}: rows", f"{account.rows:,}"
    yield from _rules(f"{table}: dropped", account.dropped)
    yield from _rules(f"{table}: changed", account.changed)
    if account.duplicates:
        yield f"{table}: dropped: the same row again", f"{account.duplicates:,}"
    yield f"{table}: without a partner", f"{account.unmatched:,} ({account.unmatched_share:.1%})"
    yield (
        f"{table}: used",
        (
            f"{account.used:,} ({account.added:,} new, {account.updated:,} restated, {account.unchanged:,} as before"
            + (f", {account.older:,} older than what is there" if account.older else "")
            + ")"
        ),
    )


def log_row(account: FileAccount, imported_at: pd.Timestamp) -> dict[str, str]:
    """Return the row of ``imports.csv`` for one file."""
    dropped = dict(account.dropped)
    for table, part in account.tables.items():
        dropped |= {f"{table}: {rule}": count for rule, count in part.dropped.items()}
    repeated = account.duplicates + sum(part.duplicates for part in account.tables.values())
    return {
        "imported_at": f"{imported_at:%Y-%m-%d %H:%M:%S}",
        "file": account.file,
        "profile": account.profile,
        "form": account.form,
        "exported_on": account.exported,
        "dates": account.dates,
        "clock": account.clock,
        "rows_read": str(account.read),
        "dropped": "; ".join(f"{rule}: {count}" for rule, count in dropped.items() if count),
        "duplicates": str(repeated),
        "unmatched": "; ".join(f"{name}: {part.unmatched}" for name, part in account.tables.items()),
        "used": "; ".join(f"{name}: {part.used}" for name, part in account.tables.items()),
        "first": account.first,
        "last": account.last,
        "columns_not_found": ", ".join(account.not_found),
        "headers_ignored": ", ".join(account.ignored),
        "notes": "; ".join(account.notes),
    }


def advice(accounts: list[FileAccount], map_file: str) -> str:
    """Say how rows without a partner get one, or nothing where all have one."""
    columns: dict[str, Mapping[str, int]] = {}
    for account in accounts:
        for column, values in account.unmatched_values.items():
            columns.setdefault(column, values)
    lost = sum(max((part.unmatched for part in account.tables.values()), default=0) for account in accounts)
    if not lost:
        return ""
    column = next((name for name, values in columns.items() if any(values)), next(iter(columns), "Group"))
    value = next((value for value in columns.get(column, {}) if value), "its value")
    return (
        f"{plural(lost, 'row')} without a partner: kept in the folder unmatched, in no figure, and never counted as "
        f"in-house. Write a rule into {map_file} and import the same files again:\n\n"
        f'[[partners]]\npartner_id = "your-partner"\ncolumn = "{column}"\nequals = ["{value}"]\n'
    )
