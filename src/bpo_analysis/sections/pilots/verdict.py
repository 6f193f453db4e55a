"""First screen of an evaluated pilot, and its decision box."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_change, format_value, plural, unbroken
from bpo_analysis.kpis import Kpi
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import ForestRow, plot_forest, to_svg
from bpo_analysis.review.pilots.context import base_words
from bpo_analysis.review.pilots.results import MetricVerdict, PilotVerdict
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.pilots.parts import (
    change_cell,
    concerns_in_words,
    headline_of,
    interval_words,
    is_fixed,
    metric_name,
    per_thousand,
    ramp_words,
    registration_note,
    role_word,
    rule_in_words,
    state_mark,
    tone_of,
    when_due,
    word_mark,
)
from bpo_analysis.sections.pilots.view import PilotPage, span_title
from bpo_analysis.sections.section import Section

__all__ = ["decision", "first_screen", "margin_words"]

DECISIONS: Final = {
    "expand": "expand",
    "extend": "extend",
    "change": "change it before going on",
    "stop": "stop",
}
_TONES: Final = {"expand": "good", "extend": "", "change": "bad", "stop": "bad"}
_MAX_WARNINGS = 4
_CUSTOMERS = 3
"""Place of the column in customers' terms."""


@listed
def first_screen(view: PilotPage) -> Section:
    """Verdict, metrics against their margins, registration, and what must be known before it is used."""
    if view.not_due:
        return _not_due(view)
    found = view.evaluation
    sentence = verdict_sentence(view)
    html = Markup(
        '<div class="first-screen" id="summary"><p class="verdict {tone}">{sentence}</p>{table}'
        '<div class="columns"><div>{forest}</div><div>{registration}{warnings}</div></div>'
        '<p class="confidence">{counted}</p></div>'
    ).format(
        tone=_TONES[found.verdict.decision],
        sentence=sentence,
        table=_metrics(view),
        forest=_forest(view),
        registration=registration_note(view),
        warnings=_warnings(view),
        counted=_counted(view),
    )
    headline = _headline(view, sentence, found.verdict.decision)
    return Section("summary", html, {"headline": headline, "pilot": _summary(view)})


def _not_due(view: PilotPage) -> Section:
    """First screen of an evaluation that was asked for too early: no number, and where the pilot can be followed."""
    html = Markup(
        '<div class="first-screen" id="summary"><p class="verdict ">{sentence}</p>{registration}'
        "<p>Until then it is followed on its monitor (template <code>pilot_monitor</code>).</p></div>"
    ).format(sentence=view.not_due, registration=registration_note(view))
    return Section("summary", html, {"headline": _headline(view, f"not due until {view.pilot.spec.end}")})


def verdict_sentence(view: PilotPage) -> str:
    """The decision by the rule, and why."""
    verdict = view.evaluation.verdict
    rule = (
        "By the registered rule" if is_fixed(view) else "By the rule in the pilot file, which was not fixed beforehand"
    )
    return f"{rule}: {DECISIONS[verdict.decision]}. {_why(view, verdict)}"


def _why(view: PilotPage, verdict: PilotVerdict) -> str:
    primary = [one for one in verdict.metrics if one.role == "primary"]
    guards = [one for one in verdict.metrics if one.role == "guardrail"]
    worse = [one for one in (primary if verdict.outcome == "worse" else guards) if one.word == "worse"]
    unready = [view.pilot.kpis[name].label for name in verdict.unready]
    if verdict.outcome in ("worse", "guardrail"):
        said = f"{_named(worse)} {_is(worse)} worse ({_numbers(view, worse[0])})"
        rest = [one for one in primary if one not in worse]
        return f"{said}; {_words(rest)}." if rest else f"{said}."
    if verdict.outcome == "met":
        guarded = "and no guardrail is worse" if guards else "and there is no guardrail"
        return f"{_words(primary, view)}, {guarded}."
    open_ones = [one for one in primary if not one.met]
    parts = [f"{one.kpi.label}: {_open(view, one)}" for one in open_ones]
    parts += [f"{label} cannot be judged" for label in unready]
    return f"{'; '.join(parts)}."


def _open(view: PilotPage, one: MetricVerdict) -> str:
    reason = one.detail or ("not shown to be better" if one.test == "superiority" else one.word)
    return f"{reason} ({_numbers(view, one)})"


def _numbers(view: PilotPage, one: MetricVerdict) -> str:
    change = format_change(one.estimate, one.kpi.unit, currency=view.currency)
    interval = interval_words(one.kpi, one.ci_low, one.ci_high, one.confidence_level, view.currency)
    return f"{change}, {interval.partition(' % ')[2]}" if isfinite(one.ci_low) else f"{change}, {interval}"


def _words(metrics: list[MetricVerdict], view: PilotPage | None = None) -> str:
    groups: dict[str, list[MetricVerdict]] = {}
    for one in metrics:
        groups.setdefault(one.word, []).append(one)
    parts = []
    for word, members in groups.items():
        named = _named(members, role=False)
        said = f"about {named} the data cannot tell" if word == "cannot tell" else f"{named} {_is(members)} {word}"
        numbers = f" ({_numbers(view, members[0])})" if view is not None and len(members) == 1 else ""
        parts.append(f"{said}{numbers}")
    return " and ".join(parts)


def _named(metrics: list[MetricVerdict], *, role: bool = True) -> str:
    names = [one.kpi.label for one in metrics]
    text = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{text}, a guardrail," if role and len(names) == 1 and metrics[0].role == "guardrail" else text


def _is(metrics: list[MetricVerdict]) -> str:
    return "is" if len(metrics) == 1 else "are"


def margin_words(view: PilotPage, margin: float, unit: Any, test: str) -> str:
    """What a margin means."""
    size = format_change(margin, unit, currency=view.currency).lstrip("+")
    return f"no loss of {size}" if test == "noninferiority" else f"any gain (worth having: {size})"


def _metrics(view: PilotPage) -> Markup:
    against = view.pilot.against_history
    each = "mean of periods" if against else f"mean of {view.pilot.spec.unit}s"
    columns = [
        Column("Metric"),
        Column("Verdict", note="to be shown"),
        Column(view.noun.capitalize(), "right", "with interval"),
        Column("In customers' terms"),
        Column("Since the start" if against else "Pilot", "right", each),
        Column("Before" if against else "Baseline", "right", each),
    ]
    rows: list[list[str | Markup | Cell]] = [_row(view, one) for one in view.evaluation.metrics]
    for name, reason in view.evaluation.verdict.unready.items():
        metric = next(one for one in view.pilot.spec.metrics if one.kpi == name)
        kpi = view.pilot.kpis[name]
        word = _verdict_cell(view, "not judged", metric.margin, kpi, metric.test)
        rows.append([metric_name(kpi, metric.role), word, reason, MISSING, MISSING, MISSING])
    if all(row[_CUSTOMERS] == MISSING for row in rows):
        columns = columns[:_CUSTOMERS] + columns[_CUSTOMERS + 1 :]
        rows = [row[:_CUSTOMERS] + row[_CUSTOMERS + 1 :] for row in rows]
    return page.table(columns, rows, caption="What was to be shown, and what the data show", classes="scorecard stack")


def _row(view: PilotPage, one: MetricVerdict) -> list[str | Markup | Cell]:
    when = ""
    if one.crossed_on:
        whole = format_change(one.estimate_all, one.kpi.unit, currency=view.currency)
        later = f"; with all data {whole}" if isfinite(one.estimate_all) else ""
        when = f"; everything here at the look of {one.crossed_on}{later}"
    if one.detail:
        when += f"; {one.detail}"
    return [
        metric_name(one.kpi, one.role),
        _verdict_cell(view, one.word, one.margin, one.kpi, one.test, when),
        _change(view, one),
        per_thousand(one.kpi, one.estimate, one.ci_low, one.ci_high, view.currency) or MISSING,
        _arm(view, one, one.pilot_value, one.n_pilot, one.contacts_pilot),
        _arm(view, one, one.baseline_value, one.n_baseline, one.contacts_baseline),
    ]


def _change(view: PilotPage, one: MetricVerdict) -> Cell:
    """The difference; after a bad spell before the start, beside it that without: a good word must hold there too."""
    cell = change_cell(one.kpi, one.estimate, one.ci_low, one.ci_high, one.confidence_level, view.currency)
    if one.without_spell is None:
        return cell
    value, low, high = one.without_spell
    said = "not known: too little is left"
    if isfinite(value):
        interval = interval_words(one.kpi, low, high, one.confidence_level, view.currency, short=True)
        said = f"{format_change(value, one.kpi.unit, currency=view.currency)} ({interval})"
    beside = Markup(
        ' <span class="interval">without the bad spell before the start</span> <span class="interval">{}</span>'
    )
    return Cell(Markup("{}{}").format(cell.text, beside.format(said)), sort=cell.sort)


def _verdict_cell(view: PilotPage, word: Any, margin: float, kpi: Kpi, test: str, when: str = "") -> Markup:
    asked = unbroken(margin_words(view, margin, kpi.unit, test))
    # The detail is a sentence and may wrap; the margin is a number and may not.
    detail = Markup(' <small class="why">{}</small>').format(when.removeprefix("; ")) if when else Markup("")
    return Markup('{} <span class="interval">{}</span>{}').format(word_mark(word), asked, detail)


def _arm(view: PilotPage, one: MetricVerdict, value: float, units: int, contacts: float) -> Cell:
    base = f"{contacts:,.0f} {base_words(one.kpi)}"
    return Cell(
        Markup(
            '<span class="value">{}</span> <span class="interval">{}</span> <span class="interval">{}</span>'
        ).format(format_value(value, one.kpi.unit, currency=view.currency), view.units(units), base),
        sort=value if isfinite(value) else None,
    )


def _forest(view: PilotPage) -> Markup:
    metrics = view.evaluation.metrics
    rows = []
    for one in metrics:
        sign = 1 if one.better == "higher" else -1
        ends = sorted(sign * end / one.margin for end in (one.ci_low, one.ci_high))
        limit = {"loss": -1.0} if one.test == "noninferiority" else {"gain": 1.0}
        rows.append(
            ForestRow(
                label=one.kpi.label,
                estimate=sign * one.estimate / one.margin,
                ci_low=ends[0],
                ci_high=ends[1],
                tone=tone_of(one.word),  # type: ignore[arg-type]
                **limit,  # type: ignore[arg-type]
            )
        )
    title = _finding(metrics)
    wide, narrow = (
        plot_forest(
            rows,
            format_value=lambda v: f"{v:+.3g}".replace("-", "−").replace("+0", "0"),
            xlabel=_axis(metrics, phone=phone),
            phone=phone,
        )
        for phone in (False, True)
    )
    spoken = "; ".join(
        f"{row.label} {_minus(row.estimate)} ({_minus(row.ci_low)} to {_minus(row.ci_high)})" for row in rows
    )
    alt = f"{title}. Forest plot in units of each metric's margin, good to the right: {spoken}."
    table = page.table(
        [Column("Metric"), Column("In margins", "right"), Column("Interval", "right")],
        [[row.label, _minus(row.estimate), f"{_minus(row.ci_low)} to {_minus(row.ci_high)}"] for row in rows],
        caption=f"The {view.noun} of each metric in units of its margin; above 0 is better",
    )
    return page.figure(to_svg(wide), narrow=to_svg(narrow), title=title, alt=alt, data=table, id="fig-forest")


def _minus(value: float) -> str:
    """A signed number in margins; an interval without an end has no number there."""
    return f"{value:+.2f}".replace("-", "−") if isfinite(value) else "no limit"


def _axis(metrics: tuple[MetricVerdict, ...], *, phone: bool) -> str:
    tests = {one.test for one in metrics}
    parts = ["shaded: a loss of the margin or more"] if "noninferiority" in tests else []
    parts += ["dotted: a gain worth having"] if "superiority" in tests else []
    # More than this on one line would be wider than the picture.
    first = ["in margins of each metric", parts[0]] if phone else [f"in margins of each metric; {parts[0]}"]
    return "\n".join([*first, *parts[1:]])


def _finding(metrics: tuple[MetricVerdict, ...]) -> str:
    """The metrics by where their intervals lie."""
    groups: dict[str, list[str]] = {}
    for one in metrics:
        nearest = -one.ci_high if one.better == "higher" else one.ci_low
        where = {"better": "Better", "not worse": "Within its margin", "cannot tell": "Open"}.get(one.word, "Worse")
        if where == "Worse" and one.test == "noninferiority" and nearest >= one.margin:
            where = "Worse by more than its margin"
        groups.setdefault(where, []).append(one.kpi.label)
    order = ("Worse by more than its margin", "Worse", "Open", "Within its margin", "Better")
    said = "; ".join(f"{where.lower()}: {', '.join(groups[where])}" for where in order if where in groups)
    return f"{said[0].upper()}{said[1:]}"


def _warnings(view: PilotPage) -> Markup:
    """What must be known before the verdict is used; what the checks of the data found, in one line."""
    found, registration = view.evaluation, view.pilot.registration
    concerns = found.health.concerns
    known = {check.sentence for check in concerns} | ({registration.sentence} if registration is not None else set())
    said: list[str | Markup] = [text for text in found.warnings if text not in known]
    if not found.claims.causal and found.claims.cannot:
        said.insert(0, found.claims.cannot[0])
    if concerns:
        said.append(Markup('Look into the <a href="#health">data</a>: {}').format(concerns_in_words(found.health)))
    shown = said if len(said) <= _MAX_WARNINGS else said[: _MAX_WARNINGS - 1]
    items = Markup("").join(Markup('<li class="warning">{}</li>').format(text) for text in shown)
    if len(shown) < len(said):
        items += Markup('<li><a href="#health">{} more</a></li>').format(len(said) - len(shown))
    return Markup('<ul class="flags" aria-label="To know before use">{}</ul>').format(items) if items else Markup("")


def _counted(view: PilotPage) -> str:
    spec, found = view.pilot.spec, view.evaluation
    ramp = f" ({ramp_words(view)} left out)" if spec.ramp_weeks else ""
    if spec.assignment == "random":
        how = f"{spec.unit}s drawn at random"
    elif spec.assignment == "chosen":
        how = f"{spec.unit}s chosen, not drawn"
    else:
        how = "a whole site"
    against = ", against its own history" if view.pilot.against_history else ""
    primary = sum(one.role == "primary" for one in spec.metrics)
    several = f" {plural(primary, role_word('primary'))}." if primary > 1 else ""
    return (
        f"Counted: {span_title(found.window_start, found.window_end)}{ramp}; {how}{against}; each counts where it was "
        f"assigned.{several} Hypothesis: {spec.hypothesis or 'none on record'}"
    )


@listed
@when_due("decision", "Decision")
def decision(view: PilotPage) -> Section:
    """The rule, what it says of this pilot, and what was decided."""
    spec, verdict = view.pilot.spec, view.evaluation.verdict
    rows: list[list[str | Markup | Cell]] = []
    for outcome, words, then in rule_in_words(view):
        here = outcome == verdict.outcome
        rows.append(
            [
                Markup("<strong>{}</strong>").format(words) if here else words,
                Markup("<strong>{}</strong>").format(then) if here else then,
                state_mark("this pilot") if here else "",
            ]
        )
    rule = page.table([Column("If"), Column("Then"), Column("Outcome")], rows, caption="The decision rule")
    if spec.log:
        log = page.table(
            [Column("Date"), Column("Decision"), Column("By"), Column("Note")],
            [[str(e.date), e.decision.capitalize(), e.by or MISSING, e.note or MISSING] for e in spec.log],
            caption="Decision log",
        )
        last = spec.log[-1].decision
        if last != verdict.decision:
            log += page.note(f"The last decision ({last}) is not what the rule says ({verdict.decision}).", "warning")
    else:
        log = Markup("<p>No decision is on record yet: add one under [[log]] in the pilot file.</p>")
    body = Markup('<div class="columns"><div>{}</div><div>{}</div></div>').format(rule, log)
    return Section(
        "decision", page.section("decision", "Decision", body, question="What follows, and who decided what?")
    )


def _headline(view: PilotPage, sentence: str, decision: str = "") -> dict[str, Any]:
    title, until = view.pilot.spec.title, f"Pilot data until {view.pilot.as_of}."
    return headline_of(view, f"Pilot {title}", sentence, coverage=until, decision=decision)


def _summary(view: PilotPage) -> dict[str, Any]:
    """The verdict for machines."""
    verdict, registration = view.evaluation.verdict, view.pilot.registration
    names = ("word", "met", "margin", "estimate", "ci_low", "ci_high", "confidence_level", "adjusted_pvalue")
    return {
        "id": view.pilot.id,
        "digest": view.pilot.spec.digest,
        "registration": registration.state if registration else "unknown",
        "as_of": str(view.pilot.as_of),
        "outcome": verdict.outcome,
        "decision": verdict.decision,
        "metrics": [
            {"kpi": one.kpi.name, "role": one.role, "test": one.test}
            | {name: _plain(getattr(one, name)) for name in names}
            for one in verdict.metrics
        ],
        "unready": dict(verdict.unready),
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
