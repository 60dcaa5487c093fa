"""Whose recording it is: the attempt it belongs to, its provider, and when there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clicktocall.calls.events import apply_report
from clicktocall.calls.recording import open_recording
from clicktocall.exceptions import (
    ConfigurationError,
    NoRecording,
    ProviderRefused,
    ProviderUnavailable,
    RecordingGone,
)
from clicktocall.models import Attempt, Call
from clicktocall.orders import Capability, Placement, ReportedEvent
from clicktocall.providers import RecordingStream
from clicktocall.providers.sandbox import SandboxProvider
from clicktocall.providers.sandbox.simulator import Simulator
from clicktocall.providers.simulation.tone import TONE
from clicktocall.states import CallState, EventKind
from tests.api.server import Server
from tests.factories import make_attempt, make_call
from tests.providers.loopback import CallbackReceiver
from tests.providers.orders import make_order

pytestmark = pytest.mark.django_db

KEYS = {"box": "key-of-the-first-box", "other": "key-of-the-other-box"}


class ReticentSandbox(SandboxProvider):
    """Records, but does not hand it out."""

    capabilities = SandboxProvider.capabilities - {Capability.FETCH_RECORDING}


@pytest.fixture(scope="module")
def boxes() -> Iterator[dict[str, Simulator]]:
    """Two sandboxes, by their aliases."""
    running = {
        alias: Simulator(port=0, api_key=key, speed=40.0, first_pause=0.02)
        for alias, key in KEYS.items()
    }
    for simulator in running.values():
        simulator.start()
    yield running
    for simulator in running.values():
        simulator.stop()


@pytest.fixture(autouse=True)
def configured(settings: Any, boxes: dict[str, Simulator]) -> None:
    def entry(backend: str, alias: str) -> dict[str, Any]:
        options = {"BASE_URL": boxes[alias].address, "API_KEY": KEYS[alias], "TIMEOUT": (1, 2)}
        return {"BACKEND": backend, "OPTIONS": options}

    sandbox = "clicktocall.providers.sandbox.SandboxProvider"
    settings.CLICKTOCALL = {
        "PROVIDERS": {
            "box": entry(sandbox, "box"),
            "other": entry(sandbox, "other"),
            "reticent": entry("tests.heart.test_recording.ReticentSandbox", "box"),
        }
    }


def record_at(simulator: Simulator, alias: str) -> tuple[Placement, str]:
    """Have a sandbox record a call; its placement, and where the sound is."""
    provider = SandboxProvider("x", {"BASE_URL": simulator.address, "API_KEY": KEYS[alias]})
    receiver = CallbackReceiver()
    try:
        order = make_order(callback_url=receiver.url, options={"record": True})
        placement = provider.place_call(order)
        return placement, receiver.wait_for_event("recorded")[-1]["recording_url"]
    finally:
        receiver.close()


def recorded_attempt(call: Call, **fields: Any) -> Attempt:
    """The next attempt of the call, whose recording is reported by its provider."""
    address = fields.pop("address")
    attempt = make_attempt(call, **fields)
    for kind in (EventKind.ENDED, EventKind.RECORDED):
        reported = ReportedEvent(
            kind=kind,
            reference=attempt.reference,
            recording_url=address if kind == EventKind.RECORDED else "",
        )
        assert apply_report(reported, alias=attempt.provider)
    attempt.refresh_from_db()
    call.refresh_from_db()
    assert attempt.recording_url == address
    return attempt


def sound_of(call: Call) -> bytes:
    with open_recording(call) as stream:
        return b"".join(stream)


def make_placed_call(provider: str = "box") -> Call:
    return make_call(provider=provider, state=CallState.PLACED)


def test_recording_of_a_call(boxes: dict[str, Simulator]) -> None:
    placement, address = record_at(boxes["box"], "box")
    call = make_placed_call()
    recorded_attempt(call, address=address, provider_reference=placement.provider_reference)
    with open_recording(call) as stream:
        assert isinstance(stream, RecordingStream)
        assert (stream.content_type, stream.length) == ("audio/wav", len(TONE))
        assert b"".join(stream) == TONE


def test_provider_of_the_attempt_is_asked_not_that_of_the_call(
    boxes: dict[str, Simulator],
) -> None:
    _, address = record_at(boxes["other"], "other")
    call = make_placed_call("other")
    recorded_attempt(call, address=address, provider="other")
    Call.objects.filter(pk=call.pk).update(provider="box")
    call.refresh_from_db()
    assert sound_of(call) == TONE


def test_last_recorded_attempt_counts(boxes: dict[str, Simulator]) -> None:
    _, first = record_at(boxes["box"], "box")
    _, second = record_at(boxes["other"], "other")
    call = make_placed_call()
    recorded_attempt(call, address=first, provider="box")
    recorded_attempt(call, address=second, provider="other")
    Call.objects.filter(pk=call.pk).update(recording_url=second)
    call.refresh_from_db()
    assert sound_of(call) == TONE
    # The first provider knows nothing at that address, and is not sent its own key there.
    Attempt.objects.filter(provider="other").update(provider="box")
    with pytest.raises(ProviderRefused):
        open_recording(call)


def test_call_without_a_recording() -> None:
    with pytest.raises(NoRecording, match="The call has no recording"):
        open_recording(make_call())
    call = make_placed_call()
    make_attempt(call)
    with pytest.raises(NoRecording):
        open_recording(call)


def test_recording_of_no_attempt_is_not_fetched(boxes: dict[str, Simulator]) -> None:
    call = make_placed_call()
    make_attempt(call)
    call.recording_url = f"{boxes['box'].address}/recordings/{'0' * 32}.wav"
    with pytest.raises(NoRecording):
        open_recording(call)


def test_attempt_of_another_call_does_not_count(boxes: dict[str, Simulator]) -> None:
    _, address = record_at(boxes["box"], "box")
    recorded_attempt(make_placed_call(), address=address)
    call = make_placed_call()
    call.recording_url = address
    with pytest.raises(NoRecording):
        open_recording(call)


def test_recording_that_the_provider_forgot(boxes: dict[str, Simulator]) -> None:
    call = make_placed_call()
    recorded_attempt(call, address=f"{boxes['box'].address}/recordings/{'0' * 32}.wav")
    with pytest.raises(RecordingGone):
        open_recording(call)


def test_recording_elsewhere_is_refused() -> None:
    call = make_placed_call()
    recorded_attempt(call, address="https://files.example/secret.wav")
    with pytest.raises(ProviderRefused):
        open_recording(call)


def test_provider_that_is_down(settings: Any) -> None:
    settings.CLICKTOCALL["PROVIDERS"]["box"]["OPTIONS"]["BASE_URL"] = "http://127.0.0.1:9"
    settings.CLICKTOCALL = {**settings.CLICKTOCALL}
    call = make_placed_call()
    recorded_attempt(call, address="http://127.0.0.1:9/recordings/1.wav")
    with pytest.raises(ProviderUnavailable):
        open_recording(call)


def test_provider_that_does_not_hand_out_recordings(boxes: dict[str, Simulator]) -> None:
    _, address = record_at(boxes["box"], "box")
    call = make_placed_call("reticent")
    recorded_attempt(call, address=address)
    with pytest.raises(NoRecording, match="reticent does not hand out its recordings"):
        open_recording(call)


def test_alias_that_is_gone() -> None:
    call = make_placed_call("left")
    recorded_attempt(call, address="https://left.example/1.wav")
    with pytest.raises(ConfigurationError, match='has no "left"'):
        open_recording(call)


def test_asking_costs_one_query(
    boxes: dict[str, Simulator], django_assert_num_queries: Any
) -> None:
    _, address = record_at(boxes["box"], "box")
    call = make_placed_call()
    recorded_attempt(call, address=address)
    with django_assert_num_queries(1):
        assert sound_of(call) == TONE


@pytest.mark.parametrize("accept", ["*/*", "audio/*", "audio/wav", "text/html"])
def test_a_client_of_the_api_hears_it_whatever_it_accepts(
    boxes: dict[str, Simulator], accept: str
) -> None:
    placement, address = record_at(boxes["box"], "box")
    call = make_call(state=CallState.ENDED, provider="box", recording_url=address)
    make_attempt(
        call,
        provider="box",
        recording_url=address,
        provider_reference=placement.provider_reference,
    )

    answer = Server(call.account).get(f"calls/{call.pk}/recording/", Accept=accept)

    assert answer.status_code == 200, answer.content
    assert b"".join(answer.streaming_content) == TONE
    assert answer["Content-Type"].startswith("audio/")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert f'filename="{call.pk}.wav"' in answer["Content-Disposition"]
