"""The ``bpo`` command: run reports, list what there is, check data."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import bpo_analysis
from bpo_analysis.errors import BpoAnalysisError, ParameterError, ReportError

# What a command needs is imported when it runs: "bpo --help" and a misspelt option should answer at once.
if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pandas as pd

    from bpo_analysis.data.overview import Overview
    from bpo_analysis.data.pilots.fitness import PilotFindings
    from bpo_analysis.data.schema import Column
    from bpo_analysis.importing.profile import DateOrder
    from bpo_analysis.reports.execute import ReportRun
    from bpo_analysis.reports.mirror import Mirror
    from bpo_analysis.reports.plan import ReportSpec

__all__ = ["main"]

_INTERRUPTED: Final = 130
_PATIENCE_S: Final = 20
"""How long a scheduler may take to answer."""
_WIDTH_OF_A_FILE: Final = 160


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    args : sequence of str, optional
        Arguments; by default those of the process.

    Returns
    -------
    int
        0 if all went well, 1 if a report or the data failed, 2 for wrong usage, 130 after Ctrl-C.
    """
    try:
        code = cli.main(args=None if args is None else list(args), prog_name="bpo", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        told = (
            "Interrupted. Finished reports are complete; nothing half-written is left. The next run makes the others."
        )
        click.echo(told, err=True)
        return _INTERRUPTED
    except BpoAnalysisError as error:
        click.echo(f"Error: {_printable(str(error))}", err=True)
        return 2 if isinstance(error, ParameterError) else 1
    except BrokenPipeError:  # "bpo kpis | head" closed the pipe; there is nobody left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a disk that filled up or went away between two reports
        click.echo(f"Error: {error}", err=True)
        return 1
    return code if isinstance(code, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(bpo_analysis.__version__, prog_name="bpo")
def cli() -> None:
    """Turn a client's exports into every partner's review."""


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
    explain: bool,
    parameters: dict[str, str],
) -> int:
    """Make the reports of every partner, and an index page; print its path.

    TEMPLATE is a name from "bpo templates" or the path of a notebook; by default the monthly partner review. A report
    is made again only if something it is made from has changed.
    """
    from bpo_analysis.reports.inputs import reason_to_run
    from bpo_analysis.reports.mirror import Mirror, is_url
    from bpo_analysis.reports.plan import (
        DEFAULT_TEMPLATE,
        accepted_by,
        check_given,
        find_template,
        is_about_pilots,
        plan_reports,
    )
    from bpo_analysis.reports.portal import write_index
    from bpo_analysis.reports.record import read_record
    from bpo_analysis.reports.staging import check_output_folder

    # From the quickest check to the slowest, so that a mistake is told at once.
    notebooks = [find_template(name) for name in dict.fromkeys(templates or [DEFAULT_TEMPLATE])]
    check_given(notebooks, parameters)
    if (executor == "dask") != bool(scheduler):
        raise click.UsageError("--executor dask and --scheduler ADDRESS belong together.")
    mirror = Mirror(out) if is_url(out) else None
    folder = mirror.folder if mirror else Path(out)
    check_output_folder(folder, len(notebooks))
    overview, pilots = _look_at(data, with_pilots=any(map(is_about_pilots, notebooks)))
    specs = [
        spec
        for when, alike in _by_period(overview, period, notebooks).items()
        for spec in plan_reports(
            alike,
            overview.partners,
            period=when,
            data=overview.path,
            out=folder,
            chosen=[overview.find_partner(name) for name in partners],
            pilots=pilots,
            pilots_until=period,
            parameters=accepted_by(alike, parameters),
        )
    ]
    records = (read_record(spec.folder / f"{spec.name}.run.json") for spec in specs)
    reasons = [
        "--force" if force else reason_to_run(spec, record, overview, are_there=mirror.has_outputs if mirror else None)
        for spec, record in zip(specs, records, strict=True)
    ]
    if explain:
        for spec, reason in zip(specs, reasons, strict=True):
            click.echo(_printable(f"{spec.partner_name}, {spec.name}: {reason or 'up to date'}"), err=True)
    wanted = [spec for spec, reason in zip(specs, reasons, strict=True) if reason]
    check_output_folder(folder, len(wanted))
    limit = None if memory is None else int(memory * 1e9)
    options = {"jobs": jobs, "timeout": timeout, "memory": limit, "fingerprint": overview.fingerprint}
    runs = _run(wanted, scheduler=scheduler, mirror=mirror, **options) if wanted else []
    about = f"{overview.name}, fingerprint {overview.fingerprint[:12]}"
    pages = [
        write_index(place, [run for run in runs if run.folder.parent == place], title=overview.title, data=about)
        for place in dict.fromkeys(spec.folder.parent for spec in specs)
    ]
    addresses = [mirror.send_page(page) if mirror else str(page) for page in pages]
    failed = [run for run in runs if run.status == "failed"]
    _show_failures(failed, len(runs), up_to_date=len(specs) - len(runs))
    for address in addresses:
        click.echo(address)
    return 1 if failed else 0


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


@cli.command()
def templates() -> int:
    """List the report templates and their parameters."""
    from bpo_analysis.reports.parameters import REQUIRED, describe_template, read_parameters
    from bpo_analysis.reports.plan import list_templates

    for name, path in list_templates().items():
        click.echo(f"{name}: {_printable(describe_template(path))}")
        for parameter in read_parameters(path):
            default = "required" if parameter.default is REQUIRED else f"default {parameter.default!r}"
            click.echo(_printable(f"    {parameter.name}: {parameter.type}, {default}. {parameter.help}".rstrip()))
        click.echo(f"    ({path})\n")
    return 0


@cli.command()
@click.option("--data", metavar="DATA", help="Dataset whose variants and own KPIs are listed.")
def kpis(data: str | None) -> int:
    """List the KPIs with their definitions."""
    from bpo_analysis.data import open_dataset
    from bpo_analysis.kpis import FAMILIES, KPIS

    known = KPIS if data is None else open_dataset(data).kpis
    rows = ([k.name, k.label, k.unit, k.better, k.timing, k.definition] for k in known.values())
    _print_table(["name", "label", "unit", "better", "role", "definition"], rows)
    members = (kpi for family in FAMILIES.values() for kpi in family.values())
    variants = ([kpi.name, kpi.variant, re.sub(r"[{}]", "", kpi.definition)] for kpi in members)
    _print_table(["family", "variant", "definition"], variants, title="Families: choose a variant in dataset.toml")
    return 0


@cli.command(short_help="Check a dataset and account for every row.")
@click.argument("data", metavar="DATA")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def check(data: str, *, as_json: bool) -> int:
    """Read a dataset, print everything that is wrong with it, and account for every row."""
    from bpo_analysis.data import open_dataset

    dataset = open_dataset(data)
    result = dataset.check()
    authored = dataset.authored_problems() if result.ok else []
    sound = result.ok and not authored
    if as_json:
        parts = {"problems": result.problems, "accounting": result.accounting}
        tables = {name: json.loads(frame.to_json(orient="records", date_format="iso")) for name, frame in parts.items()}
        said = {"ok": sound, **tables, "notes": list(result.notes), "authored": authored}
        click.echo(json.dumps(said, indent=1, ensure_ascii=False))
        return 0 if sound else 1
    if len(result.problems):
        _print_frame(result.problems, title="Problems")
    elif not authored:
        click.echo("No problems found.")
    if result.problems["row"].notna().any():
        click.echo("Rows are counted below the header: row 1 is line 2 of a CSV file.")
    for note in result.notes:
        click.echo(f"Note: {_printable(note)}")
    _print_frame(result.accounting, title="Rows")
    pilots = dataset.pilot_problems() if result.ok else {}
    if pilots:
        bad = sum(
            isinstance(found, BpoAnalysisError) or bool(dataset.pilot_findings(name).unfit)
            for name, found in pilots.items()
        )
        click.echo(f"Pilots: {len(pilots)}, {bad or 'none'} with problems ('bpo pilot list {data}' names them).")
    for problem in authored:
        click.echo(f"Error: {_printable(problem)}", err=True)
    return 0 if sound else 1


@cli.command(name="import", short_help="Take the export of a ticket, phone or quality system into a dataset.")
@click.argument("profile", metavar="[PROFILE]", required=False)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.option("--into", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Dataset folder.")
@click.option("--list", "as_list", is_flag=True, help="List the profiles.")
@click.option("--show", metavar="PROFILE", help="Print a profile, to start your own from.")
@click.option("--timezone", default="", metavar="ZONE", help="Zone of times in the export that name none.")
@click.option("--dataset-timezone", default="", metavar="ZONE", help="Zone of a new dataset; default: the export's.")
@click.option("--day-first", "order", flag_value="day-first", help="Dates are written with the day first.")
@click.option("--month-first", "order", flag_value="month-first", help="Dates are written with the month first.")
@click.option("--partner", default="", metavar="ID", help="All rows belong to this partner.")
@click.option(
    "--partner-map", type=click.Path(path_type=Path), help="Whose rows are whose; default: DIR/partners-map.toml."
)
@click.option("--exported-on", type=click.DateTime(), help="When the files were exported; default: last changed.")
@click.option("--table", default="", metavar="NAME", help="Table the generic profile fills; default: the file's name.")
@click.option(
    "--threshold", type=click.FloatRange(min=0), help="Which service-level threshold, where there are several."
)
@click.option("--id-prefix", default="", metavar="TEXT", help="Put before the numbers of contacts of a second system.")
@click.option("--hash-agents", is_flag=True, help="Hash agents as customers always are.")
def import_(
    profile: str | None, files: Sequence[Path], into: Path | None, *, as_list: bool, show: str | None,
    order: DateOrder | None, exported_on: datetime | None, threshold: float | None, **given: Any,
) -> int:  # fmt: skip
    """Take exports of one system into the tables of a dataset folder, and account for every row.

    PROFILE is a name from "bpo import --list", or the path of a TOML file of your own.
    """
    from bpo_analysis.importing import (
        ImportOptions,
        describe_dataset,
        import_files,
        load_profile,
        profile_names,
        profile_text,
    )

    if show:
        click.echo(profile_text(show).rstrip())
        return 0
    if as_list:
        known = [load_profile(name) for name in profile_names()]
        rows = ([found.name, found.title, ", ".join(found.tables) or "any", found.about] for found in known)
        _print_table(["profile", "export", "tables", "about"], rows)
        return 0
    if not profile or not files or into is None:
        raise click.UsageError("Write: bpo import PROFILE FILE... --into DIR. 'bpo import --list' shows the profiles.")
    options = ImportOptions(order=order or "", threshold_s=threshold, exported_on=exported_on, **given)
    result = import_files(profile, files, into, options)
    for account in result.accounts:
        _print_table(["", ""], account.lines())
    for message in (*result.messages, *([describe_dataset(into)] if result.used else [])):
        click.echo(f"\n{_printable(message)}")
    return 0 if result.used else 1


@cli.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def tables(names: Sequence[str]) -> int:
    """List the tables of the data model, or the columns of those named."""
    from bpo_analysis.data.schema import TABLES
    from bpo_analysis.errors import UnknownNameError

    if not names:
        needed = {"partners": "required", "targets": "required, but for pilots", "volume": "required, or interactions"}
        rows = ([t.name, needed.get(t.name, ""), ", ".join(t.key), t.about] for t in TABLES.values())
        _print_table(["table", "", "one row for each", "what it holds"], rows)
    for name in names:
        if name not in TABLES:
            raise UnknownNameError("table", name, TABLES)
        columns = (
            [c.name, c.type, "required" if c.required else "", _allowed(c), c.about] for c in TABLES[name].columns
        )
        _print_table(["column", "type", "", "values", "what it means"], columns, title=f"{name}: {TABLES[name].about}")
    return 0


@cli.command(short_help="Make a dataset folder to fill in.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--tables", "names", default="", metavar="A,B", help="Only these tables and the required ones.")
@click.option("--no-examples", "bare", is_flag=True, help="Headers only, without example rows.")
def new(folder: Path, names: str, *, bare: bool) -> int:
    """Make DIR with every table's header and an example row, a data dictionary and a commented dataset.toml."""
    from bpo_analysis.data.blank import DICTIONARY, new_dataset

    chosen = [name.strip() for name in names.split(",") if name.strip()]
    made = new_dataset(folder, tables=chosen, examples=not bare)
    click.echo(f"{len(list(made.glob('*.csv')))} tables, {DICTIONARY} and dataset.toml.", err=True)
    click.echo(str(made))
    return 0


@cli.group()
def pilot() -> None:
    """Register pilots before they start, and list them."""


@pilot.command(short_help="Check a pilot and freeze its plan.")
@click.argument("data", metavar="DATA")
@click.argument("pilot_id", metavar="ID")
@click.option("--amend", "reason", default="", metavar="REASON", help="Why a registered pilot was changed.")
def register(data: str, pilot_id: str, reason: str) -> int:
    """Check the pilot in DATA/pilots/ID.toml and write its registration beside it, for git to hold.

    Reports show the registration, every later change, and a registration after the start.
    """
    from bpo_analysis.data import open_dataset
    from bpo_analysis.data.pilots.registration import read_registration, register_pilot

    dataset = open_dataset(data)
    spec = dataset.find_pilot(pilot_id)
    before = read_registration(spec)
    file = register_pilot(dataset, spec.id, reason=reason)
    known = before.state == "registered"
    click.echo(
        f"{'Nothing to do: registered as it is. ' if known else ''}{_printable(read_registration(spec).sentence)}"
    )
    click.echo(str(file))
    _tell_findings(dataset.pilot_findings(spec.id), str(spec.file))
    return 0


@pilot.command(name="list")
@click.argument("data", metavar="DATA")
def list_pilots(data: str) -> int:
    """List the pilots of a dataset and whether they are registered."""
    from bpo_analysis.data import open_dataset
    from bpo_analysis.data.pilots.registration import read_registration

    dataset = open_dataset(data)
    found = dataset.pilot_problems()
    bad = [error for error in found.values() if isinstance(error, BpoAnalysisError)]
    rows = []
    for name, spec in found.items():
        if isinstance(spec, BpoAnalysisError):
            rows.append([name, "", "", "", "", "has problems, see below"])
            continue
        told = read_registration(spec).label
        rows.append([name, spec.title, spec.partner_id, str(spec.start), str(spec.end), told])
    if not rows:
        click.echo("No pilots. Write one in pilots/<id>.toml (docs/pilots.md).")
        return 0
    _print_table(["pilot", "title", "partner", "start", "end", "registration"], rows)
    for error in bad:
        click.echo(f"Error: {_printable(str(error))}", err=True)
    for spec in found.values():
        if not isinstance(spec, BpoAnalysisError):
            _tell_findings(dataset.pilot_findings(spec.id), str(spec.file))
    return 1 if bad else 0


def _tell_findings(found: PilotFindings, place: str) -> None:
    for sentence in (*found.unfit, *found.remarks):
        click.echo(f"Warning: {_printable(f'{place} {sentence}')}", err=True)


def _allowed(column: Column) -> str:
    if column.choices:
        return ", ".join(column.choices)
    low, high = column.lower, column.upper
    if low is None and high is None:
        return ""
    return f"from {low:g}" if high is None else f"{low:g} to {high:g}" if low is not None else f"up to {high:g}"


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
            name = _printable(f"{run.partner_name}, {run.template}")
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
    _print_table(["partner", "report", "where", "what happened", "kept"], rows, stderr=True)


def _where(run: ReportRun) -> str:
    return f"cell In [{run.cell}], {run.exception}" if run.cell else run.exception


def _print_frame(frame: pd.DataFrame, *, title: str) -> None:
    filled = frame.astype(object).where(frame.notna(), "")
    _print_table([str(name) for name in filled.columns], filled.itertuples(index=False), title=title)


def _print_table(
    columns: Sequence[str], rows: Iterable[Iterable[Any]], *, title: str | None = None, stderr: bool = False
) -> None:
    console = Console(stderr=stderr)
    if not console.is_terminal:  # a file or a pipe has no width of its own
        console = Console(stderr=stderr, width=_WIDTH_OF_A_FILE)
    table = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(Text(_printable(str(value))) for value in row))
    console.print(table)


def _printable(text: str) -> str:
    """Return text from data without the control characters that would command the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)


if __name__ == "__main__":
    sys.exit(main())
