"""Least squares of unit values on their arm."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bpo_analysis.stats.unit_contrast import StudentT, contrast_power, detectable_contrast, fit_contrast, noncentral_t

VALUES = np.array([88, 91, 84, 90, 86, 80, 76, 85, 79, 82, 74]) / 100
ARM = np.r_[np.ones(5), np.zeros(6)]
BEFORE = np.array([82, 88, 80, 87, 84, 81, 75, 86, 77, 83, 72]) / 100
WEIGHTS = np.array([120, 80, 60, 200, 90, 150, 100, 70, 130, 60, 110.0])


# R 4.2.2: sandwich::vcovHC(lm(y ~ x + z, weights = w), type = "HC2"), and the d.f. of
# clubSandwich 0.5.8::coef_test(..., vcovCR(type = "CR2", cluster = id, target = 1 / w), test = "Satterthwaite").
@pytest.mark.parametrize(
    ("covariate", "weights", "estimate", "error", "freedom"),
    [
        (None, np.ones(11), 0.0846666666667, 0.020698899595, 8.64),
        (BEFORE, np.ones(11), 0.0456382202772, 0.007922801724, 4.61),
        (BEFORE, WEIGHTS, 0.0489158023857, 0.00936797695433, 4.79),
        (None, WEIGHTS, 0.0956129032258, 0.0174718620493, 7.41),
    ],
)
def test_errors_and_degrees_of_freedom_as_in_r(covariate, weights, estimate, error, freedom):
    fit = fit_contrast(VALUES, ARM, weights, covariate)
    assert fit.estimate == pytest.approx(estimate, rel=1e-10)
    assert fit.standard_error == pytest.approx(error, rel=1e-10)
    assert fit.degrees_of_freedom == pytest.approx(freedom, abs=0.005)


def test_without_covariate_it_is_welch():
    found = stats.ttest_ind(VALUES[:5], VALUES[5:], equal_var=False)
    fit = fit_contrast(VALUES, ARM, np.ones(11))
    assert fit.estimate / fit.standard_error == pytest.approx(found.statistic)


# R 4.2.2: power.t.test(n = 12, power = .8, sd = 40)$delta = 47.8725322112, 22 degrees of freedom.
def test_detectable_difference_as_in_r():
    error = 40 * np.sqrt(2 / 12)
    assert detectable_contrast(error, 22, level=0.05, two_sided=True) == pytest.approx(47.8725322, rel=1e-6)


def test_ratio_of_sums_by_hand():
    numerator = np.array([6.0, 3.0, 5.0, 1.0])
    denominator = np.array([10.0, 4.0, 10.0, 2.0])
    fit = fit_contrast(numerator / denominator, np.array([1.0, 1.0, 0.0, 0.0]), denominator)
    assert fit.estimate == pytest.approx(9 / 14 - 6 / 12)


def test_units_that_do_not_differ_have_no_error():
    fit = fit_contrast(np.array([0.8, 0.8, 0.8, 0.7, 0.7, 0.7]), np.r_[np.ones(3), np.zeros(3)], np.ones(6))
    assert fit.estimate == pytest.approx(0.1)
    assert np.isnan(fit.variance)
    assert np.isnan(detectable_contrast(fit.standard_error, 4, level=0.05, two_sided=True))


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_limits_leave_out_what_the_test_rejects(alternative):
    test = StudentT(1.3, 0.6, 5.2)
    for null in np.linspace(-1, 4, 60):
        pvalue, low, high = test.test(null, level=0.1, alternative=alternative)
        assert (pvalue < 0.1) == (not low <= null <= high)


def test_far_out_the_noncentral_t_is_certain():
    assert noncentral_t(10.0, 1e9, 2.0) == 0.0
    assert noncentral_t(10.0, 0.0, 2.0) == pytest.approx(stats.t.cdf(2.0, 10))


def test_power_with_a_guessed_error_is_that_of_simulated_plans():
    """Plans that guess the standard error from nine degrees of freedom, each followed by its t-test."""
    rng = np.random.default_rng(8)
    size = 400_000
    guess, found = (np.sqrt(rng.chisquare(freedom, size) / freedom) for freedom in (9, 15))
    critical = stats.t.isf(0.0125, 15)
    shown = (3.2 * guess + rng.standard_normal(size)) / found > critical
    assert contrast_power(3.2, 15, critical, error_freedom=9) == pytest.approx(shown.mean(), abs=0.003)
    assert contrast_power(3.2, 15, critical) > shown.mean() + 0.02


def test_what_is_detectable_with_a_guessed_error_has_the_power():
    known = detectable_contrast(2.0, 15, level=0.05, two_sided=True)
    guessed = detectable_contrast(2.0, 15, level=0.05, two_sided=True, error_freedom=9)
    assert guessed > known
    critical = stats.t.isf(0.025, 15)
    assert contrast_power(guessed / 2, 15, critical, error_freedom=9) == pytest.approx(0.8, abs=1e-4)
    assert detectable_contrast(2.0, 15, level=0.05, two_sided=True, error_freedom=1e9) == pytest.approx(known, rel=1e-5)
