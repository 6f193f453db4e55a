"""Texts of the data as an attacker, a spreadsheet and the world's scripts would have them: they show as text."""

from __future__ import annotations

import csv
import email
import json
import re
import shutil
import tomllib
from email import policy
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bpo_analysis.cli import main
from bpo_analysis.data.schema import TABLES

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample" / "portfolio"
PERIOD = "2026-10"
RUN = "window.hostile=1"
TEXTS = [
    f"<b class=hostile>bold</b><img src=x onerror={RUN}>",
    f"</script><script>{RUN}</script>",
    f"</style></title></textarea><script>{RUN}</script>",
    f"--> ]]> <!-- <svg onload={RUN}>",
    f'" onmouseover="{RUN}" x=\'y\' `z` \\',
    "{{ 7*7 }} {% raw %} ${x} %s {0} {name}",
    "W" * 300,
    "تقرير الشريك \u202etxt.exe\u202c דוח השותף",
    "👩🏽‍💻👨‍👩‍👧‍👦 🇮🇸 ①",
    "line one\nline two\ttab\x07bell\x1b[31m\u2028\u200b",
    "=1+1",
    '=HYPERLINK("http://x.invalid","go")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "../../x/..\\CON: *?",
    "javascript:alert(1)",
    "&lt;i&gt;&amp;amp; &#60; %3Cscript%3E",
    "Раураl ⅷ ﬁ K",
]
# The last two look alike, and would share a folder but for the hash of their partner_id.
NAMES = {
    "northline": f'<img src=x onerror="{RUN}">Northline "Support" & {{{{ 7*7 }}}}',
    "solheim": f"</script><script>{RUN}</script> =1+1",
    "kestrel": "../../etc/passwd",
    "baobab": "CON",
    "meridia": "=1+1 \u202e" + "M" * 300,
    "fernway": "Fern/way?",
    "home": "Fern: way\n",
}
# Names, keys and numbers that the toolkit reads, which have to be what they are.
READ = {
    "partner_id", "kpi", "timezone", "value", "value_high", "expected_effect", "measured_effect", "currency",
    "pilot_id", "interaction_id", "survey_id", "evaluation_id", "customer_key", "channel", "forum", "effect_quality",
    "effect_cost",
}  # fmt: skip
SAME = {"unit": "agent_id", "raw": "reason"}
# What the texts would be if they were markup, and links that would run.
BECAME = """() => [...document.querySelectorAll('b.hostile, img, svg[onload], script ~ script, style ~ style')]
  .concat([...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))))
  .concat([...document.querySelectorAll('a')].filter(a => /^\\s*(javascript|data|vbscript):/i.test(a.href)))
  .map(e => e.outerHTML.slice(0, 120))"""

OVER_OTHERS = """() => [...document.querySelectorAll('th, td')].filter(cell => cell.checkVisibility()
  && cell.clientWidth > 40 && cell.scrollWidth > cell.clientWidth + 8).map(cell => cell.textContent.slice(0, 80))"""
"""Cells whose text runs out of them, over their neighbours; the mark of a sorted column may stand on their edge."""


def hostile(value: str, place: int) -> str:
    """A text in place of another, still told apart from all others."""
    return f"{TEXTS[place % len(TEXTS)]} {value}"


class Rewriter:
    """Puts hostile texts into tables, the same one wherever a name is used again."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], str] = {}

    def text(self, column: str, value: str) -> str:
        key = (SAME.get(column, column), value)
        return self.known.setdefault(key, hostile(value, len(self.known)))

    def column(self, values: pa.ChunkedArray, name: str) -> pa.Array:
        coded = pc.dictionary_encode(values.combine_chunks())
        texts = [None if value is None else self.text(name, value) for value in coded.dictionary.to_pylist()]
        return pa.DictionaryArray.from_arrays(coded.indices, pa.array(texts, pa.string())).cast(pa.string())

    def table(self, name: str, table: pa.Table) -> pa.Table:
        for column in (one for one in TABLES[name].columns if one.type == "text" and not one.choices):
            if column.name in table.column_names and column.name not in READ:
                place = table.column_names.index(column.name)
                table = table.set_column(place, column.name, self.column(table[column.name], column.name))
        return table


def write_hostile(folder: Path) -> Path:
    """The synthetic dataset, with every text that is free to be anything exchanged for a hostile one."""
    shutil.copytree(SAMPLE, folder)
    rewriter = Rewriter()
    for file in sorted(folder.glob("*.parquet")):
        pq.write_table(rewriter.table(file.stem, pq.read_table(file)), file)
    for file in sorted(folder.glob("*.csv")):
        read = pd.read_csv(file, dtype=str, keep_default_na=False)
        made = rewriter.table(file.stem, pa.Table.from_pandas(read.replace("", None).astype("string"))).to_pandas()
        if file.stem == "partners":
            made["name"] = made["partner_id"].map(NAMES)
            made["masked_name"] = [hostile(name, place) for place, name in enumerate(read["masked_name"])]
        if file.stem == "exceptions":
            pairs = zip(read["dimension"], read["value"], strict=True)
            made["value"] = [value if name in READ else rewriter.text(name, value) for name, value in pairs]
        made.to_csv(file, index=False, quoting=csv.QUOTE_ALL)
    for file in (*folder.glob("*.toml"), *folder.glob("*/*.toml")):
        _rewrite_settings(file)
    with (folder / "dataset.toml").open("a", encoding="utf-8") as settings:
        settings.write(_OWN_KPI.format(label=_quoted(TEXTS[0]), definition=_quoted(TEXTS[1])))
    return folder


_OWN_KPI = """
[[kpi]]
name = "containment"
label = {label}
unit = "share"
better = "higher"
group = "quality"
source = "volume"
numerator = "handled - transferred"
denominator = "handled"
lower = 0.0
upper = 1.0
sampling = "cases"
base = "handled"
definition = {definition}
"""
_FREE_SETTINGS = "title|client|attribution|hypothesis|owner|assigned_how|question|requested_by|approved_by|author|text"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "")


def _rewrite_settings(file: Path) -> None:
    place = iter(range(len(TEXTS) * 9))
    text = re.sub(
        rf'^({_FREE_SETTINGS}) = ("(?:[^"\\]|\\.)*")',
        lambda found: f"{found[1]} = {_quoted(hostile(tomllib.loads(f'x = {found[2]}')['x'], next(place)))}",
        file.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def hostile_site(made_once):
    return made_once("hostile", _make_hostile_site)


def _make_hostile_site(out: Path) -> None:
    data = ["--data", str(write_hostile(out / "data")), "--out", str(out / "site")]
    names = {path.stem for path in (ROOT / "templates").glob("*.ipynb")}
    pilots = sorted(name for name in names if name.startswith("pilot_"))
    assert main(["report", *sorted(names - set(pilots)), *data, "--partner", "northline"]) == 0
    assert main(["report", *pilots, *data]) == 0
    others = [word for name in sorted(NAMES) for word in ("--partner", name)]
    assert main(["report", "daily_summary", *data, *others]) == 0
    assert main(["index", str(out / "site")]) == 0


@pytest.fixture(scope="session")
def hostile_pages(hostile_site):
    return sorted((hostile_site / "site").rglob("*.html"))


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_of_the_data_runs_or_becomes_an_element(turn_pages, hostile_pages, width):
    """Without the page's policy, so that what escaped too little would run."""
    assert len(hostile_pages) > len(NAMES) + 15
    for path, page in turn_pages(hostile_pages, width=width, height=844, bypass_csp=True):
        page.mouse.move(width / 2, 400)
        assert page.evaluate("window.hostile") is None, path
        assert page.evaluate(BECAME) == [], path
        assert page.evaluate("[document.scripts.length, document.querySelectorAll('style').length]") == [1, 1], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(OVER_OTHERS) == [], path
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.content()), path
        assert not page.said, path
        assert page.asked == [path.as_uri()]


def test_every_text_is_there_as_text(turn_pages, hostile_pages):
    missing = {_shown(text) for text in [*TEXTS, *NAMES.values()]}
    for _, page in turn_pages(hostile_pages):
        text = _shown(page.evaluate("document.body.textContent"))
        missing = {one for one in missing if one not in text}
    assert not missing


def _shown(text: str) -> str:
    """What a reader sees of a text: without controls, on one line; underscores of names are printed as spaces."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f\u200b\u202a-\u202e_]", " ", text).split())


def test_the_page_of_a_partner_is_titled_with_its_name(open_page, hostile_pages):
    path = next(path for path in hostile_pages if path.stem == "monthly_partner_review" and "northline" in str(path))
    page = open_page(path)
    assert NAMES["northline"] in page.title()
    assert NAMES["northline"] in page.locator("h1").inner_text()


def test_every_link_between_pages_leads_to_a_file(turn_pages, hostile_pages):
    for path, page in turn_pages(one for one in hostile_pages if one.stem == "index"):
        links = page.evaluate("[...document.links].map(a => a.href.split('#')[0]).filter(h => h.startsWith('file:'))")
        assert links
        lost = [link for link in links if not Path(url2pathname(urlsplit(link).path)).exists()]
        assert not lost, path


def test_names_of_files_are_safe_and_no_two_alike(hostile_site):
    names = [path.relative_to(hostile_site / "site") for path in (hostile_site / "site").rglob("*.html")]
    for name in names:
        for part in name.parts:
            assert re.fullmatch(r"[\w.-]{1,100}", part), name
            assert part.split(".")[0].upper() not in {"CON", "NUL", "AUX", "PRN"}, name
    assert len({str(name).casefold() for name in names}) == len(names)
    assert len({name.parts[1] for name in names if name.stem == "daily_summary"}) == len(NAMES)


def test_no_cell_of_a_csv_file_is_a_formula(hostile_site):
    files = list((hostile_site / "site").rglob("*.kpis.csv"))
    neutralised = 0
    for file in files:
        with file.open(newline="", encoding="utf-8") as text:
            cells = {cell for row in csv.reader(text) for cell in row if cell}
        formulas = [cell for cell in cells if cell[0] in "=+-@\t\r" and not _is_number(cell)]
        assert not formulas, file
        neutralised += sum(cell.startswith(("'=1+1", "'@SUM", "'-2+3", "'+cmd")) for cell in cells)
    assert neutralised > 0


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_a_mail_about_the_period_is_text_too(open_page, hostile_site, tmp_path):
    file = tmp_path / "digest.eml"
    assert (
        main(["digest", str(hostile_site / "site"), "--period", PERIOD, "--to", "a@example.org", "--file", str(file)])
        == 0
    )
    mail = email.message_from_bytes(file.read_bytes(), policy=policy.default)
    assert {name: mail[name] for name in ("To", "From", "Bcc")} == {"To": "a@example.org", "From": None, "Bcc": None}
    html = mail.get_body(("html",)).get_content()
    (tmp_path / "mail.html").write_text(html, encoding="utf-8")
    page = open_page(tmp_path / "mail.html", width=390)
    assert page.evaluate("window.hostile") is None
    assert page.evaluate(BECAME.replace("img,", 'img:not([src^="cid:"]),')) == []
    for text in (page.evaluate("document.body.textContent"), mail.get_body(("plain",)).get_content()):
        assert NAMES["northline"] in _shown(text)
        assert not re.search(r"[\u202a-\u202e\u2066-\u2069]", text)
