"""Figures by hand, and properties that hold for every KPI of the catalogue."""

from datetime import date

import ibis
import pandas as pd
import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.canonical import to_canonical
from bpo_analysis.data.files import read_raw
from bpo_analysis.data.kpi_table import KEYS, KPI_COLUMNS, absent_columns, sums_of
from bpo_analysis.data.rules import apply_rules
from bpo_analysis.data.schema import TABLES
from bpo_analysis.data.views import Sources, build_views
from bpo_analysis.kpis import FAMILIES, KPIS, settings_of

ONE_DAY = """
    partner_id,interval_start,offered,answered,answered_in_threshold,abandoned,abandoned_short,abandoned_in_threshold,flow_out
    acme,2026-01-01,100,90,72,8,3,5,2
"""


BY_HAND = {
    "service_level": {
        "offered": (72, 100), "answered_only": (72, 90), "offered_less_short": (72, 95), "abandon_positive": (77, 100),
        "genesys": (72, 98), "genesys_flow_outs": (72, 100), "genesys_less_short": (72, 95),
    },
    "abandonment_rate": {"offered": (8, 100), "less_short": (5, 97), "answered_or_abandoned": (8, 98)},
    "fcr": {"flag": None, "survey": None, "repeat": None},  # below, from contacts and surveys
}  # fmt: skip


@pytest.mark.parametrize("family", ["service_level", "abandonment_rate"])
def test_variants_by_hand(write_dataset, sums, family):
    variants = list(BY_HAND[family])
    for first, second in zip(variants[::2], [*variants[1::2], variants[0]], strict=False):
        toml = f"[kpis.{family}]\nvariant = '{first}'\nalternative = '{second}'\n"
        folder = write_dataset(toml, volume=ONE_DAY)
        assert sums(folder, family) == BY_HAND[family][first]
        assert sums(folder, f"{family}_alternative") == BY_HAND[family][second]


def test_every_variant_is_tried_by_hand():
    assert {family: set(variants) for family, variants in BY_HAND.items()} == {
        family: set(variants) for family, variants in FAMILIES.items()
    }


INTERACTIONS = """
    interaction_id,partner_id,created_at,customer_key,reason,abandoned,resolved_first_contact,solved_at
    1,acme,2026-01-01 09:00,ann,bill,false,true,2026-01-01 10:00
    2,acme,2026-01-08 09:00,ann,bill,false,true,2026-01-09 10:00
    3,acme,2026-01-15 09:00:01,ann,bill,false,false,
    4,acme,2026-01-16 09:00,ann,move,false,,2026-01-16 09:30
    5,acme,2026-01-17 09:00,,bill,false,true,2026-01-17 10:00
    6,acme,2026-01-18 09:00,bob,bill,true,,
    7,acme,2026-01-19 09:00,bob,bill,false,true,2026-01-20 10:00
    8,bolt,2026-01-20 09:00,bob,bill,false,true,2026-01-20 10:00
    9,bolt,2026-01-24 08:59,eve,bill,false,true,2026-01-24 10:00
    10,bolt,2026-01-31 09:00,zoe,bill,false,true,2026-01-31 10:00
"""


def test_a_repeat_is_the_same_customer_and_reason_within_the_window(write_dataset, sums):
    """Ann's second contact comes within 7 days to the second, her third one second later; Bob comes back to Bolt."""
    folder = write_dataset(volume=None, interactions=INTERACTIONS)
    rows = open_dataset(folder).kpi_rows(kpi="repeat_contact_rate")
    repeated = rows.groupby("date")[["numerator", "denominator"]].sum()
    assert repeated.loc["2026-01-01"].tolist() == [1, 1]
    assert repeated.loc["2026-01-08"].tolist() == [0, 1]
    assert repeated.loc["2026-01-19"].tolist() == [1, 1]
    assert repeated.loc["2026-01-20"].tolist() == [0, 1]


def test_the_last_days_are_left_out_of_repeats(write_dataset):
    """The data end on 31 January: a contact from the 25th on has not had its seven days."""
    folder = write_dataset("[kpis.fcr]\nvariant = 'repeat'\n", volume=None, interactions=INTERACTIONS)
    for kpi in ("repeat_contact_rate", "fcr"):
        assert open_dataset(folder).kpi_rows(kpi=kpi)["date"].max() == pd.Timestamp("2026-01-24")


def test_the_window_follows_the_contacts_and_not_the_volume(write_dataset):
    """Contacts exported until the 31st, volume until 15 February: a missing fortnight of contacts holds no repeats."""
    volume = "partner_id,interval_start,offered\nacme,2026-01-01,5\nacme,2026-02-15,5\nbolt,2026-01-02,5\n"
    folder = write_dataset(volume=volume, interactions=INTERACTIONS)
    assert open_dataset(folder).kpi_rows(kpi="repeat_contact_rate")["date"].max() == pd.Timestamp("2026-01-24")


def test_fcr_by_flag_and_by_survey(write_dataset, sums):
    surveys = """
        survey_id,interaction_id,type,sent_at,answered_at,score,scale_min,scale_max,resolved_answer
        1,1,csat,2026-01-01,2026-01-02,5,1,5,true
        2,2,csat,2026-01-08,2026-01-08,4,1,5,false
        3,3,csat,2026-01-15,,,1,5,
        4,8,csat,2026-01-20,2026-01-21,3,1,5,true
    """
    tables = {"volume": None, "interactions": INTERACTIONS, "surveys": surveys}
    folder = write_dataset("[kpis.fcr]\nvariant = 'flag'\nalternative = 'survey'\n", **tables)
    assert sums(folder, "fcr") == (7, 8)
    assert sums(folder, "fcr_alternative") == (2, 3)
    assert sums(folder, "fcr_alternative", partner_id="bolt") == (1, 1)  # the survey takes its partner from the contact
    assert sums(folder, "csat") == (2, 3)
    assert sums(folder, "survey_response_rate") == (3, 4)
    assert sums(folder, "csat", date="2026-01-02") == (1, 1)  # the day of the answer, not of the contact


def test_open_cases_are_counted_at_the_end_of_each_day(write_dataset, sums):
    folder = write_dataset(volume=None, interactions=INTERACTIONS)
    open_on = {day: sums(folder, "backlog", partner_id="acme", date=f"2026-01-{day:02d}") for day in (1, 8, 9, 15, 31)}
    assert open_on == {1: (0, 1), 8: (1, 1), 9: (0, 1), 15: (1, 1), 31: (1, 1)}
    assert sums(folder, "backlog", partner_id="acme")[1] == 31


ROSTER = """
    agent_id,partner_id,hire_date,exit_date
    old,acme,2020-01-01,
    leaver,acme,2020-01-01,2026-01-10
    new,acme,2026-01-22,
    brief,acme,2025-12-20,2026-01-05
"""


def test_attrition_is_leavers_over_agent_days(write_dataset, sums):
    """31 + 10 + 10 + 5 agent-days in January; those with under 90 days: 10 + 5."""
    folder = write_dataset(roster=ROSTER)
    assert sums(folder, "headcount") == (56, 31)
    assert sums(folder, "attrition_monthly") == pytest.approx((2, 56 / 30.4375))
    assert sums(folder, "attrition_annualised") == pytest.approx((2, 56 / 365.25))
    assert sums(folder, "early_attrition") == pytest.approx((1, 15 / 30.4375))


def test_an_agent_with_two_rows_is_one_head(write_dataset, sums):
    moved = """
        agent_id,partner_id,hire_date,exit_date,valid_from,valid_to
        a,acme,2025-01-01,2026-01-20,2025-01-01,2026-01-09
        a,acme,2025-01-01,2026-01-20,2026-01-10,
        b,acme,2025-01-01,,2025-01-01,
    """
    folder = write_dataset(roster=moved)
    assert sums(folder, "headcount") == (20 + 31, 31)
    assert sums(folder, "attrition_monthly")[0] == 1


BILLED = """
    partner_id,interval_start,offered,answered
    acme,2026-01-01,100,80
    acme,2026-02-01,100,90
    acme,2026-02-28,100,10
    acme,2026-03-31,100,50
    acme,2026-04-10,100,50
"""
INVOICES = """
    invoice_id,line,partner_id,period,amount
    1,1,acme,2026-01-01,400
    1,2,acme,2026-01-01,-80
    2,1,acme,2026-03-31,100
    3,1,acme,2026-04-01,100
"""


def test_a_month_without_an_invoice_is_missing_and_not_free(write_dataset):
    rows = open_dataset(write_dataset(volume=BILLED, invoices=INVOICES)).kpi_rows(kpi="cost_per_contact")
    by_month = {f"{d:%Y-%m}": (n, m) for d, n, m in zip(rows.date, rows.numerator, rows.denominator, strict=True)}
    # April is billed, but the export ends on the 10th: a month's bill over ten days is no cost per contact.
    assert by_month == {"2026-01": (320, 80), "2026-03": (100, 50)}


def test_the_latest_locked_forecast_is_compared(write_dataset, sums):
    forecasts = """
        partner_id,date,issued_on,locked,forecast_offered,required_s,committed_s
        acme,2026-01-01,2025-12-01,true,90,1000,800
        acme,2026-01-01,2025-12-20,true,120,1000,1200
        acme,2026-01-01,2025-12-30,false,100,1000,
        bolt,2026-01-01,2025-12-30,true,50,1000,1000
    """
    folder = write_dataset(volume=ONE_DAY, forecasts=forecasts)
    assert sums(folder, "forecast_wape") == (20, 100)
    assert sums(folder, "forecast_bias") == (20, 100)
    assert sums(folder, "staffing_delivered") == (2800, 3000)


def test_a_forecast_by_channel_meets_a_volume_without_channels(write_dataset, sums):
    forecasts = """
        partner_id,channel,date,issued_on,forecast_offered
        acme,voice,2026-01-01,2025-12-01,60
        acme,chat,2026-01-01,2025-12-01,50
    """
    assert sums(write_dataset(volume=ONE_DAY, forecasts=forecasts), "forecast_wape") == (10, 100)


QA = """
    evaluation_id,item_id,partner_id,interaction_id,rater_org,purpose,item_weight,criticality,rating,rating_max,not_applicable,evaluated_at
    e1,a,acme,1,client,grading,2,none,1,1,false,2026-01-03
    e1,b,acme,1,client,grading,1,customer,0,1,false,2026-01-03
    e1,c,acme,1,client,grading,5,none,0,1,true,2026-01-03
    e2,a,acme,2,bpo,grading,2,none,1,1,false,2026-01-04
    e3,a,acme,3,bpo,calibration,1,none,1,1,false,2026-01-05
    e3,b,acme,3,bpo,calibration,1,none,1,1,false,2026-01-05
    e4,a,acme,3,client,calibration,1,none,1,1,false,2026-01-05
    e4,b,acme,3,client,calibration,1,none,0,1,false,2026-01-05
"""


def test_quality_is_weighted_within_an_evaluation_and_averaged_over_them(write_dataset, sums):
    folder = write_dataset(qa_ratings=QA)
    assert sums(folder, "qa_score") == pytest.approx((2 / 3 + 1, 2))
    assert sums(folder, "critical_error_accuracy") == (1, 2)
    assert sums(folder, "business_critical_accuracy") == (2, 2)
    assert sums(folder, "dpmo") == (1, 3)
    assert sums(folder, "calibration_bias") == (0.5, 1)


def test_volume_is_built_from_interactions_where_it_is_missing(write_dataset, sums):
    toml = """
        [kpis.service_level]
        threshold_s = { voice = 20, chat = 60 }
        [kpis.abandonment_rate]
        variant = "less_short"
    """
    interactions = """
        interaction_id,partner_id,created_at,channel,wait_s,talk_s,abandoned,transferred
        1,acme,2026-01-01 09:00,voice,20,100,false,true
        2,acme,2026-01-01 09:01,voice,21,200,false,false
        3,acme,2026-01-01 09:02,voice,5,,true,
        4,acme,2026-01-01 09:03,voice,6,,true,
        5,acme,2026-01-01 09:04,chat,60,300,false,false
        6,acme,2026-01-01 09:05,email,,50,false,false
    """
    folder = write_dataset(toml, volume=None, interactions=interactions)
    assert sums(folder, "offered")[0] == 6
    assert sums(folder, "handled")[0] == 4
    assert sums(folder, "service_level") == (2, 5)  # nothing is known of the email's wait
    assert sums(folder, "abandonment_rate") == (1, 5)
    assert sums(folder, "asa_s") == (101, 3)
    assert sums(folder, "aht_s") == (650, 4)
    assert sums(folder, "transfer_rate") == (1, 4)


def test_a_day_with_a_missing_part_counts_in_neither_sum(write_dataset, sums):
    volume = ONE_DAY + "    acme,2026-01-02,50,,40,,,,\n"
    folder = write_dataset("[kpis.service_level]\nvariant = 'answered_only'\n", volume=volume)
    assert sums(folder, "service_level") == (72, 90)


def test_a_kpi_that_cannot_be_computed_says_why(write_dataset):
    volume = "partner_id,interval_start,offered,answered,wait_answered_s\nacme,2026-01-01,5,5,\nbolt,2026-01-01,5,5,\n"
    why = open_dataset(write_dataset(volume=volume)).prepare().unavailable
    assert why["asa_s"] == "no row of table volume has the values it needs"
    assert why["aht_s"] == "table volume has no column talk_s"
    assert why["csat"] == "table surveys is not in this dataset"
    assert why["cost_per_contact"] == "table invoices is not in this dataset"
    assert "offered" not in why
    contacts = open_dataset(write_dataset(volume=None, interactions=INTERACTIONS, folder="b")).prepare().unavailable
    assert contacts["escalation_rate"] == "table volume is not in this dataset, and table interactions does not give it"


@pytest.fixture(scope="module")
def sources(portfolio, tmp_path_factory):
    """The portfolio's tables after mapping and rules, on a connection of their own."""
    connection, scratch = ibis.duckdb.connect(), tmp_path_factory.mktemp("scratch")
    tables, mapped = {}, {}
    for name, spec in portfolio.config.tables.items():
        raw = read_raw(connection, spec, scratch)
        repaired = apply_rules(to_canonical(raw, TABLES[name], spec), spec)
        tables[name] = connection.create_table(name, repaired.table)
        mapped[name] = repaired.mapped
    first, last = portfolio.span
    settings = settings_of(portfolio.config.families)
    return connection, Sources(
        tables=tables, mapped=mapped, first_day=first, last_day=last, contact_days=(first, last), settings=settings
    )  # fmt: skip


def test_every_kpi_of_the_catalogue_has_rows_in_the_portfolio(portfolio):
    rows = portfolio.kpi_rows(partner_id="northline")
    assert set(rows["kpi"]) == {*portfolio.kpis, *portfolio.alternatives}
    assert portfolio.unavailable == {}
    assert tuple(rows.columns) == KPI_COLUMNS
    assert not rows.duplicated(["kpi", *KEYS]).any()


def test_a_week_from_days_is_the_week_from_rows(portfolio, sources):
    """The expressions of every KPI as plain SQL over single rows, against the sums of the KPI table."""
    connection, tables = sources
    views = build_views(tables)
    names = {name: connection.create_view(f"view_{name}", view) for name, view in views.items()}
    rows = portfolio.kpi_rows()
    rows["week"] = rows["date"].dt.to_period("W").dt.start_time
    from_days = rows.groupby(["kpi", "partner_id", "week"])[["numerator", "denominator"]].sum()
    for kpi in [*portfolio.kpis.values(), *portfolio.alternatives.values()]:
        assert kpi.source in names
        found = connection.raw_sql(
            f"""
            SELECT partner_id, DATE_TRUNC('week', CAST({kpi.date} AS DATE)) AS week,
                   SUM(CAST({kpi.numerator} AS DOUBLE)) AS numerator,
                   SUM(CAST({kpi.denominator} AS DOUBLE)) AS denominator
            FROM view_{kpi.source}
            WHERE ({kpi.where or "TRUE"}) AND ({kpi.numerator}) IS NOT NULL AND ({kpi.denominator}) IS NOT NULL
                  AND partner_id IS NOT NULL AND {kpi.date} IS NOT NULL
            GROUP BY ALL
            """
        ).df()
        found["week"] = pd.to_datetime(found["week"])
        from_rows = found.set_index(["partner_id", "week"]).sort_index()
        from_rows = from_rows[(from_rows["denominator"] != 0) | (from_rows["numerator"] != 0)]
        pd.testing.assert_frame_equal(from_days.loc[kpi.name].sort_index(), from_rows, check_dtype=False, obj=kpi.name)


RESTATED = ("answered_in_threshold", "abandoned_in_threshold")
"""What the planted restatement of one partner's month changes in the volume, and in the volume only."""


def test_volume_from_interactions_is_the_volume_of_the_portfolio(portfolio, sources):
    """The planted restatement aside, both tables count the same contacts."""
    _, tables = sources
    # As in the sample: 20 s on the phone, 60 s in chat, no threshold for email.
    settings = dict(tables.settings) | {"threshold_s": {"voice": 20.0, "chat": 60.0}}
    without = {name: table for name, table in tables.tables.items() if name != "volume"}
    built = build_views(
        Sources(
            tables=without, mapped=tables.mapped, first_day=tables.first_day, last_day=tables.last_day,
            contact_days=tables.contact_days, settings=settings,
        )
    )["volume"]  # fmt: skip
    exported = build_views(tables)["volume"]
    counts = (
        "offered", "answered", "answered_in_threshold", "abandoned", "abandoned_short", "abandoned_in_threshold",
        "handled", "transferred", "escalated", "wait_answered_s", "wait_abandoned_s", "talk_s", "hold_s", "acw_s",
    )  # fmt: skip
    totals = []
    for view in (built, exported):
        known = view.filter(view.channel != "email")  # the volume has no answer times of email
        by = known.group_by("partner_id", "channel", month=known.date.truncate("month"))
        totals.append(by.aggregate(**{name: known[name].sum() for name in counts}).to_pandas())
    both = totals[0].merge(totals[1], on=["partner_id", "channel", "month"], suffixes=("", "_exported"))
    assert len(both) == len(totals[0]) == len(totals[1]) > 100
    for name in counts:
        differs = both[(both[name] - both[f"{name}_exported"]).abs() > 1e-6 * both[name].abs()]
        restated = differs[["partner_id", "month"]].drop_duplicates()
        assert len(restated) <= (name in RESTATED), name


@pytest.mark.parametrize("dialect", ["postgres", "trino", "snowflake", "bigquery", "databricks"])
def test_every_kpi_runs_on_other_engines(dialect):
    """Only text files may use DuckDB's own functions, and those are read by DuckDB."""
    types = {"text": "string", "integer": "int64", "number": "float64"}
    tables = {
        name: ibis.table({c.name: types.get(c.type, c.type) for c in table.columns} | {"_row": "int64"}, name=name)
        for name, table in TABLES.items()
    }
    days = (pd.Timestamp("2026-01-01").date(), pd.Timestamp("2026-03-31").date())
    views = build_views(
        Sources(
            tables=tables, mapped={name: frozenset(table.by_name) for name, table in TABLES.items()},
            first_day=days[0], last_day=days[1], contact_days=days, settings=settings_of({}),
        )
    )  # fmt: skip
    kpis = [*KPIS.values(), *(kpi for variants in FAMILIES.values() for kpi in variants.values())]
    assert not any(absent_columns(kpi, views[kpi.source]) for kpi in kpis)
    for found in sums_of(views, kpis):
        assert "strptime" not in ibis.to_sql(found.table, dialect=dialect).lower()


@pytest.mark.parametrize("days", [("2026-07-01", "2026-10-31"), ("2026-07-05", "2026-10-17")])
@pytest.mark.parametrize(
    "by", [("partner_id",), ("partner_id", "date", "category"), ("month", "channel", "partner_id"), ("site", "shift")]
)
def test_sums_over_all_partners_are_those_of_the_whole_table(portfolio, by, days):
    start, end = (date.fromisoformat(day) for day in days)
    found = portfolio.kpi_sums("fcr", by, start, end)
    rows = portfolio.kpi_rows(kpi="fcr")
    rows = rows[rows["date"].between(pd.Timestamp(start), pd.Timestamp(end))]
    rows = rows.assign(month=rows["date"].dt.to_period("M").dt.start_time)
    wanted = rows.groupby(list(by), dropna=False)[["numerator", "denominator"]].sum().reset_index()
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


@pytest.mark.parametrize("by", [("partner_id", "date"), ("site", "shift")])
def test_sums_of_some_partners(portfolio, by):
    start, end = date(2026, 7, 1), date(2026, 10, 31)
    found = portfolio.kpi_sums("fcr", by, start, end, partners=["baobab", "kestrel"])
    rows = portfolio.kpi_rows(kpi="fcr")
    rows = rows[rows["date"].between(pd.Timestamp(start), pd.Timestamp(end))]
    rows = rows[rows["partner_id"].isin(["baobab", "kestrel"])]
    wanted = rows.groupby(list(by), dropna=False)[["numerator", "denominator"]].sum().reset_index()
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)
