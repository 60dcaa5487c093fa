"""What reaches the sandbox: the whole order, once."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import time
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from clicktocall.exceptions import (
    ConfigurationError,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)
from clicktocall.orders import CallOptions, CallOrder, Capability, Destination
from clicktocall.providers.sandbox import SandboxProvider, switchboard
from clicktocall.providers.sandbox.simulator import Simulator
from clicktocall.providers.sandbox.stories import contact_for
from tests.providers.loopback import Behaviour, CallbackReceiver, MisbehavingServer, Peer
from tests.providers.sandbox_client import API_KEY, ask, look_up, wait_until

NewOrder = Callable[..., CallOrder]

EVERY_OPTION: dict[str, Any] = {
    "dial_first": "contact",
    "caller_id_a": "+442079460150",
    "caller_id_b": "+442079460151",
    "anonymization": True,
    "withhold_caller_id": True,
    "bridge": "+442079460152",
    "callee_id_name": "Visitor é",
    "callee_id_number": "+442079460153",
    "timeout": 17,
    "max_duration": 61,
    "warning_time": 5,
    "record": True,
    "machine_detection": "hangup",
    "message_text": "Hello \u2603",
    "message_language": "en-GB",
    "message_voice_name": "Joanna",
    "message_voice_gender": "female",
    "message_audio_url": "https://example.com/a.wav",
    "ringback": "%(2000,4000,440,480)",
    "music_on_hold": "media-1",
    "ignore_early_media": False,
    "bypass_media": "auto",
    "presence_id": "team@example.com",
    "custom_sip_headers": {"in": {"X-A": "1"}, "out": {"X-B": "2"}},
    "custom_application_vars": {"shop": "bikes"},
    "parameters": {"Name": "Ann"},
    "callback_data": "order 17",
    "transfers": [{"transferTo": "+442079460154", "if": "dtmf", "equals": "1"}],
    "retry_min_period": 1,
    "retry_max_period": 5,
    "retry_max_count": 3,
    "validity_period": 30,
    "delivery_time_window": {"days": ["MONDAY"], "from": {"hour": 6, "minute": 0}},
    "notify_url": "https://client.example.com/reports",
    "notify_content_type": "application/xml",
}


def test_every_option_has_a_value_of_its_own_here() -> None:
    plain = CallOptions().to_json()
    assert set(EVERY_OPTION) == set(CallOptions.names())
    assert [name for name in plain if plain[name] == EVERY_OPTION[name]] == []


def test_every_field_of_the_order_reaches_the_simulator(
    provider: SandboxProvider, simulator: Simulator, new_order: NewOrder
) -> None:
    order = new_order(options=EVERY_OPTION, bulk_id="bulk-1", flow="220", attempt_number=3)
    placement = provider.place_call(order)
    stored = look_up(simulator, order)
    assert stored["id"] == placement.provider_reference
    assert stored["order"] == json.loads(json.dumps(dataclasses.asdict(order)))
    assert stored["order"]["options"] == EVERY_OPTION


def test_what_each_telephone_shows(
    provider: SandboxProvider, simulator: Simulator, new_order: NewOrder
) -> None:
    order = new_order(options={**EVERY_OPTION, "withhold_caller_id": False})
    provider.place_call(order)
    legs = look_up(simulator, order)["legs"]
    assert legs["a"]["shown"] == {"number": order.caller_id_a, "name": "Bicycle workshop"}
    assert legs["b"]["shown"]["number"] == order.caller_id_b
    assert legs["a"]["callee"] == {"number": "+442079460153", "name": "Visitor é"}
    assert legs["a"]["through"] == legs["b"]["through"] == "+442079460152"
    assert legs["b"]["sip_headers"] == EVERY_OPTION["custom_sip_headers"]


def test_a_withheld_number_is_shown_to_neither_side(
    provider: SandboxProvider, simulator: Simulator, new_order: NewOrder
) -> None:
    order = new_order(options=EVERY_OPTION)
    provider.place_call(order)
    legs = look_up(simulator, order)["legs"]
    nobody = {"number": "withheld", "name": ""}
    assert [legs["a"]["shown"], legs["b"]["shown"]] == [nobody, nobody]


def test_callback_data_comes_back_with_every_report(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: NewOrder
) -> None:
    provider.place_call(new_order("a_busy", options={"callback_data": "order 17"}))
    assert {report["callback_data"] for report in receiver.wait_for_end()} == {"order 17"}


@pytest.mark.parametrize(
    "leg_a",
    [
        Destination(kind="sip", value="sip:team@example.com"),
        Destination(kind="pbx", value="1000"),
        Destination(kind="flow", value="220"),
    ],
)
def test_other_kinds_of_legs(
    leg_a: Destination,
    provider: SandboxProvider,
    receiver: CallbackReceiver,
    new_order: NewOrder,
) -> None:
    provider.place_call(new_order("a_busy", leg_a=leg_a))
    assert receiver.wait_for_end()[-1]["outcome"] == "busy"


def test_repeated_reference_answers_with_the_first_call(
    provider: SandboxProvider,
    simulator: Simulator,
    receiver: CallbackReceiver,
    new_order: NewOrder,
) -> None:
    order = new_order("a_busy")
    first = provider.place_call(order)
    again = provider.place_call(dataclasses.replace(order, attempt_number=2))
    assert again.provider_reference == first.provider_reference
    assert (first.words, again.words) == ("201 accepted", "200 accepted")
    receiver.wait_for_end()
    time.sleep(0.1)
    assert [report["event"] for report in receiver.reports].count("ended") == 1
    counts = ask(simulator, "GET", "/health").json()["counts"]
    assert counts == {"accepted": 1, "repeated": 1, "refused": 0, "unavailable": 0}


def test_parallel_orders_with_one_reference_are_one_call(
    provider: SandboxProvider, simulator: Simulator, new_order: NewOrder
) -> None:
    order = new_order()
    with ThreadPoolExecutor(16) as pool:
        placements = list(pool.map(provider.place_call, [order] * 50))
    assert len({placement.provider_reference for placement in placements}) == 1
    assert ask(simulator, "GET", "/health").json()["counts"]["accepted"] == 1


def test_order_is_taken_within_milliseconds(provider: SandboxProvider, new_order: NewOrder) -> None:
    provider.place_call(new_order("silent"))
    times = []
    for _ in range(50):
        order = new_order("silent")
        started = time.perf_counter()
        provider.place_call(order)
        times.append(time.perf_counter() - started)
    assert sorted(times)[25] < 0.02


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reference", ""),
        ("reference", None),
        ("reference", "a b"),
        ("reference", "x" * 200),
        ("call_id", 7),
        ("leg_a", None),
        ("leg_a", "text"),
        ("leg_a", {"kind": "number", "value": "442079460101"}),
        ("leg_a", {"kind": "number", "value": "+44207946０101"}),
        ("leg_a", {"kind": "number"}),
        ("leg_a", {"kind": "pigeon", "value": "x"}),
        ("leg_a", {"kind": ["number"], "value": "x"}),
        ("leg_b", {"kind": "sip", "value": "team@example.com"}),
        ("leg_b", 5),
        ("max_duration", 0),
        ("max_duration", None),
        ("max_duration", True),
        ("max_duration", "60"),
        ("max_duration", 10**9),
        ("callback_url", "ftp://example.com"),
        ("callback_url", "http://[::1"),
        ("callback_url", ""),
        ("options", None),
        ("options", []),
        ("options.timeout", 0),
        ("options.timeout", "30"),
        ("options.record", "yes"),
        ("options.machine_detection", "beep"),
        ("options.dial_first", "nobody"),
        ("options.warning_time", -1),
        ("options.message_text", None),
        ("options.message_audio_url", "file:///etc/passwd"),
        ("options.transfers", None),
        ("options.transfers", {"transferTo": "+442079460154", "if": "dtmf"}),
        ("options.transfers", [{"transferTo": "020 7946 0154", "if": "dtmf"}]),
        ("options.transfers", [{"transferTo": "+442079460154"}]),
        ("options.transfers", [{"transferTo": "+442079460154", "if": 1}]),
        ("options.transfers", [{"transferTo": "+442079460154", "if": "dtmf", "equals": 1}]),
        ("options.transfers", [{"transferTo": "+442079460154", "if": "dtmf", "key": "1"}]),
        (
            "options.transfers",
            [{"transferTo": "+442079460154", "if": "dtmf", "callTransferMaxDuration": 0}],
        ),
    ],
)
def test_order_is_checked_field_by_field(
    field: str, value: Any, simulator: Simulator, new_order: NewOrder
) -> None:
    order = dataclasses.asdict(new_order())
    name, _, option = field.partition(".")
    if option:
        order[name][option] = value
    else:
        order[name] = value
    answer = ask(simulator, "POST", "/calls", json=order)
    assert answer.status_code == 400
    (fault,) = answer.json()["error"]["fields"]
    assert fault.startswith(field)
    assert fault in answer.json()["error"]["message"]


@pytest.mark.parametrize("missing", ["reference", "leg_a", "leg_b", "options", "callback_url"])
def test_missing_fields_are_named(missing: str, simulator: Simulator, new_order: NewOrder) -> None:
    order = dataclasses.asdict(new_order())
    del order[missing]
    answer = ask(simulator, "POST", "/calls", json=order)
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == [missing]


def test_invalid_order_is_refused_with_the_reason(
    provider: SandboxProvider, new_order: NewOrder
) -> None:
    with pytest.raises(ProviderRefused) as caught:
        provider.place_call(new_order(leg_a=Destination(kind="number", value="112")))
    assert caught.value.detail == ("400 The order is not valid. leg_a.value: is not a number")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b" " * (256 * 1024 + 1), 413),
    ],
)
def test_odd_bodies(body: bytes, status: int, simulator: Simulator) -> None:
    answer = ask(simulator, "POST", "/calls", data=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_chunked_body_is_refused(simulator: Simulator) -> None:
    assert ask(simulator, "POST", "/calls", data=iter([b"{}"])).status_code == 411


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", "Basic eA==", "bearer " + API_KEY]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/calls"), ("GET", "/calls/x"), ("POST", "/calls/x/cancel"), ("POST", "/else")],
)
def test_key_is_needed(method: str, path: str, header: str, simulator: Simulator) -> None:
    answer = ask(simulator, method, path, headers={"Authorization": header})
    assert answer.status_code == 401


def test_wrong_key_is_a_refusal(simulator: Simulator, new_order: NewOrder) -> None:
    options = {"BASE_URL": simulator.address, "API_KEY": "wrong-key-CANARY"}
    with pytest.raises(ProviderRefused) as caught:
        SandboxProvider("box", options).place_call(new_order())
    assert caught.value.detail == "401 The API key is missing or wrong."


@pytest.mark.parametrize("path", ["/", "/calls", "/calls/none", "/recordings/x.wav", "/%00"])
def test_nothing_there(path: str, simulator: Simulator) -> None:
    assert ask(simulator, "GET", path).status_code == 404


# Recordings


def test_recording(
    simulator: Simulator,
    provider: SandboxProvider,
    receiver: CallbackReceiver,
    new_order: NewOrder,
) -> None:
    provider.place_call(new_order(options={"record": True}))
    reports = receiver.wait_for_event("recorded")
    address = reports[-1]["recording_url"]
    assert requests.get(address, timeout=5).status_code == 401
    sound = ask(simulator, "GET", address.removeprefix(simulator.address))
    assert sound.headers["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(sound.content)) as recording:
        assert recording.getframerate() == 8000
        assert recording.getnframes() == 8000


@pytest.mark.parametrize(
    ("story", "record"), [("completed", False), ("a_no_answer", True), ("b_busy", True)]
)
def test_no_recording_without_wish_or_talk(
    story: str,
    record: bool,
    provider: SandboxProvider,
    receiver: CallbackReceiver,
    new_order: NewOrder,
) -> None:
    provider.place_call(new_order(story, options={"record": record}))
    receiver.wait_for_end()
    time.sleep(0.1)
    assert all(report["event"] != "recorded" for report in receiver.reports)


def test_recording_of_a_message(
    provider: SandboxProvider, receiver: CallbackReceiver, new_one_leg_order: NewOrder
) -> None:
    provider.place_call(new_one_leg_order(options={"record": True, "message_text": "Hello"}))
    receiver.wait_for_event("recorded")


# Faults between the adapter and the sandbox


def test_sandbox_that_is_down_is_unavailable(
    start_simulator: Callable[..., Simulator], new_order: NewOrder
) -> None:
    simulator = start_simulator()
    options = {"BASE_URL": simulator.address, "API_KEY": API_KEY}
    provider = SandboxProvider("box", options)
    provider.place_call(new_order("silent"))
    simulator.stop()
    with pytest.raises(ProviderUnavailable):
        provider.place_call(new_order())
    port = int(simulator.address.rpartition(":")[2])
    start_simulator(port=port)
    assert provider.place_call(new_order("silent")).provider_reference


def answering(status: str, body: bytes, headers: str = "") -> Behaviour:
    def behave(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(body, status=status, headers=headers)

    return behave


@pytest.mark.parametrize(
    ("status", "body", "kind", "detail"),
    [
        ("403 Forbidden", b'{"error": {"message": "No."}}', ProviderRefused, "403 No."),
        ("404 Not Found", b"nothing", ProviderRefused, "404 nothing"),
        ("409 Conflict", b'{"error": "text"}', ProviderRefused, '409 {"error": "text"}'),
        ("429 Slow", b"{}", ProviderThrottled, "429 {}"),
        ("503 Down", b"{}", ProviderUnavailable, "503 {}"),
        ("500 Oops", b"{}", OutcomeUnknown, "500 {}"),
        ("502 Bad", b'{"error": {"message": 5}}', OutcomeUnknown, "502"),
        ("504 Late", b"{}", OutcomeUnknown, "504"),
        ("302 Found", b"", OutcomeUnknown, "302"),
        ("201 Created", b"", OutcomeUnknown, "The answer cannot be read: 201"),
        ("201 Created", b"<html>", OutcomeUnknown, "The answer cannot be read: 201 <html>"),
        ("201 Created", b'{"id": 5}', OutcomeUnknown, "The answer names no call"),
        ("200 OK", b'{"id": ""}', OutcomeUnknown, "The answer names no call"),
        ("200 OK", b'{"status": "ok"}', OutcomeUnknown, "The answer names no call"),
    ],
)
def test_meaning_of_an_answer(
    status: str, body: bytes, kind: type[ProviderError], detail: str, new_order: NewOrder
) -> None:
    with MisbehavingServer(answering(status, body, "Retry-After: 9\r\n")) as server:
        provider = SandboxProvider("box", {"BASE_URL": server.url, "API_KEY": API_KEY})
        with pytest.raises(kind) as caught:
            provider.place_call(new_order())
    assert type(caught.value) is kind
    assert caught.value.detail.startswith(detail)
    assert getattr(caught.value, "retry_after", 9.0) == 9.0


def test_lost_answer_is_unknown_and_can_be_looked_up(
    simulator: Simulator, new_order: NewOrder
) -> None:
    """The order arrives, its answer does not: asked once, never again by itself."""
    port = int(simulator.address.rpartition(":")[2])

    def swallow_the_answer(peer: Peer) -> None:
        request = peer.read_request()
        requests.post(
            f"http://127.0.0.1:{port}/calls",
            data=request.partition(b"\r\n\r\n")[2],
            headers={"Authorization": f"Bearer {API_KEY}"},
            timeout=5,
        )

    order = new_order()
    with MisbehavingServer(swallow_the_answer) as server:
        provider = SandboxProvider("box", {"BASE_URL": server.url, "API_KEY": API_KEY})
        with pytest.raises(OutcomeUnknown):
            provider.place_call(order)
        assert len(server.requests) == 1
    assert look_up(simulator, order)["reference"] == order.reference


@pytest.mark.parametrize(
    "behaviour",
    [
        answering(
            "500 Oops", f'{{"error": {{"message": "key {API_KEY} and CANARY-CB"}}}}'.encode()
        ),
        answering("403 No", f"your key {API_KEY}".encode()),
        answering("200 OK", f'{{"key": "{API_KEY}"}}'.encode()),
        lambda peer: peer.reset(),
    ],
)
def test_secrets_are_in_no_error_and_no_log(
    behaviour: Behaviour, caplog: pytest.LogCaptureFixture, new_order: NewOrder
) -> None:
    caplog.set_level(logging.DEBUG)
    with MisbehavingServer(behaviour) as server:
        provider = SandboxProvider(
            "box",
            {"BASE_URL": server.url, "API_KEY": API_KEY, "CALLBACK_SECRETS": ["CANARY-CB"]},
        )
        with pytest.raises(ProviderError) as caught:
            provider.place_call(new_order())
    assert "CANARY" not in f"{caught.value!r} {provider!r} {caplog.text}"


# The adapter itself


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"API_KEY": "key"}, "BASE_URL"),
        ({"BASE_URL": "http://127.0.0.1:1"}, "API_KEY"),
        ({"BASE_URL": "http://example.com", "API_KEY": "key"}, "BASE_URL"),
        ({"BASE_URL": "http://127.0.0.1:1", "API_KEY": "key", "TIMEOUT": 5}, "TIMEOUT"),
        (
            {"BASE_URL": "http://127.0.0.1:1", "API_KEY": "key", "CALLBACK_SECRETS": "text"},
            "CALLBACK_SECRETS",
        ),
    ],
)
def test_configuration_that_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        SandboxProvider("box", options)


def test_comfort_options_are_not_claimed() -> None:
    unclaimed = set(Capability) - SandboxProvider.capabilities
    assert unclaimed == {
        Capability.RINGBACK,
        Capability.HOLD_MUSIC,
        Capability.EARLY_MEDIA,
        Capability.BYPASS_MEDIA,
        Capability.PRESENCE,
    }


# Memory


def test_calls_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
    provider: SandboxProvider,
    simulator: Simulator,
    new_order: NewOrder,
) -> None:
    order = new_order("silent")
    provider.place_call(order)
    assert look_up(simulator, order)
    monkeypatch.setattr(switchboard, "REMEMBERED_FOR", 0.0)
    provider.place_call(new_order("silent"))
    assert ask(simulator, "GET", f"/calls/{order.reference}").status_code == 404


def test_memory_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
    provider: SandboxProvider,
    simulator: Simulator,
    new_order: NewOrder,
) -> None:
    monkeypatch.setattr(switchboard, "MOST_REMEMBERED", 3)
    orders = [new_order("silent") for _ in range(5)]
    for order in orders:
        provider.place_call(order)
    known = [
        ask(simulator, "GET", f"/calls/{order.reference}").status_code == 200 for order in orders
    ]
    assert known == [False, False, True, True, True]


def test_one_masked_line_is_logged_per_call(
    provider: SandboxProvider,
    receiver: CallbackReceiver,
    new_order: NewOrder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "clicktocall.providers")
    order = new_order("a_busy")
    provider.place_call(order)
    receiver.wait_for_end()
    lines = [r.getMessage() for r in caplog.records if order.reference in r.getMessage()]
    assert lines == [f"call {order.reference} accepted: +4420…90 and +4420…02 plays a_busy"]
    assert contact_for("a_busy") not in caplog.text
    assert "secret" not in caplog.text


def test_stories_survive_one_that_fails(
    provider: SandboxProvider,
    receiver: CallbackReceiver,
    new_order: NewOrder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A callback address nobody can use stops neither the scheduler nor the other calls."""
    provider.place_call(new_order("a_busy", callback_url="http://127.0.0.1:9/nobody"))
    provider.place_call(new_order("a_busy"))
    receiver.wait_for_end()
    wait_until(lambda: len(receiver.received) == 2)
