"""A call as its visitor may see it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework.request import Request

from clicktocall.calls import is_cancellable
from clicktocall.calls.watching import legs_as_told, poll_after
from clicktocall.embed.tokens import call_token
from clicktocall.models import Call


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
        "legs": legs_as_told(call),
        "dial_first": call.dial_first,
        "connected_at": call.joined_at,
        "ended_at": call.ended_at,
        "talk_seconds": call.talk_seconds,
        "status_url": status_url,
        "cancel_url": f"{status_url}cancel/" if is_cancellable(call) else None,
        "poll_after": poll_after(call),
    }
