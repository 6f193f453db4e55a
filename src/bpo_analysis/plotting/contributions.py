"""Bars to both sides of zero: what each slice added to a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, house_style, new_axes
from bpo_analysis.stats import ChangeDecomposition

__all__ = ["plot_contributions"]

_ROW_INCHES, _FRAME_INCHES = 0.3, 0.75


def plot_contributions(
    result: ChangeDecomposition, *, labels: Sequence[str], format_change: Callable[[float], str], ax: Axes | None = None
) -> Axes:
    """Draw the rate and mix effect of each slice.

    Parameters
    ----------
    result : ChangeDecomposition
    labels : sequence of str
        Slices to draw, top first.
    format_change : callable
        Prints a change with its unit.
    """
    with house_style():
        new = ax is None
        ax = new_axes(ax, height=_FRAME_INCHES + _ROW_INCHES * len(labels))
        if new:
            height = ax.figure.get_figheight()  # type: ignore[union-attr]
            ax.set_position((0.25, 0.5 / height, 0.72, 1 - 0.75 / height))
        rows = result.table.loc[list(labels)]
        places = range(len(labels), 0, -1)
        ax.barh([p + 0.18 for p in places], rows["rate_effect"], height=0.32, color=COLORS["baseline"], label="rate")
        ax.barh(
            [p - 0.18 for p in places],
            rows["mix_effect"],
            height=0.32,
            color=COLORS["rule"],
            edgecolor=COLORS["limits"],
            hatch="////",
            label="mix",
        )
        ax.axvline(0, color=COLORS["ink"], lw=0.8)
        ax.set_yticks(list(places), list(labels))
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_change(value)))
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.legend(loc="lower right", frameon=False, fontsize=8.5, ncols=2, bbox_to_anchor=(1, 1), borderpad=0)
        ax.tick_params(length=3, labelsize=8.5)
    return ax
