"""What stands below the KPIs of the customer: who still answers, and whose work the ratings are about."""

from __future__ import annotations

from math import isnan

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import format_interval, format_value, plural
from bpo_analysis.review.context import Review
from bpo_analysis.review.customer import HandedOn, handed_on, response_shift

__all__ = ["ratings_details"]


def ratings_details(review: Review) -> Markup:
    """Whether the response rate has shifted, and the share of ratings whose contact changed hands."""
    return _response(review) + _hands(review)


def _response(review: Review) -> Markup:
    shift = response_shift(review)
    if shift is None:
        return Markup("")
    way = "fell" if shift.now.value < shift.before.value else "rose"
    when = review.before_title if shift.stretch == "before" else review.earlier_title
    interval = f" ({shift.now.interval_text})" if shift.now.interval_text else ""
    text = (
        f"Who answers has changed: the survey response rate {way} from {shift.before.text} in {when} to "
        f"{shift.now.text}{interval}. A change of CSAT or NPS at the same time may come from who answers, not from how "
        "customers were served; do not decide on it alone."
    )
    return page.note(text, "warning")


def _hands(review: Review) -> Markup:
    found = handed_on(review)
    if found is None:
        return page.note(
            "Whose work is rated: cannot be told, it needs surveys.interaction_id and interactions.handoffs."
        )
    value = found.changed / found.answers
    low, high = (found.share.ci_low, found.share.ci_high) if found.share else (None, None)
    share = review.note_figure(
        "customer.ratings_handed_on", value, format_value(value, "share"), unit="share", numerator=found.changed,
        denominator=found.answers, ci_low=low, ci_high=high,
    )  # fmt: skip
    interval = f"; {format_interval(low, high, 'share')}" if found.share else ""
    return Markup(
        "<p>Ratings count for the partner of the contact. {} of them ({} of {}{}) are of contacts that changed hands, "
        "and may be about somebody else's part.{}{}</p>"
    ).format(share, found.changed, plural(found.answers, "answer"), interval, _satisfied(review, found), _others(found))


def _satisfied(review: Review, found: HandedOn) -> str:
    values = {"kept": found.satisfied_kept, "changed": found.satisfied_changed}
    if any(isnan(value) for value in values.values()):
        return ""
    kept, changed = (
        review.note_figure(
            "customer.satisfied", value, format_value(value, "share"), unit="share", where={"hands": name}
        )
        for name, value in values.items()
    )
    return f" Satisfied (top two boxes): {kept} where a contact stayed in the same hands, {changed} where it did not."


def _others(found: HandedOn) -> str:
    if not found.other_partner:
        return ""
    return (
        f" {plural(found.other_partner, 'rating')} of these contacts {'is' if found.other_partner == 1 else 'are'} "
        "given to another partner in the survey table."
    )
