"""Which column of an export is which: headers compared without regard to case, spaces and punctuation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bpo_analysis.errors import DatasetError
from bpo_analysis.importing.exports import Export
from bpo_analysis.importing.profile import Profile, SourceColumn

__all__ = ["Matched", "fold", "known_headers", "match_columns"]

THRESHOLD = "threshold_s"
_SLOT = "{threshold_s}"
_SECONDS = r"(\d+)"
_MAX_LISTED = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Columns of a profile that an export has.

    Attributes
    ----------
    columns : mapping of str to str
        Column of ``Export.rows`` for each column of the profile.
    threshold_s : float, optional
        Seconds that stand in the headers used.
    not_found, ignored : tuple of str
        Columns of the profile, and headers of the export, without a counterpart.
    notes : tuple of str
    """

    columns: Mapping[str, str]
    threshold_s: float | None
    not_found: tuple[str, ...]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


def fold(header: str) -> str:
    """Return a header without case, spaces and punctuation.

    Examples
    --------
    >>> fold("First reply time (in minutes)") == fold("First Reply Time in Minutes")
    True
    >>> fold("Answer %") == fold("Answer")
    False
    """
    return re.sub(r"[\W_]+", "", header.replace("%", "percent").casefold())


def known_headers(profile: Profile, headers: Sequence[str]) -> int:
    """Count the columns of a profile that these headers have."""
    folded = {fold(header) for header in headers}
    return sum(
        any(_pattern(alias).fullmatch(header) for alias in column.headers for header in folded)
        for column in profile.columns.values()
    )


def match_columns(profile: Profile, export: Export, *, threshold_s: float | None = None) -> Matched:
    """Find the columns of a profile in an export.

    Where several headers fit a column, the first in the order of the profile that has values is used.

    Parameters
    ----------
    profile : Profile
    export : Export
    threshold_s : float, optional
        Which of several thresholds in the headers is meant.

    Raises
    ------
    DatasetError
        If no column or not every required column is there, or the headers have several thresholds.
    """
    folded = [fold(header) for header in export.headers]
    names = list(export.rows.columns)
    threshold = _threshold(profile, folded, threshold_s, export)
    columns, notes, taken = {}, [], set()
    for column in profile.columns.values():
        places = _places(column, folded, threshold)
        if not places:
            continue
        place = next((p for p in places if export.rows[names[p]].notna().any()), places[0])
        columns[column.name] = names[place]
        taken.update(places)
        if len(places) > 1:
            others = ", ".join(_told(export, p) for p in places if p != place)
            notes.append(f"{column.name} is read from {_told(export, place)}; not used: {others}")
    _require(profile, columns, export)
    return Matched(
        columns=columns,
        threshold_s=threshold,
        not_found=tuple(name for name in profile.columns if name not in columns),
        ignored=tuple(name for place, name in enumerate(names) if place not in taken),
        notes=tuple(notes),
    )


def _pattern(alias: str) -> re.Pattern[str]:
    before, slot, after = alias.partition(_SLOT)
    return re.compile(fold(before) + (_SECONDS if slot else "") + fold(after))


def _places(column: SourceColumn, folded: Sequence[str], threshold: float | None) -> list[int]:
    found = []
    for alias in column.headers:
        for place, header in enumerate(folded):
            hit = _pattern(alias).fullmatch(header)
            if hit and place not in found and (not hit.groups() or float(hit[1]) == threshold):
                found.append(place)
    return found


def _threshold(profile: Profile, folded: Sequence[str], wanted: float | None, export: Export) -> float | None:
    patterns = [_pattern(a) for column in profile.columns.values() for a in column.headers if _SLOT in a]
    found = sorted({float(hit[1]) for p in patterns for header in folded if (hit := p.fullmatch(header))})
    if wanted is not None:
        if found and wanted not in found:
            raise DatasetError(
                f"{export.file} has no column with a threshold of {wanted:g} s; it has {_seconds(found)}."
            )
        return wanted if found else None
    if len(found) > 1:
        raise DatasetError(
            f"{export.file} counts with several thresholds ({_seconds(found)}). Name the one your contract has: "
            f"--threshold {found[0]:g}."
        )
    return found[0] if found else None


def _seconds(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g} s" for value in values)


def _told(export: Export, place: int) -> str:
    name = export.headers[place]
    repeated = [fold(h) for h in export.headers].count(fold(name)) > 1
    values = int(export.rows.iloc[:, place].notna().sum())
    return f"{name!r}" + (f" (column {place + 1}, {values} values)" if repeated else f" ({values} values)")


def _require(profile: Profile, columns: Mapping[str, str], export: Export) -> None:
    missing = [c for c in profile.columns.values() if c.required and c.name not in columns]
    if columns and not missing:
        return
    found = ", ".join(map(repr, export.headers[:_MAX_LISTED]))
    if not columns:
        expected = ", ".join(repr(c.headers[0]) for c in profile.columns.values())
        raise DatasetError(
            f"{export.file} has none of the columns of profile {profile.name!r}. Headers found: {found}. "
            f"Expected: {expected}. Is it another export ('bpo import --list'), or are its headers translated "
            f"('bpo import --show {profile.name}' prints the profile to start your own from)?"
        )
    wanted = "; ".join(f"{c.name} ({' or '.join(map(repr, c.headers))})" for c in missing)
    raise DatasetError(
        f"{export.file} lacks columns that profile {profile.name!r} cannot do without: {wanted}. "
        f"Headers found: {found}. Export them too, or add your header to a profile of your own "
        f"('bpo import --show {profile.name}')."
    )


def column_of(header: str, profile: Profile, matched: Matched, rows: pd.DataFrame) -> str | None:
    """Return the column of the rows that a header, or the name of a column of the profile, stands for."""
    if header in matched.columns:
        return matched.columns[header]
    wanted = fold(header)
    aliases = {fold(a): c.name for c in profile.columns.values() for a in c.headers}
    by_header = {fold(str(name)): str(name) for name in reversed(list(rows.columns))}
    return by_header.get(wanted) or matched.columns.get(aliases.get(wanted, ""))
