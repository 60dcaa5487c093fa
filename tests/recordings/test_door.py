"""The address of a recording that a report names: it plays, expires, and tells nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from clicktocall.calls.reports.recording_link import LIFETIME, recording_address
from clicktocall.models import Attempt, Call
from clicktocall.providers.sandbox.simulator import Simulator
from clicktocall.providers.simulation.tone import TONE
from tests.factories import make_attempt, make_call
from tests.heart.test_recording import boxes, configured, record_at, recorded_attempt
from tests.webhooks.making import make_placed, told, whole_call

__all__ = ["boxes", "configured"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def reached(settings: Any, configured: None) -> None:
    providers = settings.CLICKTOCALL["PROVIDERS"]
    settings.CLICKTOCALL = {
        "PUBLIC_URL": "http://testserver/clicktocall/",
        "PROVIDERS": {**providers, "sandbox": providers["box"]},
    }


def path_of(call: Call) -> str:
    return urlsplit(recording_address(call)).path


@pytest.fixture
def recorded(boxes: dict[str, Simulator]) -> Attempt:
    placement, address = record_at(boxes["box"], "box")
    call = make_call(provider="box", state="placed")
    return recorded_attempt(call, address=address, provider_reference=placement.provider_reference)


def test_it_plays_without_a_key(recorded: Attempt, client: Client) -> None:
    answer = client.get(path_of(recorded.call))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "audio/wav"
    assert answer["Content-Length"] == str(len(TONE))
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    assert b"".join(answer.streaming_content) == TONE  # type: ignore[attr-defined]
    head = client.head(path_of(recorded.call))
    assert (head.status_code, head["Content-Length"]) == (200, str(len(TONE)))


def test_it_expires_and_cannot_be_made_up(recorded: Attempt, client: Client) -> None:
    path = path_of(recorded.call)
    with time_machine.travel(timezone.now() + LIFETIME + timedelta(minutes=1)):
        assert client.get(path).status_code == 404
    other = make_call()
    for forged in (
        path.replace(recorded.call_id, other.pk),
        path[:-2] + "/",
        f"/clicktocall/recordings/{recorded.call_id}/",
    ):
        answer = client.get(forged)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"
    assert client.post(path).status_code == 405


def test_before_it_is_there_one_is_asked_to_wait(client: Client) -> None:
    attempt = make_placed(record=True)
    call = told(attempt, *whole_call())
    answer = client.get(path_of(call))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    Call.objects.filter(pk=call.pk).update(ended_at=timezone.now() - timedelta(hours=1))
    assert client.get(path_of(call)).status_code == 404


def test_what_the_provider_no_longer_has_is_gone(
    boxes: dict[str, Simulator], client: Client
) -> None:
    call = make_call(provider="box", state="placed")
    address = f"{boxes['box'].address}/recordings/none.wav"
    recorded_attempt(call, address=address, provider="box")
    assert client.get(path_of(call)).status_code == 410


def test_a_provider_that_does_not_answer(client: Client, settings: Any) -> None:
    providers = settings.CLICKTOCALL["PROVIDERS"]
    options = {**providers["box"]["OPTIONS"], "BASE_URL": "http://127.0.0.1:9"}
    silent = {**providers["box"], "OPTIONS": options}
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": {"box": silent}}
    call = make_call(provider="box", state="placed")
    attempt = make_attempt(call, provider="box", recording_url="http://127.0.0.1:9/recordings/a")
    Call.objects.filter(pk=call.pk).update(recording_url=attempt.recording_url)
    answer = client.get(path_of(call))
    assert answer.status_code == 503
    assert "127.0.0.1" not in answer.content.decode()
