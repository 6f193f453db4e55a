"""The two arms of a pilot as arrays: one row a unit of assignment, checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpo_analysis.errors import DataError, suggest

__all__ = ["Arms", "Units", "join_arms", "read_units"]

_Floats = NDArray[np.float64]
COLUMNS = ("unit", "numerator", "denominator")
PRE_COLUMNS = ("pre_numerator", "pre_denominator")


@dataclass(frozen=True, slots=True)
class Units:
    """Units with data, and how many had none.

    Attributes
    ----------
    names : Index
        Of all units, in the order of the table.
    present : ndarray of bool
        Which of them have data.
    numerator, denominator : ndarray, shape (n,)
    pre : ndarray, shape (n,), or None
        Each unit's own value before, NaN where it has none; None without the columns.
    n_missing : int
        Units with a missing value or a denominator of 0.
    """

    names: pd.Index
    present: NDArray[np.bool_]
    numerator: _Floats
    denominator: _Floats
    pre: _Floats | None
    n_missing: int


@dataclass(frozen=True, slots=True)
class Arms:
    """Both arms in one array each, pilot first."""

    names: pd.Index
    numerator: _Floats
    denominator: _Floats
    pre: _Floats | None
    n_pilot: int
    n_missing: int

    @property
    def value(self) -> _Floats:
        """Each unit's own value."""
        return self.numerator / self.denominator

    @property
    def arm(self) -> _Floats:
        """1 for units of the pilot, 0 for the baseline."""
        return (np.arange(len(self.numerator)) < self.n_pilot).astype(float)

    @property
    def are_shares(self) -> bool:
        """Whether these can be counts of cases out of cases."""
        return counts_of_cases(self.numerator, self.denominator)


def counts_of_cases(numerator: _Floats, denominator: _Floats) -> bool:
    """Whether all are whole numbers, with no numerator below 0 or above its denominator."""
    whole = (numerator == np.round(numerator)).all() and (denominator == np.round(denominator)).all()
    return bool(whole and (numerator >= 0).all() and (numerator <= denominator).all())


def read_units(frame: pd.DataFrame, name: str) -> Units:
    """Check a table of units and return its arrays.

    Parameters
    ----------
    frame : DataFrame
        Columns unit, numerator, denominator, and pre_numerator, pre_denominator if there are earlier values.
    name : str
        What to call it in messages.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"{name} must be a DataFrame with one row a unit, got {type(frame).__name__}.")
    missing = [column for column in COLUMNS if column not in frame.columns]
    given = [column for column in PRE_COLUMNS if column in frame.columns]
    if len(given) == 1:
        missing += [column for column in PRE_COLUMNS if column not in given]
    if missing:
        available = [str(column) for column in frame.columns]
        hints = "".join(suggest(column, available) for column in missing)
        raise DataError(
            f"{name} lacks {', '.join(map(repr, missing))}.{hints} It has: {', '.join(map(repr, available))}."
        )
    twice = [column for column in (*COLUMNS, *given) if (frame.columns == column).sum() > 1]
    if twice:
        raise DataError(f"{name} has several columns named {', '.join(map(repr, twice))}; one of each is expected.")
    names = pd.Index(frame["unit"])
    if names.hasnans:
        raise DataError(f"{name} has {int(names.isna().sum())} rows without a unit; every row needs one.")
    if not names.is_unique:
        repeated = names[names.duplicated()].unique()
        raise DataError(
            f"{name} has {len(repeated)} units in more than one row ({_listed(repeated)}). "
            "One row a unit is expected: add up its numerators and denominators first."
        )
    numerator, denominator = (_numbers(frame, column, name) for column in COLUMNS[1:])
    if (denominator < 0).any():
        raise DataError(f"{name}: 'denominator' is negative in {int((denominator < 0).sum())} rows; counts are not.")
    present = np.isfinite(numerator) & np.isfinite(denominator) & (denominator > 0)
    pre = None
    if given:
        before, base = (_numbers(frame, column, name) for column in PRE_COLUMNS)
        with np.errstate(divide="ignore", invalid="ignore"):
            pre = np.where(np.isfinite(base) & (base > 0), before / base, np.nan)[present]
    return Units(
        names=names,
        present=present,
        numerator=numerator[present],
        denominator=denominator[present],
        pre=pre,
        n_missing=int((~present).sum()),
    )


def join_arms(pilot: pd.DataFrame, baseline: pd.DataFrame) -> Arms:
    """Check both arms and join them, pilot first; the earlier values only where both arms have them."""
    first, second = read_units(pilot, "pilot"), read_units(baseline, "baseline")
    shared = first.names.isin(second.names)
    if shared.any():
        both = first.names[shared]
        raise DataError(
            f"{len(both)} units are in both arms ({_listed(both)}). A unit belongs to one arm; "
            "its own earlier values go into pre_numerator and pre_denominator."
        )
    has_pre = first.pre is not None and second.pre is not None
    parts = [(units, _order(units, units.pre if has_pre else None)) for units in (first, second)]
    pre = [units.pre[order] for units, order in parts if units.pre is not None]
    return Arms(
        names=pd.Index(np.concatenate([units.names[units.present].to_numpy(object)[order] for units, order in parts])),
        numerator=np.concatenate([units.numerator[order] for units, order in parts]),
        denominator=np.concatenate([units.denominator[order] for units, order in parts]),
        pre=np.concatenate(pre) if has_pre else None,
        n_pilot=len(first.numerator),
        n_missing=first.n_missing + second.n_missing,
    )


def _order(units: Units, pre: _Floats | None) -> NDArray[np.intp]:
    """Sort units by their values, so that a random draw does not depend on the order of rows or on names."""
    columns = (units.numerator, units.denominator, *(() if pre is None else (pre,)))
    return np.lexsort(columns[::-1])


def _numbers(frame: pd.DataFrame, column: str, name: str) -> _Floats:
    try:
        numbers = frame[column].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: column {column!r} must hold numbers. {error}") from error
    if np.isinf(numbers).any():
        raise DataError(f"{name}: column {column!r} is infinite in {int(np.isinf(numbers).sum())} rows.")
    return np.asarray(numbers, dtype=float)


def _listed(names: object, most: int = 5) -> str:
    items = [repr(item) for item in list(names)]  # type: ignore[call-overload]
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")
