"""Links between periods: both ways, without a report that was up to date becoming one that is not."""

import json
import re
from pathlib import Path

import pytest

from bpo_analysis.page.document import PERIODS_SLOT
from bpo_analysis.reports.inputs import output_digests
from bpo_analysis.reports.neighbours import earlier_folder, link_indexes, link_reports
from bpo_analysis.reports.place import OutputFolder

LAST = '<a class="last-report" data-period="2026-02">the report of February</a>'
PLACE = OutputFolder()


def _report(out, period, slug="a", *, name="review", status="ok", body=LAST):
    folder = out / period / slug
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.html").write_text(f"<body><nav>{PERIODS_SLOT}</nav>{body}</body>", encoding="utf-8")
    record = {"status": status, "template": name, "outputs": output_digests(folder, name)}
    (folder / f"{name}.run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder / f"{name}.html"


def _links(page: Path) -> dict[str, str]:
    return dict(re.findall(r'<a rel="(\w+)" href="([^"]+)"', page.read_text(encoding="utf-8")))


def _is_up_to_date(page: Path) -> bool:
    record = json.loads(page.with_suffix(".run.json").read_text())
    return record["outputs"] == output_digests(page.parent, page.stem)


def test_two_months_lead_to_each_other(tmp_path):
    first, second = (_report(tmp_path, period) for period in ("2026-02", "2026-03"))
    link_reports(tmp_path / "2026-03", PLACE)
    assert _links(first) == {"next": "../../2026-03/a/review.html"}
    assert _links(second) == {"prev": "../../2026-02/a/review.html"}
    assert "February 2026" in second.read_text(encoding="utf-8")
    for page, href in ((first, "next"), (second, "prev")):
        assert (page.parent / _links(page)[href]).resolve().is_file()
        assert _is_up_to_date(page)


def test_a_month_between_two_takes_its_place_and_the_others_keep_what_they_know(tmp_path):
    pages = {period: _report(tmp_path, period) for period in ("2025-12", "2026-01", "2026-03", "2026-04")}
    for period in pages:
        link_reports(tmp_path / period, PLACE)
    assert _links(pages["2026-01"])["next"] == "../../2026-03/a/review.html"
    pages["2026-02"] = _report(tmp_path, "2026-02")
    link_reports(tmp_path / "2026-02", PLACE)
    assert _links(pages["2026-01"]) == {"prev": "../../2025-12/a/review.html", "next": "../../2026-02/a/review.html"}
    assert _links(pages["2026-03"]) == {"prev": "../../2026-02/a/review.html", "next": "../../2026-04/a/review.html"}
    assert all(_is_up_to_date(page) for page in pages.values())


def test_a_second_run_changes_nothing(tmp_path):
    for period in ("2026-02", "2026-03"):
        _report(tmp_path, period)
    link_reports(tmp_path / "2026-03", PLACE)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.*")}
    link_reports(tmp_path / "2026-03", PLACE)
    assert before == {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.*")}


def test_failed_reports_and_other_kinds_of_periods_are_no_neighbours(tmp_path):
    _report(tmp_path, "2026-02", status="failed")
    _report(tmp_path, "2026-Q1")
    _report(tmp_path, "pilots")
    _report(tmp_path, "2026-01", name="other")
    page = _report(tmp_path, "2026-03")
    link_reports(tmp_path / "2026-03", PLACE)
    assert _links(page) == {}
    link_reports(tmp_path / "pilots", PLACE)


def test_a_page_that_somebody_changed_is_left_alone(tmp_path):
    first, _ = (_report(tmp_path, period) for period in ("2026-02", "2026-03"))
    first.write_text(first.read_text() + "mine")
    link_reports(tmp_path / "2026-03", PLACE)
    assert _links(first) == {}
    assert not _is_up_to_date(first)


def test_words_about_the_last_report_become_a_link_to_it(tmp_path):
    _report(tmp_path, "2026-02")
    page = _report(tmp_path, "2026-03")
    link_reports(tmp_path / "2026-03", PLACE)
    assert 'data-period="2026-02" href="../../2026-02/a/review.html">the report of February</a>' in page.read_text()
    other = _report(tmp_path, "2026-04")
    link_reports(tmp_path / "2026-04", PLACE)
    assert LAST in other.read_text()  # that is not the report before this one


def test_a_report_made_again_is_linked_again(tmp_path):
    pages = [_report(tmp_path, period) for period in ("2026-02", "2026-03")]
    link_reports(tmp_path / "2026-03", PLACE)
    _report(tmp_path, "2026-02")
    link_reports(tmp_path / "2026-02", PLACE)
    assert [list(_links(page)) for page in pages] == [["next"], ["prev"]]


@pytest.mark.parametrize("slug", ["北京-%", "a&b"])
def test_folder_names_are_quoted(tmp_path, slug):
    _report(tmp_path, "2026-02", slug)
    page = _report(tmp_path, "2026-03", slug)
    link_reports(tmp_path / "2026-03", PLACE)
    assert re.fullmatch(r"\.\./\.\./2026-02/[\w%.-]+/review\.html", _links(page)["prev"])


def test_indexes_lead_to_each_other(tmp_path):
    for period in ("2026-01", "2026-02", "2026-03"):
        _report(tmp_path, period)
        (tmp_path / period / "index.html").write_text(f"<nav>{PERIODS_SLOT}</nav>", encoding="utf-8")
    link_indexes(tmp_path / "2026-02", PLACE)
    link_indexes(tmp_path / "2026-02", PLACE)
    assert _links(tmp_path / "2026-01" / "index.html") == {"next": "../2026-02/index.html"}
    assert _links(tmp_path / "2026-02" / "index.html") == {
        "prev": "../2026-01/index.html", "next": "../2026-03/index.html",
    }  # fmt: skip
    assert _links(tmp_path / "2026-03" / "index.html") == {"prev": "../2026-02/index.html"}


def test_the_earlier_period_is_the_last_one_with_reports(tmp_path):
    _report(tmp_path, "2026-01")
    _report(tmp_path, "2026-03")
    (tmp_path / "2026-02").mkdir()
    assert earlier_folder(tmp_path / "2026-03") == tmp_path / "2026-01"
    assert earlier_folder(tmp_path / "2026-01") is None
    assert earlier_folder(tmp_path / "not-there") is None


class Store:
    """Pages lie elsewhere: only records are in the folder, as with ``mirror.Mirror``."""

    def __init__(self, pages):
        self.pages = {page: page.read_bytes() for page in pages}
        self.sent = []
        for page in pages:
            page.unlink()

    def has(self, file):
        return file in self.pages

    def bring(self, file):
        if self.has(file):
            file.write_bytes(self.pages[file])
        return self.has(file)

    def deliver(self, file):
        self.sent.append(file.name)
        if file.suffix == ".html":
            self.pages[file] = file.read_bytes()
            file.unlink()


def test_pages_in_a_store_are_fetched_changed_and_sent_back_with_their_records(tmp_path):
    first, second = (_report(tmp_path, period) for period in ("2026-02", "2026-03"))
    index = tmp_path / "2026-02" / "index.html"
    newer = tmp_path / "2026-03" / "index.html"
    for each in (index, newer):
        each.write_text(f"<nav>{PERIODS_SLOT}</nav>", encoding="utf-8")
    store = Store([first, second, index, newer])
    link_reports(tmp_path / "2026-03", store)
    assert store.sent == ["review.html", "review.run.json"] * 2
    assert b'rel="next"' in store.pages[first]
    link_reports(tmp_path / "2026-03", store)
    link_indexes(tmp_path / "2026-03", store)
    assert store.sent[4:] == ["index.html"] * 2
    assert b'href="../2026-03/index.html"' in store.pages[index]
