"""Writing down what clients are to be told, in the transaction in which it becomes true.

From then on it is there until it is delivered (`deliver`), whatever is killed meanwhile.
A call is told of as it stands once the transaction is over: states that it only passed through
meanwhile, because a provider reported them all at once, are facts in what is sent, no news.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from clicktocall.calls.reports.bodies import report_body, webhook_body
from clicktocall.models import Attempt, Call, Delivery, Told, Webhook
from clicktocall.orders import ReportFormat
from clicktocall.states import CallState

# The report of a call to its own `notify_url`, as `Delivery.event`.
REPORT = "report"


@dataclass(frozen=True, slots=True)
class Stood:
    """How a call stood before something happened to it."""

    state: str
    outcome: str | None
    recording_url: str

    @classmethod
    def of(cls, call: Call) -> Stood:
        return cls(call.state, call.outcome, call.recording_url)


def post_news(calls: Iterable[tuple[Call, Stood]], now: datetime) -> None:
    """Write what is to be sent of calls that have moved, each with how it stood before.

    To be called in the same transaction. It costs one query, and none when there is nothing new.
    """
    _post([tidings for call, before in calls if (tidings := _tidings(call, before))], now)


def post_ends(calls: Iterable[Call], now: datetime) -> None:
    """Tell of calls that have ended without news of an attempt: taken off the queue, expired.

    To be called in the same transaction, with the calls as they now stand in the database.
    """
    _post([_Tidings(call, (Told.ENDED,)) for call in calls], now)


def receiver_of(url: str) -> str:
    """The host and port that a URL leads to: what one receiver does concerns no other."""
    try:
        return urlsplit(url).netloc.lower()[:300]
    except ValueError:
        return ""  # it will be refused when it is tried


@dataclass(frozen=True, slots=True)
class _Tidings:
    """What is new of one call, each a word of `Told`."""

    call: Call
    told: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.told)

    @property
    def notify_url(self) -> str:
        """Where the call's own report goes, if this is when it goes."""
        url: str = self.call.options.get("notify_url", "")
        return url if Told.ENDED in self.told else ""

    def concern(self, webhooks: Sequence[Webhook]) -> bool:
        return bool(self.notify_url) or any(
            webhook.wants(told) for webhook in webhooks for told in self.told
        )


def _tidings(call: Call, before: Stood) -> _Tidings:
    return _Tidings(call, tuple(word for word in _news(call, before) if word in Told.values))


def _post(found: Collection[_Tidings], now: datetime) -> None:
    if not found:
        return
    webhooks = _webhooks({item.call.account_id for item in found})
    wanted = [item for item in found if item.concern(webhooks[item.call.account_id])]
    if not wanted:
        return
    attempts = _attempts([item.call for item in wanted])
    Delivery.objects.bulk_create(
        delivery
        for item in wanted
        for delivery in _deliveries(
            item, webhooks[item.call.account_id], attempts[item.call.pk], now
        )
    )


def _news(call: Call, before: Stood) -> Iterator[str]:
    ended = call.state == CallState.ENDED
    # An end that was only presumed may turn out to be another one.
    if call.state != before.state or (ended and call.outcome != before.outcome):
        yield str(call.state)
    if call.recording_url and not before.recording_url:
        yield str(Told.RECORDED)


def _webhooks(accounts: Collection[str]) -> defaultdict[str, list[Webhook]]:
    found: defaultdict[str, list[Webhook]] = defaultdict(list)
    for webhook in Webhook.objects.filter(account__in=accounts, active=True):
        found[webhook.account_id].append(webhook)
    return found


def _attempts(calls: Sequence[Call]) -> defaultdict[str, list[Attempt]]:
    found: defaultdict[str, list[Attempt]] = defaultdict(list)
    ids = [call.pk for call in calls if call.attempt_count]
    if ids:
        for attempt in Attempt.objects.filter(call__in=ids).order_by("call", "number"):
            found[attempt.call_id].append(attempt)
    return found


def _deliveries(
    item: _Tidings, webhooks: Sequence[Webhook], attempts: Sequence[Attempt], now: datetime
) -> Iterator[Delivery]:
    for told in item.told:
        wanting = [webhook for webhook in webhooks if webhook.wants(told)]
        body = webhook_body(told, item.call, attempts, now) if wanting else b""
        for webhook in wanting:
            yield _delivery(
                item.call, f"call.{told}", webhook.url, ReportFormat.JSON, body, now, webhook
            )
    url = item.notify_url
    if url:
        content_type = item.call.options.get("notify_content_type") or ReportFormat.JSON
        body = report_body(item.call, attempts, content_type)
        yield _delivery(item.call, REPORT, url, content_type, body, now)


def _delivery(
    call: Call,
    event: str,
    url: str,
    content_type: str,
    body: bytes,
    now: datetime,
    webhook: Webhook | None = None,
) -> Delivery:
    return Delivery(
        account_id=call.account_id,
        webhook=webhook,
        call=call,
        event=event,
        url="" if webhook else url,
        receiver=receiver_of(url),
        content_type=str(content_type),
        body=body,
        next_try_at=now,
    )
