"""Improvements, opportunities, commitments of both sides, meetings, contacts, deliverables, opinions, activities."""

from __future__ import annotations

from datetime import date

import pytest

from bpo_analysis.review.activities import activities
from bpo_analysis.review.commitments import kept_by_side, owed
from bpo_analysis.review.context import open_review
from bpo_analysis.review.governance import contact_for, contacts, deliverables, forums, requests
from bpo_analysis.review.improvements import improvement_effects, improvements
from bpo_analysis.review.opportunities import opportunities
from bpo_analysis.review.relationship import opinions


@pytest.fixture
def review_with(write_dataset):
    def make(period="2026-01", **tables):
        return open_review(write_dataset(**tables), "acme", period)

    return make


def test_nothing_is_there_without_the_tables(review_with):
    review = review_with()
    for read in (improvements, owed, forums, contacts, deliverables, requests, opinions, activities, opportunities):
        assert read(review) is None
    assert kept_by_side(review) == []
    assert improvement_effects(review) == []
    assert contact_for(review) is None


ACTIONS = """
    action_id,partner_id,kpi,type,action,owner,owner_side,proposed_by,raised_on,approved_on,due_on,closed_on,status,size
    i1,acme,service_level,improvement,One,Ann,partner,partner,2026-01-02,2026-01-05,2026-01-20,2026-01-12,done,small
    i2,acme,service_level,improvement,Two,Ann,partner,client,2026-01-03,,2026-02-20,,open,large
    i3,bolt,service_level,improvement,Other,Bo,partner,partner,2026-01-03,,2026-02-20,,open,large
    c1,acme,,commitment,Send the calendar,planning,client,client,2026-01-02,,2026-01-10,2026-01-11,done,
    c2,acme,,commitment,Rehearse,Ann; planning,both,client,2026-01-02,,2026-01-15,,open,
    c3,acme,,commitment,Given up,Ann,partner,client,2026-01-02,,2026-01-15,,dropped,
"""


def test_improvements_by_origin_and_quarter(review_with):
    found = improvements(review_with(actions=ACTIONS))
    assert list(found.table["action_id"]) == ["i2", "i1"]
    assert (found.count(proposed_by="partner"), found.count(size="large")) == (1, 1)
    # The data begin in January: quarters without data are no quarters without improvements.
    (quarter,) = found.quarters.to_dict("records")
    assert [quarter[name] for name in ("label", "partner", "client", "approved", "done", "total")] == [
        "2026-Q1", 1, 1, 1, 1, 2,
    ]  # fmt: skip
    # One event in one quarter: exact Poisson limits 0.025 and 5.57.
    assert (found.rate.ci_low, found.rate.ci_high) == pytest.approx((0.0253, 5.5716), rel=1e-3)
    assert found.cycle is None


def test_promises_of_both_sides(review_with):
    kept = {(one.side, one.what): (one.on_time, one.due) for one in kept_by_side(review_with(actions=ACTIONS))}
    # The partner closed i1 in time; the joint c2 is open past its date for both; c1 came a day late; c3 was given up.
    assert kept == {("partner", "actions"): (1, 2), ("client", "actions"): (0, 2)}


def test_joint_actions_have_an_owner_on_each_side(review_with):
    found = owed(review_with(actions=ACTIONS))
    assert [(one.action, one.owners, one.joint, one.overdue_days) for one in found] == [
        ("Rehearse", ("Ann", "planning"), True, 16),
        ("Two", ("Ann",), False, None),
    ]


REQUESTS = """
    request_id,partner_id,kind,title,asked_on,answered_on,due_hours
    r1,acme,access,Account,2026-01-05T08:00:00,2026-01-06T08:00:00,24
    r2,acme,access,Account,2026-01-05T08:00:00,2026-01-07T09:00:00,24
    r3,acme,tool,Error,2026-01-31T20:00:00,2026-02-01T08:00:00,24
    r4,bolt,tool,Error,2026-01-05T08:00:00,,24
"""


def test_answers_that_come_after_the_period_are_not_known_at_its_end(review_with):
    review = review_with(partner_requests=REQUESTS)
    found = requests(review)
    assert (found.asked, found.open_now, found.answering) == (3, 1, None)
    # The third is due on 1 February: neither kept nor broken yet.
    (kept,) = kept_by_side(review)
    assert (kept.side, kept.on_time, kept.due) == ("client", 1, 2)


MEETINGS = """
    meeting_id,partner_id,forum,planned_on,held_on,attendees
    m1,acme,review,2025-11-11,2025-11-11,client; sponsor
    m2,acme,review,2025-12-09,2025-12-11,client
    m3,acme,review,2026-01-13,,
    m4,acme,review,2026-01-28,2026-02-03,client
    m5,acme,review,2026-02-10,2026-02-10,client
    m6,acme,review,2024-11-11,2024-11-11,client
"""


def test_meetings_held_moved_and_not_held(review_with):
    (forum,) = forums(review_with(meetings=MEETINGS))
    assert [meeting.state for meeting in forum.meetings] == ["held", "moved", "not held", "not held"]
    assert forum.held == 2
    assert forum.attended == {"client": 2, "sponsor": 1}
    assert forum.interval.ci_low < 0.5 < forum.interval.ci_high


CONTACTS = """
    partner_id,side,name,role,forum,topic,severity,level
    acme,partner,Ann,Account manager,account,,,2
    acme,partner,Duty,Real time,delivery,service_level,,1
    acme,partner,Boss,Director,steering,,high,3
    bolt,partner,Bo,Account manager,account,,,2
    ,client,Vera,Vendor manager,account,,,2
"""


def test_whom_to_turn_to(review_with):
    review = review_with(contacts=CONTACTS)
    assert [contact.name for contact in contacts(review)] == ["Boss", "Ann", "Duty", "Vera"]
    assert contact_for(review, review.kpis["service_level"]).name == "Duty"
    assert contact_for(review, review.kpis["csat"]).name == "Ann"
    assert contact_for(review, severity="high").name == "Boss"
    assert contact_for(review, severity="low").name == "Ann"
    assert contact_for(review, review.kpis["service_level"], side="client").name == "Vera"


def test_a_contact_for_another_matter_is_nobodys(review_with):
    head, _, duty = CONTACTS.strip("\n").splitlines()[:3]
    only = f"{head}\n{duty}\n"
    review = review_with(contacts=only)
    assert contact_for(review, review.kpis["csat"]) is None


DELIVERABLES = """
    deliverable_id,partner_id,title,owner_side,quality_standard,due_on,delivered_on,accepted_on
    d1,acme,Report,partner,all KPIs,2025-12-06,2025-12-05,2025-12-08
    d2,acme,Report,partner,all KPIs,2026-01-06,2026-01-08,2026-02-02
    d3,acme,Plan,client,,2026-01-20,2026-02-01,
    d4,acme,Report,partner,all KPIs,2026-02-06,,
"""


def test_deliverables_in_time_delivered_and_accepted(review_with):
    found = deliverables(review_with(deliverables=DELIVERABLES))
    rows = {row["title"]: row for row in found.table.to_dict("records")}
    assert [rows["Report"][name] for name in ("due", "on_time", "delivered", "accepted")] == [2, 1, 2, 1]
    assert [rows["Plan"][name] for name in ("due", "on_time", "delivered", "accepted")] == [1, 0, 0, 0]
    assert found.late[["title", "days"]].to_dict("records") == [{"title": "Plan", "days": 11}]


def test_a_deliverable_accepted_before_it_was_delivered_is_an_error(write_dataset):
    from bpo_analysis.data import open_dataset

    wrong = DELIVERABLES.replace("2025-12-05,2025-12-08", "2025-12-05,2025-12-04")
    (problem,) = open_dataset(write_dataset(deliverables=wrong)).check().found
    assert (problem.severity, problem.row, problem.rule) == ("error", 1, "accepted before delivered")


OPINIONS = """
    response_id,partner_id,answered_on,side,question,score,scale_min,scale_max
    1,acme,2026-01-05,client,,6,1,10
    2,acme,2026-01-05,client,,8,1,10
    3,acme,2026-01-06,client,,10,1,10
    4,acme,2025-06-05,client,,4,1,10
    5,acme,2026-01-07,agents,,4,1,5
    6,acme,2026-01-07,agents,,4,1,5
    7,acme,2026-01-07,agents,Tools,2,1,5
    8,acme,2026-02-07,client,,1,1,10
"""


def test_opinions_by_side_with_answers_and_interval(review_with):
    client, agents, tools = opinions(review_with(relationship_surveys=OPINIONS))
    assert (client.side, client.n, client.mean, client.before, client.n_before) == ("client", 3, 8.0, 4.0, 1)
    # Standard deviation 2, n = 3, t with 2 degrees of freedom 4.303: 8 -+ 4.97, kept inside the scale.
    assert client.interval == pytest.approx((3.03, 10.0), abs=0.01)
    assert (agents.n, agents.interval, agents.before) == (2, None, None)
    assert tools.question == "Tools"


ACTIVITIES = """
    activity_id,partner_id,title,kind,start,end,status,done_on
    a1,acme,Move of chat,transition,2025-12-01,2026-03-31,at_risk,
    a2,acme,Half of chat moved,milestone,2026-01-15,2026-01-15,on_track,
    a3,acme,First agents trained,milestone,2025-12-20,2025-12-20,done,2025-12-27
    a4,,New tool,launch,2026-02-10,,planned,
    a5,acme,Long ago,other,2025-01-10,2025-01-12,done,2025-01-12
    a6,acme,Done later,milestone,2026-01-20,2026-01-20,done,2026-02-03
    a7,acme,Given up,launch,2026-01-05,2026-01-06,dropped,
"""


def test_activities_and_their_state_at_the_end_of_the_period(review_with):
    found = {one.title: (one.state, one.days_late) for one in activities(review_with(activities=ACTIVITIES))}
    assert found == {
        "Move of chat": ("at risk", 0), "First agents trained": ("done", 7), "Half of chat moved": ("late", 16),
        "Done later": ("late", 11), "New tool": ("planned", 0), "Given up": ("dropped", 0),
    }  # fmt: skip
    assert next(iter(activities(review_with(activities=ACTIVITIES)))).end == date(2026, 3, 31)


def test_opportunities_are_sized_against_the_others_on_the_same_reason(review_with):
    lines = ["partner_id,interval_start,reason,offered,answered,handled,talk_s,hold_s,acw_s"]
    for day in range(1, 32):
        for partner, seconds in (("acme", 600), ("bolt", 300)):
            wobble = 10 * (day % 3)
            lines.append(f"{partner},2026-01-{day:02d},billing,20,20,20,{20 * (seconds + wobble)},0,0")
            lines.append(f"{partner},2026-01-{day:02d},orders,20,20,20,{20 * (300 + wobble)},0,0")
    found = opportunities(review_with(volume="\n".join(lines) + "\n"))
    assert found.basis == "others"
    best = found.found[0]
    assert (best.kpi.name, best.reason, best.clear) == ("aht_s", "billing", True)
    # 620 contacts, 300 seconds each: 51.7 hours.
    assert best.hours == pytest.approx(620 * 300 / 3600)
    assert best.ci_low < best.hours < best.ci_high
    assert not [one for one in found.found if one.reason == "orders" and one.clear]
