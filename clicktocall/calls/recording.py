"""Listening to a call: its recording, fetched from the provider that keeps it."""

from __future__ import annotations

from clicktocall.exceptions import NoRecording
from clicktocall.models import Attempt, Call
from clicktocall.orders import Capability
from clicktocall.providers import RecordingStream, get_provider


def open_recording(call: Call) -> RecordingStream:
    """The recording of the call, while it is being fetched; close it, or use it in `with`.

    Its pieces raise a `ProviderError` when it breaks off in the middle.

    Raises:
        NoRecording: there is none, or its provider does not hand it out.
        RecordingGone: the provider no longer has it (also a `NoRecording`).
        ProviderError: the provider could not be asked or refused.
        ConfigurationError: the provider's alias is no longer configured.
    """
    attempt = _recorded_attempt(call)
    provider = get_provider(attempt.provider)
    if not provider.can(Capability.FETCH_RECORDING):
        raise NoRecording(f"{attempt.provider} does not hand out its recordings.")
    return provider.download_recording(attempt.placement, attempt.recording_url)


def _recorded_attempt(call: Call) -> Attempt:
    """The attempt that was recorded: after a failover it is with another provider than the first.

    Raises:
        NoRecording: there is none.
    """
    if call.recording_url:
        attempts = call.attempts.filter(recording_url=call.recording_url)
        if attempt := attempts.order_by("-number").first():
            return attempt
    raise NoRecording("The call has no recording.")
