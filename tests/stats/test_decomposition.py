"""Rate and mix effects."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.decomposition import ChangeDecomposition, decompose_change


def sums(**slices):
    return pd.DataFrame(slices, index=["numerator", "denominator"], dtype=float).T


def random_pair(seed, slices=6):
    rng = np.random.default_rng(seed)
    names = list("abcdefgh"[:slices])
    return [
        pd.DataFrame({"denominator": d, "numerator": d * rng.random(slices)}, index=names)
        for d in rng.integers(1, 400, (2, slices)).astype(float)
    ]


def days(seed, n, rates=(0.9, 0.6), mix=(0.5, 0.5), volume=200, spread=0.04):
    """One row per day and slice."""
    rng = np.random.default_rng(seed)
    cases = np.array([rng.multinomial(volume, mix) for _ in range(n)])
    share = np.clip(np.array(rates) + spread * rng.standard_normal((n, 1)), 0.01, 0.99)
    return pd.DataFrame(
        {
            "numerator": rng.binomial(cases, share).ravel().astype(float),
            "denominator": cases.ravel().astype(float),
            "day": np.repeat(np.arange(n), len(rates)),
        },
        index=pd.Index(np.tile(list("ab"), n), name="slice"),
    )


# Oracle: the treatments of kidney stones (Charig et al. 1986). Keyhole surgery was ahead by 83 to 78 %, and behind for
# small (87 to 93 %) and large stones (69 to 73 %): its lead was the easier mix.
def test_simpsons_paradox():
    open_surgery, keyhole = sums(small=(81, 87), large=(192, 263)), sums(small=(234, 270), large=(55, 80))
    result = decompose_change(open_surgery, keyhole)
    assert (result.before, result.after) == pytest.approx((0.78, 0.826), abs=5e-4)
    assert result.change > 0 > result.rate_effect
    assert (result.table["rate_effect"] < 0).all()
    assert result.mix_effect > result.change


# By hand.
def test_only_the_mix_moves():
    result = decompose_change(sums(easy=(80, 100), hard=(10, 100)), sums(easy=(40, 50), hard=(15, 150)))
    assert result.rate_effect == pytest.approx(0)
    assert result.mix_effect == pytest.approx(-0.175)


def test_only_the_rates_move():
    result = decompose_change(sums(a=(50, 100), b=(50, 100)), sums(a=(60, 100), b=(50, 100)))
    assert result.mix_effect == pytest.approx(0)
    assert result.table.loc["a", "rate_effect"] == pytest.approx(0.05)


def test_both_move_with_symmetric_weights():
    # Rates 0.8 to 0.7 and 0.2 to 0.4; shares 0.5 to 0.25 and 0.5 to 0.75; ratios 0.5 to 0.475, their mean 0.4875.
    result = decompose_change(sums(a=(80, 100), b=(20, 100)), sums(a=(70, 100), b=(120, 300)))
    assert result.table["rate_effect"].tolist() == pytest.approx([-0.1 * 0.375, 0.2 * 0.625])
    assert result.table["mix_effect"].tolist() == pytest.approx([-0.25 * (0.75 - 0.4875), 0.25 * (0.3 - 0.4875)])
    assert result.table["share_after"].tolist() == pytest.approx([0.25, 0.75])
    assert result.change == pytest.approx(-0.025)


def test_the_count_has_a_volume_effect():
    result = decompose_change(sums(a=(80, 100), b=(20, 100)), sums(a=(70, 100), b=(120, 300)))
    assert (result.count_before, result.count_after, result.count_change) == (100, 190, 90)
    assert result.volume_effect == pytest.approx(200 * 0.4875)
    assert result.rate_effect_on_count == pytest.approx(result.rate_effect * 300)
    parts = result.rate_effect_on_count + result.mix_effect_on_count + result.volume_effect
    assert parts == pytest.approx(result.count_change)


def test_a_new_slice_belongs_to_the_mix():
    result = decompose_change(sums(a=(50, 100)), sums(a=(50, 100), new=(90, 100)))
    assert result.table.loc["new", "rate_effect"] == 0
    assert np.isnan(result.table.loc["new", "before"])
    assert result.change == pytest.approx(0.2)


def test_an_event_without_a_case_is_part_of_the_total():
    result = decompose_change(sums(a=(5, 10), late=(1, 0)), sums(a=(5, 10), late=(0, 0)))
    assert result.change == pytest.approx(-0.1)
    assert result.table.loc["late", "rate_effect"] == pytest.approx(-0.1)
    assert result.mix_effect == 0


# Properties.
@pytest.mark.parametrize("seed", range(8))
def test_effects_add_up_exactly(seed):
    before, after = random_pair(seed)
    after = after.drop(index="c")
    result = decompose_change(before, after)
    assert result.rate_effect + result.mix_effect == pytest.approx(result.change, abs=1e-14)
    assert result.table["rate_effect"].sum() == pytest.approx(result.rate_effect)
    assert result.table["mix_effect"].sum() == pytest.approx(result.mix_effect)
    parts = result.rate_effect_on_count + result.mix_effect_on_count + result.volume_effect
    assert parts == pytest.approx(result.count_change)
    back = decompose_change(after, before)
    assert back.rate_effect == pytest.approx(-result.rate_effect)
    assert back.volume_effect == pytest.approx(-result.volume_effect)


def test_volume_alone_moves_the_count_only():
    before, _ = random_pair(1)
    result = decompose_change(before, 3 * before)
    assert [result.change, result.rate_effect, result.mix_effect] == pytest.approx([0, 0, 0], abs=1e-15)
    assert result.volume_effect == pytest.approx(result.count_change)


def test_splitting_a_slice_of_one_rate_changes_nothing():
    before, after = sums(a=(80, 100), b=(20, 100)), sums(a=(70, 100), b=(120, 300))
    finer = [
        pd.concat([frame.drop(index="b"), pd.concat([frame.loc[["b"]] * 0.3, frame.loc[["b"]] * 0.7])]).set_axis(
            ["a", "b1", "b2"]
        )
        for frame in (before, after)
    ]
    whole, split = decompose_change(before, after), decompose_change(*finer)
    assert (split.rate_effect, split.mix_effect) == pytest.approx((whole.rate_effect, whole.mix_effect))


def test_order_of_slices_and_days_split_into_rows_do_not_matter():
    before, after = days(1, 20), days(2, 12, mix=(0.3, 0.7))
    plain = decompose_change(before, after, unit="day")
    shuffled = decompose_change(before.sample(frac=1, random_state=1), after.sample(frac=1, random_state=2), unit="day")
    pd.testing.assert_frame_equal(shuffled.table, plain.table)
    halves = [pd.concat([frame.assign(numerator=0.0, denominator=0.0), frame]) for frame in (before, after)]
    pd.testing.assert_frame_equal(decompose_change(*halves, unit="day").table, plain.table)
    sums_only = [frame.groupby(level=0)[["numerator", "denominator"]].sum() for frame in (before, after)]
    without = decompose_change(*sums_only)
    assert (without.rate_effect, without.mix_effect) == pytest.approx((plain.rate_effect, plain.mix_effect))


def test_limits_lie_around_their_effects_and_mirror():
    before, after = days(3, 30), days(4, 30, rates=(0.85, 0.6), mix=(0.3, 0.7))
    result, back = decompose_change(before, after, unit="day"), decompose_change(after, before, unit="day")
    assert (result.n_units_before, result.n_units_after) == (30, 30)
    for name in ("change", "rate_effect", "mix_effect"):
        low, high = getattr(result, f"{name}_ci_low"), getattr(result, f"{name}_ci_high")
        assert low < getattr(result, name) < high
        assert getattr(back, f"{name}_ci_low") == pytest.approx(-high)
        assert getattr(back, f"{name}_ci_high") == pytest.approx(-low)
    wide = decompose_change(before, after, unit="day", confidence_level=0.99)
    assert wide.change_ci_low < result.change_ci_low
    assert wide.confidence_level == 0.99


def test_limits_of_even_days_are_those_of_welch():
    """With one slice, days of one size and too few of them to tell an autocorrelation, it is the t interval."""
    rng = np.random.default_rng(5)
    shares = rng.uniform(0.6, 0.9, 8), rng.uniform(0.6, 0.9, 6)
    frames = [
        pd.DataFrame(
            {"numerator": 100 * share, "denominator": 100.0, "day": range(len(share))}, index=["a"] * len(share)
        )
        for share in shares
    ]
    result = decompose_change(*frames, unit="day")
    expected = stats.ttest_ind(shares[1], shares[0], equal_var=False).confidence_interval(0.95)
    assert (result.change_ci_low, result.change_ci_high) == pytest.approx((expected.low, expected.high))


def test_scaled_is_the_same_in_another_unit():
    result = decompose_change(days(3, 12), days(4, 12, mix=(0.3, 0.7)), unit="day")
    percent = result.scaled(100)
    assert percent.change == pytest.approx(100 * result.change)
    assert percent.rate_effect_ci_low == pytest.approx(100 * result.rate_effect_ci_low)
    assert percent.volume_effect == result.volume_effect
    np.testing.assert_allclose(percent.table["mix_effect_ci_high"], 100 * result.table["mix_effect_ci_high"])
    np.testing.assert_allclose(percent.table["share_before"], result.table["share_before"])
    assert result.table["before"].max() < 1


# Edges.
@pytest.mark.parametrize("n", [6, 30])
def test_days_that_are_all_alike_give_no_interval(n):
    frames = [
        pd.DataFrame(
            {"numerator": [rate, 0.3, rate, 0.3] * n, "denominator": 1.0, "day": np.repeat(range(2 * n), 2)}
        ).set_axis(["a", "b"] * (2 * n))
        for rate in (0.7, 0.8)
    ]
    result = decompose_change(*frames, unit="day")
    assert result.rate_effect == pytest.approx(0.05)
    assert np.isnan([result.change_ci_low, result.rate_effect_ci_high, result.mix_effect_ci_low]).all()
    assert "nan" not in result.summary()


def test_without_units_there_are_no_limits():
    result = decompose_change(*random_pair(2))
    assert np.isnan([result.confidence_level, result.change_ci_low, result.mix_effect_ci_high]).all()
    assert (result.n_units_before, result.n_units_after) == (0, 0)
    assert not [name for name in result.table if "ci" in name]


def test_integers_categories_and_the_input_is_left_alone():
    frame = pd.DataFrame({"numerator": [3, 4], "denominator": [5, 8]}, index=pd.Categorical(["a", "b"]))
    kept = frame.copy()
    other = frame.assign(numerator=pd.array([2, 4], dtype="Int64"))
    result = decompose_change(frame, other)
    assert result.change == pytest.approx(6 / 13 - 7 / 13)
    pd.testing.assert_frame_equal(frame, kept)


# Words.
def test_too_little():
    good, few = days(1, 5), days(2, 2)
    with pytest.raises(InsufficientDataError, match=r"decompose_change \(before\) needs at least 1 cases; got 0"):
        decompose_change(sums(a=(0, 0)), sums(a=(1, 2)))
    with pytest.raises(InsufficientDataError, match=r"decompose_change \(after\) needs at least 3 units; got 2"):
        decompose_change(good, few, unit="day")
    lonely = good.assign(denominator=good["denominator"].where(good["day"] == 0, 0.0))
    with pytest.raises(InsufficientDataError, match=r"\(before\) needs at least 2 units with cases; got 1"):
        decompose_change(lonely, good, unit="day")


def test_wrong_arguments():
    good, dated = sums(a=(1, 2), b=(3, 4)), days(1, 5)
    with pytest.raises(ValueError, match=r"before needs the columns .* \['denominator'\] not found"):
        decompose_change(good[["numerator"]], good)
    with pytest.raises(ValueError, match="after has missing values; drop or fill them first"):
        decompose_change(good, good.assign(numerator=[1, np.nan]))
    with pytest.raises(ValueError, match="before has missing values"):
        decompose_change(dated.assign(day=dated["day"].where(dated["day"] > 0)), dated, unit="day")
    with pytest.raises(ValueError, match="before has missing values"):
        decompose_change(good.set_axis(["a", None]), good)
    with pytest.raises(ValueError, match="denominator of after is negative in slice 'b'"):
        decompose_change(good, good.assign(denominator=[2, -4.0]))
    with pytest.raises(ValueError, match="several rows of slice 'a'; sum them, or name the column of days with unit="):
        decompose_change(dated, dated)
    with pytest.raises(ValueError, match="indexed by slice alone, got the levels"):
        decompose_change(dated.set_index("day", append=True), dated)
    with pytest.raises(ValueError, match=r"For 95% write 0\.95"):
        decompose_change(good, good, confidence_level=95)


def test_summary():
    plain = decompose_change(sums(easy=(80, 100), hard=(10, 100)), sums(easy=(45, 50), hard=(15, 150)))
    assert plain.summary() == (
        "Changed by -0.15 from 0.45 to 0.3: rates +0.0375, mix -0.1875 (2 slices; rate and mix, symmetric weights)."
    )
    text = decompose_change(days(1, 20), days(2, 12, mix=(0.3, 0.7)), unit="day").summary()
    assert text.count(" to ") == 3
    assert text.endswith("(2 slices; rate and mix, symmetric weights; each unit left out).")


def test_the_result_is_a_row():
    result = decompose_change(*random_pair(3))
    assert {field.name for field in fields(ChangeDecomposition)} - set(result.to_frame().columns) == {"table"}
    assert "Changed by" in result._repr_html_()


# Calibration. 400 pairs of months: a coverage of 95 % has a standard error of 1.1 points.
@pytest.mark.parametrize(("n_before", "n_after"), [(30, 30), (60, 7)])
def test_the_intervals_cover(n_before, n_after):
    true = {"rate_effect": -0.03 * 0.4}
    rates, mixes = ((0.9, 0.6), (0.87, 0.6)), ((0.5, 0.5), (0.3, 0.7))
    true["change"] = np.dot(rates[1], mixes[1]) - np.dot(rates[0], mixes[0])
    true["mix_effect"] = true["change"] - true["rate_effect"]
    hits = dict.fromkeys(true, 0)
    for seed in range(400):
        frames = [days(1000 * k + seed, n, rates[k], mixes[k]) for k, n in enumerate((n_before, n_after))]
        result = decompose_change(*frames, unit="day")
        for name, value in true.items():
            hits[name] += getattr(result, f"{name}_ci_low") < value < getattr(result, f"{name}_ci_high")
    for name in true:
        assert 0.93 - 0.03 < hits[name] / 400 < 0.97 + 0.025, name


def test_rounding_is_printed_as_nought_and_one_slice_is_one():
    one = pd.DataFrame({"numerator": [3.0], "denominator": [10.0]}, index=["s"])
    more = pd.DataFrame({"numerator": [0.1 + 0.2], "denominator": [1.0]}, index=["s"])
    assert decompose_change(one, more).summary() == (
        "Changed by 0 from 0.3 to 0.3: rates 0, mix 0 (1 slice; rate and mix, symmetric weights)."
    )
