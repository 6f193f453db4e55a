"""Values with their intervals along an axis, with a fitted curve and a level to hold them against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, PHONE_INCHES, house_style, new_axes

__all__ = ["PointLine", "plot_points"]

_ROLES = ("baseline", "concern", "pilot")
_MARKERS = ("o", "s", "^")


@dataclass(frozen=True, slots=True)
class PointLine:
    """Points of one line.

    Attributes
    ----------
    name : str
    x, value, low, high : sequence of float
    """

    name: str
    x: Sequence[float]
    value: Sequence[float]
    low: Sequence[float] = field(default_factory=tuple)
    high: Sequence[float] = field(default_factory=tuple)


def plot_points(
    lines: Sequence[PointLine],
    *,
    x_label: str,
    format_value: Callable[[float], str],
    curve: tuple[Sequence[float], Sequence[float]] | None = None,
    level: tuple[float, float, float] | None = None,
    level_name: str = "",
    ticks: Mapping[float, str] | None = None,
    phone: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw points with intervals.

    Parameters
    ----------
    lines : sequence of PointLine
        At most three, told apart by shape and colour.
    x_label : str
    format_value : callable
        Prints a value of the vertical axis.
    curve : pair of sequences of float, optional
        A fitted curve: positions and values.
    level : tuple of float, optional
        A level with its lower and upper limit.
    level_name : str, default ""
        Its name in the legend.
    ticks : mapping of float to str, optional
        Positions to mark and what they are, where the axis is no scale.
    """
    with house_style():
        new = ax is None
        ax = new_axes(ax, width=PHONE_INCHES if phone else 7.2, height=3.4 if phone else 2.9)
        if new:
            ax.set_position((0.17, 0.36, 0.8, 0.6) if phone else (0.085, 0.17, 0.895, 0.7))
        if level is not None:
            ax.axhspan(level[1], level[2], color=COLORS["raised"], lw=0, zorder=0)
            ax.axhline(level[0], color=COLORS["limits"], lw=1, zorder=1, label=level_name)
        if curve is not None:
            ax.plot(*curve, color=COLORS["neutral"], lw=1.4, ls=(0, (4, 2)), zorder=2, label="fitted curve")
        for place, line in enumerate(lines):
            _points(ax, line, place, len(lines))
        ax.legend(
            loc="upper left" if phone else "lower right", bbox_to_anchor=(-0.1, -0.2) if phone else (1, 1),
            ncols=1 if phone else 4, frameon=False, fontsize=8.5, borderpad=0,
        )  # fmt: skip
        ax.set_xlabel(x_label, fontsize=8.5)
        if ticks is None:
            ax.xaxis.set_major_locator(MaxNLocator(5 if phone else 9, integer=True))
        else:
            ax.set_xticks(list(ticks), list(ticks.values()))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
        ax.tick_params(length=3, labelsize=8.5)
    return ax


def _points(ax: Axes, line: PointLine, place: int, lines: int) -> None:
    color = COLORS[_ROLES[place]]
    # Side by side, so that the intervals of two lines do not hide each other.
    x = np.asarray(line.x, dtype=float) + (place - (lines - 1) / 2) * 0.18
    value = np.asarray(line.value, dtype=float)
    if len(line.low):
        ax.vlines(x, np.asarray(line.low), np.asarray(line.high), color=color, lw=1, zorder=3)
    ax.plot(x, value, ls="", marker=_MARKERS[place], ms=4.5, color=color, zorder=4, label=line.name)
