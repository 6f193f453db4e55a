"""A browser, and a site of every template over both bundled datasets, made once for all tests of this folder."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bpo_analysis.cli import main

ROOT = Path(__file__).parents[2]
TEMPLATES = {path.stem for path in (ROOT / "templates").glob("*.ipynb")}
PILOTS = ["pilot_plan", "pilot_monitor", "pilot_evaluation"]
MONTHLY, QUARTERLY = "monthly_partner_review", "quarterly_business_review"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NO_CHROMIUM = "no Chromium on this machine (Debian: apt install chromium)"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium under Playwright.

    For a module, not the session: Playwright's event loop counts as running until it is closed, and tests elsewhere
    that execute notebooks in the same process could not start theirs.
    """
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install '.[test]'")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Have a folder made by the first worker that asks for it, while the others wait: ``made_once(name, make)``."""
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[Path], None]) -> Path:
        done = shared / f"{name}.done"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(shared / name, ignore_errors=True)  # half made by a worker that failed
                make(shared / name)
                done.touch()
        return shared / name

    return made


@pytest.fixture(scope="session")
def site(made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Folder with pages of every template over both bundled datasets."""
    return made_once("site", _make_site)


def _make_site(out: Path) -> None:
    """Every template over both datasets: pilots and packages only where there are some."""
    nhs, portfolio = (["--data", str(ROOT / "data" / "sample" / name)] for name in ("nhs111", "portfolio"))
    at = {name: ["--out", str(out / name)] for name in ("nhs111", "portfolio", "pilots")}
    of_partners = sorted(TEMPLATES - set(PILOTS))
    without_packages = [name for name in of_partners if name != "custom_package"]
    thames, northline = ["--partner", "Thames Valley"], ["--partner", "northline"]
    for_partner = [QUARTERLY, *portfolio, *northline, "-p", "audience=steering", "-p", "edition=partner"]
    for arguments in (
        ["report", MONTHLY, *nhs, "--partner", "Midlands", *at["nhs111"]],
        ["report", *without_packages, *nhs, *thames, *at["nhs111"]],
        ["report", *of_partners, *portfolio, *northline, *at["portfolio"]],
        ["report", *for_partner, *at["portfolio"]],
        ["report", *PILOTS, *portfolio, *at["pilots"]],
        ["index", str(out)],
    ):
        assert main(arguments) == 0, arguments


@pytest.fixture(scope="session")
def pages(site: Path) -> list[Path]:
    """Every HTML file of the site."""
    found = sorted(site.rglob("*.html"))
    assert not {name for name in TEMPLATES if not any(path.stem.startswith(name) for path in found)}
    assert any(path.stem == f"{QUARTERLY}-partner-edition-steering" for path in found)
    return found


@pytest.fixture(scope="session")
def monthly(pages: list[Path]) -> Path:
    """The monthly review of partner northline: every section has something to show."""
    return next(path for path in pages if path.stem == MONTHLY and "northline" in str(path))


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a file: ``open_page(path, width=390)``; further keywords go to the context (``color_scheme="dark"``).

    The page has lists ``asked`` (addresses that were requested) and ``said`` (console messages and errors), and is
    closed after the test.
    """
    contexts = []

    def opened(path: Path, *, width: int = 1280, height: int = 800, **context: Any) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **context))
        page = contexts[-1].new_page()
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def turn_pages(open_page: Callable[..., Any]) -> Callable[..., Iterator[tuple[Path, Any]]]:
    """Open one file after the other in one tab: ``for path, page in turn_pages(paths, width=390)``.

    A new context starts two processes of the browser, which takes longer than the page.
    """

    def turned(paths: Iterable[Path], **about: Any) -> Iterator[tuple[Path, Any]]:
        page = None
        for path in paths:
            if page is None:
                page = open_page(path, **about)
            else:
                page.asked.clear()
                page.said.clear()
                page.goto(path.as_uri())
            yield path, page

    return turned
