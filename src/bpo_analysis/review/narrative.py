"""Findings with what a reader needs to act on them: how sure, since when, what carries it, what it means, what to do.

Every part comes from a result. Ranked by consequence times certainty: a KPI with an agreed target counts three times,
one of the first screen twice, any other once, each times how large the change is against its level; certainty is one
minus the adjusted p-value. The rank orders the list and is never printed as a number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import isnan

from bpo_analysis.formats import format_pvalue, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.changes import change_of
from bpo_analysis.review.context import Review
from bpo_analysis.review.drivers import events_between
from bpo_analysis.review.findings import MAX_ON_FIRST_SCREEN, Finding, carried, change_claim, near, pattern_claim
from bpo_analysis.review.leads import leads
from bpo_analysis.review.patterns import pattern_names, pattern_of
from bpo_analysis.review.plan import LEADS, PATTERNS, change_family, judgement
from bpo_analysis.review.registers import actions_at
from bpo_analysis.review.scorecard import Clause, ScoreRow, clauses, score, scorecard
from bpo_analysis.review.steps import EVENT_DAYS, steps_of

__all__ = ["Insight", "Standing", "first_findings", "insights", "strengths_and_gaps"]

_WITH_TARGET, _HEADLINE, _OTHER = 3, 2, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """One thing that happened, and all that is known about it.

    Attributes
    ----------
    finding : Finding
        What moved, by how much, with interval; its tone; where the evidence is.
    sure, since, carried, near, leading, meaning : str
        How sure; since when; slice and effect that carry it; dated event and leading KPI near it; against target and
        contract. Empty where nothing is known.
    proposal, owner, due : str
        What is proposed or already under way, who owns it, by when.
    pvalue : float
        Adjusted for all tests of the page.
    rank : float
        Consequence times certainty.
    """

    kpi: Kpi
    finding: Finding
    sure: str
    since: str
    carried: str
    near: str
    leading: str
    meaning: str
    proposal: str
    owner: str
    due: str
    pvalue: float
    rank: float

    @property
    def sentence(self) -> str:
        """The finding with what carries it and what stands near it, for the first screen."""
        return " ".join(filter(None, (self.finding.text, self.carried, self.near, self.meaning)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a KPI stands against its target, in half-widths of its interval: far beyond it is beyond doubt."""

    clause: Clause
    distance: float

    @property
    def is_strength(self) -> bool:
        """Whether it is on the good side."""
        return self.distance > 0


def insights(review: Review) -> list[Insight]:
    """Return everything this report found to have happened, the most consequential and certain first."""
    return review.once("insights", _insights)


def first_findings(review: Review) -> list[Finding]:
    """Return at most three findings for the first screen, with an improvement among them if there is one."""
    ranked = insights(review)
    shown = ranked[:MAX_ON_FIRST_SCREEN]
    good = [one for one in ranked if one.finding.tone == "good"]
    if good and good[0] not in shown and len(shown) == MAX_ON_FIRST_SCREEN:
        shown = [*shown[:-1], good[0]]
    return [replace(one.finding, text=one.sentence, kpi=one.kpi.name) for one in shown]


def strengths_and_gaps(review: Review) -> tuple[list[Standing], list[Standing]]:
    """Return where the partner is beyond doubt better and worse than agreed, the clearest first.

    Returns
    -------
    strengths, gaps : list of Standing
    """
    agreed = [clause for clause in clauses(review) if clause.row.contract in ("met", "missed", "not due")]
    found = [standing for clause in agreed if (standing := _standing(clause)) is not None]
    found.sort(key=lambda standing: abs(standing.distance), reverse=True)
    return [s for s in found if s.is_strength], [s for s in found if not s.is_strength]


def _standing(clause: Clause) -> Standing | None:
    row = clause.row
    if row.measure is None or row.target is None or row.good is None or row.measure.limits is None:
        return None
    low, high = row.measure.limits
    ends = [row.target.value] if row.target.value_high is None else [row.target.value, row.target.value_high]
    half = max((high - low) / 2, 1e-12)
    distance = min(abs(row.measure.value - end) for end in ends) / half
    return Standing(clause=clause, distance=distance if row.good else -distance)


def _redefined(review: Review, name: str, start: date, end: date) -> str:
    """The change of definition in a stretch, if there is one: then nothing is known to be better or worse."""
    events = events_between(review, start, end, name)
    changed = events[(events["kind"] == "definition") & (events["kpi"] == name)]
    return "" if changed.empty else f"{changed.iloc[-1]['title']} ({changed.iloc[-1]['start']:%Y-%m-%d})"


def _insights(review: Review) -> list[Insight]:
    rows = {row.kpi.name: row for row in scorecard(review)}
    moved = [row for row in rows.values() if row.change_is_clear or row.drift_is_clear]
    found = [_of_change(review, row) for row in moved]
    told = {row.kpi.name for row in moved}
    for name in pattern_names(review):
        if name not in told:
            finding = pattern_claim(review, name)
            if finding is not None:
                found.append(_of_pattern(review, name, finding, rows.get(name) or score(review, name)))
    return sorted(found, key=lambda one: -one.rank)


def _of_change(review: Review, row: ScoreRow) -> Insight:
    sudden = row.change_is_clear
    label = change_of(review, row.kpi.name, "before" if sudden else "earlier").label
    family = change_family(review, row.kpi.name)
    change, value = (row.change if sudden else row.drift) or 0.0, row.measure.value if row.measure else 0.0
    return _insight(
        review,
        row,
        finding=change_claim(review, row),
        pvalue=judgement(review).adjusted(family)[label],
        since=_since(review, row.kpi.name) or f"against {review.before_title if sudden else review.earlier_title}",
        carried=carried(review, row.kpi.name) if sudden else "",
        near=near(review, row.kpi.name, sudden=sudden),
        redefined=_redefined(
            review, row.kpi.name, (review.before() if sudden else review.earlier())[0], review.period.end
        ),
        size=abs(change) / max(abs(value - change), 1e-12),
    )


def _of_pattern(review: Review, name: str, finding: Finding, row: ScoreRow) -> Insight:
    pattern = pattern_of(review, name)
    steps = steps_of(review, pattern)
    label = pattern.change_label if steps else pattern.trend_label
    start, end = (pattern.series["start"].iloc[0], review.period.end)
    if steps:
        start, end = (steps[-1].first - timedelta(days=EVENT_DAYS), steps[-1].last + timedelta(days=EVENT_DAYS))
    level = abs(row.measure.value) if row.measure else float("nan")
    moved = abs(steps[-1].shift) if steps else abs(pattern.trend.slope_per_period) * 13 if pattern.trend else 0.0
    return _insight(
        review,
        row,
        finding=finding,
        pvalue=judgement(review).adjusted(PATTERNS)[label],
        since=_since(review, name) or f"over {plural(len(pattern.series), pattern.unit)}",
        carried="",
        near=f"Near in time: {steps[-1].near}." if steps and steps[-1].near else "",
        redefined=_redefined(review, name, start, end),
        size=moved / level if level else 0.0,
    )


def _since(review: Review, name: str) -> str:
    """The date of the last change of level, with its interval, where one is a finding."""
    if name not in pattern_names(review):
        return ""
    steps = steps_of(review, pattern_of(review, name))
    if not steps:
        return ""
    return steps[-1].when


def _insight(
    review: Review,
    row: ScoreRow,
    *,
    finding: Finding,
    pvalue: float,
    since: str,
    carried: str,
    near: str,
    redefined: str,
    size: float,
) -> Insight:
    weight = _WITH_TARGET if row.target is not None else _HEADLINE if row.kpi in _headline(review) else _OTHER
    proposal, owner, due = _proposal(review, row, finding)
    if redefined:
        finding = replace(finding, tone="none")
        near = near or f"Near in time: {redefined}."
        proposal = "Compare under one definition before judging: what counts was changed"
        owner, due = "client", "next review"
    tests = int(judgement(review).table["pvalue"].notna().sum())
    return Insight(
        kpi=row.kpi,
        finding=finding,
        sure=f"adjusted p {_printed(pvalue)}, among {plural(tests, 'test')} of this page",
        since=since,
        carried=carried.strip(),
        near=near.strip(),
        leading=_leading(review, row.kpi.name),
        meaning=_meaning(row),
        proposal=proposal,
        owner=owner,
        due=due,
        pvalue=pvalue,
        rank=weight * (1 + min(size, 1.0)) * (1 - (1.0 if isnan(pvalue) else pvalue)),
    )


def _printed(pvalue: float) -> str:
    text = format_pvalue(pvalue)
    return text if text.startswith("<") else f"= {text}"


def _headline(review: Review) -> list[Kpi]:
    return [row.kpi for row in scorecard(review)]


def _meaning(row: ScoreRow) -> str:
    """What it means against the target, in words; empty without a target that is in force."""
    if row.target is None or row.contract not in ("met", "missed"):
        return ""
    doubt = "" if row.good is not None or row.evidence == "exact" else ", not beyond doubt"
    return f"Target {row.target_text}: {row.contract}{doubt}."


def _leading(review: Review, name: str) -> str:
    """KPIs that move some weeks before this one, among those the plan lets stand; going before is not causing."""
    lag, judged = leads(review), judgement(review)
    found = [
        f"{review.kpis[row['leading']].label} ({plural(int(row['best_lag']), 'week')} before)"
        for _, row in lag.table.iterrows()
        if row["lagging"] == name and judged.found(LEADS, lag.label(review, row))
    ]
    return ", ".join(found)


def _proposal(review: Review, row: ScoreRow, finding: Finding) -> tuple[str, str, str]:
    """The open action about this KPI, or who is to be asked for one; nothing where it got better."""
    actions = actions_at(review)
    if actions is not None:
        mine = actions[(actions["kpi"] == row.kpi.name) & actions["state"].isin(("open", "overdue"))]
        if len(mine):
            action = mine.iloc[0]
            late = ", overdue" if action["state"] == "overdue" else ""
            due = f"{action['due_on']:%Y-%m-%d}{late}" if action["due_on"] == action["due_on"] else "no date"
            return f"Under way: {action['action']}", str(action["owner"] or "no owner"), due
    if finding.tone == "bad":
        return "Ask for root cause, action, owner and date", review.name, "next review"
    return "", "", ""
