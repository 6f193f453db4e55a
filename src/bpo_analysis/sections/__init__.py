"""Sections of reports: each takes a review and returns a piece of the page. Templates put them in order."""

from bpo_analysis.review.context import open_review
from bpo_analysis.review.packages import open_package
from bpo_analysis.review.portfolio import open_portfolio
from bpo_analysis.sections.actions import corrective_actions
from bpo_analysis.sections.calibration import calibration_agreement, calibration_appendix
from bpo_analysis.sections.calibration_before import calibration_before
from bpo_analysis.sections.calibration_draw import calibration_draw
from bpo_analysis.sections.calibration_summary import calibration_summary
from bpo_analysis.sections.category_report import (
    category_appendix,
    category_map,
    category_summary,
    comment_categories,
    contact_reasons,
    kpis_by_reason,
    reasons_by_partner,
)
from bpo_analysis.sections.changes import changes_before_after
from bpo_analysis.sections.client_side import client_side
from bpo_analysis.sections.closing import appendix, why_it_moved
from bpo_analysis.sections.commitments import client_commitments
from bpo_analysis.sections.comparison import beside_the_others
from bpo_analysis.sections.concentration import concentration
from bpo_analysis.sections.consistency import consistency
from bpo_analysis.sections.contract import contract_scorecard
from bpo_analysis.sections.contract_terms import contract_terms
from bpo_analysis.sections.cost import cost
from bpo_analysis.sections.coverage import data_coverage
from bpo_analysis.sections.escalation_causes import escalation_causes
from bpo_analysis.sections.escalation_log import escalation_log
from bpo_analysis.sections.escalations import escalations
from bpo_analysis.sections.exit_exposure import exit_exposure
from bpo_analysis.sections.governance import activities, governance, relationship
from bpo_analysis.sections.growth_gate import growth_gate
from bpo_analysis.sections.improvement import improvement
from bpo_analysis.sections.incentives import incentives
from bpo_analysis.sections.insights import notes_written, what_it_means
from bpo_analysis.sections.knowledge import knowledge
from bpo_analysis.sections.learning import learning_curves
from bpo_analysis.sections.opening import first_screen, masthead
from bpo_analysis.sections.operations import categories, customer, people, quality, service, volume_and_staffing
from bpo_analysis.sections.package import ordered_sections
from bpo_analysis.sections.patterns import moved_before, trends
from bpo_analysis.sections.people import staying_and_training
from bpo_analysis.sections.portfolio import (
    portfolio_appendix,
    portfolio_comparison,
    portfolio_decisions,
    portfolio_masthead,
    portfolio_standing,
)
from bpo_analysis.sections.portfolio_risk import portfolio_risk
from bpo_analysis.sections.resolution import first_contact_resolution, handle_time
from bpo_analysis.sections.restated import restated
from bpo_analysis.sections.results import open_actions, results_signals, results_worksheet
from bpo_analysis.sections.risk import risk_and_contract
from bpo_analysis.sections.scope import scope
from bpo_analysis.sections.section import Section
from bpo_analysis.sections.service_days import service_by_day
from bpo_analysis.sections.service_hours import service_by_hour
from bpo_analysis.sections.service_summary import service_by_channel, service_summary
from bpo_analysis.sections.service_waits import wait_distribution
from bpo_analysis.sections.six_sigma import six_sigma
from bpo_analysis.sections.staffing import staffing
from bpo_analysis.sections.steering import money_and_risks
from bpo_analysis.sections.targets import targets_in_detail
from bpo_analysis.sections.tracking import escalation_appendix, escalations_and_updates, update_appendix
from bpo_analysis.sections.tracking_summary import escalation_summary, update_summary
from bpo_analysis.sections.updates import updates
from bpo_analysis.sections.watermelon import watermelon
from bpo_analysis.sections.weekly import (
    business_insights,
    performance_results,
    quality_assurance,
    training_updates,
    week_summary,
    weekly_escalations,
)
from bpo_analysis.sections.year import coming, twelve_months

__all__ = [
    "Section",
    "activities",
    "appendix",
    "beside_the_others",
    "business_insights",
    "calibration_agreement",
    "calibration_appendix",
    "calibration_before",
    "calibration_draw",
    "calibration_summary",
    "categories",
    "category_appendix",
    "category_map",
    "category_summary",
    "changes_before_after",
    "client_commitments",
    "client_side",
    "coming",
    "comment_categories",
    "concentration",
    "consistency",
    "contact_reasons",
    "contract_scorecard",
    "contract_terms",
    "corrective_actions",
    "cost",
    "customer",
    "data_coverage",
    "escalation_appendix",
    "escalation_causes",
    "escalation_log",
    "escalation_summary",
    "escalations",
    "escalations_and_updates",
    "exit_exposure",
    "first_contact_resolution",
    "first_screen",
    "governance",
    "growth_gate",
    "handle_time",
    "improvement",
    "incentives",
    "knowledge",
    "kpis_by_reason",
    "learning_curves",
    "masthead",
    "money_and_risks",
    "moved_before",
    "notes_written",
    "open_actions",
    "open_package",
    "open_portfolio",
    "open_review",
    "ordered_sections",
    "people",
    "performance_results",
    "portfolio_appendix",
    "portfolio_comparison",
    "portfolio_decisions",
    "portfolio_masthead",
    "portfolio_risk",
    "portfolio_standing",
    "quality",
    "quality_assurance",
    "reasons_by_partner",
    "relationship",
    "restated",
    "results_signals",
    "results_worksheet",
    "risk_and_contract",
    "scope",
    "service",
    "service_by_channel",
    "service_by_day",
    "service_by_hour",
    "service_summary",
    "six_sigma",
    "staffing",
    "staying_and_training",
    "targets_in_detail",
    "training_updates",
    "trends",
    "twelve_months",
    "update_appendix",
    "update_summary",
    "updates",
    "volume_and_staffing",
    "wait_distribution",
    "watermelon",
    "week_summary",
    "weekly_escalations",
    "what_it_means",
    "why_it_moved",
]
