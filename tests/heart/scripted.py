"""A provider whose answers a test writes down beforehand; a real adapter, not a patch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar

from clicktocall.orders import CallOrder, Capability, Placement, ReportedEvent
from clicktocall.providers import CallbackRequest, Provider

Answer = Callable[[CallOrder], Placement]


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
    lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def reset(cls, *answers: Answer) -> None:
        cls.script[:] = answers
        cls.orders.clear()
        cls.hang_ups.clear()
        cls.cancel_errors.clear()

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
