"""Calls under everything that can happen to them, in any order: a state machine of hypotheses.

Requests, answers of every kind, lost answers, crashes of dispatchers, reports, redials, hang-ups,
brakes and the passing of time. The provider keeps its own record of which phones it rang.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from clicktocall.calls import cancel_call, request_call
from clicktocall.calls.brakes import resume_calls, stop_calls
from clicktocall.calls.claim import claim_due
from clicktocall.calls.dispatch import CallDispatcher, order_of
from clicktocall.calls.events import apply_report
from clicktocall.calls.recover import recover
from clicktocall.exceptions import (
    CallRefused,
    NotCancellable,
    OutcomeUnknown,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)
from clicktocall.models import Attempt, Brake, Call, CallEvent, Circuit, Endpoint
from clicktocall.orders import CallOrder, Placement, ReportedEvent
from clicktocall.providers import get_provider
from clicktocall.states import (
    REDIALLED_OUTCOMES,
    WAITING_STATES,
    CallState,
    EventKind,
    Leg,
    Outcome,
)
from tests.factories import VISITOR, make_endpoint
from tests.heart.scripted import AskableProvider, ScriptedProvider

ALIASES = ("scripted", "window", "lookup")
ANSWERS = ("accept", "refuse", "unavailable", "throttled", "lost", "lost on its way back")


class TelephoneWorld:
    """What the provider knows and this site does not: whose phone has rung, and how often."""

    def __init__(self) -> None:
        self.rung: defaultdict[str, list[str]] = defaultdict(list)  # references, by call
        self.known: set[str] = set()
        self.answers: list[str] = []

    def take(self, alias: str, order: CallOrder) -> Placement:
        answer = self.answers.pop(0) if self.answers else "accept"
        match answer:
            case "refuse":
                raise ProviderRefused("no such number")
            case "unavailable":
                raise ProviderUnavailable("connection refused")
            case "throttled":
                raise ProviderThrottled("slowly", 2)
            case "lost":
                raise OutcomeUnknown("no answer")
        self.ring(alias, order)
        if answer == "lost on its way back":
            raise OutcomeUnknown("no answer")
        return Placement(provider_reference=order.reference)

    def ring(self, alias: str, order: CallOrder) -> None:
        if alias == "window" and order.reference in self.known:
            return  # it knows the reference again
        self.known.add(order.reference)
        self.rung[order.call_id].append(order.reference)

    def look_up(self, reference: str) -> list[ReportedEvent]:
        if reference not in self.known:
            return []
        return [ReportedEvent(kind=EventKind.PLACED, reference=reference)]


class Life(RuleBasedStateMachine):
    world: ClassVar[TelephoneWorld]

    @initialize()
    def begin(self) -> None:
        for model in (CallEvent, Attempt, Call, Circuit, Brake):
            model._default_manager.all().delete()
        ScriptedProvider.reset()
        Life.world = TelephoneWorld()
        self.ended_for_good: set[str] = set()
        self.told: defaultdict[str, set[Outcome]] = defaultdict(set)  # by reference
        self.endpoints = {alias: _endpoint(alias) for alias in ALIASES}

    @rule(alias=st.sampled_from(ALIASES))
    def request(self, alias: str) -> None:
        try:
            request_call(self.endpoints[alias], VISITOR)
        except CallRefused:
            stopped = Brake.objects.exists()
            assert stopped, "refused for no reason"

    @rule(answers=st.lists(st.sampled_from(ANSWERS), max_size=4))
    def dispatch(self, answers: list[str]) -> None:
        self.world.answers[:] = answers
        CallDispatcher(list(ALIASES)).drain()
        self.world.answers.clear()

    @rule(alias=st.sampled_from(ALIASES), sent=st.booleans())
    def a_dispatcher_dies(self, alias: str, sent: bool) -> None:
        """With calls claimed, and their orders sent or not."""
        for claim in claim_due(alias, "a dispatcher that dies", 2):
            if sent:
                self.world.ring(alias, order_of(claim.call, claim.attempt))

    @precondition(lambda self: self.world.known)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(
            [Outcome.BUSY, Outcome.NO_ANSWER, Outcome.DECLINED, Outcome.COMPLETED]
        ),
        ends=st.booleans(),
    )
    def report(self, data: st.DataObject, outcome: Outcome, ends: bool) -> None:
        reference = data.draw(st.sampled_from(sorted(self.world.known)))
        alias = Attempt.objects.get(reference=reference).provider
        now = timezone.now()
        told = [ReportedEvent(kind=EventKind.RINGING, reference=reference, leg=Leg.A)]
        if outcome == Outcome.COMPLETED:
            told.append(ReportedEvent(kind=EventKind.JOINED, reference=reference))
        if ends:
            told.append(
                ReportedEvent(
                    kind=EventKind.ENDED,
                    reference=reference,
                    outcome=outcome,
                    leg=Leg.A,
                    occurred_at=now,
                )
            )
            self.told[reference].add(outcome)
        for event in told:
            apply_report(event, alias=alias)

    @precondition(lambda self: Call.objects.exists())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        call_id = data.draw(st.sampled_from(sorted(Call.objects.values_list("pk", flat=True))))
        rung_before = len(self.world.rung[call_id])
        call = Call.objects.get(pk=call_id)
        waited = call.state in WAITING_STATES
        try:
            cancel_call(call)
        except NotCancellable:
            return
        if waited and Call.objects.get(pk=call_id).outcome == Outcome.CANCELED:
            self.ended_for_good.add(call_id)
            assert len(self.world.rung[call_id]) == rung_before

    @rule(alias=st.sampled_from(["", *ALIASES]))
    def stop(self, alias: str) -> None:
        stop_calls(provider=alias)

    @rule(alias=st.sampled_from(["", *ALIASES]))
    def resume(self, alias: str) -> None:
        resume_calls(provider=alias)

    @rule()
    def time_passes(self) -> None:
        _age()

    @rule()
    def hours_pass(self) -> None:
        """Longer than any call may be and any report take."""
        past = timezone.now() - timedelta(seconds=1)
        _age()
        Call.objects.filter(report_due_at__isnull=False).update(report_due_at=past)
        recover()

    @rule()
    def recovery(self) -> None:
        recover()

    @invariant()
    def nobody_is_rung_twice(self) -> None:
        for call in Call.objects.all():
            rung = self.world.rung[call.pk]
            assert max(Counter(rung).values(), default=0) <= 1, "one attempt, two rings"
            assert len(rung) <= 1 + call.redial_count, "more rings than redials"
            for reference in rung[:-1]:
                ended = self.told[reference]
                assert ended & set(REDIALLED_OUTCOMES), "rung again, though nobody told of an end"

    @invariant()
    def what_is_over_stays_over(self) -> None:
        for call in Call.objects.filter(state=CallState.ENDED):
            assert call.outcome
            assert call.due_at is None
            assert call.report_due_at is None
        for call_id in self.ended_for_good:
            call = Call.objects.get(pk=call_id)
            assert call.is_over
            if self.world.rung[call_id] == []:
                assert call.outcome == Outcome.CANCELED

    @invariant()
    def a_talk_is_never_forgotten(self) -> None:
        for reference, outcomes in self.told.items():
            if Outcome.COMPLETED in outcomes:
                assert Attempt.objects.get(reference=reference).outcome == Outcome.COMPLETED

    def teardown(self) -> None:
        """Let everything come to its end: no call is stuck."""
        Brake.objects.all().delete()
        unfinished = [*WAITING_STATES, CallState.PLACING]
        for _ in range(40):
            if not Call.objects.filter(state__in=unfinished).exists():
                break
            _age()
            recover()
            CallDispatcher(list(ALIASES)).drain()
            CallDispatcher(list(ALIASES))._expire_late_calls()
        stuck = Call.objects.filter(state__in=unfinished).values_list("provider", "state")
        assert not stuck, list(stuck)
        for call in Call.objects.exclude(state=CallState.ENDED):
            assert call.report_due_at is not None, "nobody would ever ask what became of it"
        self.nobody_is_rung_twice()


def _endpoint(alias: str) -> Endpoint:
    return make_endpoint(provider=alias, retry_min_period=1, retry_max_period=2, retry_max_count=2)


def _age() -> None:
    """As if every pause, lease and claim were over."""
    past = timezone.now() - timedelta(seconds=1)
    Call.objects.filter(due_at__isnull=False).update(due_at=past)
    Call.objects.filter(claimed_until__isnull=False).update(claimed_until=past)
    Attempt.objects.filter(follow_up_at__isnull=False).update(follow_up_at=past)
    Circuit.objects.filter(open_until__isnull=False).update(open_until=past)
    Circuit.objects.filter(wait_until__isnull=False).update(wait_until=past)


@pytest.fixture
def world(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def place(self: ScriptedProvider, order: CallOrder) -> Placement:
        return Life.world.take(self.alias, order)

    def look_up(self: AskableProvider, reference: str, placement: Placement) -> Sequence[Any]:
        return Life.world.look_up(reference)

    monkeypatch.setattr(ScriptedProvider, "place_call", place)
    monkeypatch.setattr(AskableProvider, "fetch_outcome", look_up)
    assert get_provider("lookup").dedupe.kind == "lookup"


def live(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_nobody_is_rung_twice_and_no_call_is_forgotten(world: None) -> None:
    live(examples=15, steps=20)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_whatever_happens_for_a_long_time(world: None) -> None:
    live(examples=40, steps=40)
