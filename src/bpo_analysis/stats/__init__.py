"""Numbers in, answers with their uncertainty out. Knows no partner, KPI, file or figure."""

from bpo_analysis.stats.control_chart import ControlChart, control_chart
from bpo_analysis.stats.decomposition import ChangeDecomposition, decompose_change
from bpo_analysis.stats.ratio import (
    RatioInterval,
    autocorrelation_of_days,
    difference_of_ratios,
    event_rate_interval,
    ratio_interval,
    share_interval,
)
from bpo_analysis.stats.time_to_event import TimeToEvent, time_to_event

__all__ = [
    "ChangeDecomposition",
    "ControlChart",
    "RatioInterval",
    "TimeToEvent",
    "autocorrelation_of_days",
    "control_chart",
    "decompose_change",
    "difference_of_ratios",
    "event_rate_interval",
    "ratio_interval",
    "share_interval",
    "time_to_event",
]
