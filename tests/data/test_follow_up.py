"""Registers that somebody has to come back to: actions and exceptions."""

from __future__ import annotations

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.errors import DataValidationError

ACTIONS = """
    action_id,partner_id,kpi,type,action,raised_on,closed_on
    a1,acme,service_level,corrective,Route calls anew,2026-01-05,
    a2,acme,service_levle,corrective,Train,2026-01-06,
    a3,acme,,improvement,Write articles,2026-01-07,
    a4,acme,,commitment,Send the calendar,2026-01-08,
"""


def test_an_action_on_an_unknown_kpi_is_an_error_with_its_row_and_a_suggestion(write_dataset, problems):
    found = problems(write_dataset(actions=ACTIONS), table="actions")
    wrong, without = found
    assert (wrong.severity, wrong.row, wrong.column, wrong.value) == ("error", 2, "kpi", "service_levle")
    assert wrong.rule.startswith("action a2 refers to a KPI that is not in the catalogue. Did you mean 'service_level'")
    assert (without.severity, without.row) == ("warning", 3)
    assert "action a3 refers to no KPI" in without.rule


def test_such_an_error_stops_the_report(write_dataset):
    with pytest.raises(DataValidationError, match="table actions, row 2, column kpi: action a2 refers to a KPI"):
        open_dataset(write_dataset(actions=ACTIONS)).prepare()


def test_an_action_that_names_a_kpi_is_no_problem(write_dataset, problems):
    sound = "\n".join(line for line in ACTIONS.splitlines() if " a2," not in line and " a3," not in line)
    assert not problems(write_dataset(actions=sound))


def test_an_action_closed_before_it_was_raised_is_an_error(write_dataset, problems):
    text = "action_id,kpi,type,action,raised_on,closed_on\na1,service_level,corrective,Route,2026-01-05,2026-01-04\n"
    (problem,) = problems(write_dataset(actions=text), table="actions")
    assert (problem.severity, problem.rule) == ("error", "closed before raised")


def test_an_exception_past_its_review_date_is_reported_with_its_row(write_dataset, problems):
    # The data end on 2026-01-31: a review due on that day is in time.
    text = """
        exception_id,dimension,value,review_on
        e1,shift,overnight,2026-01-31
        e2,channel,chat,2026-01-30
        e3,product,fibre,
    """
    (problem,) = problems(write_dataset(exceptions=text), table="exceptions")
    assert (problem.severity, problem.row, problem.value) == ("warning", 2, "2026-01-30")
    assert problem.rule == "exception e2 is past its review date on 2026-01-31, the last day of the data"
