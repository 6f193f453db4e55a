"""From a folder of exports to pages through the command line: bundled data, and names nobody should choose."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest

from bpo_analysis.reports.render import ReportExporter

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sample"
NASTY = {
    "p1": "North/South",
    "p2": "..",
    "p3": "Sólheim  Støtte",
    "p4": "客服中心",
    "p5": "<script>alert(1)</script>",
    "p6": "x" * 300,
    "p7": "Same Name",
    "p8": "same-name",
    "p9": "=HYPERLINK(1)",
}


def bpo(*arguments, cwd=ROOT, **environment):
    return subprocess.run(
        [sys.executable, "-m", "bpo_analysis.cli", *map(str, arguments)],
        cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Reports of two partners of each bundled dataset."""
    out = tmp_path_factory.mktemp("made")
    chosen = {
        "nhs111": ("--period", "2026-03", "--partner", "Thames Valley", "--partner", "111AG7"),
        "portfolio": ("--partner", "northline", "--partner", "fernway"),
    }
    runs = {name: bpo("report", "--data", SAMPLE / name, "--out", out / name, *words) for name, words in chosen.items()}
    for run in runs.values():
        assert run.returncode == 0, run.stderr
    return out, runs


def pages(out):
    return sorted(out.rglob("*.html"))


def test_prints_the_index_and_writes_the_promised_files(made):
    out, runs = made
    index = Path(runs["nhs111"].stdout.strip().splitlines()[-1])
    assert index == out / "nhs111" / "2026-03" / "index.html"
    folder = index.parent / "thames-valley"
    names = {f"monthly_partner_review{suffix}" for suffix in (".html", ".ipynb", ".run.json", ".kpis.csv")}
    assert {f.name for f in folder.iterdir()} == names
    assert {f.name for f in index.parent.iterdir()} == {"index.html", "thames-valley", "luton-and-bedfordshire"}


def test_the_default_period_is_the_last_complete_month(made):
    assert (made[0] / "portfolio" / "2026-10" / "index.html").is_file()


def test_the_run_record(made):
    record = json.loads(next(made[0].rglob("thames-valley/*.run.json")).read_text(encoding="utf-8"))
    assert {"status", "parameters", "versions", "data", "rows", "times", "headline"} <= set(record)
    assert record["status"] == "ok"
    assert record["parameters"]["period"] == "2026-03"
    dropped = [r for r in record["rows"] if r["step"] == "dropped: all-zero day is missing data"]
    assert dropped == [{"table": "volume", "step": "dropped: all-zero day is missing data", "rows": -203}]


def test_every_number_of_the_first_screen_is_in_the_csv(made):
    folder = next(made[0].rglob("northline-support"))
    with (folder / "monthly_partner_review.kpis.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    record = json.loads((folder / "monthly_partner_review.run.json").read_text(encoding="utf-8"))
    listed = {(row["kpi"], row["shown"].lstrip("'")) for row in rows if not row["slice"]}
    for kpi in record["headline"]["kpis"]:
        assert (kpi["kpi"], kpi["actual_text"]) in listed
    assert {row["kind"] for row in rows} == {"kpi", "figure", "cell", "sentence"}
    for row in rows:
        # A cell that begins with a word has no number of its own.
        assert row["value"] or row["kind"] == "cell", row
        if row["kind"] == "kpi" and row["denominator"] and float(row["denominator"]):
            scale = {"per_1000": 1000, "points": 100, "ppm": 1e6}.get(row["unit"], 1)
            assert float(row["value"]) == pytest.approx(scale * float(row["numerator"]) / float(row["denominator"]))


def test_plain_papermill_gives_the_same_page(made, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    parameters = {"partner": "Thames Valley", "period": "2026-03", "data": "data/sample/nhs111"}
    template = "templates/monthly_partner_review.ipynb"
    papermill.execute_notebook(template, tmp_path / "out.ipynb", parameters=parameters, progress_bar=False)
    plain, _ = ReportExporter().from_notebook_node(nbformat.read(tmp_path / "out.ipynb", as_version=4))
    ours = next(made[0].rglob("thames-valley/*.html")).read_text(encoding="utf-8")
    start, end = '<header class="masthead">', "</main>"
    assert plain[plain.index(start) : plain.index(end)] == ours[ours.index(start) : ours.index(end)]


def test_pages_are_self_contained(made):
    for page in pages(made[0]):
        text = page.read_text(encoding="utf-8")
        assert "default-src &#39;none&#39;" in text
        for mark in ('src="http', 'href="http', "@import", "url(http", "<iframe"):
            assert mark not in text, (page.name, mark)
        assert len(text) < 400_000


def test_the_shelf_lists_both_datasets(made):
    out, _ = made
    run = bpo("index", out)
    assert run.returncode == 0, run.stderr
    text = Path(run.stdout.strip()).read_text(encoding="utf-8")
    assert "NHS 111 telephony by contract, England" in text
    assert 'href="portfolio/2026-10/index.html"' in text


def test_a_second_run_for_one_partner_keeps_the_others_in_the_index(made, tmp_path):
    out = tmp_path / "again"
    shutil.copytree(made[0] / "nhs111", out)
    run = bpo("report", "--data", SAMPLE / "nhs111", "--period", "2026-03", "--partner", "Dorset (DHC)", "--out", out)
    assert run.returncode == 0, run.stderr
    text = (out / "2026-03" / "index.html").read_text(encoding="utf-8")
    assert all(name in text for name in ("Thames Valley", "Luton and Bedfordshire", "Dorset (DHC)"))


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """A dataset of nine partners with names that break paths and pages; one of them has a single day."""
    folder = tmp_path_factory.mktemp("nasty")
    rows = ["partner_id,interval_start,offered,answered,answered_in_threshold,wait_answered_s,reason"]
    for partner in NASTY:
        days = [14] if partner == "p7" else range(1, 31)
        rows += [f"{partner},2026-09-{day:02d},{90 + day},{80 + day},{70 + day % 9},,<b>bold</b>" for day in days]
    (folder / "volume.csv").write_text("\n".join(rows), encoding="utf-8")
    with (folder / "partners.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([("partner_id", "name"), *NASTY.items()])
    (folder / "targets.csv").write_text(
        "kpi,op,value,kind\nservice_level,>=,80 %,absolute\nasa_s,<=,20,absolute\n", encoding="utf-8"
    )
    (folder / "dataset.toml").write_text('[dataset]\nname = "nasty"\ntitle = "<i>Nasty</i>"\n', encoding="utf-8")
    return folder


def test_nasty_names_make_ordinary_folders_and_harmless_pages(nasty, tmp_path):
    run = bpo("report", "--data", nasty, "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    period = tmp_path / "out" / "2026-09"
    folders = [f for f in period.iterdir() if f.is_dir()]
    assert len(folders) == len(NASTY)
    assert {f.parent for f in tmp_path.rglob("*.html")} == {period, *folders}
    for page in pages(period):
        text = page.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert "<b>bold</b>" not in text
        assert "<i>Nasty" not in text
    index = (period / "index.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in index
    assert "客服中心" in index


def test_an_all_missing_kpi_is_named_and_not_zero(nasty, tmp_path):
    run = bpo("report", "--data", nasty, "--partner", "p1", "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    text = next((tmp_path / "out").rglob("monthly_partner_review.html")).read_text(encoding="utf-8")
    assert "Average speed of answer: no row of table volume has the values it needs" in text
    assert "not measurable" in text


def test_one_partner_with_one_day(nasty, tmp_path):
    run = bpo("report", "--data", nasty, "--partner", "Same Name", "--out", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    text = next((tmp_path / "out").rglob("monthly_partner_review.html")).read_text(encoding="utf-8")
    assert "1 of 30 days of September 2026" in text
    assert "no earlier data" in text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--partner", "Thames Vally"], 1, "Did you mean 'Thames Valley'"),
        (["--period", "2031-01"], 1, "Period 2031-01 has no rows"),
        (["--period", "soon"], 2, "is not a period"),
        (["-p", "statuss=draft"], 2, "Did you mean 'status'"),
        (["-p", "confidence_level=high"], 2, "confidence_level"),
        (["monthly_partner_revue"], 1, "Did you mean 'monthly_partner_review'"),
        (["--data", "nowhere"], 1, "There is no dataset folder at"),
    ],
)
def test_wrong_calls_end_in_one_clear_line(arguments, code, message, tmp_path):
    run = bpo("report", "--data", SAMPLE / "nhs111", *arguments, "--out", tmp_path / "out")
    assert run.returncode == code, run.stderr
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert not list((tmp_path / "out").rglob("*.html"))


def test_bad_data_stop_the_run_before_any_page(nasty, tmp_path):
    broken = shutil.copytree(nasty, tmp_path / "broken")
    text = (broken / "volume.csv").read_text(encoding="utf-8").replace("p1,2026-09-03,93,", "p1,2026-09-03,-93,")
    (broken / "volume.csv").write_text(text, encoding="utf-8")
    run = bpo("report", "--data", broken, "--out", tmp_path / "out")
    assert run.returncode == 1
    assert "column offered: is negative" in run.stderr
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").rglob("*.html"))
    checked = bpo("check", broken, "--json")
    assert checked.returncode == 1
    problem = json.loads(checked.stdout)["problems"][0]
    assert (problem["table"], problem["row"], problem["column"], problem["value"]) == ("volume", 3, "offered", "-93")
