"""Reports on a real Dask cluster of two worker processes, and outputs in a real S3 server; both on this machine."""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from bpo_analysis.reports.inputs import output_digests

PARTNERS = "partner_id,name,kind\n" + "".join(f"p{i},Partner {i},bpo\n" for i in range(1, 6))
VOLUME = "partner_id,interval_start,offered,answered,answered_in_threshold,abandoned\n" + "".join(
    f"p{i},2026-01-{day:02d},{20 + day},{18 + day},{10 + i},2\n" for i in range(1, 6) for day in range(1, 32)
)
READS = """
from bpo_analysis import open_review
print(open_review(data, partner, period).measure("service_level").text)
"""


def _needs(*packages):
    absent = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(absent), reason=f"{', '.join(absent)} not installed (extra 'cluster', or moto)")


@pytest.fixture
def dataset(write_dataset):
    return write_dataset(partners=PARTNERS, volume=VOLUME)


def _bpo(*args, **kwargs):
    command = [sys.executable, "-m", "bpo_analysis.cli", "report", *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)


def _run(*args, **kwargs):
    process = _bpo(*args, **kwargs)
    out, errors = process.communicate(timeout=300)
    return process.returncode, out, errors


@pytest.fixture
def cluster(tmp_path):
    """Address of a scheduler with two workers, and the processes of the workers."""
    place = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    run = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen([*run, "--host", "127.0.0.1", "--scheduler-file", str(place)], **quiet)
    run = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(place), "--no-nanny"]
    run += ["--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(tmp_path)]
    workers = [subprocess.Popen(run, cwd=tmp_path, **quiet) for _ in range(2)]
    try:
        until = time.monotonic() + 120
        while not place.is_file() or not place.read_text():
            assert time.monotonic() < until, "no scheduler"
            time.sleep(0.1)
        yield json.loads(place.read_text())["address"], workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


@_needs("distributed")
def test_a_lost_worker_costs_no_report_and_the_files_are_those_of_a_run_here(
    cluster, dataset, write_template, tmp_path
):
    address, workers = cluster
    starts = tmp_path / "starts"
    starts.mkdir()
    waits = f"""
import os, pathlib, time
(pathlib.Path({str(starts)!r}) / f"{{partner}}.{{os.getpid()}}").touch()
time.sleep({{seconds}})
"""
    template = write_template("review", READS, waits.replace("{seconds}", "3"))
    out = tmp_path / "out"
    process = _bpo(template, "--data", dataset, "--out", out, "--executor", "dask", "--scheduler", address)
    until = time.monotonic() + 240
    while len(list(starts.iterdir())) < 2:  # both workers have something to do
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    workers[0].send_signal(signal.SIGKILL)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "5 reports complete." in errors
    assert len(list(starts.iterdir())) > 5  # what the lost worker had begun was begun again
    records = {path.parent.name: json.loads(path.read_text()) for path in out.glob("2026-01/*/review.run.json")}
    assert len(records) == 5
    for slug, record in records.items():
        assert record["outputs"] == output_digests(out / "2026-01" / slug, "review")
    code, _, errors = _run(template, "--data", dataset, "--out", out)
    assert (code, "5 reports are up to date." in errors) == (0, True)
    here = tmp_path / "here"
    assert _run(template, "--data", dataset, "--out", here)[0] == 0
    for page in out.glob("2026-01/*/review.html"):
        assert page.read_text() == (here / page.relative_to(out)).read_text()


@_needs("distributed")
def test_a_report_that_ends_its_process_on_a_worker_costs_that_report_only(cluster, dataset, write_template, tmp_path):
    address, _ = cluster
    nasty = """
import os, signal, time
if partner == "p1": os._exit(7)
if partner == "p2": os.kill(os.getpid(), signal.SIGKILL)
if partner == "p3": raise ValueError("a < b")
if partner == "p4": time.sleep(600)
print("the page")
"""
    template = write_template("review", "print('before')", nasty)
    out = tmp_path / "out"
    args = ("--data", dataset, "--out", out, "--executor", "dask", "--scheduler", address, "--timeout", "8")
    code, _, errors = _run(template, *args)
    assert code == 1, errors
    assert "4 of 5 reports failed:" in errors
    told = {}
    for path in out.glob("2026-01/*/review.run.json"):
        record = json.loads(path.read_text())
        told[record["partner_id"]] = record["exception"] if record["status"] == "failed" else "ok"
    expired = "ProcessExpired"
    assert told == {"p1": expired, "p2": expired, "p3": "ValueError", "p4": "TimeoutError", "p5": "ok"}
    assert "before" in (out / "2026-01" / "partner-1" / "review.failed.ipynb").read_text()


def test_an_address_without_the_executor_and_the_executor_without_one_are_usage_errors(dataset, write_template):
    template = write_template("review", "print('page')")
    for extra in (["--scheduler", "tcp://127.0.0.1:1"], ["--executor", "dask"]):
        code, _, errors = _run(template, "--data", dataset, *extra)
        assert code == 2
        assert "--executor dask and --scheduler ADDRESS belong together" in errors


@pytest.fixture
def s3(tmp_path):
    """Environment in which s3://reports is a bucket of a server on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 120
        while True:
            try:
                request = urllib.request.Request(f"http://127.0.0.1:{port}/reports", method="PUT")
                urllib.request.urlopen(request, timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < until, "no S3 server"
                time.sleep(0.2)
        yield os.environ | {
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
            "FSSPEC_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}", "BPO_CACHE_DIR": str(tmp_path / "cache"),
        }  # fmt: skip
    finally:
        server.kill()
        server.wait()


def _objects(environment):
    code = "import fsspec, json; print(json.dumps(fsspec.filesystem('s3').find('reports/month')))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return {path.removeprefix("reports/month/2026-01/") for path in json.loads(done.stdout)}


@_needs("s3fs", "moto")
def test_outputs_go_to_a_bucket_and_what_is_there_is_not_made_again(s3, dataset, write_template):
    broken = "if partner == 'p5': raise ValueError('on purpose')\nprint('the page')"
    args = (write_template("review", READS, broken), "--data", dataset, "--out", "s3://reports/month")
    code, out, errors = _run(*args, env=s3)
    assert (code, out) == (1, "s3://reports/month/2026-01/index.html\n"), errors
    made = {f"partner-{n}/review{ending}" for n in range(1, 5) for ending in (".html", ".ipynb", ".run.json")}
    failed = {f"partner-5/review{ending}" for ending in (".failed.ipynb", ".run.json")}
    assert _objects(s3) == made | failed | {"index.html"}

    shutil.rmtree(Path(s3["BPO_CACHE_DIR"]) / "outputs")  # another machine, which has only the bucket
    code = "import fsspec; fsspec.filesystem('s3').rm_file('reports/month/2026-01/partner-1/review.html')"
    subprocess.run([sys.executable, "-c", code], env=s3, check=True)
    _, _, errors = _run(*args, "--explain", env=s3)
    assert "Partner 1, review: its files are gone" in errors
    assert "Partner 2, review: up to date" in errors
    assert "Partner 5, review: failed the last time" in errors
    assert "3 reports are up to date." in errors
    assert _objects(s3) == made | failed | {"index.html"}


@_needs("s3fs", "moto")
def test_a_bucket_that_is_not_there_is_told_before_anything_runs(s3, dataset, write_template):
    code, _, errors = _run(write_template("review", "1"), "--data", dataset, "--out", "s3://nowhere/x", env=s3)
    assert code == 1
    assert "s3://nowhere/x" in errors
    assert "Traceback" not in errors


def test_a_store_whose_library_is_absent_is_named(dataset, write_template):
    code, _, errors = _run(write_template("review", "1"), "--data", dataset, "--out", "nosuchstore://bucket/x")
    assert code == 1
    assert "nosuchstore://bucket/x" in errors
    assert "Traceback" not in errors
