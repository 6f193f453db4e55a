"""Rows into a table that is there already: by key, the later extract wins, the same again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bpo_analysis.data.schema import Table
from bpo_analysis.errors import DatasetError
from bpo_analysis.formats import plural
from bpo_analysis.importing.accounting import TableAccount

__all__ = ["IMPORTED_WITH", "merge", "without_keys", "without_repeats"]

IMPORTED_WITH = "imported_with"
"""Column with the profile a row came by: numbers of two systems may be equal and mean two contacts."""
EXTRACTED = "extracted_on"


def without_repeats(rows: pd.DataFrame, schema: Table, account: TableAccount, *, where: str) -> pd.DataFrame:
    """Keep one row for each key of a table.

    Raises
    ------
    DatasetError
        If counted rows share a key and differ: the export is split by something the profile does not read, and to keep
        one of them would lose contacts.
    """
    key = [name for name in schema.key if name in rows]
    identical = rows.duplicated(keep="first")
    distinct = rows[~identical]
    repeated = distinct.duplicated(key, keep="last")
    if repeated.any() and schema.name == "volume":
        first = distinct[distinct.duplicated(key, keep=False)].iloc[0]
        shown = ", ".join(f"{name} = {first[name]}" for name in key if pd.notna(first[name]))
        raise DatasetError(
            f"{where}: {plural(int(repeated.sum()), 'row')} have the same key as another and other counts (first "
            f"{shown}). The export is split by a column that is not read, such as the agent. Export it without, or map "
            "that column in a profile of your own."
        )
    account.duplicates += int(identical.sum() + repeated.sum())
    return distinct[~repeated]


def merge(
    old: pd.DataFrame, new: pd.DataFrame, key: Sequence[str], account: TableAccount | None = None, *, where: str = ""
) -> pd.DataFrame:
    """Add rows to a table, or put them in the place of rows with the same key.

    A row that is there with the same values stays as it is, whenever it was exported; a row that was exported before
    the one that is there is left out.

    Raises
    ------
    DatasetError
        If keys that are there came from another system.
    """
    account = account or TableAccount()
    columns = list(dict.fromkeys([*old.columns, *new.columns]))
    old, new = (frame.reindex(columns=columns).astype("str").reset_index(drop=True) for frame in (old, new))
    places = pd.Series(range(len(old)), index=_keys(old, key), dtype="int64")
    places = places[~places.index.duplicated(keep="last")]
    place = pd.Series(_keys(new, key)).map(places)
    known = place.notna().to_numpy()
    before = old.iloc[place[known].astype("int64").to_numpy()].set_axis(new.index[known])
    _refuse_strangers(before, new[known], where)
    compared = [name for name in columns if name != EXTRACTED]
    same = (before[compared].fillna("") == new.loc[known, compared].fillna("")).all(axis=1)
    older = ~same & (_times(new.loc[known]) < _times(before))
    wins = ~same & ~older
    account.added, account.updated = int((~known).sum()), int(wins.sum())
    account.unchanged, account.older = int(same.sum()), int(older.sum())
    merged = old.copy()
    winners = wins.index[wins]
    merged.iloc[place[winners].astype("int64").to_numpy()] = new.loc[winners].to_numpy()
    return pd.concat([merged, new[~known]], ignore_index=True)


def without_keys(rows: pd.DataFrame, others: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Return the rows whose key is not among those of others."""
    shared = [name for name in key if name in rows and name in others]
    if rows.empty or others.empty or not shared:
        return rows
    return rows[~_keys(rows, shared).isin(_keys(others, shared))]


def _keys(rows: pd.DataFrame, key: Sequence[str]) -> pd.Index:
    present = [name for name in key if name in rows]
    texts = [rows[name].fillna("").astype("object") for name in present]
    if len(texts) == 1:
        return pd.Index(texts[0])
    return pd.Index(list(zip(*texts, strict=True)), tupleize_cols=False)


def _times(rows: pd.DataFrame) -> pd.Series:
    """Return when rows were exported; a row of unknown age gives way to any other."""
    if EXTRACTED not in rows:
        return pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")
    return pd.to_datetime(rows[EXTRACTED], errors="coerce", format="ISO8601")


def _refuse_strangers(before: pd.DataFrame, new: pd.DataFrame, where: str) -> None:
    if IMPORTED_WITH not in before:
        return
    strange = before[IMPORTED_WITH].notna() & new[IMPORTED_WITH].notna() & (before[IMPORTED_WITH] != new[IMPORTED_WITH])
    if strange.any():
        other = before.loc[strange, IMPORTED_WITH].iloc[0]
        raise DatasetError(
            f"{where}: {plural(int(strange.sum()), 'key')} are there already from an import with profile {other!r}. "
            "Numbers of two systems can be equal and mean two contacts. Give these a prefix: --id-prefix fd-"
        )
