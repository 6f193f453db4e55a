"""What is timed, and against what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pymannkendall
import statsmodels.api as sm
from scipy import stats
from statsmodels.tsa.stattools import ccf, grangercausalitytests

from bpo_analysis.stats import compare_arms_many, detect_trends, lead_lag_scan
from bpo_analysis.stats.autoregression import ar1_series

__all__ = ["CASES", "Case"]

SERIES, LENGTH = 1000, 60
PAIRS, LAGS, WEEKS = 200, 12, 60
UNITS, KPIS, RESAMPLES = 80, 12, 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to do, by ours and by peers; a peer comes with the share of the work it is timed on."""

    name: str
    title: str
    make: Callable[[np.random.Generator], Any]
    ours: Callable[[Any], object]
    peers: Mapping[str, tuple[Callable[[Any], object], float]]


def _series(rng: np.random.Generator) -> Any:
    return ar1_series(SERIES, LENGTH, 0.3, rng).T


def _mann_kendall(matrix: Any) -> object:
    return [pymannkendall.original_test(column) for column in matrix.T]


def _hamed_rao(matrix: Any) -> object:
    return [pymannkendall.hamed_rao_modification_test(column) for column in matrix.T[: SERIES // 4]]


def _gls(matrix: Any) -> object:
    design = sm.add_constant(np.arange(LENGTH))
    return [sm.GLSAR(column, design, rho=1).iterative_fit(5) for column in matrix.T[: SERIES // 20]]


def _frame(rng: np.random.Generator) -> Any:
    values = ar1_series(2 * PAIRS, WEEKS, 0.3, rng).T
    names = [f"{side}{i}" for side in "xy" for i in range(PAIRS)]
    return pd.DataFrame(values, columns=names), [(f"x{i}", f"y{i}") for i in range(PAIRS)]


def _scan(data: Any) -> object:
    frame, pairs = data
    return lead_lag_scan(frame, pairs, max_lag=LAGS)


def _ccf(data: Any) -> object:
    frame, pairs = data
    return [ccf(frame[y], frame[x], nlags=LAGS + 1) for x, y in pairs]


def _granger(data: Any) -> object:
    frame, pairs = data
    return [grangercausalitytests(frame[[y, x]], maxlag=8) for x, y in pairs[: PAIRS // 20]]


def _arms(rng: np.random.Generator) -> Any:
    """Twelve KPIs of a pilot of 20 agents and a baseline of 60, 100 contacts each."""
    kpis = {}
    for k in range(KPIS):
        units = pd.DataFrame({"unit": range(UNITS), "numerator": rng.binomial(100, rng.beta(14, 6, UNITS))})
        units["denominator"] = 100
        kpis[f"kpi{k}"] = (units.iloc[: UNITS // 4], units.iloc[UNITS // 4 :])
    return kpis


def _compare(kpis: Any) -> object:
    return compare_arms_many(kpis, n_resamples=RESAMPLES, method="permutation")


def _concat_bootstrap(kpis: Any) -> object:
    """Cluster bootstrap as it is usually written: draw agents, put their rows together, take the ratio."""
    rng, draws = np.random.default_rng(0), []
    for pilot, baseline in list(kpis.values())[:1]:
        groups = [dict(list(arm.groupby("unit"))) for arm in (pilot, baseline)]
        for _ in range(RESAMPLES // 20):
            arms = [pd.concat([g[unit] for unit in rng.choice(list(g), len(g))]) for g in groups]
            draws.append([arm["numerator"].sum() / arm["denominator"].sum() for arm in arms])
    return draws


def _scipy_bootstrap(kpis: Any) -> object:
    return [
        stats.bootstrap(
            tuple((arm["numerator"] / arm["denominator"]).to_numpy() for arm in arms),
            lambda x, y, axis=-1: x.mean(axis) - y.mean(axis),
            n_resamples=RESAMPLES,
            method="percentile",
            rng=0,
        )
        for arms in kpis.values()
    ]


CASES = (
    Case(
        name="trends",
        title=f"{SERIES:,} series of {LENGTH}: trend with p, slope and interval",
        make=_series,
        ours=detect_trends,
        peers={
            "pymannkendall.original_test (p and slope, level not held)": (_mann_kendall, 1.0),
            "pymannkendall.hamed_rao (p and slope, level not held)": (_hamed_rao, 0.25),
            "statsmodels GLSAR": (_gls, 0.05),
        },
    ),
    Case(
        name="lead_lag",
        title=f"{PAIRS} pairs, {LAGS + 1} lags: p of the best lag",
        make=_frame,
        ours=_scan,
        peers={
            "statsmodels.ccf (no p)": (_ccf, 1.0),
            "statsmodels.grangercausalitytests, 8 lags": (_granger, 0.05),
        },
    ),
    Case(
        name="arms",
        title=f"{RESAMPLES:,} resamples of {UNITS} units, {KPIS} KPIs: p and interval",
        make=_arms,
        ours=_compare,
        peers={
            "cluster bootstrap by pandas.concat": (_concat_bootstrap, 1 / (20 * KPIS)),
            "scipy.stats.bootstrap (interval, no p)": (_scipy_bootstrap, 1.0),
        },
    ),
)
