"""Looks at a running pilot: how far each metric is from its boundary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, PHONE_INCHES, house_style

__all__ = ["BoundaryPanel", "plot_boundaries"]

_ABREAST = 3
_PANEL_INCHES, _HEIGHT_INCHES = 2.9, 2.5
_MOST = 9.0
"""Boundaries further away than this many standard errors are beyond the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryPanel:
    """The looks at one metric.

    Attributes
    ----------
    title : str
    looks : DataFrame
        information_fraction, statistic (good is above 0), boundary; one row a look.
    next_look : tuple of float, optional
        Information fraction and boundary of the look to come.
    crossed : bool
    """

    title: str
    looks: pd.DataFrame
    next_look: tuple[float, float] | None = None
    crossed: bool = False


def plot_boundaries(panels: Sequence[BoundaryPanel], *, phone: bool = False) -> list[Axes]:
    """Draw the statistic of each metric against its boundary, by information.

    Parameters
    ----------
    panels : sequence of BoundaryPanel
        One for each metric.
    phone : bool, default False
        Draw it for a phone: one below the other.

    Returns
    -------
    list of Axes
        Of one new figure, in order.
    """
    with house_style():
        across = 1 if phone else min(len(panels), _ABREAST)
        down = -(-len(panels) // across)
        each = PHONE_INCHES if phone else _PANEL_INCHES
        figure = Figure(figsize=(each * across, _HEIGHT_INCHES * down))
        grid = figure.subplots(down, across, squeeze=False)
        figure.subplots_adjust(
            left=0.5 / (each * across),
            right=1 - 0.22 / (each * across),
            top=1 - 0.3 / (_HEIGHT_INCHES * down),
            bottom=0.5 / (_HEIGHT_INCHES * down),
            wspace=0.22,
            hspace=0.42,
        )
        axes = list(grid.flat)
        for ax, panel in zip(axes, panels, strict=False):
            _panel(ax, panel)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        for ax in axes[: len(panels)] if phone else axes[:1]:
            ax.set_ylabel("standard errors, good is up", fontsize=8.5)
    return axes[: len(panels)]


def _panel(ax: Axes, panel: BoundaryPanel) -> None:
    looks = panel.looks
    fraction, statistic = looks["information_fraction"].to_numpy(float), looks["statistic"].to_numpy(float)
    boundary = looks["boundary"].to_numpy(float)
    ahead = panel.next_look if panel.next_look and np.isfinite(panel.next_look).all() else None
    x = np.append(fraction, ahead[0]) if ahead else fraction
    y = np.append(boundary, ahead[1]) if ahead else boundary
    top = min(_MOST, 1.15 * float(np.nanmax(np.abs(np.append(y[np.isfinite(y)], [*statistic, 2.0])))))
    shown = np.where(np.isfinite(y), np.minimum(y, 2 * _MOST), np.nan)
    for side in (1, -1):
        ax.plot(x, side * shown, color=COLORS["target"], lw=1.3, ls=(0, (4, 2)), marker="_", ms=9, zorder=2)
    ax.fill_between(x, shown, 2 * _MOST, color=COLORS["rule"], alpha=0.55, lw=0, zorder=0)
    ax.fill_between(x, -shown, -2 * _MOST, color=COLORS["rule"], alpha=0.55, lw=0, zorder=0)
    ax.axhline(0, color=COLORS["ink"], lw=0.8, zorder=1)
    last = statistic[-1] if len(statistic) else 0.0
    color = COLORS["neutral"] if not panel.crossed else COLORS["improvement" if last > 0 else "concern"]
    ax.plot(fraction, statistic, color=color, marker="s" if panel.crossed else "o", ms=5, zorder=4)
    ax.set_ylim(-top, top)
    ax.set_xlim(0, max(1.05, 1.08 * float(np.nanmax(x))))
    ax.set_title(panel.title, fontsize=9, loc="left")
    ax.set_xlabel("share of the expected information", fontsize=8.5)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.tick_params(length=3, labelsize=8.5)
