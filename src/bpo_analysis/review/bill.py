"""What the partner's work costs, why the bill changed, and what the in-house team would take for the same work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from bpo_analysis.errors import InsufficientDataError
from bpo_analysis.periods import ReportPeriod, parse_period
from bpo_analysis.review.context import Review
from bpo_analysis.stats import standardise

__all__ = ["Bridge", "CostComparison", "bill_bridge", "billed_month", "cost_against_in_house", "why_no_comparison"]

CREDITS = ("credit", "bonus")
_MONTHS_BEFORE, _MONTHS_COMPARED = 3, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """The change of the bill between an average month before and the month under review, in steps that add up.

    Attributes
    ----------
    month : ReportPeriod
    months_before : tuple of str
        Labels of the months that the bill before is the average of.
    before, after : float
    steps : tuple of (name, amount)
        volume (first contacts), rework (repeat contacts), mix (quantities per contact handled), rate (price per unit),
        lines without quantity, credits and bonuses; their sum is ``after - before`` exactly. Steps that the data do
        not know are not there.
    lines : DataFrame
        One row per kind of line: before, after, quantity_effect, rate_effect.
    rework_known : bool
        Whether repeat contacts could be told from first ones.
    """

    month: ReportPeriod
    months_before: tuple[str, ...]
    before: float
    after: float
    steps: tuple[tuple[str, float], ...]
    lines: pd.DataFrame
    rework_known: bool


def billed_month(review: Review) -> ReportPeriod | None:
    """Return the last whole month up to the end of the period that has a bill, or None."""
    rows = review.rows.get("cost_per_contact")
    if rows is None:
        return None
    month = parse_period(f"{review.period.end:%Y-%m}")
    month = month if month.end <= review.period.end else month.shifted(-1)
    days = rows["date"][rows["date"] <= pd.Timestamp(month.end)]
    return parse_period(f"{days.max():%Y-%m}") if len(days) else None


def bill_bridge(review: Review) -> Bridge | None:
    """Split the change of the bill; None without bills of the month and of a month before it.

    Notes
    -----
    A line's change is quantity times price, split at the mean of both (Shapley): exact, and the same backwards. Its
    quantity is what it would be if it had moved with the contacts handled (volume and rework), and the rest (mix).
    """
    month, lines = billed_month(review), review.extract("billing_lines")
    if month is None or lines is None:
        return None
    lines = lines.assign(month=pd.to_datetime(lines["month"]))
    earlier = [month.shifted(-step) for step in range(_MONTHS_BEFORE, 0, -1)]
    known = set(lines["month"])
    earlier = [m for m in earlier if pd.Timestamp(m.start) in known and _handled(review, m) is not None]
    handled = _handled(review, month)
    if not earlier or handled is None or pd.Timestamp(month.start) not in known:
        return None
    now = lines[lines["month"] == pd.Timestamp(month.start)].groupby("item")[["qty", "amount"]].sum(min_count=1)
    starts = [pd.Timestamp(m.start) for m in earlier]
    past = lines[lines["month"].isin(starts)].groupby("item")[["qty", "amount"]].sum(min_count=1) / len(earlier)
    contacts_before = sum(_handled(review, m) or 0.0 for m in earlier) / len(earlier)
    table = past.add_suffix("_before").join(now.add_suffix("_after"), how="outer")
    table[["amount_before", "amount_after"]] = table[["amount_before", "amount_after"]].fillna(0.0)
    return _bridge(review, month, earlier, table, contacts_before, handled)


def _bridge(
    review: Review, month: ReportPeriod, earlier: list[ReportPeriod], table: pd.DataFrame, contacts_before: float,
    contacts_after: float,
) -> Bridge:  # fmt: skip
    rework = _rework(review, earlier, month)
    growth = (contacts_after - contacts_before) / contacts_before
    again = 0.0 if rework is None else (rework[1] - rework[0]) / contacts_before
    sums = dict.fromkeys(("volume", "rework", "mix", "rate", "lines without quantity", "credits and bonuses"), 0.0)
    effects = []
    for item, row in table.iterrows():
        change = row["amount_after"] - row["amount_before"]
        quantity = rate = 0.0
        if item in CREDITS:
            sums["credits and bonuses"] += change
        elif not _priced(row):
            sums["lines without quantity"] += change
        else:
            q0, q1 = (_quantity(row, side) for side in ("before", "after"))
            p0 = row["amount_before"] / q0 if q0 else row["amount_after"] / q1
            p1 = row["amount_after"] / q1 if q1 else p0
            price = (p0 + p1) / 2
            quantity, rate = price * (q1 - q0), (q0 + q1) / 2 * (p1 - p0)
            sums["volume"] += price * q0 * (growth - again)
            sums["rework"] += price * q0 * again
            sums["mix"] += quantity - price * q0 * growth
            sums["rate"] += rate
        effects.append(
            {"line": str(item), "before": row["amount_before"], "after": row["amount_after"],
             "quantity_effect": quantity, "rate_effect": rate}
        )  # fmt: skip
    always = ("volume", "mix", "rate")
    steps = tuple(
        (name, float(amount))
        for name, amount in sums.items()
        if name in always or amount != 0 or (name == "rework" and rework is not None)
    )
    return Bridge(
        month=month,
        months_before=tuple(m.label for m in earlier),
        before=float(table["amount_before"].sum()),
        after=float(table["amount_after"].sum()),
        steps=steps,
        lines=pd.DataFrame(effects),
        rework_known=rework is not None,
    )


def _priced(row: pd.Series) -> bool:
    """Whether a line has a quantity wherever it has an amount."""
    return all(row[f"amount_{side}"] == 0 or _quantity(row, side) > 0 for side in ("before", "after")) and any(
        _quantity(row, side) > 0 for side in ("before", "after")
    )


def _quantity(row: pd.Series, side: str) -> float:
    value = row[f"qty_{side}"]
    return float(value) if pd.notna(value) else 0.0


def _handled(review: Review, month: ReportPeriod) -> float | None:
    found = review.measure("cost_per_contact", period=month, record=False, interval=False)
    return found.denominator if found and found.denominator else None


def _rework(review: Review, earlier: list[ReportPeriod], month: ReportPeriod) -> tuple[float, float] | None:
    """Repeat contacts of an average month before and of the month, at the measured rate of each."""
    if "repeat_contact_rate" not in review.rows:
        return None
    found = []
    for m in (*earlier, month):
        rate, handled = (
            review.measure("repeat_contact_rate", period=m, record=False, interval=False),
            _handled(review, m),
        )
        if rate is None or handled is None:
            return None
        found.append(rate.value * handled)
    return sum(found[:-1]) / len(earlier), found[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostComparison:
    """Cost per contact of the partner and of the in-house team on the partner's own mix of reasons.

    ``difference`` is the partner's less the in-house cost on that mix, with its interval from the spread between
    months (NaN with fewer than three); ``mix`` is False where reasons or handling times are missing and the two are
    compared as they were counted. Billed amounts are counted, not estimated; the interval is that of single months.
    """

    own: float
    in_house: float
    own_standardised: float
    in_house_standardised: float
    difference: float
    ci_low: float
    ci_high: float
    mix: bool
    months: int
    reasons: int
    covered: float
    start: date
    end: date


def why_no_comparison(review: Review) -> str:
    """Say what is missing for the comparison with the in-house team; an empty text if nothing is."""
    if review.partner["kind"] == "inhouse":
        return "this is the in-house team"
    home = review.dataset.partners.query("kind == 'inhouse'")
    if home.empty:
        return "table partners names no in-house team (kind = inhouse)"
    if "cost_per_contact" in review.dataset.unavailable:
        return review.dataset.unavailable["cost_per_contact"]
    if cost_against_in_house(review) is None:
        return "there is no month with the cost of both: the in-house cost is read from table invoices, as partners' is"
    return ""


def cost_against_in_house(review: Review) -> CostComparison | None:
    """Compare cost per contact with the in-house team's on the partner's mix of reasons, over the last twelve months.

    Notes
    -----
    Bills do not say what each reason costs. A month's bill is laid on the reasons by their handling time, so that the
    comparison asks what the in-house team, at its cost per handled second and its handling time for each reason, would
    have cost for the partner's contacts.
    """
    return review.once("cost against in-house", _against)


def _against(review: Review) -> CostComparison | None:
    month = billed_month(review)
    home = review.dataset.partners.loc[review.dataset.partners["kind"] == "inhouse", "partner_id"]
    if month is None or home.empty or review.partner["kind"] == "inhouse":
        return None
    start = month.shifted(1 - _MONTHS_COMPARED).start
    bills = _monthly(review, "cost_per_contact", start, month.end, home, by=[])
    both = bills.groupby("month")["group"].nunique()
    bills = bills[bills["month"].isin(both[both == 2].index)]
    if bills.empty:
        return None
    crude = bills.groupby("group")[["numerator", "denominator"]].sum()
    costs = crude["numerator"] / crude["denominator"]
    missing = float("nan")
    plain = {
        "own": float(costs["partner"]),
        "in_house": float(costs["in-house"]),
        "months": int(bills["month"].nunique()),
        "start": max(start, bills["month"].min().date()),
        "end": month.end,
    }
    cells = _cells(review, bills, start, month.end, home)
    if cells is not None:
        own_mix = cells[cells["group"] == "partner"].groupby("category")["denominator"].sum()
        try:
            result = standardise(
                cells, group="group", slice="category", unit="month", sampling="mean", standard=own_mix,
                confidence_level=review.confidence_level,
            )  # fmt: skip
        except InsufficientDataError:
            result = None  # fewer than three months: as counted
        if result is not None:
            pair = result.pairs.iloc[0]
            sign = 1 if pair["first"] == "partner" else -1
            low, high = sorted((sign * pair["ci_low"], sign * pair["ci_high"]))
            levels = result.table["standardised"]
            return CostComparison(
                **plain, own_standardised=float(levels["partner"]), in_house_standardised=float(levels["in-house"]),
                difference=float(sign * pair["difference"]), ci_low=float(low), ci_high=float(high), mix=True,
                reasons=result.n_slices, covered=float(result.table.loc["partner", "covered"]),
            )  # fmt: skip
    return CostComparison(
        **plain, own_standardised=missing, in_house_standardised=missing, difference=plain["own"] - plain["in_house"],
        ci_low=missing, ci_high=missing, mix=False, reasons=0, covered=missing,
    )  # fmt: skip


def _monthly(review: Review, kpi: str, start: date, end: date, home: pd.Series, by: list[str]) -> pd.DataFrame:
    """Sums by month, partner or in-house team, and further columns."""
    rows = review.dataset.kpi_sums(kpi, ("partner_id", "month", *by), start, end)
    group = rows["partner_id"].map({review.partner_id: "partner"} | dict.fromkeys(home, "in-house"))
    rows = rows.assign(group=group).dropna(subset=["group"])
    return rows.groupby(["month", "group", *by], as_index=False)[["numerator", "denominator"]].sum()


def _cells(review: Review, bills: pd.DataFrame, start: date, end: date, home: pd.Series) -> pd.DataFrame | None:
    """Lay every month's bill on the contact reasons by their handling time; None without them."""
    work = _monthly(review, "aht_s", start, end, home, by=["category"])
    work = work[work["month"].isin(bills["month"].unique()) & (work["numerator"] > 0)]
    if work.empty or work["category"].nunique() < 2 or work["group"].nunique() < 2:
        return None
    of_month = work.groupby(["month", "group"])["numerator"].transform("sum")
    work = work.assign(part=work["numerator"] / of_month).drop(columns="numerator")
    cells = work.merge(bills[["month", "group", "numerator"]], on=["month", "group"])
    return cells.assign(numerator=cells["numerator"] * cells["part"]).drop(columns="part")
