"""Groups compared on one common mix of slices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.proportions import difference_of_proportions
from bpo_analysis.stats.ratio import event_rate_interval, share_interval
from bpo_analysis.stats.standardisation import standardise, standardise_pair

RATES = np.array([0.95, 0.85, 0.7])
MIXES = {"north": (0.5, 0.3, 0.2), "south": (0.2, 0.3, 0.5), "west": (0.3, 0.4, 0.3)}


def cells(**groups):
    """Rows from group=((numerator, denominator), ...)."""
    rows = [
        {"partner": group, "slice": f"s{k}", "numerator": num, "denominator": den}
        for group, slices in groups.items()
        for k, (num, den) in enumerate(slices)
    ]
    return pd.DataFrame(rows)


def month(seed, *, days=30, contacts=150, spread=0.05, common=0.0, gain=0.0, groups=MIXES):
    """One row per day, partner and slice; the first partner is better by ``gain``."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal(days)
    rows = []
    for place, (group, mix) in enumerate(groups.items()):
        shocks = np.sqrt(common) * shared + np.sqrt(1 - common) * rng.standard_normal(days)
        for day in range(days):
            cases = rng.multinomial(contacts, mix)
            share = np.clip(RATES[: len(mix)] + gain * (place == 0) + spread * shocks[day], 0.01, 0.99)
            good = rng.binomial(cases, share)
            rows += [
                {"partner": group, "slice": f"s{k}", "day": day, "numerator": good[k], "denominator": cases[k]}
                for k in range(len(mix))
            ]
    return pd.DataFrame(rows)


def kidney_stones():
    return pd.DataFrame(
        {
            "partner": ["keyhole", "keyhole", "open", "open"],
            "slice": ["small", "large"] * 2,
            "numerator": [234, 55, 81, 192],
            "denominator": [270, 80, 87, 263],
        }
    )


# Oracle: the treatments of kidney stones (Charig et al. 1986; Julious and Mullee 1994): 83 against 78 % of all, turned
# round for small (87, 93 %) and for large stones (69, 73 %); on the stones of all patients 78 against 83 %.
def test_simpsons_paradox():
    result = standardise(kidney_stones())
    assert result.table["crude"].round(3).to_dict() == {"keyhole": 0.826, "open": 0.78}
    assert result.table["standardised"].round(3).to_dict() == {"keyhole": 0.779, "open": 0.833}
    assert result.weights.round(3).to_dict() == {"large": 0.49, "small": 0.51}
    assert result.reversals == (("keyhole", "open"),)
    pair = result.pairs.iloc[0]
    assert pair["reversed"]
    assert pair["in_every_slice"]
    assert pair["crude_difference"] > 0 > pair["difference"]
    assert result.table["rank_crude"].tolist() == [1, 2]
    assert result.table["rank_standardised"].tolist() == [2, 1]


# Oracle: with one slice Fay and Feuer's gamma limits are the exact Poisson limits (Garwood), and Wilson's are Wilson's.
def test_one_slice_is_no_standardisation():
    one = cells(a=((7, 900),), b=((20, 1100),))
    events = standardise(one, sampling="events").table.loc["a"]
    exact = event_rate_interval([7], [900])
    assert (events["standardised_ci_low"], events["standardised_ci_high"]) == pytest.approx(
        (exact.ci_low, exact.ci_high)
    )
    shares = standardise(cells(a=((56, 70),), b=((48, 80),))).table.loc["a"]
    wilson = share_interval([56], [70])
    assert shares["standardised"] == shares["crude"] == 0.8
    assert shares["standardised_ci_low"] == pytest.approx(wilson.ci_low, abs=0.003)
    assert shares["standardised_ci_high"] == pytest.approx(wilson.ci_high, abs=0.003)


# By hand.
def test_observed_over_expected():
    # Pooled rates: 30 of 300 and 60 of 300.
    result = standardise(cells(a=((20, 100), (10, 100)), b=((10, 200), (50, 200))), sampling="events")
    row = result.table.loc["a"]
    assert (row["observed"], row["expected"]) == (30, pytest.approx(100 * 0.1 + 100 * 0.2))
    assert row["observed_to_expected"] == pytest.approx(1)
    assert row["observed_to_expected_ci_low"] == pytest.approx(stats.chi2.ppf(0.025, 60) / 2 / 30)
    assert row["observed_to_expected_ci_high"] == pytest.approx(stats.chi2.ppf(0.975, 62) / 2 / 30)
    assert result.table["observed"].sum() == pytest.approx(result.table["expected"].sum())


def test_a_given_standard():
    frame = cells(a=((50, 100), (90, 100)), b=((40, 50), (30, 60)))
    result = standardise(frame, standard=pd.Series({"s1": 3.0, "s0": 1.0, "never": 9.0}))
    assert result.table["standardised"].tolist() == pytest.approx([0.25 * 0.5 + 0.75 * 0.9, 0.25 * 0.8 + 0.75 * 0.5])
    assert result.weights.tolist() == pytest.approx([0.25, 0.75])
    assert result.table.loc["a", "difference"] == pytest.approx(0.8 - 0.575)


def test_variance_of_a_difference_of_shares():
    result = standardise(cells(a=((500, 1000), (900, 1000)), b=((450, 1000), (850, 1000))))
    variance = sum(0.25 * p * (1 - p) / 1000 for p in (0.5, 0.9, 0.45, 0.85))
    pair = result.pairs.iloc[0]
    assert pair["difference"] == pytest.approx(0.05)
    assert pair["ci_high"] - pair["difference"] == pytest.approx(1.96 * np.sqrt(variance), rel=0.01)
    assert pair["pvalue"] == pytest.approx(2 * stats.norm.sf(0.05 / np.sqrt(variance)), rel=0.05)
    assert pair["detectable_difference"] == pytest.approx((1.96 + 0.8416) * np.sqrt(variance), rel=0.01)


# Oracle: with one slice the limits are Newcombe's (or, where a variance reaches further, its own).
def test_a_small_group_without_failures_is_not_certain_to_differ():
    frame = cells(w=((20, 20),), n=((315, 357),))
    result = standardise(frame)
    row = result.table.loc["w"]
    newcombe = difference_of_proportions(20, 20, 315, 357, method="newcombe")
    assert row["difference_ci_low"] == pytest.approx(newcombe.ci_low)
    assert row["pvalue"] == pytest.approx(newcombe.pvalue)
    assert abs(result.pairs.loc[0, "pvalue"]) == pytest.approx(newcombe.pvalue)
    assert row["observed_to_expected_ci_low"] < 1 < row["observed_to_expected"]
    events = standardise(cells(w=((0, 20),), n=((42, 357),)), sampling="events").table.loc["w"]
    assert events["pvalue"] > 0.05
    assert events["difference_ci_high"] > 0


@pytest.mark.parametrize(("n", "share"), [(20, 0.95), (20, 0.7), (200, 0.95)])
def test_small_groups_raise_no_more_false_alarms_than_the_level(n, share):
    rng = np.random.default_rng(n)
    alarms = []
    for _ in range(200):
        good = [rng.binomial(size // 2, share, 2) for size in (n, 800)]
        frame = cells(a=[(x, n // 2) for x in good[0]], b=[(x, 400) for x in good[1]])
        pair = standardise(frame).pairs.iloc[0]
        alarms.append(pair["pvalue"] < 0.05)
        assert alarms[-1] == (pair["ci_low"] > 0 or pair["ci_high"] < 0)
    assert np.mean(alarms) < 0.065 + 0.035


def test_slices_without_cases_of_a_group_are_left_out_and_named():
    frame = cells(a=((50, 100), (90, 100), (5, 50)), b=((40, 50), (30, 60)), c=((30, 60), (20, 80)))
    result = standardise(frame)
    assert result.n_slices == 2
    assert result.unsupported["slice"].tolist() == ["s2"]
    assert result.unsupported["missing"].tolist() == ["b, c"]
    assert result.unsupported["share"].tolist() == pytest.approx([50 / 500])
    assert result.table["covered"].tolist() == pytest.approx([200 / 250, 1, 1])
    assert result.pairs["slices"].tolist() == [2, 2, 2]
    # Observed over expected has all slices.
    assert result.table.loc["a", "observed"] == 145


def test_no_slice_that_all_have():
    frame = cells(a=((50, 100), (0, 0), (30, 50)), b=((40, 50), (30, 60), (0, 0)), c=((0, 0), (30, 60), (20, 50)))
    result = standardise(frame)
    assert result.n_slices == 0
    assert result.table["standardised"].isna().all()
    assert result.table["rank_standardised"].isna().all()
    assert result.pairs["slices"].tolist() == [1, 1, 1]
    assert result.pairs["difference"].notna().all()


# Properties.
def test_equal_mixes_change_nothing():
    frame = month(1, groups=dict.fromkeys(("north", "south"), (0.4, 0.3, 0.3)))
    frame["denominator"] = 40
    frame["numerator"] = np.minimum(frame["numerator"], 40)
    table = standardise(frame, unit="day").table
    np.testing.assert_allclose(table["standardised"], table["crude"])
    np.testing.assert_allclose(table["difference"], [table["crude"].diff().iloc[1] * -1, table["crude"].diff().iloc[1]])


def test_order_of_rows_and_rows_of_one_cell_do_not_matter():
    frame = month(2, days=10)
    plain = standardise(frame, unit="day")
    shuffled = standardise(frame.sample(frac=1, random_state=1), unit="day")
    pd.testing.assert_frame_equal(shuffled.table, plain.table)
    pd.testing.assert_frame_equal(shuffled.pairs, plain.pairs)
    summed = standardise(frame.groupby(["partner", "slice"], as_index=False)[["numerator", "denominator"]].sum())
    by_days = plain.table[["crude", "standardised", "difference", "observed", "expected"]]
    np.testing.assert_allclose(summed.table[by_days.columns], by_days)


def test_pairs_mirror_and_days_bad_for_all_do_not_blur_them():
    own, shared = (standardise(month(3, common=part, spread=0.08), unit="day").pairs for part in (0.0, 0.95))
    assert (shared["ci_high"] - shared["ci_low"]).mean() < 0.6 * (own["ci_high"] - own["ci_low"]).mean()
    frame = month(4)
    turned = frame.replace({"partner": {"north": "zulu"}})
    first, second = standardise(frame, unit="day").pairs, standardise(turned, unit="day").pairs
    a = first[(first["first"] == "north") & (first["second"] == "south")].iloc[0]
    b = second[(second["first"] == "south") & (second["second"] == "zulu")].iloc[0]
    assert (b["difference"], b["ci_low"], b["ci_high"]) == pytest.approx(
        (-a["difference"], -a["ci_high"], -a["ci_low"])
    )
    assert b["pvalue"] == pytest.approx(a["pvalue"])


def test_intervals_are_never_narrower_than_chance():
    for seed in range(5):
        frame = month(seed, spread=0.0)
        daily, plain = standardise(frame, unit="day").table, standardise(frame).table
        for name in ("standardised", "difference"):
            wide, narrow = (t[f"{name}_ci_high"] - t[f"{name}_ci_low"] for t in (daily, plain))
            assert (wide > 0.999 * narrow).all()
        assert (daily["standardised_ci_low"] < daily["standardised"]).all()
        assert daily["standardised_ci_high"].le(1).all()


def test_interval_leaves_out_nought_where_the_pvalue_says_so():
    found = set()
    for seed in range(20):
        for level in (0.9, 0.99):
            pairs = standardise(month(seed, days=8, gain=0.03), unit="day", confidence_level=level).pairs
            outside = (pairs["ci_low"] > 0) | (pairs["ci_high"] < 0)
            assert (outside == (pairs["pvalue"] < 1 - level)).all()
            found |= set(outside)
    assert found == {True, False}


def test_means_scale_and_shift():
    frame = month(5)
    seconds = frame.assign(numerator=frame["numerator"] * 300 + frame["denominator"] * 20)
    plain, other = (standardise(f, unit="day", sampling="mean") for f in (frame, seconds))
    np.testing.assert_allclose(other.table["standardised"], 300 * plain.table["standardised"] + 20)
    np.testing.assert_allclose(other.pairs["ci_low"], 300 * plain.pairs["ci_low"])
    np.testing.assert_allclose(other.pairs["pvalue"], plain.pairs["pvalue"])


# Edges.
def test_all_and_none():
    full = standardise(cells(a=((50, 50), (30, 30)), b=((40, 40), (60, 60)))).table
    assert full["standardised_ci_high"].tolist() == [1, 1]
    assert (full["standardised_ci_low"] < 0.98).all()
    assert (full["standardised_ci_low"] > 0.9).all()
    none = standardise(cells(a=((0, 50), (0, 30)), b=((0, 40), (0, 60))), sampling="events").table
    assert none["standardised_ci_low"].tolist() == [0, 0]
    assert (none["standardised_ci_high"] > 0).all()
    assert none["observed_to_expected"].isna().all()


def test_a_cell_without_failures_is_not_certain():
    result = standardise(cells(a=((20, 20), (50, 100)), b=((15, 20), (50, 100))))
    pair = result.pairs.iloc[0]
    assert pair["ci_high"] - pair["ci_low"] > 0.1


@pytest.mark.parametrize("days", [6, 30])
def test_means_of_days_that_are_all_alike_have_no_interval(days):
    frame = month(1, days=days)
    frame["numerator"] = frame["denominator"] * frame["partner"].map({"north": 0.3, "south": 0.7, "west": 0.1})
    result = standardise(frame, unit="day", sampling="mean")
    assert result.table["standardised"].tolist() == pytest.approx([0.3, 0.7, 0.1])
    columns = [f"{name}_ci_{end}" for name in ("crude", "standardised") for end in ("low", "high")]
    assert result.table[columns].isna().all(axis=None)
    assert result.pairs[["ci_low", "ci_high", "pvalue", "detectable_difference"]].isna().all(axis=None)


def test_other_columns_categories_and_the_input_is_left_alone():
    frame = kidney_stones().rename(columns={"partner": "site", "slice": "reason"})
    frame["site"] = pd.Categorical(frame["site"], categories=["keyhole", "open", "unused"])
    frame["numerator"] = frame["numerator"].astype("Int64")
    kept = frame.copy()
    result = standardise(frame, group="site", slice="reason")
    assert result.table.index.name == "site"
    assert result.reversals == (("keyhole", "open"),)
    pd.testing.assert_frame_equal(frame, kept)


# Words.
def test_too_little():
    frame = cells(a=((5, 10), (3, 6)), b=((4, 10), (3, 6)))
    with pytest.raises(InsufficientDataError, match="standardise needs at least 2 groups; got 1"):
        standardise(frame[frame["partner"] == "a"])
    with pytest.raises(InsufficientDataError, match="1 slices in which two groups have cases; got 0"):
        standardise(frame.iloc[[0, 3]])
    with pytest.raises(InsufficientDataError, match="standardise needs at least 3 units; got 2"):
        standardise(frame.assign(day=[1, 1, 2, 2]), unit="day")
    with pytest.raises(InsufficientDataError, match=r"standardise \(c\) needs at least 1 cases; got 0"):
        standardise(pd.concat([frame, cells(c=((0, 0),))]))


@pytest.mark.parametrize(
    ("change", "options", "match"),
    [
        ({}, {"sampling": "share"}, "sampling must be one of 'cases', 'events', 'mean', got 'share'"),
        ({}, {"sampling": "mean"}, "sampling 'mean' needs unit"),
        ({}, {"group": "team"}, r"frame needs the columns .* \['team'\] not found"),
        ({}, {"confidence_level": 95}, r"For 95% write 0\.95"),
        ({"slice": ["small", None, "small", "large"]}, {}, r"missing values in \['slice'\]; drop or name them first"),
        ({"numerator": [234, np.inf, 81, 192]}, {"sampling": "events"}, "must be finite, got an infinite value"),
        ({"denominator": [270, -80, 87, 263]}, {}, "denominator is negative in 1 rows"),
        ({"numerator": [234, 55, -1, 192]}, {"sampling": "events"}, "counts events, and is negative in 1 rows"),
        ({"numerator": [271, 55, 81, 192]}, {}, "numerator lies outside 0 to denominator in some cell; for events"),
        ({}, {"standard": pd.Series({"small": 1.0})}, r"no weight for the slices \['large'\]"),
        ({}, {"standard": pd.Series({"small": 1.0, "large": -1.0})}, "must not have negative or missing weights"),
        (
            {},
            {"standard": pd.Series([1.0, 2.0, 3.0], index=["small", "large", "large"])},
            "several weights for slice 'large'",
        ),
    ],
)
def test_wrong_arguments(change, options, match):
    with pytest.raises(ValueError, match=match):
        standardise(kidney_stones().assign(**change), **options)


def test_summary():
    assert standardise(kidney_stones()).summary() == (
        "On a common mix no group differs from the rest for certain; a difference of 0.0954 would have been found with "
        "80 % power. The order of keyhole and open turns round against "
        "the crude values. (2 groups; direct standardisation, chance among cases.)"
    )
    text = standardise(cells(a=((90, 100), (80, 100)), b=((50, 100), (40, 100), (5, 50)))).summary()
    assert text == (
        "On a common mix a 0.85, +0.4 against the rest (+0.3102 to +0.4845); b 0.45, -0.4 against the rest (-0.4845 to "
        "-0.3102). Not compared, for not every group has cases there: s2 (11 % of all cases). (2 groups; direct "
        "standardisation, chance among cases.)"
    )


def test_the_summary_says_why_nothing_can_be_told():
    none = standardise(cells(a=((0, 50),), b=((0, 60),))).summary()
    assert "No numerator is above 0, so that nothing tells the groups apart" in none
    frame = month(1, days=6)
    frame["numerator"] = frame["denominator"] * 0.3
    alike = standardise(frame, unit="day", sampling="mean").summary()
    assert "All units are alike, so that no interval can be given." in alike


def test_the_result_is_a_row():
    result = standardise(month(1, days=5), unit="day")
    frame = result.to_frame()
    assert frame.loc[0, ["n", "n_slices", "n_units"]].tolist() == [3, 3, 5]
    assert "spread between units" in result._repr_html_()


# Calibration. 300 months: shares of 5 and 95 % have a standard error of 1.3 points.
def test_false_alarms_and_coverage():
    alarms, pairs, inside = [], [], []
    for seed in range(300):
        result = standardise(month(seed, days=14), unit="day")
        alarms.append(result.table.loc["north", "pvalue"] < 0.05)
        pairs.append(result.pairs.loc[0, "pvalue"] < 0.05)
        row = result.table.loc["north"]
        inside.append(row["standardised_ci_low"] < result.weights.to_numpy() @ RATES < row["standardised_ci_high"])
    for rate in (np.mean(alarms), np.mean(pairs)):
        assert 0.01 < rate < 0.065 + 0.035
    assert 0.93 - 0.04 < np.mean(inside) < 0.99


def test_a_pair_from_arrays_is_the_pair_of_the_whole_comparison():
    rng = np.random.default_rng(3)
    for n_units in (1, 20):
        den = rng.integers(5, 60, (n_units, 2, 4)).astype(float)
        den[:, 1, 3] = 0  # a slice only one of them has
        num = rng.binomial(den.astype(int), 0.7).astype(float)
        frame = pd.DataFrame(
            {
                "partner": np.tile(np.repeat(["a", "b"], 4), n_units),
                "slice": np.tile(list("wxyz"), 2 * n_units),
                "day": np.repeat(np.arange(n_units), 8),
                "numerator": num.ravel(),
                "denominator": den.ravel(),
            }
        )
        frame = frame[frame["denominator"] > 0]
        whole = standardise(frame, unit="day" if n_units > 1 else None)
        pair = standardise_pair(num, den)
        line = whole.pairs.iloc[0]
        assert [pair.crude_difference, pair.difference, pair.ci_low, pair.ci_high, pair.pvalue] == pytest.approx(
            line[["crude_difference", "difference", "ci_low", "ci_high", "pvalue"]].tolist(), rel=1e-9
        )
        assert (pair.reversed, pair.in_every_slice, pair.n_slices) == (line["reversed"], line["in_every_slice"], 3)
        assert [pair.first, pair.second] == pytest.approx(whole.table["standardised"].tolist())
        assert pair.covered == pytest.approx(den[:, :, :3].sum() / den.sum())
        assert "common mix of 3 slices" in pair.summary()


def test_a_pair_needs_a_slice_that_both_have():
    with pytest.raises(InsufficientDataError, match="slices in which both groups have cases"):
        standardise_pair([[[1, 0], [0, 1]]], [[[2, 0], [0, 2]]])
    with pytest.raises(ValueError, match="shape"):
        standardise_pair([[1, 2]], [[2, 3]])
