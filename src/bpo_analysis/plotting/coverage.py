"""Work by week after a notice: who would do it, and what nobody would."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, house_style, new_axes

__all__ = ["plot_coverage"]


def plot_coverage(
    weeks: pd.DataFrame,
    *,
    unit: str,
    format_value: Callable[[float], str],
    least: pd.Series | None = None,
    most: pd.Series | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw stacked bars by week with the range of the gap.

    Parameters
    ----------
    weeks : DataFrame
        Columns week, partner, replacements, uncovered: amounts of work that add up to a week's.
    unit : str
        Unit of the amounts, named on the vertical axis.
    format_value : callable
        Prints a value of the vertical axis.
    least, most : Series, optional
        Work covered in the favourable and the unfavourable scenario, by week.
    """
    with house_style():
        new = ax is None
        ax = new_axes(ax, height=3.0)
        if new:
            ax.set_position((0.085, 0.16, 0.895, 0.66))
        place = weeks["week"].to_numpy()
        floor = 0 * place
        for column, label, color, hatch in (
            ("partner", "the partner, until its notice ends", COLORS["baseline"], None),
            ("replacements", "replacements", COLORS["pilot"], None),
            ("uncovered", "nobody", COLORS["paper"], "////"),
        ):
            values = weeks[column].to_numpy()
            edge = COLORS["concern"] if hatch else color
            ax.bar(
                place, values, bottom=floor, width=0.9, color=color, edgecolor=edge, hatch=hatch, lw=0.6, label=label
            )
            floor = floor + values
        if least is not None and most is not None:
            ax.plot(least.index, least, color=COLORS["ink"], lw=1.1, ls=(0, (4, 2)), label="covered, slower")
            ax.plot(most.index, most, color=COLORS["ink"], lw=1.1, ls=(0, (1, 1.2)), label="covered, quicker")
        ax.set_xlim(0.3, float(place.max()) + 0.7)
        ax.set_ylabel(unit, fontsize=8.5)
        ax.set_xlabel("week from the day of notice", fontsize=8.5)
        ax.xaxis.set_major_locator(MaxNLocator(10, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
        ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, frameon=False, fontsize=8.5, borderpad=0)
        ax.tick_params(length=3, labelsize=8.5)
    return ax
