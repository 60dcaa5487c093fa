"""Whether an endpoint's settings make sense together, for its provider and every fallback.

What concerns money, identity, consent or recording and cannot be done by a provider is refused
here; comfort options are kept and shown as not honoured. Nothing is dropped silently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from django.core.exceptions import ValidationError

from clicktocall.endpoints.checks import conversation, product, reports, visitor, when, who_rings
from clicktocall.endpoints.checks.common import Problems
from clicktocall.endpoints.specimen import specimen_order
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Endpoint
from clicktocall.orders import CallOptions, Capability
from clicktocall.providers import get_provider

_COMFORT = {
    "warning_time": Capability.WARNING_TIME,
    "ringback": Capability.RINGBACK,
    "music_on_hold": Capability.HOLD_MUSIC,
    "ignore_early_media": Capability.EARLY_MEDIA,
    "bypass_media": Capability.BYPASS_MEDIA,
    "presence_id": Capability.PRESENCE,
}
_CHECKS: tuple[Callable[[Endpoint], Problems], ...] = (
    who_rings.check_extension,
    who_rings.check_providers,
    who_rings.check_caller_ids,
    who_rings.check_callee_id,
    conversation.check_durations,
    conversation.check_message,
    conversation.check_sip_headers,
    conversation.check_variables,
    conversation.check_transfers,
    when.check_redial,
    when.check_window,
    when.check_opening_hours,
    reports.check_notify_url,
    visitor.check_origins,
    visitor.check_countries,
    visitor.check_consent,
    visitor.check_questions,
    visitor.check_labels,
    visitor.check_theme,
    visitor.check_fallback_phone,
)


def check_endpoint(endpoint: Endpoint) -> None:
    """Refuse settings that contradict each other or that a provider cannot honour.

    Raises:
        ValidationError: a dictionary of field name to messages.
    """
    _refuse(problem for check in _CHECKS for problem in check(endpoint))
    _refuse(product.check_orders(endpoint))  # only of settings that make sense in themselves


def _refuse(found: Problems) -> None:
    problems: dict[str, list[str]] = defaultdict(list)
    for field, message in found:
        problems[field].append(message)
    if problems:
        raise ValidationError(dict(problems))


def not_honoured(endpoint: Endpoint) -> list[str]:
    """Comfort options that are not as usual but that the endpoint's provider does nothing with.

    Either it never does, or not in calls of this endpoint's kind.
    """
    try:
        provider = get_provider(endpoint.provider)
    except ConfigurationError:
        return []
    never = {option for option, capability in _COMFORT.items() if not provider.can(capability)}
    passed_over = never | provider.passes_over(specimen_order(endpoint, provider))
    usual = CallOptions()
    return [
        option
        for option in CallOptions.names()
        if option in passed_over and getattr(endpoint, option) != getattr(usual, option)
    ]
