"""Pages made to order, editions, audiences and notes: who sees which section."""

import json
import re

import pytest

from bpo_analysis import sections
from bpo_analysis.errors import AuthoredError, UnknownNameError
from bpo_analysis.sections.placing import SECTIONS

PACKAGE = """\
[package]
title = "What customers notice"
requested_by = "Head of service"
{approved}
[[section]]
name = "{name}"
question = "Do customers get through?"
{more}
"""
KPIS = 'kpis = ["service_level", "abandonment_rate"]'


@pytest.fixture
def package(write_dataset):
    def make(name="kpis", more=KPIS, approved=""):
        folder = write_dataset()
        (folder / "packages").mkdir(exist_ok=True)
        text = PACKAGE.format(name=name, more=more, approved=approved)
        (folder / "packages" / "customers.toml").write_text(text, encoding="utf-8")
        return sections.open_package(folder, "acme", "2026-01")

    return make


def test_a_package_shows_its_kpis_under_its_question(package):
    html = sections.ordered_sections(package()).html
    assert "Do customers get through?" in html
    assert "Asked by Head of service." in html
    assert "Service level" in html
    assert "Abandonment" in html


def test_a_section_of_ours_gets_the_question_of_the_package(package):
    html = sections.ordered_sections(package(name="contract_scorecard", more="")).html
    assert html.count('class="question"') == 1
    assert "Do customers get through?" in html


def test_an_unapproved_package_is_a_draft_with_a_watermark(package):
    html = sections.masthead(package()).html
    assert 'class="watermark"' in html
    assert "not yet approved" in html
    approved = 'approved_by = "Head of service"\napproved_on = 2026-01-05\n'
    html = sections.masthead(package(approved=approved)).html
    assert "watermark" not in html
    assert "approved by Head of service on 2026-01-05" in html


def test_what_the_data_cannot_carry_is_said(package):
    html = sections.ordered_sections(package(more='kpis = ["service_level", "csat"]')).html
    assert "Not shown: CSAT (top two boxes)." in html


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        (
            "contract_scorcard",
            "",
            r"customers\.toml line 5: .*section 'contract_scorcard', which does not exist. Did you",
        ),
        ("kpis", "", "shows KPIs and names none"),
        ("kpis", 'kpis = ["service_levl"]', "Unknown KPI 'service_levl'. Did you mean 'service_level'"),
        ("kpis", KPIS + '\nslices = ["chanel"]', "Unknown slice 'chanel'. Did you mean 'channel'"),
        ("contract_scorecard", KPIS, "has its own KPIs and title"),
    ],
)
def test_a_wrong_package_says_line_and_remedy(package, name, more, message):
    with pytest.raises(AuthoredError, match=message):
        sections.ordered_sections(package(name=name, more=more))


def test_an_unknown_edition_or_audience_is_refused(portfolio):
    with pytest.raises(UnknownNameError, match="Unknown edition 'partners'"):
        sections.open_review(portfolio, "northline", "2026-10", edition="partners")
    with pytest.raises(UnknownNameError, match="Unknown audience 'board'"):
        sections.open_review(portfolio, "northline", "2026-10", audience="board")


def test_the_partners_edition_names_no_other_partner(portfolio):
    review = sections.open_review(portfolio, "northline", "2026-10", edition="partner")
    html = "".join(SECTIONS[name](review).html for name in sorted(SECTIONS) if name != "ordered_sections")
    html += sections.masthead(review).html + sections.first_screen(review).html + sections.appendix(review).html
    others = set(portfolio.partners["name"]) - {review.name}
    assert not {name for name in others if name in html}
    ids = set(portfolio.partners["partner_id"]) - {review.partner_id}
    assert not {name for name in ids if f">{name}<" in html}


def test_a_steering_committee_sees_one_kpi_of_each_group(portfolio):
    usual = sections.open_review(portfolio, "northline", "2026-10")
    steering = sections.open_review(portfolio, "northline", "2026-10", audience="steering")
    rows = [sections.first_screen(review).html.count('class="group"') for review in (steering, usual)]
    assert rows[0] == 4
    assert 4 < rows[1] <= 8
    assert sections.trends(steering).html == ""
    assert sections.trends(usual).html != ""


def test_a_note_stands_in_its_section(write_dataset):
    folder = write_dataset()
    (folder / "notes").mkdir()
    note = (
        '[[note]]\nperiod = "2026-01"\nsection = "contract_scorecard"\ntext = "A <b>word</b>."\nauthor = "M. Keller"\n'
    )
    (folder / "notes" / "n.toml").write_text(note, encoding="utf-8")
    html = sections.contract_scorecard(sections.open_review(folder, "acme", "2026-01")).html
    assert '<aside class="authored"><p>A &lt;b&gt;word&lt;/b&gt;.</p>' in html
    assert html.rstrip().endswith("</section>")


def test_a_note_to_a_section_that_no_report_has_is_refused(write_dataset):
    folder = write_dataset()
    (folder / "notes").mkdir()
    note = '[[note]]\nperiod = "2026-01"\nsection = "contract_scorcard"\ntext = "A word."\nauthor = "M. Keller"\n'
    (folder / "notes" / "n.toml").write_text(note, encoding="utf-8")
    review = sections.open_review(folder, "acme", "2026-01")
    with pytest.raises(AuthoredError, match="is for section 'contract_scorcard', which no report has"):
        sections.why_it_moved(review)


def test_the_examples_of_the_documentation_are_those_of_the_sample(portfolio):
    text = (portfolio.path.parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    note, package = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    for name, example in (("notes/2026-10.toml", note), ("packages/steering-view.toml", package)):
        assert (portfolio.path / name).read_text(encoding="utf-8").split("\n", 1)[1] == example


def test_the_note_of_the_sample_cites_what_its_page_computes(portfolio):
    html = sections.what_it_means(sections.open_review(portfolio, "northline", "2026-10")).html
    assert "we go back to the old plan" in html
    assert "Note by M. Keller, 2026-11-04, likely" in html


def test_sections_without_a_note_are_named(portfolio):
    review = sections.open_review(portfolio, "northline", "2026-10")
    sections.what_it_means(review)
    sections.contract_scorecard(review)
    html = sections.notes_written(review).html
    assert "1 of 2 sections have a note: What it means." in html
    assert "Not written</strong> beside: Contract scorecard." in html


def test_the_record_of_the_partners_edition_names_no_other_partner(portfolio):
    review = sections.open_review(portfolio, "baobab", "2026-10", edition="partner")
    text = json.dumps(dict(sections.appendix(review).record), default=str)
    others = set(portfolio.partners["name"]) - {review.name}
    assert not {name for name in others if name in text}
