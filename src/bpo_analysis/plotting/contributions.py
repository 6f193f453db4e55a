"""Bars to both sides of zero: what each slice added to a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bpo_analysis.plotting.canvas import Canvas, Frame, range_of
from bpo_analysis.stats import ChangeDecomposition

__all__ = ["contributions_svg"]

_ROW, _TOP, _BELOW = 21.6, 22.0, 28.0
_EFFECTS = (("rate_effect", 0.18, "baseline", False), ("mix_effect", -0.18, "limits", True))


def contributions_svg(
    result: ChangeDecomposition, *, labels: Sequence[str], format_change: Callable[[float], str]
) -> str:
    """Draw the rate and mix effect of each slice.

    Parameters
    ----------
    result : ChangeDecomposition
    labels : sequence of str
        Slices to draw, top first.
    format_change : callable
        Prints a change with its unit.
    """
    rows = result.table.loc[list(labels)]
    bottom = _TOP + _ROW * len(rows)
    frame = Frame(height=bottom + _BELOW, left=130, right=503, top=_TOP, bottom=bottom)
    values = [rows[name].to_numpy(dtype=float) for name, *_ in _EFFECTS]
    canvas = Canvas(range_of([*values, [0.0]]), (0.5, len(rows) + 0.5), frame)
    canvas.x_axis(format_change, rules=True)
    places = range(len(rows), 0, -1)
    canvas.rows(list(zip(places, labels, strict=True)))
    for effects, (_, above, colour, hatched) in zip(values, _EFFECTS, strict=True):
        for place, effect in zip(places, effects, strict=True):
            canvas.bar(0, effect, place + above, 0.32, colour, hatched=hatched)
    canvas.upright(0, "ink", width=0.8)
    canvas.keys([("rate", "baseline", False), ("mix", "limits", True)])
    return canvas.svg()
