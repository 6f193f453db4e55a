"""Sections of reports: each takes a review and returns a piece of the page. Templates put them in order."""

from bpo_analysis.review.context import open_review
from bpo_analysis.sections.closing import appendix, why_it_moved
from bpo_analysis.sections.comparison import beside_the_others
from bpo_analysis.sections.contract import contract_scorecard
from bpo_analysis.sections.opening import first_screen, masthead
from bpo_analysis.sections.operations import categories, customer, people, quality, service, volume_and_staffing
from bpo_analysis.sections.patterns import moved_before, trends
from bpo_analysis.sections.records import (
    client_commitments,
    corrective_actions,
    escalations_and_updates,
    improvement,
    risk_and_contract,
)
from bpo_analysis.sections.section import Section

__all__ = [
    "Section",
    "appendix",
    "beside_the_others",
    "categories",
    "client_commitments",
    "contract_scorecard",
    "corrective_actions",
    "customer",
    "escalations_and_updates",
    "first_screen",
    "improvement",
    "masthead",
    "moved_before",
    "open_review",
    "people",
    "quality",
    "risk_and_contract",
    "service",
    "trends",
    "volume_and_staffing",
    "why_it_moved",
]
