"""An order whose answer was lost: what is done depends on what was proven of the provider."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from clicktocall.calls import cancel_call, request_call
from clicktocall.calls.brakes import stop_calls
from clicktocall.calls.claim import claim_due, claim_follow_ups
from clicktocall.calls.dispatch import CallDispatcher
from clicktocall.calls.recover import recover
from clicktocall.exceptions import (
    OutcomeUnknown,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)
from clicktocall.models import Attempt, Call, Endpoint
from clicktocall.orders import Placement, ReportedEvent
from clicktocall.signals import call_ended
from clicktocall.states import CallState, EventKind, Leg, Outcome
from tests.factories import VISITOR, make_endpoint

pytestmark = pytest.mark.django_db(transaction=True)

LOST = "No answer within 10 s."


def lost(order: object) -> Placement:
    raise OutcomeUnknown(LOST)


def failing(error: Exception) -> Any:
    def answer(*_: object) -> Any:
        raise error

    return answer


def finds(*events: ReportedEvent) -> Any:
    return lambda *_: list(events)


def said(kind: EventKind, **known: Any) -> ReportedEvent:
    return ReportedEvent(kind=kind, occurred_at=timezone.now(), **known)


def requested(provider: str, **fields: Any) -> Call:
    return request_call(make_endpoint(provider=provider, **fields), VISITOR)


def round_of_a_dispatcher(call: Call) -> Call:
    CallDispatcher().drain()
    call.refresh_from_db()
    return call


def later(call: Call) -> Call:
    """As if the next look were due; one round of a dispatcher."""
    past = timezone.now() - timedelta(seconds=1)
    Attempt.objects.filter(call=call, follow_up_at__isnull=False).update(follow_up_at=past)
    Call.objects.filter(pk=call.pk, due_at__isnull=False).update(due_at=past)
    return round_of_a_dispatcher(call)


def next_look(call: Call) -> Any:
    return call.attempts.latest("number").follow_up_at


# --- nothing is proven -------------------------------------------------------------------------


def test_without_proof_it_ends_unknown_and_nobody_is_asked(scripted: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("scripted"))
    assert (call.state, call.outcome, call.outcome_words) == (
        CallState.ENDED,
        Outcome.UNKNOWN,
        LOST,
    )
    assert next_look(call) is None
    later(call)
    assert len(scripted.orders) == 1


def test_one_that_can_be_asked_tells_later_what_happened(scripted: Any) -> None:
    """The call ends `unknown` at once, and is never repeated; the history learns the truth."""
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("askable"))
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.UNKNOWN)
    assert next_look(call) > timezone.now()
    later(call)  # it knows nothing yet: that proves nothing
    assert call.outcome == Outcome.UNKNOWN
    scripted.findings.append(finds(said(EventKind.ENDED, outcome=Outcome.BUSY, leg=Leg.A)))
    later(call)
    assert (call.outcome, next_look(call)) == (Outcome.BUSY, None)
    assert len(scripted.look_ups) == 2
    assert len(scripted.orders) == 1
    assert call.events.filter(source="provider").count() == 1


def test_it_is_asked_ever_more_rarely_and_not_after_two_days(scripted: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("askable"))
    waits = [next_look(call) - timezone.now()]
    for _ in range(11):
        later(call)
        waits.append(next_look(call) - timezone.now())
    seconds = [round(wait.total_seconds()) for wait in waits]
    assert seconds == sorted(seconds)
    assert timedelta(seconds=3) < waits[0] < timedelta(seconds=6)
    assert timedelta(hours=11) < waits[-1] < timedelta(hours=13)
    call.attempts.update(created_at=timezone.now() - timedelta(hours=37))
    later(call)
    assert next_look(call) is None
    asked = len(scripted.look_ups)
    later(call)
    assert len(scripted.look_ups) == asked


# --- lookup ------------------------------------------------------------------------------------


def test_lookup_an_order_that_never_arrived_is_sent_anew(scripted: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("lookup"))
    assert call.state == CallState.PLACING
    assert call.events.get().words == LOST
    later(call)
    assert call.state == CallState.SCHEDULED
    later(call)
    assert call.state == CallState.PLACED
    first, second = call.attempts.order_by("number")
    assert scripted.look_ups == [first.reference]
    assert [order.reference for order in scripted.orders] == [first.reference, second.reference]
    assert (first.outcome, first.follow_up_at) == (Outcome.FAILED, None)


def test_lookup_an_order_that_did_arrive_is_never_sent_again(scripted: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("lookup"))
    scripted.findings.append(finds(said(EventKind.PLACED)))
    later(call)
    assert call.state == CallState.PLACED
    assert call.report_due_at is not None
    assert next_look(call) is None
    assert len(scripted.orders) == 1


def test_lookup_of_a_dispatcher_that_died(scripted: Any) -> None:
    call = requested("lookup")
    claim_due("lookup", "a dispatcher that dies", 1)
    Call.objects.filter(pk=call.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert recover() == 1
    assert recover() == 0
    call.refresh_from_db()
    assert call.state == CallState.PLACING
    later(call)
    later(call)
    assert call.state == CallState.PLACED
    assert len(scripted.orders) == 1


def test_lookup_that_fails_is_tried_again_until_the_doubt_has_lasted_too_long(
    scripted: Any,
) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("lookup"))
    scripted.findings[:] = [
        failing(ProviderUnavailable("no connection")),
        failing(ProviderThrottled("slowly", 90)),
        failing(RuntimeError("a mistake of the adapter")),
    ]
    later(call)
    assert call.state == CallState.PLACING
    later(call)
    assert timedelta(seconds=80) < next_look(call) - timezone.now() < timedelta(seconds=91)
    call.attempts.update(created_at=timezone.now() - timedelta(minutes=11))
    later(call)
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.UNKNOWN)
    assert next_look(call) is not None, "the history may still learn what happened"
    assert len(scripted.orders) == 1


def test_lookup_of_a_call_that_was_cancelled_meanwhile_sends_nothing(scripted: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("lookup"))
    cancel_call(call)
    later(call)
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.CANCELED)
    assert len(scripted.orders) == 1


def test_what_is_said_of_another_call_is_not_taken(scripted: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("lookup"))
    foreign = said(EventKind.ENDED, outcome=Outcome.BUSY, leg=Leg.A, reference="f" * 32)
    scripted.findings.append(finds(foreign))
    later(call)
    assert not call.events.filter(source="provider").exists()
    assert call.state == CallState.PLACING, "and it is no proof that ours was never placed"
    later(call)
    later(call)
    assert call.state == CallState.PLACED, "which an empty answer is"


@pytest.mark.parametrize("removed", [False, True], ids=["throttled for ever", "alias removed"])
def test_no_doubt_lasts_for_ever(scripted: Any, settings: Any, removed: bool) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("lookup"))
    scripted.findings[:] = [failing(ProviderThrottled("slowly", 600))] * 5
    if removed:
        providers = dict(settings.CLICKTOCALL["PROVIDERS"])
        del providers["lookup"]
        settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": providers}
    long_ago = timezone.now() - timedelta(minutes=13)
    call.attempts.update(created_at=long_ago)
    Call.objects.update(updated_at=long_ago)
    if not removed:
        later(call)
    recover()
    call.refresh_from_db()
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.UNKNOWN)
    assert len(scripted.orders) == 1


# --- window ------------------------------------------------------------------------------------


def test_window_the_very_same_order_is_repeated(scripted: Any) -> None:
    scripted.reset(lost, lost)
    call = round_of_a_dispatcher(requested("window"))
    assert call.state == CallState.PLACING
    later(call)
    assert call.state == CallState.PLACING
    later(call)
    assert call.state == CallState.PLACED
    attempt = call.attempts.get()
    assert [order.reference for order in scripted.orders] == [attempt.reference] * 3
    assert attempt.follow_up_at is None


def test_window_that_is_over_repeats_nothing(scripted: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("window"))
    call.attempts.update(created_at=timezone.now() - timedelta(seconds=58))
    later(call)
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.UNKNOWN)
    assert len(scripted.orders) == 1
    assert next_look(call) is None, "nobody can tell any more"


def test_window_that_ended_while_nobody_was_there(scripted: Any) -> None:
    """The dispatcher died, and was taken for dead only after the provider had forgotten."""
    call = requested("window")
    claim_due("window", "a dispatcher that dies", 1)
    past = timezone.now() - timedelta(seconds=61)
    call.attempts.update(created_at=past)
    Call.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    recover()
    call.refresh_from_db()
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.UNKNOWN)
    assert next_look(call) is None


def test_window_a_wrong_setting_does_not_stop_the_dispatcher(scripted: Any, settings: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("window"))
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PUBLIC_URL": ""}
    later(call)
    assert call.state == CallState.PLACING
    assert next_look(call) > timezone.now()


@pytest.mark.parametrize(
    "error",
    [ProviderRefused("no credit left"), ProviderUnavailable("no connection")],
    ids=["refused", "unavailable"],
)
def test_window_an_error_of_the_repetition_proves_nothing_about_the_first(
    scripted: Any, error: Exception
) -> None:
    scripted.reset(lost, failing(error))
    call = round_of_a_dispatcher(requested("window"))
    later(call)
    assert call.state == CallState.PLACING, "not rejected, and not sent as a new attempt"
    assert call.attempt_count == 1


@pytest.mark.parametrize("scope", [{}, {"provider": "window"}, None], ids=str)
def test_window_nothing_is_repeated_while_calls_are_stopped(scripted: Any, scope: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("window"))
    if scope is None:
        Endpoint.objects.update(active=False)
    else:
        stop_calls(**scope)
    later(call)
    assert len(scripted.orders) == 1
    assert call.state == CallState.PLACING
    call.attempts.update(created_at=timezone.now() - timedelta(seconds=58))
    later(call)
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.UNKNOWN)
    assert len(scripted.orders) == 1


def test_window_a_cancelled_call_is_not_repeated(scripted: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("window"))
    cancel_call(call)
    later(call)
    assert len(scripted.orders) == 1
    assert call.outcome == Outcome.UNKNOWN


# --- whatever is proven ------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["scripted", "askable", "lookup", "window"])
def test_a_phone_that_rings_is_no_doubt(scripted: Any, provider: str) -> None:
    def rings_and_gets_lost(order: Any) -> Any:
        from django.db import connection

        from clicktocall.calls.events import apply_report

        apply_report(said(EventKind.RINGING, leg=Leg.A, reference=order.reference), alias=provider)
        connection.close()
        raise OutcomeUnknown(LOST)

    scripted.reset(rings_and_gets_lost)
    call = round_of_a_dispatcher(requested(provider))
    assert call.state == CallState.RINGING
    assert next_look(call) is None
    later(call)
    assert len(scripted.orders) == 1


@pytest.mark.parametrize("provider", ["scripted", "askable", "lookup", "window"])
def test_a_report_settles_the_doubt(scripted: Any, provider: str) -> None:
    from clicktocall.calls.events import apply_report

    ended: list[str] = []

    def note(sender: Any, call: Call, **_: Any) -> None:
        ended.append(str(call.outcome))

    scripted.reset(lost)
    call = round_of_a_dispatcher(requested(provider))
    call_ended.connect(note)
    reference = call.attempts.get().reference
    apply_report(said(EventKind.JOINED, reference=reference), alias=provider)
    apply_report(said(EventKind.ENDED, reference=reference), alias=provider)
    call_ended.disconnect(note)
    later(call)
    assert call.outcome == Outcome.COMPLETED
    assert len(scripted.orders) == 1
    assert next_look(call) is None
    assert len(ended) <= 1


def test_a_follow_up_is_one_dispatchers(scripted: Any) -> None:
    scripted.reset(lost)
    call = round_of_a_dispatcher(requested("lookup"))
    call.attempts.update(follow_up_at=timezone.now() - timedelta(seconds=1))
    assert len(claim_follow_ups("lookup", 5)) == 1
    assert claim_follow_ups("lookup", 5) == []
    assert next_look(call) > timezone.now(), "if that one dies, another one asks"


# --- the provider falls silent -----------------------------------------------------------------


def overdue(call: Call) -> Call:
    """As if its report had been due long ago."""
    past = timezone.now() - timedelta(seconds=1)
    Call.objects.filter(pk=call.pk).update(report_due_at=past)
    recover()
    call.refresh_from_db()
    return call


def test_a_silent_provider_is_asked_before_its_call_is_given_up(scripted: Any) -> None:
    call = overdue(round_of_a_dispatcher(requested("askable")))
    assert call.state == CallState.PLACED
    scripted.findings.append(finds(said(EventKind.JOINED), said(EventKind.ENDED, talk_seconds=9)))
    round_of_a_dispatcher(call)
    assert (call.outcome, call.talk_seconds) == (Outcome.COMPLETED, 9)
    assert next_look(call) is None


def test_one_that_does_not_know_either_leaves_it_unknown_for_now(scripted: Any) -> None:
    call = overdue(round_of_a_dispatcher(requested("askable")))
    round_of_a_dispatcher(call)
    assert call.state == CallState.PLACED
    overdue(call)
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.UNKNOWN)
    scripted.findings.append(finds(said(EventKind.ENDED, outcome=Outcome.BUSY, leg=Leg.A)))
    later(call)
    assert call.outcome == Outcome.BUSY
