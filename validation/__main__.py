"""Run the studies: ``python -m validation`` for a quick look, with ``--full`` for docs/validation.md."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module

import click
import numpy as np
import pandas as pd

from validation.page import write_page
from validation.verdict import judge

TOPICS = (
    "trend",
    "find_changes",
    "control_chart",
    "before_after",
    "lead_lag",
    "compare_arms",
    "monitor",
    "proportions",
    "agreement",
    "time_to_event",
    "standardisation",
    "multiplicity",
    "pilots",
    "reports",
    "projection",
    "funnel",
    "learning_curve",
    "slides",
)
QUICK, FULL = 120, 4000
SEED = 20_261_122


@click.command()
@click.argument("topics", nargs=-1, type=click.Choice(TOPICS))
@click.option("--full", is_flag=True, help="Many runs; writes docs/validation.md.")
@click.option("--repetitions", type=int, help=f"Runs of each case: {QUICK}, with --full {FULL}.")
@click.option("--workers", type=int, default=2, show_default=True, help="Studies at a time.")
def main(topics: tuple[str, ...], *, full: bool, repetitions: int | None, workers: int) -> None:
    """Measure error rates, power and coverage of ours and of the usual methods on the same simulated data."""
    chosen = topics or TOPICS
    runs = repetitions or (FULL if full else QUICK)
    found: dict[str, tuple[pd.DataFrame, float]] = {}
    with ProcessPoolExecutor(max_workers=workers) as pool:
        # The last ones take longest, so they start first and no worker waits for them at the end.
        jobs = {topic: pool.submit(_run, topic, runs) for topic in reversed(chosen)}
        for topic in chosen:
            found[topic] = jobs[topic].result()
            table, seconds = found[topic]
            outside = judge(table)
            rows = table["ours"] & table["low"].notna()
            click.echo(f"{topic}: {rows.sum()} rates of ours with a bar, {len(outside)} outside it, {seconds:.0f} s")
            for line in outside:
                click.echo(f"  {line}")
    if full:
        click.echo(f"Written: {write_page(found, runs=runs, seed=SEED, partial=bool(topics))}")
    if any(judge(table) for table, _ in found.values()):
        sys.exit(1)


def _run(topic: str, runs: int) -> tuple[pd.DataFrame, float]:
    start = time.perf_counter()
    study = import_module(f"validation.{topic}").study
    # Every topic has a stream of its own, so that one study can be repeated without the others.
    rng = np.random.default_rng([SEED, TOPICS.index(topic)])
    return study(repetitions=runs, rng=rng), time.perf_counter() - start


if __name__ == "__main__":
    main()
