"""What is added up over single contacts and can be added up part by part, when they come in many files.

Views and extracts that are no plain sums (open cases, agents who can still do what) are made of sums that are: those
stand here. Made from all contacts at once or from the sums of the parts, they give the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import ibis.expr.types as ir

from bpo_analysis.data.extracts import EXTRACTS, Material
from bpo_analysis.data.extracts.flow import WINDOWS
from bpo_analysis.data.extracts.people import work_of_agents
from bpo_analysis.data.extracts.quality import drawn_contacts
from bpo_analysis.data.extracts.risk import agent_days, agent_handling
from bpo_analysis.data.views import case_moves, contact_days, resolved_days

__all__ = ["AHEAD", "BY_ROW", "Partial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """Sums over table interactions alone.

    Attributes
    ----------
    name : str
    needs : tuple of str
        Columns of interactions.
    make : callable
        Makes the sums of the contacts it is given; None where these have no such thing.
    only_with : tuple of str
        Other tables, one of which must be there for anybody to ask; empty: always.
    ahead_days : int
        How far it looks ahead by itself, apart from the window of FCR.
    for_pages : bool
        Only pages ask for it, no KPI.
    """

    name: str
    needs: tuple[str, ...]
    make: Callable[[Material], ir.Table | None]
    only_with: tuple[str, ...] = ()
    ahead_days: int = 0
    for_pages: bool = True

    def is_asked_for(self, others: frozenset[str], *, for_pages: bool) -> bool:
        """Whether anybody asks for these sums, given the other tables and whether pages will be made."""
        return (for_pages or not self.for_pages) and (not self.only_with or bool(others.intersection(self.only_with)))


def _of_extract(name: str) -> Partial:
    return Partial(name=name, needs=EXTRACTS[name].needs["interactions"], make=EXTRACTS[name].make)


BY_ROW: tuple[Partial, ...] = (
    Partial(
        name="case_moves", needs=("solved_at",), make=lambda material: case_moves(material.sources), for_pages=False
    ),
    Partial(
        name="contact_days",
        needs=(),
        make=lambda material: contact_days(material.sources),
        only_with=("invoices", "forecasts"),
        for_pages=False,
    ),
    Partial(
        name="resolved_days",
        needs=("resolved_first_contact",),
        make=lambda material: resolved_days(material.sources),
        only_with=("invoices",),
        for_pages=False,
    ),
    Partial(name="agent_days", needs=("agent_id",), make=agent_days),
    Partial(name="agent_handling", needs=("agent_id", "talk_s"), make=agent_handling, only_with=("roster",)),
    Partial(name="drawn_contacts", needs=("interaction_id",), make=drawn_contacts),
    Partial(
        name="work_of_agents",
        needs=("agent_id",),
        make=lambda material: work_of_agents(material, ahead=False),
        only_with=("roster",),
    ),
    *(_of_extract(name) for name, extract in EXTRACTS.items() if extract.adds_up and not extract.looks_ahead),
)
"""Each row by itself."""
AHEAD: tuple[Partial, ...] = (
    Partial(
        name="work_of_agents_ahead", needs=("agent_id", "customer_key"),
        make=lambda material: work_of_agents(material, ahead=True), only_with=("roster",),
    ),
    *(replace(_of_extract(name), ahead_days=max(WINDOWS)) for name, of in EXTRACTS.items() if of.looks_ahead),
)  # fmt: skip
"""Those that ask what the same customer did in the weeks after, which may stand in the next part."""
