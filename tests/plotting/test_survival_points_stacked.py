"""Charts of people and escalations: what is drawn, not how it looks."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bpo_analysis.plotting import PointLine, SurvivalLine, plot_points, plot_stacked, survival_svg, to_svg
from bpo_analysis.stats import time_to_event

RESULT = time_to_event([2, 4, 4, 7, 9, 12], [True, True, True, True, False, False])


def curves(svg: str) -> list[list[tuple[float, float]]]:
    """Corners of every curve, in points."""
    found = re.findall(r'<path d="M([^"]*)" style="fill:none;[^"]*stroke-width:1.8[^"]*"', svg)
    return [[tuple(map(float, corner.split())) for corner in path.split("L")] for path in found]


def test_steps_begin_with_all_and_follow_the_curve():
    svg = survival_svg([SurvivalLine("all", RESULT)], x_label="days", limit=5)
    (curve,) = curves(svg)
    heights = [y for _, y in curve[::2]]
    whole, nothing = heights[0], heights[0] + (heights[0] - heights[-1]) / (RESULT.table["open_share"].iloc[-1] - 1)
    shares = [(nothing - y) / (nothing - whole) for y in heights]
    assert shares == pytest.approx([1, *RESULT.table["open_share"]], abs=0.002)
    assert curve[0][0] == 44, "time begins at the axis"
    assert ">days</text>" in svg


def test_the_share_done_is_the_rest():
    (left,) = curves(survival_svg([SurvivalLine("all", RESULT)], x_label="days"))
    (done,) = curves(survival_svg([SurvivalLine("all", RESULT)], x_label="days", done=True))
    sums = {round(a[1] + b[1], 0) for a, b in zip(left, done, strict=True)}
    assert len(sums) == 1


def test_lines_differ_without_colour():
    svg = survival_svg([SurvivalLine(n, RESULT) for n in "abcd"], x_label="days")
    dashes = re.findall(r'stroke-width:1.8(?:;stroke-dasharray:([^"]*))?"', svg)
    assert len(set(dashes)) == 4


def test_names_of_lines_that_end_together_lie_apart():
    svg = survival_svg([SurvivalLine(n, RESULT) for n in ("one", "two", "three")], x_label="days")
    heights = sorted(float(re.search(rf'y="([^"]*)">{name}<', svg)[1]) for name in ("one", "two", "three"))
    assert min(np.diff(heights)) > 11


def test_on_a_phone_lines_are_named_below():
    svg = survival_svg([SurvivalLine(n, RESULT) for n in ("one", "two")], x_label="days", phone=True)
    label, one, two = (float(re.search(rf'y="([^"]*)">{name}<', svg)[1]) for name in ("days", "one", "two"))
    assert label < one < two


@pytest.mark.parametrize("count", [0, 5])
def test_few_lines_only(count):
    with pytest.raises(ValueError, match=f"draws 1 to 4 lines, got {count}"):
        survival_svg([SurvivalLine("x", RESULT)] * count, x_label="days")


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
    line = PointLine("new", [0, 1], [5.0, 4.0], [4.0, 3.0], [6.0, 5.0])
    assert plot_points([line], x_label="weeks", format_value=str, ax=ax) is ax
    assert "<svg" in to_svg(ax)
