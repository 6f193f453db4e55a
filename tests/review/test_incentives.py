"""Credits and bonuses by hand: tiers, limits, caps, earn-back, excused days, and what could have come out otherwise."""

from __future__ import annotations

import pytest

from bpo_analysis.kpis import KPIS
from bpo_analysis.review.context import open_review
from bpo_analysis.review.incentives import Rule, Tier, incentive_months, ledger
from bpo_analysis.review.two_sides import two_sides

SERVICE = KPIS["service_level"]


def rule(*tiers, kpi="service_level", **rest):
    return Rule(rule_id="r", contract_id="c", kpi=KPIS[kpi], tiers=tuple(Tier(*tier) for tier in tiers), **rest)


THREE = ((0.0, 0.7, -0.04), (0.7, 0.8, 0.0), (0.8, 1.0, 0.01))


@pytest.mark.parametrize(
    ("value", "amount"),
    [(0.5, -0.04), (0.6994, -0.04), (0.6996, 0.0), (0.7, 0.0), (0.7994, 0.0), (0.7996, 0.01), (1.0, 0.01)],
)
def test_a_result_is_looked_up_as_it_is_printed(value, amount):
    # 69.96 % is printed as 70.0 %, which is in the tier from 70 %.
    assert rule(*THREE).tier_of(value, 1).amount == amount


def test_a_limit_belongs_to_the_better_tier():
    lower_is_better = rule((0.0, 0.05, 0.0), (0.05, 1.0, -0.02), kpi="abandonment_rate")
    assert lower_is_better.tier_of(0.05, 1).amount == 0.0
    assert lower_is_better.tier_of(0.051, 1).amount == -0.02
    assert lower_is_better.tier_of(0.0, 1).amount == 0.0


def test_outside_every_tier_there_is_none():
    assert rule((0.5, 0.7, -0.04)).tier_of(0.8, 1) is None
    assert rule((float("-inf"), 0.7, -0.04), (0.7, float("inf"), 0.0)).tier_of(0.9, 1).amount == 0.0


def test_an_interval_reaches_all_tiers_between_its_ends():
    assert [t.amount for t in rule(*THREE).touched(0.65, 0.85, 1)] == [-0.04, 0.0, 0.01]
    assert [t.amount for t in rule(*THREE).touched(0.71, 0.75, 1)] == [0.0]


CONTRACTS = """
    contract_id,partner_id,start,end,at_risk_share
    c1,acme,2025-01-01,2026-12-31,{}
"""
HEADER = (
    "rule_id,contract_id,kpi,tier_low,tier_high,amount_share,cap_share,earn_back_periods,weight,channel,min_cases\n"
)
EVENTS = "event_id,partner_id,start,end,kind,title,kpi\n"


def days(month, share, offered=100, partner="acme", *, first=1, last=28):
    answered = round(share * offered)
    return "".join(
        f"{partner},2026-{month:02d}-{day:02d},{offered},{offered},{answered},0\n" for day in range(first, last + 1)
    )


@pytest.fixture
def review(write_dataset):
    def make(months, rules, *, risk="", period="2026-03", bill=1000, events=None, extra=""):
        volume = "partner_id,interval_start,offered,answered,answered_in_threshold,abandoned\n" + extra
        volume += "".join(days(month, share) for month, share in months.items() if share is not None)
        volume += days(3, 1.0, 1, "bolt")
        invoices = "invoice_id,line,partner_id,period,item,amount\n" + "".join(
            f"i{month},1,acme,2026-{month:02d}-01,contacts,{bill}\n" for month in months
        )
        folder = write_dataset(
            "[dataset]\ncurrency = 'EUR'\n", volume=volume, contracts=CONTRACTS.format(risk),
            contract_incentives=HEADER + rules, invoices=invoices, events=events,
        )  # fmt: skip
        return open_review(folder, "acme", period)

    return make


def rows(name="r1", *, tiers=THREE, kpi="service_level", cap="", back="", weight="", channel="", cases=""):
    return "".join(
        f"{name},c1,{kpi},{low},{high},{amount},{cap},{back},{weight},{channel},{cases}\n"
        for low, high, amount in tiers
    )


def test_a_credit_a_bonus_and_nothing(review):
    lines = ledger(review({1: 0.6, 2: 0.75, 3: 0.9}, rows()), 3)
    assert [line.net for line in lines] == [-0.04, 0.0, 0.01]
    assert [line.money(line.net) for line in lines] == [-40, 0, 10]


def test_weight_and_the_caps(review):
    (weighted,) = ledger(review({3: 0.6}, rows(weight="0.5")))
    assert weighted.gross == -0.02
    (capped,) = ledger(review({3: 0.6}, rows(cap="0.03")))
    assert (capped.gross, capped.capped) == (-0.04, -0.03)
    two = ledger(review({3: 0.6}, rows("r1") + rows("r2", tiers=((0, 0.7, -0.02), (0.7, 1, 0))), risk="0.03"))
    assert [line.capped for line in two] == pytest.approx([-0.02, -0.01])  # both reduced alike, 3 % in all


def test_earn_back_needs_every_month_after_to_be_clean(review):
    lines = ledger(review({1: 0.6, 2: 0.9, 3: 0.75}, rows(back="2")), 3)
    assert [line.returned for line in lines] == pytest.approx([0, 0, 0.04])
    assert lines[-1].net == pytest.approx(0.04)
    again = ledger(review({1: 0.6, 2: 0.6, 3: 0.9}, rows(back="2")), 3)
    assert [line.returned for line in again] == [0, 0, 0]


def test_what_is_given_back_rests_on_months_before_those_shown(review):
    (march,) = ledger(review({1: 0.6, 2: 0.9, 3: 0.75}, rows(back="2")), 1)
    assert march.returned == pytest.approx(0.04)


def test_money_given_back_is_the_money_that_was_charged(write_dataset, review):
    found = review({1: 0.6, 2: 0.9, 3: 0.75}, rows(back="2"))
    january, *_, march = ledger(found, 3)
    assert march.money(march.returned) == pytest.approx(-january.money(january.capped))


def test_excused_days_are_left_out(review):
    bad = days(3, 0.0, first=1, last=10)
    good = days(3, 0.9, first=11, last=28)
    events = EVENTS + "e1,acme,2026-03-01,2026-03-10,excused,storm,\n"
    (line,) = ledger(review({3: None}, rows(), events=events, extra=bad + good))
    assert (line.value, line.gross, line.without_excuse, line.excused_days) == (0.9, 0.01, -0.04, 10)
    other = EVENTS + "e1,acme,2026-03-01,2026-03-10,excused,storm,csat\n"
    (line,) = ledger(review({3: None}, rows(), events=other, extra=bad + good))
    assert (line.gross, line.excused_days) == (-0.04, 0)


def test_too_few_cases_move_nothing(review):
    (line,) = ledger(review({3: 0.6}, rows(cases="5000")))
    assert (line.state, line.net, line.cases) == ("too few cases", 0, 2800)


def test_could_flip_is_the_interval_and_changes_no_amount(review):
    (near,) = ledger(review({3: 0.7}, rows()))
    assert near.net == 0
    assert near.could_flip
    assert near.could_be == (-0.04, 0.0)
    (far,) = ledger(review({3: 0.5}, rows()))
    assert not far.could_flip


def test_months_are_whole_ones(review):
    found = review({1: 0.9, 2: 0.9, 3: 0.9}, rows(), period="2026-W11")
    assert [month.label for month in incentive_months(found, 2)] == ["2026-01", "2026-02"]


def test_a_month_without_a_bill_has_shares_and_no_money(review):
    found = review({3: 0.6}, rows())
    found._made["bills before credits"] = {}
    (line,) = ledger(found)
    assert line.net == -0.04
    assert line.money(line.net) is None


def test_both_sides_add_up_to_the_ledger(review_of):
    found = review_of("northline")
    lines = ledger(found, 12)
    sides = two_sides(found, lines, 12)
    net = sum(line.money(line.net) for line in lines)
    assert sides.bonuses - sides.credits + sides.returned == pytest.approx(net)
    assert sides.billed_credit == 0


def test_forecast_borne_is_half_of_error_plus_bias(review_of):
    found = review_of("northline")
    sides = two_sides(found, ledger(found, 1), 1)
    wape, bias = (found.measure(name) for name in ("forecast_wape", "forecast_bias"))
    assert sides.over_forecast - sides.under_forecast == pytest.approx(bias.numerator)
    assert sides.over_forecast + sides.under_forecast == pytest.approx(wape.numerator)


def test_without_tables_there_is_no_ledger(nhs111):
    assert ledger(open_review(nhs111, "Thames Valley", "2026-03")) is None
