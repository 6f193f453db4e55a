"""The cache folder: one folder for each fingerprint, complete or not there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb
import pandas as pd
import platformdirs

from bpo_analysis.data.pilots.fitness import PilotFindings
from bpo_analysis.data.problems import CheckResult, Problem, RowCount
from bpo_analysis.errors import DatasetError

__all__ = ["CACHE_VARIABLE", "Prepared", "load", "made_once", "store"]

CACHE_VARIABLE = "BPO_CACHE_DIR"
_KEPT = 20
_BUILDING = "building-"
_A_DAY_S = 86_400
_DONE = "check.json"
"""Written last; a folder that has it is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What preparing a dataset leaves in its cache folder."""

    check: CheckResult
    first_day: date
    last_day: date
    grain: Literal["day", "month"]
    unavailable: dict[str, str]
    partners: pd.DataFrame
    pilots: dict[str, PilotFindings] = field(default_factory=dict)
    """For each pilot whose file can be read, what is wrong with it."""
    mapped: dict[str, frozenset[str]] = field(default_factory=dict)
    """Columns of each table that have values."""


def made_once(key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of a key, made by ``make`` if it is not there.

    Built beside its place and moved there whole: an error or an interrupt leaves nothing, and of two processes that
    build the same folder one wins and both find it complete.

    Raises
    ------
    DatasetError
        If the cache folder cannot be written.
    """
    root = _root()
    folder = root / key
    if not (folder / _DONE).is_file():
        try:
            _build(folder, make)
        except (OSError, duckdb.IOException) as error:
            raise _unwritable(root, str(error).splitlines()[0]) from None
        _tidy(root)
    with contextlib.suppress(OSError):  # a folder that may only be read is never tidied by us
        os.utime(folder)
    return folder


def _root() -> Path:
    root = Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_path("bpo_analysis"))
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(root, str(error.strerror)) from None
    return root


def _unwritable(root: Path, why: str) -> DatasetError:
    return DatasetError(
        f"The cache folder {root} cannot be written ({why}). "
        f"Free some space, or set {CACHE_VARIABLE} to a writable folder."
    )


def _build(folder: Path, make: Callable[[Path], None]) -> None:
    building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=folder.parent))
    try:
        make(building)
        try:
            building.rename(folder)
        except OSError:
            # Another process finished the same folder first; both are equal.
            if not (folder / _DONE).is_file():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _tidy(root: Path) -> None:
    """Keep the folders used last and those of today, and remove what a killed process left half-built.

    A folder of today may belong to a process that still reads its slices, however many were made since.
    """
    used: dict[Path, float] = {}
    for folder in root.iterdir():
        with contextlib.suppress(OSError):  # another process may be tidying too
            used[folder] = folder.stat().st_mtime
    complete = sorted((f for f in used if (f / _DONE).is_file()), key=lambda f: used[f], reverse=True)
    half_built = [f for f in used if f.name.startswith(_BUILDING)]
    for folder in (*complete[_KEPT:], *half_built):
        if time.time() - used[folder] > _A_DAY_S:
            shutil.rmtree(folder, ignore_errors=True)


def store(folder: Path, prepared: Prepared) -> None:
    """Write what :func:`load` reads."""
    if not prepared.partners.empty:
        prepared.partners.to_parquet(folder / "partners.parquet")
    stored = {
        "problems": [asdict(p) for p in prepared.check.found],
        "counts": [asdict(c) for c in prepared.check.counts],
        "notes": prepared.check.notes,
        "first_day": str(prepared.first_day),
        "last_day": str(prepared.last_day),
        "grain": prepared.grain,
        "unavailable": prepared.unavailable,
        "pilots": {name: asdict(found) for name, found in prepared.pilots.items()},
        "mapped": {name: sorted(columns) for name, columns in prepared.mapped.items()},
    }
    (folder / _DONE).write_text(json.dumps(stored, ensure_ascii=False, indent=1), encoding="utf-8")


def load(folder: Path) -> Prepared:
    """Read what :func:`store` wrote."""
    stored = json.loads((folder / _DONE).read_text(encoding="utf-8"))
    partners = folder / "partners.parquet"
    return Prepared(
        check=CheckResult(
            found=tuple(Problem(**p) for p in stored["problems"]),
            counts=tuple(RowCount(**c) for c in stored["counts"]),
            notes=tuple(stored["notes"]),
        ),
        first_day=date.fromisoformat(stored["first_day"]),
        last_day=date.fromisoformat(stored["last_day"]),
        grain=stored["grain"],
        unavailable=stored["unavailable"],
        pilots={name: PilotFindings(**found) for name, found in stored["pilots"].items()},
        mapped={name: frozenset(columns) for name, columns in stored["mapped"].items()},
        partners=pd.read_parquet(partners) if partners.is_file() else pd.DataFrame({"partner_id": [], "name": []}),
    )
