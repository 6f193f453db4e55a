"""DuckDB as preparations use it: how much memory and how many threads, and where what does not fit is put."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import ibis

from bpo_analysis.errors import DatasetError

__all__ = ["MEMORY_VARIABLE", "engine", "workers_for"]

MEMORY_VARIABLE = "BPO_MEMORY_LIMIT"
_MOST_MB, _SHARE = 2048, 0.4
_UNITS = {"MB": 1, "GB": 1000, "TB": 1_000_000, "MIB": 1.048576, "GIB": 1073.741824, "TIB": 1_099_511.627776}
_MOST_WORKERS = 4
"""Files read side by side: each takes memory for its rows."""


def engine(scratch: Path, *, workers: int = 1, threads: int | None = None) -> Any:
    """Open an engine.

    Parameters
    ----------
    scratch : Path
        Tables larger than memory are spilled there, beside what is being built.
    workers : int, default 1
        Engines that share the memory.
    threads : int, optional
        Default: those of the machine.
    """
    options: dict[str, Any] = {} if threads is None else {"threads": threads}
    connection = ibis.duckdb.connect(
        temp_directory=str(scratch), memory_limit=f"{memory_mb() / workers:.0f}MB", **options
    )
    # A progress bar would be printed among the output of bpo check. In a notebook without ipywidgets DuckDB refuses the
    # setting, and draws none.
    with suppress(duckdb.InvalidInputException):
        connection.raw_sql("SET enable_progress_bar = false")
    return connection


def workers_for(files: int) -> int:
    """Return how many files are read side by side: one for each core, at most four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, files, _MOST_WORKERS))


def memory_mb() -> float:
    """Return the memory that engines may take: 2 GB, less on a small machine, or what ``BPO_MEMORY_LIMIT`` says.

    Python and the rows just read come on top.

    Raises
    ------
    DatasetError
        If the variable holds no size.
    """
    given = os.environ.get(MEMORY_VARIABLE, "").strip()
    if not given:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20 if hasattr(os, "sysconf") else 2**20
        return min(_MOST_MB, there * _SHARE)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B)", given, re.IGNORECASE)
    if not found or found[2].upper() not in _UNITS:
        raise DatasetError(f"{MEMORY_VARIABLE} must be a size such as 2GB or 800MB, got {given!r}.")
    return float(found[1]) * _UNITS[found[2].upper()]
