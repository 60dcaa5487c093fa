"""A call in plain JSON, as the API shows it to its account, for what is sent without being asked.

The API writes its answers with serializers, which describe its contract too; a test holds the two
against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from clicktocall.calls.cancellable import is_cancellable
from clicktocall.conf import public_url
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Attempt, Call
from clicktocall.models.calls import ProgressFields
from clicktocall.states import Leg, Outcome


def described(call: Call, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """The call as `GET api/v1/calls/<id>/` answers, without `poll_after`.

    Args:
        attempts: all of the call, the first one first.
    """
    latest = attempts[-1] if attempts else None
    return {
        **_progress(call),
        "id": call.pk,
        "account": call.account_id,
        "endpoint": call.endpoint_id,
        "bulk": call.bulk_id,
        "contact": call.contact.as_e164,
        "extension": call.extension,
        "extension_kind": call.extension_kind,
        "dial_first": call.dial_first,
        "provider": call.provider,
        "reference": latest.reference if latest else None,
        "provider_reference": (latest.provider_reference or None) if latest else None,
        "attempts": [_attempt(attempt) for attempt in attempts],
        "redial_count": call.redial_count,
        "client_reference": call.client_reference,
        "refusal_code": "provider_refused" if call.outcome == Outcome.REJECTED else None,
        "door": call.door,
        "requester": call.requester,
        "origin": call.origin,
        "page": call.page,
        "visitor": {
            "name": call.visitor_name,
            "email": call.visitor_email,
            "question": call.visitor_question,
        },
        "consent_version": call.consent_version,
        "created_at": rfc3339(call.created_at),
        "due_at": rfc3339(call.due_at),
        "expires_at": rfc3339(call.expires_at),
        "cancel_requested_at": rfc3339(call.cancel_requested_at),
        "updated_at": rfc3339(call.updated_at),
        "options": call.options,
        "context": call.context,
        "answers": call.answers,
        "recording": _address(call, "recording/") if call.recording_url else None,
        "status_url": _address(call),
        "cancel_url": _address(call, "cancel/") if is_cancellable(call) else None,
    }


def rfc3339(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _progress(row: ProgressFields) -> dict[str, Any]:
    return {
        "state": row.state,
        "outcome": row.outcome,
        "outcome_leg": row.outcome_leg,
        "outcome_words": row.outcome_words,
        "legs": {"a": row.leg_a, "b": row.leg_b},
        "connected_at": rfc3339(row.joined_at),
        "ended_at": rfc3339(row.ended_at),
        "talk_seconds": row.talk_seconds,
        "price": _price(row),
    }


def _price(row: ProgressFields) -> dict[str, str] | None:
    if row.price is None:
        return None
    return {"amount": f"{row.price.normalize():f}", "currency": row.currency}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        **_progress(attempt),
        "number": attempt.number,
        "provider": attempt.provider,
        "reference": attempt.reference,
        "provider_reference": attempt.provider_reference,
        "created_at": rfc3339(attempt.created_at),
        "leg_times": {
            leg: {
                f"{what}_at": rfc3339(getattr(attempt, f"{leg}_{what}_at"))
                for what in ("ringing", "answered", "ended")
            }
            for leg in Leg.values
        },
    }


def _address(call: Call, more: str = "") -> str | None:
    """Where the API has it; None on a site that nobody reaches from outside."""
    try:
        return public_url(f"api/v1/calls/{call.pk}/{more}")
    except ConfigurationError:
        return None
