"""Signing what we send, as the Standard Webhooks specification has it (version 1.0.0).

Signed is `<id>.<timestamp>.<body>` with HMAC-SHA256, once for every secret in force, so that a
receiver can change over from one secret to the next whenever it likes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX = "whsec_"
_BYTES = 32  # the specification allows 24 to 64


def new_secret() -> str:
    """A fresh secret (256 bits) as receivers are told it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def signed_headers(
    message_id: str, timestamp: int, body: bytes, signing_secrets: Iterable[str]
) -> dict[str, str]:
    """The headers that prove who sent `body`.

    Args:
        message_id: without a full stop, and the same for every try of the same message.
        timestamp: of this try, in seconds since 1970.
    """
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in signing_secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
