"""Exports of the usual systems into the tables of a dataset folder, by declarative profiles."""

from bpo_analysis.importing.profile import load_profile, profile_names, profile_text
from bpo_analysis.importing.run import ImportOptions, ImportResult, describe_dataset, import_files

__all__ = [
    "ImportOptions",
    "ImportResult",
    "describe_dataset",
    "import_files",
    "load_profile",
    "profile_names",
    "profile_text",
]
