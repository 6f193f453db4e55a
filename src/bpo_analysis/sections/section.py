"""What a section function returns: HTML for the page and, where it has any, values for the record of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.csv_text import csv_text

__all__ = ["RECORD_MIME", "Section", "missing"]

RECORD_MIME = "application/vnd.bpo+json"
"""Output type under which a notebook hands values to whoever runs it."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report, displayed by a notebook as HTML.

    Attributes
    ----------
    id : str
        Anchor on the page.
    html : Markup
    record : mapping
        Values for the record of the run; empty for most sections. A notebook gets ``kpis``, rows, as CSV text.
    """

    id: str
    html: Markup
    record: Mapping[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/html": str(self.html), "text/plain": f"[{self.id}]"}
        if self.record:
            record = dict(self.record)
            if "kpis" in record:
                # Thousands of rows, written with the notebook after every cell: as text they cost next to nothing.
                record["kpis"] = csv_text(record["kpis"])
            bundle[RECORD_MIME] = record
        return bundle


def missing(id: str, title: str, reason: str) -> Section:
    """Return the one line that stands for a section whose data are not there."""
    return Section(id, page.unavailable(title, id, reason))
