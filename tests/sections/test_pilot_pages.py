"""Pages of a pilot: what the first screen says, what it must never say, and whatever comes from data escaped."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from bpo_analysis.errors import ParameterError
from bpo_analysis.review.pilots import make_pilot
from bpo_analysis.sections import pilots
from bpo_analysis.sections.pilots import PilotPage, open_pilot_page
from bpo_analysis.sections.section import RECORD_MIME

PLAN = (pilots.can_it_show, pilots.detectable_by_weeks, pilots.material, pilots.how_it_will_be_judged)
MONITOR = (pilots.where_it_stands, pilots.all_looks, pilots.health)
EVALUATION = (
    pilots.first_screen, pilots.decision, pilots.comparability, pilots.estimates, pilots.slices, pilots.learning,
    pilots.sensitivity, pilots.regression_to_the_mean, pilots.multiplicity, pilots.health, pilots.claims,
)  # fmt: skip
CLOSING = (pilots.registered_plan, pilots.appendix)
STAGES = {"plan": PLAN, "monitor": MONITOR, "evaluation": EVALUATION}
CAUSAL = r"\b(effects?|caus\w+|because of the pilot|due to the pilot|impact)\b"


@pytest.fixture(scope="module")
def pages(portfolio):
    return {stage: open_pilot_page(portfolio.path, stage=stage) for stage in STAGES}


def html_of(view):
    return str(pilots.masthead(view).html) + "".join(str(make(view).html) for make in (*STAGES[view.stage], *CLOSING))


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def changed(view, **changes):
    """The same page about a pilot whose file says something else."""
    pilot = view.pilot
    spec = replace(pilot.spec, **{k: v for k, v in changes.items() if k != "registration"})
    dataset = view.review.dataset
    made = make_pilot(
        spec,
        dataset.pilot_rows(spec.id),
        dataset.pilot_assignments(spec.id),
        dataset.kpis | dataset.alternatives,
        registration=changes.get("registration", pilot.registration),
        as_of=pilot.as_of,
    )
    return PilotPage(stage=view.stage, pilot=made, review=view.review)


def test_the_verdict_of_the_planted_pilot_is_the_first_sentence(pages):
    section = pilots.first_screen(pages["evaluation"])
    text = text_of(str(section.html))
    assert text.strip().startswith("By the registered rule: change it before going on. Customer-critical accuracy, ")
    assert "is worse (−14.0 pp, interval −20.8 to −7.2 pp)" in text
    assert "CSAT (top two boxes) is not worse." in text
    assert "Registered on 2026-06-22, before the start (2026-07-06). Unchanged since." in text
    assert "140 fewer (72 to 208) per 1,000 evaluations" in text
    assert section.record["pilot"]["decision"] == "change"


def test_the_plan_says_that_the_pilot_is_too_small_and_what_would_do(pages):
    text = text_of(str(pilots.can_it_show(pages["plan"]).html))
    assert text.strip().startswith("As planned it is too small: 11 pilot and 10 baseline agents over 11 weeks")
    assert "too small" in text
    assert "or a margin of 12.1 pp" in text


def test_the_monitor_shows_looks_boundaries_and_the_crossed_guardrail(pages):
    text = text_of(html_of(pages["monitor"]))
    assert "Boundary" in text
    assert "interval over all looks" in text
    assert not re.search(r"\b(raw|nominal|unadjusted)\b", text, flags=re.I)


def test_every_p_of_the_monitor_holds_over_all_looks(pages):
    text = text_of(str(pilots.all_looks(pages["monitor"]).html))
    found = re.findall(r"\bp [=<>]? ?[\d.]+[^;.]*", text)
    assert found
    assert all("over all looks" in p for p in found)


def test_every_section_is_recorded_as_strict_json_and_has_ids_of_its_own(pages):
    for stage, view in pages.items():
        ids = []
        for make in (*STAGES[stage], *CLOSING):
            section = make(view)
            json.dumps(section.record, allow_nan=False)
            ids += re.findall(r'\bid="([^"]+)"', str(section.html))
        assert len(ids) == len(set(ids)), stage
        assert " nan" not in text_of(html_of(view)).lower()


def test_a_notebook_gets_the_record(pages):
    assert RECORD_MIME in pilots.first_screen(pages["evaluation"])._repr_mimebundle_()
    rows = pilots.appendix(pages["evaluation"]).record["kpis"]
    assert {row["kpi"] for row in rows} == {"csat", "critical_error_accuracy", "fcr"}
    assert all(row["denominator"] > 0 for row in rows)


def test_every_figure_has_a_description_and_its_table(pages):
    for view in pages.values():
        for figure in html_of(view).split("<figure")[1:]:
            body = figure.split("</figure>")[0]
            assert 'role="img"' in body
            assert "<table" in body


def test_units_that_were_chosen_get_no_causal_word(pages):
    view = changed(pages["evaluation"], assignment="chosen", assigned_how="the best agents of each team", hypothesis="")
    shown = "".join(str(make(view).html) for make in EVALUATION if make is not pilots.claims)
    assert not re.findall(CAUSAL, text_of(shown), flags=re.I)
    assert "Difference" in text_of(str(pilots.first_screen(view).html))
    said = text_of(str(pilots.claims(view).html))
    assert "chosen" in said


def test_random_units_may_be_called_an_effect(pages):
    assert "Effect" in text_of(str(pilots.first_screen(pages["evaluation"]).html))


def test_a_pilot_that_is_not_registered_says_so_on_every_page(pages):
    registered = pages["plan"].pilot.registration
    nothing = replace(registered, state="unregistered", registered_on=None, digest="", version="")
    for view in pages.values():
        shown = text_of(html_of(changed(view, registration=nothing)))
        assert "Not registered" in shown
    first = text_of(str(pilots.first_screen(changed(pages["evaluation"], registration=nothing)).html))
    assert "By the rule in the pilot file, which was not fixed beforehand" in first


def test_text_from_the_pilot_file_is_escaped(pages):
    hostile = "<script>alert(1)</script> & =1+1"
    view = changed(pages["evaluation"], title=hostile, hypothesis=hostile, owner=hostile, assigned_how=hostile)
    shown = html_of(view)
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; =1+1" in shown


def test_another_partner_is_refused_with_the_right_one(portfolio):
    with pytest.raises(ParameterError, match=r"is run by partner 'solheim', not by 'northline'"):
        open_pilot_page(portfolio.path, stage="plan", partner="northline")


def test_a_period_ends_what_is_read(portfolio):
    view = open_pilot_page(portfolio.path, stage="monitor", period="2026-08")
    assert str(view.pilot.as_of) == "2026-08-31"
    assert view.pilot.rows["date"].max().date() <= view.review.period.end
