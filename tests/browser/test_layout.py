"""Pages at three widths: no request leaves, nothing is said to the console, nothing runs over the edge."""

from __future__ import annotations

import pytest

TOO_WIDE = """width => [...document.querySelectorAll('.scroll')]
  .filter(box => box.offsetParent && !box.closest('details') && box.scrollWidth > box.clientWidth + 1)
  .filter(box => box.querySelector(
    width < 1280 ? 'table.stack' : 'table:not(.heat, .portfolio, :has(th:nth-child(12)))'))
  .map(box => box.getAttribute('aria-label'))"""
"""Captions of tables that one has to scroll: on a wide screen only grids and the index may, elsewhere none of cards.

A table of twelve columns is a grid too: one column for each of many partners."""


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_request_no_console_error_no_sideways_scroll(turn_pages, pages, width):
    for path, page in turn_pages(pages, width=width, height=844):
        assert page.asked == [path.as_uri()]
        assert not page.said
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert not page.evaluate(TOO_WIDE, width), path


def test_cards_on_a_phone_name_their_columns_and_stay_tables(open_page, monthly):
    page = open_page(monthly, width=390, height=844)
    table = page.locator("table.scorecard")
    roles = table.evaluate("t => [...new Set([t, ...t.querySelectorAll('*')].map(e => e.getAttribute('role')))]")
    assert {"table", "rowgroup", "row", "columnheader", "rowheader", "cell"} <= set(roles)
    labels = table.evaluate("t => [...t.rows[1].cells].map(c => c.getAttribute('data-label'))")
    assert labels == table.evaluate("t => [...t.rows[0].cells].map(c => c.firstChild.textContent.trim())")


def test_without_scripts_every_table_is_an_ordinary_one(open_page, monthly):
    page = open_page(monthly, width=390, height=844, java_script_enabled=False)
    assert page.locator("table.scorecard thead").is_visible()
    assert page.locator("table.stacked").count() == 0


def test_charts_of_pilots_can_be_read_on_a_phone(turn_pages, site):
    """None scrolls sideways, none is cut, and its text is as large as it is elsewhere."""
    for path, page in turn_pages(site.rglob("pilot_*-*.html"), width=390, height=844):
        charts = page.evaluate(
            "[...document.querySelectorAll('.plot')].filter(p => p.offsetParent).map(p => ({"
            "over: p.scrollWidth - p.clientWidth,"
            "cut: [...p.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();"
            " return b.left < 0 || b.right > 390 }).map(t => t.textContent),"
            "least: Math.min(...[...p.querySelectorAll('text')].map(t => parseFloat(getComputedStyle(t).fontSize)"
            " * p.querySelector('svg').getScreenCTM().a))}))"
        )
        assert charts, path
        for chart in charts:
            assert chart["over"] <= 0, path
            assert not chart["cut"], path
            assert chart["least"] >= 10, path


def test_the_first_screen_of_a_pilot_holds_verdict_and_forest_plot(open_page, site):
    page = open_page(next(site.rglob("pilot_evaluation-*.html")))
    for wanted in (".verdict", ".scorecard", ".note"):
        box = page.locator(wanted).first.bounding_box()
        assert box["y"] + box["height"] <= 800, wanted
    box = page.locator("#fig-forest .for-wide svg").bounding_box()
    assert box["y"] + box["height"] <= 860
