"""Resampling tests and the intervals that agree with them."""

from __future__ import annotations

from math import comb, inf

import numpy as np
import pytest
from scipy import stats

from bpo_analysis.stats.resampled_contrast import Draws, permute_arms, permute_residuals, wild_bootstrap
from bpo_analysis.stats.unit_contrast import fit_contrast


def units(seed, n_pilot, n_baseline, *, weighted=False, covariate=False, rounded=False):
    rng = np.random.default_rng(seed)
    n = n_pilot + n_baseline
    values = rng.standard_normal(n)
    values = np.round(values) if rounded else values
    arm = np.r_[np.ones(n_pilot), np.zeros(n_baseline)]
    weights = rng.lognormal(0, 0.8, n) if weighted else np.ones(n)
    return fit_contrast(values, arm, weights, rng.standard_normal(n) if covariate else None)


def welch(x, y, axis):
    return np.abs(stats.ttest_ind(x, y, axis=axis, equal_var=False).statistic)


# Oracle: scipy.stats.permutation_test goes through the same assignments with scipy's own Welch statistic.
@pytest.mark.parametrize(("n_pilot", "n_baseline", "seed"), [(5, 6, 0), (4, 4, 1), (3, 8, 2), (2, 6, 3)])
def test_exact_pvalue_is_that_of_scipy(n_pilot, n_baseline, seed):
    values = np.random.default_rng(seed).standard_normal(n_pilot + n_baseline)
    values[:n_pilot] += 1.0
    expected = stats.permutation_test(
        (values[:n_pilot], values[n_pilot:]), welch, vectorized=True, alternative="greater", n_resamples=np.inf
    )
    n = n_pilot + n_baseline
    fit = fit_contrast(values, np.r_[np.ones(n_pilot), np.zeros(n_baseline)], np.ones(n))
    pvalue, _, _ = permute_arms(fit, Draws(9999, 0).arms(n_pilot, n)).test(0.0, level=0.05, alternative="two-sided")
    assert pvalue == pytest.approx(expected.pvalue)


def test_limits_are_the_differences_at_which_scipy_turns():
    values = np.array([2.1, 3.4, 2.8, 3.9, 1.1, 0.7, 1.9, 1.6, 0.2])
    fit = fit_contrast(values, np.r_[np.ones(4), np.zeros(5)], np.ones(9))
    _, low, high = permute_arms(fit, Draws(9999, 0).arms(4, 9)).test(0.0, level=0.1, alternative="two-sided")

    def rejects(difference):
        found = stats.permutation_test(
            (values[:4] - difference, values[4:]), welch, vectorized=True, alternative="greater", n_resamples=np.inf
        )
        return found.pvalue < 0.1

    for limit, outward in ((low, -1e-5), (high, 1e-5)):
        assert rejects(limit + outward)
        assert not rejects(limit - outward)


def test_all_assignments_by_hand():
    # 2 of 4 units: six assignments; the data have the largest difference, and so has its mirror image.
    fit = fit_contrast(np.array([3.0, 4.0, 1.0, 2.0]), np.array([1.0, 1.0, 0.0, 0.0]), np.ones(4))
    resampled = permute_arms(fit, Draws(99, 0).arms(2, 4))
    assert len(resampled.slope) == 6
    assert resampled.test(0.0, level=0.05, alternative="two-sided")[0] == pytest.approx(2 / 6)
    assert resampled.test(0.0, level=0.05, alternative="greater")[0] == pytest.approx(1 / 6)


CASES = [(n_pilot, n_baseline, kind) for n_pilot, n_baseline in ((3, 5), (2, 6), (5, 20)) for kind in range(4)]


@pytest.mark.parametrize(("n_pilot", "n_baseline", "kind"), CASES)
def test_limits_leave_out_what_the_test_rejects(n_pilot, n_baseline, kind):
    for seed in range(5):
        fit = units(seed, n_pilot, n_baseline, weighted=kind > 1, covariate=kind == 3, rounded=seed % 2 == 0)
        if not np.isfinite(fit.variance):
            continue
        draws, n = Draws(499, seed), n_pilot + n_baseline
        made = [
            permute_residuals(fit, draws.orders(n)) if kind == 3 else permute_arms(fit, draws.arms(n_pilot, n)),
            wild_bootstrap(fit, draws.multipliers(n)),
        ]
        for resampled in made:
            for alternative in ("two-sided", "greater", "less"):
                for level in (0.05, 0.2):
                    for shift in (0.0, 1.0, -2.0, 2.2, -3.1):
                        null = fit.estimate + shift * fit.standard_error
                        pvalue, low, high = resampled.test(null, level=level, alternative=alternative)
                        assert (pvalue < level - 1e-12) == (not low <= null <= high)


def test_one_sided_pvalues_at_a_margin_are_those_of_the_test():
    fit = units(4, 4, 9, weighted=True)
    resampled = permute_arms(fit, Draws(999, 0).arms(4, 13))
    for null in (-1.0, 0.0, 0.4):
        # The test counts a resample also where only a difference farther out makes it as extreme.
        expected = resampled.test(null, level=0.05, alternative="greater")[0]
        assert expected - 0.02 < resampled.pvalue_greater(null) <= expected
        expected = resampled.test(null, level=0.05, alternative="less")[0]
        assert expected - 0.02 < resampled.pvalue_less(null) <= expected


def test_drawing_comes_close_to_going_through_all():
    fit = units(1, 6, 9)
    exact = permute_arms(fit, Draws(comb(15, 6), 0).arms(6, 15)).test(0.0, level=0.05, alternative="two-sided")
    drawn = permute_arms(fit, Draws(4000, 0).arms(6, 15)).test(0.0, level=0.05, alternative="two-sided")
    assert drawn == pytest.approx(exact, abs=0.05)


def test_pieces_of_draws_change_nothing(monkeypatch):
    fit = units(2, 5, 12, weighted=True, covariate=True)
    draws = Draws(300, 0)
    whole = permute_residuals(fit, draws.orders(17)).test(0.0, level=0.05, alternative="two-sided")
    monkeypatch.setattr("bpo_analysis.stats.resampled_contrast._CHUNK", 200)
    assert permute_residuals(fit, draws.orders(17)).test(0.0, level=0.05, alternative="two-sided") == whole


def test_too_few_arrangements_leave_no_limits():
    fit = units(5, 3, 3)
    pvalue, low, high = permute_arms(fit, Draws(99, 0).arms(3, 6)).test(0.0, level=0.05, alternative="two-sided")
    assert pvalue >= 0.1
    assert (low, high) == (-inf, inf)


def test_draws_are_shared_and_repeatable():
    first, second = Draws(50, 3), Draws(50, 3)
    assert first.orders(12) is first.orders(12)
    assert (first.orders(12) == second.orders(12)).all()
    assert (first.orders(12)[0] == np.arange(12)).all()
    assert (first.arms(4, 12).sum(axis=1) == 4).all()
