"""Parts of a whole by period, as stacked bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, PHONE_INCHES, house_style, new_axes

__all__ = ["plot_stacked"]

# From what should be small to what carries the rest; hatches keep neighbours apart without colour.
_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": COLORS["concern"]},
    {"color": COLORS["paper"], "hatch": "////", "edgecolor": COLORS["concern"]},
    {"color": COLORS["limits"]},
    {"color": COLORS["paper"], "hatch": "\\\\\\\\", "edgecolor": COLORS["limits"]},
    {"color": COLORS["baseline"]},
)


def plot_stacked(
    table: pd.DataFrame,
    parts: Sequence[str],
    *,
    labels: Sequence[str],
    names: Sequence[str],
    format_value: Callable[[float], str],
    phone: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw stacked bars.

    Parameters
    ----------
    table : DataFrame
        One row per period, one column per part; missing values are left out.
    parts : sequence of str
        Columns from top to bottom, at most five.
    labels : sequence of str
        Names of the periods.
    names : sequence of str
        Names of the parts, in the same order.
    format_value : callable
        Prints a value of the vertical axis.

    Raises
    ------
    ValueError
        With more than five parts.
    """
    if len(parts) > len(_LOOKS):
        raise ValueError(f"plot_stacked draws at most {len(_LOOKS)} parts, got {len(parts)}.")
    with house_style():
        new = ax is None
        ax = new_axes(ax, width=PHONE_INCHES if phone else 7.2, height=3.2 if phone else 2.7)
        if new:
            ax.set_position((0.14, 0.3, 0.84, 0.66) if phone else (0.085, 0.15, 0.895, 0.72))
        places = np.arange(len(table))
        bottom = np.zeros(len(table))
        looks = _LOOKS[: len(parts) - 1] + _LOOKS[-1:]
        for part, name, look in reversed(list(zip(parts, names, looks, strict=True))):
            values = table[part].fillna(0).to_numpy(dtype=float)
            # Bars without height would leave the line of their edge.
            there = values > 0
            ax.bar(places[there], values[there], bottom=bottom[there], width=0.72, lw=0.6, label=name, **look)
            bottom += values
        step = -(-len(table) // (5 if phone else 9))
        shown = list(range(len(table) - 1, -1, -step))[::-1]
        ax.set_xticks(shown, [labels[place] for place in shown])
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
        handles, words = ax.get_legend_handles_labels()
        ax.legend(
            handles[::-1], words[::-1], loc="upper left" if phone else "lower right", frameon=False, fontsize=8.5,
            bbox_to_anchor=(-0.1, -0.12) if phone else (1, 1), ncols=2 if phone else 5, borderpad=0,
        )  # fmt: skip
        ax.tick_params(length=3, labelsize=8.5)
    return ax
