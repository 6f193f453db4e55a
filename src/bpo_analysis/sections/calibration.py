"""The results of calibration: how far both sides agree, who gives more, and what that does to the pass rate."""

from __future__ import annotations

from math import isfinite, isnan

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.formats import MISSING, format_axis, format_change, format_interval, format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import control_chart_svg, plot_differences, to_svg
from bpo_analysis.review.calibration import (
    ENOUGH,
    GOOD_AGREEMENT,
    Agreed,
    ItemAgreement,
    agreed,
)
from bpo_analysis.review.calibration_meeting import calibration_actions
from bpo_analysis.review.calibration_ratings import PASS_MARK
from bpo_analysis.review.context import Review
from bpo_analysis.sections.amounts import noted_count, noted_points, noted_share, points, points_interval
from bpo_analysis.sections.calibration_before import item_name, why_no_ratings
from bpo_analysis.sections.closing import appendix_of
from bpo_analysis.sections.parts import day_text, percent, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing
from bpo_analysis.stats import control_chart

__all__ = ["bias_words", "calibration_agreement", "calibration_appendix"]

_ROWS = 15
_SEEN = (1 + 0.84 / 1.96) / 2
"""Times the width of a 95 % interval: a difference found in four of five cases."""
_TERMS = (
    "Gwet's AC is agreement beyond chance, 1 at best; it stays readable where nearly all contacts pass. Krippendorff's "
    "alpha is the stricter of the two and cannot be computed where all ratings are the same. For items rated in points "
    "both count how far ratings lie apart."
)


@placed()
def calibration_agreement(review: Review, *, pass_mark: float = PASS_MARK) -> Section:
    """How far both sides agree, item by item; who gives more, by how much, and what that does to the pass rate."""
    id, title = "agreement", "Agreement of both sides"
    why = why_no_ratings(review)
    if why:
        return missing(id, title, why)
    found = agreed(review, pass_mark=pass_mark)
    if found is None:
        return missing(id, title, f"no contact of {review.name} was rated by both sides in the last months.")
    words, clear = bias_words(found)
    body = (
        page.note(words, "concern" if clear else "info")
        + _pass_rate(review, found)
        + _items(review, found)
        + _bland_altman(review, found)
    )
    body += _raters(review, found) + _trend(review, found) + _actions(review)
    question = "Do both sides judge alike, and if not, who gives more?"
    return Section(id, page.section(id, title, body, question=question))


@placed()
def calibration_appendix(review: Review, *, pass_mark: float = PASS_MARK) -> Section:
    """The appendix of the calibration pack, with the plan of its own tests."""
    found = agreed(review, pass_mark=pass_mark) if review.extract("calibration_ratings") is not None else None
    return appendix_of(review, None if found is None else found.judged)


def bias_words(found: Agreed) -> tuple[str, bool]:
    """Say whether the partner's raters give more or less than the client's, and whether that is clear."""
    if found.bias is None or found.bias.limits is None:
        few = f"({found.contacts} since {found.start})"
        return f"Too few contacts were rated by both sides to say whether they judge alike {few}.", False
    limits = found.bias.limits
    facts = f"{points_interval(*limits)}; {found.bias.base_text} since {found.start}, rated blind by both sides"
    if found.bias_clear:
        way = "more" if found.bias.value > 0 else "less"
        return f"The partner's raters give {points(found.bias.value)} {way} than the client's ({facts}).", True
    seen = points((limits[1] - limits[0]) * _SEEN)
    return (
        f"No difference between both sides' scores was found ({facts}); one of about {seen} would have been.",
        False,
    )


def _pass_rate(review: Review, found: Agreed) -> Markup:
    if found.pass_rate is None or found.verdicts is None:
        return Markup("")
    bias, verdicts = found.pass_rate, found.verdicts
    shares = [
        review.note_figure(
            "calibration.pass_rate", share, format_value(share, "share"), unit="share", numerator=share * bias.n,
            denominator=bias.n, start=found.start, where={"side": side},
        )
        for side, share in (("partner", bias.mean_first), ("client", bias.mean_second))
    ]  # fmt: skip
    gap, interval = noted_points(
        review, "calibration.pass_rate_gap", bias.estimate, bias.ci_low, bias.ci_high, start=found.start
    )
    same = review.note_figure(
        "calibration.verdict_agreement", verdicts.percent_agreement, format_value(verdicts.percent_agreement, "share"),
        unit="share", ci_low=verdicts.percent_agreement_ci_low, ci_high=verdicts.percent_agreement_ci_high,
        start=found.start,
    )  # fmt: skip
    clear = "" if found.pass_clear else ", not clear"
    return Markup(
        "<p>Effect on the pass rate (score from {mark}, no critical error): <strong>{partner} of these contacts pass "
        "by the partner's ratings, {client} by the client's</strong> ({gap}, interval {interval}{clear}). The verdict "
        "is the same for {same} ({same_interval}; Gwet's AC1 {ac}).</p>"
    ).format(
        mark=percent(found.pass_mark),
        partner=shares[0],
        client=shares[1],
        gap=gap,
        interval=interval,
        clear=clear,
        same=same,
        same_interval=format_interval(verdicts.percent_agreement_ci_low, verdicts.percent_agreement_ci_high, "share"),
        ac=_coefficient(review, found, verdicts.gwet_ac, verdicts.gwet_ac_ci_low, verdicts.gwet_ac_ci_high),
    )


def _coefficient(review: Review, found: Agreed, value: float, low: float, high: float) -> str:
    if isnan(value):
        return MISSING
    text = review.note_figure(
        "calibration.verdict_gwet_ac", value, f"{value:.2f}", unit="coefficient", ci_low=low, ci_high=high,
        start=found.start,
    )  # fmt: skip
    return f"{text}, {low:.2f} to {high:.2f}"


def _items(review: Review, found: Agreed) -> Markup:
    columns = [
        Column("Item"),
        Column("Agree", "right", f"within a tenth; {percent(review.confidence_level)} interval"),
        Column("Contacts", "right"),
        Column("Gwet's AC", "right"),
        Column("Alpha", "right"),
        Column("Partner less client", "right"),
        Column("Rule"),
    ]
    rows = [_item_row(review, found, item) for item in found.items]
    near, interval = noted_share(
        review, "calibration.agreement", found.overall, numerator=found.overall.estimate * found.overall.total,
        start=found.start,
    )  # fmt: skip
    flagged = [plain(item.item_id) for item in found.items if item.needs_rule]
    good = percent(GOOD_AGREEMENT)
    if flagged:
        said = f"Needs a written rule, clearly below {good}: {', '.join(flagged)}."
    else:
        said = (
            f"No item is clearly below {good} (a rule of thumb of the trade), all items judged together; with fewer "
            f"than {ENOUGH} contacts none is judged."
        )
    caption = f"Agreement by item since {found.start}, least first"
    table = page.table(columns, rows, caption=caption, classes="stack")
    lead = Markup("<p>Of all ratings {} lie within a tenth of the scale of each other ({}). {}</p>").format(
        near, interval, said
    )
    return lead + table + page.details("What the coefficients say", Markup("<p>{}</p>").format(_TERMS))


def _item_row(review: Review, found: Agreed, item: ItemAgreement) -> list[str | Markup | Cell]:
    where = {"item": item.item_id}
    value, interval = noted_share(
        review, "calibration.item_agreement", item.share, numerator=item.share.estimate * item.share.total,
        start=found.start, where=where,
    )  # fmt: skip
    gap, _ = noted_points(review, "calibration.item_bias", item.mean_gap, start=found.start, where=where)
    coefficients = [MISSING, MISSING]
    if item.result is not None:
        result = item.result
        coefficients = [
            _noted_coefficient(review, found, f"calibration.{name}", item.item_id, *values)
            for name, values in (
                ("gwet_ac", (result.gwet_ac, result.gwet_ac_ci_low, result.gwet_ac_ci_high)),
                ("alpha", (result.alpha, result.alpha_ci_low, result.alpha_ci_high)),
            )
        ]
    rule = "needed" if item.needs_rule else "too few to judge" if item.contacts < ENOUGH else ""
    return [
        item_name(item.item_id, item.criticality),
        Cell(Markup('{} <span class="interval">{}</span>').format(value, interval), sort=item.share.estimate),
        str(item.contacts),
        *coefficients,
        gap,
        rule,
    ]


def _noted_coefficient(
    review: Review, found: Agreed, id: str, item: str, value: float, low: float, high: float
) -> str | Markup:
    if isnan(value):
        return MISSING
    text = review.note_figure(
        id, value, f"{value:.2f}", unit="coefficient", ci_low=low, ci_high=high, start=found.start, where={"item": item}
    )
    return Markup('{} <span class="interval">{:.2f} to {:.2f}</span>').format(text, low, high)


def _bland_altman(review: Review, found: Agreed) -> Markup:
    limits = found.limits
    if limits is None:
        return Markup("")
    low, high = (
        noted_points(
            review, f"calibration.limit_{name}", value, value - limits.reach, value + limits.reach, start=found.start
        )
        for name, value in (("low", limits.low), ("high", limits.high))
    )
    ax = plot_differences(
        limits.table["mean"],
        limits.table["gap"],
        bias=limits.mean,
        limits=(limits.low, limits.high),
        format_mean=lambda value: format_axis(value, "share"),
        format_difference=lambda value: format_change(value, "share"),
        xlabel="mean of both scores",
        ylabel="partner less client",
    )
    title = f"On a single contact the partner gives {low[0]} to {high[0]} to what the client gives"
    alt = (
        f"{title}, in 95 of 100 cases. Each point is one of {len(limits.table)} contacts: mean of both scores, and "
        f"partner less client; the mean difference is {format_change(limits.mean, 'share')}."
    )
    rows = [
        [str(r["interaction_id"]), format_value(r["mean"], "share"), format_change(r["gap"], "share")]
        for r in limits.table.to_dict("records")
    ]
    columns = [Column("Contact"), Column("Mean score", "right"), Column("Partner less client", "right")]
    data = page.table(columns, rows, caption="Scores of both sides")
    figure = page.figure(to_svg(ax), title=title, alt=alt, data=data, id="fig-differences")
    sure = f"Limits of agreement after Bland and Altman; each may lie {points(limits.reach)} off."
    return Markup('<div class="charts">{}</div><p class="muted">{}</p>').format(figure, sure)


def _raters(review: Review, found: Agreed) -> Markup:
    if not found.raters:
        return page.note("Single raters: none has five contacts to compare.")
    columns = [
        Column("Rater", note="code"),
        Column("Contacts", "right"),
        Column("Difference", "right", f"{percent(review.confidence_level)} interval"),
        Column("Reading"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for line in sorted(found.raters, key=lambda line: -line.bias.estimate):
        bias = line.bias
        known = isfinite(bias.ci_low)
        value, interval = noted_points(
            review, "calibration.rater_bias", bias.estimate, bias.ci_low if known else None,
            bias.ci_high if known else None, start=found.start, where={"rater": line.rater},
        )  # fmt: skip
        reading = ("gives more" if bias.estimate > 0 else "gives less") if line.clear else "not clear"
        cell = Cell(Markup('{} <span class="interval">{}</span>').format(value, interval), sort=bias.estimate)
        rows.append([line.rater, str(line.contacts), cell, reading])
    caption = f"Raters against {found.against}, since {found.start}; all judged together"
    return page.table(columns, rows, caption=caption, classes="stack")


def _trend(review: Review, found: Agreed) -> Markup:
    sessions = found.sessions
    columns = [
        Column("Session"),
        Column("Contacts", "right"),
        Column("Agree", "right", "within a tenth"),
        Column("Interval", "right"),
        Column("Partner less client", "right"),
    ]
    rows = []
    for row in sessions.to_dict("records"):
        where = {"session": str(row["session_id"])}
        known = isfinite(row["ci_low"])
        value = review.note_figure(
            "calibration.session_agreement", row["share"], format_value(row["share"], "share"), unit="share",
            numerator=row["share"] * row["ratings"], denominator=row["ratings"],
            ci_low=row["ci_low"] if known else None, ci_high=row["ci_high"] if known else None, start=row["end"],
            end=row["end"], where=where,
        )  # fmt: skip
        gap, _ = noted_points(review, "calibration.session_bias", row["mean_gap"], start=row["end"], where=where)
        interval = format_interval(row["ci_low"], row["ci_high"], "share") if known else MISSING
        rows.append([str(row["session_id"]), str(row["contacts"]), value, interval, gap])
    table = page.table(columns, rows, caption="Agreement by session, oldest first")
    return _trend_figure(sessions, table)


def _trend_figure(sessions: pd.DataFrame, table: Markup) -> Markup:
    try:
        chart = control_chart(sessions["share"], sizes=sessions["ratings"], kind="p")
    except InsufficientDataError as error:
        return page.note(f"No chart of sessions: it needs {error.needed}, there are {error.got}.") + table
    svg = control_chart_svg(
        chart, [f"{day:%b %y}" for day in sessions["end"]], format_value=lambda value: format_axis(value, "share")
    )
    mean = format_value(chart.center, "share")
    said = "a session lies outside its limits" if chart.outside else "a long run on one side" if chart.run else ""
    said = said or "no unusual session"
    title = f"Agreement over {plural(len(sessions), 'session')}: {said}, mean {mean}"
    limits = format_interval(chart.lower, chart.upper, "share")
    alt = f"{title}. p chart of ratings within a tenth of the scale, newest limits {limits}."
    return Markup('<div class="charts">{}</div>').format(
        page.figure(svg, title=title, alt=alt, data=table, id="fig-sessions")
    )


def _actions(review: Review) -> Markup:
    found = calibration_actions(review)
    if found is None:
        return page.note("Actions from calibration: not shown, table actions has no column source that says so.")
    table, times = found
    if table.empty:
        return page.note("Actions from calibration: none is on record.")
    open_now = int(table["closed_on"].isna().sum())
    said = ""
    if times is not None:
        median = format_value(times.median, "days") if isfinite(times.median) else "not reached yet"
        if isfinite(times.median):
            review.note_figure(
                "calibration.days_to_close", times.median, median, unit="days",
                ci_low=times.median_ci_low, ci_high=times.median_ci_high if isfinite(times.median_ci_high) else None,
            )  # fmt: skip
        said = f" Median time to close {median}, open ones counted for as long as they are open (Kaplan-Meier)."
    lead = Markup("<p>Actions from calibration: {} raised, {} open on {}.{}</p>").format(
        noted_count(review, "calibration.actions", len(table), "actions"),
        noted_count(review, "calibration.actions_open", open_now, "actions"),
        review.period.end,
        said,
    )
    columns = [Column("Action"), Column("Owner"), Column("Raised"), Column("Closed"), Column("Days", "right")]
    rows = [
        [
            f"{row['action_id']}: {row['action']}",
            text_or_missing(row["owner"]),
            day_text(row["raised_on"]),
            day_text(row["closed_on"]) if pd.notna(row["closed_on"]) else "open",
            f"{row['days']}",
        ]
        for row in table.tail(_ROWS).to_dict("records")
    ]
    return lead + page.table(columns, rows, caption="Actions whose source is calibration", classes="stack")
