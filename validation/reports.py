"""Whole reports on data in which nothing happened

The sample portfolio is made again and again with other seeds and nothing planted, and every report of every partner is
judged as its page would be. Counted is the share of reports that find anything at all: a change, a trend, a new level,
a lead, a rater bias, a flattering self-report, an order turned round by the mix; a signal of a week; escalations that
take longer or shorter; more or fewer agents trained in time; a closed action, or a dated change, that moved a KPI.
Differences between partners are not counted, for the partners of the sample do differ; nor are missed targets, which
are arithmetic, nor an action said not to have moved its KPI, which is true here. A report that has nothing to test
(no closed action, too few updates) is not counted as a quiet one. Each report, and the section on closed actions and
that on dated changes, asks for at most 5 %; the weekly summary holds two such levels. The bar is 10 % for each.

Beside the monthly review stands the rate that its tests would give without the plan of the report, each at 5 % by
itself.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from bpo_analysis.data import Dataset, open_dataset
from bpo_analysis.review.action_effects import action_effects
from bpo_analysis.review.change_effects import change_effects
from bpo_analysis.review.context import Review, open_review
from bpo_analysis.review.forum_signals import RESULTS_MEETING, WEEKLY_SUMMARY, Forum, forum_signals
from bpo_analysis.review.plan import PARTNERS, Judgement, judgement
from bpo_analysis.review.tracking import escalation_judgement, update_judgement
from validation.verdict import NO_BAR, rate_row, standard_error

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample"
MOST_SEEDS, FEW_SEEDS = 200, 3
"""Data sets of the long study, and of a quick look."""
LONG = 1000
ASKED = 0.10
"""A whole report may raise any false alarm in at most one case in ten."""
NOMINAL = 0.05
MONTHLY, ANY = "monthly review of a partner", "any of these reports on one partner"
_UNCORRECTED = "each test at 5 %"
HAPPENED = "evt-07"
"""A large class joins Baobab in every data set, and costs what it costs: no plant, and no false claim either."""
MOVED = ("moved as expected", "moved the other way")

Claims = dict[str, bool | None]
"""By report, whether it claims anything; None where it has nothing to test."""


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Judge the reports of clean data sets, one of each kind on every partner."""
    seeds = seeds_of(rng, MOST_SEEDS if repetitions >= LONG else FEW_SEEDS)
    return rates([claims for seed in seeds for claims in claims_on(seed)])


def seeds_of(rng: np.random.Generator, count: int) -> list[int]:
    """Seeds of the data sets; a shorter study has the first ones of a longer one."""
    return [int(rng.integers(1, 2**31)) for _ in range(count)]


def rates(pages: list[Claims]) -> pd.DataFrame:
    """Share of the reports that claim anything, by kind of report."""
    rows = []
    for name in pages[0]:
        hits = [claimed for page in pages if (claimed := page[name]) is not None]
        if not hits:
            continue
        error = 100 * standard_error(float(np.mean(hits)), len(hits))
        words = f"{len(hits):,} reports, standard error {error:.1f} points"
        ours = name != _UNCORRECTED
        rows.append(
            rate_row(
                f"{MONTHLY if not ours else name}, nothing planted",
                "plan of the report" if ours else "each test at 5 %",
                "false alarms",
                hits,
                ours=ours,
                bar=(0.0, ASKED) if ours and name != ANY else NO_BAR,
                note=(f"{words}; no bar: each report has its own 5 %" if name == ANY else words) if ours else "",
            )
        )
    return pd.DataFrame(rows)


def claims_on(seed: int) -> Iterator[Claims]:
    """Whether each report on each partner of a clean data set claims anything."""
    maker = _maker()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clean"
        maker.write(maker.build(seed=seed, plants=frozenset()), path)
        (path / "dataset.toml").write_text((SAMPLE / "portfolio" / "dataset.toml").read_text())
        dataset = open_dataset(path).prepare()
        for partner in dataset.partners["partner_id"]:
            yield _claims(dataset, str(partner))


def _claims(dataset: Dataset, partner: str) -> Claims:
    month, week, quarter = (open_review(dataset, partner, grain=grain) for grain in ("month", "week", "quarter"))
    found: Claims = {
        MONTHLY: _of_plan(judgement(month)),
        "quarterly review": _of_plan(judgement(quarter)),
        # Signals of the week, and what its block of insights takes from the plan: two levels on one page.
        "weekly account summary": _any(_of_signals(week, WEEKLY_SUMMARY), _of_plan(judgement(week))),
        "results meeting": _of_signals(week, RESULTS_MEETING),
        "escalation tracking": _of_plan(escalation_judgement(month)),
        "update tracking": _of_plan(update_judgement(month)),
        "closed actions, quarterly review": _of_actions(quarter),
        "dated changes, quarterly review": _of_changes(quarter),
    }
    return {**found, ANY: _any(*found.values()), _UNCORRECTED: _uncorrected(judgement(month))}


def alarms_of(judged: Judgement) -> list[str]:
    """Everything a report claims to have happened, differences between partners left out."""
    return [label for family, label in judged.findings if family != PARTNERS or "turned round" in label]


def _any(*claims: bool | None) -> bool | None:
    known = [claimed for claimed in claims if claimed is not None]
    return any(known) if known else None


def _of_plan(judged: Judgement) -> bool | None:
    tested = judged.table[judged.table["pvalue"].notna() & (judged.table["family"] != PARTNERS)]
    return bool(alarms_of(judged)) if len(tested) else None


def _of_signals(review: Review, forum: Forum) -> bool | None:
    made = forum_signals(review, forum)
    return bool(made.signals) if any(chart.chart is not None for chart in made.charts) else None


def _of_actions(review: Review) -> bool | None:
    words = [effect.word for effect in action_effects(review) if effect.result is not None]
    return any(word in MOVED for word in words) if words else None


def _of_changes(review: Review) -> bool | None:
    changes = [change for change in change_effects(review) or [] if change.event_id != HAPPENED]
    effects = [one for change in changes for one in change.effects if one.result is not None]
    return any(one.clear for one in effects) if effects else None


def _uncorrected(judged: Judgement) -> bool:
    rows = judged.table[(judged.table["family"] != PARTNERS)]
    return bool((rows["pvalue"] <= NOMINAL).any())


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_portfolio", SAMPLE / "make_portfolio.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module
