"""Extracts of the service: hours and queues, waits, categories; counted by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from bpo_analysis.data import open_dataset

INTERVALS = """\
    partner_id,interval_start,queue,channel,offered,answered,answered_in_threshold,talk_s
    acme,2026-01-05 09:00,sales,voice,10,8,6,800
    acme,2026-01-05 09:30,sales,voice,4,4,4,200
    acme,2026-01-05 10:00,care,voice,5,5,2,1000
    bolt,2026-01-05 09:00,sales,voice,7,7,7,70
"""
CONTACTS = """\
    interaction_id,partner_id,created_at,channel,reason,wait_s,talk_s,abandoned
    1,acme,2026-01-05 08:59:59,voice,billing,0,60,false
    2,acme,2026-01-05 09:00:00,voice,billing,12.4,60,false
    3,acme,2026-01-05 09:10:00,voice,,61,60,false
    4,acme,2026-01-05 09:20:00,voice,faults,299.5,,true
    5,acme,2026-01-06 09:20:00,chat,faults,1801,60,false
"""
SURVEYS = """\
    survey_id,interaction_id,type,scale_min,scale_max,score,sent_at,answered_at,comment_category
    s1,1,csat,1,5,5,2026-01-06 09:00,2026-01-07 10:00,quick
    s2,2,csat,1,5,4,2026-01-06 09:00,2026-01-07 11:00,
    s3,3,csat,1,5,,2026-01-06 09:00,,
"""


def test_intervals_are_summed_by_hour_and_queue(write_dataset):
    table = open_dataset(write_dataset(volume=INTERVALS)).extract("service_by_interval", partner_id="acme")
    nine = table[(table["hour"] == 9) & (table["queue"] == "sales")].iloc[0]
    assert (nine["n_offered"], nine["n_answered"]) == (14, 12)
    assert (nine["n_service_level"], nine["d_service_level"]) == (10, 14)
    assert (nine["n_aht_s"], nine["d_aht_s"]) == (1000, 12)
    assert len(table) == 2


def test_hours_follow_the_variant_of_the_dataset(write_dataset):
    toml = """\
        [kpis.service_level]
        variant = "answered_only"
    """
    table = open_dataset(write_dataset(toml, volume=INTERVALS)).extract("service_by_interval", partner_id="acme")
    assert table.loc[table["hour"] == 9, "d_service_level"].item() == 12


def test_single_contacts_are_counted_in_the_hour_they_began(write_dataset):
    table = open_dataset(write_dataset(interactions=CONTACTS)).extract("service_by_contact_hour")
    day = table[pd.to_datetime(table["date"]) == "2026-01-05"].set_index("hour")
    assert day["n_offered"].to_dict() == {8: 1, 9: 3}
    assert day["n_answered"].to_dict() == {8: 1, 9: 2}


@pytest.mark.parametrize(
    ("wait", "upto"), [(0, 0), (12.4, 13), (60, 60), (60.5, 65), (299.5, 300), (301, 330), (1801, 2100)]
)
def test_a_wait_lies_in_the_bin_whose_upper_end_is_not_below_it(write_dataset, wait, upto):
    contacts = f"""\
        interaction_id,partner_id,created_at,channel,wait_s
        1,acme,2026-01-05 09:00,voice,{wait}
    """
    table = open_dataset(write_dataset(interactions=contacts)).extract("waits")
    assert table["upto_s"].tolist() == [upto]


def test_waits_of_the_abandoned_stand_apart(write_dataset):
    table = open_dataset(write_dataset(interactions=CONTACTS)).extract("waits")
    assert table.groupby("abandoned")["n"].sum().to_dict() == {False: 4, True: 1}


def test_without_waits_there_is_no_extract_and_it_says_what_is_missing(write_dataset):
    dataset = open_dataset(write_dataset()).prepare()
    assert dataset.extract("waits") is None
    assert dataset.why_no_extract("waits") == "table interactions not in this dataset"


def test_comments_are_counted_on_the_day_of_the_answer_and_those_without_one_too(write_dataset):
    table = open_dataset(write_dataset(interactions=CONTACTS, surveys=SURVEYS)).extract("comment_categories")
    assert set(pd.to_datetime(table["date"]).dt.strftime("%Y-%m-%d")) == {"2026-01-07"}
    assert dict(zip(table["raw"].fillna("none"), table["n"], strict=True)) == {"quick": 1, "none": 1}


def test_reasons_are_those_of_contacts_handled(write_dataset):
    table = open_dataset(write_dataset(interactions=CONTACTS)).extract("contact_reasons")
    assert table.groupby("raw")["n"].sum().to_dict() == {"billing": 2, "faults": 1}
