"""Boundaries for several looks."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from scipy import stats

from bpo_analysis.stats.sequential import (
    Walk,
    boundary_for,
    classical_boundary,
    looks_inflation,
    spent_obrien_fleming,
    spent_pocock,
)

FIVE = np.arange(1, 6) / 5
FOUR = np.arange(1, 5) / 4


def boundaries(times, level, spent, *, two_sided=True):
    walk, before, found = Walk.start(), 0.0, []
    for time in times:
        target = spent(level, time)
        bound = boundary_for(walk, time, target - before)
        walk, before = walk.on(time, -bound if two_sided else -inf, bound), target
        found.append(bound)
    return found


# R rpact 3.3.4, getDesignGroupSequential(kMax = n, alpha = .05, sided = 2, typeOfDesign = "P" and "OF").
@pytest.mark.parametrize(("n", "pocock", "obrien_fleming"), [(5, 2.413176, 2.040073), (8, 2.512336, 2.072207)])
def test_classical_constants_as_in_rpact(n, pocock, obrien_fleming):
    assert classical_boundary(n, shape="pocock") == pytest.approx(np.full(n, pocock), abs=2e-6)
    expected = obrien_fleming * np.sqrt(n / np.arange(1, n + 1))
    assert classical_boundary(n, shape="obrien-fleming") == pytest.approx(expected, abs=1e-5)


# R rpact 3.3.4, alpha = .05, sided = 2: "asOF", "asP", "asHSD" (gammaA = -4), "asKD" (gammaA = 3). The first line is
# also the published table of Lan and DeMets' O'Brien-Fleming spending (4.8769, 3.3569, 2.6803, 2.2898, 2.0310).
@pytest.mark.parametrize(
    ("times", "spent", "expected"),
    [
        (FIVE, spent_obrien_fleming, [4.876885, 3.357012, 2.68028, 2.289817, 2.031032]),
        (FIVE, spent_pocock, [2.437977, 2.426814, 2.410194, 2.396645, 2.385985]),
        (
            FOUR,
            lambda level, t: level * (1 - np.exp(4 * t)) / (1 - np.exp(4)),
            [3.155373, 2.818347, 2.439132, 2.013647],
        ),
        (FOUR, lambda level, t: level * t**3, [3.359354, 2.760397, 2.359363, 2.029301]),
        (
            [0.462, 0.668, 0.785, 0.858, 0.91, 0.948, 0.977, 1],
            spent_obrien_fleming,
            [3.097706, 2.524933, 2.343834, 2.263852, 2.214961, 2.184348, 2.163125, 2.147245],
        ),
        (
            [0.624, 0.795, 0.873, 0.92, 0.95, 0.971, 0.988, 1],
            spent_obrien_fleming,
            [2.608455, 2.305324, 2.235475, 2.20249, 2.18668, 2.176842, 2.166787, 2.163475],
        ),
    ],
)
def test_spending_boundaries_as_in_rpact(times, spent, expected):
    assert boundaries(times, 0.025, spent) == pytest.approx(expected, abs=2e-5)


def test_one_look_is_the_usual_quantile():
    assert classical_boundary(1, shape="pocock")[0] == pytest.approx(stats.norm.isf(0.025))
    assert boundaries([1.0], 0.05, spent_pocock, two_sided=False) == pytest.approx([stats.norm.isf(0.05)])
    assert classical_boundary(3, shape="pocock", alternative="less")[0] < 0


def test_simulated_walks_cross_as_often_as_was_spent():
    rng = np.random.default_rng(3)
    times = np.array([0.3, 0.35, 0.7, 1.0])
    bounds = np.array(boundaries(times, 0.025, spent_pocock))
    steps = rng.standard_normal((200_000, 4)) * np.sqrt(np.diff(np.r_[0, times]))
    crossed = np.abs(steps.cumsum(axis=1) / np.sqrt(times)) >= bounds
    by_look = crossed.any(axis=1), crossed[:, :2].any(axis=1)
    assert by_look[0].mean() == pytest.approx(0.05, abs=0.0025)
    assert by_look[1].mean() == pytest.approx(2 * spent_pocock(0.025, 0.35), abs=0.0025)


def test_a_difference_shifts_the_boundaries():
    mean = 1.5 * np.sqrt(0.4)
    walk = Walk.start().on(0.4, -2.0 - mean, 2.0 - mean)
    rng = np.random.default_rng(4)
    first = 1.5 * 0.4 + np.sqrt(0.4) * rng.standard_normal(400_000)
    second = first + 1.5 * 0.6 + np.sqrt(0.6) * rng.standard_normal(400_000)
    hits = (np.abs(first / np.sqrt(0.4)) < 2) & (second >= 1.8)
    assert walk.above(1.8 - 1.5, 1.0) == pytest.approx(hits.mean(), abs=0.003)


@pytest.mark.parametrize("growth", [0.001, 0.01, 0.3])
def test_looks_that_hardly_differ_are_walked_finely_enough(growth):
    # By hand: two correlated normal statistics.
    walk = Walk.start().on(1.0, -2.0, 2.0)
    correlation = 1 / np.sqrt(1 + growth)
    both = stats.multivariate_normal(cov=[[1, correlation], [correlation, 1]])
    below = both.cdf([2.0, 2.1], lower_limit=[-2.0, -np.inf])
    assert walk.above(2.1, 1 + growth) == pytest.approx(stats.norm.cdf(2) - stats.norm.cdf(-2) - below, abs=2e-6)


def test_what_looks_cost_is_that_of_simulated_pilots():
    information = np.array([0.3, 0.6, 0.8, 1.0])
    cost = looks_inflation(information, spent_pocock, level=0.025, power=0.8)
    assert cost > 1.05
    bounds = np.array(boundaries(information, 0.025, spent_pocock))
    shift = cost * (stats.norm.isf(0.025) + stats.norm.isf(0.2))
    steps = np.random.default_rng(5).standard_normal((200_000, 4)) * np.sqrt(np.diff(np.r_[0, information]))
    z = steps.cumsum(axis=1) / np.sqrt(information) + shift * np.sqrt(information)
    first = (np.abs(z) >= bounds).argmax(axis=1)
    found = (np.abs(z) >= bounds).any(axis=1) & (np.take_along_axis(z, first[:, None], axis=1)[:, 0] > 0)
    assert found.mean() == pytest.approx(0.8, abs=0.004)
    assert looks_inflation(np.array([1.0]), spent_pocock, level=0.025, power=0.8) == pytest.approx(1.0)


def test_spending_runs_from_nothing_to_the_level():
    for spent in (spent_obrien_fleming, spent_pocock):
        assert spent(0.025, 1.0) == pytest.approx(0.025)
        assert spent(0.025, 1e-6) < 1e-6
        assert (np.diff([spent(0.025, t) for t in np.linspace(0.01, 1, 50)]) > 0).all()


def test_nothing_to_spend_is_no_boundary():
    walk = Walk.start().on(0.5, -2.0, 2.0)
    assert boundary_for(walk, 1.0, 0.0) == inf
    assert boundary_for(walk, 1.0, 1.0) == -inf


def test_wrong_arguments():
    with pytest.raises(ValueError, match="n_looks must be 1 or more, got 0"):
        classical_boundary(0, shape="pocock")
    with pytest.raises(ValueError, match="shape must be 'pocock' or 'obrien-fleming', got 'obf'"):
        classical_boundary(3, shape="obf")
