"""How the processes of reports are started. Imports nothing heavy, so that they can be started first of all."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.context import BaseContext
from typing import Final

__all__ = ["start_workers", "usable_cores"]

# One thread a process for linear algebra: the reports already share the cores, and threads do not survive a fork.
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


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
