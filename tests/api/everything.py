"""Every route of the API, as the resolver knows it, and an account with one of everything.

A new route has no recipe yet: `recipe_of` fails until somebody says here how it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from clicktocall.api.views.base import NothingHereView
from clicktocall.calls.reports.subscribe import save_webhook
from clicktocall.models import (
    Account,
    Bulk,
    Call,
    CallEvent,
    Delivery,
    Endpoint,
    OwnedNumber,
    Refusal,
    RefusalCount,
    Source,
    Webhook,
    WhitelistEntry,
)
from clicktocall.states import CallState, EventKind
from tests.factories import make_account, make_attempt, make_call, make_endpoint, make_owned_number

PREFIX = "clicktocall/api/v1/"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
NOBODY = "0" * 32  # an id that nothing has
NO_ROW = 999_999_999_999
NO_NUMBER = "+442079460999"


@dataclass(frozen=True, slots=True)
class Route:
    """One address, and the HTTP methods that its view takes, each with the view's action."""

    name: str
    actions: Mapping[str, str]
    view: Any

    @property
    def methods(self) -> frozenset[str]:
        named = {method.upper() for method in self.actions}
        return frozenset(named | ({"HEAD"} if "GET" in named else set()))


@cache
def routes() -> dict[str, Route]:
    """By name; what is below the API's prefix and is not the answer to any other address."""
    found = {}
    for prefix, pattern in _patterns(get_resolver()):
        view = getattr(pattern.callback, "cls", getattr(pattern.callback, "view_class", None))
        if prefix.startswith(PREFIX) and view is not NothingHereView:
            assert pattern.name, f"{pattern} has no name"
            actions = getattr(pattern.callback, "actions", None) or {"get": "retrieve"}
            found[pattern.name] = Route(pattern.name, actions, view)
    return found


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = prefix + re.sub(r"^\^", "", str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, path)
        else:
            yield path, entry


@dataclass
class House:
    """An account with one of everything; `mark` stands in every text of it."""

    mark: str
    account: Account
    number: OwnedNumber
    spare_number: OwnedNumber  # that nothing uses
    endpoint: Endpoint
    spare_endpoint: Endpoint  # that was never called with
    entry: WhitelistEntry
    bulk: Bulk
    call: Call
    waiting: Call
    event: CallEvent
    refusal: Refusal
    webhook: Webhook
    delivery: Delivery

    @property
    def contact(self) -> str:
        return str(self.call.contact)

    def signs(self) -> tuple[str, ...]:
        """Whatever can only be known by somebody who has seen this account's rows."""
        rows = (
            *(self.account, self.endpoint, self.spare_endpoint, self.bulk, self.call),
            *(self.webhook, self.delivery),
        )
        return (
            self.mark,
            self.mark.lower(),
            *(str(row.pk) for row in (*rows, self.waiting)),
            self.number.number,
            self.spare_number.number,
            self.contact,
            self.event.attempt.reference,
        )


def build_house(mark: str, ending: str) -> House:
    """`mark` is a word of capitals; `ending` four digits, the last of every contact."""
    account = make_account(name=f"{mark} account")
    number = make_owned_number(account, label=f"{mark} number")
    endpoint = make_endpoint(
        account,
        name=f"{mark} endpoint",
        caller_id_a=number,
        caller_id_b=number,
        consent_text=f"{mark} consent",
        consent_version=mark,
        whitelist=[rf"\+44{len(mark)}"],
    )
    Endpoint.objects.filter(pk=endpoint.pk).update(allow_any_number=True)
    bulk = Bulk.objects.create(account=account, client_id=f"{mark}-bulk")
    told = {
        "contact": f"+44207946{ending}",
        "bulk": bulk,
        "requester": f"{mark} requester",
        "client_reference": f"{mark}-reference",
        "visitor_name": f"{mark} visitor",
        "visitor_email": f"{mark.lower()}@shop.example",
        "context": {"note": f"{mark} context"},
    }
    call = make_call(endpoint, state=CallState.PLACED, **told)
    attempt = make_attempt(call, provider_reference=f"{mark}-provider-reference")
    event = CallEvent.objects.create(
        call=call,
        attempt=attempt,
        source=Source.PROVIDER,
        kind=EventKind.PLACED,
        occurred_at=timezone.now(),
        words=f"{mark} words",
    )
    refusal = Refusal.objects.create(
        endpoint=endpoint,
        rule=f"{mark.lower()}_rule",
        code="not_available",
        detail=f"{mark} detail",
        contact=f"+44207946{ending}",
        door="embed",
        requester=f"{mark} requester",
    )
    webhook = Webhook(account=account, url=f"https://shop.example/{mark}", description=mark)
    save_webhook(webhook, {"events": ["recorded"]})  # what no request brings about
    delivery = Delivery.objects.create(
        account=account,
        webhook=webhook,
        call=call,
        event="call.placed",
        receiver=f"{mark.lower()}.shop.example",
        content_type="application/json",
        body=f'{{"note": "{mark} body"}}'.encode(),
        next_try_at=timezone.now(),
        last_words=f"{mark} words",
    )
    delivery.log.create(at=timezone.now(), status=500, words=f"{mark} words")
    RefusalCount.objects.create(endpoint=endpoint, rule=refusal.rule, hour=timezone.now(), count=7)
    return House(
        mark=mark,
        account=account,
        number=number,
        spare_number=make_owned_number(account, label=f"{mark} spare"),
        endpoint=endpoint,
        spare_endpoint=make_endpoint(account, name=f"{mark} spare"),
        entry=endpoint.whitelist.get(),
        bulk=bulk,
        call=call,
        waiting=make_call(endpoint, **told),
        event=event,
        refusal=refusal,
        webhook=webhook,
        delivery=delivery,
    )


# --- How each address is used --------------------------------------------------------------

Args = tuple[Any, ...]
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """`args` names an object of a house; `bodies` is what a good request sends, by method."""

    args: Callable[[House], Args] = lambda house: ()
    nothing: Args = ()  # in the same form, where nothing is
    bodies: Mapping[str, Callable[[House], Body]] = field(default_factory=dict)
    deletes: Callable[[House], Args] | None = None  # what can be deleted, if not `args`
    public: bool = False

    @property
    def names_an_object(self) -> bool:
        return bool(self.nothing)


def endpoint_body(house: House) -> Body:
    """Every field that an endpoint can be given, each with a value that is taken."""
    return {
        "account": house.account.pk,
        "name": "Sales",
        "active": True,
        "extension_kind": "number",
        "extension": "+442079460150",
        "provider": "sandbox",
        "fallback_providers": [],
        **options_body(house),
        "allowed_origins": ["https://shop.example"],
        "allowed_countries": ["GB", "US"],
        "allow_any_number": True,
        "opening_hours": {
            "time_zone": "Europe/London",
            "monday": [["09:00", "17:30"]],
            "exceptions": {"2026-12-25": [], "2026-12-28": [["10:00", "16:00"]]},
        },
        "fallback_phone": "+442079460199",
        "consent_text": "Call me.",
        "consent_version": "1",
        "privacy_url": "https://shop.example/privacy",
        "visitor_fields": ["name"],
        "labels": {"button": "Ring me"},
        "theme": {"accent": "#0b6e4f"},
    }


def options_body(house: House) -> Body:
    """Every option of a call."""
    return {
        "dial_first": "extension",
        "caller_id_a": house.number.number,
        "caller_id_b": house.number.number,
        "bridge": house.number.number,
        "anonymization": True,
        "withhold_caller_id": False,
        "callee_id_name": "Ada",
        "callee_id_number": "100",
        "timeout": 20,
        "max_duration": 600,
        "warning_time": 30,
        "record": True,
        "machine_detection": "hangup",
        "message_text": "One moment.",
        "message_language": "en",
        "message_voice_name": "Joan",
        "message_voice_gender": "female",
        "message_audio_url": "https://shop.example/a.wav",
        "ringback": "x",
        "music_on_hold": "x",
        "ignore_early_media": True,
        "bypass_media": "auto",
        "presence_id": "x",
        "custom_sip_headers": {"in": {"X-Queue": "sales"}, "out": {}},
        "custom_application_vars": {"queue": "sales"},
        "parameters": {"flow": "sales"},
        "callback_data": "x",
        "transfers": [],
        "retry_min_period": 1,
        "retry_max_period": 5,
        "retry_max_count": 2,
        "validity_period": 60,
        "delivery_time_window": {
            "days": ["MONDAY"],
            "from": {"hour": 9, "minute": 0},
            "to": {"hour": 17, "minute": 30},
            "time_zone": "Europe/London",
        },
        "notify_url": "https://shop.example/reports",
        "notify_content_type": "application/xml",
    }


def connect_body(house: House) -> Body:
    return {
        "contact": "020 7946 0101",
        "country": "GB",
        "send_at": "2024-01-05T09:00:00+01:00",
        "client_reference": "order-7",
        "visitor": {"name": "Ada", "email": "ada@shop.example", "question": "Brakes"},
        "context": {"order": 7, "lines": [{"article": "bell"}]},
        "options": options_body(house),
    }


def bulk_body(house: House) -> Body:
    return {
        "bulk_id": f"{house.mark}-new",
        "endpoint": house.endpoint.pk,
        "speed": {"calls": 5, "unit": "minute"},
        "calls": [
            {"contact": "+442079460102", "endpoint": house.spare_endpoint.pk},
            connect_body(house),
        ],
    }


def reschedule_body(house: House) -> Body:
    return {"send_at": "2024-01-05T09:00:00+01:00"}


def number_body(house: House) -> Body:
    return {
        "account": house.account.pk,
        "number": "+442079460188",
        "label": "Front desk",
        "provider_aliases": ["sandbox"],
        "for_leg_a": True,
        "for_leg_b": False,
        "for_bridge": True,
    }


def webhook_body(house: House) -> Body:
    return {
        "account": house.account.pk,
        "url": "https://shop.example/calls",
        "description": "Order system",
        "events": ["ended", "recorded"],
        "active": True,
    }


def entry_body(house: House) -> Body:
    return {"pattern": r"\+4420", "note": "London"}


def _ways(body: Callable[[House], Body]) -> dict[str, Callable[[House], Body]]:
    return {"POST": body, "PUT": body, "PATCH": body}


def _a_call(house: House) -> Args:
    return (house.waiting.pk,)


def _a_bulk(house: House) -> Args:
    return (house.bulk.pk,)


RECIPES: Mapping[str, Recipe] = {
    "api-endpoints": Recipe(bodies=_ways(endpoint_body)),
    "api-endpoint": Recipe(
        args=lambda house: (house.endpoint.pk,),
        nothing=(NOBODY,),
        bodies=_ways(endpoint_body),
        deletes=lambda house: (house.spare_endpoint.pk,),
    ),
    "api-connect": Recipe(
        args=lambda house: (house.endpoint.pk,), nothing=(NOBODY,), bodies=_ways(connect_body)
    ),
    "api-history": Recipe(args=lambda house: (house.endpoint.pk,), nothing=(NOBODY,)),
    "api-whitelist": Recipe(
        args=lambda house: (house.endpoint.pk,), nothing=(NOBODY,), bodies=_ways(entry_body)
    ),
    "api-whitelist-entry": Recipe(
        args=lambda house: (house.endpoint.pk, house.entry.pk),
        nothing=(NOBODY, NO_ROW),
        bodies=_ways(entry_body),
    ),
    "api-calls": Recipe(),
    "api-call": Recipe(args=_a_call, nothing=(NOBODY,)),
    "api-call-events": Recipe(args=lambda house: (house.call.pk,), nothing=(NOBODY,)),
    "api-call-cancel": Recipe(args=_a_call, nothing=(NOBODY,)),
    "api-call-recording": Recipe(args=_a_call, nothing=(NOBODY,)),
    "api-bulks": Recipe(bodies=_ways(bulk_body)),
    "api-bulk": Recipe(args=_a_bulk, nothing=(NOBODY,)),
    "api-bulk-pause": Recipe(args=_a_bulk, nothing=(NOBODY,)),
    "api-bulk-resume": Recipe(args=_a_bulk, nothing=(NOBODY,)),
    "api-bulk-reschedule": Recipe(
        args=_a_bulk, nothing=(NOBODY,), bodies={"POST": reschedule_body}
    ),
    "api-bulk-cancel": Recipe(args=_a_bulk, nothing=(NOBODY,)),
    "api-numbers": Recipe(bodies=_ways(number_body)),
    "api-number": Recipe(
        args=lambda house: (house.number.pk,),
        nothing=(NO_ROW,),
        bodies=_ways(number_body),
        deletes=lambda house: (house.spare_number.pk,),
    ),
    "api-webhooks": Recipe(bodies=_ways(webhook_body)),
    "api-webhook": Recipe(
        args=lambda house: (house.webhook.pk,), nothing=(NOBODY,), bodies=_ways(webhook_body)
    ),
    "api-webhook-rotate": Recipe(args=lambda house: (house.webhook.pk,), nothing=(NOBODY,)),
    "api-webhook-deliveries": Recipe(args=lambda house: (house.webhook.pk,), nothing=(NOBODY,)),
    "api-deliveries": Recipe(),
    "api-delivery": Recipe(args=lambda house: (house.delivery.pk,), nothing=(NOBODY,)),
    "api-delivery-replay": Recipe(args=lambda house: (house.delivery.pk,), nothing=(NOBODY,)),
    "api-refusals": Recipe(),
    "api-statistics": Recipe(),
    # What the API is like is no secret; whose account it is does not matter there.
    "api-schema": Recipe(public=True),
    "api-docs": Recipe(public=True),
}


def recipe_of(name: str) -> Recipe:
    assert name in RECIPES, f"{name} is new: say in {__name__} how it is used"
    return RECIPES[name]


def private_routes() -> list[str]:
    """The names of those that answer nobody without a key or a session."""
    return [name for name in routes() if not recipe_of(name).public]


def address(name: str, args: Args = ()) -> str:
    return reverse(f"clicktocall:{name}", args=args)


def everything_written() -> dict[str, list[Any]]:
    """Every row of this app, to see that a request has written nothing."""
    return {
        model._meta.model_name or "": [
            {name: value for name, value in row.items() if name != "last_used_at"}
            for row in model._default_manager.order_by("pk").values()
        ]
        for model in apps.get_app_config("clicktocall").get_models()
    }
