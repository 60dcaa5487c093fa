"""What the fields of bodies hold, more exactly than their classes can say: JSON Schema.

A key is a field's name wherever it stands, or `Serializer.field`, which wins. What stands here
replaces what the field itself says of its type; the heart judges by the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clicktocall.calls.bulk import MOST_CALLS
from clicktocall.endpoints.checks.visitor import LABEL_KEYS, VISITOR_FIELDS
from clicktocall.hours import DAYS, MOST_EXCEPTIONS
from clicktocall.models import Told
from clicktocall.rules import VisitorCode
from clicktocall.states import CallState, LegState

Shape = Mapping[str, Any]

ID: Shape = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
ROW: Shape = {"type": "integer", "minimum": 1, "format": "int64"}
COUNT: Shape = {"type": "integer", "minimum": 0}
E164: Shape = {"type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$"}
ADDRESS: Shape = {"type": "string", "format": "uri"}
ANYTHING: Shape = {"type": "object", "additionalProperties": True}
# One line of text, as headers, labels and variables hold it.
LINE = "^[^\\u0000-\\u001f\\u007f]*$"
_NAME: Shape = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$"}
_ALIAS: Shape = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"\S"}


def nullable(shape: Shape) -> dict[str, Any]:
    return {**shape, "type": [shape["type"], "null"]}


def _lines(longest: int, names: Shape = _NAME) -> dict[str, Any]:
    return {
        "type": "object",
        "propertyNames": names,
        "additionalProperties": {"type": "string", "maxLength": longest, "pattern": LINE},
    }


_TIME_ZONE: Shape = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "description": "A name of the IANA time zone database; by default UTC.",
}
_CLOCK: Shape = {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
_SPAN: Shape = {
    "type": "array",
    "items": _CLOCK,
    "minItems": 2,
    "maxItems": 2,
    "description": "From, up to but not including; an end that is not later is the next day's.",
}
OPENING_HOURS: Shape = {
    "type": "object",
    "description": "Wall-clock times of the zone, by day. Empty: always open.",
    "properties": {
        "time_zone": _TIME_ZONE,
        **{day: {"type": "array", "items": _SPAN} for day in DAYS},
        "exceptions": {
            "type": "object",
            "description": "Hours of single dates, in place of those of their day; none: closed.",
            "maxProperties": MOST_EXCEPTIONS,
            "propertyNames": {"type": "string", "format": "date"},
            "additionalProperties": {"type": "array", "items": _SPAN},
        },
    },
    "additionalProperties": False,
    "anyOf": [
        {"maxProperties": 0},
        *({"required": [day], "properties": {day: {"minItems": 1}}} for day in DAYS),
    ],
}
_HOUR_MINUTE: Shape = {
    "type": "object",
    "properties": {
        "hour": {"type": "integer", "minimum": 0, "maximum": 23},
        "minute": {"type": "integer", "minimum": 0, "maximum": 59, "default": 0},
    },
    "required": ["hour"],
    "additionalProperties": False,
}
DELIVERY_TIME_WINDOW: Shape = {
    "type": "object",
    "description": (
        "Calls are only placed inside it. `from` and `to` go together and lie an hour or more "
        "apart; without `days` all seven. Empty: at any time."
    ),
    "properties": {
        "days": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "enum": [*(day.upper() for day in DAYS), *DAYS]},
        },
        "from": _HOUR_MINUTE,
        "to": _HOUR_MINUTE,
        "time_zone": _TIME_ZONE,
    },
    "dependentRequired": {"from": ["to"], "to": ["from"]},
    "additionalProperties": False,
}
SIP_HEADERS: Shape = {
    "description": "Header names and values, for both legs or by direction.",
    "anyOf": [
        {
            "type": "object",
            "minProperties": 1,
            "properties": {"in": _lines(255), "out": _lines(255)},
            "additionalProperties": False,
        },
        _lines(255),
    ],
}
TRANSFERS: Shape = {
    "type": "array",
    "description": "For voice messages and flows: whom a key press connects to.",
    "items": {
        "type": "object",
        "properties": {
            "transferTo": {**E164, "description": "Never a premium or satellite number."},
            "if": {"type": "string", "description": "What triggers it, such as `dtmf`."},
            "equals": {"description": "The key, such as `1`."},
            "callTransferMaxDuration": {
                "type": ["integer", "null"],
                "minimum": 1,
                "description": "Seconds, up to the site's limit.",
            },
        },
        "required": ["transferTo", "if"],
        "additionalProperties": False,
    },
}
THEME: Shape = {
    "type": "object",
    "properties": {
        "accent": {"type": "string", "pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"},
        "radius": {"type": "string", "pattern": "^(0|[1-9][0-9]?)px$"},
    },
    "additionalProperties": False,
}
LABELS: Shape = {
    "type": "object",
    "properties": {
        key: {"type": "string", "maxLength": 200, "pattern": LINE} for key in sorted(LABEL_KEYS)
    },
    "additionalProperties": False,
}
VARIABLES: Shape = {"description": "Values by name, each one line of text.", **_lines(1000)}
_WEB_ADDRESS_OR_EMPTY: Shape = {
    "type": "string",
    "maxLength": 200,
    "pattern": r"^https?://[A-Za-z0-9][^\s]*$",
}
_SECONDS_OR_NULL: Shape = {"type": ["integer", "null"], "maximum": 2147483647}

_REFUSAL_CODES = [code.value for code in VisitorCode]

# Shapes that stand in several bodies and have a name of their own.
NAMED: Mapping[str, Shape] = {
    "OpeningHours": OPENING_HOURS,
    "DeliveryTimeWindow": DELIVERY_TIME_WINDOW,
    "SipHeaders": SIP_HEADERS,
    "Transfers": TRANSFERS,
    "Variables": VARIABLES,
    "Labels": LABELS,
    "Theme": THEME,
}

FIELDS: Mapping[str, Shape] = {
    "account": ID,
    "endpoint": ID,
    "opening_hours": OPENING_HOURS,
    "delivery_time_window": DELIVERY_TIME_WINDOW,
    "custom_sip_headers": SIP_HEADERS,
    "custom_application_vars": VARIABLES,
    "parameters": VARIABLES,
    "transfers": TRANSFERS,
    "labels": LABELS,
    "theme": THEME,
    "max_duration": {**_SECONDS_OR_NULL, "minimum": 10},
    "warning_time": {**_SECONDS_OR_NULL, "minimum": 1},
    "notify_url": {**_WEB_ADDRESS_OR_EMPTY, "maxLength": 2048},
    "message_audio_url": _WEB_ADDRESS_OR_EMPTY,
    "privacy_url": _WEB_ADDRESS_OR_EMPTY,
    "fallback_providers": {"type": "array", "items": _ALIAS, "uniqueItems": True},
    "provider_aliases": {"type": "array", "items": _ALIAS},
    "allowed_origins": {
        "type": "array",
        "items": {"type": "string", "maxLength": 255, "pattern": r"^https?://[^/?#@\s]+$"},
    },
    "allowed_countries": {
        "type": "array",
        "items": {"type": "string", "pattern": "^[A-Z]{2}$"},
    },
    "visitor_fields": {
        "type": "array",
        "items": {"type": "string", "enum": list(VISITOR_FIELDS)},
    },
    "context": ANYTHING,
    "answers": {"type": "object", "additionalProperties": {"type": "string"}},
    "talk_seconds": nullable(COUNT),
    "FiguresSerializer.talk_seconds": COUNT,
    "send_at": {"type": "string", "format": "date-time"},
    "SpeedSerializer.calls": {"type": "integer", "minimum": 1, "maximum": MOST_CALLS},
    **{f"StatesSerializer.{state}": COUNT for state in CallState.values},
    "total": COUNT,
    "in_progress": COUNT,
    "connected": COUNT,
    "refused": COUNT,
    "redial_count": COUNT,
    "provider": _ALIAS,
    "contact": E164,
    "EndpointSerializer.id": ID,
    "OwnedNumberSerializer.id": ROW,
    "WhitelistEntrySerializer.id": ROW,
    "CallSerializer.id": ID,
    "CallSerializer.bulk": nullable(ID),
    "CallSerializer.reference": nullable(ID),
    "CallSerializer.options": ANYTHING,
    "AttemptSerializer.number": ROW,
    "AttemptSerializer.reference": ID,
    "CallEventSerializer.id": ROW,
    "CallEventSerializer.attempt": ROW,
    "CallEventSerializer.reference": ID,
    "CallEventSerializer.source": {"type": "string", "enum": ["provider", "self"]},
    "ConnectSerializer.contact": {"type": "string", "minLength": 1, "maxLength": 300},
    "ConnectSerializer.country": {"type": "string", "pattern": "^[A-Za-z]{2}$"},
    "LegsSerializer.a": {"type": "string", "enum": LegState.values},
    "LegsSerializer.b": {"type": ["string", "null"], "enum": [*LegState.values, None]},
    "PriceSerializer.amount": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    "RefusalSerializer.id": ROW,
    "RefusalSerializer.code": {"type": "string", "enum": _REFUSAL_CODES},
    "RefusalSerializer.contact": nullable(E164),
    "RefusedEntrySerializer.code": {
        "type": "string",
        "enum": [*_REFUSAL_CODES, "invalid_option"],
    },
    "RefusedEntrySerializer.contact": {"type": "string"},
    "RefusedEntrySerializer.index": COUNT,
    "BulkSummarySerializer.id": ID,
    "WebhookSerializer.id": ID,
    "WebhookSerializer.url": {**_WEB_ADDRESS_OR_EMPTY, "maxLength": 2048},
    "WebhookSerializer.events": {
        "type": "array",
        "items": {"type": "string", "enum": Told.values},
    },
    "DeliverySerializer.id": ID,
    "DeliverySerializer.webhook": nullable(ID),
    "DeliverySerializer.call": ID,
    "DeliverySerializer.url": ADDRESS,
    "DeliverySerializer.tries": COUNT,
    "DeliveryTrySerializer.milliseconds": COUNT,
    "BulkSerializer.refused": {},
}


def shape_of(field: Any) -> Shape | None:
    """What stands here for a serializer's field; None when the field can speak for itself."""
    for kind in type(field.parent).__mro__:
        shape = FIELDS.get(f"{kind.__name__}.{field.field_name}")
        if shape is not None:
            return shape or None
    return FIELDS.get(field.field_name) or None


def name_of(shape: Shape) -> str | None:
    return next((name for name, named in NAMED.items() if named is shape), None)
