"""What stands below the KPIs of people: attrition both ways, tenure, staying by hire cohort, training by update."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_interval, format_value, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import SurvivalLine, plot_stacked, survival_svg, to_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.people import (
    BANDS,
    EARLY_DAYS,
    Attrition,
    Cohort,
    Staying,
    attrition,
    completion_by_tenure,
    completion_by_update,
    staying,
    tenure_mix,
    twelve_months_before,
)
from bpo_analysis.sections.amounts import noted_count, noted_share
from bpo_analysis.sections.durations import noted_share_within
from bpo_analysis.sections.parts import percent, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["leavers", "staying_and_training"]

_MOST_UPDATES = 12
_NO_HIRES = "Staying by hire cohort: not shown, fewer than five hires are known since the data begin."
_BOTH_WAYS = (
    "Times twelve: leavers of a year per seat, which can exceed 100 %. Compounded: the share of today's heads who "
    "would be gone after a year at this monthly rate, 1 − (1 − m)¹². Intervals are exact Poisson limits: one leaver "
    "more or less is chance."
)


def leavers(review: Review) -> Markup:
    """Whether a hire month leaves sooner than the others, and attrition both ways."""
    found = staying(review)
    lead = page.note(_NO_HIRES) if found is None else _staying_lead(review, found)
    return lead + _attrition(review)


@placed(audiences=("account", "delivery"))
def staying_and_training(review: Review) -> Section:
    """Staying by hire cohort, tenure, training by update and by tenure."""
    id, title = "staying", "Staying, tenure and training"
    found = staying(review)
    stays = Markup("") if found is None else _staying_figure(review, found)
    body = stays + _tenure(review) + _training(review)
    if not body:
        return missing(id, title, "tables roster and training_acks are not in this dataset.")
    question = "How long do agents stay, how experienced are they, and are they trained in time?"
    return Section(id, page.section(id, title, body, question=question))


def _attrition(review: Review) -> Markup:
    year = twelve_months_before(review)
    found = [
        (review.period.title, attrition(review)),
        (f"{year} to {review.period.end}", attrition(review, start=year)),
    ]
    rows = [_attrition_row(review, label, a) for label, a in found if a is not None]
    if not rows:
        return Markup("")
    columns = [
        Column("Leavers of"),
        Column("Leavers", "right"),
        Column("Monthly", "right"),
        Column("Annualised", "right", "times twelve"),
        Column("Annualised", "right", "compounded"),
        Column(f"Early, under {EARLY_DAYS} d", "right", "monthly"),
    ]
    table = page.table(columns, rows, caption="Attrition, annualised both ways", classes="stack")
    return table + Markup('<p class="muted">{}</p>').format(_BOTH_WAYS)


def _attrition_row(review: Review, label: str, found: Attrition) -> list[str | Markup]:
    start = found.monthly.start
    limits = found.compounded_limits
    compounded = review.note_figure(
        "people.attrition_compounded", found.compounded, format_value(found.compounded, "share"), unit="share",
        ci_low=limits[0] if limits else None, ci_high=limits[1] if limits else None, start=start,
    )  # fmt: skip
    between = format_interval(*limits, "share") if limits else MISSING
    early = found.early
    return [
        label,
        format_value(found.monthly.numerator, "count"),
        _with_interval(found.monthly.text, found.monthly.interval_text),
        _with_interval(found.times_12.text, found.times_12.interval_text),
        _with_interval(compounded, between),
        _with_interval(early.text, early.interval_text) if early else "no new heads",
    ]


def _with_interval(text: str, between: str) -> Markup:
    return Markup('{} <span class="interval">{}</span>').format(text, between)


def _tenure(review: Review) -> Markup:
    mix = tenure_mix(review)
    if mix is None:
        return Markup("")
    columns = [Column("Period"), *(Column(band, "right") for band in BANDS)]
    columns += [Column("Heads", "right"), Column("Hired", "right"), Column("Left", "right")]
    rows = [
        [str(row["label"]), *(str(row[name]) for name in (*BANDS, "heads", "hired", "left"))]
        for row in mix.to_dict("records")
    ]
    last = mix.iloc[-1]
    for name in (*BANDS, "heads", "hired", "left"):
        noted_count(review, f"people.{name.replace(' ', '_')}", float(last[name]), "agents")
    new = int(last[BANDS[0]] + last[BANDS[1]])
    title = (
        f"Heads by tenure: {new} of {last['heads']} have under 91 days; since {mix['label'].iloc[0]} "
        f"{plural(int(mix['hired'].sum()), 'agent')} hired, {int(mix['left'].sum())} left"
    )
    drawn = {
        phone: to_svg(
            plot_stacked(
                mix,
                BANDS,
                labels=[str(label) for label in mix["label"]],
                names=BANDS,
                format_value=lambda v: f"{v:.0f}",
                phone=phone,
            )
        )
        for phone in (False, True)
    }
    alt = f"{title}. Stacked bars of heads by days since hire, {len(mix)} periods, one bar each."
    data = page.table(columns, rows, caption="Heads at the end of the period by tenure, new hires and leavers")
    return page.figure(drawn[False], title=title, alt=alt, data=data, id="fig-tenure", narrow=drawn[True])


def _staying_lead(review: Review, found: Staying) -> Markup:
    """Cohorts that leave earlier than others; the test is adjusted for the cohorts looked at."""
    clear = [c for c in found.cohorts if c.adjusted_pvalue <= 1 - review.confidence_level]
    notes = Markup("").join(_cohort_note(review, cohort) for cohort in clear)
    if notes:
        return notes
    gone, between = noted_share_within(review, "people.gone_early", found.everyone)
    compared = sum(c.comparison is not None for c in found.cohorts)
    tested = (
        f" No hire month of the {compared} compared stays clearly longer or shorter than the others."
        if compared
        else " No hire month has enough hires to be compared with the others."
    )
    return Markup("<p>Of {} hired since {:%Y-%m-%d}, {} ({}) left within {} days.{}</p>").format(
        plural(found.everyone.n, "agent"), found.first_hire, gone, between, EARLY_DAYS, tested
    )


def _cohort_note(review: Review, cohort: Cohort) -> Markup:
    comparison = cohort.comparison
    assert comparison is not None
    gone, between = noted_share_within(review, "people.gone_early", cohort.result, where={"hired": cohort.label})
    others, others_between = noted_share_within(
        review, "people.gone_early", comparison.result_second, where={"hired": f"not {cohort.label}"}
    )
    sooner = comparison.statistic > 0
    text = (
        f"Of {cohort.result.n} agents hired in {cohort.label}, {gone} ({between}) left within {EARLY_DAYS} days; of "
        f"{cohort.reference} {others} ({others_between}). They left {'sooner' if sooner else 'later'} than "
        "chance would have it (log-rank test, adjusted for the hire months compared; not in the plan of this page)."
    )
    return page.note(text, "concern" if sooner else "good")


def _staying_figure(review: Review, found: Staying) -> Markup:
    lines = [SurvivalLine(f"hired {c.label} ({c.result.n})", c.result) for c in found.cohorts[:2]]
    only_cohort = bool(lines) and found.cohorts[0].result.n == found.everyone.n
    if not only_cohort:
        lines.append(SurvivalLine(f"all hires ({found.everyone.n})", found.everyone))
    reference = next((c.comparison for c in found.cohorts if c.comparison is not None), None)
    if only_cohort and reference is not None:
        other = reference.result_second
        lines.append(SurvivalLine(f"others ({other.n})", other))
    longest = min(365.0, max(float(line.result.table["time"].iloc[-1]) for line in lines))
    drawn = {
        phone: survival_svg(lines, x_label="days since hire", limit=EARLY_DAYS, longest=longest, phone=phone)
        for phone in (False, True)
    }
    rows = []
    for line in lines:
        gone, between = noted_share_within(review, "people.gone_early", line.result, where={"line": line.name})
        rows.append([line.name, gone, between, str(line.result.n), str(line.result.n - line.result.n_open)])
    columns = [
        Column("Agents"),
        Column(f"Gone within {EARLY_DAYS} d", "right"),
        Column(f"{percent(review.confidence_level)} interval", "right"),
        Column("Hired", "right"),
        Column("Left so far", "right"),
    ]
    title = f"Share still there by days since hire: {rows[0][1]} of {lines[0].name} gone within {EARLY_DAYS} days"
    older = (
        f" {plural(found.older, 'agent')} hired before {found.first_hire:%Y-%m-%d} cannot be counted: of their "
        "colleagues who had already left nothing is known."
        if found.older
        else ""
    )
    alt = f"{title}. Kaplan-Meier curves of {len(lines)} groups; the dotted line marks {EARLY_DAYS} days."
    data = page.table(columns, rows, caption="Staying by hire cohort, agents still there counted so far")
    figure = page.figure(drawn[False], title=title, alt=alt, data=data, id="fig-staying", narrow=drawn[True])
    return figure + (Markup('<p class="muted">{}</p>').format(older.strip()) if older else Markup(""))


def _training(review: Review) -> Markup:
    return _by_update(review) + _by_tenure(review)


def _by_update(review: Review) -> Markup:
    found = completion_by_update(review)
    if not found:
        return Markup("")
    updates = review.register("updates")
    titles = {} if updates is None else dict(zip(updates["update_id"], updates["title"], strict=True))
    columns = [
        Column("Update"),
        Column("Trained by the due date", "right"),
        Column("Interval", "right"),
        Column("Due", "right"),
    ]
    rows: list[list[str | Markup | Cell]] = [
        [
            text_or_missing(titles.get(m.where["category"], m.where["category"])),
            Cell(page.with_bar(m.text, m.value), sort=m.value),
            m.interval_text or MISSING,
            format_value(m.denominator, "count"),
        ]
        for m in found[:_MOST_UPDATES]
    ]
    more = f", {len(found) - _MOST_UPDATES} more not shown" if len(found) > _MOST_UPDATES else ""
    caption = f"Training completed on time by update, least first{more}"
    return page.table(columns, rows, caption=caption, classes="stack")


def _by_tenure(review: Review) -> Markup:
    found = completion_by_tenure(review)
    if not found:
        return Markup("")
    columns = [
        Column("Tenure when due"),
        Column("Trained by the due date", "right"),
        Column("Interval", "right"),
        Column("Trainings", "right"),
        Column("Agents", "right"),
    ]
    rows = []
    for band, share in found.items():
        text, between = noted_share(
            review, "people.trained_on_time", share, numerator=share.estimate * share.total, where={"tenure": band}
        )
        rows.append([band, text, between, format_value(share.total, "count"), str(share.n)])
    return page.details(
        "Training completed on time by tenure",
        page.table(columns, rows, caption="By tenure; the interval takes trainings of one agent as alike"),
    )
