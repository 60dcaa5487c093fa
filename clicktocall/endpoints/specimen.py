"""The order that a provider would get for a call of an endpoint, made without any call."""

from __future__ import annotations

from clicktocall.conf import settings
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Attempt, Call, Endpoint
from clicktocall.models.fields import hex_id
from clicktocall.numbers import example, parse_number
from clicktocall.orders import CallOrder
from clicktocall.providers import Provider

_SOMEWHERE = "https://www.example.com/clicktocall/callbacks/"
_A_SECRET = "x" * 43  # as long as `secrets.token_urlsafe()`
_SOMEBODY = "+442079460101"


def specimen_order(endpoint: Endpoint, provider: Provider) -> CallOrder:
    """What `provider` would be asked for a call to somebody whom `endpoint` may call.

    The endpoint may be one that was never saved. Nothing is written.
    """
    call = Call(
        account_id=endpoint.account_id,
        endpoint_id=endpoint.pk,
        contact=_contact(endpoint),
        extension_kind=endpoint.extension_kind,
        extension=endpoint.extension,
        caller_id_name=endpoint.name,
        options=endpoint.call_options().to_json(),
        provider=provider.alias,
    )
    attempt = Attempt(call=call, number=1, reference=hex_id(), provider=provider.alias)
    return call.order(attempt, callback_url=_callback_url(provider), longest=settings.MAX_DURATION)


def _contact(endpoint: Endpoint) -> str:
    """A number of the first country that may be called and has an example."""
    examples = ((example(region), region) for region in endpoint.allowed_countries)
    return next((parse_number(*written).e164 for written in examples if written[0]), _SOMEBODY)


def _callback_url(provider: Provider) -> str:
    """Where it would report to; before the site is set up, an address of about that length."""
    try:
        return provider.callback_url
    except ConfigurationError:
        return f"{_SOMEWHERE}{provider.alias}/{_A_SECRET}/"
