"""Volume and staffing, service, customer, quality, people: groups of KPIs with their charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import format_change, format_value, plain
from bpo_analysis.page import Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.scorecard import score
from bpo_analysis.sections.customer import ratings_details
from bpo_analysis.sections.parts import available, kpi_table, slice_table, trend_figure, why_absent
from bpo_analysis.sections.people import leavers
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.quality import quality_details
from bpo_analysis.sections.section import Section, missing

__all__ = ["categories", "customer", "people", "quality", "service", "volume_and_staffing"]

_VOLUME = ("offered", "handled", "forecast_wape", "forecast_bias", "staffing_delivered")
_SERVICE = (
    "service_level",
    "service_level_alternative",
    "abandonment_rate",
    "abandonment_rate_alternative",
    "asa_s",
    "aht_s",
    "talk_s",
    "hold_s",
    "acw_s",
    "sla_attainment",
    "turnaround_h",
    "first_reply_min",
    "backlog",
)
_CUSTOMER = ("csat", "nps", "ces", "fcr", "fcr_alternative", "repeat_contact_rate", "survey_response_rate")
_QUALITY = (
    "qa_score",
    "critical_error_accuracy",
    "business_critical_accuracy",
    "compliance_critical_accuracy",
    "dpmo",
    "transfer_rate",
    "reopen_rate",
)
_PEOPLE = (
    "headcount",
    "attrition_monthly",
    "attrition_annualised",
    "early_attrition",
    "absenteeism",
    "shrinkage",
    "adherence",
    "occupancy",
    "utilisation",
    "training_completion",
)


@placed(audiences=("account", "delivery"))
def volume_and_staffing(review: Review) -> Section:
    """Contacts, the client's forecast, staffing delivered."""
    question = "How much came, was it forecast, and was it staffed?"
    return _group(review, "volume", "Volume, forecast, staffing", _VOLUME, question, charts=("offered",))


@placed(audiences=("account", "delivery"))
def service(review: Review) -> Section:
    """Speed and time: service level by the contracted rule and one other, abandonment, waits, handling, turnaround."""
    question = "Were customers answered in time, and how long did it take?"
    charts = ("service_level", "aht_s")
    return _group(review, "service", "Service", _SERVICE, question, charts=charts, more=_by_channel)


@placed(audiences=("account", "delivery"))
def customer(review: Review) -> Section:
    """What customers say and do, who answers, and whether the contract is green while they are worse off."""
    question = "Are customers better or worse off?"
    return _group(review, "customer", "Customer", _CUSTOMER, question, charts=("csat", "fcr"), more=_who_answers)


@placed(audiences=("account", "delivery"))
def quality(review: Review, *, agents: bool | None = None) -> Section:
    """Evaluations, critical errors, both rating sides apart, failed items, agents, calibration.

    Parameters
    ----------
    agents : bool, optional
        Whether agents are named by their ids; by default where the page's readers may see them.
    """
    question = "Is the work done right, and do both sides judge it alike?"
    more = partial(quality_details, agents=agents)
    return _group(review, "quality", "Quality", _QUALITY, question, charts=("qa_score",), more=more)


@placed(audiences=("account", "delivery"))
def people(review: Review) -> Section:
    """Headcount, attrition, time, training."""
    question = "Are there enough people, do they stay, and are they trained?"
    return _group(review, "people", "People", _PEOPLE, question, charts=("absenteeism",), more=leavers)


@placed(audiences=("account", "delivery"))
def categories(review: Review) -> Section:
    """Contact reasons: volume, share, change, and how each is served."""
    reasons = review.slices("handled", "category")
    if not reasons:
        return missing(
            "categories", "Categories", "the rows that count contacts handled name no contact reason (volume.reason)."
        )
    start, end = review.before()
    total = review.measure("handled")
    before_total = review.measure("handled", start=start, end=end)
    quality_kpi = next(iter(available(review, ("fcr", "csat", "service_level"))), None)
    rows: list[list[str | Markup]] = []
    for reason in reasons:
        now = review.measure("handled", where={"category": reason})
        before = review.measure("handled", start=start, end=end, where={"category": reason})
        served = review.measure(quality_kpi, where={"category": reason}) if quality_kpi else None
        share = now.value / total.value if now and total else None
        earlier = before.value / before_total.value if before and before_total else None
        change = share - earlier if share is not None and earlier is not None else None
        rows.append(
            [
                plain(reason),
                format_value(now.value if now else None, "count"),
                format_value(share, "share"),
                format_change(change, "share"),
                served.text if served else "–",
                served.interval_text if served else "–",
            ]
        )
    label = review.kpis[quality_kpi].label if quality_kpi else "Result"
    columns = [
        Column("Reason"),
        Column("Handled", "right"),
        Column("Share", "right"),
        Column("Change of share", "right", f"to {review.before_title}"),
        Column(label, "right"),
        Column("Interval", "right"),
    ]
    body = page.table(columns, rows, caption=f"Contact reasons in {review.period.title}", classes="stack")
    return Section(
        "categories",
        page.section("categories", "Categories", body, question="What do customers call about, and what moved?"),
    )


def _nothing_more(_: Review) -> Markup:
    return Markup("")


def _group(
    review: Review,
    id: str,
    title: str,
    names: Sequence[str],
    question: str,
    *,
    charts: Sequence[str],
    more: Callable[[Review], Markup] = _nothing_more,
) -> Section:
    """Section of one group of KPIs: table, trend charts, what ``more`` adds, and the KPIs these data cannot carry."""
    shown = available(review, names)
    if not shown:
        return missing(id, title, why_absent(review, names))
    body = kpi_table(review, shown, caption=f"{title}, {review.period.title}")
    body += _charts(review, [name for name in charts if name in shown])
    body += more(review)
    absent = [name for name in names if name in review.dataset.unavailable]
    if absent:
        body += _absent(review, absent)
    return Section(id, page.section(id, title, body, question=question))


def _charts(review: Review, names: Sequence[str]) -> Markup:
    if not names:
        return Markup("")
    targets = [score(review, name).target for name in names]
    figures = [trend_figure(review, n, target=t.value if t else None) for n, t in zip(names, targets, strict=True)]
    return Markup('<div class="charts">{}</div>').format(Markup("").join(figures))


def _by_channel(review: Review) -> Markup:
    if not available(review, ("service_level",)) or len(review.slices("service_level", "channel")) < 2:
        return Markup("")
    return slice_table(review, "service_level", "channel", caption="Service level by channel")


def _absent(review: Review, names: Sequence[str]) -> Markup:
    """One folded line for the KPIs these data cannot carry, with the reason of each."""
    items = Markup("").join(
        Markup("<li>{}: {}</li>").format(review.kpis[n].label, review.dataset.unavailable[n]) for n in names
    )
    count = len(names)
    return page.details(
        f"{count} KPI{'s' if count > 1 else ''} not computable from these data", Markup("<ul>{}</ul>").format(items)
    )


def _who_answers(review: Review) -> Markup:
    return ratings_details(review) if available(review, ("csat",)) else Markup("")
