"""Differences of two ratings of the same thing over their mean, after Bland and Altman."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from bpo_analysis.plotting.style import COLORS, house_style, new_axes

__all__ = ["plot_differences"]


def plot_differences(
    means: ArrayLike,
    differences: ArrayLike,
    *,
    bias: float,
    limits: tuple[float, float],
    format_mean: Callable[[float], str],
    format_difference: Callable[[float], str],
    xlabel: str,
    ylabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw differences with their mean and limits of agreement.

    Parameters
    ----------
    means, differences : array_like, shape (n,)
    bias : float
        Mean difference.
    limits : tuple of float
        Limits of agreement.
    format_mean, format_difference : callable
        Print ticks of the horizontal and the vertical axis.
    xlabel, ylabel : str
    """
    with house_style():
        new = ax is None
        ax = new_axes(ax, height=3.0)
        if new:
            ax.set_position((0.125, 0.19, 0.775, 0.74))
        x, y = np.asarray(means, dtype=float), np.asarray(differences, dtype=float)
        ax.axhline(0, color=COLORS["ink"], lw=0.9, zorder=1)
        ax.axhspan(*limits, color=COLORS["raised"], lw=0, zorder=0)
        ax.axhline(bias, color=COLORS["concern"], lw=1.4, zorder=2)
        for limit in limits:
            ax.axhline(limit, color=COLORS["limits"], lw=0.8, ls=(0, (4, 3)), zorder=1)
        ax.plot(x, y, ls="", marker="o", ms=4.5, color=COLORS["neutral"], alpha=0.8, zorder=3)
        for height, text in ((bias, "mean"), (limits[0], "limit"), (limits[1], "limit")):
            ax.annotate(
                f"{text}\n{format_difference(height)}", (1, height), (4, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", va="center", fontsize=8.5, color=COLORS["muted"],
            )  # fmt: skip
        reach = 1.15 * max(np.abs(y).max(initial=0.0), abs(limits[0]), abs(limits[1]), 0.01)
        ax.set_ylim(-reach, reach)
        ax.xaxis.set_major_locator(MaxNLocator(6))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_mean(value)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_difference(value)))
        ax.set_xlabel(xlabel, fontsize=8.5)
        ax.set_ylabel(ylabel, fontsize=8.5)
        ax.tick_params(length=3, labelsize=8.5)
    return ax
