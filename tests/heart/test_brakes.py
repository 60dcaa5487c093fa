"""Stopping calls, leaving failing providers alone, and going to the next one."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from clicktocall.calls.brakes import resume_calls, stop_calls
from clicktocall.calls.circuits import (
    FAILURES_IN_A_ROW,
    Allowance,
    allowance,
    hand_over,
    note_answer,
)
from clicktocall.calls.claim import claim_due
from clicktocall.calls.dispatch import CallDispatcher
from clicktocall.exceptions import (
    NotAuthorized,
    OutcomeUnknown,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)
from clicktocall.models import Brake, Call, Circuit, Endpoint
from clicktocall.orders import CallOrder, Placement
from clicktocall.signals import calls_resumed, calls_stopped
from clicktocall.states import CallState, Outcome
from tests.factories import make_account, make_call, make_endpoint

pytestmark = pytest.mark.django_db(transaction=True)


def failing(error: Exception) -> Any:
    def answer(order: CallOrder) -> Placement:
        raise error

    return answer


def queued(provider: str = "scripted", **fields: Any) -> Call:
    in_an_hour = timezone.now() + timedelta(hours=1)
    return make_call(make_endpoint(provider=provider, **fields), expires_at=in_an_hour)


def one_round() -> None:
    CallDispatcher().drain()


def now_due() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Call.objects.filter(due_at__isnull=False).update(due_at=past)


def left_alone_long_enough() -> None:
    Circuit.objects.update(open_until=timezone.now() - timedelta(seconds=1))


def state_of(call: Call) -> str:
    return Call.objects.get(pk=call.pk).state


# --- brakes --------------------------------------------------------------------------------------


def test_what_stands_in_the_queue_is_held_and_goes_on_when_the_brake_is_let_go(
    scripted: Any,
) -> None:
    account = make_account()
    call, other = queued(account=account), queued()
    cases: list[dict[str, Any]] = [{}, {"account": account}, {"provider": "scripted"}]
    for scope in cases:
        stop_calls(**scope)
        assert claim_due("scripted", "a dispatcher", 0) == []
        one_round()
        assert state_of(call) == CallState.QUEUED, scope
        if scope == {"account": account}:
            assert state_of(other) == CallState.PLACED
        assert resume_calls(**scope)
    one_round()
    assert state_of(call) == CallState.PLACED


def test_an_endpoint_that_is_switched_off_dials_nothing_that_waits(scripted: Any) -> None:
    call = queued()
    Endpoint.objects.update(active=False)
    one_round()
    assert state_of(call) == CallState.QUEUED
    Endpoint.objects.update(active=True)
    one_round()
    assert state_of(call) == CallState.PLACED


def test_a_call_that_was_held_for_too_long_expires(scripted: Any) -> None:
    call = queued()
    stop_calls()
    Call.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    CallDispatcher().step()
    call.refresh_from_db()
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.EXPIRED)
    assert not scripted.orders


def test_a_brake_is_pulled_once_and_told(scripted: Any) -> None:
    told: list[tuple[str, str]] = []

    def stopped(brake: Brake, **_: Any) -> None:
        told.append(("stopped", str(brake)))

    def resumed(brake: Brake, **_: Any) -> None:
        told.append(("resumed", str(brake)))

    calls_stopped.connect(stopped)
    calls_resumed.connect(resumed)
    try:
        first = stop_calls(provider="scripted", reason="fraud", by="user:1")
        assert stop_calls(provider="scripted", reason="again") == first
        assert (first.reason, first.pulled_by) == ("fraud", "user:1")
        assert resume_calls(provider="scripted")
        assert not resume_calls(provider="scripted")
    finally:
        calls_stopped.disconnect(stopped)
        calls_resumed.disconnect(resumed)
    assert told == [("stopped", "one provider scripted"), ("resumed", "one provider scripted")]


def test_a_brake_names_what_it_stops(scripted: Any) -> None:
    with pytest.raises(ValueError, match="not both"):
        stop_calls(account=make_account(), provider="scripted")
    for wrong in ({"scope": "site", "provider": "x"}, {"scope": "account"}, {"scope": "provider"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Brake.objects.create(**wrong)


def test_thousands_stand_in_the_queue_and_none_is_dialled_after_the_brake(scripted: Any) -> None:
    """Row 18: what was claimed already is placed, and not one more."""
    for _ in range(60):
        queued()
    pulled = threading.Event()
    after: list[str] = []

    def place(order: CallOrder) -> Placement:
        if pulled.is_set():
            after.append(order.call_id)
        return Placement(provider_reference=order.reference)

    scripted.reset(*[place] * 60)
    dispatcher = CallDispatcher(["scripted"])

    def run() -> None:
        try:
            dispatcher.run()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    stop_calls()
    claimed = set(Call.objects.filter(attempt_count__gt=0).values_list("pk", flat=True))
    pulled.set()
    for _ in range(60):
        queued()
    dispatcher.stop()
    thread.join()
    assert set(after) <= claimed
    assert Call.objects.filter(attempt_count__gt=0).count() == len(claimed)


# --- circuits ------------------------------------------------------------------------------------


def test_a_provider_that_fails_again_and_again_is_left_alone(scripted: Any) -> None:
    scripted.reset(*[failing(ProviderUnavailable("connection refused"))] * 50)
    calls = [queued() for _ in range(FAILURES_IN_A_ROW)]
    one_round()
    assert len(scripted.orders) == FAILURES_IN_A_ROW
    for _ in range(5):
        now_due()
        one_round()
    assert len(scripted.orders) == FAILURES_IN_A_ROW, "nobody asks meanwhile"
    left_alone_long_enough()
    now_due()
    one_round()
    assert len(scripted.orders) == FAILURES_IN_A_ROW + 1, "one call is tried"
    now_due()
    one_round()
    assert len(scripted.orders) == FAILURES_IN_A_ROW + 1, "and it failed"
    scripted.script.clear()
    left_alone_long_enough()
    now_due()
    one_round()
    assert not Circuit.objects.exists(), "and it was taken"
    now_due()
    one_round()
    assert {state_of(call) for call in calls} == {CallState.PLACED}


@pytest.mark.parametrize(
    "error", [OutcomeUnknown("no answer"), ProviderUnavailable("connection refused")]
)
def test_an_answer_in_between_begins_the_count_anew(scripted: Any, error: Exception) -> None:
    few = [failing(error)] * (FAILURES_IN_A_ROW - 1)
    scripted.reset(*few, failing(ProviderRefused("no such number")), *few)
    for _ in range(2 * FAILURES_IN_A_ROW - 1):
        queued()
        CallDispatcher(["scripted"]).drain()
    assert len(scripted.orders) >= 2 * FAILURES_IN_A_ROW - 1


def test_of_many_dispatchers_one_tries_again(scripted: Any) -> None:
    queued()
    Circuit.objects.create(
        provider="scripted", failures=9, open_until=timezone.now() - timedelta(seconds=1)
    )
    allowed: list[int] = []

    def ask() -> None:
        try:
            allowed.append(allowance("scripted", 100).calls)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(allowed) == [0, 0, 0, 0, 0, 1]


def test_the_one_try_is_kept_for_a_call(scripted: Any) -> None:
    Circuit.objects.create(
        provider="scripted", failures=9, open_until=timezone.now() - timedelta(seconds=1)
    )
    assert allowance("scripted", 100) == Allowance(0)
    queued()
    assert allowance("scripted", 100) == Allowance(1, is_try=True)


def test_who_asks_us_to_wait_is_left_alone_for_so_long(scripted: Any) -> None:
    scripted.reset(failing(ProviderThrottled("slowly", 90)))
    queued()
    one_round()
    circuit = Circuit.objects.get()
    assert circuit.wait_until is not None
    left = circuit.wait_until - timezone.now()
    assert timedelta(seconds=85) < left <= timedelta(seconds=91)
    another = queued()
    one_round()
    assert state_of(another) == CallState.QUEUED
    assert len(scripted.orders) == 1
    note_answer(["scripted"])  # to an order that was sent before
    one_round()
    assert len(scripted.orders) == 1
    Circuit.objects.update(wait_until=timezone.now() - timedelta(seconds=1))
    now_due()
    one_round()
    assert len(scripted.orders) == 3
    assert not Circuit.objects.exists()


def test_one_request_that_fails_is_one_failure_however_many_calls_are_in_it(scripted: Any) -> None:
    scripted.reset(*[failing(OutcomeUnknown("no answer"))] * 3)
    for _ in range(3):
        queued("batching")
    CallDispatcher(["batching"]).drain()
    assert len(scripted.orders) == 3
    assert Circuit.objects.get().failures == 1


def test_our_own_delay_is_no_failure_of_the_provider(scripted: Any, settings: Any) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "CLAIM_LIFETIME": -1}
    for _ in range(9):
        queued()
    one_round()
    assert not scripted.orders
    assert not Circuit.objects.exists()


def test_calls_that_must_wait_for_their_window_do_not_use_up_the_try(scripted: Any) -> None:
    opens = timezone.now() + timedelta(hours=2)
    window = {"from": {"hour": opens.hour}, "to": {"hour": (opens.hour + 1) % 24}}
    for _ in range(5):
        call = queued()
        Call.objects.filter(pk=call.pk).update(
            options={**call.options, "delivery_time_window": window},
            due_at=timezone.now() - timedelta(minutes=1),
        )
    live = queued()
    Circuit.objects.create(
        provider="scripted", failures=9, open_until=timezone.now() - timedelta(seconds=1)
    )
    dispatcher = CallDispatcher(["scripted"])
    for _ in range(12):
        dispatcher.step()
    assert state_of(live) == CallState.PLACED


def test_no_telephone_number_is_kept_or_logged(
    scripted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    words = "+442079460101 cannot be called"
    scripted.reset(
        *[failing(ProviderUnavailable(words))] * FAILURES_IN_A_ROW, failing(NotAuthorized(words))
    )
    for _ in range(FAILURES_IN_A_ROW):
        queued()
    one_round()
    assert "9460101" not in Circuit.objects.get().words
    left_alone_long_enough()
    now_due()
    one_round()
    assert "9460101" not in Brake.objects.get().reason
    assert "9460101" not in caplog.text


def test_calls_at_their_last_provider_hold_nobody_up(scripted: Any) -> None:
    stop_calls(provider="scripted")
    movable = queued(fallback_providers=["second"])
    for _ in range(3):
        stuck = queued("second", fallback_providers=["scripted"])
        Call.objects.filter(pk=stuck.pk).update(
            provider="scripted", due_at=timezone.now() - timedelta(hours=1)
        )
    assert hand_over("scripted") == 1
    assert Call.objects.get(pk=movable.pk).provider == "second"


# --- the next provider ---------------------------------------------------------------------------


@pytest.mark.parametrize("held_by", ["circuit", "brake"])
def test_calls_of_a_provider_that_is_held_go_to_the_next_one(scripted: Any, held_by: str) -> None:
    if held_by == "brake":
        stop_calls(provider="scripted")
    else:
        Circuit.objects.create(
            provider="scripted", failures=9, open_until=timezone.now() + timedelta(seconds=30)
        )
    with_fallback = queued(fallback_providers=["second"])
    without = queued()
    one_round()
    one_round()
    with_fallback.refresh_from_db()
    assert (with_fallback.state, with_fallback.provider) == (CallState.PLACED, "second")
    assert state_of(without) == CallState.QUEUED


def test_credentials_that_are_not_accepted_stop_the_provider_and_lose_no_call(
    scripted: Any,
) -> None:
    scripted.reset(failing(NotAuthorized("401 invalid login")))
    first, second = queued(fallback_providers=["second"]), queued(fallback_providers=["second"])
    one_round()
    brake = Brake.objects.get()
    assert (brake.provider, brake.reason) == ("scripted", "401 invalid login")
    now_due()
    one_round()
    now_due()
    one_round()
    assert {state_of(first), state_of(second)} == {CallState.PLACED}
    resume_calls(provider="scripted")
    third = queued()
    one_round()
    assert state_of(third) == CallState.PLACED
