"""A key's secret: shown once, kept by nobody."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from clicktocall.accounts.keys import find_key
from clicktocall.models import ApiKey, Role
from tests.admin.conftest import House, list_of, page_of

pytestmark = pytest.mark.django_db


def add_key(client: Client, house: House, **changes: Any) -> Any:
    data = {
        "account": house.account.pk,
        "name": "Shop server",
        "scopes": ["read", "call"],
        "default_endpoint": house.endpoint.pk,
        **changes,
    }
    return client.post(list_of(ApiKey, "add"), data)


def secret_of(page: Any) -> str:
    shown = re.findall(r"<textarea[^>]*>([A-Za-z0-9_-]{64})</textarea>", page.content.decode())
    return str(shown[0])


def test_the_secret_is_shown_once_and_only_its_hash_is_kept(
    superuser: Client, ours: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page = add_key(superuser, ours)
    assert page.status_code == 200
    secret = secret_of(page)
    assert page.content.decode().count(secret) == 1
    assert "no-store" in page["Cache-Control"]
    key = ApiKey.objects.get(name="Shop server")
    assert key.key_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert key.scopes == ["read", "call"]
    assert find_key(secret) == key
    for again in (list_of(ApiKey), page_of(key), page_of(key, "history"), "/admin/"):
        assert secret not in superuser.get(again).content.decode()
    assert secret not in caplog.text
    assert secret not in everything_stored()
    assert not any(secret in cookie.value for cookie in superuser.cookies.values())


def everything_stored() -> str:
    """Every row of every table, and what sessions hold once they are decoded."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = []
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows.append(repr(cursor.fetchall()))
    sessions = [repr(session.get_decoded()) for session in Session.objects.all()]
    return "".join(rows + sessions)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes"),
        ({"name": ""}, "name"),
        ({"expires_at_0": "2001-01-01", "expires_at_1": "00:00"}, "expires_at"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    superuser: Client, ours: House, changes: dict[str, Any], field: str
) -> None:
    page = add_key(superuser, ours, **changes)
    found = page.context["adminform"].form.errors
    assert list(found) == [field]
    assert ApiKey.objects.count() == 1


def test_the_default_endpoint_is_of_the_same_account(
    superuser: Client, ours: House, theirs: House
) -> None:
    page = add_key(superuser, ours, default_endpoint=theirs.endpoint.pk)
    assert list(page.context["adminform"].form.errors) == ["default_endpoint"]


def test_a_key_cannot_be_changed_or_deleted(superuser: Client, ours: House) -> None:
    assert superuser.post(page_of(ours.key), {"name": "Mine"}).status_code == 403
    assert superuser.post(page_of(ours.key, "delete"), {"post": "yes"}).status_code == 403
    assert ApiKey.objects.get(pk=ours.key.pk).name == ours.key.name


def test_revoking_asks_first_and_cannot_be_undone(superuser: Client, ours: House) -> None:
    page = page_of(ours.key, "revoke")
    assert page in superuser.get(page_of(ours.key)).content.decode()
    assert superuser.get(page).status_code == 200
    assert find_key(ours.secret) is not None
    assert superuser.post(page).status_code == 302
    assert find_key(ours.secret) is None
    first = ApiKey.objects.get(pk=ours.key.pk).revoked_at
    superuser.post(page)
    assert ApiKey.objects.get(pk=ours.key.pk).revoked_at == first
    shown = superuser.get(page_of(ours.key)).content.decode()
    assert page not in shown
    assert "revoked" in shown
    assert LogEntry.objects.filter(change_message="Revoked.").count() == 1


def test_nothing_is_revoked_from_the_list_without_a_question(
    superuser: Client, ours: House
) -> None:
    assert 'name="action"' not in superuser.get(list_of(ApiKey)).content.decode()
    data = {"action": "revoke_selected", "_selected_action": [str(ours.key.pk)]}
    superuser.post(list_of(ApiKey), data)
    assert find_key(ours.secret) is not None


def test_revoking_needs_the_csrf_token(ours: House) -> None:
    from django.contrib.auth.models import User

    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("strict"))
    assert client.post(page_of(ours.key, "revoke")).status_code == 403
    assert find_key(ours.secret) is not None


def test_keys_are_a_manager_s(ours: House, member: Callable[..., Client]) -> None:
    assert add_key(member(ours.account, Role.EDITOR), ours).status_code == 403
    assert secret_of(add_key(member(ours.account, Role.MANAGER), ours))


def test_an_expired_key_says_so(superuser: Client, ours: House) -> None:
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert "expired" in superuser.get(list_of(ApiKey)).content.decode()
