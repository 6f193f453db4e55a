"""What the partner does, task by task: how much of the work it is, and how hard it is."""

from __future__ import annotations

import pandas as pd

from bpo_analysis.review.context import Measure, Review

__all__ = ["COMPLEXITY", "scope_register"]

COMPLEXITY = ("aht_s", "transfer_rate", "escalation_rate", "reopen_rate")
"""Signs of a hard task. They are shown side by side; no score is made of them."""


def scope_register(review: Review) -> pd.DataFrame | None:
    """Return every contact reason of the partner over the period and the stretch before.

    Returns
    -------
    DataFrame or None
        Columns reason, contacts, share (of the partner's contacts), of_client (the partner's share of the client's
        contacts of this reason), work_share (of handling time; NaN without it), one column per sign of complexity (a
        Measure or None), harder (how many signs lie clearly on the hard side of the partner's own total), known; most
        contacts first. None where the volume names no reason.

    Notes
    -----
    ``harder`` counts intervals of the reason that leave out the partner's total; several reasons are looked at, so that
    a single one is description and no finding.
    """
    start, end = review.before()[0], review.period.end
    rows = review.dataset.kpi_sums("handled", ("partner_id", "category"), start, end).dropna(subset=["category"])
    own = rows[rows["partner_id"] == review.partner_id].groupby("category")["numerator"].sum()
    own = own[own > 0].sort_values(ascending=False, kind="stable")
    if own.empty:
        return None
    everyone = rows.groupby("category")["numerator"].sum()
    signs = [name for name in COMPLEXITY if name in review.rows]
    whole = {name: review.measure(name, start=start, end=end) for name in signs}
    work = whole.get("aht_s")
    lines = []
    for reason, contacts in own.items():
        where = {"category": str(reason)}
        found = {name: review.measure(name, start=start, end=end, where=where) for name in signs}
        handling = found.get("aht_s")
        lines.append(
            {
                "reason": str(reason),
                "contacts": float(contacts),
                "share": float(contacts / own.sum()),
                "of_client": float(contacts / everyone[reason]),
                "work_share": handling.numerator / work.numerator if handling and work else float("nan"),
                **found,
                "harder": sum(_clearly_harder(found[name], whole[name]) for name in signs),
                "known": sum(found[name] is not None for name in signs),
            }
        )
    return pd.DataFrame(lines)


def _clearly_harder(part: Measure | None, whole: Measure | None) -> bool:
    return part is not None and whole is not None and part.limits is not None and part.limits[0] > whole.value
