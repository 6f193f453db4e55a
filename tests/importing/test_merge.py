"""Imports into a folder that has rows already."""

import os
from datetime import datetime

import pandas as pd
import pytest

from bpo_analysis.errors import DatasetError
from bpo_analysis.importing import folder as folder_module

HEAD = "Id,Created at,Group,Status,Satisfaction Score\n"


@pytest.fixture
def tickets(run, write):
    def imported(*rows, day=1, **options):
        file = write(options.pop("name", "tickets.csv"), HEAD + "".join(f"{row}\n" for row in rows))
        given = {"timezone": "UTC", "partner": "n", "exported_on": datetime(2026, 4, day)} | options
        return run("zendesk", file, **given)

    return imported


def states(done):
    return {row["interaction_id"]: row["status"] for row in done.rows("interactions")}


def counts(done):
    part = done.account.tables["interactions"]
    return part.added, part.updated, part.unchanged, part.older


def test_the_same_file_twice_changes_nothing(tickets):
    first = tickets("1,2026-03-01 09:00,G,Open,", "2,2026-03-01 10:00,G,Open,Good")
    before = {name: first.text(name) for name in ("interactions", "surveys", "partners")}
    for day in (1, 5):  # nor does the same content with another date of export
        again = tickets("1,2026-03-01 09:00,G,Open,", "2,2026-03-01 10:00,G,Open,Good", day=day)
        assert {name: again.text(name) for name in before} == before
        assert counts(again) == (0, 0, 2, 0)


def test_a_later_extract_wins_and_an_earlier_one_does_not(tickets):
    tickets("1,2026-03-01 09:00,G,Open,", day=2)
    later = tickets("1,2026-03-01 09:00,G,Solved,", "2,2026-03-02 09:00,G,New,", day=3)
    assert (states(later), counts(later)) == ({"1": "solved", "2": "new"}, (1, 1, 0, 0))
    earlier = tickets("1,2026-03-01 09:00,G,Pending,", "3,2026-02-01 09:00,G,Closed,", day=1)
    assert (states(earlier), counts(earlier)) == ({"1": "solved", "2": "new", "3": "closed"}, (1, 0, 0, 1))


def test_surveys_follow_the_same_rule_though_their_table_has_no_such_column(tickets):
    tickets("1,2026-03-01 09:00,G,Open,Offered", day=2)
    tickets("1,2026-03-01 09:00,G,Open,Bad", day=3)
    assert tickets("1,2026-03-01 09:00,G,Open,Good", day=1).rows("surveys")[0]["score"] == "0"


def test_the_time_of_export_is_that_of_the_file_unless_given(run, write):
    file = write("a.csv", HEAD + "1,2026-03-01 09:00,G,Open,\n")
    os.utime(file, (1_775_000_000, 1_775_000_000))
    done = run("zendesk", file, timezone="Europe/Berlin", partner="n", exported_on=None)
    assert done.rows("interactions")[0]["extracted_on"] == "2026-04-01 01:33:20"
    assert done.account.exported == "2026-04-01 01:33:20, when the file was last changed"


def test_a_row_twice_in_a_file_is_kept_once(tickets):
    done = tickets("1,2026-03-01 09:00,G,Open,", "1,2026-03-01 09:00,G,Open,", "1,2026-03-01 09:00,G,Solved,")
    assert (states(done), done.account.tables["interactions"].duplicates) == ({"1": "solved"}, 2)


def test_counts_that_share_a_key_and_differ_are_refused(run, write):
    head = "Interval Start,Queue Name,Agent Name,Offer\n"
    file = write("g.csv", f"{head}2026-03-02 08:00,Q,a,1\n2026-03-02 08:00,Q,b,2\n")
    with pytest.raises(DatasetError, match="1 row have the same key as another and other counts"):
        run("genesys_queue_interval", file, timezone="UTC", partner="n")


def test_numbers_of_a_second_system_are_refused_without_a_prefix(tickets, run, write):
    tickets("9001,2026-03-01 09:00,G,Open,")
    with pytest.raises(
        DatasetError, match=r"1 key are there already from an import with profile 'zendesk'.*--id-prefix"
    ):
        run("freshdesk", "freshdesk.csv", timezone="UTC", partner="n")
    done = run("freshdesk", "freshdesk.csv", timezone="UTC", partner="n", id_prefix="fd-")
    assert list(states(done)) == ["9001", "fd-9001", "fd-9002", "fd-9004", "fd-9005"]
    assert done.rows("surveys")[0]["interaction_id"] == "fd-9001"


def test_rows_without_what_they_need_are_dropped_with_a_count(tickets):
    done = tickets(
        "1,2026-03-01 09:00,G,Open,", ",2026-03-01 09:00,G,Open,", "3,soon,G,Open,", "4,2026-03-01 09:00,G,,"
    )
    assert list(states_or_none(done)) == ["1", "4"]
    assert done.account.tables["interactions"].dropped == {"no interaction_id": 1, "no created_at": 1}
    assert any("'Created at': 1 values are no time" in note for note in done.account.notes)


def states_or_none(done):
    return {row["interaction_id"]: row.get("status") for row in done.rows("interactions")}


def test_times_that_mostly_cannot_be_read_are_refused(tickets):
    with pytest.raises(
        DatasetError, match=r"2 of 2 values of 'Created at' are not times.*'soon' in row 1.*date_formats"
    ):
        tickets("1,soon,G,Open,", "2,later,G,Open,")


def test_a_failed_import_leaves_the_folder_as_it_was(tickets, run, tmp_path):
    with pytest.raises(DatasetError):
        tickets("1,soon,G,Open,")
    assert not (tmp_path / "data").exists()
    done = tickets("1,2026-03-01 09:00,G,Open,")
    before = {file.name: file.read_bytes() for file in done.folder.iterdir()}
    with pytest.raises(DatasetError):
        tickets("1,2026-03-01 09:00,G,Solved,", timezone="", day=9)
    assert {file.name: file.read_bytes() for file in done.folder.iterdir()} == before


def test_a_write_that_fails_half_way_changes_no_file(tickets, monkeypatch):
    done = tickets("1,2026-03-01 09:00,G,Open,")
    before = {file.name: file.read_bytes() for file in done.folder.iterdir()}
    written = pd.DataFrame.to_csv
    calls = []

    def fails(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return written(self, *args, **kwargs)

    monkeypatch.setattr(folder_module.pd.DataFrame, "to_csv", fails)
    with pytest.raises(DatasetError, match=r"cannot be written \(No space left on device\)\. Nothing was changed"):
        tickets("1,2026-03-01 09:00,G,Solved,", day=9)
    assert {file.name: file.read_bytes() for file in done.folder.iterdir()} == before


def test_a_table_that_is_mapped_from_elsewhere_is_not_added_to(tickets, write):
    write("data/dataset.toml", '[dataset]\ntimezone = "UTC"\n[tables.interactions.columns]\ninteraction_id = "nr"\n')
    write("data/interactions.csv", "nr\n1\n")
    with pytest.raises(DatasetError, match=r"is not a plain interactions.csv"):
        tickets("1,2026-03-01 09:00,G,Open,")


def test_columns_of_ones_own_and_partners_written_in_dataset_toml_stay(tickets, write):
    write("data/dataset.toml", '[dataset]\ntimezone = "UTC"\n[[tables.partners.rows]]\npartner_id = "n"\n')
    write("data/interactions.csv", "interaction_id,partner_id,created_at,ours\n1,n,2026-01-01,kept\n")
    done = tickets("1,2026-03-01 09:00,G,Open,", "2,2026-03-01 09:00,G,Open,")
    assert [row.get("ours") for row in done.rows("interactions")] == [None, None]
    assert "ours" in done.text("interactions").splitlines()[0]
    assert not (done.folder / "partners.csv").exists()


def test_the_clock_of_a_dataset_is_its_own(tickets):
    tickets("1,2026-03-01 09:00,G,Open,", timezone="Europe/Berlin")
    done = tickets("2,2026-07-01 09:00,G,Open,", timezone="America/New_York")
    assert [row["created_at"] for row in done.rows("interactions")] == ["2026-03-01 09:00:00", "2026-07-01 15:00:00"]
    with pytest.raises(DatasetError, match="A dataset has one clock"):
        tickets("3,2026-07-01 09:00,G,Open,", dataset_timezone="UTC")
    with pytest.raises(DatasetError, match="Time zone 'Berlin' is not a time zone"):
        tickets("3,2026-07-01 09:00,G,Open,", timezone="Berlin")


def test_clock_changes_are_counted_and_time_that_passed_is_right(run, write):
    head = "Id,Created at,First reply time in minutes,Solved at,Group\n"
    rows = "1,2026-03-29 01:30,60,,G\n2,2026-10-25 02:30,,2026-10-25 02:10,G\n3,2026-03-29 02:30,,,G\n"
    done = run("zendesk", write("a.csv", head + rows), timezone="Europe/Berlin", partner="n")
    first, second, third = done.rows("interactions")
    assert first["first_reply_at"] == "2026-03-29 03:30:00"  # an hour later, over the hour that is skipped
    assert "solved_at" not in second  # in the second of the two hours, which nobody can tell
    assert done.account.tables["interactions"].changed["solved before created: solved_at set missing"] == 1
    assert third["created_at"] == "2026-03-29 03:00:00"
    notes = " ".join(done.account.notes)
    assert "2 times lie in the hour that comes twice" in notes
    assert "1 times lie in the hour that is skipped" in notes


def test_words_a_profile_does_not_know_are_kept_and_said(run, write):
    file = write("a.csv", "Id,Created at,Via,Group\n1,2026-03-01 09:00,Carrier pigeon,G\n")
    done = run("zendesk", file, timezone="UTC", partner="n")
    assert done.rows("interactions")[0]["channel"] == "Carrier pigeon"
    assert "'Via' has words the profile does not know, kept as they are: 'Carrier pigeon' (1)" in done.account.notes


def test_volume_beside_contacts_is_pointed_at(tickets, run):
    assert not any("volume alone" in m for m in tickets("1,2026-03-01 09:00,G,Open,").result.messages)
    done = run("genesys_queue_interval", "genesys.csv", timezone="UTC", partner="bolt")
    assert any("come from volume alone" in message for message in done.result.messages)


def test_every_import_is_logged(tickets):
    tickets("1,2026-03-01 09:00,G,Deleted,", "2,2026-03-01 09:00,G,Open,")
    done = tickets("3,2026-03-01 09:00,G,Open,", name="more.csv")
    log = done.rows("imports")
    assert [(row["file"], row["profile"], row["rows_read"], row.get("dropped"), row["used"]) for row in log] == [
        ("tickets.csv", "zendesk", "2", "deleted ticket: 1", "interactions: 1; surveys: 0"),
        ("more.csv", "zendesk", "1", None, "interactions: 1; surveys: 0"),
    ]
    assert log[0]["form"] == "utf-8, delimiter ','"
