"""How much of a task, channel, product or shift lies with one partner, and who else could do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from bpo_analysis.data import Dataset
from bpo_analysis.data.extracts.risk import ACTIVE_DAYS, ALL
from bpo_analysis.periods import ReportPeriod, parse_period
from bpo_analysis.review.context import Review
from bpo_analysis.review.registers import exceptions_at

__all__ = [
    "ACTIVE_DAYS",
    "DIMENSIONS",
    "Excepted",
    "concentration",
    "excepted",
    "in_house_capability",
    "overall_share",
    "pairs",
    "shares_by_partner",
    "trend_of_share",
]

DIMENSIONS = {"channel": "channel", "product": "product", "shift": "shift", "category": "reason"}
"""Slices the KPI table knows: its column, and the word for it."""
_BESIDE = ("queue", "language")
"""Slices that come from an extract, where the volume has such a column."""
_PAIRS = tuple(combinations(DIMENSIONS, 2))
_COLUMNS = ("partner_id", "site", *DIMENSIONS)
TREND_MONTHS = 12


def concentration(review: Review) -> pd.DataFrame:
    """Return the partner's share of contacts handled in the period, slice by slice.

    Returns
    -------
    DataFrame
        Columns dimension, value, partner (contacts), total, share; outside (share without the contacts of agreed
        exceptions; NaN where nothing is left), partners (how many have contacts there), hhi (sum of squared shares),
        effective (number of equal partners with that sum), top_share, top_partner (id), exception (how it was agreed,
        or ""), stale (past its review date), whole (all of it), flagged; largest share first. Empty if no partner has
        slices.

    Notes
    -----
    Flagged is a slice from the ceiling of the dataset on, and always a whole one, without an exception that is agreed
    and not past its review date.
    """
    return review.once("concentration", _concentration).copy()


def _concentration(review: Review) -> pd.DataFrame:
    rows = _handled(review.dataset, review.period)
    free = rows[~_in_exceptions(review, rows)]
    parts = [_slices(review, rows, free, column, word) for column, word in DIMENSIONS.items()]
    parts += [_slices_beside(review, name) for name in _BESIDE]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    agreed = _agreed(review)
    found = [agreed.get((d, v), ("", False)) for d, v in zip(table["dimension"], table["value"], strict=True)]
    table["exception"], table["stale"] = [text for text, _ in found], [stale for _, stale in found]
    return _judged(review, table)


def _judged(review: Review, table: pd.DataFrame) -> pd.DataFrame:
    table["whole"] = table["partner"] >= table["total"]
    near = table["whole"] | (table["share"] >= review.dataset.config.concentration_ceiling)
    table["flagged"] = near & ((table["exception"] == "") | table["stale"])
    return table.sort_values(["share", "partner"], ascending=False, kind="stable").reset_index(drop=True)


def _handled(dataset: Dataset, period: ReportPeriod) -> pd.DataFrame:
    return dataset.kpi_sums("handled", _COLUMNS, period.start, period.end)


def _in_exceptions(review: Review, rows: pd.DataFrame) -> pd.Series:
    """Mark contacts that an agreed exception covers."""
    inside = pd.Series(data=False, index=rows.index)
    columns = {word: column for column, word in DIMENSIONS.items()} | {"site": "site"}
    for dimension, value in _agreed(review):
        if dimension in columns:
            inside |= rows[columns[dimension]] == value
    return inside


def _slices(review: Review, rows: pd.DataFrame, free: pd.DataFrame, column: str, word: str) -> pd.DataFrame:
    table = _spread(rows.groupby([column, "partner_id"])["numerator"].sum().unstack(fill_value=0.0), review.partner_id)
    left = free.groupby(column)["numerator"].sum()
    mine = free[free["partner_id"] == review.partner_id].groupby(column)["numerator"].sum()
    outside = (mine.reindex(left.index, fill_value=0.0) / left.where(left > 0)).reindex(table["value"])
    return table.assign(dimension=word, outside=outside.to_numpy())


def _slices_beside(review: Review, name: str) -> pd.DataFrame:
    frame = review.dataset.extract(f"handled_by_{name}")
    if frame is None:
        return pd.DataFrame()
    days = pd.to_datetime(frame["date"])
    inside = frame[days.between(pd.Timestamp(review.period.start), pd.Timestamp(review.period.end))]
    wide = inside.groupby(["value", "partner_id"])["handled"].sum().unstack(fill_value=0.0)
    return _spread(wide, review.partner_id).assign(dimension=name, outside=float("nan"))


def _spread(wide: pd.DataFrame, partner_id: str) -> pd.DataFrame:
    """Own share, and how the rest is spread, of a table of contacts by slice and partner."""
    total = wide.sum(axis=1)
    wide = wide[total > 0]
    total = total[total > 0]
    mine = wide[partner_id] if partner_id in wide else pd.Series(0.0, index=wide.index)
    shares = wide.div(total, axis=0)
    hhi = (shares**2).sum(axis=1)
    table = pd.DataFrame(
        {
            "value": wide.index.astype(str),
            "partner": mine.to_numpy(),
            "total": total.to_numpy(),
            "share": (mine / total).to_numpy(),
            "partners": (wide > 0).sum(axis=1).to_numpy(),
            "hhi": hhi.to_numpy(),
            "effective": (1 / hhi).to_numpy(),
            "top_share": shares.max(axis=1).to_numpy(),
            "top_partner": shares.idxmax(axis=1).astype(str).to_numpy() if len(shares) else [],
        }
    )
    return table[table["partner"] > 0].reset_index(drop=True)


def pairs(review: Review) -> pd.DataFrame:
    """Return pairs of slices (a channel of a product, ...) that are near to all the partner's, though neither half is.

    Returns
    -------
    DataFrame
        Columns first, second (``dimension: value``), partner, total, share, whole; largest first. What a flagged or
        agreed slice contains is left out: it is said there.
    """
    rows = _handled(review.dataset, review.period)
    single = concentration(review)
    ceiling = review.dataset.config.concentration_ceiling
    known = single[(single["share"] >= ceiling) | single["whole"] | (single["exception"] != "")]
    said = set(zip(known["dimension"], known["value"], strict=True))
    found = []
    for one, two in _PAIRS:
        sums = rows.groupby([one, two, "partner_id"])["numerator"].sum().unstack(fill_value=0.0)
        if review.partner_id not in sums:
            continue
        for (a, b), row in sums.iterrows():
            total, mine = float(row.sum()), float(row[review.partner_id])
            halves = (DIMENSIONS[one], str(a)), (DIMENSIONS[two], str(b))
            if mine > 0 and (mine >= total or mine / total >= ceiling) and not said.intersection(halves):
                first, second = (f"{word}: {value}" for word, value in halves)
                found.append(
                    {"first": first, "second": second, "partner": mine, "total": total, "share": mine / total,
                     "whole": mine >= total}
                )  # fmt: skip
    table = pd.DataFrame(found, columns=["first", "second", "partner", "total", "share", "whole"])
    return table.sort_values(["share", "partner"], ascending=False, kind="stable").reset_index(drop=True)


def overall_share(review: Review) -> Mapping[str, float]:
    """Return the partner's share of all contacts: ``share``, ``outside`` agreed exceptions, ``effective`` partners."""
    rows = _handled(review.dataset, review.period)
    free = rows[~_in_exceptions(review, rows)]
    by_partner = rows.groupby("partner_id")["numerator"].sum()
    total, left = float(by_partner.sum()), float(free["numerator"].sum())
    mine = float(by_partner.get(review.partner_id, 0.0))
    outside = float(free.loc[free["partner_id"] == review.partner_id, "numerator"].sum())
    missing = float("nan")
    return {
        "share": mine / total if total else missing,
        "outside": outside / left if left else missing,
        "effective": 1 / float(((by_partner / total) ** 2).sum()) if total else missing,
        "partners": float((by_partner > 0).sum()),
    }


def trend_of_share(review: Review, dimension: str, value: str) -> list[float | None]:
    """Return the partner's share of a slice in each of the last twelve months up to the period's end, oldest first."""
    monthly = review.once("monthly shares", _monthly)
    column = {word: name for name, word in DIMENSIONS.items()}.get(dimension)
    if column is None:
        return []
    last = parse_period(f"{review.period.end:%Y-%m}")
    rows = monthly[column]
    found: list[float | None] = []
    for step in range(1 - TREND_MONTHS, 1):
        of_month = rows[(rows["month"] == pd.Timestamp(last.shifted(step).start)) & (rows[column] == value)]
        total = float(of_month["numerator"].sum())
        mine = float(of_month.loc[of_month["partner_id"] == review.partner_id, "numerator"].sum())
        found.append(mine / total if total else None)
    return found


def _monthly(review: Review) -> dict[str, pd.DataFrame]:
    first = review.dataset.span[0].replace(day=1)
    return {
        name: review.dataset.kpi_sums("handled", ("month", name, "partner_id"), first, review.period.end).dropna(
            subset=[name]
        )
        for name in DIMENSIONS
    }


def _agreed(review: Review) -> dict[tuple[str, str], tuple[str, bool]]:
    exceptions = exceptions_at(review)
    if exceptions is None:
        return {}
    return {
        (str(row["dimension"]), str(row["value"])): (_words(row), bool(row["past_review"]))
        for row in exceptions.to_dict("records")
    }


def _words(row: dict[str, object]) -> str:
    stale = ", past its review date" if row["past_review"] else ""
    day = f"{row['review_on']:%Y-%m-%d}" if pd.notna(row["review_on"]) else "no date"
    return f"agreed exception, review on {day}{stale}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excepted:
    """One agreed exception, and what it covers in the period.

    ``inside`` is the partner's share of the contacts it covers, ``weekly`` how many contacts a week are at stake (both
    NaN where the dataset cannot tell). ``row`` is the row of the register.
    """

    row: Mapping[str, Any]
    inside: float
    partner: float
    total: float
    weekly: float

    @property
    def stale(self) -> bool:
        """Whether its review date has passed."""
        return bool(self.row["past_review"])

    @property
    def name(self) -> str:
        """What it covers, as printed."""
        return f"{self.row['dimension']}: {self.row['value']}"


def excepted(review: Review) -> list[Excepted]:
    """Return the agreed exceptions in force at the end of the period with what they cover; empty without the table."""
    register = exceptions_at(review)
    if register is None:
        return []
    rows = _handled(review.dataset, review.period)
    columns = {word: column for column, word in DIMENSIONS.items()} | {"site": "site"}
    found = []
    for row in register.to_dict("records"):
        column = columns.get(str(row["dimension"]))
        covered = rows[rows[column] == row["value"]] if column else rows.iloc[:0]
        total = float(covered["numerator"].sum())
        mine = float(covered.loc[covered["partner_id"] == review.partner_id, "numerator"].sum())
        missing = float("nan")
        found.append(
            Excepted(
                row={str(key): value for key, value in row.items()},
                inside=mine / total if total else missing,
                partner=mine,
                total=total,
                weekly=7 * mine / review.period.days if total else missing,
            )
        )
    return found


def in_house_capability(review: Review) -> pd.DataFrame | None:
    """Return what the in-house team can still do, for every slice the partner has contacts in.

    Returns
    -------
    DataFrame or None
        Columns dimension, value, share (the partner's), in_house_share (of contacts handled in the period), agents
        (in-house agents with a contact there in the last thirty days up to the period's end), last_day (of an in-house
        contact there, NaT: none on record); largest share of the partner first. None without an in-house team or
        without contacts by agent.
    """
    partners = review.dataset.partners
    home = partners.loc[partners["kind"] == "inhouse", "partner_id"]
    frame = review.dataset.extract("capability")
    if home.empty or frame is None:
        return None
    end = pd.Timestamp(review.period.end)
    frame = frame.assign(date=pd.to_datetime(frame["date"]))
    own = frame[frame["partner_id"].isin(home) & (frame["date"] <= end)]
    known = frame[frame["dimension"] != ALL]["dimension"].unique()
    active = own.groupby(["dimension", "value"])["change"].sum()
    last = own[own["handled"] > 0].groupby(["dimension", "value"])["date"].max()
    handled = _handled(review.dataset, review.period)
    lines = []
    for row in concentration(review).to_dict("records"):
        key = str(row["dimension"]), str(row["value"])
        if key[0] not in known:
            continue
        column = {word: name for name, word in DIMENSIONS.items()}.get(key[0])
        inside = handled[handled[column] == key[1]] if column else handled.iloc[:0]
        total = float(inside["numerator"].sum())
        mine = float(inside.loc[inside["partner_id"].isin(home), "numerator"].sum())
        lines.append(
            {
                "dimension": key[0],
                "value": key[1],
                "share": row["share"],
                "in_house_share": mine / total if total else float("nan"),
                "agents": int(active.get(key, 0)),
                "last_day": last.get(key, pd.NaT),
            }
        )
    names = ["dimension", "value", "share", "in_house_share", "agents", "last_day"]
    return pd.DataFrame(lines, columns=names)


def shares_by_partner(dataset: Dataset, period: ReportPeriod) -> pd.DataFrame:
    """Return every partner's share of every slice in a period.

    Returns
    -------
    DataFrame
        Columns dimension, value, total (contacts handled), then one column per partner_id; NaN where it has none.
    """
    rows = _handled(dataset, period)
    parts = []
    for column, word in DIMENSIONS.items():
        wide = rows.groupby([column, "partner_id"])["numerator"].sum().unstack()
        total = wide.sum(axis=1)
        shares = wide[total > 0].div(total[total > 0], axis=0)
        parts.append(
            shares.reset_index(names="value").assign(dimension=word, total=total[total > 0].to_numpy()),
        )
    table = pd.concat(parts, ignore_index=True)
    partners = [name for name in dataset.partners["partner_id"] if name in table]
    return table[["dimension", "value", "total", *partners]]
