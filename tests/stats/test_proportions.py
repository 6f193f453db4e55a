"""Two shares of independent cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import xlogy

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.stats.proportions import difference_of_proportions, restricted_share

METHODS = ["miettinen-nurminen", "mee", "newcombe"]


# Newcombe 1998, the examples (a) 56/70 against 48/80, (b) 9/10 against 3/10, and those with no or all cases counting.
# R PropCIs 0.3 diffscoreci(7, 34, 1, 34): with the factor N/(N-1). statsmodels tests quote the same numbers.
# R ratesci, vignette "Basic contrasts", rdci(5, 56, 0, 29): Miettinen-Nurminen, Mee, MOVER-W (= Newcombe).
@pytest.mark.parametrize(
    ("table", "method", "limits", "places"),
    [
        ((56, 70, 48, 80), "mee", (0.0533, 0.3377), 5e-5),
        ((56, 70, 48, 80), "miettinen-nurminen", (0.0528, 0.3382), 5e-5),
        ((56, 70, 48, 80), "newcombe", (0.0524, 0.3339), 5e-5),
        ((9, 10, 3, 10), "mee", (0.1821, 0.8370), 5e-5),
        ((9, 10, 3, 10), "miettinen-nurminen", (0.1700, 0.8406), 5e-5),
        ((9, 10, 3, 10), "newcombe", (0.1705, 0.8090), 5e-5),
        ((10, 10, 0, 20), "mee", (0.7225, 1.0), 5e-5),
        ((10, 10, 0, 20), "miettinen-nurminen", (0.7156, 1.0), 5e-5),
        ((10, 10, 0, 10), "mee", (0.6777, 1.0), 5e-5),
        ((10, 10, 0, 10), "miettinen-nurminen", (0.6636, 1.0), 5e-5),
        ((0, 10, 0, 10), "miettinen-nurminen", (-0.2879, 0.2879), 5e-5),
        ((0, 10, 0, 20), "miettinen-nurminen", (-0.1658, 0.2844), 5e-5),
        ((7, 34, 1, 34), "miettinen-nurminen", (0.0270416, 0.3452912), 5e-7),
        ((5, 56, 0, 29), "miettinen-nurminen", (-0.0326, 0.1933), 5e-5),
        ((5, 56, 0, 29), "mee", (-0.0313, 0.1926), 5e-5),
        ((5, 56, 0, 29), "newcombe", (-0.03813715, 0.19256), 5e-6),
    ],
)
def test_published_limits(table, method, limits, places):
    result = difference_of_proportions(*table, method=method)
    assert (result.ci_low, result.ci_high) == pytest.approx(limits, abs=places)


# R prop.test(c(56, 48), c(70, 80), correct = FALSE): X-squared 7.02341137124, p 0.0080450813682. With the factor the
# square is that times 149/150 (Egon Pearson's N-1 chi-squared test).
def test_no_difference_is_the_chi_squared_test():
    plain = difference_of_proportions(56, 70, 48, 80, method="mee")
    assert plain.statistic**2 == pytest.approx(7.02341137124)
    assert plain.pvalue == pytest.approx(0.0080450813682)
    assert difference_of_proportions(56, 70, 48, 80).statistic ** 2 == pytest.approx(7.02341137124 * 149 / 150)


def test_restricted_shares_have_the_highest_likelihood():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n1, n2 = rng.integers(1, 60, 2)
        x1, x2 = rng.integers(0, n1 + 1), rng.integers(0, n2 + 1)
        d = rng.uniform(-0.95, 0.95)

        def lost(p, x1=x1, n1=n1, x2=x2, n2=n2, d=d):
            return -(xlogy(x1, p + d) + xlogy(n1 - x1, 1 - p - d) + xlogy(x2, p) + xlogy(n2 - x2, 1 - p))

        best = minimize_scalar(lost, bounds=(max(0, -d), min(1, 1 - d)), method="bounded", options={"xatol": 1e-10})
        assert lost(restricted_share(x1 / n1, n1, x2 / n2, n2, d)) <= best.fun + 1e-9


def test_statsmodels_has_another_root():
    """Why it is not called: statsmodels 0.15, issue 10269, at 7/34 against 1/34."""
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="needs statsmodels, a peer")
    theirs = proportion.confint_proportions_2indep(7, 34, 1, 34, compare="diff", method="score")
    ours = difference_of_proportions(7, 34, 1, 34)
    if theirs[0] == pytest.approx(ours.ci_low, abs=1e-5):
        pytest.skip("this statsmodels has the root right")
    assert abs(theirs[1] - ours.ci_high) > 1e-3
    # At a difference of 0.1 the shares it says fit best fit worse than ours.
    found = proportion.score_test_proportions_2indep(7, 34, 1, 34, value=0.1, compare="diff")

    def fit(second):
        return 7 * np.log(second + 0.1) + 27 * np.log(0.9 - second) + np.log(second) + 33 * np.log(1 - second)

    assert fit(restricted_share(7 / 34, 34, 1 / 34, 34, 0.1)) > fit(found.prop2_null) + 1e-6


def test_no_case_by_hand():
    # 0 of 10 against 0 of 10: the score limits solve d**2 = z**2 * variance(d) with all the room on one side.
    result = difference_of_proportions(0, 10, 0, 10)
    assert (result.estimate, result.pvalue, result.statistic) == (0, 1, 0)
    assert result.ci_low == pytest.approx(-result.ci_high)
    # Under a difference of d the best shares are d and 0, so d = z**2 * (1 - d) * 20 / (19 * 10).
    factor = stats.norm.isf(0.025) ** 2 * 20 / 190
    assert result.ci_high == pytest.approx(factor / (1 + factor))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_limits_leave_out_what_the_test_rejects_over_all_tables(method, alternative):
    # The idea of ratesci's own tests, on every table of 12 and 7 cases.
    for x1 in range(13):
        for x2 in range(8):
            for null in (0.0, 0.1, -0.25):
                result = difference_of_proportions(
                    x1, 12, x2, 7, method=method, alternative=alternative, null_difference=null
                )
                assert (result.pvalue < 0.05) == (not result.ci_low <= null <= result.ci_high)
                assert result.ci_low <= result.estimate <= result.ci_high


@pytest.mark.parametrize("method", METHODS)
def test_mirrors(method):
    for x1, n1, x2, n2 in [(7, 20, 3, 9), (0, 11, 4, 9), (20, 20, 5, 9), (0, 5, 0, 50), (5, 5, 0, 7)]:
        one = difference_of_proportions(x1, n1, x2, n2, method=method, margin=0.1)
        swapped = difference_of_proportions(x2, n2, x1, n1, method=method, margin=0.1, better="lower")
        failures = difference_of_proportions(n1 - x1, n1, n2 - x2, n2, method=method, margin=0.1, better="lower")
        for other in (swapped, failures):
            assert (other.ci_low, other.ci_high) == pytest.approx((-one.ci_high, -one.ci_low), abs=1e-9)
            assert other.pvalue == pytest.approx(one.pvalue)
            assert other.pvalue_noninferiority == pytest.approx(one.pvalue_noninferiority)
            assert other.pvalue_equivalence == pytest.approx(one.pvalue_equivalence)


@pytest.mark.parametrize("method", METHODS)
def test_margins_agree_with_one_sided_limits(method):
    for x1 in range(0, 31, 3):
        result = difference_of_proportions(x1, 30, 21, 30, method=method, margin=0.15, confidence_level=0.95)
        below = difference_of_proportions(x1, 30, 21, 30, method=method, alternative="greater", confidence_level=0.9)
        above = difference_of_proportions(x1, 30, 21, 30, method=method, alternative="less", confidence_level=0.9)
        assert (result.pvalue_noninferiority < 0.1) == (below.ci_low > -0.15)
        assert (result.pvalue_equivalence < 0.1) == (below.ci_low > -0.15 and above.ci_high < 0.15)


def test_a_design_effect_is_fewer_cases():
    halved = difference_of_proportions(28, 35, 24, 40)
    result = difference_of_proportions(56, 70, 48, 80, design_effect=2)
    assert (result.ci_low, result.pvalue) == (pytest.approx(halved.ci_low), pytest.approx(halved.pvalue))
    assert (result.n_first, result.design_effect_first) == (70, 2)
    each = difference_of_proportions(56, 70, 48, 80, design_effect=(2, 1))
    assert result.ci_low < each.ci_low < difference_of_proportions(56, 70, 48, 80).ci_low
    fractional = difference_of_proportions(3, 4, 1, 3, design_effect=3.7)
    assert np.isfinite([fractional.ci_low, fractional.pvalue]).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("table", [(0, 1, 0, 1), (1, 1, 0, 1), (0, 5, 0, 50), (5, 5, 50, 50), (10, 10, 0, 10)])
def test_every_table_has_an_answer(method, table):
    for level in (0.5, 0.95, 0.999):
        result = difference_of_proportions(*table, method=method, confidence_level=level, margin=0.1)
        assert -1 <= result.ci_low <= result.estimate <= result.ci_high <= 1
        assert 0 <= result.pvalue <= 1
        assert result.ci_low < result.ci_high


def test_large_numbers_of_cases():
    result = difference_of_proportions(812_345, 1_000_000, 811_000, 1_000_000)
    wald = stats.norm.isf(0.025) * np.sqrt(0.812345 * 0.187655 / 1e6 + 0.811 * 0.189 / 1e6)
    assert result.ci_high - result.ci_low == pytest.approx(2 * wald, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "match"),
    [
        ((5, 4, 1, 4), {}, ValueError, "x1 must lie between 0 and n1 = 4, got 5"),
        ((1, 4, -1, 4), {}, ValueError, "x2 must lie between 0 and n2 = 4, got -1"),
        ((1, 4, np.nan, 4), {}, ValueError, "x2 and n2 must be numbers"),
        ((0, 0, 1, 4), {}, InsufficientDataError, "at least 1 cases in n1; got 0"),
        ((1, 4, 1, 4), {"margin": 5}, ValueError, r"got 5\. For 5 points write 0\.05"),
        ((1, 4, 1, 4), {"margin": -0.1}, ValueError, "margin must lie between 0 and 1"),
        ((1, 4, 1, 4), {"method": "wald"}, ValueError, "method must be one of 'miettinen-nurminen', 'mee', 'newcombe'"),
        ((1, 4, 1, 4), {"null_difference": 1.0}, ValueError, "null_difference must lie between -1 and 1"),
        ((1, 4, 1, 4), {"design_effect": 0}, ValueError, "design_effect must be a number above 0 or two"),
        ((1, 4, 1, 4), {"better": "more"}, ValueError, "better must be one of 'higher', 'lower', got 'more'"),
        ((1, 4, 1, 4), {"confidence_level": 95}, ValueError, r"For 95% write 0\.95"),
    ],
)
def test_wrong_arguments(arguments, options, error, match):
    with pytest.raises(error, match=match):
        difference_of_proportions(*arguments, **options)


def test_summary():
    assert difference_of_proportions(56, 70, 48, 80, margin=0.05).summary() == (
        "0.8 against 0.6: difference +0.2, 95 % interval 0.05283 to 0.3382, p = 0.008 (n = 70 and 80; "
        "Miettinen-Nurminen score). That the first is not worse by 0.05 is shown (p < 0.001); that both are within "
        "0.05 of each other is not shown (p = 0.98)."
    )
    assert difference_of_proportions(50, 70, 48, 80, design_effect=1.5).summary() == (
        "0.7143 against 0.6: difference +0.1143, 95 % interval -0.07422 to 0.293, p = 0.23 (n = 70 and 80, design "
        "effect 1.5; Miettinen-Nurminen score). These cases cannot tell the shares apart; a difference of 0.277 would "
        "have been found with 80 % power."
    )


# Calibration, exact: the probability of all tables whose interval covers, summed up; no simulation.
@pytest.mark.parametrize("method", ["miettinen-nurminen", "newcombe"])
def test_coverage_over_all_tables(method):
    n1, n2 = 30, 20
    limits = np.array(
        [
            [
                (lambda r: (r.ci_low, r.ci_high))(difference_of_proportions(x1, n1, x2, n2, method=method))
                for x2 in range(n2 + 1)
            ]
            for x1 in range(n1 + 1)
        ]
    )
    covered = []
    for first, second in [(0.5, 0.5), (0.7, 0.5), (0.9, 0.8), (0.95, 0.9), (0.3, 0.6), (0.2, 0.1)]:
        chance = np.outer(stats.binom.pmf(range(n1 + 1), n1, first), stats.binom.pmf(range(n2 + 1), n2, second))
        inside = (limits[..., 0] <= first - second) & (first - second <= limits[..., 1])
        covered.append((chance * inside).sum())
    assert min(covered) > 0.93
    assert 0.94 < np.mean(covered) < 0.97


def test_a_one_sided_test_speaks_of_its_side():
    higher = difference_of_proportions(30, 40, 45, 60, alternative="greater")
    lower = difference_of_proportions(30, 40, 45, 60, alternative="less")
    assert f"do not show that the first share is higher; a difference of {higher.detectable_effect:.3g}" in (
        higher.summary()
    )
    assert "do not show that the first share is lower; a difference of" in lower.summary()
    assert "0.75 against 0.75: difference 0, 95 % interval" in lower.summary()
    assert lower.detectable_effect > higher.detectable_effect
    full = difference_of_proportions(40, 40, 60, 60, alternative="greater")
    assert np.isnan(full.detectable_effect)
    assert "is higher." in full.summary()


def test_what_could_have_been_found_beside_another_null():
    result = difference_of_proportions(30, 40, 45, 60, null_difference=-0.05)
    text = f"cannot tell the difference from -0.05; {result.detectable_effect:.3g} away from it would have been found"
    assert text in result.summary()
    one = difference_of_proportions(30, 40, 45, 60, null_difference=0.05, alternative="greater")
    assert "do not show that the difference is above 0.05;" in one.summary()
