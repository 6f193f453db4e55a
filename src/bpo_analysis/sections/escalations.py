"""Escalations: how many, how long they take with open ones counted, and how old those are that are open."""

from __future__ import annotations

from math import isfinite

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value, of_them, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import SurvivalLine, survival_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.escalations import (
    TURNAROUND,
    Speed,
    ageing,
    escalation_speed,
    escalations_known,
    speed,
    turnaround_by_severity,
    within_due,
)
from bpo_analysis.review.plan import Judgement
from bpo_analysis.review.tracking import escalation_judgement
from bpo_analysis.sections.amounts import noted_count
from bpo_analysis.sections.durations import NOT_REACHED, noted_share_within, noted_time
from bpo_analysis.sections.parts import available, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.stats import TimeToEvent

__all__ = ["NO_TABLE", "escalations", "open_words", "speed_block", "speed_words"]

NO_TABLE = "table escalations is not in this dataset, or has no row of this partner up to {end}."


@placed()
def escalations(review: Review) -> Section:
    """Rate, turnaround with open cases counted by stretch and severity, agreed time kept, ageing."""
    id, title = "escalation", "Escalations"
    table = escalations_known(review)
    if table is None:
        return missing(id, title, NO_TABLE.format(end=review.period.end))
    body = (
        speed_block(review, table, escalation_judgement(review)) + _severities(review, table) + _ageing(review, table)
    )
    question = "What had to be escalated, how long did it take, and what is still open?"
    return Section(id, page.section(id, title, body, question=question))


def speed_block(review: Review, table: pd.DataFrame, judged: Judgement) -> Markup:
    """Lead sentences, turnaround by stretch, and its curves; a difference is claimed where the page's plan finds it."""
    found = escalation_speed(review) or speed(review, table)
    lead = _lead(review, table, found, judged)
    return lead + _counts(review, table) + _stretches(review, table, found) + _curves(review, found)


def _words(review: Review, stretch: str) -> str:
    return {"period": review.period.title, "before": review.before_title, "earlier": review.earlier_title}[stretch]


def _lead(review: Review, table: pd.DataFrame, found: Speed, judged: Judgement) -> Markup:
    sentence, slower = speed_words(review, table, found, judged)
    if slower is None:
        return Markup("<p>{}</p>").format(sentence)
    return page.note(sentence, "concern" if slower else "good")


def speed_words(review: Review, table: pd.DataFrame, found: Speed, judged: Judgement) -> tuple[str, bool | None]:
    """Say how long it takes now and took before, and whether that is clearly slower; None where it is not clear."""
    now = found.results.get("period")
    if now is None:
        few = int((table["stretch"] == "period").sum())
        opened = "No escalation was" if few == 0 else plural(few, "escalation was", "escalations were")
        return f"{opened} opened {review.period.when}: too few to say how long they take.", None
    text, between = noted_time(review, "escalations.turnaround", now, where={"opened": _words(review, "period")})
    clear, other = [], []
    for stretch in found.comparisons:
        was, was_between = noted_time(
            review, "escalations.turnaround", found.results[stretch], where={"opened": _words(review, stretch)}
        )
        if judged.found(TURNAROUND, found.label(stretch)):
            clear.append((found.slower(stretch), f"in {_words(review, stretch)} ({was}, {was_between})"))
        else:
            other.append(f"in {_words(review, stretch)} {was} ({was_between})")
    if text == NOT_REACHED:
        start = f"More than half of the escalations opened {review.period.when} are still open"
    else:
        start = f"Half of the escalations opened {review.period.when} were closed within {text} ({between})"
    if not clear:
        beside = f"; {', '.join(other)}" if other else ""
        tail = f" No clear difference was found{_reach(found)}." if _tested(found, judged) else ""
        return f"{start}{beside}.{tail}", None
    parts = [f"clearly {'slower' if slower else 'faster'} than {took}" for slower, took in clear]
    return f"{start}: {' and '.join(parts)}.", any(slower for slower, _ in clear)


def _tested(found: Speed, judged: Judgement) -> bool:
    """Whether the page's plan holds these tests; where it does not, the page describes and claims nothing."""
    return bool(found.comparisons) and TURNAROUND in set(judged.table["family"])


def _reach(found: Speed) -> str:
    """Difference that would have been found."""
    reach = max((c.restricted_mean_detectable for c in found.comparisons.values()), default=float("nan"))
    return f"; one of {format_value(reach, 'hours')} on average would have been" if isfinite(reach) else ""


def _counts(review: Review, table: pd.DataFrame) -> Markup:
    opened = table["stretch"] == "period"
    closed = table["closed_at"] >= pd.Timestamp(review.period.start)
    return Markup("<p>{} opened, {} closed; {}.{}</p>").format(
        noted_count(review, "escalations.opened", float(opened.sum()), "escalations"),
        noted_count(review, "escalations.closed", float(closed.sum()), "escalations"),
        open_words(review, table),
        _rate(review, int(opened.sum())),
    )


def open_words(review: Review, table: pd.DataFrame, *, named: bool = False) -> str:
    """Say how many are open at the end of the period, and how many of them longer than agreed.

    With ``named`` the words make a sentence of their own, which says of what and whose.
    """
    still = table[~table["closed"]]
    one = len(still) == 1
    text = noted_count(review, "escalations.open", float(len(still)), "escalations")
    whose = f" {'escalation' if one or still.empty else 'escalations'} of {review.name}" if named else ""
    if still.empty:
        return f"{f'No{whose}' if named else 'none'} is open on {review.period.end}"
    start = f"{text}{whose} {'is' if one else 'are'} open on {review.period.end}"
    if still["due_hours"].isna().all():
        return start
    late = int((still["hours"] > still["due_hours"]).sum())
    noted_count(review, "escalations.overdue", float(late), "escalations")
    return f"{start}, {of_them(late, len(still), 'past the agreed time')}"


def _rate(review: Review, opened: int) -> str:
    """The KPI, so that a rate and its interval are the same on every page; the register may count otherwise."""
    if not available(review, ("escalation_rate",)):
        return ""
    start, end = review.before()
    now, before = review.measure("escalation_rate"), review.measure("escalation_rate", start=start, end=end)
    if now is None:
        return ""
    between = f" ({now.interval_text})" if now.interval_text else ""
    was = f", {before.text} in {review.before_title}" if before else ""
    other = (
        ""
        if now.numerator == opened
        else f" Table volume counts {now.numerator:,.0f} contacts escalated, the register has {opened:,} opened."
    )
    return f" That is {now.text} contacts handled{between}{was}.{other}"


def _time_columns(review: Review, first: str) -> list[Column]:
    level = f"{percent(review.confidence_level)} interval"
    return [
        Column(first),
        Column("Median", "right", level),
        Column("90 % within", "right", level),
        Column("In agreed time", "right", level),
        Column("Cases", "right"),
        Column("Open", "right"),
    ]


def _time_row(
    review: Review, label: str, found: TimeToEvent, kept: TimeToEvent | None, where: dict[str, str]
) -> list[str | Markup | Cell]:
    median = noted_time(review, "escalations.turnaround", found, where=where)
    p90 = noted_time(review, "escalations.turnaround", found, "p90", where=where)
    share = noted_share_within(review, "escalations.in_time", kept, where=where)
    return [label, *(_stacked(*pair) for pair in (median, p90, share)), str(found.n), str(found.n_open)]


def _stacked(text: str, between: str) -> Markup | str:
    return text if between == MISSING else Markup('{} <span class="interval">{}</span>').format(text, between)


def _stretches(review: Review, table: pd.DataFrame, found: Speed) -> Markup:
    rows = [
        _time_row(review, _words(review, s), result, within_due(review, table, s), {"opened": _words(review, s)})
        for s, result in found.results.items()
    ]
    if not rows:
        return Markup("")
    caption = "Time to close by when opened; open ones count for as long as they have been open (Kaplan-Meier)"
    return page.table(_time_columns(review, "Opened in"), rows, caption=caption, classes="stack")


def _curves(review: Review, found: Speed) -> Markup:
    if "period" not in found.results:
        return Markup("")
    lines = [SurvivalLine(f"{_short(review, s)} ({r.n})", r) for s, r in found.results.items()]
    longest = max(r.p90 if isfinite(r.p90) else float(r.table["time"].iloc[-1]) for r in found.results.values())
    drawn = {
        phone: survival_svg(lines, x_label="hours since opened", longest=longest, phone=phone)
        for phone in (False, True)
    }
    medians = ", ".join(
        f"{_words(review, s)} {format_value(r.median, 'hours') if isfinite(r.median) else 'not reached'}"
        for s, r in found.results.items()
    )
    title = f"Share of escalations still open by hours since opened; medians: {medians}"
    alt = f"{title}. Kaplan-Meier curves with open cases counted, the band is that of {review.period.title}."
    columns = [Column("Opened in"), Column("Hours", "right"), Column("Still open", "right"), Column("At risk", "right")]
    rows = []
    for stretch, result in found.results.items():
        for hours in (24, 48, 72, 120, 168, 336):
            before = result.table[result.table["time"] <= hours]
            # At the longest time nobody is left at risk beyond it.
            if before.empty or hours >= result.table["time"].iloc[-1]:
                continue
            last = before.iloc[-1]
            at_risk = int((result.table["at_risk"][result.table["time"] > hours]).max())
            rows.append([_words(review, stretch), str(hours), format_value(last["open_share"], "share"), str(at_risk)])
    data = page.table(columns, rows, caption="Share still open after so many hours")
    return page.figure(drawn[False], title=title, alt=alt, data=data, id="fig-escalations", narrow=drawn[True])


def _short(review: Review, stretch: str) -> str:
    """Name of a line, short enough to stand at its end."""
    first, last = {
        "period": (review.period.start, review.period.end),
        "before": review.before(),
        "earlier": review.earlier(),
    }[stretch]
    if review.period.grain in ("day", "week"):
        return f"{first:%d %b}" if first == last else f"{first:%d %b} to {last:%d %b}"
    return f"{first:%b %Y}" if (first.year, first.month) == (last.year, last.month) else f"{first:%b} to {last:%b %y}"


def _severities(review: Review, table: pd.DataFrame) -> Markup:
    found = turnaround_by_severity(review, table)
    rows: list[list[str | Markup | Cell]] = []
    for severity, result in found.items():
        if isinstance(result, int):
            rows.append([severity, "fewer than 5", MISSING, MISSING, str(result), MISSING])
            continue
        due = f" (agreed {result.limit:g} h)" if isfinite(result.limit) else ""
        rows.append(_time_row(review, severity + due, result, result, {"severity": severity}))
    caption = f"Time to close by severity, opened {review.before()[0]} to {review.period.end}"
    return page.table(_time_columns(review, "Severity"), rows, caption=caption, classes="stack")


def _ageing(review: Review, table: pd.DataFrame) -> Markup:
    ages = ageing(review, table)
    total = int(ages["open"].sum())
    if total == 0:
        return Markup("<p>None is open on {}.</p>").format(review.period.end)
    columns = [Column("Age"), Column("Open", "right"), Column("Past the agreed time", "right")]
    rows = []
    for row in ages.to_dict("records"):
        tone = "concern" if row["overdue"] else "neutral"
        opened = noted_count(review, "escalations.open", row["open"], "escalations", {"age": row["age"]})
        rows.append([str(row["age"]), page.with_bar(opened, row["open"] / total, tone=tone), str(row["overdue"])])
    return page.table(columns, rows, caption=f"Open on {review.period.end} by age")
