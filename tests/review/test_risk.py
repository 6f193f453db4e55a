"""Concentration, exit exposure, deadlines, flexibility, growth gate: by hand on small data, planted in the sample."""

from __future__ import annotations

import pandas as pd
import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.review.concentration import (
    concentration,
    excepted,
    in_house_capability,
    overall_share,
    pairs,
    shares_by_partner,
    trend_of_share,
)
from bpo_analysis.review.context import open_review
from bpo_analysis.review.contract_dates import deadlines, exit_costs
from bpo_analysis.review.exit_exposure import exit_exposure, spare_capacity, why_no_exit_exposure
from bpo_analysis.review.flexibility import flexibility
from bpo_analysis.review.growth_gate import growth_gate, new_hire_share, support_ratio
from bpo_analysis.review.portfolio import open_portfolio
from bpo_analysis.review.portfolio_risk import portfolio_risk

VOLUME = """
    partner_id,interval_start,channel,product,queue,shift,offered,answered
    acme,2026-01-05,voice,red,q1,day,60,60
    acme,2026-01-05,chat,red,q1,day,20,20
    acme,2026-01-06,voice,blue,q2,night,20,20
    bolt,2026-01-05,voice,red,q1,day,40,40
    bolt,2026-01-05,chat,blue,q1,day,60,60
"""


@pytest.fixture
def small(write_dataset):
    def make(partner="acme", *, toml="", period="2026-01", **tables):
        return open_review(write_dataset(toml, **({"volume": VOLUME} | tables)), partner, period)

    return make


def row_of(table, dimension, value):
    return table[(table["dimension"] == dimension) & (table["value"] == value)].iloc[0]


# --- concentration ---------------------------------------------------------------------------------------------------


def test_shares_by_hand(small):
    table = concentration(small())
    voice, night, queue = (row_of(table, *key) for key in (("channel", "voice"), ("shift", "night"), ("queue", "q2")))
    assert (voice["partner"], voice["total"], voice["share"]) == (80, 120, pytest.approx(2 / 3))
    assert voice["hhi"] == pytest.approx((2 / 3) ** 2 + (1 / 3) ** 2)
    assert voice["effective"] == pytest.approx(1.8)
    assert night["whole"]
    assert night["flagged"]
    assert night["effective"] == 1
    assert queue["whole"]
    assert queue["flagged"]


def test_a_pair_is_named_only_where_no_half_is(small):
    # Chat of red and voice of blue are acme's alone, though none of the four is; the night is, and is said elsewhere.
    found = pairs(small())
    both = {("channel: chat", "product: red"), ("channel: voice", "product: blue")}
    assert set(zip(found["first"], found["second"], strict=True)) == both
    assert found["whole"].all()


def test_the_ceiling_is_the_datasets_and_the_whole_is_always_flagged(small):
    strict = concentration(small(toml="[report]\nconcentration_ceiling = 0.6\n"))
    assert row_of(strict, "channel", "voice")["flagged"]
    loose = concentration(small(toml="[report]\nconcentration_ceiling = 1.0\n"))
    assert not row_of(loose, "channel", "voice")["flagged"]
    assert row_of(loose, "shift", "night")["flagged"]


EXCEPTIONS = """
    exception_id,partner_id,dimension,value,why,approved_by,valid_from,review_on,fallback
    e1,acme,shift,night,few contacts,board,2025-01-01,{},close the night
"""


def test_an_exception_is_left_out_of_the_share_and_printed(small):
    review = small(exceptions=EXCEPTIONS.format("2026-12-31"))
    table = concentration(review)
    assert not row_of(table, "shift", "night")["flagged"]
    assert row_of(table, "channel", "voice")["outside"] == pytest.approx(60 / 100)
    assert overall_share(review)["share"] == pytest.approx(100 / 200)
    assert overall_share(review)["outside"] == pytest.approx(80 / 180)
    (found,) = excepted(review)
    assert (found.inside, found.partner, found.total) == (1, 20, 20)
    assert found.weekly == pytest.approx(20 * 7 / 31)
    assert not found.stale


def test_an_exception_past_its_review_is_flagged(small):
    review = small(exceptions=EXCEPTIONS.format("2026-01-30"))
    night = row_of(concentration(review), "shift", "night")
    assert night["flagged"]
    assert night["stale"]
    assert "past its review date" in night["exception"]
    assert excepted(review)[0].stale


def test_the_sample_has_one_product_in_one_hand_and_an_agreed_night(review_of):
    table = concentration(review_of("meridia"))
    assert table[table["flagged"]]["value"].tolist() == ["smarthome"]
    night = row_of(concentration(review_of("solheim")), "shift", "overnight")
    assert night["whole"]
    assert not night["flagged"]
    assert overall_share(review_of("solheim"))["outside"] < overall_share(review_of("solheim"))["share"]


def test_in_house_agents_of_thirty_days_equal_a_plain_count(review_of, portfolio):
    review = review_of("meridia")
    table = in_house_capability(review)
    contacts = pd.read_parquet(portfolio.path / "interactions.parquet")
    recent = contacts[
        (contacts["partner_id"] == "home") & ~contacts["abandoned"].astype(bool)
        & contacts["created_at"].between("2026-10-02", "2026-11-01")
    ]  # fmt: skip
    for reason, agents in recent.groupby("reason")["agent_id"].nunique().items():
        assert row_of(table, "reason", reason)["agents"] == agents
    chat = row_of(table, "channel", "chat")
    assert chat["agents"] == 0
    assert pd.isna(chat["last_day"])
    assert chat["in_house_share"] == 0


def test_in_house_capability_is_not_guessed(small):
    assert in_house_capability(small()) is None


def test_shares_of_a_slice_add_up_to_one(portfolio, review_of):
    table = shares_by_partner(portfolio, review_of("meridia").period)
    assert table.drop(columns=["dimension", "value", "total"]).sum(axis=1).round(9).eq(1).all()
    assert trend_of_share(review_of("meridia"), "product", "smarthome") == [1.0] * 12


# --- exit exposure ---------------------------------------------------------------------------------------------------

ROSTER = "agent_id,partner_id,hire_date\n" + "".join(f"a{i},acme,2020-01-01\n" for i in range(4))
TERMS = """
    contract_id,partner_id,start,end,notice_days_partner,notice_days_client,hire_lead_days,hires_per_week,training_days,ramp_weeks,termination_for_convenience,termination_fee,min_heads
    c1,acme,2025-01-01,2026-12-31,{},60,{},{},{},{},true,100,3
"""  # fmt: skip


def test_the_gap_by_hand(small):
    # Notice 14 days; four heads start together on day 14 and take calls on day 28, at once at full output: two weeks.
    review = small(contracts=TERMS.format(14, 14, 4, 14, 0), roster=ROSTER)
    found = exit_exposure(review)
    assert found.base.uncovered_weeks == pytest.approx(2)
    assert (found.base.first_week, found.base.last_week, found.base.worst) == (3, 4, 1)
    assert not found.at_least
    assert found.weekly_hours is None
    assert found.contacts("base") == pytest.approx(2 * found.weekly_contacts)


def test_shares_of_every_week_add_up(small):
    found = exit_exposure(small(contracts=TERMS.format(20, 10, 1.5, 9, 6), roster=ROSTER))
    for scenario in found.scenarios.values():
        total = scenario.weeks[["partner", "replacements", "uncovered"]].sum(axis=1)
        assert total.round(9).eq(1).all()
    low, base, high = (found.scenarios[name].uncovered_weeks for name in ("low", "base", "high"))
    assert low < base < high


def test_a_line_of_learning_by_hand(small):
    # Live from the first day without a partner, output grows in a line over 8 weeks: half of 8 weeks is not done.
    found = exit_exposure(small(contracts=TERMS.format(0, 0, 100, 0, 8), roster=ROSTER))
    assert found.base.uncovered_weeks == pytest.approx(4, abs=0.1)


def test_longer_notice_never_leaves_more_undone(small):
    gaps = [
        exit_exposure(small(contracts=TERMS.format(days, 20, 2, 14, 4), roster=ROSTER)).base.uncovered_weeks
        for days in (0, 30, 60, 120)
    ]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == 0


def test_what_is_not_known_is_left_at_nothing_and_said(small):
    found = exit_exposure(small(contracts=TERMS.format(7, "", "", "", ""), roster=ROSTER))
    assert found.at_least
    # Neither a first day of live contacts nor a handling time is on record; hires of the roster are.
    assert {a.name for a in found.assumptions if not a.known} >= {"until the first start", "until full output"}


def test_why_there_is_no_exposure(small):
    assert why_no_exit_exposure(small()) == "table contracts is not in this dataset"
    no_heads = small(contracts=TERMS.format(30, 1, 1, 1, 1))
    assert why_no_exit_exposure(no_heads).startswith("the number of agents is not known")
    assert exit_exposure(no_heads) is None
    no_notice = small(contracts=TERMS.format("", 1, 1, 1, 1), roster=ROSTER)
    assert "notice_days_partner" in why_no_exit_exposure(no_notice)


def test_the_short_notice_of_the_sample_leaves_most_undone(portfolio):
    table = portfolio_risk(open_portfolio(portfolio, "2026-10")).set_index("partner_id")
    assert table["uncovered_weeks"].idxmax() == "baobab"
    assert table.loc["baobab", "uncovered_weeks"] > 5 * table["uncovered_weeks"].drop("baobab").max()
    assert table.loc["baobab", "notice_days"] == 30
    assert table.loc["meridia", ["flagged", "flagged_slices", "no_home"]].tolist() == [1, "product: smarthome", 1]
    assert "home" not in table.index


def test_spare_capacity_is_of_the_others(review_of):
    table = spare_capacity(review_of("baobab"))
    assert "baobab" not in set(table["partner_id"])
    assert (table["spare_hours"] >= 0).all()


# --- dates, exit cost, flexibility -----------------------------------------------------------------------------------


def test_deadlines_are_counted_from_the_end_of_the_period(small):
    table = deadlines(small(contracts=TERMS.format(30, 1, 1, 1, 1))).set_index("what")
    assert table.loc["end of the term", "days_left"] == (pd.Timestamp("2026-12-31") - pd.Timestamp("2026-01-31")).days
    assert table.loc["last day for the client's notice", "day"] == pd.Timestamp("2026-11-01")
    assert table.loc["earliest day the partner could be gone", "days_left"] == 30
    assert table.index[0] == "earliest day the partner could be gone"


def test_exit_cost_with_and_without_the_clause(small):
    (free,) = exit_costs(small(contracts=TERMS.format(30, 1, 1, 1, 1)))
    assert free.earliest == pd.Timestamp("2026-04-01")
    assert free.now == 100
    months = free.table.set_index(free.table["month"].dt.strftime("%Y-%m"))
    assert not months.loc["2026-03", "possible"]
    assert months.loc["2026-04", "possible"]
    assert months.loc["2026-12", "on_top"] == 0  # the term is over
    bound = """
        contract_id,partner_id,start,end,notice_days_client,termination_for_convenience,termination_fee,min_monthly_fee
        c1,acme,2025-01-01,2026-12-31,60,false,50,1000
    """
    (held,) = exit_costs(small(contracts=bound))
    april = held.table[held.table["month"] == "2026-04-30"].iloc[0]
    assert april["on_top"] == pytest.approx(50 + 1000 * 245 / 30.4375)
    assert held.now == pytest.approx(april["on_top"])


def test_an_unknown_minimum_is_not_nought(small):
    bound = """
        contract_id,partner_id,start,end,notice_days_client,termination_for_convenience,termination_fee
        c1,acme,2025-01-01,2026-12-31,60,false,50
    """
    (held,) = exit_costs(small(contracts=bound))
    assert held.now is None
    assert held.minimum_source.startswith("not known")


TIME = """
    agent_id,partner_id,date,handling_s,available_s
    a0,acme,2026-01-05,5100,4900
"""


def test_heads_needed_and_a_fall_of_volume(small):
    review = small(contracts=TERMS.format(30, 1, 1, 1, 1), roster=ROSTER, agent_time=TIME)
    (found,) = flexibility(review)
    # 51 % occupancy of four heads against 85 %: 2.4 heads; three must be kept.
    assert found.months["needed"].iloc[-1] == pytest.approx(2.4)
    assert found.months["unused"].iloc[-1] == pytest.approx(0.6)
    falls = found.scenarios.set_index("fall")
    assert falls.loc[0.1, ["needed", "kept", "excess"]].tolist() == [3, 3, 0]
    assert falls.loc[0.3, ["needed", "kept", "excess"]].tolist() == [2, 3, 1]
    assert falls.loc[0.1, "possible"]
    assert not falls.loc[0.3, "possible"]
    assert pd.isna(falls.loc[0.3, "cost"])  # no bill, no cost


# --- growth gate -----------------------------------------------------------------------------------------------------


def test_a_gate_opens_closes_or_is_not_judged(small):
    gate = '[report.growth_gate]\nnew_hire_share = "{}"\n'
    assert growth_gate(small(toml=gate.format("<= 0.3"))).state == "not judged"
    assert growth_gate(small()).state == "no rule"
    assert new_hire_share(small()) is None
    roster = ROSTER + "n0,acme,2025-12-15\n"
    view = growth_gate(small(toml=gate.format("<= 0.3"), roster=roster))
    assert view.new_hires == pytest.approx(0.2)
    assert (view.state, view.grew) == ("open", False)
    assert growth_gate(small(toml=gate.format("<= 0.1"), roster=roster)).state == "closed"
    assert growth_gate(small(toml=gate.format("<= 20 %"), roster=roster)).state == "open"  # as printed: 20.0 %


STAFF = """
    partner_id,site,role,heads,valid_from,valid_to
    acme,a,team_leader,1,2025-01-01,
    acme,a,team_leader,3,2026-01-17,
    acme,b,team_leader,1,2025-01-01,
    acme,a,trainer,2,2026-01-02,
    acme,a,quality_analyst,0,2025-01-01,
    bolt,a,trainer,5,2025-01-01,
"""


JANUARY = "partner_id,interval_start,offered\n" + "".join(f"acme,2026-01-{day:02d},9\n" for day in range(1, 32))


def test_agents_for_each_person_who_leads_checks_and_trains(small):
    review = small(roster=ROSTER, support_staff=STAFF, volume=JANUARY)
    agents = review.measure("headcount").value
    # Two on the first sixteen days (one at each site), four on the other fifteen.
    leaders = support_ratio(review, "team_leader")
    assert (leaders.people, leaders.value) == (pytest.approx(92 / 31), pytest.approx(agents / (92 / 31)))
    assert support_ratio(review, "quality_analyst").value == float("inf")  # known to be nobody
    assert support_ratio(review, "trainer") is None  # nothing is known of the first of January
    assert support_ratio(small(roster=ROSTER, folder="no staff"), "trainer") is None
    assert support_ratio(small(support_staff=STAFF, folder="no roster"), "team_leader") is None


def test_a_row_that_ends_leaves_days_unknown(small):
    staff = STAFF.replace("acme,b,team_leader,1,2025-01-01,", "acme,b,team_leader,1,2025-01-01,2026-01-30")
    assert support_ratio(small(roster=ROSTER, support_staff=staff, volume=JANUARY), "team_leader") is None


@pytest.mark.parametrize(
    ("condition", "state"),
    [
        ('agents_per_team_leader = "<= 15"', "open"), ('agents_per_team_leader = "<= 1"', "closed"),
        ('agents_per_quality_analyst = "<= 20"', "closed"), ('agents_per_trainer = "<= 30"', "not judged"),
    ],
)  # fmt: skip
def test_the_support_ratio_is_a_condition_of_the_gate(small, condition, state):
    toml = f"[report.growth_gate]\n{condition}\n"
    assert growth_gate(small(toml=toml, roster=ROSTER, support_staff=STAFF, volume=JANUARY)).state == state


def test_a_condition_that_does_not_exist_is_an_error(write_dataset):
    toml = '[report.growth_gate]\nagents_per_leader = "<= 15"\n'
    problems = open_dataset(write_dataset(toml)).check().problems
    assert "agents_per_team_leader" in " ".join(problems["rule"])


def test_the_gate_of_the_sample(review_of):
    view = growth_gate(review_of("baobab"))
    assert view.state == "closed"
    assert [check.condition.name for check in view.checks if check.holds is False] == ["csat"]
    assert view.grew
    leaders, before = view.support["team_leader"]
    assert (leaders.people, leaders.agents, before.people) == (4, 29, 4)
    now = view.errors.loc["now"]
    assert now["weekly"] == pytest.approx(now["rate"] * 1375 / (31 / 7))
    assert now["weekly_low"] < now["weekly"] < now["weekly_high"]
