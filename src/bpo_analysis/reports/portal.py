"""The index of a period: the client's totals, all partners, what changed, what is asked, what failed."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import jinja2

import bpo_analysis
from bpo_analysis.errors import ReportError
from bpo_analysis.page import document
from bpo_analysis.reports.neighbours import earlier_folder
from bpo_analysis.reports.plan import PORTFOLIO_SLUG
from bpo_analysis.reports.portal_changes import changes_between, said_of_changes
from bpo_analysis.reports.portal_decisions import decisions_of, flags_of
from bpo_analysis.reports.portal_pilots import STAGES, pilots_of, said_of_all
from bpo_analysis.reports.portal_records import (
    Record,
    by_partner,
    href,
    is_about_pilot,
    link_of,
    name_of,
    period_title,
    read_records,
    speaker,
    words,
)
from bpo_analysis.reports.portal_rows import columns_of, row_of, state_options
from bpo_analysis.reports.portal_totals import kpi_totals, said_of_contacts
from bpo_analysis.reports.record import RECORD
from bpo_analysis.reports.staging import exclusive, write_atomically

if TYPE_CHECKING:
    from bpo_analysis.reports.execute import ReportRun

__all__ = ["write_index", "write_shelf"]

_MOST_CHANGES: Final = 400
"""Changes that the index lists, the most pressing first: with hundreds of partners it must still open at once."""


def write_index(folder: Path, runs: Sequence[ReportRun] = (), *, title: str, data: str = "") -> Path:
    """Write the index of one period.

    Parameters
    ----------
    folder : Path
        ``OUT/PERIOD``; every ``.run.json`` in its partner folders is listed, so that a run for one partner keeps the
        others. It is compared with the records of the period before, where there are some.
    runs : sequence of ReportRun
        What ran now. It settles what a record cannot say, such as a failure on a full disk.
    title : str
        The client, as in the dataset.
    data : str, default ""
        One line about the data, such as its name and fingerprint.

    Returns
    -------
    Path
        The page, ``folder/index.html``. Links to other periods are left to ``neighbours.link_indexes``.
    """
    # Of two runs that end together, the one that comes second sees the reports of both.
    with exclusive(folder):
        page = _template("portal.html.j2").render(
            _index(folder, read_records(folder, runs)),
            title=title,
            data=data,
            periods=document.PERIODS_SLOT,
            foot=document.foot(kind="index"),
            version=bpo_analysis.__version__,
            head=document.head(f"{title} · {period_title(folder.name)}", kind="index"),
        )
        write_atomically(folder / "index.html", document.without_turns(page))
    return folder / "index.html"


def _index(folder: Path, records: Sequence[Record]) -> dict[str, Any]:
    """Everything the page shows."""
    groups = by_partner(records)
    reviews = [record for record in records if not is_about_pilot(record)]
    columns, pilots = columns_of(reviews), pilots_of(records)
    rows = sorted((row_of(slug, group, columns) for slug, group in groups.items()), key=lambda row: row.rank)
    # In the order of the rows, so that lists without an order of their own begin with the partners in trouble.
    speakers = [record for row in rows if (record := speaker(groups[row.slug]))["status"] == "ok"]
    failures = [_failure(folder, record) for record in records if record["status"] != "ok"]
    earlier = earlier_folder(folder)
    before = read_records(earlier) if earlier else []
    changes = changes_between(speakers, before, earlier.name if earlier else "")
    last = period_title(earlier.name) if earlier else ""
    totals = kpi_totals(speakers, columns)
    return {
        "period": period_title(folder.name),
        "about": _about(reviews, pilots),
        "summary": said_of_all(rows, pilots),
        "failures": failures,
        "not_made": _not_made(groups, before),
        "about_all": [link for record in records if record["slug"] == PORTFOLIO_SLUG and (link := link_of(record))],
        "pilots": pilots,
        "stages": STAGES,
        "states": state_options(rows),
        "columns": columns,
        "rows": rows,
        "totals": totals if any(totals) else [],
        "contacts": said_of_contacts(speakers),
        "since": _last_title(speakers),
        "last": last,
        "changes": changes[:_MOST_CHANGES],
        "change_count": len(changes),
        "change_counts": said_of_changes(changes),
        "worse": [change for change in changes if change.is_worse],
        "decisions": decisions_of(speakers),
        "flags": flags_of(speakers),
        "has_clauses": any(isinstance(record["headline"].get("clauses"), Mapping) for record in records),
    }


def write_shelf(out: Path) -> Path:
    """Write the page above several index pages: one line for each dataset and period found below a folder.

    Parameters
    ----------
    out : Path
        Folder that holds ``PERIOD/`` or ``DATASET/PERIOD/`` folders.

    Returns
    -------
    Path
        The page, ``out/index.html``.

    Raises
    ------
    ReportError
        If there is no report below the folder.
    """
    indexes = [page for depth in ("*", "*/*") for page in sorted(out.glob(f"{depth}/index.html"))]
    shelves = [_shelf(out, page) for page in indexes if any(page.parent.glob(f"*/*{RECORD}"))]
    if not shelves:
        raise ReportError(f"There are no reports below {out}. Make some first: bpo report --data DATA --out {out}.")
    shelves.sort(key=lambda shelf: shelf["period"], reverse=True)
    shelves.sort(key=lambda shelf: shelf["title"])
    page = _template("shelf.html.j2").render(
        head=document.head("Reports", kind="index"),
        foot=document.foot(kind="index"),
        shelves=shelves,
        version=bpo_analysis.__version__,
    )
    write_atomically(out / "index.html", document.without_turns(page))
    return out / "index.html"


def _shelf(out: Path, index: Path) -> dict[str, str]:
    records = read_records(index.parent)
    rows = [row_of(slug, group, ()) for slug, group in by_partner(records).items()]
    failed = sum(record["status"] != "ok" for record in records)
    titles = [str(record["data"]["title"]) for record in records if (record.get("data") or {}).get("title")]
    return {
        "title": titles[0] if titles else index.parent.parent.name,
        "period": index.parent.name,
        "label": period_title(index.parent.name),
        "href": quote(index.relative_to(out).as_posix()),
        "summary": " ".join(filter(None, [said_of_all(rows, pilots_of(records)), said_of_failures(failed)])),
    }


@functools.cache
def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True)
    environment.filters["said_of_failures"] = said_of_failures
    return environment.get_template(name)


def _last_title(speakers: Sequence[Record]) -> str:
    """The period right before, which the sums of the records are of."""
    labels = [str(record["headline"]["last_period"]) for record in speakers if record["headline"].get("last_period")]
    return period_title(labels[0]) if labels else ""


def _failure(folder: Path, record: Record) -> dict[str, str]:
    where = f"cell In [{record['cell']}], " if record.get("cell") else ""
    older = folder / record["slug"] / f"{record['template']}.html"
    before = record.get("previous")
    return {
        "partner": str(record.get("partner") or record["slug"]),
        "template": words(record["template"]),
        "where": f"{where}{record.get('exception') or 'unknown'}",
        "error": str(record.get("error") or "No reason was recorded."),
        "notebook": href(record["slug"], str(record["notebook"])) if record.get("notebook") else "",
        "older": href(record["slug"], older.name) if older.is_file() else "",
        "older_from": str(before.get("started", ""))[:10] if isinstance(before, Mapping) else "",
    }


def _not_made(groups: Mapping[str, Sequence[Record]], before: Sequence[Record]) -> list[str]:
    """Partners that had a complete report in the period before and have none here, failed or not."""
    gone = [speaker(group) for slug, group in by_partner(before).items() if slug not in groups]
    return sorted((name_of(record) for record in gone if record["status"] == "ok"), key=str.casefold)


def _about(reviews: Sequence[Any], pilots: Sequence[Any]) -> str:
    if not pilots:
        return "Partner reviews for"
    return "Partner reviews and pilots for" if reviews else "Pilots, with the data of"


def said_of_failures(failed: int) -> str:
    """Say how many reports failed, if any."""
    return f"{failed} {'report' if failed == 1 else 'reports'} failed." if failed else ""
