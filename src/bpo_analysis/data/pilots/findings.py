"""Everything that is wrong with the pilots of a dataset, found once when the dataset is prepared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bpo_analysis.data.pilots.fitness import PilotFindings, remarks, unfit, unknown_in_words, unknown_units
from bpo_analysis.data.pilots.rows import ARM_DAYS, KNOWN, ROWS
from bpo_analysis.data.pilots.spec import PilotSpec
from bpo_analysis.data.pilots.units import arm_problems, assignments, shared_units
from bpo_analysis.data.problems import Problem

__all__ = ["findings_of", "pilot_problems", "read_arm_days"]

_REMEDIES = {
    "faults": "correct the pilot file; until then only this pilot's reports cannot be made",
    "unfit": "correct it before the start; until then the pilot is not registered, and cannot be judged",
    "remarks": "look into it; no report is stopped",
}


@dataclass(frozen=True, slots=True)
class _Written:
    """A pilot whose sums could be written."""

    spec: PilotSpec
    table: pd.DataFrame
    arm_days: pd.DataFrame | None


def findings_of(
    read: Mapping[str, tuple[PilotSpec, list[str]]], assigned: pd.DataFrame, folder: Path
) -> dict[str, PilotFindings]:
    """Return what is wrong with each pilot.

    Parameters
    ----------
    read : mapping of str to (PilotSpec, list of str)
        Pilots whose files can be read, with what kept their sums from being written.
    assigned : DataFrame
        Rows of table ``pilot_units``.
    folder : Path
        Where their sums are.
    """
    sound = {name: _written(spec, assigned, folder) for name, (spec, faults) in read.items() if not faults}
    found = {name: PilotFindings(faults=list(faults)) for name, (_, faults) in read.items()}
    for name, one in sound.items():
        found[name] = _examined(one, folder)
    for name, sentence in shared_units({name: (one.spec, one.table) for name, one in sound.items()}):
        found[name].faults.append(sentence)
    return found


def _written(spec: PilotSpec, assigned: pd.DataFrame, folder: Path) -> _Written:
    arm_days = read_arm_days(folder, spec.id)
    return _Written(spec, assignments(spec, assigned, arm_days), arm_days)


def read_arm_days(folder: Path, pilot_id: str) -> pd.DataFrame | None:
    """Return on which days a unit worked in which arm, where the arms are given by a condition."""
    file = folder / f"{pilot_id}.{ARM_DAYS}.parquet"
    return _dated(pd.read_parquet(file)) if file.is_file() else None


def _examined(one: _Written, folder: Path) -> PilotFindings:
    spec, table = one.spec, one.table
    rows = _dated(pd.read_parquet(folder / f"{spec.id}.{ROWS}.parquet", columns=["kpi", "partner_id", "unit", "date"]))
    unknown = unknown_units(spec, table, pd.read_parquet(folder / f"{spec.id}.{KNOWN}.parquet"))
    return PilotFindings(
        faults=list(arm_problems(spec, table, one.arm_days)),
        unfit=list(unfit(spec, table, rows)),
        remarks=[*unknown_in_words(spec, unknown), *remarks(spec, table, rows)],
        unknown=list(unknown),
    )


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(date=pd.to_datetime(frame["date"]))


def pilot_problems(name: str, place: str, found: PilotFindings) -> Iterator[Problem]:
    """Yield the findings about one pilot as lines of ``bpo check``; none of them stops another report.

    Parameters
    ----------
    name : str
        Id of the pilot.
    place : str
        Its file, from the folder of the dataset.
    found : PilotFindings
    """
    for kind, remedy in _REMEDIES.items():
        for sentence in getattr(found, kind):
            yield Problem(
                severity="warning",
                table="",
                column="",
                value=name,
                rule=f"{place} {sentence}".rstrip("."),
                remedy=remedy,
            )
