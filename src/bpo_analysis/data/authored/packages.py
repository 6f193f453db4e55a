"""Packages of reports made to order: ``packages/<id>.toml`` of a dataset says what a page shows, for whom and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bpo_analysis.data.authored.written import Block, WrittenFile
from bpo_analysis.data.reads import Read, note_read
from bpo_analysis.errors import DatasetError, UnknownNameError

__all__ = ["FOLDER", "Package", "PackageSection", "find_package", "package_files", "read_package"]

FOLDER = "packages"
_AUDIENCES = ("steering", "account", "delivery")
_EDITIONS = ("client", "partner")
_KEYS = ("title", "requested_by", "audience", "edition", "approved_by", "approved_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSection:
    """One section of a package: which, for which question, with which KPIs in which slices."""

    name: str
    question: str
    title: str
    kpis: tuple[str, ...]
    slices: tuple[str, ...]
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A page made to order.

    Attributes
    ----------
    approved_on : date or None
        None: not yet approved, so the page is a draft.
    """

    id: str
    title: str
    requested_by: str
    audience: str
    edition: str
    approved_by: str
    approved_on: date | None
    sections: tuple[PackageSection, ...]
    file: Path

    @property
    def approved(self) -> bool:
        """Whether somebody has approved it, with a date."""
        return bool(self.approved_by) and self.approved_on is not None


def package_files(folder: Path) -> list[Path]:
    """Return the package files of a dataset folder, by name."""
    return sorted((folder / FOLDER).glob("*.toml"))


def find_package(folder: Path, text: str = "") -> Package:
    """Return a package of a dataset folder by its id; without one, the only one there is.

    Raises
    ------
    DatasetError
        If there is none, or several and none is named.
    UnknownNameError
        If there is no such package.
    AuthoredError
        If its file is wrong; the message has file and line.
    """
    note_read(folder, Read("files", f"{FOLDER}/{text or '*'}.toml"))
    files = {file.stem: file for file in package_files(folder)}
    if not files:
        raise DatasetError(f"{folder} has no packages. Write one in {FOLDER}/<id>.toml (docs/reports.md).")
    if not text and len(files) > 1:
        raise DatasetError(f"{folder} has {len(files)} packages. Name one of them: {', '.join(files)}.")
    if text and text not in files:
        raise UnknownNameError("package", text, files)
    return read_package(files[text or next(iter(files))])


def read_package(file: Path) -> Package:
    """Read one package.

    Raises
    ------
    AuthoredError
        If the file is wrong; the message has file and line.
    """
    written = WrittenFile(file)
    written.only("package", "section")
    head = written.section("package")
    head.only(*_KEYS)
    package = Package(
        id=file.stem,
        title=head.text("title", needed=True),
        requested_by=head.text("requested_by", needed=True),
        audience=head.choice("audience", _AUDIENCES, "account"),
        edition=head.choice("edition", _EDITIONS, "client"),
        approved_by=head.text("approved_by"),
        approved_on=head.day("approved_on"),
        sections=tuple(_section(block) for block in written.blocks("section")),
        file=file,
    )
    if not package.sections:
        written.problems.append("has no [[section]]. Name at least one, in the order of the page.")
    written.finish()
    return package


def _section(block: Block) -> PackageSection:
    block.only("name", "question", "title", "kpis", "slices")
    return PackageSection(
        name=block.text("name", needed=True),
        question=block.text("question", needed=True),
        title=block.text("title"),
        kpis=block.texts("kpis"),
        slices=block.texts("slices"),
        line=block.where,
    )
