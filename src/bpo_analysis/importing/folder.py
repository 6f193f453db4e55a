"""The dataset folder an import writes into: its zone, partners, tables, and a start for what is not there yet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import ibis
import pandas as pd

from bpo_analysis.data.canonical import to_canonical
from bpo_analysis.data.config import FILE_NAME, FILE_TYPES, DatasetConfig, read_config
from bpo_analysis.data.files import read_raw
from bpo_analysis.data.schema import TABLES
from bpo_analysis.errors import DatasetError, suggest
from bpo_analysis.importing.privacy import SALT_FILE
from bpo_analysis.kpis import FAMILY_SETTINGS

__all__ = ["LOG_FILE", "UNMATCHED", "Folder"]

LOG_FILE = "imports.csv"
UNMATCHED = "unmatched"
_PARTNERS = "partners"
_NEARLY = 0.8
_TARGETS = ("kpi", "partner_id", "op", "value", "kind", "valid_from", "source_clause", "status")
_START = """\
[dataset]
name = {name}
title = {name}
timezone = {zone}      # the times of the tables are of this clock; do not change it without importing again
# client = "Your company"
# currency = "EUR"

[kpis.service_level]            # bpo kpis lists the variants
threshold_s = {threshold:g}

# What was agreed stands in targets.csv (bpo tables targets), such as csat,,>=,85 %,absolute,2026-01-01,,agreed
"""


class Folder:
    """A dataset folder, which may not be there yet.

    Nothing is written before :meth:`write`, and then every file at once: what fails on the way leaves the folder as it
    was.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config: DatasetConfig | None = read_config(path) if (path / FILE_NAME).is_file() else None
        self._texts: dict[Path, str] = {}
        self._frames: dict[Path, pd.DataFrame] = {}

    def create(self) -> None:
        """Make the folder, if it is not there.

        Raises
        ------
        DatasetError
            If that is not possible.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatasetError(f"{self.path} cannot be made ({error.strerror}).") from None

    def zone(self, wanted: str, otherwise: str) -> str:
        """Return the zone of the dataset; that of a new one is the one wanted.

        Raises
        ------
        DatasetError
            If the dataset has another one.
        """
        if self.config is None:
            return wanted or otherwise or "UTC"
        if wanted and wanted != self.config.timezone:
            raise DatasetError(
                f"{self.path / FILE_NAME} has timezone = {self.config.timezone!r}, you said {wanted!r}. "
                "A dataset has one clock; leave --dataset-timezone away."
            )
        return self.config.timezone

    def read(self, table: str) -> pd.DataFrame:
        """Return the rows of a table as text, or none where it is not there.

        Raises
        ------
        DatasetError
            If the table is not a file of its own name that an import can add to.
        """
        file = self.path / f"{table}.csv"
        spec = self.config.tables.get(table) if self.config else None
        others = [f for f in FILE_TYPES if f != ".csv" and (self.path / f"{table}{f}").is_file()]
        if others or (spec and (spec.files != (file,) or spec.columns or spec.reading.date_format)):
            raise DatasetError(
                f"Table {table} of {self.path} is not a plain {table}.csv with the columns of 'bpo tables {table}', "
                "so rows cannot be added to it. Import into a folder of its own."
            )
        return self._csv(file)

    def has(self, table: str) -> bool:
        """Whether a table is there, or will be."""
        there = self.config is not None and table in self.config.tables
        return there or self.path / f"{table}.csv" in self._frames

    def read_unmatched(self, table: str) -> pd.DataFrame:
        """Return the rows of earlier imports that have no partner yet."""
        return self._csv(self.path / UNMATCHED / f"{table}.csv")

    def _csv(self, file: Path) -> pd.DataFrame:
        if file in self._frames:
            return self._frames[file]
        if not file.is_file():
            return pd.DataFrame()
        try:
            return pd.read_csv(file, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise DatasetError(f"{file} cannot be read: {str(error).strip()}.") from None

    def put(self, table: str, rows: pd.DataFrame) -> None:
        """Set what a table is to hold after :meth:`write`."""
        self._frames[self.path / f"{table}.csv"] = rows

    def put_unmatched(self, table: str, rows: pd.DataFrame) -> None:
        """Set which rows of a table have no partner."""
        file = self.path / UNMATCHED / f"{table}.csv"
        if len(rows) or file.is_file():
            self._frames[file] = rows

    def log(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Add the account of each file to the log of imports."""
        file = self.path / LOG_FILE
        self._frames[file] = pd.concat([self._csv(file), pd.DataFrame(list(rows))], ignore_index=True)

    def add_partners(self, names: Iterable[str]) -> list[str]:
        """See that every partner is in the table of partners, and return those that were not.

        Raises
        ------
        DatasetError
            If one is spelt nearly like a known one, or the table cannot be added to.
        """
        known = self._known_partners()
        new = [name for name in dict.fromkeys(names) if name not in known]
        for name in new:
            near = suggest(name, known, cutoff=_NEARLY)
            if near:
                raise DatasetError(
                    f"Partner {name!r} is not in table {_PARTNERS} of {self.path}.{near} If it is another one, add it "
                    f"to {_PARTNERS}.csv first."
                )
        if new:
            rows = self.read(_PARTNERS)
            added = pd.DataFrame({"partner_id": new, "name": new, "kind": ["bpo"] * len(new)})
            self.put(_PARTNERS, pd.concat([rows, added], ignore_index=True))
        return new

    def _known_partners(self) -> list[str]:
        spec = self.config.tables.get(_PARTNERS) if self.config else None
        if spec is None:
            rows = self.read(_PARTNERS)
            return rows["partner_id"].dropna().tolist() if "partner_id" in rows else []
        with tempfile.TemporaryDirectory() as scratch:
            raw = read_raw(ibis.duckdb.connect(), spec, Path(scratch))
            found = to_canonical(raw, TABLES[_PARTNERS], spec).table["partner_id"].to_pyarrow().to_pylist()
        return [name for name in found if name]

    def start(self, zone: str, threshold_s: float | None) -> bool:
        """Write a ``dataset.toml`` and a table of targets to fill in where there is none; say whether it is new."""
        if self.config is not None:
            return False
        name = '"' + self.path.resolve().name.replace("\\", "").replace('"', "") + '"'
        self._texts[self.path / FILE_NAME] = _START.format(
            name=name, zone=f'"{zone}"', threshold=threshold_s or FAMILY_SETTINGS["service_level"]["threshold_s"]
        )  # fmt: skip
        if not any((self.path / f"targets{suffix}").is_file() for suffix in FILE_TYPES):
            self.put("targets", pd.DataFrame(columns=list(_TARGETS)))
        return True

    def ignore_salt(self) -> None:
        """See that git does not take the salt."""
        file = self.path / ".gitignore"
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        if SALT_FILE not in lines:
            self._texts[file] = "\n".join([*lines, SALT_FILE, ""])

    def write(self) -> None:
        """Write everything that was put: beside its place first, and moved there only when all is complete.

        Raises
        ------
        DatasetError
            If the folder cannot be written.
        """
        done: list[tuple[Path, Path]] = []
        try:
            for file in [*self._frames, *self._texts]:
                file.parent.mkdir(exist_ok=True)
                handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
                done.append((Path(name), file))
                with os.fdopen(handle, "w", encoding="utf-8", newline="") as target:
                    if file in self._texts:
                        target.write(self._texts[file])
                    else:
                        self._frames[file].to_csv(target, index=False, lineterminator="\n")
                Path(name).chmod(0o644)
            for temporary, file in done:
                temporary.replace(file)
        except OSError as error:
            raise DatasetError(f"{self.path} cannot be written ({error.strerror}). Nothing was changed.") from None
        finally:
            for temporary, _ in done:
                temporary.unlink(missing_ok=True)
        for file, rows in self._frames.items():
            if file.parent.name == UNMATCHED and rows.empty:
                file.unlink()
                with suppress(OSError):  # others are left in it
                    file.parent.rmdir()
