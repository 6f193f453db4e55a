"""Lead-lag: how often does one series seem to move before another that it has nothing to do with?

Two series are made independently of each other; a method that reports a lead of 0 to 8 periods (p < 0.05 for the best
lag) gives a false alarm. Each series resembles its own past, and many have a season or a drift: the usual plot, with
its band of 1.96 / sqrt(n), then shows a lead in most pairs. `lead_lag` must lie between 3 and 6.5 % wherever any method
can. Granger's F test is joint over lags 1 to 4, and names none; its smallest p-value over 1 to 8 lags is the usual use.

Power is the share of true leads found (three periods, correlation b of what both have not from their own past), right
lag the share found at the right lag; both say something only of methods that keep their false alarms at 5 %. The usual
prewhitening filters both series by the memory of the first. Where one series has a long memory and the other has not,
or the relation is spread over several lags, the joint test finds more; those cases have no bar. Coverage is the share
of 95 % intervals that hold the true correlation, whether or not the right lag was picked, and of ranges of lags that
hold the true lag. The formula for Granger's test is compared with statsmodels on the first pairs of every case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import signal, stats
from statsmodels.tsa.stattools import grangercausalitytests

from bpo_analysis.stats.lead_lag import lead_lag_scan
from bpo_analysis.stats.prewhiten import coefficients, partial_autocorrelations
from validation import simulate
from validation.verdict import NO_BAR, rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
Draw = Callable[[int, int, np.random.Generator], Floats]

LEVEL = 0.05
LAGS = range(9)
ALARMS, COVERAGE = (0.03, 0.065), (0.93, 0.97)
TRUE_LAG = 3
GRANGER_LAGS, MOST_GRANGER_LAGS = 4, 8
SURROGATE_RUNS, SURROGATES = 200, 199
_MOST_ORDER = 4
_COMPARED = 2
_EVOLVES = "No bar: a season that changes its shape is not taken out by fixed levels of its phases; no method holds."
_GROWS = "No bar: the variance of both series grows, and large values meet large values; no method holds."
_CERTAIN = "Conservative where the relation is clear: lags are whole numbers, and the best one is nearly always right."
_JOINT = "No bar: a single lag is looked for, and the joint test finds more; see the introduction."


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Two series of their own, and what the second takes from the first."""

    name: str
    first: Draw
    second: Draw | None = None
    n: int = 52
    season: int | None = None
    correlation: float = 0.0
    lags: tuple[int, ...] = (TRUE_LAG,)
    gaps: float = 0.0
    low: float = np.nan
    low_right: float = np.nan
    bar: bool = True
    note: str = ""

    def draw(self, m: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Pairs of series, one a row of each array."""
        reach = max(self.lags)
        x = self.first(m, self.n + reach, rng)
        y = (self.second or self.first)(m, self.n, rng)
        if self.correlation:
            earlier = sum(x[:, reach - lag : reach - lag + self.n] for lag in self.lags)
            spread = np.std(earlier) if len(self.lags) > 1 else 1.0
            y = self.correlation * earlier / spread + np.sqrt(1 - self.correlation**2) * y
        x = x[:, reach:]
        if self.season:
            x, y = (z + simulate.season(m, self.n, self.season, rng) for z in (x, y))
        if self.gaps:
            x, y = (simulate.missing(z, self.gaps, rng, patterns=m) for z in (x, y))
        return x, y


def _ar1(rho: float) -> Draw:
    return lambda m, n, rng: simulate.ar1(m, n, rho, rng)


def _walk(m: int, n: int, rng: np.random.Generator) -> Floats:
    return simulate.random_walk(m, n, rng)


def _tails(rho: float) -> Draw:
    return lambda m, n, rng: simulate.student_ar1(m, n, rho, rng)


def _ties(m: int, n: int, rng: np.random.Generator) -> Floats:
    return simulate.rounded(simulate.ar1(m, n, 0.6, rng), 1.0)


def _trend(m: int, n: int, rng: np.random.Generator) -> Floats:
    return simulate.ar1(m, n, 0.6, rng) + rng.choice([-3.0, 3.0], (m, 1)) * np.arange(n) / n


def _evolving(m: int, n: int, rng: np.random.Generator) -> Floats:
    """A season of 12 that keeps 60 % of last year's deviation."""
    warm = 240
    return signal.lfilter([1], [1, *[0] * 11, -0.6], rng.standard_normal((m, n + warm)), axis=1)[:, warm:]


def _growing(m: int, n: int, rng: np.random.Generator) -> Floats:
    return simulate.ar1(m, n, 0.5, rng) * np.linspace(0.4, 2, n)


NULLS = (
    *(Case(name=f"n={n}, rho {r:g} and {s:g}", first=_ar1(r), second=_ar1(s), n=n)
      for n, r, s in ((24, 0.0, 0.0), (24, 0.6, 0.6), (24, 0.9, 0.9), (36, 0.6, 0.6), (52, 0.0, 0.0), (52, 0.3, 0.3),
                      (52, 0.6, 0.6), (52, 0.9, 0.9), (52, 0.6, 0.0), (52, 0.0, 0.9), (60, 0.6, 0.6), (104, 0.0, 0.0),
                      (104, 0.6, 0.6), (104, 0.9, 0.9))),
    *(Case(name=f"n={n}, rho {rho:g}, season of 12 in both", first=_ar1(rho), n=n, season=12)
      for n, rho in ((24, 0.3), (36, 0.3), (60, 0.3), (60, 0.9), (104, 0.3))),
    Case(name="n=52, rho 0.6, trends in both", first=_trend),
    Case(name="n=24, random walks", first=_walk, n=24),
    Case(name="n=52, random walks", first=_walk),
    Case(name="n=52, rho 0.3, heavy tails (t3)", first=_tails(0.3)),
    Case(name="n=24, rho 0.9, heavy tails (t3)", first=_tails(0.9), n=24),
    Case(name="n=52, rho 0.6, rounded to 1 SD", first=_ties),
    Case(name="n=52, moving average 0.5", first=lambda m, n, rng: simulate.moving_average(m, n, 0.5, rng)),
    *(Case(name=f"n={n}, AR(2) 0.5, 0.3", first=lambda m, n, rng: simulate.ar2(m, n, 0.5, 0.3, rng), n=n)
      for n in (24, 52)),
    Case(name="n=36, rho 0.6, 15 % missing", first=_ar1(0.6), n=36, gaps=0.15),
    Case(name="n=52, rho 0.6, 15 % missing", first=_ar1(0.6), gaps=0.15),
    Case(name="n=60, rho 0.3, season of 12, 15 % missing", first=_ar1(0.3), n=60, season=12, gaps=0.15),
    Case(name="n=104, season of 12 that changes", first=_evolving, n=104, season=12, bar=False, note=_EVOLVES),
    Case(name="n=52, variance grows 25-fold in both", first=_growing, bar=False, note=_GROWS),
)  # fmt: skip

EFFECTS = (
    Case(name="n=52, rho 0.6, b=0.5", first=_ar1(0.6), correlation=0.5, low=0.775, low_right=0.746),
    Case(name="n=52, rho 0.3, b=0.5", first=_ar1(0.3), correlation=0.5, low=0.766, low_right=0.725),
    Case(name="n=104, rho 0.6, b=0.4", first=_ar1(0.6), n=104, correlation=0.4, low=0.904, low_right=0.895),
    Case(name="n=60, rho 0.3, b=0.5, season of 12", first=_ar1(0.3), n=60, correlation=0.5, season=12, low=0.685),
    Case(name="n=52, rho 0.3, b=0.3", first=_ar1(0.3), correlation=0.3),
    Case(name="n=52, rho 0.3, b=0.7", first=_ar1(0.3), correlation=0.7),
    Case(name="n=24, rho 0.3, b=0.6", first=_ar1(0.3), n=24, correlation=0.6),
    Case(name="n=52, rho 0.3, b=0.5, 15 % missing", first=_ar1(0.3), correlation=0.5, gaps=0.15),
)
"""Lowest power and share of right lags: those of both series prewhitened and the largest correlation tested by
permutation or Bonferroni (with the season: after month levels, paid for), as measured beforehand on the same series."""

LIMITS = (
    Case(name="n=52, rho 0.9 and 0, b=0.5", first=_ar1(0.9), second=_ar1(0.0), correlation=0.5, note=_JOINT),
    Case(name="n=52, rho 0.6 and 0.2, b=0.5", first=_ar1(0.6), second=_ar1(0.2), correlation=0.5, note=_JOINT),
    Case(name="n=52, rho 0.3, b=0.5 spread over lags 2 to 4", first=_ar1(0.3), correlation=0.5, lags=(2, 3, 4),
         note=_JOINT),
)  # fmt: skip


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure false alarms, power, right lags and coverage.

    Parameters
    ----------
    repetitions : int
        Pairs of series of each case; the surrogates get at most 200 of them.
    rng : Generator

    Returns
    -------
    DataFrame
        Columns case, method, ours, measure, rate, runs, low, high, note.
    """
    rows: list[dict[str, object]] = []
    for case in NULLS:
        x, y = case.draw(repetitions, rng)
        rows += _alarms(case, x, y, rng)
    for case in (*EFFECTS, *LIMITS):
        x, y = case.draw(repetitions, rng)
        rows += _power(case, x, y, rng)
    for case in (replace(EFFECTS[1], name="n=52, rho 0.3, b=0", correlation=0.0), *EFFECTS):
        x, y = case.draw(repetitions, rng)
        rows += _coverage(case, x, y)
    return pd.DataFrame(rows)


def _alarms(case: Case, x: Floats, y: Floats, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    scan = _ours(case, x, y)
    bar = ALARMS if case.bar else NO_BAR
    yield rate_row(case.name, "lead_lag", "false alarms", scan["pvalue"] < LEVEL, ours=True, bar=bar, note=case.note)
    if not case.gaps:
        for method, (pvalue, _) in _peers(x, y, rng).items():
            yield rate_row(case.name, method, "false alarms", pvalue < LEVEL)


def _power(case: Case, x: Floats, y: Floats, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    above = (case.low, 1.0) if np.isfinite(case.low) else NO_BAR
    right = (case.low_right, 1.0) if np.isfinite(case.low_right) else NO_BAR
    without = {"detrend": False}
    scans = {
        # The peers take no trend out, and there is none: their like is the second. With a season both must be removed.
        "lead_lag": (_ours(case, x, y), above if case.season else NO_BAR, NO_BAR),
        "lead_lag, trend left in": (_ours(case, x, y, **without), above, right),
        "lead_lag, trend left in, lags 1 to 4": (_ours(case, x, y, min_lag=1, max_lag=4, **without), NO_BAR, NO_BAR),
    }
    for method, (scan, bar, _) in scans.items():
        note = case.note if method == "lead_lag" else ""
        yield rate_row(case.name, method, "power", scan["pvalue"] < LEVEL, ours=True, bar=bar, note=note)
    peers = {} if case.gaps else _peers(x, y, rng)
    for method, (pvalue, _) in peers.items():
        yield rate_row(case.name, method, "power", pvalue < LEVEL)
    if len(case.lags) > 1:
        return
    for method, (scan, _, bar) in scans.items():
        hit = (scan["pvalue"] < LEVEL) & (scan["best_lag"] == TRUE_LAG)
        yield rate_row(case.name, method, "right lag", hit, ours=True, bar=bar)
    for method, (pvalue, lag) in peers.items():
        if lag is not None:
            yield rate_row(case.name, method, "right lag", (pvalue < LEVEL) & (lag == TRUE_LAG))


def _coverage(case: Case, x: Floats, y: Floats) -> Iterator[dict[str, object]]:
    scan = _ours(case, x, y)
    scan = scan[scan["status"] == "ok"]
    b = case.correlation
    inside = scan["ci_low"].le(b) & scan["ci_high"].ge(b)
    yield rate_row(case.name, "lead_lag, correlation", "coverage", inside, ours=True, bar=COVERAGE)
    if b:
        held = scan["best_lag_low"].le(TRUE_LAG) & scan["best_lag_high"].ge(TRUE_LAG)
        bar = (COVERAGE[0], 1.0)
        yield rate_row(case.name, "lead_lag, range of lags", "coverage", held, ours=True, bar=bar, note=_CERTAIN)
    pairs = scan["n"] - scan["best_lag"].astype(float)
    off = (np.arctanh(scan["correlation"]) - np.arctanh(b)).abs()
    usual = off <= stats.norm.isf(0.025) / np.sqrt(pairs - 3)
    yield rate_row(case.name, "usual interval at the best lag of lead_lag", "coverage", usual)


def _ours(case: Case, x: Floats, y: Floats, **changes: object) -> pd.DataFrame:
    """One scan of all pairs, for every pair has the answer it would have alone."""
    frame = pd.DataFrame(np.concatenate([x, y]).T)
    pairs = [(i, len(x) + i) for i in range(len(x))]
    return lead_lag_scan(frame, pairs, **{"max_lag": max(LAGS), "season_length": case.season} | changes)


Answer = tuple[Floats, NDArray[np.intp] | None]


def _peers(x: Floats, y: Floats, rng: np.random.Generator) -> dict[str, Answer]:
    """P-value of the best lag, and that lag; None for a method that names none."""
    n = x.shape[1]
    plain, pairs = _ccf(x, y), n - np.arange(len(LAGS))
    band = 2 * stats.norm.sf(np.abs(plain) * np.sqrt(n))
    pearson = _pearson(x, y)
    prewhitened = _prewhitened_by_first(x, y)
    granger = np.stack([_granger(x, y, k) for k in range(1, MOST_GRANGER_LAGS + 1) if n - 3 * k - 1 > 1], axis=1)
    few = slice(0, SURROGATE_RUNS)
    return {
        "CCF outside 1.96/sqrt(n)": (band.min(axis=1), band.argmin(axis=1)),
        "Pearson, best lag": (pearson.min(axis=1), pearson.argmin(axis=1)),
        "Pearson, BH over lags": (stats.false_discovery_control(pearson, axis=1).min(axis=1), pearson.argmin(axis=1)),
        "prewhitened by the first, Bonferroni": (len(pairs) * prewhitened.min(axis=1), prewhitened.argmin(axis=1)),
        "Granger F, 4 lags": (granger[:, GRANGER_LAGS - 1], None),
        "Granger F, smallest p of 1 to 8 lags": (granger.min(axis=1), None),
        "phase-randomised surrogates": _surrogates(x[few], y[few], rng),
    }


def _ccf(x: Floats, y: Floats) -> Floats:
    """Cross-correlations with the means and variances of the whole series, shape (m, lags)."""
    n = x.shape[1]
    x, y = (z - z.mean(axis=1, keepdims=True) for z in (x, y))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.stack([(x[:, : n - k] * y[:, k:]).sum(axis=1) / scale for k in LAGS], axis=1)


def _pearson(x: Floats, y: Floats) -> Floats:
    """P-values of scipy's pearsonr on the pairs of each lag."""
    n = x.shape[1]
    found = [stats.pearsonr(x[:, : n - k], y[:, k:], axis=1).pvalue for k in LAGS]
    return np.stack(found, axis=1)


def _prewhitened_by_first(x: Floats, y: Floats) -> Floats:
    """P-values of the correlations of both series, filtered by the autoregression (order by AIC) of the first."""
    n = x.shape[1]
    x, y = (z - z.mean(axis=1, keepdims=True) for z in (x, y))
    partials, _ = partial_autocorrelations(x, np.ones(x.shape, dtype=bool), _MOST_ORDER)
    aic = np.c_[np.zeros(len(x)), n * np.log1p(-(partials**2)).cumsum(axis=1)] + 2 * np.arange(_MOST_ORDER + 1)
    order = aic.argmin(axis=1)[:, None]
    phi = coefficients(partials * (np.arange(_MOST_ORDER) < order))[-1]
    known = np.arange(n) >= order
    first, second = (
        known * (z - sum(phi[:, [j - 1]] * np.pad(z, ((0, 0), (j, 0)))[:, :n] for j in range(1, _MOST_ORDER + 1)))
        for z in (x, y)
    )
    pvalues = []
    for k in LAGS:
        # The values without a full past are 0, so that they and their partners have no part in any sum.
        a, b = first[:, : n - k] * known[:, k:], second[:, k:] * known[:, : n - k]
        pairs = (known[:, : n - k] & known[:, k:]).sum(axis=1)
        correlation = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
        t = correlation * np.sqrt((pairs - 2) / (1 - correlation**2))
        pvalues.append(2 * stats.t.sf(np.abs(t), pairs - 2))
    return np.stack(pvalues, axis=1)


def _granger(x: Floats, y: Floats, k: int) -> Floats:
    """P-values of the F test that ``k`` past values of the first add to ``k`` of the second."""
    n = x.shape[1]
    own = [y[:, k - j : n - j] for j in range(1, k + 1)]
    other = [x[:, k - j : n - j] for j in range(1, k + 1)]
    small, large = (_left(np.stack([np.ones_like(own[0]), *c], axis=2), y[:, k:]) for c in (own, own + other))
    free = n - 3 * k - 1
    pvalues = stats.f.sf((small - large) / k / (large / free), k, free)
    if k == GRANGER_LAGS:
        for i in range(min(_COMPARED, len(x))):
            theirs = grangercausalitytests(np.column_stack([y[i], x[i]]), [k])[k][0]["ssr_ftest"][1]
            if not np.isclose(pvalues[i], theirs, rtol=1e-6):
                raise AssertionError(f"Granger's test differs from statsmodels: {pvalues[i]} and {theirs}.")
    return np.asarray(pvalues)


def _left(design: Floats, y: Floats) -> Floats:
    """Sum of squares that a regression leaves."""
    q = np.linalg.qr(design)[0]
    return np.asarray((y**2).sum(axis=1) - (np.einsum("mnk,mn->mk", q, y) ** 2).sum(axis=1))


def _surrogates(x: Floats, y: Floats, rng: np.random.Generator) -> Answer:
    """Largest correlation against those of first series with the same spectrum and random phases."""
    found = np.abs(_ccf(x, y))
    spectrum = np.fft.rfft(x - x.mean(axis=1, keepdims=True), axis=1)
    beyond = np.ones(len(x))
    for _ in range(SURROGATES):
        turned = np.abs(spectrum) * np.exp(2j * np.pi * rng.random(spectrum.shape))
        drawn = np.fft.irfft(turned, x.shape[1], axis=1)
        beyond += np.abs(_ccf(drawn, y)).max(axis=1) >= found.max(axis=1)
    return beyond / (SURROGATES + 1), found.argmax(axis=1)
