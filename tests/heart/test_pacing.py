"""The calls of a bulk with a speed, and what can be done with those that wait."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clicktocall.calls import (
    SendingSpeed,
    WantedCall,
    cancel_bulk,
    pause_bulk,
    request_bulk,
    reschedule_bulk,
    resume_bulk,
)
from clicktocall.calls.brakes import resume_calls, stop_calls
from clicktocall.calls.dispatch import CallDispatcher
from clicktocall.calls.pacing import _turns, release_due, waiting_for_their_turn
from clicktocall.exceptions import IdempotencyMismatch, InvalidOption
from clicktocall.models import Bulk, Call, Circuit, Endpoint
from clicktocall.signals import call_ended
from clicktocall.states import CallState, Outcome
from tests.factories import VISITOR, make_endpoint

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def bulk_of(many: int, speed: SendingSpeed | None, **wanted: Any) -> Bulk:
    endpoint = make_endpoint(provider="scripted", **wanted.pop("endpoint", {}))
    entries = [WantedCall(endpoint=endpoint, contact=VISITOR, **wanted) for _ in range(many)]
    return request_bulk(endpoint.account, entries, speed=speed).bulk


def as_if_later(bulk: Bulk, **much: float) -> None:
    """Move everything that is to happen so much nearer."""
    gone = timedelta(**much)
    Bulk.objects.filter(next_call_at__isnull=False).update(next_call_at=F("next_call_at") - gone)
    Call.objects.filter(bulk=bulk, due_at__isnull=False).update(
        due_at=F("due_at") - gone, expires_at=F("expires_at") - gone
    )


def released(bulk: Bulk) -> int:
    return bulk.calls.count() - waiting_for_their_turn(bulk.pk).count()


def test_the_first_at_once_and_then_one_at_a_time(scripted: Any) -> None:
    bulk = bulk_of(4, SendingSpeed(2, "minute"))
    CallDispatcher().drain()
    assert len(scripted.orders) == 1
    CallDispatcher().drain()
    assert len(scripted.orders) == 1
    for placed in (2, 3, 4):
        as_if_later(bulk, seconds=30)
        CallDispatcher().drain()
        assert len(scripted.orders) == placed
    assert Bulk.objects.get().next_call_at is None
    order_asked = [order.call_id for order in scripted.orders]
    assert order_asked == sorted(order_asked)


def test_a_dispatcher_that_was_away_makes_up_for_nothing(scripted: Any) -> None:
    """No burst, and no gap longer than usual."""
    bulk = bulk_of(10, SendingSpeed(1, "minute"))
    CallDispatcher().drain()
    as_if_later(bulk, hours=1)
    CallDispatcher().drain()
    assert len(scripted.orders) == 2
    wait = Bulk.objects.get().next_call_at - timezone.now()  # type: ignore[operator]
    assert timedelta(seconds=58) < wait <= timedelta(seconds=60)


def test_a_quick_speed_keeps_its_spacing(scripted: Any) -> None:
    """Fifty a second come in small groups, as often as the dispatcher looks."""
    bulk = bulk_of(40, SendingSpeed(50, "second"))
    first = bulk.next_call_at
    assert first is not None
    as_if_later(bulk, milliseconds=100)
    many = release_due()
    assert 5 <= many <= 12
    due = Bulk.objects.get().next_call_at
    assert due == first - timedelta(milliseconds=100) + many * timedelta(milliseconds=20)


@given(
    st.integers(1, 1000),
    st.sampled_from(["second", "minute", "hour", "day"]),
    st.lists(st.floats(0.001, 40), min_size=1, max_size=30),
)
def test_never_more_than_the_speed_whenever_somebody_looks(
    calls: int, unit: str, pauses: list[float]
) -> None:
    interval = Bulk(speed=calls, speed_unit=unit).interval
    assert interval is not None
    now, next_call_at, turns = START, START, 0
    for pause in pauses:
        now += timedelta(seconds=pause)
        if next_call_at <= now:
            many, then = _turns(next_call_at, interval, now)
            turns += many
            assert many >= 1
            assert then is not None
            assert now < then <= now + interval
            next_call_at = then
    assert turns <= (now - START) / interval + 1


def test_many_dispatchers_release_each_call_once(scripted: Any) -> None:
    bulk = bulk_of(30, SendingSpeed(1, "hour"))
    counts: list[int] = []

    def look() -> None:
        try:
            counts.append(release_due())
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == released(bulk) == 1


def test_it_begins_when_it_is_to_be_sent(scripted: Any) -> None:
    at = timezone.now() + timedelta(hours=2)
    bulk = bulk_of(3, SendingSpeed(1, "minute"), send_at=at)
    assert bulk.next_call_at == at
    CallDispatcher().drain()
    assert not scripted.orders


def test_none_is_released_into_a_window_that_is_closed(scripted: Any) -> None:
    opens = timezone.now() + timedelta(hours=2)
    window = {"from": {"hour": opens.hour}, "to": {"hour": (opens.hour + 1) % 24}}
    bulk = bulk_of(3, SendingSpeed(1, "second"), endpoint={"delivery_time_window": window})
    assert released(bulk) == 0
    Bulk.objects.update(next_call_at=timezone.now() - timedelta(seconds=1))
    CallDispatcher().drain()
    assert released(bulk) == 0
    then = Bulk.objects.get().next_call_at
    assert then is not None
    assert then.hour == opens.hour


def test_one_that_waits_for_its_window_does_not_hold_up_the_others(scripted: Any) -> None:
    bulk = bulk_of(3, SendingSpeed(1, "minute"))
    first = waiting_for_their_turn(bulk.pk)[0]
    opens = timezone.now() + timedelta(hours=2)
    window = {"from": {"hour": opens.hour}, "to": {"hour": (opens.hour + 1) % 24}}
    Call.objects.filter(pk=first.pk).update(
        options={**first.options, "delivery_time_window": window}
    )
    for placed in (1, 2):
        CallDispatcher().drain()
        assert len(scripted.orders) == placed
        as_if_later(bulk, minutes=1)
    CallDispatcher().drain()
    assert len(scripted.orders) == 2
    then = Bulk.objects.get().next_call_at
    assert then is not None
    assert then.hour == opens.hour


@pytest.mark.parametrize("held_by", ["site", "provider", "circuit", "endpoint"])
def test_while_they_are_held_none_is_released(scripted: Any, held_by: str) -> None:
    bulk = bulk_of(20, SendingSpeed(10, "second"))
    match held_by:
        case "circuit":
            until = timezone.now() + timedelta(seconds=60)
            Circuit.objects.create(provider="scripted", failures=9, open_until=until)
        case "endpoint":
            Endpoint.objects.update(active=False)
        case _:
            stop_calls(provider="scripted" if held_by == "provider" else "")
    for _ in range(5):
        as_if_later(bulk, seconds=30)
        CallDispatcher().step()
    assert released(bulk) == 0
    resume_calls()
    resume_calls(provider="scripted")
    Circuit.objects.all().delete()
    Endpoint.objects.update(active=True)
    CallDispatcher().drain()
    assert len(scripted.orders) == 1, "and then they do not all go out at once"


def test_what_was_released_and_not_taken_holds_the_next_ones_back(scripted: Any) -> None:
    bulk = bulk_of(20, SendingSpeed(10, "second"))
    assert release_due() >= 1
    known = released(bulk)
    as_if_later(bulk, seconds=30)
    assert release_due() == 0
    assert released(bulk) == known


@pytest.mark.parametrize(("calls", "unit"), [(0, "minute"), (1001, "day"), (True, "day"), (5, "")])
def test_there_is_no_such_speed(calls: int, unit: str) -> None:
    with pytest.raises(InvalidOption, match="speed"):
        SendingSpeed(calls, unit)


def test_the_speed_belongs_to_the_request(scripted: Any) -> None:
    endpoint = make_endpoint(provider="scripted")
    wanted = [WantedCall(endpoint=endpoint, contact=VISITOR)]
    first = request_bulk(
        endpoint.account, wanted, speed=SendingSpeed(1, "hour"), idempotency_key="k"
    )
    again = request_bulk(
        endpoint.account, wanted, speed=SendingSpeed(1, "hour"), idempotency_key="k"
    )
    assert again.bulk == first.bulk
    with pytest.raises(IdempotencyMismatch):
        request_bulk(endpoint.account, wanted, speed=SendingSpeed(2, "hour"), idempotency_key="k")


# --- what can be done with them ------------------------------------------------------------------

SPEEDS = (None, SendingSpeed(1, "minute"))


@pytest.fixture(params=SPEEDS, ids=["unpaced", "paced"])
def bulk(request: pytest.FixtureRequest, scripted: Any) -> Bulk:
    return bulk_of(3, request.param)


def test_while_it_is_paused_none_is_dialled_and_none_expires(bulk: Bulk, scripted: Any) -> None:
    assert pause_bulk(bulk).paused_at is not None
    paused_at = Bulk.objects.get().paused_at
    assert pause_bulk(bulk).paused_at == paused_at
    as_if_later(bulk, hours=5)
    dispatcher = CallDispatcher()
    dispatcher.step()
    dispatcher.drain()
    assert not scripted.orders
    assert set(bulk.calls.values_list("outcome", flat=True)) == {None}


def test_resumed_it_goes_on_as_if_no_time_had_passed(bulk: Bulk, scripted: Any) -> None:
    pause_bulk(bulk)
    as_if_later(bulk, hours=5)
    Bulk.objects.update(paused_at=timezone.now() - timedelta(hours=5))
    before = {call.pk: call.expires_at for call in bulk.calls.filter(due_at__isnull=False)}
    assert resume_bulk(bulk).paused_at is None
    for call in bulk.calls.filter(pk__in=before):
        assert call.expires_at - before[call.pk] > timedelta(hours=4, minutes=59)
    assert resume_bulk(bulk).paused_at is None
    CallDispatcher().drain()
    assert len(scripted.orders) == (1 if bulk.speed else 3)


def test_it_can_be_put_off(bulk: Bulk, scripted: Any) -> None:
    at = timezone.now() + timedelta(days=1)
    moved = reschedule_bulk(bulk, at)
    CallDispatcher().drain()
    assert not scripted.orders
    if bulk.speed:
        assert moved.next_call_at == at
    else:
        for call in bulk.calls.all():
            assert (call.state, call.due_at) == (CallState.SCHEDULED, at)
            assert abs(call.expires_at - at - timedelta(seconds=120)) < timedelta(seconds=2)
    reschedule_bulk(bulk, timezone.now() - timedelta(days=1))
    CallDispatcher().drain()
    assert len(scripted.orders) == (1 if bulk.speed else 3)


def test_it_cannot_be_put_off_for_ever(bulk: Bulk) -> None:
    with pytest.raises(InvalidOption, match="send_at"):
        reschedule_bulk(bulk, timezone.now() + timedelta(days=999))


def test_it_can_be_cancelled(bulk: Bulk, scripted: Any) -> None:
    told: list[str] = []

    def note(call: Call, **_: Any) -> None:
        told.append(call.pk)

    call_ended.connect(note)
    try:
        assert cancel_bulk(bulk) == 3
        assert cancel_bulk(bulk) == 0
    finally:
        call_ended.disconnect(note)
    CallDispatcher().drain()
    assert not scripted.orders
    assert set(bulk.calls.values_list("state", "outcome")) == {(CallState.ENDED, Outcome.CANCELED)}
    assert sorted(told) == sorted(bulk.calls.values_list("pk", flat=True))


def test_what_is_with_a_provider_goes_on(scripted: Any) -> None:
    bulk = bulk_of(3, SendingSpeed(1, "minute"))
    CallDispatcher().drain()
    assert cancel_bulk(bulk) == 2
    assert bulk.calls.filter(state=CallState.PLACED).count() == 1
