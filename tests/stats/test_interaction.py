"""Does a difference between arms depend on the slice?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats import slice_interaction


def units(seed, *, effect=(0.0, 0.0, 0.0), n=40, n_pilot=12, gaps=0.0):
    rng = np.random.default_rng(seed)
    values = 0.7 + rng.normal(0, 0.08, (n, 1)) + rng.normal(0, 0.05, (n, 3))
    values[:n_pilot] += effect
    values[rng.random(values.shape) < gaps] = np.nan
    return values, np.arange(n) < n_pilot


def test_a_difference_in_one_slice_only_is_found():
    values, pilot = units(1, effect=(0.0, 0.0, 0.2))
    result = slice_interaction(values, pilot)
    assert result.pvalue < 0.005
    assert result.differences[2] - result.differences[0] == pytest.approx(0.2, abs=0.06)
    assert result.summary().startswith("The difference depends on the slice")


def test_the_same_difference_in_all_slices_is_no_interaction():
    rejected = 0
    for seed in range(200):
        values, pilot = units(seed, effect=(0.2, 0.2, 0.2), gaps=0.2)
        rejected += slice_interaction(values, pilot, n_resamples=199).pvalue < 0.05
    assert rejected <= 20


def test_order_of_units_does_not_matter():
    values, pilot = units(3)
    turned = slice_interaction(values[::-1], pilot[::-1])
    assert turned.statistic == pytest.approx(slice_interaction(values, pilot).statistic)


def test_one_usable_slice_is_too_few():
    values, pilot = units(4)
    values[pilot, 1:] = np.nan
    with pytest.raises(InsufficientDataError, match="at least 2 slices"):
        slice_interaction(values, pilot)


def test_the_summary_counts_in_the_right_number():
    found = slice_interaction(*units(1))
    assert "3 slices, 40 units" in found.summary()
    assert "1 slice, 1 unit;" in replace(found, n_slices=1, n=1).summary()
