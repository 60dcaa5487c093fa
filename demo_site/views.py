"""The demo's shop window. It embeds the button from another origin, as a customer's site would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import Resolver404, resolve, reverse

from clicktocall.models import Endpoint
from clicktocall.numbers import group, national
from demo_site import settings
from demo_site.data import OPENING_HOURS, SERVICE_MENU, VISITOR_FIRST, WORKSHOP, button_id

API_PREFIX = "/clicktocall/"

# What the shop calls the buttons that ring nobody but the visitor.
_PLAYING = {OPENING_HOURS: "Hear our opening hours", SERVICE_MENU: "Ask the service menu"}


def shop(request: HttpRequest) -> HttpResponse:
    """The bicycle workshop's page: 503 with a hint until the demo data exists."""
    api_origin = _other_origin(request)
    endpoint = _endpoint(WORKSHOP)
    if endpoint is None:
        answer = render(request, "demo_site/not_ready.html", status=503)
    else:
        answer = render(request, "demo_site/shop.html", _shop_context(endpoint, api_origin))
    return _with_policy(
        answer,
        {
            "default-src": "'none'",
            "script-src": f"{api_origin} 'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "connect-src": api_origin,
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        },
    )


def strict_csp(request: HttpRequest) -> HttpResponse:
    """The strictest page the button must work on: the script and the element, nothing else."""
    api_origin = _other_origin(request)
    endpoint = _endpoint(WORKSHOP)
    if endpoint is None:
        answer = render(request, "demo_site/not_ready.html", status=503)
    else:
        context = {**_addresses(api_origin), "button": _button(endpoint)}
        answer = render(request, "demo_site/strict_csp.html", context)
    return _with_policy(
        answer,
        {"default-src": "'none'", "script-src": api_origin, "connect-src": api_origin},
    )


def _shop_context(endpoint: Endpoint, api_origin: str) -> dict[str, Any]:
    addresses = _addresses(api_origin)
    button = _button(endpoint)
    visitor_first = _endpoint(VISITOR_FIRST)
    return {
        **addresses,
        "endpoint": endpoint,
        "button": button,
        "visitor_first": _button(visitor_first) if visitor_first else None,
        "snippet": render_to_string(
            "demo_site/snippet.html", {**addresses, "button": button}
        ).strip(),
        "provider": settings.PROVIDER,
        "playing": list(_playing()),
        "numbers": _numbers(faults=False),
        "further_numbers": _numbers(faults=True),
        "admin_url": api_origin + reverse("admin:index"),
        "api_docs_url": _api_docs_url(api_origin),
    }


def _addresses(api_origin: str) -> dict[str, str]:
    return {
        "api_origin": api_origin,
        "api_base": api_origin + API_PREFIX,
        "widget_src": api_origin + static("clicktocall/widget.js"),
    }


def _endpoint(name: str) -> Endpoint | None:
    return Endpoint.objects.filter(pk=button_id(name)).first()


def _numbers(*, faults: bool) -> list[dict[str, Any]]:
    return [
        {**asdict(number), "number": group(number.contact)}
        for number in settings.PROVIDER.numbers()
        if number.is_fault == faults
    ]


def _playing() -> Iterator[dict[str, Any]]:
    for name, label in _PLAYING.items():
        endpoint = _endpoint(name)
        if endpoint is not None:
            yield {"button": _button(endpoint), "label": label}


def _button(endpoint: Endpoint) -> dict[str, str]:
    """What stands in the markup: the endpoint's id and the telephone link inside the element."""
    phone: Any = endpoint.fallback_phone
    number = str(phone.as_e164) if phone else ""
    return {"endpoint": endpoint.id, "phone": number, "phone_display": national(number)}


def _api_docs_url(api_origin: str) -> str:
    """The page of the native API; empty while the app has none."""
    path = API_PREFIX + "api/v1/docs/"
    try:
        resolve(path)
    except Resolver404:
        return ""
    return api_origin + path


def _other_origin(request: HttpRequest) -> str:
    """This server under its other name, which to a browser is a stranger's origin."""
    host, port = split_domain_port(request.get_host())
    other = "127.0.0.1" if host == "localhost" else "localhost"
    return f"{request.scheme}://{other}:{port}" if port else f"{request.scheme}://{other}"


def _with_policy(answer: HttpResponse, policy: Mapping[str, str]) -> HttpResponse:
    directives = (f"{name} {sources}" for name, sources in policy.items())
    answer["Content-Security-Policy"] = "; ".join(directives)
    answer["Cache-Control"] = "no-store"
    return answer
