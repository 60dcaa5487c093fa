"""Reports of the sandbox: tried again, in order, always the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from clicktocall.orders import CallOrder
from clicktocall.providers.sandbox import SandboxProvider
from clicktocall.providers.sandbox import reporter as reporter_module
from tests.providers.loopback import CallbackReceiver, MisbehavingServer, Peer

NewOrder = Callable[..., CallOrder]


def test_report_goes_to_the_address_in_the_order(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    provider.place_call(new_order("a_busy"))
    receiver.wait_for_end()
    assert {received.path for received in receiver.received} == {"/callbacks/box/secret/"}


@pytest.mark.parametrize("refusal", [500, 503, 404, 302, 429])
def test_refused_report_is_tried_again_and_holds_up_the_later_ones(
    refusal: int, provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    receiver.refusals = [refusal] * 3
    provider.place_call(new_order("a_declined"))
    reports = receiver.wait_for_end()
    assert [report["event"] for report in reports] == ["ringing"] * 4 + ["leg_ended", "ended"]
    assert len({received.body for received in receiver.received[:4]}) == 1


def test_report_is_given_up_after_eight_tries(
    provider: SandboxProvider,
    receiver: CallbackReceiver,
    new_order: NewOrder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver.refusals = [500] * 8
    provider.place_call(new_order("a_busy"))
    reports = receiver.wait_for_end()
    assert [report["event"] for report in reports] == ["leg_ended"] * 8 + ["ended"]
    assert "gave up reporting leg_ended after 8 tries (500)" in caplog.text
    assert "secret" not in caplog.text


def test_pauses_between_tries_grow(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    receiver.refusals = [500] * 4
    provider.place_call(new_order("a_busy"))
    receiver.wait_for_end()
    moments = [received.moment for received in receiver.received[:5]]
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert [pause >= 0.02 * 2**number for number, pause in enumerate(pauses)] == [True] * 4


def test_broken_connections_are_tried_again(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    def break_twice(peer: Peer) -> None:
        while peer.read_request():
            if len(peer.server.requests) <= 2:
                peer.reset()
                break
            peer.answer()

    with MisbehavingServer(break_twice) as server:
        provider.place_call(new_order("a_busy", callback_url=f"{server.url}/callbacks/"))
        deadline = time.monotonic() + 10
        while len(server.requests) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        bodies = [request.partition(b"\r\n\r\n")[2] for request in server.requests]
    assert bodies[0] == bodies[1] == bodies[2] != bodies[3]


def test_redirected_report_is_not_sent_elsewhere(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    def redirect(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(status="307 Temporary", headers=f"Location: {receiver.url}\r\n")

    with MisbehavingServer(redirect) as server:
        provider.place_call(new_order("a_busy", callback_url=f"{server.url}/callbacks/"))
        deadline = time.monotonic() + 10
        while len(server.requests) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(server.requests) >= 3
    assert receiver.received == []


def test_calls_do_not_wait_for_each_other(
    provider: SandboxProvider,
    receiver: CallbackReceiver,
    new_order: NewOrder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A customer who hangs holds up the reports of that call only."""
    monkeypatch.setattr(reporter_module, "TIMEOUT", (0.2, 0.5))

    def hang(peer: Peer) -> None:
        peer.read_request()
        time.sleep(10)

    with MisbehavingServer(hang) as server:
        for _ in range(4):
            provider.place_call(new_order("a_busy", callback_url=f"{server.url}/callbacks/"))
        started = time.monotonic()
        provider.place_call(new_order("a_busy"))
        receiver.wait_for_end()
        assert time.monotonic() - started < 4


def test_many_calls_are_reported_completely_and_in_order(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    orders = [new_order("b_hangup") for _ in range(40)]
    for order in orders:
        provider.place_call(order)
    receiver.wait_for(lambda reports: len(reports) == 40 * 8, seconds=20)
    for order in orders:
        own = [report for report in receiver.reports if report["reference"] == order.reference]
        assert [report["at"] for report in own] == sorted(report["at"] for report in own)
        assert own[-1]["event"] == "ended"
