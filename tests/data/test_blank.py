"""A new dataset: it checks, has every table, tells what is missing without rows, and leaves nothing half-written."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest

from bpo_analysis.cli import main
from bpo_analysis.data import open_dataset
from bpo_analysis.data.blank import DICTIONARY, new_dataset
from bpo_analysis.data.blank_rows import EXAMPLES
from bpo_analysis.data.schema import TABLES
from bpo_analysis.errors import DatasetError, UnknownNameError


def test_every_table_has_an_example_with_columns_that_exist():
    assert set(EXAMPLES) == set(TABLES), "a new table needs an example row in data/blank_rows.py"
    for name, rows in EXAMPLES.items():
        assert rows
        known = {column.name: column for column in TABLES[name].columns}
        for row in rows:
            assert set(row) <= set(known), name
            assert {c.name for c in known.values() if c.required} <= set(row), name


def test_a_fresh_folder_passes_every_check_without_a_warning(tmp_path):
    folder = new_dataset(tmp_path / "fresh")
    found = open_dataset(folder).check()
    assert found.ok
    assert found.problems.empty
    assert {count.table for count in found.counts} == set(TABLES)
    assert str(open_dataset(folder).period()) == str(open_dataset(folder).period("2026-03"))


def test_identifiers_agree_from_table_to_table():
    values = {name: {row.get(name) for rows in EXAMPLES.values() for row in rows} - {None} for name in ("agent_id",)}
    assert values["agent_id"] == {"acme-a01"}
    partners = {row["partner_id"] for row in EXAMPLES["partners"]}
    assert {row["partner_id"] for rows in EXAMPLES.values() for row in rows if "partner_id" in row} == partners
    contacts = {row["interaction_id"] for row in EXAMPLES["interactions"]}
    assert {row["interaction_id"] for rows in EXAMPLES.values() for row in rows if "interaction_id" in row} == contacts


def test_headers_only_tell_what_is_needed_and_nothing_else_stands_in_the_way(tmp_path):
    folder = new_dataset(tmp_path / "bare", examples=False)
    errors = [p for p in open_dataset(folder).check().found if p.severity == "error"]
    assert [(p.table, p.rule) for p in errors if p.table] == [("partners", "table has no rows")]
    assert all(file.read_text().count("\n") == 1 for file in folder.glob("*.csv"))


def test_empty_optional_tables_count_as_absent(tmp_path):
    bare = new_dataset(tmp_path / "bare", examples=False)
    for name in ("partners", "targets", "volume"):
        full = new_dataset(tmp_path / f"full-{name}", tables=[name])
        (bare / f"{name}.csv").write_bytes((full / f"{name}.csv").read_bytes())
    dataset = open_dataset(bare).prepare()
    assert "not in this dataset" in dataset.unavailable["csat"]
    assert dataset.register("actions") is None
    assert dataset.kpi_rows(kpi="offered")["numerator"].sum() > 0


def test_contacts_without_a_volume_row_stand_in_for_it(tmp_path):
    folder = new_dataset(tmp_path / "fresh")
    header = (folder / "volume.csv").read_text().splitlines()[0]
    (folder / "volume.csv").write_text(header + "\n")
    dataset = open_dataset(folder).prepare()
    assert dataset.kpi_rows(kpi="offered")["numerator"].sum() == 1
    assert dataset.span == (date(2026, 3, 16), date(2026, 3, 16))


def test_only_the_tables_asked_for_and_those_that_are_needed(tmp_path):
    folder = new_dataset(tmp_path / "some", tables=["surveys"])
    assert {file.stem for file in folder.glob("*.csv")} == {"partners", "targets", "volume", "surveys"}
    assert "## surveys" in (folder / DICTIONARY).read_text()
    assert "## roster" not in (folder / DICTIONARY).read_text()


def test_the_dictionary_has_every_column_with_type_unit_and_values(tmp_path):
    text = (new_dataset(tmp_path / "fresh") / DICTIONARY).read_text()
    for table in TABLES.values():
        part = text.split(f"## {table.name}\n")[1].split("\n## ")[0]
        for column in table.columns:
            assert f"| {column.name} |" in part
    assert "| wait_s | number | seconds |  | from 0 |" in text
    assert "| partner_id | text |  | yes |" in text


def test_the_toml_is_read_and_carries_the_name(tmp_path):
    folder = new_dataset(tmp_path / 'my "first" data')
    assert tomllib.loads((folder / "dataset.toml").read_text())["dataset"]["name"] == 'my "first" data'


def test_an_empty_folder_is_taken_and_a_full_one_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    assert new_dataset(tmp_path / "empty").is_dir()
    with pytest.raises(DatasetError, match=r"is not empty \(it holds 'DATA-DICTIONARY.md', for one\)"):
        new_dataset(tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def test_a_file_and_an_unknown_table_are_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="is a file"):
        new_dataset(tmp_path / "file")
    with pytest.raises(UnknownNameError, match="Did you mean 'surveys'"):
        new_dataset(tmp_path / "new", tables=["survey"])
    assert not (tmp_path / "new").exists()


def test_nothing_is_left_when_writing_fails(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bpo_analysis.data.blank._dictionary", broken)
    with pytest.raises(DatasetError, match=r"cannot be written \(No space left on device\)"):
        new_dataset(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_the_command(tmp_path, capsys):
    assert main(["new", str(tmp_path / "mine"), "--tables", "surveys, actions", "--no-examples"]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == str(tmp_path / "mine")
    assert "5 tables, DATA-DICTIONARY.md and dataset.toml." in shown.err
    assert main(["new", str(tmp_path / "mine")]) == 1


def test_a_fresh_folder_makes_a_monthly_review(tmp_path):
    folder = new_dataset(tmp_path / "fresh")
    assert main(["report", "--data", str(folder), "--out", str(tmp_path / "out"), "--partner", "acme"]) == 0
    assert (tmp_path / "out" / "2026-03" / "index.html").is_file()
