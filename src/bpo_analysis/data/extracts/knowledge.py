"""Extract of the knowledge base: how often each article was read, and searches that found nothing."""

from __future__ import annotations

import ibis.expr.types as ir

from bpo_analysis.data.extracts.extract import Extract, Material

__all__ = ["KNOWLEDGE"]


def _usage(material: Material) -> ir.Table:
    usage = material.sources.tables["kb_usage"]
    return usage.group_by("partner_id", "date", "article_id").aggregate(
        views=usage.views.sum(), searches=usage.searches.sum(), searches_missed=usage.searches_missed.sum()
    )


KNOWLEDGE = (
    Extract(
        name="knowledge_use",
        about="Views of articles and searches per day.",
        make=_usage,
        needs={"kb_usage": ("date",)},
        order=("partner_id", "date", "article_id"),
    ),
)
"""Extracts of this module."""
