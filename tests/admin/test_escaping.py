"""Whatever is stored, an admin page shows it as text."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from django.urls import reverse

from clicktocall.models import (
    Account,
    ApiKey,
    Attempt,
    Call,
    CallbackReceipt,
    CallEvent,
    Dispatcher,
    Endpoint,
    OwnedNumber,
    Refusal,
    RefusalCount,
    WhitelistEntry,
)
from tests.admin.conftest import House
from tests.admin.test_scope import objects_of, routes

pytestmark = pytest.mark.django_db

PAYLOAD = "<xss '\"&>{{7*7}}"
SHORT = "<xss '\">"
MODELS = (
    Account,
    ApiKey,
    Attempt,
    Call,
    CallbackReceipt,
    CallEvent,
    Dispatcher,
    Endpoint,
    OwnedNumber,
    Refusal,
    RefusalCount,
    WhitelistEntry,
)


def poison(model: Any) -> None:
    """Put the payload into every column that can hold a text, past all checks."""
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.primary_key or field.is_relation or field.choices or field.unique:
            continue
        if field.name == "dedupe_key":  # shown nowhere, and unique
            continue
        if isinstance(field, models.JSONField):
            values[field.name] = _poisoned_json(field.name)
        elif isinstance(field, models.BinaryField):
            values[field.name] = PAYLOAD.encode()
        elif isinstance(field, models.CharField | models.TextField) and not _is_number(field):
            longest = field.max_length or 1000
            values[field.name] = PAYLOAD if longest >= len(PAYLOAD) else SHORT[:longest]
    values.pop("extension", None)  # constrained to E.164 by the database
    model.objects.update(**values)


def _is_number(field: Any) -> bool:
    return type(field).__name__ == "E164Field"


def _poisoned_json(name: str) -> Any:
    if name in ("allowed_countries", "allowed_origins", "visitor_fields", "scopes"):
        return [PAYLOAD]
    if name in ("fallback_providers", "provider_aliases"):
        return [PAYLOAD]
    if name == "opening_hours":
        return {"time_zone": PAYLOAD, "monday": [[PAYLOAD, PAYLOAD]]}
    if name == "delivery_time_window":
        return {"days": [PAYLOAD], "time_zone": PAYLOAD, "from": {"hour": PAYLOAD}}
    return {PAYLOAD: PAYLOAD, "title": PAYLOAD, "accent": PAYLOAD}


def test_every_text_is_escaped_on_every_page(ours: House, superuser: Client) -> None:
    from django.utils import timezone

    now = timezone.now()
    dispatcher = Dispatcher.objects.create(name=PAYLOAD, started_at=now, beat_at=now)
    User.objects.filter(username="OURS-owner").update(username=PAYLOAD)
    for model in MODELS:
        poison(model)
    seen = 0
    for model, obj in {**objects_of(ours), Dispatcher: dispatcher}.items():
        for name, about_one in routes(model):
            address = reverse(f"admin:{name}", args=(quote(obj.pk),) if about_one else ())
            answer = superuser.get(address, {"q": PAYLOAD} if not about_one else {})
            page = answer.content.decode()
            assert answer.status_code in (200, 302, 403), address
            assert "<xss" not in page, address
            assert ">49<" not in page, address
            seen += page.count("&lt;xss")
    assert seen > 100


def test_a_recording_s_or_page_s_address_is_no_script(ours: House, superuser: Client) -> None:
    evil = "javascript:alert(1)"
    Call.objects.update(recording_url=evil, page=evil, origin=evil)
    from tests.admin.conftest import page_of

    page = superuser.get(page_of(ours.call)).content.decode()
    assert f'href="{evil}' not in page
    assert evil in page


def test_admin_pages_cannot_be_framed(ours: House, superuser: Client) -> None:
    for model, obj in objects_of(ours).items():
        for name, about_one in routes(model):
            address = reverse(f"admin:{name}", args=(obj.pk,) if about_one else ())
            assert superuser.get(address)["X-Frame-Options"] == "DENY"


def test_assets_of_this_app_stay_on_its_own_pages(superuser: Client) -> None:
    for address in ("/admin/", "/admin/auth/user/", "/admin/auth/user/add/"):
        assert "clicktocall/admin.css" not in superuser.get(address).content.decode()
    assert (
        "admin/clicktocall/admin.css" in superuser.get("/admin/clicktocall/call/").content.decode()
    )
