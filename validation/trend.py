"""Trend: how often is one found that is not there, and how often one that is?

Every series without a trend in which a test reports one (p < 0.05) is a false alarm; a test that keeps its word has 5 %
of them. Weekly and monthly figures resemble their neighbours (AR(1) with 0.3 to 0.6 is usual), and the tests in use
answer to that with anything from 0 to 55 %. Ours, `detect_trend` and its twin by ranks, `mann_kendall`, must lie
between 3 and 6.5 % wherever any method can. Where none can (noise that wanders without returning) there is no bar, and
a second row shows how often they see a trend without the warning that a drift looks the same.

Power is the share of trends found, each as large over the whole window as stated, in standard deviations of the noise;
it says something only of methods that keep their false alarms at 5 %, of which pre-whitening is the only usual one:
ours must find no fewer than it does. Coverage is the share of 95 % intervals that hold the true slope.
pymannkendall, the usual package, and statsmodels are computed for all series at once by formulae that are compared with
the packages themselves on the first series of every case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import pymannkendall
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.stats.mann_kendall import MannKendallResult, mann_kendall
from bpo_analysis.stats.trend import detect_trends
from validation import simulate
from validation.verdict import rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]

LEVEL = 0.05
ALARMS = (0.03, 0.065)
COVERAGE = (0.93, 0.97)
_FAIR = "pymannkendall pre-whitening"
"""The one usual method whose false alarms are near 5 %."""
_COMPARED = 2
"""Series of each case on which a formula is compared with the package it stands for."""
_GLSAR_RUNS, _GLSAR_LENGTHS = 200, (24, 52)
"""It takes five milliseconds a series."""
_WANDERS = "No bar: no test tells such noise from a trend at this length. See the rows without a warning."
_MOVING = "Conservative: the noise is milder than the AR(1) it looks like."
_WILD = "A wild value drowns a mean: detect_trend is conservative here, its twin by ranks is for such series."
_TAILS = "Far values now and then: ranks find more than a mean, and have the bar."
_FOOLED = "No bar: with a wild value pre-whitening sees no autocorrelation and gives too many false alarms."
_WARNED = "Share that has p < 0.05 and no warning that a drift looks the same."


@dataclass(frozen=True, slots=True)
class Case:
    """Noise, and what is added to it."""

    name: str
    draw: Callable[[int, np.random.Generator], Floats]
    length: int
    season: int | None = None
    change: float = 0.0
    bar: bool = True
    note: str = ""


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure false alarms, power and coverage of trend tests.

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
    for case in _trends():
        rows += _power(case, case.draw(repetitions, rng))
    for case in _covered():
        rows += _coverage(case, case.draw(repetitions, rng))
    return pd.DataFrame(rows, columns=["case", "method", "ours", "measure", "rate", "runs", "low", "high", "note"])


def _nulls() -> Iterator[Case]:
    for n in (12, 24, 36, 52, 104):
        for rho in (0.0, 0.3, 0.6, 0.8):
            yield Case(f"n = {n}, AR(1) {rho:g}", _ar1(n, rho), n)
    for n in (24, 52, 104):
        note = "No bar: near a unit root; see the rows without a warning."
        yield Case(f"n = {n}, AR(1) 0.9", _ar1(n, 0.9), n, bar=False, note=note)
    for n in (24, 36, 60, 104):
        for rho in (0.0, 0.3, 0.6, 0.8):
            yield Case(f"n = {n}, season of 12, AR(1) {rho:g}", _ar1(n, rho, season=12), n, season=12)
    for rho in (0.3, 0.6):
        name, n = f"n = 52, AR(1) {rho:g}", 52
        yield Case(f"{name}, t3 shocks", lambda m, rng, rho=rho: simulate.student_ar1(m, 52, rho, rng), n)
        yield Case(f"{name}, rounded to 0.5 SD", lambda m, rng, rho=rho: _rounded(m, 52, rho, rng), n)
        yield Case(f"{name}, 15 % missing", lambda m, rng, rho=rho: _missing(m, 52, rho, rng), n)
        yield Case(f"{name}, a value 10 SD off", lambda m, rng, rho=rho: _wild(m, 52, rho, rng), n, note=_WILD)
    for n in (24, 52):
        yield Case(f"n = {n}, MA 0.5", lambda m, rng, n=n: simulate.moving_average(m, n, 0.5, rng), n, note=_MOVING)
        for name, draw in (
            ("AR(2) 0.5, 0.3", lambda m, rng, n=n: simulate.ar2(m, n, 0.5, 0.3, rng)),
            ("random level", lambda m, rng, n=n: simulate.random_level(m, n, rng)),
            ("random walk", lambda m, rng, n=n: simulate.random_walk(m, n, rng)),
        ):
            yield Case(f"n = {n}, {name}", draw, n, bar=False, note=_WANDERS)


def _trends() -> Iterator[Case]:
    for n, rho, change in ((24, 0.0, 1.5), (24, 0.3, 1.5), (52, 0.3, 1.5), (52, 0.6, 1.5), (52, 0.0, 1.0)):
        yield Case(f"n = {n}, AR(1) {rho:g}, change of {change:g} SD", _ar1(n, rho), n, change=change)
    name = "n = 52, AR(1) 0.3"
    yield Case(
        f"{name}, t3 shocks, change of 1.5 SD",
        lambda m, rng: simulate.student_ar1(m, 52, 0.3, rng),
        52,
        change=1.5,
        note=_TAILS,
    )
    yield Case(
        f"{name}, a value 10 SD off, change of 1.5 SD",
        lambda m, rng: _wild(m, 52, 0.3, rng),
        52,
        change=1.5,
        note=_WILD,
    )
    for n, rho, change in ((60, 0.3, 1.5), (24, 0.3, 2.0)):
        name = f"n = {n}, season of 12, AR(1) {rho:g}, change of {change:g} SD"
        yield Case(name, _ar1(n, rho, season=12), n, season=12, change=change)


def _covered() -> Iterator[Case]:
    for n in (24, 52):
        for rho in (0.0, 0.3, 0.6, 0.8):
            yield Case(f"n = {n}, AR(1) {rho:g}", _ar1(n, rho), n, change=1.5)
    yield Case("n = 60, season of 12, AR(1) 0.3", _ar1(60, 0.3, season=12), 60, season=12, change=1.5)
    yield Case("n = 52, AR(1) 0.3, t3 shocks", lambda m, rng: simulate.student_ar1(m, 52, 0.3, rng), 52, change=1.5)


def _ar1(n: int, rho: float, season: int | None = None) -> Callable[[int, np.random.Generator], Floats]:
    def draw(m: int, rng: np.random.Generator) -> Floats:
        noise = simulate.ar1(m, n, rho, rng)
        return noise if season is None else noise + simulate.season(m, n, season, rng)

    return draw


def _rounded(m: int, n: int, rho: float, rng: np.random.Generator) -> Floats:
    return simulate.rounded(simulate.ar1(m, n, rho, rng), 0.5)


def _wild(m: int, n: int, rho: float, rng: np.random.Generator) -> Floats:
    return simulate.wild(simulate.ar1(m, n, rho, rng), 10, rng)


def _missing(m: int, n: int, rho: float, rng: np.random.Generator) -> Floats:
    return simulate.missing(simulate.ar1(m, n, rho, rng), 0.15, rng)


def _alarms(case: Case, series: Floats) -> Iterator[dict[str, object]]:
    table, ranks = _ours(series, case.season)
    for method, pvalues, notes in (
        ("detect_trend", table["pvalue"], table["note"]),
        ("mann_kendall", [r.pvalue for r in ranks], [r.note for r in ranks]),
    ):
        low, high = ALARMS if case.bar else (np.nan, np.nan)
        if case.note == _MOVING or (case.note == _WILD and method == "detect_trend"):
            low = np.nan
        found = np.asarray(pvalues) < LEVEL
        yield rate_row(case.name, method, "false alarms", found, ours=True, bar=(low, high), note=case.note)
        if not case.bar:
            silent = found & np.array([note == "" for note in notes])
            yield rate_row(case.name, f"{method}, without a warning", "false alarms", silent, ours=True, note=_WARNED)
    for method, pvalues in _peers(series, case.season):
        yield rate_row(case.name, method, "false alarms", pvalues < LEVEL)
        if np.isnan(pvalues).any():
            yield rate_row(case.name, method, "no answer", np.isnan(pvalues))


def _power(case: Case, noise: Floats) -> Iterator[dict[str, object]]:
    series = noise + case.change * np.linspace(0, 1, case.length)
    peers = [(method, pvalues < LEVEL) for method, pvalues in _peers(series, case.season)]
    best = next(found.mean() for method, found in peers if method == _FAIR)
    low = best - 2 * np.sqrt(best * (1 - best) / len(series))
    table, ranks = _ours(series, case.season)
    bars = {_WILD: (np.nan, np.nan), _TAILS: (np.nan, low)}.get(case.note, (low, low))
    notes = (case.note, _FOOLED if case.note == _WILD else "")
    found = (table["pvalue"] < LEVEL, np.array([r.pvalue for r in ranks]) < LEVEL)
    for method, hits, bar, note in zip(("detect_trend", "mann_kendall"), found, bars, notes, strict=True):
        yield rate_row(case.name, method, "power", hits, ours=True, bar=(bar, np.nan), note=note)
    for method, found in peers:
        yield rate_row(
            case.name, method, "power", found, note="" if method == _FAIR else "Its false alarms are not at 5 %."
        )


def _coverage(case: Case, noise: Floats) -> Iterator[dict[str, object]]:
    slope = case.change / (case.length - 1)
    series = noise + slope * np.arange(case.length)
    table, ranks = _ours(series, case.season)
    inside = (table["ci_low"] <= slope) & (slope <= table["ci_high"])
    low, high = COVERAGE
    yield rate_row(case.name, "detect_trend", "coverage", inside, ours=True, bar=(low, high))
    inside = np.array([r.ci_low <= slope <= r.ci_high for r in ranks])
    yield rate_row(case.name, "mann_kendall", "coverage", inside, ours=True, bar=(low, high))
    for method, (estimate, error, quantile) in {
        "OLS": (*_ols(series)[:2], stats.t.ppf(0.975, case.length - 2)),
        "statsmodels OLS, HAC": (*_ols(series)[::2], stats.norm.ppf(0.975)),
    }.items():
        yield rate_row(case.name, method, "coverage", np.abs(estimate - slope) <= quantile * error)
    limits = np.array([stats.theilslopes(row)[2:4] for row in series])
    yield rate_row(case.name, "scipy theilslopes", "coverage", (limits[:, 0] <= slope) & (slope <= limits[:, 1]))


def _ours(series: Floats, season: int | None) -> tuple[pd.DataFrame, list[MannKendallResult]]:
    return detect_trends(series.T, season_length=season), [mann_kendall(row, season_length=season) for row in series]


def _peers(series: Floats, season: int | None) -> Iterator[tuple[str, Floats]]:
    """P-values of the usual methods, NaN where they give none."""
    gaps = bool(np.isnan(series).any())
    slopes = _sen(series)
    # The package closes gaps up before it corrects for autocorrelation; all rows have as many.
    closed = series[~np.isnan(series)].reshape(len(series), -1) if gaps else series
    s, variance = _score(closed), _variance(closed)
    time = np.arange(1, closed.shape[1] + 1)
    flat = closed - time * slopes[:, None]
    white = closed[:, 1:] - closed[:, :-1] * _acf(closed)[:, 1:2]
    freed = flat[:, 1:] - flat[:, :-1] * _acf(flat)[:, 1:2] + time[:-1] * slopes[:, None]
    formulae: dict[str, tuple[Floats, Callable[[Floats], object]]] = {
        "pymannkendall original": (_mk_pvalue(s, variance), pymannkendall.original_test),
        "pymannkendall Hamed-Rao": (
            _mk_pvalue(s, variance * _hamed_rao(flat)),
            pymannkendall.hamed_rao_modification_test,
        ),
        "pymannkendall Yue-Wang": (_mk_pvalue(s, variance * _yue_wang(flat)), pymannkendall.yue_wang_modification_test),
        _FAIR: (
            _mk_pvalue(_score(white), _variance(white)),
            pymannkendall.pre_whitening_modification_test,
        ),
        "pymannkendall trend-free pre-whitening": (
            _mk_pvalue(_score(freed), _variance(freed)),
            pymannkendall.trend_free_pre_whitening_modification_test,
        ),
    }
    if season is not None:
        padded = np.pad(series, ((0, 0), (0, -series.shape[1] % season)), constant_values=np.nan)
        cycles = padded.reshape(len(series), -1, season)
        formulae["pymannkendall seasonal"] = (
            _seasonal(cycles),
            lambda row: pymannkendall.seasonal_test(row, period=season),
        )
        formulae["pymannkendall correlated seasonal"] = (
            _correlated_seasonal(cycles),
            lambda row: pymannkendall.correlated_seasonal_test(row, period=season),
        )
    for method, (pvalues, package) in formulae.items():
        with np.errstate(invalid="ignore", divide="ignore"):
            own = np.array([package(row).p for row in series[:_COMPARED]])
        _same(method, pvalues[:_COMPARED], own)
        yield method, pvalues
    if gaps:
        return
    slope, plain, robust = _ols(series)
    freedom = series.shape[1] - 2
    design = sm.add_constant(np.arange(series.shape[1]))
    fits = [sm.OLS(row, design).fit() for row in series[:_COMPARED]]
    pvalues = 2 * stats.t.sf(np.abs(slope / plain), freedom)
    _same("OLS", pvalues[:_COMPARED], np.array([fit.pvalues[1] for fit in fits]))
    yield "OLS", pvalues
    pvalues = 2 * stats.norm.sf(np.abs(slope / robust))
    lags = _hac_lags(series.shape[1])
    robustly = [fit.get_robustcov_results("HAC", maxlags=lags, use_t=False).pvalues[1] for fit in fits]
    _same("HAC", pvalues[:_COMPARED], np.array(robustly))
    yield "statsmodels OLS, HAC", pvalues
    if season is None and series.shape[1] in _GLSAR_LENGTHS:
        some = series[:_GLSAR_RUNS]
        yield (
            "statsmodels GLSAR",
            np.array([sm.GLSAR(row, design, rho=1).iterative_fit(maxiter=8).pvalues[1] for row in some]),
        )


def _same(method: str, ours: Floats, theirs: Floats) -> None:
    if not np.allclose(ours, theirs, rtol=1e-6, atol=1e-9, equal_nan=True):
        raise RuntimeError(f"the formula for {method} gives p = {ours}, the package itself {theirs}.")


@lru_cache(maxsize=32)
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(n, 1)


def _blocks(series: Floats, most: int = 4_000_000) -> list[Floats]:
    size = max(1, most // (series.shape[1] ** 2 // 2))
    return np.split(series, range(size, len(series), size))


def _score(series: Floats) -> Floats:
    i, j = _pairs(series.shape[1])
    return np.concatenate([np.nan_to_num(np.sign(part[:, j] - part[:, i])).sum(axis=1) for part in _blocks(series)])


def _sen(series: Floats) -> Floats:
    i, j = _pairs(series.shape[1])
    median = np.nanmedian if np.isnan(series).any() else np.median
    return np.concatenate([median((part[:, j] - part[:, i]) / (j - i), axis=1) for part in _blocks(series)])


def _variance(series: Floats) -> Floats:
    """Classical variance of S with ties, of the values there are."""
    out = np.empty(len(series))
    for k, row in enumerate(series):
        present = row[~np.isnan(row)]
        ties = np.unique(present, return_counts=True)[1]
        n = len(present)
        out[k] = (n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    return out


def _mk_pvalue(s: Floats, variance: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (s - np.sign(s)) / np.sqrt(variance)
    return 2 * stats.norm.sf(np.abs(np.where(s == 0, 0.0, z)))


def _acf(series: Floats) -> Floats:
    # As the package computes it, to the last digit: with ties, rounding decides the order of what is left.
    centred = series - series.mean(axis=1, keepdims=True)
    n = series.shape[1]
    products = np.array([np.correlate(row, row, "full")[n - 1 :] / n for row in centred])
    return products / products[:, :1]


def _hamed_rao(flat: Floats) -> Floats:
    n = flat.shape[1]
    acf = _acf(stats.rankdata(flat, axis=1))[:, 1:]
    lag = np.arange(1, n)
    loud = np.abs(acf) > stats.norm.ppf(0.975) / np.sqrt(n)
    return 1 + 2 / (n * (n - 1) * (n - 2)) * (np.where(loud, acf, 0) @ ((n - lag) * (n - lag - 1) * (n - lag - 2)))


def _yue_wang(flat: Floats) -> Floats:
    n = flat.shape[1]
    return 1 + 2 * (_acf(flat)[:, 1:] @ (1 - np.arange(1, n) / n))


def _seasonal(cycles: Floats) -> Floats:
    phases = [cycles[:, :, phase] for phase in range(cycles.shape[2])]
    return _mk_pvalue(sum(_score(phase) for phase in phases), sum(_variance(phase) for phase in phases))


def _correlated_seasonal(cycles: Floats) -> Floats:
    whole = cycles[:, ~np.isnan(cycles).any(axis=(0, 2))]
    n = whole.shape[1]
    signs = np.sign(whole[:, :, None, :] - whole[:, None, :, :])
    i, j = _pairs(n)
    later = signs[:, j, i, :]
    ranks = (n + 1 + signs.sum(axis=2)) / 2
    gamma = np.einsum("mpg,mph->mgh", later, later) + 4 * np.einsum("mtg,mth->mgh", ranks, ranks) - n * (n + 1) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        z = later.sum(axis=(1, 2)) / np.sqrt(gamma.sum(axis=(1, 2)) / 3)
    return 2 * stats.norm.sf(np.abs(z))


def _ols(series: Floats) -> tuple[Floats, Floats, Floats]:
    """Slope on time, its ordinary standard error, and that of Newey and West as statsmodels has it."""
    n = series.shape[1]
    time = np.arange(n) - (n - 1) / 2
    total = (time**2).sum()
    slope = series @ time / total
    rest = series - series.mean(axis=1, keepdims=True) - slope[:, None] * time
    plain = np.sqrt((rest**2).sum(axis=1) / (n - 2) / total)
    parts = rest * time
    lags = _hac_lags(n)
    spread = (parts**2).sum(axis=1)
    for lag in range(1, lags + 1):
        spread += 2 * (1 - lag / (lags + 1)) * (parts[:, lag:] * parts[:, :-lag]).sum(axis=1)
    return slope, plain, np.sqrt(spread) / total


def _hac_lags(n: int) -> int:
    """Newey and West's rule for the number of lags."""
    return int(4 * (n / 100) ** (2 / 9))
