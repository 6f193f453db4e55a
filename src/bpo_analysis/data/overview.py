"""What a run needs to know of a dataset before anything is read: partners, days with data, digests.

Imports nothing heavy. A run that finds everything up to date answers from here, without pandas, DuckDB or matplotlib.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from bpo_analysis.data.fingerprint import code_fingerprint, recall
from bpo_analysis.data.places import DONE, cache_root
from bpo_analysis.data.slices import FILE, Slices
from bpo_analysis.errors import DatasetError, UnknownNameError
from bpo_analysis.periods import DataGrain, PeriodGrain, ReportPeriod, last_complete, parse_period

__all__ = ["Overview", "find_folder", "known_overview", "read_overview"]


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A prepared dataset as a run sees it.

    Attributes
    ----------
    path : Path
        The dataset folder.
    name, title, fingerprint : str
    prepared : Path
        Its prepared folder.
    first, last : date
        Days the export covers.
    grain : {"day", "week", "month"}
    days : sequence of date
        Days with data, in order.
    partners : mapping of str to str
        Name by partner_id.
    """

    path: Path
    name: str
    title: str
    fingerprint: str
    prepared: Path
    first: date
    last: date
    grain: DataGrain
    days: Sequence[date]
    partners: Mapping[str, str]

    @cached_property
    def slices(self) -> Slices:
        """Digests of its parts."""
        return Slices(path=self.path, prepared=self.prepared, fingerprint=self.fingerprint)

    def find_partner(self, text: str) -> str:
        """Return the partner_id for an id or a name.

        Raises
        ------
        UnknownNameError
            If there is no such partner.
        DatasetError
            If several partners have this name.
        """
        wanted = text.strip().casefold()
        for known in ({key: key for key in self.partners}, self.partners):
            hits = [key for key, name in known.items() if name.casefold() == wanted]
            if len(hits) == 1:
                return hits[0]
            if len(hits) > 1:
                raise DatasetError(
                    f"{len(hits)} partners are named {text!r}. Give the partner_id: {', '.join(map(repr, hits))}."
                )
        raise UnknownNameError("partner", text, dict.fromkeys([*self.partners, *self.partners.values()]))

    def period(self, text: str = "", *, grain: PeriodGrain = "month") -> ReportPeriod:
        """Read a period; without one, take the last month (day, week, quarter) that the data cover completely.

        Parameters
        ----------
        text : str, optional
            2026-03, 2026-W12, 2026-Q1 or 2026-03-14.
        grain : {"month", "day", "week", "quarter"}
            What is taken where no period is given.

        Raises
        ------
        ValueError
            If the text is not a period.
        DatasetError
            If no row of the data lies in the period, or a day or week is to be taken from monthly data.
        """
        if not text:
            return self._last_complete(grain)
        period = parse_period(text)
        if self.grain == "week" and period.grain == "day":
            raise DatasetError(
                f"The data of {self.path} are weekly: there is no page of a single day. Give a week or a month."
            )
        if not self._has_rows(period):
            raise DatasetError(
                f"Period {text} has no rows: the data of {self.path} run from {self.first} to {self.last}."
            )
        return period

    def _last_complete(self, grain: PeriodGrain) -> ReportPeriod:
        """Take the last complete period that has rows: a rule may have taken the newest days out."""
        if (self.grain == "month" and grain in ("day", "week")) or (self.grain == "week" and grain == "day"):
            raise DatasetError(
                f"The data of {self.path} are {self.grain}ly, so there is no last complete {grain}. "
                f"Give a period, such as {self.last:%Y-%m}."
            )
        found = last_complete(self.first, self.last, grain)
        if self._has_rows(found):
            return found
        inside = [day for day in self.days if self.first <= day <= self.last]
        return last_complete(self.first, inside[-1], grain) if inside else found

    def _has_rows(self, period: ReportPeriod) -> bool:
        if period.end < self.first or period.start > self.last:
            return False
        return any(period.start <= day <= period.end for day in self.days)


def find_folder(path: str | Path) -> Path:
    """Return the absolute path of a dataset folder.

    A relative path is looked up in the working directory and, so that a notebook finds the data of its project, in the
    directories above it. A folder that does not exist is returned as it was given.
    """
    given = Path(path).expanduser()
    here = Path.cwd()
    candidates = [given] if given.is_absolute() else [folder / given for folder in (here, *here.parents)]
    return next((c for c in candidates if (c / "dataset.toml").is_file()), candidates[0]).resolve()


def known_overview(path: str | Path) -> Overview | None:
    """Return the overview of a dataset that is prepared and unchanged since, and sound; otherwise None."""
    folder = find_folder(path)
    known = recall(folder)
    if known is None:
        return None
    prepared = cache_root() / f"{known.fingerprint}-{code_fingerprint()}"
    if not (prepared / DONE).is_file():
        return None
    stored = json.loads((prepared / DONE).read_text(encoding="utf-8"))
    if any(problem["severity"] == "error" for problem in stored["problems"]):
        return None
    return read_overview(folder, prepared, name=known.name, title=known.title, fingerprint=known.fingerprint)


def read_overview(path: Path, prepared: Path, *, name: str, title: str, fingerprint: str) -> Overview:
    """Read the overview of a prepared dataset."""
    stored = json.loads((prepared / DONE).read_text(encoding="utf-8"))
    with contextlib.closing(sqlite3.connect(f"{(prepared / FILE).as_uri()}?mode=ro&immutable=1", uri=True)) as store:
        partners = store.execute("SELECT partner_id, name FROM partners ORDER BY rowid").fetchall()
        days = store.execute("SELECT day FROM days ORDER BY day").fetchall()
    return Overview(
        path=path,
        name=name,
        title=title,
        fingerprint=fingerprint,
        prepared=prepared,
        first=date.fromisoformat(stored["first_day"]),
        last=date.fromisoformat(stored["last_day"]),
        grain=stored["grain"],
        days=[date.fromisoformat(day) for (day,) in days],
        partners=dict(partners),
    )
