"""The committed sample is valid, reproducible, and holds what planted.json says; the clean twin does not."""

import importlib.util
import json
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.pilots.registration import read_registration
from bpo_analysis.data.schema import TABLES

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
PORTFOLIO = SAMPLE / "portfolio"
HANDLE = ["talk_s", "hold_s", "acw_s"]
FACTS = json.loads((PORTFOLIO / "planted.json").read_text(encoding="utf-8"))
SAMPLED = [name for name in TABLES if name != "panel"]  # a panel is for pilots without single contacts
SIZE = {fact["id"]: fact["size"] for fact in FACTS}


def _load_script():
    spec = importlib.util.spec_from_file_location("make_portfolio", SAMPLE / "make_portfolio.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


script = _load_script()


def read_table(folder, name):
    """Read one file by the types of the schema, not by those of the script."""
    path = folder / f"{name}.parquet"
    columns = TABLES[name].by_name
    if path.exists():
        table = pd.read_parquet(path)
    else:
        text = {column: "str" for column, spec in columns.items() if spec.type == "text"}
        table = pd.read_csv(folder / f"{name}.csv", dtype=text)
    for column in table:
        if columns[column].type in {"date", "timestamp"}:
            table[column] = pd.to_datetime(table[column]).astype("datetime64[ms]")
    return table


def read_folder(folder):
    return {name: read_table(folder, name) for name in SAMPLED}


def latest(volume):
    return volume.sort_values("extracted_on").drop_duplicates(script.VOLUME_KEY, keep="last")


@pytest.fixture(scope="module")
def planted():
    return read_folder(PORTFOLIO)


@pytest.fixture(scope="module")
def clean():
    return script.build(plants=frozenset())


# --- the files obey the schema ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLED)
def test_columns_are_those_of_the_schema_and_required_ones_are_filled(planted, name):
    table, spec = planted[name], TABLES[name]
    assert len(table) > 0
    assert set(table.columns) <= set(spec.by_name)
    assert table[list(spec.required_columns)].notna().all().all()


@pytest.mark.parametrize("name", SAMPLED)
def test_keys_are_unique(planted, name):
    table = latest(planted[name]) if name == "volume" else planted[name]
    key = [column for column in TABLES[name].key if column in table]
    assert not table.duplicated(key).any()


@pytest.mark.parametrize("name", SAMPLED)
def test_values_lie_in_choices_and_ranges(planted, name):
    for column, values in planted[name].items():
        spec, values = TABLES[name].by_name[column], values.dropna()
        assert not spec.choices or set(values) <= set(spec.choices), column
        assert spec.lower is None or (values.astype(float) >= spec.lower).all(), column
        assert spec.upper is None or (values.astype(float) <= spec.upper).all(), column


@pytest.mark.parametrize("name", [name for name in SAMPLED if TABLES[name].rules])
def test_no_row_breaks_a_row_rule(planted, name):
    table = planted[name]
    for rule in TABLES[name].rules:
        missing = [column for column in TABLES[name].by_name if column not in table]
        frame = table.assign(**dict.fromkeys(missing, np.nan))
        broken = duckdb.query_df(frame, "frame", f"SELECT count(*) FROM frame WHERE {rule.broken_when}").fetchall()
        assert broken == [(0,)], rule.name


def test_rows_point_to_rows_that_exist(planted):
    partners, contacts = set(planted["partners"]["partner_id"]), set(planted["interactions"]["interaction_id"])
    for name, table in planted.items():
        if "partner_id" in table:
            assert set(table["partner_id"].dropna()) <= partners, name
        if "interaction_id" in table:
            assert set(table["interaction_id"].dropna()) <= contacts, name
    agents = set(planted["roster"]["agent_id"])
    for name in ("interactions", "surveys", "qa_ratings", "agent_time", "training_acks"):
        assert set(planted[name]["agent_id"].dropna()) <= agents, name
    assert set(planted["training_acks"]["update_id"]) <= set(planted["updates"]["update_id"])
    assert set(planted["escalation_steps"]["escalation_id"]) <= set(planted["escalations"]["escalation_id"])
    assert set(planted["contract_incentives"]["contract_id"]) == set(planted["contracts"]["contract_id"])
    assert set(planted["pilot_units"]["unit"]) <= agents


def test_agents_take_contacts_only_while_in_production(planted):
    contacts = planted["interactions"].dropna(subset="agent_id").merge(planted["roster"], on="agent_id")
    assert (contacts["created_at"] >= contacts["prod_date"]).all()
    assert not (contacts["created_at"].dt.normalize() >= contacts["exit_date"]).any()


# --- the tables agree with each other ---------------------------------------------------------------------------------


def test_volume_totals_equal_the_interactions(planted):
    volume, contacts = latest(planted["volume"]), planted["interactions"]
    queue = contacts["channel"] != "email"
    threshold = contacts["channel"].map({"voice": 20, "chat": 60})
    answered, lost = queue & contacts["answered_at"].notna(), queue & contacts["abandoned"]
    expected = {
        "offered": len(contacts),
        "answered": answered.sum(),
        "answered_in_threshold": (answered & (contacts["wait_s"] <= threshold)).sum(),
        "abandoned": lost.sum(),
        "abandoned_short": (lost & (contacts["wait_s"] <= 5)).sum(),
        "abandoned_in_threshold": (lost & (contacts["wait_s"] <= threshold)).sum(),
        "handled": (~contacts["abandoned"]).sum(),
        "transferred": contacts["transferred"].sum(),
        "escalated": contacts["escalated"].sum(),
        "reopened": (contacts["reopens"] > 0).sum(),
        "wait_answered_s": contacts.loc[answered, "wait_s"].sum(),
        "wait_abandoned_s": contacts.loc[lost, "wait_s"].sum(),
        **contacts[HANDLE].sum(),
    }
    assert {name: int(volume[name].sum()) for name in expected} == {name: int(n) for name, n in expected.items()}


def test_volume_counts_equal_the_interactions_in_every_cell(planted):
    contacts = planted["interactions"].assign(interval_start=lambda rows: rows["created_at"].dt.normalize())
    expected = contacts.groupby(script.VOLUME_KEY)["abandoned"].agg(["size", "sum"])
    volume = latest(planted["volume"]).set_index(script.VOLUME_KEY)
    np.testing.assert_array_equal(volume["offered"].reindex(expected.index), expected["size"])
    np.testing.assert_array_equal(volume["abandoned"].fillna(0).reindex(expected.index), expected["sum"])


def test_email_has_no_queue_columns_and_the_others_have(planted):
    email = planted["volume"]["channel"] == "email"
    columns = ["threshold_s", "answered", "answered_in_threshold", "abandoned", "wait_answered_s"]
    assert planted["volume"].loc[email, columns].isna().all().all()
    assert planted["volume"].loc[~email, columns].notna().all().all()


def test_handling_seconds_equal_those_of_the_contacts(planted):
    assert planted["agent_time"]["handling_s"].sum() == planted["interactions"][HANDLE].sum().sum()


def test_rows_are_dated_with_the_day_after_their_month_except_the_restated_one(planted):
    volume = planted["volume"]
    month_end = volume["interval_start"].dt.to_period("M").dt.end_time.dt.normalize()
    late = volume["extracted_on"] != month_end + pd.Timedelta(days=1)
    assert set(volume.loc[late, "partner_id"]) == {"meridia"}
    assert set(volume.loc[late, "interval_start"].dt.strftime("%Y-%m")) == {"2026-08"}


def test_contacts_are_clustered_by_agent(planted):
    contacts = planted["interactions"].dropna(subset="agent_id")
    resolved = contacts["resolved_first_contact"].astype(float)
    icc = []
    for _, rows in resolved.groupby(contacts["partner_id"]):
        groups = rows.groupby(contacts["agent_id"]).agg(["mean", "size"]).query("size >= 100")
        within = rows.mean() * (1 - rows.mean())
        icc.append((groups["mean"].var() - within * (1 / groups["size"]).mean()) / within)
    assert 0.02 < np.mean(icc) < 0.10


def test_sample_stays_small(planted):
    sizes = [path.stat().st_size for path in PORTFOLIO.iterdir()]
    assert max(sizes) < 3_000_000
    assert sum(sizes) < 5_300_000
    assert 130_000 < len(planted["interactions"]) < 160_000


# --- reproducible -----------------------------------------------------------------------------------------------------


def test_same_seed_gives_identical_frames_and_another_seed_does_not():
    first, again = script.build(seed=5, months=1), script.build(seed=5, months=1)
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, again[name])
    other = script.build(seed=6, months=1)
    assert len(other["interactions"]) != len(first["interactions"])


def test_a_short_build_keeps_the_last_months():
    tables = script.build(months=1)
    assert tables["interactions"]["created_at"].min().strftime("%Y-%m-%d") == "2026-10-01"
    assert set(tables) == set(SAMPLED)


def test_the_command_writes_the_committed_files_again(tmp_path, planted):
    script.main(["--out", str(tmp_path)])
    for name, table in read_folder(tmp_path).items():
        pd.testing.assert_frame_equal(table, planted[name])
    assert json.loads((tmp_path / "planted.json").read_text(encoding="utf-8")) == FACTS


def test_the_plan_of_the_pilot_is_written_again_and_is_registered(tmp_path):
    script.write_pilots(tmp_path)
    for file in (PORTFOLIO / "pilots").iterdir():
        assert (tmp_path / file.name).read_text(encoding="utf-8") == file.read_text(encoding="utf-8")
    dataset = open_dataset(PORTFOLIO)
    pilot = dataset.find_pilot()
    found = read_registration(pilot)
    assert (found.state, str(found.registered_on), found.late) == ("registered", "2026-06-22", False)
    assert (pilot.start, pilot.end) == (script.PILOT_START.item(), script.PILOT_END.item())
    assert found.version == script.TOOLKIT_VERSION
    arms = dataset.pilot_assignments(pilot.id)
    assert len(arms) == len(pd.read_csv(PORTFOLIO / "pilot_units.csv"))


def test_the_clean_command_plants_nothing(tmp_path):
    script.main(["--out", str(tmp_path), "--clean", "--months", "1"])
    assert json.loads((tmp_path / "planted.json").read_text(encoding="utf-8")) == []
    assert {path.stem for path in tmp_path.iterdir()} == {*SAMPLED, "pilots", "planted"}


def test_the_clean_twin_has_the_same_structure(planted, clean):
    for name, table in planted.items():
        assert list(clean[name].columns) == list(table.columns), name
        assert len(clean[name]) > 0, name


def test_planted_facts_are_fully_described():
    names = {"id", "title", "kind", "partner_id", "kpi", "tables", "start", "end", "direction", "size", "unit", "where"}
    partners = {partner.id for partner in script.PARTNERS}
    for fact in FACTS:
        assert set(fact) == names | {"truth"}
        assert set(fact["partner_id"].split(",")) <= partners
        assert set(fact["tables"]) <= set(TABLES)
        assert fact["start"] <= fact["end"]
    touched = {partner for fact in FACTS for partner in fact["partner_id"].split(",")}
    assert partners - touched == {"fernway", "home"}


# --- what is planted is there, and absent in the clean twin -----------------------------------------------------------


def _of(table, partner):
    return table[table["partner_id"] == partner]


def _step(values, when, date):
    """Mean after a date minus mean before it."""
    after = when >= pd.Timestamp(date)
    return float(values[after].astype(float).mean() - values[~after].astype(float).mean())


def _csat(tables, partner):
    surveys = _of(tables["surveys"], partner)
    answered = surveys[(surveys["type"] == "csat") & surveys["score"].notna()]
    return (answered["score"] >= 4).astype(float), answered


def _service_level(volume):
    queue = volume[volume["threshold_s"].notna()]
    return queue["answered_in_threshold"].sum() / queue["offered"].sum()


def _handled(tables, partner):
    contacts = _of(tables["interactions"], partner)
    return contacts[~contacts["abandoned"]]


def _qa_scores(ratings):
    used = ratings[~ratings["not_applicable"].astype(bool)]
    points = used["rating"].astype(float) / used["rating_max"] * used["item_weight"]
    keys = [used["interaction_id"], used["rater_org"]]
    return points.groupby(keys).sum() / used["item_weight"].groupby(keys).sum()


def aht_trend(tables):
    rows = _handled(tables, "kestrel")
    monthly = rows[HANDLE].sum(axis=1).groupby(rows["created_at"].dt.to_period("M")).mean().astype(float)
    slope, level = np.polyfit(np.arange(len(monthly)) + 0.5, monthly, 1)
    return slope * len(monthly) / level


def service_level_shift(tables):
    volume = latest(_of(tables["volume"], "northline"))
    after = volume["interval_start"] >= "2026-06-15"
    return _service_level(volume[after]) - _service_level(volume[~after])


def lenient_rater(tables):
    ratings = _of(tables["qa_ratings"], "kestrel")
    pairs = _qa_scores(ratings[ratings["purpose"] == "calibration"]).unstack()
    return (pairs["bpo"] - pairs["client"]).mean()


def overnight_share(tables):
    night = tables["interactions"].query("shift == 'overnight'")
    return (night["partner_id"] == "solheim").mean()


def smarthome_share(tables):
    product = tables["interactions"].query("product == 'smarthome'")
    assert set(product["channel"]) == {"chat"}
    return (product["partner_id"] == "meridia").mean()


def restated_service_level(tables):
    august = _of(tables["volume"], "meridia").query("'2026-08-01' <= interval_start <= '2026-08-31'")
    first = august.sort_values("extracted_on").drop_duplicates(script.VOLUME_KEY, keep="first")
    return _service_level(latest(august)) - _service_level(first)


def fcr_step(tables):
    rows = _handled(tables, "kestrel")
    return _step(rows["resolved_first_contact"], rows["created_at"], "2026-01-01")


def vendor_gap(tables, kpi="csat"):
    reported = _of(tables["vendor_reported"], "kestrel").query("kpi == @kpi").set_index("period")["value"]
    if kpi == "csat":
        satisfied, answered = _csat(tables, "kestrel")
        measured = satisfied.groupby(answered["sent_at"].dt.to_period("M").dt.start_time).mean()
    else:
        volume = _of(tables["volume"], "kestrel")
        month = volume["interval_start"].dt.to_period("M").dt.start_time
        measured = pd.Series({start: _service_level(rows) for start, rows in volume.groupby(month)})
    return (reported - measured).mean()


def early_leavers(tables):
    cohort = tables["roster"].query("partner_id == 'baobab' and cohort == '2026-05'")
    return (cohort["exit_date"] - cohort["hire_date"] <= pd.Timedelta(days=90)).mean()


def shortest_notice(tables):
    return tables["contracts"]["notice_days_partner"].min()


def transfer_step(tables):
    rows = _handled(tables, "northline")
    return _step(rows["transferred"], rows["created_at"], "2026-04-13")


def _by_arm(tables, agent_id):
    return agent_id.map(tables["pilot_units"].set_index("unit")["arm"])


def pilot_critical_accuracy(tables):
    ratings = tables["qa_ratings"].query("purpose == 'grading' and criticality == 'customer'")
    ratings = ratings[ratings["evaluated_at"].between("2026-07-08", "2026-09-28")]
    wrong = (ratings["rating"] < ratings["rating_max"]).groupby(
        [_by_arm(tables, ratings["agent_id"]), ratings["evaluation_id"]]
    )
    accuracy = 1 - wrong.any().groupby(level=0).mean()
    return accuracy["pilot"] - accuracy["baseline"]


def pilot_csat(tables):
    satisfied, answered = _csat(tables, "solheim")
    during = answered["sent_at"].between("2026-07-07", "2026-09-29")
    mean = satisfied[during].groupby(_by_arm(tables, answered["agent_id"])).mean()
    return mean["pilot"] - mean["baseline"]


def response_step(tables):
    surveys = _of(tables["surveys"], "meridia")
    return _step(surveys["score"].notna(), surveys["sent_at"], "2026-09-02")


def escalation_slowdown(tables):
    rows = _of(tables["escalations"], "northline")
    hours = (rows["closed_at"].fillna(pd.Timestamp("2026-11-01")) - rows["opened_at"]).dt.total_seconds()
    late = rows["opened_at"] >= "2026-08-01"
    return hours[late].median() / hours[~late].median()


def small_week(tables):
    offered = _of(tables["interactions"], "solheim").groupby(pd.Grouper(key="created_at", freq="W-SUN")).size()
    around = offered[["2026-02-01", "2026-02-08", "2026-02-22", "2026-03-01"]].mean()
    return offered["2026-02-15"] / around - 1


def newcomer_handle_time(tables):
    rows = _handled(tables, "baobab").merge(tables["roster"][["agent_id", "prod_date"]], on="agent_id")
    weeks = (rows["created_at"] - rows["prod_date"]).dt.days // 7
    seconds = rows[HANDLE].sum(axis=1).astype(float)
    return seconds[weeks < 4].mean() / seconds[weeks >= 26].mean()


def watermelon(tables):
    satisfied, answered = _csat(tables, "baobab")
    last, before = answered["sent_at"] >= "2026-10-01", answered["sent_at"] < "2026-03-01"
    return satisfied[last].mean() - satisfied[before].mean()


# Each: how to measure the fact, how far from its stated size it may lie, its value without it, and how far from that.
CHECKS = {
    "aht_trend": (aht_trend, 0.05, 0.0, 0.06),
    "service_level_shift": (service_level_shift, 0.03, 0.0, 0.03),
    "lenient_rater": (lenient_rater, 0.015, 0.0, 0.02),
    "overnight_exception": (overnight_share, 0.0, 0.4, 0.2),
    "smarthome_concentration": (smarthome_share, 0.0, 0.3, 0.2),
    "restated_month": (restated_service_level, 0.02, 0.0, 0.0),
    "fcr_definition_change": (fcr_step, 0.03, 0.0, 0.025),
    "vendor_drops_hard_contacts": (vendor_gap, 0.02, 0.0, 0.005),
    "attrition_wave": (early_leavers, 0.05, 0.1, 0.15),
    "short_notice": (shortest_notice, 0.0, 90, 0.0),
    "effective_action": (transfer_step, 0.015, 0.0, 0.02),
    "pilot_critical_errors": (pilot_critical_accuracy, 0.05, 0.0, 0.06),
    "response_collapse": (response_step, 0.03, 0.0, 0.04),
    "late_escalations": (escalation_slowdown, 2.0, 1.0, 0.6),
    "small_week": (small_week, 0.06, 0.0, 0.25),
    "tenure_ramp": (newcomer_handle_time, 0.2, 1.08, 0.12),
    "watermelon": (watermelon, 0.06, 0.0, 0.08),
}


@pytest.mark.parametrize("fact", CHECKS)
def test_planted_fact_has_its_stated_size(planted, fact):
    measure, tolerance, _, _ = CHECKS[fact]
    assert measure(planted) == pytest.approx(SIZE[fact], abs=tolerance)


@pytest.mark.parametrize("fact", CHECKS)
def test_clean_twin_does_not_show_it(clean, fact):
    measure, _, neutral, tolerance = CHECKS[fact]
    assert measure(clean) == pytest.approx(neutral, abs=tolerance)


def _lead_lag(tables, partner="northline", lags=range(9)):
    acks = _of(tables["training_acks"], partner)
    completion = (acks["trained_on"] <= acks["due_on"]).groupby(acks["due_on"].dt.to_period("W-SUN")).mean()
    satisfied, answered = _csat(tables, partner)
    csat = satisfied.groupby(answered["sent_at"].dt.to_period("W-SUN")).mean().reindex(completion.index)
    return completion, csat, pd.Series({lag: csat.corr(completion.shift(lag)) for lag in lags})


def test_training_leads_csat_by_the_stated_weeks_in_several_swings(planted):
    completion, csat, correlation = _lead_lag(planted)
    assert correlation.idxmax() == SIZE["training_leads_csat"]
    assert correlation.max() > 0.6
    slope = np.polyfit(completion[:-3], csat[3:], 1)[0]
    assert slope == pytest.approx(0.5, abs=0.12)
    crossings = (np.sign(completion - completion.mean()).diff().abs() > 0).sum()
    assert crossings >= 10


def test_training_does_not_lead_csat_in_the_clean_twin_nor_elsewhere(planted, clean):
    assert abs(_lead_lag(clean)[2][3]) < 0.3
    for partner in ("solheim", "baobab", "kestrel"):
        assert abs(_lead_lag(planted, partner)[2][3]) < 0.35, partner


def _fcr_difference(tables):
    rows = pd.concat([_handled(tables, partner) for partner in ("meridia", "solheim")])
    resolved = rows["resolved_first_contact"].astype(float)
    by_reason = resolved.groupby([rows["reason"], rows["partner_id"]]).mean().unstack()
    overall = resolved.groupby(rows["partner_id"]).mean()
    return by_reason["meridia"] - by_reason["solheim"], overall["meridia"] - overall["solheim"]


def test_better_in_every_reason_but_worse_overall(planted):
    by_reason, overall = _fcr_difference(planted)
    assert len(by_reason) == 6
    assert by_reason.min() > 0.03
    assert overall == pytest.approx(SIZE["simpson_fcr"], abs=0.025)


def test_no_reversal_in_the_clean_twin(clean):
    by_reason, overall = _fcr_difference(clean)
    assert not ((by_reason > 0).all() and overall < 0)
    assert abs(overall) < 0.03


def test_events_and_exceptions_stand_beside_their_plants(planted, clean):
    def events(tables):
        return set(tables["events"]["start"].dt.strftime("%Y-%m-%d") + " " + tables["events"]["kind"])

    dated = {"2026-01-01 definition", "2026-06-15 change", "2026-02-09 outage"}
    assert dated <= events(planted)
    assert not dated & events(clean)
    assert (planted["exceptions"]["value"] == "overnight").sum() == 1
    assert (clean["exceptions"]["value"] == "overnight").sum() == 0
    assert not planted["exceptions"]["value"].isin(["smarthome", "chat"]).any()


def test_repeat_contacts_do_not_follow_the_new_fcr_definition(planted):
    rows = _of(planted["interactions"], "kestrel").sort_values(["customer_key", "created_at"])
    follow_up = rows.groupby("customer_key")["created_at"].shift(-1) - rows["created_at"] <= pd.Timedelta(days=7)
    known = rows["created_at"] < "2026-10-24"
    assert abs(_step(follow_up[known], rows.loc[known, "created_at"], "2026-01-01")) < 0.025


def test_only_one_partner_reports_better_than_measured_and_on_fewer_contacts(planted):
    assert vendor_gap(planted, "service_level") == pytest.approx(0.05, abs=0.025)
    reported = planted["vendor_reported"].query("kpi == 'fcr'").groupby("partner_id")["n"].sum()
    handled = planted["interactions"].query("~abandoned").groupby("partner_id").size()
    share = reported / handled
    assert share["kestrel"] < 0.85
    assert (share.drop(["kestrel", "home"]) == 1).all()


def test_only_the_largest_team_has_short_notice(planted):
    roster, contracts = planted["roster"], planted["contracts"]
    heads = roster[roster["exit_date"].isna()].groupby("partner_id").size()
    assert heads.idxmax() == "baobab"
    assert list(contracts.loc[contracts["notice_days_partner"] == 30, "partner_id"]) == ["baobab"]


def test_service_level_is_met_every_month_while_csat_falls(planted):
    volume = _of(planted["volume"], "baobab")
    monthly = [_service_level(rows) for _, rows in volume.groupby(volume["interval_start"].dt.to_period("M"))]
    assert min(monthly) >= 0.80


def test_the_useless_action_is_closed_and_fcr_is_unmoved(planted, clean):
    action = planted["actions"].set_index("action_id").loc["act-07"]
    assert action["status"] == "done"
    assert action["closed_on"] == pd.Timestamp("2026-05-15")
    rows = _handled(planted, "meridia")
    assert abs(_step(rows["resolved_first_contact"], rows["created_at"], "2026-05-15")) < 0.02
    assert "act-07" not in set(clean["actions"]["action_id"])


def test_the_pilot_is_no_worse_on_csat(planted):
    assert pilot_csat(planted) > -0.02


def test_some_late_escalations_are_open(planted, clean):
    def open_share(tables):
        recent = _of(tables["escalations"], "northline").query("opened_at >= '2026-08-01'")
        return recent["closed_at"].isna().mean()

    assert open_share(planted) > 0.05
    assert open_share(clean) < 0.05


def test_every_planted_fact_is_checked():
    apart = {"training_leads_csat", "simpson_fcr", "useless_action"}
    assert set(CHECKS) | apart == set(SIZE)
