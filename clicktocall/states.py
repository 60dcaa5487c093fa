"""What a call can be, and how reported events move it.

The progress of an attempt is a pure function of the *set* of its events: each event stands for a
fixed fact, facts only ever add up, and the derived words are computed from the sum. So events may
come late, twice and in any order, and a call never moves backwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class CallState(TextChoices):
    """Where a call stands. Members are in the order a call passes through them."""

    SCHEDULED = "scheduled", _("scheduled")
    QUEUED = "queued", _("queued")
    PLACING = "placing", _("placing")
    PLACED = "placed", _("placed")
    RINGING = "ringing", _("ringing")
    ANSWERED = "answered", _("answered")
    CONNECTING = "connecting", _("connecting")
    CONNECTED = "connected", _("connected")
    ENDED = "ended", _("ended")


class LegState(TextChoices):
    """Where one leg stands. Later members win when a provider contradicts itself."""

    UNREPORTED = "unreported", _("not reported")
    WAITING = "waiting", _("waiting")
    RINGING = "ringing", _("ringing")
    ANSWERED = "answered", _("answered")
    FAILED = "failed", _("failed")
    CANCELED = "canceled", _("canceled")
    NO_ANSWER = "no_answer", _("no answer")
    BUSY = "busy", _("busy")
    DECLINED = "declined", _("declined")
    MACHINE = "machine", _("answering machine")
    ENDED = "ended", _("ended")


class Outcome(TextChoices):
    """How a call ended. Later members win when a provider contradicts itself: more happened."""

    UNKNOWN = "unknown", _("unknown")
    EXPIRED = "expired", _("expired")
    FAILED = "failed", _("failed")
    REJECTED = "rejected", _("rejected by the provider")
    CANCELED = "canceled", _("canceled")
    NO_ANSWER = "no_answer", _("no answer")
    BUSY = "busy", _("busy")
    DECLINED = "declined", _("declined")
    MACHINE = "machine", _("answering machine")
    COMPLETED = "completed", _("completed")


class Leg(TextChoices):
    A = "a", _("leg A")
    B = "b", _("leg B")


class EventKind(TextChoices):
    """The normalised facts that move a call, and two that only inform."""

    PLACED = "placed", _("accepted by the provider")
    RINGING = "ringing", _("ringing")
    ANSWERED = "answered", _("answered")
    JOINED = "joined", _("both sides joined")
    LEG_ENDED = "leg_ended", _("leg ended")
    ENDED = "ended", _("call ended")
    RECORDED = "recorded", _("recording ready")
    COLLECTED = "collected", _("keys or words taken in")
    NOT_PLACED = "not_placed", _("could not be placed")
    CANCEL_REQUESTED = "cancel_requested", _("hang-up requested")
    NOTE = "note", _("note")


WAITING_STATES = (CallState.SCHEDULED, CallState.QUEUED)
WITH_PROVIDER_STATES = (
    CallState.PLACED,
    CallState.RINGING,
    CallState.ANSWERED,
    CallState.CONNECTING,
    CallState.CONNECTED,
)
REDIALLED_OUTCOMES = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED)

_SIGNS_OF_LIFE = frozenset(
    {EventKind.PLACED, EventKind.RINGING, EventKind.ANSWERED, EventKind.JOINED, EventKind.LEG_ENDED}
)
_STATE_RANK = {state: rank for rank, state in enumerate(CallState)}
_LEG_RANK = {state: rank for rank, state in enumerate(LegState)}
_OUTCOME_RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}
_LEG_OUTCOMES = {
    Outcome.NO_ANSWER: LegState.NO_ANSWER,
    Outcome.BUSY: LegState.BUSY,
    Outcome.DECLINED: LegState.DECLINED,
    Outcome.MACHINE: LegState.MACHINE,
}
_OUTCOME_OF_LEG = {leg: outcome for outcome, leg in _LEG_OUTCOMES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What one event says, already in our words.

    `occurred_at` is aware; `talk_seconds` counts from the join; `price` is in `currency`;
    `answers` is what the person called has keyed or said, by variable.
    """

    kind: EventKind
    occurred_at: datetime
    leg: Leg | None = None
    leg_state: LegState | None = None
    outcome: Outcome | None = None
    talk_seconds: int | None = None
    recording_url: str = ""
    price: Decimal | None = None
    currency: str = ""
    words: str = ""
    answers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Everything known of an attempt: the sum of its facts. Times are aware UTC."""

    state: CallState = CallState.PLACING
    outcome: Outcome | None = None
    outcome_leg: Leg | None = None
    outcome_words: str = ""
    leg_a: LegState = LegState.WAITING
    leg_b: LegState | None = LegState.WAITING
    a_ringing_at: datetime | None = None
    a_answered_at: datetime | None = None
    a_ended_at: datetime | None = None
    b_ringing_at: datetime | None = None
    b_answered_at: datetime | None = None
    b_ended_at: datetime | None = None
    joined_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: int | None = None
    recording_url: str = ""
    price: Decimal | None = None
    currency: str = ""
    answers: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_facts(cls, facts: Iterable[Fact], *, one_leg: bool = False) -> Self:
        """The progress that a set of facts amounts to, whatever order they came in."""
        progress = cls(leg_b=None if one_leg else LegState.WAITING)
        ordered = _credible(sorted(facts, key=_fact_order))
        for fact in ordered:
            progress = progress._with(fact)
        return progress._settled(ordered)

    def _with(self, fact: Fact) -> Self:
        match fact.kind:
            case EventKind.PLACED:
                return self._at_least(CallState.PLACED)
            case EventKind.RINGING:
                return self._rings(fact)
            case EventKind.ANSWERED:
                return self._answers(fact)
            case EventKind.JOINED:
                return self._joined(fact)
            case EventKind.LEG_ENDED:
                return self._leg_ended(fact)
            case EventKind.ENDED | EventKind.NOT_PLACED:
                return self._ended(fact)
            case EventKind.RECORDED | EventKind.COLLECTED:
                return self._gathered(fact)
        return self

    def _rings(self, fact: Fact) -> Self:
        return self._leg_b_rings(fact) if fact.leg == Leg.B else self._leg_a_rings(fact)

    def _answers(self, fact: Fact) -> Self:
        return self._leg_b_answers(fact) if fact.leg == Leg.B else self._leg_a_answers(fact)

    def _leg_a_rings(self, fact: Fact) -> Self:
        return replace(
            self._at_least(CallState.RINGING)._leg(Leg.A, LegState.RINGING),
            a_ringing_at=_earliest(self.a_ringing_at, fact.occurred_at),
        )

    def _leg_a_answers(self, fact: Fact) -> Self:
        return replace(
            self._at_least(CallState.ANSWERED)._leg(Leg.A, LegState.ANSWERED),
            a_answered_at=_earliest(self.a_answered_at, fact.occurred_at),
        )

    def _leg_b_answers(self, fact: Fact) -> Self:
        return replace(
            self._both_answered(CallState.CONNECTING),
            b_answered_at=_earliest(self.b_answered_at, fact.occurred_at),
        )

    def _joined(self, fact: Fact) -> Self:
        return replace(
            self._both_answered(CallState.CONNECTED),
            joined_at=_earliest(self.joined_at, fact.occurred_at),
        )

    def _both_answered(self, state: CallState) -> Self:
        return self._at_least(state)._leg(Leg.A, LegState.ANSWERED)._leg(Leg.B, LegState.ANSWERED)

    def _leg_b_rings(self, fact: Fact) -> Self:
        return replace(
            self._at_least(CallState.CONNECTING)
            ._leg(Leg.A, LegState.ANSWERED)
            ._leg(Leg.B, LegState.RINGING),
            b_ringing_at=_earliest(self.b_ringing_at, fact.occurred_at),
        )

    def _leg_ended(self, fact: Fact) -> Self:
        leg = fact.leg or Leg.A
        ended = self._leg(leg, fact.leg_state) if fact.leg_state else self
        if leg == Leg.A:
            return replace(ended, a_ended_at=_earliest(self.a_ended_at, fact.occurred_at))
        return replace(ended, b_ended_at=_earliest(self.b_ended_at, fact.occurred_at))

    def _gathered(self, fact: Fact) -> Self:
        return replace(
            self,
            recording_url=self.recording_url or fact.recording_url,
            answers={**self.answers, **fact.answers},
        )

    def _ended(self, fact: Fact) -> Self:
        ended = replace(
            self._at_least(CallState.ENDED),
            ended_at=_earliest(self.ended_at, fact.occurred_at),
            talk_seconds=_largest(self.talk_seconds, fact.talk_seconds),
            recording_url=self.recording_url or fact.recording_url,
            price=fact.price if self.price is None else self.price,
            currency=self.currency or fact.currency,
        )
        if fact.outcome is None or not _outranks(fact.outcome, self.outcome):
            return ended
        return replace(ended, outcome=fact.outcome, outcome_leg=fact.leg, outcome_words=fact.words)

    def _at_least(self, state: CallState) -> Self:
        return replace(self, state=max(self.state, state, key=_STATE_RANK.__getitem__))

    def _leg(self, leg: Leg, state: LegState) -> Self:
        if leg == Leg.A:
            return replace(self, leg_a=max(self.leg_a, state, key=_LEG_RANK.__getitem__))
        if self.leg_b is None:
            return self
        return replace(self, leg_b=max(self.leg_b, state, key=_LEG_RANK.__getitem__))

    def _settled(self, facts: list[Fact]) -> Self:
        """What follows from an end: the outcome nobody named, the legs nobody closed."""
        if self.state != CallState.ENDED:
            return self
        outcome, outcome_leg = self._final_outcome()
        blamed = _LEG_OUTCOMES.get(outcome)
        settled = self
        if blamed is not None:
            settled = settled._leg(outcome_leg or Leg.A, blamed)
        heard = {fact.leg for fact in facts if fact.leg} | (
            {Leg.A, Leg.B} if self.joined_at else set()
        )
        talk_seconds = self.talk_seconds
        if talk_seconds is None and self.joined_at and self.ended_at and not self._presumed(facts):
            talk_seconds = max(0, round((self.ended_at - self.joined_at).total_seconds()))
        return replace(
            settled,
            outcome=outcome,
            outcome_leg=outcome_leg,
            talk_seconds=talk_seconds,
            leg_a=_leg_at_end(settled.leg_a, outcome, Leg.A in heard),
            leg_b=settled.leg_b and _leg_b_at_end(settled, outcome, Leg.B in heard),
        )

    @staticmethod
    def _presumed(facts: list[Fact]) -> bool:
        """Whether nobody but we has said that it ended: then nobody knows how long they spoke."""
        return all(
            fact.outcome == Outcome.UNKNOWN for fact in facts if fact.kind == EventKind.ENDED
        )

    def _final_outcome(self) -> tuple[Outcome, Leg | None]:
        """The reported outcome, unless the legs tell of more than it does."""
        if self.joined_at is not None:
            return Outcome.COMPLETED, self.outcome_leg
        told = [(Leg.A, _OUTCOME_OF_LEG.get(self.leg_a))]
        if self.leg_b is not None:
            told.append((Leg.B, _OUTCOME_OF_LEG.get(self.leg_b)))
        for leg, outcome in reversed(told):
            if outcome is not None and _outranks(outcome, self.outcome):
                return outcome, leg
        if self.outcome is not None:
            return self.outcome, self.outcome_leg
        if self.leg_b is None and self.leg_a in (LegState.ANSWERED, LegState.ENDED):
            return Outcome.COMPLETED, None
        return Outcome.FAILED, None


def _credible(facts: list[Fact]) -> list[Fact]:
    """The facts without those that others disprove.

    "Surely not placed" is what an answer seemed to say; a phone that rings disproves it. And an
    end that we only presumed is no end once somebody has told of a real one.
    """
    dialled = any(fact.kind in _SIGNS_OF_LIFE for fact in facts)
    told = any(fact.kind == EventKind.ENDED and fact.outcome != Outcome.UNKNOWN for fact in facts)
    return [
        fact
        for fact in facts
        if not (dialled and fact.kind == EventKind.NOT_PLACED)
        and not (told and fact.kind == EventKind.ENDED and fact.outcome == Outcome.UNKNOWN)
    ]


def _fact_order(fact: Fact) -> tuple[datetime, str, str, str, str, str]:
    # A total order, so that ties between contradicting facts fall the same way every time.
    return (
        fact.occurred_at,
        fact.kind,
        fact.leg or "",
        fact.outcome or "",
        fact.words,
        repr((fact.leg_state, fact.talk_seconds, fact.recording_url, fact.price, fact.currency))
        + repr(sorted(fact.answers.items())),
    )


def _leg_at_end(leg: LegState, outcome: Outcome, heard: bool) -> LegState:
    match leg:
        case LegState.ANSWERED:
            return LegState.ENDED
        case LegState.RINGING:
            return LegState.ENDED if outcome == Outcome.COMPLETED else LegState.CANCELED
        case LegState.WAITING if outcome in (Outcome.COMPLETED, Outcome.UNKNOWN) and not heard:
            return LegState.UNREPORTED
    return leg


def _leg_b_at_end(settled: Progress, outcome: Outcome, heard: bool) -> LegState:
    """Leg B's turn comes once somebody has answered leg A; from then on silence tells nothing."""
    leg_b = settled.leg_b or LegState.UNREPORTED
    if leg_b == LegState.WAITING and settled.leg_a in (LegState.ANSWERED, LegState.ENDED):
        return LegState.UNREPORTED
    return _leg_at_end(leg_b, outcome, heard)


def _earliest(known: datetime | None, new: datetime) -> datetime:
    return new if known is None else min(known, new)


def _largest(known: int | None, new: int | None) -> int | None:
    return max((seconds for seconds in (known, new) if seconds is not None), default=None)


def _outranks(new: Outcome, known: Outcome | None) -> bool:
    return known is None or _OUTCOME_RANK[new] > _OUTCOME_RANK[known]
