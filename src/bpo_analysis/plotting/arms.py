"""Two arms over time: the pilot and its baseline, with the start and the weeks that do not count."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.line_names import name_lines
from bpo_analysis.plotting.style import COLORS, PHONE_INCHES, house_style, new_axes

__all__ = ["plot_arms"]

_MAX_LABELS, _MAX_PHONE_LABELS = 8, 4


def plot_arms(
    table: pd.DataFrame,
    labels: Sequence[str],
    *,
    format_value: Callable[[float], str],
    phone: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the values of both arms by week.

    Parameters
    ----------
    table : DataFrame
        phase ("before", "ramp", "pilot"), pilot, baseline; one row a week, in order. An arm without values is left out.
    labels : sequence of str
        Names of the weeks.
    format_value : callable
        Prints a value of the vertical axis.
    """
    with house_style():
        new = ax is None
        ax = new_axes(ax, width=PHONE_INCHES if phone else 6.4, height=2.4 if phone else 2.6)
        if new:
            ax.set_position((0.15, 0.13, 0.66, 0.76) if phone else (0.1, 0.13, 0.76, 0.76))
        places = np.arange(len(table))
        _phases(ax, table["phase"].tolist())
        # The arms differ by line and marker as well as by colour; a gap would hide a point without a marker.
        baseline = table["baseline"].to_numpy(float)
        gaps = bool(np.isnan(baseline).any())
        _arm(ax, places, baseline, "baseline", {"ls": (0, (4, 2)), "marker": "s" if gaps else ""})
        _arm(ax, places, table["pilot"].to_numpy(float), "pilot", {"ls": "-", "marker": "o"})
        name_lines(ax, _ends(ax))
        step = -(-len(labels) // (_MAX_PHONE_LABELS if phone else _MAX_LABELS))
        ticks = list(range(0, len(labels), max(step, 1)))
        ax.set_xticks(ticks, [labels[tick] for tick in ticks])
        ax.set_xlim(-0.5, len(labels) - 0.5)
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
        ax.tick_params(length=3, labelsize=8.5)
    return ax


def _phases(ax: Axes, phases: list[str]) -> None:
    """A line at the start, and the ramp shaded."""
    start = next((i for i, phase in enumerate(phases) if phase != "before"), None)
    if start is None:
        return
    ramp = phases.count("ramp")
    if ramp:
        ax.axvspan(start - 0.5, start + ramp - 0.5, color=COLORS["rule"], alpha=0.55, lw=0, zorder=0)
    ax.axvline(start - 0.5, color=COLORS["ink"], lw=1, zorder=1)
    text = "start, ramp shaded" if ramp else "start"
    ax.annotate(
        text,
        (start - 0.5, 1),
        (0, 2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
        fontsize=8.5,
    )


def _arm(ax: Axes, places: np.ndarray, values: np.ndarray, name: str, style: dict[str, object]) -> None:
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return
    ax.plot(places, values, color=COLORS[name], ms=3.6, lw=1.5, zorder=3, label=name, **style)  # type: ignore[arg-type]


def _ends(ax: Axes) -> list[tuple[float, str, str]]:
    ends = []
    for line in ax.get_lines():
        name = str(line.get_label())
        if name in ("pilot", "baseline"):
            values = np.asarray(line.get_ydata(), dtype=float)
            ends.append((float(values[np.isfinite(values)][-1]), name, COLORS[name]))
    return ends
