"""Puts a PDF beside the page of every report, and prints again only what has changed."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from bpo_analysis.errors import ReportError
from bpo_analysis.reports.inputs import PRINT, output_digests
from bpo_analysis.reports.pdf import PdfError, Printer
from bpo_analysis.reports.place import Place
from bpo_analysis.reports.plan import ReportSpec
from bpo_analysis.reports.record import RECORD, read_record, record_json
from bpo_analysis.reports.staging import exclusive, write_atomically
from bpo_analysis.reports.workers import usable_cores

__all__ = ["PrintRun", "print_index", "print_reports"]

_TAIL: Final = 80
"""Bytes that hold the last line of a PDF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintRun:
    """What became of one PDF.

    Parameters
    ----------
    partner_name, template : str
        Of which report; of the index page its period and ``index``.
    status : {"ok", "up to date", "failed"}
        Whether it was printed, need not be, or could not be.
    seconds : float
        How long it took.
    error : str
        What went wrong.
    """

    partner_name: str
    template: str
    status: Literal["ok", "up to date", "failed"]
    seconds: float = 0.0
    error: str = ""


def print_reports(
    specs: Sequence[ReportSpec],
    printer: Printer,
    *,
    place: Place,
    jobs: int | None = None,
    on_done: Callable[[PrintRun], None] | None = None,
) -> list[PrintRun]:
    """Print the pages of reports whose PDF is missing or older than they are.

    Parameters
    ----------
    specs : sequence of ReportSpec
        The reports; those without a current page (they failed) are left out.
    printer : Printer
    place : Place
        Where the files are.
    jobs : int, optional
        Browsers at a time; by default one for every usable core.
    on_done : callable, optional
        Called in this thread with each PrintRun as it is done.

    Returns
    -------
    list of PrintRun
        In the order they were done. One that failed changes nothing for the others.
    """
    made = [spec for spec in specs if (read_record(_record(spec)) or {}).get("status") == "ok"]
    done = []
    with concurrent.futures.ThreadPoolExecutor(max(1, min(jobs or usable_cores(), len(made)))) as pool:
        futures = [pool.submit(_tried, spec, printer, place) for spec in made]
        try:
            for future in concurrent.futures.as_completed(futures):
                done.append(future.result())
                if on_done is not None:
                    on_done(done[-1])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return done


def print_index(page: Path, printer: Printer) -> PrintRun:
    """Print the index page of a period, unless its PDF is that of the page as it is now.

    Parameters
    ----------
    page : Path
        The index; the PDF goes beside it.
    printer : Printer
    """
    started, target = time.monotonic(), page.with_suffix(PRINT)
    content = page.read_bytes()
    is_new, error = not _ends_with(target, printer.mark(content)), ""
    try:
        if is_new:
            write_atomically(target, printer.print_page(content))
    except (ReportError, OSError) as trouble:
        error = str(trouble)
    return _outcome(page.parent.name, page.stem, started, is_new=is_new, error=error)


def _record(spec: ReportSpec) -> Path:
    return spec.folder / f"{spec.name}{RECORD}"


def _tried(spec: ReportSpec, printer: Printer, place: Place) -> PrintRun:
    started, is_new, error = time.monotonic(), False, ""
    try:
        is_new = _print(spec, printer, place)
    except (ReportError, OSError) as trouble:
        error = str(trouble)
    return _outcome(spec.partner_name, spec.name, started, is_new=is_new, error=error)


def _outcome(partner: str, template: str, started: float, *, is_new: bool, error: str) -> PrintRun:
    status: Literal["ok", "up to date", "failed"] = "failed" if error else "ok" if is_new else "up to date"
    seconds = time.monotonic() - started
    return PrintRun(partner_name=partner, template=template, status=status, seconds=seconds, error=error)


def _print(spec: ReportSpec, printer: Printer, place: Place) -> bool:
    """Print a page if need be, and say whether it was printed."""
    page, target = spec.folder / f"{spec.name}.html", spec.folder / f"{spec.name}{PRINT}"
    record = read_record(_record(spec)) or {}
    known = record.get("pdf") or {}
    if place.has(target) and known == _vouched(record, printer, known.get("mark", "")):
        return False  # neither file need be looked into, wherever they lie
    if not place.bring(page):
        raise PdfError(f"{page.name} is gone since it was made; run the report again.")
    content = page.read_bytes()
    mark = printer.mark(content)
    is_new = not (place.has(target) and known.get("mark") == mark)
    made = printer.print_page(content) if is_new else b""
    with exclusive(spec.folder):
        record = read_record(_record(spec)) or {}
        made_now = output_digests(spec.folder, spec.name).get(".html")
        if record.get("status") != "ok" or record["outputs"].get(".html") != made_now:
            raise PdfError("The report was made again while its page was printed; run again.")
        if is_new:
            write_atomically(target, made)
        write_atomically(_record(spec), record_json(record | {"pdf": _vouched(record, printer, mark)}))
    if is_new:
        place.deliver(target)
    place.deliver(_record(spec))
    return is_new


def _vouched(record: Mapping[str, Any], printer: Printer, mark: str) -> dict[str, str]:
    """What the record says of a PDF: from which page, on which paper, and how it ends."""
    return {"page": (record.get("outputs") or {}).get(".html", ""), "paper": printer.paper, "mark": mark}


def _ends_with(file: Path, mark: str) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - _TAIL))
        return opened.read().endswith(f"{mark}\n".encode())
