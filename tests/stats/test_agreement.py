"""Agreement of raters and the bias between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.agreement import agreement, rater_bias

nan = float("nan")

# Krippendorff (2011), three coders and 15 units.
THREE_CODERS = np.array(
    [
        [nan, nan, nan, nan, nan, 3, 4, 1, 2, 1, 1, 3, 3, nan, 3],
        [1, nan, 2, 1, 3, 3, 4, 3, nan, nan, nan, nan, nan, nan, nan],
        [nan, nan, 2, 1, 3, 4, 4, nan, 2, 1, 1, 3, 3, nan, 4],
    ]
).T

# Gwet (2014), four raters and 12 subjects (cac.raw4raters of R irrCAC).
FOUR_RATERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ]
).T

# Counts of categories: the table of the Wikipedia article on Fleiss' kappa; the diagnoses of Fleiss (1971).
WIKIPEDIA = [
    *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
    *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
]
DIAGNOSES = [
    *([0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0], [2, 0, 4, 0, 0]),
    *([0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6], [1, 0, 0, 5, 0], [1, 1, 0, 4, 0]),
    *([0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1], [0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0]),
    *([0, 2, 0, 4, 0], [1, 0, 2, 0, 3], [0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0]),
    *([1, 0, 0, 4, 1], [0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6]),
]


def from_counts(counts):
    return np.array([np.repeat(np.arange(len(row)), row) for row in counts])


def from_table(table):
    """Two raters, from how often each pair of ratings was given."""
    return [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]


# Oracle: krippendorff 0.9 gives these for the example of Krippendorff (2011); nominal and interval are in the paper.
@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.691358), ("ordinal", 0.806721), ("interval", 0.810845), ("ratio", 0.808944)]
)
def test_alpha_of_three_coders(level, alpha):
    result = agreement(THREE_CODERS, level=level)
    assert result.alpha == pytest.approx(alpha, abs=1e-6)
    # Units 1 (one rating), 2 and 14 (none) have no pair; the other 12 hold the 26 pairable values of the paper.
    assert result.n == 12
    assert result.n_missing == 3


# Oracle: R irrCAC, gwet.ac1.raw(cac.raw4raters) 0.77544, alpha 0.74342, Fleiss 0.76117 (Gwet 2014, pp. 55-56); the
# weighted ones from the Python package irrCAC 0.4.4 with its weights ordinal, quadratic and ratio.
@pytest.mark.parametrize(
    ("level", "gwet", "kappa", "alpha"),
    [
        ("nominal", 0.77544407, 0.76116928, 0.74342105),
        ("ordinal", 0.89893977, 0.85020619, 0.81538750),
        ("interval", 0.91400072, 0.86493506, 0.84910714),
        ("ratio", 0.85736756, 0.82133834, 0.79740277),
    ],
)
def test_four_raters_of_gwet(level, gwet, kappa, alpha):
    result = agreement(FOUR_RATERS, level=level, categories=[1, 2, 3, 4, 5])
    assert result.gwet_ac == pytest.approx(gwet, abs=1e-7)
    assert result.kappa == pytest.approx(kappa, abs=1e-7)
    assert result.alpha == pytest.approx(alpha, abs=1e-7)
    assert result.percent_agreement == pytest.approx(0.81818182)
    assert result.gwet_kind == ("AC1" if level == "nominal" else "AC2")


# Oracle: Gwet's example of the paradox: 118 and 2 of 125 agree, kappa is nought and AC1 0.9408.
def test_the_paradox_of_kappa():
    result = agreement(from_table([[118, 5], [2, 0]]))
    assert result.percent_agreement == pytest.approx(0.944)
    assert result.gwet_ac == pytest.approx(0.9408, abs=5e-5)
    assert result.kappa < 0


# Oracle: Wikipedia 0.2099307; R irr::kappam.fleiss(diagnoses) 0.4302445.
@pytest.mark.parametrize(("counts", "kappa"), [(WIKIPEDIA, 0.2099307), (DIAGNOSES, 0.4302445)])
def test_fleiss(counts, kappa):
    result = agreement(from_counts(counts))
    assert result.kappa == pytest.approx(kappa, abs=1e-7)
    assert result.kappa_kind == "Fleiss'"


# Oracle: the textbook table of Cohen's kappa.
def test_cohen():
    result = agreement(from_table([[20, 5], [10, 15]]))
    assert result.kappa == pytest.approx(0.4)
    assert result.kappa_kind == "Cohen's"
    # Quantiles of kappa under a Dirichlet(1/2) posterior, as far out as Student's t with 49 degrees of freedom goes:
    # 0.121 to 0.617 (400,000 draws). Donner and Eliasziw's goodness-of-fit interval: 0.118 to 0.614. That of
    # statsmodels (standard error 0.126996: 0.151 to 0.649) is as wide, and symmetric, which kappa is not.
    assert (result.kappa_ci_low, result.kappa_ci_high) == pytest.approx((0.121, 0.617), abs=0.015)
    assert result.kappa_ci_high - result.kappa_ci_low == pytest.approx(2 * 1.96 * 0.126996, abs=0.02)


def test_donner_eliasziw():
    # Their interval: what the counts of two, one and no pass do not contradict at 5 % (chi-squared, one degree of
    # freedom), with the pass rate as seen.
    for table in ([[20, 5], [10, 15]], [[60, 8], [6, 26]], [[88, 6], [5, 21]]):
        (both, one), (other, none) = table
        n = both + one + other + none
        rate, kappas = (2 * both + one + other) / (2 * n), np.linspace(0, 0.99, 20_000)
        mixed = rate * (1 - rate)
        shares = (rate**2 + mixed * kappas, 2 * mixed * (1 - kappas), (1 - rate) ** 2 + mixed * kappas)
        counts = zip((both, one + other, none), shares, strict=True)
        distance = sum((seen - n * share) ** 2 / (n * share) for seen, share in counts)
        theirs = kappas[distance < 3.841459]
        result = agreement(from_table(table))
        assert (result.kappa_ci_low, result.kappa_ci_high) == pytest.approx((theirs.min(), theirs.max()), abs=0.03)


@pytest.mark.parametrize(("level", "weights"), [("interval", "quadratic"), ("nominal", None)])
def test_cohen_against_statsmodels(level, weights):
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    table = np.array([[11, 3, 0], [4, 12, 5], [1, 2, 9]])
    theirs = rater.cohens_kappa(table, wt=weights).kappa
    assert agreement(from_table(table), level=level).kappa == pytest.approx(theirs)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
@pytest.mark.parametrize("seed", range(3))
def test_alpha_against_krippendorff(level, seed):
    package = pytest.importorskip("krippendorff")
    rng = np.random.default_rng(seed)
    ratings = (rng.integers(1, 5, (30, 1)) + rng.integers(0, 2, (30, 4))).astype(float)
    ratings[rng.random(ratings.shape) < 0.3] = nan
    theirs = package.alpha(reliability_data=ratings.T, level_of_measurement=level)
    assert agreement(ratings, level=level).alpha == pytest.approx(theirs)


def test_order_of_raters_and_items_changes_no_estimate():
    rng = np.random.default_rng(5)
    one = agreement(FOUR_RATERS)
    other = agreement(FOUR_RATERS[rng.permutation(12)][:, [2, 0, 3, 1]])
    for name in ("percent_agreement", "kappa", "alpha", "gwet_ac"):
        assert getattr(one, name) == pytest.approx(getattr(other, name))


def test_the_interval_holds_the_estimate_and_is_repeatable():
    first, second = agreement(FOUR_RATERS), agreement(FOUR_RATERS)
    assert first.to_dict().keys() == second.to_dict().keys()
    for name in ("percent_agreement", "kappa", "alpha", "gwet_ac"):
        low, high = getattr(first, f"{name}_ci_low"), getattr(first, f"{name}_ci_high")
        assert low < getattr(first, name) < high
        assert (low, high) == (getattr(second, f"{name}_ci_low"), getattr(second, f"{name}_ci_high"))
    wide = agreement(FOUR_RATERS, confidence_level=0.99)
    assert wide.alpha_ci_low < first.alpha_ci_low


def test_more_items_give_narrower_intervals():
    rng = np.random.default_rng(6)
    there = rng.random(400) < 0.8
    ratings = np.c_[there, there ^ (rng.random(400) < 0.1)].astype(int)
    few, many = agreement(ratings[:50]), agreement(ratings)
    assert many.kappa_ci_high - many.kappa_ci_low < (few.kappa_ci_high - few.kappa_ci_low) / 2


def test_items_of_one_agent_are_not_independent():
    rng = np.random.default_rng(7)
    agents = np.repeat(np.arange(12), 10)
    split = rng.random(12)[agents] < 0.4
    there = rng.random(120) < 0.5
    ratings = np.c_[there, there ^ split].astype(int)
    alone, clustered = agreement(ratings), agreement(ratings, clusters=agents)
    assert clustered.kappa == alone.kappa
    assert clustered.kappa_ci_high - clustered.kappa_ci_low > 1.5 * (alone.kappa_ci_high - alone.kappa_ci_low)
    assert clustered.n_clusters == 12


def test_all_the_same_leaves_kappa_undefined_and_the_rest_uncertain():
    result = agreement([("pass", "pass")] * 30)
    assert np.isnan(result.kappa)
    assert np.isnan(result.alpha)
    assert np.isnan(result.kappa_ci_low)
    assert result.gwet_ac == 1
    assert 0.85 < result.percent_agreement_ci_low < 0.95
    assert "kappa and alpha undefined (all ratings are the same)" in result.summary()


def test_an_interval_holds_its_estimate_even_at_the_end():
    for ratings in ([("pass", "pass")] * 30, [(1, 0)] * 10 + [(0, 1)] * 10):
        result = agreement(ratings)
        for name in ("percent_agreement", "gwet_ac", *(() if result.undefined else ("kappa", "alpha"))):
            low, high = getattr(result, f"{name}_ci_low"), getattr(result, f"{name}_ci_high")
            assert low <= getattr(result, name) <= high
            assert high - low > 0.05


@pytest.mark.parametrize("dtype", ["int8", "Int64", "boolean", "bool", "object", "Float64", "string", "category"])
def test_column_types_and_index_change_nothing(dtype):
    rng = np.random.default_rng(8)
    there = rng.random(40) < 0.7
    ratings = pd.DataFrame({"a": there, "b": there ^ (rng.random(40) < 0.2)}).astype(int)
    plain = agreement(ratings)
    other = agreement(ratings.astype(dtype).set_axis(rng.permutation(40)))
    assert (other.kappa, other.alpha, other.n) == pytest.approx((plain.kappa, plain.alpha, 40))
    gaps = ratings.mask(pd.DataFrame({"a": np.arange(40) < 3, "b": False}))
    assert agreement(gaps.astype("Int64")).kappa == agreement(gaps.to_numpy()).kappa
    assert rater_bias(gaps.astype("Int64")).pvalue == rater_bias(gaps.to_numpy()).pvalue
    assert agreement(gaps.astype("Int64")).n_missing == 3


@pytest.mark.parametrize("scale", [1e9, 1e-9])
def test_the_unit_of_scores_changes_nothing(scale):
    rng = np.random.default_rng(9)
    scores = rng.integers(60, 100, (30, 1)) + rng.integers(0, 9, (30, 2))
    for level in ("interval", "ratio"):
        one, other = agreement(scores, level=level), agreement(scores * scale, level=level)
        assert (one.alpha, one.kappa_ci_low) == pytest.approx((other.alpha, other.kappa_ci_low))
    one, other = rater_bias(scores), rater_bias(scores * scale)
    assert (one.pvalue, one.ci_low * scale) == pytest.approx((other.pvalue, other.ci_low))


def test_words_are_ratings():
    words = [("good", "good"), ("poor", "fair"), ("fair", "fair"), ("good", None), ("poor", "poor"), ("fair", "good")]
    order = ["poor", "fair", "good"]
    with pytest.raises(ValueError, match="need their order: give categories"):
        agreement(words, level="ordinal")
    codes = [(order.index(a), order.index(b) if b else nan) for a, b in words]
    assert agreement(words, level="ordinal", categories=order).alpha == agreement(codes, level="ordinal").alpha


def test_scores_within_a_tolerance():
    scores = [(80, 82), (90, 99), (70, 70), (60, 64), (85, 95)]
    assert agreement(scores, level="interval").percent_agreement == pytest.approx(0.2)
    result = agreement(scores, level="interval", tolerance=5)
    assert result.percent_agreement == pytest.approx(0.6)
    assert np.isnan(result.gwet_ac)
    assert "Gwet" not in result.summary()
    # 80.3 - 78.1 is a little more than 2.2 in floating point.
    assert agreement([(80.3, 78.1)] * 6, level="interval", tolerance=2.2).percent_agreement == 1


def test_the_table_shows_who_stands_apart():
    ratings = pd.DataFrame({"ann": [1, 0, 1, 1, 0, 1], "bob": [1, 0, 1, 1, 0, 1], "cid": [0, 1, 0, 1, 0, nan]})
    table = agreement(ratings).table
    assert table.loc["cid", "percent_agreement"] == pytest.approx(0.4)
    assert table.loc["ann", "percent_agreement"] == pytest.approx(8 / 11)
    assert table["n"].to_list() == [6, 6, 5]


def test_wrong_ratings():
    with pytest.raises(InsufficientDataError, match="at least 5 items with two ratings; got 2"):
        agreement([(1, 1), (0, 1), (1, nan)])
    with pytest.raises(ValueError, match="one column per rater"):
        agreement([[1], [2]])
    with pytest.raises(ValueError, match="must be one of 'nominal'"):
        agreement(FOUR_RATERS, level="binary")
    with pytest.raises(ValueError, match=r"do not hold the rating 5"):
        agreement(FOUR_RATERS, categories=[1, 2, 3, 4])
    with pytest.raises(ValueError, match=r"must be different from each other, got \[0, 1, 1\]"):
        agreement([(0, 1)] * 6, categories=[0, 1, 1])
    with pytest.raises(ValueError, match="tolerance must be a number of 0 or more, got -1"):
        agreement([(0, 1)] * 6, level="interval", tolerance=-1)
    with pytest.raises(ValueError, match="must be numbers to be within a tolerance"):
        agreement([("a", "b")] * 6, tolerance=1)
    with pytest.raises(ValueError, match="must be numbers for level 'interval', and finite"):
        agreement([(0, float("inf"))] * 6, level="interval")
    with pytest.raises(ValueError, match="must be numbers for level 'interval'"):
        agreement([("a", "b")] * 6, level="interval")
    with pytest.raises(ValueError, match="must not be negative"):
        agreement([(-1, 2)] * 6, level="ratio")
    with pytest.raises(ValueError, match=r"For 95% write 0\.95"):
        agreement(FOUR_RATERS, confidence_level=95)
    with pytest.raises(InsufficientDataError, match="at least 5 clusters; got 2"):
        agreement(FOUR_RATERS, clusters=[0, 1] * 6)
    with pytest.raises(ValueError, match="one entry for each of the 12 items"):
        agreement(FOUR_RATERS, clusters=[0, 1])


# Oracle: Fagerland, Lydersen & Laake (2014), airway hyper-responsiveness of 21 children: 1 and 7 changed; Tango's
# interval -0.517 to -0.026. McNemar: 36 / 8 = 4.5, p = 0.0339.
def test_tango():
    ratings = [(1, 1)] + [(1, 0)] + [(0, 1)] * 7 + [(0, 0)] * 12
    result = rater_bias(ratings, ["before", "after"])
    assert result.estimate == pytest.approx(-6 / 21)
    assert (result.ci_low, result.ci_high) == pytest.approx((-0.517, -0.026), abs=5e-4)
    assert result.statistic**2 == pytest.approx(4.5)
    assert result.pvalue == pytest.approx(0.0339, abs=1e-4)


def test_scores_are_compared_by_the_paired_t():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    one, two = rng.normal(80, 5, 25), rng.normal(78, 5, 25)
    result = rater_bias(np.c_[one, two], ["client", "partner"])
    theirs = stats.ttest_rel(one, two)
    assert result.pvalue == pytest.approx(theirs.pvalue)
    assert (result.ci_low, result.ci_high) == pytest.approx(tuple(theirs.confidence_interval()))


def test_swapping_the_sides_mirrors_the_answer():
    rng = np.random.default_rng(2)
    ratings = (rng.random((40, 2)) < (0.9, 0.7)).astype(float)
    one, other = rater_bias(ratings, ["a", "b"]), rater_bias(ratings[:, ::-1], ["a", "b"])
    assert (one.estimate, one.ci_low, one.pvalue) == pytest.approx((-other.estimate, -other.ci_high, other.pvalue))


@pytest.mark.parametrize("seed", range(12))
def test_interval_and_pvalue_agree(seed):
    rng = np.random.default_rng(seed)
    ratings = (rng.random((40, 2)) < (0.9, 0.72)).astype(float)
    for clusters in (None, rng.integers(0, 10, 40)):
        result = rater_bias(ratings, ["a", "b"], clusters=clusters)
        assert (result.pvalue < 0.05) == (not result.ci_low <= 0 <= result.ci_high)


def test_no_difference_in_few_items_is_no_certainty():
    result = rater_bias([(1, 1)] * 20)
    assert (result.estimate, result.pvalue) == (0, 1)
    assert (result.ci_low, result.ci_high) == pytest.approx((-0.161, 0.161), abs=1e-3)
    scores = rater_bias([(80, 78)] * 6)
    assert np.isnan(scores.ci_low)
    assert "difference +2 on every one of 6 items" in scores.summary()
    rounded = rater_bias([(80.3, 78.1), (70.3, 68.1), (60.3, 58.1)] * 3)
    assert np.isnan(rounded.pvalue)
    assert "difference +2.2 on every one of 9 items" in rounded.summary()


def test_wrong_ratings_of_the_bias():
    with pytest.raises(ValueError, match="ratings must be numbers; write pass and fail as 1 and 0"):
        rater_bias([("pass", "fail")] * 6)
    with pytest.raises(ValueError, match="must be finite or missing"):
        rater_bias([(1.0, float("inf"))] * 6)
    with pytest.raises(ValueError, match="For 95% write"):
        rater_bias([(1, 0)] * 6, confidence_level=95)


def test_groups_of_raters():
    ratings = pd.DataFrame({"c1": [4, 3, nan, 5, 4, 2], "c2": [4, nan, 3, 5, 2, nan], "p1": [5, 4, 4, 5, 4, nan]})
    result = rater_bias(ratings, ["client", "client", "partner"])
    assert result.estimate == pytest.approx(np.mean([-1, -1, -1, 0, -1]))
    assert (result.n, result.n_missing) == (5, 1)
    with pytest.raises(ValueError, match="must name two groups"):
        rater_bias(ratings, ["a", "b", "c"])
    with pytest.raises(ValueError, match="must name two groups"):
        rater_bias(ratings)
    with pytest.raises(InsufficientDataError, match="at least 5 items rated by both"):
        rater_bias(ratings.iloc[:3], ["client", "client", "partner"])


def test_clusters_widen_the_bias():
    rng = np.random.default_rng(3)
    agents = np.repeat(np.arange(10), 8)
    strict = rng.normal(0, 3, 10)[agents]
    scores = rng.normal(80, 5, 80)
    ratings = np.c_[scores + strict + rng.normal(0, 1, 80), scores]
    alone, clustered = rater_bias(ratings), rater_bias(ratings, clusters=agents)
    assert clustered.ci_high - clustered.ci_low > 2 * (alone.ci_high - alone.ci_low)
    assert clustered.estimate == alone.estimate
    assert clustered.detectable > alone.detectable
    with pytest.raises(InsufficientDataError, match="at least 5 clusters; got 2"):
        rater_bias(ratings, clusters=agents > 4)


def test_words_of_the_bias():
    ratings = [(1, 1)] * 40 + [(0, 1)] * 9 + [(1, 0)]
    assert rater_bias(ratings, ["client", "partner"]).summary() == (
        "client 0.82, partner 0.98: difference -0.16, 95 % interval -0.2929 to -0.04451 (p = 0.011, n = 50 items; "
        "McNemar, Tango's score interval). partner rates higher than client."
    )
    assert rater_bias([(1, 1)] * 40 + [(0, 1)] * 3 + [(1, 0)]).summary() == (
        "rater 1 0.9318, rater 2 0.9773: difference -0.04545, 95 % interval -0.1643 to +0.06131 (p = 0.32, n = 44 "
        "items; McNemar, Tango's score interval). These items cannot tell whether either rates higher; a difference of "
        "0.161 would have been found with 80 % power."
    )


@pytest.mark.slow
@pytest.mark.parametrize(("n", "passing"), [(30, 0.95), (60, 0.85), (120, 0.95)])
def test_coverage_of_kappa(n, passing):
    rng = np.random.default_rng(n)
    held = made = 0
    for _ in range(600):
        there, guessed = rng.random((n, 1)) < passing, rng.random((n, 2)) < passing
        ratings = np.where(rng.random((n, 2)) < np.sqrt(0.6), there, guessed).astype(int)
        result = agreement(ratings, categories=[0, 1], rng=rng)
        if not result.undefined:
            made += 1
            held += result.kappa_ci_low <= 0.6 <= result.kappa_ci_high
    assert 0.92 < held / made < 0.995
