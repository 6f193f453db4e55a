"""Charts: what is drawn, not how it looks in pixels."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.plotting import (
    COLORS,
    BoundaryPanel,
    EventMark,
    ForestRow,
    contributions_svg,
    control_chart_svg,
    funnel_svg,
    plot_arms,
    plot_boundaries,
    plot_detectable,
    plot_forest,
    to_svg,
)
from bpo_analysis.stats import control_chart, decompose_change, funnel

VALUES = [45.0, 55.0] * 7 + [95.0]
LABELS = [f"2026-W{i:02d}" for i in range(15)]


def draw(**options):
    return control_chart_svg(control_chart(VALUES), LABELS, format_value=lambda v: f"{v:.0f} s", **options)


def line(ax, **wanted):
    return next(x for x in ax.lines if all(getattr(x, f"get_{k}")() == v for k, v in wanted.items()))


def paths(svg, **style):
    """Paths of a drawing that have these styles, as lists of points."""
    found = []
    for path in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}path"):
        of_path = dict(part.split(":") for part in path.get("style").split(";"))
        if style.items() <= {name.replace("-", "_"): value for name, value in of_path.items()}.items():
            found.append(path.get("d"))
    return found


def texts(svg):
    return [text.text for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_values_and_signals():
    (dots,) = paths(draw(), stroke=COLORS["neutral"], stroke_linecap="round")
    assert dots.count("M") == len(VALUES)
    heights = [float(dot.split()[1].removesuffix("h0")) for dot in dots.split("M")[1:]]
    assert heights[0] > heights[1], "45 s lies below 55 s, and y runs down"
    assert heights[-1] == min(heights)
    (squares,) = paths(draw(), fill=COLORS["concern"])
    assert squares.count("z") == 1


def test_target_and_events():
    svg = draw(target=50.0, events=[EventMark(3.0, "A")])
    assert len(paths(svg, stroke=COLORS["target"])) == len(paths(svg, stroke=COLORS["pilot"])) == 1
    assert {"target", "A"} <= set(texts(svg))
    assert not paths(draw(), stroke=COLORS["target"])


def test_axis_has_units_and_the_newest_period():
    assert LABELS[-1] in texts(draw())
    assert any(text.endswith(" s") for text in texts(draw()))


def test_names_are_text_and_never_markup():
    labels = ["<script>", *LABELS[1:-1], "a & b"]
    assert "a & b" in texts(control_chart_svg(control_chart(VALUES), labels, format_value=str))


def test_a_gap_is_a_gap():
    chart = control_chart([*VALUES[:4], np.nan, *VALUES[4:]])
    svg = control_chart_svg(chart, [*LABELS, "x"], format_value=str)
    (joined,) = paths(svg, stroke=COLORS["neutral"], stroke_width="1.6")
    assert joined.count("M") == 2
    (dots,) = paths(svg, stroke=COLORS["neutral"], stroke_linecap="round")
    assert dots.count("M") == len(VALUES)


def test_limits_step_with_sizes_and_phases():
    rates = np.resize([0.5, 0.6, 0.55], 20)
    chart = control_chart(rates, sizes=np.resize([50, 100], 20), phases=[10])
    svg = control_chart_svg(chart, [str(i) for i in range(20)], format_value=str)
    limits = paths(svg, stroke=COLORS["limits"], stroke_dasharray="3.2 2.4")
    assert len(limits) == 4, "upper and lower, before and after"
    assert {path.count("L") for path in limits} == {2 * 10 - 1}, "a step for every size"


def test_a_series_that_never_moves_is_drawn():
    assert "NaN" not in control_chart_svg(control_chart([5.0] * 10), [str(i) for i in range(10)], format_value=str)


def test_contributions():
    frame = pd.DataFrame({"numerator": [80.0, 10.0], "denominator": [100.0, 100.0]}, index=["easy", "hard"])
    result = decompose_change(frame, frame.assign(numerator=[70.0, 10.0]))
    svg = contributions_svg(result, labels=["easy", "hard"], format_change=lambda v: f"{v:+.2f}")
    bars = re.findall(r'<rect x="([^"]*)" y="[^"]*" width="([^"]*)" height="[^"]*" style="fill:#', svg)
    widths = [float(width) for x, width in bars if float(x) < 500 and width != "14"]
    assert sorted(widths)[:3] == [0, 0, 0]
    assert max(widths) == pytest.approx((503 - 130) / 1.1, abs=0.1), "a fall of 0.05 from the mark at nought"
    for name in ("easy", "hard", "rate", "mix"):
        assert f">{name}</text>" in svg


def test_a_funnel_names_who_is_outside():
    result = funnel([5, 4, 6, 5, 3, 7, 5, 4, 5, 24], [50] * 10)
    svg = funnel_svg(result, names=["a"] * 9 + ["odd <one>"], format_value=lambda v: f"{100 * v:.0f} %", xlabel="rated")
    assert result.outside == (9,)
    assert ">odd &lt;one&gt;</text>" in svg
    assert ">a</text>" not in svg
    squares = re.findall(r"h6v6h-6z", svg)
    assert len(squares) == 1


def test_equal_content_gives_equal_svg():
    assert draw() == draw()
    assert to_svg(forest()) == to_svg(forest())
    assert "<text" in draw()


ROWS = [
    ForestRow(label="CSAT", estimate=0.3, ci_low=-0.6, ci_high=1.1, tone="good", loss=-1.0),
    ForestRow(label="errors", estimate=-4.0, ci_low=-6.0, ci_high=-2.0, tone="bad", loss=-1.0, strong=True),
    ForestRow(label="speed", estimate=0.5, ci_low=float("-inf"), ci_high=float("inf"), gain=1.0),
]


def forest(**options):
    return plot_forest(ROWS, format_value=lambda v: f"{v:g}", **options)


def test_forest_has_a_square_and_an_interval_for_each_row():
    ax = forest()
    points = [x for x in ax.lines if x.get_marker() == "s"]
    assert [float(x.get_xdata()[0]) for x in points] == [0.3, -4.0, 0.5]
    intervals = [list(x.get_xdata()) for x in ax.lines if x.get_solid_capstyle() == "butt"]
    assert [-0.6, 1.1] in intervals
    assert list(ax.get_xlim()) in intervals  # without ends it runs over the whole width
    assert [t.get_text() for t in ax.get_yticklabels()] == ["CSAT", "errors", "speed"]


def test_forest_points_differ_by_shape_and_not_by_colour_alone():
    fills = {x.get_color(): x.get_markerfacecolor() for x in forest().lines if x.get_marker() == "s"}
    assert fills[COLORS["neutral"]] == COLORS["paper"]
    assert fills[COLORS["concern"]] == COLORS["concern"]


def test_forest_shades_the_loss_of_neighbours_once_on_the_bad_side():
    ax = forest()
    (shade,) = ax.patches
    assert shade.get_x() + shade.get_width() == -1.0
    assert (shade.get_y(), shade.get_height()) == (1.5, 2.0)
    dotted = [x for x in ax.lines if list(x.get_xdata()) == [1.0, 1.0]]
    assert len(dotted) == 1


def test_forest_turns_the_axis_where_lower_is_better():
    rows = [ForestRow(label="AHT", estimate=-12.0, ci_low=-20.0, ci_high=-4.0, loss=10.0)]
    ax = plot_forest(rows, format_value=str, better="lower")
    left, right = ax.get_xlim()
    assert left > right
    (shade,) = ax.patches
    assert shade.get_x() == 10.0
    assert shade.get_x() + shade.get_width() == left


def arms(**columns):
    table = pd.DataFrame({"phase": ["before"] * 3 + ["ramp"] + ["pilot"] * 3, "pilot": np.linspace(0.7, 0.9, 7)})
    return table.assign(**{"baseline": 0.8, **columns})


def test_arms_are_named_at_their_lines_with_the_start_and_the_ramp():
    ax = plot_arms(arms(), list("abcdefg"), format_value=lambda v: f"{v:.0%}")
    assert {t.get_text() for t in ax.texts} == {"pilot", "baseline", "start, ramp shaded"}
    assert [2.5, 2.5] in [list(x.get_xdata()) for x in ax.lines]
    assert ax.patches[0].get_x() == 2.5
    assert ax.patches[0].get_width() == 1


def test_an_arm_without_values_is_left_out():
    ax = plot_arms(arms(baseline=np.nan), list("abcdefg"), format_value=str)
    assert {t.get_text() for t in ax.texts} == {"pilot", "start, ramp shaded"}


def test_names_of_lines_that_end_together_are_moved_apart():
    ax = plot_arms(arms(pilot=0.8001, baseline=0.8), list("abcdefg"), format_value=str)
    places = sorted(t.xy[1] for t in ax.texts if t.get_text() in ("pilot", "baseline"))
    low, high = ax.get_ylim()
    assert places[1] - places[0] > 0.05 * (high - low)


def test_detectable_differences_with_margin_and_planned_weeks():
    weeks = np.tile(np.arange(2, 10), 3)
    curve = pd.DataFrame(
        {
            "weeks": weeks,
            "n_pilot": np.repeat([10, 10, 30], 8),
            "own_baseline": np.repeat([True, False, True], 8),
            "detectable": 0.2 / np.sqrt(weeks) * np.repeat([1, 1.2, 0.6], 8),
        }
    )
    ax = plot_detectable(curve, n_pilot=10, weeks=6, margin=0.05, format_value=lambda v: f"{100 * v:.0f} pp")
    assert {t.get_text() for t in ax.texts} == {
        "10 with baseline",
        "10 without",
        "30 with baseline",
        "margin",
        "planned",
    }
    assert line(ax, color=COLORS["target"]).get_ydata()[0] == 0.05
    assert line(ax, label="10 with baseline").get_ydata().tolist() == curve["detectable"].iloc[:8].tolist()


def test_boundaries_on_both_sides_and_none_where_there_is_none_yet():
    looks = pd.DataFrame({"information_fraction": [0.2, 0.5], "statistic": [-1.0, -4.0], "boundary": [np.inf, 3.0]})
    panels = [BoundaryPanel(title=f"m{i}", looks=looks, crossed=i == 0, next_look=(1.0, 2.0)) for i in range(4)]
    axes = plot_boundaries(panels)
    assert [ax.get_title(loc="left") for ax in axes] == ["m0", "m1", "m2", "m3"]
    bounds = [x.get_ydata() for x in axes[0].lines if x.get_marker() == "_"]
    assert np.isnan(bounds[0][0])
    assert bounds[0][1:].tolist() == [3.0, 2.0]
    assert bounds[1][1:].tolist() == [-3.0, -2.0]
    assert line(axes[0], marker="s").get_ydata().tolist() == [-1.0, -4.0]
    assert line(axes[1], marker="o").get_color() == COLORS["neutral"]


def test_dollar_signs_are_text():
    rows = [ForestRow(label="cost $a_b$ $", estimate=1.0, ci_low=0.0, ci_high=2.0)]
    assert "cost $a_b$ $" in to_svg(plot_forest(rows, format_value=str))


def test_charts_for_a_phone_are_narrow_and_keep_the_size_of_their_text():
    curve = pd.DataFrame({"weeks": [1, 2], "n_pilot": 10, "own_baseline": True, "detectable": [0.2, 0.1]})
    looks = pd.DataFrame({"information_fraction": [0.2, 0.5], "statistic": [-1.0, -4.0], "boundary": [np.inf, 3.0]})
    drawn = [
        forest(phone=True),
        plot_arms(arms(), list("abcdefg"), format_value=str, phone=True),
        plot_detectable(curve, n_pilot=10, weeks=2, margin=0.1, format_value=str, phone=True),
        *plot_boundaries([BoundaryPanel(title=name, looks=looks) for name in "ab"], phone=True),
    ]
    for ax in drawn:
        assert ax.get_figure().get_figwidth() == pytest.approx(3.6)
        assert all(label.get_fontsize() == 8.5 for label in ax.get_xticklabels())


def test_a_forest_for_a_phone_names_its_rows_above_their_lines():
    ax = forest(phone=True)
    heights = {text.get_text(): text.xy[1] for text in ax.texts}
    assert [label.get_text() for label in ax.get_yticklabels()] == [""] * len(ROWS)
    for place, row in zip(range(len(ROWS), 0, -1), ROWS, strict=True):
        assert place < heights[row.label] < place + 0.5


def test_detectable_differences_on_a_phone_are_named_in_a_legend():
    curve = pd.DataFrame({"weeks": [1, 2], "n_pilot": 10, "own_baseline": True, "detectable": [0.2, 0.1]})
    ax = plot_detectable(curve, n_pilot=10, weeks=2, margin=0.1, format_value=str, phone=True)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["this pilot", "margin"]
