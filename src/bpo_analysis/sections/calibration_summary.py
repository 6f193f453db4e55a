"""First screen of the calibration pack: whether both sides judge alike, and what is asked of them."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis.formats import format_value, plain
from bpo_analysis.review.calibration import Agreed, agreed
from bpo_analysis.review.calibration_ratings import PASS_MARK
from bpo_analysis.review.context import Review
from bpo_analysis.sections.calibration import bias_words
from bpo_analysis.sections.calibration_before import why_no_ratings
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["calibration_summary"]


@placed()
def calibration_summary(review: Review, *, pass_mark: float = PASS_MARK) -> Section:
    """Whether one side gives more, how often the verdicts agree, and what is asked of both sides."""
    id, title = "summary", "Summary"
    why = why_no_ratings(review)
    if why:
        return missing(id, title, why)
    found = agreed(review, pass_mark=pass_mark)
    if found is None:
        return missing(id, title, f"no contact of {review.name} was rated by both sides in the last months.")
    words, clear = bias_words(found)
    lacking = [plain(item.item_id) for item in found.items if item.needs_rule]
    items = Markup("").join(Markup("<li>{}</li>").format(text) for text in _asks(review, found, lacking))
    html = Markup(
        '<div class="first-screen" id="summary"><p class="verdict {}">{}{}</p>'
        '<section class="card" aria-label="What is asked"><h2>What is asked</h2><ol class="asks">{}</ol></section>'
        "</div>"
    ).format("bad" if clear or lacking else "none", words, _verdicts(found), items)
    return Section(id, html)


def _verdicts(found: Agreed) -> str:
    if found.verdicts is None:
        return ""
    share = format_value(found.verdicts.percent_agreement, "share")
    return f" Pass or fail is the same by both sides for {share} of the contacts."


def _asks(review: Review, found: Agreed, lacking: list[str]) -> list[str]:
    asked = [f"Both sides: agree on a rule for {', '.join(lacking)}."] if lacking else []
    if found.bias_clear:
        asked.append(f"{review.name}: say where its raters see more or less than the client's, item by item.")
    if review.extract("contacts_to_draw") is not None:
        asked.append("Both sides: rate the contacts drawn below before the meeting, each alone.")
    return asked or ["Both sides: go through the contacts that lie farthest apart."]
