"""Agreement of raters: do the intervals cover where nearly everything passes, and does the bias test hold its level?

Each rater sees what is there with a probability, and otherwise guesses by the rates of the categories, so that kappa
and alpha of the population are known. Ours is `agreement` (percent agreement, kappa, Krippendorff's alpha, Gwet's AC1)
with 1,000 draws. Beside it stand the interval of statsmodels (`cohens_kappa`), the percentile bootstrap of kappa, and
the jackknife that is recommended for alpha. A sample in which every rating is the same has no kappa and no alpha;
coverage is over the others. `rater_bias` is asked whether two raters (or a client and a partner) differ who do not: on
single items, and on items of twelve agents of uneven load where the one rater is stricter with some agents and the
other with others.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa

from bpo_analysis.stats.agreement import agreement, rater_bias
from validation.verdict import rate_row

__all__ = ["study"]

# The package gives the name of the module to the function.
module = importlib.import_module("bpo_analysis.stats.agreement")
Floats = NDArray[np.float64]
DRAWS, BOOTSTRAPS = 1000, 400
MOST_RUNS = 1500
COVERS, WIDE, HOLDS, OPEN = (0.93, 0.97), (0.93, 1.0), (0.03, 0.065), (np.nan, np.nan)
_RARE = (
    "With 30 to 60 items of which hardly one fails, kappa and alpha are barely there to be seen: intervals that hold "
    "their level hold more, so the bar has no upper end."
)

_NAMES = {"percent_agreement": "percent", "kappa": "kappa", "alpha": "alpha", "gwet_ac": "AC1"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """Who rates what."""

    raters: int
    categories: int
    n: int
    passing: float
    kappa: float
    missing: float = 0.0

    @property
    def name(self) -> str:
        """Words for the table."""
        gaps = f", {100 * self.missing:.0f} % not rated" if self.missing else ""
        return (
            f"{self.raters} raters, {self.categories} categories, {self.n} items{gaps}, pass rate {self.passing:g}, "
            f"kappa {self.kappa:g}"
        )

    @property
    def shares(self) -> Floats:
        """Rates of the categories; the last one passes."""
        rest = self.categories - 1
        return np.r_[np.full(rest, (1 - self.passing) / rest), self.passing]


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure coverage of agreement and false alarms of rater bias.

    Parameters
    ----------
    repetitions : int
        Samples a case, at most 1,500 for agreement.
    rng : Generator

    Returns
    -------
    DataFrame
        Columns case, method, ours, measure, rate, runs, low, high, note.
    """
    runs = min(repetitions, MOST_RUNS)
    rows: list[dict[str, object]] = []
    with mock.patch.object(module, "DRAWS", DRAWS), warnings.catch_warnings():
        # statsmodels divides by nought where kappa is undefined.
        warnings.simplefilter("ignore", RuntimeWarning)
        for case in _cases():
            rows += _covered(case, runs, rng)
    for clustered in (False, True):
        for n in (30, 60, 120):
            rows += _biased(clustered=clustered, n=n, runs=repetitions, rng=rng)
    return pd.DataFrame(rows)


def _cases() -> Iterator[Case]:
    for n in (30, 60, 120):
        for passing in (0.5, 0.85, 0.95):
            for kappa in (0.6, 0.85):
                yield Case(raters=2, categories=2, n=n, passing=passing, kappa=kappa)
    for raters, categories, missing in ((2, 3, 0.0), (3, 2, 0.0), (3, 3, 0.0), (3, 2, 0.25), (5, 2, 0.0)):
        for n in (30, 60):
            for passing in (0.5, 0.85, 0.95):
                yield Case(raters=raters, categories=categories, n=n, passing=passing, kappa=0.6, missing=missing)


def _draw(case: Case, rng: np.random.Generator) -> Floats:
    there = rng.choice(case.categories, size=(case.n, 1), p=case.shares)
    guessed = rng.choice(case.categories, size=(case.n, case.raters), p=case.shares)
    rated = np.where(rng.random((case.n, case.raters)) < np.sqrt(case.kappa), there, guessed).astype(float)
    return np.where(rng.random((case.n, case.raters)) < case.missing, np.nan, rated)


def _truth(case: Case) -> dict[str, float]:
    chance = float((case.shares**2).sum())
    percent = chance + (1 - chance) * case.kappa
    by_gwet = float((case.shares * (1 - case.shares)).sum()) / (case.categories - 1)
    return {
        "percent_agreement": percent,
        "kappa": case.kappa,
        "alpha": case.kappa,
        "gwet_ac": (percent - by_gwet) / (1 - by_gwet),
    }


def _covered(case: Case, runs: int, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    truth = _truth(case)
    hits: dict[str, list[bool]] = {name: [] for name in truth}
    peers: dict[str, list[bool]] = {}
    unanswered = 0
    for _ in range(runs):
        ratings = _draw(case, rng)
        found = agreement(ratings, categories=range(case.categories), rng=rng)
        unanswered += bool(found.undefined)
        for name, value in truth.items():
            low, high = getattr(found, f"{name}_ci_low"), getattr(found, f"{name}_ci_high")
            if np.isfinite(low):
                hits[name].append(low <= value <= high)
        if not found.undefined:
            for name, (low, high) in _peers(case, ratings, rng).items():
                peers.setdefault(name, []).append(bool(low <= case.kappa <= high))
    rare = case.n <= 60 and case.passing > 0.6
    for name, hit in hits.items():
        chance_corrected = name in {"kappa", "alpha"}
        bar = WIDE if rare else COVERS
        note = _RARE if rare and chance_corrected else ""
        yield rate_row(case.name, f"agreement, {_NAMES[name]}", "coverage", hit, ours=True, bar=bar, note=note)
    for name, hit in peers.items():
        yield rate_row(case.name, name, "coverage", hit, ours=False, bar=OPEN, note="")
    answers = [True] * unanswered + [False] * (runs - unanswered)
    yield rate_row(case.name, "kappa and alpha, by anyone", "no answer", answers, ours=False, bar=OPEN, note="")


def _peers(case: Case, ratings: Floats, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    _, codes, values = module._coded(ratings, "nominal", list(range(case.categories)), numbers=False)
    measure = module._Measure(codes, values, "nominal", 0.0)
    plain, n, patterns = measure.weights_of_items(), case.n, measure.n_patterns
    counts = plain[0, :patterns]
    again = rng.multinomial(n, counts / n, size=BOOTSTRAPS).astype(float)
    made_up = np.zeros((BOOTSTRAPS, len(measure.added_mass)))
    found = {}
    boot = measure.coefficients(np.hstack([again, made_up]))["kappa"]
    low, high = np.nanquantile(boot, [0.025, 0.975])
    found["kappa, percentile bootstrap"] = float(low), float(high)
    without = np.repeat(plain, patterns, axis=0)
    without[np.arange(patterns), np.arange(patterns)] -= 1
    alpha, middle = measure.coefficients(without)["alpha"], float(measure.coefficients(plain)["alpha"][0])
    spread = (n - 1) / n * (counts * (alpha - (counts @ alpha) / n) ** 2).sum()
    half = stats.t.ppf(0.975, n - 1) * np.sqrt(spread)
    found["alpha, jackknife"] = middle - half, middle + half
    if case.raters == case.categories == 2:
        table = np.zeros((2, 2))
        np.add.at(table, (codes[:, 0], codes[:, 1]), 1)
        theirs = cohens_kappa(table)
        found["kappa, statsmodels"] = float(theirs.kappa_low), float(theirs.kappa_upp)
    return found


def _biased(*, clustered: bool, n: int, runs: int, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    for split in (0.1, 0.3, None):
        kind = "scores" if split is None else f"pass or fail, {100 * split:.0f} % split"
        case = f"{kind}, {n} items" + (" of 12 agents" if clustered else "")
        alarms = []
        for _ in range(runs):
            agent = rng.choice(12, size=n, p=np.r_[np.full(4, 0.15), np.full(8, 0.05)])
            lean = rng.standard_normal(12)[agent] if clustered else np.zeros(n)
            ratings = _scores(n, lean, rng) if split is None else _verdicts(n, split, lean, rng)
            found = rater_bias(ratings, ["client", "partner"], clusters=agent if clustered else None)
            alarms.append(found.pvalue < 0.05)
        rare = split is not None and split * n < 15
        note = "No lower bar: with a handful of split items there are too few outcomes." if rare else ""
        bar = (0.0, 0.065) if rare else (0.03, 0.08) if clustered else HOLDS
        if clustered and not rare:
            note = "Up to 8 % is asked: twelve agents of uneven load."
        yield rate_row(case, "rater_bias", "false alarms", alarms, ours=True, bar=bar, note=note)


def _scores(n: int, lean: Floats, rng: np.random.Generator) -> Floats:
    one = rng.standard_normal(n)
    return np.c_[one + 0.5 * rng.standard_normal(n) + 0.5 * lean, one]


def _verdicts(n: int, split: float, lean: Floats, rng: np.random.Generator) -> Floats:
    """Items on which both agree, and a share on which they do not, either way by the agent's lean."""
    alike, apart = rng.random(n) < 0.85, rng.random(n) < split
    first_higher = rng.random(n) < stats.norm.cdf(lean)
    return np.c_[np.where(apart, first_higher, alike), np.where(apart, ~first_higher, alike)].astype(float)
