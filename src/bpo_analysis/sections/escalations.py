"""Escalations: speed with open ones counted, levels, rate, repeats, ageing, causes, and the log with its steps."""

from __future__ import annotations

from math import isfinite

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_interval, format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import SurvivalLine, plot_survival, to_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.escalations import (
    TURNAROUND,
    Levels,
    Speed,
    ageing,
    causes,
    escalation_speed,
    escalations_known,
    levels,
    rate_per_1000,
    repeats,
    speed,
    steps_of,
    turnaround_by_severity,
    within_due,
)
from bpo_analysis.review.plan import Judgement
from bpo_analysis.review.tracking import escalation_judgement
from bpo_analysis.sections.amounts import noted_count, noted_share
from bpo_analysis.sections.durations import noted_share_within, noted_time
from bpo_analysis.sections.parts import percent, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.stats import TimeToEvent

__all__ = ["escalation_causes", "escalation_log", "escalations", "log_columns", "log_row", "speed_block"]

_LOGGED = 40
"""Escalations of the log that are shown; the rest are counted."""
_NO_TABLE = "table escalations is not in this dataset, or has no row of this partner up to {end}."


@placed()
def escalations(review: Review) -> Section:
    """Rate, turnaround with open cases counted by stretch and severity, agreed time kept, ageing."""
    id, title = "escalation", "Escalations"
    table = escalations_known(review)
    if table is None:
        return missing(id, title, _NO_TABLE.format(end=review.period.end))
    body = (
        speed_block(review, table, escalation_judgement(review)) + _severities(review, table) + _ageing(review, table)
    )
    question = "What had to be escalated, how long did it take, and what is still open?"
    return Section(id, page.section(id, title, body, question=question))


@placed(audiences=("account", "delivery"))
def escalation_causes(review: Review) -> Section:
    """Severity by level with the share at the right one, repeats, root causes, owner side."""
    id, title = "escalation-causes", "Levels, repeats and causes"
    table = escalations_known(review)
    if table is None:
        return missing(id, title, _NO_TABLE.format(end=review.period.end))
    body = _levels(review, levels(review, table)) + _repeats(review) + _causes(review, table)
    question = "Did the right level deal with it, did it come back, and what was it about?"
    return Section(id, page.section(id, title, body, question=question))


def speed_block(review: Review, table: pd.DataFrame, judged: Judgement) -> Markup:
    """Lead sentences, turnaround by stretch, and its curves; a difference is claimed where the page's plan finds it."""
    found = escalation_speed(review) or speed(review, table)
    lead = _lead(review, table, found, judged)
    return lead + _counts(review, table) + _stretches(review, table, found) + _curves(review, found)


def _words(review: Review, stretch: str) -> str:
    return {"period": review.period.title, "before": review.before_title, "earlier": review.earlier_title}[stretch]


def _lead(review: Review, table: pd.DataFrame, found: Speed, judged: Judgement) -> Markup:
    """How long it takes now and took before, and whether that is clearly different."""
    now = found.results.get("period")
    if now is None:
        few = int((table["stretch"] == "period").sum())
        return Markup("<p>{} opened {}: too few to say how long they take.</p>").format(
            plural(few, "escalation was", "escalations were"), review.period.when
        )
    text, between = noted_time(review, "escalations.turnaround", now, where={"opened": _words(review, "period")})
    clear, other = [], []
    for stretch in found.comparisons:
        was, was_between = noted_time(
            review, "escalations.turnaround", found.results[stretch], where={"opened": _words(review, stretch)}
        )
        took = f"in {_words(review, stretch)} ({was}, {was_between})"
        if judged.found(TURNAROUND, found.label(stretch)):
            clear.append((found.slower(stretch), took))
        else:
            other.append(took)
    start = f"Escalations opened {review.period.when} take {text} in the median ({between})"
    if not clear:
        tail = f"; no clear difference was found{_reach(found)}" if _tested(found, judged) else ""
        beside = f", beside {' and '.join(other)}" if other else ""
        return Markup("<p>{}{}{}.</p>").format(start, beside, tail)
    parts = [f"clearly {'slower' if slower else 'faster'} than {took}" for slower, took in clear]
    tested = " Log-rank tests with open cases counted, judged together."
    return page.note(f"{start}: {' and '.join(parts)}.{tested}", "concern" if any(s for s, _ in clear) else "good")


def _tested(found: Speed, judged: Judgement) -> bool:
    """Whether the page's plan holds these tests; where it does not, the page describes and claims nothing."""
    return bool(found.comparisons) and TURNAROUND in set(judged.table["family"])


def _reach(found: Speed) -> str:
    """Difference that would have been found."""
    reach = max((c.restricted_mean_detectable for c in found.comparisons.values()), default=float("nan"))
    return f"; one of {format_value(reach, 'hours')} in the mean would have been" if isfinite(reach) else ""


def _counts(review: Review, table: pd.DataFrame) -> Markup:
    opened = table["stretch"] == "period"
    closed = table["closed_at"] >= pd.Timestamp(review.period.start)
    still = ~table["closed"]
    late = still & (table["hours"] > table["due_hours"])
    rate = rate_per_1000(review, table)
    before = rate_per_1000(review, table, "before")
    rates = ""
    if rate is not None:
        text = review.note_figure(
            "escalations.per_1000", rate.estimate, format_value(rate.estimate, "per_1000"), unit="per 1,000 handled",
            numerator=float(opened.sum()), denominator=1000 * rate.total, ci_low=rate.ci_low, ci_high=rate.ci_high,
        )  # fmt: skip
        rates = f" That is {text} contacts handled ({format_interval(rate.ci_low, rate.ci_high, 'per_1000')})"
        if before is not None:
            was = review.note_figure(
                "escalations.per_1000", before.estimate, format_value(before.estimate, "per_1000"),
                unit="per 1,000 handled", ci_low=before.ci_low, ci_high=before.ci_high,
                start=review.before()[0], end=review.before()[1],
            )  # fmt: skip
            rates += f", {was} in {review.before_title}"
        rates += "."
    return Markup("<p>{} opened, {} closed; {} open on {}, {} of them past the agreed time.{}</p>").format(
        noted_count(review, "escalations.opened", float(opened.sum()), "escalations"),
        noted_count(review, "escalations.closed", float(closed.sum()), "escalations"),
        noted_count(review, "escalations.open", float(still.sum()), "escalations"),
        review.period.end,
        noted_count(review, "escalations.overdue", float(late.sum()), "escalations"),
        rates,
    )


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
    caption = "Turnaround by when opened, open cases counted for as long as they have been open (Kaplan-Meier)"
    return page.table(_time_columns(review, "Opened in"), rows, caption=caption, classes="stack")


def _curves(review: Review, found: Speed) -> Markup:
    if "period" not in found.results:
        return Markup("")
    lines = [SurvivalLine(f"{_short(review, s)} ({r.n})", r) for s, r in found.results.items()]
    longest = max(r.p90 if isfinite(r.p90) else float(r.table["time"].iloc[-1]) for r in found.results.values())
    drawn = {
        phone: to_svg(plot_survival(lines, x_label="hours since opened", longest=longest, phone=phone))
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
            if before.empty or hours > result.table["time"].iloc[-1]:
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
    caption = f"Turnaround by severity, opened {review.before()[0]} to {review.period.end}"
    return page.table(_time_columns(review, "Severity"), rows, caption=caption, classes="stack")


def _ageing(review: Review, table: pd.DataFrame) -> Markup:
    ages = ageing(review, table)
    total = int(ages["open"].sum())
    if total == 0:
        return Markup("<p>None is open on {}.</p>").format(review.period.end)
    columns = [Column("Age"), Column("Open", "right"), Column("Past the agreed time", "right"), Column("")]
    rows = []
    for row in ages.to_dict("records"):
        tone = "concern" if row["overdue"] else "neutral"
        opened = noted_count(review, "escalations.open", row["open"], "escalations", {"age": row["age"]})
        rows.append([str(row["age"]), opened, str(row["overdue"]), page.bar(row["open"] / total, tone=tone)])
    return page.table(columns, rows, caption=f"Open on {review.period.end} by age")


def _levels(review: Review, found: Levels | None) -> Markup:
    if found is None:
        return page.note("Levels: not shown, no escalation of the period has both severity and level.")
    if not found.expected:
        lead = page.note(
            "Right level: not shown, table contacts names no level for a severity. With it the share at the agreed "
            "level is counted."
        )
    elif found.right is None:
        lead = page.note("Right level: not shown, table contacts names no level for the severities of this period.")
    else:
        text, between = noted_share(
            review, "escalations.right_level", found.right, numerator=found.right.estimate * found.right.total
        )
        in_time = ""
        if found.right_in_time is not None:
            share, limits = noted_share(
                review, "escalations.right_level_in_time", found.right_in_time,
                numerator=found.right_in_time.estimate * found.right_in_time.total,
            )  # fmt: skip
            in_time = f" At the right level and within the agreed time: {share} ({limits}) of those decided by now."
        lead = Markup("<p>At the level agreed for their severity: {} ({}) of {}.{}</p>").format(
            text, between, plural(int(found.right.total), "escalation"), in_time
        )
    names = [str(level) for level in found.matrix.columns]
    columns = [Column("Severity"), *(Column(f"Level {name}", "right") for name in names)]
    rows: list[list[str | Markup | Cell]] = []
    for severity, counts in found.matrix.iterrows():
        agreed = found.expected.get(str(severity), frozenset())
        cells = [
            Markup("<strong>{}</strong>").format(int(counts[name])) if name in agreed else str(int(counts[name]))
            for name in found.matrix.columns
        ]
        rows.append([str(severity), *cells])
    bold = "; agreed levels in bold" if found.right is not None else ""
    return lead + page.table(columns, rows, caption=f"Severity by level, opened {review.period.when}{bold}")


def _repeats(review: Review) -> Markup:
    found = repeats(review)
    if found is None:
        reason = (
            review.dataset.why_no_extract("escalation_repeats")
            if review.extract("escalation_repeats") is None
            else f"no escalation opened {review.period.when} names its contact"
        )
        return page.note(f"Repeat escalations: not shown, {reason}.")
    count = len(found.rows)
    text, between = noted_share(review, "escalations.repeat", found.share, numerator=float(count))
    same = f", {found.same_category} of them about the same matter" if count else ""
    lead = Markup("<p>Repeats: {} ({}) came within 30 days of another of the same customer or contact: {} of {}{}.</p>")
    body = lead.format(text, between, count, int(found.share.total), same)
    if count:
        columns = [Column("Escalation"), Column("Repeats"), Column("Days after", "right"), Column("Same matter")]
        rows = [
            [
                str(r["escalation_id"]),
                str(r["repeat_of"]),
                f"{r['gap_days']:.1f}",
                "yes" if r["same_category"] else "no",
            ]
            for r in found.rows.to_dict("records")
        ]
        body += page.details("Repeat escalations", page.table(columns, rows, caption="Repeats of the period"))
    return body


def _causes(review: Review, table: pd.DataFrame) -> Markup:
    parts = [("root_cause", "Root cause"), ("owner_side", "Owner side"), ("category", "Category")]
    body = Markup("")
    for column, word in parts:
        if table[column].isna().all():
            continue
        found = causes(table, column)
        if found.empty:
            continue
        shown = _cause_table(review, found, word)
        body += page.details(f"Escalations by {word.lower()}", shown) if column == "category" else shown
    return body


def _cause_table(review: Review, found: pd.DataFrame, word: str) -> Markup:
    columns = [
        Column(word),
        Column("Opened", "right"),
        Column("Share", "right"),
        Column("Added up", "right"),
        Column("Share before", "right", review.before_title),
        Column("Open", "right"),
        Column(""),
    ]
    rows = []
    for row in found.to_dict("records"):
        count = noted_count(review, "escalations.by_" + word.lower().replace(" ", "_"), row["count"], "escalations",
                            {"value": row["value"]})  # fmt: skip
        rows.append(
            [
                plain(row["value"]),
                count,
                format_value(row["share"], "share"),
                format_value(row["cumulative"], "share"),
                format_value(row["before_share"], "share"),
                str(row["open"]),
                page.bar(row["share"]),
            ]
        )
    return page.table(
        columns, rows, caption=f"{word} of escalations opened {review.period.when}, most first", classes="stack"
    )


@placed(audiences=("account", "delivery"))
def escalation_log(review: Review) -> Section:
    """Every escalation opened in the period or open at its end, with its steps folded."""
    id, title = "escalation-log", "Escalation log"
    table = escalations_known(review)
    if table is None:
        return missing(id, title, _NO_TABLE.format(end=review.period.end))
    shown = table[(table["stretch"] == "period") | ~table["closed"]]
    if shown.empty:
        text = f"No escalation was opened {review.period.when}, and none is open on {review.period.end}."
        return Section(id, page.section(id, title, Markup("<p>{}</p>").format(text)))
    # Open ones first, oldest first: what has to be dealt with stands on top.
    shown = (
        shown.assign(_closed=shown["closed"])
        .sort_values(["_closed", "opened_at"], kind="stable")
        .drop(columns="_closed")
    )
    listed = shown.head(_LOGGED)
    steps = steps_of(review, [str(name) for name in listed["escalation_id"]])
    more = f", {len(shown) - _LOGGED} more not shown" if len(shown) > _LOGGED else ""
    caption = f"Opened {review.period.when} or open on {review.period.end}, open ones first{more}"
    rows = [log_row(row) for row in listed.to_dict("records")]
    body = page.table(log_columns(), rows, caption=caption, classes="stack")
    body += _timelines(review, listed, steps)
    question = "What happened to each, step by step?"
    return Section(id, page.section(id, title, body, question=question))


def log_columns() -> list[Column]:
    """Columns of a list of escalations."""
    return [
        Column("Escalation"),
        Column("Opened"),
        Column("Severity", note="and level"),
        Column("About", note="and cause"),
        Column("Owner"),
        Column("Took", "right", "or open for"),
        Column("Agreed", "right"),
        Column("State"),
    ]


def log_row(row: dict[str, object]) -> list[str | Markup | Cell]:
    """One escalation, as :func:`log_columns` has it."""
    hours = float(str(row["hours"]))
    due = row["due_hours"]
    agreed = MISSING if due is None or pd.isna(due) else f"{float(str(due)):g} h"
    late = agreed != MISSING and hours > float(str(due))
    state = "closed" if row["closed"] else "open"
    return [
        str(row["escalation_id"]),
        f"{pd.Timestamp(str(row['opened_at'])):%Y-%m-%d %H:%M}",
        f"{text_or_missing(row['severity'])}, level {text_or_missing(row['level'])}",
        f"{plain(text_or_missing(row['category']))}: {plain(text_or_missing(row['root_cause']))}",
        text_or_missing(row["owner_side"]),
        Cell(format_value(hours, "hours"), sort=hours),
        agreed,
        state + (", late" if late else ""),
    ]


def _timelines(review: Review, listed: pd.DataFrame, steps: dict[str, pd.DataFrame]) -> Markup:
    if review.register("escalation_steps") is None:
        return page.note("Steps: not shown, table escalation_steps is not in this dataset.")
    opened = listed.set_index("escalation_id")["opened_at"]
    items = []
    for name, rows in steps.items():
        lines = Markup("").join(
            Markup("<li>{:%Y-%m-%d %H:%M} ({} after opening), {}: {}</li>").format(
                row["at"],
                format_value((row["at"] - opened[name]).total_seconds() / 3600, "hours"),
                text_or_missing(row["by"]),
                text_or_missing(row["step"]),
            )
            for row in rows.to_dict("records")
        )
        items.append(page.details(f"{name}: {plural(len(rows), 'step')}", Markup("<ol>{}</ol>").format(lines)))
    without = len(listed) - len(steps)
    note = f"No step is on record for {without} of {len(listed)}." if without else ""
    return Markup("").join(items) + (Markup('<p class="muted">{}</p>').format(note) if note else Markup(""))
