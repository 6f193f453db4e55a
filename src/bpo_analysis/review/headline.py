"""Which KPIs stand on the first screen: those the dataset names, otherwise the first the data can carry."""

from __future__ import annotations

from bpo_analysis.kpis import GROUPS
from bpo_analysis.review.context import Review

__all__ = ["headline_names"]

_HEADLINE_GROUPS = GROUPS[:4]
_FIRST_CHOICES: dict[str, tuple[str, ...]] = {
    "quality": ("qa_score", "critical_error_accuracy", "fcr", "reopen_rate"),
    "satisfaction": ("csat", "nps", "ces"),
    "turnaround": ("service_level", "sla_attainment", "abandonment_rate", "asa_s", "first_reply_min", "turnaround_h"),
    "cost": ("cost_per_contact",),
}
_PER_GROUP = 2
"""KPIs of a group on the first screen where the dataset does not say: four groups, at most eight rows."""


def headline_names(review: Review) -> dict[str, tuple[str, ...]]:
    """KPIs of the first screen by group: those the dataset names, otherwise the first the data can carry.

    A steering committee sees the first of each group.
    """
    return review.once("headline names", _headline_names)


def _headline_names(review: Review) -> dict[str, tuple[str, ...]]:
    chosen = review.dataset.config.headline
    names: dict[str, tuple[str, ...]] = {}
    for group in _HEADLINE_GROUPS:
        given = chosen.get(group) if chosen else None
        candidates = given if given is not None else () if chosen else _FIRST_CHOICES[group]
        available = [name for name in candidates if name in review.rows]
        most = 1 if review.audience == "steering" else len(available) if given else _PER_GROUP
        names[group] = tuple(available[:most])
    return names
