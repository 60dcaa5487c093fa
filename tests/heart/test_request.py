"""Asking for a call, from the host's own Python code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from clicktocall.calls import Visitor, request_call
from clicktocall.exceptions import CallRefused, IdempotencyMismatch, InvalidOption
from clicktocall.models import Call, Refusal, RefusalCount
from clicktocall.signals import call_refused, call_requested
from clicktocall.states import CallState
from tests.factories import TEAM, VISITOR, make_account, make_endpoint, make_owned_number

pytestmark = pytest.mark.django_db


def refused(endpoint: Any, contact: str, **asked: Any) -> Any:
    with pytest.raises(CallRefused) as caught:
        request_call(endpoint, contact, **asked)
    assert not Call.objects.exists()
    return caught.value.refusal


def test_a_call_is_put_in_the_queue_with_everything_known() -> None:
    endpoint = make_endpoint(name="Sales", max_duration=300)
    visitor = Visitor(name="Ada", email="ada@example.com", question="When?", page="https://x/y")
    call = request_call(
        endpoint,
        "020 7946 0101",
        visitor=visitor,
        client_reference="order 7",
        requester="user:3",
        options={"max_duration": 60},
    )
    call.refresh_from_db()
    assert call.state == CallState.QUEUED
    assert call.contact.as_e164 == VISITOR
    assert call.extension == TEAM
    assert call.call_options.max_duration == 60
    assert call.due_at is not None
    assert abs(call.due_at - timezone.now()) < timedelta(seconds=5)
    assert call.expires_at - call.due_at == timedelta(seconds=120)
    assert (call.visitor_name, call.visitor_email, call.visitor_question) == (
        "Ada",
        "ada@example.com",
        "When?",
    )
    assert (call.client_reference, call.requester, call.door) == ("order 7", "user:3", "python")
    assert call.caller_id_name == "Sales"


def test_the_options_are_frozen_when_the_call_is_requested() -> None:
    endpoint = make_endpoint(timeout=20)
    call = request_call(endpoint, VISITOR)
    endpoint.timeout = 60
    endpoint.save()
    call.refresh_from_db()
    assert call.call_options.timeout == 20


@pytest.mark.parametrize(
    ("fields", "contact", "rule", "code"),
    [
        ({"active": False}, VISITOR, "endpoint_inactive", "not_available"),
        ({}, "not a number", "number_characters", "invalid_number"),
        ({}, "112", "number_syntax", "invalid_number"),
        ({}, "+33612345678", "country_not_allowed", "not_available"),
        ({"allowed_countries": []}, VISITOR, "country_not_allowed", "not_available"),
        ({}, "+448451234567", "number_kind", "not_available"),
        ({}, "+881612345678", "number_kind", "not_available"),
        ({}, "+18765551234", "country_not_allowed", "not_available"),
        ({}, "+441481256789", "country_not_allowed", "not_available"),
        ({"allow_any_number": False}, VISITOR, "whitelist_empty", "not_available"),
        ({"whitelist": [r"\+4420794609"]}, VISITOR, "not_on_whitelist", "not_available"),
    ],
)
def test_rules_refuse_and_the_refusal_is_kept(
    fields: dict[str, Any], contact: str, rule: str, code: str
) -> None:
    endpoint = make_endpoint(**fields)
    refusal = refused(endpoint, contact)
    assert (refusal.rule, refusal.code) == (rule, code)
    kept = Refusal.objects.get()
    assert (kept.endpoint, kept.rule, kept.code) == (endpoint, rule, code)
    assert RefusalCount.objects.get().count == 1


def test_a_whitelisted_number_passes() -> None:
    assert request_call(make_endpoint(whitelist=[r"\+1", r"\+442079460101$"]), VISITOR)


def test_outside_opening_hours_the_next_opening_is_named() -> None:
    hours = {"time_zone": "UTC", "monday": [["09:00", "17:00"]]}
    with time_machine.travel(datetime(2026, 11, 21, 12, 0, tzinfo=UTC), tick=False):
        refusal = refused(make_endpoint(opening_hours=hours), VISITOR)
    assert refusal.rule == "closed"
    assert refusal.next_opening == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_outside_the_delivery_window_the_call_waits_for_it() -> None:
    window = {"days": ["MONDAY"], "from": {"hour": 9}, "to": {"hour": 17}}
    with time_machine.travel(datetime(2026, 11, 21, 12, 0, tzinfo=UTC), tick=False):
        call = request_call(make_endpoint(delivery_time_window=window), VISITOR)
    call.refresh_from_db()
    assert call.state == CallState.SCHEDULED
    assert call.due_at == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert call.expires_at > call.due_at


def test_a_call_waits_no_longer_than_its_validity() -> None:
    window = {"days": ["MONDAY"], "from": {"hour": 9}, "to": {"hour": 17}}
    wait: list[timedelta] = []
    with time_machine.travel(datetime(2026, 11, 21, 12, 0, tzinfo=UTC), tick=False):
        for minutes, hours in ((1, {}), (30, window)):
            endpoint = make_endpoint(validity_period=minutes, delivery_time_window=hours)
            call = request_call(endpoint, VISITOR)
            call.refresh_from_db()
            assert call.due_at is not None
            wait.append(call.expires_at - call.due_at)
    assert wait == [timedelta(minutes=1), timedelta(minutes=30)]


def test_refusals_are_kept_a_hundred_times_an_hour_and_counted_for_ever(settings: Any) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "REFUSALS_KEPT_PER_HOUR": 3}
    endpoint = make_endpoint(active=False)
    with time_machine.travel(datetime(2026, 11, 21, 12, 5, tzinfo=UTC), tick=False):
        for _ in range(5):
            refused(endpoint, VISITOR)
    assert Refusal.objects.count() == 3
    assert RefusalCount.objects.get().count == 5


def test_the_same_key_gives_the_same_call() -> None:
    endpoint = make_endpoint()
    first = request_call(endpoint, "020 7946 0101", idempotency_key="k-1")
    again = request_call(endpoint, "+44 20 7946 0101", idempotency_key="k-1")
    assert first.pk == again.pk
    assert Call.objects.count() == 1


def test_the_same_key_for_another_request_is_a_mismatch() -> None:
    endpoint = make_endpoint()
    request_call(endpoint, VISITOR, idempotency_key="k-1")
    with pytest.raises(IdempotencyMismatch):
        request_call(endpoint, "020 7946 0102", idempotency_key="k-1")
    with pytest.raises(IdempotencyMismatch):
        request_call(endpoint, VISITOR, idempotency_key="k-1", options={"timeout": 20})


def test_the_key_is_judged_before_the_rules() -> None:
    endpoint = make_endpoint()
    first = request_call(endpoint, VISITOR, idempotency_key="k-1")
    endpoint.active = False
    endpoint.save()
    assert request_call(endpoint, VISITOR, idempotency_key="k-1").pk == first.pk
    assert not Refusal.objects.exists()


def test_keys_of_different_requesters_do_not_meet() -> None:
    endpoint = make_endpoint()
    one = request_call(endpoint, VISITOR, idempotency_key="k-1", requester="key:1")
    two = request_call(endpoint, VISITOR, idempotency_key="k-1", requester="key:2")
    assert one.pk != two.pk


def test_a_key_is_unique_within_its_scope() -> None:
    endpoint = make_endpoint()

    def asked(**more: Any) -> Call:
        return request_call(endpoint, VISITOR, idempotency_key="k-1", **more)

    first = asked(requester="key:1", idempotency_scope="account:7")
    assert first.idempotency_key == "python:account:7:k-1"
    assert asked(requester="key:2", idempotency_scope="account:7").pk == first.pk
    assert asked(requester="key:1", idempotency_scope="account:8").pk != first.pk
    assert asked(requester="key:1").pk != first.pk
    assert asked(requester="key:1", idempotency_scope="account:7", door="api").pk != first.pk


def test_an_empty_key_is_no_key() -> None:
    endpoint = make_endpoint()
    one = request_call(endpoint, VISITOR, idempotency_key="")
    two = request_call(endpoint, VISITOR, idempotency_key="")
    assert one.pk != two.pk


def test_the_key_is_judged_before_the_options() -> None:
    endpoint = make_endpoint()
    owned = make_owned_number(endpoint.account)
    asked: dict[str, Any] = {"options": {"caller_id_a": owned.number}, "idempotency_key": "k-1"}
    first = request_call(endpoint, VISITOR, **asked)
    owned.delete()
    assert request_call(endpoint, VISITOR, **asked).pk == first.pk
    with pytest.raises(InvalidOption):
        request_call(endpoint, VISITOR, **{**asked, "idempotency_key": "k-2"})


def test_a_repeat_inside_the_hosts_transaction_does_not_spoil_it() -> None:
    endpoint = make_endpoint()
    with transaction.atomic():
        first = request_call(endpoint, VISITOR, idempotency_key="k-1")
        again = request_call(endpoint, VISITOR, idempotency_key="k-1")
        assert again.pk == first.pk
        assert Call.objects.count() == 1


def test_an_unknown_or_impossible_option_is_named() -> None:
    endpoint = make_endpoint()
    for options, field in (
        ({"volume": 11}, "volume"),
        ({"max_duration": 999_999}, "max_duration"),
        ({"timeout": 1}, "timeout"),
        ({"caller_id_a": "+442079460999"}, "caller_id_a"),
        ({"warning_time": 50, "max_duration": 40}, "warning_time"),
    ):
        with pytest.raises(InvalidOption) as caught:
            request_call(endpoint, VISITOR, options=options)
        assert caught.value.field == field
    assert not Call.objects.exists()


def test_a_caller_id_comes_only_from_the_accounts_own_numbers() -> None:
    endpoint = make_endpoint()
    owned = make_owned_number(endpoint.account)
    strange = make_owned_number(make_account())
    call = request_call(endpoint, VISITOR, options={"caller_id_a": owned.number})
    assert call.call_options.caller_id_a == owned.number
    with pytest.raises(InvalidOption):
        request_call(endpoint, VISITOR, options={"caller_id_a": strange.number})


@pytest.mark.django_db(transaction=True)
def test_signals_tell_after_the_commit() -> None:
    told: list[Any] = []

    def requested(sender: Any, call: Call, **_: Any) -> None:
        told.append(("requested", Call.objects.filter(pk=call.pk).exists()))

    def was_refused(sender: Any, refusal: Any, contact: str | None, **_: Any) -> None:
        told.append((refusal.rule, contact))

    call_requested.connect(requested)
    call_refused.connect(was_refused)
    try:
        endpoint = make_endpoint()
        request_call(endpoint, VISITOR)
        with pytest.raises(CallRefused):
            request_call(endpoint, "+33612345678")
    finally:
        call_requested.disconnect(requested)
        call_refused.disconnect(was_refused)
    assert told == [("requested", True), ("country_not_allowed", "+33612345678")]


@pytest.mark.parametrize("text", ["x" * 300, "a\x00b", "\ud83d"])
@pytest.mark.parametrize("name", ["client_reference", "requester", "idempotency_key"])
def test_a_text_that_cannot_be_kept_is_named(name: str, text: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        request_call(make_endpoint(), VISITOR, **{name: text})  # type: ignore[arg-type]
    assert caught.value.field == name


def test_who_asks_is_named_before_a_refusal_would_be_recorded() -> None:
    with pytest.raises(InvalidOption) as caught:
        request_call(make_endpoint(), "+33612345678", requester="x" * 81)
    assert caught.value.field == "requester"
    assert not Refusal.objects.exists()


def test_consent_is_kept_only_where_it_was_asked_for() -> None:
    call = request_call(make_endpoint(), VISITOR, consent_version="v" * 64)
    assert (call.consent_version, call.consent_text) == ("", "")


def test_an_endpoint_does_not_ring_itself() -> None:
    account = make_account()
    shown = make_owned_number(account, number="+442079460191")
    endpoint = make_endpoint(account, caller_id_b=shown)
    assert refused(endpoint, TEAM).rule == "own_number"
    assert refused(endpoint, "+44 20 7946 0191").rule == "own_number"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lost", [OperationalError, InterfaceError])
def test_a_call_whose_answer_was_lost_is_accepted(lost: type[Exception]) -> None:
    """The connection breaks between the INSERT and its answer: the row is there."""
    endpoint = make_endpoint()

    def lose_the_answer(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("INSERT"):
            raise lost("server closed the connection unexpectedly")
        return result

    with connection.execute_wrapper(lose_the_answer):
        call = request_call(endpoint, VISITOR)

    assert Call.objects.get() == call


@pytest.mark.django_db(transaction=True)
def test_a_call_that_was_not_written_is_no_call() -> None:
    endpoint = make_endpoint()

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT"):
            raise OperationalError("database is locked")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail), pytest.raises(OperationalError):
        request_call(endpoint, VISITOR)

    assert not Call.objects.exists()
