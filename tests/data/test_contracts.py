"""Contracts and credits as data: what contradicts itself is named with its row, what is sound stays quiet."""

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.errors import DatasetError

CONTRACTS = """
    contract_id,partner_id,start,end,auto_renew,notice_days_client,notice_days_partner,termination_for_convenience,termination_fee,at_risk_share
    c1,acme,2025-01-01,2026-12-31,true,90,90,true,0,0.05
    {}
"""
TIERS = """
    rule_id,contract_id,kpi,tier_low,tier_high,amount_share,cap_share
    r1,c1,service_level,0,0.8,-0.02,0.05
    r1,c1,service_level,{},1,0.0,0.05
    {}
"""


def test_sound_terms_are_quiet(write_dataset, problems):
    second = "c2,acme,2027-01-01,,false,30,30,true,0,"
    folder = write_dataset(contracts=CONTRACTS.format(second), contract_incentives=TIERS.format("0.8", ""))
    assert not problems(folder)


@pytest.mark.parametrize(
    ("row", "column", "words", "severity"),
    [
        ("c2,bolt,2025-01-01,,true,,,true,,", "auto_renew", "renews, but it has no end", "warning"),
        ("c2,bolt,2026-01-01,2026-02-01,false,60,30,true,,", "notice_days_client", "longer than the", "warning"),
        ("c2,bolt,2026-01-01,2026-12-01,false,60,30,,500,", "termination_fee", "not whether the contract", "warning"),
        ("c2,acme,2026-12-31,,false,60,30,true,,", "start", "acme are in force on 2026-12-31", "error"),
    ],
)  # fmt: skip
def test_terms_that_contradict_each_other(write_dataset, problems, row, column, words, severity):
    (problem,) = problems(write_dataset(contracts=CONTRACTS.format(row)), table="contracts")
    assert (problem.row, problem.column, problem.severity) == (2, column, severity)
    assert words in problem.rule


def test_contracts_for_two_parts_of_the_service_may_overlap(write_dataset, problems):
    table = """
        contract_id,partner_id,start,scope
        c1,acme,2025-01-01,voice
        c2,acme,2025-06-01,{}
    """
    assert not problems(write_dataset(contracts=table.format("chat")), table="contracts")
    assert problems(write_dataset(contracts=table.format("voice"), folder="b"), table="contracts")


@pytest.mark.parametrize(
    ("begin", "row", "column", "words"),
    [
        ("0.85", "", "tier_low", "no tier of rule r1 holds from 0.8 to 0.85"),
        ("0.75", "", "tier_low", "two tiers of rule r1 hold from 0.75 to 0.8"),
        ("0.8", "r2,c9,service_level,0,1,0,", "contract_id", "contract is not in table contracts"),
        ("0.8", "r2,c1,service_levl,0,1,0,", "kpi", "Did you mean 'service_level'?"),
        ("0.8", "r1,c1,csat,1,2,0,", "kpi", "tiers of rule r1 differ in kpi"),
        ("0.8", "r2,c1,service_level,0.5,0.2,0,", "tier_high", "where it begins or before"),
        ("0.8", "r2,c1,service_level,0,1,-0.06,0.1", "amount_share", "beyond the 5.00% at risk under the contract"),
        ("0.8", "r2,c1,service_level,0,1,0.02,0.01", "amount_share", "beyond the rule's own cap of 1.00%"),
    ],
)
def test_rules_that_cannot_be_settled(write_dataset, problems, begin, row, column, words):
    folder = write_dataset(contracts=CONTRACTS.format(""), contract_incentives=TIERS.format(begin, row))
    (problem,) = problems(folder, table="contract_incentives")
    assert problem.column == column
    assert problem.row == (3 if row else 2)
    assert words in problem.rule


def test_rules_without_any_contract_are_reported(write_dataset, problems):
    found = problems(write_dataset(contract_incentives=TIERS.format("0.8", "")), table="contract_incentives")
    assert {problem.row for problem in found} == {1, 2}


GATE = "[report.growth_gate]\n"


def test_a_gate_is_read(write_dataset):
    text = GATE + 'growth = 0.1\nservice_level = ">= 80 %"\nnew_hire_share = "<= 0.3"\n'
    gate = open_dataset(write_dataset(text)).config.growth_gate
    assert gate.growth == 0.1
    assert [(c.name, c.op, c.value) for c in gate.conditions] == [
        ("service_level", ">=", 0.8), ("new_hire_share", "<=", 0.3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("growth = 0.1\n", "needs at least one condition"),
        ('growth = "10"\nservice_level = ">= 0.8"\n', "growth must be a share such as 0.10"),
        ("service_level = 0.8\n", 'must be a comparison such as ">= 0.93"'),
        ('service_level = "= 0.8"\n', "got '= 0.8'"),
    ],
)
def test_a_gate_that_says_nothing_is_refused(write_dataset, text, words):
    with pytest.raises(DatasetError, match=words):
        open_dataset(write_dataset(GATE + text))


def test_a_gate_of_an_unknown_kpi_is_an_error_with_a_suggestion(write_dataset, problems):
    (problem,) = problems(write_dataset(GATE + 'service_levl = ">= 0.8"\n'), severity="error")
    assert "Did you mean 'service_level'?" in problem.rule
    assert problem.remedy == "correct [report.growth_gate] in dataset.toml"


def test_a_ceiling_is_a_share(write_dataset):
    assert open_dataset(write_dataset("[report]\nconcentration_ceiling = 0.6\n")).config.concentration_ceiling == 0.6
    with pytest.raises(DatasetError, match=r"concentration_ceiling must be a share such as 0\.9, got 90"):
        open_dataset(write_dataset("[report]\nconcentration_ceiling = 90\n", folder="b"))
