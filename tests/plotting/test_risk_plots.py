"""Bridge, coverage, lines and path: what is drawn is what was given."""

import matplotlib
import pandas as pd

from bpo_analysis.plotting import plot_bridge, plot_coverage, plot_lines, plot_path

matplotlib.use("Agg")


def test_a_bridge_ends_where_it_should():
    ax = plot_bridge(
        ("before", 100.0), [("volume", 30.0), ("rate", -10.0)], ("after", 120.0),
        format_value=lambda v: f"{v:.0f}", format_change=lambda v: f"{v:+.0f}",
    )  # fmt: skip
    bars = [patch for patch in ax.patches if patch.get_height() > 0]
    spans = [sorted((bar.get_x(), bar.get_x() + bar.get_width())) for bar in bars]
    assert spans == [[0, 100], [100, 130], [120, 130], [0, 120]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["before", "volume", "rate", "after"]


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
