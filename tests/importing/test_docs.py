"""The examples of docs/importing.md are run."""

import re
import shlex
from pathlib import Path

from bpo_analysis.cli import main
from bpo_analysis.importing import load_profile, profile_names
from bpo_analysis.importing.partners import read_partner_map

TEXT = (Path(__file__).parents[2] / "docs" / "importing.md").read_text(encoding="utf-8")
MAP, PROFILE = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)
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


def test_the_commands(write, monkeypatch, capsys):
    commands = re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)[0].splitlines()
    folder = write("acme/partners-map.toml", MAP + MAP.replace("Group", "template_name")).parent.parent
    monkeypatch.chdir(folder)
    for name in ("answers.csv", "question_scores.csv", "templates.csv"):
        (folder / name).write_bytes((FILES / "maestroqa" / name).read_bytes())
    (folder / "march.csv").write_bytes((FILES / "zendesk.csv").read_bytes())
    (folder / "five9.csv").write_bytes((FILES / "five9.csv").read_bytes())
    for command in commands:
        arguments = shlex.split(command.split(">")[0], comments=True)[1:]
        arguments = [word for given in arguments for word in (["five9.csv"] if given == "*.csv" else [given])]
        assert main(arguments) == 0, capsys.readouterr().err
