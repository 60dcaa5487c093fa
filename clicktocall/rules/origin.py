from __future__ import annotations

from clicktocall.models import Endpoint
from clicktocall.rules.base import Asked, Refusal, VisitorCode


def origin_allowed(endpoint: Endpoint, origin: str) -> bool:
    """Whether pages of `origin` (scheme, host, port as a browser sends it) may show the button."""
    return bool(origin) and origin in endpoint.allowed_origins


def refusal_of_origin(origin: str) -> Refusal:
    """A page of `origin` ("" for none) is not one of the endpoint's own sites."""
    named = origin or "no origin"
    return Refusal(
        "origin_not_allowed",
        VisitorCode.NOT_AVAILABLE,
        f"{named[:255]} is not among the endpoint's allowed origins.",
    )


def refuse_foreign_origin(asked: Asked) -> Refusal | None:
    """Only pages of the endpoint's own sites may ask; a missing origin is foreign."""
    if asked.origin is None or origin_allowed(asked.endpoint, asked.origin):
        return None
    return refusal_of_origin(asked.origin)
