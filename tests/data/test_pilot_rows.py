"""Sums per unit and day: by hand, against the KPI table, and for a panel of agents by weeks."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.kpi_table import KPI_COLUMNS
from bpo_analysis.data.pilots.file import read_pilot
from bpo_analysis.errors import PilotError

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "pilots.md"

COLUMNS = ["kpi", "partner_id", "unit", *KPI_COLUMNS[2:], "squares"]
PARTNERS = "partner_id\nacme\nbolt\n"
INTERACTIONS = """
    interaction_id,partner_id,created_at,site,queue,channel,reason,agent_id,talk_s,transferred,resolved_first_contact
    1,acme,2026-01-05 09:00,Brno,q1,chat,bill,a1,100,true,true
    2,acme,2026-01-05 10:00,Brno,q1,chat,bill,a1,200,false,true
    3,acme,2026-01-05 11:00,Brno,q1,email,move,a1,300,false,
    4,acme,2026-01-06 09:00,Brno,q2,chat,bill,a2,50,false,false
    5,acme,2026-01-06 10:00,Brno,q2,chat,bill,,70,false,true
    6,bolt,2026-01-06 10:00,Brno,q2,chat,bill,b1,80,false,true
    7,acme,2026-02-02 10:00,Brno,q2,chat,bill,a2,90,true,true
"""
SURVEYS = """
    survey_id,interaction_id,type,scale_min,scale_max,score,sent_at,answered_at
    s1,1,csat,1,5,5,2026-01-06,2026-01-06
    s2,2,csat,1,5,2,2026-01-06,2026-01-06
    s3,4,csat,1,5,4,2026-01-07,2026-01-07
    s4,7,csat,1,5,4,2026-02-03,2026-02-03
"""
QA = """
    evaluation_id,item_id,partner_id,interaction_id,criticality,rating,rating_max,evaluated_at
    e1,x,acme,1,customer,0,10,2026-01-07
    e1,y,acme,1,none,5,10,2026-01-07
    e2,x,acme,4,customer,10,10,2026-01-08
"""
ROSTER = """
    agent_id,partner_id,team,hire_date,exit_date,valid_from,valid_to
    a1,acme,red,2025-01-01,,2025-01-01,
    a2,acme,red,2025-01-01,,2025-01-01,2026-01-31
    a2,acme,blue,2025-01-01,,2026-02-01,
"""
HANDLE = """
[[kpi]]
name = "handle"
label = "Handle time"
unit = "seconds"
better = "lower"
group = "turnaround"
source = "volume"
numerator = "talk_s"
denominator = "COALESCE(handled, answered)"
lower = 0.0
definition = "talk time of contacts"
"""
VOLUME = """
    partner_id,interval_start,queue,offered,answered,talk_s,transferred
    acme,2026-01-05,q1,3,3,600,1
    acme,2026-01-06,q2,2,2,120,0
    acme,2026-02-02,q2,1,1,90,1
"""


def metric(kpi, margin="0.05", role="primary"):
    return f'[[metric]]\nkpi = "{kpi}"\nrole = "{role}"\ntest = "noninferiority"\nmargin = {margin}\n'


def pilot(body, *, unit="agent", **head):
    keys = {
        "title": '"T"', "hypothesis": '"H"', "partner": '"acme"', "unit": f'"{unit}"', "assignment": '"random"',
        "comparator": '"history"', "baseline": "[2026-01-01, 2026-01-31]", "start": "2026-02-02", "end": "2026-03-01",
    } | head  # fmt: skip
    return "\n".join(["[pilot]", *(f"{k} = {v}" for k, v in keys.items()), body])


@pytest.fixture
def rows(write_dataset):
    def make(text, toml="", **tables):
        given = {
            "partners": PARTNERS,
            "volume": None,
            "interactions": INTERACTIONS,
            "surveys": SURVEYS,
            "roster": ROSTER,
        }
        folder = write_dataset(toml, **given | tables)
        (folder / "pilots").mkdir(exist_ok=True)
        (folder / "pilots" / "p.toml").write_text(text, encoding="utf-8")
        return open_dataset(folder).pilot_rows("p")

    return make


def by_unit(frame, kpi, column="numerator"):
    return frame[frame["kpi"] == kpi].groupby("unit")[column].sum().to_dict()


# By hand


def test_rows_of_shares_by_hand(rows):
    frame = rows(pilot(metric("csat")))
    assert list(frame.columns) == COLUMNS
    assert by_unit(frame, "csat") == {"a1": 1, "a2": 2}
    assert by_unit(frame, "csat", "denominator") == {"a1": 2, "a2": 2}
    assert (frame["squares"] == frame["numerator"]).all()
    assert set(frame["partner_id"]) == {"acme"}
    first = frame[frame["unit"] == "a1"].iloc[0]
    assert (first["date"], first["site"], first["channel"], first["category"]) == (
        pd.Timestamp("2026-01-06"), "Brno", "chat", "bill",
    )  # fmt: skip


def test_squares_of_a_mean_are_those_of_its_single_values(rows):
    frame = rows(pilot(metric("handle", "5")), HANDLE)
    assert by_unit(frame, "handle") == {"a1": 600, "a2": 140}
    assert by_unit(frame, "handle", "squares") == {"a1": 140_000, "a2": 50**2 + 90**2}


def test_rows_without_a_unit_are_kept_apart(rows):
    frame = rows(pilot(metric("handle", "5")), HANDLE)
    assert frame.loc[frame["unit"].isna(), "numerator"].tolist() == [70]


def test_evaluations_know_the_agent_of_their_contact(rows):
    frame = rows(pilot(metric("critical_error_accuracy") + metric("qa_score", role="guardrail")), qa_ratings=QA)
    assert by_unit(frame, "critical_error_accuracy") == {"a1": 0, "a2": 1}
    assert by_unit(frame, "qa_score") == {"a1": 0.25, "a2": 1}
    assert by_unit(frame, "qa_score", "squares") == {"a1": 0.0625, "a2": 1}


def test_only_rows_in_scope(rows):
    frame = rows(pilot(metric("handle", "5") + '[scope]\nchannel = "chat"\nqueue = ["q1", "q2"]\n'), HANDLE)
    assert by_unit(frame, "handle") == {"a1": 300, "a2": 140}


def test_the_team_is_that_of_the_day(rows):
    frame = rows(pilot(metric("csat"), unit="team"))
    assert by_unit(frame, "csat", "denominator") == {"blue": 1, "red": 3}


def test_a_team_on_the_contact_itself_goes_before_the_roster(rows):
    teams = INTERACTIONS.replace("agent_id,", "agent_id,team,").replace(",a1,", ",a1,green,").replace(",a2,", ",a2,,")
    teams = teams.replace("bill,,70", "bill,,,70").replace(",b1,", ",b1,,")
    frame = rows(pilot(metric("csat"), unit="team"), interactions=teams)
    assert by_unit(frame, "csat", "denominator") == {"blue": 1, "green": 2, "red": 1}


def test_queue_site_and_week_as_units(rows):
    assert by_unit(rows(pilot(metric("fcr"), unit="queue")), "fcr") == {"q1": 2, "q2": 2}
    assert by_unit(rows(pilot(metric("fcr"), unit="site")), "fcr") == {"Brno": 4}


def test_the_counts_of_agents_come_from_their_contacts_where_the_volume_knows_none(rows):
    frame = rows(pilot(metric("transfer_rate")), volume=VOLUME)
    assert by_unit(frame, "transfer_rate") == {"a1": 1, "a2": 1}
    assert by_unit(frame, "transfer_rate", "denominator") == {"a1": 3, "a2": 2}


def test_rows_of_the_volume_are_sums_and_have_no_squares(rows):
    frame = rows(pilot(metric("transfer_rate"), unit="queue"), volume=VOLUME)
    assert by_unit(frame, "transfer_rate", "denominator") == {"q1": 3, "q2": 3}
    assert frame["squares"].isna().all()


def test_a_metric_without_a_row_in_scope(rows):
    with pytest.raises(PilotError, match=r"'csat' has no row in the scope of this pilot\. Widen \[scope\]"):
        rows(pilot(metric("csat") + metric("fcr", role="guardrail") + '[scope]\nchannel = "email"\n'))


# Against the KPI table


def test_sums_are_those_of_the_kpi_table(portfolio):
    pilot_id = "suggested-replies"
    found = portfolio.pilot_rows(pilot_id)
    assert found["unit"].notna().all()
    names = [metric.kpi for metric in portfolio.find_pilot(pilot_id).metrics]
    table = portfolio.kpi_rows(partner_id="solheim")
    keys = ["kpi", "date", "channel", "category"]
    expected = table[table["kpi"].isin(names)].groupby(keys, dropna=False)[["numerator", "denominator"]].sum()
    pd.testing.assert_frame_equal(found.groupby(keys, dropna=False)[["numerator", "denominator"]].sum(), expected)
    shares = found[found["kpi"] != "qa_score"]
    assert (shares["squares"] == shares["numerator"]).all()


def test_a_pilot_costs_nothing_where_there_is_none(nhs111):
    assert nhs111.pilots == {}
    assert not (nhs111._folder / "pilots").exists()


# A panel: agents by weeks, with gaps and leavers, and nothing else


PANEL_TOML = """
[dataset]
name = "wfh"

[[tables.partners.rows]]
partner_id = "centre"

[tables.panel]
file = "weeks.csv"

[tables.panel.columns]
unit = "person"
partner_id = "'centre'"
date = "week"
team = "grp"

[tables.pilot_units]
file = "weeks.csv"
distinct = true

[tables.pilot_units.columns]
pilot_id = "'wfh'"
unit = "person"
partner_id = "'centre'"
arm = "CASE WHEN treatment = 1 THEN 'pilot' ELSE 'baseline' END"

[[kpi]]
name = "calls"
label = "Calls per week"
unit = "count"
better = "higher"
group = "volume"
source = "panel"
numerator = "calls"
definition = "calls answered, per agent and week"

[[kpi]]
name = "performance"
label = "Performance z-score"
unit = "score"
better = "higher"
group = "quality"
source = "panel"
numerator = "score"
where = "grp_size > 0"
definition = "performance in standard deviations, per agent and week"
"""


def panel(agents=249, weeks=60, seed=1):
    """Agents by weeks, drawn by chance to arms, with gaps, late joiners and leavers."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2010-01-04")
    frame = pd.DataFrame(
        [(agent, start + pd.Timedelta(weeks=week)) for agent in range(agents) for week in range(weeks)],
        columns=["person", "week"],
    )
    last = rng.integers(weeks // 2, 2 * weeks, agents)
    number = np.tile(np.arange(weeks), agents)
    frame = frame[(number <= last[frame["person"]]) & (rng.random(len(frame)) > 0.1)].copy()
    frame["treatment"] = rng.permutation(np.arange(agents) % 2)[frame["person"]]
    frame["grp"] = "g" + (frame["person"] % 7).astype(str)
    frame["grp_size"] = 1
    frame["calls"] = rng.poisson(400, len(frame))
    frame["score"] = rng.normal(size=len(frame)).round(3)
    frame.loc[frame.index[::17], "score"] = np.nan
    return frame


@pytest.fixture
def panel_dataset(tmp_path):
    def make(frame, toml=PANEL_TOML, text=None):
        folder = tmp_path / "wfh"
        (folder / "pilots").mkdir(parents=True, exist_ok=True)
        (folder / "dataset.toml").write_text(toml, encoding="utf-8")
        frame.to_csv(folder / "weeks.csv", index=False)
        body = metric("performance", "0.1").replace("noninferiority", "superiority") + metric("calls", "5", "guardrail")
        head = {
            "partner": '"centre"', "comparator": '"concurrent"', "baseline": "[2010-01-04, 2010-06-27]",
            "start": "2010-06-28", "end": "2011-02-27",
        }  # fmt: skip
        (folder / "pilots" / "wfh.toml").write_text(text or pilot(body, **head), encoding="utf-8")
        return open_dataset(folder)

    return make


def test_a_panel_needs_no_volume_and_no_targets(panel_dataset):
    frame = panel()
    data = panel_dataset(frame)
    assert data.check().found == ()
    assert data.span == (frame["week"].min().date(), (frame["week"].max() + pd.Timedelta(days=6)).date())
    assert data.period("2010-03").label == "2010-03"
    assert data.targets() == []
    assert data.unavailable["offered"] == "table volume is not in this dataset"
    found = data.pilot_rows("wfh")
    expected = frame.groupby("person")["calls"].sum().rename(str)
    assert by_unit(found, "calls") == expected.to_dict()
    assert by_unit(found, "calls", "denominator") == frame["person"].value_counts().rename(str).to_dict()
    assert (
        by_unit(found, "calls", "squares") == (frame["calls"] ** 2).groupby(frame["person"]).sum().rename(str).to_dict()
    )
    scores = found[found["kpi"] == "performance"]
    assert scores["denominator"].sum() == frame["score"].notna().sum()
    assert scores["numerator"].sum() == pytest.approx(frame["score"].sum())
    assert (scores["numerator"] < 0).any()
    arms = data.pilot_assignments("wfh").set_index("unit")["arm"]
    drawn = frame.drop_duplicates("person").set_index("person")["treatment"].rename(str)
    assert (arms == drawn.map({1: "pilot", 0: "baseline"})[arms.index]).all()


@pytest.mark.parametrize("form", ["%G-W%V", "%G%V"])
def test_a_panel_that_writes_weeks_as_weeks(panel_dataset, form):
    frame = panel(agents=6, weeks=30)
    weeks = frame.assign(week=frame["week"].dt.strftime(form))
    toml = PANEL_TOML.replace("[tables.panel.columns]", f'date_format = "{form}"\n\n[tables.panel.columns]')
    found = panel_dataset(weeks, toml).pilot_rows("wfh")
    assert set(found["date"]) == set(frame["week"])


def test_teams_of_a_panel_are_units_too(panel_dataset):
    frame = panel(agents=20, weeks=30)
    frame["treatment"] = frame["person"] % 7 % 2
    toml = PANEL_TOML.replace(
        'unit = "person"\npartner_id = "\'centre\'"\narm', 'unit = "grp"\npartner_id = "\'centre\'"\narm'
    )
    head = {
        "partner": '"centre"', "comparator": '"concurrent"', "baseline": "[2010-01-04, 2010-06-27]",
        "start": "2010-06-28", "end": "2010-09-26",
    }  # fmt: skip
    data = panel_dataset(frame, toml, pilot(metric("calls", "5"), unit="team", **head))
    assert by_unit(data.pilot_rows("wfh"), "calls") == frame.groupby("grp")["calls"].sum().to_dict()


def test_arms_of_a_panel_that_change_in_time_are_refused(panel_dataset):
    frame = panel(agents=10, weeks=40)
    frame.loc[frame["week"] < "2010-06-28", "treatment"] = 0
    with pytest.raises(
        PilotError, match=r"has agent '\d+' in both arms at the same time .* the unit was assigned to, not"
    ):
        panel_dataset(frame).find_pilot()


def test_a_column_of_a_panel_is_a_number(panel_dataset, problems):
    frame = panel(agents=4, weeks=8).astype({"calls": "object"})
    frame.iloc[3, frame.columns.get_loc("calls")] = "many"
    found = problems(panel_dataset(frame).path, severity="error")
    assert [(p.table, p.column, p.value, p.rule) for p in found] == [("panel", "calls", "many", "is not a number")]


def test_a_misspelt_column_of_a_panel_is_suggested(panel_dataset, problems):
    toml = PANEL_TOML.replace('numerator = "calls"', 'numerator = "callls"')
    found = problems(panel_dataset(panel(agents=4, weeks=8), toml).path, severity="error")
    assert "KPI calls: table panel has no column 'callls'" in found[0].rule


def test_a_mapped_column_of_a_panel(panel_dataset):
    toml = PANEL_TOML.replace("[tables.pilot_units]", 'minutes = "calls * 3"\n\n[tables.pilot_units]')
    toml = toml.replace('numerator = "calls"', 'numerator = "minutes"')
    frame = panel(agents=6, weeks=30)
    assert by_unit(panel_dataset(frame, toml).pilot_rows("wfh"), "calls") == (
        (3 * frame["calls"]).groupby(frame["person"]).sum().rename(str).to_dict()
    )


def test_a_panel_without_pilots_still_needs_volume_and_targets(panel_dataset, problems):
    data = panel_dataset(panel(agents=4, weeks=8))
    (data.path / "pilots" / "wfh.toml").unlink()
    rules = [problem.rule for problem in problems(data.path, severity="error")]
    assert any("required table is missing: what was agreed" in rule for rule in rules)
    assert any("required table is missing: volume, or interactions" in rule for rule in rules)


def test_a_dataset_with_contacts_and_pilots_needs_no_targets(write_dataset, problems):
    folder = write_dataset(targets=None)
    (folder / "pilots").mkdir()
    (folder / "pilots" / "p.toml").write_text(pilot(metric("service_level"), unit="site"), encoding="utf-8")
    assert problems(folder, table="targets") == []


def test_the_worked_example_of_the_documentation(tmp_path):
    blocks = re.findall(r"```toml\n# (\S+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    written = dict(blocks)
    (tmp_path / "pilots").mkdir()
    for name in ("dataset.toml", "pilots/home.toml"):
        (tmp_path / name).write_text(written[name], encoding="utf-8")
    frame = panel(agents=30).rename(columns={"score": "zscore"})
    frame["minutes"] = frame["calls"] * 4
    frame[["person", "week", "treatment", "calls", "minutes", "zscore"]].to_csv(tmp_path / "weeks.csv", index=False)
    data = open_dataset(tmp_path)
    assert data.check().found == ()
    assert data.find_pilot().title == "home"
    found = data.pilot_rows("home")
    calls = found[found["kpi"] == "calls_per_minute"]
    assert calls["numerator"].sum() / calls["denominator"].sum() == pytest.approx(0.25)
    assert calls["squares"].isna().all()
    assert len(data.pilot_assignments("home")) == 30


def test_the_pilot_file_of_the_documentation_is_read(portfolio, tmp_path):
    written = dict(re.findall(r"```toml\n# (\S+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL))
    file = tmp_path / "suggested-replies.toml"
    file.write_text(written["pilots/replies.toml"], encoding="utf-8")
    spec = read_pilot(file, portfolio.kpis, portfolio.partners, portfolio.register("pilot_units"))
    assert [(metric.kpi, metric.margin) for metric in spec.metrics] == [
        ("csat", 0.05),
        ("critical_error_accuracy", 0.03),
    ]
    assert len(spec.log) == 1


def test_hire_dates_of_agents_come_from_the_roster(portfolio):
    hired = portfolio.pilot_hire_dates("suggested-replies")
    units = set(portfolio.pilot_assignments("suggested-replies")["unit"])
    assert units <= set(hired)
    assert all(hired[unit] < portfolio.find_pilot("suggested-replies").start for unit in units)
