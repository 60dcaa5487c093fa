"""The progress of an attempt is a function of the set of its facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicktocall.states import CallState, EventKind, Fact, Leg, LegState, Outcome, Progress

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
STATES = list(CallState)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def fact(kind: EventKind, seconds: float, **known: object) -> Fact:
    return Fact(kind=kind, occurred_at=at(seconds), **known)  # type: ignore[arg-type]


COMPLETED = (
    fact(EventKind.PLACED, 0),
    fact(EventKind.RINGING, 1, leg=Leg.A),
    fact(EventKind.ANSWERED, 3, leg=Leg.A),
    fact(EventKind.RINGING, 4, leg=Leg.B),
    fact(EventKind.JOINED, 6),
    fact(EventKind.ENDED, 20, outcome=Outcome.COMPLETED, leg=Leg.B),
)
BUSY_B = (
    fact(EventKind.PLACED, 0),
    fact(EventKind.RINGING, 1, leg=Leg.A),
    fact(EventKind.ANSWERED, 3, leg=Leg.A),
    fact(EventKind.RINGING, 4, leg=Leg.B),
    fact(EventKind.LEG_ENDED, 5, leg=Leg.B, leg_state=LegState.BUSY),
    fact(EventKind.ENDED, 6, outcome=Outcome.BUSY, leg=Leg.B),
)
CONTRADICTING = (
    fact(EventKind.RINGING, 1, leg=Leg.A),
    fact(EventKind.ANSWERED, 3, leg=Leg.A),
    fact(EventKind.ENDED, 5, outcome=Outcome.NO_ANSWER, leg=Leg.A, words="first"),
    fact(EventKind.ENDED, 5, outcome=Outcome.NO_ANSWER, leg=Leg.A, words="second"),
    fact(EventKind.ENDED, 6, outcome=Outcome.BUSY, leg=Leg.B),
    fact(EventKind.ENDED, 7, outcome=Outcome.UNKNOWN),
)


@pytest.mark.parametrize("facts", [COMPLETED, BUSY_B, CONTRADICTING])
def test_all_720_orders_each_with_duplicates_end_in_one_progress(facts: tuple[Fact, ...]) -> None:
    expected = Progress.from_facts(facts)
    for order in permutations(facts):
        assert Progress.from_facts(order) == expected
        assert Progress.from_facts((*order, order[0], order[3])) == expected


@pytest.mark.parametrize("facts", [COMPLETED, BUSY_B, CONTRADICTING])
def test_a_call_only_moves_forward_whatever_order_its_facts_come_in(
    facts: tuple[Fact, ...],
) -> None:
    for order in permutations(facts):
        reached = -1
        outcomes = []
        for known in range(1, len(order) + 1):
            progress = Progress.from_facts(order[:known])
            rank = STATES.index(progress.state)
            assert rank >= reached, f"{progress.state} after {STATES[reached]}"
            reached = rank
            outcomes.append(progress.outcome)
        ended = [outcome for outcome in outcomes if outcome]
        assert [list(Outcome).index(o) for o in ended] == sorted(
            list(Outcome).index(o) for o in ended
        )


def test_a_completed_call_is_told_in_full() -> None:
    progress = Progress.from_facts(COMPLETED)
    assert progress.state == CallState.ENDED
    assert (progress.outcome, progress.outcome_leg) == (Outcome.COMPLETED, Leg.B)
    assert (progress.leg_a, progress.leg_b) == (LegState.ENDED, LegState.ENDED)
    assert progress.joined_at == at(6)
    assert progress.talk_seconds == 14


def test_the_states_on_the_way_follow_the_design() -> None:
    expected = [
        CallState.PLACED,
        CallState.RINGING,
        CallState.ANSWERED,
        CallState.CONNECTING,
        CallState.CONNECTED,
        CallState.ENDED,
    ]
    seen = [Progress.from_facts(COMPLETED[: known + 1]).state for known in range(6)]
    assert seen == expected


def test_a_busy_second_leg_names_the_leg() -> None:
    progress = Progress.from_facts(BUSY_B)
    assert (progress.outcome, progress.outcome_leg) == (Outcome.BUSY, Leg.B)
    assert (progress.leg_a, progress.leg_b) == (LegState.ENDED, LegState.BUSY)


def test_nothing_reported_is_said_as_unreported_not_guessed() -> None:
    progress = Progress.from_facts(
        [fact(EventKind.PLACED, 0), fact(EventKind.ENDED, 90, outcome=Outcome.UNKNOWN)]
    )
    assert progress.outcome == Outcome.UNKNOWN
    assert (progress.leg_a, progress.leg_b) == (LegState.UNREPORTED, LegState.UNREPORTED)


def test_a_leg_that_was_never_dialled_stays_waiting() -> None:
    progress = Progress.from_facts(
        [
            fact(EventKind.RINGING, 1, leg=Leg.A),
            fact(EventKind.ENDED, 5, outcome=Outcome.BUSY, leg=Leg.A),
        ]
    )
    assert (progress.leg_a, progress.leg_b) == (LegState.BUSY, LegState.WAITING)


@pytest.mark.parametrize(
    "outcome", [Outcome.FAILED, Outcome.EXPIRED, Outcome.CANCELED, Outcome.COMPLETED]
)
def test_once_leg_a_was_answered_silence_about_leg_b_tells_nothing(outcome: Outcome) -> None:
    """It was its turn: perhaps it rang, perhaps they spoke."""
    progress = Progress.from_facts(
        [
            fact(EventKind.ANSWERED, 3, leg=Leg.A),
            fact(EventKind.LEG_ENDED, 9, leg=Leg.A, leg_state=LegState.ENDED),
            fact(EventKind.ENDED, 9, outcome=outcome),
        ]
    )
    assert (progress.leg_a, progress.leg_b) == (LegState.ENDED, LegState.UNREPORTED)


def test_a_machine_that_answered_was_not_joined_to_anybody() -> None:
    progress = Progress.from_facts(
        [
            fact(EventKind.ANSWERED, 3, leg=Leg.A),
            fact(EventKind.ENDED, 9, outcome=Outcome.MACHINE, leg=Leg.A),
        ]
    )
    assert (progress.leg_a, progress.leg_b) == (LegState.MACHINE, LegState.WAITING)


def test_what_was_keyed_and_said_adds_up() -> None:
    progress = Progress.from_facts(
        [
            fact(EventKind.COLLECTED, 8, answers={"city": "York"}),
            fact(EventKind.COLLECTED, 5, answers={"dtmf": "3", "city": "Yark"}),
        ],
        one_leg=True,
    )
    assert progress.answers == {"dtmf": "3", "city": "York"}


def test_unknown_gives_way_to_a_late_real_end_but_never_the_other_way_round() -> None:
    unknown = fact(EventKind.ENDED, 5, outcome=Outcome.UNKNOWN)
    real = fact(EventKind.ENDED, 9, outcome=Outcome.NO_ANSWER, leg=Leg.A)
    assert Progress.from_facts([unknown, real]).outcome == Outcome.NO_ANSWER
    assert Progress.from_facts([real, unknown]).outcome == Outcome.NO_ANSWER


@pytest.mark.parametrize(
    ("leg_state", "outcome"),
    [
        (LegState.BUSY, Outcome.BUSY),
        (LegState.NO_ANSWER, Outcome.NO_ANSWER),
        (LegState.DECLINED, Outcome.DECLINED),
        (LegState.MACHINE, Outcome.MACHINE),
        (LegState.FAILED, Outcome.FAILED),
    ],
)
def test_an_end_without_a_reason_takes_it_from_the_leg(
    leg_state: LegState, outcome: Outcome
) -> None:
    progress = Progress.from_facts(
        [
            fact(EventKind.LEG_ENDED, 3, leg=Leg.A, leg_state=leg_state),
            fact(EventKind.ENDED, 3),
        ]
    )
    assert progress.outcome == outcome


def test_a_one_leg_call_has_no_leg_b_and_is_never_connected() -> None:
    facts = [
        fact(EventKind.RINGING, 1, leg=Leg.A),
        fact(EventKind.ANSWERED, 2, leg=Leg.A),
        fact(EventKind.ENDED, 9),
    ]
    progress = Progress.from_facts(facts, one_leg=True)
    assert progress.leg_b is None
    assert progress.outcome == Outcome.COMPLETED
    assert Progress.from_facts(facts[:2], one_leg=True).state == CallState.ANSWERED


FACTS = st.builds(
    Fact,
    kind=st.sampled_from(EventKind),
    occurred_at=st.integers(0, 100).map(at),
    leg=st.sampled_from([None, *Leg]),
    leg_state=st.sampled_from([None, *LegState]),
    outcome=st.sampled_from([None, *Outcome]),
    talk_seconds=st.none() | st.integers(0, 60),
    recording_url=st.sampled_from(["", "https://a.example/1.wav", "https://a.example/2.wav"]),
    words=st.sampled_from(["", "486 Busy Here", "gone"]),
    answers=st.dictionaries(st.sampled_from(["dtmf", "city"]), st.sampled_from(["1", "2"])),
)


@given(st.lists(FACTS, max_size=8), st.randoms(use_true_random=False))
def test_any_facts_in_any_order_and_number_give_one_progress(facts: list[Fact], random) -> None:
    shuffled = facts + random.sample(facts, k=len(facts) // 2)
    random.shuffle(shuffled)
    assert Progress.from_facts(shuffled) == Progress.from_facts(facts)


def reported(fact: Fact) -> bool:
    """Not our own "surely not placed", which a phone that rings may disprove."""
    return fact.kind != EventKind.NOT_PLACED


@given(st.lists(FACTS.filter(reported), max_size=8), FACTS)
def test_one_more_fact_never_moves_the_state_back(facts: list[Fact], more: Fact) -> None:
    before, after = Progress.from_facts(facts), Progress.from_facts([*facts, more])
    assert STATES.index(after.state) >= STATES.index(before.state)
    assert (after.outcome is None) == (after.state != CallState.ENDED)


def test_times_are_the_earliest_that_were_reported() -> None:
    late_duplicate = replace(COMPLETED[1], occurred_at=at(2))
    assert Progress.from_facts([late_duplicate, *COMPLETED]).a_ringing_at == at(1)


def test_a_phone_that_rings_disproves_that_nothing_was_placed() -> None:
    not_placed = fact(EventKind.NOT_PLACED, 1, outcome=Outcome.FAILED, words="503")
    assert Progress.from_facts([not_placed]).outcome == Outcome.FAILED
    for order in permutations([not_placed, *COMPLETED[1:3]]):
        assert Progress.from_facts(order).state == CallState.ANSWERED
    assert Progress.from_facts([not_placed, *COMPLETED]) == Progress.from_facts(COMPLETED)


def test_an_end_we_only_presumed_says_nothing_of_how_long_they_spoke() -> None:
    presumed = fact(EventKind.ENDED, 2, outcome=Outcome.UNKNOWN)
    joined = fact(EventKind.JOINED, 6)
    assert Progress.from_facts([presumed, joined]).talk_seconds is None
    real = fact(EventKind.ENDED, 20)
    progress = Progress.from_facts([presumed, joined, real])
    assert (progress.ended_at, progress.talk_seconds) == (at(20), 14)
