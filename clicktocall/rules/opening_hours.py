from __future__ import annotations

from clicktocall.hours import opening_hours
from clicktocall.rules.base import Asked, Refusal, VisitorCode


def refuse_when_closed(asked: Asked) -> Refusal | None:
    """Outside its opening hours an endpoint says when it opens next."""
    hours = opening_hours(asked.endpoint.opening_hours)
    if hours is None or hours.is_open(asked.placed_at):
        return None
    return Refusal(
        "closed",
        VisitorCode.CLOSED,
        "Outside the opening hours.",
        next_opening=hours.next_open(asked.placed_at),
    )
