"""Knowledge, repeat windows, outages and answers: by hand."""

from __future__ import annotations

import pytest

from bpo_analysis.review.client_side import answers, outages
from bpo_analysis.review.context import open_review
from bpo_analysis.review.knowledge import knowledge_coverage, searches, sessions
from bpo_analysis.review.resolution import repeat_free

VOLUME = """\
partner_id,interval_start,reason,offered,answered,handled
acme,2026-01-05,billing,60,60,60
acme,2026-01-06,orders,30,30,30
acme,2026-01-07,other,10,10,10
acme,2026-01-31,billing,0,0,0
"""
ARTICLES = """\
article_id,title,reason,published_on,reviewed_on,valid_until
k1,Bills,billing,2025-01-01,2025-12-22,
k2,Old bills,billing,2023-01-01,,
k3,Orders,orders,2025-06-01,,2026-01-15
k4,Later,other,2026-02-01,,
"""
USAGE = """\
partner_id,date,article_id,views,searches,searches_missed
acme,2026-01-05,k1,8,10,1
acme,2026-01-06,k1,12,30,9
acme,2026-02-06,k1,99,99,99
"""
MEETINGS = """\
meeting_id,partner_id,forum,planned_on,held_on,attendees
m1,acme,knowledge sharing,2026-01-10,2026-01-10,team lead; trainer; client
m2,acme,Training forum,2026-01-20,2026-02-03,trainer
m3,acme,monthly review,2026-01-12,2026-01-12,client
m4,acme,knowledge sharing,2026-02-10,2026-02-10,trainer
"""
EVENTS = """\
event_id,partner_id,start,end,kind,owner_side,title
v1,,2026-01-05,2026-01-06,outage,client,CRM down
v2,,2026-01-06,,outage,client,Phones down
v3,,2026-01-07,,outage,partner,Power cut
v4,,2026-02-01,,outage,client,Later
"""
REQUESTS = """\
request_id,partner_id,kind,title,asked_on,answered_on,due_hours
r1,acme,access,VPN,2026-01-02T00:00:00,2026-01-02T12:00:00,24
r2,acme,access,CRM,2026-01-03T00:00:00,2026-01-05T00:00:00,24
r3,acme,question,Refund,2026-01-04T00:00:00,2026-01-04T06:00:00,24
r4,acme,question,Price,2026-01-05T00:00:00,2026-01-06T00:00:00,24
r5,acme,tool,Macro,2026-01-31T12:00:00,2026-02-02T00:00:00,24
r6,acme,tool,Later,2026-02-01T12:00:00,,24
"""


@pytest.fixture
def review(write_dataset):
    folder = write_dataset(
        volume=VOLUME, kb_articles=ARTICLES, kb_usage=USAGE, meetings=MEETINGS, events=EVENTS, partner_requests=REQUESTS
    )
    return open_review(folder, "acme", "2026-01")


def test_coverage_is_the_share_of_contacts_with_a_current_article(review):
    found = knowledge_coverage(review)
    rows = found.table.set_index("reason")
    # k2 is stale, k3 ended, k4 is not published yet.
    assert rows["current"].to_dict() == {"billing": 1, "orders": 0, "other": 0}
    assert rows["articles"].to_dict() == {"billing": 2, "orders": 1, "other": 0}
    assert found.covered == pytest.approx(0.6)
    assert rows.loc["billing", "age_days"] == 40
    assert rows.loc["billing", "views"] == 20


def test_searches_that_found_nothing(review):
    found = searches(review)
    assert found.searches == 40
    assert found.missed.estimate == pytest.approx(10 / 40)
    assert found.views_per_contact == pytest.approx(20 / 100)


def test_sessions_held_by_the_end_of_the_period(review):
    found = sessions(review)
    assert (found.due, found.held) == (2, 1)
    assert found.table["state"].tolist() == ["not held", "held"]
    assert found.table["present"].tolist() == [1, 3]


def test_a_partner_without_meetings_has_no_sessions(review_of):
    assert sessions(review_of("home")) is None


def test_outages_of_the_client_count_a_day_once(review):
    found = outages(review)
    assert found.table["title"].tolist() == ["CRM down", "Phones down"]
    assert found.days == 2
    assert found.contacts == 90
    assert found.share == pytest.approx(0.9)


def test_answers_with_open_ones_counted(review):
    found = answers(review)
    # r6 is asked later; r5 is not answered by the end of the period, and not due.
    assert (found.asked, found.answered, found.open_now, found.overdue) == (5, 4, 1, 0)
    # Kaplan-Meier of answer over agreed time, r5 seen up to 0.5: 1 - 4/5 * 3/4 * 1/2.
    assert found.in_due.share_within == pytest.approx(0.7)
    kinds = found.by_kind.set_index("kind")
    assert kinds.loc["access", "median_hours"] == 30


def test_why_nothing_is_shown(write_dataset):
    review = open_review(write_dataset(), "acme", "2026-01")
    assert knowledge_coverage(review) == "table kb_articles is not in this dataset"
    assert searches(review) is None
    assert sessions(review) is None
    assert outages(review) is None
    assert answers(review) is None
    assert repeat_free(review) is None


def test_longer_windows_find_more_repeats_and_count_fewer_contacts(review_of):
    found = repeat_free(review_of("northline"))
    assert [item.window for item in found] == [3, 7, 14, 30]
    before = [item.before.estimate for item in found]
    assert before == sorted(before, reverse=True)
    counted = [item.contacts for item in found]
    assert counted == sorted(counted, reverse=True)
    assert found[1].last_day.isoformat() == "2026-10-24"


def test_the_week_of_the_catalogue_is_the_week_here(review_of):
    review = review_of("northline", "2026-09")
    week = next(item for item in repeat_free(review) if item.window == 7)
    # The catalogue knows repeats that came after the period; both count the same contacts up to the last day.
    repeated = review.measure("repeat_contact_rate", start=review.period.start, end=week.last_day)
    assert week.now.estimate == pytest.approx(1 - repeated.value)
