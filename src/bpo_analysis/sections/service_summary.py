"""Received, answered, escalated, handle time, queue time: the first screen of a summary, by channel and by queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Measure, Review
from bpo_analysis.review.findings import confidence
from bpo_analysis.review.hours import SlicedValue, note_slice, queue_rows, sliced, usual_range
from bpo_analysis.review.scorecard import ScoreRow, score
from bpo_analysis.review.windows import BASELINE_WEEKS, weeks_of_history
from bpo_analysis.sections.headline import headline_record
from bpo_analysis.sections.parts import available, kpi_table, percent, why_absent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["COLUMNS", "HEADS", "JUDGED", "baseline_note", "service_by_channel", "service_summary"]

_FIRST = ("offered", "answered", "escalated", "abandonment_rate", "aht_s", "asa_s", "service_level", "forecast_bias")
COLUMNS = ("offered", "answered", "escalated", "abandonment_rate", "aht_s", "asa_s", "service_level")
HEADS = {
    "offered": "Received",
    "answered": "Answered",
    "escalated": "Escalated",
    "abandonment_rate": "Abandoned",
    "aht_s": "Handle time",
    "asa_s": "Queue time",
    "service_level": "In time",
}
JUDGED = ("service_level", "sla_attainment")


def baseline_note(review: Review) -> Markup:
    """Say that there is too little history for control limits; nothing where there is enough."""
    weeks = weeks_of_history(review)
    if review.dataset.grain == "month" or weeks >= BASELINE_WEEKS:
        return Markup("")
    days = len(review.daily("offered").loc[: str(review.period.end)])
    return page.note(
        f"Baseline forming: {plural(days, 'day')} with data so far, in {plural(weeks, 'week')}. Control limits need "
        f"{BASELINE_WEEKS} weeks before the one they judge; until then intervals are wide and changes cannot be told.",
        "warning",
    )


@placed()
def service_summary(review: Review) -> Section:
    """First screen of a summary: one sentence, the exact columns, what is usual, how far the numbers can be trusted."""
    id, title = "summary", "Summary"
    shown = available(review, _FIRST)
    if not shown:
        return missing(id, title, why_absent(review, _FIRST))
    sentence = _sentence(review)
    rows = [score(review, name, judged=False) for name in shown]
    html = Markup(
        '<div class="first-screen" id="summary"><p class="verdict {tone}">{sentence}</p>{baseline}{table}{usual}'
        '<p class="confidence">{confidence}</p></div>'
    ).format(
        tone=_tone(rows),
        sentence=sentence,
        baseline=baseline_note(review),
        table=kpi_table(
            review, shown, caption=f"{review.name}, {review.period.title}: received, answered, escalated", judged=False
        ),
        usual=_usual(review),
        confidence=confidence(review),
    )
    return Section(id, html, {"headline": headline_record(review, rows, sentence)})


def _sentence(review: Review) -> str:
    """Say what came, what was answered, and how long customers waited."""
    found = {name: review.measure(name) for name in _FIRST if name in review.rows}
    parts = [f"received {_count(found, 'offered')}"]
    if found.get("answered"):
        parts.append(f"answered {_count(found, 'answered')}")
    if found.get("escalated"):
        parts.append(f"escalated {_count(found, 'escalated')}")
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    waits = [
        f"{label} {m.text}"
        for name, label in (("asa_s", "mean wait"), ("aht_s", "mean handle time"))
        if (m := found.get(name))
    ]
    more = f" {waits[0][0].upper()}{waits[0][1:]}{''.join(f', {w}' for w in waits[1:])}." if waits else ""
    return f"{review.name} {listed} {review.period.when}.{more}{_in_time(review)}"


def _count(found: Mapping[str, Measure | None], name: str) -> str:
    measure = found.get(name)
    if measure is None:
        return "an unknown number of contacts"
    return plural(int(measure.value), "contact") if name == "offered" else measure.text


def _in_time(review: Review) -> str:
    name = next(iter(available(review, JUDGED)), None)
    if name is None:
        return ""
    row = score(review, name, judged=False)
    if row.contract not in ("met", "missed") or row.measure is None:
        return ""
    sure = "" if row.evidence.startswith("clearly") else ", though not beyond doubt"
    return f" {row.kpi.label} {row.measure.text}, target {row.target_text}: {row.contract}{sure}."


def _tone(rows: Sequence[ScoreRow]) -> str:
    states = {row.contract for row in rows}
    return "bad" if "missed" in states else "good" if "met" in states else "none"


def _usual(review: Review) -> Markup:
    found = usual_range(review)
    now = review.measure("offered")
    if found is None or now is None:
        return Markup("")
    words, values = found
    low, high = (
        review.note_figure(f"usual.offered_{end}", value, format_value(value, "count"), unit="contacts")
        for end, value in (("least", min(values)), ("most", max(values)))
    )
    where = "below" if now.value < min(values) else "above" if now.value > max(values) else "within"
    return Markup("<p>{} contacts received: {} the {} to {} of {}.</p>").format(now.text, where, low, high, words)


@placed()
def service_by_channel(review: Review) -> Section:
    """The exact columns by channel and, where the data name queues, by queue."""
    id, title = "channels", "By channel and queue"
    names = available(review, COLUMNS)
    if not names:
        return missing(id, title, why_absent(review, COLUMNS))
    channels = review.slices("offered", "channel")
    if channels:
        lines = [(plain(name), {"channel": name}) for name in channels]
        body = _channel_table(review, names, [*lines, ("all channels", {})])
    else:
        body = _channel_table(review, names, [("all contacts", {})]) + page.note("The rows name no channels.")
    return Section(id, page.section(id, title, body + _queues(review, names), question="Where did contacts come in?"))


def _channel_table(review: Review, names: Sequence[str], lines: Sequence[tuple[str, dict[str, str]]]) -> Markup:
    rows: list[list[str | Markup | Cell]] = []
    for label, where in lines:
        found = [review.measure(name, where=where) for name in names]
        rows.append([label, *(_value_cell(measure) for measure in found)])
    columns = [Column("Channel"), *(Column(HEADS[name], "right", _note(review, name)) for name in names)]
    caption = f"By channel, {review.period.title}; below a value its {percent(review.confidence_level)} interval"
    return page.table(columns, rows, caption=caption, classes="stack")


def _note(review: Review, name: str) -> str:
    return {
        "aht_s": "mean",
        "asa_s": "mean, answered",
        "service_level": review.kpis[name].variant.replace("_", " "),
    }.get(name, "")


def _value_cell(measure: Measure | None) -> Cell:
    if measure is None:
        return Cell(MISSING)
    if not measure.interval_text:
        return Cell(measure.text, sort=measure.value)
    text = Markup('{} <span class="interval">{}</span>').format(measure.text, measure.interval_text)
    return Cell(text, sort=measure.value)


def _queues(review: Review, names: Sequence[str]) -> Markup:
    found = queue_rows(review)
    if found is None:
        return page.note("By queue: not shown, neither table volume nor table interactions names queues.")
    order = found.table.groupby("queue")["n_offered"].sum().sort_values(ascending=False).index
    rows: list[list[str | Markup | Cell]] = []
    for queue in order:
        part = found.table[found.table["queue"] == queue]
        values = [sliced(review, part, name) for name in names]
        rows.append([plain(str(queue)), *(_noted(review, value, {"queue": str(queue)}) for value in values)])
    columns = [Column("Queue"), *(Column(HEADS[name], "right") for name in names)]
    return page.table(columns, rows, caption=f"By queue, {review.period.title}, from {found.origin}", classes="stack")


def _noted(review: Review, value: SlicedValue | None, where: Mapping[str, str]) -> str:
    return MISSING if value is None else note_slice(review, value, where)
