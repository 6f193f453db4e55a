import codecs
import gzip
import os
import re
import subprocess
import sys

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.errors import DatasetError, DataValidationError

ROWS = [
    ("acme", "2026-01-05", 10, 8, "Zürich"),
    ("acme", "2026-01-06", 12, 12, "Málaga"),
    ("bolt", "2026-01-05", 5, 4, "Łódź"),
]
LATIN = [row if row[4] != "Łódź" else (*row[:4], "Genève") for row in ROWS]
HEADER = ("partner_id", "interval_start", "offered", "answered", "site")


def text(rows=ROWS, delimiter=",", header=HEADER):
    return "".join(delimiter.join(map(str, line)) + "\r\n" for line in (header, *rows))


def read(folder):
    dataset = open_dataset(folder).prepare()
    rows = dataset.kpi_rows(kpi="offered")
    return rows["numerator"].sum(), set(rows["site"]), dataset.check().notes


@pytest.mark.parametrize(
    ("content", "sites", "note"),
    [
        (text().encode(), {"Zürich", "Málaga", "Łódź"}, ""),
        (codecs.BOM_UTF8 + text().encode(), {"Zürich", "Málaga", "Łódź"}, ""),
        (text().encode("utf-16"), {"Zürich", "Málaga", "Łódź"}, "volume.csv: read as utf-16; if that is wrong, name"),
        (text().encode("utf-16-le"), {"Zürich", "Málaga", "Łódź"}, "read as utf-16-le"),
        (text().encode("utf-16-be"), {"Zürich", "Málaga", "Łódź"}, "read as utf-16-be"),
        (text(LATIN).encode("cp1252"), {"Zürich", "Málaga", "Genève"}, "volume.csv: read as cp1252; if that is wrong"),
        (text(delimiter=";").encode(), {"Zürich", "Málaga", "Łódź"}, "volume.csv: columns are separated by ';'"),
        (text(delimiter="\t").encode(), {"Zürich", "Málaga", "Łódź"}, "columns are separated by a tab"),
        (text(delimiter="|").encode(), {"Zürich", "Málaga", "Łódź"}, "columns are separated by '|'"),
        (text(delimiter=";").encode("utf-16"), {"Zürich", "Málaga", "Łódź"}, "columns are separated by ';'"),
    ],
    ids=[
        "utf-8",
        "bom",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "cp1252",
        "semicolon",
        "tab",
        "bar",
        "utf-16 and semicolon",
    ],
)
def test_an_export_is_read_as_it_comes_and_what_was_assumed_is_said(write_dataset, content, sites, note):
    total, found, notes = read(write_dataset(volume=None, files={"volume.csv": content}))
    assert total == 27
    assert found == sites
    assert note in " ".join(notes)
    assert bool(notes) == bool(note)


def test_what_dataset_toml_says_needs_no_note(write_dataset):
    toml = """
        [tables.volume]
        file = "volume.csv"
        encoding = "cp1252"
        delimiter = ";"
    """
    content = text(LATIN, delimiter=";").encode("cp1252")
    total, found, notes = read(write_dataset(toml, volume=None, files={"volume.csv": content}))
    assert (total, notes) == (27, ())
    assert "Genève" in found


def test_a_compressed_export_is_read_as_it_is(write_dataset):
    files = {"volume.csv.gz": gzip.compress(text(LATIN, delimiter=";").encode("cp1252"))}
    total, found, notes = read(write_dataset(volume=None, files=files))
    assert total == 27
    assert "Genève" in found
    assert len(notes) == 2


def test_quoted_fields_may_hold_delimiters_quotes_and_line_breaks(write_dataset):
    volume = 'partner_id,interval_start,offered,"the\nsite"\nacme,2026-01-05,3,"a, ""b""\nc"\n'
    toml = """
        [tables.volume.columns]
        site = '"the\\nsite"'
    """
    folder = write_dataset(toml.replace("'\"", '"""').replace("\"'", '"""'), volume=volume)
    total, found, _ = read(folder)
    assert (total, found) == (3, {'a, "b"\nc'})


def test_several_files_are_one_table(write_dataset):
    toml = '[tables.volume]\nfile = "volume_*.csv"\n'
    files = {"volume_1.csv": text(ROWS[:2]), "volume_2.csv": text(ROWS[2:], header=HEADER)}
    total, _, notes = read(write_dataset(toml, volume=None, files=files))
    assert total == 27
    assert "rows are counted through 2 files, from volume_1.csv on" in notes[0]


def test_files_of_one_table_must_have_the_same_columns(write_dataset, problems):
    toml = '[tables.volume]\nfile = ["a.csv", "b.csv"]\n'
    files = {"a.csv": text(), "b.csv": text(header=(*HEADER[:4], "city"))}
    (problem,) = problems(write_dataset(toml, volume=None, files=files), table="volume")
    assert "b.csv and a.csv of table volume differ in columns: 'city', 'site'" in problem.rule


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "volume.csv is empty"),
        (b"\n\n", "volume.csv has no header line"),
        (b"partner_id,offered,Offered\n", "volume.csv has the header 'Offered', 'offered' more than once"),
        (
            text().encode() + b"acme,2026-01-09,3\r\n",
            r"volume.csv cannot be read: line 5 \('acme,2026-01-09,3'\): the header has columns: 5 found: 3",
        ),
        (text().encode() + b"acme,2026-01-09,3,3,x,y\r\n", "line 5 .* the header has columns: 5 found: 6"),
        (text().encode() + b'acme,2026-01-09,3,3,"open\r\n', "line 5 .* Value with unterminated quote found"),
    ],
    ids=["empty", "blank", "header twice", "short row", "long row", "open quote"],
)  # fmt: skip
def test_files_that_are_no_tables_are_refused(write_dataset, problems, content, words):
    (problem,) = problems(write_dataset(volume=None, files={"volume.csv": content}), table="volume")
    assert re.search(words, problem.rule)
    assert "correct the file" in problem.remedy


def test_a_table_with_a_header_only_has_no_rows(write_dataset, problems):
    folder = write_dataset(volume=text([]), surveys="survey_id,type,sent_at\n")
    found = {(p.table, p.severity, p.rule) for p in problems(folder)}
    assert ("volume", "error", "table has no rows") in found
    assert ("surveys", "warning", "table has no rows") in found


def test_a_broken_parquet_or_gz_file_is_an_error_of_its_table(write_dataset, problems):
    files = {"volume.parquet": b"PAR1 but not really", "surveys.csv.gz": b"not gzip at all"}
    folder = write_dataset(volume=None, files=files)
    (volume,) = problems(folder, table="volume", severity="error")
    assert "volume.parquet cannot be read" in volume.rule
    (surveys,) = problems(folder, table="surveys", severity="error")
    assert "surveys.csv.gz cannot be read" in surveys.rule


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_named(write_dataset):
    folder = write_dataset()
    (folder / "volume.csv").chmod(0)
    with pytest.raises(DatasetError, match=r"volume\.csv cannot be read \(Permission denied\)"):
        open_dataset(folder).check()


def test_a_file_that_goes_away_after_opening_is_named(write_dataset):
    folder = write_dataset()
    dataset = open_dataset(folder)
    (folder / "volume.csv").unlink()
    with pytest.raises(DatasetError, match=r"volume\.csv cannot be read \(No such file"):
        dataset.check()


def test_a_wrong_encoding_is_named(write_dataset, problems):
    content = text(LATIN).encode("cp1252")
    toml = '[tables.volume]\nencoding = "{}"\n'
    (problem,) = problems(
        write_dataset(toml.format("utf-16"), volume=None, files={"volume.csv": content}), table="volume"
    )
    assert "volume.csv is not utf-16" in problem.rule
    (problem,) = problems(
        write_dataset(toml.format("klingon"), volume=None, files={"volume.csv": content}), table="volume"
    )
    assert "encoding 'klingon' is not known. Try utf-8, utf-16 or cp1252" in problem.rule


def test_no_table_problem_stops_the_others(write_dataset):
    with pytest.raises(DataValidationError, match=r"The data in .* have 2 errors\. First: table") as caught:
        open_dataset(write_dataset(volume="", surveys="")).prepare()
    assert set(caught.value.problems["table"]) == {"volume", "surveys"}


def test_a_file_is_read_in_pieces(write_dataset, monkeypatch):
    """A large table must not need its size in memory: 700,000 rows with 150 MB to work in."""
    folder = write_dataset(volume=None, files={"volume.csv": "partner_id,interval_start,site,offered\n"})
    with (folder / "volume.csv").open("a") as file:
        for day in range(1, 29):
            site = "".join(f"acme,2026-01-{day:02d},site number {number:07d},3\n" for number in range(25_000))
            file.write(site)
    code = (
        "import sys\nfrom bpo_analysis.data import open_dataset\n"
        "print(open_dataset(sys.argv[1]).check().rows_used('volume'))\n"
    )
    monkeypatch.setenv("BPO_MEMORY_LIMIT", "150MB")
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(28 * 25_000), done.stderr


def test_a_memory_limit_that_is_no_size_is_named(write_dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("BPO_CACHE_DIR", str(tmp_path / "cache"))  # what is prepared already asks for no memory
    monkeypatch.setenv("BPO_MEMORY_LIMIT", "lots")
    with pytest.raises(DatasetError, match=r"BPO_MEMORY_LIMIT must be a size such as 2GB or 800MB, got 'lots'"):
        open_dataset(write_dataset()).prepare()
