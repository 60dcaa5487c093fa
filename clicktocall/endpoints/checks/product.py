"""Whether each provider could write the order at all: limits that only its adapter knows."""

from __future__ import annotations

from django.utils.translation import gettext as _

from clicktocall.endpoints.checks.common import Problems
from clicktocall.endpoints.specimen import specimen_order
from clicktocall.exceptions import InvalidOption
from clicktocall.models import Endpoint
from clicktocall.providers import Provider, get_provider

_FIELDS = frozenset(field.name for field in Endpoint._meta.fields)


def check_orders(endpoint: Endpoint) -> Problems:
    """Ask the endpoint's provider and every fallback; each of them is configured."""
    for alias in (endpoint.provider, *endpoint.fallback_providers):
        provider = get_provider(alias)
        try:
            provider.check_order(specimen_order(endpoint, provider))
        except InvalidOption as error:
            field = error.field if error.field in _FIELDS else "provider"
            yield field, _said_by(provider, error.message)


def _said_by(provider: Provider, message: str) -> str:
    return _("%(provider)s (“%(alias)s”): %(message)s") % {
        "provider": provider.label,
        "alias": provider.alias,
        "message": message,
    }
