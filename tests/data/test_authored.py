"""Notes and packages: what is read, and what a mistake says."""

from datetime import date

import pytest

from bpo_analysis.data.authored import find_package, read_notes
from bpo_analysis.data.authored.notes import citations
from bpo_analysis.errors import AuthoredError, DatasetError, UnknownNameError

NOTE = """\
[[note]]
period = "2026-01"
section = "service"
text = "Down to [81.2 %](service_level?channel=voice&period=2025-12)."
author = "M. Keller"
written_on = 2026-02-03
"""
PACKAGE = """\
[package]
title = "Steering view"
requested_by = "Head of service"
audience = "steering"
approved_by = "Head of service"
approved_on = 2026-01-05

[[section]]
name = "kpis"
question = "Do customers get through?"
kpis = ["service_level"]
"""


def notes(folder, text):
    (folder / "notes").mkdir()
    (folder / "notes" / "january.toml").write_text(text, encoding="utf-8")
    return read_notes(folder, ["acme"])


def packages(folder, **texts):
    (folder / "packages").mkdir()
    for name, text in texts.items():
        (folder / "packages" / f"{name}.toml").write_text(text, encoding="utf-8")


def test_a_note_is_read(tmp_path):
    (note,) = notes(tmp_path, NOTE)
    assert (note.section, note.author, note.written_on) == ("service", "M. Keller", date(2026, 2, 3))
    assert not note.for_partner
    assert note.place == "january.toml, line 1: [[note]]"


def test_citations_have_figure_slice_and_period():
    (found,) = citations("Down to [81.2 %](service_level?channel=voice&period=2025-12).")
    assert (found.shown, found.figure, found.where, found.period) == (
        "81.2 %",
        "service_level",
        (("channel", "voice"),),
        "2025-12",
    )
    assert citations("No figure [here] (or there).") == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (NOTE.replace('section = "service"\n', ""), r"january\.toml line 1: \[\[note\]\] needs section"),
        (NOTE + 'autor = "x"\n', "has no key 'autor'. Did you mean 'author'"),
        (NOTE.replace("2026-02-03", '"3 February"'), "written_on must be a date such as 2026-11-04, without quotes"),
        (NOTE.replace('"2026-01"', '"January"'), r"line 1: \[\[note\]\] period: "),
        (NOTE + 'partner = "acne"\n', "partner 'acne' is not in table partners. Did you mean 'acme'"),
        ("note = 3\n", r"note must be written as blocks \[\[note\]\]"),
        (NOTE.replace('"M. Keller"', "M. Keller"), "is not valid TOML: .*line 5.*Text needs quotes"),
        ("\n\n" + NOTE.replace('"service"', "3"), r"line 3: \[\[note\]\] section must be text in quotes, got 3"),
    ],
)
def test_a_wrong_note_says_file_line_and_remedy(tmp_path, wrong, message):
    with pytest.raises(AuthoredError, match=message):
        notes(tmp_path, wrong)


def test_all_problems_of_a_file_are_told_at_once(tmp_path):
    with pytest.raises(AuthoredError, match="has 2 problems") as error:
        notes(tmp_path, NOTE.replace('section = "service"\n', "") + NOTE.replace('author = "M. Keller"\n', ""))
    assert "line 1" in str(error.value)
    assert "line 6: [[note]] needs author" in str(error.value)


def test_a_package_is_read(tmp_path):
    packages(tmp_path, steering=PACKAGE)
    found = find_package(tmp_path)
    assert (found.id, found.audience, found.edition, found.approved) == ("steering", "steering", "client", True)
    assert found.sections[0].kpis == ("service_level",)
    assert found.sections[0].line == "line 8: [[section]]"


def test_without_a_date_a_package_is_not_approved(tmp_path):
    packages(tmp_path, steering=PACKAGE.replace("approved_on = 2026-01-05\n", ""))
    assert not find_package(tmp_path, "steering").approved


def test_which_package_is_meant(tmp_path):
    with pytest.raises(DatasetError, match="has no packages"):
        find_package(tmp_path)
    packages(tmp_path, one=PACKAGE, two=PACKAGE)
    with pytest.raises(DatasetError, match="2 packages"):
        find_package(tmp_path)
    with pytest.raises(UnknownNameError, match="Did you mean 'one'"):
        find_package(tmp_path, "onne")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (PACKAGE.split("[[section]]")[0], r"has no \[\[section\]\]"),
        (
            PACKAGE.replace('"steering"\n', '"board"\n'),
            "audience must be one of steering, account, delivery, got 'board'",
        ),
        (PACKAGE.replace('["service_level"]', '"service_level"'), "kpis must be a list of texts such as"),
        (PACKAGE.replace("question =", "questoin ="), "line 8: .*no key 'questoin'. Did you mean 'question'"),
        (PACKAGE + "[sections]\n", "has no part 'sections'. Did you mean 'section'"),
    ],
)
def test_a_wrong_package_says_line_and_remedy(tmp_path, wrong, message):
    packages(tmp_path, steering=wrong)
    with pytest.raises(AuthoredError, match=message):
        find_package(tmp_path)
