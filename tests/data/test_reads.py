"""What of a dataset a report read: every way to the data says so, and nothing else does."""

import os
from datetime import date, timedelta

import pytest

from bpo_analysis.data import Dataset, open_dataset
from bpo_analysis.data.authored import find_package
from bpo_analysis.data.reads import EVERYONE, Read, recording, unseen

DAY = date(2026, 9, 30)
READINGS = {
    "kpi_rows": (lambda d: d.kpi_rows(partner_id="northline"), Read("kpis/partner", "northline", str(DAY))),
    "kpi_rows of a KPI": (lambda d: d.kpi_rows(kpi="handled"), Read("kpis/kpi", "handled", str(DAY))),
    "kpi_sums": (
        lambda d: d.kpi_sums("fcr", ("partner_id",), date(2026, 7, 1), DAY + timedelta(days=40)),
        Read("kpis/kpi", "fcr", str(DAY)),
    ),
    "kpi_slice": (lambda d: d.kpi_slice("northline"), Read("kpis/partner", "northline", str(DAY))),
    "weekly": (lambda d: d.weekly(kpi="handled"), Read("kpis/kpi", "handled", str(DAY))),
    "register": (lambda d: d.register("events", partner_id="northline"), Read("register/events", "northline")),
    "targets": (lambda d: d.targets(), Read("register/targets", EVERYONE)),
    "extract": (lambda d: d.extract("waits", partner_id="northline"), Read("extract/waits", "northline", str(DAY))),
    "span": (lambda d: d.span, Read("span", "", str(DAY))),
    "exported_until": (lambda d: d.exported_until, Read("span")),
    "find_pilot": (lambda d: d.find_pilot(), Read("files", "pilots/*")),
    "pilots": (lambda d: d.pilots, Read("files", "pilots/*")),
    "pilot_rows": (lambda d: d.pilot_rows("suggested-replies"), Read("pilot", "suggested-replies")),
    "pilot_hire_dates": (lambda d: d.pilot_hire_dates("suggested-replies"), Read("pilot", "suggested-replies")),
    "pilot_assignments": (lambda d: d.pilot_assignments("suggested-replies"), Read("pilot", "suggested-replies")),
    "pilot_problems": (lambda d: d.pilot_problems(), Read("files", "pilots/*")),
    "pilot_findings": (lambda d: d.pilot_findings("suggested-replies"), Read("pilot", "suggested-replies")),
}
NOT_READ = {
    # Part of the frame that counts for every report, or computed from what is.
    "as_of", "check", "config", "find_kpi", "find_partner", "fingerprint", "grain", "name", "overview", "partners",
    "period", "prepare", "title", "unavailable", "why_no_extract",
    # For bpo check alone; a page about a pilot finds its numbers through the files of pilots.
    "authored_problems",
}  # fmt: skip


@pytest.mark.parametrize("name", READINGS)
def test_every_way_to_the_data_notes_what_it_gives(portfolio, name):
    read, expected = READINGS[name]
    dataset = Dataset(portfolio.path, portfolio.config).as_of(DAY)
    with recording(portfolio.path) as reads:
        read(dataset)
    assert expected in reads[portfolio.path]


def test_a_new_way_to_the_data_is_listed_here():
    public = {name for name in vars(Dataset) if not name.startswith("_")}
    assert public - NOT_READ == {name.partition(" ")[0] for name in READINGS}


def test_packages_are_noted_by_their_files(portfolio):
    with recording(portfolio.path) as reads:
        find_package(portfolio.path, "steering-view")
    assert Read("files", "packages/steering-view.toml") in reads[portfolio.path]


def test_files_that_python_opens_in_the_folder_are_noted_and_no_others(tmp_path):
    folder, other = tmp_path / "data", tmp_path / "other.csv"
    folder.mkdir()
    (folder / "a.csv").write_text("x")
    other.write_text("x")
    with recording(folder) as reads:
        (folder / "a.csv").read_text()
        os.close(os.open(folder / "a.csv", os.O_RDONLY))
        other.read_text()
        (folder / "written.csv").write_text("y")
        os.close(os.open(folder / "made.csv", os.O_WRONLY | os.O_CREAT))
        with unseen():
            (folder / "written.csv").read_text()
    (folder / "written.csv").read_text()
    assert reads == {folder: {Read("files", "a.csv")}}


def test_a_read_says_itself():
    assert str(Read("kpis/partner", "acme", "2026-01-31")) == "kpis partner acme until 2026-01-31"
    assert str(Read("extract/waits", EVERYONE)) == "extract waits of all partners"
    assert str(Read("whole")) == "whole"


def test_nothing_is_noted_outside_a_recording(portfolio):
    with recording() as reads:
        pass
    assert open_dataset(portfolio.path).span
    assert reads == {}
