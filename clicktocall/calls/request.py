"""Asking for a call: every door comes through `request_call`, or `bulk.request_bulk` for many."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.db import IntegrityError, InterfaceError, OperationalError, models
from django.utils import timezone

from clicktocall.calls.database import on_commit, was_written
from clicktocall.calls.enqueue import ReadyCall, enqueue
from clicktocall.calls.events import storable
from clicktocall.calls.refusals import record_refusal
from clicktocall.calls.schedule import check_send_at, first_due
from clicktocall.conf import settings
from clicktocall.endpoints.options import options_for_call
from clicktocall.exceptions import (
    CallRefused,
    IdempotencyMismatch,
    InvalidNumber,
    InvalidOption,
)
from clicktocall.models import Bulk, Call, Endpoint
from clicktocall.numbers import ContactNumber, parse_number
from clicktocall.orders import CallOptions
from clicktocall.rules import (
    Asked,
    Refusal,
    first_refusal,
    refusal_of_number,
    refusal_of_used_token,
)
from clicktocall.signals import call_requested
from clicktocall.states import CallState

_FREE_TEXTS = (
    "client_reference",
    "origin",
    "page",
    "visitor_name",
    "visitor_email",
    "visitor_question",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """What a visitor told us, and the page the button stood on."""

    name: str = ""
    email: str = ""
    question: str = ""
    page: str = ""
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """A wish for one call: its number has been read, and nothing has been judged."""

    endpoint: Endpoint
    contact: str
    number: ContactNumber | InvalidNumber
    options: Mapping[str, Any]
    client_reference: str
    visitor: Visitor
    requester: str
    door: str
    bulk: Bulk | None = None
    send_at: datetime | None = None
    idempotency_key: str | None = None  # as it is stored
    origin: str | None = None
    token_nonce: str | None = None
    consent_version: str | None = None

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same; token, proof, consent and page are left out."""
        number, visitor = self.number, self.visitor
        return fingerprint_of(
            {
                "endpoint": self.endpoint.id,
                "contact": self.contact if isinstance(number, InvalidNumber) else number.e164,
                "options": dict(self.options),
                "visitor": [visitor.name, visitor.email, visitor.question, visitor.context],
                "client_reference": self.client_reference,
                **({"send_at": self.send_at.isoformat()} if self.send_at else {}),
            }
        )


def request_call(
    endpoint: Endpoint,
    contact: str,
    *,
    region: str | None = None,
    options: Mapping[str, Any] | None = None,
    send_at: datetime | None = None,
    idempotency_key: str | None = None,
    idempotency_scope: str | None = None,
    client_reference: str = "",
    bulk: Bulk | None = None,
    visitor: Visitor | None = None,
    requester: str = "",
    door: str = "python",
    origin: str | None = None,
    token_nonce: str | None = None,
    consent_version: str | None = None,
) -> Call:
    """Put a call to `contact` in the queue and return it; a dispatcher places it.

    Args:
        endpoint: the button's configuration.
        contact: the number to call, in any ordinary spelling.
        region: ISO 3166 country the national form is read in; by default the endpoint's first
            allowed country.
        options: call options that differ from the endpoint's, by name (`orders.CallOptions`).
        send_at: not before this instant, at most 180 days ahead; what is past means at once. The
            opening hours are those of that time.
        idempotency_key: with the same key, `door` and scope, the first call is returned.
        idempotency_scope: within which the key is unique, such as `account:<id>` where a
            requester may change between a request and its repeat; by default the requester,
            else the endpoint.
        client_reference: the caller's own name for the call, kept with it.
        requester: who asks, such as `user:12`, for the history.
        origin, token_nonce, consent_version: what a visitor's browser proved; None for a door
            without visitors.

    Raises:
        CallRefused: a rule said no; the refusal has been recorded.
        IdempotencyMismatch: the key was used for a different request.
        InvalidOption: an option is unknown or cannot be used, or a text cannot be kept.
        django.db.OperationalError: the database is not available; nothing was accepted, as far as
            it can be asked at all.
    """
    check_text(Call, "requester", requester)
    scope = idempotency_scope or requester or endpoint.id
    asked = CallRequest(
        endpoint=endpoint,
        contact=contact,
        number=read_number(contact, region, endpoint),
        options=options or {},
        send_at=send_at,
        client_reference=client_reference,
        visitor=visitor or Visitor(),
        requester=requester,
        door=door,
        bulk=bulk,
        idempotency_key=stored_key(Call, door, scope, idempotency_key),
        origin=origin,
        token_nonce=token_nonce,
        consent_version=consent_version,
    )
    # The key is judged before everything else, but a repeat is rare: rather than ask for one on
    # every click, it is looked for where it shows itself, at a no or at the unique index.
    try:
        call = _put_in_queue(ready_call(asked))
    except (CallRefused, InvalidOption, IntegrityError) as no:
        return _repeat_of(asked) or _refuse(asked, no)
    on_commit(lambda: call_requested.send_robust(Call, call=call))
    return call


def _put_in_queue(ready: ReadyCall) -> Call:
    try:
        return enqueue(ready)
    except (OperationalError, InterfaceError):
        # A connection may break after the row was written. Whoever is told no asks again.
        if not was_written(ready.call):
            raise
        return Call.objects.get(pk=ready.call.pk)


def read_number(text: str, region: str | None, endpoint: Endpoint) -> ContactNumber | InvalidNumber:
    """The number as it is read for the endpoint, or why it is none."""
    try:
        return parse_number(text, region or next(iter(endpoint.allowed_countries), None))
    except InvalidNumber as error:
        return error


def stored_key(model: type[models.Model], door: str, scope: str, key: str | None) -> str | None:
    """The idempotency key as `model` keeps it, unique among all doors and scopes.

    Raises:
        InvalidOption: it cannot be kept.
    """
    if not key:
        return None
    stored = f"{door}:{scope}:{key}"
    check_text(model, "idempotency_key", stored)
    return stored


def ready_call(asked: CallRequest) -> ReadyCall:
    """The call that is asked for, if nothing speaks against it. Writes nothing.

    Raises:
        CallRefused: a rule says no; `record` keeps that.
        InvalidOption: an option is unknown or cannot be used, or a text cannot be kept.
    """
    now = timezone.now()
    if asked.send_at is not None:
        check_send_at(asked.send_at, now)
    refusal = _first_refusal(asked, now)
    if refusal is not None:
        raise CallRefused(refusal)
    options = options_for_call(asked.endpoint, asked.options)
    due = first_due(options, now, send_at=asked.send_at)
    call = _new_call(asked, options)
    call.state = CallState.SCHEDULED if due else CallState.QUEUED
    return ReadyCall(call, due, _validity(options, scheduled=due is not None))


def record(refusal: Refusal, asked: CallRequest) -> None:
    """Keep the refusal of this request, in a transaction of its own."""
    record_refusal(
        refusal,
        endpoint=asked.endpoint,
        contact=None if isinstance(asked.number, InvalidNumber) else asked.number,
        door=asked.door,
        requester=asked.requester,
        origin=asked.origin or "",
        page=asked.visitor.page,
    )


def check_text(model: type[models.Model], name: str, text: str, called: str = "") -> None:
    """Refuse what the column `name` cannot hold, rather than leave it to the database to fail.

    Raises:
        InvalidOption: naming the column, or what it is `called` by whoever asks.
    """
    longest: int | None = getattr(model._meta.get_field(name), "max_length", None)
    if longest and len(text) > longest:
        raise InvalidOption(called or name, f"At most {longest} characters can be kept.")
    if text != storable(text):
        raise InvalidOption(called or name, "Leave out NUL and halves of characters.")


def fingerprint_of(facts: Any) -> str:
    """A digest that is the same for the same JSON."""
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _first_refusal(asked: CallRequest, now: datetime) -> Refusal | None:
    if isinstance(asked.number, InvalidNumber):
        return refusal_of_number(asked.number)
    return first_refusal(
        Asked(
            endpoint=asked.endpoint,
            contact=asked.number,
            placed_at=max(now, asked.send_at) if asked.send_at else now,
            origin=asked.origin,
            token_nonce=asked.token_nonce,
            consent_version=asked.consent_version,
        )
    )


def _refuse(asked: CallRequest, no: Exception) -> NoReturn:
    """Record a rule's no, then tell it; anything else is only told."""
    match no:
        case CallRefused(refusal=Refusal() as refusal):
            record(refusal, asked)
        case IntegrityError() if asked.token_nonce:
            refusal = refusal_of_used_token()
            record(refusal, asked)
            raise CallRefused(refusal) from no
    raise no


def _repeat_of(asked: CallRequest) -> Call | None:
    """The call that the same key has already asked for."""
    if asked.idempotency_key is None:
        return None
    call = Call.objects.filter(idempotency_key=asked.idempotency_key).first()
    if call is not None and call.fingerprint != asked.fingerprint:
        raise IdempotencyMismatch("This idempotency key was used for a different request.")
    return call


def _new_call(asked: CallRequest, options: CallOptions) -> Call:
    endpoint = asked.endpoint
    call = Call(
        account_id=endpoint.account_id,
        endpoint=endpoint,
        bulk=asked.bulk,
        contact=str(asked.number),
        extension_kind=endpoint.extension_kind,
        extension=endpoint.extension,
        caller_id_name=endpoint.name,
        options=options.to_json(),
        door=asked.door,
        requester=asked.requester,
        client_reference=asked.client_reference,
        origin=asked.origin or "",
        page=asked.visitor.page,
        context=asked.visitor.context,
        visitor_name=asked.visitor.name,
        visitor_email=asked.visitor.email,
        visitor_question=asked.visitor.question,
        consent_version=endpoint.consent_version if asked.consent_version else "",
        consent_text=endpoint.consent_text if asked.consent_version else "",
        idempotency_key=asked.idempotency_key,
        fingerprint=asked.fingerprint,
        token_nonce=asked.token_nonce or None,
        provider=endpoint.provider,
        fallback_providers=endpoint.fallback_providers,
    )
    if call.one_leg:
        call.leg_b = None
    for name in _FREE_TEXTS:
        check_text(Call, name, getattr(call, name))
    return call


def _validity(options: CallOptions, *, scheduled: bool) -> timedelta:
    """How late the first attempt may be: a visitor who waits wants it now or not at all."""
    shortest = timedelta(seconds=settings.CALL_VALIDITY)
    if not options.validity_period:
        return shortest
    wanted = timedelta(minutes=options.validity_period)
    return wanted if scheduled else min(wanted, shortest)
