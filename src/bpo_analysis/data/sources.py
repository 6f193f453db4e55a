"""Tables on a PostgreSQL server or in Spark: connections, opened tables, and what a server says in plain words.

Everything that is heavy runs where the rows are. Only what is small comes back, by Arrow: sums, registers, extracts,
examples of rows that break a rule.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import multiprocessing
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.common.exceptions import IbisError, TableNotFound

from bpo_analysis.data.config import DatasetConfig
from bpo_analysis.data.files import ROW, RawTable
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.source_spec import Relation, SourceSpec
from bpo_analysis.errors import DatasetError, suggest

__all__ = ["STATE_VARIABLE", "Source", "fetched", "opened", "source_state"]

STATE_VARIABLE = "BPO_SOURCE_STATE"
"""Carries the state of a source from the process that asked for it to those that make its reports."""
_MOST_ROWS = 100_000
"""Rows of a register that are compared one by one to see a change."""
_CONNECT_TIMEOUT_S = 15
# Columns reach a query through expressions, of which the planner has no statistics: it takes every join for small, and
# compares each row with each. Compiling plans that it takes for large costs more than it gains.
_PLANNING = ("enable_nestloop", "jit")
_SECRET_PARTS = re.compile(r"(?<=\w):[^:@/]*(?=@)|(password|token)=[^\s;&]*")
_SAID = re.compile(r"^(ERROR|FATAL|\[[A-Z0-9_.]+\]):?\s*|\s*SQLSTATE: \w+$")


class Source(ABC):
    """An open connection to where tables are. Made by :func:`opened`.

    Attributes
    ----------
    errors : tuple of exception types
        What the engine raises.
    backend : ibis backend
    """

    errors: tuple[type[Exception], ...]
    backend: Any
    place: str

    def __init__(self, spec: SourceSpec, folder: Path, timezone: str) -> None:
        self.spec, self.folder, self.timezone = spec, folder, timezone
        self._tables: dict[str, ir.Table] = {}

    def raw(self, name: str, relation: Relation) -> RawTable:
        """Return one table as the mapping takes it. Rows of a database have no number."""
        table = self._tables[name]
        note = f"table {name}: read from {relation} in {self.place}; its rows have no number, their key names them"
        return RawTable(table.mutate(**{ROW: ibis.null("int64")}), tuple(table.columns), (note,))

    def open_all(self, relations: Mapping[str, Relation]) -> None:
        """Open every table and see that it may be read.

        Raises
        ------
        DatasetError
            Naming every table that cannot be.
        """
        wrong = []
        for name, relation in relations.items():
            try:
                self._tables[name] = self._opened(name, relation)
            except DatasetError as error:
                wrong.append(str(error))
        if wrong:
            raise DatasetError("\n".join(wrong))

    def _opened(self, name: str, relation: Relation) -> ir.Table:
        where = f"[tables.{name}]: {relation} in {self.place}"
        try:
            table = self._table(relation)
            table.limit(0).to_pyarrow()
        except TableNotFound:
            near = suggest(relation.name.split(".")[-1], self._names(relation))
            raise DatasetError(f"{where}: there is no such table.{near} {self._where_to_look(relation)}") from None
        except (*self.errors, IbisError) as error:
            raise DatasetError(f"{where} cannot be read: {self.in_words(error)}.{self._remedy(error)}") from None
        if relation.updated and relation.updated not in table.columns:
            near = suggest(relation.updated, table.columns)
            listed = ", ".join(map(repr, table.columns))
            raise DatasetError(f"{where} has no column {relation.updated!r} (updated).{near} It has: {listed}.")
        return table

    def computed_once(self, table: ir.Table) -> ir.Table:
        """Return a table whose columns are expressions so that they are not computed anew wherever they are used."""
        return table

    def in_words(self, error: Exception) -> str:
        """Return the first line of what the engine said."""
        lines = [line for line in str(error).strip().splitlines() if line.strip()]
        said = _SAID.sub("", lines[0].strip()).strip() if lines else type(error).__name__
        return said.rstrip(". ")

    def state(self, relations: Mapping[str, Relation]) -> dict[str, Any]:
        """Say of each table what changes when its rows do: how many there are and when the last was changed.

        Raises
        ------
        DatasetError
            If a table of facts has no column that says so.
        """
        updated = {str(r): r.updated for r in relations.values() if r.updated}
        silent = [n for n, r in relations.items() if TABLES[n].kind == "fact" and str(r) not in updated]
        if silent:
            raise DatasetError(
                f"Nothing says when the rows of {', '.join(silent)} change, and rows of facts are too many to be "
                'compared one by one. Write updated = "column with the time of the last change" into '
                f'{", ".join(f"[tables.{name}]" for name in silent)}, or version = "..." into [source] and change it '
                "with every load."
            )
        found: dict[str, Any] = {}
        for name, relation in relations.items():
            if str(relation) not in found:
                found[str(relation)] = self._state_of(name, self._tables[name], updated.get(str(relation), ""))
        return found

    def _state_of(self, name: str, table: ir.Table, updated: str) -> list[str]:
        if updated:
            row = table.aggregate(n=table.count(), last=table[updated].max().cast("string")).to_pyarrow().to_pylist()[0]
            return [str(row["n"]), str(row["last"])]
        texts = table.select(**{column: table[column].cast("string") for column in table.columns})
        rows = texts.limit(_MOST_ROWS + 1).to_pyarrow().to_pylist()
        if len(rows) > _MOST_ROWS:
            raise DatasetError(
                f"[tables.{name}] has more than {_MOST_ROWS:,} rows, too many to be compared one by one. Write "
                'updated = "column with the time of the last change", or [source] version = "...".'
            )
        lines = sorted(json.dumps(list(row.values())) for row in rows)
        return [hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()]

    @abstractmethod
    def _table(self, relation: Relation) -> ir.Table: ...

    @abstractmethod
    def _names(self, relation: Relation) -> list[str]: ...

    @abstractmethod
    def _where_to_look(self, relation: Relation) -> str: ...

    @abstractmethod
    def _remedy(self, error: Exception) -> str: ...

    @abstractmethod
    def uploaded(self, name: str, rows: pa.Table) -> ir.Table:
        """Put the rows of a file beside the others, for this connection only."""

    @abstractmethod
    def require_room(self, names: Sequence[str]) -> None:
        """See that tables that are files can be put beside the others.

        Raises
        ------
        DatasetError
            If a right is missing.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held only for this dataset."""


class _Postgres(Source):
    def __init__(self, spec: SourceSpec, folder: Path, timezone: str) -> None:
        super().__init__(spec, folder, timezone)
        try:
            import psycopg
        except ImportError:
            raise _not_installed("postgres", "psycopg") from None
        from bpo_analysis.data.engines import POSTGRES

        self.errors = (psycopg.Error,)
        address = os.environ.get(spec.url_env, "")
        if not address:
            raise DatasetError(
                f"The environment variable {spec.url_env} is not set. It holds the address of the server: export "
                f"{spec.url_env}=postgresql://user@host:5432/database (the password in it, or in ~/.pgpass)."
            )
        try:
            parts = psycopg.conninfo.conninfo_to_dict(address)
            parts.setdefault("connect_timeout", _CONNECT_TIMEOUT_S)
            parts.setdefault("application_name", "bpo_analysis")
            self.place = f"PostgreSQL database {parts.get('dbname') or parts.get('user') or 'of this user'!s}"
            connection = psycopg.connect(psycopg.conninfo.make_conninfo(**parts))
        except psycopg.ProgrammingError:  # its words repeat the address, password and all
            raise DatasetError(
                f"{spec.url_env} does not hold an address. Write it as postgresql://user@host:5432/database."
            ) from None
        except psycopg.Error as error:
            raise DatasetError(
                f"The server named by {spec.url_env} cannot be reached ({self.in_words(error)}). Check that it runs "
                "and lets this machine in, and the host, port, user and password of the address."
            ) from None
        # One transaction on one snapshot: rows that are loaded meanwhile cannot make tables disagree.
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        for setting in _PLANNING:
            connection.execute(f"SET {setting} = off")
        self._connection = connection
        self.backend = ibis.postgres.from_connection(connection)
        self.backend.compiler = POSTGRES

    def computed_once(self, table: ir.Table) -> ir.Table:
        """Fence the query off from those above."""
        from bpo_analysis.data.engines import once

        return once(table)

    def in_words(self, error: Exception) -> str:
        """Return the first line of what the server said at first: a query that fails makes its cursor fail too."""
        while isinstance(error.__context__, self.errors):
            error = error.__context__
        return super().in_words(error)

    def _table(self, relation: Relation) -> ir.Table:
        *schema, name = relation.name.split(".")
        return self.backend.table(name, database=".".join(schema) or self.spec.schema or None)

    def _names(self, relation: Relation) -> list[str]:
        *schema, _ = relation.name.split(".")
        with contextlib.suppress(*self.errors, IbisError):
            return list(self.backend.list_tables(database=".".join(schema) or self.spec.schema or None))
        return []

    def _where_to_look(self, relation: Relation) -> str:
        schema = ".".join(relation.name.split(".")[:-1]) or self.spec.schema
        looked = f"schema {schema}" if schema else "the search path of the user"
        return f'It was looked for in {looked}; another is named by [source] schema or table = "schema.table".'

    def _remedy(self, error: Exception) -> str:
        import psycopg

        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            user = self._connection.info.user
            return f" Ask its owner for GRANT USAGE on the schema and GRANT SELECT on the table to {user}."
        return " Correct the table or view there."

    def uploaded(self, name: str, rows: pa.Table) -> ir.Table:
        """Copy the rows of a file into a temporary table."""
        import psycopg

        from bpo_analysis.data.engines import POSTGRES

        place, schema = f"bpo_{name}", ibis.Schema.from_pyarrow(rows.schema)
        columns = [
            psycopg.sql.Identifier(column).as_string(self._connection) + " " + POSTGRES.type_mapper.to_string(kind)
            for column, kind in schema.items()
        ]
        with self._connection.cursor() as cursor, self._connection.transaction():
            cursor.execute(f'CREATE TEMPORARY TABLE "{place}" ({", ".join(columns)})')
            with cursor.copy(f'COPY "{place}" FROM STDIN') as copy:
                for row in rows.to_pylist():
                    copy.write_row(list(row.values()))
        return self.backend.table(place)

    def require_room(self, names: Sequence[str]) -> None:
        """See that the user may create temporary tables."""
        found = self._connection.execute("SELECT has_database_privilege(current_database(), 'TEMPORARY')").fetchone()
        if not found[0]:
            raise DatasetError(
                f"Files stand beside the tables in {self.place} ({', '.join(names)}), and the user "
                f"{self._connection.info.user} may not create the temporary tables that would bring them together. Ask "
                "for GRANT TEMPORARY on the database, or load the files into it."
            )

    def close(self) -> None:
        """Give the connection back, and with it the snapshot and temporary tables."""
        with contextlib.suppress(*self.errors):
            self._connection.close()


class _Spark(Source):
    def __init__(self, spec: SourceSpec, folder: Path, timezone: str) -> None:
        super().__init__(spec, folder, timezone)
        try:
            from py4j.protocol import Py4JError
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession
        except ImportError:
            raise _not_installed("spark", "pyspark") from None
        from bpo_analysis.data.engines import SPARK

        self.errors = (PySparkException, Py4JError)
        # Spark prints every failed query with its whole trace; what it says reaches the user in one sentence.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
        try:
            self._session = SparkSession.getActiveSession() or self._started(SparkSession.builder)
        except self.errors as error:
            raise DatasetError(
                f"Spark cannot be started or reached ({self.in_words(error)}). It needs Java 17 or later (JAVA_HOME) "
                f"where it runs here, and the right [source] master, or an address sc://host:port in {spec.url_env}."
            ) from None
        self.place = "Spark"
        self._kept: list[Any] = []
        self.backend = ibis.pyspark.connect(self._session)
        self.backend.compiler = SPARK

    def _started(self, builder: Any) -> Any:
        address, master = os.environ.get(self.spec.url_env, ""), self.spec.master
        builder = builder.appName("bpo_analysis")
        builder = builder.remote(address) if address.startswith("sc://") else builder.master(address or master)
        settings = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "OFF"}
        if not address and master.startswith("local"):
            # Nothing listens beyond this machine, and a machine does not need the partitions of a cluster.
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            settings |= {
                "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.sql.shuffle.partitions": "8",
            }  # fmt: skip
        for key, value in (settings | dict(self.spec.options)).items():
            builder = builder.config(key, value)
        return builder.getOrCreate()

    def _table(self, relation: Relation) -> ir.Table:
        if relation.path:
            path = relation.path if "://" in relation.path else str(self.folder / relation.path)
            frame = self._session.read.parquet(path)
        elif not self._session.catalog.tableExists(relation.name):
            raise TableNotFound(relation.name)
        else:
            frame = self._session.table(relation.name)
        view = f"bpo_{hashlib.blake2b(str(relation).encode(), digest_size=8).hexdigest()}"
        frame.createOrReplaceTempView(view)
        table = self.backend.table(view)
        instants = [field.name for field in frame.schema.fields if field.dataType.typeName() == "timestamp"]
        # Ibis takes Spark's TIMESTAMP, which is an instant, for the clock of a wall, which is TIMESTAMP_NTZ.
        return table.mutate(**{name: _from_utc(table[name], self.timezone) for name in instants}) if instants else table

    def computed_once(self, table: ir.Table) -> ir.Table:
        """Keep the rows with the workers, in memory or on their disks, until the source is closed."""
        frame = self._session.sql(self.backend.compile(table)).cache()
        self._kept.append(frame)
        view = f"bpo_kept_{len(self._kept)}"
        frame.createOrReplaceTempView(view)
        return self.backend.table(view)

    def _names(self, relation: Relation) -> list[str]:
        *schema, _ = relation.name.split(".")
        with contextlib.suppress(*self.errors):
            return [found.name for found in self._session.catalog.listTables(".".join(schema) or None)]
        return []

    def _where_to_look(self, relation: Relation) -> str:
        return 'Write its whole name, table = "catalog.schema.table", or path = "..." for Parquet files.'

    def _remedy(self, error: Exception) -> str:
        return " Correct the path or the table, and the rights of the session."

    def uploaded(self, name: str, rows: pa.Table) -> ir.Table:
        """Give the rows of a file to the session."""
        self._session.createDataFrame(rows).createOrReplaceTempView(f"bpo_file_{name}")
        return self.backend.table(f"bpo_file_{name}")

    def require_room(self, names: Sequence[str]) -> None:
        """Do nothing: a session holds what it is given."""

    def close(self) -> None:
        """Let the kept rows go; the session stays: it may be the user's, and another takes seconds to start."""
        with contextlib.suppress(*self.errors):
            for frame in self._kept:
                frame.unpersist()


@ibis.udf.scalar.builtin(name="from_utc_timestamp", signature=(("timestamp", "string"), "timestamp"))
def _from_utc(instant, zone): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202


_ENGINES: dict[str, Callable[[SourceSpec, Path, str], Source]] = {"postgres": _Postgres, "spark": _Spark}


def _not_installed(extra: str, package: str) -> DatasetError:
    return DatasetError(
        f"[source] engine = {extra!r} needs the package {package}, which is not installed. "
        f"Install it with: pip install 'bpo-analysis[{extra}]'."
    )


@contextlib.contextmanager
def opened(
    config: DatasetConfig,
) -> Iterator[Source | None]:
    """Open the source of a dataset with all of its tables; None where every table is a file.

    Raises
    ------
    DatasetError
        If the source cannot be reached, a table cannot be read, or the engine fails at a query.
    """
    if config.source is None:
        yield None
        return
    source = _ENGINES[config.source.engine](config.source, config.path, config.timezone)
    try:
        source.open_all(config.relations)
        if beside := [name for name in config.tables if name not in config.relations]:
            source.require_room(beside)
        yield source
    except source.errors as error:
        raise DatasetError(
            f"{source.place} failed at a query: {source.in_words(error)}. Nothing was kept; if the data are right, run "
            "it again, or ask whoever runs the server."
        ) from None
    finally:
        source.close()


def source_state(config: DatasetConfig) -> str:
    """Return a text that changes when the rows of the source do.

    With a declared version nothing is asked. Processes that make reports take over what the one that started them
    found: every page of a run is made from the same state.
    """
    spec = config.source
    if spec is None:
        return ""
    address = _SECRET_PARTS.sub("", os.environ.get(spec.url_env, ""))
    asked = f"{config.path}\n{address}\n{spec}\n{config.relations}"
    key = hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()
    if spec.version:
        return f"{key} {spec.version}"
    inherited = json.loads(os.environ.get(STATE_VARIABLE, "{}"))
    if key in inherited and multiprocessing.parent_process() is not None:
        return str(inherited[key])
    with opened(config) as source:
        state = f"{key} {json.dumps(source.state(config.relations) if source else {})}"
    os.environ[STATE_VARIABLE] = json.dumps(inherited | {key: state})
    return state


def fetched(table: ir.Table) -> ir.Table:
    """Return a small table where it can be sorted and written: rows of a source are brought here by Arrow."""
    try:
        backend = table.get_backend()
    except IbisError:  # rows in memory belong to no engine
        return table
    return table if backend.name == "duckdb" else ibis.memtable(table.to_pyarrow())
