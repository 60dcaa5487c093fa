"""Examples of every body. A test posts the requests and holds the answers against the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from clicktocall.api.errors import PROBLEMS

BASE = "https://www.example.com/clicktocall/api/v1/"
ACCOUNT = "3c9d6f1e0a8b4c7d9e2f5a6b7c8d9e0f"
ENDPOINT = "7f3b1c9e5d2a4f60b8c7d6e5f4a3b2c1"
CALL = "0b5e8d7c6a4f43219e8d7c6b5a493827"
BULK = "d2c4b6a8f0e14d3c8b7a695847362514"
WEBHOOK = "9e1f3a5b7c2d4e608f7a6b5c4d3e2f10"
DELIVERY = "4c6e8a0b2d1f43579b8d6f4e2c0a1b3d"
HOOK = "https://www.example.com/calls"
REFERENCE = "5a1d3c7e9b2f4e608d7c6b5a4f3e2d1c"
TEAM = "+442079460150"
SHOWN = "+442079460190"
VISITOR = "+442079460101"
OTHER_VISITOR = "+442079460102"


class Example(NamedTuple):
    summary: str
    value: Mapping[str, Any]


_WEEKDAYS = {
    "time_zone": "Europe/London",
    "monday": [["09:00", "17:30"]],
    "tuesday": [["09:00", "17:30"]],
    "wednesday": [["09:00", "12:30"], ["13:30", "17:30"]],
    "thursday": [["09:00", "17:30"]],
    "friday": [["09:00", "16:00"]],
    "exceptions": {"2026-12-24": [["09:00", "12:00"]], "2026-12-25": []},
}
_SALES = {
    "name": "Sales",
    "extension": TEAM,
    "provider": "sandbox",
    "allowed_countries": ["GB"],
    "allow_any_number": True,
    "allowed_origins": ["https://shop.example.com"],
}
_PRECISE = {
    **_SALES,
    "name": "Workshop",
    "dial_first": "contact",
    "caller_id_a": SHOWN,
    "timeout": 25,
    "max_duration": 900,
    "machine_detection": "hangup",
    "retry_min_period": 5,
    "retry_max_period": 15,
    "retry_max_count": 2,
    "opening_hours": _WEEKDAYS,
    "fallback_phone": "+442079460199",
    "consent_text": "I agree that the workshop rings me now on this number.",
    "consent_version": "2026-1",
    "privacy_url": "https://shop.example.com/privacy",
    "visitor_fields": ["name", "question"],
    "labels": {"button": "Ring me", "our_team": "The workshop"},
    "theme": {"accent": "#0b6e4f", "radius": "12px"},
}
_REMINDER = {
    "name": "Reminders",
    "extension_kind": "message",
    "message_text": "Your bicycle is ready. We are open until six.",
    "message_language": "en",
    "caller_id_a": SHOWN,
    "provider": "sandbox",
    "allowed_countries": ["GB"],
    "allow_any_number": True,
}
_CONNECT = {"contact": "020 7946 0101", "country": "GB"}
_CONNECT_FULL = {
    "contact": VISITOR,
    "client_reference": "order-2026-1187",
    "visitor": {"name": "Ada Byron", "email": "ada@example.com", "question": "Are my brakes done?"},
    "context": {"order": 1187, "basket": ["brake pads", "cable"]},
    "options": {"timeout": 20, "message_text": "A customer asks about an order."},
}
_WINDOW = {
    "days": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
    "from": {"hour": 9},
    "to": {"hour": 17, "minute": 30},
    "time_zone": "Europe/London",
}
_NUMBER = {"number": "+442079460191", "label": "Workshop", "for_leg_a": True, "for_leg_b": True}

REQUESTS: Mapping[str, Mapping[str, Example]] = {
    "createEndpoint": {
        "least": Example("What rings whom, and whom it may call", _SALES),
        "precise": Example("With hours, consent, redials and looks", _PRECISE),
        "message": Example("A voice message, which rings nobody but the contact", _REMINDER),
    },
    "replaceEndpoint": {"whole": Example("What is left out has its usual value again", _SALES)},
    "changeEndpoint": {
        "off": Example("Switch it off", {"active": False}),
        "hours": Example("Other hours", {"opening_hours": _WEEKDAYS}),
    },
    "connect": {
        "least": Example("Only the number, as somebody wrote it", _CONNECT),
        "full": Example("With what is known of the visitor", _CONNECT_FULL),
        "message": Example(
            "Other words than the endpoint's, without showing a number",
            {
                "contact": VISITOR,
                "options": {
                    "message_text": "Your bicycle is ready.",
                    "withhold_caller_id": True,
                    "caller_id_b": "",
                },
            },
        ),
        "scheduled": Example(
            "At a time that was agreed on",
            {"contact": VISITOR, "send_at": "2026-11-24T09:30:00+00:00"},
        ),
        "later": Example(
            "In office hours, for a day",
            {
                "contact": VISITOR,
                "options": {"delivery_time_window": _WINDOW, "validity_period": 1440},
            },
        ),
    },
    "createWebhook": {
        "least": Example("Everything of every call", {"url": HOOK}),
        "ends": Example(
            "Only ends and recordings",
            {"url": HOOK, "description": "Order system", "events": ["ended", "recorded"]},
        ),
    },
    "replaceWebhook": {
        "whole": Example("What is left out has its usual value again", {"url": HOOK})
    },
    "changeWebhook": {"on": Example("Switch it on again", {"active": True})},
    "addToWhitelist": {
        "area": Example("All numbers of London", {"pattern": r"\+4420", "note": "London"}),
        "one": Example("Exactly one number", {"pattern": r"\+442079460101$"}),
    },
    "replaceWhitelistEntry": {
        "whole": Example("Another pattern", {"pattern": r"\+442079460[0-9]{3}$", "note": "Drama"})
    },
    "changeWhitelistEntry": {"note": Example("Another note", {"note": "Greater London"})},
    "createNumber": {
        "number": Example("A telephone number", _NUMBER),
        "sender": Example("A sender id", {"number": "WORKSHOP", "for_leg_b": False}),
    },
    "replaceNumber": {"whole": Example("What is left out has its usual value again", _NUMBER)},
    "changeNumber": {"label": Example("Another label", {"label": "Counter"})},
    "createBulk": {
        "two": Example(
            "Two calls of one endpoint",
            {
                "bulk_id": "reminders-2026-11-21",
                "endpoint": ENDPOINT,
                "calls": [
                    {"contact": VISITOR, "client_reference": "patient-17"},
                    {"contact": "020 7946 0102", "country": "GB"},
                ],
            },
        ),
        "paced": Example(
            "Ten calls a minute, from nine o'clock on",
            {
                "endpoint": ENDPOINT,
                "speed": {"calls": 10, "unit": "minute"},
                "calls": [
                    {"contact": VISITOR, "send_at": "2026-11-24T09:00:00Z"},
                    {"contact": OTHER_VISITOR, "send_at": "2026-11-24T09:00:00Z"},
                ],
            },
        ),
    },
    "rescheduleBulk": {
        "later": Example("Tomorrow at nine", {"send_at": "2026-11-22T09:00:00+00:00"})
    },
}


def _page(row: Mapping[str, Any], path: str) -> dict[str, Any]:
    return {"next": f"{BASE}{path}?cursor=cD0yMDI2LTExLTIx", "previous": None, "results": [row]}


_OPTIONS = {
    "dial_first": "extension",
    "caller_id_a": "",
    "caller_id_b": SHOWN,
    "anonymization": False,
    "withhold_caller_id": False,
    "bridge": "",
    "callee_id_name": "",
    "callee_id_number": "",
    "timeout": 30,
    "max_duration": 600,
    "warning_time": None,
    "record": True,
    "machine_detection": "hangup",
    "message_text": "",
    "message_language": "",
    "message_voice_name": "",
    "message_voice_gender": "",
    "message_audio_url": "",
    "ringback": "",
    "music_on_hold": "",
    "ignore_early_media": True,
    "bypass_media": "",
    "presence_id": "",
    "custom_sip_headers": {},
    "custom_application_vars": {},
    "parameters": {},
    "callback_data": "",
    "transfers": [],
    "retry_min_period": None,
    "retry_max_period": None,
    "retry_max_count": 0,
    "validity_period": None,
    "delivery_time_window": {},
    "notify_url": "",
    "notify_content_type": "application/json",
}
_ENDPOINT = {
    "id": ENDPOINT,
    "account": ACCOUNT,
    "name": "Sales",
    "active": True,
    "extension_kind": "number",
    "extension": TEAM,
    "provider": "sandbox",
    "fallback_providers": [],
    **_OPTIONS,
    "allowed_origins": ["https://shop.example.com"],
    "allowed_countries": ["GB"],
    "allow_any_number": True,
    "opening_hours": _WEEKDAYS,
    "fallback_phone": "+442079460199",
    "consent_text": "",
    "consent_version": "",
    "privacy_url": "",
    "visitor_fields": ["name"],
    "labels": {"button": "Ring me"},
    "theme": {"accent": "#0b6e4f"},
    "created_at": "2026-11-20T09:12:44.318204Z",
    "updated_at": "2026-11-20T09:12:44.318204Z",
}
_QUEUED: dict[str, Any] = {
    "state": "queued",
    "outcome": None,
    "outcome_leg": None,
    "outcome_words": "",
    "legs": {"a": "waiting", "b": "waiting"},
    "connected_at": None,
    "ended_at": None,
    "talk_seconds": None,
    "price": None,
    "id": CALL,
    "account": ACCOUNT,
    "endpoint": ENDPOINT,
    "bulk": None,
    "contact": VISITOR,
    "extension": TEAM,
    "extension_kind": "number",
    "dial_first": "extension",
    "provider": "sandbox",
    "reference": None,
    "provider_reference": None,
    "attempts": [],
    "redial_count": 0,
    "client_reference": "order-2026-1187",
    "refusal_code": None,
    "door": "api",
    "requester": "key:7",
    "origin": "",
    "page": "",
    "visitor": {"name": "Ada Byron", "email": "ada@example.com", "question": ""},
    "consent_version": "",
    "created_at": "2026-11-21T14:00:00.102394Z",
    "due_at": "2026-11-21T14:00:00.102394Z",
    "expires_at": "2026-11-21T14:02:00.102394Z",
    "cancel_requested_at": None,
    "updated_at": "2026-11-21T14:00:00.102394Z",
    "recording": None,
    "status_url": f"{BASE}calls/{CALL}/",
    "cancel_url": f"{BASE}calls/{CALL}/cancel/",
    "poll_after": 0.7,
    "options": _OPTIONS,
    "context": {"order": 1187},
}
_PRICE = {"amount": "0.0125", "currency": "EUR"}
_ATTEMPT = {
    "state": "ended",
    "outcome": "completed",
    "outcome_leg": None,
    "outcome_words": "normal clearing",
    "legs": {"a": "ended", "b": "ended"},
    "connected_at": "2026-11-21T14:00:11.530000Z",
    "ended_at": "2026-11-21T14:03:23.870000Z",
    "talk_seconds": 192,
    "price": _PRICE,
    "number": 1,
    "provider": "sandbox",
    "reference": REFERENCE,
    "provider_reference": "sbx-4711",
    "created_at": "2026-11-21T14:00:00.131002Z",
    "leg_times": {
        "a": {
            "ringing_at": "2026-11-21T14:00:01.004000Z",
            "answered_at": "2026-11-21T14:00:05.220000Z",
            "ended_at": "2026-11-21T14:03:23.870000Z",
        },
        "b": {
            "ringing_at": "2026-11-21T14:00:06.100000Z",
            "answered_at": "2026-11-21T14:00:11.530000Z",
            "ended_at": "2026-11-21T14:03:23.870000Z",
        },
    },
}
_DONE = {
    **_QUEUED,
    **{
        name: _ATTEMPT[name]
        for name in (
            "state",
            "outcome",
            "outcome_words",
            "legs",
            "connected_at",
            "ended_at",
            "talk_seconds",
            "price",
            "reference",
            "provider_reference",
        )
    },
    "attempts": [_ATTEMPT],
    "due_at": None,
    "updated_at": "2026-11-21T14:03:24.010223Z",
    "recording": f"{BASE}calls/{CALL}/recording/",
    "cancel_url": None,
    "poll_after": None,
}
_CANCELED = {
    **_QUEUED,
    "state": "ended",
    "outcome": "canceled",
    "ended_at": "2026-11-21T14:00:00.480011Z",
    "cancel_requested_at": "2026-11-21T14:00:00.480011Z",
    "updated_at": "2026-11-21T14:00:00.480011Z",
    "due_at": None,
    "cancel_url": None,
    "poll_after": None,
}
_EVENT = {
    "id": 90211,
    "attempt": 1,
    "reference": REFERENCE,
    "kind": "ended",
    "leg": None,
    "leg_state": None,
    "outcome": "completed",
    "occurred_at": "2026-11-21T14:03:23.870000Z",
    "noted_at": "2026-11-21T14:03:24.001877Z",
    "talk_seconds": 192,
    "price": _PRICE,
    "words": "normal clearing",
    "answers": {},
    "source": "provider",
}
_KEYED = {
    **_EVENT,
    "id": 90209,
    "kind": "collected",
    "leg": "a",
    "outcome": None,
    "occurred_at": "2026-11-21T14:00:08.310000Z",
    "noted_at": "2026-11-21T14:00:08.402113Z",
    "talk_seconds": None,
    "price": None,
    "words": "",
    "answers": {"language": "1"},
}
_ENTRY = {"id": 31, "pattern": r"\+4420", "note": "London"}
_OWNED = {
    "id": 12,
    "account": ACCOUNT,
    "number": "+442079460191",
    "label": "Workshop",
    "provider_aliases": [],
    "for_leg_a": True,
    "for_leg_b": True,
    "for_bridge": False,
}
_HOOKED = {
    "id": WEBHOOK,
    "account": ACCOUNT,
    "url": HOOK,
    "description": "Order system",
    "events": ["ended", "recorded"],
    "active": True,
    "disabled_at": None,
    "disabled_why": "",
    "created_at": "2026-11-20T09:12:44.318204Z",
    "updated_at": "2026-11-20T09:12:44.318204Z",
}
# It signs nothing.
_SIGNING = {"secret": "whsec_" + "ab" * 21 + "a="}
_DELIVERY = {
    "id": DELIVERY,
    "webhook": WEBHOOK,
    "call": CALL,
    "event": "call.ended",
    "url": HOOK,
    "content_type": "application/json",
    "state": "pending",
    "tries": 1,
    "next_try_at": "2026-11-21T14:03:29.210335Z",
    "last_status": 503,
    "last_words": "",
    "created_at": "2026-11-21T14:03:24.010223Z",
    "done_at": None,
}
_STATES = {
    "scheduled": 0,
    "queued": 0,
    "placing": 0,
    "placed": 0,
    "ringing": 0,
    "answered": 0,
    "connecting": 0,
    "connected": 0,
    "ended": 0,
}
_BULK = {
    "id": BULK,
    "account": ACCOUNT,
    "bulk_id": "reminders-2026-11-21",
    "created_at": "2026-11-21T14:00:00.102394Z",
    "speed": None,
    "next_call_at": None,
    "paused_at": None,
    "total": 1,
    "in_progress": 1,
    "by_state": {**_STATES, "queued": 1},
    "refused": [
        {
            "index": 1,
            "contact": "020 7946 0102",
            "code": "not_available",
            "refusal": "not_on_whitelist",
            "field": "contact",
            "message": "None of the 2 whitelist patterns matches the number.",
        }
    ],
    "calls_url": f"{BASE}calls/?bulk={BULK}",
}
_OUTCOMES = {
    "unknown": 0,
    "expired": 0,
    "failed": 1,
    "rejected": 0,
    "canceled": 2,
    "no_answer": 5,
    "busy": 3,
    "declined": 0,
    "machine": 1,
    "completed": 30,
}
_FIGURES = {
    "total": 42,
    "in_progress": 0,
    "connected": 29,
    "talk_seconds": 5213,
    "by_outcome": _OUTCOMES,
}
_STATISTICS = {
    **_FIGURES,
    "since": "2026-11-20T00:00:00Z",
    "until": "2026-11-21T00:00:00Z",
    "time_zone": "Europe/London",
    "refused": 4,
    "prices": [{"currency": "EUR", "amount": "1.86"}],
    "by_endpoint": [{**_FIGURES, "endpoint": ENDPOINT, "name": "Sales"}],
    "by_day": [{**_FIGURES, "day": "2026-11-20"}],
}
_REFUSAL = {
    "id": 5003,
    "endpoint": ENDPOINT,
    "refusal": "country_not_allowed",
    "code": "not_available",
    "message": "The number belongs to US; the endpoint allows GB.",
    "contact": "+12025550101",
    "door": "embed",
    "requester": "",
    "origin": "https://shop.example.com",
    "page": "https://shop.example.com/contact",
    "created_at": "2026-11-21T13:58:12.664120Z",
}

ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "listEndpoints": _page(_ENDPOINT, "endpoints/"),
    "createEndpoint": _ENDPOINT,
    "readEndpoint": _ENDPOINT,
    "replaceEndpoint": _ENDPOINT,
    "changeEndpoint": _ENDPOINT,
    "connect": _QUEUED,
    "listEndpointHistory": _page(_DONE, f"endpoints/{ENDPOINT}/history/"),
    "listWhitelist": _page(_ENTRY, f"endpoints/{ENDPOINT}/whitelist/"),
    "addToWhitelist": _ENTRY,
    "readWhitelistEntry": _ENTRY,
    "replaceWhitelistEntry": _ENTRY,
    "changeWhitelistEntry": _ENTRY,
    "listCalls": _page(_DONE, "calls/"),
    "readCall": {**_DONE, "answers": {"language": "1"}},
    "listCallEvents": {**_page(_EVENT, f"calls/{CALL}/events/"), "results": [_EVENT, _KEYED]},
    "cancelCall": _CANCELED,
    "listBulks": _page({k: v for k, v in _BULK.items() if k != "refused"}, "bulks/"),
    "createBulk": {**_BULK, "calls": [{**_QUEUED, "bulk": BULK, "client_reference": "patient-17"}]},
    "readBulk": _BULK,
    "pauseBulk": {**_BULK, "paused_at": "2026-11-21T14:00:01.240117Z"},
    "resumeBulk": _BULK,
    "rescheduleBulk": {**_BULK, "by_state": {**_STATES, "scheduled": 1}},
    "cancelBulk": {**_BULK, "in_progress": 0, "by_state": {**_STATES, "ended": 1}},
    "listNumbers": _page(_OWNED, "numbers/"),
    "createNumber": _OWNED,
    "readNumber": _OWNED,
    "replaceNumber": _OWNED,
    "changeNumber": _OWNED,
    "listWebhooks": _page(_HOOKED, "webhooks/"),
    "createWebhook": {**_HOOKED, **_SIGNING},
    "readWebhook": _HOOKED,
    "replaceWebhook": _HOOKED,
    "changeWebhook": _HOOKED,
    "rotateWebhookSecret": _SIGNING,
    "listWebhookDeliveries": _page(_DELIVERY, f"webhooks/{WEBHOOK}/deliveries/"),
    "listDeliveries": _page(_DELIVERY, "deliveries/"),
    "readDelivery": {
        **_DELIVERY,
        "body": '{"type":"call.ended","timestamp":"2026-11-21T14:03:24.010223Z","data":{}}',
        "log": [
            {"at": "2026-11-21T14:03:24.102731Z", "status": 503, "words": "", "milliseconds": 81}
        ],
    },
    "replayDelivery": {**_DELIVERY, "tries": 0},
    "listRefusals": _page(_REFUSAL, "refusals/"),
    "readStatistics": _STATISTICS,
}

_TOLD: Mapping[str, Mapping[str, Any]] = {
    "invalid_request": {
        "message": "Please check the request.",
        "fields": {"name": ["This field is required."]},
    },
    "invalid_number": {
        "message": "There are letters in it.",
        "fields": {"contact": ["There are letters in it."]},
        "refusal": "number_characters",
    },
    "not_available": {
        "message": "None of the 2 whitelist patterns matches the number.",
        "refusal": "not_on_whitelist",
    },
    "closed": {
        "message": "Outside the opening hours.",
        "refusal": "closed",
        "next_opening": "2026-11-23T09:00:00Z",
    },
}


def problem_example(code: str) -> dict[str, Any]:
    """An error with this code, as it may be told."""
    told = _TOLD.get(code) or {"message": PROBLEMS[code][1].replace("`", "")}
    return {"error": {"code": code, **told}}
