"""Has the process changed, or is this its ordinary variation? XmR, p and u charts whose false alarms are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor, log, log2
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bpo_analysis.stats.chart_data import ChartData, LearntPhase, read_chart_data, split_phases
from bpo_analysis.stats.control_limits import (
    Layout,
    Resemblance,
    Rules,
    apparent_spread,
    autocorrelation_beside_step,
    calibrated_rules,
    lean,
    resemblance,
    textbook_rate,
)
from bpo_analysis.stats.result import Result

__all__ = ["MIN_POINTS", "ControlChart", "control_chart"]

MIN_POINTS = 8
"""Of which limits can be learnt."""
_FEW_POINTS = 16
_TEXTBOOK_WIDTH = 3.0
_SUSPECT = 0.3
_EXACT = 1e-10
_RATES = (0.001, 0.2)
_DRIFT = (
    "Neighbouring values resemble each other so much (autocorrelation perhaps above 0.8) that a stable process and a "
    "drift cannot be told apart."
)
_COARSE = (
    "Many neighbouring values are equal: limits are rough, and fewer stable charts signal than stated; of counts give "
    "rates with sizes (kind='u')."
)
_COARSE_TEXTBOOK = (
    "Many neighbouring values are equal: limits are too narrow, and more stable charts signal than stated; of counts "
    "give rates with sizes (kind='u'), or take calibrated limits."
)

Kind = Literal["auto", "xmr", "p", "u"]
Limits = Literal["calibrated", "three-sigma"]
Better = Literal["higher", "lower", "none"]
_Floats = NDArray[np.float64]
_Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlChart(Result):
    """A control chart, and how often its rules cry out where nothing happens.

    Attributes
    ----------
    kind : {"xmr", "p", "u"}
    center, lower, upper, middle : float
        Centre line, limits, and what runs are counted around (the median, or the centre where many values lie on the
        median): of the newest point, for they differ by phase and size.
    sigma : float
        Standard deviation of the newest point that the limits are made of.
    width : float
        Distance of the limits from the centre in these; on the long side of rates and counts that lean they lie
        farther.
    sigma_z : float
        How many times wider the newest rate varies than its size explains, at least 1 (Laney); NaN in an XmR chart.
    outside : tuple of int
        Positions of points outside the limits.
    longest_run : int
        Longest run of points on one side of the middle.
    run_limit : int
        A longer run is a signal.
    run : tuple of int
        Positions of the longest run, if it is a signal; otherwise empty.
    runs : tuple of tuple of int
        Positions of every run that is a signal, in order of time.
    rules : str
        What counts as a signal.
    false_alarm_rate : float
        Share of charts of a stable process with as many points and such an autocorrelation in which these rules see
        something. NaN where nothing varies.
    detectable_deviation : float
        One point that is so far off would have been outside with a probability of about 80 %; infinite where limits lie
        so near to the ends of the range that none would, NaN where nothing varies or many values are equal.
    autocorrelation, high_autocorrelation : float
        Of neighbouring values, with a step allowed for; weight of the evidence that it is above 0.8.
    table : DataFrame
        One row a value given, NaN included: value, center, middle, lower, upper, sigma, phase (from 0), outside,
        in_run; with p and u also size, with an index of dates or names also label.
    n, n_missing : int
        Values, and gaps on the time axis between and around them.
    method, note : str
    """

    kind: str
    center: float
    lower: float
    upper: float
    middle: float
    sigma: float
    width: float
    sigma_z: float
    outside: tuple[int, ...]
    longest_run: int
    run_limit: int
    run: tuple[int, ...]
    runs: tuple[tuple[int, ...], ...]
    rules: str
    false_alarm_rate: float
    detectable_deviation: float
    autocorrelation: float
    high_autocorrelation: float
    table: pd.DataFrame
    n: int
    n_missing: int
    method: str
    note: str

    @property
    def has_signal(self) -> bool:
        """Whether any rule speaks."""
        return bool(self.outside or self.run)

    def signals(self, *, better: Better = "none") -> pd.DataFrame:
        """Return what the rules saw, one row a signal, and whether it is good news.

        Parameters
        ----------
        better : {"higher", "lower", "none"}
            Which way is an improvement. It names the signals and takes no part in finding them.

        Returns
        -------
        DataFrame
            Columns rule ("outside", "run"), first, last (positions), side ("above", "below"), meaning ("improvement",
            "concern"; "change" if neither way is better), in order of time.
        """
        if better not in get_args(Better):
            raise ValueError(f"better must be one of 'higher', 'lower', 'none', got {better!r}.")
        value, middle, center = (self.table[name].to_numpy() for name in ("value", "middle", "center"))
        found = [("outside", i, i, bool(value[i] > center[i])) for i in self.outside]
        found += [("run", run[0], run[-1], bool(value[run[0]] > middle[run[0]])) for run in self.runs]
        rows = [
            (rule, first, last, "above" if up else "below", _meaning(better, up=up))
            for rule, first, last, up in sorted(found, key=lambda row: (row[1], row[0]))
        ]
        return pd.DataFrame(rows, columns=["rule", "first", "last", "side", "meaning"])

    def summary(self) -> str:
        """Return what the chart says, and how often it says so without cause."""
        if not self.has_signal and np.isnan(self.false_alarm_rate):
            return f"Cannot tell: {self.note[0].lower()}{self.note[1:]} ({self.n} points; {self.method}.)"
        parts = []
        if self.outside:
            parts.append(f"{len(self.outside)} of {self.n} points outside the limits")
        if self.run:
            more = f" (and {len(self.runs) - 1} more)" if len(self.runs) > 1 else ""
            run = f"a run of {self.longest_run} points on one side of the middle{more}"
            parts.append(f"{run} (at most {self.run_limit} expected)")
        found = " and ".join(parts) or f"no signal in {self.n} points"
        limits = f"centre {self.center:.4g}, limits {self.lower:.4g} to {self.upper:.4g}"
        text = f"{found[0].upper()}{found[1:]} ({limits}; {self.method})."
        if np.isfinite(self.false_alarm_rate):
            text += (
                f" In a stable process {_percent(self.false_alarm_rate)} of such charts show a signal "
                f"(autocorrelation {self.autocorrelation:.2f})."
            )
        if not parts and np.isinf(self.detectable_deviation):
            where = "the limits lie at the ends of the range or near"
            text += f" No single point would have been seen in four of five: {where}."
        elif not parts and np.isfinite(self.detectable_deviation):
            text += f" A single point {self.detectable_deviation:.3g} off would have been seen in four of five."
        return f"{text} {self.note}" if self.note else text


def control_chart(
    values: ArrayLike | pd.Series,
    *,
    sizes: ArrayLike | pd.Series | None = None,
    kind: Kind = "auto",
    limits: Limits = "calibrated",
    false_alarm_rate: float = 0.05,
    phases: Sequence[Any] = (),
    baseline: int | None = None,
    overdispersion: bool = True,
    lower_bound: float = -np.inf,
    upper_bound: float = np.inf,
) -> ControlChart:
    """Chart a process with limits for its length and autocorrelation.

    Parameters
    ----------
    values : array_like or Series, shape (n,)
        What is plotted, one value per period in order of time: measurements, or with ``sizes`` shares and rates (not
        counts). NaN marks a gap, which stays in its place, and so do dates that a regular index of dates leaves out.
    sizes : array_like or Series, shape (n,), optional
        Denominators of shares and rates: cases looked at, or exposure (hours, contacts). A size of 0 makes a gap.
    kind : {"auto", "xmr", "p", "u"}
        "xmr": individual values; "p": shares of cases; "u": events per unit of exposure, which can be more than 1.
        "auto" is "xmr" without sizes and "p" with them.
    limits : {"calibrated", "three-sigma"}
        "calibrated": as wide as ``false_alarm_rate`` asks. "three-sigma": the textbook's, with Anhoej's longest run
        ``log2(n) + 3``; how often these are wrong is in the result.
    false_alarm_rate : float, default 0.05
        Share of charts of a stable process that may show any signal, 0.01 to 0.2; "calibrated" only.
    phases : sequence, optional
        First periods of new phases, each of which has centre and limits of its own (rebasing): positions, or labels
        of the index of ``values`` (of dates: the first period that does not begin before it). A phase with fewer than
        eight points keeps the limits before it. Fix the dates by what happened, not by the look of the chart.
    baseline : int, optional
        Periods from which centre and limits are learnt; they stay for the rest. By default all.
    overdispersion : bool, default True
        Whether limits of p and u charts are widened to what the values vary beyond chance; False is the textbook's
        chart, with ``limits="three-sigma"`` only.
    lower_bound, upper_bound : float
        Range the values can take; limits do not go beyond it. 0 to 1 for p and from 0 on for u by themselves.

    Returns
    -------
    ControlChart

    Raises
    ------
    InsufficientDataError
        With fewer than eight values to learn from, or fewer than four pairs of neighbours.

    Notes
    -----
    Two rules only: a point outside the limits, and a long run on one side of the middle; with fewer than about twelve
    points the first alone. Sigma comes from moving ranges, divided by ``sqrt(1 - autocorrelation)`` because neighbours
    that resemble each other differ less than others [1]_; a moving range beyond its own limit counts as that limit.
    Limits and the longest run are set by simulating stable charts of this length, these phases and such an
    autocorrelation, half of the false alarms for each rule. The autocorrelation is estimated beside one step at an
    unknown date, so that a shift does not pass for resemblance, and averaged over what so few points leave open.

    In p and u charts the centre is the sum of events over the sum of sizes, the moving ranges are those of
    standardised values [2]_, and limits are never narrower than chance. With "three-sigma" real variation widens all
    limits by the same factor (Laney); "calibrated" limits take it for a part that does not shrink with size, which is
    the same where sizes are equal, and allow for a level that wanders under the chance of small numbers.

    Chance of few events leans: limits of p and u charts are moved out on its long side by the first term of Cornish and
    Fisher. XmR charts do so, with the lean that counts of this mean and spread have, where more than 15 % of the
    neighbours are equal; sigma then comes from the mean square of ranges, and the value next to the centre is never
    outside. The longest run is that for the share of values on the larger side of the middle.

    Measured on stable series: 3 to 6.5 % of charts of 24 to 104 points signal at autocorrelations of 0 to 0.8 (2.5 to
    6.5 % with 12), with phases, a baseline or 15 % of values missing, and 2.3 to 6 % of p charts of 400 to 1,200 cases
    whose rate truly varies by 2 to 6 points, also where it resembles its neighbours (binomial limits: 76 to 100 %;
    Laney's: 8 to 85 %). Where a rate is truly constant 2.5 to 5.5 % do, also with few events (40 points of 100 cases,
    shares of 0.01, 0.05 and 0.97; 0.5 to 5 events per unit: 2.5 to 4.5 %). Counts without sizes are charted cautiously:
    1 to 3 % of XmR charts of 40 Poisson counts around 0.5, 1, 2 or 5 signal, 6 % around 10, none of noughts and ones
    with 5 % ones; ``note`` says so. Three-sigma limits with Anhoej's run signal in 15 % (autocorrelation 0), 53 % (0.3)
    and 92 % (0.6) of XmR charts of 52 points, Nelson's rules in 45, 86 and 100 %.

    Not controlled: values with far tails (17 % of charts of 52 points at eight degrees of freedom, 59 % at three,
    where three sigma has 37 and 75 %), rates of a few events that vary with a lean (10 %), noise that lasts longer than
    AR(1) says (13 to 26 %; three sigma 16 to 89 %), and a random walk (7 to 15 %, mostly with a ``note``). Not seen:
    in noughts and ones (and the like) a single point, and a step without any noise beside it. Seen of points 4 standard
    deviations off: 53 to 71 % with 24 points, 59 to 75 % with 52; of shifts by 2 in the last third: 51, 29 and 17 %
    with 24 points and 83, 63 and 38 % with 52, at autocorrelations of 0, 0.3 and 0.6. docs/validation.md has all of it.

    Limits know nothing of trends and seasons. ``find_changes`` dates a lasting change and finds smaller ones. The
    direction of improvement takes no part: see ``ControlChart.signals``.

    References
    ----------
    .. [1] Alwan, L. C. & Roberts, H. V. (1988). Time-series modeling for statistical process control. JBES 6.
    .. [2] Laney, D. B. (2002). Improved control charts for attributes. Quality Engineering 14.
    .. [3] Anhoej, J. & Olesen, A. V. (2014). Run charts revisited. PLoS ONE 9(11): e113825.

    Examples
    --------
    >>> flow = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
    >>> chart = control_chart(flow, limits="three-sigma")
    >>> round(chart.center, 2), round(chart.lower, 4), round(chart.upper, 4)
    (50.81, 45.8159, 55.8041)
    >>> shares = [0.91, 0.88, 0.93, 0.90, 0.86, 0.92, 0.89, 0.94, 0.62, 0.90, 0.91, 0.88]
    >>> chart = control_chart(shares, sizes=[200] * 12)
    >>> chart.signals(better="higher")
          rule  first  last   side  meaning
    0  outside      8     8  below  concern
    """
    _check_options(limits, false_alarm_rate)
    data = read_chart_data(values, sizes, kind)
    _check_overdispersion(data, limits, overdispersion=overdispersion)
    bounds = _bounds(data, lower_bound, upper_bound)
    split, notes = split_phases(data, phases, baseline, least=MIN_POINTS)

    textbook = limits == "three-sigma"
    pieces = [LearntPhase.of(data, phase, textbook=textbook) for phase in split]
    # A single point can then be all that varies, and moves the limits as far as itself.
    coarse = any(piece.step for piece in pieces)
    layout = Layout(tuple((piece.points, piece.learnt) for piece in pieces), _chance(data, pieces))
    seen, high, varies = _resemblance(data, pieces, layout)
    sigmas = _scaled(data, pieces, seen, textbook=textbook, overdispersion=overdispersion)
    rules = _rules(layout, seen, sigmas, None if textbook else false_alarm_rate)
    if not textbook:
        rules = replace(rules, run_limit=_run_limit(rules.run_limit, pieces, layout))
    table = _table(data, pieces, sigmas[1], rules.width, bounds, textbook=textbook)
    runs = [run for piece in pieces for run in piece.runs(data.values)]
    signals = [run for run in runs if len(run) > rules.run_limit]
    table["in_run"] = np.isin(table.index, np.concatenate([*signals, np.empty(0, dtype=np.intp)]))
    # Of two longest runs the later one says more about now.
    longest = max(reversed(runs), key=len, default=np.empty(0, dtype=np.intp))
    newest = table.loc[np.flatnonzero(data.present)[-1]]

    return ControlChart(
        kind=data.kind,
        **{name: float(newest[name]) for name in ("center", "lower", "upper", "middle", "sigma")},
        width=rules.width,
        sigma_z=_sigma_z(data, pieces[-1], float(newest["sigma"]), int(newest.name)),
        outside=_positions(data, np.flatnonzero(table["outside"])),
        longest_run=len(longest),
        run_limit=rules.run_limit,
        run=_positions(data, longest) if signals else (),
        runs=tuple(_positions(data, run) for run in signals),
        rules=_rules_text(rules, layout),
        false_alarm_rate=rules.false_alarm_rate if varies else float("nan"),
        detectable_deviation=_detectable(newest, rules, layout, bounds) if varies and not coarse else float("nan"),
        autocorrelation=float(seen.mean) if varies else float("nan"),
        high_autocorrelation=high,
        table=_given(data, table),
        n=layout.n,
        n_missing=int((~data.present).sum()),
        method=_method(data, limits, overdispersion=overdispersion, baseline=baseline, phases=len(pieces)),
        note=" ".join(
            [
                *data.notes,
                *notes,
                *_notes(
                    pieces, layout, high, baseline=baseline is not None, varies=varies, textbook=textbook, coarse=coarse
                ),
            ]
        ),
    )


def _positions(data: ChartData, places: _Ints) -> tuple[int, ...]:
    """Positions among the values given."""
    return tuple(int(place) for place in data.axis.given(places))


def _check_options(limits: str, false_alarm_rate: float) -> None:
    if limits not in get_args(Limits):
        raise ValueError(f"limits must be 'calibrated' or 'three-sigma', got {limits!r}.")
    low, high = _RATES
    if not low <= false_alarm_rate <= high:
        hint = f" For {false_alarm_rate:g}% write {false_alarm_rate / 100:g}." if 1 <= false_alarm_rate <= 20 else ""
        raise ValueError(f"false_alarm_rate must be between {low:g} and {high:g}, got {false_alarm_rate!r}.{hint}")


def _bounds(data: ChartData, lower_bound: float, upper_bound: float) -> tuple[float, float]:
    """Ends of the range of the values, which must lie in it."""
    if not lower_bound < upper_bound:
        raise ValueError(
            f"lower_bound must be below upper_bound, got {lower_bound!r} and {upper_bound!r}; give the range the "
            "values can take, or leave out the end that has none."
        )
    for name, bound, beyond in (
        ("lower_bound", lower_bound, data.values < lower_bound),
        ("upper_bound", upper_bound, data.values > upper_bound),
    ):
        if beyond.any():
            place = np.flatnonzero(beyond)[:1]
            raise ValueError(
                f"values must lie within their bounds, got {data.values[place[0]]:g} at position "
                f"{_positions(data, place)[0]} with "
                f"{name}={bound:g}; correct the value or the bound."
            )
    return max(lower_bound, data.lower_bound), min(upper_bound, data.upper_bound)


def _check_overdispersion(data: ChartData, limits: str, *, overdispersion: bool) -> None:
    if not overdispersion and (data.kind == "xmr" or limits != "three-sigma"):
        raise ValueError(
            "overdispersion=False is for p and u charts (give sizes) with limits='three-sigma'; otherwise the "
            "variation is always taken from the values."
        )


def _chance(data: ChartData, pieces: list[LearntPhase]) -> float:
    """Share of the variance of rates that their sizes explain; nought in an XmR chart, where it is not known."""
    if data.kind == "xmr":
        return 0.0
    squares = np.concatenate([piece.squares_in_chance for piece in pieces])
    return float(1 / max(squares.mean(), 1.0)) if len(squares) else 0.0


def _resemblance(data: ChartData, pieces: list[LearntPhase], layout: Layout) -> tuple[Resemblance, float, bool]:
    """What the values limits are learnt from tell about autocorrelation, how likely it is high, if they vary at all."""
    known: list[_Ints] = [
        piece.phase.start + np.flatnonzero(data.present[piece.phase.start : piece.phase.learnt]) for piece in pieces
    ]
    values = np.concatenate([piece.distance[places] for piece, places in zip(pieces, known, strict=True)])
    starts = np.r_[0, np.cumsum([len(places) for places in known])[:-1]].astype(int).tolist()
    if not any(piece.moving_range_sigma(clipped=False) for piece in pieces):
        return resemblance(layout, 0.0), float("nan"), False
    mean, high = autocorrelation_beside_step(values[None, :], np.concatenate(known), starts)
    return resemblance(layout, float(mean[0])), float(high[0]), True


def _scaled(
    data: ChartData, pieces: list[LearntPhase], seen: Resemblance, *, textbook: bool, overdispersion: bool
) -> tuple[_Floats, _Floats]:
    """Standard deviation of the process in every phase, in chance spreads: as seen, and as used (at least 1)."""
    seen_sigma = np.array([piece.moving_range_sigma(clipped=not textbook) for piece in pieces])
    if not textbook:
        seen_sigma = seen_sigma / apparent_spread(seen.mean)
    if data.kind == "xmr":
        return seen_sigma, seen_sigma
    if not overdispersion:
        return seen_sigma, np.ones(len(pieces))
    # Never narrower than chance alone.
    least = [float(np.nanmax(piece.chance / np.where(piece.spread > 0, piece.spread, 1.0))) for piece in pieces]
    return seen_sigma, np.maximum(seen_sigma, least)


def _rules(layout: Layout, seen: Resemblance, sigmas: tuple[_Floats, _Floats], false_alarm_rate: float | None) -> Rules:
    """Calibrated rules for this rate, or the textbook's with the rate they have."""
    seen_sigma, used = sigmas
    varied = seen_sigma > 0
    # The phase whose limits are narrowest for what varies in it has most of the false alarms.
    slack = float((used[varied] / seen_sigma[varied]).min()) if varied.any() else 1.0
    if false_alarm_rate is not None:
        return calibrated_rules(layout, seen, false_alarm_rate, slack=slack)
    limit = floor(log2(max(points for points, _ in layout.phases)) + 3)
    return Rules(_TEXTBOOK_WIDTH, limit, textbook_rate(layout, seen, _TEXTBOOK_WIDTH * slack, limit))


def _table(
    data: ChartData,
    pieces: list[LearntPhase],
    used: _Floats,
    width: float,
    bounds: tuple[float, float],
    *,
    textbook: bool,
) -> pd.DataFrame:
    """One row a period: limits and whether the value is beyond them."""
    n = len(data.values)
    columns = {name: np.full(n, np.nan) for name in ("center", "middle", "sigma")}
    skewness, step = np.zeros((2, n))
    number = np.zeros(n, dtype=int)
    for i, (piece, scale) in enumerate(zip(pieces, used, strict=True)):
        periods = slice(piece.phase.start, piece.phase.stop)
        # Limits of an XmR chart go on through gaps.
        spread = np.ones(n) if data.kind == "xmr" else piece.spread
        columns["center"][periods], columns["middle"][periods] = piece.center, piece.middle
        columns["sigma"][periods] = (scale * spread)[periods]
        number[periods] = i
        if not textbook:
            # What varies beyond chance is taken for symmetric.
            share = 1.0 if data.kind == "xmr" else _share(piece.chance, scale * spread) ** 3
            skewness[periods], step[periods] = (share * piece.skewness)[periods], piece.step
    center, sigma = columns["center"], columns["sigma"]
    # Of coarse values, the next one to the centre is never outside.
    down, up = (np.maximum(reach * sigma, step) for reach in lean(width, skewness))
    lower, upper = np.maximum(center - down, bounds[0]), np.minimum(center + up, bounds[1])
    rounding = _EXACT * np.maximum(np.abs(center), np.abs(data.values))
    outside = data.present & ((data.values < lower - rounding) | (data.values > upper + rounding))
    limits = {"lower": lower, "upper": upper, "sigma": sigma, "phase": number, "outside": outside}
    limits |= {"down": down, "up": up}
    table = pd.DataFrame({"value": data.values, "center": center, "middle": columns["middle"], **limits})
    if data.kind != "xmr":
        table.insert(1, "size", data.sizes)
    return table


def _given(data: ChartData, table: pd.DataFrame) -> pd.DataFrame:
    """One row a value that was given, with its label."""
    table = table.drop(columns=["down", "up"]).iloc[data.axis.places].reset_index(drop=True)
    if data.labels is not None:
        table.insert(0, "label", data.labels)
    return table


def _detectable(newest: pd.Series, rules: Rules, layout: Layout, bounds: tuple[float, float]) -> float:
    """Deviation that is outside in four of five, on the side where more is needed; infinite where no value can be."""
    sides = (("lower", "down", bounds[0]), ("upper", "up", bounds[1]))
    beyond = float(newest["sigma"]) * (rules.detectable(layout) - rules.width)
    asked = [
        (float(newest[reach]) + beyond, abs(float(newest["center"]) - end))
        for limit, reach, end in sides
        if newest[limit] != end
    ]
    return max((size for size, room in asked if size <= room), default=float("inf"))


def _share(chance: _Floats, sigma: _Floats) -> _Floats:
    return np.divide(chance, sigma, out=np.zeros(len(chance)), where=sigma > 0)


def _run_limit(limit: int, pieces: list[LearntPhase], layout: Layout) -> int:
    """Longest run that is as improbable where one side of the middle has more than half of the values.

    About a median both have half. About the centre, taken where many values lie on the median, noughts of rare events
    make long runs by themselves.
    """
    longest = max(points for points, _ in layout.phases)
    share = max(piece.lopsided for piece in pieces)
    if share >= 1 - 1 / (2 * longest):
        return max(limit, longest)
    return min(max(limit, longest), floor(limit * log(0.5) / log(max(share, 0.5))))


def _notes(
    pieces: list[LearntPhase],
    layout: Layout,
    high: float,
    *,
    baseline: bool,
    varies: bool,
    textbook: bool,
    coarse: bool,
) -> list[str]:
    if not varies:
        what = "baseline does" if baseline else "values do"
        return [f"The {what} not vary, so there is no variation to judge them by."]
    notes = []
    if coarse:
        notes.append(_COARSE_TEXTBOOK if textbook else _COARSE)
    if max(piece.learnt for piece in pieces) < _FEW_POINTS:
        notes.append(f"With limits from fewer than {_FEW_POINTS} points only large changes can be seen.")
    if high > _SUSPECT and layout.n >= _FEW_POINTS:
        notes.append(_DRIFT)
    return notes


def _sigma_z(data: ChartData, piece: LearntPhase, sigma: float, newest: int) -> float:
    """Standard deviation of the newest rate in that which chance gives it."""
    chance = float(piece.chance[newest])
    return float("nan") if data.kind == "xmr" or not chance else sigma / chance


def _rules_text(rules: Rules, layout: Layout) -> str:
    limits = f"a point beyond {rules.width:.2f} standard deviations of the process"
    if rules.run_limit >= layout.longest_possible_run:
        return f"{limits}; no runs rule, for no run that so few points can make is improbable"
    return f"{limits}; a run of more than {rules.run_limit} points on one side of the middle"


def _method(data: ChartData, limits: str, *, overdispersion: bool, baseline: int | None, phases: int) -> str:
    laney = overdispersion and limits == "three-sigma" and data.kind != "xmr"
    name = "XmR chart" if data.kind == "xmr" else f"{data.kind} chart{' by Laney' if laney else ''}"
    how = (
        "limits for this length and autocorrelation" if limits == "calibrated" else "three-sigma limits, run by Anhoej"
    )
    where = [f"learnt from the first {baseline} periods"] * (baseline is not None) + [f"{phases} phases"] * (phases > 1)
    return ", ".join([name, how, *where])


def _meaning(better: str, *, up: bool) -> str:
    if better == "none":
        return "change"
    return "improvement" if up == (better == "higher") else "concern"


def _percent(rate: float) -> str:
    return "fewer than 1 %" if rate < 0.01 else f"{100 * rate:.0f} %"
