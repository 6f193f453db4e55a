"""One pilot and its rows: who is in which arm, which days count, and the sums of every comparison.

A unit belongs to the arm it was assigned to first, whatever it did later ("as assigned"): that is what the assignment
can answer for. Where a unit was really at work ("as treated") stands beside it. Nothing after ``as_of`` is ever read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpo_analysis.data.pilots.spec import PilotMetric, PilotSpec
from bpo_analysis.kpis import Kpi
from bpo_analysis.review.pilots.assignment import assign, pilot_problem
from bpo_analysis.review.pilots.sums import DIMENSIONS, RowSums, row_sums, usual_step
from bpo_analysis.stats.arm_comparison import Better

if TYPE_CHECKING:
    from bpo_analysis.data.pilots.registration import Registration

__all__ = ["ARMS", "DIMENSIONS", "MIN_UNITS", "Pilot", "base_words", "better_of", "make_pilot"]

Arm = Literal["pilot", "baseline"]
ARMS: tuple[Arm, Arm] = ("pilot", "baseline")
MIN_UNITS = 2
"""Units an arm needs: one alone does not show how much units differ."""
MONTHLY_GAP = 20
"""Days between the usual dates of rows from which they are monthly, not weekly or daily."""
_SMALLER_IS_BETTER = frozenset({"seconds", "minutes", "hours", "days", "money", "per_1000", "ppm"})
_Floats = NDArray[np.float64]
_Mask = NDArray[np.bool_]


def better_of(kpi: Kpi) -> Better:
    """Return which way is good; where the catalogue leaves it open, less time and less money is."""
    if kpi.better != "none":
        return kpi.better
    return "lower" if kpi.unit in _SMALLER_IS_BETTER else "higher"


def base_words(kpi: Kpi) -> str:
    """What a KPI's denominator counts; without a word for it the column it is a sum of, such as minutes, or cases."""
    return kpi.base or (kpi.denominator.replace("_", " ") if kpi.denominator.isidentifier() else "cases")


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """A pilot with its rows up to a day. Made by :func:`make_pilot` or ``open_pilot``.

    Attributes
    ----------
    spec : PilotSpec
    registration : Registration or None
    kpis : mapping of str to Kpi
    rows : DataFrame
        Rows up to ``as_of`` of assigned units: those of ``Dataset.pilot_rows`` with arm (as assigned) and arm_treated
        (missing outside all spells of the unit).
    units : DataFrame
        Index unit; arm, partner_id, crossed (whether it was in both arms).
    loose_rows : DataFrame
        Rows of units that belong to no arm: kpi, unit, date, denominator.
    as_of : date
    last_day : date
        Last day with rows.
    hired : mapping of str to date
        By unit, where a roster says so.
    assumed : bool
        Whether no unit is assigned yet, and the arms are halves for planning.
    unknown : tuple of str
        Assigned units that no table knows.
    """

    spec: PilotSpec
    registration: Registration | None
    kpis: Mapping[str, Kpi]
    rows: pd.DataFrame
    units: pd.DataFrame
    loose_rows: pd.DataFrame
    as_of: date
    last_day: date
    hired: Mapping[str, date]
    assumed: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Id of the pilot."""
        return self.spec.id

    @property
    def against_history(self) -> bool:
        """Whether there is no baseline arm, only the time before."""
        return self.spec.comparator == "history"

    @property
    def window(self) -> tuple[date, date]:
        """First and last day that count: the ramp left out, nothing after ``as_of``."""
        return self.spec.first_day, min(self.spec.end, self.as_of)

    @property
    def baseline(self) -> tuple[date, date]:
        """First and last day of the earlier values."""
        return self.spec.baseline_start, min(self.spec.baseline_end, self.as_of)

    @property
    def ended(self) -> bool:
        """Whether the data reach the end; rows dated by week reach it with the first day of its last week."""
        return self.as_of >= self.spec.end

    @cached_property
    def monthly(self) -> bool:
        """Whether rows are dated by month."""
        return usual_step(self.rows["date"]) >= MONTHLY_GAP

    def weeks_of_rows(self, start: date, end: date) -> float:
        """Weeks that the rows from one day to another are about: rows dated by week stand for the whole of it."""
        step = usual_step(self.rows["date"])
        if step < 2:
            return ((end - start).days + 1) / 7
        inside = self.rows["date"].between(pd.Timestamp(start), pd.Timestamp(end))
        return int(self.rows.loc[inside, "date"].nunique()) * step / 7

    def kpi(self, metric: PilotMetric | str) -> Kpi:
        """The KPI of a metric."""
        return self.kpis[metric if isinstance(metric, str) else metric.kpi]

    def assigned(self, arm: Arm) -> pd.Index:
        """Units of an arm."""
        return self.units.index[self.units["arm"] == arm]

    def require_begun(self) -> None:
        """Raise where no day that counts has been reached, or no unit has an arm."""
        if self.assumed:
            raise pilot_problem(
                self.id,
                "no unit is assigned to an arm. Fill table pilot_units (unit, arm, valid_from, valid_to) or "
                "[arms.pilot] "
                "and [arms.baseline] in the pilot file.",
            )
        first, last = self.spec.first_day, min(self.as_of, self.last_day)
        if last < self.spec.start:
            raise pilot_problem(
                self.id,
                f"it has not begun: it starts on {self.spec.start}, the data used end on {last}. "
                "Before the start, plan it (pilot_plan).",
            )
        if last < first:
            raise pilot_problem(
                self.id,
                f"no day that counts has been reached: its first {self.spec.ramp_weeks} weeks are left out "
                f"(until {first - timedelta(days=1)}), the data used end on {last}.",
            )

    def require_baseline(self) -> None:
        """Raise where no unit has a row in the baseline window."""
        start, end = self.baseline
        inside = self.rows["date"].between(pd.Timestamp(start), pd.Timestamp(end))
        # Weeks are units of their own: they have no time before.
        if not inside.any() and (self.against_history or self.spec.unit != "week"):
            first = f"{self.rows['date'].min():%Y-%m-%d}" if len(self.rows) else "none"
            raise pilot_problem(
                self.id,
                f"no rows of its units in the baseline window {start} to {end} (first row: {first}). "
                "Change the baseline window in the pilot file, or export earlier data.",
            )

    def arms(
        self,
        kpi: str,
        start: date | None = None,
        end: date | None = None,
        where: Mapping[str, str] | None = None,
        *,
        as_treated: bool = False,
        baseline: tuple[date, date] | None = None,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Sums of every assigned unit, as ``compare_arms`` takes them.

        Parameters
        ----------
        kpi : str
        start, end : date, optional
            First and last day; the pilot's window by default.
        where : mapping of str to str, optional
            Slice by channel, product, category, site, shift; of the earlier values too.
        as_treated : bool, default False
            Count a unit in the arm where most of its contacts were, with its rows there alone.
        baseline : tuple of date, optional
            Window of the earlier values.

        Returns
        -------
        pilot, baseline : DataFrame
            unit, numerator, denominator, pre_numerator, pre_denominator, in the KPI's unit; units without rows have
            missing values and count as missing.

        Raises
        ------
        PilotError
            If an arm has no or only one unit with rows.
        """
        first, last = self.window
        start, end = start or first, min(end or last, self.as_of)
        sums = self._sums(kpi)
        chosen = sums.within(start, end, where)
        if as_treated:
            arm, chosen = self._treated(sums, chosen)
        else:
            arm = self._arm_codes
        numerator, denominator = self._by_unit(sums, chosen)
        before = self._by_unit(sums, sums.within(*(baseline or self.baseline), where))
        columns = {
            "unit": self.units.index.to_numpy(),
            "numerator": numerator,
            "denominator": denominator,
            "pre_numerator": before[0],
            "pre_denominator": before[1],
        }
        parts = tuple(pd.DataFrame({name: value[arm == code] for name, value in columns.items()}) for code in (0, 1))
        for name, part in zip(ARMS, parts, strict=True):
            self._check(name, part, kpi, start, end, where)
        return parts[0], parts[1]

    def _check(
        self, arm: str, part: pd.DataFrame, kpi: str, start: date, end: date, where: Mapping[str, str] | None
    ) -> None:
        got = int((part["denominator"].to_numpy() > 0).sum())
        if got >= MIN_UNITS:
            return
        inside = f" with {', '.join(f'{key} {value!r}' for key, value in where.items())}" if where else ""
        asked = f"rows of {kpi!r}{inside} from {start} to {end}"
        if got == 0:
            raise pilot_problem(
                self.id,
                f"no unit of arm {arm!r} has {asked}, of {len(part)} assigned. "
                "Check the scope and the arms in the pilot file, and that the export reaches so far.",
            )
        raise pilot_problem(
            self.id,
            f"arm {arm!r} has one {self.spec.unit} with {asked}; a comparison needs at least "
            f"{MIN_UNITS} in each arm, for one alone does not show how much they differ. Assign smaller units (agents "
            "instead of sites), or compare with history.",
        )

    def unit_weeks(self, kpi: str, start: date, end: date) -> pd.DataFrame:
        """Unscaled sums by unit and week (counted from the start of the pilot): unit, week, numerator, "
        "denominator, squares.
        """
        sums = self._sums(kpi)
        chosen = sums.within(start, end)
        scale = self.kpi(kpi).scale
        frame = pd.DataFrame(
            {
                "unit": sums.unit[chosen],
                "week": (sums.day[chosen] - self.spec.start.toordinal()) // 7,
                "numerator": sums.numerator[chosen] / scale,
                "denominator": sums.denominator[chosen],
                "squares": sums.squares[chosen],
            }
        )
        return frame.groupby(["unit", "week"], as_index=False).sum(min_count=1)

    def series(self, kpi: str, arm: Arm, start: date, end: date) -> pd.Series:
        """Pooled value of an arm by week of the pilot (or month, for rows dated so); NaN where there is no row."""
        sums = self._sums(kpi)
        chosen = sums.within(start, min(end, self.as_of)) & (self._arm_codes[sums.unit] == ARMS.index(arm))
        period = self._periods(sums.day[chosen])
        first, last = (int(self._periods(np.array([day.toordinal()]))[0]) for day in (start, min(end, self.as_of)))
        n = last - first + 1
        num, den = (np.bincount(period - first, part[chosen], n)[:n] for part in (sums.numerator, sums.denominator))
        values = np.divide(num, den, out=np.full(n, np.nan), where=den > 0)
        return pd.Series(values, index=pd.DatetimeIndex([self.period_start(first + i) for i in range(n)]), name=kpi)

    def period_start(self, period: int) -> pd.Timestamp:
        """First day of a week counted from the start of the pilot, or of a month."""
        if self.monthly:
            return pd.Timestamp(year=period // 12, month=period % 12 + 1, day=1)
        return pd.Timestamp(self.spec.start) + pd.Timedelta(weeks=period)

    def _periods(self, day: NDArray[np.int64]) -> NDArray[np.int64]:
        if not self.monthly:
            return (day - self.spec.start.toordinal()) // 7
        months = (day - date(1970, 1, 1).toordinal()).astype("datetime64[D]").astype("datetime64[M]")
        return np.asarray(months.astype(np.int64) + 1970 * 12)

    def unit_sums(self, kpi: str, start: date, end: date) -> pd.DataFrame:
        """Sums of every assigned unit: index unit, numerator, denominator (0 without rows), in the KPI's unit."""
        sums = self._sums(kpi)
        numerator, denominator = self._by_unit(sums, sums.within(start, min(end, self.as_of)))
        frame = pd.DataFrame({"numerator": numerator, "denominator": denominator}, index=self.units.index)
        return frame.fillna(0.0)

    def contacts(self, kpi: str, start: date, end: date) -> tuple[float, float]:
        """Denominators of the arms, as assigned."""
        sums = self._sums(kpi)
        chosen = sums.within(start, end)
        arm = self._arm_codes[sums.unit[chosen]]
        found = np.bincount(arm, sums.denominator[chosen], 2)
        return float(found[0]), float(found[1])

    def mix(self, kpi: str, dimension: str) -> pd.DataFrame:
        """Denominators in the window by slice of a dimension: columns pilot, baseline."""
        sums = self._sums(kpi)
        chosen = sums.within(*self.window)
        frame = pd.DataFrame(
            {
                "slice": sums.slices[dimension][chosen],
                "arm": self._arm_codes[sums.unit[chosen]],
                "denominator": sums.denominator[chosen],
            }
        )
        table = frame.pivot_table(index="slice", columns="arm", values="denominator", aggfunc="sum", fill_value=0.0)
        return table.reindex(columns=[0, 1], fill_value=0.0).set_axis(list(ARMS), axis=1)

    def cells(self, kpi: str, dimensions: tuple[str, ...], start: date, end: date) -> pd.DataFrame:
        """Sums by unit and slice in a window: unit (name), arm, slice, numerator, denominator, in the KPI's unit."""
        sums = self._sums(kpi)
        chosen = sums.within(start, end)
        keys = [pd.Series(sums.slices[dimension][chosen]) for dimension in dimensions]
        frame = pd.DataFrame({"unit": sums.unit[chosen], "numerator": sums.numerator[chosen]})
        frame["denominator"] = sums.denominator[chosen]
        names = [f"slice_{i}" for i in range(len(keys))]
        for name, key in zip(names, keys, strict=True):
            frame[name] = key
        table = frame.groupby(["unit", *names], as_index=False, observed=True)[["numerator", "denominator"]].sum()
        table["arm"] = np.array(ARMS)[self._arm_codes[table["unit"].to_numpy()]]
        table["slice"] = table[names[0]] if len(names) == 1 else table[names].astype(str).agg(" / ".join, axis=1)
        table["unit"] = self.units.index[table["unit"].to_numpy()]
        return table[["unit", "arm", "slice", "numerator", "denominator"]]

    @cached_property
    def _arm_codes(self) -> NDArray[np.intp]:
        return np.asarray(self.units["arm"].map({"pilot": 0, "baseline": 1}), dtype=np.intp)

    @cached_property
    def _made(self) -> dict[str, RowSums]:
        return {}

    def _sums(self, kpi: str) -> RowSums:
        if kpi not in self._made:
            rows = self.rows[self.rows["kpi"] == kpi]
            if rows.empty:
                raise pilot_problem(
                    self.id,
                    f"no rows of {kpi!r} for any of its {len(self.units)} units until {self.as_of}. "
                    "The KPI must be counted by unit, and the units must be named as in the tables.",
                )
            self._made[kpi] = row_sums(rows, self.units.index, self.kpi(kpi).scale)
        return self._made[kpi]

    def slice_names(self, kpi: str) -> tuple[str, ...]:
        """Dimensions in which rows of a KPI differ."""
        sums = self._sums(kpi)
        return tuple(name for name, values in sums.slices.items() if pd.Series(values).nunique() > 1)

    def _by_unit(self, sums: RowSums, chosen: _Mask) -> tuple[_Floats, _Floats]:
        n = len(self.units)
        unit = sums.unit[chosen]
        num, den = (np.bincount(unit, part[chosen], n) for part in (sums.numerator, sums.denominator))
        return np.where(den > 0, num, np.nan), np.where(den > 0, den, np.nan)

    def _treated(self, sums: RowSums, chosen: _Mask) -> tuple[NDArray[np.intp], _Mask]:
        """Arm in which most of each unit's contacts were, and the rows there."""
        n = len(self.units)
        inside = chosen & (sums.treated < 2)
        weight = np.bincount(sums.unit[inside] * 2 + sums.treated[inside], sums.denominator[inside], 2 * n)
        weight = weight.reshape(n, 2)
        arm = np.where(weight.sum(axis=1) > 0, weight.argmax(axis=1), self._arm_codes)
        return arm, inside & (sums.treated == arm[sums.unit])


def make_pilot(
    spec: PilotSpec,
    rows: pd.DataFrame,
    assignments: pd.DataFrame,
    kpis: Mapping[str, Kpi],
    *,
    registration: Registration | None = None,
    as_of: date | None = None,
    hired: Mapping[str, date] | None = None,
    unknown: Iterable[str] = (),
) -> Pilot:
    """Put a pilot together from its file, rows and assignments.

    Parameters
    ----------
    spec : PilotSpec
    rows : DataFrame
        kpi, partner_id, unit, date, numerator, denominator; optionally site, channel, product, shift, category,
        squares.
    assignments : DataFrame
        unit, arm, valid_from, valid_to; optionally partner_id. One row per unit and spell.
    kpis : mapping of str to Kpi
    registration : Registration, optional
    as_of : date, optional
        Nothing after it is read; by default the end of the pilot or, before that, the last day of the rows.
    hired : mapping of str to date, optional
        Day of hiring by unit.
    unknown : iterable of str, optional
        Assigned units that no table knows.

    Returns
    -------
    Pilot

    Raises
    ------
    PilotError
        If an arm has fewer than two units (one for a comparison with history), or nothing is known until ``as_of``.
    """
    rows = rows.assign(date=pd.to_datetime(rows["date"]))
    if rows.empty:
        raise pilot_problem(
            spec.id, "no rows in its scope. Check partner, scope and KPIs in the pilot file against the tables."
        )
    reached = rows["date"].max().date()
    if as_of is None:
        # Rows dated by week or month end before the last day they are about, and some days have no contacts.
        step = max(7.0, usual_step(rows["date"]))
        as_of = spec.end if reached > spec.end - timedelta(days=step) else reached
    rows = rows[rows["date"] <= pd.Timestamp(as_of)]
    if rows.empty:
        raise pilot_problem(spec.id, f"no rows until {as_of}; the first is later. Choose a later day.")
    with_arm, units, loose = assign(spec, rows, assignments)
    return Pilot(
        spec=spec,
        registration=registration,
        kpis=kpis,
        rows=with_arm,
        units=units,
        loose_rows=loose,
        as_of=as_of,
        last_day=rows["date"].max().date(),
        hired=hired or {},
        assumed=assignments.empty and spec.comparator != "history",
        unknown=tuple(unknown),
    )
