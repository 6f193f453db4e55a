"""PDFs beside the pages: which are printed, what a failure costs, what the record says. The browser is a stand-in."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from bpo_analysis.cli import main
from bpo_analysis.errors import ReportError
from bpo_analysis.reports.execute import run_reports
from bpo_analysis.reports.inputs import output_digests
from bpo_analysis.reports.pdf import CHROMIUM_VARIABLE, PdfError, find_printer
from bpo_analysis.reports.place import OutputFolder
from bpo_analysis.reports.portal_records import link_of
from bpo_analysis.reports.prints import print_index, print_reports

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for a browser is a shell script")
PRINTS = 'for a; do case "$a" in --print-to-pdf=*) out="${a#*=}";; esac; done\n'
WRITES = PRINTS + 'echo . >> "$(dirname "$0")/calls"; printf "%%PDF-1.4 (D:x) /CreationDate (D:2026)" > "$out"\n'
PAGE = b"<html><head><title>x</title></head><body></body></html>"


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """Write a program that stands in for Chromium, and name it in the variable."""

    def make(script: str, name: str = "fake chromium") -> Path:
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv(CHROMIUM_VARIABLE, str(program))
        return program

    return make


def calls(tmp_path: Path) -> int:
    file = tmp_path / "bin" / "calls"
    return len(file.read_text(encoding="utf-8").split()) if file.is_file() else 0


def record_of(spec) -> dict:
    return json.loads((spec.folder / f"{spec.name}.run.json").read_text(encoding="utf-8"))


def test_a_named_program_may_have_spaces_in_its_path_and_options(browser):
    program = browser(WRITES)
    assert find_printer().command == (str(program),)
    os.environ[CHROMIUM_VARIABLE] = f"'{program}' --no-sandbox"
    assert find_printer().command == (str(program), "--no-sandbox")


def test_a_named_program_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv(CHROMIUM_VARIABLE, "/no/such/browser")
    with pytest.raises(ReportError, match=r"BPO_CHROMIUM names '/no/such/browser', which is no program"):
        find_printer()


def test_without_a_browser_nothing_is_made(monkeypatch, write_dataset, tmp_path, capsys):
    monkeypatch.delenv(CHROMIUM_VARIABLE, raising=False)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    code = main(["report", "--data", str(write_dataset()), "--out", str(tmp_path / "out"), "--pdf"])
    assert code == 1
    assert "PDF needs an installed Chromium, Chrome or Edge; looked for chromium" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_paper_without_pdf_is_refused(capsys):
    assert main(["report", "--data", "x", "--paper", "letter"]) == 2
    assert "--paper belongs to --pdf" in capsys.readouterr().err


def test_dates_are_blanked_and_the_page_is_named_at_the_end(browser):
    browser(WRITES)
    printer = find_printer()
    made = printer.print_page(PAGE)
    assert made == b"%PDF-1.4 (D:x) " + b" " * len("/CreationDate (D:2026)") + f"\n{printer.mark(PAGE)}\n".encode()


def test_the_browser_gets_the_paper_and_no_links_to_files(browser, tmp_path):
    copies = 'for a; do case "$a" in file://*) cp "${a#file://}" "$(dirname "$0")/seen.html";; esac; done\n'
    browser(copies + WRITES)
    page = b'<head></head><a href="../index.html">Index</a> <a class="x" href="#a">A</a> <a href="https://x.org">X</a>'
    find_printer("letter").print_page(page)
    seen = (tmp_path / "bin" / "seen.html").read_text(encoding="utf-8")
    assert "@page{size:letter}@page index{size:letter landscape}" in seen
    assert '<a>Index</a> <a class="x" href="#a">A</a> <a href="https://x.org">X</a>' in seen


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'No usable sandbox!' >&2; exit 3\n", r"exit code 3\. Last words: No usable sandbox! \(A container"),
        ("exit 0\n", "wrote no PDF"),
        (PRINTS + 'echo no > "$out"\n', "wrote no PDF"),
    ],
)
def test_a_browser_that_fails_says_why(browser, script, told):
    browser(script)
    with pytest.raises(PdfError, match=told):
        find_printer().print_page(PAGE)


def test_a_browser_that_hangs_is_ended_with_its_children(browser, tmp_path):
    browser('sh -c "sleep 2; touch \\"$(dirname "$0")/alive\\"" & sleep 60\n')
    started = time.monotonic()
    with pytest.raises(PdfError, match=r"stopped at the time limit of 0\.3 s"):
        find_printer(patience=0.3).print_page(PAGE)
    assert time.monotonic() - started < 10
    time.sleep(2.5)
    assert not list(tmp_path.rglob("alive"))


def test_only_what_changed_is_printed_again(browser, write_template, plan, tmp_path):
    browser(WRITES)
    specs = plan(write_template("one", "print(1)"), partners=2)
    run_reports(specs)
    printer, place = find_printer(), OutputFolder()
    statuses = lambda: sorted(run.status for run in print_reports(specs, printer, place=place))  # noqa: E731
    assert statuses() == ["ok", "ok"]
    assert record_of(specs[0])["pdf"] == {
        "page": record_of(specs[0])["outputs"][".html"],
        "paper": "A4",
        "mark": printer.mark((specs[0].folder / "one.html").read_bytes()),
    }
    assert statuses() == ["up to date", "up to date"]
    (specs[0].folder / "one.pdf").unlink()
    assert statuses() == ["ok", "up to date"]
    assert [run.status for run in print_reports(specs, find_printer("letter"), place=place)] == ["ok", "ok"]
    assert calls(tmp_path) == 5


def test_a_report_that_is_made_again_loses_its_old_pdf(browser, write_template, plan):
    browser(WRITES)
    (spec,) = plan(write_template("one", "print(1)"))
    run_reports([spec])
    print_reports([spec], find_printer(), place=OutputFolder())
    run_reports([spec])
    assert not (spec.folder / "one.pdf").exists()
    assert "pdf" not in record_of(spec)


def test_a_link_to_another_period_is_no_reason_to_print(browser, write_template, plan, tmp_path):
    browser(WRITES)
    (spec,) = plan(write_template("one", "print(1)"))
    run_reports([spec])
    print_reports([spec], find_printer(), place=OutputFolder())
    page, record = spec.folder / "one.html", spec.folder / "one.run.json"
    text = page.read_text(encoding="utf-8")
    linked = text.replace("<!--periods-->", '<!--periods--><a href="../../2026-04/p/one.html">April</a>')
    assert linked != text
    page.write_text(linked, encoding="utf-8")
    known = record_of(spec)
    known["outputs"] = output_digests(spec.folder, "one")
    record.write_text(json.dumps(known), encoding="utf-8")
    assert [run.status for run in print_reports([spec], find_printer(), place=OutputFolder())] == ["up to date"]
    assert record_of(spec)["pdf"]["page"] == known["outputs"][".html"]
    assert calls(tmp_path) == 1


def test_one_page_that_cannot_be_printed_costs_only_its_pdf(browser, write_template, plan):
    refuses = 'for a; do case "$a" in file://*) f="${a#file://}";; esac; done\ngrep -q unprintable "$f" && exit 1\n'
    browser(refuses + WRITES)
    template = write_template("one", "print(partner)", "print('un' + 'printable' if partner == 'p2' else '')")
    specs = plan(template, partners=2)
    run_reports(specs)
    runs = {run.partner_name: run for run in print_reports(specs, find_printer(), place=OutputFolder())}
    assert runs["Partner p1"].status == "ok"
    assert runs["Partner p2"].status == "failed"
    assert "exit code 1" in runs["Partner p2"].error
    assert (specs[1].folder / "one.html").is_file()
    assert not (specs[1].folder / "one.pdf").exists()
    assert "pdf" not in record_of(specs[1])


def test_failed_reports_are_not_printed(browser, write_template, plan, tmp_path):
    browser(WRITES)
    specs = plan(write_template("one", "1 / 0"))
    run_reports(specs)
    assert print_reports(specs, find_printer(), place=OutputFolder()) == []
    assert calls(tmp_path) == 0


def test_the_index_is_printed_when_it_changed(browser, tmp_path):
    browser(WRITES)
    page = tmp_path / "2026-03" / "index.html"
    page.parent.mkdir()
    page.write_bytes(PAGE)
    assert print_index(page, find_printer()).status == "ok"
    assert print_index(page, find_printer()).status == "up to date"
    page.write_bytes(PAGE.replace(b"x", b"y"))
    assert print_index(page, find_printer()).status == "ok"
    assert page.with_suffix(".pdf").read_bytes().endswith(find_printer().mark(page.read_bytes()).encode() + b"\n")


def test_a_store_gets_pdf_and_record_and_pages_come_from_it(browser, write_template, plan, tmp_path):
    browser(WRITES)
    (spec,) = plan(write_template("one", "print(1)"))
    run_reports([spec])
    page = spec.folder / "one.html"
    kept = page.read_bytes()
    page.unlink()

    class Store(OutputFolder):
        there, sent = {page}, []

        def has(self, file):
            return file in self.there

        def bring(self, file):
            file.write_bytes(kept)
            return True

        def deliver(self, file):
            self.there.add(file)
            self.sent.append(file.name)

    assert [run.status for run in print_reports([spec], find_printer(), place=Store())] == ["ok"]
    assert Store.sent == ["one.pdf", "one.run.json"]
    page.unlink()
    assert [run.status for run in print_reports([spec], find_printer(), place=Store())] == ["up to date"]
    assert not page.exists()  # what is up to date is not fetched


def test_the_command_prints_the_rows_and_fails(browser, write_dataset, write_template, tmp_path, capsys):
    browser("exit 7\n")
    template, out = write_template("one", "print(partner)"), tmp_path / "out"
    data = str(write_dataset())
    arguments = ["report", str(template), "--data", data, "--partner", "acme", "--out", str(out), "--pdf"]
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert "PDF: 0 printed, 0 up to date, 2 failed." in told.err
    assert "ended with exit code 7" in told.err
    assert "index.html" in told.out
    browser(WRITES)
    assert main(arguments) == 0
    assert calls(tmp_path) == 2
    assert {path.name for path in out.rglob("*.pdf")} == {"one.pdf", "index.pdf"}


def test_a_store_holds_the_pdfs_too(browser, write_dataset, write_template, tmp_path):
    fsspec = pytest.importorskip("fsspec", reason="outputs in stores need pip install '.[cluster]'")
    browser(WRITES)
    store, url = fsspec.filesystem("memory"), f"memory://{tmp_path.name}/reports"
    template, data = write_template("one", "print(partner)"), str(write_dataset())
    arguments = ["report", str(template), "--data", data, "--partner", "acme", "--out", url]
    assert main([*arguments, "--pdf"]) == 0
    pdfs = [path for path in store.find(f"/{tmp_path.name}") if path.endswith(".pdf")]
    assert sorted(path.rsplit("/", 1)[1] for path in pdfs) == ["index.pdf", "one.pdf"]
    assert main([*arguments, "--pdf"]) == 0
    assert calls(tmp_path) == 2
    assert main([*arguments, "--force"]) == 0  # without --pdf: better none than one of an older page
    assert not any(path.endswith("one.pdf") for path in store.find(f"/{tmp_path.name}"))


def test_the_index_links_a_pdf_that_belongs_to_its_page():
    record = {"status": "ok", "slug": "acme", "template": "one two"}
    assert link_of(record)["pdf"] == ""
    assert link_of(record | {"pdf": {"mark": "x"}})["pdf"] == "acme/one%20two.pdf"
