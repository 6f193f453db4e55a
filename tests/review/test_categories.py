"""Categories: mapped, counted, judged together; residuals by hand."""

from __future__ import annotations

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.review.categories import category_judgement, category_view, family_of
from bpo_analysis.review.category_mix import category_mix
from bpo_analysis.review.context import open_review

MAP = """\
    raw,category,kind
    billing,Money,request
    refund,Money,request
    complaint,Complaints,feedback
"""


def volume(days):
    """``days``: counts by reason for each day of January to April 2026, by month."""
    lines = ["partner_id,interval_start,reason,offered,answered"]
    for month, counts in days.items():
        for day in range(1, 29):
            lines += [f"acme,{month}-{day:02d},{reason},{n},{n}" for reason, n in counts.items()]
    return "\n".join(lines) + "\n"


SAME = {"billing": 10, "refund": 5, "complaint": 4, "misc": 1}


def review(path, period="2026-04"):
    return open_review(open_dataset(path), "acme", period)


def test_raw_reasons_are_gathered_and_shares_are_of_all(write_dataset):
    months = {f"2026-{m:02d}": SAME for m in range(1, 5)}
    view = category_view(review(write_dataset(volume=volume(months), category_map=MAP)), "reasons")
    assert [(row.category, row.kind, row.n) for row in view.rows] == [
        ("Money", "request", 15 * 28), ("Complaints", "feedback", 4 * 28), ("misc", "", 28),
    ]  # fmt: skip
    assert view.rows[0].raws == ("billing", "refund")
    assert view.rows[0].share.estimate == pytest.approx(0.75)
    assert view.unmapped == {"misc": 28}
    assert view.unmapped_share == pytest.approx(0.05)
    assert view.others == (28, pytest.approx(0.05))


def test_without_a_map_raw_categories_stand_for_themselves(write_dataset):
    view = category_view(review(write_dataset(volume=volume({"2026-04": SAME}))), "reasons")
    assert [row.category for row in view.rows] == ["billing", "refund", "complaint", "misc"]
    assert not view.mapped
    assert view.unmapped == {}


def test_a_first_month_has_no_before(write_dataset):
    view = category_view(review(write_dataset(volume=volume({"2026-04": SAME}))), "reasons")
    assert all(row.before is None and row.change is None and row.difference is None for row in view.rows)


def test_what_moved_is_found_and_what_did_not_is_not(write_dataset):
    months = {f"2026-{m:02d}": SAME for m in range(1, 4)}
    months["2026-04"] = {"billing": 10, "refund": 5, "complaint": 30, "misc": 1}
    opened = review(write_dataset(volume=volume(months), category_map=MAP))
    view, judged = category_view(opened, "reasons"), category_judgement(opened)
    found = {row.category for row in view.rows if judged.found(family_of("reasons"), row.category)}
    assert {"Complaints", "Money"} <= found
    still = review(write_dataset(volume=volume({f"2026-{m:02d}": SAME for m in range(1, 5)}), folder="still"))
    assert not category_judgement(still).findings


def test_a_category_that_vanished_is_still_listed(write_dataset):
    months = {f"2026-{m:02d}": SAME for m in range(1, 4)} | {"2026-04": {"billing": 10, "refund": 5}}
    view = category_view(review(write_dataset(volume=volume(months))), "reasons")
    gone = next(row for row in view.rows if row.category == "complaint")
    assert (gone.n, gone.n_before) == (0, 4 * 28 * 3)
    assert gone.change < 0


def test_reasons_of_contacts_stand_in_where_volume_has_none(write_dataset):
    contacts = "interaction_id,partner_id,created_at,reason\n1,acme,2026-01-05,billing\n2,acme,2026-01-06,\n"
    view = category_view(review(write_dataset(interactions=contacts), "2026-01"), "reasons")
    assert (view.total, view.without) == (1, 1)


def test_missing_is_none(write_dataset):
    opened = review(write_dataset(), "2026-01")
    assert category_view(opened, "reasons") is None
    assert category_view(opened, "comments") is None
    assert category_mix(opened) is None


def test_residuals_by_hand(write_dataset):
    """Counts 30, 10 / 20, 40: expected 20, 20 / 30, 30; adjusted residual of a 2 x 2 table is the same all round."""
    rows = "partner_id,interval_start,reason,offered,answered\n"
    counts = {("acme", "a"): 30, ("bolt", "a"): 10, ("acme", "b"): 20, ("bolt", "b"): 40}
    rows += "".join(f"{p},2026-01-05,{r},{n},{n}\n" for (p, r), n in counts.items())
    mix = category_mix(review(write_dataset(volume=rows), "2026-01"))
    expected = 10 / (20 * 0.6 * 0.5) ** 0.5
    assert mix.residuals.loc["a", "Acme Support"] == pytest.approx(expected)
    assert mix.residuals.loc["b", "Acme Support"] == pytest.approx(-expected)
    assert list(mix.counts.columns) == ["Acme Support", "Bolt & Co"]


def test_the_planted_mix_is_seen(review_of):
    """Four fifths of Meridia's contacts are hard, four fifths of Sólheim's easy."""
    table = category_mix(review_of("northline")).residuals
    assert table.loc["technical_fault", "Meridia Servicios"] > 5 > -5 > table.loc["technical_fault", "Sólheim Contact"]
