"""The process-behaviour chart: values, limits, target and dated events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpo_analysis.plotting.canvas import Canvas, period_canvas
from bpo_analysis.stats import ControlChart

__all__ = ["EventMark", "control_chart_svg"]

_DASH = "3.2 2.4"


@dataclass(frozen=True, slots=True)
class EventMark:
    """A dated event: position on the axis of periods, and the letter that the legend under the chart explains."""

    position: float
    letter: str


def control_chart_svg(
    chart: ControlChart,
    labels: Sequence[str],
    *,
    format_value: Callable[[float], str],
    target: float | None = None,
    events: Sequence[EventMark] = (),
) -> str:
    """Draw a control chart.

    Parameters
    ----------
    chart : ControlChart
    labels : sequence of str
        Names of the periods, one per point.
    format_value : callable
        Prints a value of the vertical axis with its unit.
    target : float, optional
    events : sequence of EventMark

    Returns
    -------
    str
        An SVG document; in a notebook shown by ``IPython.display.SVG``.
    """
    table = chart.table
    values = table["value"].to_numpy(dtype=float)
    steps = table[["phase", "center", "lower", "upper"]].to_numpy(dtype=float)
    aim = np.array([] if target is None else [target])
    canvas = period_canvas(len(values), [values, steps[:, 1:], aim], format_value)
    _limits(canvas, steps)
    for event in events:
        canvas.moment(event.position, event.letter)
    if target is not None:
        canvas.level(target, "target", "target")
    canvas.line(values, "neutral")
    signal = table["outside"].to_numpy() | table["in_run"].to_numpy()
    canvas.squares([(i, float(values[i])) for i in np.flatnonzero(signal & np.isfinite(values)).tolist()], "concern")
    canvas.periods(labels)
    return canvas.svg()


def _limits(canvas: Canvas, table: NDArray[np.float64]) -> None:
    """Centre and limits: steps from period to period, for they differ by phase and size."""
    # Periods with the same limits are one step; most charts are one step in all.
    starts = np.flatnonzero(np.r_[True, ~np.isclose(table[1:], table[:-1], rtol=1e-12, equal_nan=True).all(axis=1)])
    edges, steps = np.r_[starts, len(table)] - 0.5, table[starts]
    if np.isfinite(steps[:, 1]).any():
        canvas.band(edges, steps[:, 2], steps[:, 3])
    for phase in np.unique(steps[:, 0]):
        own = np.flatnonzero(steps[:, 0] == phase)
        ends = edges[own[0] : own[-1] + 2]
        for column, width, dash in ((1, 1, ""), (2, 0.8, _DASH), (3, 0.8, _DASH)):
            canvas.stairs(ends, steps[own, column], width=width, dash=dash)
