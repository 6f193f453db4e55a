"""The funnel plot: many units' shares over their sizes, with the limits that chance and their spread explain."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, house_style, new_axes
from bpo_analysis.stats import Funnel

__all__ = ["plot_funnel"]


def plot_funnel(
    result: Funnel,
    *,
    names: Sequence[str],
    format_value: Callable[[float], str],
    xlabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw a funnel; units outside are named.

    Parameters
    ----------
    result : Funnel
    names : sequence of str
        One per row of ``result.table``.
    format_value : callable
        Prints a share.
    xlabel : str
        What sizes count.
    """
    with house_style():
        new = ax is None
        ax = new_axes(ax, height=3.0)
        if new:
            ax.set_position((0.085, 0.19, 0.895, 0.74))
        table = result.table
        order = np.argsort(table["size"].to_numpy(), kind="stable")
        size, lower, upper = (table[name].to_numpy()[order] for name in ("size", "lower", "upper"))
        ax.fill_between(size, lower, upper, color=COLORS["raised"], lw=0, zorder=0)
        for limit in (lower, upper):
            ax.plot(size, limit, color=COLORS["limits"], lw=0.8, ls=(0, (4, 3)), zorder=1)
        ax.axhline(result.center, color=COLORS["limits"], lw=1, zorder=1)
        outside = table["outside"].to_numpy()
        inside = ~outside
        ax.plot(
            table["size"][inside], table["share"][inside], ls="", marker="o", ms=4, color=COLORS["neutral"], zorder=3
        )
        # Units outside differ by shape as well as by colour.
        ax.plot(
            table["size"][outside], table["share"][outside], ls="", marker="s", ms=6, color=COLORS["concern"], zorder=4
        )
        for place in result.outside:
            right = table["size"].iloc[place] > (size[0] + size[-1]) / 2
            ax.annotate(
                names[place],
                (table["size"].iloc[place], table["share"].iloc[place]),
                (-6 if right else 6, 4),
                textcoords="offset points",
                ha="right" if right else "left",
                fontsize=8.5,
            )
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
        ax.set_xlabel(xlabel, fontsize=8.5)
        ax.tick_params(length=3, labelsize=8.5)
    return ax
