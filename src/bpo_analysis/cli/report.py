"""``bpo report`` and ``bpo index``: make reports, their index pages and their PDF files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console

from bpo_analysis.cli.printing import print_table, printable
from bpo_analysis.cli.root import cli
from bpo_analysis.errors import BpoAnalysisError, ReportError

# What a command needs is imported when it runs: "bpo --help" and a misspelt option should answer at once.
if TYPE_CHECKING:
    from concurrent.futures import Executor

    from bpo_analysis.data.overview import Overview
    from bpo_analysis.reports.execute import ReportRun
    from bpo_analysis.reports.mirror import Mirror
    from bpo_analysis.reports.pdf import Paper, Printer
    from bpo_analysis.reports.place import Place
    from bpo_analysis.reports.plan import ReportSpec
    from bpo_analysis.reports.prints import PrintRun


_PATIENCE_S: Final = 20
"""How long a scheduler may take to answer."""


def _assignments(_context: click.Context, _option: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    """Read ``-p name=value``."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"write -p name=value, got {text!r}.")
        if name.strip() in found:
            raise click.BadParameter(f"{name.strip()!r} is given twice.")
        found[name.strip()] = value
    return found


@cli.command(short_help="Make the reports and their index page.")
@click.argument("templates", nargs=-1, metavar="[TEMPLATE]...")
@click.option("--data", required=True, metavar="DATA", help="Dataset: a folder with a dataset.toml.")
@click.option(
    "--period",
    default="",
    help="Period such as 2026-03; default: the last complete month (day, week, quarter) in the data.",
)
@click.option("--partner", "partners", multiple=True, metavar="NAME", help="Only this partner (repeatable).")
@click.option("--out", default="reports", show_default=True, help="Output folder, or a URL such as s3://bucket/prefix.")
@click.option("--jobs", type=click.IntRange(min=1), help="Reports at a time; default: one for every core.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=900,
    show_default=True,
    help="Seconds after which a report is stopped.",
)
@click.option(
    "--memory",
    type=click.FloatRange(min=0, min_open=True),
    metavar="GB",
    help="Memory each report may take; default: its share of this machine, at least 1.",
)
@click.option(
    "--executor",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="Where reports run: here, or on the workers of a Dask cluster.",
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="Dask scheduler, such as tcp://10.0.0.5:8786.")
@click.option("--force", is_flag=True, help="Make every report, also those that are up to date.")
@click.option("--pdf", is_flag=True, help="Print every page and the index to PDF too, through an installed Chromium.")
@click.option(
    "--paper",
    type=click.Choice(["A4", "letter"], case_sensitive=False),
    help="Paper of the PDFs; default: A4.",
)
@click.option("--explain", is_flag=True, help="Say for every report why it is made, or that it is up to date.")
@click.option(
    "-p",
    "parameters",
    multiple=True,
    callback=_assignments,
    metavar="NAME=VALUE",
    help="Parameter (repeatable).",
)
def report(
    templates: Sequence[str],
    data: str,
    period: str,
    partners: Sequence[str],
    out: str,
    jobs: int | None,
    timeout: float,
    memory: float | None,
    *,
    executor: str,
    scheduler: str,
    force: bool,
    pdf: bool,
    paper: Paper | None,
    explain: bool,
    parameters: dict[str, str],
) -> int:
    """Make the reports of every partner, and an index page; print its path.

    TEMPLATE is a name from "bpo templates" or the path of a notebook; by default the monthly partner review. A report
    is made again only if something it is made from has changed.
    """
    from bpo_analysis.reports.mirror import Mirror, is_url
    from bpo_analysis.reports.neighbours import link_indexes, link_reports
    from bpo_analysis.reports.place import OutputFolder
    from bpo_analysis.reports.plan import DEFAULT_TEMPLATE, check_given, find_template, is_about_pilots
    from bpo_analysis.reports.staging import check_output_folder

    # From the quickest check to the slowest, so that a mistake is told at once.
    notebooks = [find_template(name) for name in dict.fromkeys(templates or [DEFAULT_TEMPLATE])]
    check_given(notebooks, parameters)
    if (executor == "dask") != bool(scheduler):
        raise click.UsageError("--executor dask and --scheduler ADDRESS belong together.")
    printer = _printer(pdf=pdf, paper=paper)
    mirror = Mirror(out) if is_url(out) else None
    folder = mirror.folder if mirror else Path(out)
    check_output_folder(folder, len(notebooks))
    overview, pilots = _look_at(data, with_pilots=any(map(is_about_pilots, notebooks)))
    specs = _planned(overview, pilots, notebooks, folder, period=period, partners=partners, parameters=parameters)
    reasons = ["--force"] * len(specs) if force else _reasons(specs, overview, mirror)
    if explain:
        for spec, reason in zip(specs, reasons, strict=True):
            click.echo(printable(f"{spec.partner_name}, {spec.name}: {reason or 'up to date'}"), err=True)
    wanted = [spec for spec, reason in zip(specs, reasons, strict=True) if reason]
    check_output_folder(folder, len(wanted))
    limit = None if memory is None else int(memory * 1e9)
    options = {"jobs": jobs, "timeout": timeout, "memory": limit, "fingerprint": overview.fingerprint}
    runs = _run(wanted, scheduler=scheduler, mirror=mirror, **options) if wanted else []
    folders = list(dict.fromkeys(spec.folder.parent for spec in specs))
    place = mirror or OutputFolder()
    for each in folders:
        link_reports(each, place)
    prints = _print_pages(specs, printer, place, jobs) if printer else []
    pages = _indexes(folders, runs, overview)
    prints += [_print_index(page, printer, mirror) for page in pages] if printer else []
    addresses = [mirror.send_page(page) if mirror else str(page) for page in pages]
    for each in folders:
        link_indexes(each, place)
    failed = [run for run in runs if run.status == "failed"]
    _show_failures(failed, len(runs), up_to_date=len(specs) - len(runs))
    _show_prints(prints)
    for address in addresses:
        click.echo(address)
    return 1 if failed or any(one.status == "failed" for one in prints) else 0


def _planned(
    overview: Overview, pilots: Mapping[str, str], notebooks: Sequence[Path], out: Path, *,
    period: str, partners: Sequence[str], parameters: dict[str, str],
) -> list[ReportSpec]:  # fmt: skip
    """Return every report that is asked for, each template in the period it is made for."""
    from bpo_analysis.reports.plan import accepted_by, plan_reports

    return [
        spec
        for when, alike in _by_period(overview, period, notebooks).items()
        for spec in plan_reports(
            alike,
            overview.partners,
            period=when,
            data=overview.path,
            out=out,
            chosen=[overview.find_partner(name) for name in partners],
            pilots=pilots,
            pilots_until=period,
            parameters=accepted_by(alike, parameters),
        )
    ]


def _reasons(specs: Sequence[ReportSpec], overview: Overview, mirror: Mirror | None) -> list[str]:
    """Say for each report why it has to be made; empty where it is up to date."""
    from bpo_analysis.reports.inputs import reason_to_run
    from bpo_analysis.reports.record import RECORD, read_record

    are_there = mirror.has_outputs if mirror else None
    records = (read_record(spec.folder / f"{spec.name}{RECORD}") for spec in specs)
    return [
        reason_to_run(spec, record, overview, are_there=are_there) for spec, record in zip(specs, records, strict=True)
    ]


def _indexes(folders: Sequence[Path], runs: Sequence[ReportRun], overview: Overview) -> list[Path]:
    """Write the index of each period."""
    from bpo_analysis.reports.portal import write_index

    about = f"{overview.name}, fingerprint {overview.fingerprint[:12]}"
    return [
        write_index(each, [run for run in runs if run.folder.parent == each], title=overview.title, data=about)
        for each in folders
    ]


def _look_at(data: str, *, with_pilots: bool) -> tuple[Overview, dict[str, str]]:
    """Return what a run needs to know of a dataset, preparing it only if it is not prepared or has changed.

    The second is the partner_id of every pilot. A pilot file with a mistake in it must not stop the reviews of
    partners, so pilots are read only where a template is about them.
    """
    from bpo_analysis.data.overview import known_overview

    known = None if with_pilots else known_overview(data)
    if known is not None:
        return known, {}
    from bpo_analysis.reports.workers import start_workers

    start_workers()  # they import while this process does
    from bpo_analysis.data import open_dataset

    dataset = open_dataset(data).prepare()
    return dataset.overview, {pilot.id: pilot.partner_id for pilot in dataset.pilots.values()} if with_pilots else {}


def _run(specs: Sequence[ReportSpec], *, scheduler: str, mirror: Mirror | None, **options: Any) -> list[ReportRun]:
    """Run reports here or on a cluster, and send what they made to where it belongs."""
    if not scheduler:
        from bpo_analysis.reports.workers import start_workers

        start_workers()
    from bpo_analysis.reports.execute import run_reports

    with _progress(specs) as tell, _executor(scheduler) as executor:

        def done(run: ReportRun) -> None:
            if mirror is not None:
                mirror.send(run.folder, run.template)
            tell(run)

        return run_reports(specs, on_done=done, executor=executor, **options)


def _printer(*, pdf: bool, paper: Paper | None) -> Printer | None:
    """Find what prints, before any work: nobody wants to hear an hour later that there is no Chromium."""
    if not pdf:
        if paper:
            raise click.UsageError("--paper belongs to --pdf.")
        return None
    from bpo_analysis.reports.pdf import find_printer

    return find_printer(paper or "A4")


def _print_pages(specs: Sequence[ReportSpec], printer: Printer, place: Place, jobs: int | None) -> list[PrintRun]:
    from bpo_analysis.reports.prints import print_reports

    def tell(run: PrintRun) -> None:
        if run.status != "up to date":
            state = "FAILED" if run.status == "failed" else "ok"
            name = printable(f"{run.partner_name}, {run.template}")
            click.echo(f"PDF of {name}: {state} ({run.seconds:.1f} s)", err=True)

    return print_reports(specs, printer, place=place, jobs=jobs, on_done=tell)


def _print_index(page: Path, printer: Printer, mirror: Mirror | None) -> PrintRun:
    from bpo_analysis.reports.prints import print_index

    run = print_index(page, printer)
    if mirror is not None and run.status != "failed":
        mirror.send_page(page.with_suffix(".pdf"))
    return run


def _show_prints(prints: Sequence[PrintRun]) -> None:
    if not prints:
        return
    failed = [run for run in prints if run.status == "failed"]
    printed = sum(run.status == "ok" for run in prints)
    current = len(prints) - printed - len(failed)
    click.echo(f"PDF: {printed} printed, {current} up to date, {len(failed)} failed.", err=True)
    if failed:
        rows = ([run.partner_name, run.template, run.error] for run in failed)
        print_table(["partner", "page", "why it was not printed"], rows, stderr=True)


@contextmanager
def _executor(scheduler: str) -> Iterator[Executor | None]:
    """Give the executor of a Dask cluster; none without an address."""
    if not scheduler:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise click.UsageError("--executor dask needs: pip install 'bpo-analysis[cluster]'.") from None
    try:
        client = Client(scheduler, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ReportError(f"No Dask scheduler answers at {scheduler}: {error}") from error
    with client:
        # Reports are not pure functions of their arguments: one asked for twice is made twice.
        yield client.get_executor(pure=False)


@cli.command()
@click.argument("out", type=click.Path(path_type=Path, exists=True, file_okay=False), default="reports")
def index(out: Path) -> int:
    """Write one page above all index pages below OUT, and print its path."""
    from bpo_analysis.reports.portal import write_shelf

    click.echo(str(write_shelf(out.resolve())))
    return 0


def _by_period(overview: Overview, text: str, notebooks: Sequence[Path]) -> dict[str, list[Path]]:
    """Group templates by the period they are made for: the one given, or the last complete one of their usual kind."""
    from bpo_analysis.reports.parameters import usual_period

    found: dict[str, list[Path]] = {}
    for notebook in notebooks:
        try:
            period = overview.period(text, grain=usual_period(notebook))
        except BpoAnalysisError:
            raise
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        found.setdefault(period.label, []).append(notebook)
    return found


@contextmanager
def _progress(specs: Sequence[ReportSpec]) -> Iterator[Callable[[ReportRun], None]]:
    """Show how far the reports are: a bar on a terminal, a line for each report elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        done: list[ReportRun] = []

        def tell(run: ReportRun) -> None:
            done.append(run)
            state = "ok" if run.status == "ok" else f"FAILED: {_where(run)}"
            name = printable(f"{run.partner_name}, {run.template}")
            click.echo(f"[{len(done)}/{len(specs)}] {name}: {state} ({run.seconds:.1f} s)", err=True)

        yield tell
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    trouble = TextColumn("{task.fields[last]}")
    columns = TextColumn("Reports"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), trouble
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=len(specs), last="")
        failed: list[ReportRun] = []

        def advance(run: ReportRun) -> None:
            if run.status == "failed":
                failed.append(run)
            bar.update(task, advance=1, last=f"{len(failed)} failed" if failed else "")

        yield advance


def _show_failures(failed: Sequence[ReportRun], total: int, *, up_to_date: int) -> None:
    if up_to_date:
        click.echo(f"{up_to_date} {'report is' if up_to_date == 1 else 'reports are'} up to date.", err=True)
    if not failed:
        if total:
            click.echo(f"{total} {'report' if total == 1 else 'reports'} complete.", err=True)
        return
    click.echo(f"{len(failed)} of {total} reports failed:", err=True)
    rows = (
        [run.partner_name, run.template, _where(run), run.error, str(run.notebook) if run.notebook else "nothing"]
        for run in failed
    )
    print_table(["partner", "report", "where", "what happened", "kept"], rows, stderr=True)


def _where(run: ReportRun) -> str:
    return f"cell In [{run.cell}], {run.exception}" if run.cell else run.exception
