"""How long we wait for a provider's reports before we say that we do not know."""

from __future__ import annotations

from datetime import timedelta

from clicktocall.conf import settings
from clicktocall.models import Call
from clicktocall.orders import CallOptions
from clicktocall.providers import get_provider

# Beyond the longest possible call: reports come late.
REPORT_GRACE = timedelta(seconds=120)
# Beyond two phones ringing in vain, where each step is reported as it happens.
PROGRESS_GRACE = timedelta(seconds=60)
# For asking the provider, before its silence ends the call.
LOOK_UP_GRACE = timedelta(seconds=60)


def longest_talk(options: CallOptions) -> timedelta:
    """The longest time two parties of such a call can be joined."""
    longest: int = settings.MAX_DURATION
    return timedelta(seconds=min(options.max_duration or longest, longest))


def report_wait(call: Call) -> timedelta:
    """How long a placed call may stay without a report before something must be wrong."""
    options = call.call_options
    ringing = timedelta(seconds=2 * options.timeout)
    if get_provider(call.provider).reports_progress:
        return ringing + PROGRESS_GRACE
    return ringing + longest_talk(options) + REPORT_GRACE
