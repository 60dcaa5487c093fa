"""Orders for tests."""

from __future__ import annotations

import uuid
from typing import Any

from clicktocall.orders import CallOptions, CallOrder, Destination
from clicktocall.providers.sandbox.stories import contact_for

TEAM = "+442079460190"


def make_order(story: str = "completed", *, callback_url: str, **changes: Any) -> CallOrder:
    """An order to join the team with the contact of a story; `options` may be a dict."""
    options = changes.pop("options", {})
    given: dict[str, Any] = {
        "reference": uuid.uuid4().hex,
        "call_id": uuid.uuid4().hex,
        "account_id": "a" * 32,
        "endpoint_id": "e" * 32,
        "attempt_number": 1,
        "leg_a": Destination(kind="number", value=TEAM),
        "leg_b": Destination(kind="number", value=contact_for(story)),
        "caller_id_name": "Bicycle workshop",
        "caller_id_a": "+442079460191",
        "caller_id_b": "+442079460192",
        "max_duration": 600,
        "options": CallOptions(**options),
        "callback_url": callback_url,
    }
    return CallOrder(**{**given, **changes})


def make_one_leg_order(story: str = "completed", *, callback_url: str, **changes: Any) -> CallOrder:
    """An order to play something to the contact of a story alone."""
    contact = Destination(kind="number", value=contact_for(story))
    return make_order(
        story, callback_url=callback_url, **{"leg_a": contact, "leg_b": None, **changes}
    )
