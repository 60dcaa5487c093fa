"""A message as the provider keeps it: what was ordered, and how far it got."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clicktocall.providers.infobip.simulation import vocabulary as words
from clicktocall.providers.infobip.simulation.schema import CLICK_TO_CALL, IVR, VOICE, Field
from clicktocall.providers.infobip.simulation.stories import Story
from clicktocall.providers.infobip.simulation.vocabulary import CallError, Status


@dataclass(frozen=True, slots=True)
class Product:
    """Something one can order. `feature` is its name in reports; only the voice message's is
    published, the others are guessed: nobody should branch on them."""

    path: str
    schema: Field
    feature: str


PRODUCTS = {
    product.path: product
    for product in (
        Product("/voice/ctc/1/send", CLICK_TO_CALL, "Click-to-call"),
        Product("/tts/3/advanced", VOICE, "Voice-message"),
        Product("/voice/ivr/1/messages", IVR, "Outbound-IVR"),
    )
}


@dataclass(slots=True, eq=False)
class Message:
    """One phone to ring, with a second one for a click-to-call.

    `numbers` are the phones in the order they are dialled; `fields` is the message as ordered.
    Times are those of this machine; `duration` and `file_duration` are seconds at speed 1, so
    that they do not depend on how fast the story is played.
    """

    id: str
    bulk_id: str
    product: Product
    numbers: tuple[str, ...]
    fields: dict[str, Any] = field(repr=False)
    story: Story
    accepted_at: datetime
    due: datetime
    status: Status = words.ACCEPTED
    error: CallError | None = None
    tries: int = 0
    begun_at: datetime | None = None
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int = 0
    file_duration: float = 0.0
    pressed: str = ""
    answered_by: str = ""
    recording_id: str = ""

    @property
    def sender(self) -> str:
        sender: str = self.fields.get("from") or ""
        return sender

    @property
    def is_click_to_call(self) -> bool:
        return self.product.schema is CLICK_TO_CALL

    @property
    def is_ivr(self) -> bool:
        return self.product.schema is IVR

    @property
    def notify_url(self) -> str:
        url: str = self.fields.get("notifyUrl") or ""
        return url

    @property
    def wants_recording(self) -> bool:
        return self.fields.get("record") in (True, "true")

    @property
    def over(self) -> bool:
        return self.ended_at is not None
