"""What the demo starts with: an account, its numbers, its buttons, an operator and an API key.

Rows are found again by fixed ids and are never changed back: what an operator edits stays. Only
the origins the demo is served from are added to its buttons, because the port may differ. Every
provider the demo is run on gets buttons of its own; those of the others stay as they are.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from clicktocall.accounts.keys import LONGEST_KEY, SHORTEST_KEY, hash_secret, issue_key
from clicktocall.endpoints.save import save_endpoint, save_whitelist_entry
from clicktocall.models import Account, ApiKey, Endpoint, OwnedNumber, Scope, WhitelistEntry
from clicktocall.orders import Capability, DialFirst, ExtensionKind, MachineDetection
from clicktocall.providers import get_provider
from demo_site import settings

ADMIN = "admin"
API_KEY_NAME = "Demo"

SHOP_NUMBER = "+442079460190"
COUNTER_NUMBER = "+442079460199"


def demo_id(name: str) -> str:
    """The id of a demo row: the same on every machine, so that documents can name it."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"django-clicktocall/demo/{name}").hex


ACCOUNT_ID = demo_id("account")

WORKSHOP = "workshop"
VISITOR_FIRST = "visitor-first"
WHITELIST = "whitelist"
OPENING_HOURS = "opening-hours"
SERVICE_MENU = "service-menu"


def button_id(name: str) -> str:
    """The id of one of the buttons above, of the provider that runs."""
    return demo_id(settings.PROVIDER.row_name(name))


_CONSENT = (
    "I agree that the bicycle workshop rings me now on this number. It is used for this call only."
)
_OPENING_HOURS = (
    "Heron Lane Cycles. We are open from Monday to Saturday, nine to six, "
    "at 14 Heron Lane, under the railway arch."
)
_SERVICE_MENU = "heron-lane-service-menu"
# London's and the East Coast's numbers for drama: of the second only one.
_WHITELIST = (
    (r"\+442079460[0-9]{3}$", "London numbers of the sandbox"),
    (r"\+12025550101$", "one number in Washington"),
)


class WrongApiKey(ValueError):
    """The API key given cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Created:
    """The secrets that were made up just now and cannot be shown again; None when not made up."""

    password: str | None
    api_key: str | None


def create_demo(password: str = "", api_key: str = "") -> Created:
    """Create what is missing. A `password` or `api_key` given is made to work from now on.

    Raises:
        WrongApiKey: `api_key` has the wrong length, or belongs to somebody else.
    """
    if api_key and not SHORTEST_KEY <= len(api_key) <= LONGEST_KEY:
        raise WrongApiKey(
            f"An API key has {SHORTEST_KEY} to {LONGEST_KEY} characters, "
            f"this one has {len(api_key)}."
        )
    with transaction.atomic():
        account, _ = Account.objects.get_or_create(
            id=ACCOUNT_ID, defaults={"name": "Demo workshop"}
        )
        _create_buttons(account)
        return Created(
            password=_ensure_admin(password),
            api_key=_ensure_api_key(account, api_key),
        )


def demo_origins() -> list[str]:
    """The origins the demo's pages are served from, the one apart from the API's first."""
    local = [f"http://{host}:{settings.PORT}" for host in ("localhost", "127.0.0.1")]
    return list(dict.fromkeys([*local, settings.BASE_URL]))


def _create_buttons(account: Account) -> None:
    shop = _own_number(account, SHOP_NUMBER, "Shop")
    _own_number(account, "+12025550190", "Shop in Washington")
    common: dict[str, Any] = {
        "account": account,
        "provider": settings.PROVIDER.name,
        "caller_id_a": shop,
        "fallback_phone": COUNTER_NUMBER,
        "allowed_countries": ["GB", "US"],
        "max_duration": 600,
    }
    _create_talking_buttons(
        {
            **common,
            "extension_kind": ExtensionKind.NUMBER,
            "extension": settings.PROVIDER.workshop,
            "machine_detection": MachineDetection.HANGUP,
        },
        shop,
    )
    _create_playing_buttons({**common, "allow_any_number": True})


def _create_talking_buttons(common: dict[str, Any], shop: OwnedNumber) -> None:
    """Those that ring the workshop and the visitor."""
    _create_button(
        WORKSHOP,
        {
            **common,
            "name": "Bicycle workshop",
            "dial_first": DialFirst.EXTENSION,
            "caller_id_b": shop,
            "allow_any_number": True,
        },
    )
    _create_button(
        VISITOR_FIRST,
        {
            **common,
            "name": "Bicycle workshop, visitor first",
            "dial_first": DialFirst.CONTACT,
            "allow_any_number": True,
            "consent_text": _CONSENT,
            "consent_version": "2026-1",
        },
    )
    _create_button(
        WHITELIST,
        {
            **common,
            "name": "Whitelist only",
            "dial_first": DialFirst.EXTENSION,
            "caller_id_b": shop,
        },
        whitelist=_WHITELIST,
    )


def _create_playing_buttons(common: dict[str, Any]) -> None:
    """Those that ring the visitor alone, where the provider can play a message or a flow."""
    provider = get_provider(settings.PROVIDER.name)
    common |= {"dial_first": DialFirst.CONTACT}
    if provider.can(Capability.VOICE_MESSAGE):
        _create_button(
            OPENING_HOURS,
            {
                **common,
                "name": "Opening hours, read aloud",
                "extension_kind": ExtensionKind.MESSAGE,
                "message_text": _OPENING_HOURS,
            },
        )
    if provider.can(Capability.FLOW):
        _create_button(
            SERVICE_MENU,
            {
                **common,
                "name": "Service menu",
                "extension_kind": ExtensionKind.FLOW,
                "extension": _SERVICE_MENU,
            },
        )


def _own_number(account: Account, number: str, label: str) -> OwnedNumber:
    owned, _ = OwnedNumber.objects.get_or_create(
        account=account, number=number, defaults={"label": label}
    )
    return owned


def _create_button(
    name: str, options: dict[str, Any], whitelist: Iterable[tuple[str, str]] = ()
) -> None:
    endpoint_id = button_id(name)
    endpoint = Endpoint.objects.filter(id=endpoint_id).first()
    if endpoint is None:
        endpoint = save_endpoint(
            Endpoint(id=endpoint_id, allowed_origins=demo_origins(), **options)
        )
        for pattern, note in whitelist:
            save_whitelist_entry(WhitelistEntry(endpoint=endpoint, pattern=pattern, note=note))
        return
    missing = [origin for origin in demo_origins() if origin not in endpoint.allowed_origins]
    if missing:
        endpoint.allowed_origins = [*endpoint.allowed_origins, *missing]
        endpoint.save(update_fields=["allowed_origins", "updated_at"])


def _ensure_admin(password: str) -> str | None:
    """Create the operator; returns the password if it was made up."""
    users = get_user_model().objects
    admin = users.filter(username=ADMIN).first()
    if admin is None:
        made_up = None if password else secrets.token_urlsafe(12)
        users.create_superuser(ADMIN, password=password or made_up)
        return made_up
    if password and not admin.check_password(password):
        admin.set_password(password)
        admin.save(update_fields=["password"])
    return None


def _ensure_api_key(account: Account, given: str) -> str | None:
    """Create a key; returns its secret if it was made up."""
    if given:
        known = ApiKey.objects.filter(key_hash=hash_secret(given)).first()
        if known is None:
            issue_key(account, API_KEY_NAME, Scope.values, raw=given)
        elif known.account_id != account.pk:
            raise WrongApiKey("This API key belongs to another account.")
        return None
    if ApiKey.objects.filter(account=account, name=API_KEY_NAME).exists():
        return None
    _, secret = issue_key(account, API_KEY_NAME, Scope.values)
    return secret
