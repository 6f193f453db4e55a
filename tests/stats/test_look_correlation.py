"""How far two looks at the same units agree by themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.stats.compare_arms import compare_arms
from bpo_analysis.stats.look_correlation import look_correlation, unit_parts


def tables(values, n_pilot, pre=None, names=None):
    frame = pd.DataFrame({"unit": names or range(len(values)), "numerator": values, "denominator": 1.0})
    if pre is not None:
        frame = frame.assign(pre_numerator=pre, pre_denominator=1.0)
    return frame[:n_pilot], frame[n_pilot:]


def test_by_hand():
    # Without covariate each arm's mean: (value - mean) / n, over the root of 1 - 1 / n.
    parts = unit_parts(*tables([1.0, 3.0, 4.0, 8.0], 2))
    assert parts.to_dict() == pytest.approx({0: -0.5 / 0.5**0.5, 1: 0.5 / 0.5**0.5, 2: 1 / 0.5**0.5, 3: -1 / 0.5**0.5})


@pytest.mark.parametrize("own", [False, True])
def test_squares_add_up_to_the_squared_standard_error(own):
    rng = np.random.default_rng(1)
    arms = tables(rng.standard_normal(14), 5, rng.standard_normal(14) if own else None)
    error = compare_arms(*arms, method="t").standard_error
    assert float((unit_parts(*arms) ** 2).sum()) == pytest.approx(error**2)


def test_the_same_look_again_agrees_with_itself_whatever_the_order_of_rows():
    rng = np.random.default_rng(2)
    pilot, baseline = tables(rng.standard_normal(12), 5)
    other = unit_parts(pilot[::-1], baseline.sample(frac=1, random_state=3))
    assert look_correlation(unit_parts(pilot, baseline), other) == pytest.approx(1.0)


def test_a_unit_of_one_look_only_adds_nothing():
    values = np.random.default_rng(4).standard_normal(10)
    fewer = tables(np.where(np.arange(10) == 7, np.nan, values), 5)
    assert 0.5 < look_correlation(unit_parts(*fewer), unit_parts(*tables(values, 5))) < 1


def test_units_that_do_not_differ_tell_nothing():
    same = unit_parts(*tables([1.0, 1.0, 2.0, 2.0], 2))
    assert np.isnan(look_correlation(same, same))


def test_it_is_the_correlation_of_simulated_differences():
    # Levels that move: the second look holds something new although its standard error is no smaller.
    rng = np.random.default_rng(5)
    differences, found = [], []
    for _ in range(400):
        first = rng.standard_normal(24)
        second = 0.8 * first + 0.6 * rng.standard_normal(24)
        looks = [tables(values, 8) for values in (first, second)]
        differences.append([compare_arms(*arms, method="t").estimate for arms in looks])
        found.append(look_correlation(*(unit_parts(*arms) for arms in looks)))
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)
    assert np.corrcoef(np.transpose(differences))[0, 1] == pytest.approx(0.8, abs=0.05)
