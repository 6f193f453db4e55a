"""What a run knows of a dataset without reading it again, and when it must."""

import os
from datetime import date

import pytest

from bpo_analysis.data import fingerprint, open_dataset
from bpo_analysis.data.fingerprint import recall
from bpo_analysis.data.overview import find_folder, known_overview
from bpo_analysis.errors import DatasetError, UnknownNameError

VOLUME = "partner_id,interval_start,offered,answered\n7,2026-01-05,10,9\n7,2026-02-28,10,9\n"


@pytest.fixture
def folder(write_dataset, monkeypatch):
    monkeypatch.setattr(fingerprint, "_SETTLED_NS", 0)  # do not wait for the files to be old
    return write_dataset(partners="partner_id,name,kind\n7,24,bpo\n8,Other,bpo\n", volume=VOLUME)


def test_a_dataset_is_known_once_it_was_prepared(folder):
    assert known_overview(folder) is None
    made = open_dataset(folder).prepare().overview
    known = known_overview(folder)
    assert known == made
    assert known.partners == {"7": "24", "8": "Other"}  # text, whatever it looks like
    assert (known.first, known.last, known.grain) == (date(2026, 1, 5), date(2026, 2, 28), "day")
    assert known.days == [date(2026, 1, 5), date(2026, 2, 28)]


@pytest.mark.parametrize("change", ["content", "config", "new table", "pilot", "gone"])
def test_a_change_is_noticed(folder, change):
    open_dataset(folder).prepare()
    assert known_overview(folder) is not None
    volume = folder / "volume.csv"
    if change == "content":  # as long as before, and with its old time of change
        before = volume.stat()
        volume.write_text(VOLUME.replace("10,9", "10,8"))
        os.utime(volume, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "config":
        (folder / "dataset.toml").write_text('[dataset]\ntitle = "New"\n')
    elif change == "new table":
        (folder / "events.csv").write_text("event_id,start\n")
    elif change == "pilot":
        (folder / "pilots").mkdir()
        (folder / "pilots" / "p.toml").write_text("")
    else:
        volume.unlink()
    assert recall(folder) is None
    assert known_overview(folder) is None


def test_a_file_that_was_just_written_is_hashed_again(write_dataset):
    path = write_dataset()
    open_dataset(path).prepare()
    assert recall(path) is None  # it may change again within the grain of its time of change


def test_a_file_that_looks_the_same_is_not_read_again(folder, monkeypatch):
    first = open_dataset(folder).fingerprint
    read = []
    hashed = fingerprint.hashlib.file_digest
    monkeypatch.setattr(fingerprint.hashlib, "file_digest", lambda *args: read.append(args[0].name) or hashed(*args))
    assert open_dataset(folder).fingerprint == first
    assert read == []
    (folder / "volume.csv").write_text(VOLUME + "7,2026-02-27,1,1\n")
    assert open_dataset(folder).fingerprint != first
    assert [os.path.basename(name) for name in read] == ["volume.csv"]


def test_a_dataset_with_errors_is_looked_at_again(folder):
    (folder / "volume.csv").write_text(VOLUME + "7,2026-02-27,ten,1\n")
    assert not open_dataset(folder).check().ok
    assert known_overview(folder) is None


def test_partners_and_periods_are_found_as_by_the_dataset(folder):
    overview = open_dataset(folder).prepare().overview
    assert (overview.find_partner(" 24 "), overview.find_partner("8")) == ("7", "8")
    with pytest.raises(UnknownNameError, match=r"Unknown partner 'Othr'\. Did you mean 'Other'"):
        overview.find_partner("Othr")
    assert overview.period().label == "2026-02"
    assert overview.period(grain="week").label == "2026-W08"
    with pytest.raises(DatasetError, match="2025-01 has no rows"):
        overview.period("2025-01")


def test_a_folder_is_looked_for_in_the_folders_above(folder, monkeypatch):
    below = folder.parent / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_folder("data") == folder
    assert find_folder("nowhere") == below / "nowhere"


def test_as_of_a_day_nothing_later_is_read(folder):
    dataset = open_dataset(folder).prepare()
    cut = dataset.as_of(date(2026, 1, 31))
    assert (dataset.span[1], cut.span[1], cut.exported_until) == (
        date(2026, 2, 28),
        date(2026, 1, 31),
        date(2026, 2, 28),
    )
    assert len(dataset.kpi_rows(kpi="offered")) == 2
    assert len(cut.kpi_rows(kpi="offered")) == 1
    assert set(cut.kpi_slice("7")["offered"]["date"].dt.month) == {1}
