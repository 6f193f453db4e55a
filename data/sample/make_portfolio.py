"""Write the synthetic sample: eighteen months of an invented company and the partners that answer its customers.

    python data/sample/make_portfolio.py [--out DIR] [--seed N] [--clean] [--months 18]

Every table of the data model is there. Some facts are planted, so that one can see whether a review finds them:
``PLANTS`` lists them, ``planted.json`` describes them, and each is one function under "Planted effects" (or one
marked row of a register). ``--clean`` writes the twin without them: the same structure, ordinary noise only.

All times are UTC and a day is a UTC day. Agents are shared with other clients of their partner: they work for this
company in short blocks on one or two days a week, so contacts per agent and day are few but ratios are as usual.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tomllib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["ALL", "PLANTS", "Plant", "build", "planted", "write"]

# ---------------------------------------------------------------------------------------------------------------------
# Calendar and constants
# ---------------------------------------------------------------------------------------------------------------------

FIRST_DAY = np.datetime64("2025-05-01", "D")
LAST_DAY = np.datetime64("2026-10-31", "D")
EXTRACTED = np.datetime64("2026-11-01T00:00:00", "s")
FULL_MONTHS = 18
DEFAULT_SEED = 3

SHORT_S = 5
THRESHOLD_S = {"voice": 20, "chat": 60}
PATIENCE_S = {"voice": 420.0, "chat": 800.0}
HANDLE_S = {"voice": 410.0, "chat": 480.0, "email": 520.0}
WAIT_SHAPE = 1.4  # log-logistic: a heavy tail, as waits have
CONTACTS_PER_AGENT_DAY = 8
BLOCK_S = 5400  # an agent's scheduled block for this client on a day
CUSTOMERS = 38_000
WEEKDAY = np.array([1.22, 1.14, 1.08, 1.06, 1.04, 0.80, 0.66])  # Monday first, mean 1
HARD = ("billing", "technical_fault", "cancellation")
EASY = ("order_status", "account_access", "product_question")
REASONS = HARD + EASY
REASON_MIX = np.array([0.21, 0.22, 0.10, 0.18, 0.15, 0.14])
REASON_FCR = np.array([-0.55, -0.75, -0.65, 0.65, 0.80, 0.60])  # on the logit scale
REASON_HANDLE = np.array([1.10, 1.30, 1.15, 0.80, 0.75, 0.90])
SHIFT_START_H = {"day": 8, "evening": 16, "overnight": 22}
SHIFT_HOURS = {"day": 8, "evening": 6, "overnight": 10}
HOLIDAYS = {
    "2025-05-05": "Early May bank holiday",
    "2025-05-26": "Spring bank holiday",
    "2025-08-25": "Summer bank holiday",
    "2025-12-25": "Christmas Day",
    "2025-12-26": "Boxing Day",
    "2026-01-01": "New Year's Day",
    "2026-04-03": "Good Friday",
    "2026-04-06": "Easter Monday",
    "2026-05-04": "Early May bank holiday",
    "2026-05-25": "Spring bank holiday",
    "2026-08-31": "Summer bank holiday",
}
PILOT_START, PILOT_END = np.datetime64("2026-07-06", "D"), np.datetime64("2026-09-27", "D")
PILOT_PLAN = """\
# What was agreed before the pilot; the registration beside this file says when.
[pilot]
title = "Suggested replies"
hypothesis = "Replies suggested by the desktop keep customers as satisfied and add no critical errors."
partner = "solheim"
owner = "Head of customer service, Halden Home"
unit = "agent"
assignment = "random"
assigned_how = "agents paired by their earlier level, one of each pair drawn"
comparator = "concurrent"
baseline = [2026-04-06, 2026-07-05]
start = 2026-07-06
end = 2026-09-27
ramp_weeks = 1
looks = [2026-08-02, 2026-08-30]
spending = "obrien-fleming"

[[metric]]
# Agreed after reading the plan: with 21 agents in eleven weeks a smaller loss could hardly be ruled out.
kpi = "csat"
role = "primary"
test = "noninferiority"
margin = "10 pp"

[[metric]]
kpi = "critical_error_accuracy"
role = "guardrail"
test = "noninferiority"
margin = "3 pp"

[[metric]]
kpi = "fcr"
role = "guardrail"
test = "noninferiority"
margin = "5 pp"

[decision]
met = "expand"
worse = "stop"
guardrail = "change"
cannot_tell = "extend"
"""
PILOT_REGISTERED_ON, TOOLKIT_VERSION = "2026-06-22", "0.1.0"
WAVE_COHORT = "2026-05"
QA_POINTS = 10  # possible per item; a critical item gets all of them or none
QA_ITEMS = (  # item, weight, criticality, chance of failing a critical item
    ("opening", 15, "none", 0.0),
    ("listening", 25, "none", 0.0),
    ("knowledge", 30, "none", 0.0),
    ("documentation", 15, "none", 0.0),
    ("correct_answer", 5, "customer", 0.035),
    ("followed_process", 5, "business", 0.015),
    ("data_protection", 5, "compliance", 0.010),
)
PARQUET = ("interactions", "volume", "surveys", "qa_ratings", "agent_time", "training_acks", "kb_usage")
VOLUME_KEY = ["partner_id", "site", "channel", "product", "reason", "shift", "interval_start"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """One partner and its ordinary levels, before any planted effect."""

    id: str
    name: str
    masked_name: str
    country: str
    region: str
    timezone: str
    go_live: str
    sites: tuple[str, ...]
    per_day: dict[str, float]
    heads: int
    service_level: float
    csat: float
    fcr: float
    qa: float
    rate: float
    kind: str = "bpo"
    handle: float = 1.0
    transfer: float = 0.085
    escalate: float = 0.010
    sla: float = 0.92
    absence: float = 0.04
    surveyed: float = 0.45
    response: float = 0.27
    later_heads: int = 0

    @property
    def prefix(self) -> str:
        """Three letters that open the identifiers of this partner's rows."""
        return self.id[:3]


PARTNERS = (
    Partner(
        id="northline", name="Northline Support", masked_name="Partner A", country="GB", region="EMEA",
        timezone="Europe/London", go_live="2022-02-01", sites=("leeds", "derry"),
        per_day={"voice": 33, "chat": 15, "email": 11}, heads=25,
        service_level=0.87, csat=0.80, fcr=0.72, qa=0.865, rate=5.60, escalate=0.016, surveyed=0.65, response=0.42,
    ),
    Partner(
        id="solheim", name="Sólheim Contact", masked_name="Partner B", country="IS", region="EMEA",
        timezone="Atlantic/Reykjavik", go_live="2023-06-01", sites=("akureyri",),
        per_day={"voice": 31, "chat": 14}, heads=26,
        service_level=0.845, csat=0.82, fcr=0.71, qa=0.87, rate=6.10, surveyed=0.50, response=0.38,
    ),
    Partner(
        id="kestrel", name="Kestrel CX", masked_name="Partner C", country="PH", region="APAC",
        timezone="Asia/Manila", go_live="2021-09-01", sites=("cebu",),
        per_day={"voice": 24, "email": 11}, heads=18,
        service_level=0.812, csat=0.785, fcr=0.69, qa=0.835, rate=4.30, handle=0.95, sla=0.90,
    ),
    Partner(
        id="baobab", name="Baobab Care", masked_name="Partner D", country="ZA", region="EMEA",
        timezone="Africa/Johannesburg", go_live="2024-03-01", sites=("durban", "cape-town"),
        per_day={"voice": 24, "chat": 11, "email": 9}, heads=24, later_heads=40,
        service_level=0.89, csat=0.84, fcr=0.73, qa=0.85, rate=4.05, absence=0.05, surveyed=0.75,
    ),
    Partner(
        id="meridia", name="Meridia Servicios", masked_name="Partner E", country="CO", region="LATAM",
        timezone="America/Bogota", go_live="2023-01-15", sites=("bogota",),
        per_day={"voice": 13, "chat": 22, "email": 8}, heads=18,
        service_level=0.86, csat=0.82, fcr=0.71, qa=0.86, rate=4.60, sla=0.91,
    ),
    Partner(
        id="fernway", name="Fernway Assist", masked_name="Partner F", country="IE", region="EMEA",
        timezone="Europe/Dublin", go_live="2024-10-01", sites=("cork",),
        per_day={"voice": 15, "chat": 9}, heads=14,
        service_level=0.895, csat=0.86, fcr=0.79, qa=0.90, rate=5.90, transfer=0.07, response=0.30,
    ),
    Partner(
        id="home", name="In-house team", masked_name="In-house team", country="GB", region="EMEA",
        timezone="Europe/London", go_live="2016-01-01", sites=("headquarters",), kind="inhouse",
        per_day={"voice": 11, "email": 7}, heads=12,
        service_level=0.83, csat=0.85, fcr=0.77, qa=0.89, rate=8.80, sla=0.93, transfer=0.06, response=0.30,
    ),
)  # fmt: skip
OUTSIDE = tuple(partner for partner in PARTNERS if partner.kind == "bpo")

# ---------------------------------------------------------------------------------------------------------------------
# What is planted
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One planted fact, as planted.json describes it. ``partners`` are those whose rows it touches."""

    id: str
    title: str
    kind: str
    partners: tuple[str, ...]
    kpi: str
    tables: tuple[str, ...]
    start: str
    end: str
    direction: str
    size: float
    unit: str
    where: str
    truth: str


# fmt: off
PLANTS = {plant.id: plant for plant in (
    Plant(
        id="aht_trend", title="Handle time creeps up", kind="trend", partners=("kestrel",), kpi="aht_s",
        tables=("interactions", "volume"), start="2025-05-01", end="2026-10-31", direction="up", size=0.22,
        unit="relative change, first to last day", where="why it moved",
        truth="Kestrel's handle time rises steadily by 22 % over the eighteen months, in every reason and channel.",
    ),
    Plant(
        id="service_level_shift", title="Service level drops from one day to the next", kind="level shift",
        partners=("northline",), kpi="service_level", tables=("interactions", "volume", "events"),
        start="2026-06-15", end="2026-10-31", direction="down", size=-0.16, unit="share", where="service",
        truth="From 2026-06-15 Northline answers about 16 points fewer contacts in time; an event of that day moves "
              "its queues to a new routing plan.",
    ),
    Plant(
        id="training_leads_csat", title="Training leads satisfaction by three weeks", kind="lead-lag",
        partners=("northline",), kpi="csat", tables=("training_acks", "surveys"), start="2025-05-05", end="2026-10-31",
        direction="up", size=3, unit="weeks", where="why it moved",
        truth="Northline's weekly training completion swings between about 50 and 99 %, and its CSAT follows three "
              "weeks later: about 5 points of CSAT for 10 points of completion.",
    ),
    Plant(
        id="lenient_rater", title="The partner's own raters are lenient", kind="rater bias", partners=("kestrel",),
        kpi="qa_score", tables=("qa_ratings",), start="2025-05-01", end="2026-10-31", direction="up", size=0.08,
        unit="share, bpo minus client on the same case", where="quality",
        truth="Kestrel's own raters score the same calibration cases about 8 points above the client's raters, "
              "and their gradings are inflated by as much.",
    ),
    Plant(
        id="simpson_fcr", title="Better in every reason, worse overall", kind="mix", partners=("meridia", "solheim"),
        kpi="fcr", tables=("interactions", "volume"), start="2025-05-01", end="2026-10-31", direction="down",
        size=-0.05, unit="share, meridia minus solheim, all reasons together", where="why it moved",
        truth="Meridia solves more at first contact than Sólheim in each of the six reasons, yet less overall, "
              "because four fifths of its contacts are hard and four fifths of Sólheim's are easy.",
    ),
    Plant(
        id="overnight_exception", title="One partner has the whole night, as agreed", kind="concentration",
        partners=("solheim",), kpi="", tables=("interactions", "volume", "exceptions"), start="2025-05-01",
        end="2026-10-31", direction="", size=1.0, unit="share of overnight contacts", where="risk and contract",
        truth="Sólheim answers all overnight contacts; the register of exceptions allows it.",
    ),
    Plant(
        id="smarthome_concentration", title="A chat product in one hand, without an exception", kind="concentration",
        partners=("meridia",), kpi="", tables=("interactions", "volume"), start="2025-05-01", end="2026-10-31",
        direction="", size=1.0, unit="share of smarthome contacts", where="risk and contract",
        truth="The chat-only product smarthome is served by Meridia alone, and no exception covers it.",
    ),
    Plant(
        id="restated_month", title="A month restated afterwards", kind="restatement", partners=("meridia",),
        kpi="service_level", tables=("volume",), start="2026-08-01", end="2026-08-31", direction="down", size=-0.05,
        unit="share, restated minus first extract", where="data notes",
        truth="Meridia's August 2026 was exported again on 2026-09-18 with fewer contacts answered in time.",
    ),
    Plant(
        id="fcr_definition_change", title="FCR is counted differently from January 2026", kind="definition change",
        partners=("kestrel",), kpi="fcr", tables=("interactions", "events"), start="2026-01-01", end="2026-10-31",
        direction="up", size=0.07, unit="share", where="why it moved",
        truth="From 2026-01-01 Kestrel's agents set the first-contact flag more freely: the flag rises by about "
              "7 points while repeat contacts do not fall. An event of kind definition is on record.",
    ),
    Plant(
        id="vendor_drops_hard_contacts", title="Hard contacts missing from the partner's own report",
        kind="reported against measured", partners=("kestrel",), kpi="csat", tables=("vendor_reported",),
        start="2025-05-01", end="2026-10-31", direction="up", size=0.05, unit="share, reported minus measured",
        where="contract scorecard",
        truth="Kestrel leaves transferred and unresolved contacts and long waits out of its own report, so its CSAT "
              "and service level read about 5 points better than measured, on a visibly smaller n.",
    ),
    Plant(
        id="attrition_wave", title="Half a hiring class leaves early", kind="attrition", partners=("baobab",),
        kpi="attrition_monthly", tables=("roster",), start="2026-05-01", end="2026-07-31", direction="up", size=0.5,
        unit="share of the cohort gone within 90 days", where="people",
        truth="Half of the agents Baobab hired in May 2026 left within 90 days.",
    ),
    Plant(
        id="short_notice", title="Thirty days' notice for the largest team", kind="contract", partners=("baobab",),
        kpi="", tables=("contracts", "roster"), start="2025-05-01", end="2026-10-31", direction="", size=30,
        unit="days", where="risk and contract",
        truth="Baobab, the partner with the most agents, may leave with 30 days' notice; the others owe 90 or more.",
    ),
    Plant(
        id="effective_action", title="A corrective action that worked", kind="action", partners=("northline",),
        kpi="transfer_rate", tables=("interactions", "volume", "actions"), start="2025-05-01", end="2026-04-12",
        direction="down", size=-0.07, unit="share, after minus before", where="actions",
        truth="Northline's transfer rate was about 15 % until action act-03 closed on 2026-04-13, then about 8 %.",
    ),
    Plant(
        id="useless_action", title="A corrective action that changed nothing", kind="action", partners=("meridia",),
        kpi="fcr", tables=("actions",), start="2026-05-15", end="2026-10-31", direction="none", size=0.0, unit="share",
        where="actions",
        truth="Action act-07 (Meridia, FCR) was reported done on 2026-05-15; FCR before and after is the same.",
    ),
    Plant(
        id="pilot_critical_errors", title="A pilot that keeps CSAT and breaks rules", kind="pilot",
        partners=("solheim",), kpi="critical_error_accuracy", tables=("qa_ratings", "pilot_units", "events"),
        start="2026-07-06", end="2026-09-27", direction="down", size=-0.12,
        unit="share, pilot minus baseline, customer-critical", where="pilot",
        truth="In Sólheim's pilot CSAT of the pilot agents is no worse than of the baseline agents, but about 12 more "
              "of 100 evaluations contain a customer-critical error.",
    ),
    Plant(
        id="response_collapse", title="Customers stop answering the survey", kind="response rate",
        partners=("meridia",), kpi="survey_response_rate", tables=("surveys",), start="2026-09-01", end="2026-10-31",
        direction="down", size=-0.21, unit="share", where="customer",
        truth="Meridia's survey response rate falls from about 27 % to about 6 % in September and October 2026, "
              "so its CSAT of these months rests on few answers.",
    ),
    Plant(
        id="late_escalations", title="Escalations take far longer", kind="ageing", partners=("northline",),
        kpi="escalation_rate", tables=("escalations",), start="2026-08-01", end="2026-10-31", direction="up", size=6,
        unit="times the earlier median duration", where="escalations",
        truth="Since August 2026 Northline's escalations take about six times as long, and several are still open.",
    ),
    Plant(
        id="small_week", title="A week with hardly any contacts", kind="small n", partners=("solheim",), kpi="csat",
        tables=("interactions", "volume", "surveys", "events"), start="2026-02-09", end="2026-02-15", direction="down",
        size=-0.9, unit="relative change of volume", where="volume",
        truth="A storm closed Sólheim's site in the week of 2026-02-09: about a tenth of the usual contacts, "
              "so every rate of that week is nearly empty of information.",
    ),
    Plant(
        id="tenure_ramp", title="New agents need long to learn", kind="learning curve", partners=("baobab",),
        kpi="aht_s", tables=("interactions", "volume", "roster"), start="2025-05-01", end="2026-10-31",
        direction="down", size=1.6, unit="times the handle time of experienced agents, in the first month",
        where="people",
        truth="At Baobab a new agent's handle time starts at about 1.6 times that of experienced ones and takes "
              "some five months to settle; elsewhere it starts at about 1.1 times.",
    ),
    Plant(
        id="watermelon", title="Green outside, red inside", kind="paired measures", partners=("baobab",), kpi="csat",
        tables=("surveys",), start="2026-03-01", end="2026-10-31", direction="down", size=-0.15, unit="share",
        where="first screen",
        truth="Baobab meets its service level every month while its CSAT falls by about 15 points from March to "
              "October 2026.",
    ),
)}
# fmt: on
ALL = frozenset(PLANTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a run is: the seed, the plants that are switched on, and the first day."""

    seed: int
    plants: frozenset[str] = field(default=ALL)
    start: np.datetime64 = FIRST_DAY

    @property
    def days(self) -> np.ndarray:
        """Every day of the run."""
        return np.arange(self.start, LAST_DAY + 1)

    def has(self, plant: str, partner: Partner) -> bool:
        """Whether the plant is switched on and touches this partner."""
        return plant in self.plants and partner.id in PLANTS[plant].partners

    def rng(self, *names: str) -> np.random.Generator:
        """Return the stream of one part of the data, so that parts do not disturb each other."""
        return np.random.default_rng([self.seed, *(zlib.crc32(name.encode()) for name in names)])


# ---------------------------------------------------------------------------------------------------------------------
# Planted effects: what each adds or multiplies. Switched off, each returns the neutral value.
# ---------------------------------------------------------------------------------------------------------------------


def during(plant: str, time: np.ndarray) -> np.ndarray:
    """Return which times lie between the plant's first and last day."""
    day = np.asarray(time).astype("datetime64[D]")
    return (day >= np.datetime64(PLANTS[plant].start)) & (day <= np.datetime64(PLANTS[plant].end))


def aht_trend(world: World, partner: Partner, day: np.ndarray) -> np.ndarray:
    """Multiply handle time."""
    size = PLANTS["aht_trend"].size if world.has("aht_trend", partner) else 0.0
    return 1 + size * (day - FIRST_DAY).astype(float) / (LAST_DAY - FIRST_DAY).astype(float)


def service_level_shift(world: World, partner: Partner, day: np.ndarray) -> np.ndarray:
    """Add to the logit of being answered in time."""
    size = -1.0 if world.has("service_level_shift", partner) else 0.0
    return np.where(during("service_level_shift", day), size, 0.0)


def training_swings(world: World, partner: Partner, rng: np.random.Generator, weeks: int) -> np.ndarray:
    """Return the chance that an agent learns an update in time, week by week."""
    if not world.has("training_leads_csat", partner):
        return np.clip(0.90 + rng.normal(0, 0.015, weeks), 0, 0.98)
    return np.clip(0.82 + ar1(rng, weeks, phi=0.45, sd=0.19), 0.35, 0.99)


def training_lead(world: World, partner: Partner, completion: pd.Series, day: np.ndarray) -> np.ndarray:
    """Add to the logit of a satisfied answer: completion of three weeks earlier, about its mean."""
    if not world.has("training_leads_csat", partner):
        return np.zeros(len(day))
    earlier = monday(day) - np.timedelta64(7 * int(PLANTS["training_leads_csat"].size), "D")
    deviation = (completion - completion.mean()).reindex(earlier).fillna(0.0)
    return 3.3 * deviation.to_numpy()


def lenient_rater(world: World, partner: Partner, rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
    """Return extra points of a lenient rater: a part of those withheld, so no score passes its maximum."""
    share = 0.47 if world.has("lenient_rater", partner) else 0.0
    return rng.binomial(QA_POINTS - points, share)


def simpson_mix(world: World, partner: Partner) -> np.ndarray:
    """Return the mix of reasons."""
    mixes = {
        "meridia": np.array([0.29, 0.35, 0.15, 0.08, 0.07, 0.06]),
        "solheim": np.array([0.07, 0.06, 0.06, 0.31, 0.26, 0.24]),
    }
    return mixes[partner.id] if world.has("simpson_fcr", partner) else REASON_MIX


def simpson_skill(world: World, partner: Partner) -> float:
    """Add to the logit of solving at first contact."""
    return {"meridia": 0.27, "solheim": -0.27}[partner.id] if world.has("simpson_fcr", partner) else 0.0


def overnight_share(world: World, partner: Partner) -> float:
    """Return the share of a partner's voice contacts that come at night."""
    if "overnight_exception" in world.plants:
        return 0.22 if partner.id == "solheim" else 0.0
    return 0.09 if partner.id in {"solheim", "baobab", "home"} else 0.0


def smarthome_share(world: World, partner: Partner) -> float:
    """Return the share of a partner's chats that concern the chat-only product."""
    if "smarthome_concentration" in world.plants:
        return 0.25 if partner.id == "meridia" else 0.0
    return 0.08


def restated_month(world: World, volume: pd.DataFrame) -> pd.DataFrame:
    """Put the first extract of the restated month, which counted too many in time, before the final one."""
    if "restated_month" not in world.plants:
        return volume
    rows = (volume["partner_id"] == "meridia") & during("restated_month", volume["interval_start"])
    first, final = volume[rows].copy(), volume.copy()
    late = (first["answered"] - first["answered_in_threshold"]).fillna(0).astype(int)
    first["answered_in_threshold"] += world.rng("restated").binomial(late, 0.42)
    final.loc[rows, "extracted_on"] = np.datetime64("2026-09-18", "s")
    return pd.concat([first, final], ignore_index=True)


def fcr_definition_change(world: World, partner: Partner, day: np.ndarray) -> np.ndarray:
    """Return the chance that an unsolved contact is flagged as solved all the same."""
    size = 0.23 if world.has("fcr_definition_change", partner) else 0.0
    return np.where(during("fcr_definition_change", day), size, 0.0)


def vendor_keeps(world: World, partner: Partner, contacts: pd.DataFrame) -> np.ndarray:
    """Return which contacts the partner leaves in its own report."""
    if not world.has("vendor_drops_hard_contacts", partner):
        return np.ones(len(contacts), dtype=bool)
    long_wait = (contacts["wait_s"].fillna(0) > 45).to_numpy()
    unresolved = ~contacts["resolved_first_contact"].fillna(value=True).to_numpy(dtype=bool)
    hidden = world.rng("vendor", "hidden").random(len(contacts)) < 0.75
    return ~(long_wait | contacts["transferred"].to_numpy() | (unresolved & hidden))


def attrition_wave(world: World, partner: Partner, agents: pd.DataFrame) -> pd.DataFrame:
    """Let half of one cohort leave between their fifth and twelfth week."""
    if not world.has("attrition_wave", partner):
        return agents
    rng = world.rng("wave")
    cohort = agents.index[agents["cohort"] == WAVE_COHORT].to_numpy()
    leavers = rng.permutation(cohort)[: len(cohort) // 2]
    weeks = rng.integers(35, 85, len(leavers)).astype("timedelta64[D]")
    agents.loc[leavers, "exit_date"] = agents.loc[leavers, "hire_date"].to_numpy() + weeks
    # Those who stay of this cohort stay for good: the wave is then exactly the stated share.
    agents.loc[np.setdiff1d(cohort, leavers), "exit_date"] = np.datetime64("NaT")
    return agents


def effective_action(world: World, partner: Partner, day: np.ndarray) -> np.ndarray:
    """Add to the chance of a transfer, until the action closed."""
    size = 0.07 if world.has("effective_action", partner) else 0.0
    return np.where(during("effective_action", day), size, 0.0)


def pilot_errors(world: World, partner: Partner, in_pilot: np.ndarray) -> np.ndarray:
    """Add to the chance of failing the customer-critical item."""
    size = -PLANTS["pilot_critical_errors"].size if world.has("pilot_critical_errors", partner) else 0.0
    return np.where(in_pilot, size, 0.0)


def pilot_lift(world: World, partner: Partner, in_pilot: np.ndarray) -> np.ndarray:
    """Add to the logit of a satisfied answer: what makes the pilot look good."""
    size = 0.22 if world.has("pilot_critical_errors", partner) else 0.0
    return np.where(in_pilot, size, 0.0)


def response_collapse(world: World, partner: Partner, day: np.ndarray) -> np.ndarray:
    """Multiply the chance that a survey is answered."""
    factor = 0.22 if world.has("response_collapse", partner) else 1.0
    return np.where(during("response_collapse", day), factor, 1.0)


def late_escalations(world: World, partner: Partner, opened: np.ndarray) -> np.ndarray:
    """Multiply the duration of escalations."""
    factor = PLANTS["late_escalations"].size if world.has("late_escalations", partner) else 1.0
    return np.where(during("late_escalations", opened), factor, 1.0)


def small_week(world: World, partner: Partner, day: np.ndarray) -> np.ndarray:
    """Multiply the volume."""
    factor = 1 + PLANTS["small_week"].size if world.has("small_week", partner) else 1.0
    return np.where(during("small_week", day), factor, 1.0)


def learning_curve(world: World, partner: Partner, tenure_days: np.ndarray) -> np.ndarray:
    """Return how far behind an agent still is: handle time is multiplied by one plus this."""
    behind, scale = (0.80, 60.0) if world.has("tenure_ramp", partner) else (0.12, 40.0)
    return behind * np.exp(-np.maximum(tenure_days, 0) / scale)


def watermelon(world: World, partner: Partner, day: np.ndarray) -> np.ndarray:
    """Add to the logit of a satisfied answer."""
    start = np.datetime64(PLANTS["watermelon"].start, "D")
    share = np.clip((day - start).astype(float) / (LAST_DAY - start).astype(float), 0, None)
    return (-0.95 if world.has("watermelon", partner) else 0.0) * share


# ---------------------------------------------------------------------------------------------------------------------
# Small tools
# ---------------------------------------------------------------------------------------------------------------------


def logit(share: np.ndarray | float) -> np.ndarray:
    return np.log(share) - np.log1p(-np.asarray(share))


def expit(value: np.ndarray | float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(value)))


def ar1(rng: np.random.Generator, n: int, *, phi: float, sd: float) -> np.ndarray:
    """Return a stationary autocorrelated series with mean 0 and standard deviation ``sd``."""
    shocks = rng.normal(0, sd * np.sqrt(1 - phi**2), n)
    values = np.empty(n)
    previous = rng.normal(0, sd)
    for i, shock in enumerate(shocks):
        previous = phi * previous + shock
        values[i] = previous
    return values


def monday(day: np.ndarray) -> np.ndarray:
    """Return the Monday of each day's week (1970-01-05 was one)."""
    epoch = np.datetime64("1970-01-05", "D")
    return epoch + ((day - epoch).astype(int) // 7 * 7).astype("timedelta64[D]")


def month_of(time: np.ndarray | pd.Series) -> np.ndarray:
    """Return the first day of each time's month."""
    return np.asarray(time).astype("datetime64[M]").astype("datetime64[D]")


def seconds(value: np.ndarray | pd.Series | float) -> np.ndarray:
    """Return a duration in whole seconds as a timedelta; missing stays missing."""
    value = np.asarray(value, dtype=float)
    whole = np.where(np.isnan(value), 0, np.round(value)).astype("int64").astype("timedelta64[s]")
    return np.where(np.isnan(value), np.timedelta64("NaT", "s"), whole)


def flags(values: np.ndarray, *, known: np.ndarray) -> pd.arrays.BooleanArray:
    """Return nullable booleans: missing where nothing is known."""
    return pd.arrays.BooleanArray(np.asarray(values, dtype=bool), ~np.asarray(known, dtype=bool))


def calendar_factor(day: np.ndarray) -> np.ndarray:
    """Return the expected volume of a day against an average day: weekday, time of year, holidays."""
    weekday = WEEKDAY[(day.astype("datetime64[D]").astype(int) - 4) % 7]
    day_of_year = (day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
    season = 1 + 0.10 * np.cos(2 * np.pi * (day_of_year - 15) / 365.25)
    holidays = np.array(list(HOLIDAYS), dtype="datetime64[D]")
    holiday = np.where(np.isin(day, holidays), 0.55, np.where(np.isin(day, holidays + 1), 1.20, 1.0))
    return weekday * season * holiday


def event_factor(day: np.ndarray) -> np.ndarray:
    """Return the effect of the client's own dated events on volume; both are in the events table."""
    campaign = (day >= np.datetime64("2026-03-09")) & (day <= np.datetime64("2026-03-22"))
    outage = day == np.datetime64("2025-11-18")
    return np.where(outage, 1.7, np.where(campaign, 1.2, 1.0))


def excused_days(partner: Partner, day: np.ndarray) -> np.ndarray:
    """Add to the logit of being answered in time: the one excused event on record."""
    typhoon = (day >= np.datetime64("2025-09-22")) & (day <= np.datetime64("2025-09-24"))
    return np.where(typhoon & (partner.id == "kestrel"), -1.5, 0.0)


# ---------------------------------------------------------------------------------------------------------------------
# People: roster, pilot arms, training, who works on which day
# ---------------------------------------------------------------------------------------------------------------------


def levels(rng: np.random.Generator, n: int, *, sd: float) -> np.ndarray:
    """Draw the levels of a hiring class, with mean 0."""
    drawn = rng.normal(0, sd, n)
    return drawn - drawn.mean()


def hire(rng: np.random.Generator, partner: Partner, first_number: int, hired: np.ndarray) -> pd.DataFrame:
    """Return one row per new agent; columns that begin with an underscore are an agent's hidden level."""
    numbers = np.arange(first_number, first_number + len(hired))
    return pd.DataFrame(
        {
            "agent_id": [f"{partner.prefix}-{number:03d}" for number in numbers],
            "partner_id": partner.id,
            "site": [partner.sites[number % len(partner.sites)] for number in numbers],
            "team": [f"{partner.prefix}-team-{1 + number // 2 % 3}" for number in numbers],
            "cohort": hired.astype("datetime64[M]").astype(str),
            "hire_date": hired,
            "prod_date": hired + np.timedelta64(21, "D"),
            "exit_date": np.full(len(hired), np.datetime64("NaT", "D")),
            "_handle": np.exp(levels(rng, len(hired), sd=0.09)),
            "_fcr": levels(rng, len(hired), sd=0.48),
            "_csat": levels(rng, len(hired), sd=0.44),
            "_qa": levels(rng, len(hired), sd=0.035),
            "_replaced": False,
        }
    )


def succeed(agents: pd.DataFrame, joined: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give newcomers the levels of those they replace: agents differ, but turnover does not move their partner."""
    hidden = ["_handle", "_fcr", "_csat", "_qa"]
    gone = agents.index[agents["exit_date"].notna() & ~agents["_replaced"]][: len(joined)]
    joined.loc[joined.index[: len(gone)], hidden] = agents.loc[gone, hidden].to_numpy()
    agents.loc[gone, "_replaced"] = True
    return agents, joined


def leave(rng: np.random.Generator, agents: pd.DataFrame, month: np.datetime64) -> pd.DataFrame:
    """Let some agents leave in a month; the first ninety days are riskier, as they are everywhere."""
    here = agents["exit_date"].isna().to_numpy()
    new = (month - agents["hire_date"].to_numpy().astype("datetime64[D]")).astype(int) < 90
    leaves = here & (rng.random(len(agents)) < np.where(new, 0.04, 0.022))
    day = month + rng.integers(0, 28, len(agents)).astype("timedelta64[D]")
    agents.loc[leaves, "exit_date"] = day[leaves]
    return agents


def make_roster(rng: np.random.Generator, world: World, partner: Partner) -> pd.DataFrame:
    """Simulate hiring and leaving, month by month, over the full span."""
    first_hires = FIRST_DAY - (30 * rng.integers(2, 30, partner.heads)).astype("timedelta64[D]")
    live = np.datetime64(partner.go_live, "D")
    agents = hire(rng, partner, 1, month_of(np.maximum(np.sort(first_hires), live)))
    for month in month_of(np.arange(FIRST_DAY.astype("datetime64[M]"), LAST_DAY.astype("datetime64[M]") + 1)):
        grown = partner.later_heads and month >= np.datetime64(f"{WAVE_COHORT}-01")
        vacant = (partner.later_heads if grown else partner.heads) - int(agents["exit_date"].isna().sum())
        # Two vacancies make a class; the ramp-up of one partner is one large class.
        if vacant >= 2 and not (partner.later_heads and month > np.datetime64(f"{WAVE_COHORT}-01")):
            joined = hire(rng, partner, 1 + len(agents), np.full(vacant, month))
            agents = pd.concat(succeed(agents, joined), ignore_index=True)
        agents = leave(rng, agents, month)
    return attrition_wave(world, partner, agents)


def roster_table(rng: np.random.Generator, agents: pd.DataFrame) -> pd.DataFrame:
    """Return the roster as exported: without the hidden columns."""
    table = agents[[column for column in agents if not column.startswith("_")]].copy()
    left = table["exit_date"].notna()
    table["exit_type"] = np.where(
        left, rng.choice(["resigned", "dismissed", "moved"], len(table), p=[0.7, 0.2, 0.1]), None
    )
    table["skill"] = "multi"
    table["fte"] = 0.2
    table["valid_from"] = table["hire_date"]
    table["valid_to"] = table["exit_date"]
    return table


def pilot_units(rng: np.random.Generator, agents: pd.DataFrame) -> pd.DataFrame:
    """Pair the Sólheim agents who were there for the whole pilot by their earlier level; draw one of each pair."""
    present = (agents["prod_date"] <= PILOT_START) & ~(agents["exit_date"] <= PILOT_END)
    units = agents[present & (agents["partner_id"] == "solheim")].sort_values("_csat")["agent_id"].to_numpy()
    pairs = [rng.permutation(["pilot", "baseline"]) for _ in range((len(units) + 1) // 2)]
    arm = np.concatenate(pairs)[: len(units)]
    return pd.DataFrame(
        {
            "pilot_id": "suggested-replies",
            "unit": units,
            "partner_id": "solheim",
            "arm": arm,
            "valid_from": PILOT_START,
            "valid_to": PILOT_END,
        }
    )


def is_pilot(agent_id: pd.Series, day: np.ndarray, arms: pd.Series) -> np.ndarray:
    """Return which contacts an agent of the pilot arm had while the pilot ran."""
    return (agent_id.map(arms) == "pilot").to_numpy() & (day >= PILOT_START) & (day <= PILOT_END)


def employed_on(agents: pd.DataFrame, day: np.ndarray) -> np.ndarray:
    """Return a days x agents table of who is in production."""
    since = agents["prod_date"].to_numpy().astype("datetime64[D]")
    until = agents["exit_date"].fillna(LAST_DAY + 1).to_numpy().astype("datetime64[D]")
    return (since[None, :] <= day[:, None]) & (day[:, None] < until[None, :])


UPDATE_TITLES = (
    "New wording for {}",
    "Changed process: {}",
    "Known fault: {}",
    "Refund rule: {}",
    "Checklist: {}",
    "Price list: {}",
)


def make_updates(rng: np.random.Generator) -> pd.DataFrame:
    """One mandatory update a week, and now and then a voluntary one from the website."""
    weeks = np.arange(monday(FIRST_DAY) + 7, LAST_DAY - 4, 7)
    n = len(weeks)
    reasons = rng.choice(REASONS, n)
    titles = rng.choice(UPDATE_TITLES, n)
    late_notice = rng.random(n) < 0.12
    mandatory = pd.DataFrame(
        {
            "update_id": [f"upd-{1 + i:03d}" for i in range(n)],
            "source": rng.choice(["client", "account_manager"], n, p=[0.7, 0.3]),
            "title": [title.format(reason.replace("_", " ")) for title, reason in zip(titles, reasons, strict=True)],
            "announced_on": weeks - np.where(late_notice, 0, 7).astype("timedelta64[D]"),
            "effective_on": weeks + 4,
            "agreed_lead_days": 7,
            "mandatory": True,
            "reason": reasons,
        }
    )
    voluntary = mandatory.iloc[::9].assign(source="website", mandatory=False, agreed_lead_days=0)
    voluntary["update_id"] = [f"web-{1 + i:03d}" for i in range(len(voluntary))]
    voluntary["title"] = "Help page changed: " + voluntary["reason"].str.replace("_", " ")
    return pd.concat([mandatory, voluntary], ignore_index=True)


def train(
    rng: np.random.Generator, world: World, partner: Partner, agents: pd.DataFrame, updates: pd.DataFrame
) -> pd.DataFrame:
    """Return who of the roster learned each mandatory update, in time, late or not at all."""
    due = updates.loc[updates["mandatory"], "effective_on"].to_numpy().astype("datetime64[D]")
    week, agent = np.nonzero(employed_on(agents, due))
    n = len(week)
    chance = training_swings(world, partner, world.rng("swings", partner.id), len(due))[week]
    u = rng.random(n)
    late = ~(u < chance) & (rng.random(n) < 0.6)
    shift = np.where(u < chance, -rng.integers(0, 4, n), rng.integers(1, 11, n)).astype("timedelta64[D]")
    done = (u < chance) | late
    trained = np.where(done, due[week] + shift, np.datetime64("NaT"))
    trained[trained > LAST_DAY] = np.datetime64("NaT")
    score = np.clip(np.round(rng.normal(88, 7, n)), 40, 100)
    missing = np.isnat(trained)
    return pd.DataFrame(
        {
            "update_id": updates["update_id"].to_numpy()[week],
            "agent_id": agents["agent_id"].to_numpy()[agent],
            "partner_id": partner.id,
            "site": agents["site"].to_numpy()[agent],
            "assigned_on": due[week] - 4,
            "due_on": due[week],
            "acknowledged_on": np.where(missing, np.datetime64("NaT"), np.maximum(trained - 1, due[week] - 4)),
            "trained_on": trained,
            "passed": flags(score >= 75, known=~missing),
            "score": np.where(missing, np.nan, score),
        }
    )


def weekly_completion(training: pd.DataFrame) -> pd.Series:
    """Return the share of the due that were learned in time, by Monday of the week due."""
    in_time = training["trained_on"] <= training["due_on"]
    return in_time.groupby(monday(training["due_on"].to_numpy().astype("datetime64[D]"))).mean()


class Rota(NamedTuple):
    """Days x agents: who was scheduled, unexpectedly absent, on leave, and there."""

    scheduled: np.ndarray
    absent: np.ndarray
    leave: np.ndarray
    present: np.ndarray


def make_rota(rng: np.random.Generator, world: World, partner: Partner, agents: pd.DataFrame) -> Rota:
    """Schedule as many agents a day as the expected volume needs."""
    employed = employed_on(agents, world.days)
    expected = sum(partner.per_day.values()) * calendar_factor(world.days)
    wanted = np.maximum(np.ceil(expected / CONTACTS_PER_AGENT_DAY), 3)
    rank = np.where(employed, rng.random(employed.shape), np.inf).argsort(axis=1).argsort(axis=1)
    scheduled = employed & (rank < wanted[:, None])
    draw = rng.random(employed.shape)
    absent, on_leave = scheduled & (draw < partner.absence), scheduled & (draw > 0.94)
    # A desk is never empty: where all would be away, nobody is.
    full = (scheduled & ~absent & ~on_leave).any(axis=1)[:, None]
    absent, on_leave = absent & full, on_leave & full
    return Rota(scheduled, absent, on_leave, scheduled & ~absent & ~on_leave)


def agent_time(
    rng: np.random.Generator, world: World, partner: Partner, agents: pd.DataFrame, rota: Rota, contacts: pd.DataFrame
) -> pd.DataFrame:
    """Return the seconds of each scheduled agent-day; handling is the sum over the agent's contacts."""
    day, agent = np.nonzero(rota.scheduled)
    there = rota.present[day, agent]
    n = len(day)
    block = 900 * round(BLOCK_S * partner.handle / 900)
    handled = contacts[contacts["_agent"] >= 0]
    busy = np.zeros(rota.scheduled.shape)
    np.add.at(busy, (handled["_day"], handled["_agent"]), handled[["talk_s", "hold_s", "acw_s"]].sum(axis=1))
    handling = busy[day, agent]
    aux = np.where(there, block * rng.beta(12, 88, n), 0).round()
    worked = np.where(there, np.maximum(block * (1 - rng.beta(2, 60, n)), handling + aux), 0).round()
    return pd.DataFrame(
        {
            "agent_id": agents["agent_id"].to_numpy()[agent],
            "partner_id": partner.id,
            "date": world.days[day],
            "site": agents["site"].to_numpy()[agent],
            "team": agents["team"].to_numpy()[agent],
            "scheduled_s": block,
            "worked_s": worked,
            "available_s": worked - handling - aux,
            "handling_s": handling,
            "aux_s": aux,
            "absent_s": np.where(rota.absent[day, agent], block, 0),
            "planned_leave_s": np.where(rota.leave[day, agent], block, 0),
            "adherent_s": np.where(
                there, block * rng.beta(38, 2, n), np.where(rota.leave[day, agent], block, 0)
            ).round(),
        }
    ).sort_values(["agent_id", "date"], ignore_index=True)


# ---------------------------------------------------------------------------------------------------------------------
# Contacts
# ---------------------------------------------------------------------------------------------------------------------


def arrivals(rng: np.random.Generator, world: World, partner: Partner, channel: str) -> pd.DataFrame:
    """Return one row per contact of a channel: when, which product, which reason."""
    days = world.days
    noise = np.exp(ar1(rng, len(days), phi=0.35, sd=0.11))
    expected = partner.per_day[channel] * calendar_factor(days) * event_factor(days) * small_week(world, partner, days)
    number = np.repeat(np.arange(len(days)), rng.poisson(expected * noise))
    n = len(number)
    night = overnight_share(world, partner) if channel == "voice" else 0.0
    shift = rng.choice(list(SHIFT_START_H), n, p=[0.68 * (1 - night), 0.32 * (1 - night), night])
    smart = smarthome_share(world, partner) if channel == "chat" else 0.0
    product = rng.choice(["broadband", "mobile", "smarthome"], n, p=[0.58 * (1 - smart), 0.42 * (1 - smart), smart])
    created = days[number].astype("datetime64[s]") + second_of_day(rng, shift).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "created_at": created,
            "channel": channel,
            "product": product,
            "shift": shift,
            "_reason": rng.choice(len(REASONS), n, p=simpson_mix(world, partner)),
            "_day": number,
        }
    )


def second_of_day(rng: np.random.Generator, shift: np.ndarray) -> np.ndarray:
    """Draw a time inside each contact's shift; the night wraps round midnight but stays on its date."""
    start = pd.Series(shift).map(SHIFT_START_H).to_numpy()
    hours = pd.Series(shift).map(SHIFT_HOURS).to_numpy()
    return ((start + hours * rng.beta(1.4, 1.6, len(shift))) % 24 * 3600).astype(int)


def assign(rng: np.random.Generator, contacts: pd.DataFrame, rota: Rota) -> np.ndarray:
    """Give every contact to an agent who is there that day."""
    day = contacts["_day"].to_numpy()
    present_first = (~rota.present).argsort(axis=1, kind="stable")
    slot = (rng.random(len(day)) * rota.present.sum(axis=1)[day]).astype(int)
    return present_first[day, slot]


def waits(rng: np.random.Generator, world: World, partner: Partner, contacts: pd.DataFrame) -> pd.DataFrame:
    """Return wait and abandonment of voice and chat; an email waits in no queue."""
    days, channel = world.days, contacts["channel"]
    threshold, patience_s = (
        channel.map(THRESHOLD_S).to_numpy(dtype=float),
        channel.map(PATIENCE_S).to_numpy(dtype=float),
    )
    day_logit = logit(partner.service_level) + ar1(rng, len(days), phi=0.35, sd=0.32)
    day_logit += service_level_shift(world, partner, days) + excused_days(partner, days)
    n = len(contacts)
    odds = logit(rng.uniform(1e-6, 1 - 1e-6, n)) - day_logit[contacts["_day"]]
    wait = np.minimum(threshold * np.exp(odds / WAIT_SHAPE), 2400)
    hang_up_at_once = rng.random(n) < 0.012
    patience = np.where(hang_up_at_once, rng.uniform(1, 6, n), 4 + rng.exponential(patience_s))
    abandoned = patience < wait
    return pd.DataFrame({"wait_s": np.floor(np.fmin(wait, patience)), "abandoned": abandoned})


def handle_times(
    rng: np.random.Generator, world: World, partner: Partner, contacts: pd.DataFrame, agents: pd.DataFrame
) -> pd.DataFrame:
    """Return talk, hold and after-contact seconds; missing where nobody answered."""
    n, day = len(contacts), world.days[contacts["_day"]]
    level = contacts["channel"].map(HANDLE_S).to_numpy() * REASON_HANDLE[contacts["_reason"]] * partner.handle
    level = level * agents["_handle"].to_numpy()[contacts["_agent"]] * aht_trend(world, partner, day)
    level = level * (1 + learning_curve(world, partner, tenure(contacts, agents, day)))
    total = level * np.exp(rng.normal(-0.10, 0.45, n))
    after = np.where(contacts["channel"] == "voice", 0.16, 0.07) * rng.uniform(0.5, 1.5, n)
    hold = np.where((contacts["channel"] == "voice") & (rng.random(n) < 0.25), rng.uniform(0.05, 0.25, n), 0.0)
    times = pd.DataFrame({"talk_s": total * (1 - after - hold), "hold_s": total * hold, "acw_s": total * after})
    return times.round().where(~contacts["abandoned"])


def tenure(contacts: pd.DataFrame, agents: pd.DataFrame, day: np.ndarray) -> np.ndarray:
    """Return the days the agent has been in production."""
    since = agents["prod_date"].to_numpy().astype("datetime64[D]")
    return (day - since[contacts["_agent"]]).astype(int)


def outcomes(
    rng: np.random.Generator, world: World, partner: Partner, contacts: pd.DataFrame, agents: pd.DataFrame
) -> pd.DataFrame:
    """Return how each contact ended: solved or not, passed on, escalated, opened again."""
    n, day = len(contacts), world.days[contacts["_day"]]
    answered = ~contacts["abandoned"].to_numpy()
    skill = agents["_fcr"].to_numpy()[contacts["_agent"]] + simpson_skill(world, partner)
    behind = learning_curve(world, partner, tenure(contacts, agents, day))
    chance = expit(logit(partner.fcr) + REASON_FCR[contacts["_reason"]] + skill - 0.5 * behind)
    solved = answered & (rng.random(n) < chance)
    flagged = solved | (rng.random(n) < fcr_definition_change(world, partner, day))
    hard = np.isin(contacts["_reason"], range(len(HARD)))
    transfer = partner.transfer + effective_action(world, partner, day) + np.where(hard, 0.02, -0.02)
    transferred = answered & (rng.random(n) < transfer)
    escalated = answered & (rng.random(n) < partner.escalate * np.where(hard, 1.5, 0.5))
    again = answered & ~solved & (rng.random(n) < 0.22)
    return pd.DataFrame(
        {
            "_solved": solved,
            "resolved_first_contact": flags(flagged, known=answered),
            "transferred": transferred,
            "escalated": escalated,
            "reopens": np.where(again, 1 + (rng.random(n) < 0.1), 0),
            "handoffs": transferred.astype(int) + escalated,
        }
    )


def closing(rng: np.random.Generator, partner: Partner, contacts: pd.DataFrame) -> pd.DataFrame:
    """Return when each contact was answered, first replied to and solved, and whether in the time agreed."""
    n = len(contacts)
    created, email = contacts["created_at"].to_numpy(), (contacts["channel"] == "email").to_numpy()
    abandoned, solved = contacts["abandoned"].to_numpy(), contacts["_solved"].to_numpy()
    worked = contacts[["talk_s", "hold_s", "acw_s"]].sum(axis=1).to_numpy()
    answered = created + seconds(np.where(abandoned | email, np.nan, contacts["wait_s"]))
    reply = created + seconds(np.where(email, 3600 * np.exp(rng.normal(1.4, 0.6, n)), np.nan))
    # Most unsolved contacts are solved by a later piece of work: in hours for email, in days for the others.
    high = rng.random(n) < 0.2
    limit = np.where(high, 24, 48)
    hours = limit * np.exp((logit(rng.uniform(1e-6, 1 - 1e-6, n)) - logit(partner.sla)) / 2.2)
    end = np.where(
        email, np.maximum(reply + seconds(worked), created + seconds(3600 * hours)), answered + seconds(worked)
    )
    pending = ~email & ~solved & (rng.random(n) < 0.25)
    end = np.where(pending, end + seconds(86400 * rng.uniform(0.5, 5, n)), end).astype("datetime64[s]")
    known = ~abandoned & (end < EXTRACTED)
    overdue = created + seconds(3600.0 * limit) < EXTRACTED
    in_time = known & (end <= created + seconds(3600.0 * limit))
    return pd.DataFrame(
        {
            "priority": np.where(email, np.where(high, "high", "normal"), None),
            "answered_at": answered,
            "first_reply_at": np.where(reply < EXTRACTED, reply, np.datetime64("NaT")),
            "solved_at": np.where(known, end, np.datetime64("NaT")),
            "sla_met": flags(in_time, known=email & (known | overdue)),
            "status": np.where(abandoned, "abandoned", np.where(known, "solved", "open")),
        }
    )


def link_customers(rng: np.random.Generator, contacts: pd.DataFrame) -> np.ndarray:
    """Return a hashed customer per contact: who was not helped tends to come back with the same reason."""
    n = len(contacts)
    created = contacts["created_at"].to_numpy().astype("datetime64[s]").astype("int64")
    returns = rng.random(n) < np.where(contacts["_solved"], 0.04, 0.36)
    wanted = created + 3600 + rng.exponential(2.2 * 86400, n).astype(int)
    parent = np.arange(n)
    for rows in contacts.groupby(["_reason", "product"]).indices.values():
        source = rows[returns[rows]]
        target = np.searchsorted(created[rows], wanted[source])
        source, target = source[target < len(rows)], target[target < len(rows)]
        target, first = np.unique(target, return_index=True)  # a contact follows at most one other
        parent[rows[target]] = source[first]
    while (parent != parent[parent]).any():
        parent = parent[parent]
    customer, where = np.unique(rng.integers(0, CUSTOMERS, n)[parent], return_inverse=True)
    return np.array([hashlib.blake2b(f"sample-{c}".encode(), digest_size=4).hexdigest() for c in customer])[where]


def simulate(world: World, partner: Partner, agents: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a partner's contacts, with hidden columns, and its agent-days."""
    frames = [
        arrivals(world.rng("arrivals", partner.id, channel), world, partner, channel) for channel in partner.per_day
    ]
    contacts = pd.concat(frames, ignore_index=True).sort_values("created_at", kind="stable", ignore_index=True)
    rota = make_rota(world.rng("rota", partner.id), world, partner, agents)
    contacts["_agent"] = assign(world.rng("assign", partner.id), contacts, rota)
    contacts = contacts.join(waits(world.rng("waits", partner.id), world, partner, contacts))
    contacts = contacts.join(handle_times(world.rng("handle", partner.id), world, partner, contacts, agents))
    contacts = contacts.join(outcomes(world.rng("outcomes", partner.id), world, partner, contacts, agents))
    contacts = contacts.join(closing(world.rng("closing", partner.id), partner, contacts))
    contacts["customer_key"] = link_customers(world.rng("customers", partner.id), contacts)
    contacts.insert(0, "interaction_id", [f"{partner.prefix}-{1 + i:06d}" for i in range(len(contacts))])
    contacts["partner_id"] = partner.id
    contacts["reason"] = np.array(REASONS)[contacts["_reason"]]
    answered = ~contacts["abandoned"]
    contacts["site"] = agents["site"].to_numpy()[contacts["_agent"]]
    for column in ("agent_id", "team"):
        contacts[column] = np.where(answered, agents[column].to_numpy()[contacts["_agent"]], None)
    contacts["_agent"] = contacts["_agent"].where(answered, -1)
    time = agent_time(world.rng("agent-time", partner.id), world, partner, agents, rota, contacts)
    return contacts, time


INTERACTION_COLUMNS = [
    "interaction_id", "partner_id", "created_at", "site", "channel", "product", "reason", "agent_id", "team",
    "customer_key", "priority", "shift", "answered_at", "first_reply_at", "solved_at", "wait_s", "talk_s", "hold_s",
    "acw_s", "abandoned", "transferred", "escalated", "reopens", "resolved_first_contact", "sla_met", "handoffs",
    "status",
]  # fmt: skip


def make_volume(world: World, interactions: pd.DataFrame) -> pd.DataFrame:
    """Sum the interactions by day; every count and every second of ``volume`` comes from them."""
    rows = interactions.assign(interval_start=interactions["created_at"].to_numpy().astype("datetime64[D]"))
    queue, abandoned = rows["channel"].map(THRESHOLD_S), rows["abandoned"]
    in_time = rows["wait_s"] <= queue
    counted = pd.DataFrame(
        {
            "offered": 1,
            "answered": ~abandoned,
            "answered_in_threshold": ~abandoned & in_time,
            "abandoned": abandoned,
            "abandoned_short": abandoned & (rows["wait_s"] <= SHORT_S),
            "abandoned_in_threshold": abandoned & in_time,
            "handled": ~abandoned,
            "transferred": rows["transferred"],
            "escalated": rows["escalated"],
            "reopened": rows["reopens"] > 0,
            "wait_answered_s": rows["wait_s"].where(~abandoned, 0),
            "wait_abandoned_s": rows["wait_s"].where(abandoned, 0),
            "talk_s": rows["talk_s"],
            "hold_s": rows["hold_s"],
            "acw_s": rows["acw_s"],
        }
    ).fillna(0).astype(int)  # fmt: skip
    keys = [rows[key] for key in VOLUME_KEY]
    volume = counted.groupby(keys, sort=True).sum()
    volume["max_wait_s"] = rows["wait_s"].groupby(keys, sort=True).max()
    volume = volume.reset_index()
    return restated_month(world, mark_extract(without_queue_columns(volume)))


def without_queue_columns(volume: pd.DataFrame) -> pd.DataFrame:
    """Leave the queue's columns of email empty: an email is not answered within seconds, nor abandoned."""
    queue = volume["channel"].map(THRESHOLD_S)
    columns = [
        "answered", "answered_in_threshold", "abandoned", "abandoned_short", "abandoned_in_threshold",
        "wait_answered_s", "wait_abandoned_s", "max_wait_s",
    ]  # fmt: skip
    volume[columns] = volume[columns].where(queue.notna())
    volume["threshold_s"] = queue
    volume["short_s"] = queue.where(queue.isna(), SHORT_S)
    volume["interval_minutes"] = 1440
    return volume


def mark_extract(volume: pd.DataFrame) -> pd.DataFrame:
    """Date every row with the day after its month ended, when it was exported."""
    month = volume["interval_start"].to_numpy().astype("datetime64[M]")
    volume["extracted_on"] = (month + 1).astype("datetime64[s]")
    return volume


# ---------------------------------------------------------------------------------------------------------------------
# Surveys, quality, escalations
# ---------------------------------------------------------------------------------------------------------------------


def satisfaction(
    world: World, partner: Partner, contacts: pd.DataFrame, agents: pd.DataFrame, completion: pd.Series, arms: pd.Series
) -> np.ndarray:
    """Return the chance that each customer is satisfied."""
    day = world.days[contacts["_day"]]
    solved = contacts["_solved"].to_numpy()
    value = logit(partner.csat) + np.where(solved, 0.45, -0.95) + agents["_csat"].to_numpy()[contacts["_agent"]]
    value += np.where(contacts["wait_s"] > 120, -0.5, 0.05)
    value += pilot_lift(world, partner, is_pilot(contacts["agent_id"], day, arms))
    # A survey goes out the morning after, so the week that counts is the week it is sent in.
    return expit(value + training_lead(world, partner, completion, day + 1) + watermelon(world, partner, day))


def draw_score(rng: np.random.Generator, kind: np.ndarray, satisfied: np.ndarray) -> np.ndarray:
    """Draw an answer on the scale of its survey: csat 1-5, nps 0-10, ces 1-7 (7 is easy)."""
    n = len(kind)
    csat = np.where(satisfied, rng.choice([4, 5], n, p=[0.4, 0.6]), rng.choice([1, 2, 3], n, p=[0.35, 0.25, 0.40]))
    glad = rng.choice([10, 9, 8, 7, 6], n, p=[0.35, 0.25, 0.22, 0.11, 0.07])
    sorry = rng.choice([9, 8, 7, 6, 4, 2, 0], n, p=[0.05, 0.10, 0.15, 0.25, 0.20, 0.15, 0.10])
    ces = np.where(
        satisfied, rng.choice([5, 6, 7], n, p=[0.3, 0.4, 0.3]), rng.choice([1, 2, 3, 4], n, p=[0.1, 0.2, 0.3, 0.4])
    )
    return np.select([kind == "csat", kind == "nps"], [csat, np.where(satisfied, glad, sorry)], ces)


def make_surveys(
    world: World, partner: Partner, contacts: pd.DataFrame, agents: pd.DataFrame, completion: pd.Series, arms: pd.Series
) -> pd.DataFrame:
    """Send a survey after some contacts and let some customers answer it."""
    rng = world.rng("surveys", partner.id)
    day = world.days[contacts["_day"]]
    pilot = (partner.id == "solheim") & (day >= PILOT_START) & (day <= PILOT_END)  # the pilot asks every customer
    asked = (rng.random(len(contacts)) < np.where(pilot, 0.95, partner.surveyed)) & ~contacts["abandoned"]
    satisfied = (rng.random(len(contacts)) < satisfaction(world, partner, contacts, agents, completion, arms))[asked]
    sent = (day[asked] + 1).astype("datetime64[s]") + np.timedelta64(9, "h")
    rows = contacts.loc[asked, ["interaction_id", "partner_id", "channel", "product", "reason", "agent_id", "_solved"]]
    n = len(rows)
    kind = rng.choice(["csat", "nps", "ces"], n, p=[0.76, 0.15, 0.09])
    answers = rng.random(n) < partner.response * response_collapse(world, partner, day[asked])
    at = sent + seconds(np.where(answers, 60 + rng.exponential(5 * 3600, n), np.nan))
    at[at >= EXTRACTED] = np.datetime64("NaT")
    answered = ~np.isnat(at)
    agrees = rng.random(n) < 0.9
    surveys = pd.DataFrame(
        {
            "survey_id": "",
            **rows.drop(columns="_solved").to_dict("series"),
            "type": kind,
            "scale_min": np.where(kind == "nps", 0, 1),
            "scale_max": np.select([kind == "csat", kind == "nps"], [5, 10], 7),
            "score": np.where(answered, draw_score(rng, kind, satisfied), np.nan),
            "sent_at": sent,
            "answered_at": at,
            "resolved_answer": flags(rows["_solved"] == agrees, known=answered),
            "comment_category": comment(rng, answered, satisfied),
        }
    )
    surveys = surveys[surveys["sent_at"] < EXTRACTED].sort_values("sent_at", kind="stable", ignore_index=True)
    surveys["survey_id"] = [f"{partner.prefix}-s{1 + i:05d}" for i in range(len(surveys))]
    return surveys


def comment(rng: np.random.Generator, answered: np.ndarray, satisfied: np.ndarray) -> np.ndarray:
    """Give some answers a comment category."""
    n = len(answered)
    bad = rng.choice(["not_solved", "waited_too_long", "unclear_answer", "sent_elsewhere"], n, p=[0.4, 0.25, 0.2, 0.15])
    good = rng.choice(["helpful_agent", "quick"], n)
    commented = answered & (rng.random(n) < np.where(satisfied, 0.2, 0.6))
    return np.where(commented, np.where(satisfied, good, bad), None)


def sample_cases(rng: np.random.Generator, world: World, partner: Partner, contacts: pd.DataFrame) -> pd.DataFrame:
    """Choose the contacts to evaluate: at random within a month, more of them while the pilot runs."""
    handled = contacts[contacts["_agent"] >= 0]
    month = month_of(world.days[handled["_day"]])
    frames = []
    for first in np.unique(month):
        rows = handled[month == first]
        piloted = partner.id == "solheim" and np.datetime64("2026-07-01") <= first < np.datetime64("2026-10-01")
        wanted = min(170 if piloted else 36, len(rows))
        chosen = rows.iloc[np.sort(rng.choice(len(rows), wanted, replace=False))]
        calibrated = rng.permutation(wanted) < (0 if partner.kind == "inhouse" else 6)
        frames.append(chosen.assign(_probability=wanted / len(rows), _calibrated=calibrated, _month=first))
    return pd.concat(frames, ignore_index=True)


def case_truth(
    rng: np.random.Generator, world: World, partner: Partner, cases: pd.DataFrame, agents: pd.DataFrame, arms: pd.Series
) -> np.ndarray:
    """Return what a fair rater would give, cases x items."""
    n, day = len(cases), world.days[cases["_day"]]
    behind = learning_curve(world, partner, tenure(cases, agents, day))
    level = partner.qa - 0.025 + agents["_qa"].to_numpy()[cases["_agent"]] - 0.04 * behind + rng.normal(0, 0.03, n)
    extra = pilot_errors(world, partner, is_pilot(cases["agent_id"], day, arms))
    points = []
    for _, _, criticality, fails in QA_ITEMS:
        graded = rng.binomial(QA_POINTS, np.clip(level, 0.3, 0.985))
        passed = rng.random(n) >= fails + np.where(criticality == "customer", extra, 0)
        points.append(graded if criticality == "none" else QA_POINTS * passed)
    return np.column_stack(points)


def evaluation_plan(cases: pd.DataFrame, partner: Partner) -> pd.DataFrame:
    """List the evaluations: one grading per case, and three calibration ratings per calibrated case."""
    index = np.arange(len(cases))
    by_client = (index % 3 != 0) | (partner.kind == "inhouse")
    grading = pd.DataFrame({"_case": index, "rater_org": np.where(by_client, "client", "bpo"), "purpose": "grading"})
    calibrated = np.flatnonzero(cases["_calibrated"])
    ratings = [("client", "calibration"), ("bpo", "calibration"), ("client", "calibration_final")]
    extra = [pd.DataFrame({"_case": calibrated, "rater_org": org, "purpose": purpose}) for org, purpose in ratings]
    plan = pd.concat([grading, *extra], ignore_index=True).sort_values("_case", kind="stable", ignore_index=True)
    number = np.where(plan["purpose"] == "calibration_final", 9, 1 + plan["_case"] % 3)
    plan["rater_id"] = np.where(plan["rater_org"] == "client", "client", partner.prefix) + pd.Series(number).map(
        "-qa{}".format
    )
    return plan


def rate(rng: np.random.Generator, world: World, partner: Partner, truth: np.ndarray, plan: pd.DataFrame) -> np.ndarray:
    """Return the points given, evaluations x items: the truth with a rater's error and a lenient rater's gift."""
    points = truth[plan["_case"]]
    graded = np.array([criticality == "none" for _, _, criticality, _ in QA_ITEMS])
    error = rng.choice([-1, 0, 1], points.shape, p=[0.12, 0.76, 0.12])
    error[plan["purpose"] == "calibration_final"] = 0
    points = np.where(graded, np.clip(points + error, 0, QA_POINTS), points)
    gift = lenient_rater(world, partner, rng, np.where(graded, points, QA_POINTS))
    return points + np.where((plan["rater_org"] == "bpo").to_numpy()[:, None] & graded, gift, 0)


def make_qa(
    world: World, partner: Partner, contacts: pd.DataFrame, agents: pd.DataFrame, arms: pd.Series
) -> pd.DataFrame:
    """Return quality evaluations, one row per item."""
    rng = world.rng("qa", partner.id)
    cases = sample_cases(rng, world, partner, contacts)
    truth = case_truth(rng, world, partner, cases, agents, arms)
    plan = evaluation_plan(cases, partner)
    points = rate(rng, world, partner, truth, plan)
    case = cases.iloc[plan["_case"]].reset_index(drop=True)
    delay = np.where(plan["purpose"] == "grading", rng.integers(1, 4, len(plan)), 4).astype("timedelta64[D]")
    plan["evaluated_at"] = (world.days[case["_day"]] + delay).astype("datetime64[s]") + np.timedelta64(10, "h")
    plan["evaluation_id"] = [f"{partner.prefix}-q{1 + i:05d}" for i in range(len(plan))]
    session = f"{partner.prefix}-cal-" + pd.Series(case["_month"].to_numpy().astype("datetime64[M]").astype(str))
    plan["session_id"] = session.where(plan["purpose"] != "grading", None)
    plan["inclusion_probability"] = case["_probability"].round(4)
    for column in ("interaction_id", "agent_id", "site", "channel", "reason"):
        plan[column] = case[column]
    items = pd.DataFrame(QA_ITEMS, columns=["item_id", "item_weight", "criticality", "_fails"]).assign(
        rating_max=QA_POINTS
    )
    ratings = plan.drop(columns="_case").merge(items, how="cross").assign(partner_id=partner.id, sampling="random")
    ratings["rating"] = points.ravel()
    # Documentation does not apply to a chat: its log is the documentation.
    ratings["not_applicable"] = (ratings["item_id"] == "documentation") & (ratings["channel"] == "chat")
    ratings["rating"] = ratings["rating"].where(~ratings["not_applicable"])
    return ratings[ratings["evaluated_at"] < EXTRACTED].reset_index(drop=True)


def make_escalations(world: World, partner: Partner, contacts: pd.DataFrame) -> pd.DataFrame:
    """Open an escalation for every escalated contact, and close most of them."""
    rng = world.rng("escalations", partner.id)
    rows = contacts[contacts["escalated"]].reset_index(drop=True)
    n = len(rows)
    opened = rows["created_at"].to_numpy() + seconds(rng.uniform(900, 4 * 3600, n))
    severity = rng.choice(["minor", "major", "critical"], n, p=[0.62, 0.30, 0.08])
    hours = 18 * np.exp(rng.normal(0, 0.75, n)) * late_escalations(world, partner, opened)
    closed = opened + seconds(3600 * hours)
    side = rng.choice(["client", "partner"], n, p=[0.35, 0.65])
    causes = {
        "client": ["policy", "system_fault", "late_update"],
        "partner": ["wrong_answer", "no_follow_up", "knowledge_gap"],
    }
    table = pd.DataFrame(
        {
            "escalation_id": [f"{partner.prefix}-e{1 + i:04d}" for i in range(n)],
            "partner_id": partner.id,
            "opened_at": opened,
            "closed_at": np.where(closed < EXTRACTED, closed, np.datetime64("NaT")),
            "severity": severity,
            "level": np.where(severity == "critical", "2", "1"),
            "category": rows["reason"],
            "root_cause": [causes[s][i] for s, i in zip(side, rng.integers(0, 3, n), strict=True)],
            "owner_side": side,
            "interaction_id": rows["interaction_id"],
            "due_hours": pd.Series(severity).map({"minor": 72, "major": 48, "critical": 24}),
        }
    )
    return table[table["opened_at"] < EXTRACTED].reset_index(drop=True)


def escalation_steps(rng: np.random.Generator, escalations: pd.DataFrame) -> pd.DataFrame:
    """Record the steps of major and critical escalations of the last nine months; minor ones keep no log."""
    recent = escalations["opened_at"] >= np.datetime64("2026-02-01")
    rows = escalations[recent & (escalations["severity"] != "minor")]
    steps = ["received", "owner named", "customer informed", "solved"]
    share = np.array([0.02, 0.15, 0.40, 1.0])
    last = rows["closed_at"].fillna(EXTRACTED).to_numpy().astype("datetime64[s]")
    span = (last - rows["opened_at"].to_numpy().astype("datetime64[s]")).astype(float)
    frames = [
        pd.DataFrame(
            {
                "escalation_id": rows["escalation_id"],
                "seq": 1 + i,
                "at": rows["opened_at"].to_numpy().astype("datetime64[s]") + seconds(span * share[i]),
                "step": step,
                "by": rng.choice(["client", "partner"], len(rows)),
            }
        )[rows["closed_at"].notna() | (i < 2)]
        for i, step in enumerate(steps)
    ]
    return pd.concat(frames).sort_values(["escalation_id", "seq"], ignore_index=True)


# ---------------------------------------------------------------------------------------------------------------------
# Forecasts, invoices, what partners report
# ---------------------------------------------------------------------------------------------------------------------


def make_forecasts(world: World, partner: Partner) -> pd.DataFrame:
    """The client's locked forecast, issued twenty days before the month; it knows the calendar, not the noise."""
    days = world.days
    issued = month_of(days) - np.timedelta64(20, "D")
    frames = []
    for channel, per_day in partner.per_day.items():
        rng = world.rng("forecast", partner.id, channel)
        bias = np.exp(rng.normal(-0.01, 0.05, 2 * FULL_MONTHS))
        month = (days.astype("datetime64[M]") - world.start.astype("datetime64[M]")).astype(int)
        offered = np.round(per_day * calendar_factor(days) * bias[month] * np.exp(rng.normal(0, 0.04, len(days))))
        aht = round(HANDLE_S[channel] * partner.handle)
        required = np.round(offered * aht / 0.8)
        committed = np.round(required * rng.uniform(0.9, 1.04, len(days)))
        frames.append(pd.DataFrame({
            "partner_id": partner.id, "channel": channel, "date": days, "issued_on": issued, "locked": True,
            "issued_by": "client", "forecast_offered": offered, "forecast_aht_s": aht, "required_s": required,
            "committed_s": committed,
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def make_invoices(world: World, partner: Partner, contacts: pd.DataFrame, training: pd.DataFrame) -> pd.DataFrame:
    """Bill every month: the contacts handled, a fixed fee for team leaders, training hours, now and then overtime."""
    handled = month_of(contacts.loc[~contacts["abandoned"], "created_at"])
    courses = month_of(training["due_on"])
    rng = world.rng("invoices", partner.id)
    rows = []
    for month in np.unique(handled):
        name = f"{partner.prefix}-{month.astype('datetime64[M]')}"
        lines = [
            ("contacts", int((handled == month).sum()), partner.rate),
            ("hours", 24 * partner.heads // 10, round(3 + 2 * partner.rate, 2)),
            ("training", round(0.25 * int((courses == month).sum()), 2), 14.0),
            ("overtime", int(rng.integers(4, 20)) if rng.random() < 0.3 else 0, round(5 + 3 * partner.rate, 2)),
        ]
        rows += [
            (name, str(i + 1), partner.id, month, item, qty, price, round(qty * price, 2), "EUR")
            for i, (item, qty, price) in enumerate(line for line in lines if line[1])
        ]
    columns = ["invoice_id", "line", "partner_id", "period", "item", "qty", "rate", "amount", "currency"]
    return pd.DataFrame(rows, columns=columns)


def measured(contacts: pd.DataFrame, surveys: pd.DataFrame, qa: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return a partner's monthly numerators and denominators, as the client would measure them."""
    queue = contacts[contacts["channel"].isin(THRESHOLD_S)]
    in_time = ~queue["abandoned"] & (queue["wait_s"] <= queue["channel"].map(THRESHOLD_S))
    handled = contacts[~contacts["abandoned"]]
    csat = surveys[(surveys["type"] == "csat") & surveys["score"].notna()]
    graded = qa[(qa["purpose"] == "grading") & ~qa["not_applicable"]]
    weighted = (graded["rating"] / graded["rating_max"]).astype(float) * graded["item_weight"]
    parts = {
        "service_level": (queue["created_at"], in_time, 1),
        "abandonment_rate": (queue["created_at"], queue["abandoned"], 1),
        "aht_s": (handled["created_at"], handled[["talk_s", "hold_s", "acw_s"]].sum(axis=1), 1),
        "fcr": (handled["created_at"], handled["resolved_first_contact"], 1),
        "csat": (csat["sent_at"], csat["score"] >= 4, 1),
        "qa_score": (graded["evaluated_at"], weighted, graded["item_weight"]),
    }
    return {
        kpi: pd.DataFrame({"numerator": top.astype(float), "denominator": bottom}).groupby(month_of(when)).sum()
        for kpi, (when, top, bottom) in parts.items()
    }


def make_vendor_report(
    world: World, partner: Partner, contacts: pd.DataFrame, surveys: pd.DataFrame, qa: pd.DataFrame
) -> pd.DataFrame:
    """Return what the partner says about itself, from the contacts it counts, received on the sixth of next month."""
    kept = contacts[vendor_keeps(world, partner, contacts)]
    answers = surveys[surveys["interaction_id"].isin(kept["interaction_id"])]
    rng = world.rng("vendor", partner.id)
    frames = []
    for kpi, sums in measured(kept, answers, qa).items():
        value = sums["numerator"] / sums["denominator"] * np.exp(rng.normal(0, 0.002, len(sums)))
        frame = pd.DataFrame({"partner_id": partner.id, "kpi": kpi, "period": sums.index, "value": value.to_numpy()})
        frame["value"] = frame["value"].round(1 if kpi == "aht_s" else 4).clip(upper=None if kpi == "aht_s" else 1.0)
        frame["n"] = sums["denominator"].to_numpy() if kpi != "qa_score" else np.nan
        frame["definition"] = (
            "as in the contract, all contacts" if len(kept) == len(contacts) else "valid contacts only"
        )
        frame["received_on"] = month_of(frame["period"].to_numpy() + np.timedelta64(32, "D")) + np.timedelta64(5, "D")
        frames.append(frame[frame["period"] <= LAST_DAY])
    return pd.concat(frames, ignore_index=True)


# ---------------------------------------------------------------------------------------------------------------------
# Registers, written by hand. The first entry of a row is the plant it belongs to, or empty.
# ---------------------------------------------------------------------------------------------------------------------

# fmt: off
TARGET_COLUMNS = ("kpi", "partner_id", "channel", "tier", "valid_from", "valid_to", "op", "value", "kind",
                  "baseline_value", "due_date", "decimals", "goal", "owner", "source_clause", "status", "agreed_on",
                  "agreed_by")
REACH, TRUST, SOLVE, COST = "reach us quickly", "be treated well", "solved the first time", "fair price"
TARGETS = (
    ("", "service_level", None, None, "expected", "2025-05-01", None, ">=", "0.80", "absolute", None, None, 1, REACH,
     "operations", "S2.1", "agreed", "2025-04-14", "steering group"),
    ("", "service_level", None, None, "minimum", "2025-05-01", None, ">=", "0.75", "absolute", None, None, 1, REACH,
     "operations", "S2.1", "agreed", "2025-04-14", "steering group"),
    ("", "abandonment_rate", None, None, "expected", "2025-05-01", None, "<=", "0.05", "absolute", None, None, 1, REACH,
     "operations", "S2.2", "agreed", "2025-04-14", "steering group"),
    ("", "csat", None, None, "expected", "2025-05-01", None, ">=", "0.78", "absolute", None, None, 1, TRUST,
     "customer experience", "S3.1", "agreed", "2025-04-14", "steering group"),
    # The newest large team has a lower target of its own.
    ("", "csat", "baobab", None, "expected", "2025-05-01", None, ">=", "0.76", "absolute", None, None, 1, TRUST,
     "customer experience", "S3.1 (annex D)", "agreed", "2025-04-22", "steering group"),
    ("", "fcr", None, None, "expected", "2025-05-01", None, ">=", "0.70", "absolute", None, None, 1, SOLVE,
     "customer experience", "S3.2", "agreed", "2025-04-14", "steering group"),
    # Raised at New Year: months before are judged by the older row.
    ("", "qa_score", None, None, "expected", "2025-05-01", "2025-12-31", ">=", "0.84", "absolute", None, None, 1, TRUST,
     "quality", "S4.1", "agreed", "2025-04-14", "steering group"),
    ("", "qa_score", None, None, "expected", "2026-01-01", None, ">=", "0.86", "absolute", None, None, 1, TRUST,
     "quality", "S4.1 (amended)", "agreed", "2025-12-03", "steering group"),
    ("", "critical_error_accuracy", None, None, "expected", "2025-05-01", None, ">=", "0.95", "absolute", None, None, 1,
     TRUST, "quality", "S4.2", "agreed", "2025-04-14", "steering group"),
    ("", "sla_attainment", None, "email", "expected", "2025-05-01", None, ">=", "0.90", "absolute", None, None, 1,
     REACH, "operations", "S2.4", "agreed", "2025-04-14", "steering group"),
    ("", "transfer_rate", None, None, "expected", "2025-05-01", None, "<=", "0.10", "absolute", None, None, 1, SOLVE,
     "operations", "S3.4", "agreed", "2025-04-14", "steering group"),
    ("", "training_completion", None, None, "expected", "2025-05-01", None, ">=", "0.85", "absolute", None, None, 1,
     SOLVE, "account managers", "S5.1", "agreed", "2025-04-14", "steering group"),
    ("", "attrition_monthly", None, None, "expected", "2025-05-01", None, "<=", "0.04", "absolute", None, None, 1, COST,
     "account managers", "S5.3", "agreed", "2025-04-14", "steering group"),
    ("", "cost_per_contact", None, None, "expected", "2025-05-01", None, "<=", "7.25", "absolute", None, None, 2, COST,
     "procurement", "S7.1", "agreed", "2025-04-14", "steering group"),
    # A change against a baseline, due in the future: three points fewer repeat contacts by the spring of 2027.
    ("", "repeat_contact_rate", None, None, "expected", "2026-04-01", None, "<=", "-0.03", "points", 0.165,
     "2027-03-31", 1, SOLVE, "customer experience", "goal 2027-1", "agreed", "2026-03-18", "steering group"),
    ("", "nps", None, None, "expected", "2026-10-01", None, ">=", "30", "absolute", None, None, 1, TRUST,
     "customer experience", "draft of annex F", "proposed", None, None),
)

CONTRACT_COLUMNS = ("contract_id", "partner_id", "start", "end", "auto_renew", "notice_days_client",
                    "notice_days_partner", "termination_for_convenience", "termination_fee", "min_heads", "min_volume",
                    "ramp_up_days", "ramp_down_days", "review_on")
CONTRACT_TERMS = {  # contract: least monthly fee, credits at risk, days until replacements start, and how many a week
    "ctr-nor": (None, 0.08, 30, 4), "ctr-sol": (None, 0.08, 30, 3), "ctr-kes": (None, 0.08, 35, 3),
    "ctr-bao": (None, 0.08, 35, 3), "ctr-mer": (5000, 0.08, 30, 3), "ctr-fer": (None, 0.08, 30, 3),
}
CONTRACTS = (
    ("", "ctr-nor", "northline", "2022-02-01", "2027-01-31", True, 90, 120, True, 0, 20, 1500, 60, 60, "2026-11-16"),
    ("", "ctr-sol", "solheim", "2023-06-01", "2027-05-31", False, 90, 90, True, 5000, 18, 1000, 60, 90, "2027-02-01"),
    ("", "ctr-kes", "kestrel", "2021-09-01", "2026-12-31", True, 60, 90, True, 0, 14, 900, 45, 45, "2026-10-05"),
    ("", "ctr-bao", "baobab", "2024-03-01", "2027-02-28", True, 90, 90, True, 0, 20, 1000, 45, 60, "2026-11-30"),
    ("", "ctr-mer", "meridia", "2023-01-15", "2028-01-14", False, 120, 120, False, 12000, 14, 1000, 60, 90,
     "2027-07-01"),
    ("", "ctr-fer", "fernway", "2024-10-01", "2027-09-30", True, 90, 90, True, 0, 10, 500, 30, 30, "2027-04-01"),
)

EVENT_COLUMNS = ("event_id", "partner_id", "start", "end", "kind", "owner_side", "title", "kpi", "approved_by")
EVENTS = (
    ("", "evt-01", "kestrel", "2025-09-22", "2025-09-24", "excused", "none", "Typhoon warning in Cebu", "service_level",
     "operations"),
    ("", "evt-02", None, "2025-11-18", "2025-11-18", "outage", "client", "Customer app unavailable", None,
     "operations"),
    ("fcr_definition_change", "evt-03", "kestrel", "2026-01-01", None, "definition", "partner",
     "First-contact flag now set by the agent at the end of the contact, without waiting for a follow-up", "fcr",
     "quality"),
    ("small_week", "evt-04", "solheim", "2026-02-09", "2026-02-15", "outage", "none", "Storm closes the Akureyri site",
     None, "operations"),
    ("", "evt-05", None, "2026-03-09", "2026-03-22", "campaign", "client", "Spring offer for broadband", None,
     "marketing"),
    ("effective_action", "evt-06", "northline", "2026-04-13", None, "change", "partner",
     "New transfer guide and direct lines to specialists", "transfer_rate", "operations"),
    ("", "evt-07", "baobab", "2026-05-01", None, "change", "partner", "Large hiring class joins", None, "operations"),
    ("service_level_shift", "evt-08", "northline", "2026-06-15", None, "change", "client",
     "Queues moved to a new routing plan", "service_level", "operations"),
    ("", "evt-09", "solheim", "2026-07-06", "2026-09-27", "change", "partner", "Pilot of suggested replies", None,
     "steering group"),
    ("", "evt-10", "fernway", "2026-08-17", None, "change", "partner", "Team leaders rotate", None, None),
)

ACTION_COLUMNS = ("action_id", "partner_id", "kpi", "type", "forum", "problem", "root_cause", "action", "owner",
                  "owner_side", "proposed_by", "raised_on", "approved_on", "due_on", "closed_on", "status", "size",
                  "expected_effect", "check_on", "measured_effect", "effect_quality", "effect_cost")
MBR, QBR = "monthly review", "quarterly review"
ACTIONS = (
    ("", "act-01", "solheim", "csat", "improvement", MBR, "Callers repeat their story after a transfer", "no notes",
     "Hand over a written summary with each transfer", "R. Einarsdóttir", "partner", "partner", "2025-09-09",
     "2025-09-16", "2025-11-28", "2025-11-21", "done", "small", "CSAT +1 point", "2026-02-27", None, "better", "none"),
    ("", "act-02", "kestrel", "sla_attainment", "corrective", MBR, "Emails wait over the weekend", "no weekend cover",
     "Two agents answer email on Saturdays", "J. Reyes", "partner", "client", "2025-11-11", "2025-11-18", "2026-01-31",
     "2026-02-06", "done", "small", "SLA +2 points", "2026-05-29", None, "better", "more hours"),
    ("effective_action", "act-03", "northline", "transfer_rate", "corrective", MBR, "One contact in seven is passed on",
     "agents do not know who may decide what", "Transfer guide and direct lines to specialists", "H. Brook", "partner",
     "client", "2026-02-10", "2026-02-17", "2026-04-17", "2026-04-13", "done", "large", "transfer rate below 10 %",
     "2026-07-14", None, "better", "none"),
    ("", "act-04", "baobab", "training_completion", "improvement", MBR, "Updates are read between calls", "no set time",
     "Fifteen minutes of reading time on Tuesdays", "N. Dlamini", "partner", "partner", "2026-02-10", "2026-02-24",
     "2026-04-30", "2026-04-28", "done", "small", "completion above 90 %", "2026-07-31", None, "better",
     "15 minutes a week"),
    ("", "act-05", None, "forecast_wape", "commitment", QBR, "Forecast misses campaigns", "marketing plans arrive late",
     "Share the campaign calendar six weeks ahead", "planning", "client", "client", "2026-03-24", "2026-03-31",
     "2026-06-30", None, "at_risk", "small", "WAPE below 12 %", "2026-12-15", None, None, None),
    ("", "act-06", "kestrel", "aht_s", "corrective", MBR, "Handle time above plan", "long notes",
     "Templates for after-contact notes", "J. Reyes", "partner", "partner", "2026-03-10", "2026-03-17", "2026-05-29",
     "2026-06-12", "done", "small", "AHT -20 s", "2026-09-15", None, None, None),
    ("useless_action", "act-07", "meridia", "fcr", "corrective", MBR, "Billing and faults are not solved at once",
     "articles hard to find", "Forty new knowledge articles", "C. Ospina", "partner", "partner", "2026-03-10",
     "2026-03-24", "2026-05-15", "2026-05-15", "done", "large", "FCR +5 points", "2026-08-31", None, None,
     "80 hours of writing"),
    ("", "act-08", "fernway", "qa_score", "improvement", MBR, "Good calls are not shared", "no forum",
     "Weekly listening session across teams", "A. Byrne", "partner", "partner", "2026-04-14", "2026-04-21",
     "2026-06-30", "2026-06-23", "done", "small", "QA +1 point", "2026-09-30", None, "better", "none"),
    ("attrition_wave", "act-09", "baobab", "attrition_monthly", "corrective", MBR,
     "New agents leave in their first weeks", "shift promised is not the shift given",
     "Publish rotas four weeks ahead and pair each new agent", "N. Dlamini",
     "partner", "client", "2026-07-14", "2026-07-21", "2026-09-30", None, "open", "large", "early leavers below 15 %",
     "2026-12-31", None, None, None),
    ("service_level_shift", "act-10", "northline", "service_level", "corrective", MBR,
     "Service level missed since mid-June", "routing plan", "Review the order of queues in the routing plan",
     "routing team", "client", "partner", "2026-07-14", "2026-07-28", "2026-08-31", None, "at_risk", "large",
     "service level above 80 %", "2026-11-30", None, None, None),
    ("training_leads_csat", "act-11", "northline", "training_completion", "improvement", MBR,
     "Completion swings from week to week", "updates land in peak hours", "Fixed weekly slot for updates", "H. Brook",
     "partner", "client", "2026-08-11", "2026-08-18", "2026-10-16", None, "open", "small",
     "completion above 85 % every week", "2027-01-15", None, None, None),
    ("lenient_rater", "act-12", "kestrel", "qa_score", "corrective", MBR,
     "Scores of both sides differ", "no common reading",
     "Calibrate fortnightly on the same cases", "quality", "client", "client", "2026-08-11", "2026-08-18",
     "2026-11-30", None, "open", "small", "difference below 3 points", "2027-02-26", None, None, None),
    ("response_collapse", "act-13", "meridia", "survey_response_rate", "corrective", MBR,
     "Few customers answer", "unknown",
     "Check how surveys are sent after chats", "survey team", "client", "partner", "2026-10-13", "2026-10-20",
     "2026-11-20", None, "open", "small", "response rate above 20 %", "2027-01-29", None, None, None),
    ("", "act-14", "solheim", "repeat_contact_rate", "improvement", QBR, "Customers call back about one order",
     "no status message", "Text message when an order is delayed", "product team", "client", "partner", "2026-06-23",
     "2026-07-07", "2026-09-15", None, "dropped", "large", "repeats -2 points", None, None, None, "not funded"),
    ("watermelon", "act-15", "baobab", "csat", "corrective", MBR, "CSAT below target", "not yet known",
     "Read fifty low scores and report causes", "N. Dlamini", "partner", "client", "2026-09-08", "2026-09-15",
     "2026-10-09", None, "open", "small", "causes named", "2026-12-15", None, None, None),
    ("", "act-16", "fernway", "cost_per_contact", "improvement", QBR, "Chats are handled one at a time",
     "tool allows one", "Two chats at once for agents past their third month", "A. Byrne", "partner", "partner",
     "2026-09-22", "2026-09-29", "2026-12-18", None, "open", "large", "cost -4 %", "2027-03-31", None, None, None),
    ("", "act-17", None, None, "commitment", QBR, "Updates reach agents too late", "notice shorter than agreed",
     "Seven days' notice for every mandatory update", "knowledge team", "client", "partner", "2026-06-23",
     "2026-07-07", "2026-10-30", None, "open", "small", "no update with shorter notice", "2027-01-15", None, None,
     None),
    ("", "act-18", "home", "transfer_rate", "improvement", MBR, "Specialists take simple calls", "routing",
     "Simple billing questions answered by every agent", "P. Hale", "client", "client", "2026-05-12", "2026-05-12",
     "2026-08-28", "2026-08-14", "done", "small", "transfers -1 point", "2026-11-27", None, None, None),
    # Owned by both sides: one name from each, divided by a semicolon.
    ("", "act-19", "solheim", None, "commitment", QBR, "The whole night rests on one site", "no second site trained",
     "Rehearse the night with calls routed to a second site", "R. Einarsdóttir; planning", "both", "client",
     "2026-08-25", "2026-09-08", "2026-12-11", None, "open", "large", "one rehearsed night", "2027-01-29", None, None,
     None),
)

CALIBRATION_COLUMNS = ("action_id", "partner_id", "owner", "problem", "action", "raised_on", "due_on", "closed_on",
                       "status")
CALIBRATION_SAME = {
    "kpi": "qa_score", "type": "corrective", "forum": "calibration meeting", "source": "calibration",
    "root_cause": "no common reading", "owner_side": "partner", "proposed_by": "client", "size": "small",
}  # fmt: skip
CALIBRATION_ACTIONS = (
    ("cal-01", "kestrel", "J. Reyes", "Listening is scored by length of the call",
     "Rule for listening with three recorded examples", "2026-04-28", "2026-05-15", "2026-05-12", "done"),
    ("cal-02", "kestrel", "J. Reyes", "Half points are given for a missing note",
     "Rule: a note that lacks the next step gets none", "2026-05-26", "2026-06-12", "2026-06-19", "done"),
    ("cal-03", "kestrel", "J. Reyes", "Opening counts as met without the name",
     "Opening sheet corrected for all raters", "2026-06-30", "2026-07-10", "2026-07-08", "done"),
    ("cal-04", "kestrel", "J. Reyes", "Knowledge is scored from memory",
     "Raters look up the article before they score", "2026-07-28", "2026-08-14", "2026-08-21", "done"),
    ("cal-05", "kestrel", "J. Reyes", "A new rater joins",
     "New rater scores ten contacts beside a client rater", "2026-08-25", "2026-09-11", "2026-09-16", "done"),
    ("cal-06", "kestrel", "J. Reyes", "Borderline contacts are scored apart",
     "Every third contact is scored again by another rater", "2026-10-20", "2026-11-20", None, "open"),
    ("cal-07", "northline", "H. Brook", "Email greeting is read differently",
     "Rule for greetings in emails", "2026-06-23", "2026-07-10", "2026-07-02", "done"),
)
EXCEPTION_COLUMNS = ("exception_id", "partner_id", "dimension", "value", "why", "approved_by", "valid_from",
                     "review_on", "hours", "fallback")
EXCEPTIONS = (
    ("overnight_exception", "exc-01", "solheim", "shift", "overnight", "Too few contacts at night to share them",
     "steering group", "2025-05-01", "2027-04-30", "22:00 to 08:00 UTC",
     "Close the night for up to four weeks: announcement on the line, contacts answered from 08:00"),
    ("", "exc-02", "home", "site", "headquarters", "The in-house team has one site", "steering group", "2025-05-01",
     "2027-04-30", None, None),
)

BENCHMARK_COLUMNS = ("kpi", "source", "year", "value", "low", "high", "population", "definition", "url", "as_of",
                     "next_review")
BENCHMARKS = (
    ("", "abandonment_rate", "WFM Labs wiki, Call Center Metrics", 2026, None, 0.03, 0.05,
     "contact centres in general; the page gives no sample", "abandoned / offered; 3-5 % is called acceptable",
     "https://wiki.wfmlabs.org/wiki/Call_Center_Metrics", None, "2027-05-01"),
    ("", "fcr", "SQM Group, press release", 2022, None, 0.70, 0.79, "SQM's benchmarked contact centres",
     "customers' answers in a survey after the call; 70-79 % is called good, 80 % and more world class",
     "headlinesoftoday.com", None, "2027-05-01"),
    ("", "attrition_monthly", "Customer Service Manager", 2026, None, 0.03, 0.06,
     "call centres in general; the page gives no sample", "leavers in a month / average headcount, training included",
     "customerservicemanager.com", None, "2027-05-01"),
)

CATEGORY_COLUMNS = ("raw", "category", "kind")
CATEGORIES = (
    ("", "billing", "Billing", "request"), ("", "technical_fault", "Faults", "request"),
    ("", "cancellation", "Leaving us", "request"), ("", "order_status", "Orders", "request"),
    ("", "account_access", "Access", "request"), ("", "product_question", "Advice", "request"),
    ("", "not_solved", "Not solved", "feedback"), ("", "waited_too_long", "Waiting", "feedback"),
    ("", "unclear_answer", "Clarity", "feedback"), ("", "sent_elsewhere", "Passed on", "feedback"),
    ("", "helpful_agent", "Praise", "feedback"), ("", "quick", "Praise", "feedback"),
)

INCENTIVE_TIERS = {  # kpi: (from, to, share of the invoice)
    "service_level": ((0.0, 0.70, -0.04), (0.70, 0.75, -0.02), (0.75, 0.85, 0.0), (0.85, 1.0, 0.01)),
    "csat": ((0.0, 0.70, -0.03), (0.70, 0.75, -0.015), (0.75, 0.85, 0.0), (0.85, 1.0, 0.015)),
    "critical_error_accuracy": ((0.0, 0.85, -0.02), (0.85, 0.90, -0.01), (0.90, 1.0, 0.0)),
}
INCENTIVE_CASES = {"service_level": 200, "csat": 30, "critical_error_accuracy": 20}  # with fewer a month does not count
# fmt: on


def register(world: World, columns: Sequence[str], rows: Iterable[tuple]) -> pd.DataFrame:
    """Return the rows of a register whose plant, if any, is switched on."""
    return pd.DataFrame([row[1:] for row in rows if not row[0] or row[0] in world.plants], columns=list(columns))


def actions_table(world: World) -> pd.DataFrame:
    """Return the actions; those that calibration meetings raised say so."""
    usual = register(world, ACTION_COLUMNS, ACTIONS)
    calibration = pd.DataFrame(CALIBRATION_ACTIONS, columns=list(CALIBRATION_COLUMNS))
    return pd.concat([usual, calibration.assign(**CALIBRATION_SAME)], ignore_index=True).reindex(
        columns=[*ACTION_COLUMNS, "source"]
    )


def partners_table() -> pd.DataFrame:
    columns = ["id", "name", "kind", "region", "country", "timezone", "go_live", "masked_name"]
    rows = [[getattr(partner, column) for column in columns] for partner in PARTNERS]
    return pd.DataFrame(rows, columns=["partner_id", *columns[1:]])


def contracts_table(world: World) -> pd.DataFrame:
    """Return the contracts; the short notice is planted here."""
    contracts = register(world, CONTRACT_COLUMNS, CONTRACTS)
    for partner in OUTSIDE:
        if world.has("short_notice", partner):
            contracts.loc[contracts["partner_id"] == partner.id, "notice_days_partner"] = int(
                PLANTS["short_notice"].size
            )
    terms = contracts["contract_id"].map(CONTRACT_TERMS).tolist()
    names = ["min_monthly_fee", "at_risk_share", "hire_lead_days", "hires_per_week"]
    return contracts.join(pd.DataFrame(terms, columns=names))


def incentives_table(contracts: pd.DataFrame) -> pd.DataFrame:
    """Return the credits and bonuses: the same tiers in every contract."""
    rows = [
        (f"{contract}-{kpi}", contract, kpi, low, high, amount, 0.08, 2, INCENTIVE_CASES[kpi])
        for contract in contracts["contract_id"]
        for kpi, tiers in INCENTIVE_TIERS.items()
        for low, high, amount in tiers
    ]
    names = ["rule_id", "contract_id", "kpi", "tier_low", "tier_high", "amount_share", "cap_share", "earn_back_periods"]
    return pd.DataFrame(rows, columns=[*names, "min_cases"])


def events_table(world: World) -> pd.DataFrame:
    """Return the dated events, public holidays among them."""
    events = register(world, EVENT_COLUMNS, EVENTS)
    holidays = pd.DataFrame({"start": list(HOLIDAYS), "end": list(HOLIDAYS), "title": list(HOLIDAYS.values())})
    holidays = holidays.assign(
        kind="holiday", owner_side="none", event_id=[f"hol-{1 + i:02d}" for i in range(len(holidays))]
    )
    return pd.concat([events, holidays], ignore_index=True)


def meetings_table(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """Return a monthly review and fortnightly results meetings per outside partner; some were not held."""
    reviews = monday(np.unique(month_of(world.days)) + 5) + 8  # the second Tuesday
    fortnights = np.arange(monday(world.start) + 10, LAST_DAY + 1, 14)
    plan = [(partner, MBR, day) for partner in OUTSIDE for day in reviews]
    plan += [(partner, "results meeting", day) for partner in OUTSIDE for day in fortnights]
    held = rng.random(len(plan)) > 0.08
    moved = rng.choice([0, 0, 0, 0, 1, 2], len(plan)).astype("timedelta64[D]")
    rows = [
        (
            f"mtg-{1 + i:03d}", partner.id, forum, day, day + shift if took_place and day + shift <= LAST_DAY else None,
            "client; account manager; operations manager" if forum == MBR else "client; team leaders",
        )
        for i, ((partner, forum, day), took_place, shift) in enumerate(zip(plan, held, moved, strict=True))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["meeting_id", "partner_id", "forum", "planned_on", "held_on", "attendees"])


# ---------------------------------------------------------------------------------------------------------------------
# Working together: contacts, deliverables, requests, activities, opinions, the knowledge base
# ---------------------------------------------------------------------------------------------------------------------

ACCOUNT_MANAGERS = {
    "northline": "H. Brook",
    "solheim": "R. Einarsdóttir",
    "kestrel": "J. Reyes",
    "baobab": "N. Dlamini",
    "meridia": "C. Ospina",
    "fernway": "A. Byrne",
}
DIRECTORS = {"northline": "M. Calder", "solheim": "Þ. Jónsson", "kestrel": "L. Santos", "baobab": "S. Naidoo",
             "meridia": "V. Rincón", "fernway": "D. Keane"}  # fmt: skip
CONTACT_COLUMNS = ("partner_id", "side", "name", "role", "forum", "topic", "severity", "level", "reached_by")
CLIENT_CONTACTS = (
    (None, "client", "E. Marsh", "Head of customer service", "steering", None, "high", "3", "e.marsh@halden.example"),
    (None, "client", "T. Okafor", "Vendor manager", "account", None, None, "2", "t.okafor@halden.example"),
    (None, "client", "Routing team", "Routing and telephony", "delivery", "service_level", None, "1",
     "routing@halden.example"),
    (None, "client", "Escalation desk", "Escalations", "delivery", None, "minor", "1", "escalations@halden.example"),
    (None, "client", "Escalation desk", "Escalations", "delivery", None, "major", "1", "escalations@halden.example"),
    (None, "client", "T. Okafor", "Vendor manager", "account", None, "critical", "2", "t.okafor@halden.example"),
    (None, "client", "P. Lindqvist", "Quality lead", "delivery", "qa_score", None, "1", "p.lindqvist@halden.example"),
    (None, "client", "Planning", "Forecast and planning", "delivery", "forecast_wape", None, "1",
     "planning@halden.example"),
)  # fmt: skip
DELIVERABLES_PER_MONTH = (  # title, side, day of the month, standard, chance of being late, chance of being sent back
    ("Monthly performance report", "partner", 6, "all agreed KPIs with numerators", 0.08, 0.05),
    ("Forecast for the next three months", "client", 12, "by channel and day", 0.25, 0.0),
)
DELIVERABLES_PER_QUARTER = (
    ("Staffing and training plan", "partner", 15, "by site and month", 0.12, 0.10),
    ("Test of the continuity plan", "partner", 20, "signed protocol", 0.15, 0.05),
    ("Calendar of campaigns and launches", "client", 10, "with expected contacts", 0.30, 0.0),
)
REQUEST_KINDS = (  # kind, title, hours agreed, median hours it takes
    ("access", "Account for a new agent", 48, 30), ("question", "Which rule applies to this case?", 72, 40),
    ("tool", "Desktop shows an error", 24, 14), ("other", "Copy of the amended scorecard", 120, 60),
)  # fmt: skip
ACTIVITY_COLUMNS = (
    "activity_id",
    "partner_id",
    "title",
    "kind",
    "start",
    "end",
    "owner",
    "owner_side",
    "status",
    "done_on",
)
ACTIVITIES = (
    ("", "acy-01", "northline", "Move of chat from Leeds to Derry", "transition", "2026-08-03", "2026-12-18",
     "H. Brook", "partner", "at_risk", None),
    ("", "acy-02", "northline", "Twelve chat agents trained in Derry", "milestone", "2026-09-18", "2026-09-18",
     "H. Brook", "partner", "done", "2026-09-25"),
    ("", "acy-03", "northline", "Half of chat answered in Derry", "milestone", "2026-10-16", "2026-10-16", "H. Brook",
     "partner", "delayed", None),
    ("", "acy-04", "northline", "All chat answered in Derry", "milestone", "2026-12-18", "2026-12-18", "H. Brook",
     "partner", "planned", None),
    ("", "acy-05", None, "New knowledge base opened to all partners", "launch", "2026-11-16", "2026-11-16",
     "Knowledge team", "client", "on_track", None),
    ("", "acy-06", None, "Winter season: extended hours", "other", "2026-12-01", "2027-01-10", "Planning", "client",
     "planned", None),
    ("", "acy-07", "solheim", "Report on the pilot of suggested replies", "milestone", "2026-10-30", "2026-10-30",
     "T. Okafor", "client", "on_track", None),
    ("", "acy-08", "baobab", "Second hiring class starts training", "training", "2026-11-02", "2026-11-27",
     "N. Dlamini", "partner", "planned", None),
    ("", "acy-09", "kestrel", "Renewal talks", "other", "2026-10-05", "2026-12-04", "T. Okafor", "client", "on_track",
     None),
    ("", "acy-10", "meridia", "Second partner trained on smarthome", "transition", "2026-11-09", "2027-02-26",
     "T. Okafor", "client", "planned", None),
    ("", "acy-11", "fernway", "Two chats at once: tool switched on", "launch", "2026-11-30", "2026-11-30", "A. Byrne",
     "partner", "on_track", None),
    ("", "acy-12", "fernway", "Move of email to Cork", "transition", "2026-03-02", "2026-05-29", "A. Byrne", "partner",
     "dropped", None),
)  # fmt: skip
ARTICLE_TOPICS = {
    "billing": ("Read a bill", "Dispute a charge", "Pay in instalments", "Change the payment date"),
    "technical_fault": ("Router does not connect", "Slow line", "Reset a set-top box", "Book an engineer"),
    "cancellation": ("Leave within the first fortnight", "End a contract", "Offers for those who want to leave"),
    "order_status": ("Track an order", "Delivery failed", "Change an address"),
    "account_access": ("Reset a password", "Locked account", "Add a second user"),
    "product_question": ("Compare tariffs", "Roaming", "Smart home starter set"),
}


def contacts_table() -> pd.DataFrame:
    """Return whom to turn to on both sides."""
    rows = [*CLIENT_CONTACTS]
    for partner in OUTSIDE:
        at = f"{partner.id}.example"
        rows += [
            (partner.id, "partner", DIRECTORS[partner.id], "Operations director", "steering", None, "high", "3",
             f"director@{at}"),
            (partner.id, "partner", ACCOUNT_MANAGERS[partner.id], "Account manager", "account", None, None, "2",
             f"account@{at}"),
            (partner.id, "partner", "Duty manager", "Workforce and real time", "delivery", "service_level", None, "1",
             f"duty@{at}"),
            (partner.id, "partner", "Quality coach", "Quality", "delivery", "qa_score", None, "1", f"quality@{at}"),
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(CONTACT_COLUMNS))


def deliverables_table(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """Return what each side was to hand over every month and quarter; some late, some sent back, some not yet due."""
    months = np.unique(month_of(world.days))
    plan = [
        (partner, item, month + item[2] - 1)
        for partner in OUTSIDE
        for month in months
        for item in DELIVERABLES_PER_MONTH
    ]
    plan += [
        (partner, item, month + item[2] - 1)
        for partner in OUTSIDE
        for month in months
        if month.astype("datetime64[M]").astype(int) % 3 == 0
        for item in DELIVERABLES_PER_QUARTER
    ]
    rows = []
    for i, (partner, (title, side, _, standard, late, returned), due) in enumerate(plan):
        early, over = int(rng.integers(0, 3)), int(rng.integers(1, 12))
        delivered = due + over if rng.random() < late else due - early
        accepted = delivered + int(rng.integers(1, 6)) + (9 if rng.random() < returned else 0)
        known = [day if day <= LAST_DAY else None for day in (delivered, accepted)]
        rows.append((f"dlv-{1 + i:03d}", partner.id, title, side, standard, due, *known))
    names = ["deliverable_id", "partner_id", "title", "owner_side", "quality_standard", "due_on", "delivered_on",
             "accepted_on"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def requests_table(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """Return what the partners asked of the client, and when it was answered."""
    rows = []
    for partner in OUTSIDE:
        days = np.sort(rng.choice(world.days, size=max(2, len(world.days) // 14), replace=False))
        for day in days:
            kind, title, due, usual = REQUEST_KINDS[int(rng.choice(len(REQUEST_KINDS), p=[0.4, 0.35, 0.15, 0.1]))]
            asked = day.astype("datetime64[s]") + np.timedelta64(int(rng.integers(8 * 3600, 17 * 3600)), "s")
            answered = asked + np.timedelta64(int(3600 * usual * rng.lognormal(0, 0.8)), "s")
            rows.append(
                (
                    f"req-{1 + len(rows):03d}",
                    partner.id,
                    kind,
                    title,
                    asked,
                    answered if answered < EXTRACTED else None,
                    due,
                )
            )
    return pd.DataFrame(
        rows, columns=["request_id", "partner_id", "kind", "title", "asked_on", "answered_on", "due_hours"]
    )


def relationship_table(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """Return how each side and the agents judge the work together, asked once a quarter."""
    months = np.unique(month_of(world.days))
    waves = [month + 13 for month in months if month.astype("datetime64[M]").astype(int) % 3 == 0]
    rows = []
    for partner in OUTSIDE:
        level = {"client": 7.4, "partner": 7.9, "agents": 3.7}
        level = {side: mean + rng.normal(0, 0.25) for side, mean in level.items()}
        for wave in waves:
            for side, respondents, high in (("client", 4, 10), ("partner", 4, 10), ("agents", 12, 5)):
                scores = np.clip(np.round(rng.normal(level[side], 0.11 * high, respondents)), 1, high)
                for score in scores:
                    rows.append(
                        (
                            f"rel-{1 + len(rows):04d}",
                            partner.id,
                            wave + int(rng.integers(0, 7)),
                            side,
                            None,
                            int(score),
                            1,
                            high,
                        )
                    )
    names = ["response_id", "partner_id", "answered_on", "side", "question", "score", "scale_min", "scale_max"]
    return pd.DataFrame(rows, columns=names)


SUPPORT_ROLES = {"team_leader": 12, "quality_analyst": 20, "trainer": 30}
"""Agents for whom the contract of an outside partner asks one person of each role."""


def support_table() -> pd.DataFrame:
    """Return who leads, checks and trains the agents; people follow where a partner grows, a month later."""
    rows = []
    for partner in OUTSIDE:
        hired = [(partner.go_live, partner.heads)]
        if partner.later_heads:
            hired.append(("2026-06-01", partner.later_heads))
        rows += [
            (partner.id, role, -(-heads // agents), since)
            for since, heads in hired
            for role, agents in SUPPORT_ROLES.items()
        ]
    return pd.DataFrame(rows, columns=["partner_id", "role", "heads", "valid_from"]).assign(valid_to=pd.NaT)


def articles_table() -> pd.DataFrame:
    """Return the articles of the knowledge base; those about leaving have not been reviewed and are out of date."""
    rows = []
    for reason, titles in ARTICLE_TOPICS.items():
        for title in titles:
            number = 1 + len(rows)
            published = np.datetime64("2024-09-02", "D") + 23 * number
            old = reason == "cancellation"
            reviewed = published + 90 if old else np.datetime64("2026-03-02", "D") + 9 * number
            valid_until = np.datetime64("2026-07-31", "D") if old else reviewed + 365
            rows.append((f"kb-{number:02d}", title, reason, published, reviewed, valid_until))
    names = ["article_id", "title", "reason", "published_on", "reviewed_on", "valid_until"]
    return pd.DataFrame(rows, columns=names)


def usage_table(rng: np.random.Generator, articles: pd.DataFrame, interactions: pd.DataFrame) -> pd.DataFrame:
    """Return views of each article and searches per partner and day, as many as the contacts of the day suggest.

    Rows without an article hold the searches of the day.
    """
    contacts = interactions.assign(date=interactions["created_at"].to_numpy().astype("datetime64[D]"))
    counts = contacts.groupby(["partner_id", "date", "reason"], sort=True).size().rename("contacts").reset_index()
    views = counts.merge(articles[["article_id", "reason"]], on="reason")
    per_reason = views["reason"].map(articles["reason"].value_counts())
    views["views"] = rng.poisson(0.5 * views["contacts"] / per_reason)
    views = views.loc[views["views"] > 0, ["partner_id", "date", "article_id", "views"]]
    counts["searches"] = rng.poisson(0.4 * counts["contacts"])
    missed = np.where(counts["reason"] == "cancellation", 0.22, 0.08)
    counts["searches_missed"] = rng.binomial(counts["searches"], missed)
    days = counts.groupby(["partner_id", "date"], as_index=False)[["searches", "searches_missed"]].sum()
    table = pd.concat([views, days], ignore_index=True)
    return table.sort_values(["partner_id", "date", "article_id"], kind="stable", ignore_index=True)


# ---------------------------------------------------------------------------------------------------------------------
# Everything together
# ---------------------------------------------------------------------------------------------------------------------


def build(
    *, seed: int = DEFAULT_SEED, plants: frozenset[str] = ALL, months: int = FULL_MONTHS
) -> dict[str, pd.DataFrame]:
    """Return every table. ``plants`` are the facts to plant; ``months`` keeps only the last months."""
    first = (LAST_DAY.astype("datetime64[M]") - (months - 1)).astype("datetime64[D]")
    world = World(seed=seed, plants=plants, start=first)
    agents = {partner.id: make_roster(world.rng("roster", partner.id), world, partner) for partner in PARTNERS}
    everyone = pd.concat(agents.values(), ignore_index=True)
    updates = make_updates(world.rng("updates"))
    pilot = pilot_units(world.rng("pilot"), everyone)
    parts = [partner_tables(world, partner, agents[partner.id], updates, pilot) for partner in PARTNERS]
    tables = {name: pd.concat([part[name] for part in parts if name in part], ignore_index=True) for name in parts[0]}
    contracts = contracts_table(world)
    tables |= {
        "partners": partners_table(),
        "volume": make_volume(world, tables["interactions"]),
        "targets": register(world, TARGET_COLUMNS, TARGETS),
        "escalation_steps": escalation_steps(world.rng("steps"), tables["escalations"]),
        "updates": updates,
        "roster": roster_table(world.rng("exits"), everyone),
        "support_staff": support_table(),
        "contracts": contracts,
        "contract_incentives": incentives_table(contracts),
        "actions": actions_table(world),
        "events": events_table(world),
        "exceptions": register(world, EXCEPTION_COLUMNS, EXCEPTIONS),
        "benchmarks": register(world, BENCHMARK_COLUMNS, BENCHMARKS),
        "category_map": register(world, CATEGORY_COLUMNS, CATEGORIES),
        "meetings": meetings_table(world.rng("meetings"), world),
        "contacts": contacts_table(),
        "deliverables": deliverables_table(world.rng("deliverables"), world),
        "partner_requests": requests_table(world.rng("requests"), world),
        "activities": register(world, ACTIVITY_COLUMNS, ACTIVITIES),
        "relationship_surveys": relationship_table(world.rng("relationship"), world),
        "kb_articles": articles_table(),
        "kb_usage": usage_table(world.rng("kb"), articles_table(), tables["interactions"]),
        "pilot_units": pilot,
    }
    return {name: tidy(table) for name, table in tables.items()}


def partner_tables(
    world: World, partner: Partner, agents: pd.DataFrame, updates: pd.DataFrame, pilot: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return the tables that are made partner by partner."""
    training = train(world.rng("training", partner.id), world, partner, agents, updates)
    completion = weekly_completion(training)
    training = training[training["due_on"] >= world.start].reset_index(drop=True)
    contacts, time = simulate(world, partner, agents)
    arms = pilot.set_index("unit")["arm"]
    surveys = make_surveys(world, partner, contacts, agents, completion, arms)
    qa = make_qa(world, partner, contacts, agents, arms)
    tables = {
        "interactions": contacts[INTERACTION_COLUMNS],
        "surveys": surveys,
        "qa_ratings": qa,
        "escalations": make_escalations(world, partner, contacts),
        "training_acks": training,
        "agent_time": time,
        "forecasts": make_forecasts(world, partner),
        "invoices": make_invoices(world, partner, contacts, training),
    }
    if partner.kind == "bpo":
        tables["vendor_reported"] = make_vendor_report(world, partner, contacts, surveys, qa)
    return {name: table for name, table in tables.items() if len(table)}


TIMESTAMPS = ("at", "interval_start", "extracted_on")
DATES = ("start", "end", "date", "period", "go_live", "valid_from", "valid_to", "valid_until")


def is_timestamp(column: str) -> bool:
    return column in TIMESTAMPS or column.endswith("_at")


def is_date(column: str) -> bool:
    return not is_timestamp(column) and (column in DATES or column.endswith(("_on", "_date")))


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table without hidden columns, with times as times and whole numbers as integers."""
    table = table[[column for column in table if not column.startswith("_")]].copy()
    for column in table:
        values = table[column]
        if is_timestamp(column) or is_date(column):
            table[column] = pd.to_datetime(values).astype("datetime64[s]")
        elif pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all() and values.notna().any():
            table[column] = values.astype("Int64")
    return table


def write(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """Write one file per table: Parquet for the long ones, CSV for those one may want to read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        if name in PARQUET:
            write_parquet(table, folder / f"{name}.parquet")
        else:
            write_csv(table, folder / f"{name}.csv")


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write plain column types (no pandas metadata), so that every reader sees the same."""
    columns = {}
    for name in table:
        array = pa.array(table[name], from_pandas=True)
        if is_timestamp(name):
            array = array.cast(pa.timestamp("ms"))
        elif is_date(name):
            array = array.cast(pa.timestamp("s")).cast(pa.date32())
        elif pa.types.is_integer(array.type):
            array = array.cast(pa.int32())
        elif not pa.types.is_floating(array.type) and not pa.types.is_boolean(array.type):
            array = array.cast(pa.string())
        columns[name] = array
    # Chosen by file size: see each column's compressed size with pyarrow before changing one.
    split = [name for name in table if name.endswith("_at") or name in {"talk_s", "acw_s"}]
    encodings = dict.fromkeys(split, "BYTE_STREAM_SPLIT")
    encodings |= {name: "DELTA_BYTE_ARRAY" for name in table if name in {"interaction_id", "survey_id"}}
    dictionary = [name for name in table if name not in encodings]
    pq.write_table(
        pa.table(columns), path, compression="zstd", compression_level=19, use_dictionary=dictionary,
        column_encoding=encodings, store_schema=False, write_statistics=True, row_group_size=1 << 20,
    )  # fmt: skip


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write ISO dates, lower-case booleans and LF line ends."""
    text = table.copy()
    for name in text:
        if is_timestamp(name) or is_date(name):
            timed = is_timestamp(name) or (text[name].dropna() != text[name].dropna().dt.normalize()).any()
            text[name] = text[name].dt.strftime("%Y-%m-%dT%H:%M:%S" if timed else "%Y-%m-%d")
        elif pd.api.types.is_bool_dtype(text[name]):
            text[name] = text[name].map({True: "true", False: "false"})
    text.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def pilot_registration() -> list[dict[str, object]]:
    """Return the registration of the pilot, as ``bpo pilot register`` would have written it on that day."""
    plan = tomllib.loads(PILOT_PLAN)
    content = {"id": "suggested-replies", "scope": {}, "arms": {}, "confidence_level": 0.95} | plan["pilot"]
    content |= {key: str(content[key]) for key in ("start", "end")}
    content |= {key: [str(day) for day in content[key]] for key in ("baseline", "looks")}
    margins = [float(metric["margin"].removesuffix(" pp")) / 100 for metric in plan["metric"]]
    content["metrics"] = [metric | {"margin": margin} for metric, margin in zip(plan["metric"], margins, strict=True)]
    content["decision"] = plan["decision"]
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    entry = {"registered_on": PILOT_REGISTERED_ON, "version": TOOLKIT_VERSION, "reason": ""}
    return [entry | {"digest": digest, "spec": content}]


def write_pilots(folder: Path) -> None:
    """Write the plan of the pilot and its registration; they give away nothing that is planted."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suggested-replies.toml").write_text(PILOT_PLAN, encoding="utf-8")
    text = json.dumps(pilot_registration(), indent=2, sort_keys=True, ensure_ascii=False)
    (folder / "suggested-replies.registration.json").write_text(text + "\n", encoding="utf-8")


def planted(plants: frozenset[str] = ALL) -> list[dict[str, object]]:
    """Describe the planted facts as in planted.json; ``partner_id`` names several with a comma between."""
    names = [name for name in Plant.__dataclass_fields__ if name != "partners"]
    described = []
    for plant in PLANTS.values():
        if plant.id in plants:
            fact = {name: getattr(plant, name) for name in names}
            described.append(fact | {"partner_id": ",".join(plant.partners), "tables": list(plant.tables)})
    return described


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and write the folder."""
    parser = argparse.ArgumentParser(description="Write the synthetic sample dataset.")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "portfolio")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--clean", action="store_true", help="plant nothing")
    parser.add_argument("--months", type=int, default=FULL_MONTHS, choices=range(1, FULL_MONTHS + 1), metavar="1-18")
    options = parser.parse_args(arguments)
    plants = frozenset() if options.clean else ALL
    write(build(seed=options.seed, plants=plants, months=options.months), options.out)
    write_pilots(options.out / "pilots")
    facts = json.dumps(planted(plants), indent=2, ensure_ascii=False)
    (options.out / "planted.json").write_text(facts + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
