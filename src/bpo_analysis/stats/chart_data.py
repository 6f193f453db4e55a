"""What does a control chart plot, out of how many, and where do its limits begin anew?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.arguments import as_floats
from bpo_analysis.stats.control_limits import coarse_sigma, moving_range_sigma
from bpo_analysis.stats.time_axis import TimeAxis, ordered_index, place_of

__all__ = ["ChartData", "LearntPhase", "Phase", "read_chart_data", "split_phases"]

_MIN_PAIRS = 4
_KINDS = ("auto", "xmr", "p", "u")
_MOST_ON_MEDIAN = 0.25
_MANY_EQUAL = 0.15
"""Share of neighbouring values that are equal from which on they are taken for counts or coarse values."""
_EXACT = 1e-10
_Floats = NDArray[np.float64]
_Ints = NDArray[np.intp]


class Phase(NamedTuple):
    """Periods from ``start`` to before ``stop``; centre and limits are learnt before ``learnt``."""

    start: int
    learnt: int
    stop: int


@dataclass(frozen=True, slots=True)
class ChartData:
    """Values in order of time, what they are, and out of how many.

    Attributes
    ----------
    values : ndarray, shape (n,)
        NaN is a gap.
    sizes : ndarray, shape (n,)
        Ones in an XmR chart.
    kind : {"xmr", "p", "u"}
    labels : Index or None
        Names of the values given, if they have any but their numbers.
    axis : TimeAxis
        Periods of the values given; values and sizes have gaps at the others.
    notes : tuple of str
    """

    values: _Floats
    sizes: _Floats
    kind: str
    labels: pd.Index | None
    axis: TimeAxis
    notes: tuple[str, ...]

    @property
    def present(self) -> NDArray[np.bool_]:
        """Where there is a value."""
        return np.asarray(np.isfinite(self.values))

    @property
    def lower_bound(self) -> float:
        """Least value of its kind."""
        return -np.inf if self.kind == "xmr" else 0.0

    @property
    def upper_bound(self) -> float:
        """Largest value of its kind."""
        return 1.0 if self.kind == "p" else np.inf

    def center(self, periods: slice) -> float:
        """Mean, or the sum of events over the sum of sizes."""
        known, sizes = self.values[periods], self.sizes[periods]
        there = np.isfinite(known)
        return float((known[there] * sizes[there]).sum() / sizes[there].sum())

    def skewness(self, center: float) -> _Floats:
        """Skewness that chance gives to every rate around the centre; 0 in an XmR chart, where it is not known."""
        if self.kind == "xmr" or not 0 < center < self.upper_bound:
            return np.zeros(len(self.values))
        variance = center * (1 - center) if self.kind == "p" else center
        leaning = 1 - 2 * center if self.kind == "p" else 1.0
        return np.where(self.present, leaning / np.sqrt(variance * self.sizes), 0.0)

    def spread(self, center: float) -> _Floats:
        """Standard deviation that chance gives to every value around the centre; 1 in an XmR chart."""
        if self.kind == "xmr":
            return np.where(self.present, 1.0, np.nan)
        variance = center * (1 - center) if self.kind == "p" else center
        return np.asarray(np.where(self.present, np.sqrt(max(variance, 0.0) / self.sizes), np.nan))


def read_chart_data(values: ArrayLike | pd.Series, sizes: ArrayLike | pd.Series | None, kind: str) -> ChartData:
    """Check what was given and say what kind of chart it makes.

    Parameters
    ----------
    values : array_like or Series, shape (n,)
    sizes : array_like or Series, shape (n,), optional
    kind : {"auto", "xmr", "p", "u"}

    Returns
    -------
    ChartData
    """
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, _KINDS))}, got {kind!r}.")
    axis = TimeAxis.of(values)
    series = as_floats(values)
    if series.ndim != 1:
        raise ValueError(f"values must be 1-D, got shape {series.shape}.")
    if np.isinf(series).any():
        raise ValueError("values must be finite or NaN, got an infinite value.")
    labels = _labels(values)
    if sizes is None:
        if kind in ("p", "u"):
            raise ValueError(f"A {kind} chart needs sizes: out of how many each value is.")
        return ChartData(axis.spread_out(series), np.ones(axis.length), "xmr", labels, axis, ())
    if kind == "xmr":
        raise ValueError("An XmR chart takes no sizes; for shares use kind='p', for rates kind='u'.")
    if isinstance(values, pd.Series) and isinstance(sizes, pd.Series) and not values.index.equals(sizes.index):
        raise ValueError("values and sizes must have the same index; align them first.")
    counts = as_floats(sizes, "sizes")
    if counts.shape != series.shape:
        raise ValueError(f"sizes must be as many as values ({len(series)}), got shape {counts.shape}.")
    kind = "p" if kind == "auto" else kind
    _check_rates(series, counts, kind)
    empty = np.isfinite(series) & ~(counts > 0)
    series = np.where(counts > 0, series, np.nan)
    n_empty = int(empty.sum())
    notes = (f"{n_empty} {'value' if n_empty == 1 else 'values'} without a size left out.",) if n_empty else ()
    counts = np.where(counts > 0, counts, np.nan)
    return ChartData(axis.spread_out(series), axis.spread_out(counts), kind, labels, axis, notes)


def _labels(values: ArrayLike | pd.Series) -> pd.Index | None:
    if not isinstance(values, pd.Series) or isinstance(values.index, pd.RangeIndex):
        return None
    return ordered_index(values)


def _check_rates(series: _Floats, counts: _Floats, kind: str) -> None:
    if np.isinf(counts).any() or (counts < 0).any():
        raise ValueError("sizes must be finite and not negative.")
    known = series[np.isfinite(series)]
    if (known < 0).any():
        raise ValueError(f"values of a {kind} chart cannot be negative, got {known.min():g}.")
    if kind == "p" and (known > 1).any():
        raise ValueError(
            f"values of a p chart are shares between 0 and 1, got {known.max():g}. For counts give values / sizes; for "
            "rates that can be more than 1 use kind='u'."
        )


def split_phases(
    data: ChartData, phases: Sequence[Any], baseline: int | None, *, least: int
) -> tuple[list[Phase], list[str]]:
    """Periods that share their limits, and what must be said about them.

    Parameters
    ----------
    data : ChartData
    phases : sequence
        First periods of new phases: positions or labels.
    baseline : int, optional
        Periods from which limits are learnt.
    least : int
        Points of which limits can be learnt.

    Returns
    -------
    phases : list of Phase
    notes : list of str
    """
    n = len(data.values)
    given = list(phases) if not isinstance(phases, str) else [phases]
    if baseline is not None:
        if given:
            raise ValueError("Give phases or a baseline, not both: each phase has limits of its own.")
        _check_baseline(baseline, len(data.axis.places))
        learnt = int(data.axis.places[baseline - 1]) + 1
        _check_enough(data, slice(0, learnt), "control_chart's baseline", least)
        return [Phase(0, learnt, n)], []
    starts = sorted({_position(data, start) for start in given})
    edges = [*starts, n]
    first = "control_chart" if not starts else "control_chart's first phase"
    _check_enough(data, slice(0, edges[0]), first, least)
    split, notes = [Phase(0, edges[0], edges[0])], []
    for start, stop in pairwise(edges):
        try:
            _check_enough(data, slice(start, stop), "a phase", least)
        except InsufficientDataError as short:
            split[-1] = split[-1]._replace(stop=stop)
            notes.append(
                f"The phase from {_name(data, start)} has {short.got} {short.unit} and needs {short.needed} for limits "
                "of its own; those before it are carried on."
            )
        else:
            split.append(Phase(start, stop, stop))
    return split, notes


def _check_baseline(baseline: int, n: int) -> None:
    if isinstance(baseline, bool) or not isinstance(baseline, int | np.integer):
        raise TypeError(f"baseline must be a whole number of periods or None, got {baseline!r}.")
    if not 0 < baseline <= n:
        raise ValueError(f"baseline must be between 1 and the number of periods ({n}), got {baseline}.")


def _check_enough(data: ChartData, periods: slice, what: str, least: int) -> None:
    there = data.present[periods]
    got, pairs = int(there.sum()), int((there[1:] & there[:-1]).sum())
    if got < least:
        raise InsufficientDataError(what, needed=least, got=got, unit="points")
    if pairs < _MIN_PAIRS:
        raise InsufficientDataError(what, needed=_MIN_PAIRS, got=pairs, unit="pairs of neighbouring points")


def _position(data: ChartData, start: object) -> int:
    """Position of the first period of a phase, by its number or its label."""
    n, labels = len(data.axis.places), data.labels
    if isinstance(start, bool):
        raise TypeError(f"phases must be positions or labels of periods, got {start!r}.")
    if isinstance(start, int | np.integer):
        place = int(start)
    elif labels is None:
        raise TypeError(f"phases must be positions where values have no labels, got {start!r}.")
    elif isinstance(labels, pd.DatetimeIndex):
        place = place_of(start, labels, "each of phases")
    elif isinstance(labels, pd.PeriodIndex):
        begin = start.start_time if isinstance(start, pd.Period) else start
        place = place_of(begin, labels.start_time, "each of phases")
    elif start in labels:
        place = int(np.flatnonzero(labels == start)[0])
    else:
        raise ValueError(f"phases: no period is named {start!r}.")
    if not 0 < place < n:
        raise ValueError(f"phases must begin after the first of the {n} periods and within them, got {start!r}.")
    return int(data.axis.places[place])


def _name(data: ChartData, place: int) -> str:
    given = int(data.axis.given(np.array([place]))[0])
    if data.labels is None:
        return f"position {given}"
    label = data.labels[given]
    return f"{label:%Y-%m-%d}" if isinstance(label, pd.Timestamp) else str(label)


@dataclass(frozen=True, slots=True)
class LearntPhase:
    """A phase and what was learnt in it.

    Attributes
    ----------
    phase : Phase
    center, middle : float
        Centre line, and what runs are counted around.
    spread, chance : ndarray, shape (n,)
        Standard deviation of every value of the chart around this centre, up to a common factor; that which chance
        gives it.
    distance : ndarray, shape (n,)
        Of every value of the chart from this centre, in spreads.
    skewness : ndarray, shape (n,)
        That chance gives to every rate; in an XmR chart nought but where the values are coarse.
    step : float
        Usual difference of neighbours that differ, where so many are equal that the values are coarse; nought in
        other charts and in charts of rates.
    lopsided : float
        Share of the larger side among the values off the middle.
    points, learnt : int
        Values in the phase, and those of them its limits are learnt from.
    """

    phase: Phase
    center: float
    middle: float
    spread: _Floats
    chance: _Floats
    distance: _Floats
    skewness: _Floats
    step: float
    lopsided: float
    points: int
    learnt: int

    @classmethod
    def of(cls, data: ChartData, phase: Phase, *, textbook: bool) -> LearntPhase:
        """Learn it; real variation of rates is a multiple of chance in textbooks (Laney), else it adds to it."""
        known = slice(phase.start, phase.learnt)
        center = data.center(known)
        spread = chance = data.spread(center)
        off = data.values - center
        if data.kind != "xmr" and not textbook:
            real = max(float(np.nanmean(off[known] ** 2 - chance[known] ** 2)), 0.0)
            spread = np.sqrt(chance**2 + real)
        # Rates of 0 (or 1) throughout have no chance spread, and are not off.
        distance = np.divide(off, spread, out=np.where(data.present, 0.0, np.nan), where=spread > 0)
        there = data.values[known][data.present[known]]
        middle = _middle(there, center)
        skewness, step = data.skewness(center), 0.0
        if data.kind == "xmr" and _equal_neighbours(data.values[known]) > _MANY_EQUAL:
            sigma, step = coarse_sigma(data.values[known])
            skewness = skewness + _skewness_of_counts(there, center, sigma)
        return cls(
            phase=phase,
            center=center,
            middle=middle,
            skewness=skewness,
            step=step,
            lopsided=_lopsided(there, middle),
            spread=spread,
            chance=chance,
            distance=distance,
            points=int(data.present[phase.start : phase.stop].sum()),
            learnt=len(there),
        )

    @property
    def squares_in_chance(self) -> _Floats:
        """Squared distances of the values it was learnt from, in what chance gives them; none where that is nought."""
        known = slice(self.phase.start, self.phase.learnt)
        off, chance = (self.distance * self.spread)[known], self.chance[known]
        return np.asarray((off[chance > 0] / chance[chance > 0]) ** 2)

    def moving_range_sigma(self, *, clipped: bool) -> float:
        """Standard deviation of neighbours in chance spreads; nought if it is nothing but rounding."""
        known = self.distance[self.phase.start : self.phase.learnt]
        if clipped and self.step:
            return coarse_sigma(known)[0]
        sigma = float(moving_range_sigma(known[None, :], clipped=clipped)[0])
        size = abs(self.center) / np.nanmin(self.spread) if np.nanmin(self.spread) > 0 else 0.0
        return sigma if sigma > _EXACT * size else 0.0

    def runs(self, values: _Floats) -> list[_Ints]:
        """Positions of the runs on one side; gaps and values on the middle neither extend nor end them."""
        off = values[self.phase.start : self.phase.stop] - self.middle
        useful = np.flatnonzero(np.abs(off) > _EXACT * abs(self.middle))
        sides = off[useful] > 0
        starts = np.flatnonzero(sides[1:] != sides[:-1]) + 1
        return [run + self.phase.start for run in np.split(useful, starts) if len(run)]


def _middle(values: _Floats, center: float) -> float:
    """Median, as the runs rule wants it; the centre where so many values lie on the median that few would be left."""
    median = float(np.median(values))
    return center if (values == median).mean() > _MOST_ON_MEDIAN else median


def _equal_neighbours(values: _Floats) -> float:
    """Share of the pairs of neighbours that are equal."""
    ranges = np.diff(values)
    ranges = ranges[np.isfinite(ranges)]
    return float((ranges == 0).mean()) if len(ranges) else 0.0


def _skewness_of_counts(values: _Floats, center: float, sigma: float) -> float:
    """Skewness that counts with this mean and spread have, counted from the end of their range that is nearer.

    That of the values themselves would let one wild value pull the limits out to itself.
    """
    below, above = center - float(values.min()), float(values.max()) - center
    nearer = min(below, above)
    return (1 if below <= above else -1) * sigma / nearer if nearer > _EXACT * abs(center) else 0.0


def _lopsided(values: _Floats, middle: float) -> float:
    off = values[values != middle] > middle
    return max(float(off.mean()), 1 - float(off.mean())) if len(off) else 1.0
