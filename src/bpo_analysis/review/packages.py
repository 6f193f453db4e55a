"""The review that a package made to order asks for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from bpo_analysis.data import Dataset, open_dataset
from bpo_analysis.data.authored import Package, PackageSection, find_package
from bpo_analysis.errors import AuthoredError, UnknownNameError
from bpo_analysis.review.context import Dimension, Review, open_review

__all__ = ["KPIS", "Package", "PackageSection", "open_package"]

KPIS = "kpis"
"""Name of the section that shows the KPIs a package lists, instead of a section of ours."""
_DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


def open_package(
    data: str | Path | Dataset, partner: str, period: str = "", *, package: str = "", confidence_level: float = 0.95
) -> Review:
    """Open the review that a package asks for: its audience, its edition.

    Parameters
    ----------
    data, partner, period, confidence_level
        As in :func:`open_review`.
    package : str, optional
        Name of the file in ``packages/`` of the dataset; may be left out where there is only one.

    Raises
    ------
    AuthoredError
        If the package names a KPI or slice that does not exist; the message has file and line.
    """
    dataset = data if isinstance(data, Dataset) else open_dataset(data)
    found = find_package(dataset.path, package)
    review = open_review(
        dataset, partner, period, confidence_level=confidence_level, edition=found.edition, audience=found.audience
    )
    review.package = found
    problems = [problem for section in found.sections for problem in _problems(review, section)]
    if problems:
        raise AuthoredError(str(found.file), problems)
    return review


def _problems(review: Review, asked: PackageSection) -> Iterable[str]:
    if asked.name == KPIS and not asked.kpis:
        yield f'{asked.line} shows KPIs and names none. Write kpis = ["csat", "fcr"].'
    if asked.name != KPIS and (asked.kpis or asked.slices or asked.title):
        yield f"{asked.line} {asked.name} has its own KPIs and title. Write name = {KPIS!r} to choose them yourself."
    for name in asked.kpis:
        if name not in review.kpis:
            yield f"{asked.line} {UnknownNameError('KPI', name, review.kpis)}"
    for name in asked.slices:
        if name not in _DIMENSIONS:
            yield f"{asked.line} {UnknownNameError('slice', name, _DIMENSIONS)}"
