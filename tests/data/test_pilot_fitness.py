"""Pilots that no report could judge are found by the check and refused by the registration, before they start."""

from __future__ import annotations

from datetime import date

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.pilots.registration import register_pilot, registration_file
from bpo_analysis.errors import PilotError

HEAD = {
    "partner": '"acme"',
    "hypothesis": '"H"',
    "unit": '"agent"',
    "assignment": '"random"',
    "baseline": "[2026-01-01, 2026-01-31]",
    "start": "2026-02-02",
    "end": "2026-03-29",
}
PRIMARY = '[[metric]]\nkpi = "csat"\nrole = "primary"\ntest = "noninferiority"\nmargin = "3 pp"\n'
AGENTS = ("ann", "bob", "cleo", "dan")
PARTNERS = "partner_id,name\nacme,Acme\n"
NEXT_SUMMER = {"baseline": "[2026-01-01, 2026-03-28]", "start": "2026-06-01", "end": "2026-08-30"}


def rows_of(agents=AGENTS, *, without=lambda agent, month: False):
    """Three months of one contact and one answer a day for each agent."""
    contacts = ["interaction_id,partner_id,created_at,site,channel,agent_id,talk_s"]
    answers = ["survey_id,interaction_id,type,scale_min,scale_max,score,sent_at,answered_at"]
    days = [(month, day) for month in (1, 2, 3) for day in range(1, 29)]
    for number, (month, day, agent) in enumerate((m, d, a) for m, d in days for a in agents if not without(a, m)):
        on = f"2026-{month:02d}-{day:02d}"
        contacts.append(f"{number},acme,{on} 09:00,Brno,chat,{agent},{100 + day}")
        answers.append(f"s{number},{number},csat,1,5,{3 + number % 3},{on} 10:00,{on} 11:00")
    return {"interactions": "\n".join(contacts) + "\n", "surveys": "\n".join(answers) + "\n"}


def units_of(pilot, baseline, *, name="p"):
    lines = [f"{name},{unit},acme,{arm}" for arm, units in (("pilot", pilot), ("baseline", baseline)) for unit in units]
    return "pilot_id,unit,partner_id,arm\n" + "\n".join(lines) + "\n"


UNITS = units_of(("ann", "bob"), ("cleo", "dan"))


def text_of(body=PRIMARY, **head):
    return "\n".join(["[pilot]", *(f"{key} = {value}" for key, value in (HEAD | head).items()), body])


@pytest.fixture
def dataset(write_dataset):
    def make(text=None, *, units=UNITS, others=None, rows=None, toml="", **tables):
        given = {"partners": PARTNERS, "volume": None, "targets": None, "pilot_units": units, **(rows or rows_of())}
        folder = write_dataset(toml, **given | tables)
        (folder / "pilots").mkdir(exist_ok=True)
        for name, written in {"p": text or text_of(), **(others or {})}.items():
            (folder / "pilots" / f"{name}.toml").write_text(written, encoding="utf-8")
        return open_dataset(folder)

    return make


def found_in(data, name="p"):
    """What the check says of a pilot: sentences and remedies."""
    return [(problem.rule, problem.remedy) for problem in data.check().found if problem.value == name]


def refused(data):
    with pytest.raises(PilotError) as caught:
        register_pilot(data, "p", registered_on=date(2026, 1, 30))
    assert not (data.path / "pilots" / "p.registration.json").exists()
    return str(caught.value)


def test_a_sound_pilot_is_registered_without_a_word(dataset):
    data = dataset()
    assert found_in(data) == []
    register_pilot(data, "p", registered_on=date(2026, 1, 30))
    assert registration_file(data.find_pilot("p")).is_file()


def test_one_unit_in_an_arm(dataset):
    data = dataset(units=units_of(("ann",), ("cleo", "dan")))
    ((rule, remedy),) = found_in(data)
    assert rule.startswith("pilots/p.toml arm 'pilot' has 1 agent, at least 2 needed")
    assert "until then the pilot is not registered" in remedy
    assert "arm 'pilot' has 1 agent" in refused(data)


def test_a_baseline_window_without_rows(dataset):
    data = dataset(text_of(baseline="[2025-10-01, 2025-12-31]"))
    ((rule, _),) = found_in(data)
    assert "has no rows of its units in the baseline window 2025-10-01 to 2025-12-31 (first row: 2026-01-01)" in rule
    assert "Until that is mended it is not registered" in refused(data)


def test_an_arm_without_rows_in_the_baseline_window(dataset):
    data = dataset(rows=rows_of(without=lambda agent, month: agent in ("cleo", "dan") and month == 1))
    ((rule, remedy),) = found_in(data)
    assert "arm 'baseline' has no rows in the baseline window" in rule
    assert remedy == "look into it; no report is stopped"


def test_a_control_without_rows_since_the_start_is_found_and_can_be_registered(dataset):
    data = dataset(rows=rows_of(without=lambda agent, month: agent in ("cleo", "dan") and month > 1))
    ((rule, _),) = found_in(data)
    assert "arm 'baseline' has no rows of 'csat' from 2026-02-02 to 2026-03-28, and the data reach so far" in rule
    register_pilot(data, "p", registered_on=date(2026, 1, 30))


def test_before_the_start_nothing_is_missing(dataset):
    data = dataset(text_of(**NEXT_SUMMER))
    assert found_in(data) == []
    register_pilot(data, "p", registered_on=date(2026, 5, 1))


def test_a_baseline_window_that_the_data_have_not_reached_is_nothing_unusual(dataset):
    assert found_in(dataset(text_of(**NEXT_SUMMER | {"baseline": "[2026-04-06, 2026-05-31]"}))) == []


def test_a_primary_metric_that_the_tables_cannot_give(dataset):
    data = dataset(text_of(PRIMARY.replace("csat", "qa_score")))
    ((rule, remedy),) = found_in(data)
    assert "pilots/p.toml [[metric]] 'qa_score' cannot be computed from these tables" in rule
    assert remedy.startswith("correct the pilot file")
    assert "'qa_score' cannot be computed" in refused(data)


def test_a_primary_metric_without_a_row_of_any_unit(dataset):
    rows = rows_of((*AGENTS, "eve"))
    others = [line.split(",")[0] for line in rows["interactions"].splitlines() if ",eve," in line]
    answers = rows["surveys"].splitlines()
    rows["surveys"] = "\n".join(line for line in answers if line.split(",")[1] in ("interaction_id", *others))
    handle = (
        '[[kpi]]\nname = "handle"\nlabel = "Handle time"\nunit = "seconds"\nbetter = "lower"\ngroup = "turnaround"\n'
        'source = "interactions"\nnumerator = "talk_s"\ndefinition = "talk time"\n'
    )
    guardrail = '[[metric]]\nkpi = "handle"\nrole = "guardrail"\nmargin = "15 s"\n'
    data = dataset(text_of(PRIMARY + guardrail, **NEXT_SUMMER), rows=rows, toml=handle)
    ((rule, _),) = found_in(data)
    assert "[[metric]] 'csat' has no row of any agent of the pilot, and it is judged by it" in rule
    assert "'csat' has no row" in refused(data)


def test_a_unit_in_both_arms(dataset):
    data = dataset(units=units_of(("ann", "bob"), ("bob", "dan")))
    assert ["has agent 'bob' in both arms at the same time" in rule for rule, _ in found_in(data)] == [True]
    assert "has agent 'bob' in both arms" in refused(data)


def test_a_unit_in_both_arms_by_table_and_condition(dataset):
    text = text_of(f'{PRIMARY}[arms.baseline]\nsite = "Brno"\n')
    data = dataset(text, units=units_of(("ann", "bob"), ()))
    ((rule, _),) = found_in(data)
    assert "pilots/p.toml has agent 'ann' in both arms at the same time" in rule
    assert "both arms" in refused(data)


def test_pilots_on_the_same_units_at_the_same_time(dataset):
    units = UNITS + units_of(("bob", "cleo"), ("dan", "ann"), name="q").partition("\n")[2]
    data = dataset(units=units, others={"q": text_of(title='"Q"')})
    for one, other in (("p", "q"), ("q", "p")):
        ((rule, _),) = found_in(data, one)
        assert rule.startswith(f"pilots/{one}.toml shares 3 agents (first 'ann') with pilot '{other}' at the same time")
    assert "shares 3 agents" in refused(data)


def test_units_that_the_data_do_not_know(dataset):
    data = dataset(units=units_of(("ann", "bob", "Cleoo"), ("cleo", "dan")))
    ((rule, remedy),) = found_in(data)
    assert "has 1 agent in its arms that the data do not know: 'Cleoo'. Did you mean 'cleo'?" in rule
    assert remedy == "look into it; no report is stopped"
    assert data.pilot_findings("p").unknown == ["Cleoo"]
    register_pilot(data, "p", registered_on=date(2026, 1, 30))


def test_units_outside_the_scope_or_only_on_the_roster_are_known(dataset):
    rows = rows_of()
    rows["interactions"] = rows["interactions"].replace("chat,dan", "email,dan")
    roster = "agent_id,partner_id,hire_date\nnew,acme,2026-03-20\n"
    text = text_of(f'{PRIMARY}[scope]\nchannel = "chat"\n', **NEXT_SUMMER)
    data = dataset(text, units=units_of(("ann", "bob"), ("cleo", "dan", "new")), rows=rows, roster=roster)
    assert found_in(data) == []


def test_weeks_to_come_are_not_unknown(dataset):
    weeks = [f"2026-W{number}" for number in range(23, 35)]
    text = text_of(**NEXT_SUMMER | {"unit": '"week"'})
    assert found_in(dataset(text, units=units_of(weeks[::2], weeks[1::2]))) == []


def test_a_repeated_row_of_units_names_the_unit_and_the_lines(dataset):
    data = dataset(units=UNITS + "p,ann,acme,pilot\n")
    (problem,) = [one for one in data.check().found if one.table == "pilot_units"]
    assert problem.rule == (
        "unit 'ann' is listed 2 times in arm 'pilot' of pilot 'p', in rows 1 and 5 (lines 2 and 6 of a CSV file)"
    )
    assert problem.remedy.startswith("keep one of the rows; where the unit left and came back")


def test_pilots_need_no_targets(dataset):
    data = dataset()
    assert data.prepare().targets() == []
    assert "There is no table targets: pilots need none, and reviews of partners show no target." in data.check().notes
