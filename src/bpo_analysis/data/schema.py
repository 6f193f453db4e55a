"""What a dataset may hold: the tables, their columns, and what must be true of a row.

This module is data. Reading, checking, documentation and the sample generator all follow from it;
to add a column, add a line here.

Two kinds of table:

* ``fact``: many rows that only ever reach a page summed (``volume``, ``interactions``, ``surveys`` ...).
* ``register``: few rows that reach a page as rows (``targets``, ``actions``, ``events`` ...).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

__all__ = ["TABLES", "Column", "ColumnType", "RowRule", "Table"]

ColumnType = Literal["text", "integer", "number", "boolean", "date", "timestamp"]
TableKind = Literal["fact", "register"]
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: type, whether a value must be there, range, allowed values, and what it means."""

    name: str
    type: ColumnType
    required: bool = False
    lower: float | None = None
    upper: float | None = None
    choices: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule:
    """A condition over the columns of one row that no row may meet (a row expression).

    It is not asked where the table lacks one of its columns, unless ``always``: then that column is missing in every row.
    """

    name: str
    broken_when: str
    remedy: str
    severity: Severity = "error"
    always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the data model.

    An ``open`` table takes further columns of the dataset's own; they are numbers.
    """

    name: str
    kind: TableKind
    key: tuple[str, ...]
    about: str
    columns: tuple[Column, ...]
    rules: tuple[RowRule, ...] = ()
    date: str | None = None
    open: bool = False
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Names of the columns a dataset must map."""
        return tuple(column.name for column in self.columns if column.required)

    def opened(self, names: Iterable[str]) -> Table:
        """Return the table with further columns, where it is open; a name it has already is left as it is."""
        further = tuple(name for name in dict.fromkeys(names) if name not in self.by_name) if self.open else ()
        if not further:
            return self
        about = "a column of the dataset's own"
        return replace(self, columns=(*self.columns, *(_number(name, about) for name in further)))


def _text(name: str, about: str = "", *, required: bool = False, choices: tuple[str, ...] = ()) -> Column:
    return Column(name=name, type="text", required=required, choices=choices, about=about)


def _count(name: str, about: str = "", *, required: bool = False) -> Column:
    return Column(name=name, type="integer", required=required, lower=0, about=about)


def _seconds(name: str, about: str = "") -> Column:
    return Column(name=name, type="number", lower=0, about=about)


def _number(
    name: str, about: str = "", *, required: bool = False, lower: float | None = None, upper: float | None = None
) -> Column:
    return Column(name=name, type="number", required=required, lower=lower, upper=upper, about=about)


def _flag(name: str, about: str = "") -> Column:
    return Column(name=name, type="boolean", about=about)


def _date(name: str, about: str = "", *, required: bool = False) -> Column:
    return Column(name=name, type="date", required=required, about=about)


def _time(name: str, about: str = "", *, required: bool = False) -> Column:
    return Column(name=name, type="timestamp", required=required, about=about)


_PARTNER = _text("partner_id", "partner, as in partners.partner_id", required=True)
_SITE = _text("site", "site or delivery location")
_CHANNEL = _text("channel", "voice, chat, email, ...")
_PRODUCT = _text("product", "product or line of business")
_QUEUE = _text("queue", "queue or skill")
_REASON = _text("reason", "contact reason, the category of reports")
_LANGUAGE = _text("language", "language of the contact")
_AGENT = _text("agent_id", "agent, pseudonymised")
_EXTRACTED = _time("extracted_on", "when the row was exported; later extracts restate earlier ones")

_PARTNERS = Table(
    name="partners", kind="register", key=("partner_id",),
    about="Who answers the contacts: outside partners and, if there is one, the in-house team.",
    columns=(
        _text("partner_id", "short stable identifier used by all other tables", required=True),
        _text("name", "name as printed; partner_id if absent"),
        _text("kind", "outside partner or own team", choices=("bpo", "inhouse")),
        _text("region"), _text("country"), _text("timezone", "IANA name, e.g. Europe/London"),
        _date("go_live", "first day of service"), _text("masked_name", "name shown to other partners"),
    ),
)  # fmt: skip

_VOLUME = Table(
    name="volume", kind="fact", date="interval_start",
    key=("partner_id", "site", "queue", "channel", "product", "reason", "language", "shift", "interval_start"),
    about="Counts and summed seconds per partner, queue and interval (or day), as the routing platform exports them.",
    columns=(
        _PARTNER, _time("interval_start", "start of the interval; a date if the rows are daily", required=True),
        _SITE, _QUEUE, _CHANNEL, _PRODUCT, _REASON, _LANGUAGE, _text("shift", "day, evening, overnight, ..."),
        _count("interval_minutes", "length of the interval"),
        _count("offered", "contacts that entered the queue", required=True),
        _count("answered", "contacts connected to an agent"),
        _count("answered_in_threshold", "answered within threshold_s"),
        _seconds("threshold_s", "service-level threshold the platform counted with"),
        _count("abandoned", "left before an answer"),
        _count("abandoned_short", "left within short_s: not held against the partner by some contracts"),
        _count("abandoned_in_threshold", "left within threshold_s"),
        _seconds("short_s", "limit of a short abandon"),
        _count("flow_out", "left the queue for another queue or voicemail"),
        _count("handled", "contacts completed by an agent"),
        _count("transferred", "handled contacts passed on"),
        _count("escalated", "handled contacts escalated"),
        _count("reopened", "solved contacts opened again"),
        _seconds("wait_answered_s", "summed wait of the answered"),
        _seconds("wait_abandoned_s", "summed wait of the abandoned"),
        _seconds("talk_s", "summed talk time"), _seconds("hold_s", "summed hold time"),
        _seconds("acw_s", "summed after-contact work"), _seconds("max_wait_s", "longest wait"),
        _EXTRACTED,
    ),
    rules=(
        RowRule(
            name="answered_in_threshold exceeds answered", broken_when="answered_in_threshold > answered",
            remedy="check that both columns count the same queue and the same contacts",
        ),
        RowRule(
            name="abandoned_short exceeds abandoned", broken_when="abandoned_short > abandoned",
            remedy="short abandons are a part of the abandoned; check the mapping",
        ),
        RowRule(
            name="answered exceeds offered",
            broken_when="answered > offered",
            remedy="can happen in a short interval; over a day it points at the mapping of both columns",
            severity="warning",
        ),
        RowRule(
            name="abandoned exceeds offered", broken_when="abandoned > offered",
            remedy="check the mapping, or repair with a rule in dataset.toml", severity="warning",
        ),
    ),
)  # fmt: skip

_TARGETS = Table(
    name="targets", kind="register", key=("kpi", "partner_id", "channel", "tier", "valid_from"),
    about="What was agreed: dated rows with an explicit kind. A bare '10 %' change is refused.",
    columns=(
        _text("kpi", "a name of the catalogue (bpo kpis)", required=True),
        _text("partner_id", "empty: all partners"), _text("channel", "empty: all channels"),
        _text("tier", choices=("expected", "minimum", "stretch")),
        _date("valid_from", "first day the target holds; empty: always"), _date("valid_to", "last day"),
        _text("op", "comparison that meets the target", required=True, choices=(">=", "<=", "between")),
        _text("value", "a number in the KPI's unit (0.95 or 95 % for shares), or a change", required=True),
        _text("value_high", "upper end for op = between"),
        _text("kind", "absolute, points (added to the baseline) or relative (times the baseline)",
              choices=("absolute", "points", "relative")),
        _number("baseline_value", "starting level for points and relative"),
        _date("due_date", "first day on which the target must be met; empty: valid_from"),
        _number("decimals", "decimals the contract rounds to, as printed; empty: as the KPI is printed", lower=0, upper=6),
        _text("goal", "customer goal the target serves"), _text("owner"), _text("source_clause", "contract clause"),
        _text("status", choices=("proposed", "agreed")), _date("agreed_on"), _text("agreed_by"),
    ),
)  # fmt: skip

_INTERACTIONS = Table(
    name="interactions", kind="fact", date="created_at", key=("interaction_id",),
    about="One row per contact, case or ticket.",
    columns=(
        _text("interaction_id", required=True), _PARTNER, _time("created_at", "when the contact began", required=True),
        _SITE, _QUEUE, _CHANNEL, _PRODUCT, _REASON, _LANGUAGE, _AGENT, _text("team"),
        _text("customer_key", "hashed customer, for repeat contacts"), _text("priority"), _text("shift"),
        _time("answered_at"), _time("first_reply_at", "first reply by a person"),
        _time("solved_at"), _time("closed_at"),
        _seconds("wait_s"), _seconds("talk_s"), _seconds("hold_s"), _seconds("acw_s"),
        _flag("abandoned"), _flag("transferred"), _flag("escalated"), _count("reopens", "times opened again"),
        _flag("resolved_first_contact", "set by the agent at the end of the contact"),
        _flag("sla_met", "solved within the time agreed for its priority"),
        _count("handoffs"), _text("status"), _EXTRACTED,
    ),
    rules=(
        RowRule(
            name="solved before created", broken_when="solved_at < created_at",
            remedy="check the date format (day first?) and the time zone of both columns",
        ),
        RowRule(
            name="first reply before created", broken_when="first_reply_at < created_at",
            remedy="check the date format (day first?) and the time zone of both columns",
        ),
    ),
)  # fmt: skip

_SURVEYS = Table(
    name="surveys", kind="fact", date="sent_at", key=("survey_id",),
    about="Surveys sent, answered or not. Partner and slices may come from the interaction.",
    columns=(
        _text("survey_id", required=True), _text("interaction_id"),
        _text("partner_id", "empty: taken from the interaction"),
        _text("type", required=True, choices=("csat", "nps", "ces")),
        _number("scale_min"), _number("scale_max"), _number("score", "empty: no answer"),
        _time("sent_at", "empty: not exported; where no row has it, the response rate is not known"),
        _time("answered_at", "empty: no answer"),
        _flag("resolved_answer", "customer says the matter was solved at first contact"),
        _text("comment_category"), _SITE, _CHANNEL, _PRODUCT, _REASON, _AGENT,
    ),
    rules=(
        RowRule(
            name="score outside its scale", broken_when="score < scale_min OR score > scale_max",
            remedy="check scale_min and scale_max of this survey type",
        ),
        RowRule(
            name="neither sent_at nor answered_at", broken_when="sent_at IS NULL AND answered_at IS NULL",
            remedy="fill in when the survey was sent; where only answers are exported, when it was answered", always=True,
        ),
        RowRule(
            name="answered before sent", broken_when="answered_at < sent_at",
            remedy="check the date format (day first?) and the time zone of both columns",
        ),
    ),
)  # fmt: skip

_QA = Table(
    name="qa_ratings", kind="fact", date="evaluated_at", key=("evaluation_id", "item_id"),
    about="Quality evaluations, one row per item rated. Calibration ratings are kept apart by purpose.",
    columns=(
        _text("evaluation_id", required=True), _text("item_id", required=True), _PARTNER,
        _text("interaction_id"), _AGENT, _text("rater_id"), _text("rater_org", choices=("client", "bpo")),
        _text("purpose", choices=("grading", "calibration", "calibration_final")), _text("session_id"),
        _number("item_weight", lower=0), _text("criticality", choices=("none", "customer", "business", "compliance")),
        _number("rating", "points given", lower=0), _number("rating_max", "points possible", lower=0),
        _flag("not_applicable"), _time("evaluated_at", required=True),
        _text("sampling", choices=("random", "targeted")), _number("inclusion_probability", lower=0, upper=1),
        _SITE, _CHANNEL, _REASON,
    ),
    rules=(
        RowRule(
            name="rating exceeds rating_max", broken_when="rating > rating_max",
            remedy="points given cannot exceed points possible; check the scorecard's scale",
        ),
    ),
)  # fmt: skip

_ESCALATIONS = Table(
    name="escalations", kind="register", key=("escalation_id",), date="opened_at",
    about="Escalated matters, open or closed.",
    columns=(
        _text("escalation_id", required=True), _PARTNER, _time("opened_at", required=True), _time("closed_at", "empty: open"),
        _text("severity"), _text("level"), _text("category"), _text("root_cause"),
        _text("owner_side", choices=("client", "partner")), _text("interaction_id"),
        _number("due_hours", "agreed turnaround", lower=0),
    ),
    rules=(
        RowRule(
            name="closed before opened", broken_when="closed_at < opened_at",
            remedy="check the date format (day first?) and the time zone of both columns",
        ),
    ),
)  # fmt: skip

_ESCALATION_STEPS = Table(
    name="escalation_steps", kind="register", key=("escalation_id", "seq"), date="at",
    about="What was done about an escalation, step by step.",
    columns=(
        _text("escalation_id", required=True), _count("seq", required=True), _time("at", required=True),
        _text("step"), _text("by"),
    ),
)  # fmt: skip

_UPDATES = Table(
    name="updates", kind="register", key=("update_id",), date="announced_on",
    about="Changes that agents must know: from the client, the account manager or a website.",
    columns=(
        _text("update_id", required=True), _text("source", choices=("client", "account_manager", "website")),
        _text("title"), _date("announced_on", required=True), _date("effective_on"),
        _number("agreed_lead_days", lower=0), _flag("mandatory"), _text("reason", "contact reason affected"),
    ),
)  # fmt: skip

_TRAINING = Table(
    name="training_acks", kind="fact", key=("update_id", "agent_id"), date="due_on",
    about="Who was asked to learn an update or course, and who did.",
    columns=(
        _text("update_id", required=True), _text("agent_id", required=True), _PARTNER, _SITE,
        _date("assigned_on"), _date("due_on", required=True), _date("acknowledged_on"), _date("trained_on", "empty: not done"),
        _flag("passed"), _number("score"),
    ),
)  # fmt: skip

_ROSTER = Table(
    name="roster", kind="fact", key=("agent_id", "valid_from"), date="hire_date",
    about="Agents: hired, in production, left.",
    columns=(
        _text("agent_id", required=True), _PARTNER, _SITE, _text("team"), _text("cohort"),
        _date("hire_date", required=True), _date("prod_date", "first day of live contacts"),
        _date("exit_date", "empty: still there"), _text("exit_type"), _text("skill"), _number("fte", lower=0, upper=1.5),
        _date("valid_from"), _date("valid_to"),
    ),
    rules=(
        RowRule(
            name="exit before hire", broken_when="exit_date < hire_date",
            remedy="check the date format (day first?) of both columns",
        ),
        RowRule(
            name="in production before hired", broken_when="prod_date < hire_date",
            remedy="check the date format (day first?) of both columns", severity="warning",
        ),
    ),
)  # fmt: skip

_SUPPORT_STAFF = Table(
    name="support_staff", kind="register", key=("partner_id", "site", "role", "valid_from"), date="valid_from",
    about="People who lead, check and train a partner's agents: how many of each role, from when.",
    columns=(
        _PARTNER, _SITE, _text("role", required=True, choices=("team_leader", "quality_analyst", "trainer")),
        _number("heads", "people in the role; 0 where there is none, for a missing row says nothing", required=True, lower=0),
        _date("valid_from", required=True), _date("valid_to", "empty: until the next row of the role"),
    ),
    rules=(
        RowRule(name="valid_to before valid_from", broken_when="valid_to < valid_from", remedy="correct one of the two days"),
    ),
)  # fmt: skip

_AGENT_TIME = Table(
    name="agent_time", kind="fact", key=("agent_id", "date"), date="date",
    about="Seconds of each agent's day, from workforce management.",
    columns=(
        _text("agent_id", required=True), _PARTNER, _date("date", required=True), _SITE, _text("team"),
        _seconds("scheduled_s"), _seconds("worked_s"), _seconds("available_s"), _seconds("handling_s"),
        _seconds("aux_s", "paid, neither handling nor available"), _seconds("absent_s", "unplanned absence"),
        _seconds("planned_leave_s"), _seconds("adherent_s", "scheduled seconds in the scheduled state"),
    ),
    rules=(
        RowRule(
            name="adherent_s exceeds scheduled_s", broken_when="adherent_s > scheduled_s",
            remedy="adherence cannot exceed the schedule; conformance can, and is another number",
        ),
    ),
)  # fmt: skip

_FORECASTS = Table(
    name="forecasts", kind="fact", key=("partner_id", "channel", "date", "issued_on"), date="date",
    about="Forecast and staffing per day; locked rows count.",
    columns=(
        _PARTNER, _CHANNEL, _date("date", required=True), _date("issued_on"),
        _flag("locked"), _text("issued_by", choices=("client", "bpo")),
        _number("forecast_offered", lower=0), _seconds("forecast_aht_s"),
        _seconds("required_s", "agent seconds the workload needs"), _seconds("committed_s", "agent seconds delivered"),
    ),
)  # fmt: skip

_CONTRACTS = Table(
    name="contracts", kind="register", key=("contract_id",), date="start",
    about="Terms that decide how easily the relationship can end or change.",
    columns=(
        _text("contract_id", required=True), _PARTNER, _date("start", required=True), _date("end"),
        _flag("auto_renew"), _number("notice_days_client", lower=0), _number("notice_days_partner", lower=0),
        _flag("termination_for_convenience"), _number("termination_fee", lower=0),
        _number("min_heads", lower=0), _number("min_volume", lower=0),
        _number("ramp_up_days", lower=0), _number("ramp_down_days", lower=0), _date("review_on"),
        _text("scope", "part of the service, where a partner has several contracts at once"),
        _number("min_monthly_fee", "least amount billed for a month", lower=0),
        _number("at_risk_share", "largest part of a month's bill that all credits together may take", lower=0, upper=1),
        _number("hire_lead_days", "days until the first replacements can start, once they are looked for", lower=0),
        _number("hires_per_week", "replacements that can start in a week", lower=0),
        _number("training_days", "days from hire to live contacts; empty: as the roster shows", lower=0),
        _number("ramp_weeks", "weeks of live contacts until full output; empty: as handling times show", lower=0),
    ),
    rules=(
        RowRule(name="contract ends before it starts", broken_when='"end" < "start"', remedy="check both dates"),
    ),
)  # fmt: skip

_INCENTIVES = Table(
    name="contract_incentives", kind="register", key=("rule_id", "tier_low"),
    about="Credits and bonuses by result, one row per tier.",
    columns=(
        _text("rule_id", required=True), _text("contract_id", required=True), _text("kpi", required=True),
        _number("tier_low"), _number("tier_high"), _number("amount_share", "share of the invoice; negative is a credit to the client"),
        _number("cap_share", "largest part of the bill this rule may move, either way", lower=0, upper=1),
        _count("earn_back_periods", "months without a credit after which the credit is given back"),
        _number("weight", "multiplies amount_share; empty: 1", lower=0),
        _text("channel", "the rule counts this channel only; empty: all"),
        _number("min_cases", "below this many cases the month does not count", lower=0),
        _flag("excused_events", "whether days of events of kind excused are left out; empty: they are"),
    ),
)  # fmt: skip

_INVOICES = Table(
    name="invoices", kind="fact", key=("invoice_id", "line"), date="period",
    about="What was billed, line by line.",
    columns=(
        _text("invoice_id", required=True), _text("line", required=True), _PARTNER,
        _date("period", "first day of the month billed", required=True),
        _text("item", choices=("hours", "heads", "contacts", "resolutions", "training", "overtime", "credit", "bonus", "other")),
        _number("qty"), _number("rate"), _number("amount", required=True), _text("currency"),
    ),
)  # fmt: skip

_VENDOR_REPORTED = Table(
    name="vendor_reported", kind="register", key=("partner_id", "kpi", "period"), date="period",
    about="The numbers the partner reports about itself.",
    columns=(
        _PARTNER, _text("kpi", required=True), _date("period", "first day of the month", required=True),
        _number("value", "in the KPI's unit; shares as 0.95", required=True), _number("n"), _text("definition"), _date("received_on"),
    ),
)  # fmt: skip

_ACTIONS = Table(
    name="actions", kind="register", key=("action_id",), date="raised_on",
    about="Corrective actions, improvements and commitments of both sides.",
    columns=(
        _text("action_id", required=True), _text("partner_id", "empty: all partners"), _text("kpi"),
        _text("type", choices=("corrective", "improvement", "commitment")), _text("forum"),
        _text("source", "what raised it: calibration, review, audit, ..."), _text("problem"), _text("root_cause"), _text("action", required=True),
        _text("owner", "several, each from its side, are divided by semicolons"),
        _text("owner_side", choices=("client", "partner", "both")), _text("proposed_by", choices=("client", "partner")),
        _date("raised_on", required=True), _date("approved_on"), _date("due_on"), _date("closed_on"),
        _text("status", choices=("open", "at_risk", "done", "dropped")), _text("size", choices=("small", "large")),
        _text("expected_effect", "such as +2 points, -20 s, below 10 %, -4 %"), _date("check_on", "when the effect is to be judged"),
        _text("measured_effect"), _text("effect_quality"), _text("effect_cost"),
    ),
    rules=(
        RowRule(name="closed before raised", broken_when="closed_on < raised_on", remedy="check the date format of both columns"),
        RowRule(
            name="due before raised", broken_when="due_on < raised_on", remedy="check the date format of both columns",
            severity="warning",
        ),
    ),
)  # fmt: skip

_EVENTS = Table(
    name="events", kind="register", key=("event_id",), date="start",
    about="Dated facts that may stand beside a change in the numbers: changes, outages, campaigns, holidays.",
    columns=(
        _text("event_id", required=True), _text("partner_id", "empty: all partners"), _date("start", required=True), _date("end"),
        _text("kind", choices=("change", "outage", "holiday", "campaign", "definition", "excused", "other")),
        _text("owner_side", choices=("client", "partner", "none")), _text("title", required=True),
        _text("kpi", "KPI concerned; empty: any"), _text("approved_by"),
    ),
)  # fmt: skip

_EXCEPTIONS = Table(
    name="exceptions", kind="register", key=("exception_id",), date="valid_from",
    about="Agreed exceptions to the concentration rule, dated, with a review date.",
    columns=(
        _text("exception_id", required=True), _text("partner_id"),
        _text("dimension", required=True, choices=("channel", "product", "queue", "language", "reason", "shift", "site")),
        _text("value", required=True), _text("why"), _text("approved_by"), _date("valid_from"), _date("review_on"),
        _text("hours", "hours of the day it covers, with their time zone"), _text("fallback", "what is done if the partner fails"),
    ),
)  # fmt: skip

_BENCHMARKS = Table(
    name="benchmarks", kind="register", key=("kpi", "source", "year"),
    about="Published levels, each with source, year, population and definition.",
    columns=(
        _text("kpi", required=True), _text("source", required=True), _count("year", required=True),
        _number("value"), _number("low"), _number("high"), _text("population"), _text("definition"),
        _text("url"), _date("as_of"), _date("next_review"),
    ),
)  # fmt: skip

_CATEGORY_MAP = Table(
    name="category_map", kind="register", key=("raw",),
    about="Raw reason or tag to key category.",
    columns=(_text("raw", required=True), _text("category", required=True), _text("kind", choices=("feedback", "request", "other"))),
)  # fmt: skip

_MEETINGS = Table(
    name="meetings", kind="register", key=("meeting_id",), date="planned_on",
    about="Forums planned and held.",
    columns=(
        _text("meeting_id", required=True), _text("partner_id"), _text("forum", required=True),
        _date("planned_on", required=True), _date("held_on", "empty: not held"), _text("attendees"),
    ),
)  # fmt: skip

_CONTACTS = Table(
    name="contacts", kind="register", key=("partner_id", "side", "name", "topic", "severity"),
    about="Who to turn to: on which side, for which matter, at which severity.",
    columns=(
        _text("partner_id", "empty: for all partners"), _text("side", required=True, choices=("client", "partner")),
        _text("name", required=True), _text("role"), _text("forum", "steering, account or delivery"),
        _text("topic", "KPI or matter; empty: any"), _text("severity", "empty: any"),
        _text("level", "level of the escalation ladder this person stands on"), _text("reached_by", "how to reach them"),
    ),
)  # fmt: skip

_DELIVERABLES = Table(
    name="deliverables", kind="register", key=("deliverable_id",), date="due_on",
    about="What was to be delivered, and when it was: reports, plans, documents.",
    columns=(
        _text("deliverable_id", required=True), _text("partner_id"), _text("title", required=True),
        _text("owner_side", choices=("client", "partner")), _text("quality_standard"), _date("due_on", required=True),
        _date("delivered_on", "empty: not delivered"), _date("accepted_on", "empty: not accepted"),
    ),
    rules=(
        RowRule(
            name="accepted before delivered", broken_when="accepted_on < delivered_on",
            remedy="check the date format of both columns",
        ),
    ),
)  # fmt: skip

_REQUESTS = Table(
    name="partner_requests", kind="register", key=("request_id",), date="asked_on",
    about="What the partner asked of the client (access, answers, tools), and when it came.",
    columns=(
        _text("request_id", required=True), _PARTNER, _text("kind", choices=("access", "question", "tool", "other")),
        _text("title"), _time("asked_on", required=True), _time("answered_on", "empty: open"), _number("due_hours", lower=0),
    ),
    rules=(
        RowRule(name="answered before asked", broken_when="answered_on < asked_on", remedy="check the date format of both columns"),
    ),
)  # fmt: skip

_ACTIVITIES = Table(
    name="activities", kind="register", key=("activity_id",), date="start",
    about="What is planned: launches, moves, transitions and their milestones.",
    columns=(
        _text("activity_id", required=True), _text("partner_id", "empty: all partners"), _text("title", required=True),
        _text("kind", choices=("transition", "milestone", "launch", "training", "other")), _date("start", required=True), _date("end"),
        _text("owner"), _text("owner_side", choices=("client", "partner")),
        _text("status", choices=("planned", "on_track", "at_risk", "delayed", "done", "dropped")), _date("done_on"),
    ),
    rules=(RowRule(name="activity ends before it starts", broken_when='"end" < "start"', remedy="check both dates"),),
)  # fmt: skip

_RELATIONSHIP = Table(
    name="relationship_surveys", kind="register", key=("response_id",), date="answered_on",
    about="How each side, and the partner's agents, judge the work together.",
    columns=(
        _text("response_id", required=True), _PARTNER, _date("answered_on", required=True),
        _text("side", required=True, choices=("client", "partner", "agents")), _text("question", "empty: overall"),
        _number("score", required=True), _number("scale_min"), _number("scale_max"),
    ),
    rules=(
        RowRule(
            name="score outside its scale", broken_when="score < scale_min OR score > scale_max",
            remedy="check scale_min and scale_max",
        ),
    ),
)  # fmt: skip

_ARTICLES = Table(
    name="kb_articles", kind="register", key=("article_id",), date="published_on",
    about="Articles of the knowledge base, and what reason for contact each serves.",
    columns=(
        _text("article_id", required=True), _text("title"), _text("reason", "contact reason served"),
        _date("published_on"), _date("reviewed_on"), _date("valid_until"),
    ),
)  # fmt: skip

_USAGE = Table(
    name="kb_usage", kind="fact", key=("partner_id", "date", "article_id"), date="date",
    about="How the knowledge base was used per day.",
    columns=(
        _PARTNER, _date("date", required=True), _text("article_id"), _count("views"), _count("searches"),
        _count("searches_missed", "searches without a result that was opened"),
    ),
)  # fmt: skip

_PILOT_UNITS = Table(
    name="pilot_units", kind="register", key=("pilot_id", "partner_id", "unit", "arm", "valid_from"), date="valid_from",
    about="Which unit (agent, team, queue, week) was in which arm of a pilot, and when.",
    columns=(
        _text("pilot_id", "name of the pilot's file, without .toml", required=True), _text("unit", required=True), _PARTNER,
        _text("arm", required=True, choices=("pilot", "baseline")),
        _date("valid_from", "empty: from the start of the pilot"), _date("valid_to", "last day; empty: to its end"),
    ),
    rules=(
        RowRule(name="valid_to before valid_from", broken_when="valid_to < valid_from", remedy="correct one of the two days"),
    ),
)  # fmt: skip

_PANEL = Table(
    name="panel", kind="fact", date="date", open=True,
    key=("partner_id", "unit", "date", "site", "team", "channel", "product", "reason"),
    about="Measures of a unit (agent, team, queue) per week or day; every further column is a number for KPIs of your own.",
    columns=(
        _text("unit", "agent, team, queue or site", required=True), _PARTNER,
        _date("date", "first day of the week, or the day", required=True),
        _SITE, _text("team"), _CHANNEL, _PRODUCT, _REASON,
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _PARTNERS, _VOLUME, _TARGETS, _INTERACTIONS, _SURVEYS, _QA, _ESCALATIONS, _ESCALATION_STEPS, _UPDATES, _TRAINING,
        _ROSTER, _SUPPORT_STAFF, _AGENT_TIME, _FORECASTS, _CONTRACTS, _INCENTIVES, _INVOICES, _VENDOR_REPORTED, _ACTIONS, _EVENTS,
        _EXCEPTIONS, _BENCHMARKS, _CATEGORY_MAP, _MEETINGS, _CONTACTS, _DELIVERABLES, _REQUESTS, _ACTIVITIES,
        _RELATIONSHIP, _ARTICLES, _USAGE, _PILOT_UNITS, _PANEL,
    )
}  # fmt: skip
"""Every table of the data model, by name."""
