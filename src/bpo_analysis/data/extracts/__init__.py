"""Tables that a page needs beside the KPI table, drawn from the facts when a dataset is prepared.

The KPI table knows days and slices. What asks for more (agents by tenure, pairs of scores, contacts after an update,
waits of a day by the hour) is an extract: summed or drawn once, when the facts are read anyway, small enough for pandas
and without a customer's name. An extract exists only if the tables and columns it needs are there.

To add one, write a function that makes an Ibis table out of ``Material`` in a module of this package, and an
``Extract`` in its tuple.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import ibis.expr.types as ir

from bpo_analysis.data.extracts.categories import CATEGORIES
from bpo_analysis.data.extracts.extract import Extract, Material, added
from bpo_analysis.data.extracts.flow import FLOW
from bpo_analysis.data.extracts.knowledge import KNOWLEDGE
from bpo_analysis.data.extracts.people import PEOPLE
from bpo_analysis.data.extracts.quality import QUALITY_EXTRACTS
from bpo_analysis.data.extracts.risk import RISK_EXTRACTS
from bpo_analysis.data.extracts.service import SERVICE
from bpo_analysis.data.sources import fetched
from bpo_analysis.data.views import Sources
from bpo_analysis.kpis import Kpi

__all__ = ["EXTRACTS", "FOLDER", "Extract", "Material", "added_up", "rows_in_order", "write_extracts"]

FOLDER = "extracts"
_ALL: tuple[Extract, ...] = (*SERVICE, *CATEGORIES, *QUALITY_EXTRACTS, *PEOPLE, *FLOW, *KNOWLEDGE, *RISK_EXTRACTS)
EXTRACTS = {extract.name: extract for extract in _ALL}
"""Every extract, by name."""
_ROW_GROUP = 10_000
"""Rows that are read together: a partner often has no more."""


def write_extracts(
    sources: Sources, views: Mapping[str, ir.Table], kpis: Mapping[str, Kpi], folder: Path, *,
    made: Collection[str] = (),
) -> None:  # fmt: skip
    """Write the extracts that these tables allow, one Parquet file each, but for those that were made by month."""
    material = Material(sources=sources, views=views, kpis=kpis)
    folder.mkdir(exist_ok=True)
    for name, extract in EXTRACTS.items():
        if extract.possible(sources) and name not in made:
            in_parts = extract.adds_up and name in sources.partials
            table = fetched(added_up(extract, sources) if in_parts else extract.make(material))
            table.order_by(rows_in_order(extract, table.columns)).to_parquet(
                folder / f"{extract.name}.parquet", row_group_size=_ROW_GROUP
            )


def rows_in_order(extract: Extract, columns: Collection[str]) -> list[str]:
    """Return the columns by which rows of an extract are sorted."""
    return [name for name in extract.order if name in columns]


def added_up(extract: Extract, sources: Sources) -> ir.Table:
    """Add up what an extract is in each part of the contacts."""
    parts = sources.partials[extract.name]
    sums = {
        name: added(parts[name]) if kind.is_integer() else parts[name].sum()
        for name, kind in parts.schema().items()
        if name not in extract.order
    }
    return parts.group_by(list(extract.order)).aggregate(**sums)
