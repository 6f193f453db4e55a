"""Pages about pilots: first screens, what may be claimed, what must be shown, and that text is escaped."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from math import inf, nan
from types import SimpleNamespace

import pandas as pd
import pytest
from markupsafe import Markup

from bpo_analysis.errors import ParameterError
from bpo_analysis.kpis import KPIS
from bpo_analysis.plotting import plot_detectable
from bpo_analysis.review.pilots import make_pilot
from bpo_analysis.review.pilots.context import base_words
from bpo_analysis.sections import pilots
from bpo_analysis.sections.pilots.parts import interval_words, per_thousand, word_mark
from bpo_analysis.sections.pilots.verdict import margin_words

PAGES = {
    "plan": ("can_it_show", "detectable_by_weeks", "material", "how_it_will_be_judged"),
    "monitor": ("where_it_stands", "all_looks", "health"),
    "evaluation": (
        "first_screen", "decision", "comparability", "estimates", "slices", "learning", "sensitivity",
        "regression_to_the_mean", "multiplicity", "health", "claims",
    ),
}  # fmt: skip
CAUSAL = re.compile(r"\b(effects?|caus(es?|ed|al)|impacts?|due to|because of|led to|thanks to|brought about)\b", re.I)
HOSTILE = '<script>alert(1)</script> & "$\\frac$" [x](y)'


def make(view):
    names = ("masthead", *PAGES[view.stage], "registered_plan", "appendix")
    return [getattr(pilots, name)(view) for name in names]


def html_of(view):
    return "".join(section.html for section in make(view))


def words_of(html):
    return re.sub(
        r"\s+", " ", Markup(re.sub(r"<(style|script|defs)\b.*?</\1>|<!--.*?-->", " ", html, flags=re.S)).striptags()
    )


def text_of(view):
    return words_of(html_of(view))


@pytest.fixture(scope="module")
def evaluation(portfolio):
    return pilots.open_pilot_page(portfolio, stage="evaluation")


@pytest.fixture(scope="module")
def monitor(portfolio):
    return pilots.open_pilot_page(portfolio, stage="monitor")


@pytest.fixture(scope="module")
def plan(portfolio):
    return pilots.open_pilot_page(portfolio, stage="plan")


def altered(view, *, registration=None, **spec):
    """The same pilot with another plan; its rows stay."""
    known = registration or view.pilot.registration
    pilot = replace(view.pilot, spec=replace(view.pilot.spec, **spec), registration=known)
    return replace(view, pilot=pilot)


class Balance(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids = [], []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in ("br", "img", "hr", "input", "meta", "link", "wbr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("stage", PAGES)
def test_pages_are_well_formed_and_their_records_are_json(stage, request):
    view = request.getfixturevalue(stage)
    sections = make(view)
    balance = Balance()
    balance.feed("".join(section.html for section in sections))
    assert not balance.open
    assert len(balance.ids) == len(set(balance.ids))
    linked = set(re.findall(r'href="#([^"]+)"', "".join(section.html for section in sections)))
    assert linked <= set(balance.ids)
    assert " nan" not in text_of(view).lower()
    for section in sections:
        json.dumps(section.record, allow_nan=False)


@pytest.mark.parametrize("stage", PAGES)
def test_every_figure_has_a_finding_a_description_and_its_table(stage, request):
    figures = html_of(request.getfixturevalue(stage)).split("<figure")[1:]
    assert figures
    for figure in figures:
        body = figure.split("</figure>")[0]
        assert len(re.search(r"<figcaption>(.*?)</figcaption>", body)[1]) > 15
        assert len(re.search(r'role="img" aria-label="([^"]*)"', body)[1]) > 60
        assert "<table" in body


def test_first_screen_of_the_evaluation_says_what_follows_and_why(evaluation):
    html = pilots.first_screen(evaluation).html
    words = words_of(html)
    assert "By the registered rule: change it before going on." in words
    assert "Customer-critical accuracy, a guardrail, is worse (−" in words
    assert "CSAT (top two boxes) is not worse." in words
    for mark in ("✓</b> not worse", "▼</b> worse"):
        assert mark in html
    assert "no loss of 10.0 pp" in words
    assert "fewer (" in words
    assert "per 1,000 evaluations" in words
    assert "11 agents" in words
    assert "Registered on 2026-06-22, before the start (2026-07-06)." in words


def test_the_rule_is_shown_with_its_outcome(evaluation):
    html = pilots.decision(evaluation).html
    assert "<strong>A guardrail is worse, and no primary metric</strong>" in html
    assert "<strong>Change</strong>" in html
    assert "No decision is on record yet" in html


def test_the_decision_log_says_where_it_departs_from_the_rule(evaluation):
    entry = SimpleNamespace(date="2026-10-05", decision="expand", by="Board <b>", note="")
    view = altered(evaluation, log=(entry,))
    html = pilots.decision(view).html
    assert "Board &lt;b&gt;" in html
    assert "The last decision (expand) is not what the rule says (change)." in html


def test_a_randomised_pilot_may_speak_of_effects(evaluation):
    assert evaluation.noun == "effect"
    assert "Effect" in text_of(evaluation)


@pytest.mark.parametrize("how", ["chosen", "whole site"])
def test_no_causal_word_where_units_were_not_drawn(evaluation, how):
    view = altered(evaluation, assignment=how)
    found = CAUSAL.search(text_of(view))
    assert found is None, text_of(view)[found.start() - 80 : found.end() + 40]
    assert "It is not shown that the pilot made it." in words_of(pilots.first_screen(view).html)


def test_no_causal_word_before_the_end(monitor, plan):
    for view in (monitor, plan):
        found = CAUSAL.search(text_of(view))
        assert found is None, text_of(view)[found.start() - 80 : found.end() + 40]


def test_an_unregistered_pilot_says_so_on_every_page(evaluation, monitor, plan):
    for view in (evaluation, monitor, plan):
        none = replace(view.pilot.registration, state="unregistered", registered_on=None)
        first = words_of(getattr(pilots, PAGES[view.stage][0])(altered(view, registration=none)).html)
        assert "Caution: Not registered" in first
    view = altered(
        evaluation, registration=replace(evaluation.pilot.registration, state="unregistered", registered_on=None)
    )
    assert "By the rule in the pilot file, which was not fixed beforehand" in words_of(pilots.first_screen(view).html)


def test_a_changed_or_late_registration_is_a_caution(evaluation):
    known = evaluation.pilot.registration
    for other in (replace(known, state="changed", changed=("end: a -> b",)), replace(known, late=True)):
        words = words_of(pilots.first_screen(altered(evaluation, registration=other)).html)
        assert "Caution: Registered on 2026-06-22" in words
        assert "By the rule in the pilot file, which was not fixed beforehand" in words


@pytest.mark.parametrize("stage", PAGES)
def test_hostile_text_is_escaped(stage, request):
    view = altered(
        request.getfixturevalue(stage), title=HOSTILE, hypothesis=HOSTILE, owner=HOSTILE, assigned_how=HOSTILE
    )
    html = html_of(view)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize("day", ["2026-08-02", "2026-09-27"])
def test_the_monitor_prints_no_number_of_a_single_look(portfolio, day):
    view = pilots.open_pilot_page(portfolio, stage="monitor", period=day)
    text = text_of(view)
    assert not re.search(r"\bp\s*[=<>]", re.sub(r"p (< )?[\d.]+ over all looks", "", text))
    assert not re.search(r"\bp-?values?\b|unadjusted", text)
    for number in re.findall(r"\bp (?:< )?[\d.]+(.{0,16})", text):
        assert number.startswith(" over all looks")
    assert "interval over all looks" in text


def test_first_screen_of_the_monitor(monitor):
    words = words_of(pilots.where_it_stands(monitor).html)
    assert "Boundary crossed at look 2 (2026-08-30): Customer-critical accuracy is worse (2 of 3 planned looks" in words
    assert "→ goes on" in words
    assert "The look of 2026-08-30" in words


def test_first_screen_of_a_monitor_that_goes_on(portfolio):
    view = pilots.open_pilot_page(portfolio, stage="monitor", period="2026-08-02")
    words = words_of(pilots.where_it_stands(view).html)
    assert (
        "It goes on: no guardrail has been crossed and no metric has reached its boundary (1 of 3 planned looks"
        in words
    )
    assert "→ goes on" in words
    assert "The look of 2026-08-02" in words


def test_a_monitor_before_the_first_look_tests_nothing(portfolio):
    view = pilots.open_pilot_page(portfolio, stage="monitor", period="2026-07-20")
    html = pilots.where_it_stands(view).html
    assert "Too early to say: the first planned look is on 2026-08-02." in html
    assert "<figure" not in html
    assert "interval over all looks" not in html
    assert "no planned look has been reached" in pilots.all_looks(view).html


def test_a_monitor_of_the_end_points_to_the_evaluation(portfolio):
    view = pilots.open_pilot_page(portfolio, stage="monitor", period="2026-09")
    words = words_of(pilots.where_it_stands(view).html)
    assert "Customer-critical accuracy is worse (3 of 3 planned looks used)." in words
    assert "– not crossed" in words
    end = view.look.look_days[-1]
    metrics = tuple(replace(one, crossed_on=end, day=end, look=3) if one.crossed else one for one in view.look.metrics)
    view.__dict__["look"] = replace(view.look, metrics=metrics)
    words = words_of(pilots.where_it_stands(view).html)
    assert "Boundary crossed at the end: Customer-critical accuracy is worse (3 of 3 planned looks used)." in words


def test_first_screen_of_the_plan(plan):
    words = words_of(pilots.can_it_show(plan).html)
    assert "11 pilot and 10 baseline agents over 11 weeks that count" in words
    assert "of 100 such pilots" in words
    assert "a margin of" in words
    assert plan.plan.history_end < plan.pilot.spec.start


def test_a_plan_reads_nothing_from_the_start_on(portfolio, plan):
    late = pilots.open_pilot_page(portfolio, stage="plan", period="2026-10")
    assert text_of(late).replace("October", "") == text_of(plan).replace("October", "")
    early = pilots.open_pilot_page(portfolio, stage="plan", period="2026-04")
    assert str(early.plan.history_end) == "2026-04-30"


def test_the_headline_leaves_the_index_to_the_monthly_review(evaluation):
    headline = pilots.first_screen(evaluation).record["headline"]
    assert headline["partner_id"] == "solheim"
    assert headline["verdict"].startswith("Pilot Suggested replies: By the registered rule: change")
    assert headline["kpis"] == []


def test_every_value_is_recorded_by_arm_with_its_sums(evaluation, plan):
    rows = [row for row in pilots.appendix(evaluation).record["kpis"] if row["kind"] == "kpi"]
    assert {(r["kpi"], r["arm"], r["window"]) for r in rows} == {
        (kpi, arm, window)
        for kpi in ("csat", "critical_error_accuracy", "fcr")
        for arm in ("pilot", "baseline")
        for window in ("baseline window", "pilot window")
    }
    for row in rows:
        assert row["value"] == pytest.approx(row["numerator"] / row["denominator"])
    planned = pilots.appendix(plan).record["kpis"]
    assert {r["window"] for r in planned if r["kind"] == "kpi"} == {"baseline window"}


def test_cells_of_a_pilot_page_are_about_the_time_from_its_baseline_to_its_last_day(evaluation):
    pilots.estimates(evaluation)
    rows = [row for row in pilots.appendix(evaluation).record["kpis"] if row["kpi"].startswith("estimates.")]
    assert {"cell", "sentence"} <= {row["kind"] for row in rows}
    stretch = (str(evaluation.pilot.baseline[0]), str(evaluation.pilot.as_of))
    assert {(row["from"], row["to"]) for row in rows} == {stretch}


def test_another_partner_is_refused(portfolio):
    with pytest.raises(ParameterError, match=r"'suggested-replies' is run by partner 'solheim', not by 'northline'"):
        pilots.open_pilot_page(portfolio, stage="evaluation", partner="northline")
    assert pilots.open_pilot_page(portfolio, stage="plan", partner="Solheim").pilot.id == "suggested-replies"


def test_an_evaluation_before_the_end_is_not_due_and_points_to_the_monitor(portfolio):
    view = pilots.open_pilot_page(portfolio, stage="evaluation", period="2026-08-15")
    sections = {section.id: section for section in make(view)}
    first = sections["summary"]
    words = words_of(first.html)
    assert "Not due: the pilot runs until 27 September 2026, and the data used end on 15 August 2026." in words
    assert "Registered on 2026-06-22" in words
    assert "pilot_monitor" in words
    assert first.record["headline"]["verdict"] == "Pilot Suggested replies: not due until 2026-09-27"
    for name in ("decision", "comparability", "estimates", "multiplicity", "health", "regression"):
        assert "Not shown: the pilot runs until 27 September 2026" in words_of(sections[name].html)
    assert "It can say" in sections["claims"].html
    assert "tests" not in sections["appendix"].record
    for section in sections.values():
        json.dumps(section.record, allow_nan=False)


def early(view, **changes):
    """The bundled pilot as if its last metric had crossed at the first look, with everything of that day."""
    metrics = [replace(one, crossed=False, crossed_on=None, direction="") for one in view.look.metrics]
    metrics[0] = replace(
        metrics[0], crossed=True, crossed_on=view.look.look_days[0], direction="better", look=1,
        day=view.look.look_days[0], note="2 later looks do not count.",
    )  # fmt: skip
    look = replace(view.look, metrics=tuple(metrics), state="crossed", **changes)
    other = replace(view)
    other.__dict__["look"] = look
    return other


def test_a_monitor_names_the_look_that_its_numbers_are_of(monitor):
    view = early(monitor, looks_used=3)
    words = words_of(pilots.where_it_stands(view).html)
    label = view.look.metrics[0].kpi.label
    assert f"Boundary crossed at look 1 (2026-08-02): {label} is better" in words
    assert f"{label}: the look of 2026-08-02" in words
    assert "stagewise where it is over, else repeated" in words
    assert "Shares of the information are those expected at each look before the start" in words
    text = words_of(pilots.all_looks(view).html)
    assert f"{label}: 2 later looks do not count." in text
    assert text.count("later looks do not count") == 1


def test_a_monitor_does_not_call_a_tolerable_loss_worse(monitor):
    view = early(monitor)
    first = replace(view.look.metrics[0], direction="not worse")
    view.__dict__["look"] = replace(view.look, metrics=(first, *view.look.metrics[1:]))
    html = pilots.where_it_stands(view).html
    assert "crossed, not worse" in words_of(html)
    assert 'class="verdict good"' in html


def test_after_an_early_crossing_the_row_names_the_look_and_the_estimate_with_all_data(evaluation):
    found = evaluation.evaluation
    one = replace(found.metrics[0], crossed_on=evaluation.pilot.spec.looks[0], estimate_all=-0.01)
    verdict = replace(found.verdict, metrics=(one, *found.metrics[1:]))
    view = replace(evaluation)
    view.__dict__["evaluation"] = replace(found, verdict=verdict)
    words = words_of(pilots.first_screen(view).html).replace("\N{NO-BREAK SPACE}", " ")
    assert "everything here at the look of 2026-08-02; with all data −1.0 pp" in words


def test_the_customers_column_is_hidden_where_it_is_empty(evaluation):
    found = evaluation.evaluation
    metrics = tuple(replace(one, kpi=replace(one.kpi, unit="score", base="")) for one in found.metrics)
    view = replace(evaluation)
    view.__dict__["evaluation"] = replace(found, verdict=replace(found.verdict, metrics=metrics))
    words = words_of(pilots.first_screen(view).html)
    assert "In customers' terms" not in words
    assert "In customers" in words_of(pilots.first_screen(evaluation).html)
    assert "contacts" not in words.partition("What was to be shown")[2].partition("Counted")[0]


def test_a_superiority_margin_is_what_would_be_worth_having(evaluation):
    assert margin_words(evaluation, 0.1, "share", "superiority") == "any gain (worth having: 10.0 pp)"


def test_a_named_curve_ends_inside_the_picture():
    weeks = [2, 10, 20]
    parts = [
        pd.DataFrame({"weeks": weeks, "n_pilot": 10, "own_baseline": own, "detectable": [size * k for k in (3, 2, 1)]})
        for own, size in ((True, 1.0), (False, 20.0))
    ]
    ax = plot_detectable(pd.concat(parts), n_pilot=10, weeks=10, margin=0.5, format_value=str)
    assert ax.get_ylim()[1] > 20.0
    one = plot_detectable(parts[0], n_pilot=10, weeks=10, margin=0.5, format_value=str)
    assert {"this pilot", "margin"} <= {text.get_text() for text in one.texts}


def test_bases_without_a_word():
    minutes = replace(KPIS["fcr"], base="", denominator="minutes")
    assert base_words(minutes) == "minutes"
    assert base_words(replace(minutes, denominator="1")) == "cases"


def test_numbers_in_margins_have_a_true_minus_and_checks_say_how_they_are_judged(evaluation):
    words = words_of(pilots.first_screen(evaluation).html)
    assert not re.search(r"\B-\d\.\d\d\b", words)
    assert "leaving at 5 % by itself" in words_of(pilots.health(evaluation).html)


def test_a_likeness_without_limits_prints_no_nan(plan):
    known = plan.plan
    view = replace(plan)
    metrics = (replace(known.metrics[0], icc=0.001, icc_ci_low=nan, icc_ci_high=nan), *known.metrics[1:])
    view.__dict__["plan"] = replace(known, metrics=metrics)
    assert "nan" not in words_of(pilots.material(view).html)
    assert "0.001" in pilots.material(view).html


def test_a_status_that_is_neither_is_refused(plan):
    assert "Draft" in pilots.masthead(plan, status="draft").html
    with pytest.raises(ValueError, match=r"Did you mean 'draft'"):
        pilots.masthead(plan, status="drft")


def test_a_pilot_against_its_own_history(portfolio, evaluation):
    spec = replace(
        evaluation.pilot.spec,
        comparator="history",
        assignment="chosen",
        looks=(),
        metrics=evaluation.pilot.spec.metrics[2:],
    )
    spec = replace(spec, metrics=tuple(replace(metric, role="primary") for metric in spec.metrics))
    assigned = portfolio.pilot_assignments(spec.id)
    pilot = make_pilot(
        spec, portfolio.pilot_rows(spec.id), assigned[assigned["arm"] == "pilot"], portfolio.kpis,
        registration=evaluation.pilot.registration,
    )  # fmt: skip
    view = replace(evaluation, pilot=pilot)
    text = text_of(view)
    assert "Not shown: this pilot has no baseline arm" in text
    assert "Since the start" in text
    assert not CAUSAL.search(text)


@pytest.mark.parametrize(
    ("kpi", "numbers", "said"),
    [
        ("fcr", (-0.14, -0.208, -0.072), "140 fewer (72 to 208) per 1,000 contacts"),
        ("fcr", (0.028, -0.059, 0.114), "28 more (59 fewer to 114 more) per 1,000 contacts"),
        ("fcr", (0.028, -inf, inf), "28 more per 1,000 contacts"),
        ("aht_s", (-12.0, -18.0, -6.0), "3.3 h less (1.7 h to 5.0 h) per 1,000 handled"),
        ("cost_per_contact", (0.05, 0.02, 0.08), "50 EUR more (20 EUR to 80 EUR) per 1,000 handled"),
        ("nps", (2.0, 1.0, 3.0), ""),
    ],
)
def test_differences_in_terms_of_a_thousand_contacts(kpi, numbers, said):
    found = per_thousand(KPIS[kpi], *numbers, currency="EUR")
    assert found.replace("\N{NO-BREAK SPACE}", " ") == said


def test_intervals_of_differences_of_shares_are_in_points():
    assert interval_words(KPIS["fcr"], -0.1, 0.04, 0.975) == "97.5 % interval −10.0 to 4.0 pp"
    assert interval_words(KPIS["aht_s"], -1, 4, 0.95, short=True) == "95 %: −1.0 to 4.0 s"
    assert interval_words(KPIS["fcr"], nan, 0.04, 0.95) == "no 95 % interval"


def test_words_are_told_apart_without_colour():
    shapes = {
        word_mark(word).split('aria-hidden="true">')[1][0] for word in ("better", "not worse", "worse", "cannot tell")
    }
    assert len(shapes) == 4


def test_every_chart_has_a_drawing_for_a_phone(evaluation, monitor, plan):
    for view in (evaluation, monitor, plan):
        html = html_of(view)
        assert html.count('<div class="plot for-phone">') == html.count("<figure") > 0
        assert 'class="plot"' not in html


def with_metric(view, name, **changes):
    """The same evaluation with another answer for one metric."""
    found = view.evaluation
    metrics = tuple(replace(one, **changes) if one.kpi.name == name else one for one in found.metrics)
    changed = replace(view)
    changed.__dict__["evaluation"] = replace(found, verdict=replace(found.verdict, metrics=metrics))
    return changed


def test_what_a_word_leaves_out_stands_at_the_metric(evaluation):
    detail = "a loss of the margin of 5.0 pp or more cannot be excluded"
    view = with_metric(evaluation, "fcr", role="guardrail", word="cannot tell", detail=detail)
    assert f'<small class="why">{detail}</small>' in pilots.first_screen(view).html


def test_after_a_bad_spell_both_estimates_stand_at_the_metric(evaluation):
    words = words_of(pilots.first_screen(with_metric(evaluation, "csat", without_spell=(0.004, -0.05, 0.058))).html)
    assert re.search(r"without the bad spell before the start \+0\.4 pp \(95 %: −5\.0 to 5\.8 pp\)", words)
    words = words_of(pilots.first_screen(with_metric(evaluation, "csat", without_spell=(nan, -inf, inf))).html)
    assert "without the bad spell before the start not known: too little is left" in words
    assert "without the bad spell" not in words_of(pilots.first_screen(evaluation).html)


def test_the_time_that_was_studied_is_that_of_the_stage(evaluation, monitor, plan):
    assert "a longer time than the 11 weeks that count were not studied" in words_of(pilots.claims(evaluation).html)
    for view in (monitor, plan):
        assert "a longer time than the 11 weeks that are planned will not be studied" in words_of(
            pilots.claims(view).html
        )


def test_units_that_no_table_knows_are_found_in_the_health_of_the_data(monitor):
    unknown = replace(monitor.pilot, unknown=("zoe", "yan"))
    words = words_of(pilots.health(replace(monitor, pilot=unknown)).html)
    assert "2 assigned agents of 21 in no row of the data and on no roster: zoe, yan." in words
    assert "Unknown units" not in words_of(pilots.health(monitor).html)


def test_the_index_is_told_of_which_pilot_a_page_is(evaluation, monitor, plan):
    makers = {"evaluation": pilots.first_screen, "monitor": pilots.where_it_stands, "plan": pilots.can_it_show}
    for view in (evaluation, monitor, plan):
        about = makers[view.stage](view).record["headline"]["pilot"]
        assert (about["id"], about["title"], about["stage"]) == ("suggested-replies", "Suggested replies", view.stage)
        assert about["said"]
        assert bool(about["decision"]) == (view.stage == "evaluation")
