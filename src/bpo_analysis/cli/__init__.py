"""The ``bpo`` command: run reports, list what there is, check data."""

from bpo_analysis.cli import data, digest, pilot, report  # noqa: F401  # each registers its commands
from bpo_analysis.cli.root import main

__all__ = ["main"]
