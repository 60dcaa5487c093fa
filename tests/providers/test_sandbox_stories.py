"""Every story of the sandbox, from the order to what the reports amount to."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import override

from clicktocall.exceptions import ProviderRefused, ProviderUnavailable
from clicktocall.numbers import ORDINARY_KINDS, group, parse_number
from clicktocall.orders import CallOrder, Destination
from clicktocall.providers.sandbox import SandboxProvider
from clicktocall.providers.sandbox.callbacks import parse
from clicktocall.providers.sandbox.simulator import Simulator
from clicktocall.providers.sandbox.stories import STORIES, Reports, Story, contact_for, story_of
from clicktocall.states import CallState, Fact, Leg, LegState, Outcome, Progress
from tests.providers.loopback import CallbackReceiver
from tests.providers.orders import TEAM
from tests.providers.sandbox_client import API_KEY, wait_for_state

NewOrder = Callable[..., CallOrder]

A, B = "a", "b"
BOTH_TALK = [
    ("ringing", A, None),
    ("answered", A, None),
    ("ringing", B, None),
    ("answered", B, None),
    ("joined", None, None),
]
A_ANSWERS = BOTH_TALK[:2]

EVENTS: dict[str, list[tuple[str, str | None, str | None]]] = {
    "completed": [
        *BOTH_TALK,
        ("leg_ended", B, "completed"),
        ("leg_ended", A, "completed"),
        ("ended", B, "completed"),
    ],
    "a_busy": [("leg_ended", A, "busy"), ("ended", A, "busy")],
    "a_no_answer": [
        ("ringing", A, None),
        ("leg_ended", A, "no_answer"),
        ("ended", A, "no_answer"),
    ],
    "a_declined": [
        ("ringing", A, None),
        ("leg_ended", A, "declined"),
        ("ended", A, "declined"),
    ],
    "b_busy": [
        *A_ANSWERS,
        ("leg_ended", B, "busy"),
        ("leg_ended", A, "completed"),
        ("ended", B, "busy"),
    ],
    "b_no_answer": [
        *A_ANSWERS,
        ("ringing", B, None),
        ("leg_ended", B, "no_answer"),
        ("leg_ended", A, "completed"),
        ("ended", B, "no_answer"),
    ],
    "a_hangup": [
        *A_ANSWERS,
        ("ringing", B, None),
        ("leg_ended", A, "completed"),
        ("leg_ended", B, "canceled"),
        ("ended", A, "canceled"),
    ],
    "b_hangup": [
        *BOTH_TALK,
        ("leg_ended", B, "completed"),
        ("leg_ended", A, "completed"),
        ("ended", B, "completed"),
    ],
}
EVENTS["machine"] = EVENTS["completed"]  # without detection the machine is a voice like another

MEANINGS = {
    "completed": (Outcome.COMPLETED, Leg.B, LegState.ENDED, LegState.ENDED),
    "a_busy": (Outcome.BUSY, Leg.A, LegState.BUSY, LegState.WAITING),
    "a_no_answer": (Outcome.NO_ANSWER, Leg.A, LegState.NO_ANSWER, LegState.WAITING),
    "a_declined": (Outcome.DECLINED, Leg.A, LegState.DECLINED, LegState.WAITING),
    "b_busy": (Outcome.BUSY, Leg.B, LegState.ENDED, LegState.BUSY),
    "b_no_answer": (Outcome.NO_ANSWER, Leg.B, LegState.ENDED, LegState.NO_ANSWER),
    "machine": (Outcome.COMPLETED, Leg.B, LegState.ENDED, LegState.ENDED),
    "a_hangup": (Outcome.CANCELED, Leg.A, LegState.ENDED, LegState.CANCELED),
    "b_hangup": (Outcome.COMPLETED, Leg.B, LegState.ENDED, LegState.ENDED),
    "outage": (Outcome.COMPLETED, Leg.B, LegState.ENDED, LegState.ENDED),
    "disorder": (Outcome.COMPLETED, Leg.B, LegState.ENDED, LegState.ENDED),
}


def place(provider: SandboxProvider, order: CallOrder) -> None:
    """Place the order as a dispatcher does: again while it surely was not placed."""
    for _ in range(STORIES["outage"].outages):
        try:
            provider.place_call(order)
        except ProviderUnavailable:
            continue
        return
    provider.place_call(order)


def events_of(reports: list[dict[str, Any]]) -> list[tuple[str, str | None, str | None]]:
    return [(report["event"], report["leg"], report["outcome"]) for report in reports]


def progress_of(receiver: CallbackReceiver, *, one_leg: bool = False) -> Progress:
    """What the received bodies amount to, by our own parser and state machine."""
    events = [event for received in receiver.received for event in parse(received.body)]
    return Progress.from_facts(
        [
            Fact(
                kind=event.kind,
                occurred_at=event.occurred_at or datetime.now(UTC),
                leg=event.leg,
                leg_state=event.leg_state,
                outcome=event.outcome,
                talk_seconds=event.answered_seconds if one_leg else event.talk_seconds,
                answers=event.answers,
                recording_url=event.recording_url,
                words=event.words,
            )
            for event in events
        ],
        one_leg=one_leg,
    )


@pytest.mark.parametrize("story", EVENTS)
def test_events_of_a_story(
    story: str, provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    order = new_order(story)
    placement = provider.place_call(order)
    reports = receiver.wait_for_end()

    assert events_of(reports) == EVENTS[story]
    assert {report["reference"] for report in reports} == {order.reference}
    assert {report["call"] for report in reports} == {placement.provider_reference}
    assert len({report["event_id"] for report in reports}) == len(reports)
    assert all(report["words"] for report in reports)
    moments = [datetime.fromisoformat(report["at"]) for report in reports]
    assert all(earlier <= later for earlier, later in pairwise(moments))
    assert datetime.now(UTC) - moments[-1] < timedelta(seconds=5)


@pytest.mark.parametrize("story", MEANINGS)
def test_meaning_of_a_story(
    story: str, provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    place(provider, new_order(story))
    receiver.wait_for_end()
    if story == "disorder":
        wait_until_quiet(receiver)
    progress = progress_of(receiver)
    meaning = (progress.outcome, progress.outcome_leg, progress.leg_a, progress.leg_b)
    assert progress.state == CallState.ENDED
    assert meaning == MEANINGS[story]


def test_every_story_is_tested() -> None:
    assert set(STORIES) == set(MEANINGS) | {"refused", "silent"}


@pytest.mark.parametrize(
    ("detection", "outcome", "leg_a"),
    [
        ("", Outcome.COMPLETED, LegState.ENDED),
        ("continue", Outcome.COMPLETED, LegState.ENDED),
        ("hangup", Outcome.MACHINE, LegState.MACHINE),
    ],
)
def test_machine_detection(
    detection: str,
    outcome: Outcome,
    leg_a: LegState,
    provider: SandboxProvider,
    receiver: CallbackReceiver,
    new_order: NewOrder,
) -> None:
    provider.place_call(new_order("machine", options={"machine_detection": detection}))
    reports = receiver.wait_for_end()
    progress = progress_of(receiver)
    assert (progress.outcome, progress.leg_a) == (outcome, leg_a)
    detected = any("machine detected" in report["words"] for report in reports)
    assert detected == bool(detection)


def test_story_is_the_contacts_whoever_is_dialled_first(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    order = new_order(
        leg_a=Destination(kind="number", value=contact_for("a_busy")),
        leg_b=Destination(kind="number", value=contact_for("b_busy")),
        options={"dial_first": "contact"},
    )
    provider.place_call(order)
    assert events_of(receiver.wait_for_end()) == EVENTS["a_busy"]


def test_refused(
    provider: SandboxProvider,
    simulator: Simulator,
    receiver: CallbackReceiver,
    new_order: NewOrder,
) -> None:
    with pytest.raises(ProviderRefused) as caught:
        provider.place_call(new_order("refused"))
    assert caught.value.detail == "403 The destination is not served."
    assert receiver.received == []


def test_outage_is_down_twice_for_each_call(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    for _ in range(2):
        order = new_order("outage")
        for _ in range(2):
            with pytest.raises(ProviderUnavailable) as caught:
                provider.place_call(order)
            assert caught.value.detail == "503 Out of service; nothing was dialled."
        assert provider.place_call(order).provider_reference
    receiver.wait_for(lambda reports: [r["event"] for r in reports].count("ended") == 2)


def test_outage_counts_the_call_not_the_attempt(
    provider: SandboxProvider, new_order: NewOrder
) -> None:
    for attempt_number in (1, 2):
        with pytest.raises(ProviderUnavailable):
            provider.place_call(
                new_order("outage", call_id="one-call", attempt_number=attempt_number)
            )
    order = new_order("outage", call_id="one-call", attempt_number=3)
    assert provider.place_call(order).provider_reference


def test_silent_plays_but_never_reports(
    provider: SandboxProvider,
    simulator: Simulator,
    receiver: CallbackReceiver,
    new_order: NewOrder,
) -> None:
    order = new_order("silent")
    provider.place_call(order)
    told = wait_for_state(simulator, order, "ended")["reports"]
    assert events_of(told) == EVENTS["completed"]
    assert receiver.received == []


def test_disorder_is_out_of_order_late_twice_and_complete(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    provider.place_call(new_order("disorder"))
    expected = set(EVENTS["completed"])
    receiver.wait_for(lambda reports: expected <= set(events_of(reports)))
    # Whatever is doubled comes within the longest delay, at this speed a moment.
    reports = receiver.wait_for(lambda reports: len(reports) > len(expected))

    assert set(events_of(reports)) == expected
    arrivals = [report["event_id"] for report in reports]
    assert len(set(arrivals)) == len(expected)
    first_arrivals = list(dict.fromkeys(arrivals))
    by_time = sorted({r["event_id"]: r["at"] for r in reports}.items(), key=lambda item: item[1])
    assert first_arrivals != [event_id for event_id, _ in by_time]
    names = events_of(reports)
    assert names.index(("ended", B, "completed")) < names.index(("joined", None, None))


def test_disorder_is_the_same_for_the_same_reference(
    start_simulator: Callable[..., Simulator], receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    counts = []
    for played in (1, 2):
        before = len(receiver.received)
        provider_at(start_simulator()).place_call(
            new_order("disorder", reference="always-the-same")
        )
        # The joining is held back until after the end, and told once.
        wait_for_joins(receiver, played)
        wait_until_quiet(receiver)
        counts.append(sorted(map(repr, events_of(receiver.reports[before:]))))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("story", ["completed", "a_no_answer", "b_busy", "a_hangup"])
def test_message_or_flow_on_one_leg(
    story: str,
    provider: SandboxProvider,
    receiver: CallbackReceiver,
    new_one_leg_order: NewOrder,
) -> None:
    provider.place_call(new_one_leg_order(story, flow="220"))
    reports = receiver.wait_for_end()
    progress = progress_of(receiver, one_leg=True)
    answered = story != "a_no_answer"
    assert progress.outcome == (Outcome.COMPLETED if answered else Outcome.NO_ANSWER)
    assert progress.leg_b is None
    assert not any(report["leg"] == "b" or report["event"] == "joined" for report in reports)
    assert any(report["words"] == "runs flow 220" for report in reports) == answered
    assert (progress.talk_seconds is not None) == answered
    heard_out = story in ("completed", "b_busy")
    assert progress.answers == ({"choice": "1"} if heard_out else {})


def test_a_message_takes_in_no_keys(
    provider: SandboxProvider, receiver: CallbackReceiver, new_one_leg_order: NewOrder
) -> None:
    provider.place_call(new_one_leg_order(options={"message_text": "Hello"}))
    assert "collected" not in {report["event"] for report in receiver.wait_for_end()}
    progress = progress_of(receiver, one_leg=True)
    assert progress.outcome == Outcome.COMPLETED
    assert progress.talk_seconds is not None
    assert progress.answers == {}


def test_message_is_played_before_leg_b_rings(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    provider.place_call(
        new_order(options={"message_text": "Hello there", "message_language": "en"})
    )
    reports = receiver.wait_for_end()
    assert [report["event"] for report in reports][:4] == [
        "ringing",
        "answered",
        "note",
        "ringing",
    ]
    assert reports[2]["words"] == "speaks a message of 11 characters (en)"


def test_recorded_message_wins_over_the_text(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    audio = "https://example.com/hello.wav"
    provider.place_call(new_order(options={"message_text": "x", "message_audio_url": audio}))
    assert receiver.wait_for_end()[2]["words"] == "plays the recorded message"


def test_talk_is_cut_at_the_longest_duration(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    provider.place_call(new_order(max_duration=4, options={"warning_time": 1}))
    reports = receiver.wait_for_end()
    assert events_of(reports)[5:] == [
        ("note", None, None),
        ("leg_ended", A, "completed"),
        ("leg_ended", B, "completed"),
        ("ended", None, "completed"),
    ]
    assert reports[5]["words"] == "warning tone, 1 s left"
    assert reports[-1]["words"] == "maximum duration of 4 s reached"
    assert seconds_between(reports[4], reports[-1]) > 3.5 / 40


def test_one_leg_is_cut_at_the_longest_duration(
    provider: SandboxProvider, receiver: CallbackReceiver, new_one_leg_order: NewOrder
) -> None:
    provider.place_call(new_one_leg_order(max_duration=1))
    assert receiver.wait_for_end()[-1]["words"] == "maximum duration of 1 s reached"


def test_short_timeout_gives_up_before_the_answer(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    provider.place_call(new_order(options={"timeout": 1}))
    assert events_of(receiver.wait_for_end()) == EVENTS["a_no_answer"]


def test_timeout_bounds_the_ringing(
    start_simulator: Callable[..., Simulator], receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    order = new_order("a_no_answer", options={"timeout": 3})
    provider_at(start_simulator(speed=5)).place_call(order)
    reports = receiver.wait_for_end()
    assert 2.9 / 5 < seconds_between(reports[0], reports[-1]) < 5.5 / 5


def test_story_plays_in_real_time(
    start_simulator: Callable[..., Simulator], receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    provider_at(start_simulator(speed=10)).place_call(new_order(max_duration=5))
    reports = receiver.wait_for_end()
    pauses = [seconds_between(one, next_) * 10 for one, next_ in pairwise(reports)]
    assert pauses[:5] == pytest.approx([2.0, 0.3, 2.0, 0.0, 5.0], abs=1.5)


def seconds_between(one: dict[str, Any], other: dict[str, Any]) -> float:
    moments = [datetime.fromisoformat(report["at"]) for report in (one, other)]
    return (moments[1] - moments[0]).total_seconds()


# The numbers


@pytest.mark.parametrize("country", ["GB", "US"])
@pytest.mark.parametrize("name", STORIES)
def test_number_of_a_story_is_an_ordinary_valid_number(name: str, country: str) -> None:
    contact = contact_for(name, country)
    number = parse_number(contact)
    assert number.e164 == contact
    assert number.region == country
    assert number.kind in ORDINARY_KINDS
    assert story_of(contact) is STORIES[name]


def test_digits_are_the_agreed_ones() -> None:
    names = "completed a_busy a_no_answer a_declined b_busy b_no_answer machine a_hangup "
    names += "b_hangup refused outage disorder silent"
    assert list(STORIES) == names.split()
    assert [story.digits for story in STORIES.values()] == [f"{n:02}" for n in range(1, 14)]
    assert contact_for("outage") == "+442079460011"
    assert contact_for("outage", "US") == "+12025550111"


@pytest.mark.parametrize(
    ("contact", "name"),
    [
        (TEAM, "completed"),
        ("+442079460000", "completed"),
        ("+442079460014", "completed"),
        ("+442079460102", "a_busy"),
        ("+442079461002", "completed"),
        ("+12025550202", "completed"),
        ("+4915112345602", "completed"),
        ("sip:+442079460005@example.com", "b_busy"),
        ("sip:+12025550105@example.com;transport=tls", "b_busy"),
        ("sip:alice05@example.com", "completed"),
        ("+44207946000２", "completed"),
        ("+442079460002\n", "completed"),
        ("", "completed"),
    ],
)
def test_story_of_other_contacts(contact: str, name: str) -> None:
    assert story_of(contact).name == name


def test_summaries_are_sentences_for_people() -> None:
    with override("en"):
        for story in STORIES.values():
            summary = str(story.summary)
            assert summary[0].isupper()
            assert summary.endswith(".")
            assert "leg" not in summary.lower().split()


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_documentation_shows_the_table(story: Story) -> None:
    british, american = group(contact_for(story.name)), group(contact_for(story.name, "US"))
    american = american.replace("-", " ")
    with override("en"):
        row = f"| `{story.name}` | {british} | {american} | {story.summary} |"
    documentation = Path(__file__).resolve().parents[2] / "docs" / "sandbox.md"
    assert row in documentation.read_text(encoding="utf-8").splitlines()


def test_only_one_story_is_reported_in_disorder_and_one_not_at_all() -> None:
    odd = {s.name: s.reports for s in STORIES.values() if s.reports != Reports.IN_ORDER}
    assert odd == {"disorder": Reports.DISORDER, "silent": Reports.NONE}


# Helpers


def wait_for_joins(receiver: CallbackReceiver, number: int) -> None:
    receiver.wait_for(lambda reports: [r["event"] for r in reports].count("joined") == number)


def provider_at(simulator: Simulator) -> SandboxProvider:
    return SandboxProvider("box", {"BASE_URL": simulator.address, "API_KEY": API_KEY})


def wait_until_quiet(receiver: CallbackReceiver) -> None:
    seen = -1
    while seen != len(receiver.received):
        seen = len(receiver.received)
        time.sleep(0.15)
