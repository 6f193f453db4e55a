"""Times of an export: which number is the day, whose clock it was, and the hour that comes twice a year.

Whether the day or the month is first is decided once for a file, from its profile, the user's word, or dates that
leave no doubt, and never guessed. Times become UTC here and the clock of the dataset at the end, so that a difference
of two times is time that passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from bpo_analysis.errors import DatasetError
from bpo_analysis.importing.profile import DateOrder

__all__ = ["Clock", "Moments", "date_order", "read_moments"]

_ISO = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
_NUMERIC = (
    r"^(?P<first>\d{1,2})[/.\-](?P<second>\d{1,2})[/.\-](?P<year>\d{4}|\d{2})"
    r"(?:[ ,T]+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second_s>\d{2}))?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?$"
)
_NAMED_DAYS = ("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%a, %d %b %Y")
_NAMED_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How the times of a file are read.

    Attributes
    ----------
    zone : str
        Zone of times without one; empty if it is not known, which is an error where there are such times.
    days : str
        Zone of the dataset: a date without a time of day is a day of its calendar.
    order : str
        "day-first", "month-first", or empty where the file has no date that needs it.
    formats : tuple of str
        Further forms, as for ``strptime``.
    """

    zone: str
    days: str
    order: DateOrder = ""
    formats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Times in UTC without a zone, and what was found on the way.

    Attributes
    ----------
    values : Series of datetime
    naive, zoned : int
        Times of day without and with a zone.
    twice, skipped : int
        Times in the hour that comes twice when clocks go back (the first is taken), and in the hour that is skipped
        when they go forward (moved to its end).
    """

    values: pd.Series
    naive: int
    zoned: int
    twice: int
    skipped: int


def date_order(
    columns: Iterable[pd.Series], *, given: DateOrder, known: DateOrder, where: str, formats: tuple[str, ...] = ()
) -> tuple[DateOrder, str]:
    """Decide for a file whether the day or the month is written first, and say why.

    Parameters
    ----------
    columns : iterable of Series of str
        All times of the file.
    given, known : {"", "day-first", "month-first"}
        What the user and the profile say.
    where : str
        The file, for messages.
    formats : tuple of str
        Forms that leave nothing to decide.

    Raises
    ------
    DatasetError
        If nothing decides, or the dates contradict each other or what was said.
    """
    texts = pd.concat([column.dropna() for column in columns] or [pd.Series(dtype="str")], ignore_index=True)
    texts = texts[_by_formats(texts, formats).isna()]
    texts = texts[texts.str.slice(4, 5) != "-"]  # dates that begin with the year need no order
    parts = texts.str.extract(_NUMERIC)
    dated = parts["first"].notna()
    if not dated.any():
        return "", "dates are written so that the day is clear"
    first, second = (pd.to_numeric(parts[name]) for name in ("first", "second"))
    proofs: dict[DateOrder, pd.Series] = {"day-first": first > 12, "month-first": second > 12}
    examples: dict[DateOrder, str] = {order: texts[proof].iloc[0] for order, proof in proofs.items() if proof.any()}
    if len(examples) > 1:
        shown = " and ".join(map(repr, examples.values()))
        raise DatasetError(
            f"{where} mixes dates with the day first and with the month first: {shown}. Export it again."
        )
    said = given or known
    proven: DateOrder = next(iter(examples), "")
    if said and proven and proven != said:
        raise DatasetError(
            f"{where} has {examples[proven]!r}, which cannot be {said}. Say --{proven}, or take the option away."
        )
    if said:
        return said, f"{said}, as {'you said' if given else 'this system always writes them'}"
    if not proven:
        raise DatasetError(
            f"{where} does not show whether the day or the month is first: {texts[dated].iloc[0]!r} can be either, "
            "and so can every other date. Say --day-first or --month-first."
        )
    return proven, f"{proven}, as {examples[proven]!r} shows"


def read_moments(texts: pd.Series, clock: Clock, *, where: str) -> Moments:
    """Read the times of one column.

    Raises
    ------
    DatasetError
        If times have no zone and the clock has none either.
    """
    naive = _by_formats(texts, clock.formats)
    iso = texts.str.extract(_ISO, expand=True)["zone"]
    is_iso = texts.str.match(_ISO).fillna(value=False).astype("bool")
    zoned = is_iso & iso.notna()
    plain = texts.where(is_iso & ~zoned).str.replace(",", ".", regex=False)
    naive = naive.fillna(pd.to_datetime(plain, format="ISO8601", errors="coerce").astype("datetime64[us]"))
    rest = texts.where(~is_iso)
    if rest.notna().any():
        naive = naive.fillna(_numeric_dates(rest, clock.order)).fillna(_named_dates(rest))
    dates = naive.notna() & ~texts.str.contains(":", regex=False).fillna(value=False).astype("bool")
    timed = naive.where(~dates)
    if timed.notna().any() and not clock.zone:
        raise DatasetError(
            f"{where} has times without a zone ({texts[timed.notna()].iloc[0]!r}), and the export does not say whose "
            "clock they are. Say it: --timezone Europe/Berlin (the time zone set in the system's account)."
        )
    local, twice, skipped = _to_utc(timed, clock.zone or "UTC")
    days, *_ = _to_utc(naive.where(dates), clock.days)
    instants = pd.to_datetime(
        texts.where(zoned).str.replace("UTC", "Z", regex=False), format="ISO8601", utc=True, errors="coerce"
    )
    values = local.fillna(days).fillna(instants.dt.tz_localize(None).astype("datetime64[us]"))
    return Moments(
        values=values, naive=int(timed.notna().sum()), zoned=int(instants.notna().sum()), twice=twice, skipped=skipped
    )


def _to_utc(naive: pd.Series, zone: str) -> tuple[pd.Series, int, int]:
    there = int(naive.notna().sum())
    if not there:
        return naive, 0, 0
    at_first = pd.Series(data=True, index=naive.index).to_numpy()
    once = naive.dt.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward")
    real = naive.dt.tz_localize(zone, ambiguous=at_first, nonexistent="NaT")
    taken = naive.dt.tz_localize(zone, ambiguous=at_first, nonexistent="shift_forward")
    utc = taken.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[us]")
    return utc, there - int(once.notna().sum()), there - int(real.notna().sum())


def _numeric_dates(texts: pd.Series, order: DateOrder) -> pd.Series:
    parts = texts.str.extract(_NUMERIC)
    first, second, year, hour, minute, seconds = (
        pd.to_numeric(parts[name]) for name in ("first", "second", "year", "hour", "minute", "second_s")
    )
    day, month = (first, second) if order == "day-first" else (second, first)
    half = parts["half"].str.casefold().str.slice(0, 1)
    hour = hour.where(half.isna() | (hour != 12), 0) + half.eq("p").fillna(value=False).astype("int64") * 12
    built = {
        "year": year.where(year > 99, year + 2000), "month": month, "day": day, "hour": hour.fillna(0),
        "minute": minute.fillna(0), "second": seconds.fillna(0),
    }  # fmt: skip
    return pd.to_datetime(pd.DataFrame(built), errors="coerce").astype("datetime64[us]")


def _named_dates(texts: pd.Series) -> pd.Series:
    named = texts.where(texts.str.contains("[A-Za-z]{3}").fillna(value=False).astype("bool"))
    return _by_formats(named, tuple(day + clock for day in _NAMED_DAYS for clock in _NAMED_CLOCKS))


def _by_formats(texts: pd.Series, formats: tuple[str, ...]) -> pd.Series:
    """Read what fits one of these forms; the first that fits decides."""
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    for form in formats:
        rest = texts.where(found.isna())
        if rest.notna().any():
            found = found.fillna(pd.to_datetime(rest, format=form, errors="coerce").astype("datetime64[us]"))
    return found
