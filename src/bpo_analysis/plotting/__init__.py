"""A result in, an Axes out."""

from bpo_analysis.plotting.arms import plot_arms
from bpo_analysis.plotting.boundaries import BoundaryPanel, plot_boundaries
from bpo_analysis.plotting.contributions import plot_contributions
from bpo_analysis.plotting.curves import plot_detectable
from bpo_analysis.plotting.forest import ForestRow, plot_forest
from bpo_analysis.plotting.style import COLORS, house_style, to_svg
from bpo_analysis.plotting.trend import EventMark, plot_control_chart

__all__ = [
    "COLORS",
    "BoundaryPanel",
    "EventMark",
    "ForestRow",
    "house_style",
    "plot_arms",
    "plot_boundaries",
    "plot_contributions",
    "plot_control_chart",
    "plot_detectable",
    "plot_forest",
    "to_svg",
]
