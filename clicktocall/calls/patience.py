"""How long we wait for a provider's reports before we say that we do not know."""

from __future__ import annotations

from datetime import timedelta

from clicktocall.conf import settings
from clicktocall.orders import CallOptions

# Beyond the longest possible call: reports come late.
REPORT_GRACE = timedelta(seconds=120)
# Beyond two phones ringing in vain, where each step is reported as it happens.
PROGRESS_GRACE = timedelta(seconds=60)


def longest_talk(options: CallOptions) -> timedelta:
    """The longest time two parties of such a call can be joined."""
    longest: int = settings.MAX_DURATION
    return timedelta(seconds=min(options.max_duration or longest, longest))
