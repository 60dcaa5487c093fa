"""`health/`: what a monitor is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from clicktocall.calls.brakes import stop_calls
from clicktocall.models import Circuit, Dispatcher
from tests.embed.faults import failing
from tests.factories import make_call

ADDRESS = "/clicktocall/health/"


def make_dispatcher(*, beat_ago: float, name: str = "host:1") -> Dispatcher:
    """A dispatcher that last gave a sign of life so many seconds ago."""
    now = timezone.now()
    return Dispatcher.objects.create(
        name=name, started_at=now - timedelta(hours=1), beat_at=now - timedelta(seconds=beat_ago)
    )


def ask(client: Client) -> dict[str, Any]:
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.django_db
def test_all_is_well(client: Client) -> None:
    make_dispatcher(beat_ago=2)

    told = ask(client)
    assert 2 <= told.pop("dispatcher_beat_seconds") < 5
    assert told == {
        "status": "ok",
        "database": True,
        "oldest_unplaced_seconds": None,
        "stopped": False,
        "providers_held": 0,
    }


@pytest.mark.django_db
def test_what_is_stopped_and_who_fails_is_told(client: Client) -> None:
    make_dispatcher(beat_ago=2)
    Circuit.objects.create(provider="sandbox", open_until=timezone.now() + timedelta(seconds=9))
    Circuit.objects.create(provider="better", open_until=timezone.now() - timedelta(seconds=9))
    told = ask(client)
    assert (told["status"], told["stopped"], told["providers_held"]) == ("degraded", False, 1)
    stop_calls(provider="sandbox")
    stop_calls(provider="other")
    stop_calls()
    told = ask(client)
    assert (told["status"], told["stopped"], told["providers_held"]) == ("degraded", True, 2)


@pytest.mark.django_db
def test_without_a_dispatcher_no_call_is_placed(client: Client) -> None:
    assert ask(client) == {
        "status": "degraded",
        "database": True,
        "oldest_unplaced_seconds": None,
        "dispatcher_beat_seconds": None,
        "stopped": False,
        "providers_held": 0,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("beats_ago", "status"), [([5], "ok"), ([31], "degraded"), ([99, 5], "ok")]
)
def test_the_latest_beat_of_any_dispatcher_counts(
    client: Client, beats_ago: list[float], status: str
) -> None:
    for number, beat_ago in enumerate(beats_ago):
        make_dispatcher(beat_ago=beat_ago, name=f"host:{number}")

    assert ask(client)["status"] == status


@pytest.mark.django_db
@pytest.mark.parametrize(("waits", "status"), [(5, "ok"), (31, "degraded"), (-60, "ok")])
def test_the_oldest_call_that_is_due_counts(client: Client, waits: int, status: str) -> None:
    make_dispatcher(beat_ago=1)
    make_call(due_at=timezone.now() - timedelta(seconds=waits))
    make_call(state="ended", outcome="completed", due_at=timezone.now() - timedelta(hours=1))
    make_call(state="ringing")

    told = ask(client)
    assert told["status"] == status
    if waits < 0:
        assert told["oldest_unplaced_seconds"] is None
    else:
        assert waits <= told["oldest_unplaced_seconds"] < waits + 3


@pytest.mark.django_db
def test_a_lost_database_is_503(client: Client) -> None:
    with failing("SELECT", OperationalError("no connection")):
        answer = client.get(ADDRESS)

    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "database": False}


@pytest.mark.django_db
def test_it_costs_three_looks_and_tells_no_number(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_call(contact="+442079460177")

    with django_assert_num_queries(3):
        answer = client.get(ADDRESS)
    assert b"7946" not in answer.content


@pytest.mark.django_db
def test_it_is_never_cached_and_only_read(client: Client) -> None:
    assert "no-store" in client.get(ADDRESS)["Cache-Control"]
    for method in ("post", "put", "delete"):
        assert getattr(client, method)(ADDRESS).status_code == 405


@pytest.mark.django_db
def test_a_host_that_wants_everybody_logged_in_lets_monitors_in(
    client: Client, settings: Settings
) -> None:
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]

    assert client.get(ADDRESS).status_code == 200
