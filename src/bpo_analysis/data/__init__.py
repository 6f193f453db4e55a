"""Read, check, count every row, and make one KPI table of numerators and denominators."""

from bpo_analysis.data.dataset import Dataset, open_dataset
from bpo_analysis.data.problems import CheckResult, Problem
from bpo_analysis.data.targets import Target, target_for

__all__ = ["CheckResult", "Dataset", "Problem", "Target", "open_dataset", "target_for"]
