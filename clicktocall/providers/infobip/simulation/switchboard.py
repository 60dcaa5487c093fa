"""Taking messages: which of a request's come to a call, and what is remembered of them."""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from clicktocall.providers.infobip.simulation import vocabulary as words
from clicktocall.providers.infobip.simulation.account import Account, Dedupe
from clicktocall.providers.infobip.simulation.bulks import Bulk
from clicktocall.providers.infobip.simulation.judgement import rejection_of
from clicktocall.providers.infobip.simulation.message import Message, Product
from clicktocall.providers.infobip.simulation.request_log import ACCEPTED
from clicktocall.providers.infobip.simulation.stories import story_of
from clicktocall.providers.infobip.simulation.timetable import first_moment, seconds_between
from clicktocall.providers.infobip.simulation.vocabulary import Status

Json = dict[str, Any]

REMEMBERED_FOR = timedelta(hours=48)
MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Ordered:
    """One phone of a request, before anybody decided about it."""

    numbers: tuple[str, ...]
    message_id: str
    fields: Json


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one phone of a request."""

    numbers: tuple[str, ...]
    message_id: str
    status: Status

    @property
    def word(self) -> str:
        """As the request log says it."""
        if self.status is words.DUPLICATE:
            return "duplicate"
        return ACCEPTED if self.status.group == words.PENDING else "rejected"


def ordered_in(document: Json) -> Iterator[Ordered]:
    """The phones of a request that is as its schema wants it."""
    for fields in document["messages"]:
        if "destinations" not in fields:
            numbers = (fields["destinationA"], fields["destinationB"])
            yield Ordered(numbers, fields.get("messageId") or "", fields)
            continue
        for destination in fields["destinations"]:
            yield Ordered((destination["to"],), destination.get("messageId") or "", fields)


class Switchboard:
    """The messages of one account. All methods may be called from any thread."""

    def __init__(self, account: Account, *, speed: float, seed: int) -> None:
        self._account = account
        self._speed = speed
        self._ids = Random(f"ids {seed}")  # noqa: S311 (ids of a simulation)
        self._lock = threading.Lock()
        self._messages: deque[Message] = deque()
        self._bulks: OrderedDict[str, Bulk] = OrderedDict()
        self._taken_at: OrderedDict[str, float] = OrderedDict()
        self._unreported: deque[Message] = deque()
        self.counts = {ACCEPTED: 0, "duplicate": 0, "rejected": 0}

    def take(self, product: Product, document: Json) -> tuple[Bulk, list[Decision]]:
        """Decide about every message of a request; those that were taken wait in the bulk."""
        with self._lock:
            bulk = Bulk(document.get("bulkId") or self._new_id(), None)
            decisions = [
                self._decide(product, ordered, bulk, number)
                for number, ordered in enumerate(ordered_in(document))
            ]
            if bulk.messages:
                self._bulks[bulk.id] = bulk
                self._messages.extend(bulk.messages)
            self._forget_the_oldest()
        return bulk, decisions

    def find_bulk(self, bulk_id: str) -> Bulk | None:
        """A bulk whose messages were to be sent later."""
        with self._lock:
            bulk = self._bulks.get(bulk_id)
        return bulk if bulk is not None and bulk.send_at is not None else None

    def logged(self) -> list[Message]:
        """What the logs tell of, newest first."""
        at_once = self._account.dedupe == Dedupe.LOOKUP
        oldest = datetime.now(UTC) - REMEMBERED_FOR
        with self._lock:
            return [
                message
                for message in reversed(self._messages)
                if (message.over or at_once) and message.accepted_at >= oldest
            ]

    def recorded(self) -> list[Message]:
        """The messages with a recording, newest first."""
        with self._lock:
            return [message for message in reversed(self._messages) if message.recording_id]

    def keep_for_pulling(self, message: Message) -> None:
        with self._lock:
            self._unreported.append(message)

    def hand_out(self, wanted: Callable[[Message], bool], limit: int) -> list[Message]:
        """Messages that are over and were never told of, oldest first; each only once."""
        with self._lock:
            found = [message for message in self._unreported if wanted(message)][:limit]
            for message in found:
                self._unreported.remove(message)
        return found

    def _decide(self, product: Product, ordered: Ordered, bulk: Bulk, number: int) -> Decision:
        message_id = ordered.message_id or self._new_id()
        story = story_of(*ordered.numbers)
        status = (
            rejection_of(product, ordered.fields, machine_detection=self._account.machine_detection)
            or story.rejected
            or self._dedupe(message_id)
            or words.ACCEPTED
        )
        decision = Decision(ordered.numbers, message_id, status)
        self.counts[decision.word] += 1
        if status is words.ACCEPTED:
            self._taken_at[message_id] = time.monotonic()
            self._add(bulk, product, ordered, message_id, number)
        return decision

    def _add(
        self, bulk: Bulk, product: Product, ordered: Ordered, message_id: str, number: int
    ) -> None:
        now = datetime.now(UTC)
        due = first_moment(ordered.fields, now)
        if ordered.fields.get("sendAt") or ordered.fields.get("sendingSpeed"):
            bulk.send_at = bulk.send_at or due
        pause = seconds_between(ordered.fields) * number / self._speed
        bulk.messages.append(
            Message(
                id=message_id,
                bulk_id=bulk.id,
                product=product,
                numbers=ordered.numbers,
                fields=ordered.fields,
                story=story_of(*ordered.numbers),
                accepted_at=now,
                due=due + timedelta(seconds=pause),
            )
        )

    def _dedupe(self, message_id: str) -> Status | None:
        if self._account.dedupe != Dedupe.WINDOW or message_id not in self._taken_at:
            return None
        age = time.monotonic() - self._taken_at[message_id]
        return words.DUPLICATE if age < self._account.dedupe_seconds else None

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._ids.getrandbits(128), version=4))

    def _forget_the_oldest(self) -> None:
        oldest = datetime.now(UTC) - REMEMBERED_FOR
        while self._messages and (
            len(self._messages) > MOST_REMEMBERED or self._messages[0].accepted_at < oldest
        ):
            self._bulks.pop(self._messages.popleft().bulk_id, None)
        for kept in (self._bulks, self._taken_at):
            while len(kept) > MOST_REMEMBERED:
                kept.popitem(last=False)
        while len(self._unreported) > MOST_REMEMBERED:
            self._unreported.popleft()
