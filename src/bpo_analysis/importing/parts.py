"""An export that comes in several files: which is which, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from bpo_analysis.errors import DatasetError
from bpo_analysis.importing.exports import Export, read_export
from bpo_analysis.importing.headers import fold, known_headers
from bpo_analysis.importing.profile import Part, Profile

__all__ = ["join_parts"]


def join_parts(profile: Profile, files: Sequence[Path]) -> tuple[Export, tuple[Export, ...]]:
    """Read the files of one export and join them into one.

    The first part of the profile that is there has the rows; every other adds its columns, by its column ``on``. A row
    whose counterpart is not among the files keeps what it has.

    Returns
    -------
    Export
        The joined rows.
    tuple of Export
        The files as they were read.

    Raises
    ------
    DatasetError
        If a file is none of the parts, two are the same, or a join would repeat rows.
    """
    found: dict[str, Export] = {}
    for file in files:
        export = read_export(file, partial(_score, profile))
        part = _part_of(export, profile)
        if part.name in found:
            raise DatasetError(f"{file} and {found[part.name].file} are both {part.name}. Import one export at a time.")
        found[part.name] = export
    ordered = [(part, found[part.name]) for part in profile.parts if part.name in found]
    (first, base), *others = ordered
    if first != profile.parts[0] and not first.whole:
        raise DatasetError(f"{base.file} holds {first.name}, which say nothing alone. Import the other files with it.")
    rows, headers, notes = base.rows, list(base.headers), []
    for part, export in others:
        if part.on:
            rows, headers, note = _joined(rows, headers, part, export)
            notes.extend(note)
        else:
            notes.append(f"{export.file.name} ({part.name}) is not read: nothing of it is needed")
    joined = Export(
        file=base.file, rows=rows, headers=tuple(headers), form=base.form, misfits=base.misfits, notes=tuple(notes)
    )
    return joined, tuple(export for _, export in ordered)


def _score(profile: Profile, headers: Sequence[str]) -> int:
    folded = {fold(header) for header in headers}
    return known_headers(profile, headers) + sum(fold(h) in folded for part in profile.parts for h in part.headers)


def _part_of(export: Export, profile: Profile) -> Part:
    folded = {fold(header) for header in export.headers}
    for part in profile.parts:
        if folded.issuperset(map(fold, part.headers)):
            return part
    wanted = "; ".join(f"{part.name}: {', '.join(part.headers)}" for part in profile.parts)
    raise DatasetError(
        f"{export.file} is none of the files of profile {profile.name!r}. Headers found: {', '.join(export.headers)}. "
        f"Expected one of: {wanted}."
    )


def _joined(
    rows: pd.DataFrame, headers: list[str], part: Part, export: Export
) -> tuple[pd.DataFrame, list[str], list[str]]:
    key = _named(export.rows, part.on)
    mine = _named(rows, part.on)
    if key is None or mine is None:
        raise DatasetError(f"{export.file} and the other files have no column {part.on!r} in common to be joined by.")
    if export.rows[key].dropna().duplicated().any():
        twice = export.rows[key][export.rows[key].duplicated()].dropna().iloc[0]
        raise DatasetError(f"{export.file} has {part.on} {twice!r} more than once. Export it again.")
    known = {fold(header) for header in headers}
    new = [str(name) for name in export.rows if fold(str(name)) not in known]
    lookup = export.rows.dropna(subset=[key]).set_index(key)[new]
    missing = int((rows[mine].notna() & ~rows[mine].isin(lookup.index)).sum())
    notes = [f"{missing:,} rows have no counterpart in {export.file.name}"] if missing else []
    joined = rows.join(lookup, on=mine)
    if part.whole:
        ours = {fold(str(name)): str(name) for name in rows}
        alone = export.rows[~export.rows[key].isin(rows[mine])].rename(columns=lambda n: ours.get(fold(str(n)), n))
        if len(alone):
            notes.append(f"{len(alone):,} rows of {export.file.name} have no counterpart, and are kept as they are")
            joined = pd.concat([joined, alone], ignore_index=True).set_axis(range(1, len(joined) + len(alone) + 1))
    return joined, [*headers, *new], notes


def _named(rows: pd.DataFrame, header: str) -> str | None:
    return next((str(name) for name in rows if fold(str(name)) == fold(header)), None)
