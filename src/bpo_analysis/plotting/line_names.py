"""Names at the right end of lines, in place of a legend, moved apart where they would cover each other."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

__all__ = ["name_lines"]

_LEAST_INCHES = 0.16


def name_lines(ax: Axes, names: Sequence[tuple[float, str, str]]) -> None:
    """Write names beside the right edge.

    Parameters
    ----------
    ax : Axes
        With its final vertical limits.
    names : sequence of (float, str, str)
        Height in data, text, colour.
    """
    low, high = ax.get_ylim()
    tall = ax.get_figure(root=True).get_figheight() * ax.get_position().height  # type: ignore[union-attr]
    least = _LEAST_INCHES / tall * (high - low)
    ordered = sorted((min(max(place, low), high), text, color) for place, text, color in names)
    places = [place for place, _, _ in ordered]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + least)
    over = max(0.0, places[-1] - high) if places else 0.0
    # Pushed over the top: everything that is in the way moves down.
    for i in range(len(places) - 1, -1, -1):
        ceiling = high if i == len(places) - 1 else places[i + 1] - least
        places[i] = min(places[i], ceiling) if over else places[i]
    for place, (_, text, color) in zip(places, ordered, strict=True):
        ax.annotate(
            text,
            (1, place),
            (5, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=color,
            fontsize=8.5,
            annotation_clip=False,
        )
