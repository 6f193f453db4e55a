"""A step and a slide told apart where the data can, and said not to be where they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from bpo_analysis.review.slides import slide_lengths


def series(length, *, n=78, begin=30, size=1.0, noise=0.1, seed=0):
    way = np.clip((np.arange(n) - begin) / max(length, 1e-9), 0, 1) if length else (np.arange(n) > begin) * 1.0
    return size * way + np.random.default_rng(seed).normal(0, noise, n)


def test_a_sharp_step_allows_no_long_slide():
    found = slide_lengths(series(0))
    assert found.shortest == 0
    assert found.longest <= 4
    assert (found.begin, found.end) == (30, 31)
    assert found.shift == pytest.approx(1.0, abs=0.1)


def test_a_long_slide_is_no_step():
    found = slide_lengths(series(30))
    assert found.shortest > 4
    assert found.shortest <= 30 <= found.longest
    assert found.begin == pytest.approx(30, abs=5)
    assert found.end == pytest.approx(60, abs=5)
    assert found.shift == pytest.approx(1.0, abs=0.1)


def test_in_noise_both_are_possible():
    found = slide_lengths(series(8, noise=0.8, seed=1))
    assert found.shortest == 0
    assert found.longest >= 8


def test_gaps_stay_in_their_place():
    values = series(30)
    values[::5] = np.nan
    found = slide_lengths(values)
    assert found.shortest <= 30 <= found.longest


@pytest.mark.parametrize("rho", [0.0, 0.4])
@pytest.mark.parametrize("length", [0, 12, 30])
def test_the_true_length_lies_inside_about_as_often_as_said(length, rho):
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(100):
        shocks = rng.normal(0, 0.3 * np.sqrt(1 - rho**2), 78)
        errors = np.empty(78)
        errors[0] = rng.normal(0, 0.3)
        for place in range(1, 78):
            errors[place] = rho * errors[place - 1] + shocks[place]
        found = slide_lengths(series(length, noise=0) + errors, autocorrelation=rho)
        # A step between two weeks and a slide of one week are the same values.
        inside += found.shortest <= max(length, 1) and length <= found.longest
    assert inside >= 88


def test_too_short_and_constant_series_tell_nothing():
    assert slide_lengths(np.arange(7.0)) is None
    assert slide_lengths(np.r_[np.zeros(20), np.ones(20)]) is None
    assert slide_lengths(np.zeros(30)) is None
