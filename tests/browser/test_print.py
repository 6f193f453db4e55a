"""Pages on paper: both sizes, a running head on every sheet, nothing cut, nothing empty."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bpo_analysis.page import Column, table
from bpo_analysis.page.document import head
from bpo_analysis.page.paper import RunningHead
from bpo_analysis.reports.pdf import Printer, find_printer

CONTENT_WIDTH = 695
"""Pixels between the margins of an upright A4 sheet, the narrower of the two sizes; the index lies on its side."""
SIDEWAYS = 1024
SIZES = {"A4": "594.96 x 841.92", "letter": "612 x 792"}


@pytest.fixture(scope="module")
def poppler() -> None:
    if shutil.which("pdftotext") is None or shutil.which("pdfinfo") is None:
        pytest.skip("no pdftotext on this machine (Debian: apt install poppler-utils)")


def printed(page: bytes, folder: Path, paper: str = "A4") -> Path:
    file = folder / f"{paper}.pdf"
    file.write_bytes(find_printer(paper).print_page(page))
    return file


def sheets(pdf: Path) -> list[str]:
    told = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    return told.split("\f")[:-1]


def info(pdf: Path) -> str:
    return subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True, check=True).stdout


@pytest.mark.usefixtures("poppler", "browser")
@pytest.mark.parametrize("paper", SIZES)
def test_every_sheet_says_who_when_what_and_its_number(monthly, tmp_path, paper):
    pdf = printed(monthly.read_bytes(), tmp_path, paper)
    found = sheets(pdf)
    assert SIZES[paper] in info(pdf)
    assert 10 <= len(found) <= 45
    for number, sheet in enumerate(found, 1):
        lines = [line.strip() for line in sheet.splitlines() if line.strip()]
        assert re.fullmatch(r"Northline Support · October 2026 +Client's edition", lines[0]), lines[0]
        assert re.fullmatch(rf"Monthly partner review +Page {number} of {len(found)}", lines[-1]), lines[-1]
        assert len(lines) > 3, f"sheet {number} is empty"


@pytest.mark.usefixtures("poppler", "browser")
@pytest.mark.parametrize("paper", SIZES)
def test_the_first_sheet_holds_the_first_screen(monthly, tmp_path, paper):
    first, second = sheets(printed(monthly.read_bytes(), tmp_path, paper))[:2]
    for said in (
        "missed 4 of 11 targets",
        "QA score",
        "Cost per contact",
        "What changed",
        "Decisions needed",
        "Data: ",
    ):
        assert said in first, said
    assert "1. What it means" in first + second


@pytest.mark.usefixtures("poppler")
def test_no_page_of_any_template_prints_an_empty_sheet(turn_pages, pages, tmp_path):
    pdf = tmp_path / "page.pdf"
    for path, page in turn_pages(pages):
        page.pdf(path=pdf, prefer_css_page_size=True)
        for number, sheet in enumerate(sheets(pdf), 1):
            lines = [line for line in sheet.splitlines() if line.strip()]
            assert len(lines) > 2, (path.name, number)  # the running head and the number are two


def test_nothing_is_wider_than_a_sheet_or_the_browser_would_shrink_the_whole_page(turn_pages, pages):
    sideways = {path for path in pages if path.name == "index.html"}
    for chosen, width in ((sideways, SIDEWAYS), (set(pages) - sideways, CONTENT_WIDTH)):
        for path, page in turn_pages(chosen, width=width, height=1000):
            page.emulate_media(media="print")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_very_long_word_is_broken_and_not_the_page(open_page, tmp_path):
    word = "W" * 300
    made = table([Column("Partner"), Column("Said"), Column("Value", "right")], [[word, word, "12.3 %"]], caption=word)
    file = tmp_path / "long.html"
    file.write_text(f"<!DOCTYPE html><html><head>{head(word)}</head><body><h1>{word}</h1>{made}</body></html>")
    page = open_page(file, width=CONTENT_WIDTH)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= CONTENT_WIDTH


def test_what_is_folded_is_open_on_paper_and_controls_are_gone(open_page, monthly):
    page = open_page(monthly)
    folded = "[...document.querySelectorAll('main details:not(figure details)')]"
    shown = f"{folded}.filter(d => [...d.children].slice(1).some(c => c.checkVisibility())).length"
    before = page.evaluate(shown)
    page.emulate_media(media="print")
    assert page.evaluate(shown) == page.evaluate(f"{folded}.length") > before
    controls = "[...document.querySelectorAll('.toc, .anchor, .skip, .hide-print')].filter(e => e.checkVisibility())"
    assert page.evaluate(f"{controls}.length") == 0


def test_links_name_the_section_they_lead_to(open_page, monthly):
    page = open_page(monthly)
    page.emulate_media(media="print")
    told = page.evaluate(
        "[...document.querySelectorAll('.first-screen a[data-at]')].map(a => [a.dataset.at,"
        " document.getElementById(a.hash.slice(1)).closest('section[id]').querySelector('h2').dataset.n,"
        " getComputedStyle(a, '::after').content])"
    )
    assert told
    for at, number, said in told:
        assert at == number
        assert at in said


@pytest.mark.usefixtures("poppler", "browser")
def test_a_pdf_names_no_folder_of_this_machine_and_has_no_date(monthly, tmp_path):
    content = printed(monthly.read_bytes(), tmp_path).read_bytes()
    assert b"file:" not in content
    assert b"CreationDate (" not in content
    assert content == printed(monthly.read_bytes(), tmp_path).read_bytes()


@pytest.mark.usefixtures("poppler", "browser")
@pytest.mark.parametrize(
    "name",
    [
        'A"; } body { display: none } /*',
        "</style><h1>out</h1>",
        "back\\slash \\22 x",
        "شركة الدعم",
        "new\nline",
        "🦊 Fox",
    ],
)
def test_hostile_names_stay_in_the_running_head(tmp_path, name):
    page = (
        f"<!DOCTYPE html><html><head>{head('x', running=RunningHead(who=name))}</head><body><p>Body</p></body></html>"
    )
    (found,) = sheets(printed(page.encode(), tmp_path))
    assert "Body" in found
    assert "out" not in re.sub(r"</style><h1>out</h1>", "", found)
    if name.isascii():
        assert " ".join(name.split()) in found


@pytest.mark.usefixtures("browser")
def test_the_index_lies_on_its_side_on_both_papers(site, tmp_path):
    page = next(site.rglob("northline-support")).parent / "index.html"
    for paper in SIZES:
        content = printed(page.read_bytes(), tmp_path, paper).read_bytes()
        boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)
        assert boxes
        assert all(float(width) > float(height) for width, height in boxes)


def test_the_mark_of_a_pdf_ignores_what_is_not_printed():
    printer = Printer(command=("none",))
    page = b"<head></head><nav><!--periods--><!--/periods--></nav><a href='x'>y</a>"
    linked = page.replace(b"<!--periods-->", b'<!--periods--><a href="../2026-02/a.html">before</a>')
    assert printer.mark(page) == printer.mark(linked)
    assert printer.mark(page) != printer.mark(page.replace(b"y", b"z"))
    assert printer.mark(page) != Printer(command=("none",), paper="letter").mark(page)
