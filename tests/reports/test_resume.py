"""Runs that are killed, and runs that meet in one folder, in real processes."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from bpo_analysis.reports.inputs import output_digests

PARTNERS = "partner_id,name,kind\n" + "".join(f"p{i},Partner {i},bpo\n" for i in range(1, 6))
VOLUME = "partner_id,interval_start,offered,answered,answered_in_threshold,abandoned\n" + "".join(
    f"p{i},2026-01-{day:02d},{20 + day},{18 + day},{10 + i},2\n" for i in range(1, 6) for day in range(1, 32)
)
READS = """
from bpo_analysis import open_review
review = open_review(data, partner, period)
print(review.measure("service_level").text)
"""


@pytest.fixture
def command(write_dataset, write_template, tmp_path):
    """Arguments of a run over five partners whose reports take a while."""
    data = write_dataset(partners=PARTNERS, volume=VOLUME)

    def make(seconds=0.0):
        template = write_template("slow", READS, f"import time\ntime.sleep({seconds})\nprint('to the end')")
        out = str(tmp_path / "out")
        return [
            sys.executable, "-m", "bpo_analysis.cli", "report", str(template), "--data", str(data), "--out", out,
            "--jobs", "2",
        ]  # fmt: skip

    return make


def _alive(group):
    done = subprocess.run(["ps", "-eo", "pgid=,pid=,stat="], capture_output=True, text=True, check=True)
    rows = (line.split() for line in done.stdout.splitlines())
    return [pid for pgid, pid, state in rows if int(pgid) == group and not state.startswith("Z")]


def _check_whole(folder, reports):
    """Every record vouches for its files; nothing else lies about."""
    records = sorted(folder.glob("*/*.run.json"))
    assert len(records) == reports
    for path in records:
        record = json.loads(path.read_text(encoding="utf-8"))
        assert record["status"] == "ok"
        assert record["outputs"] == output_digests(path.parent, "slow")
        assert "to the end" in (path.parent / "slow.html").read_text(encoding="utf-8")
    assert not list(folder.rglob(".staging-*/*.html"))


@pytest.mark.skipif(os.name == "nt", reason="processes are killed by POSIX signals")
def test_after_a_kill_the_next_run_makes_what_is_missing_and_clears_up(command, tmp_path):
    args = command(2)
    with subprocess.Popen(args, stderr=subprocess.PIPE, text=True, start_new_session=True) as run:
        for line in run.stderr:
            if line.startswith("[2/5]"):
                break
        os.kill(run.pid, signal.SIGKILL)
        run.stderr.close()
    folder = tmp_path / "out" / "2026-01"
    complete = len(list(folder.glob("*/slow.run.json")))
    assert 2 <= complete < 5
    _check_whole(folder, complete)
    until = time.monotonic() + 20
    while _alive(run.pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert _alive(run.pid) == []  # reports that nobody waits for any more have ended too
    again = subprocess.run(args, capture_output=True, text=True, check=True)
    assert f"{complete} reports are up to date." in again.stderr
    assert f"{5 - complete} report" in again.stderr.splitlines()[-1]
    _check_whole(folder, 5)
    assert not list(folder.glob(".staging-*"))
    assert (folder / "index.html").read_text(encoding="utf-8").count("<tr data-states") == 5


def test_two_runs_into_one_folder_do_not_harm_each_other(command, tmp_path):
    args = command()
    runs = [subprocess.Popen([*args, "--force"], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [run.communicate(timeout=240)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    folder = tmp_path / "out" / "2026-01"
    _check_whole(folder, 5)
    assert (folder / "index.html").read_text(encoding="utf-8").count("<tr data-states") == 5
    third = subprocess.run(args, capture_output=True, text=True, check=True)
    assert "5 reports are up to date." in third.stderr


def test_a_run_with_nothing_to_do_imports_nothing_heavy_and_starts_no_process(command, tmp_path):
    time.sleep(2.1)  # a file changed a moment ago is looked at again
    args = command()
    subprocess.run(args, check=True, capture_output=True)
    code = f"""
import sys
from bpo_analysis.cli import main
assert main({args[3:]!r}) == 0
heavy = {{"pandas", "numpy", "pyarrow", "duckdb", "ibis", "matplotlib", "papermill", "nbformat", "nbconvert", "pebble"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "5 reports are up to date." in done.stderr
