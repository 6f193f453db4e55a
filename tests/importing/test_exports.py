"""Encodings, delimiters, headers and what stands around a table."""

import gzip
import zipfile

import pandas as pd
import pytest

from bpo_analysis.errors import DatasetError
from bpo_analysis.importing.exports import read_export

WANTED = ("Id", "Created", "Größe")


def score(headers):
    return len(set(headers) & set(WANTED))


def read(file):
    return read_export(file, score)


def cells(export):
    return [[None if pd.isna(cell) else cell for cell in row] for row in export.rows.itertuples(index=False)]


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"), ("cp1252", "cp1252"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("delimiter", "shown"), [(",", "','"), (";", "';'"), ("\t", "tab"), ("|", "'|'")])
def test_encoding_and_delimiter_are_found_out(write, encoding, told, delimiter, shown):
    text = "Id,Created,Größe\n1,2026-03-01,“weit – breit”\n2, ,é\n".replace(",", delimiter)
    export = read(write("a.csv", text, encoding))
    assert export.headers == WANTED
    assert cells(export) == [["1", "2026-03-01", "“weit – breit”"], ["2", None, "é"]]
    assert export.form == f"{told}, delimiter {shown}"


def test_windows_line_ends_quoted_lines_and_lines_of_any_length(write):
    long = "x" * 2_000_000
    export = read(write("a.csv", f'Id,Created\r\n1,"two\r\nlines, and ""quotes"""\r\n2,{long}\r\n'))
    assert cells(export) == [["1", 'two\r\nlines, and "quotes"'], ["2", long]]


def test_a_title_above_the_header_is_counted(write):
    export = read(write("a.csv", 'sep=;\n"Report: cases, all";;\n\nId;Created;Other\n1;2026-03-01;x\n'))
    assert (export.headers, export.above, len(export.rows)) == (("Id", "Created", "Other"), 2, 1)


def test_lines_below_the_table_are_counted_padded_or_not(write):
    lines = "Confidential Information - Do Not Distribute\nCopyright (c) 2026 x, inc.\n"
    bare = read(write("a.csv", f"Id,Created,Other\n1,2026-03-01,\n\n{lines}"))
    padded = read(write("b.csv", 'Id,Created,Other\n1,2026-03-01,\n,,\nConfidential,,\n"Copyright (c) 2026, x",,\n'))
    assert [cells(e) for e in (bare, padded)] == [[["1", "2026-03-01", None]]] * 2
    assert (bare.below, padded.below) == (2, 3)


def test_a_row_with_another_number_of_fields_is_dropped_with_a_count(write):
    rows = "".join(f"{i},2026-03-01,x\n" for i in range(200))
    export = read(write("a.csv", f"Id,Created,Other\n{rows}1,2,3,4\n{rows}"))
    assert (len(export.rows), export.misfits, export.notes) == (400, 1, ("row 201 has 4 fields, the header 3",))


def test_many_such_rows_are_refused(write):
    file = write("a.csv", "Id,Created,Other\n1,2,3\n4,5\n6,7\n8,9\n1,2,3\n")
    with pytest.raises(
        DatasetError, match=r"3 rows have another number of fields than the header \(3\); the first is row 2"
    ):
        read(file)


def test_a_quote_that_is_never_closed_is_refused_and_a_sign_for_inches_is_not(write):
    with pytest.raises(DatasetError, match="quotation mark in row 2 that is not closed"):
        read(write("a.csv", 'Id,Created,Other\n1,2,3\n2,2,"a\n3,2,b\n'))
    assert cells(read(write("b.csv", 'Id,Created,Other\n1,2,5" disc\n2,2,b\n'))) == [
        ["1", "2", '5" disc'],
        ["2", "2", "b"],
    ]


def test_a_repeated_header_is_told_apart_by_its_place(write):
    export = read(write("a.csv", "Id,Id,,\n1,2,3,4\n"))
    assert list(export.rows.columns) == ["Id", "Id (column 2)", "column 3", "column 4"]


def test_packed_files_are_unpacked(tmp_path):
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress("Id,Created\n1,2\n".encode("utf-16")))
    assert cells(read(file)) == [["1", "2"]]


@pytest.mark.parametrize(
    "text",
    [
        '{"Id": 1, "Agent": {"Name": "k", "Level": {"L1": "n"}}, "x": null, "ok": true, "list": [1]}\n{"Id": 2}\n',
        '[{"Id": 1, "Agent": {"Name": "k", "Level": {"L1": "n"}}, "ok": true},\n {"Id": 2}]',
        '{"Id":1,"Agent":{"Name":"k","Level":{"L1":"n"}},"ok":true}{"Id":2}',
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "kinesis-2026-03-01"])
def test_json_lines_lists_and_records_without_anything_between_them(write, text, name):
    export = read(write(name, text))
    assert export.headers == ("Id", "Agent.Name", "Agent.Level.L1", "ok")
    assert cells(export) == [["1", "k", "n", "true"], ["2", None, None, None]]


def test_broken_json_names_the_line(write):
    with pytest.raises(DatasetError, match=r"a\.json is not JSON: .* in line 3"):
        read(write("a.json", '{"Id": 1}\n{"Id": \n'))
    with pytest.raises(DatasetError, match="does not hold records"):
        read(write("b.json", "[1, 2]"))


SHEET = """<?xml version="1.0" encoding="UTF-8"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"""


def workbook(path, **sheets):
    """Write an Excel workbook by hand: text as such, (number, style) with 1 = date and 2 = elapsed hours."""

    def cell(value):
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        number, style = value if isinstance(value, tuple) else (value, 0)
        return f'<c s="{style}"><v>{number}</v></c>'

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    listed = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="r{i}"/>' for i, n in enumerate(sheets, 1))
    linked = "".join(
        f'<Relationship Id="r{i}" Type="{relations}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    styles = (
        f'<styleSheet xmlns="{main}"><numFmts count="1"><numFmt numFmtId="164" formatCode="[h]:mm:ss"/></numFmts>'
        '<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="164"/></cellXfs></styleSheet>'
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{relations}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{listed}</sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}">{linked}<Relationship Id="s" Type="{relations}/styles" '
            'Target="styles.xml"/></Relationships>',
        )
        book.writestr("xl/styles.xml", styles)
        for i, rows in enumerate(sheets.values(), 1):
            body = "".join("<row>" + "".join(map(cell, row)) + "</row>" for row in rows)
            book.writestr(f"xl/worksheets/sheet{i}.xml", SHEET.format(rows=body))
    return path


def test_a_workbook_is_read_with_its_dates_and_times_beyond_a_day(tmp_path):
    file = workbook(
        tmp_path / "a.xlsx",
        Cover=[["Report of March"]],
        Data=[["Export"], ["Id", "Created", "Talk"], [101, (46082.5, 1), (1.25, 2)], [102, "2026-03-02", ""]],
    )
    export = read(file)
    assert export.form == "workbook, sheet 'Data'"
    assert (export.above, export.notes) == (1, ("other sheets are not read: Cover",))
    assert cells(export) == [["101", "2026-03-01 12:00:00", "30:00:00"], ["102", "2026-03-02", None]]


def test_files_that_cannot_be_read_are_named(tmp_path, write):
    with pytest.raises(DatasetError, match="There is no file"):
        read(tmp_path / "none.csv")
    with pytest.raises(DatasetError, match="is empty"):
        read(write("a.csv", ""))
    with pytest.raises(DatasetError, match="cannot be read as a workbook"):
        read(write("a.xlsx", "no workbook"))
    with pytest.raises(DatasetError, match="cannot be read"):
        read(write("a.csv.gz", "no archive"))
    undefined = tmp_path / "b.csv"
    undefined.write_bytes(b"Id,Created\n\x81\x8d,1\n")
    with pytest.raises(DatasetError, match="not text that can be decoded"):
        read(undefined)


def test_a_header_without_rows_has_none(write):
    assert read(write("a.csv", "Id,Created\n")).rows.empty


def test_damaged_rows_at_the_end_are_no_footer(write):
    header = ",".join("abcdefgh") + "\n"
    file = write("a.csv", header + "1,2,3,4,5,6,7,8\n" + "1,2,3,4\n" * 3)
    with pytest.raises(DatasetError, match=r"3 rows have another number of fields than the header \(8\).*row 2 with 4"):
        read(file)
