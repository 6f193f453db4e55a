"""From one amount to another in steps that add up (a waterfall)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bpo_analysis.plotting.style import COLORS, house_style, new_axes

__all__ = ["plot_bridge"]

_ROW_INCHES, _FRAME_INCHES = 0.34, 0.7


def plot_bridge(
    before: tuple[str, float],
    steps: Sequence[tuple[str, float]],
    after: tuple[str, float],
    *,
    format_value: Callable[[float], str],
    format_change: Callable[[float], str],
    ax: Axes | None = None,
) -> Axes:
    """Draw the amount before, each step from where the last one ended, and the amount after.

    Parameters
    ----------
    before, after : tuple of str and float
        Name and amount.
    steps : sequence of (name, amount)
        What was added or taken away, top first.
    format_value, format_change : callable
        Print an amount, and a step with its sign.
    """
    with house_style():
        new = ax is None
        rows = [before, *steps, after]
        ax = new_axes(ax, height=_FRAME_INCHES + _ROW_INCHES * len(rows))
        if new:
            height = ax.figure.get_figheight()  # type: ignore[union-attr]
            ax.set_position((0.25, 0.42 / height, 0.64, 1 - 0.55 / height))
        level, ends = before[1], [before[1]]
        last = len(rows) - 1
        for place, (name, amount) in enumerate(rows):
            whole = place in (0, last)
            start = 0.0 if whole else level
            end = amount if whole else level + amount
            color = COLORS["baseline"] if whole else COLORS["concern"] if amount > 0 else COLORS["improvement"]
            hatch = None if whole or amount > 0 else "////"
            ax.barh(last - place, end - start, left=start, height=0.6, color=color, hatch=hatch, lw=0, label=name)
            text = format_value(amount) if whole else format_change(amount)
            ax.annotate(
                text, (max(start, end), last - place), (4, 0), textcoords="offset points", va="center", fontsize=8.5
            )
            level = end
            ends += [start, end]
        ax.set_yticks(range(last, -1, -1), [name for name, _ in rows])
        # The steps are small beside the amounts: the axis begins near them, and the whole bars are cut off on the left.
        inner = [end for end in ends if end]
        room = 0.25 * (max(inner) - min(inner)) or 0.1 * abs(max(inner))
        ax.set_xlim(max(0.0, min(inner) - room), max(inner) + room)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value)))
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.tick_params(length=3, labelsize=8.5)
    return ax
