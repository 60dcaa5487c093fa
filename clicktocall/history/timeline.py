"""An attempt as two lines in time: when each side rang, waited and talked. No drawing here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clicktocall.models import Attempt
from clicktocall.states import Leg, LegState


class Doing(StrEnum):
    """What a side does for a while."""

    RINGING = "ringing"
    HOLDING = "holding"  # picked up, the other side is not there yet
    TALKING = "talking"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A side does the same from `start` to `end`, both seconds since the attempt began."""

    doing: Doing
    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Line:
    """One leg: its last state, and what it did."""

    leg: Leg
    state: LegState
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """An attempt from `began` on, `seconds` long so far; `joined` is None unless both sides met."""

    began: datetime
    seconds: float
    joined: float | None
    over: bool
    lines: tuple[Line, ...]


def timeline_of(attempt: Attempt, now: datetime) -> Timeline:
    """The picture of `attempt`; one that still goes on is drawn up to `now`.

    Providers' clocks are not ours: a time before the attempt began moves the beginning, and no
    stretch ends before it starts.
    """
    told = [
        at
        for at in (
            attempt.a_ringing_at,
            attempt.a_answered_at,
            attempt.a_ended_at,
            attempt.b_ringing_at,
            attempt.b_answered_at,
            attempt.b_ended_at,
            attempt.joined_at,
            attempt.ended_at,
        )
        if at is not None
    ]
    began = min([attempt.created_at, *told])
    last = max([attempt.created_at, *told])
    end = last if attempt.is_over else max(last, now)
    legs = [(Leg.A, attempt.leg_a), (Leg.B, attempt.leg_b)]
    return Timeline(
        began=began,
        seconds=(end - began).total_seconds(),
        joined=_since(began, attempt.joined_at),
        over=attempt.is_over,
        lines=tuple(
            Line(leg, LegState(state), _stretches(attempt, leg, began, end))
            for leg, state in legs
            if state is not None
        ),
    )


def _stretches(attempt: Attempt, leg: Leg, began: datetime, end: datetime) -> tuple[Stretch, ...]:
    rang, answered, hung_up = (
        _since(began, getattr(attempt, f"{leg}_{what}_at"))
        for what in ("ringing", "answered", "ended")
    )
    joined = _since(began, attempt.joined_at)
    stop = hung_up if hung_up is not None else _since(began, attempt.ended_at)
    if stop is None:
        stop = (end - began).total_seconds()
    parts = (
        (Doing.RINGING, rang, _first(answered, joined, stop)),
        (Doing.HOLDING, answered, _first(joined, stop)),
        (Doing.TALKING, joined, stop),
    )
    return tuple(
        Stretch(doing, start, until)
        for doing, start, until in parts
        if start is not None and until > start
    )


def _first(*moments: float | None) -> float:
    return next(moment for moment in moments if moment is not None)


def _since(began: datetime, at: datetime | None) -> float | None:
    return None if at is None else (at - began).total_seconds()
