"""Bridge, bubbles, coverage, lines and path: what is drawn is what was given."""

import re

import matplotlib
import pandas as pd
import pytest

from bpo_analysis.plotting import Bubble, bridge_svg, plot_bubbles, plot_coverage, plot_lines, plot_path

matplotlib.use("Agg")


def test_a_bridge_ends_where_it_should():
    svg = bridge_svg(
        ("before", 100.0), [("volume", 30.0), ("rate", -10.0)], ("after", 120.0),
        format_value=lambda v: f"{v:.0f}", format_change=lambda v: f"{v:+.0f}",
    )  # fmt: skip
    bars = re.findall(r'<rect x="([^"]*)" y="[^"]*" width="([^"]*)" height="[^"]*" style="fill:#', svg)
    spans = [(float(x), float(x) + float(width)) for x, width in bars]
    # The axis begins near the steps, not at nought: 30 points are as long as the two amounts are apart from each other.
    scale = (spans[1][1] - spans[1][0]) / 30
    assert [(end - spans[0][1]) / scale for _, end in spans] == pytest.approx([0, 30, 30, 20], abs=0.05)
    assert (spans[2][0] - spans[0][1]) / scale == pytest.approx(20, abs=0.05)
    assert [name for name in ("before", "volume", "rate", "after") if f">{name}</text>" not in svg] == []
    assert svg.count("url(#hatch)") == 1, "what goes down differs in black and white too"


def test_coverage_adds_up_by_week():
    weeks = pd.DataFrame({"week": [1, 2], "partner": [4.0, 0.0], "replacements": [0.0, 1.0], "uncovered": [0.0, 3.0]})
    ax = plot_coverage(weeks, unit="hours a week", format_value=str)
    assert [sum(bar.get_height() for bar in group) for group in zip(*ax.containers, strict=True)] == [4, 4]
    assert ax.get_ylabel() == "hours a week"


def test_lines_and_paths_keep_their_values():
    ax = plot_lines(["a", "b", "c"], {"needed": [1.0, 2.0, 3.0]}, format_value=str)
    assert ax.lines[0].get_ydata().tolist() == [1, 2, 3]
    given = plot_path([1.0, 2.0], [0.1, 0.2], ["first", "last"], x_label="x", y_label="y", format_y=str, ax=ax)
    assert given is ax
    assert [text.get_text() for text in ax.texts] == ["first", "last"]


def test_the_area_of_a_bubble_is_its_size():
    bubbles = [Bubble(name="big", x=1, y=1, size=0.4), Bubble(name="small", x=2, y=2, size=0.1, marked=True)]
    ax = plot_bubbles(bubbles, x_label="x", y_label="y", format_x=str, format_y=str, centre=(1.5, 1.5))
    areas = [points.get_sizes()[0] for points in ax.collections]
    assert areas[0] == 4 * areas[1]
    assert [points.get_offsets()[0].tolist() for points in ax.collections] == [[1, 1], [2, 2]]
    assert {label.get_text() for label in ax.texts} == {"big", "small"}


def test_names_of_bubbles_do_not_cover_each_other():
    bubbles = [Bubble(name=f"name {i}", x=1 + i / 100, y=1, size=1) for i in range(3)]
    bubbles.append(Bubble(name="far", x=9, y=9, size=1))
    ax = plot_bubbles(bubbles, x_label="x", y_label="y", format_x=str, format_y=str)
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert len(plot_bubbles([Bubble(name=str(i), x=i, y=i, size=1) for i in range(12)], x_label="x", y_label="y",
                            format_x=str, format_y=str).texts) == 8  # fmt: skip
