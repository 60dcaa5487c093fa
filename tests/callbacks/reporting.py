"""A provider that reports many facts at once, of which a test writes every one; a real adapter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

from clicktocall.calls.receive import keep, process_receipt
from clicktocall.exceptions import ProviderUnavailable
from clicktocall.models import Account, Attempt, CallbackReceipt
from clicktocall.models.fields import hex_id
from clicktocall.orders import ReportedEvent
from clicktocall.providers import CallbackNotUnderstood, CallbackRequest, get_provider
from clicktocall.states import CallState, EventKind, Leg
from tests.factories import make_attempt, make_call, make_endpoint
from tests.heart.scripted import ScriptedProvider

ALIAS = "reports"
OTHER = "others"
RINGING_AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class ReportingProvider(ScriptedProvider):
    """Reads a JSON list of facts, each with `ours` or `theirs`, and `id`."""

    name = "reporting"
    label = "Reporting"
    to_be_pulled: ClassVar[list[CallbackRequest]] = []
    # What its parser cannot read until somebody mends it.
    unreadable: ClassVar[dict[bytes, Exception]] = {}

    @classmethod
    def reset(cls, *answers: Any) -> None:
        super().reset(*answers)
        cls.to_be_pulled.clear()
        cls.unreadable.clear()

    @property
    def pull_every(self) -> float | None:
        return self.options.get("PULL_SECONDS")

    def pull_reports(self) -> CallbackRequest | None:
        return self.to_be_pulled.pop(0) if self.to_be_pulled else None

    def parse_callback(self, request: CallbackRequest) -> list[ReportedEvent]:
        for part, error in self.unreadable.items():
            if part in request.body:
                raise error
        try:
            facts = json.loads(request.body)
        except ValueError:
            raise CallbackNotUnderstood("This is not JSON.") from None
        return [
            ReportedEvent(
                kind=EventKind.RINGING,
                leg=Leg.A,
                reference=fact.get("ours", ""),
                provider_reference=fact.get("theirs", ""),
                event_id=fact["id"],
                occurred_at=RINGING_AT,
                words=request.query.get("words", ""),
            )
            for fact in facts
        ]


class SilentProvider(ReportingProvider):
    """One that cannot be asked for its reports just now."""

    def pull_reports(self) -> CallbackRequest | None:
        raise ProviderUnavailable("Nobody answers.")


def configure(settings: Any, **more: Any) -> None:
    """The aliases `reports` and `others`, with a clean record."""
    entry = {
        "BACKEND": "tests.callbacks.reporting.ReportingProvider",
        "OPTIONS": {"CALLBACK_SECRETS": ["a-callback-secret-of-reports"]},
    }
    settings.CLICKTOCALL = {
        "PUBLIC_URL": "http://127.0.0.1:8000/clicktocall/",
        "PROVIDERS": {ALIAS: {**entry, **more}, OTHER: entry},
    }
    ReportingProvider.reset()


def said(*facts: dict[str, str], query: dict[str, str] | None = None) -> CallbackRequest:
    """A callback with these facts."""
    told = [{"id": hex_id(), **fact} for fact in facts]
    return CallbackRequest(
        "POST", "application/json", {"x-signature": "s"}, query or {}, json.dumps(told).encode()
    )


def receive(*facts: dict[str, str], alias: str = ALIAS) -> CallbackReceipt:
    """Take in a callback with these facts, as a door does."""
    provider, request = get_provider(alias), said(*facts)
    receipt = keep(provider, request, "192.0.2.7")
    process_receipt(provider, request, receipt)
    return receipt


def attempt_at(alias: str = ALIAS, account: Account | None = None, **fields: Any) -> Attempt:
    """An attempt handed to the provider `alias`, whose answer may still be under way."""
    endpoint = make_endpoint(account, provider=alias)
    call = make_call(endpoint, provider=alias, state=CallState.PLACED)
    return make_attempt(call, **fields)
