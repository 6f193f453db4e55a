"""One figure has one value and one interval, whichever section prints it; titles and findings agree."""

from __future__ import annotations

import re
from html import unescape

import pytest

from bpo_analysis import sections
from bpo_analysis.review.context import open_review
from bpo_analysis.review.incentives import ledger
from bpo_analysis.review.narrative import insights
from bpo_analysis.review.period_cost import period_cost
from bpo_analysis.review.windows import WEEK_CONVENTION
from bpo_analysis.sections.parts import trend_figure


def words(section):
    html = re.sub(r"<svg.*?</svg>", " ", str(getattr(section, "html", section)), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


@pytest.fixture(scope="module")
def kestrel(portfolio):
    return open_review(portfolio, "kestrel", "2026-10")


def test_the_escalation_rate_has_one_interval(portfolio):
    review = open_review(portfolio, "northline", "2026-10")
    rate = review.measure("escalation_rate")
    assert f"That is {rate.text} contacts handled ({rate.interval_text})" in words(sections.escalations(review))
    assert f"{rate.text} {rate.interval_text}" in words(sections.weekly_escalations(review))


def test_the_rate_says_where_register_and_volume_differ(write_dataset):
    volume = (
        "partner_id,interval_start,offered,answered,handled,escalated\n"
        "acme,2026-01-05,100,90,90,3\nacme,2026-01-06,100,90,90,2\n"
    )
    log = "escalation_id,partner_id,opened_at,closed_at\n" + "".join(
        f"e{n},acme,2026-01-05T1{n}:00:00,2026-01-06T1{n}:00:00\n" for n in range(6)
    )
    review = open_review(write_dataset(volume=volume, escalations=log), "acme", "2026-01")
    said = words(sections.escalations(review))
    assert "27.8 per 1,000 contacts handled" in said
    assert "Table volume counts 5 contacts escalated, the register has 6 opened." in said


def test_the_bias_of_raters_is_one_figure_with_its_stretch(kestrel):
    quality, first = words(sections.quality(kestrel)), words(sections.first_screen(kestrel))
    pack = words(sections.calibration_agreement(kestrel))
    assert "Calibration bias" not in quality
    for text in (quality, first, pack):
        assert "6.9 pp" in text
        assert "25 contacts since 2026-07-01" in text


@pytest.mark.parametrize("period", ["2026-10", "2026-Q3", "2026-W43"])
def test_the_worst_week_is_the_same_calendar_week_everywhere(portfolio, period):
    review = open_review(portfolio, "northline", period)
    contract, steady = words(sections.contract_scorecard(review)), words(sections.consistency(review))
    weeks = {text: re.findall(r"(\d+\.\d %) week from (\d{4}-\d\d-\d\d)", text) for text in (contract, steady)}
    assert set(weeks[steady]) <= set(weeks[contract])
    assert weeks[steady]
    for value, monday in weeks[steady]:
        week = review.series("csat", "week", 14, record=False).assign(day=lambda t: t["start"].astype(str))
        mail = review.series("sla_attainment", "week", 14, {"channel": "email"}, record=False)
        shown = [*week.loc[week["day"] == monday, "value"], *mail.loc[mail["start"].astype(str) == monday, "value"]]
        assert value in {f"{100 * number:.1f} %" for number in shown}
    assert WEEK_CONVENTION in contract
    assert WEEK_CONVENTION in steady


def test_heads_at_the_end_and_monthly_averages_are_told_apart(portfolio):
    review = open_review(portfolio, "baobab", "2026-Q3")
    assert "29 agents, the headcount of 2026-09-30, would have to be replaced" in words(sections.exit_exposure(review))
    assert "with 29 agents (on 2026-09-30)" in words(sections.first_screen(review))
    assert "of 29 have under 91 days" in words(sections.staying_and_training(review))
    assert "29.9 were employed on average" in words(sections.contract_terms(review))


def test_the_quarter_is_the_sum_of_its_months_gross_and_net(portfolio):
    review = open_review(portfolio, "northline", "2026-Q3")
    found = period_cost(review)
    lines = ledger(review, 3)
    assert [month.title for month in found.months] == ["2026-07", "2026-08", "2026-09"]
    assert found.total.bill == pytest.approx(sum(month.bill for month in found.months))
    assert found.total.credits == pytest.approx(sum(min(line.gross, 0) * line.bill for line in lines))
    assert found.total.net == pytest.approx(sum(line.net * line.bill for line in lines))
    assert found.total.net_bill == pytest.approx(found.total.bill + found.total.net)
    said = words(sections.incentives(review, months=12))
    assert "the sum of 2026-07, 2026-08, 2026-09: bill 30,909.60 EUR gross" in said
    assert "30,909.60 EUR gross (2026-07 10,591.10 EUR" in words(sections.cost(review))


def test_a_month_has_no_sum_of_months(kestrel):
    assert period_cost(kestrel) is None
    assert "the sum of" not in words(sections.incentives(kestrel))


def test_a_month_without_a_bill_leaves_no_total(write_dataset):
    bills = (
        "invoice_id,line,partner_id,period,item,qty,amount\n"
        "i1,1,acme,2026-01-01,contacts,1,100\ni2,1,acme,2026-03-01,contacts,1,100\n"
    )
    days = "".join(f"acme,2026-{month:02d}-{day:02d},10,9\n" for month in (1, 2, 3) for day in range(1, 29))
    days += "acme,2026-03-31,10,9\n"
    volume = "partner_id,interval_start,offered,answered\n" + days
    review = open_review(write_dataset(volume=volume, invoices=bills), "acme", "2026-Q1")
    found = period_cost(review)
    assert (found.total, found.without_bill) == (None, ("2026-02",))
    assert "no bill is known of 2026-02" in words(sections.cost(review))


@pytest.mark.parametrize("partner", ["northline", "kestrel", "baobab"])
def test_a_chart_that_sees_nothing_does_not_contradict_what_is_found(portfolio, partner):
    review = open_review(portfolio, partner, "2026-10")
    found = {one.kpi.name: words(one.finding.text) for one in insights(review)}
    assert found
    for name in ("service_level", "aht_s", "csat", "fcr", "qa_score"):
        title = words(trend_figure(review, name))
        assert "no signal" not in title
        if name in found:
            assert f"Over longer stretches: {found[name].rstrip('.')}" in title
        elif "no unusual" not in title:
            assert "seen in this chart alone, not a finding of the page" in title


def test_a_slow_slide_has_no_day_and_no_holiday_beside_it(portfolio):
    said = words(sections.trends(open_review(portfolio, "baobab", "2026-10")))
    assert re.search(r"not in one step but gradually, over \d+ to \d+ weeks, likeliest 2026-0[234]-\d\d to", said)
    assert "holiday" not in said


def test_a_sharp_step_keeps_its_day_and_its_event(portfolio):
    said = words(sections.trends(open_review(portfolio, "northline", "2026-10")))
    assert "about 2026-06-15. Near in time: Queues moved to a new routing plan (2026-06-15)." in said
