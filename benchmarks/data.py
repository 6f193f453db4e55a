"""Preparing many interactions, beside a pandas groupby and plain DuckDB SQL of the same figures.

    python -m benchmarks.data [--rows 10_000_000 --rows 100_000_000] [--repeats 3] [--folder DIR] [--write]

Each measurement is a process of its own, so that its memory is its own; they take turns, and the middle one counts.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from benchmarks.document import machine, targets, write_part
from benchmarks.interactions import MONTHS, write_dataset, write_month

__all__ = ["Results", "Run", "data_section", "measure", "run_all"]

ROOT = Path(__file__).resolve().parents[1]
PANDAS_ROWS = 20_000_000
"""Rows up to which pandas is tried: beyond, it needs more memory than most machines have."""
_THRESHOLDS = {"voice": 20, "chat": 60}
_KEYS = ["partner_id", "date", "site", "channel", "product", "shift", "reason"]
_WINDOW_S = 7 * 86_400
_BETWEEN_SAMPLES_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a process and those it started took: seconds, CPU seconds, peak of their memory together and MB read."""

    wall: float
    cpu: float
    peak: float
    read: float


# What is measured, each in a process of its own


def _ours(folder: Path, out: Path) -> None:
    """Prepare the dataset: read, check, KPI table, extracts of all pages, digests."""
    from bpo_analysis import open_dataset

    os.environ["BPO_CACHE_DIR"] = str(out)
    open_dataset(folder).prepare()


def _kpi_table(folder: Path, out: Path) -> None:
    """The same without what is for pages: what the peers make, and checks."""
    from bpo_analysis import open_dataset
    from bpo_analysis.data.prepare import prepare_into

    os.environ["BPO_CACHE_DIR"] = str(out)
    dataset = open_dataset(folder)
    (out / "made").mkdir()
    prepare_into(out / "made", dataset.config, dataset.kpis, dataset.alternatives, for_pages=False)


def _sql(folder: Path, out: Path) -> None:
    """What an analyst would write: two statements over all files."""
    import duckdb

    files = f"read_parquet('{folder}/interactions/*/*.parquet')"
    keys = ", ".join(_KEYS)
    in_time = " ".join(f"WHEN '{channel}' THEN wait_s <= {limit}" for channel, limit in _THRESHOLDS.items())
    connection = duckdb.connect()
    connection.execute(f"SET temp_directory = '{out}'; SET enable_progress_bar = false")
    connection.execute(f"""
        COPY (
            WITH contacts AS (
                SELECT *, created_at::DATE AS date, coalesce(abandoned, false) AS lost, epoch(created_at) AS came,
                    epoch(lead(created_at) OVER (
                        PARTITION BY customer_key, reason, coalesce(abandoned, false)
                        ORDER BY created_at, interaction_id)) AS next
                FROM {files}
            ), ends AS (SELECT epoch(max(created_at)::DATE) + 86400 AS last FROM {files})
            SELECT {keys}, count(*) AS offered, sum((NOT lost)::INT) AS answered,
                sum((CASE channel {in_time} END AND NOT lost)::INT) AS in_time, sum(lost::INT) AS abandoned,
                sum(wait_s) FILTER (NOT lost) AS wait_s, sum(talk_s) AS talk_s, sum(hold_s) AS hold_s,
                sum(acw_s) AS acw_s, count(talk_s) AS handled, sum(transferred::INT) AS transferred,
                sum(escalated::INT) AS escalated, sum(epoch(first_reply_at) - came) AS reply_s,
                count(first_reply_at) AS replied,
                sum((next - came <= {_WINDOW_S})::INT) FILTER (NOT lost AND last - came >= {_WINDOW_S}) AS repeated,
                count(*) FILTER (NOT lost AND last - came >= {_WINDOW_S}) AS watched
            FROM contacts, ends GROUP BY ALL ORDER BY partner_id, date
        ) TO '{out}/contacts.parquet' (COMPRESSION zstd)""")
    connection.execute(f"""
        COPY (
            SELECT {keys.replace("date", "solved_at::DATE AS date")}, sum(sla_met::INT) AS sla_met,
                count(sla_met) AS sla, sum((reopens > 0)::INT) AS reopened, count(reopens) AS solved,
                sum(epoch(solved_at) - epoch(created_at)) AS solve_s
            FROM {files} WHERE solved_at IS NOT NULL GROUP BY ALL ORDER BY partner_id, date
        ) TO '{out}/solved.parquet' (COMPRESSION zstd)""")


def _pandas(folder: Path, out: Path) -> None:
    """The same in pandas, with only the columns that are needed."""
    import pandas as pd

    columns = [
        *(key for key in _KEYS if key != "date"), "interaction_id", "created_at", "customer_key", "first_reply_at",
        "solved_at", "wait_s", "talk_s", "hold_s", "acw_s", "abandoned", "transferred", "escalated", "reopens",
        "sla_met",
    ]  # fmt: skip
    rows = pd.concat(
        [pd.read_parquet(file, columns=columns) for file in sorted(folder.glob("interactions/*/*.parquet"))],
        ignore_index=True,
    )
    # Flags with missing values come as objects, which cannot be added up.
    flags = ["abandoned", "transferred", "escalated", "sla_met"]
    rows[flags] = rows[flags].astype(float)
    rows["date"] = rows["created_at"].dt.normalize()
    answered = ~rows["abandoned"].astype(bool)
    handled = rows[answered].sort_values(["customer_key", "reason", "created_at", "interaction_id"])
    came = handled["created_at"]
    following = handled.groupby(["customer_key", "reason"], sort=False)["created_at"].shift(-1)
    old_enough = rows["created_at"].max().normalize() + pd.Timedelta(days=1) - came >= pd.Timedelta(seconds=_WINDOW_S)
    rows["repeated"] = ((following - came <= pd.Timedelta(seconds=_WINDOW_S)) & old_enough).astype(float)
    rows["watched"] = old_enough.astype(float)
    rows["offered"], rows["answered"] = 1, answered
    rows["in_time"] = answered & (rows["wait_s"] <= rows["channel"].map(_THRESHOLDS))
    rows["wait_s"] = rows["wait_s"].where(answered, 0.0)
    rows["reply_s"] = (rows["first_reply_at"] - rows["created_at"]).dt.total_seconds()
    rows["replied"] = rows["first_reply_at"].notna()
    sums = [
        "offered", "answered", "in_time", "abandoned", "wait_s", "talk_s", "hold_s", "acw_s", "transferred",
        "escalated", "reply_s", "replied", "repeated", "watched",
    ]  # fmt: skip
    rows.groupby(_KEYS, dropna=False, observed=True)[sums].sum().to_parquet(out / "contacts.parquet")
    solved = rows[rows["solved_at"].notna()].assign(date=lambda frame: frame["solved_at"].dt.normalize())
    solved["solve_s"] = (solved["solved_at"] - solved["created_at"]).dt.total_seconds()
    solved["reopened"], solved["solved"] = solved["reopens"] > 0, solved["reopens"].notna()
    solved.groupby(_KEYS, dropna=False)[["sla_met", "reopened", "solved", "solve_s"]].sum().to_parquet(
        out / "solved.parquet"
    )


_WORK: Mapping[str, Callable[[Path, Path], None]] = {
    "prepare": _ours, "kpi table": _kpi_table, "sql": _sql, "pandas": _pandas,
}  # fmt: skip


def _child(work: str, folder: str, out: str) -> None:
    _WORK[work](Path(folder), Path(out))


def measure(work: str, folder: Path, out: Path) -> Run:
    """Run one piece of work in a fresh process.

    Parameters
    ----------
    work : {"prepare", "kpi table", "sql", "pandas"}
    folder : Path
        The dataset.
    out : Path
        Where the result goes.
    """
    code = f"from benchmarks.data import _child; _child({work!r}, {str(folder)!r}, {str(out)!r})"
    # As everywhere: one thread for BLAS. DuckDB and Arrow take all processors, for ours and for the peers.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stderr=said)
        peak, read = 0.0, {}
        while process.poll() is None:
            peak = max(peak, _sampled(process.pid, read))
            time.sleep(_BETWEEN_SAMPLES_S)
        wall = time.perf_counter() - start
        if process.returncode:
            said.seek(0)
            raise click.ClickException(f"{work} failed: {said.read().decode(errors='replace').strip()[-400:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall=wall, cpu=cpu, peak=peak, read=sum(read.values()))


def _sampled(root: int, read: dict[int, float]) -> float:
    """Return the memory that a process and those below it hold together, in MB, and note what each has read so far."""
    family, waiting, total = [], [root], 0.0
    while waiting:
        pid = waiting.pop()
        family.append(pid)
        with contextlib.suppress(OSError):
            waiting.extend(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    for pid in family:
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
            read[pid] = int(Path(f"/proc/{pid}/io").read_text().split()[1]) / 1e6
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What everything took at one size: rows, MB of the files, and runs by what was done."""

    rows: int
    mb: float
    runs: Mapping[str, Run]


def _middle(runs: list[Run]) -> Run:
    names = ("wall", "cpu", "peak", "read")
    return Run(**{name: statistics.median(asdict(run)[name] for run in runs) for name in names})


def run_all(rows: int, folder: Path, *, repeats: int, whole: bool = True) -> Results:
    """Write the dataset if it is not there, and measure everything on it, taking turns.

    Parameters
    ----------
    rows : int
    folder : Path
    repeats : int
        Runs of everything that is compared.
    whole : bool, default True
        Measure the whole preparation too, a new month, and a dataset in which nothing changed.
    """
    if not (folder / "dataset.toml").is_file():
        click.echo(f"writing {rows:,} interactions into {folder}", err=True)
        write_dataset(folder, rows)
    size = sum(file.stat().st_size for file in folder.glob("interactions/*/*.parquet")) / 1e6
    compared = ["kpi table", "sql", *(["pandas"] if rows <= PANDAS_ROWS else [])]
    found: dict[str, list[Run]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=folder.parent) as scratch:
        for turn in range(repeats):
            for work in compared:
                found.setdefault(work, []).append(_once(work, folder, Path(scratch) / f"{work}-{turn}", rows))
        if whole:
            known = Path(scratch) / "cache"
            found["prepare"] = [_once("prepare", folder, known, rows, keep=True)]
            found["unchanged"] = [_once("prepare", folder, known, rows, keep=True) for _ in range(repeats)]
            # The last month is written again, as the file of a new month would be.
            write_month(folder, rows, MONTHS - 1)
            found["new month"] = [_once("prepare", folder, known, rows, keep=True)]
    return Results(rows=rows, mb=size, runs={work: _middle(runs) for work, runs in found.items()})


def _once(work: str, folder: Path, out: Path, rows: int, *, keep: bool = False) -> Run:
    out.mkdir(exist_ok=True)
    run = measure(work, folder, out)
    click.echo(f"{work}, {rows:,} rows: {run}", err=True)
    if not keep:
        shutil.rmtree(out)
    return run


_NAMES = {
    "kpi table": "**KPI table**: read, checked, added up, written",
    "sql": "plain DuckDB SQL of the same figures, unchecked",
    "pandas": "pandas groupby of the same figures, unchecked",
    "prepare": "whole preparation: KPI table, extracts of all pages, digests",
    "new month": "whole preparation after a new month",
    "unchanged": "whole preparation, nothing changed",
}


def data_section(results: Sequence[Results]) -> str:
    """Return the part Data of docs/performance.md.

    Parameters
    ----------
    results : sequence of Results
    """
    rows = " ".join(f"--rows {found.rows}" for found in results)
    lines = [
        f"`python -m benchmarks.data {rows} --write`, on {machine()}. Made-up interactions of three years and 60 "
        "partners in 36 monthly Parquet files. Every line is a process of its own, start and imports included; they "
        "take turns, and the middle run counts; beyond 20 million rows there is one run. Peak memory is that of the "
        "process and those it starts together. The peers check nothing and make no extract; the line in bold is what "
        "to compare with them.",
    ]
    for found in results:
        lines += [
            "",
            f"{found.rows / 1e6:g} million interactions, {found.mb:,.0f} MB:",
            "",
            "| what | seconds | CPU seconds | peak memory, MB | read, MB | million rows a second |",
            "|---|---|---|---|---|---|",
            *(
                f"| {name} | {run.wall:,.1f} | {run.cpu:,.1f} | {run.peak:,.0f} | {run.read:,.0f} "
                f"| {found.rows / 1e6 / run.wall:,.2f} |"
                for work, name in _NAMES.items()
                if (run := found.runs.get(work))
            ),
            "",
            *targets(_held(found)),
        ]
    return "\n".join(lines)


# Peer, in words, and the largest part of its time and of its memory that ours may take.
_PEERS: Sequence[tuple[str, str, float, float]] = (
    ("sql", "plain DuckDB SQL", 1.2, float("inf")),
    ("pandas", "pandas groupby", 0.25, 1 / 3),
)


def _held(found: Results) -> Iterator[tuple[str, bool]]:
    ours = found.runs["kpi table"]
    for name, words, time_wanted, memory_wanted in _PEERS:
        peer = found.runs.get(name)
        if peer is None:
            continue
        times, memory = ours.wall / peer.wall, ours.peak / peer.peak
        cpu = ours.cpu / peer.cpu
        yield f"{words}, at most {time_wanted:g} of its time: {times:.2f} ({cpu:.2f} of CPU time)", times <= time_wanted
        if memory_wanted < 1:
            yield f"{words}, at most {memory_wanted:.2f} of its memory: {memory:.2f}", memory <= memory_wanted
    most = max(run.peak for work, run in found.runs.items() if work not in ("sql", "pandas"))
    yield f"peak memory of ours, under 4 GB: {most / 1e3:.1f} GB", most < 4000


@click.command()
@click.option(
    "--rows",
    multiple=True,
    type=int,
    default=(10_000_000,),
    show_default=True,
    help="Interactions; again for another size.",
)
@click.option("--repeats", default=3, show_default=True, help="Runs of everything that is compared; one of large ones.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where datasets are or will be; default: thrown away.")
@click.option("--compared-only", is_flag=True, help="Only what is compared: no whole preparation.")
@click.option("--write", is_flag=True, help="Write the part Data of docs/performance.md.")
def main(rows: tuple[int, ...], repeats: int, folder: Path | None, *, compared_only: bool, write: bool) -> None:
    """Measure the preparation of many interactions beside its peers."""
    scratch = Path(tempfile.mkdtemp(prefix="bpo-benchmark-"))
    try:
        place = folder or scratch
        place.mkdir(parents=True, exist_ok=True)
        found = [
            run_all(n, place / f"{n}", repeats=repeats if n <= PANDAS_ROWS else 1, whole=not compared_only)
            for n in rows
        ]
        text = data_section(found)
        click.echo(text)
        if write:
            write_part("Data", text)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
