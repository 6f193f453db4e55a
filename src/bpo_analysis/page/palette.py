"""The colours of pages and figures, by role, in light and in dark.

``style.css`` holds the same values as custom properties (a test compares them), and ``figures.figure`` exchanges the
light values inside a chart's SVG for those properties, so that a chart follows the page into dark mode. Improvement and
concern are blue and orange, which readers with any of the common colour deficiencies can tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PALETTE", "Role"]


@dataclass(frozen=True, slots=True)
class Role:
    """One colour role.

    Parameters
    ----------
    light, dark : str
        Lower-case hexadecimal colour on the light and on the dark page.
    """

    light: str
    dark: str


PALETTE: dict[str, Role] = {
    "ink": Role("#1b1f24", "#e8eaed"),
    "muted": Role("#59616d", "#a8b0bc"),
    "paper": Role("#fefefe", "#14171c"),
    "raised": Role("#f4f6f8", "#1f242b"),
    "rule": Role("#d5dae0", "#39414c"),
    "improvement": Role("#0a5fa8", "#7ab8f5"),
    "concern": Role("#b3420a", "#ffa26b"),
    "neutral": Role("#5f6672", "#a3abb8"),
    "target": Role("#6a3d9a", "#c9a4f0"),
    "limits": Role("#7a828e", "#8b94a3"),
    "baseline": Role("#4a5568", "#b4bdcb"),
    "pilot": Role("#00796b", "#5fd0c0"),
}
