"""Whose contact a row was: rules of the user's own, in order, over columns of the export.

A row that no rule fits belongs to nobody. It is put aside and counted, never taken for the own team.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from bpo_analysis.errors import DatasetError, suggest

__all__ = ["MAP_FILE", "PartnerRule", "assign", "read_partner_map"]

MAP_FILE = "partners-map.toml"

Test = Literal["equals", "ends_with", "contains", "has"]
_TESTS: tuple[Test, ...] = ("equals", "ends_with", "contains", "has")
_HOW = '[[partners]] partner_id = "...", column = "...", and one of ' + ", ".join(_TESTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerRule:
    """One rule: rows whose ``column`` passes the test for one of ``texts`` belong to ``value``."""

    value: str
    column: str
    test: Test
    texts: tuple[str, ...]


def read_partner_map(file: Path, *, section: str = "partners", names: str = "partner_id") -> tuple[PartnerRule, ...]:
    """Read the rules of ``partners-map.toml`` in the order they are written.

    Parameters
    ----------
    file : Path
    section : {"partners", "raters"}
        Whose rules: which partner a row belongs to, or on which side a rater stands.
    names : str
        The key that says what a rule assigns.

    Raises
    ------
    DatasetError
        If the file cannot be read or a rule is not complete.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file} is not valid TOML: {error}.") from None
    for key in document:
        if key not in ("partners", "raters"):
            raise DatasetError(f"{file} has no section {key!r}. Write {_HOW}.")
    blocks = document.get(section, [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise DatasetError(f"{file}: write {_HOW}.")
    return tuple(_rule(block, number, names, f"{file} [[{section}]]") for number, block in enumerate(blocks, 1))


def _rule(block: dict[str, Any], number: int, names: str, where: str) -> PartnerRule:
    place, known = f"{where} number {number}", (names, "column", *_TESTS)
    for key in block:
        if key not in known:
            raise DatasetError(f"{place} has no key {key!r}.{suggest(key, known)} It takes: {', '.join(known)}.")
    tests = [test for test in _TESTS if test in block]
    if len(tests) != 1:
        raise DatasetError(f"{place} needs exactly one of {', '.join(_TESTS)}.")
    given = block[tests[0]]
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise DatasetError(f"{place} {tests[0]} must be a text or a list of texts, got {given!r}.")
    for key in (names, "column"):
        if not isinstance(block.get(key), str) or not block[key].strip():
            raise DatasetError(f'{place} needs {key} = "...".')
    folded = tuple(text.strip().casefold() for text in texts)
    return PartnerRule(value=block[names].strip(), column=block["column"], test=tests[0], texts=folded)


def assign(rules: Sequence[PartnerRule], rows: pd.DataFrame, find: Callable[[str], str | None]) -> pd.Series:
    """Return what the first rule that fits assigns to each row; missing where none fits.

    Parameters
    ----------
    rules : sequence of PartnerRule
    rows : DataFrame of str
    find : callable
        Column of the rows for the name a rule gives, or None.
    """
    found = pd.Series(pd.NA, index=rows.index, dtype="object")
    for rule in rules:
        column = find(rule.column)
        if column is not None:
            found[found.isna() & _fits(rule, rows[column].str.casefold())] = rule.value
    return found.astype("str")


def _fits(rule: PartnerRule, texts: pd.Series) -> pd.Series:
    if rule.test == "equals":
        return texts.isin(rule.texts)
    if rule.test == "ends_with":
        return texts.str.endswith(rule.texts).fillna(value=False).astype("bool")
    if rule.test == "has":  # a whole tag of a list
        spaced = " " + texts.str.replace(r"[,;\s]+", " ", regex=True) + " "
        return _any(spaced, tuple(f" {text} " for text in rule.texts))
    return _any(texts, rule.texts)


def _any(texts: pd.Series, parts: Sequence[str]) -> pd.Series:
    hit = pd.Series(data=False, index=texts.index)
    for part in parts:
        hit |= texts.str.contains(part, regex=False).fillna(value=False).astype("bool")
    return hit
