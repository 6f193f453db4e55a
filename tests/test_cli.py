"""The command line, on the bundled data and tiny templates, in the real process where signals and exit codes matter."""

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bpo_analysis.cli import main

# ibis calls DuckDB 2 and pandas 3 in ways that both call old.
pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The .future.infer_string. option is deprecated:DeprecationWarning"),
]

DATA = Path(__file__).parents[1] / "data" / "sample" / "nhs111"
RECORD = """
class Section:
    def _repr_mimebundle_(self, include=None, exclude=None):
        kpi = {"kpi": "service_level", "label": "Service level", "actual": 0.78, "contract": "missed"}
        return {"text/html": f"<p>{note}</p>", "application/vnd.bpo+json": {
            "headline": {"partner": partner, "period": period, "kpis": [kpi]}, "kpis": [kpi]}}
Section()
"""


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BPO_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def template(tmp_path):
    def write(name="tiny", code=RECORD):
        cells = [
            new_markdown_cell("# A tiny review\n\nText."),
            new_code_cell(
                'partner: str = ""  # who\nperiod: str = ""\ndata: str = ""\nnote: str = "plain"  # what to print',
                metadata={"tags": ["parameters"]},
            ),
            new_code_cell(code),
        ]
        kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
        folder = tmp_path / "templates"
        folder.mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / f"{name}.ipynb")
        return str(folder / f"{name}.ipynb")

    return write


@pytest.fixture
def report(tmp_path, template, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*args, name="tiny", code=RECORD, partner="111AL6"):
        return main(["report", template(name, code), "--data", str(DATA), "--partner", partner, *args])

    return run


def test_a_report_ends_by_printing_the_index(report, tmp_path, capsys):
    assert report("--period", "2026-02", "-p", "note=a = b", "--jobs", "1") == 0
    captured = capsys.readouterr()
    index = tmp_path / "reports" / "2026-02" / "index.html"
    assert captured.out == f"{index}\n"
    assert "[1/1] " in captured.err
    assert "1 report complete." in captured.err
    (page,) = index.parent.glob("*/tiny.html")
    assert "<p>a = b</p>" in page.read_text(encoding="utf-8")
    assert page.parent.name in index.read_text(encoding="utf-8")


def test_the_default_period_is_the_last_complete_month_and_a_second_run_adds_to_the_index(report, tmp_path):
    assert report() == 0
    assert report(partner="111AA6") == 0
    folder = tmp_path / "reports" / "2026-03"
    assert len(list(folder.glob("*/tiny.html"))) == 2
    assert (folder / "index.html").read_text(encoding="utf-8").count("<tr data-states") == 2


def test_a_failure_exits_with_1_and_a_table(report, capsys, tmp_path):
    assert report(code="raise ValueError('on purpose')") == 1
    captured = capsys.readouterr()
    assert "1 of 1 reports failed" in captured.err
    flat = "".join(captured.err.split())
    assert "cellIn[3],ValueError" in flat
    assert "onpurpose" in flat
    assert "tiny.failed.ipynb" in flat
    assert "on purpose" in (tmp_path / "reports" / "2026-03" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--partner", "Yorkshre"], 1, "Error: Unknown partner 'Yorkshre'."),
        (["-p", "nte=x"], 2, "unknown parameter 'nte'. Did you mean 'note'?"),
        (["-p", "partner=x"], 2, "use --partner"),
        (["-p", "note"], 2, "write -p name=value, got 'note'"),
        (["-p", "note=1", "-p", "note=2"], 2, "'note' is given twice"),
        (["--period", "March"], 2, "'March' is not a period"),
        (["--period", "1999-01"], 1, "has no rows"),
        (["--jobs", "0"], 2, "--jobs"),
        (["--out", "templates/tiny.ipynb/x"], 1, "Cannot write to the output folder"),
        (["--data", "nowhere"], 1, "nowhere"),
        (["no_such_template"], 1, "Unknown template 'no_such_template'"),
    ],
)
def test_mistakes_end_in_one_clear_message_before_anything_runs(report, capsys, tmp_path, args, code, message):
    assert report(*args) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not list(tmp_path.glob("reports/*/*"))


def test_no_command_and_no_data_are_usage_errors(capsys):
    assert main(["report"]) == 2
    assert "Missing option '--data'" in capsys.readouterr().err
    assert main(["nonsense"]) == 2
    assert main(["--help"]) == 0


def test_templates_lists_name_line_and_parameters(template, tmp_path, monkeypatch, capsys):
    template()
    monkeypatch.chdir(tmp_path)
    assert main(["templates"]) == 0
    shown = capsys.readouterr().out
    assert "tiny: A tiny review" in shown
    assert "note: str, default 'plain'. what to print" in shown


def test_kpis_lists_names_and_definitions(capsys):
    assert main(["kpis"]) == 0
    general = capsys.readouterr().out
    assert "service_level" in general
    assert main(["kpis", "--data", str(DATA)]) == 0
    assert "within 60 s" in " ".join(capsys.readouterr().out.split())


def test_check_prints_problems_and_rows(capsys):
    assert main(["check", str(DATA)]) == 0
    shown = capsys.readouterr().out
    assert "remedy" in shown
    assert "dropped" in shown


def test_check_speaks_json(capsys):
    assert main(["check", str(DATA), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert {"table", "step", "rows"} <= set(found["accounting"][0])
    assert {"severity", "table", "row", "column", "value", "rule", "count", "remedy"} <= set(found["problems"][0])


def test_check_exits_with_1_on_errors_and_prints_no_control_characters(tmp_path, capsys):
    for file in DATA.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    lines = (tmp_path / "nhs111_daily.csv").read_text(encoding="utf-8").splitlines()
    spoilt = [lines[0], lines[1].replace(lines[1].split(",")[-1], "\x1b[31mx"), *lines[2:]]
    (tmp_path / "nhs111_daily.csv").write_text("\n".join(spoilt), encoding="utf-8")
    assert main(["check", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert "error" in shown
    assert "\x1b" not in shown


def _children_of_group(group):
    alive = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat[2]) == group and stat[0] != "Z":
            alive.append(entry.name)
    return alive


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes through /proc")
def test_ctrl_c_leaves_nothing_half_written_and_exits_with_130(template, tmp_path):
    started = tmp_path / "started"
    path = template("slow", f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(60)")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "bpo_analysis.cli", "report", path, "--data", str(DATA), "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        until = time.monotonic() + 60
        while not started.exists() and time.monotonic() < until and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # what a terminal sends to everything in the foreground
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted" in errors
    assert "Traceback" not in errors
    assert [entry for entry in out.rglob("*") if entry.is_file()] == []
    assert [entry.name for entry in (out / "2026-03").iterdir()] == []
    until = time.monotonic() + 10
    while _children_of_group(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert _children_of_group(process.pid) == []


def test_tables_lists_the_data_model(capsys):
    assert main(["tables"]) == 0
    listed = capsys.readouterr().out
    assert "partners" in listed
    assert "required, or interactions" in listed
    assert main(["tables", "surveys"]) == 0
    assert "csat, nps, ces" in capsys.readouterr().out
    assert main(["tables", "survey"]) == 1
    assert "Did you mean 'surveys'" in capsys.readouterr().err


PILOT = """
[pilot]
title = "Fewer queues"
hypothesis = "One queue answers sooner."
partner = "acme"
unit = "site"
assignment = "whole site"
comparator = "history"
baseline = [2026-01-01, 2026-01-14]
start = 2026-01-15
end = 2026-01-31

[[metric]]
kpi = "service_level"
role = "primary"
test = "noninferiority"
margin = "3 pp"
"""


@pytest.fixture
def pilot_folder(tmp_path):
    folder = tmp_path / "data"
    (folder / "pilots").mkdir(parents=True)
    (folder / "dataset.toml").write_text("", encoding="utf-8")
    (folder / "partners.csv").write_text("partner_id\nacme\n", encoding="utf-8")
    (folder / "targets.csv").write_text("kpi,op,value,kind\nservice_level,>=,80 %,absolute\n", encoding="utf-8")
    rows = "".join(f"acme,2026-01-{day:02d},Brno,10,9,8\n" for day in range(1, 32))
    head = "partner_id,interval_start,site,offered,answered,answered_in_threshold\n"
    (folder / "volume.csv").write_text(head + rows, encoding="utf-8")
    (folder / "pilots" / "queues.toml").write_text(PILOT, encoding="utf-8")
    return folder


def test_a_pilot_is_registered_once_and_amended_with_a_reason(pilot_folder, capsys):
    file = pilot_folder / "pilots" / "queues.toml"
    register = ["pilot", "register", str(pilot_folder), "queues"]
    assert main(register) == 0
    out = capsys.readouterr().out
    assert out.startswith("Registered on ")
    assert "after the start (2026-01-15)" in out
    assert out.endswith("queues.registration.json\n")
    assert main(register) == 0
    assert capsys.readouterr().out.startswith("Nothing to do: registered as it is. Registered on ")
    file.write_text(PILOT.replace("3 pp", "5 pp"), encoding="utf-8")
    assert main(register) == 1
    assert "was changed since it was registered on" in capsys.readouterr().err
    assert main([*register, "--amend", "margin agreed"]) == 0
    assert "margin agreed. Changed: metrics service_level margin: 0.03 -> 0.05." in capsys.readouterr().out


def test_pilots_are_listed_with_their_registration(pilot_folder, capsys):
    assert main(["pilot", "list", str(pilot_folder)]) == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row == ["queues", "Fewer", "queues", "acme", "2026-01-15", "2026-01-31", "unregistered"]
    main(["pilot", "register", str(pilot_folder), "queues"])
    capsys.readouterr()
    assert main(["pilot", "list", str(pilot_folder)]) == 0
    assert "(after the start)" in capsys.readouterr().out


def test_a_pilot_with_problems_is_listed_with_them(pilot_folder, capsys):
    (pilot_folder / "pilots" / "bad.toml").write_text(PILOT.replace('"site"', '"sites"'), encoding="utf-8")
    assert main(["pilot", "list", str(pilot_folder)]) == 1
    printed = capsys.readouterr()
    assert "has problems, see below" in printed.out
    assert "unregistered" in printed.out
    assert "bad.toml [pilot] unit must be one of 'agent'" in printed.err
    assert main(["pilot", "register", str(pilot_folder), "bad"]) == 1
    assert main(["pilot", "register", str(pilot_folder), "queuess"]) == 1
    assert "Unknown pilot 'queuess'. Did you mean 'queues'?" in capsys.readouterr().err


def test_a_dataset_without_pilots_lists_none(capsys):
    assert main(["pilot", "list", str(DATA)]) == 0
    assert capsys.readouterr().out == "No pilots. Write one in pilots/<id>.toml (docs/pilots.md).\n"


def test_check_counts_pilots_and_those_with_problems(pilot_folder, capsys):
    assert main(["check", str(pilot_folder)]) == 0
    assert "Pilots: 1, none with problems" in capsys.readouterr().out
    file = pilot_folder / "pilots" / "queues.toml"
    file.write_text(file.read_text().replace('margin = "3 pp"', ""), encoding="utf-8")
    main(["check", str(pilot_folder)])
    assert "Pilots: 1, 1 with problems ('bpo pilot list" in capsys.readouterr().out


def test_a_faulty_pilot_does_not_stop_the_reviews_of_partners(pilot_folder, tmp_path, capsys):
    file = pilot_folder / "pilots" / "queues.toml"
    file.write_text(file.read_text().replace('margin = "3 pp"', ""), encoding="utf-8")
    assert main(["report", "--data", str(pilot_folder), "--out", str(tmp_path / "out")]) == 0
    assert main(["report", "pilot_plan", "--data", str(pilot_folder), "--out", str(tmp_path / "out")]) == 1
    assert "has no margin" in capsys.readouterr().err


def test_a_pilot_that_could_not_be_judged_is_found_by_the_check_and_not_registered(pilot_folder, capsys):
    file = pilot_folder / "pilots" / "queues.toml"
    file.write_text(re.sub(r"baseline = .*", "baseline = [2020-01-01, 2020-02-01]", PILOT), encoding="utf-8")
    assert main(["check", str(pilot_folder)]) == 0
    printed = capsys.readouterr().out
    assert "pilots/queues.toml has no rows of its units" in re.sub(r"\s+", " ", printed)
    assert "Pilots: 1, 1 with problems" in printed
    assert main(["pilot", "register", str(pilot_folder), "queues"]) == 1
    assert "queues.toml has no rows of its units in the baseline window" in capsys.readouterr().err
    assert not file.with_suffix(".registration.json").exists()
    assert main(["pilot", "list", str(pilot_folder)]) == 0
    assert "Warning: " in capsys.readouterr().err


def test_amended_pilots_are_listed_as_amended(pilot_folder, capsys):
    file = pilot_folder / "pilots" / "queues.toml"
    main(["pilot", "register", str(pilot_folder), "queues"])
    file.write_text(PILOT.replace('"3 pp"', '"4 pp"'), encoding="utf-8")
    main(["pilot", "register", str(pilot_folder), "queues", "--amend", "Smaller sites."])
    capsys.readouterr()
    main(["pilot", "list", str(pilot_folder)])
    today = dt.datetime.now().astimezone().date()
    assert f"amended on {today}" in capsys.readouterr().out
    file.write_text(PILOT.replace('"3 pp"', '"5 pp"'), encoding="utf-8")
    main(["pilot", "list", str(pilot_folder)])
    assert "changed since" in capsys.readouterr().out
