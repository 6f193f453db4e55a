"""The periods before and after one: where their reports are, and the links between the pages.

A page that lies in a mail or on a share cannot look whether a later month has come. So the run that makes the later
month writes the link into the page of the earlier one, in the place that every page keeps for it, and notes it in the
record beside it, together with the digest of the page as it is now: an up-to-date report stays up to date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from markupsafe import Markup

from bpo_analysis.page.document import PERIODS_SLOT
from bpo_analysis.periods import ReportPeriod, parse_period
from bpo_analysis.reports.inputs import output_digests
from bpo_analysis.reports.place import Place
from bpo_analysis.reports.record import RECORD, read_record, record_json
from bpo_analysis.reports.staging import exclusive, write_atomically

__all__ = ["earlier_folder", "link_indexes", "link_reports", "periods_links"]

_FILLED: Final = re.compile("<!--periods-->.*?<!--/periods-->", re.DOTALL)
# What a page says of the last report, in words that become a link once it is known where that report is.
_LAST_REPORT: Final = re.compile(r'<a class="last-report" data-period="([^"]*)"(?: href="[^"]*")?>')


def earlier_folder(folder: Path) -> Path | None:
    """Return the folder of the last period of the same kind before this one that has reports."""
    earlier, _ = _earlier_and_later(folder)
    return next((period for period in earlier if any(period.glob(f"*/*{RECORD}"))), None)


def periods_links(previous: tuple[str, str] | None, following: tuple[str, str] | None) -> Markup:
    """Return the links to the same page of the periods before and after, with the marks of their place around them.

    Parameters
    ----------
    previous, following : tuple of str, optional
        Label of the period and address of the page.
    """
    parts = []
    if previous is not None:
        words = Markup('<span aria-hidden="true">‹</span> <span class="when">{}</span>').format(_title(previous[0]))
        parts.append(Markup('<a rel="prev" href="{}">{}</a>').format(previous[1], words))
    if following is not None:
        words = Markup('<span class="when">{}</span> <span aria-hidden="true">›</span>').format(_title(following[0]))
        parts.append(Markup('<a rel="next" href="{}">{}</a>').format(following[1], words))
    if not parts:
        return PERIODS_SLOT
    links = Markup('<span class="periods">{}</span>').format(Markup(" ").join(parts))
    return Markup("<!--periods-->{}<!--/periods-->").format(links)


def link_reports(folder: Path, place: Place) -> None:
    """Link the reports of a period with the same reports of the periods before and after, both ways.

    Parameters
    ----------
    folder : Path
        ``OUT/PERIOD``.
    place : Place
        Where the pages are.
    """
    earlier, later = _earlier_and_later(folder)
    for file in sorted(folder.glob(f"*/*{RECORD}")) if earlier or later else ():
        if not _is_made(file):
            continue
        report = Path(file.parent.name, file.name)
        before, after = (
            next((period for period in periods if _is_made(period / report)), None) for periods in (earlier, later)
        )
        _link(file, {"previous": _name(before), "next": _name(after)}, place)
        if before is not None:
            _link(before / report, {"next": folder.name}, place)
        if after is not None:
            _link(after / report, {"previous": folder.name}, place)


def link_indexes(folder: Path, place: Place) -> None:
    """Link the index of a period with those of the periods before and after, both ways.

    Parameters
    ----------
    folder : Path
        ``OUT/PERIOD``, with its index.
    place : Place
        Where the pages are.
    """
    earlier, later = _earlier_and_later(folder)
    chain = [each for each in (*reversed(earlier), folder, *later) if place.has(each / "index.html")]
    if folder in chain:
        at = chain.index(folder)
        for near in chain[max(0, at - 1) : at + 2]:
            _link_index(near, *_beside(chain, near), place)


def _link(file: Path, neighbours: dict[str, str], place: Place) -> None:
    """Write the names of neighbouring periods into a page and its record, unless they are there."""
    folder, name = file.parent, file.name.removesuffix(RECORD)
    page, known = folder / f"{name}.html", read_record(file)
    if known is None or _linked(known) == _linked(known) | neighbours or not place.bring(page):
        return
    with exclusive(folder):
        record = read_record(file)
        if record is None or not page.is_file() or not _is_what_was_made(record, folder, name):
            return  # made again, or changed by somebody, in the meantime: the next run sees to it
        periods = _linked(record) | neighbours
        # Should this end between the two, the digest shows it, and the next run makes the report again.
        write_atomically(page, _filled(page.read_text(encoding="utf-8"), periods, f"{folder.name}/{name}.html"))
        record["outputs"][".html"] = output_digests(folder, name)[".html"]
        write_atomically(file, record_json(record | {"periods": periods}))
    place.deliver(page)
    place.deliver(file)


def _linked(record: Mapping[str, Any]) -> dict[str, str]:
    found = record.get("periods")
    return dict(found) if isinstance(found, Mapping) else {"previous": "", "next": ""}


def _is_what_was_made(record: Mapping[str, Any], folder: Path, name: str) -> bool:
    made = (record.get("outputs") or {}).get(".html")
    return record.get("status") == "ok" and made == output_digests(folder, name).get(".html")


def _filled(text: str, periods: Mapping[str, str], page: str) -> str:
    sides = {side: (label, f"../../{quote(f'{label}/{page}')}") if label else None for side, label in periods.items()}
    links = periods_links(sides["previous"], sides["next"])
    text = _FILLED.sub(lambda _: str(links), text, count=1)
    return _LAST_REPORT.sub(lambda found: _last_report(found[1], sides["previous"]), text)


def _last_report(period: str, previous: tuple[str, str] | None) -> str:
    """The beginning of a link to the last report, or of words that lead nowhere where it is not the one before."""
    words = Markup('<a class="last-report" data-period="{}">').format(period)
    if previous is None or previous[0] != period:
        return words
    return Markup('<a class="last-report" data-period="{}" href="{}">').format(period, previous[1])


def _link_index(folder: Path, before: Path | None, after: Path | None, place: Place) -> None:
    page = folder / "index.html"
    sides = [(near.name, f"../{quote(near.name)}/index.html") if near else None for near in (before, after)]
    if not place.bring(page):
        return
    with exclusive(folder):
        text = page.read_text(encoding="utf-8")
        write_atomically(page, _FILLED.sub(lambda _: str(periods_links(*sides)), text, count=1))
    place.deliver(page)


def _is_made(file: Path) -> bool:
    """Whether a report is there; one that failed has no current page to lead to."""
    if not file.is_file():
        return False
    record = read_record(file)
    return record is not None and record.get("status") == "ok"


def _beside(chain: list[Path], folder: Path) -> tuple[Path | None, Path | None]:
    here = chain.index(folder)
    return chain[here - 1] if here else None, chain[here + 1] if here + 1 < len(chain) else None


def _earlier_and_later(folder: Path) -> tuple[list[Path], list[Path]]:
    """Periods of the same kind beside this one, the nearest first; none for a folder that is no period."""
    periods = [place for _, place in _periods(folder)]
    if folder not in periods:
        return [], []
    here = periods.index(folder)
    return periods[:here][::-1], periods[here + 1 :]


def _periods(folder: Path) -> list[tuple[ReportPeriod, Path]]:
    """Folders of the same kind of period beside this one and itself, in order."""
    mine = _period(folder)
    if mine is None:
        return []
    found = [(when, place) for place in folder.parent.iterdir() if (when := _period(place)) is not None]
    alike = [(when, place) for when, place in found if when.grain == mine.grain and place.is_dir()]
    return sorted(alike, key=lambda one: one[0].start)


def _period(folder: Path) -> ReportPeriod | None:
    try:
        return parse_period(folder.name)
    except ValueError:
        return None  # a folder of another kind


def _name(place: Path | None) -> str:
    return "" if place is None else place.name


def _title(label: str) -> str:
    return parse_period(label).title
