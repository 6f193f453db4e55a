"""A dataset: a folder of tables and a ``dataset.toml``, read and checked once, then served from its KPI table.

``open_dataset`` reads only the configuration. ``Dataset.prepare`` reads every table, applies the named rules, checks
everything and writes the KPI table and the registers to a cache folder that carries the fingerprint of the data; every
report then reads only its own slice from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bpo_analysis.data.authored import authored_problems
from bpo_analysis.data.cache import Prepared, load, made_once
from bpo_analysis.data.config import FILE_NAME, DatasetConfig, read_config, table_files
from bpo_analysis.data.extracts import EXTRACTS, Extract, rows_in_order
from bpo_analysis.data.extracts import FOLDER as EXTRACT_FOLDER
from bpo_analysis.data.fingerprint import Known, code_fingerprint, file_digest, footer_digest, remember, seen_files
from bpo_analysis.data.kpi_slice import KpiSlice
from bpo_analysis.data.kpi_table import FOLDER as KPI_FOLDER
from bpo_analysis.data.kpi_table import kpi_rows
from bpo_analysis.data.overview import Overview, find_folder, read_overview
from bpo_analysis.data.parquet import as_text, rows_inside, where_text
from bpo_analysis.data.parts import why_whole
from bpo_analysis.data.pilots.file import FOLDER as PILOTS
from bpo_analysis.data.pilots.file import frozen_text, pilot_files, read_pilot
from bpo_analysis.data.pilots.findings import read_arm_days
from bpo_analysis.data.pilots.fitness import PilotFindings
from bpo_analysis.data.pilots.rows import HIRED, ROWS
from bpo_analysis.data.pilots.spec import PilotSpec
from bpo_analysis.data.pilots.units import assignments, no_units
from bpo_analysis.data.prepare import prepare_into
from bpo_analysis.data.problems import CheckResult, Problem
from bpo_analysis.data.reads import EVERYONE, Read, note_read, unseen
from bpo_analysis.data.rollups import FOLDER as ROLLUPS
from bpo_analysis.data.rollups import added_up, kept, rows_over
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.sources import source_state
from bpo_analysis.data.targets import Target, read_targets
from bpo_analysis.errors import DatasetError, DataValidationError, PilotError, UnknownNameError
from bpo_analysis.formats import plural
from bpo_analysis.kpis import Kpi, catalogue
from bpo_analysis.periods import DataGrain, PeriodGrain, ReportPeriod

__all__ = ["Dataset", "open_dataset"]


class Dataset:
    """A dataset folder. Made by :func:`open_dataset`.

    Attributes
    ----------
    path : Path
        The folder.
    config : DatasetConfig
        What ``dataset.toml`` says.
    kpis, alternatives : dict of str to Kpi
        The catalogue with this dataset's variants; second readings of families that name one.
    """

    def __init__(self, path: Path, config: DatasetConfig, *, until: date | None = None) -> None:
        self.path, self.config, self._until = path, config, until
        self._frames: dict[tuple[str | None, ...], pd.DataFrame] = {}
        self.kpis, self.alternatives = catalogue(config.families, config.own_kpis)

    def __repr__(self) -> str:
        return f"Dataset({str(self.path)!r})"

    @property
    def name(self) -> str:
        """Short name."""
        return self.config.name

    @property
    def title(self) -> str:
        """Title as printed."""
        return self.config.title

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the configuration and the content of every file read: same fingerprint, same figures.

        For tables of a source, of what it says about its state: see ``[source]`` in docs/datasets.md.
        """
        digest = hashlib.blake2b(digest_size=16)
        # Files that are not read are named in the check, where their name is nearly that of a table.
        digest.update("/".join(file.name for file in table_files(self.path)).encode())
        seen, found = seen_files(self.path), {}
        in_parts = {f for spec in self.config.tables.values() if not why_whole(spec) for f in spec.files}
        for file in [self.path / FILE_NAME, *(f for spec in self.config.tables.values() for f in spec.files)]:
            digest.update(file.relative_to(self.path).as_posix().encode() if file.is_relative_to(self.path) else b"")
            # A file that is read in parts is read once: its content is not hashed before.
            found[file] = footer_digest(file) if file in in_parts else file_digest(file, seen)
            digest.update(found[file])
        for file in pilot_files(self.path):  # neither registrations nor decision logs change a figure
            digest.update(file.name.encode())
            found[file] = file_digest(file, seen)
            with unseen():
                digest.update(frozen_text(file))
        if self.config.source:  # its rows can change while no file does, so nothing is remembered of it
            digest.update(source_state(self.config).encode())
            return digest.hexdigest()
        known = Known(name=self.name, title=self.title, fingerprint=digest.hexdigest())
        remember(self.path, known, found)
        return known.fingerprint

    def check(self) -> CheckResult:
        """Read and check every table; report all problems and the row accounting, and raise for none of them."""
        return self._prepared.check

    def prepare(self) -> Dataset:
        """Make sure the KPI table is there.

        Raises
        ------
        DataValidationError
            If the data break a rule that must hold.
        """
        check = self.check()
        if not check.ok:
            errors = [p for p in check.found if p.severity == "error"]
            raise DataValidationError(
                f"The data in {self.path} have {plural(len(errors), 'error')}. First: {_in_words(errors[0])} "
                f"Run 'bpo check {self.path}' for all of them.",
                check.problems,
            )
        return self

    @property
    def partners(self) -> pd.DataFrame:
        """One row per partner: partner_id, name, kind and the other columns of the table."""
        return self._prepared.partners

    @property
    def span(self) -> tuple[date, date]:
        """First and last day the export covers (:meth:`as_of`: is read), days that a rule took out included."""
        self._note("span", until=self._until)
        first, last = self._prepared.first_day, self._prepared.last_day
        return first, min(last, self._until or last)

    @property
    def exported_until(self) -> date:
        """Last day the export covers, however much of it is read."""
        self._note("span")
        return self._prepared.last_day

    @property
    def grain(self) -> DataGrain:
        """Finest period the volume is given in."""
        return self._prepared.grain

    @property
    def unavailable(self) -> dict[str, str]:
        """KPIs that these tables cannot carry, with the reason."""
        return self._prepared.unavailable

    @cached_property
    def overview(self) -> Overview:
        """What a run needs to know of the dataset: partners, days with data, digests of its parts."""
        self.prepare()
        return read_overview(self.path, self._folder, name=self.name, title=self.title, fingerprint=self.fingerprint)

    def as_of(self, day: date) -> Dataset:
        """Return the dataset as it is read for a period that ends on a day: without what lies after it.

        The KPI table and extracts by day end there, and so does :attr:`span`. Registers are whole: a row has many days.
        """
        cut = Dataset(self.path, self.config, until=day)
        for name in ("fingerprint", "_folder", "_prepared", "overview"):
            if name in self.__dict__:
                cut.__dict__[name] = self.__dict__[name]
        return cut

    def find_partner(self, text: str) -> str:
        """Return the partner_id for an id or a name.

        Raises
        ------
        UnknownNameError
            If there is no such partner.
        DatasetError
            If several partners have this name.
        """
        return self.overview.find_partner(text)

    def period(self, text: str = "", *, grain: PeriodGrain = "month") -> ReportPeriod:
        """Read a period; without one, take the last month (day, week, quarter) that the data cover completely.

        Parameters, errors: as :meth:`Overview.period`.
        """
        return self.overview.period(text, grain=grain)

    def find_kpi(self, name: str) -> Kpi:
        """Return a KPI of this dataset by name.

        Raises
        ------
        UnknownNameError
            If there is no such KPI.
        """
        known = self.kpis | self.alternatives
        if name not in known:
            raise UnknownNameError("KPI", name, known)
        return known[name]

    def kpi_rows(self, *, partner_id: str | None = None, kpi: str | None = None) -> pd.DataFrame:
        """Return the KPI table, or the slice of one partner or KPI.

        Returns
        -------
        DataFrame
            Columns kpi, partner_id, date, site, channel, product, shift, category, numerator, denominator.
        """
        self.prepare()
        if partner_id is None and kpi is not None:
            self._note("kpis/kpi", kpi, until=self._until)
        else:
            self._note("kpis/partner", partner_id or EVERYONE, until=self._until)
        return self._once(("kpis", partner_id, kpi), lambda: self._read_kpis(partner_id, kpi))

    def _note(self, source: str, name: str = "", *, until: date | None = None) -> None:
        note_read(self.path, Read(source, name, str(until or "")))

    def _once(self, key: tuple[str | None, ...], read: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Read a table once; a caller that adds a column to it must not change what the next one gets."""
        if key not in self._frames:
            self._frames[key] = read()
        return self._frames[key].copy(deep=False)

    def _read_kpis(self, partner_id: str | None, kpi: str | None) -> pd.DataFrame:
        frame = kpi_rows(self._folder / KPI_FOLDER, partner_id=partner_id, kpi=kpi, until=self._until).to_pandas()
        frame["date"] = pd.to_datetime(frame["date"])
        return frame

    def kpi_sums(
        self, kpi: str, by: Sequence[str], start: date, end: date, *, partners: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Return the sums of a KPI over all partners, by columns of the KPI table or by month.

        Parameters
        ----------
        kpi : str
        by : sequence of str
        start, end : date
            Both included.
        partners : sequence of str
            Only these; default: all.

        Returns
        -------
        DataFrame
            Columns of ``by``, numerator and denominator, sorted by ``by``.
        """
        self.prepare()
        name = self.find_kpi(kpi).name
        end = min(end, self._until or end)
        self._note("kpis/kpi", name, until=end)
        key = "sums", name, *by, str(start), str(end), *partners
        return self._once(key, lambda: self._sum(name, by, start, end, partners))

    def _sum(self, kpi: str, by: Sequence[str], start: date, end: date, partners: Sequence[str]) -> pd.DataFrame:
        folder = self._folder / ROLLUPS
        # Of named partners the sums are taken out of everyone's, for which the page of the next partner asks again.
        everyone = by if not partners or "partner_id" in by else ("partner_id", *by)

        def answer() -> pa.Table:
            rows = rows_over(folder, kpi, everyone, start, end)
            if rows is None:
                rows = kpi_rows(self._folder / KPI_FOLDER, kpi=kpi, until=end)
                rows = rows.filter(pc.greater_equal(rows["date"], start))
            return added_up(rows, everyone)

        sums = kept(folder, (kpi, *everyone, str(start), str(end)), answer)
        if partners:
            chosen = pa.array(partners)
            sums = sums.filter(where_text(sums["partner_id"], lambda names: pc.is_in(names, chosen)))
        if everyone != by:
            sums = added_up(sums, by)
        # Texts as texts: a categorical column would answer other questions differently.
        return pa.table({name: as_text(sums[name]) for name in sums.column_names}).to_pandas()

    def kpi_slice(self, partner_id: str) -> KpiSlice:
        """Return one partner's part of the KPI table in arrays."""
        self.prepare()
        self._note("kpis/partner", partner_id, until=self._until)
        folder = self._folder / KPI_FOLDER
        return KpiSlice(kpi_rows(folder, partner_id=partner_id, until=self._until, dictionaries=True))

    def weekly(self, *, kpi: str | None = None, partner_id: str | None = None) -> pd.DataFrame:
        """Return pooled weekly values: of one KPI for every partner, or of every KPI for one partner.

        Parameters
        ----------
        kpi : str, optional
            Name of a KPI: the columns are partners.
        partner_id : str, optional
            A partner: the columns are KPIs.

        Returns
        -------
        DataFrame
            Indexed by the Monday of each whole week the export covers; NaN where there is no row. Values are sums over
            sums, in the KPI's unit.

        Raises
        ------
        ValueError
            Unless exactly one of both is given.
        """
        if (kpi is None) == (partner_id is None):
            raise ValueError("weekly needs either kpi (columns are partners) or partner_id (columns are KPIs).")
        rows = self.kpi_rows(kpi=self.find_kpi(kpi).name if kpi else None, partner_id=partner_id)
        monday = (rows["date"] - pd.to_timedelta(rows["date"].dt.day_of_week, unit="D")).rename("week")
        by = "partner_id" if kpi else "kpi"
        sums = rows.groupby([monday, rows[by]])[["numerator", "denominator"]].sum().unstack(by)
        first, last = (pd.Timestamp(day) for day in self.span)
        whole = pd.date_range(first + pd.Timedelta(days=(7 - first.weekday()) % 7), last, freq="W-MON")
        sums = sums.reindex(whole[whole + pd.Timedelta(days=6) <= last]).rename_axis("week")
        columns = sums["numerator"].columns
        kpis = {name: self.find_kpi(kpi or str(name)) for name in columns}
        return pd.DataFrame({name: _pooled(sums.xs(name, axis=1, level=1), kpis[name]) for name in columns})

    def register(self, table: str, *, partner_id: str | None = None) -> pd.DataFrame | None:
        """Return the rows of a register (targets, actions, events ...), or None where the dataset does not have it.

        Parameters
        ----------
        table : str
            Name of a register of the schema.
        partner_id : str, optional
            Only rows of this partner and rows that concern all partners.
        """
        if table not in TABLES or TABLES[table].kind != "register":
            raise UnknownNameError("register", table, [t.name for t in TABLES.values() if t.kind == "register"])
        self.prepare()
        self._note(f"register/{table}", partner_id or EVERYONE)
        file = self._folder / f"{table}.parquet"
        if not file.is_file():
            return None
        return self._once((table, partner_id), lambda: self._read_register(file, partner_id))

    def _read_register(self, file: Path, partner_id: str | None) -> pd.DataFrame:
        table = pq.ParquetFile(file).read(use_threads=False)
        if partner_id is not None and "partner_id" in table.column_names:
            # Rows without a partner concern all of them.
            partners = table["partner_id"]
            table = table.filter(pc.or_kleene(pc.is_null(partners), pc.equal(partners, partner_id)))
        return table.to_pandas()

    def extract(self, name: str, *, partner_id: str | None = None) -> pd.DataFrame | None:
        """Return an extract of the facts (``data/extracts``), or None where the tables do not allow it.

        Parameters
        ----------
        name : str
            Name of an extract; :meth:`why_no_extract` says what a missing one lacks.
        partner_id : str, optional
            Only rows of this partner, where the extract has partners.

        Raises
        ------
        UnknownNameError
            If there is no such extract.
        """
        if name not in EXTRACTS:
            raise UnknownNameError("extract", name, EXTRACTS)
        self.prepare()
        self._note(f"extract/{name}", partner_id or EVERYONE, until=self._until)
        place = self._folder / EXTRACT_FOLDER
        # Contacts in parts leave a file for each month.
        files = [file for file in (place / f"{name}.parquet",) if file.is_file()]
        files += sorted((place / name).glob("*.parquet"))
        if not files:
            return None
        return self._once(
            (EXTRACT_FOLDER, name, partner_id), lambda: _read_extract(files, EXTRACTS[name], partner_id, self._until)
        )

    def why_no_extract(self, name: str) -> str:
        """Say which table or column a missing extract lacks."""
        return EXTRACTS[name].lacking(self._prepared.mapped)

    def targets(self) -> list[Target]:
        """Return all targets as numbers."""
        rows = self.register("targets")
        return [] if rows is None else read_targets(rows, self.kpis)[0]

    @property
    def pilots(self) -> dict[str, PilotSpec]:
        """The pilots of this dataset by id, read from ``pilots/*.toml`` and checked against the tables.

        Raises
        ------
        PilotError
            If one of them has problems; it lists those of all. :meth:`find_pilot` gives one that is sound.
        """
        bad = [found for found in self._pilots.values() if isinstance(found, PilotError)]
        if len(bad) == 1:
            raise bad[0]
        if bad:
            raise PilotError(str(self.path / PILOTS), [f"{e.place} {p}" for e in bad for p in e.problems])
        return {name: found for name, found in self._pilots.items() if isinstance(found, PilotSpec)}

    def find_pilot(self, text: str = "") -> PilotSpec:
        """Return a pilot by its id or title; without a text, the only one there is.

        Raises
        ------
        PilotError
            If that pilot has problems.
        DatasetError
            If the dataset has no pilots, or several and none is named.
        UnknownNameError
            If there is no such pilot.
        """
        known = self._pilots
        if not known:
            raise DatasetError(f"{self.path} has no pilots. Write one in {PILOTS}/<id>.toml (docs/pilots.md).")
        wanted = text.strip().casefold()
        if not wanted and len(known) > 1:
            raise DatasetError(f"{self.path} has {len(known)} pilots. Name one of them: {', '.join(known)}.")
        titles = {name: found.title for name, found in known.items() if isinstance(found, PilotSpec)}
        for name, found in known.items():
            if not wanted or wanted in (name.casefold(), titles.get(name, name).casefold()):
                if isinstance(found, PilotError):
                    raise found
                return found
        raise UnknownNameError("pilot", text, dict.fromkeys([*known, *titles.values()]))

    def pilot_problems(self) -> dict[str, PilotSpec | PilotError]:
        """Return every pilot file of the dataset by id: as it was read, or with what is wrong with it."""
        return dict(self._pilots)

    def pilot_findings(self, pilot_id: str) -> PilotFindings:
        """Return what is wrong with a pilot that can be read: what keeps it from being judged, and what is remarkable.

        Raises
        ------
        PilotError, UnknownNameError
            As :meth:`find_pilot`.
        """
        spec = self.find_pilot(pilot_id)
        self._note("pilot", spec.id)
        return self._prepared.pilots[spec.id]

    def authored_problems(self) -> list[str]:
        """Return what is wrong with the notes and packages beside the tables, each with its file and line."""
        return authored_problems(self.path, [str(name) for name in self.partners["partner_id"]])

    def pilot_rows(self, pilot_id: str) -> pd.DataFrame:
        """Return the sums of a pilot's metrics per unit, day and slice.

        Returns
        -------
        DataFrame
            Columns kpi, partner_id, unit, date, site, channel, product, shift, category, numerator, denominator,
            squares: all rows in the pilot's scope of the partners concerned, for all days of the export. ``unit`` is
            missing for rows that no unit is known of. ``squares`` is the sum of the squared single values (numerators
            where the denominator is 1), unscaled like numerator and denominator, and NaN for a KPI with a row that is a
            sum itself.
        """
        spec = self.find_pilot(pilot_id)
        self._note("pilot", spec.id)
        frame = pd.read_parquet(self._folder / PILOTS / f"{spec.id}.{ROWS}.parquet")
        frame["date"] = pd.to_datetime(frame["date"])
        return frame

    def pilot_hire_dates(self, pilot_id: str) -> dict[str, date]:
        """Return the hire date of every agent of the partners a pilot concerns; empty without roster or agents."""
        spec = self.find_pilot(pilot_id)
        self._note("pilot", spec.id)
        file = self._folder / PILOTS / f"{spec.id}.{HIRED}.parquet"
        if not file.is_file():
            return {}
        frame = pd.read_parquet(file)
        return {str(unit): pd.Timestamp(day).date() for unit, day in zip(frame["unit"], frame["hired"], strict=True)}

    def pilot_assignments(self, pilot_id: str) -> pd.DataFrame:
        """Return which unit was assigned to which arm of a pilot, one row per unit and spell.

        Returns
        -------
        DataFrame
            Columns unit, arm, valid_from, valid_to, partner_id: from table ``pilot_units``, or from the conditions of
            ``[arms.*]``. NaT: from the start, to the end. By a condition a unit is on each day in the arm most of its
            rows belong to; it has further spells where that changes during the pilot.
        """
        spec = self.find_pilot(pilot_id)
        self._note("pilot", spec.id)
        return self._assignments(spec).copy()

    def _assignments(self, spec: PilotSpec) -> pd.DataFrame:
        return assignments(spec, self._assigned, read_arm_days(self._folder / PILOTS, spec.id))

    @cached_property
    def _assigned(self) -> pd.DataFrame:
        rows = self.register("pilot_units")
        return no_units() if rows is None else rows

    @cached_property
    def _pilots(self) -> dict[str, PilotSpec | PilotError]:
        self.prepare()
        # Registrations and decision logs stand on pages too.
        self._note("files", f"{PILOTS}/*")
        found: dict[str, PilotSpec | PilotError] = {}
        for file in pilot_files(self.path):
            try:
                spec = read_pilot(file, self.kpis | self.alternatives, self.partners, self._assigned)
            except PilotError as error:
                found[file.stem] = error
                continue
            faults = self._prepared.pilots[spec.id].faults
            found[spec.id] = PilotError(str(file), faults) if faults else spec
        return found

    @cached_property
    def _folder(self) -> Path:
        key = f"{self.fingerprint}-{code_fingerprint()}"
        with unseen():
            return made_once(key, lambda folder: prepare_into(folder, self.config, self.kpis, self.alternatives))

    @cached_property
    def _prepared(self) -> Prepared:
        return load(self._folder)


def open_dataset(path: str | Path) -> Dataset:
    """Open a dataset folder.

    Parameters
    ----------
    path : str or Path
        The folder that holds ``dataset.toml``. A relative path is looked up in the working directory and, so that a
        notebook finds the data of its project, in the directories above it.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If there is no such folder or its ``dataset.toml`` cannot be read.
    UnknownNameError
        If ``dataset.toml`` names a table, KPI family or variant that does not exist.
    """
    folder = find_folder(path)
    with unseen():
        return Dataset(folder, read_config(folder))


def _read_extract(files: Sequence[Path], extract: Extract, partner_id: str | None, until: date | None) -> pd.DataFrame:
    schema = pq.read_schema(files[0])
    inside: dict[str, tuple[object, object]] = {}
    if partner_id is not None and "partner_id" in schema.names:
        inside["partner_id"] = partner_id, partner_id
    if until is not None and "date" in schema.names:
        is_day = pa.types.is_date(schema.field("date").type)
        inside["date"] = None, until if is_day else pd.Timestamp(until)
    # Whether a column may lack values is said of each file.
    rows = pa.concat_tables([rows_inside(file, inside) for file in files], promote_options="default")
    # Months follow each other as the rows of one partner do, where these are sorted by day.
    if len(files) > 1 and (partner_id is None or extract.order[:2] != ("partner_id", extract.by_month)):
        rows = rows.sort_by([(name, "ascending") for name in rows_in_order(extract, rows.column_names)])
    return rows.to_pandas()


def _pooled(sums: pd.DataFrame, kpi: Kpi) -> pd.Series:
    """Value of each period from its sums; NaN where there is nothing to divide by."""
    if kpi.pooling == "total":
        return sums["numerator"]
    return kpi.scale * sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)


def _in_words(problem: Problem) -> str:
    row = f", row {problem.row}" if problem.row else ""
    column = f", column {problem.column}" if problem.column else ""
    value = f" (value {problem.value!r})" if problem.value else ""
    place = f"table {problem.table}{row}{column}" if problem.table else FILE_NAME
    return f"{place}: {problem.rule}{value}. {problem.remedy[0].upper()}{problem.remedy[1:]}."
