"""Erlang C as published, and schedule fit by hand."""

from __future__ import annotations

from math import exp, factorial

import pytest

from bpo_analysis.review.context import open_review
from bpo_analysis.review.staffing import required_agents, schedule_fit, staffing_load

CONTACTS = """\
interaction_id,partner_id,created_at,channel,talk_s,hold_s,acw_s
c1,acme,2026-01-05T09:10:00,voice,300,0,60
c2,acme,2026-01-05T09:20:00,voice,300,0,60
c3,acme,2026-01-05T10:20:00,voice,300,0,60
c4,acme,2026-01-06T09:20:00,email,600,0,0
"""
FORECASTS = """\
partner_id,channel,date,issued_on,locked,required_s,committed_s,forecast_offered
acme,voice,2026-01-05,2026-01-01,true,3600,7200,10
acme,voice,2026-01-06,2026-01-01,true,3600,1800,10
acme,email,2026-01-06,2026-01-01,true,3600,3600,10
"""
TIME = """\
agent_id,partner_id,date,scheduled_s,worked_s
a1,acme,2026-01-05,3600,1800
a1,acme,2026-01-06,3600,3600
"""
TOML = """\
[kpis.service_level]
variant = "offered"
threshold_s = { voice = 20 }
"""


def erlang_service_level(contacts, aht_s, threshold_s, agents):
    """The textbook formula, written out."""
    load = contacts * aht_s / 3600
    top = load**agents / factorial(agents) * agents / (agents - load)
    wait = top / (sum(load**k / factorial(k) for k in range(agents)) + top)
    return 1 - wait * exp(-(agents - load) * threshold_s / aht_s)


@pytest.mark.parametrize(
    ("contacts", "aht", "threshold", "level"),
    [(200, 180, 20, 0.8), (1, 360, 20, 0.8), (60, 300, 60, 0.9), (26, 360, 20, 0.3), (400, 240, 15, 0.95)],
)
def test_agents_are_the_fewest_that_reach_the_service_level(contacts, aht, threshold, level):
    agents = required_agents(contacts, aht, threshold, level)
    assert erlang_service_level(contacts, aht, threshold, agents) >= level
    load = contacts * aht / 3600
    assert agents - 1 <= load or erlang_service_level(contacts, aht, threshold, agents - 1) < level


def test_no_contact_needs_nobody():
    assert required_agents(0, 300, 20, 0.8) == 0


def test_load_of_channels_that_wait_and_that_do_not(write_dataset):
    folder = write_dataset(TOML, interactions=CONTACTS)
    loads = {load.channel: load for load in staffing_load(open_review(folder, "acme", "2026-01"))}
    voice, email = loads["voice"], loads["email"]
    assert voice.aht_s == 360
    assert voice.workload_hours == pytest.approx(0.3)
    assert voice.required_hours == required_agents(2, 360, 20, 0.8) + required_agents(1, 360, 20, 0.8)
    assert voice.service_level == 0.8
    assert email.required_hours is None
    assert email.workload_hours == pytest.approx(1 / 6)


def test_hours_too_many_do_not_make_up_for_hours_too_few(write_dataset):
    folder = write_dataset(TOML, forecasts=FORECASTS, agent_time=TIME)
    fits = {fit.basis: fit for fit in schedule_fit(open_review(folder, "acme", "2026-01"))}
    voice = fits["voice: committed against required"]
    assert voice.fit == pytest.approx(0.75)
    assert voice.total == pytest.approx(1.25)
    assert (voice.short_days, voice.days) == (1, 2)
    # 1 h needed on the 5th, 2 h on the 6th; 1 h scheduled on each.
    assert fits["all channels: scheduled against required"].fit == pytest.approx(2 / 3)
    assert fits["all channels: worked against required"].fit == pytest.approx(0.5)


def test_without_forecasts_and_contacts_there_is_nothing(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert staffing_load(review) is None
    assert schedule_fit(review) == []
