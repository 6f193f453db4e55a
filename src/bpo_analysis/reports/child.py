"""What happens in the process of one report: execute, render, write. Everything goes to a staging folder."""

from __future__ import annotations

import concurrent.futures
import contextlib
import faulthandler
import gc
import json
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError
from pebble import ProcessExpired

from bpo_analysis.csv_text import csv_text
from bpo_analysis.data import open_dataset
from bpo_analysis.data.overview import known_overview
from bpo_analysis.data.reads import Read, recording
from bpo_analysis.errors import BpoAnalysisError
from bpo_analysis.reports.inputs import inputs_of, output_digests
from bpo_analysis.reports.plan import ReportSpec
from bpo_analysis.reports.record import RECORD, record_json, start_record
from bpo_analysis.reports.render import collect_record, render_report

try:
    import resource
except ImportError:  # Windows has no limits of this kind
    resource = None  # type: ignore[assignment]

__all__ = ["Outcome", "Setting", "make_report", "outcome_of"]

_OBJECTS_BETWEEN_COLLECTIONS: Final = 100_000
_NO_MEMORY: Final = ("MemoryError", "_ArrayMemoryError", "ArrowMemoryError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the process of a report gets from its caller.

    Parameters
    ----------
    environment : mapping of str to str
        The caller's environment variables; those of the process are as old as the one it was forked from.
    memory : int, optional
        Bytes it may take for itself; beyond them memory runs out for this report alone.
    fingerprint : str
        Of the dataset that was planned with. A report whose data changed meanwhile counts as not up to date.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    fingerprint: str = ""
    instead: Mapping[str, str] = field(default_factory=dict)
    """Values that some parameters have on this machine: copies of files that lie elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a child process says about its report.

    Parameters
    ----------
    seconds : float
        How long it took.
    error, exception : str
        What went wrong, in words and as the name of the exception; empty if nothing did.
    cell : int or None
        Number of the failed cell as the notebook shows it.
    """

    seconds: float
    error: str = ""
    exception: str = ""
    cell: int | None = None


def make_report(spec: ReportSpec, folder: Path, setting: Setting) -> Outcome:
    """Make all files of one report in its staging folder.

    Parameters
    ----------
    spec : ReportSpec
        The report.
    folder : Path
        A folder that does not exist yet.
    setting : Setting

    Returns
    -------
    Outcome
        This is the process boundary: what goes wrong in here is returned, not raised.
    """
    started = time.monotonic()

    def failed(error: str, exception: str, cell: int | None = None) -> Outcome:
        return Outcome(seconds=time.monotonic() - started, error=error, exception=exception, cell=cell)

    try:
        os.environ.update(setting.environment)
        _end_with_parent()
        folder.mkdir(parents=True)
        _redirect(folder / "log.txt")
        # Temporary files of a report that is killed go with its staging folder.
        tempfile.tempdir = str(folder)
        _limit_memory(setting.memory)
        # Looking for cycles every 700 objects would cost a twentieth of a report, which ends before they matter.
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        _make(spec, folder, setting, started)
    except PapermillExecutionError as error:
        return failed(_told(error.evalue or error.ename, error.ename, setting), error.ename, error.exec_count)
    except Exception as error:  # noqa: BLE001 - whatever a template, a disk or a library can raise fails this report only
        name = type(error).__name__
        return failed(_told(str(error) or name, name, setting), name)
    return Outcome(seconds=time.monotonic() - started)


def _make(spec: ReportSpec, folder: Path, setting: Setting, started: float) -> None:
    """Execute, render and write."""
    path = folder / f"{spec.name}.ipynb"
    # papermill fills in braces in paths; a folder may have them in its name.
    source, target = (str(each).replace("{", "{{").replace("}", "}}") for each in (spec.template, path))
    data = Path(spec.parameters.get("data", ""))
    with recording(data) as reads:
        told = {**spec.parameters, **setting.instead}
        notebook = papermill.execute_notebook(source, target, told, engine_name="bpo", progress_bar=False)
    # The staging folder is gone by the time somebody reads this.
    notebook.metadata.papermill["output_path"] = str(spec.folder / path.name)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
    found = collect_record(notebook)
    kpis = found.pop("kpis", None)
    if kpis:
        text = kpis if isinstance(kpis, str) else csv_text(kpis)
        (folder / f"{spec.name}.kpis.csv").write_text(text, encoding="utf-8")
    # The index names every partner: a page made for one of them does not lead there.
    index = "" if spec.parameters.get("edition") == "partner" else "../index.html"
    (folder / f"{spec.name}.html").write_text(render_report(notebook, index=index), encoding="utf-8")
    record = start_record(spec, status="ok", seconds=time.monotonic() - started) | found
    record["inputs"] = _inputs(replace(spec, parameters=told), reads, setting.fingerprint)
    record["outputs"] = output_digests(folder, spec.name)
    (folder / f"{spec.name}{RECORD}").write_text(record_json(record), encoding="utf-8")


def _inputs(spec: ReportSpec, reads: Mapping[Path, set[Read]], fingerprint: str) -> dict[str, Any] | None:
    """What the report was made from; None where that cannot be told, and the next run makes it again."""
    data = Path(spec.parameters.get("data", "")).resolve()
    if set(reads) - {data}:
        return None  # it looked at another dataset as well
    try:
        overview = known_overview(data) or open_dataset(data).overview
    except BpoAnalysisError:
        return None  # a template that reads no dataset
    if fingerprint not in ("", overview.fingerprint):
        return None  # the data changed while it was made
    return inputs_of(spec, reads.get(data), overview)


def _told(text: str, exception: str, setting: Setting) -> str:
    if exception not in _NO_MEMORY or setting.memory is None:
        return text
    return f"Memory ran out at the limit of {setting.memory / 1e9:.1f} GB for this report (--memory). {text}"


def _limit_memory(allowed: int | None) -> None:
    """Let memory run out in this process before it runs out for all."""
    taken = Path("/proc/self/statm")
    if allowed is None or resource is None or not taken.is_file():
        return
    # The limit is on addresses, of which a warm process has many that cost nothing: what counts is what comes on top.
    now = int(taken.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = now + allowed if hard == resource.RLIM_INFINITY else min(now + allowed, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _end_with_parent() -> None:
    """End this process when the run that wanted it is gone: after ``kill -9`` nobody is left to stop it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="bpo-parent").start()


def _redirect(log: Path) -> None:
    """Send what native code and shell commands print to a file: the terminal belongs to the progress bar."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    faulthandler.enable(2)


def outcome_of(future: concurrent.futures.Future[Outcome], folder: Path, timeout: float | None) -> Outcome:
    """Return what a child said, or what can be said about a child that can no longer speak.

    Parameters
    ----------
    future : Future of Outcome
        Of a pool of pebble's; done.
    folder : Path
        The child's staging folder.
    timeout : float, optional
        Its time limit in seconds.
    """
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
