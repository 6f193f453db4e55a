"""Pages about pilots, for their templates: one to open it, then the sections in order."""

from bpo_analysis.sections.pilots.closing import appendix, claims, health, multiplicity, registered_plan
from bpo_analysis.sections.pilots.evidence import (
    comparability,
    estimates,
    learning,
    regression_to_the_mean,
    sensitivity,
    slices,
)
from bpo_analysis.sections.pilots.outlook import can_it_show, detectable_by_weeks, how_it_will_be_judged, material
from bpo_analysis.sections.pilots.parts import masthead
from bpo_analysis.sections.pilots.verdict import decision, first_screen
from bpo_analysis.sections.pilots.view import PilotPage, open_pilot_page
from bpo_analysis.sections.pilots.watch import all_looks, where_it_stands

__all__ = [
    "PilotPage",
    "all_looks",
    "appendix",
    "can_it_show",
    "claims",
    "comparability",
    "decision",
    "detectable_by_weeks",
    "estimates",
    "first_screen",
    "health",
    "how_it_will_be_judged",
    "learning",
    "masthead",
    "material",
    "multiplicity",
    "open_pilot_page",
    "registered_plan",
    "regression_to_the_mean",
    "sensitivity",
    "slices",
    "where_it_stands",
]
