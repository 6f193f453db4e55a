"""Extracts about people and flow: known answers from a few rows, agents by number, no customer in sight."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from bpo_analysis.data import open_dataset

ROSTER = """\
agent_id,partner_id,site,team,hire_date,prod_date,exit_date,exit_type,valid_from,valid_to
zoe,acme,leeds,a,2025-06-01,2025-06-20,,,2025-06-01,2025-12-31
zoe,acme,derry,b,2025-06-01,2025-06-20,2026-01-20,resigned,2026-01-01,2026-01-20
amy,acme,leeds,a,2025-07-01,,,,,
new,acme,leeds,a,2026-01-10,2026-01-12,,,,
"""
UPDATES = """\
update_id,source,title,announced_on,effective_on,agreed_lead_days,mandatory,reason
u1,client,Refunds,2026-01-01,2026-01-05,3,true,billing
u2,website,Page,2026-01-02,2026-01-06,,false,
"""
ACKS = """\
update_id,agent_id,partner_id,assigned_on,due_on,acknowledged_on,trained_on
u1,zoe,acme,2026-01-01,2026-01-05,2026-01-03,2026-01-04
u1,amy,acme,2026-01-01,2026-01-05,2026-01-08,2026-01-09
"""
CONTACTS = """\
interaction_id,partner_id,created_at,channel,reason,agent_id,customer_key,talk_s,hold_s,acw_s,abandoned
c1,acme,2026-01-04T09:10:00,voice,billing,amy,k1,100,0,20,false
c2,acme,2026-01-05T09:20:00,voice,billing,amy,k2,100,0,20,false
c3,acme,2026-01-05T09:40:00,voice,billing,zoe,k1,200,10,30,false
c4,acme,2026-01-12T10:00:00,voice,billing,amy,k2,100,0,20,false
c5,acme,2026-01-12T11:00:00,chat,billing,new,k3,100,0,20,false
c6,acme,2026-01-12T11:30:00,chat,other,zoe,k4,100,0,20,false
c7,acme,2026-01-31T11:30:00,voice,billing,amy,k5,,,,true
"""
ESCALATIONS = """\
escalation_id,partner_id,opened_at,category,interaction_id
e1,acme,2026-01-04T10:00:00,billing,c1
e2,acme,2026-01-06T10:00:00,billing,c3
e3,acme,2026-01-13T10:00:00,other,c2
e4,acme,2026-01-14T10:00:00,other,
"""


@pytest.fixture
def dataset(write_dataset):
    return open_dataset(
        write_dataset(
            roster=ROSTER, updates=UPDATES, training_acks=ACKS, interactions=CONTACTS, escalations=ESCALATIONS
        )
    ).prepare()


def test_an_agent_who_changes_team_is_one_spell_and_left_once(dataset):
    spells = dataset.extract("roster_spells", partner_id="acme")
    assert len(spells) == 3
    moved = spells[spells["team"] == "b"].iloc[0]
    assert moved["left"]
    assert str(moved["until"])[:10] == "2026-01-20"
    assert str(moved["prod_date"])[:10] == "2025-06-20"


def test_without_a_first_live_day_the_hire_date_counts(dataset):
    spells = dataset.extract("roster_spells").sort_values("hire_date")
    assert str(spells.iloc[1]["prod_date"])[:10] == "2025-07-01"


def test_no_extract_names_an_agent_or_a_customer(dataset):
    for name in ("roster_spells", "learning", "trainings", "update_exposure", "repeat_windows", "escalation_repeats"):
        table = dataset.extract(name)
        assert not {"agent_id", "customer_key", "customer", "subject"} & set(table.columns)
        assert not table.isin(["zoe", "amy", "new", "k1", "c:k1"]).any().any()


def test_the_number_of_an_agent_is_the_same_everywhere(dataset):
    spells, trainings = dataset.extract("roster_spells"), dataset.extract("trainings")
    zoe = spells.loc[spells["team"] == "b", "agent"].iloc[0]
    done = trainings[pd.to_datetime(trainings["trained_on"]) == "2026-01-04"]
    assert list(done["agent"]) == [zoe]


def test_learning_sums_by_weeks_since_production(dataset):
    rows = dataset.extract("learning")
    aht = rows[rows["kpi"] == "aht_s"]
    # The newcomer's only contact, on the first day of production: 120 seconds in week 0.
    assert aht[aht["week"] == 0][["numerator", "denominator"]].to_numpy().tolist() == [[120.0, 1.0]]
    assert aht["denominator"].sum() == 6
    assert aht["numerator"].sum() == 120 * 5 + 240


def test_exposure_counts_contacts_by_training_on_the_day(dataset):
    table = dataset.extract("update_exposure")
    u1 = table[table["update_id"] == "u1"]
    # c1 lies before the effective date; c2 by an agent not yet trained, c3 by a trained one, c4 after training.
    # c5 is by an agent hired later who was never asked: left out.
    assert u1.groupby("trained")["contacts"].sum().to_dict() == {False: 1, True: 2}


def test_an_update_without_a_reason_concerns_every_contact(dataset):
    table = dataset.extract("update_exposure")
    assert table.loc[table["update_id"] == "u2", "contacts"].sum() == 2


def test_repeats_by_window_leave_out_what_is_too_young(dataset):
    table = dataset.extract("repeat_windows").groupby("window")[["contacts", "repeated"]].sum()
    # k1 returns after a day, k2 after seven days and 40 minutes, which is more than seven.
    assert table.loc[3].tolist() == [6, 1]
    assert table.loc[7].tolist() == [6, 1]
    assert table.loc[14].tolist() == [6, 2]
    # Contacts end on 31 January: 30 days before the end of that day there is none.
    assert 30 not in table.index


def test_escalations_repeat_within_the_customer(dataset):
    rows = dataset.extract("escalation_repeats").set_index("escalation_id")
    assert rows.loc["e2", "repeat_of"] == "e1"
    assert rows.loc["e2", "gap_days"] == pytest.approx(2)
    assert rows.loc["e2", "same_category"]
    assert not rows.loc["e3", "repeat"]
    assert not rows.loc["e4", "known"]


def test_load_by_the_hour(dataset):
    rows = dataset.extract("hourly_load").set_index(["date", "channel", "hour"]).sort_index()
    morning = rows.loc[(date(2026, 1, 5), "voice", 9)]
    assert morning["offered"] == 2
    assert morning["handle_s"] == 120 + 240
    # Abandoned contacts were offered, and nobody handled them.
    assert rows.loc[(date(2026, 1, 31), "voice", 11), "handled"] == 0


def test_a_missing_table_gives_no_extract_and_a_reason(write_dataset):
    dataset = open_dataset(write_dataset()).prepare()
    for name in ("roster_spells", "trainings", "hourly_load", "staffing_days", "repeat_windows", "knowledge_use"):
        assert dataset.extract(name) is None
        assert "not in this dataset" in dataset.why_no_extract(name)


def test_the_last_locked_forecast_counts(write_dataset):
    forecasts = """\
    partner_id,channel,date,issued_on,locked,required_s,committed_s,forecast_offered
    acme,voice,2026-01-05,2026-01-01,true,3600,3000,10
    acme,voice,2026-01-05,2026-01-02,true,7200,3600,20
    acme,voice,2026-01-05,2026-01-03,false,9000,9000,30
    """
    rows = open_dataset(write_dataset(forecasts=forecasts)).prepare().extract("staffing_days")
    assert rows[["required_s", "committed_s"]].to_numpy().tolist() == [[7200.0, 3600.0]]
