"""API keys: issued once, kept as a hash, revocable."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from clicktocall.models import Account, ApiKey, Endpoint, Scope

KEY_LENGTH = 64
SHORTEST_KEY = 16  # of a key that is brought along, for tests and demos
LONGEST_KEY = 128

_PREFIX_LENGTH = 8
_USE_RESOLUTION = timedelta(minutes=1)


def new_secret() -> str:
    """A fresh key of 64 URL-safe characters (384 bits)."""
    return secrets.token_urlsafe(48)


def issue_key(
    account: Account,
    name: str,
    scopes: Iterable[str] = (Scope.READ,),
    *,
    raw: str | None = None,
    default_endpoint: Endpoint | None = None,
) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret, which cannot be shown again.

    Raises:
        ValueError: `raw` is given and is too short or too long.
        ValidationError: a scope is unknown, or the endpoint belongs to another account.
    """
    secret = new_secret() if raw is None else raw
    if not SHORTEST_KEY <= len(secret) <= LONGEST_KEY:
        raise ValueError(
            f"An API key has {SHORTEST_KEY} to {LONGEST_KEY} characters, "
            f"this one has {len(secret)}; {KEY_LENGTH} is what we issue."
        )
    key = ApiKey(
        account=account,
        name=name,
        scopes=[str(scope) for scope in scopes],
        default_endpoint=default_endpoint,
    )
    seal(key, secret)
    key.clean()
    key.save()
    return key, secret


def seal(key: ApiKey, secret: str) -> None:
    """Put the hash and the recognisable beginning of `secret` into `key`. Does not save."""
    key.prefix = secret[:_PREFIX_LENGTH]
    key.key_hash = hash_secret(secret)


def hash_secret(secret: str) -> str:
    # A plain hash is enough: the secret is 384 random bits, there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()


def find_key(secret: str) -> ApiKey | None:
    """The living key with this secret; notes its use, to the minute. None for any other secret."""
    now = timezone.now()
    # One short condition: the ORM takes longer over each than the database does.
    key = next(iter(ApiKey.objects.filter(key_hash=hash_secret(secret))), None)
    if key is None or key.revoked_at or (key.expires_at and key.expires_at <= now):
        return None
    if key.last_used_at is None or key.last_used_at < now - _USE_RESOLUTION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def revoke_key(key: ApiKey) -> None:
    """From the next request on the key is refused. Revoking twice keeps the first time."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    key.refresh_from_db(fields=["revoked_at"])
