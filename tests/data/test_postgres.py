"""Tables on a PostgreSQL server: started here, on loopback, as a user who may own a server."""

from __future__ import annotations

import importlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bpo_analysis.data import Dataset, open_dataset
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.sources import STATE_VARIABLE, opened
from bpo_analysis.errors import DatasetError

psycopg = pytest.importorskip("psycopg", reason="needs the extra: pip install 'bpo-analysis[postgres]'")

# Ibis leaves the cursor of a query that failed to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
PASSWORD = "loopback-only"
VARIABLE = "BPO_DATABASE_URL"
TYPES = {
    "text": "text", "integer": "bigint", "number": "double precision", "boolean": "boolean", "date": "date",
    "timestamp": "timestamp",
}  # fmt: skip


def programs() -> Path | None:
    """Folder of initdb and postgres; Debian keeps them out of the search path."""
    found = shutil.which("initdb")
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return Path(found).resolve().parent if found else newest[-1].parent if newest else None


def server_user() -> str | None:
    """Name of the user the server runs as: a server refuses to run as root."""
    if os.getuid():
        return None
    return next(user.pw_name for name in ("postgres", "nobody") for user in pwd.getpwall() if user.pw_name == name)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a database of its own, on loopback."""
    folder_of_programs = programs()
    if folder_of_programs is None:
        pytest.skip("needs a PostgreSQL server: apt install postgresql")
    user = server_user()
    folder = Path(tempfile.mkdtemp(prefix="bpo-postgres-", dir="/tmp"))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(program: str, *arguments: str, check: bool = True) -> None:
        command = [str(folder_of_programs / program), *arguments]
        # What the server writes goes to a file: a pipe would be held open by the server itself.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(command, user=user, cwd=folder, stdout=said, stderr=subprocess.STDOUT, check=False)
            said.seek(0)
            assert not check or done.returncode == 0, said.read().decode()

    data = str(folder / "data")
    try:
        (folder / "password").write_text(PASSWORD)
        shutil.chown(folder / "password", user or os.getuid())
        options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        run("initdb", f"--pgdata={data}", "--username=owner", f"--pwfile={folder / 'password'}", *options)
        settings = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -F -c max_wal_size=256MB"
        run("pg_ctl", f"--pgdata={data}", f"--log={folder / 'log'}", "--wait", f"--options={settings}", "start")
        yield f"postgresql://owner:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", f"--pgdata={data}", "--mode=immediate", "stop", check=False)
        shutil.rmtree(folder)


@pytest.fixture
def sql(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Run statements as the owner in a schema of their own; the datasets of the test read from this server."""
    monkeypatch.setenv(VARIABLE, server)
    monkeypatch.setenv(STATE_VARIABLE, "{}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS calls CASCADE")
        connection.execute("CREATE SCHEMA calls")
        connection.execute("SET search_path = calls")
        yield connection.execute


def load(server: str, schema: str, files: dict[str, Path]) -> None:
    """Load CSV files whose columns are those of the schema, with its types."""
    with psycopg.connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {schema}")
        for name, file in files.items():
            header = file.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
            columns = ", ".join(f'"{c}" {TYPES[TABLES[name].by_name[c].type]}' for c in header)
            cursor.execute(f"CREATE TABLE {schema}.{name} ({columns})")
            with cursor.copy(f"COPY {schema}.{name} FROM STDIN (FORMAT csv, HEADER)") as copy, file.open("rb") as rows:
                shutil.copyfileobj(rows, copy)


def test_the_sample_portfolio_has_the_same_figures(
    server: str, portfolio: Dataset, typed_copies, same_figures, tmp_path: Path, monkeypatch
):
    files = typed_copies(SAMPLE / "portfolio", tmp_path, "csv")
    load(server, "portfolio", files)
    folder = tmp_path / "dataset"
    folder.mkdir()
    shutil.copytree(SAMPLE / "portfolio" / "pilots", folder / "pilots")
    text = (SAMPLE / "portfolio" / "dataset.toml").read_text(encoding="utf-8")
    text = text.replace('[tables.volume]\nfile = "volume.parquet"\n', "")
    names = ", ".join(f'"{name}"' for name in files)
    source = f'[source]\nengine = "postgres"\nschema = "portfolio"\nversion = "1"\ntables = [{names}]\n\n'
    (folder / "dataset.toml").write_text(source + text, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, server)
    same_figures(portfolio, open_dataset(folder))


def test_real_data_in_columns_of_text_have_the_same_figures(sql, nhs111: Dataset, same_figures, tmp_path: Path):
    file = SAMPLE / "nhs111" / "nhs111_daily.csv"
    header = file.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    sql(f"CREATE TABLE daily ({', '.join(f'{column} text' for column in header)})")
    copied = "COPY calls.daily FROM STDIN (FORMAT csv, HEADER)"
    with psycopg.connect(os.environ[VARIABLE]) as connection, connection.cursor().copy(copied) as copy:
        copy.write(file.read_bytes())
    text = (SAMPLE / "nhs111" / "dataset.toml").read_text(encoding="utf-8")
    text = text.replace('file = "nhs111_daily.csv"', 'table = "daily"')
    source = '[source]\nengine = "postgres"\nschema = "calls"\nversion = "1"\n\n'
    (tmp_path / "dataset.toml").write_text(source + text, encoding="utf-8")
    same_figures(nhs111, open_dataset(tmp_path))


VOLUME = """
    CREATE TABLE volume (partner_id text, interval_start timestamp, offered int, answered numeric, changed timestamptz)
"""
TOML = """
    [source]
    engine = "postgres"
    schema = "calls"
    tables = ["volume"]
    {version}

    [tables.volume]
    {updated}
"""


def dataset(write_dataset: Callable[..., Path], *, version: str = 'version = "1"', updated: str = "", toml: str = ""):
    return write_dataset(TOML.format(version=version, updated=updated) + toml, volume=None)


def test_files_beside_the_database_join_its_tables(sql, write_dataset, sums):
    sql("CREATE TABLE interactions (interaction_id text, partner_id text, created_at timestamp, channel text)")
    sql("INSERT INTO interactions VALUES ('c1', 'acme', '2026-01-05 10:00', 'voice')")
    folder = write_dataset(
        '[source]\nengine = "postgres"\nschema = "calls"\nversion = "1"\ntables = ["interactions"]\n',
        volume=None,
        surveys="""\
            survey_id,interaction_id,type,score,scale_min,scale_max,sent_at
            s1,c1,csat,5,1,5,2026-01-06
            s2,c1,csat,1,1,5,2026-01-06
            """,
    )
    assert sums(folder, "csat", partner_id="acme", channel="voice") == (1.0, 2.0)
    assert open_dataset(folder).register("targets")["kpi"].tolist() == ["service_level"]


def test_instants_become_times_of_the_zone_of_the_dataset(sql, write_dataset, sums):
    sql("CREATE TABLE volume (partner_id text, interval_start timestamptz, offered bigint)")
    sql("INSERT INTO volume VALUES ('acme', '2026-06-30 22:30+00', 7)")
    folder = dataset(write_dataset, toml='[dataset]\ntimezone = "Europe/Berlin"')
    assert sums(folder, "offered", date="2026-07-01") == (7.0, 1.0)


def test_a_broken_row_is_named_by_its_key(sql, write_dataset, problems):
    sql("CREATE TABLE interactions (interaction_id text, partner_id text, created_at timestamp, talk_s float)")
    sql("INSERT INTO interactions SELECT 'c' || n, 'acme', '2026-01-05', n - 2 FROM generate_series(1, 5) AS n")
    sql("INSERT INTO interactions VALUES ('c5', 'bolt', '2026-01-06', 1), ('c7', 'bolz', '2026-01-06', 1)")
    folder = write_dataset(
        '[source]\nengine = "postgres"\nschema = "calls"\nversion = "1"\ntables = ["interactions"]\n', volume=None
    )
    found = {(p.column, p.value, p.row, p.rule.split(".")[0]) for p in problems(folder, severity="error")}
    assert found == {
        ("talk_s", "-1 (interaction_id = c1)", None, "is negative"),
        ("interaction_id", "interaction_id = c5", None, "key is there more than once"),
        ("partner_id", "bolz", None, "partner is not in table partners"),
    }


def test_text_that_is_no_day_is_said_and_stops_no_query(sql, write_dataset, problems):
    sql("CREATE TABLE volume (partner_id text, interval_start text, offered text)")
    sql("INSERT INTO volume VALUES ('acme', '2026-02-28', '7'), ('acme', '2026-02-30', ' 8 '), ('acme', '1.3.26', 'x')")
    found = problems(dataset(write_dataset), severity="error")
    assert {(p.column, p.value, p.count) for p in found if p.rule.startswith("is not")} == {
        ("interval_start", "1.3.26 (partner_id = acme)", 2), ("interval_start", "2026-02-30 (partner_id = acme)", 2),
        ("offered", "x (partner_id = acme, interval_start = missing)", 1),
    }  # fmt: skip
    assert found[0].remedy.startswith("correct it there, or make it a time in a view")


def test_rules_keep_the_last_row_and_are_counted(sql, write_dataset, sums):
    sql(VOLUME)
    sql("INSERT INTO volume VALUES ('acme', '2026-01-05', 1, 1, '2026-01-06')")
    sql("INSERT INTO volume VALUES ('acme', '2026-01-05', 2, 2, '2026-01-07')")
    rule = """
        [tables.volume.columns]
        changed = "changed"
        [[tables.volume.rules]]
        name = "latest"
        action = "keep_last"
        by = ["partner_id", "interval_start"]
        order = "changed"
    """
    folder = dataset(write_dataset, toml=rule)
    assert sums(folder, "offered") == (2.0, 1.0)
    assert open_dataset(folder).check().accounting["rows"].tolist()[:3] == [2, -1, 1]


def test_only_what_is_small_leaves_the_server(sql, write_dataset, monkeypatch):
    sql("CREATE TABLE interactions (interaction_id text, partner_id text, created_at timestamp, talk_s float)")
    sql(
        "INSERT INTO interactions SELECT 'c' || n, 'acme', timestamp '2026-01-05' + n % 3 * interval '1 day', 60 "
        "FROM generate_series(1, 20000) AS n"
    )
    folder = write_dataset(
        '[source]\nengine = "postgres"\nschema = "calls"\nversion = "1"\ntables = ["interactions"]\n', volume=None
    )
    rows: list[int] = []
    backend = importlib.import_module("ibis.backends.postgres").Backend
    fetch = backend.to_pyarrow_batches

    def counted(self, *arguments, **options):
        found = fetch(self, *arguments, **options).read_all()
        rows.append(found.num_rows)
        return found.to_reader()

    monkeypatch.setattr(backend, "to_pyarrow_batches", counted)
    # A draw of contacts is an extract: forty of each week and stratum.
    assert open_dataset(folder).kpi_rows(kpi="offered")["numerator"].tolist() == [6666.0, 6667.0, 6667.0]
    assert len(rows) > 10
    assert max(rows) == 40


# What can go wrong


@pytest.fixture
def reader(server: str, sql, monkeypatch) -> str:
    """Address of a user who may read nothing."""
    sql("DROP ROLE IF EXISTS reader")
    sql(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
    return server.replace("owner", "reader")


def message(folder: Path) -> str:
    with pytest.raises(DatasetError) as error:
        open_dataset(folder).check()
    assert PASSWORD not in str(error.value)
    return str(error.value)


def test_no_address(sql, write_dataset, monkeypatch):
    folder = dataset(write_dataset)
    monkeypatch.delenv(VARIABLE)
    assert "environment variable BPO_DATABASE_URL is not set" in message(folder)
    monkeypatch.setenv(VARIABLE, f"postgresql:{PASSWORD}")
    assert "BPO_DATABASE_URL does not hold an address" in message(folder)


def test_a_server_that_does_not_answer(sql, write_dataset, monkeypatch):
    folder = dataset(write_dataset)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv(VARIABLE, f"postgresql://owner:{PASSWORD}@127.0.0.1:{closed.getsockname()[1]}/postgres")
        assert "cannot be reached (connection failed" in message(folder)


def test_a_wrong_password(server, sql, write_dataset, monkeypatch):
    folder = dataset(write_dataset)
    monkeypatch.setenv(VARIABLE, server.replace(PASSWORD, "guessed"))
    said = message(folder)
    assert 'password authentication failed for user "owner"' in said
    assert "guessed" not in said


def test_a_table_that_is_not_there(sql, write_dataset):
    sql("CREATE TABLE volumes (partner_id text)")
    said = message(dataset(write_dataset))
    assert "[tables.volume]: volume in PostgreSQL database postgres: there is no such table" in said
    assert "Did you mean 'volumes'?" in said
    assert "looked for in schema calls" in said


def test_a_table_that_may_not_be_read(sql, write_dataset, reader, monkeypatch):
    sql(VOLUME)
    monkeypatch.setenv(VARIABLE, reader)
    said = message(dataset(write_dataset))
    assert "permission denied for schema calls" in said
    assert "GRANT SELECT on the table to reader" in said
    sql("GRANT USAGE ON SCHEMA calls TO reader")
    assert "permission denied for table volume" in message(dataset(write_dataset))
    sql("INSERT INTO volume VALUES ('acme', '2026-01-05', 1, 1, now())")
    sql("GRANT SELECT ON volume TO reader")
    # Nothing of a failure is kept: the next run sees that the right was given.
    assert open_dataset(dataset(write_dataset)).check().rows_used("volume") == 1


def test_files_beside_tables_need_a_right(server, sql, write_dataset, reader, monkeypatch):
    sql(VOLUME)
    sql("GRANT USAGE ON SCHEMA calls TO reader")
    sql("GRANT SELECT ON volume TO reader")
    sql("REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC")
    monkeypatch.setenv(VARIABLE, reader)
    said = message(dataset(write_dataset))
    sql("GRANT TEMPORARY ON DATABASE postgres TO PUBLIC")
    assert "(partners, targets), and the user reader may not create the temporary tables" in said


def test_a_column_that_is_not_there(sql, write_dataset, problems):
    sql("CREATE TABLE volume (partner_id text, interval_begin timestamp, offered int)")
    found = problems(dataset(write_dataset), table="volume", column="interval_start")
    assert "'partner_id', 'interval_begin', 'offered'" in found[0].remedy
    assert "has no column 'change' (updated)" in message(dataset(write_dataset, updated='updated = "change"'))


def test_a_query_that_fails_is_told_in_one_sentence(sql, write_dataset):
    sql(
        "CREATE VIEW volume AS SELECT 'acme' AS partner_id, date '2026-01-05' AS interval_start, "
        "1 / (n - 1) AS offered FROM generate_series(1, 2) AS n"
    )
    assert "PostgreSQL database postgres failed at a query: division by zero. Nothing was kept" in message(
        dataset(write_dataset)
    )


# When the rows change


def test_facts_need_a_sign_of_change(sql, write_dataset):
    sql(VOLUME)
    assert "Nothing says when the rows of volume change" in message(dataset(write_dataset, version=""))


def test_a_changed_row_is_seen(sql, write_dataset, sums):
    sql(VOLUME)
    sql("INSERT INTO volume VALUES ('acme', '2026-01-05', 1, 1, '2026-01-06')")
    folder = dataset(write_dataset, version="", updated='updated = "changed"')
    first = open_dataset(folder).fingerprint
    assert sums(folder, "offered") == (1.0, 1.0)
    assert open_dataset(folder).fingerprint == first
    sql("UPDATE volume SET offered = 3, changed = '2026-01-07'")
    assert open_dataset(folder).fingerprint != first
    assert sums(folder, "offered") == (3.0, 1.0)


def test_the_processes_of_a_run_see_one_state(sql, write_dataset, monkeypatch):
    sql(VOLUME)
    sql("INSERT INTO volume VALUES ('acme', '2026-01-05', 1, 1, '2026-01-06')")
    folder = dataset(write_dataset, version="", updated='updated = "changed"')
    first = open_dataset(folder).fingerprint
    sql("UPDATE volume SET changed = '2026-01-07'")
    with monkeypatch.context() as patch:
        patch.setattr("multiprocessing.parent_process", object)  # as in a process that makes a report
        assert open_dataset(folder).fingerprint == first
    assert open_dataset(folder).fingerprint != first


def test_rows_of_a_register_are_compared_one_by_one(sql, write_dataset):
    sql(VOLUME)
    sql("CREATE TABLE events (event_id text, start date, kind text)")
    sql("INSERT INTO events VALUES ('e1', '2026-01-05', 'release')")
    folder = dataset(write_dataset, version="", updated='updated = "changed"', toml='[tables.events]\ntable = "events"')
    first = open_dataset(folder).fingerprint
    sql("UPDATE events SET kind = 'outage'")
    assert open_dataset(folder).fingerprint != first


def test_with_a_version_nothing_is_asked(sql, write_dataset, monkeypatch):
    sql(VOLUME)
    sql("INSERT INTO volume VALUES ('acme', '2026-01-05', 1, 1, '2026-01-06')")
    folder = dataset(write_dataset)
    open_dataset(folder).check()
    monkeypatch.setattr("psycopg.connect", lambda *_, **__: pytest.fail("the server was asked"))
    assert open_dataset(folder).kpi_rows(kpi="offered")["numerator"].tolist() == [1.0]


def test_the_row_language_means_the_same_as_in_duckdb(sql, write_dataset, rows_of_kinds, same_language):
    with psycopg.connect(os.environ[VARIABLE]) as connection, connection.cursor() as cursor:
        kinds = "a bigint, b bigint, x float, text text, flag boolean, start timestamp, stop timestamp"
        cursor.execute(f"CREATE TABLE calls.volume (n bigint, {kinds})")
        with cursor.copy("COPY calls.volume FROM STDIN") as copy:
            for row in rows_of_kinds.to_pylist():
                copy.write_row(list(row.values()))
    with opened(open_dataset(dataset(write_dataset)).config) as source:
        same_language(source._tables["volume"])
