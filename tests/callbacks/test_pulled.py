"""Reports that are fetched: handed out once, so kept before anything is made of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from clicktocall.calls.dispatch import CallDispatcher
from clicktocall.calls.recover import recover
from clicktocall.calls.replay import replay
from clicktocall.checks import check_settings
from clicktocall.models import CallbackReceipt, WaitingReport
from clicktocall.providers import CallbackRequest
from clicktocall.providers.reachability import callback_problem
from tests.callbacks.reporting import (
    ALIAS,
    ReportingProvider,
    attempt_at,
    configure,
)
from tests.embed.faults import failing
from tests.factories import make_call, make_endpoint


@pytest.fixture(autouse=True)
def reporting(settings: Any) -> None:
    pulling(settings)


def pulling(settings: Any, backend: str = "ReportingProvider", seconds: int = 600) -> None:
    options = {"PULL_SECONDS": seconds}
    configure(settings, BACKEND=f"tests.callbacks.reporting.{backend}", OPTIONS=options)


def pull() -> CallbackReceipt | None:
    """One round of a dispatcher; the receipt of what it fetched."""
    CallDispatcher([ALIAS]).drain()
    return CallbackReceipt.objects.last()


def pulled(body: bytes) -> None:
    """Let the provider hand out this body, once."""
    ReportingProvider.to_be_pulled.append(CallbackRequest("GET", "application/json", {}, {}, body))


@pytest.mark.django_db(transaction=True)
def test_what_was_pulled_is_applied_as_what_was_pushed() -> None:
    attempt = attempt_at(provider_reference="t1")
    body = b'[{"theirs": "t1", "id": "1"},\n {"theirs": "foreign", "id": "2"}]'
    pulled(body)

    receipt = pull()

    assert receipt is not None
    kept = CallbackReceipt.objects.get()
    assert kept == receipt
    assert (kept.provider, kept.method, kept.content_type) == (ALIAS, "GET", "application/json")
    assert bytes(kept.body) == body
    assert (kept.source_address, kept.status) == (None, "unmatched")
    assert attempt.events.get().receipt == kept
    assert WaitingReport.objects.get().provider_reference == "foreign"


@pytest.mark.django_db(transaction=True)
def test_when_none_wait_nothing_is_kept() -> None:
    assert pull() is None
    assert not CallbackReceipt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_does_not_answer_is_asked_another_time(settings: Any) -> None:
    pulling(settings, "SilentProvider")
    assert pull() is None


@pytest.mark.django_db(transaction=True)
def test_it_is_committed_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen_by_others: list[str] = []

    def look() -> None:
        try:
            seen_by_others.append(CallbackReceipt.objects.get().status)
        finally:
            connection.close()

    def parse(_self: Any, _request: CallbackRequest) -> Any:
        with ThreadPoolExecutor(1) as pool:  # a connection of its own sees only what is committed
            pool.submit(look).result()
        raise RuntimeError("a bug of the parser")

    monkeypatch.setattr(ReportingProvider, "parse_callback", parse)
    pulled(b"[]")
    receipt = pull()

    assert seen_by_others == ["received"]
    assert receipt is not None
    assert receipt.status == "failed"


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_read_is_kept_and_can_be_replayed() -> None:
    attempt = attempt_at(provider_reference="t1")
    ReportingProvider.unreadable[b"t1"] = RuntimeError("a bug of the parser")
    pulled(b'[{"theirs": "t1", "id": "1"}]')
    receipt = pull()
    assert receipt is not None
    assert receipt.status == "failed"

    ReportingProvider.unreadable.clear()

    assert replay(CallbackReceipt.objects.get()) == "applied"
    assert attempt.events.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_comes_back_loses_none() -> None:
    """The provider will not hand them out a second time."""
    pulled(b'[{"theirs": "t1", "id": "1"}]')
    attempt = attempt_at(provider_reference="t1")
    dispatcher = CallDispatcher([ALIAS])

    for _ in range(2):
        with (
            failing("INSERT", OperationalError("database is locked")),
            pytest.raises(OperationalError),
        ):
            dispatcher.drain()
    dispatcher.drain()

    assert CallbackReceipt.objects.get().status == "applied"
    assert attempt.events.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_was_kept_but_not_applied_is_taken_up_by_recovery() -> None:
    pulled(b'[{"theirs": "t1", "id": "1"}]')
    attempt = attempt_at(provider_reference="t1")
    locked = OperationalError("database is locked")
    with failing('INSERT INTO "clicktocall_callevent"', locked) as failed:
        pull()
    assert failed
    kept = CallbackReceipt.objects.get()
    assert kept.status == "received", "once: it is not kept a second time"
    recover()
    assert not attempt.events.exists(), "somebody may be at work on it"
    an_hour_ago = timezone.now() - timedelta(hours=1)
    CallbackReceipt.objects.update(received_at=an_hour_ago)
    recover()
    kept.refresh_from_db()
    assert (kept.status, attempt.events.count()) == ("applied", 1)


@pytest.mark.django_db(transaction=True)
def test_an_alias_that_is_pulled_is_asked_again_and_again(settings: Any) -> None:
    """At once after a full answer, and else when its time has come."""
    attempt = attempt_at(provider_reference="t1")
    for number in range(3):
        pulled(f'[{{"theirs": "t1", "id": "{number}"}}]'.encode())
    dispatcher = CallDispatcher([ALIAS])
    for _ in range(40):
        dispatcher.step()
    assert attempt.events.count() == 3
    assert not ReportingProvider.to_be_pulled
    pulled(b'[{"theirs": "t1", "id": "later"}]')
    for _ in range(3):
        dispatcher.step()
    assert attempt.events.count() == 3, "it had none left, so it is asked in ten minutes"


@pytest.mark.django_db(transaction=True)
def test_nothing_is_to_be_pushed_for_a_provider_that_is_pulled(settings: Any) -> None:
    """It needs neither an address of ours nor a secret in it."""
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PUBLIC_URL": ""}
    call = make_call(make_endpoint(provider=ALIAS))
    CallDispatcher([ALIAS]).drain()
    call.refresh_from_db()
    assert call.state == "placed"
    assert [order.callback_url for order in ReportingProvider.orders] == [""]
    entry = settings.CLICKTOCALL["PROVIDERS"][ALIAS]
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": {ALIAS: entry}}
    told = {message.id for message in check_settings()}
    assert not told & {"clicktocall.W002", "clicktocall.E004"}
    assert callback_problem() is None


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_read_is_not_fetched_over_and_over() -> None:
    """A gateway's page of HTML, say: it is kept, and looked at again when its time has come."""
    for _ in range(9):
        pulled(b"<html>Welcome</html>")
    dispatcher = CallDispatcher([ALIAS])
    for _ in range(20):
        dispatcher.step()
    assert CallbackReceipt.objects.get().status == "not_understood"
