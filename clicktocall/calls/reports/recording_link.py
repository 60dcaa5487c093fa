"""Addresses under which the recording of one call can be heard without a key, for some days."""

from __future__ import annotations

from datetime import timedelta

from django.core import signing

from clicktocall.conf import public_url
from clicktocall.exceptions import NoRecording
from clicktocall.models import Call

# Longer than a report is tried, so that the last try still holds a working address.
LIFETIME = timedelta(days=7)

_SALT = "clicktocall.recording"


def recording_address(call: Call) -> str:
    """A new address of ours that plays the call's recording; whoever has it may listen.

    Raises:
        ConfigurationError: `PUBLIC_URL` is not set.
    """
    token = signing.TimestampSigner(sep=".", salt=_SALT).sign(call.pk)
    return public_url(f"recordings/{token}/")


def recorded_call(token: str) -> Call:
    """The call of an address that `recording_address` made.

    Raises:
        NoRecording: it is not one of ours, has expired, or the call is no longer there.
    """
    try:
        signer = signing.TimestampSigner(sep=".", salt=_SALT)
        call_id = signer.unsign(token, max_age=LIFETIME)
        return Call.objects.get(pk=call_id)
    except (signing.BadSignature, Call.DoesNotExist) as error:
        raise NoRecording("This address is not valid, or no longer.") from error
