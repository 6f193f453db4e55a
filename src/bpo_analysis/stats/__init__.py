"""Numbers in, answers with their uncertainty out. Knows no partner, KPI, file or figure."""

from bpo_analysis.stats.control_chart import ControlChart, control_chart
from bpo_analysis.stats.decomposition import ChangeDecomposition, decompose_change
from bpo_analysis.stats.ratio import (
    MIN_OWN_UNITS,
    RatioInterval,
    Spread,
    autocorrelation_of_days,
    difference_of_ratios,
    event_rate_interval,
    ratio_interval,
    share_interval,
    spread_of_units,
)
from bpo_analysis.stats.time_to_event import TimeToEvent, time_to_event

__all__ = [
    "MIN_OWN_UNITS",
    "ChangeDecomposition",
    "ControlChart",
    "RatioInterval",
    "Spread",
    "TimeToEvent",
    "autocorrelation_of_days",
    "control_chart",
    "decompose_change",
    "difference_of_ratios",
    "event_rate_interval",
    "ratio_interval",
    "share_interval",
    "spread_of_units",
    "time_to_event",
]
