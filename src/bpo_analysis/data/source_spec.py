"""What ``[source]`` of ``dataset.toml`` says: tables that are no files, but on a PostgreSQL server or in Spark.

An address may hold a password, and ``dataset.toml`` is kept in git: the file names an environment variable, never an
address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from bpo_analysis.errors import DatasetError, UnknownNameError, suggest

__all__ = ["RELATION_KEYS", "Engine", "Relation", "SourceSpec", "read_relation", "read_source"]

Engine = Literal["postgres", "spark"]
RELATION_KEYS = ("table", "path", "updated")
_KEYS = ("engine", "url_env", "schema", "master", "options", "tables", "version")
_OF_FILES = ("file", "rows", "encoding", "delimiter", "null", "decimal", "date_format", "times")
_SECRETS = re.compile(r"pass|pwd|secret|token|credential|access.?key|^url$|^user(name)?$|^host$", re.IGNORECASE)
_NAME = re.compile(r"[^\s.]+(\.[^\s.]+){0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Where one table is in its source.

    Attributes
    ----------
    name : str
        ``table``, ``schema.table`` or ``catalog.schema.table``.
    path : str
        Parquet files in place of a name (Spark); relative to the dataset folder where it is no address.
    updated : str
        Column with the time of the last change of a row, by which a change of the table is seen.
    """

    name: str = ""
    path: str = ""
    updated: str = ""

    def __str__(self) -> str:
        return self.name or self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """The source of a dataset.

    Attributes
    ----------
    engine : {"postgres", "spark"}
    url_env : str
        Environment variable that holds the address.
    schema : str
        Schema of tables that are named without one.
    master : str
        Spark master, where no address is given.
    options : mapping of str to str
        Settings of the Spark session.
    tables : tuple of str
        Tables that stand in the source under their own name.
    version : str
        State of the data, declared; while it is the same, nothing is read again.
    """

    engine: Engine
    url_env: str = "BPO_DATABASE_URL"
    schema: str = ""
    master: str = "local[*]"
    options: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    version: str = ""


def read_source(section: Mapping[str, Any], where: str, known: Mapping[str, Any]) -> SourceSpec | None:
    """Read ``[source]``; without the section every table is a file.

    Parameters
    ----------
    section : mapping
    where : str
        Where it stands, for error messages.
    known : mapping
        Tables of the data model, by name.

    Raises
    ------
    DatasetError
        If a key is not known or does not fit, or what should be secret stands in the file.
    """
    if not section:
        return None
    for key in [*section, *section.get("options", {})]:
        if key not in _KEYS and _SECRETS.search(key):
            raise DatasetError(
                f"{where} has {key!r}. Addresses and passwords do not belong in a file that is kept in git: put the "
                'whole address into an environment variable, and its name here: url_env = "BPO_DATABASE_URL".'
            )
    unknown = [key for key in section if key not in _KEYS]
    if unknown:
        listed = " ".join(f"It has no key {key!r}.{suggest(key, _KEYS)}" for key in unknown)
        raise DatasetError(f"{where}: {listed} It takes: {', '.join(_KEYS)}.")
    engine: Any = section.get("engine")
    if engine not in get_args(Engine):
        raise DatasetError(f"{where} engine must be one of 'postgres', 'spark'; got {engine!r}.")
    for key, of in (("master", "spark"), ("options", "spark"), ("schema", "postgres")):
        if key in section and engine != of:
            hint = ' Write the schema into the name: table = "schema.table".' if key == "schema" else ""
            raise DatasetError(f"{where} {key} is for engine = {of!r}, and this one is {engine!r}.{hint}")
    options = section.get("options", {})
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        raise DatasetError(f'{where} options must be a table of texts, such as {{ "spark.executor.memory" = "4g" }}.')
    given = {key: _text(section, key, where) for key in ("url_env", "schema", "master", "version") if key in section}
    if "://" in given.get("url_env", ""):
        raise DatasetError(
            f"{where} url_env must be the name of an environment variable, not the address itself: addresses do not "
            "belong in a file that is kept in git."
        )
    return SourceSpec(engine=engine, options=options, tables=_tables(section, where, known), **given)


def _tables(section: Mapping[str, Any], where: str, known: Mapping[str, Any]) -> tuple[str, ...]:
    tables = section.get("tables", [])
    if not isinstance(tables, list) or not all(isinstance(name, str) for name in tables):
        raise DatasetError(f'{where} tables must be a list of names, such as ["volume", "surveys"]; got {tables!r}.')
    for name in tables:
        if name not in known:
            raise UnknownNameError(f"table in {where} tables", name, known)
    return tuple(tables)


def read_relation(name: str, section: Mapping[str, Any], source: SourceSpec | None, where: str) -> Relation | None:
    """Read where a table is in the source; None where it is a file or stands in ``dataset.toml``.

    Raises
    ------
    DatasetError
        If there is no source, or keys do not go together.
    """
    given = {key: _text(section, key, where) for key in RELATION_KEYS if key in section}
    listed = source is not None and name in source.tables
    if not listed and "table" not in given and "path" not in given:
        if given:
            raise DatasetError(f"{where} updated is for a table of [source]. Give table as well.")
        return None
    if source is None:
        raise DatasetError(
            f"{where} {'table' if 'table' in given else 'path'} names a table of a source, and there is no section "
            '[source]. Add one with engine = "postgres" or "spark", or write file.'
        )
    for key in _OF_FILES:
        if key in section:
            raise DatasetError(
                f"{where} {key} is for files, and this table is in {source.engine}, where columns have types. Take one "
                "of them out; what has to be read otherwise is cast in a view there, or in a row expression."
            )
    if "path" in given and (source.engine != "spark" or "table" in given):
        raise DatasetError(f"{where} path is for Parquet files that Spark reads, in place of table.")
    relation = given.get("table", "" if "path" in given else name)
    if relation and not _NAME.fullmatch(relation):
        raise DatasetError(f'{where} table must be a name such as "calls" or "reporting.calls", got {relation!r}.')
    return Relation(name=relation, path=given.get("path", ""), updated=given.get("updated", ""))


def _text(section: Mapping[str, Any], key: str, where: str) -> str:
    value = section[key]
    if not isinstance(value, str) or not value.strip():
        raise DatasetError(f"{where} {key} must be text, got {value!r}.")
    return value
