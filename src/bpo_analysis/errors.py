"""Everything the toolkit raises on purpose, in one place.

A message says what was expected, what came, where, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = [
    "BpoAnalysisError",
    "BpoAnalysisWarning",
    "DataError",
    "DataValidationError",
    "DatasetError",
    "InsufficientDataError",
    "ParameterError",
    "PilotError",
    "ReportError",
    "ReportExecutionError",
    "TemplateError",
    "UnknownNameError",
    "suggest",
]


class BpoAnalysisError(Exception):
    """Base of every error the toolkit raises on purpose."""


class BpoAnalysisWarning(UserWarning):
    """Base of every warning the toolkit issues."""


class DataError(BpoAnalysisError, ValueError):
    """The data cannot be used as they are."""


class DatasetError(DataError):
    """A dataset folder, its ``dataset.toml`` or one of its files cannot be read."""


class AuthoredError(DatasetError):
    """A file that somebody wrote by hand cannot be used; ``problems`` has one sentence or more for each thing wrong."""

    def __init__(self, place: str, problems: Iterable[str]) -> None:
        self.place, self.problems = place, tuple(problems)
        super().__init__(place, self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return f"{self.place} {self.problems[0]}"
        lines = (f"  {number}. {problem}" for number, problem in enumerate(self.problems, 1))
        return "\n".join([f"{self.place} has {len(self.problems)} problems:", *lines])


class PilotError(AuthoredError):
    """A pilot file or its registration cannot be used."""


class DataValidationError(DataError):
    """The rows break rules that must hold; ``problems`` has one row per broken rule."""

    def __init__(self, message: str, problems: pd.DataFrame) -> None:
        super().__init__(message)
        self.problems = problems

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.problems)


class InsufficientDataError(DataError):
    """A method was given fewer observations than it needs to hold its error rates."""

    def __init__(self, what: str, *, needed: int, got: int, unit: str = "observations") -> None:
        super().__init__(f"{what} needs at least {needed} {unit}; got {got}.")
        self.what, self.needed, self.got, self.unit = what, needed, got, unit

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_insufficient, (self.what, self.needed, self.got, self.unit)


def _rebuild_insufficient(what: str, needed: int, got: int, unit: str) -> InsufficientDataError:
    return InsufficientDataError(what, needed=needed, got=got, unit=unit)


class UnknownNameError(BpoAnalysisError, KeyError):
    """A partner, KPI, table or template of that name does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(kind, name, self.known)

    def __str__(self) -> str:
        listed = ", ".join(repr(k) for k in self.known[:12])
        more = f" and {len(self.known) - 12} more" if len(self.known) > 12 else ""
        return f"Unknown {self.kind} {self.name!r}.{suggest(self.name, self.known)} Known: {listed}{more}."


class ReportError(BpoAnalysisError):
    """A report could not be planned, run or written."""


class TemplateError(ReportError):
    """A file is not a usable report template."""


class ParameterError(ReportError, ValueError):
    """Parameters do not fit the template; the message lists all of them at once."""


class ReportExecutionError(ReportError):
    """A report stopped in one of its cells; the half-run notebook is kept."""

    def __init__(self, message: str, *, cell: int | None = None, notebook: Path | None = None) -> None:
        super().__init__(message)
        self.cell, self.notebook = cell, notebook


def suggest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest known name, or an empty text.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        What it could have been.
    cutoff : float, default 0.6
        Likeness that is asked, between 0 and 1; more where the name need not be a mistake.
    """
    folded = {k.casefold(): k for k in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return f" Did you mean {folded[near[0]]!r}?" if near else ""
