"""Real notebooks in real child processes."""

import csv
import json
import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bpo_analysis.errors import ReportError
from bpo_analysis.reports.execute import run_reports
from bpo_analysis.reports.plan import plan_reports
from bpo_analysis.reports.staging import check_output_folder, staging, write_atomically

RECORD = """
class Section:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": f"<p>page of {partner}</p>", "text/plain": "", "application/vnd.bpo+json": {
            "headline": {"partner": partner, "actual": float("nan")}, "rows": [{"table": "volume", "rows": 3}],
            "data": {"path": data, "fingerprint": "f00"},
            "kpis": [{"kpi": "csat", "note": "=1+1", "value": -4.5}, {"kpi": "@aht", "value": None, "more": "-x"}]}}
Section()
"""


def _files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    """One run of nine: p1 is well, every other one goes wrong in its own way."""
    folder = tmp_path_factory.mktemp("troubled")
    cells = [
        'partner: str = ""\nperiod: str = ""\ndata: str = ""',
        "import os, resource, signal, sys, time\nprint('before')\nassert not hasattr(os, 'tainted')\nos.tainted = True",
        "if partner == 'p2':\n    raise ValueError('a < b')",
        "if partner == 'p3':\n    os.system('echo famous last words >&2')\n    os._exit(7)",
        "if partner == 'p4':\n    os.kill(os.getpid(), signal.SIGKILL)",
        "if partner == 'p5':\n    time.sleep(60)",
        "if partner == 'p6':\n    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))",
        "if partner == 'p7':\n    hoard = [bytearray(500_000_000) for _ in range(10)]",
        "if partner == 'p8':\n    sys.exit(3)",
        "if partner == 'p9':\n    import ctypes\n    ctypes.string_at(0)",
        RECORD,
    ]
    notebook = new_notebook(
        cells=[new_markdown_cell("# Trouble"), *map(new_code_cell, cells)],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )
    notebook.cells[1].metadata["tags"] = ["parameters"]
    template = folder / "trouble {x}.ipynb"  # papermill would fill in the braces
    nbformat.write(notebook, template)
    partners = {f"p{i}": f"P{i}" for i in range(1, 10)}
    out = folder / "out {y}"
    specs = plan_reports([template], partners, period="2026-03", data=folder, out=out)
    done = []
    hangs = [spec for spec in specs if spec.partner_id == "p5"]
    runs = run_reports(hangs, timeout=6, on_done=done.append)
    runs += run_reports([spec for spec in specs if spec not in hangs], jobs=2, memory=10**9, on_done=done.append)
    return {run.partner_id: run for run in runs}, done, out / "2026-03"


def test_every_report_has_a_row_whatever_became_of_it(troubled):
    runs, done, _ = troubled
    assert {key: run.status for key, run in runs.items()} == {
        "p1": "ok",
        **{f"p{number}": "failed" for number in range(2, 10)},
    }
    assert sorted(run.partner_id for run in done) == sorted(runs)


def test_a_complete_report_has_all_its_files(troubled):
    runs, _, folder = troubled
    assert _files(folder / "p1") == [
        "trouble {x}.html", "trouble {x}.ipynb", "trouble {x}.kpis.csv", "trouble {x}.run.json",
    ]  # fmt: skip
    assert "<p>page of p1</p>" in runs["p1"].html.read_text(encoding="utf-8")


def test_a_record_says_what_ran_on_what(troubled):
    _, _, folder = troubled
    record = json.loads((folder / "p1" / "trouble {x}.run.json").read_text(encoding="utf-8"))
    assert record["status"] == "ok"
    assert record["parameters"]["partner"] == "p1"
    assert record["data"]["fingerprint"] == "f00"
    assert record["rows"] == [{"table": "volume", "rows": 3}]
    assert record["headline"] == {"partner": "p1", "actual": None}
    assert {"python", "bpo_analysis", "papermill", "pandas", "duckdb"} <= set(record["versions"])
    assert record["times"]["seconds"] > 0


def test_numbers_stay_numbers_and_formulas_become_text(troubled):
    _, _, folder = troubled
    with (folder / "p1" / "trouble {x}.kpis.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["kpi", "note", "value", "more"], ["csat", "'=1+1", "-4.5", ""], ["'@aht", "", "", "'-x"],
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("partner", "exception", "cell", "words"),
    [
        ("p2", "ValueError", 4, "a < b"),
        ("p3", "ProcessExpired", 5, "exit code 7. Last words: famous last words"),
        ("p4", "ProcessExpired", 6, "SIGKILL. This is what happens when memory runs out"),
        ("p5", "TimeoutError", 7, "time limit of 6 s"),
        ("p6", "OSError", None, "File too large"),
        ("p7", "MemoryError", 9, "Memory ran out at the limit of 1.0 GB for this report (--memory)"),
        ("p8", "SystemExit", 10, "3"),
        ("p9", "ProcessExpired", 11, "SIGSEGV"),
    ],
)
def test_a_failure_says_where_and_why_and_keeps_the_half_run_notebook(troubled, partner, exception, cell, words):
    runs, _, folder = troubled
    run = runs[partner]
    assert (run.exception, run.cell) == (exception, cell)
    assert words in run.error
    record = json.loads((folder / partner / "trouble {x}.run.json").read_text(encoding="utf-8"))
    assert (record["status"], record["cell"], record["exception"]) == ("failed", cell, exception)
    assert words in record["error"]
    assert not list((folder / partner).glob("*.html"))
    if partner != "p6":  # its notebook could not be written either
        kept = folder / partner / "trouble {x}.failed.ipynb"
        assert run.notebook == kept
        assert "before" in kept.read_text(encoding="utf-8")


def test_nothing_is_left_of_the_staging(troubled):
    _, _, folder = troubled
    assert sorted(path.name for path in folder.iterdir()) == [f"p{number}" for number in range(1, 10)]


def test_a_failure_does_not_pass_the_older_page_off_as_new(write_template, plan):
    (spec,) = plan(write_template("review", "print('fine')"))
    (first,) = run_reports([spec])
    write_template("review", "raise RuntimeError('today')")
    (second,) = run_reports([spec])
    assert (first.status, second.status, second.html) == ("ok", "failed", None)
    record = json.loads((spec.folder / "review.run.json").read_text(encoding="utf-8"))
    assert record["status"] == "failed"
    assert record["previous"]["seconds"] > 0
    assert "fine" in (spec.folder / "review.html").read_text(encoding="utf-8")
    write_template("review", "print('repaired')")
    (third,) = run_reports([spec])
    assert third.status == "ok"
    assert _files(spec.folder) == ["review.html", "review.ipynb", "review.run.json"]


def test_the_recorded_notebook_does_not_point_at_the_staging_folder(write_template, plan):
    (spec,) = plan(write_template("review", "print('fine')"))
    run_reports([spec])
    notebook = json.loads((spec.folder / "review.ipynb").read_text(encoding="utf-8"))
    assert notebook["metadata"]["papermill"]["output_path"] == str(spec.folder / "review.ipynb")


def test_a_report_gets_the_directory_and_environment_of_its_caller(write_template, plan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BPO_TEST", "set late")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    code = "import os\nprint('cwd', os.getcwd(), os.environ['OMP_NUM_THREADS'], os.environ['BPO_TEST'])"
    (spec,) = plan(write_template("review", code))
    run_reports([spec])
    assert f"cwd {tmp_path} 1 set late" in (spec.folder / "review.html").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match=r"Cannot write to the output folder .*file/out.*Choose another with --out"):
        check_output_folder(tmp_path / "file" / "out", 1)
    with pytest.raises(ReportError, match=r"MB left; 1000000000 reports need about"):
        check_output_folder(tmp_path, 10**9)
    assert _files(tmp_path) == ["file"]


def test_an_unwritable_report_folder_fails_that_report_only(write_template, plan):
    specs = plan(write_template("review", "print('fine')"), partners=2)
    specs[0].folder.parent.mkdir(parents=True)
    specs[0].folder.write_text("a file where the folder should be")
    first, second = run_reports(specs)
    assert (first.status, second.status) == ("failed", "ok")
    assert "could not be written" in first.error


def test_staging_of_a_dead_run_is_cleared_and_of_a_living_one_kept(tmp_path):
    code = f"""
import os, pathlib
from bpo_analysis.reports.staging import staging
with staging(pathlib.Path({str(tmp_path)!r})) as folder:
    (folder / "half.html").write_text("<p>half")
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    (dead,) = tmp_path.iterdir()
    os.utime(dead / ".lock", (0, 0))  # a lock that is new may not have been taken yet
    with staging(tmp_path) as mine, staging(tmp_path) as other:
        assert not dead.exists()
        os.utime(mine / ".lock", (0, 0))
        with staging(tmp_path) as third:
            assert mine.is_dir()
            assert other.is_dir()
            assert third.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_an_atomic_write_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch):
    target = tmp_path / "index.html"
    write_atomically(target, "old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert _files(tmp_path) == ["index.html"]


def test_reports_run_side_by_side(write_template, plan, tmp_path):
    # Each waits for the other; one after the other, the first would wait in vain.
    code = f"""
import pathlib, time
here = pathlib.Path({str(tmp_path)!r})
(here / f"{{partner}}.started").touch()
until = time.monotonic() + 20
while len(list(here.glob("*.started"))) < 2:
    assert time.monotonic() < until, "alone"
    time.sleep(0.01)
"""
    runs = run_reports(plan(write_template("review", code), partners=2), jobs=2)
    assert [run.error for run in runs] == ["", ""]
