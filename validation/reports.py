"""The whole monthly review on data in which nothing happened

The sample portfolio is made again and again with other seeds and nothing planted, and every report of every partner is
judged as its page would be. Counted is the share of reports that find anything at all: a change, a trend, a new level,
a lead, a rater bias, a flattering self-report, an order turned round by the mix. Differences between partners are not
counted, for the partners of the sample do differ; nor are missed targets, which are arithmetic.

Beside it the rate that the same tests would give without the plan of the report, each at 5 % by itself.
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

from bpo_analysis.data import open_dataset
from bpo_analysis.review.context import open_review
from bpo_analysis.review.plan import PARTNERS, Judgement, judgement

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample"
MOST_SEEDS, FEW_SEEDS = 200, 3
"""Data sets of the long study, and of a quick look."""
LONG = 1000
ASKED = 0.10
"""A whole report may raise any false alarm in at most one case in ten."""
NOMINAL = 0.05


def study(*, repetitions: int, rng: np.random.Generator) -> pd.DataFrame:
    """Judge the reports of clean data sets, one of every partner."""
    maker = _maker()
    alarms = [
        (bool(alarms_of(judged)), _uncorrected(judged))
        for _ in range(MOST_SEEDS if repetitions >= LONG else FEW_SEEDS)
        for judged in _judged(maker, int(rng.integers(1, 2**31)))
    ]
    rates = np.mean(alarms, axis=0)
    common = {"case": "monthly review of a partner, nothing planted", "measure": "false alarms", "runs": len(alarms)}
    note = "any finding on the whole page; the plan asks for at most 5 %, the bar is 10 %"
    return pd.DataFrame(
        [
            common | {"method": "plan of the report", "ours": True, "rate": rates[0], "low": 0.0, "high": ASKED}
            | {"note": note},
            common | {"method": "each test at 5 %", "ours": False, "rate": rates[1], "low": np.nan, "high": np.nan}
            | {"note": ""},
        ]
    )  # fmt: skip


def alarms_of(judged: Judgement) -> list[str]:
    """Everything a report claims to have happened, differences between partners left out."""
    return [label for family, label in judged.findings if family != PARTNERS or "turned round" in label]


def _uncorrected(judged: Judgement) -> bool:
    rows = judged.table[(judged.table["family"] != PARTNERS)]
    return bool((rows["pvalue"] <= NOMINAL).any())


def _judged(maker: ModuleType, seed: int) -> Iterator[Judgement]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clean"
        maker.write(maker.build(seed=seed, plants=frozenset()), path)
        (path / "dataset.toml").write_text((SAMPLE / "portfolio" / "dataset.toml").read_text())
        dataset = open_dataset(path).prepare()
        for partner in dataset.partners["partner_id"]:
            yield judgement(open_review(dataset, str(partner)))


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_portfolio", SAMPLE / "make_portfolio.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module
