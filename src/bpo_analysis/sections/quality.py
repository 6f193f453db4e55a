"""What stands below the KPIs of quality: raters, both sides apart, weights, failed items, agents."""

from __future__ import annotations

from math import isfinite

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_axis, format_change, format_interval, format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import funnel_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.plan import REPORTS, judgement
from bpo_analysis.review.quality import (
    AgentFunnel,
    FailedItem,
    SideScores,
    agent_funnel,
    failed_items,
    side_scores,
    weighted_score,
)
from bpo_analysis.review.raters import rater_bias
from bpo_analysis.sections.amounts import noted_count, noted_share, points, points_interval
from bpo_analysis.sections.parts import percent
from bpo_analysis.stats import RatioInterval

__all__ = ["item_table", "quality_details"]

_POWER = 1 + 0.84 / 1.96
"""Half an interval times this is a difference found with a probability of 80 % (of a test at the interval's level)."""
_ITEMS = 12


def quality_details(review: Review, *, agents: bool | None = None) -> Markup:
    """Raters, both rating sides apart, weights of the sample, failed items, and agents.

    Parameters
    ----------
    agents : bool, optional
        Whether agents outside the funnel are named by their ids; by default where the page's readers may see them.
    """
    named = review.shows_agents if agents is None else agents
    return _raters(review) + _sides(review) + item_table(review) + _funnel(review, named=named)


def _raters(review: Review) -> Markup:
    """Whether the partner's raters and the client's judge the same contacts alike."""
    bias = rater_bias(review)
    if bias is None:
        return Markup("")
    limits = bias.measure.limits
    if limits is None:
        return page.note(f"Raters: too few contacts rated by both sides to compare them ({bias.measure.base_text}).")
    size = points(bias.measure.value)
    facts = f"{points_interval(*limits)}; {bias.measure.base_text} since {bias.measure.start}, rated by both sides"
    if judgement(review).found(REPORTS, bias.label):
        way = "above" if bias.measure.value > 0 else "below"
        return page.note(f"Raters: the partner's own scores lie {size} {way} the client's ({facts}).", "concern")
    reach = points((limits[1] - limits[0]) / 2 * _POWER)
    return page.note(
        f"Raters: no difference between the partner's and the client's scores found ({facts}); one of {reach} would "
        "have been in four of five cases."
    )


def _sides(review: Review) -> Markup:
    """Scores and critical errors by the side that rated; the KPI pools both."""
    sides = side_scores(review)
    if not sides:
        return Markup("")
    columns = [Column("Rated by"), Column("QA score", "right"), *_error_columns(), Column("Evaluations", "right")]
    rows = [_side_row(review, side) for side in sides]
    table = page.table(
        columns,
        rows,
        caption="QA score and critical errors by the side that rated, of different contacts",
        classes="stack",
    )
    return table + _weighted(review)


def _error_columns() -> list[Column]:
    names = ("Customer-critical", "Business-critical", "Compliance-critical")
    return [Column(name, "right", "evaluations with such an error") for name in names]


def _side_row(review: Review, side: SideScores) -> list[str | Markup | Cell]:
    low, high = (side.score.ci_low, side.score.ci_high) if side.score else (None, None)
    value = review.note_figure(
        "quality.score", side.mean, format_value(side.mean, "share"), unit="share",
        numerator=side.mean * side.evaluations, denominator=side.evaluations, ci_low=low, ci_high=high,
        where={"rated_by": side.side},
    )  # fmt: skip
    errors = [_errors(review, side, kind, count, share) for kind, (count, share) in side.errors.items()]
    base = noted_count(review, "quality.evaluations", side.evaluations, "evaluations", {"rated_by": side.side})
    return [side.side, _with_interval(value, low, high), *errors, base]


def _errors(review: Review, side: SideScores, kind: str, count: int, share: RatioInterval | None) -> Cell:
    low, high = (share.ci_low, share.ci_high) if share else (None, None)
    value = count / side.evaluations
    text = review.note_figure(
        f"quality.{kind}_critical_errors", value, f"{count:,}", unit="share", numerator=count,
        denominator=side.evaluations, ci_low=low, ci_high=high, where={"rated_by": side.side},
    )  # fmt: skip
    return _with_interval(text, low, high, sort=value)


def _with_interval(text: str, low: float | None, high: float | None, *, sort: float | None = None) -> Cell:
    if low is None or high is None:
        return Cell(text, sort=sort)
    interval = format_interval(low, high, "share")
    return Cell(Markup('{} <span class="interval">{}</span>').format(text, interval), sort=sort)


def _weighted(review: Review) -> Markup:
    """The score weighted by one over the inclusion probability, beside the KPI, which is not weighted."""
    found = weighted_score(review)
    if found is None:
        return page.note(
            "Weights: the QA score counts every evaluation alike; no evaluation says with what chance its contact was "
            "drawn (qa_ratings.inclusion_probability)."
        )
    low, high = (found.interval.ci_low, found.interval.ci_high) if found.interval else (None, None)
    text = review.note_figure(
        "quality.weighted_score",
        found.value,
        format_value(found.value, "share"),
        unit="share",
        ci_low=low,
        ci_high=high,
    )
    interval = f" ({format_interval(low, high, 'share')})" if found.interval else ""
    chances = format_interval(found.smallest, found.largest, "share")
    rest = f" {plural(found.left_out, 'evaluation')} without a known chance left out." if found.left_out else ""
    return Markup(
        "<p>The QA score above counts every evaluation alike. Weighted by one over the chance of its contact to be "
        "drawn ({}) it is <strong>{}</strong>{}: {} to the same evaluations unweighted.{}</p>"
    ).format(chances, text, interval, format_change(found.value - found.plain, "share"), rest)


def item_table(review: Review) -> Markup:
    """Failed items as a Pareto table: share failed with its interval, part of all failed items, running total."""
    items = failed_items(review)
    if not items:
        return Markup("")
    columns = [
        Column("Rated item"),
        Column("Failed", "right", f"{percent(review.confidence_level)} interval"),
        Column("Rated", "right"),
        Column("Part of all failed", "right"),
        Column("Running total", "right"),
    ]
    rows = [_item_row(review, item) for item in items[:_ITEMS]]
    rest = len(items) - len(rows)
    more = f"; {plural(rest, 'item')} more not shown" if rest else ""
    by_agent = "what one agent did counts together" if items[0].agents > 1 else "by day"
    caption = f"Items rated below their full points, most often failed first; intervals: {by_agent}{more}"
    return page.table(columns, rows, caption=caption, classes="stack")


def _item_row(review: Review, item: FailedItem) -> list[str | Markup | Cell]:
    where = {"item": item.item_id}
    known = isfinite(item.share.ci_low)
    value, interval = noted_share(review, "quality.item_failed", item.share, numerator=item.failed, where=where)
    part = MISSING
    total = MISSING
    if isfinite(item.part):
        part = review.note_figure(
            "quality.item_part", item.part, format_value(item.part, "share"), unit="share", where=where
        )
        total = format_value(item.cumulative, "share")
    name = plain(item.item_id) + ("" if item.criticality == "none" else f" ({item.criticality}-critical)")
    shown = Markup('{} <span class="interval">{}</span>').format(value, interval if known else MISSING)
    return [name, Cell(shown, sort=item.share.estimate), f"{item.rated:,}", page.with_bar(part, item.part), total]


def _funnel(review: Review, *, named: bool) -> Markup:
    found = agent_funnel(review, named=named)
    if found is None:
        return page.note("Agents: no funnel, fewer than eight agents have twenty rated items since the months before.")
    return Markup('<div class="charts">{}</div>').format(_funnel_figure(review, found))


def _funnel_figure(review: Review, found: AgentFunnel) -> Markup:
    result = found.result
    center = format_value(result.center, "share")
    review.note_figure("quality.items_failed", result.center, center, unit="share", start=found.start)
    outside = [found.agents[place] for place in result.outside]
    if outside:
        title = f"{plural(len(outside), 'agent')} of {result.n} outside what chance explains: {', '.join(outside[:5])}"
    else:
        title = f"None of {plural(result.n, 'agent')} lies outside what chance explains"
    alt = (
        f"{title}. Funnel plot since {found.start}: share of items failed by number of items rated, around {center}; "
        f"the limits hold for all agents together at {percent(result.confidence_level)}."
    )
    svg = funnel_svg(
        result, names=found.agents, format_value=lambda value: format_axis(value, "share"),
        xlabel=f"items rated per agent since {found.start}",
    )  # fmt: skip
    columns = [
        Column("Agent"),
        Column("Items rated", "right"),
        Column("Failed", "right"),
        Column("Limits", "right"),
        Column("Reading"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    order = result.table.sort_values("share", ascending=False, kind="stable")
    for place, row in zip(order.index, order.to_dict("records"), strict=True):
        share = review.note_figure(
            "quality.agent_failed", row["share"], format_value(row["share"], "share"), unit="share",
            numerator=row["events"], denominator=row["size"], ci_low=row["lower"], ci_high=row["upper"],
            start=found.start, where={"agent": found.agents[place]},
        )  # fmt: skip
        limits = format_interval(row["lower"], row["upper"], "share")
        rows.append([found.agents[place], f"{row['size']:,.0f}", share, limits, "outside" if row["outside"] else ""])
    few = f"; {plural(found.too_few, 'agent')} with fewer than twenty left out" if found.too_few else ""
    data = page.table(columns, rows, caption=f"Items failed by agent{few}")
    figure = page.figure(svg, title=title, alt=alt, data=data, id="fig-agents")
    return Markup("<div>{}<p class='muted'>{}</p></div>").format(
        figure, "Agents do not draw their contacts by lot: who lies outside may have had harder ones."
    )
