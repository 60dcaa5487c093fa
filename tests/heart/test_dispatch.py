"""Claiming, placing, recording: what each of a provider's answers does to a call."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from clicktocall.calls import cancel_call, is_cancellable, request_call
from clicktocall.calls.claim import claim_cancels, claim_due
from clicktocall.calls.dispatch import CallDispatcher
from clicktocall.calls.events import apply_event, apply_report, event_now
from clicktocall.calls.placing import NotPlaced
from clicktocall.calls.record import record, record_placements
from clicktocall.calls.recover import recover
from clicktocall.calls.redial import pause_after_failed_placing
from clicktocall.exceptions import (
    NotCancellable,
    OutcomeUnknown,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)
from clicktocall.models import Attempt, Call, CallEvent
from clicktocall.orders import Placement, ReportedEvent
from clicktocall.signals import call_ended
from clicktocall.states import CallState, EventKind, Leg, LegState, Outcome
from tests.factories import VISITOR, make_call, make_endpoint
from tests.heart.scripted import BatchingProvider, accept

pytestmark = pytest.mark.django_db(transaction=True)


def failing(error: Exception) -> Any:
    def answer(order: object) -> Any:
        raise error

    return answer


def place(call: Call) -> Call:
    """One round of a dispatcher; the call as it then is."""
    dispatcher = CallDispatcher()
    dispatcher.drain()
    call.refresh_from_db()
    return call


def requested(**fields: Any) -> Call:
    return request_call(make_endpoint(provider="scripted", **fields), VISITOR)


def requested_of(provider: str) -> Call:
    return request_call(make_endpoint(provider=provider), VISITOR)


def lost(order: object) -> Any:
    raise OutcomeUnknown("No answer within 10 s.")


def report(attempt: Attempt, kind: EventKind, **known: Any) -> Call | None:
    event = ReportedEvent(
        kind=kind, reference=attempt.reference, occurred_at=timezone.now(), **known
    )
    return apply_report(event, alias=attempt.provider)


def make_due(call: Call) -> None:
    Call.objects.filter(pk=call.pk).update(due_at=timezone.now() - timedelta(seconds=1))


def test_a_due_call_is_placed_with_its_reference_committed_first(scripted: Any) -> None:
    call = requested()
    seen: list[bool] = []

    def answer(order: Any) -> Any:
        # In the provider's thread, on a connection of its own: only what is committed shows.
        seen.append(Attempt.objects.filter(reference=order.reference).exists())
        connection.close()
        from tests.heart.scripted import accept

        return accept(order)

    scripted.reset(answer)
    place(call)
    assert seen == [True]
    attempt = call.attempts.get()
    assert call.state == attempt.state == CallState.PLACED
    assert attempt.provider_reference == f"theirs-{attempt.reference}"
    assert attempt.provider_state == {"token": "t"}
    order = scripted.orders[0]
    assert order.callback_url.startswith("http://127.0.0.1:8000/clicktocall/callbacks/scripted/")
    assert call.report_due_at is not None


def test_a_refusal_by_the_provider_ends_the_call(scripted: Any) -> None:
    scripted.reset(failing(ProviderRefused("403 number barred")))
    call = place(requested())
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.REJECTED)
    assert call.outcome_words == "403 number barred"
    assert len(scripted.orders) == 1


def test_an_unknown_outcome_is_never_repeated(scripted: Any) -> None:
    scripted.reset(failing(OutcomeUnknown("read timed out")))
    call = place(requested(retry_min_period=1, retry_max_period=1, retry_max_count=4))
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.UNKNOWN)
    assert (call.leg_a, call.leg_b) == (LegState.UNREPORTED, LegState.UNREPORTED)
    place(call)
    assert len(scripted.orders) == 1


def test_an_adapter_that_breaks_is_an_unknown_outcome(scripted: Any) -> None:
    scripted.reset(failing(KeyError("status")))
    call = place(requested())
    assert call.outcome == Outcome.UNKNOWN


def test_surely_not_placed_is_tried_again_after_a_pause(scripted: Any) -> None:
    scripted.reset(failing(ProviderUnavailable("connection refused")))
    call = place(requested())
    assert call.state == CallState.SCHEDULED
    assert call.due_at is not None
    assert timedelta() < call.due_at - timezone.now() < timedelta(seconds=5)
    make_due(call)
    place(call)
    assert call.state == CallState.PLACED
    first, second = call.attempts.order_by("number")
    assert (first.outcome, second.state) == (Outcome.FAILED, CallState.PLACED)
    assert first.reference != second.reference


def test_a_throttled_call_waits_as_long_as_asked(scripted: Any) -> None:
    scripted.reset(failing(ProviderThrottled("429", retry_after=45)))
    call = place(requested())
    assert call.due_at is not None
    assert call.due_at - timezone.now() > timedelta(seconds=40)


def test_the_next_provider_is_asked_at_once(scripted: Any) -> None:
    scripted.reset(failing(ProviderUnavailable("connection refused")))
    call = place(requested(fallback_providers=["second"]))
    place(call)
    assert call.state == CallState.PLACED
    assert [attempt.provider for attempt in call.attempts.order_by("number")] == [
        "scripted",
        "second",
    ]


def test_a_call_that_waited_too_long_expires_and_is_not_dialled(scripted: Any) -> None:
    call = requested()
    past = timezone.now() - timedelta(minutes=5)
    Call.objects.filter(pk=call.pk).update(due_at=past, expires_at=past)
    ended: list[str] = []

    def note(sender: Any, call: Call, **_: Any) -> None:
        ended.append(str(call.outcome))

    call_ended.connect(note)
    try:
        CallDispatcher().step()
    finally:
        call_ended.disconnect(note)
    call.refresh_from_db()
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.EXPIRED)
    assert ended == ["expired"]
    assert not scripted.orders


def test_many_dispatchers_place_each_call_once(scripted: Any) -> None:
    endpoint = make_endpoint(provider="scripted")
    calls = [request_call(endpoint, VISITOR) for _ in range(60)]
    claimed: list[str] = []
    start = threading.Barrier(4)

    def claim() -> None:
        start.wait()
        try:
            while True:
                got = claim_due("scripted", threading.current_thread().name, 3)
                if not got:
                    return
                claimed.extend(claim.call.pk for claim in got)
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(call.pk for call in calls)
    assert Attempt.objects.count() == 60


def test_a_lost_database_loses_no_answer(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    call = requested()
    dispatcher = CallDispatcher()
    real = record_placements
    failures = iter([OperationalError("database is locked")])

    def flaky(placed: Any) -> None:
        for error in failures:
            raise error
        real(placed)

    monkeypatch.setattr("clicktocall.calls.dispatch.record_placements", flaky)
    with pytest.raises(OperationalError):
        dispatcher.drain()
    dispatcher.drain()
    call.refresh_from_db()
    assert call.state == CallState.PLACED
    assert len(scripted.orders) == 1


def test_a_call_is_redialled_by_the_ladder_and_then_ends(scripted: Any) -> None:
    call = place(requested(retry_min_period=1, retry_max_period=5, retry_max_count=2))
    waits = []
    for _ in range(2):
        report(call.attempts.latest("number"), EventKind.ENDED, outcome=Outcome.BUSY, leg=Leg.A)
        call.refresh_from_db()
        assert call.state == CallState.SCHEDULED
        assert call.due_at is not None
        waits.append(round((call.due_at - timezone.now()).total_seconds() / 60))
        assert (call.leg_a, call.leg_b) == (LegState.WAITING, LegState.WAITING)
        make_due(call)
        place(call)
    assert waits == [1, 2]
    report(call.attempts.latest("number"), EventKind.ENDED, outcome=Outcome.BUSY, leg=Leg.A)
    call.refresh_from_db()
    assert (call.state, call.outcome, call.redial_count) == (CallState.ENDED, Outcome.BUSY, 2)
    assert len(scripted.orders) == 3


@pytest.mark.parametrize(
    "outcome", [Outcome.DECLINED, Outcome.MACHINE, Outcome.CANCELED, Outcome.UNKNOWN]
)
def test_these_outcomes_are_never_redialled(scripted: Any, outcome: Outcome) -> None:
    call = place(requested(retry_min_period=1, retry_max_period=1, retry_max_count=4))
    report(call.attempts.get(), EventKind.ENDED, outcome=outcome, leg=Leg.A)
    call.refresh_from_db()
    assert (call.state, call.outcome) == (CallState.ENDED, outcome)


def test_a_late_report_of_an_earlier_attempt_leaves_the_new_one_alone(scripted: Any) -> None:
    call = place(requested(retry_min_period=1, retry_max_period=1, retry_max_count=1))
    first = call.attempts.get()
    report(first, EventKind.ENDED, outcome=Outcome.NO_ANSWER, leg=Leg.A)
    make_due(call)
    place(call)
    report(first, EventKind.RINGING, leg=Leg.A)
    call.refresh_from_db()
    assert call.state == CallState.PLACED
    first.refresh_from_db()
    assert first.outcome == Outcome.NO_ANSWER
    assert first.a_ringing_at is not None


def test_a_report_never_crosses_to_another_providers_attempt(scripted: Any) -> None:
    call = place(requested())
    attempt = call.attempts.get()
    event = ReportedEvent(kind=EventKind.ENDED, reference=attempt.reference)
    assert apply_report(event, alias="second") is None
    theirs = ReportedEvent(kind=EventKind.ENDED, provider_reference=attempt.provider_reference)
    assert apply_report(theirs, alias="second") is None
    assert apply_report(theirs, alias="scripted") is not None


def test_the_same_report_twice_is_one_event_and_one_ending(scripted: Any) -> None:
    call = place(requested())
    attempt = call.attempts.get()
    ended: list[Any] = []

    def note(sender: Any, call: Call, **_: Any) -> None:
        ended.append(call)

    call_ended.connect(note)
    try:
        for _ in range(3):
            event = ReportedEvent(
                kind=EventKind.ENDED,
                reference=attempt.reference,
                event_id="e-1",
                outcome=Outcome.COMPLETED,
            )
            apply_report(event, alias="scripted")
    finally:
        call_ended.disconnect(note)
    assert CallEvent.objects.filter(kind=EventKind.ENDED).count() == 1
    assert len(ended) == 1


def test_parallel_reports_all_count(scripted: Any) -> None:
    call = place(requested())
    attempt = call.attempts.get()
    kinds = [
        (EventKind.RINGING, {"leg": Leg.A}),
        (EventKind.ANSWERED, {"leg": Leg.A}),
        (EventKind.RINGING, {"leg": Leg.B}),
        (EventKind.JOINED, {}),
        (EventKind.ENDED, {"outcome": Outcome.COMPLETED}),
    ] * 3
    start = threading.Barrier(len(kinds))

    def send(number: int, kind: EventKind, known: dict[str, Any]) -> None:
        start.wait()
        try:
            report(attempt, kind, event_id=f"e-{number % 5}", **known)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=send, args=(number, *kind)) for number, kind in enumerate(kinds)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    call.refresh_from_db()
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.COMPLETED)
    assert CallEvent.objects.exclude(kind=EventKind.PLACED).count() == 5


@pytest.mark.parametrize(
    "report_fields",
    [
        {"occurred_at": timezone.now() + timedelta(days=900)},
        {"occurred_at": None},
        {"talk_seconds": -5},
        {"talk_seconds": 10**12},
        {"words": "x" * 5000},
        {"recording_url": "https://example.com/" + "x" * 5000},
    ],
)
def test_absurd_reports_are_taken_without_their_absurdity(
    scripted: Any, report_fields: dict[str, Any]
) -> None:
    call = place(requested())
    event = ReportedEvent(
        kind=EventKind.ENDED,
        reference=call.attempts.get().reference,
        outcome=Outcome.COMPLETED,
        **report_fields,
    )
    apply_report(event, alias="scripted")
    call.refresh_from_db()
    assert call.outcome == Outcome.COMPLETED
    assert call.ended_at is not None
    assert abs(call.ended_at - timezone.now()) < timedelta(minutes=1)


def test_events_are_only_ever_added(scripted: Any) -> None:
    place(requested())
    event = CallEvent.objects.latest("id")
    event.words = "something else"
    with pytest.raises(TypeError):
        event.save()


# --- cancel ------------------------------------------------------------------------------------


def test_a_queued_call_is_taken_off_the_queue(scripted: Any) -> None:
    call = requested()
    assert is_cancellable(call)
    call = cancel_call(call)
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.CANCELED)
    place(call)
    assert not scripted.orders
    assert cancel_call(call).outcome == Outcome.CANCELED


def test_a_placed_call_is_hung_up_by_its_provider(scripted: Any) -> None:
    call = cancel_call(place(requested()))
    assert call.cancel_requested_at is not None
    assert not is_cancellable(call)
    place(call)
    order, placement = scripted.hang_ups[0]
    assert placement.provider_state == {"token": "t"}
    assert order.reference == call.attempts.get().reference
    assert call.events.filter(kind=EventKind.CANCEL_REQUESTED).exists()
    report(call.attempts.get(), EventKind.ENDED, outcome=Outcome.NO_ANSWER)
    call.refresh_from_db()
    assert call.is_over, "a cancelled call is not redialled"


def test_a_hang_up_that_fails_is_tried_again(scripted: Any) -> None:
    call = cancel_call(place(requested()))
    scripted.cancel_errors[:] = [ProviderUnavailable("connection refused")]
    place(call)
    assert call.cancel_due_at is not None
    Call.objects.filter(pk=call.pk).update(cancel_due_at=timezone.now() - timedelta(seconds=1))
    place(call)
    assert len(scripted.hang_ups) == 2


def test_a_provider_that_cannot_hang_up_says_so(scripted: Any) -> None:
    call = place(request_call(make_endpoint(provider="plain"), VISITOR))
    assert not is_cancellable(call)
    with pytest.raises(NotCancellable):
        cancel_call(call)


# --- many in one request -------------------------------------------------------------------------


def test_calls_go_out_together_where_the_provider_takes_many(scripted: Any) -> None:
    BatchingProvider.batches.clear()
    scripted.reset(accept, failing(ProviderRefused("no such number")), accept, lost)
    calls = [requested_of("batching") for _ in range(5)]
    CallDispatcher().drain()
    assert sorted(map(len, BatchingProvider.batches)) == [2, 3]
    references = [each.reference for each in Attempt.objects.all()]
    assert sorted(chain.from_iterable(BatchingProvider.batches)) == sorted(references)
    outcomes = Call.objects.filter(pk__in=[call.pk for call in calls]).values_list("outcome")
    assert sorted(str(outcome) for (outcome,) in outcomes) == [
        *["None"] * 3,
        "rejected",
        "unknown",
    ]
    for attempt in Attempt.objects.filter(outcome=None):
        assert attempt.provider_reference == f"theirs-{attempt.reference}"
        assert attempt.state == attempt.call.state == CallState.PLACED
        assert attempt.call.report_due_at is not None


def test_an_order_that_is_held_up_is_not_sent_with_the_others(scripted: Any, settings: Any) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "CLAIM_LIFETIME": -1}
    BatchingProvider.batches.clear()
    calls = [requested_of("batching") for _ in range(3)]
    CallDispatcher().drain()
    assert BatchingProvider.batches == []
    states = Call.objects.filter(pk__in=[call.pk for call in calls]).values_list("state")
    assert set(states) == {(CallState.SCHEDULED,)}


@pytest.mark.parametrize("results", [[], RuntimeError("a mistake of the adapter")])
def test_an_adapter_that_breaks_leaves_all_of_them_in_doubt(
    scripted: Any, monkeypatch: pytest.MonkeyPatch, results: Any
) -> None:
    def broken(self: Any, orders: Any) -> Any:
        if isinstance(results, Exception):
            raise results
        return results

    monkeypatch.setattr(BatchingProvider, "place_calls", broken)
    for _ in range(3):
        requested_of("batching")
    CallDispatcher().drain()
    assert set(Call.objects.values_list("outcome")) == {(Outcome.UNKNOWN,)}


def test_one_placement_that_cannot_be_written_holds_none_of_the_others_up(scripted: Any) -> None:
    def strange(order: Any) -> Any:
        return Placement(provider_reference="x", provider_state={"loop": object()})

    scripted.reset(accept, strange, accept)
    for _ in range(3):
        requested_of("batching")
    CallDispatcher().drain()
    assert sorted(Call.objects.values_list("state", flat=True)) == [
        CallState.PLACED,
        CallState.PLACED,
        CallState.PLACING,
    ]


# --- the delivery time window --------------------------------------------------------------------


def test_a_call_is_not_placed_in_a_window_that_has_closed_meanwhile(scripted: Any) -> None:
    """It was due in time, but no dispatcher was there."""
    call = requested()
    opens = timezone.now() + timedelta(hours=2)
    window = {"from": {"hour": opens.hour}, "to": {"hour": (opens.hour + 1) % 24}}
    Call.objects.filter(pk=call.pk).update(
        options={**call.options, "delivery_time_window": window},
        expires_at=timezone.now() + timedelta(hours=8),
    )
    place(call)
    assert not scripted.orders
    assert (call.state, call.attempt_count) == (CallState.SCHEDULED, 0)
    assert call.due_at is not None
    assert call.due_at.replace(second=0) == opens.replace(minute=0, second=0, microsecond=0)
    Call.objects.filter(pk=call.pk).update(options={**call.options, "delivery_time_window": {}})
    make_due(call)
    place(call)
    assert (call.state, call.attempt_count) == (CallState.PLACED, 1)


# --- recover -----------------------------------------------------------------------------------


def test_the_call_of_a_dead_dispatcher_ends_unknown_and_is_never_repeated(scripted: Any) -> None:
    call = requested()
    claim_due("scripted", "a dispatcher that dies", 1)
    assert recover() == 0, "a fresh claim is left alone"
    Call.objects.filter(pk=call.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert recover() == 1
    call.refresh_from_db()
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.UNKNOWN)
    place(call)
    assert not scripted.orders
    assert recover() == 0


def test_a_report_after_the_recovery_still_tells_what_happened(scripted: Any) -> None:
    call = requested()
    claims = claim_due("scripted", "a dispatcher that dies", 1)
    Call.objects.filter(pk=call.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))
    recover()
    report(claims[0].attempt, EventKind.JOINED)
    report(claims[0].attempt, EventKind.ENDED)
    call.refresh_from_db()
    assert call.outcome == Outcome.COMPLETED


def test_a_provider_that_never_reports_the_end_leaves_it_unknown(scripted: Any) -> None:
    call = place(requested())
    Call.objects.filter(pk=call.pk).update(report_due_at=timezone.now() - timedelta(seconds=1))
    assert recover() == 1
    call.refresh_from_db()
    assert call.outcome == Outcome.UNKNOWN
    assert call.report_due_at is None


def test_an_event_of_our_own_is_told_apart_from_the_providers(scripted: Any) -> None:
    call = place(requested())
    apply_event(call.attempts.get(), event_now(EventKind.NOTE, words="seen by the operator"))
    assert set(call.events.values_list("source", flat=True)) == {"self"}
    report(call.attempts.get(), EventKind.RINGING, leg=Leg.A)
    assert call.events.filter(source="provider").count() == 1


def test_an_order_that_cannot_be_written_ends_the_call_and_nothing_is_asked(
    scripted: Any, settings: Any
) -> None:
    call = requested()
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PUBLIC_URL": ""}
    place(call)
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.REJECTED)
    assert "PUBLIC_URL" in call.outcome_words
    assert not scripted.orders


def test_the_dispatcher_runs_until_it_is_told_to_stop(scripted: Any) -> None:
    call = make_call(make_endpoint(provider="scripted"))
    dispatcher = CallDispatcher()

    def stop_when_placed() -> None:
        try:
            for _ in range(200):
                if Call.objects.filter(pk=call.pk, state=CallState.PLACED).exists():
                    break
                threading.Event().wait(0.02)
        finally:
            dispatcher.stop()
            connection.close()

    watcher = threading.Thread(target=stop_when_placed)
    watcher.start()
    dispatcher.run()
    watcher.join()
    call.refresh_from_db()
    assert call.state == CallState.PLACED


@pytest.mark.parametrize(
    "report_fields",
    [
        {"words": "a\x00b\ud800"},
        {"recording_url": "https://example.com/\x00"},
        {"price": Decimal("NaN"), "currency": "EUR"},
        {"price": Decimal(-1), "currency": "EUR"},
        {"price": Decimal("1e30"), "currency": "E\x00UR"},
    ],
)
def test_what_no_column_takes_is_left_out(scripted: Any, report_fields: dict[str, Any]) -> None:
    call = place(requested())
    report(call.attempts.get(), EventKind.ENDED, outcome=Outcome.COMPLETED, **report_fields)
    call.refresh_from_db()
    assert (call.outcome, call.price) == (Outcome.COMPLETED, None)


def test_an_answer_that_cannot_be_written_holds_nobody_up(scripted: Any) -> None:
    broken, fine = requested(), requested()

    def strange(order: Any) -> Any:
        return Placement(provider_reference="x", provider_state={"loop": object()})

    scripted.reset(strange)
    dispatcher = CallDispatcher()
    dispatcher.drain()
    fine.refresh_from_db()
    broken.refresh_from_db()
    assert sorted([fine.state, broken.state]) == [CallState.PLACED, CallState.PLACING]


# --- found by attack ----------------------------------------------------------------------------


def test_a_phone_that_rings_is_not_ordered_again_whatever_the_answer_said(scripted: Any) -> None:
    def rings_then_fails(order: Any) -> Any:
        report_of(order.reference, EventKind.RINGING, leg=Leg.A)
        raise ProviderUnavailable("503 from a gateway")

    scripted.reset(rings_then_fails)
    call = place(requested())
    assert call.state == CallState.RINGING
    assert call.due_at is None
    assert call.report_due_at is not None
    make_due(call)
    place(call)
    assert len(scripted.orders) == 1


def test_a_ringing_report_calls_off_the_retry(scripted: Any) -> None:
    scripted.reset(failing(ProviderUnavailable("503 from a gateway")))
    call = place(requested())
    assert call.state == CallState.SCHEDULED
    report(call.attempts.get(), EventKind.RINGING, leg=Leg.A)
    call.refresh_from_db()
    assert (call.state, call.due_at) == (CallState.RINGING, None)
    place(call)
    assert len(scripted.orders) == 1


def report_of(reference: str, kind: EventKind, **known: Any) -> None:
    """A report in the provider's own thread, as a callback would bring it."""
    try:
        event = ReportedEvent(kind=kind, reference=reference, occurred_at=timezone.now(), **known)
        apply_report(event, alias="scripted")
    finally:
        connection.close()


def test_a_call_that_was_reported_before_its_dispatcher_died_is_not_forgotten(
    scripted: Any,
) -> None:
    call = requested()
    claims = claim_due("scripted", "a dispatcher that dies", 1)
    report(claims[0].attempt, EventKind.RINGING, leg=Leg.A)
    call.refresh_from_db()
    assert call.report_due_at is not None
    Call.objects.filter(pk=call.pk).update(report_due_at=timezone.now() - timedelta(seconds=1))
    assert recover() == 1
    call.refresh_from_db()
    assert call.outcome == Outcome.UNKNOWN


def test_a_hang_up_waits_for_the_dispatcher_of_its_provider(scripted: Any) -> None:
    call = cancel_call(place(requested()))
    CallDispatcher(["second"]).drain()
    assert not scripted.hang_ups
    place(call)
    assert len(scripted.hang_ups) == 1
    assert call.cancel_due_at is None


def test_a_hang_up_survives_the_dispatcher_that_took_it(scripted: Any) -> None:
    call = cancel_call(place(requested()))
    assert claim_cancels("scripted", 1)
    assert not claim_cancels("scripted", 1)
    call.refresh_from_db()
    assert call.cancel_due_at is not None
    Call.objects.filter(pk=call.pk).update(cancel_due_at=timezone.now() - timedelta(seconds=1))
    place(call)
    assert len(scripted.hang_ups) == 1


def test_a_call_cancelled_while_it_could_not_be_placed_is_cancelled(scripted: Any) -> None:
    def cancelled_meanwhile(order: Any) -> Any:
        cancel_call(Call.objects.get(pk=order.call_id))
        connection.close()
        raise ProviderUnavailable("connection refused")

    scripted.reset(cancelled_meanwhile)
    call = place(requested())
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.CANCELED)


def test_an_order_is_not_sent_after_its_claim_has_lapsed(scripted: Any, settings: Any) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "CLAIM_LIFETIME": -1}
    call = place(requested())
    assert not scripted.orders
    assert call.state == CallState.SCHEDULED


def test_a_call_that_is_to_be_cancelled_is_never_claimed(scripted: Any) -> None:
    call = requested()
    Call.objects.filter(pk=call.pk).update(cancel_requested_at=timezone.now())
    assert claim_due("scripted", "a dispatcher", 5) == []


def test_one_call_that_nobody_can_read_holds_no_other_up(scripted: Any) -> None:
    """Its window names a zone that this machine has not heard of."""
    strange, fine = requested(), requested()
    window = {"from": {"hour": 9}, "to": {"hour": 17}, "time_zone": "Mars/Olympus"}
    Call.objects.filter(pk=strange.pk).update(
        options={**strange.options, "delivery_time_window": window}
    )
    CallDispatcher().drain()
    fine.refresh_from_db()
    assert fine.state == CallState.PLACED


def test_a_mistake_does_not_end_the_dispatcher(
    scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = requested()
    mistakes = iter([RuntimeError("a mistake")])

    def mistaken() -> bool:
        for mistake in mistakes:
            raise mistake
        return True

    monkeypatch.setattr("clicktocall.calls.dispatch.anything_due", mistaken)
    dispatcher = CallDispatcher()
    timer = threading.Timer(1.5, dispatcher.stop)
    timer.start()
    dispatcher.run()
    call.refresh_from_db()
    assert call.state == CallState.PLACED


def test_a_scheduled_call_is_redialled_within_its_validity_from_then_on(scripted: Any) -> None:
    endpoint = make_endpoint(
        provider="scripted",
        retry_min_period=1,
        retry_max_period=1,
        retry_max_count=1,
        validity_period=60,
    )
    call = request_call(endpoint, VISITOR, send_at=timezone.now() + timedelta(days=3))
    long_ago = timezone.now() - timedelta(days=3)
    Call.objects.filter(pk=call.pk).update(created_at=long_ago)
    make_due(call)
    place(call)
    report(call.attempts.get(), EventKind.ENDED, outcome=Outcome.BUSY, leg=Leg.A)
    call.refresh_from_db()
    assert call.state == CallState.SCHEDULED


def test_what_could_not_be_placed_in_time_does_not_wait_for_a_window_beyond_it(
    scripted: Any,
) -> None:
    scripted.reset(failing(ProviderUnavailable("connection refused")))
    call = requested()
    opens = timezone.now() + timedelta(hours=3)
    window = {"from": {"hour": opens.hour}, "to": {"hour": (opens.hour + 1) % 24}}
    dispatcher = CallDispatcher()
    (claim,) = claim_due("scripted", dispatcher.name, 1)
    Call.objects.filter(pk=call.pk).update(options={**call.options, "delivery_time_window": window})
    record(NotPlaced(claim.attempt, ProviderUnavailable("connection refused")))
    call.refresh_from_db()
    assert call.due_at == call.expires_at


def test_however_often_it_was_tried_there_is_a_pause() -> None:
    assert pause_after_failed_placing(5000) == pause_after_failed_placing(10)
