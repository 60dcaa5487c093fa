"""Taking orders: whether a call comes of one, and which calls are remembered."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from http import HTTPStatus

from clicktocall.numbers import mask
from clicktocall.providers.sandbox.playing import Call, Stage
from clicktocall.providers.sandbox.replies import Json, Reply, accepted, error
from clicktocall.providers.sandbox.stories import Story, story_of

logger = logging.getLogger(__name__)

REMEMBERED_FOR = 60 * 60.0  # seconds
MOST_REMEMBERED = 20_000


class Switchboard:
    """The calls of one simulator, and the tries of those it turned away."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._calls: OrderedDict[str, Call] = OrderedDict()  # by our id, oldest first
        self._by_reference: dict[str, Call] = {}
        self._tries: OrderedDict[str, int] = OrderedDict()  # by the customer's call id
        self._lock = threading.Lock()
        self.counts = {"accepted": 0, "repeated": 0, "refused": 0, "unavailable": 0}

    def place(self, order: Json) -> Reply:
        """Take an order, or answer as its story wants."""
        story = story_of(_contact(order))
        with self._lock:
            known = self._by_reference.get(order["reference"])
            if known is not None:
                self.counts["repeated"] += 1
                return HTTPStatus.OK, accepted(known)
            if story.refused:
                return self._refuse(order, story)
            if self._is_out(order["call_id"], story):
                return self._turn_away(order, story)
            call = Call(order, story, self._stage)
            self._remember(call)
            self.counts["accepted"] += 1
        _log(order, story, "accepted")
        call.start()
        return HTTPStatus.CREATED, accepted(call)

    def find(self, name: str) -> Call | None:
        """The call by our id or the customer's reference."""
        with self._lock:
            return self._calls.get(name) or self._by_reference.get(name)

    def find_recording(self, recording_id: str) -> Call | None:
        with self._lock:
            calls = list(self._calls.values())
        return next(
            (call for call in calls if call.recording_id == recording_id and call.recorded), None
        )

    def _refuse(self, order: Json, story: Story) -> Reply:
        self.counts["refused"] += 1
        _log(order, story, "refused")
        return error(HTTPStatus.FORBIDDEN, "The destination is not served.")

    def _turn_away(self, order: Json, story: Story) -> Reply:
        self.counts["unavailable"] += 1
        _log(order, story, "unavailable")
        return error(HTTPStatus.SERVICE_UNAVAILABLE, "Out of service; nothing was dialled.")

    def _is_out(self, call_id: str, story: Story) -> bool:
        tries = self._tries.get(call_id, 0)
        if tries >= story.outages:
            return False
        self._tries[call_id] = tries + 1
        while len(self._tries) > MOST_REMEMBERED:
            self._tries.popitem(last=False)
        return True

    def _remember(self, call: Call) -> None:
        self._calls[call.id] = call
        self._by_reference[call.order["reference"]] = call
        while self._calls:
            oldest = next(iter(self._calls.values()))
            fresh = time.monotonic() - oldest.born < REMEMBERED_FOR
            if fresh and len(self._calls) <= MOST_REMEMBERED:
                return
            del self._calls[oldest.id], self._by_reference[oldest.order["reference"]]


def _contact(order: Json) -> str:
    """The visitor's side: leg A of a one-leg call or when the contact is dialled first."""
    first = order["leg_b"] is None or order["options"].get("dial_first") == "contact"
    leg: Json = order["leg_a"] if first else order["leg_b"]
    contact: str = leg["value"]
    return contact


def _log(order: Json, story: Story, verdict: str) -> None:
    leg_b = order["leg_b"]
    logger.info(
        "call %s %s: %s%s plays %s",
        order["reference"],
        verdict,
        mask(order["leg_a"]["value"]),
        f" and {mask(leg_b['value'])}" if leg_b else "",
        story.name,
    )
