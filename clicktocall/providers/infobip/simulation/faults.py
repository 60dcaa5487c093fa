"""Requests that fail on purpose: which one, and how."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from random import Random

from clicktocall.providers.infobip.simulation.stories import Story


class Mishap(StrEnum):
    """What becomes of an answer on its way."""

    NONE = "none"
    SLOW = "slow"
    RESET = "reset"  # in the middle of it
    RESET_EARLY = "reset early"  # before its first byte
    GARBLED = "garbled"


class Occasion(StrEnum):
    """The requests that a fault can meet."""

    ORDERS = "orders"
    LOOKUPS = "lookups"  # reports, logs, bulks and files


@dataclass(frozen=True, slots=True)
class Fault:
    """A request that fails; `rings` tells whether its phones ring nevertheless."""

    name: str
    summary: str
    status: int = HTTPStatus.OK
    message_id: str = ""
    text: str = ""
    rings: bool = False
    mishap: Mishap = Mishap.NONE


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("400", "a bad request", 400, "BAD_REQUEST", "Bad Request"),
        Fault("401", "not authorized", 401, "UNAUTHORIZED", "Invalid login details"),
        Fault("403", "not allowed", 403, "FORBIDDEN", "Forbidden"),
        Fault("429", "too many, with Retry-After", 429, "TOO_MANY_REQUESTS", "Too many requests"),
        Fault("500", "an error; nothing rings", 500, "GENERAL_ERROR", "Something went wrong"),
        Fault(
            "500-rang",
            "an error, yet the phones ring",
            500,
            "GENERAL_ERROR",
            "Something went wrong",
            rings=True,
        ),
        Fault("503", "out of service", 503, "SERVICE_UNAVAILABLE", "Service unavailable"),
        Fault("slow", "taken, answered late", rings=True, mishap=Mishap.SLOW),
        Fault("reset", "taken, the answer breaks off", rings=True, mishap=Mishap.RESET),
        Fault("reset-early", "broken off, nothing is taken", mishap=Mishap.RESET_EARLY),
        Fault("garbled", "taken, answered with a page", rings=True, mishap=Mishap.GARBLED),
    )
}


class FaultPlan:
    """Chooses the fault of each request.

    Args:
        name: a fault for requests of any number; empty for none.
        on: which requests it meets; those that numbers choose meet orders only.
        times: how many requests it meets; none for all.
        share: which part of the requests it meets, 0 to 1, chosen by `seed` and order.
    """

    def __init__(
        self,
        name: str = "",
        *,
        on: Occasion = Occasion.ORDERS,
        times: int | None = None,
        share: float = 1.0,
        seed: int = 0,
    ) -> None:
        self._fault = FAULTS[name] if name else None
        self._on = on
        self._left = times
        self._share = share
        self._chance = Random(f"faults {seed}")  # noqa: S311 (a story)
        self._outages: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def of_lookup(self) -> Fault | None:
        """The fault of a request that orders nothing."""
        with self._lock:
            return self._fault if self._meets(Occasion.LOOKUPS) else None

    def of_order(self, stories: Iterable[tuple[tuple[str, ...], Story]]) -> Fault | None:
        """The fault of a request for `stories`, each with the numbers of its message."""
        with self._lock:
            if self._meets(Occasion.ORDERS):
                return self._fault
            for numbers, story in stories:
                if story.fault:
                    return FAULTS[story.fault]
                if self._is_out(numbers, story):
                    return FAULTS["503"]
        return None

    def _meets(self, occasion: Occasion) -> bool:
        if self._fault is None or self._on != occasion or self._left == 0:
            return False
        if self._chance.random() >= self._share:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def _is_out(self, numbers: tuple[str, ...], story: Story) -> bool:
        turned_away = self._outages.get(numbers, 0)
        if turned_away >= story.outages:
            self._outages.pop(numbers, None)  # and the next call meets the outage again
            return False
        self._outages[numbers] = turned_away + 1
        return True
