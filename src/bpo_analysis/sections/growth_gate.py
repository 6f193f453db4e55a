"""May this partner take on more? The rule that was set beforehand, growth, and the volume of errors."""

from __future__ import annotations

from datetime import date
from math import isinf, isnan

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import control_chart_svg, plot_path, to_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.growth_gate import (
    ERRORS,
    NEW_HIRES,
    SUPPORT,
    GateCheck,
    GrowthView,
    SupportRatio,
    error_chart,
)
from bpo_analysis.review.growth_gate import (
    growth_gate as view_of,
)
from bpo_analysis.sections.parts import kpi_link, percent
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["condition_table", "gate_lead", "growth_gate"]

_ID, _TITLE = "growth", "Growth gate"
_LABELS = {
    NEW_HIRES: "Agents employed for less than 90 days",
    **{name: f"Agents per {role.replace('_', ' ')}" for name, role in SUPPORT.items()},
}


@placed(audiences=["account"], client_only=True)
def growth_gate(review: Review) -> Section:
    """Growth beside quality, the gate by its pre-set rule, and errors counted, not only their rate."""
    view = view_of(review)
    if not view.growth and not view.checks:
        return missing(
            _ID, _TITLE, "neither the number of agents nor the contacts of the stretch before are on record."
        )
    body = gate_lead(review, view) + condition_table(review, view) + _growth_table(review, view)
    body += _error_volume(review, view) + _path(review, view) + _chart(review)
    return Section(_ID, page.section(_ID, _TITLE, body, question="May this partner take on more work?"))


def gate_lead(review: Review, view: GrowthView) -> Markup:
    """Say whether the gate is open, and why not."""
    growth = "; ".join(_growth_words(review, g.label, g.relative, g.now, g.before) for g in view.growth)
    grown = f" Against {review.before_title}: {growth}." if growth else ""
    if view.state == "no rule":
        rule = Markup("No gate was set: write <code>[report.growth_gate]</code> in dataset.toml.")
        return Markup("<p>{}{}</p>").format(rule, grown)
    failed = [check for check in view.checks if check.holds is False]
    unknown = [check for check in view.checks if check.holds is None]
    if view.state == "closed":
        names = "; ".join(_condition_words(check) for check in failed)
        text = Markup("The gate is <strong>closed</strong>: {}.{}").format(names, grown)
        if not view.grew:
            return page.note(text, "warning")
        growth_from = percent(_limit(review))
        return page.note(text + f" Agents or contacts grew by {growth_from} or more all the same.", "concern")
    if view.state == "not judged":
        names = ", ".join(_label(check) for check in unknown)
        return page.note(Markup("The gate cannot be judged: no value of {}.{}").format(names, grown), "warning")
    unsure = sum(check.sure is False for check in view.checks)
    doubt = f" For {unsure} of {len(view.checks)} conditions the interval reaches across the limit." if unsure else ""
    return Markup("<p>The gate is <strong>open</strong>: all {} hold.{}{}</p>").format(
        plural(len(view.checks), "condition"), doubt, grown
    )


def _limit(review: Review) -> float:
    gate = review.dataset.config.growth_gate
    return gate.growth if gate else 0.0


def _growth_words(review: Review, label: str, relative: float, now: float, before: float) -> str:
    if isnan(relative):
        return f"{label} {now:,.1f} after none"
    text = f"{'+' if relative >= 0 else '−'}{abs(relative):.1%}".replace("%", " %")
    review.note_figure(
        "risk.growth", relative, text, unit="share", numerator=now, denominator=before, where={"of": label}
    )
    return f"{label} {text} (from {before:,.1f} to {now:,.1f})"


def _label(check: GateCheck) -> str:
    return check.kpi.label if check.kpi else _LABELS[check.condition.name]


def _value_text(check: GateCheck) -> str:
    if check.value is not None and isinf(check.value):
        return "nobody in the role"
    return format_value(check.value, check.unit)


def _limit_text(check: GateCheck) -> str:
    sign = "≥" if check.condition.op == ">=" else "≤"
    return f"{sign} {format_value(check.condition.value, check.unit)}"


def _condition_words(check: GateCheck) -> str:
    doubt = " (interval on both sides)" if check.sure is False else ""
    return f"{_label(check)} {_value_text(check)} where {_limit_text(check)} was set{doubt}"


def condition_table(review: Review, view: GrowthView) -> Markup:
    """Every condition of the gate: set, came, holds, and whether the interval is on one side."""
    if not view.checks:
        return Markup("")
    columns = [
        Column("Condition"),
        Column("Set", "right"),
        Column("Actual", "right"),
        Column("Holds"),
        Column("Interval"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for check in view.checks:
        name = kpi_link(check.kpi) if check.kpi else _label(check)
        if check.condition.name == NEW_HIRES and check.value is not None:
            review.note_figure("risk.new_hire_share", check.value, _value_text(check), unit="share")
        if check.condition.name in SUPPORT:
            now, _ = view.support.get(SUPPORT[check.condition.name], (None, None))
            if now is not None:
                _note_support(review, now, review.period.start, review.period.end)
        interval = check.measure.interval_text if check.measure else ""
        side = {True: "on one side", False: "on both sides", None: ""}[check.sure]
        holds = {True: "yes", False: Markup("<strong>no</strong>"), None: "no value"}[check.holds]
        both = Markup('{} <span class="interval">{}</span>').format(side, interval) if interval else "counted"
        rows.append([name, _limit_text(check), _value_text(check), holds, both if check.holds is not None else MISSING])
    caption = f"The gate as it was set beforehand; it matters from growth of {percent(_limit(review))}"
    return page.table(columns, rows, caption=caption, classes="stack")


def _growth_table(review: Review, view: GrowthView) -> Markup:
    start, end = review.before()
    columns = [Column("What"), Column(review.period.title, "right"), Column("Before", "right", review.before_title)]
    rows: list[list[str]] = [[g.label.capitalize(), f"{g.now:,.1f}", f"{g.before:,.1f}"] for g in view.growth]
    if "escalation_rate" in review.rows:
        now, before = review.measure("escalation_rate"), review.measure("escalation_rate", start=start, end=end)
        rows.append(["Escalations", now.text if now else MISSING, before.text if before else MISSING])
    if view.new_hires is not None:
        text = format_value(view.new_hires, "share")
        rows.append(
            [_LABELS[NEW_HIRES], review.note_figure("risk.new_hire_share", view.new_hires, text, unit="share"), ""]
        )
    for role, (now_ratio, before_ratio) in view.support.items():
        texts = [
            _note_support(review, ratio, *days) if ratio else MISSING
            for ratio, days in ((now_ratio, (review.period.start, review.period.end)), (before_ratio, (start, end)))
        ]
        if now_ratio or before_ratio:
            rows.append([f"Agents per {role.replace('_', ' ')}", *texts])
    for name, hours in view.rework.items():
        review.note_figure("risk.rework_hours", hours, f"{hours:.1f}", unit="hours a week", where={"stretch": name})
    if "now" in view.rework:
        before_text = f"{view.rework['before']:.1f} h" if "before" in view.rework else MISSING
        rows.append(["Hours a week on repeat contacts", f"{view.rework['now']:.1f} h", before_text])
    body = page.table(columns, rows, caption="Growth, and what grew with it", classes="stack") if rows else Markup("")
    return body + _missing_support(view)


def _note_support(review: Review, ratio: SupportRatio, start: date, end: date) -> str:
    """Note agents to one person of a role, and return it as printed."""
    if isinf(ratio.value):
        return "nobody in the role"
    text = format_value(ratio.value, "count")
    return review.note_figure(
        "risk.support_ratio", ratio.value, text, unit="agents to one person", numerator=ratio.agents,
        denominator=ratio.people, start=start, end=end, where={"role": ratio.role},
    )  # fmt: skip


def _missing_support(view: GrowthView) -> Markup:
    """Say which ratios of agents to those who lead, check and train them are not known."""
    if not view.support:
        return page.note("Support ratio: not shown, table support_staff names nobody who leads, checks or trains here.")
    unknown = [role.replace("_", " ") for role, (now, _) in view.support.items() if now is None]
    if not unknown:
        return Markup("")
    return page.note(
        f"Agents per {', '.join(unknown)}: not known. Table support_staff has no row for every day of the period, or "
        "the roster has no agents."
    )


def _error_volume(review: Review, view: GrowthView) -> Markup:
    if view.errors.empty:
        return page.note("Volume of errors: not shown, there are no evaluations with critical items.")
    columns = [
        Column("Stretch"),
        Column("Found", "right", "in evaluations"),
        Column("Rate", "right"),
        Column("All contacts", "right", "errors a week, estimated"),
    ]
    names = {"now": review.period.title, "before": review.before_title}
    rows = []
    for name, row in view.errors.iterrows():
        interval = f"{row['weekly_low']:,.0f} to {row['weekly_high']:,.0f}" if not isnan(row["weekly_low"]) else MISSING
        text = review.note_figure(
            "risk.errors_a_week", row["weekly"], f"{row['weekly']:,.0f}", unit="contacts a week",
            ci_low=row["weekly_low"], ci_high=row["weekly_high"], where={"stretch": str(name)},
        )  # fmt: skip
        rows.append(
            [
                names[str(name)],
                f"{row['found']:,.0f} of {row['evaluations']:,.0f}",
                format_value(row["rate"], "share"),
                Markup('{} <span class="interval">{}</span>').format(text, interval),
            ]
        )
    table = page.table(columns, rows, caption="Contacts with a customer-critical error", classes="stack")
    return Markup("<h3>How many errors reach customers</h3>{}").format(table)


def _path(review: Review, view: GrowthView) -> Markup:
    months = view.months
    if len(months) < 3:
        return Markup("")
    ax = plot_path(
        months["heads"].tolist(), months["error_rate"].tolist(), months["month"].tolist(),
        x_label="agents employed", y_label="evaluations with a critical error", format_y=lambda v: percent(v),
    )  # fmt: skip
    first, last = months.iloc[0], months.iloc[-1]
    heads = format_change(last["heads"] - first["heads"], "count").split(".")[0]
    title = (
        f"Agents and critical errors, {first['month']} to {last['month']}: {heads} agents, errors "
        f"{percent(first['error_rate'])} to {percent(last['error_rate'])} of evaluations"
    )
    least = f"{months['evaluations'].min():.0f}"
    alt = f"{title}. Connected points by month; each month rests on {least} evaluations or more."
    columns = [
        Column("Month"),
        Column("Agents", "right"),
        Column("With a critical error", "right"),
        Column("Evaluations", "right"),
    ]
    rows = [
        [str(r["month"]), f"{r['heads']:.1f}", format_value(r["error_rate"], "share"), f"{r['evaluations']:.0f}"]
        for r in months.to_dict("records")
    ]
    data = page.table(columns, rows, caption="Agents and critical errors by month")
    return page.figure(to_svg(ax), title=title, alt=alt, data=data, id="fig-growth-path")


def _chart(review: Review) -> Markup:
    found = error_chart(review)
    if isinstance(found, str):
        return page.note(f"Chart of errors by week: not shown, {found}.")
    chart, table = found
    labels = [f"{day.day} {day:%b}" for day in table["start"]]
    svg = control_chart_svg(chart, labels, format_value=lambda v: percent(v))
    outside = [labels[i] for i in chart.outside]
    signal = (
        f"above or below the limits in the week of {', '.join(outside)}" if outside else "no week outside the limits"
    )
    if chart.run:
        signal += f"; {len(chart.run)} weeks in a row on one side"
    title = f"Critical errors by week, per evaluation (u chart): {signal}"
    of = f"{int(table['found'].sum())} errors in {int(table['evaluations'].sum())} evaluations"
    alt = f"{title}. {of}, {plural(len(table), 'week')}."
    columns = [Column("Week from"), Column("Errors found", "right"), Column("Evaluations", "right")]
    rows = [
        [label, *(MISSING if isnan(r[name]) else f"{r[name]:.0f}" for name in ("found", "evaluations"))]
        for label, r in zip(labels, table.to_dict("records"), strict=True)
    ]
    data = page.table(columns, rows, caption=f"{review.kpis[ERRORS].label}: errors found by week")
    return page.figure(svg, title=title, alt=alt, data=data, id="fig-errors")
