"""Read, check, count every row, and make one KPI table of numerators and denominators."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpo_analysis.data.dataset import Dataset, open_dataset
    from bpo_analysis.data.problems import CheckResult, Problem
    from bpo_analysis.data.targets import Target, target_for

__all__ = ["CheckResult", "Dataset", "Problem", "Target", "open_dataset", "target_for"]

_HOMES = {
    "CheckResult": "problems",
    "Dataset": "dataset",
    "Problem": "problems",
    "Target": "targets",
    "open_dataset": "dataset",
    "target_for": "targets",
}


def __getattr__(name: str) -> Any:
    """Import on first use: a run that has nothing to do asks ``data.overview`` and needs no pandas."""
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(f"bpo_analysis.data.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'bpo_analysis.data' has no attribute {name!r}")
