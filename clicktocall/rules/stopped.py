from __future__ import annotations

from clicktocall.rules.base import Asked, Refusal, VisitorCode


def refuse_stopped(asked: Asked) -> Refusal | None:
    """While a brake is pulled, nothing in its scope is dialled; who asks may ask again later."""
    stopped = asked.endpoint.stopped_by
    if not stopped:
        return None
    return Refusal("stopped", VisitorCode.UNAVAILABLE, f"Calls are stopped: {stopped}.")
