"""The sandbox keeps the contract of every provider."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from clicktocall.providers import CallbackRequest
from clicktocall.providers.sandbox import SandboxProvider
from clicktocall.states import LegState, Outcome
from tests.providers.contract import (
    CANARY,
    CallbackContract,
    Played,
    ProviderCase,
    SendingContract,
    VocabularyContract,
)

KEY = f"sandbox-key-{CANARY}-7731"


class SandboxCase(ProviderCase):
    provider = SandboxProvider
    options: ClassVar[dict[str, Any]] = {"API_KEY": KEY}
    surely_not_placed = frozenset({503})
    simulator = ("sandbox", "--api-key", KEY)

    def accepted(self, request: bytes) -> bytes:
        return json.dumps({"id": f"call-of-{json.loads(request)['reference']}"}).encode()

    def callback(self, **changes: Any) -> CallbackRequest:
        told = {
            "event_id": "event-1",
            "reference": "our-attempt",
            "call": "their-call",
            "event": "ended",
            "outcome": "completed",
            "at": "2026-11-20T09:30:00.125000Z",
            "words": "200 OK",
            **changes,
        }
        return CallbackRequest("POST", "application/json", {}, {}, json.dumps(told).encode())


class TestSending(SandboxCase, SendingContract):
    pass


class TestCallbacks(SandboxCase, CallbackContract):
    answers: ClassVar[dict[str, str]] = {"card": "4929000000006"}

    def report(self) -> CallbackRequest:
        return self.callback()

    def keyed(self) -> CallbackRequest:
        return self.callback(event="collected", answers=self.answers)


class TestVocabulary(SandboxCase, VocabularyContract):
    documented = frozenset(
        {"completed", "busy", "no_answer", "declined", "machine", "canceled", "failed"}
    )
    meanings: ClassVar[dict[str, Outcome | None]] = {word: Outcome(word) for word in documented}
    stories: ClassVar[dict[str, Played]] = {
        "completed": Played(Outcome.COMPLETED, LegState.ENDED, LegState.ENDED),
        "a_busy": Played(Outcome.BUSY, LegState.BUSY, LegState.WAITING),
        "a_no_answer": Played(Outcome.NO_ANSWER, LegState.NO_ANSWER, LegState.WAITING),
        "a_declined": Played(Outcome.DECLINED, LegState.DECLINED, LegState.WAITING),
        "b_busy": Played(Outcome.BUSY, LegState.ENDED, LegState.BUSY),
        "b_no_answer": Played(Outcome.NO_ANSWER, LegState.ENDED, LegState.NO_ANSWER),
        "machine": Played(
            Outcome.MACHINE,
            LegState.MACHINE,
            LegState.WAITING,
            {"machine_detection": "hangup"},
        ),
        "disorder": Played(Outcome.COMPLETED, LegState.ENDED, LegState.ENDED),
    }

    def saying(self, word: str) -> CallbackRequest:
        return self.callback(outcome=word)
