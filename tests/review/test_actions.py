"""Actions: the chain from miss to check, ages with open ones counted, carried over, and what closed ones did."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from bpo_analysis.kpis import KPIS
from bpo_analysis.review.action_effects import action_effects
from bpo_analysis.review.actions import action_ages, carried_over, chains
from bpo_analysis.review.context import open_review
from bpo_analysis.review.expected_effects import read_expected

FIRST, LAST = date(2025, 3, 3), date(2026, 1, 31)
CLOSED = date(2025, 9, 1)  # a Monday: 26 weeks before, 21 whole weeks from it on
HEAD = (
    "action_id,partner_id,kpi,type,root_cause,action,owner,raised_on,due_on,closed_on,status,expected_effect,check_on\n"
)
TARGET = "kpi,op,value,kind\nservice_level,>=,80 %,absolute\n"
DONE = "a1,acme,service_level,corrective,rota,New rota,Ann,2025-07-01,2025-09-05,2025-09-01,done,{},2025-12-01\n"


def volume(level_of, partners=("acme",), seed=1):
    """Daily rows whose service level is ``level_of(partner, day)`` with ordinary noise."""
    rng = np.random.default_rng(seed)
    lines = ["partner_id,interval_start,offered,answered,answered_in_threshold,abandoned"]
    for partner in partners:
        for n in range((LAST - FIRST).days + 1):
            day = FIRST + timedelta(days=n)
            in_time = min(rng.binomial(200, level_of(partner, day)), 195)
            lines.append(f"{partner},{day},200,195,{in_time},5")
    return "\n".join(lines) + "\n"


@pytest.fixture
def review_with(write_dataset):
    def make(actions, level_of=lambda partner, day: 0.7, partners=("acme",), period="2026-01"):
        folder = write_dataset(
            partners="partner_id\n" + "".join(f"{name}\n" for name in partners),
            targets=TARGET,
            volume=volume(level_of, partners),
            actions=None if actions is None else HEAD + actions,
        )
        return open_review(folder, "acme", period)

    return make


def step(by):
    return lambda partner, day: 0.7 + (by if partner == "acme" and day >= CLOSED else 0.0)


# --- the chain --------------------------------------------------------------------------------------------------------


def test_a_complete_chain_in_time_is_explained(review_with):
    row = "a1,acme,service_level,corrective,rota,New rota,Ann,2026-01-05,2026-02-20,,open,+10 points,2026-04-01\n"
    (chain,) = chains(review_with(row))
    assert chain.explained
    assert chain.faults == []


def test_every_missing_link_is_named(review_with):
    row = "a1,acme,service_level,corrective,TBC,New rota,,2026-01-05,2026-01-20,,open,,\n"
    (chain,) = chains(review_with(row))
    assert chain.faults == [
        "root cause not known",
        "owner missing",
        "due date passed 11 days ago",
        "expected effect missing",
        "check date missing",
    ]


def test_a_closed_action_does_not_explain_a_target_that_is_missed_still(review_with):
    row = "a1,acme,service_level,corrective,rota,Rota,Ann,2025-12-01,2026-01-20,2026-01-10,done,+5 points,2026-03-01\n"
    (chain,) = chains(review_with(row))
    assert chain.faults == ["action done, and the target is missed still"]


def test_without_an_action_or_a_table_every_link_is_missing(review_with):
    for actions in ("", None):
        (chain,) = chains(review_with(actions))
        assert chain.action is None
        assert len(chain.faults) == 6


def test_the_open_action_answers_before_an_overdue_one(review_with):
    rows = (
        "a1,acme,service_level,corrective,rota,Late one,Ann,2026-01-10,2026-01-20,,open,+5 points,2026-03-01\n"
        "a2,acme,service_level,corrective,rota,Open one,Ann,2026-01-02,2026-02-20,,open,+5 points,2026-03-01\n"
    )
    (chain,) = chains(review_with(rows))
    assert (chain.action["action_id"], chain.others) == ("a2", 1)


# --- ages and carrying over -------------------------------------------------------------------------------------------


def test_ages_count_open_actions_for_as_long_as_they_have_been_open(review_with):
    rows = "".join(
        f"a{n},acme,service_level,corrective,x,Do,Ann,2025-12-{n:02d},2026-01-{n:02d},{closed},open,,\n"
        for n, closed in ((1, "2025-12-11"), (2, "2025-12-22"), (3, "2026-01-02"), (4, ""), (5, "2026-02-15"))
    )
    ages = action_ages(review_with(rows))
    # The fifth closes after the period: on its last day it is open, and overdue like the fourth.
    assert (ages.open_now, ages.overdue, ages.carried) == (2, 2, 2)
    assert (ages.closing.n, ages.closing.n_open) == (5, 2)
    # 10, 20 and 30 days to closing, two still open after 57 and 58: the median is that of five.
    assert ages.closing.median == 30


@pytest.mark.parametrize(
    ("period", "raised", "count"),
    [
        ("2026-01", "2026-01-05", 0),
        ("2026-01", "2025-11-30", 2),
        ("2026-W04", "2026-01-14", 1),
        ("2025-Q4", "2025-03-31", 3),
    ],
)
def test_an_action_is_carried_over_once_for_each_later_period(review_with, period, raised, count):
    assert carried_over(review_with(None, period=period), raised) == count


# --- what closed actions did ------------------------------------------------------------------------------------------


def test_an_action_that_worked_is_told_with_its_size(review_with):
    (effect,) = action_effects(review_with(DONE.format("+10 points"), step(0.10)))
    assert effect.word == "moved as expected"
    assert effect.result.ci_low < 0.10 < effect.result.ci_high
    assert effect.expected_change == pytest.approx(0.10)
    assert not effect.less_than_expected


def test_an_action_that_changed_nothing_is_told_too(review_with):
    (effect,) = action_effects(review_with(DONE.format("+10 points")))
    assert effect.word == "did not move as expected"
    assert effect.why.startswith("the interval excludes the expected +10.0 pp; only a change of at least ")
    assert effect.result.detectable_effect < 0.10


def test_what_the_test_could_not_have_seen_is_not_called_unmoved(review_with):
    (effect,) = action_effects(review_with(DONE.format("+0.1 points")))
    assert effect.word == "not shown"
    assert effect.result.detectable_effect > 0.001
    assert effect.why.startswith("only a change of at least ")


def test_a_fall_in_place_of_a_rise(review_with):
    (effect,) = action_effects(review_with(DONE.format("+10 points"), step(-0.10)))
    assert effect.word == "moved the other way"


def test_without_a_number_that_was_expected_no_change_is_not_shown(review_with):
    (effect,) = action_effects(review_with(DONE.format("better rota")))
    assert (effect.word, effect.expected) == ("not shown", None)
    assert effect.why.endswith("would have been seen; what was expected is not on record as a number")


def test_less_than_expected(review_with):
    (effect,) = action_effects(review_with(DONE.format("+20 points"), step(0.10)))
    assert (effect.word, effect.less_than_expected) == ("moved as expected", True)


def test_what_moved_all_partners_is_no_effect(review_with):
    names = ("acme", "b", "c", "d")
    everyone = lambda partner, day: 0.7 + (0.1 if day >= CLOSED else 0.0)  # noqa: E731
    (effect,) = action_effects(review_with(DONE.format("+10 points"), everyone, names))
    assert (effect.controlled, effect.word) == (True, "did not move as expected")
    (alone,) = action_effects(review_with(DONE.format("+10 points"), everyone))
    assert (alone.controlled, alone.word) == (False, "moved as expected")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (DONE.format("+10 points").replace("2025-12-01", "2026-02-01"), "check date ahead"),
        (DONE.format("+10 points").replace("done", "dropped"), "dropped"),
        (DONE.format("+10 points").replace(",2025-09-01,done", ",,open"), "open"),
        (
            DONE.format("+10 points").replace("2025-09-01,done", "2026-01-10,done").replace("2025-12-01", ""),
            "four weeks",
        ),
    ],
)
def test_what_is_not_yet_judged(review_with, row, why):
    assert action_effects(review_with(row)) == [], why


def test_the_same_error_rate_however_many_actions(review_with):
    rows = "".join(DONE.format("+10 points").replace("a1", f"a{n}") for n in range(1, 6))
    levels = [effect.result.confidence_level for effect in action_effects(review_with(rows))]
    assert levels == pytest.approx([0.99] * 5)


def test_too_little_before_the_closing_says_what_is_needed(review_with):
    early = DONE.format("+10 points").replace("2025-09-01", "2025-04-07").replace("2025-07-01", "2025-03-10")
    (effect,) = action_effects(review_with(early))
    assert effect.word == "cannot tell"
    assert effect.why == "8 values before the start are needed, there are 5"


# --- what was expected, as a number -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kpi", "kind", "value"),
    [
        ("FCR +5 points", "fcr", "change", 0.05), ("-2 pp", "fcr", "change", -0.02),
        ("AHT -20 s", "aht_s", "change", -20),
        ("AHT −20 s", "aht_s", "change", -20), ("cost -4 %", "cost_per_contact", "relative", -0.04),
        ("transfer rate below 10 %", "transfer_rate", "level", 0.10), ("completion above 90 %", "fcr", "level", 0.90),
        ("at most 400 s", "aht_s", "level", 400), ("NPS at least 30", "nps", "level", 30),
    ],
)  # fmt: skip
def test_expected_effects_are_read_as_numbers(text, kpi, kind, value):
    found = read_expected(text, KPIS[kpi])
    assert (found.kind, found.value) == (kind, pytest.approx(value))


@pytest.mark.parametrize("text", ["causes named", "", "one rehearsed night", "difference below three"])
def test_what_is_no_number_is_none(text):
    assert read_expected(text, KPIS["fcr"]) is None


def test_an_expected_level_becomes_a_change():
    assert read_expected("below 10 %", KPIS["transfer_rate"]).change_from(0.15) == pytest.approx(-0.05)
    assert read_expected("-4 %", KPIS["cost_per_contact"]).change_from(5.0) == pytest.approx(-0.2)


# --- what is planted --------------------------------------------------------------------------------------------------


def test_the_effective_and_the_useless_action_of_the_sample_are_told_apart(review_of):
    (good,) = [e for e in action_effects(review_of("northline")) if e.action["action_id"] == "act-03"]
    assert good.word == "moved as expected"
    assert good.result.ci_low < -0.07 < good.result.ci_high
    (useless,) = [e for e in action_effects(review_of("meridia")) if e.action["action_id"] == "act-07"]
    assert useless.word == "did not move as expected"
    assert useless.result.ci_high < 0.05
