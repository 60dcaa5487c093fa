"""A provider's side of the callback route."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from django.urls import reverse

from clicktocall.models import Attempt
from clicktocall.models.fields import hex_id

SECRET = "callback-secret-in-tests"
JSON = "application/json"


def address(alias: str = "sandbox", secret: str = SECRET) -> str:
    return reverse("clicktocall:callback", args=(alias, secret))


def report(attempt: Attempt | None = None, **changes: Any) -> dict[str, Any]:
    """What the sandbox says of an attempt: by default that leg A rings."""
    given = {
        "event": "ringing",
        "event_id": hex_id(),
        "reference": attempt.reference if attempt else hex_id(),
        "call": attempt.provider_reference if attempt else hex_id(),
        "leg": "a",
        "at": attempt.created_at.isoformat() if attempt else "2026-11-23T12:00:00Z",
        "words": "180 Ringing",
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def post(
    body: Any,
    *,
    to: str | None = None,
    content_type: str = JSON,
    method: str = "POST",
    **headers: str,
) -> Any:
    """Send a callback as a provider does: no Origin, no cookie, no CSRF token."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.generic(method, to or address(), raw, content_type=content_type, headers=named)
