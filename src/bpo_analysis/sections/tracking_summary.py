"""First screens of the pages about escalations and about updates: how it stands, what changed, what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from bpo_analysis.formats import MISSING, format_value, plural
from bpo_analysis.review.context import Review
from bpo_analysis.review.escalations import escalation_speed, escalations_known, speed
from bpo_analysis.review.findings import confidence
from bpo_analysis.review.scorecard import score
from bpo_analysis.review.tracking import (
    COVERED,
    coverage_change,
    escalation_judgement,
    update_coverage,
    update_judgement,
)
from bpo_analysis.review.updates import Coverage, acknowledged, exposure, updates_known
from bpo_analysis.sections.amounts import noted_count, noted_share
from bpo_analysis.sections.escalations import NO_TABLE, open_words, speed_words
from bpo_analysis.sections.headline import headline_record
from bpo_analysis.sections.parts import available, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.sections.updates import exposed_words, titles_of

__all__ = ["escalation_summary", "update_summary"]

_ID, _TITLE = "summary", "Summary"


@placed()
def escalation_summary(review: Review) -> Section:
    """What is open and late, whether it takes longer than before, and what is asked of whom."""
    table = escalations_known(review)
    if table is None:
        return missing(_ID, _TITLE, NO_TABLE.format(end=review.period.end))
    found = escalation_speed(review) or speed(review, table)
    words, slower = speed_words(review, table, found, escalation_judgement(review))
    late = table[~table["closed"] & (table["hours"] > table["due_hours"])]
    tone = "bad" if slower or len(late) else "none" if slower is None else "good"
    asked = [_ask_for_late(late)] if len(late) else []
    if slower:
        asked.append(f"{review.name}: say what holds escalations up, and what will be done.")
    sentence = f"{open_words(review, table, named=True)}. {words}"
    return _first_screen(review, sentence, tone, asked, ("escalation_rate",))


def _ask_for_late(late: pd.DataFrame) -> str:
    """Ask for a day to each late escalation, the one that is latest for what was agreed first."""
    worst: dict[str, Any] = late.loc[(late["hours"] / late["due_hours"]).idxmax()].to_dict()
    side = text_or_missing(worst["owner_side"])
    about = ", ".join(
        [
            *([str(worst["severity"])] if text_or_missing(worst["severity"]) != MISSING else []),
            f"open for {format_value(worst['hours'], 'hours')} with {worst['due_hours']:g} h agreed",
            *([f"with the {side}"] if side != MISSING else []),
        ]
    )
    start = (
        "Close the late escalation, or set a new day for it:"
        if len(late) == 1
        else f"Close the {len(late)} late escalations, or set a new day for each; first"
    )
    return f"{start} {worst['escalation_id']} ({about})."


@placed()
def update_summary(review: Review) -> Section:
    """How many were trained on the first day, whether that changed, which contacts came before, what is asked."""
    table = updates_known(review)
    if table is None:
        return missing(_ID, _TITLE, "table updates is not in this dataset.")
    if table.empty:
        return missing(_ID, _TITLE, f"no update took effect in the 13 weeks up to {review.period.end}.")
    covered = update_coverage(review)
    words, tone = _covered_words(review, covered)
    exposed = exposed_words(review, exposure(review))
    asked = _asks_for_training(review, table, covered)
    return _first_screen(review, " ".join(filter(None, (words, exposed))), tone, asked, ("training_completion",))


def _covered_words(review: Review, covered: Coverage | None) -> tuple[str, str]:
    """How many agents knew an update on its first day, and whether fewer or more did than in the weeks before."""
    change = coverage_change(review)
    if change is None:
        if covered is None or covered.trained is None:
            return f"How many agents of {review.name} knew an update on its first day cannot be told.", "none"
        all_of_them = covered.trained
        text, between = noted_share(
            review, "updates.trained", all_of_them, numerator=all_of_them.estimate * all_of_them.total
        )
        return f"By its first day {text} ({between}) of the agents of {review.name} were trained in an update.", "none"
    (now, now_between), (was, was_between) = (
        noted_share(
            review, "updates.trained_by_stretch", share, numerator=share.estimate * share.total, where={"updates": name}
        )
        for name, share in (("of the period", change.now), ("of the weeks before", change.before))
    )
    start = (
        f"By its first day {now} ({now_between}) of the agents of {review.name} were trained in an update of "
        f"{review.period.title}; {was} ({was_between}) in one of the weeks before."
    )
    if not update_judgement(review).found(COVERED, change.label):
        return f"{start} That is no clear difference.", "none"
    more = change.difference.estimate > 0
    return f"{start} That is clearly {'more' if more else 'fewer'}.", "good" if more else "bad"


def _asks_for_training(review: Review, table: pd.DataFrame, covered: Coverage | None) -> list[str]:
    titles = titles_of(table)
    asked = []
    trained = acknowledged(review, table).get("trained")
    if trained is not None and trained.n_open:
        left = noted_count(review, "updates.trainings_open", float(trained.n_open), "trainings")
        asked.append(
            f"{review.name}: finish the {left} {'training that is' if trained.n_open == 1 else 'trainings that are'} "
            f"still open of {trained.n:,}."
        )
    if covered is not None:
        gaps = covered.table.groupby("update_id")[["trained", "roster"]].sum()
        gaps = gaps.assign(lacking=gaps["roster"] - gaps["trained"]).sort_values("lacking", kind="stable")
        if len(gaps) and gaps["lacking"].iloc[-1] > 0:
            worst = gaps.iloc[-1]
            asked.append(
                f"{review.name}: say why “{titles[str(worst.name)]}” started with {worst['trained']:.0f} of "
                f"{plural(int(worst['roster']), 'agent')} trained, the largest gap."
            )
    unasked = [
        f"“{titles[str(u)]}”" for u in table.loc[~table["ahead"], "update_id"] if covered and covered.of(u) is None
    ]
    if unasked:
        asked.append(f"Client: decide whether agents must learn what nobody was asked to: {'; '.join(unasked)}.")
    return asked


def _first_screen(review: Review, sentence: str, tone: str, asked: Sequence[str], kpis: Sequence[str]) -> Section:
    items = Markup("").join(Markup("<li>{}</li>").format(text) for text in asked)
    wanted = Markup('<ol class="asks">{}</ol>').format(items) if asked else Markup("<p>Nothing is asked of you.</p>")
    html = Markup(
        '<div class="first-screen" id="summary"><p class="verdict {}">{}</p>'
        '<section class="card" aria-label="What is asked"><h2>What is asked</h2>{}</section>'
        '<p class="confidence">{}</p></div>'
    ).format(tone, sentence, wanted, confidence(review))
    rows = [score(review, name, judged=False) for name in available(review, kpis)]
    return Section(_ID, html, {"headline": headline_record(review, rows, sentence)})
