"""Pages for readers who do not see them, or have no mouse: axe-core's rules, structure, keyboard."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
EVERYTHING = {"runOnly": STANDARDS, "rules": {"target-size": {"enabled": True}}}
CONTRAST = {"runOnly": ["color-contrast"]}
# Unfolded and laid out, for axe passes over what is not; without selectors, which take longer than the rules; and the
# first rows of a table stand for the others.
VIOLATIONS = """async options => {
  document.querySelectorAll('tbody').forEach(body => [...body.rows].slice(6).forEach(row => row.remove()));
  document.querySelectorAll('details').forEach(part => { part.open = true });
  document.querySelectorAll('main > section').forEach(part => { part.style.contentVisibility = 'visible' });
  const found = await axe.run(document, {...options, resultTypes: ['violations'], selectors: false});
  return found.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 200), v.nodes[0].failureSummary]);
}"""
STRUCTURE = """() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const short = element => element.outerHTML.slice(0, 120);
  const ids = all('[id]').map(element => element.id);
  return {
    language: document.documentElement.lang,
    title: document.title,
    levels: all('h1,h2,h3,h4,h5,h6').map(heading => +heading.tagName[1]),
    lost: all('a[href^="#"]').map(a => decodeURIComponent(a.getAttribute('href').slice(1)))
      .filter(id => !document.getElementById(id)),
    twice: ids.filter((id, place) => ids.indexOf(id) !== place),
    uncaptioned: all('table').filter(table => !table.caption || !table.caption.textContent.trim()).map(short),
    unscoped: all('th').filter(th => !['col', 'row', 'colgroup', 'rowgroup'].includes(th.scope)).map(short),
    nameless: all('th').filter(th => !th.textContent.trim()).map(short),
    rowless: all('table').filter(table => !all('th[scope=row]', table).length && !all('th[scope=col]', table).length)
      .map(short),
    silent: all('svg').filter(svg => !svg.closest('[aria-hidden=true]')
      && !(svg.getAttribute('role') === 'img' && (svg.getAttribute('aria-label') || svg.getAttribute('aria-labelledby')
      || svg.querySelector('title')))).map(short),
    reordered: all('[tabindex]').filter(element => element.tabIndex > 0).map(short),
  };
}"""
# What Tab should stop at, in the order of the document, and what it does stop at, with the look of each stop.
FOLLOW = """() => {
  const seen = e => e.checkVisibility({visibilityProperty: true});
  window.expected = [...document.querySelectorAll('a[href],button,input,select,textarea,summary,[tabindex]')]
    .filter(e => e.tabIndex >= 0 && !e.disabled && e.type !== 'hidden' && seen(e));
  window.stops = [];
  addEventListener('focusin', event => {
    const look = getComputedStyle(event.target);
    stops.push({element: event.target, outlined: look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) > 0
      && look.outlineColor !== 'rgba(0, 0, 0, 0)'});
  });
  return expected.length;
}"""
FOLLOWED = """() => ({
  missed: expected.filter(e => !stops.some(s => s.element === e)).map(e => e.outerHTML.slice(0, 120)),
  backwards: stops.filter((s, n) => n && stops[n - 1].element !== s.element
    && s.element.compareDocumentPosition(stops[n - 1].element) & Node.DOCUMENT_POSITION_FOLLOWING)
    .map(s => s.element.outerHTML.slice(0, 120)),
  unseen: stops.filter(s => !s.outlined).map(s => s.element.outerHTML.slice(0, 120)),
})"""


@pytest.fixture(scope="session")
def axe_script():
    return pytest.importorskip(
        "axe_playwright_python.base", reason="axe-core is not installed: pip install '.[test]'"
    ).AXE_SCRIPT


@pytest.fixture(scope="module")
def one_of_each(pages):
    """One page of each template and dataset, index and shelf pages included."""
    return list({(_dataset(path), path.stem): path for path in pages}.values())


def _dataset(path):
    return next((part for part in path.parts if part in ("nhs111", "portfolio", "pilots")), "all")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (1280, "dark"), (390, "dark")])
def test_axe_finds_no_violation(turn_pages, one_of_each, axe_script, width, scheme):
    """In the dark only colours differ, so only contrast is looked at."""
    found = {}
    for path, page in turn_pages(one_of_each, width=width, height=844, color_scheme=scheme):
        page.evaluate(axe_script)
        if violations := page.evaluate(VIOLATIONS, EVERYTHING if scheme == "light" else CONTRAST):
            found[f"{_dataset(path)} {path.stem}"] = violations
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)


@pytest.fixture(scope="module")
def structures(browser, pages):
    """What every page is made of, as a browser without its style would read it."""
    found = {}
    with browser.new_context() as context:
        page = context.new_page()
        for path in pages:
            page.goto(path.as_uri())
            found[path] = page.evaluate(STRUCTURE)
    return found


def test_every_page_has_a_language_and_a_title(structures):
    for path, found in structures.items():
        assert found["language"] == "en", path
        assert len(found["title"]) > 5, path


def test_headings_descend_one_step_at_a_time(structures):
    for path, found in structures.items():
        levels = found["levels"]
        assert levels[0] == 1, path
        assert levels.count(1) == 1, path
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels)), (path, levels)


def test_every_inner_link_leads_to_one_place(structures):
    for path, found in structures.items():
        assert not found["lost"], (path, sorted(set(found["lost"])))
        assert not found["twice"], path


def test_tables_have_captions_and_named_headers_with_scopes(structures):
    for path, found in structures.items():
        for kind in ("uncaptioned", "unscoped", "nameless", "rowless"):
            assert not found[kind], (kind, path)


def test_pictures_say_what_they_show_or_are_silent(structures):
    for path, found in structures.items():
        assert not found["silent"], path


def test_tab_stops_follow_the_page(structures):
    for path, found in structures.items():
        assert not found["reordered"], path


@pytest.mark.parametrize("width", [1280, 390])
def test_tab_reaches_everything_in_order_and_shows_where_it_is(turn_pages, one_of_each, width):
    for path, page in turn_pages(filter(_walked, one_of_each), width=width, height=844):
        for _ in range(page.evaluate(FOLLOW)):
            page.keyboard.press("Tab")
        found = page.evaluate(FOLLOWED)
        assert found == {"missed": [], "backwards": [], "unseen": []}, path


def _walked(path):
    """Pages that hold every kind of control; each press of a key takes a moment."""
    walked = {"portfolio": ("monthly_partner_review", "portfolio_review", "index"), "pilots": ("pilot_evaluation",)}
    return path.stem.startswith(walked.get(_dataset(path), ("index",)))


def test_the_first_tab_stop_skips_to_the_report(open_page, monthly):
    page = open_page(monthly)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.skip')")
    box = page.locator(".skip").bounding_box()
    assert box["x"] >= 0
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_folded_parts_open_by_key(open_page, monthly, key):
    page = open_page(monthly)
    summary = page.locator("main details:not([open]) > summary").first
    part = summary.evaluate_handle("summary => summary.parentElement")
    summary.focus()
    page.keyboard.press(key)
    assert part.evaluate("part => part.open")
    page.keyboard.press(key)
    assert not part.evaluate("part => part.open")


def test_boxes_that_scroll_can_be_scrolled_by_key(turn_pages, one_of_each):
    for path, page in turn_pages(one_of_each, width=390, height=844):
        stuck = page.evaluate(
            "() => { document.querySelectorAll('details').forEach(part => { part.open = true });"
            "return [...document.querySelectorAll('main *')].filter(e => e.scrollWidth > e.clientWidth + 1"
            " && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.tabIndex < 0)"
            ".map(e => e.outerHTML.slice(0, 120)) }"
        )
        assert not stuck, path
