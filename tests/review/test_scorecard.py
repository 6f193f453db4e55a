"""Contract arithmetic and evidence, kept apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bpo_analysis.data import Target
from bpo_analysis.kpis import KPIS
from bpo_analysis.periods import parse_period
from bpo_analysis.review.context import TOO_FEW, Measure, open_review
from bpo_analysis.review.scorecard import contract_state, evidence_state, is_good, score, target_text
from bpo_analysis.stats import event_rate_interval, share_interval

OCTOBER = parse_period("2026-10")


def target(op=">=", value=0.95, **rest):
    given = dict.fromkeys(("partner_id", "channel", "value_high", "baseline", "valid_from", "valid_to", "due_date"))
    given |= dict.fromkeys(("decimals", "agreed_on")) | dict.fromkeys(("goal", "owner", "clause", "agreed_by"), "")
    given |= {"kpi": "service_level", "tier": "expected", "kind": "absolute", "status": "agreed"}
    return Target(op=op, value=value, **{**given, **rest})


def measure(numerator, denominator, kpi="service_level"):
    return Measure(
        kpi=KPIS[kpi], start=OCTOBER.start, end=OCTOBER.end, where={}, numerator=numerator, denominator=denominator,
        value=numerator / denominator, days=1, interval=share_interval([numerator], [denominator]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("share", "state"),
    [(0.95, "met"), (0.9496, "met"), (0.9495, "met"), (0.94949, "missed"), (0.949, "missed"), (0.96, "met")],
)
def test_the_printed_number_and_the_state_agree(share, state):
    # 94.96 % is printed as 95.0 %: a page must not show 95.0 % beside a missed target of 95.0 %.
    assert contract_state(measure(share * 1e6, 1e6), target(), OCTOBER) == state


def test_the_contract_may_round_otherwise():
    assert contract_state(measure(0.9496e6, 1e6), target(decimals=2), OCTOBER) == "missed"
    assert contract_state(measure(0.945e6, 1e6), target(decimals=0), OCTOBER) == "met"


def test_five_states():
    good = measure(97, 100)
    assert contract_state(good, None, OCTOBER) == "no target"
    assert contract_state(None, target(), OCTOBER) == "not measurable"
    assert contract_state(good, target(due_date=date(2027, 1, 1)), OCTOBER) == "not due"
    assert contract_state(good, target(due_date=date(2026, 10, 31)), OCTOBER) == "met"
    assert contract_state(good, target("<=", 0.95), OCTOBER) == "missed"
    assert contract_state(good, target("between", 0.9, value_high=0.98), OCTOBER) == "met"


def test_evidence_is_the_interval_and_nothing_else():
    assert evidence_state(measure(990, 1000), target()) == "clearly above"
    assert evidence_state(measure(800, 1000), target()) == "clearly below"
    assert evidence_state(measure(19, 20), target()) == "cannot tell"
    assert evidence_state(measure(19, 20), None) == "no target"
    assert evidence_state(None, target()) == "cannot tell"


def test_a_band_has_an_inside():
    band = target("between", 0.7, value_high=0.9)
    assert evidence_state(measure(800, 1000), band) == "clearly inside"
    assert is_good("clearly inside", band) is True
    assert evidence_state(measure(890, 1000), band) == "cannot tell"


def test_an_amount_is_exact_and_a_proposal_is_not_agreed():
    billed = replace(measure(7, 10, kpi="cost_per_contact"), interval=None)
    assert evidence_state(billed, target("<=", 0.65)) == "exact"
    assert contract_state(measure(97, 100), target(status="proposed"), OCTOBER) == "not agreed"
    assert target_text(target(status="proposed"), KPIS["service_level"]) == "≥ 95.0 % (proposed)"


def test_evidence_never_contradicts_the_printed_comparison():
    # 79.96 % is printed as 80.0 % and meets 80 %: an interval that ends at 79.98 % must not call it clearly below.
    close = replace(
        measure(79960, 100000), interval=replace(measure(79960, 100000).interval, ci_low=0.7990, ci_high=0.7998)
    )
    assert contract_state(close, target(value=0.8), OCTOBER) == "met"
    assert evidence_state(close, target(value=0.8)) == "cannot tell"


def test_a_miss_can_be_within_chance():
    close = measure(94, 100)
    assert contract_state(close, target(), OCTOBER) == "missed"
    assert evidence_state(close, target()) == "cannot tell"


def test_the_good_side_follows_the_target():
    assert is_good("clearly above", target("<=", 0.05)) is False
    assert is_good("clearly below", target("<=", 0.05)) is True
    assert is_good("clearly above", target("between", 0.1, value_high=0.2)) is False
    assert is_good("cannot tell", target()) is None


def test_targets_in_words():
    kpi = KPIS["service_level"]
    assert target_text(target(), kpi) == "≥ 95.0 %"
    assert target_text(target("between", 0.8, value_high=0.9), kpi) == "80.0 % to 90.0 %"
    assert target_text(target(due_date=date(2027, 3, 31)), kpi) == "≥ 95.0 % by 2027-03-31"
    assert target_text(None, kpi) == "no target"


def test_a_measure_stays_inside_its_range():
    assert measure(5, 5).limits[1] == 1
    assert replace(measure(5, 5), interval=None).interval_text == ""


def leavers(count, agents):
    heads = agents * 31 / 365.25
    return Measure(
        kpi=KPIS["attrition_annualised"], start=OCTOBER.start, end=OCTOBER.end, where={}, numerator=count,
        denominator=heads, value=count / heads, days=31, interval=event_rate_interval([count], [heads]),
    )  # fmt: skip


def test_an_interval_wider_than_none_to_all_is_words():
    # No leaver of 24 agents in a month: 0 to 181 % a year. Of 240 agents it is 0 to 18 %, and says something.
    assert leavers(0, 24).limits[1] > 1.8
    assert leavers(0, 24).interval_text == TOO_FEW == "too few to tell"
    assert leavers(0, 240).interval_text == "0.0 to 18.1 %"


def test_a_change_has_the_decimals_of_the_value_it_stands_beside(portfolio):
    review = open_review(portfolio, "northline", "2026-10")
    row = score(review, "headcount")
    assert row.measure.text == "24"
    assert row.change_text == "±0"
    assert score(review, "cost_per_contact").change_text.endswith("EUR")
