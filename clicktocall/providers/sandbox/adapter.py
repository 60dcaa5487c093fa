"""Orders to the sandbox: JSON over HTTP, the whole `CallOrder` as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar
from urllib.parse import quote

from clicktocall.exceptions import OutcomeUnknown
from clicktocall.orders import CallOrder, Capability, Placement, ReportedEvent
from clicktocall.providers.base import CallbackRequest, Provider, RecordingStream
from clicktocall.providers.http import Answer, HttpClient, failure, fetch_recording
from clicktocall.providers.sandbox.callbacks import parse

# The sandbox promises that nothing was dialled when it answers 503.
_SURELY_NOT_PLACED = frozenset({503})
_ALREADY_GONE = frozenset({404, 410})


class SandboxProvider(Provider):
    """The simulated telephone company of `manage.py simulate_provider sandbox`.

    Options: `BASE_URL` and `API_KEY` of the simulator, `CALLBACK_SECRETS`, and optionally
    `TIMEOUT` (to connect, to answer; seconds).
    """

    name: ClassVar[str] = "sandbox"
    label: ClassVar[str] = "Sandbox"
    required_options: ClassVar[tuple[str, ...]] = ("BASE_URL", "API_KEY")
    secret_options: ClassVar[tuple[str, ...]] = ("API_KEY", "CALLBACK_SECRETS")
    reports_progress: ClassVar[bool] = True
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.TWO_LEGS,
            Capability.FLOW,
            Capability.VOICE_MESSAGE,
            Capability.SIP,
            Capability.PBX,
            Capability.CALLER_ID_A,
            Capability.CALLER_ID_B,
            Capability.WITHHOLD_CALLER_ID,
            Capability.BRIDGE,
            Capability.MESSAGE,
            Capability.AUDIO_MESSAGE,
            Capability.RECORD,
            Capability.MAX_DURATION,
            Capability.WARNING_TIME,
            Capability.MACHINE_DETECTION,
            Capability.TRANSFERS,
            Capability.CALLEE_ID,
            Capability.SIP_HEADERS,
            Capability.VARIABLES,
            Capability.CALLBACK_DATA,
            Capability.CANCEL,
            Capability.FETCH_RECORDING,
        }
    )

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        api_key = str(self.options["API_KEY"])
        self._client = HttpClient.from_options(
            self.options,
            headers={"Authorization": f"Bearer {api_key}"},
            secrets=(api_key, *self.callback_secrets),
        )

    def place_call(self, order: CallOrder) -> Placement:
        answer = self._client.post("calls", json=asdict(order))
        if not answer.ok:
            raise failure(answer, words=self._words(answer), surely_not_placed=_SURELY_NOT_PLACED)
        call_id = answer.document().get("id")
        if not isinstance(call_id, str) or not call_id:
            raise OutcomeUnknown(f"The answer names no call: {answer.words}")
        return Placement(provider_reference=call_id, words=f"{answer.status} accepted")

    def cancel_call(self, order: CallOrder, placement: Placement) -> None:
        # A placement whose answer was lost has no id of theirs; they know ours as well.
        call = placement.provider_reference or order.reference
        answer = self._client.post(f"calls/{quote(call, safe='')}/cancel", json={})
        if not answer.ok and answer.status not in _ALREADY_GONE:
            raise failure(answer, words=self._words(answer), surely_not_placed=_SURELY_NOT_PLACED)

    def download_recording(self, placement: Placement, recording_url: str) -> RecordingStream:
        return fetch_recording(self._client, recording_url, words=self._words)

    def parse_callback(self, request: CallbackRequest) -> list[ReportedEvent]:
        return parse(request.body)

    def _words(self, answer: Answer) -> str:
        """The reason in `{"error": {"message": …}}`, empty if there is none."""
        try:
            error = answer.document().get("error")
        except OutcomeUnknown:
            return ""
        message = error.get("message") if isinstance(error, dict) else None
        return self._client.redact(message)[:300] if isinstance(message, str) else ""
