"""Example rows of a new dataset: two partners in March 2026, consistent from table to table.

Every table of the schema has its row here; a test fails when a new table has none. A column that is left out is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["EXAMPLES"]


def _volume(partner: str, site: str, day: str, offered: int, answered: int) -> dict[str, str]:
    abandoned = offered - answered
    return {
        "partner_id": partner, "interval_start": day, "site": site, "queue": "main", "channel": "voice",
        "product": "mobile", "reason": "billing", "shift": "day", "offered": f"{offered}", "answered": f"{answered}",
        "answered_in_threshold": f"{answered - 9}", "threshold_s": "20", "abandoned": f"{abandoned}",
        "handled": f"{answered}", "transferred": "6", "escalated": "1", "wait_answered_s": f"{14 * answered}",
        "wait_abandoned_s": f"{40 * abandoned}", "talk_s": f"{300 * answered}", "hold_s": f"{20 * answered}",
        "acw_s": f"{60 * answered}", "extracted_on": "2026-04-01T06:00:00",
    }  # fmt: skip


def _month(partner: str, site: str, usual: int) -> list[dict[str, str]]:
    """Every day of March: so the month counts as covered, and reports take it by themselves."""
    rows = []
    for day in range(1, 32):
        offered = usual + 7 * day % 23
        rows.append(_volume(partner, site, f"2026-03-{day:02d}", offered, offered - 4 - day % 5))
    return rows


EXAMPLES: dict[str, Sequence[Mapping[str, str]]] = {
    "partners": (
        {
            "partner_id": "acme", "name": "Acme Support", "kind": "bpo", "region": "EMEA", "country": "IE",
            "timezone": "Europe/Dublin", "go_live": "2024-02-01", "masked_name": "Partner A",
        },
        {
            "partner_id": "bolt", "name": "Bolt Care", "kind": "bpo", "region": "EMEA", "country": "PL",
            "timezone": "Europe/Warsaw", "go_live": "2023-06-01", "masked_name": "Partner B",
        },
    ),
    "volume": (*_month("acme", "dublin", 120), *_month("bolt", "gdansk", 90)),
    "targets": (
        {
            "kpi": "service_level", "tier": "expected", "valid_from": "2026-01-01", "op": ">=", "value": "80 %",
            "kind": "absolute", "decimals": "1", "goal": "reach us quickly", "owner": "operations",
            "source_clause": "S2.1", "status": "agreed", "agreed_on": "2025-12-10", "agreed_by": "steering group",
        },
        {
            "kpi": "csat", "partner_id": "acme", "tier": "expected", "valid_from": "2026-01-01", "op": ">=",
            "value": "80 %", "kind": "absolute", "decimals": "1", "status": "agreed", "agreed_on": "2025-12-10",
        },
    ),
    "interactions": (
        {
            "interaction_id": "int-0001", "partner_id": "acme", "created_at": "2026-03-16T09:30:00", "site": "dublin",
            "queue": "main", "channel": "voice", "product": "mobile", "reason": "billing", "agent_id": "acme-a01",
            "team": "team-1", "customer_key": "3f9c1a", "shift": "day", "answered_at": "2026-03-16T09:30:12",
            "solved_at": "2026-03-16T09:36:40", "closed_at": "2026-03-16T09:37:40", "wait_s": "12", "talk_s": "330",
            "hold_s": "18", "acw_s": "60", "abandoned": "false", "transferred": "false", "escalated": "true",
            "reopens": "0", "resolved_first_contact": "true", "sla_met": "true", "handoffs": "0", "status": "solved",
            "extracted_on": "2026-04-01T06:00:00",
        },
    ),
    "surveys": (
        {
            "survey_id": "srv-0001", "interaction_id": "int-0001", "partner_id": "acme", "type": "csat",
            "scale_min": "1", "scale_max": "5", "score": "4", "sent_at": "2026-03-16T10:00:00",
            "answered_at": "2026-03-16T18:20:00", "resolved_answer": "true", "comment_category": "praise",
            "site": "dublin", "channel": "voice", "product": "mobile", "reason": "billing", "agent_id": "acme-a01",
        },
    ),
    "qa_ratings": (
        {
            "evaluation_id": "eva-0001", "item_id": "greeting", "partner_id": "acme", "interaction_id": "int-0001",
            "agent_id": "acme-a01", "rater_id": "client-q1", "rater_org": "client", "purpose": "grading",
            "item_weight": "10", "criticality": "none", "rating": "8", "rating_max": "10", "not_applicable": "false",
            "evaluated_at": "2026-03-18T11:00:00", "sampling": "random", "inclusion_probability": "0.05",
            "site": "dublin", "channel": "voice", "reason": "billing",
        },
        {
            "evaluation_id": "eva-0001", "item_id": "data_protection", "partner_id": "acme",
            "interaction_id": "int-0001", "agent_id": "acme-a01", "rater_id": "client-q1", "rater_org": "client",
            "purpose": "grading", "item_weight": "10", "criticality": "compliance", "rating": "10", "rating_max": "10",
            "not_applicable": "false", "evaluated_at": "2026-03-18T11:00:00", "sampling": "random",
            "inclusion_probability": "0.05", "site": "dublin", "channel": "voice", "reason": "billing",
        },
    ),
    "escalations": (
        {
            "escalation_id": "esc-01", "partner_id": "acme", "opened_at": "2026-03-16T10:00:00",
            "closed_at": "2026-03-17T15:00:00", "severity": "major", "level": "1", "category": "billing",
            "root_cause": "wrong_answer", "owner_side": "partner", "interaction_id": "int-0001", "due_hours": "48",
        },
    ),
    "escalation_steps": (
        {"escalation_id": "esc-01", "seq": "1", "at": "2026-03-16T10:20:00", "step": "received", "by": "partner"},
    ),
    "updates": (
        {
            "update_id": "upd-01", "source": "client", "title": "New refund rule", "announced_on": "2026-03-02",
            "effective_on": "2026-03-16", "agreed_lead_days": "7", "mandatory": "true", "reason": "billing",
        },
    ),
    "training_acks": (
        {
            "update_id": "upd-01", "agent_id": "acme-a01", "partner_id": "acme", "site": "dublin",
            "assigned_on": "2026-03-02", "due_on": "2026-03-15", "acknowledged_on": "2026-03-03",
            "trained_on": "2026-03-10", "passed": "true", "score": "90",
        },
    ),
    "roster": (
        {
            "agent_id": "acme-a01", "partner_id": "acme", "site": "dublin", "team": "team-1", "cohort": "2025-09",
            "hire_date": "2025-09-01", "prod_date": "2025-09-22", "skill": "multi", "fte": "1",
            "valid_from": "2025-09-01",
        },
    ),
    "support_staff": (
        {
            "partner_id": "acme", "site": "dublin", "role": "team_leader", "heads": "2", "valid_from": "2025-09-01",
        },
    ),
    "agent_time": (
        {
            "agent_id": "acme-a01", "partner_id": "acme", "date": "2026-03-16", "site": "dublin", "team": "team-1",
            "scheduled_s": "28800", "worked_s": "27000", "available_s": "7000", "handling_s": "18000",
            "aux_s": "2000", "absent_s": "0", "planned_leave_s": "0", "adherent_s": "26500",
        },
    ),
    "forecasts": (
        {
            "partner_id": "acme", "channel": "voice", "date": "2026-03-16", "issued_on": "2026-02-20",
            "locked": "true", "issued_by": "client", "forecast_offered": "135", "forecast_aht_s": "380",
            "required_s": "60000", "committed_s": "58000",
        },
    ),
    "contracts": (
        {
            "contract_id": "ctr-acme", "partner_id": "acme", "start": "2024-02-01", "end": "2027-01-31",
            "auto_renew": "true", "notice_days_client": "90", "notice_days_partner": "120",
            "termination_for_convenience": "true", "termination_fee": "0", "min_heads": "10", "min_volume": "1000",
            "ramp_up_days": "60", "ramp_down_days": "60", "review_on": "2026-11-01",
        },
    ),
    "contract_incentives": (
        {
            "rule_id": "sl-credit", "contract_id": "ctr-acme", "kpi": "service_level", "tier_low": "0",
            "tier_high": "0.75", "amount_share": "-0.02", "cap_share": "0.05", "earn_back_periods": "2",
        },
    ),
    "invoices": (
        {
            "invoice_id": "inv-2026-03", "line": "1", "partner_id": "acme", "period": "2026-03-01",
            "item": "contacts", "qty": "369", "rate": "5.6", "amount": "2066.4", "currency": "EUR",
        },
    ),
    "vendor_reported": (
        {
            "partner_id": "acme", "kpi": "service_level", "period": "2026-03-01", "value": "0.91", "n": "391",
            "definition": "as in the contract", "received_on": "2026-04-07",
        },
    ),
    "actions": (
        {
            "action_id": "act-01", "partner_id": "acme", "kpi": "csat", "type": "corrective",
            "forum": "monthly review", "problem": "Callers repeat their story after a transfer",
            "root_cause": "no notes", "action": "Hand over a written summary with each transfer",
            "owner": "A. Example", "owner_side": "partner", "proposed_by": "client", "raised_on": "2026-03-10",
            "approved_on": "2026-03-12", "due_on": "2026-04-30", "status": "open", "size": "small",
            "expected_effect": "CSAT +1 point", "check_on": "2026-07-31",
        },
    ),
    "events": (
        {
            "event_id": "evt-01", "partner_id": "acme", "start": "2026-03-16", "kind": "change",
            "owner_side": "client", "title": "New routing plan", "kpi": "service_level", "approved_by": "operations",
        },
    ),
    "exceptions": (
        {
            "exception_id": "exc-01", "partner_id": "acme", "dimension": "site", "value": "dublin",
            "why": "The partner has one site", "approved_by": "steering group", "valid_from": "2026-01-01",
            "review_on": "2026-12-31",
        },
    ),
    "benchmarks": (
        {
            "kpi": "fcr", "source": "Name of the study", "year": "2025", "low": "0.7", "high": "0.79",
            "population": "who was asked, and how many", "definition": "how it is counted there",
            "url": "https://example.org/study", "as_of": "2025-06-30", "next_review": "2026-12-31",
        },
    ),
    "category_map": ({"raw": "billing", "category": "Billing", "kind": "request"},),
    "meetings": (
        {
            "meeting_id": "mtg-01", "partner_id": "acme", "forum": "monthly review", "planned_on": "2026-03-10",
            "held_on": "2026-03-10", "attendees": "client; account manager",
        },
    ),
    "contacts": (
        {
            "partner_id": "acme", "side": "partner", "name": "A. Example", "role": "account manager",
            "forum": "account", "topic": "service_level", "severity": "major", "level": "1",
            "reached_by": "account.manager@example.org",
        },
    ),
    "deliverables": (
        {
            "deliverable_id": "del-01", "partner_id": "acme", "title": "Monthly report", "owner_side": "partner",
            "quality_standard": "complete by the fifth working day", "due_on": "2026-03-06",
            "delivered_on": "2026-03-05", "accepted_on": "2026-03-09",
        },
    ),
    "partner_requests": (
        {
            "request_id": "req-01", "partner_id": "acme", "kind": "access", "title": "Read access to the order system",
            "asked_on": "2026-03-03T09:00:00", "answered_on": "2026-03-05T16:00:00", "due_hours": "72",
        },
    ),
    "activities": (
        {
            "activity_id": "plan-01", "partner_id": "acme", "title": "Chat goes live", "kind": "launch",
            "start": "2026-05-04", "end": "2026-05-29", "owner": "A. Example", "owner_side": "partner",
            "status": "planned",
        },
    ),
    "relationship_surveys": (
        {
            "response_id": "rel-01", "partner_id": "acme", "answered_on": "2026-03-20", "side": "client",
            "question": "How well do we work together?", "score": "4", "scale_min": "1", "scale_max": "5",
        },
    ),
    "kb_articles": (
        {
            "article_id": "kb-01", "title": "How refunds work", "reason": "billing", "published_on": "2025-11-03",
            "reviewed_on": "2026-03-02", "valid_until": "2026-12-31",
        },
    ),
    "kb_usage": (
        {
            "partner_id": "acme", "date": "2026-03-16", "article_id": "kb-01", "views": "14", "searches": "20",
            "searches_missed": "3",
        },
    ),
    "pilot_units": (
        {
            "pilot_id": "suggested-replies", "unit": "acme-a01", "partner_id": "acme", "arm": "pilot",
            "valid_from": "2026-03-01",
        },
    ),
    "panel": (
        {
            "unit": "acme-a01", "partner_id": "acme", "date": "2026-03-16", "site": "dublin", "team": "team-1",
            "channel": "voice", "product": "mobile", "reason": "billing",
        },
    ),
}  # fmt: skip
