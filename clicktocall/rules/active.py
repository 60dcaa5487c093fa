from __future__ import annotations

from clicktocall.rules.base import Asked, Refusal, VisitorCode


def refuse_inactive(asked: Asked) -> Refusal | None:
    """An endpoint that is switched off places no call."""
    if asked.endpoint.active:
        return None
    return Refusal("endpoint_inactive", VisitorCode.NOT_AVAILABLE, "The endpoint is switched off.")
