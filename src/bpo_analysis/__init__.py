"""The review you can defend: monthly reviews of outsourced customer service, computed from rows.

What an analyst imports:

* ``open_dataset`` reads a folder of exports; ``open_review`` opens one partner in one period.
* ``sections`` holds the parts of a report, ``stats`` the statistics, ``KPIS`` the catalogue.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpo_analysis import sections, stats
    from bpo_analysis.data import Dataset, open_dataset
    from bpo_analysis.kpis import KPIS, Kpi
    from bpo_analysis.review.context import Measure, Review, open_review

__all__ = [
    "KPIS",
    "Dataset",
    "Kpi",
    "Measure",
    "Review",
    "open_dataset",
    "open_review",
    "sections",
    "stats",
]

__version__ = "0.1.0"

_HOMES = {
    "KPIS": "kpis",
    "Dataset": "data",
    "Kpi": "kpis",
    "Measure": "review.context",
    "Review": "review.context",
    "open_dataset": "data",
    "open_review": "review.context",
}


def __getattr__(name: str) -> Any:
    """Import on first use: ``bpo --help`` should not wait for pandas, Ibis and matplotlib."""
    from importlib import import_module

    if name in ("sections", "stats"):
        return import_module(f"bpo_analysis.{name}")
    if name in _HOMES:
        return getattr(import_module(f"bpo_analysis.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'bpo_analysis' has no attribute {name!r}")
