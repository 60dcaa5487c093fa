"""Orders to Infobip, and what it knows of them: click-to-call, voice messages, outbound IVR."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from clicktocall.dialects.infobip import paths
from clicktocall.dialects.infobip.answers import Accepted, Rejected, SendAnswer, read_answer
from clicktocall.dialects.infobip.answers import read_error as read_service_error
from clicktocall.dialects.infobip.documents import NotUnderstood
from clicktocall.dialects.infobip.envelope import envelope
from clicktocall.dialects.infobip.events import events_of
from clicktocall.dialects.infobip.logs import row_of
from clicktocall.dialects.infobip.manner import Manner
from clicktocall.dialects.infobip.reports import read_reports
from clicktocall.dialects.infobip.requests import (
    Message,
    Product,
    message_of,
    passed_over,
    product_of,
)
from clicktocall.exceptions import (
    InvalidOption,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)
from clicktocall.orders import CallOrder, Capability, Placement, ReportedEvent
from clicktocall.providers.base import CallbackRequest, Provider, RecordingStream
from clicktocall.providers.http import Answer, failure, fetch_recording
from clicktocall.providers.infobip.callbacks import is_authentic, parse
from clicktocall.providers.infobip.client import InfobipClient
from clicktocall.providers.infobip.options import SECRET_OPTIONS, read_options

logger = logging.getLogger(__name__)

PULLED_AT_ONCE = 50  # reports

_PATHS = {
    Product.CLICK_TO_CALL: paths.CLICK_TO_CALL,
    Product.VOICE_MESSAGE: paths.VOICE_MESSAGE,
    Product.IVR: paths.IVR_MESSAGE,
}

BAD_REQUEST = 400
# Seconds in which a bad request of many is divided; then the rest is for another time.
DIVIDED_FOR = 8.0

Result = Placement | ProviderError
Batch = list[tuple[CallOrder, Message]]


class InfobipProvider(Provider):
    """An account at Infobip; `docs/providers/infobip.md` explains its options.

    `BASE_URL` is the account's own address. It presents `API_KEY`, or `USERNAME` with `PASSWORD`,
    or `BEARER_TOKEN`, or `SESSION_TOKEN`.
    """

    name: ClassVar[str] = "infobip"
    label: ClassVar[str] = "Infobip"
    required_options: ClassVar[tuple[str, ...]] = ("BASE_URL",)
    secret_options: ClassVar[tuple[str, ...]] = SECRET_OPTIONS
    # Infobip takes up to 20,000, but when an answer is lost all of them are in doubt.
    places_many: ClassVar[int] = 100
    looks_up: ClassVar[bool] = True
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.TWO_LEGS,
            Capability.FLOW,
            Capability.VOICE_MESSAGE,
            Capability.CALLER_ID_A,
            Capability.CALLER_ID_B,
            Capability.MESSAGE,
            Capability.AUDIO_MESSAGE,
            Capability.MAX_DURATION,
            Capability.WARNING_TIME,
            Capability.MACHINE_DETECTION,
            Capability.TRANSFERS,
            Capability.CALLBACK_DATA,
            Capability.FETCH_RECORDING,
        }
    )

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        self._account = read_options(alias, self.options)
        self._base_url = str(self.options["BASE_URL"])
        self._manner = Manner(
            notify_content_type=self._account.notify_content_type, record=self._account.record
        )
        self._client = InfobipClient.from_options(
            self.options,
            headers={"Authorization": self._account.authorization, "Accept": "application/json"},
            secrets=self._account.secrets,
        )

    @property
    def pull_every(self) -> float | None:
        return self._account.pull_seconds

    def can(self, capability: Capability) -> bool:
        """Recording is no part of the current API; the option `RECORD` says who still has it."""
        if capability == Capability.RECORD:
            return self._account.record
        return super().can(capability)

    def check_order(self, order: CallOrder) -> None:
        """See `Provider.check_order`; each of the three products has limits of its own."""
        self._written(order)

    def passes_over(self, order: CallOrder) -> frozenset[str]:
        return passed_over(order)

    def place_call(self, order: CallOrder) -> Placement:
        (result,) = self.place_calls([order])
        if isinstance(result, ProviderError):
            raise result
        return result

    def place_calls(self, orders: Sequence[CallOrder]) -> list[Result]:
        """See `Provider.place_calls`; orders of several products make a request for each."""
        results: dict[str, Result] = {}
        written: dict[Product, Batch] = {}
        for order in orders:
            try:
                message = self._written(order)
            except InvalidOption as error:
                results[order.reference] = ProviderRefused(str(error))
            else:
                written.setdefault(product_of(order), []).append((order, message))
        divide_until = time.monotonic() + DIVIDED_FOR
        for product, batch in written.items():
            results |= self._send(product, batch, divide_until)
        return [results[order.reference] for order in orders]

    def fetch_outcome(self, reference: str, placement: Placement) -> list[ReportedEvent]:
        answer = self._ask(paths.logs_of(reference))
        try:
            row = row_of(reference, self._readable(answer), _content_type(answer))
        except NotUnderstood:
            raise ProviderUnavailable(f"The log cannot be read: {answer.words}") from None
        if row is None:
            return []
        return events_of(row, base_url=self._base_url)

    def pull_reports(self) -> CallbackRequest | None:
        answer = self._ask(paths.reports_of(limit=PULLED_AT_ONCE))
        if not answer.body.strip():
            return None
        pulled = CallbackRequest("GET", _content_type(answer), {}, {}, answer.body)
        try:
            waiting = bool(read_reports(pulled.body, pulled.content_type))
        except NotUnderstood:
            waiting = True  # to be kept and looked into: it is not handed out again
        return pulled if waiting else None

    def download_recording(self, placement: Placement, recording_url: str) -> RecordingStream:
        return fetch_recording(self._client, recording_url, words=self._words)

    def authenticate_callback(self, request: CallbackRequest) -> bool:
        return is_authentic(request, self._account)

    def parse_callback(self, request: CallbackRequest) -> list[ReportedEvent]:
        return [
            replace(event, words=self._client.redact(event.words))
            for event in parse(request, self._base_url)
        ]

    def _written(self, order: CallOrder) -> Message:
        """The message that asks for an order.

        Infobip only hands out reports of messages that name nowhere to push them to.
        """
        if self.pull_every is not None:
            order = replace(order, callback_url="")
        return message_of(order, self._manner)

    def _send(self, product: Product, batch: Batch, divide_until: float) -> dict[str, Result]:
        """One request. A bad one may be bad for a single order: then each half is sent alone."""
        orders = [order for order, _ in batch]
        body = envelope((message for _, message in batch), _common_bulk(orders))
        try:
            answer = self._client.post(_PATHS[product], json=body)
            if answer.status == BAD_REQUEST and len(batch) > 1:
                return self._send_halves(product, batch, divide_until)
            told = self._told(answer)
        except ProviderError as error:
            return {order.reference: error for order in orders}
        return {order.reference: _judged(told, order, len(orders)) for order in orders}

    def _send_halves(
        self, product: Product, batch: Batch, divide_until: float
    ) -> dict[str, Result]:
        if time.monotonic() > divide_until:
            late = ProviderUnavailable("Infobip refused a request of many, for one of them.")
            return {order.reference: late for order, _ in batch}
        middle = len(batch) // 2
        return self._send(product, batch[:middle], divide_until) | self._send(
            product, batch[middle:], divide_until
        )

    def _told(self, answer: Answer) -> SendAnswer:
        if not answer.ok:
            raise self._failure(answer)
        try:
            return read_answer(self._readable(answer), _content_type(answer))
        except NotUnderstood:
            raise OutcomeUnknown(f"The answer cannot be read: {answer.words}") from None

    def _ask(self, path: str) -> Answer:
        """GET, which rings nothing: whatever fails, no call is in doubt."""
        try:
            answer = self._client.get(path)
            if not answer.ok:
                raise self._failure(answer)
        except OutcomeUnknown as error:
            raise ProviderUnavailable(error.detail) from None
        return answer

    def _failure(self, answer: Answer) -> ProviderError:
        # No status of 500 or above promises that nothing was dialled: each leaves it unknown.
        if answer.status == 401:
            logger.warning("infobip does not accept the credentials of alias=%s", self.alias)
        return failure(answer, words=self._words(answer))

    def _words(self, answer: Answer) -> str:
        error = read_service_error(self._readable(answer), _content_type(answer))
        return error.words if error else ""

    def _readable(self, answer: Answer) -> bytes:
        """The body without secrets, before any part of it is cut short."""
        return self._client.redact(answer.body.decode("utf-8", "replace")).encode()


def _common_bulk(orders: Iterable[CallOrder]) -> str:
    bulks = {order.bulk_id for order in orders}
    return bulks.pop() if len(bulks) == 1 else ""


def _judged(answer: SendAnswer, order: CallOrder, asked: int) -> Result:
    """What became of one order; an accepted one may have been accepted before."""
    told = answer.of(order.reference)
    if told is None or (asked > 1 and not told.message_id):
        return OutcomeUnknown("The answer does not mention the call.")
    if isinstance(told, Rejected):
        return ProviderRefused(told.words)
    if not isinstance(told, Accepted):
        return OutcomeUnknown(f"The answer leaves it open: {told.words}")
    return Placement(provider_reference=order.reference, words=told.words)


def _content_type(answer: Answer) -> str:
    return answer.headers.get("content-type", "")
