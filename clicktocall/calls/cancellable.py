"""Whether a call can still be taken back."""

from __future__ import annotations

from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Call
from clicktocall.orders import Capability
from clicktocall.providers import get_provider
from clicktocall.states import WAITING_STATES


def is_cancellable(call: Call) -> bool:
    """Whether `cancel_call` can still do something for this call."""
    if call.is_over or call.cancel_requested_at is not None:
        return False
    return call.state in WAITING_STATES or provider_can_cancel(call)


def provider_can_cancel(call: Call) -> bool:
    """Whether the provider that holds the call can be asked to hang up."""
    try:
        return get_provider(call.provider).can(Capability.CANCEL)
    except ConfigurationError:
        return False
