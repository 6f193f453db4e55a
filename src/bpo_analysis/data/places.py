"""Where prepared datasets are kept. Imports nothing heavy: most runs find that there is nothing to do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import platformdirs

from bpo_analysis.errors import DatasetError

__all__ = ["CACHE_VARIABLE", "DONE", "SEEN", "cache_root", "link", "unwritable"]

CACHE_VARIABLE = "BPO_CACHE_DIR"
DONE = "check.json"
"""Written last; a folder that has it is complete."""
SEEN: Final = "seen"
"""Folder beside the prepared ones: what is remembered of files, and locks."""


def cache_root() -> Path:
    """Return the cache folder, made if it is not there.

    Raises
    ------
    DatasetError
        If it cannot be made.
    """
    root = Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_path("bpo_analysis"))
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(root, str(error.strerror)) from None
    return root


def link(file: Path, target: Path) -> None:
    """Put a file that never changes in another place as well: by a link, or a copy where the file system has none."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def unwritable(root: Path, why: str) -> DatasetError:
    """Return the error for a cache folder that cannot be written."""
    return DatasetError(
        f"The cache folder {root} cannot be written ({why}). "
        f"Free some space, or set {CACHE_VARIABLE} to a writable folder."
    )
