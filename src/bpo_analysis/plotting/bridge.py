"""From one amount to another in steps that add up (a waterfall)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bpo_analysis.plotting.canvas import Canvas, Frame

__all__ = ["bridge_svg"]

_ROW, _TOP, _BELOW = 24.5, 9.0, 32.0


def bridge_svg(
    before: tuple[str, float],
    steps: Sequence[tuple[str, float]],
    after: tuple[str, float],
    *,
    format_value: Callable[[float], str],
    format_change: Callable[[float], str],
) -> str:
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
    rows = [before, *steps, after]
    last = len(rows) - 1
    bars, level = [], before[1]
    for place, (_, amount) in enumerate(rows):
        whole = place in (0, last)
        start = 0.0 if whole else level
        level = amount if whole else level + amount
        bars.append((start, level))
    bottom = _TOP + _ROW * len(rows)
    frame = Frame(height=bottom + _BELOW, left=130, right=456, top=_TOP, bottom=bottom)
    canvas = Canvas(_limits(bars), (-0.5, last + 0.5), frame)
    cut = "the axis does not begin at zero: whole bars are cut off" if canvas.x_limits[0] > 0 else ""
    canvas.x_axis(format_value, rules=True, label=cut)
    canvas.rows([(last - place, name) for place, (name, _) in enumerate(rows)])
    for place, ((_, amount), (start, end)) in enumerate(zip(rows, bars, strict=True)):
        whole = place in (0, last)
        colour = "baseline" if whole else "concern" if amount > 0 else "improvement"
        canvas.bar(
            max(start, canvas.x_limits[0]), end, last - place, 0.6, colour, hatched=not whole and amount <= 0
        )  # fmt: skip
        text = format_value(amount) if whole else format_change(amount)
        canvas.text((max(start, end), last - place), text, by=(4, 3))
    return canvas.svg()


def _limits(bars: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Steps are small beside the amounts: the axis begins near them, and the whole bars are cut off on the left."""
    ends = [end for bar in bars for end in bar if end]
    room = 0.25 * (max(ends) - min(ends)) or 0.1 * abs(max(ends))
    return max(0.0, min(ends) - room), max(ends) + room
