"""``bpo import`` from a vendor's file to the pages of the month."""

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bpo_analysis.cli import main

FILES = Path(__file__).parent / "files"
SECRET = "Where is my zzparcel"


@pytest.fixture
def bpo(capsys):
    def called(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, " ".join(out.split()), " ".join(err.split())

    return called


def test_the_account_is_printed(bpo, tmp_path, partner_map):
    code, out, _ = bpo(
        "import", "zendesk", FILES / "zendesk.csv", "--into", tmp_path / "data", "--timezone", "Europe/Berlin"
    )
    assert code == 0
    for line in (
        "file zendesk.csv (utf-8, delimiter ',')",
        "rows read 5",
        "dropped: deleted ticket 1",
        "clock times without a zone are Europe/Berlin, as you said; the tables show Europe/Berlin",
        "time range 2026-03-02 09:15 to 2026-03-06 10:00",
        "columns read ticket = 'Id', created = 'Created at'",
        "headers ignored Summation column",
        "never carried over Requester, Requester id",
        "interactions: without a partner 1 (25.0%)",
        "interactions: used 3 (3 new, 0 restated, 0 as before)",
        "without a partner, by Group 'Own team' (1)",
        "New in partners.csv: northline, bolt.",
        "1 row without a partner: kept in the folder unmatched",
        "the dataset can compute: Contacts offered",
    ):
        assert line in out


def test_nothing_used_is_exit_code_1_and_says_how_to_map(bpo, tmp_path):
    code, out, _ = bpo("import", "zendesk", FILES / "zendesk.csv", "--into", tmp_path / "d", "--timezone", "UTC")
    assert code == 1
    assert "interactions: without a partner 4 (100.0%)" in out
    assert '[[partners]] partner_id = "your-partner" column = "Group" equals = ["Northline Tier 1"]' in out


def test_list_and_show(bpo):
    code, out, _ = bpo("import", "--list")
    assert code == 0
    assert "talkdesk_contacts Talkdesk Explore: contacts report (CSV)" in out
    code, out, _ = bpo("import", "--show", "zendesk")
    assert code == 0
    assert out.startswith("[profile] title =")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Write: bpo import PROFILE FILE... --into DIR. 'bpo import --list' shows the profiles."),
        (["zendesk", "x.csv"], 2, "Write: bpo import PROFILE FILE"),
        (["--show", "zendsk"], 1, "Unknown profile 'zendsk'. Did you mean 'zendesk'? Known: "),
        (["zendsk", "x.csv", "--into", "d"], 1, "Unknown profile 'zendsk'."),
        (["zendesk", "nowhere.csv", "--into", "d"], 1, "There is no file nowhere.csv."),
        (["generic", "x.csv", "--into", "d"], 2, "x.csv is not named after a table"),
        (["zendesk", "x.csv", "--into", "d", "--table", "volume"], 2, "--table is for 'generic' only"),
        (["zendesk", "x.csv", "--into", "d", "--timezone", "Berlin"], 1, "Time zone 'Berlin' is not a time zone."),
        (["zendesk", "x.csv", "--into", "d", "--timezone", "UTC"], 1, "none of the columns of profile 'zendesk'"),
        (["zendesk", "x.csv", "--into", "d", "--partner-map", "no.toml"], 1, "There is no partner map no.toml"),
    ],
)
def test_mistakes_are_told_in_a_sentence_and_leave_nothing(bpo, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text("a,b\n1,2\n")
    found, _, err = bpo("import", *arguments)
    assert (found, message in err) == (code, True), err
    assert "Traceback" not in err
    assert not Path("d").exists()


def zendesk_export(path, days=120):
    """Write tickets of two partners over four months: every day a few, most solved, some rated."""
    head = ("Id", "Requester email", "Assignee", "Group", "Subject", "Status", "Via", "Created at", "Solved at",
            "Satisfaction Score", "Reopens", "First reply time in minutes")  # fmt: skip
    with path.open("w", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(head)
        number = 0
        for day in range(days):
            for k in range(6 + day % 5):
                number += 1
                group = ("Northline Tier 1", "Bolt Nights")[k % 2]
                created = datetime(2026, 1, 1, 8) + timedelta(days=day, minutes=37 * k)
                solved = created + timedelta(hours=3 + (number * 7) % 40)
                score = ("Good", "Good", "Bad", "Offered", "Not Offered")[number % 5]
                rows.writerow(
                    [number, f"c{number % 90}@example.com", f"agent {k}", group, SECRET, "Solved", "Mail",
                     f"{created:%d/%m/%Y %H:%M}", f"{solved:%d/%m/%Y %H:%M}", score, number % 3 % 2, 20 + number % 50]
                )  # fmt: skip
    return path


def test_from_an_export_to_the_pages_of_the_month(bpo, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "partners-map.toml").write_text(
        '[[partners]]\npartner_id = "northline"\ncolumn = "Group"\ncontains = "northline"\n'
        '[[partners]]\npartner_id = "bolt"\ncolumn = "Group"\ncontains = "bolt"\n'
    )
    export = zendesk_export(tmp_path / "tickets.csv")
    code, out, err = bpo("import", "zendesk", export, "--into", data, "--timezone", "Europe/Berlin")
    assert code == 0, err
    assert "dates day-first, as '13/01/2026 08:00' shows" in out
    (data / "targets.csv").write_text("kpi,op,value,kind\ncsat,>=,60 %,absolute\nfirst_reply_min,<=,60,absolute\n")
    code, out, err = bpo("check", data)
    assert (code, "interactions used 960" in out) == (0, True), out + err
    code, out, err = bpo("report", "--data", data, "--period", "2026-03", "--out", tmp_path / "reports", "--jobs", 1)
    assert code == 0, err
    folder = tmp_path / "reports" / "2026-03"
    records = [json.loads(file.read_text()) for file in folder.rglob("*.run.json")]
    assert len(records) == 2
    wanted = ratings_in_march(export)
    for partner, group in (("northline", "Northline Tier 1"), ("bolt", "Bolt Nights")):
        rows = list(csv.DictReader((folder / partner / "monthly_partner_review.kpis.csv").read_text().splitlines()))
        csat = next(row for row in rows if (row["kpi"], row["from"], row["to"]) == ("csat", "2026-03-01", "2026-03-31"))
        assert (float(csat["numerator"]), float(csat["denominator"])) == wanted[group]
        assert any(row["kpi"] == "first_reply_min" for row in rows)
    assert SECRET not in "".join(page.read_text() for page in folder.rglob("*.html"))


def ratings_in_march(export):
    """Good, and Good and Bad, of tickets solved in March, straight from the file."""
    found = {}
    for row in csv.DictReader(export.read_text().splitlines()):
        if row["Solved at"][3:10] == "03/2026" and row["Satisfaction Score"] in ("Good", "Bad"):
            good, rated = found.get(row["Group"], (0, 0))
            found[row["Group"]] = (good + (row["Satisfaction Score"] == "Good"), rated + 1)
    return found
