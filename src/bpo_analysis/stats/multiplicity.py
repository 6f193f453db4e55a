"""How many of these findings would chance alone have made? One plan for all tests of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bpo_analysis.errors import UnknownNameError
from bpo_analysis.stats.result import Result

__all__ = ["AdjustmentMethod", "Family", "MultiplicityPlan", "adjust_pvalues"]

AdjustmentMethod = Literal["bonferroni", "holm", "hochberg", "benjamini-hochberg", "benjamini-yekutieli"]

_TITLES: dict[str, str] = {
    "bonferroni": "Bonferroni",
    "holm": "Holm",
    "hochberg": "Hochberg",
    "benjamini-hochberg": "Benjamini-Hochberg",
    "benjamini-yekutieli": "Benjamini-Yekutieli",
}
_FALSE_DISCOVERY = {"benjamini-hochberg": "bh", "benjamini-yekutieli": "by"}
_TOLERANCE = 1e-12

_Floats = NDArray[np.float64]


def adjust_pvalues(
    pvalues: ArrayLike | pd.Series, *, method: AdjustmentMethod = "holm", weights: ArrayLike | None = None
) -> Any:
    """Adjust the p-values of one family of tests.

    Parameters
    ----------
    pvalues : array_like, shape (n,)
        NaN marks a test that could not be made: it stays NaN and does not count in the family.
    method : {"holm", "bonferroni", "hochberg", "benjamini-hochberg", "benjamini-yekutieli"}, default "holm"
        The first three hold the chance of any false finding in the family, the last two the expected share of false
        ones among the findings.
    weights : array_like, shape (n,), optional
        How much a test matters, fixed before its p-value is known; positive, scaled to a mean of 1. Not for Hochberg.

    Returns
    -------
    ndarray or Series
        A test is a finding at level ``alpha`` where its adjusted p-value is at most ``alpha``. A Series keeps its
        index.

    Notes
    -----
    Bonferroni, Holm [1]_ and Benjamini-Yekutieli [3]_ hold under every dependence of the tests; Hochberg and
    Benjamini-Hochberg [2]_ where they are independent or positively dependent. None repairs p-values that are wrong
    one by one: with 72 trendless series of autocorrelation 0.6, Benjamini-Hochberg on plain Mann-Kendall p-values
    finds something in 93 % of reports. ``scipy.stats.false_discovery_control`` computes the last two. Checked against
    ``statsmodels.stats.multitest.multipletests``.

    References
    ----------
    .. [1] Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scand. J. Statist. 6.
    .. [2] Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B 57. Weighted: Genovese,
       Roeder & Wasserman (2006), Biometrika 93.
    .. [3] Benjamini, Y. & Yekutieli, D. (2001). The control of the false discovery rate under dependency. Ann. Stat.
       29.

    Examples
    --------
    >>> adjust_pvalues([0.01, 0.04, 0.03, float("nan")])
    array([0.03, 0.06, 0.06,  nan])
    """
    if method not in get_args(AdjustmentMethod):
        raise ValueError(f"method must be one of {', '.join(map(repr, get_args(AdjustmentMethod)))}, got {method!r}.")
    values = _checked(pvalues)
    present = np.isfinite(values)
    weight = _checked_weights(weights, present, method)
    adjusted = np.full(values.shape, np.nan)
    if present.any():
        adjusted[present] = _adjusted(values[present], weight, method)
    return pd.Series(adjusted, index=pvalues.index, name=pvalues.name) if isinstance(pvalues, pd.Series) else adjusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A group of tests that are read together.

    Attributes
    ----------
    name : str
    method : str
        How its p-values are adjusted, as in :func:`adjust_pvalues`.
    weight : float
        Its part of the level of the report, relative to the other families.
    """

    name: str
    method: AdjustmentMethod
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.method not in get_args(AdjustmentMethod):
            known = ", ".join(map(repr, get_args(AdjustmentMethod)))
            raise ValueError(f"method of family {self.name!r} must be one of {known}, got {self.method!r}.")
        if not 0 < self.weight < float("inf"):
            raise ValueError(f"weight of family {self.name!r} must be positive and finite, got {self.weight!r}.")


DECISION = Family(name="decision", method="holm")
SCREENING = Family(name="screening", method="benjamini-hochberg")


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiplicityPlan(Result):
    """Every test of a report, the family it belongs to, and one level for all of them.

    Each family gets its part of ``alpha`` (by its weight, among the families that have tests) and adjusts inside. In
    a report in which nothing is different, any finding at all then has a probability of at most ``alpha``.

    Attributes
    ----------
    alpha : float
        Level of the whole report.
    families : tuple of Family
        By default "decision" (Holm: every finding must stand) and "screening" (Benjamini-Hochberg: where to look).
    members : tuple of (family, label, pvalue)
        Filled by :meth:`add`.

    Notes
    -----
    The bound holds under every dependence of Holm or Bonferroni families; for Benjamini-Hochberg where its tests are
    independent or positively dependent, as KPIs of one partner are. Where some things are different, a Holm family
    still holds its level, and a Benjamini-Hochberg family the expected share of false ones among its findings.

    Examples
    --------
    >>> plan = MultiplicityPlan().add("decision", "AHT trend", 0.004).add("decision", "CSAT trend", 0.2)
    >>> plan = plan.add_all("screening", {"reason A": 0.03, "reason B": 0.4})
    >>> plan.table[["label", "adjusted_pvalue", "found"]]
           label  adjusted_pvalue  found
    0  AHT trend            0.016   True
    1 CSAT trend            0.400  False
    2   reason A            0.120  False
    3   reason B            0.800  False
    """

    alpha: float = 0.05
    families: tuple[Family, ...] = (DECISION, SCREENING)
    members: tuple[tuple[str, str, float], ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must be between 0 and 1, got {self.alpha!r}.")
        names = [family.name for family in self.families]
        if len(set(names)) < len(names) or not names:
            raise ValueError(f"families need names of their own, at least one; got {names}.")
        known = set(names)
        for family, label, pvalue in self.members:
            if family not in known:
                raise UnknownNameError("family", family, names)
            if not (np.isnan(pvalue) or 0 <= pvalue <= 1):
                raise ValueError(f"pvalue of {label!r} must be between 0 and 1 or NaN, got {pvalue!r}.")
        pairs = [(family, label) for family, label, _ in self.members]
        if len(set(pairs)) < len(pairs):
            twice = next(pair for pair in pairs if pairs.count(pair) > 1)
            raise ValueError(
                f"{twice[1]!r} is twice in family {twice[0]!r}; every test counts once, under its own label."
            )

    def add(self, family: str, label: str, pvalue: float) -> MultiplicityPlan:
        """Return the plan with one more test; NaN (or None, or NA) where it could not be made."""
        return self.add_all(family, {label: pvalue})

    def add_all(self, family: str, pvalues: Mapping[str, float] | pd.Series) -> MultiplicityPlan:
        """Return the plan with the tests of a mapping or Series, label by label."""
        more = [
            (family, str(label), float("nan") if pd.isna(value) else float(value)) for label, value in pvalues.items()
        ]
        return replace(self, members=(*self.members, *more))

    @property
    def levels(self) -> dict[str, float]:
        """Level of each family; a family without tests leaves its part to the others."""
        made = {family for family, _, value in self.members if not np.isnan(value)}
        total = sum(family.weight for family in self.families if family.name in made)
        return {f.name: self.alpha * f.weight / total if f.name in made else 0.0 for f in self.families}

    @property
    def table(self) -> pd.DataFrame:
        """One row per test, in the order added.

        Columns: family, label, pvalue; adjusted_pvalue (over the whole report: a finding where it is at most
        ``alpha``); threshold (what the p-value itself was held against at its rank); found; interval_level (the
        confidence level to report its interval with, see Notes of :meth:`interval_level`).
        """
        table = pd.DataFrame(list(self.members), columns=["family", "label", "pvalue"])
        table = table.astype({"family": object, "label": object, "pvalue": float})
        parts = [self._judged(family, table.loc[table["family"] == family.name, "pvalue"]) for family in self.families]
        return table.join(pd.concat(parts)).astype({"found": bool})

    def interval_level(self, family: str) -> float:
        """Confidence level for intervals of a family's effects, so that intervals and findings tell one story.

        For Bonferroni, Holm and Hochberg: the Bonferroni level, at which all intervals hold at once; Holm can find a
        difference whose interval still just holds nought. For the two of Benjamini: the false-coverage-rate level of
        Benjamini & Yekutieli (2005), at which an interval excludes nought exactly where the test is a finding. NaN
        for a family without tests.
        """
        chosen = next((f for f in self.families if f.name == family), None)
        if chosen is None:
            raise UnknownNameError("family", family, [f.name for f in self.families])
        return self._interval_level(chosen, self._pvalues(chosen).to_numpy())

    def summary(self) -> str:
        """Return how many tests there were, what was adjusted, at which level, and how many are findings."""
        if not self.members:
            return "No test was made."
        table, levels = self.table, self.levels
        parts = []
        for family in self.families:
            rows = table[table["family"] == family.name]
            made = int(rows["pvalue"].notna().sum())
            if made:
                found = int(rows["found"].sum())
                level = f"{100 * levels[family.name]:.3g} %"
                parts.append(f"{family.name}: {found} of {made} found ({_TITLES[family.method]} at {level})")
        missing = int(table["pvalue"].isna().sum())
        left_out = f" {missing} without a p-value not counted." if missing else ""
        return (
            f"{_tests(int(table['pvalue'].notna().sum()))} at {100 * self.alpha:.3g} % for the whole report; "
            f"{'; '.join(parts) or 'none could be made'}.{left_out}"
        )

    def statement(self) -> str:
        """Return who is in which family, adjusted how, at which level: the sentence to print under a report."""
        levels = self.levels
        parts = []
        for family in self.families:
            labels = [label for name, label, value in self.members if name == family.name and not np.isnan(value)]
            if labels:
                parts.append(
                    f"Family {family.name} ({_TITLES[family.method]}, level {100 * levels[family.name]:.3g} %, "
                    f"{_tests(len(labels))}): {', '.join(labels)}."
                )
        level = f"{100 * self.alpha:.3g} %"
        promise = f"If nothing were different anywhere, at most {level} of such reports would show any finding."
        return " ".join([*parts, promise]) if parts else "No test was made."

    def _pvalues(self, family: Family) -> pd.Series:
        return pd.Series([value for name, _, value in self.members if name == family.name], dtype=float)

    def _judged(self, family: Family, pvalues: pd.Series) -> pd.DataFrame:
        level = self.levels[family.name]
        values = pvalues.to_numpy()
        adjusted = adjust_pvalues(values, method=family.method)
        whole = np.minimum(1.0, adjusted * (self.alpha / level)) if level else adjusted
        return pd.DataFrame(
            {
                "adjusted_pvalue": whole,
                "threshold": _thresholds(values, level, family.method),
                "found": whole <= self.alpha * (1 + _TOLERANCE),
                "interval_level": self._interval_level(family, values),
            },
            index=pvalues.index,
        )

    def _interval_level(self, family: Family, values: _Floats) -> float:
        made = int(np.isfinite(values).sum())
        level = self.levels[family.name]
        if not made:
            return float("nan")
        if family.method not in _FALSE_DISCOVERY:
            return 1 - level / made
        found = int((adjust_pvalues(values, method=family.method) <= level * (1 + _TOLERANCE)).sum())
        harmonic = float((1 / np.arange(1, made + 1)).sum()) if family.method == "benjamini-yekutieli" else 1.0
        return 1 - max(found, 1) * level / (made * harmonic)


def _tests(number: int) -> str:
    return "1 test" if number == 1 else f"{number} tests"


def _checked(pvalues: ArrayLike | pd.Series) -> _Floats:
    given = pvalues.to_numpy(dtype=float, na_value=np.nan) if isinstance(pvalues, pd.Series) else pvalues
    values = np.asarray(given, dtype=float)
    if values.ndim != 1:
        raise ValueError(f"pvalues must be 1-D, got shape {values.shape}.")
    wrong = values[np.isfinite(values) & ((values < 0) | (values > 1)) | np.isinf(values)]
    if len(wrong):
        raise ValueError(f"pvalues must be between 0 and 1 or NaN, got {float(wrong[0])!r}.")
    return values


def _checked_weights(weights: ArrayLike | None, present: NDArray[np.bool_], method: str) -> _Floats:
    if weights is None:
        return np.ones(int(present.sum()))
    if method == "hochberg":
        raise ValueError("weights cannot be used with method 'hochberg'; use 'holm'.")
    given = np.asarray(weights, dtype=float)
    if given.shape != present.shape or not ((given[present] > 0) & np.isfinite(given[present])).all():
        raise ValueError(f"weights must be positive and finite, one for each of the {len(present)} p-values.")
    return given[present] / given[present].mean() if present.any() else given[present]


def _adjusted(values: _Floats, weight: _Floats, method: AdjustmentMethod) -> _Floats:
    ratio = values / weight
    if method in _FALSE_DISCOVERY:
        return np.asarray(stats.false_discovery_control(np.minimum(ratio, 1.0), method=_FALSE_DISCOVERY[method]))
    if method == "bonferroni":
        return np.minimum(1.0, len(values) * ratio)
    order = np.argsort(ratio, kind="stable")
    left = weight[order][::-1].cumsum()[::-1]
    steps = ratio[order] * left
    steps = np.maximum.accumulate(steps) if method == "holm" else np.minimum.accumulate(steps[::-1])[::-1]
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, steps)
    return adjusted


def _thresholds(values: _Floats, level: float, method: str) -> _Floats:
    """What each p-value is held against at its rank."""
    present = np.isfinite(values)
    made = int(present.sum())
    rank = stats.rankdata(values[present], method="ordinal")
    found = np.full(values.shape, np.nan)
    if method == "bonferroni":
        found[present] = level / made if made else np.nan
    elif method in _FALSE_DISCOVERY:
        harmonic = (1 / np.arange(1, made + 1)).sum() if method == "benjamini-yekutieli" else 1.0
        found[present] = rank * level / (made * harmonic) if made else np.nan
    else:
        found[present] = level / (made - rank + 1)
    return found
