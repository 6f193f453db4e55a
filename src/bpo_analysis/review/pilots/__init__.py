"""Pilots from plan to verdict: the front door.

In a notebook::

    data = "data/sample/portfolio"
    print(plan_pilot(open_pilot(data, as_of="2026-07-05")).summary())
    print(monitor_pilot(open_pilot(data, as_of="2026-08-30")).summary())
    result = evaluate_pilot(open_pilot(data))
    print(result.summary())
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bpo_analysis.data import Dataset, open_dataset
from bpo_analysis.data.pilots.registration import read_registration
from bpo_analysis.errors import ParameterError
from bpo_analysis.review.pilots.context import Pilot, better_of, make_pilot
from bpo_analysis.review.pilots.evaluation import evaluate_pilot
from bpo_analysis.review.pilots.monitor import monitor_pilot
from bpo_analysis.review.pilots.plan import plan_pilot
from bpo_analysis.review.pilots.verdict import judge_pilot

__all__ = [
    "Pilot",
    "better_of",
    "evaluate_pilot",
    "judge_pilot",
    "make_pilot",
    "monitor_pilot",
    "open_pilot",
    "plan_pilot",
]


def open_pilot(data: str | Path | Dataset, pilot: str = "", *, as_of: date | str | None = None) -> Pilot:
    """Open a pilot of a dataset.

    Parameters
    ----------
    data : str, Path or Dataset
        Folder of the dataset.
    pilot : str, optional
        Id or title; may be left out where the dataset has one pilot.
    as_of : date or str, optional
        Nothing after this day is read; by default the end of the pilot or, before that, the last day of the data.

    Returns
    -------
    Pilot

    Raises
    ------
    PilotError
        If the pilot file, its units or its rows cannot be used.
    UnknownNameError
        If there is no such pilot.
    """
    dataset = (data if isinstance(data, Dataset) else open_dataset(data)).prepare()
    spec = dataset.find_pilot(pilot)
    return make_pilot(
        spec,
        dataset.pilot_rows(spec.id),
        dataset.pilot_assignments(spec.id),
        dataset.kpis | dataset.alternatives,
        registration=read_registration(spec),
        hired=dataset.pilot_hire_dates(spec.id),
        as_of=_day(as_of),
        unknown=dataset.pilot_findings(spec.id).unknown,
    )


def _day(as_of: date | str | None) -> date | None:
    if not as_of:
        return None
    if isinstance(as_of, date):
        return as_of
    try:
        return date.fromisoformat(as_of)
    except ValueError as error:
        raise ParameterError(f"as_of must be a day as 2026-08-30, got {as_of!r}.") from error
