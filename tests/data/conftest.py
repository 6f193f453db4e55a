from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pytest

from bpo_analysis.data import Dataset, Problem, open_dataset
from bpo_analysis.data.expressions import build
from bpo_analysis.data.schema import TABLES


@pytest.fixture
def problems() -> Callable[..., list[Problem]]:
    """All problems of a folder, or those with these fields: ``problems(folder, table="volume", severity="error")``."""

    def found(folder: Path, **fields: object) -> list[Problem]:
        return [
            problem
            for problem in open_dataset(folder).check().found
            if all(getattr(problem, name) == value for name, value in fields.items())
        ]

    return found


@pytest.fixture
def sums() -> Callable[..., tuple[float, float]]:
    """Numerator and denominator of one KPI over everything, or over one partner: ``sums(folder, "csat")``."""

    def total(folder: Path, kpi: str, **where: str) -> tuple[float, float]:
        rows = open_dataset(folder).kpi_rows(kpi=kpi)
        for column, value in where.items():
            rows = rows[rows[column] == pd.Timestamp(value)] if column == "date" else rows[rows[column] == value]
        return float(rows["numerator"].sum()), float(rows["denominator"].sum())

    return total


_DUCKDB_TYPES = {
    "text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
    "timestamp": "TIMESTAMP",
}  # fmt: skip


@pytest.fixture(scope="session")
def typed_copies() -> Callable[[Path, Path, str], dict[str, Path]]:
    """Write the tables of a folder, whose files have the columns of the schema, with types: Parquet, or CSV to load."""

    def write(sample: Path, folder: Path, kind: str) -> dict[str, Path]:
        written = {}
        for name in TABLES:
            for file in [*sample.glob(f"{name}.csv"), *sample.glob(f"{name}.parquet")]:
                text = file.suffix == ".csv"
                source = f"read_csv('{file}', all_varchar=true)" if text else f"read_parquet('{file}')"
                columns = ", ".join(
                    f'CAST("{column}" AS {_DUCKDB_TYPES[TABLES[name].by_name[column].type]}) AS "{column}"'
                    for column in duckdb.sql(f"SELECT * FROM {source}").columns
                )
                written[name] = folder / f"{name}.{kind}"
                duckdb.sql(f"COPY (SELECT {columns} FROM {source}) TO '{written[name]}' (FORMAT {kind})")
        return written

    return write


@pytest.fixture(scope="session")
def same_figures() -> Callable[[Dataset, Dataset], None]:
    """Hold two prepared datasets equal: row accounting, problems, every sum of the KPI table, extracts, pilots."""

    def hold(files: Dataset, other: Dataset) -> None:
        assert other.check().accounting.equals(files.check().accounting)
        assert other.check().problems.drop(columns="row").equals(files.check().problems.drop(columns="row"))
        assert (other.span, other.grain, other.unavailable) == (files.span, files.grain, files.unavailable)
        keys = ["kpi", "partner_id", "date", "site", "channel", "product", "shift", "category"]
        expected, found = files.kpi_rows(), other.kpi_rows()
        assert len(expected) > 1000
        pd.testing.assert_frame_equal(found[keys], expected[keys])
        for column in ("numerator", "denominator"):
            # Counts are equal to the last one; sums of fractions but for the last digit, which depends on their order.
            fractions = set(expected["kpi"][expected[column] != expected[column].round()])
            counts = ~expected["kpi"].isin(fractions)
            assert len(set(expected["kpi"][counts])) >= len(fractions)
            assert (found[column][counts] == expected[column][counts]).all()
            assert found[column].to_numpy() == pytest.approx(expected[column].to_numpy(), rel=1e-12)
        tables = sorted(path.relative_to(files._folder) for path in files._folder.rglob("*.parquet"))
        assert tables == sorted(path.relative_to(other._folder) for path in other._folder.rglob("*.parquet"))
        for table in tables:
            one, two = (pd.read_parquet(dataset._folder / table) for dataset in (files, other))
            pd.testing.assert_frame_equal(_in_order(two), _in_order(one), rtol=1e-9, obj=str(table))

    return hold


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Take out what a database does not have: the number of a row in its file, and with it the order of equal rows."""
    frame = frame.drop(columns="_row", errors="ignore")
    for column in frame:  # a day may come as a date or as its midnight
        if isinstance(frame[column].dropna().head(1).squeeze(), date):
            frame[column] = pd.to_datetime(frame[column]).astype("datetime64[us]")
    frame = frame.astype(dict.fromkeys(frame.select_dtypes("number"), "float64"))
    return frame.sort_values(list(frame.columns), key=lambda column: column.astype(str), ignore_index=True)


_EXPRESSIONS = [
    "a / b", "a / 0", "a % 3", "-a % 2", "ROUND(x)", "ROUND(x, 1)", "CAST(x AS int)", "CAST(flag AS int)",
    "CAST(text AS double)", "CAST(text AS int)", "CAST(text AS date)", "CAST(text AS timestamp)", "text || '!'",
    "CAST(a AS text)", "FLOOR(x)", "CEIL(x)", "ABS(x)", "GREATEST(a, b)", "LEAST(x, a)", "NULLIF(a, 2)", "TRIM(text)",
    "COALESCE(a, b)", "flag AND a > 1", "CASE WHEN a > 1 THEN 'x' ELSE text END", "text LIKE '2%'", "LENGTH(text)",
    "SECONDS_BETWEEN(start, stop)", "SECONDS_AFTER(start, 90.5)", "HOUR(start)", "YEAR(start)", "start < '2026-03-01'",
    "flag IS TRUE", "a BETWEEN 1 AND 2", "text IN ('12', '13')", "UPPER(text)", "MONTH(CAST(text AS date))",
]  # fmt: skip


@pytest.fixture(scope="session")
def rows_of_kinds() -> pa.Table:
    """Rows on which engines like to differ: halves, zeros, fractions of a second, days the calendar does not have."""
    return duckdb.sql("""
        SELECT n, CAST(a AS BIGINT) AS a, CAST(b AS BIGINT) AS b, CAST(x AS DOUBLE) AS x, text, flag,
            CAST(start AS TIMESTAMP) AS start, CAST(stop AS TIMESTAMP) AS stop
        FROM (VALUES
            (1, 1, 0, 2.5, '12', true, '2026-01-31 23:59:59.25', '2026-02-01 00:00:01'),
            (2, 2, 4, -2.5, ' 1.50 ', false, '2026-03-29 01:30:00', NULL),
            (3, -7, 2, 3.5, '2026-02-29', NULL, '2024-02-29 12:00:00', '2026-02-28 12:00:00.5'),
            (4, NULL, 3, NULL, '2024-02-29 08:30', true, NULL, NULL),
            (5, 3, -3, 0.5, '1e3', false, '2026-12-31 00:00:00', '2027-01-01 00:00:00'),
            (6, 0, NULL, -0.4, 'n/a', true, '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
            (7, 9, 9, 7.25, NULL, NULL, '2026-01-01 00:00:00', '2026-01-01 00:00:00')
        ) AS rows (n, a, b, x, text, flag, start, stop)
    """).to_arrow_table()


@pytest.fixture(scope="session")
def same_language(rows_of_kinds: pa.Table) -> Callable[[ibis.Table], None]:
    """Hold every kind of row expression to what DuckDB makes of it; the table has the rows of ``rows_of_kinds``."""
    own = ibis.duckdb.connect().create_table("rows", ibis.memtable(rows_of_kinds), temp=True)

    def values(table: ibis.Table, text: str) -> list[object]:
        value = build(text, table, where="test")
        value = value.cast("float64") if value.type().is_numeric() else value
        return table.select("n", value=value).order_by("n").to_pyarrow()["value"].to_pylist()

    def hold(table: ibis.Table) -> None:
        expected = {text: values(own, text) for text in _EXPRESSIONS}
        assert {text: values(table, text) for text in _EXPRESSIONS} == expected
        # Known by hand: halves away from zero, to the even neighbour in a cast; nothing is divided by zero.
        assert expected["ROUND(x)"] == [3.0, -3.0, 4.0, None, 1.0, 0.0, 7.0]
        assert expected["CAST(x AS int)"] == [2.0, -2.0, 4.0, None, 0.0, 0.0, 7.0]
        assert expected["a / b"] == [None, 0.5, -3.5, None, -1.0, None, 1.0]
        assert expected["SECONDS_BETWEEN(start, stop)"][0] == 1.75

    return hold
