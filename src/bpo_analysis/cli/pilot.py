"""``bpo pilot``: register pilots before they start, and list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bpo_analysis.cli.printing import print_table, printable
from bpo_analysis.cli.root import cli
from bpo_analysis.errors import BpoAnalysisError

# What a command needs is imported when it runs: "bpo --help" and a misspelt option should answer at once.
if TYPE_CHECKING:
    from bpo_analysis.data.pilots.fitness import PilotFindings


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
        f"{'Nothing to do: registered as it is. ' if known else ''}{printable(read_registration(spec).sentence)}"
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
    print_table(["pilot", "title", "partner", "start", "end", "registration"], rows)
    for error in bad:
        click.echo(f"Error: {printable(str(error))}", err=True)
    for spec in found.values():
        if not isinstance(spec, BpoAnalysisError):
            _tell_findings(dataset.pilot_findings(spec.id), str(spec.file))
    return 1 if bad else 0


def _tell_findings(found: PilotFindings, place: str) -> None:
    for sentence in (*found.unfit, *found.remarks):
        click.echo(f"Warning: {printable(f'{place} {sentence}')}", err=True)
