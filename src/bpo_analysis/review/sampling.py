"""A random draw of contacts for both sides to rate: seeded, stratified, with the chance each contact had.

The dataset keeps, for every week, channel and reason, the first contacts of a random order and the size of the stratum
(``data/extracts/quality.py``). Strata that the draw puts together get their parts by the hypergeometric distribution,
so that within a stratum of the draw every set of so many contacts is as likely as any other.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, sqrt

import numpy as np
import pandas as pd
from scipy import stats

from bpo_analysis.review.context import Review

__all__ = ["Draw", "agent_code", "draw_sample", "margin_of", "size_for_margin"]

EXPECTED = 0.5
"""Share that the margin is computed for: the least favourable, so that it holds for every item."""
_LEVELS: tuple[tuple[str, ...], ...] = (("channel", "reason"), ("reason",), ("channel",), ())
_LEAST = 2
"""Contacts of a stratum from which on its own spread can be seen; coarser strata are taken where there are fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Contacts drawn at random from whole weeks.

    Attributes
    ----------
    cases : DataFrame
        One row per contact: interaction_id, date, channel, reason, agent (a code), inclusion_probability; in order of
        date.
    strata : DataFrame
        One row per stratum: label, size, drawn, inclusion_probability.
    by : str
        What the strata are made of, in words.
    start, end : date
        First and last day of the weeks.
    population, drawn, wanted, shortfall : int
        Contacts of these weeks, contacts drawn, contacts asked for, and how many of those could not be had.
    margin, margin_wanted : float
        Half the interval of a share that this draw gives, and the one asked for.
    size_for_margin : int
        Contacts that would give the margin asked for.
    seed : int
    confidence_level : float
    """

    cases: pd.DataFrame
    strata: pd.DataFrame
    by: str
    start: date
    end: date
    population: int
    drawn: int
    wanted: int
    shortfall: int
    margin: float
    margin_wanted: float
    size_for_margin: int
    seed: int
    confidence_level: float


def margin_of(n: int, population: int, *, confidence_level: float = 0.95, expected: float = EXPECTED) -> float:
    """Half the interval of a share from n of N contacts: z sqrt(p (1 - p) / n) sqrt((N - n) / (N - 1)).

    Examples
    --------
    >>> round(margin_of(96, 1_000_000), 3), margin_of(20, 20)
    (0.1, 0.0)
    """
    if n < 1:
        return float("nan")
    z = float(stats.norm.isf((1 - confidence_level) / 2))
    rest = sqrt((population - n) / (population - 1)) if population > 1 else 0.0
    return z * sqrt(expected * (1 - expected) / n) * rest


def size_for_margin(
    margin: float, population: int, *, confidence_level: float = 0.95, expected: float = EXPECTED
) -> int:
    """Contacts needed for a share to be known to ``margin``: m / (1 + (m - 1) / N) with m = z^2 p (1 - p) / margin^2.

    Examples
    --------
    >>> size_for_margin(0.1, 1_000_000), size_for_margin(0.05, 400)
    (97, 197)
    """
    if not 0 < margin < 1:
        raise ValueError(f"margin must be between 0 and 1, got {margin!r}. For 10 points write 0.1.")
    z = float(stats.norm.isf((1 - confidence_level) / 2))
    without_end = z**2 * expected * (1 - expected) / margin**2
    return min(population, ceil(without_end / (1 + (without_end - 1) / population)))


def agent_code(agent_id: object) -> str:
    """Name an agent by a code that stays the same and does not tell who it is; empty where there is none."""
    if agent_id is None or pd.isna(agent_id):
        return ""
    return "agent " + hashlib.blake2b(f"agent:{agent_id}".encode(), digest_size=3).hexdigest()


def draw_sample(review: Review, n: int, *, seed: int = 1, weeks: int = 1, margin: float = 0.1) -> Draw | None:
    """Draw contacts of the last whole weeks up to the end of the period.

    Parameters
    ----------
    review : Review
    n : int
        Contacts to draw; all, where there are fewer.
    seed : int, default 1
        The same seed draws the same contacts. Choose one that nobody knows before the contacts are closed.
    weeks : int, default 1
        Whole ISO weeks to draw from.
    margin : float, default 0.1
        Precision that the size is compared with, for a share.

    Returns
    -------
    Draw or None
        None where the dataset has no contacts to draw from, or these weeks hold none.

    Raises
    ------
    ValueError
        If ``n`` or ``weeks`` is below 1, or ``margin`` not between 0 and 1.

    Notes
    -----
    Strata are channel and reason; coarser ones (reason, channel, all) where the finer would get fewer than two contacts
    each on average. Every stratum gets its share of the draw, at least one contact. A contact's chance is drawn / size
    of its stratum; weights for an estimate over all contacts are its inverse. The margin is that of a simple random
    draw, which a stratified one does not exceed but for rounding.
    """
    if n < 1 or weeks < 1:
        raise ValueError(f"n and weeks must be 1 or more, got {n} and {weeks}.")
    kept = review.extract("contacts_to_draw")
    if kept is None:
        return None
    kept = kept.assign(week=pd.to_datetime(kept["week"]))
    last = pd.Timestamp(review.period.end - timedelta(days=(review.period.end.weekday() + 1) % 7 + 6))
    first = last - pd.Timedelta(weeks=weeks - 1)
    kept = kept[kept["week"].between(first, last)]
    if kept.empty:
        return None
    rng = np.random.default_rng([seed, last.toordinal(), zlib.crc32(review.partner_id.encode())])
    cells = kept.groupby(["week", "channel", "reason"], as_index=False).agg(
        size=("stratum_size", "first"), kept=("stratum_size", "size")
    )
    population = int(cells["size"].sum())
    asked = min(n, population)
    by = next(level for level in _LEVELS if not level or asked >= _LEAST * len(cells.groupby(list(level))))
    cells = cells.assign(label=_label(cells, by))
    cells["drawn"] = _numbers(cells, asked, rng)
    cells["inclusion_probability"] = _chances(cells)
    cases = _first(kept, cells, seed)
    strata = cells.groupby("label", as_index=False)[["size", "drawn"]].sum()
    strata["inclusion_probability"] = strata["drawn"] / strata["size"]
    columns = ["interaction_id", "date", "channel", "reason", "agent", "inclusion_probability"]
    drawn = len(cases)
    level = review.confidence_level
    return Draw(
        cases=cases.sort_values(["date", "interaction_id"], kind="stable")[columns].reset_index(drop=True),
        strata=strata.sort_values("size", ascending=False, kind="stable").reset_index(drop=True),
        by=" and ".join(by),
        start=first.date(),
        end=(last + pd.Timedelta(days=6)).date(),
        population=population,
        drawn=drawn,
        wanted=n,
        shortfall=asked - drawn,
        margin=margin_of(drawn, population, confidence_level=level),
        margin_wanted=margin,
        size_for_margin=size_for_margin(margin, population, confidence_level=level),
        seed=seed,
        confidence_level=level,
    )


def _label(cells: pd.DataFrame, by: tuple[str, ...]) -> pd.Series:
    if not by:
        return pd.Series("all contacts", index=cells.index)
    parts = [cells[name].where(cells[name] != "", f"no {name}") for name in by]
    return parts[0].str.cat(parts[1:], sep=", ")


def _numbers(cells: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.Series:
    """Contacts to take from each week, channel and reason; never more than were kept."""
    sizes = cells.groupby("label")["size"].sum()
    share = _shared_out(sizes, n)
    found = pd.Series(0, index=cells.index)
    for label, part in cells.groupby("label"):
        found[part.index] = rng.multivariate_hypergeometric(part["size"].to_numpy(), int(share[label]))
    return found.clip(upper=cells["kept"])


def _chances(cells: pd.DataFrame) -> pd.Series:
    """Chance of each contact of a cell: that of its stratum, or its own where fewer were kept than the draw asked."""
    sums = cells.groupby("label")[["size", "drawn"]].transform("sum")
    cut = (cells["drawn"] == cells["kept"]) & (cells["kept"] < cells["size"])
    own = cut.groupby(cells["label"]).transform("any")
    return (cells["drawn"] / cells["size"]).where(own, sums["drawn"] / sums["size"])


def _shared_out(sizes: pd.Series, n: int) -> pd.Series:
    """Share n out in proportion to size, at least one each, by largest remainders."""
    exact = n * sizes / sizes.sum()
    found = np.maximum(np.floor(exact), 1).astype(int).clip(upper=sizes)
    while found.sum() < n:
        room = (exact - found).where(found < sizes, -np.inf)
        found[room.idxmax()] += 1
    while found.sum() > n:
        over = (found - exact).where(found > 1, -np.inf)
        found[over.idxmax()] -= 1
    return found


def _first(kept: pd.DataFrame, cells: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Take the first contacts of each cell in the order of the seed."""
    order = [hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).hexdigest() for name in kept["interaction_id"]]
    rows = kept.assign(_order=order, agent=[agent_code(name) for name in kept["agent_id"]])
    rows = rows.sort_values(["_order", "interaction_id"], kind="stable")
    by = ["week", "channel", "reason"]
    rows = rows.merge(cells[[*by, "drawn", "inclusion_probability"]], on=by)
    place = rows.groupby(by).cumcount()
    return rows[place < rows["drawn"]]
