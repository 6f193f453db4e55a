"""From the rows of an export to rows of the data model: types, named rules, partners, hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from bpo_analysis.data.canonical import RAW_PREFIX, CanonicalTable, to_canonical
from bpo_analysis.data.config import TableSpec
from bpo_analysis.data.expressions import build_condition, holds
from bpo_analysis.data.files import ROW, RawTable
from bpo_analysis.data.rules import apply_rules
from bpo_analysis.data.schema import TABLES, Table
from bpo_analysis.data.texts import TextReading
from bpo_analysis.errors import DatasetError
from bpo_analysis.importing.accounting import FileAccount, TableAccount
from bpo_analysis.importing.durations import decimal_of, read_durations, read_flags, read_numbers
from bpo_analysis.importing.headers import THRESHOLD, Matched, column_of
from bpo_analysis.importing.moments import Clock, date_order, read_moments
from bpo_analysis.importing.partners import PartnerRule, assign
from bpo_analysis.importing.privacy import hash_agents, hash_customers
from bpo_analysis.importing.profile import DateOrder, Profile, SourceColumn, TableImport

__all__ = ["SOURCE_PREFIX", "Converted", "Settings", "convert"]

SOURCE_PREFIX = "source: "
"""Before the header of an export in the files of rows without a partner."""

_PARTNER, _RATER, _EXPORTED = "partner_of_row", "rater_side", "exported_on"
_INSTANT = pa.timestamp("us", tz="UTC")
_ARROW: Mapping[str, pa.DataType] = {
    "text": pa.string(), "agent": pa.string(), "customer": pa.string(), "time": _INSTANT,
    "duration": pa.float64(), "number": pa.float64(), "flag": pa.bool_(),
}  # fmt: skip
_PREFIXED = ("interaction_id", "survey_id", "evaluation_id")
_MOST_UNREAD = 0.5
"""Share of a column's times that may be unreadable; beyond it the form is another one."""
_MAX_VALUES_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user and the dataset folder say about an import.

    Attributes
    ----------
    timezone : str
        Zone of times without one; overrides that of the profile.
    days : str
        Zone of the dataset, whose clock the tables show.
    order : str
        Whether the day or the month is first.
    partner : str
        The partner all rows belong to.
    partners, raters : tuple of PartnerRule
        Rules of ``partners-map.toml``.
    exported_on : Timestamp
        When the file was exported, with its zone.
    """

    days: str
    salt: bytes
    exported_on: pd.Timestamp
    timezone: str = ""
    order: DateOrder = ""
    partner: str = ""
    partners: tuple[PartnerRule, ...] = ()
    raters: tuple[PartnerRule, ...] = ()
    hash_agents: bool = False
    id_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Converted:
    """Rows of one table: those with a partner, and those without, with what the export says about them."""

    rows: pd.DataFrame
    unmatched: pd.DataFrame


def convert(
    profile: Profile, rows: pd.DataFrame, matched: Matched, settings: Settings, account: FileAccount
) -> dict[str, Converted]:
    """Fill the tables of a profile from the rows of an export, and note in the account what became of every row.

    Raises
    ------
    DatasetError
        If the order of day and month or the time zone is not known, or times cannot be read.
    """
    source = _Source(profile, rows, matched, settings, account)
    typed = source.typed()
    connection = ibis.duckdb.connect()
    try:
        table = _drop(connection.create_table("export", ibis.memtable(typed), temp=True), profile, account)
        table = _keep_last(table, profile, account)
        return {
            name: _Filling(target, TABLES[name], settings, account, source).rows(table)
            for name, target in profile.tables.items()
        }
    finally:
        connection.disconnect()


class _Source:
    """The columns of an export, typed."""

    def __init__(
        self, profile: Profile, rows: pd.DataFrame, matched: Matched, settings: Settings, account: FileAccount
    ) -> None:
        self.profile, self.matched, self.settings, self.account = profile, matched, settings, account
        marks = {mark.casefold() for mark in profile.missing}
        self.rows = rows.mask(rows.apply(lambda column: column.str.casefold().isin(marks))) if marks else rows
        self.partner_columns = self._partner_columns()
        self.decimal = self._decimal()

    def typed(self) -> pa.Table:
        """Return every column of the profile (missing where the export lacks it), the partner and the row number."""
        clock = self._clock()
        columns = {ROW: pa.array(self.rows.index.to_numpy(), pa.int64())}
        counts = {"naive": 0, "zoned": 0, "twice": 0, "skipped": 0}
        for column in self.profile.columns.values():
            header = self.matched.columns.get(column.name)
            kind = _ARROW[column.read]
            if header is None:
                columns[column.name] = pa.nulls(len(self.rows), kind)
            elif column.read == "time":
                values = self._times(column, self.rows[header], clock, counts)
                columns[column.name] = pa.Array.from_pandas(values, type=kind)
            else:
                columns[column.name] = pa.Array.from_pandas(self._values(column, self.rows[header]), type=kind)
        self._tell_clock(clock, counts)
        threshold = self.matched.threshold_s
        if THRESHOLD not in columns:
            columns[THRESHOLD] = pa.array([threshold] * len(self.rows), pa.float64())
        columns[_PARTNER] = pa.Array.from_pandas(self._partners(), type=pa.string())
        columns[_RATER] = pa.Array.from_pandas(assign(self.settings.raters, self.rows, self._find), type=pa.string())
        columns[_EXPORTED] = pa.array([self.settings.exported_on.to_pydatetime()] * len(self.rows), _INSTANT)
        return pa.table(columns)

    def unmatched_columns(self) -> pd.DataFrame:
        """Return what the export says about the partner, free of addresses and free text, by row number."""
        shown = self.rows[self.partner_columns].rename(columns=lambda name: f"{SOURCE_PREFIX}{name}")
        # Of an address only the domain tells partners apart; the rest names a person.
        return shown.apply(lambda texts: texts.str.replace(r"^[^@\s]+@", "@", regex=True))

    def _find(self, header: str) -> str | None:
        return column_of(header, self.profile, self.matched, self.rows)

    def _partner_columns(self) -> list[str]:
        settings, forbidden = self.settings, {text.casefold() for text in self.profile.free_text}
        customers = {
            self.matched.columns.get(column.name)
            for column in self.profile.columns.values()
            if column.read == "customer"
        }
        for rule in (*settings.partners, *settings.raters):
            column = self._find(rule.column)
            if column is not None and (column.casefold() in forbidden or column in customers):
                raise DatasetError(
                    f"The partner map uses column {column!r}, which is free text or names a customer and is not "
                    "carried over. Use a group, team, queue, site, tag or the agent's address."
                )
        if settings.partner:
            return []
        named = [rule.column for rule in settings.partners] or list(self.profile.partner_columns)
        found = dict.fromkeys(column for name in named if (column := self._find(name)))
        if settings.partners:
            absent = dict.fromkeys(name for name in named if self._find(name) is None)
            self.account.notes.extend(
                f"the partner map names column {name!r}, which is not in this file" for name in absent
            )
        return list(found)

    def _partners(self) -> pd.Series:
        if self.settings.partner:
            return pd.Series(self.settings.partner, index=self.rows.index, dtype="str")
        return assign(self.settings.partners, self.rows, self._find)

    def _clock(self) -> Clock:
        times = [
            self.rows[self.matched.columns[c.name]]
            for c in self.profile.columns.values()
            if c.read == "time" and c.name in self.matched.columns
        ]
        order, why = date_order(
            times, given=self.settings.order, known=self.profile.dates, where=self.account.file,
            formats=self.profile.date_formats,
        )  # fmt: skip
        self.account.dates = why
        return Clock(
            zone=self.settings.timezone or self.profile.timezone, days=self.settings.days, order=order,
            formats=self.profile.date_formats,
        )  # fmt: skip

    def _decimal(self) -> str:
        columns = (
            self.rows[self.matched.columns[column.name]]
            for column in self.profile.columns.values()
            if column.read in ("number", "duration") and column.name in self.matched.columns
        )
        mark, shown_by = decimal_of(columns, known=self.profile.decimal)
        if shown_by:
            self.account.notes.append(f"numbers have a decimal comma, as {shown_by!r} shows")
        return mark

    def _times(self, column: SourceColumn, texts: pd.Series, clock: Clock, counts: dict[str, int]) -> pd.Series:
        found = read_moments(texts, clock, where=f"Column {texts.name!r} of {self.account.file}")
        for name in counts:
            counts[name] += getattr(found, name)
        self._tell_unread(column, texts, found.values)
        return found.values

    def _tell_clock(self, clock: Clock, counts: Mapping[str, int]) -> None:
        told = []
        if counts["naive"]:
            by = "as you said" if self.settings.timezone else "as this system writes them"
            told.append(f"times without a zone are {clock.zone}, {by}")
        if counts["zoned"]:
            told.append("times with a zone are taken by it")
        self.account.clock = "; ".join([*told, f"the tables show {clock.days}"])
        if counts["twice"]:
            self.account.notes.append(
                f"{counts['twice']:,} times lie in the hour that comes twice when clocks go back; the first was taken"
            )
        if counts["skipped"]:
            self.account.notes.append(
                f"{counts['skipped']:,} times lie in the hour that is skipped when clocks go forward; moved to its "
                "end. Is the time zone right?"
            )

    def _values(self, column: SourceColumn, texts: pd.Series) -> pd.Series:
        if column.values:
            texts = self._renamed(column, texts)
        if column.read in ("text", "agent", "customer"):
            return self._text(column, texts)
        if column.read == "flag":
            values: pd.Series = read_flags(texts)
        elif column.read == "number":
            values = read_numbers(texts, decimal=self.decimal)
        else:
            values = read_durations(texts, column.unit, decimal=self.decimal)
        self._tell_unread(column, texts, values)
        if column.read == "duration":
            negative = int((values < 0).sum())
            if negative:
                self.account.notes.append(f"negative duration in {texts.name!r}: {negative:,} values set missing")
            values = values.where(~(values < 0))
        if column.blank is not None:
            values = values.where(texts.notna(), column.blank)
        return values

    def _text(self, column: SourceColumn, texts: pd.Series) -> pd.Series:
        if column.read == "customer":
            hashed = hash_customers(texts, self.settings.salt)
            nobody = int((texts.notna() & hashed.isna()).sum())
            if nobody:
                self.account.notes.append(f"unknown customer in {texts.name!r}: {nobody:,} values set missing")
            return hashed
        if column.read == "agent" and self.settings.hash_agents:
            return hash_agents(texts, self.settings.salt)
        return texts

    def _renamed(self, column: SourceColumn, texts: pd.Series) -> pd.Series:
        folded = texts.str.casefold()
        renamed = folded.map(column.values).astype("str")
        others = texts[renamed.isna() & texts.notna()].value_counts()
        if len(others):
            listed = ", ".join(f"{value!r} ({count:,})" for value, count in others.head(_MAX_VALUES_NAMED).items())
            more = len(others) - _MAX_VALUES_NAMED
            rest = f" and {more} more" if more > 0 else ""
            self.account.notes.append(
                f"{texts.name!r} has words the profile does not know, kept as they are: {listed}{rest}"
            )
        renamed = renamed.where(renamed.notna(), texts)
        return renamed.mask(renamed == "")

    def _tell_unread(self, column: SourceColumn, texts: pd.Series, values: pd.Series) -> None:
        lost = texts[texts.notna() & values.isna()]
        if lost.empty:
            return
        if column.read == "time" and len(lost) > _MOST_UNREAD * int(texts.notna().sum()):
            raise DatasetError(
                f"{self.account.file}: {len(lost):,} of {int(texts.notna().sum()):,} values of {texts.name!r} are not "
                f"times that can be read; the first is {lost.iloc[0]!r} in row {lost.index[0]}. Write its form into a "
                'profile of your own: date_formats = ["%d.%m.%Y %H:%M"].'
            )
        self.account.notes.append(
            f"{texts.name!r}: {len(lost):,} values are no {column.read} and set missing "
            f"(first {lost.iloc[0]!r} in row {lost.index[0]})"
        )


def _drop(table: Any, profile: Profile, account: FileAccount) -> Any:
    for rule in profile.rules:
        if rule.action != "drop":
            raise DatasetError(f"Profile {profile.name}: rule {rule.name!r} of the whole export can only drop rows.")
        condition = holds(build_condition(rule.where, table, where=f"profile {profile.name} rule {rule.name!r}"))
        account.dropped[rule.name] = _count(table.filter(condition))
        table = table.filter(~condition)
    return table


def _keep_last(table: Any, profile: Profile, account: FileAccount) -> Any:
    if not profile.keep_last:
        return table
    key, order = profile.keep_last
    window = ibis.window(group_by=key, order_by=[ibis.desc(order, nulls_first=False), ibis.desc(ROW)])
    ranked = table.mutate(_rank=ibis.row_number().over(window))
    account.duplicates = _count(ranked.filter(ranked._rank > 0))
    return ranked.filter(ranked._rank == 0).drop("_rank")


def _count(table: Any) -> int:
    return int(table.count().to_pyarrow().as_py())


class _Filling:
    """Fills one table of the data model."""

    def __init__(
        self, target: TableImport, schema: Table, settings: Settings, account: FileAccount, source: _Source
    ) -> None:
        self.target, self.schema, self.settings, self.source = target, schema, settings, source
        self.account, self.part = account, TableAccount()
        account.tables[target.name] = self.part

    def rows(self, table: Any) -> Converted:
        where = f"profile {self.account.profile} [tables.{self.target.name}]"
        if self.target.where:
            table = table.filter(holds(build_condition(self.target.where, table, where=where)))
        self.part.rows = _count(table)
        columns = self._columns()
        reading = TextReading(timezone=self.settings.days)
        spec = TableSpec(name=self.target.name, columns=columns, rules=self.target.rules, reading=reading)
        canonical = self._canonical(table, spec)
        repaired = apply_rules(canonical, spec)
        for problem in repaired.problems:
            raise DatasetError(f"{where} {problem.rule}.")
        for count in repaired.counts:
            verb, _, rule = count.step.partition(": ")
            (self.part.dropped if verb.startswith("dropped") else self.part.changed)[rule] = abs(count.rows)
        frame = repaired.table.order_by(ROW).to_pyarrow().to_pandas(
            types_mapper={pa.string(): pd.StringDtype(na_value=float("nan")), pa.int64(): pd.Int64Dtype(),
                          pa.bool_(): pd.BooleanDtype()}.get
        )  # fmt: skip
        return self._finished(frame.set_index(frame[ROW].astype("int64")))

    def _columns(self) -> dict[str, str]:
        columns = dict(self.target.columns)
        if "partner_id" in self.schema.by_name:
            own = columns.get("partner_id")
            columns["partner_id"] = f"COALESCE({own}, {_PARTNER})" if own and not self.settings.partner else _PARTNER
        if "rater_org" in self.schema.by_name and "rater_org" not in {*columns, *self.source.profile.columns}:
            columns["rater_org"] = _RATER
        own = columns.get("extracted_on")
        columns["extracted_on"] = f"COALESCE({own}, {_EXPORTED})" if own else _EXPORTED
        return columns

    def _canonical(self, table: Any, spec: TableSpec) -> CanonicalTable:
        raw = RawTable(table, tuple(name for name in table.columns if name != ROW), ())
        canonical = to_canonical(raw, self.schema, spec)
        for problem in canonical.problems:
            if problem.severity == "error":
                raise DatasetError(f"Profile {self.account.profile}: {problem.rule}.")
        return canonical

    def _finished(self, frame: pd.DataFrame) -> Converted:
        names = [*self.schema.by_name, *(["extracted_on"] if "extracted_on" not in self.schema.by_name else [])]
        frame = frame[[name for name in names if name in frame and not name.startswith(RAW_PREFIX)]]
        for name in frame:
            if isinstance(frame[name].dtype, pd.DatetimeTZDtype):  # extracted_on, where the table has no such column
                frame = frame.assign(**{name: frame[name].dt.tz_convert(self.settings.days).dt.tz_localize(None)})
        frame = self._with_prefix(frame)
        for column in self.schema.columns:
            if column.required and column.name != "partner_id":
                lost = frame[column.name].isna()
                if lost.any():
                    self.part.dropped[f"no {column.name}"] = int(lost.sum())
                    frame = frame[~lost]
        self._tell_range(frame)
        frame = as_text(frame, self.schema)
        none = frame["partner_id"].isna() if "partner_id" in frame else pd.Series(data=False, index=frame.index)
        self.part.unmatched = int(none.sum())
        shown = self.source.unmatched_columns().reindex(frame.index[none])
        self._tell_unmatched(shown)
        return Converted(frame[~none], frame[none].join(shown))

    def _with_prefix(self, frame: pd.DataFrame) -> pd.DataFrame:
        if not self.settings.id_prefix:
            return frame
        return frame.assign(**{name: self.settings.id_prefix + frame[name] for name in _PREFIXED if name in frame})

    def _tell_range(self, frame: pd.DataFrame) -> None:
        if not self.schema.date:
            return
        days = pd.to_datetime(frame[self.schema.date]).dropna()
        if len(days):
            first, last = f"{days.min():%Y-%m-%d %H:%M}", f"{days.max():%Y-%m-%d %H:%M}"
            self.account.first = min(filter(None, (self.account.first, first)))
            self.account.last = max(self.account.last, last)

    def _tell_unmatched(self, shown: pd.DataFrame) -> None:
        for name in shown:
            header = str(name).removeprefix(SOURCE_PREFIX)
            if len(shown) and header not in self.account.unmatched_values:
                counts = shown[name].fillna("").value_counts()
                self.account.unmatched_values[header] = {str(value): int(n) for value, n in counts.items()}


def as_text(frame: pd.DataFrame, schema: Table) -> pd.DataFrame:
    """Write every value as it stands in the file: whole numbers without a point, times in ISO form."""
    texts = {}
    for name in frame:
        values = frame[name]
        kind = schema.by_name[name].type if name in schema.by_name else "timestamp"
        if kind == "date":
            texts[name] = pd.to_datetime(values).dt.strftime("%Y-%m-%d")
        elif kind == "timestamp":
            texts[name] = _time_texts(values)
        elif kind == "boolean":
            texts[name] = values.map({True: "true", False: "false"})
        elif kind in ("integer", "number"):
            texts[name] = _number_texts(values)
        else:
            texts[name] = values
    return pd.DataFrame({name: column.astype("str") for name, column in texts.items()}, index=frame.index)


def _time_texts(values: pd.Series) -> pd.Series:
    seconds = np.datetime_as_string(values.to_numpy("datetime64[s]"), unit="s")
    texts = pd.Series(seconds, index=values.index, dtype="str").str.replace("T", " ", regex=False)
    parts = values.dt.microsecond.fillna(0) != 0
    return texts.mask(parts, values[parts].map(str)).where(values.notna())


def _number_texts(values: pd.Series) -> pd.Series:
    numbers = values.astype("Float64")
    whole = numbers.where(numbers == numbers.round()).astype("Int64").astype("str").where(numbers.notna())
    parts = (numbers != numbers.round()).fillna(value=False).astype("bool")
    return whole.mask(parts, numbers[parts].map(lambda value: repr(round(float(value), 6))).astype("str"))
