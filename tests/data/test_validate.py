"""Bad input must end in a clear message: what, where, how often, and what to do."""

import re

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.errors import DatasetError, DataValidationError

DAYS = """
    partner_id,interval_start,offered,answered,answered_in_threshold,abandoned,talk_s
    acme,2026-01-01,10,9,8,1,900
    acme,2026-01-02,12,12,11,0,1000
    bolt,2026-01-01,20,18,17,2,1800
"""


def edited(old, new, text=DAYS):
    assert old in text
    return text.replace(old, new)


BAD = """
    partner_id,interval_start,offered,answered,answered_in_threshold,abandoned,talk_s
    acme,2026-01-01,10,9,8,1,900
    acme,2026-01-02,12,11,12,0,1000
    acme,2026-01-03,10,9,8,1,-900
    acme,2026-01-04,-10,9,8,1,900
    acme,2026-01-05,ten,9,8,1,900
    acme,2026-01-06,10.5,9,8,1,900
    acme,2026-01-07,,9,8,1,900
    acme,2026-01-08,10,9,8,1,"1,000"
    acme,1926-01-09,10,9,8,1,900
    acme,2226-01-10,10,9,8,1,900
    acme,2026-02-30,10,9,8,1,900
    acme,2026-01-01,11,9,8,1,900
    bollt,2026-01-11,10,9,8,1,900
    ,2026-01-12,10,9,8,1,900
"""
FOUND = {
    (2, "answered_in_threshold", "answered_in_threshold = 12, answered = 11"): (
        "answered_in_threshold exceeds answered", "check that both columns count the same queue",
    ),
    (3, "talk_s", "-900.0"): ("is negative", "correct the export, or repair it by a named rule"),
    (4, "offered", "-10"): ("is negative", "correct the export"),
    (5, "offered", "ten"): ("is not a whole number", 'name a mark of missing: [tables.volume] null = ["..."]'),
    (6, "offered", "10.5"): ("is not a whole number", "correct it"),
    (7, "offered", ""): ("required value is missing", "fill it in, or drop such rows by a named rule"),
    (8, "talk_s", "1,000"): ("is not a number", 'decimal = "," where 1,5 is one and a half, decimal = "." where 1,500'),
    (9, "interval_start", "1926-01-09 00:00:00"): ("date is outside 1990-01-01 to 2100-01-01", "check the year"),
    (10, "interval_start", "2226-01-10 00:00:00"): ("date is outside", "check the year and the date format"),
    (11, "interval_start", "2026-02-30"): ("is not a time", "correct it"),
    (12, "partner_id, interval_start", "partner_id = acme, interval_start = 2026-01-01 00:00:00"): (
        "key is there more than once (first in row 1)", 'keep the latest by a rule with action = "keep_last"',
    ),
    (13, "partner_id", "bollt"): (
        "partner is not in table partners. Did you mean 'bolt'?",
        "rows of unknown partners are never counted as in-house",
    ),
    (14, "partner_id", ""): ("required value is missing", "fill it in"),
}  # fmt: skip


def test_every_kind_of_bad_value_is_found_with_its_row(write_dataset, problems):
    found = {
        (p.row, p.column, p.value): p for p in problems(write_dataset(volume=BAD), table="volume", severity="error")
    }
    assert found.keys() == FOUND.keys()
    for place, (rule, remedy) in FOUND.items():
        assert rule in found[place].rule
        assert remedy in found[place].remedy


def test_a_misspelt_column_is_suggested(write_dataset, problems):
    folder = write_dataset(volume=edited("offered", "ofered"))
    (problem,) = problems(folder, table="volume", severity="error")
    assert problem.rule == "required column is missing. Did you mean 'ofered'?"
    assert "The headers are 'partner_id', 'interval_start', 'ofered'" in problem.remedy
    with pytest.raises(
        DataValidationError, match=r"column offered: required column is missing\. Did you mean 'ofered'"
    ):
        open_dataset(folder).prepare()


def test_a_misspelt_optional_column_is_a_warning(write_dataset, problems):
    (problem,) = problems(write_dataset(volume=edited("abandoned,", "abandond,")), table="volume")
    assert (problem.severity, problem.value) == ("warning", "abandond")
    assert problem.rule == "header is not used. Did you mean 'abandoned'?"


def test_a_misspelt_column_of_the_schema_in_the_mapping_is_a_warning(write_dataset, problems):
    toml = '[tables.volume.columns]\nabandond = "abandoned"\n'
    volume = edited("abandoned", "lost")
    (problem,) = problems(write_dataset(toml.replace('"abandoned"', '"lost"'), volume=volume), column="abandond")
    assert problem.rule.endswith("is kept as the dataset's own. Did you mean 'abandoned'?")


def test_a_mapping_to_a_column_that_is_not_there_is_suggested(write_dataset, problems):
    toml = """
        [tables.volume.columns]
        offered = "ofered"
        answered = "answred * 1"
        talk_s = "UNKNOWN(talk_s)"
        site = "north"
    """
    found = {p.column: p.rule for p in problems(write_dataset(toml, volume=DAYS), severity="error")}
    assert found.keys() == {"offered", "answered", "talk_s", "site"}
    assert "'ofered' uses column 'ofered', which is not there. Did you mean 'offered'?" in found["offered"]
    assert "For a constant text write \"'north'\"" in found["site"]
    assert "Did you mean 'answered'?" in found["answered"]
    assert "uses 'UNKNOWN(talk_s)', which row expressions do not have" in found["talk_s"]


def test_text_in_the_way_of_an_expression_is_found_with_its_row(write_dataset, problems):
    toml = "[tables.volume.columns]\ntalk_s = 'talk_s * 60'\n"
    (problem,) = problems(write_dataset(toml, volume=edited("1000", "?")), severity="error")
    assert (problem.row, problem.column, problem.value) == (2, "talk_s", "?")
    assert problem.rule == "is not a number, and an expression takes it for one"
    assert not problems(write_dataset(toml + "[tables.volume]\nnull = '?'\n", volume=edited("1000", "?"), folder="b"))


def test_a_date_column_in_another_form_is_named(write_dataset, problems):
    day_first = DAYS.replace("2026-01-02", "31/01/2026").replace("2026-01-01", "01/01/2026")
    (problem, *_) = problems(write_dataset(volume=day_first), column="interval_start")
    assert problem.rule == "is not a time"
    assert problem.remedy == "write [tables.volume] date_format = '%d/%m/%Y'"
    toml = "[tables.volume]\ndate_format = '%m/%d/%Y'\n"
    (problem,) = problems(write_dataset(toml, volume=day_first, folder="b"), column="interval_start")
    assert (problem.value, problem.remedy) == ("31/01/2026", "write [tables.volume] date_format = '%d/%m/%Y'")
    toml = "[tables.volume]\ndate_format = '%d/%m/%Y'\n"
    assert not problems(write_dataset(toml, volume=day_first, folder="c"), severity="error")


def test_dates_that_can_be_read_in_two_ways_are_not_guessed(write_dataset, problems):
    either = DAYS.replace("2026-01-02", "03/04/2026").replace("2026-01-01", "02/04/2026")
    (problem, *_) = problems(write_dataset(volume=either), column="interval_start")
    assert problem.count == 3
    assert "date_format = '%d/%m/%Y' or date_format = '%m/%d/%Y'" in problem.remedy
    assert "is the day first or the month? Nothing in the values decides it" in problem.remedy


def test_a_time_zone_is_not_guessed(write_dataset, problems):
    zoned = DAYS.replace("2026-01-02", "2026-01-01T23:30:00Z")
    (problem,) = problems(write_dataset(volume=zoned), column="interval_start")
    assert 'times = "local" if the clock shows local time' in problem.remedy
    toml = "[dataset]\ntimezone = 'Europe/Berlin'\n[tables.volume]\ntimes = 'utc'\n"
    rows = open_dataset(write_dataset(toml, volume=zoned, folder="b")).kpi_rows(kpi="offered", partner_id="acme")
    assert rows["date"].astype(str).tolist() == ["2026-01-01", "2026-01-02"]


@pytest.mark.parametrize(
    ("missing", "rule"),
    [
        ("partners", "required table is missing: who answers the contacts"),
        ("targets", "required table is missing: what was agreed"),
        ("volume", "required table is missing: volume, or interactions in its place"),
    ],
)  # fmt: skip
def test_a_missing_required_table_is_named(write_dataset, problems, missing, rule):
    (problem,) = problems(write_dataset(**{missing: None}), severity="error", table=missing)
    assert problem.rule.startswith(rule)
    assert f"[tables.{missing}]" in problem.remedy


def test_a_misspelt_file_is_suggested(write_dataset, problems):
    folder = write_dataset(volume=None, files={"volumes.csv": DAYS, "survey.csv": "x\n1\n", "notes.csv": "x\n1\n"})
    (volume,) = problems(folder, table="volume")
    assert "Did you mean file 'volumes.csv'?" in volume.rule
    (surveys,) = problems(folder, table="surveys")
    assert (surveys.severity, surveys.rule) == ("warning", "file survey.csv is not used. Did you mean surveys?")


def test_every_problem_of_every_table_comes_at_once(write_dataset, problems):
    volume = """
        partner_id,interval_start,offered,answered,talk_s
        acme,2026-01-01,-1,9,-5
        acme,soon,12,x,1000
        nobody,2026-01-01,20,18,1800
    """
    interactions = """
        interaction_id,partner_id,created_at,solved_at
        1,acme,2026-01-02,2026-01-01
        1,acme,2026-01-02,2026-01-03
    """
    targets = "kpi,op,value,kind\nservice_levl,>=,1,absolute\n"
    found = {
        (p.table, p.column) for p in problems(write_dataset(volume=volume, interactions=interactions, targets=targets))
    }
    assert found >= {
        ("volume", "offered"), ("volume", "interval_start"), ("volume", "talk_s"), ("volume", "answered"),
        ("volume", "partner_id"), ("interactions", "interaction_id"), ("interactions", "solved_at"), ("targets", "kpi"),
    }  # fmt: skip


def test_at_most_three_rows_stand_for_many(write_dataset, problems):
    lines = "".join(f"acme,2026-01-{day:02d},-{day}\n" for day in range(1, 29))
    found = problems(write_dataset(volume="partner_id,interval_start,offered\n" + lines), column="offered")
    assert [(p.row, p.value, p.count) for p in found] == [(1, "-1", 28), (2, "-2", 28), (3, "-3", 28)]


def test_many_unknown_partners_are_cut_short(write_dataset, problems):
    lines = "".join(f"other {i},2026-01-01,1\n" for i in range(50))
    found = problems(write_dataset(volume="partner_id,interval_start,offered\n" + lines), column="partner_id")
    assert len(found) == 11
    assert found[-1].rule == "more partners are not in table partners"


def test_a_month_of_parts_above_their_whole_is_an_error_and_a_day_a_warning(write_dataset, problems):
    head = "partner_id,interval_start,offered,handled,transferred\n"
    late = head + "acme,2026-01-01,5,5,6\nacme,2026-01-02,5,5,1\nbolt,2026-01-01,5,5,1\n"
    (problem,) = problems(write_dataset(volume=late), column="transfer_rate")
    assert (problem.severity, problem.value) == ("warning", "acme, 2026-01-01: 6 of 5")
    (problem,) = problems(write_dataset(volume=late.replace("5,5,1", "5,5,5"), folder="b"), column="transfer_rate")
    assert (problem.severity, problem.value, problem.table) == ("error", "acme, 2026-01: 11 of 10", "volume")
    assert problem.rule == "numerator exceeds denominator (transferred of COALESCE(handled, answered))"


def test_a_wrong_answer_in_a_choice_names_the_choices(write_dataset, problems):
    surveys = "survey_id,partner_id,type,sent_at,score,scale_min,scale_max\n1,acme,CSAT,2026-01-01,9,1,5\n"
    found = {p.column: p for p in problems(write_dataset(surveys=surveys), table="surveys")}
    assert found["type"].rule == "is none of 'csat', 'nps', 'ces'"
    assert found["type"].remedy == "map your values with a CASE expression"
    assert found["score"].value == "score = 9.0, scale_min = 1.0, scale_max = 5.0"


def test_prepare_raises_with_the_first_problem_in_words_and_all_in_a_table(write_dataset):
    folder = write_dataset(volume=edited("1000", "-1000", edited("20,18", "-20,18")))
    words = (
        "The data in .* have 2 errors. First: table volume, row 3, column offered: is negative .value '-20'.. "
        "Correct the export, or repair it by a named rule. Run 'bpo check .*' for all of them."
    )
    with pytest.raises(DataValidationError) as caught:
        open_dataset(folder).prepare()
    assert re.match(words, str(caught.value))
    assert caught.value.problems.columns.tolist() == [
        "severity", "table", "row", "column", "value", "rule", "count", "remedy"
    ]  # fmt: skip
    assert caught.value.problems.query("severity == 'error'")["row"].tolist() == [3, 2]


def test_one_error_is_one_error(write_dataset):
    with pytest.raises(DataValidationError, match=r"have 1 error\. First"):
        open_dataset(write_dataset(volume=edited("1000", "-1000"))).prepare()


def test_a_survey_needs_the_day_it_was_sent_or_answered(write_dataset):
    header = "survey_id,partner_id,type,score,scale_min,scale_max"
    answered = write_dataset(surveys=f"{header},answered_at\n1,acme,csat,4,1,5,2026-01-03\n", folder="answered")
    dataset = open_dataset(answered)
    assert dataset.check().ok
    assert dataset.unavailable["survey_response_rate"] == "table surveys has no column sent_at"
    assert dataset.kpi_rows(kpi="csat", partner_id="acme")["denominator"].sum() == 1
    neither = open_dataset(write_dataset(surveys=f"{header}\n1,acme,csat,4,1,5\n")).check()
    assert not neither.ok
    assert "neither sent_at nor answered_at" in set(neither.problems["rule"])


def test_answers_without_a_day_of_sending_are_not_in_the_response_rate(write_dataset):
    surveys = (
        "survey_id,partner_id,type,score,scale_min,scale_max,sent_at,answered_at\n"
        "1,acme,csat,4,1,5,,2026-01-03\n2,acme,csat,5,1,5,2026-01-03,2026-01-04\n3,acme,csat,,1,5,2026-01-03,\n"
    )
    rows = open_dataset(write_dataset(surveys=surveys)).kpi_rows(kpi="survey_response_rate")
    assert (rows["numerator"].sum(), rows["denominator"].sum()) == (1, 2)


QA = "evaluation_id,item_id,partner_id,rating,rating_max,evaluated_at\n" + "".join(
    f"e{day},i,acme,1,2,2026-01-{day:02d}\n" for day in range(2, 30)
)


def test_evaluations_alone_are_a_dataset(write_dataset):
    dataset = open_dataset(write_dataset(volume=None, qa_ratings=QA))
    check = dataset.check()
    assert check.ok
    assert any("the days of the dataset are those of table qa_ratings" in note for note in check.notes)
    assert [day.isoformat() for day in dataset.span] == ["2026-01-02", "2026-01-29"]
    assert "volume is not in this dataset" in dataset.unavailable["offered"]


def test_registers_alone_are_none(write_dataset):
    check = open_dataset(write_dataset(volume=None, events="event_id,start,title\n1,2026-01-01,x\n")).check()
    assert "required table is missing: volume, or interactions in its place" in set(check.problems["rule"])


def weekly(days):
    return "partner_id,interval_start,offered\n" + "".join(f"acme,2026-01-{d:02d},70\n" for d in days)


def test_rows_of_one_weekday_are_weeks(write_dataset):
    dataset = open_dataset(write_dataset(volume=weekly([5, 12, 19, 26])))
    check = dataset.check()
    assert dataset.grain == "week"
    assert [day.isoformat() for day in dataset.span] == ["2026-01-05", "2026-02-01"]
    assert not [p for p in check.problems["rule"] if "days without rows" in p]
    assert any("rows of table volume are weekly" in note for note in check.notes)
    with pytest.raises(DatasetError, match="are weekly, so there is no last complete day"):
        dataset.period(grain="day")
    with pytest.raises(DatasetError, match="are weekly: there is no page of a single day"):
        dataset.period("2026-01-05")
    assert dataset.period("2026-W03").start.isoformat() == "2026-01-12"


@pytest.mark.parametrize("days", [[5, 12, 19], [5, 12, 19, 27]])
def test_few_rows_or_another_weekday_are_days(write_dataset, days):
    assert open_dataset(write_dataset(volume=weekly(days))).grain == "day"
