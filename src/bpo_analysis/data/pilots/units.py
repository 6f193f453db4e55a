"""Which unit is in which arm of a pilot: as table ``pilot_units`` says, or as the conditions of the arms say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import pandas as pd

from bpo_analysis.data.pilots.file import in_both_arms
from bpo_analysis.data.pilots.rows import conditions_of
from bpo_analysis.data.pilots.spec import PilotSpec

__all__ = ["ASSIGNMENT_COLUMNS", "arm_problems", "assignments", "no_units", "shared_units"]

ASSIGNMENT_COLUMNS = ["unit", "arm", "valid_from", "valid_to", "partner_id"]
_MOST_MIXED = 0.5
"""Share of units with rows of both arms on one day, above which the unit of assignment is not what the arms part."""


def no_units() -> pd.DataFrame:
    """Return an empty table ``pilot_units``, for a dataset without one."""
    return pd.DataFrame(columns=["pilot_id", *ASSIGNMENT_COLUMNS], dtype="object")


def assignments(spec: PilotSpec, assigned: pd.DataFrame, arm_days: pd.DataFrame | None) -> pd.DataFrame:
    """Return one row per unit and spell: unit, arm, valid_from, valid_to, partner_id.

    Parameters
    ----------
    spec : PilotSpec
    assigned : DataFrame
        Rows of table ``pilot_units``, of all pilots.
    arm_days : DataFrame, optional
        Columns partner_id, unit, date, arm, n: how many rows of a unit met the condition of an arm on each day.
    """
    listed = assigned.loc[assigned["pilot_id"] == spec.id, ASSIGNMENT_COLUMNS]
    conditions = conditions_of(spec, set(listed["arm"]))
    rows = [*listed.to_dict("records"), *_derived(spec, conditions, arm_days)]
    table = pd.DataFrame(rows, columns=ASSIGNMENT_COLUMNS)
    for column in ("valid_from", "valid_to"):
        table[column] = pd.to_datetime(table[column]).astype("datetime64[ns]")
    return table.sort_values(["partner_id", "unit", "valid_from"], na_position="first").reset_index(drop=True)


def _derived(
    spec: PilotSpec, conditions: Mapping[str, Mapping[str, tuple[str, ...]]], arm_days: pd.DataFrame | None
) -> Iterator[dict[str, object]]:
    found: set[tuple[str, str]] = set()
    if arm_days is not None:
        most = _window(spec, arm_days).sort_values("n", ascending=False, kind="stable")
        daily = most.drop_duplicates(["partner_id", "unit", "date"]).sort_values(["partner_id", "unit", "date"])
        for (partner_id, unit), days in daily.groupby(["partner_id", "unit"], sort=False):
            found.add((str(partner_id), str(unit)))
            yield from _spells(str(partner_id), str(unit), days)
    for arm, keys in conditions.items():  # listed by name: assigned, whether it has worked or not
        for unit in keys.get("unit", ()):
            if (keys["partner"][0], unit) not in found:
                yield {"unit": unit, "arm": arm, "partner_id": keys["partner"][0]}


def _window(spec: PilotSpec, arm_days: pd.DataFrame) -> pd.DataFrame:
    """Take the days of the pilot; before it has begun, those of the baseline."""
    for first, last in ((spec.start, spec.end), (spec.baseline_start, spec.baseline_end)):
        inside = arm_days[arm_days["date"].between(pd.Timestamp(first), pd.Timestamp(last))]
        if len(inside):
            return inside
    return arm_days


def _spells(partner_id: str, unit: str, days: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Cut the days of a unit, which is in the arm of most of its rows on each, where the arm changes."""
    starts = days[days["arm"] != days["arm"].shift()]
    edges = [pd.NaT, *starts["date"].iloc[1:], pd.NaT]
    for arm, since, following in zip(starts["arm"], edges[:-1], edges[1:], strict=True):
        until = following if following is pd.NaT else following - pd.Timedelta(days=1)
        yield {"unit": unit, "arm": arm, "valid_from": since, "valid_to": until, "partner_id": partner_id}


def arm_problems(spec: PilotSpec, table: pd.DataFrame, arm_days: pd.DataFrame | None) -> Iterator[str]:
    """Say what keeps the arms from being told apart."""
    for unit, spells in list(in_both_arms(table))[:1]:
        yield (
            f"has {spec.unit} {unit!r} in both arms at the same time: {spells}. It is listed in table pilot_units and "
            "meets the condition of the other arm, or is listed under both: take it out of one."
        )
    if arm_days is None or not len(arm_days):
        return
    inside = _window(spec, arm_days)
    mixed = inside.groupby(["partner_id", "unit", "date"])["arm"].nunique() > 1
    units = mixed.groupby(level=["partner_id", "unit"]).any()
    if units.mean() > _MOST_MIXED:
        yield (
            f"has units in both arms at the same time: {units.sum()} of {len(units)} have rows of both on one day, "
            f"first {units[units].index[0][1]!r}. The arms do not part what was assigned ({spec.unit}). Write the unit "
            "that they part in unit, or list the units in table pilot_units."
        )


def shared_units(pilots: Mapping[str, tuple[PilotSpec, pd.DataFrame]]) -> Iterator[tuple[str, str]]:
    """Yield pilots that try something on units of another pilot at the same time: the pilot's id, and a sentence.

    Units that are in the baseline arm of both are no trouble: nothing is tried on them.
    """
    for (one, first), (other, second) in combinations(pilots.values(), 2):
        if one.unit != other.unit or one.start > other.end or other.start > one.end:
            continue
        both = first.merge(second, on=["partner_id", "unit"], suffixes=("", "_other"))
        both = both[(both["arm"] == "pilot") | (both["arm_other"] == "pilot")]
        count = both[["partner_id", "unit"]].drop_duplicates().shape[0]
        if not count:
            continue
        for spec, beside in ((one, other), (other, one)):
            yield (
                spec.id,
                f"shares {count} {spec.unit}{'s' if count > 1 else ''} (first {both['unit'].iloc[0]!r}) with pilot "
                f"{beside.id!r} at the same time ({max(one.start, other.start)} to {min(one.end, other.end)}): neither "
                "effect could be told from the other. Run one after the other, or on units of their own.",
            )
