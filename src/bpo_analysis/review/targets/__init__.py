"""What was agreed, looked at row by row: is it well put, within reach, on its way, and met all the time?"""

from bpo_analysis.data import Target
from bpo_analysis.review.targets.balance import Balance, Goal, balance_of, goals
from bpo_analysis.review.targets.benchmarks import Benchmark, benchmarks_for
from bpo_analysis.review.targets.consistency import MetPeriods, TargetConsistency, consistency_of
from bpo_analysis.review.targets.feasibility import Feasibility, feasibility_of
from bpo_analysis.review.targets.glide_path import GlidePath, glide_path_of, glide_paths
from bpo_analysis.review.targets.smart import Letter, Replaced, SmartCheck, check_smart, replaced_targets

__all__ = [
    "Balance",
    "Benchmark",
    "Feasibility",
    "GlidePath",
    "Goal",
    "Letter",
    "MetPeriods",
    "Replaced",
    "SmartCheck",
    "Target",
    "TargetConsistency",
    "balance_of",
    "benchmarks_for",
    "check_smart",
    "consistency_of",
    "feasibility_of",
    "glide_path_of",
    "glide_paths",
    "goals",
    "replaced_targets",
]
