"""Write a dataset of many interactions: monthly Parquet files of made-up contacts, and the small tables beside them.

``python -m benchmarks.interactions FOLDER --rows 100_000_000`` writes three years of 60 partners. Days are made one by
one, so the generator needs the memory of a few days only, and the same seed gives the same files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

__all__ = ["FIRST_DAY", "write_dataset", "write_month"]

FIRST_DAY = date(2023, 1, 1)
PARTNERS, MONTHS = 60, 36
CHANNELS, CHANNEL_SHARE = ("voice", "chat", "email"), (0.6, 0.25, 0.15)
PRODUCTS = ("appliances", "furniture", "garden", "kitchen")
REASONS = ("delivery", "billing", "returns", "technical", "account", "complaint")
REASON_SHARE = (0.3, 0.22, 0.18, 0.15, 0.1, 0.05)
SHIFTS = ("overnight", "day", "evening")
LANGUAGES = ("en", "de", "fr")
CONTACTS_PER_AGENT = 35
REPEATS, REPEAT_DAYS = 0.12, 5
"""Share of contacts that follow one of the same customer, for the same reason, and within how many days."""
_SIZES = np.linspace(0.4, 1.6, PARTNERS) / PARTNERS
_DAYS = 1096
_ROWS_PER_GROUP = 250_000
_HOURS = np.array([1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 13, 12, 12, 12, 12, 11, 10, 8, 6, 5, 4, 2, 2], dtype=float)
_CONFIG = """[dataset]
name = "many"
title = "Many interactions (synthetic)"
client = "Halden Home"
timezone = "UTC"
currency = "EUR"

[kpis.service_level]
variant = "offered"
threshold_s = { voice = 20, chat = 60 }

[kpis.abandonment_rate]
variant = "offered"

[kpis.fcr]
variant = "repeat"
window_days = 7

[tables.interactions]
file = "interactions/*/*.parquet"
"""


@dataclass(frozen=True, slots=True)
class _Calls:
    """Who called whom for what on a day, before some are made to repeat: later days repeat these."""

    customers: NDArray[np.uint64]
    reasons: NDArray[np.int8]
    partners: NDArray[np.int64]


def write_dataset(folder: Path, rows: int, *, months: int = MONTHS, seed: int = 7) -> None:
    """Write the small tables, ``dataset.toml`` and the first ``months`` months of ``rows`` contacts in three years.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    rows : int
        Contacts of all 36 months, roughly: fewer months have fewer contacts.
    months : int, default 36
    seed : int, default 7
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.toml").write_text(_CONFIG, encoding="utf-8")
    partners = [f"partner{i:02d}" for i in range(PARTNERS)]
    table = pd.DataFrame({"partner_id": partners, "name": [f"Partner {i:02d}" for i in range(PARTNERS)], "kind": "bpo"})
    table.to_csv(folder / "partners.csv", index=False)
    targets = pd.DataFrame(
        [("service_level", ">=", "0.8"), ("abandonment_rate", "<=", "0.05"), ("fcr", ">=", "0.75")],
        columns=["kpi", "op", "value"],
    ).assign(status="agreed", kind="absolute")
    targets.to_csv(folder / "targets.csv", index=False)
    for month in range(months):
        write_month(folder, rows, month, seed=seed)


def write_month(folder: Path, rows: int, month: int, *, seed: int = 7) -> Path:
    """Write one month, counted from the first, and return its file."""
    first = _month(month)
    path = folder / "interactions" / f"month={first:%Y-%m}" / "contacts.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting: list[pa.Table] = []
    writer: pq.ParquetWriter | None = None
    for day in _days(first, _month(month + 1)):
        waiting.append(_day(day, rows, seed))
        if sum(table.num_rows for table in waiting) >= _ROWS_PER_GROUP:
            writer = _write(writer, path, waiting)
    if waiting:
        writer = _write(writer, path, waiting)
    if writer is not None:
        writer.close()
    return path


def _write(writer: pq.ParquetWriter | None, path: Path, waiting: list[pa.Table]) -> pq.ParquetWriter:
    table = pa.concat_tables(waiting)
    waiting.clear()
    writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
    writer.write_table(table, row_group_size=len(table))
    return writer


def _month(number: int) -> date:
    years, months = divmod(FIRST_DAY.month - 1 + number, 12)
    return FIRST_DAY.replace(year=FIRST_DAY.year + years, month=months + 1)


def _days(start: date, end: date) -> Iterator[date]:
    for number in range((end - start).days):
        yield start + timedelta(days=number)


def _day(day: date, rows: int, seed: int) -> pa.Table:
    """Make the contacts of one day, in order of time."""
    number = (day - FIRST_DAY).days
    rng = np.random.default_rng([seed, number, 1])
    partner, reason, customer = _with_repeats(number, rows, seed, rng)
    n = len(partner)
    second = np.sort(rng.choice(24, n, p=_HOURS / _HOURS.sum()) * 3600 + rng.integers(0, 3600, n))
    hour = second // 3600
    channel = rng.choice(3, n, p=CHANNEL_SHARE).astype(np.int8)
    product = (partner + (rng.random(n) < 0.3)) % 4
    agents = np.maximum(2, (rows / _DAYS * _SIZES / CONTACTS_PER_AGENT).astype(int))
    agent = (rng.random(n) * agents[partner]).astype(int)
    site = np.where(partner % 2, agent % 2, 0)
    shift = np.where(hour < 6, 0, np.where(hour < 17, 1, 2)).astype(np.int8)
    language = (partner % 3).astype(np.int8)
    wait = rng.exponential(np.array([18.0, 35.0, 9_000.0])[channel])
    abandoned = (rng.random(n) < 0.05) & (channel < 2)
    email = channel == 2
    talk = rng.gamma(4, np.array([85.0, 120.0, 70.0])[channel])
    hold = np.where(channel == 0, rng.exponential(25.0, n), 0.0)
    created = np.datetime64(day, "s") + second.astype("timedelta64[s]")
    work = talk + hold
    solved = created + (wait + work + np.where(email, rng.exponential(40_000.0, n), 0.0)).astype("timedelta64[s]")
    answered = ~abandoned
    return pa.table(
        {
            "interaction_id": _hex(_mixed((np.uint64(number) << np.uint64(32)) + np.arange(n, dtype=np.uint64), 2)),
            "partner_id": _named(partner, [f"partner{i:02d}" for i in range(PARTNERS)]),
            "created_at": pa.array(created),
            "site": _named(partner * 2 + site, [f"site{i:03d}" for i in range(2 * PARTNERS)]),
            "queue": _named(channel * 4 + product, [f"{c} {p}" for c in CHANNELS for p in PRODUCTS]),
            "channel": _named(channel, CHANNELS),
            "product": _named(product, PRODUCTS),
            "reason": _named(reason, REASONS),
            "language": _named(language, LANGUAGES),
            "shift": _named(shift, SHIFTS),
            "agent_id": _where(answered, _agent_names(partner, agent)),
            "team": _where(answered, _named(agent // 12, [f"team{i:03d}" for i in range(agent.max(initial=0) + 1)])),
            "customer_key": _hex(customer),
            "first_reply_at": _where(answered, pa.array(created + wait.astype("timedelta64[s]"))),
            "solved_at": _where(answered, pa.array(solved)),
            "wait_s": pa.array(wait.round(1)),
            "talk_s": _where(answered, pa.array(talk.round())),
            "hold_s": _where(answered, pa.array(hold.round())),
            "acw_s": _where(answered, pa.array(rng.gamma(2, 30.0, n).round())),
            "abandoned": pa.array(abandoned),
            "transferred": _where(answered, pa.array(rng.random(n) < 0.07)),
            "escalated": _where(answered, pa.array(rng.random(n) < 0.015)),
            "reopens": _where(answered, pa.array((rng.random(n) < 0.04).astype(np.int8))),
            "resolved_first_contact": _where(answered, pa.array(rng.random(n) < 0.78)),
            "sla_met": _where(answered, pa.array(rng.random(n) < 0.93)),
            "handoffs": _where(answered, pa.array(rng.poisson(0.2, n).astype(np.int8))),
        }
    )


@lru_cache(maxsize=REPEAT_DAYS + 1)
def _calls(number: int, rows: int, seed: int) -> _Calls:
    rng = np.random.default_rng([seed, max(number, 0)])
    weekday = (FIRST_DAY + timedelta(days=number)).weekday()
    n = int(rng.poisson(rows / _DAYS * (0.85 + 0.3 * number / _DAYS) * (1.06 if weekday < 5 else 0.85)))
    return _Calls(
        customers=_mixed(rng.integers(0, max(rows // 5, 1), n).astype(np.uint64), 1),
        reasons=rng.choice(len(REASONS), n, p=REASON_SHARE).astype(np.int8),
        partners=rng.choice(PARTNERS, n, p=_SIZES),
    )


def _with_repeats(number: int, rows: int, seed: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Return partner, reason and customer of the contacts of a day, some of them the next of a customer before."""
    own = _calls(number, rows, seed)
    partner, reason, customer = own.partners.copy(), own.reasons.copy(), own.customers.copy()
    repeating = np.flatnonzero(rng.random(len(customer)) < REPEATS)
    for back, rows_of_day in enumerate(np.array_split(repeating, REPEAT_DAYS), 1):
        source = _calls(max(number - back, 0), rows, seed)
        if len(source.customers):
            drawn = rng.integers(0, len(source.customers), len(rows_of_day))
            partner[rows_of_day], reason[rows_of_day], customer[rows_of_day] = (
                source.partners[drawn], source.reasons[drawn], source.customers[drawn],
            )  # fmt: skip
    return partner, reason, customer


def _mixed(values: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """Scatter numbers over 64 bits, no two onto the same (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        x = values + np.uint64(0x9E3779B97F4A7C15) * np.uint64(salt)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


_DIGITS = np.array([f"{i:02x}" for i in range(256)], dtype="S2").view(np.uint16)


def _hex(values: NDArray[np.uint64]) -> pa.Array:
    """Write numbers as texts of 16 hexadecimal digits."""
    text = _DIGITS[values.astype(">u8").view(np.uint8)]
    offsets = np.arange(len(values) + 1, dtype=np.int32) * 16
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(text))


def _named(codes: Any, names: Any) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(list(names))).cast(pa.string())


def _agent_names(partner: Any, agent: Any) -> pa.Array:
    most = int(agent.max(initial=0)) + 1
    return _named(partner * most + agent, [f"a{p:02d}-{i:04d}" for p in range(PARTNERS) for i in range(most)])


def _where(condition: Any, values: pa.Array) -> pa.Array:
    return pa.compute.if_else(pa.array(condition), values, pa.scalar(None, values.type))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--rows", default=100_000_000, show_default=True, help="Contacts in three years.")
@click.option("--months", default=MONTHS, show_default=True, help="Months to write, from the first on.")
@click.option("--seed", default=7, show_default=True)
def main(folder: Path, rows: int, months: int, seed: int) -> None:
    """Write a dataset of many interactions into FOLDER."""
    write_dataset(folder, rows, months=months, seed=seed)


if __name__ == "__main__":
    main()
