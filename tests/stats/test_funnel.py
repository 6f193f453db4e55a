"""Funnel: limits by hand, units that stick out, spread between units, how often it cries out, words."""

import numpy as np
import pytest
from scipy import stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats import funnel

CALM = [5, 4, 6, 5, 3, 7, 5, 4, 5]


def test_limits_lie_where_the_exact_binomial_ones_do():
    # Ten units of 50 cases at 10 %: each side gets 0.05 / 20; whole numbers around the limits read between them.
    result = funnel([*CALM, 6], [50] * 10)
    low, high = result.table["lower"].iloc[0] * 50, result.table["upper"].iloc[0] * 50
    tail, center = 0.05 / 20, result.center
    assert low == 0  # not even no case at all of 50 is that unlikely: 0.9 to the power of 50 is 0.005
    assert stats.binom.cdf(0, 50, center) > tail
    assert stats.binom.sf(np.ceil(high) - 1, 50, center) <= tail <= stats.binom.sf(np.floor(high) - 1, 50, center)
    assert result.center == pytest.approx(50 / 500)
    assert result.spread == 0


def test_the_unit_that_sticks_out_is_named_and_no_other():
    assert funnel([*CALM, 24], [50] * 10).outside == (9,)
    assert funnel([*CALM, 6], [50] * 10).outside == ()


def test_larger_units_have_narrower_limits():
    table = funnel([2, 4, 8, 16, 32, 5, 5, 5], [20, 40, 80, 160, 320, 50, 50, 50]).table.sort_values("size")
    assert (table["upper"] - table["lower"]).is_monotonic_decreasing


def test_shares_and_their_complements_mirror_each_other():
    events, sizes = np.array([*CALM, 24]), np.full(10, 50)
    one, other = funnel(events, sizes).table, funnel(sizes - events, sizes).table
    np.testing.assert_allclose(one["lower"], 1 - other["upper"], atol=1e-12)


def test_units_that_truly_differ_widen_the_limits():
    rng = np.random.default_rng(1)
    sizes = np.full(30, 150)
    alike = funnel(rng.binomial(sizes, 0.3), sizes)
    unlike = funnel(rng.binomial(sizes, rng.beta(12, 28, 30)), sizes)
    assert unlike.spread > alike.spread
    assert unlike.spread == pytest.approx(0.0716, abs=0.04)  # of beta(12, 28)


@pytest.mark.parametrize("spread", [False, True], ids=["chance", "units differ"])
def test_it_seldom_cries_out_where_nothing_sticks_out(spread):
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(300):
        sizes = rng.integers(20, 200, 25)
        rates = rng.beta(16, 24, 25) if spread else 0.4
        hits += bool(funnel(rng.binomial(sizes, rates), sizes).outside)
    assert hits / 300 < 0.05


def test_no_event_at_all_has_no_limits_to_cross():
    result = funnel([0] * 8, [10] * 8)
    assert result.outside == ()
    assert (result.table["lower"] == 0).all()


def test_too_few_units_say_how_many_are_needed():
    with pytest.raises(InsufficientDataError, match="funnel needs at least 8 units; got 3"):
        funnel([1, 2, 3], [10, 10, 10])


@pytest.mark.parametrize(("events", "sizes"), [([11] * 8, [10] * 8), ([1] * 8, [0] * 8), ([float("nan")] * 8, [5] * 8)])
def test_impossible_counts_are_refused(events, sizes):
    with pytest.raises(ValueError, match="events must lie between 0 and the size of their unit"):
        funnel(events, sizes)


def test_words():
    assert funnel([*CALM, 6], [50] * 10).summary() == (
        "None of 10 units lies outside the limits around 10.0 % (95 % for all units together; spread between units 0.0 "
        "points; exact binomial limits, Bonferroni)."
    )
    assert funnel([*CALM, 24], [50] * 10).summary().startswith("1 of 10 units lie outside the limits around 13.6 %")
