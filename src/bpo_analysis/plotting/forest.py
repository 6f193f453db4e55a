"""The forest plot: differences with their intervals, good to the right, against what must not be lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isfinite
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, PHONE_INCHES, house_style, new_axes

__all__ = ["ForestRow", "plot_forest"]

Tone = Literal["good", "bad", "none"]
_COLOR = {"good": COLORS["improvement"], "bad": COLORS["concern"], "none": COLORS["neutral"]}
_ROW_INCHES, _TOP_INCHES, _FOOT_INCHES = 0.3, 0.26, 0.52
_LABEL_INCHES, _RIGHT_INCHES, _CHARACTER_INCHES = 0.25, 0.15, 0.066
_LINE_INCHES = 0.15
_PHONE_ROW_INCHES, _PHONE_LEFT_INCHES = 0.44, 0.15
_ABOVE = 0.35
"""Of a row: how far its label stands above its line, where there is no room for it beside."""
_SPARE = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestRow:
    """One line of a forest plot.

    Attributes
    ----------
    label : str
    estimate, ci_low, ci_high : float
        An interval without an end runs to the edge of the picture.
    tone : {"good", "bad", "none"}
        Colour of the point; hollow where it is "none".
    loss : float, optional
        From here on, to the bad side, is what may not be lost; shaded.
    gain : float, optional
        From here on is worth having; a dotted line.
    strong : bool
        The row that counts, drawn thicker.
    """

    label: str
    estimate: float
    ci_low: float
    ci_high: float
    tone: Tone = "none"
    loss: float | None = None
    gain: float | None = None
    strong: bool = False


def plot_forest(
    rows: Sequence[ForestRow],
    *,
    format_value: Callable[[float], str],
    better: Literal["higher", "lower"] = "higher",
    xlabel: str = "",
    width: float = 6.0,
    phone: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw differences with their intervals, one below the other.

    Parameters
    ----------
    rows : sequence of ForestRow
        Top first.
    format_value : callable
        Prints a tick of the horizontal axis.
    better : {"higher", "lower"}
        Which sign is good; the axis is turned so that it is to the right.
    xlabel : str
        May have several lines.
    width : float
        Of a new figure, in inches.
    phone : bool, default False
        Draw it for a phone: labels above their lines.
    """
    with house_style():
        ax = ax or _new_axes(rows, xlabel.count("\n"), PHONE_INCHES if phone else width, phone=phone)
        low, high = _limits(rows)
        places = [float(place) for place in range(len(rows), 0, -1)]
        for place, row in zip(places, rows, strict=True):
            _line(ax, place, row, low, high)
        for (loss, gain), group in groupby(zip(places, rows, strict=True), key=lambda at: (at[1].loss, at[1].gain)):
            span = [place for place, _ in group]
            _bounds(ax, (span[-1] - 0.5, span[0] + 0.5), loss, gain, low if better == "higher" else high)
        ax.axvline(0, color=COLORS["ink"], lw=0.9, zorder=1)
        ax.set_ylim(0.4, len(rows) + 0.6)
        ax.set_xlim((low, high) if better == "higher" else (high, low))
        _label(ax, places, rows, phone=phone)
        ax.xaxis.set_major_locator(MaxNLocator(4 if phone else 6))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
        ax.grid(visible=False, axis="y")
        ax.grid(visible=True, axis="x")
        ax.tick_params(length=3, labelsize=8.5)
        ax.tick_params(axis="y", length=0, labelcolor=COLORS["ink"])
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(xlabel, fontsize=8.5)
        for side, align, text in ((0.0, "left", "← worse"), (1.0, "right", "better →")):
            ax.annotate(
                text,
                (side, 1),
                (0, 3),
                xycoords="axes fraction",
                textcoords="offset points",
                ha=align,
                color=COLORS["muted"],
                fontsize=8.5,
            )
    return ax


def _new_axes(rows: Sequence[ForestRow], more_lines: int, width: float, *, phone: bool) -> Axes:
    foot = _FOOT_INCHES + _LINE_INCHES * more_lines
    height = _TOP_INCHES + foot + (_PHONE_ROW_INCHES if phone else _ROW_INCHES) * len(rows)
    longest = max((len(row.label) for row in rows), default=0)
    left = _PHONE_LEFT_INCHES if phone else min(_LABEL_INCHES + _CHARACTER_INCHES * longest, 0.42 * width)
    ax = new_axes(None, width=width, height=height)
    ax.set_position(
        (left / width, foot / height, 1 - (left + _RIGHT_INCHES) / width, 1 - (_TOP_INCHES + foot) / height)
    )
    return ax


def _label(ax: Axes, places: Sequence[float], rows: Sequence[ForestRow], *, phone: bool) -> None:
    """Name the rows beside the picture, or above their lines."""
    ax.set_yticks(places, [""] * len(rows) if phone else [row.label for row in rows])
    for place, row in zip(places, rows, strict=True) if phone else ():
        ax.annotate(
            row.label, (0, place + _ABOVE), xycoords=("axes fraction", "data"), va="center", fontsize=8.5, zorder=5
        )


def _limits(rows: Sequence[ForestRow]) -> tuple[float, float]:
    found: list[float] = [0.0]
    for row in rows:
        ends = (row.estimate, row.ci_low, row.ci_high, row.loss, row.gain)
        found += [end for end in ends if end is not None and isfinite(end)]
    low, high = min(found), max(found)
    spare = _SPARE * (high - low) or 1.0
    return low - spare, high + spare


def _bounds(ax: Axes, span: tuple[float, float], loss: float | None, gain: float | None, edge: float) -> None:
    """What may not be lost, and what is worth having, over neighbouring rows that share them."""
    if loss is not None:
        box = Rectangle((min(edge, loss), span[0]), abs(edge - loss), span[1] - span[0])
        box.set(color=COLORS["rule"], lw=0, alpha=0.55, zorder=0)
        ax.add_patch(box)
        ax.plot([loss, loss], span, color=COLORS["target"], lw=1.3, ls=(0, (4, 2)), zorder=2)
    if gain is not None:
        ax.plot([gain, gain], span, color=COLORS["target"], lw=1.3, ls=(0, (1, 1.2)), zorder=2)


def _line(ax: Axes, place: float, row: ForestRow, low: float, high: float) -> None:
    color = _COLOR[row.tone]
    if isfinite(row.estimate):
        ends = [end if isfinite(end) else edge for end, edge in ((row.ci_low, low), (row.ci_high, high))]
        ax.plot(ends, [place, place], color=color, lw=2.4 if row.strong else 1.6, zorder=3, solid_capstyle="butt")
        ax.plot(
            [row.estimate],
            [place],
            marker="s",
            ls="",
            ms=7 if row.strong else 5.5,
            color=color,
            mfc=COLORS["paper"] if row.tone == "none" else color,
            mew=1.4,
            zorder=4,
        )
