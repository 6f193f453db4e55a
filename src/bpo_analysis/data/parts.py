"""Contacts in many files: each file is read once, checked and added up, and what is left of it is kept.

A part is one Parquet file of table interactions. Reading it gives its problems, its sums for the KPI table and the
extracts, and those of its columns that other tables ask for, in a folder of the cache that is named by the file and by
everything that decides what becomes of it. Preparing the dataset again reads the files that are new or changed. Memory
holds a few hundred thousand rows at a time, whatever the size of a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import queue
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import ibis.expr.types as ir
import numpy as np

from bpo_analysis.data.cache import part_once, tidy_parts
from bpo_analysis.data.config import DatasetConfig, TableSpec
from bpo_analysis.data.engine import workers_for
from bpo_analysis.data.fingerprint import code_fingerprint, footer_digest
from bpo_analysis.data.part_process import RemoteWorker, WorkerSpec
from bpo_analysis.data.part_worker import IDS, KEY, SUMS, TABLE, Part, PartWorker, view_of_rows
from bpo_analysis.data.partials import AHEAD
from bpo_analysis.data.places import DONE, cache_root
from bpo_analysis.data.problems import MAX_EXAMPLES, Problem, RowCount
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.validate import repeated_keys
from bpo_analysis.data.views import DIMENSIONS, UNIT_COLUMNS
from bpo_analysis.kpis import Kpi, settings_of

__all__ = ["PartReader", "PartSums", "placed", "why_whole"]

_BUCKETS = 64
_FAR = date(2100, 1, 1)
_WHOLE_RULES = ("keep_last",)
_ASKING = frozenset({"volume", "roster", "invoices", "forecasts"})
"""Other tables that decide which sums are made."""
_WORTH_A_PROCESS = 50_000_000
"""Bytes of all files from which they are read by several processes, which take a second to start."""
_T = TypeVar("_T")


def why_whole(spec: TableSpec) -> str:
    """Say why a table is read as a whole; empty where it can be read in parts."""
    if spec.name != TABLE or len(spec.files) < 2 or any(file.suffix.lower() != ".parquet" for file in spec.files):
        return "it is not table interactions in several Parquet files"
    rules = [rule.name for rule in spec.rules if rule.action in _WHOLE_RULES]
    if rules:
        return f"its rule {rules[0]!r} compares rows of different files"
    return "distinct compares rows of different files" if spec.distinct else ""


class PartReader:
    """Reads the files of table interactions.

    Parameters
    ----------
    connection : ibis DuckDB backend
        Where all parts come together.
    scratch : Path
        Where workers put what does not fit into memory.
    config : DatasetConfig
    kpis, alternatives : mapping of str to Kpi
    others : frozenset of str
        The other tables that have rows.
    has_pilots : bool
    for_pages : bool
        Make the sums that only pages ask for as well.
    """

    def __init__(
        self, connection: Any, scratch: Path, config: DatasetConfig, kpis: Mapping[str, Kpi],
        alternatives: Mapping[str, Kpi], *, others: frozenset[str], has_pilots: bool, for_pages: bool,
    ) -> None:  # fmt: skip
        self.connection, self.config = connection, config
        self.spec, self.schema = config.tables[TABLE], TABLES[TABLE]
        self.settings = settings_of(config.families)
        self.kept = self._kept(others, has_pilots=has_pilots)
        size = sum(file.stat().st_size for file in self.spec.files)
        self._workers = workers_for(len(self.spec.files)) if size > _WORTH_A_PROCESS else 1
        self._worker_spec = WorkerSpec(
            scratch=scratch, workers=self._workers, config=config, kpis=kpis, alternatives=alternatives,
            others=others & _ASKING, kept=self.kept, for_pages=for_pages,
        )  # fmt: skip
        self._idle: queue.SimpleQueue[PartWorker | RemoteWorker | None] = queue.SimpleQueue()
        self._open: list[PartWorker | RemoteWorker] = []
        for _ in range(self._workers):
            self._idle.put(None)
        self._same = self._what_decides()

    @contextlib.contextmanager
    def _worker(self) -> Iterator[PartWorker | RemoteWorker]:
        """Take a worker that has nothing to do; it is made when it is first needed."""
        worker = self._idle.get()
        try:
            if worker is None:
                worker = RemoteWorker(self._worker_spec) if self._workers > 1 else self._worker_spec.here()
                self._open.append(worker)
            yield worker
        finally:
            self._idle.put(worker)

    def _all(self, jobs: Iterable[Callable[[], _T]]) -> list[_T]:
        """Do jobs side by side; the first that fails ends them all."""
        if self._workers == 1:
            return [job() for job in jobs]
        with ThreadPoolExecutor(self._workers) as pool:
            futures = [pool.submit(job) for job in jobs]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.close()
                raise

    def close(self) -> None:
        """End the workers."""
        while self._open:
            self._open.pop().close()

    def _kept(self, others: frozenset[str], *, has_pilots: bool) -> tuple[str, ...]:
        """Return the columns that are asked for later, by other tables or by the contacts before."""
        every = tuple(self.schema.by_name)
        if has_pilots or any(kpi.source in ("contacts", TABLE, "volume") for kpi in self.config.own_kpis):
            return every
        common = ("partner_id", *DIMENSIONS, "reason")
        kept = {"customer_key", "created_at", "abandoned", *common, *(["agent_id"] if "roster" in others else [])}
        if others & {"surveys", "qa_ratings"}:
            kept |= {KEY, *common, *UNIT_COLUMNS, "handoffs"}
        if "escalations" in others:
            kept |= {KEY, "customer_key"}
        return tuple(name for name in every if name in kept)

    def _what_decides(self) -> str:
        """Return everything apart from the file that decides what becomes of it."""
        spec = self._worker_spec
        chosen = [
            replace(self.spec, files=()), self.config.families, self.config.own_kpis, self.config.timezone, spec.kept,
            sorted(spec.others), spec.kpis, spec.alternatives, spec.for_pages, duckdb.__version__, code_fingerprint(),
        ]  # fmt: skip
        return repr(chosen)

    def read(self) -> list[Part]:
        """Return every file as it was read, now or earlier.

        Raises
        ------
        DatasetError
            If a file cannot be read.
        """
        parts = self._all([partial(self._part, file) for file in self.spec.files])
        if any(part.is_new for part in parts):
            tidy_parts()
        return parts

    def _part(self, file: Path) -> Part:
        digest = hashlib.blake2b(self._same.encode(), digest_size=16)
        digest.update(str(file).encode() + footer_digest(file))
        key, made = digest.hexdigest(), []

        def make(folder: Path) -> None:
            made.append(folder)
            with self._worker() as worker:
                worker.make(folder, file)

        folder = part_once(key, make)
        stored = json.loads((folder / DONE).read_text(encoding="utf-8"))
        return Part(
            file=file, folder=folder, key=key, is_new=bool(made), rows=stored["rows"], used=stored["used"],
            counts=tuple(RowCount(**c) for c in stored["counts"]),
            problems=tuple(Problem(**p) for p in stored["problems"]), mapped=frozenset(stored["mapped"]),
            partners=tuple(stored["partners"]), is_monthly=stored["is_monthly"],
            months=tuple(month and date.fromisoformat(month) for month in stored["months"]),
            days=_span(stored["days"]), headers=frozenset(stored["headers"]),
        )  # fmt: skip

    # Keys that are there again, in one file or in two

    def repeated(self, parts: Sequence[Part]) -> list[Problem]:
        """Report keys that are there more than once; files are read again only if there are such keys."""
        files = [np.load(p.folder / IDS, mmap_mode="r") for p in parts if (p.folder / IDS).is_file()]
        wanted = np.concatenate([np.empty(0, dtype=np.uint64), *_repeated(files)])
        if not len(wanted):
            return []
        rows: defaultdict[str, list[int]] = defaultdict(list)
        before = 0
        for part, ids in zip(parts, files, strict=True):
            if np.isin(wanted, ids).any():
                with self._worker() as worker:
                    for key, row in worker.keys(part.file, wanted):
                        rows[key].append(row + before)
            before += part.rows
        again = sorted((min(r), max(r), key) for key, r in rows.items() if len(r) > 1)
        extra = sum(len(r) - 1 for r in rows.values())
        return repeated_keys(
            self.schema, (KEY,),
            [{KEY: key, "first": one, "again": two, "extra": extra} for one, two, key in again[:MAX_EXAMPLES]],
        )  # fmt: skip

    # All parts together

    def rows(self, parts: Sequence[Part]) -> ir.Table:
        """Return the columns of all contacts that were kept; any other raises an error where it is used."""
        return view_of_rows(self.connection, "rows_of_parts", list(_offsets(parts)))

    def sums(self, parts: Sequence[Part], days: tuple[date, date]) -> PartSums:
        """Return the sums of all parts; those that look ahead are made where they are not there yet.

        Parameters
        ----------
        parts : sequence of Part
        days : tuple of date
            First and last day of all of them.
        """
        folders = [(part, part.folder) for part in parts]
        if "customer_key" in parts[0].mapped:
            folders += self._ahead(parts, days)
        files: defaultdict[str, list[tuple[Sequence[date | None], Sequence[str]]]] = defaultdict(list)
        for part, folder in folders:
            for place in sorted((folder / SUMS).glob("*")):
                files[place.name].append((part.months, [str(file) for file in sorted(place.glob("*.parquet"))]))
        partials = {name: [file for _, of_part in of for file in of_part] for name, of in files.items()}
        return PartSums(
            folders=tuple(folder for _, folder in folders), files=files,
            partials={name: self.connection.read_parquet(of) for name, of in partials.items()},
        )  # fmt: skip

    def written(self, pieces: Iterable[Sequence[str]]) -> list[Path]:
        """Return the folders in which statements have written their files, now or earlier.

        Parameters
        ----------
        pieces : iterable of sequence of str
            Statements of one folder each, about files that never change.
        """
        jobs, here = [], str(cache_root())
        for statements in pieces:
            # Parts are known by their names: a cache that was moved is as good as before.
            said = repr([self._same, *(statement.replace(here, "") for statement in statements)])
            key = hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
            jobs.append(partial(part_once, key, partial(self._write, statements)))
        return self._all(jobs)

    def _write(self, statements: Sequence[str], folder: Path) -> None:
        with self._worker() as worker:
            worker.write(folder, statements)

    def _ahead(self, parts: Sequence[Part], days: tuple[date, date]) -> list[tuple[Part, Path]]:
        """Make the sums of each part that depend on the parts after it."""
        spec = self._worker_spec
        asked = [sums for sums in AHEAD if sums.is_asked_for(spec.others, for_pages=spec.for_pages)]
        window = int(float(self.settings["window_days"]))  # type: ignore[arg-type]
        horizon = timedelta(days=max([window, *(sums.ahead_days for sums in asked)]) + 1)
        offsets = {part.key: offset for part, offset in _offsets(parts)}
        jobs = []
        dated = [part for part in parts if part.days is not None]
        for part in dated:
            assert part.days is not None
            first, last = part.days[0], part.days[1] + horizon
            after = [p for p in parts if p is not part and p.days and p.days[0] < last and p.days[1] >= first]
            # Contacts older than the horizon are old enough, whenever the export ends.
            end = days[1] if days[1] < last else _FAR
            order = [(p.key, offsets[p.key] > offsets[part.key]) for p in after]
            key = hashlib.blake2b(repr([part.key, order, end]).encode(), digest_size=16).hexdigest()
            where = f"created_at >= DATE '{first}' AND created_at < DATE '{last}'" if after else "false"
            others = [(p, offsets[p.key]) for p in after or [part]]
            job = partial(self._make_ahead, (part, offsets[part.key]), others, where, end)
            jobs.append(partial(part_once, key, job))
        return list(zip(dated, self._all(jobs), strict=True))

    def _make_ahead(self, own: Any, others: Any, where: str, end: date, folder: Path) -> None:
        with self._worker() as worker:
            worker.make_ahead(folder, own, others, where, end)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSums:
    """The sums of all parts.

    Attributes
    ----------
    folders : tuple of Path
        Each with a piece of the KPI table, or none.
    partials : mapping of str to ibis Table
        Those of ``data/partials.py``, not yet added up over the parts.
    files : mapping of str to sequence of (months, files)
        The files of these sums that each part has left, and the months of its contacts.
    """

    folders: tuple[Path, ...]
    partials: Mapping[str, ir.Table]
    files: Mapping[str, Sequence[tuple[Sequence[date | None], Sequence[str]]]]


def _span(days: Sequence[str]) -> tuple[date, date] | None:
    return (date.fromisoformat(days[0]), date.fromisoformat(days[1])) if days else None


def placed(problems: Iterable[Problem], offset: int) -> list[Problem]:
    """Count the rows of problems through all files."""
    return [p if p.row is None else replace(p, row=p.row + offset) for p in problems]


def _offsets(parts: Iterable[Part]) -> Iterator[tuple[Part, int]]:
    before = 0
    for part in parts:
        yield part, before
        before += part.rows


def _repeated(files: Sequence[Any]) -> Iterator[Any]:
    """Yield what is there more than once in sorted arrays of numbers, from the smallest numbers on."""
    step = 2**64 // _BUCKETS
    for bucket in range(_BUCKETS):
        edges = np.array([bucket * step, min((bucket + 1) * step, 2**64 - 1)], dtype=np.uint64)
        last = bucket == _BUCKETS - 1
        pieces = []
        for ids in files:
            start, end = np.searchsorted(ids, edges[0]), len(ids) if last else np.searchsorted(ids, edges[1])
            pieces.append(np.array(ids[start:end]))
        together = np.sort(np.concatenate(pieces)) if pieces else np.empty(0, dtype=np.uint64)
        yield np.unique(together[1:][together[1:] == together[:-1]])
