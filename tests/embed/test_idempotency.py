"""One key, one call: judged before token, consent, hours and limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError
from django.utils import timezone

from clicktocall.calls import request_call
from clicktocall.models import Call, Endpoint, Refusal
from tests.embed.faults import failing
from tests.embed.visitor import Browser, assert_refused
from tests.factories import make_endpoint

KEY = "3f0c9a4e-8d55-4b8e-9c1e-0d6f6f6f0001"


def test_the_same_key_is_the_same_call(visitor: Browser) -> None:
    first = visitor.connect(idempotency_key=KEY)
    again = visitor.connect(idempotency_key=KEY)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert Call.objects.count() == 1
    assert not Refusal.objects.exists()


def test_another_key_is_another_call(visitor: Browser) -> None:
    first = visitor.connect(idempotency_key=KEY)
    other = visitor.connect(idempotency_key=KEY.upper())

    assert first.json()["id"] != other.json()["id"]
    assert Call.objects.count() == 2


def test_without_a_key_every_click_is_a_call(visitor: Browser) -> None:
    assert visitor.connect(idempotency_key=None).status_code == 202
    assert visitor.connect(idempotency_key=None).status_code == 202
    assert Call.objects.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"contact": "020 7946 0102"},
        {"contact": "tel:020 7946 0101"},
        {"contact": "+33 1 99 00 12 34"},
        {"contact": "(202) 555-0123", "country": "US"},
        {"fields": {"name": "Somebody else"}},
        {"fields": {"question": "Something else"}},
    ],
)
def test_the_same_key_with_another_body_is_422(visitor: Browser, changes: dict[str, Any]) -> None:
    visitor.connect(idempotency_key=KEY)

    answer = visitor.connect(idempotency_key=KEY, **changes)

    assert_refused(answer, 422, "idempotency_mismatch")
    assert Call.objects.count() == 1
    assert not Refusal.objects.exists()


def test_a_mismatch_with_a_used_token_is_a_mismatch(visitor: Browser) -> None:
    token = visitor.token()
    visitor.connect(idempotency_key=KEY, token=token)

    answer = visitor.connect(idempotency_key=KEY, token=token, contact="020 7946 0102")
    assert_refused(answer, 422, "idempotency_mismatch")


@pytest.mark.parametrize(
    "changes",
    [
        {"contact": "+44 20 7946 0101"},
        {"contact": "(020) 7946 0101", "country": "GB"},
        {"page": "https://shop.example/#opened-again"},
        {"consent": "2026-1"},
        {"fields": {}},
        {"fields": {"name": ""}},
        {"context": "forged"},
    ],
)
def test_what_means_the_same_is_the_same(visitor: Browser, changes: dict[str, Any]) -> None:
    first = visitor.connect(idempotency_key=KEY)
    again = visitor.connect(idempotency_key=KEY, **changes)

    assert again.status_code == 202, again.content
    assert again.json()["id"] == first.json()["id"]


@pytest.mark.parametrize("token", ["", "forged", None])
def test_the_key_is_judged_before_the_token(visitor: Browser, token: str | None) -> None:
    used = visitor.token()
    first = visitor.connect(idempotency_key=KEY, token=used)

    again = visitor.connect(idempotency_key=KEY, token=used if token is None else token)

    assert again.status_code == 202
    assert again.json() == first.json()


def test_the_key_outlives_its_token(visitor: Browser) -> None:
    token = visitor.token()
    first = visitor.connect(idempotency_key=KEY, token=token)

    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        again = visitor.connect(idempotency_key=KEY, token=token)
        other = visitor.connect(idempotency_key="another-key", token=token)

    assert again.status_code == 202
    assert again.json()["id"] == first.json()["id"]
    assert_refused(other, 403, "token_invalid")


@pytest.mark.parametrize(
    "since",
    [
        {"active": False},
        {"allowed_countries": []},
        {"allow_any_number": False},
        {"consent_text": "New.", "consent_version": "2"},
        {"opening_hours": {"monday": [["00:00", "00:01"]]}},
    ],
)
def test_a_repeat_is_answered_whatever_has_become_of_the_endpoint(
    endpoint: Endpoint, visitor: Browser, since: dict[str, Any]
) -> None:
    token = visitor.token()
    first = visitor.connect(idempotency_key=KEY, token=token, country="GB")
    Endpoint.objects.update(**since)

    with time_machine.travel("2026-11-21T12:00:00Z", tick=False):
        again = visitor.connect(idempotency_key=KEY, token=token, country="GB")

    assert again.status_code == 202, again.content
    assert again.json()["id"] == first.json()["id"]


def test_a_refused_request_leaves_its_key_free(endpoint: Endpoint, visitor: Browser) -> None:
    Endpoint.objects.update(allow_any_number=False)
    assert_refused(visitor.connect(idempotency_key=KEY), 403, "not_available")
    Endpoint.objects.update(allow_any_number=True)

    assert visitor.connect(idempotency_key=KEY).status_code == 202
    assert visitor.connect(idempotency_key=KEY, contact="020 7946 0102").status_code == 422


def test_a_key_of_another_endpoint_does_not_collide(endpoint: Endpoint, visitor: Browser) -> None:
    other = Browser(make_endpoint(endpoint.account))

    mine = visitor.connect(idempotency_key=KEY)
    theirs = other.connect(idempotency_key=KEY, contact="020 7946 0102")

    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["id"] != theirs.json()["id"]


def test_a_key_of_another_door_does_not_collide(endpoint: Endpoint, visitor: Browser) -> None:
    call = request_call(endpoint, "+442079460101", idempotency_key=KEY)
    told = visitor.connect(idempotency_key=KEY)

    assert told.status_code == 202
    assert told.json()["id"] != call.id


def test_the_longest_key_fits_its_column(visitor: Browser) -> None:
    key = "".join(chr(33 + n % 94) for n in range(128))

    first = visitor.connect(idempotency_key=key)
    assert first.status_code == 202
    assert visitor.connect(idempotency_key=key).json()["id"] == first.json()["id"]


def test_the_repeat_shows_the_call_as_it_stands_now(visitor: Browser) -> None:
    visitor.connect(idempotency_key=KEY)
    Call.objects.update(state="ringing", leg_a="ringing")

    again = visitor.connect(idempotency_key=KEY).json()
    assert (again["state"], again["legs"]["a"]) == ("ringing", "ringing")


def test_an_integrity_error_that_is_no_repeat_is_not_taken_for_one(endpoint: Endpoint) -> None:
    with failing("INSERT", IntegrityError("another constraint")), pytest.raises(IntegrityError):
        request_call(endpoint, "+442079460101", idempotency_key=KEY)

    assert not Call.objects.exists()
