import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.cache import made_once
from bpo_analysis.data.places import CACHE_VARIABLE
from bpo_analysis.errors import DatasetError, UnknownNameError

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"


# Check figures of the published data (README of the data): they must come out of the toolkit.


def pooled(rows, kpi, by=None):
    chosen = rows[rows["kpi"] == kpi]
    if by is None:
        return chosen["numerator"].sum() / chosen["denominator"].sum()
    sums = chosen.groupby(by)[["numerator", "denominator"]].sum()
    return sums["numerator"] / sums["denominator"]


def test_check_figures_of_nhs_111(nhs111):
    rows = nhs111.kpi_rows()
    assert rows.loc[rows["kpi"] == "offered", "numerator"].sum() == 7_187_410
    assert pooled(rows, "service_level") == pytest.approx(0.780, abs=0.0005)
    assert pooled(rows, "abandonment_rate") == pytest.approx(0.073, abs=0.0005)


def test_worst_and_best_contracts_of_nhs_111(nhs111):
    names = nhs111.partners.set_index("partner_id")["name"]
    shares = pooled(nhs111.kpi_rows(), "service_level", "partner_id").rename(index=names).sort_values()
    assert [round(100 * v, 1) for v in shares.iloc[[0, 1, 2, -2, -1]]] == [51.1, 53.1, 57.3, 95.3, 95.7]
    for place, name in ((0, "Thames Valley"), (1, "Hampshire"), (2, "Kent"), (-2, "Midlands"), (-1, "Milton Keynes")):
        assert name in shares.index[place]


def test_the_week_in_which_nhs_111_fell(nhs111):
    rows = nhs111.kpi_rows()
    for last_day, share in (("2026-03-15", 0.861), ("2026-03-22", 0.661)):
        end = pd.Timestamp(last_day)
        week = rows[rows["date"].between(end - pd.Timedelta(days=6), end)]
        assert pooled(week, "service_level") == pytest.approx(share, abs=0.0005)


def test_the_zero_days_of_nhs_111_are_dropped_by_name(nhs111):
    counts = {(c.table, c.step): c.rows for c in nhs111.check().counts}
    assert counts["volume", "dropped: all-zero day is missing data"] == -203
    assert nhs111.check().rows_used("volume") == 3724 - 203
    assert nhs111.span == (date(2025, 11, 24), date(2026, 4, 5))  # the dropped last week was exported all the same
    assert nhs111.period().label == "2026-03"


# Names and periods


def test_a_partner_is_found_by_id_or_name(write_dataset):
    dataset = open_dataset(write_dataset())
    assert [dataset.find_partner(text) for text in ("acme", "Acme Support", " ACME ")] == ["acme"] * 3


def test_an_unknown_partner_is_suggested(write_dataset):
    dataset = open_dataset(write_dataset())
    with pytest.raises(UnknownNameError, match=r"partner 'acmee'\. Did you mean 'acme'\? Known: 'acme', 'bolt'"):
        dataset.find_partner("acmee")


def test_two_partners_of_one_name_are_told_apart_by_id(write_dataset):
    dataset = open_dataset(write_dataset(partners="partner_id,name\nacme,Twin\nbolt,Twin\n"))
    with pytest.raises(DatasetError, match=r"2 partners are named 'Twin'\. Give the partner_id: 'acme', 'bolt'"):
        dataset.find_partner("Twin")


def test_an_unknown_kpi_is_suggested(write_dataset):
    with pytest.raises(UnknownNameError, match=r"Unknown KPI 'servicelevel'\. Did you mean 'service_level'"):
        open_dataset(write_dataset()).find_kpi("servicelevel")


def test_any_text_can_be_a_partner(write_dataset):
    names = ["a/b", "..", "Ünïcode 中文", "<script>alert(1)</script>", "x" * 300, "a\tb", 'it\'s "so"', "a, b"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    volume = "partner_id,interval_start,offered\n" + "".join(f"{name},2026-01-01,5\n" for name in quoted)
    dataset = open_dataset(write_dataset(partners="\n".join(["partner_id", *quoted, ""]), volume=volume)).prepare()
    for name in names:
        assert dataset.find_partner(name) == name
        assert dataset.kpi_rows(partner_id=name)["numerator"].sum() == 5


@pytest.mark.parametrize("text", ["2025-12", "2026-02", "2025-W01", "2030-Q1"])
def test_a_period_without_rows_names_the_days_there_are(write_dataset, text):
    with pytest.raises(DatasetError, match=f"Period {text} has no rows: .* run from 2026-01-01 to 2026-01-31"):
        open_dataset(write_dataset()).period(text)


def test_a_period_in_a_gap_of_the_data_has_no_rows(write_dataset):
    volume = "partner_id,interval_start,offered\nacme,2026-01-31,5\nbolt,2026-03-01,5\n"
    dataset = open_dataset(write_dataset(volume=volume))
    assert dataset.period("2026-Q1").label == "2026-Q1"
    with pytest.raises(DatasetError, match=r"Period 2026-02 has no rows: .* run from 2026-01-31 to 2026-03-01"):
        dataset.period("2026-02")


def test_a_period_is_read_or_the_last_complete_month_taken(write_dataset):
    dataset = open_dataset(write_dataset())
    assert dataset.period().label == "2026-01"
    assert dataset.period("2026-W02").start == date(2026, 1, 5)
    with pytest.raises(ValueError, match="is not a period"):
        dataset.period("January")


@pytest.mark.parametrize(
    ("grain", "label"), [("day", "2026-01-31"), ("week", "2026-W04"), ("month", "2026-01"), ("quarter", "2026-Q1")]
)
def test_without_a_period_the_last_complete_one_of_a_grain_is_taken(write_dataset, grain, label):
    assert open_dataset(write_dataset()).period(grain=grain).label == label


def test_days_that_a_rule_took_out_are_not_the_last_day(nhs111):
    assert str(nhs111.span[1]) == "2026-04-05"
    assert nhs111.period(grain="day").label == "2026-03-29"
    assert nhs111.period(grain="week").label == "2026-W13"


def test_monthly_data_have_no_last_day(write_dataset):
    volume = "partner_id,interval_start,offered\nacme,2026-01-01,500\nacme,2026-02-01,400\n"
    dataset = open_dataset(write_dataset(volume=volume))
    assert dataset.period(grain="quarter").label == "2026-Q1"
    with pytest.raises(DatasetError, match=r"are monthly, so there is no last complete week\. Give a period"):
        dataset.period(grain="week")


def test_a_partner_with_one_day_of_data_is_read_like_any_other(write_dataset):
    volume = "partner_id,interval_start,offered,answered,answered_in_threshold\nacme,2026-01-07,4,4,3\n"
    dataset = open_dataset(write_dataset(partners="partner_id\nacme\n", volume=volume)).prepare()
    assert dataset.span == (date(2026, 1, 7), date(2026, 1, 7))
    assert dataset.period().label == "2026-01"
    assert dataset.kpi_rows(kpi="service_level")[["numerator", "denominator"]].to_numpy().tolist() == [[3, 4]]


def test_monthly_rows_are_known_as_months(write_dataset):
    volume = "partner_id,interval_start,offered\nacme,202601,5\nacme,202603,5\nbolt,202601,3\n"
    toml = "[tables.volume]\ndate_format = '%Y%m'\n"
    dataset = open_dataset(write_dataset(toml, volume=volume)).prepare()
    assert dataset.grain == "month"
    assert dataset.span == (date(2026, 1, 1), date(2026, 3, 31))
    assert not dataset.check().found
    one = volume.splitlines()[0] + "\nacme,202601,5\nbolt,202601,3\n"
    assert open_dataset(write_dataset(toml, volume=one, folder="b")).grain == "month"


# Registers


def test_registers_are_rows_of_one_partner_and_of_all(write_dataset):
    events = "event_id,partner_id,start,title\n1,acme,2026-01-05,Move\n2,,2026-01-06,Storm\n3,bolt,2026-01-07,Strike\n"
    dataset = open_dataset(write_dataset(events=events))
    assert dataset.register("events")["event_id"].tolist() == ["1", "2", "3"]
    assert dataset.register("events", partner_id="acme")["title"].tolist() == ["Move", "Storm"]
    assert dataset.register("actions") is None
    assert not [name for name in dataset.register("events") if name.startswith("_raw")]


def test_only_registers_are_given_as_rows(write_dataset):
    with pytest.raises(UnknownNameError, match="Unknown register 'volume'"):
        open_dataset(write_dataset()).register("volume")
    with pytest.raises(UnknownNameError, match=r"Unknown register 'event'\. Did you mean 'events'"):
        open_dataset(write_dataset()).register("event")


def test_partners_have_a_name_and_a_kind(write_dataset):
    partners = open_dataset(write_dataset(partners="partner_id\nbolt\nacme\n")).partners
    assert list(zip(partners["name"], partners["kind"], strict=True)) == [("bolt", "bpo"), ("acme", "bpo")]


# Fingerprint and cache


def test_the_same_data_have_the_same_fingerprint_wherever_they_are(write_dataset):
    assert open_dataset(write_dataset()).fingerprint == open_dataset(write_dataset(folder="copy")).fingerprint


@pytest.mark.parametrize("changed", ["volume.csv", "targets.csv", "dataset.toml"])
def test_a_changed_file_is_another_dataset(write_dataset, changed):
    folder = write_dataset("[dataset]\nname = 'x'\n")
    before = open_dataset(folder).fingerprint
    with (folder / changed).open("a") as file:
        file.write("# again\n" if changed == "dataset.toml" else "\n")
    assert open_dataset(folder).fingerprint != before


def test_a_changed_volume_changes_the_figures(write_dataset, sums):
    folder = write_dataset()
    before = sums(folder, "offered")[0]
    with (folder / "volume.csv").open("a") as file:
        file.write("acme,2026-02-01,1000,1000,1000,0\n")
    assert sums(folder, "offered")[0] == before + 1000


def test_the_same_data_give_the_same_table(tmp_path, monkeypatch):
    tables = []
    for cache in ("one", "two"):
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / cache))
        tables.append(open_dataset(SAMPLE / "nhs111").kpi_rows())
    pd.testing.assert_frame_equal(*tables)


def prepared(cache):
    """Folders of prepared datasets; beside them lies what is remembered of files."""
    return [folder for folder in cache.iterdir() if folder.name != "seen"]


def test_a_dataset_is_prepared_once(write_dataset, tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    folder = write_dataset()
    open_dataset(folder).prepare()
    (made,) = prepared(tmp_path / "cache")
    written = (made / "kpis").stat().st_mtime_ns
    open_dataset(folder).kpi_rows()
    assert [(f, (f / "kpis").stat().st_mtime_ns) for f in prepared(tmp_path / "cache")] == [(made, written)]
    files = {"check.json", "extracts", "kpis", "partners.parquet", "rollups", "slices.sqlite", "targets.parquet"}
    assert {f.name for f in made.iterdir()} == files


def test_a_cache_folder_that_cannot_be_made_is_named(write_dataset, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "below"))
    with pytest.raises(DatasetError, match=r"below cannot be written \(Not a directory\).*set BPO_CACHE_DIR"):
        open_dataset(write_dataset()).check()


def test_an_error_leaves_nothing_half_written(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))

    def fail(folder):
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_once("key", fail)
    assert prepared(tmp_path) == []


def test_the_cache_keeps_what_was_used_last(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    stale = tmp_path / "building-of-a-killed-process"
    stale.mkdir()
    os.utime(stale, (0, 0))
    for number in range(22):
        folder = made_once(f"key{number}", lambda folder: (folder / "check.json").write_text("{}"))
        os.utime(folder, (number, number) if number else None)  # the first one is in use
    made_once("last", lambda folder: (folder / "check.json").write_text("{}"))
    kept = {folder.name for folder in prepared(tmp_path)}
    assert len(kept) == 20
    assert {"key0", "last", "key21"} <= kept
    assert not kept & {"key1", "key2", stale.name}


CHECK = "import sys\nfrom bpo_analysis.data import open_dataset\nprint(open_dataset(sys.argv[1]).check().ok)\n"


def start(folder, cache, code=CHECK):
    environment = os.environ | {CACHE_VARIABLE: str(cache)}
    command, pipe = [sys.executable, "-c", code, str(folder)], subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_two_processes_may_prepare_the_same_dataset_at_once(tmp_path):
    running = [start(SAMPLE / "nhs111", tmp_path) for _ in range(2)]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out.strip()) == (0, "True"), err
    (folder,) = prepared(tmp_path)
    assert (folder / "check.json").is_file()
    assert not list((tmp_path / "seen").glob("*.lock"))


def test_an_interrupt_leaves_nothing_half_written(tmp_path):
    process = start(SAMPLE / "portfolio", tmp_path)
    deadline = time.monotonic() + 60
    while not prepared(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "KeyboardInterrupt" in err
    assert prepared(tmp_path) == []


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    """No file above 20 kB can be written, as where the disk is full."""
    code = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n" + CHECK
    _, err = (process := start(SAMPLE / "nhs111", tmp_path, code)).communicate(timeout=60)
    assert process.returncode == 1
    assert "DatasetError: The cache folder" in err
    assert "cannot be written" in err
    assert prepared(tmp_path) == []


def test_nothing_is_printed_while_preparing(tmp_path):
    out, err = start(SAMPLE / "nhs111", tmp_path).communicate(timeout=60)
    assert (out, err) == ("True\n", "")
