"""Turnaround with open cases."""

from __future__ import annotations

import numpy as np
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats import time_to_event

# R survival, data aml: medians 31 (maintained) and 23 (nonmaintained).
MAINTAINED = ([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0])
NONMAINTAINED = ([5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45], [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1])


def test_medians_of_aml():
    assert time_to_event(*MAINTAINED).median == 31
    assert time_to_event(*NONMAINTAINED).median == 23


def test_open_cases_lengthen_the_median():
    hours = [1.0, 2, 3, 4, 50, 60, 70, 80]
    closed_only = np.median(hours[:4])
    result = time_to_event(hours, [True] * 4 + [False] * 4)
    assert result.median > closed_only
    assert result.n_open == 4


def test_not_reached_is_nan():
    result = time_to_event([1, 9, 9, 9, 9, 9], [True, False, False, False, False, False], limit=5)
    assert np.isnan(result.median)
    assert result.share_within == pytest.approx(1 / 6)
    assert "not reached" in result.summary()


def test_all_open():
    result = time_to_event([1, 2, 3, 4, 5], [False] * 5, limit=3)
    assert np.isnan(result.p90)
    assert result.share_within == 0


def test_too_few():
    with pytest.raises(InsufficientDataError, match="at least 5 cases; got 2"):
        time_to_event([1, 2, np.nan], [True, True, True])
