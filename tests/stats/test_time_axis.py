"""Places of values on the time axis of their index."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.stats.time_axis import TimeAxis

KEPT = np.array([0, 1, 2, 5, 6, 7, 9, 10, 11, 12, 15])


def places(index):
    return TimeAxis.of(pd.Series(np.zeros(len(index)), index=index)).places.tolist()


@pytest.mark.parametrize("freq", ["D", "7D", "2D", "W-MON", "MS", "ME", "QS", "YS", "B"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_rows_left_out_leave_their_places(freq, zone):
    dates = pd.date_range("2025-01-01", periods=40, freq=freq, tz=zone)
    kept = np.r_[KEPT, 16:40]
    assert places(dates[kept]) == kept.tolist()


@pytest.mark.parametrize("freq", ["D", "W", "M", "Q"])
def test_periods(freq):
    assert places(pd.period_range("2025-01-01", periods=16, freq=freq)[KEPT]) == KEPT.tolist()


def test_dates_as_objects():
    assert places(pd.Index(pd.date_range("2025-01-01", periods=16)[KEPT].date)) == KEPT.tolist()


def test_dates_that_fit_no_axis_follow_each_other():
    irregular = pd.DatetimeIndex(["2025-01-01", "2025-01-03", "2025-01-08", "2025-01-10"])
    assert places(irregular) == [0, 1, 2, 3]
    few = pd.DatetimeIndex(["2025-01-01", "2025-01-02", "2025-06-01"])
    assert places(few) == [0, 1, 2]
    assert places(pd.date_range("2025-01-01", periods=4, freq="90min")) == [0, 1, 2, 3]
    assert places(pd.Index(["c", "a", "b"])) == [0, 1, 2]


def test_values_at_their_places():
    axis = TimeAxis.of(pd.Series([1.0, 2.0, 3.0], index=pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-04"])))
    assert axis.spread_out(np.array([1.0, 2.0, 3.0])).tolist()[:2] == [1.0, 2.0]
    assert np.isnan(axis.spread_out(np.array([1.0, 2.0, 3.0]))[2])
    assert axis.given(np.array([3])).tolist() == [2]


def test_order():
    dates = pd.date_range("2025-01-01", periods=4)
    with pytest.raises(ValueError, match="in order of time"):
        places(dates[::-1])
    with pytest.raises(ValueError, match="one per period, got several at 2025-01-01"):
        places(dates[[0, 0, 1]])
