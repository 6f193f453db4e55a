"""What a report was made from, and whether any of it has changed since: what is up to date is not made again.

The record of a report holds a digest of everything it depends on: template, parameters, the code of this package, the
libraries it stands on, the parts of the dataset it really read, and the files its parameters name. Imports nothing
heavy.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import bpo_analysis
from bpo_analysis.data.overview import Overview
from bpo_analysis.data.reads import Read
from bpo_analysis.reports.plan import ReportSpec
from bpo_analysis.reports.record import versions

__all__ = ["OUTPUTS", "PRINT", "inputs_of", "output_digests", "reason_to_run"]

OUTPUTS: Final = (".ipynb", ".kpis.csv", ".html")
"""Endings of the files that a record vouches for."""
PRINT: Final = ".pdf"
"""Ending of a page's print. It is made from the page, and goes when the page is made again."""
_CODE: Final = (".py", ".j2", ".css", ".js", ".json", ".toml")
_NAMED: Final = 2
"""Changed parts that a reason names; the others are counted."""


def inputs_of(spec: ReportSpec, reads: Collection[Read] | None, overview: Overview) -> dict[str, Any]:
    """Return what a report was made from, for its record.

    Parameters
    ----------
    spec : ReportSpec
        The report.
    reads : collection of Read, optional
        What it read of its dataset. Nothing at all: it reads its data in a way that is not seen, so all of them count.
    overview : Overview
        The dataset as it was read.
    """
    found = sorted(reads or ()) or [Read("whole")]
    return {
        "template": _file_digest(spec.template),
        "code": code_digest(),
        "libraries": library_digest(),
        "data": overview.slices.frame,
        "read": [[read.source, read.name, read.until, overview.slices.digest(read)] for read in found],
        "files": _files(spec.parameters),
    }


def reason_to_run(
    spec: ReportSpec,
    record: Mapping[str, Any] | None,
    overview: Overview,
    *,
    are_there: Callable[[ReportSpec, Mapping[str, Any]], bool] | None = None,
) -> str:
    """Say why a report must be made (again); empty if its files are what they would become.

    Parameters
    ----------
    spec : ReportSpec
        The report.
    record : mapping, optional
        Its run record, if there is one.
    overview : Overview
        The dataset as it is now.
    are_there : callable, optional
        Says whether the files of a report are there, where they lie in a store; by default they are compared with the
        digests in the record.
    """
    if record is None:
        return "not made yet"
    if record.get("status") != "ok":
        return "failed the last time"
    inputs = record.get("inputs")
    if not isinstance(inputs, Mapping) or not isinstance(inputs.get("read"), list):
        return "what it was made from is not known"
    checks = (
        _outputs_reason(spec, record) if are_there is None else "" if are_there(spec, record) else "its files are gone",
        _parameters_reason(spec.parameters, record.get("parameters") or {}),
        "the template changed" if inputs.get("template") != _file_digest(spec.template) else "",
        "bpo_analysis changed" if inputs.get("code") != code_digest() else "",
        _libraries_reason(inputs, record.get("versions") or {}),
        _files_reason(inputs.get("files") or {}, spec.parameters),
        "the dataset as a whole changed (dataset.toml, partners, tables, kinds of problems)"
        if inputs.get("data") != overview.slices.frame
        else "",
        _reads_reason(inputs["read"], overview),
    )
    return "; ".join(filter(None, checks))


def output_digests(folder: Path, name: str) -> dict[str, str]:
    """Return the digests of the files of a report, by ending; a file that is not there is left out."""
    files = {ending: folder / f"{name}{ending}" for ending in OUTPUTS}
    return {ending: _file_digest(file) for ending, file in files.items() if file.is_file()}


@functools.cache
def code_digest() -> str:
    """Return the digest of this package's files."""
    digest = hashlib.blake2b(digest_size=12)
    package = Path(bpo_analysis.__file__).parent
    for file in sorted(file for file in package.rglob("*") if file.suffix in _CODE and file.is_file()):
        digest.update(file.relative_to(package).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


@functools.cache
def library_digest() -> str:
    """Return the digest of the versions of every library that this package needs, directly or not."""
    found: dict[str, str] = {}
    waiting = ["bpo-analysis"]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""  # not needed on this system
            continue
        found[name] = distribution.version
        waiting += [
            re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
            for requirement in distribution.requires or ()
            if "extra ==" not in requirement
        ]
    listed = " ".join(f"{name}={version}" for name, version in sorted(found.items()))
    return _digest(f"{versions()['python']} {listed}")


def _outputs_reason(spec: ReportSpec, record: Mapping[str, Any]) -> str:
    made = record.get("outputs") or {}
    now = output_digests(spec.folder, spec.name)
    missing = [ending for ending in made if ending not in now]
    if missing or not made:
        return f"{spec.name}{missing[0] if missing else '.html'} is missing"
    changed = [ending for ending, digest in made.items() if now[ending] != digest]
    return f"{spec.name}{changed[0]} is not the file that was written" if changed else ""


def _parameters_reason(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    changed = [name for name in dict.fromkeys([*before, *now]) if before.get(name) != now.get(name)]
    return ", ".join(f"parameter {name}: {before.get(name)!r} -> {now.get(name)!r}" for name in changed)


def _libraries_reason(inputs: Mapping[str, Any], before: Mapping[str, str]) -> str:
    if inputs.get("libraries") == library_digest():
        return ""
    changed = [f"{name} {before.get(name)} -> {now}" for name, now in versions().items() if before.get(name) != now]
    return f"libraries changed: {', '.join(changed) or 'one that others need'}"


def _files_reason(before: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    now = _files(parameters)
    changed = [name for name in dict.fromkeys([*before, *now]) if before.get(name) != now.get(name)]
    return ", ".join(f"the file of parameter {name} changed" for name in changed)


def _reads_reason(before: Collection[Any], overview: Overview) -> str:
    changed = []
    for source, name, until, digest in before:
        read = Read(source, name, until)
        if overview.slices.digest(read) != digest:
            changed.append(str(read))
    if not changed:
        return ""
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    return f"data changed: {', '.join(changed[:_NAMED])}{more}"


def _files(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Digests of the files that parameters name, such as the numbers of the report before."""
    named = {name: Path(value) for name, value in parameters.items() if isinstance(value, str) and value}
    return {name: _file_digest(path) for name, path in named.items() if _is_file(path)}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a long text is no name of a file
        return False


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=12)).hexdigest()


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
