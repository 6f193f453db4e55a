"""The program beside a worker of a cluster: reports in, what became of them out, a fresh child for each.

It ends when its input does, and its children end with it.
"""

from __future__ import annotations

import os
import pickle
import queue
import threading
from typing import Any

from bpo_analysis.reports.child import make_report, outcome_of
from bpo_analysis.reports.workers import report_pool


def main() -> None:
    """Serve until the input ends."""
    # What libraries print must not come between the answers.
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()

    def listen() -> None:
        while True:
            try:
                tasks.put(pickle.load(asked))
            except (EOFError, OSError, pickle.UnpicklingError):
                os._exit(0)  # the worker is gone, and with it whoever waits for the report that is being made

    waiting = report_pool(1)
    threading.Thread(target=listen, daemon=True).start()
    with waiting as pool:
        while True:
            spec, folder, setting, timeout = tasks.get()
            future = pool.schedule(make_report, args=(spec, folder, setting), timeout=timeout)
            outcome = outcome_of(future, folder, timeout)
            pickle.dump(outcome, answers)
            answers.flush()


if __name__ == "__main__":
    main()
