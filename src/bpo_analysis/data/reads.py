"""What of a dataset was read: noted while a report runs, so that the next run can tell whether any of it changed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["EVERYONE", "Read", "note_read", "recording", "unseen"]

EVERYONE = "*"
"""Name of a read that took all partners."""


@dataclass(frozen=True, slots=True, order=True)
class Read:
    """A part of a dataset.

    Parameters
    ----------
    source : str
        ``kpis/partner``, ``kpis/kpi``, ``register/<table>``, ``extract/<name>``, ``pilot``, ``notes``, ``files``,
        ``span``, or ``whole``.
    name : str
        Whose or which: a partner, a KPI, a pilot, a pattern of files; ``*`` for all.
    until : str
        Last day that was read, or for notes the period; empty: all.
    """

    source: str
    name: str = ""
    until: str = ""

    def __str__(self) -> str:
        whose = {"": "", EVERYONE: " of all partners"}.get(self.name, f" {self.name}")
        return f"{self.source.replace('/', ' ')}{whose}{f' until {self.until}' if self.until else ''}"


@dataclass(slots=True)
class _Recording:
    """What was noted so far, by dataset folder; ``paused`` while the toolkit itself looks at files."""

    reads: dict[Path, set[Read]]
    folders: tuple[Path, ...]
    paused: int = 0


_current: _Recording | None = None
_is_hooked = False


def note_read(folder: Path, read: Read) -> None:
    """Note that a part of a dataset is about to be read; nothing happens where nobody records."""
    if _current is not None and not _current.paused:
        _current.reads.setdefault(folder, set()).add(read)


@contextlib.contextmanager
def unseen() -> Iterator[None]:
    """Look at files without noting them: what is read here is noted more exactly, or decides nothing on a page."""
    recording = _current
    if recording is None:
        yield
        return
    recording.paused += 1
    try:
        yield
    finally:
        recording.paused -= 1


@contextlib.contextmanager
def recording(*folders: Path) -> Iterator[dict[Path, set[Read]]]:
    """Record what is read inside, by dataset folder.

    Parameters
    ----------
    *folders : Path
        Datasets whose files may also be opened past :class:`Dataset`: a template that calls ``read_csv`` itself.
        What native code opens (DuckDB, Arrow) is not seen.

    Yields
    ------
    dict of Path to set of Read
        Complete on leaving.
    """
    global _current, _is_hooked
    if not _is_hooked:  # a hook cannot be taken away again, so there is one for the life of the process
        sys.addaudithook(_on_event)
        _is_hooked = True
    before, _current = _current, _Recording({}, tuple(folder.resolve() for folder in folders))
    try:
        yield _current.reads
    finally:
        _current = before


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or _current is None or _current.paused or not _current.folders:
        return
    path, mode, flags = arguments
    writes = set(mode) & set("wax+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR)
    if writes or not isinstance(path, str | bytes | os.PathLike):
        return
    file = os.path.abspath(os.fsdecode(path))
    for folder in _current.folders:
        if file.startswith(f"{folder}{os.sep}"):
            note_read(folder, Read("files", Path(file).relative_to(folder).as_posix()))
