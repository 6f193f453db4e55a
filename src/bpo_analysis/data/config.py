"""Read ``dataset.toml``: what the dataset is called, where its tables are, and how they are to be read.

Every key is checked; a misspelt key is an error with a suggestion, never silently a default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bpo_analysis.data.growth_gate import GrowthGate, read_growth_gate
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.source_spec import RELATION_KEYS, Relation, SourceSpec, read_relation, read_source
from bpo_analysis.data.texts import TextReading, Times
from bpo_analysis.data.toml import not_toml
from bpo_analysis.errors import DatasetError, UnknownNameError, suggest
from bpo_analysis.kpis import GROUPS, Better, Grain, Group, Kpi, Pooling, Sampling, Timing, Unit

__all__ = ["FILE_NAME", "Action", "DatasetConfig", "RuleSpec", "TableSpec", "read_config", "read_rules", "table_files"]

FILE_NAME = "dataset.toml"
FILE_TYPES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet")
Action = Literal["drop", "set", "set_missing", "keep_last"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """A named repair of one table: what it does, to which rows, and why."""

    name: str
    action: Action
    where: str = ""
    why: str = ""
    column: str = ""
    columns: tuple[str, ...] = ()
    value: str = ""
    by: tuple[str, ...] = ()
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """Where one table is and how its file is written."""

    name: str
    relation: Relation | None = None
    files: tuple[Path, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[RuleSpec, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    null: tuple[str, ...] = ("",)
    reading: TextReading = field(default_factory=TextReading)
    distinct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetConfig:
    """Everything ``dataset.toml`` says."""

    path: Path
    name: str
    title: str
    client: str = ""
    timezone: str = "UTC"
    currency: str = ""
    attribution: str = ""
    week_start: str = "monday"
    families: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    own_kpis: tuple[Kpi, ...] = ()
    headline: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    growth_gate: GrowthGate | None = None
    concentration_ceiling: float = 0.9
    source: SourceSpec | None = None
    tables: Mapping[str, TableSpec] = field(default_factory=dict)

    @property
    def relations(self) -> dict[str, Relation]:
        """Tables that are in the source, and where."""
        return {name: spec.relation for name, spec in self.tables.items() if spec.relation}


def read_config(folder: Path) -> DatasetConfig:
    """Read and check ``dataset.toml`` of a dataset folder.

    Raises
    ------
    DatasetError
        If the folder or file is missing, is not TOML, or has a key the toolkit does not know.
    """
    file = folder / FILE_NAME
    document = _read_toml(file)
    _only(document, ("dataset", "source", "kpis", "kpi", "report", "tables"), f"{file}")
    head = _section(document, "dataset", file)
    _only(head, ("name", "title", "client", "timezone", "currency", "attribution", "week_start"), f"{file} [dataset]")
    for key, value in head.items():
        if not isinstance(value, str):
            raise DatasetError(f"{file} [dataset] {key} must be text, got {value!r}.")
    name, timezone = head.get("name", folder.name), _timezone(head.get("timezone", "UTC"), file)
    report = _section(document, "report", file)
    source = read_source(_section(document, "source", file), f"{file} [source]", TABLES)
    return DatasetConfig(
        path=folder,
        name=name,
        title=head.get("title", name),
        client=head.get("client", ""),
        timezone=timezone,
        currency=head.get("currency", ""),
        attribution=head.get("attribution", ""),
        week_start=_one_of(
            head.get("week_start", "monday"), ("monday", "sunday", "saturday"), f"{file} [dataset] week_start"
        ),
        families=_section(document, "kpis", file),
        own_kpis=tuple(_own_kpi(block, file) for block in _list(document, "kpi", file)),
        headline=_headline(report, file),
        growth_gate=read_growth_gate(_section(report, "growth_gate", file), f"{file} [report.growth_gate]"),
        concentration_ceiling=_ceiling(report, file),
        source=source,
        tables=_tables(_section(document, "tables", file), folder, file, timezone, source),
    )


def table_files(folder: Path) -> list[Path]:
    """Return the files of a folder that could be tables, by name."""
    return sorted(file for file in folder.iterdir() if file.name.lower().endswith(FILE_TYPES))


def _read_toml(file: Path) -> dict[str, Any]:
    if not file.parent.is_dir():
        raise DatasetError(f"There is no dataset folder at {file.parent}. Give the folder that holds {FILE_NAME}.")
    if not file.is_file():
        raise DatasetError(f"{file.parent} has no {FILE_NAME}. A dataset is a folder with tables and a {FILE_NAME}.")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DatasetError(f"{file} is not UTF-8. Save it as UTF-8.") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DatasetError(f"{file} {not_toml(text, error)}") from None


def _only(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    unknown = [key for key in given if key not in known]
    if unknown:
        listed = " ".join(f"It has no key {key!r}.{suggest(key, known)}" for key in unknown)
        raise DatasetError(f"{where}: {listed} It takes: {', '.join(known)}.")


def _section(document: Mapping[str, Any], key: str, file: Path) -> dict[str, Any]:
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise DatasetError(f"{file}: {key} must be a section [{key}], got {value!r}.")
    return value


def _list(document: Mapping[str, Any], key: str, where: Path | str) -> list[dict[str, Any]]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise DatasetError(f"{where}: {key} must be written as [[...{key}]] blocks or a list of inline tables.")
    return value


def _one_of(value: Any, known: tuple[str, ...], where: str) -> Any:
    if value not in known:
        raise DatasetError(
            f"{where} must be one of {', '.join(repr(k) for k in known)}; got {value!r}.{suggest(str(value), known)}"
        )
    return value


def _timezone(name: str, file: Path) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise DatasetError(
            f"{file} [dataset] timezone {name!r} is not a time zone. Write an IANA name such as 'Europe/London'."
        ) from None
    return name


_KPI_WORDS = {
    "unit": Unit,
    "better": Better,
    "group": Group,
    "timing": Timing,
    "grain": Grain,
    "pooling": Pooling,
    "sampling": Sampling,
}
_KPI_TYPES: dict[str, Any] = {"lower": (int, float), "upper": (int, float), "scale": (int, float)}
_TYPE_WORDS: dict[Any, str] = {str: "text", bool: "true or false", (int, float): "a number"}


def _own_kpi(block: dict[str, Any], file: Path) -> Kpi:
    known = tuple(f.name for f in fields(Kpi) if f.name != "variant")
    where = f"{file} [[kpi]] {block.get('name', '')!r}"
    _only(block, known, where)
    for key in ("name", "label", "unit", "better", "group", "source", "numerator", "definition"):
        if key not in block:
            raise DatasetError(f"{where} lacks {key!r}.")
    for key, allowed in _KPI_WORDS.items():
        if key in block:
            _one_of(block[key], get_args(allowed), f"{where} {key}")
    for key, value in block.items():
        wanted = _KPI_TYPES.get(key, str)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise DatasetError(f"{where} {key} must be {_TYPE_WORDS[wanted]}, got {value!r}.")
    return Kpi(**{"timing": "lagging", **block})


def _headline(report: dict[str, Any], file: Path) -> dict[str, tuple[str, ...]]:
    _only(report, ("headline", "growth_gate", "concentration_ceiling"), f"{file} [report]")
    rows = _section(report, "headline", file)
    _only(rows, GROUPS, f"{file} [report.headline]")
    return {group: _texts(rows, group, f"{file} [report.headline]") for group in rows}


def _ceiling(report: dict[str, Any], file: Path) -> float:
    """Read the share of a slice from which it counts as too much in one hand."""
    value = report.get("concentration_ceiling", 0.9)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise DatasetError(f"{file} [report] concentration_ceiling must be a share such as 0.9, got {value!r}.")
    return float(value)


def _tables(
    sections: dict[str, Any], folder: Path, file: Path, timezone: str, source: SourceSpec | None
) -> dict[str, TableSpec]:
    for name in sections:
        if name not in TABLES:
            raise UnknownNameError(f"table in {file}", name, TABLES)
    specs = {}
    for name in [*sections, *(name for name in TABLES if name not in sections)]:
        given = _section(sections, name, file)
        if given or _default_files(name, folder) or (source and name in source.tables):
            specs[name] = _table(name, given, folder, file, timezone, source)
    return specs


_TABLE_KEYS = (
    "file", "rows", "columns", "rules", "encoding", "delimiter", "null", "decimal", "date_format", "times", "distinct",
    *RELATION_KEYS,
)  # fmt: skip


def _table(
    name: str, section: dict[str, Any], folder: Path, file: Path, timezone: str, source: SourceSpec | None
) -> TableSpec:
    where = f"{file} [tables.{name}]"
    _only(section, _TABLE_KEYS, where)
    columns = _section(section, "columns", file)
    rows = _list(section, "rows", where)
    if "file" in section and rows:
        raise DatasetError(f'{where} has both file = "..." and [[tables.{name}.rows]] blocks. Keep one of them.')
    if not isinstance(section.get("distinct", False), bool):
        raise DatasetError(f"{where} distinct must be true or false, got {section['distinct']!r}.")
    relation = read_relation(name, section, source, where)
    return TableSpec(
        name=name,
        relation=relation,
        files=() if rows or relation else _files(section, name, folder, where),
        rows=tuple(rows),
        columns={key: _expression(columns, key, f"{where} columns") for key in columns},
        rules=read_rules(section, where),
        encoding=_text(section, "encoding", where),
        delimiter=_text(section, "delimiter", where, longest=1),
        null=("", *_texts(section, "null", where)),
        reading=TextReading(
            decimal=_one_of(section.get("decimal", ""), ("", ".", ","), f"{where} decimal"),
            date_format=_text(section, "date_format", where),
            times=_one_of(section.get("times", ""), get_args(Times), f"{where} times"),
            timezone=timezone,
        ),
        distinct=section.get("distinct", False),
    )


def _text(section: Mapping[str, Any], key: str, where: str, *, longest: int | None = None) -> str:
    value = section.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or not value or (longest and len(value) > longest):
        hint = ' A constant is written as an expression: "60", "\'voice\'".' if where.endswith("columns") else ""
        raise DatasetError(f"{where} {key} must be {'one character' if longest else 'text'}, got {value!r}.{hint}")
    return value


def _expression(columns: Mapping[str, Any], key: str, where: str) -> str:
    """Read a column name or row expression; a number written as a number is a constant."""
    value = columns[key]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return _text(columns, key, where)


def _texts(section: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Read one text or a list of them."""
    value = section.get(key, [])
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DatasetError(f"{where} {key} must be a text or a list of texts, got {value!r}.")
    return tuple(texts)


def _files(section: Mapping[str, Any], name: str, folder: Path, where: str) -> tuple[Path, ...]:
    if "file" not in section:
        found = _default_files(name, folder)
        if not found:
            raise DatasetError(f'{where} needs file = "...", a file {name}.csv, or [[tables.{name}.rows]] blocks.')
        if len(found) > 1:
            raise DatasetError(
                f"{folder} has {' and '.join(f.name for f in found)}. Keep one, or name it in [tables.{name}]."
            )
        return tuple(found)
    files = [file for pattern in _texts(section, "file", where) for file in _matches(pattern, folder, where)]
    for file in files:
        if not file.name.lower().endswith(FILE_TYPES):
            raise DatasetError(f"{where}: {file.name} is not a CSV or Parquet file ({', '.join(FILE_TYPES)}).")
    return tuple(files)


def _default_files(name: str, folder: Path) -> list[Path]:
    return [folder / f"{name}{suffix}" for suffix in FILE_TYPES if (folder / f"{name}{suffix}").is_file()]


def _matches(pattern: str, folder: Path, where: str) -> list[Path]:
    if any(mark in pattern for mark in "*?["):
        found = sorted(folder.glob(pattern))
    elif (folder / pattern).is_dir():
        found = sorted(f for f in (folder / pattern).rglob("*") if f.name.lower().endswith(FILE_TYPES) and f.is_file())
    else:
        found = [folder / pattern] if (folder / pattern).is_file() else []
    if not found:
        near = suggest(pattern, [f.name for f in folder.iterdir()])
        raise DatasetError(f"{where}: there is no file {pattern!r} in {folder}.{near}")
    return found


def read_rules(section: dict[str, Any], where: str) -> tuple[RuleSpec, ...]:
    """Read the named rules of a section, in the order they are written."""
    return tuple(_rule(block, where) for block in _list(section, "rules", where))


_RULE_NEEDS = {
    "drop": ("where",),
    "set": ("where", "column", "value"),
    "set_missing": ("where", "columns"),
    "keep_last": ("by", "order"),
}


def _rule(block: dict[str, Any], where: str) -> RuleSpec:
    where = f"{where} rule {block.get('name', '')!r}"
    _only(block, tuple(f.name for f in fields(RuleSpec)), where)
    action = _one_of(block.get("action"), get_args(Action), f"{where} action")
    for key in ("name", *_RULE_NEEDS[action]):
        if block.get(key) in (None, "", []):
            raise DatasetError(f"{where}: action {action!r} needs {key!r}.")
    lists = {key: _texts(block, key, where) for key in ("columns", "by")}
    # A value may be written as a number, value = 0: it is an expression all the same.
    given = block | ({"value": str(block["value"])} if "value" in block else {})
    texts = {key: _text(given, key, where) for key in ("name", "where", "why", "column", "value", "order")}
    return RuleSpec(action=action, columns=lists["columns"], by=lists["by"], **texts)
