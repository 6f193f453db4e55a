"""Dated changes: how often is one found that is not there, and how often one that is?

A series without a change of level in which a method reports one (p < 0.05, or any break where there is no p-value) is a
false alarm. The usual detectors take neighbouring values for independent, and the more these resemble each other (AR(1)
with 0.3 to 0.6 is usual), the more changes they report: Pettitt's test, the standard normal homogeneity test (SNHT) and
Buishand's U in every second such series, ruptures with a common penalty in 80 %. Ours, `find_changes`, must lie between
3 and 6.5 % up to an autocorrelation of 0.8.

Power is the share of series with a real change in which some change is reported; it says something only of methods that
keep their false alarms at 5 %, and of the usual ones none does. Coverage is the share of 95 % intervals that hold the
true date (or size), in series in which a change was found. A level that is left again ("stretch") is looked for with a
small part of the error rate; it is hard to tell from resemblance of neighbours, and the rates show how hard. ruptures
is computed for all series at once and compared with the package itself on the first of every case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import ruptures
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.stats.change_search import first_pvalues
from bpo_analysis.stats.find_changes import ChangesResult, find_changes
from validation import simulate
from validation.verdict import rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]

LEVEL = 0.05
ALARMS = (0.03, 0.065)
COVERAGE = (0.93, 0.97)
_COMPARED = 2
"""Series of each case on which the formula is compared with ruptures."""
_PUBLIC_RUNS = 500
"""Of the whole function, where it cannot be batched; it takes about ten milliseconds a series."""
_MOST_PUBLIC_RUNS = 1500
_LIMIT_RUNS = 20_000
_DRIFTS = "No bar: no test tells such noise from changes of level. See the row without a warning."
_WARNED = "Share that has p < 0.05 and no warning (that a drift looks the same, that a value lies far out)."
_UNEQUAL = "Its false alarms are not at 5 %."
_WHOLE_DATES = "Dates are whole: an interval of one date may hold more than 95 %."
_CHOSEN = "No bar: the date was chosen because the change looks large there; too large on average where hardly visible."
_HARD = "No bar: what one knows of the autocorrelation is spoilt by the stretch."


@dataclass(frozen=True, slots=True)
class Case:
    """Noise, and what is added to it."""

    name: str
    draw: Callable[[int, np.random.Generator], Floats]
    length: int
    shift: Floats | None = None
    bar: bool = True
    note: str = ""


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure false alarms, power and coverage of change-point methods.

    Parameters
    ----------
    repetitions : int
        Series a case.
    rng : Generator

    Returns
    -------
    DataFrame
        Columns case, method, ours, measure, rate, runs, low, high, note.
    """
    rows: list[dict[str, object]] = []
    for case in _nulls():
        rows += _alarms(case, case.draw(repetitions, rng))
    public = min(max(_PUBLIC_RUNS, repetitions // 2), _MOST_PUBLIC_RUNS, repetitions)
    for name, draw, arguments in _adjusted():
        rows.append(_adjusted_row(name, draw(public, rng), arguments))
    for rho in (0.0, 0.3, 0.6):
        rows.append(_further(rho, public, rng))
    for case in _changes():
        rows += _power(case, case.draw(repetitions, rng))
    for case in _dated():
        rows += _coverage(case, case.draw(public // 2, rng))
    return pd.DataFrame(rows, columns=["case", "method", "ours", "measure", "rate", "runs", "low", "high", "note"])


def _nulls() -> Iterator[Case]:
    for n in (16, 24, 52, 104, 156):
        for rho in (0.0, 0.3, 0.6, 0.8):
            yield Case(f"n = {n}, AR(1) {rho:g}", _ar1(n, rho), n)
    for n in (24, 52, 104):
        for rho in (0.3, 0.6):
            yield Case(
                f"n = {n}, AR(1) {rho:g}, t3 shocks",
                lambda m, rng, n=n, rho=rho: simulate.student_ar1(m, n, rho, rng),
                n,
            )
    yield Case(
        "n = 52, AR(1) 0.3, rounded to 0.5 SD", lambda m, rng: simulate.rounded(simulate.ar1(m, 52, 0.3, rng), 0.5), 52
    )
    yield Case(
        "n = 52, AR(1) 0.3, a value 10 SD off",
        lambda m, rng: simulate.wild(simulate.ar1(m, 52, 0.3, rng), 10, rng),
        52,
        bar=False,
        note=_SPOILT,
    )
    for n in (24, 52):
        yield Case(f"n = {n}, MA 0.5", lambda m, rng, n=n: simulate.moving_average(m, n, 0.5, rng), n, note=_MILD)
    for name, draw in (
        ("AR(1) 0.9", _ar1(52, 0.9)),
        ("AR(2) 0.5, 0.3", lambda m, rng: simulate.ar2(m, 52, 0.5, 0.3, rng)),
        ("random level", lambda m, rng: simulate.random_level(m, 52, rng)),
        ("random walk", lambda m, rng: simulate.random_walk(m, 52, rng)),
    ):
        yield Case(f"n = 52, {name}", draw, 52, bar=False, note=_DRIFTS)


_SPOILT = "No bar: a single wild value hides the autocorrelation. See the row without a warning: the result names it."
_MILD = "May be conservative: the noise is milder than the AR(1) it looks like."


def _changes() -> Iterator[Case]:
    for n, rho, size in (
        (24, 0.0, 1.5),
        (24, 0.3, 1.5),
        (52, 0.0, 1.5),
        (52, 0.3, 1.5),
        (52, 0.6, 2.0),
        (104, 0.3, 1.5),
        (104, 0.6, 2.0),
    ):
        yield Case(
            f"n = {n}, AR(1) {rho:g}, step of {size:g} SD halfway", _ar1(n, rho), n, shift=_step(n, n // 2, size)
        )
    for n, rho, size in ((52, 0.3, 1.5), (104, 0.6, 2.0)):
        yield Case(
            f"n = {n}, AR(1) {rho:g}, step of {size:g} SD after a quarter",
            _ar1(n, rho),
            n,
            shift=_step(n, n // 4, size),
        )
    for rho in (0.0, 0.3, 0.6):
        stretch = _step(78, 26, 2.0) - _step(78, 52, 2.0)
        yield Case(f"n = 78, AR(1) {rho:g}, stretch of 26 at 2 SD", _ar1(78, rho), 78, shift=stretch, note=_HARD)
    stretch = _step(104, 40, 2.0) - _step(104, 66, 2.0)
    yield Case("n = 104, AR(1) 0.3, stretch of 26 at 2 SD", _ar1(104, 0.3), 104, shift=stretch, note=_HARD)
    stairs = _step(78, 26, 2.0) + _step(78, 52, 2.0)
    yield Case("n = 78, AR(1) 0.3, two steps up of 2 SD", _ar1(78, 0.3), 78, shift=stairs)


def _dated() -> Iterator[Case]:
    for n, rho, size in ((52, 0.0, 1.5), (52, 0.3, 2.0), (52, 0.6, 3.0), (104, 0.3, 1.5), (104, 0.6, 2.0)):
        yield Case(
            f"n = {n}, AR(1) {rho:g}, step of {size:g} SD", _ar1(n, rho), n, shift=_step(n, round(0.4 * n), size)
        )


def _ar1(n: int, rho: float) -> Callable[[int, np.random.Generator], Floats]:
    return lambda m, rng: simulate.ar1(m, n, rho, rng)


def _step(n: int, start: int, size: float) -> Floats:
    return size * (np.arange(n) >= start)


def _adjusted() -> Iterator[tuple[str, Callable[[int, np.random.Generator], Floats], dict[str, object]]]:
    """Series that only the whole function takes: with a season, a trend or gaps."""
    for rho in (0.3, 0.6):
        yield (
            f"n = 60, season of 12, AR(1) {rho:g}",
            lambda m, rng, rho=rho: simulate.ar1(m, 60, rho, rng) + simulate.season(m, 60, 12, rng),
            {"season_length": 12},
        )
        yield (
            f"n = 52, AR(1) {rho:g}, trend of 2 SD taken out",
            lambda m, rng, rho=rho: simulate.ar1(m, 52, rho, rng) + np.linspace(0, 2, 52),
            {"trend": True},
        )
        yield (
            f"n = 52, AR(1) {rho:g}, 15 % missing",
            lambda m, rng, rho=rho: simulate.missing(simulate.ar1(m, 52, rho, rng), 0.15, rng),
            {},
        )


def _adjusted_row(name: str, series: Floats, arguments: dict[str, object]) -> dict[str, object]:
    found = np.array([find_changes(row, **arguments).pvalue < LEVEL for row in series])  # type: ignore[arg-type]
    return rate_row(name, "find_changes", "false alarms", found, ours=True, bar=ALARMS)


def _further(rho: float, runs: int, rng: np.random.Generator) -> dict[str, object]:
    """Changes reported besides a large real one."""
    series = simulate.ar1(runs, 78, rho, rng) + 8 * (np.arange(78) >= rng.integers(16, 63, runs)[:, None])
    more = np.array([len(find_changes(row).positions) > 1 for row in series])
    return rate_row(
        f"n = 78, AR(1) {rho:g}, beside a step of 8 SD", "find_changes", "false alarms", more, ours=True, bar=ALARMS
    )


def _alarms(case: Case, series: Floats) -> Iterator[dict[str, object]]:
    found = first_pvalues(series) < LEVEL
    low, high = ALARMS if case.bar else (np.nan, np.nan)
    low = np.nan if case.note == _MILD else low
    yield rate_row(case.name, "find_changes", "false alarms", found, ours=True, bar=(low, high), note=case.note)
    if not case.bar:
        results = [find_changes(row) for row in series[:_PUBLIC_RUNS]]
        silent = np.array([result.pvalue < LEVEL and not result.note for result in results])
        yield rate_row(case.name, "find_changes, without a warning", "false alarms", silent, ours=True, note=_WARNED)
    for method, hits in _peers(series):
        yield rate_row(case.name, method, "false alarms", hits)


def _power(case: Case, noise: Floats) -> Iterator[dict[str, object]]:
    series = noise + case.shift
    yield rate_row(case.name, "find_changes", "power", first_pvalues(series) < LEVEL, ours=True, note=case.note)
    for method, hits in _peers(series):
        yield rate_row(case.name, method, "power", hits, note=_UNEQUAL)


def _coverage(case: Case, noise: Floats) -> Iterator[dict[str, object]]:
    assert case.shift is not None
    true, size = int(np.flatnonzero(case.shift)[0]), float(case.shift[-1])
    found = [result for row in noise + case.shift if len((result := find_changes(row)).positions)]
    nearest = [_nearest(result, true) for result in found]
    dates = np.array([row.position_low <= true <= row.position_high for row in nearest])
    sizes = np.array([row.ci_low <= size <= row.ci_high for row in nearest])
    low = COVERAGE[0]
    yield rate_row(case.name, "find_changes, date", "coverage", dates, ours=True, bar=(low, np.nan), note=_WHOLE_DATES)
    yield rate_row(case.name, "find_changes, size", "coverage", sizes, ours=True, note=_CHOSEN)


def _nearest(result: ChangesResult, true: int) -> pd.Series:
    return result.table.loc[(result.table["position"] - true).abs().idxmin()]


def _peers(series: Floats) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    n = series.shape[1]
    ranks = stats.rankdata(series, axis=1)
    distance = np.abs(2 * ranks.cumsum(axis=1) - np.arange(1, n + 1) * (n + 1)).max(axis=1)
    yield "Pettitt", 2 * np.exp(-6 * distance**2 / (n**3 + n**2)) < LEVEL
    for method, statistic in (("SNHT", _snht), ("Buishand U", _buishand)):
        yield method, statistic(series) > _limit(statistic, n)
    for name, penalty in (("3", 3.0), ("10", 10.0), ("2 log n", 2 * np.log(n))):
        hits = _splits(series, penalty)
        package = [
            len(ruptures.Pelt(model="l2", jump=1).fit(row).predict(pen=penalty)) > 1 for row in series[:_COMPARED]
        ]
        if package != hits[:_COMPARED].tolist():
            raise RuntimeError(f"the formula for ruptures finds changes in {hits[:_COMPARED]}, ruptures in {package}.")
        yield f"ruptures Pelt l2, pen = {name}", hits


def _snht(series: Floats) -> Floats:
    n = series.shape[1]
    sums = ((series - series.mean(axis=1, keepdims=True)) / series.std(axis=1, ddof=1, keepdims=True)).cumsum(axis=1)
    first = np.arange(1, n)
    return np.asarray((sums[:, :-1] ** 2 * n / (first * (n - first))).max(axis=1))


def _buishand(series: Floats) -> Floats:
    n = series.shape[1]
    sums = ((series - series.mean(axis=1, keepdims=True)) / series.std(axis=1, keepdims=True)).cumsum(axis=1)
    return np.asarray((sums[:, :-1] ** 2).sum(axis=1) / (n * (n + 1)))


@lru_cache(maxsize=32)
def _limit(statistic: Callable[[Floats], Floats], n: int) -> float:
    """Value that 5 % of independent series exceed, by simulation, as the packages have it."""
    return float(np.quantile(statistic(np.random.default_rng(n).standard_normal((_LIMIT_RUNS, n))), 1 - LEVEL))


def _splits(series: Floats, penalty: float) -> NDArray[np.bool_]:
    """Whether the best segmentation by least squares, with at least two values a segment, has more than one."""
    m, n = series.shape
    centred = series - series.mean(axis=1, keepdims=True)
    sums = np.column_stack([np.zeros(m), centred.cumsum(axis=1)])
    squares = np.column_stack([np.zeros(m), (centred**2).cumsum(axis=1)])
    best = np.full((m, n + 1), np.inf)
    best[:, 0] = 0.0
    for end in range(2, n + 1):
        starts = np.arange(0, end - 1)
        within = squares[:, [end]] - squares[:, starts] - (sums[:, [end]] - sums[:, starts]) ** 2 / (end - starts)
        best[:, end] = (best[:, starts] + within).min(axis=1) + penalty
    return np.asarray(best[:, n] < squares[:, n] - sums[:, n] ** 2 / n + penalty - 1e-9)
