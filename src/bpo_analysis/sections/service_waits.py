"""How long customers waited: shares answered within fixed times, and the times of half, nine in ten, 19 in 20."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_interval, format_value, plain
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.waits import LIMITS_S, QUANTILES, WaitDistribution, wait_distributions
from bpo_analysis.sections.parts import percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["wait_distribution"]


@placed()
def wait_distribution(review: Review) -> Section:
    """Shares answered within fixed times, and the times within which half, nine in ten and 19 in 20 were answered."""
    id, title = "waits", "How long customers waited"
    found = wait_distributions(review)
    if found is None:
        return missing(
            id, title, f"waits of single contacts are not in this dataset ({review.dataset.why_no_extract('waits')})."
        )
    if not found:
        return missing(
            id, title, f"{review.name} answered too few contacts with a known wait in {review.period.title}."
        )
    question = "A mean hides the long waits: how many waited how long?"
    return Section(
        id, page.section(id, title, _within_table(review, found) + _quantile_table(review, found), question=question)
    )


def _channel_name(found: WaitDistribution) -> str:
    return plain(found.channel) or "all channels"


def _within_table(review: Review, found: Sequence[WaitDistribution]) -> Markup:
    rows: list[list[str | Markup | Cell]] = []
    for waits in found:
        cells: list[str | Markup | Cell] = []
        for limit in LIMITS_S:
            share = waits.within.get(limit)
            if share is None:
                cells.append(MISSING)
                continue
            text = review.note_figure(
                f"wait.within_{limit}_s", share.estimate, format_value(share.estimate, "share"), unit="share",
                denominator=waits.n, ci_low=share.ci_low, ci_high=share.ci_high, where=_where(waits),
            )  # fmt: skip
            between = format_interval(share.ci_low, share.ci_high, "share")
            cells.append(Cell(Markup('{} <span class="interval">{}</span>').format(text, between), sort=share.estimate))
        rows.append([_channel_name(waits), f"{waits.n:,}", *cells])
    columns = [
        Column("Channel"),
        Column("Answered", "right"),
        *(Column(f"≤ {limit} s", "right") for limit in LIMITS_S),
    ]
    level = percent(review.confidence_level)
    caption = f"Share of the answered who waited no longer, {review.period.title}; below it its {level} interval"
    return page.table(columns, rows, caption=caption, classes="stack")


def _quantile_table(review: Review, found: Sequence[WaitDistribution]) -> Markup:
    rows: list[list[str | Markup | Cell]] = []
    for waits in found:
        cells: list[str | Markup | Cell] = []
        for quantile in waits.quantiles:
            text = review.note_figure(
                f"wait.p{quantile.share * 100:.0f}_s", quantile.seconds,
                format_value(quantile.seconds, "seconds", decimals=0), unit="seconds",
                ci_low=quantile.low, ci_high=quantile.high, where=_where(waits),
            )  # fmt: skip
            between = f"{quantile.low:,.0f} to {quantile.high:,.0f} s"
            cells.append(
                Cell(Markup('{} <span class="interval">{}</span>').format(text, between), sort=quantile.seconds)
            )
        longest = format_value(waits.longest_s, "seconds", decimals=0)
        review.note_figure("wait.longest_s", waits.longest_s, longest, unit="seconds", where=_where(waits))
        rows.append([_channel_name(waits), *cells, longest])
    columns = [
        Column("Channel"),
        *(Column(f"{percent(share)} within", "right", f"p{share * 100:.0f}") for share in QUANTILES),
        Column("Longest", "right"),
    ]
    caption = "Times within which customers were answered; the wait of those who gave up is not in it"
    return page.table(columns, rows, caption=caption, classes="stack")


def _where(waits: WaitDistribution) -> dict[str, str]:
    return {"channel": waits.channel} if waits.channel else {}
