"""Checks of arguments that every test and interval takes."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = ["Alternative", "NanPolicy", "as_floats", "check_alternative", "check_confidence_level", "check_nan_policy"]

Alternative = Literal["two-sided", "less", "greater"]
NanPolicy = Literal["omit", "raise", "propagate"]


def check_confidence_level(confidence_level: float) -> None:
    """Raise ``ValueError`` unless the level lies between 0 and 1; a percentage is told how to be written."""
    if not 0 < confidence_level < 1:
        hint = f" For {confidence_level:g}% write {confidence_level / 100:g}." if 1 < confidence_level < 100 else ""
        raise ValueError(f"confidence_level must be between 0 and 1, got {confidence_level!r}.{hint}")


def check_alternative(alternative: str) -> None:
    """Raise ``ValueError`` unless ``alternative`` is one of scipy's three words."""
    if alternative not in get_args(Alternative):
        raise ValueError(
            f"alternative must be one of {', '.join(map(repr, get_args(Alternative)))}, got {alternative!r}."
        )


def check_nan_policy(nan_policy: str) -> None:
    """Raise ``ValueError`` unless ``nan_policy`` is one of scipy's three words."""
    if nan_policy not in get_args(NanPolicy):
        raise ValueError(f"nan_policy must be one of {', '.join(map(repr, get_args(NanPolicy)))}, got {nan_policy!r}.")


def as_floats(values: ArrayLike | pd.Series | pd.DataFrame, name: str = "values") -> NDArray[np.float64]:
    """Return numbers as an array, pandas' missing values as NaN; the columns of a frame may differ in type.

    Raises
    ------
    TypeError
        Where they are no numbers; texts are not read as such.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return np.asarray(values, dtype=float)
    plain = np.asarray(values, dtype=object)
    texts = np.array([isinstance(value, str) for value in plain.flat], dtype=bool)
    if texts.any():
        place = int(texts.argmax())
        raise TypeError(
            f"{name} must be numbers, got the text {plain.flat[place]!r} at position {place}; convert them with "
            "pandas.to_numeric."
        )
    try:
        if isinstance(values, pd.Series | pd.DataFrame):
            return np.asarray(values.to_numpy(dtype=float, na_value=np.nan))
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be numbers, got {type(values).__name__} ({error}).") from error
