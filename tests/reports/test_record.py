import json

from bpo_analysis.reports.record import read_record, record_json, versions


def test_a_record_is_strict_json():
    text = record_json({"status": "ok", "x": [float("nan"), float("inf"), 1.5, {"y": float("-inf")}], "path": "ü"})
    assert json.loads(text, parse_constant=lambda name: 1 / 0) == {
        "status": "ok", "x": [None, None, 1.5, {"y": None}], "path": "ü",
    }  # fmt: skip


def test_a_broken_record_is_no_record(tmp_path):
    assert read_record(tmp_path / "missing.json") is None
    for text in ("{", "[]", "{}"):
        (tmp_path / "r.json").write_text(text)
        assert read_record(tmp_path / "r.json") is None


def test_versions_name_what_a_number_depends_on():
    assert {"python", "bpo_analysis", "pandas", "duckdb", "papermill"} <= set(versions())
