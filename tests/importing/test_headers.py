"""Headers in the spellings there are, repeated ones, and files of another system."""

import pytest

from bpo_analysis.errors import DatasetError
from bpo_analysis.importing.exports import Export, read_export
from bpo_analysis.importing.headers import match_columns
from bpo_analysis.importing.profile import Profile, SourceColumn


def profile(**headers):
    columns = {n: SourceColumn(name=n, headers=tuple(h), required=n == "id") for n, h in headers.items()}
    return Profile(name="test", title="Test", columns=columns)


def export(write, text) -> Export:
    return read_export(write("a.csv", text), lambda headers: len(headers))


def test_case_space_and_punctuation_do_not_count(write):
    found = match_columns(
        profile(id=["Ticket ID"], reply=["First reply time in minutes"], level=["Agent.HierarchyGroups.Level1"]),
        export(write, "ticket_id,First Reply Time (in minutes),agent hierarchygroups level1\n1,2,3\n"),
    )
    assert found.columns == {
        "id": "ticket_id", "reply": "First Reply Time (in minutes)", "level": "agent hierarchygroups level1",
    }  # fmt: skip


def test_a_share_is_not_its_count(write):
    found = match_columns(profile(id=["Answer"]), export(write, "Answer %,Answer\n0.9,18\n"))
    assert found.columns == {"id": "Answer"}
    assert found.ignored == ("Answer %",)


def test_of_repeated_headers_the_first_with_values_is_used_and_said(write):
    found = match_columns(profile(id=["Id"], t=["Time"]), export(write, "Id,Time,Time\n1,,2\n"))
    assert found.columns["t"] == "Time (column 3)"
    assert found.notes == ("t is read from 'Time' (column 3, 1 values); not used: 'Time' (column 2, 0 values)",)


def test_a_file_of_another_system_is_refused_with_both_lists(write):
    with pytest.raises(
        DatasetError, match=r"none of the columns of profile 'test'\. Headers found: 'a', 'b'\. Expected: 'Id'"
    ):
        match_columns(profile(id=["Id"]), export(write, "a,b\n1,2\n"))


def test_a_required_column_that_is_missing_is_named_with_its_headers(write):
    with pytest.raises(DatasetError, match=r"cannot do without: id \('Id' or 'No'\)\. Headers found: 'Time'"):
        match_columns(profile(id=["Id", "No"], t=["Time"]), export(write, "Time\n1\n"))
