"""A result in, an Axes out; charts of periods, which a page has many of, come as SVG at once.

Every ``plot_*`` function takes what it draws first and returns the Axes it drew on. What they share is said here and
not again: without ``ax`` a new figure is made, never the current one; ``phone=True`` draws it for a narrow screen;
``format_value`` and ``format_change`` print a value, and a difference with its sign, with their unit.
"""

from bpo_analysis.plotting.arms import plot_arms
from bpo_analysis.plotting.boundaries import BoundaryPanel, plot_boundaries
from bpo_analysis.plotting.bridge import plot_bridge
from bpo_analysis.plotting.bubbles import Bubble, plot_bubbles
from bpo_analysis.plotting.contributions import plot_contributions
from bpo_analysis.plotting.coverage import plot_coverage
from bpo_analysis.plotting.curves import plot_detectable
from bpo_analysis.plotting.differences import plot_differences
from bpo_analysis.plotting.forest import ForestRow, plot_forest
from bpo_analysis.plotting.funnel import plot_funnel
from bpo_analysis.plotting.paths import plot_lines, plot_path
from bpo_analysis.plotting.points import PointLine, plot_points
from bpo_analysis.plotting.stacked import plot_stacked
from bpo_analysis.plotting.style import COLORS, house_style, to_svg
from bpo_analysis.plotting.survival import SurvivalLine, plot_survival
from bpo_analysis.plotting.targets import PathEnd, plot_glide_path, plot_target_history
from bpo_analysis.plotting.trend import EventMark, control_chart_svg

__all__ = [
    "COLORS",
    "BoundaryPanel",
    "Bubble",
    "EventMark",
    "ForestRow",
    "PathEnd",
    "PointLine",
    "SurvivalLine",
    "control_chart_svg",
    "house_style",
    "plot_arms",
    "plot_boundaries",
    "plot_bridge",
    "plot_bubbles",
    "plot_contributions",
    "plot_coverage",
    "plot_detectable",
    "plot_differences",
    "plot_forest",
    "plot_funnel",
    "plot_glide_path",
    "plot_lines",
    "plot_path",
    "plot_points",
    "plot_stacked",
    "plot_survival",
    "plot_target_history",
    "to_svg",
]
