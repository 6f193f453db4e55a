"""Reports on other machines, through any ``concurrent.futures.Executor``: Dask's, and whoever else has one.

The plan, the isolation, the files and the records are those of a run on this machine. What a report needs travels with
it, except the dataset, which every machine must see under the same path. What it made travels back, so the output
folder is written by one process only, and a machine that is lost in the middle costs nothing but time: its reports run
again on another. There is no scheduler here; whose executor it is decides what runs where.

A worker may not start processes with multiprocessing (those of Dask are daemons), and must outlive a report that ends
its process. So it keeps a runner beside it, started as a program of its own, which forks a fresh child for each report.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pickle
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bpo_analysis.reports.child import Outcome, Setting
from bpo_analysis.reports.plan import ReportSpec
from bpo_analysis.reports.workers import usable_memory

__all__ = ["Job", "run_elsewhere", "run_job"]

_OURS: Final = "BPO_"
"""Only variables of ours travel; those of this machine would break others, and may hold secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One report with everything it needs on another machine but the dataset.

    Parameters
    ----------
    spec : ReportSpec
    setting : Setting
    timeout : float, optional
        Seconds after which it is stopped.
    template : bytes
        Content of the notebook.
    files : mapping of str to (str, bytes)
        Name and content of the files that parameters name.
    """

    spec: ReportSpec
    setting: Setting
    timeout: float | None
    template: bytes
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)


def run_elsewhere(
    executor: concurrent.futures.Executor,
    specs: Sequence[ReportSpec],
    folders: Sequence[Path],
    setting: Setting,
    *,
    timeout: float | None,
) -> Iterator[tuple[int, Outcome]]:
    """Run reports with an executor, and put what they made into their staging folders.

    Parameters
    ----------
    executor : Executor
    specs, folders : sequences of ReportSpec and Path
        Reports and their staging folders on this machine.
    setting : Setting
    timeout : float, optional
        Seconds after which a report is stopped; waiting for a worker does not count.

    Yields
    ------
    tuple of int and Outcome
        Number and end of each report, as they finish.
    """
    travels = {name: value for name, value in setting.environment.items() if name.startswith(_OURS)}
    setting = replace(setting, environment=travels)
    futures = {executor.submit(run_job, _job(spec, setting, timeout)): n for n, spec in enumerate(specs)}
    try:
        for future in concurrent.futures.as_completed(list(futures)):
            number = futures.pop(future)  # nobody holds on to what a thousand reports made
            yield number, _received(future, folders[number])
    finally:
        for future in futures:
            future.cancel()


def _job(spec: ReportSpec, setting: Setting, timeout: float | None) -> Job:
    files = {}
    for name, value in spec.parameters.items():
        if isinstance(value, str) and value and name != "data":
            with contextlib.suppress(OSError, ValueError):  # not the name of a file
                files[name] = (Path(value).name, Path(value).read_bytes())
    return Job(spec=spec, setting=setting, timeout=timeout, template=spec.template.read_bytes(), files=files)


def _received(future: concurrent.futures.Future[tuple[Outcome, dict[str, bytes]]], folder: Path) -> Outcome:
    try:
        outcome, files = future.result()
    except Exception as error:  # noqa: BLE001 - a cluster can fail in any way; this report has a row all the same
        told = f"The cluster gave this report up: {error}"
        return Outcome(seconds=0.0, error=told, exception=type(error).__name__)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return outcome


def run_job(job: Job) -> tuple[Outcome, dict[str, bytes]]:
    """Make one report on this machine; called on a worker.

    Returns
    -------
    tuple of Outcome and dict
        What became of it, and the files it made by name.
    """
    folder = Path(tempfile.mkdtemp(prefix="bpo-report-"))
    try:
        given, made = folder / "given", folder / "made"
        given.mkdir()
        template = given / job.spec.template.name
        template.write_bytes(job.template)
        instead = {}
        for parameter, (name, content) in job.files.items():
            (given / parameter).mkdir()
            (given / parameter / name).write_bytes(content)
            instead[parameter] = str(given / parameter / name)
        setting = replace(job.setting, instead=instead, memory=job.setting.memory or _memory())
        outcome = _with_runner((replace(job.spec, template=template), made, setting, job.timeout))
        files = {file.name: file.read_bytes() for file in made.iterdir() if file.is_file()} if made.is_dir() else {}
        return outcome, files
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> int | None:
    """Return this worker's share of its machine, as its cluster has divided it."""
    with contextlib.suppress(ImportError, ValueError, AttributeError):
        from distributed import get_worker

        worker = get_worker()
        if worker.memory_manager.memory_limit:
            return int(worker.memory_manager.memory_limit / worker.state.nthreads)
    return usable_memory(1)


class _Runner:
    """A program of its own beside a worker, that makes one report at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "bpo_analysis.reports.runner"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        )

    def ask(self, task: tuple[Any, ...]) -> Outcome:
        """Make a report; OSError or EOFError if the runner is gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump(task, self._process.stdin)
        self._process.stdin.flush()
        found = pickle.load(self._process.stdout)
        if not isinstance(found, Outcome):
            raise EOFError
        return found

    def close(self) -> int:
        """End the runner, and return how it ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            return self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


# A worker may run several reports at a time, in threads: each takes a runner that is free, or starts one.
_free: queue.LifoQueue[_Runner] = queue.LifoQueue()


def _with_runner(task: tuple[Any, ...]) -> Outcome:
    try:
        runner = _free.get_nowait()
    except queue.Empty:
        runner = _Runner()
    try:
        outcome = runner.ask(task)
    except (OSError, EOFError, pickle.UnpicklingError):
        told = f"The process that starts reports on this worker ended with exit code {runner.close()}."
        return Outcome(seconds=0.0, error=told, exception="RunnerExpired")
    except BaseException:
        runner.close()
        raise
    _free.put(runner)
    return outcome
