from __future__ import annotations

from clicktocall.patterns import matches
from clicktocall.rules.base import Asked, Refusal, VisitorCode


def refuse_unlisted_numbers(asked: Asked) -> Refusal | None:
    """The number matches a pattern; an empty whitelist denies, unless any number may be called."""
    if asked.endpoint.allow_any_number:
        return None
    patterns = asked.endpoint.whitelist_patterns
    if not patterns:
        return Refusal(
            "whitelist_empty",
            VisitorCode.NOT_AVAILABLE,
            "The whitelist is empty and the endpoint does not allow any number.",
        )
    if any(matches(pattern, asked.contact.e164) for pattern in patterns):
        return None
    return Refusal(
        "not_on_whitelist",
        VisitorCode.NOT_AVAILABLE,
        f"None of the {len(patterns)} whitelist patterns matches the number.",
    )
