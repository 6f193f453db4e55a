"""Turnaround with open cases: do the limits cover, and does the comparison hold its level?

Cases open at random times before the end of a window and are still open at its end if they are not done by then, which
leaves 20 or 50 % open. Times are exponential (mean 10), log-normal, or log-normal with a third of the variance between
agents of uneven load. Ours is `time_to_event`: median, 90th percentile, share within a limit and restricted mean.
Beside it stands the log-log band with Greenwood's variance, as lifelines draws it (the same formula; checked once a run
against `lifelines.KaplanMeierFitter`), which knows no agents. An upper limit that the data do not reach covers. With
half of the cases open the 90th percentile often lies beyond the window: the log-log band then ends with the last case
as if that were known. Comparisons are of two groups of cases, or of agents, that do not differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.stats.time_to_event import compare_time_to_event, time_to_event
from validation.verdict import rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int], tuple[Floats, NDArray[np.intp]]]
MOST_RUNS = 1500
MANY = 100_000
COVERS, HOLDS, OPEN = (0.93, 0.97), (0.03, 0.065), (np.nan, np.nan)
_FEW = "Cautious with so few agents, and says so; the restricted means hold their level."
_SHORT = "No upper bar: with so few done, an interval that holds its level holds more."


@dataclass(frozen=True, kw_only=True)
class Case:
    """How times come about, how many cases and agents there are, and which share is open."""

    kind: str
    draw: Draw
    n: int
    open_share: float
    agents: int = 0

    @property
    def name(self) -> str:
        """Words for the table."""
        agents = f", {self.agents} agents" if self.agents else ""
        return f"{self.kind}, n = {self.n}{agents}, {100 * self.open_share:.0f} % open"


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure coverage of one curve and false alarms of the comparison of two.

    Parameters
    ----------
    repetitions : int
        Samples a case, at most 1,500.
    rng : Generator

    Returns
    -------
    DataFrame
        Columns case, method, ours, measure, rate, runs, low, high, note.
    """
    runs = min(repetitions, MOST_RUNS)
    rows: list[dict[str, object]] = []
    kinds: tuple[tuple[str, Draw, tuple[int, ...], int], ...] = (
        ("exponential", _exponential, (20, 40, 100), 0),
        ("log-normal", _log_normal, (20, 40, 100), 0),
        ("by agent", _by_agent, (120,), 12),
        ("by agent", _by_agent, (400,), 40),
    )
    for kind, draw, sizes, agents in kinds:
        for n in sizes:
            for share in (0.2, 0.5):
                rows += _covered(Case(kind=kind, draw=draw, n=n, open_share=share, agents=agents), runs, rng)
    for kind, draw, n, agents in (
        ("log-normal", _log_normal, 40, 0),
        ("log-normal", _log_normal, 200, 0),
        ("by agent", _by_agent, 200, 12),
        ("by agent", _by_agent, 400, 40),
    ):
        rows += _compared(Case(kind=kind, draw=draw, n=n, open_share=0.3, agents=agents), runs, rng)
    return pd.DataFrame(rows)


def _exponential(rng: np.random.Generator, n: int, agents: int) -> tuple[Floats, NDArray[np.intp]]:
    return rng.exponential(10, n), np.zeros(n, dtype=np.intp)


def _log_normal(rng: np.random.Generator, n: int, agents: int) -> tuple[Floats, NDArray[np.intp]]:
    return np.exp(2 + rng.standard_normal(n)), np.zeros(n, dtype=np.intp)


def _by_agent(rng: np.random.Generator, n: int, agents: int) -> tuple[Floats, NDArray[np.intp]]:
    agent = rng.choice(agents, size=n, p=rng.dirichlet(np.full(agents, 3.0)))
    speed = rng.standard_normal(agents)
    return np.exp(2 + np.sqrt(1 / 3) * speed[agent] + np.sqrt(2 / 3) * rng.standard_normal(n)), agent


def _population(case: Case) -> Floats:
    """Many times, of agents of their own."""
    return case.draw(np.random.default_rng(2), MANY, MANY)[0]


def _window(case: Case, times: Floats) -> float:
    """Length of the window that leaves the share of cases open."""
    waits = np.random.default_rng(1).random(len(times))
    low, high = 0.1, 5000.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if (waits * middle < times).mean() > case.open_share else (low, middle)
    return low


def _covered(case: Case, runs: int, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    many = _population(case)
    window = _window(case, many)
    limit, horizon = (float(q) for q in np.quantile(many, [0.6, 0.85 if case.open_share < 0.4 else 0.6]))
    median, p90 = np.quantile(many, [0.5, 0.9])
    within, mean = float((many <= limit).mean()), float(np.minimum(many, horizon).mean())
    hits: dict[str, list[bool]] = {}
    for run in range(runs):
        times, agent = case.draw(rng, case.n, case.agents)
        seen = rng.random(case.n) * window
        done, times = times <= seen, np.minimum(times, seen)
        found = time_to_event(times, done, limit=limit, horizon=horizon, clusters=agent if case.agents else None)
        hit = {"median": _holds(found.median_ci_low, median, found.median_ci_high)}
        hit["p90"] = _holds(found.p90_ci_low, p90, found.p90_ci_high)
        if np.isfinite(found.share_within):
            hit["share"] = _holds(found.share_within_ci_low, within, found.share_within_ci_high)
        if np.isfinite(found.restricted_mean_ci_low):
            hit["mean"] = _holds(found.restricted_mean_ci_low, mean, found.restricted_mean_ci_high)
        curve, low, high = _log_log(times, done, check=run == 0)
        place = int(np.searchsorted(curve, limit, side="right")) - 1
        hit["log-log share"] = place < 0 or bool(low[place] <= 1 - within <= high[place])
        for name, share, value in (("log-log median", 0.5, median), ("log-log p90", 0.1, p90)):
            hit[name] = _first(curve, low, share) <= value <= _first(curve, high, share)
        for name, held in hit.items():
            hits.setdefault(name, []).append(held)
    few = case.n * (1 - case.open_share) < 20
    for name, held in hits.items():
        ours = not name.startswith("log-log")
        beyond = name == "p90" and case.open_share > 0.4
        bar = OPEN if not ours else (COVERS[0], 1.0) if few or beyond else COVERS
        method = f"time_to_event, {name}" if ours else f"log-log, {name.removeprefix('log-log ')}"
        yield rate_row(
            case.name, method, "coverage", held, ours=ours, bar=bar, note=_SHORT if ours and bar[1] == 1 else ""
        )


def _compared(case: Case, runs: int, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    many = _population(case)
    window, limit = _window(case, many), float(np.quantile(many, 0.6))
    hits: dict[str, list[bool]] = {"log-rank": [], "restricted mean": [], "share": [], "plain": []}
    for _ in range(runs):
        times, agent = case.draw(rng, case.n, case.agents)
        first = agent < case.agents / 2 if case.agents else rng.random(case.n) < 0.5
        seen = rng.random(case.n) * window
        done, times = times <= seen, np.minimum(times, seen)
        clusters = agent if case.agents else None
        labels = np.where(first, "first", "second")
        found = compare_time_to_event(times, done, labels, limit=limit, horizon=1.2 * limit, clusters=clusters)
        hits["log-rank"].append(found.pvalue < 0.05)
        hits["restricted mean"].append(found.restricted_mean_pvalue < 0.05)
        hits["share"].append(not _holds(found.share_within_ci_low, 0.0, found.share_within_ci_high))
        sides = [stats.CensoredData(uncensored=times[s & done], right=times[s & ~done]) for s in (first, ~first)]
        hits["plain"].append(stats.logrank(*sides).pvalue < 0.05)
    for name, hit in hits.items():
        ours = name != "plain"
        method = f"compare_time_to_event, {name}" if ours else "log-rank on cases"
        cautious = name == "log-rank" and 0 < case.agents < 20
        bar = OPEN if not ours else (np.nan, HOLDS[1]) if cautious else HOLDS
        yield rate_row(case.name, method, "false alarms", hit, ours=ours, bar=bar, note=_FEW if cautious else "")


def _holds(low: float, value: float, high: float) -> bool:
    """A limit that is not reached leaves nothing out on its side."""
    return bool((np.isnan(low) or low <= value) and (np.isnan(high) or value <= high))


def _first(times: Floats, band: Floats, share: float) -> float:
    reached = np.flatnonzero(band <= share)
    return float(times[reached[0]]) if len(reached) else np.inf


def _log_log(times: Floats, done: NDArray[np.bool_], *, check: bool) -> tuple[Floats, Floats, Floats]:
    """Times, and the log-log limits of the open share after each."""
    at, place = np.unique(times, return_inverse=True)
    risk = np.bincount(place)[::-1].cumsum()[::-1]
    events = np.bincount(place, weights=done)
    open_ = np.cumprod(1 - events / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt((events / (risk * (risk - events))).cumsum()) / np.abs(np.log(open_))
        low, high = open_ ** np.exp(1.959964 * error), open_ ** np.exp(-1.959964 * error)
    low, high = (np.where(open_ >= 1, 1.0, np.where(open_ <= 0, 0.0, band)) for band in (low, high))
    if check:
        theirs = KaplanMeierFitter().fit(times, done).confidence_interval_.iloc[1:].to_numpy()
        inside = (open_ > 0) & (open_ < 1)
        if not np.allclose(theirs[inside], np.c_[low, high][inside], atol=1e-5):
            raise RuntimeError("the log-log band differs from that of lifelines.")
    return at, low, high
