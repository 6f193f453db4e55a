"""Lead-lag correlation and the whitening under it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.signal import lfilter

from bpo_analysis.errors import DataError, InsufficientDataError, UnknownNameError
from bpo_analysis.stats import prewhiten as engine
from bpo_analysis.stats.lead_lag import cross_correlation, lead_lag, lead_lag_scan

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "oracles"


def oracle(file: str) -> pd.DataFrame:
    if not ORACLES.is_dir():
        pytest.skip(f"needs the data with known answers in {ORACLES}")
    return pd.read_csv(ORACLES / file)


def autoregressive(rng, m, n, rho):
    """Unit variance AR(1), stationary from the start."""
    noise = np.sqrt(1 - rho**2) * rng.standard_normal((m, n + 200))
    return lfilter([1], [1, -rho], noise, axis=1)[:, 200:]


def related(rng, n=60, lag=3, b=0.8, rho=0.5):
    """One pair: the second follows the first after ``lag`` periods."""
    x = autoregressive(rng, 1, n + lag, rho)[0]
    noise = autoregressive(rng, 1, n, rho)[0]
    return x[lag:], b * x[:n] + np.sqrt(1 - b**2) * noise


def many(rng, m, n, rho):
    """A frame of unrelated series and its pairs."""
    values = np.concatenate([autoregressive(rng, m, n, rho), autoregressive(rng, m, n, rho)])
    return pd.DataFrame(values.T), [(i, m + i) for i in range(m)]


# Oracles ------------------------------------------------------------------------------------------------------------


def test_cross_correlation_of_box_jenkins_series_m_as_r_gives_it():
    # R 4.2.2: ccf(diff(BJsales), diff(BJsales.lead)), lags 6 to -6 of ours; the known answer is a lead of 3.
    r = [0.043637, 0.108422, 0.104489, 0.720070, -0.380291, 0.070923, -0.003170]
    r += [0.096976, -0.058443, 0.054639, -0.029545, 0.067664, -0.106215]
    sales, lead = oracle("bjsales.csv")["value"], oracle("bjsales_lead.csv")["value"]
    table = cross_correlation(np.diff(lead), np.diff(sales), max_lag=6).set_index("lag")["correlation"]
    assert table.loc[range(6, -7, -1)].tolist() == pytest.approx(r, abs=5.1e-7)


@pytest.mark.parametrize("differences", [False, True])
def test_box_jenkins_series_m_leads_by_three(differences):
    sales, lead = oracle("bjsales.csv")["value"], oracle("bjsales_lead.csv")["value"]
    if differences:
        sales, lead = sales.diff(), lead.diff()
    result = lead_lag(lead, sales, max_lag=8, both_directions=True)
    assert (result.best_lag_low, result.best_lag, result.best_lag_high) == (3, 3, 3)
    assert result.correlation > 0.9
    assert result.pvalue < 1e-30


def test_insurance_quotes_follow_adverts_in_the_same_month():
    # Hyndman & Athanasopoulos, insurance: r = .93 at lag 0 and .49 at lag 1.
    data = oracle("insurance_adverts.csv")
    plain = cross_correlation(data["TVadverts"], data["Quotes"], max_lag=1).set_index("lag")["correlation"]
    assert plain.loc[[0, 1]].tolist() == pytest.approx([0.93, 0.49], abs=0.005)
    for season_length in (None, 12):
        result = lead_lag(data["TVadverts"], data["Quotes"], max_lag=6, season_length=season_length)
        assert result.best_lag == result.best_lag_high == 0
        assert result.correlation > 0.85


def test_autoregression_as_burg_of_statsmodels_and_near_r():
    # statsmodels 0.15.0: burg(diff(lead), 3); R: ar(diff(BJsales.lead)) by Yule-Walker -0.527473 -0.202026 -0.115512.
    lead = np.diff(oracle("bjsales_lead.csv")["value"])
    rest = (lead - lead.mean())[None]
    partials, pairs = engine.partial_autocorrelations(rest, np.ones(rest.shape, dtype=bool), 3)
    found = engine.coefficients(partials)[-1][0]
    assert found == pytest.approx([-0.53079848, -0.20364948, -0.11611409], abs=1e-8)
    assert found == pytest.approx([-0.527473, -0.202026, -0.115512], abs=5e-3)
    assert pairs.tolist() == [[148, 147, 146]]


# By hand ------------------------------------------------------------------------------------------------------------


def test_innovations_of_a_gap_are_those_of_the_covariance_matrix():
    # The filter against the Cholesky factor of the covariance of the values that are there, two ways to one answer.
    rng = np.random.default_rng(2)
    partials, n = np.array([[0.7, -0.3, 0.2]]), 14
    present = np.ones((1, n), dtype=bool)
    present[0, [2, 3, 9]] = False
    values = rng.standard_normal((1, n)) * present
    phi = engine.coefficients(partials)[-1][0]
    impulse = lfilter([1], np.r_[1, -phi], np.r_[1, np.zeros(2000)])
    covariance = np.array([[impulse[abs(i - j) :] @ impulse[: 2001 - abs(i - j)] for i in range(n)] for j in range(n)])
    seen = present[0]
    expected = np.linalg.solve(np.linalg.cholesky(covariance[np.ix_(seen, seen)]), values[0, seen])
    errors = engine._filtered(values[:, :, None], present, partials)[0, :, 0]
    assert errors[seen] == pytest.approx(expected, abs=1e-10)
    assert not errors[~seen].any()


def test_pvalue_is_that_of_the_best_of_all_lags():
    x, y = related(np.random.default_rng(3), b=0.4)
    result = lead_lag(x, y, max_lag=8)
    assert result.n_lags == 9
    assert result.pvalue == pytest.approx(1 - (1 - result.table["pvalue"].min()) ** 9)
    assert result.pvalue == pytest.approx(result.table["pvalue_adjusted"].min())
    best = result.table.set_index("lag").loc[result.best_lag]
    assert best["correlation"] == result.correlation
    assert result.table["n_pairs"].tolist() == list(range(60, 51, -1))


@pytest.mark.parametrize("b", [0.2, 0.8])
def test_interval_of_a_single_lag_is_the_ordinary_one(b):
    # With one lag there is no search: Fisher's transformation, with the standard error at which z has the p-value.
    x, y = related(np.random.default_rng(4), b=b)
    result = lead_lag(x, y, min_lag=3, max_lag=3)
    fisher = np.arctanh(abs(result.correlation))
    standard_error = fisher / stats.norm.isf(result.pvalue / 2)
    limits = np.tanh(fisher - 1.959964 * standard_error), np.tanh(fisher + 1.959964 * standard_error)
    assert sorted(np.abs([result.ci_low, result.ci_high])) == pytest.approx(sorted(np.abs(limits)), abs=1e-6)
    assert result.table.loc[0, ["ci_low", "ci_high"]].tolist() == pytest.approx([result.ci_low, result.ci_high])
    if b == 0.2:
        # Of 57 pairs, constant and trend leave 58 parts of 60; strong relations are less sure than this formula has it.
        assert standard_error == pytest.approx(1 / np.sqrt(57 * 58 / 60 - 3), rel=0.03)


# Properties ---------------------------------------------------------------------------------------------------------


def same(one, other, *, sign=1):
    """Whether two results agree in everything but the direction of the lags."""
    for name in ("correlation", "ci_low", "ci_high", "statistic", "pvalue", "detectable_correlation"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-7, abs=1e-12), name
    assert one.best_lag == sign * other.best_lag
    ends = (sign * other.best_lag_low, sign * other.best_lag_high)
    assert (one.best_lag_low, one.best_lag_high) == (min(ends), max(ends))


@pytest.mark.parametrize("season_length", [None, 12])
def test_a_scan_gives_the_answers_of_single_pairs(season_length):
    rng = np.random.default_rng(5)
    frame, pairs = many(rng, 12, 48, 0.5)
    frame = frame.mask(rng.random(frame.shape) < 0.08)
    frame[3] = autoregressive(rng, 1, 48, 0.5)[0]
    options = {"max_lag": 6, "both_directions": True, "season_length": season_length}
    scan = lead_lag_scan(frame, pairs, **options)
    assert (scan["status"] == "ok").all()
    for row, (leading, lagging) in zip(scan.to_dict("records"), pairs, strict=True):
        alone = lead_lag(frame[leading], frame[lagging], **options).to_dict()
        for name in set(alone) - {"table", "note"}:
            expected = alone[name]
            assert row[name] == (pytest.approx(expected, rel=1e-9) if isinstance(expected, float) else expected), name


def test_shifting_a_series_moves_the_best_lag():
    rng = np.random.default_rng(6)
    x = autoregressive(rng, 1, 100, 0.6)[0]
    y = 0.7 * x + 0.5 * rng.standard_normal(100)
    for k in range(-5, 6):
        result = lead_lag(x[10:90], y[10 - k : 90 - k], max_lag=8, both_directions=True)
        assert result.best_lag == k


def test_exchanging_the_arguments_turns_the_lag_round():
    rng = np.random.default_rng(7)
    for b in (0.0, 0.5, -0.8):
        x, y = related(rng, b=b)
        x[rng.integers(0, 60, 4)] = np.nan
        there = lead_lag(x, y, max_lag=7, both_directions=True, season_length=7)
        same(there, lead_lag(y, x, max_lag=7, both_directions=True, season_length=7), sign=-1)


def test_reversing_time_turns_a_clear_lag_round():
    rng = np.random.default_rng(8)
    for _ in range(10):
        x, y = related(rng)
        back = lead_lag(x[::-1], y[::-1], max_lag=8, both_directions=True)
        assert (back.best_lag, back.pvalue < 0.01) == (-3, True)


def test_unit_level_trend_and_season_change_nothing():
    rng = np.random.default_rng(9)
    season, t = np.tile(rng.normal(0, 5, 12), 5), np.arange(60)
    for b in (0.0, 0.6):
        x, y = related(rng, b=b)
        plain = lead_lag(x, y, max_lag=8, season_length=12)
        same(lead_lag(1e-9 * x, 1e6 * y + 3e6, max_lag=8, season_length=12), plain)
        same(lead_lag(x + season - 0.3 * t, y + 2 * season + 4 * t, max_lag=8, season_length=12), plain)


def test_turning_one_series_over_mirrors_the_correlation():
    rng = np.random.default_rng(10)
    x, y = related(rng)
    up, down = lead_lag(x, y, max_lag=8), lead_lag(x, -y, max_lag=8)
    assert (down.correlation, down.ci_low, down.ci_high) == pytest.approx((-up.correlation, -up.ci_high, -up.ci_low))
    assert (down.pvalue, down.best_lag) == (pytest.approx(up.pvalue), up.best_lag)


@pytest.mark.parametrize("confidence_level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("max_lag", [0, 2, 8])
def test_interval_excludes_zero_exactly_where_the_pvalue_is_small(confidence_level, max_lag):
    rng = np.random.default_rng(11)
    x, lag = autoregressive(rng, 200, 44, 0.4), max_lag // 2
    y = rng.uniform(-0.8, 0.8, (200, 1)) * x[:, :40] + autoregressive(rng, 200, 40, 0.4)
    frame = pd.DataFrame(np.concatenate([x[:, lag : lag + 40], y]).T)
    pairs = [(i, 200 + i) for i in range(200)]
    scan = lead_lag_scan(frame, pairs, max_lag=max_lag, confidence_level=confidence_level)
    outside = (scan["ci_low"] > 0) | (scan["ci_high"] < 0)
    found = scan["pvalue"] < 1 - confidence_level
    assert (outside == found).all()
    assert 10 < found.sum() < 190
    assert ((scan["ci_low"] < scan["correlation"]) & (scan["correlation"] < scan["ci_high"])).all()
    assert ((scan["best_lag_low"] <= scan["best_lag"]) & (scan["best_lag"] <= scan["best_lag_high"])).all()


def test_a_period_that_the_index_leaves_out_is_a_gap():
    rng = np.random.default_rng(12)
    x, y = related(rng)
    gone = [7, 8, 30]
    for index in (
        pd.date_range("2024-01-01", periods=60, freq="W-MON"),
        pd.date_range("2020-01-01", periods=60, freq="MS"),
        pd.date_range("2020-01-31", periods=60, freq="ME"),
        pd.period_range("2020-01", periods=60, freq="M"),
        pd.RangeIndex(5, 65),
    ):
        frame = pd.DataFrame({"x": x, "y": y}, index=index)
        with_nan = frame.copy()
        with_nan.iloc[gone] = np.nan
        short = frame.drop(index=index[gone])
        expected = lead_lag(with_nan["x"], with_nan["y"], max_lag=6)
        found = lead_lag(short["x"], short["y"], max_lag=6)
        same(found, expected)
        assert (found.n, found.n_missing) == (57, 3)
        pd.testing.assert_frame_equal(
            lead_lag_scan(short, [("x", "y")], max_lag=6), lead_lag_scan(with_nan, [("x", "y")], max_lag=6)
        )


def test_a_gap_does_not_move_the_lag():
    rng = np.random.default_rng(13)
    for _ in range(10):
        x, y = related(rng, n=80)
        x[rng.random(80) < 0.15] = y[rng.random(80) < 0.15] = np.nan
        x[20:24] = np.nan
        assert lead_lag(x, y, max_lag=8).best_lag == 3


def test_inputs_stay_and_answers_repeat():
    x, y = related(np.random.default_rng(14))
    before = x.copy(), y.copy()
    one, two = lead_lag(x, y, max_lag=5), lead_lag(x, y, max_lag=5)
    same(one, two)
    assert np.array_equal(before[0], x)
    assert np.array_equal(before[1], y)


def test_a_larger_relation_is_more_certain_and_a_wider_window_less():
    rng = np.random.default_rng(15)
    noise, x = rng.standard_normal(60), rng.standard_normal(62)
    weak, strong = (lead_lag(x[2:], b * x[:-2] + noise, max_lag=6) for b in (0.6, 1.2))
    assert strong.pvalue < weak.pvalue
    wide = lead_lag(x[2:], 0.6 * x[:-2] + noise, max_lag=10, both_directions=True)
    assert wide.pvalue > weak.pvalue
    assert wide.detectable_correlation > weak.detectable_correlation


def test_pairs_of_a_scan_are_adjusted_for_being_many():
    frame, pairs = many(np.random.default_rng(16), 20, 40, 0.3)
    frame["flat"] = 1.0
    scan = lead_lag_scan(frame, [*pairs, ("flat", 0)], max_lag=4)
    p = np.sort(scan["pvalue"].dropna())
    expected = np.minimum.accumulate((p * 20 / np.arange(1, 21))[::-1])[::-1]
    assert np.sort(scan["pvalue_adjusted"].dropna()) == pytest.approx(np.minimum(expected, 1))
    bonferroni = lead_lag_scan(frame, pairs, max_lag=4, fdr_method="bonferroni")["pvalue_adjusted"]
    assert bonferroni.to_numpy() == pytest.approx(np.minimum(20 * scan["pvalue"].to_numpy()[:20], 1))


# Edges --------------------------------------------------------------------------------------------------------------


def test_too_little_data():
    rng = np.random.default_rng(17)
    x, y = rng.standard_normal((2, 60))
    with pytest.raises(InsufficientDataError, match="lead_lag needs at least 16 values in each series; got 15"):
        lead_lag(x[:15], y[:15], max_lag=2)
    assert lead_lag(x[:16], y[:16], max_lag=2).n == 16
    with pytest.raises(InsufficientDataError, match=r"at lag 13 \(choose a smaller max_lag\) needs at least 8 pairs"):
        lead_lag(x[:20], y[:20], max_lag=15)
    with pytest.raises(InsufficientDataError, match="season of 12 needs at least 24 periods"):
        lead_lag(x[:23], y[:23], max_lag=2, season_length=12)
    gappy = np.where(np.isin(np.arange(24), [5, 9, 14]), np.nan, x[:24])
    with pytest.raises(InsufficientDataError, match=r"after trend and season needs at least 23 values .* got 21"):
        lead_lag(gappy, y[:24], max_lag=2, season_length=12)
    with pytest.raises(InsufficientDataError, match="got 0"):
        lead_lag(x * np.nan, y, max_lag=2)


def test_a_series_that_does_not_vary():
    x = np.random.default_rng(18).standard_normal(48)
    with pytest.raises(DataError, match="vary beyond trend and season; 'leading' does not"):
        lead_lag(np.full(48, 5.1), x, max_lag=2)
    with pytest.raises(DataError, match="'lagging' does not"):
        lead_lag(x, 0.1 * np.arange(48) + 7, max_lag=2)
    assert lead_lag(x, np.r_[np.zeros(47), 1], max_lag=2, detrend=False).pvalue > 0
    with pytest.raises(DataError, match="'leading' does not"):
        lead_lag(np.tile(np.arange(12.0), 4), x, max_lag=2, season_length=12)


def test_one_bad_pair_leaves_the_others_their_answers():
    rng = np.random.default_rng(19)
    frame = pd.DataFrame(rng.standard_normal((40, 3)), columns=["a", "b", "c"])
    frame["flat"], frame["short"], frame["empty"], frame["words"] = 2.5, frame["a"].where(frame.index < 12), np.nan, "x"
    pairs = [("a", "b"), ("flat", "b"), ("short", "b"), ("empty", "c"), ("c", "b")]
    scan = lead_lag_scan(frame, pairs, max_lag=5)
    assert scan["status"].tolist() == ["ok", "no variation", "insufficient data", "insufficient data", "ok"]
    assert scan.loc[2, "message"] == "lead_lag needs at least 16 values in each series; got 12."
    assert scan.loc[1, "message"] == "lead_lag needs series that vary beyond trend and season; 'flat' does not."
    numbers = ["best_lag", "best_lag_low", "correlation", "ci_low", "pvalue", "pvalue_adjusted", "statistic"]
    assert scan.loc[[1, 2, 3], numbers].isna().all(axis=None)
    assert scan.loc[[0, 4], numbers].notna().all(axis=None)
    assert scan["n"].tolist() == [40, 40, 12, 0, 40]
    assert scan.loc[4, "pvalue"] == lead_lag(frame["c"], frame["b"], max_lag=5).pvalue


def test_scans_without_an_answer():
    frame = pd.DataFrame(np.random.default_rng(20).standard_normal((20, 2)), columns=["a", "b"])
    assert lead_lag_scan(frame, [], max_lag=3).empty
    assert lead_lag_scan(frame, [("a", "b")], max_lag=3, season_length=12)["status"].tolist() == ["insufficient data"]
    assert lead_lag_scan(frame.iloc[:0], [("a", "b")], max_lag=3)["status"].tolist() == ["insufficient data"]
    assert lead_lag_scan(frame, [("a", "b")], max_lag=30)["status"].tolist() == ["insufficient data"]


def test_missing_values_by_policy():
    x, y = related(np.random.default_rng(21))
    x[4] = np.nan
    frame = pd.DataFrame({"x": x, "y": y, "z": y[::-1]})
    assert lead_lag(x, y, max_lag=3).n_missing == 1
    with pytest.raises(ValueError, match="1 periods with NaN, and nan_policy is 'raise'"):
        lead_lag(x, y, max_lag=3, nan_policy="raise")
    nothing = lead_lag(x, y, max_lag=3, nan_policy="propagate")
    assert (nothing.best_lag, nothing.n_missing) == (None, 1)
    assert np.isnan([nothing.pvalue, nothing.correlation, nothing.ci_low]).all()
    assert nothing.summary().startswith("No answer: 1 period without a value")
    scan = lead_lag_scan(frame, [("x", "y"), ("z", "y")], max_lag=3, nan_policy="propagate")
    assert scan["status"].tolist() == ["missing values", "ok"]
    assert lead_lag_scan(frame, [("z", "y")], max_lag=3, nan_policy="raise")["status"].tolist() == ["ok"]


def test_a_phase_of_the_season_without_any_value():
    rng = np.random.default_rng(22)
    x, y = related(rng)
    x[::12] = np.nan
    result = lead_lag(x, y, max_lag=4, season_length=12)
    assert 0 <= result.pvalue <= 1
    assert result.n_missing == 5


def test_other_types():
    rng = np.random.default_rng(23)
    x, y = rng.integers(0, 30, (2, 40))
    expected = lead_lag(x.astype(float), y.astype(float), max_lag=4)
    same(lead_lag(x, y, max_lag=4), expected)
    same(lead_lag(x.tolist(), y.tolist(), max_lag=4), expected)
    nullable = pd.DataFrame({"x": x, "y": y}).astype("Int64")
    same(lead_lag(nullable["x"], nullable["y"], max_lag=4), expected)
    nullable.loc[3, "x"] = pd.NA
    assert lead_lag(nullable["x"], nullable["y"], max_lag=4).n_missing == 1


def test_a_perfect_echo_is_certain_and_finite():
    x = np.random.default_rng(24).standard_normal(64)
    result = lead_lag(x[4:], x[:-4], max_lag=8)
    assert (result.best_lag, result.best_lag_low, result.best_lag_high) == (4, 4, 4)
    assert result.pvalue < 1e-20
    assert 0.9 < result.ci_low <= result.correlation <= result.ci_high <= 1


# Words --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"max_lag": -1}, ValueError, "max_lag must be 0 or more, got -1; for lags the other way round use both_"),
        ({"max_lag": 2.5}, TypeError, "max_lag must be a whole number of periods, got 2.5"),
        ({"max_lag": True}, TypeError, "max_lag must be a whole number"),
        ({"min_lag": 4}, ValueError, r"max_lag must be at least min_lag \(4\), got 3"),
        ({"season_length": 1}, ValueError, "season_length must be at least 2"),
        ({"season_length": 2.5}, TypeError, "season_length must be a whole number"),
        ({"confidence_level": 95}, ValueError, "between 0 and 1, got 95. For 95% write 0.95"),
        ({"nan_policy": "drop"}, ValueError, "nan_policy must be one of"),
    ],
)
def test_wrong_arguments(change, error, message):
    x, y = related(np.random.default_rng(25))
    frame = pd.DataFrame({"x": x, "y": y})
    with pytest.raises(error, match=message):
        lead_lag(x, y, **{"max_lag": 3} | change)
    with pytest.raises(error, match=message):
        lead_lag_scan(frame, [("x", "y")], **{"max_lag": 3} | change)


def test_series_that_do_not_fit_together():
    x, y = related(np.random.default_rng(26))
    with pytest.raises(ValueError, match=r"one length, got shapes \(60,\) and \(59,\)"):
        lead_lag(x, y[:-1], max_lag=3)
    with pytest.raises(ValueError, match=r"must be 1-D"):
        lead_lag(x[None], y[None], max_lag=3)
    with pytest.raises(ValueError, match="same index; put them in one DataFrame"):
        lead_lag(pd.Series(x), pd.Series(y, index=range(1, 61)), max_lag=3)
    days = pd.date_range("2024-01-01", periods=60)
    with pytest.raises(ValueError, match="index must run forward in time"):
        lead_lag(pd.Series(x, days[::-1]), pd.Series(y, days[::-1]), max_lag=3)
    crooked = days[::1].to_series().reset_index(drop=True) + pd.to_timedelta(
        np.arange(60) * 6 + (np.arange(60) > 9), "D"
    )
    with pytest.raises(ValueError, match="index has no regular step: 60 rows lie on 415 periods"):
        lead_lag(pd.Series(x, pd.DatetimeIndex(crooked)), pd.Series(y, pd.DatetimeIndex(crooked)), max_lag=3)
    with pytest.raises(ValueError, match="lagging must be finite or NaN"):
        lead_lag(x, np.r_[y[:-1], np.inf], max_lag=3)
    with pytest.raises(ValueError, match="max_lag must be less than the 60 periods, got 60"):
        cross_correlation(x, y, max_lag=60)
    with pytest.raises(DataError, match="needs two series that vary"):
        cross_correlation(x, 0 * y, max_lag=3)


def test_pairs_that_do_not_fit_the_frame():
    frame = pd.DataFrame(np.zeros((20, 3)), columns=["csat", "aht", "aht"])
    with pytest.raises(ValueError, match=r"one column of each name, got several of \['aht'\]"):
        lead_lag_scan(frame, [("csat", "aht")], max_lag=2)
    frame.columns = ["csat", "aht", "fcr"]
    with pytest.raises(UnknownNameError, match=r"Unknown column 'cast'\. Did you mean 'csat'"):
        lead_lag_scan(frame, [("cast", "aht")], max_lag=2)
    with pytest.raises(ValueError, match="two different columns"):
        lead_lag_scan(frame, [("aht", "aht")], max_lag=2)


def snapshot(**changes):
    x, y = related(np.random.default_rng(27), b=changes.pop("b", 0.8), lag=changes.pop("lag", 3))
    return lead_lag(x, y, **{"max_lag": 8} | changes).summary()


def test_summary_of_a_lead():
    taken = "(own past and trend taken out of both series; largest t of all lags looked at)"
    assert snapshot() == (
        "The leading series moves 3 periods before the lagging one, in the same direction: correlation 0.74, "
        "95 % interval 0.57 to 0.85, p < 0.001 for the best of 9 lags, n = 60. "
        f"No other lag looked at fits nearly as well. It says when, not why {taken}."
    )


def test_summary_where_nothing_stands_out():
    taken = "(own past, trend and season of 12 taken out of both series; largest t of all lags looked at)"
    assert snapshot(b=0.0, season_length=12) == (
        "Cannot tell whether one series moves before the other: the strongest correlation is 0.30, at lag 5 "
        "(p = 0.34 for the best of 9 lags). With n = 60 and 9 lags, a correlation of 0.53 or stronger would have "
        f"been found with 80 % probability {taken}."
    )


def test_summaries_of_other_directions():
    assert snapshot(b=-0.8, lag=1).startswith(
        "The leading series moves 1 period before the lagging one, in the opposite direction: correlation -0."
    )
    assert snapshot(lag=0).startswith("The two series move in the same direction in the same period: correlation 0.")
    x, y = related(np.random.default_rng(28))
    assert (
        lead_lag(y, x, max_lag=8, both_directions=True)
        .summary()
        .startswith("The lagging series moves 3 periods before the leading one, in the same direction")
    )


def test_summary_of_a_single_lag():
    found, nothing = snapshot(min_lag=3, max_lag=3), snapshot(b=0.0, min_lag=3, max_lag=3)
    assert "for the one lag looked at, n = 60. No other lag was looked at. It says when" in found
    assert "With n = 60 and 1 lag, a correlation of" in nothing


def test_summary_says_where_the_order_is_open():
    rng = np.random.default_rng(30)
    texts = []
    for _ in range(40):
        x, y = related(rng, n=40, lag=1, b=0.6)
        result = lead_lag(x, y, max_lag=6, both_directions=True)
        if result.pvalue < 0.05 and result.best_lag_low < 0 < result.best_lag_high:
            texts.append(result.summary())
    assert texts
    assert all("which of the two comes first is not certain" in text for text in texts)


# Calibration --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "rho", "season_length"), [(24, 0.6, None), (52, 0.9, None), (60, 0.3, 12)])
def test_unrelated_series_are_called_at_the_level(n, rho, season_length):
    rng = np.random.default_rng(31)
    frame, pairs = many(rng, 1000, n, rho)
    if season_length:
        frame += np.tile(rng.standard_normal((season_length, 2000)), (n // season_length, 1))
    called = (lead_lag_scan(frame, pairs, max_lag=8, season_length=season_length)["pvalue"] < 0.05).mean()
    assert 0.03 <= called <= 0.068


def test_intervals_and_lags_cover():
    rng = np.random.default_rng(32)
    x, noise = autoregressive(rng, 1000, 55, 0.3), autoregressive(rng, 1000, 52, 0.3)
    frame = pd.DataFrame(np.concatenate([x[:, 3:], 0.5 * x[:, :52] + np.sqrt(0.75) * noise]).T)
    scan = lead_lag_scan(frame, [(i, 1000 + i) for i in range(1000)], max_lag=8)
    assert 0.93 <= scan["ci_low"].le(0.5).mul(scan["ci_high"].ge(0.5)).mean() <= 0.97
    assert scan["best_lag_low"].le(3).mul(scan["best_lag_high"].ge(3)).mean() >= 0.95
    found = scan["pvalue"] < 0.05
    assert found.mean() >= 0.74
    assert (scan.loc[found, "best_lag"] == 3).mean() >= 0.95


@pytest.mark.parametrize("n", [24, 60])
def test_what_is_said_to_be_detectable_is_found_with_80_percent(n):
    rng = np.random.default_rng(33)
    b = float(lead_lag(*autoregressive(rng, 2, n, 0.3), max_lag=8).detectable_correlation)
    x, noise = autoregressive(rng, 1000, n + 4, 0.3), autoregressive(rng, 1000, n, 0.3)
    frame = pd.DataFrame(np.concatenate([x[:, 4:], b * x[:, :n] + np.sqrt(1 - b**2) * noise]).T)
    scan = lead_lag_scan(frame, [(i, 1000 + i) for i in range(1000)], max_lag=8)
    assert (scan["pvalue"] < 0.05).mean() == pytest.approx(0.8, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("n", [24, 36, 52, 104])
@pytest.mark.parametrize("kind", ["trend", "walk", "tails", "ties", "gaps", "moving average", "both directions"])
def test_unrelated_series_of_every_kind_are_called_at_the_level(n, kind):
    rng = np.random.default_rng(34)
    frame, pairs = many(rng, 2000, n, 0.6)
    if kind == "trend":
        frame += np.outer(np.arange(n) / n, rng.choice([-4, 4], 4000))
    elif kind == "walk":
        frame = frame.cumsum() if n < 0 else pd.DataFrame(rng.standard_normal(frame.shape).cumsum(axis=0))
    elif kind == "tails":
        frame = pd.DataFrame(lfilter([1], [1, -0.6], rng.standard_t(3, frame.shape), axis=0))
    elif kind == "ties":
        frame = frame.round()
    elif kind == "gaps":
        frame = frame.mask(rng.random(frame.shape) < 0.15)
    elif kind == "moving average":
        noise = rng.standard_normal((n + 1, 4000))
        frame = pd.DataFrame(noise[1:] + 0.5 * noise[:-1])
    scan = lead_lag_scan(frame, pairs, max_lag=5 if n == 24 else 8, both_directions=kind == "both directions")
    called = (scan["pvalue"].dropna() < 0.05).mean()
    assert 0.03 <= called <= 0.065 + 2 * np.sqrt(0.05 * 0.95 / 2000)


def test_what_is_no_series():
    rng = np.random.default_rng(40)
    values = rng.normal(size=40)
    with pytest.raises(ValueError, match="leading must be numbers"):
        lead_lag(["a"] * 40, values, max_lag=3)
    with pytest.raises(TypeError, match="max_lag must be a whole number of periods, got nan"):
        lead_lag(values, values, max_lag=float("nan"))
    frame = pd.DataFrame({"a": values, "b": values[::-1], "site": "x"})
    with pytest.raises(ValueError, match="site must be numbers"):
        lead_lag_scan(frame, [("a", "site")], max_lag=3)
    with pytest.raises(ValueError, match="must name two different columns"):
        lead_lag_scan(frame, ["ab"], max_lag=3)
    with pytest.raises(InsufficientDataError, match="cross_correlation needs at least 1 values"):
        cross_correlation([float("nan")] * 9, range(9), max_lag=2)


def test_a_single_spike_finds_nothing_and_says_so():
    rng = np.random.default_rng(41)
    result = lead_lag(np.r_[np.zeros(59), 1], rng.normal(size=60), max_lag=6)
    assert "nan" not in result.summary()
    assert result.summary().startswith("Cannot tell whether one series moves before the other")


def test_a_pair_given_twice_is_refused():
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(40, 3)), columns=list("abc"))
    with pytest.raises(ValueError, match=r"\('a', 'b'\) 2 times"):
        lead_lag_scan(frame, [("a", "b"), ("a", "c"), ("a", "b")], max_lag=3)
