"""Six Sigma by hand, changes before and after, coverage, and who answers: planted, quiet and missing."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from bpo_analysis.review.change_effects import change_effects
from bpo_analysis.review.context import open_review
from bpo_analysis.review.coverage import coverage_of
from bpo_analysis.review.customer import handed_on
from bpo_analysis.review.six_sigma import capability_lines, defect_charts, defects

HEAD = "evaluation_id,item_id,partner_id,rating,rating_max,evaluated_at\n"


def weekly_volume(levels, *, partner="acme", others=0.9):
    """One day a week of 400 contacts from 2025-01-06: the share answered in time of acme, and that of bolt."""
    lines = ["partner_id,interval_start,offered,answered,answered_in_threshold"]
    for week, level in enumerate(levels):
        day = date(2025, 1, 6) + timedelta(weeks=week)
        for name, share in ((partner, level), ("bolt", others)):
            lines.append(f"{name},{day},400,400,{round(400 * share)}")
    return "\n".join(lines) + "\n"


def test_defects_by_hand(write_dataset):
    rows = [
        f"e{i},item{j},acme,{0 if i < 2 and j == 0 else 10},10,2026-01-{1 + i:02d}" for i in range(20) for j in range(5)
    ]
    found = defects(open_review(write_dataset(qa_ratings=HEAD + "\n".join(rows) + "\n"), "acme", "2026-01"))
    assert found.per_item.dpmo == pytest.approx(20_000)
    # The normal quantile of 98 % is 2.054; by convention 1.5 is added.
    assert found.per_item.sigma_level_long_term == pytest.approx(2.0537, abs=1e-3)
    assert found.per_item.sigma_level_short_term == pytest.approx(3.5537, abs=1e-3)
    assert found.per_evaluation.dpu == pytest.approx(0.1)
    assert found.per_evaluation.first_pass_yield == pytest.approx(0.9)


def test_p_and_u_charts_have_their_denominators_and_say_what_they_lack(write_dataset):
    rows = [f"e{i},item{j},acme,10,10,2026-01-{1 + i % 28:02d}" for i in range(28) for j in range(4)]
    charts = defect_charts(open_review(write_dataset(qa_ratings=HEAD + "\n".join(rows) + "\n"), "acme", "2026-01"))
    assert [chart.kind for chart in charts] == ["p", "u"]
    assert charts[0].series["size"].sum() == 4 * charts[1].series["size"].sum() == 112
    assert charts[0].chart is None
    assert charts[0].shortage == "it needs 8 weeks with evaluations, there are 5"


def test_capability_counts_weeks_where_there_are_too_few_months(write_dataset):
    levels = [0.9, 0.85, 0.7, 0.88] * 6
    (line,) = capability_lines(open_review(write_dataset(volume=weekly_volume(levels)), "acme", "2025-05"))
    assert line.kpi.name == "service_level"
    assert (line.unit, line.months) == ("week", 5)
    assert line.result.outside == pytest.approx(0.25, abs=0.06)
    assert line.result.n >= 16


def test_capability_counts_the_months_a_clause_is_judged_by(write_dataset):
    # Every other week misses the target of 80 %, and no month does: four or five weeks of 88 and 76 % are about 82 %.
    levels = [0.88, 0.76] * 30
    (line,) = capability_lines(open_review(write_dataset(volume=weekly_volume(levels)), "acme", "2026-01"))
    assert (line.unit, line.months) == ("month", 13)
    assert line.result.n == 13
    assert line.result.outside == 0


def test_without_evaluations_there_are_no_defects(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert defects(review) is None
    assert defect_charts(review) == []


EVENTS = "event_id,partner_id,start,kind,title,kpi\ne1,acme,2025-07-07,change,New routing,service_level\n"


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(0, 0.01, n)


def test_a_planted_step_at_a_change_is_clear_and_dates_before_it_are_not_as_large(write_dataset):
    levels = [0.88 + e - (0.12 if week >= 26 else 0) for week, e in enumerate(noise(40))]
    review = open_review(write_dataset(volume=weekly_volume(levels), events=EVENTS), "acme", "2025-09")
    (change,) = change_effects(review)
    effect = next(effect for effect in change.effects if effect.kpi.name == "service_level")
    assert effect.clear
    assert effect.controlled
    assert effect.result.estimate == pytest.approx(-0.12, abs=0.02)
    assert (effect.placebos >= 3, effect.as_large) == (True, 0)


def test_a_change_without_an_effect_is_not_clear(write_dataset):
    review = open_review(
        write_dataset(volume=weekly_volume([0.88 + e for e in noise(40)]), events=EVENTS), "acme", "2025-09"
    )
    assert not any(effect.clear for change in change_effects(review) for effect in change.effects)


def test_what_the_others_did_is_not_called_this_partners_change(write_dataset):
    text = weekly_volume([0.88 + e for e in noise(40)]).splitlines()
    moved = [
        line.rsplit(",", 1)[0] + ",300" if line.startswith("bolt") and line.split(",")[1] >= "2025-07-07" else line
        for line in text
    ]
    review = open_review(write_dataset(volume="\n".join(moved) + "\n", events=EVENTS), "acme", "2025-09")
    (effect,) = [e for c in change_effects(review) for e in c.effects if e.kpi.name == "service_level"]
    assert effect.result.pvalue < 0.01
    assert effect.others_moved
    assert not effect.clear


def test_too_short_a_time_says_so_and_old_changes_are_left_out(write_dataset):
    events = EVENTS + "e2,acme,2024-01-01,change,Long ago,\n"
    review = open_review(write_dataset(volume=weekly_volume([0.9] * 28), events=events), "acme", "2025-07")
    (change,) = change_effects(review)
    assert change.title == "New routing"
    assert change_effects(open_review(write_dataset(folder="none"), "acme", "2026-01")) is None


def test_coverage_finds_the_week_that_is_short_and_the_one_that_is_missing(write_dataset):
    days = [date(2026, 1, 5) + timedelta(days=i) for i in range(35)]
    gone = {day for day in days if day.isocalendar().week == 4} | {date(2026, 1, d) for d in range(12, 17)}
    rows = [f"acme,{day},50,45" for day in days if day not in gone]
    table = "partner_id,interval_start,offered,answered\n" + "\n".join(rows) + "\n"
    review = open_review(write_dataset(volume=table, partners="partner_id\nacme\n"), "acme", "2026-W06")
    row = next(row for row in coverage_of(review).rows if row.kpi.name == "offered")
    assert row.state == ("full", "short", "none", "full", "full")[-len(row.state) :]
    assert row.days == (7, 2, 0, 7, 7)[-len(row.days) :]
    assert not row.complete


def test_coverage_says_why_a_kpi_cannot_be_computed(write_dataset):
    found = coverage_of(open_review(write_dataset(), "acme", "2026-01"))
    assert found.absent["csat"] == "table surveys is not in this dataset"
    assert "offered" not in found.absent


def test_ratings_of_contacts_that_changed_hands_by_hand(write_dataset):
    contacts = ["interaction_id,partner_id,created_at,handoffs"]
    surveys = ["survey_id,interaction_id,partner_id,type,scale_min,scale_max,score,sent_at,answered_at"]
    for i in range(60):
        contacts.append(f"i{i},acme,2026-01-{1 + i % 28:02d}T10:00:00,{1 if i < 24 else 0}")
        owner = "bolt" if i < 3 else "acme"
        score = 2 if i < 12 else 5
        surveys.append(f"s{i},i{i},{owner},csat,1,5,{score},2026-01-{1 + i % 28:02d},2026-01-{1 + i % 28:02d}")
    folder = write_dataset(interactions="\n".join(contacts) + "\n", surveys="\n".join(surveys) + "\n")
    found = handed_on(open_review(folder, "acme", "2026-01"))
    assert (found.answers, found.changed, found.other_partner) == (60, 24, 3)
    assert (found.satisfied_changed, found.satisfied_kept) == (0.5, 1.0)
    assert handed_on(open_review(write_dataset(folder="none"), "acme", "2026-01")) is None
