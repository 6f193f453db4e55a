"""Building blocks of the pages about pilots: heading, registration, marks, numbers in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from math import isfinite
from typing import Any, Final

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.errors import suggest
from bpo_analysis.formats import MISSING, format_change, format_interval, format_value, unbroken
from bpo_analysis.kpis import Kpi
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.pilots.context import base_words
from bpo_analysis.review.pilots.results import DataHealth, Effect
from bpo_analysis.sections.pilots.view import STAGES, PilotPage, day_title, span_title
from bpo_analysis.sections.section import Section, missing

__all__ = [
    "ROLES",
    "bullets",
    "change_cell",
    "concerns_in_words",
    "headline_of",
    "health_tables",
    "interval_words",
    "is_fixed",
    "masthead",
    "metric_name",
    "per_thousand",
    "ramp_words",
    "registration_note",
    "role_word",
    "rule_in_words",
    "state_mark",
    "tone_of",
    "when_due",
    "word_mark",
]

ROLES: Final = {"primary": "Primary", "guardrail": "Guardrail"}
_STATUSES = ("final", "draft")
_OUTCOMES: Final = {
    "met": "Every primary metric is what it was to be, and no guardrail is worse",
    "worse": "A primary metric is worse",
    "guardrail": "A guardrail is worse, and no primary metric",
    "cannot_tell": "Anything else",
}
# Word -> (shape, tone): as the marks of contracts, never colour alone.
_WORDS: Final = {
    "better": ("▲", "good"),
    "not worse": ("✓", "good"),
    "worse": ("▼", "bad"),
    "cannot tell": ("≈", "none"),
    "not judged": ("–", "none"),
}
_STATES: Final = {
    "fine": ("✓", "good"),
    "look into it": ("!", "bad"),
    "not checked": ("–", "none"),
    "enough": ("✓", "good"),
    "too small": ("✕", "bad"),
    "goes on": ("→", "none"),
    "not crossed": ("–", "none"),
    "crossed, better": ("▲", "good"),
    "crossed, worse": ("▼", "bad"),
    "crossed, not worse": ("✓", "good"),
    "this pilot": ("◆", "none"),
}
_CHECKS: Final = {"cases": "number of cases", "missing": "missing values"}
_JUDGED: Final = (
    "How checks are judged: those of splits, missing values and answers by a test at 5 % over all of them together; "
    "leaving at 5 % by itself; the others by the size of what was found."
)
_HOURS: Final = {"seconds": 1 / 3600, "minutes": 1 / 60, "hours": 1.0}


def masthead(view: PilotPage, *, status: str = "final") -> Section:
    """Which pilot, whose, when, from which data: the heading of a page."""
    if status not in _STATUSES:
        raise ValueError(f"status must be one of {_STATUSES}, got {status!r}.{suggest(status, _STATUSES)}")
    spec, dataset = view.pilot.spec, view.review.dataset
    draft = Markup(' <strong class="draft">Draft</strong>') if status == "draft" else Markup("")
    html = Markup(
        '<header class="masthead"><h1>{title}: {stage}{draft}</h1><p>{client}{partner}. Pilot {dates}. '
        'Data until {as_of}, <a href="#appendix">fingerprint {print}</a>.</p></header>'
    ).format(
        title=spec.title,
        stage=STAGES[view.stage],
        draft=draft,
        client=f"{dataset.config.client}. " if dataset.config.client else "",
        partner=view.review.name,
        dates=span_title(spec.start, spec.end),
        as_of=day_title(view.pilot.as_of),
        print=dataset.fingerprint[:8],
    )
    return Section("masthead", html)


def when_due(id: str, title: str) -> Callable[[Callable[[PilotPage], Section]], Callable[[PilotPage], Section]]:
    """Make a section of an evaluation one line with the reason where the pilot still runs."""

    def decorate(make: Callable[[PilotPage], Section]) -> Callable[[PilotPage], Section]:
        @wraps(make)
        def section(view: PilotPage) -> Section:
            reason = view.not_due.removeprefix("Not due: ")
            return missing(id, title, reason) if reason else make(view)

        return section

    return decorate


def headline_of(view: PilotPage, about: str, sentence: str, *, coverage: str, decision: str = "") -> dict[str, Any]:
    """What the index says of a page: whose it is, what it says, and of which pilot at which stage."""
    review, spec = view.review, view.pilot.spec
    return {
        "partner_id": review.partner_id,
        "partner": review.name,
        "kind": "in-house" if review.partner["kind"] == "inhouse" else "",
        "period": review.period.label,
        "period_label": review.period.title,
        "verdict": f"{about}: {sentence}",
        "coverage": coverage,
        "kpis": [],
        "pilot": {"id": spec.id, "title": spec.title, "stage": view.stage, "said": sentence, "decision": decision},
    }


def registration_note(view: PilotPage) -> Markup:
    """What is known of when the plan was fixed, and whether it has changed."""
    registration = view.pilot.registration
    if registration is None:
        return page.note("Registration not read: this pilot was not opened from a dataset folder.", "warning")
    amended = any(one.after_start for one in registration.amendments)
    sound = registration.state == "registered" and not registration.late and not amended
    return page.note(registration.sentence, "good" if sound else "warning")


def is_fixed(view: PilotPage) -> bool:
    """Whether the rule was registered before the start and is the one in the pilot file."""
    registration = view.pilot.registration
    return registration is not None and registration.state == "registered" and not registration.late


def metric_name(kpi: Kpi, role: str) -> Markup:
    """Name of a metric, linked to its definition, below its role."""
    return Markup('<span class="group">{}</span> <a class="kpi" href="#def-{}">{}</a>').format(
        ROLES[role], kpi.name, kpi.label
    )


def role_word(role: str) -> str:
    """Role of a metric in a sentence."""
    return "guardrail" if role == "guardrail" else "primary metric"


def ramp_words(view: PilotPage) -> str:
    """The weeks that do not count."""
    weeks = view.pilot.spec.ramp_weeks
    return "the first week" if weeks == 1 else f"the first {weeks} weeks"


def rule_in_words(view: PilotPage) -> list[tuple[str, str, str]]:
    """Outcomes of the decision rule: name, words, and what follows."""
    rule = view.pilot.spec.rule
    order = list(_OUTCOMES)
    return [(name, _OUTCOMES[name], rule[name].capitalize()) for name in sorted(rule, key=order.index)]


def word_mark(word: str) -> Markup:
    """Mark of what is said about a metric: shape and word."""
    return _mark(_WORDS, word)


def state_mark(state: str) -> Markup:
    """Mark of a state: shape and word."""
    return _mark(_STATES, state)


def _mark(known: dict[str, tuple[str, str]], word: str) -> Markup:
    shape, tone = known[word]
    return Markup('<span class="mark contract {}"><b aria-hidden="true">{}</b> {}</span>').format(tone, shape, word)


def tone_of(word: str) -> str:
    """Tone of a word for colours."""
    return _WORDS.get(word, ("", "none"))[1]


def interval_words(kpi: Kpi, low: float, high: float, level: float, currency: str = "", *, short: bool = False) -> str:
    """An interval of a difference with its level; short for cells, whose heading says what it is."""
    percent = f"{100 * level:.4g} %"
    if not (isfinite(low) and isfinite(high)):
        return f"no {percent} interval"
    # Differences of shares are percentage points.
    text = format_interval(low, high, kpi.unit, currency=currency).replace(" %", " pp")
    return f"{percent}: {text}" if short else f"{percent} interval {text}"


def change_cell(kpi: Kpi, value: float, low: float, high: float, level: float, currency: str = "") -> Cell:
    """A difference with its interval below it."""
    if not isfinite(value):
        return Cell(MISSING)
    return Cell(
        Markup('<span class="value">{}</span> <span class="interval">{}</span>').format(
            format_change(value, kpi.unit, currency=currency),
            interval_words(kpi, low, high, level, currency, short=True),
        ),
        sort=value,
    )


def per_thousand(kpi: Kpi, value: float, low: float, high: float, currency: str = "") -> str:
    """A difference in terms of 1,000 contacts: cases, hours or money; empty for units that have no such meaning."""
    base = base_words(kpi)
    if kpi.unit == "share":
        return f"{_more(1000 * value, 1000 * low, 1000 * high)} per 1,000 {base}"
    if kpi.unit in _HOURS:
        factor = 1000 * _HOURS[kpi.unit]
        return f"{_more(factor * value, factor * low, factor * high, unit=' h')} per 1,000 {base}"
    if kpi.unit == "money":
        unit = f" {currency}".rstrip()
        return f"{_more(1000 * value, 1000 * low, 1000 * high, unit=unit)} per 1,000 {base}"
    return ""


def _more(value: float, low: float, high: float, unit: str = "") -> str:
    digits = 1 if unit and max(abs(value), abs(low), abs(high)) < 10 else 0

    def said(number: float) -> str:
        return unbroken(f"{abs(number):,.{digits}f}{unit}")

    word = {True: "more", False: "fewer" if not unit else "less"}
    if not (isfinite(low) and isfinite(high)):
        return f"{said(value)} {word[value >= 0]}"
    if low >= 0 or high <= 0:
        near, far = sorted((low, high), key=abs)
        return f"{said(value)} {word[value >= 0]} ({said(near)} to {said(far)})"
    return f"{said(value)} {word[value >= 0]} ({said(low)} {word[False]} to {said(high)} more)"


def bullets(sentences: Iterable[str | Markup]) -> Markup:
    """A list of sentences."""
    items = Markup("").join(Markup("<li>{}</li>").format(sentence) for sentence in sentences)
    return Markup("<ul>{}</ul>").format(items) if items else Markup("")


def effect_rows(kpi: Kpi, effects: Sequence[Effect], currency: str = "") -> list[list[str | Markup | Cell]]:
    """Rows of a table of estimates: name, difference, interval, units, word, note."""
    return [
        [
            effect.name.replace("_", " "),
            format_change(effect.estimate, kpi.unit, currency=currency),
            interval_words(kpi, effect.ci_low, effect.ci_high, effect.confidence_level, currency)
            if isfinite(effect.estimate)
            else MISSING,
            f"{effect.n_pilot} / {effect.n_baseline}",
            word_mark(effect.word) if effect.word else MISSING,
            effect.note or MISSING,
        ]
        for effect in effects
    ]


def health_tables(view: PilotPage, health: DataHealth) -> Markup:
    """Checks of the data, concerns first, and the counts behind them."""
    order = {"look into it": 0, "not checked": 1, "fine": 2}
    checks = sorted(health.checks, key=lambda check: order[check.state])
    table = page.table(
        [Column("Check"), Column("State"), Column("Found")],
        [[check.name[0].upper() + check.name[1:], state_mark(check.state), check.sentence] for check in checks],
        caption="Can the data carry the answer?",
        classes="stack sentences",
    ) + Markup('<p class="muted">{}</p>').format(_JUDGED)
    kpis = view.pilot.kpis
    rows = [
        [
            kpis[str(row["kpi"])].label,
            str(row["arm"]),
            f"{row['units']:,}",
            f"{row['without']:,}",
            _rate(row["per_unit_week_before"]),
            _rate(row["per_unit_week"]),
            f"{100 * row['change']:+.0f} %".replace("-", "−") if isfinite(row["change"]) else MISSING,
        ]
        for row in health.metrics.to_dict("records")
    ]
    columns = [
        Column("Metric"),
        Column("Arm"),
        Column("Units", "right"),
        Column("Without a value", "right"),
        Column("Cases a unit and week before", "right"),
        Column("Cases a unit and week since the start", "right"),
        Column("Change", "right"),
    ]
    return table + page.details(
        "Cases by metric and arm", page.table(columns, rows, caption="What the metrics rest on", classes="stack")
    )


def concerns_in_words(health: DataHealth) -> str:
    """What the checks of the data found, in a few words each; empty where they found nothing."""
    groups: dict[str, list[str]] = {}
    for check in health.concerns:
        kind, _, metric = check.name.partition(": ")
        groups.setdefault(_CHECKS.get(kind, kind), []).extend([metric] if metric else [])
    return "; ".join(f"{kind} of {' and '.join(metrics)}" if metrics else kind for kind, metrics in groups.items())


def _rate(value: float) -> str:
    return format_value(value, "score") if isfinite(value) else MISSING
