"""Runs reports, each in a fresh process of its own, and puts their files in place complete or not at all."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pebble import ProcessExpired, ProcessPool

from bpo_analysis.reports.child import Outcome, make_report
from bpo_analysis.reports.plan import ReportSpec
from bpo_analysis.reports.record import read_record, record_json, start_record
from bpo_analysis.reports.staging import staging, undisturbed
from bpo_analysis.reports.workers import start_workers, usable_cores

__all__ = ["ReportRun", "run_reports"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRun:
    """What became of one report.

    Parameters
    ----------
    template, partner_id, partner_name, slug, period : str
        Which report.
    status : {"ok", "failed"}
        Whether its page is complete and in place.
    seconds : float
        From the start of its process to its end.
    folder : Path
        Where its files are.
    html : Path or None
        The page, if this run made one.
    notebook : Path or None
        The executed notebook; of a failed run the half-run one that was kept.
    error, exception : str
        What went wrong, in words and as the name of the exception; empty if nothing did.
    cell : int or None
        Number of the failed cell as the notebook shows it (``In [4]``), where one is to blame.
    """

    template: str
    partner_id: str
    partner_name: str
    slug: str
    period: str
    status: Literal["ok", "failed"]
    seconds: float
    folder: Path
    html: Path | None = None
    notebook: Path | None = None
    error: str = ""
    exception: str = ""
    cell: int | None = None


def run_reports(
    specs: Sequence[ReportSpec],
    *,
    jobs: int | None = None,
    timeout: float | None = None,
    on_done: Callable[[ReportRun], None] | None = None,
) -> list[ReportRun]:
    """Run reports in parallel; one that fails is a row of the result and changes nothing for the others.

    Parameters
    ----------
    specs : sequence of ReportSpec
        From ``plan.plan_reports``.
    jobs : int, optional
        Processes at a time; by default one for every usable core.
    timeout : float, optional
        Seconds after which a report is stopped and counts as failed.
    on_done : callable, optional
        Called in this process with each ReportRun as it is done.

    Returns
    -------
    list of ReportRun
        In the order of ``specs``.

    Raises
    ------
    KeyboardInterrupt
        As it came, after every child was stopped and everything unfinished was removed.
    """
    runs: dict[int, ReportRun] = {}
    with contextlib.ExitStack() as stack:
        stages = {parent: stack.enter_context(staging(parent)) for parent in {spec.folder.parent for spec in specs}}
        folders = [stages[spec.folder.parent] / str(number) for number, spec in enumerate(specs)]
        for future, number in _submit(specs, folders, stack, jobs=jobs or usable_cores(), timeout=timeout):
            outcome = _outcome(future, folders[number], timeout)
            with undisturbed():
                runs[number] = _finish(specs[number], folders[number], outcome)
            shutil.rmtree(folders[number], ignore_errors=True)
            if on_done is not None:
                on_done(runs[number])
    return [runs[number] for number in range(len(specs))]


def _submit(
    specs: Sequence[ReportSpec],
    folders: Sequence[Path],
    stack: contextlib.ExitStack,
    *,
    jobs: int,
    timeout: float | None,
) -> Iterator[tuple[concurrent.futures.Future[Outcome], int]]:
    """Yield reports as they finish; leaving the stack early stops those that still run."""
    context = start_workers()
    # max_tasks=1: a report gets a process that has run no other. pebble and not concurrent.futures, which gives up on
    # every waiting report when one process is killed, and knows no time limit.
    pool = ProcessPool(max_workers=max(1, min(jobs, len(specs))), max_tasks=1, context=context)
    stack.callback(pool.join)
    stack.callback(pool.stop)
    futures: dict[concurrent.futures.Future[Outcome], int] = {
        pool.schedule(make_report, args=(spec, folder, dict(os.environ)), timeout=timeout): number
        for number, (spec, folder) in enumerate(zip(specs, folders, strict=True))
    }
    for future in concurrent.futures.as_completed(futures):
        yield future, futures[future]


def _outcome(future: concurrent.futures.Future[Outcome], folder: Path, timeout: float | None) -> Outcome:
    """Return what the child said, or what can be said about a child that can no longer speak."""
    try:
        return future.result()
    except concurrent.futures.TimeoutError:
        told = f"Stopped at the time limit of {timeout:g} s."
        return Outcome(seconds=timeout or 0.0, error=told, exception="TimeoutError", cell=_running_cell(folder))
    except concurrent.futures.BrokenExecutor as broken:
        return Outcome(seconds=0.0, error=f"No process could be started: {broken}", exception=type(broken).__name__)
    except ProcessExpired as expired:
        return Outcome(
            seconds=_age(folder),
            error=_death(expired.exitcode, folder),
            exception="ProcessExpired",
            cell=_running_cell(folder),
        )


def _death(code: int | None, folder: Path) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        told = f"The process of this report was ended by {name}."
        if name == "SIGKILL":
            told += " This is what happens when memory runs out; try fewer --jobs."
    else:
        told = f"The process of this report ended by itself with exit code {code}."
    log = folder / "log.txt"
    last = log.read_text(encoding="utf-8", errors="replace").strip()[-500:] if log.is_file() else ""
    return f"{told} Last words: {last}" if last else told


def _running_cell(folder: Path) -> int | None:
    """Number of the cell that was running when the half-run notebook was last saved."""
    for notebook in folder.glob("*.ipynb"):
        with contextlib.suppress(OSError, ValueError):
            cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
            return max((cell.get("execution_count") or 0 for cell in cells), default=0) + 1
    return None


def _age(folder: Path) -> float:
    try:
        return max(0.0, time.time() - (folder / "log.txt").stat().st_ctime)
    except OSError:
        return 0.0


def _finish(spec: ReportSpec, staged: Path, outcome: Outcome) -> ReportRun:
    """Put the files of a report in place, or keep what there is of a failed one."""
    if not outcome.error:
        try:
            return _publish(spec, staged, outcome)
        except OSError as error:
            outcome = Outcome(
                seconds=outcome.seconds,
                error=f"Could not put the files in place: {error}",
                exception=type(error).__name__,
            )
    return _keep_failure(spec, staged, outcome)


def _publish(spec: ReportSpec, staged: Path, outcome: Outcome) -> ReportRun:
    spec.folder.mkdir(parents=True, exist_ok=True)
    # The page last: once it is new, everything beside it is.
    for ending in (".ipynb", ".kpis.csv", ".run.json", ".html"):
        made, final = staged / f"{spec.name}{ending}", spec.folder / f"{spec.name}{ending}"
        if made.exists():
            os.replace(made, final)
        else:
            final.unlink(missing_ok=True)
    (spec.folder / f"{spec.name}.failed.ipynb").unlink(missing_ok=True)
    return ReportRun(
        **_identity(spec), status="ok", seconds=outcome.seconds, folder=spec.folder,
        html=spec.folder / f"{spec.name}.html", notebook=spec.folder / f"{spec.name}.ipynb",
    )  # fmt: skip


def _keep_failure(spec: ReportSpec, staged: Path, outcome: Outcome) -> ReportRun:
    """Keep the half-run notebook and a record that says failed; an older page stays, but is no longer current."""
    half, kept = staged / f"{spec.name}.ipynb", spec.folder / f"{spec.name}.failed.ipynb"
    record = spec.folder / f"{spec.name}.run.json"
    error, notebook = outcome.error, None
    try:
        spec.folder.mkdir(parents=True, exist_ok=True)
        if _is_json(half):
            os.replace(half, kept)
            notebook = kept
        before = read_record(record) or {}
        content = start_record(spec, status="failed", seconds=outcome.seconds) | {
            "error": error,
            "exception": outcome.exception,
            "cell": outcome.cell,
            "notebook": notebook.name if notebook else None,
            "previous": before.get("times") if before.get("status") == "ok" else before.get("previous"),
        }
        staged.mkdir(parents=True, exist_ok=True)
        (staged / record.name).write_text(record_json(content), encoding="utf-8")
        os.replace(staged / record.name, record)
    except OSError as trouble:  # the disk is full or gone: say so in the result, which needs no disk
        error += f" The record of this failure could not be written either: {trouble}"
    return ReportRun(
        **_identity(spec), status="failed", seconds=outcome.seconds, folder=spec.folder,
        notebook=notebook, error=error, exception=outcome.exception, cell=outcome.cell,
    )  # fmt: skip


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _identity(spec: ReportSpec) -> dict[str, Any]:
    return {
        "template": spec.name,
        "partner_id": spec.partner_id,
        "partner_name": spec.partner_name,
        "slug": spec.slug,
        "period": spec.period,
    }
