"""Every profile on a small file in the vendor's own form: the rows after the import, exactly."""

import re

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.schema import TABLES
from bpo_analysis.errors import DatasetError, UnknownNameError
from bpo_analysis.importing import load_profile, profile_names, profile_text

KEY = re.compile(r"[0-9a-f]{32}")
EXTRACTED = "2026-04-01 00:00:00"


def hashed(rows):
    """Take customer keys out of the rows, after a look at their form, and return them apart."""
    keys = [row.pop("customer_key", None) for row in rows]
    assert all(key is None or KEY.fullmatch(key) for key in keys)
    return keys


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_can_be_read_and_fills_known_columns(name):
    profile = load_profile(name)
    assert profile.title
    for table in profile.tables.values():
        assert set(table.columns) <= set(TABLES[table.name].by_name)


def test_zendesk(run, partner_map):
    done = run("zendesk", "zendesk.csv", timezone="Europe/Berlin")
    rows = done.rows("interactions")
    keys = hashed(rows)
    assert rows == [
        {
            "interaction_id": "35436", "partner_id": "northline", "created_at": "2026-03-02 09:15:00",
            "queue": "Northline Tier 1", "channel": "email", "reason": "Problem", "agent_id": "Kim L",
            "priority": "high", "first_reply_at": "2026-03-02 10:00:00", "solved_at": "2026-03-03 10:15:00",
            "reopens": "1", "handoffs": "1", "status": "solved", "extracted_on": EXTRACTED,
        },
        {
            "interaction_id": "35437", "partner_id": "bolt", "created_at": "2026-03-02 23:50:00",
            "queue": "Bolt Nights", "channel": "voice", "reason": "Question", "agent_id": "Lee", "priority": "normal",
            "solved_at": "2026-03-03 00:20:00", "reopens": "0", "handoffs": "0", "status": "solved",
            "extracted_on": EXTRACTED,
        },
        {
            "interaction_id": "35438", "partner_id": "northline", "created_at": "2026-03-05 08:00:00",
            "queue": "Northline Tier 1", "channel": "web", "reason": "Problem", "agent_id": "Kim L",
            "priority": "high", "first_reply_at": "2026-03-05 08:30:00", "reopens": "0", "handoffs": "0",
            "status": "open", "extracted_on": EXTRACTED,
        },
    ]  # fmt: skip
    assert keys[0] == keys[2] != keys[1]  # " ann.smith@example.com " is Ann.Smith@Example.com
    assert [(row["survey_id"], row.get("score")) for row in done.rows("surveys")] == [
        ("35436", "1"), ("35437", "0"), ("35438", None),
    ]  # fmt: skip
    assert done.account.dropped == {"deleted ticket": 1}
    assert done.account.tables["interactions"].unmatched == 1  # the own team is named by no rule, and is nobody
    assert done.account.unmatched_values["Group"] == {"Own team": 1}
    assert "Country [list]" in done.account.ignored
    assert {"Subject", "Requester", "Requester id"} <= set(done.account.free_text)


def test_no_free_text_and_no_customer_is_carried_over(run, partner_map):
    done = run("zendesk", "zendesk.csv", timezone="Europe/Berlin")
    files = [file for file in done.folder.rglob("*") if file.is_file() and file.name != "partners-map.toml"]
    written = "".join(file.read_text(encoding="utf-8") for file in files).casefold()
    for text in ("ann.smith", "bob@", "cara", "parcel lost", "refund", "2201", "kim@northline"):
        assert text not in written


def test_freshdesk_computes_empty_times_from_timestamps(run, partner_map):
    done = run("freshdesk", "freshdesk.csv", timezone="Europe/Berlin")
    rows = done.rows("interactions")
    keys = hashed(rows)
    assert keys[0] == keys[2]
    shared = {"partner_id": "northline", "queue": "Northline", "product": "Shop", "extracted_on": EXTRACTED}
    assert rows == [
        shared | {
            "interaction_id": "9001", "created_at": "2026-03-02 08:00:00", "channel": "email", "reason": "Delivery",
            "agent_id": "Mia", "priority": "medium", "first_reply_at": "2026-03-02 09:30:00",
            "solved_at": "2026-03-04 12:10:33", "closed_at": "2026-03-05 09:00:00", "sla_met": "true",
            "status": "closed",
        },
        # 28:30:00 after it was created; the negative first response is missing, not nought.
        shared | {
            "interaction_id": "9002", "created_at": "2026-03-03 10:00:00", "channel": "voice", "reason": "Return",
            "agent_id": "Ben", "priority": "low", "solved_at": "2026-03-04 14:30:00", "sla_met": "false",
            "status": "resolved",
        },
        shared | {
            "interaction_id": "9004", "created_at": "2026-03-04 07:00:00", "channel": "web", "reason": "Question",
            "agent_id": "Mia", "priority": "urgent", "first_reply_at": "2026-03-04 08:30:00", "status": "open",
        },
        # Resolved an hour before it was created.
        shared | {
            "interaction_id": "9005", "created_at": "2026-03-05 12:00:00", "channel": "chat", "reason": "Question",
            "agent_id": "Mia", "priority": "low", "first_reply_at": "2026-03-05 12:05:00", "sla_met": "true",
            "status": "closed",
        },
    ]  # fmt: skip
    account = done.account
    assert account.form == "cp1252, delimiter ','"
    assert account.dropped == {"spam or deleted": 1}
    assert account.tables["interactions"].changed["solved before created: solved_at and closed_at set missing"] == 1
    assert "negative duration in 'First response time (in hrs)': 1 values set missing" in account.notes
    assert (
        "resolution is read from 'Resolution time (in hrs)' (column 27, 2 values); not used: "
        "'Resolution time (in hrs)' (column 16, 0 values)" in account.notes
    )
    surveys = done.rows("surveys")
    assert [(row["survey_id"], row["score"]) for row in surveys] == [("9001", "3"), ("9002", "1")]
    # Only answers are exported: no row says that a survey was sent, or the response rate would read 100 %.
    assert [("answered_at" in row, "sent_at" in row) for row in surveys] == [(True, False)] * 2
    dataset = open_dataset(done.folder)
    assert dataset.check().ok
    assert dataset.unavailable["survey_response_rate"] == "table surveys has no column sent_at"
    assert "csat" not in dataset.unavailable


def test_freshservice_spellings(run):
    rows = run("freshdesk", "freshservice.csv", timezone="Europe/Berlin", partner="northline").rows("interactions")
    hashed(rows)
    assert rows == [
        {
            "interaction_id": "INC-12", "partner_id": "northline", "created_at": "2026-03-02 08:00:00",
            "queue": "Northline Desk", "channel": "web", "reason": "Incident", "agent_id": "Mia", "priority": "medium",
            "first_reply_at": "2026-03-02 08:30:00", "solved_at": "2026-03-02 20:00:00", "sla_met": "true",
            "status": "resolved", "extracted_on": EXTRACTED,
        }
    ]  # fmt: skip


def test_salesforce_in_utf_16_with_days_first_and_a_footer(run, write):
    write(
        "data/partners-map.toml",
        """
        [[partners]]
        partner_id = "northline"
        column = "owner_role"
        contains = "northline"
        [[partners]]
        partner_id = "bolt"
        column = "Case Owner Role"
        contains = "bolt"
        """,
    )
    done = run("salesforce", "salesforce.csv", timezone="Europe/Berlin")
    rows = done.rows("interactions")
    keys = hashed(rows)
    assert keys[1] == keys[2]
    assert rows == [
        {
            "interaction_id": "00001026", "partner_id": "northline", "created_at": "2026-03-13 09:12:00",
            "queue": "Northline Berlin", "channel": "voice", "reason": "Billing", "agent_id": "Lea Kern",
            "priority": "high", "solved_at": "2026-03-14 16:40:00", "closed_at": "2026-03-14 16:40:00",
            "escalated": "true", "status": "closed", "extracted_on": EXTRACTED,
        },
        {
            "interaction_id": "00001027", "partner_id": "bolt", "created_at": "2026-03-02 23:30:00",
            "queue": "Bolt Lisbon", "channel": "email", "reason": "Delivery", "agent_id": "Tom Ruiz",
            "priority": "low", "solved_at": "2026-03-03 00:10:00", "closed_at": "2026-03-03 00:10:00",
            "escalated": "false", "status": "closed", "extracted_on": EXTRACTED,
        },
        {
            "interaction_id": "00001028", "partner_id": "bolt", "created_at": "2026-03-04 10:00:00",
            "queue": "Bolt Lisbon", "channel": "web", "agent_id": "Tom Ruiz", "priority": "low", "escalated": "false",
            "status": "new", "extracted_on": EXTRACTED,
        },
    ]  # fmt: skip
    assert (done.account.form, done.account.below) == ("utf-16, delimiter tab", 5)
    assert done.account.dates == "day-first, as '13/03/2026 09:12' shows"


def test_genesys_sums_averages_by_their_own_counts(run, write):
    write(
        "data/partners-map.toml", '[[partners]]\npartner_id = "n"\ncolumn = "Queue Name"\ncontains = ["north", "bolt"]'
    )
    done = run("genesys_queue_interval", "genesys.csv", timezone="Europe/Berlin")
    shared = {"partner_id": "n", "interval_minutes": "30", "extracted_on": EXTRACTED}
    assert done.rows("volume") == [
        shared | {
            "interval_start": "2026-03-02 08:00:00", "queue": "Northline Voice", "channel": "voice", "offered": "20",
            "answered": "18", "answered_in_threshold": "14", "abandoned": "2", "abandoned_short": "1", "flow_out": "0",
            "handled": "18", "transferred": "3", "wait_answered_s": "279", "wait_abandoned_s": "24", "talk_s": "4320",
            "hold_s": "120", "acw_s": "720",  # 30 s over the 4 contacts with a hold, not over 18
        },
        shared | {
            "interval_start": "2026-03-02 08:30:00", "queue": "Northline Voice", "channel": "voice", "offered": "0",
            "answered": "0", "answered_in_threshold": "0", "abandoned": "0", "abandoned_short": "0", "flow_out": "0",
            "handled": "0", "transferred": "0", "wait_answered_s": "0", "wait_abandoned_s": "0", "talk_s": "0",
            "hold_s": "0", "acw_s": "0",
        },
        shared | {
            "interval_start": "2026-03-02 08:00:00", "queue": "Bolt Chat", "channel": "chat", "offered": "4",
            "answered": "4", "answered_in_threshold": "4", "abandoned": "0", "abandoned_short": "0", "flow_out": "0",
            "handled": "4", "transferred": "0", "wait_answered_s": "20", "wait_abandoned_s": "0", "talk_s": "2160",
            "hold_s": "0", "acw_s": "240",
        },
    ]  # fmt: skip
    assert done.account.dropped == {"interval not complete when exported": 1}


CONNECT_MAP = """
    [[partners]]
    partner_id = "northline"
    column = "Agent.HierarchyGroups.Level1.GroupName"
    equals = "northline"
    [[partners]]
    partner_id = "bolt"
    column = "Queue.Name"
    equals = "Support EN"
"""


def test_connect_contact_records_count_once_in_their_last_state(run, write):
    write("data/partners-map.toml", CONNECT_MAP)
    done = run("connect_contact_records", "connect_records.jsonl", dataset_timezone="Europe/Berlin")
    rows = done.rows("interactions")
    hashed(rows)
    assert rows == [
        {
            "interaction_id": "c-1", "partner_id": "northline", "created_at": "2026-03-02 00:30:00",
            "queue": "Support DE", "channel": "voice", "agent_id": "kim@northline.example",
            "answered_at": "2026-03-02 00:30:20", "solved_at": "2026-03-02 00:37:00",
            "closed_at": "2026-03-02 00:37:00", "wait_s": "20", "talk_s": "380", "hold_s": "20", "acw_s": "65",
            "abandoned": "false", "transferred": "false", "extracted_on": "2026-03-02 09:00:00",
        },
        {
            "interaction_id": "c-2", "partner_id": "bolt", "created_at": "2026-03-02 11:00:05", "queue": "Support EN",
            "channel": "chat", "closed_at": "2026-03-02 11:02:00", "wait_s": "115", "abandoned": "true",
            "transferred": "false", "extracted_on": "2026-03-02 11:03:00",
        },
    ]  # fmt: skip
    assert done.account.read == 5
    assert done.account.dropped == {"outbound contact": 1, "ended before a queue or an agent": 1}
    assert done.account.duplicates == 1
    assert done.account.clock == "times with a zone are taken by it; the tables show Europe/Berlin"


def test_connect_contact_records_flattened_to_csv(run):
    rows = run("connect_contact_records", "connect_flat.csv", partner="bolt").rows("interactions")
    assert rows == [
        {
            "interaction_id": "c-9", "partner_id": "bolt", "created_at": "2026-03-03 09:00:10", "queue": "Support DE",
            "channel": "voice", "agent_id": "lee", "answered_at": "2026-03-03 09:00:40",
            "solved_at": "2026-03-03 09:05:00", "closed_at": "2026-03-03 09:05:00", "wait_s": "30", "talk_s": "260",
            "hold_s": "0", "acw_s": "15", "abandoned": "false", "transferred": "false",
            "extracted_on": "2026-03-03 09:06:00",
        }
    ]  # fmt: skip


def test_connect_historical_metrics_need_a_threshold_where_there_are_several(run):
    with pytest.raises(DatasetError, match=r"several thresholds \(20 s, 60 s\).*--threshold 20"):
        run("connect_historical_metrics", "connect_historical.csv", partner="northline")
    done = run("connect_historical_metrics", "connect_historical.csv", partner="northline", threshold_s=60)
    shared = {"partner_id": "northline", "queue": "Northline DE", "channel": "voice", "interval_minutes": "30",
              "threshold_s": "60", "extracted_on": EXTRACTED}  # fmt: skip
    assert done.rows("volume") == [
        shared | {
            "interval_start": "2026-03-02 07:00:00", "offered": "12", "answered": "10", "answered_in_threshold": "9",
            "abandoned": "2", "abandoned_in_threshold": "2", "handled": "10", "transferred": "1",
            "wait_answered_s": "220", "wait_abandoned_s": "70", "talk_s": "2500",
            # 310 - 250 - 20 for all: the 40 s are over contacts with a hold, whose number is not exported.
            "hold_s": "400", "acw_s": "200", "max_wait_s": "95",
        },
        shared | {
            "interval_start": "2026-03-02 07:30:00", "offered": "1", "answered": "0", "answered_in_threshold": "0",
            "abandoned": "1", "abandoned_in_threshold": "1", "handled": "0", "transferred": "0",
            "wait_answered_s": "0", "wait_abandoned_s": "48", "talk_s": "0", "hold_s": "0", "acw_s": "0",
            "max_wait_s": "48",
        },
    ]  # fmt: skip
    assert "threshold_s = 60" in (done.folder / "dataset.toml").read_text(encoding="utf-8")
    with pytest.raises(DatasetError, match=r"no column with a threshold of 30 s; it has 20 s, 60 s"):
        run("connect_historical_metrics", "connect_historical.csv", partner="northline", threshold_s=30)


def test_five9_blanks_are_zero_seconds_and_marks_are_missing(run):
    done = run("five9_call_log", "five9.csv", timezone="America/New_York", partner="northline")
    rows = done.rows("interactions")
    keys = hashed(rows)
    assert keys[0] == keys[1] != keys[2]  # 5550100200 and (555) 010-0200
    shared = {"partner_id": "northline", "channel": "voice", "extracted_on": EXTRACTED}
    assert rows == [
        shared | {
            "interaction_id": "300001", "created_at": "2016-10-27 14:51:34", "queue": "Northline EN",
            "reason": "Resolved", "agent_id": "kim@northline.example", "wait_s": "19", "talk_s": "300", "hold_s": "0",
            "acw_s": "35", "abandoned": "false", "transferred": "false",
        },
        shared | {
            "interaction_id": "300002", "created_at": "2016-10-27 14:58:02", "reason": "Abandon", "wait_s": "20",
            "talk_s": "0", "hold_s": "0", "acw_s": "0", "abandoned": "true", "transferred": "false",
        },
        shared | {
            "interaction_id": "300004", "created_at": "2016-10-27 23:59:00", "queue": "Northline EN",
            "reason": "Resolved", "agent_id": "kim@northline.example", "wait_s": "3", "talk_s": "94200",
            "hold_s": "90", "acw_s": "0", "abandoned": "false", "transferred": "true",
        },
    ]  # fmt: skip
    assert done.account.dropped == {"outbound or internal call": 1}


def test_talkdesk_drops_damaged_rows_with_a_count(run):
    done = run("talkdesk_contacts", "talkdesk.csv", timezone="America/New_York", partner="northline")
    rows = done.rows("interactions")
    assert len(set(hashed(rows))) == 3
    shared = {"partner_id": "northline", "queue": "support", "channel": "voice", "extracted_on": EXTRACTED}
    assert rows == [
        shared | {
            "interaction_id": "t1", "created_at": "2026-03-02 09:00:00", "agent_id": "u1", "team": "Northline",
            "answered_at": "2026-03-02 09:00:12", "solved_at": "2026-03-02 09:03:12", "wait_s": "12", "talk_s": "180",
            "hold_s": "20", "acw_s": "30", "abandoned": "false", "transferred": "false",
        },
        shared | {
            "interaction_id": "t2", "created_at": "2026-03-02 09:10:00", "wait_s": "42", "abandoned": "true",
            "transferred": "false",
        },
        shared | {
            "interaction_id": "t3", "created_at": "2026-03-02 09:20:00", "agent_id": "u1", "team": "Northline",
            "answered_at": "2026-03-02 09:20:03", "solved_at": "2026-03-02 09:30:00", "wait_s": "3",
            "abandoned": "false", "transferred": "true",
        },
    ]  # fmt: skip
    assert done.account.dropped == {"Data Status is Damaged": 1, "outbound contact": 1}
    assert "negative duration in 'Talk Time': 1 values set missing" in done.account.notes


MAESTRO_MAP = """
    [[partners]]
    partner_id = "northline"
    column = "template"
    contains = "northline"
    [[raters]]
    rater_org = "bpo"
    column = "grader_email"
    ends_with = "@northline.example"
    [[raters]]
    rater_org = "client"
    column = "grader_email"
    ends_with = "@client.example"
"""
MAESTRO = tuple(f"maestroqa/{name}.csv" for name in ("answers", "question_scores", "questions", "templates"))


def test_maestroqa_joins_its_files_and_keeps_calibrations_apart(run, write):
    write("data/partners-map.toml", MAESTRO_MAP)
    done = run("maestroqa_raw", *MAESTRO)
    shared = {"partner_id": "northline", "interaction_id": "35436", "agent_id": "kim", "extracted_on": EXTRACTED}
    ours = {"rater_id": "rita@northline.example", "rater_org": "bpo"}
    client = {"rater_id": "qa@client.example", "rater_org": "client", "session_id": "35436", "item_id": "total",
              "rating": "60", "rating_max": "100"}  # fmt: skip
    graded = shared | ours | {"evaluation_id": "a1", "purpose": "grading", "evaluated_at": "2026-03-10 10:00:00"}
    assert done.rows("qa_ratings") == [
        graded | {"item_id": "q1", "rating": "3", "rating_max": "5", "not_applicable": "false"},
        graded | {"item_id": "q2", "rating": "5", "rating_max": "5", "not_applicable": "false"},
        shared | ours | {
            "evaluation_id": "a2", "item_id": "total", "purpose": "calibration", "session_id": "35436",
            "rating": "80", "rating_max": "100", "evaluated_at": "2026-03-11 10:00:00",
        },
        shared | client | {
            "evaluation_id": "a3", "purpose": "calibration", "evaluated_at": "2026-03-11 11:00:00",
        },
        shared | client | {
            "evaluation_id": "a4", "purpose": "calibration_final", "evaluated_at": "2026-03-12 09:00:00",
        },
    ]  # fmt: skip
    assert done.account.dropped == {"deleted in MaestroQA": 1}
    assert "3 rows of answers.csv have no counterpart, and are kept as they are" in done.account.notes


def test_maestroqa_knows_the_maximum_from_the_questions_alone(run):
    done = run("maestroqa_raw", *MAESTRO[:2], partner="northline")
    first = done.rows("qa_ratings")[0]
    assert (first["rating"], "rating_max" in first) == ("3", False)
    assert any("the most a question can score is there" in note for note in done.account.notes)


def test_maestroqa_without_question_scores_has_one_item_for_each_answer(run):
    done = run("maestroqa_raw", "maestroqa/answers.csv", partner="northline")
    assert [(row["evaluation_id"], row["item_id"], row["rating"]) for row in done.rows("qa_ratings")] == [
        ("a1", "total", "80"), ("a2", "total", "80"), ("a3", "total", "60"), ("a4", "total", "60"),
    ]  # fmt: skip


def test_maestroqa_refuses_files_it_does_not_know(run, write):
    other = write("other.csv", "a,b\n1,2\n")
    with pytest.raises(
        DatasetError, match=r"other\.csv is none of the files of profile 'maestroqa_raw'.*answers: answer_id"
    ):
        run("maestroqa_raw", "maestroqa/answers.csv", other, partner="n")
    with pytest.raises(DatasetError, match="are both answers"):
        run("maestroqa_raw", "maestroqa/answers.csv", "maestroqa/answers.csv", partner="n")
    with pytest.raises(DatasetError, match="holds templates, which say nothing alone"):
        run("maestroqa_raw", "maestroqa/templates.csv", partner="n")


def test_generic_reads_our_own_columns_of_the_table_a_file_is_named_after(run, write):
    file = write(
        "in/roster.csv",
        """
        Agent_ID;partner id;Hire Date;fte;unknown
        a1;northline;2026-03-01;1;x
        a2;bolt;2026-02-28;0.5;
        """,
    )
    done = run("generic", file, timezone="Europe/Berlin", dataset_timezone="America/New_York")
    assert done.rows("roster") == [  # a date is a day of the calendar, whatever the zone
        {"agent_id": "a1", "partner_id": "northline", "hire_date": "2026-03-01", "fte": "1", "extracted_on": EXTRACTED},
        {"agent_id": "a2", "partner_id": "bolt", "hire_date": "2026-02-28", "fte": "0.5", "extracted_on": EXTRACTED},
    ]
    assert done.account.ignored == ("unknown",)
    assert [row["partner_id"] for row in done.rows("partners")] == ["northline", "bolt"]


def test_a_profile_of_ones_own_is_a_file(run, write):
    profile = write(
        "ours.toml",
        """
        [profile]
        timezone = "Europe/Berlin"
        decimal = ","
        partner_columns = ["team"]

        [columns]
        number = { headers = ["Vorgang"], required = true }
        opened = { headers = ["Eröffnet"], read = "time", required = true }
        talk = { headers = ["Gespräch (Min)"], read = "duration", unit = "min" }
        team = { headers = ["Team"] }

        [tables.interactions.columns]
        interaction_id = "number"
        created_at = "opened"
        talk_s = "talk"
        """,
    )
    export = write("export.csv", "Vorgang;Eröffnet;Gespräch (Min);Team\n7;31.03.2026 08:05;1,5;A\n", "cp1252")
    rows = run(str(profile), export, partner="a").rows("interactions")
    assert rows == [
        {"interaction_id": "7", "partner_id": "a", "created_at": "2026-03-31 08:05:00", "team": "A", "talk_s": "90",
         "extracted_on": EXTRACTED}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[profil]\n", r"has no key 'profil'\. Did you mean 'profile'\?"),
        ('[columns.a]\nheader = ["A"]\n', r"\[columns\.a\] has no key 'header'\. Did you mean 'headers'\?"),
        ('[columns.a]\nheaders = ["A"]\nread = "duration"\n', "a duration needs a unit"),
        ('[columns.a]\nheaders = ["A"]\nread = "moment"\n', "read must be one of 'text', 'time'"),
        ('[profile]\ntimezone = "Berlin"\n', "'Berlin' is not a time zone"),
        ('[profile]\npartner_columns = ["tem"]\n[columns.team]\nheaders = ["T"]\n', "names 'tem'.*Did you mean 'team'"),
        ('[columns.a]\nheaders = ["A"]\n', "fills no table"),
        ("[tables.interaction.columns]\n", "Did you mean 'interactions'"),
        ("[columns\n", "is not valid TOML"),
    ],
)
def test_a_profile_with_a_mistake_is_refused_with_the_place(write, toml, message):
    with pytest.raises((DatasetError, UnknownNameError), match=message):
        load_profile(str(write("own.toml", toml)))


def test_an_expression_of_a_profile_with_a_misspelt_column_is_refused(run, write):
    own = write(
        "own.toml", profile_text("connect_contact_records").replace('"queue_name"\nchannel', '"queue_nam"\nchannel')
    )
    with pytest.raises(DatasetError, match="queue_nam"):
        run(str(own), "connect_flat.csv", partner="n", timezone="UTC")


def test_an_unknown_profile_lists_those_there_are():
    with pytest.raises(UnknownNameError, match=r"Unknown profile 'zendsk'. Did you mean 'zendesk'"):
        load_profile("zendsk")
    with pytest.raises(DatasetError, match=r"nowhere.toml cannot be read"):
        load_profile("nowhere.toml")


def test_a_decimal_comma_is_proven_by_the_file_and_said(run, write):
    header = "Queue;StartInterval;EndInterval;Channel;Contacts queued;Contacts handled;Average queue answer time"
    export = write("semi.csv", f"{header}\nq;2026-03-02 08:00;2026-03-02 08:30;VOICE;1.010;1.000;12,5\n")
    done = run("connect_historical_metrics", export, timezone="UTC", partner="n")
    row = done.rows("volume")[0]
    assert (row["offered"], row["wait_answered_s"]) == ("1010", "12500")
    assert "numbers have a decimal comma, as '12,5' shows" in done.account.notes


def test_a_comma_that_can_be_either_stays_unread(run, write):
    header = "Queue;StartInterval;EndInterval;Channel;Contacts queued;Contacts handled"
    export = write("semi.csv", f"{header}\nq;2026-03-02 08:00;2026-03-02 08:30;VOICE;7;1,000\n")
    done = run("connect_historical_metrics", export, timezone="UTC", partner="n")
    assert "handled" not in done.rows("volume")[0]
    assert "'Contacts handled': 1 values are no number and set missing (first '1,000' in row 1)" in done.account.notes
