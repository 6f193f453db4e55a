"""Contacts in many files give what they give in one, and only what is new is read."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bpo_analysis.data import Dataset, kpi_table, open_dataset
from bpo_analysis.data import dataset as dataset_module
from bpo_analysis.data.cache import load
from bpo_analysis.data.config import read_config
from bpo_analysis.data.extracts import EXTRACTS
from bpo_analysis.data.parquet import rows_inside
from bpo_analysis.data.part_files import batches, folder_values
from bpo_analysis.data.part_process import RemoteWorker, WorkerSpec
from bpo_analysis.data.part_worker import PartWorker, merged_problems
from bpo_analysis.data.parts import why_whole
from bpo_analysis.data.problems import Problem
from bpo_analysis.errors import DatasetError, DataValidationError

MONTHS = ("2026-01", "2026-02", "2026-03")
TOML = """\
[dataset]
name = "parts"
title = "Parts"

[kpis.fcr]
variant = "repeat"
window_days = 7

[tables.interactions]
file = "interactions"
"""
PARTNERS = "partner_id,name,kind\nacme,Acme,bpo\nbolt,Bolt,bpo\n"
TARGETS = "kpi,op,value,kind\nservice_level,>=,0.8,absolute\n"
ROSTER = "agent_id,partner_id,hire_date,prod_date\n" + "".join(
    f"a{i},{('acme', 'bolt')[i % 2]},2025-1{i % 2}-01,2025-12-01\n" for i in range(8)
)
SURVEYS = "survey_id,interaction_id,partner_id,type,scale_min,scale_max,score,sent_at\n" + "".join(
    f"s{i},c{i * 17:05d},,csat,1,5,{i % 5 + 1},2026-0{i % 3 + 1}-15\n" for i in range(60)
)
INVOICES = "invoice_id,line,partner_id,period,item,qty,amount\n" + "".join(
    f"{partner}{i},1,{partner},{month}-01,contacts,10,{1000 + i}\n"
    for i, month in enumerate(MONTHS)
    for partner in ("acme", "bolt")
)
UPDATES = "update_id,source,title,announced_on,effective_on,reason\nu1,client,Returns,2026-01-20,2026-01-28,returns\n"
ACKS = "update_id,agent_id,partner_id,due_on,trained_on\n" + "".join(
    f"u1,a{i},{('acme', 'bolt')[i % 2]},2026-02-0{i + 1},2026-02-0{i + 1}\n" for i in range(8)
)

AGENT_TIME = "agent_id,partner_id,date,scheduled_s,worked_s\n" + "".join(
    f"a{i},{('acme', 'bolt')[i % 2]},2026-01-{day:02d},28800,27000\n" for i in range(8) for day in (5, 6)
)


def contacts(n: int = 1200, seed: int = 5) -> pd.DataFrame:
    """Three months of contacts in which customers come back, over the ends of months too."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.integers(0, 90 * 86_400, n))
    agent = rng.integers(0, 8, n)
    frame = pd.DataFrame(
        {
            "interaction_id": [f"c{i:05d}" for i in range(n)],
            "partner_id": np.where(agent % 2, "bolt", "acme"),
            "created_at": pd.Timestamp("2026-01-01") + pd.to_timedelta(seconds, unit="s"),
            "channel": rng.choice(["voice", "chat"], n),
            "reason": rng.choice(["billing", "returns"], n),
            "queue": rng.choice(["north", "south"], n),
            "agent_id": [f"a{i}" for i in agent],
            "customer_key": [f"k{i}" for i in rng.integers(0, n // 6 + 1, n)],
            "wait_s": rng.integers(0, 90, n).astype(float),
            "talk_s": rng.integers(60, 600, n).astype(float),
            "abandoned": rng.random(n) < 0.1,
            "resolved_first_contact": rng.random(n) < 0.7,
            "escalated": rng.random(n) < 0.05,
        }
    )
    frame["solved_at"] = frame["created_at"] + pd.to_timedelta(rng.integers(0, 5 * 86_400, n), unit="s")
    return frame


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a dataset: ``write({"month=2026-01/a.parquet": frame})``."""

    def write_folder(files: dict[str, pd.DataFrame], *, folder: str = "data", toml: str = TOML) -> Path:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        (path / "dataset.toml").write_text(toml, encoding="utf-8")
        tables = {
            "partners": PARTNERS, "targets": TARGETS, "roster": ROSTER, "surveys": SURVEYS, "invoices": INVOICES,
            "updates": UPDATES, "training_acks": ACKS, "agent_time": AGENT_TIME,
        }  # fmt: skip
        for name, text in tables.items():
            (path / f"{name}.csv").write_text(text, encoding="utf-8")
        for name, frame in files.items():
            put(path, name, frame)
        return path

    return write_folder


def put(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    """Write one file of contacts, through a name of its own: a file is never seen half-written."""
    file = folder / "interactions" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(file, index=False)
    return file


def by_month(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Cut contacts into a file for each month."""
    month = frame["created_at"].dt.strftime("%Y-%m")
    return {f"month={name}/contacts.parquet": frame[month == name] for name in sorted(month.unique())}


def read_now(dataset: Dataset) -> list[str] | None:
    """Return the months whose files were read when the dataset was prepared."""
    read = load(dataset._folder).parts_read
    return None if read is None else [Path(file).parent.name.removeprefix("month=") for file in read]


def summed(dataset: Dataset) -> pd.DataFrame:
    """Return the KPI table with the rows of equal keys added up."""
    rows = dataset.kpi_rows()
    keys = [name for name in rows if name not in ("numerator", "denominator")]
    return rows.groupby(keys, dropna=False)[["numerator", "denominator"]].sum().sort_index()


def assert_same(one: Dataset, other: Dataset) -> None:
    """Same KPI table, extracts, accounting and problems."""
    pd.testing.assert_frame_equal(summed(one), summed(other))
    for name in EXTRACTS:
        first, second = one.extract(name), other.extract(name)
        assert (first is None) == (second is None), name
        if first is not None and second is not None:
            columns = sorted(first.columns)
            first, second = (f[columns].sort_values(columns).reset_index(drop=True) for f in (first, second))
            pd.testing.assert_frame_equal(first, second, check_dtype=False, obj=name)
    for by in (("partner_id", "date"), ("partner_id", "month", "channel")):
        for kpi in ("offered", "aht_s", "backlog", "csat", "repeat_contact_rate"):
            first, second = (d.kpi_sums(kpi, by, date(2025, 12, 1), date(2026, 4, 30)) for d in (one, other))
            pd.testing.assert_frame_equal(first, second, obj=f"{kpi} by {by}")
    assert one.span == other.span
    assert one.unavailable == other.unavailable
    pd.testing.assert_frame_equal(one.check().accounting, other.check().accounting)
    pd.testing.assert_frame_equal(one.check().problems, other.check().problems)


def test_parts_give_what_the_whole_gives(write):
    frame = contacts()
    whole = open_dataset(write({"all.parquet": frame}, folder="whole"))
    parts = open_dataset(write(by_month(frame), folder="parts"))
    assert_same(parts, whole)
    assert read_now(whole) is None
    assert read_now(parts) == list(MONTHS)
    made = {name for name in EXTRACTS if parts.extract(name) is not None}
    assert {
        "repeat_windows",
        "capability",
        "learning",
        "update_exposure",
        "contacts_to_draw",
        "waits",
        "agent_days",
    } <= made
    rows = parts.kpi_rows()
    assert {"fcr", "backlog", "cost_per_contact", "cost_per_resolution", "csat"} <= set(rows["kpi"])


def test_files_that_overlap_in_time_give_the_same(write):
    """A late file has contacts of all days; which file a customer's next contact is in makes no difference."""
    frame = contacts(900)
    late = np.random.default_rng(1).random(len(frame)) < 0.2
    files = {f"{name[:13]}.parquet": part for name, part in by_month(frame[~late]).items()}
    ordered = pd.concat([*files.values(), frame[late]])
    whole = open_dataset(write({"all.parquet": ordered}, folder="whole"))
    parts = open_dataset(write(files | {"z-late.parquet": frame[late]}, folder="parts"))
    assert_same(parts, whole)


def test_the_next_contact_may_be_in_the_next_file(write):
    """By hand: a contact on the last evening of January, and the same customer again on the second of February."""
    frame = contacts(2).assign(
        created_at=pd.to_datetime(["2026-01-31 20:00", "2026-02-02 09:00"]), customer_key="k1", reason="billing",
        abandoned=False, solved_at=pd.NaT,
    )  # fmt: skip
    last = contacts(1).assign(
        interaction_id="z", created_at=pd.Timestamp("2026-03-20"), solved_at=pd.NaT, customer_key="other"
    )
    dataset = open_dataset(write(by_month(pd.concat([frame, last]))))
    rows = dataset.kpi_rows(kpi="repeat_contact_rate")
    january, february = (rows[rows["date"].dt.month == month] for month in (1, 2))
    assert (january["numerator"].sum(), january["denominator"].sum()) == (1, 1)
    assert (february["numerator"].sum(), february["denominator"].sum()) == (0, 1)


def test_a_new_month_reads_the_new_month(write):
    frame = contacts()
    files = by_month(frame)
    folder = write({name: files[name] for name in list(files)[:2]})
    assert read_now(open_dataset(folder)) == ["2026-01", "2026-02"]
    put(folder, *list(files.items())[2])
    both = open_dataset(folder)
    assert read_now(both) == ["2026-03"]
    assert_same(both, open_dataset(write({"all.parquet": frame}, folder="whole")))
    assert "table interactions: 3 files, of them 1 read now" in " ".join(both.check().notes)


def written(dataset: Dataset) -> dict[str, object]:
    """Return everything that preparing a dataset wrote, by file; of what is said of the run itself, nothing."""
    folder = dataset._folder
    found: dict[str, object] = {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name not in ("check.json", "slices.sqlite")
    }
    for name in found:
        # The order of rows of one partner and day is that in which they were added up, and with it the last digits of
        # sums of sums.
        if name.startswith(("kpis/", "rollups/")) and not name.endswith(".json"):
            rows = pd.read_parquet(folder / name)
            found[name] = rows.sort_values(list(rows.columns)).round(6).to_csv(index=False)
    with contextlib.closing(sqlite3.connect(folder / "slices.sqlite")) as store:
        for table in ("slices", "partners", "days"):
            found[table] = sorted(store.execute(f"SELECT * FROM {table}").fetchall())
    return found


@pytest.mark.parametrize("late", [False, True])
def test_a_new_month_leaves_the_files_that_a_fresh_preparation_writes(write, monkeypatch, tmp_path, late):
    """A page must not depend on when which month came."""
    frame = contacts()
    files = by_month(frame)
    if late:  # a file with contacts of all months
        chosen = np.random.default_rng(2).random(len(frame)) < 0.2
        files = {f"{name[:13]}.parquet": part for name, part in by_month(frame[~chosen]).items()}
        files["z-late.parquet"] = frame[chosen]
    *before, after = files
    folder = write({name: files[name] for name in before})
    open_dataset(folder).kpi_rows()
    put(folder, after, files[after])
    monthly = open_dataset(folder)
    one = written(monthly)
    monkeypatch.setenv("BPO_CACHE_DIR", str(tmp_path / "another"))
    other = written(open_dataset(folder))
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert len([name for name in one if name.startswith("extracts/waits/") and name.endswith(".parquet")]) == 3


def test_rows_of_an_extract_are_in_its_order_over_all_months(write):
    dataset = open_dataset(write(by_month(contacts())))
    for name in ("waits", "hourly_load", "contacts_to_draw", "capability"):
        for partner in ("acme", None):
            rows = dataset.extract(name, partner_id=partner)
            assert rows is not None
            assert len(rows) > 50
            order = list(EXTRACTS[name].order)
            pd.testing.assert_frame_equal(rows[order], rows[order].sort_values(order, ignore_index=True), obj=name)


def test_a_new_month_makes_only_what_it_reaches_into(write, monkeypatch):
    files = by_month(contacts())
    folder = write({name: files[name] for name in list(files)[:2]})
    open_dataset(folder).kpi_rows()
    statements = []
    monkeypatch.setattr(PartWorker, "write", noted(PartWorker.write, statements))
    put(folder, list(files)[2], files[list(files)[2]])
    open_dataset(folder).kpi_rows()
    waits = [one for one in statements if "upto_s" in one[0]]
    assert len(waits) == 1
    assert "DATE '2026-03-01'" in waits[0][0]


def noted(write: Callable[..., None], statements: list[tuple[str, ...]]) -> Callable[..., None]:
    """Note what a worker is asked to write."""

    def write_noted(self: PartWorker, folder: Path, given: tuple[str, ...]) -> None:
        statements.append(given)
        write(self, folder, given)

    return write_noted


def test_nothing_new_reads_nothing(write):
    folder = write(by_month(contacts()))
    open_dataset(folder).prepare()
    (folder / "targets.csv").write_text(TARGETS.replace("0.8", "0.9"), encoding="utf-8")
    assert read_now(open_dataset(folder)) == []


def test_a_changed_file_is_read_again(write):
    """Even if it has the size and the time of the old one: a corrected export copied with its times kept."""
    frame = contacts()
    files = by_month(frame)
    folder = write(files)
    before = open_dataset(folder).kpi_rows(kpi="escalated")
    name = next(iter(files))
    file = folder / "interactions" / name
    state = file.stat()
    put(folder, name, files[name].assign(escalated=np.roll(files[name]["escalated"], 1) & ~files[name]["abandoned"]))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    changed = open_dataset(folder)
    assert read_now(changed) == ["2026-01"]
    assert not changed.kpi_rows(kpi="escalated").equals(before)


def test_the_part_of_a_deleted_file_is_gone(write):
    frame = contacts()
    files = by_month(frame)
    folder = write(files)
    open_dataset(folder).prepare()
    (folder / "interactions" / next(iter(files))).unlink()
    left = open_dataset(folder)
    assert read_now(left) == []
    rest = frame[frame["created_at"] >= "2026-02-01"]
    assert_same(left, open_dataset(write({"all.parquet": rest}, folder="whole")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("window_days = 7", "window_days = 14"),
        ('file = "interactions"', 'file = "interactions"\ncolumns = { wait_s = "wait_s * 2" }'),
    ],
    ids=["setting", "mapping"],
)
def test_what_decides_a_figure_has_files_read_again(write, old, new):
    folder = write(by_month(contacts()))
    open_dataset(folder).prepare()
    (folder / "dataset.toml").write_text(TOML.replace(old, new), encoding="utf-8")
    assert read_now(open_dataset(folder)) == list(MONTHS)


def test_rules_are_counted_over_all_parts(write):
    toml = TOML + (
        '[[tables.interactions.rules]]\nname = "tests"\naction = "drop"\nwhere = "talk_s < 100"\n'
        '[[tables.interactions.rules]]\nname = "no wait"\naction = "set"\nwhere = "abandoned"\n'
        'column = "wait_s"\nvalue = 0\n'
    )
    frame = contacts()
    parts = open_dataset(write(by_month(frame), toml=toml))
    assert_same(parts, open_dataset(write({"all.parquet": frame}, toml=toml, folder="whole")))
    dropped = parts.check().accounting.set_index("step")["rows"]["dropped: tests"]
    assert dropped == -(frame["talk_s"] < 100).sum()


def broken(frame: pd.DataFrame) -> pd.DataFrame:
    """Break rows in every month: a negative time, a solution before the contact, an unknown partner, a missing one."""
    frame = frame.copy()
    frame.loc[frame.index[::300], "wait_s"] = -1.0
    frame.loc[frame.index[5::400], "solved_at"] = pd.Timestamp("2020-01-01")
    frame.loc[frame.index[7::350], "partner_id"] = "acne"
    frame.loc[frame.index[9], "partner_id"] = " "
    return frame


def test_problems_name_the_same_rows(write):
    frame = broken(contacts())
    whole = open_dataset(write({"all.parquet": frame}, folder="whole")).check()
    parts = open_dataset(write(by_month(frame), folder="parts")).check()
    order = ["severity", "column", "rule", "row"]
    pd.testing.assert_frame_equal(*(c.problems.sort_values(order).reset_index(drop=True) for c in (parts, whole)))
    assert set(parts.problems["rule"]) >= {"is negative", "solved before created", "required value is missing"}


def test_a_key_in_two_files_is_found(write):
    frame = contacts()
    frame.loc[frame.index[-1], "interaction_id"] = "c00003"
    frame.loc[frame.index[-2], "interaction_id"] = "c00003"
    whole = open_dataset(write({"all.parquet": frame}, folder="whole")).check()
    parts = open_dataset(write(by_month(frame), folder="parts")).check()
    found = [p for p in parts.found if "more than once" in p.rule]
    assert [(p.row, p.value, p.count) for p in found] == [(len(frame), "interaction_id = c00003", 2)]
    assert found == [p for p in whole.found if "more than once" in p.rule]


def test_an_error_keeps_the_other_tables_checked(write):
    folder = write(by_month(contacts()))
    (folder / "interactions" / "month=2026-02" / "contacts.parquet").write_bytes(b"PAR1 is not all")
    with pytest.raises(DataValidationError, match=r"contacts.parquet cannot be read"):
        open_dataset(folder).prepare()


def test_files_that_differ_in_columns_are_refused(write):
    files = by_month(contacts())
    name = list(files)[1]
    folder = write(files | {name: files[name].drop(columns="queue")})
    found = open_dataset(folder).check().found
    assert any("differ in columns: 'queue'" in problem.rule for problem in found)


def test_names_of_folders_are_values(write, tmp_path):
    """A partner for each folder, and no such column in the files."""
    frame = contacts()
    files = {f"partner_id={name}/c.parquet": f.drop(columns="partner_id") for name, f in frame.groupby("partner_id")}
    rows = open_dataset(write(files)).kpi_rows(kpi="offered")
    assert rows.groupby("partner_id")["numerator"].sum().to_dict() == frame["partner_id"].value_counts().to_dict()
    assert folder_values(tmp_path / "a=1" / "b=x y" / "c" / "f.parquet", tmp_path) == {"a": "1", "b": "x y"}


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ('action = "keep_last"\nby = ["interaction_id"]\norder = "created_at"', "its rule 'r' compares rows"),
        ('action = "drop"\nwhere = "abandoned"', ""),
    ],
)
def test_rules_that_compare_rows_read_the_whole(write, rule, reason):
    toml = f'{TOML}[[tables.interactions.rules]]\nname = "r"\n{rule}\n'
    frame = contacts()
    frame.loc[frame.index[-1], "interaction_id"] = "c00003"
    folder = write(by_month(frame), toml=toml)
    assert why_whole(read_config(folder).tables["interactions"]).startswith(reason)
    if reason:
        dataset = open_dataset(folder).prepare()
        assert read_now(dataset) is None
        assert "table interactions: 3 files are read as a whole" in " ".join(dataset.check().notes)
        assert dataset.kpi_rows(kpi="offered")["numerator"].sum() == len(frame) - 1


def test_batches_are_trimmed_and_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("bpo_analysis.data.part_files.BATCH_ROWS", 400)
    monkeypatch.setattr("bpo_analysis.data.part_files._READ_ROWS", 200)
    frame = pd.DataFrame({"a": [" x ", "", None, "y"] * 250, "b": range(1000), "c": "never"})
    frame.to_parquet(tmp_path / "f.parquet", row_group_size=300)
    found = list(batches(tmp_path / "f.parquet", tmp_path, lambda names: [n for n in names if n != "c"]))
    assert [len(table) for table, _ in found] == [400, 400, 200]
    assert found[0][1] == ("a", "b", "c")
    assert found[0][0]["a"].to_pylist()[:4] == ["x", None, None, "y"]
    assert [row for table, _ in found for row in table["b"].to_pylist()] == list(range(1000))


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY", "PLAIN"])
def test_texts_of_any_encoding_are_read(tmp_path, encoding):
    """DuckDB writes texts of many values in delta encodings, which Arrow cannot read as dictionaries."""
    names = [f"agent {i % 7}" for i in range(5000)]
    table = pa.table({"agent_id": names, "handle_s": list(range(5000))})
    pq.write_table(table, tmp_path / "t.parquet", use_dictionary=False, column_encoding={"agent_id": encoding})
    ((read, _),) = batches(tmp_path / "t.parquet", tmp_path, lambda headers: headers)
    assert read["agent_id"].to_pylist() == names


def test_batches_of_one_file_add_up(write, monkeypatch):
    monkeypatch.setattr("bpo_analysis.data.part_files.BATCH_ROWS", 100)
    monkeypatch.setattr("bpo_analysis.data.part_files._READ_ROWS", 50)
    frame = contacts()
    parts = open_dataset(write(by_month(frame), folder="parts"))
    assert_same(parts, open_dataset(write({"all.parquet": frame}, folder="whole")))


@pytest.fixture
def several_processes(monkeypatch):
    monkeypatch.setattr("bpo_analysis.data.parts._WORTH_A_PROCESS", 0)
    monkeypatch.setattr("bpo_analysis.data.parts.workers_for", lambda files: min(files, 2))


@pytest.mark.usefixtures("several_processes")
def test_several_processes_give_the_same(write):
    frame = contacts()
    frame.loc[frame.index[-1], "interaction_id"] = "c00003"
    parts = open_dataset(write(by_month(frame), folder="parts"))
    whole = open_dataset(write({"all.parquet": frame}, folder="whole"))
    assert parts.check().found == whole.check().found
    frame = frame[:-1]
    assert_same(
        open_dataset(write(by_month(frame), folder="parts")),
        open_dataset(write({"all.parquet": frame}, folder="whole")),
    )


@pytest.mark.usefixtures("several_processes")
def test_an_error_in_another_process_is_the_same_error(write):
    folder = write(by_month(contacts()))
    (folder / "interactions" / "month=2026-02" / "contacts.parquet").write_bytes(b"PAR1 is not all")
    with pytest.raises(DataValidationError, match=r"contacts.parquet cannot be read"):
        open_dataset(folder).prepare()


def test_a_process_that_was_killed_is_named(write, tmp_path):
    config = read_config(write(by_month(contacts())))
    spec = WorkerSpec(
        scratch=tmp_path, workers=2, config=config, kpis={}, alternatives={}, others=frozenset(), kept=(),
        for_pages=False,
    )  # fmt: skip
    worker = RemoteWorker(spec)
    worker._process.kill()
    with pytest.raises(DatasetError, match=r"process that read contacts ended.*set BPO_MEMORY_LIMIT to less"):
        worker.make(tmp_path, config.tables["interactions"].files[0])
    worker.close()


def test_merged_problems_add_counts_and_keep_the_first_rows():
    def problem(row: int | None, count: int) -> Problem:
        return Problem(severity="error", table="t", column="c", rule="r", remedy="m", row=row, count=count)

    found = merged_problems([[problem(1, 4), problem(2, 4), problem(None, 1)], [problem(9, 2), problem(11, 2)], []])
    assert [(p.row, p.count) for p in found] == [(None, 1), (1, 6), (2, 6), (9, 6)]


def test_a_column_that_was_not_kept_is_never_taken_for_an_empty_one(write):
    dataset = open_dataset(write(by_month(contacts()))).prepare()
    place = next(iter(sorted((dataset._folder.parent / "parts").glob("*/rows/*.parquet"))))
    kept = duckdb.sql(f"DESCRIBE SELECT * FROM '{place}'").fetchall()
    assert "talk_s" not in {name for name, *_ in kept}


@pytest.mark.slow
@pytest.mark.parametrize("rows", [2_000_000, 8_000_000])
def test_memory_does_not_grow_with_the_rows(tmp_path, rows):
    """Peak memory of a child that prepares, with 1 GB for the engine: the same for four times the rows."""
    root = Path(__file__).parents[2]
    folder = tmp_path / "many"
    python = [sys.executable, "-c"]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.interactions", str(folder), "--rows", str(rows)], cwd=root, check=True
    )
    code = f"from bpo_analysis import open_dataset; open_dataset({str(folder)!r}).prepare()"
    environment = os.environ | {"BPO_MEMORY_LIMIT": "1GB", "BPO_CACHE_DIR": str(tmp_path / "cache")}
    start = time.monotonic()
    subprocess.run([*python, code], env=environment, check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    assert peak < 2.5, f"{peak:.1f} GB after {time.monotonic() - start:.0f} s"


def test_a_page_opens_only_files_with_rows_of_its_partner(write, monkeypatch):
    frame = contacts()
    dataset = open_dataset(write({f"{name}.parquet": part for name, part in frame.groupby("partner_id")}))
    opened = []
    monkeypatch.setattr(
        kpi_table,
        "rows_inside",
        lambda file, *args, **kwargs: opened.append(file) or rows_inside(file, *args, **kwargs),
    )
    names = sorted(frame["partner_id"].unique())
    for number, partner in enumerate(names):
        opened.clear()
        rows = dataset.kpi_slice(partner)
        solved = {file.name for file in opened if file.parent.name.startswith("interactions.")}
        assert solved == {f"{number:05d}-0.parquet"}
        whole = dataset.kpi_rows()
        assert set(rows) == set(whole.loc[whole["partner_id"] == partner, "kpi"])
    # Of a partner without contacts the columns are there all the same.
    assert "handled" not in dataset.kpi_slice("nobody")


def test_sums_over_all_partners_are_kept_for_the_next_report(write, monkeypatch):
    folder = write(by_month(contacts()))
    question = "aht_s", ("partner_id", "month"), date(2025, 12, 1), date(2026, 4, 30)
    first = open_dataset(folder).kpi_sums(*question)
    one = open_dataset(folder).kpi_sums(*question, partners=["acme"])
    place = open_dataset(folder)._folder / "rollups" / "kept"
    assert [file.suffix for file in place.iterdir()] == [".arrow"]

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("it was there")

    monkeypatch.setattr(dataset_module, "rows_over", never)
    pd.testing.assert_frame_equal(open_dataset(folder).kpi_sums(*question), first)
    pd.testing.assert_frame_equal(one, first[first["partner_id"] == "acme"].reset_index(drop=True))
    assert len(one)


def test_sums_are_made_where_none_can_be_kept(write):
    folder = write(by_month(contacts()))
    question = "aht_s", ("category",), date(2025, 12, 1), date(2026, 4, 30)
    expected = open_dataset(folder).kpi_sums(*question)
    place = open_dataset(folder)._folder / "rollups" / "kept"
    shutil.rmtree(place)
    place.write_text("no folder")
    pd.testing.assert_frame_equal(open_dataset(folder).kpi_sums(*question), expected)
