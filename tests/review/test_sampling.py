"""Drawing contacts: formulas by hand, chances, reproducible, every set as likely as any other, coarse strata, edges."""

from __future__ import annotations

from collections import Counter
from math import sqrt

import pytest

from bpo_analysis.review.context import open_review
from bpo_analysis.review.sampling import agent_code, draw_sample, margin_of, size_for_margin


def interactions(per_stratum):
    lines = ["interaction_id,partner_id,created_at,channel,reason,agent_id"]
    for number, ((channel, reason), count) in enumerate(per_stratum.items()):
        for i in range(count):
            day = 5 + i % 7  # Monday 2026-01-05 to Sunday 2026-01-11
            lines.append(f"i{number}-{i:03d},acme,2026-01-{day:02d}T10:00:00,{channel},{reason},a{i % 3}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def drawn_from(write_dataset):
    def review(per_stratum, period="2026-W02"):
        return open_review(write_dataset(interactions=interactions(per_stratum)), "acme", period)

    return review


def test_margin_by_hand():
    assert margin_of(100, 1000) == pytest.approx(1.959964 * sqrt(0.25 / 100) * sqrt(900 / 999))
    assert margin_of(100, 100) == 0


def test_size_by_hand():
    # m = 1.96 squared / 4 / 0.01 = 96.04, with the end of 237 contacts 96.04 / (1 + 95.04 / 237) = 68.5
    assert size_for_margin(0.1, 237) == 69
    assert margin_of(69, 237) <= 0.1 < margin_of(67, 237)


def test_a_margin_in_percent_is_told_how_to_be_written():
    with pytest.raises(ValueError, match=r"margin must be between 0 and 1, got 10. For 10 points write 0.1"):
        size_for_margin(10, 100)


def test_every_stratum_has_its_part_and_its_chance(drawn_from):
    draw = draw_sample(drawn_from({("voice", "billing"): 30, ("voice", "faults"): 20, ("chat", "billing"): 10}), 12)
    assert (draw.by, draw.population, draw.drawn, draw.shortfall) == ("channel and reason", 60, 12, 0)
    strata = draw.strata.set_index("label")
    assert strata["drawn"].to_dict() == {"voice, billing": 6, "voice, faults": 4, "chat, billing": 2}
    assert strata["inclusion_probability"].tolist() == pytest.approx([0.2, 0.2, 0.2])
    # Weighted by one over its chance, the draw stands for all contacts.
    assert (1 / draw.cases["inclusion_probability"]).sum() == pytest.approx(60)


def test_the_same_seed_draws_the_same_and_another_another(drawn_from):
    review = drawn_from({("voice", "billing"): 35})
    one, again, other = (set(draw_sample(review, 8, seed=s).cases["interaction_id"]) for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_every_contact_is_as_likely_as_any_other(drawn_from):
    # Two small strata put together: the parts come by chance, in proportion.
    review = drawn_from({("voice", "billing"): 15, ("voice", "faults"): 5})
    counts = Counter()
    for seed in range(600):
        draw = draw_sample(review, 3, seed=seed)
        assert draw.by == "channel"
        counts.update(draw.cases["interaction_id"])
    assert len(counts) == 20
    # 600 draws of 3 of 20: 90 each, give or take 4 standard deviations of 8.7.
    assert all(55 <= count <= 125 for count in counts.values())


def test_more_than_there_are_draws_all(drawn_from):
    draw = draw_sample(drawn_from({("voice", "billing"): 7}), 50)
    assert (draw.drawn, draw.margin) == (7, 0.0)
    assert (draw.cases["inclusion_probability"] == 1).all()


def test_what_was_not_kept_is_a_shortfall_not_a_lie(drawn_from):
    draw = draw_sample(drawn_from({("voice", "billing"): 100}), 60)
    assert (draw.population, draw.drawn, draw.shortfall) == (100, 40, 20)
    assert draw.cases["inclusion_probability"].tolist() == pytest.approx([0.4] * 40)


def test_a_month_draws_from_its_last_whole_week(drawn_from):
    draw = draw_sample(drawn_from({("voice", "billing"): 20}, "2026-01"), 5)
    assert draw is None  # the last whole week of January is that of the 19th; nobody called in it
    draw = draw_sample(drawn_from({("voice", "billing"): 20}, "2026-W02"), 5)
    assert (str(draw.start), str(draw.end)) == ("2026-01-05", "2026-01-11")


def test_without_contacts_there_is_nothing_to_draw(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert draw_sample(review, 5) is None
    assert review.dataset.why_no_extract("contacts_to_draw") == "table interactions not in this dataset"


def test_abandoned_contacts_are_not_drawn(write_dataset):
    table = (
        "interaction_id,partner_id,created_at,abandoned\n"
        "i1,acme,2026-01-05T10:00:00,true\ni2,acme,2026-01-06T10:00:00,false\n"
    )
    draw = draw_sample(open_review(write_dataset(interactions=table), "acme", "2026-W02"), 5)
    assert draw.cases["interaction_id"].tolist() == ["i2"]
    assert draw.strata["label"].tolist() == ["all contacts"] or draw.by


def test_an_agent_is_a_code_that_stays():
    assert agent_code("kes-001") == agent_code("kes-001") != agent_code("kes-002")
    assert "kes" not in agent_code("kes-001")
    assert agent_code(None) == ""


@pytest.mark.parametrize("given", [{"n": 0}, {"n": 5, "weeks": 0}])
def test_sizes_below_one_are_refused(drawn_from, given):
    with pytest.raises(ValueError, match="n and weeks must be 1 or more"):
        draw_sample(drawn_from({("voice", "billing"): 5}), **given)
