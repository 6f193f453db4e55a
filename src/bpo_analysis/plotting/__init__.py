"""A result in, a picture out.

``*_svg`` functions, for what most pages have, return an SVG document, shown in a notebook by ``IPython.display.SVG``.
``plot_*`` functions return the Axes they drew on; without ``ax`` a new figure is made, never the current one. What they
share is said here and not again: ``phone=True`` draws for a narrow screen; ``format_value`` and ``format_change`` print
a value, and a difference with its sign, with their unit.
"""

from bpo_analysis.plotting.arms import plot_arms
from bpo_analysis.plotting.boundaries import BoundaryPanel, plot_boundaries
from bpo_analysis.plotting.bridge import bridge_svg
from bpo_analysis.plotting.bubbles import Bubble, plot_bubbles
from bpo_analysis.plotting.contributions import contributions_svg
from bpo_analysis.plotting.coverage import plot_coverage
from bpo_analysis.plotting.curves import plot_detectable
from bpo_analysis.plotting.differences import plot_differences
from bpo_analysis.plotting.forest import ForestRow, plot_forest
from bpo_analysis.plotting.funnel import funnel_svg
from bpo_analysis.plotting.paths import plot_lines, plot_path
from bpo_analysis.plotting.points import PointLine, plot_points
from bpo_analysis.plotting.stacked import plot_stacked
from bpo_analysis.plotting.style import COLORS, house_style, to_svg
from bpo_analysis.plotting.survival import SurvivalLine, survival_svg
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
    "bridge_svg",
    "contributions_svg",
    "control_chart_svg",
    "funnel_svg",
    "house_style",
    "plot_arms",
    "plot_boundaries",
    "plot_bubbles",
    "plot_coverage",
    "plot_detectable",
    "plot_differences",
    "plot_forest",
    "plot_glide_path",
    "plot_lines",
    "plot_path",
    "plot_points",
    "plot_stacked",
    "plot_target_history",
    "survival_svg",
    "to_svg",
]
