"""The sentences say what the data show, and the planted facts are in them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bpo_analysis.formats import unbroken
from bpo_analysis.review.concentration import concentration
from bpo_analysis.review.context import open_review
from bpo_analysis.review.drivers import drivers
from bpo_analysis.review.findings import asks, confidence, flags, near, unexplained, verdict
from bpo_analysis.review.headline import headline_names
from bpo_analysis.review.narrative import first_findings
from bpo_analysis.review.plan import REPORTS, judgement
from bpo_analysis.review.reconciliation import reconcile
from bpo_analysis.review.registers import actions_at, contract_terms, exceptions_at
from bpo_analysis.review.scorecard import clauses, scorecard


def rows_of(review):
    return {row.kpi.name: row for row in scorecard(review)}


def test_first_screen_has_at_most_eight_kpis(review_of, nhs111):
    for review in (review_of("northline"), open_review(nhs111, "Thames Valley", "2026-03")):
        assert 1 <= sum(map(len, headline_names(review).values())) <= 8


def test_verdict_counts_every_agreed_target_and_names_clear_misses_first(review_of):
    review = review_of("northline")
    agreed = clauses(review)
    sentence, tone = verdict(review, agreed)
    missed = [c.row for c in agreed if c.row.contract == "missed"]
    judged = sum(c.row.contract in ("met", "missed") for c in agreed)
    assert tone == "bad"
    assert sentence.startswith(f"Northline Support missed {len(missed)} of {judged} targets in October 2026: ")
    # Abandonment is no headline KPI, and clearly missed all the same.
    abandonment = sentence.index(f"abandonment {unbroken('6.4 %')} ({unbroken('≤ 5.0 %')})")
    assert abandonment < sentence.index("training completed")


def test_a_target_without_data_is_named_and_takes_the_good_tone_away(review_of):
    review = review_of("fernway")
    agreed = clauses(review)
    blind = [
        replace(c, row=replace(c.row, contract="not measurable")) if c.row.kpi.name == "csat" else c for c in agreed
    ]
    sentence, tone = verdict(review, blind)
    assert tone == "none"
    assert "met every target that could be judged" in sentence
    assert "Not measurable: CSAT" in sentence


def test_a_target_for_another_channel_does_not_concern_the_partner(review_of):
    assert "sla_attainment" not in {c.row.kpi.name for c in clauses(review_of("fernway"))}
    assert "sla_attainment" in {c.row.kpi.name for c in clauses(review_of("northline"))}


def test_verdict_of_a_clean_partner(review_of):
    review = review_of("fernway")
    sentence, tone = verdict(review, clauses(review))
    assert tone == "good"
    assert sentence.startswith("Fernway Assist met all ")


def test_verdict_without_a_target(review_of):
    review = review_of("fernway")
    sentence, tone = verdict(review, [])
    assert (sentence, tone) == ("No target can be judged for Fernway Assist in October 2026.", "none")


def test_real_data_verdict(nhs111):
    review = open_review(nhs111, "Thames Valley", "2026-03")
    sentence, _ = verdict(review, clauses(review))
    assert unbroken(sentence) == unbroken(
        "Thames Valley missed its one target in March 2026: service level 55.2 % (≥ 95.0 %)."
    )


def test_the_planted_shift_is_a_clear_change_with_its_event(review_of):
    # Service level of Northline falls by about 16 points on 2026-06-15; June against March to May is half in, half out.
    review = review_of("northline", "2026-07")
    row = rows_of(review)["service_level"]
    assert row.drift_is_clear
    assert row.drift_good is False
    text = next(f.text for f in first_findings(review) if f.text.startswith("Service level fell by "))
    assert "against October 2025 to March 2026, to " in text
    assert "Near in time: Queues moved to a new routing plan (2026-06-15)." in text


def test_the_same_kpi_at_a_quiet_partner_has_no_clear_change(review_of):
    assert not rows_of(review_of("fernway", "2026-07"))["service_level"].change_is_clear


def test_drivers_add_up_to_the_change(review_of):
    review = review_of("northline", "2026-07")
    driver = drivers(review, "service_level")
    row = rows_of(review)["service_level"]
    assert driver.result.rate_effect + driver.result.mix_effect == pytest.approx(row.change, abs=1e-9)


def test_a_step_older_than_three_months_is_still_told_with_its_event(review_of):
    # The planted shift is four and a half months old in October: the three months before show nothing of it.
    review = review_of("northline")
    row = rows_of(review)["service_level"]
    assert not row.change_is_clear
    assert row.drift_is_clear
    text = first_findings(review)[0].text
    assert text.startswith("Service level fell by ")
    assert "against January to June 2026" in text
    assert "Near in time: " in text


def test_a_slow_slide_is_told_and_makes_the_watermelon(review_of):
    review = review_of("baobab")
    assert rows_of(review)["csat"].drift_good is False
    assert any(flag.text.startswith("Green outside, red inside: ") for flag in flags(review))
    assert not any("Green outside" in flag.text for flag in flags(review_of("fernway")))


def test_asks_put_days_of_notice_first_and_then_clear_misses(review_of):
    review = review_of("northline")
    agreed = clauses(review)
    found = asks(review, agreed)
    assert "notice can be given until 2026-11-02" in found[0].text
    assert not found[0].is_late
    assert found[1].text.startswith("Set a new date for the action on service level")
    assert "(client's side)" in found[1].owner
    assert found[1].is_late
    assert "abandonment clearly missed" in found[2].text


def test_a_cause_not_yet_known_explains_nothing(review_of):
    review = review_of("baobab")
    assert "csat" in {row.kpi.name for row in unexplained(review, clauses(review))}


def test_concentration_flags_the_chat_product_and_spares_the_agreed_night(review_of):
    texts = [f.text for f in flags(review_of("meridia"))]
    assert any(t.startswith("100 % of product smarthome") for t in texts)
    nights = concentration(review_of("solheim"))
    overnight = nights[(nights["dimension"] == "shift") & (nights["value"] == "overnight")].iloc[0]
    assert overnight["share"] == 1
    assert not overnight["flagged"]
    assert overnight["exception"].startswith("agreed exception, review on ")


def test_short_notice_is_flagged_with_the_heads_at_stake(review_of):
    assert any(
        t.startswith("Partner can leave at 30 days' notice with ") for t in (f.text for f in flags(review_of("baobab")))
    )


def test_a_flattering_report_is_told_from_an_honest_one(review_of):
    flattering, honest = review_of("kestrel"), review_of("fernway")
    reported = {r.kpi.name: r.label for r in reconcile(flattering)}
    for name in ("csat", "service_level"):
        assert judgement(flattering).found(REPORTS, reported[name])
        assert not judgement(honest).found(REPORTS, reported[name])


def test_lenient_raters_show_as_calibration_bias(review_of):
    lenient = review_of("kestrel", "2026-Q3").measure("calibration_bias")
    strict = review_of("fernway", "2026-Q3").measure("calibration_bias")
    assert lenient.limits[0] > 0.03
    assert abs(strict.value) < 0.03


def test_open_escalations_are_a_flag_with_the_age_of_the_oldest(review_of):
    assert "7 escalations open, the oldest for 8 days" in [flag.text for flag in flags(review_of("northline"))]
    assert not any("escalation" in flag.text for flag in flags(review_of("home")))


def test_the_state_of_a_day_knows_no_later_day(review_of):
    # An action closed in September was open in August, whatever the register says today.
    later, earlier = actions_at(review_of("northline")), actions_at(review_of("northline", "2026-03"))
    assert (earlier["raised_on"] <= "2026-03-31").all()
    assert set(earlier["action_id"]) != set(later["action_id"])
    assert (earlier.loc[earlier["state"] == "done", "closed_on"] <= "2026-03-31").all()


def test_registers_at_the_end_of_the_period(review_of):
    review = review_of("northline")
    assert (contract_terms(review)["start"] <= "2026-10-31").all()
    assert (exceptions_at(review_of("solheim"))["valid_from"] <= "2026-10-31").all()


def test_registers_absent_are_none(nhs111):
    review = open_review(nhs111, "Thames Valley", "2026-03")
    assert actions_at(review) is None
    assert reconcile(review) is None
    assert contract_terms(review) is None


def test_clauses_count_days_or_weeks(review_of):
    found = {c.row.kpi.name: c for c in clauses(review_of("northline"))}
    assert found["service_level"].unit == "day"
    assert found["service_level"].measured == 31
    assert found["service_level"].met < 10
    assert found["cost_per_contact"].measured == 0
    assert found["csat"].unit == "week"
    assert 10 <= found["csat"].measured <= 13


def test_confidence_tells_missing_days(nhs111):
    assert confidence(open_review(nhs111, "Thames Valley", "2026-03")).startswith(
        "Data: 29 of 31 days of March 2026; 3,521 rows used in the whole dataset, 203"
    )


def test_a_doubtful_miss_of_many_cases_is_not_called_a_matter_of_few(nhs111):
    review = open_review(nhs111, "Cornwall (HUC)", "2026-03")
    sentence, _ = verdict(review, clauses(review))
    assert sentence.endswith("The miss is not beyond doubt.")


def test_kinder_reports_and_kinder_raters_are_flags_of_the_first_screen(review_of):
    texts = [flag.text for flag in flags(review_of("kestrel"))]
    assert any(text.startswith("The partner's own reports are kinder than the rows: ") for text in texts)
    assert any(re.match(r"The partner's raters score \d.* above the client's", text) for text in texts)
    assert not any("kinder" in flag.text or "raters" in flag.text for flag in flags(review_of("fernway")))


def test_what_is_asked_names_what_the_action_on_record_lacks(review_of):
    review = review_of("baobab", "2026-Q3")
    text = next(ask.text for ask in asks(review, clauses(review)) if "CSAT" in ask.text)
    assert text.startswith("Ask for what is missing: CSAT")
    assert "the actions on record lack root cause" in text


def test_without_the_table_of_events_nothing_is_near(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert near(review, "service_level", sudden=True) == near(review, "service_level", sudden=False) == ""
