"""Orders like those of Infobip's own examples."""

from __future__ import annotations

from typing import Any

from clicktocall.orders import CallOptions, CallOrder, Destination

A, B = "+41793026727", "+41793026731"
FROM, FROM_B = "+41793026700", "+41793026701"
CALLBACK_URL = "https://www.example.com/voice/clicktocall"


def make_order(**changes: Any) -> CallOrder:
    """An order to join A and B; `options` may be a dict."""
    given: dict[str, Any] = {
        "reference": "MESSAGE-ID-123-xyz",
        "call_id": "c" * 32,
        "account_id": "a" * 32,
        "endpoint_id": "e" * 32,
        "attempt_number": 1,
        "leg_a": Destination(kind="number", value=A),
        "leg_b": Destination(kind="number", value=B),
        "caller_id_name": "Bicycle workshop",
        "caller_id_a": FROM,
        "caller_id_b": FROM_B,
        "max_duration": 60,
        "callback_url": CALLBACK_URL,
        **changes,
    }
    given["options"] = CallOptions(**given.get("options", {}))
    return CallOrder(**given)


def make_message_order(**changes: Any) -> CallOrder:
    """An order to play a message to A alone."""
    options = {"message_text": "Test Voice message.", **changes.pop("options", {})}
    return make_order(**{"leg_b": None, "caller_id_b": "", "options": options, **changes})


def make_flow_order(**changes: Any) -> CallOrder:
    """An order to run an IVR flow with A alone."""
    flow = "6298AA7707903A4ED680B436929681AD"
    return make_order(**{"leg_b": None, "caller_id_b": "", "flow": flow, **changes})
