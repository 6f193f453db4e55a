"""Quality by item, side, weight and agent: by hand, apart, and missing where it is missing."""

from __future__ import annotations

import pytest

from bpo_analysis.review.context import open_review
from bpo_analysis.review.quality import agent_funnel, failed_items, side_scores, weighted_score

HEAD = (
    "evaluation_id,item_id,partner_id,agent_id,rater_org,purpose,criticality,rating,rating_max,evaluated_at,sampling,"
    "inclusion_probability\n"
)


def evaluation(number, org, tone, rule, *, chance="0.1", sampling="random", agent="", purpose="grading"):
    agent = agent or f"a{number % 10}"
    day = f"2026-01-{1 + number % 28:02d}"
    return [
        f"e{number},tone,acme,{agent},{org},{purpose},none,{tone},10,{day},{sampling},{chance}",
        f"e{number},rule,acme,{agent},{org},{purpose},customer,{rule},10,{day},{sampling},{chance}",
    ]


@pytest.fixture
def graded(write_dataset):
    def review(evaluations, period="2026-01"):
        text = HEAD + "\n".join(line for lines in evaluations for line in lines) + "\n"
        return open_review(write_dataset(qa_ratings=text), "acme", period)

    return review


def test_items_by_hand_most_often_failed_first(graded):
    items = failed_items(graded([evaluation(i, "client", 5 if i < 6 else 10, 0 if i < 2 else 10) for i in range(20)]))
    assert [(i.item_id, i.failed, i.rated, i.agents) for i in items] == [("tone", 6, 20, 10), ("rule", 2, 20, 10)]
    assert [i.part for i in items] == pytest.approx([0.75, 0.25])
    assert [i.cumulative for i in items] == pytest.approx([0.75, 1.0])
    assert items[0].share.estimate == pytest.approx(0.3)


def test_what_one_agent_did_counts_together(graded):
    spread = failed_items(graded([evaluation(i, "client", 5 if i % 4 == 0 else 10, 10) for i in range(40)]))[0]
    one = failed_items(
        graded([evaluation(i, "client", 5 if i < 10 else 10, 10, agent=f"a{i // 10}") for i in range(40)])
    )[0]
    assert (spread.failed, one.failed) == (10, 10)
    assert one.share.ci_high - one.share.ci_low > spread.share.ci_high - spread.share.ci_low


def test_the_sides_are_kept_apart_and_calibration_is_no_grading(graded):
    rows = [evaluation(i, "client", 6, 0 if i == 0 else 10) for i in range(10)]
    rows += [evaluation(10 + i, "bpo", 10, 10) for i in range(5)]
    rows += [evaluation(20, "bpo", 0, 0, purpose="calibration")]
    client, partner = side_scores(graded(rows))
    assert (client.side, client.evaluations, client.mean) == ("client", 10, pytest.approx((9 * 0.8 + 0.3) / 10))
    assert (partner.side, partner.evaluations, partner.mean) == ("partner", 5, pytest.approx(1.0))
    assert client.errors["customer"][0] == 1
    assert client.errors["business"][0] == 0


def test_weights_by_hand(graded):
    # One of ten stands for ten contacts, one of two for two: (10 * 0.5 + 2 * 1.0) / 12.
    rows = [evaluation(0, "client", 0, 10), evaluation(1, "client", 10, 10, chance="0.5")]
    rows += [evaluation(2, "client", 0, 0, chance="", sampling="targeted")]
    found = weighted_score(graded(rows))
    assert found.value == pytest.approx(7 / 12)
    assert found.plain == pytest.approx(0.75)
    assert (found.evaluations, found.left_out, found.smallest, found.largest) == (2, 1, 0.1, 0.5)


def test_without_chances_there_is_no_weighted_score(graded):
    assert weighted_score(graded([evaluation(0, "client", 5, 10, chance="")])) is None


def test_agents_are_codes_unless_they_may_be_named(graded):
    review = graded([evaluation(i, "client", 5 if i % 10 == 3 or i % 7 == 0 else 10, 10) for i in range(120)])
    named, masked = (agent_funnel(review, named=n) for n in (True, False))
    assert set(named.agents) == {f"a{i}" for i in range(10)}
    assert not set(masked.agents) & set(named.agents)
    assert [named.agents[place] for place in named.result.outside] == ["a3"]
    assert named.result.outside == masked.result.outside


def test_few_agents_have_no_funnel(graded):
    assert agent_funnel(graded([evaluation(i, "client", 5, 10, agent="a1") for i in range(40)]), named=True) is None


def test_without_evaluations_everything_is_missing(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert failed_items(review) == []
    assert side_scores(review) == []
    assert weighted_score(review) is None
    assert agent_funnel(review, named=True) is None
