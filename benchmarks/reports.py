"""Reports of many partners, ours beside the usual ways, in one run; writes its part of docs/performance.md.

    python -m benchmarks.reports [--partners 100] [--peers 4] [--write]

Every way makes the same pages from the same template and data, and every ratio is between two ways of one run. The
slow ways run on a few partners only (``--peers``); their figures are per report. Process start counts everywhere.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.document import machine, targets, write_part
from benchmarks.many_partners import write_portfolio
from bpo_analysis.data.overview import known_overview
from bpo_analysis.reports.workers import usable_cores

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "templates" / "monthly_partner_review.ipynb"
_BETWEEN_SAMPLES_S = 0.05
_PSS_EVERY = 10
"""Samples from one reading of shared memory to the next: it is slow."""
_LOOPS = {"loop": "the `execute_notebook` loop", "commands": "the command-line loop"}
_CHILD_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of Linux."""
_VERSIONS = ("papermill", "nbconvert", "nbclient", "ipykernel", "ploomber-engine", "matplotlib", "pandas", "duckdb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What making some reports cost, processes of processes included.

    Parameters
    ----------
    reports : int
    wall, cpu : float
        Seconds in all.
    rss, pss : float
        Peak of the sums over all processes in GB: resident, and with shared pages shared out (0: not readable).
    """

    reports: int
    wall: float
    cpu: float
    rss: float
    pss: float


class _Watch(threading.Thread):
    """Samples the memory of a process and all below it."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.root, self.rss, self.pss = pid, 0, 0
        self._over = threading.Event()

    def run(self) -> None:
        """Sample until told to stop."""
        count = 0
        while not self._over.is_set():
            self._sample(with_pss=count % _PSS_EVERY == 0)
            count += 1
            self._over.wait(_BETWEEN_SAMPLES_S)

    def stop(self) -> None:
        """End the sampling."""
        self._over.set()
        self.join()

    def _sample(self, *, with_pss: bool) -> None:
        family = _family(self.root)
        self.rss = max(self.rss, sum(family.values()))
        if with_pss:
            self.pss = max(self.pss, sum(_pss(pid) for pid in family))


def _family(root: int) -> dict[int, int]:
    """Resident bytes of a process and of all below it."""
    stats: dict[int, tuple[int, int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                fields = (
                    Path(entry.path, "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
                )
                stats[int(entry.name)] = int(fields[1]), int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    inside = {root} & set(stats)
    while True:
        more = {pid for pid, (parent, _) in stats.items() if parent in inside} - inside
        if not more:
            return {pid: stats[pid][1] for pid in inside}
        inside |= more


def _pss(pid: int) -> int:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def measure(command: Sequence[str], reports: int) -> Cost:
    """Run a command and return what it cost.

    Parameters
    ----------
    command : sequence of str
    reports : int
        How many reports it makes.
    """
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # What a process leaves behind comes to this one, so that its time counts: such as the one reports are forked from.
    ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile() as told:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=told, stderr=told, env=environment, cwd=ROOT)
        watch = _Watch(process.pid)
        watch.start()
        _, status = os.waitpid(process.pid, 0)
        wall = time.perf_counter() - started
        watch.stop()
        with suppress(ChildProcessError):
            while os.waitpid(-1, 0):
                pass
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{told.read().decode(errors='replace')[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(reports=reports, wall=wall, cpu=cpu, rss=watch.rss / 1e9, pss=watch.pss / 1e9)


def _python(code: str, *args: object) -> list[str]:
    return [sys.executable, "-W", "ignore", "-c", code, *map(str, args)]


_LOOP = """
import sys, papermill
from nbconvert import HTMLExporter
template, data, period, out, *partners = sys.argv[1:]
exporter = HTMLExporter(exclude_input=True)
for partner in partners:
    made = f"{out}/{partner}.ipynb"
    notebook = papermill.execute_notebook(
        template, made, {"partner": partner, "period": period, "data": data}, progress_bar=False
    )
    page, _ = exporter.from_notebook_node(notebook)
    open(f"{out}/{partner}.html", "w", encoding="utf-8").write(page)
"""
_COMMANDS = """
import subprocess, sys
from pathlib import Path
template, data, period, out, *partners = sys.argv[1:]
beside = Path(sys.executable).parent
def tool(name):  # beside this Python, or on the path
    return str(beside / name) if (beside / name).is_file() else name
for partner in partners:
    made = f"{out}/{partner}.ipynb"
    told = [word for name, value in (("partner", partner), ("period", period), ("data", data))
            for word in ("-p", name, value)]
    subprocess.run([tool("papermill"), "--no-progress-bar", template, made, *told], check=True)
    subprocess.run([tool("jupyter"), "nbconvert", "--to", "html", "--no-input", made], check=True)
"""
_PLOOMBER = """
import sys
from nbconvert import HTMLExporter
from ploomber_engine import execute_notebook
template, data, period, out, *partners = sys.argv[1:]
exporter = HTMLExporter(exclude_input=True)
for partner in partners:
    told = {"partner": partner, "period": period, "data": data}
    notebook = execute_notebook(template, f"{out}/{partner}.ipynb", parameters=told, progress_bar=False, verbose=False)
    page, _ = exporter.from_notebook_node(notebook)
    open(f"{out}/{partner}.html", "w", encoding="utf-8").write(page)
"""
_FLOOR = """
import ast, json, os, sys
template, data, period, out, jobs, *partners = sys.argv[1:]
import nbformat, matplotlib.pyplot
from nbformat.v4 import new_code_cell, new_notebook, new_output
from bpo_analysis import sections
from bpo_analysis.reports.render import render_report
cells = [c for c in json.load(open(template, encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
sources = ["".join(cell["source"]) for cell in cells]
def page(partner):
    names, made = {}, []
    for number, source in enumerate(sources):
        tree = ast.parse(source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), names)
        if number == 0:  # the parameters
            names |= {"partner": partner, "period": period, "data": data}
        shown = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None
        if shown is not None:
            html = shown._repr_mimebundle_()["text/html"]
            made.append(new_code_cell("", outputs=[new_output("display_data", data={"text/html": html})]))
    with open(f"{out}/{partner}.html", "w", encoding="utf-8") as file:
        file.write(render_report(new_notebook(cells=made)))
children = []
for number in range(int(jobs)):
    child = os.fork()
    if not child:
        for partner in partners[number :: int(jobs)]:
            page(partner)
        os._exit(0)
    children.append(child)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    title: str
    command: Callable[[Path, Sequence[str]], list[str]]
    everyone: bool = False
    """Whether it is quick enough for all partners."""


def _ways(data: Path, period: str, jobs: int) -> dict[str, _Way]:
    def loop(code: str, *extra: object) -> Callable[[Path, Sequence[str]], list[str]]:
        return lambda out, partners: _python(code, TEMPLATE, data, period, out, *extra, *partners)

    def ours(out: Path, partners: Sequence[str]) -> list[str]:
        args = [
            "report",
            str(TEMPLATE),
            "--data",
            str(data),
            "--period",
            period,
            "--out",
            str(out),
            "--jobs",
            str(jobs),
        ]
        chosen = [word for partner in partners for word in ("--partner", partner)]
        return [sys.executable, "-m", "bpo_analysis.cli", *args, *chosen]

    return {
        "ours": _Way(title="**bpo report**", command=ours, everyone=True),
        "floor": _Way(
            title=f"the floor: the same content by a plain warm script, {jobs} processes",
            command=loop(_FLOOR, jobs),
            everyone=True,
        ),
        "ploomber": _Way(title="ploomber-engine in process, HTMLExporter, loop", command=loop(_PLOOMBER)),
        "loop": _Way(title="`papermill.execute_notebook` + HTMLExporter, loop", command=loop(_LOOP)),
        "commands": _Way(title="papermill and nbconvert, command line, loop", command=loop(_COMMANDS)),
    }


@click.command()
@click.option("--partners", default=100, show_default=True, type=click.IntRange(min=1), help="Partners of the dataset.")
@click.option("--peers", default=10, show_default=True, type=click.IntRange(min=1), help="Partners of the slow ways.")
@click.option("--reports", type=click.IntRange(min=1), help="Partners of the quick ways; default: all.")
@click.option("--jobs", default=usable_cores(), show_default=True, type=click.IntRange(min=1))
@click.option("--period", default="2026-10", show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help="Where the dataset is or will be; default: thrown away.")
@click.option("--only", multiple=True, type=click.Choice(["ours", "floor", "ploomber", "loop", "commands"]))
@click.option("--write", is_flag=True, help="Write the part Reports of docs/performance.md.")
def main(
    partners: int,
    peers: int,
    reports: int | None,
    jobs: int,
    period: str,
    data: Path | None,
    only: tuple[str, ...],
    *,
    write: bool,
) -> None:
    """Make the same reports in several ways, and print what each cost."""
    folder = Path(tempfile.mkdtemp(prefix="bpo-benchmark-"))
    try:
        data = write_portfolio((data or folder / "data").resolve(), partners)
        # All ways read the prepared data; preparing is measured in the part Data.
        subprocess.run(
            _python("import sys, bpo_analysis as b; b.open_dataset(sys.argv[1]).prepare()", data), check=True
        )
        overview = known_overview(data)
        while overview is None:  # files written a moment ago are looked at again
            time.sleep(1)
            subprocess.run(
                _python("import sys, bpo_analysis as b; b.open_dataset(sys.argv[1]).overview", data), check=True
            )
            overview = known_overview(data)
        everyone = list(overview.partners)[:reports]
        costs: dict[str, Cost] = {}
        ways = _ways(data, period, jobs)
        for name, way in ways.items():
            if only and name not in only:
                continue
            if name == "ploomber" and importlib.util.find_spec("ploomber_engine") is None:
                click.echo("ploomber-engine is not installed and is left out.", err=True)
                continue
            chosen = everyone if way.everyone else everyone[:peers]
            out = folder / name
            out.mkdir()
            costs[name] = measure(way.command(out, chosen), len(chosen))
            click.echo(f"{name}: {costs[name]}", err=True)
            if name == "ours":
                costs["again"] = measure(way.command(out, chosen), len(chosen))
                click.echo(f"nothing changed: {costs['again']}", err=True)
        text = _table(costs, ways, partners=len(overview.partners), period=period, jobs=jobs)
        click.echo(text)
        if write:
            write_part("Reports", text)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _table(costs: dict[str, Cost], ways: dict[str, _Way], *, partners: int, period: str, jobs: int) -> str:
    ours = costs.get("ours")
    lines = [
        f"`python -m benchmarks.reports --partners {partners - 1} --jobs {jobs} --write`, on {machine()}; "
        f"{_versions()}. Monthly partner review of {period}. Wall and CPU are seconds per report, memory is the peak "
        "of the sum over all processes of the whole run: resident, and with shared pages shared out.",
        "",
        "| way | reports | wall | CPU | wall, ours = 1 | GB resident | GB shared out |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, way in ways.items():
        if name in costs:
            cost = costs[name]
            ratio = "" if ours is None else f"{(cost.wall / cost.reports) / (ours.wall / ours.reports):.2f}"
            shared = f"{cost.pss:.2f}" if cost.pss else "not readable"
            lines.append(
                f"| {way.title} | {cost.reports} | {cost.wall / cost.reports:.2f} | {cost.cpu / cost.reports:.2f} "
                f"| {ratio} | {cost.rss:.2f} | {shared} |"
            )
    if "again" in costs:
        again = costs["again"]
        lines += [
            "",
            f"The same run once more, nothing changed: {again.reports} reports in {again.wall:.2f} s in all "
            f"({again.cpu:.2f} s of CPU), process start included.",
        ]
    if ours is not None:
        lines += ["", *targets(_held(costs, ours))]
    return "\n".join(lines)


def _held(costs: dict[str, Cost], ours: Cost) -> Iterator[tuple[str, bool]]:
    each = ours.wall / ours.reports
    for name, wanted in (("loop", 8), ("commands", 12)):
        if name in costs:
            times = costs[name].wall / costs[name].reports / each
            yield f"{_LOOPS[name]}, at least {wanted} times its speed: {times:.1f} times", times >= wanted
    if "floor" in costs:
        times = each / (costs["floor"].wall / costs["floor"].reports)
        yield f"the floor, at most 1.3 times its time: {times:.2f} times", times <= 1.3
    yield f"peak memory, at most 1.5 GB resident: {ours.rss:.2f} GB", ours.rss <= 1.5
    if "again" in costs:
        yield f"nothing changed, under 2 s: {costs['again'].wall:.2f} s", costs["again"].wall < 2


def _versions() -> str:
    found = []
    for name in _VERSIONS:
        with suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    return f"Python {platform.python_version()}, {', '.join(found)}"


if __name__ == "__main__":
    main()
