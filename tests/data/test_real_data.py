"""Real datasets that are not in the repository, brought in by writing a dataset.toml and nothing else."""

from pathlib import Path

import pandas as pd
import pytest

from bpo_analysis.data import open_dataset

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"needs the real data in {REAL}")

MEDICAID = """
    [dataset]
    title = "Medicaid and CHIP call centres by state"

    [tables.partners]
    file = "calls.csv"
    distinct = true

    [tables.partners.columns]
    partner_id = "State Name"

    [tables.volume]
    file = "calls.csv"
    date_format = "%Y%m"

    # The rates are published without their numerators: weighted by the calls, they can be added up again.
    [tables.volume.columns]
    partner_id = "State Name"
    interval_start = "Reporting Period"
    offered = "Total Call Center Volume (Number of Calls)"
    answered = "Total Call Center Volume (Number of Calls)"
    abandoned = 'ROUND("Total Call Center Volume (Number of Calls)" * "Average Call Center Abandonment Rate")'
    wait_answered_s = '"Total Call Center Volume (Number of Calls)" * "Average Call Center Wait Time (Minutes)" * 60'
    edition = "Preliminary or Updated"

    [[tables.volume.rules]]
    name = "updated replaces preliminary"
    action = "keep_last"
    by = ["partner_id", "interval_start"]
    order = "CASE edition WHEN 'U' THEN 2 ELSE 1 END"

    [[tables.volume.rules]]
    name = "no volume published"
    action = "drop"
    where = "offered IS NULL"

    [[tables.targets.rows]]
    kpi = "abandonment_rate"
    op = "<="
    value = "10 %"
    kind = "absolute"
"""

ITSM = """
    [dataset]
    title = "Incidents of an IT service desk"

    [tables.partners]
    file = "incident_event_log.csv.gz"
    null = "?"
    distinct = true

    [tables.partners.columns]
    partner_id = "COALESCE(assignment_group, 'no group')"

    [tables.interactions]
    file = "incident_event_log.csv.gz"
    null = "?"
    date_format = "%d/%m/%Y %H:%M"

    [tables.interactions.columns]
    interaction_id = "number"
    partner_id = "COALESCE(assignment_group, 'no group')"
    created_at = "opened_at"
    solved_at = "COALESCE(resolved_at, closed_at)"
    reason = "category"
    agent_id = "resolved_by"
    reopens = "reopen_count"
    handoffs = "reassignment_count"
    sla_met = "made_sla"
    changes = "CAST(sys_mod_count AS int)"

    [[tables.interactions.rules]]
    name = "last event of the incident"
    action = "keep_last"
    by = ["interaction_id"]
    order = "changes"

    [[tables.targets.rows]]
    kpi = "sla_attainment"
    op = ">="
    value = "80 %"
    kind = "absolute"
"""

BANK = """
    [tables.volume]
    file = "calls.csv"

    [tables.volume.columns]
    partner_id = "'bank'"
    interval_start = "DateTime"
    offered = "Calls"

    [[tables.partners.rows]]
    partner_id = "bank"

    [[tables.targets.rows]]
    kpi = "offered"
    op = ">="
    value = "1"
    kind = "absolute"
"""


EVENTS = "itsm-incidents/incident_event_log.csv.gz", "incident_event_log.csv.gz"
CALLS = "bank-call-volume/bank_calls_5min.csv", "calls.csv"


@pytest.fixture
def bring(write_dataset):
    def folder(toml, source, name):
        return write_dataset(
            toml, partners=None, targets=None, volume=None, files={name: (REAL / source).read_bytes()}
        )  # fmt: skip

    return folder


def test_monthly_rates_by_state(bring):
    source = "medicaid-call-centers/medicaid_call_centers_2023-2025.csv"
    dataset = open_dataset(bring(MEDICAID, source, "calls.csv")).prepare()
    assert dataset.grain == "month"
    assert dataset.period().label == "2025-05"
    assert dataset.check().rows_used("partners") == 51
    steps = {c.step: c.rows for c in dataset.check().counts if c.table == "volume"}
    assert steps["read"] == 2703
    assert steps["dropped all but the last: updated replaces preliminary"] == -1326
    rows = dataset.kpi_rows()
    sums = rows.groupby(["kpi", "date"])[["numerator", "denominator"]].sum()
    values = sums["numerator"] / sums["denominator"]
    for month, abandoned, minutes in (("2023-03", 0.164, 13.5), ("2023-07", 0.226, 20.2), ("2025-04", 0.091, 7.8)):
        assert values["abandonment_rate", pd.Timestamp(month)] == pytest.approx(abandoned, abs=0.0005)
        assert values["asa_s", pd.Timestamp(month)] / 60 == pytest.approx(minutes, abs=0.05)


def test_an_event_log_of_incidents(bring):
    dataset = open_dataset(bring(ITSM, *EVENTS)).prepare()
    check = dataset.check()
    assert check.rows_used("interactions") == 20_769
    assert {(c.table, c.step): c.rows for c in check.counts}["interactions", "read"] == 119_998
    rows = dataset.kpi_rows()
    sums = rows.groupby("kpi")[["numerator", "denominator"]].sum()
    assert sums.loc["sla_attainment", "denominator"] == 20_769
    assert sums.loc["sla_attainment", "numerator"] / 20_769 == pytest.approx(0.606, abs=0.0005)


def test_events_without_a_group_are_counted_where_they_are_not_mapped(bring, problems):
    toml = ITSM.replace("\"COALESCE(assignment_group, 'no group')\"", '"assignment_group"', 2)
    toml = toml[: toml.index("[[tables.interactions.rules]]")] + toml[toml.index("[[tables.targets") :]
    folder = bring(toml, *EVENTS)
    (problem, *_) = problems(folder, table="interactions", column="partner_id", rule="required value is missing")
    assert problem.count / 119_998 == pytest.approx(0.12, abs=0.005)
    (problem, *_) = problems(folder, table="interactions", column="interaction_id")
    assert "key is there more than once" in problem.rule


def test_five_minute_intervals_with_a_zone(bring, problems):
    (problem, *_) = problems(bring(BANK, *CALLS), severity="error")
    assert (problem.value, problem.count) == ("2003-03-03T07:00:00Z", 27_716)
    assert 'write [tables.volume] times = "local"' in problem.remedy
    toml = BANK.replace('file = "calls.csv"', 'file = "calls.csv"\n    times = "local"')
    dataset = open_dataset(bring(toml, *CALLS)).prepare()
    rows = dataset.kpi_rows(kpi="offered")
    assert rows["numerator"].sum() == 5_323_661
    assert len(rows) == 164  # five-minute rows are summed to weekdays
