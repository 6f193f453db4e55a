"""What a pilot can show by its length: the smallest difference that would be found, against the margin."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.line_names import name_lines
from bpo_analysis.plotting.style import COLORS, PHONE_INCHES, house_style, new_axes

__all__ = ["plot_detectable"]

_MOST = 4.0
"""Heights of more than this many margins are cut off."""


def plot_detectable(
    curve: pd.DataFrame,
    *,
    n_pilot: int,
    weeks: float,
    margin: float,
    format_value: Callable[[float], str],
    phone: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the detectable difference by number of weeks.

    Parameters
    ----------
    curve : DataFrame
        weeks, n_pilot, own_baseline, detectable.
    n_pilot : int
        Planned units: the strong lines, with and without the units' own baseline.
    weeks : float
        Planned weeks that count.
    margin : float
    format_value : callable
        Prints a value of the vertical axis.
    phone : bool, default False
        Draw it for a phone: the lines are named below the picture.
    """
    with house_style():
        new = ax is None
        ax = new_axes(ax, width=PHONE_INCHES if phone else 6.4, height=3.2 if phone else 2.9)
        if new:
            ax.set_position((0.15, 0.3, 0.8, 0.62) if phone else (0.1, 0.17, 0.68, 0.74))
        names = _lines(ax, curve, n_pilot)
        ax.axhline(margin, color=COLORS["target"], lw=1.4, ls=(0, (1, 1.2)), zorder=2, label="margin")
        ax.axvline(weeks, color=COLORS["ink"], lw=1, zorder=1)
        planned = curve.loc[curve["n_pilot"] == n_pilot, "detectable"]
        # Every named line is in the picture where it ends: a name beside nothing says nothing.
        least = 1.05 * max([margin, *(height for height, _, _ in names)])
        top = min(max(_MOST * margin, 1.3 * float(planned.min())), 1.05 * float(curve["detectable"].max()))
        ax.set_ylim(0, max(top, least))
        if phone:
            ax.legend(loc="upper left", bbox_to_anchor=(-0.1, -0.2), ncols=2, frameon=False, fontsize=8.5)
        else:
            name_lines(ax, [*names, (margin, "margin", COLORS["target"])])
        ax.annotate(
            "planned",
            (weeks, 1),
            (0, 2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
        )
        ax.set_xlabel("weeks that count", fontsize=8.5)
        ax.xaxis.set_major_locator(MaxNLocator(5 if phone else 8, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
        ax.tick_params(length=3, labelsize=8.5)
    return ax


def _lines(ax: Axes, curve: pd.DataFrame, n_pilot: int) -> list[tuple[float, str, str]]:
    """The planned units with and without own baseline, and the most units for comparison."""
    own, without = curve[curve["own_baseline"]], curve[~curve["own_baseline"]]
    most = int(curve["n_pilot"].max())
    # Against history there is one curve, and no number of units to tell it by.
    alone = without.empty and most == n_pilot
    drawn = [
        (
            own[own["n_pilot"] == n_pilot],
            "this pilot" if alone else f"{n_pilot} with baseline",
            {"color": COLORS["pilot"], "lw": 2.0},
        ),
        (
            without[without["n_pilot"] == n_pilot],
            f"{n_pilot} without",
            {"color": COLORS["baseline"], "lw": 1.6, "ls": (0, (4, 2))},
        ),
    ]
    if most != n_pilot:
        drawn.append((own[own["n_pilot"] == most], f"{most} with baseline", {"color": COLORS["neutral"], "lw": 1.1}))
    names = []
    for part, name, style in drawn:
        if part.empty:
            continue
        part = part.sort_values("weeks")
        ax.plot(part["weeks"], part["detectable"], label=name, **style)  # type: ignore[arg-type]
        names.append((float(part["detectable"].iloc[-1]), name, str(style["color"])))
    return names
