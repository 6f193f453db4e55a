"""The process-behaviour chart: values, limits, target and dated events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, house_style, new_axes
from bpo_analysis.stats import ControlChart

__all__ = ["EventMark", "plot_control_chart"]

_MAX_LABELS = 9
_DASHED: dict[str, Any] = {"lw": 0.8, "ls": (0, (4, 3))}


@dataclass(frozen=True, slots=True)
class EventMark:
    """A dated event: position on the axis of periods, and the letter that the legend under the chart explains."""

    position: float
    letter: str


def plot_control_chart(
    chart: ControlChart,
    labels: Sequence[str],
    *,
    format_value: Callable[[float], str],
    target: float | None = None,
    events: Sequence[EventMark] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw a control chart.

    Parameters
    ----------
    chart : ControlChart
    labels : sequence of str
        Names of the periods, one per point.
    format_value : callable
        Prints a value of the vertical axis with its unit.
    target : float, optional
    events : sequence of EventMark
    ax : Axes, optional
        Without one, a new figure is made.

    Returns
    -------
    Axes
    """
    with house_style():
        ax = new_axes(ax)
        values = chart.table["value"].to_numpy()
        positions = np.arange(len(values))
        _limits(ax, chart)
        ax.plot(positions, values, color=COLORS["neutral"], marker="o", ms=3.2, zorder=3)
        signal = chart.table["outside"].to_numpy() | chart.table["in_run"].to_numpy()
        # Signals differ by shape as well as by colour: squares print in black and white.
        ax.plot(positions[signal], values[signal], ls="", marker="s", ms=6, color=COLORS["concern"], zorder=4)
        if target is not None:
            ax.axhline(target, color=COLORS["target"], lw=1.4, ls=(0, (1, 1.2)), zorder=2)
            ax.annotate(
                "target",
                (len(values) - 0.5, target),
                (0, 3),
                textcoords="offset points",
                ha="right",
                color=COLORS["target"],
                fontsize=8.5,
            )
        for event in events:
            ax.axvline(event.position, color=COLORS["pilot"], lw=1, zorder=1)
            ax.annotate(
                event.letter,
                (event.position, 1),
                (0, 2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                color=COLORS["pilot"],
                fontsize=9,
            )
        _axes_of_periods(ax, labels, format_value)
    return ax


def _limits(ax: Axes, chart: ControlChart) -> None:
    """Centre and limits: steps from period to period, for they differ by phase and size."""
    edges = np.arange(len(chart.table) + 1) - 0.5
    table = chart.table[["phase", "center", "lower", "upper"]].to_numpy(dtype=float)
    # Periods with the same limits are one step; most charts are one step in all.
    starts = np.flatnonzero(np.r_[True, ~np.isclose(table[1:], table[:-1], rtol=1e-12, equal_nan=True).all(axis=1)])
    sides, steps = np.r_[edges[starts], edges[-1]], table[starts]
    ax.fill_between(
        np.repeat(sides, 2)[1:-1],
        np.repeat(steps[:, 2], 2),
        np.repeat(steps[:, 3], 2),
        color=COLORS["raised"],
        lw=0,
        zorder=0,
    )
    for phase in np.unique(steps[:, 0]):
        own = np.flatnonzero(steps[:, 0] == phase)
        ends = sides[own[0] : own[-1] + 2]
        for column, style in ((1, {"lw": 1}), (2, _DASHED), (3, _DASHED)):
            ax.stairs(steps[own, column], ends, baseline=None, color=COLORS["limits"], zorder=1, **style)


def _axes_of_periods(ax: Axes, labels: Sequence[str], format_value: Callable[[float], str]) -> None:
    step = -(-len(labels) // _MAX_LABELS)
    # Counted from the newest, so that the period under review always has its label.
    ticks = list(range(len(labels) - 1, -1, -step))[::-1]
    ax.set_xticks(ticks, [labels[t] for t in ticks])
    ax.set_xlim(-0.5, len(labels) - 0.5)
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
    ax.tick_params(length=3, labelsize=8.5)
