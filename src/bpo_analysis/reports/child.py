"""What happens in the process of one report: execute, render, write. Everything goes to a staging folder."""

from __future__ import annotations

import faulthandler
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from bpo_analysis.reports.plan import ReportSpec
from bpo_analysis.reports.record import kpis_csv, record_json, start_record
from bpo_analysis.reports.render import collect_record, render_report

__all__ = ["Outcome", "make_report"]


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


def make_report(spec: ReportSpec, folder: Path, environment: Mapping[str, str]) -> Outcome:
    """Make all files of one report in its staging folder.

    Parameters
    ----------
    spec : ReportSpec
        The report.
    folder : Path
        A folder that does not exist yet.
    environment : mapping of str to str
        The caller's environment variables; those of this process are as old as the one it was forked from.

    Returns
    -------
    Outcome
        This is the process boundary: what goes wrong in here is returned, not raised.
    """
    started = time.monotonic()

    def failed(error: str, exception: str, cell: int | None = None) -> Outcome:
        return Outcome(seconds=time.monotonic() - started, error=error, exception=exception, cell=cell)

    try:
        os.environ.update(environment)
        folder.mkdir(parents=True)
        _redirect(folder / "log.txt")
        # Temporary files of a report that is killed go with its staging folder.
        tempfile.tempdir = str(folder)
        _make(spec, folder, started)
    except PapermillExecutionError as error:
        return failed(error.evalue or error.ename, error.ename, error.exec_count)
    except Exception as error:  # noqa: BLE001 - whatever a template, a disk or a library can raise fails this report only
        return failed(f"{error}" or type(error).__name__, type(error).__name__)
    return Outcome(seconds=time.monotonic() - started)


def _make(spec: ReportSpec, folder: Path, started: float) -> None:
    """Execute, render and write."""
    path = folder / f"{spec.name}.ipynb"
    # papermill fills in braces in paths; a folder may have them in its name.
    source, target = (str(each).replace("{", "{{").replace("}", "}}") for each in (spec.template, path))
    notebook = papermill.execute_notebook(source, target, spec.parameters, engine_name="bpo", progress_bar=False)
    # The staging folder is gone by the time somebody reads this.
    notebook.metadata.papermill["output_path"] = str(spec.folder / path.name)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
    found = collect_record(notebook)
    kpis = found.pop("kpis", None)
    if kpis:
        (folder / f"{spec.name}.kpis.csv").write_text(kpis_csv(kpis), encoding="utf-8")
    record = start_record(spec, status="ok", seconds=time.monotonic() - started) | found
    (folder / f"{spec.name}.run.json").write_text(record_json(record), encoding="utf-8")
    # The index names every partner: a page made for one of them does not lead there.
    index = "" if spec.parameters.get("edition") == "partner" else "../index.html"
    (folder / f"{spec.name}.html").write_text(render_report(notebook, index=index), encoding="utf-8")


def _redirect(log: Path) -> None:
    """Send what native code and shell commands print to a file: the terminal belongs to the progress bar."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    faulthandler.enable(2)
