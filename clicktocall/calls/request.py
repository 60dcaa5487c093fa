"""Asking for a call: every door comes through `request_call`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NoReturn

from django.db import IntegrityError
from django.utils import timezone

from clicktocall.calls.database import on_commit
from clicktocall.calls.enqueue import enqueue
from clicktocall.calls.refusals import record_refusal
from clicktocall.calls.schedule import first_due
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
    "requester",
    "client_reference",
    "origin",
    "page",
    "visitor_name",
    "visitor_email",
    "visitor_question",
    "idempotency_key",
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
class _Request:
    endpoint: Endpoint
    contact: ContactNumber | InvalidNumber
    door: str
    requester: str
    origin: str | None
    token_nonce: str | None
    consent_version: str | None
    visitor: Visitor
    options: Mapping[str, Any]
    idempotency_key: str | None
    client_reference: str
    bulk: Bulk | None
    fingerprint: str


def request_call(
    endpoint: Endpoint,
    contact: str,
    *,
    region: str | None = None,
    options: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
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
        idempotency_key: with the same key, `door` and `requester`, the first call is returned.
        client_reference: the caller's own name for the call, kept with it.
        requester: who asks, such as `user:12`, for the history.
        origin, token_nonce, consent_version: what a visitor's browser proved; None for a door
            without visitors.

    Raises:
        CallRefused: a rule said no; the refusal has been recorded.
        IdempotencyMismatch: the key was used for a different request.
        InvalidOption: an option is unknown or cannot be used, or a text is too long to keep.
        django.db.OperationalError: the database is not available; nothing was accepted.
    """
    visitor = visitor or Visitor()
    number = _read_number(contact, region or next(iter(endpoint.allowed_countries), None))
    asked = _Request(
        endpoint=endpoint,
        contact=number,
        door=door,
        requester=requester,
        origin=origin,
        token_nonce=token_nonce,
        consent_version=consent_version,
        visitor=visitor,
        options=options or {},
        idempotency_key=idempotency_key and f"{door}:{requester or endpoint.id}:{idempotency_key}",
        client_reference=client_reference,
        bulk=bulk,
        fingerprint=_fingerprint(
            endpoint,
            contact if isinstance(number, InvalidNumber) else number.e164,
            options,
            visitor,
            client_reference,
        ),
    )
    # The key is judged before everything else, but a repeat is rare: rather than ask for one on
    # every click, it is looked for where it shows itself, at a refusal or at the unique index.
    refusal = _first_refusal(asked)
    if refusal is not None:
        return _repeat_of(asked) or _refuse(asked, refusal)
    try:
        call = _write(asked)
    except IntegrityError:
        repeat = _repeat_of(asked)
        if repeat is None and asked.token_nonce:
            return _refuse(asked, refusal_of_used_token())
        if repeat is None:
            raise
        return repeat
    on_commit(lambda: call_requested.send_robust(Call, call=call))
    return call


def _first_refusal(asked: _Request) -> Refusal | None:
    if isinstance(asked.contact, InvalidNumber):
        return refusal_of_number(asked.contact)
    return first_refusal(
        Asked(
            endpoint=asked.endpoint,
            contact=asked.contact,
            now=timezone.now(),
            origin=asked.origin,
            token_nonce=asked.token_nonce,
            consent_version=asked.consent_version,
        )
    )


def _refuse(asked: _Request, refusal: Refusal) -> NoReturn:
    record_refusal(
        refusal,
        endpoint=asked.endpoint,
        contact=None if isinstance(asked.contact, InvalidNumber) else asked.contact,
        door=asked.door,
        requester=asked.requester,
        origin=asked.origin or "",
        page=asked.visitor.page,
    )
    raise CallRefused(refusal)


def _repeat_of(asked: _Request) -> Call | None:
    """The call that the same key has already asked for."""
    if asked.idempotency_key is None:
        return None
    call = Call.objects.filter(idempotency_key=asked.idempotency_key).first()
    if call is not None and call.fingerprint != asked.fingerprint:
        raise IdempotencyMismatch("This idempotency key was used for a different request.")
    return call


def _write(asked: _Request) -> Call:
    options = options_for_call(asked.endpoint, asked.options)
    due = first_due(options, timezone.now())
    call = _new_call(asked, options)
    call.state = CallState.SCHEDULED if due else CallState.QUEUED
    enqueue(call, due=due, validity=_validity(options, scheduled=due is not None))
    return call


def _new_call(asked: _Request, options: CallOptions) -> Call:
    endpoint = asked.endpoint
    call = Call(
        account_id=endpoint.account_id,
        endpoint=endpoint,
        bulk=asked.bulk,
        contact=str(asked.contact),
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
    _check_lengths(call)
    return call


def _check_lengths(call: Call) -> None:
    """Refuse what a column cannot hold, rather than leave it to the database to fail."""
    for name in _FREE_TEXTS:
        longest: int | None = getattr(Call._meta.get_field(name), "max_length", None)
        if longest and len(getattr(call, name) or "") > longest:
            raise InvalidOption(name, f"At most {longest} characters can be kept.")


def _validity(options: CallOptions, *, scheduled: bool) -> timedelta:
    """How late the first attempt may be: a visitor who waits wants it now or not at all."""
    shortest = timedelta(seconds=settings.CALL_VALIDITY)
    if not options.validity_period:
        return shortest
    wanted = timedelta(minutes=options.validity_period)
    return wanted if scheduled else min(wanted, shortest)


def _read_number(text: str, region: str | None) -> ContactNumber | InvalidNumber:
    try:
        return parse_number(text, region)
    except InvalidNumber as error:
        return error


def _fingerprint(
    endpoint: Endpoint,
    contact: str,
    options: Mapping[str, Any] | None,
    visitor: Visitor,
    client_reference: str,
) -> str:
    """What makes two requests the same; token, proof, consent and page are left out on purpose."""
    facts = {
        "endpoint": endpoint.id,
        "contact": contact,
        "options": dict(options or {}),
        "visitor": [visitor.name, visitor.email, visitor.question, visitor.context],
        "client_reference": client_reference,
    }
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
