"""What [source] of dataset.toml may say, and what it says when the engine is not installed."""

from __future__ import annotations

import builtins
import importlib

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.config import read_config
from bpo_analysis.data.source_spec import Relation
from bpo_analysis.data.sources import _SECRET_PARTS, fetched
from bpo_analysis.errors import DatasetError, UnknownNameError

POSTGRES = '[source]\nengine = "postgres"\n'


def test_tables_of_the_source_and_files_stand_beside_each_other(write_dataset):
    folder = write_dataset(
        """
        [source]
        engine = "postgres"
        schema = "reporting"
        tables = ["volume", "surveys"]

        [tables.interactions]
        table = "crm.cases"
        updated = "modified_at"
        """,
        volume=None,
    )
    config = read_config(folder)
    assert config.relations == {
        "interactions": Relation(name="crm.cases", updated="modified_at"),
        "volume": Relation(name="volume"),
        "surveys": Relation(name="surveys"),
    }
    assert config.tables["partners"].files == (folder / "partners.csv",)
    assert config.source.url_env == "BPO_DATABASE_URL"


def test_paths_are_for_spark(write_dataset):
    toml = '[tables.volume]\npath = "lake/volume"\n'
    assert read_config(write_dataset('[source]\nengine = "spark"\n' + toml)).relations == {
        "volume": Relation(path="lake/volume")
    }
    with pytest.raises(DatasetError, match=r"\[tables.volume\] path is for Parquet files that Spark reads"):
        read_config(write_dataset(POSTGRES + toml))


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (POSTGRES + 'password = "x"', "has 'password'. Addresses and passwords do not belong in a file"),
        (POSTGRES + 'url = "postgresql://me:x@db/w"', "has 'url'. Addresses and passwords do not belong"),
        (POSTGRES + 'url_env = "postgresql://me:x@db/w"', "must be the name of an environment variable"),
        ('[source]\nengine = "spark"\noptions = { "fs.s3a.secret.key" = "x" }', "has 'fs.s3a.secret.key'"),
        ('[source]\nengine = "spark"\noptions = { "spark.executor.cores" = 2 }', "options must be a table of texts"),
        ('[source]\nengine = "mysql"', "engine must be one of 'postgres', 'spark'; got 'mysql'"),
        (POSTGRES + 'shema = "x"', "no key 'shema'. Did you mean 'schema'"),
        (POSTGRES + 'master = "local"', "master is for engine = 'spark'"),
        ('[source]\nengine = "spark"\nschema = "x"', 'Write the schema into the name: table = "schema.table"'),
        (POSTGRES + 'tables = "volume"', r'tables must be a list of names, such as \["volume", "surveys"\]'),
        (POSTGRES + "version = 3", "version must be text, got 3"),
        (POSTGRES + '[tables.volume]\ntable = "v"\ndate_format = "%d"', "date_format is for files, and this table"),
        (POSTGRES + '[tables.volume]\ntable = "two words"', "table must be a name such as"),
        ('[tables.volume]\ntable = "v"', r"there is no section \[source\]"),
        ('[tables.volume]\nupdated = "v"', "updated is for a table of"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(write_dataset, toml, words):
    with pytest.raises(DatasetError, match=words):
        read_config(write_dataset(toml))


def test_a_misspelt_table_is_named(write_dataset):
    with pytest.raises(UnknownNameError, match=r"volumes.*Did you mean 'volume'"):
        read_config(write_dataset(POSTGRES + 'tables = ["volumes"]'))


@pytest.mark.parametrize(("engine", "package"), [("postgres", "psycopg"), ("spark", "pyspark")])
def test_an_engine_that_is_not_installed_says_what_to_install(write_dataset, monkeypatch, engine, package):
    folder = write_dataset(f'[source]\nengine = "{engine}"\nversion = "1"\ntables = ["volume"]', volume=None)
    whole = builtins.__import__

    def without(name: str, *rest: object, **options: object) -> object:
        if name.split(".")[0] in (package, "py4j"):
            raise ImportError(name)
        return whole(name, *rest, **options)

    importlib.import_module("bpo_analysis.data.engines")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DatasetError, match=rf"needs the package {package}.*pip install 'bpo-analysis\[{engine}\]'"):
        open_dataset(folder).check()


@pytest.mark.parametrize(
    "address",
    ["postgresql://me:hush@db:5432/w", "host=db password=hush user=me", "sc://db:15002/;token=hush;user_id=me"],
)
def test_no_secret_is_part_of_a_fingerprint(address):
    assert "hush" not in _SECRET_PARTS.sub("", address)
    assert "db" in _SECRET_PARTS.sub("", address)


def test_rows_of_files_are_not_moved(write_dataset):
    import ibis

    table = ibis.duckdb.connect().create_table("t", schema={"a": "int64"}, temp=True)
    assert fetched(table) is table
