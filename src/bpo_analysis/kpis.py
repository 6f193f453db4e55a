"""The KPI catalogue, as data.

A KPI is a sum over a sum: ``numerator`` and ``denominator`` are row expressions over one source table, added up over the
rows of a period and only then divided. So a week computed from days equals the week computed from rows, and an average
of averages cannot be written down.

To add a KPI, add one entry to ``_CATALOGUE`` (or, for one client only, a ``[[kpi]]`` block to its ``dataset.toml``).
Targets, partners and dates are parameters of a report, not of a KPI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from bpo_analysis.errors import DatasetError, UnknownNameError, suggest

__all__ = ["FAMILIES", "GROUPS", "KPIS", "Kpi", "Setting", "catalogue", "settings_of"]

Unit = Literal["share", "seconds", "minutes", "hours", "days", "count", "per_1000", "points", "score", "money", "ppm"]
Better = Literal["higher", "lower", "none"]
Timing = Literal["leading", "lagging", "diagnostic"]
Group = Literal["quality", "satisfaction", "turnaround", "cost", "volume", "people", "client"]
Grain = Literal["day", "month"]
Pooling = Literal["ratio", "total"]
Sampling = Literal["cases", "events", "mean", "none"]
Setting = float | Mapping[str, float]
"""Limit of a family: one number, or one for each channel."""

GROUPS: tuple[Group, ...] = get_args(Group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One key performance indicator.

    Attributes
    ----------
    name : str
        Identifier used in targets, parameters and files.
    label : str
        Name as printed.
    unit : str
        ``share`` is held in [0, 1] and printed in percent; times are held in the unit they name.
    better : {"higher", "lower", "none"}
        Which way improvement lies. It colours words and pictures and never enters a test.
    timing : {"leading", "lagging", "diagnostic"}
        Role for the customer's outcome.
    group : str
        Row of the scorecard the KPI belongs to.
    source : str
        Table or view whose rows are summed.
    numerator, denominator : str
        Row expressions. A row counts only where both are present.
    date : str
        Column that places a row in time.
    where : str
        Row expression that must hold for a row to count; empty: all rows.
    category : str
        Column the KPI is sliced by in reports; empty: the contact reason.
    definition : str
        One sentence, as a contract would put it. ``{setting}`` is filled from the family's settings.
    lower, upper : float, optional
        Range a value can take.
    grain : {"day", "month"}
        Shortest period over which the KPI means something.
    pooling : {"ratio", "total"}
        ``total`` is a plain sum: it is never averaged over days.
    scale : float
        Factor from sum/sum to the unit (1,000 for rates per 1,000).
    variant : str
        Which member of a family this is; empty for a KPI with one definition.
    sampling : {"cases", "events", "mean", "none"}
        How chance enters, and so which interval belongs to the value: a share of single cases, a count of rare events
        over an exposure, a mean or ratio that varies from day to day, or a plain count that is not an estimate.
    base : str
        What the denominator counts, as printed beside a value; seconds are printed as hours if it begins with "hours".
    """

    name: str
    label: str
    unit: Unit
    better: Better
    timing: Timing
    group: Group
    source: str
    numerator: str
    denominator: str = "1"
    date: str = "date"
    where: str = ""
    category: str = ""
    definition: str
    lower: float | None = None
    upper: float | None = None
    grain: Grain = "day"
    pooling: Pooling = "ratio"
    scale: float = 1.0
    variant: str = ""
    sampling: Sampling = "mean"
    base: str = ""

    @property
    def is_part(self) -> bool:
        """Whether the numerator is a part of the denominator, and can never exceed it."""
        return self.lower == 0 and self.upper == self.scale


def _share(name: str, label: str, **rest: object) -> Kpi:
    """Make a KPI of cases out of cases."""
    return Kpi(name=name, label=label, unit="share", lower=0, upper=1, sampling="cases", **rest)  # type: ignore[arg-type]


def _time_share(name: str, label: str, **rest: object) -> Kpi:
    """Make a KPI of time out of time: bounded, but seconds are not independent cases."""
    return Kpi(name=name, label=label, unit="share", lower=0, upper=1, **rest)  # type: ignore[arg-type]


_SERVICE_LEVEL = _share(
    "service_level", "Service level", base="offered", better="higher", timing="lagging", group="turnaround", source="volume",
    numerator="answered_in_threshold", denominator="offered", variant="offered",
    definition="answered within {threshold_s}, of all contacts offered",
)  # fmt: skip
_ABANDONMENT = _share(
    "abandonment_rate", "Abandonment", base="offered", better="lower", timing="lagging", group="turnaround", source="volume",
    numerator="abandoned", denominator="offered", variant="offered",
    definition="abandoned, of all contacts offered",
)  # fmt: skip
_FCR = _share(
    "fcr", "First-contact resolution", base="contacts", better="higher", timing="lagging", group="quality", source="interactions",
    numerator="resolved_first_contact", variant="flag", where="NOT COALESCE(abandoned, FALSE)",
    definition="contacts the agent marked as resolved at first contact, of contacts with the mark",
)  # fmt: skip

FAMILIES: dict[str, dict[str, Kpi]] = {
    "service_level": {
        kpi.variant: kpi
        for kpi in (
            _SERVICE_LEVEL,
            replace(
                _SERVICE_LEVEL, variant="answered_only", denominator="answered", base="answered",
                definition="answered within {threshold_s}, of contacts answered",
            ),
            replace(
                _SERVICE_LEVEL, variant="offered_less_short", base="counted", denominator="offered - abandoned_in_threshold",
                definition="answered within {threshold_s}, of contacts offered less those abandoned within {threshold_s}",
            ),
            replace(
                _SERVICE_LEVEL, variant="abandon_positive", numerator="answered_in_threshold + abandoned_in_threshold",
                definition="answered or abandoned within {threshold_s}, of all contacts offered",
            ),
            replace(
                _SERVICE_LEVEL, variant="genesys", base="counted", denominator="answered + abandoned",
                definition="answered within {threshold_s}, of contacts answered or abandoned (flow-outs left out)",
            ),
            replace(
                _SERVICE_LEVEL, variant="genesys_flow_outs", base="counted", denominator="answered + abandoned + flow_out",
                definition="answered within {threshold_s}, of contacts answered, abandoned or flowed out",
            ),
            replace(
                _SERVICE_LEVEL, variant="genesys_less_short", base="counted", denominator="answered + abandoned - abandoned_short",
                definition="answered within {threshold_s}, of contacts answered or abandoned, short abandons left out",
            ),
        )
    },
    "abandonment_rate": {
        kpi.variant: kpi
        for kpi in (
            _ABANDONMENT,
            replace(
                _ABANDONMENT, variant="less_short", base="counted", numerator="abandoned - abandoned_short",
                denominator="offered - abandoned_short",
                definition="abandoned after more than {short_s}, of contacts offered less those abandoned sooner",
            ),
            replace(
                _ABANDONMENT, variant="answered_or_abandoned", base="counted", denominator="answered + abandoned",
                definition="abandoned, of contacts answered or abandoned",
            ),
        )
    },
    "fcr": {
        kpi.variant: kpi
        for kpi in (
            _FCR,
            replace(
                _FCR, variant="survey", base="answers", source="surveys", numerator="resolved_answer", date="answered_date", where="",
                definition="customers who say the matter was resolved at first contact, of those who answered the question",
            ),
            replace(
                _FCR, variant="repeat", source="contacts", numerator="CASE WHEN repeated THEN 0 ELSE 1 END",
                where="repeated IS NOT NULL",
                definition="contacts not followed by another of the same customer for the same reason within {window_days}; "
                "the last {window_days} of the data are left out",
            ),
        )
    },
}  # fmt: skip
"""KPIs that the field defines in several ways: the variant is chosen in ``dataset.toml`` and printed."""

FAMILY_SETTINGS: dict[str, dict[str, float]] = {
    "service_level": {"threshold_s": 20},
    "abandonment_rate": {"short_s": 5},
    "fcr": {"window_days": 7},
}
_BY_CHANNEL = ("threshold_s", "short_s")
_SETTING_UNITS = {"threshold_s": "s", "short_s": "s", "window_days": "days"}

_TOP_BOX = "CASE WHEN scale_max - scale_min <= 1 THEN score = scale_max ELSE score >= scale_max - 1 END"
_CRITICAL = "1 - {kind}_critical"

_CATALOGUE: tuple[Kpi, ...] = (
    # Volume
    Kpi(
        name="offered", sampling="none", label="Contacts offered", unit="count", better="none", timing="leading", group="volume", source="volume",
        numerator="offered", pooling="total", lower=0, definition="contacts that entered the queue",
    ),
    Kpi(
        name="handled", sampling="none", label="Contacts handled", unit="count", better="none", timing="diagnostic", group="volume", source="volume",
        numerator="COALESCE(handled, answered)", pooling="total", lower=0,
        definition="contacts completed by an agent (answered, where handled is not exported)",
    ),
    Kpi(
        name="answered", sampling="none", label="Contacts answered", unit="count", better="none", timing="diagnostic", group="volume", source="volume",
        numerator="COALESCE(answered, handled)", pooling="total", lower=0,
        definition="contacts connected to an agent (handled, where answered is not exported)",
    ),
    Kpi(
        name="escalated", sampling="none", label="Contacts escalated", unit="count", better="none", timing="diagnostic", group="volume", source="volume",
        numerator="escalated", pooling="total", lower=0, definition="contacts handled that were escalated",
    ),
    # Turnaround and efficiency
    _SERVICE_LEVEL, _ABANDONMENT,
    Kpi(
        name="asa_s", base="answered", label="Average speed of answer", unit="seconds", better="lower", timing="lagging", group="turnaround",
        source="volume", numerator="wait_answered_s", denominator="answered", lower=0,
        definition="wait of answered contacts, divided by contacts answered; the wait of the abandoned is not in it",
    ),
    _share(
        "sla_attainment", "Solved within SLA", base="solved", better="higher", timing="lagging", group="turnaround", source="interactions",
        numerator="sla_met", date="solved_date", definition="cases solved within the time agreed for their priority, of cases solved",
    ),
    Kpi(
        name="turnaround_h", base="solved", label="Turnaround of solved cases", unit="hours", better="lower", timing="lagging", group="turnaround",
        source="interactions", numerator="solve_s / 3600.0", date="solved_date", lower=0,
        definition="created to solved in calendar hours, of cases solved in the period; open cases are not in it",
    ),
    Kpi(
        name="first_reply_min", base="replied", label="First reply time", unit="minutes", better="lower", timing="lagging", group="turnaround",
        source="interactions", numerator="reply_s / 60.0", lower=0,
        definition="created to first reply by a person in calendar minutes, of cases that had a reply",
    ),
    Kpi(
        name="aht_s", base="handled", label="Average handle time", unit="seconds", better="none", timing="diagnostic", group="turnaround",
        source="volume", numerator="talk_s + COALESCE(hold_s, 0) + COALESCE(acw_s, 0)", denominator="COALESCE(handled, answered)",
        lower=0, definition="talk, hold and after-contact work, divided by contacts handled; shown as a diagnostic",
    ),
    Kpi(
        name="talk_s", base="handled", label="Talk time per contact", unit="seconds", better="none", timing="diagnostic", group="turnaround",
        source="volume", numerator="talk_s", denominator="COALESCE(handled, answered)", lower=0,
        definition="talk time divided by contacts handled",
    ),
    Kpi(
        name="hold_s", base="handled", label="Hold time per contact", unit="seconds", better="lower", timing="diagnostic", group="turnaround",
        source="volume", numerator="hold_s", denominator="COALESCE(handled, answered)", lower=0,
        definition="hold time divided by contacts handled, held or not",
    ),
    Kpi(
        name="acw_s", base="handled", label="After-contact work per contact", unit="seconds", better="none", timing="diagnostic", group="turnaround",
        source="volume", numerator="acw_s", denominator="COALESCE(handled, answered)", lower=0,
        definition="after-contact work divided by contacts handled",
    ),
    Kpi(
        name="backlog", sampling="none", base="days", label="Open cases at day's end", unit="count", better="lower", timing="leading", group="turnaround",
        source="backlog", numerator="open_cases", lower=0,
        definition="cases created and not solved by the end of the day, averaged over the days of the period, never summed",
    ),
    # Quality
    Kpi(
        name="qa_score", base="evaluations", label="QA score", unit="share", better="higher", timing="leading", group="quality", source="evaluations",
        numerator="score", lower=0, upper=1, definition="points given over points possible (weighted items, not-applicable left out), averaged over evaluations",
    ),
    _share(
        "critical_error_accuracy", "Customer-critical accuracy", base="evaluations", better="higher", timing="leading", group="quality",
        source="evaluations", numerator=_CRITICAL.format(kind="customer"),
        definition="evaluations without a customer-critical error, of evaluations",
    ),
    _share(
        "business_critical_accuracy", "Business-critical accuracy", base="evaluations", better="higher", timing="leading", group="quality",
        source="evaluations", numerator=_CRITICAL.format(kind="business"),
        definition="evaluations without a business-critical error, of evaluations",
    ),
    _share(
        "compliance_critical_accuracy", "Compliance-critical accuracy", base="evaluations", better="higher", timing="leading", group="quality",
        source="evaluations", numerator=_CRITICAL.format(kind="compliance"),
        definition="evaluations without a compliance-critical error, of evaluations",
    ),
    Kpi(
        name="dpmo", sampling="cases", base="rated items", label="Defects per million opportunities", unit="ppm", better="lower", timing="lagging", group="quality",
        source="qa_ratings", numerator="CASE WHEN rating < rating_max THEN 1 ELSE 0 END", scale=1e6, lower=0, upper=1e6,
        date="evaluated_date", category="item_id",
        where="COALESCE(purpose, 'grading') = 'grading' AND NOT COALESCE(not_applicable, FALSE) AND rating_max > 0",
        definition="items rated below their full points, per million items rated",
    ),
    Kpi(
        name="calibration_bias", base="contacts", label="Calibration bias (partner less client)", unit="share", better="none", timing="diagnostic",
        group="quality", source="calibration", numerator="gap", lower=-1, upper=1,
        definition="QA score given by the partner's rater less the client's for the same contact, averaged over calibrated contacts",
    ),
    _FCR,
    _share(
        "repeat_contact_rate", "Repeat contacts", base="contacts", better="lower", timing="lagging", group="quality", source="contacts",
        numerator="repeated", where="repeated IS NOT NULL",
        definition="contacts followed by another of the same customer for the same reason within {window_days}; "
        "the last {window_days} of the data are left out",
    ),
    _share(
        "transfer_rate", "Transfers", base="handled", better="lower", timing="lagging", group="quality", source="volume",
        numerator="transferred", denominator="COALESCE(handled, answered)", definition="contacts passed on, of contacts handled",
    ),
    Kpi(
        name="escalation_rate", sampling="cases", base="handled", label="Escalations", unit="per_1000", better="lower", timing="lagging", group="quality",
        source="volume", numerator="escalated", denominator="COALESCE(handled, answered)", scale=1000, lower=0, upper=1000,
        definition="contacts escalated, per 1,000 contacts handled",
    ),
    _share(
        "reopen_rate", "Reopened cases", base="solved", better="lower", timing="lagging", group="quality", source="interactions",
        numerator="reopens > 0", date="solved_date", definition="cases opened again at least once, of cases solved",
    ),
    # Satisfaction
    _share(
        "csat", "CSAT (top two boxes)", base="answers", better="higher", timing="lagging", group="satisfaction", source="surveys", numerator=_TOP_BOX,
        date="answered_date", where="type = 'csat'",
        definition="answers in the top two boxes of the scale (the top one where the scale has two), of answers",
    ),
    Kpi(
        name="nps", base="answers", label="NPS", unit="points", better="higher", timing="lagging", group="satisfaction", source="surveys",
        numerator="CASE WHEN score >= 9 THEN 1 WHEN score <= 6 THEN -1 ELSE 0 END", scale=100, lower=-100, upper=100,
        date="answered_date", where="type = 'nps' AND scale_max = 10",
        definition="share of answers 9 or 10 less share of answers 0 to 6, in points",
    ),
    Kpi(
        name="ces", base="answers", label="Customer effort score", unit="score", better="higher", timing="lagging", group="satisfaction",
        source="surveys", numerator="score", date="answered_date", where="type = 'ces'",
        definition="mean answer, on a scale where a high answer means easy",
    ),
    _share(
        "survey_response_rate", "Survey response rate", base="sent", better="higher", timing="diagnostic", group="satisfaction", source="surveys",
        numerator="CASE WHEN answered_at IS NULL THEN 0 ELSE 1 END", date="sent_date", where="sent_at IS NOT NULL",
        definition="surveys answered, of surveys sent",
    ),
    # Cost
    Kpi(
        name="cost_per_contact", sampling="none", base="handled", label="Cost per contact", unit="money", better="lower", timing="lagging", group="cost",
        source="billing", numerator="amount", denominator="handled", grain="month", lower=0,
        definition="amount billed for the month, credits and bonuses included, divided by contacts handled",
    ),
    Kpi(
        name="cost_per_resolution", sampling="none", base="resolved", label="Cost per resolution", unit="money", better="lower", timing="lagging", group="cost",
        source="billing", numerator="amount", denominator="resolved", grain="month", lower=0,
        definition="amount billed for the month, divided by contacts marked as resolved at first contact",
    ),
    # People
    _time_share(
        "occupancy", "Occupancy", base="hours", better="none", timing="leading", group="people", source="agent_time",
        numerator="handling_s", denominator="handling_s + available_s", definition="handling time, of handling and available time",
    ),
    _time_share(
        "utilisation", "Utilisation", base="hours", better="none", timing="leading", group="people", source="agent_time",
        numerator="handling_s + available_s", denominator="handling_s + available_s + aux_s",
        definition="handling and available time, of handling, available and paid auxiliary time",
    ),
    _time_share(
        "shrinkage", "Shrinkage", base="hours scheduled", better="lower", timing="leading", group="people", source="agent_time",
        numerator="COALESCE(aux_s, 0) + COALESCE(absent_s, 0) + COALESCE(planned_leave_s, 0)", denominator="scheduled_s",
        definition="scheduled time not available for contacts (auxiliary, absent, on leave), of scheduled time",
    ),
    _time_share(
        "adherence", "Schedule adherence", base="hours scheduled", better="higher", timing="leading", group="people", source="agent_time",
        numerator="adherent_s", denominator="scheduled_s", definition="scheduled time spent in the scheduled state, of scheduled time",
    ),
    _time_share(
        "absenteeism", "Absenteeism", base="hours scheduled", better="lower", timing="leading", group="people", source="agent_time",
        numerator="absent_s", denominator="scheduled_s", definition="unplanned absence, of scheduled time; planned leave is not in it",
    ),
    Kpi(
        name="headcount", sampling="none", base="days", label="Headcount", unit="count", better="none", timing="diagnostic", group="people", source="heads",
        numerator="heads", lower=0, definition="agents employed, averaged over the days of the period",
    ),
    Kpi(
        name="attrition_monthly", sampling="events", label="Attrition, monthly", unit="share", better="lower", timing="leading", group="people",
        source="heads", numerator="leavers", denominator="heads / 30.4375", lower=0,
        definition="leavers, of the average headcount (agent-days), per month of 30.44 days",
    ),
    Kpi(
        name="attrition_annualised", sampling="events", label="Attrition, annualised (times 12)", unit="share", better="lower", timing="leading",
        group="people", source="heads", numerator="leavers", denominator="heads / 365.25", lower=0,
        definition="leavers over agent-days times 365.25; a year of it can exceed 100 %, compounding is not applied",
    ),
    Kpi(
        name="early_attrition", sampling="events", label="Early attrition (under 90 days)", unit="share", better="lower", timing="leading",
        group="people", source="heads", numerator="early_leavers", denominator="new_heads / 30.4375", lower=0,
        definition="leavers within 90 days of hire, of the average headcount with under 90 days, per month of 30.44 days",
    ),
    _share(
        "training_completion", "Training completed on time", base="due", better="higher", timing="leading", group="people",
        source="training_acks", numerator="CASE WHEN trained_on <= due_on THEN 1 ELSE 0 END", date="due_on", category="update_id",
        definition="trainings completed by their due date, of trainings due in the period",
    ),
    # The client's own side
    Kpi(
        name="forecast_wape", base="offered", label="Forecast error (WAPE)", unit="share", better="lower", timing="leading", group="client",
        source="forecast_errors", numerator="ABS(forecast_offered - offered)", denominator="offered", lower=0,
        definition="absolute difference between locked forecast and contacts offered, summed over days, over contacts offered",
    ),
    Kpi(
        name="forecast_bias", base="offered", label="Forecast bias", unit="share", better="none", timing="leading", group="client",
        source="forecast_errors", numerator="forecast_offered - offered", denominator="offered",
        definition="locked forecast less contacts offered, over contacts offered; positive: forecast too high",
    ),
    _time_share(
        "staffing_delivered", "Staffing delivered", base="hours required", better="higher", timing="leading", group="people", source="forecasts",
        numerator="LEAST(committed_s, required_s)", denominator="required_s",
        definition="agent time delivered, never counted above what was required, of agent time required",
    ),
)  # fmt: skip

_DEFAULTS: dict[str, Kpi] = {kpi.name: kpi for kpi in _CATALOGUE}


def settings_of(choices: Mapping[str, Mapping[str, object]]) -> dict[str, Setting]:
    """Return every family setting, as chosen or by default.

    Parameters
    ----------
    choices : mapping of str to mapping
        Per family: ``variant``, ``alternative`` and settings. A limit in seconds is one number, or one per channel:
        ``{ voice = 20, chat = 60 }``.

    Raises
    ------
    UnknownNameError
        For a family that does not exist.
    DatasetError
        For a setting that the family does not have, or a value it cannot take.
    """
    merged: dict[str, Setting] = {key: value for family in FAMILY_SETTINGS.values() for key, value in family.items()}
    for name, choice in choices.items():
        if name not in FAMILIES:
            raise UnknownNameError("KPI family", name, FAMILIES)
        known = FAMILY_SETTINGS[name]
        for key, value in choice.items():
            if key in ("variant", "alternative"):
                continue
            if key not in known:
                raise DatasetError(
                    f"[kpis.{name}] has no setting {key!r}.{suggest(key, known)} It takes: variant, alternative, {', '.join(known)}."
                )
            merged[key] = _setting(value, key, f"[kpis.{name}] {key}")
    return merged


def _setting(value: object, key: str, where: str) -> Setting:
    if isinstance(value, Mapping) and value and key in _BY_CHANNEL:
        return {str(channel): _positive(number, f"{where}.{channel}") for channel, number in value.items()}
    return _positive(value, where)


def _positive(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise DatasetError(f"{where} must be a positive number, got {value!r}.")
    return float(value)


def catalogue(
    choices: Mapping[str, Mapping[str, object]] | None = None, extra: tuple[Kpi, ...] = ()
) -> tuple[dict[str, Kpi], dict[str, Kpi]]:
    """Return the catalogue of one dataset: variants chosen, settings filled in, own KPIs added.

    Parameters
    ----------
    choices : mapping of str to mapping, optional
        Per family: ``variant``, optionally ``alternative`` (a second variant to print beside it) and its settings.
    extra : tuple of Kpi
        KPIs defined by the dataset itself.

    Returns
    -------
    kpis, alternatives : dict of str to Kpi
        The KPIs by name, and for families with an ``alternative`` the second reading, under ``<name>_alternative``.

    Raises
    ------
    UnknownNameError
        For a family or variant that does not exist.
    DatasetError
        For a setting that the family does not have.
    """
    choices = choices or {}
    settings = settings_of(choices)
    kpis = {name: _filled(kpi, settings) for name, kpi in _DEFAULTS.items()}
    alternatives: dict[str, Kpi] = {}
    for name, choice in choices.items():
        if "variant" in choice:
            kpis[name] = _filled(_variant(name, str(choice["variant"])), settings)
        if "alternative" in choice:
            second = _filled(_variant(name, str(choice["alternative"])), settings)
            alternatives[f"{name}_alternative"] = replace(
                second, name=f"{name}_alternative", label=f"{second.label} ({second.variant.replace('_', ' ')})"
            )
    return kpis | {kpi.name: kpi for kpi in extra}, alternatives


def _variant(family: str, variant: str) -> Kpi:
    if variant not in FAMILIES[family]:
        raise UnknownNameError(f"variant of {family}", variant, FAMILIES[family])
    return FAMILIES[family][variant]


def _filled(kpi: Kpi, settings: Mapping[str, Setting]) -> Kpi:
    words = {key: _in_words(value, _SETTING_UNITS[key]) for key, value in settings.items()}
    return replace(kpi, definition=kpi.definition.format_map(words))


def _in_words(value: Setting, unit: str) -> str:
    if isinstance(value, Mapping):
        return " or ".join(f"{number:g} {unit} ({channel})" for channel, number in value.items())
    return f"{value:g} {unit}"


KPIS: dict[str, Kpi] = catalogue()[0]
"""The catalogue with the default variant and settings of each family."""
