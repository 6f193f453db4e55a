"""Run with ``python -m benchmarks`` (``make bench``): every ratio is against a peer timed in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import click
import numpy as np
import pandas as pd

from benchmarks import cases

REPEATS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Best of several runs, in seconds; ``first`` includes what is computed once per process and kept."""

    first: float
    best: float


def timed(run: Callable[[], object], repeats: int = REPEATS) -> Timing:
    """Time a call: the first run by itself, then the best of the others."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return Timing(first=times[0], best=min(times[1:] or times))


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([case.name for case in cases.CASES]))
def main(names: tuple[str, ...]) -> None:
    """Print ours and the peers, in milliseconds and as ratios."""
    rng = np.random.default_rng(1)
    rows = []
    for case in cases.CASES:
        if names and case.name not in names:
            continue
        data = case.make(rng)
        ours = timed(lambda case=case, data=data: case.ours(data))
        for peer, (run, share) in case.peers.items():
            # A slow peer runs on a part of the data; its time is scaled to the whole.
            part = timed(lambda run=run, data=data: run(data), 2).best / share
            rows.append(
                {
                    "case": case.title,
                    "first ms": 1e3 * ours.first,
                    "ms": 1e3 * ours.best,
                    "peer": peer,
                    "peer ms": 1e3 * part,
                    "ratio": part / ours.best,
                }
            )
    click.echo(pd.DataFrame(rows).round(1).to_string(index=False))


if __name__ == "__main__":
    main()
