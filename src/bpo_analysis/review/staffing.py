"""How many agents the contacts of each hour needed, and whether what was scheduled and delivered fits that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from bpo_analysis.kpis import settings_of
from bpo_analysis.review.context import Review
from bpo_analysis.review.scorecard import targets_in_force

__all__ = ["DEFAULT_SERVICE_LEVEL", "ChannelLoad", "ScheduleFit", "required_agents", "schedule_fit", "staffing_load"]

DEFAULT_SERVICE_LEVEL = 0.8
"""Share to be answered in time that agents are counted for where no target is in force."""
_HOUR_S = 3600


@lru_cache(maxsize=4096)
def required_agents(contacts: int, aht_s: float, threshold_s: float, service_level: float) -> int:
    """Return the agents who must be there for one hour of contacts (Erlang C, nobody hangs up).

    Parameters
    ----------
    contacts : int
        Contacts that come in the hour.
    aht_s : float
        Average handle time in seconds.
    threshold_s : float
        Seconds within which a contact is to be answered.
    service_level : float
        Share to be answered within them, between 0 and 1.

    Returns
    -------
    int
        0 where no contact comes.

    Examples
    --------
    >>> required_agents(200, 180, 20, 0.8)
    14
    """
    # Imported here: its solvers for rosters take their time to load, and most datasets have no use for it.
    from pyworkforce.queuing import ErlangC

    if contacts == 0:
        return 0
    queue = ErlangC(transactions=contacts, aht=aht_s / 60, asa=threshold_s / 60, interval=60)
    agents = int(queue.required_positions(service_level=service_level)["raw_positions"])
    # It starts from the load rounded up to the next whole agent but one; a low service level may ask for fewer.
    while agents - 1 > queue.intensity and queue.service_level(agents - 1) >= service_level:
        agents -= 1
    return agents


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLoad:
    """What the contacts of one channel needed in the period.

    Attributes
    ----------
    channel : str
    days, offered : int
    aht_s : float
    workload_hours : float
        Contacts times handle time: what the work itself takes.
    required_hours : float or None
        Agent hours for an answer in time, hour by hour; None where a channel can wait (no threshold).
    threshold_s, service_level : float or None
    by_hour : DataFrame
        Columns hour, offered (mean of a day), mean and most (agents needed in that hour), days.
    """

    channel: str
    days: int
    offered: int
    aht_s: float
    workload_hours: float
    required_hours: float | None
    threshold_s: float | None
    service_level: float | None
    by_hour: pd.DataFrame

    @property
    def occupancy(self) -> float | None:
        """Share of the required time that the work itself takes; None where a channel can wait."""
        return self.workload_hours / self.required_hours if self.required_hours else None


def staffing_load(review: Review) -> list[ChannelLoad] | None:
    """Return what each channel needed in the period, most work first; None without single contacts."""
    table = review.extract("hourly_load")
    if table is None:
        return None
    day = pd.to_datetime(table["date"])
    inside = table[day.between(pd.Timestamp(review.period.start), pd.Timestamp(review.period.end))]
    loads = [
        _load(review, str(channel), rows)
        for channel, rows in inside.fillna({"channel": "all"}).groupby("channel", sort=True)
        if rows["handled"].sum() > 0
    ]
    return sorted(loads, key=lambda load: -load.workload_hours) or None


def _load(review: Review, channel: str, rows: pd.DataFrame) -> ChannelLoad:
    aht = float(rows["handle_s"].sum() / rows["handled"].sum())
    offered, days = int(rows["offered"].sum()), int(rows["date"].nunique())
    threshold = _threshold(review, channel)
    level = _level(review, channel) if threshold is not None else None
    by_hour = pd.DataFrame(columns=["hour", "offered", "mean", "most", "days"])
    required = None
    if threshold is not None and level is not None:
        need = [required_agents(int(n), aht, threshold, level) for n in rows["offered"]]
        rows = rows.assign(need=need)
        required = float(sum(need))
        by_hour = rows.groupby("hour").agg(offered=("offered", "sum"), mean=("need", "sum"), most=("need", "max"))
        # Days on which nobody came in that hour count: they needed nobody.
        by_hour[["offered", "mean"]] /= days
        by_hour = by_hour.assign(days=days).reset_index()
    return ChannelLoad(
        channel=channel,
        days=days,
        offered=offered,
        aht_s=aht,
        workload_hours=offered * aht / _HOUR_S,
        required_hours=required,
        threshold_s=threshold,
        service_level=level,
        by_hour=by_hour,
    )


def _threshold(review: Review, channel: str) -> float | None:
    """Seconds within which a channel is answered by contract; None for channels that have no such limit."""
    setting = settings_of(review.dataset.config.families)["threshold_s"]
    if isinstance(setting, int | float):
        known = channel == "all" or channel in review.slices("service_level", "channel")
        return float(setting) if known else None
    return float(setting[channel]) if channel in setting else None


def _level(review: Review, channel: str) -> float:
    """Service level agreed for a channel, or for all; the usual one where none is in force."""
    aims = {t.channel: t.value for t in targets_in_force(review) if t.kpi == "service_level" and t.op == ">="}
    return float(aims.get(channel, aims.get(None, DEFAULT_SERVICE_LEVEL)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleFit:
    """How what was there fits what was needed, day by day and channel by channel.

    Attributes
    ----------
    basis : str
        What is held against what.
    fit : float
        Sum of the smaller of both over the sum of what was needed: hours too many on one day do not make up for hours
        too few on another.
    total : float
        Sum of what was there over the sum of what was needed.
    short_days, days : int
        Days (of one channel) with less than needed, of all.
    needed_hours, there_hours, met_hours : float
    """

    basis: str
    fit: float
    total: float
    short_days: int
    days: int
    needed_hours: float
    there_hours: float
    met_hours: float


def schedule_fit(review: Review) -> list[ScheduleFit]:
    """Return the fit of committed to required time by channel, and of scheduled to required time per day."""
    forecasts = _inside(review, "staffing_days")
    if forecasts is None:
        return []
    forecasts = forecasts[forecasts["required_s"] > 0]
    found = []
    known = forecasts[forecasts["committed_s"].notna()]
    for channel, rows in known.fillna({"channel": "all"}).groupby("channel", sort=True):
        found.append(_fit(f"{channel}: committed against required", rows["committed_s"], rows["required_s"]))
    if len(found) > 1:
        found.append(_fit("all channels: committed against required", known["committed_s"], known["required_s"]))
    agents = _inside(review, "agent_days")
    if agents is not None:
        daily = forecasts.groupby("date")["required_s"].sum()
        both = agents.set_index("date")[["scheduled_s", "worked_s"]].join(daily, how="inner").dropna()
        for column, word in (("scheduled_s", "scheduled"), ("worked_s", "worked")):
            if len(both):
                basis = f"all channels: {word} against required"
                found.append(_fit(basis, both[column], both["required_s"]))
    return found


def _inside(review: Review, name: str) -> pd.DataFrame | None:
    table = review.extract(name)
    if table is None:
        return None
    day = pd.to_datetime(table["date"])
    inside = table[day.between(pd.Timestamp(review.period.start), pd.Timestamp(review.period.end))]
    return inside if len(inside) else None


def _fit(basis: str, there: pd.Series, needed: pd.Series) -> ScheduleFit:
    met = pd.concat([there, needed], axis=1).min(axis=1)
    hours = [float(part.sum()) / _HOUR_S for part in (needed, there, met)]
    return ScheduleFit(
        basis=basis,
        fit=hours[2] / hours[0],
        total=hours[1] / hours[0],
        short_days=int((there < needed).sum()),
        days=len(needed),
        needed_hours=hours[0],
        there_hours=hours[1],
        met_hours=hours[2],
    )
