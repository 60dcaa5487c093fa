"""What an automated client needs to know of a running demo."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from clicktocall.models import Endpoint, OwnedNumber
from clicktocall.numbers import is_e164
from demo_site import settings
from demo_site.data import ACCOUNT_ID, demo_origins


def demo_info() -> dict[str, Any]:
    """Addresses, buttons (each with an origin it may be shown on), and numbers with a story.

    Buttons and numbers are those of the provider that runs.
    """
    return {
        "base_url": settings.BASE_URL,
        "account_id": ACCOUNT_ID,
        "provider": settings.PROVIDER.name,
        "endpoints": [
            {"id": endpoint.id, "name": endpoint.name, "origin": _origin_of(endpoint)}
            for endpoint in Endpoint.objects.filter(
                account_id=ACCOUNT_ID, provider=settings.PROVIDER.name
            ).order_by("created_at")
        ],
        "numbers": {number.story: number.contact for number in settings.PROVIDER.numbers()},
        "caller_ids": [
            owned.number
            for owned in OwnedNumber.objects.filter(account_id=ACCOUNT_ID)
            if is_e164(owned.number)
        ],
        "widget_url": f"{settings.BASE_URL}{settings.STATIC_URL}clicktocall/widget.js",
        "admin_url": f"{settings.BASE_URL}{reverse('admin:index')}",
    }


def _origin_of(endpoint: Endpoint) -> str | None:
    """An origin that may show the button: one the demo serves, if the operator left one in."""
    allowed: list[str] = endpoint.allowed_origins
    served = [origin for origin in demo_origins() if origin in allowed]
    return next(iter([*served, *allowed]), None)
