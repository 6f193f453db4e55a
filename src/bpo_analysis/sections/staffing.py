"""Agents that the contacts needed by hour and channel, and whether schedules and deliveries fit."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.staffing import ChannelLoad, ScheduleFit, schedule_fit, staffing_load
from bpo_analysis.sections.parts import percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["staffing"]

_METHOD = (
    "Agents for an answer in time: Erlang C (package pyworkforce) for the contacts that came in each hour at the handle"
    " time of the period; nobody hangs up, one contact at a time. Agents who answer several channels or several chats "
    "at once can do with fewer; shrinkage comes on top. This is arithmetic on what came, not an estimate of a loss."
)


@placed(audiences=("account", "delivery"))
def staffing(review: Review) -> Section:
    """Required agents by channel and hour from offered and AHT, and the fit of schedules, day by day."""
    id, title = "staffing", "Staffing"
    loads, fits = staffing_load(review), schedule_fit(review)
    if loads is None and not fits:
        reasons = {
            review.dataset.why_no_extract(name) for name in ("hourly_load", "staffing_days") if not _there(review, name)
        }
        text = "; ".join(sorted(reasons)) if reasons else f"{review.name} has no rows for it {review.period.when}"
        return missing(id, title, text + ".")
    body = _fits(review, fits) if fits else _no_fit(review)
    body += _loads(review, loads) if loads is not None else _no_load(review)
    question = "How many agents did the contacts need, and were they there when they were needed?"
    return Section(id, page.section(id, title, body, question=question))


def _there(review: Review, name: str) -> bool:
    return review.extract(name) is not None


def _no_fit(review: Review) -> Markup:
    reason = (
        f"no forecast of {review.period.title} gives required time"
        if _there(review, "staffing_days")
        else review.dataset.why_no_extract("staffing_days")
    )
    return page.note(f"Schedule fit: not shown, {reason}.")


def _no_load(review: Review) -> Markup:
    reason = (
        f"no contact was handled {review.period.when}"
        if _there(review, "hourly_load")
        else review.dataset.why_no_extract("hourly_load")
    )
    return page.note(f"Required agents by hour: not shown, {reason}.")


def _fits(review: Review, fits: list[ScheduleFit]) -> Markup:
    columns = [
        Column("What is compared"),
        Column("Fit", "right", "met of needed, day by day"),
        Column("Total", "right", "there of needed"),
        Column("Needed", "right"),
        Column("There", "right"),
        Column("Days short", "right"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for fit in fits:
        where = {"basis": fit.basis}
        text = review.note_figure(
            "staffing.schedule_fit", fit.fit, format_value(fit.fit, "share"), unit="share",
            numerator=fit.met_hours, denominator=fit.needed_hours, where=where,
        )  # fmt: skip
        total = review.note_figure(
            "staffing.delivered_total", fit.total, format_value(fit.total, "share"), unit="share",
            numerator=fit.there_hours, denominator=fit.needed_hours, where=where,
        )  # fmt: skip
        rows.append(
            [
                fit.basis[0].upper() + fit.basis[1:],
                Cell(text, sort=fit.fit),
                total,
                format_value(fit.needed_hours, "hours"),
                format_value(fit.there_hours, "hours"),
                f"{fit.short_days} of {fit.days}",
            ]
        )
    worst = min(fits, key=lambda fit: fit.fit)
    lead = Markup("<p>{} of the time needed was there on the day it was needed, at the least ({}).</p>").format(
        format_value(worst.fit, "share"), worst.basis
    )
    caption = "Schedule fit: the smaller of both, day by day and channel by channel, over what was needed"
    return lead + page.table(columns, rows, caption=caption, classes="stack")


def _loads(review: Review, loads: list[ChannelLoad]) -> Markup:
    columns = [
        Column("Channel"),
        Column("Offered", "right"),
        Column("AHT", "right"),
        Column("Work", "right", "contacts times AHT"),
        Column("Required", "right", "for an answer in time"),
        Column("Agents at most", "right", "in one hour"),
        Column("Rule"),
    ]
    rows = [_load_row(review, load) for load in loads]
    table = page.table(columns, rows, caption=f"What the contacts needed {review.period.when}", classes="stack")
    hours = Markup("").join(_hours(review, load) for load in loads if load.required_hours is not None)
    method = Markup('<p class="muted">{}</p>').format(_METHOD)
    return table + (page.details("Agents needed by hour of the day", hours + method) if hours else method)


def _load_row(review: Review, load: ChannelLoad) -> list[str | Markup | Cell]:
    where = {"channel": load.channel}
    work = review.note_figure(
        "staffing.work", load.workload_hours, format_value(load.workload_hours, "hours"), unit="hours", where=where
    )
    review.note_figure("staffing.aht", load.aht_s, format_value(load.aht_s, "seconds"), unit="seconds", where=where)
    offered = review.note_figure(
        "staffing.offered", load.offered, format_value(load.offered, "count"), unit="contacts", where=where
    )
    cells: list[str | Markup | Cell] = [load.channel, offered, format_value(load.aht_s, "seconds"), work]
    if load.required_hours is None or load.threshold_s is None or load.service_level is None:
        return [*cells, MISSING, MISSING, "can wait: no threshold"]
    required = review.note_figure(
        "staffing.required", load.required_hours, format_value(load.required_hours, "hours"), unit="hours", where=where
    )
    most = int(load.by_hour["most"].max())
    rule = f"{percent(load.service_level)} in {load.threshold_s:g} s"
    return [*cells, Cell(required, sort=load.required_hours), str(most), rule]


def _hours(review: Review, load: ChannelLoad) -> Markup:
    columns = [
        Column("Hour"),
        Column("Contacts a day", "right"),
        Column("Agents needed", "right", "mean of a day"),
        Column("At most", "right"),
    ]
    table = load.by_hour
    top = max(float(table["most"].max()), 1.0)
    rows: list[list[str | Markup | Cell]] = []
    for row in table.to_dict("records"):
        hour = int(row["hour"])
        where = {"channel": load.channel, "hour": f"{hour:02d}"}
        mean = review.note_figure(
            "staffing.agents_needed", row["mean"], f"{row['mean']:.1f}", unit="agents", where=where
        )
        needed = page.with_bar(mean, float(row["mean"]) / top)
        rows.append([f"{hour:02d}:00", f"{row['offered']:.1f}", needed, f"{row['most']:.0f}"])
    return page.table(
        columns, rows, caption=f"{load.channel}: agents needed by the hour contacts came, {load.days} days"
    )
