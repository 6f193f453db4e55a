"""The index in a browser: filters that the address keeps, periods that hang together, a hundred partners."""

from __future__ import annotations

import json

import pytest

from bpo_analysis.page.document import PERIODS_SLOT, foot, head
from bpo_analysis.reports.inputs import output_digests
from bpo_analysis.reports.neighbours import link_indexes, link_reports
from bpo_analysis.reports.place import OutputFolder
from bpo_analysis.reports.portal import write_index

HOSTILE = '<img src=x onerror="document.title=1"> مرحبا 🎉 =1+1 ' + "w" * 120
KPIS = ("csat", "fcr", "service_level", "cost_per_contact")
PLACE = OutputFolder()
SECTIONS = "".join(f'<section id="s{i}"><h2>Part {i}</h2><p style="height:60rem">text</p></section>' for i in range(4))


def _kpi(name, contract, value):
    clear = contract == "missed" and name == "csat"
    return {
        "kpi": name, "label": name.replace("_", " ").capitalize(), "unit": "share", "pooling": "ratio", "scale": 1.0,
        "base": "contacts", "currency": "", "actual": value, "actual_text": f"{value * 100:.1f} %", "scope": "",
        "sums": [value * 100, 100.0], "last_sums": [70.0, 100.0], "last_text": f"{value * 100:.1f} %",
        "since_text": "+1.0 pp", "target_text": "≥ 75.0 %", "target": 0.75, "contract": contract,
        "clearly_missed": clear, "spark": [0.7, 0.72] * 6 + [value],
        "evidence": "clearly below" if clear else "cannot tell", "good": False if clear else None,
        "change_text": "−0.4 pp", "change_word": "not clear", "change_good": None, "interval_text": "70.1 to 79.9 %",
    }  # fmt: skip


def _report(folder, slug, name, number, *, before):
    """One partner: every third misses CSAT beyond doubt, every second FCR; the month before nobody missed anything."""
    states = [
        "met" if before or number % 3 else "missed",
        "met" if before or number % 2 else "missed",
        "met",
        "no target",
    ]
    kpis = [_kpi(kpi, state, 0.7 + 0.001 * (number % 50)) for kpi, state in zip(KPIS, states, strict=True)]
    missed = states.count("missed")
    due = {"text": "Decide on contract C-1.", "owner": "client", "due": "by 2026-05-01", "due_on": "2026-05-01"}
    ask = {"text": "Ask what is behind it.", "owner": name, "due": "next review", "kpis": ["csat"], "anchor": "s1"}
    headline = {
        "partner": name, "kind": "", "verdict": f"{name} missed {missed} of 4 targets.", "kpis": kpis, "agreed": kpis,
        "clauses": {"met": 3 - missed, "missed": missed, "clearly_missed": states[:1].count("missed")},
        "coverage": "Data: every day.", "is_covered": True, "last_period": "2026-02",
        "asks": [ask, due][: 1 + number % 2], "flags": [f"{number} escalations open"] if number % 4 == 0 else [],
        "contacts": {"offered": 100.0, "handled": 90.0},
    }  # fmt: skip
    place = folder / slug
    place.mkdir(parents=True)
    nav = f'<nav class="toc" aria-label="Page">{PERIODS_SLOT}</nav>'
    body = f'{nav}<main id="main"><h1>{slug}</h1>{SECTIONS}</main>{foot()}'
    page = f'<!DOCTYPE html><html lang="en"><head>{head(slug)}</head><body>{body}</body></html>'
    (place / "review.html").write_text(page, encoding="utf-8")
    record = {
        "status": "ok",
        "template": "review",
        "partner": name,
        "headline": headline,
        "outputs": output_digests(place, "review"),
    }
    (place / "review.run.json").write_text(json.dumps(record), encoding="utf-8")


def _site(out, partners, *, hostile=False):
    for period in ("2026-02", "2026-03"):
        for number in range(partners):
            name = HOSTILE if hostile and number == 0 else f"Partner {number:03}"
            _report(out / period, f"p{number}", name, number, before=period == "2026-02")
        write_index(out / period, title="The client", data="made for this test")
    link_reports(out / "2026-03", PLACE)
    link_indexes(out / "2026-03", PLACE)
    return out


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return _site(tmp_path_factory.mktemp("small"), 12)


def _index(site, period="2026-03"):
    return site / period / "index.html"


def _count(page, where):
    return page.locator(f"{where} tbody tr:visible").count()


DECISIONS, CHANGES, PORTFOLIO = "#decisions table", "#changes table", "#portfolio"


def test_one_form_filters_every_table(open_page, small):
    page = open_page(_index(small))
    assert [_count(page, table) for table in (PORTFOLIO, DECISIONS, CHANGES)] == [12, 18, 10]
    page.fill("[name=text]", "partner 003")
    assert [_count(page, table) for table in (PORTFOLIO, DECISIONS, CHANGES)] == [1, 2, 1]
    page.fill("[name=text]", "")
    page.select_option("[name=state]", "worse")
    assert [_count(page, table) for table in (PORTFOLIO, DECISIONS, CHANGES)] == [4, 6, 6]
    assert page.locator(".filters output").inner_text() == "4 of 12 partners"
    page.fill("[name=text]", "nobody")
    assert page.locator("#partners .nothing").is_visible()
    page.click(".filters button")
    assert _count(page, PORTFOLIO) == 12
    assert not page.said


def test_a_chosen_kpi_leaves_its_column_and_what_is_about_it(open_page, small):
    page = open_page(_index(small))
    page.select_option("[name=kpi]", "fcr")
    heads = page.locator("#portfolio thead tr").first.locator("th:visible")
    assert [text.strip() for text in heads.all_inner_texts()] == ["Partner", "Fcr"]
    assert [_count(page, table) for table in (DECISIONS, CHANGES)] == [0, 6]
    page.select_option("[name=state]", "missed")
    assert _count(page, PORTFOLIO) == 6  # those that miss this one, not those that miss any
    assert _count(page, "#flags table") == 3


@pytest.mark.parametrize("width", [390, 1280])
def test_the_address_keeps_the_view(open_page, small, width):
    page = open_page(_index(small), width=width)
    page.select_option("[name=state]", "missed")
    page.select_option("[name=kpi]", "csat")
    page.fill("[name=text]", "Partner 00")
    address = page.evaluate("location.href")
    assert address.endswith("#text=Partner%2000&state=missed&kpi=csat")
    again = open_page(_index(small), width=width)
    again.goto(address)
    again.reload()
    assert _count(again, PORTFOLIO) == _count(page, PORTFOLIO) == 4
    assert again.input_value("[name=text]") == "Partner 00"
    again.evaluate("location.hash = 'decisions'")  # a link to a section keeps the filters
    again.wait_for_function("location.hash.startsWith('#decisions&text=')")
    assert _count(again, PORTFOLIO) == 4
    assert not again.said


def test_the_order_is_in_the_address_too(open_page, small):
    page = open_page(_index(small))
    first = page.locator("#portfolio tbody tr th b").first
    assert first.inner_text() == "Partner 000"
    page.locator("#portfolio thead button", has_text="Partner").click()
    page.locator("#portfolio thead button", has_text="Partner").click()
    assert first.inner_text() == "Partner 011"
    again = open_page(_index(small))
    again.goto(page.evaluate("location.href"))
    again.reload()
    assert again.locator("#portfolio tbody tr th b").first.inner_text() == "Partner 011"


@pytest.mark.parametrize("hash", ["#%E0%A4%A", "#text=%E0%A4%A", "#state=nonsense", "#kpi=nonsense&state=missed", "#="])
def test_an_odd_address_is_no_trouble(open_page, small, hash):
    page = open_page(_index(small))
    page.goto(_index(small).as_uri() + hash)
    page.reload()
    assert _count(page, PORTFOLIO) == (8 if "missed" in hash else 12)
    assert not page.said


def test_links_to_the_other_period_carry_the_view(open_page, small):
    page = open_page(_index(small))
    page.select_option("[name=kpi]", "csat")
    page.click("a[rel=prev]")
    page.wait_for_load_state()
    assert page.url == _index(small, "2026-02").as_uri() + "#kpi=csat"
    assert page.input_value("[name=kpi]") == "csat"
    page.click("a[rel=next]")
    page.wait_for_load_state()
    assert page.url == _index(small).as_uri() + "#kpi=csat"


def test_links_of_a_report_lead_to_the_same_section_of_the_other_period(open_page, small):
    page = open_page(small / "2026-03" / "p1" / "review.html")
    page.evaluate("document.getElementById('s2').scrollIntoView()")
    page.locator("a[rel=prev]").dispatch_event("click")
    page.wait_for_url("**/2026-02/p1/review.html#s2")
    assert 0 <= page.evaluate("document.getElementById('s2').getBoundingClientRect().top") < 200


def test_without_scripts_links_and_tables_are_there(open_page, small):
    page = open_page(_index(small), java_script_enabled=False)
    assert not page.locator("[name=state]").is_visible()
    assert page.locator("a[rel=prev]").get_attribute("href") == "../2026-02/index.html"
    assert _count(page, DECISIONS) == 18
    assert not page.locator("#portfolio td .detail").first.is_visible()
    page.check("#more")
    assert page.locator("#portfolio td .detail").first.is_visible()


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_hostile_names_are_text_and_nothing_runs_over_the_edge(open_page, tmp_path, width):
    site = _site(tmp_path, 3, hostile=True)
    page = open_page(_index(site), width=width)
    assert page.title() == "The client · March 2026"
    assert "<img src=x" in page.locator("#portfolio tbody").inner_text()
    assert page.locator("main img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.asked == [_index(site).as_uri()]
    assert not page.said


def test_a_hundred_partners_are_laid_out_before_the_script_runs(open_page, tmp_path):
    site = _site(tmp_path, 100)
    assert _index(site).stat().st_size < 1_000_000
    page, bare = (open_page(_index(site), java_script_enabled=on) for on in (True, False))
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    tops = [each.locator("#portfolio tbody tr").first.bounding_box()["y"] for each in (page, bare)]
    assert abs(tops[0] - tops[1]) < 60  # only the form is away
    page.select_option("[name=state]", "worse")
    assert _count(page, PORTFOLIO) == 34
