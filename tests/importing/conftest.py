"""Imports into a folder of the test, and what they leave there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pandas as pd
import pytest

from bpo_analysis.importing import ImportOptions, ImportResult, import_files

FILES = Path(__file__).parent / "files"


@dataclass
class Imported:
    """One import and the folder it wrote into."""

    folder: Path
    result: ImportResult

    @property
    def account(self):
        return self.result.accounts[0]

    def rows(self, table: str) -> list[dict[str, str]]:
        """Rows of a table as text, without what every row has; empty cells left out."""
        frame = pd.read_csv(self.folder / f"{table}.csv", dtype="str", keep_default_na=False)
        frame = frame.drop(columns=["imported_with"], errors="ignore")
        return [{k: v for k, v in row.items() if v} for row in frame.to_dict("records")]

    def text(self, table: str) -> str:
        return (self.folder / f"{table}.csv").read_text(encoding="utf-8")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Imported]:
    """Import vendor files of ``files/`` (or given paths) into ``tmp_path/data``."""

    def imported(profile: str, *files: str | Path, into: str = "data", **options: Any) -> Imported:
        given = {"exported_on": datetime(2026, 4, 1)} | options
        paths = [FILES / file if isinstance(file, str) else file for file in files]
        folder = tmp_path / into
        return Imported(folder, import_files(profile, paths, folder, ImportOptions(**given)))

    return imported


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of the test: ``write("export.csv", "...", encoding="cp1252")``."""

    def written(name: str, text: str, encoding: str = "utf-8") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(dedent(text).lstrip("\n").encode(encoding))
        return file

    return written


@pytest.fixture
def partner_map(write: Callable[..., Path]) -> Path:
    """Groups of the vendor files, by every kind of rule."""
    return write(
        "data/partners-map.toml",
        """
        [[partners]]
        partner_id = "northline"
        column = "Group"
        equals = ["Northline Tier 1", "Northline"]

        [[partners]]
        partner_id = "bolt"
        column = "Assignee email"
        ends_with = "@bolt.example"
        """,
    )
