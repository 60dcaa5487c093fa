"""Watching a call and hanging up, by the call's token alone."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from clicktocall.embed.tokens import call_token
from clicktocall.models import Call, Endpoint
from clicktocall.models.fields import hex_id
from clicktocall.orders import Capability
from clicktocall.providers import get_provider
from clicktocall.providers.sandbox import SandboxProvider
from clicktocall.signals import call_ended
from tests.embed.faults import failing
from tests.embed.visitor import Browser, assert_refused
from tests.factories import ORIGIN, make_attempt, make_call, make_endpoint

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WITH_PROVIDER = ("placing", "placed", "ringing", "answered", "connecting", "connected")


def status_address(call: Call) -> str:
    return f"/clicktocall/embed/calls/{call_token(call.id)}/"


def cancel_address(call: Call) -> str:
    return f"{status_address(call)}cancel/"


class CannotHangUp(SandboxProvider):
    capabilities = SandboxProvider.capabilities - {Capability.CANCEL}


@pytest.fixture
def provider_cannot_hang_up(settings: Settings) -> None:
    entry = settings.CLICKTOCALL["PROVIDERS"]["sandbox"]
    backend = f"{__name__}.CannotHangUp"
    settings.CLICKTOCALL = {
        **settings.CLICKTOCALL,
        "PROVIDERS": {"sandbox": {**entry, "BACKEND": backend}},
    }
    assert not get_provider("sandbox").can(Capability.CANCEL)


# Status


def test_the_status_is_the_call_as_it_stands(endpoint: Endpoint, visitor: Browser) -> None:
    call = make_call(
        endpoint,
        state="ended",
        outcome="completed",
        outcome_leg="b",
        leg_a="ended",
        leg_b="ended",
        joined_at=NOW,
        ended_at=NOW + timedelta(seconds=65, milliseconds=250),
        talk_seconds=65,
    )

    answer = visitor.get(status_address(call))

    assert answer.status_code == 200
    assert answer.json() == {
        "id": call.id,
        "state": "ended",
        "outcome": "completed",
        "outcome_leg": "b",
        "legs": {"a": "ended", "b": "ended"},
        "dial_first": "extension",
        "connected_at": "2026-11-23T12:00:00Z",
        "ended_at": "2026-11-23T12:01:05.250000Z",
        "talk_seconds": 65,
        "status_url": f"http://testserver{status_address(call)}",
        "cancel_url": None,
        "poll_after": None,
    }


@pytest.mark.parametrize(
    ("state", "poll_after", "cancellable"),
    [
        ("queued", 0.7, True),
        ("placing", 0.7, True),
        ("placed", 0.7, True),
        ("ringing", 0.7, True),
        ("answered", 0.7, True),
        ("connecting", 0.7, True),
        ("connected", 2.0, True),
        ("ended", None, False),
    ],
)
def test_every_state_says_when_to_ask_again(
    endpoint: Endpoint, visitor: Browser, state: str, poll_after: float | None, cancellable: bool
) -> None:
    call = make_call(endpoint, state=state)

    told = visitor.get(status_address(call)).json()

    assert (told["state"], told["poll_after"]) == (state, poll_after)
    assert (told["cancel_url"] is not None) == cancellable


@pytest.mark.parametrize(("wait", "poll_after"), [(0, 0.7), (5, 5.0), (3600, 15.0), (-60, 0.7)])
def test_a_scheduled_call_is_asked_about_when_it_is_due(
    endpoint: Endpoint, visitor: Browser, wait: int, poll_after: float
) -> None:
    with time_machine.travel(NOW, tick=False):
        call = make_call(endpoint, state="scheduled", due_at=NOW + timedelta(seconds=wait))
        assert visitor.get(status_address(call)).json()["poll_after"] == poll_after


def test_a_call_that_makes_no_progress_is_asked_about_less_often(
    endpoint: Endpoint, visitor: Browser
) -> None:
    call = make_call(endpoint, state="ringing")
    Call.objects.update(updated_at=timezone.now() - timedelta(minutes=5))

    assert visitor.get(status_address(call)).json()["poll_after"] > 5


@pytest.mark.parametrize("state", ["queued", "placing", "placed"])
@pytest.mark.parametrize("alias", ["quiet", "gone"])
def test_nobody_waits_in_a_call_that_nobody_reports(
    endpoint: Endpoint, visitor: Browser, tells_the_end: str, state: str, alias: str
) -> None:
    """For all we know both phones ring by now, or both sides talk."""
    call = make_call(endpoint, state=state, provider=alias)
    told = visitor.get(status_address(call)).json()
    assert told["legs"] == {"a": "unreported", "b": "unreported"}
    Call.objects.update(provider="sandbox")
    told = visitor.get(status_address(call)).json()
    assert told["legs"] == {"a": "waiting", "b": "waiting"}


def test_what_was_reported_of_a_leg_is_told_whoever_reports(
    endpoint: Endpoint, visitor: Browser, tells_the_end: str
) -> None:
    call = make_call(endpoint, state="answered", provider=tells_the_end, leg_a="answered")
    told = visitor.get(status_address(call)).json()
    assert told["legs"] == {"a": "answered", "b": "unreported"}
    Call.objects.update(state="ended", outcome="busy", leg_a="busy", ended_at=NOW)
    told = visitor.get(status_address(call)).json()
    assert told["legs"] == {"a": "busy", "b": "waiting"}  # all is over: it was never rung


def test_a_second_leg_that_does_not_exist_is_not_unreported(
    endpoint: Endpoint, visitor: Browser, tells_the_end: str
) -> None:
    call = make_call(endpoint, state="placed", provider=tells_the_end, leg_b=None)
    assert visitor.get(status_address(call)).json()["legs"] == {"a": "unreported", "b": None}


@pytest.mark.parametrize(
    ("state", "idle", "poll_after"),
    [
        ("queued", 0, 0.7),
        ("placing", 0, 0.7),
        ("placed", 0, 2.0),
        ("placed", 59, 2.0),
        ("placed", 61, 5.6),
        ("placed", 3600, 5.6),
        ("ended", 3600, None),
    ],
)
def test_a_call_of_which_only_the_end_is_told_is_asked_about_less_often(
    endpoint: Endpoint,
    visitor: Browser,
    tells_the_end: str,
    state: str,
    idle: int,
    poll_after: float | None,
) -> None:
    with time_machine.travel(NOW, tick=False):
        call = make_call(endpoint, state=state, provider=tells_the_end)
        Call.objects.update(updated_at=NOW - timedelta(seconds=idle))
        told = visitor.get(status_address(call)).json()["poll_after"]
    assert told == (poll_after and pytest.approx(poll_after))


def test_an_unchanged_call_is_304(endpoint: Endpoint, visitor: Browser) -> None:
    call = make_call(endpoint, state="ringing", leg_a="ringing")
    first = visitor.get(status_address(call))

    again = visitor.get(status_address(call), If_None_Match=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert again["Access-Control-Allow-Origin"] == ORIGIN

    Call.objects.update(state="answered", leg_a="answered")
    changed = visitor.get(status_address(call), If_None_Match=first["ETag"])
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def forged_tokens(call: Call) -> Iterator[str]:
    token = call_token(call.id)
    other = call_token(hex_id())
    alphabet = string.ascii_letters + string.digits + "-_"
    for place, character in enumerate(token):
        following = alphabet[(alphabet.index(character) + 1) % 64]
        yield token[:place] + following + token[place + 1 :]
    yield token[:22] + other[22:]
    yield other[:22] + token[22:]
    yield token[:-1]
    yield token + "A"
    yield token + "="
    yield token.swapcase()
    yield token[::-1]
    yield call.id
    yield call.id + "0" * 11
    yield "A" * 43
    yield "-" * 43
    yield "%00" * 43
    yield "é" * 43


def test_a_forged_token_names_nothing(endpoint: Endpoint, visitor: Browser) -> None:
    call = make_call(endpoint)
    assert visitor.get(status_address(call)).status_code == 200

    for forged in forged_tokens(call):
        address = f"/clicktocall/embed/calls/{forged}/"
        assert_refused(visitor.get(address), 404, "not_found")
        assert_refused(visitor.post(f"{address}cancel/"), 404, "not_found")
    call.refresh_from_db()
    assert call.state == "queued", "a forged token cancelled the call"


def test_a_token_of_no_call_is_404(visitor: Browser) -> None:
    address = f"/clicktocall/embed/calls/{call_token(hex_id())}/"

    assert_refused(visitor.get(address), 404, "not_found")
    assert_refused(visitor.post(f"{address}cancel/"), 404, "not_found")


@pytest.mark.parametrize("door", ["python", "api", "admin", "kazoo", ""])
def test_a_call_of_another_door_cannot_be_reached(
    endpoint: Endpoint, visitor: Browser, door: str
) -> None:
    call = make_call(endpoint, door=door)

    assert_refused(visitor.get(status_address(call)), 404, "not_found")
    assert_refused(visitor.post(cancel_address(call)), 404, "not_found")
    call.refresh_from_db()
    assert call.state == "queued"


def test_an_endpoint_switched_off_still_tells_of_its_calls(
    endpoint: Endpoint, visitor: Browser
) -> None:
    call = make_call(endpoint)
    Endpoint.objects.update(active=False)

    assert visitor.get(status_address(call)).status_code == 200
    assert visitor.post(cancel_address(call)).json()["outcome"] == "canceled"


# Cancel


@pytest.mark.parametrize("state", ["queued", "scheduled"])
def test_a_waiting_call_is_taken_off_the_queue(
    endpoint: Endpoint,
    visitor: Browser,
    state: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    call = make_call(endpoint, state=state)
    ended: list[str] = []

    def hear(call: Call, **_kwargs: Any) -> None:
        ended.append(call.pk)

    call_ended.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            answer = visitor.post(cancel_address(call))
    finally:
        call_ended.disconnect(hear)

    assert answer.status_code == 200
    told = answer.json()
    assert (told["state"], told["outcome"]) == ("ended", "canceled")
    assert (told["cancel_url"], told["poll_after"]) == (None, None)
    call.refresh_from_db()
    assert (call.state, call.outcome, call.due_at) == ("ended", "canceled", None)
    assert call.ended_at is not None
    assert call.attempt_count == 0
    assert ended == [call.pk]


def test_cancelling_twice_changes_nothing(endpoint: Endpoint, visitor: Browser) -> None:
    call = make_call(endpoint)
    first = visitor.post(cancel_address(call)).json()
    again = visitor.post(cancel_address(call))

    assert again.status_code == 200
    assert again.json() == first


@pytest.mark.parametrize("outcome", ["completed", "busy", "unknown", "expired"])
def test_an_ended_call_stays_as_it_ended(
    endpoint: Endpoint, visitor: Browser, outcome: str
) -> None:
    call = make_call(endpoint, state="ended", outcome=outcome)

    answer = visitor.post(cancel_address(call))

    assert answer.status_code == 200
    assert answer.json()["outcome"] == outcome
    call.refresh_from_db()
    assert call.cancel_requested_at is None


@pytest.mark.parametrize("state", WITH_PROVIDER)
def test_a_call_with_its_provider_is_to_be_hung_up(
    endpoint: Endpoint, visitor: Browser, state: str
) -> None:
    call = make_call(endpoint, state=state)
    make_attempt(call, state=state)

    answer = visitor.post(cancel_address(call))

    assert answer.status_code == 200
    assert answer.json()["state"] == state, "it claims to have ended before the provider says so"
    assert answer.json()["cancel_url"] is None, "it can be cancelled twice"
    call.refresh_from_db()
    assert call.cancel_requested_at is not None
    assert call.cancel_due_at is not None


@pytest.mark.usefixtures("provider_cannot_hang_up")
@pytest.mark.parametrize("state", WITH_PROVIDER)
def test_a_provider_that_cannot_hang_up_is_not_promised(
    endpoint: Endpoint, visitor: Browser, state: str
) -> None:
    call = make_call(endpoint, state=state)

    assert visitor.get(status_address(call)).json()["cancel_url"] is None
    assert_refused(visitor.post(cancel_address(call)), 409, "not_cancellable")
    call.refresh_from_db()
    assert (call.state, call.cancel_requested_at) == (state, None)


@pytest.mark.usefixtures("provider_cannot_hang_up")
def test_off_the_queue_needs_no_provider(endpoint: Endpoint, visitor: Browser) -> None:
    call = make_call(endpoint)

    assert visitor.get(status_address(call)).json()["cancel_url"] is not None
    assert visitor.post(cancel_address(call)).json()["outcome"] == "canceled"


def test_a_provider_that_is_gone_from_the_settings_cannot_hang_up(
    endpoint: Endpoint, visitor: Browser
) -> None:
    call = make_call(endpoint, state="ringing", provider="gone")

    assert visitor.get(status_address(call)).json()["cancel_url"] is None
    assert_refused(visitor.post(cancel_address(call)), 409, "not_cancellable")


def test_a_get_cancels_nothing(endpoint: Endpoint, visitor: Browser) -> None:
    call = make_call(endpoint)

    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert visitor.request(method, cancel_address(call)).status_code == 405
    call.refresh_from_db()
    assert call.state == "queued"


@pytest.mark.django_db(transaction=True)
def test_a_lost_database_is_503(endpoint: Endpoint, visitor: Browser) -> None:
    call = make_call(endpoint)

    with failing("UPDATE", OperationalError("database is locked")):
        answer = visitor.post(cancel_address(call))
    assert_refused(answer, 503, "unavailable")
    with failing("SELECT", OperationalError("database is locked")):
        answer = visitor.get(status_address(call))
    assert_refused(answer, 503, "unavailable")
    call.refresh_from_db()
    assert call.state == "queued"


# What a stranger must not learn


def test_no_public_answer_tells_a_number_a_provider_or_an_account(visitor: Browser) -> None:
    endpoint = make_endpoint(provider="sandbox", fallback_phone="+442079460199")
    visitor = Browser(endpoint)
    told = visitor.connect(
        contact="020 7946 0177",
        fields={"name": "Canary", "email": "canary@example.com", "question": "canary?"},
    ).json()
    call = Call.objects.get()
    attempt = make_attempt(call, provider_reference="provider-id-canary", outcome_words="canary")
    Call.objects.update(outcome_words="canary words", requester="user:canary", price="1.5")
    Call.objects.update(answers={"card": "canary"})
    refused = visitor.connect(contact="+33 1 99 00 12 34")
    answers = [visitor.get(told["status_url"]), refused, visitor.connect(contact="020 7946 017")]
    Call.objects.update(state="ended", outcome="rejected")
    answers += [visitor.get(told["status_url"]), visitor.post(told["cancel_url"])]

    for text in (json.dumps(told), *(answer.content.decode() for answer in answers)):
        for secret in (
            "2079460177",
            "7946 0177",
            "2079460150",
            "199001234",
            "canary",
            "Canary",
            "sandbox",
            "price",
            attempt.reference,
            endpoint.account_id,
            str(call.idempotency_key),
            str(call.token_nonce),
        ):
            assert secret not in text, f"{secret} stands in {text}"


def test_the_configuration_tells_nothing_but_what_is_meant_for_visitors(
    endpoint: Endpoint, visitor: Browser
) -> None:
    make_call(endpoint, contact="+442079460177")
    Endpoint.objects.update(
        extension_kind="pbx",
        extension="canary-1000",
        allow_any_number=False,
        custom_sip_headers={"X-Canary": "1"},
        callback_data="canary",
    )
    endpoint.whitelist.create(pattern=r"\+44canary", note="canary")

    text = visitor.config().content.decode()
    for secret in ("canary", "sandbox", "2079460177", endpoint.account_id, ORIGIN, "whitelist"):
        assert secret not in text, f"{secret} stands in the configuration"
