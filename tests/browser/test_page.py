"""What a reader can do with a page, and what the first look at it shows."""

from __future__ import annotations

import re

import pytest

FIRST = ".masthead, .verdict, .headline tbody tr, .changed, .asks, .flags, .confidence"
SECTION = "section#service"


@pytest.fixture
def reviews(pages):
    found = [path for path in pages if path.stem == "monthly_partner_review"]
    assert len({path.parent.name for path in found}) > 1
    return found


def bottoms(page, what):
    return page.evaluate(
        "what => [...document.querySelectorAll(what)].map(e => [e.className, e.getBoundingClientRect().bottom])", what
    )


def test_the_first_screen_of_a_review_needs_no_scrolling(open_page, reviews):
    for path in reviews:
        page = open_page(path, width=1280, height=800)
        shown = bottoms(page, FIRST)
        assert len(shown) >= 5
        assert [one for one in shown if one[1] > 800] == [], path
        page.context.close()


def test_a_phone_shows_the_verdict_and_the_first_rows(open_page, reviews):
    for path in reviews:
        page = open_page(path, width=390, height=844)
        assert bottoms(page, ".verdict")[0][1] < 500
        rows = [bottom for _, bottom in bottoms(page, ".headline tbody tr")]
        assert sum(bottom <= 844 for bottom in rows) >= min(3, len(rows))
        page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_contents_follow_the_reader(open_page, monthly, width):
    page = open_page(monthly, width=width)
    page.locator(SECTION).evaluate("e => e.scrollIntoView()")
    page.locator(".toc [aria-current]", has_text="Service").wait_for(state="attached")
    box = page.locator(".toc").bounding_box()
    assert box["y"] == 0
    if width == 390:
        assert page.locator(".toc .here").inner_text() == "Service"
        page.locator(".toc summary").click()
        page.locator(".toc a", has_text="Quality").last.click()
        assert not page.locator(".toc details").evaluate("e => e.open")
        top = page.locator("section#quality").bounding_box()["y"]
        assert box["height"] - 1 <= top < 100  # the heading is not behind the line that stays
    else:
        assert page.locator(".toc a", has_text="Appendix").is_visible()


def test_contents_are_links_without_scripts(open_page, monthly):
    page = open_page(monthly, java_script_enabled=False)
    links = page.locator(".toc ol a")
    assert links.count() > 10
    assert links.first.is_visible()
    assert page.locator("button").count() == 0


def test_sections_fold_one_by_one_all_at_once_and_open_for_a_link(open_page, monthly):
    page = open_page(monthly)
    fold = page.locator(f"{SECTION} > .fold")
    body = page.locator(f"{SECTION} .scroll").first
    fold.click()
    assert fold.get_attribute("aria-expanded") == "false"
    assert not body.is_visible()
    fold.press("Enter")
    assert body.is_visible()
    page.get_by_role("button", name="Fold all").click()
    assert not body.is_visible()
    assert page.locator(f"{SECTION} > h2").is_visible()
    page.evaluate("location.hash = 'fig-service_level'")
    page.locator("#fig-service_level").wait_for(state="visible")
    assert body.is_visible()
    assert not page.locator("section#quality .scroll").first.is_visible()
    page.get_by_role("button", name="Unfold all").click()
    assert page.locator("section#quality .scroll").first.is_visible()


def test_tables_sort_by_number_and_keep_rows_without_a_value_last(open_page, monthly):
    page = open_page(monthly)
    table = page.locator(f"{SECTION} table").first
    header = table.locator("thead th", has_text="Target")
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    column = header.evaluate("e => e.cellIndex")
    cells = table.evaluate("(t, c) => [...t.tBodies[0].rows].map(r => r.cells[c].textContent)", column)
    known = [float(re.search(r"[\d.]+", cell)[0]) for cell in cells if cell != "–"]
    assert len(known) > 2
    assert known == sorted(known)
    assert cells[len(known) :] == ["–"] * (len(cells) - len(known))
    header.locator("button").press("Enter")
    assert header.get_attribute("aria-sort") == "descending"


def test_a_long_table_filters_and_says_how_many_rows_are_left(open_page, monthly):
    page = open_page(monthly)
    box = page.get_by_role("searchbox", name="Filter rows of: Service, October 2026")
    table = page.locator(f"{SECTION} table").first
    total = table.locator("tbody tr").count()
    box.fill("service LEVEL")
    assert table.locator("tbody tr:visible").count() == 2
    assert page.locator(f"{SECTION} .tools [role=status]").first.inner_text() == f"2 of {total} rows"
    box.fill("")
    assert table.locator("tbody tr:visible").count() == total


def test_leading_kpis_are_marked_and_can_be_hidden(open_page, monthly):
    page = open_page(monthly)
    leading = page.locator("tbody tr:has(> th .leading):not(:has(> th .kpi:not(.leading))):visible")
    before = leading.count()
    assert before > 3
    lagging = page.locator("tbody tr:has(> th .kpi:not(.leading)):visible").count()
    press = page.get_by_role("button", name="Hide leading KPIs")
    press.click()
    assert leading.count() == 0
    assert page.locator("tbody tr:has(> th .kpi:not(.leading)):visible").count() == lagging
    page.get_by_role("button", name="Show leading KPIs").click()
    assert leading.count() == before


@pytest.mark.parametrize("clipboard", [True, False])
def test_a_table_is_copied_as_text_between_tabs(open_page, monthly, clipboard):
    page = open_page(monthly)
    page.evaluate(
        "open => { window.copied = []; document.execCommand = () => { "
        "copied.push(document.activeElement.value); return true; };"
        "Object.defineProperty(navigator, 'clipboard', {value: open ? {writeText: t => { copied.push(t); "
        "return Promise.resolve(); }} : undefined}); }",
        clipboard,
    )
    page.evaluate("document.querySelector('#appendix table td').textContent = '=1+1'")
    page.get_by_role("button", name="Copy table: Service, October 2026").click()
    page.locator(".said", has_text="Table copied").wait_for()
    lines = page.evaluate("copied[0]").split("\n")
    assert lines[0].split("\t")[0] == "KPI"
    assert lines[1].startswith("Service level\t68.7 % 64.3 to 72.7 %\t")
    assert len({line.count("\t") for line in lines}) == 1
    page.evaluate("for (let e = document.querySelector('#appendix table'); e; e = e.parentElement) e.open = true")
    page.locator("#appendix .tools .copy").first.click()
    assert "\t'=1+1" in page.evaluate("copied[1]")


def test_the_anchor_of_a_section_copies_its_address(open_page, monthly):
    page = open_page(monthly)
    page.evaluate(
        "window.copied = []; Object.defineProperty(navigator, 'clipboard', "
        "{value: {writeText: t => { copied.push(t); return Promise.resolve(); }}})"
    )
    page.locator(f"{SECTION} > h2 .anchor").click()
    assert page.evaluate("copied[0]") == f"{monthly.as_uri()}#service"
    page.locator(".said", has_text="Address of this section copied").wait_for()


def test_a_definition_opens_beside_the_name_and_closes_with_escape(open_page, monthly):
    page = open_page(monthly)
    link = page.locator(".headline a.kpi", has_text="Service level")
    link.click()
    box = page.get_by_role("dialog", name="Definition")
    assert "of all contacts offered" in box.inner_text()
    page.keyboard.press("Escape")
    assert box.count() == 0
    assert link.evaluate("e => e === document.activeElement")
    link.press("Enter")
    box.get_by_role("link", name="All definitions").click()
    assert page.evaluate("location.hash") == "#def-service_level"


def test_every_name_of_a_kpi_leads_to_its_definition(pages):
    named = 0
    for path in pages:
        text = path.read_text(encoding="utf-8")
        linked = set(re.findall(r'class="kpi[^"]*" href="#([^"]+)"', text))
        assert linked <= set(re.findall(r'id="([^"]+)"', text)), path
        named += bool(linked)
    assert named > 8


def test_a_figure_tells_its_values_to_pointer_finger_and_keys(open_page, monthly):
    page = open_page(monthly, has_touch=True)
    plot = page.locator("#fig-service_level .plot")
    plot.scroll_into_view_if_needed()
    page.wait_for_timeout(200)  # what comes near is laid out now, and pushes
    rows = page.evaluate(
        "[...document.querySelectorAll('#fig-service_level tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
    )
    value = page.locator("#fig-service_level .value-at")
    box = plot.locator("svg").bounding_box()
    scale = box["width"] / 518.4
    last = box["x"] + (508 - 464 / len(rows) / 2) * scale
    page.mouse.move(last, box["y"] + 20)
    assert rows[-1][0] in value.inner_text()
    assert f"Value {rows[-1][1]}" in value.inner_text()
    page.mouse.move(0, 0)
    assert value.count() == 0
    page.touchscreen.tap(box["x"] + (44 + 464 / len(rows) / 2) * scale, box["y"] + 40)
    assert rows[0][0] in value.inner_text()
    plot.focus()
    page.keyboard.press("ArrowRight")
    assert rows[1][0] in value.inner_text()
    page.keyboard.press("Escape")
    assert value.count() == 0


def test_a_finding_and_its_figure_lead_to_each_other(open_page, monthly):
    page = open_page(monthly)
    page.locator(".changed a", has_text="Chart").first.click()
    name = page.evaluate("location.hash").removeprefix("#fig-")
    figure = page.locator(f"#fig-{name}")
    assert figure.locator("figcaption").bounding_box()["y"] < 800
    figure.locator("figcaption a", has_text="Finding").click()
    assert page.evaluate("location.hash") == f"#finding-{name}"
    finding = page.locator(f"td:has(#finding-{name}), th:has(#finding-{name})")
    assert finding.locator("a", has_text="Chart").get_attribute("href") == f"#fig-{name}"
    found = page.evaluate("[...document.querySelectorAll('[id^=finding-]')].map(e => e.id.slice(8))")
    back = page.evaluate("[...document.querySelectorAll('figcaption a')].map(a => a.hash.replace('#finding-', ''))")
    assert set(back) <= set(found)
