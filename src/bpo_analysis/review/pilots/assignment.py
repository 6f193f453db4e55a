"""Which arm a row belongs to: as assigned, and as treated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bpo_analysis.data.pilots.fitness import few_units
from bpo_analysis.data.pilots.spec import PilotSpec
from bpo_analysis.errors import PilotError

__all__ = ["PilotRunning", "assign", "pilot_problem"]


class PilotRunning(PilotError):
    """An evaluation was asked for before the end, and no planned look has crossed its boundary."""


def pilot_problem(pilot_id: str, problem: str) -> PilotError:
    """Return the error for something that the data of a pilot do not allow."""
    return PilotError(f"Pilot {pilot_id!r}:", [problem])


def assign(
    spec: PilotSpec, rows: pd.DataFrame, assignments: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Give every row its arm.

    Returns
    -------
    rows : DataFrame
        Of assigned units, with arm (the first the unit was assigned to) and arm_treated (the one at the row's date;
        missing outside all spells).
    units : DataFrame
        Index unit; arm, partner_id, crossed.
    loose : DataFrame
        Rows of units in no arm.
    """
    spells = _spells(spec, rows, assignments)
    rows = _named_apart(rows, spells)
    units = spells.groupby("unit", sort=True).agg(arm=("arm", "first"), partner_id=("partner_id", "first"))
    units["crossed"] = spells.groupby("unit")["arm"].nunique() > 1
    _check(spec, units)
    known = rows["unit"].isin(units.index)
    loose = rows.loc[~known, ["kpi", "unit", "date", "denominator"]]
    rows = rows[known]
    rows = rows.assign(arm=rows["unit"].map(units["arm"]), arm_treated=_treated(rows, spells))
    return rows, units, loose


def _spells(spec: PilotSpec, rows: pd.DataFrame, assignments: pd.DataFrame) -> pd.DataFrame:
    spells = assignments.copy()
    if spells.empty:
        # Against history everything in scope is the pilot; else halves, to plan with before anything is assigned.
        names = sorted(rows["unit"].dropna().unique())
        arms = ["pilot"] if spec.comparator == "history" else ["pilot", "baseline"]
        spells = pd.DataFrame({"unit": names, "arm": np.resize(arms, len(names))})
    for column in ("valid_from", "valid_to"):
        given = spells[column] if column in spells else pd.Series(pd.NaT, index=spells.index)
        spells[column] = pd.to_datetime(given)
    if "partner_id" not in spells:
        spells["partner_id"] = spec.partner_id
    spells["partner_id"] = spells["partner_id"].fillna(spec.partner_id)
    if spec.comparator == "history":
        spells = spells[spells["arm"] == "pilot"]
    return spells.sort_values(["unit", "valid_from"], na_position="first", kind="stable").reset_index(drop=True)


def _named_apart(rows: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """Rows whose unit is named alike at two partners: the partner goes into the name of the unassigned one."""
    if "partner_id" not in rows:
        return rows
    owner = rows["unit"].map(spells.drop_duplicates("unit").set_index("unit")["partner_id"])
    foreign = owner.notna() & (owner != rows["partner_id"])
    if not foreign.any():
        return rows
    return rows.assign(unit=rows["unit"].mask(foreign, rows["partner_id"].astype(str) + "/" + rows["unit"].astype(str)))


def _check(spec: PilotSpec, units: pd.DataFrame) -> None:
    for problem in few_units(spec, units["arm"].value_counts()):
        raise pilot_problem(spec.id, problem)


def _treated(rows: pd.DataFrame, spells: pd.DataFrame) -> Any:
    """Arm of each row at its own date."""
    days = rows["date"].to_numpy()
    single = spells[~spells["unit"].duplicated(keep=False)].set_index("unit")
    start, end = (rows["unit"].map(single[name]).to_numpy() for name in ("valid_from", "valid_to"))
    inside = (np.isnat(start) | (days >= start)) & (np.isnat(end) | (days <= end))
    arm = np.array(rows["unit"].map(single["arm"]).where(inside), dtype=object)
    several = spells[spells["unit"].duplicated(keep=False)]
    for spell in several.itertuples():
        at = (rows["unit"] == spell.unit).to_numpy()
        if not pd.isna(spell.valid_from):
            at = at & (days >= np.datetime64(spell.valid_from))
        if not pd.isna(spell.valid_to):
            at = at & (days <= np.datetime64(spell.valid_to))
        arm[at] = spell.arm
    return arm
