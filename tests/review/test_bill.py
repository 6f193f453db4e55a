"""The bill: steps that add up, and the in-house team on the same mix."""

from __future__ import annotations

from calendar import monthrange

import pytest

from bpo_analysis.review.bill import bill_bridge, billed_month, cost_against_in_house, why_no_comparison
from bpo_analysis.review.context import open_review
from bpo_analysis.review.scope import scope_register

PARTNERS = """
    partner_id,name,kind
    acme,Acme,bpo
    home,Own,inhouse
"""


def volume(counts, *, seconds=100):
    lines = ["partner_id,interval_start,reason,offered,answered,handled,talk_s"]
    for month, reasons in counts.items():
        for (partner, reason), n in reasons.items():
            work = n * (seconds if reason == "easy" else 3 * seconds)
            lines += [
                f"{partner},2026-{month:02d}-{day:02d},{reason},{n},{n},{n},{work}"
                for day in range(1, monthrange(2026, month)[1] + 1)
            ]
    return "\n".join(lines) + "\n"


def bills(lines):
    head = "invoice_id,line,partner_id,period,item,qty,amount\n"
    return head + "".join(
        f"i{k},{k},{p},2026-{m:02d}-01,{item},{qty},{amount}\n" for k, (p, m, item, qty, amount) in enumerate(lines)
    )


def test_the_steps_by_hand(write_dataset):
    # 310 contacts at 2.00, then 560 at 3.00: volume 250 at the mean price 2.50 = 625, price 435 at 1.00 = 435.
    counts = {1: {("acme", "easy"): 10}, 2: {("acme", "easy"): 20}}
    invoices = bills(
        [("acme", 1, "contacts", 310, 620), ("acme", 2, "contacts", 560, 1680), ("acme", 2, "credit", "", -50)]
    )
    found = bill_bridge(open_review(write_dataset(volume=volume(counts), invoices=invoices), "acme", "2026-02"))
    steps = dict(found.steps)
    assert steps == pytest.approx({"volume": 625, "mix": 0, "rate": 435, "credits and bonuses": -50})
    assert (found.before, found.after) == (620, 1630)
    assert sum(steps.values()) == pytest.approx(found.after - found.before)
    assert not found.rework_known


@pytest.mark.parametrize("partner", ["northline", "solheim", "kestrel", "baobab", "meridia", "fernway"])
def test_the_steps_of_the_sample_add_up(review_of, partner):
    found = bill_bridge(review_of(partner))
    assert sum(amount for _, amount in found.steps) == pytest.approx(found.after - found.before, abs=1e-6)
    assert found.rework_known
    assert (found.lines["quantity_effect"] + found.lines["rate_effect"]).sum() == pytest.approx(
        found.after - found.before
    )


def test_a_line_that_is_new_belongs_to_the_mix(write_dataset):
    counts = {1: {("acme", "easy"): 28}, 2: {("acme", "easy"): 31}}
    invoices = bills(
        [("acme", 1, "contacts", 868, 560), ("acme", 2, "contacts", 868, 560), ("acme", 2, "overtime", 5, 100)]
    )
    found = bill_bridge(open_review(write_dataset(volume=volume(counts), invoices=invoices), "acme", "2026-02"))
    assert dict(found.steps) == pytest.approx({"volume": 0, "mix": 100, "rate": 0})


def test_without_an_earlier_bill_there_is_no_bridge(write_dataset):
    invoices = bills([("acme", 1, "contacts", 280, 560)])
    review = open_review(
        write_dataset(volume=volume({1: {("acme", "easy"): 10}}), invoices=invoices), "acme", "2026-01"
    )
    assert bill_bridge(review) is None
    assert billed_month(review).label == "2026-01"


def test_the_own_team_on_the_partners_mix(write_dataset):
    # Same cost per handled second (1.00 per 100 s): what differs is the mix alone, and on a common mix nothing does.
    counts = {
        m: {("acme", "easy"): 10, ("acme", "hard"): 30, ("home", "easy"): 30, ("home", "hard"): 10} for m in range(1, 7)
    }
    invoices = bills(
        [
            (p, m, "contacts", 1, monthrange(2026, m)[1] * cost)
            for m in range(1, 7)
            for p, cost in (("acme", 100), ("home", 60))
        ]
    )
    review = open_review(write_dataset(partners=PARTNERS, volume=volume(counts), invoices=invoices), "acme", "2026-06")
    found = cost_against_in_house(review)
    assert (found.own, found.in_house) == pytest.approx((2.5, 1.5))
    assert (found.own_standardised, found.in_house_standardised) == pytest.approx((2.5, 2.5))
    assert found.difference == pytest.approx(0, abs=1e-9)
    assert (found.mix, found.months, found.reasons, found.covered) == (True, 6, 2, 1)


def test_why_the_own_team_is_not_compared(write_dataset, review_of):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert why_no_comparison(review) == "table partners names no in-house team (kind = inhouse)"
    assert why_no_comparison(review_of("home")) == "this is the in-house team"
    assert why_no_comparison(review_of("northline")) == ""


def test_the_register_of_tasks(review_of):
    table = scope_register(review_of("baobab")).set_index("reason")
    assert table["share"].sum() == pytest.approx(1)
    assert table["work_share"].sum() == pytest.approx(1)
    assert table.loc["technical_fault", "harder"] > table.loc["order_status", "harder"] == 0


def test_no_reason_no_register(write_dataset):
    assert scope_register(open_review(write_dataset(), "acme", "2026-01")) is None
