"""A target beside the past of its KPI, and the way to one that is due later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from bpo_analysis.plotting.style import COLORS, house_style, new_axes

__all__ = ["PathEnd", "plot_glide_path", "plot_target_history"]

_MAX_LABELS = 9
_TARGET_LINE = (0, (1, 1.2))


@dataclass(frozen=True, slots=True, kw_only=True)
class PathEnd:
    """Where a path ends: position on the axis of periods, target, and the projected value with its interval."""

    position: float
    target: float
    estimate: float | None = None
    low: float | None = None
    high: float | None = None


def plot_target_history(
    values: ArrayLike,
    labels: Sequence[str],
    *,
    met: Sequence[bool],
    target: float,
    target_high: float | None = None,
    band: tuple[float, float] | None = None,
    format_value: Callable[[float], str],
    ax: Axes | None = None,
) -> Axes:
    """Draw the past of a KPI with its target and, where one may be compared, a published range.

    Parameters
    ----------
    values : array_like, shape (n,)
        One value per period, oldest first; NaN leaves a gap.
    labels : sequence of str
    met : sequence of bool
        Whether each period met the target: filled points did, open squares did not.
    target, target_high : float
        The second for a range.
    band : tuple of float, optional
        Ends of a published range.
    format_value : callable
        Prints a value of the vertical axis with its unit.
    """
    with house_style():
        ax = new_axes(ax)
        series, kept = np.asarray(values, dtype=float), np.asarray(met, dtype=bool)
        places = np.arange(len(series))
        if band is not None:
            ax.axhspan(*band, color=COLORS["raised"], lw=0, zorder=0)
            _say(ax, "benchmark", -0.4, band[1], COLORS["muted"], ha="left")
        for level in [target] if target_high is None else [target, target_high]:
            ax.axhline(level, color=COLORS["target"], lw=1.4, ls=_TARGET_LINE, zorder=2)
        _say(ax, "target", len(series) - 0.6, target, COLORS["target"], ha="right")
        ax.plot(places, series, color=COLORS["neutral"], zorder=3)
        ax.plot(places[kept], series[kept], ls="", marker="o", ms=4.5, color=COLORS["neutral"], zorder=4)
        ax.plot(places[~kept], series[~kept], ls="", marker="s", ms=5, mfc="white", color=COLORS["concern"], zorder=4)
        _periods(ax, labels, len(labels), format_value)
    return ax


def plot_glide_path(
    values: ArrayLike,
    labels: Sequence[str],
    *,
    start: tuple[float, float],
    end: PathEnd,
    format_value: Callable[[float], str],
    ax: Axes | None = None,
) -> Axes:
    """Draw the values so far, the straight way from the baseline to the target, and where the course leads.

    Parameters
    ----------
    values : array_like, shape (n,)
    labels : sequence of str
        Names of the periods from the first value to the due date, at least n.
    start : tuple of float
        Position and level of the baseline; the position may lie before the first value.
    end : PathEnd
    format_value : callable
    """
    with house_style():
        ax = new_axes(ax)
        series = np.asarray(values, dtype=float)
        ax.plot(np.arange(len(series)), series, color=COLORS["neutral"], marker="o", ms=3.2, zorder=3)
        first = max(start[0], -0.5)
        slope = (end.target - start[1]) / max(end.position - start[0], 1e-9)
        way = ([first, end.position], [start[1] + slope * (first - start[0]), end.target])
        ax.plot(*way, color=COLORS["target"], lw=1.4, ls=_TARGET_LINE, zorder=2)
        ax.plot([end.position], [end.target], ls="", marker="D", ms=6, color=COLORS["target"], zorder=4)
        _say(ax, "target", end.position, end.target, COLORS["target"], ha="right")
        if end.estimate is not None and end.low is not None and end.high is not None:
            ax.plot([end.position] * 2, [end.low, end.high], color=COLORS["pilot"], lw=1.6, zorder=4)
            ax.plot([end.position], [end.estimate], ls="", marker="o", ms=5, color=COLORS["pilot"], zorder=5)
            _say(ax, "if it goes on", end.position - 0.4, end.low, COLORS["pilot"], ha="right")
        _periods(ax, labels, max(len(labels), int(end.position) + 1), format_value)
    return ax


def _say(ax: Axes, text: str, x: float, y: float, color: str, *, ha: str) -> None:
    ax.annotate(text, (x, y), (0, 3), textcoords="offset points", ha=ha, color=color, fontsize=8.5)


def _periods(ax: Axes, labels: Sequence[str], count: int, format_value: Callable[[float], str]) -> None:
    step = max(1, -(-len(labels) // _MAX_LABELS))
    ticks = list(range(len(labels) - 1, -1, -step))[::-1]
    ax.set_xticks(ticks, [labels[t] for t in ticks])
    ax.set_xlim(-0.5, count - 0.5)
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
    ax.tick_params(length=3, labelsize=8.5)
