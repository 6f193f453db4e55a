"""``bpo digest``: a mail about one period, written to a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bpo_analysis.cli.root import cli

# What a command needs is imported when it runs: "bpo --help" and a misspelt option should answer at once.
if TYPE_CHECKING:
    pass


@cli.command(short_help="Write a mail about one period to a file; it is not sent.")
@click.argument("out", metavar="OUT")
@click.option("--period", required=True, help="Period whose reports it is about, such as 2026-03.")
@click.option("--to", "readers", multiple=True, required=True, metavar="ADDRESS", help="Reader (repeatable).")
@click.option("--from", "sender", default="", metavar="ADDRESS", help="Sender; default: left to the mail program.")
@click.option("--subject", default="", help="Subject; default: client, period and summary.")
@click.option("--date", "when", metavar="TIME", help="Date of the mail, such as 2026-04-02T09:00+01:00; default: none.")
@click.option("--link-base", default="", metavar="URL", help="Address of OUT for readers; without it files are named.")
@click.option(
    "--file", "target", type=click.Path(path_type=Path, dir_okay=False), help="Default: OUT/PERIOD/digest.eml."
)
def digest(
    out: str,
    period: str,
    readers: Sequence[str],
    sender: str,
    subject: str,
    when: str | None,
    link_base: str,
    target: Path | None,
) -> int:
    """Write the mail of a period (.eml, text and HTML) from the reports in OUT, and print its path.

    It holds the verdict on every partner, its headline KPIs with both marks, the decisions asked for, failed reports
    and links. Open it in a mail program to send it.
    """
    from bpo_analysis.reports.digest import period_digest
    from bpo_analysis.reports.digest_mail import check_link_base, digest_mail, parse_address
    from bpo_analysis.reports.mirror import Mirror, is_url
    from bpo_analysis.reports.staging import write_atomically

    for address in readers:
        parse_address(address, "--to")
    date = None if when is None else _moment(when)
    base = check_link_base(link_base) if link_base else ""
    if is_url(out) and target is None:
        raise click.UsageError(f"{out} is no folder: say with --file where the mail is written.")
    folder = Mirror(out).folder if is_url(out) else Path(out)
    mail = digest_mail(
        period_digest(folder, period, link_base=base), to=readers, sender=sender, subject=subject, date=date
    )
    file = target or folder / period / "digest.eml"
    if not file.parent.is_dir():
        raise click.UsageError(f"--file: there is no folder {str(file.parent)!r}.")
    write_atomically(file, mail)
    click.echo(str(file))
    return 0


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.UsageError(f"--date {text!r} is no time with its zone; write 2026-04-02T09:00+01:00.")
    return found
