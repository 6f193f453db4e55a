"""A small canvas for charts of periods, written as SVG without matplotlib.

A monthly review has a dozen line charts. matplotlib lays out every tick of every one anew, which costs more than the
rest of the page; here fixed margins and a handful of elements do the same in a hundredth of the time, and in a third of
the bytes. Colours are the light values of the palette, as everywhere (``plotting/style.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bpo_analysis.plotting.style import COLORS

__all__ = ["Canvas"]

_WIDTH, _HEIGHT = 518.4, 194.4
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 508.0, 13.6, 165.2
_MARGIN = 0.05
"""Room above and below the values, as a part of their range."""
_TICKS = 5
_MAX_LABELS = 9
_SMALL = 8.5

_Floats = NDArray[np.float64]


class Canvas:
    """Periods from left to right, values from bottom to top.

    Parameters
    ----------
    count : int
        Periods.
    values : sequence of array_like
        Everything that must lie in the picture; NaN and infinity are passed over.
    format_value : callable
        Prints a value of the vertical axis with its unit.
    """

    def __init__(self, count: int, values: Sequence[_Floats], format_value: Callable[[float], str]) -> None:
        self.count = count
        known = np.concatenate([np.ravel(v) for v in values])
        known = known[np.isfinite(known)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        room = _MARGIN * (high - low) or _MARGIN * abs(high) or 1.0
        self.low, self.high = low - room, high + room
        self._parts: list[str] = []
        ticks = MaxNLocator(_TICKS).tick_values(self.low, self.high)
        self._ticks = [float(t) for t in ticks if self.low <= t <= self.high]
        self._grid(format_value)

    def x(self, position: float) -> float:
        """Place of a period, the first being 0."""
        return _LEFT + (position + 0.5) / self.count * (_RIGHT - _LEFT)

    def y(self, value: float) -> float:
        """Place of a value."""
        return _BOTTOM - (value - self.low) / (self.high - self.low) * (_BOTTOM - _TOP)

    def periods(self, labels: Sequence[str]) -> None:
        """Name the periods, counted from the newest, so that the one under review always has its label."""
        step = -(-len(labels) // _MAX_LABELS)
        marks = range(len(labels) - 1, -1, -step)
        ticks = "".join(f"M{_n(self.x(i))} {_n(_BOTTOM)}v3" for i in marks)
        self._stroke(ticks, "limits", width=0.8)
        self._texts([(self.x(i), _BOTTOM + 12.5, labels[i]) for i in marks], "muted", anchor="middle")

    def band(self, edges: _Floats, lower: _Floats, upper: _Floats) -> None:
        """Fill between two stairs; there is one more edge than steps. Infinite limits end at the picture's edge."""
        top, bottom = (np.clip(side, self.low, self.high) for side in (upper, lower))
        over = _stairs([self.x(e) for e in edges], [self.y(v) for v in top])
        under = _stairs([self.x(e) for e in edges[::-1]], [self.y(v) for v in bottom[::-1]])
        self._parts.append(f'<path d="M{_points(over)}L{_points(under)}z" style="fill:{COLORS["raised"]}"/>')

    def stairs(self, edges: _Floats, values: _Floats, *, dashed: bool = False) -> None:
        """Draw a line that is level within each step; a missing or infinite value leaves a gap."""
        runs = _runs(np.isfinite(values))
        paths = [_stairs([self.x(e) for e in edges[a : b + 1]], [self.y(v) for v in values[a:b]]) for a, b in runs]
        path = "".join(f"M{_points(points)}" for points in paths)
        self._stroke(path, "limits", width=0.8 if dashed else 1, dash="3.2 2.4" if dashed else "")

    def line(self, values: _Floats, colour: str) -> None:
        """Join values by a line with a dot on each; a missing one leaves a gap."""
        places = [(self.x(i), self.y(v)) for i, v in enumerate(values) if np.isfinite(v)]
        known = np.isfinite(values)
        path = "".join(
            f"M{_points([(self.x(i), self.y(values[i])) for i in range(a, b)])}" for a, b in _runs(known) if b - a > 1
        )
        self._stroke(path, colour, width=1.6)
        dots = "".join(f"M{_n(x)} {_n(y)}h0" for x, y in places)
        self._stroke(dots, colour, width=3.2, extra=";stroke-linecap:round")

    def squares(self, positions: Iterable[int], values: _Floats, colour: str) -> None:
        """Mark values by squares, which differ from dots in black and white too."""
        path = "".join(f"M{_n(self.x(i) - 3)} {_n(self.y(values[i]) - 3)}h6v6h-6z" for i in positions)
        if path:
            self._parts.append(f'<path d="{path}" style="fill:{COLORS[colour]}"/>')

    def level(self, value: float, text: str, colour: str) -> None:
        """Draw a dotted line across the picture with its name at the right."""
        y = self.y(value)
        self._stroke(f"M{_n(_LEFT)} {_n(y)}H{_n(_RIGHT)}", colour, width=1.4, dash="1.4 1.7")
        self._texts([(_RIGHT, y - 3, text)], colour, anchor="end")

    def moment(self, position: float, letter: str) -> None:
        """Draw a vertical line with a letter above it."""
        x = self.x(position)
        self._stroke(f"M{_n(x)} {_n(_TOP)}V{_n(_BOTTOM)}", "pilot", width=1)
        self._texts([(x, _TOP - 2, letter)], "pilot", anchor="middle", size=9)

    def svg(self) -> str:
        """Return the picture."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}pt" height="{_HEIGHT}pt" '
            f'viewBox="0 0 {_WIDTH} {_HEIGHT}">{"".join(self._parts)}</svg>'
        )

    def _grid(self, format_value: Callable[[float], str]) -> None:
        rules = "".join(f"M{_n(_LEFT)} {_n(self.y(t))}H{_n(_RIGHT)}" for t in self._ticks)
        self._stroke(rules, "rule", width=0.6)
        self._stroke(f"M{_n(_LEFT)} {_n(_TOP)}V{_n(_BOTTOM)}H{_n(_RIGHT)}", "limits", width=0.8)
        self._texts([(_LEFT - 5, self.y(t) + 3, format_value(t)) for t in self._ticks], "muted", anchor="end")

    def _stroke(self, path: str, colour: str, *, width: float, dash: str = "", extra: str = "") -> None:
        if path:
            dashes = f";stroke-dasharray:{dash}" if dash else ""
            style = f"fill:none;stroke:{COLORS[colour]};stroke-width:{width}{dashes}{extra}"
            self._parts.append(f'<path d="{path}" style="{style}"/>')

    def _texts(
        self, texts: Iterable[tuple[float, float, str]], colour: str, *, anchor: str, size: float = _SMALL
    ) -> None:
        inner = "".join(f'<text x="{_n(x)}" y="{_n(y)}">{escape(text)}</text>' for x, y, text in texts)
        style = f"font-size:{size}px;fill:{COLORS[colour]};text-anchor:{anchor}"
        self._parts.append(f'<g style="{style}">{inner}</g>')


def _n(value: float) -> str:
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def _points(points: Iterable[tuple[float, float]]) -> str:
    return "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _stairs(edges: Sequence[float], heights: Sequence[float]) -> list[tuple[float, float]]:
    return [(x, y) for i, y in enumerate(heights) for x in (edges[i], edges[i + 1])]


def _runs(known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last (not included) place of every run of true values."""
    change = np.flatnonzero(np.diff(np.r_[False, known, False]))
    return [(int(a), int(b)) for a, b in zip(change[::2], change[1::2], strict=True)]
