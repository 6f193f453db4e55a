"""Where the files of reports lie: the output folder, or a store of objects that it stands for (``mirror.Mirror``)."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

__all__ = ["OutputFolder", "Place"]


class Place(Protocol):
    """Where files lie, by their path in the output folder."""

    def has(self, file: Path) -> bool:
        """Whether a file is there."""

    def bring(self, file: Path) -> bool:
        """Make sure that a file can be read in the folder; whether there is one."""

    def deliver(self, file: Path) -> None:
        """Put a file where it belongs."""


class OutputFolder:
    """The output folder itself: what is made there is there already."""

    def has(self, file: Path) -> bool:
        """Whether a file is there."""
        return file.is_file()

    def bring(self, file: Path) -> bool:
        """Whether a file is there."""
        return file.is_file()

    def deliver(self, file: Path) -> None:
        """Leave a file where it is."""
