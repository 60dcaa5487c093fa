"""Only pages of the endpoint's own sites: exact scheme, host and port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clicktocall.models import Call, Endpoint
from tests.embed.visitor import Browser, assert_refused
from tests.factories import ORIGIN, make_call, make_endpoint

# Each of these resembles https://shop.example and is another origin, or none.
LOOK_ALIKES = [
    "http://shop.example",
    "https://shop.example:443",
    "https://shop.example:8443",
    "https://shop.example:80",
    "https://shop.example:0443",
    "https://shop.example:",
    "https://shop.example/",
    "https://shop.example/shop",
    "https://shop.example?",
    "https://shop.example#",
    "https://shop.example.",
    "https://shop.example..",
    "https://.shop.example",
    "https://www.shop.example",
    "https://shop.example.evil.example",
    "https://shop.example.com",
    "https://shop.exampleevil",
    "https://evilshop.example",
    "https://evil-shop.example",
    "https://shop-example",
    "https://shopxexample",
    "https://shop.example@evil.example",
    "https://user@shop.example",
    "https://user:password@shop.example",
    "https://evil.example/https://shop.example",
    "https://evil.example?https://shop.example",
    "https://evil.example#https://shop.example",
    "https://SHOP.example",
    "HTTPS://shop.example",
    "https://Shop.Example",
    " https://shop.example ",
    "https://shop.example https://evil.example",
    "https://shop.example,https://evil.example",
    "https://evil.example, https://shop.example",
    "https:shop.example",
    "https:/shop.example",
    "https:///shop.example",
    "//shop.example",
    "shop.example",
    "https://",
    "https",
    "wss://shop.example",
    "file://",
    "file://shop.example",
    "chrome-extension://shop.example",
    "null",
    "NULL",
    "*",
    "undefined",
    "https://sh\u00f6p.example",
    "https://xn--shop-example",
    "https://xn--shp-fka.example",
    "https://shop\u3002example",
    "https://\uff53hop.example",
    "https://sh\u043ep.example",
    "https://shop%2eexample",
    "https://shop.example%00",
    "https://shop.example%00.evil.example",
    "https://shop.example\\@evil.example",
    "https://shop.example\t",
    "https://[shop.example]",
    "https://" + "a" * 5000 + ".example",
]

Send = Callable[[Browser, dict[str, str]], Any]


def get_config(browser: Browser, headers: dict[str, str]) -> Any:
    return browser.request("GET", browser.address("embed-config"), headers=headers)


def ask_for_token(browser: Browser, headers: dict[str, str]) -> Any:
    return browser.request("POST", browser.address("embed-token"), b"{}", headers)


def ask_before(browser: Browser, headers: dict[str, str]) -> Any:
    return browser.request("OPTIONS", browser.address("embed-calls"), headers=headers)


SENDERS = [get_config, ask_for_token, ask_before]


def as_header(text: str) -> str:
    """Non-ASCII text as a server reads it out of a header's bytes."""
    return text.encode().decode("latin-1")


@pytest.mark.parametrize("send", SENDERS)
def test_an_allowed_origin_is_echoed_exactly(endpoint: Endpoint, send: Send) -> None:
    answer = send(Browser(endpoint), {})

    assert answer.status_code in (200, 204)
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in answer
    assert "origin" in answer["Vary"].lower()


@pytest.mark.parametrize("send", SENDERS)
@pytest.mark.parametrize("origin", [*LOOK_ALIKES, ""])
def test_a_look_alike_is_refused_without_a_word_of_cors(
    endpoint: Endpoint, send: Send, origin: str
) -> None:
    answer = send(Browser(endpoint, as_header(origin)), {})

    assert_refused(answer, 403, "not_available")
    assert "Access-Control-Allow-Origin" not in answer, f"{origin!r} was let in"
    assert "origin" in answer["Vary"].lower()
    assert "no-store" in answer["Cache-Control"], "a refusal may be cached"


@pytest.mark.parametrize("origin", [*LOOK_ALIKES, "", None])
def test_a_look_alike_gets_no_call_even_with_a_token_of_the_shop(
    endpoint: Endpoint, origin: str | None
) -> None:
    token = Browser(endpoint).token()

    answer = Browser(endpoint, None if origin is None else as_header(origin)).connect(token=token)

    assert_refused(answer, 403, "not_available")
    assert "Access-Control-Allow-Origin" not in answer
    assert not Call.objects.exists(), f"{origin!r} placed a call"


@pytest.mark.parametrize("site", [None, "same-site", "cross-site", "none", "Same-Origin", "x"])
@pytest.mark.parametrize("send", SENDERS)
def test_a_missing_origin_is_foreign(endpoint: Endpoint, send: Send, site: str | None) -> None:
    headers = {} if site is None else {"Sec-Fetch-Site": site}

    assert_refused(send(Browser(endpoint, None), headers), 403, "not_available")


def test_a_get_without_origin_from_the_same_origin_passes(endpoint: Endpoint) -> None:
    answer = Browser(endpoint, None).config(Sec_Fetch_Site="same-origin")

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.parametrize("send", [ask_for_token, ask_before])
def test_only_a_get_may_lack_its_origin(endpoint: Endpoint, send: Send) -> None:
    answer = send(Browser(endpoint, None), {"Sec-Fetch-Site": "same-origin"})

    assert_refused(answer, 403, "not_available")


def test_same_origin_does_not_excuse_a_foreign_origin(endpoint: Endpoint) -> None:
    answer = Browser(endpoint, "https://evil.example").config(Sec_Fetch_Site="same-origin")

    assert_refused(answer, 403, "not_available")


@pytest.mark.django_db
def test_an_endpoint_without_origins_lets_nobody_in() -> None:
    endpoint = make_endpoint(allowed_origins=[])

    for origin in (ORIGIN, "null", "", None):
        assert_refused(Browser(endpoint, origin).config(), 403, "not_available")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "allowed", ["http://localhost:8000", "http://127.0.0.1:8000", "https://[::1]:8443"]
)
def test_a_port_belongs_to_the_origin(allowed: str) -> None:
    endpoint = make_endpoint(allowed_origins=[allowed])

    assert Browser(endpoint, allowed).config()["Access-Control-Allow-Origin"] == allowed
    assert_refused(Browser(endpoint, allowed.rpartition(":")[0]).config(), 403, "not_available")


@pytest.mark.django_db
def test_each_site_is_echoed_as_itself() -> None:
    endpoint = make_endpoint(allowed_origins=[ORIGIN, "https://blog.example"])

    for origin in endpoint.allowed_origins:
        assert Browser(endpoint, origin).config()["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("name", ["embed-config", "embed-token", "embed-calls"])
def test_the_preflight_allows_what_the_widget_needs(visitor: Browser, name: str) -> None:
    answer = visitor.request(
        "OPTIONS",
        visitor.address(name),
        headers={
            "Access-Control-Request-Method": "GET" if name == "embed-config" else "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )

    assert (answer.status_code, answer.content) == (204, b"")
    assert ("GET" if name == "embed-config" else "POST") in answer["Access-Control-Allow-Methods"]
    allowed = answer["Access-Control-Allow-Headers"].lower()
    assert "content-type" in allowed
    assert "if-none-match" in allowed
    assert 0 < int(answer["Access-Control-Max-Age"]) <= 7200
    assert "Access-Control-Allow-Credentials" not in answer


def test_status_and_cancel_are_for_pages_of_the_endpoint_only(
    endpoint: Endpoint, visitor: Browser
) -> None:
    told = visitor.connect().json()
    stranger = Browser(endpoint, "https://evil.example")

    assert_refused(stranger.get(told["status_url"]), 403, "not_available")
    assert_refused(stranger.post(told["cancel_url"]), 403, "not_available")
    assert_refused(Browser(endpoint, None).get(told["status_url"]), 403, "not_available")
    assert_refused(Browser(endpoint, None).post(told["cancel_url"]), 403, "not_available")
    assert Call.objects.get().state == "queued", "a stranger cancelled the call"

    preflight = visitor.request("OPTIONS", told["cancel_url"])
    assert preflight.status_code == 204
    assert preflight["Access-Control-Allow-Origin"] == ORIGIN
    assert_refused(stranger.request("OPTIONS", told["cancel_url"]), 403, "not_available")


def test_a_page_of_another_endpoint_cannot_watch_this_ones_calls(endpoint: Endpoint) -> None:
    other = make_endpoint(allowed_origins=["https://other.example"])
    told = Browser(endpoint).connect().json()

    assert_refused(
        Browser(other, "https://other.example").get(told["status_url"]), 403, "not_available"
    )
    assert make_call(other).endpoint_id != endpoint.id


def test_every_answer_of_the_door_keeps_out_of_shared_caches_but_the_configuration(
    endpoint: Endpoint, visitor: Browser
) -> None:
    told = visitor.connect().json()
    answers = {
        "token": visitor.post(visitor.address("embed-token")),
        "connect": visitor.connect(),
        "status": visitor.get(told["status_url"]),
        "cancel": visitor.post(told["cancel_url"]),
        "refusal": Browser(endpoint, "https://evil.example").config(),
    }

    for name, answer in answers.items():
        assert answer["Cache-Control"] == "no-store", name
        assert not answer.cookies, f"{name} sets a cookie"
