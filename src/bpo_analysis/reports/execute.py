"""Runs reports, each in a fresh process of its own, and puts their files in place complete or not at all."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bpo_analysis.reports.child import Outcome, Setting, make_report, outcome_of
from bpo_analysis.reports.elsewhere import run_elsewhere
from bpo_analysis.reports.inputs import OUTPUTS, PRINT
from bpo_analysis.reports.plan import ReportSpec
from bpo_analysis.reports.record import RECORD, read_record, record_json, start_record
from bpo_analysis.reports.staging import exclusive, staging, undisturbed
from bpo_analysis.reports.workers import report_pool, usable_cores, usable_memory

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
    memory: int | None = None,
    fingerprint: str = "",
    executor: concurrent.futures.Executor | None = None,
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
    memory : int, optional
        Bytes that each report may take for itself; by default its share of this machine.
    fingerprint : str, optional
        Of the dataset that the reports were planned with.
    executor : concurrent.futures.Executor, optional
        Where reports run instead of on this machine, such as ``dask.distributed.Client(...).get_executor()``.
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
    jobs = max(1, min(jobs or usable_cores(), len(specs)))
    # On this machine reports share its memory; elsewhere each machine knows its own.
    allowed = memory if memory or executor is not None else usable_memory(jobs)
    setting = Setting(environment=dict(os.environ), memory=allowed, fingerprint=fingerprint)
    with contextlib.ExitStack() as stack:
        stages = {parent: stack.enter_context(staging(parent)) for parent in {spec.folder.parent for spec in specs}}
        folders = [stages[spec.folder.parent] / str(number) for number, spec in enumerate(specs)]
        if executor is None:
            outcomes = _here(specs, folders, stack, setting, jobs=jobs, timeout=timeout)
        else:
            outcomes = run_elsewhere(executor, specs, folders, setting, timeout=timeout)
        for number, outcome in outcomes:
            with undisturbed():
                runs[number] = _finish(specs[number], folders[number], outcome)
            shutil.rmtree(folders[number], ignore_errors=True)
            if on_done is not None:
                on_done(runs[number])
    return [runs[number] for number in range(len(specs))]


def _here(
    specs: Sequence[ReportSpec],
    folders: Sequence[Path],
    stack: contextlib.ExitStack,
    setting: Setting,
    *,
    jobs: int,
    timeout: float | None,
) -> Iterator[tuple[int, Outcome]]:
    """Yield what became of reports as they finish; leaving the stack early stops those that still run."""
    pool = report_pool(jobs)
    stack.callback(pool.join)
    stack.callback(pool.stop)
    futures: dict[concurrent.futures.Future[Outcome], int] = {
        pool.schedule(make_report, args=(spec, folder, setting), timeout=timeout): number
        for number, (spec, folder) in enumerate(zip(specs, folders, strict=True))
    }
    for future in concurrent.futures.as_completed(futures):
        yield futures[future], outcome_of(future, folders[futures[future]], timeout)


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
    with exclusive(spec.folder):
        # The record last: it vouches for the others, and without it the next run makes them again.
        for ending in (PRINT, *OUTPUTS, RECORD):
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
    record = spec.folder / f"{spec.name}{RECORD}"
    error, notebook = outcome.error, None
    try:
        spec.folder.mkdir(parents=True, exist_ok=True)
        staged.mkdir(parents=True, exist_ok=True)
        with exclusive(spec.folder):
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
