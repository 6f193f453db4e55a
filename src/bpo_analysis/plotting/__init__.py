"""A result in, an Axes out."""

from bpo_analysis.plotting.contributions import plot_contributions
from bpo_analysis.plotting.style import COLORS, house_style, to_svg
from bpo_analysis.plotting.trend import EventMark, plot_control_chart

__all__ = ["COLORS", "EventMark", "house_style", "plot_contributions", "plot_control_chart", "to_svg"]
