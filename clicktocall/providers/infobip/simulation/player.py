"""Playing messages: dialling each when it is due, again where it asks for that, to its end."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from clicktocall.numbers import mask
from clicktocall.providers.infobip.simulation import vocabulary as words
from clicktocall.providers.infobip.simulation.bulks import Bulk
from clicktocall.providers.infobip.simulation.fate import Fate, fate_of
from clicktocall.providers.infobip.simulation.message import Message
from clicktocall.providers.infobip.simulation.timetable import (
    minutes_before_retry,
    retries_of,
    validity_of,
)
from clicktocall.providers.simulation.scheduler import Scheduler

logger = logging.getLogger(__name__)

_EARLY = timedelta(milliseconds=20)  # two clocks may differ so much


class Player:
    """Plays messages `speed` times faster than life; `ended` is told of each when it is over.

    Moments that a customer names (`sendAt`, a window) are those of the real clock.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        speed: float,
        seed: int,
        recording: bool,
        ended: Callable[[Message], None],
    ) -> None:
        self._scheduler = scheduler
        self._speed = speed
        self._seed = seed
        self._recording = recording
        self._ended = ended
        self._lock = threading.RLock()

    def start(self, bulk: Bulk) -> None:
        """Dial what waits in a bulk, each message when it is due."""
        now = datetime.now(UTC)
        for message in bulk.waiting:
            self._dial_later(message, bulk, (message.due - now).total_seconds())

    def pause(self, bulk: Bulk) -> None:
        with self._lock:
            bulk.paused = True

    def resume(self, bulk: Bulk) -> None:
        with self._lock:
            bulk.paused = False
        self.start(bulk)

    def move(self, bulk: Bulk, send_at: datetime) -> None:
        """Another time for what waits; it is dialled when the bulk is resumed, or then."""
        with self._lock:
            bulk.move(send_at)

    def cancel(self, bulk: Bulk) -> None:
        """End what was not dialled yet."""
        with self._lock:
            waiting = bulk.waiting
            bulk.canceled = True
            for message in waiting:
                self._finish(message, words.CANCELLED, words.CALL_CANCELLED)
        for message in waiting:
            self._ended(message)

    def _dial_later(self, message: Message, bulk: Bulk, seconds: float) -> None:
        self._scheduler.after(max(seconds, 0.0), lambda: self._dial_if_due(message, bulk))

    def _dial_if_due(self, message: Message, bulk: Bulk) -> None:
        """Paused, moved and canceled messages are met here too: resuming dials the first."""
        with self._lock:
            if bulk.paused or message.begun_at or message.over:
                return
            now = datetime.now(UTC)
            if now < message.due - _EARLY:
                self._dial_later(message, bulk, (message.due - now).total_seconds())
                return
            message.begun_at = now
            message.status = words.ENROUTE
        self._dial(message)

    def _dial(self, message: Message) -> None:
        message.tries += 1
        logger.info("message %s: rings %s", message.id, mask(message.numbers[0]))
        chance = Random(f"{self._seed} {message.id} {message.tries}")  # noqa: S311 (a story)
        fate, begun = fate_of(message, chance), datetime.now(UTC)
        self._scheduler.after(fate.ends_at / self._speed, lambda: self._end(message, fate, begun))

    def _end(self, message: Message, fate: Fate, begun: datetime) -> None:
        with self._lock:
            self._take_over(message, fate, begun)
            if fate.status.group != words.DELIVERED and self._is_tried_again(message):
                return
            self._finish(message, message.status, fate.error)
        self._ended(message)

    def _take_over(self, message: Message, fate: Fate, begun: datetime) -> None:
        def at(seconds: float | None) -> datetime | None:
            return None if seconds is None else begun + timedelta(seconds=seconds / self._speed)

        message.rang_at, message.answered_at = at(fate.rings_at), at(fate.answered_at)
        message.status = fate.status
        message.duration, message.file_duration = fate.duration, fate.file_duration
        message.pressed, message.answered_by = fate.pressed, fate.answered_by
        if fate.answered_at and message.wants_recording and self._recording:
            named = f"recording {self._seed} {message.id}"
            message.recording_id = uuid.uuid5(uuid.NAMESPACE_OID, named).hex

    def _is_tried_again(self, message: Message) -> bool:
        if message.tries > retries_of(message.fields):
            return False
        minutes = minutes_before_retry(message.fields, message.tries)
        validity = validity_of(message.fields)
        if validity is not None:
            spent = (datetime.now(UTC) - message.accepted_at) * self._speed
            if spent + timedelta(minutes=minutes) > validity:
                message.status = words.VALIDITY_OVER
                return False
        message.status = words.ENROUTE
        self._scheduler.after(minutes * 60 / self._speed, lambda: self._dial(message))
        return True

    def _finish(self, message: Message, status: words.Status, error: words.CallError) -> None:
        message.status, message.error = status, error
        message.ended_at = datetime.now(UTC)
