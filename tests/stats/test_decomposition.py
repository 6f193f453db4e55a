"""Rate and mix effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats import decompose_change


def sums(**slices):
    return pd.DataFrame(slices, index=["numerator", "denominator"], dtype=float).T


def test_only_the_mix_moves():
    result = decompose_change(sums(easy=(80, 100), hard=(10, 100)), sums(easy=(40, 50), hard=(15, 150)))
    assert result.rate_effect == pytest.approx(0)
    assert result.mix_effect == pytest.approx(-0.175)


def test_only_the_rates_move():
    result = decompose_change(sums(a=(50, 100), b=(50, 100)), sums(a=(60, 100), b=(50, 100)))
    assert result.mix_effect == pytest.approx(0)
    assert result.table.loc["a", "rate_effect"] == pytest.approx(0.05)


@pytest.mark.parametrize("seed", range(5))
def test_effects_add_up_exactly(seed):
    rng = np.random.default_rng(seed)
    names = list("abcdef")
    before, after = (
        pd.DataFrame({"denominator": d, "numerator": d * rng.random(6)}, index=names)
        for d in rng.integers(1, 400, (2, 6)).astype(float)
    )
    after = after.drop(index="c")
    result = decompose_change(before, after)
    assert result.rate_effect + result.mix_effect == pytest.approx(result.change)
    back = decompose_change(after, before)
    assert back.rate_effect == pytest.approx(-result.rate_effect)


def test_a_new_slice_belongs_to_the_mix():
    result = decompose_change(sums(a=(50, 100)), sums(a=(50, 100), new=(90, 100)))
    assert result.table.loc["new", "rate_effect"] == 0
    assert np.isnan(result.table.loc["new", "before"])
    assert result.change == pytest.approx(0.2)


def test_nothing_before():
    with pytest.raises(InsufficientDataError, match="before"):
        decompose_change(sums(a=(0, 0)), sums(a=(1, 2)))
