"""How every chart of the toolkit looks, and how it becomes SVG.

Figures are made without pyplot: no global state, no backend, safe in any process. Colours are the light values of the
page's palette; the page exchanges them for its own properties, so that charts follow it into dark mode.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bpo_analysis.page.palette import PALETTE

__all__ = ["COLORS", "PHONE_INCHES", "house_style", "new_axes", "to_svg"]

COLORS: dict[str, str] = {name: role.light for name, role in PALETTE.items()}
"""Colours by role."""

PHONE_INCHES = 3.6
"""Width of a chart that is drawn for a phone: there its text has the size it has elsewhere."""
_WIDTH, _HEIGHT = 7.2, 2.7
_RC: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bpo_analysis",
    "font.family": "sans-serif",
    # The list is written into every text of an SVG; the page sets its own font anyway.
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": COLORS["limits"],
    "axes.labelcolor": COLORS["muted"],
    "axes.titlesize": 10,
    "text.color": COLORS["ink"],
    "text.parse_math": False,
    "xtick.color": COLORS["muted"],
    "ytick.color": COLORS["muted"],
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": COLORS["rule"],
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "lines.linewidth": 1.6,
    "path.simplify": True,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style, leaving the caller's matplotlib settings alone."""
    with mpl.rc_context(_RC):
        yield


def new_axes(ax: Axes | None, *, width: float = _WIDTH, height: float = _HEIGHT) -> Axes:
    """Return ``ax``, or axes of a new figure with fixed margins: a tight box costs more to measure than all to draw."""
    if ax is not None:
        return ax
    figure = Figure(figsize=(width, height))
    return figure.add_axes((0.085, 0.15, 0.895, 0.78))


def to_svg(ax: Axes) -> str:
    """Return the figure of ``ax`` as an SVG document, equal for equal content."""
    buffer = io.StringIO()
    with house_style():
        ax.get_figure(root=True).savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})  # type: ignore[union-attr]
    return buffer.getvalue()
