"""Who is still there, or still waiting: the share left as steps over time, few lines, named at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.line_names import name_lines
from bpo_analysis.plotting.style import COLORS, PHONE_INCHES, house_style, new_axes
from bpo_analysis.stats import TimeToEvent

__all__ = ["SurvivalLine", "plot_survival"]

MOST_LINES = 4
"""More lines than this cannot be told apart."""
_ROLES = ("concern", "baseline", "pilot", "target")
_STYLES: tuple[object, ...] = ("-", (0, (4, 2)), (0, (1, 1.2)), (0, (4, 1.5, 1, 1.5)))


@dataclass(frozen=True, slots=True)
class SurvivalLine:
    """One line: its name at the end and the estimate it draws."""

    name: str
    result: TimeToEvent


def plot_survival(
    lines: Sequence[SurvivalLine],
    *,
    x_label: str,
    done: bool = False,
    limit: float | None = None,
    longest: float | None = None,
    phone: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw Kaplan-Meier curves.

    Parameters
    ----------
    lines : sequence of SurvivalLine
        At most four. The first has its confidence band.
    x_label : str
        Time with its unit.
    done : bool, default False
        Draw the share done (rising) in place of the share still open.
    limit : float, optional
        Time to mark, such as the agreed one.
    longest : float, optional
        Where the axis of time ends; by default with the longest time.
    phone : bool, default False
        Draw it for a phone: the lines are named below the picture.

    Raises
    ------
    ValueError
        With no line or more than four.
    """
    if not 1 <= len(lines) <= MOST_LINES:
        raise ValueError(f"plot_survival draws 1 to {MOST_LINES} lines, got {len(lines)}.")
    with house_style():
        new = ax is None
        ax = new_axes(ax, width=PHONE_INCHES if phone else 7.2, height=3.2 if phone else 2.9)
        if new:
            ax.set_position((0.14, 0.32, 0.82, 0.62) if phone else (0.085, 0.17, 0.7, 0.77))
        end = longest or max(float(line.result.table["time"].iloc[-1]) for line in lines)
        names = []
        for place, line in enumerate(lines):
            names.append(_steps(ax, line, place, end, done=done))
        if limit is not None and limit <= end:
            ax.axvline(limit, color=COLORS["target"], lw=1.2, ls=(0, (1, 1.2)), zorder=1)
        ax.set_xlim(0, end)
        ax.set_ylim(0, 1.02)
        if phone:
            ax.legend(loc="upper left", bbox_to_anchor=(-0.1, -0.22), ncols=1, frameon=False, fontsize=8.5)
        else:
            name_lines(ax, names)
        ax.set_xlabel(x_label, fontsize=8.5)
        ax.xaxis.set_major_locator(MaxNLocator(5 if phone else 9))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        ax.tick_params(length=3, labelsize=8.5)
    return ax


def _steps(ax: Axes, line: SurvivalLine, place: int, end: float, *, done: bool) -> tuple[float, str, str]:
    """Draw one line up to the end of the axis and return its name with the height at which it ends."""
    table = line.result.table
    table = table[table["time"] <= end]
    times = np.r_[0.0, table["time"].to_numpy(dtype=float)]
    left, low, high = (np.r_[1.0, table[name].to_numpy(dtype=float)] for name in ("open_share", "ci_low", "ci_high"))
    if done:
        left, low, high = 1 - left, 1 - high, 1 - low
    color = COLORS[_ROLES[place]]
    if place == 0:
        ax.fill_between(times, low, high, step="post", color=COLORS["raised"], lw=0, zorder=0)
    ax.step(times, left, where="post", color=color, ls=_STYLES[place], lw=1.8, zorder=3, label=line.name)
    return float(left[-1]), line.name, color
