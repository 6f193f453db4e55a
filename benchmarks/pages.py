"""Size and speed of pages, ours beside nbconvert's default for the same executed notebook; docs/performance.md, Pages.

    python -m benchmarks.pages [--loads 9] [--write] [TEMPLATE ...]

Bytes by part, elements, and time to the first paint in an installed Chromium, ours and nbconvert's in turns. There is
no network. What nbconvert's page asks of one is counted and refused without delay, as for a reader who has none; in
other loads it is answered with nothing after the round trips that a first request to a host takes: until the script in
its head has come, that page stays empty.
"""

# nbconvert, nbformat and playwright are typed in part only.
# mypy: allow-untyped-calls

from __future__ import annotations

import importlib.metadata
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import nbformat
from nbconvert.exporters import HTMLExporter

from benchmarks.document import machine, targets, write_part

ROOT = Path(__file__).resolve().parents[1]
DATA, PARTNER = ROOT / "data" / "sample" / "portfolio", "northline"
MONTHLY = "monthly_partner_review"
TEMPLATES = (MONTHLY, "quarterly_business_review", "weekly_account_summary", "daily_summary")
PARTS = ("figures", "tables", "style", "script", "rest")
# Of a network that answers: for the name, the connection, its encryption and the file itself.
ROUND_TRIP_MS, ROUND_TRIPS = 40, 4
# What a page must keep to.
MOST_STYLE_AND_SCRIPT, MOST_MONTHLY, LEAST_RATIO = 40_000, 300_000, 3.0
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
# A spark in a table is a figure, and so is a picture of nbconvert's; each byte counts once.
_BY_PART = """() => {
  const size = found => found.reduce((sum, e) => sum + new TextEncoder().encode(e.outerHTML).length, 0);
  const outermost = selector => [...document.querySelectorAll(selector)]
    .filter(e => !e.parentElement.closest(selector));
  const pictures = outermost('svg, img'), tables = outermost('table');
  return {
    figures: size(pictures), tables: size(tables) - size(pictures.filter(e => e.closest('table'))),
    style: size(outermost('style')), script: size(outermost('script')),
  };
}"""
_FIRST_PAINT = """() => new Promise((found, failed) => {
  new PerformanceObserver(list => list.getEntries().filter(e => e.name === 'first-contentful-paint')
    .forEach(e => found(e.startTime))).observe({type: 'paint', buffered: true});
  setTimeout(() => failed(new Error('nothing was painted')), 30000);
})"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCost:
    """What a page costs its reader.

    Parameters
    ----------
    size : int
        Bytes of the file.
    parts : mapping of str to int
        Bytes of figures, tables, style, script and the rest.
    elements : int
        Elements of the document once its scripts have run.
    refused : int
        Requests to a network.
    paints, waited : sequence of float
        Milliseconds to the first paint of content, one for each load: requests refused, and answered late.
    """

    size: int
    parts: Mapping[str, int]
    elements: int
    refused: int
    paints: Sequence[float]
    waited: Sequence[float]


def make_pages(folder: Path, templates: Sequence[str]) -> dict[str, tuple[Path, Path]]:
    """Make a report by each template, and nbconvert's default page of the same notebook beside it.

    Parameters
    ----------
    folder : Path
        Where they go.
    templates : sequence of str
        Names of templates.

    Returns
    -------
    dict of str to (Path, Path)
        Our page and nbconvert's, by template.
    """
    told = ["report", *templates, "--data", str(DATA), "--partner", PARTNER, "--out", str(folder)]
    subprocess.run([sys.executable, "-m", "bpo_analysis.cli", *told], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    found = {}
    for template in templates:
        notebook = next(folder.rglob(f"{template}.ipynb"))
        page, _ = HTMLExporter().from_notebook_node(nbformat.read(notebook, as_version=4))
        peer = notebook.with_suffix(".nbconvert.html")
        peer.write_text(page, encoding="utf-8")
        found[template] = (notebook.with_suffix(".html"), peer)
    return found


def measure(browser: Any, pages: Sequence[Path], loads: int) -> list[PageCost]:
    """Open pages in turns and return what each costs.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
    pages : sequence of Path
    loads : int
        How often each is loaded.
    """
    # One tab: a new one starts processes of its own, which take the time of the page.
    with browser.new_context(viewport={"width": 1280, "height": 800}, offline=True) as context:
        tab = context.new_page()
        for page in pages:
            _load(tab, page)
        rounds = [[_load(tab, page) for page in pages] for _ in range(loads)]
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.route(re.compile("^https?:"), _answer_late)
        tab = context.new_page()
        waited = [[_load(tab, page)[2] for page in pages] for _ in range(loads + 1)][1:]
    costs = []
    for number, page in enumerate(pages):
        size = page.stat().st_size
        parts = _parts(browser, page)
        elements, refused, _ = rounds[-1][number]
        costs.append(
            PageCost(
                size=size,
                parts=parts | {"rest": size - sum(parts.values())},
                elements=elements,
                refused=refused,
                paints=[one[number][2] for one in rounds],
                waited=[one[number] for one in waited],
            )
        )
    return costs


def _load(tab: Any, path: Path) -> tuple[int, int, float]:
    """Elements, refused requests and time to the first paint of one load."""
    tab.goto("about:blank")
    asked: list[str] = []

    def note(request: Any) -> None:
        asked.append(request.url)

    tab.on("request", note)
    tab.goto(path.as_uri())
    paint = tab.evaluate(_FIRST_PAINT)
    tab.remove_listener("request", note)
    refused = sum(address.startswith("http") for address in asked)
    return tab.evaluate("document.querySelectorAll('*').length"), refused, paint


def _answer_late(route: Any) -> None:
    route.request.frame.page.wait_for_timeout(ROUND_TRIP_MS * ROUND_TRIPS)
    route.fulfill(body="", content_type="text/javascript")


def _parts(browser: Any, path: Path) -> dict[str, int]:
    """Bytes by part of the file as it is: scripts would add to it."""
    with browser.new_context(java_script_enabled=False, offline=True) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        return dict(page.evaluate(_BY_PART))


def report(costs: Mapping[str, tuple[PageCost, PageCost]], loads: int) -> str:
    """Return the part of docs/performance.md.

    Parameters
    ----------
    costs : mapping of str to (PageCost, PageCost)
        Ours and nbconvert's, by template.
    loads : int
    """
    wait = ROUND_TRIP_MS * ROUND_TRIPS
    lines = [
        f"`python -m benchmarks.pages --write`, on {machine()}; nbconvert {importlib.metadata.version('nbconvert')}. "
        f"Partner {PARTNER} of the bundled portfolio; kB of the file by part, elements once scripts have run, "
        f"milliseconds to the first paint (median of {loads} loads from a file, in turns, 1280 by 800). nbconvert's "
        "page is its default one (`HTMLExporter()`) of the same executed notebook. It asks for scripts on a network, "
        "and paints nothing until the one in its head has come or failed: refused, as for a reader without a network, "
        f"these requests fail at once; answered, they bring an empty file after {wait} ms, {ROUND_TRIPS} round trips "
        f"of {ROUND_TRIP_MS} ms.",
        "",
        f"| page | kB | {' | '.join(PARTS)} | elements | requests | first paint, ms: refused | answered |",
        f"|---|---|{'---|' * len(PARTS)}---|---|---|---|",
    ]
    for template, pair in costs.items():
        for title, cost in zip((f"**{template}**", "the same by nbconvert"), pair, strict=True):
            cells = [f"{cost.size / 1e3:,.0f}", *(f"{cost.parts[part] / 1e3:,.0f}" for part in PARTS)]
            cells += [f"{cost.elements:,}", str(cost.refused), _median(cost.paints), _median(cost.waited)]
            lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *targets(_held(costs))])


def _median(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.0f}"


def _held(costs: Mapping[str, tuple[PageCost, PageCost]]) -> Iterator[tuple[str, bool]]:
    most = max(ours.parts["style"] + ours.parts["script"] for ours, _ in costs.values())
    yield _at_most("style and script together", most, MOST_STYLE_AND_SCRIPT)
    if MONTHLY in costs:
        ours, peer = costs[MONTHLY]
        yield _at_most("the monthly review", ours.size, MOST_MONTHLY)
        for way, where in (("waited", "where there is a network"), ("paints", "without one")):
            times = statistics.median(getattr(peer, way)) / statistics.median(getattr(ours, way))
            wanted = f"first paint of the monthly review, at least {LEAST_RATIO:.0f} times faster"
            yield f"{wanted}: {times:.1f} times {where}", times >= LEAST_RATIO


def _at_most(what: str, size: float, most: float) -> tuple[str, bool]:
    return f"{what}, at most {most / 1e3:.0f} kB: {size / 1e3:.1f} kB", size < most


@click.command()
@click.argument("templates", nargs=-1)
@click.option("--loads", default=9, show_default=True, type=click.IntRange(min=1), help="Loads of each page.")
@click.option("--write", is_flag=True, help="Write the part Pages of docs/performance.md.")
def main(templates: tuple[str, ...], loads: int, *, write: bool) -> None:
    """Measure pages beside nbconvert's default for the same notebooks."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        click.echo("Pages are not measured: no Chromium on this machine (Debian: apt install chromium).", err=True)
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="bpo-benchmark-") as folder:
        pages = make_pages(Path(folder), templates or TEMPLATES)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            costs = {}
            for template, pair in pages.items():
                ours, peer = measure(browser, pair, loads)
                costs[template] = (ours, peer)
            browser.close()
    text = report(costs, loads)
    click.echo(text)
    if write:
        write_part("Pages", text)


if __name__ == "__main__":
    main()
