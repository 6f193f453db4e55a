"""Charts: what is drawn, not how it looks in pixels."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bpo_analysis.plotting import COLORS, EventMark, plot_contributions, plot_control_chart, to_svg
from bpo_analysis.stats import control_chart, decompose_change

VALUES = [45.0, 55.0] * 7 + [95.0]
LABELS = [f"2026-W{i:02d}" for i in range(15)]


def draw(**options):
    return plot_control_chart(control_chart(VALUES), LABELS, format_value=lambda v: f"{v:.0f} s", **options)


def line(ax, **wanted):
    return next(x for x in ax.lines if all(getattr(x, f"get_{k}")() == v for k, v in wanted.items()))


def test_values_and_signals():
    ax = draw()
    assert line(ax, marker="o").get_ydata().tolist() == VALUES
    assert line(ax, marker="s").get_ydata().tolist() == [95.0]


def test_target_and_events():
    ax = draw(target=50.0, events=[EventMark(3.0, "A")])
    assert line(ax, color=COLORS["target"]).get_ydata()[0] == 50.0
    assert {t.get_text() for t in ax.texts} == {"target", "A"}


def test_axis_has_units_and_the_newest_period():
    ax = draw()
    assert ax.get_xticklabels()[-1].get_text() == "2026-W14"
    assert ax.yaxis.get_major_formatter()(50.0, 0) == "50 s"


def test_given_axes_are_used():
    given = Figure().add_subplot()
    assert draw(ax=given) is given


def test_a_gap_is_a_gap():
    chart = control_chart([*VALUES[:4], np.nan, *VALUES[4:]])
    ax = plot_control_chart(chart, [*LABELS, "x"], format_value=str)
    assert np.isnan(line(ax, marker="o").get_ydata()[4])


def test_limits_step_with_sizes_and_phases():
    rates = np.resize([0.5, 0.6, 0.55], 20)
    chart = control_chart(rates, sizes=np.resize([50, 100], 20), phases=[10])
    ax = plot_control_chart(chart, [str(i) for i in range(20)], format_value=str)
    drawn = [patch.get_data().values.tolist() for patch in ax.patches]
    assert chart.table["upper"].iloc[10:].tolist() in drawn
    assert chart.table["center"].iloc[:10].tolist() in drawn


def test_contributions():
    frame = pd.DataFrame({"numerator": [80.0, 10.0], "denominator": [100.0, 100.0]}, index=["easy", "hard"])
    result = decompose_change(frame, frame.assign(numerator=[70.0, 10.0]))
    ax = plot_contributions(result, labels=["easy", "hard"], format_change=lambda v: f"{v:+.2f}")
    widths = sorted(round(float(p.get_width()), 3) for p in ax.patches)
    assert widths == [-0.05, 0.0, 0.0, 0.0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["easy", "hard"]


def test_equal_content_gives_equal_svg():
    assert to_svg(draw()) == to_svg(draw())
    assert "<text" in to_svg(draw())
