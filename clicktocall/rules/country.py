from __future__ import annotations

from clicktocall.rules.base import Asked, Refusal, VisitorCode


def refuse_foreign_numbers(asked: Asked) -> Refusal | None:
    """The number belongs to one of the allowed countries; sharing a calling code is not enough."""
    allowed = asked.endpoint.allowed_countries
    if asked.contact.region and asked.contact.region in allowed:
        return None
    return Refusal(
        "country_not_allowed",
        VisitorCode.NOT_AVAILABLE,
        f"The number belongs to {asked.contact.region or 'no country'}; "
        f"allowed are {', '.join(allowed) or 'none'}.",
    )
