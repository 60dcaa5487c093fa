"""Many messages in one request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clicktocall.dialects.infobip.requests import Message

MOST_DESTINATIONS = 20_000  # of one message


def envelope(messages: Iterable[Message], bulk_id: str = "") -> dict[str, Any]:
    """The body of a request for many messages; those alike but for whom they go to become one."""
    body: dict[str, Any] = {"bulkId": bulk_id} if bulk_id else {}
    body["messages"] = _together(messages)
    return body


def _together(messages: Iterable[Message]) -> list[Message]:
    gathered: list[Message] = []
    latest: dict[str, Message] = {}
    for message in messages:
        if "destinations" not in message:
            gathered.append(message)
            continue
        alike = repr(
            sorted((key, repr(said)) for key, said in message.items() if key != "destinations")
        )
        found = latest.get(alike)
        if found is not None and _fits(found, message):
            found["destinations"].extend(message["destinations"])
        else:
            latest[alike] = {**message, "destinations": [*message["destinations"]]}
            gathered.append(latest[alike])
    return gathered


def _fits(found: Message, more: Message) -> bool:
    return len(found["destinations"]) + len(more["destinations"]) <= MOST_DESTINATIONS
