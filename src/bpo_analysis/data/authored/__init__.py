"""What people write beside the tables of a dataset: notes that explain figures, and packages of reports."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from bpo_analysis.data.authored.notes import Note, read_notes
from bpo_analysis.data.authored.packages import Package, PackageSection, find_package, package_files, read_package
from bpo_analysis.errors import AuthoredError

__all__ = ["Note", "Package", "PackageSection", "authored_problems", "find_package", "read_notes", "read_package"]


def authored_problems(folder: Path, partners: Collection[str]) -> list[str]:
    """Return what is wrong with the notes and packages of a dataset folder, each with its file and line."""
    found = []
    try:
        read_notes(folder, partners)
    except AuthoredError as error:
        found.append(str(error))
    for file in package_files(folder):
        try:
            read_package(file)
        except AuthoredError as error:
            found.append(str(error))
    return found
