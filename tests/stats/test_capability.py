"""Capability of measurements, and defects in the words of Six Sigma."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bpo_analysis.errors import DataError, InsufficientDataError
from bpo_analysis.stats.capability import SIGMA_SHIFT, Capability, DefectRate, capability

nan = float("nan")

# R qcc, tests/testthat/test-capability.R: three subgroups of four, limits 9.9 and 10.1.
QCC = [10.00, 10.02, 9.98, 10.01, 10.03, 9.99, 10.01, 10.00, 9.97, 10.04, 10.02, 9.99]
SUBGROUPS = np.repeat(["a", "b", "c"], 4)
SPECS = {"lower_spec": 9.9, "upper_spec": 10.1}


def of(result, name):
    return getattr(result, name), getattr(result, f"{name}_ci_low"), getattr(result, f"{name}_ci_high")


# Oracle: the expected matrix of qcc's own test, rows Pp, Pp_k and Ppm.
def test_overall_indices_of_qcc():
    result = capability(QCC, **SPECS, subgroups=SUBGROUPS)
    assert of(result, "pp") == pytest.approx((1.612598, 0.949773, 2.276410), abs=1e-6)
    assert of(result, "ppk") == pytest.approx((1.531968, 0.864608, 2.199329), abs=1e-6)
    assert result.ppm == pytest.approx(1.567395, abs=1e-6)
    assert capability(QCC, **SPECS, target=10.02, subgroups=SUBGROUPS).ppm == pytest.approx(1.305161, abs=1e-6)
    assert capability(QCC, lower_spec=9.9, subgroups=SUBGROUPS).ppk == pytest.approx(1.693228, abs=1e-6)
    assert capability(QCC, upper_spec=10.1, subgroups=SUBGROUPS).ppk == pytest.approx(1.531968, abs=1e-6)


# Oracle: the same matrix, rows Cp (1.372667, 0.808460 to 1.937713) and Cp_k (1.304033, 0.727408 to 1.880659). qcc takes
# the spread within from the mean range and n - 1 degrees of freedom, we pool variances with the 9 they have; with its
# spread and its degrees of freedom, our formulas give its numbers.
def test_within_indices_of_qcc():
    result = capability(QCC, **SPECS, subgroups=SUBGROUPS)
    mean_range = np.ptp(np.reshape(QCC, (3, 4)), axis=1).mean()
    ratio = result.sigma_within / (mean_range / 2.059)
    assert of(result, "cp")[0] * ratio == pytest.approx(1.372667, abs=1e-6)
    assert of(result, "cpk")[0] * ratio == pytest.approx(1.304033, abs=1e-6)
    limits = np.sqrt(stats.chi2.ppf([0.025, 0.975], 11) / 11)
    assert 1.372667 * limits == pytest.approx((0.808460, 1.937713), abs=2e-6)
    assert result.cp_ci_high - result.cp_ci_low > (1.937713 - 0.808460) / ratio
    assert result.sigma_within == pytest.approx(np.sqrt(np.var(np.reshape(QCC, (3, 4)), axis=1, ddof=1).mean()))


# qcc's limits of Ppm (0.712493 to 1.899988) lack the square in the numerator of Boyles' degrees of freedom.
def test_boyles():
    result = capability(QCC, **SPECS, target=10.02, subgroups=SUBGROUPS)
    square = ((np.mean(QCC) - 10.02) / np.std(QCC, ddof=1)) ** 2
    for power, expected in ((1, (0.712493, 1.899988)), (2, (result.ppm_ci_low, result.ppm_ci_high))):
        freedom = 12 * (1 + square) ** power / (1 + 2 * square)
        limits = result.ppm * np.sqrt(stats.chi2.ppf([0.025, 0.975], freedom) / freedom)
        assert limits == pytest.approx(expected, abs=2e-6)


# Oracle: the exact interval of one standardised limit is that of a noncentral t distribution.
def test_one_limit_is_exact():
    result = capability(QCC, upper_spec=10.1)
    seen = 3 * np.sqrt(12) * result.ppk
    assert stats.nct.sf(seen, 11, 3 * np.sqrt(12) * result.ppk_ci_low) == pytest.approx(0.025, abs=1e-6)
    assert stats.nct.cdf(seen, 11, 3 * np.sqrt(12) * result.ppk_ci_high) == pytest.approx(0.025, abs=1e-6)
    for name in ("cp", "pp", "cpm", "ppm"):
        assert np.isnan(of(result, name)).all()
    assert np.isnan(result.lower_spec)


# Oracle: the conversion table of Six Sigma, short-term sigma level by defects per million, with the shift of 1.5.
@pytest.mark.parametrize(
    ("dpmo", "sigma"), [(3.4, 6), (233, 5), (6210, 4), (66807, 3), (308538, 2), (691462, 1), (500000, 1.5)]
)
def test_sigma_levels_of_the_table(dpmo, sigma):
    result = capability(defects=[dpmo * 10], units=[10_000_000], opportunities=1)
    assert result.dpmo == pytest.approx(dpmo)
    assert result.sigma_level_short_term == pytest.approx(sigma, abs=1e-3)
    assert result.sigma_level_long_term == pytest.approx(sigma - SIGMA_SHIFT, abs=1e-3)
    assert f"with the customary shift of 1.5, {sigma - 1.5:.2f} without" in result.summary()


def test_counts_by_hand():
    result = capability(defects=[38], units=[250], opportunities=20, defective=[30])
    assert result.dpu == pytest.approx(0.152)
    assert result.dpo == pytest.approx(0.0076)
    assert result.dpmo == pytest.approx(7600)
    assert result.first_pass_yield == pytest.approx(220 / 250)
    assert result.rolled_yield == pytest.approx((1 - 0.0076) ** 20)
    low, high = stats.binomtest(38, 5000).proportion_ci(method="exact")
    assert (result.dpo_ci_low, result.dpo_ci_high) == pytest.approx((low, high))
    assert (result.rolled_yield_ci_low, result.rolled_yield_ci_high) == pytest.approx(
        ((1 - high) ** 20, (1 - low) ** 20)
    )
    assert isinstance(result, DefectRate)


def test_counts_without_opportunities():
    result = capability(defects=38, units=250)
    low, high = stats.chi2.ppf(0.025, 76) / 500, stats.chi2.ppf(0.975, 78) / 500
    assert of(result, "dpu") == pytest.approx((0.152, low, high))
    assert of(result, "rolled_yield") == pytest.approx((np.exp(-0.152), np.exp(-high), np.exp(-low)))
    assert np.isnan([result.dpmo, result.sigma_level_short_term, result.first_pass_yield]).all()
    assert "defects per unit" in result.summary()
    assert "sigma" not in result.summary()


def test_all_defective_leaves_no_yield():
    result = capability(defects=[100], units=[100], opportunities=1, defective=[100])
    assert result.rolled_yield == result.first_pass_yield == 0
    assert "sigma level -0.30 or lower (with the customary shift of 1.5; all had a defect)" in result.summary()


def test_no_defect_is_no_certainty():
    result = capability(defects=[0, 0], units=[50, 50], opportunities=4)
    assert result.dpmo == 0
    assert result.dpmo_ci_high == pytest.approx(1e6 * (1 - 0.025 ** (1 / 400)))
    assert "sigma level 3.86 or higher (with the customary shift of 1.5; no defect was found)" in result.summary()
    for word in ("inf", "nan"):
        assert word not in result.summary()


def test_unequal_periods_widen_the_limits():
    alike = capability(defects=[20] * 6, units=[100] * 6, opportunities=5)
    uneven = capability(defects=[0, 40, 5, 35, 0, 40], units=[100] * 6, opportunities=5)
    assert alike.dpmo == uneven.dpmo
    assert alike.dispersion == 1
    assert uneven.dispersion > 3
    assert uneven.dpmo_ci_high - uneven.dpmo_ci_low > 2 * (alike.dpmo_ci_high - alike.dpmo_ci_low)


def test_periods_without_a_count_of_defective_units():
    result = capability(defects=[3, 4, 5, 6, 2], units=[50] * 5, defective=[3, nan, 5, 5, 2])
    assert result.first_pass_yield == pytest.approx(1 - 15 / 200)
    assert result.n == 5
    pair = capability(defects=[3, 4], units=[50] * 2, defective=[3, nan])
    assert of(pair, "first_pass_yield")[0] == pytest.approx(0.94)
    assert np.isfinite(of(pair, "first_pass_yield")).all()


@pytest.mark.parametrize("scale", [1e9, 1e-9])
def test_the_unit_changes_no_index(scale):
    x = np.random.default_rng(1).normal(10, 1, 40)
    one = capability(x, lower_spec=7, upper_spec=13)
    other = capability(x * scale, lower_spec=7 * scale, upper_spec=13 * scale)
    for name in ("cp", "cpk", "cpm", "pp", "ppk", "ppm", "outside"):
        assert of(other, name) == pytest.approx(of(one, name))


def test_mirrored_values_and_limits_mirror():
    x = np.random.default_rng(2).normal(10, 1, 40)
    one, other = capability(x, upper_spec=13), capability(-x, lower_spec=-13)
    assert of(other, "cpk") == pytest.approx(of(one, "cpk"))
    assert other.mean == -one.mean
    assert capability(x[::-1], upper_spec=13).cpk == pytest.approx(one.cpk)


def test_limits_far_out():
    x = np.random.default_rng(3).normal(0, 1, 20)
    for spec in (150.0, 400.0, 1e6, 1e12):
        value, low, high = of(capability(x, upper_spec=spec), "ppk")
        wide = np.sqrt(stats.chi2.ppf([0.025, 0.975], 19) / 19)
        assert (low, high) == pytest.approx(tuple(value * wide), rel=1e-3)
    value, low, high = of(capability(x, upper_spec=-1e6), "ppk")
    assert low < value < high < 0


def test_gaps_break_the_neighbours():
    x = np.random.default_rng(4).normal(0, 1, 30)
    x[10] = nan
    result = capability(x, upper_spec=3)
    assert (result.n, result.n_missing) == (29, 1)
    steps = np.abs(np.diff(x))
    assert result.sigma_within == pytest.approx(np.nanmean(steps) * np.sqrt(np.pi) / 2)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "int16", "object"])
def test_column_types(dtype):
    x = pd.Series(np.random.default_rng(5).integers(200, 400, 30))
    plain = capability(x.to_numpy(), upper_spec=450)
    assert capability(x.astype(dtype).set_axis(range(30, 0, -1)), upper_spec=450).to_dict() == pytest.approx(
        plain.to_dict(), nan_ok=True
    )
    gaps = x.astype("Int64").mask(x.index < 4)
    assert capability(gaps, upper_spec=450).n_missing == 4
    counts = capability(defects=pd.Series([1, None, 3, 4], dtype="Int64"), units=pd.Series([10] * 4, dtype="Int64"))
    assert (counts.n, counts.n_missing, counts.defects) == (3, 1, 8)


def test_too_few():
    with pytest.raises(InsufficientDataError, match="at least 10 values; got 0"):
        capability([nan] * 20, upper_spec=1)
    with pytest.raises(InsufficientDataError, match="at least 10 values; got 0"):
        capability([], upper_spec=1)
    with pytest.raises(InsufficientDataError, match="at least 9 pairs of neighbours; got 0"):
        capability([1.0, nan, 2.0, nan] * 6, upper_spec=9)
    with pytest.raises(InsufficientDataError, match="beyond the first of each subgroup; got 0"):
        capability(QCC, upper_spec=11, subgroups=range(12))
    with pytest.raises(InsufficientDataError, match="at least 1 units"):
        capability(defects=[0], units=[0])


@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        ([0.1] * 12, {}, r"values are all 0\.1: without variation"),
        (np.repeat([0.1, 0.2, 0.3], 4), {"subgroups": SUBGROUPS}, "do not vary within subgroups"),
    ],
)
def test_nothing_varies(values, options, match):
    with pytest.raises(DataError, match=match):
        capability(values, upper_spec=1, **options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "needs lower_spec or upper_spec"),
        ({"lower_spec": nan}, "needs lower_spec or upper_spec"),
        ({"lower_spec": 11, "upper_spec": 9}, "must lie below upper_spec, got 11 and 9"),
        ({"lower_spec": -np.inf, "upper_spec": 11}, "must be finite; leave out"),
        ({"upper_spec": 11, "confidence_level": 95}, r"For 95% write 0\.95"),
        ({"upper_spec": 11, "subgroups": [1, 2]}, "one name for each of the 12 values, got 2"),
        ({"upper_spec": 11, "subgroups": [None, *range(5), *range(6)]}, "subgroups is missing for 1 values"),
        ({"upper_spec": 11, "opportunities": 3}, "belong to defects and units"),
        ({"upper_spec": 11, "defects": [1], "units": [2]}, "takes either values"),
    ],
)
def test_wrong_options_of_values(options, match):
    with pytest.raises(ValueError, match=match):
        capability(QCC, **options)


def test_wrong_values():
    with pytest.raises(ValueError, match="values must be numbers"):
        capability(["a"] * 12, upper_spec=1)
    with pytest.raises(ValueError, match="values must be finite or missing"):
        capability([*QCC, np.inf], upper_spec=11)
    with pytest.raises(ValueError, match="must be 1-D"):
        capability(np.reshape(QCC, (3, 4)), upper_spec=11)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"defects": [1]}, "belong together"),
        ({"defects": [1], "units": [-10]}, "units must not be negative; 1 are"),
        ({"defects": [-1], "units": [10]}, "must not be negative"),
        ({"defects": [1], "units": [10], "defective": [-2]}, "must not be negative"),
        ({"defects": [1], "units": [10], "defective": [2]}, "nor defective above defects"),
        ({"defects": [1], "units": [10], "opportunities": 0}, "above 0, got 0"),
        ({"defects": [1], "units": [10], "opportunities": nan}, "above 0, got nan"),
        ({"defects": [31], "units": [10], "opportunities": 3}, "more defects than 3 opportunities"),
        ({"defects": [1, 2], "units": [10]}, "equal length"),
        ({"defects": [1], "units": [np.inf]}, "units must be finite"),
        ({"defects": ["a"], "units": [1]}, "defects must be numbers"),
        ({"defects": [1], "units": [10], "upper_spec": 3}, "belong to values"),
        ({}, "takes either values"),
    ],
)
def test_wrong_counts(options, match):
    with pytest.raises(ValueError, match=match):
        capability(**options)


def test_words():
    result = capability(QCC, **SPECS, subgroups=SUBGROUPS)
    assert isinstance(result, Capability)
    assert result.summary() == (
        "Cpk 1.39 (0.72 to 2.06), Ppk 1.53 (0.86 to 2.20); 0.0 % outside the limits (0.0 to 24.2); 95 % intervals "
        "(n = 12; pooled within subgroups)."
    )
    skewed = np.exp(np.random.default_rng(6).normal(0, 1.5, 60))
    assert (
        "The values are not normal (p < 0.001): rely on the share outside."
        in capability(skewed, upper_spec=20).summary()
    )
    assert capability(defects=[3, 5, 2, 4], units=[50] * 4, opportunities=4, defective=[3, 4, 2, 4]).summary() == (
        "17,500 defects per million opportunities (7,678 to 39,386), rolled yield 93.2 % (85.2 to 97.0), sigma level "
        "3.61 (3.26 to 3.92; with the customary shift of 1.5, 2.11 without); 95 % intervals (14 defects in 200 units; "
        "spread between periods, never less than chance)."
    )


@pytest.mark.slow
@pytest.mark.parametrize(("n", "shift"), [(20, 0.0), (50, 0.0), (50, 1.0)])
def test_coverage_of_indices(n, shift):
    rng = np.random.default_rng(n)
    near = (4 - shift) / 3
    aimed = 4 / 3 / np.sqrt(1 + shift**2)
    truth = {"cp": 4 / 3, "pp": 4 / 3, "cpk": near, "ppk": near, "cpm": aimed, "ppm": aimed}
    held = dict.fromkeys([*truth, "one"], 0)
    for _ in range(1000):
        x = rng.normal(shift, 1, n)
        result = capability(x, lower_spec=-4, upper_spec=4, target=0)
        for name, value in truth.items():
            _, low, high = of(result, name)
            held[name] += low <= value <= high
        _, low, high = of(capability(x, upper_spec=4), "ppk")
        held["one"] += low <= near <= high
    for name, times in held.items():
        assert 0.93 - 0.017 < times / 1000 < 0.97 + 0.014, name


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.02, 0.2])
def test_coverage_of_defects(rate):
    rng = np.random.default_rng(12)
    truth = {"dpo": rate, "rolled_yield": (1 - rate) ** 5, "first_pass_yield": (1 - rate) ** 5}
    held = dict.fromkeys([*truth, "uneven"], 0)
    for _ in range(1000):
        found = rng.random((1, 200, 5)) < rate
        result = capability(
            defects=found.sum(axis=(1, 2)), units=[200], opportunities=5, defective=found.any(axis=2).sum(axis=1)
        )
        for name, value in truth.items():
            _, low, high = of(result, name)
            held[name] += low <= value <= high
        shares = rng.beta(3, 3 * (1 - rate) / rate, 12)
        uneven = capability(defects=rng.binomial(1000, shares), units=[200] * 12, opportunities=5)
        held["uneven"] += uneven.dpo_ci_low <= rate <= uneven.dpo_ci_high
    for name, times in held.items():
        assert 0.93 - 0.017 < times / 1000 < 0.985, name
