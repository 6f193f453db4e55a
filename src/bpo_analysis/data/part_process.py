"""A worker of ``parts`` in a process of its own, for files that are worth its start.

DuckDB holds Python's lock while it works on one thread, so threads would not read side by side.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpo_analysis
from bpo_analysis.data.config import DatasetConfig
from bpo_analysis.data.engine import engine
from bpo_analysis.data.part_worker import PartWorker
from bpo_analysis.errors import DatasetError
from bpo_analysis.kpis import Kpi

__all__ = ["RemoteWorker", "WorkerSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """What a worker is made of; its engine has a part of the memory, and all threads where it is the only one.

    Attributes
    ----------
    scratch : Path
    workers : int
    config : DatasetConfig
    kpis, alternatives : mapping of str to Kpi
    others, kept, for_pages
        As for :class:`PartWorker`.
    """

    scratch: Path
    workers: int
    config: DatasetConfig
    kpis: Mapping[str, Kpi]
    alternatives: Mapping[str, Kpi]
    others: frozenset[str]
    kept: tuple[str, ...]
    for_pages: bool

    def here(self) -> PartWorker:
        """Return a worker in this process."""
        connection = engine(self.scratch, workers=self.workers, threads=1 if self.workers > 1 else None)
        return PartWorker(
            connection, self.config, self.kpis, self.alternatives, others=self.others, kept=self.kept,
            for_pages=self.for_pages,
        )  # fmt: skip


class RemoteWorker:
    """A worker in another process, asked as a :class:`PartWorker` is.

    Parameters
    ----------
    spec : WorkerSpec
    """

    def __init__(self, spec: WorkerSpec) -> None:
        package = str(Path(bpo_analysis.__file__).parents[1])
        paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": paths},
        )  # fmt: skip
        self._ask(spec)

    def make(self, folder: Path, file: Path) -> None:
        """Read a file; see :meth:`PartWorker.make`."""
        self._ask(("make", (folder, file)))

    def make_ahead(self, folder: Path, *given: Any) -> None:
        """Make the sums that look ahead; see :meth:`PartWorker.make_ahead`."""
        self._ask(("make_ahead", (folder, *given)))

    def write(self, folder: Path, statements: Sequence[str]) -> None:
        """Write what statements say; see :meth:`PartWorker.write`."""
        self._ask(("write", (folder, statements)))

    def keys(self, file: Path, wanted: Any) -> Sequence[tuple[str, int]]:
        """Read a file again for some of its keys; see :meth:`PartWorker.keys`."""
        found: Sequence[tuple[str, int]] = self._ask(("keys", (file, wanted)))
        return found

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _ask(self, message: Any) -> Any:
        try:
            pickle.dump(message, self._process.stdin)  # type: ignore[arg-type]
            self._process.stdin.flush()  # type: ignore[union-attr]
            failed, answer = pickle.load(self._process.stdout)  # type: ignore[arg-type]
        except (EOFError, OSError, pickle.UnpicklingError):
            raise DatasetError(
                f"A process that read contacts ended (exit code {self._process.wait()}). If it was killed for want of "
                "memory, set BPO_MEMORY_LIMIT to less, such as 1GB."
            ) from None
        if failed:
            raise answer
        return answer


def serve() -> None:
    """Answer one question after the other, from standard input on standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anybody prints must not come between
    spec: WorkerSpec = pickle.load(sys.stdin.buffer)
    worker = spec.here()
    _answer(answers, failed=False, answer=None)
    while True:
        try:
            name, given = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            found = getattr(worker, name)(*given)
            _answer(answers, failed=False, answer=None if found is None else list(found))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is raised where it was asked
            _answer(answers, failed=True, answer=error)


def _answer(answers: Any, *, failed: bool, answer: Any) -> None:
    try:
        text = pickle.dumps((failed, answer))
    except (pickle.PicklingError, TypeError, AttributeError):
        text = pickle.dumps((True, RuntimeError(str(answer))))
    answers.write(text)
    answers.flush()
