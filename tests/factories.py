"""Rows for tests, each complete enough to be valid; keyword arguments change what matters."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from clicktocall.models import Account, Attempt, Call, Endpoint, OwnedNumber
from clicktocall.models.fields import hex_id
from clicktocall.states import WAITING_STATES, CallState

ORIGIN = "https://shop.example"
TEAM = "+442079460150"
VISITOR = "+442079460101"

_numbers = count(460200)


def make_account(**fields: Any) -> Account:
    return Account.objects.create(**{"name": "Bicycle workshop", **fields})


def make_owned_number(account: Account | None = None, **fields: Any) -> OwnedNumber:
    """A number of the account that may serve every purpose."""
    given = {"number": f"+442079{next(_numbers)}", "for_bridge": True, **fields}
    return OwnedNumber.objects.create(account=account or make_account(), **given)


def make_endpoint(
    account: Account | None = None, *, whitelist: Any = (), **fields: Any
) -> Endpoint:
    """An endpoint that lets pages of `ORIGIN` call any number of Great Britain and the US.

    With a `whitelist` (patterns) only what matches it may be called.
    """
    given = {
        "name": "Sales",
        "extension": TEAM,
        "provider": "sandbox",
        "allowed_origins": [ORIGIN],
        "allowed_countries": ["GB", "US"],
        "allow_any_number": not whitelist,
        **fields,
    }
    endpoint = Endpoint.objects.create(account=account or make_account(), **given)
    for pattern in whitelist:
        endpoint.whitelist.create(pattern=pattern)
    return endpoint


def make_call(endpoint: Endpoint | None = None, **fields: Any) -> Call:
    """A call of a visitor, by default waiting in the queue and due now."""
    endpoint = endpoint or make_endpoint()
    now = timezone.now()
    given = {
        "account_id": endpoint.account_id,
        "contact": VISITOR,
        "extension_kind": endpoint.extension_kind,
        "extension": endpoint.extension,
        "caller_id_name": endpoint.name,
        "options": endpoint.call_options().to_json(),
        "door": "embed",
        "origin": ORIGIN,
        "provider": endpoint.provider,
        "fallback_providers": endpoint.fallback_providers,
        "state": CallState.QUEUED,
        "expires_at": now + timedelta(minutes=2),
        **fields,
    }
    if given["state"] in WAITING_STATES:
        given.setdefault("due_at", now)
    if given["state"] == CallState.ENDED:
        given.setdefault("ended_at", now)
    return Call.objects.create(endpoint=endpoint, **given)


def make_attempt(call: Call | None = None, **fields: Any) -> Attempt:
    """The next attempt of a call, handed to its provider; the call stands where it stands."""
    call = call or make_call(state=CallState.PLACED)
    call.attempt_count += 1
    call.save(update_fields=["attempt_count"])
    given = {
        "number": call.attempt_count,
        "reference": hex_id(),
        "provider": call.provider,
        "state": CallState.PLACED,
        **({"leg_b": None} if call.one_leg else {}),
        **fields,
    }
    return Attempt.objects.create(call=call, **given)
