"""The client's own side: its forecast, notice of its updates, its outages, its answers to the partner's requests."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_value, of_them, plural
from bpo_analysis.page import Column
from bpo_analysis.review.client_side import Answers, Outages, answers, outages
from bpo_analysis.review.context import Review
from bpo_analysis.review.updates import LeadTimes, lead_times, updates_known
from bpo_analysis.sections.amounts import noted_count, noted_share
from bpo_analysis.sections.durations import noted_share_within, noted_time
from bpo_analysis.sections.parts import available, day_text, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["client_side", "client_side_blocks"]

_FORECAST = ("forecast_wape", "forecast_bias")


@placed()
def client_side(review: Review) -> Section:
    """Forecast error and bias by channel, notice of updates, outages of the client's systems, answers to requests."""
    id, title = "client-side", "The client's own side"
    body = client_side_blocks(review)
    if body is None:
        return missing(id, title, "tables forecasts, updates, events and partner_requests are not in this dataset.")
    return Section(id, page.section(id, title, body, question="Did the client do its part?"))


def client_side_blocks(review: Review) -> Markup | None:
    """Return the blocks of the client's own side for a section of any title; None where none of its tables is there."""
    shown = available(review, _FORECAST)
    table = updates_known(review)
    down, asked = outages(review), answers(review)
    if not shown and table is None and down is None and asked is None:
        return None
    body = _forecast(review, shown)
    if table is not None:
        body += _notice([lead for lead in lead_times(review, table) if lead.source == "client"], review)
    else:
        body += page.note("Notice of updates: not shown, table updates is not in this dataset.")
    body += (
        _outages(review, down)
        if down is not None
        else page.note("Outages: not shown, table events is not in this dataset.")
    )
    body += (
        _answers(review, asked)
        if asked is not None
        else page.note("Answers to the partner: not shown, table partner_requests is absent or has no row of it.")
    )
    return body


def _forecast(review: Review, shown: list[str]) -> Markup:
    if not shown:
        reason = review.dataset.unavailable.get("forecast_wape", f"no forecast and volume {review.period.when}")
        return page.note(f"Forecast: not shown, {reason}.")
    columns = [Column("Channel"), *(Column(review.kpis[n].label, "right") for n in shown), Column("Offered", "right")]
    rows = []
    channels = review.slices("forecast_wape", "channel")
    for channel in ["", *channels] if len(channels) > 1 else [""]:
        where = {"channel": channel} if channel else None
        found = [review.measure(name, where=where) for name in shown]
        cells = [
            Markup('{} <span class="interval">{}</span>').format(m.text, m.interval_text) if m else MISSING
            for m in found
        ]
        offered = next((format_value(m.denominator, "count") for m in found if m), MISSING)
        rows.append([channel or "all channels", *cells, offered])
    caption = (
        "Last locked forecast of the client: error sums daily differences, bias their balance (positive: too high)"
    )
    return page.table(columns, rows, caption=caption, classes="stack")


def _notice(leads: list[LeadTimes], review: Review) -> Markup:
    if not leads:
        return Markup("<p>No update of the client took effect in the 13 weeks up to {}.</p>").format(review.period.end)
    lead = leads[0]
    median = review.note_figure(
        "client.notice", lead.median, f"{lead.median:g} days", unit="days", where={"source": lead.source}
    )
    kept = ""
    if lead.share is not None:
        share, between = noted_share(
            review, "client.notice_kept", lead.share, numerator=float(lead.kept), where={"source": lead.source}
        )
        kept = f" Agreed notice kept in {lead.kept} of {lead.agreed} ({share}, {between})."
    return Markup("<p>Notice: {} of the client, announced {} before they took effect (median; least {}).{}</p>").format(
        plural(lead.n, "update"), median, plural(int(lead.least), "day"), kept
    )


def _outages(review: Review, found: Outages) -> Markup:
    if found.table.empty:
        return Markup("<p>Outages: none of the client's systems is on record {}.</p>").format(review.period.when)
    days = noted_count(review, "client.outage_days", float(found.days), "days")
    contacts = noted_count(review, "client.outage_contacts", found.contacts, "contacts")
    share = review.note_figure(
        "client.outage_share", found.share, format_value(found.share, "share"), unit="share", numerator=found.contacts
    )
    lead = Markup(
        "<p>Outages of the client's systems: {}, with {} contacts offered on them ({} of the period).</p>"
    ).format(f"{days} {'day' if found.days == 1 else 'days'}", contacts, share)
    columns = [Column("Outage"), Column("From"), Column("To"), Column("Days", "right"), Column("Contacts", "right")]
    rows = [
        [
            text_or_missing(r["title"]),
            day_text(r["start"]),
            day_text(r["end"]),
            str(r["days"]),
            format_value(r["contacts"], "count"),
        ]
        for r in found.table.to_dict("records")
    ]
    return lead + page.table(columns, rows, caption="Outages of the client's systems, as far as in the period")


def _answers(review: Review, found: Answers) -> Markup:
    open_text = noted_count(review, "client.requests_open", float(found.open_now), "requests")
    noted_count(review, "client.requests_overdue", float(found.overdue), "requests")
    still = (
        f"{open_text} open on {review.period.end}, {of_them(found.overdue, found.open_now, 'overdue')}"
        if found.open_now
        else f"none open on {review.period.end}"
    )
    asked = noted_count(review, "client.requests", float(found.asked), "requests")
    median, between = noted_time(review, "client.answer_time", found.hours)
    kept, kept_between = noted_share_within(review, "client.answered_in_time", found.in_due)
    since = f"since {review.before()[0]}"
    speed = (
        f"an answer takes {median} in the median ({between})" if found.hours is not None else "too few to say how long"
    )
    in_time = f", {kept} ({kept_between}) in the agreed time" if kept != MISSING else ""
    lead = Markup("<p>The partner asked {} {} {}; {}. Of requests {}: {}{}.</p>").format(
        asked, "time" if found.asked == 1 else "times", review.period.when, still, since, speed, in_time
    )
    columns = [
        Column("Kind"),
        Column("Asked", "right", since),
        Column("Open", "right"),
        Column("Median", "right", "of the answered"),
    ]
    rows = [
        [str(r["kind"]).capitalize(), str(r["asked"]), str(r["open"]), format_value(r["median_hours"], "hours")]
        for r in found.by_kind.to_dict("records")
    ]
    return lead + page.table(columns, rows, caption="Requests of the partner to the client, by kind")
