"""Rules that say whose a row is."""

import pandas as pd
import pytest

from bpo_analysis.errors import DatasetError
from bpo_analysis.importing.partners import assign, read_partner_map

ROWS = pd.DataFrame({
    "Group": ["Northline Tier 1", "bolt nights", None, "Other", "Other"],
    "Mail": ["a@x.example", None, "b@BOLT.example", "c@notbolt.example", None],
    "Tags": ["vip", "", "late vip", "bpo_bolt_old", "late, bpo_bolt"],
}, dtype="str")  # fmt: skip


def assigned(write, toml):
    rules = read_partner_map(write("map.toml", toml))
    found = assign(rules, ROWS, lambda name: name if name in ROWS else None)
    return [None if pd.isna(value) else value for value in found]


def rule(partner, column, test):
    return f'[[partners]]\npartner_id = "{partner}"\ncolumn = "{column}"\n{test}\n'


@pytest.mark.parametrize(
    ("test", "column", "hits"),
    [
        ('equals = "northline tier 1"', "Group", [0]),
        ('equals = ["Northline Tier 1", "Bolt Nights"]', "Group", [0, 1]),
        ('contains = "LINE"', "Group", [0]),
        ('ends_with = "@bolt.example"', "Mail", [2]),
        ('contains = "bpo_bolt"', "Tags", [3, 4]),
        ('has = "bpo_bolt"', "Tags", [4]),  # a whole tag, not a part of bpo_bolt_old
        ('equals = "x"', "Nowhere", []),
    ],
)
def test_each_test(write, test, column, hits):
    assert [i for i, value in enumerate(assigned(write, rule("p", column, test))) if value == "p"] == hits


def test_the_first_rule_that_fits_decides_and_no_rule_is_nobody(write):
    toml = rule("first", "Group", 'contains = "o"') + rule("second", "Tags", 'contains = "vip"')
    assert assigned(write, toml) == ["first", "first", "second", "first", "first"]
    assert assigned(write, "") == [None] * 5


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[[partner]]\npartner_id = "p"\n', "has no section 'partner'"),
        ('[partners]\na = "b"\n', r"write \[\[partners\]\]"),
        (rule("p", "Group", 'equal = "x"'), "number 1 has no key 'equal'. Did you mean 'equals'"),
        (rule("p", "Group", 'equals = "x"\ncontains = "y"'), "exactly one of equals, ends_with, contains, has"),
        (rule("p", "Group", "equals = []"), "must be a text or a list of texts"),
        (rule("", "Group", 'equals = "x"'), "needs partner_id"),
        ("[[partners", "is not valid TOML"),
    ],
)
def test_mistakes_are_named(write, toml, message):
    with pytest.raises(DatasetError, match=message):
        read_partner_map(write("map.toml", toml))


def test_a_map_cannot_use_what_is_not_carried_over(run, write):
    for column in ("Subject", "Requester email", "requester"):
        write("data/partners-map.toml", rule("p", column, 'contains = "x"'))
        with pytest.raises(DatasetError, match="free text or names a customer"):
            run("zendesk", "zendesk.csv", timezone="UTC")


def test_rows_without_a_partner_wait_until_a_rule_fits(run, write, partner_map):
    first = run("zendesk", "zendesk.csv", timezone="UTC")
    waiting = first.rows("unmatched/interactions")
    assert [(row["interaction_id"], row["source: Group"]) for row in waiting] == [("35439", "Own team")]
    assert any("1 row without a partner" in message and "[[partners]]" in message for message in first.result.messages)
    partner_map.write_text(partner_map.read_text() + rule("inhouse", "Group", 'equals = "Own team"'))
    second = run("zendesk", "zendesk.csv", timezone="UTC")
    assert [row["interaction_id"] for row in second.rows("interactions")] == ["35436", "35437", "35438", "35439"]
    assert not (second.folder / "unmatched").exists()


def test_without_a_map_nothing_is_counted_and_the_values_are_shown(run):
    done = run("zendesk", "zendesk.csv", timezone="UTC")
    assert done.result.used == 0
    assert not (done.folder / "interactions.csv").exists()
    assert done.account.tables["interactions"].unmatched_share == 1
    assert done.account.unmatched_values["Group"]["Northline Tier 1"] == 2
    # Of the agent's address only the domain is kept: it tells partners apart and names nobody.
    assert done.account.unmatched_values["Assignee email"] == {"@northline.example": 2, "@bolt.example": 1, "": 1}


def test_a_rule_over_a_column_the_file_lacks_is_said(run, write):
    write("data/partners-map.toml", rule("p", "Team", 'contains = "x"') + rule("p", "Group", 'contains = "north"'))
    assert (
        "the partner map names column 'Team', which is not in this file"
        in run("zendesk", "zendesk.csv", timezone="UTC").account.notes
    )


def test_a_partner_spelt_nearly_like_a_known_one_is_refused(run):
    run("connect_contact_records", "connect_flat.csv", partner="northline")
    with pytest.raises(DatasetError, match=r"Partner 'nortline' is not in table partners.*Did you mean 'northline'"):
        run("connect_contact_records", "connect_flat.csv", partner="nortline")
    done = run("connect_contact_records", "connect_records.jsonl", partner="bolt")
    assert [row["partner_id"] for row in done.rows("partners")] == ["northline", "bolt"]


def test_volume_that_a_changed_map_leaves_behind_is_pointed_at(run, write):
    write("data/partners-map.toml", rule("north", "Queue Name", 'contains = ""'.replace('""', '"o"')))
    run("genesys_queue_interval", "genesys.csv", timezone="UTC")
    write(
        "data/partners-map.toml",
        rule("bolt", "Queue Name", 'contains = "bolt"') + rule("north", "queue_name", 'contains = "north"'),
    )
    again = run("genesys_queue_interval", "genesys.csv", timezone="UTC")
    assert any(note.startswith("1 rows of volume.csv are of the same queue") for note in again.account.notes)
