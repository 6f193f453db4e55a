"""A dataset folder to fill in: every table with its header and an example row, a data dictionary, a dataset.toml.

The example rows tell one small story: two partners, one month. They agree with each other, so that the folder passes
every check as it is and a report can be made of it before the first real row is there.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bpo_analysis.data.blank_rows import EXAMPLES
from bpo_analysis.data.config import FILE_NAME
from bpo_analysis.data.schema import TABLES, Column, Table
from bpo_analysis.errors import DatasetError, UnknownNameError

__all__ = ["DICTIONARY", "new_dataset"]

DICTIONARY = "DATA-DICTIONARY.md"
_NEEDED = ("partners", "targets", "volume")
_UNITS = (
    ("_s", "seconds"), ("_days", "days"), ("_hours", "hours"), ("_minutes", "minutes"), ("_share", "share, 0 to 1"),
    ("_probability", "share, 0 to 1"), ("_on", "day"), ("_at", "date and time"),
)  # fmt: skip
_TYPES = {
    "text": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "date": "date",
    "timestamp": "date and time",
}  # fmt: skip
_TOML = """\
# What this dataset is called, how its KPIs are counted, and where its tables are.
# bpo check says what is wrong with it, all at once; docs/datasets.md explains every key.
[dataset]
name = "{name}"
title = "{title}"
client = "Your company"
timezone = "Europe/London"      # times in the files are wall-clock times of this zone
currency = "EUR"

# How families of KPIs are counted; "bpo kpis" lists the variants.
[kpis.service_level]
variant = "offered"             # answered in time, of contacts offered
alternative = "answered_only"   # printed beside it
threshold_s = 20                # or one for each channel: {{ voice = 20, chat = 60 }}

[kpis.abandonment_rate]
variant = "offered"

[kpis.fcr]
variant = "flag"                # set by the agent; "repeat" counts customers who come back
window_days = 7

# The four rows of the first screen, at most eight KPIs.
[report.headline]
quality = ["qa_score", "fcr"]
satisfaction = ["csat"]
turnaround = ["service_level"]
cost = ["cost_per_contact"]

# A file that is not named after its table, or whose headers are others: one section for each table.
# [tables.volume]
# file = "exports/*.csv"
# date_format = "%d/%m/%Y %H:%M"
# null = ["n/a"]
#
# [tables.volume.columns]       # column of the schema = header, or a row expression
# interval_start = "Interval Start"
# offered = "Offer"
# # Partners hide in queue names, teams or mail domains: say how to tell them.
# partner_id = "CASE WHEN \\"Queue\\" LIKE 'ACME%' THEN 'acme' WHEN \\"Queue\\" LIKE 'BOLT%' THEN 'bolt' END"

# What has to be repaired is repaired by a named rule, counted in every report.
# [[tables.volume.rules]]
# name = "restated by a later extract"
# action = "keep_last"          # drop, set, set_missing, keep_last
# by = ["partner_id", "queue", "interval_start"]
# order = "extracted_on"
# why = "The latest extract counts."
"""


def new_dataset(folder: Path, *, tables: Iterable[str] = (), examples: bool = True) -> Path:
    """Make a dataset folder with every table's header, a data dictionary and a commented ``dataset.toml``.

    Parameters
    ----------
    folder : Path
        Does not exist yet, or is empty.
    tables : iterable of str
        Only these tables, and those that every dataset needs; all by default.
    examples : bool, default True
        Whether every table has an example row; with headers only, the check tells what is missing.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DatasetError
        If the folder holds anything, is a file, or cannot be written.
    UnknownNameError
        If there is no such table.
    """
    wanted = list(dict.fromkeys(tables))
    for name in wanted:
        if name not in TABLES:
            raise UnknownNameError("table", name, TABLES)
    chosen = [table for name, table in TABLES.items() if not wanted or name in wanted or name in _NEEDED]
    folder = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder} is a file. Give the name of a folder that does not exist yet, or is empty.")
    if folder.is_dir() and any(folder.iterdir()):
        first = min(path.name for path in folder.iterdir())
        raise DatasetError(
            f"{folder} is not empty (it holds {first!r}, for one). Give a folder that does not exist yet, or is empty."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Everything is written beside the folder and moved into place at once: nothing half-written is ever seen.
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            made = Path(scratch) / folder.name
            made.mkdir()
            _write(made, folder.name, chosen, examples=examples)
            if folder.is_dir():
                folder.rmdir()
            os.replace(made, folder)
    except OSError as error:
        raise DatasetError(f"{folder} cannot be written ({error.strerror or error}).") from None
    return folder


def _write(folder: Path, name: str, tables: Sequence[Table], *, examples: bool) -> None:
    for table in tables:
        rows = EXAMPLES.get(table.name, ()) if examples else ()
        (folder / f"{table.name}.csv").write_text(_csv(table, rows), encoding="utf-8", newline="")
    title = name.replace("_", " ").replace("-", " ").strip().capitalize() or "Dataset"
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in (("name", name), ("title", title))}
    (folder / FILE_NAME).write_text(_TOML.format(**quoted), encoding="utf-8")
    (folder / DICTIONARY).write_text(_dictionary(tables, examples=examples), encoding="utf-8")


def _csv(table: Table, rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in table.columns], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _dictionary(tables: Sequence[Table], *, examples: bool) -> str:
    parts = [
        "# Data dictionary\n",
        "Every table is a CSV file of its name. Dates are written 2026-03-14, times 2026-03-14T09:30:00, shares 0.95, "
        "decimals with a point; an empty cell is a missing value, never a zero. Tables that you do not have may stay "
        "empty, or be deleted: what needs them is then left out of the reports, with the reason.\n",
        f"Needed: {', '.join(_NEEDED)} (interactions may stand in for volume).\n",
    ]
    if examples:
        parts.append("The rows in the files are examples that agree with each other. Replace them by your own.\n")
    parts += [_table_text(table) for table in tables]
    return "\n".join(parts)


def _table_text(table: Table) -> str:
    head = f"## {table.name}\n\n{table.about} One row for each {', '.join(table.key)}.\n\n"
    lines = ["| column | type | unit | required | values | meaning |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {column.name} | {_TYPES[column.type]} | {_unit(column)} | {'yes' if column.required else ''} | "
        f"{_values(column)} | {column.about.replace('|', '/')} |"
        for column in table.columns
    ]
    if table.open:
        lines.append("| any further | number | | | | a measure of your own, for a [[kpi]] in dataset.toml |")
    rules = "".join(f"\nNo row may have: {rule.name}." for rule in table.rules if rule.severity == "error")
    return head + "\n".join(lines) + "\n" + rules + ("\n" if rules else "")


def _unit(column: Column) -> str:
    if column.type in ("date", "timestamp", "text", "boolean"):
        return ""
    return next((unit for ending, unit in _UNITS if column.name.endswith(ending)), "")


def _values(column: Column) -> str:
    if column.choices:
        return ", ".join(column.choices)
    if column.lower is not None and column.upper is not None:
        return f"{column.lower:g} to {column.upper:g}"
    return f"from {column.lower:g}" if column.lower is not None else ""
