from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from clicktocall.accounts.keys import find_key, issue_key, new_secret, revoke_key
from clicktocall.models import ApiKey
from tests.factories import make_account, make_endpoint

pytestmark = pytest.mark.django_db


def test_a_key_is_64_characters_and_only_its_hash_is_kept() -> None:
    key, secret = issue_key(make_account(), "shop", ["read", "call"])
    assert len(secret) == 64
    stored = str(list(ApiKey.objects.values()))
    assert secret not in stored
    assert key.prefix == secret[:8]
    found = find_key(secret)
    assert found == key
    assert found is not None
    assert found.scopes == ["read", "call"]


def test_using_a_key_is_noted_once_a_minute() -> None:
    key, secret = issue_key(make_account(), "shop")
    find_key(secret)
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    find_key(secret)
    key.refresh_from_db()
    assert key.last_used_at == first


def test_revoked_expired_and_strange_keys_are_nobody() -> None:
    key, secret = issue_key(make_account(), "shop")
    revoke_key(key)
    revoked_at = key.revoked_at
    revoke_key(key)
    assert key.revoked_at == revoked_at
    assert find_key(secret) is None
    late, late_secret = issue_key(make_account(), "late")
    ApiKey.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert find_key(late_secret) is None
    assert find_key(new_secret()) is None
    assert find_key("") is None


def test_a_given_secret_must_be_long_enough() -> None:
    with pytest.raises(ValueError, match="16 to 128 characters"):
        issue_key(make_account(), "short", raw="short")


def test_unknown_scopes_and_foreign_endpoints_are_refused() -> None:
    with pytest.raises(ValidationError):
        issue_key(make_account(), "x", ["everything"])
    with pytest.raises(ValidationError):
        issue_key(make_account(), "x", ["read"], default_endpoint=make_endpoint())
