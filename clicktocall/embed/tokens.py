"""Two kinds of token: a visitor's admission to one call, and the address of a call's status."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets

from django.core import signing
from django.utils.crypto import salted_hmac

from clicktocall.conf import settings

LONGEST_TOKEN_LIFETIME = 300

_NONCE = re.compile(r"[0-9a-f]{32}")
_MAC_LENGTH = 16


def token_lifetime() -> int:
    """Seconds a visitor's token is good for."""
    return min(int(settings.TOKEN_LIFETIME), LONGEST_TOKEN_LIFETIME)


def issue_token(endpoint_id: str, origin: str) -> str:
    """A token that admits one call of this endpoint from pages of this origin."""
    return _signer(endpoint_id, origin).sign(secrets.token_hex(16))


def read_token(token: str, endpoint_id: str, origin: str) -> str:
    """The nonce of a fresh token of ours; "" for any other text."""
    try:
        nonce = _signer(endpoint_id, origin).unsign(token, max_age=token_lifetime())
    except signing.BadSignature:
        return ""
    return nonce if _NONCE.fullmatch(nonce) else ""


def call_token(call_id: str) -> str:
    """The unguessable name of a call in a visitor's status address."""
    return base64.urlsafe_b64encode(bytes.fromhex(call_id) + _mac(call_id)).rstrip(b"=").decode()


def read_call_token(token: str) -> str | None:
    """The id of the call that a status address names; None for a forged one."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    call_id = raw[:16].hex()
    # The whole text is compared: base64 has several spellings of the same last byte.
    return call_id if hmac.compare_digest(token, call_token(call_id)) else None


def _signer(endpoint_id: str, origin: str) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"clicktocall.embed.token|{endpoint_id}|{origin}")


def _mac(call_id: str) -> bytes:
    return salted_hmac("clicktocall.embed.call", call_id, algorithm="sha256").digest()[:_MAC_LENGTH]
