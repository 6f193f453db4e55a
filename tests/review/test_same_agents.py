"""A level can move although no agent works differently: the change among those who served on both sides."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bpo_analysis.review.action_effects import action_effects
from bpo_analysis.review.context import open_review
from bpo_analysis.review.same_agents import same_agents

CLOSED = date(2026, 1, 5)
FIRST, WEEKS = date(2025, 9, 1), 36
ROSTER = "agent_id,partner_id,hire_date,prod_date,exit_date\n" + "".join(
    f"x{n:02d},acme,2024-01-01,2024-01-15,\n" for n in range(12)
)
ACTIONS = (
    "action_id,partner_id,kpi,type,action,owner,raised_on,due_on,closed_on,status,expected_effect,check_on\n"
    "a1,acme,aht_s,corrective,Templates,Ann,2025-11-03,2026-01-05,2026-01-05,done,AHT -20 s,2026-03-02\n"
)


def contacts(seconds, serving):
    """Five contacts a week of every agent that serves then, each about as long as ``seconds(agent, after)``."""
    lines = ["interaction_id,partner_id,channel,agent_id,created_at,answered_at,talk_s,hold_s,acw_s"]
    for week in range(WEEKS):
        monday = FIRST + timedelta(weeks=week)
        after = monday >= CLOSED
        for agent in serving(after):
            for n in range(5):
                at = f"{monday + timedelta(days=n)}T10:{agent:02d}:0"
                length = seconds(agent, after) + (7 * week + 3 * agent + 5 * n) % 11
                lines.append(f"i{week}-{agent}-{n},acme,voice,x{agent:02d},{at}0,{at}5,{length},0,0")
    return "\n".join(lines) + "\n"


@pytest.fixture
def review_with(write_dataset):
    def make(seconds, serving):
        toml = "[dataset]\ntimezone = 'UTC'\n"
        table = contacts(seconds, serving)
        folder = write_dataset(toml, volume=None, interactions=table, roster=ROSTER, actions=ACTIONS)
        return open_review(folder, "acme", "2026-04")

    return make


def test_agents_who_all_work_faster_moved(review_with):
    review = review_with(lambda agent, after: 300 + 5 * agent - 30 * after, lambda after: range(12))
    found = same_agents(review, review.kpis["aht_s"], CLOSED, 0.95)
    assert found.agents == 12
    assert found.estimate == pytest.approx(-30, abs=1)
    (effect,) = action_effects(review)
    assert effect.word == "moved as expected"


def test_a_level_that_moves_with_who_serves_is_not_the_work_of_an_action(review_with):
    # Nobody works differently: the four slowest leave on the day of the closing.
    review = review_with(lambda agent, after: 250 + 20 * agent, lambda after: range(8 if after else 12))
    (effect,) = action_effects(review)
    assert effect.result.pvalue < 0.001
    assert effect.result.estimate == pytest.approx(-40, abs=2)
    assert effect.same.agents == 8
    assert effect.same.estimate == pytest.approx(0, abs=1)
    assert effect.word == "not shown"
    assert "the 8 agents who served before and after moved by" in effect.why


def test_without_single_agents_there_is_nothing_to_say(review_with, write_dataset):
    review = open_review(write_dataset(folder="plain"), "acme", "2026-01")
    assert same_agents(review, review.kpis["aht_s"], CLOSED, 0.95) is None
    few = review_with(lambda agent, after: 300, lambda after: range(5))
    assert same_agents(few, few.kpis["aht_s"], CLOSED, 0.95) is None
