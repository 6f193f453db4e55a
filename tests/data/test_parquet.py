"""Which text columns Arrow can read as dictionaries, and that slices of a partner do not depend on it."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bpo_analysis.data.kpi_slice import KpiSlice
from bpo_analysis.data.kpi_table import KEYS, kpi_rows
from bpo_analysis.data.parquet import dictionary_columns, rows_inside


def test_delta_encodings_are_left_out(tmp_path):
    table = pa.table({"a": ["x", "y"], "b": ["x", "y"], "n": [1, 2]})
    pq.write_table(table, tmp_path / "t", use_dictionary=["b"], column_encoding={"a": "DELTA_BYTE_ARRAY"})
    assert dictionary_columns(pq.read_metadata(tmp_path / "t"), ["a", "b", "absent"]) == ["b"]


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", None])
def test_a_slice_is_read_from_either(tmp_path, encoding):
    place = tmp_path / "kpis" / "volume.date.reason"
    place.mkdir(parents=True)
    (place / "columns.json").write_text('{"offered": ["s0", "s1"]}')
    texts = {name: ["acme", "acme", "bolt"] if name == "partner_id" else ["x", None, "y"] for name in KEYS}
    texts["date"] = pa.array([19000, 19001, 19001], pa.date32())
    table = pa.table(texts | {"s0": [1.0, 2.0, 4.0], "s1": [1.0, 1.0, 1.0]})
    written = (
        {"use_dictionary": False, "column_encoding": {n: encoding for n in KEYS if n != "date"}} if encoding else {}
    )
    pq.write_table(table, place / "all.parquet", **written)
    found = KpiSlice(kpi_rows(tmp_path / "kpis", partner_id="acme", dictionaries=True))
    assert found.by_day("offered", {}).numerator.tolist() == [1.0, 2.0]
    assert found.by_day("offered", {"channel": "x"}).numerator.tolist() == [1.0]


@pytest.fixture
def rows(tmp_path):
    file = tmp_path / "rows.parquet"
    days = [date(2026, 1, 1 + n // 4) for n in range(20)]
    table = pa.table({"who": ["a", "b", None, "c"] * 5, "day": days, "n": range(20)})
    pq.write_table(table, file, row_group_size=4)
    return file


@pytest.mark.parametrize("dictionaries", [(), ("who",)])
def test_rows_inside_closed_ranges(rows, dictionaries):
    found = rows_inside(
        rows, {"day": (date(2026, 1, 2), date(2026, 1, 3)), "who": ("b", "b")}, dictionaries=dictionaries
    )
    assert found["n"].to_pylist() == [5, 9]
    assert rows_inside(rows, {"day": (None, date(2026, 1, 1))}, dictionaries=dictionaries)["n"].to_pylist() == [
        0,
        1,
        2,
        3,
    ]
    assert rows_inside(rows, {"day": (date(2026, 1, 5), None)})["n"].to_pylist() == [16, 17, 18, 19]


def test_rows_without_a_value_lie_outside(rows):
    assert rows_inside(rows, {"who": ("a", "c")}, columns=["n"])["n"].to_pylist() == [
        n for n in range(20) if n % 4 != 2
    ]


def test_nothing_inside_gives_the_columns(rows):
    found = rows_inside(rows, {"who": ("x", "x")})
    assert found.column_names == ["who", "day", "n"]
    assert not len(found)


@pytest.mark.parametrize("dictionaries", [(), ("who",)])
@pytest.mark.parametrize("columns", [None, ["n"]])
def test_nothing_inside_has_the_columns_of_something(rows, dictionaries, columns):
    some = rows_inside(rows, {"who": ("b", "b")}, columns=columns, dictionaries=dictionaries)
    none = rows_inside(rows, {"who": ("x", "x")}, columns=columns, dictionaries=dictionaries)
    assert len(none) == 0 < len(some)
    assert none.schema.equals(some.schema)
