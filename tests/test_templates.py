"""Every template, found by its file: well-formed, thin, stripped, and it runs on its defaults."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from itertools import combinations
from math import isclose
from pathlib import Path

import nbformat
import papermill
import pytest

from bpo_analysis.reports.parameters import read_parameters
from bpo_analysis.review.printed import PrintedNumber, printed_numbers
from bpo_analysis.sections.section import RECORD_MIME

ROOT = Path(__file__).parents[1]
TEMPLATES = sorted((ROOT / "templates").glob("*.ipynb"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


INLINE = {"a", "abbr", "b", "code", "em", "i", "small", "span", "strong", "sub", "sup", "wbr"}
TICK = re.compile(r"([+−±-]?[\d,]*\.?\d+) ?(\D{0,4}|per 1,000)")
MONTH = re.compile(r"[A-Z][a-z]{2} \d\d")
SHORT = {"k", "M"}


class Words(HTMLParser):
    """Text of a page in pieces: outside charts, and the words of each chart by themselves."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pieces, self.charts, self._chart, self._headers = [""], [], False, False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "svg":
            self._chart = True
            self.charts.append([])
        elif tag == "text" and self._chart:
            self.charts[-1].append("")
        elif tag == "thead":
            self._headers = True
        elif tag not in INLINE:
            self.pieces.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "svg":
            self._chart = False
        elif tag == "thead":
            self._headers = False
        elif tag not in INLINE:
            self.pieces.append("")

    def handle_data(self, data: str) -> None:
        if self._chart:
            if self.charts[-1]:
                self.charts[-1][-1] += data
        elif not self._headers:  # A header of a column says what its cells are; it is in the id of their rows.
            self.pieces[-1] += data


def numbers_not_listed(html: str, rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Numbers a section prints that no row of its page's ``.kpis.csv`` shows."""
    listed = [number for row in rows for name in ("shown", "slice") for number in printed_numbers(str(row.get(name)))]
    known = {_key(number) for number in listed}
    words = Words(html)
    pieces = [" ".join(piece.split()) for piece in words.pieces]
    missing = [number.text for piece in pieces for number in printed_numbers(piece) if _key(number) not in known]
    # Labels of charts leave out units and, of large amounts, decimals.
    values = {digits for digits, _ in known}
    values |= {f"{float(digits):.0f}" for digits in values}
    return missing + [n.text for chart in words.charts for n in _labels(chart) if _digits(n) not in values]


def _key(number: PrintedNumber) -> tuple[str, str]:
    return _digits(number), number.unit


def _digits(number: PrintedNumber) -> str:
    return re.sub(r"[^\d.]", "", number.text.replace("per 1,000", ""))


def _labels(chart: list[str]) -> Iterator[PrintedNumber]:
    """Numbers of a chart's labels; bare ones at equal steps and short ones (10.1 k, Oct 26) are ticks of an axis."""
    ticks: dict[str, set[float]] = {}
    for text in chart:
        if (found := TICK.fullmatch(text)) is not None and (numbers := printed_numbers(text)):
            ticks.setdefault(found[2], set()).add(numbers[0].value)
    in_thousands = bool(ticks.keys() & SHORT)
    for text in chart:
        found = TICK.fullmatch(text)
        whole = found is not None and found[1].replace(",", "").isdigit()
        if MONTH.fullmatch(text) or (found and (found[2] in SHORT or (in_thousands and whole))):
            continue
        for number in printed_numbers(text):
            if found is None or not _is_tick(number.value, ticks[found[2]]):
                yield number


def _is_tick(value: float, others: set[float]) -> bool:
    """Whether two others of the same unit stand with it at equal steps."""
    return any(
        isclose(sum(three), 3 * sorted(three)[1], rel_tol=1e-9, abs_tol=1e-12)
        for a, b in combinations(others - {value}, 2)
        if (three := (value, a, b))
    )


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_there_are_templates():
    assert TEMPLATES


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_papermill_sees_the_parameters_we_see(path):
    ours = {p.name for p in read_parameters(path)}
    assert ours == set(papermill.inspect_notebook(path))
    # What the runner sets; a page about all partners has no partner.
    assert {"period", "data"} <= ours
    assert "partner" in ours or path.stem == "portfolio_review"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_every_parameter_says_what_it_is(path):
    assert all(p.help for p in read_parameters(path))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_no_logic_in_a_template(path):
    for cell in code_cells(path):
        assert not re.search(r"^\s*(def|class|for|while|try|if|with)\b|%%|warnings\.", cell.source, flags=re.M), (
            cell.source
        )
        assert cell.source.count("\n") < 12


@pytest.mark.parametrize("path", [*TEMPLATES, *NOTEBOOKS], ids=lambda p: p.stem)
def test_notebooks_are_stripped(path):
    for cell in code_cells(path):
        assert not cell.outputs
        assert cell.execution_count is None


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.stem)
def test_runs_on_its_defaults_with_plain_papermill(path, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    done = papermill.execute_notebook(path, tmp_path / "out.ipynb", progress_bar=False)
    shown = [o for cell in done.cells for o in cell.get("outputs", []) if o.output_type == "execute_result"]
    # Every cell after the parameters and the set-up shows its section; a package has all of its own in one.
    assert len(shown) == len(code_cells(path)) - 2 >= (3 if path.stem == "custom_package" else 5)
    assert not [o for cell in done.cells for o in cell.get("outputs", []) if o.output_type == "error"]
    texts = [output.data.get(RECORD_MIME, {}).get("kpis", "") for output in shown]
    rows = [row for text in texts for row in csv.DictReader(io.StringIO(text))]
    for row in rows:
        row["shown"] = row["shown"].removeprefix("'")  # which keeps a spreadsheet from running it
    lacking = {
        output.data["text/plain"]: found
        for output in shown
        if (found := numbers_not_listed(output.data["text/html"], rows))
    }
    assert not lacking, "numbers on the page that are not in its .kpis.csv, by section"


def test_a_number_that_is_not_listed_is_found():
    html = (
        "<p>Median <b>135</b> days since 2026-10-01, 68.7 % of 1,512.</p><table><thead><tr><th>30 s</th></tr></thead>"
        "<tbody><tr><td>7</td><td>4.20 EUR</td></tr></tbody></table>"
        "<svg><text>10 %</text><text>20 %</text><text>30 %</text><text>mean 388</text></svg>"
    )
    rows = [{"shown": "68.7 %", "slice": ""}, {"shown": "of 1,512", "slice": "row=7"}, {"shown": None, "slice": None}]
    assert numbers_not_listed(html, rows) == ["135 days", "4.20 EUR", "388"]
    more = [{"shown": "135 days"}, {"shown": "4.20 EUR"}, {"shown": "388.0"}, {"shown": "388"}]
    assert numbers_not_listed(html, [*rows, *more]) == []
    # A number with another unit is another number.
    assert numbers_not_listed("<p>7 %</p>", rows) == ["7 %"]
