"""Lines of several amounts by month, and the way two amounts took together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, house_style, new_axes

__all__ = ["plot_lines", "plot_path"]

_STYLES = (
    {"color": COLORS["baseline"], "marker": "o", "ms": 3.2},
    {"color": COLORS["pilot"], "marker": "s", "ms": 3.2},
    {"color": COLORS["target"], "ls": (0, (4, 2))},
    {"color": COLORS["concern"], "marker": "^", "ms": 3.6},
)
_MOST_LABELS = 7


def plot_lines(
    labels: Sequence[str],
    lines: Mapping[str, Sequence[float]],
    *,
    format_value: Callable[[float], str],
    steps: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw amounts by period, each in its own colour, mark and dash.

    Parameters
    ----------
    labels : sequence of str
        Names of the periods.
    lines : mapping of str to sequence of float
        At most four lines by name; NaN leaves a gap.
    format_value : callable
        Prints a value of the vertical axis.
    steps : bool, default False
        Whether a value holds until the next one.
    """
    with house_style():
        new = ax is None
        ax = new_axes(ax)
        if new:
            ax.set_position((0.1, 0.15, 0.88, 0.7))
        places = np.arange(len(labels))
        for (name, values), style in zip(lines.items(), _STYLES, strict=False):
            ax.plot(places, values, label=name, drawstyle="steps-post" if steps else "default", **style)  # type: ignore[arg-type]
        every = -(-len(labels) // _MOST_LABELS)
        ticks = list(range(len(labels) - 1, -1, -every))[::-1]
        ax.set_xticks(ticks, [labels[t] for t in ticks])
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
        ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=4, frameon=False, fontsize=8.5, borderpad=0)
        ax.tick_params(length=3, labelsize=8.5)
    return ax


def plot_path(
    x: Sequence[float],
    y: Sequence[float],
    labels: Sequence[str],
    *,
    x_label: str,
    y_label: str,
    format_y: Callable[[float], str],
    ax: Axes | None = None,
) -> Axes:
    """Draw a connected scatter: points in order of time, the first and the last named.

    Parameters
    ----------
    x, y : sequence of float
    labels : sequence of str
        Names of the points in order of time.
    x_label, y_label : str
    format_y : callable
        Prints a value of the vertical axis.
    """
    with house_style():
        new = ax is None
        ax = new_axes(ax, height=3.0)
        if new:
            ax.set_position((0.1, 0.17, 0.87, 0.76))
        ax.plot(x, y, color=COLORS["rule"], lw=1.4, zorder=1)
        ax.scatter(x, y, s=26, color=COLORS["baseline"], zorder=2, lw=0)
        ax.scatter([x[-1]], [y[-1]], s=52, color=COLORS["concern"], marker="s", zorder=3, lw=0)
        for place in (0, len(labels) - 1):
            ax.annotate(labels[place], (x[place], y[place]), (5, 5), textcoords="offset points", fontsize=8.5)
        ax.margins(0.12)
        ax.set_xlabel(x_label, fontsize=8.5)
        ax.set_ylabel(y_label, fontsize=8.5)
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_y(value)))
        ax.tick_params(length=3, labelsize=8.5)
    return ax
