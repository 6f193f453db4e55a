"""Who is still there, or still waiting: the share left as steps over time, few lines, named at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpo_analysis.plotting.canvas import DASHES, Canvas, Frame
from bpo_analysis.stats import TimeToEvent

__all__ = ["SurvivalLine", "survival_svg"]

MOST_LINES = 4
"""More lines than this cannot be told apart."""
_ROLES = ("concern", "baseline", "pilot", "target")
_WIDE = Frame(height=209, right=407, bottom=174)


@dataclass(frozen=True, slots=True)
class SurvivalLine:
    """One line: its name at the end and the estimate it draws."""

    name: str
    result: TimeToEvent


def survival_svg(
    lines: Sequence[SurvivalLine],
    *,
    x_label: str,
    done: bool = False,
    limit: float | None = None,
    longest: float | None = None,
    phone: bool = False,
) -> str:
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
        raise ValueError(f"survival_svg draws 1 to {MOST_LINES} lines, got {len(lines)}.")
    end = longest or max(float(line.result.table["time"].iloc[-1]) for line in lines)
    frame = Frame(width=259, height=200 + 13 * len(lines), left=38, right=250, bottom=155) if phone else _WIDE
    canvas = Canvas((0, end), (0, 1.02), frame)
    curves = [_curve(line.result, end, done=done) for line in lines]
    edges, _, low, high = curves[0]
    canvas.band(edges, low, high)
    canvas.y_axis(lambda value: f"{100 * value:.0f} %")
    canvas.x_axis(lambda value: f"{value:,.10g}", label=x_label, ticks=5 if phone else 9)
    if limit is not None and limit <= end:
        canvas.upright(limit, "target", width=1.2, dash="1.2 1.4")
    for (edges, share, _, _), role, dash in zip(curves, _ROLES, DASHES, strict=False):
        canvas.stairs(edges, share, colour=role, width=1.8, dash=dash)
    if phone:
        canvas.legend([(line.name, role, dash) for line, role, dash in zip(lines, _ROLES, DASHES, strict=False)])
    else:
        canvas.line_names([(c[1][-1], line.name, role) for c, line, role in zip(curves, lines, _ROLES, strict=False)])
    return canvas.svg()


def _curve(
    result: TimeToEvent, end: float, *, done: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Return edges of steps up to the end of the axis, and the share with its limits between them."""
    table = result.table[result.table["time"] <= end]
    edges = np.r_[0.0, table["time"].to_numpy(dtype=float), end]
    share, low, high = (np.r_[1.0, table[name].to_numpy(dtype=float)] for name in ("open_share", "ci_low", "ci_high"))
    return (edges, 1 - share, 1 - high, 1 - low) if done else (edges, share, low, high)
