"""What is sent: a call in the words of a webhook, or as the report that its `notify_url` gets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from clicktocall.calls.reports.described import described, rfc3339
from clicktocall.calls.reports.recording_link import recording_address
from clicktocall.conf import settings
from clicktocall.dialects.infobip.told import ToldCall, ToldLeg, told_as_json, told_as_xml
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Attempt, Call
from clicktocall.orders import Destination, DialFirst, ExtensionKind, ReportFormat
from clicktocall.states import Outcome

# Standard Webhooks: a message has less than 20 kB.
LARGEST = 20_000

# What a message that would be larger does without, one after the other.
_DISPENSABLE = ("options", "context", "answers", "attempts", "page", "visitor")
_FEATURES = {ExtensionKind.FLOW: "Outbound-IVR", ExtensionKind.MESSAGE: "Voice-message"}


def webhook_body(told: str, call: Call, attempts: Sequence[Attempt], at: datetime) -> bytes:
    """What a webhook is sent when `told` of the call has become known at that instant.

    Args:
        attempts: all of the call, the first one first.
    """
    data = described(call, attempts)
    message: dict[str, Any] = {"type": f"call.{told}", "timestamp": rfc3339(at), "data": data}
    body = _json(message)
    for name in _DISPENSABLE:
        if len(body) < LARGEST:
            break
        data.pop(name)
        message["left_out"] = [*message.get("left_out", ()), name]
        body = _json(message)
    return body


def report_body(call: Call, attempts: Sequence[Attempt], content_type: str) -> bytes:
    """The report of a call that is over, in Infobip's shape.

    Args:
        attempts: all of the call, the first one first.
        content_type: a `ReportFormat`.
    """
    write = told_as_xml if content_type == ReportFormat.XML else told_as_json
    body = write([_told(call, attempts, call.answers)])
    return body if len(body) < LARGEST else write([_told(call, attempts, {})])


def _json(message: dict[str, Any]) -> bytes:
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")  # halves of characters are no JSON


def _told(call: Call, attempts: Sequence[Attempt], answers: dict[str, str]) -> ToldCall:
    latest = attempts[-1] if attempts else Attempt(call=call)
    order = call.order(latest, callback_url="", longest=settings.MAX_DURATION)
    return ToldCall(
        message_id=call.pk,
        bulk_id=_bulk_id(call),
        sender=order.caller_id_a,
        sent_at=latest.created_at or call.created_at,
        outcome=Outcome(call.outcome or Outcome.UNKNOWN),
        words=call.outcome_words,
        leg_a=_leg("a", order.leg_a, call, latest),
        leg_b=_leg("b", order.leg_b, call, latest) if order.leg_b else None,
        ended_at=call.ended_at,
        duration=_duration(call, latest),
        price=call.price,
        currency=call.currency,
        callback_data=order.options.callback_data,
        feature=_FEATURES.get(ExtensionKind(call.extension_kind), "Click-to-call"),
        scenario_id=order.flow,
        answers=answers,
        recording_url=_recording(call),
    )


def _leg(leg: str, destination: Destination, call: Call, latest: Attempt) -> ToldLeg:
    contact_is_a = call.dial_first == DialFirst.CONTACT
    return ToldLeg(
        party="contact" if contact_is_a == (leg == "a") else "extension",
        to=destination.value,
        state=getattr(call, f"leg_{leg}") or "",
        ringing_at=getattr(latest, f"{leg}_ringing_at"),
        answered_at=getattr(latest, f"{leg}_answered_at"),
        ended_at=getattr(latest, f"{leg}_ended_at"),
    )


def _bulk_id(call: Call) -> str:
    if call.bulk is None:
        return ""
    return call.bulk.client_id or call.bulk.pk


def _duration(call: Call, latest: Attempt) -> int | None:
    """Seconds from leg A's answer to the end, and never less than were talked."""
    answered, ended = latest.a_answered_at, latest.a_ended_at or call.ended_at
    if answered is None or ended is None:
        return call.talk_seconds
    return max(round((ended - answered).total_seconds()), call.talk_seconds or 0)


def _recording(call: Call) -> str:
    """Also of a recording that is still on its way: providers hand it out after the end."""
    expected = call.options.get("record") and call.talk_seconds
    if not call.recording_url and not expected:
        return ""
    try:
        return recording_address(call)
    except ConfigurationError:  # a site that nobody reaches from outside
        return ""
