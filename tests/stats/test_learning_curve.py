"""Learning curves: known answers, edges, words."""

from __future__ import annotations

import numpy as np
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats import learning_curve


def agents(shape, *, newcomers=8, settled=6, weeks=60):
    """Rows of agents without any noise: newcomers seen from week 0, the others from week 30."""
    rows = [(w, shape(w), a) for a in range(newcomers) for w in range(weeks)]
    rows += [(w, shape(w), newcomers + a) for a in range(settled) for w in range(30, weeks)]
    week, value, agent = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return {"week": week, "numerator": 10 * value, "denominator": np.full(len(week), 10.0), "agent": agent}


def test_an_exponential_curve_is_found_again():
    result = learning_curve(**agents(lambda w: 300 * (1 + 0.6 * np.exp(-w / 5))))
    assert result.shape == "exponential"
    assert result.level == pytest.approx(300, rel=0.001)
    assert result.gap == pytest.approx(0.6, abs=0.01)
    # 0.6 exp(-w / 5) = 0.05 at w = 5 ln 12.
    assert result.weeks == pytest.approx(5 * np.log(12), abs=0.5)
    assert result.gap_ci_low == pytest.approx(result.gap_ci_high, abs=1e-9)


def test_a_power_curve_is_told_from_an_exponential_one():
    result = learning_curve(**agents(lambda w: 300 + 300 * (w + 1.0) ** -2))
    assert result.shape == "power"
    assert result.gap == pytest.approx(1.0, abs=0.03)


def test_who_starts_at_the_level_needs_no_weeks():
    result = learning_curve(**agents(lambda w: 300.0 + 0 * w))
    assert result.weeks == 0
    assert result.gap == pytest.approx(0, abs=1e-9)


def test_a_curve_that_rises_has_a_negative_gap():
    result = learning_curve(**agents(lambda w: 0.8 * (1 - 0.25 * np.exp(-w / 4))))
    assert result.gap == pytest.approx(-0.25, abs=0.01)
    assert result.start == pytest.approx(0.6, abs=0.01)


def test_weeks_end_where_agents_count_as_settled():
    result = learning_curve(**agents(lambda w: 300 * (1 + 0.9 * np.exp(-w / 30))))
    assert result.weeks == result.settled_from == 26


def test_the_unit_changes_nothing_but_the_unit():
    data = agents(lambda w: 300 * (1 + 0.6 * np.exp(-w / 5)) + 7 * np.sin(w))
    first = learning_curve(**data)
    second = learning_curve(**(data | {"numerator": data["numerator"] / 60}))
    assert second.gap == pytest.approx(first.gap)
    assert second.weeks_ci_high == pytest.approx(first.weeks_ci_high)
    assert second.start * 60 == pytest.approx(first.start)


def test_more_agents_make_it_surer():
    rng = np.random.default_rng(3)

    def width(newcomers):
        data = agents(lambda w: 300 * (1 + 0.5 * np.exp(-w / 5)), newcomers=newcomers)
        shift = rng.normal(0, 40, newcomers + 6)[data["agent"].astype(int)]
        result = learning_curve(**(data | {"numerator": data["numerator"] + 10 * shift}))
        return result.gap_ci_high - result.gap_ci_low

    assert width(60) < width(8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"newcomers": 4}, "needs at least 5 agents seen from their first weeks on; got 4"),
        ({"weeks": 5, "settled": 0}, "needs at least 3 settled agents; got 0"),
    ],
)
def test_too_little_data_says_what_is_lacking(change, message):
    with pytest.raises(InsufficientDataError, match=message):
        learning_curve(**agents(lambda w: 300.0 + w, **change))


def test_bad_arguments_are_refused():
    data = agents(lambda w: 300.0 + w)
    with pytest.raises(ValueError, match=r"tolerance must lie between 0 and 1, got 5. For 5 % write 0.05."):
        learning_curve(**data, tolerance=5)
    with pytest.raises(ValueError, match="must be equally long"):
        learning_curve(**(data | {"week": [0.0]}))
    with pytest.raises(ValueError, match="week must be a number from 0 on"):
        learning_curve(**(data | {"week": data["week"] - 1}))


def test_summary_says_start_level_and_weeks():
    text = learning_curve(**agents(lambda w: 300 * (1 + 0.6 * np.exp(-w / 5)))).summary()
    assert text.startswith("Starts at 480")
    assert "settles at 300" in text
    assert "(n = 14, of them 8 newcomers; exponential curve, resampled agents)." in text


def test_the_table_has_a_row_for_every_week():
    table = learning_curve(**agents(lambda w: 300.0 + 0 * w)).table
    assert list(table["week"]) == list(range(60))
    assert table.loc[40, "agents"] == 14
    assert table.loc[40, "denominator"] == 140
