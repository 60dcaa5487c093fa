"""A call as its visitor may see it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request

from clicktocall.calls import is_cancellable
from clicktocall.embed.tokens import call_token
from clicktocall.models import Call
from clicktocall.states import CallState

_SOON = 0.7
_TALKING = 2.0
_LATER = 15.0
_SLOW_AFTER = 60


def visitor_call(call: Call, request: Request) -> dict[str, Any]:
    """State, outcome and legs in plain words; where to ask again and when (seconds)."""
    status_url = request.build_absolute_uri(
        reverse("clicktocall:embed-call", args=(call_token(call.id),))
    )
    return {
        "id": call.id,
        "state": call.state,
        "outcome": call.outcome,
        "outcome_leg": call.outcome_leg,
        "legs": {"a": call.leg_a, "b": call.leg_b},
        "dial_first": call.dial_first,
        "connected_at": call.joined_at,
        "ended_at": call.ended_at,
        "talk_seconds": call.talk_seconds,
        "status_url": status_url,
        "cancel_url": f"{status_url}cancel/" if is_cancellable(call) else None,
        "poll_after": _poll_after(call),
    }


def _poll_after(call: Call) -> float | None:
    match call.state:
        case CallState.ENDED:
            return None
        case CallState.SCHEDULED:
            wait = (call.due_at - timezone.now()).total_seconds() if call.due_at else 0.0
            return min(max(_SOON, wait), _LATER)
        case CallState.CONNECTED:
            return _TALKING
    # A call that has made no progress for a minute is not watched every second.
    idle = (timezone.now() - call.updated_at).total_seconds()
    return _SOON if idle < _SLOW_AFTER else _SOON * 8
