"""Whole pilots: is a pilot without an effect called better or worse too often, with every metric and every look?

Agents by weeks: a share of 70 % on four metrics (two primary, two guardrails), 10 contacts an agent, week and metric,
26 weeks before, twelve of them the baseline, and twelve of pilot. Agents differ (intraclass correlation 0.1), their
levels drift (correlation of 0.98 from week to week, 0.8 over a quarter), and the levels on the four metrics go together
(correlation 0.5). Ours is the evaluation of a pilot from its file to its words, with Holm over the metrics of a role;
"weekly looks" plans eleven looks before the end. A rate of 5 % in 800 pilots has a standard error of 0.8 points.

Beside it stands what is done without it: an interval of 95 % for each metric at each look, agent by agent.

Power: the effect (or margin) is the size that the pilot's own plan, made from the same agents' baseline, calls
detectable with 80 % power, looks counted. Where both primary metrics have the effect, Holm's steps find a little more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bpo_analysis.data.pilots.spec import PilotMetric, PilotSpec
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.pilots.context import Pilot, make_pilot
from bpo_analysis.review.pilots.plan import planned_detectable
from bpo_analysis.review.pilots.results import PilotVerdict
from bpo_analysis.review.pilots.verdict import judge_pilot
from bpo_analysis.stats import compare_arms
from validation.verdict import rate_row

__all__ = ["study"]

Floats = NDArray[np.float64]
RESAMPLES = 499
MOST_RUNS, MOST_EFFECT_RUNS = 800, 400
SHARE, ICC, KEPT, TOGETHER, CONTACTS = 0.7, 0.1, 0.98, 0.5, 10
BEFORE, WEEKS = 26, 12
START = date(2026, 4, 6)
MARGIN = 0.03
SHARES = np.asarray(
    stats.beta.ppf(stats.norm.cdf(np.linspace(-5, 5, 2001)), SHARE * (1 - ICC) / ICC, (1 - SHARE) * (1 - ICC) / ICC)
)
"""True shares of agents by level on the normal scale."""
NULL, FOUND, LOST = (np.nan, 0.06), (0.75, 0.90), (np.nan, 0.025)
NAMES = ("primary_a", "primary_b", "guardrail_a", "guardrail_b")
KPIS = {
    name: Kpi(
        name=name, label=name, unit="share", better="higher", timing="lagging", group="quality", source="interactions",
        numerator="ok", definition="simulated", lower=0, upper=1, sampling="cases",
    )
    for name in NAMES
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of pilot."""

    name: str
    n_pilot: int
    n_baseline: int
    looks: bool = False
    test: str = "superiority"


SIZES = ((20, 60), (10, 11))
NULLS = tuple(
    Case(name=f"{n} v {m} agents, no effect, {'weekly looks' if looks else 'one look at the end'}", n_pilot=n,
         n_baseline=m, looks=looks)
    for n, m in SIZES
    for looks in (False, True)
)  # fmt: skip
MARGINS = tuple(
    Case(name=f"{n} v {m} agents, both primary metrics lose their margin", n_pilot=n, n_baseline=m,
         test="noninferiority")
    for n, m in SIZES
)  # fmt: skip
EFFECTS = tuple(
    Case(name=f"{n} v {m} agents, {text}, {'weekly looks' if looks else 'one look at the end'}", n_pilot=n,
         n_baseline=m, looks=looks, test=test)
    for n, m in SIZES
    for test, text in (("superiority", "the detectable effect"), ("noninferiority", "the margin that can be shown"))
    for looks in (False, True)
)  # fmt: skip


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Measure the words of whole pilots."""
    cases = [*NULLS, *MARGINS, *EFFECTS]
    # Each case has a stream of its own, so that it can be repeated without the others.
    parts = zip(cases, rng.spawn(len(cases)), strict=True)
    return pd.DataFrame([row for case, stream in parts for row in measured(case, repetitions, stream)])


def measured(case: Case, repetitions: int, rng: np.random.Generator) -> list[dict[str, object]]:
    """Rates of one case."""
    runs = min(repetitions, MOST_RUNS)
    if case in NULLS:
        found = [_null(case, rng) for _ in range(runs)]
        peeked = np.array([naive for _, naive in found])
        rows = _null_rows(case, [verdict for verdict, _ in found])
        return [*rows, rate_row(case.name, "95 % intervals of each metric at each look", "false alarms", peeked)]
    if case in MARGINS:
        verdicts = [judge_pilot(_drawn(case, rng, effect=-MARGIN), n_resamples=RESAMPLES) for _ in range(runs)]
        kept = np.array([[_word(v, name) in ("not worse", "better") for name in NAMES[:2]] for v in verdicts])
        lost = kept.any(axis=1)
        return [rate_row(case.name, "evaluate_pilot, any called not worse", "false alarms", lost, ours=True, bar=LOST)]
    hits = np.array([_found(case, rng) for _ in range(min(runs, MOST_EFFECT_RUNS))])
    return [rate_row(case.name, "evaluate_pilot", "power", hits, ours=True, bar=FOUND)]


def _null_rows(case: Case, verdicts: list[PilotVerdict]) -> list[dict[str, object]]:
    called = np.array([[_word(v, name) in ("better", "worse") for name in NAMES] for v in verdicts])
    return [
        rate_row(case.name, "evaluate_pilot, first primary metric", "false alarms", called[:, 0], ours=True, bar=NULL),
        rate_row(
            case.name,
            "evaluate_pilot, any primary metric",
            "false alarms",
            called[:, :2].any(axis=1),
            ours=True,
            bar=NULL,
        ),
        rate_row(
            case.name, "evaluate_pilot, any guardrail", "false alarms", called[:, 2:].any(axis=1), ours=True, bar=NULL
        ),
    ]


def _word(verdict: PilotVerdict, kpi: str) -> str:
    return next(metric.word for metric in verdict.metrics if metric.kpi.name == kpi)


def _null(case: Case, rng: np.random.Generator) -> tuple[PilotVerdict, bool]:
    pilot = _drawn(case, rng)
    days = (*pilot.spec.looks, pilot.spec.end)
    peeked = any(
        compare_arms(*pilot.arms(name, end=day), method="t").pvalue < 0.05 for day in days for name in NAMES[:2]
    )
    return judge_pilot(pilot, n_resamples=RESAMPLES), peeked


def _found(case: Case, rng: np.random.Generator) -> bool:
    """Plan from the baseline, then run the pilot with what the plan calls detectable."""
    seed = int(rng.integers(2**32))
    pilot = _drawn(case, np.random.default_rng(seed))
    metric = pilot.spec.metrics[0]
    size = planned_detectable(pilot, metric)
    gain = size if case.test == "superiority" else 0.0
    metrics = tuple(replace(metric, margin=size) for metric in pilot.spec.primaries)
    again = _drawn(case, np.random.default_rng(seed), effect=gain, metrics=metrics)
    word = _word(judge_pilot(again, n_resamples=RESAMPLES), NAMES[0])
    return word == "better" or (case.test == "noninferiority" and word == "not worse")


def _drawn(
    case: Case, rng: np.random.Generator, *, effect: float = 0.0, metrics: tuple[PilotMetric, ...] = ()
) -> Pilot:
    """One pilot; the effect is on both primary metrics, and the same draws come with every effect."""
    n, total = case.n_pilot + case.n_baseline, BEFORE + WEEKS
    level = np.sqrt(TOGETHER) * rng.standard_normal((total, n, 1))
    level = level + np.sqrt(1 - TOGETHER) * rng.standard_normal((total, n, len(NAMES)))
    for week in range(1, total):
        level[week] = KEPT * level[week - 1] + np.sqrt(1 - KEPT**2) * level[week]
    share = SHARES[np.clip(np.round((level + 5) * 200).astype(int), 0, 2000)]
    share[BEFORE:, : case.n_pilot, :2] = np.clip(share[BEFORE:, : case.n_pilot, :2] + effect, 0, 1)
    good = (rng.random((CONTACTS, *share.shape), dtype=np.float32) < share).sum(axis=0)
    week, unit, kpi = (part.ravel() for part in np.indices(good.shape))
    first = np.datetime64(START - timedelta(weeks=BEFORE)).astype("datetime64[ns]")
    rows = pd.DataFrame(
        {
            "kpi": np.array(NAMES)[kpi],
            "partner_id": "p",
            "unit": unit,
            "date": first + week * np.timedelta64(7, "D"),
            "numerator": good.ravel().astype(float),
            "denominator": float(CONTACTS),
        }
    )
    arms = pd.DataFrame({"unit": np.arange(n), "arm": np.where(np.arange(n) < case.n_pilot, "pilot", "baseline")})
    return make_pilot(_spec(case, metrics), rows, arms, KPIS)


def _spec(case: Case, metrics: tuple[PilotMetric, ...]) -> PilotSpec:
    end = START + timedelta(weeks=WEEKS) - timedelta(days=1)
    looks = tuple(START + timedelta(weeks=week) - timedelta(days=1) for week in range(1, WEEKS))
    tests = (case.test, case.test, "noninferiority", "noninferiority")
    roles = ("primary", "primary", "guardrail", "guardrail")
    return PilotSpec(
        id="simulated",
        title="Simulated",
        partner_id="p",
        unit="agent",
        assignment="random",
        baseline_start=START - timedelta(weeks=WEEKS),
        baseline_end=START - timedelta(days=1),
        start=START,
        end=end,
        looks=looks if case.looks else (),
        metrics=metrics
        or tuple(
            PilotMetric(kpi=name, role=role, test=test, margin=MARGIN)  # type: ignore[arg-type]
            for name, role, test in zip(NAMES, roles, tests, strict=True)
        ),
        rule={"met": "expand", "worse": "stop", "guardrail": "change", "cannot_tell": "extend"},
        file=Path("simulated.toml"),
    )
