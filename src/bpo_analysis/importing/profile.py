"""Profiles: what the export of one system looks like, and which columns of the data model it fills.

A profile is a TOML file. ``[columns]`` names the columns of the export, with the headers they are known to have;
``[tables.<name>]`` fills columns of the data model from them, in the words of ``dataset.toml``: a name or a row
expression, and named rules.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bpo_analysis.data.config import RuleSpec, read_rules
from bpo_analysis.data.schema import TABLES, Column, ColumnType
from bpo_analysis.errors import DatasetError, UnknownNameError, suggest

__all__ = [
    "GENERIC", "DateOrder", "Part", "Profile", "Reads", "SourceColumn", "TableImport", "Unit", "known_zone",
    "load_profile", "own_columns", "profile_names", "profile_text",
]  # fmt: skip

Reads = Literal["text", "time", "duration", "number", "flag", "customer", "agent"]
Unit = Literal["", "s", "ms", "min", "h", "hms", "hh:mm", "mm:ss"]
DateOrder = Literal["", "day-first", "month-first"]

GENERIC = "generic"
_FOLDER = "profiles"
_SUFFIX = ".toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceColumn:
    """One column of an export.

    Attributes
    ----------
    headers : tuple of str
        Headers it may have, the best first. ``{threshold_s}`` in one stands for a number of seconds.
    read : str
        text, time, duration, number, flag, customer (hashed) or agent (hashed on request).
    unit : str
        For durations: what a plain number counts. A value h:mm:ss is read in any unit.
    blank : float, optional
        What an empty cell of a column that is there means; without it, an empty cell is a missing value.
    values : mapping of str to str
        Words of the export and what they are called here; other words are kept.
    """

    name: str
    headers: tuple[str, ...]
    read: Reads = "text"
    unit: Unit = ""
    required: bool = False
    blank: float | None = None
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableImport:
    """How one table of the data model is filled: which rows (``where``), columns, and named rules."""

    name: str
    columns: Mapping[str, str]
    where: str = ""
    rules: tuple[RuleSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of an export that comes in several: how it is recognised, and on which column it is joined.

    Without ``on`` a file is known and not read, unless it is the first. If it is ``whole``, its rows without a
    counterpart are kept.
    """

    name: str
    headers: tuple[str, ...]
    on: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything a profile says.

    Attributes
    ----------
    timezone : str
        Zone of times without one; empty where only the user knows it.
    dates : str
        "day-first" or "month-first" where the system always writes dates so; empty where it depends on its settings.
    keep_last : tuple of str
        Column that identifies a row, and the one that says which of several rows is the latest.
    free_text : tuple of str
        Headers of free text and names, which are never carried over.
    partner_columns : tuple of str
        Columns that usually tell the partners apart.
    remarks : tuple of str
        What a reader of the figures must know of every such export.
    """

    name: str
    title: str
    about: str = ""
    timezone: str = ""
    dates: DateOrder = ""
    date_formats: tuple[str, ...] = ()
    decimal: str = ""
    missing: tuple[str, ...] = ()
    free_text: tuple[str, ...] = ()
    partner_columns: tuple[str, ...] = ()
    keep_last: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    columns: Mapping[str, SourceColumn] = field(default_factory=dict)
    tables: Mapping[str, TableImport] = field(default_factory=dict)
    rules: tuple[RuleSpec, ...] = ()
    parts: tuple[Part, ...] = ()


def profile_names() -> list[str]:
    """Return the names of the profiles that come with the package."""
    entries = files(__package__).joinpath(_FOLDER).iterdir()
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in entries if entry.name.endswith(_SUFFIX))


def profile_text(name: str) -> str:
    """Return the TOML of a profile of the package, or of a user's own file.

    Raises
    ------
    UnknownNameError
        If there is no such profile.
    DatasetError
        If a file cannot be read.
    """
    if name.endswith(_SUFFIX):
        try:
            return Path(name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise DatasetError(f"Profile {name} cannot be read ({reason}).") from None
    if name not in profile_names():
        raise UnknownNameError("profile", name, profile_names())
    return files(__package__).joinpath(_FOLDER, name + _SUFFIX).read_text(encoding="utf-8")


def load_profile(name: str) -> Profile:
    """Return a profile of the package by its name, or a user's own by the path of its TOML file.

    Raises
    ------
    UnknownNameError
        If there is no such profile.
    DatasetError
        If the file has a key, word or column that profiles do not have.

    Examples
    --------
    >>> load_profile("zendesk").columns["created"].headers
    ('Created at',)
    """
    try:
        document = tomllib.loads(profile_text(name))
    except tomllib.TOMLDecodeError as error:
        raise DatasetError(f"Profile {name} is not valid TOML: {error}.") from None
    return _Reader(document, f"profile {name}", Path(name).name.removesuffix(_SUFFIX)).profile()


def own_columns(profile: Profile, table: str) -> Profile:
    """Return the generic profile for one table: every column under its own name.

    Raises
    ------
    UnknownNameError
        If the data model has no such table.
    """
    if table not in TABLES:
        raise UnknownNameError("table", table, TABLES)
    schema = TABLES[table]
    columns = {column.name: _as_source(column, schema.key) for column in schema.columns}
    # The columns fill those of the same name; only what an import adds to is mapped.
    mapped: dict[str, str] = {name: name for name in ("partner_id", "extracted_on") if name in columns}
    return Profile(
        name=profile.name, title=profile.title, about=profile.about, missing=profile.missing, columns=columns,
        tables={table: TableImport(name=table, columns=mapped)},
    )  # fmt: skip


_READS_OF_TYPE: dict[ColumnType, Reads] = {
    "text": "text", "integer": "number", "number": "number", "boolean": "flag", "date": "time", "timestamp": "time",
}  # fmt: skip


def _as_source(column: Column, key: tuple[str, ...]) -> SourceColumn:
    read = _READS_OF_TYPE[column.type]
    seconds = column.type == "number" and column.name.endswith("_s")
    named: dict[str, Reads] = {"customer_key": "customer", "agent_id": "agent", "rater_id": "agent"}
    return SourceColumn(
        name=column.name, headers=(column.name,), read=named.get(column.name, "duration" if seconds else read),
        unit="s" if seconds else "", required=column.required and column.name in (*key, "interval_start"),
    )  # fmt: skip


def known_zone(name: str, where: str) -> str:
    """Return the name of a time zone, if it is one.

    Raises
    ------
    DatasetError
        If it is none.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DatasetError(
            f"{where} {name!r} is not a time zone. Write an IANA name such as 'Europe/Berlin', or 'UTC'."
        ) from None
    return name


_HEAD = (
    "name", "title", "about", "timezone", "dates", "date_formats", "decimal", "missing", "free_text", "partner_columns",
    "keep_last", "remarks",
)  # fmt: skip
_COLUMN = ("headers", "read", "unit", "required", "blank", "values")


class _Reader:
    """Reads one profile; every key is checked, and a misspelt one is an error with a suggestion."""

    def __init__(self, document: dict[str, Any], where: str, name: str) -> None:
        self.document, self.where, self.name = document, where[0].upper() + where[1:], name

    def profile(self) -> Profile:
        self._only(self.document, ("profile", "columns", "tables", "rules", "parts"), "")
        head = self._section(self.document, "profile", "")
        self._only(head, _HEAD, "[profile]")
        columns = {name: self._column(name, block) for name, block in self._blocks("columns").items()}
        profile = Profile(
            name=self.name,
            title=self._text(head, "title", "[profile]") or self.name,
            about=self._text(head, "about", "[profile]"),
            timezone=self._zone(head),
            dates=self._word(head, "dates", get_args(DateOrder), "[profile]"),
            date_formats=self._texts(head, "date_formats", "[profile]"),
            decimal=self._word(head, "decimal", ("", ".", ","), "[profile]"),
            missing=self._texts(head, "missing", "[profile]"),
            free_text=self._texts(head, "free_text", "[profile]"),
            partner_columns=self._texts(head, "partner_columns", "[profile]"),
            keep_last=self._texts(head, "keep_last", "[profile]"),
            remarks=self._texts(head, "remarks", "[profile]"),
            columns=columns,
            tables={name: self._table(name, block) for name, block in self._blocks("tables").items()},
            rules=read_rules(self.document, self.where),
            parts=tuple(self._part(block) for block in self.document.get("parts", [])),
        )
        self._names(profile.partner_columns, columns, "partner_columns")
        self._names(profile.keep_last, columns, "keep_last")
        if not profile.tables and profile.name != GENERIC:
            raise DatasetError(f"{self.where} fills no table. Write [tables.interactions.columns] or the like.")
        return profile

    def _column(self, name: str, block: dict[str, Any]) -> SourceColumn:
        where = f"[columns.{name}]"
        self._only(block, _COLUMN, where)
        headers = self._texts(block, "headers", where)
        if not headers:
            raise DatasetError(f"{self.where} {where} needs headers = [...].")
        read = self._word({"read": "text"} | block, "read", get_args(Reads), where)
        unit = self._word(block, "unit", get_args(Unit), where)
        if (read == "duration") != bool(unit):
            raise DatasetError(
                f"{self.where} {where}: a duration needs a unit ({', '.join(get_args(Unit)[1:])}), and nothing else "
                "has one."
            )
        blank = block.get("blank")
        if blank is not None and (not isinstance(blank, int | float) or isinstance(blank, bool)):
            raise DatasetError(f"{self.where} {where} blank must be a number, got {blank!r}.")
        if not isinstance(block.get("required", False), bool):
            raise DatasetError(f"{self.where} {where} required must be true or false, got {block['required']!r}.")
        values = {key.casefold(): str(value) for key, value in self._section(block, "values", where).items()}
        return SourceColumn(
            name=name, headers=headers, read=read, unit=unit, required=block.get("required", False),
            blank=blank, values=values,
        )  # fmt: skip

    def _table(self, name: str, block: dict[str, Any]) -> TableImport:
        if name not in TABLES:
            raise UnknownNameError(f"table in {self.where}", name, TABLES)
        where = f"[tables.{name}]"
        self._only(block, ("where", "columns", "rules"), where)
        columns = self._section(block, "columns", where)
        for key, value in columns.items():
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise DatasetError(f"{self.where} {where} columns.{key} must be text, got {value!r}.")
        return TableImport(
            name=name, where=self._text(block, "where", where), columns={key: str(v) for key, v in columns.items()},
            rules=read_rules(block, f"{self.where} {where}"),
        )  # fmt: skip

    def _part(self, block: Any) -> Part:
        if not isinstance(block, dict):
            raise DatasetError(f"{self.where}: parts must be written as [[parts]] blocks.")
        self._only(block, ("name", "headers", "on", "whole"), "[[parts]]")
        texts = {key: self._text(block, key, "[[parts]]") for key in ("name", "on")}
        return Part(headers=self._texts(block, "headers", "[[parts]]"), whole=block.get("whole") is True, **texts)

    def _zone(self, head: Mapping[str, Any]) -> str:
        name = self._text(head, "timezone", "[profile]")
        return known_zone(name, f"{self.where} timezone") if name else ""

    def _only(self, given: Mapping[str, Any], known: Sequence[str], where: str) -> None:
        for key in given:
            if key not in known:
                place = f"{self.where} {where}".rstrip()
                raise DatasetError(f"{place} has no key {key!r}.{suggest(key, known)} It takes: {', '.join(known)}.")

    def _names(self, given: Sequence[str], known: Mapping[str, Any], key: str) -> None:
        for name in given:
            if name not in known:
                raise DatasetError(
                    f"{self.where} {key} names {name!r}, which is not in [columns].{suggest(name, known)}"
                )

    def _section(self, given: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
        value = given.get(key, {})
        if not isinstance(value, dict):
            raise DatasetError(f"{self.where} {where} {key} must be a section, got {value!r}.".replace("  ", " "))
        return value

    def _blocks(self, key: str) -> dict[str, dict[str, Any]]:
        section = self._section(self.document, key, "")
        return {name: self._section(section, name, f"[{key}]") for name in section}

    def _text(self, given: Mapping[str, Any], key: str, where: str) -> str:
        value = given.get(key, "")
        if not isinstance(value, str):
            raise DatasetError(f"{self.where} {where} {key} must be text, got {value!r}.")
        return value

    def _texts(self, given: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        value = given.get(key, [])
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise DatasetError(f"{self.where} {where} {key} must be a text or a list of texts, got {value!r}.")
        return tuple(texts)

    def _word(self, given: Mapping[str, Any], key: str, known: Sequence[str], where: str) -> Any:
        value = given.get(key, "")
        if value not in known:
            raise DatasetError(
                f"{self.where} {where} {key} must be one of {', '.join(map(repr, known))}; got {value!r}."
                f"{suggest(str(value), known)}"
            )
        return value
