"""A provider whose answers a test writes down beforehand; a real adapter, not a patch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import ClassVar

from clicktocall.exceptions import ProviderError
from clicktocall.orders import CallOrder, Capability, Placement, ReportedEvent
from clicktocall.providers import CallbackRequest, Provider

Answer = Callable[[CallOrder], Placement]
Found = Callable[[str, Placement], list[ReportedEvent]]


def accept(order: CallOrder) -> Placement:
    return Placement(provider_reference=f"theirs-{order.reference}", provider_state={"token": "t"})


class ScriptedProvider(Provider):
    name = "scripted"
    label = "Scripted"
    capabilities = frozenset(Capability) - {Capability.FETCH_RECORDING}

    # Shared by all instances: the registry builds its own.
    script: ClassVar[list[Answer]] = []
    orders: ClassVar[list[CallOrder]] = []
    hang_ups: ClassVar[list[tuple[CallOrder, Placement]]] = []
    cancel_errors: ClassVar[list[Exception]] = []
    look_ups: ClassVar[list[str]] = []
    findings: ClassVar[list[Found]] = []
    lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def reset(cls, *answers: Answer) -> None:
        cls.script[:] = answers
        cls.orders.clear()
        cls.hang_ups.clear()
        cls.cancel_errors.clear()
        cls.look_ups.clear()
        cls.findings.clear()

    def place_call(self, order: CallOrder) -> Placement:
        with self.lock:
            self.orders.append(order)
            answer = self.script.pop(0) if self.script else accept
        return answer(order)

    def cancel_call(self, order: CallOrder, placement: Placement) -> None:
        self.hang_ups.append((order, placement))
        if self.cancel_errors:
            raise self.cancel_errors.pop(0)

    def parse_callback(self, request: CallbackRequest) -> list[ReportedEvent]:
        return []


class PlainProvider(ScriptedProvider):
    """Joins two legs and nothing else."""

    name = "plain"
    label = "Plain"
    capabilities = frozenset({Capability.TWO_LEGS})


class AskableProvider(ScriptedProvider):
    """Can be asked what became of a call; `findings` are its answers, then nothing is known."""

    name = "askable"
    label = "Askable"
    looks_up = True

    def fetch_outcome(self, reference: str, placement: Placement) -> list[ReportedEvent]:
        with self.lock:
            self.look_ups.append(reference)
            find = self.findings.pop(0) if self.findings else (lambda *_: [])
        return find(reference, placement)


class BatchingProvider(ScriptedProvider):
    """Takes three orders in one request; `batches` are the references of each."""

    name = "batching"
    label = "Batching"
    places_many = 3

    batches: ClassVar[list[list[str]]] = []

    def place_calls(self, orders: Sequence[CallOrder]) -> list[Placement | ProviderError]:
        self.batches.append([order.reference for order in orders])
        return [self._result(order) for order in orders]

    def _result(self, order: CallOrder) -> Placement | ProviderError:
        try:
            return self.place_call(order)
        except ProviderError as error:
            return error
