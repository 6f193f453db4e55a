"""What changed since the last report: its targets then and now, and its numbers computed again from today's data."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from math import isclose
from pathlib import Path

from bpo_analysis.errors import DatasetError
from bpo_analysis.kpis import Kpi
from bpo_analysis.periods import ReportPeriod, parse_period
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.scorecard import ScoreRow, clauses, scorecard

__all__ = ["LastValue", "Restated", "Restatements", "last_values", "period_of_report", "restatements"]

_COLUMNS = ("kpi", "from", "to", "slice", "numerator", "denominator", "value", "shown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restated:
    """A number that is printed otherwise than in the earlier report.

    Attributes
    ----------
    now : Measure or None
        None where there is no row any more.
    numerator, denominator : float
        Of the earlier report; the denominator is NaN for totals.
    """

    kpi: Kpi
    start: date
    end: date
    where: dict[str, str]
    then: str
    numerator: float
    denominator: float
    now: Measure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restatements:
    """What became of the numbers of an earlier report.

    Attributes
    ----------
    compared : int
        Numbers of stretches that had ended when this period began.
    changed : list of Restated
        Those that are printed otherwise now, whole partner first.
    unseen : int
        Numbers whose sums changed, but not what is printed.
    gone : list of str
        KPIs that this dataset does not have any more.
    """

    compared: int
    changed: list[Restated]
    unseen: int
    gone: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastValue:
    """An agreed target or headline KPI in the last report and in this one.

    Attributes
    ----------
    row : ScoreRow
        As it is now.
    scope : str
        Channel that the target is for; empty for the whole partner.
    then : str
        As the last report printed it.
    today : Measure or None
        What today's data say of that period.
    """

    row: ScoreRow
    scope: str
    then: str
    today: Measure | None

    @property
    def is_restated(self) -> bool:
        """Whether the last report would print another number today."""
        return self.today is None or self.today.text != self.then

    @property
    def change(self) -> float | None:
        """From that period to this one, both from today's data."""
        if self.today is None or self.row.measure is None:
            return None
        return self.row.measure.value - self.today.value


def period_of_report(numbers: str | Path) -> ReportPeriod | None:
    """Return the period of a report from where its numbers lie (``OUT/PERIOD/PARTNER``), or None from elsewhere."""
    try:
        return parse_period(Path(numbers).parent.parent.name)
    except ValueError:
        return None


def last_values(review: Review, previous: str | Path) -> list[LastValue]:
    """Put what the last report printed of its own period beside what this one prints.

    Parameters
    ----------
    review : Review
    previous : str or Path
        The ``.kpis.csv`` of the earlier report of the same partner, in the folder where it was made.

    Returns
    -------
    list of LastValue
        Agreed targets, then headline KPIs without one; empty where the period of the earlier report is not known.
    """
    period = period_of_report(previous)
    if period is None:
        return []
    printed = {
        (row["kpi"], row["slice"]): row["shown"].removeprefix("'")
        for row in _rows(Path(previous), review.partner_id)
        if (row["from"], row["to"]) == (str(period.start), str(period.end))
    }
    agreed = [(clause.row, clause.scope) for clause in clauses(review)]
    targets = [row.target for row, _ in agreed]
    found = []
    for row, scope in [*agreed, *((row, "") for row in scorecard(review) if row.target not in targets)]:
        where = {"channel": scope} if scope else {}
        then = printed.get((row.kpi.name, f"channel={scope}" if scope else ""))
        if then is not None:
            today = review.measure(row.kpi.name, period=period, where=where, record=False, interval=False)
            found.append(LastValue(row=row, scope=scope, then=then, today=today))
    return found


def restatements(review: Review, previous: str | Path) -> Restatements:
    """Compute the numbers of an earlier report again and compare.

    Parameters
    ----------
    review : Review
    previous : str or Path
        The ``.kpis.csv`` of the earlier report of the same partner.

    Raises
    ------
    DatasetError
        If the file is not there or is not such a file, or belongs to another partner.
    """
    compared, unseen = 0, 0
    changed: list[Restated] = []
    gone: dict[str, None] = {}
    for row in _rows(Path(previous), review.partner_id):
        end = date.fromisoformat(row["to"])
        if end >= review.period.start or not row["value"]:
            continue
        if row["kpi"] not in review.kpis:
            # A figure that is no KPI has a dot in its name and cannot be computed by name alone.
            if "." not in row["kpi"]:
                gone[row["kpi"]] = None
            continue
        compared += 1
        found = _compared(review, row, end)
        if isinstance(found, Restated):
            changed.append(found)
        else:
            unseen += found
    changed.sort(key=lambda one: (len(one.where), one.kpi.label, -(one.end - one.start).days, one.start))
    return Restatements(compared=compared, changed=changed, unseen=unseen, gone=list(gone))


def _rows(file: Path, partner_id: str) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as error:
        raise DatasetError(
            f"The numbers of the earlier report cannot be read: {file} ({error.strerror}). "
            "Give the .kpis.csv beside that report, or leave the parameter previous empty."
        ) from None
    if rows and not set(_COLUMNS) <= set(rows[0]):
        lacking = ", ".join(name for name in _COLUMNS if name not in rows[0])
        raise DatasetError(f"{file} is not the .kpis.csv of a report: it has no column {lacking}.")
    others = {row.get("partner_id", "") for row in rows} - {partner_id}
    if others:
        raise DatasetError(f"{file} holds numbers of {', '.join(sorted(others))}, not of {partner_id}.")
    return rows


def _compared(review: Review, row: dict[str, str], end: date) -> Restated | int:
    """The restated number; or 1 where only its sums changed, 0 where nothing did."""
    start = date.fromisoformat(row["from"])
    where = dict(part.split("=", 1) for part in row["slice"].split("; ") if part)
    now = review.measure(row["kpi"], start=start, end=end, where=where, record=False, interval=False)
    then = row["shown"].removeprefix("'")
    if now is None or now.text != then:
        return Restated(
            kpi=review.kpis[row["kpi"]],
            start=start,
            end=end,
            where=where,
            then=then,
            numerator=float(row["numerator"]),
            denominator=float(row["denominator"] or "nan"),
            now=now,
        )
    same = isclose(now.numerator, float(row["numerator"]), rel_tol=1e-9, abs_tol=1e-9)
    if now.kpi.pooling == "ratio":
        same = same and isclose(now.denominator, float(row["denominator"] or "nan"), rel_tol=1e-9, abs_tol=1e-9)
    return int(not same)
