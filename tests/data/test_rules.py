import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.data.schema import TABLES

VOLUME = """
    partner_id,interval_start,offered,answered,extract
    acme,2026-01-01,10,9,2
    acme,2026-01-02,0,0,2
    acme,2026-01-03,,5,2
    acme,2026-01-01,12,9,10
    bolt,2026-01-01,20,x,2
"""


def rule(action, **keys):
    lines = [f'name = "the rule"\naction = "{action}"', *(f"{key} = {value!r}" for key, value in keys.items())]
    return "[tables.volume.columns]\nextract = 'CAST(extract AS int)'\n[[tables.volume.rules]]\n" + "\n".join(lines)


def used(dataset):
    return {c.step: c.rows for c in dataset.check().counts if c.table == "volume"}


CLEAN = "\n[[tables.volume.rules]]\nname = 'rest'\naction = 'drop'\nwhere = 'offered IS NULL OR answered IS NULL'\n"
LAST = """
[[tables.volume.rules]]
name = "last"
action = "keep_last"
by = ["partner_id", "interval_start"]
order = "extract"
"""


def test_drop_counts_what_it_drops_and_keeps_what_cannot_be_told(write_dataset):
    toml = rule("drop", where="offered = 0", why="closed") + CLEAN + LAST
    dataset = open_dataset(write_dataset(toml, volume=VOLUME)).prepare()
    assert used(dataset) == {
        "read": 5, "dropped: the rule": -1, "dropped: rest": -2, "dropped all but the last: last": -1, "used": 1
    }  # fmt: skip
    assert dataset.check().accounting.set_index("step").loc["dropped: the rule", "why"] == "closed"


def test_keep_last_orders_by_number_and_not_by_text(write_dataset, sums):
    assert sums(write_dataset(CLEAN + rule("drop", where="FALSE") + LAST, volume=VOLUME), "offered")[0] == 12


def test_keep_last_refuses_to_order_by_text(write_dataset, problems):
    toml = "[tables.volume.columns]\nextract = 'extract'\n" + LAST
    (problem,) = problems(write_dataset(toml, volume=VOLUME), value="last")
    assert "order = 'extract' is text, where '10' comes before '9'. Write CAST(extract AS int)" in problem.rule


def test_set_changes_values_and_counts_only_rows_it_changed(write_dataset, sums):
    toml = rule("set", where="partner_id = 'bolt'", column="answered", value="offered") + CLEAN + LAST
    folder = write_dataset(toml, volume=VOLUME)
    assert used(open_dataset(folder))["changed: the rule"] == 1
    assert sums(folder, "handled", partner_id="bolt")[0] == 20


def test_set_fills_a_column_that_the_file_does_not_have(write_dataset, sums):
    toml = rule("set", where="TRUE", column="abandoned", value="offered - answered") + CLEAN + LAST
    assert sums(write_dataset(toml, volume=VOLUME), "abandonment_rate") == (3, 12)


def test_set_takes_a_number_as_toml_writes_it(write_dataset, sums):
    toml = rule("set", where="offered IS NULL", column="offered", value=0) + CLEAN + LAST
    assert sums(write_dataset(toml, volume=VOLUME), "handled")[0] == 14


def test_set_missing_forgets_values_and_what_could_not_be_read(write_dataset):
    toml = rule("set_missing", where="partner_id = 'bolt'", columns=["answered"])
    toml += "\n[[tables.volume.rules]]\nname = 'no offer'\naction = 'drop'\nwhere = 'offered IS NULL'\n" + LAST
    dataset = open_dataset(write_dataset(toml, volume=VOLUME)).prepare()
    assert used(dataset)["changed: the rule"] == 1


def test_a_value_that_cannot_be_read_stays_an_error_without_a_rule(write_dataset, problems):
    (problem,) = problems(write_dataset(volume=VOLUME), column="answered")
    assert (problem.rule, problem.row, problem.value) == ("is not a whole number", 5, "x")


def test_every_rule_that_cannot_be_applied_is_a_problem_of_its_table(write_dataset, problems):
    wrong = {
        "where = 'ofered = 0'": "uses column 'ofered', which is not there. Did you mean 'offered'?",
        "where = 'offered'": "'offered' uses a number as a condition. Write it as offered = 1",
        "where = 'partner_id'": "takes 'partner_id' for a truth value; 5 rows hold none ('acme')",
        "where = 'partner_id > 3'": "takes 'partner_id' for a number; 5 rows hold none",
        "where = 'YEAR(partner_id) = 3'": "takes 'partner_id' for a time",
        "where = 'SUM(offered) > 3'": "which row expressions do not have",
        "where = 'TRUE'\ncolumn = 'abandond'\nvalue = 1": "'abandond', which is not there. Did you mean 'abandoned'?",
        "where = 'TRUE'\ncolumn = 'abandoned'\nvalue = \"'none'\"": "does not fit column 'abandoned'",
        "where = 'TRUE'\ncolumns = ['abandond']": "names column 'abandond'",
        "by = 'partner'\norder = 'extract'": "names column 'partner', which is not there. Did you mean 'partner_id'?",
        "by = 'partner_id'\norder = 'extrct'": "Did you mean 'extract'?",
    }
    actions = {"column": "set", "columns": "set_missing", "order": "keep_last", "where": "drop"}
    toml = "[tables.volume.columns]\nextract = 'CAST(extract AS int)'\n"
    for number, keys in enumerate(wrong):
        names = [line.split(" = ")[0] for line in keys.splitlines()]
        action = next(action for name, action in actions.items() if name in names)
        toml += f"[[tables.volume.rules]]\nname = 'rule {number}'\naction = '{action}'\n{keys}\n"
    found = {p.value: p for p in problems(write_dataset(toml, volume=VOLUME), table="volume") if "rule" in p.value}
    assert len(found) == len(wrong)
    for number, words in enumerate(wrong.values()):
        assert found[f"rule {number}"].rule.startswith(f"[tables.volume] rule 'rule {number}'")
        assert words in found[f"rule {number}"].rule
        assert "correct the rule" in found[f"rule {number}"].remedy


def test_distinct_takes_a_table_out_of_another(write_dataset):
    toml = """
        [tables.partners]
        file = "volume.csv"
        distinct = true
    """
    dataset = open_dataset(write_dataset(toml, partners=None)).prepare()
    assert dataset.partners["partner_id"].tolist() == ["acme", "bolt"]
    steps = {c.step: c.rows for c in dataset.check().counts if c.table == "partners"}
    assert steps == {"read": 62, "dropped: the same row again (distinct)": -60, "used": 2}


@pytest.mark.parametrize("name", ["nhs111", "portfolio"])
def test_rows_read_are_rows_dropped_and_rows_used(name, request):
    check = request.getfixturevalue(name).check()
    for table in {count.table for count in check.counts}:
        steps = [c for c in check.counts if c.table == table]
        dropped = sum(c.rows for c in steps if c.step.startswith("dropped"))
        assert steps[0].step == "read"
        assert steps[0].rows + dropped == steps[-1].rows == check.rows_used(table)
    assert {c.table for c in check.counts} <= set(TABLES)
