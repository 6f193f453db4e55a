"""Charts of people and escalations: what is drawn, not how it looks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bpo_analysis.plotting import PointLine, SurvivalLine, plot_points, plot_stacked, plot_survival, to_svg
from bpo_analysis.stats import time_to_event

RESULT = time_to_event([2, 4, 4, 7, 9, 12], [True, True, True, True, False, False])


def test_steps_begin_with_all_and_follow_the_curve():
    ax = plot_survival([SurvivalLine("all", RESULT)], x_label="days", limit=5)
    x, y = ax.lines[0].get_data()
    assert (x[0], y[0]) == (0, 1)
    assert y[-1] == pytest.approx(RESULT.table["open_share"].iloc[-1])
    assert ax.get_xlabel() == "days"


def test_the_share_done_is_the_rest():
    left = plot_survival([SurvivalLine("all", RESULT)], x_label="days").lines[0].get_ydata()
    done = plot_survival([SurvivalLine("all", RESULT)], x_label="days", done=True).lines[0].get_ydata()
    assert np.allclose(np.asarray(left) + np.asarray(done), 1)


def test_lines_differ_without_colour():
    lines = plot_survival([SurvivalLine(n, RESULT) for n in "abcd"], x_label="days").lines
    assert len({str(line._dash_pattern) for line in lines}) == 4


@pytest.mark.parametrize("count", [0, 5])
def test_few_lines_only(count):
    with pytest.raises(ValueError, match=f"draws 1 to 4 lines, got {count}"):
        plot_survival([SurvivalLine("x", RESULT)] * count, x_label="days")


def test_points_curve_and_level():
    line = PointLine("new", [0, 1], [5.0, 4.0], [4.0, 3.0], [6.0, 5.0])
    ax = plot_points(
        [line], x_label="weeks", format_value=str, curve=([0, 1], [5, 4]), level=(3.0, 2.5, 3.5), level_name="tenured"
    )
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["tenured", "fitted curve", "new"]
    drawn = next(drawn for drawn in ax.lines if drawn.get_label() == "new")
    assert list(drawn.get_ydata()) == [5.0, 4.0]


def test_stacked_bars_add_up_and_leave_out_what_is_nought():
    table = pd.DataFrame({"a": [1.0, 0.0], "b": [2.0, 3.0]})
    ax = plot_stacked(table, ["a", "b"], labels=["x", "y"], names=["A", "B"], format_value=str)
    assert len(ax.patches) == 3
    assert max(bar.get_y() + bar.get_height() for bar in ax.patches) == 3
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["A", "B"]
    with pytest.raises(ValueError, match="at most 5 parts, got 6"):
        plot_stacked(table, list("abcdef"), labels=[], names=list("abcdef"), format_value=str)


def test_a_given_axes_is_used_and_the_picture_is_svg():
    ax = Figure().add_subplot()
    assert plot_survival([SurvivalLine("all", RESULT)], x_label="days", ax=ax) is ax
    assert "<svg" in to_svg(ax)
