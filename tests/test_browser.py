"""The pages in a real browser: no request leaves, nothing runs over the edge, filters work."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from bpo_analysis.cli import main

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[1]
TEMPLATES = {path.stem for path in (ROOT / "templates").glob("*.ipynb")}
PILOTS = ["pilot_plan", "pilot_monitor", "pilot_evaluation"]
MONTHLY, QUARTERLY = "monthly_partner_review", "quarterly_business_review"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


TOO_WIDE = """width => [...document.querySelectorAll('.scroll')]
  .filter(box => box.offsetParent && !box.closest('details') && box.scrollWidth > box.clientWidth + 1)
  .filter(box => box.querySelector(width < 1280 ? 'table.stack' : 'table:not(.heat, .portfolio)'))
  .map(box => box.getAttribute('aria-label'))"""
"""Captions of tables that one has to scroll: on a wide screen only grids and the index may, elsewhere none of cards."""


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    for data, partners in (("nhs111", ("Thames Valley", "Midlands")), ("portfolio", ("northline",))):
        chosen = [word for name in partners for word in ("--partner", name)]
        assert main(["report", "--data", str(ROOT / "data" / "sample" / data), "--out", str(out / data), *chosen]) == 0
    portfolio = ["--data", str(ROOT / "data" / "sample" / "portfolio")]
    assert main(["report", *PILOTS, *portfolio, "--out", str(out / "pilots")]) == 0
    others = sorted(TEMPLATES - {MONTHLY, *PILOTS})
    assert main(["report", *others, *portfolio, "--partner", "northline", "--out", str(out / "portfolio")]) == 0
    steering = [QUARTERLY, *portfolio, "--partner", "northline", "-p", "audience=steering", "-p", "edition=partner"]
    assert main(["report", *steering, "--out", str(out / "portfolio")]) == 0
    assert main(["index", str(out)]) == 0
    return out


def pages(site):
    return sorted(site.rglob("*.html"))


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_request_no_console_error_no_sideways_scroll(browser, site, width):
    made = {path.stem for path in pages(site)}
    assert not {name for name in TEMPLATES if not any(stem.startswith(name) for stem in made)}
    assert f"{QUARTERLY}-partner-edition-steering" in made
    for path in pages(site):
        page = browser.new_page(viewport={"width": width, "height": 844})
        asked, said = [], []
        page.on("request", lambda r, asked=asked: asked.append(r.url))
        page.on("console", lambda m, said=said: said.append(m.text))
        page.on("pageerror", lambda e, said=said: said.append(str(e)))
        page.goto(path.as_uri())
        assert asked == [path.as_uri()]
        assert not said
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert not page.evaluate(TOO_WIDE, width), path
        assert page.locator("h1").count() == 1
        page.close()


def test_headings_descend_one_step_at_a_time(browser, site):
    for path in pages(site):
        page = browser.new_page()
        page.goto(path.as_uri())
        levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
        page.close()
        assert levels[0] == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels)), (path, levels)


def test_every_inner_link_leads_somewhere(browser, site):
    for path in pages(site):
        page = browser.new_page()
        page.goto(path.as_uri())
        lost = page.evaluate(
            "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1))"
            ".filter(id => !document.getElementById(id))"
        )
        page.close()
        assert not lost, (path, sorted(set(lost)))


def test_cards_on_a_phone_name_their_columns_and_stay_tables(browser, site):
    path = next(p for p in pages(site) if p.stem == MONTHLY and "northline" in str(p))
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(path.as_uri())
    table = page.locator("table.scorecard")
    roles = table.evaluate("t => [...new Set([t, ...t.querySelectorAll('*')].map(e => e.getAttribute('role')))]")
    assert {"table", "rowgroup", "row", "columnheader", "rowheader", "cell"} <= set(roles)
    labels = table.evaluate("t => [...t.rows[1].cells].map(c => c.getAttribute('data-label'))")
    assert labels == table.evaluate("t => [...t.rows[0].cells].map(c => c.firstChild.textContent.trim())")
    page.close()


def test_without_scripts_every_table_is_an_ordinary_one(browser, site):
    path = next(p for p in pages(site) if p.stem == MONTHLY and "northline" in str(p))
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("table.scorecard thead").is_visible()
    assert page.locator("table.stacked").count() == 0
    context.close()


def test_the_index_filters_and_sorts(browser, site):
    page = browser.new_page()
    page.goto((site / "nhs111" / "2026-03" / "index.html").as_uri())
    rows = page.locator("#portfolio tbody tr:visible")
    assert rows.count() == 2
    page.fill("input[name=text]", "thames")
    assert rows.count() == 1
    assert "Thames Valley" in rows.first.inner_text()
    page.fill("input[name=text]", "")
    header = page.locator("#portfolio thead th", has_text="Service level").first
    header.locator("button").click()
    first = rows.first.locator("th").inner_text()
    header.locator("button").click()
    assert rows.first.locator("th").inner_text() != first
    page.close()


def test_prints_without_a_blank_page(browser, site, tmp_path):
    page = browser.new_page()
    page.goto(next(site.rglob("northline-support/*.html")).as_uri())
    pdf = page.pdf(path=tmp_path / "page.pdf", format="A4")
    page.close()
    assert pdf.startswith(b"%PDF")
    assert len(pdf) > 50_000


def test_charts_of_pilots_can_be_read_on_a_phone(browser, site):
    """None scrolls sideways, none is cut, and its text is as large as it is elsewhere."""
    for path in site.rglob("pilot_*-*.html"):
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.goto(path.as_uri())
        charts = page.evaluate(
            "[...document.querySelectorAll('.plot')].filter(p => p.offsetParent).map(p => ({"
            "over: p.scrollWidth - p.clientWidth,"
            "cut: [...p.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();"
            " return b.left < 0 || b.right > 390 }).map(t => t.textContent),"
            "least: Math.min(...[...p.querySelectorAll('text')].map(t => parseFloat(getComputedStyle(t).fontSize)"
            " * p.querySelector('svg').getScreenCTM().a))}))"
        )
        page.close()
        assert charts, path
        for chart in charts:
            assert chart["over"] <= 0, path
            assert not chart["cut"], path
            assert chart["least"] >= 10, path


def test_the_first_screen_of_a_pilot_holds_verdict_and_forest_plot(browser, site):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(next(site.rglob("pilot_evaluation-*.html")).as_uri())
    for wanted in (".verdict", ".scorecard", ".note"):
        box = page.locator(wanted).first.bounding_box()
        assert box["y"] + box["height"] <= 800, wanted
    box = page.locator("#fig-forest .for-wide svg").bounding_box()
    assert box["y"] + box["height"] <= 860
    page.close()
