"""Whatever a stranger posts: never a 5xx, never a call, always the one shape."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import pytest
from django.test import Client

from clicktocall.models import Call, Endpoint
from tests.embed.hostile import (
    JSON,
    OTHER_TYPES,
    dumps,
    field_vectors,
    size_vectors,
    syntax_vectors,
    text_vectors,
)
from tests.embed.visitor import Browser, assert_refused, error_of
from tests.factories import ORIGIN

FIELDS = {**field_vectors(), **text_vectors()}
SYNTAX = syntax_vectors()
SIZES = size_vectors()
BODIES = {**SYNTAX, **SIZES}


def test_there_are_enough_of_them() -> None:
    assert len(FIELDS) + len(SYNTAX) + len(SIZES) + len(OTHER_TYPES) >= 200


def test_the_request_they_are_made_of_places_a_call(visitor: Browser) -> None:
    """Otherwise none of the others would prove anything."""
    answer = visitor.post(visitor.address("embed-calls"), dumps(visitor.wish()))

    assert answer.status_code == 202


@pytest.mark.parametrize("name", FIELDS)
def test_a_wrong_member_is_refused(visitor: Browser, name: str) -> None:
    answer = visitor.post(visitor.address("embed-calls"), FIELDS[name](visitor.wish()))

    assert_refused(answer, 400, "invalid_request")
    assert not Call.objects.exists(), f"{name} placed a call"


@pytest.mark.parametrize("name", SYNTAX)
def test_what_is_no_json_object_is_refused(visitor: Browser, name: str) -> None:
    answer = visitor.post(visitor.address("embed-calls"), SYNTAX[name](visitor.wish()))

    assert_refused(answer, 400, "invalid_request")
    assert not Call.objects.exists(), f"{name} placed a call"


@pytest.mark.parametrize("name", SIZES)
def test_what_is_too_large_is_refused(visitor: Browser, name: str) -> None:
    answer = visitor.post(visitor.address("embed-calls"), SIZES[name](visitor.wish()))

    assert_refused(answer, 413, "too_large")
    assert not Call.objects.exists(), f"{name} placed a call"


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_what_is_not_json_is_refused(visitor: Browser, content_type: str) -> None:
    answer = visitor.post(
        visitor.address("embed-calls"), dumps(visitor.wish()), Content_Type=content_type
    )

    assert_refused(answer, 415, "unsupported_media_type")
    assert not Call.objects.exists(), f"{content_type} placed a call"


@pytest.mark.parametrize(
    "content_type",
    [
        JSON,
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; x=y",
    ],
)
def test_every_spelling_of_json_is_accepted(visitor: Browser, content_type: str) -> None:
    answer = visitor.post(
        visitor.address("embed-calls"), dumps(visitor.wish()), Content_Type=content_type
    )

    assert answer.status_code == 202, answer.content


def test_exactly_64_kib_are_accepted(visitor: Browser) -> None:
    body = dumps(visitor.wish()).ljust(64 * 1024)

    assert visitor.post(visitor.address("embed-calls"), body).status_code == 202


def test_nesting_up_to_the_limit_is_accepted(visitor: Browser) -> None:
    body = dumps(visitor.wish(), x=[[[["deep"]]]])

    assert visitor.post(visitor.address("embed-calls"), body).status_code == 202


@pytest.mark.parametrize("name", BODIES)
def test_token_and_cancel_refuse_the_same(endpoint: Endpoint, visitor: Browser, name: str) -> None:
    told = visitor.connect().json()
    body = BODIES[name](visitor.wish())

    for address in (visitor.address("embed-token"), told["cancel_url"]):
        answer = visitor.post(address, body)
        if not body:  # both may be sent without a body
            assert answer.status_code == 200, address
            continue
        assert answer.status_code in (400, 413), f"{address}: {answer.status_code}"
        error_of(answer)
        assert Call.objects.get().state == "queued", f"{name} cancelled a call"


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_no_form_of_a_strangers_page_gets_a_token_or_cancels(
    visitor: Browser, content_type: str
) -> None:
    told = visitor.connect().json()

    for address in (visitor.address("embed-token"), told["cancel_url"]):
        answer = visitor.post(address, b"{}", Content_Type=content_type)
        assert_refused(answer, 415, "unsupported_media_type")
    assert Call.objects.get().state == "queued"


@pytest.mark.parametrize("encoding", ["chunked", "Chunked", "gzip, chunked", "identity", "x"])
@pytest.mark.parametrize("name", ["embed-calls", "embed-token"])
def test_a_body_without_a_length_is_411(visitor: Browser, name: str, encoding: str) -> None:
    answer = visitor.post(visitor.address(name), dumps(visitor.wish()), Transfer_Encoding=encoding)

    assert_refused(answer, 411, "length_required")
    assert not Call.objects.exists()


@pytest.mark.parametrize("length", ["abc", "1e3", "0x10", "1,2", "+ 5", "--1"])
def test_a_length_that_is_no_number_is_411(visitor: Browser, length: str) -> None:
    answer = visitor.post(
        visitor.address("embed-calls"), dumps(visitor.wish()), Content_Length=length
    )

    assert_refused(answer, 411, "length_required")
    assert not Call.objects.exists()


@pytest.mark.parametrize("difference", [-200, -50, -1, 1, 50, 5000])
def test_a_length_that_lies_is_refused(visitor: Browser, difference: int) -> None:
    """Longer than what arrives (the connection broke), or shorter (the rest is cut off)."""
    body = dumps(visitor.wish())

    environ: dict[str, Any] = {
        "CONTENT_LENGTH": str(len(body) + difference),
        "wsgi.input": io.BytesIO(body),
    }
    answer = Client(raise_request_exception=False).post(
        visitor.address("embed-calls"), body, JSON, headers={"Origin": ORIGIN}, **environ
    )

    assert_refused(answer, 400, "invalid_request")
    assert not Call.objects.exists()


@pytest.mark.parametrize("length", ["65537", "10000000", "9" * 30])
def test_a_length_that_announces_too_much_is_413_unread(visitor: Browser, length: str) -> None:
    answer = visitor.post(
        visitor.address("embed-calls"), dumps(visitor.wish()), Content_Length=length
    )

    assert_refused(answer, 413, "too_large")
    assert not Call.objects.exists()


@pytest.mark.parametrize("length", ["-1", "-5", "0"])
def test_a_length_of_nothing_is_no_request(visitor: Browser, length: str) -> None:
    answer = visitor.post(
        visitor.address("embed-calls"), dumps(visitor.wish()), Content_Length=length
    )

    assert_refused(answer, 400, "invalid_request")
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    "accept",
    ["text/html", "application/xml", "nonsense", ";", "image/*;q=0", "application/json;v=9"],
)
def test_an_odd_accept_header_keeps_the_shape(visitor: Browser, accept: str) -> None:
    answer = visitor.post(visitor.address("embed-calls"), {}, Accept=accept)

    assert answer.status_code in (400, 406)
    error_of(answer)


@pytest.mark.parametrize("query", ["?format=xml", "?format=json", "?format=", "?%00", "?a=%ff"])
def test_an_odd_query_keeps_the_shape(visitor: Browser, query: str) -> None:
    answer = visitor.post(visitor.address("embed-calls") + query, {})

    assert answer.status_code in (400, 404)
    error_of(answer)


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_in_a_good_request(visitor: Browser, seed: int) -> None:
    """One byte of the body changed: a call only if the request is still the same one."""
    choose = random.Random(seed)
    wish = visitor.wish()
    body = bytearray(dumps(wish))
    for _ in range(10):
        spoiled = bytearray(body)
        spoiled[choose.randrange(len(body))] = choose.randrange(256)
        answer = visitor.post(visitor.address("embed-calls"), bytes(spoiled))
        assert answer.status_code < 500, (answer.content, spoiled)
        if answer.status_code >= 400:
            error_of(answer)
    assert Call.objects.count() <= 1, "one token placed several calls"


def test_a_refusal_does_not_echo_what_was_sent(visitor: Browser) -> None:
    canary = "<script>canary</script>"
    bodies: list[Any] = [
        {"contact": canary},
        {canary: 1},
        {**visitor.wish(), "country": canary[:2]},
        {**visitor.wish(), "contact": canary},
    ]
    for body in bodies:
        answer = visitor.post(visitor.address("embed-calls"), json.dumps(body).encode())
        assert b"canary" not in answer.content
    answer = visitor.post(visitor.address("embed-calls"), b"{}", Content_Type=f"text/{canary}")
    assert b"<script>" not in answer.content or answer["Content-Type"] == JSON
    assert answer["X-Content-Type-Options"] == "nosniff"
