"""How the processes of reports are started. Imports nothing heavy, so that they can be started first of all."""

from __future__ import annotations

import multiprocessing
import os
import sys
from contextlib import suppress
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pebble import ProcessPool

__all__ = ["report_pool", "start_workers", "usable_cores", "usable_memory"]

# One thread a process for linear algebra: the reports already share the cores, and threads do not survive a fork.
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_BETWEEN_LOOKS_S: Final = 0.01
_LEAST: Final = 1_000_000_000
_SHARE: Final = 0.9
"""Of the memory of the machine, for all reports that run at a time."""
_CONTAINER: Final = Path("/sys/fs/cgroup/memory.max")


def start_workers() -> BaseContext:
    """Start the process that reports are forked from, which then imports in the background what they need.

    Returns
    -------
    BaseContext
        How children are started. Calling this early is optional; a second call costs nothing.
    """
    # macOS could fork as well, but its own frameworks, which numpy and matplotlib load, do not survive it.
    if sys.platform == "darwin" or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bpo_analysis.reports.warm"])
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update({name: value or "1" for name, value in before.items()})
    forkserver.ensure_running()
    for name, value in before.items():
        if value is None:
            del os.environ[name]
    return context


def report_pool(jobs: int) -> ProcessPool:
    """Return a pool that gives each report a process which has run no other.

    pebble's and not that of concurrent.futures, which gives up on every waiting report when one process is killed, and
    knows no time limit.

    Parameters
    ----------
    jobs : int
        Reports at a time.
    """
    from pebble import CONSTS, ProcessPool

    # By itself it looks ten times a second whether another process is wanted, and every report would wait for it.
    CONSTS.sleep_unit = _BETWEEN_LOOKS_S
    return ProcessPool(max_workers=jobs, max_tasks=1, context=start_workers())


def usable_cores() -> int:
    """Return the number of cores this process may use.

    Returns
    -------
    int
        At least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_memory(jobs: int) -> int | None:
    """Return how many bytes each of some reports at a time may take for itself.

    Parameters
    ----------
    jobs : int
        Reports at a time.

    Returns
    -------
    int or None
        Its share of nine tenths of the machine's memory (of the container's, where that is less), at least 1 GB; None
        where the system does not say how much there is.
    """
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    with suppress(OSError, ValueError):  # "max", or no such file
        total = min(total, int(_CONTAINER.read_text(encoding="ascii")))
    return max(_LEAST, int(_SHARE * total / jobs))
