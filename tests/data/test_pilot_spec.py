"""What a pilot file must say, and what is said where it does not."""

import tomllib
from datetime import date
from io import StringIO
from textwrap import dedent

import pandas as pd
import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.pilots.file import read_pilot
from bpo_analysis.errors import DatasetError, PilotError, UnknownNameError
from bpo_analysis.kpis import KPIS, Kpi

HEAD = {
    "title": '"Suggested replies"',
    "hypothesis": '"Suggested replies keep CSAT."',
    "partner": '"acme"',
    "unit": '"agent"',
    "assignment": '"random"',
    "baseline": "[2026-01-01, 2026-01-31]",
    "start": "2026-02-02",
    "end": "2026-03-29",
}
PRIMARY = '[[metric]]\nkpi = "csat"\nrole = "primary"\ntest = "noninferiority"\nmargin = "3 pp"\n'
AHT = """
[[kpi]]
name = "handle"
label = "Handle time"
unit = "seconds"
better = "lower"
group = "turnaround"
source = "interactions"
numerator = "talk_s"
lower = 0.0
definition = "talk time of contacts"
"""
UNITS = """
    pilot_id,unit,partner_id,arm,valid_from,valid_to
    replies,a1,acme,pilot,2026-02-02,2026-03-29
    replies,a2,acme,baseline,2026-02-02,2026-03-29
"""
PARTNERS = """
    partner_id,name,kind
    acme,Acme Support,bpo
    bolt,Bolt & Co,bpo
    home,In-house team,inhouse
"""


def contacts():
    lines = ["interaction_id,partner_id,created_at,site,channel,agent_id,talk_s"]
    number = 0
    for month in (1, 2, 3):
        for day in range(1, 29):
            for agent, site in (("a1", "Brno"), ("a2", "Ostrava"), ("a3", "Brno"), ("a4", "Ostrava")):
                number += 1
                lines.append(f"{number},acme,2026-{month:02d}-{day:02d} 09:00,{site},chat,{agent},{100 + day}")
            for partner, agent in (("bolt", "b1"), ("home", "h1")):
                number += 1
                lines.append(f"{number},{partner},2026-{month:02d}-{day:02d} 09:00,Praha,chat,{agent},90")
    return "\n".join(lines) + "\n"


def answers():
    lines = ["survey_id,interaction_id,type,scale_min,scale_max,score,sent_at,answered_at"]
    lines += [
        f"{n},{n},csat,1,5,{3 + n % 3},2026-{1 + (n - 1) // 168:02d}-{1 + ((n - 1) % 168) // 6:02d} 10:00,"
        f"2026-{1 + (n - 1) // 168:02d}-{1 + ((n - 1) % 168) // 6:02d} 11:00"
        for n in range(1, 505)
    ]
    return "\n".join(lines) + "\n"


def pilot(head=None, body=PRIMARY):
    keys = HEAD | (head or {})
    return "\n".join(["[pilot]", *(f"{k} = {v}" for k, v in keys.items() if v is not None), body])


@pytest.fixture
def dataset(write_dataset):
    def make(text=None, *, name="replies", toml=AHT, pilot_units=UNITS, others=None, **tables):
        given = {"partners": PARTNERS, "volume": None, "interactions": contacts(), "surveys": answers(), **tables}
        texts = {name: pilot() if text is None else text, **(others or {})}
        folder = write_dataset(toml, pilot_units=pilot_units, **given)
        (folder / "pilots").mkdir(exist_ok=True)
        for stem, written in texts.items():
            (folder / "pilots" / f"{stem}.toml").write_text(written, encoding="utf-8")
        return open_dataset(folder)

    return make


@pytest.fixture
def read(tmp_path):
    """Read a pilot file alone, where its tables do not matter."""

    def make(text):
        file = tmp_path / "replies.toml"
        file.write_text(text, encoding="utf-8")
        own = Kpi(**tomllib.loads(AHT)["kpi"][0], timing="lagging")
        units, partners = (pd.read_csv(StringIO(dedent(table))) for table in (UNITS, PARTNERS))
        return read_pilot(file, KPIS | {"handle": own}, partners, units)

    return make


def problems_of(data, name="replies"):
    with pytest.raises(PilotError) as caught:
        data.find_pilot(name)
    return "\n".join(caught.value.problems)


# What is read


def test_a_pilot_is_read_with_its_defaults(dataset):
    spec = dataset(pilot({"partner": '"Acme Support"', "ramp_weeks": "1"})).find_pilot()
    assert (spec.id, spec.partner_id, spec.comparator, spec.spending) == (
        "replies",
        "acme",
        "concurrent",
        "obrien-fleming",
    )
    assert (spec.start, spec.first_day, spec.end) == (date(2026, 2, 2), date(2026, 2, 9), date(2026, 3, 29))
    assert spec.rule == {"met": "expand", "worse": "stop", "guardrail": "change", "cannot_tell": "extend"}
    assert [metric.margin for metric in spec.primaries] == [0.03]
    assert spec.guardrails == ()


def test_a_pilot_is_found_by_id_or_title_or_alone(dataset):
    data = dataset()
    assert [data.find_pilot(text).id for text in ("", "replies", "suggested REPLIES")] == ["replies"] * 3
    with pytest.raises(UnknownNameError, match=r"Unknown pilot 'replys'\. Did you mean 'replies'\?"):
        data.find_pilot("replys")


def test_a_dataset_without_pilots_says_so(write_dataset):
    data = open_dataset(write_dataset())
    assert data.pilots == {}
    with pytest.raises(DatasetError, match=r"has no pilots\. Write one in pilots/<id>\.toml"):
        data.find_pilot()


def test_one_of_several_pilots_must_be_named(dataset):
    later = pilot({"start": "2026-04-06", "end": "2026-05-03"}, PRIMARY + '[arms.pilot]\nsite = "Brno"\n')
    data = dataset(others={"later": later + '[arms.baseline]\nsite = "Ostrava"\n'})
    assert set(data.pilots) == {"later", "replies"}
    with pytest.raises(DatasetError, match=r"has 2 pilots\. Name one of them: later, replies"):
        data.find_pilot()


@pytest.mark.parametrize(
    ("written", "margin"), [("0.03", 0.03), ('"3 pp"', 0.03), ('"3 %"', 0.03), ('"2.5 points"', 0.025)]
)
def test_the_margin_of_a_share(read, written, margin):
    assert read(pilot(body=PRIMARY.replace('"3 pp"', written))).metrics[0].margin == margin


@pytest.mark.parametrize(("written", "margin"), [("15", 15), ('"15 s"', 15), ('"1.5 min"', 90)])
def test_the_margin_of_a_time(read, written, margin):
    body = PRIMARY.replace("csat", "handle").replace('"3 pp"', written)
    assert read(pilot(body=body)).metrics[0].margin == margin


def test_looks_every_so_many_weeks(read):
    spec = read(pilot({"ramp_weeks": "1", "look_every_weeks": "3"}))
    assert spec.looks == (date(2026, 3, 1), date(2026, 3, 22))


def test_the_end_is_no_interim_look(read):
    assert read(pilot({"looks": "[2026-03-01, 2026-03-29]"})).looks == (date(2026, 3, 1),)


def test_the_log_is_no_part_of_the_digest(dataset):
    logged = pilot(body=PRIMARY + '[[log]]\ndate = 2026-04-02\ndecision = "expand"\nby = "Ann"\nnote = "as agreed"\n')
    before, after = dataset().find_pilot(), dataset(logged)
    assert after.find_pilot().digest == before.digest
    assert (after.find_pilot().log[0].by, after.find_pilot().log[0].date) == ("Ann", date(2026, 4, 2))
    changed = dataset(pilot(body=PRIMARY.replace("3 pp", "2 pp"))).find_pilot()
    assert changed.digest != before.digest


def test_a_note_in_the_log_keeps_the_fingerprint_and_a_change_does_not(dataset):
    plain = dataset().fingerprint
    assert dataset(pilot(body=PRIMARY + '[[log]]\ndate = 2026-04-02\ndecision = "stop"\n')).fingerprint == plain
    assert dataset(pilot(body=PRIMARY.replace("3 pp", "2 pp"))).fingerprint != plain


# What is refused, each with what to do


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({"end": "2026-01-02"}, r"end \(2026-01-02\) is before start \(2026-02-02\)\. Correct one of the two days"),
        ({"baseline": "[2026-02-03, 2026-03-01]"}, r"baseline lies after the start: .* end it on 2026-02-01"),
        ({"baseline": "[2026-01-01, 2026-02-05]"}, r"baseline overlaps the pilot: it runs to 2026-02-05"),
        ({"baseline": "[2026-01-31, 2026-01-01]"}, r"baseline is empty: its last day \(2026-01-01\) is before"),
        ({"baseline": "[]"}, r"baseline must be the first and the last day of the earlier values, \[2026-04-06,"),
        ({"baseline": None}, r"lacks baseline: the first and the last day"),
        ({"start": '"2026-02-02"'}, r"start must be a date such as 2026-07-06, without quotes; got '2026-02-02'"),
        ({"start": None}, r"lacks start: a date such as 2026-07-06"),
        ({"hypothesis": None}, r"lacks hypothesis"),
        ({"title": "3"}, r"title must be text, got 3"),
        ({"unit": None}, r"lacks unit: one of 'agent', 'team', 'queue', 'site', 'week'"),
        ({"unit": '"agents"'}, r"unit must be one of .*; got 'agents'\. Did you mean 'agent'\?"),
        ({"assignment": '"randomised"'}, r"assignment must be one of 'random', .* Did you mean 'random'\?"),
        ({"partner": '"acmee"'}, r"partner 'acmee' is not in table partners\. Did you mean 'acme'\? It has: 'acme'"),
        ({"ramp_weeks": "-1"}, r"ramp_weeks must be a whole number of weeks, 0 or more; got -1"),
        ({"ramp_weeks": "9"}, r"ramp_weeks = 9 leaves no day: what counts begins on 2026-04-06"),
        ({"looks": "[2026-01-02]"}, r"looks: 2026-01-02 lies outside the days that count, 2026-02-02 to 2026-03-29"),
        ({"looks": "[2026-04-02]"}, r"looks: 2026-04-02 lies outside the days that count"),
        ({"looks": "[2026-03-15, 2026-03-01]"}, r"looks must be in order, each day once; got 2026-03-15, 2026-03-01"),
        ({"looks": "2026-03-15"}, r"looks must be a list of days"),
        ({"looks": "[2026-03-01]", "look_every_weeks": "1"}, r"has both looks and look_every_weeks\. Keep one"),
        ({"look_every_weeks": "0"}, r"look_every_weeks must be a whole number of weeks, 1 or more; got 0"),
        ({"confidence_level": "95"}, r"confidence_level must lie between 0\.5 and 1, such as 0\.95; got 95"),
        ({"spending": '"obrien"'}, r"spending must be one of 'obrien-fleming', 'pocock'; got 'obrien'"),
        ({"lookz": "[]"}, r"\[pilot\] has no key 'lookz'\. Did you mean 'looks'\? It takes: title, hypothesis"),
    ],
)  # fmt: skip
def test_the_head_of_a_pilot(read, head, message):
    with pytest.raises(PilotError, match=message):
        read(pilot(head))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (PRIMARY.replace('margin = "3 pp"\n', ""), r"'csat' has no margin: write the largest loss .* 0\.03 or '3 pp'"),
        (PRIMARY.replace("noninf", "sup").replace("superiority", "superiority").replace('margin = "3 pp"\n', ""),
         r"'csat' has no margin: write the smallest gain worth having"),
        (PRIMARY.replace('"3 pp"', "3"), r"margin 3 is the whole of a share, .* write 0\.03 or '3 pp'"),
        (PRIMARY.replace('"3 pp"', "-0.03"), r"margin -0\.03 must be above 0: it is the size of a loss or gain"),
        (PRIMARY.replace('"3 pp"', '"3 s"'), r"margin '3 s' has 's', but csat is held in shares: write 0\.03"),
        (PRIMARY.replace('"3 pp"', '"some"'), r"margin 'some' is not a number with a unit: write 0\.03"),
        (PRIMARY.replace('"3 pp"', "true"), r"margin True must be a number or a text, such as 0\.03"),
        (PRIMARY.replace("csat", "handle"), r"margin '3 pp' has 'pp', but handle is held in seconds: write 15"),
        (PRIMARY.replace('test = "noninferiority"\n', ""), r"'csat' lacks test: one of 'superiority', 'noninf"),
        (PRIMARY.replace('role = "primary"\n', ""), r"'csat' lacks role: one of 'primary', 'guardrail'"),
        (PRIMARY.replace("csat", "csaat"), r"'csaat' is not a KPI of this dataset\. Did you mean 'csat'\?"),
        (PRIMARY.replace('kpi = "csat"', ""), r"\[\[metric\]\] lacks kpi: a name of the catalogue"),
        (PRIMARY.replace("csat", "aht_s"), r"'aht_s' has no better direction, .* write a \[\[kpi\]\] of your own"),
        (PRIMARY.replace("csat", "offered"), r"'offered' is a plain sum, which grows with the size of an arm"),
        (PRIMARY + PRIMARY, r"has 2 \[\[metric\]\] blocks for 'csat'\. Keep one"),
        (PRIMARY.replace('"primary"', '"guardrail"'), r"has no primary metric\. Write a \[\[metric\]\]"),
        (PRIMARY + '[[metric]]\nkpi = "handle"\nrole = "guardrail"\ntest = "superiority"\nmargin = 5\n',
         r"'handle' is a guardrail: it must not get worse, so its test is \"noninferiority\""),
        (PRIMARY + '[decision]\nmet = "grow"\n', r"\[decision\] met must be one of 'expand', .*; got 'grow'"),
        (PRIMARY + '[decision]\nmett = "stop"\n', r"\[decision\] has no key 'mett'\. Did you mean 'met'\?"),
        (PRIMARY + '[[log]]\ndate = "soon"\ndecision = "stop"\n', r"\[\[log\]\] date must be a date .*; got 'soon'"),
        (PRIMARY + '[log]\ndate = 2026-04-01\n', r"log must be written as \[\[log\]\] blocks"),
        (PRIMARY + '[scope]\nchanel = "chat"\n', r"\[scope\] has no key 'chanel'\. Did you mean 'channel'\?"),
        (PRIMARY + "[scope]\nchannel = 3\n", r"\[scope\] channel must be a text or a list of texts, got 3"),
        (PRIMARY + '[scop]\nproduct = "tv"\n', r"has no key 'scop'\. Did you mean 'scope'\?"),
        (PRIMARY + '[arms.treated]\nsite = "Brno"\n', r"\[arms\] has no key 'treated'\. .*It takes: pilot, baseline"),
        (PRIMARY + '[arms.pilot]\nsite = "Brno"\n', r"has the units of arm 'pilot' twice: in \[arms\.pilot\] and"),
        (PRIMARY + "[arms]\npilot = 3\n", r"arms\.pilot must be a section \[arms\.pilot\] with partner, site"),
    ],
)  # fmt: skip
def test_the_rest_of_a_pilot(read, body, message):
    with pytest.raises(PilotError, match=message):
        read(pilot(body=body))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (PRIMARY + '[scope]\nchannel = "chatt"\n',
         r"\[scope\] channel 'chatt' is in no row .* Did you mean 'chat'\? There is: 'chat'"),
        (PRIMARY + '[scope]\nproduct = "tv"\n',
         r"'csat' cannot be limited to \[scope\] product: table surveys has no column 'product'"),
    ],
)  # fmt: skip
def test_a_scope_that_the_tables_do_not_have(dataset, body, message):
    with pytest.raises(PilotError, match=message):
        dataset(pilot(body=body)).find_pilot()


def test_everything_that_is_wrong_is_said_at_once(dataset):
    data = dataset(pilot({"end": "2026-01-02", "unit": '"agents"'}, PRIMARY.replace('"3 pp"', "3")))
    with pytest.raises(
        PilotError, match=r"replies\.toml has 3 problems:\n  1\. \[pilot\] unit must be one of"
    ) as caught:
        data.find_pilot()
    assert len(caught.value.problems) == 3
    with pytest.raises(PilotError, match=r"has 3 problems"):
        _ = data.pilots


def test_a_file_that_is_no_pilot(dataset):
    with pytest.raises(PilotError, match=r"replies\.toml is not valid TOML, line 1"):
        dataset("[pilot\n").find_pilot()
    with pytest.raises(
        PilotError, match=r"not valid TOML, line 3: 'start = soon'\. Text needs quotes: start = \"soon\""
    ):
        dataset("[pilot]\n\nstart = soon\n").find_pilot()
    with pytest.raises(PilotError, match=r"has no section \[pilot\]\. Write what is tried"):
        dataset(PRIMARY).find_pilot()
    with pytest.raises(PilotError, match=r"pilot must be a section \[pilot\], got 3"):
        dataset("pilot = 3\n" + PRIMARY).find_pilot()


def test_a_pilot_with_problems_stops_no_other_report_and_is_told_by_the_check(dataset, problems):
    data = dataset(pilot({"end": "2026-01-02"}))
    found = problems(data.path, severity="warning")
    assert any("pilots/replies.toml [pilot] end (2026-01-02) is before start" in problem.rule for problem in found)
    data.prepare()


def test_of_two_pilots_the_sound_one_can_be_used(dataset):
    data = dataset(others={"bad": pilot({"end": "2026-01-02"})})
    assert data.find_pilot("replies").id == "replies"
    with pytest.raises(PilotError, match=r"bad\.toml has 3 problems"):
        _ = data.pilots


# Units and arms


ARMS = '[arms.pilot]\nsite = "Brno"\n[arms.baseline]\nsite = "{}"\n'


def test_arms_by_a_condition_on_the_rows(dataset):
    data = dataset(pilot(body=PRIMARY + ARMS.format("Ostrava")), pilot_units=None)
    table = data.pilot_assignments("replies")
    assert dict(zip(table["unit"], table["arm"], strict=True)) == {
        "a1": "pilot", "a2": "baseline", "a3": "pilot", "a4": "baseline",
    }  # fmt: skip
    assert table["valid_from"].isna().all()


@pytest.mark.parametrize(
    ("head", "arms", "units", "message"),
    [
        ({}, ARMS.format("Brno"), None, r"has overlapping arms: 'Brno' is in both\. Give \[arms\.pilot\] and"),
        ({}, '[arms.pilot]\nsite = "Brno"\n[arms.baseline]\nchannel = "chat"\n', None,
         r"has overlapping arms: they have no key in common"),
        ({}, ARMS.format("Ostrawa"), None, r"\[arms\.baseline\] site 'Ostrawa' is in no row .* mean 'Ostrava'\?"),
        ({}, '[arms.pilot]\nsitee = "Brno"\n', None, r"\[arms\.pilot\] has no key 'sitee'\. Did you mean 'site'\?"),
        ({}, '[arms.pilot]\nproduct = "tv"\n[arms.baseline]\nproduct = "net"\n', None,
         r"\[arms\.pilot\] product: no table of the metrics \(surveys\) has a column 'product'"),
        ({}, "", None, r"has no units in arm 'pilot'\. Add rows with pilot_id 'replies' to table pilot_units, or"),
        ({}, "", UNITS.replace("replies", "replie"), r"Does table pilot_units mean this pilot by 'replie'\?"),
        ({}, "", UNITS.replace("a2,acme", "a1,acme"),
         r"has agent 'a1' in both arms at the same time: pilot from 2026-02-02 to 2026-03-29, baseline from"),
        ({}, "", UNITS.replace("a2,acme", "b1,bolt"), r"has units of partner 'bolt' in table pilot_units, and is"),
        ({}, '[arms.baseline]\npartner = "bolt"\n', None, r"partner 'bolt' is not the pilot's partner: comparator ="),
        ({"comparator": '"history"'}, "", UNITS, r"has rows of arm 'baseline' in table pilot_units, but comparator = "),
        ({"comparator": '"history"'}, ARMS.format("Ostrava"), None, r"has \[arms\.baseline\], but comparator = "),
        ({"comparator": '"partner"'}, "", None, r"has comparator = \"partner\" and does not say with whom\. Write"),
        ({"comparator": '"partner"'}, '[arms.baseline]\npartner = "acme"\n', None,
         r"partner 'acme' is the pilot's own partner\. Name another one"),
        ({"comparator": '"partner"'}, '[arms.baseline]\npartner = "bold"\n', None,
         r"\[arms\.baseline\] partner 'bold' is not in table partners\. Did you mean 'bolt'\?"),
        ({"comparator": '"inhouse"'}, '[arms.baseline]\npartner = "bolt"\n', None,
         r"partner 'bolt' is not of kind inhouse in table partners"),
        ({"unit": '"week"'}, "", UNITS, r"has a week 'a1'; with unit = \"week\" write ISO weeks such as 2026-W30"),
        ({"unit": '"week"', "comparator": '"history"'}, "", None,
         r"unit = \"week\" compares weeks of the pilot with weeks without it"),
        ({"unit": '"queue"'}, "", UNITS, r"'csat' is not known for each queue: table surveys has no column 'queue'"),
        ({"unit": '"team"'}, "", UNITS, r"'csat' is not known for each team: table surveys has no column 'team'"),
    ],
)  # fmt: skip
def test_units_and_arms(dataset, head, arms, units, message):
    with pytest.raises(PilotError, match=message):
        dataset(pilot(head, PRIMARY + arms), pilot_units=units).find_pilot()


def test_the_inhouse_team_needs_to_be_there(dataset):
    data = dataset(pilot({"comparator": '"inhouse"'}), pilot_units=None, partners=PARTNERS.replace("inhouse", "bpo"))
    with pytest.raises(PilotError, match=r"does not say with whom, and table partners has none of kind inhouse"):
        data.find_pilot()


def test_other_partners_as_comparators(dataset):
    inhouse = dataset(pilot({"comparator": '"inhouse"'}), pilot_units=None)
    assert inhouse.find_pilot().arms == {"pilot": {"partner": ("acme",)}, "baseline": {"partner": ("home",)}}
    table = inhouse.pilot_assignments("replies").set_index("unit")
    assert table["arm"].to_dict() == dict.fromkeys(["a1", "a2", "a3", "a4"], "pilot") | {"h1": "baseline"}
    assert table["partner_id"]["h1"] == "home"
    text = pilot({"comparator": '"partner"'}, PRIMARY + '[arms.baseline]\npartner = "Bolt & Co"\n')
    table = dataset(text, pilot_units=None).pilot_assignments("replies").set_index("unit")
    assert table["arm"]["b1"] == "baseline"
    assert set(dataset(text, pilot_units=None).pilot_rows("replies")["partner_id"]) == {"acme", "bolt"}


def test_with_their_own_history_all_units_are_the_pilot(dataset):
    data = dataset(pilot({"comparator": '"history"'}), pilot_units=None)
    assert set(data.pilot_assignments("replies")["arm"]) == {"pilot"}
    assert set(data.pilot_assignments("replies")["unit"]) == {"a1", "a2", "a3", "a4"}


def test_a_unit_that_crosses_arms_one_after_the_other_is_allowed(dataset):
    units = UNITS.replace("a1,acme,pilot,2026-02-02,2026-03-29", "a1,acme,pilot,2026-02-02,2026-02-28")
    data = dataset(pilot_units=units + "    replies,a1,acme,baseline,2026-03-01,\n")
    table = data.pilot_assignments("replies")
    assert table["arm"].tolist() == ["pilot", "baseline", "baseline"]
    assert table["valid_to"].isna().tolist() == [False, True, False]


def test_a_unit_that_moves_has_a_spell_for_each_arm(dataset):
    moved = contacts().splitlines()
    moved = [row.replace("Brno", "Ostrava") if ",2026-03" in row and ",a1," in row else row for row in moved]
    text = pilot(body=PRIMARY + ARMS.format("Ostrava"))
    table = dataset(text, pilot_units=None, interactions="\n".join(moved) + "\n").pilot_assignments("replies")
    spells = table[table["unit"] == "a1"]
    assert spells["arm"].tolist() == ["pilot", "baseline"]
    assert [str(day)[:10] for day in spells["valid_from"]] == ["NaT", "2026-03-01"]
    assert [str(day)[:10] for day in spells["valid_to"]] == ["2026-02-28", "NaT"]


def test_arms_that_do_not_part_the_units_are_refused(dataset):
    rows = contacts()
    twice = (
        rows
        + "\n".join(f"x{row.replace(',Brno,', ',Ostrava,')}" for row in rows.splitlines()[1:] if ",Brno," in row)
        + "\n"
        + "\n".join(f"y{row.replace(',Ostrava,', ',Brno,')}" for row in rows.splitlines()[1:] if ",Ostrava," in row)
    )
    surveys = (
        answers()
        + "\n".join(
            f"{mark}{n},{mark}{n},csat,1,5,4,2026-02-10 10:00,2026-02-10 11:00"
            for n in range(169, 336)
            for mark in "xy"
        )
        + "\n"
    )
    text = pilot(body=PRIMARY + ARMS.format("Ostrava"))
    data = dataset(text, pilot_units=None, interactions=twice + "\n", surveys=surveys)
    with pytest.raises(PilotError, match=r"units in both arms at the same time: 4 of 4 have rows of both on one day"):
        data.find_pilot()


def test_a_unit_of_the_table_that_meets_the_condition_of_the_other_arm(dataset):
    units = UNITS.replace("    replies,a2,acme,baseline,2026-02-02,2026-03-29\n", "")
    data = dataset(pilot(body=PRIMARY + '[arms.baseline]\nsite = "Brno"\n'), pilot_units=units)
    with pytest.raises(PilotError, match=r"has agent 'a1' in both arms at the same time: .* take it out of one"):
        data.find_pilot()


def test_weeks_as_units(dataset):
    units = "pilot_id,unit,partner_id,arm\nreplies,2026-W06,acme,pilot\nreplies,2026-W07,acme,baseline\n"
    data = dataset(pilot({"unit": '"week"'}), pilot_units=units)
    assert data.pilot_assignments("replies")["unit"].tolist() == ["2026-W06", "2026-W07"]
    weeks = data.pilot_rows("replies")
    assert weeks.loc[weeks["date"] == "2026-02-02", "unit"].unique().tolist() == ["2026-W06"]


def test_two_pilots_on_the_same_units_at_the_same_time(dataset):
    units = UNITS + "    other,a1,acme,baseline,2026-02-02,\n    other,a4,acme,pilot,2026-02-02,\n"
    data = dataset(pilot_units=units, others={"other": pilot({"start": "2026-03-02"})})
    with pytest.raises(
        PilotError,
        match=r"shares 1 agent \(first 'a1'\) with pilot 'other' at the same time \(2026-03-02 to 2026-03-29\)",
    ):
        data.find_pilot("replies")
    assert "with pilot 'replies'" in problems_of(data, "other")


def test_pilots_one_after_the_other_or_with_a_common_baseline_are_allowed(dataset):
    units = UNITS + "    other,a2,acme,baseline,2026-02-02,\n    other,a4,acme,pilot,2026-02-02,\n"
    assert set(dataset(pilot_units=units, others={"other": pilot()}).pilots) == {"other", "replies"}
    later = pilot({"start": "2026-04-06", "end": "2026-05-03"})
    units = UNITS + UNITS.replace("replies", "other").split("valid_to\n")[1]
    assert set(dataset(pilot_units=units, others={"other": later}).pilots) == {"other", "replies"}


def test_a_metric_these_tables_cannot_carry(dataset):
    text = pilot(body=PRIMARY + PRIMARY.replace("csat", "qa_score"))
    assert "'qa_score' cannot be computed from these tables: table qa_ratings is not in this dataset" in problems_of(
        dataset(text)
    )


def test_a_metric_whose_table_does_not_know_the_unit(dataset):
    text = pilot(body=PRIMARY + '[[metric]]\nkpi = "backlog"\nrole = "guardrail"\nmargin = 5\n')
    rows = contacts().replace("talk_s", "talk_s,solved_at").splitlines()
    rows = [rows[0], *(f"{row},2026-04-01 12:00" for row in rows[1:])]
    found = problems_of(dataset(text, interactions="\n".join(rows) + "\n"))
    assert "'backlog' is counted for a partner as a whole, not for each agent: choose a KPI" in found


def test_a_metric_whose_table_has_no_column_of_the_unit(dataset):
    volume = "partner_id,interval_start,offered,answered,answered_in_threshold\nacme,2026-02-02,9,9,8\n"
    text = pilot(body=PRIMARY + PRIMARY.replace("csat", "service_level").replace("primary", "guardrail"))
    rows = contacts().replace("agent_id", "clerk")
    with pytest.raises(
        PilotError, match=r"'service_level' is not known for each agent: table volume has no column 'age"
    ):
        dataset(text, volume=volume, interactions=rows).find_pilot()
