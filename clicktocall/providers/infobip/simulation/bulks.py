"""The messages of one request, which can be paused, moved and canceled while they wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from clicktocall.providers.infobip.simulation.message import Message

PENDING, PAUSED, PROCESSING, CANCELED, FINISHED = (
    "PENDING",
    "PAUSED",
    "PROCESSING",
    "CANCELED",
    "FINISHED",
)


@dataclass(slots=True)
class Bulk:
    """One request. `send_at` is None when its messages did not have to wait.

    Not safe for threads by itself: `Player` guards it.
    """

    id: str
    send_at: datetime | None
    messages: list[Message] = field(default_factory=list)
    paused: bool = False
    canceled: bool = False

    @property
    def waiting(self) -> list[Message]:
        """Those that were not dialled yet and still can be."""
        return [message for message in self.messages if not (message.begun_at or message.over)]

    @property
    def status(self) -> str:
        if self.canceled:
            return CANCELED
        if all(message.over for message in self.messages):
            return FINISHED
        if self.paused:
            return PAUSED
        if len(self.waiting) == len(self.messages):
            return PENDING
        return PROCESSING

    def move(self, send_at: datetime) -> None:
        """Let what still waits begin at another time, with the same pauses between."""
        by = send_at - (self.send_at or datetime.now(UTC))
        self.send_at = send_at
        for message in self.waiting:
            message.due += by
