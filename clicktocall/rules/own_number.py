from __future__ import annotations

from clicktocall.orders import CallOptions
from clicktocall.rules.base import Asked, Refusal, VisitorCode


def refuse_own_numbers(asked: Asked) -> Refusal | None:
    """The endpoint does not ring itself: neither its extension nor a number it shows."""
    options: CallOptions = asked.endpoint.call_options()
    own = {asked.endpoint.extension, options.caller_id_a, options.caller_id_b, options.bridge}
    if asked.contact.e164 not in own:
        return None
    return Refusal(
        "own_number", VisitorCode.NOT_AVAILABLE, "The number is one of the endpoint's own."
    )
