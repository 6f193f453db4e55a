"""Pieces of the page: every section on both datasets, text escaped, values recorded."""

from __future__ import annotations

import inspect
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

from bpo_analysis import sections
from bpo_analysis.review.context import Review, open_review
from bpo_analysis.sections.parts import trend_figure
from bpo_analysis.sections.section import RECORD_MIME, Section

TEMPLATES = sorted((Path(__file__).parents[2] / "templates").glob("*.ipynb"))


def takes_a_review(name):
    """Sections of one partner; pages of the portfolio and of packages have tests of their own."""
    function = getattr(sections, name)
    if not inspect.isfunction(function) or name == "ordered_sections":
        return False
    return next(iter(inspect.signature(function).parameters.values())).annotation in ("Review", Review)


def page_of(template):
    """Sections that a template puts on one page."""
    source = template.read_text(encoding="utf-8")
    if "ordered_sections" in source:  # a package names them; tests/sections/test_package.py
        return []
    return [getattr(sections, name) for name in re.findall(r"sections\.(\w+)\(review", source)]


ALL = [getattr(sections, name) for name in sections.__all__ if takes_a_review(name)]
PAGES = {template.stem: made for template in TEMPLATES if (made := page_of(template))}


class Balance(HTMLParser):
    """Counts open tags: a section must close what it opens."""

    VOID = ("br", "img", "hr", "input", "meta", "link")

    def __init__(self):
        super().__init__()
        self.open, self.ids = [], []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(html):
    balance = Balance()
    balance.feed(html)
    assert not balance.open
    return balance


@pytest.fixture(params=["portfolio", "nhs111"])
def review(request, portfolio, nhs111):
    if request.param == "portfolio":
        return open_review(portfolio, "northline", "2026-10")
    return open_review(nhs111, "Thames Valley", "2026-03")


@pytest.mark.parametrize("make", ALL, ids=lambda f: f.__name__)
def test_every_section_on_both_datasets(make, review):
    found = make(review)
    assert isinstance(found.html, Markup)
    ids = parsed(found.html).ids
    assert len(ids) == len(set(ids))
    assert "nan" not in found.html.lower().replace("financ", "")
    json.dumps(found.record, allow_nan=False)


def test_a_section_without_data_is_one_line_with_the_reason(nhs111):
    review = open_review(nhs111, "Thames Valley", "2026-03")
    html = sections.customer(review).html
    assert "Not shown: table surveys is not in this dataset" in html
    assert "<table" not in html


@pytest.mark.parametrize("made", PAGES.values(), ids=PAGES)
def test_all_ids_of_a_page_are_unique(made, review):
    ids = [i for make in made for i in parsed(make(review).html).ids]
    assert len(ids) == len(set(ids))


def test_every_kpi_link_finds_its_definition(review):
    html = "".join(make(review).html for make in ALL if make is not sections.appendix) + sections.appendix(review).html
    linked = {part.split('"')[0] for part in html.split('href="#')[1:]}
    ids = set(parsed(html).ids)
    assert linked <= ids


def test_every_figure_has_a_description_and_its_table(review):
    html = "".join(make(review).html for make in ALL)
    figures = html.split("<figure")[1:]
    assert figures
    for figure in figures:
        body = figure.split("</figure>")[0]
        assert 'role="img"' in body
        label = body.split('role="img" aria-label="')[1]
        assert len(label.split('"')[0]) > 40
        assert "<table" in body


def test_the_headline_is_recorded(review):
    record = sections.first_screen(review).record["headline"]
    assert record["partner"] == review.name
    assert record["kpis"]
    assert sum(record["counts"].values()) == len(record["kpis"])


def test_the_ledger_is_recorded_with_its_sums(review):
    sections.first_screen(review)
    record = sections.appendix(review).record
    kpis = {row["kpi"]: row for row in record["kpis"]}
    row = kpis["service_level"]
    assert row["value"] == pytest.approx(row["numerator"] / row["denominator"])
    assert {"table", "step", "rows"} <= set(record["rows"][0])


def test_a_notebook_gets_html_and_record(review):
    bundle = sections.first_screen(review)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", RECORD_MIME}
    assert RECORD_MIME not in Section("x", Markup("<p></p>"))._repr_mimebundle_()


def test_same_inputs_same_page(portfolio):
    reviews = [open_review(portfolio, "kestrel", "2026-10") for _ in range(2)]
    pages = ["".join(make(review).html for make in ALL) for review in reviews]
    assert pages[0] == pages[1]


def test_too_short_a_series_says_so(portfolio):
    html = trend_figure(open_review(portfolio, "northline", "2025-05"), "qa_score")
    assert "No trend chart of QA score: it needs 8 weeks with data, there are " in html


def test_draft_is_marked(portfolio):
    review = open_review(portfolio, "northline", "2026-10")
    assert "Draft" in sections.masthead(review, status="draft").html
    assert "Draft" not in sections.masthead(review).html


def test_a_status_that_is_neither_is_refused(portfolio):
    with pytest.raises(ValueError, match=r"status must be one of .*got 'drft'. Did you mean 'draft'"):
        sections.masthead(open_review(portfolio, "northline", "2026-10"), status="drft")


def test_a_week_shows_weeks_and_nothing_after_its_end(portfolio):
    review = open_review(portfolio, "northline", "2026-W40")
    html = sections.first_screen(review).html
    assert "13 weeks" in html
    assert "to the three weeks before" in html
    assert max(measure.end for measure in review.ledger.values()) <= review.period.end
