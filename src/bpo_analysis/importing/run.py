"""One import: read every file, fill the tables, put rows without a partner aside, write all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import pandas as pd

from bpo_analysis.data.dataset import open_dataset
from bpo_analysis.data.schema import TABLES, Table
from bpo_analysis.errors import BpoAnalysisError, DatasetError, ParameterError
from bpo_analysis.formats import plural
from bpo_analysis.importing.accounting import FileAccount, advice, log_row
from bpo_analysis.importing.convert import SOURCE_PREFIX, Converted, Settings, convert
from bpo_analysis.importing.exports import Export, read_export
from bpo_analysis.importing.folder import Folder
from bpo_analysis.importing.headers import known_headers, match_columns
from bpo_analysis.importing.merge import IMPORTED_WITH, merge, without_keys, without_repeats
from bpo_analysis.importing.partners import MAP_FILE, read_partner_map
from bpo_analysis.importing.parts import join_parts
from bpo_analysis.importing.privacy import SALT_FILE, read_salt
from bpo_analysis.importing.profile import GENERIC, DateOrder, Profile, known_zone, load_profile, own_columns

__all__ = ["ImportOptions", "ImportResult", "describe_dataset", "import_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What an import is told besides its profile and files.

    Attributes
    ----------
    timezone : str
        Zone of times in the export that have none.
    dataset_timezone : str
        Zone of a new dataset; by default that of the export.
    order : {"", "day-first", "month-first"}
    partner : str
        The partner that all rows belong to.
    partner_map : Path, optional
        Rules that say whose rows are whose; by default ``partners-map.toml`` in the dataset folder.
    exported_on : datetime, optional
        When the files were exported, by the clock of the dataset; by default when they were last changed.
    table : str
        Table that the generic profile fills; by default the one the file is named after.
    threshold_s : float, optional
        Which service-level threshold is meant, where the export has several.
    id_prefix : str
        Put before the numbers of contacts, surveys and evaluations.
    hash_agents : bool
    """

    timezone: str = ""
    dataset_timezone: str = ""
    order: DateOrder = ""
    partner: str = ""
    partner_map: Path | None = None
    exported_on: datetime | None = None
    table: str = ""
    threshold_s: float | None = None
    id_prefix: str = ""
    hash_agents: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import did: the account of each file, what the user must know, and how many rows are used."""

    accounts: tuple[FileAccount, ...]
    messages: tuple[str, ...] = field(default=())
    used: int = 0


def import_files(profile: str, files: Sequence[Path], into: Path, options: ImportOptions | None = None) -> ImportResult:
    """Import exports of one system into a dataset folder.

    Parameters
    ----------
    profile : str
        Name of a profile, or path of a TOML file with one's own.
    files : sequence of Path
    into : Path
        The dataset folder; made where it is not there.
    options : ImportOptions, optional

    Returns
    -------
    ImportResult

    Raises
    ------
    BpoAnalysisError
        If something cannot be read or is not known; the folder is then as it was.
    """
    options = options or ImportOptions()
    chosen = load_profile(profile)
    folder = Folder(into)
    for name in (options.timezone, options.dataset_timezone):
        if name:
            known_zone(name, "Time zone")
    zone = folder.zone(options.dataset_timezone, options.timezone or chosen.timezone)
    loads = _read(chosen, files, options)
    return _Import(folder, zone, options, loads).run()


@dataclass(frozen=True, slots=True)
class _Load:
    profile: Profile
    export: Export
    parts: tuple[Export, ...]


def _read(profile: Profile, files: Sequence[Path], options: ImportOptions) -> list[_Load]:
    if profile.parts:
        export, parts = join_parts(profile, files)
        return [_Load(profile, export, parts)]
    loads = []
    for file in files:
        own = _for_table(profile, file, options.table)
        export = read_export(file, partial(known_headers, own))
        loads.append(_Load(own, export, (export,)))
    return loads


def _for_table(profile: Profile, file: Path, table: str) -> Profile:
    if profile.tables:
        if table:
            raise ParameterError(
                f"Profile {profile.name!r} says which tables it fills; --table is for {GENERIC!r} only."
            )
        return profile
    name = table or file.name.split(".")[0]
    if not table and name not in TABLES:
        raise ParameterError(
            f"{file.name} is not named after a table ('bpo tables' lists them). Say which it is: --table interactions."
        )
    return own_columns(profile, name)


class _Import:
    def __init__(self, folder: Folder, zone: str, options: ImportOptions, loads: Sequence[_Load]) -> None:
        self.folder, self.zone, self.options, self.loads = folder, zone, options, loads
        self.map_file = options.partner_map or folder.path / MAP_FILE
        self.messages: list[str] = []
        self.threshold_s: float | None = None

    def run(self) -> ImportResult:
        there = self.folder.path.is_dir()
        self.folder.create()
        salt, made = read_salt(self.folder.path)
        try:
            accounts = self._fill(salt)
        except BaseException:
            self._undo(there=there, made=made)
            raise
        if made:
            self.messages.append(
                f"{self.folder.path / SALT_FILE} is the key that customers are hashed with. Keep a copy where only you "
                "can read it, and do not commit it or send it with the data; .gitignore names it."
            )
        told = advice(accounts, str(self.map_file))
        self.messages.extend([told] if told else [])
        used = sum(part.used for account in accounts for part in account.tables.values())
        return ImportResult(accounts=tuple(accounts), messages=tuple(self.messages), used=used)

    def _undo(self, *, there: bool, made: bool) -> None:
        if made:
            (self.folder.path / SALT_FILE).unlink(missing_ok=True)
        if not there:
            with suppress(OSError):  # a file of another program is in it by now
                self.folder.path.rmdir()

    def _fill(self, salt: bytes) -> list[FileAccount]:
        options = self.options
        rules = {"partners": (), "raters": ()} if not self._has_map() else {
            "partners": read_partner_map(self.map_file),
            "raters": read_partner_map(self.map_file, section="raters", names="rater_org"),
        }  # fmt: skip
        settings = Settings(
            days=self.zone, salt=salt, exported_on=pd.Timestamp(0, tz="UTC"), timezone=options.timezone,
            order=options.order, partner=options.partner, partners=rules["partners"], raters=rules["raters"],
            hash_agents=options.hash_agents, id_prefix=options.id_prefix,
        )  # fmt: skip
        accounts, partners = (
            [],
            [rule.value for rule in rules["partners"]] if not options.partner else [options.partner],
        )
        for load in self.loads:
            exported = self._exported_on(load.parts)
            account = self._account(load, exported)
            matched = match_columns(load.profile, load.export, threshold_s=options.threshold_s)
            self.threshold_s = matched.threshold_s or self.threshold_s
            account.found = dict(matched.columns)
            account.not_found, account.ignored = matched.not_found, matched.ignored
            account.notes.extend(matched.notes)
            free = {header.casefold() for header in load.profile.free_text}
            account.free_text = tuple(name for name in account.ignored if name.casefold() in free)
            account.ignored = tuple(name for name in account.ignored if name.casefold() not in free)
            converted = convert(
                load.profile, load.export.rows, matched, replace(settings, exported_on=exported), account
            )
            for table, rows in converted.items():
                self._put(TABLES[table], rows, account, load.profile.name)
                if "partner_id" in rows.rows and load.profile.name == GENERIC:
                    partners.extend(rows.rows["partner_id"].dropna().unique())
            accounts.append(account)
        self._finish(accounts, partners)
        return accounts

    def _has_map(self) -> bool:
        if self.options.partner_map is not None and not self.map_file.is_file():
            raise DatasetError(f"There is no partner map {self.map_file}.")
        return self.map_file.is_file()

    def _exported_on(self, parts: Sequence[Export]) -> pd.Timestamp:
        given = self.options.exported_on
        if given is not None:
            return pd.Timestamp(given).tz_localize(self.zone, ambiguous=True, nonexistent="shift_forward")
        return pd.Timestamp(max(part.file.stat().st_mtime for part in parts), unit="s", tz=self.zone).floor("s")

    def _account(self, load: _Load, exported: pd.Timestamp) -> FileAccount:
        export, parts = load.export, load.parts
        account = FileAccount(
            file=", ".join(part.file.name for part in parts), profile=load.profile.name,
            form="; ".join(dict.fromkeys(part.form for part in parts)), read=len(export.rows) + export.misfits,
            above=sum(part.above for part in parts), below=sum(part.below for part in parts),
            exported=f"{exported.tz_convert(self.zone):%Y-%m-%d %H:%M:%S}"
            + ("" if self.options.exported_on is not None else ", when the file was last changed"),
        )  # fmt: skip
        if export.misfits:
            account.dropped["another number of fields than the header"] = export.misfits
        account.notes.extend(note for part in {id(e): e for e in (*parts, export)}.values() for note in part.notes)
        account.notes.extend(load.profile.remarks)
        return account

    def _put(self, schema: Table, converted: Converted, account: FileAccount, profile: str) -> None:
        name, part = schema.name, account.tables[schema.name]
        rows = without_repeats(converted.rows, schema, part, where=account.file).assign(**{IMPORTED_WITH: profile})
        part.used = len(rows)
        old, waiting = self.folder.read(name), self.folder.read_unmatched(name)
        where = f"{account.file}, table {name}"
        merged = _filled(merge(old, rows, schema.key, part, where=where), old)
        if len(merged):
            self.folder.put(name, merged)
        apart = [key for key in schema.key if key != "partner_id"]
        self._tell_moved(schema, old, converted, account)
        unmatched = converted.unmatched.assign(**{IMPORTED_WITH: profile})
        sources = [str(column) for column in unmatched if str(column).startswith(SOURCE_PREFIX)]
        by = [*apart, *(sources if "partner_id" in schema.key else [])]
        waiting = without_keys(waiting, converted.rows, apart)
        self.folder.put_unmatched(name, _filled(merge(waiting, unmatched, by, where=where), waiting))

    def _tell_moved(self, schema: Table, old: pd.DataFrame, converted: Converted, account: FileAccount) -> None:
        """Point at rows of earlier imports that a change of the partner map would have moved, and did not."""
        apart = [key for key in schema.key if key != "partner_id"]
        lost = len(old) - len(without_keys(old, converted.unmatched, apart))
        if lost:
            account.notes.append(
                f"{lost:,} rows of {schema.name}.csv have no partner by the present map; they stay as an earlier "
                "import left them"
            )
        if "partner_id" not in schema.key or self.options.partner:
            return
        others = without_keys(old, converted.rows, schema.key)
        moved = len(others) - len(without_keys(others, converted.rows, apart))
        if moved:
            account.notes.append(
                f"{moved:,} rows of {schema.name}.csv are of the same queue and interval as rows of this file, and of "
                "another partner: if the partner map was changed, take them out, or they count twice"
            )

    def _finish(self, accounts: list[FileAccount], partners: list[str]) -> None:
        used = any(part.used for account in accounts for part in account.tables.values())
        if used:
            new = self.folder.add_partners(partners)
            if new:
                self.messages.append(
                    f"New in partners.csv: {', '.join(new)}. Write their names there, and kind = inhouse for your "
                    "own team."
                )
            if self.folder.start(self.zone, self.threshold_s):
                self.messages.append(
                    f"{self.folder.path / 'dataset.toml'} is new, and targets.csv waits for what was agreed."
                )
        if self.folder.has("volume") and self.folder.has("interactions"):
            self.messages.append(
                "The folder has volume and interactions: counts, waits and handling times come from volume alone. A "
                "partner that is only in interactions needs a folder of its own."
            )
        self.folder.ignore_salt()
        now = pd.Timestamp.now(tz=self.zone)
        self.folder.log(log_row(account, now) for account in accounts)
        self.folder.write()


def _filled(rows: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns without a value, unless the table had them: an empty column is no measurement."""
    return rows[[name for name in rows if name in old or rows[name].notna().any()]]


def describe_dataset(path: Path) -> str:
    """Say what a dataset can compute now, or what keeps it from that."""
    try:
        dataset = open_dataset(path)
        check = dataset.check()
    except BpoAnalysisError as error:
        return f"The dataset cannot be opened yet: {error}"
    errors = [problem for problem in check.found if problem.severity == "error"]
    if errors:
        first = errors[0]
        return (
            f"'bpo check {path}' finds {plural(len(errors), 'error')}; the first: table {first.table}, "
            f"{first.rule}. Remedy: {first.remedy}."
        )
    able = [kpi.label for name, kpi in dataset.kpis.items() if name not in dataset.unavailable]
    first_day, last_day = dataset.span
    return f"From {first_day} to {last_day} the dataset can compute: {', '.join(able)}."
