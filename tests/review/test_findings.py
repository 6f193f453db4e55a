"""The sentences say what the data show, and the planted facts are in them."""

from __future__ import annotations

import pytest

from bpo_analysis.review.concentration import concentration
from bpo_analysis.review.context import open_review
from bpo_analysis.review.drivers import drivers, events_near
from bpo_analysis.review.findings import asks, changes, confidence, flags, unexplained, verdict
from bpo_analysis.review.reconciliation import reconcile
from bpo_analysis.review.registers import actions_at, contract_terms, escalations_at, exceptions_at, updates_in
from bpo_analysis.review.scorecard import clauses, headline_names, scorecard


def rows_of(review):
    return {row.kpi.name: row for row in scorecard(review)}


def test_first_screen_has_at_most_eight_kpis(review_of, nhs111):
    for review in (review_of("northline"), open_review(nhs111, "Thames Valley", "2026-03")):
        assert 1 <= sum(map(len, headline_names(review).values())) <= 8


def test_verdict_names_the_misses_with_their_numbers(review_of):
    review = review_of("northline")
    sentence, tone = verdict(review, scorecard(review))
    assert tone == "bad"
    missed = [row for row in scorecard(review) if row.contract == "missed"]
    assert sentence.startswith(f"Northline Support missed {len(missed)} of 6 targets in October 2026: ")
    for row in missed:
        assert f"{row.measure.text} ({row.target_text})" in sentence


def test_verdict_of_a_clean_partner(review_of):
    review = review_of("fernway")
    sentence, tone = verdict(review, scorecard(review))
    assert tone == "good"
    assert sentence.startswith("Fernway Assist met all ")


def test_verdict_without_a_target(review_of):
    review = review_of("fernway")
    sentence, tone = verdict(review, [])
    assert (sentence, tone) == ("No target can be judged for Fernway Assist in October 2026.", "none")


def test_real_data_verdict(nhs111):
    review = open_review(nhs111, "Thames Valley", "2026-03")
    sentence, _ = verdict(review, scorecard(review))
    assert sentence == "Thames Valley missed its one target in March 2026: service level 55.2 % (≥ 95.0 %)."


def test_the_planted_shift_is_a_clear_change_with_its_event(review_of):
    # Service level of Northline falls by about 16 points on 2026-06-15; June against March to May is half in, half out.
    review = review_of("northline", "2026-07")
    row = rows_of(review)["service_level"]
    assert row.change_is_clear
    assert row.change_good is False
    text = next(f.text for f in changes(review, [row]))
    assert text.startswith("Service level fell by ")
    assert "against the three months before, to " in text


def test_the_same_kpi_at_a_quiet_partner_has_no_clear_change(review_of):
    assert not rows_of(review_of("fernway", "2026-07"))["service_level"].change_is_clear


def test_drivers_add_up_to_the_change(review_of):
    review = review_of("northline", "2026-07")
    driver = drivers(review, "service_level")
    row = rows_of(review)["service_level"]
    assert driver.result.rate_effect + driver.result.mix_effect == pytest.approx(row.change, abs=1e-9)


def test_events_near_name_the_kpi(review_of):
    near = events_near(review_of("northline", "2026-07"), "service_level")
    assert len(near) >= 1
    assert set(near["kpi"]) == {"service_level"}


def test_asks_put_notices_first_and_name_unexplained_misses_once(review_of):
    review = review_of("northline")
    rows = scorecard(review)
    found = asks(review, rows)
    assert found[0].text.startswith("Decide whether to renew contract")
    assert sum("unexplained" in ask.text for ask in found) == (1 if unexplained(review, rows) else 0)


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
    flattering = {r.kpi.name: r for r in reconcile(review_of("kestrel"))}
    honest = {r.kpi.name: r for r in reconcile(review_of("fernway"))}
    assert flattering["csat"].adjusted_pvalue < 0.01
    assert flattering["service_level"].adjusted_pvalue < 0.01
    assert honest["csat"].adjusted_pvalue > 0.05
    assert honest["service_level"].adjusted_pvalue > 0.05


def test_lenient_raters_show_as_calibration_bias(review_of):
    lenient = review_of("kestrel", "2026-Q3").measure("calibration_bias")
    strict = review_of("fernway", "2026-Q3").measure("calibration_bias")
    assert lenient.limits[0] > 0.03
    assert abs(strict.value) < 0.03


def test_late_escalations_take_longer_open_ones_included(review_of):
    view = escalations_at(review_of("northline"))
    assert view.open_now > 0
    assert view.now.n_open > 0
    earlier = escalations_at(review_of("northline", "2026-06"))
    assert view.now.median > 1.5 * earlier.now.median


def test_the_state_of_a_day_knows_no_later_day(review_of):
    # An action closed in September was open in August, whatever the register says today.
    later, earlier = actions_at(review_of("northline")), actions_at(review_of("northline", "2026-03"))
    assert (earlier["raised_on"] <= "2026-03-31").all()
    assert set(earlier["action_id"]) != set(later["action_id"])
    assert (earlier.loc[earlier["state"] == "done", "closed_on"] <= "2026-03-31").all()


def test_registers_at_the_end_of_the_period(review_of):
    review = review_of("northline")
    assert (updates_in(review)["effective_on"].between("2026-10-01", "2026-10-31")).all()
    assert (contract_terms(review)["start"] <= "2026-10-31").all()
    assert (exceptions_at(review_of("solheim"))["valid_from"] <= "2026-10-31").all()


def test_registers_absent_are_none(nhs111):
    review = open_review(nhs111, "Thames Valley", "2026-03")
    assert actions_at(review) is None
    assert escalations_at(review) is None
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
        "Data: 29 of 31 days of March 2026; 3,521 rows used in all, 203"
    )
