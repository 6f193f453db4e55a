"""Calibration: pairs by hand, the lenient side found, a fair one not, items that need a rule, actions."""

from __future__ import annotations

import pytest

from bpo_analysis.review.calibration import agreed
from bpo_analysis.review.calibration_meeting import blind, calibration_actions
from bpo_analysis.review.context import open_review

HEAD = (
    "evaluation_id,item_id,partner_id,interaction_id,rater_id,rater_org,purpose,session_id,item_weight,criticality,"
    "rating,rating_max,evaluated_at\n"
)


def ratings(pairs, *, final=False, session="s1"):
    """Client's and partner's points of (tone, rule) for each contact; rule is critical, all or nothing of 10."""
    lines = []
    for number, (client, partner) in enumerate(pairs):
        sides = [("client", "calibration", "c1", client), ("bpo", "calibration", "p1", partner)]
        if final:
            sides.append(("client", "calibration_final", "c9", client))
        for org, purpose, rater, points in sides:
            for item, criticality, given in zip(("tone", "rule"), ("none", "customer"), points, strict=True):
                lines.append(
                    f"e{session}{number}{org}{purpose},{item},acme,i{number},{rater},{org},{purpose},{session},1,"
                    f"{criticality},{given},10,2026-01-{1 + number % 28:02d}"
                )
    return HEAD + "\n".join(lines) + "\n"


@pytest.fixture
def rated(write_dataset):
    def review(pairs, **options):
        return open_review(write_dataset(qa_ratings=ratings(pairs, **options)), "acme", "2026-01")

    return review


FAIR = [((7 + i % 3, 10), (7 + (i + i // 7 % 2) % 3, 10)) for i in range(24)]
LENIENT = [((6 + i % 3, 10 if i % 4 else 0), (9 + i % 2, 10)) for i in range(24)]


def test_blind_scores_by_hand(rated):
    found = blind(rated([((8, 10), (10, 10)), ((6, 0), (6, 10)), ((5, 10), (5, 10))]))
    contacts = found.contacts.set_index("interaction_id")
    assert contacts["gap"].to_dict() == pytest.approx({"i0": 0.1, "i1": 0.5, "i2": 0.0})
    assert list(contacts.index) == ["i1", "i0", "i2"]
    # 15 of 20 is a fail at 80 %; a failed critical item is one at any score.
    assert contacts["client_pass"].to_dict() == {"i0": True, "i1": False, "i2": False}
    assert contacts.loc["i1", "partner_pass"]
    assert found.ratings[["interaction_id", "item_id"]].to_numpy().tolist() == [["i1", "rule"], ["i0", "tone"]]
    assert found.settled == 0


def test_only_the_newest_session_is_blind_and_only_up_to_the_period(write_dataset):
    old = ratings([((8, 10), (8, 10))], session="s0")
    new = ratings([((8, 10), (9, 10))] * 2, session="s1").removeprefix(HEAD).replace("2026-01-", "2026-02-")
    folder = write_dataset(qa_ratings=old + new)
    assert blind(open_review(folder, "acme", "2026-01")).session == "s0"


def test_a_lenient_partner_is_found_with_its_effect_on_the_pass_rate(rated):
    found = agreed(rated(LENIENT, final=True))
    assert found.bias_clear
    assert found.bias.value == pytest.approx(sum((p[0] + p[1] - c[0] - c[1]) / 20 for c, p in LENIENT) / 24)
    assert found.pass_clear
    assert (found.pass_rate.mean_first, found.pass_rate.mean_second) == pytest.approx((1.0, 0.75))
    lines = {line.rater.split()[0]: line for line in found.raters}
    assert lines["partner"].clear
    assert not lines["client"].clear
    assert found.against == "the rating agreed in the meeting"
    assert "c1" not in str(found.raters)


def test_a_fair_partner_is_not_called_lenient(rated):
    found = agreed(rated(FAIR))
    assert not found.bias_clear
    assert not found.pass_clear
    assert not any(line.clear for line in found.raters)
    assert found.against == "the other side's rating"


def test_an_item_that_is_read_differently_needs_a_rule_and_the_others_do_not(rated):
    found = agreed(rated([((9 if i % 2 else 4, 10), (4 if i % 2 else 9, 10)) for i in range(24)]))
    items = {item.item_id: item for item in found.items}
    assert items["tone"].share.estimate == 0
    assert items["tone"].needs_rule
    assert not items["rule"].needs_rule
    assert items["rule"].result.gwet_ac == pytest.approx(1)
    assert found.items[0].item_id == "tone"


def test_with_few_contacts_no_item_is_judged(rated):
    found = agreed(rated([((9, 10), (4, 10))] * 8))
    assert not any(item.needs_rule for item in found.items)


def test_limits_of_agreement_by_hand(rated):
    gaps = [0.1, 0.0, 0.05, 0.15, 0.2]
    found = agreed(rated([((6, 10), (6 + 20 * gap, 10)) for gap in gaps]))
    assert found.limits.mean == pytest.approx(0.1)
    spread = (sum((gap - 0.1) ** 2 for gap in gaps) / 4) ** 0.5
    assert (found.limits.low, found.limits.high) == pytest.approx((0.1 - 1.96 * spread, 0.1 + 1.96 * spread))


def test_without_ratings_of_both_sides_there_is_nothing(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert blind(review) is None
    assert agreed(review) is None


def test_a_pass_mark_in_percent_is_refused(rated):
    with pytest.raises(ValueError, match=r"pass_mark must be above 0 and at most 1, got 80. For 80 % write 0.8"):
        agreed(rated(FAIR), pass_mark=80)


def test_actions_of_calibration_with_open_ones_censored(write_dataset):
    rows = [f"a{i},Do it,2026-01-{i:02d},2026-01-{i + 10:02d},calibration" for i in range(1, 6)]
    rows += ["a6,Do it,2026-01-20,2026-02-20,Calibration", "a7,Other,2026-01-02,,review"]
    folder = write_dataset(actions="action_id,action,raised_on,closed_on,source\n" + "\n".join(rows) + "\n")
    table, times = calibration_actions(open_review(folder, "acme", "2026-01"))
    assert table["action_id"].tolist() == ["a1", "a2", "a3", "a4", "a5", "a6"]
    # The sixth closed in February: in January it is open for eleven days.
    assert (times.n, times.n_open, times.median) == (6, 1, 10)


def test_actions_without_a_source_cannot_be_told(write_dataset):
    folder = write_dataset(actions="action_id,action,raised_on\na1,Do it,2026-01-02\n")
    assert calibration_actions(open_review(folder, "acme", "2026-01")) is None


def test_the_planted_lenient_rater_shows_and_no_other_partner_does(review_of):
    found = agreed(review_of("kestrel"))
    assert found.bias_clear
    assert found.bias.value == pytest.approx(0.08, abs=0.02)
    assert not agreed(review_of("northline")).bias_clear
