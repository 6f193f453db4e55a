"""Units a pilot needs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.compare_arms import compare_arms_many
from bpo_analysis.stats.sample_size import detectable_effect, sample_size
from bpo_analysis.stats.variance_components import variance_components

SHARE = {"value": 0.7, "icc": 0.1, "contacts_per_unit": 100}


# R 4.2.2: power.t.test(delta = .5, sd = 1, power = .8)$n = 63.77, power.t.test(n = 20, delta = .7, sd = 1)$power =
# 0.57827 (without the far tail), power.t.test(n = 12, power = .8, sd = 40)$delta = 47.8725.
def test_units_without_clusters_as_in_r():
    assert sample_size(effect=0.5, sd_units=1).n_pilot == 64
    assert detectable_effect(12, 12, sd_units=40).increase == pytest.approx(47.8725, rel=1e-4)
    assert detectable_effect(20, 20, sd_units=1, power=0.57827).increase == pytest.approx(0.7, rel=1e-3)


# Donner & Klar: units of m contacts need the design effect 1 + (m - 1) icc times the contacts of independent ones.
def test_design_effect_by_hand():
    clustered = sample_size(effect=0.02, value=0.5, icc=0.05, contacts_per_unit=50, power=0.9)
    single = sample_size(effect=0.02, value=0.5, icc=0.0, contacts_per_unit=1, power=0.9)
    assert clustered.design_effect == pytest.approx(1 + 49 * 0.05)
    assert clustered.contacts_pilot == pytest.approx(single.contacts_pilot * clustered.design_effect, rel=0.02)


def test_variance_of_a_unit_by_hand():
    plan = sample_size(effect=0.1, **SHARE)
    unit = 0.1 + 0.9 / 100
    assert plan.sd_units_baseline == pytest.approx(np.sqrt(0.7 * 0.3 * unit))
    assert plan.sd_units_pilot == pytest.approx(np.sqrt(0.8 * 0.2 * unit))
    assert plan.planned_information == pytest.approx(1 / plan.standard_error**2)
    expected = np.sqrt(plan.sd_units_pilot**2 / plan.n_pilot + plan.sd_units_baseline**2 / plan.n_baseline)
    assert plan.standard_error == pytest.approx(expected)
    by_sd = sample_size(effect=0.1, sd=2.0, icc=0.1, contacts_per_unit=100)
    assert by_sd.sd_units_baseline == pytest.approx(2 * np.sqrt(unit))


def test_volumes_that_vary_by_hand():
    even, uneven = (sample_size(effect=0.1, volume_cv=cv, **SHARE) for cv in (0.0, 0.8))
    assert uneven.sd_units_baseline == pytest.approx(np.sqrt(0.21 * (0.1 + 0.9 / 100 * 1.64)))
    ratio = sample_size(effect=0.1, volume_cv=0.8, estimand="ratio", **SHARE)
    assert ratio.sd_units_baseline == pytest.approx(np.sqrt(0.21 * (0.1 * 1.64 + 0.9 / 100)))
    assert even.n_pilot < uneven.n_pilot < ratio.n_pilot


def test_power_is_reached_and_not_by_less():
    for options in ({}, {"pre_correlation": 0.7}, {"ratio": 3}, {"alternative": "greater"}, {"power": 0.95}):
        plan = sample_size(effect=0.08, **SHARE, **options)
        assert plan.power >= options.get("power", 0.8)
        kept = {key: part for key, part in options.items() if key != "ratio"}
        fewer = detectable_effect(
            plan.n_pilot - 1, round((plan.n_pilot - 1) * options.get("ratio", 1)), **SHARE, **kept
        )
        found = detectable_effect(plan.n_pilot, plan.n_baseline, **SHARE, **kept)
        assert found.increase <= 0.08 < fewer.increase


def test_what_makes_a_pilot_smaller():
    plain = sample_size(effect=0.06, **SHARE)
    own = sample_size(effect=0.06, pre_correlation=0.8, **SHARE)
    assert own.n_pilot == pytest.approx(plain.n_pilot * (1 - 0.64), abs=2)
    more_contacts = sample_size(effect=0.06, value=0.7, icc=0.1, contacts_per_unit=1000)
    assert more_contacts.n_pilot > 0.9 * plain.n_pilot
    assert more_contacts.n_pilot >= plain.n_pilot_unlimited_contacts
    more_baseline = sample_size(effect=0.06, ratio=3, **SHARE)
    assert more_baseline.n_pilot < plain.n_pilot
    assert more_baseline.n_baseline == 3 * more_baseline.n_pilot


def test_non_inferiority_is_a_one_sided_test_at_the_margin():
    plan = sample_size(margin=0.06, **SHARE)
    one_sided = sample_size(
        effect=1.0, sd_units=plan.sd_units_baseline / 0.06, alternative="greater", confidence_level=0.975
    )
    assert plan.n_pilot == one_sided.n_pilot
    better = sample_size(effect=0.03, margin=0.06, **SHARE)
    worse = sample_size(effect=-0.03, margin=0.06, **SHARE)
    assert better.n_pilot < plan.n_pilot < worse.n_pilot
    assert sample_size(effect=-0.03, margin=0.06, better="lower", **SHARE).n_pilot < plan.n_pilot


def test_detectable_effects_stay_possible():
    found = detectable_effect(5, 60, value=0.97, icc=0.05, contacts_per_unit=40)
    assert np.isnan(found.increase) or found.increase < 0.03
    assert -0.97 < found.decrease < 0
    assert np.isnan(detectable_effect(9, 9, sd_units=1, alternative="less").increase)
    assert detectable_effect(9, 9, sd_units=1).increase == pytest.approx(-detectable_effect(9, 9, sd_units=1).decrease)


def test_past_units_fill_in_what_is_not_given():
    rng = np.random.default_rng(1)
    contacts = rng.poisson(100, 80)
    level = rng.beta(6.3, 2.7, 80)
    past = pd.DataFrame(
        {
            "unit": range(80),
            "numerator": rng.binomial(contacts, level),
            "denominator": contacts,
            "pre_numerator": rng.binomial(contacts, level),
            "pre_denominator": contacts,
        }
    )
    found = variance_components(past)
    plan = sample_size(effect=0.05, components=found)
    same = sample_size(
        effect=0.05,
        value=found.value,
        icc=found.icc,
        contacts_per_unit=found.contacts_per_unit,
        volume_cv=found.volume_cv,
        pre_correlation=found.pre_correlation,
    )
    assert repr(plan) == repr(same)
    assert sample_size(effect=0.05, components=found, icc=0.3).n_pilot > plan.n_pilot
    seconds = past.assign(numerator=past["denominator"] * (300 + 40 * rng.standard_normal(80)))
    mean = variance_components(seconds.drop(columns=["pre_numerator", "pre_denominator"]))
    assert sample_size(effect=15, components=mean).sd_units_baseline == pytest.approx(mean.sd_units)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"effect": 0.1}, "one of value"),
        ({"effect": 0.1, "value": 0.7}, "with value, icc and contacts_per_unit must be given too"),
        ({"effect": 0.0, **SHARE}, r"effect must lie away from 0 for alternative='two-sided', got 0\.0"),
        ({"effect": -0.1, **SHARE, "alternative": "greater"}, "effect must lie away from 0 for alternative='greater'"),
        ({"effect": -0.1, "margin": 0.05, **SHARE}, "effect must lie on the good side of the margin"),
        ({"effect": 0.5, **SHARE}, r"effect 0\.5 takes a share of 0\.7 to 1\.2"),
        ({"effect": 0.1, **SHARE, "value": 70}, r"value must lie between 0 and 1, got 70\. For 70% write 0\.7"),
        ({"effect": 0.1, **SHARE, "icc": 1.5}, "icc must lie between 0 and 1"),
        ({"effect": 0.1, **SHARE, "contacts_per_unit": 0}, "contacts_per_unit must lie above 0"),
        ({"effect": 0.1, **SHARE, "pre_correlation": 1}, "pre_correlation must lie between -1 and 1"),
        ({"effect": 0.1, **SHARE, "power": 80}, r"power must lie between .* got 80\. For 80% write 0\.8"),
        ({"effect": 0.1, **SHARE, "ratio": 0}, "ratio must be a number above 0"),
        ({"effect": 0.1, **SHARE, "margin": -1}, "margin must be a number above 0"),
        ({"effect": 0.1, **SHARE, "better": "up"}, "better must be 'higher' or 'lower'"),
        ({"effect": 0.1, **SHARE, "estimand": "mean"}, "estimand must be 'unit_mean' or 'ratio'"),
        ({"effect": 0.1, **SHARE, "confidence_level": 95}, r"For 95% write 0\.95"),
        ({"effect": 1e-7, **SHARE}, "more than 1,000,000 pilot units would be needed"),
    ],
)
def test_wrong_arguments(options, match):
    with pytest.raises(ValueError, match=match):
        sample_size(**options)


def test_too_few_units():
    with pytest.raises(InsufficientDataError, match="at least 2 units; got 1"):
        detectable_effect(1, 9, sd_units=1)
    with pytest.raises(InsufficientDataError, match="an own baseline needs at least 5 units; got 4"):
        detectable_effect(2, 2, sd_units=1, pre_correlation=0.5)


def test_summary():
    assert sample_size(effect=0.06, ratio=3, **SHARE).summary() == (
        "62 pilot units and 186 baseline units (about 6,200 and 18,600 contacts) find a difference of +0.06 with 81 % "
        "power (share 0.7, intraclass correlation 0.1, 100 contacts a unit, two-sided at 5 %; noncentral t on units, "
        "Satterthwaite degrees of freedom). With any number of contacts a unit, still 57 pilot units would be needed: "
        "more contacts cannot take the place of more units."
    )
    assert "show that the pilot is not worse by 0.03" in sample_size(margin=0.03, **SHARE).summary()
    assert detectable_effect(5, 60, sd_units=40).summary() == (
        "5 pilot units and 60 baseline units find a difference of +66.6 or -66.6 with 80 % power (standard deviation "
        "between units 40, two-sided at 5 %; noncentral t on units, Satterthwaite degrees of freedom)."
    )
    assert "So few units carry no promise" in sample_size(effect=5, sd_units=1).summary()


# Calibration: the power that was planned is the power compare_arms has.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "persistence"),
    [
        ({"effect": 0.1}, None),
        ({"effect": 0.1, "ratio": 3}, None),
        ({"effect": 0.2}, None),
        ({"margin": 0.1}, None),
        ({"effect": 0.08}, 0.9),
    ],
)
def test_planned_power_is_reached_by_compare_arms(options, persistence):
    rng = np.random.default_rng(7)
    # Values measured on few contacts correlate less than the levels behind them.
    reliability = 0.1 / (0.1 + 0.9 / 100)
    known = {} if persistence is None else {"pre_correlation": persistence * reliability}
    plan = sample_size(**options, **known, **SHARE)
    n, runs = plan.n, 600
    size, kpis = 9.0, {}
    means = np.r_[np.full(plan.n_pilot, 0.7 + plan.effect), np.full(plan.n_baseline, 0.7)]
    for run in range(runs):
        normal = rng.standard_normal(n)
        level = stats.beta.ppf(stats.norm.cdf(normal), means * size, (1 - means) * size)
        both = pd.DataFrame({"unit": range(n), "numerator": rng.binomial(100, level), "denominator": 100})
        if persistence is not None:
            before = persistence * normal + np.sqrt(1 - persistence**2) * rng.standard_normal(n)
            earlier = stats.beta.ppf(stats.norm.cdf(before), 0.7 * size, 0.3 * size)
            both = both.assign(pre_numerator=rng.binomial(100, earlier), pre_denominator=100)
        kpis[str(run)] = both[: plan.n_pilot], both[plan.n_pilot :]
    results = compare_arms_many(kpis, margin=options.get("margin"), n_resamples=999).values()
    if "margin" in options:
        found = [result.pvalue_noninferiority < 0.025 for result in results]
    else:
        found = [result.pvalue < 0.05 for result in results]
    assert np.mean(found) == pytest.approx(plan.power, abs=0.06)


@pytest.mark.parametrize("n_pilot", [20.5, float("nan"), float("inf")])
def test_units_are_whole(n_pilot):
    with pytest.raises(ValueError, match="n_pilot must be a whole number of units"):
        detectable_effect(n_pilot, 60, sd_units=1)


# Without differences between units beyond their contacts, units of one contact are the classical t-test.
@pytest.mark.parametrize(("effect", "ratio"), [(0.5, 1.0), (0.3, 2.0), (0.8, 1.5)])
def test_against_statsmodels_without_correlation(effect, ratio):
    power = pytest.importorskip("statsmodels.stats.power")
    theirs = power.TTestIndPower().solve_power(effect_size=effect, alpha=0.05, power=0.8, ratio=ratio)
    plan = sample_size(effect=effect, sd=1, icc=0, contacts_per_unit=1, ratio=ratio)
    assert plan.n_pilot == int(np.ceil(theirs))
    reached = power.TTestIndPower().power(effect, plan.n_pilot, 0.05, ratio=plan.n_baseline / plan.n_pilot)
    assert plan.power == pytest.approx(reached, abs=0.01)


def test_a_detectable_effect_needs_the_units_it_was_found_for():
    options = {"value": 0.7, "icc": 0.1, "contacts_per_unit": 100}
    for n in (15, 40, 77):
        found = detectable_effect(n, n, **options)
        assert sample_size(effect=found.increase, **options).n_pilot == n
        assert sample_size(effect=found.decrease, **options).n_pilot == n


def test_components_of_units_that_do_not_vary():
    past = pd.DataFrame({"unit": list("abcdef"), "numerator": 250.5, "denominator": 10.0})
    components = variance_components(past)
    for plan in (lambda c: sample_size(effect=1, components=c), lambda c: detectable_effect(20, 20, components=c)):
        with pytest.raises(ValueError, match="components come from units whose values do not vary"):
            plan(components)
