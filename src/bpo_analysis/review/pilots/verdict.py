"""What a pilot says about each metric, and what follows by the registered rule.

Every metric has one level, one interval, and a word read off it:

- better: the interval leaves out 0 on the good side;
- not worse (non-inferiority): it leaves out a loss of the margin; a small loss inside the margin may be shown with it;
- worse: it leaves out 0 on the bad side, and (non-inferiority) does not leave out a loss of the margin;
- cannot tell: anything else.

For one metric at level a this errs with probability a at most, whatever the truth: with no difference, "better" and
"worse" are the only false words, a / 2 each; with a loss of the margin or more, "better" and "not worse" are, and both
need the same end of the interval beyond the margin, a / 2; in between only "better" is false, a / 2. That a small loss
is "not worse" is what the margin was registered for: to call it worse would stop a pilot for a loss that was said to be
tolerable. Against history a gain that the return from a bad spell explains is not called better; that takes words away
and adds none.

Over the primary metrics the levels come from Holm's steps on the two-sided p-values, taken for gains alone: the
smallest is held against alpha / m, the next against alpha / (m - 1), until one does not pass. All others are read at
alpha / k, where k counts the metrics not called better: a loss that is clear is a finding, but no reason to be more
lenient with the losses of the others. This calls no more than Holm's steps would, so the chance that any metric is
called better or worse without a difference is alpha at most, under every dependence. If all lose exactly their margin,
the chance of any "not worse" is alpha / 2 at most, as if one margin were tested one-sided at half the level. Where some
metrics do not differ and others lose their margin, both can happen, and the two chances add. Guardrails are a family of
their own: they can only stop a pilot, never save one.

With planned looks the intervals are those of ``monitor``, so that looking does not add to any of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isfinite, nan

from bpo_analysis.data.pilots.spec import MetricRole, Outcome, PilotMetric
from bpo_analysis.errors import DataError
from bpo_analysis.formats import format_change, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.pilots.assignment import PilotRunning
from bpo_analysis.review.pilots.context import Pilot, better_of
from bpo_analysis.review.pilots.metric_tests import Answer, LooksTest, MetricTester, look_days, looks_until, tester_of
from bpo_analysis.review.pilots.results import MetricVerdict, PilotVerdict, Word

__all__ = ["Judged", "judge_family", "judge_pilot", "word_of"]

ROLES: tuple[tuple[MetricRole, str], ...] = (("primary", "primary metrics"), ("guardrail", "guardrails"))


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer of one metric at its own level."""

    answer: Answer
    adjusted_pvalue: float


def judge_pilot(pilot: Pilot, *, n_resamples: int = 4_999, rng: int = 0) -> PilotVerdict:
    """Judge a finished pilot by its registered rule.

    Parameters
    ----------
    pilot : Pilot
        Ended; or stopped early because a planned look crossed its boundary.
    n_resamples : int
        Of the permutation test, where the pilot had no interim looks.
    rng : int, default 0

    Returns
    -------
    PilotVerdict

    Raises
    ------
    PilotError
        If the pilot has not begun or not ended, there is no baseline, or no primary metric can be judged.
    """
    pilot.require_begun()
    pilot.require_baseline()
    if not pilot.ended and not looks_until(pilot):
        raise _running(pilot)
    testers, unready = _testers(pilot, n_resamples=n_resamples, rng=rng)
    judged: dict[str, Judged] = {}
    for role, _ in ROLES:
        family = {kpi: tester for kpi, tester in testers.items() if tester.metric.role == role}
        judged |= judge_family(family, pilot)
    if not pilot.ended and not any(one.answer.crossed_on for one in judged.values()):
        raise _running(pilot)
    verdicts = tuple(_verdict(pilot, testers[kpi], judged[kpi]) for kpi in testers)
    outcome, reasons = _outcome(pilot, verdicts, unready)
    return PilotVerdict(
        outcome=outcome,
        decision=pilot.spec.rule[outcome],
        metrics=verdicts,
        unready=unready,
        reasons=reasons,
        multiplicity=_multiplicity(pilot, testers),
        confidence_level=pilot.spec.confidence_level,
    )


def judge_family(family: dict[str, MetricTester], pilot: Pilot) -> dict[str, Judged]:
    """Give each metric of a family its level by Holm's steps over the gains, and answer at it."""
    alpha = 1 - pilot.spec.confidence_level
    found: dict[str, Judged] = {}
    left, floor = dict(family), 0.0
    while left:
        answers = {kpi: tester.at(1 - alpha / len(left)) for kpi, tester in left.items()}
        clear = [kpi for kpi in left if answers[kpi].clear and _gain(answers[kpi].estimate, pilot.kpi(kpi)) > 0]
        if not clear:
            break
        kpi = min(clear, key=lambda name: answers[name].pvalue)
        floor = max(floor, answers[kpi].pvalue * len(left))
        found[kpi] = Judged(answers[kpi], floor)
        del left[kpi]
    # All that are left share one level, so that a clear loss makes nobody lenient with the losses of the others.
    for kpi in left:
        pvalue = answers[kpi].pvalue
        adjusted = min(1.0, max(floor, pvalue * len(left))) if isfinite(pvalue) else nan
        found[kpi] = Judged(answers[kpi], adjusted)
    return found


def word_of(metric: PilotMetric, kpi: Kpi, low: float, high: float) -> Word:
    """Read the word off an interval of the difference."""
    worst, best = (low, high) if better_of(kpi) == "higher" else (-high, -low)
    if worst > 0:
        return "better"
    if metric.test == "noninferiority" and worst > -metric.margin:
        return "not worse"
    if best < 0:
        return "worse"
    return "cannot tell"


def _gain(value: float, kpi: Kpi) -> float:
    return value if better_of(kpi) == "higher" else -value


def _testers(pilot: Pilot, *, n_resamples: int, rng: int) -> tuple[dict[str, MetricTester], dict[str, str]]:
    testers: dict[str, MetricTester] = {}
    unready: dict[str, str] = {}
    first: DataError | None = None
    for metric in pilot.spec.metrics:
        tester = tester_of(pilot, metric, n_resamples=n_resamples, rng=rng)
        try:
            tester.at(pilot.spec.confidence_level)
            tester.facts  # noqa: B018
        except DataError as error:
            unready[metric.kpi] = str(error)
            first = first or error
        else:
            testers[metric.kpi] = tester
    if first is not None and not any(tester.metric.role == "primary" for tester in testers.values()):
        raise first
    return testers, unready


def _running(pilot: Pilot) -> Exception:
    return PilotRunning(
        f"Pilot {pilot.id!r}:",
        [
            f"it runs until {pilot.spec.end} and the data used end on {pilot.as_of}; no planned look has crossed its "
            "boundary. An evaluation before the end would count as one more look: use monitor_pilot, or change the end "
            "in the pilot file and register why."
        ],
    )


def _verdict(pilot: Pilot, tester: MetricTester, judged: Judged) -> MetricVerdict:
    metric, kpi, answer = tester.metric, pilot.kpi(tester.metric), judged.answer
    facts = tester.facts_of(answer)
    word = _word(metric, kpi, answer, facts.without_spell)
    early = answer.crossed_on is not None and answer.crossed_on != look_days(pilot)[-1]
    plain = tester.at(pilot.spec.confidence_level)
    scale = 1000.0 if kpi.unit == "share" else nan
    note = facts.note
    if kpi.better == "none":
        note = f"The catalogue leaves open which way is good; here {better_of(kpi)} is. {note}".strip()
    if facts.n_missing and not pilot.against_history:
        note = f"{plural(facts.n_missing, 'assigned unit')} without a value. {note}".strip()
    return MetricVerdict(
        kpi=kpi,
        role=metric.role,
        test=metric.test,
        margin=metric.margin,
        better=better_of(kpi),
        word=word,
        detail=_detail(pilot, metric, answer, word, facts.without_spell),
        met=word == "better" or (word == "not worse" and metric.test == "noninferiority"),
        estimate=answer.estimate,
        ci_low=answer.ci_low,
        ci_high=answer.ci_high,
        confidence_level=answer.confidence_level,
        plain_low=plain.ci_low,
        plain_high=plain.ci_high,
        plain_level=plain.confidence_level,
        pvalue=answer.pvalue,
        adjusted_pvalue=judged.adjusted_pvalue,
        family=dict(ROLES)[metric.role],
        per_1000=scale * answer.estimate,
        per_1000_low=scale * answer.ci_low,
        per_1000_high=scale * answer.ci_high,
        pilot_value=facts.pilot_value,
        baseline_value=facts.baseline_value,
        pilot_before=facts.pilot_before,
        baseline_before=facts.baseline_before,
        n_pilot=facts.n_pilot,
        n_baseline=facts.n_baseline,
        n_missing=facts.n_missing,
        contacts_pilot=facts.contacts_pilot,
        contacts_baseline=facts.contacts_baseline,
        detectable_effect=facts.detectable_effect,
        crossed_on=answer.crossed_on if early else None,
        estimate_all=_estimate_all(tester, answer.crossed_on),
        without_spell=facts.without_spell,
        method=facts.method,
        note=note,
    )


def _word(metric: PilotMetric, kpi: Kpi, answer: Answer, without_spell: tuple[float, float, float] | None) -> Word:
    """The word of an answer; after a bad spell a good word must hold without that spell too: it comes back by itself.

    The model of the change gives the last weeks before it more weight the more neighbouring weeks resemble each other,
    so that a baseline with a deep spell at its end is not the usual level, however long it is.
    """
    word = word_of(metric, kpi, answer.ci_low, answer.ci_high)
    if word not in ("better", "not worse") or without_spell is None:
        return word
    _, low, high = without_spell
    return word_of(metric, kpi, min(answer.ci_low, low), max(answer.ci_high, high))


def _estimate_all(tester: MetricTester, crossed_on: date | None) -> float:
    """The estimate of the latest look, where the answer is that of an earlier one."""
    if isinstance(tester, LooksTest) and crossed_on not in (None, tester.days[-1]):
        return float(tester.looks["estimate"].iloc[-1])
    return nan


def _detail(
    pilot: Pilot, metric: PilotMetric, answer: Answer, word: Word, without_spell: tuple[float, float, float] | None
) -> str:
    """What the word leaves out."""
    kpi = pilot.kpi(metric)
    margin = format_change(metric.margin, kpi.unit).lstrip("+")
    ends = sorted(_gain(end, kpi) for end in (answer.ci_low, answer.ci_high))
    if word == "worse":
        return ""
    if without_spell is not None and word != word_of(metric, kpi, answer.ci_low, answer.ci_high):
        alone = format_change(without_spell[0], kpi.unit)
        return (
            "the change may be what comes back by itself after the bad spell before the start: against the time before "
            f"it the change is {alone}, and not clear"
        )
    if metric.test == "noninferiority":
        if word == "cannot tell":
            return f"a loss of the margin of {margin} or more cannot be excluded"
        if word == "not worse" and ends[1] < 0:
            return "a small loss, inside the margin"
        return ""
    if ends[1] < metric.margin:
        if word == "better":
            return f"better, but by less than the {margin} that were worth having"
        return f"any gain is below the {margin} that were worth having"
    if word == "better" and ends[0] >= metric.margin:
        return f"the gain is at least the {margin} that were worth having"
    if word == "better":
        return f"a gain of {margin} is not shown"
    return ""


def _outcome(
    pilot: Pilot, verdicts: tuple[MetricVerdict, ...], unready: dict[str, str]
) -> tuple[Outcome, tuple[str, ...]]:
    primary = [one for one in verdicts if one.role == "primary"]
    guards = [one for one in verdicts if one.role == "guardrail"]
    missing = [metric.kpi for metric in pilot.spec.primaries if metric.kpi in unready]
    reasons = [f"{one.kpi.label}: {one.word}{f', {one.detail}' if one.detail else ''}." for one in verdicts]
    reasons += [f"{kpi} cannot be judged: {reason}" for kpi, reason in unready.items()]
    early = sorted({one.crossed_on for one in verdicts if one.crossed_on is not None})
    if early and pilot.ended:
        names = ", ".join(one.kpi.label for one in verdicts if one.crossed_on is not None)
        reasons.append(
            f"{names} crossed the boundary at a planned look ({', '.join(map(str, early))}) and the pilot went on; the "
            "answer is that of the look, later data do not change it."
        )
    if any(one.word == "worse" for one in primary):
        return "worse", tuple(reasons)
    if any(one.word == "worse" for one in guards):
        return "guardrail", tuple(reasons)
    if not missing and all(one.met for one in primary):
        return "met", tuple(reasons)
    return "cannot_tell", tuple(reasons)


def _multiplicity(pilot: Pilot, testers: dict[str, MetricTester]) -> tuple[str, ...]:
    alpha = f"{100 * (1 - pilot.spec.confidence_level):.3g} %"
    lines = []
    for role, title in ROLES:
        labels = [pilot.kpi(kpi).label for kpi, tester in testers.items() if tester.metric.role == role]
        if len(labels) > 1:
            lines.append(
                f"Family of {title} (Holm, {alpha}): {', '.join(labels)}. The chance that any of them is called "
                "better or "
                f"worse without a difference is {alpha} at most."
            )
        elif labels:
            lines.append(f"Family of {title} ({alpha}): {labels[0]} alone.")
    looks = len(look_days(pilot))
    if looks > 1 and pilot.against_history:
        lines.append(f"{looks} looks were planned, the end included: every p-value is multiplied by {looks}.")
    elif looks > 1:
        name = {"obrien-fleming": "O'Brien-Fleming", "pocock": "Pocock"}[pilot.spec.spending]
        lines.append(
            f"{looks} looks were planned, the end included: the level is spent over them ({name}, by the "
            "information expected at each before the start), so that looking does not add false alarms."
        )
    return tuple(lines)
