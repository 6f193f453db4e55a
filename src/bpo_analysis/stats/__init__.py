"""Numbers in, answers with their uncertainty out. Knows no partner, KPI, file or figure."""

from bpo_analysis.stats.agreement import AgreementResult, RaterBias, agreement, rater_bias
from bpo_analysis.stats.before_after import BeforeAfterResult, before_after
from bpo_analysis.stats.capability import Capability, DefectRate, capability
from bpo_analysis.stats.compare_arms import ArmComparison, compare_arms, compare_arms_many
from bpo_analysis.stats.control_chart import ControlChart, control_chart
from bpo_analysis.stats.decomposition import ChangeDecomposition, decompose_change
from bpo_analysis.stats.find_changes import ChangesResult, find_changes
from bpo_analysis.stats.funnel import Funnel, funnel
from bpo_analysis.stats.interaction import SliceInteraction, slice_interaction
from bpo_analysis.stats.lead_lag import LeadLagResult, cross_correlation, lead_lag, lead_lag_scan
from bpo_analysis.stats.learning_curve import LearningCurve, learning_curve
from bpo_analysis.stats.look_correlation import look_correlation, unit_parts
from bpo_analysis.stats.mann_kendall import MannKendallResult, mann_kendall
from bpo_analysis.stats.monitor import PilotMonitoring, monitor
from bpo_analysis.stats.multiplicity import Family, MultiplicityPlan, adjust_pvalues
from bpo_analysis.stats.projection import ProjectionResult, project
from bpo_analysis.stats.proportions import ProportionDifference, difference_of_proportions
from bpo_analysis.stats.ratio import (
    MIN_OWN_UNITS,
    RatioDifference,
    RatioInterval,
    Spread,
    autocorrelation_of_days,
    difference_of_ratios,
    event_rate_interval,
    ratio_interval,
    share_interval,
    spread_of_units,
)
from bpo_analysis.stats.sample_size import DetectableEffect, SampleSize, detectable_effect, sample_size
from bpo_analysis.stats.sequential import classical_boundary
from bpo_analysis.stats.standardisation import StandardisedComparison, StandardisedPair, standardise, standardise_pair
from bpo_analysis.stats.time_to_event import TimeToEvent, TimeToEventComparison, compare_time_to_event, time_to_event
from bpo_analysis.stats.trend import TrendResult, detect_trend, detect_trends
from bpo_analysis.stats.variance_components import VarianceComponents, variance_components

__all__ = [
    "MIN_OWN_UNITS",
    "AgreementResult",
    "ArmComparison",
    "BeforeAfterResult",
    "Capability",
    "ChangeDecomposition",
    "ChangesResult",
    "ControlChart",
    "DefectRate",
    "DetectableEffect",
    "Family",
    "Funnel",
    "LeadLagResult",
    "LearningCurve",
    "MannKendallResult",
    "MultiplicityPlan",
    "PilotMonitoring",
    "ProjectionResult",
    "ProportionDifference",
    "RaterBias",
    "RatioDifference",
    "RatioInterval",
    "SampleSize",
    "SliceInteraction",
    "Spread",
    "StandardisedComparison",
    "StandardisedPair",
    "TimeToEvent",
    "TimeToEventComparison",
    "TrendResult",
    "VarianceComponents",
    "adjust_pvalues",
    "agreement",
    "autocorrelation_of_days",
    "before_after",
    "capability",
    "classical_boundary",
    "compare_arms",
    "compare_arms_many",
    "compare_time_to_event",
    "control_chart",
    "cross_correlation",
    "decompose_change",
    "detect_trend",
    "detect_trends",
    "detectable_effect",
    "difference_of_proportions",
    "difference_of_ratios",
    "event_rate_interval",
    "find_changes",
    "funnel",
    "lead_lag",
    "lead_lag_scan",
    "learning_curve",
    "look_correlation",
    "mann_kendall",
    "monitor",
    "project",
    "rater_bias",
    "ratio_interval",
    "sample_size",
    "share_interval",
    "slice_interaction",
    "spread_of_units",
    "standardise",
    "standardise_pair",
    "time_to_event",
    "unit_parts",
    "variance_components",
]
