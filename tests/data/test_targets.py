from datetime import date

import pandas as pd
import pytest

from bpo_analysis.data import open_dataset, target_for
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.targets import read_targets
from bpo_analysis.kpis import KPIS

BLANK = dict.fromkeys(TABLES["targets"].by_name)


def read(**fields):
    row = BLANK | {"_row": 1, "kpi": "service_level", "op": ">=", "kind": "absolute"} | fields
    return read_targets(pd.DataFrame([row]), KPIS)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"value": "0.95"}, 0.95), ({"value": "95 %"}, 0.95), ({"value": "95%"}, 0.95),
        ({"kpi": "aht_s", "value": "300"}, 300), ({"kpi": "nps", "value": "+40"}, 40),
        ({"kpi": "nps", "value": "−5"}, -5),
        ({"value": "0.95", "kind": None}, 0.95), ({"kpi": "nps", "value": "-5", "kind": None}, -5),
        ({"value": "+5 pp", "kind": "points", "baseline_value": 0.70}, 0.75),
        ({"value": "5 %", "kind": "points", "baseline_value": 0.70}, 0.75),
        ({"value": "0.05", "kind": "points", "baseline_value": 0.70}, 0.75),
        ({"value": "-5 points", "kind": "points", "baseline_value": 0.70}, 0.65),
        ({"kpi": "nps", "value": "5", "kind": "points", "baseline_value": 30}, 35),
        ({"value": "10 %", "kind": "relative", "baseline_value": 0.70}, 0.77),
        ({"value": "0.10", "kind": "relative", "baseline_value": 0.70}, 0.77),
        ({"kpi": "aht_s", "value": "-10 %", "kind": "relative", "baseline_value": 300}, 270),
    ],
)  # fmt: skip
def test_a_target_is_a_number_in_the_unit_of_its_kpi(fields, value):
    targets, problems = read(**fields)
    assert not problems
    assert targets[0].value == pytest.approx(value)


def test_a_bare_change_is_refused_with_its_readings_spelled_out():
    targets, (problem,) = read(value="10 %", kind=None, baseline_value=0.70)
    assert targets == []
    assert problem.severity == "error"
    assert problem.rule == (
        "has no kind: it can mean a level of 10.0%, or as a change from 70.0% to 77.0% (relative) or to 80.0% (points)"
    )
    assert "kind = relative or kind = points, with baseline_value" in problem.remedy


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"value": "10 %", "kind": None}, "from 70.0% to 77.0% (relative) or to 80.0% (points)"),
        ({"value": "+10", "kind": None, "baseline_value": 0.5}, "from 50.0% to 55.0% (relative) or to 60.0% (points)"),
        ({"value": "+5 pp", "kind": None}, "has no kind"),
        ({"kpi": "aht_s", "value": "-10 %", "kind": None}, "aht_s is not a share, so this must be a change"),
        ({"value": "+5 pp"}, "is in points, but kind = absolute"),
        ({"value": "+5 pp", "kind": "relative", "baseline_value": 0.7}, "is in points, but kind = relative"),
        ({"value": "10", "kind": "relative", "baseline_value": 0.07}, "has no mark: 10 as kind = relative would"),
        ({"value": "5", "kind": "points", "baseline_value": 0.07}, "has no mark: 5 as kind = points would be 500%"),
        ({"value": "10 %", "kind": "relative"}, "is missing for kind = relative"),
        ({"value": "5 pp", "kind": "points", "baseline_value": 70}, "lies outside the range of service_level"),
        ({"value": "95"}, "lies outside the range of service_level (limit 1)"),
        ({"value": "-0.5"}, "lies outside the range of service_level (limit 0)"),
        ({"kpi": "aht_s", "value": "95 %"}, "has '%', but aht_s is not a share (unit: seconds)"),
        ({"value": "ninety"}, "is not a number"), ({"value": "0,95"}, "is not a number"),
        ({"kpi": "servicelevel", "value": "1"}, "is not a KPI of the catalogue. Did you mean 'service_level'?"),
        ({"op": "between", "value": "0.8"}, "is missing for op = between"),
        ({"op": "between", "value": "0.8", "value_high": "0.7"}, "is below value"),
        ({"value": "0.8", "valid_from": "2026-02-01", "valid_to": "2026-01-31"}, "is before valid_from (2026-02-01)"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_in_one_way_only_is_refused(fields, words):
    targets, (problem,) = read(**fields)
    assert targets == []
    assert words in problem.rule
    assert problem.remedy


def test_the_remedy_for_a_share_written_as_a_whole_number_names_both_spellings():
    assert read(value="95")[1][0].remedy == "write 0.95 or 95 %"


TARGETS = """
    kpi,partner_id,channel,tier,valid_from,valid_to,op,value,kind,baseline_value
    service_level,,,expected,2025-01-01,,>=,80 %,absolute,
    service_level,,,expected,2026-01-01,,>=,85 %,absolute,
    service_level,acme,,expected,2026-01-15,2026-01-20,>=,90 %,absolute,
    service_level,,voice,expected,2025-01-01,,>=,99 %,absolute,
    service_level,,,minimum,2025-01-01,,>=,70 %,absolute,
    abandonment_rate,,,expected,2026-01-01,2026-01-31,<=,+2 pp,points,0.05
    abandonment_rate,,,expected,2026-01-20,,<=,6 %,absolute,
"""


@pytest.fixture
def targets(write_dataset):
    return open_dataset(write_dataset(targets=TARGETS)).targets()


@pytest.mark.parametrize(
    ("partner", "day", "value"),
    [
        ("bolt", date(2024, 12, 31), None), ("bolt", date(2025, 6, 1), 0.80), ("bolt", date(2026, 1, 16), 0.85),
        ("acme", date(2026, 1, 14), 0.85), ("acme", date(2026, 1, 15), 0.90), ("acme", date(2026, 1, 20), 0.90),
        ("acme", date(2026, 1, 21), 0.85),
    ],
)  # fmt: skip
def test_the_most_particular_and_then_the_latest_target_holds(targets, partner, day, value):
    found = target_for(targets, "service_level", partner, day)
    assert (found.value if found else None) == value


def test_tiers_are_kept_apart(targets):
    assert target_for(targets, "service_level", "acme", date(2026, 1, 16), tier="minimum").value == 0.70
    assert target_for(targets, "service_level", "acme", date(2026, 1, 16), tier="stretch") is None


def test_two_targets_for_the_same_day_are_reported_and_the_later_counts(write_dataset, problems, targets):
    (problem,) = problems(write_dataset(targets=TARGETS), table="targets")
    assert (problem.severity, problem.row, problem.value) == ("warning", 7, "2026-01-20")
    assert "another target of abandonment_rate holds until 2026-01-31; from here on, this one counts" in problem.rule
    assert target_for(targets, "abandonment_rate", "bolt", date(2026, 1, 19)).value == pytest.approx(0.07)
    assert target_for(targets, "abandonment_rate", "bolt", date(2026, 1, 25)).value == pytest.approx(0.06)


CLOSED = """
    kpi,partner_id,tier,valid_from,valid_to,op,value,kind
    service_level,,expected,2026-01-01,2026-12-31,>=,80 %,absolute
    service_level,,expected,2026-03-01,2026-04-30,>=,85 %,absolute
    service_level,,expected,2026-06-01,2026-07-31,>=,85 %,absolute
    service_level,acme,expected,2026-03-01,2026-04-30,>=,85 %,absolute
    service_level,,minimum,2026-03-01,2026-04-30,>=,70 %,absolute
"""


def test_two_closed_windows_on_one_day_contradict_each_other(write_dataset, problems):
    second, third = problems(write_dataset(targets=CLOSED), table="targets")
    assert (second.severity, second.row) == ("error", 2)
    assert "rows 1 and 2 of targets.csv both hold for service_level from 2026-03-01 to 2026-04-30" in second.rule
    # The long one overlaps the third row too, though a shorter one lies between them.
    assert (third.severity, third.row) == ("error", 3)
    assert "rows 1 and 3 of targets.csv both hold for service_level from 2026-06-01 to 2026-07-31" in third.rule


def test_an_open_ended_target_is_followed_by_the_next_one(write_dataset, problems):
    assert not problems(write_dataset(targets=CLOSED.replace("2026-12-31", "")), table="targets")


def test_all_target_problems_come_at_once_with_their_rows(write_dataset, problems):
    rows = """
        kpi,op,value,kind
        service_level,>=,+10 %,
        service_levl,>=,0.9,absolute
        csat,=>,0.9,absolute
        csat,>=,,absolute
    """
    found = {(p.row, p.column) for p in problems(write_dataset(targets=rows), table="targets")}
    assert {(1, "value"), (2, "kpi"), (3, "op"), (4, "value")} <= found
