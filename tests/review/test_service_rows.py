"""Hours, queues and waits: pooled from sums, from the right table, with limits that hold their value."""

from __future__ import annotations

import pytest

from bpo_analysis.data import open_dataset
from bpo_analysis.review.context import open_review
from bpo_analysis.review.hours import hour_rows, note_slice, queue_rows, sliced, usual_range
from bpo_analysis.review.waits import wait_distributions

INTERVALS = """\
    partner_id,interval_start,queue,channel,offered,answered,answered_in_threshold,talk_s
    acme,2026-01-05 09:00,sales,voice,10,8,6,800
    acme,2026-01-05 09:30,,voice,4,4,4,200
    acme,2026-01-05 10:00,care,voice,5,5,2,1000
"""


def contacts(waits, day="2026-01-05", channel="voice"):
    lines = ["interaction_id,partner_id,created_at,channel,wait_s"]
    lines += [f"{i},acme,{day} {8 + i % 10:02d}:00,{channel},{wait}" for i, wait in enumerate(waits)]
    return "\n".join(lines) + "\n"


def review(path, period="2026-01"):
    return open_review(open_dataset(path), "acme", period)


def test_hours_come_from_intervals_where_there_are_any(write_dataset):
    found = hour_rows(review(write_dataset(volume=INTERVALS)))
    assert found.origin == "table volume"
    nine = sliced(review(write_dataset(volume=INTERVALS)), found.table[found.table["hour"] == 9], "aht_s")
    assert (nine.numerator, nine.denominator) == (1000, 12)
    assert nine.value == pytest.approx(1000 / 12)


def test_hours_come_from_contacts_where_volume_is_daily(write_dataset):
    found = hour_rows(review(write_dataset(interactions=contacts([5] * 20))))
    assert found.origin.startswith("single contacts")
    assert found.table["n_offered"].sum() == 20


def test_without_a_time_of_day_there_are_no_hours(write_dataset):
    assert hour_rows(review(write_dataset())) is None
    midnight = "interaction_id,partner_id,created_at\n1,acme,2026-01-05\n2,acme,2026-01-06\n"
    assert hour_rows(review(write_dataset(interactions=midnight, folder="midnight"))) is None


def test_queues_keep_what_has_no_queue(write_dataset):
    found = queue_rows(review(write_dataset(volume=INTERVALS)))
    assert found.table.groupby("queue")["n_offered"].sum().to_dict() == {"sales": 10, "(no queue)": 4, "care": 5}
    assert queue_rows(review(write_dataset(folder="none"))) is None


def test_a_slice_without_the_kpi_is_missing_not_nought(write_dataset):
    opened = review(write_dataset(volume=INTERVALS))
    table = hour_rows(opened).table
    assert sliced(opened, table, "escalated") is None
    assert sliced(opened, table.iloc[:0], "service_level") is None


def test_a_slice_is_noted_with_its_sums(write_dataset):
    opened = review(write_dataset(volume=INTERVALS))
    assert note_slice(opened, sliced(opened, hour_rows(opened).table, "service_level"), {"hour": "09"}) == "63.2 %"
    (figure,) = opened.figures.values()
    assert (figure.id, figure.numerator, figure.denominator) == ("service.service_level", 12, 19)


def test_what_is_usual_is_the_same_weekday(review_of):
    words, values = usual_range(review_of("northline", "2026-10-31"))
    opened = review_of("northline", "2026-10-24")
    assert words == "the last 8 Saturdays"
    assert values[-1] == opened.measure("offered").value


def test_what_is_usual_needs_some_days(write_dataset):
    path = write_dataset()
    assert usual_range(review(path, "2026-01-22")) is None
    assert len(usual_range(review(path, "2026-01-31"))[1]) == 4
    assert usual_range(review(path)) is None


def test_waits_by_hand(write_dataset):
    found = wait_distributions(review(write_dataset(interactions=contacts([*range(1, 20), 200]))))
    (voice,) = found
    assert voice.n == 20
    assert voice.within[10].estimate == pytest.approx(0.5)
    assert voice.within[120].estimate == pytest.approx(0.95)
    assert [q.seconds for q in voice.quantiles] == [10, 18, 19]
    assert voice.longest_s == 200
    assert all(q.low <= q.seconds <= q.high for q in voice.quantiles)


def test_every_channel_and_all_together(write_dataset):
    both = contacts([5] * 12) + "\n".join(f"c{i},acme,2026-01-06 09:00,chat,60" for i in range(30)) + "\n"
    found = wait_distributions(review(write_dataset(interactions=both)))
    assert [(d.channel, d.n) for d in found] == [("chat", 30), ("voice", 12), ("", 42)]


def test_few_waits_are_no_distribution_and_none_is_not_few(write_dataset):
    assert wait_distributions(review(write_dataset(interactions=contacts([5] * 9)))) == []
    assert wait_distributions(review(write_dataset(folder="none"))) is None


def test_shares_within_grow_with_time(review_of):
    for waits in wait_distributions(review_of("northline")):
        shares = [waits.within[limit].estimate for limit in sorted(waits.within)]
        assert shares == sorted(shares)


def test_waits_agree_with_the_service_level(review_of):
    """Voice within 20 s, of the answered: the second reading of the service level says the same."""
    opened = review_of("northline")
    voice = next(w for w in wait_distributions(opened) if w.channel == "voice")
    kpi = opened.measure("service_level_alternative", where={"channel": "voice"})
    assert voice.n == kpi.denominator
    assert voice.within[20].estimate == pytest.approx(kpi.value)
