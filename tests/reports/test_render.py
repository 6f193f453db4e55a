import re

import nbformat
import pytest
from nbconvert.exporters import get_exporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bpo_analysis.page.blocks import section
from bpo_analysis.reports.render import RECORD_TYPE, ReportExporter, collect_record, render_report

BAD = "</pre><script>alert(1)</script>"


def _page(*outputs, cells=(), **kwargs):
    notebook = new_notebook(cells=[*cells, new_code_cell("print('the code')", outputs=list(outputs))])
    return render_report(notebook, **kwargs)


def _data(**data):
    return new_output("display_data", data={key.replace("__", "/"): value for key, value in data.items()})


def test_an_empty_page_is_small_complete_and_has_no_code():
    page = _page()
    assert len(page.encode()) < 41_000, "style and script under 40 kB, and the frame"
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    for needed in ('name="viewport"', "Content-Security-Policy", "<title>Report</title>", "<h1>Report</h1>", "<main"):
        assert needed in page
    assert "the code" not in page


def test_a_page_asks_for_nothing():
    page = _page(_data(text__html="<p>x</p>"), new_output("stream", text="x"), index="../index.html")
    loads = re.findall(r'<(?:script|img|iframe|link|source|object|embed)\b[^>]*\b(?:src|href|data)="([^"]*)"', page)
    assert all(address.startswith("data:") for address in loads)
    assert not re.search(r"require\.js|mathjax|mermaid|jupyterlab|@import|url\(http", page, flags=re.IGNORECASE)


def test_text_is_escaped_and_html_of_the_sections_is_trusted():
    error = new_output("error", ename=BAD, evalue=BAD, traceback=[f"\x1b[31m{BAD}\x1b[0m"])
    page = _page(
        new_output("stream", name="stdout", text=BAD),
        new_output("stream", name="stderr", text=BAD),
        new_output("execute_result", data={"text/plain": BAD}),
        error,
        _data(text__html="<b>kept</b>"),
    )
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert page.count("&lt;script&gt;alert(1)") == 6
    assert "<b>kept</b>" in page


def test_an_error_is_shown_and_messages_are_folded():
    page = _page(
        new_output("error", ename="ValueError", evalue="no rows", traceback=["line 1"]),
        new_output("stream", name="stderr", text="careful"),
    )
    assert "<strong>ValueError: no rows</strong>" in page
    assert "<summary>Messages while this page was made</summary><pre>careful</pre>" in page


def test_pictures_have_their_description():
    metadata = {"image/png": {"alt": 'Falls to "78 %"', "width": 640}}
    svg = "<?xml?><svg viewBox='0 0 1 1'></svg>"
    page = _page(
        new_output("display_data", data={"image/png": "aGk=\n"}, metadata=metadata),
        new_output("display_data", data={"image/png": "aGk="}),
        new_output("display_data", data={"image/svg+xml": svg}, metadata={"alt": "a"}),
    )
    assert '<img src="data:image/png;base64,aGk=" alt="Falls to &#34;78 %&#34;" width="640">' in page
    assert 'alt="Picture without a description."' in page
    assert '<svg viewBox=\'0 0 1 1\' role="img" aria-label="a">' in page  # the case of viewBox is kept


def test_an_output_for_machines_only_is_not_shown():
    assert "Section object" not in _page(_data(**{RECORD_TYPE: {"rows": []}, "text/plain": "<Section object>"}))


def test_a_data_frame_gets_scopes_and_loses_its_style():
    import pandas as pd

    page = _page(_data(text__html=pd.DataFrame({"a": ["<b>"]}, index=["i"])._repr_html_()))
    assert '<th scope="col">a</th>' in page
    assert '<th scope="row">i</th>' in page
    assert "<thead>" in page
    assert "scoped" not in page
    assert "&lt;b&gt;" in page


def test_tagged_cells_are_left_out_and_pieces_joined():
    gone = new_code_cell("x", outputs=[new_output("stream", text="set-up")], metadata={"tags": ["remove-cell"]})
    page = _page(new_output("stream", text="a\n"), new_output("stream", text="b\n"), cells=[gone])
    assert "set-up" not in page
    assert "<pre>a\nb\n</pre>" in page


def test_the_title_names_partner_and_period():
    record = {"headline": {"partner": "Nord <1>", "period_label": "March 2026"}}
    cells = [new_markdown_cell("# Monthly review")]
    page = _page(_data(**{RECORD_TYPE: record}), cells=cells)
    assert "<title>Nord &lt;1&gt; · March 2026 · Monthly review</title>" in page
    assert page.count("<h1") == 1
    assert "<title>Given</title>" in _page(title="Given")


def test_no_name_turns_the_text_around_it():
    name = "Bad \N{RIGHT-TO-LEFT OVERRIDE}Co \N{FIRST STRONG ISOLATE}x"
    record = {"headline": {"partner": name, "period_label": "March 2026"}}
    page = _page(_data(**{RECORD_TYPE: record}), _data(text__html=f"<p>{name} missed, دוح</p>"))
    assert "<title>Bad Co x · March 2026" in page
    assert "<p>Bad Co x missed, دוح</p>" in page


def test_contents_and_the_way_back():
    body = "".join(section(f"s{i}", f"Section {i}", "x") for i in range(3))
    page = _page(_data(text__html=body), index="../index.html")
    assert '<a href="../index.html">All partners</a>' in page
    assert '<li><a href="#s1">Section 1</a></li>' in page


def test_later_records_win():
    cell = new_code_cell("", outputs=[_data(**{RECORD_TYPE: {"rows": [1], "headline": {}}})])
    later = new_code_cell("", outputs=[new_output("stream", text="x"), _data(**{RECORD_TYPE: {"rows": [2]}})])
    assert collect_record(new_notebook(cells=[cell, later])) == {"rows": [2], "headline": {}}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_nbconvert_finds_the_exporter_by_name(tmp_path):
    assert get_exporter("bpo_report") is ReportExporter
    nbformat.write(new_notebook(cells=[new_markdown_cell("Text.")]), tmp_path / "my_file.ipynb")
    page, resources = ReportExporter().from_filename(str(tmp_path / "my_file.ipynb"))
    assert "<title>my_file</title>" in page
    assert resources["output_extension"] == ".html"
