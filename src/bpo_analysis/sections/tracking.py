"""Escalations and updates on the monthly page, and the appendices of the pages that are about one of them."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.review.context import Review
from bpo_analysis.review.escalations import escalations_known
from bpo_analysis.review.plan import judgement
from bpo_analysis.review.tracking import escalation_judgement, update_coverage, update_judgement
from bpo_analysis.review.updates import updates_known
from bpo_analysis.sections.closing import appendix_of
from bpo_analysis.sections.escalation_log import log_columns, log_row
from bpo_analysis.sections.escalations import speed_block
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.sections.updates import coverage_line, update_log

__all__ = ["escalation_appendix", "escalations_and_updates", "update_appendix"]

_ROWS = 12


@placed(audiences=("account", "delivery"))
def escalations_and_updates(review: Review) -> Section:
    """Escalations with open ones counted and the longest open; updates with notice and training on their first day."""
    id, title = "escalations", "Escalations and updates"
    escalated, updates = escalations_known(review), updates_known(review)
    if escalated is None and updates is None:
        return missing(id, title, "tables escalations and updates are not in this dataset.")
    body = Markup("")
    if escalated is None:
        body += page.note("Escalations: not shown, the table is absent or has no rows of this partner.")
    else:
        body += speed_block(review, escalated, judgement(review))
        still = escalated[~escalated["closed"]]
        if len(still):
            rows = [log_row(row) for row in still.head(_ROWS).to_dict("records")]
            caption = f"Open longest ({len(rows)} of {len(still)})"
            body += page.details(caption, page.table(log_columns(), rows, caption=caption, classes="stack"))
    if updates is None:
        body += page.note("Updates: not shown, table updates is not in this dataset.")
    elif updates.empty:
        body += Markup("<p>No update took effect in the 13 weeks up to {}.</p>").format(review.period.end)
    else:
        covered = update_coverage(review)
        body += coverage_line(review, updates, covered)
        shown = updates[updates["in_period"] | updates["ahead"]]
        if len(shown):
            log = update_log(shown, covered)
            body += page.details(f"Updates in force since {review.period.start} or announced for later", log)
    question = "What had to be escalated, how long did it take, and does news reach the agents?"
    return Section(id, page.section(id, title, body, question=question))


def escalation_appendix(review: Review) -> Section:
    """Definitions, tests and provenance of a page about escalations."""
    return appendix_of(review, escalation_judgement(review))


def update_appendix(review: Review) -> Section:
    """Definitions, tests and provenance of a page about updates."""
    return appendix_of(review, update_judgement(review))
