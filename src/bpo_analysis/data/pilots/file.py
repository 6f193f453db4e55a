"""Read ``pilots/<id>.toml`` of a dataset, and say everything that is wrong with it at once."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from bpo_analysis.data.pilots.margin import MarginRefused, margin_example, read_margin
from bpo_analysis.data.pilots.spec import (
    Assignment,
    Comparator,
    Decision,
    LogEntry,
    MetricRole,
    MetricTest,
    Outcome,
    PilotMetric,
    PilotSpec,
    PilotUnit,
    Spending,
)
from bpo_analysis.data.toml import not_toml
from bpo_analysis.errors import PilotError, suggest
from bpo_analysis.kpis import Kpi

__all__ = ["ARM_KEYS", "FOLDER", "SCOPE_KEYS", "frozen_text", "in_both_arms", "pilot_files", "read_pilot"]

FOLDER = "pilots"
"""Folder of a dataset that holds one file for each pilot."""
SCOPE_KEYS = ("queue", "channel", "product", "site", "shift", "reason")
ARM_KEYS = ("partner", "site", "queue", "channel", "product", "team", "unit")
_PILOT_KEYS = (
    "title", "hypothesis", "partner", "owner", "unit", "assignment", "assigned_how", "comparator", "baseline", "start",
    "end", "ramp_weeks", "looks", "look_every_weeks", "spending", "confidence_level",
)  # fmt: skip
_RULE: dict[Outcome, Decision] = {"met": "expand", "worse": "stop", "guardrail": "change", "cannot_tell": "extend"}
_ALWAYS = pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")
_MEANING = {
    "noninferiority": "the largest loss that may be tolerated",
    "superiority": "the smallest gain worth having",
    "": "the largest loss that may be tolerated, or the smallest gain worth having",
}


def pilot_files(folder: Path) -> list[Path]:
    """Return the pilot files of a dataset folder, by name."""
    return sorted((folder / FOLDER).glob("*.toml"))


def frozen_text(file: Path) -> bytes:
    """Return what a pilot file says without its decision log, so that a note in the log changes no figure."""
    written = file.read_bytes()
    with suppress(tomllib.TOMLDecodeError, UnicodeDecodeError):
        document = tomllib.loads(written.decode("utf-8-sig"))
        document.pop("log", None)
        return json.dumps(document, sort_keys=True, default=str).encode()
    return written


def read_pilot(
    file: Path, kpis: Mapping[str, Kpi], partners: pd.DataFrame, assigned: pd.DataFrame, *, with_log: bool = True
) -> PilotSpec:
    """Read and check one pilot file.

    Parameters
    ----------
    file : Path
    kpis : mapping of str to Kpi
        What the pilot can be judged by.
    partners : DataFrame
        Columns partner_id, name, kind.
    assigned : DataFrame
        Rows of table ``pilot_units`` of all pilots: pilot_id, unit, partner_id, arm, valid_from, valid_to.
    with_log : bool, default True
        Whether the decision log is read too.

    Raises
    ------
    PilotError
        With everything that is wrong in the file.
    """
    return _Reader(file, kpis, partners, assigned).read(with_log=with_log)


_NEED: Any = object()
_DATE_FORM = "a date such as 2026-07-06, without quotes"


class _Reader:
    """Reads one file and collects what is wrong; a value that cannot be read is None until the end."""

    def __init__(self, file: Path, kpis: Mapping[str, Kpi], partners: pd.DataFrame, assigned: pd.DataFrame) -> None:
        self.file, self.kpis, self.partners = file, kpis, partners
        self.id = file.stem
        self.named = sorted(set(assigned["pilot_id"]))
        self.assigned = assigned[assigned["pilot_id"] == self.id]
        self.problems: list[str] = []

    def read(self, *, with_log: bool) -> PilotSpec:
        document = self._document()
        self._only(document, ("pilot", "scope", "arms", "metric", "decision", "log"), "")
        head = self._section(document, "pilot")
        if "pilot" not in document:
            self.problems.append("has no section [pilot]. Write what is tried, by whom and when (docs/pilots.md).")
        self._only(head, _PILOT_KEYS, "[pilot] ")
        missing = "pilot" in document
        partner_id = self._partner(self._text(head, "partner", needed=missing), "[pilot] partner")
        unit = self._choice(head, "unit", PilotUnit, default=_NEED if missing else "agent")
        comparator = self._choice(head, "comparator", Comparator, default="concurrent")
        times = self._times(head, needed=missing)
        values = {
            "title": self._text(head, "title") or self.id,
            "hypothesis": self._text(head, "hypothesis", needed=missing),
            "partner_id": partner_id,
            "owner": self._text(head, "owner"),
            "unit": unit,
            "assignment": self._choice(head, "assignment", Assignment, default=_NEED if missing else "chosen"),
            "assigned_how": self._text(head, "assigned_how"),
            "comparator": comparator,
            "scope": self._filters(self._section(document, "scope"), SCOPE_KEYS, "[scope] "),
            "arms": self._arms(self._section(document, "arms"), unit, comparator, partner_id),
            "spending": self._choice(head, "spending", Spending, default="obrien-fleming"),
            "confidence_level": self._level(head),
            "metrics": tuple(self._metrics(document)),
            "rule": self._rule(self._section(document, "decision")),
            "log": tuple(self._log(document)) if with_log else (),
        }
        if self.problems:
            raise PilotError(str(self.file), self.problems)
        return PilotSpec(id=self.id, file=self.file, **times, **values)

    def _document(self) -> dict[str, Any]:
        try:
            text = self.file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise PilotError(str(self.file), ["is not UTF-8. Save it as UTF-8."]) from None
        except OSError as error:
            raise PilotError(str(self.file), [f"cannot be read ({error.strerror})."]) from None
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PilotError(str(self.file), [not_toml(text, error)]) from None

    # Single values

    def _only(self, given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        self.problems.extend(
            f"{where}has no key {key!r}.{suggest(key, known)} It takes: {', '.join(known)}."
            for key in given
            if key not in known
        )

    def _section(self, document: Mapping[str, Any], key: str) -> dict[str, Any]:
        value = document.get(key, {})
        if isinstance(value, dict):
            return value
        self.problems.append(f"{key} must be a section [{key}], got {value!r}.")
        return {}

    def _blocks(self, document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        value = document.get(key, [])
        if isinstance(value, list) and all(isinstance(block, dict) for block in value):
            return value
        self.problems.append(f"{key} must be written as [[{key}]] blocks, got {value!r}.")
        return []

    def _text(self, section: Mapping[str, Any], key: str, where: str = "[pilot]", *, needed: bool = False) -> str:
        value = section.get(key, "")
        if not isinstance(value, str):
            self.problems.append(f"{where} {key} must be text, got {value!r}.")
            return ""
        if needed and not value.strip():
            self.problems.append(f"{where} lacks {key}.")
        return value.strip()

    def _choice(
        self, section: Mapping[str, Any], key: str, words: Any, where: str = "[pilot]", *, default: Any = _NEED
    ) -> Any:
        known = get_args(words)
        if key not in section and default is not _NEED:
            return default
        if section.get(key) in known:
            return section[key]
        listed = ", ".join(map(repr, known))
        if key not in section:
            self.problems.append(f"{where} lacks {key}: one of {listed}.")
        else:
            value = section[key]
            self.problems.append(f"{where} {key} must be one of {listed}; got {value!r}.{suggest(str(value), known)}")
        return None

    def _day(self, value: Any, where: str) -> dt.date | None:
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value
        self.problems.append(f"{where} must be {_DATE_FORM}; got {value!r}.")
        return None

    def _count(self, section: Mapping[str, Any], key: str, *, least: int, default: int) -> int:
        value = section.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.problems.append(f"[pilot] {key} must be a whole number of weeks, {least} or more; got {value!r}.")
            return default
        return value

    def _level(self, head: Mapping[str, Any]) -> float:
        value = head.get("confidence_level", 0.95)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.5 < value < 1:
            self.problems.append(f"[pilot] confidence_level must lie between 0.5 and 1, such as 0.95; got {value!r}.")
            return 0.95
        return float(value)

    def _partner(self, text: str, where: str) -> str:
        if not text:
            return ""
        for column in ("partner_id", "name"):
            hits = self.partners.loc[self.partners[column].str.casefold() == text.casefold(), "partner_id"]
            if len(hits) == 1:
                return str(hits.iloc[0])
            if len(hits) > 1:
                ids = ", ".join(map(repr, hits))
                self.problems.append(f"{where}: {len(hits)} partners are named {text!r}. Give the partner_id: {ids}.")
                return ""
        known = dict.fromkeys([*self.partners["partner_id"], *self.partners["name"]])
        self.problems.append(
            f"{where} {text!r} is not in table partners.{suggest(text, known)} It has: {', '.join(map(repr, known))}."
        )
        return ""

    # Times

    def _times(self, head: Mapping[str, Any], *, needed: bool) -> dict[str, Any]:
        if not needed:
            return {}
        absent = [key for key in ("baseline", "start", "end") if key not in head]
        self.problems.extend(f"[pilot] lacks {key}: {_example(key)}." for key in absent)
        start, end = (self._day(head[key], f"[pilot] {key}") if key in head else None for key in ("start", "end"))
        before = self._baseline(head["baseline"]) if "baseline" in head else (None, None)
        ramp_weeks = self._count(head, "ramp_weeks", least=0, default=0)
        if start and end and end < start:
            self.problems.append(f"[pilot] end ({end}) is before start ({start}). Correct one of the two days.")
            end = None
        if start and before[1] and before[1] >= start:
            lies = "overlaps the pilot" if before[0] and before[0] < start else "lies after the start"
            self.problems.append(
                f"[pilot] baseline {lies}: it runs to {before[1]}, the pilot starts on {start}. It holds the values "
                f"before the pilot: end it on {start - dt.timedelta(days=1)} or earlier."
            )
        first = start + dt.timedelta(weeks=ramp_weeks) if start else None
        if first and end and first > end:
            self.problems.append(
                f"[pilot] ramp_weeks = {ramp_weeks} leaves no day: what counts begins on {first}, and the pilot ends "
                f"on {end}. Shorten the ramp or move the end."
            )
            first = None
        looks = self._looks(head, first, end)
        return {
            "baseline_start": before[0], "baseline_end": before[1], "start": start, "end": end,
            "ramp_weeks": ramp_weeks, "looks": looks,
        }  # fmt: skip

    def _baseline(self, value: Any) -> tuple[dt.date | None, dt.date | None]:
        if not isinstance(value, list) or len(value) != 2:
            self.problems.append(f"[pilot] baseline must be {_example('baseline')}; got {value!r}.")
            return None, None
        first, last = (self._day(day, "[pilot] baseline") for day in value)
        if first and last and last < first:
            self.problems.append(
                f"[pilot] baseline is empty: its last day ({last}) is before its first ({first}). Write the first day "
                "first."
            )
            return None, None
        return first, last

    def _looks(self, head: Mapping[str, Any], first: dt.date | None, end: dt.date | None) -> tuple[dt.date, ...]:
        if "looks" in head and "look_every_weeks" in head:
            self.problems.append("[pilot] has both looks and look_every_weeks. Keep one of them.")
        if "looks" in head:
            value = head["looks"]
            if not isinstance(value, list):
                self.problems.append(f"[pilot] looks must be a list of days, [2026-08-02, 2026-08-30]; got {value!r}.")
                return ()
            days = [self._day(day, "[pilot] looks") for day in value]
            found = tuple(day for day in days if day)
            if first and end and len(found) == len(days):
                self._check_looks(found, first, end)
            return tuple(day for day in found if day != end)
        every = self._count(head, "look_every_weeks", least=1, default=1) if "look_every_weeks" in head else 0
        if not every or not first or not end:
            return ()
        step = dt.timedelta(weeks=every)
        return tuple(_days_until(first + step - dt.timedelta(days=1), step, end))

    def _check_looks(self, looks: tuple[dt.date, ...], first: dt.date, end: dt.date) -> None:
        for day in looks:
            if not first <= day <= end:
                self.problems.append(
                    f"[pilot] looks: {day} lies outside the days that count, {first} to {end} (the ramp weeks are left "
                    "out). A look takes the data up to and with its day."
                )
        if list(looks) != sorted(set(looks)):
            self.problems.append(f"[pilot] looks must be in order, each day once; got {', '.join(map(str, looks))}.")

    # Scope and arms

    def _filters(self, section: Mapping[str, Any], known: tuple[str, ...], where: str) -> dict[str, tuple[str, ...]]:
        self._only(section, known, where)
        return {key: self._values(section[key], f"{where}{key}") for key in section if key in known}

    def _values(self, value: Any, where: str) -> tuple[str, ...]:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
            self.problems.append(f"{where} must be a text or a list of texts, got {value!r}.")
            return ()
        return tuple(texts)

    def _arms(
        self, section: Mapping[str, Any], unit: str | None, comparator: str | None, partner_id: str
    ) -> dict[str, dict[str, tuple[str, ...]]]:
        self._only(section, ("pilot", "baseline"), "[arms] ")
        arms: dict[str, dict[str, tuple[str, ...]]] = {}
        for arm in ("pilot", "baseline"):
            if arm not in section:
                continue
            if not isinstance(section[arm], dict) or not section[arm]:
                self.problems.append(f"arms.{arm} must be a section [arms.{arm}] with {', '.join(ARM_KEYS)}.")
                continue
            arms[arm] = self._filters(section[arm], ARM_KEYS, f"[arms.{arm}] ")
            if "partner" in arms[arm]:
                found = [self._partner(text, f"[arms.{arm}] partner") for text in arms[arm]["partner"]]
                arms[arm]["partner"] = tuple(name for name in found if name)
        in_table = set(self.assigned["arm"])
        for arm in arms:
            if arm in in_table and not (arm == "baseline" and set(arms[arm]) == {"partner"}):
                self.problems.append(
                    f"has the units of arm {arm!r} twice: in [arms.{arm}] and in table pilot_units. Keep one of them."
                )
        self._check_table(comparator, unit, partner_id)
        if comparator == "history":
            self._check_history(arms, in_table)
        elif comparator == "concurrent":
            self._check_concurrent(arms, in_table, partner_id)
        elif comparator:
            self._add_other_partner(arms, in_table, comparator, partner_id)
        if unit == "week":
            self._check_weeks(arms, comparator)
        self._check_apart(arms)
        return arms

    def _check_history(self, arms: Mapping[str, Any], in_table: set[str]) -> None:
        if "baseline" in arms or "baseline" in in_table:
            place = "[arms.baseline]" if "baseline" in arms else "rows of arm 'baseline' in table pilot_units"
            self.problems.append(
                f'has {place}, but comparator = "history" compares the pilot\'s units with their own earlier values. '
                'Take the baseline arm out, or write comparator = "concurrent".'
            )

    def _check_concurrent(self, arms: Mapping[str, Any], in_table: set[str], partner_id: str) -> None:
        for arm in ("pilot", "baseline"):
            if arm not in arms and arm not in in_table:
                others = [name for name in self.named if name != self.id]
                near = suggest(self.id, others) if not in_table else ""
                self.problems.append(
                    f"has no units in arm {arm!r}. Add rows with pilot_id {self.id!r} to table pilot_units, or write "
                    f"[arms.{arm}].{near.replace('Did you mean', 'Does table pilot_units mean this pilot by')}"
                )
            elsewhere = set(arms.get(arm, {}).get("partner", ())) - {partner_id, ""}
            if elsewhere and partner_id:
                self.problems.append(
                    f"[arms.{arm}] partner {sorted(elsewhere)[0]!r} is not the pilot's partner: comparator = "
                    '"concurrent" compares units of one partner. Write comparator = "partner" or "inhouse".'
                )

    def _add_other_partner(
        self, arms: dict[str, dict[str, tuple[str, ...]]], in_table: set[str], comparator: str, partner_id: str
    ) -> None:
        """Fill in whose units the arms are: the pilot's partner, and the other one."""
        if "pilot" not in in_table:
            arms["pilot"] = {"partner": (partner_id,), **arms.get("pilot", {})}
        own_team = self.partners.loc[self.partners["kind"] == "inhouse", "partner_id"].tolist()
        given = arms.get("baseline", {})
        if "partner" not in given and "baseline" not in in_table:
            if comparator == "inhouse" and len(own_team) == 1:
                given = {"partner": (own_team[0],), **given}
            else:
                why = {0: ", and table partners has none of kind inhouse"}.get(len(own_team), "")
                why = why if comparator == "inhouse" else ""
                self.problems.append(
                    f'has comparator = "{comparator}" and does not say with whom{why}. Write [arms.baseline] '
                    'partner = "...".'
                )
        if given:
            arms["baseline"] = given
        for other in given.get("partner", ()):
            if other == partner_id:
                self.problems.append(
                    f"[arms.baseline] partner {other!r} is the pilot's own partner. Name another one, or write "
                    'comparator = "concurrent".'
                )
            elif comparator == "inhouse" and other not in own_team:
                self.problems.append(
                    f"[arms.baseline] partner {other!r} is not of kind inhouse in table partners. Write "
                    'comparator = "partner".'
                )

    def _check_apart(self, arms: Mapping[str, Mapping[str, tuple[str, ...]]]) -> None:
        if len(arms) < 2:
            return
        pilot, baseline = arms["pilot"], arms["baseline"]
        shared = [key for key in pilot if key in baseline]
        if any(not set(pilot[key]) & set(baseline[key]) for key in shared):
            return
        both = sorted({value for key in shared for value in set(pilot[key]) & set(baseline[key])})
        why = f"{both[0]!r} is in both" if both else "they have no key in common that could tell them apart"
        self.problems.append(
            f"has overlapping arms: {why}. Give [arms.pilot] and [arms.baseline] the same key with different values."
        )

    def _check_weeks(self, arms: Mapping[str, Mapping[str, tuple[str, ...]]], comparator: str | None) -> None:
        listed = [week for arm in arms.values() for week in arm.get("unit", ())]
        if comparator != "concurrent" or any("unit" not in arm for arm in arms.values()):
            self.problems.append(
                '[pilot] unit = "week" compares weeks of the pilot with weeks without it: list the weeks of both arms '
                'in table pilot_units (unit = 2026-W30, arm = pilot or baseline), with comparator = "concurrent".'
            )
        for week in [*self.assigned["unit"], *listed]:
            if not re.fullmatch(r"\d{4}-W\d{2}", str(week)):
                self.problems.append(f'has a week {week!r}; with unit = "week" write ISO weeks such as 2026-W30.')
                return

    def _check_table(self, comparator: str | None, unit: str | None, partner_id: str) -> None:
        """Check the rows of table pilot_units: whose units, and none in both arms at the same time."""
        elsewhere = sorted(set(self.assigned["partner_id"]) - {partner_id})
        if comparator == "concurrent" and partner_id and elsewhere:
            self.problems.append(
                f"has units of partner {elsewhere[0]!r} in table pilot_units, and is a pilot of {partner_id!r}: "
                'comparator = "concurrent" compares units of one partner. Correct partner_id, or write comparator = '
                '"partner".'
            )
        both = list(in_both_arms(self.assigned))
        if both:
            more = f" ({len(both)} such units)" if len(both) > 1 else ""
            noun = unit or "unit"
            self.problems.append(
                f"has {noun} {both[0][0]!r} in both arms at the same time{more}: {both[0][1]}. In table pilot_units, "
                "end the first spell (valid_to) before the other begins, or take one of the rows out; the arm is the "
                "one the unit was assigned to, not whether the change was in force on a day."
            )

    # Metrics, rule, log

    def _metrics(self, document: Mapping[str, Any]) -> Iterator[PilotMetric]:
        blocks = self._blocks(document, "metric")
        for block in blocks:
            found = self._metric(block)
            if found:
                yield found
        if not any(block.get("role") == "primary" for block in blocks):
            self.problems.append(
                'has no primary metric. Write a [[metric]] with kpi, role = "primary", test and margin: the pilot is '
                "judged by it."
            )
        names = [block.get("kpi") for block in blocks]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1 and isinstance(name, str)):
            self.problems.append(f"has {names.count(name)} [[metric]] blocks for {name!r}. Keep one of them.")

    def _metric(self, block: Mapping[str, Any]) -> PilotMetric | None:
        name = block.get("kpi", "")
        where = f"[[metric]] {name!r}" if name else "[[metric]]"
        known = len(self.problems)
        self._only(block, ("kpi", "role", "test", "margin"), f"{where} ")
        kpi = self._kpi(name, where)
        role = self._choice(block, "role", MetricRole, where)
        test = self._choice(block, "test", MetricTest, where, default="noninferiority" if role != "primary" else _NEED)
        if role == "guardrail" and test == "superiority":
            self.problems.append(
                f'{where} is a guardrail: it must not get worse, so its test is "noninferiority". Write that, or '
                'role = "primary".'
            )
        if "margin" not in block:
            meaning = _MEANING.get(test or "", "")
            self.problems.append(f"{where} has no margin: write {meaning}, such as {margin_example(kpi)}.")
        margin = self._margin(block["margin"], kpi, where) if kpi and "margin" in block else None
        if len(self.problems) > known or margin is None or kpi is None:
            return None
        return PilotMetric(kpi=kpi.name, role=role, test=test, margin=margin)

    def _kpi(self, name: Any, where: str) -> Kpi | None:
        if not isinstance(name, str) or not name:
            self.problems.append(f"{where} lacks kpi: a name of the catalogue (bpo kpis --data ...).")
            return None
        if name not in self.kpis:
            self.problems.append(
                f"{where} is not a KPI of this dataset.{suggest(name, self.kpis)} bpo kpis --data ... lists them."
            )
            return None
        kpi = self.kpis[name]
        if kpi.pooling == "total":
            self.problems.append(
                f"{where} is a plain sum, which grows with the size of an arm and cannot be compared between arms. "
                "Choose a KPI with a denominator."
            )
            return None
        if kpi.better == "none":
            self.problems.append(
                f"{where} has no better direction, so a pilot cannot be better or worse on it. Choose another KPI, or "
                f'write a [[kpi]] of your own with the same sums and better = "lower" or "higher".'
            )
            return None
        return kpi

    def _margin(self, value: Any, kpi: Kpi, where: str) -> float | None:
        try:
            return read_margin(value, kpi)
        except MarginRefused as refusal:
            self.problems.append(f"{where} margin {value!r} {refusal}.")
            return None

    def _rule(self, section: Mapping[str, Any]) -> dict[Outcome, Decision]:
        outcomes = get_args(Outcome)
        self._only(section, outcomes, "[decision] ")
        return {
            outcome: self._choice(section, outcome, Decision, "[decision]", default=_RULE[outcome])
            for outcome in outcomes
        }

    def _log(self, document: Mapping[str, Any]) -> Iterator[LogEntry]:
        for block in self._blocks(document, "log"):
            self._only(block, ("date", "decision", "by", "note"), "[[log]] ")
            day = self._day(block.get("date"), "[[log]] date")
            decision = self._choice(block, "decision", Decision, "[[log]]")
            by, note = (self._text(block, key, "[[log]]") for key in ("by", "note"))
            if day and decision:
                yield LogEntry(date=day, decision=decision, by=by, note=note)


def _example(key: str) -> str:
    if key == "baseline":
        return "the first and the last day of the earlier values, [2026-04-06, 2026-07-05]"
    return _DATE_FORM


def _days_until(day: dt.date, step: dt.timedelta, end: dt.date) -> Iterator[dt.date]:
    while day < end:
        yield day
        day += step


def in_both_arms(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield units with spells in both arms that share a day, and say which."""
    spells = rows.assign(
        valid_from=pd.to_datetime(rows["valid_from"]).fillna(_ALWAYS[0]),
        valid_to=pd.to_datetime(rows["valid_to"]).fillna(_ALWAYS[1]),
    )
    for key, of_unit in spells.groupby(["partner_id", "unit"], sort=False):
        if of_unit["arm"].nunique() < 2:
            continue
        pilot, baseline = (of_unit[of_unit["arm"] == arm].to_dict("records") for arm in ("pilot", "baseline"))
        for one in pilot:
            other = next(
                (o for o in baseline if o["valid_from"] <= one["valid_to"] and one["valid_from"] <= o["valid_to"]), None
            )
            if other:
                unit = key[1] if isinstance(key, tuple) else key
                yield str(unit), f"pilot {_days_in_words(one)}, baseline {_days_in_words(other)}"
                break


def _days_in_words(spell: Mapping[str, Any]) -> str:
    first = "the start" if spell["valid_from"] == _ALWAYS[0] else f"{spell['valid_from']:%Y-%m-%d}"
    last = "the end" if spell["valid_to"] == _ALWAYS[1] else f"{spell['valid_to']:%Y-%m-%d}"
    return f"from {first} to {last}"
