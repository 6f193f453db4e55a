"""XmR chart."""

from __future__ import annotations

import numpy as np
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats import control_chart

# NIST/SEMATECH e-Handbook 6.3.2.2, flow rates: mean 50.81, mean moving range 1.8778, limits 45.8159 and 55.8041.
FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def test_limits_of_the_nist_example():
    chart = control_chart(FLOW)
    assert chart.center == pytest.approx(50.81)
    assert (chart.lower, chart.upper) == (pytest.approx(45.8159, abs=1e-3), pytest.approx(55.8041, abs=1e-3))
    assert not chart.has_signal


def test_a_point_far_out_is_outside():
    chart = control_chart([*FLOW, 80.0])
    assert chart.outside == (10,)
    assert chart.table["outside"].tolist().count(True) == 1


def test_a_shift_is_a_run():
    chart = control_chart([10, 11, 10, 11, 10, 11, 10, 11, 10, 13, 14, 13, 14, 13, 14, 13, 14, 13])
    assert chart.longest_run == 9
    assert chart.run_limit == 7
    assert chart.run == tuple(range(9, 18))


def test_a_run_lies_on_one_side_of_the_middle_it_is_counted_around():
    # One far value pulls the mean over most of the run; the run is about the median.
    chart = control_chart([1, 2, 1, 2, 1, 2, 1, 2, 1, 5, 6, 5, 6, 5, 6, 5, 6, 90])
    values = chart.table["value"].iloc[list(chart.run)]
    assert (values > chart.middle).all() or (values < chart.middle).all()
    assert chart.middle < chart.center


def test_gaps_stay_in_place_and_do_not_make_ranges():
    gappy = [*FLOW[:5], np.nan, *FLOW[5:]]
    chart = control_chart(gappy)
    assert chart.n == 10
    assert chart.n_missing == 1
    assert len(chart.table) == 11
    ranges = np.abs(np.diff(FLOW))
    assert chart.sigma == pytest.approx(np.delete(ranges, 4).mean() / 1.128)


def test_limits_stay_inside_the_range_of_the_values():
    chart = control_chart([0.99, 1.0, 0.97, 1.0, 0.99, 1.0, 0.98, 1.0], lower_bound=0, upper_bound=1)
    assert chart.upper == 1


def test_reversing_time_changes_no_limit():
    forward, backward = control_chart(FLOW), control_chart(FLOW[::-1])
    assert (forward.lower, forward.upper) == pytest.approx((backward.lower, backward.upper))


def test_constant_values_have_no_signal():
    assert not control_chart([5.0] * 12).has_signal


def test_too_few_points():
    with pytest.raises(InsufficientDataError, match="needs at least 8 points; got 7"):
        control_chart([1.0] * 7 + [np.nan])


def test_summary():
    limits = "mean 50.81, limits 45.82 to 55.8"
    method = "XmR limits from the mean moving range; longest run by Anhoej"
    assert control_chart(FLOW).summary() == f"No signal in 10 points ({limits}; {method})."


@pytest.mark.parametrize(("rho", "stated"), [(0.0, 0.07), (0.3, 0.27)])
def test_false_alarms_are_as_the_page_states_them(rho, stated):
    # The appendix of a report prints these two rates for 26 points.
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(1500):
        values = rng.standard_normal(26)
        for i in range(1, 26):
            values[i] = rho * values[i - 1] + np.sqrt(1 - rho**2) * values[i]
        alarms += control_chart(values).has_signal
    assert alarms / 1500 == pytest.approx(stated, abs=0.03)
