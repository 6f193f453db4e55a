"""What a weekly page says to have signalled: charts of many KPIs read together, at one level for the page.

Fifteen charts that are each quiet in nineteen of twenty stable processes are together quiet in three pages of four. So
each chart of a page gets an equal part of one false-alarm rate (Bonferroni, which holds however the KPIs depend on each
other), and its limits are as wide as that part asks.
"""

from __future__ import annotations

from dataclasses import dataclass

from bpo_analysis.formats import plural
from bpo_analysis.review.context import Review
from bpo_analysis.review.signals import KpiChart, Signal, chartable, kpi_chart
from bpo_analysis.review.windows import Window, weeks_up_to

__all__ = ["RESULTS_MEETING", "WEEKLY_SUMMARY", "Forum", "ForumSignals", "forum_signals"]

_LEAST_RATE, _MOST_RATE = 0.001, 0.2
"""Rates that limits can be made for; with more charts than fifty at 5 % the page's rate is a little above its level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forum:
    """A page about single weeks: which KPIs it looks at, how many weeks it judges, and against how many before.

    ``charted`` weeks are on a chart, those judged included; the rest set its limits.
    """

    kpis: tuple[str, ...]
    judged: int
    before: int
    charted: int


WEEKLY_SUMMARY = Forum(
    kpis=(
        "offered", "service_level", "abandonment_rate", "asa_s", "aht_s", "sla_attainment", "csat",
        "staffing_delivered", "qa_score", "critical_error_accuracy", "business_critical_accuracy",
        "compliance_critical_accuracy", "fcr", "transfer_rate", "reopen_rate",
    ),
    judged=1, before=12, charted=13,
)  # fmt: skip
RESULTS_MEETING = Forum(
    kpis=(
        "offered", "service_level", "abandonment_rate", "asa_s", "aht_s", "sla_attainment", "turnaround_h",
        "first_reply_min", "backlog", "csat", "nps", "fcr", "repeat_contact_rate", "qa_score",
        "critical_error_accuracy", "transfer_rate", "reopen_rate", "escalation_rate", "absenteeism", "adherence",
        "training_completion",
    ),
    judged=2, before=6, charted=26,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ForumSignals:
    """The charts of a page, with limits that hold one false-alarm rate for all of them together.

    Attributes
    ----------
    charts : tuple of KpiChart
    window : Window
    alpha : float
        Share of pages about a stable partner that name any signal, at most.
    """

    charts: tuple[KpiChart, ...]
    window: Window
    alpha: float

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Everything that the page names."""
        return tuple(signal for chart in self.charts for signal in chart.signals)

    @property
    def level(self) -> str:
        """At which level the page speaks, in words."""
        judged = sum(chart.chart is not None for chart in self.charts)
        return (
            "Two rules: a week outside its limits, or a long run of weeks on one side of the middle. The limits are "
            f"made for all {plural(judged, 'chart')} of this page together: of a partner to whom nothing happened, at "
            f"most {100 * self.alpha:.3g} % of such pages show any signal. A signal says where to look, not why."
        )


def forum_signals(review: Review, forum: Forum) -> ForumSignals:
    """Chart the KPIs of a page with limits that hold one false-alarm rate for the whole page.

    To measure how often a page about a stable partner speaks, call it for many weeks of data in which nothing happens
    and count the pages whose ``signals`` are not empty.
    """
    return review.once(f"signals {forum.charted} {forum.judged}", lambda r: _forum_signals(r, forum))


def _forum_signals(review: Review, forum: Forum) -> ForumSignals:
    names, alpha = chartable(review, forum.kpis), 1 - review.confidence_level
    rate = min(max(alpha / max(len(names), 1), _LEAST_RATE), _MOST_RATE)
    charts = tuple(
        kpi_chart(review, name, weeks=forum.charted, newest=forum.judged, false_alarm_rate=rate) for name in names
    )
    return ForumSignals(charts=charts, window=weeks_up_to(review, forum.judged, forum.before), alpha=alpha)
