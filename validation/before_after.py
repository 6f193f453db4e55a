"""Before and after a known date: how often is an effect found that is not there, and how often one that is?

Series without a change of level at the start in which a method reports one (p < 0.05) are false alarms. Where
neighbouring weeks resemble each other (AR(1) with 0.3 to 0.6 is usual) the usual choices find an effect in up to a
third of them: Welch's test on the weeks, regression on a step or on a step and a trend (interrupted time series), Newey
and West's errors with the normal quantiles that statsmodels takes by default, difference in differences over partner-
weeks. Ours, `before_after`, must lie between 3 and 6.5 % up to an autocorrelation of 0.8, alone and beside a control
that shares half of the variance, and its 95 % intervals must cover in 93 to 97 %. With a control the others are given
the difference.

Two things no calculation can know from one series: that a trend ran on, and that noise wanders and does not return.
There is no bar there, and a second row shows how often an effect is found without the warning that is printed beside
it. Power says something only of methods that keep their false alarms near 5 %: the conformal moving-block test, which
does up to an autocorrelation of 0.6, is the measure, and ours must find no fewer. The regression that is told the
autocorrelation shows what not knowing it costs. Formulae for OLS and Newey-West are compared with statsmodels on the
first series of every case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.stats.before_after import BeforeAfterResult, before_after
from validation import simulate
from validation.verdict import rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats | None]

LEVEL = 0.05
ALARMS, COVERAGE, OPEN = (0.03, 0.065), (0.93, 0.97), (np.nan, np.nan)
_LAGS = 4
"""Of Newey and West's errors, the usual number for weeks."""
_LAST = 8
_SPELL = 4
_COMPARED = 2
"""Series of each case on which a formula is compared with statsmodels."""
_SHARED = np.sqrt(0.5)
_FAIR = "conformal, moving block"
"""The one usual method whose false alarms are near 5 %."""
_UNEQUAL = "Its false alarms are not at 5 %."
_UNATTAINABLE = "Not to be had: it is told the autocorrelation."
_RUNS_ON = "No bar: a trend that runs on is no change of level; trend=True or a control takes it out (rows below)."
_FELT = "No lower bar: a spell in the baseline widens the interval."
_LEANS = (
    "No bar: a trend leans on the last weeks, and these were chosen for being bad. Leave it out unless there is one; "
    "see the row without a warning."
)
_SPOILT = (
    "No bar: the value hides the autocorrelation, and false alarms rise. It is named beside the answer; see the row "
    "without a warning."
)

_SEASONAL = "No bar: with a season the conformal test has up to 10 % false alarms."
_WANDERS = "No bar: no test tells such noise from a change at this length. See the row without a warning."
_WARNED = "Share that has p < 0.05 and no warning beside it."


@dataclass(frozen=True, slots=True)
class Case:
    """Noise of values and control, where the start is, and what is added from there."""

    name: str
    draw: Callable[[int, np.random.Generator], Pair]
    before: int
    after: int
    arguments: dict[str, object] = field(default_factory=dict)
    rho: float = np.nan
    effect: float = 0.0
    bar: tuple[float, float] = ALARMS
    warned: bool = False
    note: str = ""

    @property
    def step(self) -> Floats:
        """What the change adds."""
        return self.effect * (np.arange(self.before + self.after) >= self.before)

    @property
    def season(self) -> int | None:
        """Periods in a cycle."""
        found = self.arguments.get("season_length")
        return found if isinstance(found, int) else None


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure false alarms, power and coverage of comparisons of before and after.

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
        rows += _alarms(case, *case.draw(repetitions, rng))
    for case in _effects():
        rows += _power(case, *case.draw(repetitions, rng))
    for case in _covered():
        rows += _coverage(case, *case.draw(repetitions, rng))
    return pd.DataFrame(rows, columns=["case", "method", "ours", "measure", "rate", "runs", "low", "high", "note"])


def _nulls() -> Iterator[Case]:
    for before, after in ((26, 8), (52, 8), (52, 12)):
        for rho in (0.0, 0.3, 0.6, 0.8):
            yield Case(f"{before} + {after} weeks, AR(1) {rho:g}", _alone(before + after, rho), before, after)
    for before, after, rhos in ((36, 6, (0.0, 0.3, 0.6, 0.8)), (24, 12, (0.0, 0.6))):
        for rho in rhos:
            name = f"{before} + {after} months, season of 12, AR(1) {rho:g}"
            yield Case(name, _seasonal(before + after, rho), before, after, {"season_length": 12})
    for before, after in ((26, 8), (52, 8)):
        for rho in (0.0, 0.3, 0.6, 0.8):
            name = f"{before} + {after} weeks, control, AR(1) {rho:g}"
            yield Case(name, _controlled(before + after, rho), before, after)
    yield from _trending()
    yield from _triggered()
    yield from _unusual()


def _trending() -> Iterator[Case]:
    """A steady trend, in all 1.5 standard deviations, that runs on."""
    for rho in (0.3, 0.6):
        name, trend = f"52 + 8 weeks, trend of 1.5 SD, AR(1) {rho:g}", np.linspace(0, 1.5, 60)
        alone, beside = _added(_alone(60, rho), trend), _added(_controlled(60, rho), trend)
        yield Case(name, alone, 52, 8, bar=OPEN, warned=True, note=_RUNS_ON)
        yield Case(f"{name}, trend=True", alone, 52, 8, {"trend": True})
        yield Case(f"{name}, also in the control", beside, 52, 8)


def _triggered() -> Iterator[Case]:
    """Started when the mean of the last four weeks lay more than one of its standard deviations below the usual."""
    for before in (26, 52):
        for rho in (0.0, 0.3, 0.6):
            name = f"{before} + 8 weeks, started after a bad spell, AR(1) {rho:g}"
            bar = (np.nan, ALARMS[1])
            yield Case(
                name, _after_a_spell(_alone(before + 8, rho), before), before, 8, bar=bar, warned=True, note=_FELT
            )
    name = "26 + 8 weeks, started after a bad spell, AR(1) 0.3"
    draw = _after_a_spell(_controlled(34, 0.3), 26)
    yield Case(f"{name}, control", draw, 26, 8, bar=(np.nan, ALARMS[1]), warned=True, note=_FELT)
    draw = _after_a_spell(_alone(34, 0.3), 26)
    yield Case(f"{name}, trend=True", draw, 26, 8, {"trend": True}, bar=OPEN, warned=True, note=_LEANS)


def _unusual() -> Iterator[Case]:
    for rho in (0.3, 0.6):
        ar1 = f"AR(1) {rho:g}"
        yield Case(f"52 + 8 weeks, 15 % missing, {ar1}", _of(_gappy, rho), 52, 8)
        yield Case(f"52 + 8 weeks, t3 shocks, {ar1}", _of(_heavy, rho), 52, 8)
        name = f"52 + 8 weeks, a value 10 SD off, {ar1}"
        yield Case(name, _of(_wild, rho), 52, 8, bar=OPEN, warned=True, note=_SPOILT)
    yield Case("52 + 8 weeks, AR(1) 0.9", _alone(60, 0.9), 52, 8, bar=OPEN, warned=True, note=_WANDERS)
    for name, draw in (
        ("AR(2) 0.5, 0.3", lambda m, rng: (simulate.ar2(m, 60, 0.5, 0.3, rng), None)),
        ("random level", lambda m, rng: (simulate.random_level(m, 60, rng), None)),
        ("random walk", lambda m, rng: (simulate.random_walk(m, 60, rng), None)),
    ):
        yield Case(f"52 + 8 weeks, {name}", draw, 52, 8, bar=OPEN, warned=True, note=_WANDERS)


def _of(
    noise: Callable[[int, float, np.random.Generator], Floats], rho: float
) -> Callable[[int, np.random.Generator], Pair]:
    return lambda m, rng: (noise(m, rho, rng), None)


def _gappy(m: int, rho: float, rng: np.random.Generator) -> Floats:
    return simulate.missing(simulate.ar1(m, 60, rho, rng), 0.15, rng)


def _heavy(m: int, rho: float, rng: np.random.Generator) -> Floats:
    return simulate.student_ar1(m, 60, rho, rng)


def _wild(m: int, rho: float, rng: np.random.Generator) -> Floats:
    return simulate.wild(simulate.ar1(m, 60, rho, rng), 10, rng)


def _effects() -> Iterator[Case]:
    for before, after, rho, effect in (
        (26, 8, 0.0, 1.0),
        (26, 8, 0.3, 1.0),
        (26, 8, 0.6, 1.5),
        (52, 8, 0.0, 1.0),
        (52, 8, 0.3, 1.0),
        (52, 8, 0.6, 1.5),
        (52, 12, 0.3, 1.0),
    ):
        name, n = f"{before} + {after} weeks, AR(1) {rho:g}, change of {effect:g} SD", before + after
        yield Case(name, _alone(n, rho), before, after, rho=rho, effect=effect)
    for rho, effect in ((0.3, 1.0), (0.6, 1.5)):
        name = f"52 + 8 weeks, control, AR(1) {rho:g}, change of {effect:g} SD"
        yield Case(name, _controlled(60, rho), 52, 8, rho=rho, effect=effect)
    name = "36 + 6 months, season of 12, AR(1) 0.3, change of 1.5 SD"
    yield Case(name, _seasonal(42, 0.3), 36, 6, {"season_length": 12}, rho=0.3, effect=1.5)


def _covered() -> Iterator[Case]:
    for before, after in ((26, 8), (52, 12)):
        for rho in (0.0, 0.3, 0.6, 0.8):
            name = f"{before} + {after} weeks, AR(1) {rho:g}"
            yield Case(name, _alone(before + after, rho), before, after, effect=1.5)
    yield Case("52 + 8 weeks, control, AR(1) 0.3", _controlled(60, 0.3), 52, 8, effect=1.5)
    arguments: dict[str, object] = {"season_length": 12}
    yield Case("36 + 6 months, season of 12, AR(1) 0.3", _seasonal(42, 0.3), 36, 6, arguments, effect=1.5)


def _alone(n: int, rho: float) -> Callable[[int, np.random.Generator], Pair]:
    return lambda m, rng: (simulate.ar1(m, n, rho, rng), None)


def _seasonal(n: int, rho: float) -> Callable[[int, np.random.Generator], Pair]:
    return lambda m, rng: (simulate.ar1(m, n, rho, rng) + simulate.season(m, n, 12, rng), None)


def _controlled(n: int, rho: float) -> Callable[[int, np.random.Generator], Pair]:
    """Values and a control of unit variance that have half of it in common; so has their difference."""

    def draw(m: int, rng: np.random.Generator) -> Pair:
        shared, own, other = (_SHARED * simulate.ar1(m, n, rho, rng) for _ in range(3))
        return shared + own, shared + other

    return draw


def _added(
    draw: Callable[[int, np.random.Generator], Pair], common: Floats
) -> Callable[[int, np.random.Generator], Pair]:
    def moved(m: int, rng: np.random.Generator) -> Pair:
        values, control = draw(m, rng)
        return values + common, None if control is None else control + common

    return moved


def _after_a_spell(
    draw: Callable[[int, np.random.Generator], Pair], start: int
) -> Callable[[int, np.random.Generator], Pair]:
    """Only series whose last values before the start are low."""

    def chosen(m: int, rng: np.random.Generator) -> Pair:
        values, control = draw(9 * m + 100, rng)
        last = values[:, start - _SPELL : start].mean(axis=1)
        bad = np.flatnonzero(last < -last.std())[:m]
        return values[bad], None if control is None else control[bad]

    return chosen


def _alarms(case: Case, values: Floats, control: Floats | None) -> Iterator[dict[str, object]]:
    results = _ours(case, values, control)
    found = np.array([result.pvalue < LEVEL for result in results])
    yield rate_row(case.name, "before_after", "false alarms", found, ours=True, bar=case.bar, note=case.note)
    if case.warned:
        silent = found & np.array([not result.warnings for result in results])
        yield rate_row(case.name, "before_after, without a warning", "false alarms", silent, ours=True, note=_WARNED)
    for method, estimate, error, freedom in _peers(case, values, control):
        yield rate_row(case.name, method, "false alarms", _pvalue(estimate / error, freedom) < LEVEL)
    if not np.isnan(values).any():
        yield rate_row(case.name, _FAIR, "false alarms", _conformal(case, values, control) < LEVEL)


def _power(case: Case, noise: Floats, control: Floats | None) -> Iterator[dict[str, object]]:
    values = noise + case.step
    fair = _conformal(case, values, control) < LEVEL
    best = float(fair.mean())
    low = best - 2 * np.sqrt(best * (1 - best) / len(values))
    low, note = (low, "") if case.season is None else (np.nan, _SEASONAL)
    found = np.array([result.pvalue < LEVEL for result in _ours(case, values, control)])
    yield rate_row(case.name, "before_after", "power", found, ours=True, bar=(low, np.nan), note=note)
    yield rate_row(case.name, _FAIR, "power", fair)
    yield rate_row(
        case.name, "regression, autocorrelation known", "power", _told(case, values, control), note=_UNATTAINABLE
    )
    for method, estimate, error, freedom in _peers(case, values, control):
        yield rate_row(case.name, method, "power", _pvalue(estimate / error, freedom) < LEVEL, note=_UNEQUAL)


def _coverage(case: Case, noise: Floats, control: Floats | None) -> Iterator[dict[str, object]]:
    values = noise + case.step
    inside = np.array([result.ci_low <= case.effect <= result.ci_high for result in _ours(case, values, control)])
    yield rate_row(case.name, "before_after", "coverage", inside, ours=True, bar=COVERAGE)
    for method, estimate, error, freedom in _peers(case, values, control):
        yield rate_row(case.name, method, "coverage", _pvalue((estimate - case.effect) / error, freedom) >= LEVEL)


def _ours(case: Case, values: Floats, control: Floats | None) -> list[BeforeAfterResult]:
    controls = [None] * len(values) if control is None else list(control)
    return [
        before_after(row, case.before, control=beside, **case.arguments)  # type: ignore[arg-type]
        for row, beside in zip(values, controls, strict=True)
    ]


def _peers(case: Case, values: Floats, control: Floats | None) -> Iterator[tuple[str, Floats, Floats, Floats | float]]:
    """Usual methods: estimate, standard error and degrees of freedom of each series."""
    judged = values if control is None else values - control
    yield "Welch", *_welch(judged[:, : case.before], judged[:, case.before :])
    if control is None:
        last = f"Welch against the last {_LAST}"
        yield last, *_welch(judged[:, case.before - _LAST : case.before], judged[:, case.before :])
    for name, trend in (("OLS on a step", False), ("interrupted time series", True)):
        design = _design(case, trend=trend)
        estimate, plain, robust, freedom = _ols(judged, design)
        _same(case, judged, design, estimate / plain, estimate / robust)
        yield f"{name}, OLS" if trend else name, estimate, plain, freedom
        yield f"{name}, HAC", estimate, robust, np.inf
    if control is not None:
        step = _design(case, trend=False)
        both = np.vstack([np.hstack([step, step]), np.hstack([step, np.zeros_like(step)])])
        estimate, plain, _, freedom = _ols(np.column_stack([values, control]), both, column=step.shape[1] + 1)
        yield "difference in differences, OLS", estimate, plain, freedom


def _pvalue(statistic: Floats, freedom: Floats | float) -> Floats:
    return np.asarray(2 * stats.t.sf(np.abs(statistic), freedom))


def _welch(before: Floats, after: Floats) -> tuple[Floats, Floats, Floats]:
    parts = [np.nanvar(part, axis=1, ddof=1) / np.isfinite(part).sum(axis=1) for part in (before, after)]
    variance = parts[0] + parts[1]
    shares = [v**2 / (np.isfinite(part).sum(axis=1) - 1) for v, part in zip(parts, (before, after), strict=True)]
    estimate = np.nanmean(after, axis=1) - np.nanmean(before, axis=1)
    return estimate, np.sqrt(variance), variance**2 / (shares[0] + shares[1])


def _design(case: Case, *, trend: bool, step: bool = True) -> Floats:
    time = np.arange(case.before + case.after)
    columns = [np.ones(len(time))]
    columns += [(time >= case.before).astype(float)] * step + [time - time.mean()] * trend
    if case.season is not None:
        columns += [(time % case.season == phase).astype(float) for phase in range(1, case.season)]
    return np.column_stack(columns)


def _ols(series: Floats, design: Floats, column: int = 1) -> tuple[Floats, Floats, Floats, Floats]:
    """Coefficient, its ordinary standard error, that of Newey and West, and degrees of freedom."""
    estimate, plain, robust, freedom = np.empty((4, len(series)))
    patterns, which = np.unique(np.isfinite(series), axis=0, return_inverse=True)
    for k, there in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == k)
        x, y = design[there], series[np.ix_(rows, there)]
        inverse = np.linalg.pinv(x)
        rest = y - y @ inverse.T @ x.T
        influence = rest * inverse[column]
        spread = (influence**2).sum(axis=1)
        for lag in range(1, _LAGS + 1):
            spread += 2 * (1 - lag / (_LAGS + 1)) * (influence[:, lag:] * influence[:, :-lag]).sum(axis=1)
        estimate[rows] = y @ inverse[column]
        freedom[rows] = len(x) - x.shape[1]
        plain[rows] = np.sqrt((rest**2).sum(axis=1) / freedom[rows] * (inverse[column] ** 2).sum())
        robust[rows] = np.sqrt(spread)
    return estimate, plain, robust, freedom


def _same(case: Case, series: Floats, design: Floats, plain: Floats, robust: Floats) -> None:
    """Compare the formulae with statsmodels."""
    for row, own_plain, own_robust in zip(series[:_COMPARED], plain, robust, strict=False):
        there = np.isfinite(row)
        model = sm.OLS(row[there], design[there])
        theirs = model.fit().tvalues[1], model.fit(cov_type="HAC", cov_kwds={"maxlags": _LAGS}).tvalues[1]
        if not np.allclose([own_plain, own_robust], theirs, rtol=1e-6):
            raise RuntimeError(f"{case.name}: the formulae give t = {own_plain}, {own_robust}, statsmodels {theirs}.")


def _conformal(case: Case, values: Floats, control: Floats | None) -> Floats:
    """Conformal test with moving blocks (Chernozhukov, Wuthrich and Zhu 2021): the mean after among cyclic shifts."""
    judged = values if control is None else values - control
    base = _design(case, trend=False, step=False)
    rest = judged - judged @ np.linalg.pinv(base).T @ base.T
    twice = np.column_stack([np.zeros(len(rest)), np.column_stack([rest, rest]).cumsum(axis=1)])
    n = rest.shape[1]
    blocks = np.abs(twice[:, case.after : case.after + n] - twice[:, :n])
    return np.asarray((blocks >= blocks[:, [case.before]] * (1 - 1e-12)).mean(axis=1))


def _told(case: Case, values: Floats, control: Floats | None) -> NDArray[np.bool_]:
    """Whether generalised least squares finds a change when it is told the autocorrelation."""
    judged = values if control is None else values - control
    time = np.arange(judged.shape[1])
    root = np.linalg.inv(np.linalg.cholesky(case.rho ** np.abs(np.subtract.outer(time, time))))
    estimate, plain, _, freedom = _ols(judged @ root.T, root @ _design(case, trend=False))
    return np.asarray(_pvalue(estimate / plain, freedom) < LEVEL)
