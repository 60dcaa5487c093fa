"""A call that is asked for later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from clicktocall.calls import WantedCall, cancel_call, request_bulk, request_call
from clicktocall.calls.dispatch import CallDispatcher
from clicktocall.exceptions import CallRefused, IdempotencyMismatch, InvalidOption
from clicktocall.models import Call
from clicktocall.states import CallState, Outcome
from tests.factories import VISITOR, make_endpoint

pytestmark = pytest.mark.django_db(transaction=True)


def in_(**much: float) -> datetime:
    return timezone.now() + timedelta(**much)


def requested(send_at: datetime, **fields: Any) -> Call:
    return request_call(make_endpoint(provider="scripted", **fields), VISITOR, send_at=send_at)


def test_it_waits_until_its_time_has_come(scripted: Any) -> None:
    at = in_(hours=3)
    call = requested(at)
    assert (call.state, call.due_at) == (CallState.SCHEDULED, at)
    assert call.expires_at == at + timedelta(seconds=120)
    CallDispatcher().drain()
    assert not scripted.orders
    past = in_(seconds=-1)
    Call.objects.update(due_at=past)
    CallDispatcher().drain()
    call.refresh_from_db()
    assert call.state == CallState.PLACED


def test_what_is_past_means_at_once(scripted: Any) -> None:
    call = requested(in_(days=-3))
    assert call.state == CallState.QUEUED
    CallDispatcher().drain()
    assert len(scripted.orders) == 1


def test_it_can_be_taken_back(scripted: Any) -> None:
    call = cancel_call(requested(in_(hours=3)))
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.CANCELED)


def test_it_is_dialled_late_only_within_its_validity(scripted: Any) -> None:
    call = requested(in_(hours=3), validity_period=30)
    assert call.due_at is not None
    assert call.expires_at == call.due_at + timedelta(minutes=30)


def test_its_delivery_window_is_that_of_its_time(scripted: Any) -> None:
    at = datetime.now(UTC).replace(hour=3, minute=15) + timedelta(days=2)
    window = {"from": {"hour": 9}, "to": {"hour": 17}}
    call = requested(at, delivery_time_window=window)
    assert call.due_at is not None
    assert (call.due_at.date(), call.due_at.hour, call.due_at.minute) == (at.date(), 9, 0)


def test_its_opening_hours_are_those_of_its_time(scripted: Any) -> None:
    hours = {day: [["09:00", "17:00"]] for day in ("monday", "tuesday", "wednesday")}
    hours |= {day: [["09:00", "17:00"]] for day in ("thursday", "friday", "saturday", "sunday")}
    day = datetime.now(UTC) + timedelta(days=2)
    assert requested(day.replace(hour=12), opening_hours=hours).state == CallState.SCHEDULED
    with pytest.raises(CallRefused, match="closed"):
        requested(day.replace(hour=20), opening_hours=hours)


@pytest.mark.parametrize(
    ("at", "told"),
    [(datetime(2027, 1, 1, 9, 0), "zone"), (in_(days=181), "180 days")],
    ids=["naive", "too far"],
)
def test_what_cannot_be_scheduled_is_refused(scripted: Any, at: datetime, told: str) -> None:
    with pytest.raises(InvalidOption, match=f"send_at: .*{told}"):
        requested(at)
    assert not Call.objects.exists()


def test_the_time_belongs_to_the_request(scripted: Any) -> None:
    endpoint, at = make_endpoint(provider="scripted"), in_(hours=3)
    asked: dict[str, Any] = {"idempotency_key": "key"}
    first = request_call(endpoint, VISITOR, send_at=at, **asked)
    assert request_call(endpoint, VISITOR, send_at=at, **asked) == first
    with pytest.raises(IdempotencyMismatch):
        request_call(endpoint, VISITOR, send_at=at + timedelta(minutes=1), **asked)
    with pytest.raises(IdempotencyMismatch):
        request_call(endpoint, VISITOR, **asked)


def test_each_call_of_a_bulk_has_its_own(scripted: Any) -> None:
    endpoint, at = make_endpoint(provider="scripted"), in_(hours=3)
    answer = request_bulk(
        endpoint.account,
        [
            WantedCall(endpoint=endpoint, contact=VISITOR, send_at=at),
            WantedCall(endpoint=endpoint, contact=VISITOR),
            WantedCall(endpoint=endpoint, contact=VISITOR, send_at=in_(days=300)),
        ],
    )
    assert [call.state for call in answer.calls] == [CallState.SCHEDULED, CallState.QUEUED]
    assert answer.calls[0].due_at == at
    assert [(entry.index, entry.field) for entry in answer.refused] == [(2, "send_at")]
