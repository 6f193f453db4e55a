"""The funnel plot: many units' shares over their sizes, with the limits that chance and their spread explain."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bpo_analysis.plotting.canvas import DASHES, Canvas, Frame, range_of
from bpo_analysis.stats import Funnel

__all__ = ["funnel_svg"]

_FRAME = Frame(height=216, bottom=175)


def funnel_svg(
    result: Funnel, *, names: Sequence[str], format_value: Callable[[float], str], xlabel: str
) -> str:  # fmt: skip
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
    table = result.table
    size, share, lower, upper = (table[name].to_numpy(dtype=float) for name in ("size", "share", "lower", "upper"))
    canvas = Canvas(range_of([size]), range_of([share, lower, upper]), _FRAME)
    order = np.argsort(size, kind="stable")
    canvas.band(size[order], lower[order], upper[order], stairs=False)
    canvas.y_axis(format_value)
    canvas.x_axis(lambda value: f"{value:,.0f}", label=xlabel, ticks=6)
    for limit in (lower, upper):
        canvas.path(zip(size[order], limit[order], strict=True), "limits", width=0.8, dash=DASHES[1])
    canvas.path([(x, result.center) for x in canvas.x_limits], "limits", width=1)
    outside = table["outside"].to_numpy(dtype=bool)
    canvas.dots(zip(size[~outside], share[~outside], strict=True), "neutral", size=4.5)
    # Units outside differ by shape as well as by colour.
    canvas.squares(zip(size[outside], share[outside], strict=True), "concern")
    middle = (size.min() + size.max()) / 2
    for place in result.outside:
        right = size[place] > middle
        canvas.text(
            (size[place], share[place]), names[place], anchor="end" if right else "start", by=(-6 if right else 6, -4)
        )
    return canvas.svg()
