"""Fingerprints of data and of the code that prepares them, and what is known of a folder that has not changed.

Every report opens its dataset, and most runs find that nothing has changed: files are hashed again only when their size
or their time of change says that they may differ.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bpo_analysis
from bpo_analysis.data.places import SEEN, cache_root
from bpo_analysis.data.reads import unseen
from bpo_analysis.errors import DatasetError

__all__ = ["Known", "code_fingerprint", "file_digest", "footer_digest", "recall", "remember", "seen_files"]

_TAIL: Final = 8
"""Bytes after the footer of a Parquet file: its length, and a mark."""
_SETTLED_NS: Final = 2_000_000_000
"""A file changed less than this before it was hashed may change again without its time of change showing it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was found in a dataset folder the last time its fingerprint was taken."""

    name: str
    title: str
    fingerprint: str


def code_fingerprint() -> str:
    """Return the hash of the code that prepares data, so that a new version never serves an old table."""
    digest = hashlib.blake2b(digest_size=6)
    package = Path(bpo_analysis.__file__).parent
    for file in sorted([*package.glob("data/**/*.py"), package / "kpis.py"]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def file_digest(file: Path, known: Mapping[str, Any]) -> bytes:
    """Return the hash of a file's content.

    Parameters
    ----------
    file : Path
    known : mapping of str to object
        What :func:`remember` kept under ``files``: a file that looks the same is not read again.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    """
    try:
        before = known.get(str(file))
        if before is not None and before[:-1] == _looks(file):
            return bytes.fromhex(before[-1])
        with unseen(), file.open("rb") as handle:
            return hashlib.file_digest(handle, "blake2b").digest()
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}).") from None


def footer_digest(file: Path) -> bytes:
    """Return the hash of what tells a Parquet file from any other without reading it.

    That is its footer (columns, and for each group of rows where it lies, how long it is and what range it has), its
    size, and its times of change: that of the inode cannot be set back by a copy that keeps times.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    """
    try:
        with unseen(), file.open("rb") as handle:
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(0, size - _TAIL))
            length = int.from_bytes(handle.read(4), "little")
            handle.seek(max(0, size - _TAIL - length))
            return hashlib.blake2b(handle.read() + repr(_looks(file)[:3]).encode()).digest()
    except OSError as error:
        raise DatasetError(f"{file} cannot be read ({error.strerror}).") from None


def remember(folder: Path, known: Known, digests: Mapping[Path, bytes]) -> None:
    """Keep what was found, for :func:`recall` and :func:`seen_files`.

    Parameters
    ----------
    folder : Path
        The dataset.
    known : Known
    digests : mapping of Path to bytes
        Every file the fingerprint was made of, with the hash of its content.
    """
    now = time.time_ns()
    files = {}
    for file, digest in digests.items():
        with contextlib.suppress(OSError):
            looks = _looks(file)
            if now - max(looks[1:3]) > _SETTLED_NS:
                files[str(file)] = [*looks, digest.hex()]
    content = {
        "known": [known.name, known.title, known.fingerprint],
        "files": files,
        # A file that is not settled leaves the whole unsettled: recall would not look at it.
        "complete": len(files) == len(digests),
        "folders": {str(each): _listing(each) for each in _folders(folder, digests)},
    }
    place = _memory(folder)
    with contextlib.suppress(OSError):  # a cache folder that may only be read remembers nothing
        place.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=place.parent, delete=False) as written:
            json.dump(content, written)
        os.replace(written.name, place)


def seen_files(folder: Path) -> dict[str, Any]:
    """Return what is known of single files of a dataset, for :func:`file_digest`."""
    files = _memories(folder).get("files")
    return files if isinstance(files, dict) else {}


def recall(folder: Path) -> Known | None:
    """Return what is known of a dataset folder in which nothing has changed since, or None.

    Parameters
    ----------
    folder : Path
        The dataset, as an absolute path.
    """
    found = _memories(folder)
    try:
        if not found.get("complete"):
            return None
        if any(_listing(Path(each)) != names for each, names in found["folders"].items()):
            return None
        if any(_looks(Path(file)) != looks[:-1] for file, looks in found["files"].items()):
            return None
        name, title, fingerprint = found["known"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return Known(name=name, title=title, fingerprint=fingerprint)


def _memories(folder: Path) -> dict[str, Any]:
    try:
        with unseen():
            found = json.loads(_memory(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _memory(folder: Path) -> Path:
    name = hashlib.blake2b(os.fsencode(folder), digest_size=12).hexdigest()
    return cache_root() / SEEN / f"{name}.json"


def _looks(file: Path) -> list[int]:
    found = file.stat()
    # The time of the last change of the inode cannot be set back by a copy that keeps times.
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _folders(folder: Path, files: Iterable[Path]) -> list[Path]:
    """Folders in which a new file could be one that counts: those of the files, the dataset's and its pilots'."""
    return list(dict.fromkeys([folder, folder / "pilots", *(file.parent for file in files)]))


def _listing(folder: Path) -> str:
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    except FileNotFoundError:
        return ""
    return hashlib.blake2b("/".join(names).encode(errors="surrogateescape"), digest_size=12).hexdigest()
