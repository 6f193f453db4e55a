"""Control charts: how often does a stable process signal, and how often is a change seen?

A chart of a stable process in which any rule speaks anywhere is a false alarm. Three-sigma limits and the usual sets of
rules (Western Electric, Nelson) were made for independent values of a known process; on figures that resemble their
neighbours (AR(1) with 0.3 to 0.6 is usual), with limits from the same 24 to 104 points, they signal in up to 99 % of
stable charts. Ours, `control_chart`, must lie between 3 and 6.5 % up to an autocorrelation of 0.8. Its textbook form,
`limits="three-sigma"`, has the textbook's false alarms and has to say how many: the mean of what it states must lie
within twelve points of what happens (few points leave open what their autocorrelation is).

Binomial limits of a p chart take the true rate for constant, which no rate of a contact centre is; Laney's correction
takes the variation from the data. Ours never narrows limits below the binomial ones, and so is conservative where a
rate is truly constant.

Power is the share of series with a real change in which any rule speaks; it says something only of methods whose false
alarms are near 5 %, of which the residual chart on 24 points is the only usual one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bpo_analysis.stats.control_chart import ControlChart, control_chart
from bpo_analysis.stats.control_limits import longest_runs
from validation import simulate
from validation.verdict import rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
Hits = NDArray[np.bool_]

ALARMS = (0.03, 0.065)
STATED = 0.12
_MEAN_RANGE = 1.128
_MOST_RUNS = 2000
"""Of the whole function, which is not batched; it takes about two milliseconds a chart."""
_WANDERS = "No bar: no chart tells such noise from change. See the row without a warning."
_WARNED = "Share that signals without a warning that a drift looks the same."
_NEAR_ROOT = "No bar: near a unit root."
_FAR = "No bar: far values are part of this noise, and no chart of so few points can know."
_MILD = "May be conservative: the noise is milder than the AR(1) it looks like."
_CONSTANT = "Conservative: limits are never narrower than the binomial ones."
_SKEWED = "Counts of a few a week lean to the right."
_LEANING = "No bar: counts and what varies beneath them lean to the right, so that far values are part of the noise."
_UNEQUAL = "Its false alarms are not at 5 %."
_TIES = "No bar: of values on the middle few are left to count runs by."
_OPEN_LOW = {_MILD, _CONSTANT}


@dataclass(frozen=True, slots=True)
class Case:
    """A stable process, and how it is charted."""

    name: str
    draw: Callable[[int, np.random.Generator], Floats]
    options: dict[str, object] = field(default_factory=dict)
    bar: bool = True
    note: str = ""


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure false alarms and power of control charts.

    Parameters
    ----------
    repetitions : int
        Series a case; 2,000 at most.
    rng : Generator

    Returns
    -------
    DataFrame
        Columns case, method, measure, ours, rate, runs, low, high, note.
    """
    runs = min(repetitions, _MOST_RUNS)
    rows: list[dict[str, object]] = []
    for case in _stable():
        rows += _alarms(case, case.draw(runs, rng))
    for n in (24, 52, 104):
        for rho in (0.0, 0.3, 0.6):
            rows += _stated(f"n = {n}, AR(1) {rho:g}", simulate.ar1(runs, n, rho, rng))
    for name, kind, draw, note in _rates():
        rows += _rate_alarms(name, kind, *draw(runs, rng), note)
    for n, rho in ((24, 0.0), (24, 0.3), (24, 0.6), (52, 0.0), (52, 0.3), (52, 0.6), (104, 0.3)):
        rows += _power(n, rho, runs, rng)
    return pd.DataFrame(rows, columns=["case", "method", "measure", "ours", "rate", "runs", "low", "high", "note"])


def _stable() -> Iterator[Case]:
    for n in (12, 24, 36, 52, 104):
        for rho in (0.0, 0.3, 0.6, 0.8):
            yield Case(f"n = {n}, AR(1) {rho:g}", _ar1(n, rho))
    for n in (24, 52):
        yield Case(f"n = {n}, AR(1) 0.9", _ar1(n, 0.9), bar=False, note=_NEAR_ROOT)
    for rho in (0.0, 0.3, 0.6):
        yield Case(f"n = 52, AR(1) {rho:g}, 2 phases", _ar1(52, rho), options={"phases": (26,)})
        yield Case(f"n = 52, AR(1) {rho:g}, baseline of 24", _ar1(52, rho), options={"baseline": 24})
        yield Case(
            f"n = 52, AR(1) {rho:g}, 15 % missing",
            lambda m, rng, rho=rho: simulate.missing(simulate.ar1(m, 52, rho, rng), 0.15, rng),
        )
    for rho in (0.0, 0.3):
        name = f"n = 52, AR(1) {rho:g}"
        yield Case(
            f"{name}, rounded to 0.5 SD",
            lambda m, rng, rho=rho: simulate.rounded(simulate.ar1(m, 52, rho, rng), 0.5),
            note=_TIES,
            bar=False,
        )
        yield Case(
            f"{name}, t3 shocks", lambda m, rng, rho=rho: simulate.student_ar1(m, 52, rho, rng), bar=False, note=_FAR
        )
        yield Case(
            f"{name}, t8 shocks",
            lambda m, rng, rho=rho: simulate.student_ar1(m, 52, rho, rng, freedom=8),
            bar=False,
            note=_FAR,
        )
    for n in (24, 52):
        yield Case(f"n = {n}, MA 0.5", lambda m, rng, n=n: simulate.moving_average(m, n, 0.5, rng), note=_MILD)
        for name, draw in (
            ("AR(2) 0.5, 0.3", lambda m, rng, n=n: simulate.ar2(m, n, 0.5, 0.3, rng)),
            ("random level", lambda m, rng, n=n: simulate.random_level(m, n, rng)),
            ("random walk", lambda m, rng, n=n: simulate.random_walk(m, n, rng)),
        ):
            yield Case(f"n = {n}, {name}", draw, bar=False, note=_WANDERS)


def _ar1(n: int, rho: float) -> Callable[[int, np.random.Generator], Floats]:
    return lambda m, rng: simulate.ar1(m, n, rho, rng)


_Rates = tuple[str, str, Callable[[int, np.random.Generator], tuple[Floats, Floats]], str]


def _rates() -> Iterator[_Rates]:
    for n in (24, 52):
        for spread in (0.0, 0.02, 0.03):
            name = f"n = {n}, rate 0.7 of 400 to 1,200, real SD {100 * spread:g} points"
            note = "" if spread else _CONSTANT
            yield name, "p", lambda m, rng, n=n, spread=spread: _shares(m, n, 0.7, spread, 0.0, rng), note
    for n, spread, rho in ((24, 0.03, 0.6), (52, 0.03, 0.3), (52, 0.03, 0.6), (52, 0.06, 0.6)):
        name = f"n = {n}, rate 0.7 of 400 to 1,200, real SD {100 * spread:g} points and AR(1) {rho:g}"
        yield name, "p", lambda m, rng, n=n, s=spread, rho=rho: _shares(m, n, 0.7, s, rho, rng), ""
    for rate, spread in ((0.02, 0.0), (0.02, 0.006)):
        name = f"n = 52, rate {rate:g} of 400 to 1,200, real SD {100 * spread:g} points"
        note = _SKEWED if spread else _CONSTANT
        yield name, "p", lambda m, rng, rate=rate, spread=spread: _shares(m, 52, rate, spread, 0.0, rng), note
    for spread in (0.0, 0.2):
        name = f"n = 52, 12 events a week, real SD {100 * spread:g} %"
        note = _LEANING if spread else _CONSTANT
        yield name, "u", lambda m, rng, spread=spread: _events(m, 52, 12.0, spread, rng), note


def _shares(m: int, n: int, rate: float, spread: float, rho: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    sizes = rng.integers(400, 1201, (m, n))
    true = np.clip(rate + spread * simulate.ar1(m, n, rho, rng), 0.0, 1.0)
    return rng.binomial(sizes, true) / sizes, sizes.astype(float)


def _events(m: int, n: int, mean: float, spread: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    sizes = rng.uniform(0.7, 1.3, (m, n))
    # Real variation of the level by gamma weights.
    true = mean * (rng.gamma(1 / spread**2, spread**2, (m, n)) if spread else 1.0)
    return rng.poisson(true * sizes) / sizes, sizes


def _charts(series: Floats, **options: object) -> list[ControlChart]:
    return [control_chart(row, **options) for row in series]  # type: ignore[arg-type]


def _alarms(case: Case, series: Floats) -> Iterator[dict[str, object]]:
    low, high = ALARMS if case.bar else (np.nan, np.nan)
    low = np.nan if case.note in _OPEN_LOW else low
    charts = _charts(series, **case.options)
    hits = np.array([chart.has_signal for chart in charts])
    yield rate_row(case.name, "control_chart", "false alarms", hits, ours=True, bar=(low, high), note=case.note)
    if not case.bar:
        silent = hits & np.array([not chart.note for chart in charts])
        yield rate_row(case.name, "control_chart, without a warning", "false alarms", silent, ours=True, note=_WARNED)
    if not case.options and not np.isnan(series).any():
        for method, found in _peers(series):
            yield rate_row(case.name, method, "false alarms", found)


def _stated(name: str, series: Floats) -> Iterator[dict[str, object]]:
    charts = _charts(series, limits="three-sigma")
    happens = float(np.mean([chart.has_signal for chart in charts]))
    yield rate_row(
        name,
        'control_chart, limits="three-sigma"',
        "stated false alarms",
        np.array([chart.false_alarm_rate for chart in charts]),
        ours=True,
        bar=(max(happens - STATED, 0.0), happens + STATED),
        note=f"Mean of what the charts state; {100 * happens:.1f} % of them signal.",
    )


def _rate_alarms(name: str, kind: str, rates: Floats, sizes: Floats, note: str) -> Iterator[dict[str, object]]:
    low, high = ALARMS
    pairs = zip(rates, sizes, strict=True)
    hits = np.array([control_chart(row, sizes=size, kind=kind).has_signal for row, size in pairs])  # type: ignore[arg-type]
    bar = (np.nan, np.nan) if note == _LEANING else (np.nan if note in _OPEN_LOW else low, high)
    yield rate_row(name, f"control_chart, {kind}", "false alarms", hits, ours=True, bar=bar, note=note)
    center = (rates * sizes).sum(axis=1, keepdims=True) / sizes.sum(axis=1, keepdims=True)
    z = (rates - center) / np.sqrt((center * (1 - center) if kind == "p" else center) / sizes)
    yield rate_row(name, f"{kind} chart", "false alarms", (np.abs(z) > 3).any(axis=1))
    sigma = np.abs(np.diff(z, axis=1)).mean(axis=1, keepdims=True) / _MEAN_RANGE
    yield rate_row(name, f"{kind} chart by Laney, three sigma", "false alarms", (np.abs(z) > 3 * sigma).any(axis=1))
    yield rate_row(name, "XmR three sigma", "false alarms", (np.abs(_standardised(rates)) > 3).any(axis=1))


def _power(n: int, rho: float, runs: int, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    noise = simulate.ar1(runs, n, rho, rng)
    last = np.arange(n) >= n - n // 3
    for change, series in (
        ("a point 4 SD off", simulate.wild(noise, 4, rng)),
        ("last third 1.5 SD up", noise + 1.5 * last),
        ("last third 2 SD up", noise + 2.0 * last),
    ):
        name = f"n = {n}, AR(1) {rho:g}, {change}"
        hits = np.array([chart.has_signal for chart in _charts(series)])
        yield rate_row(name, "control_chart", "power", hits, ours=True)
        for method, found in _peers(series):
            yield rate_row(name, method, "power", found, note=_UNEQUAL)


def _standardised(series: Floats) -> Floats:
    sigma = np.abs(np.diff(series, axis=1)).mean(axis=1, keepdims=True) / _MEAN_RANGE
    return np.asarray((series - series.mean(axis=1, keepdims=True)) / sigma)


def _peers(series: Floats) -> Iterator[tuple[str, Hits]]:
    z = _standardised(series)
    beyond = (np.abs(z) > 3).any(axis=1)
    n = series.shape[1]
    sides = np.sign(series - np.median(series, axis=1, keepdims=True))
    yield "XmR three sigma", beyond
    yield "XmR three sigma and Anhoej's longest run", beyond | (longest_runs(sides) > np.floor(np.log2(n) + 3))
    zones = _of(z, 2, 3, 2) | _of(z, 4, 5, 1)
    yield "Western Electric rules", beyond | zones | _of(z, 8, 8, 0)
    yield "Nelson rules", beyond | zones | _of(z, 9, 9, 0) | _patterns(z)
    yield "three sigma on AR(1) residuals", _residual_chart(series)


def _of(z: Floats, needed: int, window: int, sigmas: float) -> Hits:
    """Whether so many of the points of a window are beyond so many sigmas on one side."""
    up = sliding_window_view(z > sigmas, window, axis=1).sum(axis=2)
    down = sliding_window_view(z < -sigmas, window, axis=1).sum(axis=2)
    return np.asarray((np.maximum(up, down) >= needed).any(axis=1))


def _patterns(z: Floats) -> Hits:
    """Nelson's other rules: 6 rising or falling, 14 alternating, 15 within one sigma, 8 outside it; where they fit."""
    step = np.sign(np.diff(z, axis=1))
    turn = step[:, 1:] * step[:, :-1] < 0
    rules = [(step > 0, 5), (step < 0, 5), (turn, 12), (np.abs(z) < 1, 15), (np.abs(z) > 1, 8)]
    hits = np.zeros(len(z), dtype=bool)
    for holds, window in rules:
        if holds.shape[1] >= window:
            hits |= sliding_window_view(holds, window, axis=1).all(axis=2).any(axis=1)
    return hits


def _residual_chart(series: Floats) -> Hits:
    off = series - series.mean(axis=1, keepdims=True)
    rho = (off[:, 1:] * off[:, :-1]).sum(axis=1, keepdims=True) / (off**2).sum(axis=1, keepdims=True)
    return np.asarray((np.abs(_standardised(off[:, 1:] - rho * off[:, :-1])) > 3).any(axis=1))
