"""Hanging up on request, at every stage of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clicktocall.exceptions import OutcomeUnknown, ProviderRefused, ProviderUnavailable
from clicktocall.orders import CallOrder, Placement
from clicktocall.providers.sandbox import SandboxProvider
from clicktocall.providers.sandbox.simulator import Simulator
from tests.providers.loopback import CallbackReceiver, MisbehavingServer, Peer
from tests.providers.sandbox_client import API_KEY, look_up, wait_for_state

NewOrder = Callable[..., CallOrder]

A, B = "a", "b"


@pytest.fixture
def simulator(start_simulator: Callable[..., Simulator]) -> Simulator:
    return start_simulator(speed=4)  # slow enough to meet every stage


@pytest.mark.parametrize(
    ("stage", "ends"),
    [
        ("accepted", [("ended", None, "canceled")]),
        ("ringing", [("leg_ended", A, "canceled"), ("ended", None, "canceled")]),
        ("answered", [("leg_ended", A, "completed"), ("ended", None, "canceled")]),
        (
            "connecting",
            [
                ("leg_ended", A, "completed"),
                ("leg_ended", B, "canceled"),
                ("ended", None, "canceled"),
            ],
        ),
        (
            "connected",
            [
                ("leg_ended", A, "completed"),
                ("leg_ended", B, "completed"),
                ("ended", None, "completed"),
            ],
        ),
    ],
)
def test_cancel_at_each_stage(
    stage: str,
    ends: list[tuple[str, str | None, str]],
    provider: SandboxProvider,
    simulator: Simulator,
    receiver: CallbackReceiver,
    new_order: NewOrder,
) -> None:
    order = new_order()
    placement = provider.place_call(order)
    wait_for_state(simulator, order, stage)
    provider.cancel_call(order, placement)
    reports = receiver.wait_for_end()
    assert events_of(reports)[-len(ends) :] == ends
    assert [event for event, _, _ in events_of(reports)].count("leg_ended") == len(ends) - 1
    assert reports[-1]["words"] == "hung up on request"
    assert look_up(simulator, order)["state"] == "ended"


def test_cancel_of_a_message_that_plays(
    provider: SandboxProvider,
    simulator: Simulator,
    receiver: CallbackReceiver,
    new_one_leg_order: NewOrder,
) -> None:
    order = new_one_leg_order(options={"message_text": "Hello"})
    placement = provider.place_call(order)
    wait_for_state(simulator, order, "answered")
    provider.cancel_call(order, placement)
    assert events_of(receiver.wait_for_end())[-2:] == [
        ("leg_ended", A, "completed"),
        ("ended", None, "canceled"),
    ]


def test_cancel_twice_and_after_the_end_is_no_error(
    provider: SandboxProvider,
    simulator: Simulator,
    receiver: CallbackReceiver,
    new_order: NewOrder,
) -> None:
    order = new_order("a_busy")
    placement = provider.place_call(order)
    provider.cancel_call(order, placement)
    provider.cancel_call(order, placement)
    provider.cancel_call(order, placement)
    receiver.wait_for_end()
    assert [report["event"] for report in receiver.reports].count("ended") == 1


def test_cancel_after_the_natural_end_changes_nothing(
    provider: SandboxProvider,
    simulator: Simulator,
    receiver: CallbackReceiver,
    new_order: NewOrder,
) -> None:
    order = new_order("a_busy")
    placement = provider.place_call(order)
    receiver.wait_for_end()
    provider.cancel_call(order, placement)
    assert look_up(simulator, order)["reports"][-1]["outcome"] == "busy"


def test_cancel_by_our_reference_when_theirs_is_not_known(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    order = new_order()
    provider.place_call(order)
    provider.cancel_call(order, Placement())
    assert receiver.wait_for_end()[-1]["outcome"] == "canceled"


def test_cancel_of_a_call_nobody_knows_is_no_error(
    provider: SandboxProvider, new_order: NewOrder
) -> None:
    provider.cancel_call(new_order(), Placement(provider_reference="unknown/../id"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [("403 No", ProviderRefused), ("500 Oops", OutcomeUnknown), ("503 Down", ProviderUnavailable)],
)
def test_cancel_that_fails(status: str, kind: type[Exception], new_order: NewOrder) -> None:
    def answer(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(status=status)

    with MisbehavingServer(answer) as server:
        provider = SandboxProvider("box", {"BASE_URL": server.url, "API_KEY": API_KEY})
        with pytest.raises(kind):
            provider.cancel_call(new_order(), Placement(provider_reference="x"))


def events_of(reports: list[dict[str, Any]]) -> list[tuple[str, str | None, str | None]]:
    return [(report["event"], report["leg"], report["outcome"]) for report in reports]
