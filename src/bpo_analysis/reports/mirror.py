"""Outputs below a URL (``s3://bucket/prefix``, any that fsspec knows): made in a local folder and sent there whole.

An object store has no renames and needs none: an object is there whole or not at all. The record of a report is sent
last, so what has a record is complete. From the store come back only records and numbers, which decide what is up to
date and what the index says.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from bpo_analysis.data.places import cache_root
from bpo_analysis.errors import ReportError
from bpo_analysis.reports.inputs import OUTPUTS, PRINT
from bpo_analysis.reports.plan import ReportSpec
from bpo_analysis.reports.record import RECORD

__all__ = ["Mirror", "is_url"]

_FETCHED: Final = (RECORD, ".kpis.csv")


def is_url(out: str) -> bool:
    """Whether outputs go to a store and not to a folder."""
    return "://" in out and not out.startswith("file://")


class Mirror:
    """A local folder that stands for a URL.

    Parameters
    ----------
    url : str
        Such as ``s3://bucket/prefix``. Credentials and addresses come from where its library looks for them.

    Raises
    ------
    ReportError
        If fsspec or the library for this kind of URL is not installed, or the place cannot be read.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.folder = cache_root() / "outputs" / hashlib.blake2b(self.url.encode(), digest_size=12).hexdigest()
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            from fsspec.core import url_to_fs

            self._store, self._root = url_to_fs(self.url)
            self._there: dict[str, Any] = self._listed()
        except ImportError as error:
            raise ReportError(
                f"{url} needs a library that is not installed: {error}. See docs/scaling-out.md."
            ) from None
        except Exception as error:
            raise ReportError(f"{url} cannot be read: {error}") from error
        self._fetch()

    @cached_property
    def _marks(self) -> Path:
        return self.folder / ".fetched"

    def _listed(self) -> dict[str, Any]:
        self._store.invalidate_cache()
        found: Mapping[str, Any] = self._store.find(self._root, detail=True)
        return {posixpath.relpath(path, self._root): about for path, about in found.items()}

    def _fetch(self) -> None:
        """Bring records and numbers up to what the store has."""
        for file in self.folder.rglob("*"):
            gone = file.relative_to(self.folder).as_posix() not in self._there
            if gone and file.is_file() and file.name.endswith(_FETCHED):
                file.unlink()
        for name, about in self._there.items():
            if name.endswith(_FETCHED):
                mark = self._marks / f"{hashlib.blake2b(name.encode(), digest_size=12).hexdigest()}"
                seen = f"{about.get('ETag') or about.get('etag') or about.get('mtime') or about.get('created')}"
                local = self.folder / name
                if not local.is_file() or not mark.is_file() or mark.read_text(encoding="utf-8") != seen:
                    local.parent.mkdir(parents=True, exist_ok=True)
                    local.write_bytes(self._store.cat_file(f"{self._root}/{name}"))
                    mark.parent.mkdir(exist_ok=True)
                    mark.write_text(seen, encoding="utf-8")

    def has_outputs(self, spec: ReportSpec, record: Mapping[str, Any]) -> bool:
        """Whether every file that a record vouches for is in the store."""
        place = spec.folder.relative_to(self.folder).as_posix()
        return all(f"{place}/{spec.name}{ending}" in self._there for ending in record.get("outputs") or ())

    def send(self, folder: Path, name: str) -> None:
        """Send the files of a report, the record last; take away what it does not have any more.

        Parameters
        ----------
        folder : Path
            Its folder in the mirror.
        name : str
            Stem of its files.

        Raises
        ------
        ReportError
            If the store refuses.
        """
        for ending in (PRINT, *OUTPUTS, ".failed.ipynb", RECORD):
            self.deliver(folder / f"{name}{ending}")

    def send_page(self, page: Path) -> str:
        """Send an index page, and return its address."""
        return self._put(page)

    def has(self, file: Path) -> bool:
        """Whether a file of the folder is in the store."""
        return file.relative_to(self.folder).as_posix() in self._there

    def bring(self, file: Path) -> bool:
        """Fetch a file of the folder from the store; whether there is one.

        Raises
        ------
        ReportError
            If the store refuses.
        """
        if not self.has(file):
            return False
        place = file.relative_to(self.folder).as_posix()
        try:
            content = self._store.cat_file(f"{self._root}/{place}")
        except Exception as error:
            raise ReportError(f"{self.url}/{place} could not be read: {error}") from error
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return True

    def deliver(self, file: Path) -> None:
        """Send a file, and keep here only what later runs need."""
        self._put(file)
        if not file.name.endswith(_FETCHED):
            file.unlink(missing_ok=True)

    def _put(self, file: Path) -> str:
        place = file.relative_to(self.folder).as_posix()
        address = f"{self._root}/{place}"
        try:
            if file.is_file():
                self._store.pipe_file(address, file.read_bytes())
                self._there[place] = {}
            elif place in self._there:
                self._store.rm_file(address)
                del self._there[place]
        except Exception as error:
            raise ReportError(f"{self.url}/{place} could not be written: {error}") from error
        return f"{self.url}/{place}"
