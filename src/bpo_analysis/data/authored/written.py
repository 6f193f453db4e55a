"""A file that somebody wrote by hand: read as TOML, every mistake with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bpo_analysis.errors import AuthoredError, suggest

__all__ = ["Block", "WrittenFile"]


class WrittenFile:
    """A TOML file of blocks ``[[name]]`` and sections ``[name]``; collects what is wrong with it.

    Parameters
    ----------
    file : Path

    Raises
    ------
    AuthoredError
        If the file cannot be read as TOML.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.problems: list[str] = []
        try:
            self.text = file.read_text(encoding="utf-8-sig")
            self.document = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            hint = "Text needs quotes, dates do not."
            raise AuthoredError(str(file), [f"is not valid TOML: {error}. {hint}"]) from None
        except UnicodeDecodeError:
            raise AuthoredError(str(file), ["is not UTF-8. Save it as UTF-8."]) from None

    def only(self, *known: str) -> None:
        """Note everything at the top of the file that has another name."""
        for key in self.document:
            if key not in known:
                self.problems.append(f"has no part {key!r}.{suggest(key, known)} It takes: {', '.join(known)}.")

    def section(self, name: str) -> Block:
        """Return ``[name]``; an empty one where it is missing."""
        found = self.document.get(name, {})
        if not isinstance(found, dict):
            self.problems.append(f"{name} must be a section [{name}].")
            found = {}
        return Block(self, found, f"[{name}]", self._lines(rf"\[{name}\]"))

    def blocks(self, name: str) -> Iterator[Block]:
        """Give every ``[[name]]`` in the order of the file."""
        found = self.document.get(name, [])
        if not isinstance(found, list) or not all(isinstance(block, dict) for block in found):
            self.problems.append(f"{name} must be written as blocks [[{name}]].")
            return
        lines = self._lines(rf"\[\[{name}\]\]")
        for place, block in enumerate(found):
            yield Block(self, block, f"[[{name}]]", lines[place : place + 1])

    def finish(self) -> None:
        """Raise with everything that is wrong, if anything is."""
        if self.problems:
            raise AuthoredError(str(self.file), self.problems)

    def _lines(self, heading: str) -> list[int]:
        pattern = re.compile(rf"\s*{heading}\s*(#.*)?")
        return [number for number, line in enumerate(self.text.splitlines(), 1) if pattern.fullmatch(line)]


class Block:
    """One section of a written file: values by key, and where it stands."""

    def __init__(self, file: WrittenFile, values: Mapping[str, Any], name: str, lines: list[int]) -> None:
        self.file, self.values = file, values
        self.where = f"line {lines[0]}: {name}" if lines else name

    def refuse(self, text: str) -> None:
        """Note a problem of this block."""
        self.file.problems.append(f"{self.where} {text}")

    def only(self, *known: str) -> None:
        """Note every key with another name."""
        for key in self.values:
            if key not in known:
                self.refuse(f"has no key {key!r}.{suggest(key, known)} It takes: {', '.join(known)}.")

    def text(self, key: str, *, needed: bool = False) -> str:
        """Text of a key; empty where it is missing."""
        value = self.values.get(key, "")
        if not isinstance(value, str):
            self.refuse(f"{key} must be text in quotes, got {value!r}.")
            return ""
        if needed and not value.strip():
            self.refuse(f"needs {key}.")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where it is missing."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(f'{key} must be a list of texts such as ["csat", "fcr"], got {value!r}.')
            return ()
        return tuple(value)

    def choice(self, key: str, known: tuple[str, ...], default: str) -> str:
        """One of several words."""
        value = self.text(key) or default
        if value not in known:
            self.refuse(f"{key} must be one of {', '.join(known)}, got {value!r}.{suggest(value, known)}")
            return default
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.refuse(f"{key} must be true or false, without quotes, got {value!r}.")
            return default
        return value

    def day(self, key: str) -> date | None:
        """A day; None where it is missing."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, datetime) or not isinstance(value, date):
            self.refuse(f"{key} must be a date such as 2026-11-04, without quotes, got {value!r}.")
            return None
        return value
