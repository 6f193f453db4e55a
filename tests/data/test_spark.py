"""Tables in Spark: a session on this machine with two workers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from bpo_analysis.data import Dataset, open_dataset
from bpo_analysis.data.sources import opened
from bpo_analysis.errors import DatasetError

pytest.importorskip("pyspark", reason="needs the extra: pip install 'bpo-analysis[spark]'")
if shutil.which("java") is None:
    pytest.skip("needs Java 17 or later: apt install default-jre-headless", allow_module_level=True)

# Said by PySpark and py4j about themselves and pandas.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"), pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]  # fmt: skip

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
SOURCE = """
[source]
engine = "spark"
master = "local[2]"
version = "1"

[source.options]
"spark.driver.memory" = "1g"
"spark.sql.shuffle.partitions" = "2"
"spark.sql.warehouse.dir" = "{warehouse}"
"""


@pytest.fixture(scope="module", autouse=True)
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Section [source] of a session that is stopped after the tests of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BPO_DATABASE_URL", raising=False)
        yield SOURCE.format(warehouse=tmp_path_factory.mktemp("warehouse"))
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()


def parquet(folder: Path, name: str, query: str) -> None:
    duckdb.sql(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet)")


def test_the_sample_portfolio_has_the_same_figures(
    source: str, portfolio: Dataset, typed_copies, same_figures, tmp_path: Path
):
    lake = tmp_path / "lake"
    lake.mkdir()
    files = typed_copies(SAMPLE / "portfolio", lake, "parquet")
    shutil.copytree(SAMPLE / "portfolio" / "pilots", tmp_path / "pilots")
    text = (SAMPLE / "portfolio" / "dataset.toml").read_text(encoding="utf-8")
    text = text.replace('file = "volume.parquet"\n', 'path = "lake/volume.parquet"\n')
    tables = "".join(f'\n[tables.{name}]\npath = "lake/{name}.parquet"\n' for name in files if name != "volume")
    (tmp_path / "dataset.toml").write_text(source + text + tables, encoding="utf-8")
    same_figures(portfolio, open_dataset(tmp_path))


def test_real_data_in_columns_of_text_have_the_same_figures(source: str, nhs111: Dataset, same_figures, tmp_path: Path):
    (tmp_path / "lake").mkdir()
    parquet(tmp_path / "lake", "daily", f"FROM read_csv('{SAMPLE / 'nhs111' / 'nhs111_daily.csv'}', all_varchar=true)")
    text = (SAMPLE / "nhs111" / "dataset.toml").read_text(encoding="utf-8")
    text = text.replace('file = "nhs111_daily.csv"', 'path = "lake/daily.parquet"')
    (tmp_path / "dataset.toml").write_text(source + text, encoding="utf-8")
    same_figures(nhs111, open_dataset(tmp_path))


INTERACTIONS = '[tables.interactions]\npath = "calls.parquet"\n'


def test_work_is_done_by_more_than_one_worker(source, write_dataset):
    folder = write_dataset(source + INTERACTIONS, volume=None)
    parquet(
        folder, "calls", "SELECT 'c1' AS interaction_id, 'acme' AS partner_id, TIMESTAMP '2026-01-05' AS created_at"
    )
    with opened(open_dataset(folder).config) as spark:
        assert spark._session.sparkContext.defaultParallelism == 2


def test_files_beside_spark_join_its_tables(source, write_dataset, sums):
    folder = write_dataset(
        source + INTERACTIONS,
        volume=None,
        surveys="""\
            survey_id,interaction_id,type,score,scale_min,scale_max,sent_at
            s1,c1,csat,5,1,5,2026-01-06
            s2,c1,csat,1,1,5,2026-01-06
            """,
    )
    parquet(folder, "calls", "SELECT 'c1' AS interaction_id, 'acme' AS partner_id, TIMESTAMP '2026-01-05 10:00' AS "
            "created_at, 'voice' AS channel")  # fmt: skip
    assert sums(folder, "csat", partner_id="acme", channel="voice") == (1.0, 2.0)


def test_instants_become_times_of_the_zone_of_the_dataset(source, write_dataset, sums):
    folder = write_dataset(source + INTERACTIONS + '[dataset]\ntimezone = "Europe/Berlin"', volume=None)
    parquet(folder, "calls", "SELECT 'c1' AS interaction_id, 'acme' AS partner_id, "
            "TIMESTAMPTZ '2026-06-30 22:30:00+00' AS created_at")  # fmt: skip
    assert sums(folder, "offered", date="2026-07-01") == (1.0, 1.0)


def test_a_broken_row_is_named_by_its_key(source, write_dataset, problems):
    folder = write_dataset(source + INTERACTIONS, volume=None)
    parquet(folder, "calls", "SELECT 'c' || n AS interaction_id, 'acme' AS partner_id, TIMESTAMP '2026-01-05' AS "
            "created_at, n - 2.0 AS talk_s FROM range(1, 5) AS r(n)")  # fmt: skip
    found = problems(folder, severity="error")
    assert [(p.column, p.value, p.row) for p in found] == [("talk_s", "-1.0 (interaction_id = c1)", None)]


def test_a_table_of_the_catalogue(source, write_dataset, sums):
    folder = write_dataset(
        source + INTERACTIONS.replace("path", "table").replace("calls.parquet", "calls"), volume=None
    )
    with pytest.raises(DatasetError, match=r"calls in Spark: there is no such table. .*catalog.schema.table"):
        open_dataset(folder).check()
    parquet(
        folder, "calls", "SELECT 'c1' AS interaction_id, 'acme' AS partner_id, TIMESTAMP '2026-01-05' AS created_at"
    )
    from pyspark.sql import SparkSession

    SparkSession.getActiveSession().read.parquet(str(folder / "calls.parquet")).write.saveAsTable("calls")
    assert sums(folder, "offered") == (1.0, 1.0)


def test_a_path_that_is_not_there(source, write_dataset):
    folder = write_dataset(source + INTERACTIONS, volume=None)
    with pytest.raises(
        DatasetError, match=r"\[tables.interactions\]: calls.parquet in Spark cannot be read: Path does not exist"
    ):
        open_dataset(folder).check()


def test_a_query_that_fails_is_told_in_one_sentence(source, write_dataset):
    folder = write_dataset(source + '[tables.interactions]\ntable = "failing"', volume=None)
    with opened(open_dataset(write_dataset(source, folder="none")).config) as spark:
        spark._session.sql(
            "SELECT 'c1' AS interaction_id, 'acme' AS partner_id, current_timestamp() AS created_at, "
            "CAST(raise_error('out of order') AS double) AS talk_s"
        ).createOrReplaceTempView("failing")
    with pytest.raises(DatasetError, match=r"Spark failed at a query: .*out of order"):
        open_dataset(folder).check()


def test_the_row_language_means_the_same_as_in_duckdb(source, write_dataset, rows_of_kinds, same_language):
    folder = write_dataset(source + INTERACTIONS, volume=None)
    pq.write_table(rows_of_kinds, folder / "calls.parquet")
    with opened(open_dataset(folder).config) as spark:
        same_language(spark._tables["interactions"])
