"""The cache folder: one folder for each fingerprint, complete or not there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from bpo_analysis.data.pilots.fitness import PilotFindings
from bpo_analysis.data.places import DONE, SEEN, cache_root, unwritable
from bpo_analysis.data.problems import CheckResult, Problem, RowCount
from bpo_analysis.periods import DataGrain

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there
    fcntl = None  # type: ignore[assignment]

__all__ = ["Prepared", "load", "made_once", "part_once", "store", "tidy_parts"]

_KEPT = 20
_BUILDING = "building-"
_A_DAY_S = 86_400
_PARTS, _PART_DAYS = "parts", 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What preparing a dataset leaves in its cache folder."""

    check: CheckResult
    first_day: date
    last_day: date
    grain: DataGrain
    unavailable: dict[str, str]
    partners: pd.DataFrame
    pilots: dict[str, PilotFindings] = field(default_factory=dict)
    """For each pilot whose file can be read, what is wrong with it."""
    mapped: dict[str, frozenset[str]] = field(default_factory=dict)
    """Columns of each table that have values."""
    parts_read: tuple[str, ...] | None = None
    """Files of a table read in parts that were read this time, the others being known; None where there is none."""


def made_once(key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of a key, made by ``make`` if it is not there.

    Built beside its place and moved there whole: an error or an interrupt leaves nothing. Of several processes that
    want the same folder (the workers of a machine) one builds and the others wait; where the file system knows no locks
    they all build, one wins, and all find it complete.

    Raises
    ------
    DatasetError
        If the cache folder cannot be written.
    """
    root = cache_root()
    folder = root / key
    if not (folder / DONE).is_file():
        try:
            with _alone(root, key):
                if not (folder / DONE).is_file():
                    _build(folder, make)
        except (OSError, duckdb.IOException) as error:
            raise unwritable(root, str(error).splitlines()[0]) from None
        _tidy(root)
    with contextlib.suppress(OSError):  # a folder that may only be read is never tidied by us
        os.utime(folder)
    return folder


@contextlib.contextmanager
def _alone(root: Path, key: str) -> Iterator[None]:
    if fcntl is None:
        yield
        return
    place = root / SEEN / f"{key}.lock"
    place.parent.mkdir(exist_ok=True)
    with place.open("w") as lock:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            place.unlink(missing_ok=True)


def part_once(key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of what is kept of one file, made by ``make`` if it is not there.

    These folders are kept as long as they are asked for now and then: a quarterly report must not read three years of
    files again because other datasets were prepared meanwhile.
    """
    root = cache_root() / _PARTS
    root.mkdir(exist_ok=True)
    folder = root / key
    if not (folder / DONE).is_file():
        _build(folder, make)
    with contextlib.suppress(OSError):
        os.utime(folder)
    return folder


def tidy_parts() -> None:
    """Remove what is kept of files that nobody asked for in a long time, and what a killed process left half-built."""
    for old in (cache_root() / _PARTS).iterdir():
        with contextlib.suppress(OSError):
            days = 1 if old.name.startswith(_BUILDING) else _PART_DAYS
            if time.time() - old.stat().st_mtime > days * _A_DAY_S:
                shutil.rmtree(old, ignore_errors=True)


def _build(folder: Path, make: Callable[[Path], None]) -> None:
    building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=folder.parent))
    try:
        make(building)
        try:
            building.rename(folder)
        except OSError:
            # Another process finished the same folder first; both are equal.
            if not (folder / DONE).is_file():
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
    complete = sorted((f for f in used if (f / DONE).is_file()), key=lambda f: used[f], reverse=True)
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
        "parts_read": prepared.parts_read,
    }
    (folder / DONE).write_text(json.dumps(stored, ensure_ascii=False, indent=1), encoding="utf-8")


def load(folder: Path) -> Prepared:
    """Read what :func:`store` wrote."""
    stored = json.loads((folder / DONE).read_text(encoding="utf-8"))
    file = folder / "partners.parquet"
    # Not pandas.read_parquet, which looks for datasets of many files first and takes ten times as long.
    partners = pq.ParquetFile(file).read().to_pandas() if file.is_file() else None
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
        parts_read=None if stored["parts_read"] is None else tuple(stored["parts_read"]),
        partners=pd.DataFrame({"partner_id": [], "name": []}) if partners is None else partners,
    )
