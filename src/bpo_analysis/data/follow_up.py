"""Check registers that somebody has to come back to: actions that name a KPI, exceptions with a review date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pandas as pd

from bpo_analysis.data.files import ROW
from bpo_analysis.data.problems import Problem
from bpo_analysis.errors import suggest
from bpo_analysis.kpis import Kpi

__all__ = ["check_actions", "check_exceptions"]


def check_actions(rows: pd.DataFrame, kpis: Mapping[str, Kpi]) -> Iterator[Problem]:
    """Report actions whose effect can never be judged, since they name no KPI or one that does not exist.

    Parameters
    ----------
    rows : DataFrame
        Rows of table ``actions`` with ``_row``.
    kpis : mapping of str to Kpi
        The dataset's catalogue.

    Yields
    ------
    Problem
        An error for a KPI that is not in the catalogue; a warning for a corrective action or an improvement without
        one. A commitment needs none.
    """
    for row in rows.to_dict("records"):
        name = _text(row.get("kpi"))
        if name and name not in kpis:
            yield Problem(
                severity="error", table="actions", row=int(row[ROW]), column="kpi", value=name,
                rule=f"action {row['action_id']} refers to a KPI that is not in the catalogue.{suggest(name, kpis)}",
                remedy="see bpo kpis for the names, or leave it empty",
            )  # fmt: skip
        elif not name and _text(row.get("type")) != "commitment":
            yield Problem(
                severity="warning", table="actions", row=int(row[ROW]), column="kpi",
                rule=f"action {row['action_id']} refers to no KPI, so whether it had an effect can never be judged",
                remedy="name the KPI it is meant to move, or write type = commitment",
            )  # fmt: skip


def check_exceptions(rows: pd.DataFrame, last_day: date) -> Iterator[Problem]:
    """Report exceptions to the concentration rule whose review date has passed on the last day of the data."""
    for row in rows.to_dict("records"):
        due = row.get("review_on")
        if not _missing(due) and pd.Timestamp(due).date() < last_day:
            yield Problem(
                severity="warning", table="exceptions", row=int(row[ROW]), column="review_on",
                value=f"{pd.Timestamp(due):%Y-%m-%d}",
                rule=f"exception {row['exception_id']} is past its review date on {last_day}, the last day of the data",
                remedy="review it, and write the next date; until then pages mark it as past its review",
            )  # fmt: skip


def _missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _text(value: Any) -> str:
    return "" if _missing(value) else str(value).strip()
