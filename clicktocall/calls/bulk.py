"""Many calls in one request: each is judged for itself, and what is accepted is written at once.

Judging holds no lock; then one transaction writes the bulk with all its calls, so a crash leaves
everything or nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, NoReturn, cast

from django.db import Error, IntegrityError, InterfaceError, OperationalError
from django.utils import timezone

from clicktocall.calls.database import atomic, on_commit, was_written
from clicktocall.calls.enqueue import ReadyCall, insert, insertion_of
from clicktocall.calls.events import storable
from clicktocall.calls.request import (
    CallRequest,
    Visitor,
    check_text,
    fingerprint_of,
    read_number,
    ready_call,
    record,
    stored_key,
)
from clicktocall.exceptions import CallRefused, IdempotencyMismatch, InvalidOption
from clicktocall.models import Account, Bulk, Call, Endpoint
from clicktocall.models.fields import hex_id
from clicktocall.orders import SpeedUnit
from clicktocall.rules import Refusal
from clicktocall.signals import call_requested
from clicktocall.states import CallState

logger = logging.getLogger(__name__)

MOST_CALLS = 1000

# What is kept of a refused entry: enough to recognise it by.
_LONGEST_CONTACT = 300
_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class SendingSpeed:
    """At most `calls` in each `unit` of time, a `SpeedUnit`. Infobip `sendingSpeed`.

    Raises:
        InvalidOption: there is no such speed.
    """

    calls: int
    unit: str

    def __post_init__(self) -> None:
        if type(self.calls) is not int or not 1 <= self.calls <= MOST_CALLS:
            raise InvalidOption("speed", f"Give 1 to {MOST_CALLS} calls in each unit of time.")
        if self.unit not in SpeedUnit.values:
            raise InvalidOption("speed", f"The unit is one of: {', '.join(SpeedUnit.values)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCall:
    """One entry of a bulk; the fields mean what the arguments of `request_call` mean."""

    endpoint: Endpoint
    contact: str
    region: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    client_reference: str = ""
    visitor: Visitor | None = None
    send_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """An entry that became no call, as whoever asked is told of it.

    `index` is its place in the request, from 0, and `contact` what it asked for. `code` is a
    `rules.VisitorCode` and `refusal` the rule's name; for a wrong option they are
    `invalid_option` and "". `field` is what was wrong: `contact`, or the option.
    """

    index: int
    contact: str
    code: str
    refusal: str
    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAnswer:
    """What became of a request for many calls; both lists are in the order asked."""

    bulk: Bulk
    calls: list[Call]
    refused: list[RefusedEntry]


def request_bulk(
    account: Account,
    wanted: Sequence[WantedCall],
    *,
    client_id: str = "",
    speed: SendingSpeed | None = None,
    idempotency_key: str | None = None,
    idempotency_scope: str | None = None,
    requester: str = "",
    door: str = "python",
) -> BulkAnswer:
    """Put many calls in the queue. An entry that is refused stops no other.

    Args:
        account: whose endpoints are called with.
        wanted: 1 to `MOST_CALLS` entries; the same contact may stand there more than once.
        client_id: the caller's own name for the bulk, which no other of the account has.
        speed: at most so many calls in each unit of time, evenly spaced; the first at once, or
            at the earliest `send_at` of the entries. Entries then have no validity of their own.
        idempotency_key: with the same key, `door` and scope, the first answer is given again,
            refused entries included, and nothing is written.
        idempotency_scope: within which the key is unique; by default the requester, else the
            account.
        requester: who asks, such as `user:12`, for the history.

    Raises:
        IdempotencyMismatch: the key was used for a different request.
        InvalidOption: `calls` are none or too many, `bulk_id` is used already, or a text cannot
            be kept. What is wrong with one entry is told in the answer instead.
        ValueError: an endpoint belongs to another account.
        django.db.OperationalError: the database is not available; nothing was accepted, as far as
            it can be asked at all.
    """
    _check(account, wanted)
    check_text(Call, "requester", requester)
    check_text(Bulk, "client_id", client_id, called="bulk_id")
    scope = idempotency_scope or requester or account.pk
    bulk = Bulk(
        account_id=account.pk,
        client_id=client_id,
        idempotency_key=stored_key(Bulk, door, scope, idempotency_key),
        speed=speed.calls if speed else None,
        speed_unit=speed.unit if speed else "",
    )
    asked = [_read(entry, bulk, requester, door) for entry in wanted]
    bulk.fingerprint = fingerprint_of(
        [client_id, [one.fingerprint for one in asked], *([str(speed)] if speed else [])]
    )
    return _repeat_of(bulk) or _first_answer(bulk, asked)


def _check(account: Account, wanted: Sequence[WantedCall]) -> None:
    if not 1 <= len(wanted) <= MOST_CALLS:
        raise InvalidOption("calls", f"Ask for 1 to {MOST_CALLS} calls.")
    for entry in wanted:
        if entry.endpoint.account_id != account.pk:
            raise ValueError(
                f"The endpoint {entry.endpoint.pk} does not belong to the account {account.pk}."
            )


def _read(entry: WantedCall, bulk: Bulk, requester: str, door: str) -> CallRequest:
    return CallRequest(
        endpoint=entry.endpoint,
        contact=entry.contact,
        number=read_number(entry.contact, entry.region, entry.endpoint),
        options=entry.options,
        client_reference=entry.client_reference,
        visitor=entry.visitor or Visitor(),
        requester=requester,
        door=door,
        bulk=bulk,
        send_at=entry.send_at,
    )


def _repeat_of(bulk: Bulk) -> BulkAnswer | None:
    """The answer that the same key has already been given."""
    if bulk.idempotency_key is None:
        return None
    first = Bulk.objects.filter(idempotency_key=bulk.idempotency_key).first()
    if first is None:
        return None
    if first.fingerprint != bulk.fingerprint:
        raise IdempotencyMismatch("This idempotency key was used for a different request.")
    return BulkAnswer(
        bulk=first,
        calls=sorted(first.calls.all(), key=lambda call: call.pk),
        refused=[RefusedEntry(**entry) for entry in first.refused],
    )


def _first_answer(bulk: Bulk, asked: Sequence[CallRequest]) -> BulkAnswer:
    judged = _judge(asked)
    if bulk.speed:
        _pace(bulk, judged)
    bulk.refused = [asdict(entry) for entry in judged.refused]
    try:
        _write(bulk, judged.ready)
    except IntegrityError as error:
        return _repeat_of(bulk) or _fail(bulk, error)
    except (OperationalError, InterfaceError):
        # A connection may break after the commit. Whoever is told no asks again.
        if not was_written(bulk):
            raise
    _record(judged.verdicts)
    return BulkAnswer(
        bulk=bulk, calls=[ready.call for ready in judged.ready], refused=judged.refused
    )


@dataclass(slots=True)
class _Judged:
    ready: list[ReadyCall] = field(default_factory=list)
    refused: list[RefusedEntry] = field(default_factory=list)
    verdicts: list[tuple[Refusal, CallRequest]] = field(default_factory=list)


def _judge(asked: Sequence[CallRequest]) -> _Judged:
    judged = _Judged()
    for index, one in enumerate(asked):
        try:
            judged.ready.append(ready_call(one))
        except InvalidOption as wrong:
            entry = _refused(index, one, "invalid_option", "", wrong.field, wrong.message)
            judged.refused.append(entry)
        except CallRefused as no:
            refusal = cast("Refusal", no.refusal)
            entry = _refused(index, one, refusal.code, refusal.rule, "contact", refusal.detail)
            judged.refused.append(entry)
            judged.verdicts.append((refusal, one))
    _give_ids_in_order([ready.call for ready in judged.ready])
    return judged


def _pace(bulk: Bulk, judged: _Judged) -> None:
    """Let each call wait for its turn; the first one's is when the earliest would be due."""
    now = timezone.now()
    bulk.next_call_at = min((one.due or now for one in judged.ready), default=None)
    for one in judged.ready:
        one.call.state = CallState.SCHEDULED
    judged.ready = [replace(one, paced=True) for one in judged.ready]


def _refused(
    index: int, one: CallRequest, code: str, rule: str, field: str, message: str
) -> RefusedEntry:
    return RefusedEntry(
        index=index,
        contact=storable(one.contact[:_LONGEST_CONTACT]),
        code=str(code),
        refusal=rule,
        field=field,
        message=storable(str(message))[:_LONGEST_MESSAGE],
    )


def _give_ids_in_order(calls: Sequence[Call]) -> None:
    """Sorted by their ids the calls stand as they were asked for, now and for a repeat."""
    for call, call_id in zip(calls, sorted(hex_id() for _ in calls), strict=True):
        call.id = call_id


def _write(bulk: Bulk, ready: Sequence[ReadyCall]) -> None:
    insertions = [insertion_of(one) for one in ready]
    with atomic():
        bulk.save(force_insert=True)
        insert(insertions)
        for one in ready:
            on_commit(partial(call_requested.send_robust, Call, call=one.call))


def _fail(bulk: Bulk, error: IntegrityError) -> NoReturn:
    """What the database would not have twice is the client's id of the bulk, or a riddle."""
    namesakes = Bulk.objects.filter(account_id=bulk.account_id, client_id=bulk.client_id)
    if bulk.client_id and namesakes.exists():
        message = "This id is already used by another bulk of the account."
        raise InvalidOption("bulk_id", message) from error
    raise error


def _record(verdicts: Iterable[tuple[Refusal, CallRequest]]) -> None:
    """Keep the refusals; the calls are accepted by now, so failing here must not deny that."""
    try:
        for refusal, one in verdicts:
            record(refusal, one)
    except Error:
        logger.exception("not all refusals of a bulk could be recorded")
