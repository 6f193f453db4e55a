"""Things placed by two amounts, as large as a third: which are both hard and much of the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import hypot, pi, sqrt

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, PHONE_INCHES, house_style, new_axes

__all__ = ["Bubble", "plot_bubbles"]

_LARGEST = 1500.0
"""Area of the largest bubble, in square points; all others in proportion, so that areas compare as sizes do."""
_MOST_NAMES = 8
_LINE = 11.0
"""Height of a line of names in points."""
_LETTER = 4.9
"""Width of a letter in points, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One thing: its place, its size, and whether it is marked."""

    name: str
    x: float
    y: float
    size: float
    marked: bool = False


def plot_bubbles(
    bubbles: Sequence[Bubble],
    *,
    x_label: str,
    y_label: str,
    format_x: Callable[[float], str],
    format_y: Callable[[float], str],
    centre: tuple[float, float] | None = None,
    phone: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw bubbles whose area is in proportion to their size.

    Parameters
    ----------
    bubbles : sequence of Bubble
        The marked ones and the largest are named, eight at most.
    x_label, y_label : str
    format_x, format_y : callable
        Print a value of each axis.
    centre : tuple of float, optional
        A level on each axis to hold the bubbles against, such as the whole's own.
    phone : bool, default False
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    with house_style():
        new = ax is None
        ax = new_axes(ax, width=PHONE_INCHES if phone else 7.2, height=3.6 if phone else 3.4)
        if new:
            ax.set_position((0.19, 0.14, 0.78, 0.82) if phone else (0.1, 0.14, 0.88, 0.82))
        scale = (0.5 if phone else 1.0) * _LARGEST / max(bubble.size for bubble in bubbles)
        # Large ones first, so that small ones lie on top of them.
        for bubble in sorted(bubbles, key=lambda b: -b.size):
            ax.scatter(
                [bubble.x], [bubble.y], s=bubble.size * scale, marker="s" if bubble.marked else "o",
                color=COLORS["concern" if bubble.marked else "baseline"], alpha=0.55, lw=0.8,
                edgecolors=COLORS["concern" if bubble.marked else "baseline"], zorder=2,
            )  # fmt: skip
        if centre is not None:
            ax.axvline(centre[0], color=COLORS["limits"], lw=0.9, ls=(0, (4, 2)), zorder=1)
            ax.axhline(centre[1], color=COLORS["limits"], lw=0.9, ls=(0, (4, 2)), zorder=1)
        ax.margins(0.2 if phone else 0.16)
        ax.set_ylim(bottom=max(0.0, ax.get_ylim()[0]))
        _name(ax, bubbles, scale, phone=phone)
        ax.set_xlabel(x_label, fontsize=8.5)
        ax.set_ylabel(y_label, fontsize=8.5)
        for axis, words, most in ((ax.xaxis, format_x, 4 if phone else 7), (ax.yaxis, format_y, 5)):
            axis.set_major_locator(MaxNLocator(most))
            axis.set_major_formatter(FuncFormatter(lambda value, _, words=words: words(value)))
        ax.tick_params(length=3, labelsize=8.5)
    return ax


def _name(ax: Axes, bubbles: Sequence[Bubble], scale: float, *, phone: bool) -> None:
    """Write names beside their bubbles, where they cover neither another name nor another bubble, if there is room."""
    box = ax.get_window_extent()
    points = 72 / ax.figure.dpi
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    width, height = box.width * points, box.height * points
    placed = {
        b.name: _Disc((b.x - left) / (right - left) * width, (b.y - low) / (high - low) * height, _radius(b, scale))
        for b in bubbles
    }
    taken: list[_Box] = []
    for bubble in sorted(bubbles, key=lambda b: (not b.marked, -b.size))[:_MOST_NAMES]:
        disc = placed[bubble.name]
        others = [other for name, other in placed.items() if name != bubble.name]
        places = _around(disc, _LETTER * len(bubble.name), width)
        free = [p for p in places if p.inside(width, height) and not any(p.covers(b) for b in taken)]
        chosen = min(free or places, key=lambda p: sum(p.touches(disc) for disc in others))
        taken.append(chosen)
        ax.annotate(
            bubble.name, (bubble.x, bubble.y), (chosen.x - disc.x, chosen.y - disc.y), textcoords="offset points",
            ha="left", va="bottom", fontsize=8 if phone else 8.5, zorder=4,
        )  # fmt: skip


def _radius(bubble: Bubble, scale: float) -> float:
    return sqrt(bubble.size * scale) / 2 if bubble.marked else sqrt(bubble.size * scale / pi)


@dataclass(frozen=True, slots=True)
class _Disc:
    """Where a bubble is drawn, in points from the lower left corner of the axes."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a name would stand, in the same points."""

    x: float
    y: float
    width: float

    def inside(self, width: float, height: float) -> bool:
        return self.x >= 0 and self.x + self.width <= width and self.y >= 0 and self.y + _LINE <= height

    def covers(self, other: _Box) -> bool:
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and abs(self.y - other.y) < _LINE

    def touches(self, disc: _Disc) -> bool:
        x, y = min(max(disc.x, self.x), self.x + self.width), min(max(disc.y, self.y), self.y + _LINE)
        return hypot(x - disc.x, y - disc.y) < disc.radius


def _around(disc: _Disc, width: float, room: float) -> list[_Box]:
    """Above, below, right and left of a bubble, and a line further up and down: best first."""
    centred = min(max(disc.x - width / 2, 0), room - width)  # near an edge the name is kept inside
    middle, gap = disc.y - _LINE / 2, disc.radius + 2
    return [
        _Box(centred, disc.y + gap, width),
        _Box(centred, disc.y - gap - _LINE, width),
        _Box(disc.x + gap, middle, width),
        _Box(disc.x - gap - width, middle, width),
        _Box(centred, disc.y + gap + _LINE, width),
        _Box(centred, disc.y - gap - 2 * _LINE, width),
    ]
