"""Commands about data: check, import, new; and lists of what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bpo_analysis.cli.printing import print_frame, print_table, printable
from bpo_analysis.cli.root import cli
from bpo_analysis.errors import BpoAnalysisError

# What a command needs is imported when it runs: "bpo --help" and a misspelt option should answer at once.
if TYPE_CHECKING:
    from bpo_analysis.data.schema import Column
    from bpo_analysis.importing.profile import DateOrder


@cli.command()
def templates() -> int:
    """List the report templates and their parameters."""
    from bpo_analysis.reports.parameters import REQUIRED, describe_template, read_parameters
    from bpo_analysis.reports.plan import list_templates

    for name, path in list_templates().items():
        click.echo(f"{name}: {printable(describe_template(path))}")
        for parameter in read_parameters(path):
            default = "required" if parameter.default is REQUIRED else f"default {parameter.default!r}"
            click.echo(printable(f"    {parameter.name}: {parameter.type}, {default}. {parameter.help}".rstrip()))
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
    print_table(["name", "label", "unit", "better", "role", "definition"], rows)
    members = (kpi for family in FAMILIES.values() for kpi in family.values())
    variants = ([kpi.name, kpi.variant, re.sub(r"[{}]", "", kpi.definition)] for kpi in members)
    print_table(["family", "variant", "definition"], variants, title="Families: choose a variant in dataset.toml")
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
        print_frame(result.problems, title="Problems")
    elif not authored:
        click.echo("No problems found.")
    if result.problems["row"].notna().any():
        click.echo("Rows are counted below the header: row 1 is line 2 of a CSV file.")
    for note in result.notes:
        click.echo(f"Note: {printable(note)}")
    print_frame(result.accounting, title="Rows")
    pilots = dataset.pilot_problems() if result.ok else {}
    if pilots:
        bad = sum(
            isinstance(found, BpoAnalysisError) or bool(dataset.pilot_findings(name).unfit)
            for name, found in pilots.items()
        )
        click.echo(f"Pilots: {len(pilots)}, {bad or 'none'} with problems ('bpo pilot list {data}' names them).")
    for problem in authored:
        click.echo(f"Error: {printable(problem)}", err=True)
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
        print_table(["profile", "export", "tables", "about"], rows)
        return 0
    if not profile or not files or into is None:
        raise click.UsageError("Write: bpo import PROFILE FILE... --into DIR. 'bpo import --list' shows the profiles.")
    options = ImportOptions(order=order or "", threshold_s=threshold, exported_on=exported_on, **given)
    result = import_files(profile, files, into, options)
    for account in result.accounts:
        print_table(["", ""], account.lines())
    for message in (*result.messages, *([describe_dataset(into)] if result.used else [])):
        click.echo(f"\n{printable(message)}")
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
        print_table(["table", "", "one row for each", "what it holds"], rows)
    for name in names:
        if name not in TABLES:
            raise UnknownNameError("table", name, TABLES)
        columns = (
            [c.name, c.type, "required" if c.required else "", _allowed(c), c.about] for c in TABLES[name].columns
        )
        print_table(["column", "type", "", "values", "what it means"], columns, title=f"{name}: {TABLES[name].about}")
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


def _allowed(column: Column) -> str:
    if column.choices:
        return ", ".join(column.choices)
    low, high = column.lower, column.upper
    if low is None and high is None:
        return ""
    return f"from {low:g}" if high is None else f"{low:g} to {high:g}" if low is not None else f"up to {high:g}"
