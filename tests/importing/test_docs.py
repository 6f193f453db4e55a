"""The examples of docs/importing.md are run."""

import re
import shlex
from pathlib import Path

from bpo_analysis.cli import main
from bpo_analysis.importing import load_profile, profile_names
from bpo_analysis.importing.partners import read_partner_map

TEXT = (Path(__file__).parents[2] / "docs" / "importing.md").read_text(encoding="utf-8")
MAP, PROFILE, WORKFORCE, ZENDESK_QA = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
FILES = Path(__file__).parent / "files"


def test_every_profile_is_in_the_table_with_the_tables_it_fills():
    listed = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", TEXT, flags=re.MULTILINE))
    filled = {name: ", ".join(load_profile(name).tables) or "any table" for name in profile_names()}
    assert listed == filled


def test_the_partner_map(run, write):
    file = write("data/partners-map.toml", MAP)
    assert [rule.value for rule in read_partner_map(file)] == ["northline", "bolt"]
    done = run("zendesk", "zendesk.csv", timezone="Europe/Berlin")
    assert [row["partner_id"] for row in done.rows("interactions")] == ["northline", "bolt", "northline"]


def test_the_profile(run, write):
    profile = write("ours.toml", PROFILE)
    export = write(
        "export.csv",
        """
        Vorgang;Eröffnet;Geändert;Gespräch (Min);Weitergeleitet;Anrufer;Team;Kanal;Betreff
        1;01.03.2026 08:00;01.03.2026 09:00;1,5;ja;030 123;A;Telefon;geheim
        1;01.03.2026 08:00;01.03.2026 10:00;2,5;nein;030 123;A;Telefon;geheim
        2;02.03.2026 08:00;02.03.2026 09:00;2000;nein;;A;E-Mail;
        3;02.03.2026 08:00;02.03.2026 09:00;1;nein;;Test;Telefon;
        """,
    )
    done = run(str(profile), export, partner="n")
    rows = done.rows("interactions")
    assert rows[0].pop("customer_key")
    shared = {"partner_id": "n", "team": "A", "transferred": "false", "extracted_on": "2026-04-01 00:00:00"}
    assert rows == [
        shared | {"interaction_id": "1", "created_at": "2026-03-01 08:00:00", "channel": "voice", "talk_s": "150"},
        shared | {"interaction_id": "2", "created_at": "2026-03-02 08:00:00", "channel": "email"},
    ]
    assert (done.account.dropped, done.account.duplicates) == ({"test call": 1}, 1)
    assert done.account.tables["interactions"].changed == {"longer than a day": 1}
    assert done.account.free_text == ("Betreff",)


def test_the_profile_of_workforce_management(run, write):
    export = write("in/adherence.txt", "date|TZ|muID|tvID|scheduled minutes|minutes in adherence\n"
                   "03022026|CET|12|a7|480|441.5\n03022026|CET|12|a8|0|\n")  # fmt: skip
    done = run(str(write("wfm.toml", WORKFORCE)), export, partner="n")
    shared = {"partner_id": "n", "date": "2026-03-02", "extracted_on": "2026-04-01 00:00:00"}
    assert [{k: v for k, v in row.items() if k in ("agent_id", "scheduled_s", "adherent_s", *shared)} for row in
            done.rows("agent_time")] == [
        shared | {"agent_id": "a7", "scheduled_s": "28800", "adherent_s": "26490"},
        shared | {"agent_id": "a8", "scheduled_s": "0"},  # nothing written is not nought minutes
    ]  # fmt: skip


def test_the_profile_of_zendesk_qa(run, write):
    line = (
        '{{"ticket":"41","workspace":"Northline","review":7,"reviewer":"qa@x.example","reviewee":"kim@n.example",'
        '"created":"2026-03-02T10:00:00Z","categoryId":{},"score":{},"weight":2,"critical":{}}}\n'
    )
    export = write("in/ratings.jsonl", line.format(1, 50, "true") + line.format(2, 100, "false"))
    rows = run(str(write("qa.toml", ZENDESK_QA)), export, partner="n").rows("qa_ratings")
    assert [(r["evaluation_id"], r["item_id"], r["rating"], r["rating_max"], r["criticality"]) for r in rows] == [
        ("7", "1", "50", "100", "customer"), ("7", "2", "100", "100", "none"),
    ]  # fmt: skip
    assert {(r["rater_id"], r["purpose"], r["evaluated_at"]) for r in rows} == {
        ("qa@x.example", "grading", "2026-03-02 10:00:00")
    }


def test_the_commands(write, monkeypatch, capsys):
    commands = re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)[0].splitlines()
    folder = write("acme/partners-map.toml", MAP + MAP.replace("Group", "template")).parent.parent
    monkeypatch.chdir(folder)
    for name in ("answers.csv", "question_scores.csv", "questions.csv", "templates.csv"):
        (folder / name).write_bytes((FILES / "maestroqa" / name).read_bytes())
    (folder / "march.csv").write_bytes((FILES / "zendesk.csv").read_bytes())
    (folder / "five9.csv").write_bytes((FILES / "five9.csv").read_bytes())
    for command in commands:
        arguments = shlex.split(command.split(">")[0], comments=True)[1:]
        arguments = [word for given in arguments for word in (["five9.csv"] if given == "*.csv" else [given])]
        assert main(arguments) == 0, capsys.readouterr().err
