"""A small canvas for the charts of a page, written as SVG without matplotlib.

A monthly review has two dozen charts. matplotlib lays out every tick of every one anew, which costs more than the
rest of the page; here fixed margins and a handful of elements do the same in a hundredth of the time, and in a third of
the bytes. Colours are the light values of the palette, as everywhere (``plotting/style.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bpo_analysis.plotting.style import COLORS

__all__ = ["DASHES", "Canvas", "Frame", "period_canvas", "range_of"]

_TICKS = 5
_MAX_LABELS = 9
_SMALL = 8.5
_NAMES_APART = 11.5
DASHES: Final = ("", "7 3.5", "1.8 2.1", "7 2.7 1.8 2.7")
"""Lines that differ without colour."""

_Floats = NDArray[np.float64]
_Format = Callable[[float], str]
_Place = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Size of a picture and where its axes lie in it, in points."""

    width: float = 518.4
    height: float = 194.4
    left: float = 44.0
    right: float = 508.0
    top: float = 13.6
    bottom: float = 165.2


def range_of(values: Sequence[_Floats | Sequence[float]], *, room: float = 0.05) -> tuple[float, float]:
    """Return limits for an axis: the finite values with some room, as a part of their range, on both sides."""
    known = np.concatenate([np.ravel(v).astype(float) for v in values])
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    space = room * (high - low) or room * abs(high) or 1.0
    return low - space, high + space


def period_canvas(count: int, values: Sequence[_Floats], format_value: _Format) -> Canvas:
    """Return a canvas of periods from left to right, the first at 0, with its vertical axis drawn.

    Parameters
    ----------
    count : int
        Periods.
    values : sequence of array_like
        Everything that must lie in the picture; NaN and infinity are passed over.
    format_value : callable
        Prints a value of the vertical axis with its unit.
    """
    canvas = Canvas((-0.5, count - 0.5), range_of(values))
    canvas.y_axis(format_value)
    return canvas


class Canvas:
    """Two linear scales and what is drawn between them.

    Parameters
    ----------
    x, y : tuple of float
        Limits of the scales.
    frame : Frame, optional
    """

    def __init__(self, x: _Place, y: _Place, frame: Frame | None = None) -> None:
        self.x_limits, self.y_limits, self.frame = x, y, frame or Frame()
        self._parts: list[str] = []

    def x(self, value: float) -> float:
        """Place of a value on the horizontal axis."""
        low, high = self.x_limits
        return self.frame.left + (value - low) / (high - low) * (self.frame.right - self.frame.left)

    def y(self, value: float) -> float:
        """Place of a value on the vertical axis."""
        low, high = self.y_limits
        return self.frame.bottom - (value - low) / (high - low) * (self.frame.bottom - self.frame.top)

    # Axes

    def y_axis(self, format_value: _Format) -> None:
        """Draw both axes, and rules across the picture with the values of the vertical one."""
        frame, ticks = self.frame, _ticks(self.y_limits, _TICKS)
        rules = "".join(f"M{_n(frame.left)} {_n(self.y(t))}H{_n(frame.right)}" for t in ticks)
        self._stroke(rules, "rule", width=0.6)
        self._axes()
        self._texts([(frame.left - 5, self.y(t) + 3, format_value(t)) for t in ticks], "muted", anchor="end")

    def x_axis(self, format_value: _Format, *, label: str = "", ticks: int = _TICKS, rules: bool = False) -> None:
        """Draw the values of the horizontal axis and what it counts; with ``rules`` both axes and upright rules."""
        frame, found = self.frame, _ticks(self.x_limits, ticks)
        if rules:
            path = "".join(f"M{_n(self.x(t))} {_n(frame.top)}V{_n(frame.bottom)}" for t in found)
            self._stroke(path, "rule", width=0.6)
            self._axes()
        self._below([(t, format_value(t)) for t in found])
        if label:
            middle = (frame.left + frame.right) / 2
            self._texts([(middle, frame.bottom + 25, label)], "muted", anchor="middle")

    def periods(self, labels: Sequence[str]) -> None:
        """Name the periods, counted from the newest, so that the one under review always has its label."""
        step = -(-len(labels) // _MAX_LABELS)
        self._below([(float(i), labels[i]) for i in range(len(labels) - 1, -1, -step)])

    def rows(self, names: Sequence[tuple[float, str]]) -> None:
        """Name heights at the left."""
        self._texts([(self.frame.left - 6, self.y(at) + 3, name) for at, name in names], "muted", anchor="end")

    # Marks

    def band(self, edges: _Floats, lower: _Floats, upper: _Floats, *, stairs: bool = True) -> None:
        """Fill between two stairs, or two lines; stairs have one more edge than steps. Infinity ends at the edge."""
        top, bottom = (np.clip(side, *self.y_limits) for side in (upper, lower))
        join = _stairs if stairs else _joined
        over = join([self.x(e) for e in edges], [self.y(v) for v in top])
        under = join([self.x(e) for e in edges[::-1]], [self.y(v) for v in bottom[::-1]])
        self._parts.append(f'<path d="M{_points(over)}L{_points(under)}z" style="fill:{COLORS["raised"]}"/>')

    def stairs(
        self, edges: _Floats, values: _Floats, *, colour: str = "limits", width: float = 1, dash: str = ""
    ) -> None:
        """Draw a line that is level within each step; a missing or infinite value leaves a gap."""
        runs = _runs(np.isfinite(values))
        paths = [_stairs([self.x(e) for e in edges[a : b + 1]], [self.y(v) for v in values[a:b]]) for a, b in runs]
        self._stroke("".join(f"M{_points(points)}" for points in paths), colour, width=width, dash=dash)

    def line(self, values: _Floats, colour: str) -> None:
        """Join values at 0, 1, 2 ... by a line with a dot on each; a missing one leaves a gap."""
        known = np.isfinite(values)
        path = "".join(
            f"M{_points([(self.x(i), self.y(values[i])) for i in range(a, b)])}" for a, b in _runs(known) if b - a > 1
        )
        self._stroke(path, colour, width=1.6)
        self.dots([(i, v) for i, v in enumerate(values) if np.isfinite(v)], colour)

    def path(self, points: Iterable[_Place], colour: str, *, width: float, dash: str = "") -> None:
        """Join points by a line."""
        self._stroke(f"M{_points((self.x(x), self.y(y)) for x, y in points)}", colour, width=width, dash=dash)

    def dots(self, points: Iterable[_Place], colour: str, *, size: float = 3.2) -> None:
        """Mark points by dots."""
        dots = "".join(f"M{_n(self.x(x))} {_n(self.y(y))}h0" for x, y in points)
        self._stroke(dots, colour, width=size, extra=";stroke-linecap:round")

    def squares(self, points: Iterable[_Place], colour: str) -> None:
        """Mark points by squares, which differ from dots in black and white too."""
        path = "".join(f"M{_n(self.x(x) - 3)} {_n(self.y(y) - 3)}h6v6h-6z" for x, y in points)
        if path:
            self._parts.append(f'<path d="{path}" style="fill:{COLORS[colour]}"/>')

    def bar(self, start: float, end: float, at: float, height: float, colour: str, *, hatched: bool = False) -> None:
        """Draw a bar that lies; hatched ones differ from plain ones in black and white too."""
        left, right = sorted((self.x(start), self.x(end)))
        top = self.y(at + height / 2)
        place = f'x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" height="{_n(self.y(at - height / 2) - top)}"'
        self._parts.append(f'<rect {place} style="fill:{COLORS[colour]}"/>')
        if hatched:
            self._parts.append(f'<rect {place} style="fill:{self._hatch()}"/>')

    def level(self, value: float, text: str, colour: str) -> None:
        """Draw a dotted line across the picture with its name at the right."""
        y, frame = self.y(value), self.frame
        self._stroke(f"M{_n(frame.left)} {_n(y)}H{_n(frame.right)}", colour, width=1.4, dash="1.4 1.7")
        self._texts([(frame.right, y - 3, text)], colour, anchor="end")

    def upright(self, value: float, colour: str, *, width: float, dash: str = "") -> None:
        """Draw a line from the bottom to the top."""
        self._stroke(
            f"M{_n(self.x(value))} {_n(self.frame.top)}V{_n(self.frame.bottom)}", colour, width=width, dash=dash
        )

    def moment(self, position: float, letter: str) -> None:
        """Draw a vertical line with a letter above it."""
        self.upright(position, "pilot", width=1)
        self._texts([(self.x(position), self.frame.top - 2, letter)], "pilot", anchor="middle", size=9)

    # Words

    def text(self, at: _Place, text: str, colour: str = "ink", *, anchor: str = "start", by: _Place = (0, 0)) -> None:
        """Write beside a point, moved by some points to the right and down."""
        self._texts([(self.x(at[0]) + by[0], self.y(at[1]) + by[1], text)], colour, anchor=anchor)

    def line_names(self, names: Sequence[tuple[float, str, str]]) -> None:
        """Name lines beside the right edge (height, name, colour), moved apart where they would cover each other."""
        top, bottom = self.frame.top, self.frame.bottom
        ordered = sorted(((min(max(self.y(v), top), bottom), text, colour) for v, text, colour in names), reverse=True)
        places = [place for place, _, _ in ordered]
        for i in range(1, len(places)):
            places[i] = min(places[i], places[i - 1] - _NAMES_APART)
        if places and places[-1] < top:  # pushed over the top: everything that is in the way moves down
            places[-1] = top
            for i in range(len(places) - 2, -1, -1):
                places[i] = max(places[i], places[i + 1] + _NAMES_APART)
        for place, (_, text, colour) in zip(places, ordered, strict=True):
            self._texts([(self.frame.right + 5, place + 3, text)], colour, anchor="start")

    def legend(self, names: Sequence[tuple[str, str, str]]) -> None:
        """Name lines below the picture, one under the other (name, colour, dash)."""
        for number, (name, colour, dash) in enumerate(names):
            y = self.frame.bottom + 40 + 13 * number
            self._stroke(f"M6 {_n(y - 3)}h24", colour, width=1.8, dash=dash)
            self._texts([(36, y, name)], "ink", anchor="start")

    def keys(self, names: Sequence[tuple[str, str, bool]]) -> None:
        """Name kinds of bars above the picture, at the right (name, colour, hatched), the last one outermost."""
        x = self.frame.right
        for name, colour, hatched in reversed(names):
            self._texts([(x, self.frame.top - 6, name)], "ink", anchor="end")
            x -= 5 * len(name) + 20
            place = f'x="{_n(x)}" y="{_n(self.frame.top - 12.5)}" width="14" height="7"'
            self._parts.append(f'<rect {place} style="fill:{COLORS[colour]}"/>')
            if hatched:
                self._parts.append(f'<rect {place} style="fill:{self._hatch()}"/>')
            x -= 10

    def svg(self) -> str:
        """Return the picture."""
        frame = self.frame
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(frame.width)}pt" height="{_n(frame.height)}pt" '
            f'viewBox="0 0 {_n(frame.width)} {_n(frame.height)}">{"".join(self._parts)}</svg>'
        )

    def _axes(self) -> None:
        frame = self.frame
        path = f"M{_n(frame.left)} {_n(frame.top)}V{_n(frame.bottom)}H{_n(frame.right)}"
        self._stroke(path, "limits", width=0.8)

    def _below(self, marks: Sequence[tuple[float, str]]) -> None:
        """Draw marks below the horizontal axis with their names."""
        bottom = self.frame.bottom
        self._stroke("".join(f"M{_n(self.x(at))} {_n(bottom)}v3" for at, _ in marks), "limits", width=0.8)
        self._texts([(self.x(at), bottom + 12.5, text) for at, text in marks], "muted", anchor="middle")

    def _hatch(self) -> str:
        pattern = (
            '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><path d="M0 0v5" style="stroke:{COLORS["paper"]};stroke-width:2.4"/>'
            "</pattern></defs>"
        )
        if pattern not in self._parts:
            self._parts.insert(0, pattern)
        return "url(#hatch)"

    def _stroke(self, path: str, colour: str, *, width: float, dash: str = "", extra: str = "") -> None:
        if path:
            dashes = f";stroke-dasharray:{dash}" if dash else ""
            style = f"fill:none;stroke:{COLORS[colour]};stroke-width:{width:g}{dashes}{extra}"
            self._parts.append(f'<path d="{path}" style="{style}"/>')

    def _texts(
        self, texts: Iterable[tuple[float, float, str]], colour: str, *, anchor: str, size: float = _SMALL
    ) -> None:
        inner = "".join(f'<text x="{_n(x)}" y="{_n(y)}">{escape(text)}</text>' for x, y, text in texts)
        style = f"font-size:{size}px;fill:{COLORS[colour]};text-anchor:{anchor}"
        self._parts.append(f'<g style="{style}">{inner}</g>')


def _ticks(limits: _Place, most: int) -> list[float]:
    low, high = limits
    return [float(t) for t in MaxNLocator(most).tick_values(low, high) if low <= t <= high]


def _n(value: float) -> str:
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def _points(points: Iterable[_Place]) -> str:
    return "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _stairs(edges: Sequence[float], heights: Sequence[float]) -> list[_Place]:
    return [(x, y) for i, y in enumerate(heights) for x in (edges[i], edges[i + 1])]


def _joined(xs: Sequence[float], ys: Sequence[float]) -> list[_Place]:
    return list(zip(xs, ys, strict=True))


def _runs(known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last (not included) place of every run of true values."""
    change = np.flatnonzero(np.diff(np.r_[False, known, False]))
    return [(int(a), int(b)) for a, b in zip(change[::2], change[1::2], strict=True)]
